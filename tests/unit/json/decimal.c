/* decimal.c - numbers as exact decimals: order, integrality, multiples. */
#include "support.h"
#include "util/alloc.h"
#include "json/json.h"

#include <string.h>

GN_SUITE(json_decimal);

#define PLENTY UINT64_C(1000000)
#define SCALE 12 /* decimals of the numbers that are generated */

__extension__ typedef __int128 int128;

static struct gn_json_doc docs[2];

static const gantry_json *parse(int slot, const char *text)
{
    gn_json_release(&docs[slot]);
    cr_assert_eq(gn_json_parse_copy(&docs[slot], text, strlen(text), NULL, NULL), 0, "%s", text);
    return gn_json_root(&docs[slot]);
}

static int compare(const char *a, const char *b)
{
    const gantry_json *x = parse(0, a), *y = parse(1, b);
    int order = gn_json_compare(x, y);
    cr_assert_eq(gn_json_compare(y, x), -order, "%s, %s", a, b);
    cr_assert_eq(gn_json_compare(x, x), 0, "%s", a);
    cr_assert_eq(gn_json_equal(x, y), order == 0, "%s, %s", a, b);
    return order;
}

static int multiple_of(const char *value, const char *divisor)
{
    uint64_t steps = PLENTY;
    int rc = gn_json_multiple_of(parse(0, value), parse(1, divisor), &steps);
    cr_assert_lt(steps, PLENTY, "%s, %s", value, divisor);
    return rc;
}

