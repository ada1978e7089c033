/* listed.h - schemas as lists show them to clients. */
#ifndef GN_SCHEMA_LISTED_H
#define GN_SCHEMA_LISTED_H

#include "schema/schema.h"

/* Compact JSON, with objects in the place of properties that are booleans: up to 2025-11-25 MCP
 * wants objects there. *ret is owned by the caller. GN_ETOOBIG: over max_bytes. [any thread] */
GN_NODISCARD int gn_schema_listed(const struct gn_schema *s, size_t max_bytes, char **ret);
/* The same for clients that cannot follow references. *ret is owned by the caller; it stays as it
 * is if `text`, what gn_schema_listed gave, has none. GN_ETOOBIG: over max_bytes, or it cannot be
 * written without them. [any thread] */
GN_NODISCARD int gn_schema_listed_inline(const struct gn_schema *s, const char *text,
                                         size_t max_bytes, char **ret);

#endif
