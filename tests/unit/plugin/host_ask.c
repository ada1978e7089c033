/* host_ask.c - handlers that ask, and a client that answers from a list. */
#include "call/ask.h"
#include "plugin/bench.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(host_ask);

/* The client: answers come in the order of the questions. */
static struct {
    const char *answers[16]; /* results as JSON; "!text": an error; NULL: no more */
    size_t next;
    struct gn_buf asked; /* "key method params\n" */
} client;

static int answer(struct gn_call *call)
{
    struct gn_asking *a = call->asking;
    do {
        for (size_t i = 0; i < a->count; i++) {
            struct gn_question *q = a->v[i];
            if (q->state == GN_QUESTION_ANSWERED)
                continue;
            const char *text = client.answers[client.next++];
            cr_assert_not_null(text, "nobody expected %s %s", q->wire_key, q->params);
            gn_buf_addf(&client.asked, "%s %s %s\n", q->wire_key, q->method, q->params);
            q->state = GN_QUESTION_SENT;
            if (text[0] == '!') {
                gn_ask_refuse(call, q, text + 1);
                continue;
            }
            struct gn_json_doc doc;
            cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), NULL, NULL), 0, "%s", text);
            gn_ask_answer(call, q, gn_json_root(&doc), true);
            gn_json_release(&doc);
        }
    } while (!gn_asking_settle(call));
    return 0;
}

static const struct gn_call_ops *quiet;
static struct gn_call_ops asked_ops;

struct scene {
    enum gn_revision revision;
    uint32_t capabilities;
    const char *answers[16];
};
#define ALL_CAPABILITIES 31u

/* Calls fn as a tool with these answers; the result is in b. */
static const char *play(struct bench *b, gantry_run_fn fn, uint32_t flags,
                        const struct scene *scene)
{
    client.next = 0;
    memcpy(client.answers, scene->answers, sizeof client.answers);
    gn_buf_release(&client.asked);
    client.asked = GN_BUF_INIT(1 << 20);
    gantry_remove_tool(b->g, "t");
    bench_tool(b, "t", fn, flags);
    struct gn_call *call = bench_call(b, GN_TOOL, "t", NULL);
    quiet = call->ops;
    asked_ops = *quiet;
    asked_ops.ask = answer;
    call->ops = &asked_ops;
    call->hook = GANTRY_ON_CALL_TOOL;
    call->revision = scene->revision;
    call->capabilities = scene->capabilities;
    bench_run(b, call);
    return gn_buf_str(&b->result);
}

static void check_has(const char *text, const char *part)
{
    cr_assert(strstr(text, part), "no %s\nin %s", part, text);
}

static void check_asked(const char *expected)
{
    const char *asked = gn_buf_str(&client.asked);
    cr_assert_str_eq(asked, expected, "\ngot      %s\nexpected %s", asked, expected);
    cr_assert_null(client.answers[client.next], "an answer was not asked for");
    gn_buf_release(&client.asked);
}

struct who {
    const char *name;
    int64_t age;
};
static const gantry_arg who_args[] = {GANTRY_ARG(struct who, name, NULL),
                                      GANTRY_ARG(struct who, age, NULL, .default_json = "7"),
                                      GANTRY_ARGS_END};

static int ask_who(gantry_call *call, const void *in)
{
    struct who who = {"untouched", -1};
    (void)in;
    int rc = gantry_elicit(call, "who", "Who?", GANTRY_FORM(struct who, who_args), &who);
    return rc ? rc : gantry_text(call, "%s is %d", who.name, (int)who.age);
}

#define WHO_SCHEMA                                                                                 \
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"                         \
    "\"age\":{\"type\":\"integer\",\"default\":7}},\"required\":[\"name\"]}"
#define FORM_WHO "{\"mode\":\"form\",\"message\":\"Who?\",\"requestedSchema\":" WHO_SCHEMA "}"
#define ASKED_WHO "who elicitation/create " FORM_WHO "\n"

