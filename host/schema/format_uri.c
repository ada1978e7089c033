/* format_uri.c - URIs and references to them (RFC 3986), templates of them (RFC 6570). */
#include "schema/format_parts.h"
#include "util/str.h"

#define UNRESERVED "-._~"
#define SUB_DELIMS "!$&'()*+,;="

/* True if all of s are letters, digits, %HH or of `others`. */
static bool has_only(const char *s, size_t len, const char *others)
{
    for (size_t i = 0; i < len; i++) {
        if (gn_is_escaped(s + i, len - i))
            i += 2;
        else if (!gn_is_alpha(s[i]) && !gn_is_digit(s[i]) && !gn_is_one_of(s[i], others))
            return false;
    }
    return true;
}

/* Bytes before the first character of `set`, or all. */
static size_t until(const char *s, size_t len, const char *set)
{
    size_t i = 0;
    while (i < len && !gn_is_one_of(s[i], set))
        i++;
    return i;
}

/* Length of "scheme:", or 0. */
static size_t scheme_length(const char *s, size_t len)
{
    size_t at = 0;
    while (at < len &&
           (gn_is_alpha(s[at]) || (at > 0 && (gn_is_digit(s[at]) || gn_is_one_of(s[at], "+-.")))))
        at++;
    return at > 0 && at < len && s[at] == ':' ? at + 1 : 0;
}

/* What stands between brackets: an IPv6 address or v1.anything. */
static bool valid_ip_literal(const char *s, size_t len)
{
    if (len == 0 || (s[0] != 'v' && s[0] != 'V'))
        return gn_format_ipv6(s, len);
    size_t at = 1;
    while (at < len && gn_is_hex(s[at]))
        at++;
    return at > 1 && at + 1 < len && s[at] == '.' && !memchr(s, '%', len) &&
           has_only(s + at + 1, len - at - 1, UNRESERVED SUB_DELIMS ":");
}

static bool valid_authority(const char *s, size_t len)
{
    const char *sign = memchr(s, '@', len);
    if (sign) {
        size_t user = (size_t)(sign - s);
        if (!has_only(s, user, UNRESERVED SUB_DELIMS ":"))
            return false;
        s += user + 1;
        len -= user + 1;
    }
    size_t host;
    if (len > 0 && s[0] == '[') {
        const char *end = memchr(s, ']', len);
        if (!end || !valid_ip_literal(s + 1, (size_t)(end - s) - 1))
            return false;
        host = (size_t)(end - s) + 1;
    } else {
        host = until(s, len, ":");
        if (!has_only(s, host, UNRESERVED SUB_DELIMS))
            return false;
    }
    if (host < len && s[host] != ':')
        return false;
    for (size_t i = host + 1; i < len; i++) {
        if (!gn_is_digit(s[i]))
            return false;
    }
    return true;
}

/* All behind the scheme; without a scheme no colon may look like the end of one. */
static bool valid_hierarchy(const char *s, size_t len, bool has_scheme)
{
    if (len >= 2 && s[0] == '/' && s[1] == '/') {
        size_t authority = until(s + 2, len - 2, "/?#");
        if (!valid_authority(s + 2, authority))
            return false;
        s += 2 + authority;
        len -= 2 + authority;
    } else if (!has_scheme && memchr(s, ':', until(s, len, "/?#"))) {
        return false;
    }
    size_t path = until(s, len, "?#");
    if (!has_only(s, path, UNRESERVED SUB_DELIMS ":@/"))
        return false;
    if (path == len)
        return true;
    size_t hash = until(s, len, "#");
    static const char rest[] = UNRESERVED SUB_DELIMS ":@/?";
    return has_only(s + path, hash - path, rest) &&
           (hash == len || has_only(s + hash + 1, len - hash - 1, rest));
}

/* One variable of a template: name, then :N or *. */
static bool valid_variable(const char *s, size_t len)
{
    if (len > 0 && s[len - 1] == '*') {
        len--;
    } else {
        const char *colon = memchr(s, ':', len);
        size_t name = colon ? (size_t)(colon - s) : len;
        size_t digits = colon ? len - name - 1 : 0;
        if (colon && (digits < 1 || digits > 4 || colon[1] == '0'))
            return false;
        for (size_t i = 1; i <= digits; i++) {
            if (!gn_is_digit(colon[i]))
                return false;
        }
        len = name;
    }
    if (len == 0 || s[0] == '.' || s[len - 1] == '.')
        return false;
    for (size_t i = 1; i < len; i++) {
        if (s[i] == '.' && s[i - 1] == '.')
            return false;
    }
    return has_only(s, len, "_.");
}

/* What stands between braces: an operator (some are reserved), then variables. */
static bool valid_expression(const char *s, size_t len)
{
    if (len > 0 && gn_is_one_of(s[0], "+#./;?&=,!@|")) {
        s++;
        len--;
    }
    for (;;) {
        size_t name = until(s, len, ",");
        if (!valid_variable(s, name))
            return false;
        if (name == len)
            return true;
        s += name + 1;
        len -= name + 1;
    }
}

/* A character beyond ASCII, n bytes of UTF-8, that an IRI may hold, private ones included. */
static bool valid_beyond_ascii(const unsigned char *s, size_t n)
{
    uint32_t c = n < 2 ? 0 : s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3F);
    if (c < 0xA0 || (c >= 0xFDD0 && c <= 0xFDEF) || (c >= 0xFFF0 && c <= 0xFFFF))
        return false;
    return (c & 0xFFFE) != 0xFFFE && (c < 0xE0000 || c >= 0xE1000);
}

bool gn_format_uri(const char *s, size_t len)
{
    size_t scheme = scheme_length(s, len);
    return scheme > 0 && valid_hierarchy(s + scheme, len - scheme, true);
}

bool gn_format_uri_reference(const char *s, size_t len)
{
    return gn_format_uri(s, len) || valid_hierarchy(s, len, false);
}

bool gn_format_uri_template(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '{') {
            size_t end = until(s + i, len - i, "}");
            if (i + end == len || !valid_expression(s + i + 1, end - 1))
                return false;
            i += end;
        } else if ((unsigned char)s[i] >= 0x80) {
            size_t n = gn_utf8_sequence(s + i, len - i);
            if (!valid_beyond_ascii((const unsigned char *)s + i, n))
                return false;
            i += n - 1;
        } else if (s[i] <= ' ' || gn_is_one_of(s[i], "\"<>\\^`|}\x7f") ||
                   (s[i] == '%' && !gn_is_escaped(s + i, len - i))) {
            return false;
        }
    }
    return true;
}
