/* fixture.h - a uv loop with a gn_loop on it, a log that is kept, and how both end. */
#ifndef GN_TESTS_CORO_FIXTURE_H
#define GN_TESTS_CORO_FIXTURE_H

#include "coro/loop.h"
#include "coro/task.h"
#include "support.h"

struct fixture {
    uv_loop_t uv;
    struct gn_loop *loop;
    struct gn_log log;
    uv_mutex_t log_lock;
    char log_text[4096]; /* every line, each with a newline */
    size_t log_len;
    bool closed;
};

void fixture_init(struct fixture *f, const struct gn_loop_limits *limits);
/* Closes and runs the loop until it is; fails the test unless uv_loop_close() is content. */
void fixture_fini(struct fixture *f);
void fixture_close(struct fixture *f, uint32_t wait_ms);
/* Runs the loop until nothing is left to do. */
void fixture_run(struct fixture *f);
/* Runs the loop until the flag is set. */
void fixture_run_until(struct fixture *f, const bool *flag);

/* Starts a coroutine or a worker task; fails the test if that fails. */
struct gn_task *fixture_start(struct fixture *f, const char *name,
                              void (*run)(struct gn_task *task, void *arg), void *arg);
struct gn_task *fixture_start_worker(struct fixture *f, const char *name,
                                     void (*run)(struct gn_task *task, void *arg), void *arg);

/* What happened, in order; not for several threads at once. */
struct trace {
    char text[512];
    size_t len;
};
void trace_add(struct trace *t, const char *word);

#endif
