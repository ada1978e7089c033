/* e2e_around.c - middlewares of every kind, for the end-to-end tests: each concerns the components
 * with its tag, but for `trace`, which is around everything and remembers what passed. */
#include <gantry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char seen[8192];
    size_t len;
    int flaky; /* how often it has been tried */
} state;

static state *mine(gantry_call *call)
{
    return gantry_state(gantry_self(call));
}

static void note(gantry_call *call, const char *when)
{
    state *s = mine(call);
    const char *name = gantry_component_name(call);
    int n = snprintf(s->seen + s->len, sizeof s->seen - s->len, "%s%s %s%s%s@%d",
                     s->len ? "; " : "", when, gantry_method(call), name ? " " : "",
                     name ? name : "", gantry_depth(call));
    if (n > 0 && s->len + (size_t)n < sizeof s->seen)
        s->len += (size_t)n;
}

GANTRY_MIDDLEWARE(trace, GANTRY_ON_MESSAGE, .priority = -100)
{
    static const char *const outcomes[] = {"none",     "result",  "failed", "invalid", "not_found",
                                           "accident", "timeout", "busy",   "canceled"};
    note(call, ">");
    int rc = gantry_next(call);
    note(call, outcomes[gantry_outcome(call)]);
    return rc;
}

/* Two that show the order: the outer one has the lower priority, although declared last. */
static int wrap(gantry_call *call, const char *mark)
{
    int rc = gantry_next(call);
    return rc ? rc : gantry_text(call, "%s", mark);
}
GANTRY_MIDDLEWARE(inner, GANTRY_ON_CALL_TOOL, .priority = 20, GANTRY_TAGS("wrapped"))
{
    return wrap(call, "inner");
}
GANTRY_MIDDLEWARE(outer, GANTRY_ON_CALL_TOOL, .priority = 10, GANTRY_TAGS("wrapped", "other"))
{
    return wrap(call, "outer");
}

GANTRY_MIDDLEWARE(rewrite, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("rewritten"))
{
    gantry_builder *b = gantry_builder_new(call);
    const gantry_json *word = gantry_json_get(gantry_arguments(call), "word");
    gantry_put_object(b, NULL);
    gantry_put_string(b, "word",
                      gantry_format(call, "<%s>", word ? gantry_json_string(word, NULL) : "none"));
    gantry_put_close(b);
    gantry_set_arguments(call, gantry_builder_end(b));
    int rc = gantry_next(call);
    if (rc)
        return rc;
    const gantry_json *content = gantry_json_get(gantry_result(call), "content");
    const char *text = gantry_json_string(gantry_json_get(gantry_json_at(content, 0), "text"),
                                          NULL);
    b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_array(b, "content");
    gantry_put_object(b, NULL);
    gantry_put_string(b, "type", "text");
    gantry_put_string(b, "text", gantry_format(call, "rewritten: %s", text));
    gantry_put_close(b);
    gantry_put_close(b);
    gantry_put_object(b, "_meta");
    gantry_put_bool(b, "test/rewritten", true);
    gantry_put_close(b);
    gantry_put_close(b);
    return gantry_set_result(call, gantry_builder_end(b));
}

GANTRY_MIDDLEWARE(retry, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("flaky"))
{
    int rc = gantry_next(call);
    for (int tries = 1; rc && gantry_outcome(call) == GANTRY_OUTCOME_FAILED && tries < 3; tries++) {
        if ((rc = gantry_sleep(call, 1)))
            return rc;
        rc = gantry_next(call);
    }
    return rc;
}

GANTRY_MIDDLEWARE(canned, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("canned"))
{
    return gantry_text(call, "canned");
}

GANTRY_MIDDLEWARE(guard, GANTRY_ON_CALL_TOOL | GANTRY_ON_READ_RESOURCE | GANTRY_ON_GET_PROMPT,
                  .priority = -50, GANTRY_TAGS("forbidden"))
{
    return gantry_refuse(call, -32001, "%s is not for %s", gantry_component_name(call),
                         gantry_client_name(call));
}

