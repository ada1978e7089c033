/* registry.c - snapshots, edits, lookup, lists and cursors. */
#include "registry/registry.h"

#include "provide.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(registry);

static struct gn_owner one = {.name = "one"}, two = {.name = "two"}, also = {.name = "also"};

/* ---------------------------------------------------------------- making components */

/* ---------------------------------------------------------------- lists as text */

/* The page as JSON; owned by the caller. */
static char *page(struct gn_registry *r, enum gn_kind kind, const char *cursor, size_t size,
                  enum gn_revision revision)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    struct gn_error err = {0};
    struct gn_jw w;
    gn_jw_init(&w, &text);
    gn_jw_object(&w, NULL);
    int rc = gn_snapshot_list(gn_registry_current(r), kind, cursor, size,
                              (struct gn_view){.revision = revision}, &w, &err);
    gn_jw_end(&w);
    if (rc) {
        gn_buf_clear(&text);
        gn_buf_adds(&text, err.text);
    }
    return gn_buf_take(&text, NULL);
}

static char *element(const struct gn_component *c, enum gn_revision revision)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    struct gn_jw w;
    gn_jw_init(&w, &text);
    gn_component_write(c, (struct gn_view){.revision = revision}, &w);
    return gn_buf_take(&text, NULL);
}

static void check_element(const struct gn_component *c, enum gn_revision revision,
                          const char *expected)
{
    GN_AUTO_FREE char *text = element(c, revision);
    cr_assert_str_eq(text, expected, "%s:\n%s\nexpected\n%s", gn_revision_name(revision), text,
                     expected);
}

/* ---------------------------------------------------------------- snapshots and edits */

Test(registry, begins_empty)
{
    struct gn_registry *r = gn_registry_new();
    GN_AUTO_FREE char *text = page(r, GN_TOOL, NULL, 0, GN_REV_LATEST);
    cr_assert_str_eq(text, "{\"tools\":[]}");
    cr_assert_null(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "greet"));
    gn_registry_free(r);
}

Test(registry, an_edit_is_invisible_until_it_is_committed)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_edit *e = gn_edit_begin(r);
    put(e, component(GN_TOOL, &one, "greet"));
    cr_assert_null(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "greet"));
    cr_assert_eq(gn_edit_commit(e), 1u << GN_TOOL);
    cr_assert_not_null(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "greet"));
    cr_assert_eq(gn_registry_current(r)->version, 1);
    gn_registry_free(r);
}

Test(registry, an_aborted_edit_leaves_no_trace)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_edit *e = gn_edit_begin(r);
    put(e, component(GN_TOOL, &one, "greet"));
    gn_edit_abort(e);
    gn_edit_abort(NULL);
    cr_assert_null(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "greet"));
    cr_assert_eq(gn_registry_current(r)->version, 0);
    gn_registry_free(r);
}

Test(registry, an_old_snapshot_keeps_what_it_showed)
{
    struct gn_registry *r = gn_registry_new();
    publish(r, component(GN_TOOL, &one, "greet"));
    struct gn_snapshot *old = gn_snapshot_ref(gn_registry_current(r));
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_remove_owner(e, &one);
    cr_assert_eq(gn_edit_commit(e), 1u << GN_TOOL);
    cr_assert_null(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "greet"));
    cr_assert_str_eq(gn_snapshot_find(old, GN_TOOL, "greet")->name, "greet");
    gn_registry_free(r);
    cr_assert_str_eq(gn_snapshot_find(old, GN_TOOL, "greet")->name, "greet");
    gn_snapshot_unref(old);
}

