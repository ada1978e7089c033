/* Unit tests of subscriptions, in both eras. */
#include "fake.h"

#include "support.h"

#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_listen);

#define ALL                                                                                        \
    "{\"tools\":{\"listChanged\":true},\"prompts\":{},"                                            \
    "\"resources\":{\"subscribe\":true,\"listChanged\":true}}"
#define DISCOVERED "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":" ALL "}"
#define UPDATED "notifications/resources/updated"

static struct fake f;
static struct gn_buf told; /* "tools", "x:a": what handlers were told, each with a blank behind */

static void on_list(gantry_client *client, gantry_list_kind kind, void *arg)
{
    static const char *const names[] = {"tools", "resources", "templates", "prompts"};
    (void)client, (void)arg;
    gn_buf_addf(&told, "%s ", names[kind]);
}

static void on_updated(gantry_client *client, const char *uri, void *arg)
{
    (void)client, (void)arg;
    gn_buf_addf(&told, "%s ", uri);
}

static gantry_client_options options = {.size = sizeof(gantry_client_options), .backoff_ms = 1};

static void begin(bool lists, bool is_http)
{
    static gantry_client_handlers handlers;
    handlers = (gantry_client_handlers){.size = sizeof(handlers),
                                        .on_list_changed = lists ? on_list : NULL,
                                        .on_resource_updated = on_updated};
    gn_buf_init(&told, 4096);
    memset(&f, 0, sizeof(f));
    f.has_exchanges = is_http;
    options.handlers = &handlers;
    fake_open(&f, &options);
}

static void end(void)
{
    gn_buf_release(&told);
    fake_close(&f);
}

static void cr_told(const char *expected)
{
    fake_turn(&f);
    cr_assert_str_eq(gn_buf_str(&told), expected);
    gn_buf_clear(&told);
}

/* The next message, a subscriptions/listen; its id. */
static int64_t listen_id(void)
{
    int64_t id = 0;
    fake_next(&f, "subscriptions/listen");
    cr_assert(gn_json_int(f.m.id, &id));
    return id;
}

static void says(int64_t id, const char *method, const char *members)
{
    GN_AUTO_FREE char *text = gn_format(
        "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/"
        "subscriptionId\":%lld}%s%s}}",
        method, (long long)id, *members ? "," : "", members);
    fake_says(&f, text);
}

static void acknowledge(int64_t id, const char *filter)
{
    GN_AUTO_FREE char *members = gn_format("\"notifications\":%s", filter);
    says(id, "notifications/subscriptions/acknowledged", members);
}

static void update(int64_t id, const char *uri)
{
    GN_AUTO_FREE char *members = gn_format("\"uri\":\"%s\"", uri);
    says(id, UPDATED, members);
}

static gantry_request *subscribe(const char *uri)
{
    return gantry_client_subscribe(f.client, uri, NULL);
}

static void ends_ok(gantry_request *r)
{
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK, "%s", gantry_request_message(r));
    gantry_request_free(r);
}

/* A client with one subscription, to x:a; its id. */
static int64_t begin_with_one(bool is_http)
{
    begin(false, is_http);
    fake_discover(&f, ALL);
    gantry_request *r = subscribe("x:a");
    int64_t id = listen_id();
    acknowledge(id, "{\"resourceSubscriptions\":[\"x:a\"]}");
    ends_ok(r);
    return id;
}

/* ---------------------------------------------------------------- the stateless era */

Test(client_listen, to_nothing_sends_nothing)
{
    begin(false, false);
    fake_discover(&f, ALL);
    fake_nothing(&f);
    end();
}

Test(client_listen, to_lists_that_the_server_says_may_change)
{
    begin(true, false);
    fake_discover(&f, ALL);
    int64_t id = listen_id();
    cr_assert(gantry_read_bool(f.m.params, "/notifications/toolsListChanged", false));
    cr_assert(gantry_read_bool(f.m.params, "/notifications/resourcesListChanged", false));
    cr_assert_eq(gantry_read_count(f.m.params, "/notifications"), 2);
    acknowledge(id, "{\"toolsListChanged\":true}");
    cr_assert(strstr(gn_buf_str(&f.notes), "resourcesListChanged"));
    says(id, "notifications/tools/list_changed", "");
    cr_told("tools ");
    says(id + 100, "notifications/tools/list_changed", ""); /* of nobody */
    cr_told("");
    fake_nothing(&f);
    end();
}

