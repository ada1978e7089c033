/* request.c - requests: their turn to run, their answer, their end. */
#include "protocol/internal.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "wire/trace.h"

#include <string.h>

#define SLOW_MS 50 /* as for handlers */

#define SPARE_HANDLERS 32
#define REPLY_FIRST 960 /* bytes, as most replies are shorter; malloc's cache has such pieces */
#define STALL_MS 5000

/* A batch shares the maximum among its answers. */
static const char too_large[] = "the result is larger than 64 MiB, or than its batch has left";

struct gn_request *gn_request_find(struct gn_list *requests, bool by_session, const char *id)
{
    GN_LIST_EACH(requests, n) {
        struct gn_request *r = by_session ? GN_CONTAINER(n, struct gn_request, session_node)
                                          : GN_CONTAINER(n, struct gn_request, stream_node);
        if (strcmp(r->id, id) == 0)
            return r;
    }
    return NULL;
}

/* The stream is given up before anything is sent on it: what is sent may close it and call back. */
static struct gn_stream *take_stream(struct gn_request *r)
{
    struct gn_stream *s = r->stream;
    gn_request_disconnect(r);
    return s;
}

static void request_free(struct gn_request *r)
{
    GN_CHECK(r, GN_REQUEST_MAGIC);
    struct gn_protocol *p = r->p;
    gn_assert(!r->stream);
    gn_list_remove(&r->node);
    gn_list_remove(&r->session_node);
    gn_request_end_turn(r);
    gn_request_forsake_task(r);
    gn_request_unwatch(r);
    p->in_flight--;
    if (r->is_subscription)
        p->subscriptions--;
    gn_watcher_free(r->watcher);
    gn_free(r->told);
    gn_request_unmake(r);
    if (r->call) {
        gn_call_detach(r->call);
        gn_call_unref(r->call);
    }
    if (r->session && !r->session->gone)
        gn_session_touch(r->session); /* idle from now on */
    gn_session_unref(r->session);
    gn_retry_free(r, true);
    gn_json_release(&r->doc);
    gn_free(r->id);
    r->magic = 0;
    gn_free(r);
    gn_protocol_check_drained(p);
}

/* The request's call, held, and told to nobody any more; NULL if there is none. */
static struct gn_call *take_call(struct gn_request *r)
{
    if (!r->call)
        return NULL;
    gn_call_detach(r->call);
    return gn_call_ref(r->call);
}

static void cancel_taken(struct gn_call *call)
{
    if (!call)
        return;
    gn_call_cancel(call);
    gn_call_unref(call);
}

void gn_request_drop(struct gn_request *r)
{
    GN_CHECK(r, GN_REQUEST_MAGIC);
    if (r->call && r->call->asking) /* its questions go with it: nobody waits for their answers */
        gn_request_unask(r->call);
    struct gn_call *call = take_call(r);
    struct gn_stream *s = take_stream(r);
    gn_request_keep_end(r);
    request_free(r);
    cancel_taken(call);
    if (!s || s->shared)
        return;
    /* A request is answered by JSON or a stream of events, so 202 is for those who take no stream.
     */
    bool streams = s->ops->open && s->ops->open(s) == 0;
    s->ops->end(s, streams ? 200 : 202, NULL, 0);
}

void gn_request_abort(struct gn_request *r, int status, const char *text)
{
    GN_CHECK(r, GN_REQUEST_MAGIC);
    struct gn_call *call = take_call(r);
    gn_reply_error(r, status, GN_RPC_INVALID_REQUEST, NULL, "%s", text);
    cancel_taken(call);
}

/* Sends the whole message as the answer and frees the request. */
static void send_last(struct gn_request *r, int status, struct gn_buf *message)
{
    struct gn_stream *s = take_stream(r);
    gn_retry_watch(r, s, status, message);
    char id[GN_EVENT_ID_MAX];
    bool has_id = gn_request_keep_answer(r, s, gn_buf_str(message), message->len, id);
    request_free(r);
    if (s) {
        s->event_id = has_id ? id : NULL;
        s->whole = s->takes_whole ? message : NULL;
        s->ops->end(s, status, gn_buf_str(message), message->len);
    }
    gn_buf_release(message);
}

void gn_reply_whole(struct gn_request *r, int status, struct gn_buf *message)
{
    gn_count_result(r->p, r->method);
    send_last(r, status, message);
}

