/* response_limit.c - results of tools that are too large become one text that is not.
 *
 * What counts are the bytes that the tool has given: texts, Base64, structured output, `_meta`. A
 * text that is cut says so at its end. Images and sounds cannot be cut, so they go. A tool that
 * declares a schema for its output has promised something that no cut result can keep.
 */
#include "pipeline/shipped.h"
#include "util/str.h"

#include <inttypes.h>
#include <string.h>

static size_t length(const char *s)
{
    return s ? strlen(s) : 0;
}

static uint64_t meta_size(const struct gn_call *call)
{
    uint64_t size = 0;
    for (const struct gn_result_meta *m = call->result.meta; m; m = m->next)
        size += strlen(m->key) + strlen(m->json);
    return size;
}

static uint64_t size_of(const struct gn_call *call)
{
    uint64_t size = call->result.structured_len + meta_size(call);
    for (const struct gn_content *c = call->result.first; c; c = c->next)
        size += c->len + length(c->uri) + length(c->name) + length(c->description);
    return size;
}

/* The texts, a line each, as far as there is room; without content the structured output is one. */
static void gather(const struct gn_call *call, struct gn_buf *out, size_t room)
{
    const struct gn_result *r = &call->result;
    if (!r->first && r->structured)
        gn_buf_add(out, r->structured, gn_utf8_cut(r->structured, r->structured_len, room));
    for (const struct gn_content *c = r->first; c && out->len < room; c = c->next) {
        if (c->kind != GN_CONTENT_TEXT)
            continue;
        if (out->len > 0)
            gn_buf_addc(out, '\n');
        gn_buf_add(out, c->text, gn_utf8_cut(c->text, c->len, room - out->len));
    }
}

static int cut(struct gn_call *call, const struct gn_config_middleware *o)
{
    struct gn_result *r = &call->result;
    size_t suffix = o->suffix ? strlen(o->suffix) : 0, end = suffix ? suffix + 1 : 0;
    if (meta_size(call) > (o->max_size - suffix) / 2)
        r->meta = NULL;
    size_t around = end + (size_t)meta_size(call);
    size_t room = o->max_size > around ? (size_t)o->max_size - around : 0;
    struct gn_buf text = GN_BUF_INIT((size_t)o->max_size + 1);
    gather(call, &text, room);
    if (suffix)
        gn_buf_addf(&text, "%s%s", text.len ? "\n" : "", o->suffix);
    struct gn_content content = {
        .kind = GN_CONTENT_TEXT,
        .text = gn_arena_strndup(&call->arena, gn_buf_str(&text), text.len),
        .len = text.len,
    };
    gn_buf_release(&text);
    if (!content.text)
        return GANTRY_ETOOBIG;
    r->first = r->last = NULL;
    r->count = 0;
    r->bytes = 0;
    r->structured = NULL;
    r->structured_len = 0;
    return gn_call_add(call, &content);
}

static int run(struct gn_call *call)
{
    const struct gn_config_middleware *o = &gn_shipped_self(call)->options;
    int rc = gn_call_next(call);
    uint64_t size = call->verdict == GN_OUT_RESULT ? size_of(call) : 0;
    if (size <= o->max_size)
        return rc;
    const struct gn_component *c = call->component;
    bool fails = c->output || c->output_schema;
    gn_log(call->env->log, GN_WARNING, "response_limit",
           "the result of %s was too large and %s: %" PRIu64 " bytes, of at most %" PRIu64, c->name,
           fails ? "is refused" : "has been truncated", size, o->max_size);
    if (fails)
        return gn_call_fail(call,
                            "the result of %s is too large: %" PRIu64
                            " bytes, and this server allows %" PRIu64
                            "; it cannot be truncated, since the tool declares its output's schema",
                            c->name, size, o->max_size);
    int cut_rc = cut(call, o);
    return cut_rc ? cut_rc : rc;
}

const struct gn_shipped_kind gn_shipped_response_limit = {"response_limit", GANTRY_ON_CALL_TOOL,
                                                          run};
