/* Middlewares: order, choice, verdicts, retries, who holds whom, and the threads of it all. */
#include "call/middleware.h"

#include "call/mutex.h"
#include "rig.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

GN_SUITE(middleware);

static struct rig r;
static uint64_t made;
static char seen[4096];
static struct gn_component *target; /* of handlers that call another */

static void note(const char *text)
{
    size_t len = strlen(seen);
    snprintf(seen + len, sizeof seen - len, "%s%s", len ? " " : "", text);
}

static void check_seen(const char *expected)
{
    cr_assert_str_eq(seen, expected);
    seen[0] = '\0';
}

/* ---------------------------------------------------------------- middlewares and handlers */

static struct gn_middleware *middleware(const char *name, int32_t priority,
                                        int (*run)(gantry_call *call))
{
    struct gn_middleware *m = gn_middleware_new(name);
    m->owner = &r.owner;
    m->priority = priority;
    m->hooks = GANTRY_ON_CALL_TOOL;
    m->run = run;
    m->data = m->name;
    m->order = made++;
    return m;
}

/* Publishes them and gives the references back. */
static void put_around(struct gn_middleware **v, size_t count)
{
    gn_around_replace(&r.env, &r.owner, v, count);
    for (size_t i = 0; i < count; i++)
        gn_middleware_unref(v[i]);
}
#define AROUND(...)                                                                                \
    put_around((struct gn_middleware *[]){__VA_ARGS__},                                            \
               sizeof((struct gn_middleware *[]){__VA_ARGS__}) / sizeof(struct gn_middleware *))

static int pass(gantry_call *call)
{
    cr_assert_eq(call->self, &r.owner);
    char text[64];
    snprintf(text, sizeof text, "%s>", (const char *)call->self_data);
    note(text);
    int rc = gn_call_next(call);
    snprintf(text, sizeof text, "<%s:%d", (const char *)call->self_data, (int)call->verdict);
    note(text);
    return rc;
}

static int work(gantry_call *call, const void *in)
{
    (void)in;
    note(gn_task_is_worker(call->task) ? "worker" : "loop");
    return rig_say(call, "done");
}

static int work_later(gantry_call *call, const void *in)
{
    int rc = gn_task_sleep(call->task, 1);
    return rc ? GANTRY_ECANCELED : work(call, in);
}

static int fail(gantry_call *call, const void *in)
{
    (void)in;
    rig_say(call, "half");
    return gn_call_fail(call, "no");
}

static int slip(gantry_call *call, const void *in)
{
    (void)call, (void)in;
    return GANTRY_EIO;
}

static void call_once(struct rig_call *c, gantry_run_fn run, uint32_t flags)
{
    struct gn_component *tool = rig_tool(&r, "tool", run, flags);
    rig_call(&r, c, tool);
    gn_component_unref(tool);
}

/* ---------------------------------------------------------------- order and choice */

Test(middleware, the_lower_priority_is_outside_and_ties_keep_their_order)
{
    struct rig_call c;
    rig_open(&r);
    AROUND(middleware("c", 5, pass), middleware("a", -5, pass), middleware("b", 0, pass));
    call_once(&c, work, 0);
    check_seen("a> b> c> loop <c:1 <b:1 <a:1");
    cr_assert_str_eq(c.result, "{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}");
    rig_close(&r);
}

Test(middleware, is_around_what_its_hooks_and_tags_name)
{
    struct rig_call c;
    rig_open(&r);
    struct gn_middleware *m[] = {middleware("lists", 0, pass), middleware("tagged", 0, pass),
                                 middleware("all", 0, pass)};
    m[0]->hooks = GANTRY_ON_LIST_TOOLS;
    m[1]->tags = gn_calloc(2, sizeof(char *));
    m[1]->tags[0] = gn_strdup("special");
    m[2]->hooks = GANTRY_ON_MESSAGE;
    put_around(m, 3);
    call_once(&c, work, 0);
    check_seen("all> loop <all:1");
    struct gn_component *tool = rig_tool(&r, "tool", work, 0);
    tool->tags = gn_calloc(2, sizeof(char *));
    tool->tags[0] = gn_strdup("special");
    rig_call(&r, &c, tool);
    gn_component_unref(tool);
    check_seen("tagged> all> loop <all:1 <tagged:1");
    rig_close(&r);
}

Test(middleware, a_blocking_handler_runs_on_a_worker_and_the_rest_on_the_loop)
{
    struct rig_call c;
    rig_open(&r);
    AROUND(middleware("a", 0, pass));
    call_once(&c, work_later, GANTRY_BLOCKING);
    check_seen("a> worker <a:1");
    rig_close(&r);
}

