/* format.h - the formats of JSON Schema that can be asserted; all others are annotations. */
#ifndef GN_SCHEMA_FORMAT_H
#define GN_SCHEMA_FORMAT_H

#include "util/common.h"

/* Static and immutable. */
struct gn_format {
    const char *name;                         /* "date" */
    const char *example;                      /* "2026-01-31": shown when a value is refused */
    bool (*valid)(const char *s, size_t len); /* UTF-8, may hold NUL [any thread] */
};

/* date-time, date, time, duration (RFC 3339), email (RFC 5321), hostname (RFC 1123, A-labels by
 * RFC 5891), ipv4, ipv6 (RFC 2673, 4291), uri, uri-reference (RFC 3986), uri-template (RFC 6570),
 * uuid (RFC 4122), json-pointer (RFC 6901), regex (ECMA-262, regex.h); NULL for any other name.
 * Looks through a table: for compiling, not for validating. [any thread] */
const struct gn_format *gn_format_find(const char *name);

#endif
