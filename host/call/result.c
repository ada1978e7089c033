/* result.c - what a handler has said, as JSON in the shape of the caller's revision. */
#include "call/internal.h"

#include <string.h>

int gn_call_add(struct gn_call *call, const struct gn_content *content)
{
    struct gn_result *r = &call->result;
    struct gn_content *c = gn_arena_alloc(&call->arena, sizeof *c);
    if (!c)
        return GANTRY_ETOOBIG;
    *c = *content;
    c->next = NULL;
    c->role = r->role;
    if (r->last)
        r->last->next = c;
    else
        r->first = c;
    r->last = c;
    r->count++;
    r->bytes += c->len;
    return GANTRY_OK;
}

int gn_call_suggest(struct gn_call *call, const char *value)
{
    struct gn_result *r = &call->result;
    if (!r->suggestions)
        r->suggestions = gn_arena_alloc(&call->arena, GN_SUGGESTIONS * sizeof r->suggestions[0]);
    if (!r->suggestions)
        return GANTRY_ETOOBIG;
    if (r->suggestion_count < GN_SUGGESTIONS)
        r->suggestions[r->suggestion_count] = value;
    r->suggestion_count++;
    return GANTRY_OK;
}

static void write_audience(const struct gn_annotations *a, struct gn_jw *w)
{
    if (!a->audience)
        return;
    gn_jw_array(w, "audience");
    if (a->audience & GANTRY_USER)
        gn_jw_str(w, NULL, "user");
    if (a->audience & GANTRY_ASSISTANT)
        gn_jw_str(w, NULL, "assistant");
    gn_jw_end(w);
}

void gn_annotations_write(const struct gn_annotations *a, enum gn_revision revision,
                          struct gn_jw *w)
{
    if (!a)
        return;
    gn_jw_object(w, "annotations");
    write_audience(a, w);
    if (a->has_priority)
        gn_jw_num(w, "priority", a->priority);
    if (a->last_modified && revision >= GN_REV_2025_06_18)
        gn_jw_str(w, "lastModified", a->last_modified);
    gn_jw_end(w);
}

static void write_contents(const struct gn_content *c, const char *uri, const char *mime,
                           bool is_blob, struct gn_jw *w)
{
    gn_jw_str(w, "uri", uri);
    if (mime)
        gn_jw_str(w, "mimeType", mime);
    gn_jw_strn(w, is_blob ? "blob" : "text", c->text, c->len);
}

static void write_embedded(const struct gn_content *c, const char *uri, bool is_blob,
                           struct gn_jw *w)
{
    gn_jw_str(w, "type", "resource");
    gn_jw_object(w, "resource");
    write_contents(c, uri, c->mime, is_blob, w);
    gn_jw_end(w);
}

/* One ContentBlock. What an old revision has no type for becomes the nearest it has: sounds an
 * embedded resource before 2025-03-26, links a text before 2025-06-18. */
static void write_block(const struct gn_call *call, const struct gn_content *c, const char *name,
                        struct gn_jw *w)
{
    enum gn_revision rev = call->revision;
    gn_jw_object(w, name);
    switch (c->kind) {
    case GN_CONTENT_IMAGE:
        gn_jw_str(w, "type", "image");
        gn_jw_strn(w, "data", c->text, c->len);
        gn_jw_str(w, "mimeType", c->mime);
        break;
    case GN_CONTENT_AUDIO:
        if (rev < GN_REV_2025_03_26) {
            write_embedded(c, "urn:gantry:audio", true, w);
            break;
        }
        gn_jw_str(w, "type", "audio");
        gn_jw_strn(w, "data", c->text, c->len);
        gn_jw_str(w, "mimeType", c->mime);
        break;
    case GN_CONTENT_BLOB:
        write_embedded(c, c->uri ? c->uri : "urn:gantry:blob", true, w);
        break;
    case GN_CONTENT_EMBED_TEXT:
        write_embedded(c, c->uri, false, w);
        break;
    case GN_CONTENT_EMBED_BLOB:
        write_embedded(c, c->uri, true, w);
        break;
    case GN_CONTENT_LINK:
        if (rev < GN_REV_2025_06_18) {
            gn_jw_str(w, "type", "text");
            gn_jw_str(w, "text", c->uri);
            break;
        }
        gn_jw_str(w, "type", "resource_link");
        gn_jw_str(w, "uri", c->uri);
        gn_jw_str(w, "name", c->name);
        if (c->description)
            gn_jw_str(w, "description", c->description);
        if (c->mime)
            gn_jw_str(w, "mimeType", c->mime);
        break;
    default:
        gn_jw_str(w, "type", "text");
        gn_jw_strn(w, "text", c->text, c->len);
        break;
    }
    gn_annotations_write(c->annotations, rev, w);
    gn_jw_end(w);
}

