/* concurrency.c - calls of one tool at a time: order, limits, cancelling, reloads, what nests. */
#include "pipeline/fixture.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(concurrency);

/* ---- a handler that stays until it is let go */

struct stay {
    struct gn_op op;
    struct gn_list node;
};

static struct gn_list inside; /* longest first */
static int entered, most;

static int count_inside(void)
{
    int n = 0;
    GN_LIST_EACH(&inside, node) {
        (void)node;
        n++;
    }
    return n;
}

static void stay_start(struct gn_op *op)
{
    gn_list_append(&inside, &GN_CONTAINER(op, struct stay, op)->node);
    entered++;
    most = GN_MAX(most, count_inside());
}

static void stay_cancel(struct gn_op *op)
{
    gn_list_remove(&GN_CONTAINER(op, struct stay, op)->node);
    gn_op_done(op, GN_ECANCELED);
}

static int run_stay(gantry_call *call, const void *in)
{
    (void)in;
    struct stay s = {.op = {.start = stay_start, .cancel = stay_cancel}};
    gn_list_init(&s.node);
    int rc = gn_await(call->task, &s.op);
    return rc ? GANTRY_ECANCELED : say(call, "stayed");
}

/* Lets the one go that is inside longest. */
static void let_go(void)
{
    struct gn_list *n = gn_list_pop(&inside);
    cr_assert_not_null(n);
    gn_op_done(&GN_CONTAINER(n, struct stay, node)->op, 0);
    settle();
}

static void open_stays(const char *list)
{
    gn_list_init(&inside);
    entered = most = 0;
    open_host(list);
}

static size_t gates(void)
{
    const struct gn_shipped_entry *e = env.around->v[0]->data;
    return gn_gates_count(e->gates);
}

#define STAYED "{\"content\":[{\"type\":\"text\",\"text\":\"stayed\"}]}"

Test(concurrency, so_many_run_and_the_others_follow_in_order)
{
    enum { CALLS = 6 };
    open_stays("[{use: concurrency, max_calls: 2}]");
    struct gn_component *c = tool("stay", run_stay), *other = tool("other", run_stay);
    struct asked a[CALLS], b;
    for (size_t i = 0; i < CALLS; i++)
        ask(&a[i], c, 0);
    settle();
    cr_assert_eq(entered, 2);
    ask(&b, other, 0); /* each tool has its own */
    settle();
    cr_assert_eq(entered, 3);
    cr_assert_eq(gates(), 2);
    for (size_t i = 0; i < 2; i++) {
        let_go();
        cr_assert_eq(a[i].finished, 1);
        cr_assert_eq(entered, 4 + (int)i);
    }
    let_go();
    cr_assert_eq(b.finished, 1);
    for (size_t i = 2; i < CALLS; i++) {
        cr_assert_eq(a[i].finished, 0);
        let_go();
        cr_assert_eq(a[i].finished, 1);
    }
    cr_assert_eq(entered, CALLS + 1);
    cr_assert_eq(gates(), 0);
    for (size_t i = 0; i < CALLS; i++) {
        cr_assert_eq(a[i].outcome, GN_OUT_RESULT);
        cr_assert_str_eq(a[i].result, STAYED);
        forget(&a[i]);
    }
    forget(&b);
    gn_component_unref(c);
    gn_component_unref(other);
    close_host();
}

Test(concurrency, more_than_may_wait_are_told_that_it_is_busy)
{
    open_stays("[mask_errors, {use: concurrency, max_calls: 1, max_waiting: 1}]");
    struct gn_component *c = tool("stay", run_stay);
    struct asked a[3];
    for (size_t i = 0; i < GN_COUNT(a); i++)
        ask(&a[i], c, 0);
    settle();
    cr_assert_eq(a[2].finished, 1);
    cr_assert_eq(a[2].outcome, GN_OUT_FAILED);
    cr_assert_str_eq(a[2].result,
                     "{\"content\":[{\"type\":\"text\",\"text\":\"stay is busy: 1 calls run and 1 "
                     "wait, more are not taken; try again later\"}],\"isError\":true}");
    let_go();
    let_go();
    for (size_t i = 0; i < GN_COUNT(a); i++)
        forget(&a[i]);
    cr_assert_eq(gates(), 0);
    gn_component_unref(c);
    close_host();
}

