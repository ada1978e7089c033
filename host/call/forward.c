/* forward.c - the function around a tool runs its parent: frames within a call. */
#include "call/made.h"

#include "call/internal.h"

bool gn_call_is_around(const struct gn_call *call)
{
    return call->component && call->component->made && call->component->made->is_around;
}

int gn_call_forward(struct gn_call *call, const gantry_json *arguments, bool is_raw)
{
    (void)call;
    (void)arguments;
    (void)is_raw;
    return GANTRY_ENOTSUP;
}
