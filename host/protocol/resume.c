/* resume.c - messages of requests of the handshake era over Streamable HTTP, and clients that were
 * cut off and come back for the rest (basic/transports, "Resumability and Redelivery"; SEP-1699).
 *
 * What is an event gets an id and is kept (events.h), whether a client is there to take it or not.
 * A GET that names one of these ids gets what came after it, and becomes the request's connection.
 */
#include "protocol/internal.h"
#include "util/alloc.h"
#include "util/clock.h"

struct gn_event_limits gn_event_limits_of(const struct gn_config *config)
{
    return (struct gn_event_limits){.max_count = config->resume_max_events,
                                    .max_bytes = config->resume_max_bytes,
                                    .max_total = config->resume_max_total};
}

int gn_stream_send_event(struct gn_stream *s, const struct gn_event_id *id, const char *json,
                         size_t len, enum gn_weight weight)
{
    char text[GN_EVENT_ID_MAX];
    s->event_id = gn_event_id_write(id, text);
    int rc = s->ops->send(s, json, len, weight);
    s->event_id = NULL;
    return rc;
}

/* Clients of older revisions take an event without data for a message that is not JSON. */
static bool takes_marks(enum gn_revision revision)
{
    return revision >= GN_REV_2025_11_25;
}

int gn_session_send_mark(struct gn_session *session, struct gn_stream *s,
                         const struct gn_event_id *id, uint32_t retry_ms)
{
    if (!takes_marks(session->revision))
        return GN_OK;
    s->retry_ms = retry_ms ? retry_ms : session->p->config->resume_retry_ms;
    int rc = gn_stream_send_event(s, id, NULL, 0, GN_MUST);
    s->retry_ms = 0;
    return rc;
}

static struct gn_event_id id_of(const struct gn_flow *flow, uint64_t number)
{
    return (struct gn_event_id){.stream = flow->stream, .number = number};
}

/* ---------------------------------------------------------------- connections that last */

static void on_close_due(struct gn_timer *timer);

void gn_protocol_wait_for_close(struct gn_protocol *p)
{
    gn_timer_stop(&p->close);
    if (gn_list_empty(&p->begun) || !p->config->resume_close_after_ms)
        return;
    struct gn_request *first = GN_CONTAINER(p->begun.next, struct gn_request, begun_node);
    uint64_t now = gn_clock_ms(), due = first->begun_ms + p->config->resume_close_after_ms;
    gn_timer_start(p->env->loop, &p->close, due > now ? due - now : 0, on_close_due);
}

static void on_close_due(struct gn_timer *timer)
{
    struct gn_protocol *p = GN_CONTAINER(timer, struct gn_protocol, close);
    uint32_t after_ms = p->config->resume_close_after_ms;
    uint64_t now = gn_clock_ms();
    while (!gn_list_empty(&p->begun)) {
        struct gn_request *r = GN_CONTAINER(p->begun.next, struct gn_request, begun_node);
        if (r->begun_ms + after_ms > now)
            break;
        gn_list_remove(&r->begun_node);
        (void)gn_request_close_stream(r, 0);
    }
    gn_protocol_wait_for_close(p);
}

/* The connection carries an event stream from now on. */
static void note_begun(struct gn_request *r)
{
    struct gn_protocol *p = r->p;
    r->flow.is_begun = true;
    if (!takes_marks(r->revision))
        return;
    r->begun_ms = gn_clock_ms();
    gn_list_remove(&r->begun_node);
    gn_list_append(&p->begun, &r->begun_node);
    if (!gn_timer_is_running(&p->close))
        gn_protocol_wait_for_close(p);
}

/* The event that stands first: sent before any other, or when the transport has begun the stream.
 */
static int begin(struct gn_request *r, uint32_t retry_ms)
{
    struct gn_event_id id = id_of(&r->flow, r->flow.number);
    int rc = gn_session_send_mark(r->session, r->stream, &id, retry_ms);
    if (rc != 0 || !takes_marks(r->revision))
        return rc;
    r->flow.is_told = true;
    note_begun(r);
    return GN_OK;
}

void gn_protocol_opened(struct gn_protocol *p, struct gn_stream *s)
{
    (void)p;
    GN_LIST_EACH(&s->requests, n) {
        struct gn_request *r = GN_CONTAINER(n, struct gn_request, stream_node);
        if (!r->flow.stream || r->flow.is_begun || r->stream != s)
            continue;
        r->flow.is_begun = true;
        (void)begin(r, 0);
    }
}

