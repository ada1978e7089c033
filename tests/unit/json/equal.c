/* equal.c - equality and the hash that goes with it. */
#include "support.h"
#include "util/alloc.h"
#include "json/json.h"

#include <string.h>

GN_SUITE(json_equal);

#define SEED UINT64_C(0x9E3779B97F4A7C15)
#define MAX_LEAVES 4096

static struct gn_json_doc docs[2];

/* A value made from a seed: what it means depends on nothing else, how it is written depends on
 * `notation` too. */
struct maker {
    struct gn_buf out;
    uint64_t notation;
    uint64_t changed; /* the leaf with this seed means something else */
    uint64_t leaves[MAX_LEAVES];
    size_t leaf_count;
};

static const gantry_json *parse(int slot, const char *text)
{
    gn_json_release(&docs[slot]);
    struct gn_error err = {0};
    cr_assert_eq(gn_json_parse_copy(&docs[slot], text, strlen(text), NULL, &err), 0, "%s: %s", text,
                 err.text);
    return gn_json_root(&docs[slot]);
}

static void done(void)
{
    gn_json_release(&docs[0]);
    gn_json_release(&docs[1]);
}

static void check(const char *a, const char *b, bool want)
{
    const gantry_json *x = parse(0, a), *y = parse(1, b);
    cr_assert_eq(gn_json_equal(x, y), want, "%s, %s", a, b);
    cr_assert_eq(gn_json_equal(y, x), want, "%s, %s", a, b);
    cr_assert_eq(gn_json_hash(x, SEED) == gn_json_hash(y, SEED), want, "%s, %s", a, b);
    cr_assert_eq(gn_json_hash(x, 0) == gn_json_hash(y, 0), want, "%s, %s", a, b);
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static unsigned notation(struct maker *m, unsigned choices)
{
    return (unsigned)((m->notation = mix(m->notation)) % choices);
}

static void make_number(struct maker *m, uint64_t n)
{
    static const char *const behind[] = {"", ".0", "00e-2", "e0", ".000E+00"};
    unsigned way = notation(m, (unsigned)GN_COUNT(behind) + 1);
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    if (n == 0) /* has other notations */
        gn_buf_adds(&m->out, way % 2 ? "-0.0" : "0e7");
    else if (way < GN_COUNT(behind))
        gn_buf_addf(&m->out, "%s%s", digits, behind[way]);
    else
        gn_buf_addf(&m->out, "0.%se%d", digits, len);
}

static void make_leaf(struct maker *m, uint64_t seed)
{
    if (m->leaf_count < MAX_LEAVES)
        m->leaves[m->leaf_count++] = seed;
    if (seed == m->changed) {
        gn_buf_adds(&m->out, "\"changed\"");
        return;
    }
    switch (seed % 6) {
    case 0:
        gn_buf_adds(&m->out, seed & 64 ? "true" : "false");
        break;
    case 1:
        gn_buf_adds(&m->out, "null");
        break;
    case 2:
    case 3:
        make_number(m, (seed >> 8) % (seed & 128 ? 20 : UINT64_C(100000000000000000)));
        break;
    default:
        gn_buf_addf(&m->out, notation(m, 2) ? "\"s%c\"" : "\"\\u0073%c\"",
                    (int)('a' + (seed >> 8) % 26));
        break;
    }
}

static void make(struct maker *m, uint64_t seed, int depth)
{
    unsigned kind = (unsigned)(seed >> 60);
    if (depth == 0 || kind > 10) {
        make_leaf(m, seed);
        return;
    }
    bool object = kind % 2;
    unsigned count = (unsigned)((seed >> 40) % 8);
    if (count == 7 && depth <= 2)
        count = 40; /* more than are compared without sorting */
    unsigned first = object && count ? notation(m, count) : 0;
    gn_buf_addc(&m->out, object ? '{' : '[');
    if (object && count && notation(m, 3) == 0) /* hidden by its twin below */
        gn_buf_addf(&m->out, "\"m%u\":%u,", notation(m, count), notation(m, 5));
    for (unsigned i = 0; i < count; i++) {
        unsigned at = (first + i) % count;
        gn_buf_adds(&m->out, i ? "," : "");
        if (object)
            gn_buf_addf(&m->out, "\"m%u\":", at);
        make(m, mix(seed + at), depth - 1);
    }
    gn_buf_addc(&m->out, object ? '}' : ']');
}

Test(json_equal, hash_and_equality_agree_on_pairs, .fini = done)
{
    static const char *const same[][2] = {
        {"1", "1.0"},
        {"1", "10e-1"},
        {"0", "-0.0e5"},
        {"1e400", "10e399"},
        {"123456789012345678901234567890", "1234567890123456789012345678.90e2"},
        {"\"a\"", "\"\\u0061\""},
        {"[1,[2,{}]]", "[1.0,[20e-1,{}]]"},
        {"{\"a\":1,\"b\":{\"c\":[]}}", "{\"b\":{\"c\":[]},\"a\":1.0}"},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
        {"{\"a\":1,\"b\":3,\"a\":2,\"b\":4}", "{\"b\":4,\"b\":1,\"b\":4,\"a\":2}"},
        {"{\"a\":{\"x\":1,\"x\":2},\"a\":3}", "{\"a\":3}"},
    };
    static const char *const different[][2] = {
        {"1", "true"},
        {"0", "false"},
        {"0", "null"},
        {"1", "\"1\""},
        {"1", "-1"},
        {"1", "10"},
        {"0.1", "0.01"},
        {"9007199254740993", "9007199254740992"},
        {"123456789012345678901234567890", "123456789012345678901234567891"},
        {"true", "false"},
        {"[]", "{}"},
        {"[]", "[[]]"},
        {"[[],[]]", "[[[]]]"},
        {"[1,2]", "[2,1]"},
        {"[1]", "[1,1]"},
        {"\"\"", "[]"},
        {"\"a\"", "\"a\\u0000\""},
        {"{\"a\":1}", "{\"a\":2}"},
        {"{\"a\":1}", "{\"b\":1}"},
        {"{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}"},
        {"{\"a\":1,\"a\":2}", "{\"a\":1}"},
        {"{\"a\":1,\"b\":1}", "{\"a\":1,\"a\":1}"},
        {"{\"a\":1,\"b\":1,\"c\":1}", "{\"a\":1,\"b\":1,\"b\":1}"},
    };
    for (size_t i = 0; i < GN_COUNT(same); i++)
        check(same[i][0], same[i][1], true);
    for (size_t i = 0; i < GN_COUNT(different); i++)
        check(different[i][0], different[i][1], false);
}

Test(json_equal, hash_depends_on_the_seed, .fini = done)
{
    static const char *const texts[] = {"null", "true", "0",   "5",        "\"a\"",
                                        "[]",   "{}",   "[1]", "{\"a\":1}"};
    uint64_t seen[GN_COUNT(texts) * 8];
    size_t n = 0;
    for (size_t i = 0; i < GN_COUNT(texts); i++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            uint64_t hash = gn_json_hash(parse(0, texts[i]), seed);
            for (size_t k = 0; k < n; k++)
                cr_assert_neq(hash, seen[k], "%s", texts[i]);
            seen[n++] = hash;
        }
    }
    cr_assert_eq(gn_json_hash(NULL, 1), gn_json_hash(NULL, 1));
    cr_assert_neq(gn_json_hash(NULL, 1), gn_json_hash(NULL, 2));
}

