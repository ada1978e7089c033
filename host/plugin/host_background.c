/* host_background.c - background work and schedules of plugins.
 *
 * Both begin only once their generation serves: what `start` asks for waits in the generation
 * (spawned, schedules) until gn_generation_go_live, or goes with it. When the generation retires
 * no schedule runs any more; their memory stays until `stop` has run, which may name them.
 */
#include "plugin/host_internal.h"

#include "call/background.h"
#include "plugin/host_errors.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <string.h>

#define SCHEDULES_MAX 64
#define NAME_MAX_BYTES 128
#define NO_ROOM_MS 1000 /* a run that finds no room is tried again after it */
#define HELD_MS 20      /* the same, while the instance's calls wait for a handover */

#define SCHEDULE_MAGIC 0x5c4ed01eu
struct gantry_schedule {
    uint32_t magic;
    struct gn_list node; /* in g->schedules, until it is stopped or over */
    gantry_plugin *g;
    struct gn_background_work work;
    struct gn_timer timer;
    uint64_t due_ms;   /* of the first run */
    uint32_t every_ms; /* 0: once */
    bool runs, is_over, has_told;
};

/* ---------------------------------------------------------------- what a plugin hands in */

/* NULL: it is sound. */
static const char *problem_of(const gantry_background *work)
{
    if (!work || work->size < sizeof(gantry_background))
        return "there is no description of the work (GANTRY_BACKGROUND)";
    size_t len = work->name ? strnlen(work->name, NAME_MAX_BYTES + 1) : 0;
    if (len == 0 || len > NAME_MAX_BYTES || !gn_utf8_valid(work->name, len))
        return "its name is not a text of 1 to 128 bytes";
    if (!work->run)
        return "its function is NULL";
    if (work->flags & ~(uint32_t)GANTRY_BLOCKING)
        return "it has flags that this host does not know";
    return NULL;
}

static struct gn_background_work work_of(const gantry_background *from)
{
    return (struct gn_background_work){
        .name = from->name,
        .blocks = from->flags & GANTRY_BLOCKING,
        .timeout_ms = from->timeout_ms,
        .run = from->run,
        .arg = from->arg,
        .free_arg = from->free_arg,
    };
}

/* ---------------------------------------------------------------- spawning */

struct spawn {
    gantry_call *call;
    gantry_plugin *g;
    const gantry_background *work;
    int rc;
};

/* Work that was told to end, or whose generation was, must not live on as its own child. */
static bool may_go_on(const gantry_call *call, const gantry_plugin *g)
{
    bool ends = g->state == GN_GEN_DRAINING, cancelled = false;
    for (; call; call = call->parent) {
        ends = ends || gn_call_is_background(call);
        cancelled = cancelled || call->cancelled;
    }
    return !ends || !cancelled;
}

static void spawn_on_loop(void *arg)
{
    struct spawn *s = arg;
    struct gn_background_work work = work_of(s->work);
    struct gn_background *b = NULL;
    if (!may_go_on(s->call, s->g)) {
        s->rc = GN_ECANCELED;
        return;
    }
    s->rc = gn_background_new(s->call->env, s->call, &s->g->owner, &work, &b);
    if (s->rc)
        return;
    if (s->g->state == GN_GEN_STAGED)
        gn_list_append(&s->g->spawned, &b->node);
    else
        gn_background_start(b);
}

int gn_host_spawn(gantry_call *call, const gantry_background *work)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    const char *problem = problem_of(work);
    if (problem || !call->self)
        return gn_host_misuse(call, "gantry_spawn: %s", problem ? problem : "no plugin asks");
    struct spawn s = {.call = call, .g = call->self->plugin, .work = work};
    gn_host_on_loop(call, spawn_on_loop, &s);
    if (s.rc)
        gn_log(call->env->log, GN_WARNING, gn_call_label(call), "gantry_spawn %s: refused: %s",
               work->name,
               s.rc == GN_EBUSY       ? "limits.max_background run, or the host is stopping"
               : s.rc == GN_ECANCELED ? "what asks for it was cancelled"
                                      : "its scope is too large");
    return gn_host_code(s.rc);
}

/* ---------------------------------------------------------------- schedules */

static void schedule_free(gantry_schedule *s)
{
    gn_timer_stop(&s->timer);
    gn_list_remove(&s->node);
    if (s->work.free_arg)
        s->work.free_arg(s->work.arg);
    gn_free((char *)(uintptr_t)s->work.name);
    s->magic = 0;
    gn_free(s);
}

/* It will not run again; while it runs it stays. */
static void schedule_end(gantry_schedule *s)
{
    if (!s->is_over)
        s->g->schedule_count--;
    s->is_over = true;
    gn_timer_stop(&s->timer);
    if (!s->runs)
        schedule_free(s);
}

