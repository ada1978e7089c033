/* transform_derive.c - a tool made from a tool: names, defaults, sources, schemas, and every
 * refusal.
 */
#include "transform_rows.h"

#include "call/call.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

GN_SUITE(transform_derive);

/* What contradicts itself, without a parent. */
static void check_contradiction(const struct row *rows, size_t count, const char *expected)
{
    struct gn_error err = {0};
    struct gn_from *from = rows_from("made", rows, count);
    cr_expect_eq(gn_from_check(from, &err), *expected ? GN_EINVAL : GN_OK);
    cr_expect_str_eq(err.text, expected, "\n%s\nexpected\n%s", err.text, expected);
    gn_from_free(from);
}

/* ---------------------------------------------------------------- names and words */

Test(transform_derive, renames_and_describes_an_argument)
{
    rows_check_schema(
        rows_search_tool(),
        ROWS({.arg = "query", .name = "q", .title = "Q", .description = "Words"}),
        "{'type':'object','properties':{'q':{'type':'string','description':'Words',"
        "'title':'Q'},'limit':{'type':'integer','minimum':1,'maximum':100,'default':10},"
        "'key':{'type':'string'}},'required':['q','key'],'additionalProperties':false}");
}

Test(transform_derive, an_empty_text_takes_a_description_away)
{
    rows_check_schema(rows_search_tool(), ROWS({.arg = "query", .description = ""}),
                      "{'type':'object','properties':{'query':{'type':'string'},'limit':{'type':"
                      "'integer','minimum':1,'maximum':100,'default':10},'key':{'type':'string'}},"
                      "'required':['query','key'],'additionalProperties':false}");
}

Test(transform_derive, a_default_makes_an_argument_optional)
{
    rows_check_schema(
        rows_search_tool(), ROWS({.arg = "key", .value = "'k'"}, {.arg = "limit", .value = "5"}),
        "{'type':'object','properties':{'query':{'type':'string','description':'What to "
        "look for'},'limit':{'type':'integer','minimum':1,'maximum':100,'default':5},"
        "'key':{'type':'string','default':'k'}},'required':['query'],"
        "'additionalProperties':false}");
}

Test(transform_derive, required_drops_the_default_of_the_parent)
{
    rows_check_schema(
        rows_search_tool(), ROWS({.arg = "limit", .required = true}),
        "{'type':'object','properties':{'query':{'type':'string','description':'What to "
        "look for'},'limit':{'type':'integer','minimum':1,'maximum':100},'key':{'type':"
        "'string'}},'required':['query','key','limit'],'additionalProperties':false}");
}

Test(transform_derive, hidden_arguments_are_in_no_schema)
{
    rows_check_schema(
        rows_search_tool(),
        ROWS({.arg = "key", .hide = true, .source = "secret:search"},
             {.arg = "limit", .hide = true}),
        "{'type':'object','properties':{'query':{'type':'string','description':'What to "
        "look for'}},'required':['query'],'additionalProperties':false}");
}

Test(transform_derive, two_arguments_change_places)
{
    rows_check_schema(
        rows_search_tool(), ROWS({.arg = "query", .name = "key"}, {.arg = "key", .name = "query"}),
        "{'type':'object','properties':{'key':{'type':'string','description':'What to "
        "look for'},'limit':{'type':'integer','minimum':1,'maximum':100,'default':10},"
        "'query':{'type':'string'}},'required':['key','query'],"
        "'additionalProperties':false}");
}

/* ---------------------------------------------------------------- contradictions */

