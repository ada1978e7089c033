/* describe.c - what is served and why, for people (gantry inspect): transforms in their order, all
 * components with where they come from, problems. */
#include "registry/build.h"

#include "call/call.h"
#include "util/alloc.h"
#include "util/str.h"

#define STEPS_MAX 64

static const char *const state_names[] = {
    [GN_ENTRY_SERVED] = "served",   [GN_ENTRY_UNLISTED] = "unlisted", [GN_ENTRY_OFF] = "off",
    [GN_ENTRY_WAITING] = "waiting", [GN_ENTRY_WRONG] = "wrong",       [GN_ENTRY_OLDER] = "older",
    [GN_ENTRY_FOREIGN] = "foreign",
};

static void write_texts(struct gn_jw *w, const char *name, char *const *v)
{
    if (!v)
        return;
    gn_jw_array(w, name);
    for (; *v; v++)
        gn_jw_str(w, NULL, *v);
    gn_jw_end(w);
}

static void write_match(const struct gn_transform *t, struct gn_jw *w)
{
    gn_jw_object(w, "match");
    if (t->match.kinds) {
        gn_jw_array(w, "kinds");
        for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
            if (t->match.kinds & (1u << kind))
                gn_jw_str(w, NULL, gn_kind_name((enum gn_kind)kind));
        }
        gn_jw_end(w);
    }
    write_texts(w, "names", t->match.names);
    write_texts(w, "tags", t->match.tags);
    write_texts(w, "plugins", t->match.plugins);
    write_texts(w, "versions", t->match.versions);
    write_texts(w, "principals", t->principals);
    if (t->concerns)
        gn_jw_bool(w, "predicate", true);
    gn_jw_end(w);
}

static void write_transforms(const struct gn_registry *r, const struct gn_snapshot *s,
                             struct gn_jw *w)
{
    gn_jw_array(w, "transforms");
    for (size_t i = 0; i < r->stack->count; i++) {
        const struct gn_transform *t = r->stack->v[i];
        gn_jw_object(w, NULL);
        gn_jw_int(w, "number", (int64_t)i + 1);
        gn_jw_str(w, "name", t->name);
        gn_jw_str(w, "owner", t->owner ? t->owner->name : NULL);
        gn_jw_str(w, "type", gn_transform_type_name(t->type));
        write_match(t, w);
        gn_jw_int(w, "touched", (int64_t)s->touched[i]);
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

/* Who made it of its parent: a transform of the stack, or the plugin whose source it is. */
static void write_step(struct gn_build *b, const struct gn_component *c, struct gn_jw *w)
{
    GN_AUTO_FREE char *text = NULL;
    const struct gn_stack *stack = b->registry->stack;
    for (size_t i = 0; !c->own && !text && i < stack->count; i++) {
        const struct gn_transform *t = stack->v[i];
        if (gn_build_recall(b, t, c->parent) == c)
            text = gn_format("%s (%s)", gn_transform_type_name(t->type), t->name);
    }
    if (c->own)
        text = gn_format("made from %s (plugin %s)", c->parent->key,
                         c->own->owner ? c->own->owner->name : "");
    gn_jw_str(w, NULL, text ? text : "made");
}

static void write_steps(struct gn_build *b, const struct gn_component *c, struct gn_jw *w)
{
    const struct gn_component *chain[STEPS_MAX];
    size_t n = 0;
    for (; c->parent && n < STEPS_MAX; c = c->parent)
        chain[n++] = c;
    gn_jw_array(w, "steps");
    while (n-- > 0)
        write_step(b, chain[n], w);
    gn_jw_end(w);
}

static void write_entry(struct gn_build *b, const struct gn_entry *e, struct gn_jw *w)
{
    const struct gn_component *c = e->c, *origin = gn_component_origin(c);
    const struct gn_owner *owner = gn_component_provider(c);
    gn_jw_object(w, NULL);
    gn_jw_str(w, "name", c->key);
    gn_jw_str(w, "provided", origin->key);
    gn_jw_str(w, "plugin", owner ? owner->name : NULL);
    gn_jw_str(w, "version", c->version);
    if (c->principal)
        gn_jw_str(w, "principal", c->principal);
    write_steps(b, c, w);
    gn_jw_str(w, "state", state_names[e->state]);
    gn_jw_str(w, "by", e->by ? e->by->name : NULL);
    gn_jw_str(w, "why", e->why);
    gn_jw_end(w);
}

void gn_registry_describe(struct gn_registry *r, const struct gn_viewer *viewer, struct gn_jw *w)
{
    static const char *const lists[GN_KINDS] = {
        [GN_TOOL] = "tools",
        [GN_RESOURCE] = "resources",
        [GN_TEMPLATE] = "templates",
        [GN_PROMPT] = "prompts",
    };
    struct gn_snapshot *s = gn_registry_view(r, viewer);
    struct gn_build b = {.registry = r};
    gn_jw_object(w, NULL);
    write_transforms(r, s, w);
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        gn_jw_array(w, lists[kind]);
        for (size_t i = 0; i < s->entry_count; i++) {
            if ((int)s->entries[i].c->kind == kind)
                write_entry(&b, &s->entries[i], w);
        }
        gn_jw_end(w);
    }
    gn_jw_array(w, "problems");
    for (size_t i = 0; i < r->problems.count; i++)
        gn_jw_str(w, NULL, r->problems.v[i].text);
    gn_jw_end(w);
    gn_jw_end(w);
}
