/* import.c - argument tables from a plugin become fields of the host: copied and checked.
 *
 * Nothing is believed but that the table ends and that its strings are strings: a table may be
 * newer or older than this host, refer to itself, or contradict itself, and the message names the
 * row. What the options mean as a schema is for link.c to find out.
 */
#include "schema/fields.h"

#include "schema/kinds.h"
#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <string.h>

#define DEPTH_MAX 16    /* tables within tables */
#define ROWS_MAX 1024   /* of one table */
#define FIELDS_MAX 4096 /* of a table and all below it */
#define STRIDE_MAX ((size_t)4096)
#define STRUCT_MAX (1024u * 1024)
#define NAME_MAX_BYTES 256

/* What all rows of one import share. */
struct import {
    size_t stride;
    size_t count; /* fields so far */
    const char *headers[FIELDS_MAX];
    size_t header_count;
    uint32_t depth;
    bool in_array; /* below an array: no header may be asked for */
};

static void field_release(struct gn_field *f)
{
    char **lists[] = {f->one_of, f->titles};
    for (size_t i = 0; i < GN_COUNT(lists); i++) {
        for (char **s = lists[i]; s && *s; s++)
            gn_free(*s);
        gn_free(lists[i]);
    }
    gn_free(f->name);
    gn_free(f->description);
    gn_free(f->title);
    gn_free(f->pattern);
    gn_free(f->format);
    gn_free(f->header);
    gn_json_release(&f->fallback);
    json_decref(f->extra);
    gn_fields_free(f->fields);
}

/* Copies row i under the rule of copy_struct_from_user: what the plugin does not have is zero, what
 * this host does not know must be zero. */
static int read_row(const gantry_arg *args, size_t stride, size_t i, gantry_arg *ret,
                    struct gn_error *err)
{
    const unsigned char *row = (const unsigned char *)args + i * stride;
    memset(ret, 0, sizeof(*ret));
    memcpy(ret, row, GN_MIN(stride, sizeof(*ret)));
    for (size_t at = sizeof(*ret); ret->name && at < stride; at++) {
        if (row[at] != 0)
            return gn_error_set(err, GN_ENOTSUP,
                                "argument \"%s\" uses an option that this host does not know",
                                ret->name);
    }
    return 0;
}

static int copy_text(const char *what, const char *s, char **ret, struct gn_error *err)
{
    if (s && !gn_utf8_valid(s, strlen(s)))
        return gn_error_set(err, GN_EINVAL, "%s is not UTF-8", what);
    *ret = gn_strdup(s);
    return 0;
}

static size_t list_count(const char *const *list)
{
    size_t n = 0;
    while (list[n])
        n++;
    return n;
}

