/* transform_derive.c - a tool made from a tool: names, defaults, schemas, and every refusal. */
#include "registry/derive.h"

#include "call/call.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

GN_SUITE(transform_derive);

/* ---------------------------------------------------------------- parents */

static int run_nothing(gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_OK;
}

static struct gn_owner shop = {.name = "shop"};

static struct gn_component *tool(const char *name, const char *schema)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    struct gn_error err = {0};
    c->key = gn_strdup(name);
    c->name = gn_strdup(name);
    c->title = gn_strdup("Title");
    c->description = gn_strdup("Description");
    c->version = gn_strdup("1.0");
    c->owner = &shop;
    c->run = run_nothing;
    c->input_text = gn_strdup(schema);
    cr_assert_eq(gn_schema_compile(schema, strlen(schema), NULL, &c->input_schema, &err), 0, "%s",
                 err.text);
    return c;
}

#define CLOSED(properties, required)                                                               \
    "{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required                 \
    "],\"additionalProperties\":false}"

#define SEARCH                                                                                     \
    CLOSED("\"query\":{\"type\":\"string\",\"description\":\"What to look for\"},"                 \
           "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":10},"        \
           "\"key\":{\"type\":\"string\"}",                                                        \
           "\"query\",\"key\"")

static struct gn_component *search_tool(void)
{
    return tool("search", SEARCH);
}

/* ---------------------------------------------------------------- rows */

/* JSON text -> value; quotes may be written as '. */
static json_t *json(const char *text)
{
    if (!text)
        return NULL;
    GN_AUTO_FREE char *copy = gn_strdup(text);
    for (char *s = copy; *s; s++)
        *s = *s == '\'' ? '"' : *s;
    json_t *v = json_loads(copy, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(v, "%s", copy);
    return v;
}

struct row {
    const char *arg, *name, *title, *description, *value, *schema, *examples, *source;
    bool hide, required;
};

static void fill_row(struct gn_from_arg *a, const struct row *r)
{
    struct gn_error err = {0};
    *a = (struct gn_from_arg){
        .arg = gn_strdup(r->arg),
        .name = gn_strdup(r->name),
        .title = gn_strdup(r->title),
        .description = gn_strdup(r->description),
        .value = json(r->value),
        .schema = json(r->schema),
        .examples = json(r->examples),
        .hide = r->hide,
        .required = r->required,
    };
    if (r->source)
        cr_assert_eq(gn_source_parse(r->source, &a->source, &a->source_name, &err), 0, "%s",
                     err.text);
}

static struct gn_from *from_rows(const char *name, const struct row *rows, size_t count)
{
    struct gn_from *from = gn_from_new();
    from->name = gn_strdup(name);
    from->args = gn_calloc(count + 1, sizeof *from->args);
    from->arg_count = count;
    for (size_t i = 0; i < count; i++)
        fill_row(&from->args[i], &rows[i]);
    return from;
}
#define ROWS(...)                                                                                  \
    (const struct row[]){__VA_ARGS__},                                                             \
        sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row)

/* What comes of it; takes `from` over, and the parent. */
static struct gn_component *derive(struct gn_component *parent, struct gn_component *own,
                                   struct gn_from *from, struct gn_error *err)
{
    struct gn_component *c = NULL;
    int rc = gn_derive(NULL, from, own, parent, &c, err);
    cr_assert_eq(rc == 0, c != NULL);
    gn_from_free(from);
    gn_component_unref(parent);
    gn_component_unref(own);
    return c;
}

static char *unquoted(const char *text)
{
    char *copy = gn_strdup(text);
    for (char *s = copy; s && *s; s++)
        *s = *s == '"' ? '\'' : *s;
    return copy;
}

static void check_text(const char *got, const char *expected)
{
    GN_AUTO_FREE char *text = unquoted(got);
    cr_assert_not_null(text);
    cr_expect_str_eq(text, expected, "\n%s\nexpected\n%s", text, expected);
}

/* The schema that comes of it, with ' for quotes. */
static void check_schema(struct gn_component *parent, const struct row *rows, size_t count,
                         const char *expected)
{
    struct gn_error err = {0};
    struct gn_component *c = derive(parent, NULL, from_rows("made", rows, count), &err);
    cr_assert_not_null(c, "%s", err.text);
    check_text(c->input_text, expected);
    cr_expect_not_null(c->made);
    gn_component_unref(c);
}

