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
                       "expected one of \"C\", \"F\"");
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
        "'old':{'properties':{'n':{'$ref':'#/definitions/n'}}}}}");
}

Test(transform_rewrite, of_hidden_arguments_others_show_what_they_refer_to_alone)
{
    rows_check_schema(
        rows_tool("old", "{\"type\":\"object\",\"properties\":{"
                         "\"a\":{\"$ref\":\"#/properties/b\"},"
                         "\"b\":{\"items\":{\"$ref\":\"#/properties/c/items\"}},"
                         "\"c\":{\"items\":{\"type\":\"string\"}},"
                         "\"key\":{\"type\":\"string\",\"default\":\"k\"}},"
                         "\"required\":[\"key\"],\"additionalProperties\":false}"),
        ROWS({.arg = "b", .hide = true}, {.arg = "c", .hide = true}, {.arg = "key", .hide = true}),
        "{'type':'object','properties':{'a':{'$ref':'#/$defs/old/properties/b'}},"
        "'additionalProperties':false,'$defs':{'old':{'properties':{"
        "'b':{'items':{'$ref':'#/$defs/old/properties/c/items'}},"
        "'c':{'items':{'type':'string'}}}}}}");
}

/* ---------------------------------------------------------------- other keywords */

/* What becomes of the keywords. */
static void check_keywords(const char *keywords, const struct row *rows, size_t count,
                           const char *expected)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(rows_abc(keywords), NULL, rows_from("made", rows, count),
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
    rows_check_refused(rows_abc("'maxProperties':0"), FILL_A,
                       "tool made: abc takes fewer arguments than there are hidden ones");
}

Test(transform_rewrite, definitions_that_name_arguments_are_copied)
{
    static const char *const keywords =
        "'allOf':[{'$ref':'#/$defs/d'},{'$ref':'#/$defs/e'}],'$defs':{'d':{'$ref':'#/$defs/f'},"
        "'e':{'required':['b']},'f':{'required':['a','b']}}";
    check_keywords(keywords, RENAME_A,
                   "{'allOf':[{'allOf':[{'allOf':[{'required':['x','b']}]}]},{'$ref':'#/$defs/e'}],"
                   "'$defs':{'e':{'required':['b']}}}");
    check_keywords(keywords, FILL_A,
                   "{'allOf':[{'allOf':[{'allOf':[{'required':['b']}]}]},{'$ref':'#/$defs/e'}],"
                   "'$defs':{'e':{'required':['b']}}}");
    check_keywords(keywords, DEFAULT_A,
                   "{'allOf':[{'allOf':[{'allOf':[{'required':['b']}]}]},{'$ref':'#/$defs/e'}],"
                   "'$defs':{'e':{'required':['b']}}}");
    check_keywords("'$schema':'http://json-schema.org/draft-07/schema#','anyOf':[{'$ref':"
                   "'#/definitions/d','required':['c']}],'definitions':{'d':{'required':['a']}}",
                   RENAME_A,
                   "{'$schema':'http://json-schema.org/draft-07/schema#',"
                   "'anyOf':[{'allOf':[{'required':['x']}]}]}");
}

