/* retire.c - generations on their way out: draining, cancelling, unmapping, or staying with a
 * reason. */
#include "plugin/instance.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#define RESIDENTS_MAX 256 /* remembered for status; the oldest go first */
#define NAMES_MAX 3       /* calls named in a reason */

/* ---------------------------------------------------------------- calls of a generation */

static bool is_call_of(const struct gn_call *call, const struct gn_generation *g)
{
    return gn_call_uses(call, &g->owner);
}

uint32_t gn_record_calls(const struct gn_generation *g, struct gn_buf *names)
{
    uint32_t count = 0;
    GN_LIST_EACH(&g->env->calls, n) {
        const struct gn_call *call = GN_CONTAINER(n, struct gn_call, node);
        if (!is_call_of(call, g))
            continue;
        if (names && count < NAMES_MAX)
            gn_buf_addf(names, "%s%s", count ? ", " : "", gn_call_label(call));
        count++;
    }
    if (names && count > NAMES_MAX)
        gn_buf_addf(names, " and %u more", count - NAMES_MAX);
    return count;
}

/* It stands still until its client has answered, or is a task (or part of one): nobody waits for
 * that at a connection, and it is bounded by tasks.timeout. */
static bool may_stay(const struct gn_call *call)
{
    while (call->parent)
        call = call->parent;
    return call->asking || call->task_id;
}

/* Those that wait for their clients keep it however long that takes: they are bounded by
 * ask.max_parked_age. */
static bool must_end(const struct gn_call *call, const struct gn_generation *g)
{
    struct gn_owner *runs;
    for (size_t i = 0; gn_call_owner_at(call, i, &runs); i++) {
        if (runs == &g->owner)
            return !may_stay(call);
    }
    return false;
}

/* Those that can be run again are, by the next generation. */
static bool is_evictable(const struct gn_call *call, const struct gn_generation *g)
{
    return call->is_parked && is_call_of(call, g) && gn_call_is_replayable(call);
}

/* Cancels those for which `concerned` is true. */
static void cancel_calls(const struct gn_generation *g,
                         bool (*concerned)(const struct gn_call *call,
                                           const struct gn_generation *g))
{
    /* Cancelling one may end others, so the list is walked anew each time. */
    for (bool found = true; found;) {
        found = false;
        GN_LIST_EACH(&g->env->calls, n) {
            struct gn_call *call = GN_CONTAINER(n, struct gn_call, node);
            if (call->cancelled || !concerned(call, g))
                continue;
            gn_call_cancel(call);
            found = true;
            break;
        }
    }
}

void gn_record_cancel_calls(const struct gn_generation *g)
{
    cancel_calls(g, is_call_of);
}

/* ---------------------------------------------------------------- unmapping */

static void resident_free(struct gn_resident *s)
{
    gn_list_remove(&s->node);
    gn_free(s->instance);
    gn_free(s->name);
    gn_free(s->version);
    gn_free(s->path);
    gn_free(s);
}

static void remember_resident(struct gn_plugins *p, const struct gn_record *r, const char *reason)
{
    const struct gn_generation *g = r->g;
    struct gn_resident *s = gn_calloc(1, sizeof(*s));
    s->instance = gn_strdup(g->instance);
    s->name = gn_strdup(g->name);
    s->version = gn_strdup(g->version);
    s->path = gn_strdup(r->path);
    s->number = g->number;
    s->reason = reason;
    gn_list_append(&p->residents, &s->node);
    if (++p->resident_count > RESIDENTS_MAX) {
        resident_free(GN_CONTAINER(p->residents.next, struct gn_resident, node));
        p->resident_count--;
    }
}

void gn_resident_free_all(struct gn_plugins *p)
{
    GN_LIST_EACH(&p->residents, n) {
        resident_free(GN_CONTAINER(n, struct gn_resident, node));
    }
    p->resident_count = 0;
}

static void record_free(struct gn_record *r)
{
    gn_timer_stop(&r->timer);
    gn_list_remove(&r->node);
    json_decref(r->settings);
    gn_free(r->path);
    gn_free(r->reason);
    gn_free(r);
}

/* Nobody uses it: `stop`, then its components and settings, then the code. */
static void unmap(struct gn_post *post)
{
    struct gn_record *r = GN_CONTAINER(post, struct gn_record, post);
    struct gn_plugins *p = r->plugins;
    struct gn_generation *g = r->g;
    struct gn_module *module = g->module;
    const char *reason = NULL;
    if (g->refs > 0)
        return; /* somebody came meanwhile: their going brings us here again */
    gn_timer_stop(&r->timer);
    gn_generation_stop(g);
    g->module = NULL;
    if (module && gn_module_close(module, &reason) && reason != gn_module_sanitizer_reason) {
        gn_log(p->env->log, GN_NOTICE, "plugins", "generation %u of %s stays loaded: %s", g->number,
               g->instance, reason);
        remember_resident(p, r, reason);
    } else if (r->reason) {
        gn_log(p->env->log, GN_NOTICE, "plugins", "generation %u of %s has ended after all",
               g->number, g->instance);
    }
    gn_generation_free(g);
    record_free(r);
    gn_plugins_check_closed(p);
}

