/* next.c - a call in its middlewares: one coroutine, from the outermost to the core and back.
 *
 * call->around_at says who is next: i + 1 while middleware i runs, one more than all of them while
 * the core runs. Each level leaves a verdict (what became of it) and a return code; a middleware
 * that returns the code it got passes the verdict on, any other code is a verdict of its own.
 *
 * The core runs where it belongs: what the host checks and writes on the loop's own stack, a
 * handler on this coroutine, or, if it blocks, on a worker, for which the coroutine waits. A worker
 * that waits for this very call lends its thread: those who wait for each other must not need one
 * more.
 */
#include "call/internal.h"
#include "util/alloc.h"

/* ---------------------------------------------------------------- the core */

struct on_worker {
    struct gn_op op;
    struct gn_call *call;
    struct gn_task *waits, *worker;
    int rc;
    bool ran;
};

static void worker_run(struct gn_task *task, void *arg)
{
    struct on_worker *w = arg;
    (void)task; /* call->task is it already */
    w->rc = gn_call_invoke(w->call);
}

static void worker_done(struct gn_task *task, void *arg)
{
    struct on_worker *w = arg;
    w->ran = gn_task_ran(task);
    w->worker = NULL;
    w->call->task = w->waits;
    gn_op_done(&w->op, w->ran ? GN_OK : GN_ECANCELED);
}

struct gn_task *gn_call_lender(const struct gn_call *call)
{
    for (const struct gn_call *p = call->parent; p; p = p->parent) {
        if (p->task && gn_task_is_worker(p->task))
            return p->task;
    }
    return NULL;
}

static void worker_start(struct gn_op *op)
{
    struct on_worker *w = GN_CONTAINER(op, struct on_worker, op);
    struct gn_call *call = w->call;
    struct gn_task *lender = gn_call_lender(call);
    struct gn_task_spec spec = {
        .name = gn_call_label(call),
        .run = worker_run,
        .done = worker_done,
        .arg = w,
        .group = call->owner ? call->owner->group : NULL,
    };
    int rc = lender ? gn_task_start_on(lender, &spec, &call->task)
                    : gn_task_start_worker(call->env->loop, &spec, &call->task);
    if (rc) {
        call->task = w->waits;
        gn_op_done(op, rc);
        return;
    }
    w->worker = call->task;
}

static void worker_cancel(struct gn_op *op)
{
    struct on_worker *w = GN_CONTAINER(op, struct on_worker, op);
    if (w->worker)
        gn_task_cancel(w->worker);
}

int gn_call_run_on_worker(struct gn_call *call, struct gn_task *waits)
{
    struct on_worker w = {
        .op = {.start = worker_start, .cancel = worker_cancel}, .call = call, .waits = waits};
    int rc = gn_await(waits, &w.op);
    if (rc == GN_OK)
        return w.rc;
    return rc == GN_ECANCELED ? GANTRY_ECANCELED : GANTRY_EBUSY;
}

struct core {
    struct gn_call *call;
    int rc;
};

/* Checks and binds the arguments, and keeps what came of it: as long as no middleware changes them
 * that holds for every try. [loop] */
void gn_call_bind_ahead(struct gn_call *call)
{
    struct gn_bound *b = &call->bound;
    /* What middlewares are yet to set: at the core, and for each try anew. */
    if (!call->spine && gn_made_varies(call->component))
        return;
    b->is_done = true;
    b->outcome = GN_OUT_RESULT;
    b->failure = NULL;
    if (!gn_call_bind(call, &b->outcome)) {
        b->failure = call->failure;
        call->failure = NULL;
        call->failed = false;
    }
    b->arguments = call->arguments;
}

static void bind_again(void *arg)
{
    gn_call_bind_ahead(arg);
}

static void operate(void *arg)
{
    struct core *c = arg;
    c->rc = c->call->operate(c->call);
}

static void choices(void *arg)
{
    gn_call_complete_choices(arg);
}

