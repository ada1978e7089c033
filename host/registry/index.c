/* index.c - from the entries of a build to a snapshot: who wins a name, the newest versions, maps.
 *
 * Of one key there may be several versions, if all say which they are, and one for a principal
 * beside one for all. What else ends up with a name that another has is not served and a conflict;
 * what was made yields to what is there by itself.
 */
#include "registry/build.h"

#include "call/call.h"
#include "registry/render.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>

#define URI_MAX 8192

/* ---------------------------------------------------------------- order */

static int compare_entries(const void *a, const void *b)
{
    const struct gn_entry *x = a, *y = b;
    int order = (int)x->c->kind - (int)y->c->kind;
    if (!order)
        order = strcmp(x->c->key, y->c->key);
    if (!order)
        order = -gn_version_compare(x->c->version, y->c->version);
    if (!order) /* one for a principal before one for all */
        order = (x->c->principal == NULL) - (y->c->principal == NULL);
    if (!order)
        order = (x->c->parent != NULL) - (y->c->parent != NULL);
    if (!order)
        order = x->is_new - y->is_new;
    if (!order && gn_component_provider(x->c) && gn_component_provider(y->c))
        order = strcmp(gn_component_provider(x->c)->name, gn_component_provider(y->c)->name);
    if (!order)
        order = strcmp(gn_component_origin(x->c)->key, gn_component_origin(y->c)->key);
    return order;
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

/* ---------------------------------------------------------------- states */

static void judge(struct gn_build *b, struct gn_entry *e)
{
    const char *principal = b->viewer ? b->viewer->principal : NULL;
    if (e->is_parentless) {
        e->state = e->is_off ? GN_ENTRY_WAITING : GN_ENTRY_WRONG;
    } else if (e->is_off) {
        e->state = e->why ? GN_ENTRY_WRONG : GN_ENTRY_OFF;
    } else if (e->c->principal) {
        b->varies[e->c->kind] = true;
        e->state = gn_streq(e->c->principal, principal) ? GN_ENTRY_SERVED : GN_ENTRY_FOREIGN;
    }
    if (e->state == GN_ENTRY_SERVED && e->is_unlisted)
        e->state = GN_ENTRY_UNLISTED;
}

static bool is_there(const struct gn_entry *e)
{
    return e->state == GN_ENTRY_SERVED || e->state == GN_ENTRY_UNLISTED ||
           e->state == GN_ENTRY_OLDER;
}

static bool is_called_as(const struct gn_component *c, const struct gn_component *parent)
{
    return gn_streq(c->key, parent->key) && gn_streq(c->version, parent->version);
}

/* The transform that gave it its name or version; NULL: its plugin did. */
static const struct gn_transform *namer(struct gn_build *b, const struct gn_component *c)
{
    for (; c->parent && !c->own; c = c->parent) {
        for (size_t i = 0; !is_called_as(c, c->parent) && i < b->stack->count; i++) {
            if (gn_build_recall(b, b->stack->v[i], c->parent) == c)
                return b->stack->v[i];
        }
    }
    return NULL;
}

/* Two plugins are told by their names; a name that transforms gave by what it was given to. */
static void conflict(struct gn_build *b, struct gn_entry *loser, const struct gn_entry *winner)
{
    const struct gn_component *c = loser->c, *other = winner->c;
    const struct gn_owner *of = gn_component_provider(c), *by = gn_component_provider(other);
    const struct gn_transform *of_named = namer(b, c), *by_named = namer(b, other);
    char of_label[GN_TRANSFORM_LABEL], by_label[GN_TRANSFORM_LABEL];
    const char *what = c->kind == GN_RESOURCE   ? "URI"
                       : c->kind == GN_TEMPLATE ? "URI template"
                                                : "name";
    const char *mixes = !c->version != !other->version
                            ? ", one with and one without a version: give both one"
                            : "";
    loser->state = GN_ENTRY_WRONG;
    gn_free(loser->why);
    loser->why = gn_format("%s%s has one of that %s%s%s%s%s", by ? "plugin " : "the host",
                           by ? by->name : "", what, by_named ? " (by " : "",
                           by_named ? gn_transform_label(by_named, by_label) : "",
                           by_named ? ")" : "", mixes);
    if (gn_streq(gn_component_origin(c)->key, c->key) && !of_named)
        gn_build_conflict(b, "%s %s: %s", gn_kind_name(c->kind), c->key, loser->why);
    else
        gn_build_conflict(b, "%s %s (%s of %s%s%s%s): %s", gn_kind_name(c->kind), c->key,
                          gn_component_origin(c)->key, of ? "plugin " : "the host",
                          of ? of->name : "", of_named ? ", by " : "",
                          of_named ? gn_transform_label(of_named, of_label) : "", loser->why);
}

/* Entries of one key, in their order. */
static void settle_group(struct gn_build *b, struct gn_entry *v, size_t count)
{
    struct gn_entry *last = NULL;
    for (size_t i = 0; i < count; i++) {
        struct gn_entry *e = &v[i];
        judge(b, e);
        if (!is_there(e))
            continue;
        if (!last) {
            last = e;
            continue;
        }
        bool is_same = gn_version_compare(last->c->version, e->c->version) == 0;
        bool mixes = !last->c->version != !e->c->version;
        if (is_same && last->c->principal && !e->c->principal)
            e->state = GN_ENTRY_FOREIGN; /* this principal has one of its own */
        else if (is_same || mixes)
            conflict(b, e, last);
        else
            e->state = GN_ENTRY_OLDER;
        if (e->state == GN_ENTRY_OLDER)
            last = e;
    }
}

/* ---------------------------------------------------------------- maps */

/* The key of a version; NULL where it would not fit. */
static char *version_key(const char *key, const char *version)
{
    return gn_format("%s\n%s", key, version);
}

static void index_versions(struct gn_snapshot_kind *k, struct gn_entry *v, size_t count)
{
    struct gn_buf text = GN_BUF_INIT(64u << 10);
    struct gn_jw w;
    size_t there = 0;
    for (size_t i = 0; i < count; i++)
        there += is_there(&v[i]);
    if (there < 2)
        return;
    gn_jw_init(&w, &text);
    gn_jw_array(&w, NULL);
    for (size_t i = 0; i < count; i++) {
        if (!is_there(&v[i]))
            continue;
        GN_AUTO_FREE char *key = version_key(v[i].c->key, v[i].c->version);
        gn_map_put(&k->by_version, key, v[i].c);
        gn_jw_str(&w, NULL, v[i].c->version);
    }
    gn_jw_end(&w);
    if (!text.overflow)
        gn_map_put(&k->versions, v[0].c->key, gn_buf_take(&text, NULL));
    gn_buf_release(&text);
}

static void index_group(struct gn_snapshot *s, struct gn_entry *v, size_t count)
{
    struct gn_snapshot_kind *k = &s->kinds[v[0].c->kind];
    for (size_t i = 0; i < count; i++) {
        if (v[i].state != GN_ENTRY_SERVED && v[i].state != GN_ENTRY_UNLISTED)
            continue;
        gn_map_put(&k->by_key, v[i].c->key, v[i].c);
        if (v[i].state == GN_ENTRY_SERVED)
            k->v[k->count++] = v[i].c;
    }
    index_versions(k, v, count);
}

/* A client may ask with `%20` for what the author wrote with a space. */
static void index_uris(struct gn_snapshot *s)
{
    struct gn_buf uri = GN_BUF_INIT(URI_MAX);
    void *value;
    for (size_t at = 0; gn_map_next(&s->kinds[GN_RESOURCE].by_key, &at, NULL, &value);) {
        struct gn_component *c = value;
        gn_buf_clear(&uri);
        if (gn_uri_normalize(c->key, &uri) || gn_streq(gn_buf_str(&uri), c->key))
            continue;
        const struct gn_component *other = gn_map_find(&s->by_uri, gn_buf_str(&uri));
        if (!other || strcmp(c->key, other->key) < 0)
            gn_map_put(&s->by_uri, gn_buf_str(&uri), c);
    }
    gn_buf_release(&uri);
}

static void index_templates(struct gn_snapshot *s)
{
    struct gn_map *map = &s->kinds[GN_TEMPLATE].by_key;
    void *value;
    s->preferred = gn_calloc(map->count + 1, sizeof(struct gn_component *));
    for (size_t at = 0; gn_map_next(map, &at, NULL, &value);)
        s->preferred[s->preferred_count++] = value;
    qsort(s->preferred, s->preferred_count, sizeof(struct gn_component *), compare_preference);
}

/* What takes the place of another of its instance, as a reload does, is as old as that. */
static bool is_new(const struct gn_build *b, const struct gn_component *c)
{
    const struct gn_component *source = c->own ? c->own : gn_component_origin(c);
    return b->added && gn_map_findn(b->added, &source, sizeof source) &&
           !gn_sources_have_like(b->registry->sources, source);
}

static bool is_one_group(const struct gn_component *a, const struct gn_component *b)
{
    return a->kind == b->kind && gn_streq(a->key, b->key);
}

struct gn_snapshot *gn_snapshot_make(struct gn_build *b)
{
    struct gn_snapshot *s = gn_calloc(1, sizeof *s);
    size_t counts[GN_KINDS] = {0};
    s->magic = GN_SNAPSHOT_MAGIC;
    s->refs = 1;
    gn_map_init(&s->by_uri);
    gn_map_init(&s->principals);
    for (size_t i = 0; i < b->count; i++) {
        counts[b->v[i].c->kind]++;
        if (b->v[i].c->principal)
            gn_map_put(&s->principals, b->v[i].c->principal, b->v[i].c);
        b->v[i].is_new = is_new(b, b->v[i].c);
    }
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        struct gn_snapshot_kind *k = &s->kinds[kind];
        gn_map_init(&k->by_key);
        gn_map_init(&k->by_version);
        gn_map_init(&k->versions);
        k->v = gn_calloc(counts[kind] + 1, sizeof(struct gn_component *));
    }
    if (b->count > 1)
        qsort(b->v, b->count, sizeof *b->v, compare_entries);
    for (size_t i = 0, n; i < b->count; i += n) {
        for (n = 1; i + n < b->count && is_one_group(b->v[i].c, b->v[i + n].c);)
            n++;
        settle_group(b, &b->v[i], n);
        index_group(s, &b->v[i], n);
    }
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        s->kinds[kind].varies = b->varies[kind];
        qsort(s->kinds[kind].v, s->kinds[kind].count, sizeof(struct gn_component *), compare_keys);
    }
    index_uris(s);
    index_templates(s);
    s->entries = b->v;
    s->entry_count = b->count;
    s->made = b->made;
    s->touched = b->touched;
    return s;
}

/* ---------------------------------------------------------------- the life of a snapshot */

struct gn_snapshot *gn_snapshot_ref(struct gn_snapshot *s)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    s->refs++;
    return s;
}

void gn_snapshot_unref(struct gn_snapshot *s)
{
    if (!s)
        return;
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    if (--s->refs > 0)
        return;
    if (s->search)
        s->free_search(s->search);
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        gn_map_release(&s->kinds[kind].by_key, NULL);
        gn_map_release(&s->kinds[kind].by_version, NULL);
        gn_map_release(&s->kinds[kind].versions, gn_free);
        gn_free(s->kinds[kind].v);
        gn_renderings_free(s->kinds[kind].renderings);
    }
    gn_map_release(&s->by_uri, NULL);
    gn_map_release(&s->principals, NULL);
    gn_map_release(&s->made, NULL);
    for (size_t i = 0; i < s->entry_count; i++) {
        gn_component_unref(s->entries[i].c);
        gn_transform_unref(s->entries[i].by);
        gn_free(s->entries[i].why);
    }
    gn_free(s->entries);
    gn_free(s->touched);
    gn_free(s->preferred);
    s->magic = 0;
    gn_free(s);
}
