/* timeout.c - deadlines of some tools. A middleware further out that runs a call again gives each
 * run the whole time. */
#include "pipeline/shipped.h"

static int run(struct gn_call *call)
{
    gn_call_set_timeout(call, gn_shipped_self(call)->options.timeout_ms);
    return gn_call_next(call);
}

const struct gn_shipped_kind gn_shipped_timeout = {
    "timeout",
    GANTRY_ON_CALL_TOOL | GANTRY_ON_READ_RESOURCE | GANTRY_ON_GET_PROMPT | GANTRY_ON_COMPLETE, run};
