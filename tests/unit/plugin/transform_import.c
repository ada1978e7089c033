/* transform_import.c - tools made from tools and transforms of lists, from the structs of a plugin
 * to the host's own, declared and while the instance is live.
 */
#include "plugin/bench.h"

#include "registry/derive.h"
#include "registry/transform.h"
#include "registry/view.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(transform_import);

static const gantry_host *host;

/* ---------------------------------------------------------------- helpers */

static void on_skip(void *arg, const char *text)
{
    gn_buf_addf(arg, "%s\n", text);
}

static gantry_descriptor descriptor(void)
{
    return (gantry_descriptor){.size = sizeof(gantry_descriptor),
                               .abi_major = GANTRY_ABI_MAJOR,
                               .abi_minor = GANTRY_ABI_MINOR,
                               .name = "sample",
                               .version = "1.0.0",
                               .host = &host};
}

static int run_nothing(gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_OK;
}

static gantry_from from(const char *name, const char *parent)
{
    return (gantry_from){.size = sizeof(gantry_from),
                         .change_size = sizeof(gantry_change),
                         .arg_size = sizeof(gantry_arg),
                         .name = name,
                         .parent = parent};
}

static gantry_transform transform(uint32_t type, const char *name)
{
    return (gantry_transform){.size = sizeof(gantry_transform),
                              .type = type,
                              .name = name,
                              .kinds = type == GANTRY_TRANSFORM_DISABLE ? 1u << GANTRY_KIND_TOOL
                                                                        : 0};
}

static void check_from(const gantry_from *f, const char *message)
{
    struct gn_call_env env = {0};
    struct gn_error err = {0};
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    struct gn_component *c = NULL;
    cr_expect_eq(gn_abi_import_from(g, f, &c, &err), GN_EINVAL);
    cr_expect_str_eq(err.text, message, "said:     %s\nexpected: %s", err.text, message);
    cr_expect_null(c);
    gn_generation_free(g);
}

static void check_transform(const gantry_transform *t, int rc, const char *message)
{
    struct gn_call_env env = {0};
    struct gn_error err = {0};
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    struct gn_transform *made = NULL;
    cr_expect_eq(gn_abi_import_transform(g, t, &made, &err), rc);
    cr_expect_str_eq(err.text, message, "said:     %s\nexpected: %s", err.text, message);
    cr_expect_null(made);
    gn_generation_free(g);
}

static struct gn_component *import_from(struct gn_generation *g, const gantry_from *f)
{
    struct gn_error err = {0};
    struct gn_component *c = NULL;
    cr_assert_eq(gn_abi_import_from(g, f, &c, &err), 0, "%s", err.text);
    return c;
}

/* ---------------------------------------------------------------- tools made from tools */

Test(transform_import, a_plain_one_has_what_the_tables_say)
{
    static const gantry_change changes[] = {
        GANTRY_CHANGE(q, .name = "query", .title = "Query", .description = "What to look for",
                      .schema_json = "{\"minLength\": 2}", .examples_json = "[\"tea\"]",
                      .required = 1),
        GANTRY_CHANGE(key, .hide = 1, .source = "env:KEY"),
        GANTRY_CHANGE(limit, .default_json = "null"),
        GANTRY_CHANGES_END,
    };
    struct gn_call_env env = {0};
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    gantry_from f = from("look", "search");
    f.changes = changes;
    f.title = "";
    f.description = "Looks";
    f.version = "2";
    f.tags = (const char *const[]){NULL};
    f.meta_json = "{\"x\": 1}";
    f.output_schema_json = "{\"type\": \"object\"}";
    f.icons = (const gantry_icon *const[]){GANTRY_ICON("data:,x"), NULL};
    f.read_only = GANTRY_YES;
    f.open_world = GANTRY_NO;
    f.flags = GANTRY_STRICT_INPUT;
    f.timeout_ms = 70;
    f.requires = GANTRY_CAP_ROOTS;
    f.principal = "ada";
    struct gn_component *c = import_from(g, &f);
    cr_assert(c->kind == GN_TOOL && c->owner == &g->owner && !c->run && !c->input);
    cr_assert_str_eq(c->key, "look");
    cr_assert_str_eq(c->version, "2");
    cr_assert_str_eq(c->principal, "ada");
    cr_assert(c->flags == GANTRY_STRICT_INPUT && c->timeout_ms == 70 &&
              c->requires == GANTRY_CAP_ROOTS);
    const struct gn_from *s = c->from;
    cr_assert_str_eq(s->name, "look");
    cr_assert_str_eq(s->parent, "search");
    cr_assert_str_eq(s->title, "");
    cr_assert_str_eq(s->description, "Looks");
    cr_assert_str_eq(s->version, "2");
    cr_assert(s->tags && !s->tags[0], "an empty list is one");
    cr_assert_eq(json_integer_value(json_object_get(s->meta, "x")), 1);
    cr_assert(json_is_object(s->output_schema));
    cr_assert(s->icon_count == 1 && gn_streq(s->icons[0].src, "data:,x") && !c->icons);
    cr_assert(s->read_only == GANTRY_YES && s->open_world == GANTRY_NO && s->idempotent == 0);
    cr_assert_eq(s->arg_count, 3);
    const struct gn_from_arg *a = s->args;
    cr_assert_str_eq(a[0].arg, "q");
    cr_assert_str_eq(a[0].name, "query");
    cr_assert_str_eq(a[0].title, "Query");
    cr_assert_str_eq(a[0].description, "What to look for");
    cr_assert(a[0].required && !a[0].hide && !a[0].value);
    cr_assert_eq(json_integer_value(json_object_get(a[0].schema, "minLength")), 2);
    cr_assert_eq(json_array_size(a[0].examples), 1);
    cr_assert(a[1].hide && !a[1].required && a[1].source == GN_SOURCE_ENV);
    cr_assert_str_eq(a[1].source_name, "KEY");
    cr_assert(json_is_null(a[2].value), "null is a default");
    gn_component_unref(c);
    gn_generation_free(g);
}

