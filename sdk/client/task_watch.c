/* task_watch.c - a task, until it ends: looked at again and again, or told of by the server, and
 * its questions answered.
 *
 * Everything is sent as requests of their own, parts of the caller's, so that they may be under way
 * at once: a look, the answers (tasks/update), and in 2025-11-25 its result (tasks/result), which
 * is asked for early if the task wants input, for a stream that its questions can come on.
 */
#include "tasks.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <string.h>

#define POLL_MS 1000 /* unless the server says how often */
#define POLL_MIN_MS 50
#define POLL_MAX_MS 600000
#define ASKS_MAX 1024 /* questions of one task */

/* One of the questions of a task. */
struct gn_task_ask {
    struct gn_task_watch *of;
    char *key;
    size_t key_len;
    char *result; /* answered, and not sent yet */
    bool is_open; /* somebody is being asked */
};

static void take_state(struct gn_task_watch *w, struct gn_json_doc *doc, const gantry_json *task,
                       bool is_seed);
static void look(struct gn_task_watch *w);

/* ---------------------------------------------------------------- parts */

static gantry_request *new_part(const gantry_request *r, const char *method, const char *params,
                                uint32_t timeout_ms)
{
    uint64_t now = gn_clock_ms(), left = r->end_ms > now ? r->end_ms - now : 1;
    gantry_request_options o = {
        .size = sizeof(o),
        .timeout_ms = timeout_ms,
        .total_timeout_ms = r->end_ms == UINT64_MAX
                                ? GANTRY_CLIENT_NONE
                                : (uint32_t)GN_MIN(left, (uint64_t)GANTRY_CLIENT_NONE - 1),
        .meta = r->meta,
        .headers = (const char *const *)r->headers,
        .may_retry = true, /* each says the same twice */
    };
    gantry_request *part = gn_request_new(r->client, method, params, &o);
    if (part->state < GN_REQUEST_ENDED)
        r->client->request_count--;
    part->is_part = true;
    part->belongs_to_nobody = true;
    return part;
}

/* Handlers that are told of its message may end everything: it is in its place before, and the
 * watch may be gone afterwards, unless somebody has entered it. */
static void start_part(struct gn_task_watch *w, gantry_request **place, const char *method,
                       const char *members, uint32_t timeout_ms,
                       void (*done)(gantry_request *part, void *w))
{
    struct gn_buf params = GN_BUF_INIT(SIZE_MAX / 2);
    if (w->is_forgotten)
        return;
    gn_buf_adds(&params, "{\"taskId\":");
    gn_json_write_str(&params, w->r->task_id, strlen(w->r->task_id));
    gn_buf_adds(&params, members);
    gn_buf_addc(&params, '}');
    gantry_request *part = new_part(w->r, method, gn_buf_str(&params), timeout_ms);
    gn_buf_release(&params);
    part->parent = w->r;
    part->internal_done = done;
    part->internal_arg = w;
    *place = part;
    gn_request_start(part);
}

static void drop_part(gantry_request **part)
{
    gantry_request *p = *part;
    *part = NULL;
    if (!p)
        return;
    p->internal_done = NULL;
    p->parent = NULL;
    gantry_request_free(p);
}

/* ---------------------------------------------------------------- the end */

static void free_watch(struct gn_task_watch *w)
{
    for (size_t i = 0; i < w->ask_count; i++) {
        gn_free(w->asks[i]->key);
        gn_free(w->asks[i]->result);
        gn_free(w->asks[i]);
    }
    gn_free(w->asks);
    gn_free(w);
}

static void enter(struct gn_task_watch *w)
{
    w->busy++;
}

static void leave(struct gn_task_watch *w)
{
    if (--w->busy == 0 && w->is_forgotten)
        free_watch(w);
}

/* Whoever ends the request before the task has wants nothing of it any more. The answer does not
 * matter, and nothing is sent for this if the connection is gone. */
static void cancel_task(struct gn_task_watch *w)
{
    gantry_client *c = w->r->client;
    if (w->is_over || w->is_others || c->is_closing || c->state != GANTRY_STATE_READY ||
        (!gn_client_is_stateless(c) && !gn_client_server_can(c, "tasks/cancel")))
        return;
    GN_AUTO_FREE char *params = gantry_format_json("{'taskId': %s}", w->r->task_id);
    gn_request_start(new_part(w->r, "tasks/cancel", params, w->r->o.timeout_ms));
}