static int run_handler(struct gn_call *call)
{
    if (call->is_completion && !call->component->complete) {
        gn_task_on_loop(call->spine, choices, call);
        return GANTRY_OK;
    }
    if (call->is_completion)
        return gn_call_invoke(call);
    if (!call->bound.is_done || call->bound.arguments != call->arguments ||
        gn_made_varies(call->component))
        gn_task_on_loop(call->spine, bind_again, call);
    if (call->bound.outcome != GN_OUT_RESULT)
        return call->bound.outcome == GN_OUT_INVALID ? GANTRY_EINVAL : GANTRY_EIO;
    return call->component->flags & GANTRY_BLOCKING ? gn_call_run_on_worker(call, call->spine)
                                                    : gn_call_invoke(call);
}

/* Apart, so that the levels around it have small frames. */
__attribute__((noinline)) static int run_core(struct gn_call *call)
{
    struct core core = {.call = call};
    bool binds = !call->operate && !call->is_completion;
    call->around_at = call->around_count + 1;
    call->self = call->owner;
    call->self_data = NULL;
    if (call->operate)
        gn_task_on_loop(call->spine, operate, &core);
    else
        core.rc = run_handler(call);
    if (!binds || call->bound.outcome == GN_OUT_RESULT) {
        call->verdict = gn_call_judge(call, core.rc, gn_call_label(call));
    } else {
        call->verdict = call->bound.outcome;
        call->failure = call->bound.failure;
    }
    return core.rc;
}

/* ---------------------------------------------------------------- one level */

/* Apart, so that what is passed on does not pay for its buffer. */
__attribute__((noinline)) static void judge_middleware(struct gn_call *call,
                                                       const struct gn_middleware *m, int rc)
{
    char who[256];
    gn_call_name_middleware(m, who, sizeof who);
    call->verdict = gn_call_judge(call, rc, who);
}

static int run_middleware(struct gn_call *call, uint32_t at)
{
    struct gn_middleware *m = call->around[at];
    call->around_at = at + 1;
    call->self = m->owner;
    call->self_data = m->data;
    int rc = m->run(call);
    if (!gn_list_empty(&call->locks))
        gn_call_release_locks(call);
    bool is_passed_on = !call->failed && call->verdict != 0 && rc == call->next_rc;
    if (!is_passed_on)
        judge_middleware(call, m, rc);
    return rc;
}

/* Whatever the code was: FAILED has a message, and so on. */
int gn_call_code_of(const struct gn_call *call, int rc)
{
    switch (call->verdict) {
    case GN_OUT_FAILED:
        return GANTRY_EFAILED;
    case GN_OUT_INVALID:
        return GANTRY_EINVAL;
    case GN_OUT_NOT_FOUND:
        return GANTRY_ENOENT;
    case GN_OUT_CANCELED:
        return GANTRY_ECANCELED;
    case GN_OUT_BUSY:
        return GANTRY_EBUSY;
    default:
        return rc < 0 ? rc : GANTRY_EIO;
    }
}

void gn_call_clear_content(struct gn_call *call)
{
    call->result = (struct gn_result){.role = GANTRY_USER, .suggestion_total = -1};
}

void gn_call_reset_result(struct gn_call *call)
{
    gn_call_clear_content(call);
    call->failed = false;
    call->failure = NULL;
    call->error_code = 0;
    call->verdict = 0;
}

int gn_call_next(struct gn_call *call)
{
    uint32_t at = call->around_at;
    struct gn_owner *self = call->self;
    void *self_data = call->self_data;
    /* One that tries again without ever waiting would hold the loop, deadline and all. */
    if (call->verdict && gn_task_sleep(call->spine, 0) != GN_OK) {
        gn_call_reset_result(call);
        call->verdict = GN_OUT_CANCELED;
        return call->next_rc = GANTRY_ECANCELED;
    }
    if (call->verdict || call->failed || call->result.first || call->result.structured)
        gn_call_reset_result(call);
    int rc = at < call->around_count ? run_middleware(call, at) : run_core(call);
    if (call->verdict == GN_OUT_RESULT) {
        rc = GANTRY_OK;
    } else {
        rc = gn_call_code_of(call, rc);
        gn_call_clear_content(call); /* what mends a failure begins anew */
    }
    call->failed = false; /* the verdict has it; from here on it says what the middleware does */
    call->around_at = at;
    call->self = self;
    call->self_data = self_data;
    call->next_rc = rc;
    return rc;
}
