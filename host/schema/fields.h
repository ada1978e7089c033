/* fields.h - argument tables inside the host: schema, checking, binding, printing.
 *
 * A table describes a C struct field by field (sdk/gantry.h, gantry_arg). It is imported once into
 * the structures below (deep copy: nothing points into a plugin) and then serves to make the JSON
 * Schema, to check a JSON value and fill the struct from it, and to print a struct as JSON.
 */
#ifndef GN_SCHEMA_FIELDS_H
#define GN_SCHEMA_FIELDS_H

#include "schema/schema.h"
#include "util/arena.h"
#include "util/error.h"
#include "json/json.h"

#include <gantry.h>

struct gn_field {
    char *name, *description, *title;
    uint32_t type; /* GANTRY_T_ */
    uint32_t offset, elem_size;
    bool optional; /* may be missing: opt types, defaults and `.optional` alike */
    struct gn_fields *fields;
    double min, max;           /* -inf, +inf where open */
    uint32_t min_len, max_len; /* max 0: none */
    char *pattern, *format, *header;
    char **one_of, **titles;     /* NULL-terminated; NULL if none */
    struct gn_json_doc fallback; /* the default, parsed; empty if none */
    json_t *extra;               /* schema_json, parsed; NULL if none */
};

struct gn_fields {
    size_t count;
    struct gn_field *v;
    uint32_t struct_size;
    struct gn_schema *schema;          /* of gn_fields_schema; NULL for a table within a table */
    const struct gn_name_table *names; /* of v, in its order; part of the schema */
};

/* Imports `args` (elements `stride` bytes apart, smaller or larger than ours: the rule of
 * copy_struct_from_user). Refuses, naming the row: empty or duplicate names, unknown types, offsets
 * beyond struct_size, a bad default, range, pattern, format or JSON, keywords that are no schema or
 * other properties than `fields` says, `fields` missing or nested more than 16 deep. NULL args give
 * an empty table. *ret_fields is owned by the caller. */
GN_NODISCARD int gn_fields_import(const gantry_arg *args, size_t stride, uint32_t struct_size,
                                  struct gn_fields **ret_fields, struct gn_error *err);
void gn_fields_free(struct gn_fields *fields);
const struct gn_field *gn_fields_find(const struct gn_fields *fields, const char *name);

/* The JSON Schema (2020-12) of the table, as an object with properties, required and
 * additionalProperties false. New reference. */
json_t *gn_fields_schema(const struct gn_fields *fields);

/* Checks `value` (NULL counts as {}) against the table's schema, coerced by flags (GN_COERCE_) if
 * it does not fit as it is, and fills `out` (struct_size bytes, zeroed here, and again if something
 * is wrong). What is missing takes its default, or stays zero; null counts as missing with
 * GN_COERCE_NULLS, or where schema_json lets it through for a field that may be missing. What a
 * right value may still hold that the struct cannot take is refused: an integer beyond 64 bits (of
 * a header: beyond 2^53 - 1), a number that is no finite double, U+0000 in a `const char *`.
 *
 * Strings point into the value, those of defaults into the table; everything else comes from the
 * arena, which must live as long as the struct. 0, or GN_EINVAL with every problem noted, or
 * GN_ETOOBIG if the arena is full or the value takes too many steps to check. problems may be NULL.
 * [any thread] */
int gn_fields_bind(const struct gn_fields *fields, const gantry_json *value, uint32_t flags,
                   struct gn_arena *arena, void *out, struct gn_problems *problems);

/* Prints the struct as a JSON object. GN_EINVAL: a NULL where a value is required, or a number that
 * is not finite (problems says where); GN_ETOOBIG: the buffer is full. What was written then is of
 * no use. A field that may be missing and is NULL or not set is left out. Whether the values fit
 * is the schema's to say. */
int gn_fields_print(const struct gn_fields *fields, const void *in, struct gn_jw *w,
                    const char *name, struct gn_problems *problems);

#endif
