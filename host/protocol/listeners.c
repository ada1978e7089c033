/* listeners.c - the streams on which a session listens: GET over HTTP, or its connection.
 *
 * A client may have several GET streams. Each message goes to one of them, the newest: a client
 * that opens another one has often lost the one before without our noticing, and one that has not
 * can go on with both. None is ended for that, since clients open what was ended again at once.
 */
#include "protocol/internal.h"

#define LISTENERS_MAX 16 /* of a session; it needs one */

void gn_session_add_listener(struct gn_session *s, struct gn_stream *stream)
{
    gn_list_append(&s->listeners, &stream->listener_node);
    stream->session = s;
    s->listener = stream;
    s->has_listened = true;
}

void gn_session_remove_listener(struct gn_session *s, struct gn_stream *stream)
{
    gn_assert(stream->session == s);
    gn_list_remove(&stream->listener_node);
    stream->session = NULL;
    struct gn_list *newest = s->listeners.prev;
    s->listener = newest == &s->listeners ? NULL
                                          : GN_CONTAINER(newest, struct gn_stream, listener_node);
}

void gn_session_end_listeners(struct gn_session *s)
{
    while (s->listener && !s->listener->shared) {
        struct gn_stream *stream = s->listener;
        gn_session_remove_listener(s, stream);
        stream->ops->end(stream, 200, NULL, 0);
    }
}

/* ---------------------------------------------------------------- messages */

int gn_session_send(struct gn_session *s, const char *json, size_t len, enum gn_weight weight)
{
    struct gn_stream *stream = s->listener;
    if (stream && !stream->flow.stream)
        return stream->ops->send(stream, json, len, weight);
    struct gn_event_limits limits = gn_event_limits_of(s->p->config);
    if (s->gone || !s->has_listened || limits.max_count == 0)
        return GN_EPIPE;
    struct gn_event_id id = {.is_listeners = true, .number = s->heard + 1};
    int rc = GN_EPIPE;
    if (stream) {
        id.stream = stream->flow.stream;
        rc = gn_stream_send_event(stream, &id, json, len, weight);
        if (rc != 0 && rc != GN_EPIPE)
            return rc;
    }
    if (rc != 0)
        id.stream = 0; /* for the next that listens */
    s->heard++;
    int kept = gn_events_add(&s->events, &limits, &id, false, json, len);
    return rc == 0 ? GN_OK : kept;
}

void gn_session_send_unsent(struct gn_session *s)
{
    struct gn_stream *stream = s->listener;
    struct gn_event *event;
    if (!stream || !stream->flow.stream)
        return;
    struct gn_event_id id = {.is_listeners = true, .stream = stream->flow.stream};
    while ((event = gn_events_unsent(&s->events))) {
        id.number = event->number;
        if (gn_stream_send_event(stream, &id, event->json, event->len, GN_MUST) != 0)
            return;
        event->stream = id.stream;
    }
}

/* ---------------------------------------------------------------- GET */

/* Its connection is still there, but its client has come back: it has lost it without our noticing.
 */
static void end_lost(struct gn_session *session, uint64_t stream)
{
    GN_LIST_EACH(&session->listeners, n) {
        struct gn_stream *old = GN_CONTAINER(n, struct gn_stream, listener_node);
        if (old->flow.stream != stream)
            continue;
        gn_session_remove_listener(session, old);
        old->ops->end(old, 200, NULL, 0);
        return;
    }
}

static bool has_room(const struct gn_session *session)
{
    uint32_t count = 0;
    GN_LIST_EACH(&session->listeners, n)
        count++;
    return count < LISTENERS_MAX;
}

/* What this stream has sent before and its client does not have. */
static void catch_up(struct gn_session *session, struct gn_stream *s, struct gn_event_id id)
{
    struct gn_event *event;
    if (id.number < session->events.lost) /* instead of what is lost: look at all lists */
        session->pending = GN_LIST_TOOLS | GN_LIST_RESOURCES | GN_LIST_PROMPTS;
    while ((event = gn_events_after(&session->events, &id))) {
        id.number = event->number;
        if (gn_stream_send_event(s, &id, event->json, event->len, GN_MUST) != 0)
            return;
    }
}

/* Why it cannot listen; 0: it can. */
static int check(struct gn_session *session, const struct gn_event_id *last, const char **ret_text)
{
    if (session->p->draining) {
        *ret_text = "shutting down";
        return 503;
    }
    if (last->stream > session->streams || last->number > session->heard) {
        *ret_text = "Last-Event-ID: no event of this session has such an id";
        return 400;
    }
    if (last->stream)
        end_lost(session, last->stream);
    *ret_text = "too many streams (GET) are open in this session";
    return has_room(session) ? 0 : 409;
}

void gn_session_listen(struct gn_session *session, struct gn_stream *s,
                       const struct gn_event_id *last)
{
    const char *text;
    int status = check(session, last, &text);
    int rc = status ? 0 : s->ops->open(s);
    if (rc == GN_ENOTSUP) {
        status = 406;
        text = "a GET needs Accept: text/event-stream";
    }
    if (status) {
        int code = status == 503 ? GN_RPC_INTERNAL_ERROR : GN_RPC_INVALID_REQUEST;
        gn_stream_error(s, status, code, NULL, text);
        return;
    }
    bool has_ids = s->has_ids && session->p->config->resume_max_events > 0;
    struct gn_event_id id = *last;
    struct gn_event *unsent = gn_events_unsent(&session->events);
    if (has_ids && !id.stream)
        id = (struct gn_event_id){.stream = ++session->streams,
                                  .number = unsent ? unsent->number - 1 : session->heard};
    id.is_listeners = true;
    s->flow.stream = has_ids ? id.stream : 0;
    gn_session_add_listener(session, s);
    if (has_ids && rc == 0 && gn_session_send_mark(session, s, &id, 0) == 0)
        catch_up(session, s, id);
    gn_session_send_unsent(session);
    if (rc == 0)
        gn_session_flush(session);
}
