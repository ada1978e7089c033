/* fixture.h - a protocol on a loop of its own, with a few components, and clients that write down
 * what they are told. */
#ifndef TEST_PROTOCOL_FIXTURE_H
#define TEST_PROTOCOL_FIXTURE_H

#include "protocol/protocol.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

#define MAX_MESSAGES 64

/* One client's connection (shared) or one HTTP exchange. */
struct client {
    struct gn_stream stream;
    const char *headers[16];  /* name, value, ..., NULL */
    char *sent[MAX_MESSAGES]; /* "" is an event without data */
    char *ids[MAX_MESSAGES];  /* of the events, or NULL */
    uint32_t retry_ms;        /* the last one told */
    size_t count;
    int status; /* of end; 0: not ended */
    bool opened, refuses_stream;
    bool loses_answer; /* it is gone before its answer has left */
    char session_id[64];
    char last_header[64];
};

struct gn_transform;

struct fixture {
    uv_loop_t uv;
    struct gn_loop *loop;
    struct gn_call_env env;
    struct gn_registry *registry;
    struct gn_config *config;
    struct gn_protocol *p;
    struct gn_owner owner;
    int held;           /* references to the owner */
    int started, ended; /* handlers */
    bool drained;
};

void fixture_open(struct fixture *f);
/* One more component. */
void fixture_add(struct fixture *f, enum gn_kind kind, const char *key, gantry_run_fn run,
                 uint32_t flags);
/* One more without a handler, so that a list has changed; the protocol hears of it. */
void fixture_change(struct fixture *f, enum gn_kind kind, const char *key);
/* The same in two steps: a component to be completed, and published (taken over). */
struct gn_component *fixture_make(struct fixture *f, enum gn_kind kind, const char *key,
                                  gantry_run_fn run);
void fixture_put(struct fixture *f, struct gn_component *c);
/* Takes all of this key away, and tells the protocol. */
void fixture_remove(struct fixture *f, enum gn_kind kind, const char *key);
/* These are the operator's transforms from now on (taken over). */
void fixture_transforms(struct fixture *f, struct gn_transform **v, size_t count);
/* Frees everything and asserts that nothing is left. */
void fixture_close(struct fixture *f);
/* Runs the loop until *flag is not 0, or what it counts reaches `want`; fails after ten seconds. */
void run_until(struct fixture *f, const size_t *counter, size_t want);
void run_until_int(struct fixture *f, const int *counter, int want);
/* Runs the loop a few times without waiting for anything. */
void run_some(struct fixture *f);

void client_open(struct client *c, bool shared);
void client_free(struct client *c);
void client_header(struct client *c, const char *name, const char *value);
/* Sends text; returns the last message received so far, or "". */
const char *client_send(struct fixture *f, struct client *c, const char *text);
const char *client_last(const struct client *c);
/* initialize on a shared connection, with this revision. */
void client_initialize(struct fixture *f, struct client *c, const char *revision);
/* An HTTP exchange of the stateless era: headers and `_meta` are made for it. params without
 * braces. The client declares what STATELESS_META says. */
void post_stateless(struct fixture *f, struct client *c, const char *method, const char *name,
                    const char *params);

/* Components: tools echo, sleep (waits until cancelled, or ms), block, fail, accident; resource
 * test://one, template test://{x}/t, prompt ask. */
#define STATELESS_META                                                                             \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                       \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}}"

#endif
