/* Tests of host/schema: schemas written as JSON. */
#include "schema/fields.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(schema);

static struct gn_schema *parse(const char *text)
{
    struct gn_error err = {0};
    struct gn_schema *s = NULL;
    int rc = gn_schema_parse(text, &s, &err);
    cr_assert_eq(rc, 0, "%s: %s", text, err.text);
    return s;
}

/* Checks a value; want is the text of the problems, "" if there are none. */
static void check(const char *schema, const char *value, const char *want)
{
    struct gn_schema *s = parse(schema);
    struct gn_json_doc doc;
    struct gn_problems p;
    gn_problems_init(&p);
    cr_assert_eq(gn_json_parse_copy(&doc, value, strlen(value), NULL, NULL), 0, "%s", value);
    int rc = gn_schema_check(s, gn_json_root(&doc), &p);
    cr_expect_eq(rc, *want == '\0' ? 0 : GN_EINVAL, "%s on %s", schema, value);
    cr_expect_str_eq(gn_buf_str(&p.text), want, "%s on %s gives %s", schema, value,
                     gn_buf_str(&p.text));
    cr_expect_eq(gn_schema_check(s, gn_json_root(&doc), NULL), rc);
    gn_problems_release(&p);
    gn_json_release(&doc);
    gn_schema_free(s);
}

static void refused(const char *text, const char *part)
{
    struct gn_error err = {0};
    struct gn_schema *s = NULL;
    cr_expect_lt(gn_schema_parse(text, &s, &err), 0, "%s was not refused", text);
    cr_expect_null(s);
    cr_expect(strstr(err.text, part) != NULL, "\"%s\" is not in \"%s\"", part, err.text);
    gn_schema_free(s);
}

/* One group of the official suite. The schema stands below a property, as a boolean may. */
static size_t run_group(const gantry_json *group, const char *file)
{
    struct gn_buf text = GN_BUF_INIT(1024 * 1024);
    size_t seen = 0;
    gn_buf_adds(&text, "{\"properties\":{\"v\":");
    gn_json_write(&text, gn_json_get(group, "schema"));
    gn_buf_adds(&text, "}}");
    /* Keywords that are not checked decide these. */
    bool ours = !strstr(text.data, "\"$ref\"") && !strstr(text.data, "\"patternProperties\"") &&
                !strstr(text.data, "\"additionalProperties\":{") && !strstr(text.data, "Of\":[");
    struct gn_schema *s = ours ? parse(gn_buf_str(&text)) : NULL;
    const gantry_json *tests = gn_json_get(group, "tests");
    for (const gantry_json *t = NULL; s && (t = gn_json_next(tests, t)) != NULL; seen++) {
        struct gn_json_doc doc;
        bool valid = false;
        gn_buf_clear(&text);
        gn_buf_adds(&text, "{\"v\":");
        gn_json_write(&text, gn_json_get(t, "data"));
        gn_buf_adds(&text, "}");
        gn_json_bool(gn_json_get(t, "valid"), &valid);
        cr_assert_eq(gn_json_parse_copy(&doc, text.data, text.len, NULL, NULL), 0);
        cr_expect_eq(gn_schema_check(s, gn_json_root(&doc), NULL), valid ? 0 : GN_EINVAL,
                     "%s: %s: %s", file, gn_json_str(gn_json_get(group, "description"), NULL),
                     gn_json_str(gn_json_get(t, "description"), NULL));
        gn_json_release(&doc);
    }
    gn_schema_free(s);
    gn_buf_release(&text);
    return seen;
}

