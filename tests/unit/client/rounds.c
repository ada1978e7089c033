/* Unit tests of requests that need more than one round: `input_required`, and URLs that are to be
 * visited first. */
#include "fake.h"

#include "support.h"

#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_rounds);

#define CAN "{\"tools\":{},\"resources\":{},\"prompts\":{}}"
#define FORM(default)                                                                              \
    "{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"form\",\"message\":\"Who?\","       \
    "\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\","      \
    "\"default\":\"" default "\"}},\"required\":[\"name\"]}}}"
#define SAMPLE                                                                                     \
    "{\"method\":\"sampling/createMessage\",\"params\":{\"messages\":[],\"maxTokens\":5}}"
#define ROOTS "{\"method\":\"roots/list\"}"
#define NEEDS(requests) "{\"resultType\":\"input_required\",\"inputRequests\":{" requests "}}"
#define DONE "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}"

static struct fake f;

static struct {
    gantry_question *q[100];
    size_t count, gone;
    bool at_once;            /* answered from within the handler */
    gantry_request *cancels; /* ended from within the handler */
    char id[80];
    int completed;
} seen;

static void on_gone(gantry_question *q, void *arg)
{
    (void)q, (void)arg;
    seen.gone++;
}

/* How many were told so far: from the loop, whatever let them go. */
static size_t gone(void)
{
    fake_turn(&f);
    return seen.gone;
}

static void keep(gantry_question *q)
{
    cr_assert(seen.count < GN_COUNT(seen.q));
    seen.q[seen.count++] = q;
    gantry_question_on_gone(q, on_gone, NULL);
    if (seen.cancels)
        gantry_request_cancel(seen.cancels, NULL);
}

static void on_elicit(gantry_client *c, gantry_question *q, const gantry_client_elicitation *e,
                      void *arg)
{
    (void)c, (void)arg;
    snprintf(seen.id, sizeof(seen.id), "%s", e->id ? e->id : "");
    keep(q);
    if (seen.at_once)
        gantry_question_accept(q, NULL, NULL);
}

static void on_sample(gantry_client *c, gantry_question *q, const gantry_json *params, void *arg)
{
    (void)c, (void)params, (void)arg;
    keep(q);
    if (seen.at_once)
        gantry_question_say(q, "m", "hi");
}

static void on_complete(gantry_client *c, const char *id, void *arg)
{
    (void)c, (void)id, (void)arg;
    seen.completed++;
}

static void open_fake(uint32_t max_rounds)
{
    static const gantry_client_root root = {"file:///home", NULL};
    memset(&seen, 0, sizeof(seen));
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.roots = &root, .root_count = 1, .max_rounds = max_rounds,
                                        .handlers = GANTRY_CLIENT_HANDLERS(.on_elicit = on_elicit,
                                                                           .elicits_urls = true,
                                                                           .on_sample = on_sample,
                                                                           .on_elicit_complete =
                                                                               on_complete)));
}

static void begin(void)
{
    open_fake(0);
    fake_discover(&f, CAN);
}

static gantry_request *call(void)
{
    gantry_request *r = gantry_client_call_tool(f.client, "x", "{\"a\":1}", NULL);
    fake_next(&f, "tools/call");
    cr_assert_null(gn_json_get(f.m.params, "inputResponses"));
    cr_assert_null(gn_json_get(f.m.params, "requestState"));
    return r;
}

#define HAS(pointer, text)                                                                         \
    do {                                                                                           \
        GN_AUTO_FREE char *value_ = gantry_read_print(gantry_read(f.m.params, pointer));           \
        cr_assert(gn_streq(value_, text), "%s", value_ ? value_ : "nothing");                      \
    } while (0)

/* The request ends well with the next answer. */
static void finish(gantry_request *r)
{
    fake_result(&f, DONE);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_request_text(r), "done");
    gantry_request_free(r);
    fake_nothing(&f);
    fake_close(&f);
}

