/* forward.c - the function around a tool runs its parent: frames within a call.
 *
 * A frame lies on the stack of the coroutine that runs the function, and remembers what the call
 * was before: while the parent runs, component, owner and arguments are the parent's, so that all
 * that asks the call for them (the host table, logs, locks, a drain) meets the parent. Its level is
 * one deeper than the function's, which keeps their locks apart. What came of it is left as by
 * gn_call_next: a verdict and a code; a function that returns this code passes the verdict on.
 */
#include "call/made.h"

#include "call/ask.h"
#include "call/internal.h"

#include <string.h>

struct gn_frame {
    struct gn_frame *prev;
    struct gn_component *component;
    struct gn_owner *owner, *self;
    void *self_data, *in;
    const gantry_json *arguments;
    const char *label;
    struct gn_bound bound;
    uint32_t around_at;
};

struct forwarding {
    struct gn_frame frame;
    struct gn_call *call;
    struct gn_component *around; /* whose function runs */
    struct gn_component *now;    /* what stands in its place now; a reference, or NULL */
    const gantry_json *arguments;
    bool is_raw, is_bound;
    enum gn_outcome outcome;
    int rc;
};

/* ---------------------------------------------------------------- what runs */

bool gn_call_is_around(const struct gn_call *call)
{
    if (!call->component || call->is_completion || call->self != call->owner)
        return false;
    if (call->around_at - 1 < call->around_count) /* a middleware; 0 wraps */
        return false;
    const struct gn_made *made = gn_component_code(call->component)->made;
    return made && made->is_around;
}

struct gn_component *gn_call_component(const struct gn_call *call)
{
    struct gn_component *c = call->component;
    for (const struct gn_frame *f = call->frame; f; f = f->prev)
        c = f->component;
    return c;
}

const char *gn_call_outer_label(const struct gn_call *call)
{
    const char *label = gn_call_label(call);
    for (const struct gn_frame *f = call->frame; f; f = f->prev)
        label = f->label ? f->label : label;
    return label;
}

bool gn_call_owner_at(const struct gn_call *call, size_t i, struct gn_owner **ret)
{
    const struct gn_frame *f = call->frame;
    *ret = call->owner;
    for (; i > 0 && f; i--) {
        *ret = f->owner;
        f = f->prev;
    }
    return i == 0;
}

/* The call inside of it that asks, or whose inside does; NULL: none. */
static const struct gn_call *inner_that_asks(const struct gn_call *call)
{
    const struct gn_call *root = call;
    while (root->parent)
        root = root->parent;
    const struct gn_call *inner = root->asking ? root->asking->call : NULL;
    while (inner && inner->parent != call)
        inner = inner->parent;
    return inner;
}

bool gn_call_is_replayable(const struct gn_call *call)
{
    bool is_so = call->component && (call->component->flags & GANTRY_REPLAY);
    for (const struct gn_frame *f = call->frame; f; f = f->prev)
        is_so = is_so && (f->component->flags & GANTRY_REPLAY);
    const struct gn_call *inner = is_so && call->is_stand_in ? inner_that_asks(call) : NULL;
    return inner ? gn_call_is_replayable(inner) : is_so;
}

uint32_t gn_call_depth(const struct gn_call *call)
{
    uint32_t depth = call->depth;
    for (; call; call = call->parent) {
        for (const struct gn_frame *f = call->frame; f; f = f->prev)
            depth++;
    }
    return depth;
}

/* ---------------------------------------------------------------- in and out again */

/* "hello/greet" */
static const char *label_of(struct gn_call *call, const struct gn_component *c)
{
    const char *owner = c->owner ? c->owner->name : "host";
    size_t owner_len = strlen(owner), key_len = strlen(c->key);
    char *label = gn_arena_alloc(&call->arena, owner_len + 1 + key_len + 1);
    if (!label)
        return c->key; /* the component is held as long */
    memcpy(label, owner, owner_len);
    label[owner_len] = '/';
    memcpy(label + owner_len + 1, c->key, key_len);
    label[owner_len + 1 + key_len] = '\0';
    return label;
}

static void push(struct forwarding *f, struct gn_component *parent)
{
    struct gn_call *call = f->call;
    f->frame = (struct gn_frame){
        .prev = call->frame,
        .component = call->component,
        .owner = call->owner,
        .self = call->self,
        .self_data = call->self_data,
        .in = call->in,
        .arguments = call->arguments,
        .label = call->label,
        .bound = call->bound,
        .around_at = call->around_at,
    };
    call->frame = &f->frame;
    call->component = parent;
    call->owner = parent->owner;
    call->around_at++;
    call->heard = NULL;
    call->label = label_of(call, parent);
}

