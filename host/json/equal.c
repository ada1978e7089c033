/* equal.c - equality of values and the hash that goes with it.
 *
 * Both must agree: what equals has the same hash. So the hash is of what a value means: of the
 * digits of a number without its notation, of members without their order and without those that a
 * later one of the same name hides.
 */
#include "util/alloc.h"
#include "json/members.h"
#include "json/number.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Up to so many members looking for each name is cheaper than sorting. */
#define FEW_MEMBERS 16

/* Text goes through SipHash, what is made of hashes and digits through keyed multiplication. */
struct hash_key {
    unsigned char text[crypto_shorthash_KEYBYTES];
    uint64_t fold[2];
};

__extension__ typedef unsigned __int128 uint128;

static uint64_t hash_value(const gantry_json *v, const struct hash_key *key);

static bool same_text(const gantry_json *a, const gantry_json *b)
{
    /* An empty string has its NUL there. The first byte spares most calls. */
    return a->len == b->len && *a->text == *b->text && memcmp(a->text, b->text, a->len) == 0;
}

/* By name; of equal names, by position. */
static int compare_members(const void *a, const void *b)
{
    const struct gn_json_member *x = a, *y = b;
    uint32_t len = GN_MIN(x->name->len, y->name->len);
    int order = memcmp(x->name->text, y->name->text, len);
    if (order)
        return order;
    if (x->name->len != y->name->len)
        return x->name->len < y->name->len ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name;
}

/* The members that count, in order; returns how many. The object has few. */
static size_t list_members(const gantry_json *object, struct gn_json_member *few)
{
    size_t n = 0;
    for (const gantry_json *v = gn_json_next(object, NULL); v; v = gn_json_next(object, v)) {
        for (size_t i = 0; i < n; i++) {
            if (same_text(few[i].name, v - 1)) {
                few[i] = few[--n];
                break;
            }
        }
        few[n++] = (struct gn_json_member){v - 1, v};
    }
    return n;
}

static bool equal_few(const gantry_json *a, const gantry_json *b)
{
    struct gn_json_member x[FEW_MEMBERS], y[FEW_MEMBERS];
    size_t n = list_members(a, x);
    if (n != list_members(b, y))
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t at = i; /* most often they stand at the same place */
        if (!same_text(x[i].name, y[i].name)) {
            at = 0;
            while (at < n && !same_text(x[i].name, y[at].name))
                at++;
        }
        if (at == n || !gn_json_equal(x[i].value, y[at].value))
            return false;
    }
    return true;
}

static bool equal_many(const gantry_json *a, const gantry_json *b)
{
    /* Sorting keeps hostile sizes cheap, where looking up each name would be quadratic. */
    size_t a_count, b_count;
    struct gn_json_member *x = gn_json_sorted_members(a, &a_count),
                          *y = gn_json_sorted_members(b, &b_count);
    bool equal = a_count == b_count;
    for (size_t i = 0; equal && i < a_count; i++)
        equal = same_text(x[i].name, y[i].name) && gn_json_equal(x[i].value, y[i].value);
    gn_free(x);
    gn_free(y);
    return equal;
}

static bool equal_objects(const gantry_json *a, const gantry_json *b)
{
    if (a->len == 0 || b->len == 0)
        return a->len == b->len;
    return a->len <= FEW_MEMBERS && b->len <= FEW_MEMBERS ? equal_few(a, b) : equal_many(a, b);
}

static bool equal_arrays(const gantry_json *a, const gantry_json *b)
{
    if (a->len != b->len)
        return false;
    const gantry_json *x = gn_json_next(a, NULL), *y = gn_json_next(b, NULL);
    for (; x; x = gn_json_next(a, x), y = gn_json_next(b, y)) {
        if (!gn_json_equal(x, y))
            return false;
    }
    return true;
}

static bool equal_numbers(const gantry_json *a, const gantry_json *b)
{
    int64_t m, n;
    if (gn_json_brief_integer(a, &m) && gn_json_brief_integer(b, &n))
        return m == n;
    if (same_text(a, b))
        return true;
    struct gn_decimal x, y;
    gn_decimal_read(&x, a);
    gn_decimal_read(&y, b);
    return gn_decimal_equal(&x, &y);
}

