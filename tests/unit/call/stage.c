/* stage.c - see stage.h. */
#include "stage.h"

#include "support.h"
#include "util/clock.h"

#include <criterion/criterion.h>

static void owner_ref(struct gn_owner *o)
{
    GN_CONTAINER(o, struct stage_owner, owner)->refs++;
}

static void owner_unref(struct gn_owner *o)
{
    GN_CONTAINER(o, struct stage_owner, owner)->refs--;
}

static void owner_init(struct stage_owner *o, const char *name)
{
    *o = (struct stage_owner){.refs = 0};
    o->owner = (struct gn_owner){
        .ref = owner_ref, .unref = owner_unref, .name = name, .group = &o->group};
}

static void note(struct gn_log *log, enum gn_level level, const char *component,
                 const struct gn_log_field *fields, size_t field_count, const char *text)
{
    struct stage *s = GN_CONTAINER(log, struct stage, log);
    (void)fields;
    (void)field_count;
    if (gn_loop_is_current(s->loop))
        gn_buf_addf(&s->said, "%s %s %s\n", gn_level_names[level], component, text);
}

void stage_open(struct stage *s)
{
    uv_loop_init(&s->uv);
    s->log = (struct gn_log){.level = GN_DEBUG, .write = note};
    s->said = GN_BUF_INIT(1u << 20);
    s->loop = gn_loop_new(&s->uv, NULL, &s->log);
    s->env = (struct gn_call_env){.loop = s->loop, .log = &s->log};
    gn_list_init(&s->env.calls);
    gn_list_init(&s->env.observers);
    owner_init(&s->a, "a");
    owner_init(&s->b, "b");
    s->ended = 0;
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

void stage_close(struct stage *s)
{
    bool closed = false;
    cr_assert_eq(s->env.alive, 0);
    cr_assert_eq(s->env.background, 0);
    cr_assert_eq(s->a.refs, 0);
    cr_assert_eq(s->b.refs, 0);
    gn_loop_close(s->loop, 1000, note_closed, &closed);
    uv_run(&s->uv, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&s->uv), 0);
    gn_buf_release(&s->said);
}

static void tick(uv_timer_t *t)
{
    (void)t;
}

static void turn_until(struct stage *s, bool (*is_so)(const void *arg), const void *arg)
{
    uv_timer_t timer;
    uint64_t deadline = gn_clock_ms() + STAGE_DEADLINE_MS;
    uv_timer_init(&s->uv, &timer);
    uv_timer_start(&timer, tick, 5, 5);
    while (!is_so(arg)) {
        cr_assert_lt(gn_clock_ms(), deadline, "waited too long");
        uv_run(&s->uv, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&s->uv, UV_RUN_NOWAIT);
}

struct reach {
    const int *counter;
    int want;
};

static bool is_reached(const void *arg)
{
    const struct reach *reach = arg;
    return __atomic_load_n(reach->counter, __ATOMIC_ACQUIRE) >= reach->want;
}

void stage_until(struct stage *s, const int *counter, int want)
{
    struct reach reach = {counter, want};
    turn_until(s, is_reached, &reach);
}

static bool is_still(const void *arg)
{
    return ((const struct stage *)arg)->env.alive == 0;
}

void stage_settle(struct stage *s)
{
    turn_until(s, is_still, s);
}

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct stage *s = call->ops_data;
    (void)outcome;
    s->ended++;
}

static const struct gn_call_ops ops = {.finished = on_finished};

struct gn_call *stage_start(struct stage *s, struct stage_owner *owner, bool blocks,
                            int (*fn)(struct gn_call *call, void *arg), void *arg)
{
    struct gn_call *call = gn_call_new(&s->env, &ops, s);
    call->revision = GN_REV_LATEST;
    call->run_blocks = blocks;
    gn_call_start_function(call, &owner->owner, "test", fn, arg);
    return call;
}
