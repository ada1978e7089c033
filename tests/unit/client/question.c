/* Unit tests of questions: what a server of the handshake era asks, and how it is answered. */
#include "fake.h"

#include "wire/meta.h"

#include "support.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_question);

#define TOOLS "{\"tools\":{}}"
#define FORM                                                                                       \
    "\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"     \
    "\"age\":{\"type\":\"integer\",\"minimum\":1}},\"required\":[\"name\"]}"
#define ASK(id, params)                                                                            \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"elicitation/create\",\"params\":{" params "}}"
#define SAMPLE(id, params)                                                                         \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"sampling/createMessage\",\"params\":{" params \
    "}}"
#define HELLO                                                                                      \
    "\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"hello\"}}],"       \
    "\"maxTokens\":10"

static struct fake f;

/* What the handlers were told; the question stays open unless `answer` is set. */
static struct {
    gantry_question *q[300];
    size_t count, gone;
    char url[200], id[80], message[200], completed[80];
    bool has_schema;
    void (*answer)(gantry_question *q);
} seen;

static void on_gone(gantry_question *q, void *arg)
{
    (void)arg;
    cr_assert(gantry_question_is_gone(q));
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
    gantry_question_on_gone(q, on_gone, NULL);
    if (seen.answer) {
        seen.count++;
        seen.answer(q);
    } else {
        cr_assert(seen.count < GN_COUNT(seen.q));
        seen.q[seen.count++] = q;
    }
}

static void on_elicit(gantry_client *c, gantry_question *q, const gantry_client_elicitation *e,
                      void *arg)
{
    (void)c, (void)arg;
    snprintf(seen.url, sizeof(seen.url), "%s", e->url ? e->url : "");
    snprintf(seen.id, sizeof(seen.id), "%s", e->id ? e->id : "");
    snprintf(seen.message, sizeof(seen.message), "%s", e->message);
    seen.has_schema = e->schema;
    keep(q);
}

static void on_sample(gantry_client *c, gantry_question *q, const gantry_json *params, void *arg)
{
    (void)c, (void)arg;
    cr_assert_eq(params, gantry_question_params(q));
    keep(q);
}

static void on_complete(gantry_client *c, const char *id, void *arg)
{
    (void)c, (void)arg;
    snprintf(seen.completed, sizeof(seen.completed), "%s", id);
}

static void connect_as(const gantry_client_handlers *handlers, const char *revision)
{
    memset(&seen, 0, sizeof(seen));
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.revision = revision, .handlers = handlers));
    fake_initialize(&f, revision, TOOLS);
}

static void connect_all(const char *revision)
{
    connect_as(GANTRY_CLIENT_HANDLERS(.on_elicit = on_elicit, .elicits_urls = true,
                                      .on_sample = on_sample, .on_elicit_complete = on_complete),
               revision);
}

/* The answer that comes now, as text: its result, or "CODE message" of its error. */
static char *answer_of(const char *id)
{
    fake_next(&f, NULL);
    GN_AUTO_FREE char *got = gantry_read_print(f.m.id);
    cr_assert_str_eq(got, id);
    if (f.m.result)
        return gantry_read_print(f.m.result);
    return gn_format("%d %s", (int)gantry_read_int(f.m.error, "/code", 0),
                     gantry_read_text(f.m.error, "/message"));
}

#define ANSWER(id, text)                                                                           \
    do {                                                                                           \
        GN_AUTO_FREE char *answer_ = answer_of(id);                                                \
        cr_assert_str_eq(answer_, text);                                                           \
    } while (0)
#define ANSWER_HAS(id, text)                                                                       \
    do {                                                                                           \
        GN_AUTO_FREE char *answer_ = answer_of(id);                                                \
        cr_assert(strstr(answer_, text), "%s", answer_);                                           \
    } while (0)

/* ---------------------------------------------------------------- what may be asked */

Test(client_question, answers_pings_and_refuses_what_it_does_not_know)
{
    connect_all("2025-11-25");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}");
    ANSWER("\"p\"", "{}");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\"}");
    ANSWER_HAS("7", "-32601 ");
    cr_assert_eq(seen.count, 0);
    fake_close(&f);
}

