/* Tests of host/schema: argument tables, from import to printing. */
#include "schema/fields.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <string.h>

GN_SUITE(fields);

#define ARENA_MAX ((size_t)1024 * 1024)

/* What most tests need: a table of the host, an arena, a struct and problems. */
struct bench {
    struct gn_fields *fields;
    struct gn_arena arena;
    struct gn_problems problems;
    struct gn_json_doc doc;
};

static void open_bench(struct bench *t, const gantry_arg *args, uint32_t struct_size)
{
    struct gn_error err = {0};
    memset(t, 0, sizeof(*t));
    int rc = gn_fields_import(args, sizeof(gantry_arg), struct_size, &t->fields, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    gn_arena_init(&t->arena, ARENA_MAX);
    gn_problems_init(&t->problems);
}

static void close_bench(struct bench *t)
{
    gn_json_release(&t->doc);
    gn_problems_release(&t->problems);
    gn_arena_release(&t->arena);
    gn_fields_free(t->fields);
}

/* Binds a JSON text; the problems of the last bind are in t->problems. */
static int bind(struct bench *t, const char *json, uint32_t flags, void *out)
{
    struct gn_error err = {0};
    gn_json_release(&t->doc);
    gn_problems_release(&t->problems);
    gn_problems_init(&t->problems);
    int rc = gn_json_parse_copy(&t->doc, json, strlen(json), NULL, &err);
    cr_assert_eq(rc, 0, "%s: %s", json, err.text);
    return gn_fields_bind(t->fields, gn_json_root(&t->doc), flags, &t->arena, out, &t->problems);
}

static void expect_problem(struct bench *t, const char *json, uint32_t flags, void *out,
                           const char *text)
{
    int rc = bind(t, json, flags, out);
    cr_expect_eq(rc, GN_EINVAL, "%s: %d", json, rc);
    cr_expect_str_eq(gn_buf_str(&t->problems.text), text, "%s\n  gives %s\n  not   %s", json,
                     gn_buf_str(&t->problems.text), text);
}

static void expect_fine(struct bench *t, const char *json, uint32_t flags, void *out)
{
    int rc = bind(t, json, flags, out);
    cr_expect_eq(rc, 0, "%s: %d %s", json, rc, gn_buf_str(&t->problems.text));
}

static void expect_schema(const struct gn_fields *fields, const char *text)
{
    json_t *schema = gn_fields_schema(fields);
    char *dump = json_dumps(schema, JSON_COMPACT);
    cr_expect_str_eq(dump, text, "\n%s\n%s", dump, text);
    free(dump);
    json_decref(schema);
}

static void expect_refused(const gantry_arg *args, size_t stride, uint32_t struct_size,
                           const char *part)
{
    struct gn_error err = {0};
    struct gn_fields *fields = NULL;
    int rc = gn_fields_import(args, stride, struct_size, &fields, &err);
    cr_expect_lt(rc, 0, "not refused: %s", part);
    cr_expect_null(fields);
    cr_expect(strstr(err.text, part) != NULL, "\"%s\" is not in \"%s\"", part, err.text);
    gn_fields_free(fields);
}

typedef struct {
    const char *name;
    int64_t times;
} greet_in;

static const gantry_arg greet_args[] = {
    GANTRY_ARG(greet_in, name, "Who to greet"),
    GANTRY_ARG(greet_in, times, "How often", .range = {1, 5}, .default_json = "1"),
    GANTRY_ARGS_END};

typedef struct {
    int64_t x;
    gantry_opt_num y;
} point;

typedef struct {
    const char *text;
    gantry_str bytes;
    int64_t i;
    double d;
    bool b;
    gantry_opt_int oi;
    gantry_opt_num od;
    gantry_opt_bool ob;
    gantry_strings texts;
    gantry_ints ints;
    gantry_nums nums;
    const gantry_json *any;
    point at;
    GANTRY_ARRAY(point) points;
} all_in;

static const gantry_arg point_args[] = {GANTRY_ARG(point, x, "Across"), GANTRY_ARG(point, y, "Up"),
                                        GANTRY_ARGS_END};

static const gantry_arg all_args[] = {GANTRY_ARG(all_in, text, "a"),
                                      GANTRY_ARG(all_in, bytes, "b"),
                                      GANTRY_ARG(all_in, i, "c"),
                                      GANTRY_ARG(all_in, d, "d"),
                                      GANTRY_ARG(all_in, b, "e"),
                                      GANTRY_ARG(all_in, oi, "f"),
                                      GANTRY_ARG(all_in, od, "g"),
                                      GANTRY_ARG(all_in, ob, "h"),
                                      GANTRY_ARG(all_in, texts, "i"),
                                      GANTRY_ARG(all_in, ints, "j"),
                                      GANTRY_ARG(all_in, nums, "k"),
                                      GANTRY_ARG(all_in, any, "l", .optional = 1),
                                      GANTRY_ARG_OBJECT(all_in, at, point_args, "m"),
                                      GANTRY_ARG_ARRAY(all_in, points, point_args, "n"),
                                      GANTRY_ARGS_END};

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
        "\"tags\":{\"type\":\"array\",\"description\":\"Tags\",\"items\":{\"type\":\"string\",\"enum\":"
        "[\"x\",\"y\"]},\"minItems\":1,\"maxItems\":2},"
        "\"n\":{\"type\":\"integer\",\"description\":\"N\",\"minimum\":-3,\"multipleOf\":3},"
        "\"any\":{},"
        "\"points\":{\"type\":\"array\",\"description\":\"Points\",\"items\":{\"type\":\"object\","
        "\"properties\":{\"x\":{\"type\":\"integer\",\"description\":\"Across\"},\"y\":{\"type\":"
        "\"number\",\"description\":\"Up\"}},\"required\":[\"x\"],\"additionalProperties\":false}}},"
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
        "{\"text\":\"a\",\"bytes\":\"b\",\"i\":9007199254740993,\"d\":0.1,\"b\":false,\"oi\":1,\"ob\":"
        "true,\"texts\":[\"x\"],\"ints\":[],\"nums\":[1.5],\"any\":{\"k\":[1]},\"at\":{\"x\":1,\"y\":2.5},"
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
        expect_fine(&t, texts[i], 0, &in);
        cr_expect_str_eq(in.s, "dear");
        cr_expect_eq(in.n, 7);
        cr_assert_eq(in.l.n, 2);
        cr_expect_str_eq(in.l.v[1], "b");
        cr_expect_eq(in.p.x, 4);
        cr_expect_not(in.o.set);
        cr_expect_null(in.maybe);
    }
    close_bench(&t);
}

