/* transform_rewrite.c - a tool made from a tool: references, definitions, and keywords that name
 * arguments. */
#include "transform_rows.h"

#include "call/call.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

GN_SUITE(transform_rewrite);

/* ---------------------------------------------------------------- definitions and references */

#define WITH_DEFS                                                                                  \
    "{\"type\":\"object\",\"properties\":{"                                                        \
    "\"place\":{\"$ref\":\"#/$defs/place\"},"                                                      \
    "\"unit\":{\"$ref\":\"#/$defs/unit\"},"                                                        \
    "\"depth\":{\"type\":\"integer\"}},"                                                           \
    "\"required\":[\"place\"],"                                                                    \
    "\"$defs\":{\"place\":{\"type\":\"object\",\"properties\":{\"city\":{\"$ref\":"                \
    "\"#/$defs/city\"}}},\"city\":{\"type\":\"string\"},\"unit\":{\"enum\":[\"C\",\"F\"]}}}"

Test(transform_rewrite, definitions_that_nobody_needs_are_left_out)
{
    rows_check_schema(rows_tool("weather", WITH_DEFS),
                      ROWS({.arg = "unit", .hide = true, .value = "'C'"}),
                      "{'type':'object','properties':{'place':{'$ref':'#/$defs/place'},"
                      "'depth':{'type':'integer'}},'required':['place'],"
                      "'$defs':{'place':{'type':'object',"
                      "'properties':{'city':{'$ref':'#/$defs/city'}}},'city':{'type':'string'}}}");
    rows_check_schema(rows_tool("weather", WITH_DEFS),
                      ROWS({.arg = "place", .hide = true, .value = "{}"}),
                      "{'type':'object','properties':{'unit':{'$ref':'#/$defs/unit'},"
                      "'depth':{'type':'integer'}},'$defs':{'unit':{'enum':['C','F']}}}");
    rows_check_schema(rows_tool("weather", WITH_DEFS),
                      ROWS({.arg = "unit", .schema = "{'type':'string','const':'F'}"},
                           {.arg = "place", .name = "where", .description = "A place"}),
                      "{'type':'object','properties':{'where':{'$ref':'#/$defs/place',"
                      "'description':'A "
                      "place'},'unit':{'type':'string','const':'F'},'depth':{'type':'integer'}},"
                      "'required':['where'],'$defs':{'place':{'type':'object',"
                      "'properties':{'city':{'$ref':'#/$defs/city'}}},'city':{'type':'string'}}}");
}

Test(transform_rewrite, values_are_checked_behind_references)
{
    rows_check_refused(rows_tool("weather", WITH_DEFS),
                       ROWS({.arg = "unit", .hide = true, .value = "'K'"}),
                       "tool made: argument unit: its value does not fit what weather takes: "
                       "expected one of \"C\", \"F\", got \"K\"");
    rows_check_refused(
        rows_tool("weather", WITH_DEFS), ROWS({.arg = "place", .value = "{'city':5}"}),
        "tool made: argument place: its default does not fit what weather takes: /city: "
        "expected string, got 5");
    rows_check_refused(rows_tool("weather", WITH_DEFS),
                       ROWS({.arg = "unit", .schema = "{'const':'K'}"}),
                       "tool made: argument unit: weather takes none of the values that its schema "
                       "allows");
}

#define TREE                                                                                       \
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"alias\":{\"$ref\":"     \
    "\"#/properties/name\"},\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}}"         \
    ",\"required\":[\"name\"],\"additionalProperties\":false}"