Test(transform_derive, what_contradicts_itself_is_refused_without_a_parent)
{
    check_contradiction(ROWS({.arg = "a", .hide = true, .required = true}),
                        "argument a: cannot be hidden and required");
    check_contradiction(ROWS({.arg = "a", .hide = true, .value = "1", .source = "uuid"}),
                        "argument a: cannot have a default and a source");
    check_contradiction(ROWS({.arg = "a", .required = true, .value = "1"}),
                        "argument a: cannot be required and have a default");
    check_contradiction(ROWS({.arg = "a", .source = "now"}),
                        "argument a: only a hidden argument can have a source");
    check_contradiction(ROWS({.arg = "a", .required = true, .source = "now"}),
                        "argument a: only a hidden argument can have a source; argument a: cannot "
                        "be required and have a source");
    check_contradiction(ROWS({.arg = "a", .value = "1"}, {.arg = "a", .hide = true}),
                        "argument a: has two rows");
    check_contradiction(ROWS({.arg = "a", .name = "x"}, {.arg = "b", .name = "x"}),
                        "arguments a and b would both be named x");
    check_contradiction(ROWS({.arg = "a", .name = ""}), "argument a: its new name is empty");
    check_contradiction(ROWS({.arg = "", .name = "x"}), "a row has no argument");
    /* hide is a switch: what nobody sees contradicts nothing */
    check_contradiction(ROWS({.arg = "a", .hide = true, .name = "b", .description = "c"}), "");
    check_contradiction(ROWS({.arg = "a", .hide = true, .name = "b"}, {.arg = "c", .name = "b"}),
                        "");
    check_contradiction(ROWS({.arg = "a", .schema = "{'default':1}", .value = "2"}),
                        "argument a: its schema has another default than it has");
    check_contradiction(ROWS({.arg = "a", .schema = "{'default':1}", .required = true}),
                        "argument a: cannot be required and have a default in its schema");
    check_contradiction(ROWS({.arg = "a", .examples = "{}"}),
                        "argument a: its examples are not an array");
    check_contradiction(ROWS({.arg = "a", .schema = "true"}),
                        "argument a: its schema is not an object");
    check_contradiction(ROWS({.arg = "a", .hide = true, .value = "null"}), "");
}

/* ---------------------------------------------------------------- against the parent */

Test(transform_derive, unknown_arguments_are_named_with_what_was_meant)
{
    rows_check_refused(rows_search_tool(), ROWS({.arg = "qery", .name = "q"}),
                       "tool made: search has no argument qery (did you mean query?)");
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "zzz", .name = "q"}, {.arg = "limt", .hide = true}),
        "tool made: search has no argument zzz (it has query, limit, key); search has no "
        "argument limt (did you mean limit?)");
    rows_check_refused(rows_tool("bare", "{\"type\":\"object\"}"), ROWS({.arg = "a"}),
                       "tool made: bare has no argument a (it has none)");
}

Test(transform_derive, no_two_arguments_end_with_one_name)
{
    rows_check_refused(rows_search_tool(), ROWS({.arg = "query", .name = "limit"}),
                       "tool made: arguments query and limit would both be named limit");
    rows_check_refused(rows_search_tool(),
                       ROWS({.arg = "query", .name = "x"}, {.arg = "limit", .name = "x"}),
                       "tool made: arguments query and limit would both be named x");
}

Test(transform_derive, the_name_of_a_hidden_argument_is_free)
{
    rows_check_schema(
        rows_search_tool(), ROWS({.arg = "query", .name = "limit"}, {.arg = "limit", .hide = true}),
        "{'type':'object','properties':{'limit':{'type':'string','description':'What to "
        "look for'},'key':{'type':'string'}},'required':['limit','key'],"
        "'additionalProperties':false}");
}

Test(transform_derive, what_the_parent_requires_cannot_be_hidden_without_a_value)
{
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "query", .hide = true}),
        "tool made: argument query: is hidden but required by search: give it a default "
        "or a source");
}

/* ---------------------------------------------------------------- values */

Test(transform_derive, values_must_fit_what_the_parent_takes)
{
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "limit", .value = "0"}),
        "tool made: argument limit: its default does not fit what search takes: expected "
        "integer 1 to 100, got 0");
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "limit", .value = "'many'"}),
        "tool made: argument limit: its default does not fit what search takes: expected "
        "integer 1 to 100, got \"many\"");
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "key", .hide = true, .value = "7"}),
        "tool made: argument key: its value does not fit what search takes: expected string");
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "key", .hide = true, .value = "null"}),
        "tool made: argument key: its value does not fit what search takes: expected string");
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "limit", .schema = "{'maximum':5}", .value = "6"}),
        "tool made: argument limit: its default does not fit its schema: expected integer 1 to "
        "5, got 6");
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "limit", .schema = "{'maximum':5}"}),
        "tool made: argument limit: the default of search does not fit its new schema "
        "(expected integer 1 to 5, got 10): give it one, or make it required");
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "limit", .examples = "[5,500]"}),
        "tool made: argument limit: example 2 does not fit: expected integer 1 to 100, got 500");
    rows_check_refused(
        rows_search_tool(), ROWS({.arg = "limit", .schema = "{'default':500}"}),
        "tool made: argument limit: its default does not fit what search takes: expected "
        "integer 1 to 100, got 500");
}

