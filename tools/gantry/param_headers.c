/* param_headers.c - x-mcp-header: arguments that are mirrored in headers of the request. */
#include "target.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/headers.h"
#include "json/json.h"

#include <string.h>

#define MARK "x-mcp-header"
#define DEPTH_MAX 64
#define MARKS_MAX 64

struct check {
    const char *names[MARKS_MAX];
    size_t count;
    struct gn_error *err;
};

struct make {
    char **headers;
    size_t count;
};

static bool is_primitive(const json_t *schema)
{
    const char *type = json_string_value(json_object_get(schema, "type"));
    return gn_streq(type, "string") || gn_streq(type, "integer") || gn_streq(type, "boolean");
}

static int check_mark(struct check *c, const json_t *schema, const json_t *mark, bool reachable)
{
    const char *name = json_string_value(mark);
    if (!reachable)
        return gn_error_set(c->err, GN_EINVAL,
                            MARK " stands where it is not reached by properties alone");
    if (!name || !gn_header_name_valid(name))
        return gn_error_set(c->err, GN_EINVAL, MARK " is not the name of a header");
    if (!is_primitive(schema))
        return gn_error_set(c->err, GN_EINVAL,
                            MARK " \"%s\": only string, integer and boolean may have it", name);
    for (size_t i = 0; i < c->count; i++) {
        if (gn_strcaseeq(c->names[i], name))
            return gn_error_set(c->err, GN_EINVAL, MARK " \"%s\" stands there twice", name);
    }
    if (c->count == MARKS_MAX)
        return gn_error_set(c->err, GN_ETOOBIG, "more than %d " MARK, MARKS_MAX);
    c->names[c->count++] = name;
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

static int check_schema(struct check *c, const json_t *schema, bool reachable, int depth)
{
    const char *key;
    json_t *value;
    size_t i;
    if (depth > DEPTH_MAX)
        return gn_error_set(c->err, GN_ETOOBIG, "the schema is nested too deep");
    int rc = 0;
    json_array_foreach(schema, i, value)
    {
        rc = check_schema(c, value, false, depth + 1);
        if (rc)
            return rc;
    }
    json_object_foreach((json_t *)(uintptr_t)schema, key, value)
    {
        const char *name;
        json_t *property;
        if (gn_streq(key, MARK) && (reachable || json_is_string(value))) {
            rc = check_mark(c, schema, value, reachable);
        } else if (gn_streq(key, "properties") && reachable) {
            json_object_foreach(value, name, property)
            {
                rc = rc ? rc : check_schema(c, property, true, depth + 1);
            }
        } else if (!is_data(key)) {
            rc = check_schema(c, value, false, depth + 1);
        }
        if (rc)
            return rc;
    }
    return 0;
}

static void make_header(struct make *m, const char *name, const json_t *value)
{
    struct gn_buf line = GN_BUF_INIT(64 * 1024);
    gn_buf_addf(&line, GN_HEADER_PARAM_PREFIX "%s: ", name);
    if (json_is_string(value))
        gn_header_encode(&line, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        gn_buf_addf(&line, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_boolean(value))
        gn_buf_adds(&line, json_is_true(value) ? "true" : "false");
    else
        line.overflow = true; /* of a type that the server refuses anyway */
    if (!line.overflow) {
        m->headers = gn_reallocarray(m->headers, m->count + 2, sizeof(*m->headers));
        m->headers[m->count++] = gn_buf_take(&line, NULL);
        m->headers[m->count] = NULL;
    }
    gn_buf_release(&line);
}

static void make_headers(struct make *m, const json_t *schema, const json_t *arguments, int depth)
{
    const char *name;
    json_t *property;
    if (depth > DEPTH_MAX || m->count > MARKS_MAX)
        return;
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        const json_t *value = json_object_get(arguments, name);
        const char *mark = json_string_value(json_object_get(property, MARK));
        if (mark && value && !json_is_null(value))
            make_header(m, mark, value);
        else if (json_is_object(value))
            make_headers(m, property, value, depth + 1);
    }
}

int gn_param_headers_check(const json_t *schema, struct gn_error *err)
{
    struct check c = {.err = err};
    return check_schema(&c, schema, true, 0);
}

char **gn_param_headers_make(const json_t *schema, const json_t *arguments)
{
    struct make m = {.headers = gn_calloc(1, sizeof(char *))};
    make_headers(&m, schema, arguments, 0);
    return m.headers;
}

void gn_param_headers_free(char **headers)
{
    for (char **h = headers; h && *h; h++)
        gn_free(*h);
    gn_free(headers);
}
