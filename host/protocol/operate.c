/* operate.c - methods of the host's own (lists, initialize, ...) and notifications, with or without
 * middlewares around them.
 *
 * Without, a method writes its result straight into the reply. With them it is the core of a call
 * like any other: what it produces goes into the call, the middlewares have their way with it, and
 * the reply is made of what is left. Either way the host adds what is its own to say: cache hints,
 * a session's header, pages.
 */
#include "protocol/internal.h"

#include <stdio.h>
#include <string.h>

int gn_fault_set(struct gn_fault *fault, int status, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fault->status = status;
    fault->code = code;
    vsnprintf(fault->text, sizeof fault->text, fmt, ap);
    va_end(ap);
    return GN_EINVAL;
}

const char *gn_request_uri(const struct gn_request *r, struct gn_fault *fault)
{
    const char *uri = gn_json_cstr(gn_json_get(r->params, "uri"));
    if (!uri)
        (void)gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "%s needs params.uri, a string",
                           r->method->name);
    return uri;
}

static void reply_fault(struct gn_request *r, struct gn_reply *reply, const struct gn_fault *fault)
{
    if (reply)
        gn_buf_release(&reply->buf);
    gn_request_unmake(r);
    gn_reply_error(r, fault->status, fault->code, NULL, "%s", fault->text);
}

/* ---------------------------------------------------------------- alone */

static void operate_alone(struct gn_request *r)
{
    const struct gn_method *method = r->method;
    struct gn_fault fault = {.status = 200};
    struct gn_reply reply;
    gn_reply_open(r, &reply);
    int rc = method->produce(r, &reply.w, &fault);
    if (!rc && method->close)
        rc = method->close(r, NULL, &reply, &fault);
    if (rc)
        reply_fault(r, &reply, &fault);
    else
        gn_reply_send(r, &reply, NULL);
}

/* ---------------------------------------------------------------- in middlewares */

static int operate(struct gn_call *call)
{
    struct gn_request *r = call->ops ? call->ops_data : NULL;
    struct gn_fault fault = {.status = 200};
    if (!r)
        return GANTRY_ECANCELED; /* nobody waits for it any more */
    struct gn_buf out = GN_BUF_INIT(GN_REPLY_MAX);
    struct gn_jw w;
    r->params = call->params;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    int rc = r->method->produce(r, &w, &fault);
    gn_jw_end(&w);
    if (rc) {
        rc = gn_call_refuse(call, fault.code, "%s", fault.text);
        r->fault_status = fault.status;
    } else {
        call->result.raw = gn_arena_strndup(&call->arena, gn_buf_str(&out), out.len);
        call->result.raw_len = out.len;
        rc = call->result.raw && !out.overflow ? GANTRY_OK : GANTRY_ETOOBIG;
    }
    gn_buf_release(&out);
    return rc;
}

/* What the host says itself, whatever middlewares have put there. */
static bool is_own_member(const char *name)
{
    static const char *const names[] = {"_meta", "resultType", "ttlMs", "cacheScope", "nextCursor"};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* The members of the result, but for the list: its page is cut by close. */
static void write_members(const struct gn_request *r, const gantry_json *result, struct gn_jw *w)
{
    const char *list = gn_list_name(r->method->kind);
    for (const gantry_json *v = NULL; (v = gn_json_next(result, v)) != NULL;) {
        const char *name = gn_json_name(v, NULL);
        if (!is_own_member(name) && !(list && strcmp(name, list) == 0))
            gn_jw_json(w, name, v);
    }
}

static void reply_result(struct gn_request *r, struct gn_call *call)
{
    struct gn_fault fault = {.status = 200};
    struct gn_reply reply;
    const gantry_json *result = call->result.raw
                                    ? gn_json_parse_arena(&call->arena, call->result.raw,
                                                          call->result.raw_len, NULL)
                                    : NULL;
    if (!result) {
        gn_fault_set(&fault, 500, GN_RPC_INTERNAL_ERROR, "a middleware left %s without a result",
                     r->method->name);
        reply_fault(r, NULL, &fault);
        return;
    }
    gn_reply_open(r, &reply);
    write_members(r, result, &reply.w);
    if (r->method->close && r->method->close(r, result, &reply, &fault))
        reply_fault(r, &reply, &fault);
    else
        gn_reply_send(r, &reply, NULL);
}

static void operation_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct gn_request *r = call->ops_data;
    GN_CHECK(r, GN_REQUEST_MAGIC);
    if (outcome == GN_OUT_RESULT) {
        reply_result(r, call);
        return;
    }
    gn_request_unmake(r);
    gn_reply_failure(r, call, outcome);
}

static const struct gn_call_ops operation_ops = {.notify = gn_request_notify,
                                                 .finished = operation_finished,
                                                 .header = gn_request_header,
                                                 .set_rules = gn_request_set_rules};

void gn_request_operate(struct gn_request *r)
{
    uint32_t hook = r->method->hook | GANTRY_ON_REQUEST | GANTRY_ON_MESSAGE;
    if (!gn_call_is_hooked(r->p->env, hook)) {
        operate_alone(r);
        return;
    }
    r->stream->is_whole = gn_request_makes_session(r) && !r->stream->shared;
    struct gn_call *call = gn_request_call(r, &operation_ops);
    call->hook = hook;
    call->operate = operate;
    gn_request_start(r);
}

/* ---------------------------------------------------------------- notifications */

static int nothing(struct gn_call *call)
{
    (void)call;
    return GANTRY_OK;
}

static void notification_finished(struct gn_call *call, enum gn_outcome outcome)
{
    if (outcome != GN_OUT_RESULT && outcome != GN_OUT_CANCELED)
        gn_log(call->env->log, GN_NOTICE, "protocol", "%s: %s", gn_call_label(call),
               call->failure && outcome != GN_OUT_TIMEOUT ? call->failure : "not served");
    call->env->notifications--;
    gn_call_detach(call);
    gn_call_unref(call);
}

/* A client that sends more of them than middlewares can take must not keep the calls of others
 * waiting: nobody waits for a notification. */
static bool is_flooded(struct gn_protocol *p, const char *method)
{
    if (p->env->notifications < GN_NOTIFICATIONS_MAX) {
        p->is_flooded = false;
        return false;
    }
    if (!p->is_flooded)
        gn_log(p->env->log, GN_WARNING, "protocol",
               "%.128s and what follows is dropped: %u notifications are in middlewares already",
               method, p->env->notifications);
    p->is_flooded = true;
    return true;
}

static const struct gn_call_ops notification_ops = {.finished = notification_finished};

void gn_notification_operate(struct gn_protocol *p, struct gn_stream *s,
                             const struct gn_session *session, const char *method,
                             const gantry_json *params)
{
    uint32_t hook = GANTRY_ON_NOTIFICATION | GANTRY_ON_MESSAGE;
    if (!gn_call_is_hooked(p->env, hook) || p->draining || is_flooded(p, method))
        return;
    struct gn_call *call = gn_call_new(p->env, &notification_ops, NULL);
    p->env->notifications++;
    struct gn_buf text = GN_BUF_INIT(p->config->max_body);
    call->method = gn_arena_strdup(&call->arena, method);
    if (params && gn_json_write(&text, params) == 0)
        call->params = gn_json_parse_arena(&call->arena, gn_buf_str(&text), text.len, NULL);
    gn_buf_release(&text);
    call->revision = session ? session->revision : GN_REV_LATEST;
    call->principal = gn_arena_strdup(&call->arena, s->principal);
    gn_call_identify(call, s, session, gn_json_get(call->params, "_meta"));
    gn_call_start_operation(call, hook, nothing);
}
