/* call.c - gantry call: calls a tool. */
#include "target.h"

#include <stdlib.h>

#define TASK_TTL_MS 3600000 /* that a task's result is asked to be kept */

static int exec_call(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    {"json", 'j', "OBJECT", "arguments as JSON; - reads them from standard input"},
    GN_SAVE_OPTION,
    {"task", 0, NULL, "let the server run it as a task, whose result it keeps for a while"},
    GN_TARGET_OPTIONS,
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
    "more than once it makes a list (where there is none, the last counts). KEY:=JSON gives any\n"
    "value. The exit code is 1 if the tool fails; its message then goes to standard error.\n"
    "\n"
    "  gantry call http://127.0.0.1:8080 greet name=World times=2\n"
    "  gantry call greet --json '{\"name\": \"World\"}' -- gantry serve --stdio --plugins DIR\n",
    .exec = exec_call,
};

/* tools/call with the arguments as text; owned. */
static gantry_request *start(struct gn_target *t, const json_t *arguments)
{
    char *text = json_dumps(arguments, JSON_COMPACT | JSON_REAL_PRECISION(17));
    uint32_t ttl = gn_cli_has(t->args, "task") ? TASK_TTL_MS : 0;
    gantry_request *r = gantry_client_call_tool(t->client, t->words[0], text,
                                                GANTRY_REQUEST_OPTIONS(.task_ttl_ms = ttl));
    free(text);
    return r;
}

static int call_tool(struct gn_target *t, json_t *arguments, const json_t *tool)
{
    struct gn_error err = {0};
    json_t *result;
    if (gn_arguments_add(arguments, t->words + 1, json_object_get(tool, "inputSchema"), &err))
        return gn_cli_usage(t->cli, "%s", err.text);
    int rc = gn_target_take(t, start(t, arguments), &result);
    if (rc <= GN_EXIT_FAILED && !gn_target_print(t, result)) {
        int shown = gn_show_result(rc ? stderr : stdout, gn_cli_value(t->args, "save"), result);
        rc = rc ? rc : shown;
    }
    json_decref(result);
    return rc;
}

/* Standard input is read before anything is started that would wait for it. */
static int exec_call(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t = {0};
    struct gn_error err = {0};
    json_t *tools = NULL, *arguments = NULL;
    if (gn_arguments_json(args, &arguments, &err))
        return gn_cli_usage(cli, "%s", err.text);
    int rc = gn_target_open(&t, cli, args, 1, "the name of a tool");
    if (rc == 0) {
        rc = gn_target_list(&t, GANTRY_LIST_TOOLS, "tools", &tools);
        const json_t *tool = rc ? NULL : gn_target_find(&t, tools, "tool", t.words[0]);
        rc = tool ? call_tool(&t, arguments, tool) : rc ? rc : GN_EXIT_PROTOCOL;
        gn_target_close(&t);
    }
    json_decref(tools);
    json_decref(arguments);
    return rc;
}