void gn_request_disconnect(struct gn_request *r)
{
    gn_list_remove(&r->stream_node);
    gn_list_remove(&r->begun_node);
    r->stream = NULL;
}

/* ---------------------------------------------------------------- messages */

/* A copy for those who come back. What is too large for that is missing then. */
static int keep(struct gn_request *r, bool is_last, const char *json, size_t len)
{
    if (r->session->gone)
        return GN_OK;
    struct gn_event_limits limits = gn_event_limits_of(r->p->config);
    struct gn_event_id id = id_of(&r->flow, r->flow.number);
    return gn_events_add(&r->session->events, &limits, &id, is_last, json, len);
}

int gn_request_send(struct gn_request *r, const char *json, size_t len, enum gn_weight weight)
{
    GN_CHECK(r, GN_REQUEST_MAGIC);
    struct gn_stream *s = r->stream;
    struct gn_flow *flow = &r->flow;
    if (gn_request_makes_session(r)) /* it does not know yet what it may be told */
        return GN_EPIPE;
    if (!flow->stream)
        return s ? s->ops->send(s, json, len, weight) : GN_EPIPE;
    if (s) {
        if (!flow->is_begun)
            (void)begin(r, 0);
        struct gn_event_id id = id_of(flow, flow->number + 1);
        int rc = gn_stream_send_event(s, &id, json, len, weight);
        if (rc == 0 && !flow->is_begun)
            note_begun(r);
        if (rc == 0)
            flow->is_told = true;
        else if (rc != GN_EPIPE)
            return rc;
    }
    if (!flow->is_told)
        return GN_EPIPE;
    flow->number++;
    (void)!keep(r, false, json, len);
    return GN_OK;
}

/* In the place of an answer that cannot be kept, so that nobody waits for it in vain. */
static void keep_apology(struct gn_request *r, size_t len)
{
    struct gn_buf buf = GN_BUF_INIT(8192);
    GN_AUTO_FREE char *text = gn_format(
        "the answer, %zu bytes, was too large to be kept for a client that was cut off "
        "(http.resume.max_bytes): send the request again",
        len);
    if (gn_jsonrpc_write_error(&buf, r->id, GN_RPC_INTERNAL_ERROR, text, NULL, 0) == 0)
        (void)!keep(r, true, gn_buf_str(&buf), buf.len);
    gn_buf_release(&buf);
}

bool gn_request_keep_answer(struct gn_request *r, const struct gn_stream *s, const char *json,
                            size_t len, char ret[GN_EVENT_ID_MAX])
{
    struct gn_flow *flow = &r->flow;
    if (!flow->stream || (s ? !flow->is_begun : !flow->is_told))
        return false;
    flow->number++;
    if (keep(r, true, json, len) != 0)
        keep_apology(r, len);
    struct gn_event_id id = id_of(flow, flow->number);
    gn_event_id_write(&id, ret);
    return s != NULL;
}

void gn_request_keep_end(struct gn_request *r)
{
    if (!r->flow.is_told)
        return;
    r->flow.number++;
    (void)!keep(r, true, NULL, 0);
}

int gn_request_close_stream(struct gn_request *r, uint32_t retry_ms)
{
    GN_CHECK(r, GN_REQUEST_MAGIC);
    struct gn_flow *flow = &r->flow;
    struct gn_stream *s = r->stream;
    if (!flow->stream || !takes_marks(r->revision))
        return GN_ENOTSUP;
    struct gn_event_id id = id_of(flow, flow->number);
    int rc = GN_EPIPE;
    if (s)
        rc = flow->is_begun ? gn_session_send_mark(r->session, s, &id, retry_ms)
                            : begin(r, retry_ms);
    if (rc == 0) {
        gn_request_disconnect(r);
        s->ops->end(s, 200, NULL, 0);
    }
    return flow->is_told ? GN_OK : GN_ENOTSUP; /* cut off already is as good */
}

/* ---------------------------------------------------------------- clients that come back */

static struct gn_request *find_request(struct gn_session *session, uint64_t stream)
{
    GN_LIST_EACH(&session->requests, n) {
        struct gn_request *r = GN_CONTAINER(n, struct gn_request, session_node);
        if (r->flow.stream == stream && r->flow.is_told)
            return r;
    }
    return NULL;
}

/* What can no more be sent is not passed over in silence: a message for people, which is not kept
 * itself. */
