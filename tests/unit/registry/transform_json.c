/* transform_json.c - a tool made from a tool as the operator writes it, and entries of
 * `transforms`. */
#include "registry/from_config.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>

GN_SUITE(transform_json);

static struct gn_from *read_from(const char *text, struct gn_error *err)
{
    struct gn_from *from;
    json_error_t where;
    json_t *config = json_loads(text, JSON_DECODE_ANY, &where);
    cr_assert(config, "%s: %s", text, where.text);
    int rc = gn_from_read(config, &from, err);
    cr_assert_eq(rc, from ? 0 : GN_EINVAL);
    json_decref(config);
    return from;
}

static struct gn_from *read_right(const char *text)
{
    struct gn_error err = {0};
    struct gn_from *from = read_from(text, &err);
    cr_assert(from, "%s: %s", text, err.text);
    return from;
}

static void assert_wrong(const char *text, const char *expected)
{
    struct gn_error err = {0};
    cr_assert_null(read_from(text, &err), "%s", text);
    cr_assert_str_eq(err.text, expected);
}

static void assert_json(const json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    cr_assert_str_eq(text, expected);
    free(text);
}

/* ---------------------------------------------------------------- FastMCP's */

Test(transform_json, the_json_of_fastmcp_means_what_it_says)
{
    struct gn_from *from = read_right(
        "{\"name\": \"find\", \"version\": \"2.0\", \"title\": \"Find\", \"description\": \"Finds.\","
        " \"tags\": [\"a\", \"b\"], \"meta\": {\"k\": 1}, \"enabled\": true, \"arguments\": {"
        "\"q\": {\"name\": \"query\", \"description\": \"What.\", \"required\": true, \"examples\": "
        "[\"x\"]}, \"limit\": {\"default\": 10}, \"ratio\": {\"default\": 0.5}, \"on\": "
        "{\"default\": false}, \"key\": {\"hide\": true, \"default\": null}}}");
    cr_assert_str_eq(from->name, "find");
    cr_assert_str_eq(from->version, "2.0");
    cr_assert_str_eq(from->title, "Find");
    cr_assert_str_eq(from->description, "Finds.");
    cr_assert(gn_streq(from->tags[0], "a") && gn_streq(from->tags[1], "b") && !from->tags[2]);
    assert_json(from->meta, "{\"k\":1}");
    cr_assert(from->enabled == GANTRY_YES && !from->keep && !from->parent);
    cr_assert_eq(from->arg_count, 5);
    const struct gn_from_arg *a = from->args;
    cr_assert(gn_streq(a[0].arg, "q") && gn_streq(a[0].name, "query") && a[0].required);
    cr_assert_str_eq(a[0].description, "What.");
    assert_json(a[0].examples, "[\"x\"]");
    cr_assert(!a[0].hide && !a[0].value && !a[0].schema && !a[0].title);
    assert_json(a[1].value, "10");
    assert_json(a[2].value, "0.5");
    assert_json(a[3].value, "false");
    cr_assert(a[4].hide && json_is_null(a[4].value) && a[4].source == GN_SOURCE_NONE);
    gn_from_free(from);
}

Test(transform_json, nothing_said_changes_nothing)
{
    struct gn_from *from = read_right("{}");
    cr_assert(!from->name && !from->title && !from->description && !from->version && !from->tags);
    cr_assert(!from->meta && !from->output_schema && !from->icons && !from->args && !from->keep);
    cr_assert(!from->read_only && !from->destructive && !from->idempotent && !from->open_world);
    cr_assert_eq(from->enabled, 0);
    gn_from_free(from);
}

