/* probe_child.c - the child's side: one plugin after the other, each loaded, started, stopped and
 * unloaded as the host would, with a word to the parent before every step.
 */
#include "observe/metrics.h"
#include "plugin/manager.h"
#include "plugin/module.h"
#include "plugin/probe.h"
#include "plugin/start.h"
#include "registry/transform.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "json/json.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define BEAT_MS 250    /* signs of life while start waits */
#define UNWIND_MS 2000 /* for a start that failed or timed out to let go of its generation */
#define FIRST_FREE_FD                                                                              \
    64 /* our own descriptors are moved up here, away from what plugins expect                     \
        */

struct child {
    int requests, results;
    uv_loop_t uv;
    struct gn_loop *loop;
    struct gn_call_env env;
};

/* One file being tried. */
struct trial {
    struct child *child;
    const gantry_json *request;
    struct gn_module *module;
    struct gn_generation *g;
    struct gn_buf skipped; /* JSON strings, comma separated */
    struct gn_buf manifest;
    bool is_imported;
    struct gn_timer beat;
    bool start_done, unused, is_stuck;
    struct gn_error err;
};

/* ---------------------------------------------------------------- speaking */

static void say(const struct child *c, struct gn_buf *line)
{
    gn_buf_addc(line, '\n');
    for (size_t done = 0; done < line->len;) {
        ssize_t n = write(c->results, line->data + done, line->len - done);
        if (n < 0 && errno != EINTR)
            _exit(1); /* nobody listens any more */
        done += n > 0 ? (size_t)n : 0;
    }
    gn_buf_release(line);
}

static void say_stage(const struct child *c, enum gn_probe_stage stage)
{
    struct gn_buf line = GN_BUF_INIT(256);
    gn_buf_addf(&line, "{\"stage\":\"%s\"}", gn_probe_stage_names[stage]);
    say(c, &line);
}

/* ---------------------------------------------------------------- thread keys */

/* Keys in use, one bit each. Setting a key to what it is fails for those that are not. */
static void look_at_keys(uint8_t keys[PTHREAD_KEYS_MAX / 8])
{
    memset(keys, 0, PTHREAD_KEYS_MAX / 8);
    for (unsigned i = 0; i < PTHREAD_KEYS_MAX; i++)
        if (pthread_setspecific((pthread_key_t)i, pthread_getspecific((pthread_key_t)i)) == 0)
            keys[i / 8] = (uint8_t)(keys[i / 8] | 1u << i % 8);
}

static bool has_more_keys(const uint8_t before[PTHREAD_KEYS_MAX / 8])
{
    uint8_t now[PTHREAD_KEYS_MAX / 8];
    look_at_keys(now);
    for (unsigned i = 0; i < PTHREAD_KEYS_MAX / 8; i++)
        if (now[i] & ~before[i])
            return true;
    return false;
}

/* ---------------------------------------------------------------- the manifest */

static bool has_tool(const struct gn_generation *g, const char *name)
{
    for (size_t i = 0; i < g->component_count; i++) {
        if (g->components[i]->kind == GN_TOOL && gn_streq(g->components[i]->key, name))
            return true;
    }
    return false;
}

/* Tools that are made of others of the same plugin are shown as they will be; what another plugin
 * is to bring cannot be known here. */
static void write_component(struct gn_jw *w, const struct gn_generation *g, struct gn_component *c)
{
    struct gn_component *made = gn_registry_made(g->env->registry, c);
    if (made) {
        gn_component_write(made, (struct gn_view){.revision = GN_REV_LATEST}, w);
        return;
    }
    GN_AUTO_FREE char *about = gn_format("made from %s%s", c->from->parent,
                                         has_tool(g, c->from->parent) ? "" : " of another plugin");
    gn_jw_object(w, NULL);
    gn_jw_str(w, "name", c->name);
    gn_jw_str(w, "description", about);
    gn_jw_str(w, "madeFrom", c->from->parent);
    gn_jw_end(w);
}

static void write_components(struct gn_jw *w, const struct gn_generation *g, enum gn_kind kind,
                             const char *name)
{
    gn_jw_array(w, name);
    for (size_t i = 0; i < g->component_count; i++)
        if (g->components[i]->kind == kind)
            write_component(w, g, g->components[i]);
    gn_jw_end(w);
}