/* What is refused, and in which words. */
static void check_refused(struct gn_component *parent, const struct row *rows, size_t count,
                          const char *expected)
{
    struct gn_error err = {0};
    struct gn_component *c = derive(parent, NULL, from_rows("made", rows, count), &err);
    cr_expect_null(c, "made, but expected was: %s", expected);
    cr_expect_str_eq(err.text, expected, "\n%s\nexpected\n%s", err.text, expected);
    cr_expect_eq(err.code, GN_EINVAL);
    gn_component_unref(c);
}

/* The same of what contradicts itself, without a parent. */
static void check_contradiction(const struct row *rows, size_t count, const char *expected)
{
    struct gn_error err = {0};
    struct gn_from *from = from_rows("made", rows, count);
    cr_expect_eq(gn_from_check(from, &err), *expected ? GN_EINVAL : GN_OK);
    cr_expect_str_eq(err.text, expected, "\n%s\nexpected\n%s", err.text, expected);
    gn_from_free(from);
}

/* ---------------------------------------------------------------- names and words */

Test(transform_derive, renames_and_describes_an_argument)
{
    check_schema(search_tool(),
                 ROWS({.arg = "query", .name = "q", .title = "Q", .description = "Words"}),
                 "{'type':'object','properties':{'q':{'type':'string','description':'Words',"
                 "'title':'Q'},'limit':{'type':'integer','minimum':1,'maximum':100,'default':10},"
                 "'key':{'type':'string'}},'required':['q','key'],'additionalProperties':false}");
}

Test(transform_derive, an_empty_text_takes_a_description_away)
{
    check_schema(search_tool(), ROWS({.arg = "query", .description = ""}),
                 "{'type':'object','properties':{'query':{'type':'string'},'limit':{'type':"
                 "'integer','minimum':1,'maximum':100,'default':10},'key':{'type':'string'}},"
                 "'required':['query','key'],'additionalProperties':false}");
}

Test(transform_derive, a_default_makes_an_argument_optional)
{
    check_schema(search_tool(),
                 ROWS({.arg = "key", .value = "'k'"}, {.arg = "limit", .value = "5"}),
                 "{'type':'object','properties':{'query':{'type':'string','description':'What to "
                 "look for'},'limit':{'type':'integer','minimum':1,'maximum':100,'default':5},"
                 "'key':{'type':'string','default':'k'}},'required':['query'],"
                 "'additionalProperties':false}");
}

Test(transform_derive, required_drops_the_default_of_the_parent)
{
    check_schema(search_tool(), ROWS({.arg = "limit", .required = true}),
                 "{'type':'object','properties':{'query':{'type':'string','description':'What to "
                 "look for'},'limit':{'type':'integer','minimum':1,'maximum':100},'key':{'type':"
                 "'string'}},'required':['query','key','limit'],'additionalProperties':false}");
}

Test(transform_derive, hidden_arguments_are_in_no_schema)
{
    check_schema(search_tool(),
                 ROWS({.arg = "key", .hide = true, .source = "secret:search"},
                      {.arg = "limit", .hide = true}),
                 "{'type':'object','properties':{'query':{'type':'string','description':'What to "
                 "look for'}},'required':['query'],'additionalProperties':false}");
}

