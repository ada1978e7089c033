/* shipped.c - the middlewares that come with the host, around handlers made for the purpose. */
#include "pipeline/fixture.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(shipped);

/* One call from its beginning to its end; the result is to be freed. */
static char *ask_once(struct gn_component *c, enum gn_outcome *ret_outcome)
{
    struct asked a;
    ask(&a, c, 0);
    run_until(&a.finished, 1);
    *ret_outcome = a.outcome;
    char *result = a.result;
    a.result = NULL;
    forget(&a);
    return result;
}

static void assert_answer(struct gn_component *c, enum gn_outcome outcome, const char *result)
{
    enum gn_outcome got;
    GN_AUTO_FREE char *text = ask_once(c, &got);
    cr_assert_eq(got, outcome, "%s", text);
    cr_assert_str_eq(text, result);
}

/* ---- handlers */

static int run_greet(gantry_call *call, const void *in)
{
    (void)in;
    return say(call, "hello");
}

static int run_fail(gantry_call *call, const void *in)
{
    (void)in;
    return gn_call_fail(call, "the password is %s", "secret");
}

static int run_accident(gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_EIO;
}

#define HELLO "{\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}"

/* ---- which calls, in which order */

Test(shipped, the_first_of_the_list_is_outermost)
{
    open_host("[logging, {use: timing, level: debug}]");
    struct gn_component *greet = tool("greet", run_greet);
    assert_answer(greet, GN_OUT_RESULT, HELLO);
    const char *log = gn_buf_str(&kept.text);
    static const char first[] = "info logging: tools/call greet begins request=7 client=tester\n"
                                "debug timing: tools/call greet completed in ";
    cr_assert(gn_starts_with(log, first), "%s", log);
    cr_assert(gn_ends_with(log, " ms\ninfo logging: tools/call greet completed request=7 "
                                "client=tester\n"),
              "%s", log);
    gn_component_unref(greet);
    close_host();
}

Test(shipped, a_lower_priority_is_further_out)
{
    open_host("[{use: logging, priority: 1}, {use: timing, priority: -1}]");
    struct gn_component *greet = tool("greet", run_greet);
    assert_answer(greet, GN_OUT_RESULT, HELLO);
    const char *log = gn_buf_str(&kept.text);
    const char *inner = strstr(log, "logging: tools/call greet completed");
    const char *outer = strstr(log, "timing: tools/call greet completed");
    cr_assert(inner && outer && inner < outer, "%s", log);
    gn_component_unref(greet);
    close_host();
}

Test(shipped, tools_and_tags_choose_what_they_are_around)
{
    open_host("[{use: timing, tools: [greet, \"db_*\"]}, {use: logging, tags: [slow, other]}]");
    static const struct {
        const char *name, *tag;
        bool timed, logged;
    } cases[] = {
        {"greet", "none", true, false},  {"greeting", "none", false, false},
        {"db_", "none", true, false},    {"db_read", "slow", true, true},
        {"other", "other", false, true}, {"gree", "slow", false, true},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct gn_component *c = tool(cases[i].name, run_greet);
        tag(c, cases[i].tag);
        assert_answer(c, GN_OUT_RESULT, HELLO);
        cr_assert_eq(logged("timing: "), cases[i].timed, "%s", cases[i].name);
        cr_assert_eq(logged("logging: "), cases[i].logged, "%s", cases[i].name);
        gn_buf_clear(&kept.text);
        gn_component_unref(c);
    }
    close_host();
}

Test(shipped, a_reload_replaces_them_and_calls_that_run_keep_theirs)
{
    open_host("[{use: timing, tools: [greet]}]");
    struct gn_component *greet = tool("greet", run_greet);
    configure("[logging]");
    assert_answer(greet, GN_OUT_RESULT, HELLO);
    cr_assert(!logged("timing: ") && logged("logging: "));
    gn_buf_clear(&kept.text);
    configure("[]");
    cr_assert_null(env.around);
    assert_answer(greet, GN_OUT_RESULT, HELLO);
    cr_assert_str_eq(gn_buf_str(&kept.text), "");
    gn_component_unref(greet);
    close_host();
}

