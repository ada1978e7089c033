/* chunked.h - the chunked transfer coding of a request body (RFC 9112 7.1), which libwebsockets
 * leaves to its user. Strict: what two parsers might read differently is an error.
 */
#ifndef GN_TRANSPORT_CHUNKED_H
#define GN_TRANSPORT_CHUNKED_H

#include "util/error.h"

struct gn_chunked {
    int state;
    uint64_t left;     /* bytes of the current chunk still to come */
    unsigned digits;   /* of the size read so far */
    unsigned overhead; /* bytes of extensions and trailers: bounded */
};

enum gn_chunked_step {
    GN_CHUNKED_MORE = 0, /* all consumed, more must come */
    GN_CHUNKED_DATA,     /* a piece of the body */
    GN_CHUNKED_END,      /* the body is complete; what is left in *data is not part of it */
};

void gn_chunked_init(struct gn_chunked *c);
/* Takes from *data and *len what it consumes. With GN_CHUNKED_DATA the piece is returned, borrowed
 * from the input: call again. GN_EPROTO: malformed. */
int gn_chunked_next(struct gn_chunked *c, const char **data, size_t *len, const char **ret_piece,
                    size_t *ret_len);

#endif