Test(fields, problems_name_path_expectation_and_value)
{
    struct bench t;
    greet_in in;
    open_bench(&t, greet_args, sizeof(in));
    expect_problem(&t, "{\"name\":\"a\",\"times\":\"many\"}", 0, &in,
                   "/times: expected integer 1 to 5, got \"many\"");
    cr_expect_null(in.name, "a struct that was refused stays empty");
    expect_problem(&t, "{\"name\":5}", 0, &in, "/name: expected string, got 5");
    expect_problem(&t, "{\"name\":null}", 0, &in, "/name: expected string, got null");
    expect_problem(&t, "{\"name\":\"a\\u0000b\"}", 0, &in,
                   "/name: must not contain the character U+0000");
    expect_problem(&t, "{\"name\":\"a\",\"times\":6}", 0, &in,
                   "/times: expected integer 1 to 5, got 6");
    expect_problem(&t, "{\"name\":\"a\",\"times\":1.5}", 0, &in,
                   "/times: expected integer 1 to 5, got 1.5");
    expect_problem(&t, "{\"name\":\"a\",\"times\":9223372036854775808}", 0, &in,
                   "/times: expected integer 1 to 5 of 64 bits, got 9223372036854775808");
    expect_problem(&t, "{\"nmae\":\"a\",\"size\":1}", 0, &in,
                   "missing \"name\"; unknown \"nmae\" (did you mean \"name\"?), \"size\"");
    expect_problem(
        &t, "{\"name\":{\"k\":1},\"times\":[]}", 0, &in,
        "/name: expected string, got {\"k\":1}\n/times: expected integer 1 to 5, got []");
    expect_problem(&t, "[]", 0, &in, "expected object, got []");
    cr_assert_eq(gn_fields_bind(t.fields, NULL, 0, &t.arena, &in, NULL), GN_EINVAL);
    close_bench(&t);
}

