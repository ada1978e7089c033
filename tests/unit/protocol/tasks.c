/* tasks.c - calls that become tasks: between the call, its request, its file and the clock. */
#include "protocol/tasks.h"
#include "fixture.h"

#include <unistd.h>

GN_SUITE(tasks);

static struct fixture f;

#define assert_has(text, part) cr_assert(strstr(text, part), "%s\nlacks %s", text, part)
#define assert_lacks(text, part) cr_assert(!strstr(text, part), "%s\nhas %s", text, part)

#define META                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                       \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":{"                             \
    "\"io.modelcontextprotocol/tasks\":{}}}}"

/* ---------------------------------------------------------------- a client that knows tasks */

static void post(struct client *c, const char *method, const char *name, const char *params)
{
    client_open(c, false);
    client_header(c, "mcp-protocol-version", "2026-07-28");
    client_header(c, "mcp-method", method);
    if (name)
        client_header(c, "mcp-name", name);
    GN_AUTO_FREE char *text = gn_format(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s%s" META "}}", method,
        params, *params ? "," : "");
    client_send(&f, c, text);
}

static void call(struct client *c, const char *tool, const char *arguments)
{
    GN_AUTO_FREE char *params = gn_format("\"name\":\"%s\",\"arguments\":%s", tool, arguments);
    post(c, "tools/call", tool, params);
}

static void ask_for(struct client *c, const char *method, const char *id)
{
    GN_AUTO_FREE char *params = gn_format("\"taskId\":\"%s\",\"inputResponses\":{}", id);
    post(c, method, id, params);
}

static void read_id(const struct client *c, char id[GN_TASK_ID_LEN + 1])
{
    const char *at = strstr(client_last(c), "\"taskId\":\"");
    cr_assert(at, "%s is no task", client_last(c));
    memcpy(id, at + strlen("\"taskId\":\""), GN_TASK_ID_LEN);
    id[GN_TASK_ID_LEN] = '\0';
}

/* A task of the tool; its id. */
static void create(const char *tool, const char *arguments, char id[GN_TASK_ID_LEN + 1])
{
    struct client c;
    call(&c, tool, arguments);
    assert_has(client_last(&c), "\"resultType\":\"task\"");
    read_id(&c, id);
    client_free(&c);
}

static bool has_status(const char *id, const char *status)
{
    struct client c;
    ask_for(&c, "tasks/get", id);
    GN_AUTO_FREE char *part = gn_format("\"status\":\"%s\"", status);
    bool has = strstr(client_last(&c), part) != NULL;
    client_free(&c);
    return has;
}

static void cancel(const char *id)
{
    struct client c;
    ask_for(&c, "tasks/cancel", id);
    cr_assert_eq(c.status, 200);
    client_free(&c);
}

/* ---------------------------------------------------------------- tools */

static int run_become(gantry_call *call, const void *in)
{
    (void)in;
    const gantry_task_options options = {.size = sizeof options, .ttl_ms = 60000};
    struct fixture *fx = call->component->data;
    fx->started++;
    int rc = call->ops->become_task(call, &options);
    if (!rc)
        rc = gn_task_sleep(call->task, 600000) == GN_ECANCELED ? GANTRY_ECANCELED : GANTRY_OK;
    fx->ended++;
    return rc;
}

static void set_task(const char *tool, uint32_t task)
{
    gn_snapshot_find(gn_registry_current(f.registry), GN_TOOL, tool)->task = task;
}

static void set_up(const char *dir)
{
    struct gn_error err = {0};
    fixture_open(&f);
    set_task("sleep", GANTRY_TASK_OPTIONAL);
    set_task("echo", GANTRY_TASK_REQUIRED);
    set_task("block", GANTRY_TASK_OPTIONAL);
    gn_snapshot_find(gn_registry_current(f.registry), GN_TOOL, "accident")->run = run_become;
    if (!dir)
        return;
    f.config->tasks_dir = gn_strdup(dir);
    cr_assert_eq(gn_protocol_open(f.p, &err), 0, "%s", err.text);
}

static int drained;

static void on_drained(void *arg)
{
    (void)arg;
    drained++;
}

static void tear_down(void)
{
    drained = 0;
    gn_protocol_drain(f.p, 0, on_drained, NULL);
    run_until_int(&f, &drained, 1);
    fixture_close(&f);
}

