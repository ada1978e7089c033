/* life.c - the protocol object: made, configured, drained, freed. */
#include "protocol/internal.h"
#include "protocol/park.h"
#include "protocol/tasks.h"
#include "util/alloc.h"
#include "util/str.h"

struct gn_protocol *gn_protocol_new(struct gn_call_env *env, struct gn_registry *registry,
                                    const struct gn_config *config)
{
    struct gn_protocol *p = gn_calloc(1, sizeof *p);
    p->env = env;
    p->registry = registry;
    p->config = config;
    env->handler_ended = gn_handler_ended;
    env->handler_arg = p;
    env->is_watched = gn_protocol_is_watched;
    env->next_watched = gn_protocol_next_watched;
    env->resource_changed = gn_protocol_resource_changed;
    env->watch_arg = p;
    gn_watching_init(&p->watching);
    gn_url_table_init(&p->urls);
    env->elicitations = &p->urls.base;
    gn_list_init(&p->requests);
    gn_list_init(&p->queue);
    gn_list_init(&p->sessions);
    gn_list_init(&p->connections);
    gn_list_init(&p->begun);
    gn_event_pool_init(&p->events);
    gn_map_init(&p->sessions_by_id);
    gn_map_init(&p->seen);
    p->tasks = gn_tasks_new(p);
    p->parking = gn_parking_new(config);
    return p;
}

void gn_protocol_free(struct gn_protocol *p)
{
    if (!p)
        return;
    gn_timer_stop(&p->sweep);
    gn_timer_stop(&p->changed);
    gn_timer_stop(&p->telling);
    gn_protocol_forget_seen(p);
    gn_timer_stop(&p->drain);
    gn_timer_stop(&p->stalled);
    gn_timer_stop(&p->close);
    p->env->handler_ended = NULL;
    p->env->is_watched = NULL;
    p->env->next_watched = NULL;
    p->env->resource_changed = NULL;
    p->env->elicitations = NULL;
    while (!gn_list_empty(&p->sessions))
        gn_session_remove(GN_CONTAINER(p->sessions.next, struct gn_session, lru));
    gn_assert(gn_list_empty(&p->requests) && gn_list_empty(&p->queue));
    gn_tasks_free(p->tasks);
    gn_watching_release(&p->watching);
    gn_url_table_release(&p->urls);
    gn_map_release(&p->sessions_by_id, NULL);
    gn_parking_free(p->parking);
    gn_count_release(p);
    p->is_released = true;
    gn_protocol_free_released(p);
}

void gn_protocol_free_released(struct gn_protocol *p)
{
    if (p->is_released && !p->pump.posted && !p->drained.posted)
        gn_free(p);
}

/* Whether a list of tools may show another form of the same schemas. */
static bool shows_otherwise(const struct gn_config *a, const struct gn_config *b)
{
    static char *none[] = {NULL};
    char **x = a->inline_for ? a->inline_for : none, **y = b->inline_for ? b->inline_for : none;
    while (*x && *y && gn_streq(*x, *y)) {
        x++;
        y++;
    }
    return a->inline_references != b->inline_references || *x || *y;
}

void gn_protocol_configure(struct gn_protocol *p, const struct gn_config *config)
{
    if (shows_otherwise(p->config, config))
        gn_protocol_changed(p, 1u << GN_TOOL);
    p->config = config;
    gn_parking_configure(p->parking, config);
    gn_protocol_wait_for_close(p);
}

int gn_protocol_open(struct gn_protocol *p, struct gn_error *err)
{
    return p->config->tasks_dir ? gn_tasks_open(p->tasks, p->config->tasks_dir, err) : 0;
}

uint32_t gn_protocol_in_flight(const struct gn_protocol *p)
{
    return p->in_flight - p->subscriptions;
}

static void report_drained(struct gn_post *post)
{
    struct gn_protocol *p = GN_CONTAINER(post, struct gn_protocol, drained);
    void (*on_drained)(void *arg) = p->on_drained;
    if (p->is_released) {
        gn_protocol_free_released(p);
        return;
    }
    p->on_drained = NULL; /* what is refused from now on does not report it again */
    on_drained(p->drained_arg);
}

static bool is_over(const struct gn_protocol *p)
{
    return gn_protocol_in_flight(p) == 0 && gn_tasks_are_over(p->tasks);
}

static void report(struct gn_protocol *p)
{
    gn_tasks_freeze(p->tasks);
    gn_loop_post(p->env->loop, &p->drained, report_drained);
}

static void drain_over(struct gn_timer *timer)
{
    struct gn_protocol *p = GN_CONTAINER(timer, struct gn_protocol, drain);
    if (gn_protocol_in_flight(p) > 0)
        gn_log(p->env->log, GN_WARNING, "protocol", "%u requests did not end in time: cancelled",
               gn_protocol_in_flight(p));
    /* Cancelling answers, and answering removes from the list. */
    while (!gn_list_empty(&p->queue))
        gn_reply_busy(GN_CONTAINER(p->queue.next, struct gn_request, node));
    GN_LIST_EACH(&p->requests, n) {
        struct gn_request *r = GN_CONTAINER(n, struct gn_request, node);
        if (r->call)
            gn_call_cancel(r->call);
    }
    gn_tasks_drain(p->tasks, false);
}

void gn_protocol_drain(struct gn_protocol *p, uint32_t drain_ms, void (*on_drained)(void *arg),
                       void *arg)
{
    p->draining = true;
    gn_parking_clear(p->parking);
    GN_LIST_EACH(&p->requests, n) {
        struct gn_request *r = GN_CONTAINER(n, struct gn_request, node);
        if (r->is_subscription)
            gn_subscription_end(r);
    }
    GN_LIST_EACH(&p->sessions, n) {
        gn_session_end_listeners(GN_CONTAINER(n, struct gn_session, lru));
    }
    /* Not before: what has just ended must not report it, too. */
    p->on_drained = on_drained;
    p->drained_arg = arg;
    gn_tasks_drain(p->tasks, true); /* nobody can answer them any more */
    if (!p->drained.posted) {
        if (is_over(p))
            report(p);
        else
            gn_timer_start(p->env->loop, &p->drain, drain_ms, drain_over);
    }
}

void gn_protocol_check_drained(struct gn_protocol *p)
{
    if (!p->draining || !p->on_drained || p->drained.posted || !is_over(p))
        return;
    gn_timer_stop(&p->drain);
    report(p);
}
