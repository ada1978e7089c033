/* Unit tests of the protocol floor, through fake clients. */
#include "fixture.h"

GN_SUITE(protocol);

static struct fixture f;

#define assert_has(text, part) cr_assert(strstr(text, part), "%s\nlacks %s", text, part)
#define assert_lacks(text, part) cr_assert(!strstr(text, part), "%s\nhas %s", text, part)

#define CALL(id, name, args)                                                                       \
    "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"tools/call\",\"params\":{\"name\":\"" name   \
    "\",\"arguments\":" args "}}"

Test(protocol, initialize_answers_with_the_revision_asked_for_or_the_latest_of_its_era)
{
    static const char *const pairs[][2] = {
        {"2024-11-05", "2024-11-05"}, {"2025-03-26", "2025-03-26"}, {"2025-06-18", "2025-06-18"},
        {"2025-11-25", "2025-11-25"}, {"2026-07-28", "2025-11-25"}, {"1999-01-01", "2025-11-25"},
    };
    fixture_open(&f);
    for (size_t i = 0; i < GN_COUNT(pairs); i++) {
        struct client c;
        client_open(&c, true);
        client_initialize(&f, &c, pairs[i][0]);
        GN_AUTO_FREE char *want = gn_format("\"protocolVersion\":\"%s\"", pairs[i][1]);
        assert_has(client_last(&c), want);
        gn_protocol_closed(f.p, &c.stream);
        client_free(&c);
    }
    fixture_close(&f);
}

Test(protocol, a_request_before_initialize_is_refused_on_both_transports)
{
    fixture_open(&f);
    struct client stdio, http;
    client_open(&stdio, true);
    assert_has(client_send(&f, &stdio, CALL(1, "echo", "{}")), "\"code\":-32600");
    client_open(&http, false);
    assert_has(client_send(&f, &http, CALL(1, "echo", "{}")), "\"code\":-32600");
    cr_assert_eq(http.status, 400);
    gn_protocol_closed(f.p, &stdio.stream);
    client_free(&stdio);
    client_free(&http);
    fixture_close(&f);
}

Test(protocol, an_unknown_session_is_404_and_a_deleted_one_becomes_unknown)
{
    fixture_open(&f);
    struct client a, b, c, d;
    client_open(&a, false);
    client_initialize(&f, &a, "2025-06-18");
    cr_assert_eq(a.status, 200);
    cr_assert_eq(strlen(a.session_id), 43);
    client_open(&b, false);
    client_header(&b, "mcp-session-id", a.session_id);
    assert_has(client_send(&f, &b, CALL(1, "echo", "{}")), "\"text\":\"echo\"");
    client_open(&c, false);
    client_header(&c, "mcp-session-id", a.session_id);
    gn_protocol_delete(f.p, &c.stream);
    cr_assert_eq(c.status, 200);
    client_open(&d, false);
    client_header(&d, "mcp-session-id", a.session_id);
    client_send(&f, &d, CALL(1, "echo", "{}"));
    cr_assert_eq(d.status, 404);
    client_free(&a);
    client_free(&b);
    client_free(&c);
    client_free(&d);
    fixture_close(&f);
}

Test(protocol, a_session_is_unknown_to_another_principal)
{
    fixture_open(&f);
    struct client a, b;
    client_open(&a, false);
    a.stream.principal = "ada";
    client_initialize(&f, &a, "2025-06-18");
    client_open(&b, false);
    b.stream.principal = "bob";
    client_header(&b, "mcp-session-id", a.session_id);
    client_send(&f, &b, CALL(1, "echo", "{}"));
    cr_assert_eq(b.status, 404);
    client_free(&a);
    client_free(&b);
    fixture_close(&f);
}

Test(protocol, too_many_sessions_end_the_least_recently_used_that_is_idle)
{
    fixture_open(&f);
    f.config->max_sessions = 2;
    struct client a, b, c, d, get;
    client_open(&a, false);
    client_initialize(&f, &a, "2025-06-18");
    client_open(&get, false);
    client_header(&get, "mcp-session-id", a.session_id);
    gn_protocol_get(f.p, &get.stream); /* the oldest one, but somebody listens */
    client_open(&b, false);
    client_initialize(&f, &b, "2025-06-18");
    client_open(&c, false);
    client_initialize(&f, &c, "2025-06-18");
    cr_assert_eq(c.status, 200);
    client_open(&d, false);
    client_header(&d, "mcp-session-id", b.session_id);
    client_send(&f, &d, CALL(1, "echo", "{}"));
    cr_assert_eq(d.status, 404, "the idle one should have gone");
    gn_protocol_closed(f.p, &get.stream);
    client_free(&a);
    client_free(&b);
    client_free(&c);
    client_free(&d);
    client_free(&get);
    fixture_close(&f);
}