static void wait_counts(size_t running, size_t ended)
{
    for (int i = 0; i < 10000; i++) {
        const struct gn_tasks *all = f.p->tasks;
        size_t r = all->counts[GN_MCP_WORKING], e = all->counts[GN_MCP_COMPLETED] +
                                                    all->counts[GN_MCP_FAILED] +
                                                    all->counts[GN_MCP_CANCELLED];
        if (r == running && e == ended && !gn_task_files_pending(all->files))
            return;
        usleep(1000);
        run_some(&f);
    }
    cr_assert_fail("waited too long");
}

/* ---------------------------------------------------------------- without a folder */

Test(tasks, without_a_folder_the_reply_comes_at_once)
{
    struct client c;
    set_up(NULL);
    call(&c, "sleep", "{\"ms\":600000}");
    assert_has(client_last(&c), "\"status\":\"working\"");
    cr_assert_eq(c.status, 200);
    cr_assert_eq(f.p->in_flight, 0);
    cr_assert_eq(f.p->active, 0);
    cr_assert_eq(f.started, 1);
    cr_assert_eq(gn_tasks_running(f.p->tasks), 1);
    client_free(&c);
    tear_down();
    cr_assert_eq(f.ended, 1);
}

Test(tasks, what_ends_at_once_has_been_told_as_working)
{
    char id[GN_TASK_ID_LEN + 1];
    set_up(NULL);
    create("echo", "{}", id);
    cr_assert(has_status(id, "completed"));
    tear_down();
}

Test(tasks, a_call_that_becomes_one_gives_its_turn_back)
{
    char id[GN_TASK_ID_LEN + 1];
    set_up(NULL);
    create("accident", "{}", id);
    cr_assert_eq(f.p->active, 0);
    cr_assert_eq(f.p->in_flight, 0);
    cr_assert(has_status(id, "working"));
    cancel(id);
    cr_assert(has_status(id, "cancelled"));
    run_until_int(&f, &f.ended, 1);
    tear_down();
}

Test(tasks, a_handler_that_lingers_takes_room)
{
    char id[GN_TASK_ID_LEN + 1];
    set_up(NULL);
    create("sleep", "{\"ms\":600000}", id);
    cancel(id);
    cr_assert_eq(f.p->tasks->counts[GN_MCP_CANCELLED], 1);
    cr_assert_eq(gn_tasks_running(f.p->tasks), 1, "its handler has not returned yet");
    run_until_int(&f, &f.ended, 1);
    run_some(&f);
    cr_assert_eq(gn_tasks_running(f.p->tasks), 0);
    tear_down();
}

Test(tasks, a_task_holds_the_code_it_runs)
{
    char id[GN_TASK_ID_LEN + 1];
    set_up(NULL);
    create("sleep", "{\"ms\":600000}", id);
    cr_assert_gt(f.held, 0);
    cancel(id);
    run_until_int(&f, &f.ended, 1);
    run_some(&f);
    cr_assert_eq(f.held, 0);
    tear_down();
}

Test(tasks, a_drain_cancels_and_fails_them)
{
    char id[GN_TASK_ID_LEN + 1];
    set_up(NULL);
    create("sleep", "{\"ms\":600000}", id);
    drained = 0;
    gn_protocol_drain(f.p, 0, on_drained, NULL);
    cr_assert_eq(drained, 0);
    run_until_int(&f, &drained, 1);
    const struct gn_mcp_task *t = gn_tasks_find(f.p->tasks, id, NULL);
    cr_assert_eq(t->status, GN_MCP_FAILED);
    assert_has(t->message, "stopped");
    assert_has(t->outcome, "-32603");
    fixture_close(&f);
}

Test(tasks, an_update_of_one_that_asks_nothing_is_acknowledged)
{
    struct client c;
    char id[GN_TASK_ID_LEN + 1];
    set_up(NULL);
    create("sleep", "{\"ms\":600000}", id);
    GN_AUTO_FREE char *params = gn_format("\"taskId\":\"%s\",\"inputResponses\":{\"a\":{}}", id);
    post(&c, "tasks/update", id, params);
    assert_has(client_last(&c), "\"resultType\":\"complete\"");
    assert_lacks(client_last(&c), "error");
    cr_assert(has_status(id, "working"));
    client_free(&c);
    tear_down();
}

Test(tasks, expiry_cancels_and_forgets)
{
    char id[GN_TASK_ID_LEN + 1];
    set_up(NULL);
    f.config->tasks_ttl_ms = 1;
    create("sleep", "{\"ms\":600000}", id);
    run_until_int(&f, &f.ended, 1);
    cr_assert_null(gn_tasks_find(f.p->tasks, id, NULL));
    cr_assert_eq(f.p->tasks->by_id.count, 0);
    tear_down();
}

