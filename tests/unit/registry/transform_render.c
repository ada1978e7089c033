/* transform_render.c - lists as bytes: written once, the same however they are served. */
#include "registry/render.h"

#include "provide.h"
#include "registry/transform.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(transform_render);

static struct gn_owner one = {.name = "one"};

static const enum gn_revision revisions[] = {
    GN_REV_2024_11_05, GN_REV_2025_03_26, GN_REV_2025_06_18, GN_REV_2025_11_25, GN_REV_2026_07_28};

static struct gn_component *tool(const char *name, const char *description)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    c->key = gn_strdup(name);
    c->name = gn_strdup(name);
    c->description = gn_strdup(description);
    c->owner = &one;
    return c;
}

static struct gn_registry *with_tools(size_t count)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_edit *e = gn_edit_begin(r);
    for (size_t i = 0; i < count; i++) {
        GN_AUTO_FREE char *name = gn_format("tool%03zu", i);
        put(e, tool(name, "Says \"hello\""));
    }
    gn_edit_commit(e);
    return r;
}

static void replace(struct gn_registry *r, const char *name, const char *description)
{
    struct gn_edit *e = gn_edit_begin(r);
    cr_assert_eq(gn_edit_remove(e, gn_registry_source(r, &one, GN_TOOL, name)), 0);
    put(e, tool(name, description));
    gn_edit_commit(e);
}

/* The page, owned by the caller. */
static char *list(struct gn_snapshot *s, const char *cursor, size_t size, struct gn_view view)
{
    struct gn_buf text = GN_BUF_INIT(1 << 24);
    struct gn_error err = {0};
    struct gn_jw w;
    gn_jw_init(&w, &text);
    gn_jw_object(&w, NULL);
    cr_assert_eq(gn_snapshot_list(s, GN_TOOL, cursor, size, view, &w, &err), 0, "%s", err.text);
    gn_jw_end(&w);
    return gn_buf_take(&text, NULL);
}

/* What it must be: each element written by itself. */
static char *expected(const struct gn_snapshot *s, struct gn_view view)
{
    struct gn_buf text = GN_BUF_INIT(1 << 24);
    struct gn_jw w;
    gn_jw_init(&w, &text);
    gn_jw_object(&w, NULL);
    gn_jw_array(&w, "tools");
    for (size_t i = 0; i < s->kinds[GN_TOOL].count; i++)
        gn_component_write(s->kinds[GN_TOOL].v[i], view, &w);
    gn_jw_end(&w);
    gn_jw_end(&w);
    return gn_buf_take(&text, NULL);
}

static struct gn_view in(enum gn_revision revision)
{
    return (struct gn_view){.revision = revision};
}

Test(transform_render, a_list_is_the_same_however_often_it_is_asked_for)
{
    static const size_t counts[] = {0, 1, 2, 30};
    for (size_t n = 0; n < GN_COUNT(counts); n++) {
        struct gn_registry *r = with_tools(counts[n]);
        struct gn_snapshot *s = gn_registry_current(r);
        for (size_t i = 0; i < GN_COUNT(revisions); i++) {
            GN_AUTO_FREE char *right = expected(s, in(revisions[i]));
            for (int turn = 0; turn < 3; turn++) {
                GN_AUTO_FREE char *text = list(s, NULL, 0, in(revisions[i]));
                cr_assert_str_eq(text, right, "turn %d", turn);
            }
        }
        gn_registry_free(r);
    }
}

