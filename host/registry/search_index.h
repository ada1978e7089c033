/* search_index.h - the tools of a snapshot, findable by what they say. Loop thread only. */
#ifndef GN_REGISTRY_SEARCH_INDEX_H
#define GN_REGISTRY_SEARCH_INDEX_H

#include "registry/bm25.h"
#include "registry/build.h"

/* Owned by its snapshot, which holds the tools. */
struct gn_search {
    struct gn_bm25 *index;   /* documents are elements of v */
    struct gn_component **v; /* all tools that can be called, by name, but for those left out */
    size_t count;
};

/* The index of s, made when first asked for. leave_out says which tools are not in it; always the
 * same ones. */
struct gn_search *gn_search_of(struct gn_snapshot *s,
                               bool (*leave_out)(const struct gn_component *c));

#endif
