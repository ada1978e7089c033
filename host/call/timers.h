/* timers.h - timers of a call: how long its parts take, by name (gantry_timer_begin).
 *
 * They live in the call's arena and are used by the thread that runs it; a nested call has its own.
 * A timer that is begun again before it has ended counts once, until as many ends.
 */
#ifndef GN_CALL_TIMERS_H
#define GN_CALL_TIMERS_H

#include "call/call.h"

#define GN_CALL_TIMERS_MAX 64
#define GN_CALL_TIMER_NAME 128 /* bytes of a name, at most */

/* [task] GN_EINVAL: no name, or a longer one; GN_ETOOBIG: too many names, or no memory is left. */
int gn_call_timer_begin(struct gn_call *call, const char *name);
/* [task] GN_EINVAL: it was not begun. */
int gn_call_timer_end(struct gn_call *call, const char *name);
/* [task] Seconds of all that have ended. GN_ENOENT. */
int gn_call_timer_elapsed(struct gn_call *call, const char *name, double *ret_seconds);
/* [task] One line of the log: count, total, mean and max of each that has ended, in seconds.
 * GN_ENOENT: none has. */
int gn_call_timer_summary(struct gn_call *call);

#endif