Test(registry, a_name_that_is_taken_is_refused_with_who_has_it)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_error err = {0};
    publish(r, component(GN_TOOL, &one, "greet"));
    publish(r, component(GN_RESOURCE, &one, "notes://all"));
    struct gn_edit *e = gn_edit_begin(r);
    put(e, component(GN_TOOL, &also, "greet"));
    cr_assert_eq(gn_edit_check(e, &err), GN_EEXIST);
    cr_assert_str_eq(err.text, "tool greet: plugin one has one of that name");
    gn_edit_abort(e);
    e = gn_edit_begin(r);
    struct gn_component *c = component(GN_TOOL, &one, "greet");
    cr_assert_eq(gn_edit_add(e, c, &err), GN_EEXIST);
    cr_assert_str_eq(err.text, "tool greet is declared twice");
    gn_component_unref(c);
    put(e, component(GN_RESOURCE, &two, "notes://all"));
    cr_assert_eq(gn_edit_check(e, &err), GN_EEXIST);
    cr_assert_str_eq(err.text, "resource notes://all: plugin one has one of that URI");
    gn_edit_abort(e);
    e = gn_edit_begin(r);
    put(e, component(GN_PROMPT, &two, "greet")); /* another kind: another space of names */
    cr_assert_eq(gn_edit_check(e, &err), 0);
    gn_edit_abort(e);
    gn_registry_free(r);
}

Test(registry, a_successor_may_take_the_names_of_its_predecessor)
{
    struct gn_registry *r = gn_registry_new();
    publish(r, component(GN_TOOL, &one, "greet"));
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_remove_owner(e, &one);
    put(e, component(GN_TOOL, &two, "greet"));
    cr_assert_eq(gn_edit_commit(e), 0, "it looks as before");
    cr_assert_eq(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "greet")->owner, &two);
    gn_registry_free(r);
}

Test(registry, only_what_is_there_can_be_removed)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_component *other = component(GN_TOOL, &one, "greet");
    publish(r, component(GN_TOOL, &one, "greet"));
    struct gn_edit *e = gn_edit_begin(r);
    cr_assert_eq(gn_edit_remove(e, other), GN_ENOENT);
    cr_assert_eq(gn_edit_remove(e, gn_registry_source(r, &one, GN_TOOL, "greet")), 0);
    gn_component_unref(other);
    cr_assert_eq(gn_edit_commit(e), 1u << GN_TOOL);
    cr_assert_eq(gn_registry_current(r)->kinds[GN_TOOL].count, 0);
    gn_registry_free(r);
}

Test(registry, a_commit_tells_which_lists_look_different)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_edit *e = gn_edit_begin(r);
    put(e, component(GN_TOOL, &one, "greet"));
    put(e, component(GN_PROMPT, &one, "ask"));
    put(e, component(GN_RESOURCE, &one, "notes://all"));
    put(e, component(GN_TEMPLATE, &one, "notes://{id}"));
    cr_assert_eq(gn_edit_commit(e),
                 1u << GN_TOOL | 1u << GN_PROMPT | 1u << GN_RESOURCE | 1u << GN_TEMPLATE);
    e = gn_edit_begin(r);
    gn_edit_remove_owner(e, &one);
    put(e, component(GN_TOOL, &one, "greet"));
    struct gn_component *ask = component(GN_PROMPT, &one, "ask");
    ask->description = gn_strdup("Now with a description");
    put(e, ask);
    put(e, component(GN_RESOURCE, &one, "notes://other"));
    put(e, component(GN_TEMPLATE, &one, "notes://{id}"));
    cr_assert_eq(gn_edit_commit(e), 1u << GN_PROMPT | 1u << GN_RESOURCE);
    cr_assert_eq(gn_edit_commit(gn_edit_begin(r)), 0);
    gn_registry_free(r);
}

static int freed;

static void count_free(void *data)
{
    (void)data;
    freed++;
}

Test(registry, a_component_ends_with_the_last_snapshot_that_has_it)
{
    static int data;
    struct gn_registry *r = gn_registry_new();
    struct gn_component *c = component(GN_TOOL, &one, "greet");
    c->data = &data;
    c->free_data = count_free;
    publish(r, c);
    struct gn_snapshot *old = gn_snapshot_ref(gn_registry_current(r));
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_remove_owner(e, &one);
    gn_edit_commit(e);
    cr_assert_eq(freed, 0);
    gn_snapshot_unref(old);
    cr_assert_eq(freed, 1);
    gn_registry_free(r);
    cr_assert_eq(freed, 1);
}

