/* transform_search.c - two tools in the list in place of all: what search_tools finds. */
#include "transform_rig.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(transform_search);

/* ---------------------------------------------------------------- tools */

struct paint {
    const char *colour;
};

static const gantry_arg paint_args[] = {
    GANTRY_ARG(struct paint, colour, "Of the wall", GANTRY_ONE_OF("vermilion", "teal")),
    GANTRY_ARGS_END,
};

static struct gn_component *add(struct rig *r, const char *name, const char *description)
{
    struct gn_component *c = rig_add(r, GN_TOOL, name, rig_hello);
    c->description = gn_strdup(description);
    return c;
}

static void open_tools(struct rig *r)
{
    rig_open(r);
    struct gn_component *c = rig_add_with(r, GN_TOOL, "forecast", rig_echo, rig_forecast_args,
                                          sizeof(struct rig_forecast));
    c->description = gn_strdup("Weather of the next days");
    rig_add_with(r, GN_TOOL, "paint_wall", rig_echo, paint_args, sizeof(struct paint))->title =
        gn_strdup("Decorate");
    add(r, "send_mail", "Sends a message to somebody");
    add(r, "mail_count", "How many messages are there");
    rig_add(r, GN_TOOL, "plain", rig_hello);
}

static struct gn_transform *open_search(struct rig *r)
{
    open_tools(r);
    return rig_transform(r, GN_TRANSFORM_SEARCH);
}

/* Names of the tools found, with blanks between. */
static const char *found(struct rig *r, const char *arguments)
{
    static char names[4096];
    struct gn_json_doc doc;
    rig_call(r, "search_tools", arguments);
    cr_assert_eq(r->outcome, GN_OUT_RESULT, "%s", rig_text(r));
    cr_assert_eq(gn_json_parse_copy(&doc, r->result.data, r->result.len, NULL, NULL), 0);
    const gantry_json *tools = gn_json_get(gn_json_get(gn_json_root(&doc), "structuredContent"),
                                           "tools");
    cr_assert_eq(gn_json_type(tools), GN_JSON_ARRAY);
    names[0] = '\0';
    for (const gantry_json *v = NULL; (v = gn_json_next(tools, v)) != NULL;) {
        size_t len = strlen(names);
        snprintf(names + len, sizeof names - len, "%s%s", len ? " " : "",
                 gn_json_cstr(gn_json_get(v, "name")));
    }
    gn_json_release(&doc);
    return names;
}

#define CHECK_FOUND(r, arguments, expected)                                                        \
    cr_assert_str_eq(found(r, arguments), expected, "%s: found \"%s\", expected \"%s\"",           \
                     arguments, found(r, arguments), expected)

/* ---------------------------------------------------------------- the list */

Test(transform_search, the_list_shows_two_tools)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "call_tool search_tools");
    cr_assert_not_null(gn_snapshot_find(rig_view(&r), GN_TOOL, "forecast"));
    rig_call(&r, "send_mail", NULL);
    cr_assert_str_eq(rig_text(&r), "hello");
    cr_assert_str_eq(r.problems, "");
    rig_close(&r);
}

Test(transform_search, some_are_always_listed)
{
    struct rig r;
    open_search(&r)->always = rig_names("forecast *mail send*");
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "call_tool forecast search_tools send_mail");
    rig_close(&r);
}

Test(transform_search, what_does_not_match_stays_in_the_list_and_is_not_searched)
{
    struct rig r;
    open_search(&r)->match.names = rig_names("send_mail mail_count");
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "call_tool forecast paint_wall plain search_tools");
    CHECK_FOUND(&r, "{\"query\":\"forecast\"}", "");
    CHECK_FOUND(&r, "{\"query\":\"mail\"}", "mail_count send_mail");
    rig_close(&r);
}

Test(transform_search, names_that_are_taken_leave_the_list_as_it_is)
{
    struct rig r;
    open_search(&r);
    rig_add(&r, GN_TOOL, "call_tool", rig_hello);
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL),
                     "call_tool forecast mail_count paint_wall plain send_mail");
    cr_assert_not_null(strstr(r.problems, "cannot offer a tool call_tool: plugin weather has one"),
                       "%s", r.problems);
    rig_close(&r);
}

