/* edit.c - from one snapshot to the next: sources and transforms as they will be, checked,
 * published.
 *
 * The snapshot for nobody in particular is built when an edit is checked or committed; those of
 * principals and sessions are thrown away then, and built anew when they are asked for.
 */
#include "registry/build.h"

#include "call/call.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

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

struct gn_edit *gn_edit_begin(struct gn_registry *r)
{
    GN_CHECK(r, GN_REGISTRY_MAGIC);
    gn_assert(!r->is_editing);
    r->is_editing = true;
    struct gn_edit *e = gn_calloc(1, sizeof *e);
    e->registry = r;
    e->mark = r->mark + 1;
    e->sources = gn_sources_copy(r->sources);
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
    gn_sources_unref(e->sources);
    gn_stack_unref(e->stack);
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
    struct gn_stack *s = gn_stack_new(old->count + count);
    unbuild(e);
    for (size_t i = 0; i < old->count; i++) {
        if (old->v[i]->owner != owner)
            gn_stack_add(s, old->v[i]);
    }
    for (size_t i = 0; i < count; i++)
        gn_stack_add(s, v[i]);
    gn_stack_unref(e->stack);
    e->stack = s;
    /* Taken away by the operator they may leave two with one name, and that can be refused. */
    e->adds = e->adds || count > 0 || !owner;
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

/* Sources that were added and cannot be made of the parents that are there: all of them. */
static int check_made(const struct gn_edit *e, struct gn_error *err)
{
    struct gn_buf text = GN_BUF_INIT(16 * GN_ERROR_MAX);
    bool is_wrong = false;
    for (size_t i = 0; i < e->built->entry_count; i++) {
        const struct gn_entry *entry = &e->built->entries[i];
        if (!entry->is_parentless || entry->state != GN_ENTRY_WRONG ||
            !gn_map_findn(&e->added, &entry->c, sizeof entry->c))
            continue;
        is_wrong = true;
        gn_buf_addf(&text, "%s%s", text.len ? "; " : "", entry->why);
    }
    int rc = is_wrong ? gn_error_set(err, GN_EINVAL, "%s", gn_buf_str(&text)) : GN_OK;
    gn_buf_release(&text);
    return rc;
}

/* The first name that is taken is told whole, of others how many there are. */
static int check_names(const struct gn_edit *e, struct gn_error *err)
{
    const char *first = NULL;
    size_t more = 0;
    for (size_t i = 0; e->adds && i < e->problems.count; i++) {
        const struct gn_problem *p = &e->problems.v[i];
        if (!p->is_conflict || has_problem(&e->registry->problems, p->text))
            continue;
        more += first != NULL;
        first = first ? first : p->text;
    }
    if (first && more > 0)
        return gn_error_set(err, GN_EEXIST, "%s (and %zu more that have names of others)", first,
                            more);
    return first ? gn_error_set(err, GN_EEXIST, "%s", first) : GN_OK;
}

int gn_edit_check(struct gn_edit *e, struct gn_error *err)
{
    build(e);
    int rc = check_made(e, err);
    return rc ? rc : check_names(e, err);
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

static size_t count_of(const struct gn_snapshot *s, size_t from, enum gn_kind kind)
{
    size_t n = 0;
    while (from + n < s->entry_count && s->entries[from + n].c->kind == kind)
        n++;
    return n;
}

static bool is_same_entry(const struct gn_entry *a, const struct gn_entry *b)
{
    return a->state == b->state && gn_streq(a->c->key, b->c->key) &&
           gn_streq(a->c->principal, b->c->principal) && looks_the_same(a->c, b->c);
}

/* A bit set of kinds. Compared are all entries, also those that are off: a session may have
 * switched them on for itself. Both are in the same order. */
static uint32_t changed_kinds(const struct gn_snapshot *old, const struct gn_snapshot *new)
{
    uint32_t changed = 0;
    size_t i = 0, j = 0;
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        size_t count = count_of(old, i, (enum gn_kind)kind), same = 0;
        size_t count_now = count_of(new, j, (enum gn_kind)kind);
        while (count == count_now && same < count &&
               is_same_entry(&old->entries[i + same], &new->entries[j + same]))
            same++;
        if (same < GN_MAX(count, count_now))
            changed |= 1u << kind;
        i += count;
        j += count_now;
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
    gn_registry_drop_views(r);
    r->current = gn_snapshot_ref(next);
    r->problems = e->problems;
    e->problems = (struct gn_problems_list){0};
    gn_sources_unref(r->sources);
    gn_stack_unref(r->stack);
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

void gn_registry_unsettle(struct gn_registry *r)
{
    r->is_settled = false;
}
