/* json_edit.c - one member of a text changes, everything else stays. */
#include "json_edit.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(cli_json_edit);

#define MARK "\xef\xbb\xbf"

static const char *const way[] = {"s", "new", NULL};

/* The text after s.new = value (NULL: after it was taken away). Owned by the caller. */
static char *edit(const char *text, const char *value, int expected)
{
    struct gn_jsonc before, after;
    struct gn_json_doc doc = {0};
    struct gn_error err = {0};
    struct gn_buf out = GN_BUF_INIT(1 << 20);
    cr_assert_eq(gn_jsonc_parse(&before, text, strlen(text), &err), 0, "%s: %s", text, err.text);
    if (value)
        cr_assert_eq(gn_json_parse_copy(&doc, value, strlen(value), NULL, NULL), 0);
    int rc = value ? gn_json_set(&before, way, gn_json_root(&doc), "  ", &out, &err)
                   : gn_json_remove(&before, way, &out, &err);
    cr_assert_eq(rc, expected, "%s: %d %s", text, rc, err.text);
    if (rc == 0) {
        cr_assert_eq(gn_jsonc_parse(&after, gn_buf_str(&out), out.len, &err), 0, "%s: %s",
                     gn_buf_str(&out), err.text);
        cr_expect(gn_json_differs_only(gn_json_root(&before.doc), gn_json_root(&after.doc), way,
                                       gn_json_root(&doc)),
                  "%s", gn_buf_str(&out));
        gn_jsonc_release(&after);
    }
    gn_json_release(&doc);
    gn_jsonc_release(&before);
    return gn_buf_take(&out, NULL);
}

struct edit {
    const char *before, *after;
};

static void try_all(const struct edit *edits, size_t count, const char *value)
{
    for (size_t i = 0; i < count; i++) {
        GN_AUTO_FREE char *got = edit(edits[i].before, value, 0);
        cr_expect_str_eq(got, edits[i].after, "%s\n-- became\n%s\n-- instead of\n%s",
                         edits[i].before, got, edits[i].after);
    }
}

Test(cli_json_edit, adds_in_the_way_the_text_is_written)
{
    static const struct edit edits[] = {
        {"", "{\n  \"s\": {\n    \"new\": 1\n  }\n}\n"},
        {"{}", "{\n  \"s\": {\n    \"new\": 1\n  }\n}"},
        {" {\n}\n", " {\n   \"s\": {\n     \"new\": 1\n   }\n }\n"},
        {"{\n\t\"s\": {}\n}\n", "{\n\t\"s\": {\n\t\t\"new\": 1\n\t}\n}\n"},
        {"{\n    \"a\": 1\n}", "{\n    \"a\": 1,\n    \"s\": {\n        \"new\": 1\n    }\n}"},
        {"{\r\n  \"s\": {\r\n    \"a\": 1\r\n  }\r\n}\r\n",
         "{\r\n  \"s\": {\r\n    \"a\": 1,\r\n    \"new\": 1\r\n  }\r\n}\r\n"},
        {"{\"a\":1}", "{\"a\":1, \"s\": {\"new\": 1}}"},
        {"{\"s\":{\"a\":1},\"z\":2}", "{\"s\":{\"a\":1, \"new\": 1},\"z\":2}"},
        {MARK "{\n  \"s\": {\n    \"a\": 1\n  }\n}",
         MARK "{\n  \"s\": {\n    \"a\": 1,\n    \"new\": 1\n  }\n}"},
        {"{\n  \"s\": { \"a\": 1 }\n}", "{\n  \"s\": { \"a\": 1, \"new\": 1 }\n}"},
    };
    try_all(edits, GN_COUNT(edits), "1");
}

Test(cli_json_edit, keeps_comments_and_commas_where_they_are)
{
    static const struct edit edits[] = {
        {"{\n  // of s\n  \"s\": {\n    \"a\": 1, // of a\n  },\n}",
         "{\n  // of s\n  \"s\": {\n    \"a\": 1, // of a\n    \"new\": 1,\n  },\n}"},
        {"{\n  \"s\": {\n    \"a\": 1 // of a\n    // the end\n  }\n}",
         "{\n  \"s\": {\n    \"a\": 1, // of a\n    \"new\": 1\n    // the end\n  }\n}"},
        {"{\n  \"s\": {\n    // none yet\n  }\n}",
         "{\n  \"s\": {\n    // none yet\n    \"new\": 1\n  }\n}"},
        {"{\n  \"s\": {\n    \"a\": \"// no comment\", /* b, */ /* c */\n  }\n}",
         "{\n  \"s\": {\n    \"a\": \"// no comment\", /* b, */ /* c */\n    \"new\": 1,\n  }\n}"},
        {"// nothing else\n", "// nothing else\n{\n  \"s\": {\n    \"new\": 1\n  }\n}\n"},
        {"{\r\n  \"s\": {\r\n    \"a\": 1 // of a\r\n  }\r\n}",
         "{\r\n  \"s\": {\r\n    \"a\": 1, // of a\r\n    \"new\": 1\r\n  }\r\n}"},
    };
    try_all(edits, GN_COUNT(edits), "1");
}

