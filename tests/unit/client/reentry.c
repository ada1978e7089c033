/* Unit tests of what handlers may do: at every call of every handler, one after the other, the
 * client is closed, what was asked is freed or cancelled, or something else is asked. Whatever
 * that is, all ends, once, and nothing is told after the end. */
#include "fake.h"

#include "support.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_reentry);

#define RUNS_MAX 400 /* calls of handlers in one run */
#define DEADLINE_MS 20000

enum action { CLOSES, FREES, CANCELS, ASKS, ACTIONS };
static const char *const action_names[] = {"closes", "frees", "cancels", "asks"};

struct plan {
    const char *name;
    bool is_handshake, has_exchanges, loses;
    const char *tool; /* that is called */
};

static const struct plan plans[] = {
    {.name = "stateless", .tool = "plain"},
    {.name = "exchanges", .tool = "plain", .has_exchanges = true},
    {.name = "handshake", .tool = "plain", .is_handshake = true},
    {.name = "rounds", .tool = "ask"},
    {.name = "rounds of exchanges", .tool = "ask", .has_exchanges = true},
    {.name = "questions", .tool = "ask", .is_handshake = true},
    {.name = "a task", .tool = "task"},
    {.name = "a task of 2025", .tool = "task", .is_handshake = true},
    {.name = "a lost connection", .tool = "plain", .loses = true},
    {.name = "a lost handshake", .tool = "ask", .is_handshake = true, .loses = true},
};

static struct {
    struct fake f;
    uv_loop_t loop;
    const struct plan *plan;
    enum action action;
    unsigned at, calls;                      /* when something is done; calls of handlers so far */
    gantry_request *call, *list, *subscribe; /* NULL: not there any more */
    gantry_request *extra;
    gantry_question *question; /* still to be answered */
    bool extra_is_done, was_asked, is_closing, is_closed, is_told_closed;
    unsigned done, looks;
    bool has_lost, was_answered;
} t;

/* ---------------------------------------------------------------- what handlers do */

static void on_closed(void *arg)
{
    (void)arg;
    t.is_closed = true;
}

static void on_extra(gantry_request *r, void *arg)
{
    (void)arg;
    t.extra_is_done = true;
    if (!t.is_closing)
        cr_assert_eq(gantry_request_status(r), GANTRY_CLIENT_OK,
                     "%s, %s at %u: what is asked meanwhile ends with %s: %s", t.plan->name,
                     action_names[t.action], t.at,
                     gantry_client_status_name(gantry_request_status(r)),
                     gantry_request_message(r));
}

static void close_it(void)
{
    t.is_closing = true;
    gantry_client_close(t.f.client, on_closed, NULL);
}

static void end(gantry_request **r)
{
    gantry_request *was = *r;
    if (!was)
        return;
    if (t.action == FREES) {
        *r = NULL;
        gantry_request_free(was);
    } else {
        gantry_request_cancel(was, "a reason");
    }
}

static void act(void)
{
    cr_assert(!t.is_closed, "%s: a handler is called after the end", t.plan->name);
    if (t.calls++ != t.at)
        return;
    switch (t.action) {
    case CLOSES:
        if (!t.is_closing)
            close_it();
        break;
    case ASKS:
        t.was_asked = true;
        t.extra = gantry_client_call_tool(
            t.f.client, "plain", NULL,
            GANTRY_REQUEST_OPTIONS(.on_done = on_extra, .may_retry = true));
        break;
    default:
        end(&t.call);
        end(&t.list);
        end(&t.subscribe);
        break;
    }
}

static void on_done(gantry_request *r, void *arg)
{
    gantry_request **mine = arg;
    (void)r;
    t.done++;
    act();
    *mine = NULL;
}

static void on_progress(gantry_client *c, gantry_request *r, const gantry_client_progress *p,
                        void *arg)
{
    (void)c, (void)r, (void)p, (void)arg;
    act();
}

static void on_log(gantry_client *c, gantry_request *r, const gantry_client_log *m, void *arg)
{
    (void)c, (void)r, (void)m, (void)arg;
    act();
}

static void on_gone(gantry_question *q, void *arg)
{
    (void)arg;
    if (t.question == q)
        t.question = NULL;
    act();
    gantry_question_dismiss(q);
}

