/* value.c - reading values, numbers, equality, jansson. */
#include "support.h"
#include "util/alloc.h"
#include "json/json.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <string.h>

GN_SUITE(json_value);

static struct gn_json_doc doc;

static const gantry_json *parse(const char *text)
{
    gn_json_release(&doc);
    struct gn_error err = {0};
    cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), NULL, &err), 0, "%s: %s", text,
                 err.text);
    return gn_json_root(&doc);
}

static bool equal(const char *a, const char *b)
{
    struct gn_json_doc x, y;
    cr_assert_eq(gn_json_parse_copy(&x, a, strlen(a), NULL, NULL), 0, "%s", a);
    cr_assert_eq(gn_json_parse_copy(&y, b, strlen(b), NULL, NULL), 0, "%s", b);
    bool result = gn_json_equal(x.nodes, y.nodes);
    cr_assert_eq(result, gn_json_equal(y.nodes, x.nodes));
    gn_json_release(&x);
    gn_json_release(&y);
    return result;
}

static void done(void)
{
    gn_json_release(&doc);
}

Test(json_value, nothing_is_answered_for_null_and_wrong_types, .fini = done)
{
    int64_t i;
    double d;
    bool b;
    static const char *const texts[] = {"null", "[]", "{}", "1.5", "\"1\"", "true"};
    for (size_t k = 0; k <= GN_COUNT(texts); k++) {
        const gantry_json *v = k < GN_COUNT(texts) ? parse(texts[k]) : NULL;
        cr_assert_null(gn_json_get(v, "a"));
        cr_assert_null(gn_json_at(v, 0));
        cr_assert_eq(gn_json_count(v), 0);
        cr_assert_null(gn_json_next(v, NULL));
        cr_assert_null(gn_json_name(v, NULL));
        cr_assert_eq(gn_json_str(v, NULL) != NULL, k == 4);
        cr_assert_eq(gn_json_cstr(v) != NULL, k == 4);
        cr_assert_eq(gn_json_streq(v, "1"), k == 4);
        cr_assert_not(gn_json_int(v, &i));
        cr_assert_eq(gn_json_num(v, &d), k == 3);
        cr_assert_eq(gn_json_bool(v, &b), k == 5);
    }
    cr_assert_eq(gn_json_type(NULL), 0);
    cr_assert_str_eq(gn_json_type_name(NULL), "nothing");
}

Test(json_value, types_have_names, .fini = done)
{
    static const char *const cases[][2] = {
        {"null", "null"},  {"true", "boolean"}, {"false", "boolean"}, {"1", "integer"},
        {"1.0", "number"}, {"\"\"", "string"},  {"[]", "array"},      {"{}", "object"}};
    for (size_t i = 0; i < GN_COUNT(cases); i++)
        cr_assert_str_eq(gn_json_type_name(parse(cases[i][0])), cases[i][1]);
}

Test(json_value, members_are_found_and_the_last_counts, .fini = done)
{
    const gantry_json *v = parse("{\"a\":1,\"b\":[{\"a\":2}],\"a\":\"last\",\"x\\u0000y\":4}");
    cr_assert_str_eq(gn_json_cstr(gn_json_get(v, "a")), "last");
    cr_assert_null(gn_json_get(v, "c"));
    cr_assert_null(gn_json_get(v, "x"));
    cr_assert_not_null(gn_json_getn(v, "x\0y", 3));
    cr_assert_eq(gn_json_count(v), 4);
    int64_t n;
    cr_assert(gn_json_int(gn_json_get(gn_json_at(gn_json_get(v, "b"), 0), "a"), &n));
    cr_assert_eq(n, 2);
}

Test(json_value, children_are_walked_in_order, .fini = done)
{
    const gantry_json *v = parse("{\"a\":[1,[2,3],{\"z\":4},5],\"b\":{},\"c\":null}");
    static const char *const names[] = {"a", "b", "c"};
    size_t i = 0;
    for (const gantry_json *m = gn_json_next(v, NULL); m; m = gn_json_next(v, m)) {
        size_t len;
        cr_assert_str_eq(gn_json_name(m, &len), names[i++]);
        cr_assert_eq(len, 1);
    }
    cr_assert_eq(i, 3);
    const gantry_json *a = gn_json_get(v, "a");
    i = 0;
    for (const gantry_json *e = gn_json_next(a, NULL); e; e = gn_json_next(a, e)) {
        cr_assert_eq(gn_json_at(a, i++), e);
        cr_assert_null(gn_json_name(e, NULL));
    }
    cr_assert_eq(i, 4);
    cr_assert_null(gn_json_at(a, 4));
    int64_t n;
    cr_assert(gn_json_int(gn_json_at(a, 3), &n) && n == 5);
}

