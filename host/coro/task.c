/* task.c - tasks and operations: starting, awaiting, cancelling, the shield, sleeping. */
#include "coro/internal.h"

#include "util/alloc.h"
#include "util/clock.h"

#include <string.h>

#define PATIENCE 64 /* waits refused to a cancelled coroutine before each of them takes time */
#define SLOW_DOWN_MS 10

/* Read anew by a function that is never inlined: see gn_fiber_enter. */
static _Thread_local struct gn_task *current __attribute__((tls_model("initial-exec")));

__attribute__((noinline)) struct gn_task *gn_task_current(void)
{
    __asm__ volatile("" ::: "memory");
    return current;
}

__attribute__((noinline)) struct gn_task *gn_task_set_current(struct gn_task *task)
{
    struct gn_task *before = current;
    current = task;
    __asm__ volatile("" ::: "memory");
    return before;
}

/* ---- life ---- */

struct gn_task *gn_task_new(struct gn_loop *loop, const struct gn_task_spec *spec, bool is_worker)
{
    const char *name = spec->name ? spec->name : "unnamed task";
    size_t name_len = strlen(name);
    struct gn_task *task = gn_calloc(1, sizeof(*task) + name_len + 1);
    memcpy(task->name, name, name_len + 1);
    task->magic = GN_TASK_MAGIC;
    task->is_worker = is_worker;
    task->loop = loop;
    task->run = spec->run;
    task->done = spec->done;
    task->arg = spec->arg;
    gn_list_init(&task->ready);
    if (is_worker) {
        pthread_mutex_init(&task->lock, NULL);
        pthread_cond_init(&task->wake, NULL);
        gn_list_init(&task->lent);
    }
    gn_loop_add_task(loop, &task->node);
    return task;
}

void gn_task_free(struct gn_task *task)
{
    if (task->is_worker) {
        pthread_cond_destroy(&task->wake);
        pthread_mutex_destroy(&task->lock);
    }
    task->magic = 0;
    gn_free(task);
}

/* [loop] run returned, or never will begin. */
void gn_task_finish(struct gn_task *task)
{
    struct gn_loop *loop = task->loop;
    gn_timer_stop(&task->shield);
    task->state = GN_TASK_DONE;
    if (!task->is_worker) {
        gn_fiber_give(task->fiber);
        loop->stats.alive--;
    }
    if (task->ret)
        *task->ret = NULL;
    if (task->done)
        task->done(task, task->arg);
    gn_loop_remove_task(loop, &task->node);
    gn_task_free(task);
}

/* ---- operations, as seen from the loop ---- */

static bool shielded(const struct gn_task *task)
{
    return task->shield_until != 0 && !task->loop->no_shield && gn_clock_ms() < task->shield_until;
}

bool gn_task_must_stop(const struct gn_task *task)
{
    return gn_task_is_cancelled(task) && !shielded(task);
}

/* Makes the task continue with rc. */
static void op_over(struct gn_task *task, struct gn_op *op, int rc)
{
    task->op = NULL;
    if (task->is_worker) {
        gn_worker_wake(task, op, rc);
        return;
    }
    op->rc = rc;
    op->state = GN_OP_DONE;
    if (task->starting)
        return; /* begin_op's caller goes on with it */
    task->state = GN_TASK_READY;
    gn_list_append(&task->loop->ready, &task->ready);
    gn_loop_wake(task->loop);
}

static void cancel_op(struct gn_op *op)
{
    op->state = GN_OP_CANCELLING;
    if (op->cancel)
        op->cancel(op);
}

/* The task may have to stop: then asks its operation to end, once. */
static void interrupt(struct gn_task *task)
{
    struct gn_op *op = task->op;
    if (!gn_task_must_stop(task))
        return;
    if (task->is_worker)
        gn_worker_interrupt(task);
    if (!op || op->state != GN_OP_STARTED)
        return;
    if (task->starting)
        task->interrupted = true; /* not before op->start has set up what op->cancel undoes */
    else
        cancel_op(op);
}

/* Starts the operation. False if it is over already. */
static bool begin_op(struct gn_task *task, struct gn_op *op)
{
    task->op = op;
    task->starting = true;
    task->interrupted = false;
    if (op->state == GN_OP_NEW && gn_task_must_stop(task)) {
        op_over(task, op, GN_ECANCELED);
    } else {
        op->state = GN_OP_STARTED;
        op->start(op);
        if (task->interrupted && task->op == op)
            cancel_op(op);
    }
    task->starting = false;
    return task->op == op;
}

