/* read.c - gantry read: reads a resource. */
#include "target.h"

static int exec_read(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {GN_SAVE_OPTION, GN_TARGET_OPTIONS, {0}};

const struct gn_command gn_command_read = {
    .name = "read",
    .args = "TARGET URI",
    .summary = "print a resource",
    .options = options,
    .usage = GN_TARGET_USAGE
    "\n"
    "Text and bytes are written as they are; a terminal is spared the bytes.\n"
    "\n"
    "  gantry read http://127.0.0.1:8080 file:///README.md\n",
    .exec = exec_read,
};

static int exec_read(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t = {0};
    json_t *result = NULL;
    size_t wanted = args->tail ? 1 : 2;
    if (args->word_count > wanted)
        return gn_cli_usage(cli, "what is \"%s\"? One argument too many", args->words[wanted]);
    int rc = gn_target_open(&t, cli, args, 1, "the URI of a resource");
    if (rc)
        return rc;
    rc = gn_target_take(&t, gantry_client_read_resource(t.client, t.words[0], NULL), &result);
    if (rc == 0 && !gn_target_print(&t, result))
        rc = gn_show_resource(stdout, gn_cli_value(args, "save"),
                              json_object_get(result, "contents"));
    if (rc == GN_EXIT_PROTOCOL && result)
        gn_cli_fail(cli, 0, "the server's bytes are not Base64");
    json_decref(result);
    gn_target_close(&t);
    return rc;
}
