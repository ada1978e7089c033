/* transform_search.c - search_tools and call_tool in place of all tools. */
#include "transform_rig.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(transform_search);

/* ---------------------------------------------------------------- tools */

struct forecast {
    const char *city;
    int64_t days;
};

static const gantry_arg forecast_args[] = {
    GANTRY_ARG(struct forecast, city, "Name of the town"),
    GANTRY_ARG(struct forecast, days, "How far ahead", .default_json = "1"),
    GANTRY_ARGS_END,
};

struct paint {
    const char *colour;
};

static const gantry_arg paint_args[] = {
    GANTRY_ARG(struct paint, colour, "Of the wall", GANTRY_ONE_OF("vermilion", "teal")),
    GANTRY_ARGS_END,
};

static int rich(gantry_call *call, const void *in)
{
    struct gn_content image = {
        .kind = GN_CONTENT_IMAGE, .text = "UE5H", .len = 4, .mime = "image/png"};
    struct gn_content link = {.kind = GN_CONTENT_LINK, .uri = "memo://x", .name = "x"};
    struct gn_result_meta *meta = gn_arena_calloc(&call->arena, sizeof *meta);
    (void)in;
    meta->key = gn_arena_strdup(&call->arena, "example/mark");
    meta->json = gn_arena_strdup(&call->arena, "true");
    call->result.meta = meta;
    call->result.structured = gn_arena_strdup(&call->arena, "{\"degrees\":21.5}");
    call->result.structured_len = strlen(call->result.structured);
    rig_say(call, "warm");
    image.text = gn_arena_strdup(&call->arena, image.text);
    gn_call_add(call, &image);
    return gn_call_add(call, &link);
}

static int fail(gantry_call *call, const void *in)
{
    (void)in;
    return gn_call_fail(call, "the oven is cold");
}

static struct gn_component *add(struct rig *r, const char *name, const char *description)
{
    struct gn_component *c = rig_add(r, GN_TOOL, name, rig_hello);
    c->description = gn_strdup(description);
    return c;
}

static void open_tools(struct rig *r)
{
    rig_open(r);
    struct gn_component *c = rig_add_with(r, GN_TOOL, "forecast", rig_echo, forecast_args,
                                          sizeof(struct forecast));
    c->description = gn_strdup("Weather of the next days");
    rig_add_with(r, GN_TOOL, "paint_wall", rig_echo, paint_args, sizeof(struct paint))->title =
        gn_strdup("Decorate");
    add(r, "send_mail", "Sends a message to somebody");
    add(r, "mail_count", "How many messages are there");
    rig_add(r, GN_TOOL, "rich", rich);
    rig_add(r, GN_TOOL, "broken", fail);
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
    cr_assert_str_eq(rig_listed(&r, GN_TOOL),
                     "broken call_tool forecast paint_wall rich search_tools");
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
                     "broken call_tool forecast mail_count paint_wall rich send_mail");
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
    cr_assert_null(gn_snapshot_find(rig_view(&r), GN_TOOL, "broken"));
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
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "acme_broken acme_call_tool acme_forecast "
                                              "acme_paint_wall acme_rich acme_search_tools");
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

/* ---------------------------------------------------------------- call_tool */

Test(transform_search, call_tool_passes_arguments_and_result_on)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    rig_call(&r, "call_tool",
             "{\"name\":\"forecast\",\"arguments\":{\"city\":\"Oslo\",\"days\":3}}");
    cr_assert_eq(r.outcome, GN_OUT_RESULT);
    cr_assert_str_eq(rig_text(&r), "{\"city\":\"Oslo\",\"days\":3}");
    rig_call(&r, "call_tool", "{\"name\":\"send_mail\"}");
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_call(&r, "call_tool", "{\"name\":\"send_mail\",\"arguments\":null}");
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_close(&r);
}

Test(transform_search, a_result_is_the_same_through_call_tool)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    GN_AUTO_FREE char *direct = gn_strdup(rig_call(&r, "rich", NULL));
    cr_assert_not_null(strstr(direct, "\"structuredContent\":{\"degrees\":21.5}"));
    cr_assert_not_null(strstr(direct, "\"_meta\":{\"example/mark\":true}"));
    cr_assert_not_null(strstr(direct, "\"type\":\"image\""));
    cr_assert_str_eq(rig_call(&r, "call_tool", "{\"name\":\"rich\"}"), direct);
    rig_close(&r);
}

Test(transform_search, a_failure_is_the_same_through_call_tool)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    GN_AUTO_FREE char *direct = gn_strdup(rig_call(&r, "broken", NULL));
    cr_assert_str_eq(rig_call(&r, "call_tool", "{\"name\":\"broken\"}"), direct);
    cr_assert(rig_is_error(&r));
    rig_close(&r);
}