Test(transform_rewrite, what_cannot_be_rewritten_is_refused)
{
    rows_check_refused(
        rows_abc("'anyOf':[{'required':['a']},{'required':['b']}]"), HIDE_A,
        "tool made: argument a: cannot be hidden without a value: required within the schema "
        "of abc asks for it");
    rows_check_refused(
        rows_abc("'dependentRequired':{'b':['a']}"), HIDE_A,
        "tool made: argument a: cannot be hidden without a value: dependentRequired within the "
        "schema of abc asks for it");
    rows_check_refused(
        rows_abc("'if':{'properties':{'a':{'const':'1'}}},'then':{'required':['b']}"), SCOPE_A,
        "tool made: argument a: cannot be hidden: abc makes other arguments depend "
        "on its value");
    rows_check_refused(
        rows_abc("'allOf':[{'$ref':'#/x/d'}],'x':{'d':{'required':['a']}}"), RENAME_A,
        "tool made: argument a: cannot be renamed: the schema of abc names it behind "
        "a reference");
    rows_check_refused(rows_abc("'allOf':[{'$ref':'#/x/d'}],'x':{'d':{'required':['a']}}"), FILL_A,
                       "tool made: argument a: cannot be hidden: the schema of abc names it behind "
                       "a reference");
    rows_check_refused(rows_abc("'allOf':[{'$ref':'#/x/d'}],'x':{'d':{'required':['a']}}"),
                       DEFAULT_A,
                       "tool made: argument a: cannot have a default: the schema of abc names it "
                       "behind a reference");
    rows_check_refused(
        rows_abc("'$ref':'#d','$defs':{'d':{'$anchor':'d'}}"), RENAME_A,
        "tool made: argument a: cannot be renamed: the schema of abc may name it behind a "
        "reference that cannot be followed here");
    rows_check_refused(
        rows_abc("'enum':[{'a':'1'},{'b':'2'}]"), RENAME_A,
        "tool made: argument a: cannot be renamed: the schema of abc may name it as a whole "
        "(const or enum)");
    rows_check_refused(
        rows_abc("'patternProperties':{'^x':{'type':'integer'}}"), RENAME_A,
        "tool made: argument a: cannot be named x: patternProperties of abc says something of "
        "such names");
    rows_check_refused(
        rows_abc("'patternProperties':{'^a':{'minLength':2}}"), RENAME_A,
        "tool made: argument a: cannot be named x: patternProperties of abc says something of "
        "such names");
    rows_check_refused(
        rows_abc("'propertyNames':{'pattern':'^[abc]$'}"), RENAME_A,
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
    rows_check_refused(rows_abc("'required':['z']"), ROWS({.arg = "a", .name = "z"}),
                       "tool made: arguments a and z would both be named z");
    rows_check_refused(rows_abc("'anyOf':[{'required':['z']}]"), ROWS({.arg = "a", .name = "z"}),
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
    struct gn_component *c = rows_derive(rows_abc(gn_buf_str(&text)), NULL,
                                         rows_from("made", RENAME_A), &err);
    cr_expect_not_null(c, "%s", err.text);
    gn_component_unref(c);
    rows_check_refused(
        rows_abc(gn_buf_str(&text)), ROWS({.arg = "b", .name = "x"}),
        "tool made: argument b: cannot be renamed: the schema of abc names it behind a reference");
    gn_buf_release(&text);
}

/* ---------------------------------------------------------------- hostile parents */

Test(transform_rewrite, names_of_any_characters_are_found)
{
    static const char *const names[] = {"a/b",      "a~b",    "a%b", "a b",  "\xc3\xa4",
                                        "a#b",      "a\\\"b", "~1",  "$ref", "properties",
                                        "required", "%41",    ""};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        GN_AUTO_FREE char *schema = gn_format(
            "{\"type\":\"object\",\"properties\":{\"%s\":{\"type\":\"integer\",\"maximum\":5},"
            "\"A\":{\"type\":\"string\"},\"z\":{}},\"required\":[\"%s\"]}",
            names[i], names[i]);
        GN_AUTO_FREE char *plain = gn_strdup(strchr(names[i], '\\') ? "a\"b" : names[i]);
        struct gn_error err = {0};
        struct gn_component *c = rows_derive(rows_tool("t", schema), NULL,
                                             rows_from("made", ROWS({.arg = "z", .value = "1"})),
                                             &err);
        cr_expect_not_null(c, "%s: %s", names[i], err.text);
        gn_component_unref(c);
        if (!*plain)
            continue;
        c = rows_derive(rows_tool("t", schema), NULL,
                        rows_from("made", ROWS({.arg = plain, .name = "n", .value = "3"})), &err);
        cr_expect_not_null(c, "%s: %s", names[i], err.text);
        gn_component_unref(c);
        err = (struct gn_error){0};
        c = rows_derive(rows_tool("t", schema), NULL,
                        rows_from("made", ROWS({.arg = "z", .name = plain},
                                               {.arg = plain, .hide = true, .value = "6"})),
                        &err);
        cr_expect_null(c, "%s", names[i]);
        cr_expect_not_null(strstr(err.text, "its value does not fit what t takes"), "%s: %s",
                           names[i], err.text);
        gn_component_unref(c);
    }
}

#define REFUSED                                                                                    \
    "tool made: the schema of t cannot be rewritten: it has U+0000 in a text or a number beyond "  \
    "1e308"

Test(transform_rewrite, schemas_that_no_tree_holds_are_refused_or_made_right)
{
    static const char *const schemas[] = {
        "{\"type\":\"object\",\"properties\":{\"a\\u0000b\":{},\"a\":{\"type\":\"integer\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"maximum\":1e999}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":true,\"b\":false}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{}},\"required\":[\"a\",\"a\\u0000\"]}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$id\":\"http://x/y\",\"$ref\":\"#\"}}}",
        "{\"$id\":\"http://x/root\",\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"root#/"
        "$defs/d\"}},\"$defs\":{\"d\":{\"type\":\"integer\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$dynamicRef\":\"#n\"}},\"$defs\":{\"n\":{"
        "\"$dynamicAnchor\":\"n\"}}}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$ref\":\"#x\"}}}",
    };
    static const char *const expected[GN_COUNT(schemas)][4] = {
        {REFUSED, REFUSED, REFUSED, REFUSED},
        {REFUSED, REFUSED, REFUSED, REFUSED},
        {"{'type':'object','properties':{'a':{},'b':{'not':{}}}}",
         "{'type':'object','properties':{'b':{'not':{}}}}",
         "{'type':'object','properties':{'n':{},'b':{'not':{}}}}",
         "{'type':'object','properties':{'a':{'default':1},'b':{'not':{}}}}"},
        {REFUSED, REFUSED, REFUSED, REFUSED},
        {"{'type':'object','properties':{'a':{'$id':'http://x/y','$ref':'#'}}}",
         "{'type':'object'}",
         "{'type':'object','properties':{'n':{'$id':'http://x/y','$ref':'#'}}}",
         "tool made: argument a: its default does not fit what t takes: takes more steps or "
         "nesting to check than allowed"},
        {"{'$id':'http://x/root','type':'object','properties':{'a':{'$ref':'root#/$defs/d'}},"
         "'$defs':{'d':{'type':'integer'}}}",
         "{'$id':'http://x/root','type':'object'}",
         "{'$id':'http://x/root','type':'object','properties':{'n':{'$ref':'root#/$defs/d'}},"
         "'$defs':{'d':{'type':'integer'}}}",
         "{'$id':'http://x/root','type':'object','properties':{'a':{'$ref':'root#/$defs/d',"
         "'default':1}},'$defs':{'d':{'type':'integer'}}}"},
        {"{'type':'object','properties':{'a':{'$dynamicRef':'#n'}},"
         "'$defs':{'n':{'$dynamicAnchor':'n'}}}",
         "{'type':'object'}",
         "{'type':'object','properties':{'n':{'$dynamicRef':'#n'}},"
         "'$defs':{'n':{'$dynamicAnchor':'n'}}}",
         "{'type':'object','properties':{'a':{'$dynamicRef':'#n','default':1}},"
         "'$defs':{'n':{'$dynamicAnchor':'n'}}}"},
        {"{'type':'object','properties':{'a':{'$anchor':'x'},'b':{'$ref':'#x'}}}",
         "tool made: its schema: /properties/b/$ref: '#x' leads nowhere",
         "{'type':'object','properties':{'n':{'$anchor':'x'},'b':{'$ref':'#x'}}}",
         "{'type':'object','properties':{'a':{'$anchor':'x','default':1},'b':{'$ref':'#x'}}}"},
    };
    for (size_t i = 0; i < GN_COUNT(schemas); i++) {
        struct gn_error err = {0};
        for (int k = 0; k < 4; k++) {
            struct row row = {.arg = "a",
                              .hide = k == 1,
                              .name = k == 2 ? "n" : NULL,
                              .value = k == 3 ? "1" : NULL};
            struct gn_component *c = rows_derive(rows_tool("t", schemas[i]), NULL,
                                                 rows_from("made", &row, 1), &err);
            GN_AUTO_FREE char *text = rows_unquoted(c ? c->input_text : err.text);
            cr_expect_str_eq(text, expected[i][k], "%zu %d %s", i, k, text);
            gn_component_unref(c);
        }
    }
}

/* As many conditions on the value of `a` as that. */
static struct gn_component *of_conditions(int count, const char *condition)
{
    struct gn_buf text = GN_BUF_INIT(1u << 20);
    gn_buf_adds(&text, "'$defs':{'v':{'const':'v'}},'allOf':[{}");
    for (int i = 0; i < count; i++)
        gn_buf_addf(&text, ",{'if':{'properties':{'a':%s}},'then':{'required':['b']}}", condition);
    gn_buf_adds(&text, "]");
    struct gn_component *c = rows_abc(gn_buf_str(&text));
    gn_buf_release(&text);
    return c;
}

Test(transform_rewrite, conditions_on_a_hidden_value_are_settled_as_far_as_that_is_no_work)
{
    const struct {
        int count;
        const char *condition, *refused;
    } cases[] = {
        {100, "{'$ref':'#/$defs/v'}", NULL},
        {101, "{'$ref':'#/$defs/v'}",
         "tool made: argument a: cannot be hidden: abc makes other arguments depend on its value"},
        {1000, "{'const':'v'}", NULL},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct gn_error err = {0};
        struct gn_component *c = rows_derive(of_conditions(cases[i].count, cases[i].condition),
                                             NULL, rows_from("made", FILL_A), &err);
        cr_expect_eq(c == NULL, cases[i].refused != NULL, "%zu: %s", i, err.text);
        cr_expect_str_eq(err.text, cases[i].refused ? cases[i].refused : "");
        gn_component_unref(c);
    }
}
