/* host_content.c - what a handler answers: text, data, links, structured output, failure,
 * suggestions.
 *
 * Everything is copied into the call's memory and counted against the limit of one result.
 */
#include "plugin/host_internal.h"

#include "plugin/abi_internal.h"
#include "plugin/host_errors.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define PIECE_COST 64 /* what a piece of content counts besides its bytes: its JSON around them */
#define REPLACEMENT "\xEF\xBF\xBD"

/* The kind of component that runs; 0 in a completion and in a plugin's start. */
static int kind_of(const gantry_call *call)
{
    return call->component && !call->is_completion ? (int)call->component->kind : 0;
}

static bool is_resource(const gantry_call *call)
{
    int kind = kind_of(call);
    return kind == GN_RESOURCE || kind == GN_TEMPLATE;
}

/* GANTRY_OK if content may be added here and now. */
static int may_add(gantry_call *call, const char *function)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (kind_of(call) == 0) {
        gn_host_misuse(call, "%s: only handlers have a result", function);
        return GANTRY_EPERM;
    }
    return GANTRY_OK;
}

static bool fits(const gantry_call *call, size_t len)
{
    uint64_t used = call->result.bytes + (uint64_t)call->result.count * PIECE_COST;
    uint64_t limit = gn_host_result_limit(call);
    return used + PIECE_COST <= limit && len <= limit - used - PIECE_COST;
}

/* Copies text with every byte that is no part of UTF-8 replaced. */
static char *replace_invalid(struct gn_arena *arena, const char *s, size_t n, size_t *ret_len)
{
    size_t len = 0;
    for (size_t at = 0, width; at < n; at += width ? width : 1) {
        width = gn_utf8_sequence(s + at, n - at);
        len += width ? width : sizeof REPLACEMENT - 1;
    }
    char *copy = gn_arena_alloc(arena, len + 1);
    char *out = copy;
    for (size_t at = 0, width; copy && at < n; at += width ? width : 1) {
        width = gn_utf8_sequence(s + at, n - at);
        size_t add = width ? width : sizeof REPLACEMENT - 1;
        memcpy(out, width ? s + at : REPLACEMENT, add);
        out += add;
    }
    if (copy)
        *out = '\0';
    *ret_len = len;
    return copy;
}

/* A copy of n bytes in the call's memory, as valid UTF-8; NULL over the limit. */
static char *keep_text(gantry_call *call, const char *s, size_t n, size_t *ret_len)
{
    *ret_len = n;
    return gn_utf8_valid(s, n) ? gn_arena_strndup(&call->arena, s, n)
                               : replace_invalid(&call->arena, s, n, ret_len);
}

/* An optional string; false over the limit. */
static bool keep_string(gantry_call *call, const char *s, const char **ret)
{
    size_t len;
    *ret = s ? keep_text(call, s, strlen(s), &len) : NULL;
    return !s || *ret;
}

static int add(gantry_call *call, struct gn_content *content)
{
    content->role = call->result.role;
    return gn_call_add(call, content);
}

/* ---------------------------------------------------------------- text and data */

int gn_host_textv(gantry_call *call, const char *fmt, va_list ap)
{
    int rc = may_add(call, "gantry_text");
    if (rc)
        return rc;
    const char *text = gn_arena_vformat(&call->arena, fmt, ap);
    size_t len = text ? strlen(text) : 0;
    if (text && !gn_utf8_valid(text, len))
        text = replace_invalid(&call->arena, text, len, &len);
    if (!text || !fits(call, len))
        return GANTRY_ETOOBIG;
    return add(call, &(struct gn_content){.kind = GN_CONTENT_TEXT, .text = text, .len = len});
}

int gn_host_text_add(gantry_call *call, const char *text, size_t n)
{
    int rc = may_add(call, "gantry_text_add");
    if (rc)
        return rc;
    if (!text && n > 0)
        return gn_host_misuse(call, "gantry_text_add: text is NULL");
    if (!fits(call, n))
        return GANTRY_ETOOBIG;
    size_t len;
    const char *copy = keep_text(call, n ? text : "", n, &len);
    if (!copy || !fits(call, len))
        return GANTRY_ETOOBIG;
    return add(call, &(struct gn_content){.kind = GN_CONTENT_TEXT, .text = copy, .len = len});
}

/* Base64 of data in the call's memory. */
static int keep_base64(gantry_call *call, const void *data, size_t n, struct gn_content *content)
{
    if (n > SIZE_MAX / 4 * 3 - 4 || !fits(call, (n + 2) / 3 * 4))
        return GANTRY_ETOOBIG;
    struct gn_buf text = GN_BUF_INIT((n + 2) / 3 * 4 + 1);
    const char *copy = NULL;
    if (gn_base64_encode(&text, data, n) == 0)
        copy = gn_arena_strndup(&call->arena, gn_buf_str(&text), text.len);
    content->text = copy;
    content->len = text.len;
    gn_buf_release(&text);
    return copy ? GANTRY_OK : GANTRY_ETOOBIG;
}

