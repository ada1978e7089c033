/* host_table.c - the host table, first half: what handlers answer, and JSON. */
#include "plugin/bench.h"
#include "plugin/host_errors.h"
#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

GN_SUITE(host_table);

static void check(const char *got, const char *expected)
{
    cr_assert_str_eq(got, expected, "\ngot      %s\nexpected %s", got, expected);
}

static void check_log(struct bench *b, const char *line)
{
    cr_assert(strstr(gn_buf_str(&b->lines), line), "no \"%s\" in: %s", line, gn_buf_str(&b->lines));
}

/* ---------------------------------------------------------------- content */

static int say_texts(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gantry_text(call, "%d and %s", 5, "five");
    if (!rc)
        rc = gantry_text_add(call, "a\0b", 3);
    if (!rc)
        rc = gantry_text_add(call, NULL, 0);
    if (!rc)
        rc = gantry_text_add(call, "x\xff\xc3(\xe2\x82", 6);
    if (!rc)
        rc = gantry_text(call, "%s", "\xed\xa0\x80");
    return rc;
}

Test(host_table, texts_are_copied_and_made_valid)
{
    struct bench b;
    bench_open(&b);
    check(
        bench_body(&b, say_texts),
        "{\"content\":[{\"type\":\"text\",\"text\":\"5 and five\"},{\"type\":\"text\",\"text\":\"a\\u0000b\"},"
        "{\"type\":\"text\",\"text\":\"\"},{\"type\":\"text\",\"text\":\"x\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd"
        "\xef\xbf\xbd\"},{\"type\":\"text\",\"text\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}]}");
    bench_close(&b);
}

static int show_data(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gantry_image(call, "\1\2\3\4", 4, "image/png");
    if (!rc)
        rc = gantry_annotate(call,
                             GANTRY_ANNOTATIONS(.audience = GANTRY_USER, .priority = {true, 1}));
    if (!rc)
        rc = gantry_audio(call, "", 0, "audio/wav");
    if (!rc)
        rc = gantry_embed_text(call, "notes://a", "text/plain", "note", 4);
    if (!rc)
        rc = gantry_embed_blob(call, "notes://b", NULL, "\xff", 1);
    if (!rc)
        rc = gantry_link(call, "notes://c", "c", NULL, "the third");
    return rc;
}

Test(host_table, data_is_encoded_and_resources_are_embedded_or_linked)
{
    struct bench b;
    bench_open(&b);
    check(
        bench_body(&b, show_data),
        "{\"content\":[{\"type\":\"image\",\"data\":\"AQIDBA==\",\"mimeType\":\"image/png\","
        "\"annotations\":{\"audience\":[\"user\"],\"priority\":1}},"
        "{\"type\":\"audio\",\"data\":\"\",\"mimeType\":\"audio/wav\"},"
        "{\"type\":\"resource\",\"resource\":{\"uri\":\"notes://a\",\"mimeType\":\"text/plain\",\"text\":\"note\"}},"
        "{\"type\":\"resource\",\"resource\":{\"uri\":\"notes://b\",\"blob\":\"/w==\"}},"
        "{\"type\":\"resource_link\",\"uri\":\"notes://c\",\"name\":\"c\",\"description\":\"the third\"}]}");
    bench_close(&b);
}

static int codes[32];

static int misuse_tool(gantry_call *call, const void *in)
{
    (void)in;
    struct {
        gantry_annotations a;
        uint64_t more;
    } newer = {{.size = sizeof newer}, 1};
    int i = 0;
    codes[i++] = gantry_annotate(call, GANTRY_ANNOTATIONS(.audience = GANTRY_USER));
    codes[i++] = gantry_blob(call, "x", 1, NULL);
    codes[i++] = gantry_image(call, "x", 1, NULL);
    codes[i++] = gantry_image(call, NULL, 1, "image/png");
    codes[i++] = gantry_embed_text(call, "nowhere", NULL, "x", 1);
    codes[i++] = gantry_link(call, "notes://a", NULL, NULL, NULL);
    codes[i++] = gantry_role(call, GANTRY_ASSISTANT);
    codes[i++] = gantry_structured(call, call);
    codes[i++] = gantry_structured_json(call, NULL);
    codes[i++] = gantry_result_meta(call, NULL, NULL);
    codes[i++] = gantry_suggest(call, "x");
    codes[i++] = gantry_host_->data_add(call, 9, "x", 1, NULL);
    codes[i++] = gantry_text(call, "x");
    codes[i++] = gantry_annotate(call, GANTRY_ANNOTATIONS(.priority = {true, 2}));
    codes[i++] = gantry_annotate(call, &newer.a);
    codes[i++] = gantry_work(call, NULL, NULL);
    return GANTRY_OK;
}