void gn_op_done(struct gn_op *op, int rc)
{
    struct gn_task *task = op->task;
    GN_CHECK(task, GN_TASK_MAGIC);
    GN_ASSERT_LOOP(task->loop);
    gn_assert(task->op == op && (op->state == GN_OP_STARTED || op->state == GN_OP_CANCELLING));
    op_over(task, op, rc);
}

/* ---- coroutines ---- */

static void report_slow(struct gn_task *task, uint64_t since_us)
{
    uint64_t held_us = gn_clock_us() - since_us;
    if (held_us < (uint64_t)task->loop->limits.slow_ms * 1000)
        return;
    task->loop->stats.slow++;
    gn_log(task->loop->log, GN_WARNING, "coro", "%s held the loop for %llu ms", task->name,
           (unsigned long long)(held_us / 1000));
}

/* Runs it until it waits for something that is not over at once, or ends. */
static void run_slice(struct gn_task *task)
{
    uint64_t since_us = gn_clock_us();
    do {
        task->loop->stats.switches++;
        task->state = GN_TASK_RUNNING;
        struct gn_task *outer = gn_task_set_current(task);
        gn_fiber_enter(task->fiber);
        gn_task_set_current(outer);
    } while (task->state != GN_TASK_DONE && !begin_op(task, task->next));
    report_slow(task, since_us);
    if (task->state == GN_TASK_DONE)
        gn_task_finish(task);
    else
        task->ret = NULL;
}

void gn_task_resume(struct gn_task *task)
{
    GN_CHECK(task, GN_TASK_MAGIC);
    gn_assert(task->state == GN_TASK_READY && gn_task_current() == NULL);
    run_slice(task);
}

static void coroutine_main(void *arg)
{
    struct gn_task *task = arg;
    task->run(task, task->arg);
    task->state = GN_TASK_DONE;
    gn_fiber_leave(task->fiber, true);
}

int gn_task_start(struct gn_loop *loop, const struct gn_task_spec *spec, struct gn_task **ret_task)
{
    GN_CHECK(loop, GN_LOOP_MAGIC);
    GN_ASSERT_LOOP(loop);
    gn_assert(gn_task_current() == NULL);
    if (ret_task)
        *ret_task = NULL;
    if (loop->closing || loop->stats.alive >= loop->limits.max_coroutines)
        return GN_EBUSY;
    struct gn_fiber *fiber = gn_fiber_take(&loop->fibers, coroutine_main, NULL);
    if (!fiber)
        return GN_EBUSY;
    struct gn_task *task = gn_task_new(loop, spec, false);
    fiber->arg = task;
    task->fiber = fiber;
    task->ran = true;
    loop->stats.alive++;
    loop->stats.peak = GN_MAX(loop->stats.peak, loop->stats.alive);
    if (ret_task) {
        *ret_task = task;
        task->ret = ret_task;
    }
    run_slice(task);
    return 0;
}

/* ---- awaiting ---- */

static void begin_posted(struct gn_post *post)
{
    struct gn_task *task = GN_CONTAINER(post, struct gn_task, post);
    begin_op(task, task->next);
}

static void wait_on_worker(struct gn_task *task)
{
    task->woken = false;
    if (!gn_loop_try_post(task->loop, &task->post, begin_posted))
        gn_worker_stand_still();
    gn_worker_wait(task);
}

static int await(struct gn_task *task, struct gn_op *op, enum gn_op_state state)
{
    GN_CHECK(task, GN_TASK_MAGIC);
    gn_assert(gn_task_current() == task);
    op->task = task;
    op->rc = 0;
    op->state = (uint8_t)state;
    task->next = op;
    if (task->is_worker) {
        wait_on_worker(task);
    } else {
        task->state = GN_TASK_WAITING;
        gn_fiber_leave(task->fiber, false);
    }
    gn_assert(op->state == GN_OP_DONE);
    return op->rc;
}

static void slow_down(struct gn_task *task);

int gn_await(struct gn_task *task, struct gn_op *op)
{
    GN_CHECK(task, GN_TASK_MAGIC);
    /* A coroutine is on the loop's thread and may look at once; a worker's answer is the loop's. */
    if (!task->is_worker && gn_task_must_stop(task)) {
        /* One that never heeds it would hold the loop for ever. */
        if (++task->refusals > PATIENCE)
            slow_down(task);
        return GN_ECANCELED;
    }
    return await(task, op, GN_OP_NEW);
}

int gn_await_forced(struct gn_task *task, struct gn_op *op)
{
    return await(task, op, GN_OP_FORCED);
}

/* ---- cancelling ---- */

static void cancelled_before_start(struct gn_post *post)
{
    gn_task_finish(GN_CONTAINER(post, struct gn_task, post));
}

