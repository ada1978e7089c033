/* transform_offer.c - prompts and resources offered as tools. */
#include "transform_rig.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(transform_offer);

/* ---------------------------------------------------------------- handlers */

struct greet {
    const char *name;
    int64_t times;
    bool loud;
};

static const gantry_arg greet_args[] = {
    GANTRY_ARG(struct greet, name, "Who", .optional = 1),
    GANTRY_ARG(struct greet, times, "How often", .default_json = "1"),
    GANTRY_ARG(struct greet, loud, "Shout", .default_json = "false"),
    GANTRY_ARGS_END,
};

static int render_greet(gantry_call *call, const void *raw)
{
    const struct greet *in = raw;
    char text[256];
    snprintf(text, sizeof text, "greet %s %d times%s", in->name ? in->name : "nobody",
             (int)in->times, in->loud ? " loudly" : "");
    return rig_say(call, text);
}

/* Text, an image, and an answer. */
static int render_picture(gantry_call *call, const void *in)
{
    struct gn_content image = {
        .kind = GN_CONTENT_IMAGE, .text = "UE5H", .len = 4, .mime = "image/png"};
    (void)in;
    rig_say(call, "what is this?");
    cr_assert_eq(gn_call_add(call, &image), 0);
    call->result.role = GANTRY_ASSISTANT;
    return rig_say(call, "a duck");
}

static int fail(gantry_call *call, const void *in)
{
    (void)in;
    return gn_call_fail(call, "the oven is cold");
}

static int stumble(gantry_call *call, const void *in)
{
    (void)call, (void)in;
    return GANTRY_EIO;
}

static int not_here(gantry_call *call, const void *in)
{
    (void)call, (void)in;
    return GANTRY_ENOENT;
}

static int read_uri(gantry_call *call, const void *in)
{
    (void)in;
    return rig_say(call, call->uri);
}

static int read_mixed(gantry_call *call, const void *in)
{
    static const struct gn_annotations notes = {.audience = GANTRY_USER,
                                                .last_modified = (char *)"2026-01-01"};
    struct gn_content c[] = {
        {.kind = GN_CONTENT_TEXT, .text = "plain", .len = 5, .annotations = &notes},
        {.kind = GN_CONTENT_BLOB, .text = "AAEC", .len = 4},
        {.kind = GN_CONTENT_EMBED_TEXT, .text = "else", .len = 4, .uri = "memo://other"},
    };
    struct gn_result_meta *meta = gn_arena_calloc(&call->arena, sizeof *meta);
    (void)in;
    meta->key = "example/mark";
    meta->json = "[1]";
    call->result.meta = meta;
    for (size_t i = 0; i < GN_COUNT(c); i++)
        cr_assert_eq(gn_call_add(call, &c[i]), 0);
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- prompts */

static void open_prompts(struct rig *r)
{
    rig_open(r);
    struct gn_component *c = rig_add_with(r, GN_PROMPT, "greet", render_greet, greet_args,
                                          sizeof(struct greet));
    c->description = gn_strdup("Greets");
    rig_add(r, GN_PROMPT, "picture", render_picture);
    rig_add(r, GN_PROMPT, "broken", fail);
    rig_add(r, GN_TOOL, "hello", rig_hello);
}

Test(transform_offer, prompts_become_two_tools)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "get_prompt hello list_prompts");
    cr_assert_str_eq(rig_listed(&r, GN_PROMPT), "broken greet picture");
    cr_assert_str_eq(r.problems, "");
    rig_close(&r);
}

Test(transform_offer, they_say_that_they_change_nothing)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_transform(&r, GN_TRANSFORM_RESOURCES_AS_TOOLS);
    rig_publish(&r);
    static const char *const names[] = {"get_prompt", "list_prompts", "read_resource",
                                        "list_resources"};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        const struct gn_component *c = gn_snapshot_find(rig_view(&r), GN_TOOL, names[i]);
        cr_assert_not_null(c, "%s", names[i]);
        cr_assert_eq(c->read_only, GANTRY_YES);
        cr_assert_not_null(c->description);
    }
    rig_close(&r);
}

Test(transform_offer, list_prompts_shows_what_prompts_list_does)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    const char *result = rig_call(&r, "list_prompts", "{}");
    cr_assert_eq(r.outcome, GN_OUT_RESULT);
    cr_assert(strstr(result, "\"structuredContent\":{\"prompts\":[{\"name\":\"broken\"},{\"name\":"
                             "\"greet\",\"description\":\"Greets\",\"arguments\":[{\"name\":"
                             "\"name\",\"description\":\"Who\",\"required\":false}"),
              "%s", result);
    cr_assert_not_null(strstr(rig_text(&r), "{\"prompts\":[{\"name\":\"broken\"}"));
    rig_close(&r);
}

