/* context_advanced.c - from the guide's chapter "Context Management": Advanced Context Patterns.
 *
 * Everything about a request in one struct, behind one variable, with functions that read it from
 * anywhere. Two more variables are part of each log line, as with bind_contextvars().
 */
#include <gantry.h>

#include <string.h>

typedef struct {
    const char *request_id, *user_id, *organization_id;
    gantry_strings feature_flags;
} request_context;

static const gantry_var context = GANTRY_VAR("request_context", GANTRY_VALUE_POINTER);
static const gantry_var log_request_id = GANTRY_VAR("request_id", GANTRY_VALUE_TEXT,
                                                    .flags = GANTRY_VAR_LOGGED);
static const gantry_var log_user_id = GANTRY_VAR("user_id", GANTRY_VALUE_TEXT,
                                                 .flags = GANTRY_VAR_LOGGED);

/* For easy access: gantry_current() is the call that runs now. */
static const request_context *context_get(void)
{
    return gantry_get_pointer(gantry_current(), &context);
}
static const char *context_user_id(void)
{
    return context_get()->user_id;
}
static const char *context_request_id(void)
{
    return context_get()->request_id;
}

/* Where they are kept is far away: this takes a moment. */
static int load_feature_flags(gantry_call *call, const char *user_id, gantry_strings *flags)
{
    static const char *const everybody[] = {"search"}, *const testers[] = {"search", "new_editor"};
    bool is_tester = user_id && strncmp(user_id, "tester", 6) == 0;
    *flags = is_tester ? (gantry_strings){2, testers} : (gantry_strings){1, everybody};
    return gantry_sleep(call, 5);
}

GANTRY_MIDDLEWARE(enhanced_context, GANTRY_ON_CALL_TOOL)
{
    const gantry_json *meta = gantry_request_meta(call);
    request_context *c = gantry_alloc(call, sizeof *c);
    if (!c)
        return GANTRY_ETOOBIG;
    c->request_id = gantry_call_id(call);
    c->user_id = gantry_json_text(meta, "user_id");
    c->organization_id = gantry_json_text(meta, "org_id");
    int rc = load_feature_flags(call, c->user_id, &c->feature_flags);
    if (rc)
        return rc;
    gantry_set_pointer(call, &context, c);
    gantry_set_text(call, &log_request_id, c->request_id);
    gantry_set_text(call, &log_user_id, c->user_id);

    GANTRY_TIMED(call, "request") {
        rc = gantry_next(call);
    }
    /* Whatever became of it. */
    double elapsed = gantry_timer_elapsed(call, "request");
    gantry_log_with(call, GANTRY_INFO, NULL, GANTRY_FIELDS("elapsed_seconds", elapsed),
                    "Request completed");
    return rc;
}

typedef struct {
    const char *request_id, *user_id, *organization_id;
    gantry_strings feature_flags;
} whoami;

static const gantry_arg whoami_fields[] = {
    GANTRY_ARG(whoami, request_id, "Which request this is"),
    GANTRY_ARG(whoami, user_id, "Who asks", .optional = 1),
    GANTRY_ARG(whoami, organization_id, "On whose behalf", .optional = 1),
    GANTRY_ARG(whoami, feature_flags, "What is switched on"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL0(who_am_i, "What the context says", GANTRY_OUTPUT(whoami, whoami_fields))
{
    whoami out = {
        .request_id = context_request_id(),
        .user_id = context_user_id(),
        .organization_id = context_get()->organization_id,
        .feature_flags = context_get()->feature_flags,
    };
    gantry_log(call, GANTRY_NOTICE, "Somebody looks into the mirror");
    return gantry_structured(call, &out);
}

GANTRY_TOOL0(stumble, "Fails, always")
{
    return gantry_fail(call, "%s stumbled", context_user_id());
}

GANTRY_PLUGIN("context_advanced", "1.0.0",
              .middleware = GANTRY_MIDDLEWARES(&enhanced_context_middleware),
              .tools = GANTRY_TOOLS(&who_am_i_tool, &stumble_tool));
