/* handover.c - from one generation to the next.
 *
 * Usually the new one starts beside the old one and one edit of the registry swaps them. Two cases
 * need a moment in which new calls of the instance wait (gn_owner.hold): state that is saved and
 * restored, and a plugin that owns something exclusive, whose old generation must have stopped
 * before the new one starts. Waiting is bounded; what waited goes on with whatever serves then.
 */
#include "plugin/instance.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#define QUIET_MS 1000 /* how long to wait for calls to end before state is saved all the same */
#define POLL_MS 5
#define HELD_MAX 4096 /* calls that wait for one instance; more go to the old generation */

/* ---------------------------------------------------------------- holding calls */

struct held {
    struct gn_list node;
    struct gn_call *call;           /* one reference */
    struct gn_component *component; /* one reference: the call only borrows it until it starts */
    struct gn_owner *owner;         /* the component's, held likewise */
};

static bool hold(struct gn_owner *owner, gantry_call *call)
{
    struct gn_record *r = gn_record_of(owner->plugin);
    struct gn_instance *inst = r->instance;
    if (!inst || inst->held_count >= HELD_MAX)
        return false;
    struct held *h = gn_calloc(1, sizeof(*h));
    h->call = gn_call_ref(call);
    if (call->component) { /* else an operation of the host's own, in middlewares */
        h->component = gn_component_ref(call->component);
        h->owner = h->component->owner;
    }
    if (h->owner)
        h->owner->ref(h->owner);
    gn_list_append(&inst->held, &h->node);
    inst->held_count++;
    return true;
}

/* Starts what waited, with the component of the same name that serves now, if there is one. */
static void release_held(struct gn_instance *inst)
{
    struct gn_registry *registry = inst->plugins->registry;
    struct gn_list *n;
    if (inst->live)
        gn_generation_set_hold(inst->live, NULL);
    while ((n = gn_list_pop(&inst->held))) {
        struct held *h = GN_CONTAINER(n, struct held, node);
        struct gn_component *held = h->component, *c = NULL;
        if (held) {
            struct gn_viewer viewer = gn_viewer_of(h->call);
            struct gn_snapshot *s = gn_registry_view(registry, &viewer);
            c = gn_snapshot_find_version(s, held->kind, held->key, held->version);
            if (!c)
                c = gn_snapshot_find(s, held->kind, held->key);
        }
        inst->held_count--;
        h->call->component = c ? c : held;
        if (!h->call->finished)
            gn_call_start_again(h->call);
        gn_call_unref(h->call);
        gn_component_unref(held);
        if (h->owner)
            h->owner->unref(h->owner);
        gn_free(h);
    }
}

/* ---------------------------------------------------------------- commit */

/* Publishes it, or gives it up if there is something wrong with it. */
static int finish_edit(struct gn_plugins *p, struct gn_edit *e, int rc, struct gn_error *err)
{
    if (!rc)
        rc = gn_edit_check(e, err);
    if (rc)
        gn_edit_abort(e);
    else
        gn_plugins_changed(p, gn_edit_commit(e));
    return rc;
}

static int publish_all(gantry_plugin *g, struct gn_component *const *drop, size_t dropped,
                       struct gn_component *const *add, size_t added, struct gn_error *err)
{
    struct gn_record *r = gn_record_of(g);
    if (g->state != GN_GEN_LIVE || !r->instance)
        return gn_error_set(err, GN_EPERM, "this generation has been replaced");
    struct gn_edit *e = gn_edit_begin(r->plugins->registry);
    int rc = GN_OK;
    for (size_t i = 0; !rc && i < dropped; i++)
        rc = gn_edit_remove(e, drop[i]);
    for (size_t i = 0; !rc && i < added; i++)
        rc = gn_edit_add(e, add[i], err);
    return finish_edit(r->plugins, e, rc, err);
}

static int publish_transforms(gantry_plugin *g, bool is_touched, struct gn_error *err)
{
    const struct gn_record *r = gn_record_of(g);
    if (g->state != GN_GEN_LIVE || !r->instance)
        return gn_error_set(err, GN_EPERM, "this generation has been replaced");
    struct gn_edit *e = gn_edit_begin(r->plugins->registry);
    if (is_touched)
        gn_edit_touch(e);
    else
        gn_edit_transforms(e, &g->owner, g->transforms, g->transform_count);
    return finish_edit(r->plugins, e, GN_OK, err);
}

static int publish(gantry_plugin *g, struct gn_component *c, bool add, struct gn_error *err)
{
    return add ? publish_all(g, NULL, 0, &c, 1, err) : publish_all(g, &c, 1, NULL, 0, err);
}

/* The registry as it will be: without the old generation, with the new one. NULL: a name is taken,
 * or something cannot be made of its parent. */
