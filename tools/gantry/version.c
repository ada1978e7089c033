/* version.c - gantry version. */
#include "cli.h"
#include "gantry.h"
#include "util/str.h"

static int exec_version(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    {"output", 'o', "text|json", "for people (default) or programs"},
    {0},
};

const struct gn_command gn_command_version = {
    .name = "version",
    .summary = "print the versions of the program, the plugin interface and the protocol",
    .options = options,
    .exec = exec_version,
};

static const char *const revisions[] = {"2024-11-05", "2025-03-26", "2025-06-18",
                                        "2025-11-25", "2026-07-28", NULL};
static const char *const outputs[] = {"text", "json", NULL};

static int exec_version(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_error err = {0};
    int output = gn_cli_choice(args, "output", outputs, &err);
    if (output < 0)
        return gn_cli_usage(cli, "%s", err.text);
    if (!gn_cli_words(cli, args, 0))
        return GN_EXIT_USAGE;
    if (output == 1) {
        json_t *protocols = json_array();
        for (size_t i = 0; revisions[i]; i++)
            json_array_append_new(protocols, json_string(revisions[i]));
        json_t *root = json_pack("{s:s, s:[i, i], s:o}", "version", GANTRY_VERSION, "abi",
                                 GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR, "protocol", protocols);
        gn_cli_print_json(stdout, root);
        json_decref(root);
        return GN_EXIT_OK;
    }
    printf("gantry %s\nplugin interface %d.%d\nprotocol", GANTRY_VERSION, GANTRY_ABI_MAJOR,
           GANTRY_ABI_MINOR);
    for (size_t i = 0; revisions[i]; i++)
        printf(" %s", revisions[i]);
    putchar('\n');
    return GN_EXIT_OK;
}
