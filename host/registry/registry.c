/* registry.c - the registry: what is provided, the next snapshot, publishing it, views.
 *
 * An edit collects sources and transforms as they will be. When it is checked or committed the
 * snapshot for nobody in particular is built from them (build.c); snapshots of principals and
 * sessions are built when they ask, and thrown away with each commit.
 */
#include "registry/registry.h"

#include "call/call.h"
#include "registry/build.h"
#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define URI_MAX 8192              /* bytes of a URI, normalised */
#define RENDERING_MAX (16u << 20) /* of one component; larger ones count as changed */
#define ALL_KINDS (1u << GN_TOOL | 1u << GN_RESOURCE | 1u << GN_TEMPLATE | 1u << GN_PROMPT)

struct gn_edit {
    struct gn_registry *registry;
    struct gn_sources *sources;
    struct gn_stack *stack;
    struct gn_map index; /* what makes a source unlike others of its owner; empty: not made yet */
    struct gn_map added; /* sources (pointers) */
    bool adds, is_touched;
    uint64_t mark;             /* of the registry, when it began */
    struct gn_snapshot *built; /* NULL: not yet, or changed since */
    struct gn_problems_list problems;
};

/* ---------------------------------------------------------------- sources and the stack */

static struct gn_sources *sources_copy(const struct gn_sources *from)
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

static void sources_unref(struct gn_sources *s)
{
    if (!s || --s->refs > 0)
        return;
    for (size_t i = 0; i < s->count; i++)
        gn_component_unref(s->v[i]);
    gn_free(s->v);
    gn_free(s);
}

static void stack_unref(struct gn_stack *s)
{
    if (!s || --s->refs > 0)
        return;
    for (size_t i = 0; i < s->count; i++)
        gn_transform_unref(s->v[i]);
    gn_map_release(&s->named, NULL);
    gn_free(s);
}

static struct gn_stack *stack_new(size_t count)
{
    struct gn_stack *s = gn_calloc(1, sizeof *s + count * sizeof(struct gn_transform *));
    s->refs = 1;
    gn_map_init(&s->named);
    return s;
}

/* Plugins' by priority, instance and order; then the operator's as they were given. */
static int compare_transforms(const struct gn_transform *x, const struct gn_transform *y)
{
    int order = (x->owner == NULL) - (y->owner == NULL);
    if (!order && x->owner)
        order = (x->priority > y->priority) - (x->priority < y->priority);
    if (!order && x->owner)
        order = strcmp(x->owner->name, y->owner->name);
    if (!order && x->owner)
        order = (x->order > y->order) - (x->order < y->order);
    return order;
}

/* Behind all that do not come after it. */
static void stack_add(struct gn_stack *s, struct gn_transform *t)
{
    size_t at = s->count++;
    for (; at > 0 && compare_transforms(s->v[at - 1], t) > 0; at--)
        s->v[at] = s->v[at - 1];
    s->v[at] = gn_transform_ref(t);
    s->has_predicates = s->has_predicates || t->concerns;
    for (char **name = t->principals; name && *name; name++)
        gn_map_put(&s->named, *name, t);
}

/* ---------------------------------------------------------------- the registry */

