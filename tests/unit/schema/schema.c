/* Tests of host/schema: compiling and validating. That the answers are right is what the suites of
 * tests/schema show; here it is what is said, what is refused, and what is bounded. */
#include "engine.h"

#include <pthread.h>

#include <stdio.h>

GN_SUITE(schema);

static void refused(const char *text, int code, const char *part)
{
    struct gn_error err = {0};
    struct gn_schema *s = NULL;
    cr_expect_eq(gn_schema_compile(text, strlen(text), NULL, &s, &err), code, "%s: %s", text,
                 err.text);
    cr_expect_null(s);
    cr_expect(strstr(err.text, part) != NULL, "\"%s\" is not in \"%s\"", part, err.text);
    gn_schema_free(s);
}

/* `open` n times, `inner`, `close` n times; owned by the caller. */
static char *nested(const char *open, const char *inner, const char *close, size_t n)
{
    struct gn_buf b = GN_BUF_INIT((size_t)16 << 20);
    for (size_t i = 0; i < n; i++)
        gn_buf_adds(&b, open);
    gn_buf_adds(&b, inner);
    for (size_t i = 0; i < n; i++)
        gn_buf_adds(&b, close);
    return gn_buf_take(&b, NULL);
}

/* ---------------------------------------------------------------- words */

struct case_of {
    const char *schema, *value, *want;
};

static void expect_all(const struct case_of *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_problems(cases[i].schema, cases[i].value, cases[i].want);
}

Test(schema, a_wrong_value_is_told_with_what_was_expected)
{
    static const struct case_of cases[] = {
        {"{\"type\":\"object\"}", "[]", "expected object, got []"},
        {"{\"type\":[\"null\",\"string\"]}", "1", "expected string or null, got 1"},
        {"{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}", "\"many\"",
         "expected integer 1 to 5, got \"many\""},
        {"{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}", "9",
         "expected integer 1 to 5, got 9"},
        {"{\"minimum\":9007199254740993}", "9007199254740992",
         "expected number of at least 9007199254740993, got 9007199254740992"},
        {"{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}", "1",
         "expected number above 0 below 1, got 1"},
        {"{\"multipleOf\":0.01}", "19.999", "expected a multiple of 0.01, got 19.999"},
        {"{\"type\":\"string\",\"minLength\":2}", "\"\\u00e9\"",
         "expected string of at least 2 characters, got \"\xC3\xA9\" (1)"},
        {"{\"pattern\":\"^a+$\"}", "\"b\"", "expected text that matches ^a+$, got \"b\""},
        {"{\"format\":\"date\"}", "\"yesterday\"",
         "expected date such as 2026-01-31, got \"yesterday\""},
        {"{\"const\":{\"a\":1}}", "{\"a\":2}", "expected exactly {\"a\":1}, got {\"a\":2}"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":2}",
         "[\"a\",\"b\",\"c\"]", "expected array of at most 2 strings, got 3"},
        {"{\"items\":{\"type\":\"integer\"}}", "[1,2.5,\"x\"]",
         "/1: expected integer, got 2.5\n/2: expected integer, got \"x\""},
        {"{\"uniqueItems\":true}", "[1,{\"a\":1},1.0]",
         "expected elements that differ, but 0 and 2 are both 1"},
        {"{\"contains\":{\"type\":\"integer\",\"minimum\":3}}", "[1]",
         "expected at least 1 of the elements to be integer of at least 3, got 0"},
        {"{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,1]",
         "expected at most 1 of the elements to be exactly 1, got 2"},
        {"{\"not\":{\"type\":\"string\"}}", "\"x\"", "expected anything but string, got \"x\""},
        {"{\"minProperties\":2}", "{\"a\":1,\"a\":2}",
         "expected object of at least 2 members, got 2"},
        {"{\"properties\":{\"a~/b\":false}}", "{\"a~/b\":1}", "/a~0~1b: is not allowed"},
        {"{\"$ref\":\"#/$defs/p\",\"$defs\":{\"p\":{\"properties\":{\"x\":{\"$ref\":\"#/$defs/n\"}}},"
         "\"n\":{\"type\":\"number\"}}}",
         "{\"x\":[]}", "/x: expected number, got []"},
    };
    expect_all(cases, GN_COUNT(cases));
}

