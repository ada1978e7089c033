/* param_headers.c - x-mcp-header: arguments of a tool that are mirrored in headers of the request
 * (2026-07-28 Streamable HTTP, "Custom Headers from Tool Parameters").
 *
 * A tool is not listed before it is called: most have no marks, and a server that misses a header
 * says so (HeaderMismatch). Then its tools are listed, and the call is sent once more, if the list
 * makes a difference.
 */
#include "internal.h"

#include "util/alloc.h"
#include "util/map.h"
#include "util/str.h"
#include "wire/headers.h"

#include <string.h>

#define MARK "x-mcp-header"
#define MARKS_MAX 64            /* of one tool */
#define KEPT_MAX (4U << 20)     /* bytes that the marks of a server may take */
#define HEADER_MAX (256U << 10) /* bytes of one header */
#define SAFE_INTEGER 9007199254740991

/* The header and the way to its value in the arguments. */
struct mark {
    char *header;
    char **path; /* names of properties, NULL-terminated */
};

struct marks {
    size_t count, bytes;
    struct mark v[MARKS_MAX];
};

struct learned {
    struct gn_map by_tool; /* struct marks; only of tools that have some */
    size_t bytes;
};

/* A call whose headers did not match, while the tools are listed; after that, with list NULL, it
 * says that this has been tried. */
struct gn_param_retry {
    gantry_request *list;
    struct gn_json_doc doc; /* of the error */
    const gantry_json *error;
};

/* ---------------------------------------------------------------- reading a schema */

struct scan {
    struct marks *marks;
    const gantry_json *path[GN_JSON_MAX_DEPTH]; /* properties that lead to where we are */
    size_t depth;
    struct gn_error *err;
};

static void marks_free(void *arg)
{
    struct marks *m = arg;
    for (size_t i = 0; i < m->count; i++) {
        gn_free(m->v[i].header);
        gn_texts_free(m->v[i].path);
    }
    gn_free(m);
}

static void keep_mark(struct scan *s, const char *header)
{
    struct marks *m = s->marks;
    struct mark *mark = &m->v[m->count++];
    mark->header = gn_strdup(header);
    mark->path = gn_calloc(s->depth + 1, sizeof(char *));
    m->bytes += sizeof(*mark) + strlen(header);
    for (size_t i = 0; i < s->depth; i++) {
        mark->path[i] = gn_strdup(gn_json_name(s->path[i], NULL));
        m->bytes += strlen(mark->path[i]) + sizeof(char *);
    }
}

static bool is_primitive(const gantry_json *schema)
{
    const gantry_json *type = gn_json_get(schema, "type");
    return gn_json_streq(type, "string") || gn_json_streq(type, "integer") ||
           gn_json_streq(type, "boolean");
}

static int check_mark(struct scan *s, const gantry_json *schema, const gantry_json *mark,
                      bool reachable)
{
    const char *name = gn_json_cstr(mark);
    if (!reachable || s->depth == 0)
        return gn_error_set(s->err, GN_EINVAL,
                            MARK " stands where it is not reached by properties alone");
    if (!name || !gn_header_name_valid(name))
        return gn_error_set(s->err, GN_EINVAL, MARK " is not the name of a header");
    if (!is_primitive(schema))
        return gn_error_set(s->err, GN_EINVAL,
                            MARK " \"%.100s\": only string, integer and boolean may have it", name);
    for (size_t i = 0; i < s->marks->count; i++) {
        if (gn_strcaseeq(s->marks->v[i].header, name))
            return gn_error_set(s->err, GN_EINVAL, MARK " \"%.100s\" stands there twice", name);
    }
    if (s->marks->count == MARKS_MAX)
        return gn_error_set(s->err, GN_ETOOBIG, "more than %d " MARK, MARKS_MAX);
    keep_mark(s, name);
    return 0;
}

/* Values, not schemas. */
static bool is_data(const char *keyword)
{
    static const char *const words[] = {"default", "const", "enum", "examples"};
    for (size_t i = 0; i < GN_COUNT(words); i++) {
        if (gn_streq(keyword, words[i]))
            return true;
    }
    return false;
}

static int scan_schema(struct scan *s, const gantry_json *schema, bool reachable);

static int scan_properties(struct scan *s, const gantry_json *properties)
{
    const gantry_json *property = NULL;
    int rc = 0;
    while (rc == 0 && (property = gn_json_next(properties, property))) {
        s->path[s->depth++] = property;
        rc = scan_schema(s, property, true);
        s->depth--;
    }
    return rc;
}

