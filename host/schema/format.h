/* format.h - the formats of JSON Schema that are checked; others are notes for the client. */
#ifndef GN_SCHEMA_FORMAT_H
#define GN_SCHEMA_FORMAT_H

#include "util/common.h"

struct gn_format {
    const char *name;    /* "date" */
    const char *example; /* "2026-01-31": shown when a value is refused */
    bool (*valid)(const char *s, size_t len);
};

/* date, date-time, time, email, hostname, ipv4, ipv6, uri, uuid; NULL for any other. [any thread]
 */
const struct gn_format *gn_format_find(const char *name);

#endif