static void ends(gantry_request *r, gantry_client_status status, const char *why)
{
    cr_assert_eq(fake_wait(&f, r), status, "%s: %s", gantry_client_status_name(r->status),
                 gantry_request_message(r));
    cr_assert(strstr(gantry_request_message(r), why), "%s", gantry_request_message(r));
    gantry_request_free(r);
}

/* ---------------------------------------------------------------- input_required */

Test(client_rounds, asks_all_at_once_and_sends_again_with_all_answers)
{
    begin();
    gantry_request *r = call();
    int64_t first = r->id;
    fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"a \\\"b\\\" \\u00e9\","
                    "\"inputRequests\":{\"one\":" FORM("Ada") ",\"t\\\"wo\":" SAMPLE
                                                              ",\"three\":" ROOTS "}}");
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(gantry_question_request(seen.q[0]), r);
    gantry_question_say(seen.q[1], "m", "hi");
    fake_nothing(&f);
    cr_assert_eq(gantry_question_accept(seen.q[0], "{\"name\":\"Bob\"}", NULL), GANTRY_CLIENT_OK);
    fake_next(&f, "tools/call");
    cr_assert(r->id != first);
    HAS("/inputResponses/one", "{\"action\":\"accept\",\"content\":{\"name\":\"Bob\"}}");
    HAS("/inputResponses/t\"wo/model", "\"m\"");
    HAS("/inputResponses/three", "{\"roots\":[{\"uri\":\"file:///home\"}]}");
    HAS("/requestState", "\"a \\\"b\\\" \xc3\xa9\"");
    HAS("/arguments", "{\"a\":1}");
    finish(r);
}

Test(client_rounds, carries_nothing_into_the_next_round)
{
    begin();
    gantry_request *r = call();
    fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"s\",\"inputRequests\":{"
                    "\"one\":" ROOTS "}}");
    fake_next(&f, "tools/call");
    HAS("/requestState", "\"s\"");
    fake_result(&f, NEEDS("\"two\":" ROOTS));
    fake_next(&f, "tools/call");
    cr_assert_null(gn_json_get(f.m.params, "requestState"));
    cr_assert_null(gantry_read(f.m.params, "/inputResponses/one"));
    cr_assert_not_null(gantry_read(f.m.params, "/inputResponses/two"));
    fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"\"}");
    fake_next(&f, "tools/call");
    HAS("/requestState", "\"\"");
    cr_assert_null(gn_json_get(f.m.params, "inputResponses"));
    finish(r);
}

Test(client_rounds, are_not_mixed_up_among_requests)
{
    begin();
    gantry_request *a = call();
    fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"of a\","
                    "\"inputRequests\":{\"k\":" FORM("a") "}}");
    gantry_request *b = call();
    fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"of b\","
                    "\"inputRequests\":{\"k\":" FORM("b") "}}");
    gantry_question_accept(seen.q[1], NULL, NULL);
    fake_next(&f, "tools/call");
    HAS("/requestState", "\"of b\"");
    HAS("/inputResponses/k/content/name", "\"b\"");
    fake_result(&f, DONE);
    ends(b, GANTRY_CLIENT_OK, "");
    gantry_question_decline(seen.q[0]);
    fake_next(&f, "tools/call");
    HAS("/requestState", "\"of a\"");
    HAS("/inputResponses/k", "{\"action\":\"decline\"}");
    finish(a);
}

Test(client_rounds, take_answers_from_within_the_handler)
{
    begin();
    seen.at_once = true;
    gantry_request *r = call();
    fake_result(&f, NEEDS("\"one\":" FORM("Ada") ",\"two\":" SAMPLE));
    fake_next(&f, "tools/call");
    HAS("/inputResponses/one/content/name", "\"Ada\"");
    HAS("/inputResponses/two/role", "\"assistant\"");
    finish(r);
}

