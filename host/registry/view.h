/* view.h - rules of visibility that one session has for itself (gantry_session_transform), in the
 * handshake era only. Loop thread only. */
#ifndef GN_REGISTRY_VIEW_H
#define GN_REGISTRY_VIEW_H

#include "call/call.h"
#include "registry/transform.h"

#define GN_RULES_MAX 64

/* The rules with one more, of the same name replaced; `rules` (NULL: none) stays as it is. Takes t
 * over. One reference. NULL with err set: too many, or not a rule (GN_EINVAL, GN_ETOOBIG). */
struct gn_rules *gn_rules_with(const struct gn_rules *rules, struct gn_transform *t, int *ret_rc,
                               struct gn_error *err);
/* In their order. */
struct gn_transform *const *gn_rules_list(const struct gn_rules *rules, size_t *ret_count);

#endif
