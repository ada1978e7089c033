/* Unit tests of the client's core: connecting and finding the era, requests from their making to
 * their end, what is lost and tried again. */
#include "fake.h"

#include "wire/meta.h"

#include "support.h"

#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_core);

#define TOOLS "{\"tools\":{}}"

static struct fake f;

static void open_fake(void)
{
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.name = "test"));
}

/* ---------------------------------------------------------------- the era */

Test(client_core, speaks_the_stateless_era_to_who_discovers)
{
    open_fake();
    gantry_request *r = gantry_client_call_tool(f.client, "x", "{\"a\": 1}", NULL);
    fake_next(&f, "server/discover");
    cr_assert_str_eq(fake_param(&f, "/_meta/io.modelcontextprotocol~1protocolVersion"),
                     "2026-07-28");
    cr_assert_str_eq(fake_param(&f, "/_meta/io.modelcontextprotocol~1clientInfo/name"), "test");
    fake_result(&f, "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":" TOOLS "}");
    fake_next(&f, "tools/call");
    cr_assert_str_eq(fake_param(&f, "/_meta/io.modelcontextprotocol~1protocolVersion"),
                     "2026-07-28");
    cr_assert_str_eq(f.name, "x");
    cr_assert_eq(gantry_read_int(f.m.params, "/arguments/a", 0), 1);
    fake_result(&f, "{\"content\":[{\"type\":\"text\",\"text\":\"hi\"},"
                    "{\"type\":\"text\",\"text\":\"you\"}]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_request_text(r), "hi\nyou");
    cr_assert_str_eq(gantry_client_revision(f.client), "2026-07-28");
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, shakes_hands_with_who_does_not)
{
    open_fake();
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "server/discover");
    fake_error(&f, -32601, "no", NULL);
    fake_next(&f, "initialize");
    cr_assert_str_eq(fake_param(&f, "/protocolVersion"), "2025-11-25");
    cr_assert_str_eq(fake_param(&f, "/clientInfo/name"), "test");
    fake_result(&f, "{\"protocolVersion\":\"2025-03-26\",\"capabilities\":" TOOLS "}");
    fake_next(&f, "notifications/initialized");
    fake_next(&f, "tools/call");
    cr_assert_null(gn_json_get(f.m.params, "_meta"));
    fake_result(&f, "{\"content\":[]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_client_revision(f.client), "2025-03-26");
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, asks_nothing_before_the_level_of_log_messages_is_set)
{
    for (int refuses = 0; refuses < 2; refuses++) {
        fake_open(&f, GANTRY_CLIENT_OPTIONS(.log_level = "info", .revision = "2025-11-25"));
        gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, NULL);
        fake_next(&f, "initialize");
        fake_result(&f, "{\"protocolVersion\":\"2025-11-25\","
                        "\"capabilities\":{\"tools\":{},\"logging\":{}}}");
        fake_next(&f, "notifications/initialized");
        fake_next(&f, "logging/setLevel");
        cr_assert_str_eq(fake_param(&f, "/level"), "info");
        fake_nothing(&f);
        if (refuses)
            fake_error(&f, -32603, "no", NULL);
        else
            fake_result(&f, "{}");
        fake_next(&f, "tools/call");
        fake_result(&f, "{\"content\":[]}");
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
        gantry_request_free(r);
        fake_close(&f);
    }
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.log_level = "info", .revision = "2025-11-25"));
    gantry_request *r = gantry_client_connect(f.client, NULL);
    fake_next(&f, "initialize");
    fake_result(&f, "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"logging\":{}}}");
    fake_next(&f, "notifications/initialized");
    fake_next(&f, "logging/setLevel");
    fake_loses(&f, false);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_CONNECTION);
    gantry_request_free(r);
    fake_close(&f);
}

#define REFUSES_HANDSHAKE "{\"supported\":[\"2026-07-28\"],\"requested\":\"2025-11-25\"}"

static void lose_and_ask(gantry_request **r)
{
    fake_loses(&f, true);
    *r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "initialize");
    fake_error(&f, -32022, "not any more", REFUSES_HANDSHAKE);
}