/* ---- logging and timing */

Test(shipped, payloads_are_logged_on_request_and_cut_between_characters)
{
    open_host("[{use: logging, payloads: true, max_payload: 16}]");
    struct gn_component *greet = tool("greet", run_greet);
    struct asked a = {0};
    struct gn_call *call = gn_call_new(&env, &asked_ops, &a);
    call->revision = GN_REV_LATEST;
    call->method = "tools/call";
    call->component = greet;
    static const char arguments[] = "{\"word\":\"abcdef\xc3\xa9xyz\"}";
    call->arguments = gn_json_parse_arena(&call->arena, arguments, strlen(arguments), NULL);
    a.call = call;
    gn_call_start(call);
    forget(&a);
    cr_assert(logged("begins arguments={\"word\":\"abcdef...\n"), "%s", gn_buf_str(&kept.text));
    cr_assert(logged("completed result={\"content\":[{\"ty...\n"), "%s", gn_buf_str(&kept.text));
    gn_component_unref(greet);
    close_host();
}

Test(shipped, failures_are_logged_as_warnings_with_what_was_said)
{
    open_host("[{use: logging, level: debug}, timing]");
    struct gn_component *fail = tool("fail", run_fail);
    assert_answer(fail, GN_OUT_FAILED,
                  "{\"content\":[{\"type\":\"text\",\"text\":\"the password is "
                  "secret\"}],\"isError\":true}");
    cr_assert(logged("warning logging: tools/call fail failed: the password is secret request=7"),
              "%s", gn_buf_str(&kept.text));
    cr_assert(logged("info timing: tools/call fail failed after "));
    gn_component_unref(fail);
    close_host();
}

Test(shipped, what_nobody_hears_is_not_put_together)
{
    open_host("[{use: logging, level: debug, payloads: true}, {use: timing, level: debug}]");
    kept.log.level = GN_ERROR;
    struct gn_component *greet = tool("greet", run_greet);
    assert_answer(greet, GN_OUT_RESULT, HELLO);
    cr_assert_str_eq(gn_buf_str(&kept.text), "");
    gn_component_unref(greet);
    close_host();
}

/* ---- masking */

/* The id that the client was told, which stands in the log too. */
static void assert_masked(struct gn_component *c, enum gn_outcome outcome, const char *message)
{
    enum gn_outcome got;
    GN_AUTO_FREE char *text = ask_once(c, &got);
    GN_AUTO_FREE char *begin = gn_format("{\"content\":[{\"type\":\"text\",\"text\":\"%s "
                                         "(correlation id ",
                                         message);
    cr_assert_eq(got, outcome, "%s", text);
    cr_assert(gn_starts_with(text, begin), "%s", text);
    cr_assert(strlen(text) > strlen(begin) + 16);
    GN_AUTO_FREE char *id = gn_strndup(text + strlen(begin), 16);
    cr_assert_eq(strspn(id, "0123456789abcdef"), 16);
    GN_AUTO_FREE char *in_log = gn_format("correlation id %s\n", id);
    cr_assert(logged(in_log), "%s", gn_buf_str(&kept.text));
}

Test(shipped, masked_errors_are_told_to_the_log_only)
{
    open_host("[{use: mask_errors, message: \"it went wrong\"}]");
    struct gn_component *fail = tool("fail", run_fail), *accident = tool("slip", run_accident);
    assert_masked(fail, GN_OUT_FAILED, "it went wrong");
    cr_assert(logged("warning mask_errors: tools/call fail failed: the password is secret, "));
    assert_masked(accident, GN_OUT_ACCIDENT, "it went wrong");
    configure("[{use: mask_errors, tools: [\"sl*\"]}]");
    assert_answer(fail, GN_OUT_FAILED,
                  "{\"content\":[{\"type\":\"text\",\"text\":\"the password is "
                  "secret\"}],\"isError\":true}");
    assert_masked(accident, GN_OUT_ACCIDENT, "internal error");
    gn_component_unref(fail);
    gn_component_unref(accident);
    close_host();
}