static void pop(struct forwarding *f)
{
    struct gn_call *call = f->call;
    const struct gn_frame *frame = &f->frame;
    call->frame = frame->prev;
    call->component = frame->component;
    call->owner = frame->owner;
    call->self = frame->self;
    call->self_data = frame->self_data;
    call->in = frame->in;
    call->arguments = frame->arguments;
    call->label = frame->label;
    call->bound = frame->bound;
    call->around_at = frame->around_at;
    call->heard = NULL;
}

/* Holds the parent, as it stands now, and binds its arguments. [loop] */
static void enter(void *arg)
{
    struct forwarding *f = arg;
    struct gn_call *call = f->call;
    const struct gn_call_env *env = call->env;
    struct gn_component *now = env->remade ? env->remade(env->registry, f->around) : f->around;
    if (!now || !now->made || !now->parent)
        return;
    struct gn_component *parent = now->parent;
    f->now = gn_component_ref(now);
    if (parent->owner)
        parent->owner->ref(parent->owner);
    push(f, parent);
    f->is_bound = gn_call_bind_parent(call, now, f->arguments, f->is_raw, &f->outcome);
    call->arguments = call->bound.inner;
}

/* [loop] */
static void leave(void *arg)
{
    struct forwarding *f = arg;
    struct gn_call *call = f->call;
    /* A nested call on its caller's stack is cancelled through the task. */
    call->cancelled = call->cancelled || gn_task_is_cancelled(call->task);
    if (f->is_bound)
        f->outcome = gn_call_settle(call, f->rc);
    struct gn_owner *owner = call->owner;
    pop(f);
    gn_component_unref(f->now);
    if (owner)
        owner->unref(owner);
}

/* ---------------------------------------------------------------- public */

/* A blocking parent has a worker; whoever cancels the call meanwhile reaches it by the coroutine.
 */
static int run_parent(struct gn_call *call)
{
    if (!(call->component->flags & GANTRY_BLOCKING))
        return gn_call_invoke(call);
    struct gn_task *spine = call->spine, *task = call->task;
    call->spine = task;
    int rc = gn_call_run_on_worker(call, task);
    call->spine = spine;
    return rc;
}

static int conclude(struct gn_call *call, enum gn_outcome outcome, int rc)
{
    call->verdict = outcome;
    call->failed = false; /* the verdict has it; from here on it says what the function does */
    if (outcome != GN_OUT_RESULT)
        gn_call_clear_content(call);
    return call->next_rc = rc;
}

static int give_up(struct gn_call *call, int rc, const char *why)
{
    gn_call_fail(call, "tool %.128s: %s", call->component->name, why);
    call->own_words = true;
    return conclude(call, GN_OUT_FAILED, rc);
}

int gn_call_forward(struct gn_call *call, const gantry_json *arguments, bool is_raw)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    if (!gn_call_is_around(call) || gn_task_is_worker(call->task))
        return GANTRY_EPERM;
    struct forwarding f = {
        .call = call,
        .around = gn_component_code(call->component),
        .arguments = arguments || is_raw ? arguments : call->arguments,
        .is_raw = is_raw,
    };
    /* One that tries again without ever waiting would hold the loop, deadline and all. */
    bool is_first = call->verdict == 0;
    gn_call_reset_result(call);
    if (!is_first && gn_task_sleep(call->task, 0) != GN_OK)
        return conclude(call, GN_OUT_CANCELED, GANTRY_ECANCELED);
    if (gn_call_depth(call) + 1 > GN_CALL_MAX_DEPTH)
        return give_up(call, GANTRY_ETOOBIG,
                       "calls and functions around tools are nested too deep");
    gn_task_on_loop(call->task, enter, &f);
    if (!f.now)
        return give_up(call, GANTRY_ENOENT, "the tool that it is made of is not there any more");
    f.rc = f.is_bound ? run_parent(call) : f.outcome == GN_OUT_INVALID ? GANTRY_EINVAL : GANTRY_EIO;
    /* To check structured output takes more stack than a coroutine has. */
    if (call->component->output_text)
        gn_task_on_loop(call->task, leave, &f);
    else
        leave(&f);
    call->verdict = f.outcome;
    int rc = f.outcome == GN_OUT_RESULT ? GANTRY_OK : gn_call_code_of(call, f.rc);
    return conclude(call, f.outcome, rc);
}
