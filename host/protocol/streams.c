/* streams.c - what concerns a stream and no single message on it: GET and DELETE of a session, and
 * the end of a connection. */
#include "protocol/internal.h"

static const char *header(const struct gn_stream *s, const char *name)
{
    return s->ops->header ? s->ops->header((struct gn_stream *)s, name) : NULL;
}

/* The session that GET and DELETE are about; NULL after answering. */
static struct gn_session *session_of(struct gn_protocol *p, struct gn_stream *s)
{
    const char *version = header(s, "mcp-protocol-version");
    enum gn_revision rev = gn_revision_parse(version);
    const char *id = header(s, "mcp-session-id");
    if (version && rev == GN_REV_NONE) {
        gn_stream_error(s, 400, GN_RPC_INVALID_REQUEST, NULL,
                        "the MCP-Protocol-Version header names no revision");
        return NULL;
    }
    if (gn_revision_is_stateless(rev)) {
        if (s->ops->set_header)
            s->ops->set_header(s, "allow", "POST");
        gn_stream_error(s, 405, GN_RPC_INVALID_REQUEST, NULL,
                        "this revision has POST only: see subscriptions/listen");
        return NULL;
    }
    if (!id) {
        gn_stream_error(s, 400, GN_RPC_INVALID_REQUEST, NULL, "no Mcp-Session-Id header");
        return NULL;
    }
    struct gn_session *session = gn_session_find(p, s, id);
    if (!session)
        gn_stream_error(s, 404, GN_RPC_INVALID_REQUEST, NULL,
                        "unknown session: send initialize again");
    return session;
}

void gn_protocol_get(struct gn_protocol *p, struct gn_stream *s)
{
    GN_CHECK(s, GN_STREAM_MAGIC);
    struct gn_session *session = session_of(p, s);
    if (!session)
        return;
    gn_session_touch(session);
    const char *last = header(s, "last-event-id");
    struct gn_event_id id = {0};
    if (last && *last && !gn_event_id_parse(last, &id))
        gn_stream_error(s, 400, GN_RPC_INVALID_REQUEST, NULL,
                        "Last-Event-ID: no event of this server has such an id");
    else if (id.stream && !id.is_listeners)
        gn_request_resume(p, session, s, &id);
    else
        gn_session_listen(session, s, &id);
}

void gn_protocol_delete(struct gn_protocol *p, struct gn_stream *s)
{
    GN_CHECK(s, GN_STREAM_MAGIC);
    struct gn_session *session = session_of(p, s);
    if (!session)
        return;
    gn_session_remove(session);
    s->ops->end(s, 200, NULL, 0);
}

void gn_protocol_closed(struct gn_protocol *p, struct gn_stream *s)
{
    GN_CHECK(s, GN_STREAM_MAGIC);
    (void)p;
    struct gn_list *n;
    while ((n = gn_list_pop(&s->requests))) {
        struct gn_request *r = GN_CONTAINER(n, struct gn_request, stream_node);
        GN_CHECK(r, GN_REQUEST_MAGIC);
        if (r->stream != s)
            gn_batch_lost(r->stream);
        gn_request_disconnect(r);
        /* In the handshake era losing the connection cancels nothing (basic/transports,
         * "Disconnection"), but on stdio there is no client left at all, and of a session whose id
         * was never told nobody could make use. */
        if (gn_request_is_stateless(r) || s->shared || gn_request_makes_session(r))
            gn_request_drop(r);
    }
    struct gn_session *session = s->session;
    if (!session)
        return;
    gn_session_remove_listener(session, s);
    gn_session_send_unsent(session);
    if (s->shared)
        gn_session_remove(session);
    else
        gn_session_touch(session); /* idle from now on */
}