Test(schema, names_that_are_missing_and_unknown_are_told_together)
{
    static const struct case_of cases[] = {
        {"{\"properties\":{\"name\":{},\"x\":{}},\"required\":[\"name\",\"x\"],"
         "\"additionalProperties\":false}",
         "{\"nmae\":1,\"x\":2,\"zzz\":3}",
         "missing \"name\"; unknown \"nmae\" (did you mean \"name\"?), \"zzz\""},
        {"{\"properties\":{\"a\":true},\"unevaluatedProperties\":false}", "{\"a\":1,\"b\":2}",
         "unknown \"b\""},
        {"{\"$ref\":\"#/$defs/p\",\"unevaluatedProperties\":false,\"$defs\":{\"p\":{\"properties\":"
         "{\"street\":true}}}}",
         "{\"steet\":1}", "unknown \"steet\" (did you mean \"street\"?)"},
        {"{\"dependentRequired\":{\"card\":[\"street\",\"zip\"]}}", "{\"card\":1,\"zip\":2}",
         "missing \"street\", needed beside \"card\""},
        {"{\"propertyNames\":{\"pattern\":\"^[a-z]+$\"}}", "{\"ok\":1,\"B\":2}",
         "the name \"B\" is not allowed: expected string that matches ^[a-z]+$"},
    };
    expect_all(cases, GN_COUNT(cases));
}

/* U+0085, U+009B, U+2028, U+2029 and U+007F: line ends for some, the start of commands for
 * terminals. */
Test(schema, a_problem_stays_on_its_line_whatever_came)
{
    static const struct case_of cases[] = {
        {"{\"type\":\"integer\"}", "\"\\n\\u0085\\u009b1m\\u2028\\u2029\\u007f\\u00e9\\u2027\"",
         "expected integer, got \"\\n\\u0085\\u009b1m\\u2028\\u2029\\u007f\xC3\xA9\xE2\x80\xA7\""},
        {"{\"additionalProperties\":false}", "{\"\\u2028\\n\":1}", "unknown \"\\u2028\\n\""},
        {"{\"additionalProperties\":{\"type\":\"null\"}}", "{\"a\\u2029\\u0085\\n\":1}",
         "/a???: expected null, got 1"},
        {"{\"type\":\"null\"}", "[\"\\u2028\"]", "expected null, got [\"   \"]"},
    };
    expect_all(cases, GN_COUNT(cases));
}

Test(schema, of_choices_the_nearest_is_suggested)
{
    static const struct case_of cases[] = {
        {"{\"enum\":[\"red\",\"green\"]}", "\"gren\"",
         "expected one of \"red\", \"green\", got \"gren\" (did you mean \"green\"?)"},
        {"{\"enum\":[1,{\"a\":2},null]}", "2", "expected one of 1, {\"a\":2}, null, got 2"},
        {"{\"enum\":[\"a1\",\"b2\",\"c3\",\"d4\",\"e5\",\"f6\",\"g7\",\"h8\",\"eight\"]}",
         "\"eihgt\"",
         "expected one of \"a1\", \"b2\", \"c3\", \"d4\", \"e5\", \"f6\", \"g7\", \"h8\", ..., "
         "got \"eihgt\" (did you mean \"eight\"?)"},
        {"{\"oneOf\":[{\"const\":\"a\",\"title\":\"A\"},{\"const\":\"b\"}]}", "\"c\"",
         "expected one of \"a\", \"b\", got \"c\""},
        {"{\"anyOf\":[{\"enum\":[\"red\",\"green\"]},{\"type\":\"null\"}]}", "\"gren\"",
         "expected one of \"red\", \"green\", got \"gren\" (did you mean \"green\"?)"},
    };
    expect_all(cases, GN_COUNT(cases));
}

