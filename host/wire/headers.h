/* headers.h - HTTP headers of MCP: their names, and how values travel in them.
 *
 * A value is carried as it is if it consists of visible ASCII, blanks and tabs and neither begins
 * nor ends with a blank; else as "=?base64?...?=" over its UTF-8 (2026-07-28, Streamable HTTP,
 * "Value Encoding"). The marks are case-sensitive; a plain value that looks like them is encoded.
 */
#ifndef GN_WIRE_HEADERS_H
#define GN_WIRE_HEADERS_H

#include "util/buf.h"
#include "json/json.h"

#define GN_HEADER_PROTOCOL_VERSION "MCP-Protocol-Version"
#define GN_HEADER_SESSION_ID "Mcp-Session-Id"
#define GN_HEADER_METHOD "Mcp-Method"
#define GN_HEADER_NAME "Mcp-Name"
#define GN_HEADER_PARAM_PREFIX "Mcp-Param-"
#define GN_HEADER_LAST_EVENT_ID "Last-Event-ID"

/* Appends the header form of value. GN_EINVAL if it is not UTF-8; GN_ETOOBIG. */
int gn_header_encode(struct gn_buf *out, const char *value, size_t len);
/* The same for a string, number or boolean of a message; GN_EINVAL for any other type. */
int gn_header_encode_json(struct gn_buf *out, const gantry_json *value);

/* Appends what a header's text stands for; blanks around it do not count. GN_EINVAL, with out as it
 * was, if it has a character that no header may have, or Base64 that is not canonical or not
 * UTF-8. The value may then contain any character, NUL too. */
int gn_header_decode(struct gn_buf *out, const char *text, size_t len);

/* True if the header's text, decoded, says the same as a value of the body: strings byte by byte,
 * numbers by value ("42.0" is 42), booleans as "true" and "false". False for malformed text and for
 * values of other types. */
bool gn_header_matches(const char *text, size_t len, const gantry_json *value);

/* True if name is a token of RFC 9110: what the name of a header may be. */
bool gn_header_name_valid(const char *name);

#endif