Test(json_value, integers_are_exact, .fini = done)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"0.0", 0},
        {"0e99999999999999999999", 0},
        {"5", 5},
        {"5.0", 5},
        {"5e0", 5},
        {"1E2", 100},
        {"-1.5e1", -15},
        {"1200e-2", 12},
        {"0.001e3", 1},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"9223372036854775807.000", INT64_MAX},
        {"9.223372036854775807e18", INT64_MAX},
        {"9007199254740993", INT64_C(9007199254740993)},
        {"1e18", INT64_C(1000000000000000000)},
        {"10000000000000000000000e-10", INT64_C(1000000000000)},
    };
    int64_t n = 0;
    for (size_t i = 0; i < GN_COUNT(good); i++) {
        cr_assert(gn_json_int(parse(good[i].text), &n), "%s", good[i].text);
        cr_assert_eq(n, good[i].value, "%s", good[i].text);
    }
    static const char *const bad[] = {"0.5",
                                      "1e-1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "1e19",
                                      "1e999",
                                      "1e99999999999999999999",
                                      "1e-99999999999999999999",
                                      "9.2233720368547758071e18",
                                      "123456789012345678901234567890",
                                      "5.00000000000000000000000000000000001"};
    for (size_t i = 0; i < GN_COUNT(bad); i++)
        cr_assert_not(gn_json_int(parse(bad[i]), &n), "%s", bad[i]);
}

Test(json_value, doubles_are_the_nearest, .fini = done)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0.0},
        {"1.5", 1.5},
        {"-2.5e-3", -2.5e-3},
        {"0.1", 0.1},
        {"1e22", 1e22},
        {"123456789012345e22", 123456789012345e22},
        {"1e23", 1e23},
        {"9007199254740993", 9007199254740992.0},
        {"1.7976931348623157e308", DBL_MAX},
        {"5e-324", 5e-324},
        {"1e-400", 0.0},
        {"0.30000000000000004", 0.30000000000000004},
        {"100000000000000000000000000000000000000000000000000000000000000000000000000000", 1e77},
    };
    double d = 0;
    for (size_t i = 0; i < GN_COUNT(good); i++) {
        cr_assert(gn_json_num(parse(good[i].text), &d), "%s", good[i].text);
        cr_assert(memcmp(&d, &good[i].value, sizeof(d)) == 0, "%s: %.17g", good[i].text, d);
    }
    cr_assert(gn_json_num(parse("-0.0"), &d) && signbit(d));
    cr_assert_not(gn_json_num(parse("1e999"), &d));
    cr_assert_not(gn_json_num(parse("-1e309"), &d));
}

Test(json_value, doubles_are_written_so_that_they_come_back, .fini = done)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {-15.0, "-15"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {9007199254740991.0, "9007199254740991"},
        {1e21, "1e+21"},
        {1e300, "1e+300"},
        {5e-324, "4.94065645841247e-324"},
        {1.0 / 3, "0.3333333333333333"},
        {123.456, "123.456"},
        {DBL_MAX, "1.7976931348623157e+308"},
    };
    struct gn_buf out = GN_BUF_INIT(1000);
    double d = 0;
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        gn_buf_clear(&out);
        cr_assert_eq(gn_json_write_num(&out, cases[i].value), 0);
        cr_assert_str_eq(out.data, cases[i].text);
        cr_assert(gn_json_num(parse(out.data), &d));
        cr_assert(memcmp(&d, &cases[i].value, sizeof(d)) == 0, "%s", out.data);
    }
    uint64_t bits = 88172645463325252u; /* many others, always the same */
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double v;
        memcpy(&v, &bits, sizeof(v));
        if (!isfinite(v))
            continue;
        gn_buf_clear(&out);
        cr_assert_eq(gn_json_write_num(&out, v), 0);
        cr_assert(gn_json_num(parse(out.data), &d));
        cr_assert(memcmp(&d, &v, sizeof(d)) == 0, "%s", out.data);
    }
    gn_buf_clear(&out);
    cr_assert_eq(gn_json_write_num(&out, NAN), GN_EINVAL);
    cr_assert_eq(gn_json_write_num(&out, INFINITY), GN_EINVAL);
    cr_assert_str_eq(out.data, "nullnull");
    gn_buf_release(&out);
}

