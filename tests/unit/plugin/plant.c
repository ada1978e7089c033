/* plant.c - see plant.h. */
#include "plugin/plant.h"

#include "util/alloc.h"
#include "util/str.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void keep_line(struct gn_log *log, enum gn_level level, const char *component,
                      const struct gn_log_field *fields, size_t field_count, const char *text)
{
    struct plant *p = GN_CONTAINER(log, struct plant, log);
    (void)fields;
    (void)field_count;
    uv_mutex_lock(&p->log_lock);
    gn_buf_addf(&p->lines, "%s %s: %s\n", gn_level_names[level], component, text);
    uv_mutex_unlock(&p->log_lock);
}

/* ---------------------------------------------------------------- life */

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

void plant_turn(struct plant *p)
{
    uv_timer_start(&p->tick, on_tick, 5, 0);
    uv_run(&p->uv, UV_RUN_ONCE);
}

void plant_open(struct plant *p)
{
    memset(p, 0, sizeof(*p));
    signal(SIGPIPE, SIG_IGN); /* as the host does */
    /* For the probe child: a crash shall be one, and not an exit with a report. */
    setenv("ASAN_OPTIONS", "handle_segv=0:detect_leaks=0", 1);
    setenv("TSAN_OPTIONS", "handle_segv=0", 1);
    p->lines = GN_BUF_INIT(4u << 20);
    uv_mutex_init(&p->log_lock);
    p->log.level = GN_NOTICE;
    p->log.write = keep_line;
    p->dir = gn_test_tmpdir();
    p->self_exe = TEST_BUILD_DIR "/tests/probe-main";
    cr_assert_eq(uv_loop_init(&p->uv), 0);
    uv_timer_init(&p->uv, &p->tick);
    p->loop = gn_loop_new(&p->uv, &(struct gn_loop_limits){.slow_ms = 60000}, &p->log);
    p->registry = gn_registry_new();
    p->env = (struct gn_call_env){.loop = p->loop, .log = &p->log, .registry = p->registry};
    gn_list_init(&p->env.calls);

    struct gn_config *c = p->config = gn_config_new();
    cr_assert(!c->plugin_dirs || !c->plugin_dirs[0]);
    gn_free(c->plugin_dirs);
    c->plugin_dirs = gn_calloc(2, sizeof(char *));
    c->plugin_dirs[0] = gn_strdup(p->dir);
    c->discover = c->watch = c->probe = true;
    c->debounce_ms = 20;
    c->settle_ms = 10;
    c->removal_grace_ms = 100;
    c->start_timeout_ms = 60000;
    c->probe_timeout_ms = 60000;
    c->plugin_drain_ms = 60000;
    gn_free(c->state_dir);
    c->state_dir = NULL;
}

static void on_changed(void *arg, uint32_t kinds)
{
    struct plant *p = arg;
    p->changes += kinds != 0;
}

static void on_loaded(void *arg, const char *instance, uint32_t generation,
                      const struct gn_error *err, uint32_t took_ms)
{
    struct plant *p = arg;
    (void)instance;
    (void)generation;
    (void)took_ms;
    p->loads += !err;
    p->failed_loads += err != NULL;
}

static void set_true(void *arg)
{
    *(bool *)arg = true;
}

void plant_start(struct plant *p)
{
    struct gn_plugins_events events = {on_changed, on_loaded, p};
    p->plugins = gn_plugins_new(&p->env, p->registry, p->config, p->self_exe, &events);
    p->ready = false;
    gn_plugins_start(p->plugins, set_true, &p->ready);
    UNTIL(p, p->ready);
}

void plant_stop(struct plant *p, uint32_t wait_ms)
{
    bool closed = false;
    gn_plugins_close(p->plugins, wait_ms, set_true, &closed);
    UNTIL(p, closed);
    p->plugins = NULL;
}

void plant_close(struct plant *p)
{
    bool closed = false;
    if (p->plugins)
        plant_stop(p, 60000);
    cr_assert_eq(p->env.alive, 0, "a call was not freed");
    gn_loop_close(p->loop, 60000, set_true, &closed);
    uv_close((uv_handle_t *)&p->tick, NULL);
    uv_run(&p->uv, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&p->uv), 0, "a handle is open");
    gn_registry_free(p->registry);
    gn_config_free(p->config);
    gn_buf_release(&p->lines);
    uv_mutex_destroy(&p->log_lock);
}

/* ---------------------------------------------------------------- files */

static const char *rotate(char *path)
{
    static char *kept[2];
    static int at;
    at = !at;
    gn_free(kept[at]);
    return kept[at] = path;
}

const char *plant_built(const char *build)
{
    return rotate(gn_format("%s/tests/plugins/%s.so", TEST_BUILD_DIR, build));
}