Test(client_question, refuses_what_it_has_no_handler_for)
{
    connect_as(NULL, "2025-11-25");
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    ANSWER_HAS("1", "-32601 ");
    fake_says(&f, SAMPLE("2", HELLO));
    ANSWER_HAS("2", "-32601 ");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"roots/list\"}");
    ANSWER_HAS("3", "-32601 ");
    fake_close(&f);
}

Test(client_question, knows_no_elicitation_before_it_was_invented)
{
    connect_all("2025-03-26");
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    ANSWER_HAS("1", "-32601 ");
    fake_close(&f);
}

Test(client_question, has_the_roots_of_the_options)
{
    const gantry_client_root roots[] = {{"/home/ada lovelace", "home"}, {"file:///tmp", NULL}};
    fake_open(&f, GANTRY_CLIENT_OPTIONS(.revision = "2025-06-18", .roots = roots, .root_count = 2));
    fake_initialize(&f, "2025-06-18", TOOLS);
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"roots/list\"}");
    ANSWER("3", "{\"roots\":[{\"uri\":\"file:///home/ada%20lovelace\",\"name\":\"home\"},"
                "{\"uri\":\"file:///tmp\"}]}");
    cr_assert_eq(gantry_client_set_roots(f.client, NULL, 0), GANTRY_CLIENT_OK);
    fake_next(&f, "notifications/roots/list_changed");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"roots/list\"}");
    ANSWER("4", "{\"roots\":[]}");
    fake_close(&f);
}

Test(client_question, ignores_and_notes_requests_in_the_stateless_era)
{
    memset(&seen, 0, sizeof(seen));
    fake_open(&f,
              GANTRY_CLIENT_OPTIONS(.handlers = GANTRY_CLIENT_HANDLERS(.on_elicit = on_elicit)));
    fake_discover(&f, TOOLS);
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}");
    fake_nothing(&f);
    cr_assert_eq(seen.count, 0);
    cr_assert(strstr(gn_buf_str(&f.notes), "elicitation/create"));
    fake_close(&f);
}

/* ---------------------------------------------------------------- forms */

Test(client_question, accepts_a_form_with_content_that_fits)
{
    connect_all("2025-06-18");
    fake_says(&f, ASK("\"a\"", "\"message\":\"Who?\"," FORM));
    cr_assert_eq(seen.count, 1);
    cr_assert_str_eq(seen.message, "Who?");
    cr_assert(seen.has_schema);
    cr_assert_str_eq(gantry_question_method(seen.q[0]), "elicitation/create");
    fake_nothing(&f);
    cr_assert_eq(gantry_question_accept(seen.q[0], " {\"name\" : \"Ada\", \"age\": 36}", NULL),
                 GANTRY_CLIENT_OK);
    ANSWER("\"a\"", "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\",\"age\":36}}");
    cr_assert_eq(gone(), 0);
    fake_close(&f);
}

Test(client_question, names_each_field_that_does_not_fit_and_stays_open)
{
    static const struct {
        const char *content, *why;
    } wrong[] = {
        {NULL, "name"},
        {"{\"name\":\"Ada\",\"age\":0}", "/age"},
        {"{\"name\":5,\"age\":\"many\"}", "/name"},
        {"{\"name\":5,\"age\":\"many\"}", "/age"},
        {"{\"name\":null}", "name"},
        {"{\"name\":{\"first\":\"Ada\"}}", "name"},
        {"{\"name\":\"Ada\",\"more\":{}}", "more"},
        {"{\"name\":\"Ada\",\"more\":[1]}", "more"},
        {"[]", "object"},
        {"{\"name\":", ""},
        {"\"Ada\"", "object"},
    };
    connect_all("2025-11-25");
    fake_says(&f, ASK("1", "\"mode\":\"form\",\"message\":\"Who?\"," FORM));
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        gantry_client_error err = {0};
        cr_assert_eq(gantry_question_accept(seen.q[0], wrong[i].content, &err),
                     GANTRY_CLIENT_INVALID);
        cr_assert_eq(err.status, GANTRY_CLIENT_INVALID);
        cr_assert(*err.message && strstr(err.message, wrong[i].why), "%s: %s",
                  wrong[i].content ? wrong[i].content : "", err.message);
    }
    fake_nothing(&f);
    cr_assert_eq(
        gantry_question_accept(seen.q[0], "{\"name\":\"Ada\",\"age\":null,\"x\":[\"y\"]}", NULL),
        GANTRY_CLIENT_OK);
    ANSWER("1", "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\",\"x\":[\"y\"]}}");
    fake_close(&f);
}