void gn_reply_open_as(struct gn_request *r, struct gn_reply *reply, const char *result_type)
{
    reply->since_us = gn_clock_us();
    size_t room = gn_batch_room(r->stream);
    gn_buf_init(&reply->buf, room);
    gn_buf_reserve(&reply->buf, GN_MIN(room, (size_t)REPLY_FIRST)); /* growing costs more */
    gn_jw_init(&reply->w, &reply->buf);
    gn_jw_object(&reply->w, NULL);
    gn_jw_str(&reply->w, "jsonrpc", "2.0");
    gn_jw_raw(&reply->w, "id", r->id, strlen(r->id));
    gn_jw_object(&reply->w, "result");
    if (gn_request_is_stateless(r))
        gn_jw_str(&reply->w, "resultType", result_type);
}

void gn_reply_cache(struct gn_request *r, struct gn_reply *reply, int64_t ttl_ms, bool is_public)
{
    if (!gn_request_is_stateless(r))
        return;
    gn_jw_int(&reply->w, "ttlMs", ttl_ms > 0 ? ttl_ms : 0);
    gn_jw_str(&reply->w, "cacheScope", is_public ? "public" : "private");
}

static void write_meta(struct gn_request *r, const struct gn_call *call, struct gn_jw *w)
{
    const struct gn_result_meta *meta = call ? call->result.meta : NULL;
    bool stateless = gn_request_is_stateless(r);
    if (!meta && !stateless)
        return;
    gn_jw_object(w, "_meta");
    if (stateless)
        gn_write_server_info(r, w, GN_META_SERVER_INFO);
    if (r->is_subscription)
        gn_jw_raw(w, GN_META_SUBSCRIPTION_ID, r->id, strlen(r->id));
    for (; meta; meta = meta->next)
        gn_jw_raw(w, meta->key, meta->json, strlen(meta->json));
    gn_jw_end(w);
}

void gn_reply_send(struct gn_request *r, struct gn_reply *reply, const struct gn_call *call)
{
    write_meta(r, call, &reply->w);
    gn_jw_end(&reply->w);
    gn_jw_end(&reply->w);
    if (reply->buf.overflow) {
        gn_buf_release(&reply->buf);
        gn_reply_error(r, 500, GN_RPC_INTERNAL_ERROR, NULL, "%s", too_large);
        return;
    }
    uint64_t held_ms = (gn_clock_us() - reply->since_us) / 1000;
    if (held_ms >= SLOW_MS)
        gn_log(r->p->env->log, GN_WARNING, "protocol",
               "writing the result of %s, %zu bytes, held the loop for %llu ms",
               call ? gn_call_label(call) : r->method->name, reply->buf.len,
               (unsigned long long)held_ms);
    gn_count_result(r->p, r->method);
    send_last(r, 200, &reply->buf);
}

void gn_reply_empty(struct gn_request *r)
{
    struct gn_reply reply;
    gn_reply_open(r, &reply);
    gn_reply_send(r, &reply, NULL);
}

void gn_reply_error(struct gn_request *r, int status, int code, const char *data, const char *fmt,
                    ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *message = gn_vformat(fmt, ap);
    va_end(ap);
    struct gn_buf buf = GN_BUF_INIT(gn_batch_room(r->stream));
    if (gn_jsonrpc_write_error(&buf, r->id, code, message, data, 0) != 0) {
        gn_buf_clear(&buf);
        gn_jsonrpc_write_error(&buf, r->id, code, too_large, NULL, 0);
    }
    gn_count_error(r->p, r->method, code);
    send_last(r, status, &buf);
}

void gn_reply_busy(struct gn_request *r)
{
    gn_reply_error(r, 503, GN_RPC_INTERNAL_ERROR, NULL, "busy: %s",
                   r->p->draining ? "the server is shutting down"
                                  : "too many calls, try again later");
}

void gn_stream_error(struct gn_stream *s, int status, int code, const char *id, const char *message)
{
    struct gn_buf buf = GN_BUF_INIT(64u << 10);
    gn_jsonrpc_write_error(&buf, id, code, message, NULL, GN_JSONRPC_OMIT_ID);
    s->ops->end(s, status, gn_buf_str(&buf), buf.len);
    gn_buf_release(&buf);
}

/* ---------------------------------------------------------------- turns */

static void begin_turn(struct gn_request *r)
{
    struct gn_protocol *p = r->p;
    r->is_active = true;
    p->active++;
    if (r->call->operate)
        gn_call_start_operation(r->call, r->call->hook, r->call->operate);
    else if (r->call->argument_name)
        gn_call_start_completion(r->call);
    else
        gn_call_start(r->call);
}