/* All pages together are the list, whether they are cut from one piece or not. */
static void check_pages(struct gn_snapshot *s, size_t size)
{
    GN_AUTO_FREE char *cursor = NULL;
    size_t elements = 0;
    for (size_t pages = 0;; pages++) {
        cr_assert_lt(pages, 100);
        GN_AUTO_FREE char *page = list(s, cursor, size, in(GN_REV_LATEST));
        json_t *v = json_loads(page, 0, NULL);
        cr_assert_not_null(v, "%s", page);
        json_t *tools = json_object_get(v, "tools");
        for (size_t i = 0; i < json_array_size(tools); i++, elements++)
            cr_assert_str_eq(json_string_value(json_object_get(json_array_get(tools, i), "name")),
                             s->kinds[GN_TOOL].v[elements]->key);
        const char *next = json_string_value(json_object_get(v, "nextCursor"));
        gn_free(cursor);
        cursor = gn_strdup(next);
        json_decref(v);
        if (!cursor)
            break;
    }
    cr_assert_eq(elements, s->kinds[GN_TOOL].count);
}

Test(transform_render, pages_are_slices_of_the_list)
{
    struct gn_registry *r = with_tools(30);
    struct gn_snapshot *s = gn_registry_current(r);
    for (size_t size = 1; size <= 31; size++)
        check_pages(s, size);
    for (int turn = 0; turn < 2; turn++)
        gn_free(list(s, NULL, 0, in(GN_REV_LATEST)));
    for (size_t size = 1; size <= 31; size++)
        check_pages(s, size);
    gn_registry_free(r);
}

Test(transform_render, an_element_is_written_once_for_all_who_have_it)
{
    struct gn_registry *r = with_tools(3);
    struct gn_snapshot *old = gn_snapshot_ref(gn_registry_current(r));
    const struct gn_rendered *first[3];
    for (size_t i = 0; i < 3; i++)
        first[i] = gn_component_rendered(old, old->kinds[GN_TOOL].v[i], in(GN_REV_LATEST));
    replace(r, "tool001", "Says nothing");
    struct gn_snapshot *s = gn_registry_current(r);
    cr_assert_neq(s, old);
    for (size_t i = 0; i < 3; i++) {
        const struct gn_rendered *now = gn_component_rendered(s, s->kinds[GN_TOOL].v[i],
                                                              in(GN_REV_LATEST));
        cr_assert_eq(now == first[i], i != 1);
    }
    GN_AUTO_FREE char *before = list(old, NULL, 0, in(GN_REV_LATEST));
    GN_AUTO_FREE char *after = list(s, NULL, 0, in(GN_REV_LATEST));
    cr_assert(strstr(after, "Says nothing") && !strstr(before, "Says nothing"));
    gn_snapshot_unref(old);
    gn_registry_free(r);
}

Test(transform_render, equal_lists_have_equal_digests_and_others_do_not)
{
    struct gn_registry *r = with_tools(5);
    uint64_t begin = gn_snapshot_digest(gn_registry_current(r), GN_TOOL, in(GN_REV_LATEST));
    cr_assert_neq(begin, 0);
    cr_assert_eq(gn_snapshot_digest(gn_registry_current(r), GN_TOOL, in(GN_REV_LATEST)), begin);
    uint64_t prompts = gn_snapshot_digest(gn_registry_current(r), GN_PROMPT, in(GN_REV_LATEST));
    replace(r, "tool003", "Says nothing");
    uint64_t other = gn_snapshot_digest(gn_registry_current(r), GN_TOOL, in(GN_REV_LATEST));
    cr_assert_neq(other, begin);
    cr_assert_eq(gn_snapshot_digest(gn_registry_current(r), GN_PROMPT, in(GN_REV_LATEST)), prompts);
    replace(r, "tool003", "Says \"hello\"");
    cr_assert_eq(gn_snapshot_digest(gn_registry_current(r), GN_TOOL, in(GN_REV_LATEST)), begin);
    publish(r, tool("tool005", NULL));
    cr_assert_neq(gn_snapshot_digest(gn_registry_current(r), GN_TOOL, in(GN_REV_LATEST)), begin);
    gn_registry_free(r);
}

