/* subscriptions.c - telling clients that lists have changed: notifications of the handshake era,
 * and subscriptions/listen of the stateless era. Changes within 50 ms are told once; to whom they
 * are one, changes.c knows. */
#include "protocol/internal.h"
#include "util/clock.h"

#include <string.h>

#define TELLING_US 10000 /* of telling many at a time: each may see lists of its own */

/* One row per list: its notification, and its name in the filter of subscriptions/listen. */
static const struct list_row {
    uint32_t list;
    uint32_t kinds;
    const char *method;
    const char *filter;
} list_rows[] = {
    {GN_LIST_TOOLS, 1u << GN_TOOL, "notifications/tools/list_changed", "toolsListChanged"},
    {GN_LIST_RESOURCES, 1u << GN_RESOURCE | 1u << GN_TEMPLATE,
     "notifications/resources/list_changed", "resourcesListChanged"},
    {GN_LIST_PROMPTS, 1u << GN_PROMPT, "notifications/prompts/list_changed", "promptsListChanged"},
};

void gn_write_subscription(const char *id, struct gn_jw *w)
{
    gn_jw_object(w, "_meta");
    gn_jw_raw(w, GN_META_SUBSCRIPTION_ID, id, strlen(id));
    gn_jw_end(w);
}

/* Sends one notification; subscription is the id of the request it belongs to, or NULL. */
static int send_changed(struct gn_stream *s, const struct list_row *row, const char *subscription)
{
    struct gn_buf buf = GN_BUF_INIT(8192);
    struct gn_jw w;
    int rc;
    if (subscription) {
        gn_jsonrpc_open_notification(&w, &buf, row->method);
        gn_write_subscription(subscription, &w);
        gn_jsonrpc_close_notification(&w);
        rc = s->ops->send(s, gn_buf_str(&buf), buf.len, GN_MUST);
    } else {
        gn_jsonrpc_write_notification(&buf, row->method, NULL);
        rc = gn_session_send(s->session, gn_buf_str(&buf), buf.len, GN_MUST);
    }
    gn_buf_release(&buf);
    return rc;
}

void gn_session_flush(struct gn_session *s)
{
    uint32_t pending = s->pending;
    s->pending = 0;
    gn_watcher_flush(s->watcher);
    for (size_t i = 0; i < GN_COUNT(list_rows) && s->listener; i++) {
        /* What a broken stream does not take waits for the next one. */
        if ((pending & list_rows[i].list) && send_changed(s->listener, &list_rows[i], NULL) != 0)
            s->pending |= list_rows[i].list;
    }
}

static void tell_session(struct gn_session *s)
{
    s->pending |= gn_session_settle(s);
    if (s->listener)
        gn_session_flush(s);
}

static void tell_subscription(struct gn_request *r)
{
    uint32_t due = gn_request_settle(r);
    for (size_t i = 0; i < GN_COUNT(list_rows) && r->stream; i++) {
        if (due & list_rows[i].list)
            (void)send_changed(r->stream, &list_rows[i], r->id);
    }
}

/* False: it is time that others have the loop. */
static bool tell_sessions(struct gn_list *sessions, uint64_t until_us)
{
    GN_LIST_EACH(sessions, n) {
        struct gn_session *s = GN_CONTAINER(n, struct gn_session, lru);
        if (!s->told.unsettled)
            continue;
        tell_session(s);
        if (gn_clock_us() >= until_us)
            return false;
    }
    return true;
}

static bool tell_subscriptions(struct gn_protocol *p, uint64_t until_us)
{
    GN_LIST_EACH(&p->requests, n) {
        struct gn_request *r = GN_CONTAINER(n, struct gn_request, node);
        if (!r->told || !r->told->unsettled)
            continue;
        tell_subscription(r);
        if (gn_clock_us() >= until_us)
            return false;
    }
    return true;
}

static void tell_some(struct gn_timer *timer)
{
    struct gn_protocol *p = GN_CONTAINER(timer, struct gn_protocol, telling);
    uint64_t until_us = gn_clock_us() + TELLING_US;
    if (tell_sessions(&p->connections, until_us) && tell_sessions(&p->sessions, until_us) &&
        tell_subscriptions(p, until_us))
        gn_protocol_forget_seen(p);
    else
        gn_timer_start(p->env->loop, timer, 1, tell_some);
}

static void unsettle(struct gn_list *sessions, uint32_t lists)
{
    GN_LIST_EACH(sessions, n) {
        struct gn_told *told = &GN_CONTAINER(n, struct gn_session, lru)->told;
        told->unsettled |= lists | told->changed;
        told->changed = 0;
    }
}

static void window_is_over(struct gn_timer *timer)
{
    struct gn_protocol *p = GN_CONTAINER(timer, struct gn_protocol, changed);
    uint32_t lists = p->changed_lists;
    p->changed_lists = 0;
    unsettle(&p->connections, lists);
    unsettle(&p->sessions, lists);
    GN_LIST_EACH(&p->requests, n) {
        struct gn_request *r = GN_CONTAINER(n, struct gn_request, node);
        if (r->told)
            r->told->unsettled |= lists & r->subscribed;
    }
    tell_some(&p->telling);
}

static void begin_window(struct gn_protocol *p)
{
    if (!gn_timer_is_running(&p->changed))
        gn_timer_start(p->env->loop, &p->changed, GN_COALESCE_MS, window_is_over);
}

