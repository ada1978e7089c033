/* scan.h - finding the end of plain text in a string, eight bytes at a time; private to this
 * folder. */
#ifndef GN_JSON_SCAN_H
#define GN_JSON_SCAN_H

#include "util/common.h"

#include <string.h>

#define GN_JSON_ONES UINT64_C(0x0101010101010101)

/* The high bit of each of eight bytes that is a quote, a backslash, a control character or not
 * ASCII: (x - 1) & ~x has it for each byte that is zero. A borrow may mark bytes above a marked one
 * wrongly; the lowest mark is always right. */
static inline uint64_t gn_json_marks(uint64_t w)
{
    uint64_t quote = w ^ GN_JSON_ONES * '"', escape = w ^ GN_JSON_ONES * '\\';
    uint64_t marks = ((w - GN_JSON_ONES * 0x20) & ~w) | ((quote - GN_JSON_ONES) & ~quote) |
                     ((escape - GN_JSON_ONES) & ~escape) | w;
    return marks & GN_JSON_ONES * 0x80;
}

/* First byte in s..end that is one of those. */
static inline const char *gn_json_skip_plain(const char *s, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - s >= 8) {
        uint64_t w;
        memcpy(&w, s, sizeof(w));
        uint64_t marks = gn_json_marks(w);
        if (marks)
            return s + (__builtin_ctzll(marks) >> 3);
        s += sizeof(w);
    }
#endif
    if (end - s >= 4) { /* the rest in two halves that overlap */
        uint32_t first, last;
        memcpy(&first, s, sizeof(first));
        memcpy(&last, end - sizeof(last), sizeof(last));
        if (gn_json_marks((uint64_t)first << 32 | last) == 0)
            return end;
    }
    for (; s < end; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return s;
}

#endif
