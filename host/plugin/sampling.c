/* sampling.c - see sampling.h. */
#include "plugin/sampling.h"

#include "plugin/abi_internal.h"
#include "util/str.h"

#include <math.h>
#include <string.h>

#define MAX_TOKENS 1024 /* if the author says nothing */
#define LIST_MAX 64     /* models, stop sequences, tools */
#define MESSAGES_MAX ((size_t)8 * 1024 * 1024)

static const char *const choice_names[] = {
    [GANTRY_TOOLS_AUTO] = "auto",
    [GANTRY_TOOLS_REQUIRED] = "required",
    [GANTRY_TOOLS_NONE] = "none",
};
static const char *const context_names[] = {
    [GANTRY_CONTEXT_NONE] = "none",
    [GANTRY_CONTEXT_THIS_SERVER] = "thisServer",
    [GANTRY_CONTEXT_ALL_SERVERS] = "allServers",
};

/* ---------------------------------------------------------------- what the author asks for */

static int check_list(const char *const *list, const char *what, struct gn_error *err)
{
    size_t n = 0;
    while (list && list[n] && n <= LIST_MAX)
        n++;
    return n > LIST_MAX ? gn_error_set(err, GN_ETOOBIG, "more than %d %s: is the NULL there?",
                                       LIST_MAX, what)
                        : 0;
}

static int check_priorities(const gantry_sampling *s, struct gn_error *err)
{
    const double all[] = {s->cost, s->speed, s->intelligence};
    for (size_t i = 0; i < GN_COUNT(all); i++) {
        if (!(all[i] >= 0 && all[i] <= 1))
            return gn_error_set(err, GN_EINVAL, "a priority is not from 0 to 1");
    }
    if (s->temperature.set && !isfinite(s->temperature.value))
        return gn_error_set(err, GN_EINVAL, "the temperature is not a number");
    return 0;
}

int gn_sampling_take(const gantry_sampling *raw, struct gn_sampling *ret, struct gn_error *err)
{
    gantry_sampling *s = &ret->spec;
    memset(ret, 0, sizeof *ret);
    if (!raw)
        return gn_error_set(err, GN_EINVAL, "there is nothing to ask a model: .sampling is NULL");
    int rc = gn_abi_copy(s, sizeof *s, offsetof(gantry_sampling, messages), raw, err);
    if (rc)
        return rc;
    if (!s->prompt == !s->messages)
        return gn_error_set(err, GN_EINVAL, "a prompt or messages: %s",
                            s->prompt ? "there are both" : "there is neither");
    if (s->messages && (gn_json_type(s->messages) != GN_JSON_ARRAY || s->messages->len == 0))
        return gn_error_set(err, GN_EINVAL, "messages are an array, and not an empty one");
    if (s->tools && s->tools_json)
        return gn_error_set(err, GN_EINVAL, "tools are named or given as JSON, not both");
    if (s->tools_json && gn_json_type(s->tools_json) != GN_JSON_ARRAY)
        return gn_error_set(err, GN_EINVAL, "tools_json is not an array");
    if (s->metadata && gn_json_type(s->metadata) != GN_JSON_OBJECT)
        return gn_error_set(err, GN_EINVAL, "metadata is not an object");
    if (s->context >= GN_COUNT(context_names) || s->tool_choice >= GN_COUNT(choice_names))
        return gn_error_set(err, GN_ENOTSUP, "context or tool_choice is not known to this host");
    rc = check_priorities(s, err);
    if (!rc)
        rc = check_list(s->models, "models", err);
    if (!rc)
        rc = check_list(s->stop_sequences, "stop sequences", err);
    return rc ? rc : check_list(s->tools, "tools", err);
}

/* Pieces of content of a message: the elements of an array, or the one that stands there. */
static const gantry_json *next_piece(const gantry_json *content, const gantry_json *prev)
{
    if (gn_json_type(content) == GN_JSON_ARRAY)
        return gn_json_next(content, prev);
    return prev ? NULL : content;
}