void gn_task_cancel(struct gn_task *task)
{
    GN_CHECK(task, GN_TASK_MAGIC);
    GN_ASSERT_LOOP(task->loop);
    if (__atomic_exchange_n(&task->cancelled, true, __ATOMIC_RELAXED))
        return;
    if (task->is_worker && gn_job_take_back(task->loop, &task->job))
        gn_loop_post(task->loop, &task->post, cancelled_before_start);
    else
        interrupt(task);
}

bool gn_task_is_cancelled(const struct gn_task *task)
{
    return __atomic_load_n(&task->cancelled, __ATOMIC_RELAXED);
}

static void shield_over(struct gn_timer *timer)
{
    struct gn_task *task = GN_CONTAINER(timer, struct gn_task, shield);
    task->shield_until = 0;
    interrupt(task);
}

struct shield {
    struct gn_task *task;
    uint32_t ms;
};

static void shield_begin(void *arg)
{
    struct shield *s = arg;
    s->task->shield_until = gn_clock_ms() + s->ms;
    gn_timer_start(s->task->loop, &s->task->shield, s->ms, shield_over);
}

int gn_task_shield(struct gn_task *task, uint32_t ms)
{
    if (task->shield_used)
        return GN_EINVAL;
    task->shield_used = true;
    struct shield s = {task, ms};
    if (task->is_worker)
        gn_task_on_loop(task, shield_begin, &s);
    else
        shield_begin(&s);
    return 0;
}

/* ---- sleeping, and the loop's own stack ---- */

struct sleep {
    struct gn_op op;
    struct gn_timer timer;
    struct gn_yield yield;
    uint32_t ms;
};

static void sleep_fired(struct gn_timer *timer)
{
    gn_op_done(&GN_CONTAINER(timer, struct sleep, timer)->op, 0);
}

static void sleep_yielded(struct gn_yield *yield)
{
    gn_op_done(&GN_CONTAINER(yield, struct sleep, yield)->op, 0);
}

static void sleep_start(struct gn_op *op)
{
    struct sleep *s = GN_CONTAINER(op, struct sleep, op);
    if (s->ms)
        gn_timer_start(op->task->loop, &s->timer, s->ms, sleep_fired);
    else
        gn_loop_yield(op->task->loop, &s->yield, sleep_yielded);
}

static void sleep_cancel(struct gn_op *op)
{
    struct sleep *s = GN_CONTAINER(op, struct sleep, op);
    gn_timer_stop(&s->timer);
    gn_list_remove(&s->yield.node);
    gn_op_done(op, GN_ECANCELED);
}

int gn_task_sleep(struct gn_task *task, uint32_t ms)
{
    struct sleep s = {.op = {.start = sleep_start, .cancel = sleep_cancel}, .ms = ms};
    gn_list_init(&s.yield.node);
    return gn_await(task, &s.op);
}

static void slow_down(struct gn_task *task)
{
    struct sleep s = {.op = {.start = sleep_start}, .ms = SLOW_DOWN_MS};
    gn_list_init(&s.yield.node);
    gn_await_forced(task, &s.op);
}

struct on_loop {
    struct gn_op op;
    void (*fn)(void *arg);
    void *arg;
};

static void on_loop_start(struct gn_op *op)
{
    struct on_loop *o = GN_CONTAINER(op, struct on_loop, op);
    o->fn(o->arg);
    gn_op_done(op, 0);
}

void gn_task_on_loop(struct gn_task *task, void (*fn)(void *arg), void *arg)
{
    struct on_loop o = {.op = {.start = on_loop_start}, .fn = fn, .arg = arg};
    gn_await_forced(task, &o.op);
}

/* ---- what is known of a task ---- */

bool gn_task_is_worker(const struct gn_task *task)
{
    return task->is_worker;
}

bool gn_task_ran(const struct gn_task *task)
{
    return __atomic_load_n(&task->ran, __ATOMIC_RELAXED);
}

const char *gn_task_name(const struct gn_task *task)
{
    return task->name;
}

void *gn_task_local(const struct gn_task *task)
{
    return task->local;
}

void gn_task_set_local(struct gn_task *task, void *local)
{
    task->local = local;
}

struct gn_loop *gn_task_loop(struct gn_task *task)
{
    return task->loop;
}

void gn_task_stats(struct gn_loop *loop, struct gn_task_stats *ret)
{
    GN_ASSERT_LOOP(loop);
    *ret = loop->stats;
    pthread_mutex_lock(&loop->workers.lock);
    ret->workers_busy = loop->workers.busy;
    ret->jobs_waiting = loop->workers.waiting;
    pthread_mutex_unlock(&loop->workers.lock);
}
