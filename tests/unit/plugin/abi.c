/* abi.c - importing descriptors: what is taken, what is skipped, what refuses the plugin and in
 * which words; settings; how a generation lets go. */
#include "plugin/abi.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <string.h>

GN_SUITE(abi);

static const gantry_host *host; /* where the descriptors below have the host's table put */

/* ---------------------------------------------------------------- helpers */

struct bench {
    struct gn_call_env env;
    struct gn_generation *g;
    struct gn_error err;
    struct gn_buf skipped; /* one line each */
};

static void open_bench(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->skipped = GN_BUF_INIT(4096);
    b->g = gn_generation_new(&b->env, "inst", 1);
}

static void close_bench(struct bench *b)
{
    gn_generation_free(b->g);
    gn_buf_release(&b->skipped);
}

static void on_skip(void *arg, const char *text)
{
    struct bench *b = arg;
    gn_buf_addf(&b->skipped, "%s\n", text);
}

static int import(struct bench *b, const gantry_descriptor *d)
{
    return gn_abi_import(&gn_abi_current, d, b->g, on_skip, b, &b->err);
}

static gantry_descriptor descriptor(void)
{
    return (gantry_descriptor){
        .size = sizeof(gantry_descriptor),
        .abi_major = GANTRY_ABI_MAJOR,
        .abi_minor = GANTRY_ABI_MINOR,
        .name = "sample",
        .version = "1.0.0",
        .host = &host,
    };
}

static void check_refused(const gantry_descriptor *d, const char *message)
{
    struct bench b;
    open_bench(&b);
    cr_expect(import(&b, d) < 0, "not refused: %s", message);
    cr_expect_str_eq(b.err.text, message, "said:     %s\nexpected: %s", b.err.text, message);
    close_bench(&b);
}

static int run_nothing(gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_OK;
}

static gantry_tool tool(const char *name)
{
    return (gantry_tool){.size = sizeof(gantry_tool),
                         .arg_size = sizeof(gantry_arg),
                         .name = name,
                         .run = run_nothing};
}

static gantry_resource resource(const char *uri)
{
    return (gantry_resource){
        .size = sizeof(gantry_resource), .uri = uri, .name = "r", .read = run_nothing};
}

static gantry_prompt prompt(const char *name)
{
    return (gantry_prompt){.size = sizeof(gantry_prompt),
                           .arg_size = sizeof(gantry_arg),
                           .name = name,
                           .render = run_nothing};
}

static void check_tool(const gantry_tool *t, const char *message)
{
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(t);
    check_refused(&d, message);
}

static void check_resource(const gantry_resource *r, const char *message)
{
    gantry_descriptor d = descriptor();
    d.resources = GANTRY_RESOURCES(r);
    check_refused(&d, message);
}

static void check_prompt(const gantry_prompt *p, const char *message)
{
    gantry_descriptor d = descriptor();
    d.prompts = GANTRY_PROMPTS(p);
    check_refused(&d, message);
}

/* ---------------------------------------------------------------- what is taken */

typedef struct {
    const char *name;
    int64_t times;
} greet_in;
typedef struct {
    int64_t count;
} greet_out;
static const gantry_arg greet_args[] = {
    GANTRY_ARG(greet_in, name, "Who to greet"),
    GANTRY_ARG(greet_in, times, "How often", .range = {1, 5}, .default_json = "1"),
    GANTRY_ARGS_END,
};
static const gantry_arg greet_out_args[] = {
    GANTRY_ARG(greet_out, count, "How many"),
    GANTRY_ARGS_END,
};