Test(transform_json, null_is_as_good_as_not_there_unless_it_can_take_away)
{
    struct gn_from *from = read_right(
        "{\"name\": null, \"version\": null, \"title\": null, \"description\": null, \"tags\": null, "
        "\"meta\": null, \"arguments\": null, \"annotations\": null, \"output_schema\": null, "
        "\"icons\": null}");
    cr_assert_null(from->name);
    cr_assert_null(from->tags);
    cr_assert(gn_streq(from->version, "") && gn_streq(from->title, "") &&
              gn_streq(from->description, ""));
    cr_assert(json_is_null(from->meta) && json_is_null(from->output_schema));
    cr_assert(from->icons && from->icon_count == 0 && from->arg_count == 0);
    cr_assert(from->read_only == GN_HINT_NONE && from->destructive == GN_HINT_NONE);
    cr_assert(from->idempotent == GN_HINT_NONE && from->open_world == GN_HINT_NONE);
    gn_from_free(from);
    from = read_right("{\"arguments\": {\"a\": {\"name\": null, \"title\": null, \"description\": "
                      "null, \"examples\": null, \"required\": null}}}");
    const struct gn_from_arg *a = from->args;
    cr_assert(!a->name && gn_streq(a->title, "") && gn_streq(a->description, ""));
    cr_assert(!a->examples && !a->required && !a->value);
    gn_from_free(from);
}

Test(transform_json, an_empty_list_of_tags_takes_them_away)
{
    struct gn_from *from = read_right("{\"tags\": []}");
    cr_assert(from->tags && !from->tags[0]);
    gn_from_free(from);
}

Test(transform_json, what_is_said_of_a_hidden_argument_is_not_wrong)
{
    struct gn_from *from = read_right(
        "{\"arguments\": {\"a\": {\"hide\": true, \"default\": 1, \"name\": \"b\", \"description\": "
        "\"words\", \"title\": \"T\", \"examples\": [1]}}}");
    const struct gn_from_arg *a = from->args;
    cr_assert(a->hide && !a->name && !a->description && !a->title && !a->examples);
    assert_json(a->value, "1");
    gn_from_free(from);
}

Test(transform_json, one_example_is_a_list_of_one)
{
    struct gn_from *from = read_right("{\"arguments\": {\"a\": {\"examples\": {\"b\": 1}}}}");
    assert_json(from->args[0].examples, "[{\"b\":1}]");
    gn_from_free(from);
}

/* ---------------------------------------------------------------- ours */

Test(transform_json, what_is_ours_stands_beside_it)
{
    struct gn_from *from = read_right(
        "{\"keep\": true, \"enabled\": false, \"annotations\": {\"readOnlyHint\": true, "
        "\"destructiveHint\": false, \"idempotentHint\": null, \"title\": \"T\"}, "
        "\"output_schema\": {\"type\": \"object\"}, \"icons\": [{\"src\": \"https://e.org/i\", "
        "\"mimeType\": \"image/png\", \"sizes\": [\"48x48\", \"96x96\"], \"theme\": \"dark\"}, "
        "{\"src\": \"data:x\", \"sizes\": \"any\"}], \"arguments\": {\"a\": {\"title\": \"A\", "
        "\"type\": \"integer\", \"default\": {\"b\": [1, null]}}, \"b\": {\"type\": [\"string\", "
        "\"null\"]}, \"c\": {\"type\": {\"enum\": [1]}}, \"d\": {\"schema\": {\"maxLength\": 5}}}}");
    cr_assert(from->keep && from->enabled == GANTRY_NO);
    cr_assert(from->read_only == GANTRY_YES && from->destructive == GANTRY_NO);
    cr_assert(from->idempotent == GN_HINT_NONE && from->open_world == 0);
    cr_assert_str_eq(from->title, "T");
    assert_json(from->output_schema, "{\"type\":\"object\"}");
    cr_assert_eq(from->icon_count, 2);
    cr_assert_str_eq(from->icons[0].src, "https://e.org/i");
    cr_assert_str_eq(from->icons[0].mime_type, "image/png");
    cr_assert_str_eq(from->icons[0].sizes, "48x48 96x96");
    cr_assert_str_eq(from->icons[0].theme, "dark");
    cr_assert_str_eq(from->icons[1].sizes, "any");
    const struct gn_from_arg *a = from->args;
    cr_assert_str_eq(a[0].title, "A");
    assert_json(a[0].schema, "{\"type\":\"integer\"}");
    assert_json(a[0].value, "{\"b\":[1,null]}");
    assert_json(a[1].schema, "{\"type\":[\"string\",\"null\"]}");
    assert_json(a[2].schema, "{\"enum\":[1]}");
    assert_json(a[3].schema, "{\"maxLength\":5}");
    gn_from_free(from);
}

