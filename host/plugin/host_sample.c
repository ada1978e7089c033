/* host_sample.c - a conversation with a model of the client that uses this host's tools.
 *
 * Each round is one question. What the model wants to be called is called in its order, each as a
 * step of its own (gantry_once), so a replay of the call is given the results again. A tool that
 * fails, or that was never offered, is for the model to deal with: it reads why.
 */
#include "plugin/host_ask.h"

#include "plugin/host_errors.h"
#include "util/str.h"

#include <string.h>

#define DEFAULT_ROUNDS 8
#define MAX_ROUNDS 100
#define TEXT_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define STEP_KEY "gantry.tool" /* of gantry_once; numbered by the order of the calls */

/* ---------------------------------------------------------------- tools on offer */

static void write_tool(const struct gn_component *c, struct gn_jw *w)
{
    gn_jw_object(w, NULL);
    gn_jw_str(w, "name", c->name);
    if (c->title)
        gn_jw_str(w, "title", c->title);
    if (c->description)
        gn_jw_str(w, "description", c->description);
    gn_jw_raw(w, "inputSchema", c->input_text, strlen(c->input_text));
    gn_jw_end(w);
}

int gn_host_offer_tools(gantry_call *call, struct gn_sampling *s, struct gn_error *err)
{
    struct gn_buf text = GN_BUF_INIT(TEXT_MAX_BYTES);
    struct gn_jw w;
    int rc = 0;
    if (!s->spec.tools || !s->spec.tools[0])
        return 0;
    if (!call->env->registry)
        return GN_ENOTSUP;
    gn_jw_init(&w, &text);
    gn_jw_array(&w, NULL);
    struct gn_viewer viewer = gn_viewer_of(gn_call_root(call));
    for (const char *const *name = s->spec.tools; *name && !rc; name++) {
        const struct gn_component *c = gn_registry_reach(call->env->registry, &viewer, *name);
        if (c && c->input_text)
            write_tool(c, &w);
        else
            rc = gn_error_set(err, GN_ENOENT, "there is no tool \"%.128s\" to be offered", *name);
    }
    if (!rc) {
        gn_jw_end(&w);
        s->tools = text.overflow ? NULL : gn_arena_strndup(&call->arena, text.data, text.len);
        s->tools_len = text.len;
        rc = s->tools ? 0 : gn_error_set(err, GN_ETOOBIG, "the tools are too large");
    }
    gn_buf_release(&text);
    return rc;
}

/* ---------------------------------------------------------------- one tool */

struct use {
    const struct gn_sampling *sampling;
    const char *id, *name;
    const gantry_json *input;
};

static bool is_offered(const struct use *use)
{
    const char *const *name = use->sampling->spec.tools;
    while (*name && strcmp(*name, use->name) != 0)
        name++;
    return *name != NULL;
}

static const char *why_not(int rc)
{
    switch (rc) {
    case GANTRY_ENOENT:
        return "there is no such tool";
    case GANTRY_ETIMEDOUT:
        return "it took too long";
    case GANTRY_EBUSY:
        return "the server is busy";
    case GANTRY_ETOOBIG:
        return "its result is too large, or the calls are nested too deep";
    default:
        return "it could not be called";
    }
}

static void write_error(struct gn_jw *w, const char *name, const char *why)
{
    struct gn_buf text = GN_BUF_INIT(1024);
    gn_buf_addf(&text, "Tool \"%.128s\": %s", name, why);
    gn_jw_array(w, "content");
    gn_jw_object(w, NULL);
    gn_jw_str(w, "type", "text");
    gn_jw_str(w, "text", gn_buf_str(&text));
    gn_jw_end(w);
    gn_jw_end(w);
    gn_jw_bool(w, "isError", true);
    gn_buf_release(&text);
}

/* 2025-11-25 knows structured content only as an object. */
static void write_result(struct gn_jw *w, const gantry_json *result, enum gn_revision revision)
{
    const gantry_json *structured = gn_json_get(result, "structuredContent");
    gn_jw_json(w, "content", gn_json_get(result, "content"));
    if (structured && (structured->type == GN_JSON_OBJECT || revision > GN_REV_2025_11_25))
        gn_jw_json(w, "structuredContent", structured);
    if (gn_json_type(gn_json_get(result, "isError")) == GN_JSON_TRUE)
        gn_jw_bool(w, "isError", true);
}

/* The step: a ToolResultContent, whatever became of the tool. */
static int use_tool(gantry_call *call, void *arg, const gantry_json **ret)
{
    const struct use *use = arg;
    const gantry_json *result = NULL;
    struct gn_buf text = GN_BUF_INIT(TEXT_MAX_BYTES);
    struct gn_jw w;
    int rc = is_offered(use) ? gn_host_call_tool(call, use->name, use->input, &result)
                             : GANTRY_ENOENT;
    if (rc == GANTRY_ECANCELED)
        return rc;
    gn_jw_init(&w, &text);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "type", "tool_result");
    gn_jw_str(&w, "toolUseId", use->id);
    if (gn_json_get(result, "content"))
        write_result(&w, result, call->revision);
    else
        write_error(&w, use->name, why_not(rc));
    gn_jw_end(&w);
    return gn_host_keep_json(call, &text, ret);
}

/* ---------------------------------------------------------------- rounds */

