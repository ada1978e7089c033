/* Unit tests of tasks: those of the extension, those of 2025-11-25, and those asked for by id. */
#include "fake.h"

#include "support.h"

#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(client_tasks);

#define CAN "{\"tools\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"
#define CAN_2025                                                                                   \
    "{\"tools\":{},\"tasks\":{\"cancel\":{},\"list\":{},\"requests\":{\"tools\":{\"call\":{}}}}}"
#define TASK(status, more)                                                                         \
    "{\"resultType\":\"complete\",\"taskId\":\"t 1\",\"status\":\"" status                         \
    "\",\"pollIntervalMs\":1" more "}"
#define CREATED                                                                                    \
    "{\"resultType\":\"task\",\"taskId\":\"t 1\",\"status\":\"working\",\"pollIntervalMs\":1}"
#define CREATED_2025                                                                               \
    "{\"task\":{\"taskId\":\"t 1\",\"status\":\"working\",\"ttl\":null,\"pollInterval\":1}}"
#define STATE_2025(status) "{\"taskId\":\"t 1\",\"status\":\"" status "\",\"pollInterval\":1}"
#define DONE "{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}"
#define FORM                                                                                       \
    "{\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\",\"requestedSchema\":{"    \
    "\"type\":\"object\",\"properties\":{}}}}"
#define ROOTS "{\"method\":\"roots/list\"}"

static struct fake f;

static struct {
    gantry_question *q[100];
    size_t count, gone, progress;
    gantry_request *cancels, *of;
} seen;

static void on_gone(gantry_question *q, void *arg)
{
    (void)q, (void)arg;
    seen.gone++;
    if (seen.cancels)
        gantry_request_cancel(seen.cancels, "in on_gone");
}

/* How many were told so far: from the loop, whatever let them go. */
static size_t gone(void)
{
    fake_turn(&f);
    return seen.gone;
}

static void on_elicit(gantry_client *c, gantry_question *q, const gantry_client_elicitation *e,
                      void *arg)
{
    (void)c, (void)arg, (void)e;
    cr_assert(seen.count < GN_COUNT(seen.q));
    seen.q[seen.count++] = q;
    seen.of = gantry_question_request(q);
    gantry_question_on_gone(q, on_gone, NULL);
}

static void on_progress(gantry_client *c, gantry_request *r, const gantry_client_progress *p,
                        void *arg)
{
    (void)c, (void)arg, (void)p;
    seen.of = r;
    seen.progress++;
}

static void begin_as(const char *revision, const char *capabilities, uint32_t max_rounds)
{
    memset(&seen, 0, sizeof(seen));
    fake_open(
        &f, GANTRY_CLIENT_OPTIONS(.has_roots = true, .max_rounds = max_rounds,
                                  .handlers = GANTRY_CLIENT_HANDLERS(.on_elicit = on_elicit,
                                                                     .on_progress = on_progress)));
    if (revision)
        fake_initialize(&f, revision, capabilities);
    else
        fake_discover(&f, capabilities);
}

static void begin(void)
{
    begin_as(NULL, CAN, 0);
}

/* Subscriptions to tasks come and go between: answered by silence. */
static void next(const char *method)
{
    static const char *const others[] = {"subscriptions/listen", "notifications/cancelled"};
    for (size_t i = 0; i < GN_COUNT(others); i++) {
        if (strstr(fake_peek(&f), others[i]) && !gn_streq(method, others[i])) {
            fake_next(&f, others[i]);
            i = (size_t)-1; /* from the beginning */
        }
    }
    fake_next(&f, method);
}

static gantry_request *call(const gantry_request_options *options)
{
    gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, options);
    next("tools/call");
    return r;
}

static void looks(void)
{
    next("tasks/get");
    cr_assert_str_eq(fake_param(&f, "/taskId"), "t 1");
    cr_assert_str_eq(f.name, "t 1");
}

/* The answer to a look, which is a request of its own: it is looked at in the next turn. */
static void found(const char *state)
{
    fake_result(&f, state);
    fake_turn(&f);
}

