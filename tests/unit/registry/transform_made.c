/* transform_made.c - a tool made from a tool: its words, its code, and what its calls need to know.
 */
#include "transform_rows.h"

#include "call/call.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

GN_SUITE(transform_made);

/* ---------------------------------------------------------------- what calls need to know */

static const struct gn_made_arg *made_arg(const struct gn_component *c, const char *name)
{
    return gn_map_find(&c->made->by_name, name);
}

static void check_value(const struct gn_made_arg *a, const char *expected)
{
    struct gn_buf text = GN_BUF_INIT(4096);
    cr_assert_not_null(a);
    if (gn_json_root(&a->value))
        gn_json_write(&text, gn_json_root(&a->value));
    GN_AUTO_FREE char *got = rows_unquoted(gn_buf_str(&text));
    cr_expect_str_eq(got, expected, "%s, expected %s", got, expected);
    gn_buf_release(&text);
}

Test(transform_made, calls_find_each_argument_by_the_names_that_concern_it)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(
        rows_search_tool(), NULL,
        rows_from("made", ROWS({.arg = "query", .name = "limit"},
                               {.arg = "limit", .hide = true, .value = "7"},
                               {.arg = "key", .name = "k", .value = "'x'"})),
        &err);
    cr_assert_not_null(c, "%s", err.text);
    cr_expect_eq(c->made->count, 3);
    cr_expect_eq(c->made->by_name.count, 4);
    cr_expect_not(c->made->checks);
    cr_expect_not(c->made->is_around);
    const struct gn_made_arg *limit = made_arg(c, "limit"), *query = made_arg(c, "query"),
                             *k = made_arg(c, "k"), *key = made_arg(c, "key");
    cr_expect_str_eq(limit->name, "limit");
    cr_expect_str_eq(limit->parent_name, "query");
    cr_expect_eq(query, limit);
    cr_expect(limit->is_required);
    check_value(limit, "");
    cr_expect_eq(key, k);
    cr_expect_str_eq(k->parent_name, "key");
    check_value(k, "'x'");
    const struct gn_made_arg *hidden = &c->made->v[1];
    cr_expect_null(hidden->name);
    cr_expect_str_eq(hidden->parent_name, "limit");
    cr_expect_eq(hidden->source, GN_SOURCE_VALUE);
    cr_expect_not(hidden->is_required);
    check_value(hidden, "7");
    gn_component_unref(c);
}

Test(transform_made, arguments_with_new_words_only_are_not_in_the_way_of_calls)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(
        rows_search_tool(), NULL, rows_from("made", ROWS({.arg = "query", .description = "d"})),
        &err);
    cr_assert_not_null(c, "%s", err.text);
    cr_expect_eq(c->made->count, 0);
    cr_expect_eq(c->made->by_name.count, 0);
    cr_expect_not(c->made->checks);
    gn_component_unref(c);
    c = rows_derive(rows_search_tool(), NULL,
                    rows_from("made", ROWS({.arg = "limit", .required = true})), &err);
    cr_assert_not_null(c, "%s", err.text);
    cr_expect(c->made->checks);
    gn_component_unref(c);
}

Test(transform_made, what_the_parent_requires_though_it_has_a_default_is_written_out)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(
        rows_tool("t", CLOSED("\"a\":{\"type\":\"integer\",\"default\":3}", "\"a\"")), NULL,
        rows_from("made", ROWS({.arg = "a", .hide = true})), &err);
    cr_assert_not_null(c, "%s", err.text);
    cr_expect_eq(c->made->v[0].source, GN_SOURCE_VALUE);
    check_value(&c->made->v[0], "3");
    rows_check_text(c->input_text, "{'type':'object','additionalProperties':false}");
    gn_component_unref(c);
}

/* ---------------------------------------------------------------- words and code */

static struct gn_component *made_by(struct gn_from *from, struct gn_component *own)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(rows_search_tool(), own, from, &err);
    cr_assert_not_null(c, "%s", err.text);
    return c;
}