Test(host_table, what_does_not_belong_is_refused_and_the_log_says_why)
{
    static const int expected[] = {
        GANTRY_EINVAL, GANTRY_EINVAL, GANTRY_EINVAL,  GANTRY_EINVAL, GANTRY_EINVAL, GANTRY_EINVAL,
        GANTRY_EINVAL, GANTRY_EINVAL, GANTRY_EINVAL,  GANTRY_EINVAL, GANTRY_EPERM,  GANTRY_ENOTSUP,
        GANTRY_OK,     GANTRY_EINVAL, GANTRY_ENOTSUP, GANTRY_EINVAL,
    };
    struct bench b;
    bench_open(&b);
    check(bench_body(&b, misuse_tool), "{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}");
    for (size_t i = 0; i < GN_COUNT(expected); i++)
        cr_expect_eq(codes[i], expected[i], "call %zu gave %d, not %d", i, codes[i], expected[i]);
    check_log(&b, "inst/t: gantry_blob: only in handlers of resources and templates\n");
    check_log(&b, "inst/t: gantry_image: the MIME type is missing\n");
    check_log(&b, "inst/t: gantry_role: only in handlers of prompts\n");
    check_log(&b, "inst/t: gantry_structured: the tool has no output table (GANTRY_OUTPUT)\n");
    bench_close(&b);
}

static int read_note(gantry_call *call, const void *in)
{
    (void)in;
    codes[0] = gantry_image(call, "x", 1, "image/png");
    codes[1] = gantry_link(call, "notes://b", "b", NULL, NULL);
    int rc = gantry_text(call, "at %s", gantry_uri(call));
    rc = rc ? rc : gantry_embed_text(call, "notes://a/1", "text/csv", "x", 1);
    return rc ? rc : gantry_blob(call, "\xff", 1, "image/png");
}

Test(host_table, a_resource_has_contents_and_nothing_else)
{
    struct bench b;
    bench_open(&b);
    bench_resource(&b, "notes://a", read_note);
    check(
        bench_do(&b, GN_RESOURCE, "notes://a", NULL),
        "{\"contents\":[{\"uri\":\"notes://a\",\"mimeType\":\"text/plain\",\"text\":\"at notes://a\"},"
        "{\"uri\":\"notes://a/1\",\"mimeType\":\"text/csv\",\"text\":\"x\"},"
        "{\"uri\":\"notes://a\",\"mimeType\":\"image/png\",\"blob\":\"/w==\"}]}");
    cr_assert(codes[0] == GANTRY_EINVAL && codes[1] == GANTRY_EINVAL);
    bench_close(&b);
}

static int render_talk(gantry_call *call, const void *in)
{
    (void)in;
    codes[0] = gantry_role(call, 7);
    int rc = gantry_text(call, "Hello");
    if (!rc)
        rc = gantry_message(call, GANTRY_ASSISTANT, "%s", "Good day");
    return rc ? rc : gantry_text(call, "How are you?");
}

Test(host_table, a_prompt_has_messages_with_roles)
{
    struct bench b;
    bench_open(&b);
    bench_prompt(&b, "talk", render_talk, NULL);
    check(bench_do(&b, GN_PROMPT, "talk", NULL),
          "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Hello\"}},"
          "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"Good day\"}},"
          "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"How are you?\"}}]}");
    cr_assert_eq(codes[0], GANTRY_EINVAL);
    bench_close(&b);
}