Test(client_rounds, answer_for_resources_and_prompts_too)
{
    begin();
    gantry_request *r = gantry_client_read_resource(f.client, "x:y", NULL);
    fake_next(&f, "resources/read");
    fake_result(&f, NEEDS("\"k\":" ROOTS));
    fake_next(&f, "resources/read");
    HAS("/inputResponses/k/roots/0/uri", "\"file:///home\"");
    fake_result(&f, "{\"resultType\":\"complete\",\"contents\":[]}");
    ends(r, GANTRY_CLIENT_OK, "");
    r = gantry_client_get_prompt(f.client, "p", NULL, NULL);
    fake_next(&f, "prompts/get");
    fake_result(&f, NEEDS("\"k\":" ROOTS));
    fake_next(&f, "prompts/get");
    fake_result(&f, "{\"resultType\":\"complete\",\"messages\":[]}");
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
}

Test(client_rounds, end_after_so_many)
{
    open_fake(3);
    fake_discover(&f, CAN);
    gantry_request *r = call();
    for (int i = 0; i < 3; i++) {
        fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"s\"}");
        fake_next(&f, "tools/call");
    }
    fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"s\"}");
    ends(r, GANTRY_CLIENT_LIMIT, "3 rounds");
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_rounds, end_with_what_could_not_be_answered)
{
    begin();
    gantry_request *r = call();
    fake_result(&f, NEEDS("\"one\":" FORM("a") ",\"two\":" SAMPLE));
    gantry_question_fail(seen.q[1], -1, NULL);
    cr_assert_eq(gone(), 1);
    cr_assert(gantry_question_is_gone(seen.q[0]));
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    cr_assert_eq(gantry_request_error_code(r), -1);
    ends(r, GANTRY_CLIENT_ERROR, "User rejected");
    gantry_question_accept(seen.q[0], NULL, NULL);
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_rounds, refuse_what_the_protocol_does_not_allow)
{
    static const char *const wrong[] = {
        "{\"resultType\":\"input_required\"}",
        "{\"resultType\":\"input_required\",\"inputRequests\":{}}",
        "{\"resultType\":\"input_required\",\"inputRequests\":[]}",
        "{\"resultType\":\"input_required\",\"inputRequests\":null}",
        "{\"resultType\":\"input_required\",\"requestState\":5}",
        "{\"resultType\":\"input_required\",\"requestState\":null}",
        NEEDS("\"k\":5"),
        NEEDS("\"k\":{\"method\":5}"),
        NEEDS("\"k\":{\"method\":\"ping\"}"),
        NEEDS("\"k\":" ROOTS ",\"k\":" ROOTS),
        NEEDS("\"ok\":" ROOTS ",\"k\":{\"method\":\"elicitation/create\"}"),
        NEEDS("\"k\":{\"method\":\"sampling/createMessage\",\"params\":{\"messages\":5}}"),
        "{\"resultType\":\"whatever\"}",
        "{\"resultType\":5}",
    };
    begin();
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        gantry_request *r = call();
        fake_result(&f, wrong[i]);
        ends(r, GANTRY_CLIENT_PROTOCOL, "");
        fake_nothing(&f);
    }
    gantry_request *r = call();
    struct gn_buf many = GN_BUF_INIT(1 << 16);
    gn_buf_adds(&many, "{\"resultType\":\"input_required\",\"inputRequests\":{");
    for (int i = 0; i < 65; i++)
        gn_buf_addf(&many, "%s\"%d\":" ROOTS, i ? "," : "", i);
    gn_buf_adds(&many, "}}");
    fake_result(&f, gn_buf_str(&many));
    gn_buf_release(&many);
    ends(r, GANTRY_CLIENT_PROTOCOL, "too many");
    r = gantry_client_request(f.client, "completion/complete", "{}", NULL);
    if (!gantry_request_is_done(r) && r->state == GN_REQUEST_SENT) {
        fake_next(&f, "completion/complete");
        fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"s\"}");
    }
    fake_wait(&f, r);
    gantry_request_free(r);
    cr_assert_eq(seen.count, 0);
    fake_close(&f);
}

