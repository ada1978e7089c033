/* calls.c - the methods that run a handler: tools/call, resources/read, prompts/get,
 * completion/complete. */
#include "protocol/internal.h"

#include <string.h>

#define RESOLVE_BYTES                                                                              \
    (1u << 20) /* for the variables of a URI that are looked at and thrown away                    \
                */

/* ---------------------------------------------------------------- common parts */

static void bad_params(struct gn_request *r, const char *text)
{
    gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "%s", text);
}

/* A string parameter; NULL after answering that it is missing. */
static const char *string_param(struct gn_request *r, const gantry_json *object, const char *name,
                                const char *problem)
{
    const char *s = gn_json_cstr(gn_json_get(object, name));
    if (!s)
        bad_params(r, problem);
    return s;
}

/* `arguments`: an object, or nothing. False after answering that it is something else. */
static bool arguments_param(struct gn_request *r, const gantry_json **ret)
{
    const gantry_json *v = gn_json_get(r->params, "arguments");
    if (gn_json_type(v) == GN_JSON_NULL)
        v = NULL;
    if (v && gn_json_type(v) != GN_JSON_OBJECT) {
        bad_params(r, "arguments must be an object");
        return false;
    }
    *ret = v;
    return true;
}

static void write_capability(struct gn_jw *w, const char *name, const char *part)
{
    gn_jw_object(w, name);
    if (part) {
        gn_jw_object(w, part);
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

void gn_write_required(struct gn_buf *data, uint32_t lacking)
{
    struct gn_jw w;
    gn_jw_init(&w, data);
    gn_jw_object(&w, NULL);
    gn_jw_object(&w, "requiredCapabilities");
    if (lacking & (GANTRY_CAP_ELICITATION | GANTRY_CAP_ELICITATION_URL))
        write_capability(&w, "elicitation", lacking & GANTRY_CAP_ELICITATION_URL ? "url" : "form");
    if (lacking & (GANTRY_CAP_SAMPLING | GANTRY_CAP_SAMPLING_TOOLS))
        write_capability(&w, "sampling", lacking & GANTRY_CAP_SAMPLING_TOOLS ? "tools" : NULL);
    if (lacking & GANTRY_CAP_ROOTS)
        write_capability(&w, "roots", NULL);
    gn_jw_end(&w);
    gn_jw_end(&w);
}

bool gn_request_refuse_requires(struct gn_request *r, const struct gn_component *c)
{
    uint32_t lacking = c->requires & ~r->call->capabilities;
    if (!lacking)
        return false;
    struct gn_buf data = GN_BUF_INIT(4096);
    gn_write_required(&data, lacking);
    if (gn_request_is_stateless(r))
        gn_reply_error(r, 400, GN_RPC_MISSING_CAPABILITY, gn_buf_str(&data),
                       "%s %.256s needs capabilities that the client does not declare",
                       gn_kind_name(c->kind), c->name);
    else
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, gn_buf_str(&data),
                       "%s %.256s needs capabilities that the client does not declare",
                       gn_kind_name(c->kind), c->name);
    gn_buf_release(&data);
    return true;
}

static struct gn_request *request_of(struct gn_call *call)
{
    struct gn_request *r = call->ops_data;
    GN_CHECK(r, GN_REQUEST_MAGIC);
    return r;
}

/* Outcomes that are the same for all methods; true if it was one of them. */
static bool common_outcome(struct gn_request *r, enum gn_outcome outcome)
{
    switch (outcome) {
    case GN_OUT_BUSY:
        gn_reply_busy(r);
        return true;
    case GN_OUT_CANCELED:
        gn_reply_error(r, 503, GN_RPC_INTERNAL_ERROR, NULL,
                       "the call was cancelled: the server is shutting down "
                       "or the plugin was replaced or taken away");
        return true;
    default:
        return false;
    }
}

/* A middleware that refused with a code of its own. */
static bool refused(struct gn_request *r, const struct gn_call *call, enum gn_outcome outcome)
{
    if (outcome != GN_OUT_FAILED || !call->error_code)
        return false;
    struct gn_buf data = GN_BUF_INIT(4096);
    bool lacks = call->error_code == GN_RPC_MISSING_CAPABILITY && call->lacking;
    if (lacks)
        gn_write_required(&data, call->lacking);
    int status = r->fault_status ? r->fault_status : lacks ? 400 : 200;
    gn_reply_error(r, status, call->error_code, lacks ? gn_buf_str(&data) : NULL, "%s",
                   call->failure);
    gn_buf_release(&data);
    return true;
}

void gn_reply_failure(struct gn_request *r, const struct gn_call *call, enum gn_outcome outcome)
{
    if (common_outcome(r, outcome) || refused(r, call, outcome))
        return;
    if (outcome == GN_OUT_INVALID)
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "invalid arguments: %s", call->failure);
    else if (outcome == GN_OUT_TIMEOUT)
        gn_reply_error(r, 200, GN_RPC_INTERNAL_ERROR, NULL, "%s", call->deadline_text);
    else
        gn_reply_error(r, 200, GN_RPC_INTERNAL_ERROR, NULL, "%s",
                       call->failure ? call->failure : "failed");
}

