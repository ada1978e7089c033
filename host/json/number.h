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
    int64_t exponent; /* saturated far beyond what any double or integer can hold */
};

/* v is a NUMBER. */
void gn_decimal_read(struct gn_decimal *d, const gantry_json *v);
/* Same value? Exact, whatever the magnitude and the notation. */
bool gn_decimal_equal(const struct gn_decimal *a, const struct gn_decimal *b);

/* strtod, whatever the locale of the process is. */
double gn_strtod(const char *s);

#endif