Test(host_ask, a_form_is_asked_and_filled_in)
{
    static const enum gn_revision revisions[] = {GN_REV_2025_11_25, GN_REV_2026_07_28};
    struct bench b;
    bench_open(&b);
    for (int blocking = 0; blocking < 2; blocking++) {
        for (size_t i = 0; i < GN_COUNT(revisions); i++) {
            check_has(play(&b, ask_who, blocking ? GANTRY_BLOCKING : 0,
                           &(struct scene){revisions[i],
                                           ALL_CAPABILITIES,
                                           {"{\"action\":\"accept\",\"content\":{\"name\":"
                                            "\"Ada\"}}"}}),
                      "\"text\":\"Ada is 7\"}]}");
            check_asked(ASKED_WHO);
        }
    }
    check_has(play(&b, ask_who, 0,
                   &(struct scene){GN_REV_2025_06_18,
                                   ALL_CAPABILITIES,
                                   {"{\"action\":\"accept\",\"content\":{\"name\":\"Ada\","
                                    "\"age\":\"36\"}}"}}),
              "\"text\":\"Ada is 36\"}]}");
    check_asked("who elicitation/create {\"message\":\"Who?\",\"requestedSchema\":{\"type\":"
                "\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"age\":{\"type\":"
                "\"integer\"}},\"required\":[\"name\"]}}\n");
    bench_close(&b);
}

Test(host_ask, what_goes_wrong_is_told_in_plain_words)
{
    static const struct {
        const char *answers[3], *text;
    } ends[] = {
        {{"{\"action\":\"decline\"}"}, "the person declined: Who?"},
        {{"{\"action\":\"cancel\",\"content\":{}}"}, "the person dismissed the question: Who?"},
        {{"!Method not found"}, "the client answered \\\"who\\\" with an error: Method not found"},
        {{"{}", "{\"action\":\"maybe\"}", "{\"action\":\"accept\"}"},
         "none of the client's answers to \\\"who\\\" fitted: missing \\\"name\\\""},
    };
    struct bench b;
    bench_open(&b);
    for (size_t i = 0; i < GN_COUNT(ends); i++) {
        struct scene scene = {GN_REV_2025_11_25, ALL_CAPABILITIES, {NULL}};
        memcpy(scene.answers, ends[i].answers, sizeof ends[i].answers);
        check_has(play(&b, ask_who, 0, &scene), ends[i].text);
        check_has(gn_buf_str(&b.result), "\"isError\":true");
        cr_assert_null(client.answers[client.next]);
    }
    gn_buf_release(&client.asked);
    /* The first answers do not fit, the third does. */
    check_has(play(&b, ask_who, 0,
                   &(struct scene){GN_REV_2025_11_25,
                                   ALL_CAPABILITIES,
                                   {"{\"action\":\"accept\",\"content\":{\"name\":5}}", "7",
                                    "{\"action\":\"accept\",\"content\":{\"name\":\"Bo\"}}"}}),
              "\"text\":\"Bo is 7\"}]}");
    check_asked(ASKED_WHO ASKED_WHO ASKED_WHO);
    bench_close(&b);
}

static int codes[16];

static int ask_what_is_missing(gantry_call *call, const void *in)
{
    gantry_sampled said;
    gantry_roots_list roots;
    (void)in;
    codes[0] = gantry_confirm(call, "a", "Sure?");
    codes[1] = gantry_elicit_url(call, "b", "There", "https://example.com/x");
    codes[2] = gantry_sample(call, "c", GANTRY_SAMPLING("Hi"), &said);
    codes[3] = gantry_roots(call, "d", &roots);
    codes[4] = gantry_sample_loop(call, "e", GANTRY_SAMPLING("Hi", .tools = GANTRY_LIST_OF("t")), 0,
                                  &said);
    return codes[4];
}

Test(host_ask, a_client_that_lacks_a_capability_is_not_asked)
{
    static const struct {
        enum gn_revision revision;
        uint32_t capabilities, asked;
    } clients[] = {
        {GN_REV_LATEST, 0, 0},
        {GN_REV_2025_03_26, ALL_CAPABILITIES, 4 + 8}, /* sampling, roots */
        {GN_REV_2025_06_18, ALL_CAPABILITIES, 1 + 4 + 8},
        {GN_REV_2025_11_25, ALL_CAPABILITIES, 31},
    };
    struct bench b;
    bench_open(&b);
    for (size_t i = 0; i < GN_COUNT(clients); i++) {
        struct scene scene = {clients[i].revision, clients[i].capabilities, {NULL}};
        for (size_t k = 0, n = 0; k < 5; k++) {
            if (clients[i].asked & (1u << k))
                scene.answers[n++] = "!no";
        }
        const char *result = play(&b, ask_what_is_missing, 0, &scene);
        for (size_t k = 0; k < 5; k++)
            cr_assert_eq(codes[k], clients[i].asked & (1u << k) ? GANTRY_EIO : GANTRY_ENOTSUP,
                         "client %zu, question %zu: %d", i, k, codes[k]);
        cr_assert_null(client.answers[client.next]);
        check_has(result, clients[i].asked & 16u ? "with an error: no" : "does not declare");
    }
    gn_buf_release(&client.asked);
    bench_close(&b);
}