Test(transform_derive, two_arguments_change_places)
{
    check_schema(search_tool(),
                 ROWS({.arg = "query", .name = "key"}, {.arg = "key", .name = "query"}),
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
    check_contradiction(ROWS({.arg = "a", .hide = true, .name = "b", .description = "c"}),
                        "argument a: is hidden, so nobody sees a new name; argument a: is hidden, "
                        "so nobody sees a description");
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
    check_refused(search_tool(), ROWS({.arg = "qery", .name = "q"}),
                  "tool made: search has no argument qery (did you mean query?)");
    check_refused(search_tool(), ROWS({.arg = "zzz", .name = "q"}, {.arg = "limt", .hide = true}),
                  "tool made: search has no argument zzz (it has query, limit, key); search has no "
                  "argument limt (did you mean limit?)");
    check_refused(tool("bare", "{\"type\":\"object\"}"), ROWS({.arg = "a"}),
                  "tool made: bare has no argument a (it has none)");
}

Test(transform_derive, no_two_arguments_end_with_one_name)
{
    check_refused(search_tool(), ROWS({.arg = "query", .name = "limit"}),
                  "tool made: arguments query and limit would both be named limit");
    check_refused(search_tool(), ROWS({.arg = "query", .name = "x"}, {.arg = "limit", .name = "x"}),
                  "tool made: arguments query and limit would both be named x");
}

Test(transform_derive, the_name_of_a_hidden_argument_is_free)
{
    check_schema(search_tool(),
                 ROWS({.arg = "query", .name = "limit"}, {.arg = "limit", .hide = true}),
                 "{'type':'object','properties':{'limit':{'type':'string','description':'What to "
                 "look for'},'key':{'type':'string'}},'required':['limit','key'],"
                 "'additionalProperties':false}");
}

Test(transform_derive, what_the_parent_requires_cannot_be_hidden_without_a_value)
{
    check_refused(search_tool(), ROWS({.arg = "query", .hide = true}),
                  "tool made: argument query: is hidden but required by search: give it a default "
                  "or a source");
}

/* ---------------------------------------------------------------- values */

Test(transform_derive, values_must_fit_what_the_parent_takes)
{
    check_refused(search_tool(), ROWS({.arg = "limit", .value = "0"}),
                  "tool made: argument limit: its default does not fit what search takes: expected "
                  "integer 1 to 100, got 0");
    check_refused(search_tool(), ROWS({.arg = "limit", .value = "'many'"}),
                  "tool made: argument limit: its default does not fit what search takes: expected "
                  "integer 1 to 100, got \"many\"");
    check_refused(
        search_tool(), ROWS({.arg = "key", .hide = true, .value = "7"}),
        "tool made: argument key: its value does not fit what search takes: expected string, "
        "got 7");
    check_refused(
        search_tool(), ROWS({.arg = "key", .hide = true, .value = "null"}),
        "tool made: argument key: its value does not fit what search takes: expected string, "
        "got null");
    check_refused(
        search_tool(), ROWS({.arg = "limit", .schema = "{'maximum':5}", .value = "6"}),
        "tool made: argument limit: its default does not fit its schema: expected integer 1 to "
        "5, got 6");
    check_refused(search_tool(), ROWS({.arg = "limit", .schema = "{'maximum':5}"}),
                  "tool made: argument limit: the default of search does not fit its new schema "
                  "(expected integer 1 to 5, got 10): give it one, or make it required");
    check_refused(
        search_tool(), ROWS({.arg = "limit", .examples = "[5,500]"}),
        "tool made: argument limit: example 2 does not fit: expected integer 1 to 100, got 500");
    check_refused(search_tool(), ROWS({.arg = "limit", .schema = "{'default':500}"}),
                  "tool made: argument limit: its default does not fit what search takes: expected "
                  "integer 1 to 100, got 500");
}

Test(transform_derive, all_problems_stand_in_one_text)
{
    check_refused(
        search_tool(),
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
    struct gn_component *c = derive(search_tool(), NULL, from_rows("made", rows, GN_COUNT(rows)),
                                    &err);
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
    struct gn_from *from = from_rows("made", &row, 1);
    struct gn_component *parent = search_tool(), *c = NULL;
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
    struct gn_component *c = derive(search_tool(), NULL, from_rows("made", &row, 1), &err);
    cr_assert_not_null(c, "%s", err.text);
    json_t *root = json_loads(c->input_text, 0, NULL);
    GN_AUTO_FREE char *text = json_dumps(
        json_object_get(json_object_get(root, "properties"), "limit"), JSON_COMPACT);
    check_text(text, expected);
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
                   "{'enum':[5,7],'description':'d','default':5}");
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
        check_refused(search_tool(),
                      ROWS({.arg = "limit", .required = true, .schema = rows[i].schema}),
                      rows[i].expected);
}

/* ---------------------------------------------------------------- definitions and references */

#define WITH_DEFS                                                                                  \
    "{\"type\":\"object\",\"properties\":{"                                                        \
    "\"place\":{\"$ref\":\"#/$defs/place\"},"                                                      \
    "\"unit\":{\"$ref\":\"#/$defs/unit\"},"                                                        \
    "\"depth\":{\"type\":\"integer\"}},"                                                           \
    "\"required\":[\"place\"],"                                                                    \
    "\"$defs\":{\"place\":{\"type\":\"object\",\"properties\":{\"city\":{\"$ref\":"                \
    "\"#/$defs/city\"}}},\"city\":{\"type\":\"string\"},\"unit\":{\"enum\":[\"C\",\"F\"]}}}"

Test(transform_derive, definitions_that_nobody_needs_are_left_out)
{
    check_schema(tool("weather", WITH_DEFS), ROWS({.arg = "unit", .hide = true, .value = "'C'"}),
                 "{'type':'object','properties':{'place':{'$ref':'#/$defs/place'},"
                 "'depth':{'type':'integer'}},'required':['place'],"
                 "'$defs':{'place':{'type':'object',"
                 "'properties':{'city':{'$ref':'#/$defs/city'}}},'city':{'type':'string'}}}");
    check_schema(tool("weather", WITH_DEFS), ROWS({.arg = "place", .hide = true, .value = "{}"}),
                 "{'type':'object','properties':{'unit':{'$ref':'#/$defs/unit'},"
                 "'depth':{'type':'integer'}},'$defs':{'unit':{'enum':['C','F']}}}");
    check_schema(tool("weather", WITH_DEFS),
                 ROWS({.arg = "unit", .schema = "{'type':'string','const':'F'}"},
                      {.arg = "place", .name = "where", .description = "A place"}),
                 "{'type':'object','properties':{'where':{'$ref':'#/$defs/place',"
                 "'description':'A "
                 "place'},'unit':{'type':'string','const':'F'},'depth':{'type':'integer'}},"
                 "'required':['where'],'$defs':{'place':{'type':'object',"
                 "'properties':{'city':{'$ref':'#/$defs/city'}}},'city':{'type':'string'}}}");
}

Test(transform_derive, values_are_checked_behind_references)
{
    check_refused(tool("weather", WITH_DEFS), ROWS({.arg = "unit", .hide = true, .value = "'K'"}),
                  "tool made: argument unit: its value does not fit what weather takes: "
                  "expected one of \"C\", \"F\", got \"K\"");
    check_refused(tool("weather", WITH_DEFS), ROWS({.arg = "place", .value = "{'city':5}"}),
                  "tool made: argument place: its default does not fit what weather takes: /city: "
                  "expected string, got 5");
    check_refused(tool("weather", WITH_DEFS), ROWS({.arg = "unit", .schema = "{'const':'K'}"}),
                  "tool made: argument unit: weather takes none of the values that its schema "
                  "allows");
}

#define TREE                                                                                       \
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"alias\":{\"$ref\":"     \
    "\"#/properties/name\"},\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}}"         \
    ",\"required\":[\"name\"],\"additionalProperties\":false}"

Test(transform_derive, references_into_the_schema_itself_keep_their_meaning)
{
    struct gn_error err = {0};
    check_schema(
        tool("tree", TREE), ROWS({.arg = "name", .name = "label"}),
        "{'type':'object','properties':{'label':{'type':'string'},"
        "'alias':{'$ref':'#/$defs/tree/properties/name'},'children':{'type':'array',"
        "'items':{'$ref':'#/$defs/tree'}}},'required':['label'],'additionalProperties':false,"
        "'$defs':{'tree':{'type':'object','properties':{'name':{'type':'string'},"
        "'alias':{'$ref':'#/$defs/tree/properties/name'},'children':{'type':'array',"
        "'items':{'$ref':'#/$defs/tree'}}},'required':['name'],'additionalProperties':false}}}");
    struct gn_component *c = derive(
        tool("tree", TREE), NULL, from_rows("made", ROWS({.arg = "name", .name = "label"})), &err);
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

Test(transform_derive, references_to_what_stays_are_left_alone)
{
    check_schema(
        tool("pair", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
                     "\"b\":{\"$ref\":\"#/properties/a\"}}}"),
        ROWS({.arg = "b", .name = "c"}),
        "{'type':'object','properties':{'a':{'type':'string'},'c':{'$ref':'#/properties/a'}}}");
}

Test(transform_derive, draft_7_has_nothing_beside_a_reference)
{
    check_schema(
        tool("old", "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":"
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
    return tool("abc", schema);
}

/* What becomes of the keywords. */
static void check_keywords(const char *keywords, const struct row *rows, size_t count,
                           const char *expected)
{
    struct gn_error err = {0};
    struct gn_component *c = derive(with(keywords), NULL, from_rows("made", rows, count), &err);
    cr_assert_not_null(c, "%s: %s", keywords, err.text);
    json_t *root = json_loads(c->input_text, 0, NULL);
    json_object_del(root, "type");
    json_object_del(root, "properties");
    GN_AUTO_FREE char *text = json_dumps(root, JSON_COMPACT);
    check_text(text, expected);
    json_decref(root);
    gn_component_unref(c);
}

#define RENAME_A ROWS({.arg = "a", .name = "x"})
#define HIDE_A ROWS({.arg = "a", .hide = true})
#define FILL_A ROWS({.arg = "a", .hide = true, .value = "'v'"})
#define DEFAULT_A ROWS({.arg = "a", .value = "'v'"})
#define SCOPE_A ROWS({.arg = "a", .hide = true, .source = "scope:a"})

Test(transform_derive, names_in_other_keywords_are_rewritten)
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

Test(transform_derive, what_is_always_there_need_not_be_asked_for)
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

Test(transform_derive, counts_are_without_what_is_hidden)
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
    check_refused(with("'maxProperties':0"), FILL_A,
                  "tool made: abc takes fewer arguments than there are hidden ones");
}

Test(transform_derive, what_cannot_be_rewritten_is_refused)
{
    check_refused(
        with("'anyOf':[{'required':['a']},{'required':['b']}]"), HIDE_A,
        "tool made: argument a: cannot be hidden without a value: required within the schema "
        "of abc asks for it");
    check_refused(
        with("'dependentRequired':{'b':['a']}"), HIDE_A,
        "tool made: argument a: cannot be hidden without a value: dependentRequired within the "
        "schema of abc asks for it");
    check_refused(with("'if':{'properties':{'a':{'const':'1'}}},'then':{'required':['b']}"), FILL_A,
                  "tool made: argument a: cannot be hidden: abc makes other arguments depend "
                  "on its value");
    check_refused(with("'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'required':['a']}}"), RENAME_A,
                  "tool made: argument a: cannot be renamed: the schema of abc names it behind "
                  "a reference");
    check_refused(with("'allOf':[{'$ref':'#/$defs/d'}],'$defs':{'d':{'required':['a']}}"), FILL_A,
                  "tool made: argument a: cannot be hidden: the schema of abc names it behind "
                  "a reference");
    check_refused(
        with("'$ref':'#d','$defs':{'d':{'$anchor':'d'}}"), RENAME_A,
        "tool made: argument a: cannot be renamed: the schema of abc may name it behind a "
        "reference that cannot be followed here");
    check_refused(
        with("'enum':[{'a':'1'},{'b':'2'}]"), RENAME_A,
        "tool made: argument a: cannot be renamed: the schema of abc may name it as a whole "
        "(const or enum)");
    check_refused(
        with("'patternProperties':{'^x':{'type':'integer'}}"), RENAME_A,
        "tool made: argument a: cannot be named x: patternProperties of abc says something of "
        "such names");
    check_refused(
        with("'patternProperties':{'^a':{'minLength':2}}"), RENAME_A,
        "tool made: argument a: cannot be named x: patternProperties of abc says something of "
        "such names");
    check_refused(with("'propertyNames':{'pattern':'^[abc]$'}"), RENAME_A,
                  "tool made: argument a: cannot be named x: propertyNames of abc refuses that");
}

Test(transform_derive, what_does_not_concern_the_change_is_no_hindrance)
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

Test(transform_derive, arguments_that_only_other_keywords_name_are_known)
{
    check_keywords(
        "'oneOf':[{'properties':{'z':{'type':'integer'}},'required':['z']},{'required':["
        "'a']}]",
        ROWS({.arg = "z", .name = "y"}),
        "{'oneOf':[{'properties':{'y':{'type':'integer'}},'required':['y']},{'required':['a']}]}");
    check_refused(with("'required':['z']"), ROWS({.arg = "a", .name = "z"}),
                  "tool made: arguments a and z would both be named z");
    check_refused(with("'anyOf':[{'required':['z']}]"), ROWS({.arg = "a", .name = "z"}),
                  "tool made: arguments a and z would both be named z");
}

Test(transform_derive, deep_and_wide_schemas_end)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    gn_buf_adds(&text, "'$defs':{");
    for (int i = 0; i < 30; i++) /* 2^30 ways to the last one */
        gn_buf_addf(&text, "'d%d':{'allOf':[{'$ref':'#/$defs/d%d'},{'$ref':'#/$defs/d%d'}]},", i,
                    i + 1, i + 1);
    gn_buf_adds(&text, "'d30':{'required':['b']}},'allOf':[{'$ref':'#/$defs/d0'}]");
    struct gn_error err = {0};
    struct gn_component *c = derive(with(gn_buf_str(&text)), NULL, from_rows("made", RENAME_A),
                                    &err);
    cr_expect_not_null(c, "%s", err.text);
    gn_component_unref(c);
    check_refused(
        with(gn_buf_str(&text)), ROWS({.arg = "b", .name = "x"}),
        "tool made: argument b: cannot be renamed: the schema of abc names it behind a reference");
    gn_buf_release(&text);
}