Test(client_core, looks_anew_at_who_shakes_hands_no_more)
{
    gantry_request *r;
    open_fake();
    fake_initialize(&f, "2025-11-25", TOOLS);
    lose_and_ask(&r);
    fake_next(&f, "server/discover");
    fake_result(&f, "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":" TOOLS "}");
    fake_next(&f, "tools/call");
    fake_result(&f, "{\"content\":[]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, looks_anew_only_once_at_who_refuses_all)
{
    gantry_request *r;
    open_fake();
    fake_initialize(&f, "2025-11-25", TOOLS);
    lose_and_ask(&r);
    fake_next(&f, "server/discover");
    fake_error(&f, -32601, "no", NULL);
    fake_next(&f, "initialize");
    fake_error(&f, -32601, "no", NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    gantry_request_free(r);
    r = gantry_client_call_tool(f.client, "x", NULL, NULL); /* nothing is known of it now */
    fake_next(&f, "server/discover");
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, takes_a_version_out_of_the_refusal)
{
    open_fake();
    gantry_request *r = gantry_client_connect(f.client, NULL);
    fake_next(&f, "server/discover");
    fake_error(&f, -32022, "no", "{\"supported\":[\"2025-11-25\",\"2025-06-18\"]}");
    fake_next(&f, "initialize");
    fake_result(&f, "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_read_text(gantry_request_result(r), "/protocolVersion"), "2025-11-25");
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, asks_a_program_that_ended_over_the_question_to_initialize)
{
    open_fake();
    gantry_request *r = gantry_client_connect(f.client, NULL);
    fake_next(&f, "server/discover");
    fake_loses(&f, true);
    fake_next(&f, "initialize");
    cr_assert_eq(f.links, 2);
    fake_result(&f, "{\"protocolVersion\":\"2024-11-05\",\"capabilities\":{}}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, speaks_a_pinned_revision_and_no_other)
{
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.revision = "2025-06-18"));
    gantry_request *r = gantry_client_connect(f.client, NULL);
    fake_next(&f, "initialize");
    cr_assert_str_eq(fake_param(&f, "/protocolVersion"), "2025-06-18");
    fake_result(&f, "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_UNSUPPORTED);
    cr_assert(strstr(gantry_request_message(r), "2025-06-18"));
    gantry_request_free(r);
    fake_close(&f);
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.revision = "2026-07-28"));
    r = gantry_client_connect(f.client, NULL);
    fake_next(&f, "server/discover");
    fake_error(&f, -32601, "what?", NULL);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    cr_assert_eq(gantry_request_error_code(r), -32601);
    cr_assert_str_eq(gantry_request_message(r), "server/discover is refused: what?");
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, tells_of_revisions_that_nobody_shares)
{
    open_fake();
    gantry_request *r = gantry_client_connect(f.client, NULL);
    fake_next(&f, "server/discover");
    fake_error(&f, -32022, "no", "{\"supported\":[\"2031-01-01\"]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_UNSUPPORTED);
    cr_assert(strstr(gantry_request_message(r), "2031-01-01"));
    cr_assert_eq(gantry_client_get_state(f.client), GANTRY_STATE_FAILED);
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, asks_once_more_who_refuses_what_it_says_it_speaks)
{
    static const char supported[] = "{\"supported\":[\"2026-07-28\"]}";
    open_fake();
    gantry_request *r = gantry_client_connect(f.client, NULL);
    fake_next(&f, "server/discover");
    fake_error(&f, -32022, "no", supported);
    fake_discover(&f, TOOLS);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    fake_close(&f);
    open_fake();
    r = gantry_client_connect(f.client, NULL);
    fake_next(&f, "server/discover");
    fake_error(&f, -32022, "no", supported);
    fake_next(&f, "server/discover");
    fake_error(&f, -32022, "no", supported);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_PROTOCOL);
    cr_assert(strstr(gantry_request_message(r), "says that it speaks it"));
    gantry_request_free(r);
    fake_close(&f);
}

/* ---------------------------------------------------------------- requests */

Test(client_core, answers_in_any_order)
{
    gantry_request *r[100];
    int64_t id[100];
    open_fake();
    fake_discover(&f, TOOLS);
    for (size_t i = 0; i < GN_COUNT(r); i++) {
        r[i] = gantry_client_call_tool(f.client, "x", NULL, NULL);
        fake_next(&f, "tools/call");
        cr_assert(gn_json_int(f.m.id, &id[i]));
    }
    for (size_t i = GN_COUNT(r); i-- > 0;) {
        char text[128];
        snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":{\"n\":%zu}}",
                 (long long)id[i], i);
        fake_says(&f, text);
    }
    for (size_t i = 0; i < GN_COUNT(r); i++) {
        cr_assert_eq(fake_wait(&f, r[i]), GANTRY_CLIENT_OK);
        cr_assert_eq(gantry_read_int(gantry_request_result(r[i]), "/n", -1), (int64_t)i);
        gantry_request_free(r[i]);
    }
    fake_close(&f);
}

Test(client_core, ends_what_is_wrong_without_sending_it)
{
    static const struct {
        const char *method, *params;
        gantry_client_status status;
    } bad[] = {
        {"", NULL, GANTRY_CLIENT_INVALID},
        {NULL, NULL, GANTRY_CLIENT_INVALID},
        {"tools/call", "[1]", GANTRY_CLIENT_INVALID},
        {"tools/call", "{", GANTRY_CLIENT_INVALID},
        {"prompts/get", "{\"name\":\"x\"}", GANTRY_CLIENT_UNSUPPORTED},
        {"logging/setLevel", "{}", GANTRY_CLIENT_UNSUPPORTED},
    };
    open_fake();
    fake_discover(&f, TOOLS);
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        gantry_request *r = gantry_client_request(f.client, bad[i].method, bad[i].params, NULL);
        cr_assert_eq(fake_wait(&f, r), bad[i].status, "%zu: %s", i, gantry_request_message(r));
        cr_assert_neq(*gantry_request_message(r), '\0');
        gantry_request_free(r);
    }
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_core, refuses_options_without_their_size)
{
    open_fake();
    gantry_request_options options = {.timeout_ms = 5};
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, &options);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_INVALID);
    cr_assert(strstr(gantry_request_message(r), "size"));
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, tells_errors_of_the_server)
{
    open_fake();
    fake_discover(&f, TOOLS);
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "tools/call");
    fake_error(&f, -32602, "no tool x", "{\"a\":[7]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    cr_assert_eq(gantry_request_error_code(r), -32602);
    cr_assert_str_eq(gantry_request_message(r), "no tool x");
    cr_assert_eq(gantry_read_int(gantry_request_error_data(r), "/a/0", 0), 7);
    cr_assert_null(gantry_request_result(r));
    gantry_request_free(r);
    r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "tools/call");
    fake_result(&f, "{\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\"broken\"}]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_TOOL_ERROR);
    cr_assert_str_eq(gantry_request_message(r), "broken");
    cr_assert_not_null(gantry_request_result(r));
    gantry_request_free(r);
    fake_close(&f);
}