struct gn_registry *gn_registry_new(void)
{
    struct gn_registry *r = gn_calloc(1, sizeof *r);
    r->magic = GN_REGISTRY_MAGIC;
    r->sources = sources_copy(NULL);
    r->stack = stack_new(0);
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

static void drop_views(struct gn_registry *r)
{
    GN_LIST_EACH(&r->views, n)
        free_view(r, GN_CONTAINER(n, struct gn_view_kept, node));
}

void gn_registry_free(struct gn_registry *r)
{
    if (!r)
        return;
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    drop_views(r);
    gn_snapshot_unref(r->current);
    gn_memo_forget_since(r, 0);
    gn_map_release(&r->memo, NULL);
    gn_problems_list_free(&r->problems);
    sources_unref(r->sources);
    stack_unref(r->stack);
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
    if (r->stack->has_predicates || gn_map_find(&r->stack->named, principal))
        return true;
    const char *pattern;
    for (size_t at = 0; gn_map_next(&r->stack->named, &at, &pattern, NULL);) {
        char *const one[] = {(char *)(uintptr_t)pattern, NULL};
        if (gn_match_name(one, principal))
            return true;
    }
    for (size_t i = 0; i < r->current->entry_count; i++) {
        const struct gn_component *c = r->current->entries[i].c;
        if (c->principal && gn_streq(c->principal, principal))
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
    const char *principal = viewer && (rules || varies(r->current)) ? viewer->principal : NULL;
    if (!principal && !rules)
        return r->current;
    struct gn_view_kept *v = find_view(r, principal, rules);
    if (v)
        return v->snapshot;
    struct gn_snapshot *s;
    if (rules || is_special(r, principal)) {
        s = gn_build_run(r, r->sources, r->stack, viewer, NULL, NULL);
        s->version = r->current->version;
        memcpy(s->cursor_key, r->current->cursor_key, sizeof s->cursor_key);
    } else {
        s = gn_snapshot_ref(r->current);
    }
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

/* ---------------------------------------------------------------- editing */

struct gn_edit *gn_edit_begin(struct gn_registry *r)
{
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    gn_assert(!r->is_editing);
    r->is_editing = true;
    struct gn_edit *e = gn_calloc(1, sizeof *e);
    e->registry = r;
    e->mark = r->mark + 1;
    e->sources = sources_copy(r->sources);
    e->stack = r->stack;
    e->stack->refs++;
    gn_map_init(&e->index);
    gn_map_init(&e->added);
    return e;
}

static void unbuild(struct gn_edit *e)
{
    gn_snapshot_unref(e->built);
    e->built = NULL;
    gn_problems_list_free(&e->problems);
}

static void edit_free(struct gn_edit *e)
{
    e->registry->is_editing = false;
    unbuild(e);
    sources_unref(e->sources);
    stack_unref(e->stack);
    gn_map_release(&e->index, NULL);
    gn_map_release(&e->added, NULL);
    gn_free(e);
}

void gn_edit_abort(struct gn_edit *e)
{
    if (!e)
        return;
    struct gn_registry *r = e->registry;
    uint64_t mark = e->mark;
    edit_free(e);
    gn_memo_forget_since(r, mark);
}

static void take_away(struct gn_edit *e, size_t i)
{
    struct gn_sources *s = e->sources;
    unbuild(e);
    gn_map_release(&e->index, NULL);
    gn_map_init(&e->index);
    gn_component_unref(s->v[i]);
    memmove(&s->v[i], &s->v[i + 1], (s->count - i - 1) * sizeof(struct gn_component *));
    s->count--;
}

void gn_edit_transforms(struct gn_edit *e, struct gn_owner *owner, struct gn_transform *const *v,
                        size_t count)
{
    const struct gn_stack *old = e->stack;
    struct gn_stack *s = stack_new(old->count + count);
    unbuild(e);
    for (size_t i = 0; i < old->count; i++) {
        if (old->v[i]->owner != owner)
            stack_add(s, old->v[i]);
    }
    for (size_t i = 0; i < count; i++)
        stack_add(s, v[i]);
    stack_unref(e->stack);
    e->stack = s;
    e->adds = e->adds || count > 0;
}

void gn_edit_remove_owner(struct gn_edit *e, const struct gn_owner *owner)
{
    struct gn_sources *s = e->sources;
    size_t kept = 0;
    unbuild(e);
    for (size_t i = 0; i < s->count; i++) {
        if (s->v[i]->owner == owner)
            gn_component_unref(s->v[i]);
        else
            s->v[kept++] = s->v[i];
    }
    s->count = kept;
    gn_map_release(&e->index, NULL);
    gn_map_init(&e->index);
    bool adds = e->adds;
    if (owner)
        gn_edit_transforms(e, (struct gn_owner *)(uintptr_t)owner, NULL, 0);
    e->adds = adds;
}

int gn_edit_remove(struct gn_edit *e, const struct gn_component *c)
{
    for (size_t i = 0; i < e->sources->count; i++) {
        if (e->sources->v[i] == c) {
            take_away(e, i);
            return GN_OK;
        }
    }
    return GN_ENOENT;
}

static void index_source(struct gn_edit *e, struct gn_component *c, struct gn_component **ret_twin)
{
    struct gn_buf key = GN_BUF_INIT(64u << 10);
    gn_buf_addf(&key, "%d\n%s\n%s\n%s\n", (int)c->kind, c->key, c->version ? c->version : "",
                c->principal ? c->principal : "");
    gn_buf_add(&key, &c->owner, sizeof c->owner);
    *ret_twin = gn_map_putn(&e->index, key.data, key.len, c);
    gn_buf_release(&key);
}

int gn_edit_add(struct gn_edit *e, struct gn_component *c, struct gn_error *err)
{
    GN_CHECK(c, GN_COMPONENT_MAGIC);
    struct gn_sources *s = e->sources;
    struct gn_component *twin;
    for (size_t i = 0; !e->index.count && i < s->count; i++)
        index_source(e, s->v[i], &twin);
    index_source(e, c, &twin);
    if (twin) {
        index_source(e, twin, &c);
        return gn_error_set(err, GN_EEXIST, "%s %s is declared twice", gn_kind_name(twin->kind),
                            twin->key);
    }
    unbuild(e);
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->v = gn_reallocarray(s->v, s->cap, sizeof(struct gn_component *));
    }
    s->v[s->count++] = gn_component_ref(c);
    s->is_sorted = false;
    gn_map_putn(&e->added, &c, sizeof c, c);
    e->adds = true;
    return GN_OK;
}

void gn_edit_touch(struct gn_edit *e)
{
    e->is_touched = true;
}

static void build(struct gn_edit *e)
{
    if (!e->built)
        e->built = gn_build_run(e->registry, e->sources, e->stack, NULL, &e->added, &e->problems);
}

static bool has_problem(const struct gn_problems_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (gn_streq(list->v[i].text, text))
            return true;
    }
    return false;
}

/* A source that was added and cannot be made of the parent that is there. */
static const struct gn_entry *find_wrong(const struct gn_edit *e)
{
    for (size_t i = 0; i < e->built->entry_count; i++) {
        const struct gn_entry *entry = &e->built->entries[i];
        if (entry->is_parentless && entry->state == GN_ENTRY_WRONG &&
            gn_map_findn(&e->added, &entry->c, sizeof entry->c))
            return entry;
    }
    return NULL;
}

int gn_edit_check(struct gn_edit *e, struct gn_error *err)
{
    build(e);
    const struct gn_entry *wrong = find_wrong(e);
    if (wrong)
        return gn_error_set(err, GN_EINVAL, "%s", wrong->why);
    for (size_t i = 0; e->adds && i < e->problems.count; i++) {
        const struct gn_problem *p = &e->problems.v[i];
        if (p->is_conflict && !has_problem(&e->registry->problems, p->text))
            return gn_error_set(err, GN_EEXIST, "%s", p->text);
    }
    return GN_OK;
}

/* ---------------------------------------------------------------- what has changed */

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

/* A bit set of kinds. Compared are all entries, also those that are off: a session may have
 * switched them on for itself. Both are in the same order. */
static uint32_t changed_kinds(const struct gn_snapshot *old, const struct gn_snapshot *new)
{
    uint32_t changed = 0;
    size_t i = 0, j = 0;
    while (i < old->entry_count || j < new->entry_count) {
        const struct gn_entry *a = i < old->entry_count ? &old->entries[i] : NULL,
                              *b = j < new->entry_count ? &new->entries[j] : NULL;
        enum gn_kind kind = !a                        ? b->c->kind
                            : !b                      ? a->c->kind
                            : a->c->kind < b->c->kind ? a->c->kind
                                                      : b->c->kind;
        bool has_a = a && a->c->kind == kind, has_b = b && b->c->kind == kind;
        i += has_a;
        j += has_b;
        if (!(changed & 1u << kind) &&
            (!has_a || !has_b || a->state != b->state || !gn_streq(a->c->key, b->c->key) ||
             !gn_streq(a->c->principal, b->c->principal) || !looks_the_same(a->c, b->c)))
            changed |= 1u << kind;
    }
    return changed;
}

static void tell_problems(struct gn_registry *r, const struct gn_problems_list *old)
{
    for (size_t i = 0; r->on_problem && i < r->problems.count; i++) {
        if (!has_problem(old, r->problems.v[i].text))
            r->on_problem(r->on_problem_arg, r->problems.v[i].level, r->problems.v[i].text);
    }
}

uint32_t gn_edit_commit(struct gn_edit *e)
{
    struct gn_registry *r = e->registry;
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    build(e);
    struct gn_snapshot *old = r->current, *next = e->built;
    struct gn_problems_list problems = r->problems;
    bool stack_changed = e->stack != r->stack;
    uint32_t changed = changed_kinds(old, next);
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        if ((e->is_touched || stack_changed) &&
            (old->kinds[kind].varies || next->kinds[kind].varies))
            changed |= 1u << kind;
    }
    next->version = old->version + 1;
    memcpy(next->cursor_key, old->cursor_key, sizeof next->cursor_key);
    drop_views(r);
    r->current = gn_snapshot_ref(next);
    r->problems = e->problems;
    e->problems = (struct gn_problems_list){0};
    sources_unref(r->sources);
    stack_unref(r->stack);
    r->sources = e->sources;
    r->sources->refs++;
    r->stack = e->stack;
    r->stack->refs++;
    gn_snapshot_unref(old);
    /* What else has been made is of no use any more; a view makes it anew. */
    gn_memo_forget_before(r, r->mark);
    edit_free(e);
    tell_problems(r, &problems);
    gn_problems_list_free(&problems);
    return changed & ALL_KINDS;
}

void gn_registry_settle(struct gn_registry *r)
{
    r->is_settled = true;
    (void)gn_edit_commit(gn_edit_begin(r));
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