typedef struct {
    int64_t n;
} count_in;
static const gantry_arg count_args[] = {
    GANTRY_ARG(count_in, n, "How many"),
    GANTRY_ARGS_END,
};

Test(transform_import, a_function_has_its_own_code_and_tables)
{
    struct gn_call_env env = {0};
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    static int data;
    gantry_from f = from("more", "less");
    f.run = run_nothing;
    f.args = count_args;
    f.in_size = sizeof(count_in);
    f.output = count_args;
    f.output_size = sizeof(count_in);
    f.flags = GANTRY_REPLAY | GANTRY_OUTPUT_STRICT;
    f.task = GANTRY_TASK_OPTIONAL;
    f.data = &data;
    struct gn_component *c = import_from(g, &f);
    cr_assert(c->run == run_nothing && c->data == &data && !c->free_data);
    cr_assert(c->flags == (GANTRY_REPLAY | GANTRY_OUTPUT_STRICT) &&
              c->task == GANTRY_TASK_OPTIONAL);
    cr_assert_not_null(gn_fields_find(c->input, "n"));
    cr_assert_not_null(gn_fields_find(c->output, "n"));
    cr_assert(strstr(c->output_text, "\"n\""));
    cr_assert(!c->from->output_schema && !c->from->args && !c->from->tags && !c->from->name[4]);
    gn_component_unref(c);
    f.output = NULL;
    f.output_schema_json = "";
    f.meta_json = "";
    c = import_from(g, &f);
    cr_assert(json_is_null(c->from->output_schema) && json_is_null(c->from->meta));
    cr_assert(!c->output && !c->output_schema);
    gn_component_unref(c);
    gn_generation_free(g);
}

#define REFUSED(message, ...)                                                                      \
    do {                                                                                           \
        gantry_from f = from("look", "search");                                                    \
        __VA_ARGS__;                                                                               \
        check_from(&f, message);                                                                   \
    } while (0)
#define CHANGES(...) ((const gantry_change[]){__VA_ARGS__, GANTRY_CHANGES_END})

Test(transform_import, a_mistake_is_refused_by_name)
{
    REFUSED("tool without a name: has no name", f.name = NULL);
    REFUSED("tool a b: its name may hold A-Z, a-z, 0-9, '_', '-' and '.' only", f.name = "a b");
    REFUSED("tool look: has no .parent", f.parent = NULL);
    REFUSED("tool look: has no .parent", f.parent = "");
    REFUSED("tool look: parent x/y: its name may hold A-Z, a-z, 0-9, '_', '-' and '.' only",
            f.parent = "x/y");
    REFUSED("tool look: a function around a tool cannot be GANTRY_BLOCKING: it is a coroutine, and "
            "its blocking work goes to gantry_work()",
            f.run = run_nothing, f.flags = GANTRY_BLOCKING);
    REFUSED("tool look: GANTRY_REPLAY is for a function: without .run it is as its parent",
            f.flags = GANTRY_REPLAY);
    REFUSED("tool look: .args is for a function around the tool, but .run is NULL: what becomes of "
            "the parent's arguments goes into .changes",
            f.args = count_args, f.in_size = sizeof(count_in));
    REFUSED("tool look: .output is for a function around the tool, but .run is NULL: there is "
            ".output_schema_json",
            f.output = count_args, f.output_size = sizeof(count_in));
    REFUSED("tool look: .task is for a function around the tool, but .run is NULL", f.task = 1);
    REFUSED("tool look: has both .output and .output_schema_json", f.run = run_nothing,
            f.output = count_args, f.output_size = sizeof(count_in), f.output_schema_json = "{}");
    REFUSED("tool look: its principal is empty: NULL is for all", f.principal = "");
    REFUSED("tool look: a hint is neither GANTRY_YES nor GANTRY_NO", f.idempotent = 7);
    REFUSED("tool look: meta_json is not an object", f.meta_json = "[]");
    REFUSED("tool look: its tags: one of them is empty", f.tags = (const char *const[]){"", NULL});
    REFUSED("tool look: has changes, but .change_size is not set right (0)",
            f.changes = CHANGES(GANTRY_CHANGE(q, .hide = 1)), f.change_size = 0);
}