Test(transform_derive, all_problems_stand_in_one_text)
{
    rows_check_refused(
        rows_search_tool(),
        ROWS({.arg = "nothing", .name = "x"}, {.arg = "query", .hide = true},
             {.arg = "limit", .name = "key", .value = "1000"}),
        "tool made: search has no argument nothing (it has query, limit, key); argument query: "
        "is hidden but required by search: give it a default or a source; arguments limit and "
        "key would both be named key; argument limit: its default does not fit what search "
        "takes: expected integer 1 to 100, got 1000");
}

Test(transform_derive, a_long_list_of_problems_is_cut)
{
    struct row rows[60];
    char names[60][8];
    struct gn_error err = {0};
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        snprintf(names[i], sizeof names[i], "zz%zu", i);
        rows[i] = (struct row){.arg = names[i]};
    }
    struct gn_component *c = rows_derive(rows_search_tool(), NULL,
                                         rows_from("made", rows, GN_COUNT(rows)), &err);
    cr_expect_null(c);
    cr_expect_not_null(strstr(err.text, "search has no argument zz0 "), "%s", err.text);
    cr_expect_not_null(strstr(err.text, "; and "), "%s", err.text);
    cr_expect(gn_ends_with(err.text, " more"), "%s", err.text);
}

/* ---------------------------------------------------------------- sources */

Test(transform_derive, sources_are_read)
{
    static const struct {
        const char *text;
        enum gn_source source;
        const char *name;
    } good[] = {
        {"uuid", GN_SOURCE_UUID, NULL},           {"now", GN_SOURCE_NOW, NULL},
        {"principal", GN_SOURCE_PRINCIPAL, NULL}, {"env:HOME", GN_SOURCE_ENV, "HOME"},
        {"scope:a:b", GN_SOURCE_SCOPE, "a:b"},    {"secret:key", GN_SOURCE_SECRET, "key"},
    };
    static const char *const bad[][2] = {
        {"", "there is no source : there are uuid, now, principal, env:VARIABLE, scope:VARIABLE "
             "and secret:NAME"},
        {"uid", "there is no source uid (did you mean uuid?): there are uuid, now, principal, "
                "env:VARIABLE, scope:VARIABLE and secret:NAME"},
        {"env", "source env: a name is missing: env:NAME"},
        {"env:", "source env:: a name is missing: env:NAME"},
        {"env:A=B", "source env:A=B: no variable has \"=\" in its name"},
        {"uuid:4", "source uuid:4: uuid takes no name"},
        {"secre:x", "there is no source secre:x (did you mean secret?): there are uuid, now, "
                    "principal, env:VARIABLE, scope:VARIABLE and secret:NAME"},
    };
    for (size_t i = 0; i < GN_COUNT(good); i++) {
        enum gn_source source = GN_SOURCE_NONE;
        GN_AUTO_FREE char *name = NULL;
        struct gn_error err = {0};
        cr_expect_eq(gn_source_parse(good[i].text, &source, &name, &err), 0, "%s", err.text);
        cr_expect_eq(source, good[i].source);
        cr_expect(gn_streq(name, good[i].name));
    }
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        enum gn_source source = GN_SOURCE_NOW;
        char *name = NULL;
        struct gn_error err = {0};
        cr_expect_eq(gn_source_parse(bad[i][0], &source, &name, &err), GN_EINVAL);
        cr_expect_str_eq(err.text, bad[i][1], "%s", err.text);
        cr_expect_eq(source, GN_SOURCE_NONE);
        cr_expect_null(name);
    }
}

static const char *secret_of(void *arg, const char *name)
{
    (void)arg;
    return gn_streq(name, "known") ? "s3cret" : NULL;
}

static void check_source(const char *arg, const char *source, const char *expected)
{
    struct gn_call_env env = {.secret = secret_of};
    struct row row = {.arg = arg, .hide = true, .source = source};
    struct gn_from *from = rows_from("made", &row, 1);
    struct gn_component *parent = rows_search_tool(), *c = NULL;
    struct gn_error err = {0};
    cr_expect_eq(gn_derive(&env, from, NULL, parent, &c, &err), *expected ? GN_EINVAL : GN_OK);
    cr_expect_str_eq(err.text, expected, "%s", err.text);
    cr_expect_eq(c != NULL, *expected == '\0');
    gn_component_unref(c);
    gn_component_unref(parent);
    gn_from_free(from);
}