const char *plant_file(const struct plant *p, const char *name)
{
    return rotate(gn_format("%s/%s.so", p->dir, name));
}

void plant_shell(const struct plant *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *command = gn_vformat(fmt, ap);
    va_end(ap);
    GN_AUTO_FREE char *full = gn_format("cd '%s' && { %s; }", p->dir, command);
    cr_assert_eq(system(full), 0, "%s", full);
}

void plant_put(struct plant *p, const char *build, const char *name)
{
    plant_shell(p, "cp '%s' .put && mv .put '%s.so'", plant_built(build), name);
}

void plant_remove(struct plant *p, const char *name)
{
    plant_shell(p, "rm '%s.so'", name);
}

void plant_configure(struct plant *p, const char *plugin, const char *name, const char *settings)
{
    struct gn_config *c = p->config;
    c->instances = gn_reallocarray(c->instances, c->instance_count + 1, sizeof(*c->instances));
    c->instances[c->instance_count++] = (struct gn_config_instance){
        .plugin = gn_strdup(plugin),
        .name = gn_strdup(name),
        .settings = settings ? json_loads(settings, 0, NULL) : NULL,
        .enabled = true,
    };
}

/* ---------------------------------------------------------------- calls */

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct plant_call *c = call->ops_data;
    const char *text = outcome == GN_OUT_RESULT && call->result.first ? call->result.first->text
                       : outcome == GN_OUT_FAILED                     ? call->failure
                                                                      : "";
    c->finished = true;
    c->outcome = outcome;
    snprintf(c->text, sizeof(c->text), "%s", text);
}

static const struct gn_call_ops ops = {.finished = on_finished};

bool plant_has(const struct plant *p, const char *tool)
{
    return gn_snapshot_find(gn_registry_current(p->registry), GN_TOOL, tool) != NULL;
}

void plant_begin(struct plant *p, struct plant_call *c, const char *tool, const char *arguments)
{
    struct gn_error err = {0};
    memset(c, 0, sizeof(*c));
    c->call = gn_call_new(&p->env, &ops, c);
    c->call->timeout_ms = 600000;
    c->call->component = gn_snapshot_find(gn_registry_current(p->registry), GN_TOOL, tool);
    cr_assert_not_null(c->call->component, "no tool %s; log:\n%s", tool, plant_log(p));
    if (arguments) {
        c->call->arguments = gn_json_parse_arena(&c->call->arena, arguments, strlen(arguments),
                                                 &err);
        cr_assert_not_null(c->call->arguments, "%s", err.text);
    }
    gn_call_start(c->call);
}

void plant_end(struct plant *p, struct plant_call *c)
{
    UNTIL(p, c->finished && !c->call->running);
    gn_call_unref(c->call);
    c->call = NULL;
}

const char *plant_ask(struct plant *p, const char *tool, const char *arguments)
{
    static struct plant_call c;
    if (!plant_has(p, tool))
        return "(no such tool)";
    plant_begin(p, &c, tool, arguments);
    plant_end(p, &c);
    return c.text;
}

/* ---------------------------------------------------------------- status and log */

struct look {
    const char *instance, *state;
    uint32_t count, generation;
    char reason[512];
};

static void look_at(void *arg, const struct gn_plugin_status *s)
{
    struct look *l = arg;
    if ((l->instance && !gn_streq(l->instance, s->instance)) || !gn_streq(l->state, s->state))
        return;
    l->count++;
    l->generation = s->generation;
    snprintf(l->reason, sizeof(l->reason), "%s", s->reason ? s->reason : "");
}

static struct look *look(struct plant *p, const char *instance, const char *state)
{
    static struct look l;
    l = (struct look){.instance = instance, .state = state};
    gn_plugins_each(p->plugins, look_at, &l);
    return &l;
}

uint32_t plant_count(struct plant *p, const char *instance, const char *state)
{
    return look(p, instance, state)->count;
}

const char *plant_reason(struct plant *p, const char *instance, const char *state)
{
    return look(p, instance, state)->reason;
}

uint32_t plant_generation(struct plant *p, const char *instance)
{
    return look(p, instance, "live")->generation;
}

uint32_t plant_logged(struct plant *p, const char *text)
{
    uint32_t count = 0;
    for (const char *at = plant_log(p); (at = strstr(at, text)); at++)
        count++;
    return count;
}

const char *plant_log(struct plant *p)
{
    static char *copy;
    gn_free(copy);
    uv_mutex_lock(&p->log_lock);
    copy = gn_strdup(gn_buf_str(&p->lines));
    uv_mutex_unlock(&p->log_lock);
    return copy;
}
