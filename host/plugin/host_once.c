/* host_once.c - what a replay finds again: steps, and ids that were made up. */
#include "plugin/host_internal.h"

#include "call/ask.h"
#include "plugin/host_errors.h"

int gn_host_once(gantry_call *call, const char *key,
                 int (*fn)(gantry_call *call, void *arg, const gantry_json **ret), void *arg,
                 const gantry_json **ret)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!key || !fn)
        return gn_host_misuse(call, "gantry_once: %s is NULL", key ? "the function" : "the key");
    int code = GANTRY_OK;
    int rc = gn_call_once(call, key, fn, arg, ret, &code);
    return rc ? gn_host_code(rc) : code;
}

const char *gn_host_elicitation_id(gantry_call *call, const char *key)
{
    if (!gn_host_runs(call))
        return NULL;
    if (!key) {
        gn_host_misuse(call, "gantry_elicitation_id: the key is NULL");
        return NULL;
    }
    return gn_call_made_up(call, key);
}