Test(transform_import, a_mistake_in_a_row_names_the_argument)
{
    REFUSED("tool look: argument q: its new name is empty",
            f.changes = CHANGES(GANTRY_CHANGE(q, .name = "")));
    REFUSED("tool look: argument without a name: its name in the parent is empty",
            f.changes = CHANGES({.arg = ""}));
    REFUSED("tool look: argument q: schema_json is not an object",
            f.changes = CHANGES(GANTRY_CHANGE(q, .schema_json = "1")));
    REFUSED("tool look: argument q: examples_json is not an array",
            f.changes = CHANGES(GANTRY_CHANGE(q, .examples_json = "{}")));
    struct gn_call_env env = {0};
    struct gn_error err = {0};
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    struct gn_component *c = NULL;
    gantry_from f = from("look", "search");
    f.changes = CHANGES(GANTRY_CHANGE(q, .default_json = "{"));
    cr_assert_eq(gn_abi_import_from(g, &f, &c, &err), GN_EINVAL);
    cr_assert(gn_starts_with(err.text, "tool look: argument q: default_json: "), "%s", err.text);
    f.changes = CHANGES(GANTRY_CHANGE(q, .hide = 1, .source = "moon"));
    cr_assert_eq(gn_abi_import_from(g, &f, &c, &err), GN_EINVAL);
    cr_assert(gn_starts_with(err.text, "tool look: argument q: ") && strstr(err.text, "moon"), "%s",
              err.text);
    f.changes = CHANGES(GANTRY_CHANGE(q, .hide = 1, .required = 1, .default_json = "1"));
    cr_assert_eq(gn_abi_import_from(g, &f, &c, &err), GN_EINVAL, "it contradicts itself");
    cr_assert(gn_starts_with(err.text, "tool look: ") && strstr(err.text, "q"), "%s", err.text);
    gn_generation_free(g);
}

/* A row of a later header. */
struct later {
    gantry_change row;
    const char *unit;
};

Test(transform_import, rows_may_be_shorter_or_longer_than_the_hosts)
{
    struct gn_call_env env = {0};
    struct gn_error err = {0};
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    const struct {
        const char *arg, *name;
    } shorter[] = {{"a", "b"}, {"c", NULL}, {NULL, NULL}};
    struct later longer[] = {{GANTRY_CHANGE(a, .name = "b"), NULL}, {GANTRY_CHANGES_END, NULL}};
    gantry_from f = from("look", "search");
    f.changes = (const gantry_change *)(const void *)shorter;
    f.change_size = sizeof shorter[0];
    struct gn_component *c = import_from(g, &f);
    cr_assert_eq(c->from->arg_count, 2);
    cr_assert(gn_streq(c->from->args[1].arg, "c") && !c->from->args[1].name);
    gn_component_unref(c);
    f.changes = &longer[0].row;
    f.change_size = sizeof longer[0];
    c = import_from(g, &f);
    cr_assert(c->from->arg_count == 1 && gn_streq(c->from->args[0].name, "b"));
    gn_component_unref(c);
    longer[0].unit = "mm";
    cr_assert_eq(gn_abi_import_from(g, &f, &c, &err), GN_ENOTSUP);
    cr_assert_str_eq(err.text, "tool look: argument a: uses options newer than this host");
    gn_generation_free(g);
}

Test(transform_import, a_listed_one_that_is_newer_is_skipped_by_name)
{
    struct {
        gantry_from f;
        const char *mood;
    } newer = {from("moody", "search"), "sad"};
    struct gn_call_env env = {0};
    struct gn_error err = {0};
    struct gn_buf skipped = GN_BUF_INIT(1024);
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    gantry_from plain = from("look", "search"), flagged = from("flagged", "search");
    gantry_descriptor d = descriptor();
    newer.f.size = sizeof newer;
    flagged.flags = 1u << 20;
    d.tools_from = GANTRY_TOOLS_FROM(&newer.f, &plain, &flagged);
    cr_assert_eq(gn_abi_import(&gn_abi_current, &d, g, on_skip, &skipped, &err), 0, "%s", err.text);
    cr_assert_str_eq(gn_buf_str(&skipped),
                     "tool moody: uses fields newer than this host\n"
                     "tool flagged: uses flags newer than this host (0x100000)\n");
    cr_assert_eq(g->component_count, 1);
    cr_assert_str_eq(g->components[0]->key, "look");
    gn_generation_free(g);
    gn_buf_release(&skipped);
}

Test(transform_import, a_second_instance_has_its_names_before_them)
{
    struct gn_call_env env = {0};
    struct gn_generation *g = gn_generation_new(&env, "docs", 1);
    g->prefix = gn_strdup("docs");
    gantry_from f = from("look", "search");
    struct gn_component *c = import_from(g, &f);
    cr_assert_str_eq(c->key, "docs_look");
    cr_assert_str_eq(c->name, "docs_look");
    cr_assert_str_eq(c->from->name, "docs_look");
    cr_assert_str_eq(c->from->parent, "search", "found by what the plugin calls it");
    gn_component_unref(c);
    gn_generation_free(g);
}

