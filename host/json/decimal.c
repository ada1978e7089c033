/* decimal.c - numbers as exact decimals: order, integrality, multiples.
 *
 * A number is digits * 10^exponent, digits being characters of its text without the zeros at both
 * ends (struct gn_decimal). Nothing here loops over an exponent: a peer writes 1e1000000000000 in
 * fifteen bytes.
 */
#include "json/number.h"

#include "util/alloc.h"

#define EXPONENT_LIMIT INT64_C(1000000000000000000)
#define CHUNK_BASE UINT64_C(1000000000000000000) /* 10^GN_CHUNK_DIGITS */

static const uint64_t powers_of_ten[GN_CHUNK_DIGITS + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    CHUNK_BASE,
};

__extension__ typedef unsigned __int128 uint128;

static int64_t read_exponent(const char *s, const char *end)
{
    bool negative = s < end && *s == '-';
    if (s < end && (*s == '-' || *s == '+'))
        s++;
    int64_t value = 0;
    for (; s < end && value < EXPONENT_LIMIT; s++)
        value = value < EXPONENT_LIMIT / 10 ? value * 10 + (*s - '0') : EXPONENT_LIMIT;
    return negative ? -value : value;
}

/* Order of the digits of two numbers that begin at the same power of ten. */
static int compare_digits(const struct gn_decimal *a, const struct gn_decimal *b)
{
    const char *x = a->first, *y = b->first;
    for (size_t i = 0; i < a->count && i < b->count; i++, x++, y++) {
        x += *x == '.';
        y += *y == '.';
        if (*x != *y)
            return *x < *y ? -1 : 1;
    }
    /* The last digit is not 0, so the longer one is greater. */
    return a->count < b->count ? -1 : a->count > b->count;
}

static int compare_magnitude(const struct gn_decimal *a, const struct gn_decimal *b)
{
    if (a->count == 0 || b->count == 0)
        return a->count < b->count ? -1 : a->count > b->count;
    int64_t x = a->exponent + (int64_t)a->count, y = b->exponent + (int64_t)b->count;
    if (x != y)
        return x < y ? -1 : 1;
    return compare_digits(a, b);
}

static bool take(uint64_t *steps, uint64_t n)
{
    if (*steps < n) {
        *steps = 0;
        return false;
    }
    *steps -= n;
    return true;
}

/* The digits of a with `zeros` behind them, modulo a b of one chunk. */
static int divides_chunk(const struct gn_decimal *a, uint64_t zeros, const struct gn_decimal *b,
                         uint64_t *steps)
{
    if (!take(steps, 1 + (a->count + zeros) / GN_CHUNK_DIGITS))
        return GN_ETOOBIG;
    const char *s = b->first;
    size_t left = b->count;
    uint64_t divisor = gn_decimal_chunk(&s, &left);
    s = a->first;
    left = a->count;
    uint64_t rest = gn_decimal_chunk(&s, &left) % divisor;
    while (left > 0) {
        uint64_t scale = powers_of_ten[GN_MIN(left, (size_t)GN_CHUNK_DIGITS)];
        rest = (uint64_t)(((uint128)rest * scale + gn_decimal_chunk(&s, &left)) % divisor);
    }
    while (zeros > 0 && rest > 0) {
        uint64_t n = GN_MIN(zeros, (uint64_t)GN_CHUNK_DIGITS);
        rest = (uint64_t)((uint128)rest * powers_of_ten[n] % divisor);
        zeros -= n;
    }
    return rest == 0;
}

/* rest = rest * 10 + digit, modulo b: both little-endian in base CHUNK_BASE. The highest chunk may
 * exceed the base meanwhile: it stays below ten times it, which 64 bits hold. */
static bool append_digit(uint64_t *rest, const uint64_t *b, size_t n, unsigned digit,
                         uint64_t *steps)
{
    uint64_t carry = digit;
    for (size_t i = 0; i < n; i++) {
        rest[i] = rest[i] * 10 + carry;
        carry = i + 1 < n ? rest[i] / CHUNK_BASE : 0;
        rest[i] -= carry * CHUNK_BASE;
    }
    if (!take(steps, n))
        return false;
    for (;;) {
        size_t top = n - 1;
        while (top > 0 && rest[top] == b[top])
            top--;
        if (!take(steps, n - top))
            return false;
        if (rest[top] < b[top])
            return true;
        uint64_t borrow = 0;
        for (size_t i = 0; i < n; i++) {
            uint64_t less = b[i] + borrow;
            borrow = i + 1 < n && rest[i] < less;
            rest[i] = rest[i] + (borrow ? CHUNK_BASE : 0) - less;
        }
        if (!take(steps, n))
            return false;
    }
}

