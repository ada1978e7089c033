/* timer.c - the timers of a client: a list in the order of time, under one uv timer. */
#include "internal.h"

#include "util/clock.h"

static void on_clock(uv_timer_t *uv);

static struct gn_client_timer *first(const gantry_client *c)
{
    return gn_list_empty(&c->timers) ? NULL
                                     : GN_CONTAINER(c->timers.next, struct gn_client_timer, node);
}

static void set_clock(gantry_client *c)
{
    struct gn_client_timer *t = first(c);
    uint64_t now = gn_clock_ms();
    if (!t || uv_is_closing((uv_handle_t *)&c->clock)) {
        uv_timer_stop(&c->clock);
        return;
    }
    uv_update_time(c->uv);
    uv_timer_start(&c->clock, on_clock, t->at_ms > now ? t->at_ms - now : 0, 0);
}

static void on_clock(uv_timer_t *uv)
{
    gantry_client *c = uv->data;
    uint64_t now = gn_clock_ms();
    struct gn_list due;
    gn_list_init(&due);
    for (struct gn_client_timer *t; (t = first(c)) && t->at_ms <= now;) {
        gn_list_remove(&t->node);
        gn_list_append(&due, &t->node); /* what they start is not for this turn */
    }
    for (struct gn_list *n; !gn_list_empty(&due);) {
        n = gn_list_pop(&due);
        struct gn_client_timer *t = GN_CONTAINER(n, struct gn_client_timer, node);
        t->fire(t);
    }
    set_clock(c);
}

void gn_client_timer_start(gantry_client *c, struct gn_client_timer *t, uint64_t delay_ms,
                           void (*fire)(struct gn_client_timer *timer))
{
    gn_client_timer_stop(t);
    t->client = c;
    t->at_ms = gn_clock_ms() + delay_ms;
    t->fire = fire;
    struct gn_list *before = c->timers.prev; /* the last that is not later */
    while (before != &c->timers &&
           GN_CONTAINER(before, struct gn_client_timer, node)->at_ms > t->at_ms)
        before = before->prev;
    gn_list_prepend(before, &t->node);
    if (first(c) == t)
        set_clock(c);
}

void gn_client_timer_stop(struct gn_client_timer *t)
{
    if (!t->node.next)
        gn_list_init(&t->node);
    gn_list_remove(&t->node); /* the clock may come once for nothing */
}
