/* uri.h - inside host/schema: references resolved against a base (RFC 3986, section 5.2). */
#ifndef GN_SCHEMA_URI_H
#define GN_SCHEMA_URI_H

#include "util/buf.h"

/* Appends to out what `ref` means where `base` holds, without its fragment; base may be empty or
 * relative. *ret_fragment points into ref behind the '#'; NULL if there is none. GN_ETOOBIG if out
 * is full. */
int gn_uri_resolve(const char *base, const char *ref, size_t len, struct gn_buf *out,
                   const char **ret_fragment);

#endif
