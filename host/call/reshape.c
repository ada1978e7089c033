/* reshape.c - results as a middleware sees them: MCP's JSON, made of what the handler has said, and
 * taken apart again into it. What is read here was written by a plugin, or came from an upstream:
 * nothing is believed. Texts are borrowed, since JSON a plugin holds lives as long as the call. */
#include "call/internal.h"
#include "util/error.h"

#include <string.h>

/* ---------------------------------------------------------------- out */

void gn_result_write_meta(const struct gn_call *call, struct gn_jw *w)
{
    if (!call->result.meta)
        return;
    gn_jw_object(w, "_meta");
    for (const struct gn_result_meta *m = call->result.meta; m; m = m->next)
        gn_jw_raw(w, m->key, m->json, strlen(m->json));
    gn_jw_end(w);
}

void gn_result_write(const struct gn_call *call, enum gn_outcome outcome, struct gn_jw *w)
{
    if (call->is_completion)
        gn_result_write_completion(call, w);
    else if (call->component->kind == GN_TOOL)
        gn_result_write_tool(call, outcome, w);
    else if (call->component->kind == GN_PROMPT)
        gn_result_write_prompt(call, w);
    else
        gn_result_write_resource(call, w);
    if (outcome == GN_OUT_RESULT)
        gn_result_write_meta(call, w);
}

const gantry_json *gn_call_result(struct gn_call *call)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    if (call->verdict != GN_OUT_RESULT)
        return NULL;
    if (!call->component)
        return call->result.raw
                   ? gn_json_parse_arena(&call->arena, call->result.raw, call->result.raw_len, NULL)
                   : NULL;
    enum gn_revision revision = call->revision;
    struct gn_buf text = GN_BUF_INIT(call->arena.max);
    struct gn_jw w;
    call->revision = GN_REV_LATEST;
    gn_jw_init(&w, &text);
    gn_jw_object(&w, NULL);
    gn_result_write(call, GN_OUT_RESULT, &w);
    gn_jw_end(&w);
    call->revision = revision;
    const gantry_json *v =
        text.overflow ? NULL : gn_json_parse_arena(&call->arena, gn_buf_str(&text), text.len, NULL);
    gn_buf_release(&text);
    return v;
}

/* ---------------------------------------------------------------- in */

struct reading {
    struct gn_call *call;
    struct gn_error *err;
    uint8_t role;
};

static int wrong(struct reading *in, const char *what)
{
    gn_error_set(in->err, GN_EINVAL, "%s", what);
    return GANTRY_EINVAL;
}

/* The text of a member; NULL if it has none. */
static const char *text_of(const gantry_json *object, const char *name, size_t *ret_len)
{
    return gn_json_str(gn_json_get(object, name), ret_len);
}

static const struct gn_annotations *read_annotations(struct reading *in, const gantry_json *v)
{
    if (gn_json_type(v) != GN_JSON_OBJECT)
        return NULL;
    struct gn_annotations *a = gn_arena_calloc(&in->call->arena, sizeof *a);
    if (!a)
        return NULL;
    const gantry_json *audience = gn_json_get(v, "audience");
    for (const gantry_json *m = NULL; (m = gn_json_next(audience, m)) != NULL;)
        a->audience |= gn_json_streq(m, "user")        ? (uint32_t)GANTRY_USER
                       : gn_json_streq(m, "assistant") ? (uint32_t)GANTRY_ASSISTANT
                                                       : 0u;
    a->has_priority = gn_json_num(gn_json_get(v, "priority"), &a->priority);
    a->last_modified = gn_arena_strdup(&in->call->arena,
                                       gn_json_cstr(gn_json_get(v, "lastModified")));
    return a;
}