Test(transform_import, a_name_is_there_once_for_each_version_and_principal)
{
    struct gn_call_env env = {0};
    struct gn_error err = {0};
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    gantry_from v[] = {from("look", "search"), from("look", "search"), from("look", "search"),
                       from("look", "search"), from("look", "search")};
    gantry_tool t = {.size = sizeof t,
                     .arg_size = sizeof(gantry_arg),
                     .name = "look",
                     .version = "1",
                     .run = run_nothing};
    v[1].version = v[3].version = v[4].version = "2";
    v[2].principal = v[3].principal = v[4].principal = "ada";
    gantry_descriptor d = descriptor();
    d.tools = GANTRY_TOOLS(&t);
    d.tools_from = GANTRY_TOOLS_FROM(&v[0], &v[1], &v[2], &v[3]);
    cr_assert_eq(gn_abi_import(&gn_abi_current, &d, g, NULL, NULL, &err), 0, "%s", err.text);
    cr_assert_eq(g->component_count, 5);
    gn_generation_free(g);
    g = gn_generation_new(&env, "inst", 1);
    d.tools_from = GANTRY_TOOLS_FROM(&v[3], &v[4]);
    cr_assert_eq(gn_abi_import(&gn_abi_current, &d, g, NULL, NULL, &err), GN_EEXIST);
    cr_assert_str_eq(err.text, "tool look is declared twice");
    gn_generation_free(g);
}

/* ---------------------------------------------------------------- transforms */

Test(transform_import, a_transform_is_copied)
{
    struct gn_call_env env = {0};
    struct gn_error err = {0};
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    struct gn_transform *t = NULL;
    gantry_transform raw = transform(GANTRY_TRANSFORM_DISABLE, "quiet");
    raw.priority = -5;
    raw.kinds = 1u << GANTRY_KIND_TOOL;
    raw.names = (const char *const[]){"a", "b*", NULL};
    raw.tags = (const char *const[]){NULL};
    raw.plugins = (const char *const[]){"other", NULL};
    raw.versions = (const char *const[]){"1", NULL};
    raw.principals = (const char *const[]){"ada", NULL};
    cr_assert_eq(gn_abi_import_transform(g, &raw, &t, &err), 0, "%s", err.text);
    cr_assert(t->type == GN_TRANSFORM_DISABLE && t->priority == -5 && t->owner == &g->owner);
    cr_assert_str_eq(t->name, "quiet");
    cr_assert_eq(t->match.kinds, 1u << GN_TOOL);
    cr_assert(gn_streq(t->match.names[1], "b*") && !t->match.names[2]);
    cr_assert(t->match.tags && !t->match.tags[0], "an empty list is not none: nothing is in it");
    cr_assert(gn_streq(t->match.plugins[0], "other") && gn_streq(t->match.versions[0], "1"));
    cr_assert_str_eq(t->principals[0], "ada");
    gn_transform_unref(t);
    raw = *GANTRY_TRANSFORM(RENAME, "names", GANTRY_RENAMES({"a", "b"}, {"c", "d"}));
    cr_assert_eq(gn_abi_import_transform(g, &raw, &t, &err), 0, "%s", err.text);
    cr_assert_eq(t->renames.count, 2);
    cr_assert_str_eq(gn_map_find(&t->renames, "c"), "d");
    cr_assert_eq(t->order, 1, "in the order in which they were made");
    gn_transform_unref(t);
    raw = *GANTRY_TRANSFORM(SEARCH, "search", .max_results = 9,
                            .always = (const char *const[]){"help", NULL});
    cr_assert_eq(gn_abi_import_transform(g, &raw, &t, &err), 0, "%s", err.text);
    cr_assert(t->max_results == 9 && gn_streq(t->always[0], "help"));
    gn_transform_unref(t);
    raw = *GANTRY_TRANSFORM(SEARCH, "search");
    cr_assert_eq(gn_abi_import_transform(g, &raw, &t, &err), 0, "%s", err.text);
    cr_assert_neq(t->max_results, 0);
    gn_transform_unref(t);
    gn_generation_free(g);
}

static bool concerns_all(const gantry_component *component, const char *principal, void *data)
{
    (void)component;
    (void)principal;
    (void)data;
    return true;
}

#define REFUSED_TRANSFORM(rc, message, ...)                                                        \
    do {                                                                                           \
        gantry_transform t = transform(GANTRY_TRANSFORM_DISABLE, "x");                             \
        __VA_ARGS__;                                                                               \
        check_transform(&t, rc, message);                                                          \
    } while (0)

