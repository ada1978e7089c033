/* link.h - between the client and its transports: a link is one connection to a server, or one
 * program that was started.
 *
 * Two kinds. A program, a WebSocket and the old HTTP+SSE carry everything in one stream each way.
 * Streamable HTTP has an exchange of its own for each message, and answers come on that; its link
 * is never lost, its exchanges fail.
 *
 * A transport embeds struct gn_link at its beginning. Everything on the loop's thread. None of the
 * functions of the client's (gn_link_...) may be called from within a function of the table: from
 * the loop only.
 */
#ifndef GN_CLIENT_LINK_H
#define GN_CLIENT_LINK_H

#include "gantry_client.h"

#include "util/error.h"
#include "util/list.h"

struct gn_link {
    const struct gn_link_ops *ops;
    gantry_client *client;
    struct gn_list node; /* client->old_links while it closes */
    bool is_closing;
};

/* A message on its way out. Everything is borrowed for the call. */
struct gn_outgoing {
    const char *text; /* JSON in one line, without its end */
    size_t len;
    gantry_request *request;    /* NULL: a notification, or an answer of ours */
    const char *method, *name;  /* what the headers Mcp-Method and Mcp-Name say; may be NULL */
    const char *const *headers; /* the caller's for this one; may be NULL */
    const char *const *param_headers; /* Mcp-Param-...; may be NULL */
};

/* Why one exchange came to nothing. */
struct gn_failure {
    gantry_client_status status; /* CONNECTION, TIMEOUT, PROTOCOL, LIMIT, UNAUTHORIZED */
    int http_status;             /* 0: none */
    int error_code;              /* of an error of JSON-RPC (GANTRY_CLIENT_ERROR); 0: none */
    bool was_not_sent;           /* it surely did nothing at the server: may be repeated */
    bool is_passing;             /* may be better in a while: network errors, 429, 502-504 */
    uint64_t retry_after_ms;     /* what the server asked for; 0: nothing */
    struct gn_error why;
};

struct gn_link_ops {
    const char *name;   /* "stdio", "http", "sse", "websocket" */
    bool has_exchanges; /* Streamable HTTP: see above */
    /* Makes a link and begins. Then gn_link_opened, or gn_link_lost. NULL, with err, if it cannot
     * even begin. The settings are client->s. */
    struct gn_link *(*open)(gantry_client *client, struct gn_error *err);
    /* Takes a message; they leave in this order. What is too much to be kept, or cannot be sent,
     * ends in gn_link_failed or gn_link_lost. With has_exchanges, what comes after
     * notifications/initialized waits until that has been answered (servers refuse requests
     * before). */
    void (*send)(struct gn_link *link, const struct gn_outgoing *message);
    /* Nobody waits for the answer to this request any more: it may be gone when this returns.
     * Called from within gn_link_received, too. is_answered: it has come, so what is left of its
     * exchange may end by itself; else the exchange is aborted, which cancels the request in the
     * stateless era. May be NULL. */
    void (*forget)(struct gn_link *link, gantry_request *request, bool is_answered);
    /* The revision is known: what may be done now that it is (the stream of the handshake era for
     * what belongs to no request). May be NULL. */
    void (*ready)(struct gn_link *link);
    /* Ends it, in the time that gantry_client_close and gantry_client_hurry say; then
     * gn_link_closed. Nothing else is told from now on. */
    void (*close)(struct gn_link *link);
    /* gantry_client_hurry was called while it closes. May be NULL. */
    void (*hurry)(struct gn_link *link);
};

extern const struct gn_link_ops gn_link_stdio, gn_link_http, gn_link_sse, gn_link_websocket;

/* ---- what a transport tells the client: client.c, receive.c */
void gn_link_opened(struct gn_link *link);
/* A message came. request: the one on whose exchange; NULL: all share one stream. text may be
 * changed. False if it is no message: with has_exchanges the transport ends the exchange by
 * gn_link_failed; the others go on. */
bool gn_link_received(struct gn_link *link, gantry_request *request, const char *text, size_t len,
                      struct gn_error *err);
/* The exchange of this request is over, and has not brought its answer. */
void gn_link_failed(struct gn_link *link, gantry_request *request,
                    const struct gn_failure *failure);
/* The connection is gone. The client closes the link (ops->close is called from within). */
void gn_link_lost(struct gn_link *link, const struct gn_failure *failure);
/* After ops->close: it has gone, with everything it had. The transport frees it after this. */
void gn_link_closed(struct gn_link *link);
/* A line that a program wrote to standard error. */
void gn_link_stderr(struct gn_link *link, const char *line, size_t len);

#endif
