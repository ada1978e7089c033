/* changes.c - whose lists have changed: digests of what each client was last told about, compared
 * with what it sees now.
 *
 * A list that was another one for a moment and is what it was again is told only to those who were
 * shown it in that moment. Digests are kept with the snapshot: clients who see the same lists cost
 * a comparison each.
 */
#include "protocol/internal.h"
#include "util/alloc.h"
#include "util/str.h"

static const uint32_t list_of_kind[GN_KINDS] = {
    [GN_TOOL] = GN_LIST_TOOLS,
    [GN_RESOURCE] = GN_LIST_RESOURCES,
    [GN_TEMPLATE] = GN_LIST_RESOURCES,
    [GN_PROMPT] = GN_LIST_PROMPTS,
};

/* References are written out in the schemas of tools only. */
static uint64_t digest(struct gn_snapshot *s, enum gn_kind kind, struct gn_view view)
{
    view.inlines = view.inlines && kind == GN_TOOL;
    return gn_snapshot_digest(s, kind, view);
}

/* Takes the digests of `lists` as they are now for told; returns those that have to be told. */
static uint32_t take(struct gn_told *told, struct gn_snapshot *s, struct gn_view view,
                     uint32_t lists)
{
    uint32_t due = told->shown & lists;
    told->shown &= ~lists;
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        if (!(lists & list_of_kind[kind]))
            continue;
        uint64_t now = digest(s, (enum gn_kind)kind, view);
        if (now != told->digests[kind])
            due |= list_of_kind[kind];
        told->digests[kind] = now;
    }
    return due;
}

static struct gn_snapshot *session_snapshot(const struct gn_session *s)
{
    struct gn_viewer viewer = gn_session_viewer(s);
    return gn_registry_view(s->p->registry, &viewer);
}

uint32_t gn_session_take_told(struct gn_session *s, uint32_t lists)
{
    return take(&s->told, session_snapshot(s), gn_session_view(s), lists);
}

uint32_t gn_request_take_told(struct gn_request *r, uint32_t lists)
{
    return take(r->told, gn_request_snapshot(r), gn_request_view(r), lists);
}

void gn_session_begin_told(struct gn_session *s)
{
    (void)gn_session_take_told(s, GN_LIST_ALL);
}

void gn_request_begin_told(struct gn_request *r)
{
    r->told = gn_calloc(1, sizeof *r->told);
    (void)gn_request_take_told(r, r->subscribed);
}

static void was_shown(struct gn_told *told, enum gn_kind kind, uint64_t shown)
{
    if (told->digests[kind] != shown)
        told->shown |= list_of_kind[kind];
}

/* Lists are asked for beside a subscription, by whoever has the same name. */
static void tell_subscriptions(struct gn_request *r, struct gn_snapshot *s, enum gn_kind kind)
{
    struct gn_viewer viewer = gn_request_viewer(r);
    GN_LIST_EACH(&r->p->requests, n) {
        struct gn_request *other = GN_CONTAINER(n, struct gn_request, node);
        if (!other->told || !(other->subscribed & list_of_kind[kind]) ||
            !gn_streq(gn_request_viewer(other).principal, viewer.principal))
            continue;
        /* In the form that this one sees. */
        was_shown(other->told, kind, digest(s, kind, gn_request_view(other)));
    }
}

void gn_request_was_shown(struct gn_request *r, struct gn_snapshot *s, enum gn_kind kind)
{
    if (!gn_timer_is_running(&r->p->changed))
        return; /* what there is has been told */
    if (r->session)
        was_shown(&r->session->told, kind, digest(s, kind, gn_session_view(r->session)));
    else
        tell_subscriptions(r, s, kind);
}

/* ---------------------------------------------------------------- rules of a session */

static void take_rules(struct gn_rules **place, struct gn_rules *rules)
{
    gn_rules_unref(*place);
    *place = rules;
    if (rules)
        rules->refs++;
}

int gn_request_set_rules(struct gn_call *call, struct gn_rules *rules)
{
    struct gn_request *r = call->ops_data;
    GN_CHECK(r, GN_REQUEST_MAGIC);
    struct gn_session *s = r->session;
    if (!s || s->gone) {
        gn_rules_unref(rules);
        return GN_ENOTSUP;
    }
    take_rules(&s->rules, rules);
    /* What runs for the session sees what it sees, and the next rule is added to these. */
    GN_LIST_EACH(&call->env->calls, n) {
        struct gn_call *other = GN_CONTAINER(n, struct gn_call, node);
        if (gn_streq(other->session_key, s->key))
            take_rules(&other->rules, rules);
    }
    gn_rules_unref(rules);
    gn_session_changed(s, GN_LIST_ALL);
    return GN_OK;
}
