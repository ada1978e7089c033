/* rounds.c - requests that need more than one round: a result `input_required` (2026-07-28 "Multi
 * Round-Trip Requests"), and the error that URLs are to be visited first (2025-11-25 "Elicitation",
 * URL Elicitation Required Error).
 *
 * All questions of a round are asked at once. Once each is answered the request is sent again, with
 * a new id; one that cannot be answered ends it. What a round has to send along lies in r->extra,
 * for the next message and for no other.
 */
#include "internal.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/meta.h"

#include <string.h>

#define QUESTIONS_MAX 64
#define PAUSE_FIRST_MS 50 /* before a request without questions is sent again, if it was before */
#define PAUSE_MAX_MS 5000
#define VISIT_FIRST_MS 1000 /* how long the server may take to say that a person is done */
#define VISIT_MAX_MS 30000

struct answer {
    struct gn_rounds *of;
    char *key; /* of inputRequests; of a URL: its elicitationId */
    size_t key_len;
    char *result;    /* NULL: not answered */
    bool is_visited; /* of a URL: accepted, or not asked again */
    bool is_completed;
};

struct gn_rounds {
    gantry_request *r;
    struct answer *answers; /* of this round; of URLs */
    size_t count, open;     /* questions; not answered yet */
    bool is_asking;         /* within the loop that asks: what is answered waits for its end */
    bool is_forgotten;      /* meanwhile */
    bool has_urls;
    unsigned empty;         /* rounds in a row without a question */
    char *state;            /* requestState as JSON; NULL: none */
    struct gn_json_doc doc; /* of the error that named the URLs */
    const gantry_json *error;
};

/* ---------------------------------------------------------------- what there is of it */

static void clear(struct gn_rounds *round)
{
    for (size_t i = 0; i < round->count; i++) {
        gn_free(round->answers[i].key);
        gn_free(round->answers[i].result);
    }
    gn_free(round->answers);
    gn_free(round->state);
    gn_json_release(&round->doc);
    round->answers = NULL;
    round->state = NULL;
    round->error = NULL;
    round->count = round->open = 0;
    round->has_urls = false;
}

static void free_round(struct gn_rounds *round)
{
    clear(round);
    gn_free(round);
}

void gn_rounds_forget(gantry_request *r)
{
    struct gn_rounds *round = r->round;
    r->round = NULL;
    if (!round)
        return;
    round->is_forgotten = true;
    if (!round->is_asking) /* else who asks frees it */
        free_round(round);
}

static struct gn_rounds *begin(gantry_request *r)
{
    if (!r->round) {
        r->round = gn_calloc(1, sizeof(*r->round));
        r->round->r = r;
    }
    return r->round;
}

/* One more round: true if that is too many, and the request has ended. */
static bool is_too_many(gantry_request *r)
{
    unsigned max = r->client->s.max_rounds;
    if (r->rounds++ < max)
        return false;
    gn_request_end(r, GANTRY_CLIENT_LIMIT, "the server asks for more after %u rounds", max);
    return true;
}

static bool refuse(gantry_request *r, const char *what)
{
    gn_request_end(r, GANTRY_CLIENT_PROTOCOL, "the server answers %s with %s", r->method, what);
    return true;
}

/* A question that came to nothing: so does the request. */
static void fail(gantry_request *r, const gantry_question *q, int code, const char *message)
{
    r->error_code = code;
    gn_request_end(r, q->is_refused ? GANTRY_CLIENT_PROTOCOL : GANTRY_CLIENT_ERROR, "%s%s",
                   q->is_refused ? "the server asks what it may not: " : "", message);
}

/* ---------------------------------------------------------------- asking */

/* Asks all that were not asked before; false if the request is over meanwhile. */
static bool ask_all(struct gn_rounds *round, const gantry_json *requests,
                    void (*ask)(struct answer *a, const gantry_json *request))
{
    const gantry_json *request = NULL;
    round->is_asking = true;
    for (size_t i = 0; i < round->count && !round->is_forgotten; i++) {
        request = gn_json_next(requests, request);
        if (!round->answers[i].is_visited)
            ask(&round->answers[i], request);
    }
    round->is_asking = false;
    if (!round->is_forgotten)
        return true;
    free_round(round);
    return false;
}