static void on_unused(struct gn_generation *g)
{
    struct gn_record *r = gn_record_of(g);
    if (!r->post.posted)
        gn_loop_post(g->env->loop, &r->post, unmap);
}

/* Its manager is gone; the last call ends while the loop is being closed. */
static void orphan_unused(struct gn_generation *g)
{
    struct gn_module *module = g->module;
    const char *reason;
    if (gn_task_current())
        return; /* on the stack of another plugin's handler: not the place to unmap code */
    gn_generation_stop(g);
    g->module = NULL;
    if (module)
        gn_module_close(module, &reason);
    gn_generation_free(g);
}

/* ---------------------------------------------------------------- draining */

/* Those of its calls that may stay: they wait for their clients, or are tasks. */
static uint32_t count_staying(const struct gn_generation *g)
{
    uint32_t count = 0;
    GN_LIST_EACH(&g->env->calls, n) {
        const struct gn_call *call = GN_CONTAINER(n, struct gn_call, node);
        count += is_call_of(call, g) && may_stay(call);
    }
    return count;
}

static void still_running(struct gn_record *r)
{
    struct gn_buf names = GN_BUF_INIT(1024);
    uint64_t seconds = (gn_clock_ms() - r->retired_ms + 500) / 1000;
    uint32_t count = gn_record_calls(r->g, &names);
    gn_free(r->reason);
    bool may_stay_all = count && count_staying(r->g) == count;
    if (may_stay_all)
        r->reason = gn_format("%s waits for its client or is a task, %llu s after it was retired",
                              gn_buf_str(&names), (unsigned long long)seconds);
    else if (count)
        r->reason = gn_format("%s still running %llu s after it was retired", gn_buf_str(&names),
                              (unsigned long long)seconds);
    else
        r->reason = gn_format("still held by %u after %llu s", r->g->refs,
                              (unsigned long long)seconds);
    gn_buf_release(&names);
    gn_log(r->plugins->env->log, may_stay_all ? GN_NOTICE : GN_WARNING, "plugins",
           "generation %u of %s stays loaded: %s", r->g->number, r->g->instance, r->reason);
}

static void on_drain(struct gn_timer *timer)
{
    struct gn_record *r = GN_CONTAINER(timer, struct gn_record, timer);
    if (r->has_cancelled) {
        still_running(r);
        return;
    }
    r->has_cancelled = true;
    gn_timer_start(r->g->env->loop, &r->timer, r->plugins->config->plugin_drain_ms, on_drain);
    /* Calls of other plugins that it is only around go on: they end by their own deadline. May end
     * it: r is not touched after. */
    cancel_calls(r->g, must_end);
}

/* ---------------------------------------------------------------- public */

struct gn_record *gn_record_new(struct gn_instance *inst, struct gn_generation *g, json_t *settings)
{
    struct gn_record *r = gn_calloc(1, sizeof(*r));
    r->plugins = inst->plugins;
    r->instance = inst;
    r->g = g;
    r->path = gn_strdup(inst->file);
    r->settings = json_incref(settings);
    g->manager = inst->plugins;
    g->manager_data = r;
    g->on_unused = on_unused;
    gn_list_append(&inst->plugins->records, &r->node);
    return r;
}

void gn_record_retire(struct gn_generation *g)
{
    struct gn_record *r = gn_record_of(g);
    r->instance = NULL;
    r->retired_ms = gn_clock_ms();
    if (g->state != GN_GEN_STOPPED)
        g->state = GN_GEN_DRAINING;
    gn_generation_set_hold(g, NULL);
    gn_generation_end_schedules(g);
    gn_around_replace(g->env, &g->owner, NULL, 0);
    cancel_calls(g, is_evictable);
    gn_timer_start(g->env->loop, &r->timer, r->plugins->config->plugin_drain_ms, on_drain);
    gn_generation_unref(g);
}

void gn_record_orphan_all(struct gn_plugins *p)
{
    GN_LIST_EACH(&p->records, n) {
        struct gn_record *r = GN_CONTAINER(n, struct gn_record, node);
        struct gn_generation *g = r->g;
        if (r->post.posted)
            continue; /* about to be unmapped */
        struct gn_buf names = GN_BUF_INIT(1024);
        gn_record_calls(g, &names);
        gn_log(p->env->log, GN_WARNING, "plugins",
               "generation %u of %s is abandoned: %s still runs", g->number, g->instance,
               names.len ? gn_buf_str(&names) : "something");
        gn_buf_release(&names);
        g->manager = NULL;
        g->manager_data = NULL;
        g->publish = NULL;
        g->publish_all = NULL;
        g->on_unused = orphan_unused;
        record_free(r);
    }
}
