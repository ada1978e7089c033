/* build.c - the way of components from their sources through all transforms.
 *
 * The memo maps two pointers - who makes (a transform, or a source that is made of a parent), and
 * of what - to what was made. It holds all three, so that no pointer is used again while it stands
 * there, and forgets at each commit what the build of that commit had no use for.
 */
#include "registry/build.h"

#include "call/call.h"
#include "registry/view.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

#define PROBLEM_MAX 2048
#define NAME_MAX_BYTES 128 /* of tools and prompts, as MCP says */

/* ---------------------------------------------------------------- entries */

void gn_build_add(struct gn_build *b, struct gn_component *c)
{
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 64;
        b->v = gn_reallocarray(b->v, b->cap, sizeof *b->v);
    }
    b->v[b->count++] = (struct gn_entry){.c = c};
}

static void decide(struct gn_entry *e, struct gn_transform *t)
{
    gn_transform_ref(t);
    gn_transform_unref(e->by);
    e->by = t;
}

/* ---------------------------------------------------------------- problems */

GN_PRINTF(4, 0)
static void add_problem(struct gn_build *b, enum gn_level level, bool is_conflict, const char *fmt,
                        va_list ap)
{
    struct gn_problems_list *list = &b->problems;
    char text[PROBLEM_MAX];
    if (list->count >= GN_PROBLEMS_MAX)
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    for (size_t i = 0; i < list->count; i++) {
        if (gn_streq(list->v[i].text, text))
            return;
    }
    list->v = gn_reallocarray(list->v, list->count + 1, sizeof *list->v);
    list->v[list->count++] = (struct gn_problem){level, is_conflict, gn_strdup(text)};
}

void gn_build_problem(struct gn_build *b, enum gn_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_problem(b, level, false, fmt, ap);
    va_end(ap);
}

void gn_build_conflict(struct gn_build *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_problem(b, GN_ERROR, true, fmt, ap);
    va_end(ap);
}

void gn_problems_list_free(struct gn_problems_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        gn_free(list->v[i].text);
    gn_free(list->v);
    *list = (struct gn_problems_list){0};
}

/* ---------------------------------------------------------------- the memo */

struct memory {
    struct gn_component *of, *made;
    struct gn_transform *transform; /* one of the two made it */
    struct gn_component *source;
    uint64_t since, used; /* builds, by their marks */
};

struct memory_key {
    const void *maker, *of;
};

struct gn_component *gn_build_recall(struct gn_build *b, const void *maker,
                                     const struct gn_component *c)
{
    struct memory_key key = {maker, c};
    struct memory *m = gn_map_findn(&b->registry->memo, &key, sizeof key);
    if (!m)
        return NULL;
    m->used = b->registry->mark;
    return m->made;
}

/* Both begin with their magic number. */
static uint32_t magic_of(const void *object)
{
    uint32_t magic;
    memcpy(&magic, object, sizeof magic);
    return magic;
}

void gn_build_keep(struct gn_build *b, const void *maker, struct gn_component *c,
                   struct gn_component *made)
{
    struct memory_key key = {maker, c};
    struct memory *m = gn_calloc(1, sizeof *m);
    void *object = (void *)(uintptr_t)maker;
    m->of = gn_component_ref(c);
    m->made = gn_component_ref(made);
    if (magic_of(maker) == GN_TRANSFORM_MAGIC)
        m->transform = gn_transform_ref(object);
    else
        m->source = gn_component_ref(object);
    m->since = m->used = b->registry->mark;
    gn_assert(!gn_map_putn(&b->registry->memo, &key, sizeof key, m));
}

static void forget(void *value)
{
    struct memory *m = value;
    gn_component_unref(m->made);
    gn_component_unref(m->of);
    gn_component_unref(m->source);
    gn_transform_unref(m->transform);
    gn_free(m);
}

static void forget_if(struct gn_registry *r, bool (*is_due)(const struct memory *m, uint64_t mark),
                      uint64_t mark)
{
    const char *key;
    void *value;
    for (size_t at = 0; gn_map_next(&r->memo, &at, &key, &value);) {
        struct memory *m = value;
        if (!is_due(m, mark))
            continue;
        struct memory_key pair = {m->transform ? (void *)m->transform : (void *)m->source, m->of};
        gn_map_removen(&r->memo, &pair, sizeof pair);
        forget(m);
    }
}

static bool is_since(const struct memory *m, uint64_t mark)
{
    return m->since >= mark;
}

static bool is_before(const struct memory *m, uint64_t mark)
{
    return m->used < mark;
}

void gn_memo_forget_since(struct gn_registry *r, uint64_t mark)
{
    forget_if(r, is_since, mark);
}