/* ---------------------------------------------------------------- input_required */

/* The caller may have answered an earlier round by hand: that is not for this one. */
static void drop_old_answers(gantry_request *r)
{
    static const char *const names[] = {"inputResponses", "requestState"};
    struct gn_json_doc doc = {0};
    const gantry_json *v = NULL;
    if (!r->params || (!strstr(r->params, names[0]) && !strstr(r->params, names[1])) ||
        gn_json_parse_copy(&doc, r->params, strlen(r->params), NULL, NULL))
        return;
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    gn_buf_addc(&out, '{');
    while ((v = gn_json_next(gn_json_root(&doc), v))) {
        size_t len;
        const char *name = gn_json_name(v, &len);
        if (gn_streq(name, names[0]) || gn_streq(name, names[1]))
            continue;
        if (out.len > 1)
            gn_buf_addc(&out, ',');
        gn_json_write_str(&out, name, len);
        gn_buf_addc(&out, ':');
        gn_json_write(&out, v);
    }
    gn_buf_addc(&out, '}');
    gn_json_release(&doc);
    gn_free(r->params);
    r->params = gn_buf_take(&out, NULL);
}

static void set_extra(struct gn_rounds *round)
{
    gantry_request *r = round->r;
    struct gn_buf out = GN_BUF_INIT(r->client->s.max_message);
    for (size_t i = 0; i < round->count; i++) {
        gn_buf_adds(&out, i ? "," : "\"inputResponses\":{");
        gn_json_write_str(&out, round->answers[i].key, round->answers[i].key_len);
        gn_buf_addc(&out, ':');
        gn_buf_adds(&out, round->answers[i].result);
    }
    if (round->count)
        gn_buf_addc(&out, '}');
    if (round->state)
        gn_buf_addf(&out, "%s\"requestState\":", round->count ? "," : "");
    gn_buf_adds(&out, round->state ? round->state : "");
    gn_free(r->extra);
    r->extra = NULL;
    if (out.overflow)
        gn_request_end(r, GANTRY_CLIENT_LIMIT, "the answers for %s are larger than %zu bytes",
                       r->method, out.max);
    else if (out.len)
        r->extra = gn_buf_take(&out, NULL);
    gn_buf_release(&out);
}

static void send_again(struct gn_rounds *round, uint64_t delay_ms)
{
    gantry_request *r = round->r;
    drop_old_answers(r);
    set_extra(round);
    gn_request_send_later(r, delay_ms);
}

static void on_answer(gantry_question *q, const char *result, int code, const char *message)
{
    struct answer *a = q->deliver_arg;
    struct gn_rounds *round = a->of;
    if (!result) {
        fail(round->r, q, code, message);
        return;
    }
    a->result = gn_strdup(result);
    if (--round->open == 0 && !round->is_asking)
        send_again(round, 0);
}

static void ask_one(struct answer *a, const gantry_json *request)
{
    gn_question_ask(a->of->r->client, a->of->r, request, on_answer, a);
}

const char *gn_rounds_check(const gantry_json *requests)
{
    static const char *const methods[] = {"elicitation/create", "sampling/createMessage",
                                          "roots/list"};
    const gantry_json *request = NULL;
    if (requests && gn_json_type(requests) != GN_JSON_OBJECT)
        return "inputRequests that are no object";
    if (gn_json_count(requests) > QUESTIONS_MAX)
        return "too many inputRequests";
    while ((request = gn_json_next(requests, request))) {
        size_t len;
        const char *name = gn_json_name(request, &len);
        const gantry_json *method = gn_json_get(request, "method");
        bool is_known = false;
        for (size_t i = 0; i < GN_COUNT(methods); i++)
            is_known = is_known || gn_json_streq(method, methods[i]);
        if (!is_known)
            return "an input request that is none of those that there are";
        if (gn_json_getn(requests, name, len) != request)
            return "two input requests of the same name";
    }
    return NULL;
}

static void open_answers(struct gn_rounds *round, size_t count)
{
    round->answers = gn_calloc(count, sizeof(round->answers[0]));
    round->count = round->open = count;
    for (size_t i = 0; i < count; i++)
        round->answers[i].of = round;
}