static int suggest_many(gantry_call *call, const char *argument, const char *value)
{
    codes[0] = gantry_text(call, "not here");
    codes[1] = gantry_suggest(call, NULL);
    for (int i = 0; i < 120; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s-%s-%d", argument, value, i);
        int rc = gantry_suggest(call, text);
        if (rc)
            return rc;
    }
    return gantry_suggest_total(call, 500);
}

Test(host_table, a_completion_keeps_a_hundred_and_tells_the_total)
{
    struct bench b;
    bench_open(&b);
    bench_prompt(&b, "talk", render_talk, suggest_many);
    struct gn_call *call = bench_call(&b, GN_PROMPT, "talk", NULL);
    call->argument_name = "city";
    call->argument_value = "Os";
    gn_call_start_completion(call);
    bench_wait(&b, call);
    gn_call_unref(call);
    const char *text = gn_buf_str(&b.result);
    cr_assert(gn_starts_with(text, "{\"completion\":{\"values\":[\"city-Os-0\",\"city-Os-1\","),
              "%s", text);
    cr_assert(gn_ends_with(text, "\"city-Os-99\"],\"total\":500,\"hasMore\":true}}"), "%s", text);
    cr_assert(codes[0] == GANTRY_EPERM && codes[1] == GANTRY_EINVAL);
    bench_close(&b);
}

/* ---------------------------------------------------------------- limits */

static int fill_up(gantry_call *call, const void *in)
{
    (void)in;
    static char big[600];
    memset(big, 'a', sizeof big - 1);
    codes[0] = gantry_text(call, "%s", big);
    codes[1] = gantry_text(call, "%s", big);
    codes[2] = gantry_image(call, big, 400, "image/png");
    codes[3] = gantry_structured_json(call, gantry_json_parse(call, "[1]", 3));
    codes[4] = gantry_text_add(call, big, SIZE_MAX / 2);
    for (codes[5] = 0; codes[5] < 1000 && gantry_text(call, "%s", "") == GANTRY_OK; codes[5]++)
        ;
    return GANTRY_OK;
}

Test(host_table, a_result_has_a_limit)
{
    struct bench b;
    bench_open(&b);
    b.env.result_bytes = 1024;
    bench_body(&b, fill_up);
    cr_assert_eq(codes[0], GANTRY_OK);
    cr_assert_eq(codes[1], GANTRY_ETOOBIG);
    cr_assert_eq(codes[2], GANTRY_ETOOBIG);
    cr_assert_eq(codes[3], GANTRY_OK);
    cr_assert_eq(codes[4], GANTRY_ETOOBIG);
    cr_assert_gt(codes[5], 0);
    cr_assert_lt(codes[5], 20, "empty pieces count as well");
    bench_close(&b);
}

static int use_memory(gantry_call *call, const void *in)
{
    (void)in;
    const unsigned char *p = gantry_alloc(call, 1000);
    for (int i = 0; p && i < 1000; i++)
        codes[0] |= p[i];
    codes[1] = p != NULL && gantry_alloc(call, 0) != NULL;
    codes[2] = gantry_alloc(call, SIZE_MAX) == NULL && gantry_alloc(call, (size_t)1 << 30) == NULL;
    return gantry_text(call, "%s", gantry_format(call, "%d-%s", 7, "x"));
}

Test(host_table, memory_is_zeroed_and_bounded)
{
    struct bench b;
    bench_open(&b);
    check(bench_body(&b, use_memory), "{\"content\":[{\"type\":\"text\",\"text\":\"7-x\"}]}");
    cr_assert(codes[0] == 0 && codes[1] && codes[2]);
    bench_close(&b);
}

/* ---------------------------------------------------------------- failure */

static int fail_on_purpose(gantry_call *call, const void *in)
{
    (void)in;
    gantry_text(call, "half");
    return gantry_fail(call, "no \"%s\" today", "sun");
}

Test(host_table, a_failure_on_purpose_is_told_verbatim)
{
    struct bench b;
    bench_open(&b);
    check(bench_body(&b, fail_on_purpose),
          "{\"content\":[{\"type\":\"text\",\"text\":\"no \\\"sun\\\" today\"}],\"isError\":true}");
    cr_assert_eq(b.outcome, GN_OUT_FAILED);
    bench_close(&b);
}