void gn_memo_forget_before(struct gn_registry *r, uint64_t mark)
{
    forget_if(r, is_before, mark);
}

/* ---------------------------------------------------------------- other names */

static void replace(struct gn_build *b, struct gn_entry *e, struct gn_transform *t,
                    struct gn_component *made)
{
    gn_build_keep(b, t, e->c, made);
    gn_component_unref(e->c);
    e->c = made;
}

static bool replace_by_memo(struct gn_build *b, struct gn_entry *e, const struct gn_transform *t)
{
    struct gn_component *made = gn_build_recall(b, t, e->c);
    if (!made)
        return false;
    gn_component_ref(made);
    gn_component_unref(e->c);
    e->c = made;
    return true;
}

static char *key_in_space(const struct gn_component *c, const char *prefix)
{
    const char *colon = strchr(c->key, ':');
    if (!colon)
        return gn_strdup(c->key);
    int scheme = (int)(colon - c->key);
    if (strncmp(colon, "://", 3) == 0)
        return gn_format("%.*s://%s/%s", scheme, c->key, prefix, colon + 3);
    return gn_format("%.*s:%s:%s", scheme, c->key, prefix, colon + 1);
}

/* A resource or template with another text for its URI; NULL: it is none, err says why. */
static struct gn_component *at_uri(struct gn_component *c, const char *key, struct gn_error *err)
{
    struct gn_component *made = gn_component_derive(c, key);
    if (c->kind != GN_TEMPLATE)
        return made;
    if (gn_uri_template_parse(key, true, &made->uri_template, err)) {
        gn_component_unref(made);
        return NULL;
    }
    made->free_template = gn_uri_template_free;
    return made;
}

static struct gn_component *in_space(struct gn_build *b, struct gn_component *c, const char *prefix)
{
    GN_AUTO_FREE char *key = key_in_space(c, prefix);
    struct gn_error err = {0};
    struct gn_component *made = at_uri(c, key, &err);
    if (!made) {
        gn_build_problem(b, GN_ERROR, "%s %s: %s", gn_kind_name(c->kind), key, err.text);
        return NULL;
    }
    const char *colon = strchr(c->key, ':');
    bool is_path = colon && strncmp(colon, "://", 3) == 0;
    gn_free(made->space);
    made->space = gn_format("%s%c%s", prefix, is_path ? '/' : ':', c->space ? c->space : "");
    return made;
}

static struct gn_component *with_prefix(struct gn_component *c, const char *prefix)
{
    GN_AUTO_FREE char *wanted = gn_format("%s_%s", prefix, c->key);
    bool is_changed;
    GN_AUTO_FREE char *name = gn_name_fit(wanted, &is_changed);
    return gn_component_derive(c, name);
}

/* A name that is not the prefix and the one before, as it was wanted. */
static void warn_of_prefixed(struct gn_build *b, const struct gn_component *made,
                             const char *prefix)
{
    size_t len = strlen(prefix);
    const char *own = made->parent->key;
    if (strncmp(made->key, prefix, len) != 0 || made->key[len] != '_' ||
        !gn_streq(made->key + len + 1, own))
        gn_build_problem(b, GN_WARNING,
                         "%s %s_%s is not what all clients take as a name: it is served as %s",
                         gn_kind_name(made->kind), prefix, own, made->key);
}

/* Of one that somebody chose: it is kept. */
static void warn_of_name(struct gn_build *b, const struct gn_transform *t, enum gn_kind kind,
                         const char *name)
{
    char label[GN_TRANSFORM_LABEL];
    const char *doubt = kind == GN_RESOURCE ? NULL : gn_name_doubt(name);
    if (doubt)
        gn_build_problem(b, GN_WARNING, "%s: %s %s: its name %s, which some clients refuse",
                         gn_transform_label(t, label), gn_kind_name(kind), name, doubt);
}

static void apply_namespace(struct gn_build *b, struct gn_transform *t, size_t at)
{
    for (size_t i = 0, count = b->count; i < count; i++) {
        struct gn_entry *e = &b->v[i];
        if (e->is_parentless || !gn_match_component(&t->match, e->c))
            continue;
        b->touched[at]++;
        bool is_named = e->c->kind == GN_TOOL || e->c->kind == GN_PROMPT;
        if (!replace_by_memo(b, e, t)) {
            struct gn_component *made = is_named ? with_prefix(e->c, t->prefix)
                                                 : in_space(b, e->c, t->prefix);
            if (made)
                replace(b, e, t, made);
        }
        if (is_named)
            warn_of_prefixed(b, e->c, t->prefix);
    }
}

static bool is_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_BYTES && strspn(name, allowed) == len;
}

