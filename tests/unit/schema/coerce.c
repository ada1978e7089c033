/* Tests of host/schema: coercion. */
#include "engine.h"

GN_SUITE(coerce);

#define MODELS (GN_COERCE_NULLS | GN_COERCE_TEXT)
#define STRINGS (MODELS | GN_COERCE_ALL)

/* What the value becomes; NULL: nothing changes, and it is the very same value. */
static void expect_coerced(const char *schema, const char *value, uint32_t flags, const char *want)
{
    struct gn_schema *s = compile_schema(schema);
    struct gn_json_doc doc;
    struct gn_arena arena;
    struct gn_error err = {0};
    struct gn_buf text = GN_BUF_INIT((size_t)32 << 20);
    gn_arena_init(&arena, (size_t)64 << 20);
    parse_value(&doc, value);
    const gantry_json *root = gn_json_root(&doc);
    const gantry_json *v = gn_schema_coerce(s, root, flags, &arena, &err);
    cr_assert_not_null(v, "%s", err.text);
    gn_json_write(&text, v);
    if (want)
        cr_expect_str_eq(gn_buf_str(&text), want, "%s on %s gives %s", schema, value,
                         gn_buf_str(&text));
    else
        cr_expect_eq(v, root, "%s on %s gives %s", schema, value, gn_buf_str(&text));
    gn_buf_release(&text);
    gn_arena_release(&arena);
    gn_json_release(&doc);
    gn_schema_free(s);
}

struct case_of {
    const char *schema, *value, *want;
};

static void expect_all(const struct case_of *cases, size_t count, uint32_t flags)
{
    for (size_t i = 0; i < count; i++)
        expect_coerced(cases[i].schema, cases[i].value, flags, cases[i].want);
}

Test(coerce, text_is_read_where_the_schema_has_no_place_for_a_string)
{
    static const struct case_of cases[] = {
        {"{\"type\":\"integer\"}", "\"5\"", "5"},
        {"{\"type\":\"integer\"}", "\"5.0\"", "5.0"},
        {"{\"type\":\"integer\"}", "\"5.5\"", NULL},
        {"{\"type\":\"integer\"}", "\"five\"", NULL},
        {"{\"type\":\"integer\"}", "\"\"", NULL},
        {"{\"type\":\"integer\"}", "\" 5 \"", "5"},
        {"{\"type\":\"integer\"}", "\"9223372036854775808\"", "9223372036854775808"},
        {"{\"type\":\"number\"}", "\"2.50\"", "2.50"},
        {"{\"type\":\"boolean\"}", "\"true\"", "true"},
        {"{\"type\":\"boolean\"}", "\"1\"", NULL},
        {"{\"type\":\"boolean\"}", "\"True\"", "true"},
        {"{\"type\":\"boolean\"}", "\"FALSE\"", "false"},
        {"{\"type\":\"boolean\"}", "\"true\\u0000\"", NULL},
        {"{\"type\":\"integer\"}", "\"True\"", NULL},
        {"{\"type\":[\"integer\",\"null\"]}", "\"null\"", "null"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", "\"[1,\\\"2\\\"]\"", "[1,2]"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", "[\"1\",\"x\"]", "[1,\"x\"]"},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"}}}",
         "\"{\\\"a\\\":\\\"1\\\"}\"", "{\"a\":1}"},
        {"{\"prefixItems\":[{\"type\":\"integer\"}],\"items\":{\"type\":\"boolean\"}}",
         "[\"1\",\"true\"]", "[1,true]"},
        {"{\"enum\":[1,2]}", "\"2\"", "2"},
        {"{\"const\":7}", "\"7\"", "7"},
        {"{\"patternProperties\":{\"^n\":{\"type\":\"integer\"}},\"additionalProperties\":"
         "{\"type\":\"boolean\"}}",
         "{\"n1\":\"1\",\"b\":\"false\"}", "{\"n1\":1,\"b\":false}"},
    };
    expect_all(cases, GN_COUNT(cases), MODELS);
}