Test(transform_json, the_title_of_a_tool_goes_before_that_of_its_annotations)
{
    static const char *const texts[] = {
        "{\"title\": \"mine\", \"annotations\": {\"title\": \"other\"}}",
        "{\"annotations\": {\"title\": \"other\"}, \"title\": \"mine\"}",
    };
    for (size_t i = 0; i < GN_COUNT(texts); i++) {
        struct gn_from *from = read_right(texts[i]);
        cr_assert_str_eq(from->title, "mine");
        gn_from_free(from);
    }
}

/* ---------------------------------------------------------------- what is wrong */

Test(transform_json, required_cannot_be_false)
{
    assert_wrong("{\"arguments\": {\"a\": {\"required\": false}}}",
                 "arguments.a.required: cannot be false: set a default instead");
}

Test(transform_json, an_unknown_member_is_told_with_a_suggestion)
{
    assert_wrong("{\"nmae\": \"x\"}", "nmae: unknown key, did you mean name?");
    assert_wrong("{\"zebra\": 1}",
                 "zebra: unknown key; known here: name, version, title, description, tags, meta, "
                 "enabled, arguments, annotations, output_schema, icons, keep");
    assert_wrong("{\"arguments\": {\"a\": {\"hidden\": true}}}",
                 "arguments.a.hidden: unknown key, did you mean hide?");
    assert_wrong("{\"annotations\": {\"readOnly\": true}}",
                 "annotations.readOnly: unknown key; known here: readOnlyHint, destructiveHint, "
                 "idempotentHint, openWorldHint, title");
    assert_wrong("{\"icons\": [{\"src\": \"https://a\", \"mime\": \"x\"}]}",
                 "icons[0].mime: unknown key; known here: src, mimeType, sizes, theme");
}

Test(transform_json, all_problems_are_told_at_once)
{
    assert_wrong(
        "{\"name\": 5, \"enabled\": \"yes\", \"tags\": \"a\", \"meta\": [], "
        "\"arguments\": {\"a\": 1, \"b\": {\"hide\": 1, \"name\": \"\"}}}",
        "name: must be a text, but is a number: write it in quotes; "
        "enabled: must be true or false, but is a text: write it as one of these, without quotes; "
        "tags: must be a list of at most 1000 texts, but is a text; "
        "meta: must be a mapping, or null to have none, but is a list; "
        "arguments.a: must be a mapping, but is a number; "
        "arguments.b.hide: must be true or false, but is a number; "
        "arguments.b.name: is empty");
}

Test(transform_json, each_member_says_what_it_takes)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"[]", ": must be a mapping, but is a list"},
        {"null", ": must be a mapping, but is null"},
        {"{\"name\": \"\"}", "name: is empty"},
        {"{\"name\": \"a b\"}", "name: must be 1 to 128 of A-Z a-z 0-9 _ - ."},
        {"{\"version\": 1.5}", "version: must be a text, but is a number: write it in quotes"},
        {"{\"title\": []}", "title: must be a text, but is a list"},
        {"{\"tags\": [\"a\", \"\", 5]}",
         "tags: entry 1 is empty; tags: must be a text, but is a number: write it in quotes"},
        {"{\"output_schema\": true}",
         "output_schema: must be a mapping, or null to have none, but is true"},
        {"{\"annotations\": {\"readOnlyHint\": 1}}",
         "annotations.readOnlyHint: must be true or false, but is a number"},
        {"{\"annotations\": []}", "annotations: must be a mapping, but is a list"},
        {"{\"icons\": {}}", "icons: must be a list of at most 1000 icons, but is a mapping"},
        {"{\"icons\": [{\"src\": \"file:x\"}]}", "icons[0]: src must be an https: or data: URI"},
        {"{\"icons\": [{\"src\": \"data:x\", \"theme\": \"blue\"}]}",
         "icons[0]: theme must be light or dark"},
        {"{\"keep\": null}", "keep: must be true or false, but is null"},
        {"{\"arguments\": []}",
         "arguments: must be a mapping of the tool's arguments, but is a list"},
        {"{\"arguments\": {\"a\": {\"type\": \"str\"}}}",
         "arguments.a.type: \"str\" is not a type of JSON, did you mean string?"},
        {"{\"arguments\": {\"a\": {\"type\": [\"string\", \"int\"]}}}",
         "arguments.a.type: \"int\" is not a type of JSON, did you mean integer?"},
        {"{\"arguments\": {\"a\": {\"type\": []}}}", "arguments.a.type: is an empty list"},
        {"{\"arguments\": {\"a\": {\"type\": 5}}}",
         "arguments.a.type: must be a schema, or one of string, integer, number, boolean, array, "
         "object, null, or a list of these"},
        {"{\"arguments\": {\"a\": {\"type\": \"string\", \"schema\": {}}}}",
         "arguments.a.schema: there are both type and schema: give one of them"},
        {"{\"arguments\": {\"a\": {\"schema\": true}}}",
         "arguments.a.schema: must be a mapping, but is true"},
        {"{\"arguments\": {\"a\": {\"source\": 1}}}",
         "arguments.a.source: must be a text, but is a number: write it in quotes"},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        const char *expected = cases[i].expected;
        assert_wrong(cases[i].text, gn_starts_with(expected, ": ") ? expected + 2 : expected);
    }
}

