/* hello.c - the tutorial: one of everything a plugin can offer, the smallest first.
 *
 * Read it from top to bottom. Every part is complete in itself; a plugin needs only those it uses,
 * and GANTRY_PLUGIN at the end. sdk/gantry.h documents each function and option named here.
 */
#include <gantry.h>

#include <stdlib.h>
#include <string.h>

/* ---- A tool. A struct holds its arguments, a table describes them, one row a field. From the
 * table the host makes the JSON Schema that clients see; it checks what a client sends, and fills
 * the struct before the body runs. The table's name is that of the tool with _args behind it.
 *
 * gantry_fail() fails on purpose: the client reads exactly this message. */
typedef struct {
    double a, b;
} divide_in;

static const gantry_arg divide_args[] = {
    GANTRY_ARG(divide_in, a, "Dividend"),
    GANTRY_ARG(divide_in, b, "Divisor"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(divide, divide_in, "Divide two numbers", .read_only = GANTRY_YES)
{
    if (in->b == 0)
        return gantry_fail(call, "Cannot divide %g by zero", in->a);
    return gantry_text(call, "%g", in->a / in->b);
}

/* ---- Settings: what the operator may write in the configuration, as a struct and its table:
 * the same kind of table again. The host checks them before the plugin starts.
 *
 *     plugins:
 *       - plugin: hello
 *         settings: { greeting: "Good day" }
 */
typedef struct {
    const char *greeting;
} hello_settings;

static const gantry_arg hello_settings_args[] = {
    GANTRY_ARG(hello_settings, greeting, "The word to greet with", .length = {1, 40},
               .default_json = "\"Hello\""),
    GANTRY_ARGS_END,
};

static const char *greeting(gantry_call *call)
{
    const hello_settings *settings = gantry_settings(gantry_self(call));
    return settings->greeting;
}

/* ---- Options of arguments: a range, and a default that makes one optional. Every gantry_text()
 * adds a piece to the result. */
typedef struct {
    const char *name;
    int64_t times;
} greet_in;

static const gantry_arg greet_args[] = {
    GANTRY_ARG(greet_in, name, "Who to greet"),
    GANTRY_ARG(greet_in, times, "How often", .range = {1, 5}, .default_json = "1"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(greet, greet_in, "Greet somebody by name", .read_only = GANTRY_YES)
{
    for (int64_t i = 0; i < in->times; i++) {
        int rc = gantry_text(call, "%s, %s!", greeting(call), in->name);
        if (rc)
            return rc;
    }
    return GANTRY_OK;
}

/* ---- A tool that takes its time and returns structured output, which a table describes as well.
 * It waits without blocking the host: between two steps other calls run. Waiting fails when the
 * call is cancelled; passing that code on is all the handling it needs. Memory of gantry_alloc()
 * need not be freed. */
typedef struct {
    int64_t to;
    int64_t pause_ms;
} count_in;

static const gantry_arg count_args[] = {
    GANTRY_ARG(count_in, to, "Count up to this number", .range = {1, 1000}),
    GANTRY_ARG(count_in, pause_ms, "Pause between two numbers, milliseconds", .range = {0, 60000},
               .default_json = "100"),
    GANTRY_ARGS_END,
};

typedef struct {
    int64_t counted;
    gantry_ints numbers;
} count_out;

static const gantry_arg count_out_fields[] = {
    GANTRY_ARG(count_out, counted, "How far it came"),
    GANTRY_ARG(count_out, numbers, "Every number on the way"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(count, count_in, "Count, with progress", GANTRY_OUTPUT(count_out, count_out_fields),
            .read_only = GANTRY_YES)
{
    int64_t *numbers = gantry_alloc(call, (size_t)in->to * sizeof *numbers);
    if (!numbers)
        return GANTRY_ETOOBIG;
    for (int64_t i = 0; i < in->to; i++) {
        int rc = gantry_sleep(call, (uint32_t)in->pause_ms);
        if (rc)
            return rc;
        numbers[i] = i + 1;
        gantry_progress(call, (double)(i + 1), (double)in->to, NULL);
    }
    count_out out = {.counted = in->to, .numbers = {(size_t)in->to, numbers}};
    return gantry_structured(call, &out);
}

/* ---- State of an instance: made in start, freed in stop, found through gantry_self(). save and
 * restore carry it over a reload; the first byte is a version, since the next generation may be
 * another. */
typedef struct {
    int64_t visits;
} hello_state;

static int start(gantry_call *call, gantry_plugin *plugin)
{
    hello_state *state = calloc(1, sizeof *state);
    if (!state)
        return gantry_fail(call, "no memory");
    gantry_set_state(plugin, state);
    return GANTRY_OK;
}

static void stop(gantry_plugin *plugin)
{
    free(gantry_state(plugin));
}

static int save(gantry_plugin *plugin, gantry_buffer *out)
{
    const hello_state *state = gantry_state(plugin);
    int rc = gantry_buffer_add(out, "\1", 1);
    return rc ? rc : gantry_buffer_add(out, &state->visits, sizeof state->visits);
}

static int restore(gantry_plugin *plugin, const void *data, size_t n)
{
    hello_state *state = gantry_state(plugin);
    const char *bytes = data;
    if (n != 1 + sizeof state->visits || bytes[0] != 1)
        return GANTRY_EINVAL;
    memcpy(&state->visits, bytes + 1, sizeof state->visits);
    return GANTRY_OK;
}

/* ---- A resource: something to read, under one URI. Other calls of this plugin run only while a
 * handler waits (as count does), so the counter needs no lock. */
GANTRY_RESOURCE(visits, "hello://visits", "How often this resource has been read",
                .mime_type = "text/plain")
{
    hello_state *state = gantry_state(gantry_self(call));
    return gantry_text(call, "%lld", (long long)++state->visits);
}

/* ---- A resource template: a family of URIs. Its variables are rows of a table as well, and
 * `complete` suggests values while a person types. */
typedef struct {
    const char *name;
} person_in;

static const gantry_arg person_args[] = {
    GANTRY_ARG(person_in, name, "Whose card to read"),
    GANTRY_ARGS_END,
};

static const char *const people[] = {"ada", "alan", "barbara", "dennis", "grace", "ken"};

static int complete_person(gantry_call *call, const char *argument, const char *value)
{
    (void)argument; /* there is only one */
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        if (strncmp(people[i], value, strlen(value)) == 0)
            gantry_suggest(call, people[i]);
    }
    return GANTRY_OK;
}

GANTRY_TEMPLATE(person, person_in, "hello://people/{name}", "A visiting card",
                .mime_type = "application/json", .complete = complete_person)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_string(b, "name", in->name);
    gantry_put_string(b, "greeting", greeting(call));
    gantry_put_close(b);
    const char *text = gantry_json_print(call, gantry_builder_end(b));
    return text ? gantry_text(call, "%s", text) : GANTRY_ETOOBIG;
}

/* ---- A prompt: messages for a model, made from arguments. The values of a choice are suggested
 * without any doing. */
typedef struct {
    const char *name;
    const char *style;
} introduce_in;

static const gantry_arg introduce_args[] = {
    GANTRY_ARG(introduce_in, name, "Who is to be introduced"),
    GANTRY_ARG(introduce_in, style, "How to write", GANTRY_ONE_OF("formal", "friendly", "pirate"),
               .default_json = "\"friendly\""),
    GANTRY_ARGS_END,
};

GANTRY_PROMPT(introduce, introduce_in, "Write an introduction")
{
    int rc = gantry_message(call, GANTRY_USER, "Introduce %s to the team, in a %s style.", in->name,
                            in->style);
    return rc ? rc : gantry_message(call, GANTRY_ASSISTANT, "%s, everybody!", greeting(call));
}

/* ---- The plugin: its name, its version, and all of the above. What is not listed here does not
 * exist. */
GANTRY_PLUGIN("hello", "1.0.0", .description = "The tutorial plugin",
              .tools = GANTRY_TOOLS(&divide_tool, &greet_tool, &count_tool),
              .resources = GANTRY_RESOURCES(&visits_resource),
              .templates = GANTRY_TEMPLATES(&person_template),
              .prompts = GANTRY_PROMPTS(&introduce_prompt),
              GANTRY_SETTINGS(hello_settings, hello_settings_args), .start = start, .stop = stop,
              .save = save, .restore = restore);
