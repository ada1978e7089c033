/* sampling.c - what models of clients are asked in each revision, and what they said. */
#include "plugin/sampling.h"
#include "support.h"
#include "util/arena.h"

#include <string.h>

GN_SUITE(sampling);

static struct gn_arena arena;

static const gantry_json *json(const char *text)
{
    struct gn_error err = {0};
    const gantry_json *v = gn_json_parse_arena(&arena, text, strlen(text), &err);
    cr_assert_not_null(v, "%s: %s", text, err.text);
    return v;
}

static void open_arena(void)
{
    gn_arena_init(&arena, 1 << 20);
}

static void close_arena(void)
{
    gn_arena_release(&arena);
    gn_test_end();
}

static struct gn_sampling take(const gantry_sampling *raw)
{
    struct gn_sampling s;
    struct gn_error err = {0};
    cr_assert_eq(gn_sampling_take(raw, &s, &err), 0, "%s", err.text);
    return s;
}

static void check_written(const struct gn_sampling *s, enum gn_revision revision, const char *text)
{
    struct gn_buf out = GN_BUF_INIT(1 << 20);
    struct gn_error err = {0};
    struct gn_jw w;
    gn_jw_init(&w, &out);
    cr_assert_eq(gn_sampling_write(s, revision, &w, &err), 0, "%s", err.text);
    cr_assert_str_eq(gn_buf_str(&out), text, "\ngot      %s\nexpected %s", gn_buf_str(&out), text);
    gn_buf_release(&out);
}

Test(sampling, a_prompt_is_one_message, .init = open_arena, .fini = close_arena)
{
    struct gn_sampling s = take(GANTRY_SAMPLING("Hello"));
    cr_assert_eq(gn_sampling_needs(&s), GANTRY_CAP_SAMPLING);
    check_written(&s, GN_REV_2024_11_05,
                  "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":"
                  "\"Hello\"}}],\"maxTokens\":1024}");
}

Test(sampling, all_that_can_be_asked_for, .init = open_arena, .fini = close_arena)
{
    struct gn_sampling s = take(GANTRY_SAMPLING(
        "Hi", .max_tokens = 7, .system_prompt = "Be brief",
        .models = GANTRY_LIST_OF("claude-3", "claude"), .speed = 0.8, .intelligence = 0.5,
        .temperature = {true, 0.3}, .stop_sequences = GANTRY_LIST_OF("END"),
        .context = GANTRY_CONTEXT_THIS_SERVER, .tool_choice = GANTRY_TOOLS_REQUIRED,
        .tools_json = json("[{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\"}}]"),
        .metadata = json("{\"user\":1}")));
    cr_assert_eq(gn_sampling_needs(&s), GANTRY_CAP_SAMPLING | GANTRY_CAP_SAMPLING_TOOLS);
    check_written(
        &s, GN_REV_2025_11_25,
        "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Hi\"}}],"
        "\"modelPreferences\":{\"hints\":[{\"name\":\"claude-3\"},{\"name\":\"claude\"}],"
        "\"speedPriority\":0.8,\"intelligencePriority\":0.5},\"systemPrompt\":\"Be brief\","
        "\"temperature\":0.3,\"maxTokens\":7,\"stopSequences\":[\"END\"],"
        "\"metadata\":{\"user\":1},"
        "\"tools\":[{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\"}}],"
        "\"toolChoice\":{\"mode\":\"required\"}}");
    s.has_context = true;
    s.spec.tools_json = NULL;
    check_written(
        &s, GN_REV_2025_11_25,
        "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Hi\"}}],"
        "\"modelPreferences\":{\"hints\":[{\"name\":\"claude-3\"},{\"name\":\"claude\"}],"
        "\"speedPriority\":0.8,\"intelligencePriority\":0.5},\"systemPrompt\":\"Be brief\","
        "\"includeContext\":\"thisServer\",\"temperature\":0.3,\"maxTokens\":7,"
        "\"stopSequences\":[\"END\"],\"metadata\":{\"user\":1}}");
}