int gn_host_data_add(gantry_call *call, uint32_t kind, const void *data, size_t n, const char *mime)
{
    static const struct {
        const char *function;
        uint8_t content;
    } kinds[] = {
        [GANTRY_DATA_IMAGE] = {"gantry_image", GN_CONTENT_IMAGE},
        [GANTRY_DATA_AUDIO] = {"gantry_audio", GN_CONTENT_AUDIO},
        [GANTRY_DATA_BLOB] = {"gantry_blob", GN_CONTENT_BLOB},
    };
    if (kind == 0 || kind >= GN_COUNT(kinds))
        return GANTRY_ENOTSUP;
    const char *function = kinds[kind].function;
    int rc = may_add(call, function);
    if (rc)
        return rc;
    if ((kind == GANTRY_DATA_BLOB) != is_resource(call))
        return gn_host_misuse(call, "%s: only in handlers of %s", function,
                              kind == GANTRY_DATA_BLOB ? "resources and templates"
                                                       : "tools and prompts");
    if (!data && n > 0)
        return gn_host_misuse(call, "%s: data is NULL", function);
    if (kind != GANTRY_DATA_BLOB && (!mime || !mime[0]))
        return gn_host_misuse(call, "%s: the MIME type is missing", function);
    struct gn_content content = {.kind = kinds[kind].content};
    rc = keep_base64(call, data, n, &content);
    if (rc)
        return rc;
    return keep_string(call, mime, &content.mime) ? add(call, &content) : GANTRY_ETOOBIG;
}

/* ---------------------------------------------------------------- resources in results */

static int check_reference(gantry_call *call, const char *function, const char *uri)
{
    int rc = may_add(call, function);
    if (rc)
        return rc;
    if (!uri || !strchr(uri, ':'))
        return gn_host_misuse(call, "%s: the URI is missing, or has no scheme", function);
    return GANTRY_OK;
}

int gn_host_embed(gantry_call *call, const char *uri, const char *mime, const void *data, size_t n,
                  uint32_t is_text)
{
    int rc = check_reference(call, is_text ? "gantry_embed_text" : "gantry_embed_blob", uri);
    if (rc)
        return rc;
    if (!data && n > 0)
        return gn_host_misuse(call, "gantry_embed: data is NULL");
    struct gn_content content = {.kind = is_text ? GN_CONTENT_EMBED_TEXT : GN_CONTENT_EMBED_BLOB};
    if (!is_text) {
        rc = keep_base64(call, data, n, &content);
    } else {
        if (fits(call, n))
            content.text = keep_text(call, n ? data : "", n, &content.len);
        rc = content.text && fits(call, content.len) ? GANTRY_OK : GANTRY_ETOOBIG;
    }
    if (rc)
        return rc;
    if (!keep_string(call, uri, &content.uri) || !keep_string(call, mime, &content.mime))
        return GANTRY_ETOOBIG;
    return add(call, &content);
}

int gn_host_link(gantry_call *call, const char *uri, const char *name, const char *mime,
                 const char *description)
{
    int rc = check_reference(call, "gantry_link", uri);
    if (rc)
        return rc;
    if (is_resource(call))
        return gn_host_misuse(call, "gantry_link: only in handlers of tools and prompts");
    if (!name || !name[0])
        return gn_host_misuse(call, "gantry_link: the name is missing");
    struct gn_content content = {.kind = GN_CONTENT_LINK};
    if (!fits(call, 0) || !keep_string(call, uri, &content.uri) ||
        !keep_string(call, name, &content.name) || !keep_string(call, mime, &content.mime) ||
        !keep_string(call, description, &content.description))
        return GANTRY_ETOOBIG;
    return add(call, &content);
}

int gn_host_annotate(gantry_call *call, const gantry_annotations *annotations)
{
    int rc = may_add(call, "gantry_annotate");
    if (rc)
        return rc;
    if (!call->result.last)
        return gn_host_misuse(call, "gantry_annotate: nothing has been added yet");
    struct gn_annotations read = {0};
    struct gn_error err = {0};
    if (gn_abi_annotations(annotations, &read, &err) == GN_ENOTSUP)
        return GANTRY_ENOTSUP;
    if (err.code)
        return gn_host_misuse(call, "gantry_annotate: %s", err.text);
    struct gn_annotations *copy = gn_arena_alloc(&call->arena, sizeof *copy);
    char *modified = gn_arena_strdup(&call->arena, read.last_modified);
    bool whole = copy && (modified || !read.last_modified);
    gn_free(read.last_modified);
    if (!whole)
        return GANTRY_ETOOBIG;
    *copy = read;
    copy->last_modified = modified;
    call->result.last->annotations = copy;
    return GANTRY_OK;
}

