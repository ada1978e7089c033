/* number.h - numbers of JSON as exact decimals; private to this folder. */
#ifndef GN_JSON_NUMBER_H
#define GN_JSON_NUMBER_H

#include "json/json.h"

/* value = (-1)^negative * digits * 10^exponent, digits being those of the text from `first` to
 * `last` (both significant, a point among them to be left out); count is 0 for zero. */
struct gn_decimal {
    bool negative;
    const char *first, *last;
    size_t count;
    int64_t exponent; /* saturated at about 10^18 */
};

/* v is a NUMBER. */
void gn_decimal_read(struct gn_decimal *d, const gantry_json *v);
/* Same value? Exact, whatever the magnitude and the notation. */
bool gn_decimal_equal(const struct gn_decimal *a, const struct gn_decimal *b);
/* As many digits as an int64_t holds whatever they are. */
#define GN_CHUNK_DIGITS 18

/* The next digits of d as an integer, GN_CHUNK_DIGITS of them or those that are left. *s begins as
 * d->first, *left as d->count; both move on. */
uint64_t gn_decimal_chunk(const char **s, size_t *left);

/* An integer written with GN_CHUNK_DIGITS characters at most, as nearly all are; false for others,
 * which may be integers too. v is a NUMBER. */
static inline bool gn_json_brief_integer(const gantry_json *v, int64_t *ret)
{
    if (!(v->flags & GN_JSON_INTEGER) || v->len > GN_CHUNK_DIGITS)
        return false;
    const char *s = v->text, *end = s + v->len;
    bool negative = *s == '-';
    int64_t value = 0;
    for (s += negative; s < end; s++)
        value = value * 10 + (*s - '0');
    *ret = negative ? -value : value;
    return true;
}

/* strtod, whatever the locale of the process is. */
double gn_strtod(const char *s);

#endif
