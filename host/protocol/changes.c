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

#include <string.h>

static const uint32_t list_of_kind[GN_KINDS] = {
    [GN_TOOL] = GN_LIST_TOOLS,
    [GN_RESOURCE] = GN_LIST_RESOURCES,
    [GN_TEMPLATE] = GN_LIST_RESOURCES,
    [GN_PROMPT] = GN_LIST_PROMPTS,
};

struct digests {
    uint64_t v[GN_KINDS];
};

/* References are written out in the schemas of tools only. */
static uint64_t digest(struct gn_snapshot *s, enum gn_kind kind, struct gn_view view)
{
    view.inlines = view.inlines && kind == GN_TOOL;
    return gn_snapshot_digest(s, kind, view);
}

static struct digests look(struct gn_protocol *p, const struct gn_viewer *viewer,
                           struct gn_view view)
{
    struct gn_snapshot *s = gn_registry_view(p->registry, viewer);
    struct digests now = {0};
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++)
        now.v[kind] = digest(s, (enum gn_kind)kind, view);
    return now;
}

/* ---------------------------------------------------------------- what principals see */

void gn_protocol_forget_seen(struct gn_protocol *p)
{
    gn_map_release(&p->seen, gn_free);
    gn_map_init(&p->seen);
}

/* Many sessions may be one principal's, and the registry keeps few views: each is looked at once.
 * Where all see the same the snapshot itself knows. */
static struct digests look_once(struct gn_protocol *p, const struct gn_viewer *viewer,
                                struct gn_view view)
{
    const struct gn_snapshot *current = gn_registry_current(p->registry);
    bool varies = false;
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++)
        varies = varies || current->kinds[kind].varies;
    if (!varies || !viewer->principal || viewer->rules)
        return look(p, viewer, view);
    if (p->seen_version != current->version)
        gn_protocol_forget_seen(p);
    p->seen_version = current->version;
    GN_AUTO_FREE char *key = gn_format("%d %d %s", (int)view.revision, view.inlines,
                                       viewer->principal);
    struct digests *seen = gn_map_find(&p->seen, key);
    if (!seen) {
        seen = gn_malloc(sizeof *seen);
        *seen = look(p, viewer, view);
        gn_map_put(&p->seen, key, seen);
    }
    return *seen;
}

/* ---------------------------------------------------------------- settling */

static uint32_t settle(struct gn_told *told, const struct digests *now)
{
    uint32_t lists = told->unsettled, due = told->shown & lists;
    told->shown &= ~lists;
    told->unsettled = 0;
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        if (!(lists & list_of_kind[kind]))
            continue;
        if (now->v[kind] != told->digests[kind])
            due |= list_of_kind[kind];
        told->digests[kind] = now->v[kind];
    }
    return due;
}

uint32_t gn_session_settle(struct gn_session *s)
{
    struct gn_viewer viewer = gn_session_viewer(s);
    struct digests now = look_once(s->p, &viewer, gn_session_view(s));
    return settle(&s->told, &now);
}

uint32_t gn_request_settle(struct gn_request *r)
{
    struct gn_viewer viewer = gn_request_viewer(r);
    struct digests now = look_once(r->p, &viewer, gn_request_view(r));
    return settle(r->told, &now);
}

void gn_session_begin_told(struct gn_session *s)
{
    struct gn_viewer viewer = gn_session_viewer(s);
    struct digests now = look(s->p, &viewer, gn_session_view(s));
    memcpy(s->told.digests, now.v, sizeof now.v);
}

void gn_request_begin_told(struct gn_request *r)
{
    struct gn_viewer viewer = gn_request_viewer(r);
    struct digests now = look(r->p, &viewer, gn_request_view(r));
    r->told = gn_calloc(1, sizeof *r->told);
    memcpy(r->told->digests, now.v, sizeof now.v);
}

/* ---------------------------------------------------------------- what was shown in between */

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
    if (!gn_protocol_is_unsettled(r->p))
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
    gn_session_changed(s);
    return GN_OK;
}
