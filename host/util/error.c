/* error.c - the message a person reads. */
#include "util/error.h"

#include "util/str.h"

#include <stdio.h>
#include <string.h>

/* Formats into out[0..GN_ERROR_MAX), cut at the boundary of a character; returns the length. */
static size_t format_cut(char *out, const char *fmt, va_list ap) GN_PRINTF(2, 0);
static size_t format_cut(char *out, const char *fmt, va_list ap)
{
    int n = vsnprintf(out, GN_ERROR_MAX, fmt, ap);
    if (n < 0) {
        out[0] = '\0';
        return 0;
    }
    size_t len = (size_t)n;
    if (len >= GN_ERROR_MAX) {
        len = gn_utf8_cut(out, GN_ERROR_MAX - 1, GN_ERROR_MAX - 1);
        out[len] = '\0';
    }
    return len;
}

int gn_error_set(struct gn_error *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    /* Arguments may point into err->text itself. */
    char text[GN_ERROR_MAX];
    va_list ap;
    va_start(ap, fmt);
    size_t len = format_cut(text, fmt, ap);
    va_end(ap);
    memcpy(err->text, text, len + 1);
    err->code = code;
    return code;
}

void gn_error_prefix(struct gn_error *err, const char *fmt, ...)
{
    if (!err)
        return;
    char prefix[GN_ERROR_MAX];
    va_list ap;
    va_start(ap, fmt);
    size_t len = format_cut(prefix, fmt, ap);
    va_end(ap);
    size_t old = strnlen(err->text, GN_ERROR_MAX - 1);
    size_t keep = GN_MIN(old, GN_ERROR_MAX - 1 - len);
    if (keep < old)
        keep = gn_utf8_cut(err->text, old, keep);
    memmove(err->text + len, err->text, keep);
    memcpy(err->text, prefix, len);
    err->text[len + keep] = '\0';
}