Test(transform_rewrite, references_into_the_schema_itself_keep_their_meaning)
{
    struct gn_error err = {0};
    rows_check_schema(
        rows_tool("tree", TREE), ROWS({.arg = "name", .name = "label"}),
        "{'type':'object','properties':{'label':{'type':'string'},"
        "'alias':{'$ref':'#/$defs/tree/properties/name'},'children':{'type':'array',"
        "'items':{'$ref':'#/$defs/tree'}}},'required':['label'],'additionalProperties':false,"
        "'$defs':{'tree':{'type':'object','properties':{'name':{'type':'string'},"
        "'alias':{'$ref':'#/$defs/tree/properties/name'},'children':{'type':'array',"
        "'items':{'$ref':'#/$defs/tree'}}},'required':['name'],'additionalProperties':false}}}");
    struct gn_component *c = rows_derive(rows_tool("tree", TREE), NULL,
                                         rows_from("made", ROWS({.arg = "name", .name = "label"})),
                                         &err);
    cr_assert_not_null(c, "%s", err.text);
    static const char *const values[] = {
        "{\"label\":\"a\",\"alias\":\"b\",\"children\":[{\"name\":\"c\",\"children\":[]}]}",
        "{\"label\":\"a\",\"children\":[{\"label\":\"c\"}]}", "{\"label\":\"a\",\"alias\":5}"};
    for (size_t i = 0; i < GN_COUNT(values); i++) {
        struct gn_json_doc doc = {0};
        cr_assert_eq(gn_json_parse_copy(&doc, values[i], strlen(values[i]), NULL, NULL), 0);
        cr_expect_eq(gn_schema_validate(c->input_schema, gn_json_root(&doc), 0, NULL),
                     i ? GN_EINVAL : GN_OK, "%s", values[i]);
        gn_json_release(&doc);
    }
    gn_component_unref(c);
}

Test(transform_rewrite, references_to_what_stays_are_left_alone)
{
    rows_check_schema(
        rows_tool("pair", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
                          "\"b\":{\"$ref\":\"#/properties/a\"}}}"),
        ROWS({.arg = "b", .name = "c"}),
        "{'type':'object','properties':{'a':{'type':'string'},'c':{'$ref':'#/properties/a'}}}");
}

Test(transform_rewrite, draft_7_has_nothing_beside_a_reference)
{
    rows_check_schema(
        rows_tool("old", "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":"
                         "\"object\",\"properties\":{\"n\":{\"$ref\":\"#/definitions/n\"},"
                         "\"m\":{\"$ref\":\"#/properties/n\"}},"
                         "\"definitions\":{\"n\":{\"type\":\"integer\"}}}"),
        ROWS({.arg = "n", .name = "count", .schema = "{'maximum':5}"}),
        "{'$schema':'http://json-schema.org/draft-07/schema#','type':'object',"
        "'properties':{'count':{'allOf':[{'$ref':'#/definitions/n'}],'maximum':5},"
        "'m':{'$ref':'#/definitions/old/properties/n'}},'definitions':{'n':{'type':'integer'},"
        "'old':{'type':'object','properties':{'n':{'$ref':'#/definitions/n'},"
        "'m':{'$ref':'#/definitions/old/properties/n'}}}}}");
}

/* ---------------------------------------------------------------- other keywords */

/* A parent with arguments a, b, c (strings) and these keywords. */
static struct gn_component *with(const char *keywords)
{
    GN_AUTO_FREE char *schema = gn_format(
        "{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'string'},"
        "'c':{'type':'string'}},%s}",
        keywords);
    for (char *s = schema; *s; s++)
        *s = *s == '\'' ? '"' : *s;
    return rows_tool("abc", schema);
}

/* What becomes of the keywords. */
static void check_keywords(const char *keywords, const struct row *rows, size_t count,
                           const char *expected)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(with(keywords), NULL, rows_from("made", rows, count),
                                         &err);
    cr_assert_not_null(c, "%s: %s", keywords, err.text);
    json_t *root = json_loads(c->input_text, 0, NULL);
    json_object_del(root, "type");
    json_object_del(root, "properties");
    GN_AUTO_FREE char *text = json_dumps(root, JSON_COMPACT);
    rows_check_text(text, expected);
    json_decref(root);
    gn_component_unref(c);
}