static gantry_call *kept;

static int keep_call(gantry_call *call, const void *in)
{
    (void)in;
    kept = call;
    return GANTRY_OK;
}

Test(host_table, nothing_can_be_done_with_a_call_whose_handler_has_returned)
{
    struct bench b;
    bench_open(&b);
    bench_tool(&b, "t", keep_call, 0);
    struct gn_call *call = gn_call_ref(bench_call(&b, GN_TOOL, "t", NULL));
    bench_run(&b, call);
    cr_assert_eq(gantry_text(kept, "late"), GANTRY_EPERM);
    cr_assert_eq(gantry_sleep(kept, 1), GANTRY_EPERM);
    cr_assert_null(gantry_alloc(kept, 1));
    cr_assert_null(gantry_self(kept));
    cr_assert_null(gantry_builder_new(kept));
    cr_assert_not(gantry_cancelled(kept));
    gn_call_unref(call);
    bench_close(&b);
}

/* ---------------------------------------------------------------- structured output */

typedef struct {
    const char *city;
    gantry_ints degrees;
    gantry_opt_num wind;
} weather_out;
static const gantry_arg weather_out_args[] = {
    GANTRY_ARG(weather_out, city, NULL),
    GANTRY_ARG(weather_out, degrees, NULL),
    GANTRY_ARG(weather_out, wind, NULL),
    GANTRY_ARGS_END,
};

static int tell_weather(gantry_call *call, const void *in)
{
    (void)in;
    const int64_t degrees[] = {3, -4};
    weather_out bad = {.degrees = {2, degrees}}, good = {.city = "Oslo", .degrees = {2, degrees}};
    codes[0] = gantry_structured(call, &bad);
    codes[1] = gantry_structured(call, NULL);
    codes[2] = gantry_structured_json(call, gantry_json_parse(call, "{\"city\":1}", 10));
    codes[3] = gantry_structured_json(
        call, gantry_json_parse(call, "{\"city\":\"x\",\"degrees\":[1]}", 26));
    return gantry_structured(call, &good);
}

Test(host_table, a_struct_becomes_structured_output)
{
    struct bench b;
    bench_open(&b);
    gantry_tool t = {.size = sizeof t,
                     .arg_size = sizeof(gantry_arg),
                     .name = "w",
                     .run = tell_weather,
                     GANTRY_OUTPUT(weather_out, weather_out_args)};
    cr_assert_eq(gantry_add_tool(b.g, &t), GANTRY_OK);
    check(
        bench_do(&b, GN_TOOL, "w", NULL),
        "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"city\\\":\\\"Oslo\\\",\\\"degrees\\\":[3,-4]}\"}],"
        "\"structuredContent\":{\"city\":\"Oslo\",\"degrees\":[3,-4]}}");
    cr_assert(codes[0] == GANTRY_EINVAL && codes[1] == GANTRY_EINVAL);
    /* Whether JSON fits is looked at in the end, and the last counts. */
    cr_assert(codes[2] == GANTRY_OK && codes[3] == GANTRY_OK);
    check_log(&b, "inst/w: gantry_structured: ");
    check_log(&b, "city");
    bench_close(&b);
}

static int build_all(gantry_call *call, const void *in)
{
    (void)in;
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_string(b, "s", "a\"\n\xff");
    gantry_put_stringn(b, "n", "ab\0c", 4);
    gantry_put_string(b, "null", NULL);
    gantry_put_int(b, "min", INT64_MIN);
    gantry_put_num(b, "num", 0.5);
    gantry_put_array(b, "list");
    gantry_put_bool(b, NULL, true);
    gantry_put_bool(b, NULL, false);
    gantry_put_null(b, NULL);
    gantry_put_object(b, NULL);
    gantry_put_close(b);
    gantry_put_json(b, NULL, gantry_json_parse(call, "{\"x\": [1, 2]}", 13));
    gantry_put_json(b, NULL, NULL);
    gantry_put_close(b);
    gantry_put_close(b);
    const gantry_json *v = gantry_builder_end(b);
    codes[0] = gantry_put_null(b, NULL); /* after the end */
    codes[1] = gantry_builder_end(b) == NULL;
    gantry_text(call, "%s", gantry_json_print(call, v));
    return gantry_structured_json(call, v);
}