Test(sampling, a_message_of_several_pieces_is_several_messages_of_old, .init = open_arena,
     .fini = close_arena)
{
    struct gn_sampling s = take(GANTRY_SAMPLING(
        NULL, .messages = json("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                               "\"a\"},{\"type\":\"image\",\"data\":\"\",\"mimeType\":\"i/p\"}"
                               "]},{\"role\":\"assistant\",\"content\":{\"type\":\"text\","
                               "\"text\":\"b\"}}]")));
    check_written(&s, GN_REV_2025_11_25,
                  "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                  "\"a\"},{\"type\":\"image\",\"data\":\"\",\"mimeType\":\"i/p\"}]},"
                  "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"b\"}}],"
                  "\"maxTokens\":1024}");
    check_written(&s, GN_REV_2025_06_18,
                  "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":"
                  "\"a\"}},{\"role\":\"user\",\"content\":{\"type\":\"image\",\"data\":\"\","
                  "\"mimeType\":\"i/p\"}},"
                  "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"b\"}}],"
                  "\"maxTokens\":1024}");
}

Test(sampling, messages_that_are_none_are_refused, .init = open_arena, .fini = close_arena)
{
    static const struct {
        const char *messages;
        enum gn_revision revision;
        int rc;
        const char *problem;
    } wrong[] = {
        {"[5]", GN_REV_LATEST, GN_EINVAL, "the role of a message"},
        {"[{\"role\":\"system\",\"content\":{\"type\":\"text\",\"text\":\"\"}}]", GN_REV_LATEST,
         GN_EINVAL, "the role of a message"},
        {"[{\"role\":\"user\",\"content\":[]}]", GN_REV_LATEST, GN_EINVAL, "no content"},
        {"[{\"role\":\"user\",\"content\":\"text\"}]", GN_REV_LATEST, GN_EINVAL, "content of a"},
        {"[{\"role\":\"user\",\"content\":{\"type\":\"audio\"}}]", GN_REV_2024_11_05, GN_ENOTSUP,
         "revision 2024-11-05 has no content of type audio"},
        {"[{\"role\":\"user\",\"content\":{\"type\":\"tool_result\"}}]", GN_REV_2025_06_18,
         GN_ENOTSUP, "no content of type tool_result"},
        {"[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"},{\"type\":\"text\"}]}]",
         GN_REV_LATEST, GN_EINVAL, "nothing but those"},
    };
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        struct gn_sampling s = take(GANTRY_SAMPLING(NULL, .messages = json(wrong[i].messages)));
        struct gn_buf out = GN_BUF_INIT(1 << 20);
        struct gn_error err = {0};
        struct gn_jw w;
        gn_jw_init(&w, &out);
        cr_assert_eq(gn_sampling_write(&s, wrong[i].revision, &w, &err), wrong[i].rc, "%zu", i);
        cr_assert(strstr(err.text, wrong[i].problem), "%zu: %s", i, err.text);
        gn_buf_release(&out);
    }
}

Test(sampling, what_cannot_be_asked_is_refused, .init = open_arena, .fini = close_arena)
{
    const struct {
        const gantry_sampling *raw;
        int rc;
        const char *problem;
    } wrong[] = {
        {NULL, GN_EINVAL, ".sampling is NULL"},
        {GANTRY_SAMPLING(NULL), GN_EINVAL, "there is neither"},
        {GANTRY_SAMPLING("a", .messages = json("[1]")), GN_EINVAL, "there are both"},
        {GANTRY_SAMPLING(NULL, .messages = json("[]")), GN_EINVAL, "not an empty one"},
        {GANTRY_SAMPLING("a", .cost = 1.5), GN_EINVAL, "a priority is not from 0 to 1"},
        {GANTRY_SAMPLING("a", .metadata = json("[]")), GN_EINVAL, "metadata is not an object"},
        {GANTRY_SAMPLING("a", .tools_json = json("{}")), GN_EINVAL, "tools_json is not an array"},
        {GANTRY_SAMPLING("a", .tool_choice = 9), GN_ENOTSUP, "not known to this host"},
        {GANTRY_SAMPLING("a", .temperature = {true, __builtin_nan("")}), GN_EINVAL,
         "the temperature"},
    };
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        struct gn_sampling s;
        struct gn_error err = {0};
        cr_assert_eq(gn_sampling_take(wrong[i].raw, &s, &err), wrong[i].rc, "%zu", i);
        cr_assert(strstr(err.text, wrong[i].problem), "%zu: %s", i, err.text);
    }
}

