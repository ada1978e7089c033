/* events.h - what was sent as server-sent events, kept for clients that were cut off.
 *
 * Streamable HTTP of the handshake era (basic/transports, "Resumability and Redelivery"). A stream
 * of events belongs to one request (POST) or to one listener (GET) of a session and may outlive
 * its connections: a client that was cut off names the last event that it got, and is sent what
 * came after it on that stream. The id of an event is its stream and its number: "p12-3" is the
 * third event of the request with the number 12, "g7-40" one of the listener with the number 7.
 *
 * Each session has a store, all stores share a pool. Both are bounded, the oldest event goes first:
 * of the session, or of all sessions. Loop thread only.
 */
#ifndef GN_PROTOCOL_EVENTS_H
#define GN_PROTOCOL_EVENTS_H

#include "util/common.h"
#include "util/list.h"

#define GN_EVENT_ID_MAX 48 /* bytes of an id, NUL included */

/* What all stores keep together: oldest first. */
struct gn_event_pool {
    struct gn_list events; /* by gn_event.pool_node */
    uint64_t bytes;
};

struct gn_event_limits {
    uint32_t max_count; /* of a session; 0: nothing is kept, and no event has an id */
    uint64_t max_bytes; /* of a session */
    uint64_t max_total; /* of all */
};

struct gn_events {
    struct gn_event_pool *pool;
    struct gn_list events; /* by gn_event.node, oldest first */
    uint32_t count;
    uint64_t bytes;
    uint64_t lost; /* the highest number of a listener's event that has gone */
};

struct gn_event {
    struct gn_list node, pool_node;
    struct gn_events *store;
    uint64_t stream; /* 0: it was sent to nobody yet, since nobody listens */
    uint64_t number;
    bool is_listeners; /* of a GET */
    bool is_last;      /* nothing comes after it on its stream */
    size_t len;        /* 0: only tells that the stream has ended */
    char json[];       /* with a NUL */
};

/* What an id says. */
struct gn_event_id {
    bool is_listeners;
    uint64_t stream, number;
};

void gn_event_pool_init(struct gn_event_pool *pool);
void gn_events_init(struct gn_events *e, struct gn_event_pool *pool);
/* Forgets all. */
void gn_events_clear(struct gn_events *e);

/* Keeps a copy, as the newest; what is over a limit goes. GN_ETOOBIG: it alone is over one, and
 * nothing has changed. json may be NULL with len 0. */
int gn_events_add(struct gn_events *e, const struct gn_event_limits *limits,
                  const struct gn_event_id *id, bool is_last, const char *json, size_t len)
    GN_NODISCARD;
/* The oldest event of this stream with a higher number than `id` has; NULL: none. Valid until
 * something is added or cleared. */
struct gn_event *gn_events_after(const struct gn_events *e, const struct gn_event_id *id);
/* The oldest event that was sent to nobody; NULL: none. */
struct gn_event *gn_events_unsent(const struct gn_events *e);

const char *gn_event_id_write(const struct gn_event_id *id, char ret[GN_EVENT_ID_MAX]);
/* False: it is none of ours. */
bool gn_event_id_parse(const char *text, struct gn_event_id *ret);

#endif
