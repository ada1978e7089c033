/* Unit tests of gantry_spawn, gantry_after and gantry_every: bad use, limits, and how they go with
 * the life of their generation. */
#include "bench.h"
#include "plugin/host_internal.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(host_background);

#define DEADLINE_MS 60000

static struct bench b;
static int ran, freed, together, most;
static bool go;
static gantry_schedule *schedule;

static void open_bench(void)
{
    bench_open(&b);
    ran = freed = together = most = 0;
    go = false;
    schedule = NULL;
}

static void turn(void)
{
    uv_run(&b.uv, UV_RUN_NOWAIT);
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        uint64_t end_ = gn_clock_ms() + DEADLINE_MS;                                               \
        while (!(condition)) {                                                                     \
            cr_assert(gn_clock_ms() < end_, "never: %s\n%s", #condition, gn_buf_str(&b.lines));    \
            turn();                                                                                \
        }                                                                                          \
    } while (0)

static void free_arg(void *arg)
{
    (void)arg;
    cr_assert(gn_loop_is_current(b.loop));
    freed++;
}

static int count(gantry_call *call, void *arg)
{
    (void)arg;
    cr_assert_eq(gantry_current(), call);
    cr_assert_eq(gantry_self(call), b.g);
    ran++;
    return GANTRY_OK;
}

static int wait_for_go(gantry_call *call, void *arg)
{
    int rc = GANTRY_OK;
    (void)arg;
    ran++;
    together++;
    most = GN_MAX(most, together);
    while (!go && !rc)
        rc = gantry_sleep(call, 1);
    together--;
    return rc;
}

static gantry_background work_of(int (*run)(gantry_call *call, void *arg))
{
    return *GANTRY_BACKGROUND("work", run, NULL, .free_arg = free_arg);
}

static int spawn_one(gantry_call *call, const void *in)
{
    gantry_background work = work_of(go ? count : wait_for_go);
    (void)in;
    return gantry_spawn(call, &work);
}

/* ---------------------------------------------------------------- bad use */

static int misuse(gantry_call *call, const void *in)
{
    gantry_background work = work_of(count);
    (void)in;
    cr_assert_eq(gantry_spawn(call, NULL), GANTRY_EINVAL);
    work.size = 8;
    cr_assert_eq(gantry_spawn(call, &work), GANTRY_EINVAL);
    work = work_of(NULL);
    cr_assert_eq(gantry_spawn(call, &work), GANTRY_EINVAL);
    work = work_of(count);
    work.flags = 1u << 30;
    cr_assert_eq(gantry_spawn(call, &work), GANTRY_EINVAL);
    work = work_of(count);
    char name[200];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const char *const bad_names[] = {NULL, "", "\xff", name};
    for (size_t i = 0; i < GN_COUNT(bad_names); i++) {
        work.name = bad_names[i];
        cr_assert_eq(gantry_spawn(call, &work), GANTRY_EINVAL);
        cr_assert_null(gantry_after(gantry_self(call), 1, &work));
    }
    cr_assert_null(gantry_every(gantry_self(call), 1, NULL));
    gantry_schedule_stop(NULL);
    return GANTRY_OK;
}

Test(host_background, refuses_what_is_damaged)
{
    open_bench();
    bench_body(&b, misuse);
    cr_assert_eq(b.outcome, GN_OUT_RESULT);
    cr_assert(strstr(gn_buf_str(&b.lines), "gantry_spawn: its function is NULL"));
    cr_assert_eq(freed, 0);
    bench_close(&b);
}

static int from_a_worker(gantry_call *call, const void *in)
{
    gantry_background work = work_of(count);
    (void)in;
    cr_assert_null(gantry_after(gantry_self(call), 1, &work));
    gantry_schedule_stop(schedule);
    return gantry_spawn(call, &work); /* that may be anywhere */
}

Test(host_background, makes_schedules_on_the_loop_only)
{
    open_bench();
    gantry_background work = work_of(count);
    schedule = gantry_after(b.g, DEADLINE_MS * 10, &work);
    cr_assert_not_null(schedule);
    bench_tool(&b, "t", from_a_worker, GANTRY_BLOCKING);
    bench_do(&b, GN_TOOL, "t", NULL);
    UNTIL(freed == 1);
    cr_assert_eq(ran, 1);
    cr_assert_eq(b.g->schedule_count, 1);
    cr_assert(strstr(gn_buf_str(&b.lines), "gantry_schedule_stop: not on a worker thread"));
    bench_close(&b);
    cr_assert_eq(freed, 2);
}

/* ---------------------------------------------------------------- with the generation */

Test(host_background, begins_once_the_generation_serves)
{
    open_bench();
    bench_tool(&b, "t", spawn_one, 0);
    b.g->state = GN_GEN_STAGED;
    go = true;
    gantry_background work = work_of(count);
    cr_assert_not_null(gantry_after(b.g, 0, &work));
    bench_do(&b, GN_TOOL, "t", NULL);
    for (int i = 0; i < 20; i++)
        turn();
    cr_assert_eq(ran, 0);
    b.g->state = GN_GEN_LIVE;
    gn_generation_go_live(b.g);
    UNTIL(freed == 2);
    cr_assert_eq(ran, 2);
    cr_assert_eq(b.g->schedule_count, 0);
    bench_close(&b);
}

Test(host_background, is_dropped_if_the_generation_never_serves)
{
    open_bench();
    bench_tool(&b, "t", spawn_one, 0);
    b.g->state = GN_GEN_STAGED;
    go = true;
    gantry_background work = work_of(count);
    cr_assert_not_null(gantry_every(b.g, 1, &work));
    bench_do(&b, GN_TOOL, "t", NULL);
    uint32_t refs = b.g->refs;
    gn_generation_end_schedules(b.g);
    cr_assert_eq(b.g->refs, refs - 1); /* what waited held it */
    cr_assert_eq(freed, 1);
    bench_close(&b);
    cr_assert_eq(freed, 2);
    cr_assert_eq(ran, 0);
}

Test(host_background, holds_the_generation_while_it_runs)
{
    open_bench();
    uint32_t refs = b.g->refs;
    gantry_background work = work_of(wait_for_go);
    cr_assert_not_null(gantry_every(b.g, 1, &work));
    bench_body(&b, spawn_one);
    UNTIL(ran == 2);
    cr_assert_gt(b.g->refs, refs + 1);
    b.g->state = GN_GEN_DRAINING; /* a reload: no run begins any more, those under way go on */
    gn_generation_end_schedules(b.g);
    cr_assert_null(gantry_after(b.g, 1, &work));
    for (int i = 0; i < 20; i++)
        turn();
    cr_assert_eq(together, 2);
    cr_assert_eq(freed, 0);
    go = true;
    UNTIL(b.env.background == 0);
    cr_assert_eq(b.g->refs, refs);
    cr_assert_eq(freed, 1);
    for (int i = 0; i < 20; i++)
        turn();
    cr_assert_eq(ran, 2);
    bench_close(&b); /* the schedule stays until then: `stop` may name it */
    cr_assert_eq(freed, 2);
}

static int spawn_again(gantry_call *call, void *arg)
{
    gantry_background work = work_of(spawn_again);
    (void)arg;
    ran++;
    int rc = gantry_sleep(call, DEADLINE_MS);
    cr_assert_eq(rc, GANTRY_ECANCELED);
    cr_assert_eq(gantry_spawn(call, &work), GANTRY_ECANCELED);
    return rc;
}

static int spawn_first(gantry_call *call, const void *in)
{
    gantry_background work = work_of(spawn_again);
    (void)in;
    return gantry_spawn(call, &work);
}

Test(host_background, does_not_live_on_as_its_own_child)
{
    open_bench();
    bench_body(&b, spawn_first);
    UNTIL(ran == 1);
    GN_LIST_EACH(&b.env.calls, n) {
        gn_call_cancel(GN_CONTAINER(n, struct gn_call, node));
        break;
    }
    UNTIL(b.env.background == 0);
    cr_assert_eq(ran, 1);
    cr_assert_eq(freed, 1);
    bench_close(&b);
}

/* ---------------------------------------------------------------- schedules */

Test(host_background, never_runs_an_interval_beside_itself)
{
    open_bench();
    gantry_background work = work_of(wait_for_go);
    schedule = gantry_every(b.g, 1, &work);
    UNTIL(ran == 1);
    uint64_t end = gn_clock_ms() + 20;
    while (gn_clock_ms() < end)
        turn();
    cr_assert_eq(ran, 1);
    go = true;
    UNTIL(ran >= 4);
    cr_assert_eq(most, 1);
    cr_assert_eq(freed, 0);
    gantry_schedule_stop(schedule);
    UNTIL(freed == 1);
    bench_close(&b);
}

static int stop_itself(gantry_call *call, void *arg)
{
    (void)arg;
    ran++;
    gantry_schedule_stop(schedule);
    gantry_schedule_stop(schedule); /* it runs: it is there still */
    int rc = gantry_sleep(call, 1);
    cr_assert_eq(freed, 0);
    return rc;
}

Test(host_background, may_stop_a_schedule_from_its_own_run)
{
    open_bench();
    gantry_background work = work_of(stop_itself);
    for (int every = 0; every < 2; every++) {
        schedule = every ? gantry_every(b.g, 0, &work) : gantry_after(b.g, 0, &work);
        UNTIL(freed == 1);
        cr_assert_eq(ran, 1);
        cr_assert_eq(b.g->schedule_count, 0);
        ran = freed = 0;
    }
    bench_close(&b);
}

static int fail(gantry_call *call, void *arg)
{
    (void)arg;
    ran++;
    return gantry_fail(call, "try %d", ran);
}

Test(host_background, goes_on_after_a_run_that_failed)
{
    open_bench();
    gantry_background work = work_of(fail);
    cr_assert_not_null(gantry_every(b.g, 0, &work));
    UNTIL(ran >= 3);
    UNTIL(strstr(gn_buf_str(&b.lines), "inst/work failed: try 3"));
    gn_generation_end_schedules(b.g);
    UNTIL(b.env.background == 0);
    bench_close(&b);
}

Test(host_background, bounds_the_number_of_schedules)
{
    open_bench();
    gantry_background work = work_of(count);
    gantry_schedule *all[64];
    for (size_t i = 0; i < GN_COUNT(all); i++)
        cr_assert_not_null(all[i] = gantry_after(b.g, DEADLINE_MS * 10, &work));
    cr_assert_null(gantry_after(b.g, 1, &work));
    gantry_schedule_stop(all[7]);
    cr_assert_eq(freed, 1);
    cr_assert_not_null(gantry_after(b.g, DEADLINE_MS * 10, &work));
    bench_close(&b);
    cr_assert_eq(freed, 65);
    cr_assert_eq(ran, 0);
}

Test(host_background, pauses_schedules_while_calls_are_held)
{
    open_bench();
    gantry_background work = work_of(count);
    bool (*hold)(struct gn_owner *, gantry_call *) = b.g->owner.hold;
    b.g->owner.hold = (bool (*)(struct gn_owner *, gantry_call *))(uintptr_t)1; /* never called */
    cr_assert_not_null(gantry_after(b.g, 0, &work));
    uint64_t end = gn_clock_ms() + 50;
    while (gn_clock_ms() < end)
        turn();
    cr_assert_eq(ran, 0);
    b.g->owner.hold = hold;
    UNTIL(freed == 1);
    cr_assert_eq(ran, 1);
    bench_close(&b);
}

Test(host_background, begins_no_run_once_the_host_stops)
{
    open_bench();
    gantry_background work = work_of(count);
    cr_assert_not_null(gantry_after(b.g, 0, &work));
    cr_assert_not_null(gantry_every(b.g, 0, &work));
    b.env.no_schedules = true;
    uint64_t end = gn_clock_ms() + 50;
    while (gn_clock_ms() < end)
        turn();
    bench_close(&b);
    cr_assert_eq(ran, 0);
    cr_assert_eq(freed, 2);
}

Test(host_background, waits_with_a_run_that_finds_no_room)
{
    open_bench();
    gantry_background work = work_of(count);
    b.env.max_background = 1;
    bench_body(&b, spawn_one); /* takes it */
    UNTIL(ran == 1);
    cr_assert_not_null(gantry_after(b.g, 0, &work));
    UNTIL(strstr(gn_buf_str(&b.lines), "inst/work waits: too much background work"));
    cr_assert_eq(ran, 1);
    go = true;
    UNTIL(freed == 2); /* tried again by itself */
    cr_assert_eq(ran, 2);
    bench_close(&b);
}
