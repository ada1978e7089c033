/* registry.c - the registry: what each viewer sees, and looking it up.
 *
 * There is one snapshot for nobody in particular (edit.c). Those of principals and sessions are
 * built when they ask, from the same sources and transforms, and kept until the next commit.
 */
#include "registry/registry.h"

#include "call/call.h"
#include "registry/build.h"
#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define URI_MAX 8192 /* bytes of a URI, normalised */

/* ---------------------------------------------------------------- the registry */

struct gn_registry *gn_registry_new(void)
{
    struct gn_registry *r = gn_calloc(1, sizeof *r);
    r->magic = GN_REGISTRY_MAGIC;
    r->sources = gn_sources_copy(NULL);
    r->stack = gn_stack_new(0);
    gn_list_init(&r->views);
    gn_map_init(&r->memo);
    r->current = gn_build_run(r, r->sources, r->stack, NULL, NULL, &r->problems);
    _Static_assert(sizeof r->current->cursor_key == crypto_shorthash_KEYBYTES, "size of the key");
    randombytes_buf(r->current->cursor_key, sizeof r->current->cursor_key);
    return r;
}

static void free_view(struct gn_registry *r, struct gn_view_kept *v)
{
    gn_list_remove(&v->node);
    r->view_count--;
    gn_snapshot_unref(v->snapshot);
    gn_rules_unref(v->rules);
    gn_free(v->principal);
    gn_free(v);
}

void gn_registry_drop_views(struct gn_registry *r)
{
    GN_LIST_EACH(&r->views, n)
        free_view(r, GN_CONTAINER(n, struct gn_view_kept, node));
}

void gn_registry_free(struct gn_registry *r)
{
    if (!r)
        return;
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    gn_registry_drop_views(r);
    gn_snapshot_unref(r->current);
    gn_memo_forget_since(r, 0);
    gn_map_release(&r->memo, NULL);
    gn_problems_list_free(&r->problems);
    gn_sources_unref(r->sources);
    gn_stack_unref(r->stack);
    r->magic = 0;
    gn_free(r);
}

void gn_registry_set_env(struct gn_registry *r, const struct gn_call_env *env)
{
    r->env = env;
}

void gn_registry_on_problem(struct gn_registry *r,
                            void (*fn)(void *arg, enum gn_level level, const char *text), void *arg)
{
    r->on_problem = fn;
    r->on_problem_arg = arg;
}

struct gn_snapshot *gn_registry_current(struct gn_registry *r)
{
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    return r->current;
}

/* ---------------------------------------------------------------- views */

struct gn_viewer gn_viewer_of(const struct gn_call *call)
{
    return (struct gn_viewer){.principal = call->principal, .rules = call->rules};
}

static bool varies(const struct gn_snapshot *s)
{
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        if (s->kinds[kind].varies)
            return true;
    }
    return false;
}

/* Who is named nowhere sees what nobody in particular does. */
static bool is_special(const struct gn_registry *r, const char *principal)
{
    if (!principal || !varies(r->current))
        return false;
    const struct gn_stack *stack = r->stack;
    if (stack->has_predicates || gn_map_find(&stack->named, principal) ||
        gn_map_find(&r->current->principals, principal))
        return true;
    const char *pattern;
    for (size_t at = 0; stack->has_patterns && gn_map_next(&stack->named, &at, &pattern, NULL);) {
        char *const one[] = {(char *)(uintptr_t)pattern, NULL};
        if (gn_match_name(one, principal))
            return true;
    }
    return false;
}

static struct gn_view_kept *find_view(struct gn_registry *r, const char *principal,
                                      const struct gn_rules *rules)
{
    GN_LIST_EACH(&r->views, n) {
        struct gn_view_kept *v = GN_CONTAINER(n, struct gn_view_kept, node);
        if (v->rules != rules || !gn_streq(v->principal, principal))
            continue;
        gn_list_remove(n);
        gn_list_prepend(&r->views, n);
        return v;
    }
    return NULL;
}

struct gn_snapshot *gn_registry_view(struct gn_registry *r, const struct gn_viewer *viewer)
{
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    struct gn_rules *rules = viewer ? (struct gn_rules *)(uintptr_t)viewer->rules : NULL;
    const char *principal = viewer && is_special(r, viewer->principal) ? viewer->principal : NULL;
    if (!principal && !rules)
        return r->current;
    struct gn_view_kept *v = find_view(r, principal, rules);
    if (v)
        return v->snapshot;
    struct gn_viewer who = {.principal = principal, .rules = rules};
    struct gn_snapshot *s = gn_build_run(r, r->sources, r->stack, &who, NULL, NULL);
    s->version = r->current->version;
    memcpy(s->cursor_key, r->current->cursor_key, sizeof s->cursor_key);
    if (r->view_count >= GN_VIEWS)
        free_view(r, GN_CONTAINER(r->views.prev, struct gn_view_kept, node));
    v = gn_calloc(1, sizeof *v);
    v->principal = gn_strdup(principal);
    v->rules = rules;
    if (rules)
        rules->refs++;
    v->snapshot = s;
    gn_list_prepend(&r->views, &v->node);
    r->view_count++;
    return s;
}

/* ---------------------------------------------------------------- looking up */

struct gn_component *gn_snapshot_find(const struct gn_snapshot *s, enum gn_kind kind,
                                      const char *key)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    return gn_map_find(&s->kinds[kind].by_key, key);
}

