/* store.c - state across calls: places, their values, what bounds them. */
#include "call/store.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/map.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define IN_USE_MS 600000u /* not given up for others */
#define SWEEP_MIN_MS 100  /* between two looks at what has become too old */

struct value {
    size_t len, cost;
    char json[];
};

struct place {
    struct gn_list node; /* in store->idle: handles, least recently used first; sessions: alone */
    char *key, *principal;
    bool is_session;
    struct gn_map values;
    uint64_t bytes, used_ms;
};

struct gn_store {
    struct gn_loop *loop;
    struct gn_store_limits limits;
    struct gn_map handles, sessions;
    struct gn_list idle;
    struct gn_timer sweep;
    struct gn_store_stats stats;
};

/* ---------------------------------------------------------------- places */

static void clear(struct gn_store *store, struct place *p)
{
    store->stats.bytes -= p->bytes;
    p->bytes = 0;
    gn_map_release(&p->values, gn_free);
}

static void place_free(struct gn_store *store, struct place *p)
{
    clear(store, p);
    gn_list_remove(&p->node);
    if (p->is_session) {
        gn_map_remove(&store->sessions, p->key);
        store->stats.sessions--;
    } else {
        gn_map_remove(&store->handles, p->key);
        store->stats.handles--;
    }
    gn_free(p->key);
    gn_free(p->principal);
    gn_free(p);
}

static struct place *place_new(const char *key, const char *principal)
{
    struct place *p = gn_calloc(1, sizeof *p);
    p->key = gn_strdup(key);
    p->principal = gn_strdup(principal);
    p->used_ms = gn_clock_ms();
    gn_list_init(&p->node);
    gn_map_init(&p->values);
    return p;
}

static void touch(struct gn_store *store, struct place *p)
{
    p->used_ms = gn_clock_ms();
    if (p->is_session)
        return;
    gn_list_remove(&p->node);
    gn_list_append(&store->idle, &p->node);
}

static struct place *oldest(struct gn_store *store)
{
    return gn_list_empty(&store->idle) ? NULL : GN_CONTAINER(store->idle.next, struct place, node);
}

/* ---------------------------------------------------------------- age */

static void sweep(struct gn_timer *timer);

static void plan_sweep(struct gn_store *store)
{
    const struct place *p = oldest(store);
    if (!p) {
        gn_timer_stop(&store->sweep);
        return;
    }
    uint64_t now = gn_clock_ms(), end = p->used_ms + store->limits.max_age_ms;
    gn_timer_start(store->loop, &store->sweep, GN_MAX(end > now ? end - now : 0, SWEEP_MIN_MS),
                   sweep);
}

static bool is_too_old(const struct gn_store *store, const struct place *p)
{
    return gn_clock_ms() - p->used_ms >= store->limits.max_age_ms;
}

static void expire(struct gn_store *store)
{
    for (struct place *p; (p = oldest(store)) && is_too_old(store, p);) {
        place_free(store, p);
        store->stats.expired++;
    }
}

static void sweep(struct gn_timer *timer)
{
    struct gn_store *store = GN_CONTAINER(timer, struct gn_store, sweep);
    expire(store);
    plan_sweep(store);
}

/* ---------------------------------------------------------------- room */

/* Gives up what was not used for the longest time; `but`, used just now, stays. False: all is in
 * use. */
static bool evict(struct gn_store *store, const struct place *but)
{
    struct place *p = oldest(store);
    uint32_t in_use_ms = store->limits.in_use_ms ? store->limits.in_use_ms : IN_USE_MS;
    if (!p || p == but || gn_clock_ms() - p->used_ms < in_use_ms)
        return false;
    place_free(store, p);
    store->stats.evicted++;
    return true;
}

