/* transform_names.c - names that transforms generate, and the order of versions. */
#include "registry/derive.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(transform_names);

/* ---------------------------------------------------------------- names */

static void check_fit(const char *wanted, const char *expected)
{
    bool changed = false;
    GN_AUTO_FREE char *name = gn_name_fit(wanted, &changed);
    cr_expect_str_eq(name, expected, "%s: %s", wanted, name);
    cr_expect_eq(changed, !gn_streq(wanted, expected), "%s", wanted);
    cr_expect_null(gn_name_doubt(name), "%s", name);
}

static char *repeat(char c, size_t n)
{
    char *text = gn_calloc(n + 1, 1);
    memset(text, c, n);
    return text;
}

Test(transform_names, names_that_clients_take_stay)
{
    check_fit("search", "search");
    check_fit("A-z_09", "A-z_09");
    GN_AUTO_FREE char *longest = repeat('a', 64);
    check_fit(longest, longest);
}

Test(transform_names, other_characters_become_underscores)
{
    check_fit("files.read", "files_read");
    check_fit("a b/c", "a_b_c");
    check_fit("gr\xc3\xbc\xc3\x9f", "gr__");
    check_fit("a\xff", "a_");
    check_fit("", "_");
}

Test(transform_names, long_names_end_with_a_hash_that_is_always_the_same)
{
    check_fit("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm",
              "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabc_4a252094");
    check_fit("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkln",
              "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabc_f1bb9a81");
}

Test(transform_names, long_names_that_differ_anywhere_differ)
{
    char *seen[300];
    GN_AUTO_FREE char *text = repeat('a', 300);
    for (size_t i = 0; i < GN_COUNT(seen); i++) {
        bool changed = false;
        text[i] = '.';
        seen[i] = gn_name_fit(text, &changed);
        text[i] = 'a';
        cr_expect(changed);
        cr_expect_eq(strlen(seen[i]), 64);
    }
    for (size_t i = 0; i < GN_COUNT(seen); i++) {
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(seen[i], seen[k]);
    }
    for (size_t i = 0; i < GN_COUNT(seen); i++)
        gn_free(seen[i]);
}

Test(transform_names, doubts_say_why_clients_may_refuse)
{
    GN_AUTO_FREE char *long_name = repeat('a', 65);
    cr_expect_null(gn_name_doubt("search_2-x"));
    cr_expect_str_eq(gn_name_doubt(long_name), "is longer than 64");
    cr_expect_str_eq(gn_name_doubt("a.b"), "has a dot");
    cr_expect_str_eq(gn_name_doubt("a b"), "has characters other than A-Z a-z 0-9 _ -");
    cr_expect_str_eq(gn_name_doubt(""), "is empty");
}

/* ---------------------------------------------------------------- versions */

/* From the lowest to the highest; those of one line are equal. */
static const char *const ladder[][4] = {
    {NULL},
    {""},
    {"/1.0"},
    {"1.0 beta", NULL},
    {"beta"},
    {"latest"},
    {"v"},
    {"0", "v0", "0.0.0", "000"},
    {"0.9"},
    {"0.9.9"},
    {"1.0.dev1", "1.0-dev1", "v1.0.0.dev01"},
    {"1.0.dev2"},
    {"1.0-1"},
    {"1.0-2"},
    {"1.0-10"},
    {"1.0-alpha", "1.0a", "1.0.0-Alpha", "V1.0.ALPHA"},
    {"1.0a1.dev1"},
    {"1.0a1", "1.0-alpha.1", "1.0.0-alpha1", "1.0_a_1"},
    {"1.0a1.post1.dev3"},
    {"1.0a1.post1"},
    {"1.0a2"},
    {"1.0-alpha.beta"},
    {"1.0b1", "1.0-beta.1"},
    {"1.0b2"},
    {"1.0b11"},
    {"1.0-rc", "1.0c"},
    {"1.0-rc1", "1.0.0-rc.1", "1.0pre1", "v1.0rc1"},
    {"1.0-rc2"},
    {"1.0-x7"},
    {"1.0", "1", "v1.0.0", "01.0"},
    {"1.0+abc"},
    {"1.0+abc.1"},
    {"1.0.post1.dev1"},
    {"1.0.post1", "1.0-post1", "1.0r1"},
    {"1.0.post2"},
    {"1.0.1"},
    {"1.2"},
    {"1.10", "1.10.0"},
    {"2"},
    {"10.0"},
    {"2025-06-18", "2025.6.18", "2025.06.18.0"},
    {"2025-11-25"},
    {"2026.1"},
    {"18446744073709551615"},
    {"18446744073709551616"},
    {"99999999999999999999999999999999999999"},
    {"100000000000000000000000000000000000000"},
    {"1!0.1"},
    {"1!1"},
    {"2!0"},
};

static void check_order(size_t i, const char *a, size_t k, const char *b)
{
    int got = gn_version_compare(a, b);
    int sign = got < 0 ? -1 : got > 0, expected = i < k ? -1 : i > k;
    cr_expect_eq(sign, expected, "%s and %s: %d, expected %d", a ? a : "nothing", b ? b : "nothing",
                 sign, expected);
}

Test(transform_names, versions_are_in_one_order)
{
    for (size_t i = 0; i < GN_COUNT(ladder); i++) {
        for (size_t k = 0; k < GN_COUNT(ladder); k++) {
            for (size_t a = 0; a < 4 && (a == 0 || ladder[i][a]); a++) {
                for (size_t b = 0; b < 4 && (b == 0 || ladder[k][b]); b++)
                    check_order(i, ladder[i][a], k, ladder[k][b]);
            }
        }
    }
}

/* Pieces put together anyhow. */
static void make_version(uint32_t *seed, char out[32])
{
    static const char *const pieces[] = {"v", "1", "0", "2",  "10",         ".",
                                         "-", "a", "b", "rc", "dev",        "post",
                                         "+", "x", "!", "_",  "2025-06-18", "00"};
    size_t n = 0;
    *seed = *seed * 1664525u + 1013904223u;
    for (uint32_t left = (*seed >> 16) % 7; left > 0; left--) {
        *seed = *seed * 1664525u + 1013904223u;
        const char *piece = pieces[(*seed >> 16) % GN_COUNT(pieces)];
        if (n + strlen(piece) < 31) {
            memcpy(out + n, piece, strlen(piece));
            n += strlen(piece);
        }
    }
    out[n] = '\0';
}

static int sign_of(const char *a, const char *b)
{
    int rc = gn_version_compare(a, b);
    return rc < 0 ? -1 : rc > 0;
}

Test(transform_names, any_texts_have_one_order)
{
    enum { COUNT = 120 };
    char texts[COUNT][32];
    int8_t order[COUNT][COUNT];
    uint32_t seed = 7;
    for (size_t i = 0; i < COUNT; i++)
        make_version(&seed, texts[i]);
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < COUNT; k++)
            order[i][k] = (int8_t)sign_of(texts[i], texts[k]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < COUNT; k++) {
            cr_assert_eq(order[i][k], -order[k][i], "%s, %s", texts[i], texts[k]);
            for (size_t m = 0; m < COUNT; m++) {
                bool holds = order[i][k] > 0 || order[k][m] > 0 ||
                             order[i][m] == GN_MIN(order[i][k], order[k][m]);
                cr_assert(holds, "%s, %s, %s", texts[i], texts[k], texts[m]);
            }
        }
    }
}
