/* internal.h - what the files of this floor share. */
#ifndef GN_CALL_INTERNAL_H
#define GN_CALL_INTERNAL_H

#include "call/call.h"

/* notifications/progress: so many at once, then one more every GN_PROGRESS_REFILL_MS. */
#define GN_PROGRESS_BURST 64
#define GN_PROGRESS_REFILL_MS 20

/* check.c: checks the arguments, coerced if that is allowed (call->arguments is then the copy), and
 * fills call->in. False: call->failure and the outcome say why. [loop] */
bool gn_call_bind(struct gn_call *call, enum gn_outcome *ret_outcome);
/* check.c: NULL: the result may go out; what does not fit is in the log. Else why the call fails,
 * in the arena. [loop] */
const char *gn_call_check_output(struct gn_call *call);
/* Runs the handler on the current stack and releases the locks it left. [task] */
int gn_call_invoke(struct gn_call *call);
/* What call->rc means. [loop] */
enum gn_outcome gn_call_outcome(struct gn_call *call);

#endif
