/* task.h - tasks: straight-line code that can wait.
 *
 * A task is a coroutine on the loop's thread, or a function on a worker thread; the same calls work
 * in both. A coroutine has a pooled stack with a guard page, never changes thread, and is resumed
 * only by the loop, from its queue, on the loop's own stack (depth is always one). States:
 *
 *     new -> running <-> waiting (in gn_await, for exactly one operation)
 *                    \-> done
 *
 * Waiting is done through operations. An operation lives on the waiting task's stack; `start` runs
 * on the loop (for a coroutine: after the switch away from it, on the loop's stack), and sooner or
 * later somebody on the loop calls gn_op_done, which makes the task ready.
 *
 * Cancellation is sticky and arrives as GN_ECANCELED from the operation the task waits in, and from
 * every later one at once; a task ends by returning. A coroutine that begins wait after wait all
 * the same is slowed down, so that the loop goes on. A shield suspends all this for a bounded time.
 */
#ifndef GN_CORO_TASK_H
#define GN_CORO_TASK_H

#include "coro/loop.h"

struct gn_task;

struct gn_op {
    /* [loop] Begins; may call gn_op_done at once. */
    void (*start)(struct gn_op *op);
    /* [loop] Asks it to end: gn_op_done must follow soon, or be called here. NULL: the operation
     * cannot be cancelled, it is waited for. */
    void (*cancel)(struct gn_op *op);
    struct gn_task *task; /* set by gn_await */
    int rc;
    uint8_t state;
};
/* [task] Runs the operation and waits for its end. GN_ECANCELED without starting it if the task is
 * cancelled and not shielded (also for operations that cannot be cancelled once begun). */
int gn_await(struct gn_task *task, struct gn_op *op);
/* [loop] The operation is over; op is not touched afterwards by the caller. Exactly once. */
void gn_op_done(struct gn_op *op, int rc);

/* A group bounds how many workers its members may hold at once (a plugin: at most half of them).
 * Zero-initialise; it must outlive its jobs. */
struct gn_work_group {
    uint32_t running, max; /* max 0: half of the workers, at least one */
};

struct gn_task_spec {
    const char *name; /* for reports ("hello/greet"); copied */
    void (*run)(struct gn_task *task, void *arg);
    /* [loop] After run returned, outside of the task's stack; the task is gone after it. May be
     * NULL. */
    void (*done)(struct gn_task *task, void *arg);
    void *arg;
    struct gn_work_group *group; /* worker tasks only; may be NULL */
};
/* [loop] Starts a coroutine; it runs at once, up to its first wait, before this returns (so `done`
 * may have been called already; then *ret_task is NULL). Must not be called from inside a task:
 * post instead. GN_EBUSY: too many coroutines. ret_task may be NULL. */
GN_NODISCARD int gn_task_start(struct gn_loop *loop, const struct gn_task_spec *spec,
                               struct gn_task **ret_task);
/* [loop] Starts a task on a worker thread as soon as one is free. GN_EBUSY: too many jobs wait.
 * If it is cancelled before it began, run is never called and done is, with gn_task_ran() false. */
GN_NODISCARD int gn_task_start_worker(struct gn_loop *loop, const struct gn_task_spec *spec,
                                      struct gn_task **ret_task);

/* [loop] As gn_task_start_worker, but on the thread of `lender`, a worker task that waits in
 * gn_await (for this task's end, directly or not): no worker is taken, no group is counted, and it
 * begins although all workers wait. What a thread has been lent for begins one after another; a
 * lent task may wait and lend again. If lender does not wait, or stops waiting before it began, it
 * goes to the end of the workers' queue. GN_EBUSY: as gn_task_start_worker. */
GN_NODISCARD int gn_task_start_on(struct gn_task *lender, const struct gn_task_spec *spec,
                                  struct gn_task **ret_task);

/* [loop] Cancels; harmless when repeated. */
void gn_task_cancel(struct gn_task *task);
bool gn_task_is_cancelled(const struct gn_task *task); /* [any]; true even while shielded */
/* [task] From now on and for ms, waiting works although cancelled. Once a task; GN_EINVAL if
 * repeated. */