static void on_due(struct gn_timer *timer);

static void arm(gantry_schedule *s, uint64_t ms)
{
    if (!s->g->schedules_ended && !s->g->env->no_schedules)
        gn_timer_start(s->g->env->loop, &s->timer, ms, on_due);
}

static int run_schedule(gantry_call *call, void *arg)
{
    gantry_schedule *s = arg;
    return s->work.run(call, s->work.arg);
}

static void run_over(void *arg)
{
    gantry_schedule *s = arg;
    s->runs = false;
    if (s->is_over)
        schedule_free(s);
    else if (!s->every_ms)
        schedule_end(s);
    else
        arm(s, s->every_ms);
}

static void on_due(struct gn_timer *timer)
{
    gantry_schedule *s = GN_CONTAINER(timer, gantry_schedule, timer);
    gantry_plugin *g = s->g;
    struct gn_background *b = NULL;
    struct gn_background_work work = s->work;
    GN_CHECK(s, SCHEDULE_MAGIC);
    if (g->env->no_schedules) /* armed before the host began to stop; it goes with the generation */
        return;
    if (g->owner.hold) { /* what begins now would only be waited for */
        arm(s, HELD_MS);
        return;
    }
    work.run = run_schedule;
    work.arg = s;
    work.free_arg = run_over;
    if (gn_background_new(g->env, NULL, &g->owner, &work, &b) != GN_OK) {
        if (!s->has_told)
            gn_log(g->env->log, GN_WARNING, "background", "%s/%s waits: too much background work",
                   g->instance, s->work.name);
        s->has_told = true;
        arm(s, NO_ROOM_MS);
        return;
    }
    s->has_told = false;
    s->runs = true;
    gn_background_start(b);
}

static void *refuse(const gantry_plugin *g, const char *why)
{
    gn_log(g->env->log, GN_WARNING, g->instance, "gantry_after, gantry_every: %s", why);
    return NULL;
}

gantry_schedule *gn_host_schedule(gantry_plugin *g, const gantry_background *work,
                                  uint32_t after_ms, uint32_t every_ms)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    if (!gn_loop_is_current(g->env->loop))
        return refuse(g, "not on a worker thread");
    const char *problem = problem_of(work);
    if (problem)
        return refuse(g, problem);
    if (g->schedules_ended || g->env->no_schedules)
        return refuse(g, "the instance has ended, or the host is stopping");
    if (g->schedule_count >= SCHEDULES_MAX)
        return refuse(g, "more than 64 schedules");
    gantry_schedule *s = gn_calloc(1, sizeof *s);
    s->magic = SCHEDULE_MAGIC;
    s->g = g;
    s->work = work_of(work);
    s->work.name = gn_strdup(work->name);
    s->every_ms = every_ms;
    s->due_ms = gn_clock_ms() + after_ms;
    gn_list_append(&g->schedules, &s->node);
    g->schedule_count++;
    if (g->state == GN_GEN_LIVE)
        arm(s, after_ms);
    return s;
}

void gn_host_schedule_stop(gantry_schedule *s)
{
    if (!s)
        return;
    GN_CHECK(s, SCHEDULE_MAGIC);
    if (!gn_loop_is_current(s->g->env->loop))
        refuse(s->g, "gantry_schedule_stop: not on a worker thread");
    else if (s->g->schedules_ended)
        gn_timer_stop(&s->timer); /* it goes with the generation */
    else
        schedule_end(s);
}

/* ---------------------------------------------------------------- with the generation */

void gn_generation_go_live(gantry_plugin *g)
{
    uint64_t now = gn_clock_ms();
    while (!gn_list_empty(&g->spawned))
        gn_background_start(GN_CONTAINER(g->spawned.next, struct gn_background, node));
    GN_LIST_EACH(&g->schedules, n) {
        gantry_schedule *s = GN_CONTAINER(n, gantry_schedule, node);
        arm(s, s->due_ms > now ? s->due_ms - now : 0);
    }
}

void gn_generation_end_schedules(gantry_plugin *g)
{
    g->schedules_ended = true;
    GN_LIST_EACH(&g->schedules, n) {
        gn_timer_stop(&GN_CONTAINER(n, gantry_schedule, node)->timer);
    }
    while (!gn_list_empty(&g->spawned))
        gn_background_cancel(GN_CONTAINER(g->spawned.next, struct gn_background, node));
}

void gn_generation_free_schedules(gantry_plugin *g)
{
    struct gn_list *n;
    while ((n = gn_list_pop(&g->schedules))) {
        gantry_schedule *s = GN_CONTAINER(n, gantry_schedule, node);
        s->is_over = true;
        if (!s->runs)
            schedule_free(s);
    }
}
