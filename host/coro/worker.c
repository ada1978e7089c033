/* worker.c - worker threads: blocking work away from the loop.
 *
 * Own threads, since libuv's pool also resolves names and watches files and is shared by the whole
 * process. They start when first needed. One queue, first come first served, but for jobs of a
 * group that has as many workers as it may: those are passed over until one comes back. Whoever
 * ends a job looks for the next one itself, so a group's place is never free without somebody
 * noticing.
 *
 * A task that waits on a worker can lend its thread to what it waits for: were that to need another
 * worker, as many tasks as there are workers, each waiting for one more, would wait for ever.
 */
#include "coro/internal.h"

#include "util/alloc.h"

#include <signal.h>
#include <unistd.h>

/* ---- the queue; all under the lock ---- */

static uint32_t group_max(const struct gn_workers *w, const struct gn_work_group *group)
{
    return group->max ? group->max : GN_MAX(w->max / 2, 1U);
}

static struct gn_job *next_job(struct gn_workers *w)
{
    GN_LIST_EACH(&w->jobs, n) {
        struct gn_job *job = GN_CONTAINER(n, struct gn_job, node);
        if (!job->group || job->group->running < group_max(w, job->group)) {
            gn_list_remove(&job->node);
            w->waiting--;
            return job;
        }
    }
    return NULL;
}

static void begin_job(struct gn_workers *w, struct gn_worker *self, struct gn_job *job)
{
    job->state = GN_JOB_RUNNING;
    self->job = job;
    w->busy++;
    if (job->group)
        job->group->running++;
}

static void end_job(struct gn_workers *w, struct gn_worker *self, struct gn_job *job)
{
    job->state = GN_JOB_IDLE;
    self->job = NULL;
    w->busy--;
    if (job->group)
        job->group->running--;
}

/* ---- the thread ---- */

static void job_over(struct gn_post *post)
{
    struct gn_job *job = GN_CONTAINER(post, struct gn_job, post);
    job->over(job);
}

/* The next job, begun; NULL when it is time to end. Called and returns with the lock held. */
static struct gn_job *wait_for_job(struct gn_workers *w, struct gn_worker *self)
{
    while (!w->stopping) {
        struct gn_job *job = next_job(w);
        if (job) {
            begin_job(w, self, job);
            return job;
        }
        w->idle++;
        pthread_cond_wait(&w->wake, &w->lock);
        w->idle--;
    }
    return NULL;
}

static void *worker_main(void *arg)
{
    struct gn_worker *self = arg;
    struct gn_loop *loop = self->loop;
    struct gn_workers *w = &loop->workers;
    void *signal_stack = gn_crash_enter_thread();

    pthread_mutex_lock(&w->lock);
    struct gn_job *job;
    while ((job = wait_for_job(w, self))) {
        pthread_mutex_unlock(&w->lock);
        job->run(job);
        pthread_mutex_lock(&w->lock);
        if (self->abandoned)
            break;
        end_job(w, self, job);
        pthread_mutex_unlock(&w->lock);
        gn_loop_post(loop, &job->post, job_over);
        pthread_mutex_lock(&w->lock);
    }
    bool abandoned = job && self->abandoned;
    pthread_mutex_unlock(&w->lock);
    if (abandoned) {
        /* A piece of work belongs to a coroutine, and stays. A worker task nobody looks at any
         * more, once the loop has said which it leaves behind. */
        while (!__atomic_load_n(&loop->has_left, __ATOMIC_ACQUIRE))
            usleep(1000);
        if (job->task->is_worker)
            gn_task_free(job->task);
        gn_loop_unref(loop);
        gn_free(self);
    }
    gn_crash_leave_thread(signal_stack);
    return NULL;
}

/* Signals are for the loop's thread, but for those that a fault of this one raises: blocked, they
 * would end the process without a word. */
static const int own_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};