Test(schema, agrees_with_the_official_suite_on_what_it_checks)
{
    static const char *const files[] = {"type",
                                        "enum",
                                        "const",
                                        "required",
                                        "minimum",
                                        "maximum",
                                        "minLength",
                                        "maxLength",
                                        "minItems",
                                        "maxItems",
                                        "properties",
                                        "items",
                                        "additionalProperties"};
    const char *dir = gn_test_data("json-schema-tests/draft2020-12");
    for (size_t i = 0; i < GN_COUNT(files); i++) {
        struct gn_buf text = GN_BUF_INIT(1024 * 1024);
        struct gn_json_doc doc;
        char *path = gn_format("%s/%s.json", dir, files[i]);
        size_t seen = 0;
        cr_assert_eq(gn_read_file(path, &text), 0, "%s", path);
        cr_assert_eq(gn_json_parse_copy(&doc, text.data, text.len, NULL, NULL), 0, "%s", path);
        const gantry_json *root = gn_json_root(&doc);
        for (const gantry_json *group = NULL; (group = gn_json_next(root, group)) != NULL;)
            seen += run_group(group, files[i]);
        cr_expect_gt(seen, 2, "%zu cases in %s", seen, path);
        gn_json_release(&doc);
        gn_buf_release(&text);
        gn_free(path);
    }
}

Test(schema, problems_are_told_with_path_and_values)
{
    check("{\"type\":\"object\"}", "[]", "expected object, got []");
    check("{\"type\":[\"string\",\"null\"]}", "1", "expected string or null, got 1");
    check("{\"properties\":{\"a\":{\"items\":{\"type\":\"integer\"}}}}", "{\"a\":[1,2.5,\"x\"]}",
          "/a/1: expected integer, got 2.5\n/a/2: expected integer, got \"x\"");
    check("{\"properties\":{\"name\":{},\"x\":{}},\"required\":[\"name\",\"x\"],"
          "\"additionalProperties\":false}",
          "{\"nmae\":1,\"x\":2,\"zzz\":3}",
          "missing \"name\"; unknown \"nmae\" (did you mean \"name\"?), \"zzz\"");
    check("{\"enum\":[\"red\",\"green\"]}", "\"gren\"",
          "expected one of \"red\", \"green\", got \"gren\" (did you mean \"green\"?)");
    check("{\"enum\":[1,{\"a\":2},null]}", "2", "expected one of 1, {\"a\":2}, null, got 2");
    check("{\"const\":7}", "8", "expected exactly 7, got 8");
    check("{\"minimum\":1,\"maximum\":2}", "3", "expected at most 2, got 3");
    check("{\"minimum\":9007199254740993}", "9007199254740992",
          "expected at least 9007199254740993, got 9007199254740992");
    check("{\"minLength\":2}", "\"a\"", "expected string of at least 2 characters, got \"a\"");
    check("{\"maxItems\":0}", "[1]", "expected array of at most 0 elements, got [1]");
    check("{\"properties\":{\"a~/b\":false}}", "{\"a~/b\":1}", "/a~0~1b: is not allowed");
    check("{\"properties\":{\"a\":{\"type\":\"null\"}}}", "{\"a\":1,\"a\":null}", "");
}

Test(schema, what_is_not_checked_is_kept)
{
    static const char text[] = "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                               "\"anyOf\":[{\"type\":\"string\"}],\"multipleOf\":2,\"x-a\":null}";
    check(text, "3", "");
    struct gn_schema *s = parse(text);
    char *dump = json_dumps(gn_schema_document(s), JSON_COMPACT);
    cr_expect_str_eq(dump, text);
    free(dump);
    gn_schema_free(s);
    gn_schema_free(NULL);
}

Test(schema, a_schema_that_is_none_is_refused_with_its_place)
{
    refused("{", "");
    refused("[]", "a schema is an object, not array");
    refused("true", "a schema is an object, not");
    refused("{\"type\":\"text\"}",
            "/type: a schema has the name of a type, or several here, not \"text\"");
    refused("{\"type\":[]}", "/type");
    refused("{\"type\":[[\"string\"]]}", "/type");
    refused("{\"properties\":[]}", "/properties: a schema has an object here, not []");
    refused("{\"properties\":{\"a\":1}}", "the property \"a\" is not a schema");
    refused("{\"properties\":{\"a\":{\"items\":{\"minItems\":-1}}}}",
            "/properties/a/items/minItems: a schema has a number here, not -1");
    refused("{\"required\":true}", "/required: a schema has an array of names here, not true");
    refused("{\"required\":[1]}", "/required");
    refused("{\"enum\":1}", "/enum");
    refused("{\"minimum\":\"1\"}", "/minimum");
    refused("{\"items\":1}", "/items");
}
