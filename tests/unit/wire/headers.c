/* headers.c - values in HTTP headers. */
#include "wire/headers.h"

#include "support.h"
#include "util/error.h"

#include <string.h>

GN_SUITE(headers);

static struct gn_buf b = {.max = 1000};

static void done(void)
{
    gn_buf_release(&b);
}

static void check(const char *value, size_t len, const char *header)
{
    gn_buf_clear(&b);
    cr_assert_eq(gn_header_encode(&b, value, len), 0);
    cr_assert_str_eq(gn_buf_str(&b), header);
    gn_buf_clear(&b);
    cr_assert_eq(gn_header_decode(&b, header, strlen(header)), 0, "%s", header);
    cr_assert_eq(b.len, len);
    cr_assert_eq(memcmp(gn_buf_str(&b), value, len), 0);
}

static bool matches(const char *header, const char *json)
{
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse_copy(&doc, json, strlen(json), NULL, NULL), 0);
    bool result = gn_header_matches(header, strlen(header), gn_json_root(&doc));
    gn_json_release(&doc);
    return result;
}

/* The examples of the specification, then the edges. */
Test(headers, values_go_both_ways, .fini = done)
{
    check("us-west1", 8, "us-west1");
    check("Hello, \xE4\xB8\x96\xE7\x95\x8C", 13, "=?base64?SGVsbG8sIOS4lueVjA==?=");
    check(" padded ", 8, "=?base64?IHBhZGRlZCA=?=");
    check("line1\nline2", 11, "=?base64?bGluZTEKbGluZTI=?=");
    check("=?base64?literal?=", 18, "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=");
    check("", 0, "");
    check("a b\tc", 5, "a b\tc");
    check("x\t", 2, "=?base64?eAk=?=");
    check("a\0b", 3, "=?base64?YQBi?=");
    check("\x7F", 1, "=?base64?fw==?=");
    check("=?base64?open", 13, "=?base64?open");
    check("=?BASE64?x?=", 12, "=?BASE64?x?=");
    check("=?base64?=", 10, "=?base64?PT9iYXNlNjQ/PQ==?=");
}

Test(headers, what_is_no_text_is_not_encoded, .fini = done)
{
    cr_assert_eq(gn_header_encode(&b, "\xFF", 1), GN_EINVAL);
    cr_assert_eq(b.len, 0);
}

Test(headers, malformed_headers_are_refused, .fini = done)
{
    static const char *const bad[] = {"caf\xC3\xA9",
                                      "a\x01",
                                      "a\nb",
                                      "a\rb",
                                      "\x7F",
                                      "=?base64?Zg?=",
                                      "=?base64?Zh==?=",
                                      "=?base64?a b?=",
                                      "=?base64?/w==?=" /* not UTF-8 */,
                                      "=?base64?!!!!?="};
    gn_buf_adds(&b, "before");
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        cr_assert_eq(gn_header_decode(&b, bad[i], strlen(bad[i])), GN_EINVAL, "%s", bad[i]);
        cr_assert_str_eq(b.data, "before");
    }
    cr_assert_eq(gn_header_decode(&b, "a\0b", 3), GN_EINVAL);
}

Test(headers, blanks_around_do_not_count, .fini = done)
{
    cr_assert_eq(gn_header_decode(&b, " \t a b \t", 8), 0);
    cr_assert_str_eq(b.data, "a b");
    gn_buf_clear(&b);
    cr_assert_eq(gn_header_decode(&b,
                                  " =?base64?"
                                  "?= ",
                                  13),
                 0);
    cr_assert_eq(b.len, 0);
}

Test(headers, bodies_are_compared_by_value, .fini = done)
{
    cr_assert(matches("Seattle, WA", "\"Seattle, WA\""));
    cr_assert(matches("=?base64?SGVsbG8sIOS4lueVjA==?=", "\"Hello, \xE4\xB8\x96\xE7\x95\x8C\""));
    cr_assert(matches("42", "42") && matches("42.0", "42") && matches("42", "42.0"));
    cr_assert(matches("-7", "-7") && matches("=?base64?NDI=?=", "42"));
    cr_assert(matches("true", "true") && matches("false", "false"));
    cr_assert(matches("42", "\"42\"") && matches("", "\"\""));
    cr_assert(!matches("seattle", "\"Seattle\"") && !matches("42", "43") && !matches("", "42"));
    cr_assert(!matches("0x2A", "42") && !matches("\"42\"", "42") && !matches("[42]", "42"));
    cr_assert(!matches("True", "true") && !matches("true", "false") && !matches("1", "true"));
    cr_assert(!matches("null", "null") && !matches("{}", "{}"));
    cr_assert(!matches("a", "\"a\\u0000\"") && matches("=?base64?YQA=?=", "\"a\\u0000\""));
    cr_assert(!gn_header_matches("x", 1, NULL));
}

Test(headers, json_values_are_encoded, .fini = done)
{
    static const char *const cases[][2] = {{"\"a\"", "a"},
                                           {"42.0", "42"},
                                           {"-7", "-7"},
                                           {"true", "true"},
                                           {"1.5", "1.5"},
                                           {"false", "false"},
                                           {"\" \"", "=?base64?IA==?="}};
    struct gn_json_doc doc;
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        gn_buf_clear(&b);
        cr_assert_eq(gn_json_parse_copy(&doc, cases[i][0], strlen(cases[i][0]), NULL, NULL), 0);
        cr_assert_eq(gn_header_encode_json(&b, doc.nodes), 0);
        cr_assert_str_eq(b.data, cases[i][1]);
        gn_json_release(&doc);
    }
    cr_assert_eq(gn_header_encode_json(&b, NULL), GN_EINVAL);
}

Test(headers, names_are_tokens)
{
    cr_assert(gn_header_name_valid("Region") && gn_header_name_valid("x-1_y.z~"));
    cr_assert(!gn_header_name_valid("") && !gn_header_name_valid("a b"));
    cr_assert(!gn_header_name_valid("a:b") && !gn_header_name_valid("\xC3\xA9"));
    cr_assert(!gn_header_name_valid(NULL) && !gn_header_name_valid("a\n"));
}
