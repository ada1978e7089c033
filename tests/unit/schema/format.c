/* Tests of host/schema: formats and patterns. */
#include "schema/format.h"

#include "schema/pattern.h"
#include "support.h"

#include <string.h>

GN_SUITE(format);

static void good(const char *format, const char *const *values)
{
    for (; *values; values++)
        cr_expect(gn_format_find(format)->valid(*values, strlen(*values)), "%s: %s", format,
                  *values);
}

static void bad(const char *format, const char *const *values)
{
    for (; *values; values++)
        cr_expect_not(gn_format_find(format)->valid(*values, strlen(*values)), "%s: %s", format,
                      *values);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(format, examples_are_valid_and_unknown_formats_are_none)
{
    static const char *const names[] = {"date", "date-time", "time", "email", "hostname",
                                        "ipv4", "ipv6",      "uri",  "uuid"};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        const struct gn_format *f = gn_format_find(names[i]);
        cr_assert_not_null(f);
        cr_expect(f->valid(f->example, strlen(f->example)), "%s", names[i]);
        cr_expect_not(f->valid("", 0), "%s", names[i]);
        cr_expect_not(f->valid("\0", 1), "%s", names[i]);
    }
    cr_expect_null(gn_format_find("colour"));
}

Test(format, dates_exist)
{
    good("date", LIST("2024-02-29", "2000-02-29", "1999-12-31"));
    bad("date", LIST("2023-02-29", "1900-02-29", "2023-13-01", "2023-00-01", "2023-04-31",
                     "2023-1-01", "2023-01-01 ", "23-01-01", "2023/01/01", "2023-01-0a"));
}

Test(format, times_have_a_zone_and_leap_seconds_end_a_day)
{
    good("time",
         LIST("00:00:00Z", "23:59:59.123+01:00", "23:59:60Z", "15:59:60-08:00", "01:29:60+01:30"));
    bad("time", LIST("24:00:00Z", "00:60:00Z", "00:00:61Z", "00:00:00", "12:59:60Z", "00:00:00.Z",
                     "00:00:00+24:00", "00:00:00+0100", "1:00:00Z"));
    good("date-time", LIST("2026-01-31T12:00:00Z", "2026-01-31t12:00:00.5z"));
    bad("date-time", LIST("2026-01-31 12:00:00Z", "2026-02-30T12:00:00Z", "2026-01-31T"));
}

Test(format, addresses_and_names_are_strict)
{
    good("email", LIST("a@b", "first.last+tag@example.com", "o'hara@x-y.org"));
    bad("email",
        LIST("a", "@b", "a@", ".a@b", "a.@b", "a..b@c", "a b@c", "a@-b", "a@b..c", "a@@b"));
    good("hostname", LIST("a", "a-b.c1", "xn--n3h.example"));
    bad("hostname", LIST("-a", "a-", "a..b", ".a", "a.", "a_b", "a b",
                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b"));
    good("ipv4", LIST("0.0.0.0", "255.255.255.255"));
    bad("ipv4", LIST("256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4 ", "1.2.3.4.5", "0x1.2.3.4"));
    good("ipv6", LIST("::", "::1", "2001:db8::192.0.2.1", "1:2:3:4:5:6:7:8"));
    bad("ipv6", LIST("1::2::3", "12345::", "fe80::1%eth0", ":::", "1:2:3:4:5:6:7:8:9"));
    good("uuid", LIST("00000000-0000-0000-0000-00000000000A"));
    bad("uuid",
        LIST("0000000000000000000000000000000000000", "00000000-0000-0000-0000-00000000000g",
             "{0000000-0000-0000-0000-000000000000}"));
}

Test(format, uris_have_a_scheme_and_only_their_characters)
{
    good("uri", LIST("a:", "http://u:p@h:80/%20?q#f", "http://[::1]/x", "urn:isbn:1", "data:,a"));
    bad("uri",
        LIST("/a", "a", ":a", "1a:b", "a b:c", "http://a b", "http://a/%2", "http://a/%zz", "a:[b]",
             "http://h/[b]", "a:b#c#d", "http://h/\"", "http://h/\xc3\xa9", "a:b\\c"));
}

Test(format, patterns_follow_ecma_and_are_not_anchored)
{
    static const struct {
        const char *pattern, *text;
        int want;
    } cases[] = {
        {"b", "abc", 1},        {"^b", "abc", 0},
        {"c$", "abc\n", 0},     {"^\\d$", "\xd9\xa3", 0},
        {"^.$", "\xc3\xa9", 1}, {"\\u00e9", "\xc3\xa9", 1},
        {"^[^]$", "\n", 1},     {"[]", "a", 0},
        {"^\\x41$", "A", 1},    {"", "", 1},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct gn_pattern *p = NULL;
        struct gn_error err = {0};
        cr_assert_eq(gn_pattern_compile(cases[i].pattern, &p, &err), 0, "%s", err.text);
        cr_expect_eq(gn_pattern_match(p, cases[i].text, strlen(cases[i].text)), cases[i].want, "%s",
                     cases[i].pattern);
        gn_pattern_free(p);
    }
    gn_pattern_free(NULL);
}

Test(format, bytes_that_are_no_text_match_no_pattern)
{
    struct gn_pattern *p = NULL;
    cr_assert_eq(gn_pattern_compile(".", &p, NULL), 0);
    cr_expect_eq(gn_pattern_match(p, "\xff", 1), 0);
    gn_pattern_free(p);
}