Test(protocol, stateless_requests_are_checked_in_order)
{
    static const struct {
        const char *version, *method, *name; /* headers */
        const char *body_method, *params;
        int status;
        const char *part;
    } rows[] = {
        {"2026-07-28", "tools/call", "echo", "tools/call", "\"name\":\"echo\"", 400,
         "-32602,\"message\":\"the request must carry params._meta, an object\""},
        {"2026-07-28", "tools/list", NULL, "tools/list",
         "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}", 400,
         "must carry io.modelcontextprotocol/clientCapabilities in _meta, an object"},
        {"2026-07-28", "tools/list", "echo", "tools/call", "\"name\":\"echo\"," STATELESS_META, 400,
         "-32020"},
        {"2026-07-28", "tools/call", NULL, "tools/call", "\"name\":\"echo\"," STATELESS_META, 400,
         "-32020"},
        {"2026-07-28", "tools/call", "other", "tools/call", "\"name\":\"echo\"," STATELESS_META,
         400, "-32020"},
        {"2025-11-25", "tools/call", "echo", "tools/call", "\"name\":\"echo\"," STATELESS_META, 400,
         "-32020"},
        {NULL, "tools/call", "echo", "tools/call", "\"name\":\"echo\"," STATELESS_META, 400,
         "-32020"},
        {"1900-01-01", "tools/call", "echo", "tools/call",
         "\"name\":\"echo\",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"1900-01-01\","
         "\"io.modelcontextprotocol/clientCapabilities\":{}}",
         400, "\"supported\":[\"2026-07-28\""},
        {"2026-07-28", "ping", NULL, "ping", STATELESS_META, 404, "-32601"},
        {"2026-07-28", "initialize", NULL, "initialize", STATELESS_META, 404, "-32601"},
        {"2026-07-28", "tools/call", "=?base64?ZWNobw==?=", "tools/call",
         "\"name\":\"echo\"," STATELESS_META, 200, "\"resultType\":\"complete\""},
        {"2026-07-28", "tools/call", "none", "tools/call", "\"name\":\"none\"," STATELESS_META, 200,
         "-32602"},
    };
    fixture_open(&f);
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct client c;
        client_open(&c, false);
        if (rows[i].version)
            client_header(&c, "mcp-protocol-version", rows[i].version);
        client_header(&c, "mcp-method", rows[i].method);
        if (rows[i].name)
            client_header(&c, "mcp-name", rows[i].name);
        GN_AUTO_FREE char *text = gn_format(
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s}}", rows[i].body_method,
            rows[i].params);
        client_send(&f, &c, text);
        cr_expect_eq(c.status, rows[i].status, "row %zu: %s", i, client_last(&c));
        cr_expect(strstr(client_last(&c), rows[i].part), "row %zu: %s", i, client_last(&c));
        client_free(&c);
    }
    fixture_close(&f);
}

Test(protocol, failures_are_told_apart)
{
    fixture_open(&f);
    struct client c;
    client_open(&c, true);
    client_initialize(&f, &c, "2025-06-18");
    const char *last = client_send(&f, &c, CALL(1, "fail", "{}"));
    assert_has(last, "on purpose: 7");
    assert_has(last, "\"isError\":true");
    last = client_send(&f, &c, CALL(2, "accident", "{}"));
    assert_has(last, "correlation id");
    assert_has(last, "\"isError\":true");
    last = client_send(&f, &c, CALL(3, "ech", "{}"));
    assert_has(last, "-32602");
    assert_has(last, "did you mean echo?");
    last = client_send(&f, &c, CALL(4, "echo", "[]"));
    assert_has(last, "-32602");
    last = client_send(&f, &c, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"nothing\"}");
    assert_has(last, "-32601");
    last = client_send(
        &f, &c,
        "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"resources/read\",\"params\":{\"uri\":\"test://a/t\"}}");
    assert_has(last, "-32002");
    last = client_send(
        &f, &c,
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"resources/read\",\"params\":{\"uri\":\"x://y\"}}");
    assert_has(last, "-32002");
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    struct client s;
    post_stateless(&f, &s, "resources/read", "x://y", "\"uri\":\"x://y\"");
    assert_has(client_last(&s), "-32602");
    assert_has(client_last(&s), "\"data\":{\"uri\":\"x://y\"}");
    client_free(&s);
    fixture_close(&f);
}

