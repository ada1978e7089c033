/* Tests of host/schema: schemas written without references. */
#include "engine.h"

GN_SUITE(dereference);

static void expect_written(const char *schema, const char *want)
{
    struct gn_schema *s = compile_schema(schema);
    struct gn_buf out = GN_BUF_INIT((size_t)1 << 20);
    cr_expect_eq(gn_schema_write_dereferenced(s, (size_t)1 << 20, &out), 0);
    cr_expect_str_eq(gn_buf_str(&out), want, "%s\n  gives %s\n  not   %s", schema, gn_buf_str(&out),
                     want);
    gn_schema_free(s);
    s = compile_schema(gn_buf_str(&out)); /* it is a schema again */
    gn_schema_free(s);
    gn_buf_release(&out);
}

#define DEFS ",\"$defs\":{\"n\":{\"type\":\"integer\",\"description\":\"A number\"}}}"

Test(dereference, a_reference_is_replaced_by_what_it_names)
{
    expect_written("{\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\"}}" DEFS,
                   "{\"properties\":{\"a\":{\"type\":\"integer\",\"description\":\"A number\"}}}");
    expect_written(
        "{\"type\":\"object\",\"properties\":{\"a\":true,\"b\":{\"const\":{\"$ref\":1}}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":true,\"b\":{\"const\":{\"$ref\":1}}}}");
    expect_written("{\"items\":{\"$ref\":\"#x\"},\"$defs\":{\"x\":{\"$anchor\":\"x\",\"anyOf\":["
                   "{\"$ref\":\"#/$defs/y\"},{\"type\":\"null\"}]},\"y\":{\"type\":\"string\"}}}",
                   "{\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}}");
}

Test(dereference, annotations_beside_a_reference_win)
{
    expect_written("{\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\",\"description\":\"Mine\","
                   "\"default\":3}}" DEFS,
                   "{\"properties\":{\"a\":{\"description\":\"Mine\",\"default\":3,"
                   "\"type\":\"integer\"}}}");
}

Test(dereference, keywords_that_check_beside_a_reference_both_hold)
{
    expect_written("{\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\",\"minimum\":2,"
                   "\"allOf\":[{\"maximum\":9}]}}" DEFS,
                   "{\"properties\":{\"a\":{\"minimum\":2,\"allOf\":[{\"type\":\"integer\","
                   "\"description\":\"A number\"},{\"maximum\":9}]}}}");
}

Test(dereference, in_draft_07_nothing_stands_beside_a_reference)
{
    expect_written("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"properties\":{\"a\":"
                   "{\"$ref\":\"#/definitions/n\",\"minimum\":2}},\"definitions\":{\"n\":"
                   "{\"type\":\"integer\"}}}",
                   "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"properties\":{\"a\":"
                   "{\"type\":\"integer\"}}}");
}

Test(dereference, a_cycle_ends_in_a_description)
{
    expect_written("{\"$ref\":\"#/$defs/node\",\"$defs\":{\"node\":{\"type\":\"object\",\"title\":"
                   "\"Node\",\"properties\":{\"next\":{\"$ref\":\"#/$defs/node\"}}}}}",
                   "{\"type\":\"object\",\"title\":\"Node\",\"properties\":{\"next\":{\"type\":"
                   "\"object\",\"title\":\"Node\",\"description\":\"The same again (the schema is "
                   "recursive here)\"}}}");
    expect_written("{\"$ref\":\"#\"}",
                   "{\"description\":\"The same again (the schema is recursive here)\"}");
}

Test(dereference, what_would_grow_too_large_is_refused)
{
    struct gn_buf b = GN_BUF_INIT((size_t)1 << 20), out = GN_BUF_INIT((size_t)8 << 20);
    gn_buf_adds(&b, "{\"$ref\":\"#/$defs/l30\",\"$defs\":{\"l0\":{\"type\":\"null\"}");
    for (int i = 1; i <= 30; i++)
        gn_buf_addf(&b,
                    ",\"l%d\":{\"allOf\":[{\"$ref\":\"#/$defs/l%d\"},{\"$ref\":\"#/$defs/l%d\"}]}",
                    i, i - 1, i - 1);
    gn_buf_adds(&b, "}}");
    struct gn_schema *s = compile_schema(gn_buf_str(&b));
    cr_expect_eq(gn_schema_write_dereferenced(s, (size_t)1 << 20, &out), GN_ETOOBIG);
    cr_expect_eq(out.len, 0);
    gn_schema_free(s);
    gn_buf_release(&b);
    gn_buf_release(&out);
}

