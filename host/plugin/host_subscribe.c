/* host_subscribe.c - resources that change, and who wants to know.
 *
 * Subscriptions are the protocol's (env->is_watched, env->resource_changed), which knows them by
 * URI. Here it is seen to that a plugin speaks of its own resources, and that its own threads may
 * speak, too: what they tell waits in the generation until the loop has come to it.
 */
#include "plugin/host_internal.h"

#include "plugin/abi_internal.h"
#include "plugin/prefix.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

#define LABEL_MAX 96
#define PENDING_MAX 1024 /* that the threads of one generation may have told */
#define RESOLVE_BYTES (1u << 20)

/* Told by a thread of the plugin, on its way to the loop. */
struct update {
    struct gn_post post;
    struct gn_list node; /* in g->updates */
    gantry_plugin *g;    /* NULL: it is gone [loop] */
    char uri[];
};

/* A question, carried to the loop. */
struct question {
    gantry_plugin *g;
    const char *uri;
    bool is_update;
    int rc;
};

/* ---------------------------------------------------------------- on the loop */

/* What clients see under this URI; NULL: nothing. */
static struct gn_component *resolve(gantry_plugin *g, const char *uri)
{
    struct gn_arena arena;
    const gantry_json *vars;
    struct gn_snapshot *s = g->env->registry ? gn_registry_current(g->env->registry) : NULL;
    gn_arena_init(&arena, RESOLVE_BYTES);
    struct gn_component *c = s ? gn_snapshot_resolve(s, uri, &arena, &vars) : NULL;
    gn_arena_release(&arena);
    return c;
}

static bool matches(const struct gn_component *c, const char *uri)
{
    struct gn_arena arena;
    const gantry_json *vars;
    gn_arena_init(&arena, RESOLVE_BYTES);
    bool does = gn_uri_template_match(c->uri_template, uri, &arena, &vars);
    gn_arena_release(&arena);
    return does;
}

static bool is_same_uri(const char *key, const char *normal)
{
    struct gn_buf other = GN_BUF_INIT(2 * GN_ABI_URI_MAX);
    bool is_same = gn_uri_normalize(key, &other) == 0 && gn_streq(gn_buf_str(&other), normal);
    gn_buf_release(&other);
    return is_same;
}

/* The component that this instance serves under the URI, which it may write in another way than it
 * has declared it. */
static struct gn_component *find_source(gantry_plugin *g, const char *uri)
{
    struct gn_component *best = gn_registry_source(g->env->registry, &g->owner, GN_RESOURCE, uri);
    struct gn_buf normal = GN_BUF_INIT(2 * GN_ABI_URI_MAX);
    bool is_normal = !best && gn_uri_normalize(uri, &normal) == 0;
    for (size_t i = 0; is_normal && i < g->component_count; i++) {
        struct gn_component *c = g->components[i];
        if (c->kind == GN_RESOURCE && is_same_uri(c->key, gn_buf_str(&normal))) {
            best = c;
            break;
        }
        if (c->kind == GN_TEMPLATE && matches(c, uri) &&
            (!best || gn_uri_template_compare(c->uri_template, best->uri_template) < 0))
            best = c;
    }
    gn_buf_release(&normal);
    return best;
}

enum { SERVED, NOT_SERVED, NOT_OURS };

/* One of its URIs as clients know it. */
static int serve_uri(gantry_plugin *g, const char *uri, struct gn_buf *out)
{
    struct gn_component *source = find_source(g, uri);
    if (!source)
        return NOT_OURS;
    gn_buf_clear(out);
    if (gn_registry_served_uri(g->env->registry, source, uri, out) || out->overflow)
        return NOT_SERVED;
    const struct gn_component *c = resolve(g, gn_buf_str(out));
    return !c || c->owner == &g->owner ? SERVED : NOT_OURS;
}

/* The same of what the plugin says: as it declared it, or as it was told. */
static int own_uri(gantry_plugin *g, const char *uri, struct gn_buf *out)
{
    if (!g->env->registry)
        return NOT_OURS;
    GN_AUTO_FREE char *key = gn_prefix_key(g, GN_RESOURCE, uri);
    int rc = serve_uri(g, key, out);
    return rc == NOT_OURS && g->prefix ? serve_uri(g, uri, out) : rc;
}

static int misused(const gantry_plugin *g, const char *function, const char *uri)
{
    char label[LABEL_MAX];
    snprintf(label, sizeof label, "plugin %s", g->instance);
    gn_log(g->env->log, GN_ERROR, label, "%s: %.256s is not the URI of a resource of this instance",
           function, gn_abi_label(uri));
    return GANTRY_EINVAL;
}

/* Whether a resource of that template is subscribed to. */
static bool is_any_watched(gantry_plugin *g, const struct gn_component *c)
{
    struct gn_call_env *env = g->env;
    size_t at = 0;
    bool found = false;
    for (const char *uri; !found && (uri = env->next_watched(env->watch_arg, &at)) != NULL;) {
        const struct gn_component *seen = resolve(g, uri);
        found = seen && seen->parent ? gn_component_origin(seen) == c : matches(c, uri);
    }
    return found;
}

static struct gn_component *own_template(gantry_plugin *g, const char *uri)
{
    GN_AUTO_FREE char *key = strchr(uri, '{') ? gn_prefix_key(g, GN_TEMPLATE, uri) : NULL;
    return key ? gn_generation_find(g, GN_TEMPLATE, key) : NULL;
}