/* Text or Base64 of ResourceContents: the kinds are those of embedded ones. */
static int read_contents(struct reading *in, const gantry_json *v, struct gn_content *c)
{
    c->uri = gn_json_cstr(gn_json_get(v, "uri"));
    c->mime = gn_json_cstr(gn_json_get(v, "mimeType"));
    c->kind = GN_CONTENT_EMBED_TEXT;
    c->text = text_of(v, "text", &c->len);
    if (!c->text) {
        c->kind = GN_CONTENT_EMBED_BLOB;
        c->text = text_of(v, "blob", &c->len);
    }
    return c->uri && c->text ? GANTRY_OK
                             : wrong(in, "contents of a resource need uri, and text or blob");
}

static int read_data(struct reading *in, const gantry_json *v, enum gn_content_kind kind,
                     struct gn_content *c)
{
    c->kind = (uint8_t)kind;
    c->text = text_of(v, "data", &c->len);
    c->mime = gn_json_cstr(gn_json_get(v, "mimeType"));
    return c->text && c->mime ? GANTRY_OK
                              : wrong(in, "an image or a sound needs data and mimeType");
}

static int read_link(struct reading *in, const gantry_json *v, struct gn_content *c)
{
    c->kind = GN_CONTENT_LINK;
    c->uri = gn_json_cstr(gn_json_get(v, "uri"));
    c->name = gn_json_cstr(gn_json_get(v, "name"));
    c->mime = gn_json_cstr(gn_json_get(v, "mimeType"));
    c->description = gn_json_cstr(gn_json_get(v, "description"));
    return c->uri && c->name ? GANTRY_OK : wrong(in, "a resource_link needs uri and name");
}

static int read_block(struct reading *in, const gantry_json *v)
{
    struct gn_content c = {.annotations = read_annotations(in, gn_json_get(v, "annotations"))};
    const gantry_json *type = gn_json_get(v, "type");
    int rc;
    if (gn_json_streq(type, "text")) {
        c.kind = GN_CONTENT_TEXT;
        c.text = text_of(v, "text", &c.len);
        rc = c.text ? GANTRY_OK : wrong(in, "a text block needs text");
    } else if (gn_json_streq(type, "image")) {
        rc = read_data(in, v, GN_CONTENT_IMAGE, &c);
    } else if (gn_json_streq(type, "audio")) {
        rc = read_data(in, v, GN_CONTENT_AUDIO, &c);
    } else if (gn_json_streq(type, "resource")) {
        rc = read_contents(in, gn_json_get(v, "resource"), &c);
    } else if (gn_json_streq(type, "resource_link")) {
        rc = read_link(in, v, &c);
    } else {
        rc = wrong(in, "the type of a content block is none that MCP has");
    }
    if (rc)
        return rc;
    in->call->result.role = in->role;
    return gn_call_add(in->call, &c);
}

static int read_blocks(struct reading *in, const gantry_json *content)
{
    if (gn_json_type(content) != GN_JSON_ARRAY)
        return wrong(in, "a tool's result needs content, an array");
    for (const gantry_json *v = NULL; (v = gn_json_next(content, v)) != NULL;) {
        int rc = read_block(in, v);
        if (rc)
            return rc;
    }
    return GANTRY_OK;
}

/* Prints into the arena. */
static const char *keep(struct gn_call *call, const gantry_json *v, size_t *ret_len)
{
    struct gn_buf text = GN_BUF_INIT(call->arena.max);
    const char *kept = gn_json_write(&text, v) == 0
                           ? gn_arena_strndup(&call->arena, gn_buf_str(&text), text.len)
                           : NULL;
    *ret_len = text.len;
    gn_buf_release(&text);
    return kept;
}

static int read_tool(struct reading *in, const gantry_json *result)
{
    struct gn_result *r = &in->call->result;
    const gantry_json *structured = gn_json_get(result, "structuredContent");
    int rc = read_blocks(in, gn_json_get(result, "content"));
    if (rc)
        return rc;
    if (structured && !(r->structured = keep(in->call, structured, &r->structured_len)))
        return GANTRY_ETOOBIG;
    if (gn_json_type(gn_json_get(result, "isError")) != GN_JSON_TRUE)
        return GANTRY_OK;
    gn_call_fail(in->call, "%s",
                 r->first && r->first->kind == GN_CONTENT_TEXT ? r->first->text
                                                               : "the tool failed");
    return GANTRY_OK;
}

