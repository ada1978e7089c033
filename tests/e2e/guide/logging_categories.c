/* logging_categories.c - from the guide's chapter "Server-Side Logging": Categorized Logging.
 *
 * A category is the name of a logger: clients see it, and each may have a level of its own in the
 * configuration.
 */
#include <gantry.h>

#include <string.h>

static const char auth[] = "auth";
static const char database[] = "database";
static const char external_api[] = "external_api";

typedef struct {
    const char *user_id, *action;
} secure_operation_in;

static const gantry_arg secure_operation_args[] = {
    GANTRY_ARG(secure_operation_in, user_id, "Who wants it"),
    GANTRY_ARG(secure_operation_in, action, "What is wanted"),
    GANTRY_ARGS_END,
};

static bool authenticate_user(const char *user_id)
{
    return strncmp(user_id, "user", 4) == 0;
}

/* NULL: it failed. */
static const char *call_external_api(gantry_call *call, const char *action)
{
    gantry_sleep(call, 1);
    return strcmp(action, "explode") == 0 ? NULL : "{\"done\":true}";
}

GANTRY_TOOL(secure_operation, secure_operation_in, "Multi-category logging example")
{
    gantry_log_with(call, GANTRY_INFO, auth, GANTRY_FIELDS("user_id", in->user_id),
                    "Authentication check");
    if (!authenticate_user(in->user_id)) {
        gantry_log_with(call, GANTRY_WARNING, auth, GANTRY_FIELDS("user_id", in->user_id),
                        "Authentication failed");
        return gantry_fail(call, "Invalid user");
    }

    gantry_log_with(call, GANTRY_DEBUG, database,
                    GANTRY_FIELDS("table", "users", "user_id", in->user_id),
                    "Database query starting");
    const gantry_json *user = GANTRY_OBJECT(call, "id", in->user_id, "name", "Ada");
    gantry_log_with(call, GANTRY_DEBUG, database, GANTRY_FIELDS("records_returned", 1),
                    "Database query completed");

    gantry_log_with(call, GANTRY_INFO, external_api,
                    GANTRY_FIELDS("endpoint", "/api/process", "action", in->action),
                    "External API call");
    const char *response = call_external_api(call, in->action);
    if (!response) {
        gantry_log_with(call, GANTRY_ERROR, external_api,
                        GANTRY_FIELDS("error", "connection reset"), "External API failed");
        return gantry_fail(call, "The external API failed");
    }
    gantry_log_with(call, GANTRY_INFO, external_api,
                    GANTRY_FIELDS("response_size", strlen(response)), "External API success");
    return gantry_structured_json(call, GANTRY_OBJECT(call, "status", "success", "user", user));
}

GANTRY_PLUGIN("logging_categories", "1.0.0", .tools = GANTRY_TOOLS(&secure_operation_tool));