static int make_mistakes(gantry_call *call, const void *in)
{
    static const gantry_arg wrong[] = {GANTRY_ARG(struct who, name, NULL, .pattern = "x"),
                                       GANTRY_ARGS_END};
    gantry_sampled said;
    (void)in;
    gantry_ask *twice[] = {GANTRY_ASK(GANTRY_ASK_FORM, "k", .message = "a"),
                           GANTRY_ASK(GANTRY_ASK_FORM, "k", .message = "b")};
    codes[0] = gantry_elicit(call, "form", "Who?", GANTRY_FORM(struct who, wrong), NULL);
    codes[1] = gantry_confirm(call, "silent", NULL);
    codes[2] = gantry_confirm(call, "", "Sure?");
    codes[3] = gantry_ask_all(call, twice, 2);
    codes[4] = gantry_ask_all(call, twice, 0);
    codes[5] = gantry_elicit_url(call, "url", "There", "ftp://example.com");
    codes[6] = gantry_elicit_url(call, "url", "There", "https:///x");
    codes[7] = gantry_sample(call, "model", GANTRY_SAMPLING(NULL), &said);
    codes[8] = gantry_sample(call, "model", GANTRY_SAMPLING("a", .tools = GANTRY_LIST_OF("no")),
                             &said);
    codes[9] = gantry_sample_loop(call, "loop", GANTRY_SAMPLING("a"), 0, &said);
    return GANTRY_OK;
}

Test(host_ask, mistakes_of_authors_are_told_by_key)
{
    static const char *const lines[] = {
        "gantry_ask: \"form\": field \"name\": MCP's forms have no \"pattern\" for a string",
        "gantry_ask: \"silent\": the message is NULL",
        "gantry_ask: a key has 1 to 128 bytes",
        "gantry_ask: \"k\" is asked twice at once",
        "gantry_ask: 1 to 64 questions at once, not 0",
        "gantry_ask: \"url\": the URL is not an absolute one of http or https",
        "gantry_ask: \"model\": a prompt or messages: there is neither",
        "gantry_ask: \"model\": there is no tool \"no\" to be offered",
        "gantry_sample_loop: .tools names no tool",
    };
    struct bench b;
    bench_open(&b);
    play(&b, make_mistakes, 0, &(struct scene){GN_REV_LATEST, ALL_CAPABILITIES, {NULL}});
    for (size_t i = 0; i < 10; i++)
        cr_assert_eq(codes[i], i == 8 ? GANTRY_ENOENT : GANTRY_EINVAL, "%zu: %d", i, codes[i]);
    for (size_t i = 0; i < GN_COUNT(lines); i++)
        check_has(gn_buf_str(&b.lines), lines[i]);
    gn_buf_release(&client.asked);
    bench_close(&b);
}

static int ask_everything(gantry_call *call, const void *in)
{
    struct who who = {0};
    gantry_sampled said;
    gantry_roots_list roots;
    const gantry_json *any = NULL;
    (void)in;
    gantry_ask *asks[] = {
        GANTRY_ASK(GANTRY_ASK_FORM, "who", .message = "Who?", .answer = &who,
                   .form = GANTRY_FORM(struct who, who_args)),
        GANTRY_ASK(GANTRY_ASK_FORM, "any", .message = "What?", .answer = &any,
                   .form = GANTRY_FORM_JSON("{\"type\":\"object\",\"properties\":{\"x\":{\"type\":"
                                            "\"boolean\",\"default\":true}}}")),
        GANTRY_ASK(GANTRY_ASK_FORM, "sure", .message = "Sure?"),
        GANTRY_ASK(GANTRY_ASK_URL, "url", .message = "There", .url = "http://localhost:1/x"),
        GANTRY_ASK(GANTRY_ASK_SAMPLE, "model", .sampling = GANTRY_SAMPLING("Hi"), .sampled = &said),
        GANTRY_ASK(GANTRY_ASK_ROOTS, "roots", .roots = &roots),
    };
    int rc = gantry_ask_all(call, asks, 6);
    if (rc)
        return rc;
    for (size_t i = 0; i < 6; i++)
        codes[i] = asks[i]->rc;
    return gantry_text(call, "%s, %s, %s by %s, %u roots, %s (%s), %zu", who.name,
                       gantry_json_print(call, any), said.text, said.model, roots.count,
                       roots.v[0].uri, roots.v[0].name, gantry_json_count(asks[2]->result));
}

