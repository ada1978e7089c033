/* number.c - numbers as integers, as doubles and back. */
#include "json/number.h"

#include "util/alloc.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_INTEGER 9007199254740992.0 /* 2^53: every integer below is a double */

/* 10^i, exactly; a double cannot hold 10^23. */
static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void c_locale_init(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    gn_assert(c_locale != (locale_t)0);
}

double gn_strtod(const char *s)
{
    pthread_once(&c_locale_once, c_locale_init);
    return strtod_l(s, NULL, c_locale);
}

bool gn_json_int(const gantry_json *v, int64_t *ret)
{
    if (gn_json_type(v) != GN_JSON_NUMBER)
        return false;
    if (gn_json_brief_integer(v, ret))
        return true;
    struct gn_decimal d;
    gn_decimal_read(&d, v);
    if (d.count == 0) {
        *ret = 0;
        return true;
    }
    /* INT64_MAX has 19 digits. */
    if (d.exponent < 0 || d.exponent > 18 || d.count + (size_t)d.exponent > 19)
        return false;
    int64_t value = 0;
    const char *s = d.first;
    for (size_t i = 0; i < d.count + (size_t)d.exponent;) {
        int digit = 0;
        if (i < d.count) {
            char c = *s++;
            if (c == '.')
                continue;
            digit = c - '0';
        }
        i++;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, (int64_t)digit, &value))
            return false;
    }
    if (!d.negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return false;
    *ret = value;
    return true;
}

bool gn_json_num(const gantry_json *v, double *ret)
{
    if (gn_json_type(v) != GN_JSON_NUMBER)
        return false;
    int64_t integer;
    if (gn_json_brief_integer(v, &integer)) {
        *ret = integer == 0 && *v->text == '-' ? -0.0 : (double)integer;
        return true;
    }
    struct gn_decimal d;
    gn_decimal_read(&d, v);
    double value;
    if (d.count <= 15 && d.exponent >= -22 && d.exponent <= 22) {
        /* Both operands are exact, so the one operation rounds correctly. */
        const char *s = d.first;
        size_t left = d.count;
        value = (double)gn_decimal_chunk(&s, &left);
        value = d.exponent < 0 ? value / powers_of_ten[-d.exponent]
                               : value * powers_of_ten[d.exponent];
        value = d.negative ? -value : value;
    } else {
        /* The characters are not terminated; a number may be as long as a message. */
        char brief[64];
        char *text = v->len < sizeof(brief) ? brief : gn_malloc((size_t)v->len + 1);
        memcpy(text, v->text, v->len);
        text[v->len] = '\0';
        value = gn_strtod(text);
        if (text != brief)
            gn_free(text);
    }
    if (!isfinite(value))
        return false;
    *ret = value;
    return true;
}

int gn_json_write_num(struct gn_buf *out, double v)
{
    if (!isfinite(v)) {
        gn_buf_add(out, "null", 4);
        return GN_EINVAL;
    }
    if (fabs(v) < EXACT_INTEGER && v == (double)(int64_t)v) {
        if (v == 0 && signbit(v))
            return gn_buf_add(out, "-0", 2);
        return gn_buf_addf(out, "%lld", (long long)v);
    }
    pthread_once(&c_locale_once, c_locale_init);
    locale_t before = uselocale(c_locale);
    char text[40];
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof(text), "%.*g", digits, v);
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): -0.0 is not 0.0 here */
        if (digits == 17 || memcmp(&(double){strtod(text, NULL)}, &v, sizeof(v)) == 0)
            break;
    }
    uselocale(before);
    return gn_buf_add(out, text, (size_t)n);
}
