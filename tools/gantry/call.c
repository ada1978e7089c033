/* call.c - gantry call: calls a tool. */
#include "target.h"

#include "util/str.h"

static int exec_call(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    GN_TARGET_OPTIONS,
    {"json", 'j', "OBJECT", "arguments as JSON; - reads them from standard input"},
    {0},
};

const struct gn_command gn_command_call = {
    .name = "call",
    .args = "TARGET TOOL [KEY=VALUE | KEY:=JSON ...]",
    .summary = "call a tool and print its result",
    .options = options,
    .usage = GN_TARGET_USAGE
    "\n"
    "KEY=VALUE gives a text, or, if the tool's schema says so, a number or true or false; given\n"
    "more than once it makes a list. KEY:=JSON gives any value. The exit code is 1 if the tool\n"
    "fails; its message then goes to standard error.\n"
    "\n"
    "  gantry call http://127.0.0.1:8080 greet name=World times=2\n"
    "  gantry call greet --json '{\"name\": \"World\"}' -- gantry serve --stdio --plugins DIR\n",
    .exec = exec_call,
};

static int call_tool(struct gn_target *t, const struct gn_cli_args *args, const json_t *tool)
{
    const json_t *schema = json_object_get(tool, "inputSchema");
    struct gn_error err = {0};
    json_t *arguments, *result = NULL;
    char **headers = NULL;
    if (gn_cli_client_wants_headers(t->client) && gn_param_headers_check(schema, &err))
        return gn_cli_fail(t->cli, GN_EXIT_PROTOCOL, "the server's %s must not be called: %s",
                           t->words[0], err.text);
    if (gn_arguments_read(args, t->words + 1, schema, &arguments, &err))
        return gn_cli_usage(t->cli, "%s", err.text);
    if (gn_cli_client_wants_headers(t->client))
        headers = gn_param_headers_make(schema, arguments);
    json_t *params = json_pack("{s:s, s:o}", "name", t->words[0], "arguments", arguments);
    int rc = gn_target_request(t, "tools/call", params, t->words[0], (const char *const *)headers,
                               &result);
    gn_param_headers_free(headers);
    json_decref(params);
    if (rc)
        return rc;
    bool failed = json_is_true(json_object_get(result, "isError"));
    if (t->json)
        gn_cli_print_json(stdout, result);
    else
        gn_show_result(failed ? stderr : stdout, result);
    json_decref(result);
    return failed ? GN_EXIT_FAILED : GN_EXIT_OK;
}

static int exec_call(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t;
    json_t *tools = NULL;
    int rc = gn_target_open(&t, cli, args, 1, "the name of a tool");
    if (rc)
        return rc;
    rc = gn_target_list(&t, "tools/list", "tools", &tools);
    if (rc == 0) {
        const json_t *tool = gn_target_find(&t, tools, "tool", t.words[0]);
        rc = tool ? call_tool(&t, args, tool) : GN_EXIT_PROTOCOL;
    }
    json_decref(tools);
    gn_target_close(&t);
    return rc;
}
