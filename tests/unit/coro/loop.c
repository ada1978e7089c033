#include "coro/fixture.h"

#include "util/clock.h"

#include <pthread.h>
#include <string.h>

GN_SUITE(loop);

/* ---- posts ---- */

enum { THREADS = 4, EACH = 1000 };

struct numbered {
    struct gn_post post;
    int thread, number;
    struct posting *all;
};

struct posting {
    struct fixture f;
    struct numbered posts[THREADS][EACH];
    int next[THREADS];
    int count;
    bool all_ran;
};

struct poster {
    struct posting *all;
    int thread;
};

static void note_number(struct gn_post *post)
{
    struct numbered *n = GN_CONTAINER(post, struct numbered, post);
    struct posting *p = n->all;
    cr_assert(gn_loop_is_current(p->f.loop));
    cr_assert_eq(n->number, p->next[n->thread]);
    p->next[n->thread]++;
    p->all_ran = ++p->count == THREADS * EACH;
}

static void *post_all(void *arg)
{
    struct poster *poster = arg;
    struct posting *p = poster->all;
    for (int i = 0; i < EACH; i++) {
        struct numbered *n = &p->posts[poster->thread][i];
        *n = (struct numbered){.thread = poster->thread, .number = i, .all = p};
        gn_loop_post(p->f.loop, &n->post, note_number);
    }
    return NULL;
}

Test(loop, posts_of_many_threads_run_in_the_order_of_each)
{
    static struct posting p;
    fixture_init(&p.f, NULL);
    pthread_t threads[THREADS];
    struct poster posters[THREADS];
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){&p, i};
        cr_assert_eq(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
    }
    /* What other threads post does not keep uv_run running by itself. */
    uv_async_t keep;
    uv_async_init(&p.f.uv, &keep, NULL);
    fixture_run_until(&p.f, &p.all_ran);
    uv_close((uv_handle_t *)&keep, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(p.count, THREADS * EACH);
    fixture_fini(&p.f);
}

struct chained {
    struct gn_post post;
    struct gn_loop *loop;
    struct trace trace;
    int left;
};

static void post_again(struct gn_post *post)
{
    struct chained *c = GN_CONTAINER(post, struct chained, post);
    cr_assert_null(gn_task_current());
    trace_add(&c->trace, "run");
    if (c->left-- == 0)
        return;
    gn_loop_post(c->loop, post, post_again);
    trace_add(&c->trace, "posted");
}

Test(loop, a_post_may_post_itself_and_is_not_run_inside_of_itself)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct chained c = {.loop = f.loop, .left = 2};
    gn_loop_post(f.loop, &c.post, post_again);
    cr_assert_str_eq(c.trace.text, "");
    fixture_run(&f);
    cr_assert_str_eq(c.trace.text, "run posted run posted run");
    fixture_fini(&f);
}

/* ---- timers ---- */

struct ticking {
    struct gn_timer timer;
    struct trace *trace;
    const char *name;
    struct gn_timer *stop, *start;
    int restarts;
};

static void tick(struct gn_timer *timer)
{
    struct ticking *t = GN_CONTAINER(timer, struct ticking, timer);
    cr_assert_not(gn_timer_is_running(timer));
    cr_assert_geq(gn_clock_ms(), timer->at_ms);
    trace_add(t->trace, t->name);
    if (t->stop)
        gn_timer_stop(t->stop);
    if (t->start)
        gn_timer_start(timer->loop, t->start, 0, tick);
    if (t->restarts-- > 0)
        gn_timer_start(timer->loop, timer, 0, tick);
}

Test(loop, timers_of_one_time_fire_in_the_order_they_were_started)
{
    struct fixture f;
    fixture_init(&f, NULL);
    for (;;) {
        struct trace trace = {.len = 0};
        struct ticking t[] = {{.trace = &trace, .name = "a"},
                              {.trace = &trace, .name = "b"},
                              {.trace = &trace, .name = "c"},
                              {.trace = &trace, .name = "d"}};
        for (size_t i = 0; i < GN_COUNT(t); i++)
            gn_timer_start(f.loop, &t[i].timer, 3, tick);
        bool equal = t[0].timer.at_ms == t[3].timer.at_ms; /* else a millisecond ended in between */
        fixture_run(&f);
        cr_assert_str_eq(trace.text, "a b c d");
        if (equal)
            break;
    }
    fixture_fini(&f);
}

enum { MANY = 500 };

struct many {
    struct gn_timer timers[MANY];
    uint64_t last_at, last_order;
    int fired;
};

static struct many many;

static void check_order(struct gn_timer *timer)
{
    cr_assert(timer->at_ms > many.last_at ||
              (timer->at_ms == many.last_at && timer->order > many.last_order));
    many.last_at = timer->at_ms;
    many.last_order = timer->order;
    many.fired++;
}

