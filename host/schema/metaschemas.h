/* metaschemas.h - inside host/schema: the texts of metaschemas/, built into the library. */
#ifndef GN_SCHEMA_METASCHEMAS_H
#define GN_SCHEMA_METASCHEMAS_H

#include <stddef.h>

struct gn_embedded {
    const char *name; /* path below metaschemas/ without suffix: "2020-12/meta/core" */
    const char *text;
    size_t len;
};

extern const struct gn_embedded gn_metaschemas[]; /* ends with a row without name */

#endif
