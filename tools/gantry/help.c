/* help.c - gantry help: all commands, or one of them. */
#include "cli.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define COLUMN 28

static int exec_help(const struct gn_cli *cli, const struct gn_cli_args *args);

const struct gn_command gn_command_help = {
    .name = "help",
    .args = "[COMMAND]",
    .summary = "explain a command",
    .exec = exec_help,
};

/* A text set in by COLUMN; the first line begins after `used` columns. */
static void print_set_in(FILE *out, size_t used, const char *text)
{
    if (used + 2 > COLUMN) {
        fputc('\n', out);
        used = 0;
    }
    fprintf(out, "%*s", (int)(COLUMN - used), "");
    for (; *text; text++) {
        fputc(*text, out);
        if (*text == '\n')
            fprintf(out, "%*s", COLUMN, "");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct gn_cli_option *o)
{
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    int n = fprintf(out, "  %s--%s%s%s", letter, o->name, o->value ? " " : "",
                    o->value ? o->value : "");
    print_set_in(out, n > 0 ? (size_t)n : 0, o->help);
}

static int exec_help(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    if (args->word_count == 0) {
        gn_cli_print_help(stdout);
        return GN_EXIT_OK;
    }
    GN_AUTO_FREE char *name = args->word_count == 2
                                  ? gn_format("%s %s", args->words[0], args->words[1])
                                  : gn_strdup(args->words[0]);
    /* The only command of two words: its first one alone is clear enough. */
    if (gn_streq(name, "config")) {
        gn_free(name);
        name = gn_strdup("config check");
    }
    const char *names[64] = {0};
    for (size_t i = 0; gn_commands[i] && i + 1 < GN_COUNT(names); i++) {
        names[i] = gn_commands[i]->name;
        if (gn_streq(name, names[i])) {
            gn_cli_print_command_help(stdout, gn_commands[i]);
            return GN_EXIT_OK;
        }
    }
    const char *near = gn_nearest(name, names);
    return gn_cli_fail(cli, GN_EXIT_USAGE, "there is no command \"%s\"%s%s%s", name,
                       near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
}

void gn_cli_print_help(FILE *out)
{
    fputs(
        "gantry - a host for MCP servers made of plugins\n\nusage: gantry COMMAND [OPTION...]\n\n",
        out);
    for (const struct gn_command *const *c = gn_commands; *c; c++) {
        int n = fprintf(out, "  %s", (*c)->name);
        print_set_in(out, n > 0 ? (size_t)n : 0, (*c)->summary);
    }
    fputs("\n"
          "gantry COMMAND --help explains a command, its options and arguments.\n"
          "\n"
          "  gantry new weather && gantry dev weather          write a plugin\n"
          "  gantry serve --plugins DIR                        serve all plugins of a folder\n"
          "  gantry call http://127.0.0.1:8080/mcp greet name=World\n"
          "\n"
          "exit codes: 0 fine, 1 the tool failed or what was checked is wrong, 2 wrong usage,\n"
          "            3 no connection, 4 the server answered with a protocol error\n",
          out);
}

void gn_cli_print_command_help(FILE *out, const struct gn_command *command)
{
    fprintf(out, "gantry %s - %s\n\nusage: gantry %s%s%s%s\n", command->name, command->summary,
            command->name, command->options ? " [OPTION...]" : "", command->args ? " " : "",
            command->args ? command->args : "");
    if (command->options) {
        fputc('\n', out);
        for (const struct gn_cli_option *o = command->options; o->name; o++)
            print_option(out, o);
    }
    if (command->usage)
        fprintf(out, "\n%s", command->usage);
}
