/* serve.c - gantry serve: runs the host. */
#include "serving.h"
#include "util/str.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "127.0.0.1:8080"

static int exec_serve(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    GN_SERVING_OPTIONS,
    {"stdio", 0, NULL, "serve one client on standard input and output, until input ends"},
    {0},
};

const struct gn_command gn_command_serve = {
    .name = "serve",
    .summary = "run the host",
    .options = options,
    .usage =
        "Without --stdio, --http and listeners in the configuration: serves standard input and\n"
        "output if something is connected to them, and http://" DEFAULT_ADDRESS "/mcp if standard\n"
        "input is a terminal or empty.\n"
        "\n"
        "With --stdio, what plugins print goes to standard error, as the log does. SIGHUP reads\n"
        "the configuration again; SIGTERM and SIGINT let running calls finish, then stop.\n"
        "\n"
        "  gantry serve --plugins ~/plugins --http 127.0.0.1:8080\n"
        "  gantry serve --stdio --plugin build/weather.so\n",
    .exec = exec_serve,
};

struct serve {
    struct gn_serving serving;
    bool input_connected; /* something other than a terminal or /dev/null is at standard input */
};

static bool is_connected(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || isatty(fd))
        return false;
    return !(S_ISCHR(st.st_mode) && major(st.st_rdev) == 1 && minor(st.st_rdev) == 3);
}

static int choose_transport(void *arg, struct gn_config *c, struct gn_buf *problems)
{
    struct serve *s = arg;
    struct gn_error err = {0};
    if (gn_cli_has(s->serving.args, "stdio"))
        c->stdio = true;
    if (c->stdio || c->listener_count > 0)
        return 0;
    if (s->input_connected)
        c->stdio = true;
    else if (gn_config_add(c, "http.listen", DEFAULT_ADDRESS, &err))
        return gn_buf_addf(problems, "%s\n", err.text), GN_EINVAL;
    return 0;
}

static int exec_serve(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct serve s = {.serving = {args, choose_transport, &s}};
    s.input_connected = is_connected(STDIN_FILENO);
    struct gn_put_aside aside = gn_serving_put_aside();
    if (!gn_cli_words(cli, args, 0))
        return GN_EXIT_USAGE;
    struct gn_buf problems = GN_BUF_INIT(1 << 20);
    struct gn_config *c = NULL;
    if (gn_serving_check_files(args, &problems) == 0)
        c = gn_serving_config(&s.serving, &problems);
    if (!c)
        gn_cli_fail_lines(cli, gn_buf_str(&problems));
    gn_buf_release(&problems);
    if (!c)
        return GN_EXIT_USAGE;
    if (!c->stdio) {
        close(aside.in);
        close(aside.out);
    }
    struct gn_host_options host = {
        .config = c,
        .reload = gn_serving_reload,
        .reload_arg = &s.serving,
        .self_exe = cli->self,
        .stdin_fd = c->stdio ? aside.in : -1,
        .stdout_fd = c->stdio ? aside.out : -1,
        .ready_file = gn_cli_value(args, "ready-file"),
        .arg = &s.serving,
    };
    return gn_host_run(&host);
}
