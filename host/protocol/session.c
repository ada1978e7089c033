/* session.c - sessions of the handshake era.
 *
 * Over HTTP a session is found by its id; it ends by DELETE, by idling, or as the least recently
 * used one when there are too many, but never while a request or a listener of it is open. On a
 * shared stream the connection is the session and ends with it.
 */
#include "protocol/internal.h"

#include "call/store.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define SWEEP_MS 5000

static bool is_idle(const struct gn_session *s)
{
    return gn_list_empty(&s->requests) && gn_list_empty(&s->listeners);
}

static bool evict_one(struct gn_protocol *p)
{
    GN_LIST_EACH(&p->sessions, n) {
        struct gn_session *s = GN_CONTAINER(n, struct gn_session, lru);
        if (is_idle(s)) {
            gn_session_remove(s);
            return true;
        }
    }
    return false;
}

static void make_id(char id[44])
{
    unsigned char bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(id, 44, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

struct gn_session *gn_session_new(struct gn_protocol *p, struct gn_stream *stream)
{
    if (!stream->shared && p->session_count >= p->config->max_sessions && !evict_one(p))
        return NULL;
    struct gn_session *s = gn_calloc(1, sizeof *s);
    s->magic = GN_SESSION_MAGIC;
    s->refs = 1;
    s->p = p;
    s->principal = gn_strdup(stream->principal);
    s->log_level = GN_INFO;
    make_id(s->key);
    gn_store_add_session(p->env->store, s->key, s->principal);
    gn_list_init(&s->requests);
    gn_list_init(&s->elicitations);
    gn_list_init(&s->listeners);
    gn_events_init(&s->events, &p->events);
    if (stream->shared) {
        gn_list_append(&p->connections, &s->lru);
        gn_session_add_listener(s, stream);
    } else {
        make_id(s->id);
        gn_list_append(&p->sessions, &s->lru);
        gn_map_put(&p->sessions_by_id, s->id, s);
        p->session_count++;
        if (!gn_timer_is_running(&p->sweep))
            gn_timer_start(p->env->loop, &p->sweep, SWEEP_MS, gn_session_sweep);
    }
    s->last_used_ms = gn_clock_ms();
    return s;
}

struct gn_session *gn_session_ref(struct gn_session *s)
{
    GN_CHECK(s, GN_SESSION_MAGIC);
    s->refs++;
    return s;
}

void gn_session_unref(struct gn_session *s)
{
    if (!s)
        return;
    GN_CHECK(s, GN_SESSION_MAGIC);
    if (--s->refs > 0)
        return;
    gn_assert(s->gone && gn_list_empty(&s->requests));
    gn_free(s->client_name);
    gn_free(s->client_version);
    gn_free(s->principal);
    gn_free(s->extensions);
    gn_rules_unref(s->rules);
    s->magic = 0;
    gn_free(s);
}

struct gn_session *gn_session_find(struct gn_protocol *p, struct gn_stream *stream, const char *id)
{
    struct gn_session *s = gn_map_find(&p->sessions_by_id, id);
    /* Somebody else's session does not exist for this caller. */
    return s && gn_streq(s->principal, stream->principal) ? s : NULL;
}

void gn_session_touch(struct gn_session *s)
{
    s->last_used_ms = gn_clock_ms();
    gn_list_remove(&s->lru);
    gn_list_append(s->id[0] ? &s->p->sessions : &s->p->connections, &s->lru);
}

void gn_session_remove(struct gn_session *s)
{
    GN_CHECK(s, GN_SESSION_MAGIC);
    if (s->gone)
        return;
    s->gone = true;
    gn_store_drop_session(s->p->env->store, s->key);
    gn_watcher_free(s->watcher);
    s->watcher = NULL;
    gn_session_forget_urls(s);
    gn_list_remove(&s->lru);
    if (s->id[0]) {
        gn_map_remove(&s->p->sessions_by_id, s->id);
        s->p->session_count--;
    }
    gn_events_clear(&s->events);
    gn_session_end_listeners(s);
    if (s->listener) /* the connection, which goes on without it */
        gn_session_remove_listener(s, s->listener);
    while (!gn_list_empty(&s->requests))
        gn_request_abort(GN_CONTAINER(s->requests.next, struct gn_request, session_node), 404,
                         "the session has ended");
    gn_session_unref(s);
}

void gn_session_sweep(struct gn_timer *timer)
{
    struct gn_protocol *p = GN_CONTAINER(timer, struct gn_protocol, sweep);
    uint64_t now = gn_clock_ms();
    struct gn_list *n;
    while ((n = p->sessions.next) != &p->sessions) {
        struct gn_session *s = GN_CONTAINER(n, struct gn_session, lru);
        if (now - s->last_used_ms < p->config->session_idle_ms)
            break; /* the list is in order of use */
        if (is_idle(s))
            gn_session_remove(s);
        else
            gn_session_touch(s);
    }
    if (p->session_count > 0)
        gn_timer_start(p->env->loop, timer, SWEEP_MS, gn_session_sweep);
}