Test(concurrency, nobody_waits_where_nobody_may)
{
    open_stays("[{use: concurrency, max_calls: 1, max_waiting: 0}]");
    struct gn_component *c = tool("stay", run_stay);
    struct asked a[2];
    ask(&a[0], c, 0);
    ask(&a[1], c, 0);
    settle();
    cr_assert_eq(a[1].outcome, GN_OUT_FAILED);
    let_go();
    forget(&a[0]);
    forget(&a[1]);
    gn_component_unref(c);
    close_host();
}

Test(concurrency, who_is_cancelled_while_waiting_never_runs_and_loses_nobody_a_place)
{
    open_stays("[{use: concurrency, max_calls: 1}]");
    struct gn_component *c = tool("stay", run_stay);
    struct asked a[4];
    for (size_t i = 0; i < GN_COUNT(a); i++)
        ask(&a[i], c, 0);
    settle();
    gn_call_cancel(a[1].call);
    settle();
    cr_assert_eq(a[1].outcome, GN_OUT_CANCELED);
    cr_assert_eq(entered, 1);
    let_go();
    cr_assert_eq(entered, 2);
    cr_assert_eq(a[2].finished, 0);
    let_go();
    let_go();
    cr_assert_eq(entered, 3);
    cr_assert(a[2].outcome == GN_OUT_RESULT && a[3].outcome == GN_OUT_RESULT);
    for (size_t i = 0; i < GN_COUNT(a); i++)
        forget(&a[i]);
    cr_assert_eq(gates(), 0);
    gn_component_unref(c);
    close_host();
}

Test(concurrency, a_place_given_to_one_who_is_cancelled_at_that_moment_is_handed_on)
{
    open_stays("[{use: concurrency, max_calls: 1}]");
    struct gn_component *c = tool("stay", run_stay);
    struct asked a[3];
    for (size_t i = 0; i < GN_COUNT(a); i++)
        ask(&a[i], c, 0);
    settle();
    /* The first goes by a reload's leave: the second has its place, and has not heard of it. */
    configure("[{use: concurrency, max_calls: 2}]");
    gn_call_cancel(a[1].call);
    settle();
    cr_assert_eq(a[1].outcome, GN_OUT_CANCELED);
    cr_assert_eq(entered, 2, "the third has the place that the second could not use");
    cr_assert_eq(count_inside(), 2);
    let_go();
    let_go();
    for (size_t i = 0; i < GN_COUNT(a); i++)
        forget(&a[i]);
    cr_assert_eq(gates(), 0);
    gn_component_unref(c);
    close_host();
}

Test(concurrency, who_runs_and_is_cancelled_makes_room)
{
    open_stays("[{use: concurrency, max_calls: 1}]");
    struct gn_component *c = tool("stay", run_stay);
    struct asked a[2];
    ask(&a[0], c, 0);
    ask(&a[1], c, 0);
    settle();
    gn_call_cancel(a[0].call);
    settle();
    cr_assert_eq(entered, 2);
    let_go();
    cr_assert_eq(a[1].outcome, GN_OUT_RESULT);
    forget(&a[0]);
    forget(&a[1]);
    cr_assert_eq(gates(), 0);
    gn_component_unref(c);
    close_host();
}

Test(concurrency, one_waits_no_longer_than_its_deadline)
{
    open_stays("[{use: concurrency, max_calls: 1}]");
    struct gn_component *c = tool("stay", run_stay);
    struct asked a[3];
    ask(&a[0], c, 0);
    ask(&a[1], c, 20);
    ask(&a[2], c, 0);
    run_until(&a[1].finished, 1);
    cr_assert_eq(a[1].outcome, GN_OUT_TIMEOUT);
    settle();
    cr_assert_eq(entered, 1);
    let_go();
    cr_assert_eq(entered, 2);
    let_go();
    for (size_t i = 0; i < GN_COUNT(a); i++)
        forget(&a[i]);
    cr_assert_eq(gates(), 0);
    gn_component_unref(c);
    close_host();
}