Test(transform_made, what_is_not_said_is_as_the_parent_has_it)
{
    struct gn_component *c = made_by(rows_from(NULL, NULL, 0), NULL);
    cr_expect_str_eq(c->key, "search");
    cr_expect_str_eq(c->title, "Title");
    cr_expect_str_eq(c->description, "Description");
    cr_expect_str_eq(c->version, "1.0");
    cr_expect_null(c->made);
    cr_expect_eq(c->input_schema, c->parent->input_schema);
    cr_expect_eq(c->input_text, c->parent->input_text);
    cr_expect_eq(c->run, rows_run);
    cr_expect_eq(c->owner, &rows_shop);
    gn_component_unref(c);
}

static char **texts(const char *a)
{
    char **v = gn_calloc(2, sizeof *v);
    v[0] = gn_strdup(a);
    return v;
}

Test(transform_made, words_are_replaced_or_taken_away)
{
    struct gn_from *from = rows_from("made", NULL, 0);
    from->title = gn_strdup("");
    from->description = gn_strdup("Other");
    from->version = gn_strdup("2.0");
    from->tags = texts("tag");
    from->meta = rows_json("{'a':1}");
    from->read_only = GANTRY_YES;
    from->icons = gn_calloc(1, sizeof *from->icons);
    from->icons[0].src = gn_strdup("https://example.org/i.png");
    from->icon_count = 1;
    struct gn_component *c = made_by(from, NULL);
    cr_expect_null(c->title);
    cr_expect_str_eq(c->description, "Other");
    cr_expect_str_eq(c->version, "2.0");
    cr_expect(gn_component_has_tag(c, "tag"));
    cr_expect_eq(json_integer_value(json_object_get(c->meta, "a")), 1);
    cr_expect_eq(c->read_only, GANTRY_YES);
    cr_expect_eq(c->icon_count, 1);

    from = rows_from("made2", NULL, 0);
    from->tags = gn_calloc(1, sizeof *from->tags);
    from->meta = json_null();
    from->read_only = GN_HINT_NONE;
    from->icons = gn_calloc(1, sizeof *from->icons);
    struct gn_component *again = NULL;
    cr_assert_eq(gn_derive(NULL, from, NULL, c, &again, NULL), 0);
    cr_expect_null(again->tags);
    cr_expect_null(again->meta);
    cr_expect_eq(again->read_only, 0);
    cr_expect_eq(again->icon_count, 0);
    cr_expect_str_eq(again->description, "Other");
    gn_from_free(from);
    gn_component_unref(again);
    gn_component_unref(c);
}

static int run_around(gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_OK;
}

static struct gn_owner other = {.name = "other"};

/* A plugin's source. */
static struct gn_component *source(const char *name, gantry_run_fn run)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    c->key = gn_strdup(name);
    c->name = gn_strdup(name);
    c->owner = &other;
    c->run = run;
    return c;
}

struct around_in {
    const char *query;
    int64_t times;
    const char *note;
};

static const gantry_arg around_args[] = {
    GANTRY_ARG(struct around_in, query, "As the function has it", .length = {3, 0}),
    GANTRY_ARG(struct around_in, times, "How often", .range = {1, 5}, .default_json = "2"),
    GANTRY_ARG(struct around_in, note, "Its own", .optional = 1), GANTRY_ARGS_END};

static void take_rows(struct gn_component *own, const gantry_arg *args)
{
    struct gn_error err = {0};
    cr_assert_eq(gn_fields_import(args, sizeof *args, sizeof(struct around_in), &own->input, &err),
                 0, "%s", err.text);
}

