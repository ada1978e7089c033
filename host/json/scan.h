/* scan.h - finding the end of plain text in a string, eight bytes at a time; private to this
 * folder. */
#ifndef GN_JSON_SCAN_H
#define GN_JSON_SCAN_H

#include "util/common.h"

#include <string.h>

/* First byte in s..end that is not plain: a quote, a backslash, a control character, not ASCII. */
static inline const char *gn_json_skip_plain(const char *s, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = UINT64_C(0x0101010101010101);
    while (end - s >= 8) {
        uint64_t w;
        memcpy(&w, s, sizeof(w));
        /* (x - 1) & ~x has the high bit of each byte that is zero. A borrow may mark bytes above a
         * marked one wrongly; the lowest mark, the one that counts, is always right. */
        uint64_t quote = w ^ ones * '"', escape = w ^ ones * '\\';
        uint64_t hit = ((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) |
                       ((escape - ones) & ~escape) | w;
        hit &= ones * 0x80;
        if (hit)
            return s + (__builtin_ctzll(hit) >> 3);
        s += sizeof(w);
    }
#endif
    for (; s < end; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return s;
}

#endif