/* ---------------------------------------------------------------- verdicts */

static int retry(gantry_call *call)
{
    int rc = gn_call_next(call);
    return rc ? gn_call_next(call) : rc;
}

static int once;

static int fail_once(gantry_call *call, const void *in)
{
    return once++ ? work(call, in) : fail(call, in);
}

Test(middleware, a_second_try_forgets_the_first)
{
    struct rig_call c;
    rig_open(&r);
    once = 0;
    AROUND(middleware("retry", 0, retry), middleware("inside", 1, pass));
    call_once(&c, fail_once, 0);
    check_seen("inside> <inside:2 inside> loop <inside:1");
    cr_assert_eq(c.outcome, GN_OUT_RESULT);
    cr_assert_str_eq(c.result, "{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}");
    rig_close(&r);
}

Test(middleware, a_failure_passes_with_its_message)
{
    struct rig_call c;
    rig_open(&r);
    AROUND(middleware("a", 0, pass), middleware("b", 1, pass));
    call_once(&c, fail, 0);
    check_seen("a> b> <b:2 <a:2");
    cr_assert_eq(c.outcome, GN_OUT_FAILED);
    cr_assert(strstr(c.result, "\"no\""), "%s", c.result);
    rig_close(&r);
}

Test(middleware, an_accident_is_told_once_by_the_name_of_who_had_it)
{
    struct rig_call c;
    rig_open(&r);
    AROUND(middleware("a", 0, pass), middleware("b", 1, pass));
    call_once(&c, slip, 0);
    cr_assert_eq(c.outcome, GN_OUT_ACCIDENT);
    const char *first = strstr(r.logged, "test/tool failed: it returned EIO");
    cr_assert(first, "%s", r.logged);
    cr_assert_null(strstr(strchr(first, '\n'), "failed"), "%s", r.logged);
    rig_close(&r);
    seen[0] = '\0';
}

static int mend(gantry_call *call)
{
    int rc = gn_call_next(call);
    return rc ? rig_say(call, "mended") : rc;
}

static int spoil(gantry_call *call)
{
    gn_call_next(call);
    return gn_call_refuse(call, -32001, "spoilt");
}

static int ignore(gantry_call *call)
{
    (void)call;
    return GANTRY_OK;
}

static int slip_around(gantry_call *call)
{
    int rc = gn_call_next(call);
    return rc ? rc : GANTRY_EBUSY;
}

Test(middleware, the_outermost_word_counts)
{
    static const struct {
        int (*outer)(gantry_call *call), (*inner)(gantry_call *call);
        gantry_run_fn handler;
        enum gn_outcome outcome;
        const char *shows;
    } cases[] = {
        {mend, pass, fail, GN_OUT_RESULT, "[{\"type\":\"text\",\"text\":\"mended\"}]"},
        {pass, mend, fail, GN_OUT_RESULT, "[{\"type\":\"text\",\"text\":\"mended\"}]"},
        {spoil, pass, work, GN_OUT_FAILED, "spoilt"},
        {pass, spoil, work, GN_OUT_FAILED, "spoilt"},
        {mend, spoil, work, GN_OUT_RESULT, "[{\"type\":\"text\",\"text\":\"mended\"}]"},
        {ignore, pass, work, GN_OUT_RESULT, "\"content\":[]"},
        {pass, slip_around, work, GN_OUT_ACCIDENT, "correlation id"},
        {slip_around, pass, fail, GN_OUT_FAILED, "\"no\""},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct rig_call c;
        rig_open(&r);
        AROUND(middleware("o", 0, cases[i].outer), middleware("i", 1, cases[i].inner));
        call_once(&c, cases[i].handler, 0);
        cr_assert_eq(c.outcome, cases[i].outcome, "case %zu: %d", i, (int)c.outcome);
        cr_assert(strstr(c.result, cases[i].shows), "case %zu: %s", i, c.result);
        rig_close(&r);
        seen[0] = '\0';
    }
}

/* ---------------------------------------------------------------- deadlines and cancelling */

static int sleep_long(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gn_task_sleep(call->task, 60000);
    note("woken");
    return rc ? GANTRY_ECANCELED : GANTRY_OK;
}

static int hurry(gantry_call *call)
{
    gn_call_set_timeout(call, 20);
    return pass(call);
}