#define SHAPES                                                                                     \
    "{\"oneOf\":[{\"properties\":{\"kind\":{\"const\":\"circle\"},\"r\":{\"type\":\"number\"}},"   \
    "\"required\":[\"kind\",\"r\"]},{\"properties\":{\"kind\":{\"const\":\"square\"},"             \
    "\"side\":{\"type\":\"number\"}},\"required\":[\"kind\",\"side\"]}]}"

Test(schema, of_alternatives_the_one_that_was_meant_is_told)
{
    static const struct case_of cases[] = {
        {SHAPES, "{\"kind\":\"circle\"}", "missing \"r\""},
        {SHAPES, "{\"kind\":\"square\",\"side\":\"2\"}", "/side: expected number, got \"2\""},
        {SHAPES, "{\"kind\":\"cirle\"}",
         "/kind: expected one of \"circle\", \"square\", got \"cirle\" (did you mean \"circle\"?)"},
        {"{\"anyOf\":[{\"type\":\"string\",\"maxLength\":2},{\"type\":\"integer\"},"
         "{\"type\":\"null\"}]}",
         "2.5", "expected string of at most 2 characters or integer or null, got 2.5"},
        {"{\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\",\"c\"]}]}", "{\"b\":1}",
         "missing \"c\""},
        {"{\"anyOf\":[{\"maxItems\":0},{\"minItems\":3}]}", "[1]",
         "expected array of at most 0 elements, got 1"},
        {"{\"anyOf\":[{\"type\":\"object\",\"required\":[\"a\"]},{\"type\":\"null\"}]}", "{}",
         "missing \"a\""},
        {"{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"},{\"minimum\":2}]}", "3",
         "expected exactly one of 3 forms to fit, but number 1 and number 3 both do"},
        {"{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]}}", "{\"a\":1}",
         "missing \"b\""},
    };
    expect_all(cases, GN_COUNT(cases));
}

Test(schema, of_members_with_one_name_the_last_counts)
{
    expect_problems("{\"properties\":{\"a\":{\"type\":\"null\"}}}", "{\"a\":1,\"a\":null}", "");
    expect_problems("{\"additionalProperties\":{\"type\":\"null\"}}", "{\"a\":1,\"a\":null}", "");
    expect_problems("{\"additionalProperties\":{\"type\":\"null\"}}",
                    "{\"a\":null,\"a\":1,\"b\":2}",
                    "/a: expected null, got 1\n/b: expected null, got 2");
    expect_problems("{\"maxProperties\":1}", "{\"a\":1,\"a\":2}", "");
    expect_problems("{\"patternProperties\":{\"a\":{\"type\":\"null\"}}}", "{\"a\":1,\"a\":null}",
                    "");
}

Test(schema, what_several_schemas_say_alike_is_told_once)
{
    expect_problems(
        "{\"allOf\":[{\"type\":\"string\"},{\"type\":\"string\"},{\"type\":\"array\"}]}", "1",
        "expected string, got 1\nexpected array, got 1");
    expect_problems("{\"allOf\":[{\"anyOf\":[{\"type\":\"object\",\"required\":[\"a\"]},"
                    "{\"type\":\"null\"}]},{\"anyOf\":[{\"type\":\"object\",\"required\":[\"a\"]},"
                    "{\"type\":\"null\"}]}]}",
                    "{}", "missing \"a\"");
}