static gantry_request *become(const gantry_request_options *options)
{
    gantry_request *r = call(options);
    fake_result(&f, CREATED);
    cr_assert_str_eq(gantry_request_task_id(r), "t 1");
    cr_assert_not(gantry_request_is_done(r));
    return r;
}

static void ends(gantry_request *r, gantry_client_status status, const char *why)
{
    cr_assert_eq(fake_wait(&f, r), status, "%s: %s", gantry_client_status_name(r->status),
                 gantry_request_message(r));
    cr_assert(strstr(gantry_request_message(r), why), "%s", gantry_request_message(r));
    if (status == GANTRY_CLIENT_OK)
        cr_assert_str_eq(gantry_request_text(r), "done");
    gantry_request_free(r);
}

static void cancels(void)
{
    next("tasks/cancel");
    cr_assert_str_eq(fake_param(&f, "/taskId"), "t 1");
    fake_result(&f, "{\"resultType\":\"complete\"}");
}

/* ---------------------------------------------------------------- the extension */

Test(client_tasks, are_looked_at_until_they_end)
{
    begin();
    gantry_request *r = become(NULL);
    for (int i = 0; i < 3; i++) {
        looks();
        found(TASK("working", ",\"statusMessage\":\"on it\""));
    }
    looks();
    found(TASK("completed", ",\"result\":" DONE));
    ends(r, GANTRY_CLIENT_OK, "");
    fake_turn(&f);
    cr_assert_eq(f.client->request_count, 0);
    fake_close(&f);
}

Test(client_tasks, end_as_the_tool_did)
{
    begin();
    gantry_request *r = become(NULL);
    looks();
    found(TASK("completed", ",\"result\":{\"isError\":true,\"content\":[{\"type\":"
                            "\"text\",\"text\":\"no luck\"}]}"));
    ends(r, GANTRY_CLIENT_TOOL_ERROR, "no luck");
    r = become(NULL);
    looks();
    found(TASK("failed", ",\"error\":{\"code\":-32050,\"message\":\"quota\",\"data\":7}"));
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_ERROR);
    cr_assert_eq(gantry_request_error_code(r), -32050);
    cr_assert_eq(gantry_read_int(gantry_request_error_data(r), "", 0), 7);
    ends(r, GANTRY_CLIENT_ERROR, "quota");
    r = become(NULL);
    looks();
    found(TASK("failed", ",\"statusMessage\":\"just so\""));
    ends(r, GANTRY_CLIENT_ERROR, "just so");
    r = become(NULL);
    looks();
    found(TASK("cancelled", ",\"statusMessage\":\"by me\""));
    ends(r, GANTRY_CLIENT_CANCELLED, "by me");
    r = become(NULL);
    looks();
    fake_error(&f, -32602, "Task not found", NULL);
    ends(r, GANTRY_CLIENT_ERROR, "not found");
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_tasks, refuse_what_is_none)
{
    static const char *const created[] = {
        "{\"resultType\":\"task\"}",
        "{\"resultType\":\"task\",\"taskId\":5,\"status\":\"working\"}",
        "{\"resultType\":\"task\",\"taskId\":\"\",\"status\":\"working\"}",
        "{\"resultType\":\"task\",\"taskId\":\"a\\u0000b\",\"status\":\"working\"}",
    };
    static const char *const states[] = {
        TASK("sleeping", ""),
        "{\"taskId\":\"t 1\"}",
        TASK("completed", ""),
        TASK("completed", ",\"result\":5"),
        TASK("input_required", ",\"inputRequests\":{\"k\":{\"method\":\"ping\"}}"),
    };
    begin();
    for (size_t i = 0; i < GN_COUNT(created); i++) {
        gantry_request *r = call(NULL);
        fake_result(&f, created[i]);
        ends(r, GANTRY_CLIENT_PROTOCOL, "task");
    }
    gantry_request *r = gantry_client_request(f.client, "x/y", NULL, NULL);
    next("x/y");
    fake_result(&f, CREATED);
    ends(r, GANTRY_CLIENT_PROTOCOL, "task");
    for (size_t i = 0; i < GN_COUNT(states); i++) {
        r = become(NULL);
        looks();
        found(states[i]);
        ends(r, GANTRY_CLIENT_PROTOCOL, "");
        if (!strstr(states[i], "completed"))
            cancels();
    }
    fake_close(&f);
}

