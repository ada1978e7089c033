#include "coro/fixture.h"

#include "util/clock.h"

GN_SUITE(mutex);

struct locker {
    struct gn_mutex *mutex;
    struct trace *trace;
    const char *name;
    uint32_t hold_ms;
    int rc;
    bool finished;
};

static void lock_once(struct gn_task *task, void *arg)
{
    struct locker *l = arg;
    l->rc = gn_mutex_lock(l->mutex, task);
    if (l->rc == 0) {
        trace_add(l->trace, l->name); /* [task] but only one at a time: that is what is tested */
        gn_task_sleep(task, l->hold_ms);
        gn_mutex_unlock(l->mutex, task);
    }
    l->finished = true;
}

Test(mutex, is_handed_to_the_one_that_waits_longest)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gn_mutex mutex;
    gn_mutex_init(&mutex, f.loop);
    struct trace trace = {.len = 0};
    struct locker l[] = {{&mutex, &trace, "a", 1, 1, false},
                         {&mutex, &trace, "b", 0, 1, false},
                         {&mutex, &trace, "c", 1, 1, false},
                         {&mutex, &trace, "d", 0, 1, false}};
    for (size_t i = 0; i < GN_COUNT(l); i++)
        fixture_start(&f, l[i].name, lock_once, &l[i]);
    cr_assert_eq(trace.len, 1);
    fixture_run(&f);
    cr_assert_str_eq(trace.text, "a b c d");
    gn_mutex_fini(&mutex);
    fixture_fini(&f);
}

static uint32_t count_waiters(const struct gn_mutex *m)
{
    uint32_t count = 0;
    GN_LIST_EACH(&m->waiters, n) {
        count++;
    }
    return count;
}

static void wait_for_waiters(struct fixture *f, const struct gn_mutex *m, uint32_t count)
{
    while (count_waiters(m) < count)
        uv_run(&f->uv, UV_RUN_ONCE);
}

Test(mutex, is_fair_between_coroutines_and_workers)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gn_mutex mutex;
    gn_mutex_init(&mutex, f.loop);
    struct trace trace = {.len = 0};
    struct locker l[] = {{&mutex, &trace, "a", 3600 * 1000, 1, false},
                         {&mutex, &trace, "b", 1, 1, false},
                         {&mutex, &trace, "c", 1, 1, false},
                         {&mutex, &trace, "d", 0, 1, false}};
    struct gn_task *holder = fixture_start(&f, "a", lock_once, &l[0]);
    fixture_start_worker(&f, "b", lock_once, &l[1]);
    wait_for_waiters(&f, &mutex, 1);
    fixture_start(&f, "c", lock_once, &l[2]);
    fixture_start_worker(&f, "d", lock_once, &l[3]);
    wait_for_waiters(&f, &mutex, 3);
    gn_task_cancel(holder); /* ends its sleep */
    fixture_run(&f);
    cr_assert_str_eq(trace.text, "a b c d");
    gn_mutex_fini(&mutex);
    fixture_fini(&f);
}

Test(mutex, who_is_cancelled_leaves_the_queue)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gn_mutex mutex;
    gn_mutex_init(&mutex, f.loop);
    struct trace trace = {.len = 0};
    struct locker l[] = {{&mutex, &trace, "a", 3600 * 1000, 1, false},
                         {&mutex, &trace, "b", 0, 1, false},
                         {&mutex, &trace, "c", 0, 1, false},
                         {&mutex, &trace, "d", 0, 1, false}};
    struct gn_task *holder = fixture_start(&f, "a", lock_once, &l[0]);
    struct gn_task *b = fixture_start(&f, "b", lock_once, &l[1]);
    struct gn_task *c = fixture_start_worker(&f, "c", lock_once, &l[2]);
    wait_for_waiters(&f, &mutex, 2);
    fixture_start(&f, "d", lock_once, &l[3]);
    gn_task_cancel(b);
    gn_task_cancel(c);
    gn_task_cancel(holder);
    fixture_run(&f);
    cr_assert_str_eq(trace.text, "a d");
    cr_assert_eq(l[1].rc, GN_ECANCELED);
    cr_assert_eq(l[2].rc, GN_ECANCELED);
    gn_mutex_fini(&mutex);
    fixture_fini(&f);
}

static void lock_twice(struct gn_task *task, void *arg)
{
    struct locker *l = arg;
    cr_assert_eq(gn_mutex_lock(l->mutex, task), 0);
    l->rc = gn_mutex_lock(l->mutex, task);
    gn_mutex_unlock(l->mutex, task);
    l->finished = true;
}

Test(mutex, locking_it_twice_is_an_error)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gn_mutex mutex;
    gn_mutex_init(&mutex, f.loop);
    struct locker a = {.mutex = &mutex}, b = {.mutex = &mutex};
    fixture_start(&f, "a", lock_twice, &a);
    cr_assert(a.finished);
    cr_assert_eq(a.rc, GN_EINVAL);
    fixture_start_worker(&f, "b", lock_twice, &b);
    fixture_run(&f);
    cr_assert_eq(b.rc, GN_EINVAL);
    gn_mutex_fini(&mutex);
    fixture_fini(&f);
}

static void lock_cancelled(struct gn_task *task, void *arg)
{
    struct locker *l = arg;
    gn_task_cancel(task);
    l->rc = gn_mutex_lock(l->mutex, task);
}

Test(mutex, a_cancelled_task_does_not_get_it_even_if_it_is_free)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gn_mutex mutex;
    gn_mutex_init(&mutex, f.loop);
    struct locker l = {.mutex = &mutex};
    fixture_start(&f, "a", lock_cancelled, &l);
    cr_assert_eq(l.rc, GN_ECANCELED);
    gn_mutex_fini(&mutex);
    fixture_fini(&f);
}

struct shared {
    struct gn_mutex mutex;
    int inside, entries; /* under the mutex */
};

static void enter_often(struct gn_task *task, void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(gn_mutex_lock(&s->mutex, task), 0);
        cr_assert_eq(s->inside++, 0);
        gn_task_sleep(task, 0);
        s->entries++;
        s->inside--;
        gn_mutex_unlock(&s->mutex, task);
    }
}

Test(mutex, never_lets_two_in)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct shared s = {.inside = 0};
    gn_mutex_init(&s.mutex, f.loop);
    for (int i = 0; i < 4; i++) {
        fixture_start(&f, "coroutine", enter_often, &s);
        fixture_start_worker(&f, "worker", enter_often, &s);
    }
    fixture_run(&f);
    cr_assert_eq(s.entries, 8 * 20);
    gn_mutex_fini(&s.mutex);
    fixture_fini(&f);
}