Test(tasks, a_subscription_that_ends_while_it_is_told_is_forgotten)
{
    struct client watcher;
    char id[GN_TASK_ID_LEN + 1];
    set_up(NULL);
    create("sleep", "{\"ms\":600000}", id);
    GN_AUTO_FREE char *params = gn_format("\"notifications\":{\"taskIds\":[\"%s\"]}", id);
    post(&watcher, "subscriptions/listen", NULL, params);
    assert_has(client_last(&watcher), id);
    cr_assert_eq(f.p->subscriptions, 1);
    gn_protocol_closed(f.p, &watcher.stream);
    cr_assert_eq(f.p->subscriptions, 0);
    cancel(id); /* tells nobody */
    client_free(&watcher);
    tear_down();
}

Test(tasks, who_watches_is_told_of_the_end)
{
    struct client watcher;
    char id[GN_TASK_ID_LEN + 1];
    set_up(NULL);
    create("sleep", "{\"ms\":600000}", id);
    GN_AUTO_FREE char *params = gn_format("\"notifications\":{\"taskIds\":[\"%s\"]}", id);
    post(&watcher, "subscriptions/listen", NULL, params);
    cancel(id);
    cr_assert_eq(watcher.count, 2);
    assert_has(watcher.sent[1], "\"method\":\"notifications/tasks\"");
    assert_has(watcher.sent[1], "\"status\":\"cancelled\"");
    assert_has(watcher.sent[1], "subscriptionId\":1");
    gn_protocol_closed(f.p, &watcher.stream);
    client_free(&watcher);
    tear_down();
}

/* ---------------------------------------------------------------- with a folder */

Test(tasks, the_reply_waits_for_the_file)
{
    struct client c;
    GN_AUTO_FREE char *dir = gn_path_join(gn_test_tmpdir(), "tasks");
    set_up(dir);
    call(&c, "sleep", "{\"ms\":600000}");
    cr_assert_eq(c.count, 0);
    cr_assert_eq(f.started, 0, "it begins once it is stored");
    cr_assert_eq(f.p->in_flight, 1);
    run_until(&f, &c.count, 1);
    char id[GN_TASK_ID_LEN + 1];
    read_id(&c, id);
    cr_assert_eq(f.started, 1);
    GN_AUTO_FREE char *path = gn_format("%s/%s.json", dir, id);
    struct gn_buf text = GN_BUF_INIT(65536);
    cr_assert_eq(gn_read_file(path, &text), 0);
    assert_has(gn_buf_str(&text), "\"working\"");
    gn_buf_release(&text);
    client_free(&c);
    tear_down();
    gn_buf_init(&text, 65536);
    cr_assert_eq(gn_read_file(path, &text), 0);
    assert_has(gn_buf_str(&text), "\"failed\"");
    gn_buf_release(&text);
}

static void assert_is_lock(void *arg, const char *name)
{
    (void)arg;
    cr_assert_str_eq(name, "lock", "%s was left behind", name);
}

Test(tasks, a_client_that_leaves_before_the_reply_takes_the_task_along)
{
    GN_AUTO_FREE char *dir = gn_path_join(gn_test_tmpdir(), "tasks");
    set_up(dir);
    static const char *const tools[] = {"sleep", "accident"};
    for (size_t i = 0; i < GN_COUNT(tools); i++) {
        struct client c;
        call(&c, tools[i], "{\"ms\":600000}");
        cr_assert_eq(f.p->tasks->by_id.count, 1);
        gn_protocol_closed(f.p, &c.stream);
        cr_assert_eq(f.p->tasks->by_id.count, 0);
        cr_assert_eq(c.count, 0);
        wait_counts(0, 0);
        client_free(&c);
    }
    cr_assert_eq(f.started, 1, "the first never began");
    run_until_int(&f, &f.ended, 1);
    tear_down();
    gn_test_each_file(dir, assert_is_lock, NULL);
}

Test(tasks, what_cannot_be_stored_is_refused)
{
    GN_AUTO_FREE char *dir = gn_path_join(gn_test_tmpdir(), "tasks");
    set_up(dir);
    gn_test_remove_all(dir);
    static const char *const tools[] = {"sleep", "accident"};
    for (size_t i = 0; i < GN_COUNT(tools); i++) {
        struct client c;
        call(&c, tools[i], "{\"ms\":600000}");
        run_until(&f, &c.count, 1);
        assert_has(client_last(&c), "could not be stored");
        cr_assert_eq(f.p->tasks->by_id.count, 0);
        client_free(&c);
    }
    run_until_int(&f, &f.ended, 1);
    tear_down();
}

