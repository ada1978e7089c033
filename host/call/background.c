/* background.c - work without a client: its call, its end, the drain. */
#include "call/background.h"

#include "util/alloc.h"

#define DEFAULT_MAX 256
#define DEFAULT_TIMEOUT_MS 600000

/* ---------------------------------------------------------------- the end of one */

static void tell(const struct gn_call *call, enum gn_outcome outcome)
{
    struct gn_log *log = call->env->log;
    const struct gn_background *b = call->ops_data;
    const char *owner = b->owner ? b->owner->name : "host";
    switch (outcome) {
    case GN_OUT_RESULT:
        gn_log(log, GN_DEBUG, "background", "%s/%s has ended", owner, b->work.name);
        break;
    case GN_OUT_FAILED:
        gn_log(log, GN_ERROR, "background", "%s/%s failed: %s", owner, b->work.name, call->failure);
        break;
    case GN_OUT_BUSY:
        gn_log(log, GN_ERROR, "background", "%s/%s could not start: too much at once", owner,
               b->work.name);
        break;
    case GN_OUT_CANCELED:
        gn_log(log, GN_NOTICE, "background", "%s/%s was cancelled", owner, b->work.name);
        break;
    default:
        break; /* deadlines and accidents are in the log already, with their correlation id */
    }
}

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct gn_background *b = call->ops_data;
    tell(call, outcome);
    gn_list_remove(&b->node);
    if (!b->post.posted)
        gn_call_unref(call);
}

static const struct gn_call_ops ops = {.finished = on_finished};

bool gn_call_is_background(const struct gn_call *call)
{
    return call->ops == &ops;
}

static void drain_over(struct gn_background_drain *d);

/* The call is gone, and its handler with it: an answer at the deadline may come long before. */
static void on_gone(void *arg)
{
    struct gn_background *b = arg;
    struct gn_call_env *env = b->env;
    struct gn_owner *owner = b->owner;
    if (b->work.free_arg)
        b->work.free_arg(b->work.arg);
    if (owner)
        owner->unref(owner);
    env->background--;
    if (env->background == 0 && env->drain)
        drain_over(env->drain);
}

/* ---------------------------------------------------------------- the start of one */

/* Not the method: nobody asked for this work itself, so no observer is told of it. */
static void copy_identity(struct gn_call *to, const struct gn_call *from)
{
    static const size_t texts[] = {
        offsetof(struct gn_call, request_id),     offsetof(struct gn_call, session_id),
        offsetof(struct gn_call, session_key),    offsetof(struct gn_call, client_name),
        offsetof(struct gn_call, client_version), offsetof(struct gn_call, principal),
        offsetof(struct gn_call, transport),      offsetof(struct gn_call, traceparent),
        offsetof(struct gn_call, tracestate),     offsetof(struct gn_call, baggage),
    };
    for (size_t i = 0; i < GN_COUNT(texts); i++) {
        const char *const *s = (const char *const *)(const void *)((const char *)from + texts[i]);
        *(const char **)(void *)((char *)to + texts[i]) = gn_arena_strdup(&to->arena, *s);
    }
    to->revision = from->revision;
}

static int fill(struct gn_background *b, const struct gn_call *from)
{
    struct gn_call *call = b->call;
    call->revision = GN_REV_LATEST;
    if (from) {
        copy_identity(call, from);
        int rc = gn_scope_copy(call, from);
        if (rc)
            return GN_ETOOBIG;
    }
    b->work.name = gn_arena_strdup(&call->arena, b->work.name);
    if (!b->work.name)
        return GN_ETOOBIG;
    call->run_blocks = b->work.blocks;
    call->timeout_ms = b->work.timeout_ms ? b->work.timeout_ms : b->env->background_timeout_ms;
    if (!call->timeout_ms)
        call->timeout_ms = DEFAULT_TIMEOUT_MS;
    return gn_arena_on_release(&call->arena, on_gone, b);
}

int gn_background_new(struct gn_call_env *env, const struct gn_call *from, struct gn_owner *owner,
                      const struct gn_background_work *work, struct gn_background **ret)
{
    uint32_t max = env->max_background ? env->max_background : DEFAULT_MAX;
    if (env->background >= max || env->no_background)
        return GN_EBUSY;
    struct gn_call *call = gn_call_new(env, &ops, NULL);
    struct gn_background *b = gn_arena_calloc(&call->arena, sizeof *b);
    int rc = GN_ETOOBIG;
    if (b) {
        *b = (struct gn_background){.call = call, .env = env, .owner = owner, .work = *work};
        gn_list_init(&b->node);
        call->ops_data = b;
        rc = fill(b, from);
    }
    if (rc) {
        gn_call_unref(call);
        return rc;
    }
    if (owner)
        owner->ref(owner);
    call->owner = owner; /* who looks for the calls of an owner finds it from now on */
    env->background++;
    *ret = b;
    return GN_OK;
}

static void begin(struct gn_post *post)
{
    struct gn_background *b = GN_CONTAINER(post, struct gn_background, post);
    struct gn_call *call = b->call;
    if (call->finished) /* cancelled meanwhile */
        gn_call_unref(call);
    else
        gn_call_start_function(call, b->owner, b->work.name, b->work.run, b->work.arg);
}

void gn_background_start(struct gn_background *b)
{
    gn_list_remove(&b->node);
    gn_loop_post(b->env->loop, &b->post, begin);
}

void gn_background_cancel(struct gn_background *b)
{
    gn_call_cancel(b->call);
}

/* ---------------------------------------------------------------- the end of the host */

static void report(struct gn_post *post)
{
    struct gn_background_drain *d = GN_CONTAINER(post, struct gn_background_drain, post);
    d->env->drain = NULL;
    d->env->no_background = true;
    d->fn(d->arg);
}

static void drain_over(struct gn_background_drain *d)
{
    if (d->is_over)
        return;
    d->is_over = true;
    gn_timer_stop(&d->timer);
    gn_loop_post(d->env->loop, &d->post, report);
}

/* All of it, or what waits for its owner to go live. Cancelling one may end others, so the list is
 * walked anew each time. */
static void cancel(struct gn_call_env *env, bool only_waiting)
{
    for (bool found = true; found;) {
        found = false;
        GN_LIST_EACH(&env->calls, n) {
            struct gn_call *call = GN_CONTAINER(n, struct gn_call, node);
            if (!gn_call_is_background(call) || call->cancelled)
                continue;
            struct gn_background *b = call->ops_data;
            if (only_waiting && gn_list_empty(&b->node))
                continue;
            gn_background_cancel(b);
            found = true;
            break;
        }
    }
}

static void on_drain(struct gn_timer *timer)
{
    struct gn_background_drain *d = GN_CONTAINER(timer, struct gn_background_drain, timer);
    gn_log(d->env->log, GN_WARNING, "background",
           "%u pieces of background work did not end in time: cancelled", d->env->background);
    d->env->no_background = true;
    cancel(d->env, false);
    drain_over(d);
}

void gn_background_drain(struct gn_call_env *env, struct gn_background_drain *d, uint32_t drain_ms,
                         void (*fn)(void *arg), void *arg)
{
    *d = (struct gn_background_drain){.env = env, .fn = fn, .arg = arg};
    env->no_schedules = true;
    cancel(env, true);
    env->drain = d;
    if (env->background == 0)
        drain_over(d);
    else
        gn_timer_start(env->loop, &d->timer, drain_ms, on_drain);
}
