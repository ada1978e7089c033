/* format_time.c - dates, times and durations of RFC 3339. */
#include "schema/format_parts.h"

/* The number made of n digits at s, or -1. */
static int digits(const char *s, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (!gn_is_digit(s[i]))
            return -1;
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

/* Digits and designators of `order`, in that order, none left out between the first and the last:
 * as appendix A of RFC 3339 has it. Their count, or -1. */
static int take_units(const char *s, size_t len, size_t *at, const char *order)
{
    int count = 0;
    while (*at < len && gn_is_digit(s[*at])) {
        while (*at < len && gn_is_digit(s[*at]))
            ++*at;
        const char *unit = *at == len || !gn_is_one_of(s[*at], order) ? NULL
                                                                      : strchr(order, s[*at]);
        if (!unit || (count > 0 && unit != order))
            return -1;
        order = unit + 1;
        ++*at;
        count++;
    }
    return count;
}

bool gn_format_date(const char *s, size_t len)
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

bool gn_format_time(const char *s, size_t len)
{
    if (len < 9 || s[2] != ':' || s[5] != ':')
        return false;
    int hour = digits(s, 2), minute = digits(s + 3, 2), second = digits(s + 6, 2), shift = 0;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    size_t at = 8;
    if (s[at] == '.') {
        size_t first = ++at;
        while (at < len && gn_is_digit(s[at]))
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

bool gn_format_date_time(const char *s, size_t len)
{
    return len > 11 && (s[10] == 'T' || s[10] == 't') && gn_format_date(s, 10) &&
           gn_format_time(s + 11, len - 11);
}

bool gn_format_duration(const char *s, size_t len)
{
    if (len < 3 || s[0] != 'P')
        return false;
    size_t at = 1;
    int units = take_units(s, len, &at, "YMD");
    if (units < 0) {
        at = 1;
        return take_units(s, len, &at, "W") == 1 && at == len;
    }
    if (at < len && s[at] == 'T') {
        at++;
        units = take_units(s, len, &at, "HMS");
    }
    return units > 0 && at == len;
}
