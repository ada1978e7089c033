/* internal.h - what the files of this folder share: the loop object, tasks, jobs. Private. */
#ifndef GN_CORO_INTERNAL_H
#define GN_CORO_INTERNAL_H

#include "coro/fiber.h"
#include "coro/loop.h"
#include "coro/task.h"

#include <pthread.h>

#define GN_LOOP_MAGIC 0x6c6f6f70U /* "loop" */
#define GN_TASK_MAGIC 0x7461736bU /* "task" */

/* ---- jobs: what workers do (worker.c) ---- */

/* GN_JOB_LENT: waits for the thread of a task that waits itself. */
enum gn_job_state { GN_JOB_IDLE, GN_JOB_WAITING, GN_JOB_LENT, GN_JOB_RUNNING };

/* Embedded in a worker task, or in the operation of a task that handed a piece of work out. */
struct gn_job {
    struct gn_list node;
    struct gn_work_group *group;      /* may be NULL */
    struct gn_task *task;             /* on whose behalf */
    void (*run)(struct gn_job *job);  /* [worker] */
    void (*over)(struct gn_job *job); /* [loop] after run */
    /* [loop] It was lent a thread that has left before it began, and no other is to be had. */
    void (*refused)(struct gn_job *job);
    struct gn_post post;
    struct gn_task *lender;  /* [loop] whose thread it was given; NULL: one of the queue's */
    enum gn_job_state state; /* under the lender's lock; without one: that of the workers */
};

struct gn_worker {
    struct gn_loop *loop;
    pthread_t thread;
    struct gn_job *job; /* that runs now; under the lock */
    bool abandoned;     /* under the lock: touch nothing of the loop but its reference count */
};

struct gn_workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct gn_list jobs; /* first come first served, but for groups at their limit */
    uint32_t waiting, busy, idle, started, max;
    uint32_t max_jobs;
    bool stopping;
    struct gn_worker **list; /* the first `started` are set */
};

void gn_workers_init(struct gn_workers *workers, uint32_t count, uint32_t max_jobs);
/* [loop] GN_EBUSY: too many wait, or no thread can be had. */
int gn_job_queue(struct gn_loop *loop, struct gn_job *job);
/* [loop] Takes back a job that has not begun; false if it has. job->over is not called. */
bool gn_job_take_back(struct gn_loop *loop, struct gn_job *job);
/* [task] Of a worker task whose operation was posted: waits until it is woken, and lends its thread
 * meanwhile. */
void gn_worker_wait(struct gn_task *task);
/* [loop] Wakes it: its operation is over, with rc. What was lent its thread and has not begun goes
 * to the queue. */
void gn_worker_wake(struct gn_task *task, struct gn_op *op, int rc);
/* [loop] It has to stop: interrupts the piece of work that it runs in place. */
void gn_worker_interrupt(struct gn_task *task);
/* An abandoned worker that needs the loop: what it would touch next may be gone already. */
GN_NORETURN void gn_worker_stand_still(void);
/* [loop] Ends the threads: joins those without a job, abandons the others. */
void gn_workers_stop(struct gn_loop *loop);
void gn_workers_fini(struct gn_workers *workers);

/* ---- the loop (loop.c) ---- */

struct gn_loop {
    uint32_t magic;
    uint32_t references; /* atomic: the loop itself, and each abandoned worker */
    uv_loop_t *uv;
    struct gn_log *log;
    pthread_t thread;
    struct gn_loop_limits limits;

    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* runs while something is to be done: keeps the loop from blocking */
    uv_async_t async;
    uv_timer_t timer;
    uint32_t open_handles;
    bool idle_runs, draining;

    struct gn_list ready;         /* tasks to resume */
    struct gn_list yielded, turn; /* wait for the loop to poll once: before the poll, during it */

    pthread_mutex_t post_lock;
    struct gn_post *posts, **posts_end; /* under post_lock */
    struct gn_post *batch;              /* [loop] taken from there, not run yet */
    uint32_t have_posts;                /* atomic; a hint that spares the lock */
    bool dead;                          /* under post_lock: nothing is taken any more */

    struct gn_timer **heap;
    uint32_t heap_len, heap_cap;
    uint64_t heap_order;

    struct gn_list tasks;
    uint32_t task_count; /* in `tasks`: coroutines and worker tasks */
    struct gn_task_stats stats;
    struct gn_fiber_pool fibers;
    struct gn_arena_spare arenas;
    struct gn_workers workers;