Test(transform_json, a_schema_that_is_none_is_told)
{
    struct gn_error err = {0};
    cr_assert_null(read_from("{\"output_schema\": {\"type\": \"zebra\"}, \"arguments\": {\"a\": "
                             "{\"schema\": {\"minimum\": \"x\"}}}}",
                             &err));
    cr_assert(gn_starts_with(err.text, "output_schema: "), "%s", err.text);
    cr_assert(strstr(err.text, "; arguments.a.schema: "), "%s", err.text);
    gn_from_free(read_right("{\"arguments\": {\"a\": {\"schema\": {\"$ref\": \"#/$defs/b\"}}}}"));
}

Test(transform_json, sources_have_names)
{
    struct gn_from *from = read_right(
        "{\"arguments\": {\"a\": {\"hide\": true, \"source\": \"uuid\"}, \"b\": {\"hide\": true, "
        "\"source\": \"env:HOME\"}, \"c\": {\"hide\": true, \"source\": \"secret:k\"}}}");
    cr_assert(from->args[0].source == GN_SOURCE_UUID && !from->args[0].source_name);
    cr_assert(from->args[1].source == GN_SOURCE_ENV);
    cr_assert_str_eq(from->args[1].source_name, "HOME");
    cr_assert(from->args[2].source == GN_SOURCE_SECRET);
    cr_assert_str_eq(from->args[2].source_name, "k");
    gn_from_free(from);
}

Test(transform_json, contradictions_stand_where_the_argument_does)
{
    assert_wrong("{\"arguments\": {\"a\": {\"hide\": true, \"required\": true}, \"b\": "
                 "{\"source\": \"uuid\"}, \"c\": {\"required\": true, \"default\": 1}}}",
                 "arguments.a: cannot be hidden and required; "
                 "arguments.b: only a hidden argument can have a source; "
                 "arguments.c: cannot be required and have a default");
    assert_wrong("{\"arguments\": {\"a\": {\"name\": \"x\"}, \"b\": {\"name\": \"x\"}}}",
                 "arguments a and b would both be named x");
}