static void write_transforms(struct gn_jw *w, const struct gn_generation *g)
{
    gn_jw_array(w, "transforms");
    for (size_t i = 0; i < g->transform_count; i++) {
        const struct gn_transform *t = g->transforms[i];
        gn_jw_object(w, NULL);
        gn_jw_str(w, "name", t->name);
        gn_jw_str(w, "type", gn_transform_type_name(t->type));
        gn_jw_int(w, "priority", t->priority);
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

/* What a middleware is around, in the order of the GANTRY_ON_ bits. */
static const char *const hook_names[] = {
    "tools/call",
    "resources/read",
    "prompts/get",
    "completion/complete",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
    "initialize",
    "server/discover",
    "notifications",
    "requests",
    "messages",
};
_Static_assert(GANTRY_ON_MESSAGE == 1u << (GN_COUNT(hook_names) - 1), "a name for each hook");

static void write_middleware(struct gn_jw *w, const struct gn_generation *g)
{
    gn_jw_array(w, "middleware");
    for (size_t i = 0; i < g->middleware_count; i++) {
        const struct gn_middleware *m = g->middleware[i];
        gn_jw_object(w, NULL);
        gn_jw_str(w, "name", m->name);
        gn_jw_int(w, "priority", m->priority);
        gn_jw_array(w, "around");
        for (size_t bit = 0; bit < GN_COUNT(hook_names); bit++)
            if (m->hooks & (1u << bit))
                gn_jw_str(w, NULL, hook_names[bit]);
        gn_jw_end(w);
        if (m->tags) {
            gn_jw_array(w, "tags");
            for (char **tag = m->tags; *tag; tag++)
                gn_jw_str(w, NULL, *tag);
            gn_jw_end(w);
        }
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

static void write_settings(struct gn_jw *w, const struct gn_generation *g)
{
    if (g->settings_fields)
        gn_jw_json(w, "settings", gn_schema_root(g->settings_fields->schema));
}

static void make_manifest(struct trial *t)
{
    const struct gn_generation *g = t->g;
    const gantry_descriptor *d = t->module->descriptor;
    struct gn_jw w;
    char abi[16];
    snprintf(abi, sizeof(abi), "%u.%u", d->abi_major, d->abi_minor);
    gn_jw_init(&w, &t->manifest);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "name", g->name);
    gn_jw_str(&w, "version", g->version);
    gn_jw_str(&w, "abi", abi);
    if (d->sdk)
        gn_jw_strn(&w, "compiler", d->sdk, strnlen(d->sdk, 256));
    if (d->size >= offsetof(gantry_descriptor, tools) && d->description)
        gn_jw_strn(&w, "description", d->description, strnlen(d->description, 65536));
    gn_jw_array(&w, "flags");
    if (g->flags & GANTRY_EXCLUSIVE)
        gn_jw_str(&w, NULL, "exclusive");
    if (g->flags & GANTRY_KEEP_LOADED)
        gn_jw_str(&w, NULL, "keep_loaded");
    gn_jw_end(&w);
    write_components(&w, g, GN_TOOL, "tools");
    write_components(&w, g, GN_RESOURCE, "resources");
    write_components(&w, g, GN_TEMPLATE, "resourceTemplates");
    write_components(&w, g, GN_PROMPT, "prompts");
    write_middleware(&w, g);
    write_transforms(&w, g);
    write_settings(&w, g);
    gn_jw_bool(&w, "saves", g->save != NULL);
    gn_jw_bool(&w, "restores", g->restore != NULL);
    gn_jw_array(&w, "skipped");
    if (t->skipped.len)
        gn_jw_raw(&w, NULL, t->skipped.data, t->skipped.len);
    gn_jw_end(&w);
    if (t->module->private_libraries)
        gn_jw_str(&w, "privateLibraries", t->module->private_libraries);
    gn_jw_end(&w);
}

/* ---------------------------------------------------------------- one plugin */

static void on_skip(void *arg, const char *text)
{
    struct trial *t = arg;
    if (t->skipped.len)
        gn_buf_addc(&t->skipped, ',');
    gn_json_write_str(&t->skipped, text, strlen(text));
}

static void on_unused(struct gn_generation *g)
{
    struct trial *t = g->manager_data;
    t->unused = true;
}

static void on_beat(struct gn_timer *timer)
{
    struct trial *t = GN_CONTAINER(timer, struct trial, beat);
    if (t->start_done)
        return;
    say_stage(t->child, GN_STAGE_START);
    gn_timer_start(t->child->loop, timer, BEAT_MS, on_beat);
}

static void on_started(void *arg, const struct gn_error *err)
{
    struct trial *t = arg;
    t->start_done = true;
    if (err)
        t->err = *err;
}

static int load(struct trial *t)
{
    const char *path = gn_json_cstr(gn_json_get(t->request, "path"));
    const char *instance = gn_json_cstr(gn_json_get(t->request, "instance"));
    if (!path || path[0] != '/' || !instance)
        return gn_error_set(&t->err, GN_EINVAL, "malformed request");
    say_stage(t->child, GN_STAGE_LOAD);
    int rc = gn_module_open(&gn_abi_current, path, &t->module, &t->err);
    if (rc)
        return rc;
    say_stage(t->child, GN_STAGE_IMPORT);
    t->g = gn_generation_new(&t->child->env, instance, 1);
    t->g->module = t->module;
    t->g->on_unused = on_unused;
    t->g->manager_data = t;
    rc = gn_abi_import(&gn_abi_current, t->module->descriptor, t->g, on_skip, t, &t->err);
    t->is_imported = !rc;
    if (!rc) {
        json_t *settings = gn_json_to_jansson(gn_json_get(t->request, "settings"));
        rc = gn_abi_bind_settings(t->g, settings, &t->err);
        json_decref(settings);
    }
    return rc;
}

static void start(struct trial *t)
{
    int64_t timeout_ms = 0;
    gn_json_int(gn_json_get(t->request, "start_timeout_ms"), &timeout_ms);
    say_stage(t->child, GN_STAGE_START);
    gn_timer_start(t->child->loop, &t->beat, BEAT_MS, on_beat);
    struct gn_start *running;
    gn_start_begin(t->g, timeout_ms > 0 ? (uint32_t)GN_MIN(timeout_ms, UINT32_MAX) : 10000,
                   &running, on_started, t);
    while (!t->start_done)
        uv_run(&t->child->uv, UV_RUN_ONCE);
    gn_timer_stop(&t->beat);
}

/* By themselves, as if no other plugin were there: what cannot be made of one another is known. */
static int publish(struct trial *t)
{
    struct gn_edit *e = gn_edit_begin(t->child->env.registry);
    int rc = GN_OK;
    for (size_t i = 0; !rc && i < t->g->component_count; i++)
        rc = gn_edit_add(e, t->g->components[i], &t->err);
    gn_edit_transforms(e, &t->g->owner, t->g->transforms, t->g->transform_count);
    if (!rc)
        rc = gn_edit_check(e, &t->err);
    if (rc)
        gn_edit_abort(e);
    else
        (void)gn_edit_commit(e);
    return rc;
}

static void retract(struct trial *t)
{
    struct gn_edit *e = gn_edit_begin(t->child->env.registry);
    gn_edit_remove_owner(e, &t->g->owner);
    gn_edit_transforms(e, &t->g->owner, NULL, 0);
    (void)gn_edit_commit(e);
}

static void on_wait_over(struct gn_timer *timer)
{
    GN_CONTAINER(timer, struct trial, beat)->is_stuck = true;
}

/* Lets go of the plugin as the host does. */
static void finish(struct trial *t)
{
    say_stage(t->child, GN_STAGE_STOP);
    gn_generation_end_schedules(t->g); /* what start spawned waits for a life that does not come */
    gn_generation_unref(t->g);
    gn_timer_start(t->child->loop, &t->beat, UNWIND_MS, on_wait_over);
    while (!t->unused && !t->is_stuck)
        uv_run(&t->child->uv, UV_RUN_ONCE);
    gn_timer_stop(&t->beat);
    if (t->unused)
        gn_generation_stop(t->g);
}

static void unload(struct trial *t)
{
    const char *reason;
    say_stage(t->child, GN_STAGE_UNLOAD);
    t->g->module = NULL;
    gn_module_close(t->module, &reason);
    gn_generation_free(t->g);
}

static void try_one(struct child *c, const gantry_json *request)
{
    struct trial t = {.child = c,
                      .request = request,
                      .skipped = GN_BUF_INIT(65536),
                      .manifest = GN_BUF_INIT(GN_PROBE_LINE_MAX / 2)};
    uint8_t keys[PTHREAD_KEYS_MAX / 8];
    bool wants_manifest = false, leaves_keys = false;
    gn_json_bool(gn_json_get(request, "manifest"), &wants_manifest);
    look_at_keys(keys);
    int rc = load(&t);
    if (!rc && !(t.g->flags & GANTRY_EXCLUSIVE)) {
        start(&t);
        rc = t.err.code;
    }
    if (!rc)
        rc = publish(&t);
    if (t.is_imported && wants_manifest) /* also if it lacks settings: it tells which there are */
        make_manifest(&t);
    if (t.g) {
        retract(&t);
        finish(&t);
        leaves_keys = has_more_keys(keys);
        if (!t.is_stuck)
            unload(&t);
    }
    fflush(NULL);
    struct gn_buf line = GN_BUF_INIT(GN_PROBE_LINE_MAX);
    struct gn_jw w;
    gn_jw_init(&w, &line);
    gn_jw_object(&w, NULL);
    if (rc)
        gn_jw_str(&w, "error", t.err.text);
    else
        gn_jw_bool(&w, "ok", true);
    if (t.is_stuck)
        gn_jw_bool(&w, "leaves", true);
    gn_jw_bool(&w, "leaves_keys", leaves_keys);
    if (t.manifest.len && !t.manifest.overflow)
        gn_jw_raw(&w, "manifest", t.manifest.data, t.manifest.len);
    gn_jw_end(&w);
    say(c, &line);
    gn_buf_release(&t.skipped);
    gn_buf_release(&t.manifest);
    if (t.is_stuck)
        _exit(0);
}

/* ---------------------------------------------------------------- the process */

static int move_up(int fd)
{
    int up = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    if (up < 0)
        _exit(2);
    return up;
}

static void prepare_process(struct child *c, const char *parent)
{
    /* When the host goes, this goes; and if it has gone already there was nobody to tell us. */
    int64_t pid = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!gn_parse_int64(parent, &pid) || pid != getppid())
        _exit(2);
    c->requests = move_up(STDIN_FILENO);
    c->results = move_up(GN_PROBE_RESULT_FD);
    close(GN_PROBE_RESULT_FD);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        _exit(2);
    if (null > STDERR_FILENO)
        close(null);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what is printed before a crash shall be seen */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGPIPE, SIG_IGN);
}

static void prepare_host(struct child *c)
{
    if (uv_loop_init(&c->uv) != 0)
        _exit(2);
    c->loop = gn_loop_new(&c->uv, NULL, NULL);
    gn_task_install_crash_report();
    c->env = (struct gn_call_env){
        .loop = c->loop,
        .http = gn_http_new(c->loop),
        .registry = gn_registry_new(),
        .metrics = gn_metrics_new(),
    };
    gn_list_init(&c->env.calls);
}

int gn_probe_child(int argc, char **argv)
{
    struct child c = {0};
    if (argc < 1)
        return 2;
    prepare_process(&c, argv[argc - 1]);
    prepare_host(&c);
    struct gn_buf input = GN_BUF_INIT(GN_PROBE_LINE_MAX);
    for (;;) {
        char *end = input.len ? memchr(input.data, '\n', input.len) : NULL;
        if (end) {
            struct gn_json_doc doc = {0};
            struct gn_error err;
            if (gn_json_parse_copy(&doc, input.data, (size_t)(end - input.data), NULL, &err) != 0)
                _exit(2);
            gn_buf_consume(&input, (size_t)(end - input.data) + 1);
            try_one(&c, gn_json_root(&doc));
            gn_json_release(&doc);
            continue;
        }
        char *room = gn_buf_reserve(&input, 65536);
        ssize_t n = room ? read(c.requests, room, 65536) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        room[n] = 0;
        input.len += (size_t)n;
    }
    /* Not exit: what plugins have left to run then is nobody's business. */
    _exit(0);
}