static bool is_of_tools(const gantry_json *piece)
{
    const gantry_json *type = gn_json_get(piece, "type");
    return gn_json_streq(type, "tool_use") || gn_json_streq(type, "tool_result");
}

uint32_t gn_sampling_needs(const struct gn_sampling *s)
{
    uint32_t needs = GANTRY_CAP_SAMPLING;
    const gantry_json *m = NULL, *p = NULL;
    if ((s->spec.tools && s->spec.tools[0]) || s->spec.tools_json)
        needs |= GANTRY_CAP_SAMPLING_TOOLS;
    while ((m = gn_json_next(s->spec.messages, m)) != NULL) {
        const gantry_json *content = gn_json_get(m, "content");
        while ((p = next_piece(content, p)) != NULL)
            needs |= is_of_tools(p) ? GANTRY_CAP_SAMPLING_TOOLS : 0u;
    }
    return needs;
}

/* ---------------------------------------------------------------- messages */

static int check_piece(const gantry_json *piece, enum gn_revision revision, struct gn_error *err)
{
    static const struct {
        const char *type;
        enum gn_revision since;
    } known[] = {
        {"text", GN_REV_2024_11_05},        {"image", GN_REV_2024_11_05},
        {"audio", GN_REV_2025_03_26},       {"tool_use", GN_REV_2025_11_25},
        {"tool_result", GN_REV_2025_11_25},
    };
    const gantry_json *type = gn_json_get(piece, "type");
    for (size_t i = 0; i < GN_COUNT(known); i++) {
        if (!gn_json_streq(type, known[i].type))
            continue;
        return revision >= known[i].since
                   ? 0
                   : gn_error_set(err, GN_ENOTSUP, "revision %s has no content of type %s",
                                  gn_revision_name(revision), known[i].type);
    }
    return gn_error_set(err, GN_EINVAL,
                        "content of a message is text, image, audio, tool_use or tool_result");
}

/* Whoever looks at the message is told results of tools or something else, not both. */
static int check_message(const gantry_json *message, enum gn_revision revision,
                         struct gn_error *err)
{
    const gantry_json *role = gn_json_get(message, "role"), *p = NULL;
    const gantry_json *content = gn_json_get(message, "content");
    size_t results = 0, pieces = 0;
    if (!gn_json_streq(role, "user") && !gn_json_streq(role, "assistant"))
        return gn_error_set(err, GN_EINVAL, "the role of a message is user or assistant");
    while ((p = next_piece(content, p)) != NULL) {
        int rc = check_piece(p, revision, err);
        if (rc)
            return rc;
        pieces++;
        results += gn_json_streq(gn_json_get(p, "type"), "tool_result");
    }
    if (pieces == 0)
        return gn_error_set(err, GN_EINVAL, "a message has no content");
    if (results > 0 && results < pieces)
        return gn_error_set(err, GN_EINVAL,
                            "a message with results of tools holds nothing but those");
    return 0;
}

static void write_message(const gantry_json *message, const gantry_json *content, struct gn_jw *w)
{
    gn_jw_object(w, NULL);
    gn_jw_json(w, "role", gn_json_get(message, "role"));
    gn_jw_json(w, "content", content);
    gn_jw_end(w);
}

static int write_messages(const struct gn_sampling *s, enum gn_revision revision, struct gn_jw *w,
                          struct gn_error *err)
{
    const gantry_json *m = NULL, *p = NULL;
    if (s->spec.prompt) {
        gn_jw_object(w, NULL);
        gn_jw_str(w, "role", "user");
        gn_jw_object(w, "content");
        gn_jw_str(w, "type", "text");
        gn_jw_str(w, "text", s->spec.prompt);
        gn_jw_end(w);
        gn_jw_end(w);
    }
    while ((m = gn_json_next(s->spec.messages, m)) != NULL) {
        const gantry_json *content = gn_json_get(m, "content");
        int rc = check_message(m, revision, err);
        if (rc)
            return rc;
        if (revision >= GN_REV_2025_11_25) {
            write_message(m, content, w);
            continue;
        }
        while ((p = next_piece(content, p)) != NULL)
            write_message(m, p, w);
    }
    return 0;
}