Test(transform_offer, a_prompt_is_filled_in)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    const char *result = rig_call(&r, "get_prompt",
                                  "{\"name\":\"greet\",\"arguments\":{\"name\":\"Ann\"}}");
    const char *expected = "{\"description\":\"Greets\",\"messages\":[{\"role\":\"user\","
                           "\"content\":{\"type\":\"text\",\"text\":\"greet Ann 1 times\"}}]}";
    cr_assert_eq(r.outcome, GN_OUT_RESULT);
    cr_assert_not_null(strstr(result, expected), "%s", result);
    cr_assert_str_eq(rig_text(&r), expected);
    rig_close(&r);
}

Test(transform_offer, what_a_model_gives_as_numbers_becomes_text)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    rig_call(&r, "get_prompt",
             "{\"name\":\"greet\",\"arguments\":{\"name\":12.50,\"times\":3,\"loud\":true}}");
    cr_assert_not_null(strstr(rig_text(&r), "greet 12.50 3 times loudly"), "%s", rig_text(&r));
    rig_call(&r, "get_prompt",
             "{\"name\":\"greet\",\"arguments\":{\"name\":{\"a\":[1,null]},\"times\":null}}");
    cr_assert_not_null(strstr(rig_text(&r), "greet {\\\"a\\\":[1,null]} 1 times"), "%s",
                       rig_text(&r));
    rig_call(&r, "get_prompt", "{\"name\":\"greet\",\"arguments\":\"{\\\"name\\\":\\\"Bo\\\"}\"}");
    cr_assert_not_null(strstr(rig_text(&r), "greet Bo 1 times"), "%s", rig_text(&r));
    rig_call(&r, "get_prompt", "{\"name\":\"greet\"}");
    cr_assert_not_null(strstr(rig_text(&r), "greet nobody 1 times"), "%s", rig_text(&r));
    rig_close(&r);
}

Test(transform_offer, images_come_as_content_and_are_left_out_of_the_text)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    const char *result = rig_call(&r, "get_prompt", "{\"name\":\"picture\"}");
    cr_assert_eq(r.outcome, GN_OUT_RESULT);
    cr_assert_str_eq(rig_text(&r),
                     "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":"
                     "\"what is this?\"}},{\"role\":\"user\",\"content\":{\"type\":\"image\","
                     "\"data\":\"\",\"mimeType\":\"image/png\"}},{\"role\":\"assistant\","
                     "\"content\":{\"type\":\"text\",\"text\":\"a duck\"}}]}");
    cr_assert_not_null(strstr(result, "},{\"type\":\"image\",\"data\":\"UE5H\",\"mimeType\":"
                                      "\"image/png\"}],\"structuredContent\":"),
                       "%s", result);
    cr_assert_not_null(strstr(strstr(result, "structuredContent"), "\"data\":\"UE5H\""));
    rig_close(&r);
}

Test(transform_offer, an_unknown_prompt_is_told_with_the_nearest)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    rig_call(&r, "get_prompt", "{\"name\":\"greeet\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_str_eq(rig_text(&r), "there is no prompt greeet (did you mean greet?)");
    rig_call(&r, "get_prompt", "{\"name\":\"\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_str_eq(rig_text(&r), "there is no prompt ");
    rig_close(&r);
}

Test(transform_offer, what_fails_inside_fails_with_its_words)
{
    struct rig r;
    open_prompts(&r);
    rig_add(&r, GN_PROMPT, "stumbles", stumble);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    rig_call(&r, "get_prompt", "{\"name\":\"broken\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_str_eq(rig_text(&r), "the oven is cold");
    rig_call(&r, "get_prompt", "{\"name\":\"stumbles\"}");
    cr_assert(rig_is_error(&r));
    cr_assert(gn_starts_with(rig_text(&r), "internal error (correlation id "), "%s", rig_text(&r));
    rig_call(&r, "get_prompt", "{\"name\":\"greet\",\"arguments\":{\"nam\":\"Ann\"}}");
    cr_assert(rig_is_error(&r));
    cr_assert(gn_starts_with(rig_text(&r), "arguments of prompt greet: "), "%s", rig_text(&r));
    cr_assert_not_null(strstr(rig_text(&r), "nam"));
    rig_close(&r);
}

Test(transform_offer, only_what_matches_is_offered)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS)->match.names = rig_names("gr* picture");
    rig_publish(&r);
    const char *result = rig_call(&r, "list_prompts", NULL);
    cr_assert_null(strstr(result, "broken"), "%s", result);
    cr_assert_not_null(strstr(result, "picture"));
    rig_call(&r, "get_prompt", "{\"name\":\"broken\"}");
    cr_assert_str_eq(rig_text(&r), "there is no prompt broken");
    rig_call(&r, "get_prompt", "{\"name\":\"brokem\"}");
    cr_assert_str_eq(rig_text(&r), "there is no prompt brokem");
    rig_close(&r);
}

