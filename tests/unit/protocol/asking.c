/* asking.c - calls that ask their clients: requests of the handshake era, states and retries of the
 * stateless one. */
#include "call/ask.h"
#include "fixture.h"
#include "protocol/park.h"
#include "util/clock.h"

#include <stdlib.h>

GN_SUITE(protocol_asking);

static struct fixture f;
static int steps, runs;
static uint32_t nap_ms; /* how long the step takes */

#define assert_has(text, part) cr_assert(strstr(text, part), "%s\nlacks %s", text, part)
#define assert_lacks(text, part) cr_assert(!strstr(text, part), "%s\nhas %s", text, part)

/* ---------------------------------------------------------------- a handler with two questions */

static int has_name(struct gn_question *q, const gantry_json *result, struct gn_error *err)
{
    (void)q;
    return gn_json_cstr(gn_json_get(result, "name")) ? 0 : gn_error_set(err, GN_EINVAL, "no name");
}

static int ask(gantry_call *call, const char *key, const char **ret)
{
    struct gn_question q = {.key = key,
                            .method = "elicitation/create",
                            .params = "{\"message\":\"?\"}",
                            .params_len = 15,
                            .capability = GANTRY_CAP_ELICITATION,
                            .check = has_name};
    struct gn_question *v[] = {&q};
    int rc = gn_call_ask(call, v, 1);
    if (!rc && q.rc)
        rc = q.rc;
    *ret = rc ? NULL : gn_json_cstr(gn_json_get(q.result, "name"));
    return rc;
}

static int book(gantry_call *call, void *arg, const gantry_json **ret)
{
    (void)arg;
    *ret = gn_json_parse_arena(&call->arena, "\"booked\"", 8, NULL);
    steps++;
    return nap_ms && gn_task_sleep(call->task, nap_ms) ? GANTRY_ECANCELED : GANTRY_OK;
}

static int run_two(gantry_call *call, const void *in)
{
    const char *first, *second;
    const gantry_json *step;
    int code;
    (void)in;
    runs++;
    int rc = ask(call, "first", &first);
    if (!rc)
        rc = gn_call_once(call, "book", book, NULL, &step, &code);
    if (!rc)
        rc = ask(call, "second", &second);
    if (rc)
        return rc == GN_ECANCELED ? GANTRY_ECANCELED
               : rc == GN_ENOTSUP ? GANTRY_ENOTSUP
               : rc == GN_EBUSY   ? GANTRY_EBUSY
                                  : GANTRY_EIO;
    struct gn_content content = {.kind = GN_CONTENT_TEXT};
    content.text = gn_arena_format(&call->arena, "%s %s %s", first, gn_json_cstr(step), second);
    content.len = strlen(content.text);
    return gn_call_add(call, &content);
}

#define REPLAYED "replayed" /* the tool that says GANTRY_REPLAY */
#define WAITING "waiting"   /* the same without */
#define THREAD "thread"     /* on a worker, with */
#define BOTH "Ada booked Bob"
#define FIRST "\"first\":{\"name\":\"Ada\"}"
#define SECOND "\"second\":{\"name\":\"Bob\"}"

static void open_asking(struct fixture *g)
{
    fixture_open(g);
    fixture_add(g, GN_TOOL, WAITING, run_two, 0);
    fixture_add(g, GN_TOOL, REPLAYED, run_two, GANTRY_REPLAY);
    fixture_add(g, GN_TOOL, THREAD, run_two, GANTRY_REPLAY | GANTRY_BLOCKING);
    fixture_add(g, GN_TOOL, "stuck", run_two, GANTRY_BLOCKING);
    steps = runs = 0;
    nap_ms = 0;
}

/* ---------------------------------------------------------------- a stateless client */

struct exchange {
    struct client c;
    char state[8192]; /* requestState of its answer */
};

/* tools/call with these inputResponses (members) and this state, either may be NULL; waits for the
 * answer. */