static void on_elicit(gantry_client *c, gantry_question *q, const gantry_client_elicitation *e,
                      void *arg)
{
    (void)c, (void)e, (void)arg;
    act();
    gantry_question_accept(q, "{\"x\":1}", NULL);
}

/* Answered later, or once it is gone. */
static void on_sample(gantry_client *c, gantry_question *q, const gantry_json *params, void *arg)
{
    (void)c, (void)params, (void)arg;
    act();
    if (gantry_question_is_gone(q) || t.question) {
        gantry_question_dismiss(q);
        return;
    }
    t.question = q;
    gantry_question_on_gone(q, on_gone, NULL);
}

static void on_list_changed(gantry_client *c, gantry_list_kind kind, void *arg)
{
    (void)c, (void)kind, (void)arg;
    act();
}

static void on_resource_updated(gantry_client *c, const char *uri, void *arg)
{
    (void)c, (void)uri, (void)arg;
    act();
}

static void on_message(gantry_client *c, bool is_outgoing, const char *json, size_t size, void *arg)
{
    (void)c, (void)is_outgoing, (void)json, (void)size, (void)arg;
    act();
}

static void on_state(gantry_client *c, gantry_client_state state, void *arg)
{
    (void)c, (void)arg;
    cr_assert(!t.is_told_closed, "%s, %s at %u: state %d after the end", t.plan->name,
              action_names[t.action], t.at, (int)state);
    t.is_told_closed = state == GANTRY_STATE_CLOSED;
    act();
}

static void on_note(gantry_client *c, const char *text, void *arg)
{
    (void)c, (void)text, (void)arg;
    act();
}

/* ---------------------------------------------------------------- the server */

#define FORM                                                                                       \
    "{\"mode\":\"form\",\"message\":\"m\",\"requestedSchema\":{\"type\":\"object\","               \
    "\"properties\":{\"x\":{\"type\":\"integer\"}}}}"
#define SAMPLE                                                                                     \
    "{\"maxTokens\":5,\"messages\":[{\"role\":\"user\",\"content\":"                               \
    "{\"type\":\"text\",\"text\":\"t\"}}]}"
#define INPUTS                                                                                     \
    "{\"a\":{\"method\":\"elicitation/create\",\"params\":" FORM "},"                              \
    "\"b\":{\"method\":\"sampling/createMessage\",\"params\":" SAMPLE "}}"
#define CAPABILITIES                                                                               \
    "{\"tools\":{\"listChanged\":true},\"logging\":{},"                                            \
    "\"resources\":{\"subscribe\":true,\"listChanged\":true},"                                     \
    "\"tasks\":{\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}},"                            \
    "\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"
#define TASK(status, more)                                                                         \
    "\"taskId\":\"T\",\"createdAt\":\"2026-01-01T00:00:00Z\",\"ttlMs\":null,"                      \
    "\"lastUpdatedAt\":\"2026-01-01T00:00:00Z\",\"pollIntervalMs\":1,\"pollInterval\":1,"          \
    "\"status\":\"" status "\"" more
#define DONE "{\"resultType\":\"complete\",\"content\":[]}"

static bool is_open(void)
{
    return !t.is_closing && t.f.link;
}

static void says(const char *json)
{
    if (is_open())
        fake_says(&t.f, json);
}

static void answers(const char *result)
{
    if (is_open())
        fake_result(&t.f, result);
}

static void tells_progress(void)
{
    int64_t token = gantry_read_int(t.f.m.params, "/_meta/progressToken", 0);
    GN_AUTO_FREE char *text = gn_format(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
        "\"params\":{\"progressToken\":%lld,\"progress\":1}}",
        (long long)token);
    says(text);
    says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
         "\"params\":{\"level\":\"info\",\"data\":\"d\"}}");
}

static void call_came(void)
{
    char tool[16];
    snprintf(tool, sizeof(tool), "%s", gantry_read_text(t.f.m.params, "/name"));
    bool has_answers = gantry_read(t.f.m.params, "/inputResponses") != NULL;
    tells_progress();
    if (t.plan->loses && !t.has_lost && is_open()) {
        t.has_lost = true;
        fake_loses(&t.f, true);
    } else if (gn_streq(tool, "plain") || has_answers) {
        answers(DONE);
    } else if (gn_streq(tool, "ask") && !t.plan->is_handshake) {
        answers(
            "{\"resultType\":\"input_required\",\"requestState\":\"s\",\"inputRequests\":" INPUTS
            "}");
    } else if (gn_streq(tool, "ask")) {
        says("{\"jsonrpc\":\"2.0\",\"id\":\"e\",\"method\":\"elicitation/create\",\"params\":" FORM
             "}");
        says("{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":\"sampling/createMessage\","
             "\"params\":" SAMPLE "}");
        answers(DONE);
    } else if (t.plan->is_handshake) {
        answers("{\"task\":{" TASK("working", "") "}}");
    } else {
        answers("{\"resultType\":\"task\"," TASK("working", "") "}");
    }
}