Test(transform_search, tools_of_an_earlier_transform_are_searched_like_others)
{
    struct rig r;
    open_tools(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_transform(&r, GN_TRANSFORM_SEARCH);
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "call_tool search_tools");
    CHECK_FOUND(&r, "{\"query\":\"prompts\"}", "list_prompts get_prompt");
    rig_call(&r, "call_tool", "{\"name\":\"list_prompts\"}");
    cr_assert_str_eq(rig_text(&r), "{\"prompts\":[]}");
    rig_close(&r);
}

Test(transform_search, a_change_of_the_tools_is_found_at_once)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    CHECK_FOUND(&r, "{\"query\":\"mail\"}", "mail_count send_mail");
    gn_component_unref(r.components[--r.count]);
    add(&r, "mail_delete", "Deletes");
    rig_publish(&r);
    CHECK_FOUND(&r, "{\"query\":\"mail\"}", "mail_delete mail_count send_mail");
    cr_assert_null(gn_snapshot_find(rig_view(&r), GN_TOOL, "plain"));
    rig_close(&r);
}

/* ---------------------------------------------------------------- search_tools */

Test(transform_search, looks_at_names_titles_descriptions_and_arguments)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    CHECK_FOUND(&r, "{\"query\":\"Forecast\"}", "forecast");
    CHECK_FOUND(&r, "{\"query\":\"weather\"}", "forecast");
    CHECK_FOUND(&r, "{\"query\":\"decorate\"}", "paint_wall");
    CHECK_FOUND(&r, "{\"query\":\"city\"}", "forecast");
    CHECK_FOUND(&r, "{\"query\":\"town\"}", "forecast");
    CHECK_FOUND(&r, "{\"query\":\"vermilion\"}", "paint_wall");
    CHECK_FOUND(&r, "{\"query\":\"Send mail to a friend\"}", "send_mail mail_count");
    rig_close(&r);
}

Test(transform_search, looks_into_schemas_at_any_depth_but_not_at_their_keywords)
{
    struct rig r;
    open_search(&r);
    struct gn_component *c = add(&r, "deep", "");
    gn_fields_free(c->input);
    c->input = NULL;
    c->input_text = gn_strdup(
        "{\"type\":\"object\",\"title\":\"outermost\",\"properties\":{\"a\":{\"type\":\"array\","
        "\"items\":{\"properties\":{\"zebra\":{\"description\":\"striped\"}}}},\"b\":{\"anyOf\":["
        "{\"enum\":[\"maple\",5]},{\"$ref\":\"#/$defs/tree\"}]}},\"$defs\":{\"tree\":{"
        "\"properties\":{\"birch\":true}}}}");
    rig_publish(&r);
    CHECK_FOUND(&r, "{\"query\":\"zebra\"}", "deep");
    CHECK_FOUND(&r, "{\"query\":\"striped\"}", "deep");
    CHECK_FOUND(&r, "{\"query\":\"maple\"}", "deep");
    CHECK_FOUND(&r, "{\"query\":\"birch\"}", "deep");
    CHECK_FOUND(&r, "{\"query\":\"properties\"}", "");
    CHECK_FOUND(&r, "{\"query\":\"anyOf\"}", "");
    rig_close(&r);
}

Test(transform_search, definitions_are_whole)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    const char *result = rig_call(&r, "search_tools", "{\"query\":\"weather\"}");
    struct gn_buf definition = GN_BUF_INIT(1 << 20);
    struct gn_jw w;
    gn_jw_init(&w, &definition);
    gn_component_write(gn_snapshot_find(rig_view(&r), GN_TOOL, "forecast"),
                       (struct gn_view){.revision = GN_REV_LATEST}, &w);
    cr_assert_not_null(strstr(gn_buf_str(&definition), "\"inputSchema\":{\"type\":\"object\""));
    cr_assert_not_null(strstr(result, "\"structuredContent\":{\"tools\":[{"));
    cr_assert_not_null(strstr(result, gn_buf_str(&definition)), "%s", result);
    cr_assert_not_null(strstr(rig_text(&r), gn_buf_str(&definition)));
    gn_buf_release(&definition);
    rig_close(&r);
}

Test(transform_search, never_finds_itself)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    CHECK_FOUND(&r, "{\"query\":\"search tools call tool search_tools call_tool\"}", "");
    rig_close(&r);
}