Test(fields, problems_inside_arrays_and_objects_have_their_path)
{
    struct bench t;
    all_in in;
    open_bench(&t, all_args, sizeof(in));
    expect_problem(&t,
                   "{\"text\":\"\",\"bytes\":\"\",\"i\":0,\"d\":0,\"b\":true,\"texts\":[\"a\",1],"
                   "\"ints\":[1.5],\"nums\":{},\"at\":{\"x\":\"1\",\"z\":0},"
                   "\"points\":[{\"x\":1},{\"y\":\"2\"},7]}",
                   0, &in,
                   "/texts/1: expected string, got 1\n"
                   "/ints/0: expected integer, got 1.5\n"
                   "/nums: expected array of numbers, got {}\n"
                   "/at: unknown \"z\"\n"
                   "/at/x: expected integer, got \"1\"\n"
                   "/points/1: missing \"x\"\n"
                   "/points/1/y: expected number, got \"2\"\n"
                   "/points/2: expected object, got 7");
    close_bench(&t);
}

Test(fields, values_are_shortened_and_stay_on_their_line)
{
    struct bench t;
    greet_in in;
    struct gn_buf json = GN_BUF_INIT(4096), want = GN_BUF_INIT(4096);
    open_bench(&t, greet_args, sizeof(in));
    gn_buf_adds(&json, "{\"name\":\"a\",\"times\":\"\\n");
    gn_buf_adds(&want, "/times: expected integer 1 to 5, got \"\\n");
    for (int i = 0; i < 300; i++)
        gn_buf_adds(&json, "\xc3\xa9");
    for (int i = 0; i < 59; i++)
        gn_buf_adds(&want, "\xc3\xa9");
    gn_buf_adds(&json, "\"}");
    gn_buf_adds(&want, "...\"");
    expect_problem(&t, gn_buf_str(&json), 0, &in, gn_buf_str(&want));
    expect_problem(&t, "{\"name\":\"a\",\"a/b~c\\nd\":1,\"times\":1}", 0, &in,
                   "unknown \"a/b~c\\nd\"");
    gn_buf_release(&json);
    gn_buf_release(&want);
    close_bench(&t);
}

Test(fields, twenty_problems_are_kept_and_the_rest_counted)
{
    struct gn_problems p;
    gn_problems_init(&p);
    for (int i = 0; i < 20; i++)
        gn_problems_add(&p, "/x", "problem %d\nof many", i);
    cr_expect(gn_ends_with(gn_buf_str(&p.text), "\n/x: problem 19 of many"));
    gn_problems_add(&p, "/x", "one");
    cr_expect(gn_ends_with(gn_buf_str(&p.text), "\n/x: problem 19 of many\nand 1 more"));
    for (int i = 0; i < 5000; i++)
        gn_problems_add(&p, "/x", "another");
    cr_expect(gn_ends_with(gn_buf_str(&p.text), "\n/x: problem 19 of many\nand 5001 more"));
    cr_expect_eq(p.count, 5021);
    gn_problems_release(&p);
    gn_problems_add(NULL, "", "nobody listens");
}