Test(transform_made, a_plain_one_runs_its_parents_code)
{
    struct gn_component *own = source("made", NULL);
    own->flags = GANTRY_STRICT_INPUT | GANTRY_OUTPUT_STRICT;
    own->timeout_ms = 5;
    own->requires = GANTRY_CAP_ROOTS;
    own->principal = gn_strdup("ada");
    struct gn_component *c = made_by(rows_from("made", NULL, 0), own);
    cr_expect_eq(c->run, rows_run);
    cr_expect_eq(c->owner, &rows_shop);
    cr_expect_eq(c->flags, GANTRY_STRICT_INPUT | GANTRY_OUTPUT_STRICT);
    cr_expect_eq(c->timeout_ms, 5);
    cr_expect_eq(c->requires, GANTRY_CAP_ROOTS);
    cr_expect_str_eq(c->principal, "ada");
    cr_expect_eq(c->own->owner, &other);
    cr_expect_null(c->made);
    gn_component_unref(c);
}

static int the_data;

Test(transform_made, a_function_has_code_of_its_own)
{
    struct gn_component *parent = rows_search_tool(), *own = source("made", run_around), *c = NULL;
    struct gn_from *from = rows_from("made", ROWS({.arg = "key", .hide = true, .value = "'k'"}));
    parent->flags = GANTRY_BLOCKING | GANTRY_REPLAY | GANTRY_STRICT_INPUT | GANTRY_OUTPUT_STRICT;
    parent->task = GANTRY_TASK_DEFERRED;
    own->data = &the_data;
    own->flags = GANTRY_OUTPUT_UNCHECKED;
    take_rows(own, around_args);
    struct gn_error err = {0};
    cr_assert_eq(gn_derive(NULL, from, own, parent, &c, &err), 0, "%s", err.text);
    cr_expect_eq(c->run, run_around);
    cr_expect_eq(c->owner, &other);
    cr_expect_eq(c->data, &the_data);
    cr_expect_null(c->free_data);
    cr_expect_eq(c->flags, GANTRY_STRICT_INPUT | GANTRY_OUTPUT_UNCHECKED);
    cr_expect_eq(c->task, 0);
    cr_expect_null(c->input);
    cr_expect(c->made->is_around);
    cr_expect_null(made_arg(c, "note")->parent_name);
    cr_expect_null(made_arg(c, "query"));
    check_value(made_arg(c, "times"), "2");
    rows_check_text(
        c->input_text,
        "{'type':'object','properties':{'query':{'type':'string','description':'As the "
        "function has "
        "it','minLength':3},'limit':{'type':'integer','minimum':1,'maximum':100,'default':10},"
        "'times':{'type':'integer','description':'How "
        "often','minimum':1,'maximum':5,'default':2},'note':{'type':'string',"
        "'description':'Its own'}},'required':['query'],'additionalProperties':false}");
    gn_from_free(from);
    gn_component_unref(c);
    gn_component_unref(own);
    gn_component_unref(parent);
}

static void check_around(const char *schema, const struct row *rows, size_t count,
                         const gantry_arg *args, const char *expected)
{
    struct gn_error err = {0};
    struct gn_component *own = source("made", run_around);
    take_rows(own, args);
    struct gn_component *c = rows_derive(rows_tool("search", schema), own,
                                         rows_from("made", rows, count), &err);
    if (c)
        rows_check_text(c->input_text, expected);
    else
        cr_expect_str_eq(err.text, expected, "\n%s\nexpected\n%s", err.text, expected);
    gn_component_unref(c);
}

Test(transform_made, rows_of_a_function_take_the_place_of_arguments)
{
    static const gantry_arg renamed[] = {GANTRY_ARG(struct around_in, times, NULL, .range = {1, 9}),
                                         GANTRY_ARGS_END};
    check_around(
        SEARCH, ROWS({.arg = "limit", .name = "times", .description = "Words"}), renamed,
        "{'type':'object','properties':{'query':{'type':'string','description':'What to look "
        "for'},'times':{'type':'integer','minimum':1,'maximum':9,'description':'Words'},"
        "'key':{'type':'string'}},'required':['query','key','times'],"
        "'additionalProperties':false}");
    /* The function turns what it takes into what the parent takes: another type is no mistake. */
    static const gantry_arg text[] = {GANTRY_ARG(struct around_in, note, NULL), GANTRY_ARGS_END};
    check_around(
        SEARCH, ROWS({.arg = "limit", .name = "note"}), text,
        "{'type':'object','properties':{'query':{'type':'string','description':'What to look "
        "for'},'note':{'type':'string'},'key':{'type':'string'}},'required':['query','key',"
        "'note'],'additionalProperties':false}");
    check_around(
        SEARCH, ROWS({.arg = "limit", .hide = true}, {.arg = "key", .name = "limit"}), text,
        "{'type':'object','properties':{'query':{'type':'string','description':'What to look "
        "for'},'limit':{'type':'string'},'note':{'type':'string'}},'required':['query','limit',"
        "'note'],'additionalProperties':false}");
}