Test(schema, twenty_lines_are_told_and_the_rest_is_counted)
{
    struct gn_schema *s = compile_schema("{\"items\":{\"type\":\"string\"}}");
    char *text = nested("1,", "1", "", 29);
    char *array = gn_format("[%s]", text);
    struct gn_json_doc doc;
    struct gn_problems p;
    gn_problems_init(&p);
    parse_value(&doc, array);
    cr_expect_eq(gn_schema_validate(s, gn_json_root(&doc), 0, &p), GN_EINVAL);
    cr_expect_eq(p.count, 30);
    cr_expect(gn_ends_with(gn_buf_str(&p.text), "/19: expected string, got 1\nand 10 more"), "%s",
              gn_buf_str(&p.text));
    gn_problems_release(&p);
    gn_json_release(&doc);
    gn_free(array);
    gn_free(text);
    gn_schema_free(s);
}

/* ---------------------------------------------------------------- what is no schema */

Test(schema, what_is_no_schema_is_refused_with_its_place)
{
    static const struct {
        const char *schema, *part;
    } cases[] = {
        {"{", "not JSON"},
        {"[]", "a schema is an object or a boolean, not array"},
        {"{\"type\":\"text\"}",
         "/type: a schema has the name of a type, or several here, not \"text\""},
        {"{\"type\":[]}", "/type"},
        {"{\"type\":[[\"string\"]]}", "/type"},
        {"{\"properties\":[]}", "/properties: a schema has an object of schemas here, not []"},
        {"{\"properties\":{\"a\":1}}", "/properties: a schema has an object of schemas here"},
        {"{\"properties\":{\"a\":{\"items\":{\"minItems\":-1}}}}",
         "/properties/a/items/minItems: a schema has a whole number from 0 on here, not -1"},
        {"{\"required\":true}", "/required: a schema has an array of names here, not true"},
        {"{\"required\":[1]}", "/required"},
        {"{\"enum\":1}", "/enum"},
        {"{\"minimum\":\"1\"}", "/minimum: a schema has a number here, not \"1\""},
        {"{\"exclusiveMinimum\":true}", "/exclusiveMinimum: a schema has a number here, not true"},
        {"{\"multipleOf\":0}", "/multipleOf: a schema has a number above 0 here, not 0"},
        {"{\"items\":[{}]}", "/items: a schema has a schema (several: prefixItems) here"},
        {"{\"allOf\":[]}", "/allOf"},
        {"{\"pattern\":\"(a\"}", "/pattern: pattern \"(a\": "},
        {"{\"$id\":1}", "/$id"},
        {"{\"$id\":\"http://a.example/#x\"}", "/$id: an identity has no fragment"},
        {"{\"$anchor\":\"1\"}", "/$anchor"},
        {"{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}",
         "/$defs/b/$anchor: the anchor \"x\" stands at two places"},
        {"{\"$defs\":{\"a\":{\"$id\":\"x\"},\"b\":{\"$id\":\"x\"}}}",
         "/$defs/b/$id: the identity <x> stands at two places"},
        {"{\"properties\":{\"a\":{\"title\":5}}}",
         "/properties/a/title: a schema has a string here, not 5"},
        {"{\"description\":null}", "/description"},
        {"{\"examples\":1}", "/examples: a schema has an array here, not 1"},
        {"{\"deprecated\":\"x\"}", "/deprecated: a schema has true or false here, not \"x\""},
        {"{\"$ref\":1}", "/$ref: a schema has a URI reference here, not 1"},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++)
        refused(cases[i].schema, GN_EINVAL, cases[i].part);
}

Test(schema, other_dialects_are_refused_and_the_supported_ones_listed)
{
    refused("{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", GN_EINVAL,
            "/$schema: the dialect \"http://json-schema.org/draft-04/schema#\" is not supported; "
            "supported are https://json-schema.org/draft/2020-12/schema, "
            "https://json-schema.org/draft/2019-09/schema and "
            "http://json-schema.org/draft-07/schema");
    refused("{\"$defs\":{\"a\":{\"$id\":\"x\",\"$schema\":\"urn:mine\"}}}", GN_EINVAL,
            "/$defs/a/$schema: the dialect \"urn:mine\"");
    refused("{\"$schema\":7}", GN_EINVAL, "/$schema");
    expect_problems("{\"$schema\":\"https://json-schema.org/draft-07/schema\",\"type\":\"null\"}",
                    "null", "");
}

