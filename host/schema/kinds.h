/* kinds.h - inside host/schema: what each GANTRY_T_ type is, and what the parts of argument tables
 * share. [any thread]
 */
#ifndef GN_SCHEMA_KINDS_H
#define GN_SCHEMA_KINDS_H

#include "schema/fields.h"

/* One more than INT64_MAX, exactly: doubles from -it up to below it fit an int64_t. */
#define GN_INT64_END 9223372036854775808.0

enum gn_basis { GN_ANY, GN_TEXT, GN_INTEGER, GN_NUMBER, GN_BOOLEAN, GN_OBJECT };

struct gn_kind {
    const char *json;    /* the schema's type; NULL: any */
    enum gn_basis basis; /* of the value, or of an array's elements */
    bool array;
    bool opt;      /* may be missing by itself */
    uint32_t size; /* in the struct; 0: its table says */
};

/* NULL if there is no such type. */
const struct gn_kind *gn_kind_of(uint32_t type);
/* "integer", "string", ...; NULL for GN_ANY. */
const char *gn_basis_name(enum gn_basis basis);

/* Compiles the schema of a table whose rows are all there, lets the tables in it share its names,
 * and checks the defaults. The message of what is refused names the row. */
GN_NODISCARD int gn_fields_link(struct gn_fields *fields, struct gn_error *err);

/* Reads one value into the field of the struct at base; that it fits the field's schema is known.
 * As gn_fields_bind. */
int gn_field_bind(const struct gn_field *f, const gantry_json *v, struct gn_arena *arena,
                  void *base, struct gn_problems *p);

#endif
