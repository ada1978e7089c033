/* registry.c - snapshots: building the next one from the current one, publishing it, looking up.
 *
 * An edit is the next snapshot in the making: its maps are filled from the current one and changed;
 * the sorted arrays are made when it is committed.
 */
#include "registry/registry.h"

#include "call/call.h"
#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define URI_MAX 8192              /* bytes of a URI, normalised */
#define RENDERING_MAX (16u << 20) /* of one component; larger ones count as changed */

#define GN_REGISTRY_MAGIC 0x4e615747u
struct gn_registry {
    uint32_t magic;
    struct gn_snapshot *current;
};

struct gn_edit {
    struct gn_registry *registry;
    struct gn_snapshot *base, *next; /* base: what it started from; one reference */
};

/* What is unique about a kind's key, for messages. */
static const char *const key_names[GN_KINDS] = {
    [GN_TOOL] = "name",
    [GN_RESOURCE] = "URI",
    [GN_TEMPLATE] = "URI template",
    [GN_PROMPT] = "name",
};

/* ---------------------------------------------------------------- snapshots */

static struct gn_snapshot *snapshot_new(void)
{
    struct gn_snapshot *s = gn_calloc(1, sizeof *s);
    s->magic = GN_SNAPSHOT_MAGIC;
    s->refs = 1;
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++)
        gn_map_init(&s->kinds[kind].by_key);
    gn_map_init(&s->by_uri);
    return s;
}

struct gn_snapshot *gn_snapshot_ref(struct gn_snapshot *s)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    s->refs++;
    return s;
}

static void unref_component(void *value)
{
    gn_component_unref(value);
}

void gn_snapshot_unref(struct gn_snapshot *s)
{
    if (!s)
        return;
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    if (--s->refs > 0)
        return;
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        gn_map_release(&s->kinds[kind].by_key, unref_component);
        gn_free(s->kinds[kind].v);
    }
    gn_map_release(&s->by_uri, NULL);
    gn_free(s->preferred);
    s->magic = 0;
    gn_free(s);
}

static int compare_keys(const void *a, const void *b)
{
    const struct gn_component *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

static int compare_preference(const void *a, const void *b)
{
    const struct gn_component *const *x = a, *const *y = b;
    int order = gn_uri_template_compare((*x)->uri_template, (*y)->uri_template);
    return order ? order : strcmp((*x)->key, (*y)->key);
}

static void sort_kind(struct gn_snapshot_kind *k)
{
    size_t at = 0;
    void *value;
    k->v = gn_calloc(k->by_key.count + 1, sizeof(struct gn_component *));
    k->count = 0;
    while (gn_map_next(&k->by_key, &at, NULL, &value))
        k->v[k->count++] = value;
    qsort(k->v, k->count, sizeof(struct gn_component *), compare_keys);
}

/* A client may ask with `%20` for what the author wrote with a space. */
static void index_uris(struct gn_snapshot *s)
{
    const struct gn_snapshot_kind *k = &s->kinds[GN_RESOURCE];
    struct gn_buf uri = GN_BUF_INIT(URI_MAX);
    for (size_t i = 0; i < k->count; i++) {
        gn_buf_clear(&uri);
        if (gn_uri_normalize(k->v[i]->key, &uri) || gn_streq(gn_buf_str(&uri), k->v[i]->key))
            continue;
        if (!gn_map_find(&s->by_uri, gn_buf_str(&uri)))
            gn_map_put(&s->by_uri, gn_buf_str(&uri), k->v[i]);
    }
    gn_buf_release(&uri);
}

static void complete_snapshot(struct gn_snapshot *s)
{
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++)
        sort_kind(&s->kinds[kind]);
    index_uris(s);
    const struct gn_snapshot_kind *k = &s->kinds[GN_TEMPLATE];
    s->preferred = gn_calloc(k->count + 1, sizeof(struct gn_component *));
    memcpy(s->preferred, k->v, k->count * sizeof(struct gn_component *));
    qsort(s->preferred, k->count, sizeof(struct gn_component *), compare_preference);
}

