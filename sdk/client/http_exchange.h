/* http_exchange.h - one HTTP exchange of a client, and what all exchanges with its server share:
 * where it is, how it is trusted, the connections.
 *
 * Streamable HTTP (http.c, http_stream.c) and the old HTTP+SSE (sse.c) stand on it. An exchange
 * follows redirects within its origin, bounds what it takes, and tells its owner of events and of
 * its end: from the loop, and never from within libcurl. Private to these files.
 */
#ifndef GN_CLIENT_HTTP_EXCHANGE_H
#define GN_CLIENT_HTTP_EXCHANGE_H

#include "internal.h"
#include "wire/multi.h"
#include "wire/sse.h"

#define GN_HTTP_CLOSE_MS 2000 /* for what is still sent when a link closes */

/* What the exchanges of a link share; embedded in it. */
struct gn_http_peer {
    gantry_client *client;
    struct gn_multi *multi;
    char *url;             /* the endpoint, without credentials; a permanent redirect changes it */
    char *user, *password; /* that the URL had; else NULL */
    bool is_loopback;
    enum gn_revision
        revision;   /* of the link, also when the client has left it; set by ops->ready */
    CURL *spare[8]; /* handles that were used: making one costs */
    size_t spares;
    struct gn_login_state *login; /* login.c: while credentials are asked for; else NULL */
    bool is_closing;              /* none are asked for any more */
};
/* Of the client's settings. GN_EINVAL if libcurl cannot read the URL. */
int gn_http_peer_init(struct gn_http_peer *peer, gantry_client *client, struct gn_error *err);
/* No exchange may be there any more. on_closed(arg) from the loop, once the connections are gone;
 * what else it has is freed when this returns. */
void gn_http_peer_close(struct gn_http_peer *peer, void (*on_closed)(void *arg), void *arg);
/* True if both have the same scheme, host and port. */
bool gn_http_same_origin(const char *a, const char *b);

enum gn_http_verb { GN_HTTP_POST, GN_HTTP_GET, GN_HTTP_DELETE };

/* Embedded in its owner; gn_exchange_init, then the owner sets what it wants. */
struct gn_exchange {
    struct gn_transfer transfer; /* first */
    struct gn_http_peer *peer;
    enum gn_http_verb verb;
    char *url;  /* NULL: the peer's */
    char *body; /* POST: owned */
    size_t body_len;
    struct curl_slist *headers; /* without Authorization: gn_exchange_header */
    bool has_authorization;     /* the headers have one of their own */
    gantry_request *request;    /* whose answer it is to bring; NULL: nobody waits (any more) */
    bool may_repeat;            /* libcurl may send it again over a new connection */
    uint32_t timeout_ms;        /* of the whole; 0: its owner ends it */
    /* One event of a stream. May do anything; x is still there afterwards, if perhaps ended. */
    void (*on_event)(struct gn_exchange *x, const struct gn_sse_event *event); /* may be NULL */
    /* It is over: the owner frees it, or starts it again. */
    void (*on_end)(struct gn_exchange *x, CURLcode code);
    /* It is answered with a stream, before the first event; may do anything. May be NULL. */
    void (*on_stream)(struct gn_exchange *x);

    /* What came. */
    int status;       /* 0: nothing */
    bool is_stream;   /* 2xx and text/event-stream */
    char *type;       /* Content-Type without parameters; NULL: none */
    char *encoding;   /* Content-Encoding */
    char *challenge;  /* WWW-Authenticate */
    char *session_id; /* as it came */
    struct gn_buf in; /* the body; of a stream, what is not looked at yet */
    struct gn_sse_parser sse;
    size_t header_bytes;
    const char *too_big; /* what was; NULL: nothing */
    bool was_sent;       /* the server may have seen the request */
    char error[CURL_ERROR_SIZE];

    char *sent_authorization;         /* what went with it; NULL: none */
    struct curl_slist *authorization; /* before `headers` while it is under way */
    unsigned redirects, logins;
    struct gn_list in_login; /* waits for credentials */
    char *refusal; /* that there are none, says this; then on_end has CURLE_LOGIN_DENIED */
    bool is_busy, is_ending; /* on_event or on_stream, on_end is being called */
    bool is_headed;          /* the head is complete: what may follow are trailers */
    bool is_told, is_freed;  /* on_stream was called; its owner does not want it any more */
    void (*free_owner)(struct gn_exchange *x);
};
/* free_owner frees what x is embedded in. */
void gn_exchange_init(struct gn_exchange *x, struct gn_http_peer *peer, enum gn_http_verb verb,
                      void (*free_owner)(struct gn_exchange *x));
/* value "": sent with an empty one. */
void gn_exchange_header(struct gn_exchange *x, const char *name, const char *value);
/* A header of the caller's, "Name: value"; it replaces none. */
void gn_exchange_header_line(struct gn_exchange *x, const char *line);
bool gn_exchange_has_header(const struct gn_exchange *x, const char *name);
/* Begins, or begins again: what came before is forgotten. While credentials are being asked for it
 * waits for those first. */
void gn_exchange_start(struct gn_exchange *x);
bool gn_exchange_runs(const struct gn_exchange *x);
/* Ends it, if it runs, without on_end. */
void gn_exchange_stop(struct gn_exchange *x);
/* Ends it and frees it with its owner; at once, or when what is being called has returned. */
void gn_exchange_free(struct gn_exchange *x);
/* Calls on_end. */
void gn_exchange_end(struct gn_exchange *x, CURLcode code);
/* The last event's id that came, on this or an earlier connection; "" if none. */
static inline const char *gn_exchange_last_id(const struct gn_exchange *x)
{
    return gn_sse_last_id(&x->sse);
}

/* http_failure.c: what it came to, for a person and for the client. code: CURLE_OK if there was an
 * answer, whose status is no success. */
void gn_exchange_failure(const struct gn_exchange *x, CURLcode code, struct gn_failure *ret);
/* The same for an answer that is none: the message says what it should have been. */
void gn_exchange_no_answer(const struct gn_exchange *x, struct gn_failure *ret);
void gn_exchange_bad_message(const struct gn_exchange *x, const struct gn_error *why,
                             struct gn_failure *ret);

/* ---- login.c */
/* It was answered with 401 or 403: true if it waits now for other credentials, to be started again,
 * or to end with CURLE_LOGIN_DENIED. */
bool gn_login_begin(struct gn_exchange *x);
/* True, and it waits, if credentials are being asked for, without which there is no use to send it.
 */
bool gn_login_holds(struct gn_exchange *x);
/* The peer closes: nobody waits any more, and nothing is asked. What waited is stopped. */
void gn_login_close(struct gn_http_peer *peer);

/* ---- http_headers.c */
/* The headers of a message for the client's revision; session_id may be NULL. */
void gn_http_message_headers(struct gn_exchange *x, const struct gn_outgoing *m,
                             const char *session_id);
/* Those of a GET or DELETE. accept and last_event_id may be NULL. */
void gn_http_plain_headers(struct gn_exchange *x, const char *accept, const char *session_id,
                           const char *last_event_id);

#endif
