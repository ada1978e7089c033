/* Unit tests of what the specification asks for at its edges: ids, sessions, streams, ends, limits.
 */
#include "fixture.h"
#include "protocol/internal.h"

GN_SUITE(protocol_rules);

static struct fixture f;

#define assert_has(text, part) cr_assert(strstr(text, part), "%s\nlacks %s", text, part)
#define assert_lacks(text, part) cr_assert(!strstr(text, part), "%s\nhas %s", text, part)

#define REQUEST(id, method, params)                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}"
#define CALL(id, name, args) REQUEST(id, "tools/call", "\"name\":\"" name "\",\"arguments\":" args)
#define CANCEL(id)                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id "}}"

/* A client on a connection that has been initialised. */
static void open_connection(struct client *c, const char *revision)
{
    client_open(c, true);
    client_initialize(&f, c, revision);
}

static void close_client(struct client *c)
{
    gn_protocol_closed(f.p, &c->stream);
    client_free(c);
}

/* A new session over HTTP; its id is left in init. */
static void open_session(struct client *init)
{
    client_open(init, false);
    client_initialize(&f, init, "2025-11-25");
    cr_assert_eq(init->status, 200);
}

/* An exchange of that session, not sent yet. */
static void open_exchange(struct client *c, const struct client *init)
{
    client_open(c, false);
    client_header(c, "mcp-session-id", init->session_id);
}

static void assert_idle(void)
{
    cr_assert_eq(f.p->in_flight, 0);
    cr_assert_eq(f.p->active, 0);
    cr_assert_eq(f.p->queued, 0);
    cr_assert_eq(f.p->subscriptions, 0);
}

/* ---------------------------------------------------------------- the end */

static int drains;

static void count_drain(void *arg)
{
    (void)arg;
    drains++;
}

Test(protocol_rules, a_drain_is_reported_once_whatever_comes_after)
{
    fixture_open(&f);
    struct client listen, late;
    drains = 0;
    post_stateless(&f, &listen, "subscriptions/listen", NULL,
                   "\"notifications\":{\"toolsListChanged\":true}");
    gn_protocol_drain(f.p, 1000, count_drain, NULL);
    cr_assert_eq(listen.status, 200);
    run_until_int(&f, &drains, 1);
    post_stateless(&f, &late, "tools/list", NULL, "");
    cr_assert_eq(late.status, 503);
    run_some(&f);
    cr_assert_eq(drains, 1);
    client_free(&listen);
    client_free(&late);
    fixture_close(&f);
}

Test(protocol_rules, it_may_be_freed_while_it_has_posted_to_the_loop)
{
    fixture_open(&f);
    f.config->max_calls = 1;
    struct client c, d;
    open_connection(&c, "2025-11-25");
    open_connection(&d, "2025-11-25");
    client_send(&f, &c, CALL("1", "sleep", "{\"ms\":100000}"));
    client_send(&f, &d, CALL("1", "sleep", "{\"ms\":100000}"));
    cr_assert_eq(f.p->queued, 1);
    gn_protocol_closed(f.p, &c.stream); /* the next one's turn has been posted */
    gn_protocol_closed(f.p, &d.stream);
    assert_idle();
    client_free(&c);
    client_free(&d);
    gn_protocol_free(f.p);
    f.p = NULL;
    run_until_int(&f, &f.ended, 1);
    run_some(&f);
    fixture_close(&f);
}

Test(protocol_rules, a_drain_answers_what_waits_and_cancels_what_runs)
{
    fixture_open(&f);
    f.config->max_calls = 1;
    struct client c;
    drains = 0;
    open_connection(&c, "2025-11-25");
    client_send(&f, &c, CALL("1", "sleep", "{\"ms\":100000}"));
    client_send(&f, &c, CALL("2", "echo", "{}"));
    client_send(&f, &c, CALL("3", "echo", "{}"));
    gn_protocol_drain(f.p, 10, count_drain, NULL);
    run_until_int(&f, &drains, 1);
    cr_assert_eq(c.count, 4);
    assert_has(c.sent[1], "\"id\":2");
    assert_has(c.sent[2], "\"id\":3");
    assert_has(c.sent[3], "\"id\":1");
    assert_idle();
    close_client(&c);
    run_until_int(&f, &f.ended, 1);
    run_some(&f);
    fixture_close(&f);
}

