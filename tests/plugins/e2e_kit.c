/* e2e_kit.c - one tool, resource or prompt for each thing that the end-to-end tests look at. */
#include <gantry.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Counted on the loop thread only. */
static struct {
    int64_t in_flight, peak, finished, cancelled, shielded;
} counts;

/* ---------------------------------------------------------------- arguments of every type */

typedef struct {
    double x, y;
    const char *label;
} point;
static const gantry_arg point_args[] = {
    GANTRY_ARG(point, x, "Across"),
    GANTRY_ARG(point, y, "Up"),
    GANTRY_ARG(point, label, "Its name", .optional = 1),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *text;
    gantry_str bytes;
    int64_t whole;
    double real;
    bool yes;
    gantry_opt_int maybe_whole;
    gantry_opt_num maybe_real;
    gantry_opt_bool maybe_yes;
    gantry_strings words;
    gantry_ints wholes;
    gantry_nums reals;
    const gantry_json *any;
    point at;
    GANTRY_ARRAY(point) points;
    const char *colour;
    int64_t level;
} types_in;
static const gantry_arg types_args[] = {
    GANTRY_ARG(types_in, text, "Text"),
    GANTRY_ARG(types_in, bytes, "Text that may hold NUL", .optional = 1),
    GANTRY_ARG(types_in, whole, "A whole number", .range = {-1e15, 1e15}),
    GANTRY_ARG(types_in, real, "A number", .optional = 1),
    GANTRY_ARG(types_in, yes, "Yes or no", .default_json = "true"),
    GANTRY_ARG(types_in, maybe_whole, "A whole number or nothing"),
    GANTRY_ARG(types_in, maybe_real, "A number or nothing"),
    GANTRY_ARG(types_in, maybe_yes, "Yes, no or nothing"),
    GANTRY_ARG(types_in, words, "Words", .optional = 1, .length = {0, 5}),
    GANTRY_ARG(types_in, wholes, "Whole numbers", .optional = 1),
    GANTRY_ARG(types_in, reals, "Numbers", .optional = 1),
    GANTRY_ARG(types_in, any, "Anything", .optional = 1),
    GANTRY_ARG_OBJECT(types_in, at, point_args, "A point", .optional = 1),
    GANTRY_ARG_ARRAY(types_in, points, point_args, "Points", .optional = 1),
    GANTRY_ARG(types_in, colour, "A colour", .default_json = "\"red\"",
               GANTRY_ONE_OF("red", "green"), GANTRY_TITLES("Red", "Green")),
    GANTRY_ARG(types_in, level, "How much", .default_json = "3", .range = {1, 5}),
    GANTRY_ARGS_END,
};
static void put_point(gantry_builder *b, const char *name, const point *p)
{
    gantry_put_object(b, name);
    gantry_put_num(b, "x", p->x);
    gantry_put_num(b, "y", p->y);
    if (p->label)
        gantry_put_string(b, "label", p->label);
    gantry_put_close(b);
}
GANTRY_TOOL(types, types_in, "Returns every argument as it arrived", .title = "Every type",
            .output_schema_json = "{\"type\":\"object\"}", .read_only = GANTRY_YES,
            .idempotent = GANTRY_YES, .meta_json = "{\"kit\":{\"of\":\"types\"}}")
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_string(b, "text", in->text);
    if (in->bytes.p)
        gantry_put_stringn(b, "bytes", in->bytes.p, in->bytes.n);
    gantry_put_int(b, "whole", in->whole);
    gantry_put_num(b, "real", in->real);
    gantry_put_bool(b, "yes", in->yes);
    if (in->maybe_whole.set)
        gantry_put_int(b, "maybe_whole", in->maybe_whole.value);
    if (in->maybe_real.set)
        gantry_put_num(b, "maybe_real", in->maybe_real.value);
    if (in->maybe_yes.set)
        gantry_put_bool(b, "maybe_yes", in->maybe_yes.value);
    gantry_put_array(b, "words");
    for (size_t i = 0; i < in->words.n; i++)
        gantry_put_string(b, NULL, in->words.v[i]);
    gantry_put_close(b);
    gantry_put_array(b, "wholes");
    for (size_t i = 0; i < in->wholes.n; i++)
        gantry_put_int(b, NULL, in->wholes.v[i]);
    gantry_put_close(b);
    gantry_put_array(b, "reals");
    for (size_t i = 0; i < in->reals.n; i++)
        gantry_put_num(b, NULL, in->reals.v[i]);
    gantry_put_close(b);
    if (in->any)
        gantry_put_json(b, "any", in->any);
    put_point(b, "at", &in->at);
    gantry_put_array(b, "points");
    for (size_t i = 0; i < in->points.n; i++)
        put_point(b, NULL, &in->points.v[i]);
    gantry_put_close(b);
    gantry_put_string(b, "colour", in->colour);
    gantry_put_int(b, "level", in->level);
    gantry_put_close(b);
    return gantry_structured_json(call, gantry_builder_end(b));
}