Test(host_ask, several_kinds_of_questions_at_once)
{
    struct bench b;
    bench_open(&b);
    check_has(
        play(&b, ask_everything, 0,
             &(struct scene){
                 GN_REV_2026_07_28,
                 ALL_CAPABILITIES,
                 {"{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}",
                  "{\"action\":\"accept\"}", "{\"action\":\"decline\"}", "{\"action\":\"accept\"}",
                  "{\"role\":\"assistant\",\"model\":\"m\",\"content\":{\"type\":\"text\","
                  "\"text\":\"Hello\"}}",
                  "{\"roots\":[{\"uri\":\"file:///home\",\"name\":\"home\"}]}"}}),
        "Ada, {\\\"x\\\":true}, Hello by m, 1 roots, file:///home (home), 1");
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(codes[i], i == 2 ? GANTRY_EDECLINED : GANTRY_OK, "%zu: %d", i, codes[i]);
    check_asked(
        ASKED_WHO
        "any elicitation/create {\"mode\":\"form\",\"message\":\"What?\",\"requestedSchema\":{"
        "\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"boolean\",\"default\":true}}}}\n"
        "sure elicitation/create {\"mode\":\"form\",\"message\":\"Sure?\",\"requestedSchema\":{"
        "\"type\":\"object\",\"properties\":{}}}\n"
        "url elicitation/create {\"mode\":\"url\",\"message\":\"There\",\"url\":"
        "\"http://localhost:1/x\"}\n"
        "model sampling/createMessage {\"messages\":[{\"role\":\"user\",\"content\":{\"type\":"
        "\"text\",\"text\":\"Hi\"}}],\"maxTokens\":1024}\n"
        "roots roots/list {}\n");
    bench_close(&b);
}

/* ---------------------------------------------------------------- tools in a conversation */

static int times_ten;

static int ten_times(gantry_call *call, const void *in)
{
    int64_t n = gantry_json_int_or(gantry_arguments(call), "n", -1);
    (void)in;
    times_ten++;
    return n < 0 ? gantry_fail(call, "n is missing") : gantry_text(call, "%d", (int)n * 10);
}

static int converse(gantry_call *call, const void *in)
{
    gantry_sampled said;
    (void)in;
    int rc = gantry_sample_loop(call, "talk",
                                GANTRY_SAMPLING("Ten times?", .tool_choice = GANTRY_TOOLS_REQUIRED,
                                                .tools = GANTRY_LIST_OF("ten")),
                                3, &said);
    return rc ? rc : gantry_text(call, "%s", said.text);
}

static void add_ten(struct bench *b)
{
    gantry_tool t = {.size = sizeof t,
                     .arg_size = sizeof(gantry_arg),
                     .name = "ten",
                     .description = "Ten times n",
                     .input_schema_json = "{\"type\":\"object\"}",
                     .run = ten_times};
    cr_assert_eq(gantry_add_tool(b->g, &t), GANTRY_OK, "%s", gn_buf_str(&b->lines));
}

#define SAYS(content)                                                                              \
    "{\"role\":\"assistant\",\"model\":\"m\",\"content\":" content ",\"stopReason\":\"toolUse\"}"
#define USE(id, name, input)                                                                       \
    "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"input\":" input "}"