Test(schema, a_reference_that_leads_nowhere_is_refused)
{
    refused("{\"properties\":{\"a\":{\"$ref\":\"#/nowhere\"}}}", GN_EINVAL,
            "/properties/a/$ref: \"#/nowhere\" leads nowhere");
    refused("{\"$ref\":\"#/enum\",\"enum\":[1]}", GN_EINVAL, "leads to what is no schema");
    refused("{\"$ref\":\"#/%zz\"}", GN_EINVAL, "leads nowhere");
    refused("{\"$ref\":\"#no\"}", GN_EINVAL, "leads nowhere");
    refused("{\"$ref\":\"https://example.com/s.json\"}", GN_EINVAL,
            "/$ref: \"https://example.com/s.json\" leads out of the schema, to "
            "<https://example.com/s.json>: references are never fetched");
    refused("{\"$ref\":\"file:///etc/passwd\"}", GN_EINVAL, "never fetched");
}

Test(schema, references_find_documents_that_the_options_name)
{
    struct gn_json_doc other;
    struct gn_schema *s = NULL;
    struct gn_problems p;
    struct gn_error err = {0};
    static const char text[] = "{\"$ref\":\"urn:x:other#/$defs/n\"}";
    parse_value(&other, "{\"$defs\":{\"n\":{\"type\":\"integer\"}}}");
    struct gn_schema_document document = {"urn:x:other", gn_json_root(&other)};
    struct gn_schema_options options = {.documents = &document, .document_count = 1};
    cr_assert_eq(gn_schema_compile(text, strlen(text), &options, &s, &err), 0, "%s", err.text);
    gn_json_release(&other); /* borrowed while compiling only */
    gn_problems_init(&p);
    parse_value(&other, "\"x\"");
    cr_expect_eq(gn_schema_validate(s, gn_json_root(&other), 0, &p), GN_EINVAL);
    cr_expect_str_eq(gn_buf_str(&p.text), "expected integer, got \"x\"");
    gn_problems_release(&p);
    gn_json_release(&other);
    gn_schema_free(s);
}

/* ---------------------------------------------------------------- bounds */

static int run(const char *schema, const char *value, uint64_t steps, struct gn_problems *p)
{
    struct gn_schema *s = compile_schema(schema);
    struct gn_json_doc doc;
    parse_value(&doc, value);
    int rc = gn_schema_validate(s, gn_json_root(&doc), steps, NULL);
    cr_expect_eq(gn_schema_validate(s, gn_json_root(&doc), steps, p), rc);
    gn_json_release(&doc);
    gn_schema_free(s);
    return rc;
}

Test(schema, a_schema_built_to_explode_is_refused_within_its_steps)
{
    /* Each level has two ways down: 2^40 paths. */
    struct gn_buf b = GN_BUF_INIT((size_t)1 << 20);
    gn_buf_adds(&b, "{\"$defs\":{\"l0\":{\"type\":\"null\"}");
    for (int i = 1; i <= 40; i++)
        gn_buf_addf(&b,
                    ",\"l%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/l%d\"},{\"$ref\":\"#/$defs/l%d\"}]}",
                    i, i - 1, i - 1);
    gn_buf_adds(&b, "},\"$ref\":\"#/$defs/l40\"}");
    struct gn_problems p;
    gn_problems_init(&p);
    cr_expect_eq(run(gn_buf_str(&b), "1", 0, &p), GN_ETOOBIG);
    cr_expect_str_eq(gn_buf_str(&p.text), "takes more steps or nesting to check than allowed");
    gn_problems_release(&p);
    gn_buf_release(&b);
}