Test(abi, takes_a_tool_with_all_it_says)
{
    struct bench b;
    open_bench(&b);
    static int data;
    gantry_tool t = tool("greet");
    t.description = "Greets";
    t.args = greet_args;
    t.in_size = sizeof(greet_in);
    t.flags = GANTRY_BLOCKING;
    t.title = "Greeter";
    t.output = greet_out_args;
    t.output_size = sizeof(greet_out);
    t.timeout_ms = 77;
    t.read_only = GANTRY_YES;
    t.destructive = GANTRY_NO;
    t.requires = GANTRY_CAP_SAMPLING;
    t.icons = (const gantry_icon *const[]){
        GANTRY_ICON("data:image/png;base64,AAAA", .mime_type = "image/png", .sizes = "any"), NULL};
    t.tags = (const char *const[]){"red", "blue", NULL};
    t.meta_json = "{\"x\": [1]}";
    t.version = "2";
    t.data = &data;
    gantry_descriptor d = descriptor();
    d.flags = GANTRY_EXCLUSIVE;
    d.tools = GANTRY_TOOLS(&t);
    host = NULL;
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    cr_assert_eq(host, &gn_host_table);
    cr_assert_str_eq(b.g->name, "sample");
    cr_assert_str_eq(b.g->version, "1.0.0");
    cr_assert_eq(b.g->flags, (uint32_t)GANTRY_EXCLUSIVE);
    cr_assert_eq(b.g->component_count, 1);
    const struct gn_component *c = gn_generation_find(b.g, GN_TOOL, "greet");
    cr_assert_not_null(c);
    cr_assert_eq(c->owner, &b.g->owner);
    cr_assert_str_eq(c->description, "Greets");
    cr_assert_str_eq(c->title, "Greeter");
    cr_assert_str_eq(c->version, "2");
    cr_assert_str_eq(c->tags[1], "blue");
    cr_assert_null(c->tags[2]);
    cr_assert_eq(c->icon_count, 1);
    cr_assert_str_eq(c->icons[0].sizes, "any");
    cr_assert_eq(json_array_size(json_object_get(c->meta, "x")), 1);
    cr_assert(c->flags == GANTRY_BLOCKING && c->timeout_ms == 77 &&
              c->requires == GANTRY_CAP_SAMPLING);
    cr_assert(c->read_only == GANTRY_YES && c->destructive == GANTRY_NO && c->idempotent == 0);
    cr_assert(c->run == run_nothing && c->data == &data);
    cr_assert_str_eq(
        c->input_text,
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"description\":"
        "\"Who to greet\"},\"times\":{\"type\":\"integer\",\"description\":\"How often\","
        "\"minimum\":1,\"maximum\":5,\"default\":1}},\"required\":[\"name\"],"
        "\"additionalProperties\":false}");
    cr_assert(strstr(c->output_text, "\"count\""));
    close_bench(&b);
}

Test(abi, copies_everything_it_keeps)
{
    struct bench b;
    open_bench(&b);
    char name[] = "greet", about[] = "Greets", tag[] = "red", version[] = "1";
    gantry_tool t = tool(name);
    t.description = about;
    t.tags = (const char *const[]){tag, NULL};
    gantry_descriptor d = descriptor();
    d.version = version;
    d.tools = GANTRY_TOOLS(&t);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    memset(name, 'x', sizeof name - 1);
    memset(about, 'x', sizeof about - 1);
    memset(tag, 'x', sizeof tag - 1);
    memset(version, 'x', sizeof version - 1);
    const struct gn_component *c = gn_generation_find(b.g, GN_TOOL, "greet");
    cr_assert_str_eq(c->description, "Greets");
    cr_assert_str_eq(c->tags[0], "red");
    cr_assert_str_eq(b.g->version, "1");
    close_bench(&b);
}

Test(abi, a_tool_without_arguments_takes_none)
{
    struct bench b;
    open_bench(&b);
    gantry_tool t = tool("ping");
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&t);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    const struct gn_component *c = gn_generation_find(b.g, GN_TOOL, "ping");
    cr_assert_str_eq(c->input_text, "{\"type\":\"object\",\"additionalProperties\":false}");
    cr_assert_not_null(c->input);
    cr_assert_null(c->output_text);
    close_bench(&b);
}

Test(abi, a_tool_may_bring_its_schemas_as_json)
{
    struct bench b;
    open_bench(&b);
    gantry_tool t = tool("raw");
    t.input_schema_json =
        "{ \"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}} }";
    t.output_schema_json = "{\"type\": \"array\"}";
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&t);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    const struct gn_component *c = gn_generation_find(b.g, GN_TOOL, "raw");
    cr_assert_str_eq(c->input_text,
                     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}");
    cr_assert_str_eq(c->output_text, "{\"type\":\"array\"}");
    cr_assert_null(c->input);
    close_bench(&b);
}

typedef struct {
    const char *path, *sort;
} page_in;
static const gantry_arg page_args[] = {
    GANTRY_ARG(page_in, path, "Where"),
    GANTRY_ARG(page_in, sort, "By what", .optional = 1),
    GANTRY_ARGS_END,
};

static gantry_template uri_template(const char *text)
{
    return (gantry_template){.size = sizeof(gantry_template),
                             .arg_size = sizeof(gantry_arg),
                             .uri_template = text,
                             .name = "pages",
                             .args = page_args,
                             .in_size = sizeof(page_in),
                             .read = run_nothing};
}

