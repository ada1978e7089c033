/* ask.h - questions to the client while a call runs (DESIGN 5).
 *
 * A handler asks in straight-line code; what happens is the business of the call's sink (ops->ask):
 *
 *     handshake era    requests on the stream of the call; the task waits       (protocol/asks.c)
 *     stateless era    "input_required"; the call is parked until a retry comes (protocol/park.c)
 *     task             status input_required, until tasks/update                (protocol/tasks.c)
 *
 * Only the outermost call has a sink, so what a nested call asks is asked by that one (its "root"):
 * journal, counters of keys and the open questions are the root's. Code runs top down, so at most
 * one set of questions is open in a root at a time.
 *
 *     gn_call_ask -> found in the journal, or in what the client sent along? -> no: ops->ask(root)
 *     ... gn_ask_answer(question, result) ... gn_asking_settle(root) -> all there: the task goes on
 */
#ifndef GN_CALL_ASK_H
#define GN_CALL_ASK_H

#include "call/call.h"
#include "call/journal.h"

#define GN_ASK_MAX 64  /* questions at once */
#define GN_ASK_TRIES 3 /* answers that do not fit, handshake era */

enum gn_question_state {
    GN_QUESTION_OPEN = 0, /* to be asked */
    GN_QUESTION_SENT,     /* asked, no answer yet */
    GN_QUESTION_ANSWERED, /* rc says how */
};

/* One question. Made by whoever asks, on the task's stack or in the call's arena; alive until
 * gn_call_ask returns. */
struct gn_question {
    const char *key;    /* the author's */
    const char *method; /* "elicitation/create", "sampling/createMessage", "roots/list" */
    const char *params; /* JSON object of the client's revision */
    size_t params_len;
    uint32_t capability; /* GANTRY_CAP_ bits the client must have */
    /* [loop] Is this an answer to it? 0; else GN_EINVAL, err says why, and it is asked again. The
     * result lies in root's arena. */
    int (*check)(struct gn_question *q, const gantry_json *result, struct gn_error *err);
    void *data; /* for check */

    /* the core's */
    const char *wire_key; /* key, key-2, ...; in root's arena */
    unsigned char digest[GN_JOURNAL_DIGEST];
    enum gn_question_state state;
    uint32_t tries;
    uint64_t id;               /* the sink's: of its request */
    int rc;                    /* 0: result; GN_EPROTO: error; GN_EINVAL: no answer ever fitted */
    const gantry_json *result; /* in root's arena */
    const char *error;         /* what the client said instead; in root's arena */
};

/* The open questions of a root. */
struct gn_asking {
    struct gn_op op;
    struct gn_call *root, *call; /* call: whose code asked */
    struct gn_question *const *v;
    size_t count;
    struct gn_timer timer; /* the client takes too long */
    bool is_waiting;       /* put to the client: deadlines stand still */
};

/* [task] Asks, and waits for all answers. 0: each question is ANSWERED. GN_ENOTSUP: the client
 * lacks a capability (root->lacking says which), or this call cannot ask; GN_EINVAL: a key or a
 * number is out of bounds; GN_EBUSY: too many calls wait for clients; GN_ETIMEDOUT; GN_ETOOBIG;
 * GN_ECANCELED.
 */
int gn_call_ask(struct gn_call *call, struct gn_question *const *questions, size_t count);
/* [task] gantry_once. 0: *ret_code is what fn returned, or GANTRY_OK if it did not have to run;
 * else why the host could not, as above. */
int gn_call_once(struct gn_call *call, const char *key,
                 int (*fn)(struct gn_call *call, void *arg, const gantry_json **ret), void *arg,
                 const gantry_json **ret, int *ret_code);
/* [task] Random text (24 bytes in Base64) that is made up once for a key, and found again by a
 * replay. NULL over the arena or the journal. */
const char *gn_call_made_up(struct gn_call *call, const char *key);

/* Ids under which clients of 2025-11-25 know what their person was sent to a URL for. Above: the
 * protocol's (elicitations.c). [loop] */
struct gn_elicitations {
    /* The client of this outermost call is told the id, by that instance's code. The oldest is
     * forgotten where there are too many. */
    void (*add)(struct gn_elicitations *e, const struct gn_call *root, const char *instance,
                const char *id);
    /* Its end; with `tell`, the client hears that what was to be done is done. GN_ENOENT: that
     * instance has no such id that somebody waits for. */
    int (*end)(struct gn_elicitations *e, const char *instance, const char *id, bool tell);
};

/* ---- for sinks. [loop] */
/* The outermost call of a nested one: itself, mostly. */
static inline struct gn_call *gn_call_root(struct gn_call *call)
{
    while (call->parent)
        call = call->parent;
    return call;
}
/* The question of that wire key that waits for an answer; NULL. */
struct gn_question *gn_asking_find(struct gn_call *root, const char *wire_key);
/* An answer has come: copied and checked. One that does not fit leaves the question OPEN (or
 * answers it with GN_EINVAL, after GN_ASK_TRIES where `tries` counts). Follow with
 * gn_asking_settle. */
void gn_ask_answer(struct gn_call *root, struct gn_question *q, const gantry_json *result,
                   bool counts);
void gn_ask_refuse(struct gn_call *root, struct gn_question *q, const char *message);
/* All are answered: the task goes on, true. Else those that are OPEN again are to be asked anew. */
bool gn_asking_settle(struct gn_call *root);
/* The params as the client gets them: once an answer did not fit, the message says why. */
void gn_question_write_params(const struct gn_question *q, const char *name, struct gn_jw *w);
/* Writes the open questions as members of MCP's inputRequests: "wire key": {method, params}; all
 * that are not answered. */
void gn_asking_write(const struct gn_call *root, struct gn_jw *w);
/* How many calls may wait for their clients. A sink that parks is asked all the same: it is to make
 * room, or not to wait. */
uint32_t gn_asking_max(const struct gn_call_env *env);
/* True if it can wait without anybody connected: coroutines only, no middleware around it that says
 * GANTRY_NO_PARK, and nothing held by gantry_no_park. Else it has to unwind. */
bool gn_asking_can_park(const struct gn_call *root);
/* The call ends here although its handler has not: its request has been answered with
 * "input_required", and a replay will begin anew. Detaches and cancels it. */
void gn_call_unwind(struct gn_call *root);

#endif
