/* transform.h - transforms: what is done to all components on their way from those who provide them
 * to the lists that clients see.
 *
 *     sources -> made of their parents (derive.h) -> plugins' transforms -> the operator's ->
 * newest versions -> a snapshot
 *
 * A transform is immutable and reference-counted. All of them stand in one array, in the order in
 * which they act; a build (build.h) runs through it once for each viewer whose lists may differ.
 * Loop thread only.
 */
#ifndef GN_REGISTRY_TRANSFORM_H
#define GN_REGISTRY_TRANSFORM_H

#include "call/component.h"
#include "registry/derive.h"
#include "util/map.h"

enum gn_transform_type {
    GN_TRANSFORM_NAMESPACE = GANTRY_TRANSFORM_NAMESPACE,
    GN_TRANSFORM_RENAME = GANTRY_TRANSFORM_RENAME,
    GN_TRANSFORM_ENABLE = GANTRY_TRANSFORM_ENABLE,
    GN_TRANSFORM_DISABLE = GANTRY_TRANSFORM_DISABLE,
    GN_TRANSFORM_ONLY = GANTRY_TRANSFORM_ONLY,
    GN_TRANSFORM_PROMPTS_AS_TOOLS = GANTRY_TRANSFORM_PROMPTS_AS_TOOLS,
    GN_TRANSFORM_RESOURCES_AS_TOOLS = GANTRY_TRANSFORM_RESOURCES_AS_TOOLS,
    GN_TRANSFORM_SEARCH = GANTRY_TRANSFORM_SEARCH,
    GN_TRANSFORM_TOOLS, /* the operator's: tools by name, each made over in its place */
    GN_TRANSFORM_COUNT,
};

/* Of each list that is given a component must be in one. Lists are NULL-terminated, NULL: not
 * given; names end in "*" for a beginning. */
struct gn_match {
    uint32_t kinds; /* 1u << kind; 0: all */
    char **names, **tags, **plugins, **versions;
};

#define GN_TRANSFORM_MAGIC 0x7a5f0e31u
struct gn_transform {
    uint32_t magic, refs;
    enum gn_transform_type type;
    char *name; /* for people: a plugin's, or "transforms[2]" */
    int32_t priority;
    uint64_t order;         /* ties: counts those that one plugin has made */
    struct gn_owner *owner; /* NULL: the operator. Not held: it takes its own away when it goes */
    struct gn_match match;
    char **principals; /* NULL-terminated; NULL: for all */
    bool (*concerns)(const gantry_component *component, const char *principal, void *data);
    void *data;
    void (*free_data)(void *data); /* called when it is gone */
    /* by type */
    char *prefix;
    struct gn_map renames; /* from -> to (char *, owned) */
    struct gn_map tools;   /* TOOLS: name -> struct gn_from *, owned */
    char **always;         /* SEARCH; NULL-terminated or NULL */
    uint32_t max_results;  /* SEARCH; never 0 */
    /* RESOURCES_, PROMPTS_AS_TOOLS, SEARCH: the tools it offers, made once (offer.c, search.c) */
    struct gn_component *offered[2];
};
/* Zeroed, with one reference; fields are filled in by whoever makes it, and freed with it. */
struct gn_transform *gn_transform_new(enum gn_transform_type type, const char *name);
struct gn_transform *gn_transform_ref(struct gn_transform *t);
void gn_transform_unref(struct gn_transform *t); /* NULL is fine */
/* For people: "transforms[2]", or "plugin NAME: transform NAME". buf is where it may be written. */
#define GN_TRANSFORM_LABEL 320
const char *gn_transform_label(const struct gn_transform *t, char buf[GN_TRANSFORM_LABEL]);
/* "namespace", "rename", ...: as in etc/gantry.yaml. */
const char *gn_transform_type_name(enum gn_transform_type type);
/* 0; GN_ENOENT: no type has that name. */
int gn_transform_type_find(const char *name, enum gn_transform_type *ret);
/* What is wrong with it by itself, whatever components there are. */
GN_NODISCARD int gn_transform_check(const struct gn_transform *t, struct gn_error *err);
/* True if a predicate or principals make it differ from viewer to viewer. */
bool gn_transform_varies(const struct gn_transform *t);
bool gn_match_component(const struct gn_match *m, const struct gn_component *c);
bool gn_match_name(char *const *names, const char *name); /* NULL: no */

#endif
