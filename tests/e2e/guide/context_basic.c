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

static const char user[] = "{\"id\":\"user123\",\"role\":\"admin\"}";
static const char session[] = "{\"last_action\":\"login\",\"preferences\":{}}";

GANTRY_MIDDLEWARE(context, GANTRY_ON_REQUEST)
{
    gantry_set_text(call, &request_id, gantry_format(call, "req_%s", gantry_request_id(call)));
    gantry_set_json(call, &current_user, gantry_json_parse(call, user, strlen(user)));
    gantry_set_json(call, &session_data, gantry_json_parse(call, session, strlen(session)));
    return gantry_next(call);
}

static const char *text_of(const gantry_json *object, const char *name)
{
    return gantry_json_string(gantry_json_get(object, name), NULL);
}

typedef struct {
    const char *user_id, *request_id;
    bool authorized;
} user_data;

static const gantry_arg user_data_fields[] = {
    GANTRY_ARG(user_data, user_id, "Who asks"),
    GANTRY_ARG(user_data, request_id, "Which request this is"),
    GANTRY_ARG(user_data, authorized, "Whether the user is an administrator"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL0(get_user_data, "Access context without parameters",
             GANTRY_OUTPUT(user_data, user_data_fields))
{
    const gantry_json *who = gantry_get_json(call, &current_user);
    user_data out = {
        .user_id = text_of(who, "id"),
        .request_id = gantry_get_text(call, &request_id),
        .authorized = strcmp(text_of(who, "role"), "admin") == 0,
    };
    return gantry_structured(call, &out);
}

GANTRY_RESOURCE(user_profile, "user://profile", "Resource using context",
                .mime_type = "application/json")
{
    const gantry_json *last = gantry_json_get(gantry_get_json(call, &session_data), "last_action");
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_json(b, "user", gantry_get_json(call, &current_user));
    gantry_put_json(b, "last_action", last);
    gantry_put_close(b);
    return gantry_text(call, "%s", gantry_json_print(call, gantry_builder_end(b)));
}

GANTRY_PLUGIN("context_basic", "1.0.0", .middleware = GANTRY_MIDDLEWARES(&context_middleware),
              .tools = GANTRY_TOOLS(&get_user_data_tool),
              .resources = GANTRY_RESOURCES(&user_profile_resource));