Test(transform_offer, what_matched_still_does_under_a_later_name)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS)->match.names = rig_names("greet");
    struct gn_transform *t = rig_transform(&r, GN_TRANSFORM_RENAME);
    gn_map_put(&t->renames, "greet", gn_strdup("welcome"));
    gn_map_put(&t->renames, "get_prompt", gn_strdup("fill"));
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "fill hello list_prompts");
    rig_call(&r, "fill", "{\"name\":\"welcome\"}");
    cr_assert_not_null(strstr(rig_text(&r), "greet nobody 1 times"), "%s", rig_text(&r));
    rig_call(&r, "fill", "{\"name\":\"greet\"}");
    cr_assert(rig_is_error(&r));
    rig_close(&r);
}

Test(transform_offer, what_is_switched_off_cannot_be_reached)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_transform(&r, GN_TRANSFORM_DISABLE)->match.names = rig_names("picture");
    rig_publish(&r);
    const char *result = rig_call(&r, "list_prompts", NULL);
    cr_assert_null(strstr(result, "picture"), "%s", result);
    rig_call(&r, "get_prompt", "{\"name\":\"picture\"}");
    cr_assert_str_eq(rig_text(&r), "there is no prompt picture");
    rig_close(&r);
}

Test(transform_offer, a_name_that_is_taken_is_left_to_who_has_it)
{
    struct rig r;
    open_prompts(&r);
    rig_add(&r, GN_TOOL, "list_prompts", rig_hello);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "get_prompt hello list_prompts");
    cr_assert_not_null(strstr(r.problems, "cannot offer a tool list_prompts: plugin weather has "
                                          "one of that name"),
                       "%s", r.problems);
    rig_call(&r, "list_prompts", NULL);
    cr_assert_str_eq(rig_text(&r), "hello");
    rig_close(&r);
}

Test(transform_offer, a_name_that_was_renamed_or_disabled_before_is_free)
{
    struct rig r;
    open_prompts(&r);
    rig_add(&r, GN_TOOL, "list_prompts", rig_hello);
    rig_add(&r, GN_TOOL, "get_prompt", rig_hello);
    rig_transform(&r, GN_TRANSFORM_DISABLE)->match.names = rig_names("list_prompts");
    gn_map_put(&rig_transform(&r, GN_TRANSFORM_RENAME)->renames, "get_prompt",
               gn_strdup("other_prompt"));
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    cr_assert_str_eq(r.problems, "");
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "get_prompt hello list_prompts other_prompt");
    rig_call(&r, "list_prompts", NULL);
    cr_assert_not_null(strstr(rig_text(&r), "picture"));
    rig_close(&r);
}

Test(transform_offer, the_tools_stay_the_same_from_build_to_build)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    const struct gn_component *c = gn_snapshot_find(rig_view(&r), GN_TOOL, "get_prompt");
    rig_publish(&r);
    cr_assert_eq(gn_snapshot_find(rig_view(&r), GN_TOOL, "get_prompt"), c);
    rig_close(&r);
}

