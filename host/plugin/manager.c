/* manager.c - what there should be: the configuration and the folders, against the instances that
 * are there. Everything else is set off from here.
 */
#include "plugin/instance.h"

#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_WAIT_MS 2000
#define RESCAN_MS 3000

/* ---------------------------------------------------------------- instances */

/* An instance that shall be. */
struct wanted {
    char *name;
    char *plugin; /* what it was named by: a path, or a name to look for in the folders */
    char *file;   /* NULL: there is none */
    const json_t *settings;
    bool keep_loaded;
};

struct plan {
    struct gn_plugins *plugins;
    struct wanted *v;
    size_t count;
};

static void instance_set(struct gn_instance *inst, const struct wanted *w)
{
    json_decref(inst->settings);
    gn_free(inst->settings_text);
    inst->settings = w->settings ? json_deep_copy(w->settings) : json_object();
    char *text = json_dumps(inst->settings, JSON_COMPACT | JSON_SORT_KEYS);
    inst->settings_text = gn_strdup(text ? text : "{}");
    gn_free(text);
    gn_free(inst->file);
    inst->file = gn_strdup(w->file);
    inst->keep_loaded = w->keep_loaded;
}

static struct gn_instance *instance_find(const struct gn_plugins *p, const char *name)
{
    GN_LIST_EACH(&p->instances, n) {
        struct gn_instance *inst = GN_CONTAINER(n, struct gn_instance, node);
        if (gn_streq(inst->name, name))
            return inst;
    }
    return NULL;
}

static struct gn_instance *instance_new(struct gn_plugins *p, const char *name)
{
    struct gn_instance *inst = gn_calloc(1, sizeof(*inst));
    inst->plugins = p;
    inst->name = gn_strdup(name);
    gn_list_init(&inst->held);
    gn_list_append(&p->instances, &inst->node);
    p->instance_count++;
    return inst;
}

static void instance_unload(struct gn_instance *inst, const char *why)
{
    if (inst->load)
        gn_load_abandon(inst->load);
    if (inst->live)
        gn_load_log(inst, GN_INFO, "generation %u is unloaded: %s", inst->live->number, why);
    gn_handover_unload(inst);
}

static void instance_free(struct gn_instance *inst)
{
    gn_assert(!inst->load && !inst->live && gn_list_empty(&inst->held));
    gn_list_remove(&inst->node);
    inst->plugins->instance_count--;
    json_decref(inst->settings);
    gn_free(inst->settings_text);
    gn_free(inst->failure);
    gn_free(inst->name);
    gn_free(inst->file);
    gn_free(inst);
}

static uintptr_t last_number(const struct gn_plugins *p, const char *instance)
{
    return (uintptr_t)gn_map_find(&p->numbers, instance);
}

uint32_t gn_plugins_peek_number(const struct gn_plugins *p, const char *instance)
{
    return (uint32_t)last_number(p, instance) + 1;
}

uint32_t gn_plugins_next_number(struct gn_plugins *p, const char *instance)
{
    uintptr_t number = last_number(p, instance) + 1;
    gn_map_put(&p->numbers, instance, (void *)number);
    return (uint32_t)number;
}

void gn_plugins_changed(struct gn_plugins *p, uint32_t kinds)
{
    if (kinds && !p->closing && p->events.on_changed)
        p->events.on_changed(p->events.arg, kinds);
}

void gn_plugins_retry_conflicts(struct gn_plugins *p)
{
    GN_LIST_EACH(&p->instances, n) {
        struct gn_instance *inst = GN_CONTAINER(n, struct gn_instance, node);
        if (inst->is_conflict && !inst->load && inst->file)
            gn_load_begin(inst); /* copies first: nothing else happens before this returns */
    }
}

/* ---------------------------------------------------------------- what there should be */

static const struct wanted *plan_find(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (gn_streq(plan->v[i].name, name))
            return &plan->v[i];
    return NULL;
}

static void tell_once(struct gn_plugins *p, const char *key, const char *text)
{
    if (gn_map_put(&p->told, key, p) == NULL)
        gn_log(p->env->log, GN_WARNING, "plugins", "%s", text);
}