static void look_came(void)
{
    t.looks++;
    if (t.looks < 2)
        answers("{\"resultType\":\"complete\"," TASK("working", "") "}");
    else if (t.looks < 4)
        answers("{\"resultType\":\"complete\"," TASK("input_required",
                                                     ",\"inputRequests\":" INPUTS) "}");
    else
        answers("{\"resultType\":\"complete\"," TASK("completed", ",\"result\":" DONE) "}");
}

static void listen_came(void)
{
    int64_t id = 0;
    gn_json_int(t.f.m.id, &id);
    GN_AUTO_FREE char *filter = gantry_read_print(gantry_read(t.f.m.params, "/notifications"));
    GN_AUTO_FREE char *ack = gn_format(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{"
        "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%lld},\"notifications\":%s}}",
        (long long)id, filter);
    GN_AUTO_FREE char *changed = gn_format(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{"
        "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%lld}}}",
        (long long)id);
    says(ack);
    says(changed);
}

static void list_came(void)
{
    bool is_next = gantry_read(t.f.m.params, "/cursor") != NULL;
    answers(is_next ? "{\"tools\":[{\"name\":\"b\",\"inputSchema\":{\"type\":\"object\"}}]}"
                    : "{\"tools\":[{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\","
                      "\"properties\":{\"q\":{\"type\":\"object\",\"x-mcp-header\":\"Q\"}}}}],"
                      "\"nextCursor\":\"n\"}");
}

static void discover_came(void)
{
    if (!is_open())
        return;
    if (t.plan->is_handshake)
        fake_error(&t.f, -32601, "no", NULL);
    else
        answers("{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":" CAPABILITIES "}");
}

static void initialize_came(void)
{
    answers("{\"protocolVersion\":\"2025-11-25\",\"capabilities\":" CAPABILITIES "}");
}

static void subscribe_came(void)
{
    answers("{}");
    says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\","
         "\"params\":{\"uri\":\"x:y\"}}");
}

static void other_came(void)
{
    if (t.f.m.id && t.f.m.method)
        answers(DONE);
}

static const struct {
    const char *method;
    void (*came)(void);
} methods[] = {
    {"server/discover", discover_came},
    {"initialize", initialize_came},
    {"tools/call", call_came},
    {"tools/list", list_came},
    {"tasks/get", look_came},
    {"subscriptions/listen", listen_came},
    {"resources/subscribe", subscribe_came},
};

static void serve(void)
{
    struct gn_json_doc doc = {0};
    const char *text = fake_peek(&t.f);
    cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), NULL, NULL), 0, "%s", text);
    GN_AUTO_FREE char *method = gn_strdup(gantry_read_text(gn_json_root(&doc), "/method"));
    gn_json_release(&doc);
    fake_next(&t.f, method);
    for (size_t i = 0; i < GN_COUNT(methods); i++) {
        if (gn_streq(methods[i].method, method)) {
            methods[i].came();
            return;
        }
    }
    other_came();
}

/* ---------------------------------------------------------------- runs */

