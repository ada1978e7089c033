/* retry.c - requests that come again with answers (2026-07-28, basic/patterns/mrtr).
 *
 *     requestState -> opened, compared -> used before?  running: refused
 *                                                       spent: refused
 *                                                       its reply was lost: here it is again
 *                                         parked here?  it goes on with this request
 *                                         else          a replay from its start, if it may
 *
 * What a retry leads to is watched until it has left: only then is its state spent.
 */
#include "call/ask.h"
#include "protocol/park.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/trace.h"

#include <string.h>

#define STATE_ARENA ((size_t)4 << 20)
#define SWEEP_MS 10000

struct gn_retry {
    struct gn_arena arena; /* of what the state says */
    struct gn_sealed state;
};

/* What is told by `data.reason` of the error. */
static const char invalid_state[] = "invalid", expired[] = "expired", mismatch[] = "mismatch",
                  in_use[] = "in_use", spent[] = "spent", gone[] = "gone";

static const struct {
    const char *reason, *text;
} problems[] = {
    {invalid_state, "requestState was not made by this server, or was changed on the way"},
    {expired, "requestState has expired: start over without it"},
    {mismatch, "requestState belongs to another request: same method, name and arguments, please"},
    {in_use, "a request with this requestState is being served"},
    {spent, "requestState has been used: its request was answered"},
    {gone, "the call that asked waits here no more (this server was restarted or reloaded, or it "
           "took too long), and it cannot be run again: start over without requestState"},
};

static void refuse(struct gn_request *r, const char *reason)
{
    struct gn_buf data = GN_BUF_INIT(256);
    size_t at = 0;
    while (problems[at].reason != reason)
        at++;
    gn_buf_addf(&data, "{\"reason\":\"%s\"}", reason);
    gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, gn_buf_str(&data), "%s", problems[at].text);
    gn_buf_release(&data);
}

/* ---------------------------------------------------------------- the end of a retry */

/* A reply on its way. */
struct delivery {
    struct gn_delivery base;
    struct gn_spent *spent;
    unsigned char id[GN_SEAL_ID];
    char *rest; /* the message from behind its id on; NULL: no answer, but a refusal (busy) */
    size_t len;
};

static void delivered(struct gn_delivery *base, bool is_written)
{
    struct delivery *d = GN_CONTAINER(base, struct delivery, base);
    if (!d->rest)
        gn_spent_forget(d->spent, d->id);
    else if (is_written)
        gn_spent_done(d->spent, d->id);
    else
        gn_spent_keep(d->spent, d->id, d->rest, d->len);
    gn_free(d->rest);
    gn_free(d);
}

void gn_retry_watch(struct gn_request *r, struct gn_stream *s, int status,
                    const struct gn_buf *message)
{
    struct gn_retry *retry = r->retry;
    if (!retry || !s)
        return;
    size_t head = strlen(GN_RETRY_HEAD) + strlen(r->id);
    struct delivery *d = gn_calloc(1, sizeof *d);
    d->base.done = delivered;
    d->spent = r->p->parking->spent;
    memcpy(d->id, retry->state.id, sizeof d->id);
    if (status == 200 && !message->overflow && message->len > head) {
        d->len = message->len - head;
        d->rest = gn_strndup(gn_buf_str(message) + head, d->len);
    }
    s->delivery = &d->base;
    gn_retry_free(r, false);
}

void gn_retry_free(struct gn_request *r, bool forget)
{
    struct gn_retry *retry = r->retry;
    if (!retry)
        return;
    r->retry = NULL;
    if (forget)
        gn_spent_forget(r->p->parking->spent, retry->state.id);
    gn_arena_release(&retry->arena);
    gn_free(retry);
}

/* ---------------------------------------------------------------- going on */

/* Where the arena is full, what the request before this one said stays. */
static void take_text(struct gn_call *to, const char **place, const char *from)
{
    const char *copy = gn_arena_strdup(&to->arena, from);
    if (copy || !from)
        *place = copy;
}