Test(transform_render, a_digest_is_of_what_the_revision_shows)
{
    struct gn_registry *r = gn_registry_new();
    uint64_t before[GN_COUNT(revisions)];
    publish(r, tool("greet", NULL));
    for (size_t i = 0; i < GN_COUNT(revisions); i++)
        before[i] = gn_snapshot_digest(gn_registry_current(r), GN_TOOL, in(revisions[i]));
    struct gn_edit *e = gn_edit_begin(r);
    cr_assert_eq(gn_edit_remove(e, gn_registry_source(r, &one, GN_TOOL, "greet")), 0);
    struct gn_component *c = tool("greet", NULL);
    c->icons = gn_calloc(1, sizeof *c->icons);
    c->icons[0].src = gn_strdup("https://one.example/a.png");
    c->icon_count = 1;
    put(e, c);
    gn_edit_commit(e);
    for (size_t i = 0; i < GN_COUNT(revisions); i++)
        cr_assert_eq(gn_snapshot_digest(gn_registry_current(r), GN_TOOL, in(revisions[i])) ==
                         before[i],
                     revisions[i] < GN_REV_2025_11_25);
    gn_registry_free(r);
}

Test(transform_render, forms_without_references_are_kept_apart)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_component *c = tool("nested", NULL);
    c->input_text = gn_strdup("{\"type\":\"object\",\"$ref\":\"#/$defs/a\"}");
    c->input_inline = gn_strdup("{\"type\":\"object\",\"inlined\":true}");
    publish(r, c);
    publish(r, tool("plain", NULL));
    struct gn_snapshot *s = gn_registry_current(r);
    struct gn_view refs = in(GN_REV_LATEST), inlines = {.revision = GN_REV_LATEST, .inlines = true};
    for (int turn = 0; turn < 3; turn++) {
        GN_AUTO_FREE char *a = list(s, NULL, 0, refs), *b = list(s, NULL, 0, inlines);
        cr_assert(strstr(a, "$ref") && !strstr(a, "inlined"));
        cr_assert(strstr(b, "inlined") && !strstr(b, "$ref"));
    }
    cr_assert_neq(gn_snapshot_digest(s, GN_TOOL, refs), gn_snapshot_digest(s, GN_TOOL, inlines));
    const struct gn_snapshot_kind *k = &s->kinds[GN_TOOL];
    cr_assert_eq(gn_component_rendered(s, k->v[1], refs),
                 gn_component_rendered(s, k->v[1], inlines));
    gn_registry_free(r);
}

Test(transform_render, versions_are_those_that_the_viewer_has)
{
    struct gn_registry *r = gn_registry_new();
    static const char *const versions[] = {"1.0", "2.0"};
    for (size_t i = 0; i < 2; i++) {
        struct gn_component *c = tool("add", NULL);
        c->version = gn_strdup(versions[i]);
        c->principal = i ? gn_strdup("ada") : NULL;
        publish(r, c);
    }
    struct gn_viewer ada = {.principal = "ada"};
    for (int turn = 0; turn < 3; turn++) {
        GN_AUTO_FREE char *all = list(gn_registry_current(r), NULL, 0, in(GN_REV_LATEST));
        cr_assert(strstr(all, "\"gantry/version\":\"1.0\"") && !strstr(all, "versions"), "%s", all);
        GN_AUTO_FREE char *hers = list(gn_registry_view(r, &ada), NULL, 0, in(GN_REV_LATEST));
        cr_assert(strstr(hers, "\"gantry/version\":\"2.0\",\"gantry/versions\":[\"2.0\",\"1.0\"]"),
                  "%s", hers);
    }
    gn_registry_free(r);
}

Test(transform_render, authors_cannot_say_which_versions_there_are)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_component *c = tool("add", NULL);
    c->meta = json_pack("{s:s, s:[s], s:s}", "gantry/version", "9", "gantry/versions", "9", "mine",
                        "yes");
    publish(r, c);
    GN_AUTO_FREE char *text = list(gn_registry_current(r), NULL, 0, in(GN_REV_LATEST));
    cr_assert(strstr(text, "\"_meta\":{\"mine\":\"yes\"}"), "%s", text);
    gn_registry_free(r);
}