/* ---------------------------------------------------------------- the registry */

struct gn_registry *gn_registry_new(void)
{
    struct gn_registry *r = gn_calloc(1, sizeof *r);
    r->magic = GN_REGISTRY_MAGIC;
    r->current = snapshot_new();
    _Static_assert(sizeof r->current->cursor_key == crypto_shorthash_KEYBYTES, "size of the key");
    randombytes_buf(r->current->cursor_key, sizeof r->current->cursor_key);
    complete_snapshot(r->current);
    return r;
}

void gn_registry_free(struct gn_registry *r)
{
    if (!r)
        return;
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    gn_snapshot_unref(r->current);
    r->magic = 0;
    gn_free(r);
}

struct gn_snapshot *gn_registry_current(struct gn_registry *r)
{
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    return r->current;
}

/* ---------------------------------------------------------------- editing */

static void copy_kind(struct gn_snapshot_kind *to, const struct gn_snapshot_kind *from)
{
    for (size_t i = 0; i < from->count; i++)
        gn_map_put(&to->by_key, from->v[i]->key, gn_component_ref(from->v[i]));
}

struct gn_edit *gn_edit_begin(struct gn_registry *r)
{
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    struct gn_edit *e = gn_calloc(1, sizeof *e);
    e->registry = r;
    e->base = gn_snapshot_ref(r->current);
    e->next = snapshot_new();
    e->next->version = r->current->version + 1;
    memcpy(e->next->cursor_key, r->current->cursor_key, sizeof e->next->cursor_key);
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++)
        copy_kind(&e->next->kinds[kind], &r->current->kinds[kind]);
    return e;
}

void gn_edit_abort(struct gn_edit *e)
{
    if (!e)
        return;
    gn_snapshot_unref(e->base);
    gn_snapshot_unref(e->next);
    gn_free(e);
}

void gn_edit_remove_owner(struct gn_edit *e, const struct gn_owner *owner)
{
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        struct gn_map *map = &e->next->kinds[kind].by_key;
        size_t at = 0;
        void *value;
        while (gn_map_next(map, &at, NULL, &value)) {
            struct gn_component *c = value;
            if (c->owner != owner)
                continue;
            gn_map_remove(map, c->key);
            gn_component_unref(c);
        }
    }
}

int gn_edit_remove(struct gn_edit *e, const struct gn_component *c)
{
    struct gn_map *map = &e->next->kinds[c->kind].by_key;
    struct gn_component *found = gn_map_find(map, c->key);
    if (found != c)
        return GN_ENOENT;
    gn_map_remove(map, c->key);
    gn_component_unref(found);
    return GN_OK;
}

void gn_edit_transforms(struct gn_edit *e, struct gn_owner *owner, struct gn_transform *const *v,
                        size_t count)
{
    (void)e;
    (void)owner;
    (void)v;
    (void)count;
}

void gn_edit_touch(struct gn_edit *e)
{
    (void)e;
}

int gn_edit_check(struct gn_edit *e, struct gn_error *err)
{
    (void)e;
    (void)err;
    return GN_OK;
}

struct gn_snapshot *gn_registry_view(struct gn_registry *r, const struct gn_viewer *viewer)
{
    (void)viewer;
    return gn_registry_current(r);
}

struct gn_viewer gn_viewer_of(const struct gantry_call *call)
{
    return (struct gn_viewer){.principal = call->principal, .rules = call->rules};
}

struct gn_component *gn_registry_source(struct gn_registry *r, const struct gn_owner *owner,
                                        enum gn_kind kind, const char *key)
{
    struct gn_component *c = gn_snapshot_find(r->current, kind, key);
    return c && (!owner || c->owner == owner) ? c : NULL;
}

struct gn_component *gn_registry_reach(struct gn_registry *r, const struct gn_viewer *viewer,
                                       enum gn_kind kind, const char *key)
{
    (void)viewer;
    return gn_snapshot_find(r->current, kind, key);
}