static int start_thread(struct gn_loop *loop)
{
    struct gn_workers *w = &loop->workers;
    struct gn_worker *worker = gn_calloc(1, sizeof(*worker));
    worker->loop = loop;
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < GN_COUNT(own_signals); i++)
        sigdelset(&blocked, own_signals[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int rc = pthread_create(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        gn_free(worker);
        return -rc;
    }
    pthread_setname_np(worker->thread, "gantry-worker");
    w->list[w->started++] = worker;
    return 0;
}

void gn_workers_init(struct gn_workers *w, uint32_t count, uint32_t max_jobs)
{
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    gn_list_init(&w->jobs);
    w->max = count;
    w->max_jobs = max_jobs;
    w->list = gn_calloc(count, sizeof(w->list[0]));
}

/* Called with the lock held. */
static bool append_job(struct gn_loop *loop, struct gn_job *job, bool room)
{
    struct gn_workers *w = &loop->workers;
    if (!room || w->stopping)
        return false;
    if (w->waiting >= w->idle && w->started < w->max)
        start_thread(loop); /* if it cannot, those that are there do it */
    if (w->started == 0)
        return false;
    job->state = GN_JOB_WAITING;
    gn_list_append(&w->jobs, &job->node);
    w->waiting++;
    pthread_cond_signal(&w->wake);
    return true;
}

int gn_job_queue(struct gn_loop *loop, struct gn_job *job)
{
    struct gn_workers *w = &loop->workers;
    GN_ASSERT_LOOP(loop);
    pthread_mutex_lock(&w->lock);
    bool queued = append_job(loop, job, w->waiting < w->max_jobs);
    pthread_mutex_unlock(&w->lock);
    return queued ? 0 : GN_EBUSY;
}

/* The lender is still there: what it has been lent for is over before the lender itself is. */
static bool take_back_lent(struct gn_job *job)
{
    struct gn_task *lender = job->lender;
    pthread_mutex_lock(&lender->lock);
    bool taken = job->state == GN_JOB_LENT;
    if (taken) {
        gn_list_remove(&job->node);
        job->state = GN_JOB_IDLE;
    }
    pthread_mutex_unlock(&lender->lock);
    return taken;
}

bool gn_job_take_back(struct gn_loop *loop, struct gn_job *job)
{
    struct gn_workers *w = &loop->workers;
    GN_ASSERT_LOOP(loop);
    if (job->lender)
        return take_back_lent(job);
    pthread_mutex_lock(&w->lock);
    bool taken = job->state == GN_JOB_WAITING;
    if (taken) {
        gn_list_remove(&job->node);
        job->state = GN_JOB_IDLE;
        w->waiting--;
    }
    pthread_mutex_unlock(&w->lock);
    return taken;
}

void gn_workers_stop(struct gn_loop *loop)
{
    struct gn_workers *w = &loop->workers;
    uint32_t joinable = 0, abandoned = 0;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    for (uint32_t i = 0; i < w->started; i++) {
        struct gn_worker *worker = w->list[i];
        if (worker->job) {
            worker->abandoned = true;
            pthread_detach(worker->thread);
            __atomic_add_fetch(&loop->references, 1, __ATOMIC_RELAXED);
            abandoned++;
        } else {
            w->list[joinable++] = worker;
        }
    }
    w->started = joinable;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (uint32_t i = 0; i < joinable; i++) {
        pthread_join(w->list[i]->thread, NULL);
        gn_free(w->list[i]);
    }
    w->started = 0;
    if (abandoned)
        gn_log(loop->log, GN_ERROR, "coro", "worker threads that did not come back: %u", abandoned);
}

void gn_workers_fini(struct gn_workers *w)
{
    gn_free(w->list);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
}

/* ---- tasks on workers ---- */

static void task_job_run(struct gn_job *job)
{
    struct gn_task *task = job->task;
    __atomic_store_n(&task->ran, true, __ATOMIC_RELAXED);
    struct gn_task *lender = gn_task_set_current(task);
    task->run(task, task->arg);
    gn_task_set_current(lender);
}

static void task_job_over(struct gn_job *job)
{
    gn_task_finish(job->task);
}

static void never_begun(struct gn_post *post)
{
    gn_task_finish(GN_CONTAINER(post, struct gn_task, post));
}

static void task_job_refused(struct gn_job *job)
{
    gn_loop_post(job->task->loop, &job->task->post, never_begun);
}

static struct gn_task *new_worker_task(struct gn_loop *loop, const struct gn_task_spec *spec)
{
    struct gn_task *task = gn_task_new(loop, spec, true);
    task->job = (struct gn_job){
        .group = spec->group,
        .task = task,
        .run = task_job_run,
        .over = task_job_over,
        .refused = task_job_refused,
    };
    return task;
}

int gn_task_start_worker(struct gn_loop *loop, const struct gn_task_spec *spec,
                         struct gn_task **ret_task)
{
    GN_CHECK(loop, GN_LOOP_MAGIC);
    GN_ASSERT_LOOP(loop);
    if (ret_task)
        *ret_task = NULL;
    if (loop->closing)
        return GN_EBUSY;
    struct gn_task *task = new_worker_task(loop, spec);
    if (ret_task)
        *ret_task = task; /* before a worker may see it: its function may look there */
    int rc = gn_job_queue(loop, &task->job);
    if (rc != 0) {
        gn_loop_remove_task(loop, &task->node);
        gn_task_free(task);
        if (ret_task)
            *ret_task = NULL;
    }
    return rc;
}

/* ---- a thread that is lent ---- */

/* Takes a job from its lender, whose lock is held. */
static struct gn_job *next_lent(struct gn_task *lender, enum gn_job_state next)
{
    struct gn_list *n = gn_list_pop(&lender->lent);
    if (!n)
        return NULL;
    struct gn_job *job = GN_CONTAINER(n, struct gn_job, node);
    job->state = next;
    return job;
}

void gn_worker_wait(struct gn_task *task)
{
    pthread_mutex_lock(&task->lock);
    while (!task->woken) {
        struct gn_job *job = next_lent(task, GN_JOB_RUNNING);
        if (!job) {
            pthread_cond_wait(&task->wake, &task->lock);
            continue;
        }
        pthread_mutex_unlock(&task->lock);
        job->run(job);
        if (!gn_loop_try_post(task->loop, &job->post, job_over))
            gn_worker_stand_still();
        pthread_mutex_lock(&task->lock);
    }
    pthread_mutex_unlock(&task->lock);
}

/* It was admitted once: however many wait, it is not refused now. */
static void send_to_queue(struct gn_loop *loop, struct gn_job *job)
{
    struct gn_workers *w = &loop->workers;
    job->lender = NULL;
    pthread_mutex_lock(&w->lock);
    bool queued = append_job(loop, job, true);
    pthread_mutex_unlock(&w->lock);
    if (!queued)
        job->refused(job);
}

void gn_worker_wake(struct gn_task *task, struct gn_op *op, int rc)
{
    struct gn_list left;
    gn_list_init(&left);
    pthread_mutex_lock(&task->lock);
    op->rc = rc;
    op->state = GN_OP_DONE;
    task->woken = true;
    struct gn_job *job;
    while ((job = next_lent(task, GN_JOB_IDLE)))
        gn_list_append(&left, &job->node);
    pthread_cond_signal(&task->wake);
    pthread_mutex_unlock(&task->lock);
    struct gn_list *n;
    while ((n = gn_list_pop(&left)))
        send_to_queue(task->loop, GN_CONTAINER(n, struct gn_job, node));
}

void gn_worker_stand_still(void)
{
    for (;;)
        pause();
}

/* Without an operation the lender is not there yet, or on its way back. */
static bool can_lend(const struct gn_task *lender)
{
    return lender->is_worker && lender->op && !lender->loop->closing;
}

static void lend(struct gn_task *lender, struct gn_job *job)
{
    job->lender = lender;
    pthread_mutex_lock(&lender->lock);
    job->state = GN_JOB_LENT;
    gn_list_append(&lender->lent, &job->node);
    pthread_cond_signal(&lender->wake);
    pthread_mutex_unlock(&lender->lock);
}

int gn_task_start_on(struct gn_task *lender, const struct gn_task_spec *spec,
                     struct gn_task **ret_task)
{
    GN_CHECK(lender, GN_TASK_MAGIC);
    struct gn_loop *loop = lender->loop;
    GN_ASSERT_LOOP(loop);
    if (!can_lend(lender))
        return gn_task_start_worker(loop, spec, ret_task);
    struct gn_task *task = new_worker_task(loop, spec);
    if (ret_task)
        *ret_task = task;
    lend(lender, &task->job);
    return 0;
}

/* ---- pieces of work ---- */

struct piece {
    struct gn_op op;
    struct gn_job job;
    struct gn_task *lender; /* may be NULL */
    int (*fn)(void *arg);
    void (*interrupt)(void *arg); /* may be NULL */
    void *arg;
    int rc;
};

static void piece_run(struct gn_job *job)
{
    struct piece *p = GN_CONTAINER(job, struct piece, job);
    gn_crash_set_piece(gn_task_name(job->task));
    struct gn_task *lender = gn_task_set_current(NULL); /* a piece is no task, and not the lender */
    p->rc = p->fn(p->arg);
    gn_task_set_current(lender);
    gn_crash_set_piece(NULL);
}

static void piece_over(struct gn_job *job)
{
    struct piece *p = GN_CONTAINER(job, struct piece, job);
    gn_op_done(&p->op, p->rc);
}

static void piece_refused(struct gn_job *job)
{
    struct piece *p = GN_CONTAINER(job, struct piece, job);
    gn_op_done(&p->op, GN_EBUSY);
}

static void piece_start(struct gn_op *op)
{
    struct piece *p = GN_CONTAINER(op, struct piece, op);
    if (p->lender && can_lend(p->lender)) {
        lend(p->lender, &p->job);
        return;
    }
    int rc = gn_job_queue(op->task->loop, &p->job);
    if (rc != 0)
        gn_op_done(op, rc);
}

static void piece_cancel(struct gn_op *op)
{
    struct piece *p = GN_CONTAINER(op, struct piece, op);
    if (gn_job_take_back(op->task->loop, &p->job))
        gn_op_done(op, GN_ECANCELED);
    else if (p->interrupt)
        p->interrupt(p->arg);
}

void gn_worker_interrupt(struct gn_task *task)
{
    pthread_mutex_lock(&task->lock);
    void (*interrupt)(void *) = task->interrupt;
    task->interrupt = NULL; /* once */
    if (interrupt)
        interrupt(task->interrupt_arg); /* under the lock: the piece may be over any moment */
    pthread_mutex_unlock(&task->lock);
}

static void set_interrupt(struct gn_task *task, void (*interrupt)(void *arg), void *arg)
{
    pthread_mutex_lock(&task->lock);
    task->interrupt = interrupt;
    task->interrupt_arg = arg;
    pthread_mutex_unlock(&task->lock);
}

struct question {
    struct gn_task *task;
    bool must_stop;
};

static void ask_must_stop(void *arg)
{
    struct question *q = arg;
    q->must_stop = gn_task_must_stop(q->task);
}

/* Whether a shield still holds is known on the loop; there is a reason to ask only once it was
 * cancelled. */
static bool worker_must_stop(struct gn_task *task)
{
    struct question q = {task, false};
    if (gn_task_is_cancelled(task))
        gn_task_on_loop(task, ask_must_stop, &q);
    return q.must_stop;
}

static int work_in_place(struct gn_task *task, int (*fn)(void *arg), void (*interrupt)(void *arg),
                         void *arg)
{
    if (interrupt) /* before looking: a cancellation that comes now is not missed */
        set_interrupt(task, interrupt, arg);
    int rc = worker_must_stop(task) ? GN_ECANCELED : fn(arg);
    if (interrupt)
        set_interrupt(task, NULL, NULL);
    return rc;
}

int gn_task_work_on(struct gn_task *task, struct gn_task *lender, struct gn_work_group *group,
                    int (*fn)(void *arg), void (*interrupt)(void *arg), void *arg)
{
    GN_CHECK(task, GN_TASK_MAGIC);
    if (task->is_worker)
        return work_in_place(task, fn, interrupt, arg);
    struct piece p = {
        .op = {.start = piece_start, .cancel = piece_cancel},
        .job = {.group = group,
                .task = task,
                .run = piece_run,
                .over = piece_over,
                .refused = piece_refused},
        .lender = lender,
        .fn = fn,
        .interrupt = interrupt,
        .arg = arg,
    };
    return gn_await(task, &p.op);
}

int gn_task_work_interruptible(struct gn_task *task, struct gn_work_group *group,
                               int (*fn)(void *arg), void (*interrupt)(void *arg), void *arg)
{
    return gn_task_work_on(task, NULL, group, fn, interrupt, arg);
}

int gn_task_work(struct gn_task *task, struct gn_work_group *group, int (*fn)(void *arg), void *arg)
{
    return gn_task_work_interruptible(task, group, fn, NULL, arg);
}