Test(client_question, adds_the_defaults_of_what_was_left_out)
{
    connect_all("2025-11-25");
    fake_says(
        &f,
        ASK("1",
            "\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{"
            "\"s\":{\"type\":\"string\",\"default\":\"Ada\"},"
            "\"n\":{\"type\":\"number\",\"default\":1.5},"
            "\"i\":{\"type\":\"integer\",\"default\":3},"
            "\"b\":{\"type\":\"boolean\",\"default\":false},"
            "\"e\":{\"type\":\"string\",\"enum\":[\"x\",\"y\"],\"default\":\"y\"},"
            "\"o\":{\"type\":\"string\",\"oneOf\":[{\"const\":\"k\",\"title\":\"K\"}],"
            "\"default\":\"k\"},"
            "\"m\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"p\",\"q\"]},"
            "\"default\":[\"q\"]},"
            "\"none\":{\"type\":\"string\"},"
            "\"wrong\":{\"type\":\"string\",\"default\":5},"
            "\"null\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}],\"default\":null}},"
            "\"required\":[\"s\",\"b\"]}"));
    cr_assert_eq(gantry_question_accept(seen.q[0], "{\"i\":4,\"s\":null}", NULL), GANTRY_CLIENT_OK);
    ANSWER("1", "{\"action\":\"accept\",\"content\":{\"i\":4,\"s\":\"Ada\",\"n\":1.5,\"b\":false,"
                "\"e\":\"y\",\"o\":\"k\",\"m\":[\"q\"]}}");
    fake_close(&f);
}

Test(client_question, is_declined_or_dismissed_by_a_person)
{
    connect_all("2025-11-25");
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    gantry_question_decline(seen.q[0]);
    ANSWER("1", "{\"action\":\"decline\"}");
    fake_says(&f, ASK("2", "\"message\":\"?\"," FORM));
    gantry_question_dismiss(seen.q[1]);
    ANSWER("2", "{\"action\":\"cancel\"}");
    fake_says(&f, ASK("3", "\"message\":\"?\"," FORM));
    gantry_question_fail(seen.q[2], -32000, "no screen");
    ANSWER("3", "-32000 no screen");
    fake_close(&f);
}

Test(client_question, refuses_forms_that_are_none)
{
    static const char *const wrong[] = {
        ASK("1", FORM),
        ASK("1", "\"message\":5," FORM),
        ASK("1", "\"message\":\"?\""),
        ASK("1", "\"message\":\"?\",\"mode\":\"voice\"," FORM),
        ASK("1", "\"message\":\"?\",\"mode\":7," FORM),
        ASK("1", "\"message\":\"?\",\"requestedSchema\":true"),
        ASK("1", "\"message\":\"?\",\"requestedSchema\":{\"type\":\"string\"}"),
        ASK("1", "\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":[]}"),
        ASK("1", "\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":"
                 "{\"a\":{\"type\":\"object\"}}}"),
        ASK("1", "\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":"
                 "{\"a\":true}}"),
        ASK("1", "\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":"
                 "{\"a\\u0000\":{\"type\":\"string\"}}}"),
        ASK("1", "\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":"
                 "{\"a\":{\"$ref\":\"https://example.com/schema.json\"}}}"),
        ASK("1", "\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":"
                 "{\"a\":{\"type\":\"string\",\"minLength\":\"x\"}}}"),
    };
    connect_all("2025-11-25");
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        fake_says(&f, wrong[i]);
        ANSWER_HAS("1", "-32602 elicitation/create: ");
        cr_assert_eq(seen.count, 0, "%s", wrong[i]);
    }
    fake_close(&f);
}

/* ---------------------------------------------------------------- URLs */

#define URL(id, url)                                                                               \
    ASK(id, "\"mode\":\"url\",\"message\":\"Go\",\"elicitationId\":\"e\",\"url\":\"" url "\"")

