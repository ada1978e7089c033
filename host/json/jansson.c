/* jansson.c - to and from the mutable documents of configuration, schemas and tools. */
#include "json/json.h"

#include "util/alloc.h"

#include <string.h>

#define MAX_TEXT ((size_t)256 << 20)

/* NULL if a number does not fit a double. */
static json_t *number(const gantry_json *v)
{
    int64_t integer;
    double real;
    if (v->flags & GN_JSON_INTEGER && gn_json_int(v, &integer))
        return json_integer(integer);
    return gn_json_num(v, &real) ? json_real(real) : NULL;
}

/* A new reference, or NULL. Recursion is as deep as the document, GN_JSON_MAX_DEPTH at most. */
static json_t *array_of(const gantry_json *v)
{
    json_t *array = json_array();
    for (const gantry_json *e = gn_json_next(v, NULL); e; e = gn_json_next(v, e)) {
        /* The array takes the value over, even when it fails, as it does for NULL. */
        if (json_array_append_new(array, gn_json_to_jansson(e)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *object_of(const gantry_json *v)
{
    json_t *object = json_object();
    for (const gantry_json *m = gn_json_next(v, NULL); m; m = gn_json_next(v, m)) {
        size_t len;
        const char *name = gn_json_name(m, &len);
        if (json_object_setn_new_nocheck(object, name, len, gn_json_to_jansson(m)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static int write_value(struct gn_buf *out, const json_t *v, unsigned depth, struct gn_error *err);

static int write_array(struct gn_buf *out, const json_t *v, unsigned depth, struct gn_error *err)
{
    gn_buf_addc(out, '[');
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (i)
            gn_buf_addc(out, ',');
        int rc = write_value(out, json_array_get(v, i), depth + 1, err);
        if (rc)
            return rc;
    }
    gn_buf_addc(out, ']');
    return 0;
}

static int write_object(struct gn_buf *out, const json_t *v, unsigned depth, struct gn_error *err)
{
    json_t *object = (json_t *)v; /* the iterator wants it so, and changes nothing */
    gn_buf_addc(out, '{');
    bool more = false;
    for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
        if (more)
            gn_buf_addc(out, ',');
        more = true;
        gn_json_write_str(out, json_object_iter_key(it), json_object_iter_key_len(it));
        gn_buf_addc(out, ':');
        int rc = write_value(out, json_object_iter_value(it), depth + 1, err);
        if (rc)
            return rc;
    }
    gn_buf_addc(out, '}');
    return 0;
}

static int write_value(struct gn_buf *out, const json_t *v, unsigned depth, struct gn_error *err)
{
    if (depth > GN_JSON_MAX_DEPTH)
        return gn_error_set(err, GN_ETOOBIG, "JSON is nested deeper than %d", GN_JSON_MAX_DEPTH);
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return write_object(out, v, depth, err);
    case JSON_ARRAY:
        return write_array(out, v, depth, err);
    case JSON_STRING:
        gn_json_write_str(out, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        gn_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        break;
    case JSON_REAL:
        gn_json_write_num(out, json_real_value(v)); /* jansson holds finite numbers only */
        break;
    case JSON_TRUE:
        gn_buf_adds(out, "true");
        break;
    case JSON_FALSE:
        gn_buf_adds(out, "false");
        break;
    case JSON_NULL:
        gn_buf_adds(out, "null");
        break;
    }
    return 0;
}

json_t *gn_json_to_jansson(const gantry_json *v)
{
    switch (gn_json_type(v)) {
    case GN_JSON_NULL:
        return json_null();
    case GN_JSON_FALSE:
        return json_false();
    case GN_JSON_TRUE:
        return json_true();
    case GN_JSON_NUMBER:
        return number(v);
    case GN_JSON_STRING:
        return json_stringn_nocheck(v->text, v->len);
    case GN_JSON_ARRAY:
        return array_of(v);
    case GN_JSON_OBJECT:
        return object_of(v);
    default:
        return NULL;
    }
}

int gn_json_from_jansson(struct gn_json_doc *doc, const json_t *v, struct gn_error *err)
{
    *doc = (struct gn_json_doc){0};
    if (!v)
        return gn_error_set(err, GN_EINVAL, "there is no JSON value");
    struct gn_buf text = GN_BUF_INIT(MAX_TEXT);
    int rc = write_value(&text, v, 0, err);
    if (rc == 0 && text.overflow)
        rc = gn_error_set(err, GN_ETOOBIG, "JSON is longer than %zu bytes", MAX_TEXT);
    if (rc) {
        gn_buf_release(&text);
        return rc;
    }
    size_t len;
    char *copy = gn_buf_take(&text, &len);
    struct gn_json_limits limits = {.max_depth = GN_JSON_MAX_DEPTH};
    rc = gn_json_parse(doc, copy, len, &limits, err);
    if (rc)
        gn_free(copy);
    else
        doc->own_text = true;
    return rc;
}
