/* trace.c - W3C Trace Context and Baggage, as far as they are checked. */
#include "wire/trace.h"

#include <string.h>

#define PARENT_LEN 55
#define PARENT_MAX 256 /* of a version to come */
#define STATE_MAX 512
#define BAGGAGE_MAX 8192

static bool is_hex(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
            return false;
    }
    return true;
}

static bool is_zero(const char *s, size_t len)
{
    return strspn(s, "0") >= len;
}

static bool is_printable(const char *s, size_t max)
{
    size_t len = 0;
    for (; s[len]; len++) {
        if (len == max || (s[len] != '\t' && (s[len] < 0x20 || s[len] > 0x7e)))
            return false;
    }
    return len > 0;
}

bool gn_trace_parent_is_valid(const char *s)
{
    size_t len = strnlen(s, PARENT_MAX + 1);
    if (len < PARENT_LEN || s[2] != '-' || s[35] != '-' || s[52] != '-')
        return false;
    if (!is_hex(s, 2) || !is_hex(s + 3, 32) || !is_hex(s + 36, 16) || !is_hex(s + 53, 2))
        return false;
    if (is_zero(s + 3, 32) || is_zero(s + 36, 16) || strncmp(s, "ff", 2) == 0)
        return false;
    if (len == PARENT_LEN)
        return true;
    return strncmp(s, "00", 2) != 0 && s[PARENT_LEN] == '-' && is_printable(s, PARENT_MAX);
}

bool gn_trace_state_is_valid(const char *s)
{
    return is_printable(s, STATE_MAX);
}

bool gn_trace_baggage_is_valid(const char *s)
{
    return is_printable(s, BAGGAGE_MAX);
}