static void plan_add(struct plan *plan, const char *name, const char *plugin, const char *file,
                     const json_t *settings, bool keep_loaded)
{
    struct gn_plugins *p = plan->plugins;
    const struct wanted *other = plan_find(plan, name);
    if (other) {
        GN_AUTO_FREE char *text = gn_format(
            "%s is left out: there is an instance %s already, from %s", file ? file : "an instance",
            name, other->file ? other->file : "nowhere");
        if (!gn_streq(file, other->file))
            tell_once(p, text, text);
        return;
    }
    if (plan->count >= GN_INSTANCES_MAX) {
        tell_once(p, "instances", "too many plugins: what comes after the first 1000 is left out");
        return;
    }
    plan->v = gn_reallocarray(plan->v, plan->count + 1, sizeof(*plan->v));
    plan->v[plan->count++] = (struct wanted){
        .name = gn_strdup(name),
        .plugin = gn_strdup(plugin),
        .file = gn_strdup(file),
        .settings = settings,
        .keep_loaded = keep_loaded,
    };
}

/* "hello" of "/srv/hello.so" and of "hello". */
static char *stem_of(const char *file)
{
    const char *base = gn_path_base(file);
    size_t len = strlen(base);
    return gn_strndup(base, gn_ends_with(base, ".so") ? len - strlen(".so") : len);
}

static char *absolute(const char *path)
{
    if (path[0] == '/')
        return gn_strdup(path);
    char *cwd = getcwd(NULL, 0);
    char *result = gn_path_join(cwd ? cwd : "/", path);
    gn_free(cwd);
    return result;
}

/* The file that a listed instance means, NULL if there is none. */
static char *resolve(const struct gn_plugins *p, const char *plugin)
{
    const struct gn_config *config = p->config;
    if (strchr(plugin, '/')) {
        char *path = absolute(plugin);
        if (gn_watch_has(p->watch, path))
            return path;
        gn_free(path);
        return NULL;
    }
    GN_AUTO_FREE char *stem = stem_of(plugin);
    GN_AUTO_FREE char *name = gn_format("%s.so", stem);
    for (char **dir = config->plugin_dirs; dir && *dir; dir++) {
        char *path = gn_path_join(*dir, name);
        if (gn_watch_has(p->watch, path))
            return path;
        gn_free(path);
    }
    for (char **file = config->plugin_files; file && *file; file++)
        if (gn_streq(gn_path_base(*file), name) && gn_watch_has(p->watch, *file))
            return gn_strdup(*file);
    return NULL;
}

static bool is_listed(const struct gn_plugins *p, const char *path)
{
    GN_AUTO_FREE char *stem = stem_of(path);
    for (size_t i = 0; i < p->config->instance_count; i++) {
        const char *plugin = p->config->instances[i].plugin;
        GN_AUTO_FREE char *other = stem_of(plugin);
        GN_AUTO_FREE char *file = absolute(plugin);
        if (strchr(plugin, '/') ? gn_streq(file, path) : gn_streq(other, stem))
            return true;
    }
    return false;
}

static void plan_found(void *arg, const char *dir, const char *path)
{
    struct plan *plan = arg;
    const struct gn_config *config = plan->plugins->config;
    bool is_plugin_dir = false;
    for (char **d = config->plugin_dirs; d && *d && !is_plugin_dir; d++)
        is_plugin_dir = gn_streq(*d, dir);
    if (!config->discover || !is_plugin_dir || is_listed(plan->plugins, path))
        return;
    GN_AUTO_FREE char *name = stem_of(path);
    plan_add(plan, name, path, path, NULL, false);
}

static void plan_make(struct plan *plan)
{
    struct gn_plugins *p = plan->plugins;
    const struct gn_config *config = p->config;
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct gn_config_instance *c = &config->instances[i];
        if (!c->enabled)
            continue;
        GN_AUTO_FREE char *file = resolve(p, c->plugin);
        GN_AUTO_FREE char *name = c->name ? gn_strdup(c->name) : stem_of(c->plugin);
        plan_add(plan, name, c->plugin, file, c->settings, c->keep_loaded);
    }
    for (char **file = config->plugin_files; file && *file; file++) {
        GN_AUTO_FREE char *name = stem_of(*file);
        if (!is_listed(p, *file))
            plan_add(plan, name, *file, gn_watch_has(p->watch, *file) ? *file : NULL, NULL, false);
    }
    gn_watch_each(p->watch, plan_found, plan);
}

