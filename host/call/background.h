/* background.h - work that goes on without a client: what gantry_spawn starts, and the runs of
 * schedules.
 *
 * A piece of work is a call like any other, with a deadline, a scope and a place in env->calls, but
 * without a client: nobody hears its progress or its result, its errors go to the host's log by
 * name ("hello/mail"). It holds its owner from its making until it is gone, and its argument is
 * freed then, after its scope. At most env->max_background are there at a time.
 *
 *     gn_background_new -> gn_background_start -> ... -> free_arg
 *
 * Loop thread only.
 */
#ifndef GN_CALL_BACKGROUND_H
#define GN_CALL_BACKGROUND_H

#include "call/call.h"

/* What to run; copied, but for the code and arg. */
struct gn_background_work {
    const char *name;    /* in logs, after the owner's */
    bool blocks;         /* on a worker */
    uint32_t timeout_ms; /* 0: the host's limit */
    int (*run)(struct gn_call *call, void *arg);
    void *arg;
    void (*free_arg)(void *arg); /* [loop] once, also if it never ran; may be NULL */
};

struct gn_background {
    struct gn_list node; /* for whoever keeps it until it may start; left when it has ended */
    struct gn_call *call;
    struct gn_call_env *env;
    struct gn_owner *owner; /* held; may be NULL */
    struct gn_background_work work;
    struct gn_post post;
};

/* Made, not started. `from` is the call that asks for it: identity and scope are copied; NULL:
 * nobody's. GN_EBUSY: too many, or the host is stopping; GN_ETOOBIG: the scope does not fit;
 * free_arg is not called then. */
GN_NODISCARD int gn_background_new(struct gn_call_env *env, const struct gn_call *from,
                                   struct gn_owner *owner, const struct gn_background_work *work,
                                   struct gn_background **ret);
/* It begins soon, from the loop's own stack. */
void gn_background_start(struct gn_background *b);
/* Cancels it, begun or not. */
void gn_background_cancel(struct gn_background *b);
bool gn_call_is_background(const struct gn_call *call);

/* The end of the host: work gets drain_ms to end, then it is cancelled and none is taken any more;
 * fn(arg) is called from the loop. What has not begun because its owner is not live yet goes at
 * once. d stays until then. */
struct gn_background_drain {
    struct gn_call_env *env;
    struct gn_timer timer;
    struct gn_post post;
    bool is_over;
    void (*fn)(void *arg);
    void *arg;
};
void gn_background_drain(struct gn_call_env *env, struct gn_background_drain *d, uint32_t drain_ms,
                         void (*fn)(void *arg), void *arg);

#endif