Test(client_listen, to_resources_and_tell_when_that_is_agreed)
{
    int64_t id = begin_with_one(false);
    ends_ok(subscribe("x:a")); /* again: there is nothing to do */
    fake_nothing(&f);
    update(id, "x:a");
    update(id, "x:a");
    cr_told("x:a x:a ");
    end();
}

Test(client_listen, with_one_stream_for_all_that_is_asked_at_once)
{
    begin(true, false);
    gantry_request *r[3];
    for (int i = 0; i < 3; i++)
        r[i] = subscribe((const char *[]){"x:a", "x:b", "x:c"}[i]);
    fake_next(&f, "server/discover");
    fake_result(&f, DISCOVERED);
    int64_t id = listen_id();
    cr_assert_eq(gantry_read_count(f.m.params, "/notifications/resourceSubscriptions"), 3);
    fake_nothing(&f);
    cr_assert(!gantry_request_is_done(r[0]));
    acknowledge(id, "{\"resourceSubscriptions\":[\"x:a\",\"x:b\",\"x:c\"],"
                    "\"toolsListChanged\":true,\"resourcesListChanged\":true}");
    for (int i = 0; i < 3; i++)
        ends_ok(r[i]);
    fake_nothing(&f);
    end();
}

Test(client_listen, to_more_with_a_stream_of_its_own_where_all_share_one)
{
    int64_t first = begin_with_one(false);
    gantry_request *r = subscribe("x:b");
    int64_t second = listen_id();
    cr_assert_eq(gantry_read_count(f.m.params, "/notifications/resourceSubscriptions"), 1);
    cr_assert_str_eq(fake_param(&f, "/notifications/resourceSubscriptions/0"), "x:b");
    acknowledge(second, "{\"resourceSubscriptions\":[\"x:b\"]}");
    ends_ok(r);
    fake_nothing(&f); /* the first one stays */
    update(first, "x:a");
    update(second, "x:b");
    cr_told("x:a x:b ");
    end();
}

Test(client_listen, to_less_before_the_old_streams_are_closed)
{
    int64_t old[2] = {begin_with_one(false)};
    gantry_request *r = subscribe("x:b");
    old[1] = listen_id();
    acknowledge(old[1], "{\"resourceSubscriptions\":[\"x:b\"]}");
    ends_ok(r);
    r = gantry_client_unsubscribe(f.client, "x:b", NULL);
    int64_t id = listen_id();
    cr_assert_str_eq(fake_param(&f, "/notifications/resourceSubscriptions/0"), "x:a");
    update(old[0], "x:a");
    cr_told("x:a ");
    acknowledge(id, "{\"resourceSubscriptions\":[\"x:a\"]}");
    ends_ok(r);
    for (int i = 0; i < 2; i++) {
        fake_next(&f, "notifications/cancelled");
        int64_t gone = gantry_read_int(f.m.params, "/requestId", 0);
        cr_assert(gone == old[0] || gone == old[1]);
    }
    update(old[0], "x:a"); /* it was on its way: the new one tells it, too */
    update(id, "x:a");
    cr_told("x:a ");
    end();
}

Test(client_listen, to_many_with_a_few_streams)
{
    begin_with_one(false);
    for (int i = 0; i < 30; i++) {
        GN_AUTO_FREE char *uri = gn_format("x:%d", i);
        gantry_request *r = subscribe(uri);
        int64_t id = listen_id();
        GN_AUTO_FREE char *filter = gantry_read_print(gantry_read(f.m.params, "/notifications"));
        acknowledge(id, filter);
        ends_ok(r);
        while (f.sent.next != &f.sent)
            fake_next(&f, "notifications/cancelled");
        cr_assert_leq(f.client->sent_count, 10);
    }
    end();
}

