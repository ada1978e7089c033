/* conformance.c - the plugin that the official conformance suite is run against.
 *
 * Everything here is done as any author would do it. This file holds what is declared: tools that
 * answer at once, resources and prompts. What asks, changes or takes long is registered in `start`.
 */
#include "conformance.h"

#include <string.h>

/* One red pixel. */
static const unsigned char png[] = {
    0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,   0,    0,    13,   'I',  'H',
    'D',  'R',  0,    0,    0,    1,    0,    0,    0,   1,    8,    2,    0,    0,
    0,    0x90, 0x77, 0x53, 0xde, 0,    0,    0,    12,  'I',  'D',  'A',  'T',  8,
    0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0,    0,    3,    1,   1,    0,    0x18, 0xdd, 0x8d,
    0xb0, 0,    0,    0,    0,    'I',  'E',  'N',  'D', 0xae, 0x42, 0x60, 0x82,
};

/* Four samples of silence: 8 kHz, 8 bits, one channel. */
static const unsigned char wav[] = {
    'R', 'I', 'F', 'F', 40,  0,   0,   0,   'W',  'A',  'V', 'E', 'f',  'm',  't',  ' ',
    16,  0,   0,   0,   1,   0,   1,   0,   0x40, 0x1f, 0,   0,   0x40, 0x1f, 0,    0,
    1,   0,   8,   0,   'd', 'a', 't', 'a', 4,    0,    0,   0,   0x80, 0x80, 0x80, 0x80,
};

/* ---------------------------------------------------------------- tools */

GANTRY_TOOL0(test_simple_text, "Answers with a text", .read_only = GANTRY_YES)
{
    return gantry_text(call, "This is a simple text response for testing.");
}

GANTRY_TOOL0(test_image_content, "Answers with an image")
{
    return gantry_image(call, png, sizeof png, "image/png");
}

GANTRY_TOOL0(test_audio_content, "Answers with a sound")
{
    return gantry_audio(call, wav, sizeof wav, "audio/wav");
}

static int embed(gantry_call *call, const char *uri, const char *mime_type, const char *text)
{
    return gantry_embed_text(call, uri, mime_type, text, strlen(text));
}

GANTRY_TOOL0(test_embedded_resource, "Answers with the contents of a resource")
{
    return embed(call, "test://embedded-resource", "text/plain",
                 "This is an embedded resource content.");
}

GANTRY_TOOL0(test_multiple_content_types, "Answers with several kinds of content")
{
    int rc = gantry_text(call, "Multiple content types test:");
    if (rc)
        return rc;
    if ((rc = gantry_image(call, png, sizeof png, "image/png")))
        return rc;
    return embed(call, "test://mixed-content-resource", "application/json",
                 "{\"test\":\"data\",\"value\":123}");
}

GANTRY_TOOL0(test_error_handling, "Fails, always")
{
    return gantry_fail(call, "This tool intentionally returns an error for testing");
}

GANTRY_TOOL0(test_tool_with_logging, "Logs three lines while it runs")
{
    gantry_log(call, GANTRY_INFO, "Tool execution started");
    int rc = gantry_sleep(call, 50);
    if (rc)
        return rc;
    gantry_log(call, GANTRY_INFO, "Tool processing data");
    if ((rc = gantry_sleep(call, 50)))
        return rc;
    gantry_log(call, GANTRY_INFO, "Tool execution completed");
    return gantry_text(call, "Logged three lines");
}

GANTRY_TOOL0(test_logging_tool, "Logs a line at each of a few levels")
{
    gantry_log(call, GANTRY_DEBUG, "looking around");
    gantry_log(call, GANTRY_INFO, "found something");
    gantry_log(call, GANTRY_WARNING, "it is small");
    return gantry_text(call, "Logged at three levels");
}

GANTRY_TOOL0(test_tool_with_progress, "Reports progress while it runs")
{
    for (int done = 0; done <= 100; done += 50) {
        int rc = done ? gantry_sleep(call, 50) : GANTRY_OK;
        if (rc)
            return rc;
        if ((rc = gantry_progress(call, done, 100, NULL)))
            return rc;
    }
    return gantry_text(call, "All of it done");
}