Test(transform_import, a_wrong_transform_is_refused_by_name)
{
    REFUSED_TRANSFORM(GN_EINVAL, "transform without a name: has no name", t.name = NULL);
    REFUSED_TRANSFORM(GN_EINVAL, "transform x: has no type", t.type = 0);
    REFUSED_TRANSFORM(GN_EINVAL,
                      "transform x: needs at least one of .kinds, .names, .tags, .plugins, "
                      ".versions, .concerns (.kinds with all kinds means everything)",
                      t.kinds = 0, t.principals = GANTRY_LIST_OF("ada"));
    REFUSED_TRANSFORM(GN_ENOTSUP, "transform x: is of a type newer than this host (9)", t.type = 9);
    REFUSED_TRANSFORM(GN_ENOTSUP, "transform x: uses kinds newer than this host (0x80)",
                      t.kinds = 0x80);
    REFUSED_TRANSFORM(GN_EINVAL, "transform x: .prefix is not for the type disable",
                      t.prefix = "a");
    REFUSED_TRANSFORM(GN_EINVAL, "transform x: .max_results is not for the type disable",
                      t.max_results = 1);
    REFUSED_TRANSFORM(GN_EINVAL, "transform x: .max_results is 101: 100 at most",
                      t.type = GANTRY_TRANSFORM_SEARCH, t.max_results = 101);
    REFUSED_TRANSFORM(GN_EINVAL, "transform x: a namespace needs a prefix",
                      t.type = GANTRY_TRANSFORM_NAMESPACE);
    REFUSED_TRANSFORM(GN_EINVAL,
                      "transform x: only enable, disable and only can differ from principal to "
                      "principal",
                      t.type = GANTRY_TRANSFORM_SEARCH, t.concerns = concerns_all);
    REFUSED_TRANSFORM(GN_EINVAL, "transform x: has renames, but .rename_size is not set right (0)",
                      t.type = GANTRY_TRANSFORM_RENAME,
                      t.renames = ((const gantry_rename[]){{"a", "b"}, {NULL, NULL}}));
    REFUSED_TRANSFORM(GN_EINVAL, "transform x: renames: a has no new name",
                      t.type = GANTRY_TRANSFORM_RENAME, t.rename_size = sizeof(gantry_rename),
                      t.renames = ((const gantry_rename[]){{"a", NULL}, {NULL, NULL}}));
    REFUSED_TRANSFORM(GN_EINVAL, "transform x: renames: a is there twice",
                      t.type = GANTRY_TRANSFORM_RENAME, t.rename_size = sizeof(gantry_rename),
                      t.renames = ((const gantry_rename[]){{"a", "b"}, {"a", "c"}, {NULL, NULL}}));
}

Test(transform_import, a_newer_transform_refuses_the_plugin)
{
    struct {
        gantry_transform t;
        const char *mood;
    } newer = {transform(GANTRY_TRANSFORM_DISABLE, "hide"), "sad"};
    struct gn_call_env env = {0};
    struct gn_error err = {0};
    struct gn_generation *g = gn_generation_new(&env, "inst", 1);
    gantry_transform a = transform(GANTRY_TRANSFORM_DISABLE, "same"), b = a;
    gantry_descriptor d = descriptor();
    newer.t.size = sizeof newer;
    d.transforms = GANTRY_TRANSFORMS(&newer.t);
    cr_assert_eq(gn_abi_import(&gn_abi_current, &d, g, NULL, NULL, &err), GN_ENOTSUP);
    cr_assert_str_eq(err.text, "transform hide: uses fields newer than this host");
    d.transforms = GANTRY_TRANSFORMS(&a, &b);
    cr_assert_eq(gn_abi_import(&gn_abi_current, &d, g, NULL, NULL, &err), GN_EEXIST);
    cr_assert_str_eq(err.text, "transform same is declared twice");
    gn_generation_free(g);
}

/* ---------------------------------------------------------------- while it is live */

static int freed;
static void count_freed(void *data)
{
    freed++;
    (void)data;
}

static int echo(gantry_call *call, const void *in)
{
    const count_in *c = in;
    return gantry_text(call, "%d", c ? (int)c->n : 0);
}

static void add_echo(struct bench *b, const char *name, const char *version)
{
    gantry_tool t = {.size = sizeof t,
                     .arg_size = sizeof(gantry_arg),
                     .name = name,
                     .version = version,
                     .args = count_args,
                     .in_size = sizeof(count_in),
                     .run = echo};
    cr_assert_eq(gantry_add_tool(b->g, &t), GANTRY_OK, "%s", gn_buf_str(&b->lines));
}

static bool is_there(struct bench *b, const char *name)
{
    return gn_snapshot_find(gn_registry_current(b->registry), GN_TOOL, name) != NULL;
}

static bool is_logged(struct bench *b, const char *text)
{
    return strstr(gn_buf_str(&b->lines), text) != NULL;
}

/* A live instance that has the tool count, and how again is made of it. */
static gantry_from open_again(struct bench *b, const gantry_change *changes)
{
    bench_open(b);
    add_echo(b, "count", NULL);
    gantry_from f = from("again", "count");
    f.changes = changes;
    f.data = &freed;
    f.free_data = count_freed;
    freed = 0;
    return f;
}