bool gn_protocol_is_unsettled(const struct gn_protocol *p)
{
    return gn_timer_is_running(&p->changed) || gn_timer_is_running(&p->telling);
}

void gn_session_changed(struct gn_session *s)
{
    s->told.changed = GN_LIST_ALL;
    begin_window(s->p);
}

void gn_protocol_changed(struct gn_protocol *p, uint32_t kinds)
{
    for (size_t i = 0; i < GN_COUNT(list_rows); i++) {
        if (kinds & list_rows[i].kinds)
            p->changed_lists |= list_rows[i].list;
    }
    if (p->changed_lists)
        begin_window(p);
}

/* ---------------------------------------------------------------- subscriptions/listen */

static int acknowledge(struct gn_request *r)
{
    struct gn_buf buf = GN_BUF_INIT(GN_REPLY_MAX);
    struct gn_jw w;
    gn_jsonrpc_open_notification(&w, &buf, "notifications/subscriptions/acknowledged");
    gn_write_subscription(r->id, &w);
    gn_jw_object(&w, "notifications");
    gn_request_write_watched(r, &w);
    for (size_t i = 0; i < GN_COUNT(list_rows); i++) {
        if (r->subscribed & list_rows[i].list)
            gn_jw_bool(&w, list_rows[i].filter, true);
    }
    gn_listen_write_resources(r, &w);
    gn_jw_end(&w);
    gn_jsonrpc_close_notification(&w);
    int rc = r->stream->ops->send(r->stream, gn_buf_str(&buf), buf.len, GN_MUST);
    gn_buf_release(&buf);
    return rc;
}

/* The member of the filter that is not of its type, or NULL. */
static const char *find_wrong_member(const gantry_json *filter)
{
    for (size_t i = 0; i < GN_COUNT(list_rows); i++) {
        int type = gn_json_type(gn_json_get(filter, list_rows[i].filter));
        if (type != 0 && type != GN_JSON_NULL && type != GN_JSON_TRUE && type != GN_JSON_FALSE)
            return list_rows[i].filter;
    }
    static const char *const arrays[] = {"resourceSubscriptions", "taskIds"};
    for (size_t i = 0; i < GN_COUNT(arrays); i++) {
        const gantry_json *array = gn_json_get(filter, arrays[i]);
        if (array && gn_json_type(array) != GN_JSON_ARRAY && gn_json_type(array) != GN_JSON_NULL)
            return arrays[i];
        for (const gantry_json *v = gn_json_next(array, NULL); v; v = gn_json_next(array, v)) {
            if (gn_json_type(v) != GN_JSON_STRING)
                return arrays[i];
        }
    }
    return NULL;
}

void gn_method_listen(struct gn_request *r)
{
    struct gn_protocol *p = r->p;
    const gantry_json *filter = gn_json_get(r->params, "notifications");
    if (gn_json_type(filter) != GN_JSON_OBJECT) {
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL,
                       "subscriptions/listen needs params.notifications, an object");
        return;
    }
    const char *wrong = find_wrong_member(filter);
    if (wrong) {
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL,
                       "subscriptions/listen: params.notifications.%s is not %s", wrong,
                       strstr(wrong, "Changed") ? "true or false" : "an array of strings");
        return;
    }
    const gantry_json *task_ids = gn_json_get(filter, "taskIds");
    if (gn_json_type(task_ids) == GN_JSON_ARRAY &&
        gn_request_refuse_no_tasks(r, "subscriptions/listen with taskIds"))
        return;
    if (!gn_request_watch_tasks(r, task_ids)) {
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL,
                       "subscriptions/listen: params.notifications.taskIds holds too many");
        return;
    }
    if (p->subscriptions >= p->config->max_subscriptions) {
        gn_reply_error(r, 503, GN_RPC_INTERNAL_ERROR, NULL, "subscription limit reached");
        return;
    }
    for (size_t i = 0; i < GN_COUNT(list_rows); i++) {
        if (gn_json_type(gn_json_get(filter, list_rows[i].filter)) == GN_JSON_TRUE)
            r->subscribed |= list_rows[i].list;
    }
    gn_listen_to_resources(r, gn_json_get(filter, "resourceSubscriptions"));
    gn_request_begin_told(r);
    r->is_subscription = true;
    p->subscriptions++;
    if (acknowledge(r) == GN_ENOTSUP)
        gn_reply_error(
            r, 406, GN_RPC_INVALID_REQUEST, NULL,
            "subscriptions/listen is answered with text/event-stream, which the Accept header excludes");
}

/* On a shared stream the server says that it cancels the subscription
 * (basic/patterns/cancellation). */
static void send_cancelled(struct gn_request *r)
{
    struct gn_buf buf = GN_BUF_INIT(8192);
    struct gn_jw w;
    gn_jsonrpc_open_notification(&w, &buf, "notifications/cancelled");
    gn_jw_raw(&w, "requestId", r->id, strlen(r->id));
    gn_jw_str(&w, "reason", "the server is shutting down");
    gn_write_subscription(r->id, &w);
    gn_jsonrpc_close_notification(&w);
    (void)r->stream->ops->send(r->stream, gn_buf_str(&buf), buf.len, GN_MUST);
    gn_buf_release(&buf);
}

void gn_subscription_end(struct gn_request *r)
{
    if (r->stream && r->stream->shared)
        send_cancelled(r);
    gn_reply_empty(r);
}
