/* Tests of host/schema: formats. */
#include "schema/format.h"

#include "support.h"
#include "util/str.h"

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

Test(format, examples_are_valid_and_other_formats_are_none)
{
    static const char *const names[] = {
        "date", "date-time",    "duration", "email", "hostname",      "ipv4",         "ipv6",
        "time", "json-pointer", "regex",    "uri",   "uri-reference", "uri-template", "uuid"};
    static const char *const others[] = {
        "colour", "idn-email", "idn-hostname", "iri", "iri-reference", "relative-json-pointer",
        "Date",   "",          "dat"};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        const struct gn_format *f = gn_format_find(names[i]);
        cr_assert_not_null(f);
        cr_expect_str_eq(f->name, names[i]);
        cr_expect(f->valid(f->example, strlen(f->example)), "%s", names[i]);
        /* NUL means itself in an expression. */
        cr_expect_eq(f->valid("\0", 1), gn_streq(names[i], "regex"), "%s", names[i]);
        cr_expect_not(f->valid("(\0{\xff", 4), "%s", names[i]);
    }
    for (size_t i = 0; i < GN_COUNT(others); i++)
        cr_expect_null(gn_format_find(others[i]), "%s", others[i]);
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
    good("email", LIST("a@b", "first.last+tag@example.com", "o'hara@x-y.org", "\"a b\"@c",
                       "\"a\\\"@b\"@c", "a@[192.0.2.1]", "a@[IPv6:::1]", "a@[ipv6:2001:db8::1]"));
    bad("email", LIST("a", "@b", "a@", ".a@b", "a.@b", "a..b@c", "a b@c", "a@-b", "a@b..c", "a@@b",
                      "\"a@b", "a\"b\"@c", "\"a\\\"@b", "\"a\"b\"@c", "\"\t\"@c", "a@[1.2.3]",
                      "a@[::1]", "a@[IPv6:]", "a@[", "a@]", "a@b, c@d", "\xc3\xa9@b"));
    good("ipv4", LIST("0.0.0.0", "255.255.255.255"));
    bad("ipv4", LIST("256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4 ", "1.2.3.4.5", "0x1.2.3.4"));
    good("ipv6", LIST("::", "::1", "2001:db8::192.0.2.1", "1:2:3:4:5:6:7:8"));
    bad("ipv6", LIST("1::2::3", "12345::", "fe80::1%eth0", ":::", "1:2:3:4:5:6:7:8:9"));
    good("uuid", LIST("00000000-0000-0000-0000-00000000000A"));
    bad("uuid",
        LIST("0000000000000000000000000000000000000", "00000000-0000-0000-0000-00000000000g",
             "{0000000-0000-0000-0000-000000000000}"));
}

Test(format, host_names_are_labels_and_a_labels_hold_what_idna_allows)
{
    char longest[256];
    memset(longest, 'a', sizeof(longest));
    longest[63] = longest[127] = longest[191] = '.';
    cr_expect(gn_format_find("hostname")->valid(longest, 253));
    cr_expect_not(gn_format_find("hostname")->valid(longest, 254));
    cr_expect_not(gn_format_find("hostname")->valid(longest + 64, 192));
    good("hostname", LIST("a", "a-b.c1", "1", "a--b", "xn--bcher-kva.example", "XN--BCHER-KVA",
                          "xn--ll-0ea", "xn--11b2ezcw70k", "xn--4dbc5h", "xn-a"));
    bad("hostname",
        LIST("", "-a", "a-", "a..b", ".", ".a", "a.", "a_b", "a b", "a\n", "\xe2\x84\xaa",
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b"));
    /* Nothing or nonsense behind the prefix, a symbol, not composed, a rule of context broken,
     * two directions. */
    bad("hostname", LIST("xn--", "xn--a", "xn--X", "xn--n3h.example", "xn--e-xbb", "xn--al-0ea",
                         "xn--02b508i", "xn--5db1e", "xn--aa---o47jg78q", "xn--a-0hc"));
}

Test(format, durations_leave_no_unit_out)
{
    good("duration", LIST("P1Y", "P1Y2M3DT4H5M6S", "PT0S", "P4W", "P1M2D", "PT36H", "P1DT12H"));
    bad("duration", LIST("P", "PT", "P1", "1D", "P1D2M", "P1Y2D", "PT1H2S", "P1YT", "P1Y1W",
                         "P1W1D", "PT1D", "P-1D", "P1.5D", "P1d", "P1DT", "P1D ", "PD", "P1S"));
}

Test(format, pointers_escape_tildes)
{
    good("json-pointer", LIST("", "/", "/a/b", "/~0~1", "//", "/\xc3\xa9"));
    bad("json-pointer", LIST("a", "/~", "/~2", "/a~", "#/a", "/~/"));
}

Test(format, expressions_are_those_of_ecma)
{
    good("regex", LIST("", "a", "[]", "(?<=a+)b", "\\p{L}", "a{70000}", "[\\w-.]"));
    bad("regex", LIST("(", "\\a", "(?i)a", "a++", "\\p{Foo}", "[z-a]"));
}

Test(format, templates_follow_their_grammar)
{
    good("uri-template", LIST("", "a", "{a}", "{+a,b*}/{?c:3}", "{a.b}", "{%41}", "{_}", "a'b%20",
                              "\xc3\xa9", "{=a}", "\xf0\x9f\x98\x80", "\xee\x80\x80", "{v:9999}"));
    bad("uri-template",
        LIST("{", "}", "{}", "{a", "a}", "{a,}", "{a..b}", "{.a.}", "{a:0}", "{a:12345}", "{a:}",
             "{a:1*}", "{a b}", "{{a}}", "%4", "a b", "<", "\"", "\\", "^", "`", "|", "\x7f",
             "\xc2\x80", "\xef\xbf\xbe", "{a-b}", "{\xc3\xa9}", "{+}"));
}

Test(format, uris_have_a_scheme_and_only_their_characters)
{
    good("uri", LIST("a:", "http://u:p@h:80/%20?q#f", "http://[::1]/x", "urn:isbn:1", "data:,a",
                     "http://", "file:///a", "http://h:", "http://[v1.a:b]/", "a:b:c@d", "a:?/?#/?",
                     "http://[::ffff:192.0.2.1]:80"));
    bad("uri", LIST("/a", "a", ":a", "1a:b", "a b:c", "http://a b", "http://a/%2", "http://a/%zz",
                    "a:[b]", "http://h/[b]", "a:b#c#d", "http://h/\"", "http://h/\xc3\xa9",
                    "a:b\\c", "http://[::1", "http://[1]/", "http://[::1]a", "http://h:8a",
                    "http://a@b@c", "http://a:b:c", "http://[v1.]", "http://[v.a]", "http://[]",
                    "http://h?[", "http://h#]", "http://[::1%25a]"));
    good("uri-reference",
         LIST("", "a", "/a", "//h", "?q", "#f", "../a", "a/b:c", "./a:b", "a:b", "%41"));
    bad("uri-reference",
        LIST(" ", "1a:b", ":a", "a b", "//a b", "%", "\\", "#a#", "[a]", "\xc3\xa9"));
}
