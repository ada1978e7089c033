/* transform_meaning.c - a tool made from a tool: what fits it is what fits its parent. */
#include "transform_rows.h"

#include "call/call.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

GN_SUITE(transform_meaning);

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
    "'$schema':'http://json-schema.org/draft-07/schema#','dependencies':{'a':['b'],"
    "'c':{'required':["
    "'a']}}",
    "'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'required':['a']}}",
    "'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'properties':{'c':{'minLength':2}}}}",
    "'anyOf':[{'$ref':'#/$defs/d'},{'$ref':'#/$defs/e'}],'$defs':{'d':{'required':['a','b']},"
    "'e':{'if':{'required':['b']},'then':{'$ref':'#/$defs/d'},'else':{'required':['c']}}}",
    "'$ref':'#/$defs/d','$defs':{'d':{'dependentSchemas':{'a':{'$ref':'#/$defs/e'}}},'e':{'not':{"
    "'required':['c']}}}",
};

static void compare_with(const char *what, const struct row *rows, size_t count, bool but_counts,
                         size_t at_least)
{
    size_t made = 0, fit = 0;
    for (size_t i = 0; i < GN_COUNT(all_keywords); i++) {
        struct gn_error err = {0};
        if (but_counts && strstr(all_keywords[i], "Properties':"))
            continue;
        struct gn_component *c = rows_derive(rows_abc(all_keywords[i]), NULL,
                                             rows_from("made", rows, count), &err);
        if (c)
            fit += compare_all(c, all_keywords[i]);
        made += c != NULL;
        gn_component_unref(c);
    }
    cr_expect_geq(made, at_least, "%s: %zu made", what, made);
    cr_expect_gt(fit, made, "%s: %zu fit", what, fit);
}

Test(transform_meaning, what_fits_the_tool_is_what_fits_its_parent)
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
