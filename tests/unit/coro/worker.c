#include "coro/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>

GN_SUITE(worker);

/* A gate that blocks workers until it is opened, and counts who stands before it. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool open;
    int inside, most, passed;
};

static void gate_init(struct gate *g)
{
    memset(g, 0, sizeof(*g));
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->wake, NULL);
}

static void gate_pass(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    if (++g->inside > g->most)
        g->most = g->inside;
    pthread_cond_broadcast(&g->wake);
    while (!g->open)
        pthread_cond_wait(&g->wake, &g->lock);
    g->inside--;
    g->passed++;
    pthread_mutex_unlock(&g->lock);
}

static void gate_wait_inside(struct gate *g, int count)
{
    pthread_mutex_lock(&g->lock);
    while (g->inside < count)
        pthread_cond_wait(&g->wake, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void gate_open(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->wake);
    pthread_mutex_unlock(&g->lock);
}

/* How many have come so far. */
static int gate_count(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    int count = g->inside + g->passed;
    pthread_mutex_unlock(&g->lock);
    return count;
}

static void gate_fini(struct gate *g)
{
    pthread_cond_destroy(&g->wake);
    pthread_mutex_destroy(&g->lock);
}

static void block(struct gn_task *task, void *arg)
{
    cr_assert(gn_task_is_worker(task));
    cr_assert_eq(gn_task_current(), task);
    gate_pass(arg);
}

static struct gn_task *start_in_group(struct fixture *f, struct gn_work_group *group,
                                      void (*run)(struct gn_task *task, void *arg), void *arg)
{
    struct gn_task *task;
    struct gn_task_spec spec = {.name = "in group", .run = run, .arg = arg, .group = group};
    cr_assert_eq(gn_task_start_worker(f->loop, &spec, &task), 0);
    return task;
}

/* ---- queue and groups ---- */

static void set_flag(struct gn_task *task, void *arg)
{
    (void)task;
    *(bool *)arg = true;
}

static void done_flag(struct gn_task *task, void *arg)
{
    (void)task;
    *(bool *)arg = true;
}

static void nothing(struct gn_task *task, void *arg)
{
    (void)task;
    (void)arg;
}

Test(worker, a_group_holds_at_most_half_of_them_and_others_overtake)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 4});
    struct gate gate;
    gate_init(&gate);
    struct gn_work_group group = {0};
    for (int i = 0; i < 6; i++)
        start_in_group(&f, &group, block, &gate);
    gate_wait_inside(&gate, 2);
    /* The others of the group are before it in the queue. */
    bool overtook = false;
    struct gn_task_spec spec = {.run = nothing, .done = done_flag, .arg = &overtook};
    cr_assert_eq(gn_task_start_worker(f.loop, &spec, NULL), 0);
    fixture_run_until(&f, &overtook);
    struct gn_task_stats stats;
    gn_task_stats(f.loop, &stats);
    cr_assert_eq(stats.workers_busy, 2);
    cr_assert_eq(stats.jobs_waiting, 4);
    gate_open(&gate);
    fixture_run(&f);
    cr_assert_eq(gate.passed, 6);
    cr_assert_eq(gate.most, 2);
    cr_assert_eq(group.running, 0);
    fixture_fini(&f);
    gate_fini(&gate);
}

Test(worker, a_group_may_have_a_limit_of_its_own)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 4});
    struct gate gate;
    gate_init(&gate);
    struct gn_work_group group = {.max = 3};
    for (int i = 0; i < 5; i++)
        start_in_group(&f, &group, block, &gate);
    gate_wait_inside(&gate, 3);
    gate_open(&gate);
    fixture_run(&f);
    cr_assert_eq(gate.passed, 5);
    cr_assert_eq(gate.most, 3);
    fixture_fini(&f);
    gate_fini(&gate);
}

struct ordered {
    struct trace *trace;
    const char *name;
};

static void note_order(struct gn_task *task, void *arg)
{
    struct ordered *o = arg;
    (void)task;
    trace_add(o->trace, o->name); /* there is one worker only */
}

Test(worker, jobs_are_done_in_the_order_they_came)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct trace trace = {.len = 0};
    struct ordered o[] = {{&trace, "a"}, {&trace, "b"}, {&trace, "c"}, {&trace, "d"}};
    for (size_t i = 0; i < GN_COUNT(o); i++)
        fixture_start_worker(&f, o[i].name, note_order, &o[i]);
    fixture_run(&f);
    cr_assert_str_eq(trace.text, "a b c d");
    fixture_fini(&f);
}

