/* start.h - running a plugin's `start` as a coroutine with a deadline: the host and the probe do it
 * the same way. [loop]
 */
#ifndef GN_PLUGIN_START_H
#define GN_PLUGIN_START_H

#include "plugin/generation.h"

struct gn_start;

/* err is NULL if it succeeded: g->started is true then. */
typedef void (*gn_start_fn)(void *arg, const struct gn_error *err);

/* Runs g->start, if it has one. on_done comes exactly once, perhaps before this returns, and then
 * *ret_start is NULL. After a deadline the coroutine may still hold g. */
void gn_start_begin(struct gn_generation *g, uint32_t timeout_ms, struct gn_start **ret_start,
                    gn_start_fn on_done, void *arg);
/* Cancels; on_done does not come. */
void gn_start_abandon(struct gn_start *start);

#endif
