/* host_transforms.h - the operator's transforms and secrets, from the configuration into the
 * registry. Loop thread only. */
#ifndef GN_HOST_TRANSFORMS_H
#define GN_HOST_TRANSFORMS_H

#include "call/call.h"
#include "config/config.h"
#include "registry/registry.h"

/* The registry's problems go to the log from now on, if it logs; env's secrets are in *config,
 * whichever that is at the time. All pointers live as long as the registry. */
void gn_host_transforms_open(struct gn_registry *r, struct gn_call_env *env,
                             struct gn_config *const *config, bool logs);
/* Takes those of c in place of those that were there. `changed` gets the kinds of which some list
 * may be another one. GN_EINVAL, GN_EEXIST: it cannot be, `problems` has why, one a line, and all
 * is as it was. */
GN_NODISCARD int gn_host_transforms_set(struct gn_registry *r, const struct gn_config *c,
                                        uint32_t *changed, struct gn_buf *problems);
/* Warns of files with secrets that everybody on the machine may read. */
void gn_host_transforms_warn(struct gn_log *log, const struct gn_config *c);

#endif
