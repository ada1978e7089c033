/* main.c - finds the command and parses its options. */
#include "cli.h"
#include "util/alloc.h"
#include "util/str.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

extern const struct gn_command gn_command_serve, gn_command_dev, gn_command_new, gn_command_check,
    gn_command_config_check, gn_command_token, gn_command_list, gn_command_call, gn_command_read,
    gn_command_prompt, gn_command_complete, gn_command_inspect, gn_command_ping, gn_command_watch,
    gn_command_servers, gn_command_install, gn_command_uninstall, gn_command_help,
    gn_command_version;

const struct gn_command *const gn_commands[] = {
    &gn_command_serve,        &gn_command_dev,    &gn_command_new,      &gn_command_check,
    &gn_command_config_check, &gn_command_token,  &gn_command_list,     &gn_command_call,
    &gn_command_read,         &gn_command_prompt, &gn_command_complete, &gn_command_inspect,
    &gn_command_ping,         &gn_command_watch,  &gn_command_servers,  &gn_command_install,
    &gn_command_uninstall,    &gn_command_help,   &gn_command_version,  NULL,
};

/* The file of this program, for starting it again. */
static void find_self(char out[PATH_MAX])
{
    static const char link[] = "/proc/self/exe";
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    out[n > 0 ? n : 0] = '\0';
    /* Replaced or removed while it runs: the link itself still leads to it. */
    if (n <= 0 || access(out, X_OK) != 0)
        memcpy(out, link, sizeof(link));
}

/* The command that argv begins with; ret_words is how many words its name has. */
static const struct gn_command *find_command(int argc, char **argv, int *ret_words)
{
    for (const struct gn_command *const *c = gn_commands; *c; c++) {
        const char *blank = strchr((*c)->name, ' ');
        size_t first = blank ? (size_t)(blank - (*c)->name) : strlen((*c)->name);
        if (strlen(argv[0]) != first || memcmp(argv[0], (*c)->name, first) != 0)
            continue;
        if (blank && (argc < 2 || !gn_streq(argv[1], blank + 1)))
            continue;
        *ret_words = blank ? 2 : 1;
        return *c;
    }
    return NULL;
}

static int unknown_command(const struct gn_cli *cli, int argc, char **argv)
{
    const char *names[64] = {0};
    for (size_t i = 0; gn_commands[i] && i + 1 < GN_COUNT(names); i++) {
        const char *blank = strchr(gn_commands[i]->name, ' ');
        names[i] = gn_commands[i]->name;
        size_t first = blank ? (size_t)(blank - names[i]) : 0;
        if (blank && strlen(argv[0]) == first && memcmp(argv[0], names[i], first) == 0)
            return gn_cli_usage(cli, "%s: there is %s", argc > 1 ? argv[1] : argv[0], names[i]);
    }
    const char *near = gn_nearest(argv[0], names);
    return gn_cli_usage(cli, "there is no command \"%s\"%s%s%s", argv[0],
                        near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
}

static int run_command(struct gn_cli *cli, int argc, char **argv)
{
    struct gn_error err = {0};
    struct gn_cli_args args;
    if (gn_cli_parse(cli->command->options, argc, argv, &args, &err))
        return gn_cli_usage(cli, "%s", err.text);
    int code = GN_EXIT_OK;
    if (gn_cli_has(&args, "help"))
        gn_cli_print_command_help(stdout, cli->command);
    else
        code = cli->command->exec(cli, &args);
    gn_cli_args_release(&args);
    /* A full disk is a failure, too. A reader that has gone away (`| head`) has what it wanted. */
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    int reason = errno;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (failed && poll(&out, 1, 0) > 0 && (out.revents & POLLERR))
        return code ? code : GN_EXIT_FAILED;
    if (failed && code == GN_EXIT_OK)
        code = gn_cli_fail(cli, GN_EXIT_FAILED, "cannot write to standard output%s%s",
                           reason ? ": " : "", reason ? strerror(reason) : "");
    return code;
}

int gn_cli_main(int argc, char **argv)
{
    char self[PATH_MAX];
    struct gn_cli cli = {.self = self};
    find_self(self);
    if (argc < 2) {
        gn_cli_print_help(stderr);
        return GN_EXIT_USAGE;
    }
    if (gn_streq(argv[1], "--help") || gn_streq(argv[1], "-h")) {
        gn_cli_print_help(stdout);
        return GN_EXIT_OK;
    }
    static char version[] = "version";
    if (gn_streq(argv[1], "--version") || gn_streq(argv[1], "-V"))
        argv[1] = version;
    int words;
    cli.command = find_command(argc - 1, argv + 1, &words);
    if (!cli.command)
        return unknown_command(&cli, argc - 1, argv + 1);
    return run_command(&cli, argc - 1 - words, argv + 1 + words);
}
