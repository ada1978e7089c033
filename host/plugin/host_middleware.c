/* host_middleware.c - what a middleware does with the call it is around. */
#include "plugin/host_internal.h"

#include "call/ask.h"
#include "plugin/abi.h"
#include "plugin/host_errors.h"

/* True in the body of a middleware: elsewhere there is nothing inside that could be run. */
static inline bool is_middleware(gantry_call *call, const char *function)
{
    if (!gn_host_runs(call))
        return false;
    if (call->around_at - 1 < call->around_count) /* 0 wraps */
        return true;
    gn_host_misuse(call, "%s: only a middleware may call it", function);
    return false;
}

/* The same, or in the function around a tool: what has run inside has left a result. */
static inline bool has_inside(gantry_call *call, const char *function)
{
    if (!gn_host_runs(call))
        return false;
    if (call->around_at - 1 < call->around_count || gn_call_is_around(call))
        return true;
    gn_host_misuse(call, "%s: only a middleware, or the function around a tool, may call it",
                   function);
    return false;
}

int gn_host_depth(gantry_call *call)
{
    return gn_host_runs(call) ? (int)call->depth : 0;
}

int gn_host_next(gantry_call *call)
{
    return is_middleware(call, "gantry_next") ? gn_call_next(call) : GANTRY_EPERM;
}

int gn_host_forward(gantry_call *call, const gantry_json *arguments, uint32_t raw)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!gn_call_is_around(call)) {
        gn_host_misuse(call, "gantry_forward: only the function around a tool may call it");
        return GANTRY_EPERM;
    }
    if (arguments && gn_json_type(arguments) != GN_JSON_OBJECT)
        return gn_host_misuse(call, "gantry_forward: the arguments are not an object");
    return gn_call_forward(call, arguments, raw != 0);
}

int gn_host_outcome(gantry_call *call)
{
    _Static_assert((int)GN_OUT_RESULT == (int)GANTRY_OUTCOME_RESULT &&
                       (int)GN_OUT_CANCELED == (int)GANTRY_OUTCOME_CANCELED,
                   "outcomes");
    return has_inside(call, "gantry_outcome") ? (int)call->verdict : GANTRY_OUTCOME_NONE;
}

const char *gn_host_failure(gantry_call *call)
{
    if (!gn_host_runs(call))
        return NULL;
    return call->failure ? call->failure : call->heard;
}

const gantry_json *gn_host_result(gantry_call *call)
{
    return has_inside(call, "gantry_result") ? gn_call_result(call) : NULL;
}

int gn_host_set_result(gantry_call *call, const gantry_json *result)
{
    struct gn_error err = {0};
    if (!has_inside(call, "gantry_set_result"))
        return GANTRY_EPERM;
    int rc = gn_call_set_result(call, result, &err);
    return rc == GANTRY_EINVAL ? gn_host_misuse(call, "gantry_set_result: %s", err.text) : rc;
}

int gn_host_set_arguments(gantry_call *call, const gantry_json *arguments)
{
    if (!is_middleware(call, "gantry_set_arguments"))
        return GANTRY_EPERM;
    if (arguments && gn_json_type(arguments) != GN_JSON_OBJECT)
        return gn_host_misuse(call, "gantry_set_arguments: not an object");
    if (call->component)
        call->arguments = arguments;
    else
        call->params = arguments;
    return GANTRY_OK;
}

int gn_host_refusev(gantry_call *call, int code, const char *fmt, va_list ap)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    int rc = gn_call_vfail(call, fmt, ap);
    call->error_code = code;
    return rc;
}

int gn_host_set_timeout(gantry_call *call, uint32_t ms)
{
    if (!is_middleware(call, "gantry_set_timeout"))
        return GANTRY_EPERM;
    if (!ms)
        return gn_host_misuse(call, "gantry_set_timeout: 0 ms is no time at all");
    gn_call_set_timeout(call, ms);
    return GANTRY_OK;
}

int gn_host_has_tag(gantry_call *call, const char *tag)
{
    return gn_host_runs(call) && tag && gn_component_has_tag(call->component, tag);
}

int gn_host_no_park(gantry_call *call, int held)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    struct gn_call *root = gn_call_root(call);
    if (!held && root->no_park == 0)
        return gn_host_misuse(call, "gantry_no_park: nothing is held");
    root->no_park = held ? root->no_park + 1 : root->no_park - 1;
    return GANTRY_OK;
}