Test(client_question, sends_a_person_to_a_url_and_tells_of_the_end_once)
{
    connect_all("2025-11-25");
    fake_says(&f, URL("1", "https://example.com/x?y=1"));
    cr_assert_str_eq(seen.url, "https://example.com/x?y=1");
    cr_assert_str_eq(seen.id, "e");
    cr_assert_not(seen.has_schema);
    cr_assert_eq(gantry_question_accept(seen.q[0], "{}", NULL), GANTRY_CLIENT_INVALID);
    cr_assert_eq(gantry_question_accept(seen.q[0], NULL, NULL), GANTRY_CLIENT_OK);
    ANSWER("1", "{\"action\":\"accept\"}");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/elicitation/complete\","
                  "\"params\":{\"elicitationId\":\"other\"}}");
    cr_assert_str_eq(seen.completed, "");
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/elicitation/complete\","
                  "\"params\":{\"elicitationId\":\"e\"}}");
    cr_assert_str_eq(seen.completed, "e");
    seen.completed[0] = '\0';
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/elicitation/complete\","
                  "\"params\":{\"elicitationId\":\"e\"}}");
    cr_assert_str_eq(seen.completed, "");
    fake_close(&f);
}

Test(client_question, refuses_urls_that_nobody_should_open)
{
    static const char *const wrong[] = {
        URL("1", "javascript:alert(1)"),
        URL("1", "file:///etc/passwd"),
        URL("1", "/relative"),
        URL("1", "https://"),
        URL("1", "https://example.com/\\u001b[31m"),
        URL("1", "https://example.com/a b"),
        ASK("1", "\"mode\":\"url\",\"message\":\"Go\",\"elicitationId\":\"e\""),
        ASK("1", "\"mode\":\"url\",\"message\":\"Go\",\"url\":\"https://example.com/\""),
    };
    connect_all("2025-11-25");
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        fake_says(&f, wrong[i]);
        ANSWER_HAS("1", "-32602 ");
        cr_assert_eq(seen.count, 0, "%s", wrong[i]);
    }
    fake_close(&f);
}

Test(client_question, takes_only_the_modes_that_it_declared)
{
    connect_as(GANTRY_CLIENT_HANDLERS(.on_elicit = on_elicit), "2025-11-25");
    fake_says(&f, URL("1", "https://example.com/"));
    ANSWER_HAS("1", "-32602 ");
    fake_close(&f);
    connect_as(
        GANTRY_CLIENT_HANDLERS(.on_elicit = on_elicit, .elicits_urls = true, .refuses_forms = true),
        "2025-11-25");
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    ANSWER_HAS("1", "-32602 ");
    fake_says(&f, URL("2", "https://example.com/"));
    gantry_question_decline(seen.q[0]);
    ANSWER("2", "{\"action\":\"decline\"}");
    fake_close(&f);
}

/* ---------------------------------------------------------------- sampling */

Test(client_question, answers_for_a_model)
{
    connect_all("2025-11-25");
    fake_says(&f, SAMPLE("1", HELLO));
    gantry_question_say(seen.q[0], "m", "Hi \"you\"");
    ANSWER("1", "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"Hi \\\"you\\\"\""
                "},\"model\":\"m\",\"stopReason\":\"endTurn\"}");
    fake_says(&f, SAMPLE("2", HELLO));
    gantry_client_error err;
    cr_assert_eq(gantry_question_answer(seen.q[1], "[1]", &err), GANTRY_CLIENT_INVALID);
    cr_assert_eq(gantry_question_answer(seen.q[1], "{", NULL), GANTRY_CLIENT_INVALID);
    cr_assert_eq(gantry_question_answer(seen.q[1], NULL, NULL), GANTRY_CLIENT_INVALID);
    cr_assert_eq(gantry_question_answer(seen.q[1], "{ \"role\":\n\"assistant\"}", NULL),
                 GANTRY_CLIENT_OK);
    ANSWER("2", "{\"role\":\"assistant\"}");
    fake_says(&f, SAMPLE("3", HELLO));
    gantry_question_fail(seen.q[2], -1, NULL);
    ANSWER("3", "-1 User rejected sampling request");
    fake_says(&f, SAMPLE("4", HELLO));
    gantry_question_decline(seen.q[3]);
    ANSWER("4", "-1 User rejected sampling request");
    fake_close(&f);
}