Test(concurrency, the_first_entry_that_names_a_tool_counts)
{
    open_stays("[{use: concurrency, max_calls: 3}, "
               "{use: concurrency, max_calls: 1, tools: [narrow], priority: -1}]");
    struct gn_component *narrow = tool("narrow", run_stay), *wide = tool("wide", run_stay);
    struct asked a[2], b[4];
    for (size_t i = 0; i < GN_COUNT(a); i++)
        ask(&a[i], narrow, 0);
    settle();
    cr_assert_eq(entered, 1, "its priority puts it first");
    for (size_t i = 0; i < GN_COUNT(b); i++)
        ask(&b[i], wide, 0);
    settle();
    cr_assert_eq(entered, 4);
    while (count_inside() > 0)
        let_go();
    cr_assert_eq(entered, 6);
    for (size_t i = 0; i < GN_COUNT(a); i++)
        forget(&a[i]);
    for (size_t i = 0; i < GN_COUNT(b); i++)
        forget(&b[i]);
    gn_component_unref(narrow);
    gn_component_unref(wide);
    close_host();
}

/* ---- reloads */

Test(concurrency, a_reload_keeps_the_count_and_brings_its_limits)
{
    open_stays("[{use: concurrency, max_calls: 2}]");
    struct gn_component *c = tool("stay", run_stay);
    struct asked a[6];
    for (size_t i = 0; i < 4; i++)
        ask(&a[i], c, 0);
    settle();
    cr_assert_eq(entered, 2);
    configure("[timing, {use: concurrency, tools: [stay], max_calls: 1}]");
    settle();
    ask(&a[4], c, 0);
    settle();
    cr_assert_eq(entered, 2);
    let_go();
    cr_assert_eq(entered, 2, "one of the two before still runs, and there is place for one");
    let_go();
    cr_assert_eq(entered, 3);
    /* More place: at once for those who wait. */
    configure("[{use: concurrency, max_calls: 3}]");
    settle();
    cr_assert_eq(entered, 5);
    ask(&a[5], c, 0);
    settle();
    cr_assert_eq(entered, 5);
    /* No limit at all. */
    configure("[timing]");
    settle();
    cr_assert_eq(entered, 6);
    while (count_inside() > 0)
        let_go();
    for (size_t i = 0; i < GN_COUNT(a); i++) {
        cr_assert_eq(a[i].outcome, GN_OUT_RESULT);
        forget(&a[i]);
    }
    gn_component_unref(c);
    close_host();
}

/* ---- nesting, retries */

static struct gn_component *called;
static enum gn_outcome child_outcome;

static void unref_call(void *arg)
{
    gn_call_unref(arg);
}

static int run_calling(gantry_call *call, const void *in)
{
    (void)in;
    struct gn_call *child;
    if (call->depth == 2)
        return say(call, "deep enough");
    int rc = gn_call_nested(call, called, NULL, NULL, &child, &child_outcome);
    if (rc)
        return GANTRY_EIO;
    gn_task_on_loop(call->task, unref_call, child);
    return say(call, "called");
}

Test(concurrency, a_tool_that_calls_itself_does_not_wait_for_itself)
{
    open_stays("[{use: concurrency, max_calls: 1, max_waiting: 5}]");
    struct gn_component *c = tool("calling", run_calling);
    called = c;
    struct asked a;
    ask(&a, c, 0);
    run_until(&a.finished, 1);
    cr_assert_eq(a.outcome, GN_OUT_RESULT);
    cr_assert_eq(child_outcome, GN_OUT_RESULT);
    forget(&a);
    cr_assert_eq(gates(), 0);
    gn_component_unref(c);
    close_host();
}

static void call_while_busy(const char *list, bool waits)
{
    open_stays(list);
    struct gn_component *c = tool("calling", run_calling);
    called = tool("stay", run_stay);
    struct asked a[2], b;
    ask(&b, called, 0);
    settle();
    cr_assert_eq(entered, 1);
    ask(&a[0], c, 0);
    ask(&a[1], called, 0);
    settle();
    /* What a client asks waits in any case. */
    cr_assert_eq(entered, waits ? 1 : 2);
    while (count_inside() > 0)
        let_go();
    cr_assert_eq(entered, 3);
    for (size_t i = 0; i < GN_COUNT(a); i++) {
        cr_assert_eq(a[i].finished, 1);
        cr_assert_eq(a[i].outcome, GN_OUT_RESULT);
        forget(&a[i]);
    }
    forget(&b);
    cr_assert_eq(gates(), 0);
    gn_component_unref(c);
    gn_component_unref(called);
    close_host();
}

