/* watching.c - who has subscribed to which resource, and what is to be told to whom. */
#include "protocol/watching.h"

#include "protocol/internal.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define PRINCIPAL_SHARE 4 /* one has a quarter of all at most */

/* One resource that somebody watches; the key of its map is the normalised URI. */
struct watched {
    struct gn_list links;
    uint32_t count;              /* of them */
    struct gn_list changed_node; /* in w->changed */
    char *key;
};

/* One watcher of one resource. */
struct link {
    struct gn_list watched_node, watcher_node;
    struct watched *watched;
    struct gn_watcher *watcher;
    char *uri; /* as the client wrote it */
    bool is_pending;
};

struct share {
    uint32_t count;
};

static const char nobody[] = "";

/* The URI as it is compared, freed by the caller; NULL: none, or too long. */
static char *normalize(const char *uri)
{
    struct gn_buf out = GN_BUF_INIT((size_t)3 * GN_WATCH_URI_MAX);
    bool fits = uri && *uri && strnlen(uri, GN_WATCH_URI_MAX + 1) <= GN_WATCH_URI_MAX;
    char *s = NULL;
    if (fits)
        s = gn_uri_normalize(uri, &out) == 0 ? gn_buf_take(&out, NULL) : gn_strdup(uri);
    gn_buf_release(&out);
    return s;
}

static struct watched *find(const struct gn_watching *w, const char *uri)
{
    GN_AUTO_FREE char *key = normalize(uri);
    return key ? gn_map_find(&w->by_uri, key) : NULL;
}

/* ---------------------------------------------------------------- all of them */

void gn_watching_init(struct gn_watching *w)
{
    *w = (struct gn_watching){0};
    gn_map_init(&w->by_uri);
    gn_map_init(&w->by_principal);
    gn_list_init(&w->changed);
}

void gn_watching_release(struct gn_watching *w)
{
    gn_timer_stop(&w->timer);
    gn_assert(w->count == 0 && w->by_uri.count == 0);
    gn_map_release(&w->by_uri, NULL);
    gn_map_release(&w->by_principal, gn_free);
}

bool gn_watching_has(const struct gn_watching *w, const char *uri)
{
    return w->count > 0 && find(w, uri) != NULL;
}

/* ---------------------------------------------------------------- watchers */

struct gn_watcher *gn_watcher_new(struct gn_watching *w, struct gn_request *request,
                                  struct gn_session *session, const char *principal)
{
    struct gn_watcher *watcher = gn_calloc(1, sizeof *watcher);
    watcher->watching = w;
    watcher->request = request;
    watcher->session = session;
    watcher->principal = gn_strdup(principal);
    gn_list_init(&watcher->links);
    return watcher;
}

static struct link *find_link(const struct gn_watcher *watcher, const struct watched *watched)
{
    if (watcher->count < watched->count) {
        GN_LIST_EACH(&watcher->links, n) {
            struct link *l = GN_CONTAINER(n, struct link, watcher_node);
            if (l->watched == watched)
                return l;
        }
    } else {
        GN_LIST_EACH(&watched->links, n) {
            struct link *l = GN_CONTAINER(n, struct link, watched_node);
            if (l->watcher == watcher)
                return l;
        }
    }
    return NULL;
}

static struct share *share_of(struct gn_watching *w, const char *principal)
{
    struct share *share = gn_map_find(&w->by_principal, principal);
    if (!share) {
        share = gn_calloc(1, sizeof *share);
        gn_map_put(&w->by_principal, principal, share);
    }
    return share;
}

static void release_share(struct gn_watching *w, const char *principal)
{
    struct share *share = gn_map_find(&w->by_principal, principal);
    if (share && --share->count == 0)
        gn_free(gn_map_remove(&w->by_principal, principal));
}

static const char *share_name(const struct gn_watcher *watcher)
{
    return watcher->principal ? watcher->principal : nobody;
}

static int check_limits(const struct gn_watcher *watcher, uint32_t max, struct gn_error *err)
{
    const struct gn_watching *w = watcher->watching;
    const struct share *share = gn_map_find(&w->by_principal, share_name(watcher));
    if (watcher->count >= GN_WATCHER_MAX)
        return gn_error_set(err, GN_EBUSY, "too many subscriptions: %d resources at most",
                            GN_WATCHER_MAX);
    if (w->count >= max)
        return gn_error_set(err, GN_EBUSY, "too many subscriptions at the moment");
    if (watcher->principal && share && share->count >= GN_MAX(max / PRINCIPAL_SHARE, 1u))
        return gn_error_set(err, GN_EBUSY, "too many subscriptions of %.64s at the moment",
                            watcher->principal);
    return GN_OK;
}

static struct watched *watched_new(struct gn_watching *w, char *key)
{
    struct watched *watched = gn_calloc(1, sizeof *watched);
    gn_list_init(&watched->links);
    gn_list_init(&watched->changed_node);
    watched->key = key;
    gn_map_put(&w->by_uri, key, watched);
    return watched;
}

int gn_watcher_add(struct gn_watcher *watcher, const char *uri, uint32_t max, struct gn_error *err)
{
    struct gn_watching *w = watcher->watching;
    char *key = normalize(uri);
    if (!key)
        return gn_error_set(err, GN_EINVAL, "a URI has 1 to %d bytes", GN_WATCH_URI_MAX);
    struct watched *watched = gn_map_find(&w->by_uri, key);
    if (watched && find_link(watcher, watched)) {
        gn_free(key);
        return GN_OK;
    }
    int rc = check_limits(watcher, max, err);
    if (rc) {
        gn_free(key);
        return rc;
    }
    if (watched)
        gn_free(key);
    else
        watched = watched_new(w, key);
    struct link *l = gn_calloc(1, sizeof *l);
    l->watched = watched;
    l->watcher = watcher;
    l->uri = gn_strdup(uri);
    gn_list_append(&watched->links, &l->watched_node);
    gn_list_append(&watcher->links, &l->watcher_node);
    watched->count++;
    watcher->count++;
    w->count++;
    share_of(w, share_name(watcher))->count++;
    return GN_OK;
}