void gn_task_watch_free(struct gn_task_watch *w)
{
    enter(w);
    gn_client_timer_stop(&w->pause);
    if (w->is_told)
        gn_listen_task(w->r->client, w->r->task_id, false);
    drop_part(&w->look);
    drop_part(&w->result);
    drop_part(&w->update);
    cancel_task(w);
    w->is_forgotten = true;
    leave(w);
}

static void end_with(struct gn_task_watch *w, gantry_client_status status, const char *what,
                     const char *why)
{
    gn_request_end(w->r, status, "%s%s%s", what, why ? ": " : "", why ? why : "");
}

/* The result is that of the tool. */
static void end_with_result(struct gn_task_watch *w, struct gn_json_doc *doc,
                            const gantry_json *result)
{
    gantry_request *r = w->r;
    w->is_over = true;
    gn_free(r->method);
    r->method = gn_strdup("tools/call");
    gn_request_end_result(r, doc, result);
}

static void end_with_error(struct gn_task_watch *w, struct gn_json_doc *doc,
                           const gantry_json *error, const char *why)
{
    w->is_over = true;
    if (gn_json_type(error) == GN_JSON_OBJECT)
        gn_request_end_error(w->r, doc, error);
    else
        end_with(w, GANTRY_CLIENT_ERROR, "the task failed", why);
}

/* What a part came to is what the whole comes to. */
static void end_like(struct gn_task_watch *w, gantry_request *part)
{
    w->r->http_status = part->http_status;
    if (part->status == GANTRY_CLIENT_ERROR)
        end_with_error(w, &part->doc, gn_json_get(gn_json_root(&part->doc), "error"), NULL);
    else
        gn_request_end(w->r, part->status, "%s", gantry_request_message(part));
}

/* ---------------------------------------------------------------- looking */

static void on_pause(struct gn_client_timer *timer)
{
    look(GN_CONTAINER(timer, struct gn_task_watch, pause));
}

static void look_later(struct gn_task_watch *w, uint64_t delay_ms)
{
    if (!w->look && !w->is_forgotten)
        gn_client_timer_start(w->r->client, &w->pause, delay_ms, on_pause);
}

/* A task outlives connections: it is looked for again, as often as anything is tried. True: it
 * will be. */
static bool is_tried_again(struct gn_task_watch *w, const gantry_request *part)
{
    const gantry_client *c = w->r->client;
    bool is_passing = part->status == GANTRY_CLIENT_CONNECTION ||
                      part->status == GANTRY_CLIENT_TIMEOUT;
    if (!is_passing || ++w->failures > c->s.retries)
        return false;
    look_later(w, GN_MAX(w->poll_ms, gn_client_backoff(c, w->failures)));
    return true;
}

static void on_look(gantry_request *part, void *arg)
{
    struct gn_task_watch *w = arg;
    w->look = NULL;
    if (part->status == GANTRY_CLIENT_OK) {
        w->failures = 0;
        take_state(w, &part->doc, part->result, false);
    } else if (!is_tried_again(w, part)) {
        end_like(w, part);
    }
}

static void look(struct gn_task_watch *w)
{
    gn_client_timer_stop(&w->pause);
    if (!w->look)
        start_part(w, &w->look, "tasks/get", "", w->r->o.timeout_ms, on_look);
}

/* ---------------------------------------------------------------- 2025-11-25: its result */

static void on_result(gantry_request *part, void *arg)
{
    struct gn_task_watch *w = arg;
    w->result = NULL;
    if (part->status == GANTRY_CLIENT_OK)
        end_with_result(w, &part->doc, part->result);
    else if (!is_tried_again(w, part))
        end_like(w, part);
}

static void ask_result(struct gn_task_watch *w, bool is_early)
{
    if (w->result)
        return;
    w->is_result_early = is_early;
    start_part(w, &w->result, "tasks/result", "",
               is_early ? GANTRY_CLIENT_NONE : w->r->o.timeout_ms, on_result);
}

/* One that was asked for early should come by itself now. If it has not after one more look, it is
 * asked for anew. */
static void want_result(struct gn_task_watch *w)
{
    if (w->result && w->is_result_early && ++w->ended_looks > 1)
        drop_part(&w->result);
    ask_result(w, false);
    if (w->is_result_early)
        look_later(w, w->poll_ms);
}

