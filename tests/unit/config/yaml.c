/* yaml.c - hostile files, variables, scalars. */
#include "config/yaml.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>

GN_SUITE(yaml);

struct parsed {
    struct gn_arena arena;
    struct gn_buf problems;
    struct gn_yaml_report report;
    struct gn_yaml *root;
};

static void parse_n(struct parsed *p, const char *text, size_t len)
{
    *p = (struct parsed){.problems = GN_BUF_INIT(64 * 1024)};
    p->report = (struct gn_yaml_report){.file = "f", .problems = &p->problems};
    gn_arena_init(&p->arena, GN_YAML_ARENA);
    p->root = gn_yaml_parse(&p->arena, text, len, &p->report);
}

static void release(struct parsed *p)
{
    gn_arena_release(&p->arena);
    gn_buf_release(&p->problems);
}

static void assert_refused(const char *text, const char *problem)
{
    struct parsed p;
    parse_n(&p, text, strlen(text));
    cr_assert_eq(p.report.count, 1, "%s", text);
    cr_assert(strstr(gn_buf_str(&p.problems), problem), "%s", gn_buf_str(&p.problems));
    release(&p);
}

static void assert_expands(const char *text, const char *expected)
{
    struct parsed p;
    parse_n(&p, text, strlen(text));
    gn_yaml_expand(&p.arena, p.root, &p.report);
    cr_assert_eq(p.report.count, 0, "%s", gn_buf_str(&p.problems));
    cr_assert_str_eq(p.root->first->text, expected);
    release(&p);
}

static void assert_not_expanded(const char *text, const char *problem)
{
    struct parsed p;
    parse_n(&p, text, strlen(text));
    gn_yaml_expand(&p.arena, p.root, &p.report);
    cr_assert_eq(p.report.count, 1);
    cr_assert(strstr(gn_buf_str(&p.problems), problem), "%s", gn_buf_str(&p.problems));
    release(&p);
}

static void assert_json(const char *text, const char *expected)
{
    struct parsed p;
    parse_n(&p, text, strlen(text));
    cr_assert_eq(p.report.count, 0);
    json_t *got = gn_yaml_to_json(p.root), *want = json_loads(expected, JSON_DECODE_ANY, NULL);
    char *dump = json_dumps(got, JSON_ENCODE_ANY);
    cr_assert(json_equal(got, want), "%s gives %s", text, dump);
    free(dump);
    json_decref(got);
    json_decref(want);
    release(&p);
}

Test(yaml, refuses_what_can_grow_without_bound)
{
    assert_refused("a: &x [1]\n", "f:1: anchors (&name) are not supported here");
    assert_refused("a: &x 1\n", "anchors");
    assert_refused("a: &x {b: 1}\n", "anchors");
    assert_refused("a: *x\n", "f:1: aliases (*name) are not supported here");
    assert_refused("a: !!binary aGk=\n", "tags (!name) are not supported here");
    assert_refused("a: 1\n---\nb: 2\n", "f:2: several documents in one file are not supported");
}

Test(yaml, refuses_duplicate_keys)
{
    assert_refused("a: 1\nb: 2\na: 3\n", "f:3: a: stands here twice, first in line 1");
    struct parsed p;
    static const char fine[] = "a: {x: 1}\nb: {x: 1}\n";
    parse_n(&p, fine, strlen(fine));
    cr_assert_eq(p.report.count, 0);
    release(&p);
}

Test(yaml, refuses_depth_and_number)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    for (int i = 0; i < 100000; i++)
        gn_buf_addc(&text, '[');
    assert_refused(gn_buf_str(&text), "nested deeper than 32 levels");
    gn_buf_clear(&text);
    gn_buf_addc(&text, '[');
    for (int i = 0; i < 200000; i++)
        gn_buf_adds(&text, "1,");
    assert_refused(gn_buf_str(&text), "the file holds too much");
    gn_buf_release(&text);
}

Test(yaml, refuses_what_is_not_yaml)
{
    assert_refused("a: [1\nb: 2\n", "f:2: column");
    assert_refused("a: b: c\n", "f:1: column");
    assert_refused("a:\n\t- b\n", "f:2: column");
    assert_refused("{a: 1}: 2\n", "a key must be plain text");
    assert_refused("'': 2\n", "a key has 1 to 256 characters");
    assert_refused("a: \"x\\0y\"\n", "f:1: a: must not contain the character NUL");
    assert_refused("a:\n  b: \"\\0\"\n", "f:2: a.b: must not contain the character NUL");
    assert_refused("a: [1, {b: [x, \"\\0\"]}]\n",
                   "f:1: a[1].b[1]: must not contain the character NUL");
    assert_refused("\"\\0\"\n", "f:1: must not contain the character NUL");
    assert_refused("a: \"\xff\xfe\"\n", "f:");
    struct parsed p;
    parse_n(&p, "a: \0", 4);
    cr_assert_eq(p.report.count, 1);
    release(&p);
}