static int run_refuse(gantry_call *call, const void *in)
{
    (void)in;
    return gn_call_refuse(call, -32001, "not for %s", "you");
}

Test(shipped, a_masked_refusal_keeps_its_code_and_a_result_its_text)
{
    open_host("[mask_errors]");
    struct gn_component *c = tool("refuse", run_refuse), *greet = tool("greet", run_greet);
    struct asked a;
    ask(&a, c, 0);
    run_until(&a.finished, 1);
    cr_assert_eq(a.call->error_code, -32001);
    cr_assert(gn_starts_with(a.call->failure, "internal error (correlation id "));
    forget(&a);
    assert_answer(greet, GN_OUT_RESULT, HELLO);
    gn_component_unref(c);
    gn_component_unref(greet);
    close_host();
}

/* ---- large results */

static size_t big_len;
static const char *big_structured;
static bool big_image, big_meta;
#define EURO "\xe2\x82\xac"

static int run_big(gantry_call *call, const void *in)
{
    (void)in;
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    while (text.len < big_len)
        gn_buf_adds(&text, EURO);
    struct gn_content content = {
        .kind = big_image ? GN_CONTENT_IMAGE : GN_CONTENT_TEXT,
        .text = gn_arena_strndup(&call->arena, gn_buf_str(&text), text.len),
        .len = text.len,
        .mime = "image/png"};
    gn_buf_release(&text);
    int rc = big_len ? gn_call_add(call, &content) : 0;
    if (big_image || big_structured)
        rc = rc ? rc : big_image ? say(call, "beside it") : 0;
    call->result.structured = big_structured;
    call->result.structured_len = big_structured ? strlen(big_structured) : 0;
    static struct gn_result_meta meta = {.key = "test/x", .json = "\"0123456789\""};
    call->result.meta = big_meta ? &meta : NULL;
    return rc;
}

static struct gn_component *big(size_t len, const char *structured, bool image)
{
    big_len = len;
    big_structured = structured;
    big_image = image;
    big_meta = false;
    return tool("big", run_big);
}

Test(shipped, results_up_to_the_limit_pass_and_larger_ones_are_cut_between_characters)
{
    open_host("[{use: response_limit, max_size: 66, suffix: \"[cut]\"}]");
    struct gn_component *c = big(66, NULL, false);
    enum gn_outcome outcome;
    GN_AUTO_FREE char *whole = ask_once(c, &outcome);
    cr_assert(outcome == GN_OUT_RESULT && !strstr(whole, "[cut]"));
    cr_assert_str_eq(gn_buf_str(&kept.text), "");
    big_len = 67; /* rounded up to a whole character */
    GN_AUTO_FREE char *text = ask_once(c, &outcome);
    /* 66 bytes hold the suffix, the end of a line, and 20 characters of 3 bytes. */
    struct gn_buf expected = GN_BUF_INIT(4096);
    gn_buf_adds(&expected, "{\"content\":[{\"type\":\"text\",\"text\":\"");
    for (int i = 0; i < 20; i++)
        gn_buf_adds(&expected, EURO);
    gn_buf_adds(&expected, "\\n[cut]\"}]}");
    cr_assert_str_eq(text, gn_buf_str(&expected));
    cr_assert(logged("warning response_limit: the result of big was too large and has been "
                     "truncated: 69 bytes, of at most 66"),
              "%s", gn_buf_str(&kept.text));
    gn_buf_release(&expected);
    gn_component_unref(c);
    close_host();
}