Test(host_table, a_builder_makes_any_value)
{
    static const char value[] =
        "{\"s\":\"a\\\"\\n\xef\xbf\xbd\",\"n\":\"ab\\u0000c\",\"null\":null,\"min\":-9223372036854775808,"
        "\"num\":0.5,\"list\":[true,false,null,{},{\"x\":[1,2]},null]}";
    struct bench b;
    bench_open(&b);
    const char *text = bench_body(&b, build_all);
    char expected[1024];
    snprintf(expected, sizeof expected, "\"structuredContent\":%s}", value);
    cr_assert(gn_ends_with(text, expected), "%s", text);
    cr_assert(codes[0] == GANTRY_EINVAL && codes[1]);
    bench_close(&b);
}

static int build_badly(gantry_call *call, const void *in)
{
    (void)in;
    gantry_builder *b[10];
    for (size_t i = 0; i < GN_COUNT(b); i++)
        b[i] = gantry_builder_new(call);
    codes[0] = gantry_put_close(b[0]);
    gantry_put_object(b[1], NULL);
    codes[1] = gantry_put_int(b[1], NULL, 1);
    codes[2] = gantry_put_int(b[2], "name", 1);
    gantry_put_int(b[3], NULL, 1);
    codes[3] = gantry_put_int(b[3], NULL, 2);
    codes[4] = gantry_put_num(b[4], NULL, NAN);
    gantry_put_array(b[5], NULL); /* stays open */
    for (codes[6] = 0; gantry_put_array(b[6], NULL) == GANTRY_OK && codes[6] < 10000; codes[6]++)
        ;
    codes[7] = gantry_host_->builder_open(b[7], NULL, GANTRY_JSON_STRING);
    codes[8] = gantry_host_->builder_word(b[8], NULL, GANTRY_JSON_NUMBER);
    codes[9] = gantry_put_null(NULL, NULL);
    codes[10] = gantry_put_null(b[4], NULL); /* the first error sticks */
    for (size_t i = 0; i < GN_COUNT(b); i++)
        codes[11] += gantry_builder_end(b[i]) != NULL;
    return GANTRY_OK;
}

Test(host_table, a_builder_refuses_what_is_no_json)
{
    struct bench b;
    bench_open(&b);
    bench_body(&b, build_badly);
    for (int i = 0; i < 11; i++)
        cr_assert(i == 5 || i == 6 || codes[i] == GANTRY_EINVAL, "%d: %d", i, codes[i]);
    cr_assert(codes[6] >= 64 && codes[6] <= 128, "%d levels", codes[6]);
    cr_assert_eq(codes[11], 0);
    check_log(&b, "JSON builder: a second value at the top");
    bench_close(&b);
}

static int build_too_much(gantry_call *call, const void *in)
{
    (void)in;
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_array(b, NULL);
    while (codes[0] == GANTRY_OK)
        codes[0] = gantry_put_string(b, NULL, "abcdefghijklmnopqrstuvwxyz");
    codes[1] = gantry_put_close(b);
    codes[2] = gantry_builder_end(b) == NULL;
    return GANTRY_OK;
}

Test(host_table, a_builder_has_a_limit)
{
    struct bench b;
    bench_open(&b);
    b.env.result_bytes = 10000;
    bench_body(&b, build_too_much);
    cr_assert(codes[0] == GANTRY_ETOOBIG && codes[1] == GANTRY_ETOOBIG && codes[2]);
    bench_close(&b);
}

