/* missing.c - names that transforms have and nobody provides: mistakes in most cases, and some that
 * leave open what was to be closed. They are told when all that is configured has been loaded. */
#include "registry/build.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define HINTS_MAX 16 /* each is a comparison with all there is */

/* What is missing has been told with the snapshot for nobody in particular. */
bool gn_build_tells_missing(const struct gn_build *b)
{
    return b->registry->is_settled && !b->viewer && b->problems.count < GN_PROBLEMS_MAX;
}

void gn_build_missing(struct gn_build *b, const struct gn_transform *t, const char *name,
                      const char *what)
{
    char label[GN_TRANSFORM_LABEL];
    bool has_hint = b->hints++ < HINTS_MAX;
    const char **keys = gn_calloc(b->count + 1, sizeof *keys);
    size_t n = 0;
    for (size_t i = 0; has_hint && i < b->count; i++) {
        const struct gn_entry *e = &b->v[i];
        if (!e->is_parentless && (t->type != GN_TRANSFORM_TOOLS || e->c->kind == GN_TOOL))
            keys[n++] = e->c->key;
    }
    const char *near = gn_nearest(name, keys);
    gn_build_problem(b, GN_WARNING, "%s: there is no %s %s%s%s%s", gn_transform_label(t, label),
                     what, name, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    gn_free(keys);
}

static void missing_plugin(struct gn_build *b, const struct gn_transform *t, const char *name)
{
    char label[GN_TRANSFORM_LABEL];
    bool has_hint = b->hints++ < HINTS_MAX;
    const char **names = gn_calloc(b->count + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; has_hint && i < b->count; i++) {
        const struct gn_owner *owner = gn_component_provider(b->v[i].c);
        if (owner)
            names[n++] = owner->name;
    }
    const char *near = gn_nearest(name, names);
    gn_build_problem(b, GN_WARNING, "%s: nothing is from a plugin %s%s%s%s",
                     gn_transform_label(t, label), name, near ? " (did you mean " : "",
                     near ? near : "", near ? "?)" : "");
    gn_free(names);
}

/* Those that name one thing: a beginning may match what comes later. */
static void put_names(struct gn_map *map, char *const *names)
{
    for (; names && *names; names++) {
        size_t len = strlen(*names);
        if (len > 0 && (*names)[len - 1] != '*')
            gn_map_put(map, *names, *names);
    }
}

void gn_build_expect(struct gn_build *b, const struct gn_transform *t)
{
    struct gn_map names, plugins;
    const char *name;
    if ((!t->match.names && !t->match.plugins && !t->always) || !gn_build_tells_missing(b))
        return;
    gn_map_init(&names);
    gn_map_init(&plugins);
    put_names(&names, t->match.names);
    put_names(&names, t->always);
    put_names(&plugins, t->match.plugins);
    for (size_t i = 0; (names.count || plugins.count) && i < b->count; i++) {
        const struct gn_owner *owner = gn_component_provider(b->v[i].c);
        gn_map_remove(&names, b->v[i].c->key);
        if (owner)
            gn_map_remove(&plugins, owner->name);
    }
    for (size_t i = 0; gn_build_tells_missing(b) && gn_map_next(&names, &i, &name, NULL);)
        gn_build_missing(b, t, name, "tool, prompt or resource");
    for (size_t i = 0; gn_build_tells_missing(b) && gn_map_next(&plugins, &i, &name, NULL);)
        missing_plugin(b, t, name);
    gn_map_release(&names, NULL);
    gn_map_release(&plugins, NULL);
}