Test(abi, takes_resources_templates_and_prompts)
{
    struct bench b;
    open_bench(&b);
    gantry_resource r = resource("notes://all");
    r.mime_type = "text/plain";
    r.byte_size = 5;
    r.ttl_ms = 1000;
    r.cache_scope = GANTRY_CACHE_PUBLIC;
    r.annotations = GANTRY_ANNOTATIONS(.audience = GANTRY_ASSISTANT, .priority = {true, 0.25},
                                       .last_modified = "2026-01-01T00:00:00Z");
    gantry_template t = uri_template("page:///{path*}{?sort}");
    gantry_prompt p = prompt("Träum weiter, 夢");
    p.args = greet_args;
    p.in_size = sizeof(greet_in);
    gantry_descriptor d = descriptor();
    d.resources = GANTRY_RESOURCES(&r);
    d.templates = GANTRY_TEMPLATES(&t);
    d.prompts = GANTRY_PROMPTS(&p);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    const struct gn_component *c = gn_generation_find(b.g, GN_RESOURCE, "notes://all");
    cr_assert(c && c->byte_size == 5 && c->ttl_ms == 1000 && c->cache_public && c->has_annotations);
    cr_assert_str_eq(c->annotations.last_modified, "2026-01-01T00:00:00Z");
    cr_assert_eq(c->annotations.audience, (uint32_t)GANTRY_ASSISTANT);
    c = gn_generation_find(b.g, GN_TEMPLATE, "page:///{path*}{?sort}");
    cr_assert(c && c->uri_template && c->input->count == 2);
    c = gn_generation_find(b.g, GN_PROMPT, "Träum weiter, 夢");
    cr_assert(c && c->input->count == 2);
    close_bench(&b);
}

/* ---------------------------------------------------------------- the descriptor */

Test(abi, refuses_another_major_naming_both_sides)
{
    gantry_descriptor d = descriptor();
    d.abi_major = 2;
    d.abi_minor = 3;
    check_refused(&d, "built for ABI 2.3; this host speaks 0.9");
}

Test(abi, refuses_a_plugin_that_needs_a_newer_host)
{
    gantry_descriptor d = descriptor();
    d.min_host_minor = 17;
    check_refused(&d, "needs host ABI >= 0.17; this host speaks 0.9");
}

Test(abi, refuses_impossible_sizes)
{
    gantry_descriptor d = descriptor();
    d.size = 12;
    check_refused(&d, "its descriptor says that it has 12 bytes: not a plugin, or damaged");
    d.size = 0x40000000;
    check_refused(&d, "its descriptor says that it has 1073741824 bytes: not a plugin, or damaged");
}

Test(abi, refuses_a_descriptor_that_uses_what_this_host_does_not_know)
{
    struct {
        gantry_descriptor d;
        void *more;
    } big = {descriptor(), NULL};
    struct bench b;
    big.d.size = sizeof big;
    open_bench(&b);
    cr_assert_eq(import(&b, &big.d), 0, "an unused field is none: %s", b.err.text);
    close_bench(&b);
    big.d.abi_minor = 19;
    big.more = &big;
    check_refused(&big.d,
                  "uses fields newer than this host: built for ABI 0.19; this host speaks 0.9");
    gantry_descriptor d = descriptor();
    d.flags = 0x40;
    check_refused(
        &d, "uses flags newer than this host (0x40): built for ABI 0.9; this host speaks 0.9");
}

Test(abi, refuses_a_descriptor_without_the_essentials)
{
    gantry_descriptor d = descriptor();
    d.name = NULL;
    check_refused(&d, "its descriptor has no name");
    d.name = "../evil";
    check_refused(
        &d, "its name must be 1 to 64 of A-Z, a-z, 0-9, '_', '-' and '.', but is \"../evil\"");
    d = descriptor();
    d.version = "";
    check_refused(&d, "its descriptor has no version");
    d = descriptor();
    d.host = NULL;
    check_refused(&d, "its descriptor has no place for the host's functions");
}

/* ---------------------------------------------------------------- mistakes of authors */

Test(abi, refuses_tools_with_bad_names)
{
    char text[140];
    memset(text, 'a', sizeof text);
    text[129] = '\0';
    gantry_tool t = tool(NULL);
    check_tool(&t, "tool without a name: has no name");
    t.name = "";
    check_tool(&t, "tool without a name: has no name");
    t.name = "two words";
    check_tool(&t, "tool two words: its name may hold A-Z, a-z, 0-9, '_', '-' and '.' only");
    t.name = "caf\xc3\xa9";
    check_tool(&t, "tool caf\xc3\xa9: its name may hold A-Z, a-z, 0-9, '_', '-' and '.' only");
    t.name = "bad\xff";
    check_tool(&t, "tool with an unprintable name: its name is not UTF-8");
    t.name = text;
    struct bench b;
    open_bench(&b);
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&t);
    cr_assert_eq(import(&b, &d), GN_EINVAL);
    cr_assert(gn_ends_with(b.err.text, ": its name is longer than 128 bytes"), "%s", b.err.text);
    text[128] = '\0';
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    close_bench(&b);
}

