/* internal.h - what the files of this floor share. */
#ifndef GN_CALL_INTERNAL_H
#define GN_CALL_INTERNAL_H

#include "call/call.h"

/* notifications/progress: so many at once, then one more every GN_PROGRESS_REFILL_MS. */
#define GN_PROGRESS_BURST 64
#define GN_PROGRESS_REFILL_MS 20

/* Checks and binds the arguments; false with the outcome if they do not fit. [loop] */
bool gn_call_bind(struct gn_call *call, enum gn_outcome *ret_outcome);
/* Runs the handler on the current stack and releases the locks it left. [task] */
int gn_call_invoke(struct gn_call *call);
/* What call->rc means. [loop] */
enum gn_outcome gn_call_outcome(struct gn_call *call);

#endif