Test(transform_search, arguments_that_do_not_fit_are_told_by_the_tool)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    rig_call(&r, "call_tool", "{\"name\":\"forecast\",\"arguments\":{\"town\":\"Oslo\"}}");
    cr_assert(rig_is_error(&r));
    cr_assert(gn_starts_with(rig_text(&r), "arguments of tool forecast: "), "%s", rig_text(&r));
    cr_assert_not_null(strstr(rig_text(&r), "city"));
    rig_call(&r, "call_tool", "{\"name\":\"forecast\",\"arguments\":[1]}");
    cr_assert(rig_is_error(&r));
    rig_call(&r, "call_tool", "{\"name\":\"forecast\",\"city\":\"Oslo\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_not_null(strstr(rig_text(&r), "city"), "%s", rig_text(&r));
    rig_close(&r);
}

Test(transform_search, an_unknown_tool_is_told_with_the_nearest_that_can_be_called)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    rig_call(&r, "call_tool", "{\"name\":\"forcast\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_str_eq(rig_text(&r), "there is no tool forcast (did you mean forecast?)");
    rig_call(&r, "call_tool", "{\"name\":\"call_tools\"}");
    cr_assert_str_eq(rig_text(&r), "there is no tool call_tools");
    rig_call(&r, "call_tool", "{\"name\":\"\"}");
    cr_assert(rig_is_error(&r));
    rig_close(&r);
}

Test(transform_search, neither_of_the_two_is_called_through_it)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    rig_call(&r, "call_tool",
             "{\"name\":\"call_tool\",\"arguments\":{\"name\":\"send_mail\",\"arguments\":{}}}");
    cr_assert(rig_is_error(&r));
    cr_assert_not_null(strstr(rig_text(&r), "call_tool"));
    rig_call(&r, "call_tool", "{\"name\":\"search_tools\",\"arguments\":{\"query\":\"mail\"}}");
    cr_assert(rig_is_error(&r));
    rig_close(&r);
}

Test(transform_search, nor_under_another_name)
{
    struct rig r;
    open_search(&r);
    gn_map_put(&rig_transform(&r, GN_TRANSFORM_RENAME)->renames, "call_tool", gn_strdup("run"));
    rig_publish(&r);
    rig_call(&r, "run", "{\"name\":\"run\",\"arguments\":{\"name\":\"run\"}}");
    cr_assert(rig_is_error(&r));
    rig_call(&r, "run", "{\"name\":\"send_mail\"}");
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_close(&r);
}

/* A handler that calls what called it. */
static struct rig *looping;
static int loops;

static int call_again(gantry_call *call, const void *in)
{
    static const char text[] = "{\"name\":\"again\"}";
    struct gn_component *c = gn_snapshot_find(rig_view(looping), GN_TOOL, "call_tool");
    const gantry_json *arguments = gn_json_parse_arena(&call->arena, text, strlen(text), NULL);
    struct gn_call *child;
    enum gn_outcome outcome;
    (void)in;
    loops++;
    if (gn_call_nested(call, c, arguments, NULL, &child, &outcome))
        return gn_call_fail(call, "too deep");
    int rc = gn_call_adopt(call, child, outcome, "call_tool");
    gn_call_unref(child);
    return rc;
}

