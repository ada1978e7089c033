/* e2e_desk.c - tools for an operator to make over: each repeats the arguments that reached it. */
#include <gantry.h>

#define LONG_NAME "a_name_that_is_within_what_the_specification_allows_but_longer_than_most_take"

static int give_back(gantry_call *call)
{
    const gantry_json *v = gantry_arguments(call);
    return gantry_text(call, "%s", v ? gantry_json_print(call, v) : "{}");
}

static const char search_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"q\":{\"type\":\"string\",\"title\":\"Q\",\"description\":\"What to look for\"},"
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":10},"
    "\"sort\":{\"type\":\"string\",\"enum\":[\"asc\",\"desc\"]},"
    "\"filter\":{\"type\":\"object\"},"
    "\"api_key\":{\"type\":\"string\"}},\"required\":[\"q\",\"api_key\"]}";
GANTRY_TOOL0(search, "Looks for things", .input_schema_json = search_schema, .title = "Search",
             .read_only = GANTRY_YES, GANTRY_TAGS("public", "query"),
             .meta_json = "{\"desk\":{\"drawer\":1}}")
{
    return give_back(call);
}

/* What is wrong with a value is told: but not to whom the value is hidden. */
static const char pin_schema[] =
    "{\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"string\",\"maxLength\":4},"
    "\"word\":{\"type\":\"string\"}},\"required\":[\"code\"]}";
GANTRY_TOOL0(pin, "Takes a short code", .input_schema_json = pin_schema)
{
    return give_back(call);
}

static const char any_schema[] = "{\"type\":\"object\",\"properties\":{\"any\":{},\"other\":{}}}";
GANTRY_TOOL0(any, "Takes anything", .input_schema_json = any_schema)
{
    return give_back(call);
}

GANTRY_TOOL0(tally, "Counts", GANTRY_TAGS("public"), .version = "1.0",
             .output_schema_json = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":"
                                   "\"integer\"}},\"required\":[\"n\"]}")
{
    return gantry_structured_json(call, GANTRY_OBJECT(call, "n", (int64_t)5));
}

GANTRY_TOOL0(admin_reset, "Starts afresh", GANTRY_TAGS("admin"), .destructive = GANTRY_YES)
{
    return gantry_text(call, "reset");
}

GANTRY_TOOL0(admin_stats, "Tells how it goes", GANTRY_TAGS("admin", "public"))
{
    return gantry_text(call, "fine");
}

static int dotted_run(gantry_call *call, const void *in GANTRY_UNUSED)
{
    return gantry_text(call, "dotted");
}
static const gantry_tool dotted_tool = {
    .size = sizeof(gantry_tool), .name = "with.dot", .description = "Has a dot", .run = dotted_run};
static const gantry_tool long_tool = {
    .size = sizeof(gantry_tool), .name = LONG_NAME, .description = "Is long", .run = dotted_run};

GANTRY_RESOURCE(note, "desk://note", "A note", .mime_type = "text/plain")
{
    return gantry_text(call, "a note");
}

GANTRY_PROMPT0(letter, "A letter")
{
    return gantry_message(call, GANTRY_USER, "Dear reader");
}

GANTRY_PLUGIN("desk", "1.0.0",
              .tools = GANTRY_TOOLS(&search_tool, &pin_tool, &any_tool, &tally_tool,
                                    &admin_reset_tool, &admin_stats_tool, &dotted_tool, &long_tool),
              .resources = GANTRY_RESOURCES(&note_resource),
              .prompts = GANTRY_PROMPTS(&letter_prompt));