Test(client_listen, to_both_streams_for_a_while_where_each_has_its_own)
{
    int64_t old = begin_with_one(true);
    gantry_request *r = subscribe("x:b");
    int64_t id = listen_id();
    acknowledge(id, "{\"resourceSubscriptions\":[\"x:a\",\"x:b\"]}");
    ends_ok(r);
    update(old, "x:a");
    update(id, "x:a"); /* the same */
    update(id, "x:a");
    update(old, "x:a"); /* the same */
    update(id, "x:b");
    cr_told("x:a x:a x:b ");
    while (f.forgotten == 0)
        fake_turn(&f);
    update(old, "x:a");
    update(id, "x:a");
    cr_told("x:a ");
    end();
}

Test(client_listen, to_wishes_that_come_while_a_stream_is_opened)
{
    begin(false, false);
    fake_discover(&f, ALL);
    gantry_request *a = subscribe("x:a");
    int64_t first = listen_id();
    gantry_request *b = subscribe("x:b");
    fake_nothing(&f);
    acknowledge(first, "{\"resourceSubscriptions\":[\"x:a\"]}");
    ends_ok(a);
    int64_t second = listen_id();
    cr_assert(!gantry_request_is_done(b));
    acknowledge(second, "{\"resourceSubscriptions\":[\"x:b\"]}");
    ends_ok(b);
    fake_nothing(&f);
    end();
}

Test(client_listen, to_no_resource_that_is_not_agreed_to)
{
    begin(false, false);
    fake_discover(&f, ALL);
    gantry_request *a = subscribe("x:a"), *b = subscribe("x:b");
    acknowledge(listen_id(), "{\"resourceSubscriptions\":[\"x:b\"]}");
    cr_assert_eq(fake_wait(&f, a), GANTRY_CLIENT_UNSUPPORTED);
    cr_assert(strstr(gantry_request_message(a), "x:a"));
    gantry_request_free(a);
    ends_ok(b);
    fake_nothing(&f);
    end();
}

Test(client_listen, no_more_when_everything_is_unsubscribed)
{
    int64_t id = begin_with_one(false);
    gantry_request *b = subscribe("x:b");
    acknowledge(listen_id(), "{\"resourceSubscriptions\":[\"x:b\"]}");
    ends_ok(b);
    gantry_request *r = gantry_client_unsubscribe(f.client, "x:a", NULL);
    int64_t last = listen_id();
    cr_assert_str_eq(fake_param(&f, "/notifications/resourceSubscriptions/0"), "x:b");
    acknowledge(last, "{\"resourceSubscriptions\":[\"x:b\"]}");
    ends_ok(r);
    fake_next(&f, "notifications/cancelled");
    fake_next(&f, "notifications/cancelled");
    ends_ok(gantry_client_unsubscribe(f.client, "x:never", NULL));
    r = gantry_client_unsubscribe(f.client, "x:b", NULL);
    ends_ok(r);
    fake_next(&f, "notifications/cancelled");
    cr_assert_eq(gantry_read_int(f.m.params, "/requestId", 0), last);
    cr_assert(!gn_listen_wants(f.client));
    cr_assert_neq(id, last);
    fake_nothing(&f);
    end();
}

Test(client_listen, needs_the_capability)
{
    begin(true, false);
    fake_discover(&f, "{\"resources\":{}}");
    gantry_request *r = subscribe("x:a");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_UNSUPPORTED);
    gantry_request_free(r);
    r = subscribe("");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_INVALID);
    gantry_request_free(r);
    fake_nothing(&f);
    end();
    begin(false, false);
    fake_initialize(&f, "2025-11-25", "{\"resources\":{}}");
    r = subscribe("x:a");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_UNSUPPORTED);
    gantry_request_free(r);
    fake_nothing(&f);
    end();
}