struct gn_component *gn_snapshot_find_version(const struct gn_snapshot *s, enum gn_kind kind,
                                              const char *key, const char *version)
{
    struct gn_component *newest = gn_snapshot_find(s, kind, key);
    if (!newest || !version ||
        (newest->version && gn_version_compare(newest->version, version) == 0))
        return newest;
    GN_AUTO_FREE char *both = gn_format("%s\n%s", key, version);
    return gn_map_find(&s->kinds[kind].by_version, both);
}

static struct gn_component *find_resource(const struct gn_snapshot *s, const char *uri)
{
    struct gn_component *c = gn_snapshot_find(s, GN_RESOURCE, uri);
    if (c)
        return c;
    struct gn_buf normal = GN_BUF_INIT(URI_MAX);
    if (gn_uri_normalize(uri, &normal) == 0) {
        c = gn_map_find(&s->kinds[GN_RESOURCE].by_key, gn_buf_str(&normal));
        if (!c)
            c = gn_map_find(&s->by_uri, gn_buf_str(&normal));
    }
    gn_buf_release(&normal);
    return c;
}

struct gn_component *gn_snapshot_resolve(const struct gn_snapshot *s, const char *uri,
                                         struct gn_arena *arena, const gantry_json **ret_vars)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    *ret_vars = NULL;
    struct gn_component *c = find_resource(s, uri);
    if (c)
        return c;
    for (size_t i = 0; i < s->preferred_count; i++) {
        c = s->preferred[i];
        if (gn_uri_template_match(c->uri_template, uri, arena, ret_vars))
            return c;
    }
    return NULL;
}

const char *gn_snapshot_nearest(const struct gn_snapshot *s, enum gn_kind kind, const char *key)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    const struct gn_snapshot_kind *k = &s->kinds[kind];
    const char **keys = gn_calloc(k->count + 1, sizeof *keys);
    for (size_t i = 0; i < k->count; i++)
        keys[i] = k->v[i]->key;
    const char *nearest = gn_nearest(key, keys);
    gn_free(keys);
    return nearest;
}

/* ---------------------------------------------------------------- for plugins */

struct gn_component *gn_registry_source(struct gn_registry *r, const struct gn_owner *owner,
                                        enum gn_kind kind, const char *key)
{
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    return gn_sources_find(r->sources, kind, key, owner);
}

struct gn_component *gn_registry_remade(struct gn_registry *r, const struct gn_component *made)
{
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    const struct gn_component *own = made->own;
    struct gn_component *now = own ? gn_map_findn(&r->current->made, &own, sizeof own) : NULL;
    if (now || !own || !own->owner)
        return now;
    /* Its plugin has been reloaded: what that calls by the same name. */
    for (size_t i = 0; i < r->sources->count; i++) {
        struct gn_component *c = r->sources->v[i];
        if (c->kind == GN_TOOL && c->from && gn_streq(c->key, own->key) && c->owner &&
            gn_streq(c->owner->name, own->owner->name) && gn_streq(c->version, own->version) &&
            gn_streq(c->principal, own->principal))
            return gn_map_findn(&r->current->made, &c, sizeof c);
    }
    return NULL;
}

struct gn_component *gn_registry_made(struct gn_registry *r, struct gn_component *c)
{
    return c && c->from ? gn_map_findn(&r->current->made, &c, sizeof c) : c;
}

struct gn_component *gn_registry_reach(struct gn_registry *r, const struct gn_viewer *viewer,
                                       const char *name)
{
    struct gn_component *c = gn_snapshot_find(gn_registry_view(r, viewer), GN_TOOL, name);
    return c ? c
             : gn_registry_made(
                   r, gn_sources_find_for(r->sources, name, viewer->principal, NULL, NULL));
}

struct gn_component *gn_registry_reach_uri(struct gn_registry *r, const struct gn_viewer *viewer,
                                           const char *uri, struct gn_arena *arena,
                                           const gantry_json **ret_vars)
{
    struct gn_component *c = gn_snapshot_resolve(gn_registry_view(r, viewer), uri, arena, ret_vars);
    if (c)
        return c;
    c = gn_sources_find(r->sources, GN_RESOURCE, uri, NULL);
    for (size_t i = 0; !c && i < r->sources->count; i++) {
        struct gn_component *t = r->sources->v[i];
        if (t->kind == GN_TEMPLATE && gn_uri_template_match(t->uri_template, uri, arena, ret_vars))
            c = t;
    }
    return c;
}

int gn_registry_served_uri(struct gn_registry *r, const struct gn_component *source,
                           const char *uri, struct gn_buf *out)
{
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    const struct gn_snapshot *s = r->current;
    if (gn_snapshot_find(s, source->kind, source->key) == source)
        return gn_buf_adds(out, uri);
    for (size_t i = 0; i < s->entry_count; i++) {
        const struct gn_component *c = s->entries[i].c;
        if (c->kind != source->kind || gn_component_origin(c) != source)
            continue;
        if (c->kind == GN_RESOURCE)
            return gn_buf_adds(out, c->key);
        const char *colon = c->space ? strchr(uri, ':') : NULL;
        if (!colon)
            return gn_buf_adds(out, uri);
        size_t at = (size_t)(colon - uri) + (strncmp(colon, "://", 3) == 0 ? 3 : 1);
        return gn_buf_addf(out, "%.*s%s%s", (int)at, uri, c->space, uri + at);
    }
    return GN_ENOENT;
}
