/* sources.c - what plugins provide, in order; those that are made of others find their parents
 * here.
 *
 * A parent may be made itself: the walk goes to the bottom first. One that leads back to where it
 * began has no bottom, one that is too long is not walked: a problem of those that add to it, not
 * of what stands further down.
 */
#include "registry/build.h"

#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>

#define LINKS_MAX 16 /* of a chain of tools made from tools */

static const char *owner_name(const struct gn_component *c)
{
    return c->owner ? c->owner->name : "";
}

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_sources(const void *a, const void *b)
{
    const struct gn_component *x = *(struct gn_component *const *)a,
                              *y = *(struct gn_component *const *)b;
    int order = (int)x->kind - (int)y->kind;
    if (!order)
        order = strcmp(x->key, y->key);
    if (!order)
        order = strcmp(owner_name(x), owner_name(y));
    if (!order)
        order = -gn_version_compare(x->version, y->version); /* the newest is found first */
    if (!order)
        order = compare_texts(x->principal, y->principal);
    return order;
}

void gn_sources_sort(struct gn_sources *s)
{
    if (!s->is_sorted && s->count > 1)
        qsort(s->v, s->count, sizeof(struct gn_component *), compare_sources);
    s->is_sorted = true;
}

/* The first with this key, or where it would be. */
static size_t lower_bound(const struct gn_sources *s, enum gn_kind kind, const char *key)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct gn_component *c = s->v[middle];
        int order = (int)c->kind - (int)kind;
        if (!order)
            order = strcmp(c->key, key);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct gn_component *gn_sources_find(struct gn_sources *s, enum gn_kind kind, const char *key,
                                     const struct gn_owner *owner)
{
    gn_sources_sort(s);
    for (size_t i = lower_bound(s, kind, key); i < s->count; i++) {
        struct gn_component *c = s->v[i];
        if (c->kind != kind || !gn_streq(c->key, key))
            return NULL;
        if (!owner || c->owner == owner)
            return c;
    }
    return NULL;
}

struct gn_component *gn_sources_find_for(struct gn_sources *s, const char *key,
                                         const char *principal, const struct gn_owner *owner,
                                         const struct gn_component *but)
{
    gn_sources_sort(s);
    for (size_t i = lower_bound(s, GN_TOOL, key); i < s->count; i++) {
        struct gn_component *c = s->v[i];
        if (c->kind != GN_TOOL || !gn_streq(c->key, key))
            return NULL;
        if (c != but && (!owner || c->owner == owner) &&
            (!c->principal || gn_streq(c->principal, principal)))
            return c;
    }
    return NULL;
}