Test(transform_made, what_a_function_has_a_row_for_is_said_there)
{
    check_around(
        SEARCH, ROWS({.arg = "limit", .name = "times", .value = "5"}), around_args,
        "tool made: argument limit: the function has a row for it: its default belongs there");
    check_around(
        SEARCH, ROWS({.arg = "limit", .name = "times", .schema = "{'maximum':5}"}), around_args,
        "tool made: argument limit: the function has a row for it: its schema belongs there");
    check_around(
        SEARCH, ROWS({.arg = "limit", .name = "times", .required = true}), around_args,
        "tool made: argument limit: the function has a row for it: required belongs there");
    check_around(
        "{\"type\":\"object\",\"allOf\":[{\"additionalProperties\":false}]}", NULL, 0, around_args,
        "tool made: argument query: cannot be added: additionalProperties within the schema of "
        "search refuses it; argument times: cannot be added: additionalProperties within the "
        "schema of search refuses it; argument note: cannot be added: additionalProperties "
        "within the schema of search refuses it");
}

Test(transform_made, a_tool_for_one_principal_is_for_no_other)
{
    struct gn_component *own = source("made", NULL), *parent = rows_search_tool();
    struct gn_error err = {0};
    own->principal = gn_strdup("ada");
    parent->principal = gn_strdup("bob");
    cr_expect_null(rows_derive(parent, own, rows_from("made", NULL, 0), &err));
    cr_expect_str_eq(err.text, "tool made: search is there for another principal only", "%s",
                     err.text);
}

/* ---------------------------------------------------------------- output */

Test(transform_made, the_output_schema_is_replaced_or_taken_away)
{
    struct gn_from *from = rows_from("made", NULL, 0);
    from->output_schema = rows_json(
        "{'type':'object','properties':{'n':{'$ref':'#/$defs/n'}},'$defs':{"
        "'n':{'type':'integer'}}}");
    struct gn_component *c = made_by(from, NULL), *again = NULL;
    rows_check_text(c->output_text,
                    "{'type':'object','properties':{'n':{'$ref':'#/$defs/n'}},'$defs':{'"
                    "n':{'type':'integer'}}}");
    rows_check_text(c->output_inline, "{'type':'object','properties':{'n':{'type':'integer'}}}");
    from = rows_from("made2", NULL, 0);
    cr_assert_eq(gn_derive(NULL, from, NULL, c, &again, NULL), 0);
    cr_expect_eq(again->output_schema, c->output_schema);
    cr_expect_eq(again->output_text, c->output_text);
    gn_component_unref(again);
    from->output_schema = json_null();
    cr_assert_eq(gn_derive(NULL, from, NULL, c, &again, NULL), 0);
    cr_expect_null(again->output_schema);
    cr_expect_null(again->output_text);
    cr_expect_null(again->output_inline);
    gn_component_unref(again);
    json_decref(from->output_schema);
    from->output_schema = rows_json("{'type':'nothing'}");
    struct gn_error err = {0};
    cr_expect_eq(gn_derive(NULL, from, NULL, c, &again, &err), GN_EINVAL);
    cr_expect(gn_starts_with(err.text, "tool made2: its output schema: "), "%s", err.text);
    gn_from_free(from);
    gn_component_unref(c);
}

