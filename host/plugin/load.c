/* load.c - one load of one instance, phase by phase. Each phase ends in a callback on the loop that
 * begins the next one, or in gn_load_fail.
 */
#include "plugin/instance.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_ATTEMPTS                                                                               \
    12 /* copies of a file that is still being written, before that is an error                    \
        */

/* ---------------------------------------------------------------- saying what happened */

void gn_load_log(const struct gn_instance *inst, enum gn_level level, const char *fmt, ...)
{
    char component[96];
    va_list ap;
    va_start(ap, fmt);
    snprintf(component, sizeof(component), "plugin %s", inst->name);
    gn_logv(inst->plugins->env->log, level, component, fmt, ap);
    va_end(ap);
}

/* The same content is complained about once, whatever comes out of trying it again. */
static bool is_news(const struct gn_load *load, const struct gn_error *err)
{
    const struct gn_instance *inst = load->instance;
    if (!inst->failure)
        return true;
    if (load->copy.has_hash && inst->has_failed_hash)
        return !gn_hash_equal(&load->copy.hash, &inst->failed_hash);
    return load->copy.has_hash || inst->has_failed_hash || !gn_streq(inst->failure, err->text);
}

static void note_failure(struct gn_load *load, const struct gn_error *err)
{
    struct gn_instance *inst = load->instance;
    const char *file = inst->file ? inst->file : inst->name;
    enum gn_level level = is_news(load, err) ? GN_ERROR : GN_DEBUG;
    if (inst->live)
        gn_load_log(inst, level, "%s: %s; generation %u stays in service", file, err->text,
                    inst->live->number);
    else
        gn_load_log(inst, level, "%s: %s", file, err->text);
    gn_free(inst->failure);
    inst->failure = gn_strdup(err->text);
    inst->failed_number = load->number;
    inst->has_failed_hash = load->copy.has_hash;
    inst->failed_hash = load->copy.hash;
}

/* ---------------------------------------------------------------- the end of a load */

/* This load will make no copy any more (or has made it). */
static void copy_over(struct gn_load *load)
{
    if (!load->is_counted)
        return;
    load->is_counted = false;
    if (--load->plugins->copying == 0 && load->plugins->starting)
        gn_load_release_waiting(load->plugins);
}

static void load_free(struct gn_load *load)
{
    gn_timer_stop(&load->timer);
    if (load->copy.path) {
        unlink(load->copy.path);
        gn_free(load->copy.path);
    }
    gn_buf_release(&load->saved);
    gn_free(load->source);
    gn_free(load->name);
    gn_free(load->settings);
    gn_free(load);
}

void gn_load_end(struct gn_load *load, const struct gn_error *err)
{
    struct gn_plugins *p = load->plugins;
    struct gn_instance *inst = load->instance;
    bool is_initial = load->is_initial;
    uint32_t number = load->number, took_ms = (uint32_t)(gn_clock_ms() - load->began_ms);
    if (!err && inst->failure) {
        gn_free(inst->failure);
        inst->failure = NULL;
        inst->is_conflict = false;
    }
    inst->load = NULL;
    copy_over(load);
    load_free(load);
    if (number && p->events.on_loaded)
        p->events.on_loaded(p->events.arg, inst->name, number, err, took_ms);
    bool again = inst->again && !p->closing;
    inst->again = false;
    if (again)
        gn_load_begin(inst);
    if (is_initial)
        gn_plugins_initial_over(p);
}

void gn_load_fail(struct gn_load *load, const struct gn_error *err)
{
    struct gn_error copy = *err; /* it may be the load's own */
    if (load->g) {
        gn_record_retire(load->g);
        load->g = NULL;
    }
    if (!load->number)
        load->number = load->instance->live ? load->instance->live->number : 1;
    note_failure(load, &copy);
    gn_load_end(load, &copy);
}

void gn_load_abandon(struct gn_load *load)
{
    struct gn_plugins *p = load->plugins;
    bool is_initial = load->is_initial;
    load->instance->load = NULL;
    atomic_store(&load->cancel, true);
    copy_over(load);
    gn_handover_abort(load);
    if (load->start)
        gn_start_abandon(load->start);
    if (load->g)
        gn_record_retire(load->g);
    if (load->job)
        gn_probe_withdraw(p->probe, load->job);
    if (load->phase == GN_LOAD_COPY)
        load->instance = NULL; /* freed when the thread is done with it */
    else
        load_free(load);
    if (is_initial)
        gn_plugins_initial_over(p);
}

