/* error.h - error codes and the message a person reads.
 *
 * Functions that can fail return 0 or a negative code. Codes are -errno (libuv's pass through
 * unchanged). Operations whose failure a person will read about also take a last parameter
 * `struct gn_error *err` (may be NULL): code and message, prefixed on the way up
 * ("plugin weather: tool forecast: ..."). There is no thread-local last error.
 */
#ifndef GN_UTIL_ERROR_H
#define GN_UTIL_ERROR_H

#include "util/common.h"

#include <errno.h>

enum {
    GN_OK = 0,
    GN_EINVAL = -EINVAL,       /* malformed */
    GN_ENOENT = -ENOENT,       /* no such thing */
    GN_EEXIST = -EEXIST,       /* name taken */
    GN_ETOOBIG = -E2BIG,       /* over a limit */
    GN_EBUSY = -EBUSY,         /* overloaded or in use: try again */
    GN_EPIPE = -EPIPE,         /* the other side is gone */
    GN_ECANCELED = -ECANCELED, /* the call was cancelled */
    GN_ETIMEDOUT = -ETIMEDOUT, /* a deadline passed */
    GN_ENOTSUP = -ENOTSUP,     /* this host, client or revision cannot */
    GN_EPERM = -EPERM,         /* not allowed */
    GN_EPROTO = -EPROTO,       /* the peer broke the protocol */
};

#define GN_ERROR_MAX 1024

/* Storage is the caller's; zero-initialise it (`struct gn_error err = {0};`). Owns nothing. */
struct gn_error {
    int code; /* 0 while nothing went wrong */
    char text[GN_ERROR_MAX];
};

/* Sets code and message (cut at GN_ERROR_MAX - 1 bytes, never inside a UTF-8 sequence). err may be
 * NULL. Returns `code`, so that `return gn_error_set(err, GN_EINVAL, ...)` reads as it acts. */
int gn_error_set(struct gn_error *err, int code, const char *fmt, ...) GN_PRINTF(3, 4);

/* Puts a prefix before the message that is there ("plugin weather: "). err may be NULL. */
void gn_error_prefix(struct gn_error *err, const char *fmt, ...) GN_PRINTF(2, 3);

#endif