/* ---------------------------------------------------------------- its questions */

static struct gn_task_ask *find_ask(const struct gn_task_watch *w, const char *key, size_t len)
{
    for (size_t i = 0; i < w->ask_count; i++) {
        if (w->asks[i]->key_len == len && memcmp(w->asks[i]->key, key, len) == 0)
            return w->asks[i];
    }
    return NULL;
}

static void on_updated(gantry_request *part, void *arg);

/* All answers at once: a server need not take some of them. */
static void send_answers(struct gn_task_watch *w)
{
    struct gn_buf members = GN_BUF_INIT(SIZE_MAX / 2);
    if (w->open || w->update)
        return;
    for (size_t i = 0; i < w->ask_count; i++) {
        struct gn_task_ask *a = w->asks[i];
        if (!a->result)
            continue;
        gn_buf_adds(&members, members.len ? "," : ",\"inputResponses\":{");
        gn_json_write_str(&members, a->key, a->key_len);
        gn_buf_addc(&members, ':');
        gn_buf_adds(&members, a->result);
        gn_free(a->result);
        a->result = NULL;
    }
    if (members.len) {
        gn_buf_addc(&members, '}');
        start_part(w, &w->update, "tasks/update", gn_buf_str(&members), w->r->o.timeout_ms,
                   on_updated);
    }
    gn_buf_release(&members);
}

static void on_updated(gantry_request *part, void *arg)
{
    struct gn_task_watch *w = arg;
    w->update = NULL;
    if (part->status != GANTRY_CLIENT_OK) {
        end_like(w, part);
        return;
    }
    enter(w);
    send_answers(w);
    look_later(w, POLL_MIN_MS);
    leave(w);
}

static void on_answer(gantry_question *q, const char *result, int code, const char *message)
{
    struct gn_task_ask *a = q->deliver_arg;
    struct gn_task_watch *w = a->of;
    a->is_open = false;
    w->open--;
    if (!result) {
        w->r->error_code = code;
        end_with(w, q->is_refused ? GANTRY_CLIENT_PROTOCOL : GANTRY_CLIENT_ERROR,
                 q->is_refused ? "the task asks what it may not" : "the task was not answered",
                 message);
        return;
    }
    a->result = gn_strdup(result);
    if (!w->busy)
        send_answers(w);
}

static struct gn_task_ask *add_ask(struct gn_task_watch *w, const char *key, size_t len)
{
    struct gn_task_ask *a = gn_calloc(1, sizeof(*a));
    a->of = w;
    a->key = gn_strndup(key, len);
    a->key_len = len;
    w->asks = gn_reallocarray(w->asks, w->ask_count + 1, sizeof(w->asks[0]));
    w->asks[w->ask_count++] = a;
    return a;
}

/* Those that the task does not wait for any more need no answer. */
static void drop_asks(struct gn_task_watch *w, const gantry_json *requests)
{
    for (size_t i = 0; i < w->ask_count && !w->is_forgotten; i++) {
        struct gn_task_ask *a = w->asks[i];
        if (!a->is_open || gn_json_getn(requests, a->key, a->key_len))
            continue;
        a->is_open = false;
        w->open--;
        gn_question_drop(w->r->client, a);
    }
}

static bool is_too_much(struct gn_task_watch *w, size_t more)
{
    unsigned max = w->r->client->s.max_rounds;
    if (!more || (w->r->rounds++ < max && w->ask_count + more <= ASKS_MAX))
        return false;
    gn_request_end(w->r, GANTRY_CLIENT_LIMIT, "the task asks for more after %u rounds", max);
    return true;
}

static void ask_new(struct gn_task_watch *w, const gantry_json *requests)
{
    const gantry_json *request = NULL;
    size_t more = 0, len;
    while ((request = gn_json_next(requests, request))) {
        const char *key = gn_json_name(request, &len);
        more += find_ask(w, key, len) == NULL;
    }
    if (is_too_much(w, more))
        return;
    while (!w->is_forgotten && (request = gn_json_next(requests, request))) {
        const char *key = gn_json_name(request, &len);
        if (find_ask(w, key, len))
            continue; /* asked before: the server has not seen the answer yet */
        struct gn_task_ask *a = add_ask(w, key, len);
        a->is_open = true;
        w->open++;
        gn_question_ask(w->r->client, w->r, request, on_answer, a);
    }
}

/* ---------------------------------------------------------------- states */