Test(abi, refuses_tools_that_cannot_run)
{
    gantry_tool t = tool("t");
    t.run = NULL;
    check_tool(&t, "tool t: .run is NULL");
    t = tool("t");
    t.size = 8;
    check_tool(&t,
               "tool without a name: its struct says that it has 8 bytes: .size is not set right");
    t = tool("t");
    t.args = greet_args;
    t.in_size = sizeof(greet_in);
    t.arg_size = 0;
    check_tool(&t, "tool t: has an argument table but no .arg_size");
    t = tool("t");
    t.read_only = 3;
    check_tool(&t, "tool t: a hint is neither GANTRY_YES nor GANTRY_NO");
}

Test(abi, refuses_tools_with_bad_texts)
{
    gantry_tool t = tool("t");
    t.description = "\xc0\x80";
    check_tool(&t, "tool t: its description is not UTF-8");
    t = tool("t");
    t.tags = (const char *const[]){"ok", "\xff", NULL};
    check_tool(&t, "tool t: a tag is not UTF-8");
    t = tool("t");
    t.meta_json = "[]";
    check_tool(&t, "tool t: meta_json is not an object");
    t = tool("t");
    t.icons = (const gantry_icon *const[]){GANTRY_ICON("javascript:x"), NULL};
    check_tool(&t, "tool t: icon 1: its source is not an https: or data: URI");
    t.icons = (const gantry_icon *const[]){GANTRY_ICON("https://x/i.png", .theme = "pink"), NULL};
    check_tool(&t, "tool t: icon 1: its theme is neither \"light\" nor \"dark\"");
}

Test(abi, refuses_tools_with_bad_schemas)
{
    gantry_tool t = tool("t");
    t.input_schema_json = "{\"type\":\"array\"}";
    check_tool(&t, "tool t: input_schema_json: its \"type\" must be \"object\"");
    t.args = greet_args;
    t.in_size = sizeof(greet_in);
    check_tool(&t, "tool t: has both .args and .input_schema_json");
    t = tool("t");
    t.output = greet_out_args;
    t.output_size = sizeof(greet_out);
    t.output_schema_json = "{}";
    check_tool(&t, "tool t: has both .output and .output_schema_json");
    static const gantry_arg twice[] = {
        GANTRY_ARG(greet_in, name, NULL),
        GANTRY_ARG(greet_in, name, NULL),
        GANTRY_ARGS_END,
    };
    t = tool("t");
    t.args = twice;
    t.in_size = sizeof(greet_in);
    check_tool(&t, "tool t: argument \"name\" is there twice");
}

Test(abi, refuses_schemas_that_lead_out_of_this_world)
{
    static const struct {
        const char *schema, *place, *says; /* in any order */
    } rows[] = {
        {"{\"type\":\"object\",\"$schema\":\"http://json-schema.org/draft-04/schema#\"}",
         "draft-04", "2020-12"},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"https://x.example/s\"}}}",
         "/properties/a", "https://x.example/s"},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/b\"}}}", "/properties/a",
         "#/$defs/b"},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"minimum\":\"1\"}}}",
         "/properties/a/minimum", "number"},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"pattern\":\"(\"}}}", "/properties/a", "("},
        {"true", "input_schema_json", "not an object"},
    };
    for (size_t i = 0; i < 2 * GN_COUNT(rows); i++) {
        struct bench b;
        gantry_tool t = tool("t");
        gantry_descriptor d = descriptor();
        const char *what = i % 2 ? "output_schema_json" : "input_schema_json";
        *(i % 2 ? &t.output_schema_json : &t.input_schema_json) = rows[i / 2].schema;
        d.tools = GANTRY_TOOLS(&t);
        open_bench(&b);
        GN_AUTO_FREE char *start = gn_format("tool t: %s: ", what);
        cr_expect_eq(import(&b, &d), GN_EINVAL, "row %zu", i);
        cr_expect(gn_starts_with(b.err.text, start), "row %zu: %s", i, b.err.text);
        cr_expect(strstr(b.err.text, i < 2 * GN_COUNT(rows) - 2 ? rows[i / 2].place : what),
                  "row %zu: %s", i, b.err.text);
        cr_expect(strstr(b.err.text, rows[i / 2].says), "row %zu: %s", i, b.err.text);
        close_bench(&b);
    }
}