/* As deep as a document may be. In an object that is no schema (definitions, properties that are
 * not reached) the mark may be a name like others: then what it names is no text. */
static int scan_schema(struct scan *s, const gantry_json *schema, bool reachable)
{
    const gantry_json *value = NULL;
    int rc = 0;
    while (rc == 0 && (value = gn_json_next(schema, value))) {
        const char *key = gn_json_name(value, NULL);
        if (gn_streq(key, MARK) && (reachable || gn_json_type(value) == GN_JSON_STRING))
            rc = check_mark(s, schema, value, reachable);
        else if (gn_streq(key, "properties") && reachable && gn_json_type(value) == GN_JSON_OBJECT)
            rc = scan_properties(s, value);
        else if (!is_data(key))
            rc = scan_schema(s, value, false);
    }
    return rc;
}

static void keep(gantry_client *c, const gantry_json *tool, struct marks *m)
{
    size_t len;
    const char *name = gn_json_str(gn_json_get(tool, "name"), &len);
    struct learned *l;
    if (!c->tool_headers) {
        l = gn_calloc(1, sizeof(*l));
        gn_map_init(&l->by_tool);
        c->tool_headers = &l->by_tool;
    }
    l = GN_CONTAINER(c->tool_headers, struct learned, by_tool);
    if (name) {
        struct marks *old = gn_map_removen(&l->by_tool, name, len);
        l->bytes -= old ? old->bytes : 0;
        if (old)
            marks_free(old);
        m->bytes += sizeof(*m) + len;
    }
    if (!name || m->count == 0 || l->bytes + m->bytes > KEPT_MAX) {
        marks_free(m);
        return;
    }
    l->bytes += m->bytes;
    gn_map_putn(&l->by_tool, name, len, m);
}

bool gn_param_headers_learn(gantry_client *c, const gantry_json *tool, struct gn_error *err)
{
    struct scan *s = gn_calloc(1, sizeof(*s));
    s->marks = gn_calloc(1, sizeof(*s->marks));
    s->err = err;
    bool ok = scan_schema(s, gn_json_get(tool, "inputSchema"), true) == 0;
    if (ok)
        keep(c, tool, s->marks);
    else
        marks_free(s->marks);
    gn_free(s);
    return ok;
}

void gn_param_headers_forget(gantry_client *c)
{
    if (!c->tool_headers)
        return;
    gn_map_release(c->tool_headers, marks_free);
    gn_free(GN_CONTAINER(c->tool_headers, struct learned, by_tool));
    c->tool_headers = NULL;
}

/* ---------------------------------------------------------------- headers of a call */

static bool is_mirrored(const gantry_request *r)
{
    const gantry_client *c = r->client;
    return gn_streq(r->method, "tools/call") && c->link && c->link->ops->has_exchanges &&
           gn_client_is_stateless(c);
}

/* A whole number that not everybody reads as the same number. */
static bool is_unsafe(const gantry_json *value)
{
    int64_t i;
    if (gn_json_type(value) != GN_JSON_NUMBER || !gn_json_is_whole(value))
        return false;
    return !gn_json_int(value, &i) || i > SAFE_INTEGER || i < -SAFE_INTEGER;
}

/* NULL if there is none: no such argument, or of a type that the server refuses anyway. An empty
 * text is encoded, as a header without a value gets lost on many ways. */
static char *make_header(const struct mark *m, const gantry_json *value)
{
    struct gn_buf line = GN_BUF_INIT(HEADER_MAX);
    gn_buf_addf(&line, GN_HEADER_PARAM_PREFIX "%s: ", m->header);
    bool ok = gn_json_streq(value, "") ? gn_buf_adds(&line, "=?base64?"
                                                            "?=") == 0
                                       : gn_header_encode_json(&line, value) == 0;
    char *text = ok && !line.overflow ? gn_buf_take(&line, NULL) : NULL;
    gn_buf_release(&line);
    return text;
}

static const gantry_json *find(const gantry_json *arguments, char *const *path)
{
    const gantry_json *v = arguments;
    while (v && *path)
        v = gn_json_get(v, *path++);
    return v;
}