#define USE "{\"role\":\"assistant\",\"content\":{\"type\":\"tool_use\",\"id\":\"t\"}}"
#define RESULT "{\"type\":\"tool_result\",\"toolUseId\":\"t\",\"content\":[]}"

Test(client_question, checks_what_a_model_is_to_read)
{
    static const char *const wrong[] = {
        SAMPLE("1", "\"maxTokens\":5"),
        SAMPLE("1", "\"messages\":[]"),
        SAMPLE("1", "\"messages\":{},\"maxTokens\":5"),
        SAMPLE("1", "\"messages\":[7],\"maxTokens\":5"),
        SAMPLE("1", "\"messages\":[{\"role\":\"system\",\"content\":{\"type\":\"text\"}}],"
                    "\"maxTokens\":5"),
        SAMPLE("1", "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"maxTokens\":5"),
        SAMPLE("1", "\"messages\":[{\"role\":\"user\",\"content\":[7]}],\"maxTokens\":5"),
        SAMPLE("1", HELLO ",\"tools\":[]"),
        SAMPLE("1", HELLO ",\"toolChoice\":{}"),
        SAMPLE("1", "\"messages\":[" USE "],\"maxTokens\":5"),
        SAMPLE("1", "\"messages\":[" USE ",{\"role\":\"user\",\"content\":[" RESULT
                    ",{\"type\":\"text\",\"text\":\"\"}]}],\"maxTokens\":5"),
    };
    connect_all("2025-11-25");
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        fake_says(&f, wrong[i]);
        ANSWER_HAS("1", "-32602 sampling/createMessage: ");
        cr_assert_eq(seen.count, 0, "%s", wrong[i]);
    }
    fake_says(&f, SAMPLE("2", "\"messages\":[" USE ",{\"role\":\"user\",\"content\":[" RESULT
                              "]}],\"maxTokens\":5"));
    gantry_question_say(seen.q[0], NULL, NULL);
    ANSWER_HAS("2", "\"model\":\"unknown\"");
    fake_close(&f);
}

/* ---------------------------------------------------------------- nobody wants the answer */

Test(client_question, is_gone_when_the_server_withdraws_it)
{
    connect_all("2025-11-25");
    fake_says(&f, ASK("\"1\"", "\"message\":\"?\"," FORM));
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                  "\"requestId\":1}}");
    cr_assert_eq(gone(), 1);
    cr_assert(gantry_question_is_gone(seen.q[1]));
    cr_assert_not(gantry_question_is_gone(seen.q[0]));
    cr_assert_eq(gantry_question_accept(seen.q[1], NULL, NULL), GANTRY_CLIENT_INVALID);
    cr_assert_eq(gantry_question_accept(seen.q[1], "{\"name\":\"x\"}", NULL), GANTRY_CLIENT_OK);
    fake_nothing(&f);
    gantry_question_decline(seen.q[0]);
    ANSWER("\"1\"", "{\"action\":\"decline\"}");
    fake_close(&f);
}

Test(client_question, tells_who_listens_when_it_is_told)
{
    connect_all("2025-11-25");
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    fake_says(&f, ASK("2", "\"message\":\"?\"," FORM));
    fake_loses(&f, true);
    gantry_question_on_gone(seen.q[0], NULL, NULL);
    cr_assert_eq(gone(), 1);
    gantry_question_decline(seen.q[0]);
    gantry_question_decline(seen.q[1]);
    fake_close(&f);
}

Test(client_question, is_gone_with_the_connection)
{
    connect_all("2025-11-25");
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    fake_loses(&f, true);
    cr_assert_eq(gone(), 1);
    gantry_question_decline(seen.q[0]);
    fake_close(&f);
}

Test(client_question, is_gone_with_the_client_and_may_be_answered_after)
{
    connect_all("2025-11-25");
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    fake_says(&f, ASK("2", "\"message\":\"?\"," FORM));
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                  "\"requestId\":2}}");
    fake_close(&f);
    cr_assert_eq(seen.gone, 2);
    cr_assert(gantry_question_is_gone(seen.q[0]));
    gantry_question_decline(seen.q[0]);
    cr_assert_eq(gantry_question_accept(seen.q[1], "{\"name\":\"x\"}", NULL), GANTRY_CLIENT_OK);
}