/* ---------------------------------------------------------------- time, progress, cancellation */

typedef struct {
    int64_t ms;
} ms_in;
static const gantry_arg sleep_args[] = {
    GANTRY_ARG(ms_in, ms, "Milliseconds", .range = {0, 600000}),
    GANTRY_ARGS_END,
};
/* Counts a handler that waits; returns what the wait returned. */
static int waited(int rc)
{
    counts.in_flight--;
    if (rc == GANTRY_ECANCELED)
        counts.cancelled++;
    else
        counts.finished++;
    return rc;
}
static void waiting(void)
{
    if (++counts.in_flight > counts.peak)
        counts.peak = counts.in_flight;
}
GANTRY_TOOL(sleep, ms_in, "Sleeps without blocking anything", .timeout_ms = 600000)
{
    waiting();
    int rc = waited(gantry_sleep(call, (uint32_t)in->ms));
    return rc ? rc : gantry_text(call, "slept %lld", (long long)in->ms);
}

#define block_args sleep_args
GANTRY_TOOL(block, ms_in, "Blocks a worker thread", .flags = GANTRY_BLOCKING)
{
    usleep((useconds_t)in->ms * 1000);
    return gantry_text(call, "blocked %lld", (long long)in->ms);
}

static int usleep_ms(void *arg)
{
    usleep((useconds_t) * (int64_t *)arg * 1000);
    return 0;
}
#define work_args sleep_args
GANTRY_TOOL(work, ms_in, "Hands a blocking piece to a worker thread")
{
    int64_t ms = in->ms;
    int rc = gantry_work(call, usleep_ms, &ms);
    return rc ? rc : gantry_text(call, "worked %lld", (long long)ms);
}

