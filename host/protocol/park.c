/* park.c - calls that wait for a retry (2026-07-28, basic/patterns/mrtr).
 *
 * A call that asks its client is answered with "input_required" and a sealed state; its coroutine
 * stands still in a table until a request comes that carries the state and the answers (retry.c).
 * The table is bounded in number, in bytes, per principal and in age: what has to go goes oldest
 * first, replayable ones before all others. What cannot wait here - a handler on a worker thread, a
 * middleware that says GANTRY_NO_PARK, a full table - unwinds, if it can be replayed.
 */
#include "protocol/park.h"

#include "call/ask.h"
#include "protocol/spent.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

struct gn_parked {
    struct gn_list node; /* in parking->all, oldest first */
    struct gn_parking *parking;
    unsigned char id[GN_SEAL_ID];
    struct gn_call *call; /* held */
    size_t bytes;
    bool is_replayable;
};

/* ---------------------------------------------------------------- the table */

static void leave_table(struct gn_parked *parked)
{
    struct gn_parking *k = parked->parking;
    gn_list_remove(&parked->node);
    gn_map_removen(&k->by_id, parked->id, sizeof parked->id);
    k->count--;
    k->bytes -= parked->bytes;
    gn_free(parked);
}

/* Its end, while nobody is there to be told. */
static void parked_finished(struct gn_call *call, enum gn_outcome outcome)
{
    (void)outcome;
    leave_table(call->ops_data);
    call->is_parked = false;
    gn_call_detach(call);
    gn_call_unref(call);
}

/* Nothing gets through at the moment. */
static int parked_notify(struct gn_call *call, const char *method, const char *params, size_t len,
                         enum gn_weight weight)
{
    (void)call, (void)method, (void)params, (void)len, (void)weight;
    return GN_EBUSY;
}

static const struct gn_call_ops parked_ops = {.notify = parked_notify, .finished = parked_finished};

static size_t size_of(const struct gn_call *call)
{
    return sizeof *call + call->arena.total + GN_PARKED_STACK;
}

static struct gn_parked *oldest(const struct gn_parking *k, const char *principal, bool of_any)
{
    GN_LIST_EACH(&k->all, n) {
        struct gn_parked *parked = GN_CONTAINER(n, struct gn_parked, node);
        if (parked->is_replayable && (of_any || gn_streq(parked->call->principal, principal)))
            return parked;
    }
    return NULL;
}

static uint32_t count_of(const struct gn_parking *k, const char *principal)
{
    uint32_t count = 0;
    GN_LIST_EACH(&k->all, n) {
        const struct gn_parked *parked = GN_CONTAINER(n, struct gn_parked, node);
        count += gn_streq(parked->call->principal, principal);
    }
    return count;
}

/* A place for one more; those that can be replayed lose nothing by making room. */
static bool make_room(struct gn_parking *k, const struct gn_call *call, size_t bytes)
{
    const struct gn_call_env *env = call->env;
    if (bytes > k->max_bytes)
        return false;
    for (;;) {
        bool is_full = k->count >= k->max || k->bytes + bytes > k->max_bytes ||
                       env->asking > gn_asking_max(env); /* this one is counted already */
        bool has_share = call->principal && count_of(k, call->principal) >= k->max_per_principal;
        if (!is_full && !has_share)
            return true;
        struct gn_parked *victim = oldest(k, call->principal, is_full);
        if (!victim)
            return false;
        gn_call_cancel(victim->call);
    }
}

static struct gn_parked *enter_table(struct gn_parking *k, struct gn_call *call, size_t bytes)
{
    struct gn_parked *parked = gn_calloc(1, sizeof *parked);
    parked->parking = k;
    parked->call = call;
    parked->bytes = bytes;
    parked->is_replayable = gn_call_is_replayable(call);
    randombytes_buf(parked->id, sizeof parked->id);
    parked->id[0] = (unsigned char)((parked->id[0] & ~1u) | parked->is_replayable);
    gn_list_append(&k->all, &parked->node);
    gn_map_putn(&k->by_id, parked->id, sizeof parked->id, parked);
    k->count++;
    k->bytes += bytes;
    return parked;
}

/* ---------------------------------------------------------------- the reply */

void gn_request_describe(const struct gn_request *r, const gantry_json *params,
                         unsigned char ret[GN_REQUEST_DIGEST])
{
    const char *name = gn_json_cstr(gn_json_get(params, r->method->name_param));
    const char *version = gn_params_version(params);
    GN_AUTO_FREE char *both = version ? gn_format("%s\n%s", name ? name : "", version) : NULL;
    gn_request_digest(ret, r->method->name, both ? both : name, gn_json_get(params, "arguments"));
}

static int seal_state(struct gn_request *r, const struct gn_parked *parked, struct gn_buf *out)
{
    struct gn_parking *k = r->p->parking;
    const struct gn_call *call = r->call;
    struct gn_sealed state = {
        .principal = call->principal,
        .expires_ms = (uint64_t)gn_wall_ms() + k->state_max_age_ms,
        .journal = call->journal,
    };
    randombytes_buf(state.id, sizeof state.id);
    if (parked)
        memcpy(state.park, parked->id, sizeof state.park);
    gn_request_describe(r, call->params, state.request);
    return gn_seal(&k->keys, &state, out);
}

