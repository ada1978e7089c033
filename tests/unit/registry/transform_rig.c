/* transform_rig.c - what the tests of tools that the host makes share. */
#include "transform_rig.h"

#include "support.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/meta.h"

#include <stdio.h>
#include <string.h>

const gantry_arg rig_forecast_args[] = {
    GANTRY_ARG(struct rig_forecast, city, "Name of the town"),
    GANTRY_ARG(struct rig_forecast, days, "How far ahead", .default_json = "1"),
    GANTRY_ARGS_END,
};

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
    (void)log, (void)level, (void)component, (void)fields, (void)field_count, (void)text;
}

static void note_problem(void *arg, enum gn_level level, const char *text)
{
    struct rig *r = arg;
    size_t len = strlen(r->problems);
    (void)level;
    snprintf(r->problems + len, sizeof r->problems - len, "%s\n", text);
}

void rig_open(struct rig *r)
{
    memset(r, 0, sizeof *r);
    cr_assert_eq(uv_loop_init(&r->uv), 0);
    r->log = (struct gn_log){.level = GN_DEBUG, .write = write_log};
    r->loop = gn_loop_new(&r->uv, NULL, NULL);
    r->registry = gn_registry_new();
    gn_registry_on_problem(r->registry, note_problem, r);
    r->env.loop = r->loop;
    r->env.log = &r->log;
    r->env.registry = r->registry;
    gn_list_init(&r->env.calls);
    gn_list_init(&r->env.observers);
    r->owner = (struct gn_owner){
        .ref = owner_ref, .unref = owner_unref, .name = "weather", .group = &r->group};
    r->revision = GN_REV_LATEST;
    gn_buf_init(&r->result, 64u << 20);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

void rig_close(struct rig *r)
{
    bool closed = false;
    for (size_t i = 0; i < r->count; i++)
        gn_component_unref(r->components[i]);
    for (size_t i = 0; i < r->transform_count; i++)
        gn_transform_unref(r->transforms[i]);
    gn_registry_free(r->registry);
    gn_buf_release(&r->result);
    /* A handler that was cancelled unwinds behind its answer. */
    for (uint64_t deadline = gn_clock_ms() + DEADLINE_MS; r->env.alive;) {
        cr_assert_lt(gn_clock_ms(), deadline, "calls are left");
        uv_run(&r->uv, UV_RUN_NOWAIT);
    }
    cr_assert_eq(r->held, 0);
    gn_loop_close(r->loop, 1000, note_closed, &closed);
    uv_run(&r->uv, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&r->uv), 0);
}

/* ---------------------------------------------------------------- components */

struct gn_component *rig_add_with(struct rig *r, enum gn_kind kind, const char *key,
                                  gantry_run_fn run, const gantry_arg *args, uint32_t size)
{
    struct gn_component *c = gn_component_new(kind);
    struct gn_error err = {0};
    cr_assert_lt(r->count, GN_COUNT(r->components));
    c->key = gn_strdup(key);
    c->name = gn_strdup(key);
    c->run = run;
    c->owner = &r->owner;
    if (kind != GN_RESOURCE)
        cr_assert_eq(gn_fields_import(args, sizeof *args, size, &c->input, &err), 0, "%s",
                     err.text);
    if (kind == GN_TEMPLATE) {
        cr_assert_eq(gn_uri_template_parse(key, true, &c->uri_template, &err), 0, "%s", err.text);
        c->free_template = gn_uri_template_free;
    }
    if (kind == GN_TOOL && args) {
        struct gn_buf text = GN_BUF_INIT(1 << 20);
        cr_assert_eq(gn_json_write(&text, gn_schema_root(c->input->schema)), 0);
        c->input_text = gn_buf_take(&text, NULL);
    }
    r->components[r->count++] = c;
    return c;
}

struct gn_component *rig_add(struct rig *r, enum gn_kind kind, const char *key, gantry_run_fn run)
{
    return rig_add_with(r, kind, key, run, NULL, 0);
}

struct gn_transform *rig_transform(struct rig *r, enum gn_transform_type type)
{
    cr_assert_lt(r->transform_count, GN_COUNT(r->transforms));
    struct gn_transform *t = gn_transform_new(type, gn_transform_type_name(type));
    r->transforms[r->transform_count++] = t;
    return t;
}

char **rig_names(const char *words)
{
    char **v = gn_calloc(strlen(words) + 2, sizeof *v);
    size_t n = 0;
    for (const char *p = words; *p; p += *p == ' ') {
        size_t len = strcspn(p, " ");
        v[n++] = gn_strndup(p, len);
        p += len;
    }
    return v;
}

