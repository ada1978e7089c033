#include "coro/fixture.h"

GN_SUITE(semaphore);

struct taker {
    struct gn_semaphore *semaphore;
    struct trace *trace;
    const char *name;
    uint32_t wait_ms, hold_ms;
    int rc;
    bool keep, finished;
};

static void give(void *arg)
{
    gn_semaphore_give(arg);
}

static void take_once(struct gn_task *task, void *arg)
{
    struct taker *t = arg;
    t->rc = gn_semaphore_take(t->semaphore, task, t->wait_ms);
    if (t->rc == 0) {
        trace_add(t->trace, t->name);
        gn_task_sleep(task, t->hold_ms);
        if (!t->keep)
            gn_task_on_loop(task, give, t->semaphore);
    }
    t->finished = true;
}

struct setting {
    struct fixture f;
    struct gn_semaphore semaphore;
    struct trace trace;
};

static void setting_init(struct setting *s, uint32_t permits)
{
    fixture_init(&s->f, NULL);
    gn_semaphore_init(&s->semaphore, s->f.loop, permits);
    s->trace = (struct trace){.len = 0};
}

static void setting_fini(struct setting *s)
{
    gn_semaphore_fini(&s->semaphore);
    fixture_fini(&s->f);
}

static struct taker taker(struct setting *s, const char *name)
{
    return (struct taker){.semaphore = &s->semaphore, .trace = &s->trace, .name = name, .rc = 1};
}

static uint32_t count_waiters(const struct gn_semaphore *s)
{
    uint32_t count = 0;
    GN_LIST_EACH(&s->waiters, n) {
        count++;
    }
    return count;
}

static void wait_for_waiters(struct setting *s, uint32_t count)
{
    while (count_waiters(&s->semaphore) < count)
        uv_run(&s->f.uv, UV_RUN_ONCE);
}

Test(semaphore, lets_in_as_many_as_it_has_permits_and_the_rest_in_order)
{
    struct setting s;
    setting_init(&s, 2);
    struct taker t[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < GN_COUNT(t); i++) {
        t[i] = taker(&s, names[i]);
        t[i].hold_ms = 3600 * 1000;
    }
    struct gn_task *tasks[5];
    for (size_t i = 0; i < GN_COUNT(t); i++)
        tasks[i] = fixture_start(&s.f, names[i], take_once, &t[i]);
    cr_assert_str_eq(s.trace.text, "a b");
    cr_assert_eq(count_waiters(&s.semaphore), 3);
    gn_task_cancel(tasks[1]); /* ends its sleep */
    fixture_run_until(&s.f, &t[1].finished);
    gn_task_cancel(tasks[0]);
    fixture_run_until(&s.f, &t[0].finished);
    for (size_t i = 2; i < GN_COUNT(t); i++) {
        gn_task_cancel(tasks[i]); /* those that sleep end it, the last does not get in */
        fixture_run_until(&s.f, &t[i].finished);
    }
    fixture_run(&s.f);
    cr_assert_str_eq(s.trace.text, "a b c d e");
    cr_assert_eq(s.semaphore.permits, 2);
    setting_fini(&s);
}

Test(semaphore, is_fair_between_coroutines_and_workers)
{
    struct setting s;
    setting_init(&s, 1);
    struct taker a = taker(&s, "a"), b = taker(&s, "b"), c = taker(&s, "c"), d = taker(&s, "d");
    a.hold_ms = 3600 * 1000;
    struct gn_task *holder = fixture_start(&s.f, "a", take_once, &a);
    fixture_start_worker(&s.f, "b", take_once, &b);
    wait_for_waiters(&s, 1);
    fixture_start(&s.f, "c", take_once, &c);
    fixture_start_worker(&s.f, "d", take_once, &d);
    wait_for_waiters(&s, 3);
    gn_task_cancel(holder);
    fixture_run(&s.f);
    cr_assert_str_eq(s.trace.text, "a b c d");
    cr_assert_eq(s.semaphore.permits, 1);
    setting_fini(&s);
}

Test(semaphore, whoever_waits_too_long_is_told_and_takes_nothing)
{
    struct setting s;
    setting_init(&s, 0);
    struct taker late = taker(&s, "late"), patient = taker(&s, "patient");
    late.wait_ms = 5;
    fixture_start_worker(&s.f, "patient", take_once, &patient);
    wait_for_waiters(&s, 1);
    fixture_start(&s.f, "late", take_once, &late);
    fixture_run_until(&s.f, &late.finished);
    cr_assert_eq(late.rc, GN_ETIMEDOUT);
    cr_assert_eq(count_waiters(&s.semaphore), 1);
    gn_semaphore_give(&s.semaphore);
    fixture_run(&s.f);
    cr_assert_eq(patient.rc, 0);
    cr_assert_eq(s.semaphore.permits, 1);
    setting_fini(&s);
}

Test(semaphore, a_cancelled_one_leaves_the_queue)
{
    struct setting s;
    setting_init(&s, 0);
    struct taker a = taker(&s, "a"), b = taker(&s, "b");
    struct gn_task *first = fixture_start(&s.f, "a", take_once, &a);
    fixture_start(&s.f, "b", take_once, &b);
    gn_task_cancel(first);
    gn_semaphore_give(&s.semaphore);
    fixture_run(&s.f);
    cr_assert_eq(a.rc, GN_ECANCELED);
    cr_assert_eq(b.rc, 0);
    cr_assert_str_eq(s.trace.text, "b");
    setting_fini(&s);
}

Test(semaphore, a_permit_may_be_given_back_by_anybody)
{
    struct setting s;
    setting_init(&s, 1);
    struct taker keeps = taker(&s, "keeps"), waits = taker(&s, "waits");
    keeps.keep = waits.keep = true;
    fixture_start(&s.f, "keeps", take_once, &keeps);
    fixture_run_until(&s.f, &keeps.finished);
    fixture_start(&s.f, "waits", take_once, &waits);
    cr_assert_eq(count_waiters(&s.semaphore), 1);
    gn_semaphore_give(&s.semaphore);
    fixture_run(&s.f);
    cr_assert(waits.finished);
    cr_assert_eq(s.semaphore.permits, 0);
    setting_fini(&s);
}