Test(transform_offer, a_prompt_that_needs_more_than_the_client_has_is_refused_in_words)
{
    struct rig r;
    open_prompts(&r);
    rig_add(&r, GN_PROMPT, "asks", rig_hello)->requires = GANTRY_CAP_SAMPLING | GANTRY_CAP_ROOTS;
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    r.capabilities = GANTRY_CAP_ROOTS;
    rig_call(&r, "get_prompt", "{\"name\":\"asks\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_str_eq(rig_text(&r), "prompt asks needs what the client does not declare: sampling");
    r.capabilities = GANTRY_CAP_ROOTS | GANTRY_CAP_SAMPLING;
    rig_call(&r, "get_prompt", "{\"name\":\"asks\"}");
    cr_assert(!rig_is_error(&r));
    rig_close(&r);
}

Test(transform_offer, hostile_arguments_are_refused_or_do_no_harm)
{
    struct rig r;
    open_prompts(&r);
    rig_transform(&r, GN_TRANSFORM_PROMPTS_AS_TOOLS);
    rig_publish(&r);
    static const char *const bad[] = {
        "{\"name\":\"gre\\u0000et\"}",
        "{\"name\":\"gr\\u001b[31met\\n\"}",
        "{\"name\":\"greet\",\"arguments\":{\"na\\u0000me\":\"x\"}}",
        "{\"name\":\"greet\",\"arguments\":{\"name\":\"a\\u0000b\"}}",
        "{\"name\":\"greet\",\"arguments\":[]}",
        "{\"name\":\"greet\",\"arguments\":\"no object\"}",
        "{\"name\":\"greet\",\"argument\":{}}",
        "{\"name\":{}}",
        "{}",
    };
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        rig_call(&r, "get_prompt", bad[i]);
        cr_assert(rig_is_error(&r), "%s: %s", bad[i], rig_text(&r));
    }
    struct gn_buf deep = GN_BUF_INIT(1 << 20);
    gn_buf_adds(&deep, "{\"name\":\"greet\",\"arguments\":{\"name\":");
    for (int i = 0; i < 120; i++)
        gn_buf_adds(&deep, "[");
    for (int i = 0; i < 120; i++)
        gn_buf_adds(&deep, "]");
    gn_buf_adds(&deep, "}}");
    rig_call(&r, "get_prompt", gn_buf_str(&deep));
    cr_assert_not_null(strstr(rig_text(&r), "greet [[[["));
    gn_buf_clear(&deep);
    gn_buf_adds(&deep, "{\"name\":\"");
    for (int i = 0; i < 5000; i++)
        gn_buf_adds(&deep, "ä");
    gn_buf_adds(&deep, "\"}");
    rig_call(&r, "get_prompt", gn_buf_str(&deep));
    cr_assert(rig_is_error(&r));
    cr_assert_lt(strlen(rig_text(&r)), 4000);
    gn_buf_release(&deep);
    rig_close(&r);
}

/* ---------------------------------------------------------------- resources */

struct city {
    const char *city;
};

static const gantry_arg city_args[] = {
    GANTRY_ARG(struct city, city, "Which"),
    GANTRY_ARGS_END,
};

static void open_resources(struct rig *r)
{
    rig_open(r);
    rig_add(r, GN_RESOURCE, "memo://notes", read_uri)->mime_type = gn_strdup("text/plain");
    rig_add(r, GN_RESOURCE, "memo://mixed", read_mixed)->mime_type = gn_strdup("text/x-mixed");
    rig_add(r, GN_RESOURCE, "memo://gone", not_here);
    rig_add(r, GN_RESOURCE, "memo://broken", fail);
    rig_add_with(r, GN_TEMPLATE, "weather://{city}/now", read_uri, city_args, sizeof(struct city));
}

Test(transform_offer, resources_become_two_tools)
{
    struct rig r;
    open_resources(&r);
    rig_transform(&r, GN_TRANSFORM_RESOURCES_AS_TOOLS);
    rig_publish(&r);
    cr_assert_str_eq(rig_listed(&r, GN_TOOL), "list_resources read_resource");
    const char *result = rig_call(&r, "list_resources", "{}");
    cr_assert_eq(r.outcome, GN_OUT_RESULT);
    cr_assert_not_null(strstr(result, "\"structuredContent\":{\"resources\":[{\"uri\":"
                                      "\"memo://broken\""),
                       "%s", result);
    cr_assert_not_null(strstr(result, "],\"resourceTemplates\":[{\"uriTemplate\":"
                                      "\"weather://{city}/now\""),
                       "%s", result);
    rig_close(&r);
}

Test(transform_offer, a_resource_is_read)
{
    struct rig r;
    open_resources(&r);
    rig_transform(&r, GN_TRANSFORM_RESOURCES_AS_TOOLS);
    rig_publish(&r);
    cr_assert_str_eq(rig_call(&r, "read_resource", "{\"uri\":\"memo://notes\"}"),
                     "{\"content\":[{\"type\":\"text\",\"text\":\"memo://notes\"}]}");
    cr_assert_str_eq(rig_call(&r, "read_resource", "{\"uri\":\"weather://oslo/now\"}"),
                     "{\"content\":[{\"type\":\"text\",\"text\":\"weather://oslo/now\"}]}");
    rig_close(&r);
}

