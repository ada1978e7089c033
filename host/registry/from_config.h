/* from_config.h - the operator's transforms: entries of `transforms` in the configuration. */
#ifndef GN_REGISTRY_FROM_CONFIG_H
#define GN_REGISTRY_FROM_CONFIG_H

#include "config/config.h"
#include "registry/transform.h"

/* One for each entry, in their order; the array and its references are the caller's. GN_EINVAL:
 * something is wrong whatever tools there are; `problems` then has every problem, one a line:
 * "etc/gantry.yaml:12: transforms[0].tools.search.hide: unknown key; ...", and *ret is NULL. No
 * message shows a value, which may come from the environment. [any thread] */
GN_NODISCARD int gn_transforms_from_config(const struct gn_config *c, struct gn_transform ***ret,
                                           size_t *ret_count, struct gn_buf *problems);
void gn_transforms_free(struct gn_transform **v, size_t count); /* NULL is fine */

#endif