Test(shipped, what_cannot_be_cut_goes_and_the_texts_stay)
{
    open_host("[{use: response_limit, max_size: 64, suffix: \"\"}]");
    struct gn_component *c = big(600, NULL, true);
    assert_answer(c, GN_OUT_RESULT, "{\"content\":[{\"type\":\"text\",\"text\":\"beside it\"}]}");
    gn_component_unref(c);
    close_host();
}

Test(shipped, structured_output_without_a_schema_is_a_text_as_any_other)
{
    static const char json[] =
        "{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}";
    open_host("[{use: response_limit, max_size: 64, suffix: \"[cut]\"}]");
    struct gn_component *c = big(0, json, false);
    assert_answer(c, GN_OUT_RESULT,
                  "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"a\\\":\\\""
                  "0123456789012345678901234567890123456789012345678901\\n[cut]\"}]}");
    gn_component_unref(c);
    close_host();
}

Test(shipped, metadata_counts_and_stays_if_it_is_small)
{
    open_host("[{use: response_limit, max_size: 64, suffix: \"[cut]\"}]");
    struct gn_component *c = big(60, NULL, false);
    big_meta = true;
    struct asked a;
    ask(&a, c, 0);
    run_until(&a.finished, 1);
    cr_assert_not_null(a.call->result.meta);
    cr_assert_eq(a.call->result.count, 1);
    cr_assert_leq(a.call->result.first->len + 18, 64);
    cr_assert(gn_ends_with(a.call->result.first->text, EURO "\n[cut]"));
    forget(&a);
    gn_component_unref(c);
    close_host();
}

Test(shipped, a_tool_that_declares_its_output_fails_instead)
{
    open_host("[mask_errors, {use: response_limit, max_size: 64}]");
    struct gn_component *c = big(90, "{}", false);
    struct gn_error err = {0};
    static const char schema[] = "{\"type\":\"object\"}";
    cr_assert_eq(gn_schema_compile(schema, strlen(schema), NULL, &c->output_schema, &err), 0, "%s",
                 err.text);
    /* These are words of the host: they are not masked. */
    assert_answer(c, GN_OUT_FAILED,
                  "{\"content\":[{\"type\":\"text\",\"text\":\"the result of big is too large: 92 "
                  "bytes, and this server allows 64; it cannot be truncated, since the tool "
                  "declares its output's schema\"}],\"isError\":true}");
    gn_component_unref(c);
    close_host();
}

Test(shipped, failures_are_never_too_large)
{
    open_host("[{use: response_limit, max_size: 64}]");
    struct gn_component *fail = tool("fail", run_fail);
    enum gn_outcome outcome;
    GN_AUTO_FREE char *text = ask_once(fail, &outcome);
    cr_assert_eq(outcome, GN_OUT_FAILED);
    cr_assert(strstr(text, "the password is secret"));
    gn_component_unref(fail);
    close_host();
}

/* ---- deadlines */

static int run_sleep(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gn_task_sleep(call->task, 60000);
    return rc ? GANTRY_ECANCELED : say(call, "rested");
}

Test(shipped, a_timeout_is_for_the_tools_it_names)
{
    open_host("[{use: timeout, timeout: 20ms, tools: [hurry]}, {use: timeout, timeout: 10s, tools: "
              "[greet]}]");
    struct gn_component *hurry = tool("hurry", run_sleep), *greet = tool("greet", run_greet);
    struct asked a;
    ask(&a, hurry, 50000);
    run_until(&a.finished, 1);
    cr_assert_eq(a.outcome, GN_OUT_TIMEOUT);
    cr_assert(logged("test/hurry did not end within 20 ms"), "%s", gn_buf_str(&kept.text));
    forget(&a);
    /* One may be longer than the call's own. */
    ask(&a, greet, 1);
    run_until(&a.finished, 1);
    cr_assert_eq(a.outcome, GN_OUT_RESULT);
    forget(&a);
    gn_component_unref(hurry);
    gn_component_unref(greet);
    close_host();
}