Test(tasks, a_task_may_end_before_it_is_stored)
{
    struct client c;
    char id[GN_TASK_ID_LEN + 1];
    GN_AUTO_FREE char *dir = gn_path_join(gn_test_tmpdir(), "tasks");
    set_up(dir);
    call(&c, "accident", "{}");
    cr_assert_eq(c.count, 0);
    GN_LIST_EACH(&f.p->tasks->running, n) {
        struct gn_mcp_task *t = GN_CONTAINER(n, struct gn_mcp_task, node);
        t->is_refused = true;
        gn_mcp_task_cancel(t);
    }
    run_until(&f, &c.count, 1);
    assert_has(client_last(&c), "\"resultType\":\"task\"");
    assert_has(client_last(&c), "\"status\":\"cancelled\"");
    read_id(&c, id);
    run_until_int(&f, &f.ended, 1);
    client_free(&c);
    tear_down();
    GN_AUTO_FREE char *path = gn_format("%s/%s.json", dir, id);
    struct gn_buf text = GN_BUF_INIT(65536);
    cr_assert_eq(gn_read_file(path, &text), 0);
    assert_has(gn_buf_str(&text), "\"cancelled\"");
    gn_buf_release(&text);
}

Test(tasks, a_process_finds_what_another_left)
{
    char done[GN_TASK_ID_LEN + 1];
    struct client c;
    GN_AUTO_FREE char *dir = gn_path_join(gn_test_tmpdir(), "tasks");
    set_up(dir);
    call(&c, "echo", "{}");
    run_until(&f, &c.count, 1);
    read_id(&c, done);
    client_free(&c);
    wait_counts(0, 1);
    tear_down();
    set_up(dir);
    const struct gn_mcp_task *t = gn_tasks_find(f.p->tasks, done, NULL);
    cr_assert(t);
    cr_assert_eq(t->status, GN_MCP_COMPLETED);
    assert_has(t->outcome, "\"echo\"");
    cr_assert_null(gn_tasks_find(f.p->tasks, done, "somebody"));
    tear_down();
}

/* ---------------------------------------------------------------- files and records */

Test(tasks, ids_are_told_from_other_names)
{
    char id[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm-_09";
    cr_assert(gn_task_id_is_valid(id, strlen(id)));
    cr_assert(!gn_task_id_is_valid(id, strlen(id) - 1));
    id[5] = '/';
    cr_assert(!gn_task_id_is_valid(id, strlen(id)));
    id[5] = '\0';
    cr_assert(!gn_task_id_is_valid(id, GN_TASK_ID_LEN));
}

#define RECORD                                                                                     \
    "{\"version\":1,\"id\":\"a\",\"principal\":null,\"tool\":\"t\",\"status\":\"failed\","         \
    "\"message\":\"m\",\"created\":1,\"updated\":2,\"ttl\":3,\"poll\":4,\"outcome\":{}}"

static int read_record(const char *text, struct gn_mcp_record *ret, struct gn_json_doc *doc)
{
    struct gn_error err = {0};
    cr_assert_eq(gn_json_parse_copy(doc, text, strlen(text), NULL, &err), 0, "%s", text);
    return gn_mcp_record_read(gn_json_root(doc), "a", ret, &err);
}

Test(tasks, a_record_is_read_whole_or_not_at_all)
{
    struct gn_mcp_record record;
    struct gn_json_doc doc = {0};
    cr_assert_eq(read_record(RECORD, &record, &doc), 0);
    cr_assert_eq(record.status, GN_MCP_FAILED);
    cr_assert_str_eq(record.tool, "t");
    cr_assert_str_eq(record.message, "m");
    cr_assert_null(record.principal);
    cr_assert_eq(record.created_ms + 10 * record.updated_ms + 100 * record.ttl_ms, 321);
    gn_json_release(&doc);
    static const char *const wrong[] = {"[]",
                                        "{}",
                                        "null",
                                        "7",
                                        "{\"version\":1,\"id\":\"b\"}",
                                        "{\"version\":1,\"id\":\"a\",\"status\":\"failed\"}"};
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        cr_assert_eq(read_record(wrong[i], &record, &doc), GN_EINVAL, "%s", wrong[i]);
        gn_json_release(&doc);
    }
}

Test(tasks, statuses_have_the_names_of_the_extension)
{
    for (int i = 0; i < GN_TASK_STATUSES; i++)
        cr_assert_eq(gn_mcp_status_parse(gn_mcp_status_name((enum gn_mcp_status)i)), i);
    cr_assert_eq(gn_mcp_status_parse("flying"), -1);
    cr_assert_eq(gn_mcp_status_parse(NULL), -1);
}