Test(dereference, a_schema_of_several_dialects_is_refused)
{
    struct gn_schema *s = compile_schema(
        "{\"items\":{\"$ref\":\"old\"},\"$defs\":{\"o\":{\"$id\":\"old\",\"$schema\":"
        "\"http://json-schema.org/draft-07/schema#\",\"items\":[true]}}}");
    struct gn_buf out = GN_BUF_INIT(1024);
    cr_expect_eq(gn_schema_write_dereferenced(s, 1024, &out), GN_ENOTSUP);
    cr_expect_eq(out.len, 0);
    gn_schema_free(s);
    gn_buf_release(&out);
}

Test(dereference, a_dynamic_reference_is_followed_as_a_value_would_be)
{
    /* Two resources use one list, each with items of its own. */
    expect_written(
        "{\"$id\":\"http://e/r\",\"properties\":{\"s\":{\"$ref\":\"s\"},\"n\":{\"$ref\":\"n\"},\"l\":{"
        "\"$ref\":\"l\"}},\"$defs\":{\"s\":{\"$id\":\"s\",\"$ref\":\"l\",\"$defs\":{\"i\":{"
        "\"$dynamicAnchor\":\"i\",\"type\":\"string\"}}},\"n\":{\"$id\":\"n\",\"$ref\":\"l\",\"$defs\":{"
        "\"i\":{\"$dynamicAnchor\":\"i\",\"type\":\"number\"}}},\"l\":{\"$id\":\"l\",\"items\":{"
        "\"$dynamicRef\":\"#i\"},\"$defs\":{\"i\":{\"$dynamicAnchor\":\"i\"}}}}}",
        "{\"properties\":{\"s\":{\"items\":{\"type\":\"string\"}},\"n\":{\"items\":{\"type\":\"number\"}},"
        "\"l\":{\"items\":{}}}}");
}

Test(dereference, a_name_with_nul_is_not_cut)
{
    static const char *const schemas[] = {
        "{\"properties\":{\"a\\u0000b\":{\"type\":\"string\"}}}",
        "{\"type\\u0000x\":5}",
        "{\"$ref\":\"#/$defs/a\",\"title\\u0000x\":5,\"$defs\":{\"a\":{}}}",
    };
    for (size_t i = 0; i < GN_COUNT(schemas); i++) {
        struct gn_schema *s = compile_schema(schemas[i]);
        struct gn_buf out = GN_BUF_INIT(1024);
        cr_expect_eq(gn_schema_write_dereferenced(s, 1024, &out), GN_ENOTSUP, "%s", schemas[i]);
        cr_expect_eq(out.len, 0);
        gn_buf_release(&out);
        gn_schema_free(s);
    }
}

Test(dereference, a_long_chain_of_references_is_refused)
{
    struct gn_buf b = GN_BUF_INIT((size_t)1 << 20), out = GN_BUF_INIT(1024);
    gn_buf_adds(&b, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{\"d5000\":{\"type\":\"string\"}");
    for (int i = 0; i < 5000; i++)
        gn_buf_addf(&b, ",\"d%d\":{\"$ref\":\"#/$defs/d%d\"}", i, i + 1);
    gn_buf_adds(&b, "}}");
    struct gn_schema *s = compile_schema(gn_buf_str(&b));
    cr_expect_eq(gn_schema_write_dereferenced(s, 1024, &out), GN_ETOOBIG);
    cr_expect_eq(out.len, 0);
    gn_schema_free(s);
    gn_buf_release(&out);
    gn_buf_release(&b);
}