Test(coerce, text_stays_text_where_a_string_is_allowed)
{
    static const struct case_of cases[] = {
        {"{\"type\":[\"integer\",\"string\"]}", "\"5\"", NULL},
        {"{}", "\"5\"", NULL},
        {"true", "\"5\"", NULL},
        {"{\"minimum\":3}", "\"5\"", NULL},
        {"{\"enum\":[\"5\",5]}", "\"5\"", NULL},
        {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", "\"5\"", NULL},
        {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"b\":\"5\"}", NULL},
        {"{\"type\":\"string\"}", "5", NULL},
    };
    expect_all(cases, GN_COUNT(cases), MODELS);
}

Test(coerce, what_the_schema_wants_is_found_through_references_and_alternatives)
{
    static const struct case_of cases[] = {
        {"{\"$ref\":\"#/$defs/n\",\"$defs\":{\"n\":{\"type\":\"integer\"}}}", "\"5\"", "5"},
        {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}", "\"5\"", "5"},
        {"{\"allOf\":[{\"minimum\":1},{\"type\":\"integer\"}]}", "\"5\"", "5"},
        {"{\"properties\":{\"a\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}},"
         "\"n\":{\"type\":\"integer\"}}}",
         "{\"a\":[{\"n\":\"1\",\"a\":[{\"n\":\"2\"}]}]}", "{\"a\":[{\"n\":1,\"a\":[{\"n\":2}]}]}"},
        {"{\"oneOf\":[{\"properties\":{\"k\":{\"const\":\"a\"},\"v\":{\"type\":\"integer\"}}},"
         "{\"properties\":{\"k\":{\"const\":\"b\"},\"v\":{\"type\":\"string\"}}}]}",
         "{\"k\":\"a\",\"v\":\"1\"}", "{\"k\":\"a\",\"v\":1}"},
        {"{\"oneOf\":[{\"properties\":{\"k\":{\"const\":\"a\"},\"v\":{\"type\":\"integer\"}}},"
         "{\"properties\":{\"k\":{\"const\":\"b\"},\"v\":{\"type\":\"string\"}}}]}",
         "{\"k\":\"b\",\"v\":\"1\"}", NULL},
        {"{\"oneOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/b\"}],\"$defs\":{\"a\":{"
         "\"properties\":{\"k\":{\"const\":\"a\"},\"v\":{\"type\":\"integer\"}}},\"b\":{"
         "\"properties\":{\"k\":{\"const\":\"b\"},\"v\":{\"type\":\"string\"}}}}}",
         "{\"k\":\"a\",\"v\":\"1\"}", "{\"k\":\"a\",\"v\":1}"},
        {"{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},{\"allOf\":[{\"$ref\":\"#/$defs/a\"},"
         "{\"required\":[\"w\"]}]}],\"$defs\":{\"a\":{\"properties\":{\"v\":"
         "{\"type\":\"integer\"}}}}}",
         "{\"v\":\"1\"}", "{\"v\":1}"},
        {"{\"anyOf\":[{\"properties\":{\"v\":{\"type\":\"integer\"}}},"
         "{\"properties\":{\"v\":{\"type\":[\"boolean\",\"null\"]}}}]}",
         "{\"v\":\"true\"}", "{\"v\":true}"},
        {"{\"anyOf\":[{\"properties\":{\"v\":{\"type\":\"integer\"}}},{\"required\":[\"w\"]}]}",
         "{\"v\":\"1\"}", NULL},
    };
    expect_all(cases, GN_COUNT(cases), MODELS);
}