static void drop(struct link *l)
{
    struct gn_watcher *watcher = l->watcher;
    struct watched *watched = l->watched;
    struct gn_watching *w = watcher->watching;
    gn_list_remove(&l->watched_node);
    gn_list_remove(&l->watcher_node);
    watched->count--;
    watcher->count--;
    watcher->pending -= l->is_pending;
    w->count--;
    release_share(w, share_name(watcher));
    gn_free(l->uri);
    gn_free(l);
    if (watched->count > 0)
        return;
    gn_list_remove(&watched->changed_node);
    gn_map_remove(&w->by_uri, watched->key);
    gn_free(watched->key);
    gn_free(watched);
}

int gn_watcher_remove(struct gn_watcher *watcher, const char *uri)
{
    struct watched *watched = find(watcher->watching, uri);
    struct link *l = watched ? find_link(watcher, watched) : NULL;
    if (!l)
        return GN_ENOENT;
    drop(l);
    return GN_OK;
}

void gn_watcher_free(struct gn_watcher *watcher)
{
    if (!watcher)
        return;
    while (!gn_list_empty(&watcher->links))
        drop(GN_CONTAINER(watcher->links.next, struct link, watcher_node));
    gn_free(watcher->principal);
    gn_free(watcher);
}

const char *gn_watcher_next(const struct gn_watcher *watcher, const struct gn_list **prev)
{
    const struct gn_list *n = *prev ? (*prev)->next : watcher->links.next;
    *prev = n;
    return n == &watcher->links ? NULL : GN_CONTAINER(n, const struct link, watcher_node)->uri;
}

/* ---------------------------------------------------------------- changes */

/* notifications/resources/updated; subscription is the id of the request it belongs to, or NULL. */
static void write_updated(struct gn_buf *out, const char *uri, const char *subscription)
{
    struct gn_jw w;
    gn_jsonrpc_open_notification(&w, out, "notifications/resources/updated");
    if (subscription)
        gn_write_subscription(subscription, &w);
    gn_jw_str(&w, "uri", uri);
    gn_jsonrpc_close_notification(&w);
}

static void tell_request(struct gn_request *r, const char *uri)
{
    struct gn_buf out = GN_BUF_INIT((size_t)8 * GN_WATCH_URI_MAX);
    write_updated(&out, uri, r->id);
    if (r->stream)
        (void)r->stream->ops->send(r->stream, gn_buf_str(&out), out.len, GN_MUST);
    gn_buf_release(&out);
}

/* What nobody hears waits for the next listener. */
static void tell_session(struct link *l)
{
    struct gn_watcher *watcher = l->watcher;
    struct gn_session *s = gn_session_ref(watcher->session);
    struct gn_buf out = GN_BUF_INIT((size_t)8 * GN_WATCH_URI_MAX);
    write_updated(&out, l->uri, NULL);
    bool is_told = gn_session_send(s, gn_buf_str(&out), out.len, GN_MUST) == 0;
    if (!s->gone) { /* sending may have found that there is no client */
        watcher->pending -= l->is_pending;
        l->is_pending = !is_told;
        watcher->pending += l->is_pending;
    }
    gn_buf_release(&out);
    gn_session_unref(s);
}

static void forget(struct link *l)
{
    l->watcher->pending -= l->is_pending;
    l->is_pending = false;
}

static void tell(struct link *l)
{
    if (!gn_watcher_sees(l->watcher, l->uri))
        return; /* and when it can be seen again, the list has changed */
    if (l->watcher->request)
        tell_request(l->watcher->request, l->uri);
    else
        tell_session(l);
}

/* Sending may end any watcher: what is still to be told is taken from a list of its own. */
static void tell_watchers(struct watched *watched)
{
    struct gn_list due, *n;
    gn_list_take(&due, &watched->links);
    while ((n = gn_list_pop(&due))) {
        struct link *l = GN_CONTAINER(n, struct link, watched_node);
        gn_list_append(&l->watched->links, n);
        tell(l);
    }
}

static void tell_all(struct gn_timer *timer)
{
    struct gn_watching *w = GN_CONTAINER(timer, struct gn_watching, timer);
    struct gn_list *n;
    while ((n = gn_list_pop(&w->changed)))
        tell_watchers(GN_CONTAINER(n, struct watched, changed_node));
}

void gn_watching_changed(struct gn_watching *w, struct gn_loop *loop, const char *uri)
{
    struct watched *watched = w->count ? find(w, uri) : NULL;
    if (!watched)
        return;
    if (gn_list_empty(&watched->changed_node))
        gn_list_append(&w->changed, &watched->changed_node);
    if (!gn_timer_is_running(&w->timer))
        gn_timer_start(loop, &w->timer, GN_COALESCE_MS, tell_all);
}

void gn_watcher_flush(struct gn_watcher *watcher)
{
    if (!watcher || watcher->pending == 0)
        return;
    struct gn_session *s = gn_session_ref(watcher->session);
    GN_LIST_EACH(&watcher->links, n) {
        struct link *l = GN_CONTAINER(n, struct link, watcher_node);
        if (l->is_pending && gn_watcher_sees(watcher, l->uri))
            tell_session(l);
        else if (l->is_pending)
            forget(l);
        if (s->gone || l->is_pending)
            break;
    }
    gn_session_unref(s);
}