Test(concurrency, what_a_handler_without_a_place_calls_waits_as_others_do)
{
    call_while_busy("[{use: concurrency, max_calls: 1, tools: [stay]}]", true);
}

Test(concurrency, what_a_handler_with_a_place_calls_is_let_in)
{
    call_while_busy("[{use: concurrency, max_calls: 1}]", false);
}

/* A plugin's middleware, further out or in, that tries thrice. */
static int tries;

static int run_retry(gantry_call *call)
{
    int rc = gn_call_next(call);
    for (tries = 1; tries < 3 && rc == GANTRY_EFAILED; tries++)
        rc = gn_call_next(call);
    return rc;
}

static int attempts;

static int run_flaky(gantry_call *call, const void *in)
{
    if (++attempts < 3)
        return gn_call_fail(call, "attempt %d", attempts);
    return run_stay(call, in);
}

static void retry_around(int32_t priority)
{
    open_stays("[{use: concurrency, max_calls: 1}, {use: mask_errors}]");
    static struct gn_owner plugin;
    struct gn_component *c = tool("flaky", run_flaky);
    plugin = *c->owner;
    plugin.name = "plugin";
    struct gn_middleware *m = gn_middleware_new("retry");
    m->hooks = GANTRY_ON_CALL_TOOL;
    m->run = run_retry;
    m->priority = priority;
    m->owner = &plugin;
    gn_around_replace(&env, &plugin, &m, 1);
    attempts = 0;
    struct asked a[2];
    ask(&a[0], c, 0);
    settle();
    cr_assert_eq(attempts, 3);
    cr_assert_eq(entered, 1);
    ask(&a[1], c, 0);
    settle();
    cr_assert_eq(entered, 1, "who tries again holds one place, or gives it back each time");
    let_go();
    cr_assert_eq(entered, 2);
    let_go();
    cr_assert_str_eq(a[0].result, STAYED);
    cr_assert_str_eq(a[1].result, STAYED);
    forget(&a[0]);
    forget(&a[1]);
    gn_around_replace(&env, &plugin, NULL, 0);
    cr_assert_eq(gates(), 0);
    gn_middleware_unref(m);
    gn_component_unref(c);
    close_host();
}

Test(concurrency, a_retry_further_out_takes_a_place_each_time)
{
    retry_around(-1);
}

Test(concurrency, a_retry_further_in_keeps_its_place)
{
    retry_around(1);
}

/* ---- many */

Test(concurrency, many_calls_cancelled_at_random_leave_nothing_behind)
{
    enum { CALLS = 500 };
    open_stays("[{use: concurrency, max_calls: 3, max_waiting: 1000}]");
    struct gn_component *c = tool("stay", run_stay);
    static struct asked a[CALLS];
    uint32_t seed = 12345;
    for (size_t i = 0; i < CALLS; i++)
        ask(&a[i], c, 0);
    settle();
    for (int rounds = 0; rounds < 100000 && gates() > 0; rounds++) {
        seed = seed * 1103515245u + 12345u;
        size_t i = (seed >> 16) % CALLS;
        if (!a[i].finished)
            gn_call_cancel(a[i].call);
        if (rounds % 3 == 0 && count_inside() > 0)
            let_go();
        else if (rounds % 5 == 0)
            settle();
    }
    settle();
    cr_assert_eq(gates(), 0);
    cr_assert_leq(most, 3);
    size_t done = 0;
    for (size_t i = 0; i < CALLS; i++) {
        cr_assert_eq(a[i].finished, 1);
        done += a[i].outcome == GN_OUT_RESULT;
        forget(&a[i]);
    }
    cr_assert_gt(done, 0);
    gn_component_unref(c);
    close_host();
}