static void on_input(struct gn_task_watch *w, const gantry_json *task)
{
    const gantry_json *requests = gn_json_get(task, "inputRequests");
    if (!w->is_stateless) {
        ask_result(w, true);
        return;
    }
    const char *wrong = gn_rounds_check(requests);
    if (wrong) {
        end_with(w, GANTRY_CLIENT_PROTOCOL, "the task waits for", wrong);
        return;
    }
    drop_asks(w, requests);
    if (!w->is_forgotten)
        ask_new(w, requests);
    if (!w->is_forgotten)
        send_answers(w);
}

/* It has ended; of 2025-11-25 the result is still to come. */
static void on_ended(struct gn_task_watch *w, struct gn_json_doc *doc, const gantry_json *task,
                     const char *status)
{
    const char *why = gn_json_cstr(gn_json_get(task, "statusMessage"));
    const gantry_json *result = gn_json_get(task, "result");
    if (gn_streq(status, "cancelled")) {
        w->is_over = true;
        end_with(w, GANTRY_CLIENT_CANCELLED, "the task was cancelled", why);
    } else if (!w->is_stateless) {
        want_result(w);
    } else if (gn_streq(status, "failed")) {
        end_with_error(w, doc, gn_json_get(task, "error"), why);
    } else if (gn_json_type(result) == GN_JSON_OBJECT) {
        end_with_result(w, doc, result);
    } else {
        w->is_over = true;
        end_with(w, GANTRY_CLIENT_PROTOCOL, "the task is complete, and has no result", NULL);
    }
}

static void set_interval(struct gn_task_watch *w, const gantry_json *task)
{
    int64_t ms;
    if (!gn_json_int(gn_json_get(task, "pollIntervalMs"), &ms) &&
        !gn_json_int(gn_json_get(task, "pollInterval"), &ms))
        return;
    w->poll_ms = (uint64_t)GN_MAX(GN_MIN(ms, (int64_t)POLL_MAX_MS), (int64_t)POLL_MIN_MS);
}

/* One that takes longer is worth a subscription; it is looked at all the same. */
static void wait_on(struct gn_task_watch *w, bool is_seed)
{
    look_later(w, w->poll_ms);
    if (is_seed || w->is_told || !w->is_stateless)
        return;
    w->is_told = true;
    gn_listen_task(w->r->client, w->r->task_id, true);
}

/* Without what goes with it, this is only a reason to look. */
static bool is_bare(const gantry_json *task, bool is_seed, bool is_working)
{
    return is_seed && !is_working && !gn_json_get(task, "result") && !gn_json_get(task, "error") &&
           !gn_json_get(task, "inputRequests");
}

static void take_state(struct gn_task_watch *w, struct gn_json_doc *doc, const gantry_json *task,
                       bool is_seed)
{
    static const char *const ends[] = {"completed", "failed", "cancelled"};
    const char *status = gn_json_cstr(gn_json_get(task, "status"));
    bool is_input = gn_streq(status, "input_required"), has_ended = false;
    bool is_working = gn_streq(status, "working");
    for (size_t i = 0; i < GN_COUNT(ends); i++)
        has_ended = has_ended || gn_streq(status, ends[i]);
    enter(w);
    set_interval(w, task);
    if (!is_input && !is_working && !has_ended) {
        end_with(w, GANTRY_CLIENT_PROTOCOL, "the task is in a state that there is not", status);
    } else if (is_bare(task, is_seed, is_working)) {
        look_later(w, 0);
    } else if (has_ended) {
        on_ended(w, doc, task, status);
    } else {
        if (is_input)
            on_input(w, task);
        else
            drop_asks(w, NULL);
        if (!w->is_forgotten)
            wait_on(w, is_seed);
    }
    leave(w);
}

/* ---------------------------------------------------------------- interface */

void gn_task_watch_take(struct gn_task_watch *w, struct gn_json_doc *doc, const gantry_json *task,
                        bool is_seed)
{
    enter(w);
    w->is_stateless = gn_client_is_stateless(w->r->client);
    gn_request_hold(w->r);
    take_state(w, doc, task, is_seed);
    leave(w);
}

struct gn_task_watch *gn_task_watch_new(gantry_request *r)
{
    struct gn_task_watch *w = gn_calloc(1, sizeof(*w));
    w->r = r;
    w->poll_ms = POLL_MS;
    return w;
}