int gn_task_shield(struct gn_task *task, uint32_t ms);
bool gn_task_is_worker(const struct gn_task *task);
bool gn_task_ran(const struct gn_task *task);
const char *gn_task_name(const struct gn_task *task);
struct gn_loop *gn_task_loop(struct gn_task *task);
/* A pointer of whoever uses the task: NULL at first. [task] */
void *gn_task_local(const struct gn_task *task);
void gn_task_set_local(struct gn_task *task, void *local);
/* The task that runs on this thread now; NULL outside of tasks. [any] */
struct gn_task *gn_task_current(void);

/* [task] Waits ms milliseconds; 0 lets the loop run once. */
int gn_task_sleep(struct gn_task *task, uint32_t ms);
/* [task] Runs fn(arg) on the loop's own stack (and thread) and waits; works when cancelled too. */
void gn_task_on_loop(struct gn_task *task, void (*fn)(void *arg), void *arg);
/* [task] Runs fn(arg) on a worker and waits; on a worker task it is called at once. Returns fn's
 * value; GN_EBUSY: too many jobs; GN_ECANCELED: cancelled before it began. */
int gn_task_work(struct gn_task *task, struct gn_work_group *group, int (*fn)(void *arg),
                 void *arg);
/* [task] The same for a piece that can be told to stop: interrupt(arg) is called on the loop, once
 * at most, when the task has to stop (cancelled, and not shielded any more) while the piece runs.
 * It may come just before fn begins or just after it ended, never once this has returned. It must
 * not wait; fn is still waited for. */
int gn_task_work_interruptible(struct gn_task *task, struct gn_work_group *group,
                               int (*fn)(void *arg), void (*interrupt)(void *arg), void *arg);

/* [task] The same for a coroutine that the worker task `lender` waits for, directly or not: the
 * piece is done on its thread, as by gn_task_start_on. NULL, or one that does not wait: as
 * above. */
int gn_task_work_on(struct gn_task *task, struct gn_task *lender, struct gn_work_group *group,
                    int (*fn)(void *arg), void (*interrupt)(void *arg), void *arg);

/* A fair mutex that tasks of both kinds await. Zero-initialise with gn_mutex_init. */
struct gn_mutex {
    uint32_t magic;
    struct gn_loop *loop;
    struct gn_task *owner; /* [loop] */
    struct gn_list waiters;
};
void gn_mutex_init(struct gn_mutex *m, struct gn_loop *loop);
void gn_mutex_fini(struct gn_mutex *m); /* not held, nobody waits */
/* [task] GN_EINVAL: holds it already. GN_ECANCELED even if it is free. */
int gn_mutex_lock(struct gn_mutex *m, struct gn_task *task);
void gn_mutex_unlock(struct gn_mutex *m, struct gn_task *task); /* [task] */

/* A fair semaphore: so many permits, held by nobody in particular. What is given back goes to the
 * one that waits longest, so nobody overtakes. Initialise with gn_semaphore_init. */
struct gn_semaphore {
    uint32_t magic;
    uint32_t permits; /* [loop] free ones; while somebody waits there are none */
    struct gn_loop *loop;
    struct gn_list waiters;
};
void gn_semaphore_init(struct gn_semaphore *s, struct gn_loop *loop, uint32_t permits);
void gn_semaphore_fini(struct gn_semaphore *s); /* nobody waits */
/* [task] Takes a permit; waits for one ms milliseconds at most (0: as long as it takes).
 * GN_ETIMEDOUT; GN_ECANCELED even if there is one. */
int gn_semaphore_take(struct gn_semaphore *s, struct gn_task *task, uint32_t ms);
void gn_semaphore_give(struct gn_semaphore *s); /* [loop] */

/* Figures for status, tests and benchmarks. [loop] */
struct gn_task_stats {
    uint32_t alive, peak; /* coroutines */
    uint32_t workers_busy, jobs_waiting;
    uint64_t switches, slow; /* resumes; resumes over the slow limit */
};
void gn_task_stats(struct gn_loop *loop, struct gn_task_stats *ret);

/* Installs, for this process, a SIGSEGV/SIGBUS handler on an alternate stack that names the running
 * task and says whether its guard page was hit, then lets the signal take its default course. Call
 * once on the loop's thread. */
void gn_task_install_crash_report(void);

#endif
