/* transform_call_tool.c - call_tool runs what the list does not show. */
#include "transform_rig.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(transform_call_tool);

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

static void open_search(struct rig *r)
{
    rig_open(r);
    rig_add_with(r, GN_TOOL, "forecast", rig_echo, rig_forecast_args, sizeof(struct rig_forecast));
    rig_add(r, GN_TOOL, "send_mail", rig_hello);
    rig_add(r, GN_TOOL, "rich", rich);
    rig_add(r, GN_TOOL, "broken", fail);
    rig_transform(r, GN_TRANSFORM_SEARCH);
}

Test(transform_call_tool, call_tool_passes_arguments_and_result_on)
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

Test(transform_call_tool, a_result_is_the_same_through_call_tool)
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

Test(transform_call_tool, a_failure_is_the_same_through_call_tool)
{
    struct rig r;
    open_search(&r);
    rig_publish(&r);
    GN_AUTO_FREE char *direct = gn_strdup(rig_call(&r, "broken", NULL));
    cr_assert_str_eq(rig_call(&r, "call_tool", "{\"name\":\"broken\"}"), direct);
    cr_assert(rig_is_error(&r));
    rig_close(&r);
}

Test(transform_call_tool, arguments_that_do_not_fit_are_told_by_the_tool)
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

Test(transform_call_tool, an_unknown_tool_is_told_with_the_nearest_that_can_be_called)
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

Test(transform_call_tool, neither_of_the_two_is_called_through_it)
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

Test(transform_call_tool, nor_under_another_name)
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

Test(transform_call_tool, calls_that_go_round_end)
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

Test(transform_call_tool, calls_wait_while_a_plugin_hands_over)
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

Test(transform_call_tool, calls_that_it_waits_for_itself_do_not)
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

Test(transform_call_tool, a_call_that_waits_ends_at_its_deadline)
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

Test(transform_call_tool, a_blocking_tool_is_called_on_a_worker)
{
    struct rig r;
    open_search(&r);
    rig_add(&r, GN_TOOL, "slow", rig_hello)->flags = GANTRY_BLOCKING;
    rig_publish(&r);
    rig_call(&r, "call_tool", "{\"name\":\"slow\"}");
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_close(&r);
}

Test(transform_call_tool, a_tool_that_needs_more_than_the_client_has_is_refused_in_words)
{
    struct rig r;
    open_search(&r);
    rig_add(&r, GN_TOOL, "asks", rig_hello)->requires = GANTRY_CAP_ELICITATION;
    rig_publish(&r);
    rig_call(&r, "call_tool", "{\"name\":\"asks\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_str_eq(rig_text(&r),
                     "tool asks needs what the client does not declare: elicitation (forms)");
    r.capabilities = GANTRY_CAP_ELICITATION;
    rig_call(&r, "call_tool", "{\"name\":\"asks\"}");
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_close(&r);
}

Test(transform_call_tool, a_tool_that_is_a_task_makes_the_call_one)
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
        rig_add(&r, GN_TOOL, "long", rig_hello)->task = rows[i].task;
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

Test(transform_call_tool, hostile_names_are_refused_and_cut)
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