bool gn_sources_have_like(struct gn_sources *s, const struct gn_component *c)
{
    gn_sources_sort(s);
    for (size_t i = lower_bound(s, c->kind, c->key); i < s->count; i++) {
        const struct gn_component *other = s->v[i];
        if (other->kind != c->kind || !gn_streq(other->key, c->key))
            return false;
        if (gn_streq(owner_name(other), owner_name(c)) && gn_streq(other->version, c->version) &&
            gn_streq(other->principal, c->principal))
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- the array of them */

struct gn_sources *gn_sources_copy(const struct gn_sources *from)
{
    struct gn_sources *s = gn_calloc(1, sizeof *s);
    s->refs = 1;
    s->is_sorted = true;
    if (!from)
        return s;
    s->is_sorted = from->is_sorted;
    s->count = s->cap = from->count;
    s->v = gn_calloc(s->cap + 1, sizeof(struct gn_component *));
    for (size_t i = 0; i < from->count; i++)
        s->v[i] = gn_component_ref(from->v[i]);
    return s;
}

void gn_sources_unref(struct gn_sources *s)
{
    if (!s || --s->refs > 0)
        return;
    for (size_t i = 0; i < s->count; i++)
        gn_component_unref(s->v[i]);
    gn_free(s->v);
    gn_free(s);
}

/* ---------------------------------------------------------------- made of parents */

static struct gn_component *find_parent(struct gn_sources *s, const struct gn_component *of)
{
    const struct gn_from *from = of->from;
    const char *own = from->own_parent ? from->own_parent : from->parent;
    struct gn_component *c = gn_sources_find_for(s, own, of->principal, of->owner, of);
    return c ? c : gn_sources_find_for(s, from->parent, of->principal, NULL, of);
}

/* What has become of one source. */
struct outcome {
    struct gn_component *c; /* borrowed from the memo, or the source; NULL: it cannot be made */
    char *why;
    bool is_waiting;
};

struct walk {
    struct gn_build *b;
    struct gn_sources *sources;
    struct gn_map outcomes; /* source (pointer) -> struct outcome */
};

static struct outcome *put_outcome(struct walk *w, const struct gn_component *source,
                                   struct gn_component *c, bool is_waiting, char *why)
{
    struct outcome *o = gn_calloc(1, sizeof *o);
    *o = (struct outcome){.c = c, .why = why, .is_waiting = is_waiting};
    gn_map_putn(&w->outcomes, &source, sizeof source, o);
    return o;
}

static struct outcome *make(struct walk *w, struct gn_component *source,
                            struct gn_component *parent)
{
    struct gn_component *made = gn_build_recall(w->b, source, parent);
    struct gn_error err = {0};
    if (made)
        return put_outcome(w, source, made, false, NULL);
    if (gn_derive(w->b->registry->env, source->from, source, parent, &made, &err)) {
        gn_build_problem(w->b, GN_ERROR, "plugin %s: %s", owner_name(source), err.text);
        return put_outcome(w, source, NULL, false, gn_strdup(err.text));
    }
    gn_build_keep(w->b, source, parent, made);
    gn_component_unref(made); /* the memo has it */
    return put_outcome(w, source, made, false, NULL);
}

/* That it waits is no problem before all is loaded. */
static struct outcome *wait_for(struct walk *w, const struct gn_component *source)
{
    if (w->b->registry->is_settled)
        gn_build_problem(w->b, GN_WARNING,
                         "plugin %s: tool %s is made from %s, and there is no tool of that name",
                         owner_name(source), source->key, source->from->parent);
    return put_outcome(w, source, NULL, true,
                       gn_format("there is no tool %s to make it from", source->from->parent));
}

/* Why the chain below it has no end that can be reached; NULL: it has, or ends in the circle of
 * others. */
static const char *find_fault(struct walk *w, const struct gn_component *source)
{
    const struct gn_component *links[LINKS_MAX];
    size_t count = 0;
    for (const struct gn_component *c = source; c && c->from; c = find_parent(w->sources, c)) {
        for (size_t i = 0; i < count; i++) {
            if (links[i] == c)
                return i == 0 ? "itself in the end" : NULL;
        }
        if (count == LINKS_MAX)
            return "too long a chain of tools";
        links[count++] = c;
    }
    return NULL;
}

/* Goes as deep as a chain is long. */
static struct outcome *resolve(struct walk *w, struct gn_component *source)
{
    struct outcome *o = gn_map_findn(&w->outcomes, &source, sizeof source);
    if (o)
        return o;
    struct gn_component *parent = find_parent(w->sources, source);
    if (!parent)
        return wait_for(w, source);
    const char *fault = find_fault(w, source);
    if (fault) {
        gn_build_problem(w->b, GN_ERROR, "plugin %s: tool %s is made from %s", owner_name(source),
                         source->key, fault);
        return put_outcome(w, source, NULL, false,
                           gn_format("tool %s: it is made from %s", source->key, fault));
    }
    if (!parent->from)
        return make(w, source, parent);
    o = resolve(w, parent);
    if (o->c)
        return make(w, source, o->c);
    return put_outcome(w, source, NULL, o->is_waiting,
                       gn_format("tool %s: %s, of which it is made, is not there: %s", source->key,
                                 parent->key, o->why));
}

static void add_made(struct walk *w, struct gn_component *source)
{
    struct outcome *o = resolve(w, source);
    gn_build_add(w->b, gn_component_ref(o->c ? o->c : source));
    if (o->c) {
        gn_map_putn(&w->b->made, &source, sizeof source, o->c);
        return;
    }
    struct gn_entry *e = &w->b->v[w->b->count - 1];
    e->is_parentless = true;
    e->is_off = o->is_waiting; /* tells the two apart for people */
    e->why = gn_strdup(o->why);
}

static void free_outcome(void *value)
{
    struct outcome *o = value;
    gn_free(o->why);
    gn_free(o);
}

void gn_build_sources(struct gn_build *b, struct gn_sources *sources)
{
    struct walk w = {.b = b, .sources = sources};
    gn_map_init(&w.outcomes);
    gn_sources_sort(sources);
    for (size_t i = 0; i < sources->count; i++) {
        if (sources->v[i]->from)
            add_made(&w, sources->v[i]);
        else
            gn_build_add(b, gn_component_ref(sources->v[i]));
    }
    gn_map_release(&w.outcomes, free_outcome);
}
