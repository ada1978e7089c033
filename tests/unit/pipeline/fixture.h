/* fixture.h - a host of the size of a thimble, for middlewares that come with it: a loop, a log
 * that is kept, calls of handlers made for the purpose. One at a time. */
#ifndef GN_TESTS_PIPELINE_FIXTURE_H
#define GN_TESTS_PIPELINE_FIXTURE_H

#include "pipeline/shipped.h"
#include "support.h"

extern uv_loop_t uv;
extern struct gn_call_env env;
extern struct kept {
    struct gn_log log;
    struct gn_buf text; /* "level component: text key=value ...", a line each */
} kept;

/* With the middlewares of this list ("[timing, {use: ...}]"). */
void open_host(const char *list);
/* Fails the test if a call or a reference is left. */
void close_host(void);
/* A reload. */
void configure(const char *list);
bool logged(const char *text);

struct asked {
    struct gn_call *call;
    enum gn_outcome outcome;
    int finished;
    char *result; /* as CallToolResult; freed by forget */
};

struct gn_component *tool(const char *name, gantry_run_fn run);
void tag(struct gn_component *c, const char *name);
/* Begins a call. timeout_ms: 0: the usual. */
void ask(struct asked *a, struct gn_component *c, uint32_t timeout_ms);
/* What every call writes down when it has ended. */
extern const struct gn_call_ops asked_ops;
/* Waits for its end and lets go of it. */
void forget(struct asked *a);
/* Lets the loop run until the counter has come so far. */
void run_until(const int *counter, int want);
/* Lets what is ready happen, and what follows from it. */
void settle(void);
/* A text of the handler's. */
int say(gantry_call *call, const char *text);

#endif