Test(yaml, survives_every_truncation)
{
    static const char text[] =
        "a: {b: [1, \"two\\n\", 'x'], c: |\n  block\n }\nd: \xc3\xa4\n- e: ${X}\n";
    for (size_t len = 0; len < sizeof(text); len++) {
        struct parsed p;
        parse_n(&p, text, len);
        gn_yaml_expand(&p.arena, p.root, &p.report);
        if (p.root)
            json_decref(gn_yaml_to_json(p.root));
        release(&p);
    }
}

Test(yaml, replaces_variables)
{
    setenv("GN_TEST_VAR", "value", 1);
    setenv("GN_TEST_EMPTY", "", 1);
    unsetenv("GN_TEST_UNSET");
    assert_expands("a: ${GN_TEST_VAR}", "value");
    assert_expands("a: x-${GN_TEST_VAR}-${GN_TEST_VAR}.y", "x-value-value.y");
    assert_expands("a: \"${GN_TEST_UNSET:-b c}\"", "b c");
    assert_expands("a: \"${GN_TEST_UNSET:-}\"", "");
    assert_expands("a: \"${GN_TEST_EMPTY:-d}${GN_TEST_EMPTY}\"", "d");
    assert_expands("a: $GN_TEST_VAR $ {x} $$", "$GN_TEST_VAR $ {x} $$");
    assert_expands("a: $${GN_TEST_VAR}", "${GN_TEST_VAR}");
}

Test(yaml, names_the_key_of_a_variable_that_is_not_set)
{
    unsetenv("GN_TEST_UNSET");
    assert_not_expanded("plugins:\n  - x\n  - settings:\n      password: ${GN_TEST_UNSET}\n",
                        "f:4: plugins[1].settings.password: the environment variable GN_TEST_UNSET "
                        "is not set (${GN_TEST_UNSET:-default} gives a default)");
    assert_not_expanded("a: ${GN_TEST", "f:1: a: \"${\" without \"}\"");
    assert_not_expanded("a: ${}", "\"${}\" is not ${NAME}");
    assert_not_expanded("a: ${1X}", "\"${1X}\" is not ${NAME}");
    assert_not_expanded("a: ${X-default}", "\"${X-default}\" is not ${NAME}");
}

Test(yaml, bounds_what_variables_become)
{
    GN_AUTO_FREE char *big = gn_malloc(100001);
    memset(big, 'x', 100000);
    big[100000] = '\0';
    setenv("GN_TEST_BIG", big, 1);
    assert_not_expanded("a: ${GN_TEST_BIG}${GN_TEST_BIG}${GN_TEST_BIG}", "is too long");
    unsetenv("GN_TEST_BIG");
}

Test(yaml, texts_become_json)
{
    assert_json("[1, -2, 0, 1.5, 1e3, -0.5E-2]", "[1, -2, 0, 1.5, 1000.0, -0.005]");
    assert_json("[true, false, null, ~, ]", "[true, false, null, null]");
    assert_json("[True, TRUE, False, FALSE, Null, NULL]", "[true, true, false, false, null, null]");
    assert_json("[tRue, trUE, nULL, 'True']", "[\"tRue\", \"trUE\", \"nULL\", \"True\"]");
    assert_json("['1', \"true\", 'null', '~', '']", "[\"1\", \"true\", \"null\", \"~\", \"\"]");
    assert_json("[007, +1, 1., .5, 1e, 0x10, 1_000, yes, No, .inf, 1.2.3]",
                "[\"007\", \"+1\", \"1.\", \".5\", \"1e\", \"0x10\", \"1_000\", \"yes\", \"No\", "
                "\".inf\", \"1.2.3\"]");
    assert_json("[9223372036854775807, 9223372036854775808, 1e999]",
                "[9223372036854775807, 9223372036854775808.0, \"1e999\"]");
    assert_json("a: {b: [{c: d}]}\ne: |\n  1\n",
                "{\"a\": {\"b\": [{\"c\": \"d\"}]}, \"e\": \"1\\n\"}");
}