static uint64_t hash_text(const gantry_json *v, const struct hash_key *key)
{
    uint64_t hash;
    _Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "SipHash has 64 bits");
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)v->text, v->len, key->text);
    return hash;
}

/* Not the same as with a and b exchanged. */
static uint64_t fold(uint64_t a, uint64_t b, const struct hash_key *key)
{
    uint128 product = (uint128)(a ^ key->fold[0]) * (b ^ key->fold[1]);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_number(const gantry_json *v, const struct hash_key *key)
{
    struct gn_decimal d;
    gn_decimal_read(&d, v);
    uint64_t hash = d.count ? (uint64_t)d.exponent << 1 | d.negative : 0;
    const char *s = d.first;
    for (size_t left = d.count; left > 0;)
        hash = fold(hash, gn_decimal_chunk(&s, &left), key);
    return fold(hash, GN_JSON_NUMBER, key);
}

static uint64_t hash_array(const gantry_json *v, const struct hash_key *key)
{
    uint64_t hash = v->len;
    for (const gantry_json *e = gn_json_next(v, NULL); e; e = gn_json_next(v, e))
        hash = fold(hash, hash_value(e, key), key);
    return fold(hash, GN_JSON_ARRAY, key);
}

static uint64_t hash_object(const gantry_json *v, const struct hash_key *key)
{
    struct gn_json_member few[FEW_MEMBERS], *members = few;
    size_t n;
    if (v->len <= FEW_MEMBERS)
        n = list_members(v, few);
    else
        members = gn_json_sorted_members(v, &n);
    uint64_t sum = n; /* their order does not count */
    for (size_t i = 0; i < n; i++)
        sum += fold(hash_text(members[i].name, key), hash_value(members[i].value, key), key);
    if (members != few)
        gn_free(members);
    return fold(sum, GN_JSON_OBJECT, key);
}

static uint64_t hash_value(const gantry_json *v, const struct hash_key *key)
{
    switch (gn_json_type(v)) {
    case GN_JSON_NUMBER:
        return hash_number(v, key);
    case GN_JSON_STRING:
        return fold(hash_text(v, key), GN_JSON_STRING, key);
    case GN_JSON_ARRAY:
        return hash_array(v, key);
    case GN_JSON_OBJECT:
        return hash_object(v, key);
    default:
        return fold(0, (uint64_t)gn_json_type(v), key);
    }
}

/* One step of splitmix64. */
static uint64_t next_key(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t x = (*state ^ *state >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

struct gn_json_member *gn_json_sorted_members(const gantry_json *object, size_t *ret_count)
{
    size_t n = 0, kept = 0;
    struct gn_json_member *all = gn_malloc(object->len * sizeof(*all));
    for (const gantry_json *v = gn_json_next(object, NULL); v; v = gn_json_next(object, v))
        all[n++] = (struct gn_json_member){v - 1, v};
    qsort(all, n, sizeof(*all), compare_members);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || !same_text(all[i].name, all[i + 1].name))
            all[kept++] = all[i];
    }
    *ret_count = kept;
    return all;
}

bool gn_json_equal(const gantry_json *a, const gantry_json *b)
{
    if (gn_json_type(a) != gn_json_type(b))
        return false;
    switch (gn_json_type(a)) {
    case GN_JSON_NUMBER:
        return equal_numbers(a, b);
    case GN_JSON_STRING:
        return same_text(a, b);
    case GN_JSON_ARRAY:
        return equal_arrays(a, b);
    case GN_JSON_OBJECT:
        return equal_objects(a, b);
    default:
        return true;
    }
}

uint64_t gn_json_hash(const gantry_json *v, uint64_t seed)
{
    uint64_t keys[4];
    for (size_t i = 0; i < GN_COUNT(keys); i++)
        keys[i] = next_key(&seed);
    struct hash_key key = {.fold = {keys[2], keys[3]}};
    _Static_assert(sizeof(key.text) == 2 * sizeof(keys[0]), "SipHash has a key of 128 bits");
    memcpy(key.text, keys, sizeof(key.text));
    return hash_value(v, &key);
}