Test(json_value, locale_does_not_matter, .fini = done)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
        cr_skip_test("no locale with a decimal comma is installed");
    struct gn_buf out = GN_BUF_INIT(100);
    gn_json_write_num(&out, 0.5);
    cr_assert_str_eq(out.data, "0.5");
    double d = 0;
    cr_assert(gn_json_num(parse("1.2345678901234567890"), &d) && d > 1.2);
    gn_buf_release(&out);
}

Test(json_value, equality_is_that_of_json_schema)
{
    cr_assert(equal("1", "1.0") && equal("100", "1e2") && equal("0", "-0.0"));
    cr_assert(equal("1e400", "10e399") && equal("0.10", "1e-1") && equal("1200", "12.00e2"));
    cr_assert(!equal("1", "-1") && !equal("1", "2") && !equal("1e400", "1e401"));
    cr_assert(!equal("9007199254740993", "9007199254740992"));
    cr_assert(!equal("0", "false") && !equal("1", "true") && !equal("null", "false"));
    cr_assert(equal("\"a\"", "\"\\u0061\"") && !equal("\"a\"", "\"b\"") && !equal("\"1\"", "1"));
    cr_assert(equal("[1,[2]]", "[1.0,[2]]") && !equal("[1,2]", "[2,1]") && !equal("[1]", "[1,1]"));
    cr_assert(equal("{\"a\":1,\"b\":{\"c\":[]}}", "{\"b\":{\"c\":[]},\"a\":1}"));
    cr_assert(!equal("{\"a\":1}", "{\"b\":1}") && !equal("{\"a\":1}", "{\"a\":2}"));
    cr_assert(!equal("{\"a\":1}", "{}") && equal("{}", "{}") && !equal("{}", "[]"));
    cr_assert(equal("{\"a\":1,\"a\":2}", "{\"a\":2}") && !equal("{\"a\":1,\"a\":2}", "{\"a\":1}"));
    cr_assert(!equal("{\"a\":1,\"a\":2}", "{\"a\":2,\"b\":2}"));
    cr_assert(!gn_json_equal(NULL, doc.nodes) || !doc.nodes);
}

Test(json_value, jansson_and_back)
{
    const char *text = "{\"s\":\"a\\u0000\xC3\xA9\",\"i\":-9223372036854775808,\"r\":0.1,"
                       "\"t\":true,\"f\":false,\"n\":null,\"a\":[1,[],{}],\"\":{\"x\":1.5}}";
    json_t *tree = gn_json_to_jansson(parse(text));
    cr_assert_not_null(tree);
    cr_assert(json_is_integer(json_object_get(tree, "i")));
    cr_assert_eq(json_integer_value(json_object_get(tree, "i")), INT64_MIN);
    struct gn_json_doc again;
    struct gn_error err = {0};
    cr_assert_eq(gn_json_from_jansson(&again, tree, &err), 0, "%s", err.text);
    struct gn_buf out = GN_BUF_INIT(1000);
    gn_json_write(&out, again.nodes);
    cr_assert_str_eq(out.data, text);
    gn_buf_release(&out);
    gn_json_release(&again);
    json_decref(tree);
    gn_json_release(&doc);
}

Test(json_value, numbers_that_jansson_cannot_hold, .fini = done)
{
    json_t *v = gn_json_to_jansson(parse("9223372036854775808"));
    cr_assert(json_is_real(v) && json_real_value(v) == 9223372036854775808.0);
    json_decref(v);
    cr_assert_null(gn_json_to_jansson(parse("[1,{\"a\":1e999}]")));
    cr_assert_null(gn_json_to_jansson(NULL));
    struct gn_json_doc none;
    cr_assert_eq(gn_json_from_jansson(&none, NULL, NULL), GN_EINVAL);
    json_t *deep = json_array();
    for (int i = 0; i < 600; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, deep);
        deep = outer;
    }
    struct gn_error err = {0};
    cr_assert_eq(gn_json_from_jansson(&none, deep, &err), GN_ETOOBIG);
    json_decref(deep);
}