Test(client_tasks, are_left_to_themselves_if_the_caller_wants_it)
{
    begin();
    gantry_request *r = call(GANTRY_REQUEST_OPTIONS(.detaches = true));
    fake_result(&f, CREATED);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_request_task_id(r), "t 1");
    cr_assert_str_eq(gantry_read_text(gantry_request_result(r), "/status"), "working");
    gantry_request_free(r);
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_tasks, are_cancelled_with_their_request)
{
    begin();
    gantry_request *r = become(NULL);
    gantry_request_cancel(r, NULL);
    ends(r, GANTRY_CLIENT_CANCELLED, "");
    cancels();
    r = become(NULL);
    looks();
    gantry_request_free(r);
    next("notifications/cancelled"); /* of the look */
    cancels();
    r = become(GANTRY_REQUEST_OPTIONS(.total_timeout_ms = 20));
    ends(r, GANTRY_CLIENT_TIMEOUT, "");
    cancels();
    fake_turn(&f);
    cr_assert_eq(f.client->request_count, 0);
    fake_close(&f);
}

Test(client_tasks, are_not_cancelled_by_a_client_that_closes)
{
    begin();
    gantry_request *r = become(NULL);
    looks();
    fake_close(&f);
    cr_assert_eq(gantry_request_status(r), GANTRY_CLIENT_CANCELLED);
    gantry_request_free(r);
}

Test(client_tasks, take_longer_than_the_timeout_of_one_answer)
{
    begin();
    gantry_request *r = become(GANTRY_REQUEST_OPTIONS(.timeout_ms = 5000));
    looks();
    cr_assert_leq(r->end_ms - r->deadline.at_ms, 1); /* only the whole counts */
    cr_assert_geq(f.on->end_ms, r->end_ms - 60000);
    found(TASK("completed", ",\"result\":" DONE));
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
}

Test(client_tasks, are_told_of)
{
    begin();
    gantry_request *r = become(NULL);
    looks();
    found(TASK("working", ""));
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks\",\"params\":"
                  "{\"taskId\":\"other\",\"status\":\"completed\",\"result\":" DONE "}}");
    cr_assert(r->state == GN_REQUEST_ASKING);
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks\",\"params\":" TASK(
                      "completed", ",\"result\":" DONE) "}");
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
}

/* ---------------------------------------------------------------- their questions */

Test(client_tasks, ask_and_are_answered_once)
{
    begin();
    gantry_request *r = become(NULL);
    looks();
    found(TASK("input_required", ",\"inputRequests\":{\"a\":" FORM ",\"b\\\"\":" ROOTS "}"));
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(seen.of, r);
    looks(); /* nobody waits for the person to be looked at */
    found(TASK("input_required", ",\"inputRequests\":{\"a\":" FORM ",\"b\\\"\":" ROOTS "}"));
    cr_assert_eq(seen.count, 1);
    looks();
    gantry_question_accept(seen.q[0], NULL, NULL);
    found(TASK("input_required", ",\"inputRequests\":{\"a\":" FORM "}"));
    next("tasks/update");
    cr_assert_str_eq(f.name, "t 1");
    cr_assert_str_eq(fake_param(&f, "/inputResponses/a/action"), "accept");
    cr_assert_not_null(gantry_read(f.m.params, "/inputResponses/b\"/roots"));
    fake_result(&f, "{\"resultType\":\"complete\"}");
    looks();
    found(TASK("input_required", ",\"inputRequests\":{\"a\":" FORM "}"));
    cr_assert_eq(seen.count, 1);
    looks();
    found(TASK("input_required", ",\"inputRequests\":{\"c\":" FORM "}"));
    cr_assert_eq(seen.count, 2);
    gantry_question_decline(seen.q[1]);
    next("tasks/update");
    cr_assert_null(gantry_read(f.m.params, "/inputResponses/a"));
    cr_assert_str_eq(fake_param(&f, "/inputResponses/c/action"), "decline");
    fake_result(&f, "{\"resultType\":\"complete\"}");
    looks();
    found(TASK("completed", ",\"result\":" DONE));
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
}

