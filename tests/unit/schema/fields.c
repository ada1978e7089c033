/* Tests of host/schema: the JSON Schema of an argument table, filling a struct and printing it. */
#include "bench.h"

#include <math.h>

GN_SUITE(fields);

Test(fields, schema_of_the_hello_example_is_the_documented_one)
{
    struct bench t;
    open_bench(&t, greet_args, sizeof(greet_in));
    expect_schema(
        t.fields,
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"description\":"
        "\"Who to greet\"},\"times\":{\"type\":\"integer\",\"description\":\"How often\","
        "\"minimum\":1,\"maximum\":5,\"default\":1}},\"required\":[\"name\"],"
        "\"additionalProperties\":false}");
    close_bench(&t);
}

Test(fields, schema_holds_every_option_in_a_fixed_order)
{
    typedef struct {
        const char *unit, *mail;
        double share;
        gantry_strings tags;
        gantry_opt_int n;
        const gantry_json *any;
        GANTRY_ARRAY(point) points;
    } in;
    const gantry_arg args[] = {
        GANTRY_ARG(in, unit, "Unit", GANTRY_ONE_OF("c", "f"),
                   GANTRY_TITLES("Celsius", "Fahrenheit"), .title = "The unit", .header = "Unit",
                   .default_json = "\"c\""),
        GANTRY_ARG(in, mail, "Mail", .format = "email", .pattern = "^.+@", .length = {3, 50}),
        GANTRY_ARG(in, share, "Share", .range = {0, 0.5}),
        GANTRY_ARG(in, tags, "Tags", GANTRY_ONE_OF("x", "y"), .length = {1, 2}),
        GANTRY_ARG(in, n, "N", .range = {-3, GANTRY_INFINITY}, .schema_json = "{\"multipleOf\":3}"),
        GANTRY_ARG(in, any, NULL, .optional = 1),
        GANTRY_ARG_ARRAY(in, points, point_args, "Points", .optional = 1),
        GANTRY_ARGS_END};
    struct bench t;
    open_bench(&t, args, sizeof(in));
    expect_schema(
        t.fields,
        "{\"type\":\"object\",\"properties\":{"
        "\"unit\":{\"type\":\"string\",\"title\":\"The unit\",\"description\":\"Unit\",\"oneOf\":["
        "{\"const\":\"c\",\"title\":\"Celsius\"},{\"const\":\"f\",\"title\":\"Fahrenheit\"}],"
        "\"default\":\"c\",\"x-mcp-header\":\"Unit\"},"
        "\"mail\":{\"type\":\"string\",\"description\":\"Mail\",\"minLength\":3,\"maxLength\":50,"
        "\"pattern\":\"^.+@\",\"format\":\"email\"},"
        "\"share\":{\"type\":\"number\",\"description\":\"Share\",\"minimum\":0,\"maximum\":0.5},"
        "\"tags\":{\"type\":\"array\",\"description\":\"Tags\",\"items\":{"
        "\"type\":\"string\",\"enum\":"
        "[\"x\",\"y\"]},\"minItems\":1,\"maxItems\":2},"
        "\"n\":{\"type\":\"integer\",\"description\":\"N\",\"minimum\":-3,\"multipleOf\":3},"
        "\"any\":{},"
        "\"points\":{\"type\":\"array\",\"description\":\"Points\",\"items\":{\"type\":\"object\","
        "\"properties\":{\"x\":{\"type\":\"integer\",\"description\":\"Across\"},\"y\":{\"type\":"
        "\"number\",\"description\":\"Up\"}},\"required\":[\"x\"],"
        "\"additionalProperties\":false}}},"
        "\"required\":[\"mail\",\"share\",\"tags\"],\"additionalProperties\":false}");
    close_bench(&t);
}

Test(fields, no_table_takes_an_empty_object_only)
{
    struct bench t;
    open_bench(&t, NULL, 0);
    expect_schema(t.fields,
                  "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}");
    cr_assert_eq(gn_fields_bind(t.fields, NULL, 0, &t.arena, NULL, &t.problems), 0);
    expect_fine(&t, "{}", 0, NULL);
    expect_problem(&t, "{\"a\":1}", 0, NULL, "unknown \"a\"");
    close_bench(&t);
}