int gn_sampling_begin(const struct gn_sampling *s, enum gn_revision revision, struct gn_buf *out,
                      struct gn_error *err)
{
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_array(&w, NULL);
    int rc = write_messages(s, revision, &w, err);
    if (rc)
        return rc;
    gn_jw_end(&w);
    if (out->overflow)
        return gn_error_set(err, GN_ETOOBIG, "the messages are too large");
    gn_buf_cut(out, out->len - 1); /* the bracket */
    return 0;
}

/* ---------------------------------------------------------------- the request */

static void write_list(struct gn_jw *w, const char *name, const char *const *list)
{
    if (!list || !list[0])
        return;
    gn_jw_array(w, name);
    for (; *list; list++)
        gn_jw_str(w, NULL, *list);
    gn_jw_end(w);
}

static void write_preferences(const gantry_sampling *s, struct gn_jw *w)
{
    const struct {
        const char *name;
        double value;
    } priorities[] = {{"costPriority", s->cost},
                      {"speedPriority", s->speed},
                      {"intelligencePriority", s->intelligence}};
    bool has_models = s->models && s->models[0];
    if (!has_models && !(s->cost > 0) && !(s->speed > 0) && !(s->intelligence > 0))
        return;
    gn_jw_object(w, "modelPreferences");
    if (has_models) {
        gn_jw_array(w, "hints");
        for (const char *const *m = s->models; *m; m++) {
            gn_jw_object(w, NULL);
            gn_jw_str(w, "name", *m);
            gn_jw_end(w);
        }
        gn_jw_end(w);
    }
    for (size_t i = 0; i < GN_COUNT(priorities); i++) {
        if (priorities[i].value > 0)
            gn_jw_num(w, priorities[i].name, priorities[i].value);
    }
    gn_jw_end(w);
}

static void write_tools(const struct gn_sampling *s, struct gn_jw *w)
{
    if (s->tools)
        gn_jw_raw(w, "tools", s->tools, s->tools_len);
    else if (s->spec.tools_json)
        gn_jw_json(w, "tools", s->spec.tools_json);
    else
        return;
    if (s->spec.tool_choice == GANTRY_TOOLS_AUTO)
        return;
    gn_jw_object(w, "toolChoice");
    gn_jw_str(w, "mode", choice_names[s->spec.tool_choice]);
    gn_jw_end(w);
}

int gn_sampling_write(const struct gn_sampling *s, enum gn_revision revision, struct gn_jw *w,
                      struct gn_error *err)
{
    const gantry_sampling *spec = &s->spec;
    struct gn_buf messages = GN_BUF_INIT(MESSAGES_MAX);
    int rc = s->messages ? gn_buf_add(&messages, s->messages, s->messages_len)
                         : gn_sampling_begin(s, revision, &messages, err);
    if (!rc)
        rc = gn_buf_addc(&messages, ']');
    if (!rc) {
        gn_jw_object(w, NULL);
        gn_jw_raw(w, "messages", messages.data, messages.len);
        write_preferences(spec, w);
        if (spec->system_prompt)
            gn_jw_str(w, "systemPrompt", spec->system_prompt);
        if (spec->context != GANTRY_CONTEXT_NONE && s->has_context)
            gn_jw_str(w, "includeContext", context_names[spec->context]);
        if (spec->temperature.set)
            gn_jw_num(w, "temperature", spec->temperature.value);
        gn_jw_int(w, "maxTokens", spec->max_tokens ? spec->max_tokens : MAX_TOKENS);
        write_list(w, "stopSequences", spec->stop_sequences);
        if (spec->metadata)
            gn_jw_json(w, "metadata", spec->metadata);
        write_tools(s, w);
        gn_jw_end(w);
    }
    gn_buf_release(&messages);
    return rc;
}

/* ---------------------------------------------------------------- the answer */

