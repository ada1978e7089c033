/* context_basic.c - from the guide's chapter "Context Management": Basic Context Variables.
 *
 * A middleware sets variables, and whatever it runs reads them: no parameter carries them, and no
 * other request sees them.
 */
#include <gantry.h>

#include <string.h>

static const gantry_var request_id = GANTRY_VAR("request_id", GANTRY_VALUE_TEXT);
static const gantry_var current_user = GANTRY_VAR("current_user", GANTRY_VALUE_JSON);
static const gantry_var session_data = GANTRY_VAR("session_data", GANTRY_VALUE_JSON);

GANTRY_MIDDLEWARE(context, GANTRY_ON_REQUEST)
{
    gantry_set_text(call, &request_id, gantry_format(call, "req_%s", gantry_call_id(call)));
    gantry_set_json(call, &current_user, GANTRY_OBJECT(call, "id", "user123", "role", "admin"));
    gantry_set_json(call, &session_data,
                    GANTRY_OBJECT(call, "last_action", "login", "theme", "dark"));
    return gantry_next(call);
}

GANTRY_TOOL0(get_user_data, "Access context without parameters")
{
    const gantry_json *user = gantry_get_json(call, &current_user);
    bool authorized = strcmp(gantry_json_text(user, "role"), "admin") == 0;

    return gantry_structured_json(
        call, GANTRY_OBJECT(call, "user_id", gantry_json_text(user, "id"), "request_id",
                            gantry_get_text(call, &request_id), "authorized", authorized));
}

GANTRY_RESOURCE(user_profile, "user://profile", "Resource using context",
                .mime_type = "application/json")
{
    const gantry_json *user = gantry_get_json(call, &current_user);
    const gantry_json *session = gantry_get_json(call, &session_data);
    const char *last = gantry_json_text(session, "last_action");

    return gantry_text(
        call, "%s",
        gantry_json_print(call, GANTRY_OBJECT(call, "user", user, "last_action", last)));
}

GANTRY_PLUGIN("context_basic", "1.0.0", .middleware = GANTRY_MIDDLEWARES(&context_middleware),
              .tools = GANTRY_TOOLS(&get_user_data_tool),
              .resources = GANTRY_RESOURCES(&user_profile_resource));