static struct gn_component *renamed(struct gn_build *b, const struct gn_transform *t,
                                    struct gn_component *c, const char *to)
{
    char label[GN_TRANSFORM_LABEL];
    const char *why = NULL;
    if (c->kind == GN_TEMPLATE)
        why = "the text of a template cannot be changed: use a namespace";
    else if (c->kind == GN_RESOURCE && !strchr(to, ':'))
        why = "its new URI has no scheme";
    else if (c->kind == GN_TOOL && !is_name(to))
        why = "its new name is not 1 to 128 of A-Z a-z 0-9 _ - .";
    if (why) {
        gn_build_problem(b, GN_ERROR, "%s: %s %s to %s: %s", gn_transform_label(t, label),
                         gn_kind_name(c->kind), c->key, to, why);
        return NULL;
    }
    return at_uri(c, to, NULL);
}

static void apply_rename(struct gn_build *b, struct gn_transform *t, size_t at)
{
    struct gn_map missing;
    const char *from;
    void *to;
    gn_map_init(&missing);
    for (size_t i = 0; gn_map_next(&t->renames, &i, &from, &to);)
        gn_map_put(&missing, from, to);
    for (size_t i = 0, count = b->count; i < count; i++) {
        struct gn_entry *e = &b->v[i];
        to = gn_map_find(&t->renames, e->c->key);
        if (!to || e->is_parentless || !gn_match_component(&t->match, e->c))
            continue;
        gn_map_remove(&missing, e->c->key);
        b->touched[at]++;
        struct gn_component *made = NULL;
        bool is_done = replace_by_memo(b, e, t);
        if (!is_done && (made = renamed(b, t, e->c, to)) != NULL)
            replace(b, e, t, made);
        if (is_done || made)
            warn_of_name(b, t, e->c->kind, e->c->key);
    }
    for (size_t i = 0; gn_build_tells_missing(b) && gn_map_next(&missing, &i, &from, NULL);)
        gn_build_missing(b, t, from, "tool, prompt or resource");
    gn_map_release(&missing, NULL);
}

/* ---------------------------------------------------------------- tools made over */

static void make_over(struct gn_build *b, struct gn_transform *t, struct gn_from *from, size_t i)
{
    struct gn_component *c = b->v[i].c;
    char label[GN_TRANSFORM_LABEL];
    struct gn_component *made = gn_build_recall(b, t, c);
    if (made) {
        gn_component_ref(made);
    } else {
        struct gn_error err = {0};
        if (gn_derive(b->registry->env, from, NULL, c, &made, &err)) {
            gn_build_problem(b, GN_ERROR, "%s: %s", gn_transform_label(t, label), err.text);
            if (from->keep)
                return;
            /* What it was to hide must not be seen because of a mistake. */
            b->v[i].is_off = b->v[i].is_barred = true;
            decide(&b->v[i], t);
            gn_free(b->v[i].why);
            b->v[i].why = gn_strdup(err.text);
            return;
        }
        gn_build_keep(b, t, c, made);
    }
    if (from->name)
        warn_of_name(b, t, GN_TOOL, made->key);
    if (from->keep) {
        gn_build_add(b, made);
        i = b->count - 1;
    } else {
        gn_component_unref(c);
        b->v[i].c = made;
    }
    if (from->enabled) {
        b->v[i].is_off = from->enabled == GANTRY_NO;
        decide(&b->v[i], t);
    }
}

static void apply_tools(struct gn_build *b, struct gn_transform *t, size_t at)
{
    struct gn_map missing;
    const char *name;
    void *value;
    gn_map_init(&missing);
    for (size_t i = 0; gn_map_next(&t->tools, &i, &name, &value);)
        gn_map_put(&missing, name, value);
    for (size_t i = 0, count = b->count; i < count; i++) {
        struct gn_entry *e = &b->v[i];
        struct gn_from *from = e->c->kind == GN_TOOL ? gn_map_find(&t->tools, e->c->key) : NULL;
        if (!from || e->is_parentless || e->is_barred || !gn_match_component(&t->match, e->c))
            continue;
        gn_map_remove(&missing, e->c->key);
        b->touched[at]++;
        make_over(b, t, from, i);
    }
    for (size_t i = 0; gn_build_tells_missing(b) && gn_map_next(&missing, &i, &name, NULL);)
        gn_build_missing(b, t, name, "tool");
    gn_map_release(&missing, NULL);
}

/* ---------------------------------------------------------------- rules */

static bool is_for(const struct gn_transform *t, const struct gn_component *c,
                   const char *principal)
{
    if (t->principals && !(principal && gn_match_name(t->principals, principal)))
        return false;
    if (!t->concerns)
        return true;
    const struct gn_owner *owner = gn_component_provider(c);
    gantry_component about = {
        .size = sizeof about,
        .kind = c->kind,
        .name = c->key,
        .title = c->title,
        .version = c->version,
        .plugin = owner ? owner->name : NULL,
        .tags = (const char *const *)c->tags,
    };
    return t->concerns(&about, principal, t->data);
}