static int check_tool_use(const gantry_json *piece, bool has_tools, struct gn_error *err)
{
    if (!has_tools)
        return gn_error_set(err, GN_EINVAL, "content: it uses tools, but none were offered");
    if (!gn_json_cstr(gn_json_get(piece, "id")) || !gn_json_cstr(gn_json_get(piece, "name")) ||
        gn_json_type(gn_json_get(piece, "input")) != GN_JSON_OBJECT)
        return gn_error_set(err, GN_EINVAL, "content: a tool_use has id, name and input");
    return 0;
}

/* Known types are looked at; what is not known is the author's to judge. */
static int read_piece(const gantry_json *piece, bool has_tools, struct gn_buf *text,
                      struct gn_error *err)
{
    const char *type = gn_json_cstr(gn_json_get(piece, "type"));
    if (!type)
        return gn_error_set(err, GN_EINVAL, "content: a piece of it has no type");
    if (strcmp(type, "tool_use") == 0)
        return check_tool_use(piece, has_tools, err);
    if (strcmp(type, "text") != 0)
        return 0;
    const gantry_json *said = gn_json_get(piece, "text");
    if (!gn_json_cstr(said))
        return gn_error_set(err, GN_EINVAL, "content: its text is %s",
                            said && said->type == GN_JSON_STRING ? "not without U+0000"
                                                                 : "not a string");
    if (text->len > 0)
        gn_buf_addc(text, '\n');
    gn_buf_add(text, said->text, said->len);
    return 0;
}

static const gantry_json *as_array(const gantry_json *content, struct gn_arena *arena)
{
    struct gn_buf text = GN_BUF_INIT(MESSAGES_MAX);
    struct gn_jw w;
    gn_jw_init(&w, &text);
    gn_jw_array(&w, NULL);
    gn_jw_json(&w, NULL, content);
    gn_jw_end(&w);
    const gantry_json *array = text.overflow
                                   ? NULL
                                   : gn_json_parse_arena(arena, text.data, text.len, NULL);
    gn_buf_release(&text);
    return array;
}

int gn_sampling_read(const gantry_json *result, bool has_tools, struct gn_arena *arena,
                     gantry_sampled *ret, struct gn_error *err)
{
    const gantry_json *content = gn_json_get(result, "content"), *p = NULL;
    const gantry_json *role = gn_json_get(result, "role");
    const gantry_json *stop = gn_json_get(result, "stopReason");
    const char *model = gn_json_cstr(gn_json_get(result, "model"));
    bool is_array = gn_json_type(content) == GN_JSON_ARRAY;
    struct gn_buf text = GN_BUF_INIT(MESSAGES_MAX);
    int rc = 0;
    if (!gn_json_streq(role, "assistant") && !gn_json_streq(role, "user"))
        return gn_error_set(err, GN_EINVAL, "role: expected \"assistant\" or \"user\"");
    if (!is_array && gn_json_type(content) != GN_JSON_OBJECT)
        return gn_error_set(err, GN_EINVAL, "content: expected an object or an array, got %s",
                            gn_json_type_name(content));
    if (!model)
        return gn_error_set(err, GN_EINVAL, "model: expected the model's name");
    if (stop && stop->type != GN_JSON_NULL && !gn_json_cstr(stop))
        return gn_error_set(err, GN_EINVAL, "stopReason: expected string");
    while (!rc && (p = next_piece(content, p)) != NULL)
        rc = read_piece(p, has_tools, &text, err);
    memset(ret, 0, sizeof *ret);
    if (!rc) {
        *ret = (gantry_sampled){
            .size = sizeof *ret,
            .role = gn_json_streq(role, "user") ? GANTRY_USER : GANTRY_ASSISTANT,
            .text = text.overflow ? NULL : gn_arena_strndup(arena, gn_buf_str(&text), text.len),
            .model = model,
            .stop_reason = gn_json_cstr(stop),
            .content = is_array ? content : as_array(content, arena),
            .result = result,
        };
        if (!ret->text || !ret->content)
            rc = gn_error_set(err, GN_ETOOBIG, "what the model said is too large");
    }
    gn_buf_release(&text);
    return rc;
}
