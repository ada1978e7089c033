/* logging_levels.c - from the guide's chapter "Server-Side Logging": Log Level Management.
 *
 * A plugin may set the level of its own lines while it runs, until the configuration is read again.
 */
#include <gantry.h>

typedef struct {
    const char *level;
} set_log_level_in;

static const gantry_arg set_log_level_args[] = {
    GANTRY_ARG(set_log_level_in, level, "Lines below it are left out",
               GANTRY_ONE_OF("debug", "info", "warning", "error")),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(set_log_level, set_log_level_in, "Change logging level at runtime")
{
    int rc = gantry_set_log_level(gantry_self(call), NULL, gantry_level_of(in->level));
    if (rc)
        return rc;
    gantry_log(call, GANTRY_INFO, "Log level changed to %s", in->level);
    return gantry_structured_json(call,
                                  GANTRY_OBJECT(call, "level", in->level, "status", "updated"));
}

typedef struct {
    const gantry_json *data;
} debug_operation_in;

static const gantry_arg debug_operation_args[] = {
    GANTRY_ARG(debug_operation_in, data, "Anything", .schema_json = "{\"type\":\"object\"}"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(debug_operation, debug_operation_in, "Operation with conditional debug logging")
{
    bool valid = gantry_json_count(in->data) > 0;

    /* Always logged at level info. */
    gantry_log(call, GANTRY_INFO, "Debug operation started");

    /* These appear only if the level is debug. */
    gantry_log_with(call, GANTRY_DEBUG, NULL, GANTRY_FIELDS("data", in->data),
                    "Input data received");
    gantry_log_with(call, GANTRY_DEBUG, NULL, GANTRY_FIELDS("valid", valid), "Validation step");

    const char *result = valid ? "processed" : "nothing to process";

    gantry_log_with(call, GANTRY_DEBUG, NULL, GANTRY_FIELDS("result", result), "Processing result");
    gantry_log(call, GANTRY_INFO, "Debug operation completed");
    return gantry_text(call, "%s", result);
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    (void)call;
    return gantry_set_log_level(plugin, NULL, GANTRY_INFO); /* the default */
}

GANTRY_PLUGIN("logging_levels", "1.0.0", .start = start,
              .tools = GANTRY_TOOLS(&set_log_level_tool, &debug_operation_tool));