void rig_publish(struct rig *r)
{
    struct gn_edit *e = gn_edit_begin(r->registry);
    struct gn_error err = {0};
    r->problems[0] = '\0';
    gn_edit_remove_owner(e, &r->owner);
    for (size_t i = 0; i < r->count; i++)
        cr_assert_eq(gn_edit_add(e, r->components[i], &err), 0, "%s", err.text);
    gn_edit_transforms(e, NULL, r->transforms, r->transform_count);
    gn_edit_commit(e);
}

struct gn_snapshot *rig_view(struct rig *r)
{
    return gn_registry_view(r->registry, &(struct gn_viewer){0});
}

const char *rig_listed(struct rig *r, enum gn_kind kind)
{
    const struct gn_snapshot_kind *k = &rig_view(r)->kinds[kind];
    gn_buf_clear(&r->result);
    for (size_t i = 0; i < k->count; i++)
        gn_buf_addf(&r->result, "%s%s", i ? " " : "", k->v[i]->key);
    return gn_buf_str(&r->result);
}

/* ---------------------------------------------------------------- calls */

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct rig *r = call->ops_data;
    struct gn_jw w;
    r->finished++;
    r->outcome = outcome;
    gn_buf_clear(&r->result);
    gn_jw_init(&w, &r->result);
    gn_jw_object(&w, NULL);
    gn_result_write(call, outcome, &w);
    gn_jw_end(&w);
}

static int become_task(struct gn_call *call, const gantry_task_options *options)
{
    struct rig *r = call->ops_data;
    (void)options;
    r->tasks++;
    call->task_id = "a task";
    return GANTRY_OK;
}

static const struct gn_call_ops ops = {.finished = on_finished, .become_task = become_task};

static void tick(uv_timer_t *t)
{
    (void)t;
}

static void wait_for_end(struct rig *r)
{
    uv_timer_t timer;
    uint64_t deadline = gn_clock_ms() + DEADLINE_MS;
    uv_timer_init(&r->uv, &timer);
    uv_timer_start(&timer, tick, 5, 5);
    while (!r->finished) {
        cr_assert_lt(gn_clock_ms(), deadline, "waited too long");
        uv_run(&r->uv, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&r->uv, UV_RUN_NOWAIT);
}

const char *rig_call(struct rig *r, const char *name, const char *arguments)
{
    static const char tasks[] = "{\"" GN_EXTENSION_TASKS "\":{}}";
    struct gn_component *c = gn_snapshot_find(rig_view(r), GN_TOOL, name);
    struct gn_error err = {0};
    cr_assert_not_null(c, "there is no %s", name);
    struct gn_call *call = gn_call_new(&r->env, &ops, r);
    call->revision = r->revision;
    call->method = "tools/call";
    call->capabilities = r->capabilities;
    call->component = c;
    if (r->knows_tasks)
        call->extensions = gn_json_parse_arena(&call->arena, tasks, strlen(tasks), NULL);
    if (arguments) {
        call->arguments = gn_json_parse_arena(&call->arena, arguments, strlen(arguments), &err);
        cr_assert_not_null(call->arguments, "%s: %s", arguments, err.text);
    }
    r->finished = 0;
    gn_call_start(call);
    wait_for_end(r);
    cr_assert_eq(r->finished, 1);
    gn_call_unref(call);
    uv_run(&r->uv, UV_RUN_NOWAIT);
    return gn_buf_str(&r->result);
}

const char *rig_text(struct rig *r)
{
    static char text[65536];
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse_copy(&doc, r->result.data, r->result.len, NULL, NULL), 0);
    const gantry_json *first = gn_json_at(gn_json_get(gn_json_root(&doc), "content"), 0);
    const char *s = gn_json_cstr(gn_json_get(first, "text"));
    snprintf(text, sizeof text, "%s", s ? s : "(no text)");
    gn_json_release(&doc);
    return text;
}

bool rig_is_error(struct rig *r)
{
    return strstr(gn_buf_str(&r->result), "\"isError\":true") != NULL;
}

/* ---------------------------------------------------------------- handlers */

int rig_say(gantry_call *call, const char *text)
{
    struct gn_content content = {.kind = GN_CONTENT_TEXT, .len = strlen(text)};
    content.text = gn_arena_strdup(&call->arena, text);
    return gn_call_add(call, &content);
}

int rig_hello(gantry_call *call, const void *in)
{
    (void)in;
    return rig_say(call, "hello");
}

int rig_echo(gantry_call *call, const void *in)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    (void)in;
    if (call->arguments)
        gn_json_write(&text, call->arguments);
    int rc = rig_say(call, text.len ? gn_buf_str(&text) : "nothing");
    gn_buf_release(&text);
    return rc;
}