Test(transform_import, a_live_instance_makes_tools_and_takes_them_back)
{
    static const gantry_change changes[] = {
        GANTRY_CHANGE(n, .name = "times"),
        GANTRY_CHANGES_END,
    };
    struct bench b;
    gantry_from f = open_again(&b, changes);
    cr_assert_eq(gantry_tool_from(b.g, &f), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    cr_assert(is_there(&b, "again"));
    cr_assert_eq(gantry_tool_from(b.g, &f), GANTRY_EEXIST);
    cr_assert(is_logged(&b, "tool again is declared twice"), "%s", gn_buf_str(&b.lines));
    cr_assert_eq(freed, 0, "what is refused stays the caller's");
    cr_assert_eq(gantry_remove_tool(b.g, "again"), GANTRY_OK);
    cr_assert_not(is_there(&b, "again"));
    cr_assert_eq(gantry_remove_tool(b.g, "again"), GANTRY_ENOENT);
    bench_close(&b);
    cr_assert_eq(freed, 1);
}

Test(transform_import, what_cannot_be_made_of_its_parent_is_refused)
{
    static const gantry_change changes[] = {
        GANTRY_CHANGE(m, .name = "times"),
        GANTRY_CHANGES_END,
    };
    struct bench b;
    gantry_from f = open_again(&b, changes);
    cr_assert_eq(gantry_tool_from(b.g, &f), GANTRY_EINVAL);
    cr_assert(is_logged(&b, "again") && is_logged(&b, "argument m"), "%s", gn_buf_str(&b.lines));
    cr_assert_not(is_there(&b, "again"));
    cr_assert_eq(b.g->component_count, 1);
    f.flags = GANTRY_BLOCKING;
    cr_assert_eq(gantry_tool_from(b.g, &f), GANTRY_EINVAL);
    cr_assert_eq(gantry_tool_from(b.g, NULL), GANTRY_EINVAL);
    cr_assert_eq(freed, 0);
    bench_close(&b);
}

Test(transform_import, one_without_a_parent_waits_for_it)
{
    struct bench b;
    bench_open(&b);
    gantry_from f = from("again", "count");
    cr_assert_eq(gantry_tool_from(b.g, &f), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    cr_assert_not(is_there(&b, "again"));
    add_echo(&b, "count", NULL);
    cr_assert(is_there(&b, "again"));
    cr_assert_eq(gantry_remove_tool(b.g, "count"), GANTRY_OK);
    cr_assert_not(is_there(&b, "again"));
    bench_close(&b);
}

Test(transform_import, removing_a_name_takes_all_its_versions)
{
    struct bench b;
    bench_open(&b);
    add_echo(&b, "count", "1");
    add_echo(&b, "count", "2");
    add_echo(&b, "other", "1");
    cr_assert_eq(b.g->component_count, 3);
    cr_assert_str_eq(gn_snapshot_find(gn_registry_current(b.registry), GN_TOOL, "count")->version,
                     "2");
    cr_assert_eq(gantry_remove_tool(b.g, "count"), GANTRY_OK);
    cr_assert_eq(b.g->component_count, 1);
    cr_assert(!is_there(&b, "count") && is_there(&b, "other"));
    bench_close(&b);
}

Test(transform_import, a_live_instance_adds_transforms_and_takes_them_back)
{
    struct bench b;
    bench_open(&b);
    add_echo(&b, "count", NULL);
    gantry_transform t = transform(GANTRY_TRANSFORM_DISABLE, "hide");
    t.data = &freed;
    t.free_data = count_freed;
    freed = 0;
    cr_assert_eq(gantry_add_transform(b.g, &t), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    cr_assert_not(is_there(&b, "count"));
    cr_assert_eq(gantry_add_transform(b.g, &t), GANTRY_EEXIST);
    cr_assert(is_logged(&b, "transform hide is declared twice"));
    cr_assert_eq(gantry_remove_transform(b.g, "no"), GANTRY_ENOENT);
    cr_assert_eq(freed, 0);
    cr_assert_eq(gantry_remove_transform(b.g, "hide"), GANTRY_OK);
    cr_assert_eq(freed, 1);
    cr_assert(is_there(&b, "count"));
    cr_assert_eq(gantry_add_transform(b.g, &t), GANTRY_OK);
    bench_close(&b);
    cr_assert_eq(freed, 2, "the generation lets go of it");
}

/* A predicate that goes by a variable of its plugin, and one that meddles. */
struct rule {
    gantry_plugin *plugin;
    bool hides;
    int asked, rc;
};

static bool by_rule(const gantry_component *component, const char *principal, void *data)
{
    struct rule *r = data;
    r->asked++;
    cr_assert_eq(component->size, sizeof *component);
    cr_assert(component->kind == GANTRY_KIND_TOOL && !principal);
    cr_assert_str_eq(component->name, "count");
    cr_assert_str_eq(component->plugin, "inst");
    return r->hides;
}

static bool meddles(const gantry_component *component, const char *principal, void *data)
{
    struct rule *r = data;
    (void)component;
    (void)principal;
    r->rc = gantry_remove_tool(r->plugin, "count");
    r->asked += gantry_current() != NULL;
    return false;
}

Test(transform_import, a_predicate_is_asked_again_when_its_plugin_says_so)
{
    struct bench b;
    struct rule r = {0};
    bench_open(&b);
    add_echo(&b, "count", NULL);
    gantry_transform t = transform(GANTRY_TRANSFORM_DISABLE, "hide");
    t.concerns = by_rule;
    t.data = &r;
    cr_assert_eq(gantry_add_transform(b.g, &t), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    cr_assert(is_there(&b, "count"));
    cr_assert_gt(r.asked, 0);
    r.hides = true;
    cr_assert_eq(gantry_transforms_changed(b.g), GANTRY_OK);
    cr_assert_not(is_there(&b, "count"));
    r.hides = false;
    cr_assert_eq(gantry_transforms_changed(b.g), GANTRY_OK);
    cr_assert(is_there(&b, "count"));
    bench_close(&b);
}

static int look_at_rules(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gantry_transforms_changed(gantry_self(call));
    return rc || gantry_current() != call ? GANTRY_EIO : GANTRY_OK;
}

Test(transform_import, a_predicate_changes_nothing)
{
    struct bench b;
    bench_open(&b);
    struct rule r = {.plugin = b.g};
    add_echo(&b, "count", NULL);
    gantry_transform t = transform(GANTRY_TRANSFORM_DISABLE, "hide");
    t.concerns = meddles;
    t.data = &r;
    cr_assert_eq(gantry_add_transform(b.g, &t), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    cr_assert_eq(r.rc, GANTRY_EPERM);
    cr_assert(is_there(&b, "count"));
    cr_assert(is_logged(&b, "the predicate of a transform may not change components"));
    bench_tool(&b, "look", look_at_rules, 0);
    bench_do(&b, GN_TOOL, "look", NULL);
    cr_assert_eq(b.outcome, GN_OUT_RESULT);
    cr_assert_eq(r.asked, 0, "the call of a handler is not the predicate's");
    bench_close(&b);
}

/* An exclusive plugin, while its successor starts: calls are held, but for those of handlers. */
Test(transform_import, nothing_reaches_code_that_has_stopped)
{
    struct bench b;
    struct rule r = {0};
    bench_open(&b);
    add_echo(&b, "count", NULL);
    gantry_transform t = transform(GANTRY_TRANSFORM_DISABLE, "hide");
    t.concerns = by_rule;
    t.data = &r;
    gantry_from f = from("again", "count");
    cr_assert_eq(gantry_tool_from(b.g, &f), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    b.g->owner.refusal = "gone for a moment";
    cr_assert_str_eq(bench_do(&b, GN_TOOL, "again", "{\"n\":7}"),
                     "{\"content\":[{\"type\":\"text\",\"text\":\"gone for a moment\"}],"
                     "\"isError\":true}");
    cr_assert_eq(gantry_add_transform(b.g, &t), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    cr_assert_eq(r.asked, 0);
    cr_assert_not(is_there(&b, "count"), "what hides more counts");
    b.g->owner.refusal = NULL;
    bench_close(&b);
}

/* ---------------------------------------------------------------- one session */

static struct gn_rules *session;
static int code;

static int keep_rules(struct gn_call *call, struct gn_rules *rules)
{
    gn_rules_unref(call->rules);
    call->rules = rules;
    session = rules;
    return GN_OK;
}

static int set_rule(gantry_call *call, const void *in)
{
    (void)in;
    gantry_transform t = transform(GANTRY_TRANSFORM_DISABLE, "mine");
    t.names = (const char *const[]){"count", NULL};
    code = gantry_session_transform(call, &t);
    return GANTRY_OK;
}

static int set_wrong_rule(gantry_call *call, const void *in)
{
    (void)in;
    gantry_transform t = transform(GANTRY_TRANSFORM_DISABLE, "mine");
    t.concerns = concerns_all;
    t.data = &freed;
    t.free_data = count_freed;
    code = gantry_session_transform(call, &t);
    if (code == GANTRY_EINVAL)
        code = gantry_session_transform(call, GANTRY_TRANSFORM(SEARCH, "mine"));
    return GANTRY_OK;
}

static int clear_rules(gantry_call *call, const void *in)
{
    (void)in;
    code = gantry_session_transform(call, NULL);
    return GANTRY_OK;
}

/* Runs the tool in a session that has rules already, or none. */
static size_t rules_after(struct bench *b, const char *tool, struct gn_call_ops *ops, bool has_op)
{
    struct gn_call *call = bench_call(b, GN_TOOL, tool, NULL);
    size_t count = 0;
    *ops = *call->ops;
    ops->set_rules = has_op ? keep_rules : NULL;
    call->ops = ops;
    session = NULL;
    gn_call_ref(call);
    bench_run(b, call);
    if (session)
        gn_rules_list(session, &count);
    gn_call_unref(call);
    return count;
}

Test(transform_import, a_session_has_rules_of_its_own)
{
    struct bench b;
    struct gn_call_ops ops;
    bench_open(&b);
    bench_tool(&b, "set", set_rule, 0);
    bench_tool(&b, "clear", clear_rules, 0);
    bench_tool(&b, "wrong", set_wrong_rule, 0);
    bench_tool(&b, "work", set_rule, GANTRY_BLOCKING);
    cr_assert_eq(rules_after(&b, "set", &ops, true), 1);
    cr_assert_eq(code, GANTRY_OK);
    cr_assert_eq(rules_after(&b, "work", &ops, true), 1, "on a worker as well");
    cr_assert_eq(code, GANTRY_OK);
    cr_assert_eq(rules_after(&b, "clear", &ops, true), 0);
    cr_assert_eq(code, GANTRY_OK);
    cr_assert_eq(rules_after(&b, "set", &ops, false), 0);
    cr_assert_eq(code, GANTRY_ENOTSUP, "there is no session");
    freed = 0;
    cr_assert_eq(rules_after(&b, "wrong", &ops, true), 0);
    cr_assert_eq(code, GANTRY_EINVAL);
    cr_assert_eq(freed, 0);
    cr_assert(is_logged(&b, "gantry_session_transform: transform mine: a rule for one session has "
                            "no .principals, .concerns and .data"),
              "%s", gn_buf_str(&b.lines));
    cr_assert(is_logged(&b, "only enable, disable and only are for one session"));
    bench_close(&b);
}

/* ---------------------------------------------------------------- names of their own */

static int say_uri(gantry_call *call, const void *in)
{
    (void)in;
    return gantry_text(call, "%s", gantry_uri(call));
}

static int read_own(gantry_call *call, const void *in)
{
    const gantry_json *result;
    (void)in;
    code = gantry_read_resource(call, "notes://a", &result);
    return code ? code : gantry_text(call, "%s", gantry_json_print(call, result));
}

Test(transform_import, a_plugin_keeps_to_its_own_uris_in_a_namespace)
{
    struct bench b;
    bench_open(&b);
    bench_resource(&b, "notes://a", say_uri);
    bench_tool(&b, "reads", read_own, 0);
    gantry_transform t = transform(GANTRY_TRANSFORM_NAMESPACE, "mine");
    t.prefix = "wx";
    cr_assert_eq(gantry_add_transform(b.g, &t), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    cr_assert_str_eq(bench_do(&b, GN_RESOURCE, "notes://wx/a", NULL),
                     "{\"contents\":[{\"uri\":\"notes://wx/a\",\"mimeType\":\"text/plain\","
                     "\"text\":\"notes://a\"}]}");
    const char *got = bench_do(&b, GN_TOOL, "wx_reads", NULL);
    cr_assert_eq(code, GANTRY_OK);
    cr_assert(strstr(got, "notes://a"), "%s", got);
    bench_close(&b);
}

/* ---------------------------------------------------------------- those who have subscribed */

static const char *const watched[] = {"notes://wx/a", "files://wx/deep/b", NULL};
static char changed[64];

static bool is_watched(void *arg, const char *uri)
{
    (void)arg;
    return gn_streq(uri, watched[0]) || gn_streq(uri, watched[1]);
}

static const char *next_watched(void *arg, size_t *at)
{
    (void)arg;
    return watched[*at] ? watched[(*at)++] : NULL;
}

static void resource_changed(void *arg, const char *uri)
{
    (void)arg;
    snprintf(changed, sizeof changed, "%s", uri);
}

typedef struct {
    const char *path;
} file_vars;
static const gantry_arg file_args[] = {
    GANTRY_ARG(file_vars, path, "Which"),
    GANTRY_ARGS_END,
};

static int list_subscriptions(gantry_call *call, const void *in)
{
    gantry_strings uris;
    (void)in;
    int rc = gantry_subscriptions(call, &uris);
    for (size_t i = 0; !rc && i < uris.n; i++)
        rc = gantry_text(call, "%s", uris.v[i]);
    return rc;
}

Test(transform_import, what_a_plugin_says_of_its_resources_reaches_those_who_see_them)
{
    struct bench b;
    bench_open(&b);
    b.env.is_watched = is_watched;
    b.env.next_watched = next_watched;
    b.env.resource_changed = resource_changed;
    bench_resource(&b, "notes://a", say_uri);
    bench_tool(&b, "subs", list_subscriptions, 0);
    gantry_template files = {.size = sizeof files,
                             .arg_size = sizeof(gantry_arg),
                             .uri_template = "files://{path*}",
                             .name = "files",
                             .args = file_args,
                             .in_size = sizeof(file_vars),
                             .read = say_uri};
    cr_assert_eq(gantry_add_template(b.g, &files), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    gantry_transform t = transform(GANTRY_TRANSFORM_NAMESPACE, "mine");
    t.prefix = "wx";
    cr_assert_eq(gantry_add_transform(b.g, &t), GANTRY_OK, "%s", gn_buf_str(&b.lines));
    cr_assert(gantry_is_subscribed(b.g, "notes://a"));
    cr_assert(gantry_is_subscribed(b.g, "files://{path*}"));
    cr_assert(gantry_is_subscribed(b.g, "files://deep/b"));
    cr_assert_not(gantry_is_subscribed(b.g, "files://deep/c"));
    cr_assert_eq(gantry_resource_updated(b.g, "notes://a"), GANTRY_OK);
    cr_assert_str_eq(changed, "notes://wx/a");
    cr_assert_eq(gantry_resource_updated(b.g, "files://deep/b"), GANTRY_OK);
    cr_assert_str_eq(changed, "files://wx/deep/b");
    cr_assert_eq(gantry_resource_updated(b.g, "notes://b"), GANTRY_EINVAL);
    cr_assert_str_eq(bench_do(&b, GN_TOOL, "wx_subs", NULL),
                     "{\"content\":[{\"type\":\"text\",\"text\":\"notes://a\"},"
                     "{\"type\":\"text\",\"text\":\"files://deep/b\"}]}");
    cr_assert_str_eq(
        bench_do(&b, GN_RESOURCE, "files://wx/deep/b", NULL),
        "{\"contents\":[{\"uri\":\"files://wx/deep/b\",\"text\":\"files://deep/b\"}]}");
    bench_close(&b);
}
