/* sampling.c - questions to a model ("Sampling"). */
#include "asking.h"

#include "util/str.h"

#include <string.h>

bool gn_sampling_is_offered(const gantry_client *c)
{
    return c->s.handlers.on_sample;
}

/* ---------------------------------------------------------------- what is asked */

static bool is_block(const gantry_json *v)
{
    return gn_json_type(v) == GN_JSON_OBJECT && gn_json_cstr(gn_json_get(v, "type"));
}

static bool is_content(const gantry_json *content, bool may_be_list)
{
    const gantry_json *block = NULL;
    if (gn_json_type(content) != GN_JSON_ARRAY)
        return is_block(content);
    while ((block = gn_json_next(content, block))) {
        if (!is_block(block))
            return false;
    }
    return may_be_list;
}

/* The first block with prev NULL, then the next, of one block or a list of them. */
static const gantry_json *next_block(const gantry_json *message, const gantry_json *prev)
{
    const gantry_json *content = gn_json_get(message, "content");
    if (gn_json_type(content) == GN_JSON_ARRAY)
        return gn_json_next(content, prev);
    return prev ? NULL : content;
}

static size_t count_blocks(const gantry_json *message, const char *type, bool is)
{
    const gantry_json *block = NULL;
    size_t count = 0;
    while ((block = next_block(message, block)))
        count += gn_json_streq(gn_json_get(block, "type"), type) == is;
    return count;
}

/* A message with results of tools has nothing else, and there is one for each tool that the message
 * before it used ("Message Content Constraints"). */
static int check_tools(const gantry_json *before, const gantry_json *message, struct gn_error *err)
{
    size_t uses = count_blocks(before, "tool_use", true);
    size_t results = count_blocks(message, "tool_result", true);
    if (results && count_blocks(message, "tool_result", false))
        return gn_error_set(err, GN_EINVAL, "messages: tool results are mixed with other content");
    if (uses > results)
        return gn_error_set(err, GN_EINVAL, "messages: the result of a tool is missing");
    return 0;
}

static int check_message(const gantry_json *message, bool may_be_list, struct gn_error *err)
{
    const gantry_json *role = gn_json_get(message, "role");
    if (!gn_json_streq(role, "user") && !gn_json_streq(role, "assistant"))
        return gn_error_set(err, GN_EINVAL, "messages: role must be \"user\" or \"assistant\"");
    if (!is_content(gn_json_get(message, "content"), may_be_list))
        return gn_error_set(err, GN_EINVAL, "messages: content must be %s",
                            may_be_list ? "a block with a type, or a list of them"
                                        : "a block with a type");
    return 0;
}

int gn_sampling_check(gantry_question *q, struct gn_error *err)
{
    const gantry_client *c = q->client;
    const gantry_json *messages = gn_json_get(q->params, "messages"), *message = NULL;
    const gantry_json *before = NULL;
    bool has_tools = gn_asking_revision(c) >= GN_REV_2025_11_25;
    int64_t tokens;
    if (gn_json_type(messages) != GN_JSON_ARRAY)
        return gn_error_set(err, GN_EINVAL, "messages must be an array");
    if (!gn_json_int(gn_json_get(q->params, "maxTokens"), &tokens))
        return gn_error_set(err, GN_EINVAL, "maxTokens must be an integer");
    if (has_tools && !c->s.handlers.samples_with_tools &&
        (gn_json_get(q->params, "tools") || gn_json_get(q->params, "toolChoice")))
        return gn_error_set(err, GN_EINVAL, "tools are not among our capabilities of sampling");
    while ((message = gn_json_next(messages, message))) {
        if (check_message(message, has_tools, err) || check_tools(before, message, err))
            return GN_EINVAL;
        before = message;
    }
    if (count_blocks(before, "tool_use", true))
        return gn_error_set(err, GN_EINVAL, "messages: the result of a tool is missing");
    return 0;
}

void gn_sampling_tell(gantry_question *q)
{
    gantry_client *c = q->client;
    c->s.handlers.on_sample(c, q, q->params, c->s.arg);
}

/* ---------------------------------------------------------------- what is answered */

void gn_sampling_say(const char *model, const char *text, struct gn_buf *out)
{
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "role", "assistant");
    gn_jw_object(&w, "content");
    gn_jw_str(&w, "type", "text");
    gn_jw_str(&w, "text", text ? text : "");
    gn_jw_end(&w);
    gn_jw_str(&w, "model", model ? model : "unknown");
    gn_jw_str(&w, "stopReason", "endTurn");
    gn_jw_end(&w);
}