static int copy_list(const char *what, const char *const *list, char ***ret, struct gn_error *err)
{
    size_t n = list_count(list);
    *ret = gn_calloc(n + 1, sizeof(**ret));
    for (size_t i = 0; i < n; i++) {
        int rc = copy_text(what, list[i], &(*ret)[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

static int take_choices(struct gn_field *f, const gantry_arg *row, enum gn_basis basis,
                        struct gn_error *err)
{
    if (!row->one_of && !row->titles)
        return 0;
    if (!row->one_of)
        return gn_error_set(err, GN_EINVAL, "titles need one_of");
    if (basis != GN_TEXT)
        return gn_error_set(err, GN_EINVAL, "one_of is for strings");
    size_t n = list_count(row->one_of);
    if (n == 0)
        return gn_error_set(err, GN_EINVAL, "one_of is empty");
    if (row->titles && list_count(row->titles) != n)
        return gn_error_set(err, GN_EINVAL, "one_of has %zu values but titles has %zu", n,
                            list_count(row->titles));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (gn_streq(row->one_of[i], row->one_of[k]))
                return gn_error_set(err, GN_EINVAL, "one_of has \"%s\" twice", row->one_of[i]);
        }
    }
    int rc = copy_list("one_of", row->one_of, &f->one_of, err);
    return rc || !row->titles ? rc : copy_list("titles", row->titles, &f->titles, err);
}

static int take_range(struct gn_field *f, const gantry_arg *row, enum gn_basis basis,
                      struct gn_error *err)
{
    double min = row->range.min, max = row->range.max;
    f->min = -INFINITY;
    f->max = INFINITY;
    if (isnan(min) || isnan(max))
        return gn_error_set(err, GN_EINVAL, "range is not a number");
    if (min < 0 || min > 0 || max < 0 || max > 0) {
        if (basis != GN_INTEGER && basis != GN_NUMBER)
            return gn_error_set(err, GN_EINVAL, "range is for numbers");
        if (min > max || min >= INFINITY || max <= -INFINITY)
            return gn_error_set(err, GN_EINVAL,
                                "range {%g, %g} is empty; an open end is GANTRY_INFINITY", min,
                                max);
        for (size_t i = 0; basis == GN_INTEGER && i < 2; i++) {
            double end = i == 0 ? min : max;
            if (isinf(end))
                continue;
            if (end < -GN_INT64_END || end >= GN_INT64_END || (double)(int64_t)end < end ||
                (double)(int64_t)end > end)
                return gn_error_set(err, GN_EINVAL, "range of an integer ends at %g", end);
        }
        f->min = min;
        f->max = max;
    }
    return 0;
}

static int take_length(struct gn_field *f, const gantry_arg *row, const struct gn_kind *kind,
                       struct gn_error *err)
{
    uint32_t min = row->length.min, max = row->length.max;
    if (min == 0 && max == 0)
        return 0;
    if (!kind->array && kind->basis != GN_TEXT)
        return gn_error_set(err, GN_EINVAL, "length is for strings and arrays");
    if (max > 0 && min > max)
        return gn_error_set(err, GN_EINVAL, "length {%u, %u} is empty", min, max);
    f->min_len = min;
    f->max_len = max;
    return 0;
}

static int take_pattern(struct gn_field *f, const gantry_arg *row, enum gn_basis basis,
                        struct gn_error *err)
{
    if (!row->pattern)
        return 0;
    if (basis != GN_TEXT)
        return gn_error_set(err, GN_EINVAL, "pattern is for strings");
    return copy_text("pattern", row->pattern, &f->pattern, err);
}

static int take_format(struct gn_field *f, const gantry_arg *row, enum gn_basis basis,
                       struct gn_error *err)
{
    if (!row->format)
        return 0;
    if (basis != GN_TEXT)
        return gn_error_set(err, GN_EINVAL, "format is for strings");
    size_t len = strlen(row->format);
    size_t word = strspn(row->format,
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    if (len == 0 || len != word)
        return gn_error_set(err, GN_EINVAL, "format \"%s\" is not a format's name", row->format);
    return copy_text("format", row->format, &f->format, err);
}

/* x-mcp-header of MCP 2026-07-28, Streamable HTTP: a token, unique, on a primitive that is reached
 * through properties alone. */
static int take_header(struct gn_field *f, const gantry_arg *row, const struct gn_kind *kind,
                       struct import *in, struct gn_error *err)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";
    const char *name = row->header;
    if (!name)
        return 0;
    if (name[0] == '\0' || name[strspn(name, token)] != '\0')
        return gn_error_set(err, GN_EINVAL, "header \"%s\" is not the name of an HTTP field", name);
    if (kind->array ||
        (kind->basis != GN_TEXT && kind->basis != GN_INTEGER && kind->basis != GN_BOOLEAN))
        return gn_error_set(err, GN_EINVAL, "header is for strings, integers and booleans");
    if (in->in_array)
        return gn_error_set(err, GN_EINVAL, "header is not allowed inside an array");
    for (size_t i = 0; i < in->header_count; i++) {
        if (gn_strcaseeq(in->headers[i], name))
            return gn_error_set(err, GN_EINVAL, "header \"%s\" is used twice", name);
    }
    f->header = gn_strdup(name);
    in->headers[in->header_count++] = f->header;
    return 0;
}

static int read_extra(const char *json, json_t **ret, struct gn_error *err)
{
    struct gn_json_doc doc;
    int rc = gn_json_parse_copy(&doc, json, strlen(json), NULL, err);
    if (rc)
        return rc;
    const gantry_json *root = gn_json_root(&doc);
    if (gn_json_type(root) != GN_JSON_OBJECT)
        rc = gn_error_set(err, GN_EINVAL, "keywords come as an object, not %s",
                          gn_json_type_name(root));
    else if (gn_json_get(root, "x-mcp-header"))
        rc = gn_error_set(err, GN_EINVAL, "use .header for x-mcp-header");
    else if ((*ret = gn_json_to_jansson(root)) == NULL)
        rc = gn_error_set(err, GN_EINVAL, "has a number that cannot be kept");
    gn_json_release(&doc);
    return rc;
}

static int take_extra(struct gn_field *f, const gantry_arg *row, struct gn_error *err)
{
    int rc = row->schema_json ? read_extra(row->schema_json, &f->extra, err) : 0;
    if (rc)
        gn_error_prefix(err, "schema_json: ");
    return rc;
}

static int import_table(const gantry_arg *args, uint32_t struct_size, struct import *in,
                        struct gn_fields **ret, struct gn_error *err);

static int take_fields(struct gn_field *f, const gantry_arg *row, const struct gn_kind *kind,
                       uint32_t room, struct import *in, struct gn_error *err)
{
    if (kind->basis != GN_OBJECT)
        return row->fields ? gn_error_set(err, GN_EINVAL, "fields are for objects and their arrays")
                           : 0;
    if (!row->fields)
        return gn_error_set(err, GN_EINVAL, "fields are missing");
    if (kind->array && (row->elem_size == 0 || row->elem_size > STRUCT_MAX))
        return gn_error_set(err, GN_EINVAL, "elem_size is %u", row->elem_size);
    if (!kind->array && row->elem_size > room)
        return gn_error_set(err, GN_EINVAL, "the nested struct ends beyond the outer one");
    bool outer = in->in_array;
    in->in_array = outer || kind->array;
    int rc = import_table(row->fields, row->elem_size ? row->elem_size : room, in, &f->fields, err);
    in->in_array = outer;
    f->elem_size = row->elem_size;
    return rc;
}

static int take_default(struct gn_field *f, const gantry_arg *row, struct gn_error *err)
{
    if (!row->default_json)
        return 0;
    int rc = gn_json_parse_copy(&f->fallback, row->default_json, strlen(row->default_json), NULL,
                                err);
    if (rc) {
        gn_error_prefix(err, "default %s: ", row->default_json);
        return rc;
    }
    if (gn_json_type(gn_json_root(&f->fallback)) == GN_JSON_NULL && f->type != GANTRY_T_JSON)
        return gn_error_set(err, GN_EINVAL, "default null says nothing: use .optional");
    json_t *shown = gn_json_to_jansson(gn_json_root(&f->fallback));
    if (!shown)
        return gn_error_set(err, GN_EINVAL, "default %s has a number that cannot be shown",
                            row->default_json);
    json_decref(shown);
    return 0;
}

static int import_row(struct gn_field *f, const gantry_arg *row, uint32_t struct_size,
                      struct import *in, struct gn_error *err)
{
    const struct gn_kind *kind = gn_kind_of(row->type);
    if (!kind)
        return gn_error_set(err, GN_ENOTSUP, "type %u is not known", row->type);
    f->type = row->type;
    f->offset = row->offset;
    f->optional = kind->opt || row->optional != 0 || row->default_json != NULL;
    if (row->offset > struct_size || struct_size - row->offset < GN_MAX(kind->size, 1u))
        return gn_error_set(err, GN_EINVAL, "offset %u is beyond a struct of %u bytes", row->offset,
                            struct_size);
    int rc = copy_text("description", row->description, &f->description, err);
    if (!rc)
        rc = copy_text("title", row->title, &f->title, err);
    if (!rc)
        rc = take_range(f, row, kind->basis, err);
    if (!rc)
        rc = take_length(f, row, kind, err);
    if (!rc)
        rc = take_pattern(f, row, kind->basis, err);
    if (!rc)
        rc = take_format(f, row, kind->basis, err);
    if (!rc)
        rc = take_choices(f, row, kind->basis, err);
    if (!rc)
        rc = take_header(f, row, kind, in, err);
    if (!rc)
        rc = take_extra(f, row, err);
    if (!rc)
        rc = take_fields(f, row, kind, struct_size - row->offset, in, err);
    if (!rc)
        rc = take_default(f, row, err);
    return rc;
}

/* Counts the rows and checks their names. */
static int count_rows(const gantry_arg *args, struct import *in, size_t *ret, struct gn_error *err)
{
    size_t n = 0;
    for (gantry_arg row;; n++) {
        if (n > ROWS_MAX)
            return gn_error_set(err, GN_ETOOBIG,
                                "more than %d arguments: is GANTRY_ARGS_END there?", ROWS_MAX);
        int rc = read_row(args, in->stride, n, &row, err);
        if (rc)
            return rc;
        if (!row.name)
            break;
        size_t len = strnlen(row.name, NAME_MAX_BYTES + 1);
        if (len == 0 || len > NAME_MAX_BYTES || !gn_utf8_valid(row.name, len))
            return gn_error_set(err, GN_EINVAL, "the name of row %zu is %s", n + 1,
                                len == 0               ? "empty"
                                : len > NAME_MAX_BYTES ? "too long"
                                                       : "not UTF-8");
    }
    *ret = n;
    return 0;
}

static int import_table(const gantry_arg *args, uint32_t struct_size, struct import *in,
                        struct gn_fields **ret, struct gn_error *err)
{
    *ret = NULL;
    if (in->depth >= DEPTH_MAX)
        return gn_error_set(err, GN_ETOOBIG, "tables are nested more than %d deep", DEPTH_MAX);
    size_t n = 0;
    int rc = count_rows(args, in, &n, err);
    if (rc)
        return rc;
    in->count += n;
    if (in->count > FIELDS_MAX)
        return gn_error_set(err, GN_ETOOBIG, "more than %d arguments in all", FIELDS_MAX);
    struct gn_fields *fields = gn_calloc(1, sizeof(*fields));
    fields->struct_size = struct_size;
    fields->v = n > 0 ? gn_calloc(n, sizeof(*fields->v)) : NULL;
    in->depth++;
    for (size_t i = 0; !rc && i < n; i++) {
        gantry_arg row;
        rc = read_row(args, in->stride, i, &row, err);
        gn_assert(rc == 0 && row.name != NULL);
        if (gn_fields_find(fields, row.name)) {
            rc = gn_error_set(err, GN_EEXIST, "argument \"%s\" is there twice", row.name);
            break;
        }
        struct gn_field *f = &fields->v[i];
        f->name = gn_strdup(row.name);
        fields->count = i + 1;
        rc = import_row(f, &row, struct_size, in, err);
        if (rc)
            gn_error_prefix(err, "argument \"%s\": ", row.name);
    }
    in->depth--;
    if (rc)
        gn_fields_free(fields);
    else
        *ret = fields;
    return rc;
}

int gn_fields_import(const gantry_arg *args, size_t stride, uint32_t struct_size,
                     struct gn_fields **ret_fields, struct gn_error *err)
{
    static const gantry_arg none[] = {{.name = NULL}};
    *ret_fields = NULL;
    if (struct_size > STRUCT_MAX)
        return gn_error_set(err, GN_ETOOBIG, "a struct of %u bytes for arguments is too big",
                            struct_size);
    if (args && (stride < offsetof(gantry_arg, fields) || stride > STRIDE_MAX))
        return gn_error_set(err, GN_EINVAL, "rows of an argument table cannot have %zu bytes",
                            stride);
    struct import *in = gn_calloc(1, sizeof(*in));
    in->stride = args ? stride : sizeof(*none);
    int rc = import_table(args ? args : none, struct_size, in, ret_fields, err);
    gn_free(in);
    if (!rc)
        rc = gn_fields_link(*ret_fields, err);
    if (rc) {
        gn_fields_free(*ret_fields);
        *ret_fields = NULL;
    }
    return rc;
}

void gn_fields_free(struct gn_fields *fields)
{
    if (!fields)
        return;
    for (size_t i = 0; i < fields->count; i++)
        field_release(&fields->v[i]);
    gn_free(fields->v);
    gn_schema_free(fields->schema);
    gn_free(fields);
}

const struct gn_field *gn_fields_find(const struct gn_fields *fields, const char *name)
{
    for (size_t i = 0; fields && i < fields->count; i++) {
        if (gn_streq(fields->v[i].name, name))
            return &fields->v[i];
    }
    return NULL;
}