/* ---------------------------------------------------------------- looking up */

static const char *resolve(struct gn_registry *r, const char *uri, struct gn_arena *arena,
                           const char *var)
{
    const gantry_json *vars;
    const struct gn_component *c = gn_snapshot_resolve(gn_registry_current(r), uri, arena, &vars);
    if (!c)
        return "nothing";
    if (!var)
        return c->key;
    const char *value = gn_json_str(gn_json_get(vars, var), NULL);
    return value ? value : "no such variable";
}

Test(registry, a_resource_comes_before_templates_and_the_most_literal_template_first)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_arena arena;
    gn_arena_init(&arena, 1 << 20);
    struct gn_edit *e = gn_edit_begin(r);
    put(e, component(GN_TEMPLATE, &one, "notes://{path*}"));
    put(e, component(GN_TEMPLATE, &one, "notes://{id}"));
    put(e, component(GN_TEMPLATE, &one, "notes://today/{id}"));
    put(e, component(GN_RESOURCE, &one, "notes://today/first"));
    gn_edit_commit(e);
    cr_assert_str_eq(resolve(r, "notes://today/first", &arena, NULL), "notes://today/first");
    cr_assert_str_eq(resolve(r, "notes://today/second", &arena, NULL), "notes://today/{id}");
    cr_assert_str_eq(resolve(r, "notes://today/second", &arena, "id"), "second");
    cr_assert_str_eq(resolve(r, "notes://x", &arena, NULL), "notes://{id}");
    cr_assert_str_eq(resolve(r, "notes://a/b", &arena, "path"), "a/b");
    cr_assert_str_eq(resolve(r, "other://a", &arena, NULL), "nothing");
    gn_arena_release(&arena);
    gn_registry_free(r);
}

Test(registry, a_resource_is_found_in_any_spelling_of_its_uri)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_arena arena;
    gn_arena_init(&arena, 1 << 20);
    publish(r, component(GN_RESOURCE, &one, "notes://my file"));
    publish(r, component(GN_RESOURCE, &one, "notes://plain"));
    cr_assert_str_eq(resolve(r, "notes://my file", &arena, NULL), "notes://my file");
    cr_assert_str_eq(resolve(r, "notes://my%20file", &arena, NULL), "notes://my file");
    cr_assert_str_eq(resolve(r, "notes://pl%61in", &arena, NULL), "notes://plain");
    cr_assert_str_eq(resolve(r, "notes://my%2520file", &arena, NULL), "nothing");
    gn_arena_release(&arena);
    gn_registry_free(r);
}

Test(registry, suggests_the_nearest_name_of_a_kind)
{
    struct gn_registry *r = gn_registry_new();
    publish(r, component(GN_TOOL, &one, "forecast"));
    publish(r, component(GN_TOOL, &one, "history"));
    struct gn_snapshot *s = gn_registry_current(r);
    cr_assert_str_eq(gn_snapshot_nearest(s, GN_TOOL, "forcast"), "forecast");
    cr_assert_null(gn_snapshot_nearest(s, GN_TOOL, "zzz"));
    cr_assert_null(gn_snapshot_nearest(s, GN_PROMPT, "forcast"));
    gn_registry_free(r);
}

/* ---------------------------------------------------------------- pages */

/* The nextCursor of a page, or NULL. Owned by the caller. */
static char *next_cursor(const char *text)
{
    struct gn_json_doc doc = {0};
    cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), NULL, NULL), 0, "%s", text);
    char *cursor = gn_strdup(gn_json_str(gn_json_get(gn_json_root(&doc), "nextCursor"), NULL));
    gn_json_release(&doc);
    return cursor;
}

#define NAMED "\"name\":\"tool"