Test(schema, a_large_value_is_not_refused_for_its_size)
{
    char *text = nested("1,", "1", "", 400000);
    char *array = gn_format("[%s]", text);
    cr_expect_eq(
        run("{\"items\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":9,"
            "\"multipleOf\":1,\"enum\":[1],\"not\":{\"const\":2},\"allOf\":[{\"minimum\":1},"
            "{\"maximum\":1}]}}",
            array, 0, NULL),
        0);
    gn_free(array);
    gn_free(text);
}

Test(schema, long_texts_cost_what_comparing_them_costs)
{
    /* Each is a few steps by count; T is a long text, in schema and value. */
    static const struct {
        const char *schema, *value;
    } cases[] = {
        {"{\"uniqueItems\":true}", "[\"T1\",\"T2\"]"},
        {"{\"uniqueItems\":true}", "[[\"T1\"],[\"T2\"]]"},
        {"{\"const\":[\"T1\"]}", "[\"T1\"]"},
        {"{\"enum\":[1,[\"T1\"]]}", "[\"T2\"]"},
        {"{\"minProperties\":2}", "{\"T1\":1,\"T2\":2}"},
        {"{\"maxProperties\":1}", "{\"T1\":1,\"T2\":2}"},
        {"{\"properties\":{\"T1\":{}}}", "{\"T1\":1}"},
        {"{\"dependentRequired\":{\"T1\":[]}}", "{\"T2\":1}"},
        {"{\"not\":{\"additionalProperties\":false}}", "{\"T1\":1,\"T2\":2}"},
    };
    char *t = nested("t", "", "", 20000);
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct gn_buf text[2] = {GN_BUF_INIT(SIZE_MAX), GN_BUF_INIT(SIZE_MAX)};
        const char *of[2] = {cases[i].schema, cases[i].value};
        for (size_t k = 0; k < 2; k++) {
            for (const char *c = of[k]; *c != '\0'; c++) {
                if (*c == 'T')
                    gn_buf_adds(&text[k], t);
                else
                    gn_buf_addc(&text[k], *c);
            }
        }
        cr_expect_eq(run(gn_buf_str(&text[0]), gn_buf_str(&text[1]), 200, NULL), GN_ETOOBIG, "%s",
                     cases[i].schema);
        gn_buf_release(&text[0]);
        gn_buf_release(&text[1]);
    }
    gn_free(t);
}

Test(schema, many_choices_cost_what_looking_through_them_costs)
{
    char *many = nested("\"a\",", "1", "", 10000);
    char *schema = gn_format("{\"enum\":[%s]}", many);
    struct gn_problems p;
    gn_problems_init(&p);
    cr_expect_eq(run(schema, "null", 200, &p), GN_ETOOBIG);
    cr_expect_str_eq(gn_buf_str(&p.text), "takes more steps or nesting to check than allowed");
    gn_problems_release(&p);
    gn_free(schema);
    gn_free(many);
}

Test(schema, many_anchors_cost_what_looking_through_them_costs)
{
    struct gn_buf b = GN_BUF_INIT((size_t)1 << 20);
    gn_buf_adds(&b, "{\"$dynamicAnchor\":\"n\",\"items\":{\"$dynamicRef\":\"#n\"},\"$defs\":{");
    for (int i = 0; i < 10000; i++)
        gn_buf_addf(&b, "%s\"d%d\":{\"$anchor\":\"a%d\"}", i > 0 ? "," : "", i, i);
    gn_buf_adds(&b, "}}");
    cr_expect_eq(run(gn_buf_str(&b), "[1]", 200, NULL), GN_ETOOBIG);
    cr_expect_eq(run(gn_buf_str(&b), "[1]", 0, NULL), 0);
    gn_buf_release(&b);
}

