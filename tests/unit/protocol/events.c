/* Unit tests of resumption: the store of events, requests and listeners whose clients were cut off
 * and come back. */
#include "fixture.h"
#include "protocol/internal.h"

#include "util/error.h"

GN_SUITE(protocol_events);

static struct fixture f;

#define assert_has(text, part) cr_assert(strstr(text, part), "%s\nlacks %s", text, part)

#define REQUEST(id, method, params)                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}"
#define CALL(id, name, args) REQUEST(id, "tools/call", "\"name\":\"" name "\",\"arguments\":" args)
#define SLEEP(id) CALL(id, "sleep", "{\"ms\":100000}")
#define PROGRESS(id)                                                                               \
    REQUEST(id, "tools/call", "\"name\":\"progress\",\"_meta\":{\"progressToken\":\"t\"}")
#define CANCEL(id)                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id "}}"
#define NOTE "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/note\",\"params\":{\"n\":%d}}"

/* ---------------------------------------------------------------- the store */

static const struct gn_event_limits wide = {1000, 1u << 20, 1u << 20};

static int keep(struct gn_events *e, const struct gn_event_limits *limits, uint64_t stream,
                uint64_t number, const char *text)
{
    struct gn_event_id id = {.stream = stream, .number = number};
    return gn_events_add(e, limits, &id, false, text, strlen(text));
}

/* What is left of a stream, as "1 2 3". */
static const char *left(const struct gn_events *e, uint64_t stream)
{
    static char text[256];
    struct gn_event_id id = {.stream = stream};
    size_t len = 0;
    text[0] = '\0';
    for (struct gn_event *event; (event = gn_events_after(e, &id)); id.number = event->number)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d", len ? " " : "",
                                (int)event->number);
    return text;
}

Test(protocol_events, ids_are_read_as_they_were_written)
{
    static const struct gn_event_id ids[] = {
        {false, 1, 0}, {true, 7, 40}, {false, 123456789012345678, 987654321098765432}};
    for (size_t i = 0; i < GN_COUNT(ids); i++) {
        char text[GN_EVENT_ID_MAX];
        struct gn_event_id id;
        cr_assert(gn_event_id_parse(gn_event_id_write(&ids[i], text), &id), "%s", text);
        cr_expect_eq(id.is_listeners, ids[i].is_listeners);
        cr_expect_eq(id.stream, ids[i].stream);
        cr_expect_eq(id.number, ids[i].number);
    }
    static const char *const others[] = {"",
                                         "p",
                                         "1-1",
                                         "x1-1",
                                         "p1",
                                         "p-1",
                                         "p1-",
                                         "p0-1",
                                         "p01-1",
                                         "p1-01",
                                         "p1-1 ",
                                         " p1-1",
                                         "p1-1-1",
                                         "p1--1",
                                         "P1-1",
                                         "p1234567890123456789-1",
                                         "p1-18446744073709551616",
                                         "p+1-1"};
    for (size_t i = 0; i < GN_COUNT(others); i++) {
        struct gn_event_id id;
        cr_expect_not(gn_event_id_parse(others[i], &id), "%s", others[i]);
    }
}

Test(protocol_events, the_oldest_go_when_there_are_too_many)
{
    struct gn_event_pool pool;
    struct gn_events e;
    struct gn_event_limits limits = wide;
    limits.max_count = 3;
    gn_event_pool_init(&pool);
    gn_events_init(&e, &pool);
    for (uint64_t i = 1; i <= 3; i++)
        cr_assert_eq(keep(&e, &limits, 1, i, "x"), 0);
    cr_assert_eq(keep(&e, &limits, 2, 1, "x"), 0);
    cr_assert_eq(keep(&e, &limits, 1, 4, "x"), 0);
    cr_expect_str_eq(left(&e, 1), "3 4");
    cr_expect_str_eq(left(&e, 2), "1");
    cr_expect_eq(e.count, 3);
    gn_events_clear(&e);
    cr_expect_eq(e.count, 0);
    cr_expect_eq(e.bytes, 0);
    cr_expect_eq(pool.bytes, 0);
}