static int answer(gantry_plugin *g, const char *uri, bool is_update)
{
    struct gn_call_env *env = g->env;
    if (!env->is_watched)
        return is_update ? GANTRY_ENOENT : 0;
    /* While it starts, or ends, its resources are those of another generation, or nobody's. */
    if (g->state != GN_GEN_LIVE)
        return is_update ? GANTRY_ENOENT : 0;
    const struct gn_component *c = is_update ? NULL : own_template(g, uri);
    if (c)
        return is_any_watched(g, c);
    struct gn_buf served = GN_BUF_INIT(2 * GN_ABI_URI_MAX);
    int whose = own_uri(g, uri, &served);
    bool is_watched = whose == SERVED && env->is_watched(env->watch_arg, gn_buf_str(&served));
    if (is_watched && is_update)
        env->resource_changed(env->watch_arg, gn_buf_str(&served));
    gn_buf_release(&served);
    if (whose == NOT_OURS)
        return misused(g, is_update ? "gantry_resource_updated" : "gantry_is_subscribed", uri);
    if (!is_update)
        return is_watched;
    return is_watched ? GANTRY_OK : GANTRY_ENOENT;
}

static void answer_on_loop(void *arg)
{
    struct question *q = arg;
    q->rc = answer(q->g, q->uri, q->is_update);
}

/* ---------------------------------------------------------------- from threads of the plugin */

static void pass_on(struct gn_post *post)
{
    struct update *u = GN_CONTAINER(post, struct update, post);
    gantry_plugin *g = u->g;
    if (g) {
        pthread_mutex_lock(&g->updates_lock);
        gn_list_remove(&u->node);
        g->update_count--;
        pthread_mutex_unlock(&g->updates_lock);
        (void)answer(g, u->uri, true);
    }
    gn_free(u);
}

static bool is_told(const gantry_plugin *g, const char *uri)
{
    GN_LIST_EACH(&g->updates, n) {
        if (strcmp(GN_CONTAINER(n, struct update, node)->uri, uri) == 0)
            return true;
    }
    return false;
}

static int tell_later(gantry_plugin *g, const char *uri, size_t len)
{
    int rc = GANTRY_OK;
    pthread_mutex_lock(&g->updates_lock);
    if (is_told(g, uri)) {
        /* the loop has not come to it yet */
    } else if (g->update_count >= PENDING_MAX) {
        rc = GANTRY_EBUSY;
    } else {
        struct update *u = gn_calloc(1, sizeof *u + len + 1);
        memcpy(u->uri, uri, len);
        u->g = g;
        gn_list_append(&g->updates, &u->node);
        g->update_count++;
        gn_loop_post(g->env->loop, &u->post, pass_on);
    }
    pthread_mutex_unlock(&g->updates_lock);
    return rc;
}

void gn_generation_drop_updates(struct gn_generation *g)
{
    struct gn_list *n;
    pthread_mutex_lock(&g->updates_lock);
    while ((n = gn_list_pop(&g->updates)))
        GN_CONTAINER(n, struct update, node)->g = NULL; /* freed when the loop comes to it */
    g->update_count = 0;
    pthread_mutex_unlock(&g->updates_lock);
}

/* ---------------------------------------------------------------- the table */

static int ask(gantry_plugin *g, const char *uri, bool is_update)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    size_t len = uri ? strnlen(uri, GN_ABI_URI_MAX + 1) : 0;
    if (len == 0 || len > GN_ABI_URI_MAX)
        return GANTRY_EINVAL;
    if (!g->env->loop || gn_loop_is_current(g->env->loop))
        return answer(g, uri, is_update);
    if (!gn_task_current())
        return is_update ? tell_later(g, uri, len) : GANTRY_EPERM;
    struct question q = {.g = g, .uri = uri, .is_update = is_update};
    gn_task_on_loop(gn_task_current(), answer_on_loop, &q);
    return q.rc;
}

int gn_host_resource_updated(gantry_plugin *g, const char *uri)
{
    return ask(g, uri, true);
}

int gn_host_is_subscribed(gantry_plugin *g, const char *uri)
{
    return ask(g, uri, false);
}

/* ---------------------------------------------------------------- all of them */

/* A question of a call, carried to the loop. */
struct listing {
    gantry_call *call;
    gantry_plugin *g;
    gantry_strings *ret;
    int rc;
};

static void list_on_loop(void *arg)
{
    struct listing *l = arg;
    struct gn_call_env *env = l->g->env;
    const char **v = NULL;
    size_t n = 0, room = 0, at = 0;
    l->rc = GANTRY_OK;
    if (!env->next_watched || l->g->state != GN_GEN_LIVE)
        return;
    while (env->next_watched(env->watch_arg, &at))
        room++;
    v = gn_arena_alloc(&l->call->arena, (room + 1) * sizeof *v);
    at = 0;
    for (const char *uri; v && (uri = env->next_watched(env->watch_arg, &at)) != NULL;) {
        const struct gn_component *c = resolve(l->g, uri);
        const char *inner = c && c->owner == &l->g->owner
                                ? gn_component_inner_uri(c, uri, &l->call->arena)
                                : NULL;
        const char *copy = inner ? gn_arena_strdup(&l->call->arena, inner) : NULL;
        if (copy)
            v[n++] = copy;
    }
    if (!v)
        l->rc = GANTRY_ETOOBIG;
    *l->ret = (gantry_strings){v ? n : 0, v};
}

int gn_host_subscriptions(gantry_call *call, gantry_strings *ret)
{
    gantry_plugin *g = gn_host_self(call);
    if (!g || !ret)
        return GANTRY_EINVAL;
    struct listing l = {.call = call, .g = g, .ret = ret};
    gn_host_on_loop(call, list_on_loop, &l);
    return l.rc;
}
