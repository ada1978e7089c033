/* format_parts.h - inside the files format*.c: the formats that have a file of their own. Each
 * function takes UTF-8 that may hold NUL and says whether all of it has that form.
 */
#ifndef GN_SCHEMA_FORMAT_PARTS_H
#define GN_SCHEMA_FORMAT_PARTS_H

#include "schema/chars.h"

/* True if s[0..len) begins with %HH. */
static inline bool gn_is_escaped(const char *s, size_t len)
{
    return len >= 3 && s[0] == '%' && gn_is_hex(s[1]) && gn_is_hex(s[2]);
}

/* format_time.c: RFC 3339. */
bool gn_format_date(const char *s, size_t len);
bool gn_format_time(const char *s, size_t len);
bool gn_format_date_time(const char *s, size_t len);
bool gn_format_duration(const char *s, size_t len);

/* format_net.c */
bool gn_format_hostname(const char *s, size_t len);
bool gn_format_email(const char *s, size_t len);
bool gn_format_ipv4(const char *s, size_t len);
bool gn_format_ipv6(const char *s, size_t len);

/* format_uri.c */
bool gn_format_uri(const char *s, size_t len);
bool gn_format_uri_reference(const char *s, size_t len);
bool gn_format_uri_template(const char *s, size_t len);

#endif
