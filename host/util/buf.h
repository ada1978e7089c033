/* buf.h - a growing byte buffer with a maximum.
 *
 * Invariants: data[len] is NUL whenever data is not NULL; len <= max; once something did not fit,
 * `overflow` is set and every later addition is ignored and returns GN_ETOOBIG, so that a writer
 * may check once, at its end. Every buffer is bounded by construction: there is no init without a
 * maximum. Not thread-safe.
 */
#ifndef GN_UTIL_BUF_H
#define GN_UTIL_BUF_H

#include "util/common.h"

struct gn_buf {
    char *data; /* NULL until the first byte; NUL-terminated */
    size_t len, cap, max;
    bool overflow;
};

#define GN_BUF_INIT(max_bytes) ((struct gn_buf){NULL, 0, 0, (max_bytes), false})

void gn_buf_init(struct gn_buf *b, size_t max_bytes);
void gn_buf_release(struct gn_buf *b);         /* frees; b is empty and usable again */
void gn_buf_clear(struct gn_buf *b);           /* len = 0, overflow = false; keeps memory */
void gn_buf_cut(struct gn_buf *b, size_t len); /* shortens to len, which must be <= b->len */

int gn_buf_add(struct gn_buf *b, const void *data, size_t len);
int gn_buf_adds(struct gn_buf *b, const char *s);
static inline int gn_buf_addc(struct gn_buf *b, char c)
{
    if (__builtin_expect(b->overflow || b->cap - b->len < 2, 0))
        return gn_buf_add(b, &c, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
    return 0;
}
int gn_buf_addf(struct gn_buf *b, const char *fmt, ...) GN_PRINTF(2, 3);
int gn_buf_vaddf(struct gn_buf *b, const char *fmt, va_list ap) GN_PRINTF(2, 0);
/* Makes room for `len` more bytes and returns where to write them; NULL if over the maximum. The
 * caller then adds what it wrote to b->len. */
char *gn_buf_reserve(struct gn_buf *b, size_t len);
/* Removes `len` bytes from the front. */
void gn_buf_consume(struct gn_buf *b, size_t len);
/* Hands the memory over (never NULL, NUL-terminated); b is empty afterwards. Free with gn_free. */
char *gn_buf_take(struct gn_buf *b, size_t *ret_len);
static inline const char *gn_buf_str(const struct gn_buf *b)
{
    return b->data ? b->data : "";
}

#endif