static void ask_round(struct gn_rounds *round, const gantry_json *requests)
{
    const gantry_json *request = NULL;
    open_answers(round, gn_json_count(requests));
    for (size_t i = 0; i < round->count; i++) {
        struct answer *a = &round->answers[i];
        request = gn_json_next(requests, request);
        const char *key = gn_json_name(request, &a->key_len);
        a->key = gn_strndup(key, a->key_len);
    }
    gn_request_hold(round->r);
    if (ask_all(round, requests, ask_one) && round->open == 0)
        send_again(round, 0);
}

/* Nothing to ask: the server only wants to be asked again, in a while if it says so repeatedly. */
static void wait_round(struct gn_rounds *round)
{
    uint64_t delay = 0;
    if (round->empty++ > 0)
        delay = GN_MIN((uint64_t)PAUSE_FIRST_MS << GN_MIN(round->empty - 2, 16U),
                       (uint64_t)PAUSE_MAX_MS);
    send_again(round, delay);
}

static bool take_round(gantry_request *r, const gantry_json *result)
{
    const gantry_json *requests = gn_json_get(result, "inputRequests");
    const gantry_json *state = gn_json_get(result, "requestState");
    const char *wrong = gn_rounds_check(requests);
    if (!r->kind || !r->kind->has_rounds)
        wrong = "\"input_required\", which only tools/call, prompts/get and resources/read may be";
    else if (!wrong && state && gn_json_type(state) != GN_JSON_STRING)
        wrong = "a requestState that is no string";
    else if (!wrong && gn_json_count(requests) == 0 && !state) /* nothing would be different */
        wrong = "\"input_required\", and does not say what";
    if (wrong)
        return refuse(r, wrong);
    if (is_too_many(r))
        return true;
    struct gn_rounds *round = begin(r);
    clear(round);
    round->state = gantry_read_print(state);
    if (gn_json_count(requests)) {
        round->empty = 0;
        ask_round(round, requests);
    } else {
        wait_round(round);
    }
    return true;
}

static bool is_result_type(const gantry_json *type)
{
    return !type || gn_json_streq(type, GN_RESULT_COMPLETE) ||
           gn_json_streq(type, GN_RESULT_INPUT_REQUIRED) || gn_json_streq(type, GN_RESULT_TASK);
}

bool gn_rounds_take(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result)
{
    const gantry_json *type = gn_json_get(result, "resultType");
    if (!gn_client_is_stateless(r->client))
        return false;
    if (!is_result_type(type))
        return refuse(r, "a resultType that this client does not know");
    if (!gn_json_streq(type, GN_RESULT_INPUT_REQUIRED))
        return false;
    if (!r->o.keeps_rounds)
        return take_round(r, result);
    gn_request_end_result(r, doc, result);
    return true;
}

/* ---------------------------------------------------------------- URLs to be visited first */

/* What the person refused, or what nobody may be asked: the server's error is the outcome. */
static void end_with_error(struct gn_rounds *round)
{
    struct gn_json_doc doc = round->doc;
    round->doc = (struct gn_json_doc){0};
    gn_request_end_error(round->r, &doc, round->error);
    gn_json_release(&doc);
}

static bool all_completed(const struct gn_rounds *round)
{
    for (size_t i = 0; i < round->count; i++) {
        if (!round->answers[i].is_completed)
            return false;
    }
    return true;
}

/* The person agreed to go there. The server may say when they are done, and need not: the request
 * is sent again in any case, after pauses that grow with each round. */
static void wait_for_visits(struct gn_rounds *round)
{
    uint64_t delay = (uint64_t)VISIT_FIRST_MS << GN_MIN(round->r->rounds - 1, 16U);
    gn_request_send_later(round->r,
                          all_completed(round) ? 0 : GN_MIN(delay, (uint64_t)VISIT_MAX_MS));
}