#define RENAME_A ROWS({.arg = "a", .name = "x"})
#define HIDE_A ROWS({.arg = "a", .hide = true})
#define FILL_A ROWS({.arg = "a", .hide = true, .value = "'v'"})
#define DEFAULT_A ROWS({.arg = "a", .value = "'v'"})
#define SCOPE_A ROWS({.arg = "a", .hide = true, .source = "scope:a"})

Test(transform_rewrite, names_in_other_keywords_are_rewritten)
{
    check_keywords("'anyOf':[{'required':['a']},{'required':['b']}]", RENAME_A,
                   "{'anyOf':[{'required':['x']},{'required':['b']}]}");
    check_keywords("'dependentRequired':{'a':['b'],'c':['a','b']}", RENAME_A,
                   "{'dependentRequired':{'x':['b'],'c':['x','b']}}");
    check_keywords(
        "'dependentSchemas':{'a':{'required':['b'],'properties':{'a':{'minLength':2}}}}", RENAME_A,
        "{'dependentSchemas':{'x':{'required':['b'],'properties':{'x':{'minLength':2}}}}}");
    check_keywords("'dependencies':{'a':['b'],'b':{'required':['a']}}", RENAME_A,
                   "{'dependencies':{'x':['b'],'b':{'required':['x']}}}");
    check_keywords(
        "'if':{'properties':{'a':{'const':'1'}},'required':['a']},'then':{'required':"
        "['b']},'else':{'not':{'required':['b','a']}}",
        RENAME_A,
        "{'if':{'properties':{'x':{'const':'1'}},'required':['x']},'then':{'required':['b']},"
        "'else':{'not':{'required':['b','x']}}}");
    check_keywords("'allOf':[{'oneOf':[{'properties':{'a':{'const':'1'}}},{'required':['a']}]}]",
                   RENAME_A,
                   "{'allOf':[{'oneOf':[{'properties':{'x':{'const':'1'}}},{'required':['x']}]}]}");
    check_keywords("'examples':[{'a':'1'}],'default':{'a':'1'}", RENAME_A, "{}");
}

Test(transform_rewrite, what_is_always_there_need_not_be_asked_for)
{
    check_keywords("'anyOf':[{'required':['a','c']},{'required':['b']}]", FILL_A,
                   "{'anyOf':[{'required':['c']},{'required':['b']}]}");
    check_keywords("'dependentRequired':{'a':['b'],'c':['a','b'],'b':['a']}", FILL_A,
                   "{'dependentRequired':{'c':['b']},'required':['b']}");
    check_keywords("'dependentSchemas':{'a':{'required':['b']}},'allOf':[{'required':['a','c']}]",
                   FILL_A, "{'allOf':[{'required':['c']},{'required':['b']}]}");
    check_keywords("'dependentRequired':{'a':['b'],'c':['a']}", DEFAULT_A, "{'required':['b']}");
    check_keywords("'dependentRequired':{'a':['b'],'c':['a','b']}", SCOPE_A,
                   "{'dependentRequired':{'c':['b']}}");
    check_keywords("'dependentRequired':{'a':['b']}", HIDE_A, "{}");
}

Test(transform_rewrite, counts_are_without_what_is_hidden)
{
    check_keywords("'minProperties':2,'maxProperties':2", RENAME_A,
                   "{'minProperties':2,'maxProperties':2}");
    check_keywords("'minProperties':2,'maxProperties':2", FILL_A,
                   "{'minProperties':1,'maxProperties':1}");
    check_keywords("'minProperties':1", FILL_A, "{}");
    check_keywords("'minProperties':2,'maxProperties':2", DEFAULT_A,
                   "{'minProperties':1,'maxProperties':2}");
    check_keywords("'minProperties':2,'maxProperties':2", HIDE_A,
                   "{'minProperties':2,'maxProperties':2}");
    rows_check_refused(with("'maxProperties':0"), FILL_A,
                       "tool made: abc takes fewer arguments than there are hidden ones");
}

