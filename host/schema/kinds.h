/* kinds.h - inside host/schema: what each GANTRY_T_ type is, and the checks of single values that
 * reading a struct and printing one share. [any thread]
 */
#ifndef GN_SCHEMA_KINDS_H
#define GN_SCHEMA_KINDS_H

#include "schema/problems.h"

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

/* "integer 1 to 5", "array of 1 to 3 strings": what the field expects. */
void gn_field_describe(const struct gn_field *f, struct gn_buf *out);

/* Checks of one value (an array's element is checked by the same row). False if it is noted. */
bool gn_field_check_text(const struct gn_field *f, const char *s, size_t len,
                         const struct gn_path *at, struct gn_problems *p);
bool gn_field_check_int(const struct gn_field *f, int64_t v, const struct gn_path *at,
                        struct gn_problems *p);
bool gn_field_check_num(const struct gn_field *f, double v, const struct gn_path *at,
                        struct gn_problems *p);
bool gn_field_check_count(const struct gn_field *f, size_t n, const struct gn_path *at,
                          struct gn_problems *p);

/* Reads one value into the field of the struct at base, without coercion; the path is the value's
 * own. As gn_fields_bind. */
int gn_field_bind(const struct gn_field *f, const gantry_json *v, struct gn_arena *arena,
                  void *base, struct gn_problems *p);

#endif