static const char *call_with(struct fixture *g, struct exchange *x, const char *tool,
                             const char *args, const char *responses, const char *state)
{
    char params[16384];
    snprintf(params, sizeof params, "\"name\":\"%s\",\"arguments\":%s%s%s%s%s%s%s", tool, args,
             responses ? ",\"inputResponses\":{" : "", responses ? responses : "",
             responses ? "}" : "", state ? ",\"requestState\":\"" : "", state ? state : "",
             state ? "\"" : "");
    bool loses = x->c.loses_answer;
    post_stateless(g, &x->c, "tools/call", tool, params);
    x->c.loses_answer = loses;
    run_until_int(g, &x->c.status, 1);
    const char *answer = client_last(&x->c);
    const char *at = strstr(answer, "\"requestState\":\"");
    x->state[0] = '\0';
    if (at)
        sscanf(at, "\"requestState\":\"%8191[^\"]", x->state);
    return answer;
}

static const char *begin(struct fixture *g, struct exchange *x, const char *tool)
{
    memset(x, 0, sizeof *x);
    const char *answer = call_with(g, x, tool, "{}", NULL, NULL);
    assert_has(answer, "\"resultType\":\"input_required\"");
    assert_has(answer, "\"inputRequests\":{\"first\":{\"method\":\"elicitation/create\"");
    cr_assert_gt(strlen(x->state), 40);
    return answer;
}

static void finish(struct exchange *x)
{
    client_free(&x->c);
}

Test(protocol_asking, a_parked_call_goes_on_with_the_retry)
{
    open_asking(&f);
    struct exchange a, b = {0}, c = {0};
    begin(&f, &a, WAITING);
    cr_assert_eq(f.p->parking->count, 1);
    cr_assert_eq(f.p->in_flight, 0);
    const char *answer = call_with(&f, &b, WAITING, "{}", FIRST, a.state);
    assert_has(answer, "\"inputRequests\":{\"second\":");
    answer = call_with(&f, &c, WAITING, "{}", SECOND, b.state);
    assert_has(answer, BOTH);
    assert_has(answer, "\"resultType\":\"complete\"");
    cr_assert_eq(runs, 1);
    cr_assert_eq(steps, 1);
    cr_assert_eq(f.p->parking->count, 0);
    finish(&a), finish(&b), finish(&c);
    fixture_close(&f);
}

Test(protocol_asking, answers_that_come_with_no_state_count)
{
    open_asking(&f);
    struct exchange a = {0};
    assert_has(call_with(&f, &a, WAITING, "{}", FIRST "," SECOND, NULL), BOTH);
    cr_assert_eq(f.p->parking->count, 0);
    finish(&a);
    fixture_close(&f);
}

Test(protocol_asking, missing_and_wrong_answers_are_asked_for_again)
{
    open_asking(&f);
    struct exchange a, b = {0}, c = {0}, d = {0};
    begin(&f, &a, WAITING);
    assert_has(call_with(&f, &b, WAITING, "{}", NULL, a.state), "\"first\":{");
    assert_lacks(client_last(&b.c), "did not fit");
    assert_has(call_with(&f, &c, WAITING, "{}", "\"first\":{\"name\":5}", b.state), "\"first\":{");
    assert_has(client_last(&c.c), "\"message\":\"?\\n(The answer did not fit: no name)\"");
    assert_has(call_with(&f, &d, WAITING, "{}", FIRST "," SECOND, c.state), BOTH);
    cr_assert_eq(runs, 1);
    finish(&a), finish(&b), finish(&c), finish(&d);
    fixture_close(&f);
}

Test(protocol_asking, another_process_with_the_same_keys_replays)
{
    static struct fixture g;
    static const char key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    struct fixture *both[] = {&f, &g};
    static const char *const tools[] = {REPLAYED, THREAD};
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < 2; i++) {
            open_asking(both[i]);
            gn_free(both[i]->config->ask_keys);
            both[i]->config->ask_keys = gn_calloc(2, sizeof(char *));
            both[i]->config->ask_keys[0] = gn_strdup(key);
            gn_protocol_configure(both[i]->p, both[i]->config);
        }
        struct exchange a, b = {0}, c = {0};
        begin(&f, &a, tools[t]);
        assert_has(call_with(&g, &b, tools[t], "{}", FIRST, a.state), "\"second\":{");
        cr_assert_eq(steps, 1);
        assert_has(call_with(&f, &c, tools[t], "{}", SECOND, b.state), BOTH);
        cr_assert_eq(steps, 1, "the step is in the journal");
        cr_assert_eq(runs, 3);
        finish(&a), finish(&b), finish(&c);
        fixture_close(&f);
        fixture_close(&g);
    }
}