typedef struct {
    int64_t steps, ms;
} count_in;
static const gantry_arg count_args[] = {
    GANTRY_ARG(count_in, steps, "How many", .range = {1, 100000}),
    GANTRY_ARG(count_in, ms, "Milliseconds between two", .default_json = "10"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(count, count_in, "Counts, and reports each step")
{
    for (int64_t i = 1; i <= in->steps; i++) {
        int rc = gantry_progress(call, (double)i, (double)in->steps,
                                 gantry_format(call, "step %lld", (long long)i));
        if (rc && rc != GANTRY_ENOTSUP)
            return rc;
        if ((rc = gantry_sleep(call, (uint32_t)in->ms)) != 0)
            return rc;
    }
    return gantry_text(call, "counted to %lld", (long long)in->steps);
}

GANTRY_TOOL0(stubborn, "Waits for a minute; when cancelled it cleans up in a shielded 50 ms")
{
    waiting();
    int rc = waited(gantry_sleep(call, 60000));
    if (rc == GANTRY_ECANCELED && gantry_cancelled(call) &&
        gantry_shield(call, 2000) == GANTRY_OK && gantry_sleep(call, 50) == GANTRY_OK)
        counts.shielded++;
    return rc;
}

GANTRY_TOOL0(status, "What this plugin has counted", .output_schema_json = "{\"type\":\"object\"}")
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_int(b, "in_flight", counts.in_flight);
    gantry_put_int(b, "peak", counts.peak);
    gantry_put_int(b, "finished", counts.finished);
    gantry_put_int(b, "cancelled", counts.cancelled);
    gantry_put_int(b, "shielded", counts.shielded);
    gantry_put_close(b);
    return gantry_structured_json(call, gantry_builder_end(b));
}

/* ---------------------------------------------------------------- results */

typedef struct {
    const char *text;
} text_in;
static const gantry_arg echo_args[] = {
    GANTRY_ARG(text_in, text, "What to say"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(echo, text_in, "Says what it is told", .read_only = GANTRY_YES)
{
    return gantry_text(call, "%s", in->text);
}

#define fail_args echo_args
GANTRY_TOOL(fail, text_in, "Fails on purpose, with the text as its message")
{
    return gantry_fail(call, "%s", in->text);
}

GANTRY_TOOL0(accident, "Fails without saying why")
{
    gantry_text(call, "this must not be seen");
    return GANTRY_EIO;
}

#define say_args echo_args
GANTRY_TOOL(say, text_in, "Prints the text to standard output, which a plugin must not do")
{
    printf("%s\n", in->text);
    fflush(stdout);
    ssize_t n = write(STDOUT_FILENO, in->text, strlen(in->text));
    return gantry_text(call, "printed %d", n > 0);
}

typedef struct {
    int64_t bytes;
} big_in;
static const gantry_arg big_args[] = {
    GANTRY_ARG(big_in, bytes, "How much", .range = {0, 8388608}),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(big, big_in, "Returns that many bytes of text")
{
    char *text = gantry_alloc(call, (size_t)in->bytes + 1);
    if (!text)
        return gantry_fail(call, "no memory for %lld bytes", (long long)in->bytes);
    memset(text, 'x', (size_t)in->bytes);
    return gantry_text_add(call, text, (size_t)in->bytes);
}

static const unsigned char pixel[] = {0x89, 'P', 'N', 'G', 0, 1, 2, 255};
GANTRY_TOOL0(content, "Returns one of each kind of content")
{
    gantry_text(call, "first");
    gantry_annotate(call, GANTRY_ANNOTATIONS(.audience = GANTRY_USER, .priority = {true, 0.5}));
    gantry_image(call, pixel, sizeof pixel, "image/png");
    gantry_audio(call, pixel, sizeof pixel, "audio/wav");
    gantry_embed_text(call, "kit://text", "text/plain", "embedded", 8);
    gantry_embed_blob(call, "kit://blob", "application/octet-stream", pixel, sizeof pixel);
    gantry_link(call, "kit://text", "text", "text/plain", "a link");
    return gantry_result_meta(call, "kit/count", gantry_json_parse(call, "6", 1));
}

typedef struct {
    const char *city;
    int64_t degrees;
    gantry_strings winds;
} weather;
static const gantry_arg weather_fields[] = {
    GANTRY_ARG(weather, city, "Where"),
    GANTRY_ARG(weather, degrees, "How warm"),
    GANTRY_ARG(weather, winds, "From where the wind blows"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL0(structured, "Returns a struct as structured output",
             GANTRY_OUTPUT(weather, weather_fields))
{
    static const char *const winds[] = {"north", "east"};
    weather w = {.city = "Oslo", .degrees = -3, .winds = {2, winds}};
    return gantry_structured(call, &w);
}

/* ---------------------------------------------------------------- the request */

typedef struct {
    const char *level, *text;
} log_in;
static const gantry_arg log_args[] = {
    GANTRY_ARG(log_in, text, "What to log at every level"),
    GANTRY_ARG(log_in, level, "Unused", .optional = 1),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(log, log_in, "Logs the text at every level")
{
    for (uint32_t level = GANTRY_DEBUG; level <= GANTRY_EMERGENCY; level++)
        gantry_log(call, level, "%s %u", in->text, level);
    return gantry_text(call, "logged");
}

typedef struct {
    const char *region, *query;
} region_in;
static const gantry_arg region_args[] = {
    GANTRY_ARG(region_in, region, "Where", .header = "Region", .optional = 1),
    GANTRY_ARG(region_in, query, "What", .optional = 1),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(region, region_in, "Has an argument that is mirrored in a header")
{
    const char *header = gantry_header(call, "mcp-param-region");
    return gantry_text(call, "%s %s", in->region ? in->region : "-", header ? header : "-");
}

static void put_info(gantry_builder *b, const char *name, const char *value)
{
    if (value)
        gantry_put_string(b, name, value);
    else
        gantry_put_null(b, name);
}
GANTRY_TOOL0(who, "What a handler can learn about its caller",
             .output_schema_json = "{\"type\":\"object\"}")
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    put_info(b, "method", gantry_method(call));
    put_info(b, "id", gantry_request_id(call));
    put_info(b, "session", gantry_session_id(call));
    put_info(b, "client", gantry_client_name(call));
    put_info(b, "version", gantry_client_version(call));
    put_info(b, "principal", gantry_principal(call));
    put_info(b, "component", gantry_component_name(call));
    put_info(b, "instance", gantry_instance(gantry_self(call)));
    put_info(b, "agent", gantry_header(call, "User-Agent"));
    gantry_put_bool(b, "elicitation", gantry_can(call, GANTRY_CAP_ELICITATION));
    gantry_put_bool(b, "roots", gantry_can(call, GANTRY_CAP_ROOTS));
    if (gantry_request_meta(call))
        gantry_put_json(b, "meta", gantry_request_meta(call));
    gantry_put_close(b);
    return gantry_structured_json(call, gantry_builder_end(b));
}

typedef struct {
    const char *name;
    const gantry_json *arguments;
} forward_in;
static const gantry_arg forward_args[] = {
    GANTRY_ARG(forward_in, name, "Which tool"),
    GANTRY_ARG(forward_in, arguments, "Its arguments", .optional = 1),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(forward, forward_in, "Calls another tool and returns its result as text")
{
    const gantry_json *result;
    int rc = gantry_call_tool(call, in->name, in->arguments, &result);
    if (rc && !result)
        return gantry_fail(call, "no answer from %s: %d", in->name, rc);
    return gantry_text(call, "%s", gantry_json_print(call, result));
}

/* ---------------------------------------------------------------- run-time registration */

static int run_added(gantry_call *call, const void *in GANTRY_UNUSED)
{
    return gantry_text(call, "%s was added", gantry_component_name(call));
}
typedef struct {
    const char *name;
} name_in;
static const gantry_arg add_args[] = {
    GANTRY_ARG(name_in, name, "Name of the tool"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(add, name_in, "Adds a tool while it runs")
{
    const gantry_tool tool = {.size = sizeof(gantry_tool),
                              .arg_size = sizeof(gantry_arg),
                              .name = in->name,
                              .description = "Added at run time",
                              .run = run_added};
    int rc = gantry_add_tool(gantry_self(call), &tool);
    return rc ? gantry_fail(call, "refused: %d", rc) : gantry_text(call, "added");
}
#define remove_args add_args
GANTRY_TOOL(remove, name_in, "Takes a tool back")
{
    int rc = gantry_remove_tool(gantry_self(call), in->name);
    return rc ? gantry_fail(call, "refused: %d", rc) : gantry_text(call, "removed");
}

/* ---------------------------------------------------------------- resources and templates */

GANTRY_RESOURCE(text, "kit://text", "A text", .mime_type = "text/plain", .title = "Text",
                .byte_size = 11, .annotations = GANTRY_ANNOTATIONS(.audience = GANTRY_ASSISTANT))
{
    return gantry_text(call, "hello world");
}
GANTRY_RESOURCE(blob, "kit://blob", "Some bytes", .mime_type = "application/octet-stream",
                .ttl_ms = 60000, .cache_scope = GANTRY_CACHE_PUBLIC)
{
    return gantry_blob(call, pixel, sizeof pixel, NULL);
}
GANTRY_RESOURCE(gone, "kit://gone", "Is listed, but not there")
{
    return GANTRY_ENOENT;
}

typedef struct {
    const char *id;
} item_in;
static const gantry_arg item_args[] = {
    GANTRY_ARG(item_in, id, "Which item"),
    GANTRY_ARGS_END,
};
static int complete_id(gantry_call *call, const char *argument, const char *value)
{
    static const char *const ids[] = {"apple", "apricot", "banana", "cherry"};
    if (strcmp(argument, "id") != 0 && strcmp(argument, "name") != 0)
        return GANTRY_OK;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (strncmp(ids[i], value, strlen(value)) == 0)
            gantry_suggest(call, ids[i]);
    if (strcmp(value, "many") == 0) {
        for (int i = 0; i < 150; i++)
            gantry_suggest(call, gantry_format(call, "many%d", i));
        gantry_suggest_total(call, 150);
    }
    return GANTRY_OK;
}
GANTRY_TEMPLATE(item, item_in, "kit://item/{id}", "An item", .mime_type = "text/plain",
                .complete = complete_id)
{
    if (strcmp(in->id, "none") == 0)
        return GANTRY_ENOENT;
    return gantry_text(call, "item %s of %s", in->id, gantry_uri(call));
}

typedef struct {
    const char *path, *q;
    gantry_opt_int limit;
} tree_in;
static const gantry_arg tree_args[] = {
    GANTRY_ARG(tree_in, path, "Where in the tree"),
    GANTRY_ARG(tree_in, q, "What to look for", .optional = 1),
    GANTRY_ARG(tree_in, limit, "How many"),
    GANTRY_ARGS_END,
};
GANTRY_TEMPLATE(tree, tree_in, "kit://tree/{path*}{?q,limit}", "A node of a tree")
{
    return gantry_text(call, "path=%s q=%s limit=%lld", in->path, in->q ? in->q : "-",
                       in->limit.set ? (long long)in->limit.value : -1);
}

/* ---------------------------------------------------------------- prompts */

typedef struct {
    const char *name;
    int64_t times;
} ask_in;
static const gantry_arg ask_args[] = {
    GANTRY_ARG(ask_in, name, "About what"),
    GANTRY_ARG(ask_in, times, "How often", .default_json = "1"),
    GANTRY_ARGS_END,
};
GANTRY_PROMPT(ask, ask_in, "Asks about something", .title = "Ask", .complete = complete_id)
{
    for (int64_t i = 0; i < in->times; i++)
        gantry_message(call, GANTRY_USER, "Tell me about %s", in->name);
    return GANTRY_OK;
}
GANTRY_PROMPT0(dialogue, "Two voices and a picture")
{
    gantry_message(call, GANTRY_USER, "Look:");
    gantry_image(call, pixel, sizeof pixel, "image/png");
    return gantry_message(call, GANTRY_ASSISTANT, "I see.");
}

GANTRY_PLUGIN("kit", "1.2.3", .description = "What the end-to-end tests look at",
              .tools = GANTRY_TOOLS(&types_tool, &sleep_tool, &block_tool, &work_tool, &count_tool,
                                    &stubborn_tool, &status_tool, &echo_tool, &fail_tool,
                                    &accident_tool, &say_tool, &big_tool, &content_tool,
                                    &structured_tool, &log_tool, &region_tool, &who_tool,
                                    &forward_tool, &add_tool, &remove_tool),
              .resources = GANTRY_RESOURCES(&text_resource, &blob_resource, &gone_resource),
              .templates = GANTRY_TEMPLATES(&item_template, &tree_template),
              .prompts = GANTRY_PROMPTS(&ask_prompt, &dialogue_prompt));
