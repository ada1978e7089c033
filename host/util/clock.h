/* clock.h - time. Deadlines are absolute milliseconds of the monotonic clock; 0 means none. */
#ifndef GN_UTIL_CLOCK_H
#define GN_UTIL_CLOCK_H

#include "util/common.h"

uint64_t gn_clock_ms(void); /* CLOCK_MONOTONIC, milliseconds */
uint64_t gn_clock_us(void); /* CLOCK_MONOTONIC, microseconds */
int64_t gn_wall_ms(void);   /* Unix time, milliseconds */
/* Writes RFC 3339 UTC with milliseconds ("2026-01-31T12:00:00.123Z"); out holds 25 bytes or more.
 */
void gn_wall_format(int64_t unix_ms, char out[32]);

#endif
