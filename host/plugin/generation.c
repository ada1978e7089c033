/* generation.c - what a loaded plugin holds, and how it is let go of. */
#include "plugin/generation.h"

#include "call/mutex.h"
#include "call/semaphore.h"
#include "plugin/abi_internal.h"
#include "plugin/form.h"
#include "registry/transform.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define SETTINGS_BYTES ((size_t)16 << 20)

static void owner_ref(struct gn_owner *owner)
{
    gn_generation_ref(GN_CONTAINER(owner, struct gn_generation, owner));
}

static void owner_unref(struct gn_owner *owner)
{
    gn_generation_unref(GN_CONTAINER(owner, struct gn_generation, owner));
}

struct gn_generation *gn_generation_new(struct gn_call_env *env, const char *instance,
                                        uint32_t number)
{
    struct gn_generation *g = gn_calloc(1, sizeof *g);
    g->magic = GN_GENERATION_MAGIC;
    g->refs = 1;
    g->state = GN_GEN_STAGED;
    g->number = number;
    g->env = env;
    g->instance = gn_strdup(instance);
    g->owner = (struct gn_owner){
        .ref = owner_ref,
        .unref = owner_unref,
        .name = g->instance,
        .plugin = g,
        .group = &g->group,
    };
    gn_arena_init(&g->arena, SETTINGS_BYTES);
    gn_list_init(&g->mutexes);
    gn_list_init(&g->semaphores);
    gn_list_init(&g->schedules);
    gn_list_init(&g->spawned);
    gn_list_init(&g->updates);
    pthread_mutex_init(&g->updates_lock, NULL);
    return g;
}

void gn_generation_ref(struct gn_generation *g)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    g->refs++;
}

void gn_generation_set_hold(struct gn_generation *g,
                            bool (*hold)(struct gn_owner *owner, gantry_call *call))
{
    if (hold && !g->owner.hold)
        g->env->holding++;
    else if (!hold && g->owner.hold)
        g->env->holding--;
    g->owner.hold = hold;
}

/* Components that were taken back stay until nobody uses them any more: their data must go before
 * the code does. */
static void sweep_removed(struct gn_generation *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->removed_count; i++) {
        struct gn_component *c = g->removed[i];
        if (c->refs > 1)
            g->removed[kept++] = c;
        else
            gn_component_unref(c);
    }
    g->removed_count = kept;
}

void gn_generation_unref(struct gn_generation *g)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    gn_assert(g->refs > 0);
    if (g->removed_count)
        sweep_removed(g);
    if (--g->refs == 0 && g->on_unused)
        g->on_unused(g);
}

void gn_generation_add_component(struct gn_generation *g, struct gn_component *c)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    if (g->component_count == g->component_cap) {
        g->component_cap = g->component_cap ? g->component_cap * 2 : 16;
        g->components = gn_reallocarray(g->components, g->component_cap,
                                        sizeof(struct gn_component *));
    }
    g->components[g->component_count++] = c;
}

struct gn_component *gn_generation_find(struct gn_generation *g, enum gn_kind kind, const char *key)
{
    for (size_t i = 0; i < g->component_count; i++) {
        if (g->components[i]->kind == kind && gn_streq(g->components[i]->key, key))
            return g->components[i];
    }
    return NULL;
}

struct gn_component *gn_generation_find_same(struct gn_generation *g, const struct gn_component *c)
{
    for (size_t i = 0; i < g->component_count; i++) {
        struct gn_component *other = g->components[i];
        if (other->kind == c->kind && gn_streq(other->key, c->key) &&
            gn_streq(other->version, c->version) && gn_streq(other->principal, c->principal))
            return other;
    }
    return NULL;
}

void gn_generation_drop_component(struct gn_generation *g, struct gn_component *c)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    size_t i = 0;
    while (i < g->component_count && g->components[i] != c)
        i++;
    gn_assert(i < g->component_count);
    g->component_count--;
    memmove(&g->components[i], &g->components[i + 1],
            (g->component_count - i) * sizeof(struct gn_component *));
    g->removed = gn_reallocarray(g->removed, g->removed_count + 1, sizeof(struct gn_component *));
    g->removed[g->removed_count++] = c;
    sweep_removed(g);
}