Test(abi, schemas_with_references_are_kept_without_them_as_well)
{
    struct bench b;
    open_bench(&b);
    gantry_tool with = tool("with"), without = tool("without");
    with.input_schema_json = "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\"}},"
                             "\"$defs\":{\"n\":{\"type\":\"integer\"}}}";
    with.output_schema_json = "{\"type\":\"object\"}";
    without.output_schema_json = with.input_schema_json;
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&with, &without);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    const struct gn_component *c = gn_generation_find(b.g, GN_TOOL, "with");
    cr_assert_str_eq(c->input_text, with.input_schema_json);
    cr_assert_str_eq(c->input_inline,
                     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}");
    cr_assert_null(c->output_inline);
    c = gn_generation_find(b.g, GN_TOOL, "without");
    cr_assert_null(c->input_inline);
    cr_assert_str_eq(c->output_inline,
                     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}");
    close_bench(&b);
}

Test(abi, tools_choose_how_strictly_they_are_taken)
{
    struct bench b;
    open_bench(&b);
    gantry_tool t = tool("t");
    t.flags = GANTRY_BLOCKING | GANTRY_STRICT_INPUT | GANTRY_OUTPUT_STRICT;
    gantry_prompt p = prompt("p");
    p.flags = GANTRY_STRICT_INPUT;
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&t);
    d.prompts = GANTRY_PROMPTS(&p);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    cr_assert_eq(gn_generation_find(b.g, GN_TOOL, "t")->flags, t.flags);
    cr_assert_null(gn_generation_find(b.g, GN_PROMPT, "p"));
    cr_assert_str_eq(gn_buf_str(&b.skipped), "prompt p: uses flags newer than this host (0x2)\n");
    close_bench(&b);
    t.flags = GANTRY_OUTPUT_STRICT | GANTRY_OUTPUT_UNCHECKED;
    check_tool(&t, "tool t: has both GANTRY_OUTPUT_STRICT and GANTRY_OUTPUT_UNCHECKED");
}

Test(abi, refuses_bad_json_naming_where)
{
    struct bench b;
    gantry_tool t = tool("t");
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&t);
    open_bench(&b);
    t.meta_json = "{";
    cr_assert_eq(import(&b, &d), GN_EINVAL);
    cr_assert(gn_starts_with(b.err.text, "tool t: meta_json: not JSON"), "%s", b.err.text);
    t.meta_json = NULL;
    t.input_schema_json = "{'a':1}";
    cr_assert_eq(import(&b, &d), GN_EINVAL);
    cr_assert(gn_starts_with(b.err.text, "tool t: input_schema_json: "), "%s", b.err.text);
    close_bench(&b);
}

Test(abi, refuses_resources_with_bad_uris)
{
    gantry_resource r = resource(NULL);
    check_resource(&r, "resource without a name: has no URI");
    r = resource("notes");
    check_resource(&r, "resource notes: its URI \"notes\" has no scheme, such as \"notes:\"");
    r = resource("1x://a");
    check_resource(&r, "resource 1x://a: its URI \"1x://a\" has no scheme, such as \"notes:\"");
    r = resource("notes://a\nb");
    check_resource(&r, "resource with an unprintable name: its URI holds a control character");
    r = resource("notes://a");
    r.name = NULL;
    check_resource(&r, "resource notes://a: has no name");
    r = resource("notes://a");
    r.read = NULL;
    check_resource(&r, "resource notes://a: .read is NULL");
    r = resource("notes://a");
    r.ttl_ms = -1;
    check_resource(&r, "resource notes://a: ttl_ms is negative");
    r = resource("notes://a");
    r.annotations = GANTRY_ANNOTATIONS(.priority = {true, NAN});
    check_resource(&r, "resource notes://a: annotations: priority is not between 0 and 1");
}

static void check_template(const gantry_template *t, const char *message)
{
    gantry_descriptor d = descriptor();
    d.templates = GANTRY_TEMPLATES(t);
    check_refused(&d, message);
}