Test(registry, pages_follow_each_other_in_order_of_names)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_edit *e = gn_edit_begin(r);
    for (int i = 24; i >= 0; i--) {
        char name[16];
        snprintf(name, sizeof name, "tool%02d", i);
        put(e, component(GN_TOOL, &one, name));
    }
    gn_edit_commit(e);
    char *cursor = NULL;
    int next = 0, pages = 0;
    do {
        GN_AUTO_FREE char *text = page(r, GN_TOOL, cursor, 10, GN_REV_LATEST);
        gn_free(cursor);
        for (const char *p = text; (p = strstr(p, NAMED)); p++) {
            const char *digits = p + sizeof NAMED - 1;
            cr_assert_eq((digits[0] - '0') * 10 + digits[1] - '0', next++);
        }
        cr_assert_eq(next, pages == 0 ? 10 : pages == 1 ? 20 : 25);
        cursor = next_cursor(text);
        pages++;
    } while (cursor);
    cr_assert_eq(pages, 3);
    gn_registry_free(r);
}

Test(registry, a_cursor_survives_changes_of_the_list)
{
    struct gn_registry *r = gn_registry_new();
    const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < GN_COUNT(names); i++)
        publish(r, component(GN_PROMPT, &one, names[i]));
    GN_AUTO_FREE char *first = page(r, GN_PROMPT, NULL, 2, GN_REV_2024_11_05);
    GN_AUTO_FREE char *cursor = next_cursor(first);
    cr_assert_not_null(cursor);
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_remove(
        e, gn_registry_source(r, &one, GN_PROMPT, "b")); /* the one that the cursor stands at */
    put(e, component(GN_PROMPT, &one, "aa"));
    put(e, component(GN_PROMPT, &one, "bb"));
    gn_edit_commit(e);
    GN_AUTO_FREE char *second = page(r, GN_PROMPT, cursor, 10, GN_REV_2024_11_05);
    cr_assert_str_eq(second, "{\"prompts\":[{\"name\":\"bb\"},{\"name\":\"c\"},{\"name\":\"d\"}]}");
    gn_registry_free(r);
}

Test(registry, a_cursor_behind_the_last_one_gives_an_empty_page)
{
    struct gn_registry *r = gn_registry_new();
    publish(r, component(GN_PROMPT, &one, "a"));
    publish(r, component(GN_PROMPT, &one, "b"));
    GN_AUTO_FREE char *first = page(r, GN_PROMPT, NULL, 1, GN_REV_2024_11_05);
    GN_AUTO_FREE char *cursor = next_cursor(first);
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_remove_owner(e, &one);
    gn_edit_commit(e);
    GN_AUTO_FREE char *second = page(r, GN_PROMPT, cursor, 1, GN_REV_2024_11_05);
    cr_assert_str_eq(second, "{\"prompts\":[]}");
    gn_registry_free(r);
}

Test(registry, a_made_up_cursor_is_refused)
{
    struct gn_registry *r = gn_registry_new(), *other = gn_registry_new();
    static char huge[40000];
    memset(huge, 'A', sizeof huge - 1);
    publish(r, component(GN_TOOL, &one, "a"));
    publish(r, component(GN_TOOL, &one, "b"));
    GN_AUTO_FREE char *first = page(r, GN_TOOL, NULL, 1, GN_REV_LATEST);
    GN_AUTO_FREE char *good = next_cursor(first);
    GN_AUTO_FREE char *bent = gn_strdup(good);
    bent[0] = bent[0] == 'A' ? 'B' : 'A';
    const char *const bad[] = {"",         "x",  "a", "====", "AAAAAAAAAAA", "AAAAAAAAAAAA",
                               "\xff\xfe", bent, huge};
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        GN_AUTO_FREE char *text = page(r, GN_TOOL, bad[i], 1, GN_REV_LATEST);
        cr_assert_str_eq(text, "the cursor is not one of this server: begin again without one");
    }
    GN_AUTO_FREE char *kind = page(r, GN_PROMPT, good, 1, GN_REV_LATEST);
    cr_assert(gn_starts_with(kind, "the cursor is not"), "a cursor of another list");
    GN_AUTO_FREE char *process = page(other, GN_TOOL, good, 1, GN_REV_LATEST);
    cr_assert(gn_starts_with(process, "the cursor is not"), "a cursor of another process");
    gn_registry_free(r);
    gn_registry_free(other);
}