Test(transform_offer, bytes_are_embedded_and_text_of_another_uri_says_which)
{
    struct rig r;
    open_resources(&r);
    rig_transform(&r, GN_TRANSFORM_RESOURCES_AS_TOOLS);
    rig_publish(&r);
    cr_assert_str_eq(
        rig_call(&r, "read_resource", "{\"uri\":\"memo://mixed\"}"),
        "{\"content\":[{\"type\":\"text\",\"text\":\"plain\",\"annotations\":{\"audience\":["
        "\"user\"],\"lastModified\":\"2026-01-01\"}},"
        "{\"type\":\"resource\",\"resource\":{\"uri\":\"memo://mixed\",\"mimeType\":"
        "\"text/x-mixed\",\"blob\":\"AAEC\"}},"
        "{\"type\":\"resource\",\"resource\":{\"uri\":\"memo://other\",\"mimeType\":"
        "\"text/x-mixed\",\"text\":\"else\"}}],"
        "\"_meta\":{\"example/mark\":[1]}}");
    rig_close(&r);
}

Test(transform_offer, a_resource_that_is_not_there_is_told)
{
    struct rig r;
    open_resources(&r);
    rig_transform(&r, GN_TRANSFORM_RESOURCES_AS_TOOLS);
    rig_publish(&r);
    rig_call(&r, "read_resource", "{\"uri\":\"memo://note\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_str_eq(rig_text(&r), "there is no resource memo://note (did you mean memo://notes?)");
    rig_call(&r, "read_resource", "{\"uri\":\"memo://gone\"}");
    cr_assert(rig_is_error(&r));
    cr_assert_str_eq(rig_text(&r), "there is no resource memo://gone");
    rig_call(&r, "read_resource", "{\"uri\":\"memo://broken\"}");
    cr_assert_str_eq(rig_text(&r), "the oven is cold");
    rig_call(&r, "read_resource", "{\"uri\":\"no uri at all\"}");
    cr_assert(rig_is_error(&r));
    rig_close(&r);
}

Test(transform_offer, a_resource_in_a_namespace_is_read_by_its_new_uri)
{
    struct rig r;
    open_resources(&r);
    struct gn_transform *t = rig_transform(&r, GN_TRANSFORM_NAMESPACE);
    t->prefix = gn_strdup("wx");
    t->match.kinds = 1u << GN_RESOURCE | 1u << GN_TEMPLATE;
    rig_transform(&r, GN_TRANSFORM_RESOURCES_AS_TOOLS);
    rig_publish(&r);
    rig_call(&r, "read_resource", "{\"uri\":\"memo://wx/notes\"}");
    cr_assert(!rig_is_error(&r), "%s", rig_text(&r));
    rig_call(&r, "read_resource", "{\"uri\":\"weather://wx/oslo/now\"}");
    cr_assert(!rig_is_error(&r), "%s", rig_text(&r));
    rig_call(&r, "read_resource", "{\"uri\":\"memo://notes\"}");
    cr_assert(rig_is_error(&r));
    rig_close(&r);
}

Test(transform_offer, a_result_over_the_limit_is_refused_in_words)
{
    struct rig r;
    open_resources(&r);
    rig_transform(&r, GN_TRANSFORM_RESOURCES_AS_TOOLS);
    rig_publish(&r);
    r.env.result_bytes = 100;
    rig_call(&r, "list_resources", "{}");
    cr_assert(rig_is_error(&r));
    cr_assert(gn_starts_with(rig_text(&r), "too large"), "%s", rig_text(&r));
    rig_close(&r);
}

Test(transform_offer, every_revision_gets_the_text)
{
    struct rig r;
    open_resources(&r);
    rig_transform(&r, GN_TRANSFORM_RESOURCES_AS_TOOLS);
    rig_publish(&r);
    static const enum gn_revision revisions[] = {GN_REV_2024_11_05, GN_REV_2025_03_26,
                                                 GN_REV_2025_06_18, GN_REV_2025_11_25,
                                                 GN_REV_2026_07_28};
    for (size_t i = 0; i < GN_COUNT(revisions); i++) {
        r.revision = revisions[i];
        const char *result = rig_call(&r, "list_resources", "{}");
        cr_assert_eq(strstr(result, "structuredContent") != NULL,
                     revisions[i] >= GN_REV_2025_06_18);
        cr_assert(gn_starts_with(rig_text(&r), "{\"resources\":[{\"uri\":\"memo://broken\""));
    }
    rig_close(&r);
}
