/* build.h - inside the registry: a snapshot in the making.
 *
 * A build begins with all sources, made of their parents, lets each transform change the entries,
 * and ends with an index of what is left. Transforms keep what they make of a component (memo), so
 * that a build after a change makes anew only what has changed.
 */
#ifndef GN_REGISTRY_BUILD_H
#define GN_REGISTRY_BUILD_H

#include "registry/registry.h"
#include "registry/transform.h"

struct gn_entry {
    struct gn_component *c;        /* one reference */
    bool is_off;                   /* disabled: not there */
    bool is_unlisted;              /* there, but in no list */
    const struct gn_transform *by; /* what decided that last; NULL: nothing */
};

struct gn_build {
    struct gn_registry *registry;
    const struct gn_viewer *viewer;
    struct gn_entry *v; /* sorted by kind, key, owner at the beginning */
    size_t count, cap;
    bool varies[GN_KINDS]; /* another viewer may see other lists of this kind */
};

/* Appends; takes the reference over. */
void gn_build_add(struct gn_build *b, struct gn_component *c);
/* What t has made of c already, borrowed; NULL: nothing yet. keep: remembers `made` (a reference is
 * taken). */
struct gn_component *gn_build_recall(struct gn_build *b, const struct gn_transform *t,
                                     const struct gn_component *c);
void gn_build_keep(struct gn_build *b, const struct gn_transform *t, struct gn_component *c,
                   struct gn_component *made);
/* Says what is wrong with a component or a transform: logged once for as long as it is so, shown by
 * gantry inspect. */
void gn_build_problem(struct gn_build *b, enum gn_level level, const char *fmt, ...)
    GN_PRINTF(3, 4);

/* offer.c, search.c: what each does to the entries. Tools offered are added once each. */
void gn_offer_prompts(struct gn_build *b, struct gn_transform *t);
void gn_offer_resources(struct gn_build *b, struct gn_transform *t);
void gn_offer_search(struct gn_build *b, struct gn_transform *t);

#endif