int gn_host_role(gantry_call *call, uint32_t role)
{
    int rc = may_add(call, "gantry_role");
    if (rc)
        return rc;
    if (kind_of(call) != GN_PROMPT)
        return gn_host_misuse(call, "gantry_role: only in handlers of prompts");
    if (role != GANTRY_USER && role != GANTRY_ASSISTANT)
        return gn_host_misuse(call, "gantry_role: %u is neither GANTRY_USER nor GANTRY_ASSISTANT",
                              role);
    call->result.role = (uint8_t)role;
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- structured output */

/* Makes the text the structured output, in place of what was there. Releases it. */
static int keep_structured(gantry_call *call, struct gn_buf *text)
{
    struct gn_result *r = &call->result;
    const char *copy = NULL;
    size_t before = r->structured_len;
    r->bytes -= before;
    if (!text->overflow && fits(call, text->len))
        copy = gn_arena_strndup(&call->arena, gn_buf_str(text), text->len);
    if (copy) {
        r->structured = copy;
        r->structured_len = text->len;
        r->bytes += text->len;
    } else {
        r->bytes += before;
    }
    gn_buf_release(text);
    return copy ? GANTRY_OK : GANTRY_ETOOBIG;
}

static int may_structure(gantry_call *call, const char *function)
{
    int rc = may_add(call, function);
    if (!rc && kind_of(call) != GN_TOOL)
        rc = gn_host_misuse(call, "%s: only in handlers of tools", function);
    return rc;
}

int gn_host_structured(gantry_call *call, const void *value)
{
    int rc = may_structure(call, "gantry_structured");
    if (rc)
        return rc;
    const struct gn_fields *output = gn_component_code(call->component)->output;
    if (!output)
        return gn_host_misuse(call,
                              "gantry_structured: the tool has no output table (GANTRY_OUTPUT)");
    if (!value)
        return gn_host_misuse(call, "gantry_structured: the value is NULL");
    struct gn_buf text = GN_BUF_INIT((size_t)gn_host_result_limit(call));
    struct gn_problems problems;
    struct gn_jw w;
    gn_problems_init(&problems);
    gn_jw_init(&w, &text);
    rc = gn_fields_print(output, value, &w, NULL, &problems);
    if (rc && rc != GN_ETOOBIG)
        rc = gn_host_misuse(call, "gantry_structured: %s", gn_buf_str(&problems.text));
    gn_problems_release(&problems);
    if (rc) {
        gn_buf_release(&text);
        return rc == GN_ETOOBIG ? GANTRY_ETOOBIG : rc;
    }
    return keep_structured(call, &text);
}

int gn_host_structured_json(gantry_call *call, const gantry_json *value)
{
    int rc = may_structure(call, "gantry_structured_json");
    if (rc)
        return rc;
    if (!value)
        return gn_host_misuse(call,
                              "gantry_structured_json: the value is NULL: did its builder fail?");
    struct gn_buf text = GN_BUF_INIT((size_t)gn_host_result_limit(call));
    gn_json_write(&text, value);
    return keep_structured(call, &text);
}

int gn_host_result_meta(gantry_call *call, const char *key, const gantry_json *value)
{
    int rc = may_add(call, "gantry_result_meta");
    if (rc)
        return rc;
    if (!key || !key[0] || !value)
        return gn_host_misuse(call, "gantry_result_meta: the %s is missing",
                              value ? "key" : "value");
    struct gn_result_meta **at = &call->result.meta;
    while (*at && !gn_streq((*at)->key, key))
        at = &(*at)->next;
    struct gn_buf text = GN_BUF_INIT((size_t)gn_host_result_limit(call));
    const char *json = NULL;
    if (gn_json_write(&text, value) == 0 && fits(call, text.len))
        json = gn_arena_strndup(&call->arena, gn_buf_str(&text), text.len);
    size_t len = text.len;
    gn_buf_release(&text);
    if (!json)
        return GANTRY_ETOOBIG;
    if (!*at) {
        struct gn_result_meta *meta = gn_arena_calloc(&call->arena, sizeof *meta);
        if (!meta || !keep_string(call, key, &meta->key))
            return GANTRY_ETOOBIG;
        *at = meta;
    }
    (*at)->json = json;
    call->result.bytes += len;
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- failure, completion */

int gn_host_failv(gantry_call *call, const char *fmt, va_list ap)
{
    return gn_host_runs(call) ? gn_call_vfail(call, fmt, ap) : GANTRY_EFAILED;
}

static int may_suggest(gantry_call *call, const char *function)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (call->is_completion)
        return GANTRY_OK;
    gn_host_misuse(call, "%s: only in completions", function);
    return GANTRY_EPERM;
}

int gn_host_suggest(gantry_call *call, const char *value)
{
    int rc = may_suggest(call, "gantry_suggest");
    if (rc)
        return rc;
    if (!value)
        return gn_host_misuse(call, "gantry_suggest: the value is NULL");
    struct gn_result *r = &call->result;
    size_t len = strlen(value);
    const char *copy = NULL;
    if (r->suggestion_count < GN_SUGGESTIONS) {
        copy = fits(call, len) ? keep_text(call, value, len, &len) : NULL;
        if (!copy)
            return GANTRY_ETOOBIG;
        r->bytes += len;
    }
    return gn_call_suggest(call, copy);
}

int gn_host_suggest_total(gantry_call *call, int64_t total)
{
    int rc = may_suggest(call, "gantry_suggest_total");
    if (rc)
        return rc;
    if (total < 0)
        return gn_host_misuse(call, "gantry_suggest_total: the total is negative");
    call->result.suggestion_total = total;
    return GANTRY_OK;
}
