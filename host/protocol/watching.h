/* watching.h - which resources clients want to hear about when they change.
 *
 * A watcher is one that subscribes: a session (resources/subscribe) or a request
 * (subscriptions/listen). Resources are told apart by their normalised URIs; each watcher keeps the
 * URI that it named, and is told by that. Changes are told at most once in GN_COALESCE_MS, and
 * once, however many there were, to a session that nobody listened for. Subscriptions are for URIs,
 * not for components: a reload of a plugin leaves them alone. Loop thread only.
 */
#ifndef GN_PROTOCOL_WATCHING_H
#define GN_PROTOCOL_WATCHING_H

#include "coro/loop.h"
#include "util/error.h"
#include "util/list.h"
#include "util/map.h"

#define GN_COALESCE_MS 50
#define GN_WATCH_URI_MAX 4096 /* bytes of a URI, as for those of components */
#define GN_WATCHER_MAX 1024   /* resources of one watcher */

struct gn_protocol;
struct gn_request;
struct gn_session;

/* All of a protocol. */
struct gn_watching {
    struct gn_map by_uri;       /* normalised URI -> what is watched */
    struct gn_map by_principal; /* -> how many are theirs */
    struct gn_list changed;     /* of what is watched, to be told by the timer */
    struct gn_timer timer;
    uint32_t count; /* subscriptions, of all watchers */
};

struct gn_watcher {
    struct gn_watching *watching;
    struct gn_request *request; /* one of the two; borrowed */
    struct gn_session *session;
    char *principal;      /* NULL: nobody in particular */
    struct gn_list links; /* in the order they were made */
    uint32_t count;
    uint32_t pending; /* changes that could not be told yet */
};

void gn_watching_init(struct gn_watching *w);
void gn_watching_release(struct gn_watching *w); /* no watchers left */

struct gn_watcher *gn_watcher_new(struct gn_watching *w, struct gn_request *request,
                                  struct gn_session *session, const char *principal);
void gn_watcher_free(struct gn_watcher *watcher); /* and all its subscriptions; NULL is fine */
/* 0, also if it is there already. GN_EINVAL: no URI, or too long; GN_EBUSY: too many of this
 * watcher, of its principal (a quarter of all), or in all (max). */
GN_NODISCARD int gn_watcher_add(struct gn_watcher *watcher, const char *uri, uint32_t max,
                                struct gn_error *err);
/* GN_ENOENT: there is no such subscription. */
int gn_watcher_remove(struct gn_watcher *watcher, const char *uri);
/* The URIs, in the order they came: NULL prev gives the first, NULL is the end. */
const char *gn_watcher_next(const struct gn_watcher *watcher, const struct gn_list **prev);

/* True if somebody watches this resource. */
bool gn_watching_has(const struct gn_watching *w, const char *uri);
/* It has changed: its watchers are told a moment later. */
void gn_watching_changed(struct gn_watching *w, struct gn_loop *loop, const char *uri);
/* True if it can still be seen by whoever watches (resource_subscriptions.c): what it can not is
 * not told about. */
bool gn_watcher_sees(const struct gn_watcher *watcher, const char *uri);
/* Tells what could not be told before. */
void gn_watcher_flush(struct gn_watcher *watcher);

#endif
