/* rig.c - what the tests of the call floor share. */
#include "rig.h"

#include "support.h"
#include "util/alloc.h"
#include "util/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define DEADLINE_MS 20000

static void owner_ref(struct gn_owner *o)
{
    GN_CONTAINER(o, struct rig, owner)->held++;
}

static void owner_unref(struct gn_owner *o)
{
    GN_CONTAINER(o, struct rig, owner)->held--;
}

static void write_log(struct gn_log *log, enum gn_level level, const char *component,
                      const struct gn_log_field *fields, size_t field_count, const char *text)
{
    struct rig *r = GN_CONTAINER(log, struct rig, log);
    size_t len = strlen(r->logged);
    (void)level, (void)component, (void)fields, (void)field_count;
    snprintf(r->logged + len, sizeof r->logged - len, "%s\n", text);
}

void rig_open(struct rig *r)
{
    memset(r, 0, sizeof *r);
    cr_assert_eq(uv_loop_init(&r->uv), 0);
    r->log = (struct gn_log){.level = GN_DEBUG, .write = write_log};
    r->loop = gn_loop_new(&r->uv, NULL, NULL);
    r->env.loop = r->loop;
    r->env.log = &r->log;
    gn_list_init(&r->env.calls);
    gn_list_init(&r->env.observers);
    r->owner = (struct gn_owner){
        .ref = owner_ref, .unref = owner_unref, .name = "test", .group = &r->group};
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

void rig_close(struct rig *r)
{
    bool closed = false;
    cr_assert_eq(r->env.alive, 0);
    cr_assert_eq(r->held, 0);
    gn_around_clear(&r->env);
    gn_loop_close(r->loop, 1000, note_closed, &closed);
    uv_run(&r->uv, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&r->uv), 0);
}

static void tick(uv_timer_t *t)
{
    (void)t;
}

void rig_until(struct rig *r, const int *counter, int want)
{
    uv_timer_t timer;
    uint64_t deadline = gn_clock_ms() + DEADLINE_MS;
    uv_timer_init(&r->uv, &timer);
    uv_timer_start(&timer, tick, 5, 5);
    while (__atomic_load_n(counter, __ATOMIC_RELAXED) < want) {
        cr_assert_lt(gn_clock_ms(), deadline, "waited too long");
        uv_run(&r->uv, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&r->uv, UV_RUN_NOWAIT);
}

struct gn_component *rig_tool(struct rig *r, const char *key, gantry_run_fn run, uint32_t flags)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    c->key = gn_strdup(key);
    c->name = gn_strdup(key);
    c->run = run;
    c->flags = flags;
    c->owner = &r->owner;
    return c;
}

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct rig_call *c = call->ops_data;
    struct gn_buf buf = GN_BUF_INIT(sizeof c->result - 1);
    struct gn_jw w;
    c->finished++;
    c->outcome = outcome;
    gn_jw_init(&w, &buf);
    gn_jw_object(&w, NULL);
    gn_result_write_tool(call, outcome, &w);
    gn_jw_end(&w);
    snprintf(c->result, sizeof c->result, "%s", gn_buf_str(&buf));
    gn_buf_release(&buf);
}

static const struct gn_call_ops ops = {.finished = on_finished};

void rig_start(struct rig *r, struct rig_call *c, struct gn_component *tool)
{
    rig_start_with(r, c, tool, NULL);
}

void rig_start_with(struct rig *r, struct rig_call *c, struct gn_component *tool,
                    const char *arguments)
{
    *c = (struct rig_call){.rig = r};
    c->call = gn_call_new(&r->env, &ops, c);
    c->call->revision = GN_REV_LATEST;
    c->call->method = "tools/call";
    c->call->component = tool;
    if (arguments) {
        c->call->arguments = gn_json_parse_arena(&c->call->arena, arguments, strlen(arguments),
                                                 NULL);
        cr_assert_not_null(c->call->arguments, "%s", arguments);
    }
    gn_call_start(c->call);
}

void rig_end(struct rig_call *c)
{
    gn_call_unref(c->call);
    c->call = NULL;
    uv_run(&c->rig->uv, UV_RUN_NOWAIT);
}

void rig_call(struct rig *r, struct rig_call *c, struct gn_component *tool)
{
    rig_call_with(r, c, tool, NULL);
}

void rig_call_with(struct rig *r, struct rig_call *c, struct gn_component *tool,
                   const char *arguments)
{
    rig_start_with(r, c, tool, arguments);
    rig_until(r, &c->finished, 1);
    rig_end(c);
}

int rig_say(gantry_call *call, const char *text)
{
    struct gn_content content = {.kind = GN_CONTENT_TEXT, .len = strlen(text)};
    content.text = gn_arena_strdup(&call->arena, text);
    return gn_call_add(call, &content);
}

int rig_say_json(gantry_call *call, const gantry_json *value)
{
    struct gn_buf text = GN_BUF_INIT(1u << 20);
    int rc = value ? gn_json_write(&text, value) : gn_buf_adds(&text, "none");
    cr_assert_eq(rc, 0);
    rc = rig_say(call, gn_buf_str(&text));
    gn_buf_release(&text);
    return rc;
}

static void unref(void *arg)
{
    gn_call_unref(arg);
}

enum gn_outcome rig_nested(gantry_call *call, struct gn_component *tool, char *ret, size_t size)
{
    struct gn_call *child;
    enum gn_outcome outcome;
    cr_assert_eq(gn_call_nested(call, tool, NULL, NULL, &child, &outcome), 0);
    const struct gn_content *first = child->result.first;
    snprintf(ret, size, "%s", first ? first->text : child->failure ? child->failure : "");
    gn_task_on_loop(call->task, unref, child);
    return outcome;
}
