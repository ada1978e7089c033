/* stateless.c - what every request of the stateless era must bring, and in which order it is
 * checked:
 * `_meta` (400, -32602), headers against the body (400, -32020), revision (400, -32022); then the
 * method (404, -32601, in protocol.c), and the headers of arguments once the tool is known. Source:
 * 2026-07-28, basic (`_meta`) and basic/transports/streamable-http (Server Validation). */
#include "protocol/internal.h"
#include "util/str.h"
#include "wire/headers.h"

#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 32 /* of properties within properties that headers are looked for in */

static const char *header(struct gn_request *r, const char *name)
{
    return r->stream->ops->header ? r->stream->ops->header(r->stream, name) : NULL;
}

static bool is_http(const struct gn_request *r)
{
    return !r->stream->shared;
}

static bool mismatch(struct gn_request *r, const char *name, const char *text)
{
    if (text)
        gn_reply_error(r, 400, GN_RPC_HEADER_MISMATCH, NULL,
                       "Header mismatch: %s header value '%.200s' does not match the body", name,
                       text);
    else
        gn_reply_error(r, 400, GN_RPC_HEADER_MISMATCH, NULL,
                       "Header mismatch: the %s header is missing", name);
    return false;
}

static bool check_meta(struct gn_request *r)
{
    const char *missing = NULL;
    if (gn_json_type(r->meta) != GN_JSON_OBJECT)
        missing = "params._meta, an object";
    else if (!gn_json_cstr(gn_json_get(r->meta, GN_META_PROTOCOL_VERSION)))
        missing = GN_META_PROTOCOL_VERSION " in _meta, a string";
    else if (gn_json_type(gn_json_get(r->meta, GN_META_CLIENT_CAPABILITIES)) != GN_JSON_OBJECT)
        missing = GN_META_CLIENT_CAPABILITIES " in _meta, an object";
    if (missing) {
        gn_reply_error(r, 400, GN_RPC_INVALID_PARAMS, NULL, "the request must carry %s", missing);
        return false;
    }
    const gantry_json *level = gn_json_get(r->meta, GN_META_LOG_LEVEL);
    if (level) {
        const char *name = gn_json_cstr(level);
        r->log_level = name ? gn_level_parse(name) : -1;
        if (r->log_level < 0) {
            gn_reply_error(r, 400, GN_RPC_INVALID_PARAMS, NULL,
                           GN_META_LOG_LEVEL
                           " is none of debug, info, notice, warning, error, critical, "
                           "alert, emergency");
            return false;
        }
    }
    return true;
}

static bool check_headers(struct gn_request *r, const char *method)
{
    const gantry_json *version = gn_json_get(r->meta, GN_META_PROTOCOL_VERSION);
    const char *text = header(r, "mcp-protocol-version");
    if (!text || !gn_json_streq(version, text))
        return mismatch(r, GN_HEADER_PROTOCOL_VERSION, text);
    text = header(r, "mcp-method");
    if (!text || !gn_streq(text, method))
        return mismatch(r, GN_HEADER_METHOD, text);
    const struct gn_method *row = gn_method_find(method);
    if (!row || !row->name_param)
        return true;
    const gantry_json *name = gn_json_get(r->params, row->name_param);
    if (gn_json_type(name) != GN_JSON_STRING)
        return true; /* wrong in the body: the method says so */
    text = header(r, "mcp-name");
    if (!text || !gn_header_matches(text, strlen(text), name))
        return mismatch(r, GN_HEADER_NAME, text);
    return true;
}

static bool check_revision(struct gn_request *r)
{
    const char *requested = gn_json_cstr(gn_json_get(r->meta, GN_META_PROTOCOL_VERSION));
    enum gn_revision rev = gn_revision_parse(requested);
    if (gn_revision_is_stateless(rev)) {
        r->revision = rev;
        return true;
    }
    struct gn_buf data = GN_BUF_INIT(64u << 10);
    struct gn_jw w;
    gn_jw_init(&w, &data);
    gn_jw_object(&w, NULL);
    gn_jw_array(&w, "supported");
    for (const char *const *name = gn_revision_names; *name; name++)
        gn_jw_str(&w, NULL, *name);
    gn_jw_end(&w);
    gn_jw_strn(&w, "requested", requested, strnlen(requested, 256));
    gn_jw_end(&w);
    gn_reply_error(r, 400, GN_RPC_UNSUPPORTED_VERSION, gn_buf_str(&data),
                   "Unsupported protocol version %.64s%s", requested,
                   rev ? " for requests with _meta: send initialize" : "");
    gn_buf_release(&data);
    return false;
}

bool gn_stateless_check(struct gn_request *r, const char *method)
{
    return check_meta(r) && (!is_http(r) || check_headers(r, method)) && check_revision(r);
}

/* One argument that the header Mcp-Param-{label} mirrors. */
static bool check_param(struct gn_request *r, const char *label, const gantry_json *value)
{
    char name[256];
    int n = snprintf(name, sizeof name, "mcp-param-%s", label);
    if (n < 0 || (size_t)n >= sizeof name)
        return true;
    for (char *c = name; *c; c++) /* streams are asked in lower case */
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    const char *text = header(r, name);
    bool has_value = value && gn_json_type(value) != GN_JSON_NULL;
    if (has_value ? !text || !gn_header_matches(text, strlen(text), value) : text != NULL)
        return mismatch(r, name, text);
    return true;
}

static bool check_table(struct gn_request *r, const struct gn_fields *fields,
                        const gantry_json *value)
{
    for (size_t i = 0; fields && i < fields->count; i++) {
        const struct gn_field *f = &fields->v[i];
        const gantry_json *v = gn_json_get(value, f->name);
        if (f->type == GANTRY_T_OBJECT && !check_table(r, f->fields, v))
            return false;
        if (f->header && !check_param(r, f->header, v))
            return false;
    }
    return true;
}

/* The same for a schema written as JSON: what chains of `properties` alone reach. */
static bool check_document(struct gn_request *r, const gantry_json *schema,
                           const gantry_json *value, int depth)
{
    const gantry_json *properties = gn_json_get(schema, "properties");
    for (const gantry_json *p = NULL; (p = gn_json_next(properties, p));) {
        const gantry_json *v = gn_json_get(value, gn_json_name(p, NULL));
        const char *label = gn_json_cstr(gn_json_get(p, "x-mcp-header"));
        if (label && !check_param(r, label, v))
            return false;
        if (depth < MAX_DEPTH && !check_document(r, p, v, depth + 1))
            return false;
    }
    return true;
}

bool gn_stateless_check_params(struct gn_request *r, const struct gn_component *c,
                               const gantry_json *arguments)
{
    if (!gn_request_is_stateless(r) || !is_http(r))
        return true;
    const gantry_json *document = c->input_schema ? gn_schema_root(c->input_schema) : NULL;
    return check_table(r, c->input, arguments) && check_document(r, document, arguments, 0);
}
