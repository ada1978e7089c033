/* link.c - an imported table gets its compiled schema, and what is then known to be wrong is told
 * by row.
 *
 * The tables within a table are checked by the schema of the outermost; each borrows from it the
 * set of its own names.
 */
#include "schema/kinds.h"
#include "schema/run.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define SCRATCH_MAX ((size_t)4 * 1024 * 1024) /* for trying a default */

/* ---------------------------------------------------------------- which row a place belongs to */

/* Bytes of a row's step at the begin of a JSON Pointer, slash included; 0 if it is not there. */
static size_t step_of(const struct gn_field *f, const char *pointer)
{
    struct gn_path root = {NULL, "", 0}, here = {&root, f->name, 0};
    struct gn_problems p;
    gn_problems_init(&p);
    gn_problems_at(&p, &here, "%s", "");
    size_t len = p.text.len - strlen(": ");
    if (strncmp(pointer, gn_buf_str(&p.text), len) != 0 ||
        (pointer[len] != '/' && pointer[len] != ':'))
        len = 0;
    gn_problems_release(&p);
    return len;
}

static const struct gn_field *row_at(const struct gn_fields *fields, const char *pointer,
                                     size_t *ret_len)
{
    const struct gn_field *best = NULL;
    *ret_len = 0;
    for (size_t i = 0; i < fields->count; i++) {
        size_t len = step_of(&fields->v[i], pointer);
        if (len > *ret_len) {
            best = &fields->v[i];
            *ret_len = len;
        }
    }
    return best;
}

/* What stands in a row, in the words of the table: of an array's row, most is about elements. */
static const char *place_in_row(const struct gn_field *f, const char *pointer, struct gn_buf *out)
{
    if (pointer[0] != '/')
        return pointer + strlen(": ");
    if (f->extra && json_object_getn(f->extra, pointer + 1, strcspn(pointer + 1, "/:"))) {
        gn_buf_adds(out, "schema_json: ");
        return pointer;
    }
    const char *place = pointer + (gn_starts_with(pointer, "/items/") ? strlen("/items/") : 1);
    /* Some messages begin with the keyword themselves. */
    size_t keyword = strcspn(place, ":"), message = keyword + strlen(": ");
    return strncmp(place, place + message, keyword) == 0 ? place + message : place;
}

/* "/properties/a/minimum: ..." is "argument \"a\": minimum: ...". */
static void name_row(const struct gn_fields *fields, struct gn_error *err)
{
    static const char properties[] = "/properties", items[] = "/items";
    struct gn_buf named = GN_BUF_INIT(GN_ERROR_MAX * 2);
    const struct gn_field *row = NULL;
    const char *at = err->text;
    size_t len = 0;
    while (fields && gn_starts_with(at, properties)) {
        const struct gn_field *f = row_at(fields, at + strlen(properties), &len);
        if (!f)
            break;
        row = f;
        gn_buf_addf(&named, "argument \"%s\": ", f->name);
        at += strlen(properties) + len;
        if (f->fields && gn_kind_of(f->type)->array && gn_starts_with(at, items))
            at += strlen(items);
        fields = f->fields;
    }
    if (row)
        at = place_in_row(row, at, &named);
    gn_buf_adds(&named, at);
    gn_error_set(err, err->code, "%s", gn_buf_str(&named));
    gn_buf_release(&named);
}

/* ---------------------------------------------------------------- tables and their nodes */

/* A default must be what a client could have sent, and what the struct can take. */
static int check_default(const struct gn_schema *schema, struct gn_node *node,
                         const struct gn_field *f, uint32_t struct_size, struct gn_error *err)
{
    const gantry_json *value = gn_json_root(&f->fallback);
    struct gn_arena scratch;
    struct gn_problems problems;
    struct gn_schema part = *schema;
    int rc = 0;
    part.root = node;
    gn_arena_init(&scratch, SCRATCH_MAX);
    gn_problems_init(&problems);
    void *out = gn_calloc(1, struct_size);
    if (node)
        rc = gn_schema_validate(&part, value, 0, &problems);
    if (!rc)
        rc = gn_field_bind(f, value, &scratch, out, &problems);
    if (rc && problems.count == 0)
        gn_error_set(err, rc, "the default is too big");
    else if (rc)
        gn_error_set(err, rc, "default: %s", gn_buf_str(&problems.text));
    gn_free(out);
    gn_problems_release(&problems);
    gn_arena_release(&scratch);
    return rc;
}

static int take_names(struct gn_fields *fields, const struct gn_node *node, struct gn_error *err)
{
    const struct gn_op *op = node ? gn_node_op(node, gn_op_object) : NULL;
    const struct gn_name_table *names = op ? &op->u.object->names : NULL;
    bool same = names && names->count >= fields->count;
    for (size_t i = 0; same && i < fields->count; i++)
        same = gn_streq(names->v[i].text, fields->v[i].name);
    if (!same)
        return gn_error_set(err, GN_EINVAL, "schema_json must leave the properties to .fields");
    fields->names = names;
    return 0;
}

/* The node of a row's nested table: the row's own, or that of its elements. */
static const struct gn_node *node_of_table(const struct gn_field *f, const struct gn_node *node)
{
    if (!gn_kind_of(f->type)->array)
        return node;
    const struct gn_op *op = node ? gn_node_op(node, gn_op_array) : NULL;
    return op ? op->u.array->rest : NULL;
}

static int link_table(const struct gn_schema *schema, struct gn_fields *fields,
                      const struct gn_node *node, struct gn_error *err)
{
    if (fields->count == 0)
        return 0;
    int rc = take_names(fields, node, err);
    for (size_t i = 0; !rc && i < fields->count; i++) {
        const struct gn_field *f = &fields->v[i];
        struct gn_node *own = fields->names->v[i].node;
        if (f->fields)
            rc = link_table(schema, f->fields, node_of_table(f, own), err);
        if (!rc && f->fallback.count > 0)
            rc = check_default(schema, own, f, fields->struct_size, err);
        if (rc)
            gn_error_prefix(err, "argument \"%s\": ", f->name);
    }
    return rc;
}

/* Through gantry's own writer: it writes 0.1 as 0.1. */
static int write_schema(const struct gn_fields *fields, struct gn_buf *out, struct gn_error *err)
{
    json_t *schema = gn_fields_schema(fields);
    struct gn_json_doc doc;
    int rc = gn_json_from_jansson(&doc, schema, err);
    json_decref(schema);
    if (!rc)
        rc = gn_json_write(out, gn_json_root(&doc));
    gn_json_release(&doc);
    return rc;
}

int gn_fields_link(struct gn_fields *fields, struct gn_error *err)
{
    static const struct gn_schema_options options = {.assert_formats = true};
    struct gn_error own = {0};
    struct gn_buf text = GN_BUF_INIT(SIZE_MAX);
    int rc = write_schema(fields, &text, &own);
    if (!rc)
        rc = gn_schema_compile(gn_buf_str(&text), text.len, &options, &fields->schema, &own);
    gn_buf_release(&text);
    if (rc) {
        name_row(fields, &own);
        return gn_error_set(err, rc, "%s", own.text);
    }
    return link_table(fields->schema, fields, fields->schema->root, err);
}