int gn_registry_served_uri(struct gn_registry *r, const struct gn_component *source,
                           const char *uri, struct gn_buf *out)
{
    (void)r;
    (void)source;
    return gn_buf_adds(out, uri);
}

void gn_registry_on_problem(struct gn_registry *r,
                            void (*fn)(void *arg, enum gn_level level, const char *text), void *arg)
{
    (void)r;
    (void)fn;
    (void)arg;
}

struct gn_component *gn_snapshot_find_version(const struct gn_snapshot *s, enum gn_kind kind,
                                              const char *key, const char *version)
{
    struct gn_component *c = gn_snapshot_find(s, kind, key);
    return c && (!version || gn_streq(c->version, version)) ? c : NULL;
}

uint64_t gn_snapshot_digest(struct gn_snapshot *s, enum gn_kind kind, struct gn_view view)
{
    (void)kind;
    (void)view;
    return s->version;
}

void gn_registry_describe(struct gn_registry *r, struct gn_jw *w)
{
    (void)r;
    gn_jw_object(w, NULL);
    gn_jw_end(w);
}

int gn_edit_add(struct gn_edit *e, struct gn_component *c, struct gn_error *err)
{
    GN_CHECK(c, GN_COMPONENT_MAGIC);
    struct gn_map *map = &e->next->kinds[c->kind].by_key;
    const struct gn_component *other = gn_map_find(map, c->key);
    if (other && other->owner == c->owner)
        return gn_error_set(err, GN_EEXIST, "%s %s is declared twice", gn_kind_name(c->kind),
                            c->key);
    if (other)
        return gn_error_set(err, GN_EEXIST, "%s %s: %s%s has one of that %s", gn_kind_name(c->kind),
                            c->key, other->owner ? "plugin " : "the host",
                            other->owner ? other->owner->name : "", key_names[c->kind]);
    gn_map_put(map, c->key, gn_component_ref(c));
    return GN_OK;
}

/* True if clients see both the same way, in every revision: the latest shows all there is. */
static bool looks_the_same(const struct gn_component *a, const struct gn_component *b)
{
    if (a == b)
        return true;
    struct gn_buf texts[2] = {GN_BUF_INIT(RENDERING_MAX), GN_BUF_INIT(RENDERING_MAX)};
    const struct gn_component *both[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        struct gn_jw w;
        gn_jw_init(&w, &texts[i]);
        gn_component_write(both[i], (struct gn_view){.revision = GN_REV_LATEST}, &w);
    }
    bool same = !texts[0].overflow && !texts[1].overflow && texts[0].len == texts[1].len &&
                memcmp(texts[0].data, texts[1].data, texts[0].len) == 0;
    gn_buf_release(&texts[0]);
    gn_buf_release(&texts[1]);
    return same;
}

static bool kind_changed(const struct gn_snapshot_kind *old, const struct gn_snapshot_kind *new)
{
    if (old->count != new->count)
        return true;
    for (size_t i = 0; i < old->count; i++) {
        if (!gn_streq(old->v[i]->key, new->v[i]->key) || !looks_the_same(old->v[i], new->v[i]))
            return true;
    }
    return false;
}

uint32_t gn_edit_commit(struct gn_edit *e)
{
    struct gn_registry *r = e->registry;
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    gn_assert(e->base == r->current);
    complete_snapshot(e->next);
    uint32_t changed = 0;
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        if (kind_changed(&e->base->kinds[kind], &e->next->kinds[kind]))
            changed |= 1u << kind;
    }
    r->current = e->next;
    gn_snapshot_unref(e->base); /* the registry's own */
    gn_snapshot_unref(e->base);
    gn_free(e);
    return changed;
}

/* ---------------------------------------------------------------- looking up */

struct gn_component *gn_snapshot_find(const struct gn_snapshot *s, enum gn_kind kind,
                                      const char *key)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    return gn_map_find(&s->kinds[kind].by_key, key);
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
    for (size_t i = 0; i < s->kinds[GN_TEMPLATE].count; i++) {
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