Test(transform_rewrite, what_cannot_be_rewritten_is_refused)
{
    rows_check_refused(
        with("'anyOf':[{'required':['a']},{'required':['b']}]"), HIDE_A,
        "tool made: argument a: cannot be hidden without a value: required within the schema "
        "of abc asks for it");
    rows_check_refused(
        with("'dependentRequired':{'b':['a']}"), HIDE_A,
        "tool made: argument a: cannot be hidden without a value: dependentRequired within the "
        "schema of abc asks for it");
    rows_check_refused(with("'if':{'properties':{'a':{'const':'1'}}},'then':{'required':['b']}"),
                       SCOPE_A,
                       "tool made: argument a: cannot be hidden: abc makes other arguments depend "
                       "on its value");
    rows_check_refused(
        with("'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'required':['a']}}"), RENAME_A,
        "tool made: argument a: cannot be renamed: the schema of abc names it behind "
        "a reference");
    rows_check_refused(with("'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'required':['a']}}"),
                       FILL_A,
                       "tool made: argument a: cannot be hidden: the schema of abc names it behind "
                       "a reference");
    rows_check_refused(with("'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'required':['a']}}"),
                       DEFAULT_A,
                       "tool made: argument a: cannot have a default: the schema of abc names it "
                       "behind a reference");
    rows_check_refused(
        with("'$ref':'#d','$defs':{'d':{'$anchor':'d'}}"), RENAME_A,
        "tool made: argument a: cannot be renamed: the schema of abc may name it behind a "
        "reference that cannot be followed here");
    rows_check_refused(
        with("'enum':[{'a':'1'},{'b':'2'}]"), RENAME_A,
        "tool made: argument a: cannot be renamed: the schema of abc may name it as a whole "
        "(const or enum)");
    rows_check_refused(
        with("'patternProperties':{'^x':{'type':'integer'}}"), RENAME_A,
        "tool made: argument a: cannot be named x: patternProperties of abc says something of "
        "such names");
    rows_check_refused(
        with("'patternProperties':{'^a':{'minLength':2}}"), RENAME_A,
        "tool made: argument a: cannot be named x: patternProperties of abc says something of "
        "such names");
    rows_check_refused(
        with("'propertyNames':{'pattern':'^[abc]$'}"), RENAME_A,
        "tool made: argument a: cannot be named x: propertyNames of abc refuses that");
}

Test(transform_rewrite, what_does_not_concern_the_change_is_no_hindrance)
{
    check_keywords("'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'required':['b']}}", RENAME_A,
                   "{'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'required':['b']}}}");
    check_keywords("'patternProperties':{'^z':{'type':'integer'}}", RENAME_A,
                   "{'patternProperties':{'^z':{'type':'integer'}}}");
    check_keywords("'propertyNames':{'pattern':'^[a-z]$'}", RENAME_A,
                   "{'propertyNames':{'pattern':'^[a-z]$'}}");
    check_keywords("'enum':[{'a':'1'}],'allOf':[{'$ref':'#d'}],'$defs':{'d':{'$anchor':'d'}}",
                   ROWS({.arg = "a", .description = "words"}),
                   "{'enum':[{'a':'1'}],'allOf':[{'$ref':'#d'}],'$defs':{'d':{'$anchor':'d'}}}");
    check_keywords("'required':['a'],'additionalProperties':{'type':'integer'}", RENAME_A,
                   "{'required':['x'],'additionalProperties':{'type':'integer'}}");
    check_keywords("'unevaluatedProperties':false", RENAME_A, "{'unevaluatedProperties':false}");
}

Test(transform_rewrite, arguments_that_only_other_keywords_name_are_known)
{
    check_keywords(
        "'oneOf':[{'properties':{'z':{'type':'integer'}},'required':['z']},{'required':["
        "'a']}]",
        ROWS({.arg = "z", .name = "y"}),
        "{'oneOf':[{'properties':{'y':{'type':'integer'}},'required':['y']},{'required':['a']}]}");
    rows_check_refused(with("'required':['z']"), ROWS({.arg = "a", .name = "z"}),
                       "tool made: arguments a and z would both be named z");
    rows_check_refused(with("'anyOf':[{'required':['z']}]"), ROWS({.arg = "a", .name = "z"}),
                       "tool made: arguments a and z would both be named z");
}

