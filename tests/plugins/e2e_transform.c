/* e2e_transform.c - parents of every kind, and a tool that makes tools of them as it is told, for
 * the end-to-end tests of tools made from tools. */
#include <gantry.h>

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- parents */

typedef struct {
    const char *query;
    int64_t limit;
    bool verbose;
    gantry_strings words;
    const gantry_json *filter;
} base_in;
static const gantry_arg base_args[] = {
    GANTRY_ARG(base_in, query, "What to look for", .length = {1, 50}, .title = "Query"),
    GANTRY_ARG(base_in, limit, "How many", .default_json = "10", .range = {1, 100}),
    GANTRY_ARG(base_in, verbose, "More of it", .default_json = "false"),
    GANTRY_ARG(base_in, words, "Words", .optional = 1),
    GANTRY_ARG(base_in, filter, "A filter", .optional = 1),
    GANTRY_ARGS_END,
};

/* Tells what reached it, filled in and checked. */
GANTRY_TOOL(base, base_in, "Looks for something.", .title = "Base", GANTRY_TAGS("first", "second"),
            .meta_json = "{\"team\": \"search\"}", .read_only = GANTRY_YES, .open_world = GANTRY_NO)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_string(b, "query", in->query);
    gantry_put_int(b, "limit", in->limit);
    gantry_put_bool(b, "verbose", in->verbose);
    gantry_put_array(b, "words");
    for (size_t i = 0; i < in->words.n; i++)
        gantry_put_string(b, NULL, in->words.v[i]);
    gantry_put_close(b);
    if (in->filter)
        gantry_put_json(b, "filter", in->filter);
    gantry_put_close(b);
    return gantry_structured_json(call, gantry_builder_end(b));
}

