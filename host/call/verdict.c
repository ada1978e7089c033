/* verdict.c - what became of a call: failures, and what a return value means. */
#include "call/ask.h"
#include "call/internal.h"
#include "call/lines.h"
#include "wire/jsonrpc.h"

#include <stdio.h>

int gn_call_vfail(struct gn_call *call, const char *fmt, va_list ap)
{
    call->failure = gn_arena_vformat(&call->arena, fmt, ap);
    if (!call->failure)
        call->failure = "the message of this failure is too long";
    call->failed = true;
    call->own_words = !call->self;
    call->error_code = 0;
    return GANTRY_EFAILED;
}

int gn_call_fail(struct gn_call *call, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = gn_call_vfail(call, fmt, ap);
    va_end(ap);
    return rc;
}

int gn_call_refuse(struct gn_call *call, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = gn_call_vfail(call, fmt, ap);
    va_end(ap);
    call->error_code = code;
    return rc;
}

const char *gn_capability_names(struct gn_call *call, uint32_t bits)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {GANTRY_CAP_ELICITATION, "elicitation (forms)"},
        {GANTRY_CAP_ELICITATION_URL, "elicitation (URLs)"},
        {GANTRY_CAP_SAMPLING, "sampling"},
        {GANTRY_CAP_SAMPLING_TOOLS, "sampling with tools"},
        {GANTRY_CAP_ROOTS, "roots"},
    };
    const char *text = "";
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        if (bits & names[i].bit)
            text = gn_arena_format(&call->arena, "%s%s%s", text, *text ? ", " : "", names[i].name);
        if (!text)
            return "the capability";
    }
    return text;
}

static int fail_lacking(struct gn_call *call)
{
    bool is_stateless = gn_revision_is_stateless(call->revision);
    return gn_call_refuse(call, is_stateless ? GN_RPC_MISSING_CAPABILITY : 0,
                          "%s asks for what the client does not declare: %s", gn_call_label(call),
                          gn_capability_names(call, gn_call_root(call)->lacking));
}

static const char *code_name(int rc)
{
    static const char *const names[] = {
        [0] = "OK",
        [-GANTRY_EINVAL] = "EINVAL",
        [-GANTRY_ENOTSUP] = "ENOTSUP",
        [-GANTRY_ECANCELED] = "ECANCELED",
        [-GANTRY_EFAILED] = "EFAILED without a message",
        [-GANTRY_ETOOBIG] = "ETOOBIG",
        [-GANTRY_EBUSY] = "EBUSY",
        [-GANTRY_ENOENT] = "ENOENT",
        [-GANTRY_ETIMEDOUT] = "ETIMEDOUT",
        [-GANTRY_EIO] = "EIO",
        [-GANTRY_EEXIST] = "EEXIST",
        [-GANTRY_EPERM] = "EPERM",
        [-GANTRY_EDECLINED] = "EDECLINED",
        [-GANTRY_EDISMISSED] = "EDISMISSED",
    };
    return rc <= 0 && rc > -(int)GN_COUNT(names) ? names[-rc] : "an unknown code";
}

enum gn_outcome gn_call_fail_by_accident(struct gn_call *call, const char *who, const char *why)
{
    uint64_t correlation = gn_call_correlation(call);
    call->failure = gn_arena_format(&call->arena, "internal error (correlation id %016llx)",
                                    (unsigned long long)correlation);
    gn_call_note(call, GN_ERROR, "%s failed: %s, correlation id %016llx", who, why,
                 (unsigned long long)correlation);
    return GN_OUT_ACCIDENT;
}

static bool is_resource(const struct gn_component *c)
{
    return c && (c->kind == GN_RESOURCE || c->kind == GN_TEMPLATE);
}

enum gn_outcome gn_call_judge(struct gn_call *call, int rc, const char *who)
{
    /* A handler that goes on after gantry_fail has failed all the same. */
    if (call->failed)
        return GN_OUT_FAILED;
    /* A function passes on what its parent came to. */
    if (call->verdict && rc == call->next_rc)
        return call->verdict;
    if (rc == GANTRY_OK)
        return GN_OUT_RESULT;
    if (call->heard && rc == call->heard_rc) {
        gn_call_fail(call, "%s", call->heard);
        call->own_words = call->own_words || call->heard_own;
        return GN_OUT_FAILED;
    }
    if (rc == GANTRY_ENOENT && is_resource(call->component))
        return GN_OUT_NOT_FOUND;
    if (rc == GANTRY_ECANCELED && call->cancelled)
        return GN_OUT_CANCELED;
    if (rc == GANTRY_ENOTSUP && gn_call_root(call)->lacking) {
        fail_lacking(call);
        return GN_OUT_FAILED;
    }
    if (rc == GANTRY_ETOOBIG) { /* of a host function, passed on: no secret */
        gn_call_fail(call,
                     "too large: the result, the memory it takes, or what was to be kept, is over "
                     "this server's limit");
        gn_call_note(call, GN_WARNING, "%s went over a limit of the host (ETOOBIG)", who);
        return GN_OUT_FAILED;
    }
    char why[64];
    snprintf(why, sizeof why, "it returned %s (%d)", code_name(rc), rc);
    return gn_call_fail_by_accident(call, who, why);
}

static enum gn_outcome check(struct gn_call *call, enum gn_outcome outcome)
{
    const char *problem = outcome == GN_OUT_RESULT ? gn_call_check_output(call) : NULL;
    return problem ? gn_call_fail_by_accident(call, gn_call_label(call), problem) : outcome;
}

enum gn_outcome gn_call_settle(struct gn_call *call, int rc)
{
    return check(call, gn_call_judge(call, rc, gn_call_label(call)));
}

enum gn_outcome gn_call_outcome(struct gn_call *call)
{
    return call->spine ? check(call, call->verdict) : gn_call_settle(call, call->rc);
}
