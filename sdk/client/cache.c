/* cache.c - results that may be used again for a while (2026-07-28 "Caching").
 *
 * A result is found by everything its request says: method, params, `_meta` and headers of the
 * caller's, and, unless it is public, our credentials. Joined lists are kept as a whole. What the
 * server says has changed is dropped, and so is an answer to a question from before that. The
 * least recently used go first once there are too many bytes.
 */
#include "internal.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/map.h"
#include "util/str.h"
#include "wire/meta.h"

#include <sodium.h>
#include <string.h>

#define SHARE 4       /* one result may have a quarter of the whole */
#define OVERHEAD 256  /* bytes of an entry beside its texts */
#define AUTH_BYTES 16 /* of the hash of the credentials */
#define AUTH_LEN (2 * AUTH_BYTES + 1)

struct gn_cache {
    struct gn_map by_key; /* struct entry */
    struct gn_list used;  /* the most recently used first */
    size_t bytes;
};

struct entry {
    struct gn_list node;
    char *key, *result;
    size_t len, bytes;
    uint64_t stale_ms; /* gn_clock_ms() */
    char *method, *uri;
};

/* What a notification makes stale: a list, perhaps another, perhaps what was read. */
static const struct {
    const char *notification, *methods[3];
} changes[] = {
    {"notifications/tools/list_changed", {"tools/list"}},
    {"notifications/prompts/list_changed", {"prompts/list"}},
    {"notifications/resources/list_changed",
     {"resources/list", "resources/templates/list", "resources/read"}},
    {"notifications/resources/updated", {"resources/read"}},
};

/* ---------------------------------------------------------------- entries */

static void drop(struct gn_cache *cache, struct entry *e)
{
    gn_map_remove(&cache->by_key, e->key);
    gn_list_remove(&e->node);
    cache->bytes -= e->bytes;
    gn_free(e->key);
    gn_free(e->result);
    gn_free(e->method);
    gn_free(e->uri);
    gn_free(e);
}

static struct gn_cache *cache_of(gantry_client *c)
{
    if (!c->cache) {
        c->cache = gn_calloc(1, sizeof(*c->cache));
        gn_map_init(&c->cache->by_key);
        gn_list_init(&c->cache->used);
    }
    return c->cache;
}

static void put(gantry_client *c, const gantry_request *r, const char *key, struct gn_buf *text,
                uint64_t ttl)
{
    struct gn_cache *cache = cache_of(c);
    uint64_t now = gn_clock_ms();
    size_t bytes = 2 * strlen(key) + text->len + OVERHEAD;
    struct entry *old = gn_map_find(&cache->by_key, key);
    if (old)
        drop(cache, old);
    if (bytes > c->s.max_cache / SHARE)
        return;
    struct entry *e = gn_calloc(1, sizeof(*e));
    e->key = gn_strdup(key);
    e->method = gn_strdup(r->method);
    e->uri = gn_streq(r->method, "resources/read") ? gn_strdup(r->name) : NULL;
    e->bytes = bytes;
    e->stale_ms = ttl > UINT64_MAX - now ? UINT64_MAX : now + ttl;
    e->result = gn_buf_take(text, &e->len);
    gn_map_put(&cache->by_key, key, e);
    gn_list_prepend(&cache->used, &e->node);
    cache->bytes += bytes;
    while (cache->bytes > c->s.max_cache)
        drop(cache, GN_CONTAINER(cache->used.prev, struct entry, node));
}

static struct entry *find(struct gn_cache *cache, const char *key)
{
    struct entry *e = gn_map_find(&cache->by_key, key);
    if (e && e->stale_ms <= gn_clock_ms()) {
        drop(cache, e);
        return NULL;
    }
    return e;
}

/* ---------------------------------------------------------------- keys
 *
 * The hash of the credentials, in hexadecimal, then what the request says. A public result has the
 * key without the hash. */

static void hash_authorization(const gantry_client *c, char out[AUTH_LEN])
{
    unsigned char hash[AUTH_BYTES];
    const char *text = c->s.authorization ? c->s.authorization : "";
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
    gn_hex(out, hash, sizeof(hash));
}