Test(protocol_rules, a_connection_hears_that_its_subscription_is_cancelled_then_the_result)
{
    fixture_open(&f);
    struct client c;
    client_open(&c, true);
    client_send(&f, &c,
                REQUEST("\"s\"", "subscriptions/listen",
                        "\"notifications\":{\"toolsListChanged\":true}," STATELESS_META));
    cr_assert_eq(c.count, 1);
    gn_protocol_drain(f.p, 10, count_drain, NULL);
    cr_assert_eq(c.count, 3);
    assert_has(c.sent[1], "notifications/cancelled");
    assert_has(c.sent[1], "\"requestId\":\"s\"");
    assert_has(c.sent[2], "\"id\":\"s\",\"result\"");
    assert_has(c.sent[2], "subscriptionId\":\"s\"");
    run_some(&f);
    close_client(&c);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- ids */

Test(protocol_rules, ids_of_every_kind_come_back)
{
    static const char *const ids[] = {
        "0",
        "-1",
        "\"\"",
        "\"1\"",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551616",
        "\"\\u0000\"",
        "\"\\u00e9\\\"\"",
    };
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    for (size_t i = 0; i < GN_COUNT(ids); i++) {
        GN_AUTO_FREE char *ping = gn_format("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}",
                                            ids[i]);
        const char *answer = client_send(&f, &c, ping);
        GN_AUTO_FREE char *raw = gn_format("\"id\":%s,\"result\":{}", ids[i]);
        cr_expect(strstr(answer, raw) || strstr(answer, "\"id\":\"\xc3\xa9\\\"\",\"result\":{}"),
                  "%s", answer);
    }
    assert_idle();
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, an_id_too_long_to_keep_is_refused)
{
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    char id[2000];
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    GN_AUTO_FREE char *ping = gn_format("{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"ping\"}",
                                        id);
    assert_has(client_send(&f, &c, ping), "the id is too long");
    assert_idle();
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, a_whole_number_is_one_id_however_it_is_written)
{
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    client_send(&f, &c, CALL("5.0", "sleep", "{\"ms\":100000}"));
    assert_has(client_send(&f, &c, CALL("5", "echo", "{}")), "still in flight");
    client_send(&f, &c, CANCEL("5e0"));
    run_until_int(&f, &f.ended, 1);
    assert_idle();
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, ids_in_flight_are_known_in_whatever_order_they_came)
{
    static const char *const ids[] = {"7", "3", "-2", "\"3\"", "\"x\"", "9007199254740993", "8"};
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    for (size_t i = 0; i < GN_COUNT(ids); i++) {
        GN_AUTO_FREE char *call = gn_format(CALL("%s", "sleep", "{\"ms\":100000}"), ids[i]);
        client_send(&f, &c, call);
    }
    run_until_int(&f, &f.started, (int)GN_COUNT(ids));
    for (size_t i = 0; i < GN_COUNT(ids); i++) {
        GN_AUTO_FREE char *again = gn_format(CALL("%s", "echo", "{}"), ids[i]);
        assert_has(client_send(&f, &c, again), "still in flight");
        GN_AUTO_FREE char *cancel = gn_format(CANCEL("%s"), ids[i]);
        client_send(&f, &c, cancel);
    }
    run_until_int(&f, &f.ended, (int)GN_COUNT(ids));
    assert_has(client_send(&f, &c, CALL("3", "echo", "{}")), "\"text\":\"echo\"");
    assert_idle();
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, a_broken_response_is_not_refused_under_an_id_of_the_client)
{
    static const char *const rows[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}",
        "{\"id\":1,\"result\":{}}",
    };
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        const char *answer = client_send(&f, &c, rows[i]);
        assert_has(answer, "-32600");
        assert_lacks(answer, "\"id\"");
    }
    assert_has(client_send(&f, &c, "{\"jsonrpc\":\"2.0\",\"id\":1}"), "\"id\":1");
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, what_a_client_names_is_not_repeated_without_bound)
{
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    char name[5000];
    memset(name, 'm', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    GN_AUTO_FREE char *method = gn_format("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}", name);
    cr_assert_lt(strlen(client_send(&f, &c, method)), 1000);
    GN_AUTO_FREE char *tool = gn_format(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\"}}",
        name);
    cr_assert_lt(strlen(client_send(&f, &c, tool)), 1000);
    close_client(&c);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- handshake */

Test(protocol_rules, a_ping_may_come_before_initialize)
{
    fixture_open(&f);
    struct client c;
    client_open(&c, true);
    assert_has(client_send(&f, &c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"),
               "\"result\":{}");
    assert_has(client_send(&f, &c, REQUEST("2", "tools/list", "")), "-32600");
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, a_request_of_the_stateless_era_without_revision_is_told_what_it_lacks)
{
    static const char *const rows[] = {
        REQUEST("1", "server/discover", ""),
        REQUEST("1", "tools/list", "\"_meta\":{\"io.modelcontextprotocol/clientCapabilities\":{}}"),
        REQUEST("1", "tools/list",
                "\"_meta\":{\"io.modelcontextprotocol/clientInfo\":{\"name\":\"x\"}}"),
    };
    fixture_open(&f);
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct client c, http;
        client_open(&c, true);
        assert_has(client_send(&f, &c, rows[i]), "-32602");
        client_open(&http, false);
        assert_has(client_send(&f, &http, rows[i]), "-32602");
        cr_assert_eq(http.status, 400);
        close_client(&c);
        client_free(&http);
    }
    fixture_close(&f);
}

Test(protocol_rules, starting_over_on_a_connection_ends_what_ran)
{
    fixture_open(&f);
    f.config->max_calls = 1;
    struct client c;
    open_connection(&c, "2024-11-05");
    client_send(&f, &c, CALL("1", "sleep", "{\"ms\":100000}"));
    client_send(&f, &c, CALL("2", "echo", "{}"));
    client_initialize(&f, &c, "2025-06-18");
    cr_assert_eq(c.count, 4);
    assert_has(c.sent[1], "\"id\":1,\"error\"");
    assert_has(c.sent[2], "\"id\":2,\"error\"");
    assert_has(c.sent[3], "2025-06-18");
    run_until_int(&f, &f.ended, 1);
    assert_idle();
    assert_has(client_send(&f, &c, CALL("1", "echo", "{}")), "\"text\":\"echo\"");
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, a_session_keeps_little_of_what_a_client_calls_itself)
{
    fixture_open(&f);
    struct client c;
    char name[4000];
    for (size_t i = 0; i + 2 < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xa9", 3);
    client_open(&c, true);
    GN_AUTO_FREE char *text = gn_format(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
        "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"
        "\"clientInfo\":{\"name\":\"a%s\",\"version\":\"%s\"}}}",
        name, name);
    client_send(&f, &c, text);
    const struct gn_session *s = c.stream.session;
    cr_assert_not_null(s);
    cr_assert_leq(strlen(s->client_name), 256);
    cr_assert(gn_utf8_valid(s->client_name, strlen(s->client_name)));
    cr_assert_leq(strlen(s->client_version), 256);
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, progress_has_a_string_or_an_integer_for_a_token)
{
    static const struct {
        const char *token;
        size_t messages;
    } rows[] = {
        {"0", 3},   {"\"\"", 3}, {"-7", 3}, {"18446744073709551616", 3},
        {"1.5", 1}, {"null", 1}, {"{}", 1},
    };
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        size_t before = c.count;
        GN_AUTO_FREE char *text = gn_format(
            REQUEST("1", "tools/call", "\"name\":\"progress\",\"_meta\":{\"progressToken\":%s}"),
            rows[i].token);
        client_send(&f, &c, text);
        cr_expect_eq(c.count - before, rows[i].messages, "row %zu", i);
    }
    close_client(&c);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- sessions over HTTP */

Test(protocol_rules, deleting_a_session_answers_its_requests_in_flight)
{
    fixture_open(&f);
    f.config->max_calls = 1;
    struct client init, running, waiting, get, deleted;
    open_session(&init);
    open_exchange(&running, &init);
    client_send(&f, &running, CALL("1", "sleep", "{\"ms\":100000}"));
    open_exchange(&waiting, &init);
    client_send(&f, &waiting, CALL("2", "sleep", "{\"ms\":100000}"));
    open_exchange(&get, &init);
    gn_protocol_get(f.p, &get.stream);
    open_exchange(&deleted, &init);
    gn_protocol_delete(f.p, &deleted.stream);
    cr_assert_eq(deleted.status, 200);
    cr_assert_eq(running.status, 404);
    assert_has(client_last(&running), "\"id\":1,\"error\"");
    cr_assert_eq(waiting.status, 404);
    assert_has(client_last(&waiting), "\"id\":2,\"error\"");
    cr_assert_eq(get.status, 200);
    cr_assert_eq(f.p->session_count, 0);
    run_until_int(&f, &f.ended, 1);
    run_some(&f);
    cr_assert_eq(f.started, 1);
    assert_idle();
    client_free(&init);
    client_free(&running);
    client_free(&waiting);
    client_free(&get);
    client_free(&deleted);
    fixture_close(&f);
}

Test(protocol_rules, a_cancelled_exchange_ends_as_an_empty_stream_of_events)
{
    fixture_open(&f);
    struct client init, call, cancel, plain;
    open_session(&init);
    open_exchange(&call, &init);
    client_send(&f, &call, CALL("1", "sleep", "{\"ms\":100000}"));
    open_exchange(&cancel, &init);
    client_send(&f, &cancel, CANCEL("1"));
    cr_assert_eq(cancel.status, 202);
    cr_assert(call.opened);
    cr_assert_eq(call.status, 200);
    cr_assert_eq(call.count, 0);
    run_until_int(&f, &f.ended, 1);
    assert_idle();
    /* The stateless era has no such notification over HTTP. */
    post_stateless(&f, &plain, "tools/call", "sleep",
                   "\"name\":\"sleep\",\"arguments\":{\"ms\":20}");
    client_free(&cancel);
    client_open(&cancel, false);
    client_header(&cancel, "mcp-protocol-version", "2026-07-28");
    client_send(&f, &cancel, CANCEL("1"));
    cr_assert_eq(cancel.status, 202);
    run_until(&f, &plain.count, 1);
    assert_has(client_last(&plain), "slept");
    client_free(&init);
    client_free(&call);
    client_free(&cancel);
    client_free(&plain);
    fixture_close(&f);
}

Test(protocol_rules, responses_of_clients_belong_to_a_session)
{
    static const char response[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}";
    fixture_open(&f);
    struct client init, a, b, c;
    open_session(&init);
    open_exchange(&a, &init);
    client_send(&f, &a, response);
    cr_assert_eq(a.status, 202);
    client_open(&b, false);
    client_header(&b, "mcp-session-id", "nobody");
    client_send(&f, &b, response);
    cr_assert_eq(b.status, 404);
    client_open(&c, false);
    client_header(&c, "mcp-protocol-version", "2026-07-28");
    client_send(&f, &c, response);
    cr_assert_eq(c.status, 400);
    client_free(&init);
    client_free(&a);
    client_free(&b);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol_rules, get_and_delete_are_of_the_handshake_era)
{
    static const struct {
        const char *version;
        bool has_session;
        int status;
    } rows[] = {
        {"2026-07-28", true, 405},  {"2026-07-28", false, 405}, {"1999-01-01", true, 400},
        {"2025-11-25", false, 400}, {NULL, false, 400},
    };
    fixture_open(&f);
    struct client init;
    open_session(&init);
    for (size_t i = 0; i < 2 * GN_COUNT(rows); i++) {
        struct client c;
        client_open(&c, false);
        if (rows[i / 2].version)
            client_header(&c, "mcp-protocol-version", rows[i / 2].version);
        if (rows[i / 2].has_session)
            client_header(&c, "mcp-session-id", init.session_id);
        (i % 2 ? gn_protocol_get : gn_protocol_delete)(f.p, &c.stream);
        cr_expect_eq(c.status, rows[i / 2].status, "row %zu: %d", i / 2, c.status);
        if (c.status == 405)
            cr_expect_str_eq(c.last_header, "allow: POST");
        client_free(&c);
    }
    cr_assert_eq(f.p->session_count, 1);
    client_free(&init);
    fixture_close(&f);
}

Test(protocol_rules, of_several_listeners_the_newest_is_told)
{
    fixture_open(&f);
    struct client init, first, second;
    open_session(&init);
    open_exchange(&first, &init);
    gn_protocol_get(f.p, &first.stream);
    open_exchange(&second, &init);
    gn_protocol_get(f.p, &second.stream);
    cr_assert_eq(first.status, 0);
    fixture_change(&f, GN_TOOL, "second");
    run_until(&f, &second.count, 1);
    cr_assert_eq(first.count, 0);
    gn_protocol_closed(f.p, &second.stream);
    fixture_change(&f, GN_TOOL, "third");
    run_until(&f, &first.count, 1);
    cr_assert_eq(second.count, 1);
    gn_protocol_closed(f.p, &first.stream);
    client_free(&init);
    client_free(&first);
    client_free(&second);
    fixture_close(&f);
}

Test(protocol_rules, what_a_broken_listener_did_not_take_is_told_to_the_next)
{
    fixture_open(&f);
    struct client init, broken, next;
    open_session(&init);
    open_exchange(&broken, &init);
    gn_protocol_get(f.p, &broken.stream);
    broken.refuses_stream = true;
    struct gn_session *s = broken.stream.session;
    s->pending = GN_LIST_TOOLS;
    gn_session_flush(s);
    gn_protocol_closed(f.p, &broken.stream);
    open_exchange(&next, &init);
    gn_protocol_get(f.p, &next.stream);
    cr_assert_eq(next.count, 1);
    assert_has(next.sent[0], "tools/list_changed");
    gn_protocol_closed(f.p, &next.stream);
    client_free(&init);
    client_free(&broken);
    client_free(&next);
    fixture_close(&f);
}

Test(protocol_rules, a_session_idles_from_the_end_of_its_last_use)
{
    fixture_open(&f);
    struct client init, get, call;
    open_session(&init);
    open_exchange(&get, &init);
    gn_protocol_get(f.p, &get.stream);
    struct gn_session *s = get.stream.session;
    s->last_used_ms = 0;
    gn_protocol_closed(f.p, &get.stream);
    gn_session_sweep(&f.p->sweep);
    cr_assert_eq(f.p->session_count, 1);
    open_exchange(&call, &init);
    client_send(&f, &call, CALL("1", "sleep", "{\"ms\":1}"));
    s->last_used_ms = 0;
    run_until(&f, &call.count, 1);
    gn_session_sweep(&f.p->sweep);
    cr_assert_eq(f.p->session_count, 1);
    s->last_used_ms = 0;
    gn_session_sweep(&f.p->sweep);
    cr_assert_eq(f.p->session_count, 0);
    client_free(&init);
    client_free(&get);
    client_free(&call);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- lists, hints */

Test(protocol_rules, null_is_no_cursor_and_a_made_up_one_is_refused)
{
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    assert_has(client_send(&f, &c, REQUEST("1", "tools/list", "\"cursor\":null")), "\"tools\":[");
    assert_has(client_send(&f, &c, REQUEST("2", "tools/list", "\"cursor\":\"\"")), "-32602");
    assert_has(client_send(&f, &c, REQUEST("3", "tools/list", "\"cursor\":\"bm8\"")), "-32602");
    assert_has(client_send(&f, &c, REQUEST("4", "tools/list", "\"cursor\":7")), "-32602");
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, lists_are_private_on_every_page_where_callers_are_told_apart)
{
    fixture_open(&f);
    f.config->page_size = 2;
    struct client c;
    client_open(&c, true);
    const char *first = client_send(&f, &c, REQUEST("1", "tools/list", STATELESS_META));
    assert_has(first, "\"cacheScope\":\"public\"");
    c.stream.principal = "ada";
    first = client_send(&f, &c, REQUEST("1", "tools/list", STATELESS_META));
    assert_has(first, "\"cacheScope\":\"private\"");
    char cursor[512];
    cr_assert_eq(sscanf(strstr(first, "nextCursor"), "nextCursor\":\"%500[^\"]", cursor), 1);
    GN_AUTO_FREE char *more = gn_format(
        REQUEST("2", "tools/list", "\"cursor\":\"%s\"," STATELESS_META), cursor);
    assert_has(client_send(&f, &c, more), "\"cacheScope\":\"private\"");
    assert_has(client_send(&f, &c, REQUEST("3", "server/discover", STATELESS_META)),
               "\"cacheScope\":\"private\"");
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, completion_takes_a_template_and_what_it_matches)
{
    static const char *const uris[] = {"test://{x}/t", "test://a/t", "test://one"};
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    for (size_t i = 0; i < GN_COUNT(uris); i++) {
        GN_AUTO_FREE char *text = gn_format(
            REQUEST("1", "completion/complete",
                    "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"%s\"},"
                    "\"argument\":{\"name\":\"x\",\"value\":\"\"}"),
            uris[i]);
        assert_has(client_send(&f, &c, text),
                   "\"completion\":{\"values\":[],\"total\":0,\"hasMore\":false}");
    }
    assert_has(client_send(&f, &c,
                           REQUEST("1", "completion/complete",
                                   "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"other://a\"},"
                                   "\"argument\":{\"name\":\"x\",\"value\":\"\"}")),
               "-32602");
    close_client(&c);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- schemas written as JSON */

static int run_text(gantry_call *call, const void *in)
{
    (void)in;
    const gantry_json *v = gn_json_get(call->arguments, "out");
    if (v) {
        struct gn_buf text = GN_BUF_INIT(1000);
        gn_json_write(&text, v);
        call->result.structured = gn_arena_strdup(&call->arena, gn_buf_str(&text));
        call->result.structured_len = text.len;
        gn_buf_release(&text);
    }
    return GANTRY_OK;
}

static void add_tool(const char *name, const char *input, const char *output)
{
    struct gn_error err = {0};
    struct gn_edit *e = gn_edit_begin(f.registry);
    struct gn_component *c = gn_component_new(GN_TOOL);
    c->key = gn_strdup(name);
    c->name = gn_strdup(name);
    c->run = run_text;
    c->owner = &f.owner;
    c->data = &f;
    if (input)
        cr_assert_eq(gn_schema_compile(input, strlen(input), NULL, &c->input_schema, &err), 0, "%s",
                     err.text);
    if (output) {
        cr_assert_eq(gn_schema_compile(output, strlen(output), NULL, &c->output_schema, &err), 0,
                     "%s", err.text);
        c->output_text = gn_strdup(output);
    }
    cr_assert_eq(gn_edit_add(e, c, &err), 0, "%s", err.text);
    gn_component_unref(c);
    gn_edit_commit(e);
}

Test(protocol_rules, headers_of_a_schema_written_as_json_are_checked)
{
    static const struct {
        const char *region, *zone, *arguments;
        int status;
    } rows[] = {
        {"eu", NULL, "{\"region\":\"eu\"}", 200},   {NULL, NULL, "{\"region\":\"eu\"}", 400},
        {"us", NULL, "{\"region\":\"eu\"}", 400},   {NULL, NULL, "{}", 200},
        {NULL, NULL, "{\"region\":null}", 200},     {NULL, "7", "{\"at\":{\"zone\":7.0}}", 200},
        {NULL, NULL, "{\"at\":{\"zone\":7}}", 400},
    };
    fixture_open(&f);
    add_tool(
        "mirror",
        "{\"type\":\"object\",\"properties\":{\"region\":{\"x-mcp-header\":\"Region\"},"
        "\"at\":{\"properties\":{\"zone\":{\"type\":\"integer\",\"x-mcp-header\":\"Zone\"}}}}}",
        NULL);
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct client c;
        client_open(&c, false);
        client_header(&c, "mcp-protocol-version", "2026-07-28");
        client_header(&c, "mcp-method", "tools/call");
        client_header(&c, "mcp-name", "mirror");
        if (rows[i].region)
            client_header(&c, "mcp-param-region", rows[i].region);
        if (rows[i].zone)
            client_header(&c, "mcp-param-zone", rows[i].zone);
        GN_AUTO_FREE char *text = gn_format(
            REQUEST("1", "tools/call", "\"name\":\"mirror\",\"arguments\":%s," STATELESS_META),
            rows[i].arguments);
        client_send(&f, &c, text);
        cr_expect_eq(c.status, rows[i].status, "row %zu: %s", i, client_last(&c));
        client_free(&c);
    }
    fixture_close(&f);
}

Test(protocol_rules, structured_output_fits_its_schema_or_is_an_accident)
{
    fixture_open(&f);
    f.env.output_check = GN_OUTPUT_STRICT;
    add_tool("shaped", NULL, "{\"type\":\"object\",\"required\":[\"n\"]}");
    struct client c;
    open_connection(&c, "2025-11-25");
    const char *good = client_send(&f, &c, CALL("1", "shaped", "{\"out\":{\"n\":1}}"));
    assert_has(good, "\"structuredContent\":{\"n\":1}");
    assert_lacks(good, "isError");
    const char *bad = client_send(&f, &c, CALL("2", "shaped", "{\"out\":{\"m\":1}}"));
    assert_has(bad, "correlation id");
    assert_has(bad, "\"isError\":true");
    assert_lacks(bad, "structuredContent");
    assert_has(client_send(&f, &c, CALL("3", "shaped", "{}")), "\"isError\":true");
    close_client(&c);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- limits, floods */

Test(protocol_rules, subscriptions_are_counted_out_as_well_as_in)
{
    fixture_open(&f);
    f.config->max_subscriptions = 3;
    struct client c[4], stdio;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < GN_COUNT(c); i++) {
            post_stateless(&f, &c[i], "subscriptions/listen", NULL, "\"notifications\":{}");
            cr_assert_eq(c[i].status, i < 3 ? 0 : 503);
        }
        cr_assert_eq(f.p->subscriptions, 3);
        cr_assert_eq(gn_protocol_in_flight(f.p), 0);
        for (size_t i = 0; i < GN_COUNT(c); i++)
            close_client(&c[i]);
        assert_idle();
    }
    client_open(&stdio, true);
    client_send(&f, &stdio,
                REQUEST("1", "subscriptions/listen", "\"notifications\":{}," STATELESS_META));
    client_send(&f, &stdio, CANCEL("1"));
    cr_assert_eq(stdio.count, 1);
    assert_idle();
    close_client(&stdio);
    fixture_close(&f);
}

Test(protocol_rules, queued_calls_survive_that_their_tool_is_taken_away)
{
    fixture_open(&f);
    f.config->max_calls = 1;
    struct client c;
    open_connection(&c, "2025-11-25");
    client_send(&f, &c, CALL("1", "sleep", "{\"ms\":5}"));
    client_send(&f, &c, CALL("2", "echo", "{}"));
    client_send(&f, &c, CALL("3", "echo", "{}"));
    struct gn_edit *e = gn_edit_begin(f.registry);
    gn_edit_remove_owner(e, &f.owner);
    gn_edit_commit(e);
    client_send(&f, &c, CANCEL("3"));
    cr_assert_eq(f.held, 2);
    run_until(&f, &c.count, 3);
    run_some(&f);
    cr_assert_eq(f.held, 0);
    assert_has(c.sent[2], "\"text\":\"echo\"");
    assert_has(client_send(&f, &c, CALL("4", "echo", "{}")), "Unknown tool");
    assert_idle();
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, the_connection_goes_with_calls_running_queued_and_listening)
{
    fixture_open(&f);
    f.config->max_calls = 2;
    struct client c;
    open_connection(&c, "2025-11-25");
    client_send(&f, &c, CALL("1", "sleep", "{\"ms\":100000}"));
    client_send(&f, &c, CALL("2", "block", "{\"ms\":100000}"));
    client_send(&f, &c, CALL("3", "sleep", "{\"ms\":100000}"));
    client_send(&f, &c,
                REQUEST("4", "subscriptions/listen", "\"notifications\":{}," STATELESS_META));
    client_send(&f, &c,
                REQUEST("5", "tools/call",
                        "\"name\":\"sleep\",\"arguments\":{\"ms\":100000}," STATELESS_META));
    run_until_int(&f, &f.started, 2);
    size_t before = c.count;
    gn_protocol_closed(f.p, &c.stream);
    assert_idle();
    run_until_int(&f, &f.ended, 2);
    run_some(&f);
    cr_assert_eq(c.count, before);
    client_free(&c);
    fixture_close(&f);
}

Test(protocol_rules, a_flood_of_sessions_keeps_to_the_limit)
{
    fixture_open(&f);
    f.config->max_sessions = 50;
    struct client init, get;
    open_session(&init);
    open_exchange(&get, &init);
    gn_protocol_get(f.p, &get.stream);
    for (int i = 0; i < 20000; i++) {
        struct client c;
        open_session(&c);
        client_free(&c);
    }
    cr_assert_eq(f.p->session_count, 50);
    cr_assert_not_null(get.stream.session);
    assert_idle();
    gn_protocol_closed(f.p, &get.stream);
    client_free(&init);
    client_free(&get);
    fixture_close(&f);
}

Test(protocol_rules, a_flood_of_cancellations_hits_nothing_else)
{
    fixture_open(&f);
    struct client c;
    open_connection(&c, "2025-11-25");
    client_send(&f, &c, CALL("1", "sleep", "{\"ms\":100000}"));
    for (int i = 0; i < 20000; i++) {
        GN_AUTO_FREE char *text = gn_format(CANCEL("%d"), i + 2);
        client_send(&f, &c, text);
        client_send(&f, &c, CANCEL("{\"a\":[]}"));
    }
    cr_assert_eq(c.count, 1);
    cr_assert_eq(f.p->active, 1);
    client_send(&f, &c, CANCEL("1"));
    run_until_int(&f, &f.ended, 1);
    assert_idle();
    close_client(&c);
    fixture_close(&f);
}

Test(protocol_rules, waiting_calls_are_not_refused_while_cancelled_ones_unwind)
{
    enum { LIMIT = 200 };
    fixture_open(&f);
    f.config->max_calls = LIMIT;
    struct client c, d;
    open_connection(&c, "2025-11-25");
    open_connection(&d, "2025-11-25");
    for (int i = 0; i < LIMIT; i++) {
        GN_AUTO_FREE char *text = gn_format(CALL("%d", "sleep", "{\"ms\":100000}"), i);
        client_send(&f, &c, text);
    }
    cr_assert_eq(f.env.running, LIMIT);
    for (int i = 0; i < 50; i++) {
        GN_AUTO_FREE char *text = gn_format(CALL("%d", "sleep", "{\"ms\":1}"), i);
        client_send(&f, &d, text);
    }
    cr_assert_eq(f.p->queued, 50);
    gn_protocol_closed(f.p, &c.stream);
    cr_assert_eq(f.p->active, 0);
    cr_assert_eq(f.env.running, LIMIT);
    run_until(&f, &d.count, 51);
    for (size_t i = 1; i < d.count; i++)
        assert_has(d.sent[i], "slept");
    cr_assert_eq(f.env.running, 0);
    assert_idle();
    client_free(&c);
    close_client(&d);
    fixture_close(&f);
}