typedef struct {
    const char *op, *token;
} secure_in;
static const gantry_arg secure_args[] = {
    GANTRY_ARG(secure_in, op, "What to do"),
    GANTRY_ARG(secure_in, token, "Lets you in", .length = {3, 60}),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(secure, secure_in, "Needs a token.")
{
    return gantry_structured_json(call, GANTRY_OBJECT(call, "op", in->op, "token", in->token));
}

/* One whose schema is text, with definitions and alternatives; it tells its arguments as they are.
 */
static int loose_run(gantry_call *call, const void *in)
{
    (void)in;
    return gantry_structured_json(call, gantry_arguments(call));
}
static const gantry_tool loose_tool = {
    .size = sizeof(gantry_tool),
    .arg_size = sizeof(gantry_arg),
    .name = "loose",
    .description = "Takes much.",
    .run = loose_run,
    .input_schema_json =
        "{\"type\": \"object\", \"properties\": {"
        "\"value\": {\"description\": \"Number or text\", \"anyOf\": [{\"type\": \"integer\", "
        "\"minimum\": 5}, {\"type\": \"string\", \"maxLength\": 8}]},"
        "\"at\": {\"$ref\": \"#/$defs/point\"},"
        "\"note\": {\"type\": \"string\", \"default\": \"none\"}},"
        "\"required\": [\"value\"], \"additionalProperties\": false,"
        "\"$defs\": {\"point\": {\"type\": \"object\", \"properties\": {\"x\": {\"type\": "
        "\"number\"}}, \"required\": [\"x\"]}}}",
};

typedef struct {
    int64_t n;
} shaped_in;
static const gantry_arg shaped_args[] = {GANTRY_ARG(shaped_in, n, "A number"), GANTRY_ARGS_END};
typedef struct {
    int64_t twice;
} shaped_out;
static const gantry_arg shaped_fields[] = {GANTRY_ARG(shaped_out, twice, "Two of it"),
                                           GANTRY_ARGS_END};
GANTRY_TOOL(shaped, shaped_in, "Doubles.", GANTRY_OUTPUT(shaped_out, shaped_fields))
{
    if (in->n == 13)
        return gantry_fail(call, "13 is not doubled");
    shaped_out out = {in->n * 2};
    return gantry_structured(call, &out);
}

/* ---------------------------------------------------------------- functions around them */

/* As this text, which goes with the tool, has it. */
static const gantry_json *told(gantry_call *call)
{
    const char *text = gantry_data(call);
    return gantry_json_parse(call, text, strlen(text));
}
static int around_pass(gantry_call *call, const void *in)
{
    (void)in;
    return gantry_forward(call, NULL);
}
static int around_given(gantry_call *call, const void *in)
{
    (void)in;
    return gantry_forward(call, gantry_json_get(told(call), "forward"));
}
static int around_raw(gantry_call *call, const void *in)
{
    (void)in;
    return gantry_forward_raw(call, gantry_json_get(told(call), "forward"));
}
static int around_nothing(gantry_call *call, const void *in)
{
    (void)in;
    return gantry_text(call, "without it");
}
static int around_twice(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gantry_forward(call, NULL);
    const gantry_json *first = gantry_json_get(gantry_result(call), "structuredContent");
    if (!rc)
        rc = gantry_forward(call, gantry_json_get(told(call), "forward"));
    const gantry_json *second = gantry_json_get(gantry_result(call), "structuredContent");
    return rc ? rc
              : gantry_set_result(
                    call, GANTRY_OBJECT(call, "content", gantry_json_parse(call, "[]", 2),
                                        "structuredContent",
                                        GANTRY_OBJECT(call, "first", first, "second", second)));
}
static int around_mend(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gantry_forward(call, NULL);
    return rc ? gantry_text(call, "mended: %s", gantry_failure(call)) : rc;
}

typedef struct {
    const char *note;
    int64_t limit;
} noting_in;
static const gantry_arg noting_args[] = {
    GANTRY_ARG(noting_in, note, "Of the function alone", .default_json = "\"no note\""),
    GANTRY_ARG(noting_in, limit, "Of both", .default_json = "7", .range = {1, 9}),
    GANTRY_ARGS_END,
};
static int around_noting(gantry_call *call, const void *in)
{
    const noting_in *n = in;
    int rc = gantry_forward(call, NULL);
    const gantry_json *found = gantry_json_get(gantry_result(call), "structuredContent");
    return rc ? rc
              : gantry_set_result(call,
                                  GANTRY_OBJECT(call, "content", gantry_json_parse(call, "[]", 2),
                                                "structuredContent",
                                                GANTRY_OBJECT(call, "found", found, "note", n->note,
                                                              "limit", n->limit)));
}

static const struct {
    const char *name;
    gantry_run_fn run;
    const gantry_arg *args;
    uint32_t in_size;
} functions[] = {
    {"pass", around_pass, NULL, 0},
    {"given", around_given, NULL, 0},
    {"raw", around_raw, NULL, 0},
    {"nothing", around_nothing, NULL, 0},
    {"twice", around_twice, NULL, 0},
    {"mend", around_mend, NULL, 0},
    {"noting", around_noting, noting_args, sizeof(noting_in)},
};

/* ---------------------------------------------------------------- making */

/* A member as text: NULL if it is not there, "" for null. */
static const char *text_of(const gantry_json *object, const char *name)
{
    const gantry_json *v = gantry_json_get(object, name);
    return !v ? NULL : gantry_json_type(v) == GANTRY_JSON_NULL ? "" : gantry_json_string(v, NULL);
}
static const char *json_of(gantry_call *call, const gantry_json *object, const char *name)
{
    const gantry_json *v = gantry_json_get(object, name);
    return v ? gantry_json_print(call, v) : NULL;
}
/* The same, but "" for null, which takes away. */
static const char *object_of(gantry_call *call, const gantry_json *object, const char *name)
{
    const char *text = json_of(call, object, name);
    return text && strcmp(text, "null") == 0 ? "" : text;
}
static int8_t hint_of(const gantry_json *spec, const char *name)
{
    const gantry_json *v = gantry_json_get(gantry_json_get(spec, "annotations"), name);
    return (int8_t)(!v ? 0 : gantry_json_is_true(v) ? GANTRY_YES : GANTRY_NO);
}
static const char *const *tags_of(gantry_call *call, const gantry_json *spec)
{
    const gantry_json *tags = gantry_json_get(spec, "tags");
    size_t n = gantry_json_count(tags);
    const char **v = tags ? gantry_alloc(call, (n + 1) * sizeof *v) : NULL;
    for (size_t i = 0; v && i < n; i++)
        v[i] = gantry_json_string(gantry_json_at(tags, i), NULL);
    if (v)
        v[n] = NULL;
    return v;
}
static gantry_change *changes_of(gantry_call *call, const gantry_json *spec)
{
    const gantry_json *arguments = gantry_json_get(spec, "arguments"), *a = NULL;
    size_t n = gantry_json_count(arguments), i = 0;
    gantry_change *v = gantry_alloc(call, (n + 1) * sizeof *v);
    memset(v, 0, (n + 1) * sizeof *v);
    while ((a = gantry_json_next(arguments, a))) {
        v[i++] = (gantry_change){
            .arg = gantry_json_name(a, NULL),
            .name = text_of(a, "name"),
            .title = text_of(a, "title"),
            .description = text_of(a, "description"),
            .default_json = json_of(call, a, "default"),
            .source = text_of(a, "source"),
            .schema_json = json_of(call, a, "schema"),
            .examples_json = json_of(call, a, "examples"),
            .hide = gantry_json_bool_or(a, "hide", false),
            .required = gantry_json_bool_or(a, "required", false),
        };
    }
    return v;
}

static void set_function(gantry_from *from, const gantry_json *spec)
{
    const char *name = text_of(spec, "around");
    for (size_t i = 0; name && i < sizeof functions / sizeof *functions; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            from->run = functions[i].run;
            from->args = functions[i].args;
            from->in_size = functions[i].in_size;
        }
    }
}

