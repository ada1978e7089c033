/* mask_errors.c - what failed is told to the log, and to the client only where to find it there.
 *
 * The words of plugins are replaced; those of the host stay: which argument does not fit, that a
 * resource is not there, that time is up, that a tool is busy. They tell nothing of its inside.
 */
#include "pipeline/shipped.h"

#include <sodium.h>

static int run(struct gn_call *call)
{
    const struct gn_shipped_entry *e = gn_shipped_self(call);
    int rc = gn_call_next(call);
    /* What failed by accident is in the log already, and has its id. */
    bool on_purpose = call->verdict == GN_OUT_FAILED && !call->own_words;
    if (!on_purpose && call->verdict != GN_OUT_ACCIDENT)
        return rc;
    if (on_purpose) {
        char subject[GN_SHIPPED_SUBJECT];
        gn_log(call->env->log, GN_WARNING, "mask_errors", "%s failed: %s, correlation id %016llx",
               gn_shipped_subject(call, subject), call->failure ? call->failure : "nothing said",
               (unsigned long long)gn_call_correlation(call));
    }
    /* The verdict stays, only its text is another one. */
    call->failure = gn_arena_format(&call->arena, "%s (correlation id %016llx)", e->options.message,
                                    (unsigned long long)gn_call_correlation(call));
    if (!call->failure)
        call->failure = "internal error";
    return rc;
}

const struct gn_shipped_kind gn_shipped_mask_errors = {
    "mask_errors",
    GANTRY_ON_CALL_TOOL | GANTRY_ON_READ_RESOURCE | GANTRY_ON_GET_PROMPT | GANTRY_ON_COMPLETE, run};
