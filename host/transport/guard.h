/* guard.h - what an HTTP request must look like before anything listens to it: pure functions over
 * header values. [any thread]
 *
 * Host and Origin are checked against DNS rebinding (2026-07-28 Streamable HTTP, "Security &
 * Endpoint"): a page that resolves its own name to 127.0.0.1 still sends that name.
 */
#ifndef GN_TRANSPORT_GUARD_H
#define GN_TRANSPORT_GUARD_H

#include "util/common.h"

/* Whether a Host header names this server: a loopback name, the address the connection came in on
 * (`local`, a literal without brackets; NULL: none), or one of `allowed` ("name", "name:port",
 * "*.name" for any name below it, "*" for any; NULL-terminated, may be NULL). */
bool gn_guard_host(const char *host, const char *local, char *const *allowed);
/* Whether an Origin header is one of a page on this machine, or of `allowed` ("https://name:port",
 * "*"). "null" is no page on this machine. */
bool gn_guard_origin(const char *origin, char *const *allowed);

/* Whether an Accept header takes this media type ("application/json"); absent: all. */
bool gn_guard_accepts(const char *accept, const char *type);
/* Whether it names the type itself, and not with a quality of 0. */
bool gn_guard_names(const char *accept, const char *type);
/* Whether a Content-Type header says this type, with any parameters. */
bool gn_guard_is_type(const char *content_type, const char *type);
/* Whether a comma-separated list (Connection, Transfer-Encoding) has this token. */
bool gn_guard_has_token(const char *list, const char *token);

/* A Content-Length header's value: digits and nothing else, at most 2^53. */
bool gn_guard_length(const char *text, uint64_t *ret);
/* Whether a list of header names (Access-Control-Request-Headers) can be repeated to the client. */
bool gn_guard_header_list(const char *text);

#endif