static void on_visit(gantry_question *q, const char *result, int code, const char *message)
{
    struct answer *a = q->deliver_arg;
    struct gn_rounds *round = a->of;
    struct gn_json_doc doc = {0};
    if (!result) {
        fail(round->r, q, code, message);
        return;
    }
    if (gn_json_parse_copy(&doc, result, strlen(result), NULL, NULL) == 0)
        a->is_visited = gn_json_streq(gn_json_get(gn_json_root(&doc), "action"), "accept");
    gn_json_release(&doc);
    if (!a->is_visited)
        end_with_error(round);
    else if (--round->open == 0 && !round->is_asking)
        wait_for_visits(round);
}

static void ask_visit(struct answer *a, const gantry_json *elicitation)
{
    struct gn_buf text = GN_BUF_INIT(SIZE_MAX / 2);
    struct gn_json_doc doc = {0};
    gn_buf_adds(&text, "{\"method\":\"elicitation/create\",\"params\":");
    gn_json_write(&text, elicitation);
    gn_buf_addc(&text, '}');
    if (gn_json_parse_copy(&doc, gn_buf_str(&text), text.len, NULL, NULL) == 0)
        gn_question_ask(a->of->r->client, a->of->r, gn_json_root(&doc), on_visit, a);
    gn_json_release(&doc);
    gn_buf_release(&text);
}

static bool are_visits(const gantry_json *elicitations)
{
    const gantry_json *e = NULL;
    size_t count = gn_json_count(elicitations);
    while ((e = gn_json_next(elicitations, e))) {
        if (!gn_json_streq(gn_json_get(e, "mode"), "url") ||
            !gn_json_cstr(gn_json_get(e, "elicitationId")))
            return false;
    }
    return gn_json_type(elicitations) == GN_JSON_ARRAY && count > 0 && count <= QUESTIONS_MAX;
}

/* Those that the person agreed to before are not asked again. */
static void open_visits(struct gn_rounds *round, const gantry_json *elicitations)
{
    struct answer *old = round->answers;
    size_t old_count = round->count;
    const gantry_json *e = NULL;
    open_answers(round, gn_json_count(elicitations));
    for (size_t i = 0; i < round->count; i++) {
        struct answer *a = &round->answers[i];
        e = gn_json_next(elicitations, e);
        a->key = gn_strdup(gn_json_cstr(gn_json_get(e, "elicitationId")));
        for (size_t j = 0; j < old_count; j++) {
            if (gn_streq(old[j].key, a->key) && old[j].is_visited)
                a->is_visited = true;
        }
        round->open -= a->is_visited;
    }
    for (size_t j = 0; j < old_count; j++) {
        gn_free(old[j].key);
        gn_free(old[j].result);
    }
    gn_free(old);
}

bool gn_rounds_take_error(gantry_request *r, struct gn_json_doc *doc, const gantry_json *error)
{
    const gantry_client *c = r->client;
    const gantry_json *list = gn_json_get(gn_json_get(error, "data"), "elicitations");
    int64_t code;
    if (c->revision != GN_REV_2025_11_25 || r->is_internal || r->o.keeps_rounds ||
        !c->s.handlers.on_elicit || !c->s.handlers.elicits_urls ||
        !gn_json_int(gn_json_get(error, "code"), &code) ||
        code != GN_RPC_URL_ELICITATION_REQUIRED || !are_visits(list))
        return false;
    if (is_too_many(r))
        return true;
    struct gn_rounds *round = begin(r);
    gn_json_release(&round->doc);
    round->doc = *doc;
    round->error = error;
    *doc = (struct gn_json_doc){0};
    round->has_urls = true;
    open_visits(round, list);
    gn_request_hold(r);
    if (ask_all(round, list, ask_visit) && round->open == 0)
        wait_for_visits(round);
    return true;
}

void gn_rounds_completed(gantry_client *c, const char *elicitation_id)
{
    GN_LIST_EACH(&c->requests, n) {
        gantry_request *r = GN_CONTAINER(n, gantry_request, node);
        struct gn_rounds *round = r->round;
        for (size_t i = 0; round && round->has_urls && i < round->count; i++) {
            struct answer *a = &round->answers[i];
            if (!gn_streq(a->key, elicitation_id))
                continue;
            a->is_completed = true;
            if (r->state == GN_REQUEST_PAUSED && all_completed(round))
                gn_request_send_later(r, 0);
        }
    }
}
