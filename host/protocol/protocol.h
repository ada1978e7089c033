/* protocol.h - MCP: JSON-RPC, both eras, all methods. From bytes to calls and back.
 *
 * Specification: docs/specification of each revision; where they differ the code names the page.
 */
#ifndef GN_PROTOCOL_PROTOCOL_H
#define GN_PROTOCOL_PROTOCOL_H

#include "call/call.h"
#include "config/config.h"
#include "protocol/stream.h"
#include "registry/registry.h"

/* Notifications that middlewares may have in hand at a time; what comes beyond is dropped. */
#define GN_NOTIFICATIONS_MAX 64

struct gn_protocol;

/* working, input_required, completed, failed, cancelled (tasks.h). */
#define GN_TASK_STATUSES 5

struct gn_protocol *gn_protocol_new(struct gn_call_env *env, struct gn_registry *registry,
                                    const struct gn_config *config);
void gn_protocol_free(struct gn_protocol *p); /* no streams, no calls left */
/* After a reload of the configuration; borrowed until the next one. */
void gn_protocol_configure(struct gn_protocol *p, const struct gn_config *config);

/* Keeps tasks in the folder of the configuration, if it names one, and reads what is there. Once,
 * before serving. */
int gn_protocol_open(struct gn_protocol *p, struct gn_error *err);

/* One received message. Takes `bytes` over (gn_free). May answer before it returns. The stream must
 * be initialised; requests of a shared stream are told apart by their ids. */
void gn_protocol_receive(struct gn_protocol *p, struct gn_stream *s, char *bytes, size_t len);
/* HTTP GET with Accept: text/event-stream, and DELETE, on the endpoint. */
void gn_protocol_get(struct gn_protocol *p, struct gn_stream *s);
void gn_protocol_delete(struct gn_protocol *p, struct gn_stream *s);
/* The transport has begun the event stream of an answer that is late: what stands at its beginning
 * is sent now. */
void gn_protocol_opened(struct gn_protocol *p, struct gn_stream *s);
/* The client is gone (or the connection must go): nothing may be sent any more, and the protocol
 * forgets the stream before this returns. */
void gn_protocol_closed(struct gn_protocol *p, struct gn_stream *s);
/* A message that the transport could not take whole (too long a line, ...): answers with an error.
 */
void gn_protocol_refuse(struct gn_protocol *p, struct gn_stream *s, int status, int code,
                        const char *message);

/* Lists may have changed: bit set of 1 << enum gn_kind. Clients whose own have are told, at most
 * once in 50 ms. */
void gn_protocol_changed(struct gn_protocol *p, uint32_t kinds);
/* Shutting down: new requests are refused (503, busy), subscriptions end gracefully;
 * on_drained(arg) comes once no call is left, or after drain_ms, when those left have been
 * cancelled and answered. */
void gn_protocol_drain(struct gn_protocol *p, uint32_t drain_ms, void (*on_drained)(void *arg),
                       void *arg);
/* Requests in flight (subscriptions not counted), for tests and the stdio transport's end of input.
 */
uint32_t gn_protocol_in_flight(const struct gn_protocol *p);

/* Numbers for the metrics. */
struct gn_protocol_status {
    uint32_t sessions; /* of the handshake era, connections that are one included */
    uint32_t running;  /* calls that have their turn and no answer yet */
    uint32_t queued;   /* calls that wait for their turn */
    uint32_t parked;   /* calls that wait for their client to come again */
    uint64_t parked_bytes;
    uint32_t states;      /* that were used and have not expired */
    uint64_t kept_bytes;  /* of replies that did not reach their clients */
    uint64_t event_bytes; /* of events that are kept for clients that were cut off */
    uint32_t subscriptions;
    uint32_t tasks[GN_TASK_STATUSES]; /* by their status, in the order of gn_task_status_names */
};
extern const char *const gn_task_status_names[GN_TASK_STATUSES];
void gn_protocol_status(const struct gn_protocol *p, struct gn_protocol_status *ret);

#endif
