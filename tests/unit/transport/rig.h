/* rig.h - what the tests of transports stand on: a loop, a protocol that only records and answers
 * as it is told, and clients that are driven from the same thread.
 */
#ifndef GN_TESTS_TRANSPORT_RIG_H
#define GN_TESTS_TRANSPORT_RIG_H

#include "support.h"

#include "coro/loop.h"
#include "transport/transport.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "util/str.h"

#include <string.h>

/* ---- the protocol: stands in for the real one when the test is linked */

enum fake_mode {
    FAKE_ECHO = 0, /* answers at once with {"echo":LENGTH} */
    FAKE_HOLD,     /* keeps the stream; the test answers */
    FAKE_ACCEPT,   /* answers 202 without a body */
};

#define FAKE_MAX 4096
struct gn_protocol {
    enum fake_mode mode;
    char *messages[FAKE_MAX]; /* received, NUL-terminated */
    size_t lens[FAKE_MAX];
    size_t received;
    struct gn_stream *stream; /* of the last one that is held */
    uint32_t in_flight;       /* what gn_protocol_in_flight says */
    size_t gets, deletes, closed, refused;
    int refused_code;
    char refused_text[256];
    void (*on_receive)(struct gn_protocol *p, struct gn_stream *s); /* instead of mode */
    const char *principal;
};

void fake_release(struct gn_protocol *p);

/* ---- the loop and what runs on it */

struct rig {
    uv_loop_t uv;
    struct gn_loop *loop;
    struct gn_config *config;
    struct gn_auth *auth;
    struct gn_protocol protocol;
    struct gn_log log;
    struct gn_transport_env env;
    struct gn_http_server *http;
    struct gn_metrics *metrics;        /* of the test; NULL: none */
    const char *(*unready)(void *arg); /* of the test, arg is the rig */
    bool closed;
};

/* Makes everything but a transport. The configuration has one listener, 127.0.0.1:0, and may be
 * changed before rig_http. */
void rig_init(struct rig *r);
void rig_listen(struct rig *r, const char *address); /* instead of that listener */
void rig_token(struct rig *r, const char *principal, const char *token);
/* Reloads the tokens: that of the principal is another one from now on. */
void rig_change_token(struct rig *r, const char *principal, const char *token);
void rig_http(struct rig *r);
/* Closes all, and sees that nothing is left on the loop. */
void rig_end(struct rig *r);

/* One turn of the loop, without waiting. */
void rig_turn(struct rig *r);
/* Turns until the condition holds; fails the test after half a minute. */
#define RIG_WAIT(r, condition)                                                                     \
    do {                                                                                           \
        uint64_t until_ = rig_deadline();                                                          \
        while (!(condition)) {                                                                     \
            cr_assert(!rig_is_late(until_), "waited in vain for: %s", #condition);                 \
            rig_turn(r);                                                                           \
        }                                                                                          \
    } while (0)
uint64_t rig_deadline(void);
bool rig_is_late(uint64_t deadline);

/* ---- clients */

struct client {
    int fd;
    struct gn_buf in; /* received, not used yet */
    bool closed;      /* by the server */
};

void client_open(struct rig *r, struct client *c, size_t listener);
void client_open_url(struct client *c, const char *url);
void client_release(struct client *c);
void client_write(struct client *c, const char *data, size_t len);
void client_print(struct client *c, const char *fmt, ...) GN_PRINTF(2, 3);
void client_read(struct client *c); /* what there is */
bool client_has(struct client *c, const char *text);
/* Waits until what was received has this text; then it, and all before it, is used up. */
void client_expect(struct rig *r, struct client *c, const char *text);
void client_expect_close(struct rig *r, struct client *c);

struct response {
    int status;
    struct gn_buf head, body; /* the body without its transfer coding */
};

/* Waits for one whole answer. */
void client_response(struct rig *r, struct client *c, struct response *ret);
void client_head_response(struct rig *r, struct client *c,
                          struct response *ret); /* to HEAD: no body */
void response_release(struct response *response);
/* A header's value; NULL if it is not there. Valid until the next call. */
const char *response_header(const struct response *response, const char *name);
/* Sends a request and returns the status of its answer. */
int client_status(struct rig *r, struct client *c, const char *request);
/* A POST of `body` to /mcp with proper headers. */
void client_post(struct client *c, const char *body);

#define POST_HEADERS                                                                               \
    "Host: localhost\r\nContent-Type: application/json\r\n"                                        \
    "Accept: application/json, text/event-stream\r\n"

/* A delivery that counts what it is told. */
struct told {
    struct gn_delivery delivery; /* .done = told_done */
    int count;
    bool is_written;
};
void told_done(struct gn_delivery *delivery, bool is_written);

#endif