Test(protocol, a_cancelled_request_is_never_answered)
{
    fixture_open(&f);
    struct client c;
    client_open(&c, true);
    client_initialize(&f, &c, "2025-06-18");
    client_send(&f, &c, CALL(1, "sleep", "{\"ms\":100000}"));
    client_send(&f, &c, CALL(2, "block", "{\"ms\":100000}"));
    run_until_int(&f, &f.started, 2);
    size_t before = c.count;
    client_send(
        &f, &c,
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
    client_send(
        &f, &c,
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2}}");
    client_send(
        &f, &c,
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":3}}");
    run_until_int(&f, &f.ended, 2);
    run_some(&f);
    cr_assert_eq(c.count, before);
    cr_assert_eq(gn_protocol_in_flight(f.p), 0);
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol, losing_the_connection_cancels_in_the_stateless_era_only)
{
    fixture_open(&f);
    struct client s, init, h;
    post_stateless(&f, &s, "tools/call", "sleep",
                   "\"name\":\"sleep\",\"arguments\":{\"ms\":100000}");
    gn_protocol_closed(f.p, &s.stream);
    run_until_int(&f, &f.ended, 1);
    client_open(&init, false);
    client_initialize(&f, &init, "2025-11-25");
    client_open(&h, false);
    client_header(&h, "mcp-session-id", init.session_id);
    client_send(&f, &h, CALL(1, "sleep", "{\"ms\":50}"));
    gn_protocol_closed(f.p, &h.stream);
    cr_assert_eq(gn_protocol_in_flight(f.p), 1, "it goes on");
    run_until_int(&f, &f.ended, 2);
    run_some(&f);
    cr_assert_eq(gn_protocol_in_flight(f.p), 0);
    cr_assert_eq(h.count, 0);
    client_free(&s);
    client_free(&init);
    client_free(&h);
    fixture_close(&f);
}

