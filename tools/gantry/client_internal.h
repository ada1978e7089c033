/* client_internal.h - between the client and its two transports. */
#ifndef GANTRY_CLIENT_INTERNAL_H
#define GANTRY_CLIENT_INTERNAL_H

#include "client.h"

#define GN_CLIENT_MESSAGE_MAX ((size_t)64 << 20) /* bytes of one message */
#define GN_CLIENT_NONSENSE_MAX 100               /* lines of a program that are no messages */

/* One message on its way out. */
struct gn_cli_client_message {
    const char *text; /* JSON on one line */
    size_t len;
    const char *method, *name;  /* for headers; may be NULL */
    const char *const *headers; /* NULL-terminated; may be NULL */
    bool is_request;            /* wait until the client has its answer */
};

struct gn_cli_client_transport {
    const char *name;                                             /* "http", "stdio" */
    void *(*open)(struct gn_cli_client *c, struct gn_error *err); /* NULL with err */
    /* Sends; for a request, hands what comes to gn_cli_client_receive until c->answered. 0 or an
     * exit code; in err->code GN_ETIMEDOUT if the deadline (gn_clock_ms) passed, GN_ECANCELED if
     * the client was told to stop. err may be NULL. */
    int (*send)(void *t, const struct gn_cli_client_message *m, uint64_t deadline,
                struct gn_error *err);
    /* From within gn_cli_client_receive: an answer to a request of the server. */
    void (*reply)(void *t, const char *text, size_t len);
    /* Ends a child, or a session. `is_closing` tells whether it is for good. */
    void (*close)(void *t);
};
extern const struct gn_cli_client_transport gn_cli_client_http, gn_cli_client_stdio;

struct gn_cli_client {
    struct gn_cli_client_options options;
    const struct gn_cli_client_transport *transport;
    void *t;
    enum gn_revision revision; /* NONE: not known yet */
    int64_t last_id;           /* of the request that is or was waited for */
    uint64_t received;         /* bytes of messages */
    bool answered;
    json_t *result, *error; /* the answer: one of them */
    json_t *server;
    int http_status;  /* of the last exchange; 0 over stdio */
    char *session_id; /* handshake era over HTTP */
    bool is_interrupted, is_closing;
    bool may_open_session; /* the answer may bring a session id */
    int64_t probe_id;      /* of a server/discover that was given up; 0: none */
    json_t *late;          /* its result, which came all the same */
};

/* A message, or an array of them, has come. False if it is no JSON-RPC. */
bool gn_cli_client_receive(struct gn_cli_client *c, const char *text, size_t len,
                           struct gn_error *err);
/* What to poll for reading while waiting: then the client is to stop. -1: nothing (any more). */
int gn_cli_client_stop_fd(const struct gn_cli_client *c);
/* It is to stop: sets GN_ECANCELED in err (may be NULL) and returns the exit code. */
int gn_cli_client_interrupt(struct gn_cli_client *c, struct gn_error *err);

#endif