/* Parts are JSON or headers, which have no line ends. NULL if it is too long to be worth it. */
static char *make_key(const gantry_request *r)
{
    const gantry_client *c = r->client;
    struct gn_buf key = GN_BUF_INIT(c->s.max_cache / SHARE);
    char auth[AUTH_LEN];
    hash_authorization(c, auth);
    gn_buf_addf(&key, "%s%s\n", auth, r->pages ? "all " : "");
    gn_buf_adds(&key, r->method);
    gn_buf_addc(&key, '\n');
    gn_buf_adds(&key, r->params ? r->params : "{}");
    gn_buf_addc(&key, '\n');
    gn_buf_adds(&key, r->meta ? r->meta : "");
    for (char **h = r->headers; h && *h; h++) {
        gn_buf_addc(&key, '\n');
        gn_buf_adds(&key, *h);
    }
    char *text = key.overflow ? NULL : gn_buf_take(&key, NULL);
    gn_buf_release(&key);
    return text;
}

static bool is_public_part_of(const char *key, const char *auth)
{
    return strncmp(key, auth, AUTH_LEN - 1) == 0;
}

/* Later pages and rounds have an `extra`: their answers are no answers to the request itself. */
static bool may_be_kept(const gantry_request *r)
{
    const gantry_client *c = r->client;
    return r->kind && r->kind->is_cached && !r->is_internal && !r->o.skips_cache &&
           r->rounds == 0 && c->s.max_cache > 0 && c->revision != GN_REV_NONE &&
           gn_client_is_stateless(c);
}

/* ---------------------------------------------------------------- interface */

bool gn_cache_answers(gantry_request *r)
{
    gantry_client *c = r->client;
    struct gn_json_doc doc = {0};
    if (!may_be_kept(r) || r->extra)
        return false;
    gn_free(r->cache_key);
    r->cache_key = make_key(r);
    r->cache_changes = c->cache_changes;
    if (!r->cache_key || !c->cache)
        return false;
    struct entry *e = find(c->cache, r->cache_key);
    e = e ? e : find(c->cache, r->cache_key + AUTH_LEN - 1);
    if (!e)
        return false;
    gn_list_remove(&e->node);
    gn_list_prepend(&c->cache->used, &e->node);
    if (gn_json_parse_copy(&doc, e->result, e->len, NULL, NULL))
        return false;
    gn_request_end_result(r, &doc, gn_json_root(&doc));
    return true;
}

void gn_cache_keep(gantry_request *r, const gantry_json *result)
{
    gantry_client *c = r->client;
    const gantry_json *type = gn_json_get(result, "resultType");
    bool is_public = gn_json_streq(gn_json_get(result, "cacheScope"), "public");
    char auth[AUTH_LEN];
    int64_t ttl;
    if (!may_be_kept(r) || !r->cache_key || (r->extra && !r->pages) ||
        r->cache_changes != c->cache_changes)
        return;
    if ((type && !gn_json_streq(type, GN_RESULT_COMPLETE)) ||
        !gn_json_int(gn_json_get(result, "ttlMs"), &ttl) || ttl <= 0)
        return;
    hash_authorization(c, auth);
    if (!is_public && !is_public_part_of(r->cache_key, auth))
        return; /* other credentials since it was asked */
    struct gn_buf text = GN_BUF_INIT(c->s.max_cache / SHARE);
    if (gn_json_write(&text, result) == 0 && !text.overflow)
        put(c, r, r->cache_key + (is_public ? AUTH_LEN - 1 : 0), &text, (uint64_t)ttl);
    gn_buf_release(&text);
}

/* An update may be of something within what was read. */
static bool concerns(const struct entry *e, const char *uri)
{
    return !uri || !e->uri || gn_starts_with(e->uri, uri) || gn_starts_with(uri, e->uri);
}

static void drop_method(struct gn_cache *cache, const char *method, const char *uri)
{
    GN_LIST_EACH(&cache->used, n) {
        struct entry *e = GN_CONTAINER(n, struct entry, node);
        if (gn_streq(e->method, method) && concerns(e, uri))
            drop(cache, e);
    }
}

void gn_cache_changed(gantry_client *c, const char *notification, const char *uri)
{
    for (size_t i = 0; i < GN_COUNT(changes); i++) {
        if (!gn_streq(changes[i].notification, notification))
            continue;
        c->cache_changes++;
        for (size_t m = 0; c->cache && m < GN_COUNT(changes[i].methods); m++) {
            if (changes[i].methods[m])
                drop_method(c->cache, changes[i].methods[m], uri);
        }
    }
    if (gn_streq(notification, "notifications/tools/list_changed"))
        gn_param_headers_forget(c);
}

void gn_cache_clear(gantry_client *c)
{
    struct gn_cache *cache = c->cache;
    c->cache = NULL;
    c->cache_changes++;
    if (!cache)
        return;
    while (!gn_list_empty(&cache->used))
        drop(cache, GN_CONTAINER(cache->used.next, struct entry, node));
    gn_map_release(&cache->by_key, NULL);
    gn_free(cache);
}