Test(transform_derive, sources_must_be_there_and_give_what_the_parent_takes)
{
    setenv("GN_TRANSFORM_SET", "5", 1);
    unsetenv("GN_TRANSFORM_UNSET");
    check_source("key", "secret:known", "");
    check_source("key", "secret:other", "tool made: argument key: there is no secret other");
    check_source("limit", "env:GN_TRANSFORM_SET", "");
    check_source("key", "env:GN_TRANSFORM_UNSET",
                 "tool made: argument key: environment variable GN_TRANSFORM_UNSET is not set");
    check_source("limit", "scope:limit", "");
    check_source("key", "uuid", "");
    check_source("limit", "uuid",
                 "tool made: argument limit: its source gives a string, but search takes none "
                 "there");
    check_source("limit", "now",
                 "tool made: argument limit: its source gives a string, but search takes none "
                 "there");
    check_source("limit", "principal",
                 "tool made: argument limit: its source gives a string, but search takes none "
                 "there");
}

/* ---------------------------------------------------------------- schemas over schemas */

/* Of the property `limit`. */
static void check_override(const char *schema, const char *expected)
{
    struct row row = {.arg = "limit", .schema = schema, .value = "5"};
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(rows_search_tool(), NULL, rows_from("made", &row, 1),
                                         &err);
    cr_assert_not_null(c, "%s", err.text);
    json_t *root = json_loads(c->input_text, 0, NULL);
    GN_AUTO_FREE char *text = json_dumps(
        json_object_get(json_object_get(root, "properties"), "limit"), JSON_COMPACT);
    rows_check_text(text, expected);
    cr_expect(c->made->checks);
    json_decref(root);
    gn_component_unref(c);
}

Test(transform_derive, a_type_takes_the_place_of_all_that_the_parent_says_of_values)
{
    check_override("{'type':'number'}", "{'type':'number','default':5}");
    check_override("{'type':['integer','string'],'maxLength':3}",
                   "{'type':['integer','string'],'maxLength':3,'default':5}");
    check_override("{'enum':[5,7],'description':'d'}",
                   "{'type':'integer','enum':[5,7],'description':'d','default':5}");
}

Test(transform_derive, other_keywords_are_put_on_top)
{
    check_override("{'maximum':20}", "{'type':'integer','minimum':1,'maximum':20,'default':5}");
    check_override("{'multipleOf':5,'deprecated':true}",
                   "{'type':'integer','minimum':1,'maximum':100,'default':5,'multipleOf':5,"
                   "'deprecated':true}");
}

Test(transform_derive, a_schema_that_the_parent_cannot_satisfy_is_refused)
{
    static const struct {
        const char *schema, *expected;
    } rows[] = {
        {"{'type':'string'}",
         "tool made: argument limit: its schema takes string, search takes integer"},
        {"{'type':['boolean','null']}",
         "tool made: argument limit: its schema takes null or boolean, search takes integer"},
        {"{'enum':[0,101]}",
         "tool made: argument limit: search takes none of the values that its schema allows"},
        {"{'const':1000}",
         "tool made: argument limit: search takes none of the values that its schema allows"},
        {"{'minimum':101}",
         "tool made: argument limit: nothing that its schema allows is within the limits of "
         "search"},
        {"{'type':'integer','exclusiveMinimum':100}",
         "tool made: argument limit: nothing that its schema allows is within the limits of "
         "search"},
        {"{'type':'number','maximum':0}",
         "tool made: argument limit: nothing that its schema allows is within the limits of "
         "search"},
        {"{'oneOf':[{'const':0},{'const':-1}]}",
         "tool made: argument limit: search takes none of the values that its schema allows"},
        {"{'maximum':'x'}",
         "tool made: its schema: /properties/limit/maximum: a schema has a number here, not \"x\""},
        {"{'$ref':'#/$defs/none'}",
         "tool made: its schema: /properties/limit/$ref: \"#/$defs/none\" leads nowhere"},
        {"{'minimum':1.5,'maximum':1.2}",
         "tool made: argument limit: nothing that its schema allows is within the limits of "
         "search"},
    };
    for (size_t i = 0; i < GN_COUNT(rows); i++)
        rows_check_refused(rows_search_tool(),
                           ROWS({.arg = "limit", .required = true, .schema = rows[i].schema}),
                           rows[i].expected);
}