static int read_json(gantry_call *call, const void *in)
{
    (void)in;
    static const char text[] = "{\"a\":[1,2.5,\"x\"],\"b\":true,\"c\":null}";
    const gantry_json *v = gantry_json_parse(call, text, sizeof text - 1);
    const gantry_json *a = gantry_json_get(v, "a");
    int64_t n = 77;
    double d = 77;
    size_t len = 0;
    codes[0] = gantry_json_type(v) == GANTRY_JSON_OBJECT && gantry_json_count(v) == 3;
    codes[1] = gantry_json_int(gantry_json_at(a, 0), &n) == GANTRY_OK && n == 1;
    codes[2] = gantry_json_int(gantry_json_at(a, 1), &n) == GANTRY_EINVAL && n == 1;
    codes[3] = gantry_json_num(gantry_json_at(a, 1), &d) == GANTRY_OK && d > 2.4 && d < 2.6;
    codes[4] = gn_streq(gantry_json_string(gantry_json_at(a, 2), &len), "x") && len == 1;
    codes[5] = gantry_json_is_true(gantry_json_get(v, "b"));
    const gantry_json *m = gantry_json_next(v, NULL);
    m = gantry_json_next(v, m);
    codes[6] = gn_streq(gantry_json_name(m, NULL), "b");
    codes[7] = gantry_json_next(v, gantry_json_next(v, m)) == NULL;
    codes[8] = gantry_json_parse(call, "{", 1) == NULL && gantry_json_parse(call, NULL, 0) == NULL;
    codes[9] = gantry_json_type(NULL) == 0 && gantry_json_get(NULL, "x") == NULL &&
               gantry_json_print(call, NULL) == NULL;
    return gantry_text(call, "%s", gantry_json_print(call, v));
}

Test(host_table, json_is_read_and_printed)
{
    struct bench b;
    bench_open(&b);
    const char *text = bench_body(&b, read_json);
    for (int i = 0; i < 10; i++)
        cr_assert(codes[i], "check %d", i);
    check(text,
          "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"a\\\":[1,2.5,\\\"x\\\"],\\\"b\\\":true,"
          "\\\"c\\\":null}\"}]}");
    bench_close(&b);
}

Test(host_table, every_code_of_the_host_has_one_of_the_abi)
{
    const int pairs[][2] = {
        {0, GANTRY_OK},
        {GN_EINVAL, GANTRY_EINVAL},
        {GN_ENOTSUP, GANTRY_ENOTSUP},
        {GN_ECANCELED, GANTRY_ECANCELED},
        {GN_ETOOBIG, GANTRY_ETOOBIG},
        {GN_EBUSY, GANTRY_EBUSY},
        {GN_ENOENT, GANTRY_ENOENT},
        {GN_ETIMEDOUT, GANTRY_ETIMEDOUT},
        {GN_EEXIST, GANTRY_EEXIST},
        {GN_EPERM, GANTRY_EPERM},
        {GN_EPIPE, GANTRY_EIO},
        {GN_EPROTO, GANTRY_EIO},
        {-12345, GANTRY_EIO},
    };
    for (size_t i = 0; i < GN_COUNT(pairs); i++)
        cr_assert_eq(gn_host_code(pairs[i][0]), pairs[i][1]);
}

static int with_tool(gantry_call *call, const void *in)
{
    (void)in;
    static const char text[] = "{\"a\":1,\"b\":[2],\"c\\u0000d\":3,\"e\":null}";
    const gantry_json *v = gantry_json_parse(call, text, strlen(text));
    const gantry_json *w = GANTRY_OBJECT_WITH(call, v, "b", "two", "f", GANTRY_TRUE);
    int rc = gantry_text(call, "%s", gantry_json_print(call, w));
    rc = rc ? rc
            : gantry_text(call, "%s", gantry_json_print(call, gantry_object_with(call, v, NULL)));
    return rc ? rc : gantry_text(call, "%s", gantry_json_quote(call, "a \"b\"\n"));
}

Test(host_table, an_object_is_made_from_another_one)
{
    struct bench b;
    bench_open(&b);
    check(bench_body(&b, with_tool),
          "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"a\\\":1,\\\"e\\\":null,\\\"b\\\":"
          "\\\"two\\\",\\\"f\\\":true}\"},{\"type\":\"text\",\"text\":\"{\\\"a\\\":1,\\\"b\\\":[2],"
          "\\\"e\\\":null}\"},{\"type\":\"text\",\"text\":\"\\\"a \\\\\\\"b\\\\\\\"\\\\n\\\"\"}]}");
    bench_close(&b);
}