Test(abi, variables_and_rows_must_be_the_same)
{
    gantry_template t = uri_template("page://{path}/{name}/{zip}{?sort}");
    check_template(
        &t,
        "resource template page://{path}/{name}/{zip}{?sort}: URI variables {name, zip} have no "
        "row in the argument table");
    t = uri_template("page://{path}");
    check_template(
        &t,
        "resource template page://{path}: arguments {sort} are not variables of the URI template");
    t = uri_template("page://{sort}{?path}");
    check_template(
        &t, "resource template page://{sort}{?path}: query parameters {path} must be optional "
            "arguments: give them a default or .optional");
    static const gantry_arg none[] = {GANTRY_ARGS_END};
    t = uri_template("page://all");
    t.args = none;
    check_template(
        &t, "resource template page://all: a URI template must have at least one variable: without "
            "one it is a resource");
}

Test(abi, refuses_templates_that_cannot_be_matched)
{
    struct bench b;
    open_bench(&b);
    gantry_template t = uri_template("page://{+path}{?sort}");
    gantry_descriptor d = descriptor();
    d.templates = GANTRY_TEMPLATES(&t);
    cr_assert_eq(import(&b, &d), GN_EINVAL);
    cr_assert(gn_starts_with(b.err.text, "resource template page://{+path}{?sort}: {+path} can "),
              "%s", b.err.text);
    cr_assert_null(strstr(b.err.text, "page://{+path}{?sort}\""), "said once: %s", b.err.text);
    close_bench(&b);
}

Test(abi, refuses_prompts_that_cannot_be_shown)
{
    gantry_prompt p = prompt("a\tb");
    check_prompt(&p, "prompt with an unprintable name: its name holds a control character");
    p = prompt("a\xc2\x85"
               "b");
    check_prompt(&p, "prompt with an unprintable name: its name holds a control character");
    p = prompt("p");
    p.render = NULL;
    check_prompt(&p, "prompt p: .render is NULL");
}

Test(abi, refuses_what_is_declared_twice)
{
    gantry_tool a = tool("greet"), b = tool("greet");
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&a, &b);
    check_refused(&d, "tool greet is declared twice");
    gantry_resource r = resource("notes://a");
    d = descriptor();
    d.resources = GANTRY_RESOURCES(&r, &r);
    check_refused(&d, "resource notes://a is declared twice");
}

/* ---------------------------------------------------------------- newer than this host */

Test(abi, tools_say_whether_their_calls_are_tasks)
{
    static const char *const names[] = {"never", "optional", "required", "deferred", "newer"};
    gantry_tool tools[GN_COUNT(names)];
    for (uint32_t i = 0; i < GN_COUNT(names); i++) {
        tools[i] = tool(names[i]);
        tools[i].task = i;
    }
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&tools[0], &tools[1], &tools[2], &tools[3], &tools[4]);
    struct bench b;
    open_bench(&b);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    for (uint32_t i = 0; i <= GANTRY_TASK_DEFERRED; i++)
        cr_assert_eq(gn_generation_find(b.g, GN_TOOL, names[i])->task, i);
    cr_assert_str_eq(gn_buf_str(&b.skipped), "tool newer: .task is newer than this host (4)\n");
    close_bench(&b);
}

Test(abi, skips_a_component_that_is_newer_and_takes_the_others)
{
    struct {
        gantry_tool t;
        uint64_t more;
    } big = {tool("newer"), 1};
    struct {
        gantry_arg row;
        uint64_t more;
    } rows[] = {{GANTRY_ARG(greet_in, name, NULL), 1}, {GANTRY_ARGS_END, 0}};
    big.t.size = sizeof big;
    gantry_tool row = tool("row"), flags = tool("flags"), needs = tool("needs"),
                plain = tool("plain");
    row.args = &rows[0].row;
    row.arg_size = sizeof rows[0];
    row.in_size = sizeof(greet_in);
    flags.flags = 0x80;
    needs.requires = 0x8000;
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&big.t, &row, &flags, &needs, &plain);
    struct bench b;
    open_bench(&b);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    cr_assert_eq(b.g->component_count, 1);
    cr_assert_not_null(gn_generation_find(b.g, GN_TOOL, "plain"));
    cr_assert_str_eq(gn_buf_str(&b.skipped),
                     "tool newer: uses fields newer than this host\n"
                     "tool row: argument \"name\" uses an option that this host does not know\n"
                     "tool flags: uses flags newer than this host (0x80)\n"
                     "tool needs: uses capabilities newer than this host (0x8000)\n");
    close_bench(&b);
}

Test(abi, a_bigger_struct_that_uses_nothing_new_is_taken)
{
    struct {
        gantry_tool t;
        uint64_t more;
    } big = {tool("newer"), 0};
    big.t.size = sizeof big;
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&big.t);
    struct bench b;
    open_bench(&b);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    cr_assert_eq(b.g->component_count, 1);
    cr_assert_eq(b.skipped.len, 0);
    close_bench(&b);
}