/* ---------------------------------------------------------------- what each revision shows */

static struct gn_component *rich(enum gn_kind kind, const char *key)
{
    struct gn_component *c = component(kind, &one, key);
    c->title = gn_strdup("Title");
    c->description = gn_strdup("About");
    c->version = gn_strdup("1.2");
    c->tags = gn_calloc(3, sizeof *c->tags);
    c->tags[0] = gn_strdup("red");
    c->tags[1] = gn_strdup("blue");
    c->meta = json_pack("{s:{s:i}}", "example.org/x", "y", 1);
    c->icons = gn_calloc(1, sizeof *c->icons);
    c->icon_count = 1;
    c->icons[0] = (struct gn_icon){gn_strdup("https://example.org/i.png"), gn_strdup("image/png"),
                                   gn_strdup("48x48  96x96"), gn_strdup("dark")};
    return c;
}

#define META                                                                                       \
    "\"_meta\":{\"example.org/x\":{\"y\":1},\"gantry/tags\":[\"red\",\"blue\"],\"gantry/version\":\"1.2\"}"
#define ICONS                                                                                      \
    "\"icons\":[{\"src\":\"https://example.org/i.png\",\"mimeType\":\"image/png\","                \
    "\"sizes\":[\"48x48\",\"96x96\"],\"theme\":\"dark\"}]"
#define EMPTY_SCHEMA "{\"type\":\"object\",\"additionalProperties\":false}"

Test(registry, a_tool_shows_what_each_revision_has)
{
    struct gn_component *c = rich(GN_TOOL, "greet");
    c->read_only = GANTRY_YES;
    c->open_world = GANTRY_NO;
    c->output_text = gn_strdup("{\"type\":\"object\"}");
    check_element(c, GN_REV_2024_11_05,
                  "{\"name\":\"greet\",\"description\":\"About\",\"inputSchema\":" EMPTY_SCHEMA
                  "}");
    check_element(
        c, GN_REV_2025_03_26,
        "{\"name\":\"greet\",\"description\":\"About\",\"inputSchema\":" EMPTY_SCHEMA
        ",\"annotations\":{\"title\":\"Title\",\"readOnlyHint\":true,\"openWorldHint\":false}}");
    check_element(
        c, GN_REV_2025_06_18,
        "{\"name\":\"greet\",\"title\":\"Title\",\"description\":\"About\",\"inputSchema\":" EMPTY_SCHEMA
        ",\"outputSchema\":{\"type\":\"object\"},\"annotations\":{\"readOnlyHint\":true,"
        "\"openWorldHint\":false}," META "}");
    static const char latest[] =
        "{\"name\":\"greet\",\"title\":\"Title\",\"description\":\"About\",\"inputSchema\":" EMPTY_SCHEMA
        ",\"outputSchema\":{\"type\":\"object\"},\"annotations\":{\"readOnlyHint\":true,"
        "\"openWorldHint\":false}," ICONS "," META "}";
    check_element(c, GN_REV_2025_11_25, latest);
    check_element(c, GN_REV_2026_07_28, latest);
    gn_component_unref(c);
}

Test(registry, an_output_schema_that_is_no_object_is_shown_from_2026_on)
{
    struct gn_component *c = component(GN_TOOL, &one, "list");
    cr_assert_eq(gn_schema_compile("{\"type\":\"array\"}", 16, NULL, &c->output_schema, NULL), 0);
    c->output_text = gn_strdup("{\"type\":\"array\"}");
    check_element(c, GN_REV_2025_11_25, "{\"name\":\"list\",\"inputSchema\":" EMPTY_SCHEMA "}");
    check_element(c, GN_REV_2026_07_28,
                  "{\"name\":\"list\",\"inputSchema\":" EMPTY_SCHEMA
                  ",\"outputSchema\":{\"type\":\"array\"}}");
    gn_component_unref(c);
}