/* The same for a longer b: division as on paper, digit by digit. */
static int divides_long(const struct gn_decimal *a, uint64_t zeros, const struct gn_decimal *b,
                        uint64_t *steps)
{
    size_t n = (b->count + GN_CHUNK_DIGITS - 1) / GN_CHUNK_DIGITS;
    if (!take(steps, b->count))
        return GN_ETOOBIG;
    uint64_t *divisor = gn_calloc(2 * n, sizeof(*divisor)), *rest = divisor + n;
    const char *s = b->first;
    for (size_t place = b->count; place-- > 0; s++) {
        s += *s == '.';
        uint64_t *chunk = &divisor[place / GN_CHUNK_DIGITS];
        *chunk = *chunk * 10 + (uint64_t)(*s - '0');
    }
    bool enough = true;
    s = a->first;
    for (size_t i = 0; enough && i < a->count; i++, s++) {
        s += *s == '.';
        enough = append_digit(rest, divisor, n, (unsigned)(*s - '0'), steps);
    }
    for (; enough && zeros > 0; zeros--)
        enough = append_digit(rest, divisor, n, 0, steps);
    int rc = enough ? 1 : GN_ETOOBIG;
    for (size_t i = 0; enough && i < n; i++) {
        if (rest[i])
            rc = 0;
    }
    gn_free(divisor);
    return rc;
}

void gn_decimal_read(struct gn_decimal *d, const gantry_json *v)
{
    const char *s = v->text, *end = s + v->len;
    *d = (struct gn_decimal){0};
    if (s < end && *s == '-') {
        d->negative = true;
        s++;
    }
    /* One walk: `pending` counts the zeros since the last significant digit, `fraction` the digits
     * behind the point. */
    bool point = false;
    size_t pending = 0;
    int64_t fraction = 0;
    for (; s < end && *s != 'e' && *s != 'E'; s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        fraction += point;
        if (*s != '0') {
            if (!d->first)
                d->first = s;
            d->last = s;
            d->count += pending + 1;
            pending = 0;
        } else if (d->first) {
            pending++;
        }
    }
    if (d->count == 0)
        return;
    d->exponent = (int64_t)pending - fraction;
    if (s < end)
        d->exponent += read_exponent(s + 1, end);
}

bool gn_decimal_equal(const struct gn_decimal *a, const struct gn_decimal *b)
{
    if (a->count == 0 || b->count == 0)
        return a->count == b->count; /* 0 and -0 */
    return a->negative == b->negative && a->exponent == b->exponent && a->count == b->count &&
           compare_digits(a, b) == 0;
}

uint64_t gn_decimal_chunk(const char **s, size_t *left)
{
    uint64_t value = 0;
    size_t n = GN_MIN(*left, (size_t)GN_CHUNK_DIGITS);
    for (size_t i = 0; i < n; i++, (*s)++) {
        *s += **s == '.';
        value = value * 10 + (uint64_t)(**s - '0');
    }
    *left -= n;
    return value;
}

int gn_json_compare(const gantry_json *a, const gantry_json *b)
{
    gn_assert(gn_json_type(a) == GN_JSON_NUMBER && gn_json_type(b) == GN_JSON_NUMBER);
    int64_t m, n;
    if (gn_json_brief_integer(a, &m) && gn_json_brief_integer(b, &n))
        return m < n ? -1 : m > n;
    struct gn_decimal x, y;
    gn_decimal_read(&x, a);
    gn_decimal_read(&y, b);
    int sign = x.count == 0 ? 0 : x.negative ? -1 : 1;
    int other = y.count == 0 ? 0 : y.negative ? -1 : 1;
    if (sign != other)
        return sign < other ? -1 : 1;
    return sign * compare_magnitude(&x, &y);
}

bool gn_json_is_whole(const gantry_json *v)
{
    if (gn_json_type(v) != GN_JSON_NUMBER)
        return false;
    if (v->flags & GN_JSON_INTEGER)
        return true;
    struct gn_decimal d;
    gn_decimal_read(&d, v);
    return d.count == 0 || d.exponent >= 0;
}

int gn_json_multiple_of(const gantry_json *value, const gantry_json *divisor, uint64_t *steps)
{
    if (gn_json_type(value) != GN_JSON_NUMBER || gn_json_type(divisor) != GN_JSON_NUMBER)
        return 0;
    int64_t m, n;
    if (gn_json_brief_integer(value, &m) && gn_json_brief_integer(divisor, &n)) {
        if (!take(steps, 1))
            return GN_ETOOBIG;
        return n > 0 && m % n == 0;
    }
    if (!take(steps, 1 + ((uint64_t)value->len + divisor->len) / 16))
        return GN_ETOOBIG;
    struct gn_decimal a, b;
    gn_decimal_read(&a, value);
    gn_decimal_read(&b, divisor);
    if (b.count == 0 || b.negative)
        return 0;
    if (a.count == 0)
        return 1;
    /* The digits of a end in no zero, so they alone do not make up for a power of ten. */
    if (a.exponent < b.exponent || compare_magnitude(&a, &b) < 0)
        return 0;
    /* How many zeros there are hardly matters. The digits of b, too, end in no zero: b has factors
     * 2 or factors 5, not both, and less than four for each of its digits. So many zeros hold all
     * of them, and further ones are no help with the other factors. */
    uint64_t zeros = GN_MIN((uint64_t)(a.exponent - b.exponent), 4 * (uint64_t)b.count);
    return b.count <= GN_CHUNK_DIGITS ? divides_chunk(&a, zeros, &b, steps)
                                      : divides_long(&a, zeros, &b, steps);
}
