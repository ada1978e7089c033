/* Tests of host/schema: what is refused, in which words, and what is coerced. */
#include "bench.h"

#include <stdio.h>

GN_SUITE(fields_bind);

#define HELPFUL (GN_COERCE_NULLS | GN_COERCE_TEXT) /* as the arguments of tools are read */
#define STRINGS (HELPFUL | GN_COERCE_ALL)          /* as those of prompts are */

Test(fields_bind, problems_name_path_expectation_and_value)
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
                   "/name: expected string without the character U+0000, got \"a\\u0000b\"");
    expect_problem(&t, "{\"name\":\"a\",\"times\":6}", 0, &in,
                   "/times: expected integer 1 to 5, got 6");
    expect_problem(&t, "{\"name\":\"a\",\"times\":1.5}", 0, &in,
                   "/times: expected integer 1 to 5, got 1.5");
    expect_problem(&t, "{\"name\":\"a\",\"times\":9223372036854775808}", 0, &in,
                   "/times: expected integer 1 to 5, got 9223372036854775808");
    expect_problem(&t, "{\"nmae\":\"a\",\"size\":1}", 0, &in,
                   "missing \"name\"; unknown \"nmae\" (did you mean \"name\"?), \"size\"");
    expect_problem(
        &t, "{\"name\":{\"k\":1},\"times\":[]}", 0, &in,
        "/name: expected string, got {\"k\":1}\n/times: expected integer 1 to 5, got []");
    expect_problem(&t, "[]", 0, &in, "expected object, got []");
    cr_assert_eq(gn_fields_bind(t.fields, NULL, 0, &t.arena, &in, NULL), GN_EINVAL);
    close_bench(&t);
}

Test(fields_bind, problems_inside_arrays_and_objects_have_their_path)
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

Test(fields_bind, values_are_shortened_and_stay_on_their_line)
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

Test(fields_bind, twenty_problems_are_kept_and_the_rest_counted)
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

Test(fields_bind, choices_lengths_patterns_and_formats_are_checked)
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

Test(fields_bind, a_pattern_that_explodes_is_stopped)
{
    typedef struct {
        const char *s;
    } in_t;
    const gantry_arg args[] = {GANTRY_ARG(in_t, s, "s", .pattern = "^(a+)+$"), GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    open_bench(&t, args, sizeof(in));
    cr_expect_eq(bind(&t, "{\"s\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}", 0, &in),
                 GN_ETOOBIG);
    cr_expect_str_eq(gn_buf_str(&t.problems.text),
                     "/s: too long or too complex to compare with the pattern ^(a+)+$");
    expect_fine(&t, "{\"s\":\"aaaa\"}", 0, &in);
    close_bench(&t);
}

Test(fields_bind, strings_are_coerced_only_where_no_string_is_taken)
{
    struct bench t;
    all_in in;
    open_bench(&t, all_args, sizeof(in));
    expect_fine(&t,
                "{\"text\":\"5\",\"bytes\":\"true\",\"i\":\"-5\",\"d\":\"1e2\",\"b\":\"true\","
                "\"oi\":\"5.0\","
                "\"texts\":\"[\\\"5\\\"]\",\"ints\":[\"1\",2],\"nums\":[],\"any\":\"5\","
                "\"at\":\"{\\\"x\\\":\\\"1\\\"}\",\"points\":[\"{\\\"x\\\":2}\"]}",
                HELPFUL, &in);
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

Test(fields_bind, coercion_never_guesses)
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
    expect_problem(&t, "{\"i\":\"five\"}", HELPFUL, &in, "/i: expected integer, got \"five\"");
    expect_problem(&t, "{\"i\":\"5.5\"}", HELPFUL, &in, "/i: expected integer, got \"5.5\"");
    expect_problem(&t, "{\"i\":true}", HELPFUL, &in, "/i: expected integer, got true");
    expect_problem(&t, "{\"b\":\"maybe\"}", HELPFUL, &in, "/b: expected boolean, got \"maybe\"");
    expect_problem(&t, "{\"b\":1}", HELPFUL, &in, "/b: expected boolean, got 1");
    expect_problem(&t, "{\"s\":5}", HELPFUL, &in, "/s: expected string, got 5");
    expect_problem(&t, "{\"l\":\"1,2\"}", HELPFUL, &in,
                   "/l: expected array of integers, got \"1,2\"");
    expect_problem(&t, "{\"l\":5}", HELPFUL, &in, "/l: expected array of integers, got 5");
    expect_problem(&t, "{\"i\":\"5\"}", 0, &in, "/i: expected integer, got \"5\"");
    close_bench(&t);
}

Test(fields_bind, arguments_that_are_all_strings_are_read_as_the_table_says)
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
                STRINGS, &in);
    cr_expect_str_eq(in.s, "5");
    cr_expect_eq(in.i.value, 5);
    cr_expect(in.b.value);
    cr_expect_eq(in.l.n, 1);
    cr_expect_eq(gn_json_type(in.any), GN_JSON_OBJECT);
    expect_fine(&t, "{\"s\":\"\",\"i\":\"\",\"b\":\"null\",\"any\":\"not json\"}", STRINGS, &in);
    cr_expect_str_eq(in.s, "");
    cr_expect_not(in.i.set);
    cr_expect_not(in.b.set);
    cr_expect(gn_json_streq(in.any, "not json"));
    expect_problem(&t, "{\"s\":\"\",\"i\":\"x\"}", STRINGS, &in, "/i: expected integer, got \"x\"");
    close_bench(&t);
}