Test(protocol_asking, a_worker_unwinds_and_is_replayed)
{
    open_asking(&f);
    struct exchange a, b = {0}, c = {0};
    begin(&f, &a, THREAD);
    cr_assert_eq(f.p->parking->count, 0);
    assert_has(call_with(&f, &b, THREAD, "{}", FIRST, a.state), "\"second\":{");
    assert_has(call_with(&f, &c, THREAD, "{}", SECOND, b.state), BOTH);
    cr_assert_eq(runs, 3);
    cr_assert_eq(steps, 1);
    finish(&a), finish(&b), finish(&c);
    fixture_close(&f);
}

Test(protocol_asking, a_worker_that_cannot_be_replayed_cannot_ask)
{
    open_asking(&f);
    struct exchange a = {0};
    const char *answer = call_with(&f, &a, "stuck", "{}", NULL, NULL);
    assert_has(answer, "GANTRY_REPLAY");
    assert_has(answer, "\"isError\":true");
    finish(&a);
    fixture_close(&f);
}

/* As a reload does it. */
static void replace(struct fixture *g, const char *key, uint32_t flags)
{
    struct gn_edit *e = gn_edit_begin(g->registry);
    cr_assert_eq(
        gn_edit_remove(e, gn_snapshot_find(gn_registry_current(g->registry), GN_TOOL, key)), 0);
    gn_edit_commit(e);
    fixture_add(g, GN_TOOL, key, run_two, flags);
}

Test(protocol_asking, one_that_was_replaced_while_it_ran_is_not_parked_again)
{
    static const struct {
        const char *tool;
        uint32_t flags, parked;
    } cases[] = {{REPLAYED, GANTRY_REPLAY, 0}, {WAITING, 0, 1}};
    for (size_t i = 0; i < 2; i++) {
        open_asking(&f);
        struct exchange a, b = {0}, c = {0};
        char params[16384];
        nap_ms = 30;
        begin(&f, &a, cases[i].tool);
        snprintf(params, sizeof params,
                 "\"name\":\"%s\",\"arguments\":{},\"inputResponses\":{" FIRST
                 "},\"requestState\":\"%s\"",
                 cases[i].tool, a.state);
        post_stateless(&f, &b.c, "tools/call", cases[i].tool, params);
        run_until_int(&f, &steps, 1);
        replace(&f, cases[i].tool, cases[i].flags);
        run_until_int(&f, &b.c.status, 1);
        cr_assert_eq(f.p->parking->count, cases[i].parked);
        const char *at = strstr(client_last(&b.c), "\"requestState\":\"");
        cr_assert_not_null(at, "%s", client_last(&b.c));
        sscanf(at, "\"requestState\":\"%8191[^\"]", b.state);
        assert_has(call_with(&f, &c, cases[i].tool, "{}", SECOND, b.state), BOTH);
        cr_assert_eq(steps, 1);
        cr_assert_eq(runs, cases[i].parked ? 1 : 2);
        finish(&a), finish(&b), finish(&c);
        fixture_close(&f);
    }
}

Test(protocol_asking, what_is_not_here_any_more_is_told_or_replayed)
{
    open_asking(&f);
    struct exchange a, b = {0}, c, d = {0};
    begin(&f, &a, WAITING);
    begin(&f, &c, REPLAYED);
    gn_parking_clear(f.p->parking);
    const char *answer = call_with(&f, &b, WAITING, "{}", FIRST, a.state);
    assert_has(answer, "-32602");
    assert_has(answer, "\"reason\":\"gone\"");
    assert_has(call_with(&f, &d, REPLAYED, "{}", FIRST, c.state), "\"second\":{");
    finish(&a), finish(&b), finish(&c), finish(&d);
    fixture_close(&f);
}