static void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        gn_free(plan->v[i].name);
        gn_free(plan->v[i].plugin);
        gn_free(plan->v[i].file);
    }
    gn_free(plan->v);
}

/* ---------------------------------------------------------------- making it so */

/* Why there is no file for what the configuration or an option names. Owned by the caller. */
static char *missing_text(const struct gn_config *config, const char *plugin)
{
    if (strchr(plugin, '/'))
        return gn_format("there is no such file: %s", plugin);
    GN_AUTO_FREE char *stem = stem_of(plugin);
    if (!config->plugin_dirs || !config->plugin_dirs[0])
        return gn_format("no plugin folder is configured where %s.so could be (loading.folders, or "
                         "--plugins DIR)",
                         stem);
    return gn_format("there is no such file in the plugin folders: %s.so", stem);
}

/* Listed, but there is no file for it. */
static void missing(struct gn_instance *inst, const char *plugin)
{
    GN_AUTO_FREE char *text = missing_text(inst->plugins->config, plugin);
    if (inst->live)
        instance_unload(inst, "its file is gone");
    else if (inst->load)
        gn_load_abandon(inst->load);
    if (gn_streq(inst->failure, text))
        return;
    gn_load_log(inst, GN_ERROR, "%s", text);
    gn_free(inst->failure);
    inst->failure = gn_strdup(text);
    inst->has_failed_hash = false;
    inst->failed_number = 0;
}

static void apply_one(struct gn_plugins *p, const struct wanted *w)
{
    struct gn_instance *inst = instance_find(p, w->name);
    bool is_new = !inst;
    if (is_new)
        inst = instance_new(p, w->name);
    inst->is_wanted = true;
    GN_AUTO_FREE char *old_file = gn_strdup(inst->file);
    GN_AUTO_FREE char *old_settings = gn_strdup(inst->settings_text);
    instance_set(inst, w);
    if (inst->live && inst->live->module && w->keep_loaded)
        inst->live->module->keep = "it is configured so";
    bool differs = is_new || !gn_streq(old_file, inst->file) ||
                   !gn_streq(old_settings, inst->settings_text);
    if (!inst->file) {
        missing(inst, w->plugin);
    } else if (differs) {
        /* What is being loaded has the old file or the old settings. */
        if (inst->load)
            gn_load_abandon(inst->load);
        gn_load_begin(inst);
    }
}

static void make_it_so(struct gn_plugins *p)
{
    struct plan plan = {.plugins = p};
    plan_make(&plan);
    GN_LIST_EACH(&p->instances, n) {
        GN_CONTAINER(n, struct gn_instance, node)->is_wanted = false;
    }
    for (size_t i = 0; i < plan.count; i++) {
        struct gn_instance *inst = instance_find(p, plan.v[i].name);
        if (inst)
            inst->is_wanted = true;
    }
    /* First away with what must go: others may want its names. */
    GN_LIST_EACH(&p->instances, n) {
        struct gn_instance *inst = GN_CONTAINER(n, struct gn_instance, node);
        if (inst->is_wanted)
            continue;
        bool is_there = inst->file && gn_watch_has(p->watch, inst->file);
        instance_unload(inst, is_there ? "the configuration has it no more" : "its file is gone");
        instance_free(inst);
    }
    for (size_t i = 0; i < plan.count; i++)
        apply_one(p, &plan.v[i]);
    plan_free(&plan);
}

static void on_file(void *arg, const char *path, bool is_present)
{
    struct gn_plugins *p = arg;
    if (p->closing)
        return;
    p->epoch++;
    make_it_so(p);
    if (!is_present)
        return;
    GN_LIST_EACH(&p->instances, n) {
        struct gn_instance *inst = GN_CONTAINER(n, struct gn_instance, node);
        if (gn_streq(inst->file, path))
            gn_load_begin(inst);
    }
}

/* ---------------------------------------------------------------- what is watched */