Test(transform_search, returns_at_most_what_was_asked_for_and_what_is_configured)
{
    struct rig r;
    open_search(&r)->max_results = 3;
    for (int i = 0; i < 9; i++) {
        GN_AUTO_FREE char *name = gn_format("item_%d", i);
        rig_add(&r, GN_TOOL, name, rig_hello);
    }
    rig_publish(&r);
    CHECK_FOUND(&r, "{\"query\":\"item\"}", "item_0 item_1 item_2");
    CHECK_FOUND(&r, "{\"query\":\"item\",\"limit\":2}", "item_0 item_1");
    CHECK_FOUND(&r, "{\"query\":\"item\",\"limit\":\"1\"}", "item_0");
    CHECK_FOUND(&r, "{\"query\":\"item\",\"limit\":1000000}", "item_0 item_1 item_2");
    CHECK_FOUND(&r, "{\"query\":\"item\",\"limit\":null}", "item_0 item_1 item_2");
    static const char *const bad[] = {"0", "-1", "1.5", "\"many\"", "1e300"};
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        GN_AUTO_FREE char *arguments = gn_format("{\"query\":\"item\",\"limit\":%s}", bad[i]);
        rig_call(&r, "search_tools", arguments);
        cr_assert(rig_is_error(&r), "%s", arguments);
        cr_assert_not_null(strstr(rig_text(&r), "limit"), "%s", rig_text(&r));
    }
    rig_close(&r);
}

Test(transform_search, says_so_when_there_is_nothing)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    CHECK_FOUND(&r, "{\"query\":\"xylophone\"}", "");
    cr_assert(gn_starts_with(rig_text(&r), "No tool matches"), "%s", rig_text(&r));
    static const char *const empty[] = {"", "  ", "... !", "\\u0001\\u001b[0m"};
    for (size_t i = 0; i < 3; i++) {
        GN_AUTO_FREE char *arguments = gn_format("{\"query\":\"%s\"}", empty[i]);
        CHECK_FOUND(&r, arguments, "");
        cr_assert(gn_starts_with(rig_text(&r), "The query has no words"), "%s", rig_text(&r));
    }
    rig_close(&r);
}

Test(transform_search, what_is_switched_off_is_not_found)
{
    struct rig r;
    open_search(&r);
    rig_transform(&r, GN_TRANSFORM_DISABLE)->match.names = rig_names("send_mail");
    rig_publish(&r);
    CHECK_FOUND(&r, "{\"query\":\"mail\"}", "mail_count");
    rig_call(&r, "call_tool", "{\"name\":\"send_mail\"}");
    cr_assert_str_eq(rig_text(&r), "there is no tool send_mail");
    rig_close(&r);
}

Test(transform_search, what_was_renamed_later_is_found_by_its_new_name)
{
    struct rig r;
    open_search(&r)->match.names = rig_names("send_mail mail_count");
    struct gn_transform *t = rig_transform(&r, GN_TRANSFORM_NAMESPACE);
    t->prefix = gn_strdup("acme");
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "acme_call_tool acme_forecast acme_paint_wall "
                                              "acme_plain acme_search_tools");
    rig_call(&r, "acme_search_tools", "{\"query\":\"mail\"}");
    cr_assert_not_null(strstr(rig_text(&r), "\"name\":\"acme_send_mail\""), "%s", rig_text(&r));
    cr_assert_null(strstr(rig_text(&r), "search_tools"));
    rig_call(&r, "acme_call_tool", "{\"name\":\"acme_send_mail\"}");
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_close(&r);
}

Test(transform_search, hostile_queries_do_no_harm)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    struct gn_buf text = GN_BUF_INIT(4 << 20);
    gn_buf_adds(&text, "{\"query\":\"");
    for (int i = 0; i < 1000; i++)
        gn_buf_adds(&text, "é");
    gn_buf_adds(&text, "\"}");
    CHECK_FOUND(&r, gn_buf_str(&text), "");
    gn_buf_clear(&text);
    gn_buf_adds(&text, "{\"query\":\"");
    for (int i = 0; i < 200000; i++)
        gn_buf_adds(&text, "mail ");
    gn_buf_adds(&text, "\"}");
    rig_call(&r, "search_tools", gn_buf_str(&text));
    cr_assert(rig_is_error(&r));
    gn_buf_release(&text);
    static const char *const bad[] = {"{}", "{\"query\":[]}", "{\"query\":\"a\\u0000b\"}",
                                      "{\"query\":\"a\",\"more\":1}"};
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        rig_call(&r, "search_tools", bad[i]);
        cr_assert(rig_is_error(&r), "%s", bad[i]);
    }
    CHECK_FOUND(&r, "{\"query\":\"\\u001b[31m mail\\u0007\\ufeff\"}", "mail_count send_mail");
    rig_close(&r);
}