Test(schema, forms_that_read_alike_are_looked_through_only_so_far)
{
    /* Each of the many forms is described by many forms, and those likewise. */
    char *many = nested("{\"$ref\":\"#/$defs/b\"},", "{}", "", 4000);
    char *more = nested("{\"$ref\":\"#/$defs/c\"},", "{}", "", 4000);
    char *schema = gn_format("{\"items\":{\"not\":{\"anyOf\":[%s]}},\"$defs\":{\"b\":{\"anyOf\":"
                             "[%s]},\"c\":{}}}",
                             many, more);
    struct gn_problems p;
    gn_problems_init(&p);
    cr_expect_eq(run(schema, "[1]", 0, &p), GN_EINVAL);
    cr_expect_str_eq(gn_buf_str(&p.text), "/0: expected anything but any value or ..., got 1");
    gn_problems_release(&p);
    gn_free(schema);
    gn_free(more);
    gn_free(many);
}

/* What schema.h says, and as much again for those who call and for words. */
#define STACK_BYTES (GN_SCHEMA_STACK + (size_t)256 * 1024)

static void *run_deep(void *arg GN_UNUSED)
{
    /* Each has other frames between the nodes. */
    static const char *const schemas[] = {
        "{\"$ref\":\"#\"}",
        "{\"not\":{\"$ref\":\"#\"}}",
        "{\"anyOf\":[{\"$ref\":\"#\"}]}",
        "{\"if\":{\"$ref\":\"#\"}}",
        "{\"unevaluatedProperties\":false,\"anyOf\":[{\"$ref\":\"#\"}]}",
        "{\"dependentSchemas\":{\"a\":{\"$ref\":\"#\"}}}",
        "{\"$dynamicAnchor\":\"a\",\"allOf\":[{\"$dynamicRef\":\"#a\"}],\"unevaluatedItems\":true}",
        "{\"pattern\":\"^(.|a)*$\",\"oneOf\":[{\"$ref\":\"#\"}]}",
    };
    for (size_t i = 0; i < GN_COUNT(schemas); i++) {
        struct gn_problems p;
        gn_problems_init(&p);
        cr_expect_eq(run(schemas[i], i == 7 ? "\"aaaaaaaa\"" : "{\"a\":1}", 0, &p), GN_ETOOBIG,
                     "%s", schemas[i]);
        gn_problems_release(&p);
    }
    return NULL;
}

