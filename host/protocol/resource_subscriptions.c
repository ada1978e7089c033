/* resource_subscriptions.c - resources/subscribe and resources/unsubscribe of the handshake era,
 * and the part of subscriptions/listen that is about resources. */
#include "protocol/internal.h"

#define RESOLVE_BYTES (1u << 20)

static bool exists(const struct gn_snapshot *s, const char *uri)
{
    struct gn_arena arena;
    const gantry_json *vars;
    gn_arena_init(&arena, RESOLVE_BYTES);
    bool found = gn_snapshot_resolve(s, uri, &arena, &vars) != NULL;
    gn_arena_release(&arena);
    return found;
}

bool gn_watcher_sees(const struct gn_watcher *watcher, const char *uri)
{
    const struct gn_session *s = watcher->session;
    struct gn_protocol *p = s ? s->p : watcher->request->p;
    struct gn_viewer viewer = s ? gn_session_viewer(s) : gn_request_viewer(watcher->request);
    return exists(gn_registry_view(p->registry, &viewer), uri);
}

/* ---------------------------------------------------------------- handshake era */

int gn_produce_subscribe(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    struct gn_protocol *p = r->p;
    struct gn_session *s = r->session;
    struct gn_error err = {0};
    const char *uri = gn_request_uri(r, fault);
    (void)w;
    if (!uri)
        return GN_EINVAL;
    if (s->gone)
        return gn_fault_set(fault, 404, GN_RPC_INVALID_REQUEST, "the session has ended");
    if (!exists(gn_request_snapshot(r), uri))
        return gn_fault_set(fault, 200, GN_RPC_RESOURCE_NOT_FOUND, "Resource not found: %.256s",
                            uri);
    if (!s->watcher)
        s->watcher = gn_watcher_new(&p->watching, NULL, s, s->principal);
    int rc = gn_watcher_add(s->watcher, uri, p->config->max_resource_subscriptions, &err);
    if (rc == GN_EBUSY)
        return gn_fault_set(fault, 503, GN_RPC_INTERNAL_ERROR, "busy: %s", err.text);
    return rc ? gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "%s", err.text) : GN_OK;
}

/* What is not subscribed to is not afterwards, too. */
int gn_produce_unsubscribe(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    const char *uri = gn_request_uri(r, fault);
    (void)w;
    if (!uri)
        return GN_EINVAL;
    if (r->session->watcher)
        (void)gn_watcher_remove(r->session->watcher, uri);
    return GN_OK;
}

/* ---------------------------------------------------------------- stateless era */

static void note_left_out(const struct gn_protocol *p, const char *why)
{
    gn_log(p->env->log, GN_NOTICE, "protocol",
           "subscriptions/listen: not all resources are listened to: %s", why);
}

void gn_listen_to_resources(struct gn_request *r, const gantry_json *uris)
{
    struct gn_protocol *p = r->p;
    struct gn_error err = {0};
    size_t seen = 0;
    for (const gantry_json *v = NULL; (v = gn_json_next(uris, v)) != NULL; seen++) {
        const char *uri = gn_json_cstr(v);
        /* Looking for what does not exist takes as long as for what does. */
        if (seen == GN_WATCHER_MAX) {
            note_left_out(p, "too many were named");
            return;
        }
        if (!uri || !exists(gn_request_snapshot(r), uri))
            continue;
        if (!r->watcher)
            r->watcher = gn_watcher_new(&p->watching, r, NULL, r->stream->principal);
        if (gn_watcher_add(r->watcher, uri, p->config->max_resource_subscriptions, &err) ==
            GN_EBUSY) {
            note_left_out(p, err.text);
            return;
        }
    }
}

void gn_listen_write_resources(const struct gn_request *r, struct gn_jw *w)
{
    const struct gn_list *at = NULL;
    if (!r->watcher || r->watcher->count == 0)
        return;
    gn_jw_array(w, "resourceSubscriptions");
    for (const char *uri; (uri = gn_watcher_next(r->watcher, &at)) != NULL;)
        gn_jw_str(w, NULL, uri);
    gn_jw_end(w);
}

/* ---------------------------------------------------------------- asked by plugins */

bool gn_protocol_is_watched(void *arg, const char *uri)
{
    const struct gn_protocol *p = arg;
    return gn_watching_has(&p->watching, uri);
}

const char *gn_protocol_next_watched(void *arg, size_t *at)
{
    const struct gn_protocol *p = arg;
    const char *uri = NULL;
    void *watched;
    return gn_map_next(&p->watching.by_uri, at, &uri, &watched) ? uri : NULL;
}

void gn_protocol_resource_changed(void *arg, const char *uri)
{
    struct gn_protocol *p = arg;
    gn_watching_changed(&p->watching, p->env->loop, uri);
}