Test(coerce, null_counts_as_missing_where_it_can)
{
    static const struct case_of cases[] = {
        {"{\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"}}}",
         "{\"a\":null,\"b\":\"x\",\"c\":null}", "{\"b\":\"x\",\"c\":null}"},
        {"{\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]}", "{\"a\":null}",
         NULL},
        {"{\"properties\":{\"a\":{\"type\":[\"integer\",\"null\"]}}}", "{\"a\":null}", NULL},
        {"{\"items\":{\"type\":\"integer\"}}", "[null]", NULL},
        {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":5,\"a\":null}", NULL},
        {"{\"properties\":{\"o\":{\"properties\":{\"x\":{\"type\":\"integer\"}}}}}",
         "{\"o\":{\"x\":null}}", "{\"o\":{}}"},
    };
    expect_all(cases, GN_COUNT(cases), MODELS);
    expect_coerced(cases[0].schema, cases[0].value, GN_COERCE_TEXT, NULL);
    expect_coerced("{\"type\":\"integer\"}", "\"5\"", GN_COERCE_NULLS, NULL);
    expect_coerced("{\"type\":\"integer\"}", "\"5\"", 0, NULL);
}

/* Comparing each with all before it would take minutes. */
Test(coerce, very_many_nulls_are_left_out_unless_a_name_comes_twice)
{
    static const char schema[] = "{\"additionalProperties\":{\"type\":\"integer\"}}";
    for (int twice = 0; twice < 2; twice++) {
        struct gn_buf text = GN_BUF_INIT(8 << 20);
        gn_buf_adds(&text, twice ? "{\"n7\":5" : "{\"a\":5");
        for (int i = 0; i < 300000; i++)
            gn_buf_addf(&text, ",\"n%d\":null", i);
        gn_buf_adds(&text, "}");
        expect_coerced(schema, gn_buf_str(&text), MODELS, twice ? NULL : "{\"a\":5}");
        gn_buf_release(&text);
    }
}

/* To find out about all of these names would take very long. */
Test(coerce, names_that_are_dear_to_match_are_looked_at_only_so_long)
{
    static const char schema[] =
        "{\"properties\":{\"a\":{\"type\":\"integer\"}},\"patternProperties\":{"
        "\"^(x+)+1$\":{\"type\":\"integer\"},\"^(x+)+2$\":{\"type\":\"integer\"},"
        "\"^(x+)+3$\":{\"type\":\"integer\"},\"^(x+)+4$\":{\"type\":\"integer\"}}}";
    struct gn_buf text = GN_BUF_INIT(32 << 20);
    struct gn_buf want = GN_BUF_INIT(32 << 20);
    gn_buf_adds(&text, "{\"x1\":\"5\",\"a\":\"5\"");
    gn_buf_adds(&want, "{\"x1\":5,\"a\":5");
    for (int i = 0; i < 200000; i++) {
        gn_buf_addf(&text, ",\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:%d\":\"5\"", i);
        gn_buf_addf(&want, ",\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:%d\":\"5\"", i);
    }
    gn_buf_adds(&text, "}");
    gn_buf_adds(&want, "}");
    expect_coerced(schema, gn_buf_str(&text), MODELS, gn_buf_str(&want));
    gn_buf_release(&text);
    gn_buf_release(&want);
}

Test(coerce, where_all_is_text_it_is_read_as_what_the_schema_says)
{
    static const struct case_of cases[] = {
        {"{\"properties\":{\"n\":{\"type\":\"integer\"},\"s\":{\"type\":\"string\"},\"any\":{}}}",
         "{\"n\":\"5\",\"s\":\"5\",\"any\":\"[1]\"}", "{\"n\":5,\"s\":\"5\",\"any\":[1]}"},
        {"{\"properties\":{\"any\":{}}}", "{\"any\":\"plain words\"}", NULL},
        {"{\"properties\":{\"n\":{\"type\":\"integer\"}}}", "{\"n\":\"\"}", "{}"},
        {"{\"properties\":{\"n\":{\"type\":\"integer\"}}}", "{\"n\":\"null\"}", "{}"},
        {"{\"properties\":{\"s\":{\"type\":\"string\"}}}", "{\"s\":\"\"}", NULL},
        {"{\"properties\":{\"s\":{\"enum\":[\"a\",\"b\",\"c\"]}}}", "{\"s\":\"\"}", "{}"},
        {"{\"properties\":{\"s\":{\"enum\":[\"a\",1]}}}", "{\"s\":\"\"}", "{}"},
        {"{\"properties\":{\"s\":{\"enum\":[\"a\",\"\"]}}}", "{\"s\":\"\"}", NULL},
        {"{\"properties\":{\"s\":{\"enum\":[\"a\",\"b\"]}},\"required\":[\"s\"]}", "{\"s\":\"\"}",
         NULL},
        {"{\"properties\":{\"s\":{\"type\":\"string\",\"minLength\":1}}}", "{\"s\":\"\"}", "{}"},
    };
    expect_all(cases, GN_COUNT(cases), STRINGS);
}