static void done(void)
{
    gn_json_release(&docs[0]);
    gn_json_release(&docs[1]);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A number in one of many notations, and its value times 10^SCALE. */
static int128 some_number(uint64_t *random, char *text, size_t size)
{
    static const uint64_t bounds[] = {10, 100, 10000, 1000000000};
    uint64_t digits = next_random(random) % bounds[next_random(random) % GN_COUNT(bounds)];
    int decimals = (int)(next_random(random) % 7), exponent = (int)(next_random(random) % 11) - 5;
    bool negative = next_random(random) % 4 == 0;
    uint64_t unit = 1;
    int128 value = (int128)digits;
    for (int i = 0; i < decimals; i++)
        unit *= 10;
    for (int i = 0; i < SCALE - decimals + exponent; i++)
        value *= 10;
    int n = snprintf(text, size, "%s%llu", negative ? "-" : "",
                     (unsigned long long)(digits / unit));
    if (decimals)
        n += snprintf(text + n, size - (size_t)n, ".%0*llu", decimals,
                      (unsigned long long)(digits % unit));
    if (exponent || next_random(random) % 2)
        snprintf(text + n, size - (size_t)n, exponent > 0 ? "E+%d" : "e%d", exponent);
    return negative ? -value : value;
}

Test(json_decimal, order_is_exact_whatever_the_notation, .fini = done)
{
    static const char *const ascending[] = {"-1e1000000000000000001",
                                            "-2e400",
                                            "-1e400",
                                            "-9223372036854775809",
                                            "-9223372036854775808",
                                            "-1e18",
                                            "-2",
                                            "-1.5",
                                            "-1",
                                            "-0.11",
                                            "-0.1",
                                            "-1e-999999999999",
                                            "0",
                                            "1e-400",
                                            "2e-400",
                                            "0.1",
                                            "0.1000000000000000055511151231257827",
                                            "0.100000000000000006",
                                            "0.11",
                                            "1",
                                            "1.0000000000000000000000000000001",
                                            "9.99",
                                            "10",
                                            "123",
                                            "999999999999999999",
                                            "1000000000000000000",
                                            "9007199254740992e3",
                                            "9007199254740993e3",
                                            "9223372036854775807",
                                            "9223372036854775808",
                                            "123456789012345678901234567890",
                                            "1e400",
                                            "2e400",
                                            "1e999999999999",
                                            "1e999999999999999999"};
    for (size_t i = 0; i < GN_COUNT(ascending); i++) {
        for (size_t k = 0; k < GN_COUNT(ascending); k++)
            cr_assert_eq(compare(ascending[i], ascending[k]), i < k ? -1 : i > k, "%s, %s",
                         ascending[i], ascending[k]);
    }
}

Test(json_decimal, equal_numbers_compare_as_equal, .fini = done)
{
    static const char *const same[][2] = {
        {"0", "-0"},          {"0", "0.000"},         {"-0.0", "0e99999999999999999999"},
        {"0.1", "0.10"},      {"1e400", "10e399"},    {"1200", "12.00e+2"},
        {"-1.5", "-15e-1"},   {"1e-400", "0.1e-399"}, {"1000000000000000000", "1e18"},
        {"0.001200", "12E-4"}};
    for (size_t i = 0; i < GN_COUNT(same); i++)
        cr_assert_eq(compare(same[i][0], same[i][1]), 0, "%s, %s", same[i][0], same[i][1]);
}

Test(json_decimal, whole_numbers_are_told_from_others, .fini = done)
{
    static const char *const whole[] = {"0",
                                        "-0",
                                        "0.0",
                                        "0e-5",
                                        "5",
                                        "5.0",
                                        "-5.000",
                                        "5e0",
                                        "50e-1",
                                        "1e400",
                                        "1.5e1",
                                        "123456789012345678901234567890",
                                        "1e99999999999999999999",
                                        "0.001e3"};
    static const char *const broken[] = {"0.5",
                                         "5e-1",
                                         "1e-400",
                                         "-1.5",
                                         "1e-99999999999999999999",
                                         "1.00000000000000000000000000000000001",
                                         "15e-1",
                                         "123456789012345678901234567890.5",
                                         "null",
                                         "\"1\"",
                                         "[1]"};
    for (size_t i = 0; i < GN_COUNT(whole); i++)
        cr_assert(gn_json_is_whole(parse(0, whole[i])), "%s", whole[i]);
    for (size_t i = 0; i < GN_COUNT(broken); i++)
        cr_assert_not(gn_json_is_whole(parse(0, broken[i])), "%s", broken[i]);
    cr_assert_not(gn_json_is_whole(NULL));
}

Test(json_decimal, multiples_are_those_of_decimals, .fini = done)
{
    static const struct {
        const char *value, *divisor;
        int want;
    } cases[] = {
        {"0.0075", "0.0001", 1},
        {"0.00751", "0.0001", 0},
        {"19.99", "0.01", 1},
        {"19.995", "0.01", 0},
        {"4.5", "1.5", 1},
        {"35", "1.5", 0},
        {"-35", "7", 1},
        {"-36", "7", 0},
        {"-0.3", "0.1", 1},
        {"0", "7", 1},
        {"0.0", "1e400", 1},
        {"0", "123456789012345678901234567890", 1},
        {"5", "5.0", 1},
        {"1", "0.3", 0},
        {"2", "4", 0},
        {"1e308", "0.123456789", 0},
        {"1.23456789e308", "0.123456789", 1},
        {"12391239123", "1e-8", 1},
        {"1e400", "7", 0},
        {"7e400", "7", 1},
        {"1e400", "1e399", 1},
        {"1e399", "1e400", 0},
        {"3e999999999999", "3e-999999999999", 1},
        {"4e999999999999", "3e-999999999999", 0},
        {"1e999999999999999999", "576460752303423488", 1}, /* 2^59 */
        {"1e59", "576460752303423488", 1},
        {"1e58", "576460752303423488", 0},
        {"1e60", "1152921504606846976", 1}, /* 2^60, the first with 19 digits */
        {"1e59", "1152921504606846976", 0},
        {"1e999999999999", "1267650600228229401496703205376", 1}, /* 2^100 */
        {"1e100", "1267650600228229401496703205376", 1},
        {"1e99", "1267650600228229401496703205376", 0},
        {"1e50", "88817841970012523233890533447265625", 1}, /* 5^50 */
        {"1e49", "88817841970012523233890533447265625", 0},
        {"-1e48", "8881784197001252323389053344726562.5", 0},
        {"-1e49", "8881784197001252323389053344726562.5", 1},
        {"-1e49", "0.88817841970012523233890533447265625", 1},
        {"9223372036854775808", "2", 1},
        {"9223372036854775807", "9223372036854775807", 1},
        {"340282366920938463463374607431768211456", "18446744073709551616", 1}, /* 2^128, 2^64 */
        {"340282366920938463463374607431768211457", "18446744073709551616", 0},
        {"121932631137021795226185032733622923332237463801111263526900",
         "123456789012345678901234567890", 1},
        {"121932631137021795226185032733622923332237463801111263526901",
         "123456789012345678901234567890", 0},
        {"121932631137021795226185032733622923332237463801111263.5269",
         "987654321098765432109876543210e-6", 1},
        /* No positive divisor, no numbers. */
        {"4", "0", 0},
        {"0", "0", 0},
        {"4", "-2", 0},
        {"4", "-2.0", 0},
        {"4", "0.0", 0},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++)
        cr_assert_eq(multiple_of(cases[i].value, cases[i].divisor), cases[i].want, "%s, %s",
                     cases[i].value, cases[i].divisor);
    uint64_t steps = PLENTY;
    cr_assert_eq(gn_json_multiple_of(parse(0, "\"4\""), parse(1, "2"), &steps), 0);
    cr_assert_eq(gn_json_multiple_of(parse(0, "4"), parse(1, "[2]"), &steps), 0);
    cr_assert_eq(gn_json_multiple_of(NULL, NULL, &steps), 0);
}

/* Against the same numbers as integers of 128 bits. */
Test(json_decimal, generated_numbers_agree_with_wide_integers, .fini = done)
{
    uint64_t random = 88172645463325252u;
    char a[64], b[64];
    int multiples = 0;
    for (int i = 0; i < 20000; i++) {
        int128 x = some_number(&random, a, sizeof(a)), y = some_number(&random, b, sizeof(b));
        cr_assert_eq(compare(a, b), x < y ? -1 : x > y, "%s, %s", a, b);
        int128 one = 1000000000000;
        cr_assert_eq(gn_json_is_whole(parse(0, a)), x % one == 0, "%s", a);
        int want = y > 0 && x % y == 0;
        cr_assert_eq(multiple_of(a, b), want, "%s, %s", a, b);
        multiples += want && x != 0;
        int64_t n = 0;
        bool is_int = gn_json_int(parse(0, a), &n);
        cr_assert_eq(is_int, x % one == 0, "%s", a);
        cr_assert(!is_int || n * one == x, "%s", a);
    }
    cr_assert_gt(multiples, 200); /* else this test says little */
}

/* value = divisor * factor, digit by digit; then one more. */
Test(json_decimal, products_of_long_divisors_are_multiples, .fini = done)
{
    uint64_t random = 362436069;
    for (int i = 0; i < 300; i++) {
        char divisor[80], value[100];
        size_t len = 17 + next_random(&random) % 60;
        for (size_t k = 0; k < len; k++)
            divisor[k] = (char)('1' + next_random(&random) % 9);
        divisor[len] = '\0';
        uint64_t factor = 2 + next_random(&random) % 1000000000, carry = 0;
        size_t start = sizeof(value) - 1;
        value[start] = '\0';
        for (size_t k = len; k > 0 || carry > 0;) {
            if (k > 0)
                carry += (uint64_t)(divisor[--k] - '0') * factor;
            value[--start] = (char)('0' + carry % 10);
            carry /= 10;
        }
        cr_assert_eq(multiple_of(value + start, divisor), 1, "%s, %s", value + start, divisor);
        char *last = &value[sizeof(value) - 2];
        *last = (char)(*last == '9' ? '8' : *last + 1);
        cr_assert_eq(multiple_of(value + start, divisor), 0, "%s, %s", value + start, divisor);
    }
}

Test(json_decimal, long_divisions_keep_to_their_steps, .fini = done)
{
    /* 20,000 digits divided by 10,000 would take some five million steps. */
    static char value[20001], divisor[10001];
    memset(value, '7', sizeof(value) - 1);
    memset(divisor, '3', sizeof(divisor) - 1);
    uint64_t steps = 100000;
    cr_assert_eq(gn_json_multiple_of(parse(0, value), parse(1, divisor), &steps), GN_ETOOBIG);
    cr_assert_eq(steps, 0);
    steps = 100000; /* as many digits, a short divisor */
    cr_assert_eq(gn_json_multiple_of(parse(0, value), parse(1, "7"), &steps), 1);
    cr_assert_gt(steps, 90000);
    static const char *const small[][2] = {{"4", "2"}, {"0.4", "0.2"}, {"1e400", "7"}};
    for (size_t i = 0; i < GN_COUNT(small); i++) {
        steps = 0;
        cr_assert_eq(gn_json_multiple_of(parse(0, small[i][0]), parse(1, small[i][1]), &steps),
                     GN_ETOOBIG);
        cr_assert_eq(steps, 0);
    }
    steps = 5;
    cr_assert_eq(gn_json_multiple_of(parse(0, "4"), parse(1, "2"), &steps), 1);
    cr_assert_eq(steps, 4);
}