Test(client_tasks, withdraw_what_they_do_not_ask_any_more)
{
    begin();
    gantry_request *r = become(NULL);
    looks();
    found(TASK("input_required", ",\"inputRequests\":{\"a\":" FORM ",\"b\":" FORM "}"));
    looks();
    found(TASK("input_required", ",\"inputRequests\":{\"b\":" FORM "}"));
    cr_assert_eq(gone(), 1);
    cr_assert(gantry_question_is_gone(seen.q[0]));
    looks();
    found(TASK("working", ""));
    cr_assert_eq(gone(), 2);
    looks();
    found(TASK("completed", ",\"result\":" DONE));
    ends(r, GANTRY_CLIENT_OK, "");
    gantry_question_decline(seen.q[0]);
    gantry_question_decline(seen.q[1]);
    fake_close(&f);
}

Test(client_tasks, may_be_cancelled_as_their_questions_go)
{
    begin();
    gantry_request *r = become(NULL);
    looks();
    found(TASK("input_required", ",\"inputRequests\":{\"a\":" FORM ",\"b\":" FORM "}"));
    seen.cancels = r;
    looks();
    found(TASK("working", ""));
    cr_assert_eq(gone(), 2);
    ends(r, GANTRY_CLIENT_CANCELLED, "in on_gone");
    cancels();
    gantry_question_decline(seen.q[0]);
    gantry_question_decline(seen.q[1]);
    fake_close(&f);
}

Test(client_tasks, end_if_their_questions_cannot_be_answered)
{
    begin();
    gantry_request *r = become(NULL);
    looks();
    found(TASK("input_required", ",\"inputRequests\":{\"a\":" FORM "}"));
    gantry_question_fail(seen.q[0], -5, "nobody there");
    ends(r, GANTRY_CLIENT_ERROR, "nobody there");
    cancels();
    r = become(NULL);
    looks();
    found(TASK("input_required",
               ",\"inputRequests\":{\"a\":{\"method\":\"sampling/createMessage\"}}"));
    ends(r, GANTRY_CLIENT_PROTOCOL, "sampling");
    cancels();
    fake_close(&f);
}

Test(client_tasks, ask_only_so_often)
{
    begin_as(NULL, CAN, 2);
    gantry_request *r = become(NULL);
    for (int i = 0; i < 2; i++) {
        GN_AUTO_FREE char *state = gn_format(
            "{\"taskId\":\"t 1\",\"status\":\"input_required\",\"pollIntervalMs\":1,"
            "\"inputRequests\":{\"k%d\":" ROOTS "}}",
            i);
        looks();
        found(state);
        next("tasks/update");
        fake_result(&f, "{\"resultType\":\"complete\"}");
    }
    looks();
    found(TASK("input_required", ",\"inputRequests\":{\"k\":" ROOTS "}"));
    ends(r, GANTRY_CLIENT_LIMIT, "2 rounds");
    cancels();
    fake_close(&f);
}

Test(client_tasks, are_looked_for_again_after_the_connection_was_lost)
{
    begin();
    gantry_request *r = become(NULL);
    looks();
    fake_loses(&f, true);
    next("server/discover");
    fake_result(&f, "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],"
                    "\"capabilities\":" CAN "}");
    looks();
    found(TASK("completed", ",\"result\":" DONE));
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
}

