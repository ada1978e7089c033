/* render.h - inside the registry: lists as bytes, written once (render.c).
 *
 * What an element looks like depends on the component, the revision and whether references are
 * written out; so its bytes stay with the component, and whoever has the component in a list has
 * them, too: a list that is built anew after a change of one tool writes that tool only. A list
 * that is asked for whole more than once is kept in one piece with the snapshot. Loop thread only.
 */
#ifndef GN_REGISTRY_RENDER_H
#define GN_REGISTRY_RENDER_H

#include "registry/registry.h"

/* The component as an element of its list, but for the versions beside it; lives as long as it
 * does. s: of the registry that it is in. NULL: it is larger than any answer may be. */
const struct gn_rendered *gn_component_rendered(const struct gn_snapshot *s, struct gn_component *c,
                                                struct gn_view view);
/* gn_component_write with the versions that there are of it, as JSON; NULL: it is the only one. */
void gn_component_write_versions(const struct gn_component *c, struct gn_view view,
                                 const char *versions, struct gn_jw *w);
/* The elements [from, from + count) of a list, into the open array of w. */
void gn_snapshot_write_slice(const struct gn_snapshot *s, enum gn_kind kind, size_t from,
                             size_t count, struct gn_view view, struct gn_jw *w);
/* What was kept of lists of one kind; NULL is fine. For gn_snapshot_unref. */
void gn_renderings_free(struct gn_rendering *r);

#endif