GANTRY_MIDDLEWARE(mend, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("mended"))
{
    int rc = gantry_next(call);
    return rc ? gantry_text(call, "mended after: %s", gantry_failure(call)) : rc;
}

/* A mistake of its own: it must be told by its name. */
GANTRY_MIDDLEWARE(broken, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("broken"))
{
    int rc = gantry_next(call);
    return rc ? rc : GANTRY_EIO;
}

GANTRY_MIDDLEWARE(hurry, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("hurried"))
{
    int rc = gantry_set_timeout(call, 50);
    return rc ? rc : gantry_next(call);
}

/* Writes the members of a value anew, those of one list through `one`. */
static int relist(gantry_call *call, const char *list,
                  bool (*one)(gantry_call *call, const gantry_json *item, gantry_builder *b))
{
    int rc = gantry_next(call);
    if (rc)
        return rc;
    const gantry_json *result = gantry_result(call), *items = gantry_json_get(result, list);
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_array(b, list);
    for (const gantry_json *v = NULL; (v = gantry_json_next(items, v));) {
        if (one(call, v, b))
            gantry_put_json(b, NULL, v);
    }
    gantry_put_close(b);
    gantry_put_string(b, "nextCursor", "the host's own to say");
    gantry_put_int(b, "ttlMs", -1);
    gantry_put_string(b, "resultType", "made up");
    gantry_put_close(b);
    return gantry_set_result(call, gantry_builder_end(b));
}
static bool keep(gantry_call *call, const gantry_json *item, gantry_builder *b)
{
    (void)call, (void)b;
    const char *name = gantry_json_string(gantry_json_get(item, "name"), NULL);
    return !name || !strstr(name, "hidden");
}
GANTRY_MIDDLEWARE(hide_tools, GANTRY_ON_LIST_TOOLS)
{
    return relist(call, "tools", keep);
}
GANTRY_MIDDLEWARE(hide_resources, GANTRY_ON_LIST_RESOURCES)
{
    return relist(call, "resources", keep);
}
GANTRY_MIDDLEWARE(hide_templates, GANTRY_ON_LIST_RESOURCE_TEMPLATES)
{
    return relist(call, "resourceTemplates", keep);
}
GANTRY_MIDDLEWARE(hide_prompts, GANTRY_ON_LIST_PROMPTS)
{
    return relist(call, "prompts", keep);
}

GANTRY_MIDDLEWARE(doorman, GANTRY_ON_INITIALIZE)
{
    const gantry_json *info = gantry_json_get(gantry_params(call), "clientInfo");
    const char *name = gantry_json_string(gantry_json_get(info, "name"), NULL);
    if (name && strcmp(name, "evil") == 0)
        return gantry_refuse(call, -32050, "no entry");
    int rc = gantry_next(call);
    if (!rc && name && strcmp(name, "late") == 0)
        return gantry_refuse(call, -32051, "no entry after all");
    return rc;
}

/* ---------------------------------------------------------------- what they are around */

typedef struct {
    const char *word;
} echo_in;
static const gantry_arg echo_args[] = {GANTRY_ARG(echo_in, word, "A word", .length = {1, 20}),
                                       GANTRY_ARGS_END};
