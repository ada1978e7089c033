/* utf8.c - the character encodings of str.h: UTF-8, Base64, hex, keys. */
#include "util/error.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

static const char base64_digits[2][65] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

static int base64_value(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
}

static int base64_encode(struct gn_buf *out, const unsigned char *data, size_t len, bool url)
{
    const char *digits = base64_digits[url];
    if (len > SIZE_MAX / 4 * 3 - 4) {
        out->overflow = true;
        return GN_ETOOBIG;
    }
    size_t tail = len % 3;
    size_t need = len / 3 * 4 + (tail == 0 ? 0 : url ? tail + 1 : 4);
    char *p = gn_buf_reserve(out, need);
    if (!p)
        return GN_ETOOBIG;
    for (size_t i = 0; i + 2 < len; i += 3) {
        uint32_t v = (uint32_t)data[i] << 16 | (uint32_t)data[i + 1] << 8 | data[i + 2];
        *p++ = digits[v >> 18];
        *p++ = digits[v >> 12 & 63];
        *p++ = digits[v >> 6 & 63];
        *p++ = digits[v & 63];
    }
    if (tail) {
        uint32_t v = (uint32_t)data[len - tail] << 16;
        if (tail == 2)
            v |= (uint32_t)data[len - 1] << 8;
        *p++ = digits[v >> 18];
        *p++ = digits[v >> 12 & 63];
        if (tail == 2)
            *p++ = digits[v >> 6 & 63];
        for (size_t i = tail; !url && i < 3; i++)
            *p++ = '=';
    }
    *p = '\0';
    out->len += need;
    return 0;
}

/* text has no padding any more. */
static int base64_decode(struct gn_buf *out, const char *text, size_t len, bool url)
{
    size_t tail = len % 4;
    if (tail == 1)
        return GN_EINVAL;
    size_t size = len / 4 * 3 + (tail ? tail - 1 : 0);
    char *p = gn_buf_reserve(out, size);
    if (!p)
        return GN_ETOOBIG;
    uint32_t v = 0;
    int bits = 0, bad = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = base64_value(text[i], url);
        bad |= digit;
        v = v << 6 | ((uint32_t)digit & 63);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *p++ = (char)(v >> bits & 0xFF);
        }
    }
    /* Bits left over must be zero, or two texts would mean the same bytes. */
    bool canonical = (v & ((UINT32_C(1) << bits) - 1)) == 0;
    if (bad < 0 || !canonical) {
        out->data[out->len] = '\0';
        return GN_EINVAL;
    }
    out->len += size;
    out->data[out->len] = '\0';
    return 0;
}

size_t gn_utf8_sequence(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    if (len == 0)
        return 0;
    unsigned char c = s[0];
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte */
    size_t n;
    if (c < 0x80) {
        return 1;
    } else if (c >= 0xC2 && c <= 0xDF) {
        n = 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
        n = 3;
        if (c == 0xE0)
            low = 0xA0; /* shorter forms exist */
        else if (c == 0xED)
            high = 0x9F; /* surrogates */
    } else if (c >= 0xF0 && c <= 0xF4) {
        n = 4;
        if (c == 0xF0)
            low = 0x90;
        else if (c == 0xF4)
            high = 0x8F; /* above U+10FFFF */
    } else {
        return 0;
    }
    if (len < n || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    }
    return n;
}

bool gn_utf8_valid(const char *s, size_t len)
{
    while (len) {
        uint64_t word;
        if (len >= sizeof(word)) {
            memcpy(&word, s, sizeof(word));
            if ((word & HIGH_BITS) == 0) {
                s += sizeof(word);
                len -= sizeof(word);
                continue;
            }
        }
        size_t n = gn_utf8_sequence(s, len);
        if (n == 0)
            return false;
        s += n;
        len -= n;
    }
    return true;
}

size_t gn_utf8_count(const char *s, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)s[i] & 0xC0) != 0x80;
    return count;
}

size_t gn_utf8_cut(const char *s, size_t len, size_t max)
{
    size_t n = GN_MIN(len, max);
    /* The last lead byte among the last four decides whether its sequence is whole. */
    for (size_t back = 1; back <= 4 && back <= n; back++) {
        unsigned char c = (unsigned char)s[n - back];
        if (c < 0x80)
            return n;
        if (c < 0xC0)
            continue;
        size_t whole = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
        return back < whole ? n - back : n;
    }
    return n;
}

int gn_base64_encode(struct gn_buf *out, const void *data, size_t len)
{
    return base64_encode(out, data, len, false);
}

int gn_base64_decode(struct gn_buf *out, const char *text, size_t len)
{
    if (len % 4 != 0)
        return GN_EINVAL;
    if (len && text[len - 1] == '=')
        len -= text[len - 2] == '=' ? 2 : 1;
    return base64_decode(out, text, len, false);
}

int gn_base64url_encode(struct gn_buf *out, const void *data, size_t len)
{
    return base64_encode(out, data, len, true);
}

int gn_base64url_decode(struct gn_buf *out, const char *text, size_t len)
{
    return base64_decode(out, text, len, true);
}

int gn_parse_key(const char *text, void *ret, size_t size)
{
    static const int variants[] = {
        sodium_base64_VARIANT_ORIGINAL,
        sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
        sodium_base64_VARIANT_URLSAFE,
        sodium_base64_VARIANT_URLSAFE_NO_PADDING,
    };
    size_t text_len = strlen(text), len;
    if (text_len == 2 * size && sodium_hex2bin(ret, size, text, text_len, NULL, &len, NULL) == 0 &&
        len == size)
        return 0;
    for (size_t i = 0; i < GN_COUNT(variants); i++) {
        if (sodium_base642bin(ret, size, text, text_len, NULL, &len, NULL, variants[i]) == 0 &&
            len == size)
            return 0;
    }
    return GN_EINVAL;
}

void gn_hex(char *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}