Test(protocol, the_deadline_answers_while_the_handler_is_cancelled)
{
    fixture_open(&f);
    f.env.timeout_ms = 20;
    struct client c;
    client_open(&c, true);
    client_initialize(&f, &c, "2025-06-18");
    client_send(&f, &c, CALL(1, "sleep", "{\"ms\":100000}"));
    run_until(&f, &c.count, 2);
    assert_has(client_last(&c), "did not finish in time (correlation id ");
    run_until_int(&f, &f.ended, 1);
    run_some(&f);
    cr_assert_eq(c.count, 2);
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol, calls_beyond_the_limit_wait_and_beyond_the_queue_are_refused)
{
    fixture_open(&f);
    f.config->max_calls = 1;
    f.config->max_queued_calls = 1;
    struct client c;
    client_open(&c, true);
    client_initialize(&f, &c, "2025-06-18");
    client_send(&f, &c, CALL(1, "sleep", "{\"ms\":30}"));
    client_send(&f, &c, CALL(2, "sleep", "{\"ms\":30}"));
    cr_assert_eq(f.started, 1);
    assert_has(client_send(&f, &c, CALL(3, "sleep", "{\"ms\":30}")), "busy");
    run_until(&f, &c.count, 4);
    assert_has(c.sent[2], "\"id\":1");
    assert_has(c.sent[3], "\"id\":2");
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol, a_queued_call_can_be_cancelled)
{
    fixture_open(&f);
    f.config->max_calls = 1;
    f.config->max_queued_calls = 10;
    struct client c;
    client_open(&c, true);
    client_initialize(&f, &c, "2025-06-18");
    client_send(&f, &c, CALL(1, "sleep", "{\"ms\":30}"));
    client_send(&f, &c, CALL(2, "sleep", "{\"ms\":30}"));
    client_send(&f, &c, CALL(3, "echo", "{}"));
    client_send(
        &f, &c,
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2}}");
    run_until(&f, &c.count, 3);
    assert_has(c.sent[1], "\"id\":1");
    assert_has(c.sent[2], "\"id\":3");
    cr_assert_eq(f.started, 1);
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol, ids_in_flight_may_not_be_used_again)
{
    fixture_open(&f);
    struct client c;
    client_open(&c, true);
    client_initialize(&f, &c, "2025-06-18");
    client_send(&f, &c, CALL(1, "sleep", "{\"ms\":20}"));
    assert_has(client_send(&f, &c, CALL(1, "echo", "{}")), "still in flight");
    run_until(&f, &c.count, 3);
    assert_has(client_last(&c), "slept");
    assert_has(client_send(&f, &c, CALL(1, "echo", "{}")), "\"text\":\"echo\"");
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol, progress_is_sent_only_if_asked_for)
{
    fixture_open(&f);
    struct client c;
    client_open(&c, true);
    client_initialize(&f, &c, "2025-03-26");
    client_send(&f, &c, CALL(1, "progress", "{}"));
    cr_assert_eq(c.count, 2);
    client_send(
        &f, &c,
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"progress\","
        "\"_meta\":{\"progressToken\":\"t\"}}}");
    cr_assert_eq(c.count, 5);
    assert_has(c.sent[2], "\"progressToken\":\"t\"");
    assert_has(c.sent[2], "\"message\":\"half\"");
    assert_has(c.sent[3], "\"progress\":2");
    assert_has(c.sent[4], "progressed");
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol, list_changes_reach_connections_listeners_and_subscriptions_once)
{
    fixture_open(&f);
    struct client stdio, init, get, listen;
    client_open(&stdio, true);
    client_initialize(&f, &stdio, "2025-06-18");
    client_open(&init, false);
    client_initialize(&f, &init, "2025-06-18");
    post_stateless(
        &f, &listen, "subscriptions/listen", NULL,
        "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"a://b\"]}");
    cr_assert_eq(listen.count, 1);
    assert_has(listen.sent[0], "notifications/subscriptions/acknowledged");
    assert_has(listen.sent[0], "\"io.modelcontextprotocol/subscriptionId\":1");
    assert_has(listen.sent[0], "\"toolsListChanged\":true");
    assert_lacks(listen.sent[0], "resourceSubscriptions");
    fixture_change(&f, GN_TOOL, "second");
    fixture_change(&f, GN_TOOL, "third");
    fixture_change(&f, GN_TEMPLATE, "other://{x}");
    run_until(&f, &stdio.count, 3);
    run_until(&f, &listen.count, 2);
    run_some(&f);
    cr_assert_eq(stdio.count, 3);
    assert_has(stdio.sent[1], "notifications/tools/list_changed");
    assert_has(stdio.sent[2], "notifications/resources/list_changed");
    cr_assert_eq(listen.count, 2);
    assert_has(listen.sent[1], "subscriptionId\":1");
    /* Who was not listening hears of it when it does. */
    client_open(&get, false);
    client_header(&get, "mcp-session-id", init.session_id);
    gn_protocol_get(f.p, &get.stream);
    cr_assert(get.opened);
    cr_assert_eq(get.count, 2);
    gn_protocol_closed(f.p, &get.stream);
    gn_protocol_closed(f.p, &stdio.stream);
    gn_protocol_closed(f.p, &listen.stream);
    client_free(&stdio);
    client_free(&init);
    client_free(&get);
    client_free(&listen);
    fixture_close(&f);
}

Test(protocol, a_client_that_takes_no_stream_cannot_listen)
{
    fixture_open(&f);
    struct client c;
    client_open(&c, false);
    c.refuses_stream = true;
    client_header(&c, "mcp-protocol-version", "2026-07-28");
    client_header(&c, "mcp-method", "subscriptions/listen");
    client_send(
        &f, &c,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{\"notifications\":{}," STATELESS_META
        "}}");
    cr_assert_eq(c.status, 406);
    client_free(&c);
    fixture_close(&f);
}

static void note_drained(void *arg)
{
    *(bool *)arg = true;
    ((struct fixture *)((char *)arg - offsetof(struct fixture, drained)))->ended += 100;
}

Test(protocol, draining_answers_what_runs_and_ends_subscriptions)
{
    fixture_open(&f);
    struct client c, listen;
    client_open(&c, true);
    client_initialize(&f, &c, "2025-06-18");
    post_stateless(&f, &listen, "subscriptions/listen", NULL,
                   "\"notifications\":{\"toolsListChanged\":true}");
    client_send(&f, &c, CALL(1, "sleep", "{\"ms\":20}"));
    client_send(&f, &c, CALL(2, "sleep", "{\"ms\":1000000}"));
    gn_protocol_drain(f.p, 60, note_drained, &f.drained);
    cr_assert_eq(listen.status, 200);
    assert_has(client_last(&listen), "\"resultType\":\"complete\"");
    assert_has(client_send(&f, &c, CALL(3, "echo", "{}")), "shutting down");
    run_until_int(&f, &f.ended, 102);
    cr_assert(f.drained);
    assert_has(c.sent[2], "slept");
    assert_has(c.sent[3], "\"id\":2");
    assert_has(c.sent[3], "cancelled");
    gn_protocol_closed(f.p, &c.stream);
    client_free(&c);
    client_free(&listen);
    fixture_close(&f);
}

Test(protocol, what_is_no_message_is_refused)
{
    static const struct {
        const char *text;
        const char *code;
    } rows[] = {
        {"", "-32700"},
        {"{", "-32700"},
        {"nul", "-32700"},
        {"[]", "-32600"},
        {"7", "-32600"},
        {"{}", "-32600"},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", "-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", "-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", "-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", "-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[]}", "-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\\u0000ng\"}", "-32600"},
        {"\"\xff\"", "-32700"},
    };
    fixture_open(&f);
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct client c;
        client_open(&c, false);
        client_send(&f, &c, rows[i].text);
        cr_expect_eq(c.status, 400);
        cr_expect(strstr(client_last(&c), rows[i].code), "row %zu: %s", i, client_last(&c));
        client_free(&c);
    }
    fixture_close(&f);
}