static int read_resource(struct reading *in, const gantry_json *result)
{
    const gantry_json *contents = gn_json_get(result, "contents");
    if (gn_json_type(contents) != GN_JSON_ARRAY)
        return wrong(in, "a resource's result needs contents, an array");
    for (const gantry_json *v = NULL; (v = gn_json_next(contents, v)) != NULL;) {
        struct gn_content c = {0};
        int rc = read_contents(in, v, &c);
        if (!rc)
            rc = gn_call_add(in->call, &c);
        if (rc)
            return rc;
    }
    return GANTRY_OK;
}

static int read_prompt(struct reading *in, const gantry_json *result)
{
    const gantry_json *messages = gn_json_get(result, "messages");
    if (gn_json_type(messages) != GN_JSON_ARRAY)
        return wrong(in, "a prompt's result needs messages, an array");
    for (const gantry_json *v = NULL; (v = gn_json_next(messages, v)) != NULL;) {
        in->role = gn_json_streq(gn_json_get(v, "role"), "assistant") ? GANTRY_ASSISTANT
                                                                      : GANTRY_USER;
        int rc = read_block(in, gn_json_get(v, "content"));
        if (rc)
            return rc;
    }
    return GANTRY_OK;
}

static int read_completion(struct reading *in, const gantry_json *result)
{
    struct gn_result *r = &in->call->result;
    const gantry_json *completion = gn_json_get(result, "completion");
    const gantry_json *values = gn_json_get(completion, "values");
    if (gn_json_type(values) != GN_JSON_ARRAY)
        return wrong(in, "a completion needs completion.values, an array");
    for (const gantry_json *v = NULL; (v = gn_json_next(values, v)) != NULL;) {
        if (!gn_json_cstr(v))
            return wrong(in, "a value of a completion is no text");
        int rc = gn_call_suggest(in->call, gn_json_cstr(v));
        if (rc)
            return rc;
    }
    gn_json_int(gn_json_get(completion, "total"), &r->suggestion_total);
    return GANTRY_OK;
}

static int read_meta(struct gn_call *call, const gantry_json *meta)
{
    struct gn_result_meta **next = &call->result.meta;
    for (const gantry_json *v = NULL; (v = gn_json_next(meta, v)) != NULL;) {
        struct gn_result_meta *m = gn_arena_calloc(&call->arena, sizeof *m);
        size_t len;
        if (!m || !(m->json = keep(call, v, &len)))
            return GANTRY_ETOOBIG;
        m->key = gn_json_name(v, NULL);
        *next = m;
        next = &m->next;
    }
    return GANTRY_OK;
}

static int read_result(struct reading *in, const gantry_json *result)
{
    struct gn_call *call = in->call;
    if (gn_json_type(result) != GN_JSON_OBJECT)
        return wrong(in, "a result is an object");
    if (!call->component) {
        call->result.raw = keep(call, result, &call->result.raw_len);
        return call->result.raw ? GANTRY_OK : GANTRY_ETOOBIG;
    }
    int rc = call->is_completion                  ? read_completion(in, result)
             : call->component->kind == GN_TOOL   ? read_tool(in, result)
             : call->component->kind == GN_PROMPT ? read_prompt(in, result)
                                                  : read_resource(in, result);
    return rc ? rc : read_meta(call, gn_json_get(result, "_meta"));
}

int gn_call_set_result(struct gn_call *call, const gantry_json *result, struct gn_error *err)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    struct gn_result before = call->result;
    struct reading in = {.call = call, .err = err, .role = GANTRY_USER};
    call->result = (struct gn_result){.role = GANTRY_USER, .suggestion_total = -1};
    int rc = read_result(&in, result);
    if (rc)
        call->result = before;
    return rc;
}