Test(fields, choices_lengths_patterns_and_formats_are_checked)
{
    typedef struct {
        const char *unit, *code, *mail, *short_;
        gantry_ints list;
    } in_t;
    const gantry_arg args[] = {
        GANTRY_ARG(in_t, unit, "u", GANTRY_ONE_OF("celsius", "fahrenheit"), .optional = 1),
        GANTRY_ARG(in_t, code, "c", .pattern = "^[a-z]{2}\\u002d\\d$", .optional = 1),
        GANTRY_ARG(in_t, mail, "m", .format = "email", .optional = 1),
        GANTRY_ARG(in_t, short_, "s", .length = {2, 3}, .optional = 1),
        GANTRY_ARG(in_t, list, "l", .length = {1, 2}, .range = {0, 9}, .optional = 1),
        GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    open_bench(&t, args, sizeof(in));
    expect_fine(
        &t,
        "{\"unit\":\"celsius\",\"code\":\"ab-1\",\"mail\":\"a@b.c\",\"short_\":\"\xc3\xa9\xc3\xa9"
        "\xc3\xa9\",\"list\":[0,9]}",
        0, &in);
    expect_problem(
        &t, "{\"unit\":\"celcius\"}", 0, &in,
        "/unit: expected one of \"celsius\", \"fahrenheit\", got \"celcius\" (did you mean "
        "\"celsius\"?)");
    expect_problem(&t, "{\"code\":\"ab-1\\n\"}", 0, &in,
                   "/code: expected text that matches ^[a-z]{2}\\u002d\\d$, got \"ab-1\\n\"");
    expect_problem(&t, "{\"mail\":\"a\"}", 0, &in,
                   "/mail: expected email such as name@example.com, got \"a\"");
    expect_problem(&t, "{\"short_\":\"a\"}", 0, &in,
                   "/short_: expected string of 2 to 3 characters, got \"a\" (1)");
    expect_problem(&t, "{\"list\":[]}", 0, &in,
                   "/list: expected array of 1 to 2 integers 0 to 9, got 0");
    expect_problem(&t, "{\"list\":[10]}", 0, &in, "/list/0: expected integer 0 to 9, got 10");
    close_bench(&t);
}

Test(fields, a_pattern_that_explodes_is_stopped)
{
    typedef struct {
        const char *s;
    } in_t;
    const gantry_arg args[] = {GANTRY_ARG(in_t, s, "s", .pattern = "^(a+)+$"), GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    open_bench(&t, args, sizeof(in));
    expect_problem(&t, "{\"s\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}", 0, &in,
                   "/s: too long or too complex to compare with the pattern ^(a+)+$: "
                   "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"");
    expect_fine(&t, "{\"s\":\"aaaa\"}", 0, &in);
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

Test(fields, strings_are_coerced_only_where_no_string_is_taken)
{
    struct bench t;
    all_in in;
    open_bench(&t, all_args, sizeof(in));
    expect_fine(
        &t,
        "{\"text\":\"5\",\"bytes\":\"true\",\"i\":\"-5\",\"d\":\"1e2\",\"b\":\"true\",\"oi\":\"5.0\","
        "\"texts\":\"[\\\"5\\\"]\",\"ints\":[\"1\",2],\"nums\":[],\"any\":\"5\","
        "\"at\":\"{\\\"x\\\":\\\"1\\\"}\",\"points\":[\"{\\\"x\\\":2}\"]}",
        GN_BIND_COERCE, &in);
    cr_expect_str_eq(in.text, "5");
    cr_expect_str_eq(in.bytes.p, "true");
    cr_expect_eq(in.i, -5);
    cr_expect(in.d >= 100 && in.d <= 100);
    cr_expect(in.b);
    cr_expect_eq(in.oi.value, 5);
    cr_assert_eq(in.texts.n, 1);
    cr_expect_str_eq(in.texts.v[0], "5");
    cr_assert_eq(in.ints.n, 2);
    cr_expect_eq(in.ints.v[0], 1);
    cr_expect_eq(gn_json_type(in.any), GN_JSON_STRING);
    cr_expect_eq(in.at.x, 1);
    cr_assert_eq(in.points.n, 1);
    cr_expect_eq(in.points.v[0].x, 2);
    close_bench(&t);
}

Test(fields, coercion_never_guesses)
{
    typedef struct {
        gantry_opt_int i;
        gantry_opt_bool b;
        const char *s;
        gantry_ints l;
    } in_t;
    const gantry_arg args[] = {GANTRY_ARG(in_t, i, "i"), GANTRY_ARG(in_t, b, "b"),
                               GANTRY_ARG(in_t, s, "s", .optional = 1),
                               GANTRY_ARG(in_t, l, "l", .optional = 1), GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    open_bench(&t, args, sizeof(in));
    expect_problem(&t, "{\"i\":\"five\"}", GN_BIND_COERCE, &in,
                   "/i: expected integer, got \"five\"");
    expect_problem(&t, "{\"i\":\"5.5\"}", GN_BIND_COERCE, &in, "/i: expected integer, got 5.5");
    expect_problem(&t, "{\"i\":true}", GN_BIND_COERCE, &in, "/i: expected integer, got true");
    expect_problem(&t, "{\"b\":\"maybe\"}", GN_BIND_COERCE, &in,
                   "/b: expected boolean, got \"maybe\"");
    expect_problem(&t, "{\"b\":1}", GN_BIND_COERCE, &in, "/b: expected boolean, got 1");
    expect_problem(&t, "{\"s\":5}", GN_BIND_COERCE, &in, "/s: expected string, got 5");
    expect_problem(&t, "{\"l\":\"1,2\"}", GN_BIND_COERCE, &in,
                   "/l: expected array of integers, got \"1,2\"");
    expect_problem(&t, "{\"l\":5}", GN_BIND_COERCE, &in, "/l: expected array of integers, got 5");
    expect_problem(&t, "{\"i\":\"5\"}", 0, &in, "/i: expected integer, got \"5\"");
    close_bench(&t);
}

Test(fields, arguments_that_are_all_strings_are_read_as_the_table_says)
{
    typedef struct {
        const char *s;
        gantry_opt_int i;
        gantry_opt_bool b;
        gantry_strings l;
        const gantry_json *any;
    } in_t;
    const gantry_arg args[] = {GANTRY_ARG(in_t, s, "s"),
                               GANTRY_ARG(in_t, i, "i"),
                               GANTRY_ARG(in_t, b, "b"),
                               GANTRY_ARG(in_t, l, "l", .optional = 1),
                               GANTRY_ARG(in_t, any, "any", .optional = 1),
                               GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    open_bench(&t, args, sizeof(in));
    expect_fine(&t, "{\"s\":\"5\",\"i\":\"5\",\"b\":\"true\",\"l\":\"[\\\"a\\\"]\",\"any\":\"{}\"}",
                GN_BIND_STRINGS, &in);
    cr_expect_str_eq(in.s, "5");
    cr_expect_eq(in.i.value, 5);
    cr_expect(in.b.value);
    cr_expect_eq(in.l.n, 1);
    cr_expect_eq(gn_json_type(in.any), GN_JSON_OBJECT);
    expect_fine(&t, "{\"s\":\"\",\"i\":\"\",\"b\":\"null\",\"any\":\"not json\"}", GN_BIND_STRINGS,
                &in);
    cr_expect_str_eq(in.s, "");
    cr_expect_not(in.i.set);
    cr_expect_not(in.b.set);
    cr_expect(gn_json_streq(in.any, "not json"));
    expect_problem(&t, "{\"s\":\"\",\"i\":\"x\"}", GN_BIND_STRINGS, &in,
                   "/i: expected integer, got \"x\"");
    close_bench(&t);
}

Test(fields, an_arena_that_is_full_ends_the_binding)
{
    typedef struct {
        GANTRY_ARRAY(all_in) big;
    } in_t;
    const gantry_arg args[] = {GANTRY_ARG_ARRAY(in_t, big, all_args, "b"), GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    struct gn_buf json = GN_BUF_INIT(1024 * 1024);
    open_bench(&t, args, sizeof(in));
    gn_buf_adds(&json, "{\"big\":[{}");
    for (int i = 0; i < 20000; i++)
        gn_buf_adds(&json, ",{}");
    gn_buf_adds(&json, "]}");
    cr_expect_eq(bind(&t, gn_buf_str(&json), 0, &in), GN_ETOOBIG);
    cr_expect_eq(in.big.n, 0);
    gn_buf_release(&json);
    close_bench(&t);
}

Test(fields, the_last_of_two_equal_names_counts)
{
    struct bench t;
    greet_in in;
    open_bench(&t, greet_args, sizeof(in));
    expect_fine(&t, "{\"name\":1,\"name\":\"b\"}", 0, &in);
    cr_expect_str_eq(in.name, "b");
    close_bench(&t);
}

Test(fields, header_arguments_stay_exact_in_javascript)
{
    typedef struct {
        int64_t n;
    } in_t;
    const gantry_arg args[] = {GANTRY_ARG(in_t, n, "n", .header = "N"), GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    open_bench(&t, args, sizeof(in));
    expect_fine(&t, "{\"n\":9007199254740991}", 0, &in);
    expect_problem(&t, "{\"n\":9007199254740992}", 0, &in,
                   "/n: expected integer of at most 2^53 - 1 either way, got 9007199254740992");
    close_bench(&t);
}

Test(fields, printing_refuses_what_its_schema_would)
{
    typedef struct {
        const char *s, *unit;
        double d;
        gantry_strings l;
    } out_t;
    const gantry_arg args[] = {
        GANTRY_ARG(out_t, s, "s"), GANTRY_ARG(out_t, unit, "u", GANTRY_ONE_OF("c", "f")),
        GANTRY_ARG(out_t, d, "d", .range = {0, 1}), GANTRY_ARG(out_t, l, "l"), GANTRY_ARGS_END};
    static const char *const list[] = {"a", NULL};
    struct bench t;
    struct gn_jw w;
    struct gn_buf out = GN_BUF_INIT(4096);
    open_bench(&t, args, sizeof(out_t));
    gn_jw_init(&w, &out);
    out_t v = {NULL, "k", NAN, {2, list}};
    cr_expect_eq(gn_fields_print(t.fields, &v, &w, NULL, &t.problems), GN_EINVAL);
    cr_expect_str_eq(gn_buf_str(&t.problems.text),
                     "/s: is required but NULL\n"
                     "/unit: expected one of \"c\", \"f\", got \"k\"\n"
                     "/d: expected number, got one that is not finite\n"
                     "/l/1: is NULL");
    gn_buf_release(&out);
    out = GN_BUF_INIT(8);
    gn_jw_init(&w, &out);
    v = (out_t){"text", "c", 0.5, {1, list}};
    cr_expect_eq(gn_fields_print(t.fields, &v, &w, NULL, NULL), GN_ETOOBIG);
    cr_expect_eq(gn_fields_print(t.fields, NULL, &w, NULL, NULL), GN_EINVAL);
    gn_buf_release(&out);
    close_bench(&t);
}

Test(fields, an_older_table_has_zero_where_it_is_shorter)
{
    struct old {
        const char *name, *description;
        uint32_t type, offset;
    };
    static const struct old args[] = {{"n", "N", GANTRY_T_INT, 0}, {NULL, NULL, 0, 0}};
    struct gn_error err = {0};
    struct gn_fields *fields = NULL;
    cr_assert_eq(gn_fields_import((const gantry_arg *)(const void *)args, sizeof(struct old), 8,
                                  &fields, &err),
                 0, "%s", err.text);
    cr_expect_eq(fields->count, 1);
    cr_expect_not(fields->v[0].optional);
    gn_fields_free(fields);
}

Test(fields, a_newer_table_is_taken_unless_it_uses_what_is_new)
{
    struct newer {
        gantry_arg arg;
        const char *added;
    };
    struct newer args[] = {{{.name = "n", .type = GANTRY_T_INT}, NULL},
                           {{.name = "m", .type = GANTRY_T_INT}, NULL},
                           {{.name = NULL}, NULL}};
    struct gn_error err = {0};
    struct gn_fields *fields = NULL;
    cr_assert_eq(gn_fields_import(&args[0].arg, sizeof(args[0]), 8, &fields, &err), 0, "%s",
                 err.text);
    cr_expect_eq(fields->count, 2);
    gn_fields_free(fields);
    args[1].added = "x";
    expect_refused(&args[0].arg, sizeof(args[0]), 8,
                   "argument \"m\" uses an option that this host does not know");
}

Test(fields, bad_rows_are_refused_by_name)
{
#define REFUSED(part, ...)                                                                         \
    do {                                                                                           \
        const gantry_arg args_[] = {__VA_ARGS__, GANTRY_ARGS_END};                                 \
        expect_refused(args_, sizeof(gantry_arg), 64, part);                                       \
    } while (0)
    REFUSED("the name of row 1 is empty", {.name = "", .type = GANTRY_T_INT});
    REFUSED("\"n\" is there twice", {.name = "n", .type = GANTRY_T_INT},
            {.name = "n", .type = GANTRY_T_INT});
    REFUSED("argument \"n\": type 99 is not known", {.name = "n", .type = 99});
    REFUSED("type 0 is not known", {.name = "n"});
    REFUSED("offset 60 is beyond a struct of 64 bytes",
            {.name = "n", .type = GANTRY_T_INT, .offset = 60});
    REFUSED("offset 4294967295", {.name = "n", .type = GANTRY_T_INT, .offset = UINT32_MAX});
    REFUSED("range {5, 1} is empty", {.name = "n", .type = GANTRY_T_INT, .range = {5, 1}});
    REFUSED("GANTRY_INFINITY", {.name = "n", .type = GANTRY_T_INT, .range = {5, 0}});
    REFUSED("range of an integer ends at 0.5",
            {.name = "n", .type = GANTRY_T_INT, .range = {0, 0.5}});
    REFUSED("range is not a number", {.name = "n", .type = GANTRY_T_NUM, .range = {NAN, 1}});
    REFUSED("range is for numbers", {.name = "n", .type = GANTRY_T_STRING, .range = {1, 2}});
    REFUSED("length {3, 2} is empty", {.name = "n", .type = GANTRY_T_STRING, .length = {3, 2}});
    REFUSED("length is for strings and arrays",
            {.name = "n", .type = GANTRY_T_INT, .length = {1, 2}});
    REFUSED("pattern \"(\": missing closing parenthesis",
            {.name = "n", .type = GANTRY_T_STRING, .pattern = "("});
    REFUSED("pattern is for strings", {.name = "n", .type = GANTRY_T_INT, .pattern = "a"});
    REFUSED("format \"\"", {.name = "n", .type = GANTRY_T_STRING, .format = ""});
    REFUSED("format is for strings", {.name = "n", .type = GANTRY_T_BOOL, .format = "date"});
    REFUSED("default: expected integer 1 to 5, got 6",
            {.name = "n", .type = GANTRY_T_INT, .range = {1, 5}, .default_json = "6"});
    REFUSED("default x:", {.name = "n", .type = GANTRY_T_INT, .default_json = "x"});
    REFUSED("default null", {.name = "n", .type = GANTRY_T_INT, .default_json = "null"});
    REFUSED("one_of is empty",
            {.name = "n", .type = GANTRY_T_STRING, .one_of = (const char *const[]){NULL}});
    REFUSED("one_of has \"a\" twice",
            {.name = "n", .type = GANTRY_T_STRING, GANTRY_ONE_OF("a", "a")});
    REFUSED("one_of is for strings", {.name = "n", .type = GANTRY_T_INT, GANTRY_ONE_OF("1")});
    REFUSED("one_of has 2 values but titles has 1",
            {.name = "n", .type = GANTRY_T_STRING, GANTRY_ONE_OF("a", "b"), GANTRY_TITLES("A")});
    REFUSED("titles need one_of", {.name = "n", .type = GANTRY_T_STRING, GANTRY_TITLES("A")});
    REFUSED("fields are missing", {.name = "n", .type = GANTRY_T_OBJECT});
    REFUSED("fields are for objects", {.name = "n", .type = GANTRY_T_INT, .fields = point_args});
    REFUSED("elem_size is 0", {.name = "n", .type = GANTRY_T_ARRAY, .fields = point_args});
    REFUSED("argument \"o\": argument \"y\": offset 8 is beyond a struct of 16 bytes",
            {.name = "o", .type = GANTRY_T_OBJECT, .fields = point_args, .offset = 48});
    REFUSED("schema_json: ", {.name = "n", .type = GANTRY_T_INT, .schema_json = "[]"});
    REFUSED("schema_json: /minimum: a schema has a number here, not \"a\"",
            {.name = "n", .type = GANTRY_T_INT, .schema_json = "{\"minimum\":\"a\"}"});
    REFUSED("use .header",
            {.name = "n", .type = GANTRY_T_INT, .schema_json = "{\"x-mcp-header\":\"a\"}"});
    REFUSED("header \"a b\"", {.name = "n", .type = GANTRY_T_INT, .header = "a b"});
    REFUSED("header \"\"", {.name = "n", .type = GANTRY_T_INT, .header = ""});
    REFUSED("header \"a\r\nb\"", {.name = "n", .type = GANTRY_T_INT, .header = "a\r\nb"});
    REFUSED("header is for strings, integers and booleans",
            {.name = "n", .type = GANTRY_T_NUM, .header = "n"});
    REFUSED("header \"KEY\" is used twice", {.name = "n", .type = GANTRY_T_INT, .header = "Key"},
            {.name = "m", .type = GANTRY_T_INT, .header = "KEY"});
    REFUSED("description is not UTF-8", {.name = "n", .type = GANTRY_T_INT, .description = "\xff"});
    expect_refused(greet_args, 0, 64, "cannot have 0 bytes");
    expect_refused(greet_args, sizeof(gantry_arg), UINT32_MAX, "too big");
}

Test(fields, headers_are_unique_below_and_not_inside_arrays)
{
    static const gantry_arg inner[] = {{.name = "n", .type = GANTRY_T_INT, .header = "key"},
                                       GANTRY_ARGS_END};
    const gantry_arg twice[] = {{.name = "o", .type = GANTRY_T_OBJECT, .fields = inner},
                                {.name = "m", .type = GANTRY_T_INT, .offset = 8, .header = "Key"},
                                GANTRY_ARGS_END};
    const gantry_arg in_array[] = {
        {.name = "a", .type = GANTRY_T_ARRAY, .fields = inner, .elem_size = 8}, GANTRY_ARGS_END};
    const gantry_arg fine[] = {{.name = "o", .type = GANTRY_T_OBJECT, .fields = inner},
                               GANTRY_ARGS_END};
    struct bench t;
    expect_refused(twice, sizeof(gantry_arg), 64, "header \"Key\" is used twice");
    expect_refused(in_array, sizeof(gantry_arg), 64, "not allowed inside an array");
    open_bench(&t, fine, 64);
    close_bench(&t);
}

Test(fields, tables_that_refer_to_themselves_are_refused)
{
    gantry_arg self[] = {{.name = "a", .type = GANTRY_T_OBJECT},
                         {.name = "b", .type = GANTRY_T_OBJECT},
                         GANTRY_ARGS_END};
    self[0].fields = self[1].fields = self;
    expect_refused(self, sizeof(gantry_arg), 64, "nested more than 16 deep");
    /* No table holds itself here, but the whole would have 8^15 rows. */
    static gantry_arg levels[15][9];
    memset(levels, 0, sizeof(levels));
    for (size_t i = 0; i < 15; i++) {
        for (size_t k = 0; k < 8; k++) {
            static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
            levels[i][k] = (gantry_arg){.name = names[k],
                                        .type = i < 14 ? GANTRY_T_OBJECT : GANTRY_T_INT,
                                        .fields = i < 14 ? levels[i + 1] : NULL};
        }
    }
    expect_refused(levels[0], sizeof(gantry_arg), 64, "more than 4096 arguments");
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
