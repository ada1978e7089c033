/* nested.c - a handler calls another component.
 *
 *     parent        component      the child runs
 *     coroutine     coroutine      on the parent's stack
 *     worker        blocking       on the parent's worker
 *     coroutine     blocking       on a worker of its own; the parent awaits
 *     worker        coroutine      as a coroutine of its own; the parent awaits
 *
 * In middleware it is always the last of these: what is around a call runs on the loop.
 *
 * The child keeps its parent alive, since it borrows identity and arguments from it.
 */
#include "call/internal.h"
#include "util/clock.h"

struct nested {
    struct gn_op op;
    struct gn_call *parent, *child;
    struct gn_component *component;
    const gantry_json *arguments;
    const char *uri;
    struct gn_owner *owner;
    bool bound, is_inline;
    enum gn_outcome outcome;
};

static void inherit(struct gn_call *child, struct gn_call *parent)
{
    child->parent = gn_call_ref(parent);
    gn_scope_nest(child, parent);
    child->depth = parent->depth + 1;
    child->revision = parent->revision;
    child->request_id = parent->request_id;
    child->meta = parent->meta;
    child->session_id = parent->session_id;
    child->client_name = parent->client_name;
    child->client_version = parent->client_version;
    child->principal = parent->principal;
    child->capabilities = parent->capabilities;
    child->session_key = parent->session_key;
    child->transport = parent->transport;
    child->traceparent = parent->traceparent;
    child->tracestate = parent->tracestate;
    child->baggage = parent->baggage;
}

static const char *method_of(const struct gn_component *c)
{
    return c->kind == GN_TOOL     ? "tools/call"
           : c->kind == GN_PROMPT ? "prompts/get"
                                  : "resources/read";
}

static void set_up(void *arg)
{
    struct nested *n = arg;
    struct gn_call *child = gn_call_new(n->parent->env, NULL, NULL);
    inherit(child, n->parent);
    child->component = n->component;
    child->method = method_of(n->component);
    child->arguments = n->arguments;
    child->uri = n->uri;
    n->child = child;
    /* In middleware it is a coroutine of its own, with a deadline of its own. */
    if (gn_around_count(child->env, gn_call_hook_of(n->component, false), n->component))
        n->is_inline = false;
    if (!n->is_inline)
        return;
    child->began_us = gn_clock_us();
    n->owner = n->component->owner;
    if (n->owner)
        n->owner->ref(n->owner);
    gn_component_ref(n->component);
    child->owner = n->owner;
    child->label = gn_arena_format(&child->arena, "%s/%s", n->owner ? n->owner->name : "host",
                                   n->component->key);
    child->mime_type = gn_arena_strdup(&child->arena, n->component->mime_type);
    child->task = n->parent->task;
    n->bound = gn_call_bind(child, &n->outcome);
}

static void tear_down(void *arg)
{
    struct nested *n = arg;
    if (n->bound) {
        n->child->cancelled = gn_task_is_cancelled(n->parent->task);
        n->outcome = gn_call_outcome(n->child);
    }
    gn_call_tell_ended(n->child, n->outcome);
    n->child->task = NULL;
    n->child->component = NULL;
    n->child->owner = NULL;
    gn_component_unref(n->component);
    if (n->owner)
        n->owner->unref(n->owner);
}

static void child_finished(struct gn_call *child, enum gn_outcome outcome)
{
    struct nested *n = child->ops_data;
    n->outcome = outcome;
    gn_call_detach(child);
    gn_op_done(&n->op, 0);
}

static const struct gn_call_ops child_ops = {.finished = child_finished};

static void start_child(struct gn_op *op)
{
    struct nested *n = GN_CONTAINER(op, struct nested, op);
    n->child->ops = &child_ops;
    n->child->ops_data = n;
    gn_call_start(n->child);
}

static void cancel_child(struct gn_op *op)
{
    struct nested *n = GN_CONTAINER(op, struct nested, op);
    gn_call_cancel(n->child);
}

int gn_call_nested(struct gn_call *parent, struct gn_component *component,
                   const gantry_json *arguments, const char *uri, struct gn_call **ret_child,
                   enum gn_outcome *ret_outcome)
{
    GN_CHECK(parent, GN_CALL_MAGIC);
    GN_CHECK(component, GN_COMPONENT_MAGIC);
    if (gn_call_depth(parent) + 1 > GN_CALL_MAX_DEPTH)
        return GN_ETOOBIG;
    bool blocking = component->flags & GANTRY_BLOCKING;
    struct nested n = {
        .op = {.start = start_child, .cancel = cancel_child},
        .parent = parent,
        .component = component,
        .arguments = arguments,
        .uri = uri,
        .is_inline = blocking == gn_task_is_worker(parent->task),
    };
    gn_task_on_loop(parent->task, set_up, &n);
    if (n.is_inline) {
        if (n.bound)
            n.child->rc = gn_call_invoke(n.child);
        gn_task_on_loop(parent->task, tear_down, &n);
    } else {
        int rc = gn_await(parent->task, &n.op);
        if (rc) /* cancelled before it began */
            n.outcome = GN_OUT_CANCELED;
    }
    *ret_child = n.child;
    *ret_outcome = n.outcome;
    return 0;
}
