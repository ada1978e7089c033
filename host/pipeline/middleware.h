/* middleware.h - the middlewares that come with the host: from the list `middleware` of the
 * configuration to functions around calls. Loop thread only.
 *
 * Each configuration makes its own set, which replaces the one before; calls that run keep what
 * they began with. What outlives a set is the count of calls at a time (`concurrency`).
 */
#ifndef GN_PIPELINE_MIDDLEWARE_H
#define GN_PIPELINE_MIDDLEWARE_H

#include "call/call.h"

struct gn_shipped;
/* None yet. env must outlive it. */
struct gn_shipped *gn_shipped_new(struct gn_call_env *env);
/* Puts the middlewares of this configuration in the place of those before; copies what it needs. */
void gn_shipped_configure(struct gn_shipped *shipped, const struct gn_config *config);
/* Takes them away. Calls that have not ended may still be in them. NULL is fine. */
void gn_shipped_free(struct gn_shipped *shipped);

#endif