static void watch_all(struct gn_plugins *p)
{
    const struct gn_config *config = p->config;
    size_t count = 0, files = 0, dirs = 0;
    while (config->plugin_dirs && config->plugin_dirs[dirs])
        dirs++;
    while (config->plugin_files && config->plugin_files[files])
        files++;
    size_t max = dirs + files + config->instance_count;
    struct gn_watch_target *targets = gn_calloc(max, sizeof(*targets));
    char **folders = gn_calloc(max, sizeof(*folders)); /* owned */
    for (size_t i = 0; i < dirs; i++)
        targets[count++].dir = config->plugin_dirs[i];
    for (size_t i = 0; i < files + config->instance_count; i++) {
        const char *file = i < files ? config->plugin_files[i]
                                     : config->instances[i - files].plugin;
        if (!strchr(file, '/'))
            continue;
        char *path = absolute(file);
        const char *base = gn_path_base(path);
        size_t len = base - path > 1 ? (size_t)(base - path) - 1 : 1;
        folders[count] = gn_strndup(path, len);
        targets[count].dir = folders[count];
        targets[count++].file = gn_path_base(file);
        gn_free(path);
    }
    gn_watch_set(p->watch, targets, count);
    for (size_t i = 0; i < max; i++)
        gn_free(folders[i]);
    gn_free(folders);
    gn_free(targets);
}

static struct gn_watch_options watch_options(const struct gn_config *config)
{
    return (struct gn_watch_options){
        .debounce_ms = config->debounce_ms,
        .max_wait_ms = GN_MAX(MAX_WAIT_MS, config->debounce_ms),
        .settle_ms = config->settle_ms,
        .grace_ms = config->removal_grace_ms,
        .rescan_ms = RESCAN_MS,
        .active = config->watch,
    };
}

/* ---------------------------------------------------------------- public: life */

struct gn_plugins *gn_plugins_new(struct gn_call_env *env, struct gn_registry *registry,
                                  const struct gn_config *config, const char *self_exe,
                                  const struct gn_plugins_events *events)
{
    struct gn_plugins *p = gn_calloc(1, sizeof(*p));
    struct gn_watch_options options = watch_options(config);
    struct gn_error err = {0};
    p->env = env;
    p->registry = registry;
    p->config = config;
    if (events)
        p->events = *events;
    gn_list_init(&p->instances);
    gn_list_init(&p->records);
    gn_list_init(&p->residents);
    gn_map_init(&p->numbers);
    gn_map_init(&p->told);
    p->state = gn_state_open(config->state_dir, &err);
    if (err.code)
        gn_log(env->log, p->state ? GN_WARNING : GN_ERROR, "plugins", "%s", err.text);
    p->watch = gn_watch_new(env->loop, &options, on_file, p);
    p->probe = gn_probe_new(gn_loop_uv(env->loop), self_exe, config->probe_timeout_ms);
    return p;
}

static void on_ready(struct gn_post *post)
{
    struct gn_plugins *p = GN_CONTAINER(post, struct gn_plugins, ready_post);
    void (*fn)(void *arg) = p->on_ready;
    p->on_ready = NULL;
    if (fn && !p->closing)
        fn(p->ready_arg);
}

void gn_plugins_initial_over(struct gn_plugins *p)
{
    if (--p->initial == 0 && p->on_ready && !p->ready_post.posted)
        gn_loop_post(p->env->loop, &p->ready_post, on_ready);
}

void gn_plugins_start(struct gn_plugins *p, void (*fn)(void *arg), void *arg)
{
    GN_ASSERT_LOOP(p->env->loop);
    p->on_ready = fn;
    p->ready_arg = arg;
    p->starting = true;
    p->initial = 1; /* this function */
    watch_all(p);
    make_it_so(p);
    if (p->copying == 0)
        gn_load_release_waiting(p);
    gn_plugins_initial_over(p);
}

void gn_plugins_configure(struct gn_plugins *p, const struct gn_config *config)
{
    GN_ASSERT_LOOP(p->env->loop);
    struct gn_watch_options options = watch_options(config);
    p->config = config;
    p->epoch++;
    gn_map_release(&p->told, NULL);
    gn_probe_set_timeout(p->probe, config->probe_timeout_ms);
    gn_watch_configure(p->watch, &options);
    watch_all(p);
    make_it_so(p);
    /* What failed may have been put right outside of its file. */
    GN_LIST_EACH(&p->instances, n) {
        struct gn_instance *inst = GN_CONTAINER(n, struct gn_instance, node);
        if (inst->file && inst->failure && !inst->load)
            gn_watch_touch(p->watch, inst->file);
    }
}

/* ---------------------------------------------------------------- public: the end */