/* As when the plugin of a tool that it calls is stopped. */
Test(protocol_asking, a_parked_call_that_unwinds_already_is_not_here_any_more)
{
    open_asking(&f);
    static const char *const tools[] = {WAITING, REPLAYED};
    for (size_t i = 0; i < 2; i++) {
        struct exchange a, b = {0};
        begin(&f, &a, tools[i]);
        gn_task_cancel(GN_CONTAINER(f.env.calls.prev, struct gn_call, node)->task);
        assert_has(call_with(&f, &b, tools[i], "{}", FIRST, a.state),
                   i ? "\"second\":{" : "\"reason\":\"gone\"");
        finish(&a), finish(&b);
    }
    fixture_close(&f);
}

/* ---------------------------------------------------------------- states that are refused */

static void assert_refused(struct fixture *g, const char *tool, const char *args, const char *state,
                           const char *reason)
{
    struct exchange x = {0};
    char data[64];
    snprintf(data, sizeof data, "\"reason\":\"%s\"", reason);
    const char *answer = call_with(g, &x, tool, args, FIRST, state);
    assert_has(answer, "-32602");
    assert_has(answer, data);
    cr_assert_eq(x.c.status, 200);
    finish(&x);
}

Test(protocol_asking, states_that_are_not_for_this_request_are_refused)
{
    open_asking(&f);
    struct exchange a;
    begin(&f, &a, REPLAYED);
    assert_refused(&f, WAITING, "{}", a.state, "mismatch");
    assert_refused(&f, REPLAYED, "{\"x\":1}", a.state, "mismatch");
    assert_refused(&f, REPLAYED, "{}", "", "invalid");
    assert_refused(&f, REPLAYED, "{}", "bm9uZSBvZiBvdXJz", "invalid");
    size_t len = strlen(a.state);
    for (size_t i = 0; i < len; i += 7) {
        char c = a.state[i];
        a.state[i] = c == 'A' ? 'B' : 'A';
        assert_refused(&f, REPLAYED, "{}", a.state, "invalid");
        a.state[i] = c;
    }
    cr_assert_eq(f.p->parking->count, 1, "none of these took it");
    finish(&a);
    fixture_close(&f);
}

Test(protocol_asking, another_principal_has_no_such_state)
{
    open_asking(&f);
    struct exchange a;
    struct client c;
    begin(&f, &a, REPLAYED);
    char params[16384];
    snprintf(params, sizeof params,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
             "\"" REPLAYED "\",\"requestState\":\"%s\",\"inputResponses\":{" FIRST
             "}," STATELESS_META "}}",
             a.state);
    client_open(&c, false);
    c.stream.principal = "mallory";
    client_header(&c, "mcp-protocol-version", "2026-07-28");
    client_header(&c, "mcp-method", "tools/call");
    client_header(&c, "mcp-name", REPLAYED);
    assert_has(client_send(&f, &c, params), "\"reason\":\"mismatch\"");
    client_free(&c);
    finish(&a);
    fixture_close(&f);
}

Test(protocol_asking, an_expired_state_is_refused)
{
    open_asking(&f);
    struct exchange a;
    f.p->parking->state_max_age_ms = 0;
    begin(&f, &a, REPLAYED);
    int64_t until = gn_wall_ms() + 3;
    while (gn_wall_ms() < until)
        run_some(&f);
    assert_refused(&f, REPLAYED, "{}", a.state, "expired");
    finish(&a);
    fixture_close(&f);
}

Test(protocol_asking, a_state_is_spent_once_its_answer_has_left)
{
    open_asking(&f);
    struct exchange a, b = {0};
    begin(&f, &a, WAITING);
    assert_has(call_with(&f, &b, WAITING, "{}", FIRST "," SECOND, a.state), BOTH);
    assert_refused(&f, WAITING, "{}", a.state, "spent");
    finish(&a), finish(&b);
    fixture_close(&f);
}