typedef struct {
    const gantry_json *spec;
} make_in;
static const gantry_arg make_args[] = {
    GANTRY_ARG(make_in, spec, "As in the configuration, with parent, and around: a function"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(make, make_in, "Makes a tool of a tool, and answers with the code")
{
    const gantry_json *spec = in->spec;
    gantry_from from = {
        .size = sizeof from,
        .change_size = sizeof(gantry_change),
        .arg_size = sizeof(gantry_arg),
        .name = text_of(spec, "name"),
        .parent = text_of(spec, "parent"),
        .title = text_of(spec, "title"),
        .description = text_of(spec, "description"),
        .version = text_of(spec, "version"),
        .tags = tags_of(call, spec),
        .meta_json = object_of(call, spec, "meta"),
        .output_schema_json = object_of(call, spec, "output_schema"),
        .read_only = hint_of(spec, "readOnlyHint"),
        .destructive = hint_of(spec, "destructiveHint"),
        .idempotent = hint_of(spec, "idempotentHint"),
        .open_world = hint_of(spec, "openWorldHint"),
        .changes = changes_of(call, spec),
        .principal = text_of(spec, "principal"),
        .data = strdup(gantry_json_print(call, spec)),
        .free_data = free,
    };
    set_function(&from, spec);
    int rc = gantry_tool_from(gantry_self(call), &from);
    if (rc)
        free(from.data);
    return gantry_text(call, "%d", rc);
}

typedef struct {
    const char *name;
} unmake_in;
static const gantry_arg unmake_args[] = {GANTRY_ARG(unmake_in, name, "Of a tool"), GANTRY_ARGS_END};
GANTRY_TOOL(unmake, unmake_in, "Takes it away")
{
    return gantry_text(call, "%d", gantry_remove_tool(gantry_self(call), in->name));
}

GANTRY_TOOL0(forward_outside, "Forwards where there is nothing to forward to")
{
    int plain = gantry_forward(call, NULL), raw = gantry_forward_raw(call, NULL);
    return gantry_text(call, "%d %d", plain, raw);
}

/* ---------------------------------------------------------------- for source: scope */

static const gantry_var colour = GANTRY_VAR("colour", GANTRY_VALUE_TEXT);
GANTRY_MIDDLEWARE(set_colour, GANTRY_ON_CALL_TOOL)
{
    int rc = gantry_set_text(call, &colour, "green");
    return rc ? rc : gantry_next(call);
}

GANTRY_PLUGIN("transform", "1.0.0",
              .tools = GANTRY_TOOLS(&base_tool, &secure_tool, &loose_tool, &shaped_tool, &make_tool,
                                    &unmake_tool, &forward_outside_tool),
              .middleware = GANTRY_MIDDLEWARES(&set_colour_middleware));
