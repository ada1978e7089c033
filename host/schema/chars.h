/* chars.h - inside host/schema: ASCII, whatever the locale. */
#ifndef GN_SCHEMA_CHARS_H
#define GN_SCHEMA_CHARS_H

#include "util/common.h"

#include <string.h>

static inline bool gn_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool gn_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool gn_is_hex(char c)
{
    return gn_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* True if c is one of the characters of set. (strchr would find the NUL at its end.) */
static inline bool gn_is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* The value of a hexadecimal digit; -1 if it is none. */
static inline int gn_hex_value(char c)
{
    if (gn_is_digit(c))
        return c - '0';
    return gn_is_hex(c) ? (c | 0x20) - 'a' + 10 : -1;
}

#endif