/* Few members are looked up, many are sorted; where one ends and the other begins both are right.
 */
Test(json_equal, objects_of_every_size_are_compared_in_any_order, .fini = done)
{
    for (int count = 1; count < 40; count++) {
        struct gn_buf a = GN_BUF_INIT(10000), b = GN_BUF_INIT(10000), c = GN_BUF_INIT(10000);
        gn_buf_adds(&a, "{\"m0\":-1,");
        gn_buf_adds(&b, "{");
        gn_buf_adds(&c, "{");
        for (int i = 0; i < count; i++) {
            const char *comma = i ? "," : "";
            gn_buf_addf(&a, "%s\"m%d\":%d", comma, i, i);
            gn_buf_addf(&b, "%s\"m%d\":%d.0", comma, count - 1 - i, count - 1 - i);
            gn_buf_addf(&c, "%s\"m%d\":%d", comma, i, i == count - 1 ? 1000 : i);
        }
        gn_buf_addc(&a, '}');
        gn_buf_addc(&b, '}');
        gn_buf_addc(&c, '}');
        check(gn_buf_str(&a), gn_buf_str(&b), true);
        check(gn_buf_str(&a), gn_buf_str(&c), false);
        gn_buf_release(&a);
        gn_buf_release(&b);
        gn_buf_release(&c);
    }
}