static void check_cancelled(uint32_t flags)
{
    struct rig_call c;
    struct gn_component *tool = rig_tool(&r, "tool", sleep_long, flags);
    rig_open(&r);
    tool->owner = &r.owner;
    AROUND(middleware("a", 0, hurry));
    rig_start(&r, &c, tool);
    rig_until(&r, &c.finished, 1);
    cr_assert_eq(c.outcome, GN_OUT_TIMEOUT);
    rig_end(&c);
    while (r.env.alive)
        uv_run(&r.uv, UV_RUN_ONCE);
    check_seen("a> woken <a:8");
    gn_component_unref(tool);
    rig_close(&r);
}

Test(middleware, a_deadline_reaches_a_coroutine)
{
    check_cancelled(0);
}

Test(middleware, a_deadline_reaches_a_worker)
{
    check_cancelled(GANTRY_BLOCKING);
}

/* ---------------------------------------------------------------- nested calls */

static int call_target(gantry_call *call, const void *in)
{
    char text[64];
    (void)in;
    enum gn_outcome outcome = rig_nested(call, target, text, sizeof text);
    cr_assert_eq(outcome, GN_OUT_RESULT);
    return rig_say(call, text);
}

static void nest(uint32_t outer, uint32_t inner, const char *expected)
{
    struct rig_call c;
    rig_open(&r);
    AROUND(middleware("m", 0, pass));
    target = rig_tool(&r, "target", work_later, inner);
    call_once(&c, call_target, outer);
    check_seen(expected);
    cr_assert(strstr(c.result, "done"), "%s", c.result);
    gn_component_unref(target);
    rig_close(&r);
}

Test(middleware, nested_calls_pass_it_whatever_thread_they_come_from)
{
    nest(0, 0, "m> m> loop <m:1 <m:1");
    nest(0, GANTRY_BLOCKING, "m> m> worker <m:1 <m:1");
    nest(GANTRY_BLOCKING, 0, "m> m> loop <m:1 <m:1");
    nest(GANTRY_BLOCKING, GANTRY_BLOCKING, "m> m> worker <m:1 <m:1");
}

static int count_next(gantry_call *call)
{
    return gn_call_next(call);
}

/* Several at a time: takes no notes. */
static int wait_a_little(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gn_task_sleep(call->task, 1);
    return rc ? GANTRY_ECANCELED : rig_say(call, "done");
}

/* More handlers than there are workers, each of which needs one more for what it calls. */
Test(middleware, workers_that_wait_lend_their_threads)
{
    enum { CALLS = 32 };
    static struct rig_call calls[CALLS];
    rig_open(&r);
    AROUND(middleware("m", 0, count_next));
    target = rig_tool(&r, "target", wait_a_little, GANTRY_BLOCKING);
    struct gn_component *tool = rig_tool(&r, "tool", call_target, GANTRY_BLOCKING);
    for (int i = 0; i < CALLS; i++)
        rig_start(&r, &calls[i], tool);
    for (int i = 0; i < CALLS; i++) {
        rig_until(&r, &calls[i].finished, 1);
        cr_assert(strstr(calls[i].result, "done"), "%s", calls[i].result);
        rig_end(&calls[i]);
    }
    gn_component_unref(target);
    gn_component_unref(tool);
    rig_close(&r);
    seen[0] = '\0';
}

/* ---------------------------------------------------------------- locks, data, replacement */

static struct gantry_mutex lock;

static int hold_lock(gantry_call *call)
{
    cr_assert_eq(gn_mutex_lock(&lock.mutex, call->task), 0);
    lock.level = call->around_at;
    gn_list_append(&call->locks, &lock.call_node);
    int rc = gn_call_next(call);
    cr_assert_eq(lock.mutex.owner, call->task, "the handler's end let go of it");
    gn_list_remove(&lock.call_node);
    gn_mutex_unlock(&lock.mutex, call->task);
    return rc;
}

Test(middleware, keeps_its_lock_while_the_handler_comes_and_goes)
{
    struct rig_call c;
    rig_open(&r);
    gn_mutex_init(&lock.mutex, r.loop);
    gn_list_init(&lock.call_node);
    AROUND(middleware("a", 0, hold_lock));
    call_once(&c, work_later, 0);
    cr_assert_eq(c.outcome, GN_OUT_RESULT);
    gn_mutex_fini(&lock.mutex);
    rig_close(&r);
    seen[0] = '\0';
}

static int freed;

static void free_data(void *data)
{
    (void)data;
    freed++;
}

