/* start.c - running `start`. */
#include "plugin/start.h"

#include "plugin/host_errors.h"
#include "util/alloc.h"

struct gn_start {
    struct gn_generation *g;
    struct gn_call *call;
    struct gn_start **ret;
    gn_start_fn on_done;
    void *arg;
    uint32_t timeout_ms;
};

static int run(struct gn_call *call, void *arg)
{
    struct gn_generation *g = arg;
    int rc = g->start(call, g);
    /* Here, not when it is reported: a start that succeeds after its deadline has to be undone too.
     */
    g->started = rc >= 0;
    return rc;
}

/* A start that only passes on what adding a component returned. */
static bool has_passed_on(const struct gn_start *s, enum gn_outcome outcome)
{
    const struct gn_error *refused = &s->g->refused;
    return (outcome == GN_OUT_ACCIDENT || s->call->rc == GANTRY_ETOOBIG) && refused->code &&
           s->call->rc == gn_host_code(refused->code);
}

static void explain(const struct gn_start *s, enum gn_outcome outcome, struct gn_error *err)
{
    if (has_passed_on(s, outcome)) {
        gn_error_set(err, GN_EINVAL, "start failed: %s", s->g->refused.text);
        return;
    }
    switch (outcome) {
    case GN_OUT_RESULT:
        break;
    case GN_OUT_FAILED:
        gn_error_set(err, GN_EINVAL, "start failed: %s", s->call->failure);
        break;
    case GN_OUT_TIMEOUT:
        gn_error_set(err, GN_ETIMEDOUT, "start did not end within %u ms", s->timeout_ms);
        break;
    case GN_OUT_BUSY:
        gn_error_set(err, GN_EBUSY, "start could not run: too much at once");
        break;
    case GN_OUT_CANCELED:
        gn_error_set(err, GN_ECANCELED, "start was cancelled");
        break;
    default:
        gn_error_set(err, GN_EINVAL, "start returned %d without saying why (gantry_fail says it)",
                     s->call->rc);
    }
}

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct gn_start *s = call->ops_data;
    struct gn_error err = {0};
    explain(s, outcome, &err);
    gn_start_fn on_done = s->on_done;
    void *arg = s->arg;
    *s->ret = NULL;
    gn_free(s);
    gn_call_unref(call);
    on_done(arg, outcome == GN_OUT_RESULT ? NULL : &err);
}

static const struct gn_call_ops ops = {.finished = on_finished};

void gn_start_begin(struct gn_generation *g, uint32_t timeout_ms, struct gn_start **ret_start,
                    gn_start_fn on_done, void *arg)
{
    *ret_start = NULL;
    if (!g->start) {
        g->started = true;
        on_done(arg, NULL);
        return;
    }
    struct gn_start *s = gn_calloc(1, sizeof(*s));
    s->g = g;
    s->ret = ret_start;
    s->on_done = on_done;
    s->arg = arg;
    s->timeout_ms = timeout_ms;
    s->call = gn_call_new(g->env, &ops, s);
    s->call->timeout_ms = timeout_ms;
    *ret_start = s;
    gn_call_start_function(s->call, &g->owner, "start", run, g);
}

void gn_start_abandon(struct gn_start *s)
{
    struct gn_call *call = s->call;
    gn_call_detach(call);
    gn_call_cancel(call);
    *s->ret = NULL;
    gn_free(s);
    gn_call_unref(call);
}