Test(fields, every_type_is_filled)
{
    struct bench t;
    all_in in;
    open_bench(&t, all_args, sizeof(in));
    expect_fine(
        &t,
        "{\"text\":\"caf\\u00e9\",\"bytes\":\"a\\u0000b\",\"i\":-9223372036854775808,\"d\":1e3,"
        "\"b\":true,\"oi\":5.0,\"od\":0.25,\"ob\":false,\"texts\":[\"x\",\"\"],"
        "\"ints\":[1,9223372036854775807],\"nums\":[],\"any\":null,"
        "\"at\":{\"x\":1},\"points\":[{\"x\":2,\"y\":2.5},{\"x\":3}]}",
        0, &in);
    cr_expect_str_eq(in.text, "caf\xc3\xa9");
    cr_expect_eq(in.bytes.n, 3);
    cr_expect_arr_eq(in.bytes.p, "a\0b", 4);
    cr_expect_eq(in.i, INT64_MIN);
    cr_expect(in.d >= 1000 && in.d <= 1000);
    cr_expect(in.b);
    cr_expect(in.oi.set && in.oi.value == 5);
    cr_expect(in.od.set && in.od.value >= 0.25 && in.od.value <= 0.25);
    cr_expect(in.ob.set && !in.ob.value);
    cr_assert_eq(in.texts.n, 2);
    cr_expect_str_eq(in.texts.v[0], "x");
    cr_expect_str_eq(in.texts.v[1], "");
    cr_assert_eq(in.ints.n, 2);
    cr_expect_eq(in.ints.v[1], INT64_MAX);
    cr_expect_eq(in.nums.n, 0);
    cr_expect_eq(gn_json_type(in.any), GN_JSON_NULL);
    cr_expect_eq(in.at.x, 1);
    cr_expect_not(in.at.y.set);
    cr_assert_eq(in.points.n, 2);
    cr_expect_eq(in.points.v[0].x, 2);
    cr_expect(in.points.v[0].y.set);
    cr_expect_eq(in.points.v[1].x, 3);
    cr_expect_not(in.points.v[1].y.set);
    close_bench(&t);
}

Test(fields, what_was_printed_can_be_bound_again)
{
    static const char text[] =
        "{\"text\":\"a\",\"bytes\":\"b\",\"i\":9007199254740993,\"d\":0.1,\"b\":false,\"oi\":1,"
        "\"ob\":"
        "true,\"texts\":[\"x\"],\"ints\":[],\"nums\":[1.5],\"any\":{\"k\":[1]},"
        "\"at\":{\"x\":1,\"y\":2.5},"
        "\"points\":[{\"x\":2},{\"x\":3,\"y\":0.5}]}";
    struct bench t;
    all_in in;
    struct gn_jw w;
    struct gn_buf out = GN_BUF_INIT(4096);
    open_bench(&t, all_args, sizeof(in));
    expect_fine(&t, text, 0, &in);
    gn_jw_init(&w, &out);
    cr_assert_eq(gn_fields_print(t.fields, &in, &w, NULL, &t.problems), 0);
    cr_expect_str_eq(gn_buf_str(&out), text);
    gn_buf_release(&out);
    close_bench(&t);
}

Test(fields, defaults_stand_in_for_missing_and_null)
{
    typedef struct {
        const char *s;
        int64_t n;
        gantry_strings l;
        point p;
        gantry_opt_bool o;
        const char *maybe;
    } in_t;
    const gantry_arg args[] = {
        GANTRY_ARG(in_t, s, "s", .default_json = "\"dear\""),
        GANTRY_ARG(in_t, n, "n", .default_json = "7"),
        GANTRY_ARG(in_t, l, "l", .default_json = "[\"a\",\"b\"]"),
        GANTRY_ARG_OBJECT(in_t, p, point_args, "p", .default_json = "{\"x\":4}"),
        GANTRY_ARG(in_t, o, "o"),
        GANTRY_ARG(in_t, maybe, "maybe", .optional = 1),
        GANTRY_ARGS_END};
    static const char *const texts[] = {
        "{}", "{\"s\":null,\"n\":null,\"l\":null,\"p\":null,\"o\":null,\"maybe\":null}"};
    struct bench t;
    open_bench(&t, args, sizeof(in_t));
    for (size_t i = 0; i < GN_COUNT(texts); i++) {
        in_t in;
        expect_fine(&t, texts[i], GN_COERCE_NULLS, &in);
        cr_expect_str_eq(in.s, "dear");
        cr_expect_eq(in.n, 7);
        cr_assert_eq(in.l.n, 2);
        cr_expect_str_eq(in.l.v[1], "b");
        cr_expect_eq(in.p.x, 4);
        cr_expect_not(in.o.set);
        cr_expect_null(in.maybe);
    }
    in_t in;
    expect_problem(&t, "{\"n\":null}", 0, &in, "/n: expected integer, got null");
    close_bench(&t);
}