/* ---------------------------------------------------------------- map, import, start */

static void on_skip(void *arg, const char *text)
{
    const struct gn_instance *inst = arg;
    gn_load_log(inst, GN_WARNING, "%s: %s: left out", inst->file, text);
}

/* A name of its own, other than the file's: one of several instances. */
static char *prefix_of(const struct gn_instance *inst)
{
    const char *base = gn_path_base(inst->file);
    size_t len = strlen(base);
    if (gn_ends_with(base, ".so"))
        len -= 3;
    bool same = strlen(inst->name) == len && strncmp(inst->name, base, len) == 0;
    return same ? NULL : gn_strdup(inst->name);
}

struct gn_generation *gn_load_import(struct gn_instance *inst, uint32_t number,
                                     struct gn_module *module, json_t *settings,
                                     struct gn_error *err)
{
    struct gn_generation *g = gn_generation_new(inst->plugins->env, inst->name, number);
    g->module = module;
    g->prefix = prefix_of(inst);
    gn_record_new(inst, g, settings);
    int rc = gn_abi_import(&gn_abi_current, module->descriptor, g, on_skip, inst, err);
    if (!rc)
        rc = gn_abi_bind_settings(g, settings, err);
    if (!rc) {
        if (g->flags & GANTRY_KEEP_LOADED)
            module->keep = "the plugin asks for it (GANTRY_KEEP_LOADED)";
        return g;
    }
    gn_record_retire(g);
    return NULL;
}

static void on_started(void *arg, const struct gn_error *err)
{
    gn_handover_started(arg, err);
}

void gn_load_start(struct gn_load *load)
{
    load->phase = GN_LOAD_START;
    /* It may be over, and load gone, before this returns. */
    gn_start_begin(load->g, load->plugins->config->start_timeout_ms, &load->start, on_started,
                   load);
}

static void map(struct gn_load *load)
{
    struct gn_instance *inst = load->instance;
    struct gn_module *module;
    struct gn_error err = {0};
    int rc = gn_module_open(&gn_abi_current, load->copy.path, &module, &err);
    if (!rc) {
        module->is_copy = true;
        module->hash = load->copy.hash;
        module->elf = load->copy.elf;
        if (inst->keep_loaded)
            module->keep = "it is configured so";
        if (load->leaves_keys)
            module->keep = "it leaves a thread key behind (pthread_key_delete is missing in stop)";
        gn_free(load->copy.path);
        load->copy.path = NULL; /* the module's from here on */
        if (module->private_libraries)
            gn_load_log(inst, GN_WARNING,
                        "%s: carries its own copy of %s: objects of the one must never reach the "
                        "other",
                        inst->file, module->private_libraries);
        load->g = gn_load_import(inst, load->number, module, inst->settings, &err);
    }
    if (load->g)
        gn_handover_stage(load);
    else
        gn_load_fail(load, &err);
}

/* ---------------------------------------------------------------- try out */

static void on_tried(void *arg, const struct gn_probe_result *result, const struct gn_error *err)
{
    struct gn_load *load = arg;
    load->job = NULL;
    if (err) {
        gn_load_fail(load, err);
        return;
    }
    load->leaves_keys = result->leaves_keys;
    gn_state_remember(load->plugins->state, &load->copy.hash,
                      GN_VERDICT_GOOD | (result->leaves_keys ? GN_VERDICT_LEAVES_KEYS : 0u));
    map(load);
}

static void try_out(struct gn_load *load)
{
    struct gn_plugins *p = load->plugins;
    unsigned verdict = gn_state_verdict(p->state, &load->copy.hash);
    if (verdict || !p->config->probe) {
        load->leaves_keys = (verdict & GN_VERDICT_LEAVES_KEYS) != 0;
        map(load);
        return;
    }
    load->phase = GN_LOAD_PROBE;
    load->job = gn_probe_submit(p->probe,
                                &(struct gn_probe_request){
                                    .path = load->copy.path,
                                    .instance = load->name,
                                    .settings = load->settings,
                                    .start_timeout_ms = p->config->start_timeout_ms,
                                },
                                on_tried, load);
}