Test(loop, many_timers_fire_in_order_though_some_were_stopped)
{
    struct fixture f;
    fixture_init(&f, NULL);
    uint32_t random = 12345;
    /* One second from now on, so that none is due before the last was started or stopped. */
    for (int i = 0; i < MANY; i++) {
        random = random * 1664525 + 1013904223;
        gn_timer_start(f.loop, &many.timers[i], 1000 + (random >> 16) % 50, check_order);
    }
    int stopped = 0;
    for (int i = 0; i < MANY; i += 3, stopped++)
        gn_timer_stop(&many.timers[i]);
    for (int i = 1; i < MANY; i += 3)
        gn_timer_start(f.loop, &many.timers[i], 1000 + (uint32_t)i % 20, check_order);
    fixture_run(&f);
    cr_assert_eq(many.fired, MANY - stopped);
    fixture_fini(&f);
}

Test(loop, a_timer_may_stop_another_that_is_due_too)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct trace trace = {.len = 0};
    struct ticking a = {.trace = &trace, .name = "a"}, b = {.trace = &trace, .name = "b"},
                   c = {.trace = &trace, .name = "c"};
    a.stop = &b.timer;
    gn_timer_start(f.loop, &a.timer, 1, tick);
    gn_timer_start(f.loop, &b.timer, 1, tick);
    gn_timer_start(f.loop, &c.timer, 1, tick);
    uint64_t due = gn_clock_ms() + 2;
    while (gn_clock_ms() < due) /* all three are due when the loop looks first */
        ;
    fixture_run(&f);
    cr_assert_str_eq(trace.text, "a c");
    fixture_fini(&f);
}

Test(loop, a_timer_may_start_itself_and_others_again_and_the_loop_goes_round)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct trace trace = {.len = 0};
    struct ticking b = {.trace = &trace, .name = "b"};
    struct ticking a = {.trace = &trace, .name = "a", .start = &b.timer, .restarts = 2};
    gn_timer_start(f.loop, &a.timer, 0, tick);
    fixture_run(&f);
    cr_assert_str_eq(trace.text, "a b a b a b");
    fixture_fini(&f);
}

Test(loop, a_timer_that_is_started_again_fires_once)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct trace trace = {.len = 0};
    struct ticking a = {.trace = &trace, .name = "a"};
    gn_timer_start(f.loop, &a.timer, 3600 * 1000, tick);
    gn_timer_start(f.loop, &a.timer, 1, tick);
    fixture_run(&f);
    cr_assert_str_eq(trace.text, "a");
    gn_timer_stop(&a.timer);
    fixture_fini(&f);
}

/* ---- closing ---- */

static void sleep_long(struct gn_task *task, void *arg)
{
    *(int *)arg = gn_task_sleep(task, 3600 * 1000);
}

Test(loop, closing_cancels_what_still_waits)
{
    struct fixture f;
    fixture_init(&f, NULL);
    int a = 1, b = 1;
    struct gn_task *worker = fixture_start_worker(&f, "a worker", sleep_long, &b);
    fixture_start(&f, "a coroutine", sleep_long, &a);
    while (!gn_task_ran(worker))
        uv_run(&f.uv, UV_RUN_NOWAIT);
    fixture_fini(&f);
    cr_assert_eq(a, GN_ECANCELED);
    cr_assert_eq(b, GN_ECANCELED);
    cr_assert_str_eq(f.log_text, "");
}

Test(loop, closing_without_waiting_lets_coroutines_unwind)
{
    struct fixture f;
    fixture_init(&f, NULL);
    int a = 1;
    fixture_start(&f, "a coroutine", sleep_long, &a);
    fixture_close(&f, 0);
    cr_assert_eq(a, GN_ECANCELED);
    cr_assert_str_eq(f.log_text, "");
}

static void never(struct gn_timer *timer)
{
    (void)timer;
    cr_assert_fail("fired after the loop was closed");
}

static void note_run(struct gn_post *post)
{
    struct chained *c = GN_CONTAINER(post, struct chained, post);
    trace_add(&c->trace, "run");
}

Test(loop, closing_runs_what_was_posted_and_stops_timers)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gn_timer timer = {0};
    struct chained c = {.loop = f.loop};
    gn_timer_start(f.loop, &timer, 3600 * 1000, never);
    gn_loop_post(f.loop, &c.post, note_run);
    fixture_fini(&f);
    cr_assert_str_eq(c.trace.text, "run");
    cr_assert_not(gn_timer_is_running(&timer));
    gn_timer_stop(&timer);
}

static void yield_often(struct gn_task *task, void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++)
        gn_task_sleep(task, 0);
}

Test(loop, two_loops_in_one_process_do_not_know_of_each_other)
{
    struct fixture a, b;
    fixture_init(&a, NULL);
    fixture_init(&b, NULL);
    fixture_start(&a, "a", yield_often, NULL);
    fixture_start(&b, "b", yield_often, NULL);
    fixture_run(&b);
    fixture_run(&a);
    struct gn_task_stats stats;
    gn_task_stats(a.loop, &stats);
    cr_assert_eq(stats.switches, 101);
    fixture_fini(&a);
    fixture_fini(&b);
}