Test(fields, extra_keywords_are_published_and_enforced)
{
    typedef struct {
        const gantry_json *filter;
    } in_t;
    const gantry_arg args[] = {
        GANTRY_ARG(
            in_t, filter, "f",
            .schema_json = "{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\"}}}"),
        GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    open_bench(&t, args, sizeof(in));
    expect_schema(
        t.fields,
        "{\"type\":\"object\",\"properties\":{\"filter\":{\"description\":\"f\",\"type\":"
        "\"object\",\"properties\":{\"k\":{\"type\":\"string\"}}}},\"required\":[\"filter\"],"
        "\"additionalProperties\":false}");
    expect_problem(&t, "{\"filter\":{\"k\":1}}", 0, &in, "/filter/k: expected string, got 1");
    expect_problem(&t, "{\"filter\":[]}", 0, &in, "/filter: expected object, got []");
    expect_fine(&t, "{\"filter\":{\"k\":\"v\"}}", 0, &in);
    close_bench(&t);
}

Test(fields, ranges_and_extra_keywords_are_exact_decimals)
{
    typedef struct {
        double share, price;
    } in_t;
    const gantry_arg args[] = {GANTRY_ARG(in_t, share, "s", .range = {0.1, 0.3}),
                               GANTRY_ARG(in_t, price, "p", .schema_json = "{\"multipleOf\":0.01}"),
                               GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    open_bench(&t, args, sizeof(in));
    expect_fine(&t, "{\"share\":0.1,\"price\":19.99}", 0, &in);
    expect_fine(&t, "{\"share\":0.3,\"price\":1e-2}", 0, &in);
    expect_problem(&t, "{\"share\":0.30000000000000000001,\"price\":0.005}", 0, &in,
                   "/share: expected number 0.1 to 0.3, got 0.30000000000000000001\n"
                   "/price: expected a multiple of 0.01, got 0.005");
    close_bench(&t);
}

Test(fields, printing_refuses_what_json_cannot_say)
{
    typedef struct {
        const char *s, *unit;
        double d;
        gantry_strings l, none;
    } out_t;
    const gantry_arg args[] = {
        GANTRY_ARG(out_t, s, "s"),    GANTRY_ARG(out_t, unit, "u", GANTRY_ONE_OF("c", "f")),
        GANTRY_ARG(out_t, d, "d"),    GANTRY_ARG(out_t, l, "l"),
        GANTRY_ARG(out_t, none, "n"), GANTRY_ARGS_END};
    static const char *const list[] = {"a", NULL};
    struct bench t;
    struct gn_jw w;
    struct gn_buf out = GN_BUF_INIT(4096);
    open_bench(&t, args, sizeof(out_t));
    gn_jw_init(&w, &out);
    out_t v = {NULL, "c", NAN, {2, list}, {1, NULL}};
    cr_expect_eq(gn_fields_print(t.fields, &v, &w, NULL, &t.problems), GN_EINVAL);
    cr_expect_str_eq(gn_buf_str(&t.problems.text),
                     "/s: is required but NULL\n"
                     "/d: expected number, got one that is not finite\n"
                     "/l/1: is NULL\n"
                     "/none: has 1 elements but NULL in their place");
    gn_buf_release(&out);
    out = GN_BUF_INIT(8);
    gn_jw_init(&w, &out);
    v = (out_t){"text", "c", 0.5, {1, list}, {0, NULL}};
    cr_expect_eq(gn_fields_print(t.fields, &v, &w, NULL, NULL), GN_ETOOBIG);
    cr_expect_eq(gn_fields_print(t.fields, NULL, &w, NULL, NULL), GN_EINVAL);
    gn_buf_release(&out);
    close_bench(&t);
}

Test(fields, what_was_printed_is_checked_by_the_schema)
{
    struct bench t;
    struct gn_jw w;
    struct gn_json_doc doc;
    struct gn_buf out = GN_BUF_INIT(4096);
    const greet_in v = {"a", 9};
    open_bench(&t, greet_args, sizeof(v));
    gn_jw_init(&w, &out);
    cr_assert_eq(gn_fields_print(t.fields, &v, &w, NULL, &t.problems), 0);
    cr_expect_str_eq(gn_buf_str(&out), "{\"name\":\"a\",\"times\":9}");
    cr_assert_eq(gn_json_parse_copy(&doc, gn_buf_str(&out), out.len, NULL, NULL), 0);
    cr_expect_eq(gn_schema_validate(t.fields->schema, gn_json_root(&doc), 0, &t.problems),
                 GN_EINVAL);
    cr_expect_str_eq(gn_buf_str(&t.problems.text), "/times: expected integer 1 to 5, got 9");
    gn_json_release(&doc);
    gn_buf_release(&out);
    close_bench(&t);
}

Test(fields, find_knows_the_names)
{
    struct bench t;
    open_bench(&t, greet_args, sizeof(greet_in));
    cr_expect_eq(gn_fields_find(t.fields, "times"), &t.fields->v[1]);
    cr_expect_null(gn_fields_find(t.fields, "time"));
    close_bench(&t);
    gn_fields_free(NULL);
}