/* Answers with the questions and the state; the request is gone afterwards. */
static void reply_questions(struct gn_request *r, struct gn_call *call, const struct gn_buf *state)
{
    struct gn_reply reply;
    gn_reply_open_as(r, &reply, GN_RESULT_INPUT_REQUIRED);
    gn_jw_object(&reply.w, "inputRequests");
    gn_asking_write(call, &reply.w);
    gn_jw_end(&reply.w);
    gn_jw_strn(&reply.w, "requestState", state->data, state->len);
    gn_reply_send(r, &reply, NULL);
}

static void mark_sent(struct gn_call *call)
{
    for (size_t i = 0; i < call->asking->count; i++) {
        struct gn_question *q = call->asking->v[i];
        if (q->state == GN_QUESTION_OPEN)
            q->state = GN_QUESTION_SENT;
    }
}

/* A reload has put another in the place of its component. */
static bool is_superseded(const struct gn_request *r, const struct gn_component *c)
{
    return gn_snapshot_find_version(gn_request_snapshot(r), c->kind, c->key, c->version) != c;
}

/* Whether it may wait here; what can be run again does not hold an old generation. */
static bool may_wait(struct gn_request *r, size_t bytes, bool is_replayable)
{
    if (r->p->draining || (is_replayable && is_superseded(r, gn_call_component(r->call))))
        return false;
    return make_room(r->p->parking, r->call, bytes);
}

int gn_request_park(struct gn_request *r)
{
    struct gn_parking *k = r->p->parking;
    struct gn_call *call = r->call;
    bool is_replayable = gn_call_is_replayable(call);
    size_t bytes = size_of(call);
    bool can_wait = gn_asking_can_park(call);
    bool waits = can_wait && may_wait(r, bytes, is_replayable);
    if (!waits && !is_replayable) {
        call->heard = can_wait ? "too many calls wait for their clients: try again later"
                               : "this tool cannot wait for a client of this revision: it would "
                                 "have to be marked GANTRY_REPLAY";
        call->heard_rc = can_wait ? GANTRY_EBUSY : GANTRY_ENOTSUP;
        return can_wait ? GN_EBUSY : GN_ENOTSUP;
    }
    struct gn_parked *parked = waits ? enter_table(k, call, bytes) : NULL;
    struct gn_buf state = GN_BUF_INIT(k->state_max_bytes);
    int rc = seal_state(r, parked, &state);
    if (rc) {
        gn_buf_release(&state);
        if (parked)
            leave_table(parked);
        return rc;
    }
    mark_sent(call);
    /* The call is the table's from here on, or nobody's. */
    r->call = NULL;
    call->is_parked = parked != NULL;
    call->ops = parked ? &parked_ops : NULL;
    call->ops_data = parked;
    reply_questions(r, call, &state);
    gn_buf_release(&state);
    if (!parked) {
        gn_call_unwind(call);
        gn_call_unref(call);
    }
    return 0;
}

bool gn_parking_is_replayable(const unsigned char id[GN_SEAL_ID])
{
    static const unsigned char none[GN_SEAL_ID];
    return (id[0] & 1) || memcmp(id, none, sizeof none) == 0;
}

struct gn_call *gn_parking_take(struct gn_parking *k, const unsigned char id[GN_SEAL_ID])
{
    struct gn_parked *parked = gn_map_findn(&k->by_id, id, GN_SEAL_ID);
    if (!parked)
        return NULL;
    struct gn_call *call = parked->call;
    leave_table(parked);
    call->is_parked = false;
    call->ops = NULL;
    call->ops_data = NULL;
    return call;
}

const struct gn_call *gn_parking_find(const struct gn_parking *k,
                                      const unsigned char id[GN_SEAL_ID])
{
    const struct gn_parked *parked = gn_map_findn(&k->by_id, id, GN_SEAL_ID);
    return parked ? parked->call : NULL;
}

/* ---------------------------------------------------------------- life */

/* The configuration was checked when it was read. */
static void set_keys(struct gn_parking *k, const struct gn_config *config)
{
    size_t count = 0;
    while (config->ask_keys && config->ask_keys[count])
        count++;
    (void)gn_seal_keys_set(&k->keys, config->ask_keys, count, NULL);
}

void gn_parking_configure(struct gn_parking *k, const struct gn_config *config)
{
    set_keys(k, config);
    k->max = config->ask_max_parked;
    k->max_per_principal = config->ask_max_parked_principal;
    k->max_bytes = config->ask_max_parked_bytes;
    k->state_max_bytes = config->ask_max_state;
    k->state_max_age_ms = config->ask_max_state_age_ms;
    gn_spent_configure(k->spent, config->ask_max_spent, config->ask_max_kept);
}

struct gn_parking *gn_parking_new(const struct gn_config *config)
{
    struct gn_parking *k = gn_calloc(1, sizeof *k);
    gn_list_init(&k->all);
    gn_map_init(&k->by_id);
    k->spent = gn_spent_new(0, 0);
    gn_parking_configure(k, config);
    return k;
}

void gn_parking_clear(struct gn_parking *k)
{
    while (!gn_list_empty(&k->all))
        gn_call_cancel(GN_CONTAINER(k->all.next, struct gn_parked, node)->call);
}

void gn_parking_free(struct gn_parking *k)
{
    gn_parking_clear(k);
    gn_timer_stop(&k->sweep);
    gn_map_release(&k->by_id, NULL);
    gn_spent_free(k->spent);
    sodium_memzero(&k->keys, sizeof k->keys);
    gn_free(k);
}
