/* timing.c - how long each request took, as a line of the log. */
#include "pipeline/shipped.h"
#include "util/clock.h"

static int run(struct gn_call *call)
{
    const struct gn_shipped_entry *e = gn_shipped_self(call);
    uint64_t since_us = gn_clock_us();
    int rc = gn_call_next(call);
    double ms = (double)(gn_clock_us() - since_us) / 1000;
    char subject[GN_SHIPPED_SUBJECT];
    gn_log(call->env->log, e->options.level, "timing", "%s %s %s %.2f ms",
           gn_shipped_subject(call, subject), gn_shipped_verdict(call),
           call->verdict == GN_OUT_RESULT ? "in" : "after", ms);
    return rc;
}

const struct gn_shipped_kind gn_shipped_timing = {"timing", GANTRY_ON_REQUEST, run};