Test(client_question, is_gone_with_the_request_it_belongs_to)
{
    f.has_exchanges = true;
    connect_all("2025-11-25");
    f.has_exchanges = true;
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, NULL);
    fake_next(&f, "tools/call");
    fake_says(&f, ASK("1", "\"message\":\"?\"," FORM));
    cr_assert_eq(gantry_question_request(seen.q[0]), r);
    fake_result(&f, "{\"content\":[]}");
    cr_assert_eq(gone(), 1);
    cr_assert_null(gantry_question_request(seen.q[0]));
    gantry_question_dismiss(seen.q[0]);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    f.has_exchanges = false;
    fake_close(&f);
}

Test(client_question, are_at_most_so_many_at_once_even_if_withdrawn)
{
    connect_all("2025-11-25");
    for (int i = 0; i < 256; i++) {
        GN_AUTO_FREE char *ask = gn_format(ASK("%d", "\"message\":\"?\",%s"), i, FORM);
        fake_says(&f, ask);
        if (i % 2) {
            GN_AUTO_FREE char *cancel = gn_format("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
                                                  "cancelled\",\"params\":{\"requestId\":%d}}",
                                                  i);
            fake_says(&f, cancel);
        }
    }
    cr_assert_eq(seen.count, 256);
    cr_assert_eq(gone(), 128);
    fake_says(&f, ASK("256", "\"message\":\"?\"," FORM));
    ANSWER_HAS("256", "-32603 ");
    gantry_question_decline(seen.q[1]);
    fake_says(&f, ASK("257", "\"message\":\"?\"," FORM));
    cr_assert_eq(seen.count, 257);
    fake_nothing(&f);
    fake_close(&f);
    cr_assert_eq(seen.gone, 257);
    for (size_t i = 0; i < seen.count; i++) {
        if (i != 1)
            gantry_question_dismiss(seen.q[i]);
    }
}

static void answer_others(gantry_question *q, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < seen.count; i++) {
        if (seen.q[i] == q) {
            seen.q[i] = NULL;
            seen.gone++;
        }
    }
    gantry_question_decline(q);
}

Test(client_question, may_be_answered_as_it_goes)
{
    connect_all("2025-11-25");
    for (int i = 0; i < 3; i++) {
        GN_AUTO_FREE char *ask = gn_format(ASK("%d", "\"message\":\"?\",%s"), i, FORM);
        fake_says(&f, ask);
        gantry_question_on_gone(seen.q[i], answer_others, NULL);
    }
    fake_close(&f);
    cr_assert_eq(seen.gone, 3);
}

Test(client_question, says_which_task_its_answer_belongs_to)
{
    connect_all("2025-11-25");
    fake_says(&f, ASK("1", "\"message\":\"?\",\"_meta\":{\"io.modelcontextprotocol/related-task\":"
                           "{\"taskId\":\"t\"}}," FORM));
    gantry_question_decline(seen.q[0]);
    ANSWER("1", "{\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":\"t\"}},"
                "\"action\":\"decline\"}");
    fake_close(&f);
}

static void wait_ms(uint64_t ms)
{
    for (uint64_t end = gn_clock_ms() + ms; gn_clock_ms() < end;)
        fake_turn(&f);
}

Test(client_question, stops_the_time_of_what_it_may_belong_to)
{
    gantry_client_error err;
    for (int knows = 0; knows < 2; knows++) {
        f.has_exchanges = knows;
        connect_all("2025-11-25");
        gantry_request *r = gantry_client_call_tool(f.client, "x", NULL,
                                                    GANTRY_REQUEST_OPTIONS(.timeout_ms = 200));
        fake_next(&f, "tools/call");
        fake_says(&f, ASK("1", "\"message\":\"m\"," FORM));
        cr_assert_eq(seen.count, 1);
        wait_ms(400);
        cr_assert(!gantry_request_is_done(r));
        cr_assert_eq(gantry_question_accept(seen.q[0], "{\"name\":\"a\"}", &err), 0);
        fake_next(&f, NULL);
        cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_TIMEOUT, "it begins anew");
        gantry_request_free(r);
        fake_close(&f);
    }
}