/* The end of a call whose result is what `write` makes of it, and that has no result if it failed.
 */
static void finished(struct gn_call *call, enum gn_outcome outcome,
                     void (*write)(const struct gn_call *call, struct gn_jw *w))
{
    struct gn_request *r = request_of(call);
    if (outcome != GN_OUT_RESULT) {
        gn_reply_failure(r, call, outcome);
        return;
    }
    struct gn_reply reply;
    gn_reply_open(r, &reply);
    write(call, &reply.w);
    gn_reply_send(r, &reply, call);
}

/* Runs c for the request, unless the client lacks what it requires. */
static void run(struct gn_request *r, struct gn_component *c, const gantry_json *arguments,
                const struct gn_call_ops *ops)
{
    struct gn_call *call = gn_request_call(r, ops);
    if (gn_request_refuse_requires(r, c) || !gn_retry_replay(r, c))
        return;
    call->component = c;
    call->arguments = arguments;
    if (!gn_request_start_task(r))
        gn_request_start(r);
}

static int close_stream(struct gn_call *call, uint32_t retry_ms)
{
    int rc = gn_request_close_stream(request_of(call), retry_ms);
    return rc == GN_ENOTSUP ? GANTRY_ENOTSUP : rc ? GANTRY_EIO : GANTRY_OK;
}

/* ---------------------------------------------------------------- tools/call */

static void tool_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct gn_request *r = request_of(call);
    if (common_outcome(r, outcome) || refused(r, call, outcome))
        return;
    struct gn_reply reply;
    gn_reply_open(r, &reply);
    gn_result_write_tool(call, outcome, &reply.w);
    gn_reply_send(r, &reply, outcome == GN_OUT_RESULT ? call : NULL);
}

const struct gn_call_ops gn_tool_ops = {.notify = gn_request_notify,
                                        .finished = tool_finished,
                                        .header = gn_request_header,
                                        .set_rules = gn_request_set_rules,
                                        .ask = gn_request_ask,
                                        .unask = gn_request_unask,
                                        .close_stream = close_stream,
                                        .become_task = gn_request_become_task};

void gn_method_call_tool(struct gn_request *r)
{
    const gantry_json *arguments;
    const char *name = string_param(r, r->params, "name", "tools/call needs params.name, a string");
    if (!name || !arguments_param(r, &arguments) || !gn_retry_begin(r, &gn_tool_ops))
        return;
    struct gn_component *c = gn_request_component(r, GN_TOOL, name);
    if (!c || !gn_stateless_check_params(r, c, arguments))
        return;
    if (c->task >= GANTRY_TASK_REQUIRED && gn_request_refuse_no_tasks(r, c->name))
        return;
    run(r, c, arguments, &gn_tool_ops);
}

/* ---------------------------------------------------------------- resources/read */

static void not_found(struct gn_request *r, const char *uri)
{
    struct gn_buf data = GN_BUF_INIT(64u << 10);
    struct gn_jw w;
    gn_jw_init(&w, &data);
    gn_jw_object(&w, NULL);
    gn_jw_strn(&w, "uri", uri, strnlen(uri, 8192));
    gn_jw_end(&w);
    bool stateless = gn_request_is_stateless(r);
    gn_reply_error(r, 200, stateless ? GN_RPC_INVALID_PARAMS : GN_RPC_RESOURCE_NOT_FOUND,
                   gn_buf_str(&data), "Resource not found: %.512s", uri);
    gn_buf_release(&data);
}

static void resource_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct gn_request *r = request_of(call);
    if (outcome == GN_OUT_NOT_FOUND) {
        not_found(r, call->uri);
        return;
    }
    if (outcome != GN_OUT_RESULT) {
        gn_reply_failure(r, call, outcome);
        return;
    }
    struct gn_reply reply;
    gn_reply_open(r, &reply);
    gn_result_write_resource(call, &reply.w);
    gn_reply_cache(r, &reply, call->component->ttl_ms,
                   call->component->cache_public &&
                       !gn_request_varies(r, 1u << call->component->kind));
    gn_reply_send(r, &reply, call);
}

const struct gn_call_ops gn_resource_ops = {.notify = gn_request_notify,
                                            .finished = resource_finished,
                                            .header = gn_request_header,
                                            .set_rules = gn_request_set_rules,
                                            .ask = gn_request_ask,
                                            .unask = gn_request_unask,
                                            .close_stream = close_stream};