static void on_finished(struct gn_post *post)
{
    struct gn_plugins *p = GN_CONTAINER(post, struct gn_plugins, closed_post);
    void (*fn)(void *arg) = p->on_closed;
    void *arg = p->closed_arg;
    gn_resident_free_all(p);
    gn_state_close(p->state);
    gn_map_release(&p->numbers, NULL);
    gn_map_release(&p->told, NULL);
    gn_free(p);
    if (fn)
        fn(arg);
}

void gn_plugins_check_closed(struct gn_plugins *p)
{
    if (!p->closing || p->finished || p->works || !p->watch_closed || !p->probe_closed ||
        !gn_list_empty(&p->records) || p->ready_post.posted)
        return;
    p->finished = true;
    gn_timer_stop(&p->close_timer);
    gn_loop_post(p->env->loop, &p->closed_post, on_finished);
}

static void on_watch_closed(void *arg)
{
    struct gn_plugins *p = arg;
    p->watch_closed = true;
    gn_plugins_check_closed(p);
}

static void on_probe_closed(void *arg)
{
    struct gn_plugins *p = arg;
    p->probe_closed = true;
    gn_plugins_check_closed(p);
}

static void on_close_timeout(struct gn_timer *timer)
{
    struct gn_plugins *p = GN_CONTAINER(timer, struct gn_plugins, close_timer);
    gn_record_orphan_all(p);
    gn_plugins_check_closed(p);
}

void gn_plugins_close(struct gn_plugins *p, uint32_t wait_ms, void (*on_closed)(void *arg),
                      void *arg)
{
    GN_ASSERT_LOOP(p->env->loop);
    p->on_closed = on_closed;
    p->closed_arg = arg;
    p->closing = true;
    gn_timer_start(p->env->loop, &p->close_timer, wait_ms, on_close_timeout);
    GN_LIST_EACH(&p->instances, n) {
        struct gn_instance *inst = GN_CONTAINER(n, struct gn_instance, node);
        if (inst->load)
            gn_load_abandon(inst->load);
        gn_handover_unload(inst);
        instance_free(inst);
    }
    GN_LIST_EACH(&p->records, n) {
        gn_record_cancel_calls(GN_CONTAINER(n, struct gn_record, node)->g);
    }
    gn_watch_close(p->watch, on_watch_closed, p);
    gn_probe_close(p->probe, on_probe_closed, p);
}

/* ---------------------------------------------------------------- public: status */

static void status_of(const struct gn_record *r,
                      void (*fn)(void *, const struct gn_plugin_status *), void *arg)
{
    const struct gn_generation *g = r->g;
    struct gn_plugin_status s = {
        .instance = g->instance,
        .name = g->name,
        .version = g->version,
        .path = r->path,
        .generation = g->number,
        .state = g->state == GN_GEN_LIVE ? "live"
                 : r->reason             ? "resident"
                                         : "draining",
        .reason = r->reason,
        .refs = g->refs,
        .components = (uint32_t)g->component_count,
    };
    if (g->state != GN_GEN_STAGED)
        fn(arg, &s);
}

void gn_plugins_each(struct gn_plugins *p, void (*fn)(void *arg, const struct gn_plugin_status *s),
                     void *arg)
{
    GN_LIST_EACH(&p->instances, n) {
        const struct gn_instance *inst = GN_CONTAINER(n, struct gn_instance, node);
        if (inst->live)
            status_of(gn_record_of(inst->live), fn, arg);
        if (inst->failure)
            fn(arg, &(struct gn_plugin_status){.instance = inst->name,
                                               .path = inst->file,
                                               .generation = inst->failed_number,
                                               .state = "failed",
                                               .reason = inst->failure});
    }
    GN_LIST_EACH(&p->records, n) {
        const struct gn_record *r = GN_CONTAINER(n, struct gn_record, node);
        if (!r->instance)
            status_of(r, fn, arg);
    }
    GN_LIST_EACH(&p->residents, n) {
        const struct gn_resident *r = GN_CONTAINER(n, struct gn_resident, node);
        fn(arg, &(struct gn_plugin_status){.instance = r->instance,
                                           .name = r->name,
                                           .version = r->version,
                                           .path = r->path,
                                           .generation = r->number,
                                           .state = "resident",
                                           .reason = r->reason});
    }
}
