/* bench.h - a loop, a registry and one live instance whose handlers are functions of the test. */
#ifndef GN_TESTS_PLUGIN_BENCH_H
#define GN_TESTS_PLUGIN_BENCH_H

#include "plugin/abi.h"
#include "support.h"

struct bench {
    uv_loop_t uv;
    struct gn_loop *loop;
    struct gn_log log;
    uv_mutex_t log_lock;
    struct gn_buf lines; /* what was logged: "component: text\n" */
    struct gn_call_env env;
    struct gn_registry *registry;
    struct gn_generation *g; /* "inst", live */
    struct gn_error err;
    /* the last call that ended */
    bool finished;
    enum gn_outcome outcome;
    struct gn_buf result; /* as JSON of GN_REV_LATEST */
};

void bench_open(struct bench *b);
void bench_close(struct bench *b);
/* Another live instance on the same registry; the test frees it with bench_drop. */
struct gn_generation *bench_instance(struct bench *b, const char *name);
void bench_drop(struct bench *b, struct gn_generation *g);

/* Adds a component of g whose handler is fn. */
void bench_tool(struct bench *b, const char *name, gantry_run_fn fn, uint32_t flags);
void bench_resource(struct bench *b, const char *uri, gantry_run_fn fn);
void bench_prompt(struct bench *b, const char *name, gantry_run_fn fn, gantry_complete_fn complete);
/* Registers what was added to g: bench_tool and the others do it themselves. */
void bench_publish(struct bench *b, struct gn_generation *g);

/* A call of the component, not started; one reference. arguments is JSON or NULL. */
struct gn_call *bench_call(struct bench *b, enum gn_kind kind, const char *key,
                           const char *arguments);
/* Starts it and waits until it and its handler have ended; the result is in b. Drops the reference.
 */
void bench_run(struct bench *b, struct gn_call *call);
/* Waits until the handler has ended; the test waits for what is promised, hence no deadline of its
 * own. */
void bench_wait(struct bench *b, struct gn_call *call);
/* All of it: calls and returns the result as JSON, or "" if the call has none. */
const char *bench_do(struct bench *b, enum gn_kind kind, const char *key, const char *arguments);
/* A tool "t" made from fn, called without arguments. */
const char *bench_body(struct bench *b, gantry_run_fn fn);

#endif
