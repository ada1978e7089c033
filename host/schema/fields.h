/* fields.h - argument tables inside the host: schema, checking, binding, printing.
 *
 * A table describes a C struct field by field (sdk/gantry.h, gantry_arg). It is imported once into
 * the structures below (deep copy: nothing points into a plugin) and then serves to make the JSON
 * Schema, to check a JSON value and fill the struct from it, and to print a struct as JSON.
 */
#ifndef GN_SCHEMA_FIELDS_H
#define GN_SCHEMA_FIELDS_H

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
    char **one_of, **titles;        /* NULL-terminated; NULL if none */
    struct gn_json_doc fallback;    /* the default, parsed; empty if none */
    json_t *extra;                  /* schema_json, parsed; NULL if none */
    void *regex;                    /* compiled pattern */
    struct gn_schema *extra_schema; /* schema_json again, for checking; NULL if none */
};

struct gn_fields {
    size_t count;
    struct gn_field *v;
    uint32_t struct_size;
};

/* Imports `args` (elements `stride` bytes apart, smaller or larger than ours: the rule of
 * copy_struct_from_user). Refuses, naming the row: empty or duplicate names, unknown types, offsets
 * beyond struct_size, a bad default, range, pattern, format or JSON, `fields` missing or nested
 * more than 16 deep. NULL args give an empty table. *ret_fields is owned by the caller. */
GN_NODISCARD int gn_fields_import(const gantry_arg *args, size_t stride, uint32_t struct_size,
                                  struct gn_fields **ret_fields, struct gn_error *err);
void gn_fields_free(struct gn_fields *fields);
const struct gn_field *gn_fields_find(const struct gn_fields *fields, const char *name);

/* The JSON Schema (2020-12) of the table, as an object with properties, required and
 * additionalProperties false. New reference. */
json_t *gn_fields_schema(const struct gn_fields *fields);

/* What was wrong with an instance: at most 20 lines kept, the rest counted. */
struct gn_problems {
    struct gn_buf text; /* one problem a line: "/times: expected integer 1 to 5, got \"many\"" */
    uint32_t count;
};
void gn_problems_init(struct gn_problems *p);
void gn_problems_release(struct gn_problems *p);
void gn_problems_add(struct gn_problems *p, const char *path, const char *fmt, ...) GN_PRINTF(3, 4);

enum gn_bind_flags {
    GN_BIND_COERCE = 1,  /* "5" for an integer, "true" for a boolean, JSON text for arrays and
                            objects: only where the type excludes strings */
    GN_BIND_STRINGS = 2, /* every value arrives as a string (prompts, URI variables): read it as
                            JSON where the type is not a string; what is not JSON stays a string
                            for GANTRY_T_JSON; "" and "null" count as missing for other types */
};
/* Checks `value` (NULL counts as {}) against the table and fills `out` (struct_size bytes, zeroed
 * here, and again if something is wrong). A null for a field that may be missing counts as missing:
 * its default is taken, or it stays zero (GANTRY_T_JSON takes null as a value). Keywords of
 * schema_json that gn_schema_check knows are checked too. Strings point into the value, those of
 * defaults into the table; everything else comes from the arena, which must live as long as the
 * struct. 0, or GN_EINVAL with every problem noted (names missing and unknown together, with the
 * nearest known name), or GN_ETOOBIG if the arena is full. problems may be NULL. [any thread] */
int gn_fields_bind(const struct gn_fields *fields, const gantry_json *value, uint32_t flags,
                   struct gn_arena *arena, void *out, struct gn_problems *problems);

/* Prints the struct as a JSON object. GN_EINVAL: a NULL where a value is required, or what the
 * table's schema would refuse (problems says which); GN_ETOOBIG: the buffer is full. What was
 * written then is of no use. A field that may be missing and is NULL or not set is left out. */
int gn_fields_print(const struct gn_fields *fields, const void *in, struct gn_jw *w,
                    const char *name, struct gn_problems *problems);

/* Schemas written as JSON. Begins small: type, enum, const, required, properties, items,
 * additionalProperties false, minimum, maximum, minLength, maxLength, minItems, maxItems are
 * checked; other keywords are kept for the client and not enforced. */
struct gn_schema;
GN_NODISCARD int gn_schema_parse(const char *json, struct gn_schema **ret, struct gn_error *err);
void gn_schema_free(struct gn_schema *s);
const json_t *gn_schema_document(const struct gn_schema *s);
int gn_schema_check(const struct gn_schema *s, const gantry_json *value,
                    struct gn_problems *problems);

#endif