Test(client_tasks, end_although_the_connection_is_lost_with_their_last_word)
{
    begin();
    gantry_request *r = become(NULL);
    looks();
    fake_result(&f, TASK("completed", ",\"result\":" DONE));
    fake_loses(&f, true);
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
    begin();
    r = become(NULL);
    looks();
    fake_result(&f, TASK("input_required", ",\"inputRequests\":{\"a\":" FORM "}"));
    fake_loses(&f, true);
    fake_turn(&f);
    cr_assert_eq(seen.count, 1);
    gantry_question_decline(seen.q[0]);
    next("server/discover");
    gantry_request_free(r);
    fake_close(&f);
}

/* ---------------------------------------------------------------- by id */

Test(client_tasks, can_be_waited_for_by_id)
{
    begin();
    gantry_request *r = gantry_client_task(f.client, "t 1", NULL);
    looks();
    found(TASK("working", ""));
    looks();
    found(TASK("completed", ",\"result\":{\"isError\":true,\"content\":[]}"));
    ends(r, GANTRY_CLIENT_TOOL_ERROR, "");
    r = gantry_client_task(f.client, "t 1", NULL);
    looks();
    found(TASK("working", ""));
    gantry_request_cancel(r, NULL);
    ends(r, GANTRY_CLIENT_CANCELLED, "");
    r = gantry_client_task(f.client, "t 1", NULL);
    looks();
    fake_error(&f, -32602, "no such task", NULL);
    ends(r, GANTRY_CLIENT_ERROR, "no such task");
    r = gantry_client_get_task(f.client, "t 1", NULL);
    looks(); /* nobody cancelled what is not theirs */
    found(TASK("input_required", ",\"inputRequests\":{\"a\":" FORM "}"));
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_read_text(gantry_request_result(r), "/status"), "input_required");
    gantry_request_free(r);
    r = gantry_client_cancel_task(f.client, "t 1", NULL);
    cancels();
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    gantry_request_free(r);
    fake_close(&f);
}

Test(client_tasks, are_not_asked_for_where_there_are_none)
{
    static const struct {
        const char *revision, *capabilities;
    } without[] = {{NULL, "{}"}, {"2025-11-25", "{}"}, {"2025-06-18", CAN_2025}};
    for (size_t i = 0; i < GN_COUNT(without); i++) {
        begin_as(without[i].revision, without[i].capabilities, 0);
        ends(gantry_client_task(f.client, "t", NULL), GANTRY_CLIENT_UNSUPPORTED, "tasks");
        ends(gantry_client_get_task(f.client, "t", NULL), GANTRY_CLIENT_UNSUPPORTED, "tasks");
        ends(gantry_client_cancel_task(f.client, "t", NULL), GANTRY_CLIENT_UNSUPPORTED, "tasks");
        ends(gantry_client_task(f.client, NULL, NULL), GANTRY_CLIENT_INVALID, "");
        ends(gantry_client_get_task(f.client, "", NULL), GANTRY_CLIENT_INVALID, "");
        fake_nothing(&f);
        fake_close(&f);
    }
}

/* ---------------------------------------------------------------- 2025-11-25 */

static gantry_request *become_2025(void)
{
    gantry_request *r = call(GANTRY_REQUEST_OPTIONS(.task_ttl_ms = 60000));
    cr_assert_eq(gantry_read_int(f.m.params, "/task/ttl", 0), 60000);
    fake_result(&f, CREATED_2025);
    cr_assert_str_eq(gantry_request_task_id(r), "t 1");
    return r;
}

Test(client_tasks, of_2025_have_their_result_asked_for)
{
    begin_as("2025-11-25", CAN_2025, 0);
    gantry_request *r = become_2025();
    looks();
    found(STATE_2025("working"));
    looks();
    found(STATE_2025("completed"));
    next("tasks/result");
    cr_assert_str_eq(fake_param(&f, "/taskId"), "t 1");
    fake_result(&f, DONE);
    ends(r, GANTRY_CLIENT_OK, "");
    r = become_2025();
    looks();
    found(STATE_2025("failed"));
    next("tasks/result");
    fake_error(&f, -32050, "quota", NULL);
    ends(r, GANTRY_CLIENT_ERROR, "quota");
    r = become_2025();
    gantry_request_cancel(r, NULL);
    ends(r, GANTRY_CLIENT_CANCELLED, "");
    cancels();
    fake_nothing(&f);
    fake_close(&f);
}