Test(coerce, an_arena_that_is_full_is_an_error)
{
    struct gn_schema *s = compile_schema("{\"type\":\"integer\"}");
    struct gn_json_doc doc;
    struct gn_arena arena;
    struct gn_error err = {0};
    gn_arena_init(&arena, 64);
    parse_value(&doc, "[1,2,3]");
    cr_expect_null(gn_schema_coerce(s, gn_json_root(&doc), MODELS, &arena, &err));
    cr_expect_eq(err.code, GN_ETOOBIG);
    gn_arena_release(&arena);
    gn_json_release(&doc);
    gn_schema_free(s);
}

Test(coerce, the_copy_of_a_member_is_none)
{
    struct gn_schema *s = compile_schema("{\"type\":\"integer\"}");
    struct gn_json_doc doc;
    struct gn_arena arena;
    struct gn_error err = {0};
    gn_arena_init(&arena, 4096);
    parse_value(&doc, "{\"a\":\"5\"}");
    const gantry_json *member = gn_json_get(gn_json_root(&doc), "a");
    const gantry_json *v = gn_schema_coerce(s, member, MODELS, &arena, &err);
    int64_t n = 0;
    cr_assert_not_null(v);
    cr_expect(gn_json_int(v, &n) && n == 5);
    cr_expect_null(gn_json_name(v, NULL));
    gn_arena_release(&arena);
    gn_json_release(&doc);
    gn_schema_free(s);
}

Test(coerce, where_alternatives_are_too_many_to_look_at_text_stays_text)
{
    struct gn_buf schema = GN_BUF_INIT((size_t)4 << 20), value = GN_BUF_INIT((size_t)4 << 20);
    gn_buf_adds(&schema, "{\"items\":{\"anyOf\":[");
    for (int i = 0; i < 2000; i++)
        gn_buf_addf(&schema,
                    "{\"properties\":{\"k\":{\"const\":%d},\"n\":{\"type\":\"integer\"}}},", i);
    gn_buf_adds(&schema, "false]}}");
    gn_buf_adds(&value, "[");
    for (int i = 0; i < 10000; i++)
        gn_buf_addf(&value, "%s{\"k\":1,\"n\":\"%d\"}", i > 0 ? "," : "", i);
    gn_buf_adds(&value, "]");
    struct gn_schema *s = compile_schema(gn_buf_str(&schema));
    struct gn_json_doc doc;
    struct gn_arena arena;
    struct gn_error err = {0};
    gn_arena_init(&arena, (size_t)64 << 20);
    parse_value(&doc, gn_buf_str(&value));
    const gantry_json *v = gn_schema_coerce(s, gn_json_root(&doc), MODELS, &arena, &err);
    cr_assert_not_null(v, "%s", err.text);
    const gantry_json *first = gn_json_get(gn_json_at(v, 0), "n");
    const gantry_json *last = gn_json_get(gn_json_at(v, 9999), "n");
    cr_expect_eq(gn_json_type(first), GN_JSON_NUMBER);
    cr_expect_eq(gn_json_type(last), GN_JSON_STRING);
    gn_arena_release(&arena);
    gn_json_release(&doc);
    gn_schema_free(s);
    gn_buf_release(&schema);
    gn_buf_release(&value);
}