Test(fields_bind, an_arena_that_is_full_ends_the_binding)
{
    typedef struct {
        GANTRY_ARRAY(point) big;
    } in_t;
    const gantry_arg args[] = {GANTRY_ARG_ARRAY(in_t, big, point_args, "b"), GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    struct gn_buf json = GN_BUF_INIT(1024 * 1024);
    open_bench(&t, args, sizeof(in));
    gn_buf_adds(&json, "{\"big\":[{\"x\":1}");
    for (size_t i = 0; i <= ARENA_MAX / sizeof(point); i++)
        gn_buf_adds(&json, ",{\"x\":1}");
    gn_buf_adds(&json, "]}");
    cr_expect_eq(bind(&t, gn_buf_str(&json), 0, &in), GN_ETOOBIG);
    cr_expect_eq(in.big.n, 0);
    gn_buf_release(&json);
    close_bench(&t);
}

Test(fields_bind, coercing_in_a_full_arena_is_told)
{
    struct bench t;
    all_in in;
    open_bench(&t, all_args, sizeof(in));
    while (gn_arena_alloc(&t.arena, 4096))
        continue;
    while (gn_arena_alloc(&t.arena, 8))
        continue;
    cr_expect_eq(bind(&t, "{\"i\":\"1\"}", HELPFUL, &in), GN_ETOOBIG);
    cr_expect_eq(t.problems.count, 1);
    close_bench(&t);
}

Test(fields_bind, a_value_that_only_the_schema_takes_is_refused_by_the_struct)
{
    typedef struct {
        int64_t i;
        double d;
        gantry_opt_bool b;
        const char *s;
        gantry_ints l;
        point p;
    } in_t;
    static const char any[] =
        "{\"type\":[\"null\",\"boolean\",\"number\",\"string\",\"array\",\"object\"]}";
    const gantry_arg args[] = {GANTRY_ARG(in_t, i, "i", .schema_json = any),
                               GANTRY_ARG(in_t, d, "d", .schema_json = any),
                               GANTRY_ARG(in_t, b, "b", .schema_json = any),
                               GANTRY_ARG(in_t, s, "s", .schema_json = any),
                               GANTRY_ARG(in_t, l, "l", .schema_json = any),
                               GANTRY_ARG_OBJECT(in_t, p, point_args, "p", .schema_json = any),
                               GANTRY_ARGS_END};
    struct bench t;
    in_t in;
    open_bench(&t, args, sizeof(in));
    expect_problem(&t,
                   "{\"i\":9223372036854775808,\"d\":1e999,\"b\":\"x\",\"s\":null,\"l\":{},"
                   "\"p\":[]}",
                   0, &in,
                   "/i: expected integer of 64 bits, got 9223372036854775808\n"
                   "/d: expected number of at most 1.8e308 either way, got 1e999\n"
                   "/b: expected boolean, got \"x\"\n"
                   "/s: expected string, got null\n"
                   "/l: expected array, got {}\n"
                   "/p: expected object, got []");
    cr_expect_eq(in.i, 0);
    expect_fine(&t, "{\"i\":5.0,\"d\":1,\"b\":null,\"s\":\"\",\"l\":[],\"p\":{\"x\":1}}", 0, &in);
    cr_expect_not(in.b.set, "null says that it is missing");
    close_bench(&t);
}

Test(fields_bind, tables_of_many_fields_find_each_by_name)
{
    enum { MANY = 300 };
    static char names[MANY][8];
    static gantry_arg args[MANY + 1];
    static int64_t in[MANY];
    struct bench t;
    struct gn_buf json = GN_BUF_INIT(65536);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "n%zu", i);
        args[i] = (gantry_arg){
            .name = names[i], .type = GANTRY_T_INT, .offset = (uint32_t)(i * sizeof(*in))};
    }
    open_bench(&t, args, sizeof(in));
    for (size_t i = MANY; i-- > 0;)
        gn_buf_addf(&json, "%s\"n%zu\":%zu", json.len > 0 ? "," : "{", i, i);
    gn_buf_addc(&json, '}');
    expect_fine(&t, gn_buf_str(&json), 0, in);
    for (size_t i = 0; i < MANY; i++)
        cr_expect_eq(in[i], (int64_t)i);
    gn_buf_release(&json);
    close_bench(&t);
}

Test(fields_bind, a_name_with_nul_is_not_the_name_before_it)
{
    struct bench t;
    greet_in in;
    open_bench(&t, greet_args, sizeof(in));
    expect_problem(
        &t, "{\"name\\u0000abcdefghijklmnop\":\"a\",\"times\\u0000\":1}", 0, &in,
        "missing \"name\"; unknown \"name\\u0000abcdefghijklmnop\" (did you mean \"name\"?), "
        "\"times\\u0000\" (did you mean \"times\"?)");
    close_bench(&t);
}

Test(fields_bind, the_last_of_two_equal_names_counts)
{
    struct bench t;
    greet_in in;
    open_bench(&t, greet_args, sizeof(in));
    expect_fine(&t, "{\"name\":1,\"name\":\"b\"}", 0, &in);
    cr_expect_str_eq(in.name, "b");
    close_bench(&t);
}

Test(fields_bind, header_arguments_stay_exact_in_javascript)
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