Test(cli_json_edit, replaces_the_one_that_counts)
{
    static const struct edit edits[] = {
        {"{\n  \"s\": {\n    \"new\": {\"x\": [1, 2]}, // here\n    \"b\": 2\n  }\n}",
         "{\n  \"s\": {\n    \"new\": {\n      \"a\": []\n    }, // here\n    \"b\": 2\n  }\n}"},
        {"{\"s\":{\"new\":1,\"n\\u0065w\":2}}", "{\"s\":{\"new\":1,\"n\\u0065w\":{\"a\": []}}}"},
        {"{\"s\":1,\"s\":{\"new\":3}}", "{\"s\":1,\"s\":{\"new\":{\"a\": []}}}"},
    };
    try_all(edits, GN_COUNT(edits), "{\"a\":[]}");
}

Test(cli_json_edit, takes_away_all_of_a_name_and_nothing_else)
{
    static const struct edit edits[] = {
        {"{\n  \"s\": {\n    \"a\": 1,\n    \"new\": 2,\n    \"b\": 3\n  }\n}",
         "{\n  \"s\": {\n    \"a\": 1,\n    \"b\": 3\n  }\n}"},
        {"{\n  \"s\": {\n    \"a\": 1, // of a\n    \"new\": 2 // of new\n  }\n}",
         "{\n  \"s\": {\n    \"a\": 1 // of a\n  }\n}"},
        {"{\n  \"s\": {\n    \"a\": 1,\n    // of what follows\n    \"new\": 2,\n  }\n}",
         "{\n  \"s\": {\n    \"a\": 1,\n    // of what follows\n  }\n}"},
        {"{\"s\":{\"new\":1}}", "{\"s\":{}}"},
        {"{\"s\":{\"new\":1, \"a\":2}}", "{\"s\":{\"a\":2}}"},
        {"{\"s\":{\"a\":2, \"new\":1}}", "{\"s\":{\"a\":2}}"},
        {"{\"s\":{\"new\":1,\"a\":2,\"new\":{\"new\":1},\"new\":3}}", "{\"s\":{\"a\":2}}"},
        {"{\r\n\t\"s\": {\r\n\t\t\"new\": {\r\n\t\t\t\"x\": 1\r\n\t\t}\r\n\t}\r\n}\r\n",
         "{\r\n\t\"s\": {\r\n\t}\r\n}\r\n"},
    };
    try_all(edits, GN_COUNT(edits), NULL);
}

Test(cli_json_edit, refuses_what_is_no_object_on_the_way)
{
    static const char *const texts[] = {"[]", "{\"s\": []}", "{\"s\": null}", "\"s\"", "1"};
    for (size_t i = 0; i < GN_COUNT(texts); i++)
        gn_free(edit(texts[i], "1", GN_EINVAL));
    gn_free(edit("{\"s\": {}}", NULL, GN_ENOENT));
    gn_free(edit("{\"t\": {}}", NULL, GN_ENOENT));
}

Test(cli_json_edit, reads_only_what_people_write_by_mistake_or_habit)
{
    static const char *const bad[] = {
        "{",        "{\"a\" 1}",    "[,]",    "{,}",         "[1,,]",    "{\"a\": 1} x",
        "/* open",  "{\"a\": 'b'}", "{a: 1}", "{\"a\": 1}}", "# no\n{}", "{} /",
        "[1, // x",
    };
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        struct gn_jsonc j;
        struct gn_error err = {0};
        cr_expect_neq(gn_jsonc_parse(&j, bad[i], strlen(bad[i]), &err), 0, "%s", bad[i]);
        cr_expect(strstr(err.text, "line "), "%s: %s", bad[i], err.text);
        gn_jsonc_release(&j);
    }
}

Test(cli_json_edit, names_line_and_column_of_a_mistake)
{
    struct gn_jsonc j;
    struct gn_error err = {0};
    static const char text[] = "{\n  // fine\n  \"a\": tru\n}";
    cr_assert_neq(gn_jsonc_parse(&j, text, strlen(text), &err), 0);
    cr_assert(strstr(err.text, "line 3, column "), "%s", err.text);
}

Test(cli_json_edit, survives_every_beginning_of_a_text)
{
    static const char text[] = MARK "{ // a\r\n \"s\": {\"new\": [1, {\"x\\\"\": \"\\u00e9\"},], "
                                    "/* b */ \"c\": -1.5e3,},\n}";
    for (size_t len = 0; len <= strlen(text); len++) {
        struct gn_jsonc j;
        struct gn_buf out = GN_BUF_INIT(1 << 16);
        if (gn_jsonc_parse(&j, text, len, NULL) == 0) {
            gn_json_remove(&j, way, &out, NULL);
            gn_jsonc_release(&j);
        }
        gn_buf_release(&out);
    }
}
