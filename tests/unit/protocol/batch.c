/* Unit tests of batches: several messages at once, answered at once (revision 2025-03-26). */
#include "fixture.h"
#include "protocol/internal.h"

GN_SUITE(protocol_batch);

static struct fixture f;

#define assert_has(text, part) cr_assert(strstr(text, part), "%s\nlacks %s", text, part)
#define assert_lacks(text, part) cr_assert(!strstr(text, part), "%s\nhas %s", text, part)

#define REQUEST(id, method, params)                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}"
#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"
#define PONG(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"
#define CALL(id, name, args) REQUEST(id, "tools/call", "\"name\":\"" name "\",\"arguments\":" args)
#define SLEEP(id) CALL(id, "sleep", "{\"ms\":100000}")
#define PROGRESS(id)                                                                               \
    REQUEST(id, "tools/call", "\"name\":\"progress\",\"_meta\":{\"progressToken\":\"t\"}")
#define NOTE "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/nothing\"}"
#define RESPONSE "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"
#define CANCEL(id)                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id "}}"

#define REVISION "2025-03-26"

static struct client init; /* the exchange that has made the session over HTTP */

static void open_connection(struct client *c, const char *revision)
{
    fixture_open(&f);
    client_open(c, true);
    client_initialize(&f, c, revision);
    cr_assert_eq(c->count, 1);
}

static void open_session(const char *revision)
{
    fixture_open(&f);
    client_open(&init, false);
    client_initialize(&f, &init, revision);
    cr_assert_eq(init.status, 200);
}

static void open_exchange(struct client *c)
{
    client_open(c, false);
    client_header(c, "mcp-session-id", init.session_id);
}

/* Ends a test: nothing may be left. */
static void close_all(struct client *c)
{
    cr_assert_eq(f.p->in_flight, 0);
    cr_assert_eq(f.p->active, 0);
    cr_assert_eq(f.p->queued, 0);
    if (c->stream.shared)
        gn_protocol_closed(f.p, &c->stream);
    run_until_int(&f, &f.ended, f.started);
    run_some(&f);
    client_free(c);
    client_free(&init);
    fixture_close(&f);
}

static void assert_text(const char *text, const char *expected)
{
    cr_assert_str_eq(text, expected, "%s\nis not %s", text, expected);
}

/* How often part is in text. */
static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *s = text; (s = strstr(s, part)); s += strlen(part))
        n++;
    return n;
}

