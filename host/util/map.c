/* map.c - open addressing with linear probing; a removed entry leaves a grave until a rehash, which
 * fits the table to what is there, or until it was the last one. */
#include "util/map.h"

#include "util/alloc.h"

#include <errno.h>
#include <pthread.h>
#include <sodium/crypto_shorthash.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_CAP 8
#define KEPT_CAP 64 /* an empty table of so many slots is not worth giving back */

struct gn_map_slot {
    char *key; /* NUL-terminated copy; NULL: free, or a grave */
    size_t key_len;
    uint64_t hash;
    void *value; /* of a slot without key: NULL free, else a grave */
};

static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void hash_key_init(void)
{
    ssize_t n;
    do
        n = getrandom(hash_key, sizeof(hash_key), 0);
    while (n < 0 && errno == EINTR);
    gn_assert(n == (ssize_t)sizeof(hash_key));
}

static uint64_t hash_of(const void *key, size_t len)
{
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, key, len, hash_key);
    return hash;
}

static bool slot_is(const struct gn_map_slot *s, uint64_t hash, const void *key, size_t len)
{
    return s->key && s->hash == hash && s->key_len == len &&
           (len == 0 || memcmp(s->key, key, len) == 0);
}

/* The slot that holds key, or NULL. There is always a free slot, so every probe ends. */
static struct gn_map_slot *find_slot(const struct gn_map *m, uint64_t hash, const void *key,
                                     size_t len)
{
    if (m->count == 0)
        return NULL;
    for (size_t i = (size_t)hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct gn_map_slot *s = &m->slots[i];
        if (slot_is(s, hash, key, len))
            return s;
        if (!s->key && !s->value)
            return NULL;
    }
}

static void rehash(struct gn_map *m)
{
    size_t cap = FIRST_CAP;
    while (cap < (m->count + 1) * 2)
        cap *= 2;
    struct gn_map_slot *slots = gn_calloc(cap, sizeof(*slots));
    for (size_t i = 0; i < m->cap; i++) {
        if (!m->slots[i].key)
            continue;
        size_t at = (size_t)m->slots[i].hash & (cap - 1);
        while (slots[at].key)
            at = (at + 1) & (cap - 1);
        slots[at] = m->slots[i];
    }
    gn_free(m->slots);
    m->slots = slots;
    m->cap = cap;
    m->used = m->count;
}

void gn_map_init(struct gn_map *m)
{
    pthread_once(&hash_key_once, hash_key_init);
    *m = (struct gn_map){0};
}

void gn_map_release(struct gn_map *m, void (*free_value)(void *value))
{
    /* Out of the map first: free_value may look at it. */
    struct gn_map old = *m;
    *m = (struct gn_map){0};
    for (size_t i = 0; i < old.cap; i++) {
        if (!old.slots[i].key)
            continue;
        gn_free(old.slots[i].key);
        if (free_value)
            free_value(old.slots[i].value);
    }
    gn_free(old.slots);
}

void *gn_map_find(const struct gn_map *m, const char *key)
{
    return gn_map_findn(m, key, strlen(key));
}

void *gn_map_findn(const struct gn_map *m, const void *key, size_t key_len)
{
    struct gn_map_slot *s = find_slot(m, hash_of(key, key_len), key, key_len);
    return s ? s->value : NULL;
}

void *gn_map_put(struct gn_map *m, const char *key, void *value)
{
    return gn_map_putn(m, key, strlen(key), value);
}

void *gn_map_putn(struct gn_map *m, const void *key, size_t key_len, void *value)
{
    gn_assert(value != NULL);
    /* Here too: a zeroed map works as well as an initialised one. */
    pthread_once(&hash_key_once, hash_key_init);
    uint64_t hash = hash_of(key, key_len);
    struct gn_map_slot *s = find_slot(m, hash, key, key_len);
    if (s) {
        void *old = s->value;
        s->value = value;
        return old;
    }
    if ((m->used + 1) * 4 > m->cap * 3)
        rehash(m);
    size_t at = (size_t)hash & (m->cap - 1);
    while (m->slots[at].key)
        at = (at + 1) & (m->cap - 1);
    s = &m->slots[at];
    if (!s->value) /* not a grave */
        m->used++;
    *s = (struct gn_map_slot){gn_strndup(key, key_len), key_len, hash, value};
    m->count++;
    return NULL;
}

void *gn_map_remove(struct gn_map *m, const char *key)
{
    return gn_map_removen(m, key, strlen(key));
}

void *gn_map_removen(struct gn_map *m, const void *key, size_t key_len)
{
    struct gn_map_slot *s = find_slot(m, hash_of(key, key_len), key, key_len);
    if (!s)
        return NULL;
    void *old = s->value;
    gn_free(s->key);
    s->key = NULL;
    s->value = m; /* any address marks a grave */
    if (--m->count == 0 && m->cap > KEPT_CAP) {
        gn_free(m->slots);
        m->slots = NULL;
        m->used = m->cap = 0;
    }
    return old;
}

bool gn_map_next(const struct gn_map *m, size_t *at, const char **ret_key, void **ret_value)
{
    while (*at < m->cap) {
        const struct gn_map_slot *s = &m->slots[(*at)++];
        if (!s->key)
            continue;
        if (ret_key)
            *ret_key = s->key;
        if (ret_value)
            *ret_value = s->value;
        return true;
    }
    return false;
}