Test(worker, more_jobs_than_may_wait_are_refused)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1, .max_jobs = 2});
    struct gate gate;
    gate_init(&gate);
    fixture_start_worker(&f, "runs", block, &gate);
    gate_wait_inside(&gate, 1);
    fixture_start_worker(&f, "waits", block, &gate);
    fixture_start_worker(&f, "waits", block, &gate);
    struct gn_task *task = (void *)&f;
    struct gn_task_spec spec = {.name = "refused", .run = block, .arg = &gate};
    cr_assert_eq(gn_task_start_worker(f.loop, &spec, &task), GN_EBUSY);
    cr_assert_null(task);
    gate_open(&gate);
    fixture_run(&f);
    cr_assert_eq(gate.passed, 3);
    fixture_fini(&f);
    gate_fini(&gate);
}

struct never_began {
    bool ran, done, said_ran;
};

static void never_runs(struct gn_task *task, void *arg)
{
    (void)task;
    ((struct never_began *)arg)->ran = true;
}

static void never_ran_done(struct gn_task *task, void *arg)
{
    struct never_began *n = arg;
    n->said_ran = gn_task_ran(task);
    n->done = true;
}

Test(worker, a_task_cancelled_in_the_queue_is_done_without_having_run)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct gate gate;
    gate_init(&gate);
    fixture_start_worker(&f, "runs", block, &gate);
    gate_wait_inside(&gate, 1);
    struct never_began n = {.said_ran = true};
    struct gn_task_spec spec = {.run = never_runs, .done = never_ran_done, .arg = &n};
    struct gn_task *task;
    cr_assert_eq(gn_task_start_worker(f.loop, &spec, &task), 0);
    gn_task_cancel(task);
    gn_task_cancel(task);
    cr_assert_not(n.done, "done must not be called inside of gn_task_cancel");
    fixture_run_until(&f, &n.done);
    cr_assert_not(n.ran);
    cr_assert_not(n.said_ran);
    struct gn_task_stats stats;
    gn_task_stats(f.loop, &stats);
    cr_assert_eq(stats.jobs_waiting, 0);
    gate_open(&gate);
    fixture_run(&f);
    fixture_fini(&f);
    gate_fini(&gate);
}

/* ---- pieces of work ---- */

struct piece_test {
    struct gate *gate;
    struct gn_task *task;
    pthread_t loop_thread;
    int rc;
    bool ran, finished;
    char thread_name[32];
};

static int look_around(void *arg)
{
    struct piece_test *p = arg;
    cr_assert_null(gn_task_current());
    cr_assert_not(pthread_equal(p->loop_thread, pthread_self()));
    pthread_getname_np(pthread_self(), p->thread_name, sizeof(p->thread_name));
    return 42;
}

static void hand_out_look(struct gn_task *task, void *arg)
{
    struct piece_test *p = arg;
    p->rc = gn_task_work(task, NULL, look_around, p);
    cr_assert(pthread_equal(p->loop_thread, pthread_self()));
}

Test(worker, a_piece_of_work_gives_its_value_to_the_coroutine)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct piece_test p = {.loop_thread = pthread_self()};
    fixture_start(&f, "hands out", hand_out_look, &p);
    fixture_run(&f);
    cr_assert_eq(p.rc, 42);
    cr_assert_str_eq(p.thread_name, "gantry-worker");
    fixture_fini(&f);
}

static int piece_at_gate(void *arg)
{
    struct piece_test *p = arg;
    p->ran = true;
    gate_pass(p->gate);
    return 3;
}

static void hand_out_to_gate(struct gn_task *task, void *arg)
{
    struct piece_test *p = arg;
    p->rc = gn_task_work(task, NULL, piece_at_gate, p);
    p->finished = true;
}

Test(worker, a_piece_cancelled_in_the_queue_never_runs_and_one_that_runs_is_waited_for)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct gate gate;
    gate_init(&gate);
    struct piece_test runs = {.gate = &gate}, waits = {.gate = &gate};
    struct gn_task *a = fixture_start(&f, "runs", hand_out_to_gate, &runs);
    gate_wait_inside(&gate, 1);
    struct gn_task *b = fixture_start(&f, "waits", hand_out_to_gate, &waits);
    gn_task_cancel(b);
    gn_task_cancel(a);
    fixture_run_until(&f, &waits.finished);
    cr_assert_eq(waits.rc, GN_ECANCELED);
    cr_assert_not(waits.ran);
    cr_assert_not(runs.finished);
    gate_open(&gate);
    fixture_run(&f);
    cr_assert_eq(runs.rc, 3);
    fixture_fini(&f);
    gate_fini(&gate);
}