/* One array with the result of a call and that of a ping; which comes first does not matter. */
static void assert_answers_1_and_2(const char *text)
{
    cr_assert_eq(text[0], '[');
    cr_assert_eq(text[strlen(text) - 1], ']');
    assert_has(text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{");
    assert_has(text, PONG("2"));
    cr_assert_eq(count_of(text, "\"jsonrpc\""), 2);
}

/* "[message,message,...]", owned by the caller. */
static char *repeat(const char *message, size_t count)
{
    struct gn_buf text = GN_BUF_INIT(16u << 20);
    for (size_t i = 0; i < count; i++) {
        gn_buf_addc(&text, i ? ',' : '[');
        gn_buf_adds(&text, message);
    }
    gn_buf_addc(&text, ']');
    return gn_buf_take(&text, NULL);
}

/* ---------------------------------------------------------------- what is one */

Test(protocol_batch, answers_leave_as_one_array_on_a_connection)
{
    struct client c;
    open_connection(&c, REVISION);
    client_send(&f, &c,
                "[" PING("1") "," NOTE
                              "," CALL("\"b\"", "echo", "{}") "," RESPONSE
                                                              "," REQUEST("3", "no/such", "") "]");
    run_until(&f, &c.count, 2);
    const char *answer = client_last(&c);
    assert_has(answer, "[" PONG("1") ",");
    assert_has(answer, "{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"result\":{");
    assert_has(answer, "\"id\":3,\"error\":{\"code\":-32601");
    cr_assert_eq(count_of(answer, "\"jsonrpc\""), 3);
    cr_assert_eq(answer[strlen(answer) - 1], ']');
    run_some(&f);
    cr_assert_eq(c.count, 2);
    close_all(&c);
}

Test(protocol_batch, answers_leave_as_one_body_over_http)
{
    struct client c;
    open_session(REVISION);
    open_exchange(&c);
    client_send(&f, &c, "[" CALL("1", "echo", "{}") "," NOTE "," PING("2") "]");
    run_until_int(&f, &c.status, 200);
    cr_assert_eq(c.status, 200);
    cr_assert_eq(c.count, 1);
    cr_assert_not(c.opened);
    assert_answers_1_and_2(c.sent[0]);
    close_all(&c);
}

Test(protocol_batch, one_message_is_answered_by_an_array_too)
{
    struct client c;
    open_connection(&c, REVISION);
    assert_text(client_send(&f, &c, "[" PING("1") "]"), "[" PONG("1") "]");
    close_all(&c);
}

Test(protocol_batch, other_revisions_have_none)
{
    static const char *const revisions[] = {"2024-11-05", "2025-06-18", "2025-11-25"};
    for (size_t i = 0; i < GN_COUNT(revisions); i++) {
        struct client c;
        open_connection(&c, revisions[i]);
        client_send(&f, &c, "[" PING("1") "," PING("2") "]");
        cr_assert_eq(c.count, 2);
        cr_assert(gn_starts_with(client_last(&c), "{\"jsonrpc\":\"2.0\",\"error\":{"));
        assert_has(client_last(&c), "-32600");
        close_all(&c);
        open_session(revisions[i]);
        open_exchange(&c);
        client_send(&f, &c, "[" PING("1") "," PING("2") "]");
        cr_assert_eq(c.status, 400);
        cr_assert(gn_starts_with(client_last(&c), "{\"jsonrpc\":\"2.0\",\"error\":{"));
        assert_has(client_last(&c), "-32600");
        close_all(&c);
    }
}

Test(protocol_batch, without_a_session_there_is_none)
{
    struct client c;
    fixture_open(&f);
    client_open(&c, true);
    assert_has(client_send(&f, &c, "[" PING("1") "]"), "{\"jsonrpc\":\"2.0\",\"error\":{");
    assert_has(client_last(&c), "-32600");
    close_all(&c);

    fixture_open(&f);
    client_open(&c, false);
    assert_has(client_send(&f, &c, "[" PING("1") "]"), "-32600");
    cr_assert_eq(c.status, 400);
    close_all(&c);

    open_session(REVISION);
    client_open(&c, false);
    client_header(&c, "mcp-session-id", "unknown");
    assert_has(client_send(&f, &c, "[" PING("1") "]"), "-32600");
    cr_assert_eq(c.status, 404);
    close_all(&c);

    open_session(REVISION);
    open_exchange(&c);
    client_header(&c, "mcp-protocol-version", "2026-07-28");
    assert_has(client_send(&f, &c, "[" PING("1") "]"), "-32600");
    cr_assert_eq(c.status, 400);
    close_all(&c);
}

Test(protocol_batch, an_empty_one_is_refused)
{
    struct client c;
    open_connection(&c, REVISION);
    assert_has(client_send(&f, &c, "[]"), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600");
    cr_assert_eq(c.count, 2);
    close_all(&c);
    open_session(REVISION);
    open_exchange(&c);
    assert_has(client_send(&f, &c, "[]"), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600");
    cr_assert_eq(c.status, 400);
    close_all(&c);
}

Test(protocol_batch, the_number_of_messages_is_bounded)
{
    struct client c;
    open_connection(&c, REVISION);
    GN_AUTO_FREE char *most = repeat(PING("1"), GN_BATCH_MAX);
    GN_AUTO_FREE char *answers = repeat(PONG("1"), GN_BATCH_MAX);
    assert_text(client_send(&f, &c, most), answers);
    GN_AUTO_FREE char *more = repeat(PING("1"), GN_BATCH_MAX + 1);
    cr_assert(gn_starts_with(client_send(&f, &c, more), "{\"jsonrpc\":\"2.0\",\"error\":{"));
    assert_has(client_last(&c), "-32600");
    assert_has(client_last(&c), "1025 messages");
    cr_assert_eq(c.count, 3);
    close_all(&c);
}

/* ---------------------------------------------------------------- its messages */

Test(protocol_batch, each_invalid_message_has_an_error_of_its_own)
{
    struct client c;
    open_connection(&c, REVISION);
    client_send(&f, &c,
                "[7,null,[" PING("0") "],{},{\"id\":5}," PING("6") ",{\"jsonrpc\":\"2.0\",\"id\":"
                                                                   "{},\"method\":\"ping\"}]");
    cr_assert_eq(c.count, 2);
    const char *answer = client_last(&c);
    cr_assert_eq(count_of(answer, "\"jsonrpc\""), 7);
    cr_assert_eq(count_of(answer, "\"code\":-32600"), 6);
    assert_has(answer, "\"id\":5,\"error\"");
    assert_has(answer, "," PONG("6") ",");
    assert_lacks(answer, "\"id\":0");
    close_all(&c);
}

Test(protocol_batch, initialize_is_refused_in_one)
{
    struct client c;
    open_connection(&c, REVISION);
    struct gn_session *session = c.stream.session;
    client_send(&f, &c,
                "[" PING("1") "," REQUEST("2", "initialize",
                                          "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
                                          "\"clientInfo\":{\"name\":\"x\",\"version\":\"1\"}") "]");
    assert_has(client_last(&c), "[" PONG("1") ",");
    assert_has(client_last(&c), "\"id\":2,\"error\":{\"code\":-32600");
    cr_assert_eq(c.stream.session, session);
    close_all(&c);
}

Test(protocol_batch, requests_of_the_stateless_era_are_refused_in_one)
{
    struct client c;
    open_connection(&c, REVISION);
    client_send(
        &f, &c,
        "[" REQUEST("1", "tools/list", STATELESS_META) "," REQUEST("2", "server/discover", "") "]");
    assert_has(client_last(&c), "\"id\":1,\"error\":{\"code\":-32600");
    assert_has(client_last(&c), "\"id\":2,\"error\":{\"code\":-32601");
    close_all(&c);
}

Test(protocol_batch, ids_in_flight_are_told_apart_within_it_and_beyond)
{
    struct client c;
    open_connection(&c, REVISION);
    client_send(&f, &c, "[" SLEEP("1") "," PING("1") "]");
    cr_assert_eq(c.count, 1);
    client_send(&f, &c, PING("1")); /* alone: in flight in the batch */
    cr_assert_eq(c.count, 2);
    assert_has(client_last(&c), "\"id\":1,\"error\":{\"code\":-32600");
    client_send(&f, &c, "[" PING("1") "," PING("2") "]"); /* in another batch */
    cr_assert_eq(c.count, 3);
    assert_has(client_last(&c), "\"id\":1,\"error\":{\"code\":-32600");
    assert_has(client_last(&c), PONG("2"));
    client_send(&f, &c, CANCEL("1"));
    cr_assert_eq(c.count, 4);
    cr_assert(gn_starts_with(client_last(&c), "[{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{"));
    cr_assert_eq(count_of(client_last(&c), "\"jsonrpc\""), 1);
    close_all(&c);
}

Test(protocol_batch, ids_in_flight_are_told_apart_within_a_session_over_http)
{
    struct client c, d;
    open_session(REVISION);
    open_exchange(&c);
    open_exchange(&d);
    client_send(&f, &c, "[" SLEEP("1") "]");
    client_send(&f, &d, "[" PING("1") "," PING("2") "]");
    cr_assert_eq(d.status, 200);
    assert_has(client_last(&d), "[{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600");
    assert_has(client_last(&d), PONG("2"));
    client_free(&d);
    open_exchange(&d);
    client_send(&f, &d, "[" CANCEL("1") "]");
    cr_assert_eq(d.status, 202);
    cr_assert_eq(d.count, 0);
    cr_assert_eq(c.status, 200);
    client_free(&d);
    close_all(&c);
}

/* ---------------------------------------------------------------- what is not answered */

Test(protocol_batch, notifications_and_responses_alone_are_accepted_and_not_answered)
{
    static const char *const rows[] = {"[" NOTE "]", "[" RESPONSE "," RESPONSE "]",
                                       "[" NOTE "," CANCEL("77") "," RESPONSE "]"};
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct client c;
        open_connection(&c, REVISION);
        client_send(&f, &c, rows[i]);
        run_some(&f);
        cr_assert_eq(c.count, 1);
        close_all(&c);
        open_session(REVISION);
        open_exchange(&c);
        client_send(&f, &c, rows[i]);
        cr_assert_eq(c.status, 202);
        cr_assert_eq(c.count, 0);
        cr_assert_not(c.opened);
        close_all(&c);
    }
}

Test(protocol_batch, a_cancelled_request_is_missing_in_the_answer)
{
    struct client c;
    open_connection(&c, REVISION);
    client_send(&f, &c, "[" SLEEP("1") "," PING("2") "," SLEEP("3") "," CANCEL("3") "]");
    cr_assert_eq(c.count, 1);
    client_send(&f, &c, CANCEL("1"));
    cr_assert_eq(c.count, 2);
    assert_text(client_last(&c), "[" PONG("2") "]");
    close_all(&c);
}

Test(protocol_batch, one_cancelled_whole_on_a_connection_is_not_answered)
{
    struct client c;
    open_connection(&c, REVISION);
    client_send(&f, &c, "[" SLEEP("1") "," SLEEP("2") "]");
    client_send(&f, &c, "[" CANCEL("1") "," CANCEL("2") "]");
    run_some(&f);
    cr_assert_eq(c.count, 1);
    close_all(&c);
}

Test(protocol_batch, one_cancelled_whole_over_http_ends_as_an_empty_stream_of_events)
{
    struct client c, d;
    open_session(REVISION);
    open_exchange(&c);
    client_send(&f, &c, "[" SLEEP("1") "," NOTE "," SLEEP("2") "]");
    open_exchange(&d);
    client_send(&f, &d, CANCEL("1"));
    cr_assert_eq(c.status, 0);
    client_free(&d);
    open_exchange(&d);
    client_send(&f, &d, CANCEL("2"));
    cr_assert_eq(c.status, 200);
    cr_assert(c.opened);
    cr_assert_eq(c.count, 0);
    client_free(&d);
    close_all(&c);
}

/* ---------------------------------------------------------------- over time */

Test(protocol_batch, notifications_come_before_the_answer)
{
    struct client c;
    open_connection(&c, REVISION);
    client_send(&f, &c, "[" PROGRESS("1") "," PING("2") "]");
    run_until(&f, &c.count, 4);
    assert_has(c.sent[1], "notifications/progress");
    assert_has(c.sent[2], "notifications/progress");
    assert_answers_1_and_2(c.sent[3]);
    close_all(&c);
    open_session(REVISION);
    open_exchange(&c);
    client_send(&f, &c, "[" PROGRESS("1") "," PING("2") "]");
    run_until_int(&f, &c.status, 200);
    cr_assert_eq(c.count, 3);
    assert_has(c.sent[0], "notifications/progress");
    assert_has(c.sent[1], "notifications/progress");
    assert_answers_1_and_2(c.sent[2]);
    close_all(&c);
}

Test(protocol_batch, several_run_side_by_side_on_a_connection)
{
    struct client c;
    open_connection(&c, REVISION);
    client_send(&f, &c, "[" SLEEP("1") "," PING("2") "]");
    client_send(&f, &c, "[" SLEEP("3") "," PING("4") "]");
    assert_text(client_send(&f, &c, PING("5")), PONG("5"));
    client_send(&f, &c, CANCEL("3"));
    assert_text(client_last(&c), "[" PONG("4") "]");
    client_send(&f, &c, CANCEL("1"));
    assert_text(client_last(&c), "[" PONG("2") "]");
    cr_assert_eq(c.count, 4);
    close_all(&c);
}

Test(protocol_batch, its_calls_wait_for_their_turn_as_others_do)
{
    struct client c;
    open_connection(&c, REVISION);
    f.config->max_calls = 1;
    f.config->max_queued_calls = 1;
    client_send(&f, &c, "[" SLEEP("1") "," CALL("2", "echo", "{}") "," CALL("3", "echo", "{}") "]");
    cr_assert_eq(f.p->active, 1);
    cr_assert_eq(f.p->queued, 1);
    client_send(&f, &c, CANCEL("1"));
    run_until(&f, &c.count, 2);
    assert_has(client_last(&c), "[{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32603");
    assert_has(client_last(&c), "\"id\":2,\"result\"");
    close_all(&c);
}

/* ---------------------------------------------------------------- how it ends */

Test(protocol_batch, the_end_of_a_connection_frees_all)
{
    struct client c;
    open_connection(&c, REVISION);
    f.config->max_calls = 1;
    client_send(&f, &c, "[" SLEEP("1") "," PING("2") "," SLEEP("3") "]");
    client_send(&f, &c, "[" SLEEP("4") "]");
    cr_assert_eq(f.p->in_flight, 3);
    gn_protocol_closed(f.p, &c.stream);
    cr_assert_eq(f.p->in_flight, 0);
    cr_assert_eq(c.count, 1);
    close_all(&c);
}

Test(protocol_batch, the_end_of_an_exchange_frees_it_and_cancels_nothing)
{
    struct client c, d;
    open_session(REVISION);
    open_exchange(&c);
    client_send(&f, &c, "[" SLEEP("1") "," PING("2") "," CALL("3", "sleep", "{\"ms\":1}") "]");
    gn_protocol_closed(f.p, &c.stream);
    cr_assert_eq(f.p->in_flight, 2);
    run_until_int(&f, &f.ended, 1);
    run_some(&f);
    cr_assert_eq(f.p->in_flight, 1);
    open_exchange(&d);
    client_send(&f, &d, "[" CANCEL("1") "]");
    cr_assert_eq(d.status, 202);
    cr_assert_eq(c.count, 0);
    cr_assert_eq(c.status, 0);
    client_free(&d);
    close_all(&c);
}

static int (*passes_on)(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight);

static int send_and_close(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight)
{
    int rc = passes_on(s, json, len, weight);
    gn_protocol_closed(f.p, s);
    return rc;
}

Test(protocol_batch, the_connection_may_end_while_something_is_sent_on_it)
{
    struct client c;
    open_connection(&c, REVISION);
    struct gn_stream_ops ops = *c.stream.ops;
    passes_on = ops.send;
    ops.send = send_and_close;
    c.stream.ops = &ops;
    client_send(&f, &c, "[" PROGRESS("1") "," SLEEP("2") "," PROGRESS("3") "]");
    run_until(&f, &c.count, 2);
    assert_has(c.sent[1], "notifications/progress");
    run_some(&f);
    cr_assert_eq(c.count, 2);
    close_all(&c);
}

Test(protocol_batch, the_end_of_its_session_answers_what_runs)
{
    struct client c, d;
    open_session(REVISION);
    open_exchange(&c);
    client_send(&f, &c, "[" SLEEP("1") "," SLEEP("2") "]");
    open_exchange(&d);
    gn_protocol_delete(f.p, &d.stream);
    cr_assert_eq(d.status, 200);
    cr_assert_eq(c.status, 404);
    cr_assert_eq(c.count, 1);
    cr_assert_eq(count_of(c.sent[0], "\"code\":-32600"), 2);
    client_free(&d);
    close_all(&c);
}

Test(protocol_batch, starting_over_on_a_connection_answers_what_runs)
{
    struct client c;
    open_connection(&c, REVISION);
    client_send(&f, &c, "[" SLEEP("1") "," PING("2") "]");
    client_initialize(&f, &c, REVISION);
    cr_assert_eq(c.count, 3);
    cr_assert(gn_starts_with(c.sent[1], "[" PONG("2") ",{\"jsonrpc\":\"2.0\",\"id\":1,\"error\""));
    assert_has(c.sent[2], "\"id\":\"init\",\"result\"");
    close_all(&c);
}

static int drains;

static void count_drain(void *arg)
{
    (void)arg;
    drains++;
}

Test(protocol_batch, a_drain_answers_it_whole)
{
    struct client c;
    drains = 0;
    open_connection(&c, REVISION);
    f.config->max_calls = 1;
    client_send(&f, &c, "[" PING("1") "," SLEEP("2") "," CALL("3", "echo", "{}") "]");
    gn_protocol_drain(f.p, 10, count_drain, NULL);
    client_send(&f, &c, "[" PING("4") "," NOTE "," PING("5") "]"); /* refused */
    cr_assert_eq(c.count, 2);
    cr_assert_eq(count_of(client_last(&c), "\"code\":-32603"), 2);
    run_until_int(&f, &drains, 1);
    cr_assert_eq(c.count, 3);
    cr_assert(gn_starts_with(client_last(&c), "[" PONG("1") ","));
    assert_has(client_last(&c), "\"id\":2,\"error\"");
    assert_has(client_last(&c), "\"id\":3,\"error\"");
    close_all(&c);
}

Test(protocol_batch, its_status_is_the_one_its_answers_agree_on)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"[" PING("1") "," REQUEST("2", "no/such", "") "]", 200},
        {"[7]", 400},
        {"[7,8," NOTE "]", 400},
        {"[7," PING("1") ",8]", 200},
    };
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct client c;
        open_session(REVISION);
        open_exchange(&c);
        client_send(&f, &c, rows[i].text);
        cr_assert_eq(c.status, rows[i].status, "%s: %d", rows[i].text, c.status);
        close_all(&c);
    }
    struct client c;
    open_session(REVISION);
    gn_protocol_drain(f.p, 1000, count_drain, NULL);
    open_exchange(&c);
    client_send(&f, &c, "[" PING("1") "," PING("2") "]");
    cr_assert_eq(c.status, 503);
    run_some(&f);
    close_all(&c);
}

