/* concurrency.c - how many calls of one tool run at a time.
 *
 * Each tool has a gate, made when its first call comes and gone with its last: who finds it full
 * waits in order, until its deadline. Gates outlive a reload, so that what still runs is counted;
 * their limits are those in force at the moment. The first entry that names a tool is the only one
 * that counts for it.
 *
 * Nobody waits here who holds what others may need to get through: a place, or a worker thread.
 * Calls that such a handler makes are let in and counted. (Else A, which has the only worker, would
 * wait for a place that B has, which waits for a worker.) One of the same tool is inside already.
 */
#include "pipeline/shipped.h"
#include "util/alloc.h"
#include "util/map.h"
#include "util/str.h"

struct gn_gates {
    uint32_t refs;
    struct gn_map by_name;            /* struct gate */
    const struct gn_shipped_set *set; /* in force; NULL: none */
};

struct gate {
    struct gn_list waiters;
    uint32_t running, waiting; /* waiting: who has not been let in, heard of it or not */
};

struct waiter {
    struct gn_op op;
    struct gn_list node;
    struct gate *gate;
    const struct gn_component *component;
};

/* ---------------------------------------------------------------- gates */

struct gn_gates *gn_gates_new(void)
{
    struct gn_gates *g = gn_calloc(1, sizeof *g);
    g->refs = 1;
    gn_map_init(&g->by_name);
    return g;
}

struct gn_gates *gn_gates_ref(struct gn_gates *g)
{
    g->refs++;
    return g;
}

void gn_gates_unref(struct gn_gates *g)
{
    if (--g->refs > 0)
        return;
    gn_map_release(&g->by_name, gn_free);
    gn_free(g);
}

size_t gn_gates_count(const struct gn_gates *g)
{
    return g->by_name.count;
}

const struct gn_shipped_entry *gn_gates_entry(const struct gn_gates *g,
                                              const struct gn_component *c)
{
    if (!c || c->kind != GN_TOOL)
        return NULL;
    for (size_t i = 0; g->set && i < g->set->count; i++) {
        const struct gn_shipped_entry *e = g->set->v[i];
        if (e->kind == &gn_shipped_concurrency && gn_shipped_concerns(e, c))
            return e;
    }
    return NULL;
}

/* The limit that holds now; what is no longer limited has none. */
static uint32_t max_calls(const struct gn_gates *g, const struct gn_component *c)
{
    const struct gn_shipped_entry *e = gn_gates_entry(g, c);
    return e ? e->options.max_calls : UINT32_MAX;
}

static struct gate *gate_of(struct gn_gates *g, const char *name)
{
    struct gate *gate = gn_map_find(&g->by_name, name);
    if (gate)
        return gate;
    gate = gn_calloc(1, sizeof *gate);
    gn_list_init(&gate->waiters);
    gn_map_put(&g->by_name, name, gate);
    return gate;
}

static void drop_if_idle(struct gn_gates *g, struct gate *gate, const char *name)
{
    if (gate->running > 0 || gate->waiting > 0)
        return;
    gn_map_remove(&g->by_name, name);
    gn_free(gate);
}

/* Lets in who waits longest, as many as there is room for. */
static void let_in(struct gn_gates *g, struct gate *gate)
{
    while (!gn_list_empty(&gate->waiters)) {
        struct waiter *w = GN_CONTAINER(gate->waiters.next, struct waiter, node);
        if (gate->running >= max_calls(g, w->component))
            return;
        gn_list_remove(&w->node);
        gate->waiting--;
        gate->running++;
        gn_op_done(&w->op, GN_OK);
    }
}

void gn_gates_configure(struct gn_gates *g, const struct gn_shipped_set *set)
{
    size_t at = 0;
    void *gate;
    g->set = set;
    while (gn_map_next(&g->by_name, &at, NULL, &gate))
        let_in(g, gate);
}

/* ---------------------------------------------------------------- calls */

static void wait_start(struct gn_op *op)
{
    struct waiter *w = GN_CONTAINER(op, struct waiter, op);
    gn_list_append(&w->gate->waiters, &w->node);
}

static void wait_cancel(struct gn_op *op)
{
    gn_list_remove(&GN_CONTAINER(op, struct waiter, op)->node);
    gn_op_done(op, GN_ECANCELED);
}

/* Waits for its turn and is counted then. The gate cannot go: it has us in it. */
static int wait_for_turn(struct gn_call *call, struct gate *gate)
{
    struct waiter w = {
        .op = {.start = wait_start, .cancel = wait_cancel},
        .gate = gate,
        .component = call->component,
    };
    gn_list_init(&w.node);
    gate->waiting++;
    int rc = gn_await(call->spine, &w.op);
    if (rc != GN_OK) {
        gate->waiting--;
        return GANTRY_ECANCELED;
    }
    return GANTRY_OK;
}

static void leave(struct gn_gates *g, struct gate *gate, const char *name)
{
    gate->running--;
    let_in(g, gate);
    drop_if_idle(g, gate, name);
}

static bool is_inside(const struct gn_call *call)
{
    for (const struct gn_call *p = call->parent; p; p = p->parent) {
        if (p->component && p->component->kind == call->component->kind &&
            gn_streq(p->component->key, call->component->key))
            return true;
    }
    return false;
}

/* True if those who wait for this call hold something: none of them may be made to wait here. */
static bool is_needed(const struct gn_call *call, const struct gn_gates *g)
{
    for (const struct gn_call *p = call->parent; p; p = p->parent) {
        if ((p->task && gn_task_is_worker(p->task)) || gn_gates_entry(g, p->component))
            return true;
    }
    return false;
}

static int enter(struct gn_call *call, struct gn_gates *g, struct gate *gate)
{
    const struct gn_shipped_entry *e = gn_gates_entry(g, call->component);
    bool has_place = e && gate->waiting == 0 && gate->running < e->options.max_calls;
    if (!e || has_place || is_needed(call, g)) {
        gate->running++;
        return GANTRY_OK;
    }
    if (gate->waiting >= e->options.max_waiting)
        return gn_call_fail(call,
                            "%s is busy: %u calls run and %u wait, more are not taken; try again "
                            "later",
                            call->component->name, gate->running, gate->waiting);
    return wait_for_turn(call, gate);
}

static int run(struct gn_call *call)
{
    struct gn_gates *g = gn_shipped_self(call)->gates;
    if (is_inside(call))
        return gn_call_next(call);
    /* The component may be replaced meanwhile, but not taken from this call. */
    const char *name = call->component->key;
    struct gate *gate = gate_of(g, name);
    int rc = enter(call, g, gate);
    if (rc) {
        drop_if_idle(g, gate, name);
        return rc;
    }
    /* It may have been let in and then cancelled, before it heard of either. */
    rc = call->cancelled ? GANTRY_ECANCELED : gn_call_next(call);
    leave(g, gate, name);
    return rc;
}

const struct gn_shipped_kind gn_shipped_concurrency = {"concurrency", GANTRY_ON_CALL_TOOL, run};