/* A value of the message that goes with `fresh`; NULL: there is none, or no room for it. */
static const gantry_json *take_value(struct gn_request *r, struct gn_call *to,
                                     const gantry_json *from)
{
    struct gn_buf text = GN_BUF_INIT(r->p->config->max_body);
    const gantry_json *copy = NULL;
    if (from && gn_json_write(&text, from) == 0)
        copy = gn_json_parse_arena(&to->arena, gn_buf_str(&text), text.len, NULL);
    gn_buf_release(&text);
    return copy;
}

/* The call is served by this request from here on: what it says about itself counts. */
static void adopt(struct gn_request *r, struct gn_call *call, const struct gn_call_ops *ops)
{
    struct gn_call *fresh = gn_request_call(r, ops); /* reads the request once, for all calls */
    take_text(call, &call->request_id, fresh->request_id);
    take_text(call, &call->progress_token, fresh->progress_token);
    take_text(call, &call->client_name, fresh->client_name);
    take_text(call, &call->client_version, fresh->client_version);
    take_text(call, &call->traceparent, fresh->traceparent);
    take_text(call, &call->tracestate, fresh->tracestate);
    take_text(call, &call->baggage, fresh->baggage);
    call->transport = fresh->transport;
    call->log_level = fresh->log_level;
    call->capabilities = fresh->capabilities;
    call->responses = take_value(r, call, r->responses);
    call->extensions = take_value(r, call, fresh->extensions);
    r->meta = take_value(r, call, r->meta); /* says what the client knows; call->meta stays */
    gn_call_detach(fresh);
    gn_call_unref(fresh);
    r->call = call;
    r->params = call->params;
    call->ops = ops;
    call->ops_data = r;
}

static void answer_questions(struct gn_call *call)
{
    const struct gn_asking *a = call->asking;
    for (size_t i = 0; i < a->count; i++) {
        struct gn_question *q = a->v[i];
        if (q->state == GN_QUESTION_ANSWERED)
            continue;
        const gantry_json *response = gn_json_get(call->responses, q->wire_key);
        q->state = GN_QUESTION_OPEN;
        if (response)
            gn_ask_answer(call, q, response, false);
    }
}

/* What could not be asked again: the handler gets the code instead of an answer. */
static void give_up(struct gn_call *call, int rc)
{
    const struct gn_asking *a = call->asking;
    for (size_t i = 0; i < a->count; i++) {
        if (a->v[i]->state != GN_QUESTION_ANSWERED) {
            gn_ask_refuse(call, a->v[i], "it could not be asked again");
            a->v[i]->rc = rc;
        }
    }
    gn_asking_settle(call);
}

static void go_on(struct gn_request *r, const struct gn_call_ops *ops)
{
    struct gn_call *call = gn_parking_take(r->p->parking, r->retry->state.park);
    adopt(r, call, ops);
    gn_call_ref(call);
    answer_questions(call);
    gn_request_resume_turn(r);
    if (!gn_asking_settle(call)) {
        int rc = gn_request_park(r);
        if (rc)
            give_up(call, rc);
    }
    gn_call_unref(call);
}

/* The reply that was lost, under the id of this request. */
static void reply_kept(struct gn_request *r, const char *rest, size_t len)
{
    struct gn_buf message = GN_BUF_INIT(GN_REPLY_MAX);
    gn_buf_adds(&message, GN_RETRY_HEAD);
    gn_buf_adds(&message, r->id);
    gn_buf_add(&message, rest, len);
    gn_reply_whole(r, 200, &message);
}

/* ---------------------------------------------------------------- opening */

static const char *problem_of(struct gn_request *r, const struct gn_sealed *state)
{
    unsigned char digest[GN_REQUEST_DIGEST];
    gn_request_describe(r, r->params, digest);
    if (memcmp(digest, state->request, sizeof digest) != 0 ||
        !gn_streq(state->principal, r->stream->principal))
        return mismatch;
    return (uint64_t)gn_wall_ms() > state->expires_ms ? expired : NULL;
}