/* ---------------------------------------------------------------- middleware */

#define MIDDLEWARE_MAX 64

static size_t find_middleware(const struct gn_generation *g, const char *name)
{
    size_t i = 0;
    while (i < g->middleware_count && !gn_streq(g->middleware[i]->name, name))
        i++;
    return i;
}

void gn_generation_publish_middleware(struct gn_generation *g)
{
    gn_around_replace(g->env, &g->owner, g->middleware, g->middleware_count);
}

int gn_generation_add_middleware(struct gn_generation *g, struct gn_middleware *m,
                                 struct gn_error *err)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    int rc = GN_OK;
    if (find_middleware(g, m->name) < g->middleware_count)
        rc = gn_error_set(err, GN_EEXIST, "middleware %s is declared twice", m->name);
    else if (g->middleware_count >= MIDDLEWARE_MAX)
        rc = gn_error_set(err, GN_ETOOBIG, "declares more than %d middlewares", MIDDLEWARE_MAX);
    if (rc) {
        m->free_data = NULL;
        gn_middleware_unref(m);
        return rc;
    }
    g->middleware = gn_reallocarray(g->middleware, g->middleware_count + 1,
                                    sizeof(struct gn_middleware *));
    g->middleware[g->middleware_count++] = m;
    if (g->state == GN_GEN_LIVE)
        gn_generation_publish_middleware(g);
    return GN_OK;
}

int gn_generation_remove_middleware(struct gn_generation *g, const char *name)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    size_t i = find_middleware(g, name);
    if (i == g->middleware_count)
        return GN_ENOENT;
    struct gn_middleware *m = g->middleware[i];
    g->middleware_count--;
    memmove(&g->middleware[i], &g->middleware[i + 1],
            (g->middleware_count - i) * sizeof(struct gn_middleware *));
    if (g->state == GN_GEN_LIVE)
        gn_generation_publish_middleware(g);
    gn_middleware_unref(m);
    return GN_OK;
}

/* ---------------------------------------------------------------- transforms */

#define TRANSFORMS_MAX 256

/* Its data must go before the code does: whoever still holds it makes no use of it any more. */
static void let_go_of_transform(struct gn_transform *t)
{
    void (*free_data)(void *) = t->free_data;
    void *data = t->data;
    t->owner = NULL;
    t->concerns = NULL;
    t->data = NULL;
    t->free_data = NULL;
    if (free_data && data)
        free_data(data);
    gn_transform_unref(t);
}

static int publish_transforms(struct gn_generation *g, struct gn_error *err)
{
    bool now = g->state == GN_GEN_LIVE && g->publish_transforms;
    return now ? g->publish_transforms(g, false, err) : GN_OK;
}

static size_t find_transform(const struct gn_generation *g, const char *name)
{
    size_t i = 0;
    while (i < g->transform_count && !gn_streq(g->transforms[i]->name, name))
        i++;
    return i;
}

int gn_generation_add_transform(struct gn_generation *g, struct gn_transform *t,
                                struct gn_error *err)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    int rc = GN_OK;
    if (find_transform(g, t->name) < g->transform_count)
        rc = gn_error_set(err, GN_EEXIST, "transform %s is declared twice", t->name);
    else if (g->transform_count >= TRANSFORMS_MAX)
        rc = gn_error_set(err, GN_ETOOBIG, "declares more than %d transforms", TRANSFORMS_MAX);
    if (!rc) {
        g->transforms = gn_reallocarray(g->transforms, g->transform_count + 1,
                                        sizeof(struct gn_transform *));
        g->transforms[g->transform_count++] = t;
        rc = publish_transforms(g, err);
        g->transform_count -= rc != GN_OK;
    }
    if (rc) {
        gn_abi_transform_give_back(t);
        let_go_of_transform(t);
    }
    return rc;
}