static struct gn_edit *make_edit(const struct gn_load *load, struct gn_error *err)
{
    const struct gn_generation *old = load->instance->live;
    struct gn_generation *g = load->g;
    struct gn_edit *e = gn_edit_begin(load->plugins->registry);
    int rc = GN_OK;
    if (old)
        gn_edit_remove_owner(e, &old->owner);
    for (size_t i = 0; !rc && i < g->component_count; i++)
        rc = gn_edit_add(e, g->components[i], err);
    if (!rc && g->transform_count)
        gn_edit_transforms(e, &g->owner, g->transforms, g->transform_count);
    if (!rc)
        rc = gn_edit_check(e, err);
    if (!rc)
        return e;
    load->instance->is_conflict = rc == GN_EEXIST;
    gn_edit_abort(e);
    return NULL;
}

static void log_commit(const struct gn_load *load)
{
    static const char *const names[GN_KINDS] = {
        [GN_TOOL] = "tool",
        [GN_RESOURCE] = "resource",
        [GN_TEMPLATE] = "template",
        [GN_PROMPT] = "prompt",
    };
    const struct gn_generation *g = load->g;
    unsigned counts[GN_KINDS] = {0};
    struct gn_buf text = GN_BUF_INIT(256);
    for (size_t i = 0; i < g->component_count; i++)
        counts[g->components[i]->kind]++;
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++)
        if (counts[kind])
            gn_buf_addf(&text, "%s%u %s%s", text.len ? ", " : ": ", counts[kind], names[kind],
                        counts[kind] == 1 ? "" : "s");
    if (g->transform_count)
        gn_buf_addf(&text, "%s%zu transform%s", text.len ? ", " : ": ", g->transform_count,
                    g->transform_count == 1 ? "" : "s");
    if (g->middleware_count)
        gn_buf_addf(&text, "%s%zu middleware%s", text.len ? ", " : ": ", g->middleware_count,
                    g->middleware_count == 1 ? "" : "s");
    gn_load_log(load->instance, GN_INFO, "generation %u (%s %s) serves%s", g->number, g->name,
                g->version, gn_buf_str(&text));
    gn_buf_release(&text);
}

static void revive(struct gn_load *load, const struct gn_error *err);
static void go_down(struct gn_load *load, const struct gn_error *err);

/* The new generation cannot serve. */
static void give_up(struct gn_load *load, const struct gn_error *err)
{
    if (load->is_revival) {
        go_down(load, err);
    } else if (load->old_is_stopped) {
        revive(load, err);
    } else {
        release_held(load->instance);
        gn_load_fail(load, err);
    }
}

static void commit(struct gn_load *load)
{
    struct gn_plugins *p = load->plugins;
    struct gn_instance *inst = load->instance;
    struct gn_generation *old = inst->live, *g = load->g;
    struct gn_error err = {0};
    struct gn_edit *e = make_edit(load, &err);
    if (!e) {
        give_up(load, &err);
        return;
    }
    inst->is_conflict = false;
    inst->live = g;
    g->state = GN_GEN_LIVE;
    g->publish = publish;
    g->publish_all = publish_all;
    g->publish_transforms = publish_transforms;
    gn_generation_go_live(g);
    log_commit(load);
    load->g = NULL;
    uint32_t kinds = gn_edit_commit(e);
    if (old) {
        gn_around_replace(p->env, &old->owner, NULL, 0);
        gn_generation_retract_extensions(old);
    }
    gn_generation_publish_middleware(g);
    gn_generation_publish_extensions(g);
    if (old)
        gn_generation_set_hold(old, NULL);
    release_held(inst);
    if (old)
        gn_record_retire(old);
    gn_plugins_changed(p, kinds);
    /* A revival ends a load that has failed. */
    if (load->is_revival)
        gn_load_fail(load, &load->err);
    else
        gn_load_end(load, NULL);
    gn_plugins_retry_conflicts(p);
}

/* ---------------------------------------------------------------- state */

static void save(struct gn_load *load)
{
    struct gn_generation *old = load->instance->live;
    struct gantry_buffer out = {GN_BUF_INIT(GN_SAVE_BYTES)};
    if (!old->save || !load->g->restore)
        return;
    int rc = old->save(old, &out);
    load->has_saved = rc >= 0 && !out.bytes.overflow;
    if (!load->has_saved)
        gn_load_log(load->instance, GN_WARNING,
                    "generation %u could not save its state (%d): generation %u starts fresh",
                    old->number, rc < 0 ? rc : GANTRY_ETOOBIG, load->g->number);
    gn_buf_release(&load->saved);
    load->saved = out.bytes;
}

static void restore(struct gn_load *load)
{
    struct gn_generation *g = load->g;
    if (!load->has_saved)
        return;
    int rc = g->restore(g, gn_buf_str(&load->saved), load->saved.len);
    if (rc < 0)
        gn_load_log(load->instance, GN_WARNING,
                    "generation %u could not restore the state (%d): it starts fresh", g->number,
                    rc);
}

/* ---------------------------------------------------------------- the old one stops first */

static const char replaced[] = "this plugin is being replaced: try again in a moment";

static int refuse_around(gantry_call *call)
{
    return gn_call_fail(call, "%s", replaced);
}

/* Stops the old generation while its components still stand in the registry: calls are held, and
 * those that cannot be (calls from other handlers) must not reach its code. */