Test(client_rounds, refuse_what_nobody_offered)
{
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.name = NULL));
    fake_discover(&f, CAN);
    gantry_request *r = call();
    fake_result(&f, NEEDS("\"k\":" ROOTS));
    ends(r, GANTRY_CLIENT_PROTOCOL, "roots");
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_rounds, end_with_the_result_if_the_caller_answers)
{
    begin();
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL,
                                                GANTRY_REQUEST_OPTIONS(.keeps_rounds = true));
    fake_next(&f, "tools/call");
    fake_result(&f, NEEDS("\"k\":" ROOTS));
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_read_text(gantry_request_result(r), "/inputRequests/k/method"),
                     "roots/list");
    gantry_request_free(r);
    r = gantry_client_request(f.client, "tools/call",
                              "{\"name\":\"x\",\"inputResponses\":{\"k\":{}},\"requestState\":"
                              "\"mine\",\"arguments\":{}}",
                              NULL);
    fake_next(&f, "tools/call");
    HAS("/requestState", "\"mine\"");
    fake_result(&f, NEEDS("\"j\":" ROOTS));
    fake_next(&f, "tools/call");
    cr_assert_null(gn_json_get(f.m.params, "requestState"));
    HAS("/name", "\"x\"");
    cr_assert_null(gantry_read(f.m.params, "/inputResponses/k"));
    finish(r);
}

Test(client_rounds, withdraw_their_questions_when_cancelled)
{
    begin();
    gantry_request *r = call();
    fake_result(&f, NEEDS("\"one\":" FORM("a") ",\"two\":" SAMPLE));
    gantry_request_cancel(r, "enough");
    cr_assert_eq(seen.gone, 0); /* never from within a call */
    cr_assert(gantry_question_is_gone(seen.q[0]));
    cr_assert_eq(gone(), 2);
    ends(r, GANTRY_CLIENT_CANCELLED, "enough");
    gantry_question_accept(seen.q[0], NULL, NULL);
    gantry_question_say(seen.q[1], "m", "x");
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_rounds, may_be_cancelled_by_who_is_asked)
{
    begin();
    gantry_request *r = call();
    seen.cancels = r;
    fake_result(&f, NEEDS("\"one\":" FORM("a") ",\"two\":" SAMPLE));
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(gone(), 1);
    gantry_question_decline(seen.q[0]);
    ends(r, GANTRY_CLIENT_CANCELLED, "");
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_rounds, go_on_over_a_new_connection)
{
    begin();
    gantry_request *r = call();
    fake_result(&f, "{\"resultType\":\"input_required\",\"requestState\":\"s\",\"inputRequests\":{"
                    "\"one\":" FORM("Ada") "}}");
    fake_loses(&f, true);
    cr_assert_eq(gone(), 0);
    gantry_question_accept(seen.q[0], NULL, NULL);
    fake_next(&f, "server/discover");
    fake_result(&f, "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],"
                    "\"capabilities\":" CAN "}");
    fake_next(&f, "tools/call");
    HAS("/requestState", "\"s\"");
    HAS("/inputResponses/one/content/name", "\"Ada\"");
    finish(r);
}

Test(client_rounds, are_none_in_the_handshake_era)
{
    open_fake(0);
    fake_initialize(&f, "2025-11-25", CAN);
    gantry_request *r = call();
    fake_result(&f, NEEDS("\"one\":" ROOTS));
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_rounds, the_time_of_a_person_does_not_count)
{
    begin();
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL,
                                                GANTRY_REQUEST_OPTIONS(.timeout_ms = 20));
    fake_next(&f, "tools/call");
    fake_result(&f, NEEDS("\"one\":" FORM("Ada")));
    uv_sleep(40);
    fake_nothing(&f);
    cr_assert_not(gantry_request_is_done(r));
    gantry_question_accept(seen.q[0], NULL, NULL);
    fake_next(&f, "tools/call");
    ends(r, GANTRY_CLIENT_TIMEOUT, "");
    fake_close(&f);
    begin();
    r = gantry_client_call_tool(f.client, "x", NULL,
                                GANTRY_REQUEST_OPTIONS(.total_timeout_ms = 30));
    fake_next(&f, "tools/call");
    fake_result(&f, NEEDS("\"one\":" FORM("Ada")));
    ends(r, GANTRY_CLIENT_TIMEOUT, "");
    cr_assert_eq(gone(), 1);
    gantry_question_decline(seen.q[0]);
    fake_close(&f);
}