GANTRY_TOOL0(json_schema_2020_12_tool, "Tool with JSON Schema 2020-12 features",
             .input_schema_json =
                 "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                 "\"type\":\"object\","
                 "\"$defs\":{\"address\":{\"$anchor\":\"addressDef\",\"type\":\"object\","
                 "\"properties\":{\"street\":{\"type\":\"string\"},"
                 "\"city\":{\"type\":\"string\"}}}},"
                 "\"properties\":{\"name\":{\"type\":\"string\"},"
                 "\"address\":{\"$ref\":\"#/$defs/address\"},"
                 "\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},"
                 "\"phone\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}},"
                 "\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":[\"email\"]}]}],"
                 "\"if\":{\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},"
                 "\"required\":[\"contactMethod\"]},"
                 "\"then\":{\"required\":[\"phone\"]},\"else\":{\"required\":[\"email\"]},"
                 "\"additionalProperties\":false}")
{
    const char *name = gantry_json_text(gantry_arguments(call), "name");
    return gantry_text(call, "Noted: %s", name ? name : "somebody");
}

typedef struct {
    const char *region;
    int64_t priority;
    const char *query;
} where_in;
static const gantry_arg test_x_mcp_header_args[] = {
    GANTRY_ARG(where_in, region, "Where to look", .header = "Region"),
    GANTRY_ARG(where_in, priority, "How urgent it is", .header = "Priority"),
    GANTRY_ARG(where_in, query, "What to look for", .optional = 1),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(test_x_mcp_header, where_in, "Has arguments that are mirrored in headers")
{
    return gantry_text(call, "Looked in %s", in->region);
}

/* ---------------------------------------------------------------- resources */

GANTRY_RESOURCE(static_text, "test://static-text", "A text that never changes",
                .mime_type = "text/plain", .ttl_ms = 60000, .cache_scope = GANTRY_CACHE_PUBLIC)
{
    return gantry_text(call, "This is the content of the static text resource.");
}

GANTRY_RESOURCE(static_binary, "test://static-binary", "An image that never changes",
                .mime_type = "image/png")
{
    return gantry_blob(call, png, sizeof png, NULL);
}

GANTRY_RESOURCE(watched_resource, "test://watched-resource", "A text that can be watched",
                .mime_type = "text/plain")
{
    return gantry_text(call, "Watched resource content");
}

typedef struct {
    const char *id;
} record_in;
static const gantry_arg record_args[] = {
    GANTRY_ARG(record_in, id, "Which record"),
    GANTRY_ARGS_END,
};
GANTRY_TEMPLATE(record, record_in, "test://template/{id}/data", "A record by its id",
                .mime_type = "application/json")
{
    const char *data = gantry_format(call, "Data for ID: %s", in->id);
    const char *text = gantry_json_print(
        call, GANTRY_OBJECT(call, "id", in->id, "templateTest", GANTRY_TRUE, "data", data));
    return text ? gantry_text_add(call, text, strlen(text)) : GANTRY_ETOOBIG;
}

/* ---------------------------------------------------------------- prompts */

GANTRY_PROMPT0(test_simple_prompt, "A prompt without arguments")
{
    return gantry_text(call, "This is a simple prompt for testing.");
}

typedef struct {
    const char *arg1, *arg2;
} two_in;
static const gantry_arg test_prompt_with_arguments_args[] = {
    GANTRY_ARG(two_in, arg1, "First test argument"),
    GANTRY_ARG(two_in, arg2, "Second test argument"),
    GANTRY_ARGS_END,
};

static int complete_words(gantry_call *call, const char *argument, const char *value)
{
    (void)argument;
    static const char *const words[] = {"paris", "park", "party", "test", "testing"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strncmp(words[i], value, strlen(value)) != 0)
            continue;
        int rc = gantry_suggest(call, words[i]);
        if (rc)
            return rc;
    }
    return GANTRY_OK;
}

GANTRY_PROMPT(test_prompt_with_arguments, two_in, "A prompt with two arguments",
              .complete = complete_words)
{
    return gantry_text(call, "Prompt with arguments: arg1='%s', arg2='%s'", in->arg1, in->arg2);
}

typedef struct {
    const char *resourceUri;
} embedding_in;
static const gantry_arg test_prompt_with_embedded_resource_args[] = {
    GANTRY_ARG(embedding_in, resourceUri, "URI of the resource to embed"),
    GANTRY_ARGS_END,
};
GANTRY_PROMPT(test_prompt_with_embedded_resource, embedding_in, "A prompt that embeds a resource")
{
    int rc = embed(call, in->resourceUri, "text/plain", "Embedded resource content for testing.");
    if (rc)
        return rc;
    return gantry_text(call, "Please process the embedded resource above.");
}

GANTRY_PROMPT0(test_prompt_with_image, "A prompt with an image")
{
    int rc = gantry_image(call, png, sizeof png, "image/png");
    if (rc)
        return rc;
    return gantry_text(call, "Please analyze the image above.");
}

/* ---------------------------------------------------------------- a skill */

GANTRY_SKILL(pdf, "pdf-processing",
             GANTRY_SKILL_FILE("SKILL.md",
                               "---\n"
                               "name: pdf-processing\n"
                               "description: Extract, fill and assemble PDF documents\n"
                               "license: Apache-2.0\n"
                               "metadata:\n"
                               "  author: gantry\n"
                               "  version: \"1.0\"\n"
                               "---\n"
                               "\n"
                               "# PDF processing\n"
                               "\n"
                               "Forms: see [references/forms.md](references/forms.md).\n"),
             GANTRY_SKILL_FILE("references/forms.md", "# Forms\n\nFill in every field.\n"),
             GANTRY_SKILL_FILE("scripts/extract.py", "print('no text found')\n"));

/* ---------------------------------------------------------------- the plugin */

static int start(gantry_call *call, gantry_plugin *plugin)
{
    (void)call;
    int rc = conformance_add_asks(plugin);
    if (rc)
        return rc;
    if ((rc = conformance_add_live(plugin)))
        return rc;
    return conformance_add_tasks(plugin);
}

GANTRY_PLUGIN("conformance", "1.0.0", .description = "What the official conformance suite asks for",
              .tools = GANTRY_TOOLS(&test_simple_text_tool, &test_image_content_tool,
                                    &test_audio_content_tool, &test_embedded_resource_tool,
                                    &test_multiple_content_types_tool, &test_error_handling_tool,
                                    &test_tool_with_logging_tool, &test_logging_tool_tool,
                                    &test_tool_with_progress_tool, &json_schema_2020_12_tool_tool,
                                    &test_x_mcp_header_tool),
              .resources = GANTRY_RESOURCES(&static_text_resource, &static_binary_resource,
                                            &watched_resource_resource),
              .templates = GANTRY_TEMPLATES(&record_template),
              .prompts = GANTRY_PROMPTS(&test_simple_prompt_prompt,
                                        &test_prompt_with_arguments_prompt,
                                        &test_prompt_with_embedded_resource_prompt,
                                        &test_prompt_with_image_prompt),
              .skills = GANTRY_SKILLS(&pdf_skill), .start = start);