/* ---------------------------------------------------------------- how large it may be */

static char *big_text; /* 10 MiB */

static int run_big(gantry_call *call, const void *in)
{
    (void)in;
    struct gn_content content = {.kind = GN_CONTENT_TEXT, .text = big_text, .len = 10u << 20};
    return gn_call_add(call, &content);
}

Test(protocol_batch, what_does_not_fit_into_the_answer_is_an_error)
{
    struct client c;
    open_connection(&c, REVISION);
    big_text = gn_calloc(1, (10u << 20) + 1);
    memset(big_text, 'x', 10u << 20);
    struct gn_edit *e = gn_edit_begin(f.registry);
    struct gn_error err = {0};
    struct gn_component *big = gn_component_new(GN_TOOL);
    big->key = gn_strdup("big");
    big->name = gn_strdup("big");
    big->run = run_big;
    cr_assert_eq(gn_edit_add(e, big, &err), 0, "%s", err.text);
    gn_component_unref(big);
    gn_edit_commit(e);
    GN_AUTO_FREE char *text = gn_format("[%s,%s,%s,%s,%s,%s,%s,%s,%s]", CALL("1", "big", "{}"),
                                        CALL("2", "big", "{}"), CALL("3", "big", "{}"),
                                        CALL("4", "big", "{}"), CALL("5", "big", "{}"),
                                        CALL("6", "big", "{}"), CALL("7", "big", "{}"),
                                        CALL("8", "big", "{}"), CALL("9", "echo", "{}"));
    client_send(&f, &c, text);
    run_until(&f, &c.count, 2);
    const char *answer = client_last(&c);
    cr_assert_leq(strlen(answer), GN_REPLY_MAX);
    /* Any of them may be the last to end. */
    cr_assert_eq(count_of(answer, "\"jsonrpc\""), 9);
    cr_assert_eq(count_of(answer, "\"result\""), 7);
    cr_assert_eq(count_of(answer, "\"code\":-32603"), 2);
    assert_has(answer, "\"id\":9,\"result\"");
    cr_assert_eq(answer[strlen(answer) - 1], ']');
    close_all(&c);
    gn_free(big_text);
}