static bool wants_tools(const gantry_json *content)
{
    const gantry_json *piece = NULL;
    while ((piece = gn_json_next(content, piece)) != NULL) {
        if (gn_json_streq(gn_json_get(piece, "type"), "tool_use"))
            return true;
    }
    return false;
}

static int use_tools(gantry_call *call, const struct gn_sampling *s, const gantry_json *content,
                     struct gn_jw *w)
{
    const gantry_json *piece = NULL, *block = NULL;
    while ((piece = gn_json_next(content, piece)) != NULL) {
        if (!gn_json_streq(gn_json_get(piece, "type"), "tool_use"))
            continue;
        struct use use = {
            .sampling = s,
            .id = gn_json_cstr(gn_json_get(piece, "id")),
            .name = gn_json_cstr(gn_json_get(piece, "name")),
            .input = gn_json_get(piece, "input"),
        };
        int code = GANTRY_OK;
        int rc = gn_host_code(gn_call_once(call, STEP_KEY, use_tool, &use, &block, &code));
        if (rc || code)
            return rc ? rc : code;
        gn_jw_json(w, NULL, block);
    }
    return GANTRY_OK;
}

/* What the model said, and what the tools said to it, at the end of the messages. */
static int go_on(gantry_call *call, const struct gn_sampling *s, const gantry_json *content,
                 struct gn_buf *messages)
{
    struct gn_buf results = GN_BUF_INIT(TEXT_MAX_BYTES);
    struct gn_jw w;
    gn_jw_init(&w, &results);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "role", "user");
    gn_jw_array(&w, "content");
    int rc = use_tools(call, s, content, &w);
    if (!rc) {
        gn_jw_end(&w);
        gn_jw_end(&w);
        gn_buf_adds(messages, ",{\"role\":\"assistant\",\"content\":");
        gn_json_write(messages, content);
        gn_buf_adds(messages, "},");
        gn_buf_add(messages, gn_buf_str(&results), results.len);
        rc = messages->overflow || results.overflow ? GANTRY_ETOOBIG : GANTRY_OK;
    }
    gn_buf_release(&results);
    return rc;
}

struct beginning {
    gantry_call *call;
    const gantry_sampling *raw;
    struct gn_sampling *s;
    struct gn_buf *messages;
    struct gn_error err;
    int rc;
};

/* [loop] */
static void begin(void *arg)
{
    struct beginning *b = arg;
    b->rc = gn_sampling_take(b->raw, b->s, &b->err);
    if (!b->rc && (!b->s->spec.tools || !b->s->spec.tools[0]))
        b->rc = gn_error_set(&b->err, GN_EINVAL, ".tools names no tool");
    if (!b->rc)
        b->rc = gn_host_offer_tools(b->call, b->s, &b->err);
    if (!b->rc && b->call->revision >= GN_REV_2025_11_25)
        b->rc = gn_sampling_begin(b->s, b->call->revision, b->messages, &b->err);
}

static int converse(gantry_call *call, const char *key, struct gn_sampling *s, uint32_t max_rounds,
                    struct gn_buf *messages, gantry_sampled *ret)
{
    uint32_t choice = s->spec.tool_choice;
    for (uint32_t round = 1;; round++) {
        gantry_sampled said = {.size = sizeof said};
        bool is_last = round >= max_rounds;
        s->messages = messages->data;
        s->messages_len = messages->len;
        s->spec.tool_choice = is_last ? GANTRY_TOOLS_NONE : choice;
        int rc = gn_host_ask_model(call, key, s, &said);
        if (!rc && (is_last || !wants_tools(said.content))) {
            said.size = ret->size;
            memcpy(ret, &said, GN_MIN(ret->size, sizeof said));
            return GANTRY_OK;
        }
        if (!rc)
            rc = go_on(call, s, said.content, messages);
        if (rc)
            return rc;
        /* To be made to use a tool each time would be to never come to an end. */
        choice = choice == GANTRY_TOOLS_REQUIRED ? GANTRY_TOOLS_AUTO : choice;
    }
}

int gn_host_sample_loop(gantry_call *call, const char *key, const gantry_sampling *sampling,
                        uint32_t max_rounds, gantry_sampled *ret)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!key || !ret)
        return gn_host_misuse(call, "gantry_sample_loop: %s is NULL",
                              key ? "the place for what is said" : "the key");
    struct gn_sampling s;
    struct gn_buf messages = GN_BUF_INIT(TEXT_MAX_BYTES);
    struct beginning b = {.call = call, .raw = sampling, .s = &s, .messages = &messages};
    const char *heard = call->heard;
    int heard_rc = call->heard_rc;
    bool heard_own = call->heard_own;
    gn_task_on_loop(call->task, begin, &b);
    int rc = gn_host_code(b.rc);
    if (rc && b.err.code)
        gn_host_misuse(call, "gantry_sample_loop: %s", b.err.text);
    if (!rc)
        rc = converse(call, key, &s,
                      max_rounds ? GN_MIN(max_rounds, (uint32_t)MAX_ROUNDS) : DEFAULT_ROUNDS,
                      &messages, ret);
    if (!rc) { /* what a tool failed with, the model was told */
        call->heard = heard;
        call->heard_rc = heard_rc;
        call->heard_own = heard_own;
    }
    gn_buf_release(&messages);
    return rc;
}