Test(client_tasks, of_2025_ask_on_the_stream_of_their_result)
{
    begin_as("2025-11-25", CAN_2025, 0);
    gantry_request *r = become_2025();
    looks();
    found(STATE_2025("input_required"));
    next("tasks/result");
    GN_AUTO_FREE char *id = gantry_read_print(f.m.id);
    fake_says(&f, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"elicitation/create\",\"params\":{"
                  "\"message\":\"?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{}},"
                  "\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":\"t 1\"}}}}");
    cr_assert_eq(seen.of, r);
    looks();
    found(STATE_2025("input_required"));
    gantry_question_decline(seen.q[0]);
    fake_next(&f, NULL);
    cr_assert_str_eq(
        gantry_read_text(f.m.result, "/_meta/io.modelcontextprotocol~1related-task/taskId"), "t 1");
    looks();
    found(STATE_2025("completed"));
    fake_turn(&f);
    GN_AUTO_FREE char *answer = gn_format("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":" DONE "}",
                                          id);
    fake_says(&f, answer);
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
}

Test(client_tasks, of_2025_whose_early_result_never_comes_have_it_asked_for_anew)
{
    begin_as("2025-11-25", CAN_2025, 0);
    gantry_request *r = become_2025();
    looks();
    found(STATE_2025("input_required"));
    next("tasks/result");
    for (int i = 0; i < 2; i++) {
        looks();
        found(STATE_2025("completed"));
    }
    next("notifications/cancelled");
    next("tasks/result");
    fake_result(&f, DONE);
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
}

Test(client_tasks, of_2025_are_told_of_and_tell_progress)
{
    begin_as("2025-11-25", CAN_2025, 0);
    gantry_request *r = become_2025();
    GN_AUTO_FREE char *progress = gn_format(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
        "\"progressToken\":%lld,\"progress\":1}}",
        (long long)r->id);
    fake_says(&f, progress);
    cr_assert_eq(seen.progress, 1);
    cr_assert_eq(seen.of, r);
    fake_says(
        &f, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":" STATE_2025(
                "completed") "}");
    next("tasks/result");
    fake_result(&f, DONE);
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
}

Test(client_tasks, of_2025_are_not_asked_for_where_the_server_has_none)
{
    begin_as("2025-11-25", "{\"tools\":{}}", 0);
    gantry_request *r = call(GANTRY_REQUEST_OPTIONS(.task_ttl_ms = 60000));
    cr_assert_null(gn_json_get(f.m.params, "task"));
    fake_result(&f, "{\"task\":{\"taskId\":\"x\"},\"content\":[{\"type\":\"text\",\"text\":"
                    "\"done\"}]}");
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
    begin_as("2025-06-18", CAN_2025, 0);
    r = call(GANTRY_REQUEST_OPTIONS(.task_ttl_ms = 60000));
    cr_assert_null(gn_json_get(f.m.params, "task"));
    fake_result(&f, DONE);
    ends(r, GANTRY_CLIENT_OK, "");
    fake_close(&f);
}

Test(client_tasks, of_2025_by_id_have_their_result_asked_for)
{
    begin_as("2025-11-25", CAN_2025, 0);
    gantry_request *r = gantry_client_task(f.client, "t 1", NULL);
    looks();
    found(STATE_2025("completed"));
    next("tasks/result");
    fake_result(&f, DONE);
    ends(r, GANTRY_CLIENT_OK, "");
    r = call(GANTRY_REQUEST_OPTIONS(.task_ttl_ms = 1, .detaches = true));
    fake_result(&f, CREATED_2025);
    cr_assert_eq(fake_wait(&f, r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_read_text(gantry_request_result(r), "/taskId"), "t 1");
    gantry_request_free(r);
    fake_close(&f);
}
