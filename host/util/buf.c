/* buf.c - a growing byte buffer with a maximum. */
#include "util/buf.h"

#include "util/alloc.h"
#include "util/error.h"

#include <stdio.h>
#include <string.h>

#define FIRST_SIZE 64
/* Below this a failing allocation means that the process is done for anyway. */
#define SMALL_SIZE (64 * 1024)

static int overflow(struct gn_buf *b)
{
    b->overflow = true;
    return GN_ETOOBIG;
}

/* Makes room for len more bytes and a NUL. */
static int grow(struct gn_buf *b, size_t len)
{
    if (b->overflow || len > b->max - b->len || len > SIZE_MAX / 4)
        return overflow(b);
    size_t need = b->len + len + 1;
    if (need <= b->cap)
        return 0;
    size_t cap = b->cap ? b->cap : FIRST_SIZE;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (b->max < SIZE_MAX && cap > b->max + 1)
        cap = b->max + 1;
    char *data;
    if (cap <= SMALL_SIZE) {
        data = gn_realloc(b->data, cap);
    } else {
        data = gn_try_realloc(b->data, cap);
        if (!data)
            return overflow(b);
    }
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return 0;
}

void gn_buf_init(struct gn_buf *b, size_t max_bytes)
{
    *b = GN_BUF_INIT(max_bytes);
}

void gn_buf_release(struct gn_buf *b)
{
    gn_free(b->data);
    *b = GN_BUF_INIT(b->max);
}

void gn_buf_clear(struct gn_buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->data)
        b->data[0] = '\0';
}

void gn_buf_cut(struct gn_buf *b, size_t len)
{
    gn_assert(len <= b->len);
    b->len = len;
    if (b->data)
        b->data[len] = '\0';
}

int gn_buf_add(struct gn_buf *b, const void *data, size_t len)
{
    if (__builtin_expect(b->overflow || len >= b->cap - b->len, 0)) {
        int rc = grow(b, len);
        if (rc)
            return rc;
    }
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int gn_buf_adds(struct gn_buf *b, const char *s)
{
    return gn_buf_add(b, s, strlen(s));
}

int gn_buf_addf(struct gn_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = gn_buf_vaddf(b, fmt, ap);
    va_end(ap);
    return rc;
}

int gn_buf_vaddf(struct gn_buf *b, const char *fmt, va_list ap)
{
    if (b->overflow)
        return GN_ETOOBIG;
    va_list again;
    va_copy(again, ap);
    size_t room = b->cap - b->len;
    int n = vsnprintf(b->data ? b->data + b->len : NULL, room, fmt, ap);
    int rc = n < 0 ? GN_EINVAL : 0;
    if (rc == 0 && (size_t)n >= room) {
        rc = grow(b, (size_t)n);
        if (rc == 0)
            vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (rc == 0)
        b->len += (size_t)n;
    else if (b->data)
        b->data[b->len] = '\0';
    return rc;
}

char *gn_buf_reserve(struct gn_buf *b, size_t len)
{
    if ((b->overflow || len >= b->cap - b->len) && grow(b, len) != 0)
        return NULL;
    return b->data + b->len;
}

void gn_buf_consume(struct gn_buf *b, size_t len)
{
    gn_assert(len <= b->len);
    if (len == 0)
        return;
    memmove(b->data, b->data + len, b->len - len + 1);
    b->len -= len;
}

char *gn_buf_take(struct gn_buf *b, size_t *ret_len)
{
    char *data = b->data ? b->data : gn_strndup("", 0);
    if (ret_len)
        *ret_len = b->len;
    *b = GN_BUF_INIT(b->max);
    return data;
}