void gn_load_release_waiting(struct gn_plugins *p)
{
    p->starting = false;
    /* In the order of instances, so that who gets a name that two want does not depend on chance.
     * What a load does may change the list, so it is walked anew each time. */
    for (bool found = true; found;) {
        found = false;
        GN_LIST_EACH(&p->instances, n) {
            struct gn_load *load = GN_CONTAINER(n, struct gn_instance, node)->load;
            if (!load || load->phase != GN_LOAD_WAIT)
                continue;
            found = true;
            try_out(load);
            break;
        }
    }
}

/* ---------------------------------------------------------------- copy */

static void copy_start(struct gn_load *load);

static void on_retry(struct gn_timer *timer)
{
    copy_start(GN_CONTAINER(timer, struct gn_load, timer));
}

/* Runs on a thread of libuv's pool, which only the host's own file work uses: handlers that block
 * the workers cannot keep a plugin from being replaced. */
static void copy_work(uv_work_t *work)
{
    struct gn_load *load = work->data;
    load->rc = gn_copy_make(&load->copy, &load->err);
}

static void copy_done(uv_work_t *work, int status)
{
    struct gn_load *load = work->data;
    struct gn_plugins *p = load->plugins;
    struct gn_instance *inst = load->instance;
    p->works--;
    if (!inst) {
        load_free(load);
        gn_plugins_check_closed(p);
        return;
    }
    if (status < 0)
        load->rc = gn_error_set(&load->err, status, "cannot be copied: %s", uv_strerror(status));
    if (load->rc == GN_EBUSY && load->copy.is_fresh && ++load->attempts < MAX_ATTEMPTS) {
        load->phase = GN_LOAD_RETRY;
        copy_over(load); /* the others need not wait for it */
        gn_timer_start(p->env->loop, &load->timer, p->config->debounce_ms + p->config->settle_ms,
                       on_retry);
        return;
    }
    /* A file that vanished meanwhile is missed by the watch too, which waits before it says so. */
    if (load->copy.unchanged || (load->rc == GN_ENOENT && p->config->watch)) {
        gn_load_end(load, NULL);
        return;
    }
    load->number = gn_plugins_next_number(p, inst->name);
    if (load->rc) {
        gn_load_fail(load, &load->err);
        return;
    }
    if (p->starting) {
        load->phase = GN_LOAD_WAIT;
        copy_over(load);
        return;
    }
    try_out(load);
}

static void copy_start(struct gn_load *load)
{
    struct gn_plugins *p = load->plugins;
    struct gn_instance *inst = load->instance;
    load->phase = GN_LOAD_COPY;
    load->err = (struct gn_error){0};
    load->copy.source = load->source;
    load->copy.instance = load->name;
    load->copy.settings = load->settings;
    load->copy.state_dir = gn_state_path(p->state);
    load->copy.generation = gn_plugins_peek_number(p, inst->name);
    load->copy.symbol = gn_abi_current.symbol;
    load->copy.speaks = load->speaks;
    load->copy.cancel = &load->cancel;
    load->copy.live = NULL;
    if (inst->live && inst->live->module) {
        load->live_hash = inst->live->module->hash;
        load->copy.live = &load->live_hash;
    }
    load->work.data = load;
    p->works++;
    int rc = uv_queue_work(gn_loop_uv(p->env->loop), &load->work, copy_work, copy_done);
    gn_assert(rc == 0);
}

void gn_load_begin(struct gn_instance *inst)
{
    struct gn_plugins *p = inst->plugins;
    if (p->closing)
        return;
    if (inst->load) {
        if (inst->load->epoch != p->epoch)
            inst->again = true;
        return;
    }
    struct gn_load *load = gn_calloc(1, sizeof(*load));
    load->instance = inst;
    load->plugins = p;
    load->epoch = p->epoch;
    load->began_ms = gn_clock_ms();
    load->saved = GN_BUF_INIT(GN_SAVE_BYTES);
    load->source = gn_strdup(inst->file ? inst->file : "");
    load->name = gn_strdup(inst->name);
    load->settings = gn_strdup(inst->settings_text);
    gn_module_speaks(&gn_abi_current, load->speaks);
    atomic_init(&load->cancel, false);
    inst->load = load;
    inst->is_conflict = false;
    if (p->starting) {
        load->is_initial = load->is_counted = true;
        p->initial++;
        p->copying++;
    }
    if (p->state) {
        copy_start(load);
        return;
    }
    struct gn_error err = {0};
    gn_error_set(&err, GN_ENOENT, "there is no folder for private copies");
    gn_load_fail(load, &err);
}