static void stop_old(struct gn_load *load)
{
    struct gn_generation *old = load->instance->live;
    old->owner.refusal = replaced;
    for (size_t i = 0; i < old->middleware_count; i++)
        old->middleware[i]->run = refuse_around;
    gn_generation_end_schedules(old);
    if (old->started && old->stop)
        old->stop(old);
    old->started = false;
    load->old_is_stopped = true;
}

/* Nothing serves this instance any more. */
static void go_down(struct gn_load *load, const struct gn_error *err)
{
    struct gn_instance *inst = load->instance;
    gn_load_log(inst, GN_ERROR,
                "the old generation does not start again either (%s): the plugin is "
                "out of service",
                err->text);
    gn_handover_unload(inst);
    if (load->g)
        gn_record_retire(load->g);
    load->g = NULL;
    gn_load_fail(load, &load->err);
}

/* The old code, which is still mapped, starts anew as a generation of its own. */
static void revive(struct gn_load *load, const struct gn_error *why)
{
    struct gn_instance *inst = load->instance;
    struct gn_generation *old = inst->live;
    struct gn_module *module = old->module;
    struct gn_error err = {0};
    load->err = *why;
    gn_record_retire(load->g);
    load->is_revival = true;
    load->has_saved = false;
    old->module = NULL;
    load->g = gn_load_import(inst, gn_plugins_next_number(load->plugins, inst->name), module,
                             gn_record_of(old)->settings, &err);
    if (load->g)
        gn_load_start(load);
    else
        go_down(load, &err);
}

/* ---------------------------------------------------------------- the gate */

static void gate_over(struct gn_load *load)
{
    save(load);
    if (load->is_exclusive) {
        stop_old(load);
        gn_load_start(load);
        return;
    }
    restore(load);
    commit(load);
}

static void gate_poll(struct gn_timer *timer)
{
    struct gn_load *load = GN_CONTAINER(timer, struct gn_load, timer);
    struct gn_generation *old = load->instance->live;
    uint64_t now = gn_clock_ms();
    bool is_quiet = gn_record_calls(old, NULL) == 0 && old->owner.pointers == 0;
    if (is_quiet || (now >= load->gate_until_ms && !load->is_exclusive)) {
        gate_over(load);
        return;
    }
    if (now >= load->gate_until_ms && load->has_cancelled) {
        struct gn_buf names = GN_BUF_INIT(1024);
        struct gn_error err = {0};
        if (gn_record_calls(old, &names) == 0)
            gn_buf_adds(&names, "what inherited its variables");
        gn_error_set(&err, GN_EBUSY,
                     "the old generation owns something exclusive and cannot be stopped: %s still "
                     "running",
                     gn_buf_str(&names));
        gn_buf_release(&names);
        give_up(load, &err);
        return;
    }
    if (now >= load->gate_until_ms) {
        load->has_cancelled = true;
        load->gate_until_ms = now + load->plugins->config->plugin_drain_ms;
        gn_record_cancel_calls(old);
    }
    gn_timer_start(load->plugins->env->loop, &load->timer, POLL_MS, gate_poll);
}

static void gate_begin(struct gn_load *load)
{
    uint32_t wait_ms = load->is_exclusive ? load->plugins->config->plugin_drain_ms : QUIET_MS;
    load->phase = GN_LOAD_GATE;
    load->has_cancelled = false;
    load->gate_until_ms = gn_clock_ms() + wait_ms;
    gn_generation_set_hold(load->instance->live, hold);
    gate_poll(&load->timer);
}

/* ---------------------------------------------------------------- public */

void gn_handover_stage(struct gn_load *load)
{
    const struct gn_generation *old = load->instance->live;
    struct gn_error err = {0};
    /* Only to learn early that a name is taken. */
    struct gn_edit *e = make_edit(load, &err);
    if (!e) {
        gn_load_fail(load, &err);
        return;
    }
    gn_edit_abort(e);
    load->is_exclusive = old && ((old->flags | load->g->flags) & GANTRY_EXCLUSIVE);
    if (load->is_exclusive)
        gate_begin(load);
    else
        gn_load_start(load);
}

void gn_handover_started(struct gn_load *load, const struct gn_error *err)
{
    const struct gn_generation *old = load->instance->live;
    if (err) {
        give_up(load, err);
    } else if (load->old_is_stopped) {
        restore(load);
        commit(load);
    } else if (old && old->save && load->g->restore) {
        gate_begin(load);
    } else {
        commit(load);
    }
}

void gn_handover_abort(struct gn_load *load)
{
    gn_timer_stop(&load->timer);
    release_held(load->instance);
}

void gn_handover_unload(struct gn_instance *inst)
{
    struct gn_plugins *p = inst->plugins;
    struct gn_generation *g = inst->live;
    if (!g)
        return;
    struct gn_edit *e = gn_edit_begin(p->registry);
    gn_edit_remove_owner(e, &g->owner);
    uint32_t kinds = gn_edit_commit(e);
    gn_around_replace(p->env, &g->owner, NULL, 0);
    gn_generation_retract_extensions(g);
    release_held(inst);
    inst->live = NULL;
    gn_record_retire(g);
    gn_plugins_changed(p, kinds);
    gn_plugins_retry_conflicts(p);
}