Test(client_listen, again_when_the_server_ends_it)
{
    int64_t id = begin_with_one(false);
    fake_result(&f, "{\"resultType\":\"complete\"}");
    id = listen_id();
    cr_assert_str_eq(fake_param(&f, "/notifications/resourceSubscriptions/0"), "x:a");
    cr_told("");
    acknowledge(id, "{\"resourceSubscriptions\":[\"x:a\"]}");
    cr_told("x:a "); /* who knows what was meanwhile */
    update(id, "x:a");
    cr_told("x:a ");
    /* ... or cancels it */
    GN_AUTO_FREE char *cancelled = gn_format(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":"
        "%lld}}",
        (long long)id);
    fake_says(&f, cancelled);
    acknowledge(listen_id(), "{\"resourceSubscriptions\":[\"x:a\"]}");
    cr_told("x:a ");
    end();
}

Test(client_listen, again_when_its_exchange_breaks)
{
    struct gn_failure broken = {.status = GANTRY_CLIENT_CONNECTION, .is_passing = true};
    gn_error_set(&broken.why, GN_EPIPE, "gone");
    begin_with_one(true);
    for (int i = 0; i < 5; i++) {
        fake_fails(&f, &broken);
        listen_id();
    }
    fake_nothing(&f);
    cr_told("");
    int64_t id = 0;
    cr_assert(gn_json_int(f.m.id, &id));
    acknowledge(id, "{\"resourceSubscriptions\":[\"x:a\"]}");
    cr_told("x:a ");
    end();
}

Test(client_listen, again_over_another_connection)
{
    begin_with_one(false);
    fake_loses(&f, true);
    fake_next(&f, "server/discover"); /* although nothing else is asked */
    fake_result(&f, DISCOVERED);
    int64_t id = listen_id();
    acknowledge(id, "{\"resourceSubscriptions\":[\"x:a\"]}");
    cr_told("x:a ");
    end();
}

Test(client_listen, goes_on_waiting_for_the_agreement_over_another_connection)
{
    begin(false, false);
    fake_discover(&f, ALL);
    gantry_request *r = subscribe("x:a");
    listen_id();
    fake_loses(&f, true);
    fake_next(&f, "server/discover");
    fake_result(&f, DISCOVERED);
    acknowledge(listen_id(), "{\"resourceSubscriptions\":[\"x:a\"]}");
    ends_ok(r);
    cr_told("");
    end();
}

