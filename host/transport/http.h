/* http.h - what the files of the HTTP transport share; nobody else includes it.
 *
 *     http.c          the server: lws context, start, stop, reconfiguration
 *     http_listen.c   listening sockets; hands accepted ones to lws
 *     http_lws.c      connections: lws callbacks, reading, writing, time limits, closing
 *     http_parse.c    the head of a request
 *     http_request.c  a request: checks, body, hand-over to the protocol
 *     http_answer.c   its answer: gn_stream operations, headers, event stream
 *     http_sse.c      the event stream of revision 2024-11-05, and the messages to it
 *     websocket.c     a WebSocket instead of requests and answers
 *     http_pages.c    what the host says about itself: metrics, health
 *
 * One struct gn_http_conn stands for one lws connection and holds the one request that is on it;
 * what comes after it waits in `in`. The protocol knows the embedded gn_stream only. `wsi` is NULL
 * from the moment the connection is closed. A stream operation only enqueues: what may close a
 * connection runs in its own lws callback or in a timer.
 */
#ifndef GN_TRANSPORT_HTTP_H
#define GN_TRANSPORT_HTTP_H

#include "transport/transport.h"

#include "coro/loop.h"
#include "transport/chunked.h"
#include "transport/http_parse.h"
#include "transport/queue.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/map.h"

#include <libwebsockets.h>

#define GN_HTTP_COMPONENT "http"

struct gn_http_listener {
    struct gn_http_server *server;
    struct lws_vhost *vhost; /* the plain one, or its own with TLS */
    char *url;
    char *vhost_name;  /* lws keeps the pointer */
    char *unix_path;   /* NULL: TCP */
    uint64_t dev, ino; /* of the socket file: only our own is removed */
    int fd;
    bool open;
    bool is_pages; /* metrics and health, and nothing else */
    uv_poll_t poll;
    bool starved;          /* no descriptors left, and that has been logged */
    struct gn_timer pause; /* then wait, do not spin */
};

#define GN_HTTP_SERVER_MAGIC 0x57d10002u
struct gn_http_server {
    uint32_t magic;
    struct gn_transport_env env;
    struct lws_context *context;
    struct lws_vhost *plain;
    struct gn_http_listener *listeners;
    size_t listener_count;
    struct gn_http_listener *pages; /* the pages' own listener; NULL: they are on the others */
    struct gn_list conns;           /* all */
    struct gn_list idle;            /* those without a request, longest first */
    struct gn_list dirty;   /* those with something to write, or to be closed, on the next turn */
    struct gn_list waiting; /* those whose output waits for the client, longest without progress
                               first */
    struct gn_timer flush;
    struct gn_map sse_streams; /* connections by their session_id (http_sse.c) */
    uint32_t conn_count;       /* but for those of the pages' listener: */
    uint32_t pages_count;
    uint64_t body_bytes;           /* of requests not answered yet */
    uint64_t output_bytes;         /* held by the queues of all connections */
    bool output_full;              /* the bound of it was met, and that has been logged */
    struct gn_buf scratch;         /* for putting an answer together */
    struct gn_http_conn *adopting; /* the connection that lws is being given */
    char date[40];                 /* the Date header's value for date_s */
    int64_t date_s;
    /* closing */
    bool closing;
    bool context_closing;
    struct gn_timer last_answers; /* looks whether they have been written */
    unsigned looks;               /* left */
    unsigned open_polls;          /* uv handles of listeners */
    unsigned turns;               /* left until lws has closed its uv handles */
    uv_idle_t turn;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

enum gn_http_method {
    GN_HTTP_OTHER = 0,
    GN_HTTP_GET,
    GN_HTTP_HEAD,
    GN_HTTP_POST,
    GN_HTTP_DELETE,
    GN_HTTP_OPTIONS,
};

/* What a path stands for. */
enum gn_http_route {
    GN_HTTP_NOWHERE = 0,
    GN_HTTP_MCP,      /* the endpoint */
    GN_HTTP_SSE,      /* the event stream of revision 2024-11-05 */
    GN_HTTP_MESSAGES, /* to it */
};

enum gn_http_state {
    GN_HTTP_IDLE = 0,  /* waits for a request, or for the rest of its head */
    GN_HTTP_BODY,      /* its body is being read */
    GN_HTTP_RUNNING,   /* the protocol has it */
    GN_HTTP_ANSWERED,  /* the last byte of the answer is known; not all is written */
    GN_HTTP_WEBSOCKET, /* frames come and go, until it is GN_HTTP_ANSWERED */
    GN_HTTP_LINGER,    /* all is written; what still comes is dropped until the client closes */
};

#define GN_HTTP_CONN_MAGIC 0x57d10003u
struct gn_http_conn {
    uint32_t magic;
    struct gn_http_server *server;
    struct gn_http_listener *listener;
    struct lws *wsi; /* NULL: closed */
    bool is_tls;
    struct gn_list node, idle_node, dirty_node, waiting_node;
    struct gn_timer timer; /* what it is for depends on the state */
    enum gn_http_state state;
    struct gn_buf in; /* received, not used yet */
    size_t scanned;   /* of it, while it is the beginning of a head */

