/* context_background.c - from the guide's chapter "Context Management": Propagating Context to
 * Background Tasks.
 *
 * Background work begins with a copy of the scope, whatever becomes of the call that asked for it.
 * What it is to do goes along as one more variable: there is no memory to look after.
 */
#include <gantry.h>

static const gantry_var request_id = GANTRY_VAR("request_id", GANTRY_VALUE_TEXT);
static const gantry_var current_user = GANTRY_VAR("current_user", GANTRY_VALUE_TEXT);
static const gantry_var task = GANTRY_VAR("task_data", GANTRY_VALUE_JSON);

GANTRY_MIDDLEWARE(context, GANTRY_ON_CALL_TOOL)
{
    gantry_set_text(call, &request_id, gantry_format(call, "req_%s", gantry_call_id(call)));
    gantry_set_text(call, &current_user, gantry_json_text(gantry_request_meta(call), "user"));
    return gantry_next(call);
}

static int background_task(gantry_call *call, void *arg)
{
    (void)arg;
    const gantry_json *task_data = gantry_get_json(call, &task);
    int rc = gantry_sleep(call, (uint32_t)gantry_json_int_or(task_data, "ms", 0)); /* the work */
    if (rc)
        return rc;
    /* The variables are here, though the request is over. No client hears this, the log does. */
    gantry_log_with(call, GANTRY_INFO, NULL,
                    GANTRY_FIELDS("title", gantry_json_text(task_data, "title"), "user",
                                  gantry_get_text(call, &current_user), "request",
                                  gantry_get_text(call, &request_id)),
                    "Background work done");
    return GANTRY_OK;
}

typedef struct {
    const gantry_json *task_data;
} schedule_in;

static const gantry_arg schedule_background_work_args[] = {
    GANTRY_ARG(schedule_in, task_data, "What to do", .schema_json = "{\"type\":\"object\"}"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(schedule_background_work, schedule_in, "Schedule work that preserves context")
{
    gantry_set_json(call, &task, in->task_data);
    int rc = gantry_spawn(call, GANTRY_BACKGROUND("background_task", background_task, NULL));
    if (rc)
        return rc;
    /* It has its copy: what is set from here on is not seen there. */
    gantry_set_text(call, &current_user, "somebody else");
    return gantry_structured_json(call, GANTRY_OBJECT(call, "status", "scheduled", "request_id",
                                                      gantry_get_text(call, &request_id)));
}

GANTRY_PLUGIN("context_background", "1.0.0", .middleware = GANTRY_MIDDLEWARES(&context_middleware),
              .tools = GANTRY_TOOLS(&schedule_background_work_tool));