static void hand_out_on_worker(struct gn_task *task, void *arg)
{
    struct piece_test *p = arg;
    pthread_t self = pthread_self();
    p->task = task;
    p->loop_thread = self;
    p->rc = gn_task_work(task, NULL, piece_at_gate, p);
    p->finished = true;
}

Test(worker, on_a_worker_a_piece_of_work_runs_in_place)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct gate gate;
    gate_init(&gate);
    gate_open(&gate);
    struct piece_test p = {.gate = &gate};
    fixture_start_worker(&f, "hands out", hand_out_on_worker, &p);
    fixture_run(&f);
    cr_assert(p.finished);
    cr_assert_eq(p.rc, 3);
    fixture_fini(&f);
    gate_fini(&gate);
}

/* ---- pieces that can be told to stop ---- */

struct stoppable {
    struct gate *gate;
    int interrupts, rc;
    bool shield, finished;
};

static int stay(void *arg)
{
    struct stoppable *s = arg;
    gate_pass(s->gate);
    return 5;
}

static void tell_to_stop(void *arg)
{
    struct stoppable *s = arg;
    s->interrupts++;
    gate_open(s->gate);
}

static void hand_out_stoppable(struct gn_task *task, void *arg)
{
    struct stoppable *s = arg;
    if (s->shield)
        cr_assert_eq(gn_task_shield(task, 50), 0);
    s->rc = gn_task_work_interruptible(task, NULL, stay, tell_to_stop, s);
    s->finished = true;
}

static void interrupts_once(bool on_worker, bool shield)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct gate gate;
    gate_init(&gate);
    struct stoppable s = {.gate = &gate, .shield = shield};
    struct gn_task *task = on_worker ? fixture_start_worker(&f, "stays", hand_out_stoppable, &s)
                                     : fixture_start(&f, "stays", hand_out_stoppable, &s);
    while (gate_count(&gate) == 0)
        uv_run(&f.uv, UV_RUN_NOWAIT);
    cr_assert_eq(s.interrupts, 0);
    gn_task_cancel(task);
    gn_task_cancel(task);
    cr_assert_eq(s.interrupts, shield ? 0 : 1);
    fixture_run(&f);
    cr_assert(s.finished);
    cr_assert_eq(s.interrupts, 1);
    cr_assert_eq(s.rc, 5, "what the piece returned, not %d", s.rc);
    fixture_fini(&f);
    gate_fini(&gate);
}

Test(worker, a_piece_that_runs_is_told_to_stop_when_its_coroutine_is_cancelled)
{
    interrupts_once(false, false);
}

Test(worker, a_piece_in_place_is_told_to_stop_when_its_worker_task_is_cancelled)
{
    interrupts_once(true, false);
}

Test(worker, a_shielded_piece_is_told_to_stop_when_the_shield_is_over)
{
    interrupts_once(false, true);
}

Test(worker, a_shielded_piece_in_place_is_told_to_stop_when_the_shield_is_over)
{
    interrupts_once(true, true);
}

Test(worker, a_stoppable_piece_cancelled_in_the_queue_is_neither_run_nor_told)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct gate gate, other;
    gate_init(&gate);
    gate_init(&other);
    struct piece_test runs = {.gate = &gate};
    struct stoppable waits = {.gate = &other};
    fixture_start(&f, "runs", hand_out_to_gate, &runs);
    gate_wait_inside(&gate, 1);
    gn_task_cancel(fixture_start(&f, "waits", hand_out_stoppable, &waits));
    fixture_run_until(&f, &waits.finished);
    cr_assert_eq(waits.rc, GN_ECANCELED);
    cr_assert_eq(waits.interrupts, 0);
    gate_open(&gate);
    fixture_run(&f);
    cr_assert_eq(gate_count(&other), 0);
    fixture_fini(&f);
    gate_fini(&gate);
    gate_fini(&other);
}

struct clean_up {
    sem_t begun;
    int rc;
    bool ran, finished;
};

static int note_clean_up(void *arg)
{
    ((struct clean_up *)arg)->ran = true;
    return 9;
}

static void clean_up_after_cancel(struct gn_task *task, void *arg)
{
    struct clean_up *c = arg;
    sem_post(&c->begun);
    while (!gn_task_is_cancelled(task))
        sched_yield();
    cr_assert_eq(gn_task_work(task, NULL, note_clean_up, c), GN_ECANCELED);
    cr_assert_not(c->ran);
    cr_assert_eq(gn_task_shield(task, 60000), 0);
    c->rc = gn_task_work(task, NULL, note_clean_up, c);
    c->finished = true;
}