static void turn(void)
{
    bool is_idle = gn_list_empty(&t.f.sent);
    uv_run(&t.loop, is_idle && !t.is_closing ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    while (!t.is_closing && t.f.link && !gn_list_empty(&t.f.sent))
        serve();
    gantry_question *q = t.question;
    t.question = NULL;
    if (q)
        gantry_question_say(q, "model", "hello");
}

static bool is_over(void)
{
    return !t.call && !t.list && !t.subscribe && (!t.was_asked || t.extra_is_done);
}

static void begin(const struct plan *plan, enum action action, unsigned at)
{
    const gantry_client_handlers handlers = {
        .size = sizeof(handlers),
        .on_elicit = on_elicit,
        .on_sample = on_sample,
        .on_progress = on_progress,
        .on_log = on_log,
        .on_list_changed = on_list_changed,
        .on_resource_updated = on_resource_updated,
        .on_message = on_message,
        .on_state = on_state,
        .on_note = on_note,
    };
    memset(&t, 0, sizeof(t));
    t.plan = plan;
    t.action = action;
    t.at = at;
    t.f.has_exchanges = plan->has_exchanges;
    cr_assert_eq(uv_loop_init(&t.loop), 0);
    fake_open(&t.f, GANTRY_CLIENT_OPTIONS(.handlers = &handlers, .loop = &t.loop, .retries = 5,
                                          .log_level = "info", .timeout_ms = 5000));
    t.list = gantry_client_list(t.f.client, GANTRY_LIST_TOOLS,
                                GANTRY_REQUEST_OPTIONS(.on_done = on_done, .arg = &t.list));
    if (!t.is_closing)
        t.call = gantry_client_call_tool(t.f.client, plan->tool, NULL,
                                         GANTRY_REQUEST_OPTIONS(.on_done = on_done, .arg = &t.call,
                                                                .task_ttl_ms = 1000,
                                                                .may_retry = true));
    if (!t.is_closing)
        t.subscribe = gantry_client_subscribe(
            t.f.client, "x:y", GANTRY_REQUEST_OPTIONS(.on_done = on_done, .arg = &t.subscribe));
}

/* True if the handlers were called often enough for something to be done. */
static bool run(const struct plan *plan, enum action action, unsigned at)
{
    uint64_t end_ms = gn_clock_ms() + DEADLINE_MS;
    begin(plan, action, at);
    while (!is_over() && !t.is_closed) {
        cr_assert(gn_clock_ms() < end_ms, "%s, %s at %u: never ends", plan->name,
                  action_names[action], at);
        turn();
    }
    bool was_reached = t.calls > at;
    for (int i = 0; i < 3 && !t.is_closing; i++)
        uv_run(&t.loop, UV_RUN_NOWAIT);
    if (!t.is_closing)
        close_it();
    while (!t.is_closed) {
        cr_assert(gn_clock_ms() < end_ms, "%s: never closed", plan->name);
        uv_run(&t.loop, UV_RUN_NOWAIT);
    }
    cr_assert(is_over(), "%s, %s at %u: not all has ended", plan->name, action_names[action], at);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&t.loop), 0);
    fake_release(&t.f);
    return was_reached;
}

static void run_all(enum action action)
{
    for (size_t i = 0; i < GN_COUNT(plans); i++) {
        unsigned at = 0;
        if (getenv("TRACE"))
            fprintf(stderr, "%s %s\n", plans[i].name, action_names[action]);
        while (run(&plans[i], action, at)) {
            if (getenv("TRACE"))
                fprintf(stderr, "  %u done, %u\n", at, t.calls);
            cr_assert(++at < RUNS_MAX);
        }
    }
}

Test(client_reentry, every_handler_may_close_the_client)
{
    run_all(CLOSES);
}

Test(client_reentry, every_handler_may_free_what_was_asked)
{
    run_all(FREES);
}

Test(client_reentry, every_handler_may_cancel_what_was_asked)
{
    run_all(CANCELS);
}

Test(client_reentry, every_handler_may_ask)
{
    run_all(ASKS);
}

Test(client_reentry, a_client_may_be_closed_while_it_is_waited_for_on_the_callers_loop)
{
    static const struct plan plan = {.name = "waiting", .tool = "plain"};
    for (int runs = 0; runs < 2; runs++) {
        begin(&plan, CLOSES, RUNS_MAX);
        gantry_request *r = gantry_client_call_tool(t.f.client, "plain", NULL, NULL);
        t.at = t.calls; /* from now on */
        if (runs)
            gantry_client_run(t.f.client, DEADLINE_MS);
        else
            cr_assert_eq(gantry_request_wait(r), GANTRY_CLIENT_CANCELLED);
        while (!t.is_closed)
            uv_run(&t.loop, UV_RUN_NOWAIT);
        cr_assert_eq(gantry_request_status(r), GANTRY_CLIENT_CANCELLED);
        gantry_request_free(r);
        uv_run(&t.loop, UV_RUN_DEFAULT);
        cr_assert_eq(uv_loop_close(&t.loop), 0);
        fake_release(&t.f);
    }
}