Test(schema, what_nests_without_end_stays_within_its_stack)
{
    pthread_attr_t attributes;
    pthread_t thread;
    cr_assert_eq(pthread_attr_init(&attributes), 0);
    cr_assert_eq(pthread_attr_setstacksize(&attributes, STACK_BYTES), 0);
    cr_assert_eq(pthread_create(&thread, &attributes, run_deep, NULL), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
}

Test(schema, a_value_that_is_deep_is_checked)
{
    char *value = nested("{\"a\":", "1", "}", 120);
    cr_expect_eq(run("{\"properties\":{\"a\":{\"$ref\":\"#\"}}}", value, 0, NULL), 0);
    cr_expect_eq(run("{\"additionalProperties\":{\"$ref\":\"#\"}}", value, 0, NULL), 0);
    gn_free(value);
}

Test(schema, a_reference_to_itself_ends)
{
    struct gn_problems p;
    gn_problems_init(&p);
    cr_expect_eq(run("{\"$ref\":\"#\"}", "1", 0, &p), GN_ETOOBIG);
    cr_expect_eq(p.count, 1);
    gn_problems_release(&p);
    cr_expect_eq(
        run("{\"allOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},"
            "\"b\":{\"$ref\":\"#/$defs/a\"}}}",
            "1", 0, NULL),
        GN_ETOOBIG);
}

Test(schema, elements_that_are_alike_are_found_without_comparing_all_pairs)
{
    struct gn_buf b = GN_BUF_INIT((size_t)4 << 20);
    gn_buf_addc(&b, '[');
    for (int i = 0; i < 20000; i++)
        gn_buf_addf(&b, "{\"id\":%d},", i);
    gn_buf_adds(&b, "{\"id\":7.0}]");
    cr_expect_eq(run("{\"uniqueItems\":true}", gn_buf_str(&b), 200000, NULL), GN_EINVAL);
    gn_buf_release(&b);
}

Test(schema, a_pattern_that_takes_too_long_is_no_answer)
{
    static const char value[] = "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"";
    struct gn_problems p;
    gn_problems_init(&p);
    cr_expect_eq(run("{\"pattern\":\"^(a+)+$\"}", value, 0, &p), GN_ETOOBIG);
    cr_expect_str_eq(gn_buf_str(&p.text),
                     "too long or too complex to compare with the pattern ^(a+)+$");
    gn_problems_release(&p);
    cr_expect_eq(run("{\"not\":{\"pattern\":\"^(a+)+$\"}}", value, 0, NULL), GN_ETOOBIG);
}

Test(schema, a_run_that_may_take_no_more_steps_says_so)
{
    cr_expect_eq(run("{\"items\":{\"type\":\"integer\",\"minimum\":0}}", "[1,2,3,4,5]", 10, NULL),
                 GN_ETOOBIG);
    cr_expect_eq(run("{\"items\":{\"type\":\"integer\",\"minimum\":0}}", "[1,2,3,4,5]", 100, NULL),
                 0);
    cr_expect_eq(
        run("{\"not\":{\"items\":{\"type\":\"integer\",\"minimum\":0}}}", "[1,2,3,4,5]", 10, NULL),
        GN_ETOOBIG, "what a trial could not finish is no answer");
}

Test(schema, size_and_number_of_subschemas_are_limited)
{
    struct gn_schema_options options = {.max_bytes = 10, .max_subschemas = 3};
    struct gn_error err = {0};
    struct gn_schema *s = NULL;
    static const char few[] = "{\"allOf\":[{\"minimum\":1},{\"minimum\":2}]}",
                      many[] = "{\"allOf\":[{\"minimum\":1},{\"minimum\":2},{\"minimum\":3}]}";
    cr_expect_eq(gn_schema_compile(few, strlen(few), &options, &s, &err), GN_ETOOBIG);
    cr_expect_str_eq(err.text, "a schema takes at most 10 bytes");
    options.max_bytes = 0;
    cr_expect_eq(gn_schema_compile(few, strlen(few), &options, &s, &err), 0);
    gn_schema_free(s);
    cr_expect_eq(gn_schema_compile(many, strlen(many), &options, &s, &err), GN_ETOOBIG);
    cr_expect_str_eq(err.text, "/allOf/2: a schema has at most 3 subschemas");
}

Test(schema, references_into_large_objects_are_limited)
{
    struct gn_buf b = GN_BUF_INIT((size_t)4 << 20);
    gn_buf_adds(&b, "{\"allOf\":[true");
    for (int i = 0; i < 1100; i++)
        gn_buf_addf(&b, ",{\"$ref\":\"#/$defs/%d\"}", i);
    gn_buf_adds(&b, "],\"$defs\":{\"x\":true");
    for (int i = 0; i < 50000; i++)
        gn_buf_addf(&b, ",\"%d\":true", i);
    gn_buf_adds(&b, "}}");
    refused(gn_buf_str(&b), GN_ETOOBIG, "too many references into objects as large as these");
    gn_buf_release(&b);
}

Test(schema, depth_is_limited_in_schema_and_value)
{
    char *deep = nested("{\"not\":", "true", "}", 2000);
    refused(deep, GN_ETOOBIG, "JSON is nested deeper than");
    gn_free(deep);
    /* A chain of references is no nesting of the text. */
    struct gn_buf b = GN_BUF_INIT((size_t)4 << 20);
    gn_buf_adds(&b, "{\"$ref\":\"#/$defs/0\",\"$defs\":{");
    for (int i = 0; i < 5000; i++)
        gn_buf_addf(&b, "\"%d\":{\"$ref\":\"#/$defs/%d\"},", i, i + 1);
    gn_buf_adds(&b, "\"5000\":{\"type\":\"null\"}}}");
    cr_expect_eq(run(gn_buf_str(&b), "null", 0, NULL), GN_ETOOBIG);
    gn_buf_release(&b);
}
