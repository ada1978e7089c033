/* bench.c - see bench.h. */
#include "plugin/bench.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

/* What GANTRY_PLUGIN defines in a plugin: here the test is one. */
const gantry_host *gantry_host_ = &gn_host_table;

static void keep_line(struct gn_log *log, enum gn_level level, const char *component,
                      const struct gn_log_field *fields, size_t field_count, const char *text)
{
    struct bench *b = GN_CONTAINER(log, struct bench, log);
    (void)level;
    (void)fields;
    (void)field_count;
    uv_mutex_lock(&b->log_lock);
    gn_buf_addf(&b->lines, "%s: %s\n", component, text);
    uv_mutex_unlock(&b->log_lock);
}

/* What a manager does when a live instance changes itself. */
static int finish_edit(struct gn_edit *e, int rc, struct gn_error *err)
{
    if (!rc)
        rc = gn_edit_check(e, err);
    if (rc)
        gn_edit_abort(e);
    else
        gn_edit_commit(e);
    return rc;
}

static int publish_change(gantry_plugin *g, struct gn_component *c, bool add, struct gn_error *err)
{
    struct bench *b = g->manager_data;
    struct gn_edit *e = gn_edit_begin(b->registry);
    return finish_edit(e, add ? gn_edit_add(e, c, err) : gn_edit_remove(e, c), err);
}

static int publish_transforms(gantry_plugin *g, bool is_touched, struct gn_error *err)
{
    struct bench *b = g->manager_data;
    struct gn_edit *e = gn_edit_begin(b->registry);
    if (is_touched)
        gn_edit_touch(e);
    else
        gn_edit_transforms(e, &g->owner, g->transforms, g->transform_count);
    return finish_edit(e, GN_OK, err);
}

struct gn_generation *bench_instance(struct bench *b, const char *name)
{
    struct gn_generation *g = gn_generation_new(&b->env, name, 1);
    g->state = GN_GEN_LIVE;
    g->manager_data = b;
    g->publish = publish_change;
    g->publish_transforms = publish_transforms;
    return g;
}

void bench_drop(struct bench *b, struct gn_generation *g)
{
    struct gn_edit *e = gn_edit_begin(b->registry);
    gn_edit_remove_owner(e, &g->owner);
    gn_edit_transforms(e, &g->owner, NULL, 0);
    gn_edit_commit(e);
    cr_assert_eq(g->refs, 1, "somebody still holds the generation");
    gn_generation_free(g);
}

void bench_open(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->lines = GN_BUF_INIT(1 << 20);
    b->result = GN_BUF_INIT(64 << 20);
    uv_mutex_init(&b->log_lock);
    b->log.write = keep_line;
    cr_assert_eq(uv_loop_init(&b->uv), 0);
    b->loop = gn_loop_new(&b->uv, &(struct gn_loop_limits){.slow_ms = 60000}, &b->log);
    b->registry = gn_registry_new();
    b->env = (struct gn_call_env){.loop = b->loop, .log = &b->log, .registry = b->registry};
    gn_list_init(&b->env.calls);
    b->g = bench_instance(b, "inst");
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

void bench_close(struct bench *b)
{
    bool closed = false;
    bench_drop(b, b->g);
    cr_assert_eq(b->env.alive, 0, "a call was not freed");
    gn_registry_free(b->registry);
    gn_loop_close(b->loop, 60000, on_closed, &closed);
    uv_run(&b->uv, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&b->uv), 0);
    gn_buf_release(&b->lines);
    gn_buf_release(&b->result);
    uv_mutex_destroy(&b->log_lock);
}

void bench_publish(struct bench *b, struct gn_generation *g)
{
    struct gn_edit *e = gn_edit_begin(b->registry);
    gn_edit_remove_owner(e, &g->owner);
    for (size_t i = 0; i < g->component_count; i++)
        cr_assert_eq(gn_edit_add(e, g->components[i], &b->err), 0, "%s", b->err.text);
    gn_edit_commit(e);
}

void bench_tool(struct bench *b, const char *name, gantry_run_fn fn, uint32_t flags)
{
    gantry_tool t = {
        .size = sizeof t, .arg_size = sizeof(gantry_arg), .name = name, .run = fn, .flags = flags};
    cr_assert_eq(gantry_add_tool(b->g, &t), GANTRY_OK, "%s", gn_buf_str(&b->lines));
}

void bench_resource(struct bench *b, const char *uri, gantry_run_fn fn)
{
    gantry_resource r = {
        .size = sizeof r, .uri = uri, .name = "r", .read = fn, .mime_type = "text/plain"};
    cr_assert_eq(gantry_add_resource(b->g, &r), GANTRY_OK, "%s", gn_buf_str(&b->lines));
}

void bench_prompt(struct bench *b, const char *name, gantry_run_fn fn, gantry_complete_fn complete)
{
    gantry_prompt p = {.size = sizeof p,
                       .arg_size = sizeof(gantry_arg),
                       .name = name,
                       .render = fn,
                       .complete = complete};
    cr_assert_eq(gantry_add_prompt(b->g, &p), GANTRY_OK, "%s", gn_buf_str(&b->lines));
}

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct bench *b = call->ops_data;
    struct gn_jw w;
    b->finished = true;
    b->outcome = outcome;
    gn_buf_clear(&b->result);
    gn_jw_init(&w, &b->result);
    gn_jw_object(&w, NULL);
    if (call->is_completion)
        gn_result_write_completion(call, &w);
    else if (call->component && call->component->kind == GN_PROMPT)
        gn_result_write_prompt(call, &w);
    else if (call->component && call->component->kind != GN_TOOL)
        gn_result_write_resource(call, &w);
    else
        gn_result_write_tool(call, outcome, &w);
    gn_jw_end(&w);
}

static const char *find_header(struct gn_call *call, const char *name)
{
    (void)call;
    return gn_strcaseeq(name, "X-Color") ? "green" : NULL;
}

static const struct gn_call_ops ops = {.finished = on_finished, .header = find_header};

struct gn_call *bench_call(struct bench *b, enum gn_kind kind, const char *key,
                           const char *arguments)
{
    struct gn_call *call = gn_call_new(&b->env, &ops, b);
    call->revision = GN_REV_LATEST;
    call->method = "test";
    if (arguments) {
        call->arguments = gn_json_parse_arena(&call->arena, arguments, strlen(arguments), &b->err);
        cr_assert_not_null(call->arguments, "%s", b->err.text);
    }
    if (kind == GN_RESOURCE) {
        call->uri = gn_arena_strdup(&call->arena, key);
        call->component = gn_snapshot_resolve(gn_registry_current(b->registry), key, &call->arena,
                                              &call->arguments);
    } else {
        call->component = gn_snapshot_find(gn_registry_current(b->registry), kind, key);
    }
    cr_assert_not_null(call->component, "nothing called %s", key);
    return call;
}

void bench_wait(struct bench *b, struct gn_call *call)
{
    while (call->running || !b->finished)
        uv_run(&b->uv, UV_RUN_ONCE);
}

void bench_run(struct bench *b, struct gn_call *call)
{
    b->finished = false;
    gn_call_start(call);
    bench_wait(b, call);
    gn_call_unref(call);
}

const char *bench_do(struct bench *b, enum gn_kind kind, const char *key, const char *arguments)
{
    bench_run(b, bench_call(b, kind, key, arguments));
    return gn_buf_str(&b->result);
}

const char *bench_body(struct bench *b, gantry_run_fn fn)
{
    gantry_remove_tool(b->g, "t");
    bench_tool(b, "t", fn, 0);
    return bench_do(b, GN_TOOL, "t", NULL);
}