    bool closing;     /* gn_loop_close was called: no new tasks */
    bool no_shield;   /* it does not wait any longer */
    bool close_begun; /* the uv handles are closing */
    bool has_left;    /* atomic: what did not end is abandoned, and not looked at any more */
    struct gn_timer close_timer;
    struct gn_post close_post;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* [loop] Sees to it that the queues are drained before the loop blocks. No system call. */
void gn_loop_wake(struct gn_loop *loop);
/* [any] Posts; false if the loop is gone. */
bool gn_loop_try_post(struct gn_loop *loop, struct gn_post *post,
                      void (*run)(struct gn_post *post));
/* [loop] Waits in the queue of those that let the loop poll once. */
struct gn_yield {
    struct gn_list node;
    void (*over)(struct gn_yield *yield);
};
void gn_loop_yield(struct gn_loop *loop, struct gn_yield *yield, void (*over)(struct gn_yield *));
/* [loop] A task begins or is gone: keeps uv_run running, and closing going. */
void gn_loop_add_task(struct gn_loop *loop, struct gn_list *node);
void gn_loop_remove_task(struct gn_loop *loop, struct gn_list *node);
/* [any] */
void gn_loop_unref(struct gn_loop *loop);

/* ---- timers (timer.c) ---- */

void gn_timers_fired(uv_timer_t *uv); /* the uv timer's callback */
void gn_timers_fini(struct gn_loop *loop);

/* ---- tasks (task.c) ---- */

enum gn_task_state { GN_TASK_NEW, GN_TASK_READY, GN_TASK_RUNNING, GN_TASK_WAITING, GN_TASK_DONE };
enum gn_op_state { GN_OP_NEW, GN_OP_FORCED, GN_OP_STARTED, GN_OP_CANCELLING, GN_OP_DONE };

struct gn_task {
    uint32_t magic;
    uint8_t state; /* [loop], for coroutines */
    bool is_worker, ran;
    bool cancelled;             /* atomic */
    bool shield_used;           /* [task] */
    bool starting, interrupted; /* [loop] in op->start; cancelled meanwhile */
    uint32_t refusals;          /* [task] coroutines: waits begun although cancelled */
    struct gn_loop *loop;
    struct gn_list node;   /* in loop->tasks */
    struct gn_list ready;  /* in loop->ready */
    struct gn_op *next;    /* [task] the operation to begin */
    struct gn_op *op;      /* [loop] the operation that runs */
    uint64_t shield_until; /* [loop] */
    struct gn_timer shield;
    struct gn_task **ret; /* during the first slice: where the starter keeps us */
    void (*run)(struct gn_task *task, void *arg);
    void (*done)(struct gn_task *task, void *arg);
    void *arg;
    void *local;            /* gn_task_set_local */
    struct gn_fiber *fiber; /* coroutines */
    struct gn_job job;      /* worker tasks, as all below */
    struct gn_post post;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool woken;                   /* under lock, as the next */
    struct gn_list lent;          /* jobs for this thread while it waits */
    void (*interrupt)(void *arg); /* of the piece that it runs in place; NULL: none */
    void *interrupt_arg;
    char name[];
};

/* Makes `task` this thread's current one (NULL: none); returns the one before. */
struct gn_task *gn_task_set_current(struct gn_task *task);
/* [loop] Resumes a coroutine taken from the ready queue. */
void gn_task_resume(struct gn_task *task);
/* [task] Awaits although cancelled. */
int gn_await_forced(struct gn_task *task, struct gn_op *op);
/* [loop] Cancelled, and no shield (any more)? */
bool gn_task_must_stop(const struct gn_task *task);
/* [loop] A task, counted; and its end: calls done, frees it. */
struct gn_task *gn_task_new(struct gn_loop *loop, const struct gn_task_spec *spec, bool is_worker);
void gn_task_finish(struct gn_task *task);
/* [any] Only its memory. */
void gn_task_free(struct gn_task *task);

/* ---- crash reports (crash.c) ---- */

/* Gives this thread an alternate signal stack, if crash reports are installed and it has none.
 * Returns what gn_crash_leave_thread wants. */
void *gn_crash_enter_thread(void);
void gn_crash_leave_thread(void *stack);
/* On whose behalf a worker thread runs a piece of work that is no task of its own. */
void gn_crash_set_piece(const char *name);

#endif