/* False, with the request ended, if a value may not be in a header. */
static bool make_headers(gantry_request *r, const struct marks *m, const gantry_json *arguments)
{
    size_t count = 0;
    r->param_headers = gn_calloc(m->count + 1, sizeof(char *));
    for (size_t i = 0; i < m->count; i++) {
        const gantry_json *value = find(arguments, m->v[i].path);
        if (is_unsafe(value)) {
            gn_request_end(r, GANTRY_CLIENT_INVALID,
                           "an argument of %s goes into the header " GN_HEADER_PARAM_PREFIX
                           "%.100s, which holds whole numbers only from -2^53+1 to 2^53-1",
                           r->name, m->v[i].header);
            return false;
        }
        char *line = make_header(&m->v[i], value);
        if (line)
            r->param_headers[count++] = line;
    }
    return true;
}

bool gn_param_headers_set(gantry_request *r)
{
    struct gn_json_doc doc = {0};
    gn_texts_free(r->param_headers);
    r->param_headers = NULL;
    if (!is_mirrored(r) || !r->client->tool_headers || !r->name)
        return true;
    const struct marks *m = gn_map_find(r->client->tool_headers, r->name);
    if (!m || gn_json_parse_copy(&doc, r->params, strlen(r->params), NULL, NULL))
        return true;
    bool ok = make_headers(r, m, gn_json_get(gn_json_root(&doc), "arguments"));
    gn_json_release(&doc);
    return ok;
}

/* ---------------------------------------------------------------- headers that did not match */

static bool same_texts(char *const *a, char *const *b)
{
    while (a && *a && b && *b && gn_streq(*a, *b))
        a++, b++;
    return !(a && *a) && !(b && *b);
}

/* The tools have been listed, or could not be. */
static void try_again(gantry_request *r)
{
    struct gn_param_retry *retry = r->param_retry;
    char **before = r->param_headers;
    retry->list = NULL;
    r->param_headers = NULL;
    bool may_go_on = gn_param_headers_set(r), same = same_texts(before, r->param_headers);
    gn_texts_free(before);
    if (may_go_on && same)
        gn_request_end_error(r, &retry->doc, retry->error);
    else if (may_go_on)
        gn_request_send(r);
}

static gantry_request *waiting_for(gantry_client *c, const gantry_request *list)
{
    GN_LIST_EACH(&c->requests, n) {
        gantry_request *r = GN_CONTAINER(n, gantry_request, node);
        if (r->param_retry && r->param_retry->list == list)
            return r;
    }
    return NULL;
}

/* Sending may call the user's handlers, which may free what is done: each time looked for anew. */
static void on_listed(gantry_request *list, void *arg)
{
    gantry_client *c = arg;
    gantry_request *r;
    while ((r = waiting_for(c, list)))
        try_again(r);
}

/* One that is under way already, or another. */
static gantry_request *list_tools(gantry_client *c)
{
    GN_LIST_EACH(&c->requests, n) {
        gantry_request *r = GN_CONTAINER(n, gantry_request, node);
        if (r->internal_done == on_listed && r->state < GN_REQUEST_ENDED)
            return r;
    }
    gantry_request *list = gn_lists_new(
        c, GANTRY_LIST_TOOLS,
        &(gantry_request_options){.size = sizeof(gantry_request_options), .skips_cache = true});
    list->internal_done = on_listed;
    list->internal_arg = c;
    list->belongs_to_nobody = true;
    gn_request_start(list);
    return list;
}

bool gn_param_headers_take_error(gantry_request *r, struct gn_json_doc *doc,
                                 const gantry_json *error)
{
    gantry_client *c = r->client;
    int64_t code;
    if (!is_mirrored(r) || r->param_retry || !gn_json_int(gn_json_get(error, "code"), &code) ||
        code != GN_RPC_HEADER_MISMATCH || !gn_client_server_can(c, "tools"))
        return false;
    r->param_retry = gn_calloc(1, sizeof(*r->param_retry));
    r->param_retry->doc = *doc;
    *doc = (struct gn_json_doc){0};
    r->param_retry->error = error;
    gn_request_hold(r);
    gn_cache_changed(c, "notifications/tools/list_changed", NULL);
    gn_client_note(c, "headers of %s did not match: the tools are listed", r->name);
    gantry_request *list = list_tools(c);
    if (r->param_retry) /* nobody has ended it meanwhile */
        r->param_retry->list = list;
    return true;
}

void gn_param_headers_drop(gantry_request *r)
{
    if (!r->param_retry)
        return;
    gn_json_release(&r->param_retry->doc);
    gn_free(r->param_retry);
    r->param_retry = NULL;
}