    /* the request */
    struct gn_stream stream;
    enum gn_http_method method;
    enum gn_http_route route;
    bool close_after;   /* the connection ends with this answer */
    bool takes_events;  /* the client accepts an event stream */
    bool is_chunked;    /* the body */
    bool body_pending;  /* not all of the body has come */
    bool discards_body; /* it was refused already */
    bool with_protocol; /* gn_protocol_* was called, `end` not yet */
    bool in_callback;   /* within an lws callback of this connection, which writes at its end */
    bool is_held;       /* lws does not read: enough waits in `in` */
    bool wants_write;   /* the writable callback has been asked for */
    bool doomed;        /* to be closed on the next turn */
    struct gn_arena arena;
    struct gn_http_head head;
    char *principal;
    const char *origin; /* checked; NULL: none */
    uint64_t length;    /* of the body as announced; with discards_body: what is left of it */
    struct gn_buf body;
    struct gn_chunked chunked;
    uint64_t counted; /* bytes of the body in server->body_bytes */

    /* what the connection has become, and the Authorization header (NULL: none) that it stays by */
    char *credentials;
    struct gn_websocket *websocket; /* NULL: none */
    struct gn_http_sse *sse;        /* NULL: no such stream */

    /* the answer */
    bool head_sent; /* written or queued */
    bool is_streaming;
    struct gn_buf extra; /* header lines that were asked for */
    struct gn_queue out;
    uint64_t written; /* bytes gone to the kernel */
    uint64_t taken;   /* bytes the client had taken at `taken_at`; in server->waiting only */
    uint64_t taken_at;
};

/* http_listen.c */
/* Opens the socket and listens on it; nothing is accepted until gn_http_listen_start. */
int gn_http_listen(struct gn_http_listener *l, const struct gn_config_listener *config,
                   const char *path, struct gn_error *err);
void gn_http_listen_start(struct gn_http_listener *l);
void gn_http_listen_stop(struct gn_http_listener *l);
void gn_http_listen_free(struct gn_http_listener *l); /* stopped before */

/* http_lws.c */
extern const struct lws_protocols gn_http_protocols[];
/* Gives a connected socket to lws. */
void gn_http_adopt(struct gn_http_listener *l, int fd);
/* Closes the connection now; not from within an lws callback or a stream operation. */
void gn_http_conn_close(struct gn_http_conn *c);
/* Closes it on the next turn; from anywhere. Nothing more is sent. */
void gn_http_conn_doom(struct gn_http_conn *c);
/* What is queued is written at the end of the callback we are in, or on the next turn. */
void gn_http_conn_want_write(struct gn_http_conn *c);
/* Writes past the queue, which is empty: how much was taken; the connection may be doomed by it. */
size_t gn_http_conn_write(struct gn_http_conn *c, const char *data, size_t len);
/* Whether a message may be queued: 0, GN_EBUSY it is dropped, GN_EPIPE. A client that does not read
 * what it must get is given up, as are the slowest where all together leave too much lying. */
int gn_http_conn_room(struct gn_http_conn *c, size_t len, enum gn_weight weight);
/* The delivery (NULL: none) is told once the kernel has all that was queued, or when it cannot have
 * it any more. */
void gn_http_conn_mark(struct gn_http_conn *c, struct gn_delivery *delivery);
/* What happens when it is over depends on the state. Ignored once the connection is doomed. */
void gn_http_conn_set_timer(struct gn_http_conn *c, uint64_t delay_ms);
void gn_http_conn_stop_timer(struct gn_http_conn *c);
void gn_http_conn_set_idle(struct gn_http_conn *c, bool idle);
/* Sees how far the client is with what waits for it. Returns how many milliseconds it has left to
 * take enough of it; 0: it is too slow. UINT64_MAX: nothing waits. */
uint64_t gn_http_conn_progress(struct gn_http_conn *c);

/* http_request.c */
/* Uses up what can be used of the bytes received: returns how many. */
size_t gn_http_request_feed(struct gn_http_conn *c, const char *data, size_t len);
void gn_http_request_init(struct gn_http_conn *c);
/* The request is over, or its connection is gone: frees what it held. */
void gn_http_request_reset(struct gn_http_conn *c);
/* An answer begins: what is still to come of the body is not wanted. */
void gn_http_request_cut(struct gn_http_conn *c);
/* Whether the request has the token that it needs; if not it has been answered. */
bool gn_http_request_authorize(struct gn_http_conn *c);
/* The connection will stay: it is to be seen again whether it may. */
void gn_http_request_stay(struct gn_http_conn *c);
/* Whether one that stays still has its token: they may have been reloaded. */
bool gn_http_request_may_stay(const struct gn_http_conn *c);
/* The body has not come in time. */
void gn_http_request_timeout(struct gn_http_conn *c);

/* http_pages.c */
/* Answers if the request is for a page that this listener has; false: it is not. */
bool gn_http_page(struct gn_http_conn *c);

/* http_answer.c */
extern const struct gn_stream_ops gn_http_stream_ops;
/* A complete answer; text NULL: no body. */
void gn_http_answer(struct gn_http_conn *c, int status, const char *type, const char *text,
                    size_t len);
/* An answer for people, and the same as a JSON-RPC error that has no id. */
void gn_http_answer_text(struct gn_http_conn *c, int status, const char *text);
void gn_http_answer_error(struct gn_http_conn *c, int status, const char *text);
/* "100 Continue". */
void gn_http_answer_continue(struct gn_http_conn *c);
/* A header line of the answer to come. Ignored if it cannot be one. */
void gn_http_add_header(struct gn_http_conn *c, const char *name, const char *value);
/* A piece of the event stream as it is: whole lines. */
void gn_http_answer_piece(struct gn_http_conn *c, const char *text, size_t len);
/* The answer is late, or silent, or not read: starts the event stream, keeps it alive, gives it up.
 */
void gn_http_answer_tick(struct gn_http_conn *c);

/* http_sse.c */
enum gn_http_route gn_sse_route(const struct gn_http_conn *c);
/* Opens the stream of a GET that has been checked. */
void gn_sse_begin(struct gn_http_conn *c);
/* The connection is closed, or the stream has ended. */
void gn_sse_release(struct gn_http_conn *c);
/* The host stops, or the token is gone: ends the stream. */
void gn_sse_stop(struct gn_http_conn *c);
/* Whether a POST has somebody to go to; if not it has been answered. */
bool gn_sse_check(struct gn_http_conn *c);
/* Its body has come: answers it and hands the message over. */
void gn_sse_receive(struct gn_http_conn *c);

/* websocket.c */
/* Whether the request asks for one, here. */
bool gn_websocket_is_wanted(const struct gn_http_conn *c);
/* Whether it does so properly; if not it has been answered. */
bool gn_websocket_check(struct gn_http_conn *c);
/* Answers the request, which has been checked; what comes next are frames. */
void gn_websocket_begin(struct gn_http_conn *c);
/* As gn_http_request_feed. */
size_t gn_websocket_feed(struct gn_http_conn *c, const char *data, size_t len);
void gn_websocket_tick(struct gn_http_conn *c);
/* The host stops, or the token is gone: says so, and closes. */
void gn_websocket_stop(struct gn_http_conn *c);
void gn_websocket_revoke(struct gn_http_conn *c);
void gn_websocket_release(struct gn_http_conn *c);

#endif