Test(transform_rewrite, deep_and_wide_schemas_end)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    gn_buf_adds(&text, "'$defs':{");
    for (int i = 0; i < 30; i++) /* 2^30 ways to the last one */
        gn_buf_addf(&text, "'d%d':{'allOf':[{'$ref':'#/$defs/d%d'},{'$ref':'#/$defs/d%d'}]},", i,
                    i + 1, i + 1);
    gn_buf_adds(&text, "'d30':{'required':['b']}},'allOf':[{'$ref':'#/$defs/d0'}]");
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(with(gn_buf_str(&text)), NULL, rows_from("made", RENAME_A),
                                         &err);
    cr_expect_not_null(c, "%s", err.text);
    gn_component_unref(c);
    rows_check_refused(
        with(gn_buf_str(&text)), ROWS({.arg = "b", .name = "x"}),
        "tool made: argument b: cannot be renamed: the schema of abc names it behind a reference");
    gn_buf_release(&text);
}

/* ---------------------------------------------------------------- what it all means */

/* What the parent gets: as the host makes it of made.h. Owned by the caller. */
static json_t *mapped(const struct gn_component *c, const json_t *arguments)
{
    json_t *result = json_object(), *v;
    const char *name;
    json_object_foreach((json_t *)arguments, name, v)
    {
        const struct gn_made_arg *a = gn_map_find(&c->made->by_name, name);
        json_object_set(result, a ? a->parent_name : name, v);
    }
    for (size_t i = 0; i < c->made->count; i++) {
        const struct gn_made_arg *a = &c->made->v[i];
        if (gn_json_root(&a->value) && !json_object_get(result, a->parent_name))
            json_object_set_new(result, a->parent_name,
                                gn_json_to_jansson(gn_json_root(&a->value)));
    }
    return result;
}

static bool satisfies(const struct gn_schema *s, const json_t *value)
{
    struct gn_json_doc doc = {0};
    cr_assert_eq(gn_json_from_jansson(&doc, value, NULL), 0);
    int rc = gn_schema_validate(s, gn_json_root(&doc), 0, NULL);
    gn_json_release(&doc);
    return rc == GN_OK;
}

/* Each argument is missing or has one of two values: what fits the tool fits its parent, and what
 * does not does not. Returns how many fit. */
static size_t compare_all(const struct gn_component *c, const char *keywords)
{
    static const char *const values[] = {NULL, "1", "22"};
    json_t *root = json_loads(c->input_text, 0, NULL);
    json_t *properties = json_object_get(root, "properties");
    const char *names[4] = {NULL}, *name;
    size_t count = 0, fit = 0, all = 1;
    json_t *v;
    json_object_foreach(properties, name, v)
    {
        names[count++] = name;
        all *= GN_COUNT(values);
    }
    for (size_t n = 0; n < all; n++) {
        json_t *arguments = json_object();
        for (size_t i = 0, rest = n; i < count; i++, rest /= GN_COUNT(values)) {
            const char *value = values[rest % GN_COUNT(values)];
            if (value)
                json_object_set_new(arguments, names[i], json_string(value));
        }
        json_t *inner = mapped(c, arguments);
        bool fits = satisfies(c->input_schema, arguments);
        GN_AUTO_FREE char *text = json_dumps(arguments, JSON_COMPACT);
        cr_expect_eq(fits, satisfies(c->parent->input_schema, inner), "%s: %s: %s and %s", keywords,
                     c->input_text, text, fits ? "fits" : "does not fit");
        fit += fits;
        json_decref(arguments);
        json_decref(inner);
    }
    json_decref(root);
    return fit;
}