static int done;

static void count_done(gantry_request *r, void *arg)
{
    (void)arg;
    cr_assert(gantry_request_is_done(r));
    done++;
    gantry_request_free(r); /* harmless: it goes by itself */
}

Test(client_core, tells_the_end_from_the_loop)
{
    done = 0;
    open_fake();
    fake_discover(&f, TOOLS);
    gantry_client_request(f.client, "", NULL, GANTRY_REQUEST_OPTIONS(.on_done = count_done));
    cr_assert_eq(done, 0);
    fake_turn(&f);
    cr_assert_eq(done, 1);
    gantry_client_call_tool(f.client, "x", NULL, GANTRY_REQUEST_OPTIONS(.on_done = count_done));
    fake_next(&f, "tools/call");
    fake_close(&f);
    cr_assert_eq(done, 2);
}

Test(client_core, tells_the_server_of_a_cancellation)
{
    open_fake();
    fake_discover(&f, TOOLS);
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "tools/call");
    int64_t id;
    cr_assert(gn_json_int(f.m.id, &id));
    gantry_request_cancel(r, "enough");
    fake_next(&f, "notifications/cancelled");
    cr_assert_eq(gantry_read_int(f.m.params, "/requestId", 0), id);
    cr_assert_str_eq(fake_param(&f, "/reason"), "enough");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_CANCELLED);
    cr_assert_eq(f.forgotten, 1);
    gantry_request_free(r);
    r = gantry_client_call_tool(f.client, "x", NULL, GANTRY_REQUEST_OPTIONS(.timeout_ms = 1));
    fake_next(&f, "tools/call");
    fake_next(&f, "notifications/cancelled");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_TIMEOUT);
    gantry_request_free(r);
    r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "tools/call");
    gantry_request_free(r);
    fake_next(&f, "notifications/cancelled");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}"); /* nobody waits for it */
    fake_close(&f);
}