Test(transform_made, the_output_table_of_a_function_is_shared_with_its_source)
{
    struct gn_component *own = source("made", run_around);
    struct gn_error err = {0};
    cr_assert_eq(gn_fields_import(around_args, sizeof *around_args, sizeof(struct around_in),
                                  &own->output, &err),
                 0, "%s", err.text);
    own->output_text = gn_strdup("{}");
    struct gn_component *c = made_by(rows_from("made", NULL, 0), own);
    cr_expect_eq(c->output, c->own->output);
    cr_expect_eq(c->output_text, c->own->output_text);
    cr_expect_null(c->output_schema);
    gn_component_unref(c);
}

/* ---------------------------------------------------------------- chains */

Test(transform_made, a_chain_is_made_of_what_was_made)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_search_tool();
    static const char *const names[] = {"query", "a", "b", "c", "d", "e"};
    for (size_t i = 0; i + 1 < GN_COUNT(names); i++) {
        c = rows_derive(c, NULL, rows_from("made", ROWS({.arg = names[i], .name = names[i + 1]})),
                        &err);
        cr_assert_not_null(c, "%s", err.text);
    }
    rows_check_text(
        c->input_text,
        "{'type':'object','properties':{'e':{'type':'string','description':'What to look "
        "for'},'limit':{'type':'integer','minimum':1,'maximum':100,'default':10},"
        "'key':{'type':'string'}},'required':['e','key'],'additionalProperties':false}");
    cr_expect_str_eq(gn_component_origin(c)->name, "search");
    c = rows_derive(c, NULL, rows_from("last", ROWS({.arg = "query", .hide = true})), &err);
    cr_expect_null(c);
    cr_expect_str_eq(err.text, "tool last: made has no argument query (it has e, limit, key)", "%s",
                     err.text);
}

Test(transform_made, a_default_of_one_level_lets_the_next_hide_the_argument)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(
        rows_search_tool(), NULL, rows_from("one", ROWS({.arg = "key", .value = "'k'"})), &err);
    cr_assert_not_null(c, "%s", err.text);
    c = rows_derive(c, NULL, rows_from("two", ROWS({.arg = "key", .hide = true})), &err);
    cr_assert_not_null(c, "%s", err.text);
    rows_check_text(
        c->input_text,
        "{'type':'object','properties':{'query':{'type':'string','description':'What to look "
        "for'},'limit':{'type':'integer','minimum':1,'maximum':100,'default':10}},"
        "'required':['query'],'additionalProperties':false}");
    cr_expect_eq(c->made->v[0].source, GN_SOURCE_NONE);
    check_value(&c->made->v[0], "");
    gn_component_unref(c);
}

/* ---------------------------------------------------------------- tables as parents */

Test(transform_made, the_parent_may_have_a_table)
{
    struct gn_error err = {0};
    struct gn_component *parent = source("table", rows_run);
    take_rows(parent, around_args);
    parent->input_text = gn_strdup("{}");
    struct gn_component *c = rows_derive(
        parent, NULL,
        rows_from("made", ROWS({.arg = "times", .name = "n", .value = "3"},
                               {.arg = "note", .hide = true, .source = "principal"})),
        &err);
    cr_assert_not_null(c, "%s", err.text);
    cr_expect_null(c->input);
    cr_expect_not_null(c->parent->input);
    rows_check_text(c->input_text,
                    "{'type':'object','properties':{'query':{'type':'string','description':'As the "
                    "function has it','minLength':3},'n':{'type':'integer','description':'How "
                    "often','minimum':1,'maximum':5,'default':3}},'required':['query'],"
                    "'additionalProperties':false}");
    gn_component_unref(c);
}

Test(transform_made, headers_stay_with_the_arguments_that_clients_give)
{
    rows_check_schema(
        rows_tool("t", CLOSED("\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
                              "\"zone\":{\"type\":\"string\",\"x-mcp-header\":\"Zone\"}",
                              "\"region\"")),
        ROWS({.arg = "region", .name = "where", .schema = "{'enum':['eu','us']}"},
             {.arg = "zone", .hide = true}),
        "{'type':'object','properties':{'where':{'type':'string','enum':['eu','us'],"
        "'x-mcp-header':'Region'}},'required':['where'],'additionalProperties':false}");
}