Test(protocol_asking, a_lost_answer_is_given_again)
{
    open_asking(&f);
    struct exchange a, b = {0}, c = {0}, d = {0};
    begin(&f, &a, WAITING);
    b.c.loses_answer = true;
    assert_has(call_with(&f, &b, WAITING, "{}", FIRST, a.state), "\"second\":{");
    assert_has(call_with(&f, &c, WAITING, "{}", FIRST, a.state), "\"second\":{");
    cr_assert_str_eq(b.state, c.state, "the very same answer");
    d.c.loses_answer = true;
    assert_has(call_with(&f, &d, WAITING, "{}", SECOND, c.state), BOTH);
    finish(&d);
    d.c.loses_answer = false;
    assert_has(call_with(&f, &d, WAITING, "{}", SECOND, c.state), BOTH);
    assert_refused(&f, WAITING, "{}", c.state, "spent");
    cr_assert_eq(runs, 1);
    cr_assert_eq(steps, 1);
    finish(&a), finish(&b), finish(&c), finish(&d);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- limits */

Test(protocol_asking, a_full_table_makes_room_for_what_can_be_replayed)
{
    open_asking(&f);
    struct exchange a, b, c = {0}, d = {0};
    f.p->parking->max = 2;
    begin(&f, &a, REPLAYED);
    begin(&f, &b, WAITING);
    begin(&f, &c, WAITING); /* the replayable one goes */
    cr_assert_eq(f.p->parking->count, 2);
    assert_has(call_with(&f, &d, WAITING, "{}", NULL, NULL), "too many calls wait");
    finish(&d);
    begin(&f, &d, REPLAYED); /* it is not parked, and need not be */
    cr_assert_eq(f.p->parking->count, 2);
    struct exchange e = {0};
    assert_has(call_with(&f, &e, REPLAYED, "{}", FIRST "," SECOND, a.state), BOTH);
    finish(&a), finish(&b), finish(&c), finish(&d), finish(&e);
    fixture_close(&f);
}

/* The configuration has one number for both. */
Test(protocol_asking, as_many_as_may_wait_make_room_for_one_another)
{
    open_asking(&f);
    struct exchange a, b, c = {0}, d = {0};
    f.env.max_asking = f.p->parking->max = 2;
    begin(&f, &a, REPLAYED);
    begin(&f, &b, WAITING);
    begin(&f, &c, WAITING);
    cr_assert_eq(f.p->parking->count, 2);
    cr_assert_eq(f.env.asking, 2);
    assert_has(call_with(&f, &d, WAITING, "{}", NULL, NULL), "too many calls wait");
    finish(&d);
    begin(&f, &d, REPLAYED);
    cr_assert_eq(f.env.asking, 2);
    struct exchange e = {0};
    assert_has(call_with(&f, &e, REPLAYED, "{}", FIRST "," SECOND, a.state), BOTH);
    finish(&a), finish(&b), finish(&c), finish(&d), finish(&e);
    fixture_close(&f);
}

Test(protocol_asking, what_fits_into_no_table_takes_nobodys_place)
{
    open_asking(&f);
    struct exchange a, b = {0}, c = {0};
    begin(&f, &a, REPLAYED);
    f.p->parking->max_bytes = GN_PARKED_STACK;
    assert_has(call_with(&f, &b, WAITING, "{}", NULL, NULL), "too many calls wait");
    cr_assert_eq(f.p->parking->count, 1);
    begin(&f, &c, REPLAYED);
    cr_assert_eq(f.p->parking->count, 1);
    finish(&a), finish(&b), finish(&c);
    fixture_close(&f);
}

Test(protocol_asking, a_state_that_grows_too_large_fails_the_call)
{
    open_asking(&f);
    struct exchange a = {0};
    f.p->parking->state_max_bytes = 32;
    const char *answer = call_with(&f, &a, WAITING, "{}", NULL, NULL);
    assert_lacks(answer, "requestState");
    cr_assert_eq(f.p->parking->count, 0);
    finish(&a);
    fixture_close(&f);
}

Test(protocol_asking, nobody_who_answers_in_time_frees_it)
{
    open_asking(&f);
    struct exchange a, b = {0};
    f.env.ask_timeout_ms = 20;
    begin(&f, &a, WAITING);
    cr_assert_eq(f.env.asking, 1);
    while (f.env.alive > 0)
        uv_run(&f.uv, UV_RUN_ONCE);
    cr_assert_eq(f.p->parking->count, 0);
    cr_assert_eq(f.env.asking, 0);
    assert_refused(&f, WAITING, "{}", a.state, "gone");
    finish(&a), finish(&b);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- the handshake era */

static const char init[] = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
                           "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"elicitation\":{"
                           "}},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}";
static const char call_waiting[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\","
                                   "\"params\":{\"name\":\"" WAITING "\"}}";

static void open_handshake(struct client *c)
{
    client_open(c, true);
    client_send(&f, c, init);
    client_send(&f, c, call_waiting);
    run_until(&f, &c->count, 2);
}

/* Answers our request that was sent last. */
static void respond(struct client *c, const char *member)
{
    char text[512];
    const char *at = strstr(client_last(c), "\"id\":");
    long id = strtol(at + 5, NULL, 10);
    size_t count = c->count;
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%ld,%s}", id, member);
    client_send(&f, c, text);
    run_until(&f, &c->count, count + 1);
}

Test(protocol_asking, a_client_of_the_handshake_era_is_sent_requests)
{
    open_asking(&f);
    struct client c;
    open_handshake(&c);
    assert_has(client_last(&c), "\"method\":\"elicitation/create\"");
    cr_assert_eq(f.p->active, 0, "its turn is others' meanwhile");
    respond(&c, "\"result\":{\"name\":\"Ada\"}");
    assert_has(client_last(&c), "\"method\":\"elicitation/create\"");
    respond(&c, "\"result\":{\"name\":\"Bob\"}");
    assert_has(client_last(&c), BOTH);
    assert_has(client_last(&c), "\"id\":7");
    cr_assert_eq(f.p->active, 0);
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol_asking, three_answers_that_do_not_fit_are_enough)
{
    open_asking(&f);
    struct client c;
    open_handshake(&c);
    respond(&c, "\"result\":{}");
    assert_has(client_last(&c), "\"method\":\"elicitation/create\"");
    assert_has(client_last(&c), "(The answer did not fit: no name)");
    respond(&c, "\"result\":{\"name\":1}");
    assert_has(client_last(&c), "\"method\":\"elicitation/create\"");
    respond(&c, "\"result\":{}");
    assert_has(client_last(&c), "\"isError\":true");
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol_asking, an_error_of_the_client_is_the_handlers_to_know)
{
    open_asking(&f);
    struct client c;
    open_handshake(&c);
    respond(&c, "\"error\":{\"code\":-1,\"message\":\"no screen\"}");
    assert_has(client_last(&c), "\"isError\":true");
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol_asking, late_and_foreign_answers_do_nothing)
{
    open_asking(&f);
    struct client c, d;
    open_handshake(&c);
    client_open(&d, true);
    client_send(&f, &d, init);
    client_send(&f, &d, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"name\":\"Mallory\"}}");
    client_send(&f, &c, "{\"jsonrpc\":\"2.0\",\"id\":999,\"result\":{\"name\":\"Nobody\"}}");
    run_some(&f);
    cr_assert_eq(c.count, 2, "it waits on");
    client_send(&f, &c,
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                "\"requestId\":7}}");
    assert_has(client_last(&c), /* the question goes with its call */
               "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}");
    client_send(&f, &c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"name\":\"Ada\"}}");
    run_some(&f);
    cr_assert_eq(c.count, 3);
    gn_protocol_closed(f.p, &c.stream);
    gn_protocol_closed(f.p, &d.stream);
    client_free(&c);
    client_free(&d);
    fixture_close(&f);
}

Test(protocol_asking, a_question_nobody_answers_in_time_is_taken_back)
{
    open_asking(&f);
    struct client c;
    f.env.ask_timeout_ms = 20;
    open_handshake(&c);
    run_until(&f, &c.count, 4);
    assert_has(c.sent[2], "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}");
    assert_has(c.sent[3], "\"isError\":true");
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}
