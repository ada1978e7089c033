/* write.c - the streaming writer. */
#include "support.h"
#include "json/json.h"

#include <signal.h>
#include <string.h>

GN_SUITE(json_write);

static struct gn_buf out = {.max = 10000};

static void done(void)
{
    gn_buf_release(&out);
}

static void literal(const char *s, size_t len, const char *want)
{
    gn_buf_clear(&out);
    cr_assert_eq(gn_json_write_str(&out, s, len), 0);
    cr_assert_str_eq(out.data, want);
}

Test(json_write, strings_are_escaped, .fini = done)
{
    literal("", 0, "\"\"");
    literal("plain text of some length", 25, "\"plain text of some length\"");
    literal("a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"");
    literal("\b\f\n\r\t\x01\x1F\x7F", 8, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\"");
    literal("a\0b", 3, "\"a\\u0000b\"");
    literal("\xC3\xA9\xF0\x9F\x98\x80", 6, "\"\xC3\xA9\xF0\x9F\x98\x80\"");
}

Test(json_write, invalid_utf8_is_replaced, .fini = done)
{
    literal("a\xFFz", 3, "\"a\xEF\xBF\xBDz\"");
    literal("\xC3", 1, "\"\xEF\xBF\xBD\"");
    literal("\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    literal("12345678\xE2\x82", 10, "\"12345678\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

Test(json_write, writer_puts_the_commas, .fini = done)
{
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse_copy(&doc, "[1, {\"x\": 2}]", 13, NULL, NULL), 0);
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "s", "a\nb");
    gn_jw_str(&w, "none", NULL);
    gn_jw_strn(&w, "n", "xyz", 2);
    gn_jw_int(&w, "i", INT64_MIN);
    gn_jw_array(&w, "a");
    gn_jw_int(&w, NULL, 0);
    gn_jw_num(&w, NULL, 1.5);
    gn_jw_bool(&w, NULL, true);
    gn_jw_bool(&w, NULL, false);
    gn_jw_null(&w, NULL);
    gn_jw_object(&w, NULL);
    gn_jw_end(&w);
    gn_jw_array(&w, NULL);
    gn_jw_end(&w);
    gn_jw_end(&w);
    gn_jw_json(&w, "j", doc.nodes);
    gn_jw_raw(&w, "raw", "{\"y\":3}", 7);
    gn_jw_json(&w, "nothing", NULL);
    gn_jw_int(&w, "max", INT64_MAX);
    gn_jw_end(&w);
    cr_assert_eq(w.depth, 0);
    cr_assert_str_eq(out.data,
                     "{\"s\":\"a\\nb\",\"none\":null,\"n\":\"xy\",\"i\":-9223372036854775808,"
                     "\"a\":[0,1.5,true,false,null,{},[]],\"j\":[1,{\"x\":2}],\"raw\":{\"y\":3},"
                     "\"nothing\":null,\"max\":9223372036854775807}");
    gn_json_release(&doc);
}

Test(json_write, a_full_buffer_is_reported)
{
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse_copy(&doc, "[1,2,3,\"abcdef\"]", 16, NULL, NULL), 0);
    for (size_t max = 0; max < 16; max++) {
        struct gn_buf small = GN_BUF_INIT(max);
        cr_assert_eq(gn_json_write(&small, doc.nodes), GN_ETOOBIG);
        cr_assert_leq(small.len, max);
        gn_buf_release(&small);
    }
    gn_json_release(&doc);
}

Test(json_write, members_need_names, .signal = SIGABRT)
{
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    gn_jw_int(&w, NULL, 1);
}

Test(json_write, two_values_at_the_top_are_misuse, .signal = SIGABRT)
{
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_int(&w, NULL, 1);
    gn_jw_int(&w, NULL, 2);
}

Test(json_write, ending_too_often_is_misuse, .signal = SIGABRT)
{
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_array(&w, NULL);
    gn_jw_end(&w);
    gn_jw_end(&w);
}

Test(json_write, depth_is_bounded, .signal = SIGABRT)
{
    struct gn_jw w;
    gn_jw_init(&w, &out);
    for (int i = 0; i < GN_JW_DEPTH; i++)
        gn_jw_array(&w, NULL);
}