Test(middleware, a_call_keeps_what_was_replaced_meanwhile)
{
    struct rig_call c;
    rig_open(&r);
    freed = 0;
    struct gn_middleware *m = middleware("old", 0, pass);
    m->free_data = free_data;
    put_around(&m, 1);
    struct gn_component *tool = rig_tool(&r, "tool", work_later, 0);
    rig_start(&r, &c, tool);
    cr_assert(gn_call_uses(c.call, &r.owner));
    AROUND(middleware("new", 0, pass));
    cr_assert_eq(freed, 0);
    rig_until(&r, &c.finished, 1);
    rig_end(&c);
    cr_assert_eq(freed, 1);
    check_seen("old> loop <old:1");
    gn_around_replace(&r.env, &r.owner, NULL, 0);
    cr_assert_null(r.env.around);
    gn_component_unref(tool);
    rig_close(&r);
}

/* ---------------------------------------------------------------- operations */

static int list(struct gn_call *call)
{
    static const char text[] = "{\"tools\":[]}";
    note("list");
    call->result.raw = text;
    call->result.raw_len = sizeof text - 1;
    return GANTRY_OK;
}

static int finished;

static void operation_ended(struct gn_call *call, enum gn_outcome outcome)
{
    finished++;
    cr_assert_eq(outcome, GN_OUT_RESULT);
    cr_assert_str_eq(call->result.raw, "{\"tools\":[1]}");
}

static int add_one(gantry_call *call)
{
    struct gn_error err = {0};
    static const char text[] = "{\"tools\":[1]}";
    int rc = gn_call_next(call);
    cr_assert_eq(gn_json_count(gn_json_get(gn_call_result(call), "tools")), 0);
    const gantry_json *v = gn_json_parse_arena(&call->arena, text, sizeof text - 1, NULL);
    cr_assert_eq(gn_call_set_result(call, v, &err), GANTRY_OK);
    return rc;
}

Test(middleware, is_around_what_the_host_does_itself)
{
    static const struct gn_call_ops list_ops = {.finished = operation_ended};
    rig_open(&r);
    finished = 0;
    struct gn_middleware *m = middleware("a", 0, add_one);
    m->hooks = GANTRY_ON_LIST_TOOLS;
    put_around(&m, 1);
    struct gn_call *call = gn_call_new(&r.env, &list_ops, NULL);
    call->method = "tools/list";
    gn_call_start_operation(call, GANTRY_ON_LIST_TOOLS, list);
    rig_until(&r, &finished, 1);
    gn_call_unref(call);
    check_seen("list");
    rig_close(&r);
}

/* ---------------------------------------------------------------- results given by middlewares */

static const char *given;

static int give(gantry_call *call)
{
    struct gn_error err = {0};
    const gantry_json *v = gn_json_parse_arena(&call->arena, given, strlen(given), NULL);
    int rc = gn_call_set_result(call, v, &err);
    return rc ? gn_call_fail(call, "%s", err.text) : rc;
}

Test(middleware, a_result_is_taken_apart_or_refused)
{
    static const struct {
        const char *given, *shows;
    } cases[] = {
        {"{\"content\":[{\"type\":\"text\",\"text\":\"a\\u0000b\"}]}", "\"a\\u0000b\""},
        {"{\"content\":[{\"type\":\"image\",\"data\":\"aGk=\",\"mimeType\":\"image/png\"}]}",
         "image/png"},
        {"{\"content\":[],\"structuredContent\":{\"n\":1}}", "\"structuredContent\":{\"n\":1}"},
        {"{\"content\":[{\"type\":\"text\",\"text\":\"bad\"}],\"isError\":true}",
         "\"isError\":true"},
        {"{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"a:b\",\"text\":\"t\"}}]}",
         "\"uri\":\"a:b\""},
        {"{\"content\":[{\"type\":\"resource_link\",\"uri\":\"a:b\",\"name\":\"n\"}]}",
         "resource_link"},
        {"[]", "a result is an object"},
        {"{}", "needs content"},
        {"{\"content\":{}}", "needs content"},
        {"{\"content\":[7]}", "none that MCP has"},
        {"{\"content\":[{\"type\":\"text\"}]}", "needs text"},
        {"{\"content\":[{\"type\":\"image\",\"data\":\"aGk=\"}]}", "needs data and mimeType"},
        {"{\"content\":[{\"type\":\"resource\"}]}", "need uri"},
        {"{\"content\":[{\"type\":\"resource_link\",\"uri\":\"a:b\"}]}", "needs uri and name"},
        {"{\"content\":[{\"type\":\"film\"}]}", "none that MCP has"},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct rig_call c;
        rig_open(&r);
        given = cases[i].given;
        AROUND(middleware("give", 0, give));
        call_once(&c, work, 0);
        cr_assert(strstr(c.result, cases[i].shows), "case %zu: %s", i, c.result);
        rig_close(&r);
    }
}
