/* canonical.c - the digest of what a value means. */
#include "json/canonical.h"

#include "support.h"

#include <string.h>

GN_SUITE(json_canonical);

static void digest_of(unsigned char ret[32], const char *text)
{
    struct gn_json_limits limits = {.max_depth = GN_JSON_MAX_DEPTH};
    struct gn_json_doc doc = {0};
    struct gn_error err = {0};
    crypto_generichash_state state;
    if (text)
        cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), &limits, &err), 0, "%s: %s", text,
                     err.text);
    crypto_generichash_init(&state, NULL, 0, 32);
    gn_json_canonical(&state, gn_json_root(&doc));
    crypto_generichash_final(&state, ret, 32);
    gn_json_release(&doc);
}

static void check(const char *a, const char *b, bool want)
{
    unsigned char x[32], y[32];
    digest_of(x, a);
    digest_of(y, b);
    cr_assert_eq(memcmp(x, y, sizeof(x)) == 0, want, "%s and %s", a ? a : "nothing",
                 b ? b : "nothing");
}

Test(json_canonical, does_not_depend_on_how_a_value_is_written)
{
    static const char *const same[][2] = {
        {"5", "5.0"},
        {"5", "5e0"},
        {"5", "0.5E+1"},
        {"5", "50e-1"},
        {"0", "-0"},
        {"0", "0.000e99"},
        {"1e400", "10e399"},
        {"1e400", "0.1e401"},
        {"123456789012345678901234567890", "1.23456789012345678901234567890e29"},
        {"123.456", "123456e-3"},
        {"-100", "-1e2"},
        {"\"a\\u00e9\\n\"", "\"a\303\251\\u000a\""},
        {"{\"a\":1,\"b\":2}", "{\"b\": 2.0, \"a\": 1}"},
        {"{\"a\":1,\"ab\":2,\"\":3}", "{\"\":3,\"ab\":2,\"a\":1}"},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
        {"{\"a\":{\"y\":[],\"x\":{}}}", "{\"a\":{\"x\":{},\"y\":[]}}"},
        {"[ ]", "[]"},
    };
    for (size_t i = 0; i < GN_COUNT(same); i++)
        check(same[i][0], same[i][1], true);
}

Test(json_canonical, tells_values_apart)
{
    static const char *const all[] = {
        NULL,
        "null",
        "false",
        "true",
        "0",
        "1",
        "-1",
        "10",
        "0.1",
        "1e400",
        "1e401",
        "-1e400",
        "1e-400",
        "123456789012345678901234567890",
        "123456789012345678901234567891",
        "9007199254740992",
        "9007199254740993",
        "\"\"",
        "\"0\"",
        "\"1\"",
        "\"null\"",
        "\"\\u0000\"",
        "\"a\"",
        "\"e\\u0301\"",
        "\"\\u00e9\"",
        "[]",
        "[[]]",
        "[[],[]]",
        "[[[]]]",
        "[null]",
        "[{}]",
        "[1,2]",
        "[2,1]",
        "[12]",
        "[\"a\",\"b\"]",
        "[\"ab\",\"\"]",
        "[\"\",\"ab\"]",
        "{}",
        "{\"a\":null}",
        "{\"a\":{}}",
        "{\"a\":[]}",
        "{\"a\":\"b\"}",
        "{\"b\":\"a\"}",
        "{\"a\":1,\"b\":2}",
        "{\"a\":2,\"b\":1}",
        "{\"a\":{\"b\":1}}",
        "{\"a\":{},\"b\":1}",
        "{\"\":1}",
        "[\"a\",1]",
        "[[\"a\",1]]",
        "[{\"a\":1},{\"b\":2}]",
        "[{\"a\":1,\"b\":2}]",
    };
    for (size_t i = 0; i < GN_COUNT(all); i++) {
        for (size_t k = 0; k <= i; k++)
            check(all[i], all[k], i == k);
    }
}

Test(json_canonical, walks_the_deepest_document)
{
    char deep[GN_JSON_MAX_DEPTH * 6 + 8];
    for (int objects = 0; objects < 2; objects++) {
        size_t len = 0, levels = GN_JSON_MAX_DEPTH;
        for (size_t i = 0; i < levels; i++, len += objects ? 5 : 1)
            memcpy(deep + len, objects ? "{\"k\":" : "[", objects ? 5 : 1);
        deep[len++] = '7';
        for (size_t i = 0; i < levels; i++)
            deep[len++] = objects ? '}' : ']';
        deep[len] = '\0';
        check(deep, deep, true);
        *strchr(deep, '7') = '8';
        unsigned char changed[32], was[32];
        digest_of(changed, deep);
        *strchr(deep, '8') = '7';
        digest_of(was, deep);
        cr_assert_neq(memcmp(changed, was, sizeof(was)), 0);
    }
}

Test(json_canonical, is_the_same_in_every_process_and_version)
{
    /* Part of what states are checked by: it may change only with the version of their format. */
    unsigned char digest[32];
    char hex[65];
    digest_of(digest, "{\"b\":[1,2.50,\"x\",null,true,false],\"a\":{}}");
    sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
    cr_assert_str_eq(hex, "cb2fb46c5409d38220e9f5d7aab607174eeff094ddc10a478ea3be2d390ccf8a");
}