Test(protocol_events, the_oldest_go_when_they_are_too_large_together)
{
    struct gn_event_pool pool;
    struct gn_events e;
    struct gn_event_limits limits = wide;
    char text[101];
    memset(text, 'x', 100);
    text[100] = '\0';
    limits.max_bytes = 3 * (sizeof(struct gn_event) + 101);
    gn_event_pool_init(&pool);
    gn_events_init(&e, &pool);
    for (uint64_t i = 1; i <= 4; i++)
        cr_assert_eq(keep(&e, &limits, 1, i, text), 0);
    cr_expect_str_eq(left(&e, 1), "2 3 4");
    cr_expect_eq(e.bytes, limits.max_bytes);
    cr_assert_eq(keep(&e, &limits, 1, 5, ""), 0);
    cr_expect_str_eq(left(&e, 1), "3 4 5");
    /* One that never fits drives out nothing. */
    limits.max_bytes = sizeof(struct gn_event) + 100;
    cr_assert_eq(keep(&e, &limits, 1, 6, text), GN_ETOOBIG);
    cr_expect_str_eq(left(&e, 1), "3 4 5");
    gn_events_clear(&e);
    cr_expect_eq(pool.bytes, 0);
}

Test(protocol_events, all_sessions_share_what_is_kept_and_the_oldest_of_all_go)
{
    struct gn_event_pool pool;
    struct gn_events a, b;
    struct gn_event_limits limits = wide;
    limits.max_total = 4 * (sizeof(struct gn_event) + 2);
    gn_event_pool_init(&pool);
    gn_events_init(&a, &pool);
    gn_events_init(&b, &pool);
    cr_assert_eq(keep(&a, &limits, 1, 1, "x"), 0);
    cr_assert_eq(keep(&b, &limits, 1, 1, "x"), 0);
    cr_assert_eq(keep(&a, &limits, 1, 2, "x"), 0);
    cr_assert_eq(keep(&a, &limits, 1, 3, "x"), 0);
    cr_assert_eq(keep(&b, &limits, 1, 2, "x"), 0);
    cr_expect_str_eq(left(&a, 1), "2 3");
    cr_expect_str_eq(left(&b, 1), "1 2");
    cr_assert_eq(keep(&b, &limits, 1, 3, "x"), 0);
    cr_expect_str_eq(left(&a, 1), "2 3");
    cr_expect_str_eq(left(&b, 1), "2 3");
    cr_expect_eq(pool.bytes, limits.max_total);
    gn_events_clear(&a);
    cr_expect_eq(pool.bytes, b.bytes);
    gn_events_clear(&b);
    cr_expect_eq(pool.bytes, 0);
}

/* ---------------------------------------------------------------- clients */

static struct client init;

static void open_session(const char *revision)
{
    fixture_open(&f);
    client_open(&init, false);
    client_initialize(&f, &init, revision);
    cr_assert_eq(init.status, 200);
}

static struct gn_session *session(void)
{
    return gn_map_find(&f.p->sessions_by_id, init.session_id);
}

static void open_exchange(struct client *c)
{
    client_open(c, false);
    c->stream.has_ids = true;
    client_header(c, "mcp-session-id", init.session_id);
}

static void post(struct client *c, const char *text)
{
    open_exchange(c);
    client_send(&f, c, text);
}

/* A GET; last NULL: one that listens. */
static void get(struct client *c, const char *last)
{
    open_exchange(c);
    if (last)
        client_header(c, "last-event-id", last);
    gn_protocol_get(f.p, &c->stream);
}

static void cut(struct client *c)
{
    gn_protocol_closed(f.p, &c->stream);
}

static void end(struct client *c)
{
    if (c->status == 0)
        cut(c);
    client_free(c);
}

/* The one request that runs. */
static struct gn_request *request(void)
{
    cr_assert_not(gn_list_empty(&session()->requests));
    return GN_CONTAINER(session()->requests.next, struct gn_request, session_node);
}

static int say(struct gn_request *r, int n)
{
    GN_AUTO_FREE char *text = gn_format(NOTE, n);
    return gn_request_send(r, text, strlen(text), GN_MAY);
}

static int tell(int n)
{
    GN_AUTO_FREE char *text = gn_format(NOTE, n);
    return gn_session_send(session(), text, strlen(text), GN_MUST);
}

/* The ids of all events, in brackets where they have no data. */
static const char *ids(const struct client *c)
{
    static char text[1024];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < c->count; i++) {
        const char *id = c->ids[i] ? c->ids[i] : "-";
        len += (size_t)snprintf(text + len, sizeof text - len, *c->sent[i] ? "%s%s" : "%s[%s]",
                                i ? " " : "", id);
    }
    return text;
}