Test(json_equal, generated_values_agree_in_any_notation, .fini = done)
{
    static struct maker m;
    m.out = GN_BUF_INIT(1 << 20);
    size_t changes = 0;
    for (uint64_t i = 0; i < 1500; i++) {
        uint64_t seed = mix(i) >> 4 | (uint64_t)(i % 11) << 60;
        m.notation = 2 * i;
        m.changed = 0;
        gn_buf_clear(&m.out);
        make(&m, seed, 4);
        char *first = gn_strdup(gn_buf_str(&m.out));
        m.notation = 2 * i + 1;
        m.leaf_count = 0;
        gn_buf_clear(&m.out);
        make(&m, seed, 4);
        check(first, gn_buf_str(&m.out), true);
        if (m.leaf_count) {
            m.changed = m.leaves[mix(i) % m.leaf_count];
            gn_buf_clear(&m.out);
            make(&m, seed, 4);
            check(first, gn_buf_str(&m.out), false);
            changes++;
        }
        gn_free(first);
    }
    cr_assert_gt(changes, 1000);
    gn_buf_release(&m.out);
}

Test(json_equal, hashes_of_many_small_values_differ, .fini = done)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    gn_buf_addc(&text, '[');
    for (int i = 0; i < 3000; i++)
        gn_buf_addf(&text, "%s%d,\"%d\",[%d],{\"a\":%d},%de-3000", i ? "," : "", i, i, i, i,
                    10 * i + 1);
    gn_buf_addc(&text, ']');
    const gantry_json *v = parse(0, gn_buf_str(&text));
    static uint64_t table[65536];
    memset(table, 0, sizeof(table));
    for (const gantry_json *e = gn_json_next(v, NULL); e; e = gn_json_next(v, e)) {
        uint64_t hash = gn_json_hash(e, SEED);
        size_t at = hash % GN_COUNT(table);
        for (; table[at]; at = (at + 1) % GN_COUNT(table))
            cr_assert_neq(table[at], hash);
        table[at] = hash;
    }
    gn_buf_release(&text);
}

Test(json_equal, values_as_deep_as_allowed_are_compared, .fini = done)
{
    struct gn_buf text = GN_BUF_INIT(10000);
    for (int i = 0; i < GN_JSON_MAX_DEPTH; i++)
        gn_buf_adds(&text, i % 2 ? "[" : "{\"a\":");
    gn_buf_adds(&text, "1");
    for (int i = GN_JSON_MAX_DEPTH; i-- > 0;)
        gn_buf_addc(&text, i % 2 ? ']' : '}');
    struct gn_json_limits limits = {.max_depth = GN_JSON_MAX_DEPTH};
    for (int i = 0; i < 2; i++)
        cr_assert_eq(gn_json_parse_copy(&docs[i], gn_buf_str(&text), text.len, &limits, NULL), 0);
    cr_assert(gn_json_equal(docs[0].nodes, docs[1].nodes));
    cr_assert_eq(gn_json_hash(docs[0].nodes, 1), gn_json_hash(docs[1].nodes, 1));
    gn_buf_release(&text);
}