int gn_generation_remove_transform(struct gn_generation *g, const char *name, struct gn_error *err)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    size_t i = find_transform(g, name);
    if (i == g->transform_count)
        return GN_ENOENT;
    struct gn_transform *t = g->transforms[i], **at = &g->transforms[i];
    size_t behind = --g->transform_count - i;
    memmove(at, at + 1, behind * sizeof(struct gn_transform *));
    int rc = publish_transforms(g, err);
    if (rc) {
        memmove(at + 1, at, behind * sizeof(struct gn_transform *));
        *at = t;
        g->transform_count++;
        return rc;
    }
    let_go_of_transform(t);
    return GN_OK;
}

void gn_generation_publish_extensions(struct gn_generation *g)
{
    gn_extensions_replace(g->env, &g->owner, g->extensions, g->extension_count);
}

void gn_generation_retract_extensions(struct gn_generation *g)
{
    if (g->env)
        gn_extensions_replace(g->env, &g->owner, NULL, 0);
}

/* No call holds one any more: a call holds the generation. */
static void drop_middleware(struct gn_generation *g)
{
    for (size_t i = 0; i < g->middleware_count; i++)
        gn_middleware_unref(g->middleware[i]);
    g->middleware_count = 0;
}

static void drop_transforms(struct gn_generation *g)
{
    for (size_t i = 0; i < g->transform_count; i++)
        let_go_of_transform(g->transforms[i]);
    g->transform_count = 0;
}

/* Whoever still holds one of the components (an old snapshot) may read it, but not reach the
 * plugin. */
static void disarm(struct gn_component **v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct gn_component *c = v[i];
        void (*free_data)(void *) = c->free_data;
        void *data = c->data;
        c->run = NULL;
        c->complete = NULL;
        c->owner = NULL;
        c->data = NULL;
        c->free_data = NULL;
        if (free_data && data)
            free_data(data);
        gn_component_unref(c);
    }
}

static void free_mutexes(struct gn_generation *g)
{
    struct gn_list *n;
    while ((n = gn_list_pop(&g->mutexes))) {
        struct gantry_mutex *m = GN_CONTAINER(n, struct gantry_mutex, plugin_node);
        gn_mutex_fini(&m->mutex);
        gn_free(m);
    }
    while ((n = gn_list_pop(&g->semaphores))) {
        struct gantry_semaphore *s = GN_CONTAINER(n, struct gantry_semaphore, plugin_node);
        gn_semaphore_fini(&s->semaphore);
        gn_free(s);
    }
}

void gn_generation_stop(struct gn_generation *g)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    if (g->state == GN_GEN_STOPPED)
        return;
    g->state = GN_GEN_STOPPED;
    gn_generation_end_schedules(g);
    gn_generation_retract_extensions(g);
    if (g->started && g->stop)
        g->stop(g);
    g->started = false;
    gn_generation_drop_updates(g);
    gn_generation_free_schedules(g);
    disarm(g->components, g->component_count);
    disarm(g->removed, g->removed_count);
    g->component_count = g->removed_count = 0;
    drop_middleware(g);
    drop_transforms(g);
    g->settings = NULL;
    gn_arena_release(&g->arena);
    gn_json_release(&g->settings_doc);
    gn_fields_free(g->settings_fields);
    g->settings_fields = NULL;
    free_mutexes(g);
    g->start = NULL;
    g->stop = NULL;
    g->save = NULL;
    g->restore = NULL;
}

void gn_generation_free(struct gn_generation *g)
{
    if (!g)
        return;
    gn_generation_stop(g);
    gn_assert(g->module == NULL);
    gn_generation_free_metrics(g);
    gn_forms_free(g->forms);
    for (size_t i = 0; i < g->extension_count; i++) {
        gn_free(g->extensions[i].name);
        json_decref(g->extensions[i].settings);
    }
    gn_free(g->extensions);
    pthread_mutex_destroy(&g->updates_lock);
    gn_free(g->components);
    gn_free(g->removed);
    gn_free(g->middleware);
    gn_free(g->transforms);
    gn_free(g->instance);
    gn_free(g->prefix);
    gn_free(g->name);
    gn_free(g->version);
    g->magic = 0;
    gn_free(g);
}
