/* bytes.h - binary records: little-endian integers and a reader that never leaves its bytes.
 *
 * A reader that was asked for more than there is stays short, and answers zeros and NULL from then
 * on, so that one check at the end suffices. Nothing is owned. [any thread]
 */
#ifndef GN_UTIL_BYTES_H
#define GN_UTIL_BYTES_H

#include "util/common.h"

struct gn_bytes {
    const unsigned char *at;
    size_t left;
    bool is_short; /* something did not suffice */
};

/* The next n bytes, in place; NULL if there are fewer. */
static inline const unsigned char *gn_bytes_take(struct gn_bytes *b, size_t n)
{
    if (b->is_short || n > b->left) {
        b->is_short = true;
        return NULL;
    }
    const unsigned char *at = b->at;
    b->at += n;
    b->left -= n;
    return at;
}

/* The next `size` bytes (8 at most) as an integer. */
static inline uint64_t gn_bytes_uint(struct gn_bytes *b, size_t size)
{
    const unsigned char *at = gn_bytes_take(b, size);
    uint64_t value = 0;
    for (size_t i = size; at && i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* Writes the lowest `size` bytes (8 at most) of an integer. */
static inline void gn_bytes_put(unsigned char *out, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++, value >>= 8)
        out[i] = (unsigned char)value;
}

#endif
