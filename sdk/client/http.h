/* http.h - what the files of Streamable HTTP share: the link, and its exchanges. Private. */
#ifndef GN_CLIENT_HTTP_H
#define GN_CLIENT_HTTP_H

#include "http_exchange.h"

enum gn_post_kind {
    GN_POST_CALL, /* a request: waits for one of the connections that calls may use */
    GN_POST_LONG, /* a request that is meant to stay: subscriptions/listen */
    GN_POST_NOTE, /* a notification, or an answer of ours: never waits, since calls wait for it */
    GN_POST_END   /* the DELETE of the session */
};

/* One message on its way, with what comes back on its exchange. */
struct gn_post {
    struct gn_exchange x; /* first */
    struct gn_http *h;
    struct gn_list node;     /* h->posts */
    struct gn_list in_queue; /* h->held, h->queue */
    enum gn_post_kind kind;
    bool is_initialize, has_session;
    bool counts; /* in h->calls */
    /* The rest of a broken stream (http_stream.c). */
    struct gn_client_timer timer; /* before it is asked for; or, once answered, until it is left */
    int64_t retry_ms;             /* that the stream asked for; -1: nothing */
    unsigned silent;              /* connections in a row that brought nothing */
    bool is_resumed, has_event;
};

/* The stream of the handshake era for what belongs to no request. */
struct gn_http_stream {
    struct gn_exchange x; /* first */
    struct gn_http *h;
    struct gn_client_timer timer;
    int64_t retry_ms;
    unsigned silent;
    bool has_event;
    bool is_opening; /* the first time, not yet answered: calls wait */
    struct gn_client_timer patience;
};

enum gn_http_state { GN_HTTP_OPEN, GN_HTTP_CLOSING, GN_HTTP_ENDING, GN_HTTP_CLOSED };

struct gn_http {
    struct gn_link link; /* first */
    struct gn_http_peer peer;
    enum gn_http_state state;
    struct gn_list posts;
    /* Until notifications/initialized and the stream have been answered; then also what a lost
     * session has not taken. */
    struct gn_list held;
    struct gn_list queue;        /* calls for which there is no connection */
    size_t calls;                /* that run */
    bool is_shared;              /* HTTP/2: calls share a connection, and need not wait */
    struct gn_post *initialized; /* notifications/initialized, under way */
    char *session_id;
    struct gn_http_stream *stream;
    bool wants_stream;            /* as soon as notifications/initialized has been answered */
    bool is_lost;                 /* the session is: what runs has a moment to be told the same */
    struct gn_client_timer timer; /* to begin, to lose, to end */
};

/* ---- http.c */
/* Begins what may begin now. Not from within a function that libcurl calls. */
void gn_http_pump(struct gn_http *h);
/* The server does not know the session any more: the link is lost, in a moment. post, which may be
 * NULL, did nothing, so it goes over the next. */
void gn_http_session_lost(struct gn_http *h, struct gn_post *post);
/* Its request fails, if it still waits; the post is freed. */
void gn_http_post_fail(struct gn_post *post, const struct gn_failure *failure);

/* ---- http_stream.c */
/* The stream of this post has ended without the answer: true if it is taken up again. */
bool gn_http_resume(struct gn_post *post);
void gn_http_stream_open(struct gn_http *h);
void gn_http_stream_close(struct gn_http *h);

#endif