static bool make_room(struct gn_store *store, const struct place *but, uint64_t bytes)
{
    expire(store);
    while (store->stats.bytes + bytes > store->limits.max_total) {
        if (!evict(store, but))
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------- public */

struct gn_store *gn_store_new(struct gn_loop *loop, const struct gn_store_limits *limits)
{
    struct gn_store *store = gn_calloc(1, sizeof *store);
    store->loop = loop;
    store->limits = *limits;
    gn_map_init(&store->handles);
    gn_map_init(&store->sessions);
    gn_list_init(&store->idle);
    return store;
}

void gn_store_configure(struct gn_store *store, const struct gn_store_limits *limits)
{
    store->limits = *limits;
    plan_sweep(store);
}

static void free_all(struct gn_store *store, struct gn_map *map)
{
    size_t at = 0;
    void *p;
    while (gn_map_next(map, &at, NULL, &p))
        place_free(store, p);
    gn_map_release(map, NULL);
}

void gn_store_free(struct gn_store *store)
{
    if (!store)
        return;
    gn_timer_stop(&store->sweep);
    free_all(store, &store->handles);
    free_all(store, &store->sessions);
    gn_free(store);
}

int gn_store_mint(struct gn_store *store, const char *principal, char ret[GN_STORE_HANDLE])
{
    unsigned char bytes[32];
    if (!store)
        return GN_ENOTSUP;
    expire(store);
    while (store->stats.handles >= store->limits.max_handles) {
        if (!evict(store, NULL))
            return GN_EBUSY;
    }
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(ret, GN_STORE_HANDLE, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    struct place *p = place_new(ret, principal);
    gn_map_put(&store->handles, p->key, p);
    gn_list_append(&store->idle, &p->node);
    store->stats.handles++;
    if (!gn_timer_is_running(&store->sweep))
        plan_sweep(store);
    return GN_OK;
}

void gn_store_add_session(struct gn_store *store, const char *session, const char *principal)
{
    if (!store || gn_map_find(&store->sessions, session))
        return;
    struct place *p = place_new(session, principal);
    p->is_session = true;
    gn_map_put(&store->sessions, p->key, p);
    store->stats.sessions++;
}

void gn_store_drop_session(struct gn_store *store, const char *session)
{
    struct place *p = store ? gn_map_find(&store->sessions, session) : NULL;
    if (p)
        place_free(store, p);
}

/* The place, in use from now on. */
static int find(struct gn_store *store, const struct gn_store_place *where, struct place **ret)
{
    if (!store || (!where->handle && !where->session))
        return GN_ENOTSUP;
    struct place *p = where->handle ? gn_map_find(&store->handles, where->handle)
                                    : gn_map_find(&store->sessions, where->session);
    if (!p || !gn_streq(p->principal, where->principal))
        return GN_ENOENT;
    if (!p->is_session && is_too_old(store, p)) {
        expire(store);
        return GN_ENOENT;
    }
    touch(store, p);
    *ret = p;
    return GN_OK;
}

static bool is_key(const char *key)
{
    size_t len = strnlen(key, GN_STORE_KEY_MAX + 1);
    return len > 0 && len <= GN_STORE_KEY_MAX;
}

static int find_for_key(struct gn_store *store, const struct gn_store_place *where, const char *key,
                        struct place **ret)
{
    return key && is_key(key) ? find(store, where, ret) : GN_EINVAL;
}

int gn_store_get(struct gn_store *store, const struct gn_store_place *where, const char *key,
                 const char **ret_json, size_t *ret_len)
{
    struct place *p = NULL;
    int rc = find_for_key(store, where, key, &p);
    if (rc)
        return rc;
    const struct value *v = gn_map_find(&p->values, key);
    if (!v)
        return GN_ENOENT;
    *ret_json = v->json;
    *ret_len = v->len;
    return GN_OK;
}

int gn_store_set(struct gn_store *store, const struct gn_store_place *where, const char *key,
                 const char *json, size_t len)
{
    struct place *p = NULL;
    int rc = find_for_key(store, where, key, &p);
    if (rc)
        return rc;
    const struct value *old = gn_map_find(&p->values, key);
    uint64_t freed = old ? old->cost : 0;
    uint64_t limit = store->limits.max_bytes;
    if (len > limit || p->bytes - freed + strlen(key) + len + GN_STORE_ENTRY_COST > limit)
        return GN_ETOOBIG;
    size_t cost = strlen(key) + len + GN_STORE_ENTRY_COST;
    if (cost > freed && !make_room(store, p, cost - freed))
        return GN_EBUSY;
    struct value *v = gn_malloc(sizeof *v + len + 1);
    v->len = len;
    v->cost = cost;
    memcpy(v->json, json, len);
    v->json[len] = '\0';
    gn_free(gn_map_put(&p->values, key, v));
    p->bytes += cost - freed;
    store->stats.bytes += cost - freed;
    return GN_OK;
}

int gn_store_delete(struct gn_store *store, const struct gn_store_place *where, const char *key)
{
    struct place *p = NULL;
    if (key && !is_key(key))
        return GN_EINVAL;
    int rc = find(store, where, &p);
    if (rc)
        return rc;
    if (!key) {
        if (p->is_session)
            clear(store, p);
        else
            place_free(store, p);
        return GN_OK;
    }
    struct value *v = gn_map_remove(&p->values, key);
    if (!v)
        return GN_ENOENT;
    p->bytes -= v->cost;
    store->stats.bytes -= v->cost;
    gn_free(v);
    return GN_OK;
}

void gn_store_stats(const struct gn_store *store, struct gn_store_stats *ret)
{
    *ret = store ? store->stats : (struct gn_store_stats){0};
}