Test(abi, a_smaller_struct_is_read_as_if_the_rest_were_zero)
{
    gantry_tool t = tool("older");
    t.title = "not there for the host";
    t.size = offsetof(gantry_tool, title);
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&t);
    d.size = offsetof(gantry_descriptor, resources);
    d.resources = (const gantry_resource *const *)&d; /* beyond its size: never looked at */
    struct bench b;
    open_bench(&b);
    cr_assert_eq(import(&b, &d), 0, "%s", b.err.text);
    cr_assert_null(gn_generation_find(b.g, GN_TOOL, "older")->title);
    close_bench(&b);
}

/* ---------------------------------------------------------------- settings */

typedef struct {
    const char *root;
    int64_t limit;
    bool hidden;
} sample_settings;
static const gantry_arg sample_settings_args[] = {
    GANTRY_ARG(sample_settings, root, "Where the files are"),
    GANTRY_ARG(sample_settings, limit, "How many", .range = {1, 100}, .default_json = "10"),
    GANTRY_ARG(sample_settings, hidden, "Show hidden files", .optional = 1),
    GANTRY_ARGS_END,
};

static void open_settings(struct bench *b)
{
    gantry_descriptor d = descriptor();
    d.settings = sample_settings_args;
    d.settings_size = sizeof(sample_settings);
    d.arg_size = sizeof(gantry_arg);
    open_bench(b);
    cr_assert_eq(import(b, &d), 0, "%s", b->err.text);
}

Test(abi, binds_settings)
{
    struct bench b;
    open_settings(&b);
    json_t *settings = json_pack("{s:s, s:s, s:b}", "root", "/srv", "limit", "20", "hidden", 1);
    cr_assert_eq(gn_abi_bind_settings(b.g, settings, &b.err), 0, "%s", b.err.text);
    json_decref(settings);
    const sample_settings *s = b.g->settings;
    cr_assert_str_eq(s->root, "/srv");
    cr_assert_eq(s->limit, 20, "text from the environment is read as a number");
    cr_assert(s->hidden);
    close_bench(&b);
}

Test(abi, settings_that_do_not_fit_are_refused_by_name)
{
    struct bench b;
    open_settings(&b);
    cr_assert_eq(gn_abi_bind_settings(b.g, NULL, &b.err), GN_EINVAL);
    cr_assert(gn_starts_with(b.err.text, "settings: "), "%s", b.err.text);
    cr_assert(strstr(b.err.text, "missing") && strstr(b.err.text, "root"), "%s", b.err.text);
    json_t *settings = json_pack("{s:s, s:i, s:i}", "rooot", "/srv", "limit", 500, "hidden", 3);
    cr_assert_eq(gn_abi_bind_settings(b.g, settings, &b.err), GN_EINVAL);
    json_decref(settings);
    const char *const parts[] = {"rooot", "did you mean", "limit", "500", "hidden", "; "};
    for (size_t i = 0; i < GN_COUNT(parts); i++)
        cr_assert(strstr(b.err.text, parts[i]), "%s lacks %s", b.err.text, parts[i]);
    cr_assert_null(strchr(b.err.text, '\n'));
    cr_assert_null(b.g->settings);
    json_t *list = json_array();
    cr_assert_eq(gn_abi_bind_settings(b.g, list, &b.err), GN_EINVAL);
    json_decref(list);
    close_bench(&b);
}

Test(abi, settings_like_no_known_one_are_told_which_there_are)
{
    struct bench b;
    open_settings(&b);
    json_t *settings = json_pack("{s:s, s:i}", "root", "/srv", "zebra", 1);
    cr_assert_eq(gn_abi_bind_settings(b.g, settings, &b.err), GN_EINVAL);
    json_decref(settings);
    cr_assert(
        gn_starts_with(b.err.text, "settings: unknown \"zebra\"; known settings: root, limit"),
        "%s", b.err.text);
    settings = json_pack("{s:s, s:i}", "root", "/srv", "limt", 1);
    cr_assert_eq(gn_abi_bind_settings(b.g, settings, &b.err), GN_EINVAL);
    json_decref(settings);
    cr_assert_str_eq(b.err.text, "settings: unknown \"limt\" (did you mean \"limit\"?)");
    close_bench(&b);
}