/* Handlers that were cancelled, or ran out of time, are answered for and still need their stack
 * until they return: a few may be ahead of the count of calls. Background work and
 * notifications have limits of their own. */
static bool has_room(const struct gn_protocol *p)
{
    uint32_t max = p->config->max_calls;
    uint32_t others = p->env->background + p->env->notifications + gn_tasks_running(p->tasks);
    return p->active < max && p->env->running < max + max / 4 + SPARE_HANDLERS + others;
}

/* While a call waits in the queue nothing else holds its component's code: a reload may take it
 * away. */
static void hold_component(struct gn_component *c)
{
    if (!c) /* an operation of the host's own */
        return;
    gn_component_ref(c);
    if (c->owner)
        c->owner->ref(c->owner);
}

static void release_component(struct gn_component *c)
{
    struct gn_owner *owner = c ? c->owner : NULL;
    gn_component_unref(c);
    if (owner)
        owner->unref(owner);
}

static void wake_queue(struct gn_protocol *p)
{
    if (!gn_list_empty(&p->queue) && !p->pump.posted)
        gn_loop_post(p->env->loop, &p->pump, gn_pump);
}

void gn_request_start(struct gn_request *r)
{
    struct gn_protocol *p = r->p;
    if (has_room(p) && gn_list_empty(&p->queue)) {
        begin_turn(r);
        return;
    }
    if (p->queued >= p->config->max_queued_calls) {
        gn_reply_busy(r);
        return;
    }
    gn_list_remove(&r->node);
    gn_list_append(&p->queue, &r->node);
    r->is_queued = true;
    p->queued++;
    hold_component(r->call->component);
    if (p->active < p->config->max_calls)
        wake_queue(p); /* no turn will end that could wake it */
}

static void leave_queue(struct gn_request *r)
{
    r->is_queued = false;
    r->p->queued--;
    gn_list_remove(&r->node);
}

/* Nothing has ended for long: who waits shall not wait for what may never end. */
static void on_stalled(struct gn_timer *timer)
{
    struct gn_protocol *p = GN_CONTAINER(timer, struct gn_protocol, stalled);
    while (!gn_list_empty(&p->queue) && !has_room(p))
        gn_reply_busy(GN_CONTAINER(p->queue.next, struct gn_request, node));
}

void gn_pump(struct gn_post *post)
{
    struct gn_protocol *p = GN_CONTAINER(post, struct gn_protocol, pump);
    if (p->is_released) {
        gn_protocol_free_released(p);
        return;
    }
    while (has_room(p) && !gn_list_empty(&p->queue)) {
        struct gn_request *r = GN_CONTAINER(p->queue.next, struct gn_request, node);
        struct gn_component *c = r->call->component;
        leave_queue(r);
        gn_list_append(&p->requests, &r->node);
        begin_turn(r);
        release_component(c);
        gn_timer_stop(&p->stalled);
    }
    if (gn_list_empty(&p->queue) || p->active >= p->config->max_calls)
        gn_timer_stop(&p->stalled);
    else if (!gn_timer_is_running(&p->stalled))
        gn_timer_start(p->env->loop, &p->stalled, STALL_MS, on_stalled);
}

void gn_handler_ended(void *arg)
{
    struct gn_protocol *p = arg;
    gn_tasks_sweep(p->tasks, false);
    wake_queue(arg);
}

void gn_request_end_turn(struct gn_request *r)
{
    struct gn_protocol *p = r->p;
    if (r->is_queued) {
        struct gn_component *c = r->call->component;
        leave_queue(r);
        r->call->component = NULL;
        release_component(c);
    }
    if (r->is_active) {
        r->is_active = false;
        p->active--;
    }
    wake_queue(p);
}

void gn_request_rest(struct gn_request *r)
{
    if (!r->is_active)
        return;
    r->is_active = false;
    r->p->active--;
    wake_queue(r->p);
}

void gn_request_resume_turn(struct gn_request *r)
{
    if (r->is_active)
        return;
    r->is_active = true;
    r->p->active++;
}

bool gn_request_has_room(const struct gn_request *r)
{
    return has_room(r->p);
}

/* ---------------------------------------------------------------- calls */

/* SEP-414 has them in `_meta`; where they are not, HTTP may have brought them. A state means
 * nothing without the parent that it came with. */