Test(transform_search, calls_that_go_round_end)
{
    struct rig r;
    open_search(&r);
    rig_add(&r, GN_TOOL, "again", call_again);
    rig_publish(&r);
    looping = &r;
    loops = 0;
    rig_call(&r, "call_tool", "{\"name\":\"again\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_eq(loops, GN_CALL_MAX_DEPTH / 2);
    cr_assert_eq(r.held, 0);
    cr_assert_not_null(strstr(rig_text(&r), "deep"), "%s", rig_text(&r));
    rig_close(&r);
}

/* ---- while a plugin hands over to its next generation */

static bool hold(struct gn_owner *owner, gantry_call *call)
{
    (void)owner, (void)call;
    return false;
}

static int next_generation(gantry_call *call, const void *in)
{
    (void)in;
    return rig_say(call, "the next one");
}

static void hand_over(uv_timer_t *timer)
{
    struct rig *r = timer->data;
    r->components[0]->run = next_generation;
    r->owner.hold = NULL;
    uv_close((uv_handle_t *)timer, NULL);
}

Test(transform_search, calls_wait_while_a_plugin_hands_over)
{
    struct rig r;
    uv_timer_t timer;
    rig_open(&r);
    rig_add(&r, GN_TOOL, "hello", rig_hello);
    rig_transform(&r, GN_TRANSFORM_SEARCH);
    rig_publish(&r);
    r.owner.hold = hold;
    uv_timer_init(&r.uv, &timer);
    timer.data = &r;
    uv_timer_start(&timer, hand_over, 30, 0);
    rig_call(&r, "call_tool", "{\"name\":\"hello\"}");
    cr_assert_str_eq(rig_text(&r), "the next one");
    rig_close(&r);
}

static int call_hello(gantry_call *call, const void *in)
{
    static const char text[] = "{\"name\":\"hello\"}";
    struct gn_component *c = gn_snapshot_find(rig_view(looping), GN_TOOL, "call_tool");
    const gantry_json *arguments = gn_json_parse_arena(&call->arena, text, strlen(text), NULL);
    struct gn_call *child;
    enum gn_outcome outcome;
    (void)in;
    looping->owner.hold = hold; /* it waits for this very call */
    cr_assert_eq(gn_call_nested(call, c, arguments, NULL, &child, &outcome), 0);
    int rc = gn_call_adopt(call, child, outcome, "call_tool");
    gn_call_unref(child);
    return rc;
}

Test(transform_search, calls_that_it_waits_for_itself_do_not)
{
    struct rig r;
    open_search(&r);
    rig_add(&r, GN_TOOL, "hello", rig_hello);
    rig_add(&r, GN_TOOL, "outer", call_hello);
    rig_publish(&r);
    looping = &r;
    rig_call(&r, "outer", NULL);
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_close(&r);
}

Test(transform_search, a_call_that_waits_ends_at_its_deadline)
{
    struct rig r;
    open_search(&r);
    rig_add(&r, GN_TOOL, "hello", rig_hello);
    rig_publish(&r);
    r.owner.hold = hold;
    r.env.timeout_ms = 30;
    rig_call(&r, "call_tool", "{\"name\":\"hello\"}");
    cr_assert_eq(r.outcome, GN_OUT_TIMEOUT);
    rig_close(&r);
}

Test(transform_search, a_blocking_tool_is_called_on_a_worker)
{
    struct rig r;
    open_search(&r);
    rig_add(&r, GN_TOOL, "slow", rig_hello)->flags = GANTRY_BLOCKING;
    rig_publish(&r);
    rig_call(&r, "call_tool", "{\"name\":\"slow\"}");
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_close(&r);
}

Test(transform_search, a_tool_that_needs_more_than_the_client_has_is_refused_in_words)
{
    struct rig r;
    open_search(&r);
    add(&r, "asks", "Asks")->requires = GANTRY_CAP_ELICITATION;
    rig_publish(&r);
    CHECK_FOUND(&r, "{\"query\":\"asks\"}", "asks");
    rig_call(&r, "call_tool", "{\"name\":\"asks\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_str_eq(rig_text(&r),
                     "tool asks needs what the client does not declare: elicitation (forms)");
    r.capabilities = GANTRY_CAP_ELICITATION;
    rig_call(&r, "call_tool", "{\"name\":\"asks\"}");
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_close(&r);
}

Test(transform_search, a_tool_that_is_a_task_makes_the_call_one)
{
    static const struct {
        uint32_t task;
        bool knows;
        int tasks;
        bool is_error;
    } rows[] = {
        {GANTRY_TASK_NEVER, true, 0, false},    {GANTRY_TASK_OPTIONAL, true, 1, false},
        {GANTRY_TASK_REQUIRED, true, 1, false}, {GANTRY_TASK_DEFERRED, true, 0, false},
        {GANTRY_TASK_NEVER, false, 0, false},   {GANTRY_TASK_OPTIONAL, false, 0, false},
        {GANTRY_TASK_REQUIRED, false, 0, true}, {GANTRY_TASK_DEFERRED, false, 0, true},
    };
    for (size_t i = 0; i < GN_COUNT(rows); i++) {
        struct rig r;
        open_search(&r);
        add(&r, "long", "Long")->task = rows[i].task;
        rig_publish(&r);
        r.knows_tasks = rows[i].knows;
        rig_call(&r, "call_tool", "{\"name\":\"long\"}");
        cr_assert_eq(r.tasks, rows[i].tasks, "row %zu: %d tasks", i, r.tasks);
        cr_assert_eq(rig_is_error(&r), rows[i].is_error, "row %zu: %s", i, rig_text(&r));
        if (rows[i].is_error)
            cr_assert_not_null(strstr(rig_text(&r), "io.modelcontextprotocol/tasks"));
        rig_close(&r);
    }
}

Test(transform_search, hostile_names_are_refused_and_cut)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    static const char *const bad[] = {
        "{\"name\":\"fore\\u0000cast\"}", "{\"name\":\"\\u001b]0;x\\u0007forecast\"}",
        "{\"name\":\"../forecast\"}",     "{\"name\":\"%s%n%n\"}",
        "{\"name\":[\"forecast\"]}",      "{}",
    };
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        rig_call(&r, "call_tool", bad[i]);
        cr_assert(rig_is_error(&r), "%s", bad[i]);
    }
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    gn_buf_adds(&text, "{\"name\":\"");
    for (int i = 0; i < 990; i++)
        gn_buf_adds(&text, "ß");
    gn_buf_adds(&text, "\"}");
    rig_call(&r, "call_tool", gn_buf_str(&text));
    cr_assert(rig_is_error(&r));
    cr_assert_lt(strlen(rig_text(&r)), 700);
    cr_assert(gn_utf8_valid(rig_text(&r), strlen(rig_text(&r))));
    gn_buf_release(&text);
    rig_close(&r);
}
