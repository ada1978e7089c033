/* str.h - text: UTF-8, Base64, percent-encoding, hex, paths, comparison, "did you mean". */
#ifndef GN_UTIL_STR_H
#define GN_UTIL_STR_H

#include "util/buf.h"
#include "util/common.h"

static inline bool gn_streq(const char *a, const char *b)
{
    return a == b || (a && b && __builtin_strcmp(a, b) == 0);
}
bool gn_strcaseeq(const char *a, const char *b); /* ASCII only, locale-free */
bool gn_starts_with(const char *s, const char *prefix);
bool gn_ends_with(const char *s, const char *suffix);

/* True if the bytes are well-formed UTF-8 (no surrogates, no overlong forms, up to U+10FFFF). */
bool gn_utf8_valid(const char *s, size_t len);
/* Bytes of the well-formed character that begins s[0..len), 1 to 4; 0 if there is none. */
size_t gn_utf8_sequence(const char *s, size_t len);
/* Number of code points in valid UTF-8. */
size_t gn_utf8_count(const char *s, size_t len);
/* Largest n <= max where s[0..n) does not end inside a code point. */
size_t gn_utf8_cut(const char *s, size_t len, size_t max);

/* Standard alphabet with padding. */
int gn_base64_encode(struct gn_buf *out, const void *data, size_t len);
/* Accepts only canonical padded Base64; GN_EINVAL otherwise, out unchanged then. */
int gn_base64_decode(struct gn_buf *out, const char *text, size_t len);
/* URL-safe alphabet, no padding. */
int gn_base64url_encode(struct gn_buf *out, const void *data, size_t len);
int gn_base64url_decode(struct gn_buf *out, const char *text, size_t len);
/* `size` secret bytes, written as Base64 (either alphabet, padded or not) or as hex. On GN_EINVAL
 * the bytes are undefined. */
int gn_parse_key(const char *text, void *ret, size_t size);
void gn_hex(char *out, const void *data, size_t len); /* 2 * len + 1 bytes */

/* Strict decimal: the whole string, optional sign, no spaces. */
bool gn_parse_int64(const char *s, int64_t *ret);
/* "10", "64 KiB", "4MiB", "1GB" -> bytes; "250ms", "30s", "10m", "1h", "2d" -> milliseconds. */
bool gn_parse_size(const char *s, uint64_t *ret_bytes);
bool gn_parse_duration(const char *s, uint64_t *ret_ms);

/* Edit distance with transposition, ASCII case ignored; the candidate nearest to `word` within a
 * third of its length, or NULL. `candidates` is NULL-terminated. */
const char *gn_nearest(const char *word, const char *const *candidates);

/* Joins two path parts with exactly one slash. Owned by the caller. */
char *gn_path_join(const char *dir, const char *name);
const char *gn_path_base(const char *path); /* after the last slash */

/* Reads a whole file up to max bytes into out (appended). */
int gn_read_file(const char *path, struct gn_buf *out);
/* The same from a descriptor, to its end. */
int gn_read_all(int fd, struct gn_buf *out);
/* Writes all of it, however often that takes. 0 or -errno. */
int gn_write_all(int fd, const char *data, size_t len);

#endif