static void tell_lost(struct gn_session *session, struct gn_stream *s, uint64_t count)
{
    gn_log(session->p->env->log, GN_INFO, "protocol",
           "a client that was cut off asks for %llu messages that are not kept any more "
           "(http.resume)",
           (unsigned long long)count);
    if (session->log_level > GN_WARNING)
        return;
    GN_AUTO_FREE char *text = gn_format(
        "%llu messages of this stream are lost: the server keeps the last ones only "
        "(http.resume)",
        (unsigned long long)count);
    struct gn_buf buf = GN_BUF_INIT(4096);
    struct gn_jw w;
    gn_jsonrpc_open_notification(&w, &buf, "notifications/message");
    gn_jw_str(&w, "level", gn_level_names[GN_WARNING]);
    gn_jw_str(&w, "logger", "gantry");
    gn_jw_str(&w, "data", text);
    gn_jsonrpc_close_notification(&w);
    (void)s->ops->send(s, gn_buf_str(&buf), buf.len, GN_MUST);
    gn_buf_release(&buf);
}

/* Sends what is kept after `id`; `last` is the number of the last event that there was. The last
 * message of a request that has ended ends s, too. */
static void replay(struct gn_session *session, struct gn_stream *s, struct gn_event_id id,
                   uint64_t last)
{
    for (struct gn_event *event; (event = gn_events_after(&session->events, &id));) {
        if (event->number > id.number + 1)
            tell_lost(session, s, event->number - id.number - 1);
        id.number = event->number;
        if (event->is_last) {
            char text[GN_EVENT_ID_MAX];
            s->event_id = event->len ? gn_event_id_write(&id, text) : NULL;
            s->ops->end(s, 200, event->len ? event->json : NULL, event->len);
            return;
        }
        if (gn_stream_send_event(s, &id, event->json, event->len, GN_MUST) != 0)
            return; /* its connection is about to go */
    }
    if (last > id.number)
        tell_lost(session, s, last - id.number);
}

/* The event stream of a client that is back; false after answering. */
static bool open_stream(struct gn_session *session, struct gn_stream *s,
                        const struct gn_event_id *id)
{
    int rc = s->ops->open(s);
    if (rc == GN_ENOTSUP)
        gn_stream_error(s, 406, GN_RPC_INVALID_REQUEST, NULL,
                        "a GET needs Accept: text/event-stream");
    else if (rc == 0) /* cut off once more, some clients know the ids of this connection only */
        rc = gn_session_send_mark(session, s, id, 0);
    return rc == 0;
}

/* Nothing comes on that stream any more: a client that came back for nothing is not to try again.
 */
static void answer_nothing_more(struct gn_stream *s)
{
    if (s->ops->set_header)
        s->ops->set_header(s, "allow", "POST, DELETE");
    gn_stream_error(s, 405, GN_RPC_INVALID_REQUEST, NULL,
                    "Last-Event-ID: this stream has ended, nothing came after that event");
}

static void resume_ended(struct gn_session *session, struct gn_stream *s,
                         const struct gn_event_id *id)
{
    const struct gn_event_id start = {.stream = id->stream};
    struct gn_event *any = gn_events_after(&session->events, &start);
    struct gn_event *next = gn_events_after(&session->events, id);
    if (!any)
        gn_stream_error(s, 400, GN_RPC_INVALID_REQUEST, NULL,
                        "Last-Event-ID: nothing is kept of that stream, or there never was one; "
                        "what came on it is lost");
    else if (!next || next->len == 0)
        answer_nothing_more(s);
    else if (open_stream(session, s, id))
        replay(session, s, *id, 0);
}

void gn_request_resume(struct gn_protocol *p, struct gn_session *session, struct gn_stream *s,
                       const struct gn_event_id *id)
{
    (void)p;
    struct gn_request *r = find_request(session, id->stream);
    if (!r) {
        resume_ended(session, s, id);
        return;
    }
    if (id->number > r->flow.number) {
        gn_stream_error(s, 400, GN_RPC_INVALID_REQUEST, NULL,
                        "Last-Event-ID: that stream has no such event yet");
        return;
    }
    if (!open_stream(session, s, id))
        return;
    struct gn_stream *old = r->stream; /* its client has lost it without our noticing */
    if (old) {
        gn_request_disconnect(r);
        old->ops->end(old, 200, NULL, 0);
    }
    replay(session, s, *id, r->flow.number);
    r->stream = s;
    gn_list_append(&s->requests, &r->stream_node);
    note_begun(r);
}
