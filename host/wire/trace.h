/* trace.h - W3C Trace Context and Baggage: is a text that a client sent what it should be? It goes
 * to logs and to other servers as it is, so what is malformed is not taken. [any thread]
 */
#ifndef GN_WIRE_TRACE_H
#define GN_WIRE_TRACE_H

#include "util/common.h"

/* "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01" (Trace Context, 3.2.2): lower case, ids
 * not all zero; a version to come (not ff) may have more behind. */
bool gn_trace_parent_is_valid(const char *s);
/* Visible characters and spaces, 1 to 512 bytes (Trace Context, 3.3). */
bool gn_trace_state_is_valid(const char *s);
/* The same, up to 8192 bytes (Baggage, 3.3.2). */
bool gn_trace_baggage_is_valid(const char *s);

#endif
