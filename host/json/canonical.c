/* canonical.c - values as bytes that depend on nothing but what they mean.
 *
 * Each value is a letter of its type, then the lengths that say where it ends, then its contents:
 *
 *     number   sign u8 · digits u64 · exponent u64 · digits      null, true, false   nothing
 *     string   bytes u64 · bytes                                 nothing at all      nothing
 *     array    elements u64 · values
 *     object   members u64 · (bytes of the name u64 · name · value) by the bytes of the names
 *
 * A document may be 512 levels deep and this may run on the stack of a handler, so the levels that
 * are open are a table and not a recursion.
 */
#include "json/canonical.h"

#include "util/alloc.h"
#include "util/bytes.h"
#include "json/members.h"
#include "json/number.h"

#include <string.h>

/* A container that is being walked. */
struct level {
    struct gn_json_member *members; /* of an object; owned */
    const gantry_json *container, *element;
    size_t at, count; /* of members */
};

static void add_uint(crypto_generichash_state *state, uint64_t value)
{
    unsigned char bytes[8];
    gn_bytes_put(bytes, sizeof(bytes), value);
    crypto_generichash_update(state, bytes, sizeof(bytes));
}

static void add_bytes(crypto_generichash_state *state, const char *bytes, size_t len)
{
    crypto_generichash_update(state, (const unsigned char *)bytes, len);
}

static void add_text(crypto_generichash_state *state, const gantry_json *v)
{
    add_uint(state, v->len);
    add_bytes(state, v->text, v->len);
}

static void add_number(crypto_generichash_state *state, const gantry_json *v)
{
    struct gn_decimal d;
    gn_decimal_read(&d, v);
    unsigned char sign = d.count > 0 && d.negative; /* 0 and -0 are one */
    crypto_generichash_update(state, &sign, 1);
    add_uint(state, d.count);
    add_uint(state, (uint64_t)d.exponent);
    if (d.count == 0)
        return;
    size_t len = (size_t)(d.last - d.first) + 1;
    const char *point = memchr(d.first, '.', len);
    if (point) {
        add_bytes(state, d.first, (size_t)(point - d.first));
        add_bytes(state, point + 1, (size_t)(d.last - point));
    } else {
        add_bytes(state, d.first, len);
    }
}

/* A value up to where its children begin; true if it may have some: `level` is set then. */
static bool open_value(crypto_generichash_state *state, const gantry_json *v, struct level *level)
{
    static const char letters[] = {
        [0] = '-',
        [GN_JSON_NULL] = 'z',
        [GN_JSON_FALSE] = 'f',
        [GN_JSON_TRUE] = 't',
        [GN_JSON_NUMBER] = 'n',
        [GN_JSON_STRING] = 's',
        [GN_JSON_ARRAY] = 'a',
        [GN_JSON_OBJECT] = 'o',
    };
    int type = gn_json_type(v);
    add_bytes(state, &letters[type], 1);
    if (type == GN_JSON_NUMBER)
        add_number(state, v);
    else if (type == GN_JSON_STRING)
        add_text(state, v);
    if (type != GN_JSON_ARRAY && type != GN_JSON_OBJECT)
        return false;
    *level = (struct level){.container = v};
    if (type == GN_JSON_OBJECT && v->len > 0)
        level->members = gn_json_sorted_members(v, &level->count);
    add_uint(state, type == GN_JSON_OBJECT ? level->count : v->len);
    return true;
}

/* The next child, its name fed already; NULL: that was all. */
static const gantry_json *next_child(crypto_generichash_state *state, struct level *level)
{
    if (level->container->type == GN_JSON_ARRAY) {
        level->element = gn_json_next(level->container, level->element);
        return level->element;
    }
    if (level->at == level->count)
        return NULL;
    const struct gn_json_member *member = &level->members[level->at++];
    add_text(state, member->name);
    return member->value;
}

void gn_json_canonical(crypto_generichash_state *state, const gantry_json *v)
{
    struct level open[GN_JSON_MAX_DEPTH + 1]; /* one more for what stands in the deepest */
    size_t depth = 0;
    for (;;) {
        gn_assert(depth <= GN_JSON_MAX_DEPTH);
        if (open_value(state, v, &open[depth]))
            depth++;
        for (v = NULL; depth > 0 && !v;) {
            v = next_child(state, &open[depth - 1]);
            if (!v)
                gn_free(open[--depth].members);
        }
        if (depth == 0)
            return;
    }
}