Test(host_ask, a_model_uses_tools_until_it_wants_no_more)
{
    struct bench b;
    bench_open(&b);
    add_ten(&b);
    times_ten = 0;
    check_has(play(&b, converse, 0,
                   &(struct scene){GN_REV_2026_07_28,
                                   ALL_CAPABILITIES,
                                   {SAYS("[" USE("1", "ten", "{\"n\":4}") "," USE(
                                        "2", "other", "{}") "," USE("3", "ten", "{}") "]"),
                                    SAYS("{\"type\":\"text\",\"text\":\"Forty\"}")}}),
              "\"text\":\"Forty\"");
    cr_assert_eq(times_ten, 2);
    const char *second = strstr(gn_buf_str(&client.asked), "talk-2 ");
    cr_assert_not_null(second);
    check_has(gn_buf_str(&client.asked),
              "\"tools\":[{\"name\":\"ten\",\"description\":\"Ten times n\",\"inputSchema\":{"
              "\"type\":\"object\"}}],\"toolChoice\":{\"mode\":\"required\"}}\ntalk-2 ");
    check_has(second,
              "{\"role\":\"user\",\"content\":["
              "{\"type\":\"tool_result\",\"toolUseId\":\"1\",\"content\":[{\"type\":\"text\","
              "\"text\":\"40\"}]},"
              "{\"type\":\"tool_result\",\"toolUseId\":\"2\",\"content\":[{\"type\":\"text\","
              "\"text\":\"Tool \\\"other\\\": there is no such tool\"}],\"isError\":true},"
              "{\"type\":\"tool_result\",\"toolUseId\":\"3\",\"content\":[{\"type\":\"text\","
              "\"text\":\"n is missing\"}],\"isError\":true}]}]");
    cr_assert_null(strstr(second, "toolChoice"), "%s", second);
    gn_buf_release(&client.asked);

    /* The last round must not use any; what it wants all the same is not done. */
    times_ten = 0;
    static const char again[] = SAYS("[" USE("1", "ten", "{\"n\":1}") "]");
    play(&b, converse, 0,
         &(struct scene){GN_REV_2025_11_25, ALL_CAPABILITIES, {again, again, again}});
    cr_assert_eq(b.outcome, GN_OUT_RESULT);
    cr_assert_eq(times_ten, 2);
    check_has(strstr(gn_buf_str(&client.asked), "talk-3 "), "\"toolChoice\":{\"mode\":\"none\"}");
    gn_buf_release(&client.asked);
    bench_close(&b);
}

/* ---------------------------------------------------------------- ids of URLs */

static struct gn_buf ids;

static void add_id(struct gn_elicitations *e, const struct gn_call *root, const char *instance,
                   const char *id)
{
    (void)e;
    gn_buf_addf(&ids, "add %s %s %zu\n", root->session_key, instance, strlen(id));
}

static int end_id(struct gn_elicitations *e, const char *instance, const char *id, bool tell)
{
    (void)e;
    gn_buf_addf(&ids, "end %s %zu%s\n", instance, strlen(id), tell ? " told" : "");
    return strlen(id) == 32 ? 0 : GN_ENOENT;
}

static int send_away(gantry_call *call, const void *in)
{
    const char *id = gantry_elicitation_id(call, "url");
    (void)in;
    call->session_key = "session";
    int rc = gantry_elicit_url(call, "url", "There",
                               gantry_format(call, "https://example.com/%s", id));
    if (rc)
        return rc;
    codes[0] = gantry_elicitation_done(gantry_self(call), id);
    codes[1] = gantry_elicitation_done(gantry_self(call), "unknown");
    return gantry_text(call, "%s", id);
}

Test(host_ask, a_url_has_an_id_that_ends_or_is_declined)
{
    struct gn_elicitations table = {add_id, end_id};
    struct bench b;
    bench_open(&b);
    b.env.elicitations = &table;
    ids = GN_BUF_INIT(4096);
    check_has(
        play(&b, send_away, 0,
             &(struct scene){GN_REV_2025_11_25, ALL_CAPABILITIES, {"{\"action\":\"accept\"}"}}),
        "\"type\":\"text\"");
    cr_assert(codes[0] == GANTRY_OK && codes[1] == GANTRY_ENOENT);
    const char *asked = gn_buf_str(&client.asked), *id = strstr(asked, "https://example.com/");
    cr_assert_not_null(id);
    GN_AUTO_FREE char *same = gn_strndup(id + strlen("https://example.com/"), 32);
    struct gn_buf expected = GN_BUF_INIT(4096);
    gn_buf_addf(&expected,
                "url elicitation/create {\"mode\":\"url\",\"message\":\"There\",\"url\":"
                "\"https://example.com/%s\",\"elicitationId\":\"%s\"}\n",
                same, same);
    check_asked(gn_buf_str(&expected));
    gn_buf_release(&expected);
    play(&b, send_away, 0,
         &(struct scene){GN_REV_2025_11_25, ALL_CAPABILITIES, {"{\"action\":\"decline\"}"}});
    cr_assert_str_eq(gn_buf_str(&ids), "add session inst 32\nend inst 32 told\nend inst 7 told\n"
                                       "add session inst 32\nend inst 32\n");
    gn_buf_release(&client.asked);
    gn_buf_release(&ids);
    bench_close(&b);
}