Test(client_listen, fails_with_the_reason_of_the_server)
{
    begin_with_one(false);
    gantry_request *r = subscribe("x:b");
    listen_id();
    fake_error(&f, -32602, "no such thing", NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    cr_assert_str_eq(gantry_request_message(r), "no such thing");
    cr_assert_eq(gantry_request_error_code(r), -32602);
    gantry_request_free(r);
    fake_nothing(&f); /* the other one is still open */
    end();
}

Test(client_listen, gives_up_where_nobody_knows_of_it)
{
    begin(true, false);
    fake_discover(&f, ALL);
    listen_id();
    fake_error(&f, -32601, "Method not found", NULL);
    fake_nothing(&f);
    cr_assert(strstr(gn_buf_str(&f.notes), "Method not found"));
    gantry_request *r = subscribe("x:a");
    listen_id();
    fake_error(&f, -32601, "Method not found", NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    gantry_request_free(r);
    end();
}

Test(client_listen, waits_no_longer_than_the_timeout_for_the_agreement)
{
    options.timeout_ms = 50;
    begin(false, false);
    fake_discover(&f, ALL);
    gantry_request *r = subscribe("x:a");
    int64_t id = listen_id();
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_TIMEOUT);
    gantry_request_free(r);
    fake_next(&f, "notifications/cancelled");
    cr_assert_eq(gantry_read_int(f.m.params, "/requestId", 0), id);
    options.timeout_ms = 0;
    end();
}

Test(client_listen, has_no_timeout_once_it_is_agreed)
{
    options.timeout_ms = options.total_timeout_ms = 20;
    int64_t id = begin_with_one(false);
    gantry_client_run(f.client, 60);
    fake_nothing(&f);
    update(id, "x:a");
    cr_told("x:a ");
    options.timeout_ms = options.total_timeout_ms = 0;
    end();
}

Test(client_listen, may_be_cancelled_and_freed_at_any_time)
{
    begin(false, false);
    fake_discover(&f, ALL);
    gantry_request *a = subscribe("x:a");
    gantry_request_cancel(a, NULL);
    cr_assert_eq(fake_wait(&f, a), GANTRY_CLIENT_CANCELLED);
    gantry_request_free(a);
    gantry_request_free(subscribe("x:b"));
    listen_id();
    gantry_request_free(subscribe("x:c"));
    end();
}

Test(client_listen, to_tasks_that_are_wanted)
{
    begin(false, false);
    fake_discover(&f, "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
    gn_listen_task(f.client, "t1", true);
    gn_listen_task(f.client, "t1", true);
    gn_listen_task(f.client, "t2", true);
    int64_t id = listen_id();
    cr_assert_eq(gantry_read_count(f.m.params, "/notifications/taskIds"), 2);
    acknowledge(id, "{\"taskIds\":[\"t1\",\"t2\"]}");
    gn_listen_task(f.client, "t1", false);
    gn_listen_task(f.client, "t3", false);
    fake_nothing(&f);
    gn_listen_task(f.client, "t2", false);
    id = listen_id();
    cr_assert_str_eq(fake_param(&f, "/notifications/taskIds/0"), "t1");
    acknowledge(id, "{\"taskIds\":[\"t1\"]}");
    fake_next(&f, "notifications/cancelled");
    gn_listen_task(f.client, "t1", false);
    fake_next(&f, "notifications/cancelled");
    fake_nothing(&f);
    end();
}

Test(client_listen, survives_what_makes_no_sense)
{
    int64_t id = begin_with_one(false);
    static const char *const filters[] = {"7", "[]", "{\"resourceSubscriptions\":{}}", "null"};
    for (size_t i = 0; i < GN_COUNT(filters); i++)
        acknowledge(id, filters[i]); /* it has been agreed */
    acknowledge(id + 7, "{}");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                  "{\"requestId\":\"x\"}}");
    says(id, UPDATED, "\"uri\":7");
    says(id, UPDATED, "");
    cr_told("");
    gantry_request *r = subscribe("x:b");
    acknowledge(listen_id(), "7");
    ends_ok(r);
    end();
}

/* ---------------------------------------------------------------- the handshake era */

Test(client_listen, subscribes_one_by_one_after_a_handshake)
{
    begin(true, false);
    fake_initialize(&f, "2025-11-25", ALL);
    gantry_request *r = subscribe("x:a");
    fake_next(&f, "resources/subscribe");
    cr_assert_str_eq(fake_param(&f, "/uri"), "x:a");
    fake_result(&f, "{}");
    ends_ok(r);
    r = subscribe("x:none");
    fake_next(&f, "resources/subscribe");
    fake_error(&f, -32002, "no such resource", NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    gantry_request_free(r);
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"" UPDATED "\",\"params\":{\"uri\":\"x:a\"}}");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    cr_told("x:a tools ");
    fake_loses(&f, true);
    fake_next(&f, "initialize");
    fake_result(&f, "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":" ALL "}");
    fake_next(&f, "notifications/initialized");
    fake_next(&f, "resources/subscribe");
    cr_assert_str_eq(fake_param(&f, "/uri"), "x:a");
    fake_result(&f, "{}");
    fake_nothing(&f);
    cr_told("tools resources x:a ");
    r = gantry_client_unsubscribe(f.client, "x:a", NULL);
    fake_next(&f, "resources/unsubscribe");
    fake_result(&f, "{}");
    ends_ok(r);
    end();
}

Test(client_listen, keeps_no_connection_that_nobody_wants)
{
    begin(false, false);
    fake_initialize(&f, "2025-11-25", ALL);
    gantry_request *r = subscribe("x:a");
    fake_next(&f, "resources/subscribe");
    fake_result(&f, "{}");
    ends_ok(r);
    cr_assert(gn_listen_wants(f.client));
    r = gantry_client_unsubscribe(f.client, "x:a", NULL);
    fake_next(&f, "resources/unsubscribe");
    fake_result(&f, "{}");
    ends_ok(r);
    cr_assert(!gn_listen_wants(f.client));
    fake_loses(&f, true);
    fake_nothing(&f);
    cr_assert_eq(f.links, 1);
    end();
}
