/* Tests of URI templates: RFC 6570 expansion, and matching that cannot be tricked. */
#include "registry/uri_template.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(uri_template);

static struct gn_uri_template *parse(const char *text, bool for_matching)
{
    struct gn_error err = {0};
    struct gn_uri_template *t = NULL;
    int rc = gn_uri_template_parse(text, for_matching, &t, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    return t;
}

/* Matches and compares the variables, as compact JSON; want NULL: it must not match. */
static void check(const char *template_text, const char *uri, const char *want)
{
    struct gn_uri_template *t = parse(template_text, true);
    struct gn_arena arena;
    struct gn_buf got = GN_BUF_INIT(100000);
    const gantry_json *vars = NULL;
    gn_arena_init(&arena, 1024 * 1024);
    bool matches = gn_uri_template_match(t, uri, &arena, &vars);
    if (matches)
        gn_json_write(&got, vars);
    cr_expect_eq(matches, want != NULL, "%s on %s: %s", template_text, uri, gn_buf_str(&got));
    cr_expect_eq(matches, vars != NULL);
    if (want && matches)
        cr_expect_str_eq(gn_buf_str(&got), want, "%s on %s: %s", template_text, uri,
                         gn_buf_str(&got));
    gn_buf_release(&got);
    gn_arena_release(&arena);
    gn_uri_template_free(t);
}

static void refused(const char *text, bool for_matching, const char *part)
{
    struct gn_error err = {0};
    struct gn_uri_template *t = NULL;
    int rc = gn_uri_template_parse(text, for_matching, &t, &err);
    cr_expect_lt(rc, 0, "%s was not refused", text);
    cr_expect_null(t);
    cr_expect(strstr(err.text, part) != NULL, "\"%s\" is not in \"%s\"", part, err.text);
    gn_uri_template_free(t);
}

/* One case of the shared test files: [template, expansion | [expansions] | false]. */
static void expansion_case(const gantry_json *vars, const gantry_json *testcase)
{
    const char *text = gn_json_str(gn_json_at(testcase, 0), NULL);
    const gantry_json *want = gn_json_at(testcase, 1);
    struct gn_uri_template *t = NULL;
    struct gn_buf got = GN_BUF_INIT(10000);
    int rc = gn_uri_template_parse(text, false, &t, NULL);
    if (!rc)
        rc = gn_uri_template_expand(t, vars, &got);
    bool found = gn_json_streq(want, gn_buf_str(&got));
    for (const gantry_json *e = NULL;
         gn_json_type(want) == GN_JSON_ARRAY && (e = gn_json_next(want, e)) != NULL;)
        found = found || gn_json_streq(e, gn_buf_str(&got));
    if (gn_json_type(want) == GN_JSON_FALSE)
        cr_expect_neq(rc, 0, "%s gives %s", text, gn_buf_str(&got));
    else
        cr_expect(rc == 0 && found, "%s gives %s (%d)", text, gn_buf_str(&got), rc);
    gn_buf_release(&got);
    gn_uri_template_free(t);
}

static void expansion_file(const char *name, size_t cases)
{
    struct gn_buf text = GN_BUF_INIT(1024 * 1024);
    struct gn_json_doc doc;
    struct gn_error err = {0};
    const char *dir = gn_test_data("uri-templates");
    char *path = gn_path_join(dir, name);
    size_t seen = 0;
    cr_assert_eq(gn_read_file(path, &text), 0, "%s", path);
    cr_assert_eq(gn_json_parse_copy(&doc, text.data, text.len, NULL, &err), 0, "%s", err.text);
    const gantry_json *root = gn_json_root(&doc);
    for (const gantry_json *group = NULL; (group = gn_json_next(root, group)) != NULL;) {
        const gantry_json *tests = gn_json_get(group, "testcases");
        for (const gantry_json *c = NULL; (c = gn_json_next(tests, c)) != NULL; seen++)
            expansion_case(gn_json_get(group, "variables"), c);
    }
    cr_expect_geq(seen, cases, "%zu cases in %s", seen, path);
    gn_json_release(&doc);
    gn_buf_release(&text);
    gn_free(path);
}

Test(uri_template, expands_all_examples_of_the_rfc)
{
    expansion_file("spec-examples.json", 60);
    expansion_file("spec-examples-by-section.json", 100);
}

Test(uri_template, expands_the_extended_examples)
{
    expansion_file("extended-tests.json", 30);
}

Test(uri_template, refuses_the_negative_examples)
{
    expansion_file("negative-tests.json", 30);
}

Test(uri_template, a_segment_matches_one_segment_or_a_part_of_it)
{
    check("test://a/{x}/b", "test://a/x/b", "{\"x\":\"x\"}");
    check("test://a/{x}/b", "test://a/1-2/b", "{\"x\":\"1-2\"}");
    check("test://a/{x}/b", "test://a/b", NULL);
    check("test://a/{x}/b", "test://a//b", NULL);
    check("test://a/{x}/b", "test://a/b/c", NULL);
    check("test://a/{x}/b", "test://a/x/y/b", NULL);
    check("test://a/{x}/b", "test://a/x/bc", NULL);
    check("test://{x}/{y}", "test://two words/foo", "{\"x\":\"two words\",\"y\":\"foo\"}");
    check("test://{x}/{y}", "test://two.words/foo+bar", "{\"x\":\"two.words\",\"y\":\"foo+bar\"}");
    check("test://{x}/{y}", "test://%7Bx%7D/b", "{\"x\":\"{x}\",\"y\":\"b\"}");
    check("test://{x}/{y}", "test://foo", NULL);
    check("test://{x}/{y}", "other://x/y", NULL);
    check("test://{x}/{y}", "prefix+test://x/y", NULL);
    check("prefix+test://{x}/test/{y}", "prefix+test://foo/test/1", "{\"x\":\"foo\",\"y\":\"1\"}");
    check("prefix+test://{x}/test/{y}", "test://foo/test/1", NULL);
    check("user://{name}/{email}", "user://John%20Doe/john%40example.com",
          "{\"name\":\"John Doe\",\"email\":\"john@example.com\"}");
    check("resource://test_{x}", "resource://test_foo", "{\"x\":\"foo\"}");
    check("resource://test_{x}", "resource://test_", NULL);
    check("resource://{x}_test", "resource://foo_test", "{\"x\":\"foo\"}");
    check("resource://prefix_{x}_suffix", "resource://prefix__suffix", NULL);
    check("resource://prefix_{x}_suffix", "resource://prefix_foo_suffix", "{\"x\":\"foo\"}");
    check("a://{x}-{y}", "a://1-2-3", "{\"x\":\"1-2\",\"y\":\"3\"}");
}

Test(uri_template, a_star_matches_one_or_more_segments)
{
    check("test://a/{x*}/b", "test://a/x/y/b", "{\"x\":\"x/y\"}");
    check("test://a/{x*}/b", "test://a/x/b", "{\"x\":\"x\"}");
    check("test://a/{x*}/b", "test://a/b", NULL);
    check("test://a/{x*}/b", "test://a//b", NULL);
    check("test://a/{x*}/b/{y*}", "test://a/x/y/b/c/d", "{\"x\":\"x/y\",\"y\":\"c/d\"}");
    check("test://a/{x*}/{y}", "test://a/x/y/b", "{\"x\":\"x/y\",\"y\":\"b\"}");
    check("file://abc/{path*}.py", "file://abc/xyz.py", "{\"path\":\"xyz\"}");
    check("file://abc/{path*}.py", "file://abc/x/y/z.py", "{\"path\":\"x/y/z\"}");
    check("file://abc/{path*}.py", "file://abc/x/y/z/.py", "{\"path\":\"x/y/z/\"}");
    check("file://abc/{path*}.py", "file://abc/x/y/z.txt", NULL);
    check("{x*}", "a://b/c", "{\"x\":\"a://b/c\"}");
}

Test(uri_template, no_segment_smuggles_a_slash_or_leads_upwards)
{
    check("test://{x}/{y}", "test://escaped%2Fword/bar", NULL);
    check("test://{x}/{y}", "test://escaped%2fword/bar", NULL);
    check("files:///{x}", "files:///..%2F..%2Fetc", NULL);
    check("files:///{x}", "files:///..", NULL);
    check("files:///{x}", "files:///.", NULL);
    check("files:///{x}", "files:///%2e%2E", NULL);
    check("files:///{x}", "files:///a%00b", NULL);
    check("files:///{x}", "files:///...", "{\"x\":\"...\"}");
    check("files:///{x}", "files:///%252F", "{\"x\":\"%2F\"}");
    check("files:///{x*}", "files:///a/../b", NULL);
    check("files:///{x*}", "files:///a/%2e./b", NULL);
    check("files:///{x*}", "files:///../b", NULL);
    check("files:///{x*}", "files:///a/..", NULL);
    check("files:///{x*}", "files:///a/./b", NULL);
    check("files:///{x*}", "files:///a%2Fb", NULL);
    check("files:///{x*}", "files:///a/b%00", NULL);
    check("files:///{x*}", "files:///a/..b/c..", "{\"x\":\"a/..b/c..\"}");
    check("files:///{x}", "files:///%ff", NULL);
    check("files:///{x}", "files:///%e2%82", NULL);
}

Test(uri_template, an_escape_is_never_cut_in_two)
{
    check("a://{x}0b", "a://%20b", NULL);
    check("a://{x}20b", "a://c%20b", NULL);
    check("a://%25{x}", "a://%2520", "{\"x\":\"20\"}");
    check("a://{x}%20{y}", "a://1%202", "{\"x\":\"1\",\"y\":\"2\"}");
    check("a://{x}", "a://%2", NULL);
    check("a://{x}", "a://%zz", NULL);
    check("a://{x}", "a://b%", NULL);
}

Test(uri_template, literals_compare_in_one_form)
{
    check("a://my file/{x}", "a://my%20file/1", "{\"x\":\"1\"}");
    check("a://my%20file/{x}", "a://my file/1", "{\"x\":\"1\"}");
    check("a://caf\xc3\xa9/{x}", "a://caf%c3%A9/1", "{\"x\":\"1\"}");
    check("a://%41b/{x}", "a://A%62/1", "{\"x\":\"1\"}");
    check("a://b%2Fc/{x}", "a://b%2fc/1", "{\"x\":\"1\"}");
    check("a://b%2Fc/{x}", "a://b/c/1", NULL);
    check("a://b", "a://b", "{}");
    check("a://b", "a://bc", NULL);
}

Test(uri_template, query_parameters_are_optional_and_come_in_any_order)
{
    check("a://{x}{?p,q}", "a://1", "{\"x\":\"1\"}");
    check("a://{x}{?p,q}", "a://1?", "{\"x\":\"1\"}");
    check("a://{x}{?p,q}", "a://1?q=2&p=3", "{\"x\":\"1\",\"p\":\"3\",\"q\":\"2\"}");
    check("a://{x}{?p,q}", "a://1?p=&q=2&r=4", "{\"x\":\"1\",\"q\":\"2\"}");
    check("a://{x}{?p,q}", "a://1?p=&p=2&p=3", "{\"x\":\"1\",\"p\":\"2\"}");
    check("a://{x}{?p,q}", "a://1?p", "{\"x\":\"1\"}");
    check("a://{x}{?p}", "a://1+1?p=a+b%2Bc%26d%3D", "{\"x\":\"1+1\",\"p\":\"a b+c&d=\"}");
    check("a://{x}{?p}", "a://1?%70=a=b/c?d", "{\"x\":\"1\",\"p\":\"a=b/c?d\"}");
    check("a://{x}{?p}", "a://1?&&p=2&", "{\"x\":\"1\",\"p\":\"2\"}");
    check("a://{x}{?p}", "a://1?p=%ff", NULL);
    check("a://{x}{?p}", "a://1?other=%f", NULL);
    check("a://{x}", "a://1?p=2", "{\"x\":\"1\"}");
    check("a://b{?p}", "a://b?p=%22%5C", "{\"p\":\"\\\"\\\\\"}");
    check("a://b{?p}", "a://b%3Fp=1", NULL);
}

Test(uri_template, fragments_and_long_uris_match_nothing)
{
    struct gn_buf uri = GN_BUF_INIT(20000);
    check("a://{x}", "a://b#c", NULL);
    check("a://{x}{?p}", "a://b?p=1#c", NULL);
    gn_buf_adds(&uri, "a://");
    while (uri.len < 8 * 1024)
        gn_buf_addc(&uri, 'b');
    struct gn_uri_template *t = parse("a://{x}", true);
    struct gn_arena arena;
    const gantry_json *vars = NULL;
    gn_arena_init(&arena, 1024 * 1024);
    cr_expect(gn_uri_template_match(t, uri.data, &arena, &vars));
    cr_expect_eq(gn_json_get(vars, "x")->len, 8 * 1024 - 4);
    gn_buf_addc(&uri, 'b');
    cr_expect_not(gn_uri_template_match(t, uri.data, &arena, &vars));
    gn_arena_release(&arena);
    gn_uri_template_free(t);
    gn_buf_release(&uri);
}

/* With backtracking this would take longer than the test may. */
Test(uri_template, many_stars_on_a_hostile_uri_do_not_explode)
{
    struct gn_buf uri = GN_BUF_INIT(20000), text = GN_BUF_INIT(20000);
    gn_buf_adds(&uri, "a://");
    while (uri.len < 8 * 1024)
        gn_buf_addc(&uri, 'b');
    gn_buf_adds(&text, "a://");
    for (int i = 0; i < 50; i++)
        gn_buf_addf(&text, "{x%d*}b", i);
    gn_buf_adds(&text, "c");
    check(gn_buf_str(&text), gn_buf_str(&uri), NULL);
    gn_buf_release(&text);
    gn_buf_release(&uri);
}

Test(uri_template, what_cannot_be_matched_is_refused_for_matching)
{
    static const char *const operators[] = {"a://{+x}",  "a://b{#x}", "a://b{.x}", "a://b{/x}",
                                            "a://b{;x}", "a://b{&x}", "a://{x,y}"};
    for (size_t i = 0; i < GN_COUNT(operators); i++) {
        refused(operators[i], true,
                "can be expanded but not matched: use {name}, {name*} or {?name}");
        gn_uri_template_free(parse(operators[i], false));
    }
    refused("a://{x:3}", true, "{x:n} can be expanded but not matched");
    refused("a://b{?x*}", true, "{?x*} can be expanded but not matched");
    refused("a://{x}{y}", true, "{x} and {y} stand side by side");
    refused("a://{x*}{y}", true, "{x} and {y} stand side by side");
    refused("a://{x}/{x}", true, "the variable \"x\" is there twice");
    refused("a://{x}{?x}", true, "the variable \"x\" is there twice");
    refused("a://{?x}/b", true, "{?x} must stand at the end");
    refused("a://b{?x}{?y}", true, "{?x} must stand at the end");
    refused("a://b?c={x}", true, "write a query as {?name}");
    refused("a://b#{x}", true, "a \"#\" is never part of a request");
}

Test(uri_template, what_is_no_template_is_refused_with_the_reason)
{
    refused("a://{x", false, "a \"{\" is not closed");
    refused("a://x}", false, "a \"}\" closes nothing");
    refused("a://{}", false, "does not begin with the name of a variable");
    refused("a://{user-id}", true, "\"user-id}\" does not begin with the name of a variable");
    refused("a://{=x}", false, "\"{=\" is not an operator");
    refused("a://{x:0}", false, "a number from 1 to 9999");
    refused("a://{x*y}", false, "variables are separated by \",\"");
    refused("a://100%", false, "two hexadecimal digits");
    refused("a://\n", false, "control character");
    refused("a://\xff", false, "not UTF-8");
    struct gn_buf text = GN_BUF_INIT(20000);
    while (text.len <= 8 * 1024)
        gn_buf_addc(&text, 'b');
    refused(gn_buf_str(&text), false, "longer than 8192 bytes");
    gn_buf_clear(&text);
    for (int i = 0; i < 65; i++)
        gn_buf_addf(&text, "/{x%d}", i);
    refused(gn_buf_str(&text), false, "more than 64 variables");
    gn_buf_release(&text);
}

Test(uri_template, variables_are_listed_in_order)
{
    struct gn_uri_template *t = parse("a://{x}/{y*}{?p,q}", true);
    const char *const *vars = gn_uri_template_vars(t);
    static const char *const want[] = {"x", "y", "p", "q"};
    for (size_t i = 0; i < 4; i++) {
        cr_expect_str_eq(vars[i], want[i]);
        cr_expect_eq(gn_uri_template_var_is_query(t, i), i >= 2);
    }
    cr_expect_null(vars[4]);
    cr_expect_not(gn_uri_template_var_is_query(t, 4));
    cr_expect_str_eq(gn_uri_template_text(t), "a://{x}/{y*}{?p,q}");
    gn_uri_template_free(t);
    gn_uri_template_free(NULL);
}

Test(uri_template, the_more_literal_template_comes_first)
{
    static const char *const order[] = {"a://b/c/{x}", "a://b%20/{x}", "a://b/{x}", "a://{y}/{x}",
                                        "a://{x}",     "a://{x}{?q}",  "a://{x*}"};
    for (size_t i = 0; i < GN_COUNT(order); i++) {
        for (size_t k = 0; k < GN_COUNT(order); k++) {
            struct gn_uri_template *a = parse(order[i], true), *b = parse(order[k], true);
            int c = gn_uri_template_compare(a, b);
            cr_expect_eq((c > 0) - (c < 0), (i > k) - (i < k), "%s, %s: %d", order[i], order[k], c);
            gn_uri_template_free(a);
            gn_uri_template_free(b);
        }
    }
}

Test(uri_template, normalizing_gives_one_form)
{
    struct gn_buf out = GN_BUF_INIT(1000);
    cr_assert_eq(gn_uri_normalize("a://%41%2f%7e b\xc3\xa9?q=1#\"", &out), 0);
    cr_expect_str_eq(gn_buf_str(&out), "a://A%2F~%20b%C3%A9?q=1#%22");
    cr_expect_eq(gn_uri_normalize("%4", &out), GN_EINVAL);
    gn_buf_release(&out);
}

Test(uri_template, expansion_refuses_nested_values_and_full_buffers)
{
    struct gn_uri_template *t = parse("{x}", false);
    struct gn_buf out = GN_BUF_INIT(4);
    struct gn_arena arena;
    gn_arena_init(&arena, 65536);
    cr_expect_eq(
        gn_uri_template_expand(t, gn_json_parse_arena(&arena, "{\"x\":[[1]]}", 11, NULL), &out),
        GN_EINVAL);
    gn_buf_clear(&out);
    cr_expect_eq(
        gn_uri_template_expand(t, gn_json_parse_arena(&arena, "{\"x\":12345}", 11, NULL), &out),
        GN_ETOOBIG);
    gn_buf_clear(&out);
    cr_expect_eq(
        gn_uri_template_expand(t, gn_json_parse_arena(&arena, "{\"x\":true}", 10, NULL), &out), 0);
    cr_expect_str_eq(gn_buf_str(&out), "true");
    cr_expect_eq(gn_uri_template_expand(t, NULL, &out), 0);
    gn_buf_release(&out);
    gn_arena_release(&arena);
    gn_uri_template_free(t);
}