static void write_text_block(const char *text, size_t len, struct gn_jw *w)
{
    gn_jw_object(w, NULL);
    gn_jw_str(w, "type", "text");
    gn_jw_strn(w, "text", text, len);
    gn_jw_end(w);
}

static const char *failure_text(const struct gn_call *call, enum gn_outcome outcome)
{
    switch (outcome) {
    case GN_OUT_TIMEOUT:
        return call->deadline_text;
    case GN_OUT_BUSY:
        return "the server is busy: try again later";
    case GN_OUT_CANCELED:
        return "the call was cancelled";
    default:
        return call->failure ? call->failure : "the tool failed";
    }
}

static bool shows_structured(const struct gn_call *call)
{
    if (!call->result.structured || call->revision < GN_REV_2025_06_18)
        return false;
    /* Any JSON value since 2026-07-28, an object before. */
    return call->revision >= GN_REV_2026_07_28 || call->result.structured[0] == '{';
}

void gn_result_write_tool(const struct gn_call *call, enum gn_outcome outcome, struct gn_jw *w)
{
    gn_jw_array(w, "content");
    if (outcome != GN_OUT_RESULT) {
        const char *text = failure_text(call, outcome);
        write_text_block(text, strlen(text), w);
        gn_jw_end(w);
        gn_jw_bool(w, "isError", true);
        return;
    }
    const struct gn_result *r = &call->result;
    for (const struct gn_content *c = r->first; c; c = c->next)
        write_block(call, c, NULL, w);
    if (!r->first && r->structured)
        write_text_block(r->structured, r->structured_len, w);
    gn_jw_end(w);
    if (shows_structured(call))
        gn_jw_raw(w, "structuredContent", r->structured, r->structured_len);
}

void gn_result_write_resource(const struct gn_call *call, struct gn_jw *w)
{
    gn_jw_array(w, "contents");
    for (const struct gn_content *c = call->result.first; c; c = c->next) {
        bool is_blob = c->kind != GN_CONTENT_TEXT && c->kind != GN_CONTENT_EMBED_TEXT;
        gn_jw_object(w, NULL);
        write_contents(c, c->uri ? c->uri : call->uri, c->mime ? c->mime : call->mime_type, is_blob,
                       w);
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

void gn_result_write_prompt(const struct gn_call *call, struct gn_jw *w)
{
    if (call->component && call->component->description)
        gn_jw_str(w, "description", call->component->description);
    gn_jw_array(w, "messages");
    for (const struct gn_content *c = call->result.first; c; c = c->next) {
        gn_jw_object(w, NULL);
        gn_jw_str(w, "role", c->role == GANTRY_ASSISTANT ? "assistant" : "user");
        write_block(call, c, "content", w);
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

void gn_result_write_completion(const struct gn_call *call, struct gn_jw *w)
{
    const struct gn_result *r = &call->result;
    size_t shown = r->suggestions ? GN_MIN(r->suggestion_count, (size_t)GN_SUGGESTIONS) : 0;
    int64_t total = GN_MAX(r->suggestion_total, (int64_t)r->suggestion_count);
    gn_jw_object(w, "completion");
    gn_jw_array(w, "values");
    for (size_t i = 0; i < shown; i++)
        gn_jw_str(w, NULL, r->suggestions[i]);
    gn_jw_end(w);
    gn_jw_int(w, "total", total);
    gn_jw_bool(w, "hasMore", total > (int64_t)shown);
    gn_jw_end(w);
}
