/* transform_users.c - from the guide's chapter "Tool Transformation": Context-Aware Tools.
 *
 * A factory makes a tool for each user, which nobody else sees: who the user is stands in it, what
 * the user may do is looked up at each call and put where the tool takes it from, the scope.
 */
#include <gantry.h>

#include <string.h>

typedef struct {
    const char *id;
    gantry_strings permissions;
} user_context;

static const gantry_arg user_fields[] = {
    GANTRY_ARG(user_context, id, "The principal", .pattern = "^[a-z0-9]{1,20}$"),
    GANTRY_ARG(user_context, permissions, "What this user may do"), GANTRY_ARGS_END};

typedef struct {
    GANTRY_ARRAY(user_context) users;
} settings;
static const gantry_arg settings_args[] = {
    GANTRY_ARG_ARRAY(settings, users, user_fields, "Who there is", .optional = 1), GANTRY_ARGS_END};

static const gantry_var permissions = GANTRY_VAR("permissions", GANTRY_VALUE_JSON);

/* The user context is there for the function, and goes with the tool. */
static int user_aware_operation(gantry_call *call, const void *in)
{
    const user_context *user = gantry_data(call);
    (void)in;
    gantry_log(call, GANTRY_INFO, "An operation for %s", user->id);
    return gantry_forward(call, NULL);
}

static int create_user_tool(gantry_call *call, gantry_plugin *plugin, const user_context *user)
{
    const gantry_change changes[] = {
        GANTRY_CHANGE(user_id, .hide = 1, .default_json = gantry_json_quote(call, user->id)),
        GANTRY_CHANGE(permissions, .hide = 1, .source = "scope:permissions"), GANTRY_CHANGES_END};
    return gantry_tool_from(
        plugin, GANTRY_FROM(gantry_format(call, "user_%s_operation", user->id), "generic_operation",
                            .description = "Does something for you.", .changes = changes,
                            .run = user_aware_operation, .principal = user->id,
                            .data = (void *)(uintptr_t)user));
}

static const user_context *find_user(gantry_plugin *plugin, const char *id)
{
    const settings *set = gantry_settings(plugin);
    for (size_t i = 0; id && i < set->users.n; i++) {
        if (strcmp(set->users.v[i].id, id) == 0)
            return &set->users.v[i];
    }
    return NULL;
}

GANTRY_MIDDLEWARE(current_user, GANTRY_ON_CALL_TOOL)
{
    const user_context *user = find_user(gantry_self(call), gantry_principal(call));
    if (user) {
        gantry_builder *b = gantry_builder_new(call);
        gantry_put_array(b, NULL);
        for (size_t i = 0; i < user->permissions.n; i++)
            gantry_put_string(b, NULL, user->permissions.v[i]);
        gantry_put_close(b);
        int rc = gantry_set_json(call, &permissions, gantry_builder_end(b));
        if (rc)
            return rc;
    }
    return gantry_next(call);
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    const settings *set = gantry_settings(plugin);
    for (size_t i = 0; i < set->users.n; i++) {
        int rc = create_user_tool(call, plugin, &set->users.v[i]);
        if (rc)
            return rc;
    }
    return GANTRY_OK;
}

GANTRY_PLUGIN("transform_users", "1.0.0", GANTRY_SETTINGS(settings, settings_args), .start = start,
              .middleware = GANTRY_MIDDLEWARES(&current_user_middleware));
