/* config_check.c - gantry config check: all that is wrong in a configuration file, at once. */
#include "cli.h"
#include "config/config.h"
#include "util/str.h"

#include <string.h>

static int exec_config_check(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    {"insecure", 0, NULL, "check it as `serve --insecure` would"},
    {0},
};

const struct gn_command gn_command_config_check = {
    .name = "config check",
    .args = "FILE",
    .summary = "print all that is wrong in a configuration file",
    .options = options,
    .usage =
        "Each problem is one line on standard output, FILE:LINE: KEY: what is wrong; the exit\n"
        "code is 1 if there are any. Environment variables are replaced as `serve` does it.\n",
    .exec = exec_config_check,
};

static int exec_config_check(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    if (!gn_cli_words(cli, args, 1))
        return GN_EXIT_USAGE;
    struct gn_buf problems = GN_BUF_INIT(1 << 20);
    struct gn_config *c = gn_config_load(args->words[0], &problems);
    if (c && gn_cli_has(args, "insecure"))
        c->insecure = true;
    if (c)
        gn_config_validate(c, &problems);
    gn_config_free(c);
    int code = GN_EXIT_OK;
    if (problems.len > 0) {
        gn_cli_print_text(stdout, problems.data, problems.len);
        code = GN_EXIT_FAILED;
    } else {
        gn_cli_print_line(stdout, args->words[0]);
        fputs(": fine\n", stdout);
    }
    gn_buf_release(&problems);
    return code;
}