Test(client_core, cancels_an_exchange_of_the_stateless_era_by_closing_it)
{
    f.has_exchanges = true;
    open_fake();
    fake_discover(&f, TOOLS);
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "tools/call");
    gantry_request_cancel(r, NULL);
    fake_nothing(&f);
    cr_assert_eq(f.forgotten, 1);
    gantry_request_free(r);
    fake_close(&f);
    f.has_exchanges = false;
}

Test(client_core, bounds_what_is_under_way)
{
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.max_requests = 2));
    fake_discover(&f, TOOLS);
    gantry_request *r[3];
    for (size_t i = 0; i < 3; i++)
        r[i] = gantry_client_call_tool(f.client, "x", NULL, NULL);
    cr_assert_eq(fake_wait(&f, r[2]), GANTRY_CLIENT_LIMIT);
    fake_next(&f, "tools/call");
    fake_result(&f, "{}");
    cr_assert_eq(fake_wait(&f, r[0]), GANTRY_CLIENT_OK);
    gantry_request_free(r[2]);
    r[2] = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "tools/call");
    fake_next(&f, "tools/call");
    for (size_t i = 0; i < 3; i++)
        gantry_request_free(r[i]);
    fake_close(&f);
}

/* ---------------------------------------------------------------- what is lost */

Test(client_core, repeats_what_is_safe_and_ends_what_is_not)
{
    open_fake();
    fake_discover(&f, "{\"tools\":{},\"prompts\":{}}");
    gantry_request *call = gantry_client_call_tool(f.client, "x", NULL, NULL);
    gantry_request *get = gantry_client_get_prompt(f.client, "p", NULL, NULL);
    gantry_request *again = gantry_client_call_tool(f.client, "y", NULL,
                                                    GANTRY_REQUEST_OPTIONS(.may_retry = true));
    fake_next(&f, "tools/call");
    fake_next(&f, "prompts/get");
    fake_next(&f, "tools/call");
    fake_loses(&f, true);
    cr_assert_eq(fake_wait(&f, call), GANTRY_CLIENT_CONNECTION);
    cr_assert(strstr(gantry_request_message(call), "the fake is gone"));
    fake_discover(&f, "{\"tools\":{},\"prompts\":{}}");
    cr_assert_eq(f.links, 2);
    for (int i = 0; i < 2; i++) {
        fake_next(&f, i == 0 ? "prompts/get" : "tools/call");
        fake_result(&f, "{}");
    }
    cr_assert_eq(fake_wait(&f, get), GANTRY_CLIENT_OK);
    cr_assert_eq(fake_wait(&f, again), GANTRY_CLIENT_OK);
    gantry_request_free(call);
    gantry_request_free(get);
    gantry_request_free(again);
    fake_close(&f);
}

Test(client_core, gives_up_after_some_tries)
{
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.retries = 2));
    fake_discover(&f, "{\"prompts\":{}}");
    gantry_request *r = gantry_client_get_prompt(f.client, "p", NULL, NULL);
    for (int i = 0; i < 2; i++) {
        fake_next(&f, "prompts/get");
        fake_loses(&f, true);
        fake_discover(&f, "{\"prompts\":{}}");
    }
    fake_next(&f, "prompts/get");
    fake_loses(&f, true);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_CONNECTION);
    cr_assert_eq(gantry_client_get_state(f.client), GANTRY_STATE_FAILED);
    gantry_request_free(r);
    fake_discover(&f, "{\"prompts\":{}}"); /* being asked again is a new beginning */
    fake_close(&f);
}