static bool is_among_kinds(const struct gn_transform *t, enum gn_kind kind)
{
    return !t->match.kinds || (t->match.kinds & (1u << kind));
}

static void set_off(struct gn_entry *e, bool is_off, struct gn_transform *t)
{
    e->is_off = is_off;
    decide(e, t);
}

static void apply_rule(struct gn_build *b, struct gn_transform *t, size_t *touched)
{
    const char *principal = b->viewer ? b->viewer->principal : NULL;
    for (int kind = GN_TOOL; kind < GN_KINDS && gn_transform_varies(t); kind++)
        b->varies[kind] = b->varies[kind] || is_among_kinds(t, (enum gn_kind)kind);
    /* For whom the rule is not, it is not there: an `only` would leave them nothing. */
    if (t->type == GN_TRANSFORM_ONLY && t->principals &&
        !(principal && gn_match_name(t->principals, principal)))
        return;
    for (size_t i = 0; i < b->count; i++) {
        struct gn_entry *e = &b->v[i];
        if (e->is_parentless || e->is_barred || !is_among_kinds(t, e->c->kind))
            continue;
        bool matches = gn_match_component(&t->match, e->c) && is_for(t, e->c, principal);
        if (!matches && t->type != GN_TRANSFORM_ONLY)
            continue;
        *touched += matches;
        set_off(e, matches == (t->type == GN_TRANSFORM_DISABLE), t);
    }
}

static void apply_rule_at(struct gn_build *b, struct gn_transform *t, size_t at)
{
    apply_rule(b, t, &b->touched[at]);
}

/* ---------------------------------------------------------------- generated tools */

static void apply_prompts(struct gn_build *b, struct gn_transform *t, size_t at)
{
    size_t before = b->count;
    gn_offer_prompts(b, t);
    b->touched[at] += b->count - before;
}

static void apply_resources(struct gn_build *b, struct gn_transform *t, size_t at)
{
    size_t before = b->count;
    gn_offer_resources(b, t);
    b->touched[at] += b->count - before;
}

static void apply_search(struct gn_build *b, struct gn_transform *t, size_t at)
{
    gn_offer_search(b, t);
    for (size_t i = 0; i < b->count; i++)
        b->touched[at] += b->v[i].is_unlisted && b->v[i].by == t;
}

/* ---------------------------------------------------------------- all of it */

static void (*const appliers[GN_TRANSFORM_COUNT])(struct gn_build *b, struct gn_transform *t,
                                                  size_t at) = {
    [GN_TRANSFORM_NAMESPACE] = apply_namespace,
    [GN_TRANSFORM_RENAME] = apply_rename,
    [GN_TRANSFORM_ENABLE] = apply_rule_at,
    [GN_TRANSFORM_DISABLE] = apply_rule_at,
    [GN_TRANSFORM_ONLY] = apply_rule_at,
    [GN_TRANSFORM_PROMPTS_AS_TOOLS] = apply_prompts,
    [GN_TRANSFORM_RESOURCES_AS_TOOLS] = apply_resources,
    [GN_TRANSFORM_SEARCH] = apply_search,
    [GN_TRANSFORM_TOOLS] = apply_tools,
};

/* The rules of one session come after all others. */
static void apply_rules(struct gn_build *b)
{
    size_t count, touched = 0;
    struct gn_transform *const *v = gn_rules_list(b->viewer ? b->viewer->rules : NULL, &count);
    for (size_t i = 0; i < count; i++)
        apply_rule(b, v[i], &touched);
}

struct gn_snapshot *gn_build_run(struct gn_registry *r, struct gn_sources *sources,
                                 struct gn_stack *stack, const struct gn_viewer *viewer,
                                 const struct gn_map *added, struct gn_problems_list *ret_problems)
{
    struct gn_build b = {.registry = r, .stack = stack, .viewer = viewer, .added = added};
    r->mark++;
    gn_map_init(&b.made);
    b.touched = gn_calloc(stack->count + 1, sizeof *b.touched);
    gn_build_sources(&b, sources);
    for (size_t i = 0; i < stack->count; i++) {
        gn_build_expect(&b, stack->v[i]);
        appliers[stack->v[i]->type](&b, stack->v[i], i);
    }
    apply_rules(&b);
    struct gn_snapshot *s = gn_snapshot_make(&b);
    if (ret_problems)
        *ret_problems = b.problems;
    else
        gn_problems_list_free(&b.problems);
    return s;
}
