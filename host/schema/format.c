/* format.c - formats of JSON Schema, checked by hand: RFC 3339, 5321, 1123, 3986, 4122. */
#include "schema/format.h"

#include "util/str.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* True if c is one of the characters of set. (strchr would find the NUL at its end.) */
static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* The number made of n digits at s, or -1. */
static int digits(const char *s, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(s[i]))
            return -1;
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

static bool valid_date(const char *s, size_t len)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (len != 10 || s[4] != '-' || s[7] != '-')
        return false;
    int year = digits(s, 4), month = digits(s + 5, 2), day = digits(s + 8, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool valid_time(const char *s, size_t len)
{
    if (len < 9 || s[2] != ':' || s[5] != ':')
        return false;
    int hour = digits(s, 2), minute = digits(s + 3, 2), second = digits(s + 6, 2), shift = 0;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    size_t at = 8;
    if (s[at] == '.') {
        size_t first = ++at;
        while (at < len && is_digit(s[at]))
            at++;
        if (at == first)
            return false;
    }
    if (at + 1 == len && (s[at] == 'Z' || s[at] == 'z')) {
        shift = 0;
    } else if (at + 6 == len && (s[at] == '+' || s[at] == '-') && s[at + 3] == ':') {
        int h = digits(s + at + 1, 2), m = digits(s + at + 4, 2);
        if (h < 0 || h > 23 || m < 0 || m > 59)
            return false;
        shift = (s[at] == '+' ? -1 : 1) * (h * 60 + m);
    } else {
        return false;
    }
    /* A leap second is the last of a day in UTC. */
    return second < 60 || (hour * 60 + minute + shift + 2880) % 1440 == 1439;
}

static bool valid_date_time(const char *s, size_t len)
{
    return len > 11 && (s[10] == 'T' || s[10] == 't') && valid_date(s, 10) &&
           valid_time(s + 11, len - 11);
}

static bool valid_hostname(const char *s, size_t len)
{
    if (len == 0 || len > 253)
        return false;
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        bool edge = label == 0 || i + 1 == len || s[i + 1] == '.';
        if (s[i] == '.') {
            if (label == 0 || i + 1 == len)
                return false;
            label = 0;
            continue;
        }
        if (!is_alpha(s[i]) && !is_digit(s[i]) && (s[i] != '-' || edge))
            return false;
        if (++label > 63)
            return false;
    }
    return true;
}

static bool valid_address(int family, const char *s, size_t len)
{
    char text[64];
    unsigned char address[16];
    if (len >= sizeof(text) || memchr(s, '\0', len))
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    return inet_pton(family, text, address) == 1;
}

static bool valid_ipv4(const char *s, size_t len)
{
    return valid_address(AF_INET, s, len);
}

static bool valid_ipv6(const char *s, size_t len)
{
    return valid_address(AF_INET6, s, len);
}

static bool valid_email(const char *s, size_t len)
{
    const char *sign = memrchr(s, '@', len);
    size_t local = sign ? (size_t)(sign - s) : 0;
    if (local == 0 || local > 64 || s[0] == '.' || s[local - 1] == '.')
        return false;
    for (size_t i = 0; i < local; i++) {
        if (s[i] == '.' && s[i + 1] == '.')
            return false;
        if (!is_alpha(s[i]) && !is_digit(s[i]) && !is_one_of(s[i], ".!#$%&'*+/=?^_`{|}~-"))
            return false;
    }
    return valid_hostname(sign + 1, len - local - 1);
}

static bool valid_uri(const char *s, size_t len)
{
    size_t at = 0;
    while (at < len &&
           (is_alpha(s[at]) || (at > 0 && (is_digit(s[at]) || is_one_of(s[at], "+-.")))))
        at++;
    if (at == 0 || at == len || s[at] != ':')
        return false;
    at++;
    /* Brackets stand around an IP address and nowhere else. */
    bool authority = len - at >= 2 && s[at] == '/' && s[at + 1] == '/', fragment = false;
    size_t slashes = authority ? at + 2 : at;
    for (; at < len; at++) {
        char c = s[at];
        if (authority && at >= slashes && is_one_of(c, "/?#"))
            authority = false;
        if (c == '%') {
            if (len - at < 3 || !is_hex(s[at + 1]) || !is_hex(s[at + 2]))
                return false;
            at += 2;
        } else if (c == '#') {
            if (fragment)
                return false;
            fragment = true;
        } else if (is_one_of(c, "[]")) {
            if (!authority)
                return false;
        } else if (!is_alpha(c) && !is_digit(c) && !is_one_of(c, "-._~:/?@!$&'()*+,;=")) {
            return false;
        }
    }
    return true;
}

static bool valid_uuid(const char *s, size_t len)
{
    if (len != 36)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !is_hex(s[i]))
            return false;
    }
    return true;
}

const struct gn_format *gn_format_find(const char *name)
{
    static const struct gn_format formats[] = {
        {"date", "2026-01-31", valid_date},
        {"date-time", "2026-01-31T12:00:00Z", valid_date_time},
        {"time", "12:00:00Z", valid_time},
        {"email", "name@example.com", valid_email},
        {"hostname", "www.example.com", valid_hostname},
        {"ipv4", "192.0.2.1", valid_ipv4},
        {"ipv6", "2001:db8::1", valid_ipv6},
        {"uri", "https://example.com/path", valid_uri},
        {"uuid", "123e4567-e89b-12d3-a456-426614174000", valid_uuid},
    };
    for (size_t i = 0; i < GN_COUNT(formats); i++) {
        if (gn_streq(formats[i].name, name))
            return &formats[i];
    }
    return NULL;
}
