/* names.c - sets of names: properties of a schema, and strings of an enum.
 *
 * Open addressing in a table at most half full. Hash and comparison begin with the first and the
 * last eight bytes, which is all there is of most names. Whoever writes a schema may make names
 * collide, whoever sends a value cannot add any.
 */
#include "schema/compile.h"

#include <string.h>

/* The ends of a name: all of it up to sixteen bytes. */
struct ends {
    uint64_t first, last;
};

static inline struct ends ends_of(const char *s, size_t len)
{
    struct ends e = {0, 0};
    if (len >= 8) {
        memcpy(&e.first, s, 8);
        memcpy(&e.last, s + len - 8, 8);
    } else if (len >= 4) {
        uint32_t first, last;
        memcpy(&first, s, 4);
        memcpy(&last, s + len - 4, 4);
        e.first = first;
        e.last = last;
    } else if (len > 0) {
        e.first = (unsigned char)s[0] | (uint64_t)(unsigned char)s[len / 2] << 8 |
                  (uint64_t)(unsigned char)s[len - 1] << 16;
    }
    return e;
}

static inline uint32_t *slot_of(const struct gn_name_table *t, const char *name, size_t len,
                                struct ends e)
{
    uint64_t hash = (e.first ^ len) * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= (e.last + (hash >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    /* Long names often differ in the middle only. */
    for (size_t at = 8; at + 8 < len; at += 8) {
        uint64_t part;
        memcpy(&part, name + at, sizeof(part));
        hash = (hash ^ part) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    uint32_t i = (uint32_t)(hash >> 32) & t->mask;
    for (; t->slots[i] != 0; i = (i + 1) & t->mask) {
        const struct gn_name *n = &t->v[t->slots[i] - 1];
        if (n->len == len && n->first == e.first && n->last == e.last &&
            (len <= 16 || memcmp(n->text, name, len) == 0))
            break;
    }
    return &t->slots[i];
}

void gn_name_table_init(struct gn_compiler *c, struct gn_name_table *t, size_t room)
{
    uint32_t slots = 2;
    while (slots < 2 * room)
        slots *= 2;
    t->v = gn_compile_take(c, room + 1, sizeof(*t->v));
    t->slots = gn_compile_take(c, slots, sizeof(*t->slots));
    t->mask = slots - 1;
    t->count = 0;
}

struct gn_name *gn_name_table_add(struct gn_name_table *t, const char *text, size_t len)
{
    struct ends e = ends_of(text, len);
    uint32_t *slot = slot_of(t, text, len, e);
    if (*slot == 0) {
        t->v[t->count] = (struct gn_name){
            .text = text, .len = (uint32_t)len, .first = e.first, .last = e.last};
        *slot = ++t->count;
    }
    return &t->v[*slot - 1];
}

int64_t gn_name_table_find(const struct gn_name_table *t, const char *name, size_t len)
{
    return (int64_t)*slot_of(t, name, len, ends_of(name, len)) - 1;
}