/* ---------------------------------------------------------------- URLs to be visited first */

#define VISIT(id)                                                                                  \
    "{\"mode\":\"url\",\"elicitationId\":\"" id "\",\"url\":\"https://example.com/" id             \
    "\",\"message\":\"Go\"}"

static void needs_visits(const char *visits)
{
    GN_AUTO_FREE char *data = gn_format("{\"elicitations\":[%s]}", visits);
    fake_error(&f, -32042, "go there first", data);
}

static void begin_2025(void)
{
    open_fake(0);
    fake_initialize(&f, "2025-11-25", CAN);
}

static void completes(const char *id)
{
    GN_AUTO_FREE char *text = gn_format(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/elicitation/complete\",\"params\":{"
        "\"elicitationId\":\"%s\"}}",
        id);
    fake_says(&f, text);
}

Test(client_rounds, send_again_once_every_url_was_visited)
{
    begin_2025();
    gantry_request *r = call();
    needs_visits(VISIT("a") "," VISIT("b"));
    cr_assert_eq(seen.count, 2);
    cr_assert_str_eq(seen.id, "b");
    gantry_question_accept(seen.q[1], NULL, NULL);
    completes("b");
    fake_nothing(&f);
    gantry_question_accept(seen.q[0], NULL, NULL);
    cr_assert_eq(r->state, GN_REQUEST_PAUSED);
    completes("a");
    cr_assert_eq(seen.completed, 2);
    fake_next(&f, "tools/call");
    finish(r);
}

Test(client_rounds, send_again_in_any_case_and_ask_nobody_twice)
{
    begin_2025();
    gantry_request *r = call();
    needs_visits(VISIT("a"));
    gantry_question_accept(seen.q[0], NULL, NULL);
    fake_next(&f, "tools/call"); /* the server never tells */
    needs_visits(VISIT("b") "," VISIT("a"));
    cr_assert_eq(seen.count, 2);
    cr_assert_str_eq(seen.id, "b");
    gantry_question_accept(seen.q[1], NULL, NULL);
    fake_next(&f, "tools/call");
    finish(r);
}

Test(client_rounds, end_with_the_error_if_the_person_will_not_go)
{
    begin_2025();
    gantry_request *r = call();
    needs_visits(VISIT("a") "," VISIT("b"));
    gantry_question_decline(seen.q[0]);
    cr_assert_eq(gone(), 1);
    gantry_question_decline(seen.q[1]);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    cr_assert_eq(gantry_request_error_code(r), -32042);
    cr_assert_str_eq(gantry_read_text(gantry_request_error_data(r), "/elicitations/1/mode"), "url");
    ends(r, GANTRY_CLIENT_ERROR, "go there first");
    fake_close(&f);
}

Test(client_rounds, leave_an_error_without_urls_alone)
{
    static const char *const data[] = {
        "",
        "7",
        VISIT("a") ",{\"mode\":\"form\",\"elicitationId\":\"x\"}",
        "{\"mode\":\"url\",\"url\":\"https://example.com/\",\"message\":\"?\"}",
    };
    begin_2025();
    for (size_t i = 0; i < GN_COUNT(data); i++) {
        gantry_request *r = call();
        needs_visits(data[i]);
        ends(r, GANTRY_CLIENT_ERROR, "go there first");
    }
    gantry_request *r = call();
    fake_error(&f, -32042, "go there first", NULL);
    ends(r, GANTRY_CLIENT_ERROR, "go there first");
    r = call();
    needs_visits("{\"mode\":\"url\",\"elicitationId\":\"x\",\"url\":\"file:///x\",\"message\":"
                 "\"?\"}");
    ends(r, GANTRY_CLIENT_PROTOCOL, "http");
    cr_assert_eq(seen.count, 0);
    fake_close(&f);
}
