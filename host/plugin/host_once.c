/* host_once.c - what a replay finds again: steps, and ids that were made up; the end of the latter.
 */
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

struct ending {
    gantry_plugin *g;
    const char *id;
    int rc;
};

static void end_elicitation(void *arg)
{
    struct ending *e = arg;
    struct gn_elicitations *all = e->g->env->elicitations;
    e->rc = all ? all->end(all, e->g->owner.name, e->id, true) : GN_ENOENT;
}

int gn_host_elicitation_done(gantry_plugin *g, const char *id)
{
    struct ending e = {.g = g, .id = id};
    GN_CHECK(g, GN_GENERATION_MAGIC);
    if (!id)
        return GANTRY_EINVAL;
    if (gn_loop_is_current(g->env->loop))
        end_elicitation(&e);
    else if (gn_task_current())
        gn_task_on_loop(gn_task_current(), end_elicitation, &e);
    else
        return GANTRY_EPERM;
    return gn_host_code(e.rc);
}