static const char *const all_keywords[] = {
    "'required':['a']",
    "'required':['a','b']",
    "'required':['c','b','a'],'additionalProperties':false",
    "'anyOf':[{'required':['a']},{'required':['b']}]",
    "'oneOf':[{'required':['a']},{'required':['b']},{'required':['c']}]",
    "'not':{'required':['a','b']}",
    "'allOf':[{'required':['a']},{'anyOf':[{'required':['b']},{'required':['c']}]}]",
    "'dependentRequired':{'a':['b']}",
    "'dependentRequired':{'b':['a'],'c':['a','b']}",
    "'dependentRequired':{'a':['b'],'b':['c'],'c':['a']}",
    "'dependentSchemas':{'a':{'required':['b']},'b':{'properties':{'c':{'minLength':2}}}}",
    "'dependentSchemas':{'b':{'properties':{'a':{'minLength':2}}}}",
    "'if':{'required':['a']},'then':{'required':['b']},'else':{'required':['c']}",
    "'if':{'properties':{'a':{'const':'1'}},'required':['a']},'then':{'required':['b']}",
    "'if':{'properties':{'b':{'const':'1'}},'required':['b']},'then':{'required':['a']}",
    "'allOf':[{'properties':{'a':{'minLength':2}}},{'properties':{'b':{'maxLength':1}}}]",
    "'minProperties':2",
    "'maxProperties':1",
    "'minProperties':1,'maxProperties':2,'required':['a']",
    "'unevaluatedProperties':false,'anyOf':[{'required':['a']},{'properties':{'b':{'const':'1'}}}]",
    "'anyOf':[{'minProperties':2},{'required':['c']}]",
    "'propertyNames':{'maxLength':1},'required':['b']",
    "'$schema':'http://json-schema.org/draft-07/schema#','dependencies':{'a':['b'],'c':{'required':["
    "'a']}}",
    "'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'required':['a']}}",
    "'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'properties':{'c':{'minLength':2}}}}",
};

static void compare_with(const char *what, const struct row *rows, size_t count, bool but_counts,
                         size_t at_least)
{
    size_t made = 0, fit = 0;
    for (size_t i = 0; i < GN_COUNT(all_keywords); i++) {
        struct gn_error err = {0};
        if (but_counts && strstr(all_keywords[i], "Properties':"))
            continue;
        struct gn_component *c = rows_derive(with(all_keywords[i]), NULL,
                                             rows_from("made", rows, count), &err);
        if (c)
            fit += compare_all(c, all_keywords[i]);
        made += c != NULL;
        gn_component_unref(c);
    }
    cr_expect_geq(made, at_least, "%s: %zu made", what, made);
    cr_expect_gt(fit, made, "%s: %zu fit", what, fit);
}

Test(transform_rewrite, what_fits_the_tool_is_what_fits_its_parent)
{
    compare_with("renamed", RENAME_A, false, 24);
    compare_with("exchanged", ROWS({.arg = "a", .name = "b"}, {.arg = "b", .name = "a"}), false,
                 24);
    compare_with(
        "turned round",
        ROWS({.arg = "a", .name = "b"}, {.arg = "b", .name = "c"}, {.arg = "c", .name = "a"}),
        false, 22);
    compare_with("filled", FILL_A, false, 18);
    compare_with("two filled",
                 ROWS({.arg = "a", .hide = true, .value = "'1'"},
                      {.arg = "c", .hide = true, .value = "'22'"}),
                 false, 15);
    compare_with("left out", HIDE_A, false, 7);
    compare_with("by default", DEFAULT_A, true, 17);
    compare_with("renamed, by default", ROWS({.arg = "a", .name = "x", .value = "'v'"}), true, 16);
    compare_with("taken over",
                 ROWS({.arg = "a", .hide = true, .value = "'1'"}, {.arg = "b", .name = "a"}), false,
                 15);
    compare_with("told", ROWS({.arg = "b", .description = "Words"}), false, 25);
}