Test(transform_json, a_path_that_is_very_long_is_cut)
{
    struct gn_error err = {0};
    char name[3000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    GN_AUTO_FREE char *text = gn_format("{\"arguments\": {\"%s\": {\"hide\": 5}}}", name);
    cr_assert_null(read_from(text, &err));
    cr_assert(strstr(err.text, "must be true or false") || strlen(err.text) == GN_ERROR_MAX - 1);
}

/* ---------------------------------------------------------------- entries of transforms */

static struct gn_config *load(const char *text, struct gn_buf *problems)
{
    const char *path = gn_test_write_file(gn_test_tmpdir(), "gantry.yaml", text, strlen(text));
    struct gn_config *c = gn_config_load(path, problems);
    cr_assert(c, "%s", gn_buf_str(problems));
    return c;
}

/* What is wrong is these lines, after the name of the file. */
static void assert_rows_wrong(const char *text, const char *const *expected)
{
    struct gn_buf problems = GN_BUF_INIT(64 * 1024), all = GN_BUF_INIT(64 * 1024);
    struct gn_config *c = load(text, &problems);
    struct gn_transform **v;
    size_t count;
    cr_assert_eq(gn_transforms_from_config(c, &v, &count, &problems), GN_EINVAL);
    cr_assert(!v && count == 0);
    for (; *expected; expected++)
        gn_buf_addf(&all, "%s:%s\n", c->file, *expected);
    cr_assert_str_eq(gn_buf_str(&problems), gn_buf_str(&all));
    gn_buf_release(&problems);
    gn_buf_release(&all);
    gn_config_free(c);
}
#define WRONG(text, ...) assert_rows_wrong(text, (const char *const[]){__VA_ARGS__, NULL})

static struct gn_transform **read_rows(struct gn_config *c, size_t expected)
{
    struct gn_buf problems = GN_BUF_INIT(64 * 1024);
    struct gn_transform **v;
    size_t count;
    cr_assert_eq(gn_transforms_from_config(c, &v, &count, &problems), 0, "%s",
                 gn_buf_str(&problems));
    cr_assert_eq(count, expected);
    gn_buf_release(&problems);
    return v;
}

Test(transform_json, entries_become_transforms_in_their_order)
{
    struct gn_buf problems = GN_BUF_INIT(4096);
    struct gn_config *c = load("transforms:\n"
                               "- {use: namespace, prefix: w, plugins: [a, \"b*\"], kinds: [tool, "
                               "prompt]}\n"
                               "- {use: rename, names: {a: b}, tags: [t]}\n"
                               "- {use: disable, names: [x], versions: [\"1\"], principals: [me]}\n"
                               "- {use: tools, tools: {one: {name: two}, three: {}}}\n"
                               "- prompts_as_tools\n"
                               "- {use: search, always: [s], max_results: 9}\n",
                               &problems);
    struct gn_transform **v = read_rows(c, 6);
    static const enum gn_transform_type types[] = {
        GN_TRANSFORM_NAMESPACE, GN_TRANSFORM_RENAME,           GN_TRANSFORM_DISABLE,
        GN_TRANSFORM_TOOLS,     GN_TRANSFORM_PROMPTS_AS_TOOLS, GN_TRANSFORM_SEARCH};
    for (size_t i = 0; i < GN_COUNT(types); i++) {
        GN_AUTO_FREE char *name = gn_format("transforms[%zu]", i);
        cr_assert_str_eq(v[i]->name, name);
        cr_assert(v[i]->type == types[i] && v[i]->order == i && !v[i]->owner && !v[i]->priority);
    }
    cr_assert_str_eq(v[0]->prefix, "w");
    cr_assert_eq(v[0]->match.kinds, 1u << GN_TOOL | 1u << GN_PROMPT);
    cr_assert(gn_streq(v[0]->match.plugins[1], "b*") && !v[0]->match.names);
    cr_assert_str_eq(gn_map_find(&v[1]->renames, "a"), "b");
    cr_assert_str_eq(v[1]->match.tags[0], "t");
    cr_assert(gn_streq(v[2]->principals[0], "me") && gn_streq(v[2]->match.versions[0], "1"));
    const struct gn_from *one = gn_map_find(&v[3]->tools, "one");
    cr_assert_str_eq(one->name, "two");
    cr_assert(gn_map_find(&v[3]->tools, "three"));
    cr_assert(v[5]->max_results == 9 && gn_streq(v[5]->always[0], "s"));
    gn_config_free(c); /* they live on */
    cr_assert_str_eq(v[0]->match.plugins[0], "a");
    gn_transforms_free(v, 6);
    gn_buf_release(&problems);
}

Test(transform_json, no_entries_are_no_transforms)
{
    struct gn_config *c = gn_config_new();
    gn_transforms_free(read_rows(c, 0), 0);
    gn_config_free(c);
    gn_transforms_free(NULL, 0);
}

Test(transform_json, a_rule_says_what_it_is_about)
{
    WRONG("transforms:\n- disable\n- {use: only, principals: [x]}\n- {use: enable, tags: []}\n",
          "2: transforms[0]: disable needs at least one of kinds, names, tags, plugins, versions "
          "(kinds: [tool, resource, template, prompt] means everything)",
          "3: transforms[1]: only needs at least one of kinds, names, tags, plugins, versions "
          "(kinds: [tool, resource, template, prompt] means everything)",
          "4: transforms[2].tags: is empty, so that nothing could match: leave it out, or name "
          "some");
}

Test(transform_json, entries_that_cannot_be_are_told_by_line_all_at_once)
{
    WRONG("transforms:\n"
          "- use: namespace\n"
          "  prefix: a/b\n"
          "- use: rename\n"
          "  names:\n"
          "    a: x\n"
          "    b: 5\n"
          "    c: [x]\n"
          "- {use: rename, names: {a: x, b: x}}\n"
          "- {use: rename, names: {}}\n"
          "- {use: disable, kinds: [tools, zebra], names: [\"a*b\"]}\n"
          "- {use: search, always: [\"*x\"]}\n"
          "- {use: tools, tools: {}}\n",
          "2: transforms[0]: prefix a/b: 1 to 40 characters of A-Z a-z 0-9 _ - are allowed",
          "7: transforms[1].names.b: must be its new name, a text: write it in quotes",
          "8: transforms[1].names.c: must be its new name, a text",
          "9: transforms[2]: two are renamed to x", "10: transforms[3]: a rename needs a table",
          "11: transforms[4].kinds: \"tools\" is not a kind; did you mean tool?",
          "11: transforms[4].kinds: \"zebra\" is not a kind; there are tool, resource, template, "
          "prompt",
          "11: transforms[4].names: \"a*b\": a star stands for the rest of a name, at its end only",
          "12: transforms[5].always: \"*x\": a star stands for the rest of a name, at its end only",
          "13: transforms[6].tools: has no tool");
}

Test(transform_json, problems_of_tools_have_the_line_where_they_stand)
{
    WRONG(
        "transforms:\n"
        "- search\n"
        "- use: tools\n"
        "  tools:\n"
        "    search:\n"
        "      nmae: find\n"
        "      arguments:\n"
        "        limit:\n"
        "          required: false\n"
        "          hidden: true\n"
        "        q: {type: int}\n"
        "    other:\n"
        "      enabled: maybe\n"
        "    none:\n",
        "6: transforms[1].tools.search.nmae: unknown key, did you mean name?",
        "9: transforms[1].tools.search.arguments.limit.required: cannot be false: set a default "
        "instead",
        "10: transforms[1].tools.search.arguments.limit.hidden: unknown key, did you mean hide?",
        "11: transforms[1].tools.search.arguments.q.type: \"int\" is not a type of JSON, did you "
        "mean integer?",
        "13: transforms[1].tools.other.enabled: must be true or false, but is a text: write it as one of these, without quotes",
        "14: transforms[1].tools.none: must be a mapping, but is null");
}

Test(transform_json, two_tools_with_one_name_are_refused)
{
    WRONG(
        "transforms:\n- use: tools\n  tools:\n    a: {name: x}\n    b: {name: x}\n    x: {}\n"
        "    c: {name: y, version: \"1\"}\n    d: {name: y, version: \"2\"}\n"
        "    e: {name: e, keep: true}\n    f: {version: \"3\", keep: true}\n    g: {keep: true}\n",
        "5: transforms[0].tools.b: becomes x, as a does",
        "6: transforms[0].tools.x: becomes x, as b does",
        "9: transforms[0].tools.e: keep: what stays beside it has the same name: give this one "
        "another name, or a version",
        "11: transforms[0].tools.g: keep: what stays beside it has the same name: give this one "
        "another name, or a version");
}

Test(transform_json, secrets_must_be_there)
{
    WRONG("secrets: {api_key: x}\ntransforms:\n- use: tools\n  tools:\n    t:\n      arguments:\n"
          "        a: {hide: true, source: \"secret:apikey\"}\n"
          "        b: {hide: true, source: \"secret:zebra\"}\n"
          "        c: {hide: true, source: \"secret:api_key\"}\n",
          "7: transforms[0].tools.t.arguments.a.source: there is no secret apikey, did you mean "
          "api_key?",
          "8: transforms[0].tools.t.arguments.b.source: there is no secret zebra (secrets: has "
          "them)");
}
