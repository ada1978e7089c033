/* loop.h - the loop object: everything that lives on one event loop hangs off it.
 *
 * One `struct gn_loop` owns timers, the queue by which other threads speak to the loop, the tasks
 * (coroutines and blocking handlers) and the worker threads. Nothing here is global, so a process
 * may have several loops.
 *
 * Thread tags: [loop] the loop's thread only, asserted · [any] any thread · [task] from within a
 * task, on whichever thread it runs.
 */
#ifndef GN_CORO_LOOP_H
#define GN_CORO_LOOP_H

#include "util/arena.h"
#include "util/common.h"
#include "util/error.h"
#include "util/list.h"
#include "util/log.h"

#include <uv.h>

struct gn_loop;

struct gn_loop_limits {
    uint32_t max_coroutines; /* 0: 1,280. Beyond it gn_task_start gives GN_EBUSY */
    uint32_t stack_bytes;    /* 0: 256 KiB, plus a guard page */
    uint32_t spare_stacks;   /* kept for reuse; 0: 64 */
    uint32_t workers;        /* worker threads; 0: 4. Started when first needed */
    uint32_t max_jobs;       /* jobs waiting for a worker; 0: 4,096 */
    uint32_t slow_ms;        /* a task that holds the loop this long is reported; 0: 50 */
};

/* Makes a loop object on uv (borrowed; it must outlive it). log is borrowed and may be NULL. The
 * calling thread is the loop's from now on: the one that will call uv_run. uv_run keeps running as
 * long as a task is alive, a timer runs, or something is queued. */
struct gn_loop *gn_loop_new(uv_loop_t *uv, const struct gn_loop_limits *limits, struct gn_log *log);
/* [loop] Cancels what tasks there are, starts no more, and waits at most wait_ms for them to end. A
 * task that does not is abandoned with all its memory and named in the log; a worker thread that is
 * abandoned stands still when it needs the loop again. Then closes the loop's uv handles and calls
 * on_closed(arg) (may be NULL) from the loop when they are; then the object is gone. */
void gn_loop_close(struct gn_loop *loop, uint32_t wait_ms, void (*on_closed)(void *arg), void *arg);

uv_loop_t *gn_loop_uv(struct gn_loop *loop);
struct gn_log *gn_loop_log(struct gn_loop *loop);
/* [loop] First chunks of arenas that come and go with what the loop serves. */
struct gn_arena_spare *gn_loop_arenas(struct gn_loop *loop);
bool gn_loop_is_current(struct gn_loop *loop); /* [any] is this the loop's thread? */
#define GN_ASSERT_LOOP(loop) gn_assert(gn_loop_is_current(loop))

/* ---- timers: one uv timer and a heap of these; embedded in their owner, removed at once when
 * stopped, so an owner may be freed right after gn_timer_stop. Zero-initialise. [loop] */
struct gn_timer {
    struct gn_loop *loop;
    uint64_t at_ms; /* gn_clock_ms() time */
    uint64_t order; /* equal times fire in the order they were started */
    uint32_t slot;  /* position in the heap + 1; 0: not running */
    void (*fire)(struct gn_timer *timer);
};
/* (Re)starts: fire(timer) runs once, from the loop, delay_ms from now. */
void gn_timer_start(struct gn_loop *loop, struct gn_timer *timer, uint64_t delay_ms,
                    void (*fire)(struct gn_timer *timer));
void gn_timer_stop(struct gn_timer *timer); /* harmless if not running */
static inline bool gn_timer_is_running(const struct gn_timer *timer)
{
    return timer->slot != 0;
}

/* ---- posting: run something on the loop, from any thread, in the order posted. Embedded in its
 * owner, which must stay until run() was called. Posting one that is already posted is an
 * assertion. */
struct gn_post {
    struct gn_post *next;
    /* [loop] On the loop's own stack, never inside another callback. */
    void (*run)(struct gn_post *post);
    bool posted;
};
/* [any] */
void gn_loop_post(struct gn_loop *loop, struct gn_post *post, void (*run)(struct gn_post *post));

#endif