void gn_method_read_resource(struct gn_request *r)
{
    const char *uri = string_param(r, r->params, "uri",
                                   "resources/read needs params.uri, a string");
    if (!uri || !gn_retry_begin(r, &gn_resource_ops))
        return;
    struct gn_call *call = gn_request_call(r, &gn_resource_ops);
    const gantry_json *vars = NULL;
    struct gn_component *c = gn_snapshot_resolve(gn_request_snapshot(r), uri, &call->arena, &vars);
    if (!c) {
        gn_retry_free(r, true);
        not_found(r, uri);
        return;
    }
    c = gn_request_version(r, c);
    if (!c || gn_request_refuse_requires(r, c) || !gn_retry_replay(r, c))
        return;
    call->component = c;
    call->arguments = vars;
    call->uri = uri;
    gn_request_start(r);
}

/* ---------------------------------------------------------------- prompts/get */

static void prompt_finished(struct gn_call *call, enum gn_outcome outcome)
{
    finished(call, outcome, gn_result_write_prompt);
}

const struct gn_call_ops gn_prompt_ops = {.notify = gn_request_notify,
                                          .finished = prompt_finished,
                                          .header = gn_request_header,
                                          .set_rules = gn_request_set_rules,
                                          .ask = gn_request_ask,
                                          .unask = gn_request_unask,
                                          .close_stream = close_stream};

void gn_method_get_prompt(struct gn_request *r)
{
    const gantry_json *arguments;
    const char *name = string_param(r, r->params, "name",
                                    "prompts/get needs params.name, a string");
    if (!name || !arguments_param(r, &arguments) || !gn_retry_begin(r, &gn_prompt_ops))
        return;
    struct gn_component *c = gn_request_component(r, GN_PROMPT, name);
    if (c)
        run(r, c, arguments, &gn_prompt_ops);
}

/* ---------------------------------------------------------------- completion/complete */

static void completion_finished(struct gn_call *call, enum gn_outcome outcome)
{
    finished(call, outcome, gn_result_write_completion);
}

const struct gn_call_ops gn_completion_ops = {.notify = gn_request_notify,
                                              .finished = completion_finished,
                                              .header = gn_request_header,
                                              .set_rules = gn_request_set_rules};

static struct gn_component *resolve(struct gn_snapshot *s, const char *uri)
{
    struct gn_arena arena;
    const gantry_json *vars;
    gn_arena_init(&arena, RESOLVE_BYTES);
    struct gn_component *c = gn_snapshot_resolve(s, uri, &arena, &vars);
    gn_arena_release(&arena);
    return c;
}

/* The component a reference names; NULL after answering. A resource URI may be that of a template
 * or one that a template matches. */
static struct gn_component *find_reference(struct gn_request *r)
{
    struct gn_snapshot *s = gn_request_snapshot(r);
    const gantry_json *ref = gn_json_get(r->params, "ref");
    const gantry_json *type = gn_json_get(ref, "type");
    const char *key;
    if (gn_json_streq(type, "ref/prompt")) {
        key = string_param(r, ref, "name", "ref/prompt needs ref.name, a string");
        return key ? gn_request_component(r, GN_PROMPT, key) : NULL;
    }
    if (gn_json_streq(type, "ref/resource")) {
        key = string_param(r, ref, "uri", "ref/resource needs ref.uri, a string");
        struct gn_component *c = key ? gn_snapshot_find(s, GN_TEMPLATE, key) : NULL;
        if (key && !c)
            c = resolve(s, key);
        if (key && !c)
            gn_request_unknown(r, GN_TEMPLATE, key);
        return c;
    }
    bad_params(r, "ref.type must be ref/prompt or ref/resource");
    return NULL;
}

void gn_method_complete(struct gn_request *r)
{
    struct gn_component *c = find_reference(r);
    if (!c)
        return;
    const gantry_json *argument = gn_json_get(r->params, "argument");
    const char *name = string_param(r, argument, "name",
                                    "completion/complete needs argument.name, a string");
    const char *value = name ? string_param(r, argument, "value",
                                            "completion/complete needs argument.value, a string")
                             : NULL;
    if (!value)
        return;
    if (c->kind != GN_RESOURCE && c->input && !gn_fields_find(c->input, name)) {
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "%s %.256s has no argument %.256s",
                       gn_kind_name(c->kind), c->name, name);
        return;
    }
    struct gn_call *call = gn_request_call(r, &gn_completion_ops);
    call->component = c;
    call->arguments = gn_json_get(gn_json_get(r->params, "context"), "arguments");
    call->argument_name = name;
    call->argument_value = value;
    gn_request_start(r);
}