#define assert_ids(c, want) cr_assert_str_eq(ids(c), want, "%s, not %s", ids(c), want)

static void close_all(void)
{
    while (session() && !gn_list_empty(&session()->requests))
        gn_request_drop(request());
    run_until_int(&f, &f.ended, f.started);
    run_some(&f);
    cr_assert_eq(f.p->in_flight, 0);
    cr_assert(gn_list_empty(&f.p->begun));
    while (!gn_list_empty(&f.p->sessions))
        gn_session_remove(GN_CONTAINER(f.p->sessions.next, struct gn_session, lru));
    cr_assert_eq(f.p->events.bytes, 0);
    client_free(&init);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- ids */

Test(protocol_events, a_stream_begins_with_an_id_and_each_message_has_one)
{
    struct client first, second;
    open_session("2025-11-25");
    post(&first, PROGRESS("1"));
    run_until_int(&f, &first.status, 200);
    assert_ids(&first, "[p1-0] p1-1 p1-2 p1-3");
    cr_assert_eq(first.retry_ms, f.config->resume_retry_ms);
    assert_has(first.sent[1], "\"progress\":1");
    assert_has(first.sent[3], "progressed");
    post(&second, PROGRESS("1"));
    run_until_int(&f, &second.status, 200);
    assert_ids(&second, "[p2-0] p2-1 p2-2 p2-3");
    end(&first);
    end(&second);
    close_all();
}

Test(protocol_events, clients_of_older_revisions_get_no_event_without_data)
{
    static const char *const revisions[] = {"2024-11-05", "2025-03-26", "2025-06-18"};
    for (size_t i = 0; i < GN_COUNT(revisions); i++) {
        struct client c, late;
        open_session(revisions[i]);
        post(&c, PROGRESS("1"));
        run_until_int(&f, &c.status, 200);
        assert_ids(&c, "p1-1 p1-2 p1-3");
        post(&late, SLEEP("2"));
        gn_protocol_opened(f.p, &late.stream);
        cr_assert_eq(late.count, 0);
        cr_assert_eq(gn_request_close_stream(request(), 0), GN_ENOTSUP);
        gn_request_abort(request(), 404, "over");
        assert_ids(&late, "p2-1");
        end(&c);
        end(&late);
        close_all();
    }
}

Test(protocol_events, an_answer_in_one_piece_is_no_event)
{
    struct client c, again;
    open_session("2025-11-25");
    post(&c, CALL("1", "echo", "{}"));
    run_until_int(&f, &c.status, 200);
    assert_ids(&c, "-");
    cr_assert_eq(session()->events.count, 0);
    get(&again, "p1-0");
    cr_assert_eq(again.status, 400);
    end(&c);
    end(&again);
    close_all();
}

Test(protocol_events, a_stream_that_begins_late_begins_with_an_id)
{
    struct client c;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    gn_protocol_opened(f.p, &c.stream);
    assert_ids(&c, "[p1-0]");
    gn_protocol_opened(f.p, &c.stream);
    cr_assert_eq(say(request(), 1), 0);
    assert_ids(&c, "[p1-0] p1-1");
    end(&c);
    close_all();
}

Test(protocol_events, nothing_has_an_id_where_nothing_is_kept)
{
    struct client c, listener, back;
    open_session("2025-11-25");
    f.config->resume_max_events = 0;
    post(&c, PROGRESS("1"));
    run_until_int(&f, &c.status, 200);
    assert_ids(&c, "- - -");
    get(&listener, NULL);
    cr_assert_eq(tell(1), 0);
    assert_ids(&listener, "-");
    post(&back, SLEEP("2"));
    cr_assert_eq(gn_request_close_stream(request(), 0), GN_ENOTSUP);
    cut(&back);
    cr_assert_eq(say(request(), 1), GN_EPIPE);
    client_free(&back);
    end(&c);
    end(&listener);
    close_all();
}

/* ---------------------------------------------------------------- requests */

Test(protocol_events, a_client_that_comes_back_goes_on_where_it_was)
{
    struct client c, back;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    struct gn_request *r = request();
    say(r, 1);
    say(r, 2);
    cut(&c);
    cr_assert_eq(say(r, 3), 0);
    get(&back, "p1-1");
    cr_assert(back.opened);
    assert_ids(&back, "[p1-1] p1-2 p1-3");
    say(r, 4);
    gn_request_abort(r, 404, "over");
    assert_ids(&back, "[p1-1] p1-2 p1-3 p1-4 p1-5");
    cr_assert_eq(back.status, 404);
    for (int i = 1; i <= 3; i++) {
        GN_AUTO_FREE char *text = gn_format(NOTE, i + 1);
        cr_expect_str_eq(back.sent[i], text);
    }
    assert_has(back.sent[4], "over");
    assert_ids(&c, "[p1-0] p1-1 p1-2");
    client_free(&c);
    end(&back);
    close_all();
}

/* Cut off after any number of events, while it runs or after it has ended, a client that comes back
 * has each of them once. */
Test(protocol_events, wherever_a_client_is_cut_off_it_gets_each_message_once)
{
    enum { MESSAGES = 6 };
    for (int cut_at = 0; cut_at <= MESSAGES; cut_at++) {
        for (int back_at = cut_at; back_at <= MESSAGES + 1; back_at++) {
            struct client c, back;
            open_session("2025-11-25");
            post(&c, SLEEP("1"));
            struct gn_request *r = request();
            gn_protocol_opened(f.p, &c.stream);
            bool is_back = false;
            for (int i = 0; i <= MESSAGES + 1; i++) {
                if (i == cut_at)
                    cut(&c);
                if (i == back_at) {
                    get(&back, c.ids[c.count - 1]);
                    is_back = true;
                }
                if (i < MESSAGES)
                    say(r, i);
                else if (i == MESSAGES)
                    gn_request_abort(r, 404, "over");
            }
            cr_assert(is_back);
            cr_assert_neq(back.status, 0);
            /* The first event of each connection has no data. */
            cr_assert_eq(c.count - 1 + back.count - 1, MESSAGES + 1, "%d %d: %zu %zu", cut_at,
                         back_at, c.count, back.count);
            for (size_t i = 0; i < MESSAGES + 1; i++) {
                const struct client *has = i < c.count - 1 ? &c : &back;
                const char *got = has->sent[i < c.count - 1 ? i + 1 : i - c.count + 2];
                GN_AUTO_FREE char *text = gn_format(NOTE, (int)i);
                if (i < MESSAGES)
                    cr_assert_str_eq(got, text);
                else
                    assert_has(got, "over");
            }
            client_free(&c);
            end(&back);
            close_all();
        }
    }
}

Test(protocol_events, a_client_may_be_cut_off_again_and_again)
{
    struct client c, back;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    struct gn_request *r = request();
    gn_protocol_opened(f.p, &c.stream);
    cut(&c);
    client_free(&c);
    for (int i = 0; i < 20; i++) {
        GN_AUTO_FREE char *last = gn_format("p1-%d", i);
        say(r, i);
        get(&back, last);
        cr_assert_eq(back.count, 2);
        GN_AUTO_FREE char *text = gn_format(NOTE, i);
        cr_assert_str_eq(back.sent[1], text);
        cut(&back);
        client_free(&back);
    }
    close_all();
}

Test(protocol_events, an_answer_waits_for_its_client)
{
    struct client c, back, again, nothing;
    open_session("2025-11-25");
    post(&c, CALL("7", "sleep", "{\"ms\":1}"));
    gn_protocol_opened(f.p, &c.stream);
    cut(&c);
    run_until_int(&f, &f.ended, 1);
    run_some(&f);
    cr_assert_eq(f.p->in_flight, 0);
    get(&back, "p1-0");
    assert_ids(&back, "[p1-0] p1-1");
    assert_has(back.sent[1], "\"id\":7");
    assert_has(back.sent[1], "slept");
    cr_assert_eq(back.status, 200);
    /* It may have been cut off once more. */
    get(&again, "p1-0");
    assert_ids(&again, "[p1-0] p1-1");
    cr_assert_eq(again.status, 200);
    /* It has all. */
    get(&nothing, "p1-1");
    cr_assert_eq(nothing.status, 405);
    cr_assert_str_eq(nothing.last_header, "allow: POST, DELETE");
    client_free(&c);
    end(&back);
    end(&again);
    end(&nothing);
    close_all();
}

Test(protocol_events, nobody_can_come_back_who_has_no_id)
{
    struct client c, back;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    struct gn_request *r = request();
    cut(&c);
    cr_assert_eq(say(r, 1), GN_EPIPE);
    cr_assert_eq(gn_request_close_stream(r, 0), GN_ENOTSUP);
    get(&back, "p1-0");
    cr_assert_eq(back.status, 400);
    gn_request_abort(r, 404, "over");
    cr_assert_eq(session()->events.count, 0);
    client_free(&c);
    end(&back);
    close_all();
}

Test(protocol_events, a_client_that_comes_back_early_ends_the_connection_it_lost)
{
    struct client c, back;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    struct gn_request *r = request();
    say(r, 1);
    get(&back, "p1-1");
    cr_assert_eq(c.status, 200);
    say(r, 2);
    assert_ids(&c, "[p1-0] p1-1");
    assert_ids(&back, "[p1-1] p1-2");
    end(&c);
    end(&back);
    close_all();
}

Test(protocol_events, what_is_cancelled_while_its_client_is_away_ends_its_stream)
{
    struct client c, cancel, back, more;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    say(request(), 1);
    cut(&c);
    post(&cancel, CANCEL("1"));
    cr_assert_eq(cancel.status, 202);
    get(&more, "p1-0");
    assert_ids(&more, "[p1-0] p1-1");
    cr_assert_eq(more.status, 200);
    get(&back, "p1-1");
    cr_assert_eq(back.status, 405);
    client_free(&c);
    end(&cancel);
    end(&back);
    end(&more);
    close_all();
}

Test(protocol_events, ids_that_are_unknown_are_refused)
{
    static const char *const unknown[] = {"p1-5", "p2-0",     "p99-1", "g99-0",
                                          "g1-7", "nonsense", "1",     "p1-0\xff"};
    struct client c, back;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    say(request(), 1);
    for (size_t i = 0; i < GN_COUNT(unknown); i++) {
        get(&back, unknown[i]);
        cr_assert_eq(back.status, 400, "%s: %d", unknown[i], back.status);
        assert_has(client_last(&back), "Last-Event-ID");
        end(&back);
    }
    cr_assert_eq(c.status, 0);
    end(&c);
    close_all();
}

Test(protocol_events, ids_of_another_session_mean_nothing)
{
    struct client c, other, back;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    say(request(), 1);
    cut(&c);
    client_open(&other, false);
    client_initialize(&f, &other, "2025-11-25");
    client_open(&back, false);
    back.stream.has_ids = true;
    client_header(&back, "mcp-session-id", other.session_id);
    client_header(&back, "last-event-id", "p1-0");
    gn_protocol_get(f.p, &back.stream);
    cr_assert_eq(back.status, 400);
    cr_assert_eq(back.count, 1);
    client_free(&c);
    client_free(&other);
    end(&back);
    close_all();
}

Test(protocol_events, what_has_been_dropped_is_told)
{
    struct client c, back, silent;
    open_session("2025-11-25");
    f.config->resume_max_events = 3;
    post(&c, SLEEP("1"));
    struct gn_request *r = request();
    gn_protocol_opened(f.p, &c.stream);
    cut(&c);
    for (int i = 1; i <= 10; i++)
        cr_assert_eq(say(r, i), 0);
    get(&back, "p1-0");
    assert_ids(&back, "[p1-0] - p1-8 p1-9 p1-10");
    assert_has(back.sent[1], "7 messages of this stream are lost");
    assert_has(back.sent[1], "notifications/message");
    cut(&back);
    session()->log_level = GN_ERROR;
    get(&silent, "p1-0");
    assert_ids(&silent, "[p1-0] p1-8 p1-9 p1-10");
    client_free(&c);
    client_free(&back);
    end(&silent);
    close_all();
}

Test(protocol_events, a_stream_of_which_nothing_is_left_is_refused)
{
    struct client first, second, back;
    open_session("2025-11-25");
    f.config->resume_max_events = 3;
    post(&first, PROGRESS("1"));
    run_until_int(&f, &first.status, 200);
    post(&second, PROGRESS("2"));
    run_until_int(&f, &second.status, 200);
    get(&back, "p1-0");
    cr_assert_eq(back.status, 400);
    assert_has(client_last(&back), "lost");
    end(&back);
    get(&back, "p2-0");
    assert_ids(&back, "[p2-0] p2-1 p2-2 p2-3");
    end(&first);
    end(&second);
    end(&back);
    close_all();
}

Test(protocol_events, an_answer_too_large_to_be_kept_is_an_error_for_who_comes_late)
{
    struct client c, back;
    open_session("2025-11-25");
    f.config->resume_max_bytes = 512;
    post(&c, SLEEP("1"));
    struct gn_request *r = request();
    gn_protocol_opened(f.p, &c.stream);
    GN_AUTO_FREE char *long_text = gn_calloc(1, 501);
    memset(long_text, 'x', 500);
    gn_request_abort(r, 404, long_text);
    assert_has(client_last(&c), long_text);
    get(&back, "p1-0");
    assert_ids(&back, "[p1-0] p1-1");
    assert_has(back.sent[1], "\"id\":1,\"error\"");
    assert_has(back.sent[1], "too large to be kept");
    end(&c);
    end(&back);
    close_all();
}

Test(protocol_events, batches_have_no_ids)
{
    struct client c;
    open_session("2025-03-26");
    post(&c, "[" PROGRESS("1") "]");
    run_until_int(&f, &c.status, 200);
    assert_ids(&c, "- - -");
    end(&c);
    close_all();
}

/* ---------------------------------------------------------------- connections that the host ends
 */

Test(protocol_events, the_host_may_end_the_connection_of_a_request)
{
    struct client c, back;
    open_session("2025-11-25");
    post(&c, CALL("1", "sleep", "{\"ms\":1}"));
    cr_assert_eq(gn_request_close_stream(request(), 250), 0);
    assert_ids(&c, "[p1-0]");
    cr_assert_eq(c.retry_ms, 250);
    cr_assert_eq(c.status, 200);
    cr_assert_eq(gn_request_close_stream(request(), 0), 0);
    get(&back, "p1-0");
    run_until_int(&f, &back.status, 200);
    assert_ids(&back, "[p1-0] p1-1");
    assert_has(back.sent[1], "slept");
    end(&c);
    end(&back);
    close_all();
}

Test(protocol_events, the_host_may_end_each_connection_of_a_request)
{
    struct client c, back;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    struct gn_request *r = request();
    say(r, 1);
    cr_assert_eq(gn_request_close_stream(r, 0), 0);
    assert_ids(&c, "[p1-0] p1-1 [p1-1]");
    cr_assert_eq(c.retry_ms, f.config->resume_retry_ms);
    say(r, 2);
    get(&back, "p1-1");
    cr_assert_eq(gn_request_close_stream(r, 0), 0);
    assert_ids(&back, "[p1-1] p1-2 [p1-2]");
    cr_assert_eq(back.status, 200);
    cr_assert_eq(f.started, 1);
    cr_assert_eq(f.ended, 0);
    end(&c);
    end(&back);
    close_all();
}

Test(protocol_events, connections_that_cannot_be_resumed_are_not_ended)
{
    struct client shared, plain, stateless;
    open_session("2025-11-25");
    client_open(&shared, true);
    client_initialize(&f, &shared, "2025-11-25");
    client_send(&f, &shared, SLEEP("1"));
    struct gn_session *s = shared.stream.session;
    struct gn_request *r = GN_CONTAINER(s->requests.next, struct gn_request, session_node);
    cr_assert_eq(gn_request_close_stream(r, 0), GN_ENOTSUP);
    post(&plain, SLEEP("1"));
    plain.refuses_stream = true;
    cr_assert_eq(gn_request_close_stream(request(), 0), GN_ENOTSUP);
    cr_assert_eq(plain.status, 0);
    post_stateless(&f, &stateless, "tools/call", "sleep",
                   "\"name\":\"sleep\",\"arguments\":{\"ms\":100000}");
    stateless.stream.has_ids = true;
    r = GN_CONTAINER(f.p->requests.prev, struct gn_request, node);
    cr_assert(gn_request_is_stateless(r));
    cr_assert_eq(gn_request_close_stream(r, 0), GN_ENOTSUP);
    end(&stateless);
    end(&plain);
    end(&shared);
    close_all();
}

Test(protocol_events, long_requests_are_closed_each_in_its_turn)
{
    struct client a, b, old, back;
    open_session("2025-11-25");
    f.config->resume_close_after_ms = 1;
    post(&a, SLEEP("1"));
    post(&b, SLEEP("2"));
    gn_protocol_opened(f.p, &b.stream);
    gn_protocol_opened(f.p, &a.stream);
    run_until_int(&f, &a.status, 200);
    run_until_int(&f, &b.status, 200);
    assert_ids(&a, "[p1-0] [p1-0]");
    assert_ids(&b, "[p2-0] [p2-0]");
    /* Over and over. */
    get(&back, "p1-0");
    run_until_int(&f, &back.status, 200);
    assert_ids(&back, "[p1-0] [p1-0]");
    /* Not where that is no more configured, until it is again. */
    end(&back);
    struct gn_config later = *f.config;
    later.resume_close_after_ms = 0;
    gn_protocol_configure(f.p, &later);
    get(&back, "p1-0");
    run_some(&f);
    cr_assert_eq(back.status, 0);
    cr_assert_not(gn_timer_is_running(&f.p->close));
    gn_protocol_configure(f.p, f.config);
    run_until_int(&f, &back.status, 200);
    /* What is a body, not a stream, stays. */
    post(&old, SLEEP("3"));
    run_some(&f);
    cr_assert(gn_list_empty(&f.p->begun));
    cr_assert_eq(old.status, 0);
    end(&a);
    end(&b);
    end(&old);
    end(&back);
    close_all();
}

/* ---------------------------------------------------------------- listeners */

Test(protocol_events, a_listener_comes_back_for_what_it_missed)
{
    struct client c, back;
    open_session("2025-11-25");
    get(&c, NULL);
    assert_ids(&c, "[g1-0]");
    cr_assert_eq(tell(1), 0);
    cr_assert_eq(tell(2), 0);
    assert_ids(&c, "[g1-0] g1-1 g1-2");
    cut(&c);
    cr_assert_eq(tell(3), 0);
    fixture_change(&f, GN_TOOL, "second");
    run_some(&f);
    get(&back, "g1-1");
    run_until(&f, &back.count, 4);
    cr_assert_eq(tell(4), 0);
    assert_ids(&back, "[g1-1] g1-2 g1-3 g1-4 g1-5");
    assert_has(back.sent[2], "\"n\":3");
    assert_has(back.sent[3], "tools/list_changed");
    client_free(&c);
    end(&back);
    close_all();
}

Test(protocol_events, what_came_while_nobody_listened_goes_to_the_next_listener)
{
    struct client c, next, late;
    open_session("2025-11-25");
    cr_assert_eq(tell(0), GN_EPIPE); /* it may never listen */
    get(&c, NULL);
    cr_assert_eq(tell(1), 0);
    cut(&c);
    cr_assert_eq(tell(2), 0);
    get(&next, NULL);
    assert_ids(&next, "[g2-1] g2-2");
    /* It was sent, and stays where it was sent. */
    get(&late, "g1-1");
    assert_ids(&late, "[g1-1]");
    client_free(&c);
    end(&next);
    end(&late);
    close_all();
}

Test(protocol_events, each_message_goes_to_one_of_several_listeners)
{
    struct client a, b, c, back;
    open_session("2025-11-25");
    get(&a, NULL);
    cr_assert_eq(tell(1), 0);
    get(&b, NULL);
    cr_assert_eq(tell(2), 0);
    get(&c, NULL);
    cr_assert_eq(tell(3), 0);
    cut(&c);
    cr_assert_eq(tell(4), 0);
    assert_ids(&a, "[g1-0] g1-1");
    assert_ids(&b, "[g2-1] g2-2 g2-4");
    assert_ids(&c, "[g3-2] g3-3");
    get(&back, "g3-2");
    assert_ids(&back, "[g3-2] g3-3");
    cr_assert_eq(tell(5), 0);
    assert_ids(&back, "[g3-2] g3-3 g3-5");
    client_free(&c);
    end(&a);
    end(&b);
    end(&back);
    close_all();
}

Test(protocol_events, a_listener_that_comes_back_early_ends_the_connection_it_lost)
{
    struct client c, back;
    open_session("2025-11-25");
    get(&c, NULL);
    cr_assert_eq(tell(1), 0);
    get(&back, "g1-0");
    cr_assert_eq(c.status, 200);
    assert_ids(&back, "[g1-0] g1-1");
    end(&c);
    end(&back);
    close_all();
}

Test(protocol_events, a_listener_whose_messages_are_lost_looks_at_all_lists)
{
    struct client c, back;
    open_session("2025-06-18");
    f.config->resume_max_events = 2;
    get(&c, NULL);
    for (int i = 1; i <= 5; i++)
        cr_assert_eq(tell(i), 0);
    cut(&c);
    get(&back, "g1-1");
    assert_ids(&back, "g1-4 g1-5 g1-6 g1-7 g1-8");
    assert_has(back.sent[2], "tools/list_changed");
    assert_has(back.sent[3], "resources/list_changed");
    assert_has(back.sent[4], "prompts/list_changed");
    client_free(&c);
    end(&back);
    close_all();
}

Test(protocol_events, listeners_are_bounded_but_one_may_come_back)
{
    enum { MAX = 16 };
    struct client all[MAX], more, back;
    open_session("2025-11-25");
    for (int i = 0; i < MAX; i++) {
        get(&all[i], NULL);
        cr_assert_eq(all[i].status, 0);
    }
    get(&more, NULL);
    cr_assert_eq(more.status, 409);
    get(&back, "g1-0");
    cr_assert_eq(back.status, 0);
    cr_assert_eq(all[0].status, 200);
    end(&more);
    end(&back);
    for (int i = 0; i < MAX; i++)
        end(&all[i]);
    close_all();
}

/* ---------------------------------------------------------------- the end of sessions */

Test(protocol_events, sessions_with_streams_or_calls_are_not_driven_out_and_others_leave_nothing)
{
    struct client listener, c, more, idle, done;
    open_session("2025-11-25");
    f.config->max_sessions = 2;
    get(&listener, NULL);
    struct client first = init;
    client_open(&init, false);
    client_initialize(&f, &init, "2025-11-25");
    cr_assert_eq(init.status, 200);
    post(&c, SLEEP("1"));
    say(request(), 1);
    cut(&c); /* its client may come back */
    client_open(&more, false);
    client_initialize(&f, &more, "2025-11-25");
    cr_assert_eq(more.status, 503);
    /* The listener is gone: that session may go, and the next one may go with what is kept of it.
     */
    cut(&listener);
    client_free(&listener);
    client_free(&more);
    gn_request_abort(request(), 404, "over");
    cr_assert_gt(f.p->events.bytes, 0);
    for (int i = 0; i < 2; i++) {
        client_open(&idle, false);
        client_initialize(&f, &idle, "2025-11-25");
        cr_assert_eq(idle.status, 200);
        client_free(&idle);
    }
    cr_assert_eq(f.p->events.bytes, 0);
    get(&done, "p1-0");
    cr_assert_eq(done.status, 404);
    end(&done);
    client_free(&first);
    client_free(&c);
    close_all();
}

Test(protocol_events, a_session_that_ends_takes_its_events_and_ends_its_streams)
{
    struct client c, away, listener, deleted, back;
    open_session("2025-11-25");
    post(&c, SLEEP("1"));
    say(request(), 1);
    post(&away, SLEEP("2"));
    gn_protocol_opened(f.p, &away.stream);
    cut(&away);
    get(&listener, NULL);
    cr_assert_eq(tell(1), 0);
    get(&back, "p1-1");
    cr_assert_gt(f.p->events.bytes, 0);
    open_exchange(&deleted);
    gn_protocol_delete(f.p, &deleted.stream);
    cr_assert_eq(deleted.status, 200);
    cr_assert_eq(listener.status, 200);
    cr_assert_neq(back.status, 0);
    assert_has(client_last(&back), "the session has ended");
    cr_assert_eq(f.p->events.bytes, 0);
    cr_assert_eq(f.p->in_flight, 0);
    end(&c);
    client_free(&away);
    end(&listener);
    end(&deleted);
    end(&back);
    get(&back, "p1-0");
    cr_assert_eq(back.status, 404);
    end(&back);
    close_all();
}

static int drains;

static void count_drain(void *arg)
{
    (void)arg;
    drains++;
}

Test(protocol_events, a_drain_ends_listeners_and_lets_requests_be_resumed)
{
    struct client c, listener, back, more;
    open_session("2025-11-25");
    get(&listener, NULL);
    post(&c, SLEEP("1"));
    struct gn_request *r = request();
    say(r, 1);
    cut(&c);
    gn_protocol_drain(f.p, 100000, count_drain, NULL);
    cr_assert_eq(listener.status, 200);
    get(&more, NULL);
    cr_assert_eq(more.status, 503);
    get(&back, "p2-0");
    assert_ids(&back, "[p2-0] p2-1");
    gn_request_abort(r, 404, "over");
    cr_assert_neq(back.status, 0);
    run_until_int(&f, &drains, 1);
    client_free(&c);
    end(&listener);
    end(&more);
    end(&back);
    close_all();
}