Test(worker, a_shield_lets_a_cancelled_worker_task_do_its_clean_up)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct clean_up c = {.rc = 0};
    sem_init(&c.begun, 0, 0);
    struct gn_task *task = fixture_start_worker(&f, "cleans up", clean_up_after_cancel, &c);
    sem_wait(&c.begun);
    gn_task_cancel(task);
    fixture_run(&f);
    cr_assert(c.finished && c.ran);
    cr_assert_eq(c.rc, 9);
    fixture_fini(&f);
    sem_destroy(&c.begun);
}

/* ---- waiting on a worker ---- */

static void note_thread(void *arg)
{
    struct piece_test *p = arg;
    cr_assert(pthread_equal(p->loop_thread, pthread_self()));
    p->ran = true;
}

static void wait_often(struct gn_task *task, void *arg)
{
    struct piece_test *p = arg;
    for (uint32_t i = 0; i < 50; i++) {
        cr_assert_eq(gn_task_sleep(task, i % 2), 0);
        cr_assert_eq(gn_task_current(), task);
    }
    gn_task_on_loop(task, note_thread, p);
    p->finished = true;
}

Test(worker, tasks_sleep_and_speak_to_the_loop)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct piece_test p[8];
    for (size_t i = 0; i < GN_COUNT(p); i++) {
        p[i] = (struct piece_test){.loop_thread = pthread_self()};
        fixture_start_worker(&f, "waits", wait_often, &p[i]);
    }
    fixture_run(&f);
    for (size_t i = 0; i < GN_COUNT(p); i++)
        cr_assert(p[i].finished && p[i].ran);
    fixture_fini(&f);
}

/* ---- closing ---- */

static sem_t unstuck;

static void stuck(struct gn_task *task, void *arg)
{
    (void)task;
    gate_pass(arg);
    sem_post(&unstuck);
}

Test(worker, one_that_does_not_come_back_is_abandoned_by_name)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gate gate;
    gate_init(&gate);
    sem_init(&unstuck, 0, 0);
    bool other = false;
    fixture_start_worker(&f, "hello/stuck", stuck, &gate);
    fixture_start_worker(&f, "hello/quick", set_flag, &other);
    gate_wait_inside(&gate, 1);
    fixture_close(&f, 1);
    cr_assert_not_null(strstr(f.log_text, "hello/stuck did not end in time"), "%s", f.log_text);
    gate_open(&gate);
    while (sem_wait(&unstuck) != 0)
        ;
    gate_fini(&gate);
}

static int stuck_piece(void *arg)
{
    struct piece_test *p = arg;
    gate_pass(p->gate);
    /* The stack of the coroutine that handed it out is still there. */
    p->ran = true;
    sem_post(&unstuck);
    return 0;
}

static void hand_out_stuck(struct gn_task *task, void *arg)
{
    struct piece_test on_stack = {.gate = arg};
    gn_task_work(task, NULL, stuck_piece, &on_stack);
}

Test(worker, a_coroutine_whose_work_does_not_come_back_keeps_its_stack)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gate gate;
    gate_init(&gate);
    sem_init(&unstuck, 0, 0);
    fixture_start(&f, "hello/stuck", hand_out_stuck, &gate);
    gate_wait_inside(&gate, 1);
    fixture_close(&f, 0);
    cr_assert_not_null(strstr(f.log_text, "hello/stuck did not end in time"), "%s", f.log_text);
    gate_open(&gate);
    while (sem_wait(&unstuck) != 0)
        ;
}

Test(worker, what_it_finishes_while_the_loop_waits_is_not_lost)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gate gate;
    gate_init(&gate);
    struct piece_test p = {.gate = &gate};
    fixture_start(&f, "hello/slow", hand_out_to_gate, &p);
    gate_wait_inside(&gate, 1);
    gn_loop_close(f.loop, 60000, NULL, NULL);
    uv_run(&f.uv, UV_RUN_NOWAIT);
    cr_assert_not(p.finished);
    gate_open(&gate);
    uv_run(&f.uv, UV_RUN_DEFAULT);
    cr_assert(p.finished);
    cr_assert_eq(p.rc, 3);
    cr_assert_eq(uv_loop_close(&f.uv), 0);
    uv_mutex_destroy(&f.log_lock);
    gate_fini(&gate);
}
