/* host_transform.c - transforms of lists at run time: a plugin's own, and the rules of one session.
 */
#include "plugin/host_internal.h"

#include "call/ask.h"
#include "plugin/abi.h"
#include "plugin/host_errors.h"
#include "registry/view.h"

static void add_on_loop(void *arg)
{
    struct gn_change *c = arg;
    struct gn_transform *t = NULL;
    if (gn_change_is_late(c))
        return;
    c->rc = gn_abi_import_transform(c->g, c->raw, &t, &c->err);
    if (!c->rc)
        c->rc = gn_generation_add_transform(c->g, t, &c->err);
    if (c->rc)
        c->g->refused = c->err;
}

int gn_host_add_transform(gantry_plugin *g, const gantry_transform *transform)
{
    struct gn_change c = {.g = g, .raw = transform};
    return gn_change_carry_out(&c, add_on_loop);
}

void gn_change_remove_transform(void *arg)
{
    struct gn_change *c = arg;
    if (!gn_change_is_late(c))
        c->rc = gn_generation_remove_transform(c->g, c->name, &c->err);
}

static void touch_on_loop(void *arg)
{
    struct gn_change *c = arg;
    if (!gn_change_is_late(c) && c->g->state == GN_GEN_LIVE && c->g->publish_transforms)
        c->rc = c->g->publish_transforms(c->g, true, &c->err);
}

int gn_host_transforms_changed(gantry_plugin *g)
{
    struct gn_change c = {.g = g};
    return gn_change_carry_out(&c, touch_on_loop);
}

/* ---------------------------------------------------------------- one session */

/* A rule for the session of a call, carried to the loop. */
struct rule {
    gantry_call *call;              /* the outermost: it has the session */
    struct gn_transform *transform; /* NULL: none any more. Taken over */
    int rc;
    struct gn_error err;
};

static void set_on_loop(void *arg)
{
    struct rule *r = arg;
    const struct gn_call_ops *ops = r->call->ops;
    struct gn_rules *rules = NULL;
    if (!ops || !ops->set_rules) {
        gn_transform_unref(r->transform);
        r->rc = GN_ENOTSUP;
        return;
    }
    if (r->transform)
        rules = gn_rules_with(r->call->rules, r->transform, &r->rc, &r->err);
    if (!r->rc)
        r->rc = ops->set_rules(r->call, rules);
}

/* It outlives the plugin, and so may hold none of its code and data. */
static int import_rule(gantry_call *call, gantry_plugin *g, const gantry_transform *raw,
                       struct gn_transform **ret)
{
    struct gn_error err = {0};
    int rc = gn_abi_import_transform(g, raw, ret, &err);
    if (rc) {
        gn_host_misuse(call, "gantry_session_transform: %s", err.text);
        return gn_host_code(rc);
    }
    struct gn_transform *t = *ret;
    t->owner = NULL;
    t->order = 0;
    if (!t->data && !t->concerns && !t->principals)
        return GANTRY_OK;
    gn_abi_transform_give_back(t);
    rc = gn_host_misuse(call,
                        "gantry_session_transform: transform %s: a rule for one session has no "
                        ".principals, .concerns and .data",
                        t->name);
    gn_transform_unref(t);
    return rc;
}

int gn_host_session_transform(gantry_call *call, const gantry_transform *transform)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    struct rule r = {.call = gn_call_root(call)};
    gantry_plugin *g = gn_host_self(call);
    if (transform) {
        int rc = g ? import_rule(call, g, transform, &r.transform) : GANTRY_EPERM;
        if (rc)
            return rc;
    }
    gn_host_on_loop(call, set_on_loop, &r);
    if (r.err.code)
        gn_host_misuse(call, "gantry_session_transform: %s", r.err.text);
    return gn_host_code(r.rc);
}