static void fill_trace(struct gn_call *call, const struct gn_stream *s, const gantry_json *meta)
{
    const struct {
        const char *name;
        const char **place;
        bool (*is_valid)(const char *s);
    } parts[] = {
        {GN_META_TRACEPARENT, &call->traceparent, gn_trace_parent_is_valid},
        {GN_META_TRACESTATE, &call->tracestate, gn_trace_state_is_valid},
        {GN_META_BAGGAGE, &call->baggage, gn_trace_baggage_is_valid},
    };
    bool by_meta = gn_json_get(meta, GN_META_TRACEPARENT) != NULL;
    for (size_t i = 0; i < GN_COUNT(parts); i++) {
        const gantry_json *member = gn_json_get(meta, parts[i].name);
        bool is_state = parts[i].place == &call->tracestate;
        const char *value = gn_json_cstr(member);
        if (!member && !(is_state && by_meta) && s->ops->header)
            value = gn_arena_strdup(&call->arena,
                                    s->ops->header((struct gn_stream *)s, parts[i].name));
        if (value && parts[i].is_valid(value) && (!is_state || call->traceparent))
            *parts[i].place = value;
    }
}

void gn_call_identify(struct gn_call *call, const struct gn_stream *s,
                      const struct gn_session *session, const gantry_json *meta)
{
    call->transport = s->transport;
    fill_trace(call, s, meta);
    if (session) {
        call->session_id = session->id[0] ? gn_arena_strdup(&call->arena, session->id) : NULL;
        call->session_key = gn_arena_strdup(&call->arena, session->key);
        call->client_name = gn_arena_strdup(&call->arena, session->client_name);
        call->client_version = gn_arena_strdup(&call->arena, session->client_version);
        call->capabilities = session->capabilities;
        call->rules = session->rules;
        if (call->rules)
            call->rules->refs++;
        if (session->extensions)
            call->extensions = gn_json_parse_arena(&call->arena, session->extensions,
                                                   strlen(session->extensions), NULL);
        return;
    }
    const gantry_json *info = gn_json_get(meta, GN_META_CLIENT_INFO);
    call->client_name = gn_json_cstr(gn_json_get(info, "name"));
    call->client_version = gn_json_cstr(gn_json_get(info, "version"));
    const gantry_json *capabilities = gn_json_get(meta, GN_META_CLIENT_CAPABILITIES);
    const gantry_json *extensions = gn_json_get(capabilities, "extensions");
    call->capabilities = gn_capabilities_parse(capabilities);
    call->extensions = gn_json_type(extensions) == GN_JSON_OBJECT ? extensions : NULL;
}

struct gn_call *gn_request_call(struct gn_request *r, const struct gn_call_ops *ops)
{
    struct gn_call *call = gn_call_new(r->p->env, ops, r);
    r->call = call;
    call->revision = r->revision;
    call->method = r->method->name;
    call->request_id = gn_arena_strdup(&call->arena, r->id);
    call->doc = r->doc;
    r->doc = (struct gn_json_doc){0};
    call->params = r->params;
    call->meta = r->meta;
    call->log_level = r->log_level;
    call->principal = r->stream->principal ? gn_arena_strdup(&call->arena, r->stream->principal)
                                           : NULL;
    const gantry_json *token = gn_json_get(r->meta, GN_META_PROGRESS_TOKEN);
    int64_t number;
    bool is_integer = token && (token->flags & GN_JSON_INTEGER);
    if (gn_json_type(token) == GN_JSON_STRING || is_integer || gn_json_int(token, &number)) {
        struct gn_buf text = GN_BUF_INIT(4096);
        if (gn_json_write(&text, token) == 0)
            call->progress_token = gn_arena_strdup(&call->arena, gn_buf_str(&text));
        gn_buf_release(&text);
    }
    gn_call_identify(call, r->stream, r->session, r->meta);
    return call;
}

int gn_request_notify(struct gn_call *call, const char *method, const char *params, size_t len,
                      enum gn_weight weight)
{
    struct gn_request *r = call->ops_data;
    GN_CHECK(r, GN_REQUEST_MAGIC);
    struct gn_buf buf = GN_BUF_INIT(len + 256);
    struct gn_jw w;
    gn_jw_init(&w, &buf);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "jsonrpc", "2.0");
    gn_jw_str(&w, "method", method);
    gn_jw_raw(&w, "params", params, len);
    gn_jw_end(&w);
    int rc = gn_request_send(r, gn_buf_str(&buf), buf.len, weight);
    gn_buf_release(&buf);
    return rc;
}

const char *gn_request_header(struct gn_call *call, const char *name)
{
    struct gn_request *r = call->ops_data;
    struct gn_stream *s = r->stream;
    return s && s->ops->header ? s->ops->header(s, name) : NULL;
}