Test(sampling, what_was_said_is_read_as_text_and_as_blocks, .init = open_arena, .fini = close_arena)
{
    gantry_sampled said;
    struct gn_error err = {0};
    const gantry_json *result = json(
        "{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"Hi\"},"
        "\"model\":\"m-1\",\"stopReason\":\"endTurn\"}");
    cr_assert_eq(gn_sampling_read(result, false, &arena, &said, &err), 0, "%s", err.text);
    cr_assert_str_eq(said.text, "Hi");
    cr_assert_str_eq(said.model, "m-1");
    cr_assert_str_eq(said.stop_reason, "endTurn");
    cr_assert_eq(said.role, GANTRY_ASSISTANT);
    cr_assert_eq(gn_json_type(said.content), GN_JSON_ARRAY);
    cr_assert(gn_json_streq(gn_json_get(gn_json_at(said.content, 0), "text"), "Hi"));
    cr_assert_eq(said.result, result);

    result = json("{\"role\":\"user\",\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":"
                  "\"a\"},{\"type\":\"image\",\"data\":\"\"},{\"type\":\"text\",\"text\":\"b\"},"
                  "{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"t\",\"input\":{}}]}");
    cr_assert_eq(gn_sampling_read(result, true, &arena, &said, &err), 0, "%s", err.text);
    cr_assert_str_eq(said.text, "a\nb");
    cr_assert_null(said.stop_reason);
    cr_assert_eq(said.role, GANTRY_USER);
    cr_assert_eq(gn_json_count(said.content), 4);
}

Test(sampling, answers_that_are_none_are_told_of, .init = open_arena, .fini = close_arena)
{
    static const struct {
        const char *result, *problem;
    } wrong[] = {
        {"{}", "role: expected"},
        {"{\"role\":\"assistant\",\"model\":\"m\",\"content\":\"Hi\"}", "content: expected"},
        {"{\"role\":\"assistant\",\"content\":[]}", "model: expected"},
        {"{\"role\":\"assistant\",\"model\":\"m\",\"content\":[{}]}", "has no type"},
        {"{\"role\":\"assistant\",\"model\":\"m\",\"content\":[{\"type\":\"text\"}]}",
         "its text is not a string"},
        {"{\"role\":\"assistant\",\"model\":\"m\",\"content\":{\"type\":\"text\","
         "\"text\":\"a\\u0000b\"}}",
         "U+0000"},
        {"{\"role\":\"assistant\",\"model\":\"m\",\"content\":{\"type\":\"tool_use\","
         "\"id\":\"1\",\"name\":\"t\",\"input\":{}}}",
         "none were offered"},
        {"{\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stopReason\":5}", "stopReason"},
    };
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        gantry_sampled said;
        struct gn_error err = {0};
        cr_assert_eq(gn_sampling_read(json(wrong[i].result), false, &arena, &said, &err),
                     GN_EINVAL);
        cr_assert(strstr(err.text, wrong[i].problem), "%zu: %s", i, err.text);
    }
    gantry_sampled said;
    struct gn_error err = {0};
    cr_assert_eq(gn_sampling_read(json("{\"role\":\"assistant\",\"model\":\"m\",\"content\":{"
                                       "\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"t\"}}"),
                                  true, &arena, &said, &err),
                 GN_EINVAL);
    cr_assert(strstr(err.text, "a tool_use has id, name and input"));
}