Test(abi, a_plugin_without_settings_refuses_any)
{
    struct bench b;
    open_bench(&b);
    gantry_descriptor d = descriptor();
    cr_assert_eq(import(&b, &d), 0);
    json_t *settings = json_object();
    cr_assert_eq(gn_abi_bind_settings(b.g, NULL, &b.err), 0);
    cr_assert_eq(gn_abi_bind_settings(b.g, settings, &b.err), 0);
    json_object_set_new(settings, "root", json_string("/srv"));
    cr_assert_eq(gn_abi_bind_settings(b.g, settings, &b.err), GN_EINVAL);
    cr_assert_str_eq(b.err.text, "settings: the plugin takes none, but \"root\" is set");
    json_decref(settings);
    close_bench(&b);
}

Test(abi, a_bad_table_of_settings_refuses_the_plugin)
{
    static const gantry_arg bad[] = {
        GANTRY_ARG(sample_settings, limit, NULL, .default_json = "\"many\""),
        GANTRY_ARGS_END,
    };
    gantry_descriptor d = descriptor();
    d.settings = bad;
    d.settings_size = sizeof(sample_settings);
    check_refused(&d, "settings: there is a table but no .arg_size");
    d.arg_size = sizeof(gantry_arg);
    struct bench b;
    open_bench(&b);
    cr_assert(import(&b, &d) < 0);
    cr_assert(gn_starts_with(b.err.text, "settings: argument \"limit\": default"), "%s",
              b.err.text);
    close_bench(&b);
}

/* ---------------------------------------------------------------- how a generation ends */

static struct gn_buf trace;

static void note_free(void *data)
{
    gn_buf_addf(&trace, "free %s;", (const char *)data);
}

static void note_stop(gantry_plugin *g)
{
    gn_buf_addf(&trace, "stop %s;", (const char *)g->user_state);
}

static void note_unused(gantry_plugin *g)
{
    gn_buf_addf(&trace, "unused %u;", g->number);
}

static char first_data[] = "first", second_data[] = "second", state[] = "state";

static void open_ending(struct bench *b)
{
    gantry_tool first = tool("first"), second = tool("second");
    first.data = first_data;
    second.data = second_data;
    first.free_data = second.free_data = note_free;
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&first, &second);
    d.stop = note_stop;
    trace = GN_BUF_INIT(1024);
    open_bench(b);
    cr_assert_eq(import(b, &d), 0, "%s", b->err.text);
    b->g->user_state = state;
    b->g->on_unused = note_unused;
}

static void check_trace(const char *expected)
{
    cr_assert_str_eq(gn_buf_str(&trace), expected, "%s", gn_buf_str(&trace));
    gn_buf_clear(&trace);
}

Test(abi, stop_runs_before_the_data_is_freed_and_each_once)
{
    struct bench b;
    open_ending(&b);
    b.g->started = true;
    gn_generation_ref(b.g);
    b.g->owner.ref(&b.g->owner);
    b.g->owner.unref(&b.g->owner);
    gn_generation_unref(b.g);
    check_trace("");
    gn_generation_unref(b.g);
    check_trace("unused 1;");
    gn_generation_stop(b.g);
    check_trace("stop state;free first;free second;");
    gn_generation_stop(b.g);
    close_bench(&b);
    check_trace("");
    gn_buf_release(&trace);
}

Test(abi, what_was_never_started_is_not_stopped)
{
    struct bench b;
    open_ending(&b);
    close_bench(&b);
    check_trace("free first;free second;");
    gn_buf_release(&trace);
}

Test(abi, a_component_taken_back_keeps_its_data_while_it_is_used)
{
    struct bench b;
    open_ending(&b);
    struct gn_component *c = gn_component_ref(gn_generation_find(b.g, GN_TOOL, "first"));
    gn_generation_drop_component(b.g, c);
    cr_assert_null(gn_generation_find(b.g, GN_TOOL, "first"));
    check_trace("");
    gn_component_unref(c);
    gn_generation_drop_component(b.g, gn_generation_find(b.g, GN_TOOL, "second"));
    check_trace("free first;free second;");
    close_bench(&b);
    gn_buf_release(&trace);
}

Test(abi, a_component_that_outlives_its_plugin_cannot_reach_it)
{
    struct bench b;
    open_ending(&b);
    struct gn_component *c = gn_component_ref(gn_generation_find(b.g, GN_TOOL, "first"));
    close_bench(&b);
    check_trace("free first;free second;");
    cr_assert(!c->run && !c->owner && !c->data && !c->free_data);
    cr_assert_str_eq(c->name, "first");
    gn_component_unref(c);
    check_trace("");
    gn_buf_release(&trace);
}
