/* clock.c - time. */
#include "util/clock.h"

#include <time.h>

/* 0000-01-01 and 9999-12-31: what four digits of a year can say. */
#define MIN_UNIX_MS INT64_C(-62167219200000)
#define MAX_UNIX_MS INT64_C(253402300799999)

static uint64_t monotonic(uint64_t units_per_second)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * units_per_second +
           (uint64_t)ts.tv_nsec / (1000000000u / units_per_second);
}

static char *put_digits(char *at, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

uint64_t gn_clock_ms(void)
{
    return monotonic(1000);
}

uint64_t gn_clock_us(void)
{
    return monotonic(1000000);
}

int64_t gn_wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void gn_wall_format(int64_t unix_ms, char out[32])
{
    unix_ms = GN_MAX(unix_ms, MIN_UNIX_MS);
    unix_ms = GN_MIN(unix_ms, MAX_UNIX_MS);
    int64_t ms = unix_ms % 1000;
    if (ms < 0)
        ms += 1000;
    time_t seconds = (time_t)((unix_ms - ms) / 1000);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    char *p = put_digits(out, tm.tm_year + 1900, 4);
    *p++ = '-';
    p = put_digits(p, tm.tm_mon + 1, 2);
    *p++ = '-';
    p = put_digits(p, tm.tm_mday, 2);
    *p++ = 'T';
    p = put_digits(p, tm.tm_hour, 2);
    *p++ = ':';
    p = put_digits(p, tm.tm_min, 2);
    *p++ = ':';
    p = put_digits(p, tm.tm_sec, 2);
    *p++ = '.';
    p = put_digits(p, (int)ms, 3);
    *p++ = 'Z';
    *p = '\0';
}