Test(registry, schemas_without_references_are_for_those_who_ask_for_them)
{
    struct gn_component *c = component(GN_TOOL, &one, "list");
    c->input_text = gn_strdup("{\"$ref\":\"#/in\"}");
    c->input_inline = gn_strdup("{\"in\":1}");
    c->output_text = gn_strdup("{\"$ref\":\"#/out\"}");
    c->output_inline = gn_strdup("{\"out\":1}");
    for (int inlines = 0; inlines < 2; inlines++) {
        struct gn_buf text = GN_BUF_INIT(1024);
        struct gn_jw w;
        gn_jw_init(&w, &text);
        gn_component_write(c, (struct gn_view){GN_REV_LATEST, inlines}, &w);
        cr_expect_str_eq(gn_buf_str(&text),
                         inlines ? "{\"name\":\"list\",\"inputSchema\":{\"in\":1},"
                                   "\"outputSchema\":{\"out\":1}}"
                                 : "{\"name\":\"list\",\"inputSchema\":{\"$ref\":\"#/in\"},"
                                   "\"outputSchema\":{\"$ref\":\"#/out\"}}");
        gn_buf_release(&text);
    }
    gn_component_unref(c);
}

Test(registry, a_resource_shows_what_each_revision_has)
{
    struct gn_component *c = rich(GN_RESOURCE, "notes://all");
    c->mime_type = gn_strdup("text/plain");
    c->byte_size = 12;
    c->has_annotations = true;
    c->annotations = (struct gn_annotations){GANTRY_USER, true, 0.5,
                                             gn_strdup("2026-01-01T00:00:00Z")};
    check_element(c, GN_REV_2024_11_05,
                  "{\"uri\":\"notes://all\",\"name\":\"a name\",\"description\":\"About\","
                  "\"mimeType\":\"text/plain\",\"size\":12,"
                  "\"annotations\":{\"audience\":[\"user\"],\"priority\":0.5}}");
    check_element(
        c, GN_REV_2026_07_28,
        "{\"uri\":\"notes://all\",\"name\":\"a name\",\"title\":\"Title\",\"description\":\"About\","
        "\"mimeType\":\"text/plain\",\"size\":12,\"annotations\":{\"audience\":[\"user\"],"
        "\"priority\":0.5,\"lastModified\":\"2026-01-01T00:00:00Z\"}," ICONS "," META "}");
    gn_component_unref(c);
}

Test(registry, a_template_shows_its_text)
{
    struct gn_component *c = component(GN_TEMPLATE, &one, "notes://{id}");
    c->mime_type = gn_strdup("text/plain");
    check_element(
        c, GN_REV_2024_11_05,
        "{\"uriTemplate\":\"notes://{id}\",\"name\":\"a name\",\"mimeType\":\"text/plain\"}");
    gn_component_unref(c);
}

typedef struct {
    const char *city;
    int64_t days;
} ask_in;
static const gantry_arg ask_args[] = {
    GANTRY_ARG(ask_in, city, "Where", .title = "City"),
    GANTRY_ARG(ask_in, days, NULL, .default_json = "1"),
    GANTRY_ARGS_END,
};

Test(registry, a_prompt_shows_its_arguments)
{
    struct gn_component *c = component(GN_PROMPT, &one, "ask");
    cr_assert_eq(gn_fields_import(ask_args, sizeof *ask_args, sizeof(ask_in), &c->input, NULL), 0);
    check_element(
        c, GN_REV_2025_03_26,
        "{\"name\":\"ask\",\"arguments\":[{\"name\":\"city\",\"description\":\"Where\",\"required\":true},"
        "{\"name\":\"days\",\"required\":false}]}");
    check_element(
        c, GN_REV_2025_06_18,
        "{\"name\":\"ask\",\"arguments\":[{\"name\":\"city\",\"title\":\"City\","
        "\"description\":\"Where\",\"required\":true},{\"name\":\"days\",\"required\":false}]}");
    gn_component_unref(c);
}
