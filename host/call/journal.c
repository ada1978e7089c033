/* journal.c - entries in the order they were added, and their binary form.
 *
 *     count u16, then for each entry:
 *     kind u8 · digest 16 · length of key u16 · length of value u32 · key · value
 *
 * Who reads a journal has already opened the seal around it, and trusts none of its lengths.
 */
#include "call/journal.h"

#include "util/bytes.h"
#include "util/error.h"

#include <sodium.h>
#include <string.h>

#define COUNT_SIZE 2
#define HEAD_SIZE (1 + GN_JOURNAL_DIGEST + 2 + 4) /* of an entry */

static bool is_kind(uint64_t kind)
{
    return kind >= GN_JOURNAL_ANSWER && kind <= GN_JOURNAL_ID;
}

static size_t size_of(size_t key_len, size_t len)
{
    return HEAD_SIZE + key_len + len;
}

/* A copy outside of any journal; NULL: the arena is full. */
static struct gn_journal_entry *make(struct gn_arena *arena, const char *key, size_t key_len,
                                     uint8_t kind, const unsigned char *digest, const char *json,
                                     size_t len)
{
    struct gn_journal_entry *e = gn_arena_alloc(arena, sizeof(*e) + key_len + 1 + len + 1);
    if (!e)
        return NULL;
    char *text = (char *)(e + 1), *value = text + key_len + 1;
    *e = (struct gn_journal_entry){.key = text, .kind = kind, .json = value, .len = len};
    if (digest)
        memcpy(e->digest, digest, GN_JOURNAL_DIGEST);
    memcpy(text, key, key_len);
    text[key_len] = '\0';
    if (len)
        memcpy(value, json, len);
    value[len] = '\0';
    return e;
}

static void append(struct gn_journal *j, struct gn_journal_entry *e)
{
    if (j->last)
        j->last->next = e;
    else
        j->first = e;
    j->last = e;
    j->count++;
    j->bytes += size_of(strlen(e->key), e->len);
}

/* The one of that key and kind, if there is one, leaves the list. Its memory is the arena's. */
static void drop(struct gn_journal *j, const char *key, uint8_t kind)
{
    struct gn_journal_entry *before = NULL, *e = j->first;
    while (e && (e->kind != kind || strcmp(e->key, key) != 0)) {
        before = e;
        e = e->next;
    }
    if (!e)
        return;
    if (before)
        before->next = e->next;
    else
        j->first = e->next;
    if (j->last == e)
        j->last = before;
    j->count--;
    j->bytes -= size_of(strlen(e->key), e->len);
}

/* Another entry from its binary form. */
static int read_entry(struct gn_journal *j, struct gn_arena *arena, struct gn_bytes *from)
{
    uint64_t kind = gn_bytes_uint(from, 1);
    const unsigned char *digest = gn_bytes_take(from, GN_JOURNAL_DIGEST);
    size_t key_len = (size_t)gn_bytes_uint(from, 2), len = (size_t)gn_bytes_uint(from, 4);
    const char *key = (const char *)gn_bytes_take(from, key_len);
    const char *json = (const char *)gn_bytes_take(from, len);
    if (from->is_short || !is_kind(kind) || key_len == 0 || key_len > GN_JOURNAL_KEY ||
        memchr(key, '\0', key_len) || memchr(json, '\0', len))
        return GN_EINVAL;
    struct gn_journal_entry *e = make(arena, key, key_len, (uint8_t)kind, digest, json, len);
    if (!e || gn_journal_find(j, e->key, (enum gn_journal_kind)kind, NULL))
        return GN_EINVAL;
    append(j, e);
    return 0;
}

void gn_journal_digest(unsigned char ret[GN_JOURNAL_DIGEST], const struct gn_piece *pieces,
                       size_t n)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, GN_JOURNAL_DIGEST);
    for (size_t i = 0; i < n; i++) {
        unsigned char len[8];
        gn_bytes_put(len, sizeof(len), pieces[i].n);
        crypto_generichash_update(&state, len, sizeof(len));
        if (pieces[i].n)
            crypto_generichash_update(&state, pieces[i].p, pieces[i].n);
    }
    crypto_generichash_final(&state, ret, GN_JOURNAL_DIGEST);
}

const struct gn_journal_entry *gn_journal_find(const struct gn_journal *j, const char *key,
                                               enum gn_journal_kind kind,
                                               const unsigned char *digest)
{
    for (const struct gn_journal_entry *e = j->first; e; e = e->next) {
        if (e->kind == kind && strcmp(e->key, key) == 0)
            return !digest || memcmp(e->digest, digest, GN_JOURNAL_DIGEST) == 0 ? e : NULL;
    }
    return NULL;
}

int gn_journal_add(struct gn_journal *j, struct gn_arena *arena, const char *key,
                   enum gn_journal_kind kind, const unsigned char *digest, const char *json,
                   size_t len)
{
    size_t key_len = strnlen(key, GN_JOURNAL_KEY + 1);
    if (key_len == 0 || !is_kind(kind) || (len && memchr(json, '\0', len)))
        return GN_EINVAL;
    if (key_len > GN_JOURNAL_KEY || len > UINT32_MAX)
        return GN_ETOOBIG;
    if (j->count >= GN_JOURNAL_MAX && !gn_journal_find(j, key, kind, NULL))
        return GN_ETOOBIG;
    struct gn_journal_entry *e = make(arena, key, key_len, (uint8_t)kind, digest, json, len);
    if (!e)
        return GN_ETOOBIG;
    drop(j, e->key, e->kind);
    append(j, e);
    return 0;
}

size_t gn_journal_size(const struct gn_journal *j)
{
    return COUNT_SIZE + j->bytes;
}

int gn_journal_write(const struct gn_journal *j, struct gn_buf *out)
{
    unsigned char count[COUNT_SIZE];
    gn_bytes_put(count, sizeof(count), j->count);
    gn_buf_add(out, count, sizeof(count));
    for (const struct gn_journal_entry *e = j->first; e; e = e->next) {
        size_t key_len = strlen(e->key);
        unsigned char head[HEAD_SIZE] = {e->kind}, *lengths = head + 1 + GN_JOURNAL_DIGEST;
        memcpy(head + 1, e->digest, GN_JOURNAL_DIGEST);
        gn_bytes_put(lengths, 2, key_len);
        gn_bytes_put(lengths + 2, 4, e->len);
        gn_buf_add(out, head, sizeof(head));
        gn_buf_add(out, e->key, key_len);
        gn_buf_add(out, e->json, e->len);
    }
    return out->overflow ? GN_ETOOBIG : 0;
}

int gn_journal_read(struct gn_journal *j, struct gn_arena *arena, const void *bytes, size_t len)
{
    struct gn_bytes from = {.at = bytes, .left = len};
    uint64_t count = gn_bytes_uint(&from, COUNT_SIZE);
    int rc = from.is_short || count > GN_JOURNAL_MAX ? GN_EINVAL : 0;
    for (uint64_t i = 0; rc == 0 && i < count; i++)
        rc = read_entry(j, arena, &from);
    if (rc == 0 && from.left > 0)
        rc = GN_EINVAL;
    if (rc)
        *j = (struct gn_journal){0};
    return rc;
}
