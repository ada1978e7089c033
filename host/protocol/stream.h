/* stream.h - what a transport lends to the protocol: a way back to one client.
 *
 * Over HTTP every request has a stream of its own: one POST, answered by one JSON body or, once
 * something is sent before the end, by a stream of server-sent events; or one GET that listens.
 * Over stdio, WebSocket and HTTP+SSE one stream is the connection, `shared` by all requests on it,
 * and lives as long as it. Transport owns; the protocol keeps pointers in it from the first
 * gn_protocol_* call until `end` (not shared) or gn_protocol_closed. Loop thread only.
 */
#ifndef GN_PROTOCOL_STREAM_H
#define GN_PROTOCOL_STREAM_H

#include "call/weight.h"
#include "util/buf.h"
#include "util/common.h"
#include "util/list.h"

struct gn_stream;

struct gn_stream_ops {
    /* One message that is not the last; copied. 0, GN_EBUSY dropped, GN_EPIPE gone, GN_ENOTSUP:
     * this client takes no stream (its Accept header has no text/event-stream). Where has_ids,
     * json may be NULL: an event without data, for its event_id and retry_ms. */
    int (*send)(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight);
    /* The last message; json NULL: none (202 with an empty body, or the event stream just ends).
     * `status` is the HTTP status, used if nothing was sent before. On a shared stream: one
     * message, nothing ends. Not shared: the stream is the transport's own again, the protocol does
     * not touch it any more. */
    void (*end)(struct gn_stream *s, int status, const char *json, size_t len);
    /* A request header, name in lower case; NULL: absent, or no HTTP. */
    const char *(*header)(struct gn_stream *s, const char *name);
    /* Adds a header to the answer, before anything was sent (Mcp-Session-Id). NULL where there is
     * no HTTP. */
    void (*set_header)(struct gn_stream *s, const char *name, const char *value);
    /* Starts the event stream now, with nothing in it yet (GET). NULL where there is no HTTP. */
    int (*open)(struct gn_stream *s);
};

/* Whether the last message has left: for those who must know. */
struct gn_delivery {
    /* [loop] Once, after `end`: is_written, every byte of it was taken by the kernel; else the
     * client was gone before. May come before `end` returns, and free the delivery. */
    void (*done)(struct gn_delivery *delivery, bool is_written);
};

/* A stream of events, whose connections may come and go (protocol/events.h). */
struct gn_flow {
    uint64_t stream; /* its number in the session; 0: its events have no ids */
    uint64_t number; /* of its last event */
    bool is_begun;   /* the answer is an event stream by now */
    bool is_told;    /* the client has an id of it, and can come back for the rest */
};

#define GN_STREAM_MAGIC 0x57e4a001u
struct gn_stream {
    uint32_t magic;
    const struct gn_stream_ops *ops;
    bool shared;           /* stdio, websocket, sse */
    bool has_ids;          /* it is one of server-sent events, which may have ids */
    bool takes_whole;      /* its `end` may take the buffer of a long message, to save a copy */
    const char *transport; /* "stdio", "http", "websocket", "sse" */
    const char *principal; /* NULL: nobody in particular; valid as long as the stream */
    /* the protocol's, for the next `send` or `end` only: cleared by it */
    struct gn_delivery *delivery; /* `end`: told whether it has left; NULL: nobody asks */
    struct gn_buf *whole;         /* `end`, where takes_whole: what json is in; NULL: elsewhere */
    const char *event_id;         /* where has_ids: the `id:` of the event; NULL: none */
    uint32_t retry_ms;            /* the same: its `retry:`; 0: none */
    /* the protocol's */
    bool is_whole; /* the answer has headers of its own: nothing, and no stream, begins before it */
    struct gn_list requests; /* in flight on this stream: gn_stream_init empties it */
    int64_t highest_id;      /* of the numbers that were ids of requests on it; at least 0 */
    struct gn_session *session;
    struct gn_list listener_node; /* in session->listeners */
    struct gn_flow flow;          /* of one that listens */
};

static inline void gn_stream_init(struct gn_stream *s, const struct gn_stream_ops *ops, bool shared,
                                  const char *transport)
{
    *s = (struct gn_stream){
        .magic = GN_STREAM_MAGIC, .ops = ops, .shared = shared, .transport = transport};
    gn_list_init(&s->requests);
    gn_list_init(&s->listener_node);
}

#endif