/* Opens the state into r->retry; false after answering that it is none. */
static bool open_state(struct gn_request *r, const gantry_json *text)
{
    size_t len = 0;
    const char *s = gn_json_str(text, &len);
    struct gn_retry *retry = gn_calloc(1, sizeof *retry);
    gn_arena_init(&retry->arena, STATE_ARENA);
    const char *problem = invalid_state;
    if (s && gn_unseal(&r->p->parking->keys, s, len, &retry->arena, &retry->state) == 0)
        problem = problem_of(r, &retry->state);
    if (!problem) {
        r->retry = retry;
        return true;
    }
    gn_arena_release(&retry->arena);
    gn_free(retry);
    refuse(r, problem);
    return false;
}

static void refuse_used(struct gn_request *r, const char *reason)
{
    gn_retry_free(r, false);
    refuse(r, reason);
}

static void sweep(struct gn_timer *timer)
{
    struct gn_parking *k = GN_CONTAINER(timer, struct gn_parking, sweep);
    gn_spent_expire(k->spent, (uint64_t)gn_wall_ms());
    if (gn_spent_count(k->spent) > 0)
        gn_timer_start(timer->loop, timer, SWEEP_MS, sweep);
}

bool gn_retry_begin(struct gn_request *r, const struct gn_call_ops *ops)
{
    struct gn_parking *k = r->p->parking;
    const gantry_json *text = gn_json_get(r->params, "requestState");
    r->responses = gn_json_get(r->params, "inputResponses");
    if (!gn_request_is_stateless(r) || (!text && !r->responses))
        return true;
    if (r->responses && gn_json_type(r->responses) != GN_JSON_OBJECT) {
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "inputResponses must be an object");
        return false;
    }
    if (!text)
        return true;
    if (!open_state(r, text))
        return false;
    const char *kept = NULL;
    size_t len = 0;
    if (!gn_timer_is_running(&k->sweep))
        gn_timer_start(r->p->env->loop, &k->sweep, SWEEP_MS, sweep);
    switch (gn_spent_begin(k->spent, r->retry->state.id, r->retry->state.expires_ms,
                           (uint64_t)gn_wall_ms(), &kept, &len)) {
    case GN_STATE_RUNNING:
        refuse_used(r, in_use);
        return false;
    case GN_STATE_SPENT:
        refuse_used(r, spent);
        return false;
    case GN_STATE_KEPT:
        reply_kept(r, kept, len);
        return false;
    default:
        break;
    }
    const struct gn_call *parked = gn_parking_find(k, r->retry->state.park);
    if (!parked || !parked->asking) /* it unwinds: its plugin, or one it calls, is being stopped */
        return true;
    const struct gn_component *c = gn_call_component(parked);
    if (!gn_request_has_room(r))
        gn_reply_busy(r);
    else if (gn_stateless_check_params(r, c, gn_json_get(r->params, "arguments")) &&
             !(c->task >= GANTRY_TASK_REQUIRED && gn_request_refuse_no_tasks(r, c->name)))
        go_on(r, ops);
    return false;
}

bool gn_retry_replay(struct gn_request *r, const struct gn_component *c)
{
    struct gn_call *call = r->call;
    if (!gn_request_is_stateless(r))
        return true;
    call->responses = r->responses;
    if (!r->retry)
        return true;
    if (!(c->flags & GANTRY_REPLAY) || !gn_parking_is_replayable(r->retry->state.park)) {
        gn_log(r->p->env->log, GN_NOTICE, "protocol",
               "%s %s: the call that asked waits here no more; without GANTRY_REPLAY it cannot be "
               "run again",
               gn_kind_name(c->kind), c->name);
        gn_retry_free(r, true);
        refuse(r, gone);
        return false;
    }
    int rc = 0;
    for (const struct gn_journal_entry *e = r->retry->state.journal.first; e && !rc; e = e->next)
        rc = gn_journal_add(&call->journal, &call->arena, e->key, (enum gn_journal_kind)e->kind,
                            e->digest, e->json, e->len);
    if (!rc)
        return true;
    gn_reply_error(r, 200, GN_RPC_INTERNAL_ERROR, NULL, "the state of this call is too large");
    return false;
}