GANTRY_TOOL(echo, echo_in, "Says it", GANTRY_TAGS("wrapped"))
{
    return gantry_text(call, "%s", in->word);
}
#define rewritten_args echo_args
GANTRY_TOOL(rewritten, echo_in, "Says what a middleware makes of it", GANTRY_TAGS("rewritten"))
{
    return gantry_text(call, "%s", in->word);
}
#define slow_echo_args echo_args
GANTRY_TOOL(slow_echo, echo_in, "Says it, on a worker", GANTRY_TAGS("wrapped"),
            .flags = GANTRY_BLOCKING)
{
    int rc = gantry_sleep(call, 1);
    return rc ? rc : gantry_text(call, "%s", in->word);
}
GANTRY_TOOL0(flaky, "Succeeds the third time", GANTRY_TAGS("flaky"))
{
    if (++mine(call)->flaky % 3)
        return gantry_fail(call, "try %d failed", mine(call)->flaky % 3);
    return gantry_text(call, "third time lucky");
}
GANTRY_TOOL0(canned, "Never runs", GANTRY_TAGS("canned"))
{
    return gantry_fail(call, "ran all the same");
}
GANTRY_TOOL0(forbidden, "Never runs", GANTRY_TAGS("forbidden"))
{
    return gantry_text(call, "ran all the same");
}
GANTRY_TOOL0(mended, "Fails", GANTRY_TAGS("mended"))
{
    gantry_text(call, "half of an answer");
    return gantry_fail(call, "out of ink");
}
GANTRY_TOOL0(broken, "Works, but what is around it does not", GANTRY_TAGS("broken"))
{
    return gantry_text(call, "fine");
}
GANTRY_TOOL0(hurried, "Would take a minute", GANTRY_TAGS("hurried"))
{
    int rc = gantry_sleep(call, 60000);
    return rc ? rc : gantry_text(call, "done");
}
GANTRY_TOOL0(hidden, "Not in lists")
{
    return gantry_text(call, "found");
}
GANTRY_TOOL0(nobody, "Calls a middleware's function from a handler")
{
    int rc = gantry_next(call);
    return gantry_text(call, "%d", rc);
}
GANTRY_TOOL0(trace_read, "What has passed, and forgets it")
{
    state *s = mine(call);
    int rc = gantry_text(call, "%s", s->seen);
    s->len = 0;
    s->seen[0] = 0;
    return rc;
}

typedef struct {
    const char *tool;
} through_in;
static const gantry_arg through_args[] = {GANTRY_ARG(through_in, tool, "Which tool to call"),
                                          GANTRY_ARGS_END};
static int through(gantry_call *call, const through_in *in)
{
    static const char arguments[] = "{\"word\": \"deep\"}";
    const gantry_json *result;
    int rc = gantry_call_tool(call, in->tool,
                              gantry_json_parse(call, arguments, sizeof arguments - 1), &result);
    return result ? gantry_text(call, "%s", gantry_json_print(call, result))
                  : gantry_text(call, "code %d", rc);
}
GANTRY_TOOL(through, through_in, "Calls another tool")
{
    return through(call, in);
}
#define through_worker_args through_args
GANTRY_TOOL(through_worker, through_in, "Calls another tool from a worker",
            .flags = GANTRY_BLOCKING)
{
    return through(call, in);
}

GANTRY_RESOURCE(hidden_page, "around://hidden", "Not in lists")
{
    return gantry_text(call, "page");
}
GANTRY_RESOURCE(locked_page, "around://locked", "Refused", GANTRY_TAGS("forbidden"))
{
    return gantry_text(call, "page");
}
GANTRY_PROMPT0(hidden_prompt, "Not in lists")
{
    return gantry_text(call, "prompt");
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    (void)call;
    gantry_set_state(plugin, calloc(1, sizeof(state)));
    return GANTRY_OK;
}
static void stop(gantry_plugin *plugin)
{
    free(gantry_state(plugin));
}

GANTRY_PLUGIN(
    "e2e_around", "1.0.0", .start = start, .stop = stop,
    .tools = GANTRY_TOOLS(&echo_tool, &rewritten_tool, &slow_echo_tool, &flaky_tool, &canned_tool,
                          &forbidden_tool, &mended_tool, &broken_tool, &hurried_tool, &hidden_tool,
                          &nobody_tool, &trace_read_tool, &through_tool, &through_worker_tool),
    .resources = GANTRY_RESOURCES(&hidden_page_resource, &locked_page_resource),
    .prompts = GANTRY_PROMPTS(&hidden_prompt_prompt),
    .middleware = GANTRY_MIDDLEWARES(&trace_middleware, &inner_middleware, &outer_middleware,
                                     &rewrite_middleware, &retry_middleware, &canned_middleware,
                                     &guard_middleware, &mend_middleware, &broken_middleware,
                                     &hurry_middleware, &hide_tools_middleware,
                                     &hide_resources_middleware, &hide_templates_middleware,
                                     &hide_prompts_middleware, &doorman_middleware));