Test(client_core, ends_what_waits_when_there_is_no_connection)
{
    f.opens_by_hand = true;
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.retries = GANTRY_CLIENT_NONE));
    gantry_request *r = gantry_client_connect(f.client, NULL);
    fake_turn(&f);
    fake_loses(&f, true);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_CONNECTION);
    gantry_request_free(r);
    r = gantry_client_connect(f.client, GANTRY_REQUEST_OPTIONS(.timeout_ms = 5));
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_TIMEOUT);
    gantry_request_free(r);
    r = gantry_client_connect(f.client, NULL);
    fake_close(&f); /* with one that waits */
    cr_assert_eq(gantry_request_status(r), GANTRY_CLIENT_CANCELLED);
    gantry_request_free(r);
    f.opens_by_hand = false;
}

Test(client_core, sends_an_exchange_that_failed_again)
{
    struct gn_failure busy = {
        .status = GANTRY_CLIENT_CONNECTION, .http_status = 503, .is_passing = true};
    f.has_exchanges = true;
    open_fake();
    gn_error_set(&busy.why, GN_EBUSY, "busy");
    fake_discover(&f, "{\"tools\":{},\"prompts\":{}}");
    gantry_request *r = gantry_client_get_prompt(f.client, "p", NULL, NULL);
    fake_next(&f, "prompts/get");
    fake_fails(&f, &busy);
    fake_next(&f, "prompts/get");
    fake_result(&f, "{}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "tools/call");
    fake_fails(&f, &busy);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_CONNECTION);
    cr_assert_eq(gantry_request_http_status(r), 503);
    gantry_request_free(r);
    fake_close(&f);
    f.has_exchanges = false;
}

/* ---------------------------------------------------------------- what the caller gives */

Test(client_core, sends_a_reason_of_any_length)
{
    GN_AUTO_FREE char *reason = gn_calloc(1, 10001);
    memset(reason, 'a', 10000);
    reason[4050] = '"';
    open_fake();
    fake_initialize(&f, "2025-11-25", TOOLS);
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "tools/call");
    gantry_request_cancel(r, reason);
    fake_next(&f, "notifications/cancelled");
    cr_assert_eq(gantry_read_int(f.m.params, "/requestId", 0), 3);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_CANCELLED);
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, sends_one_meta_with_what_the_caller_put_into_params)
{
    open_fake();
    fake_discover(&f, TOOLS);
    gantry_request *r = gantry_client_request(f.client, "tools/call",
                                              "{\"name\":\"x\",\"_meta\":{\"a/b\":1}}",
                                              GANTRY_REQUEST_OPTIONS(.meta = "{\"c/d\":2}"));
    const char *text = fake_peek(&f);
    const char *first = strstr(text, "\"_meta\"");
    cr_assert_null(strstr(first + 1, "\"_meta\""), "%s", text);
    fake_next(&f, "tools/call");
    cr_assert_eq(gantry_read_int(f.m.params, "/_meta/a~1b", 0), 1, "%s", text);
    cr_assert_eq(gantry_read_int(f.m.params, "/_meta/c~1d", 0), 2);
    cr_assert_str_eq(fake_param(&f, "/_meta/io.modelcontextprotocol~1protocolVersion"),
                     "2026-07-28");
    fake_result(&f, "{\"content\":[]}");
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_core, takes_only_objects_as_arguments)
{
    static const char *const wrong[] = {
        "[1]", "5", "null", "", "{},\"name\":\"y\"", "{},\"task\":{\"ttl\":1}"};
    open_fake();
    fake_discover(&f, "{\"tools\":{},\"prompts\":{}}");
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        gantry_request *r = gantry_client_call_tool(f.client, "x", wrong[i], NULL);
        gantry_request *p = gantry_client_get_prompt(f.client, "x", wrong[i], NULL);
        fake_nothing(&f);
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_INVALID, "%s", wrong[i]);
        cr_assert_eq(fake_wait(&f, p), GANTRY_CLIENT_INVALID, "%s", wrong[i]);
        gantry_request_free(r);
        gantry_request_free(p);
    }
    fake_close(&f);
}
