/* parse.c - the parser: what it accepts, what it refuses, what the index looks like. */
#include "json/json.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(json_parse);

struct corpus {
    const char *dir;
    int good, bad, either;
};

static int parses(const char *text, struct gn_error *err)
{
    struct gn_json_doc doc;
    int rc = gn_json_parse_copy(&doc, text, strlen(text), NULL, err);
    gn_json_release(&doc);
    return rc;
}

/* Parses `text`, writes it back and compares. */
static void check_back(const char *text, const char *want)
{
    struct gn_json_doc doc;
    struct gn_error err = {0};
    cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), NULL, &err), 0, "%s: %s", text,
                 err.text);
    struct gn_buf out = GN_BUF_INIT(100000);
    cr_assert_eq(gn_json_write(&out, gn_json_root(&doc)), 0);
    cr_assert_str_eq(gn_buf_str(&out), want);
    gn_buf_release(&out);
    gn_json_release(&doc);
}

static void check_refused(const char *text, int code, const char *part_of_message)
{
    struct gn_error err = {0};
    cr_assert_eq(parses(text, &err), code, "%s", text);
    cr_assert_eq(err.code, code);
    cr_assert_not_null(strstr(err.text, part_of_message), "%s: %s", text, err.text);
}

static void check_corpus_file(void *arg, const char *name)
{
    struct corpus *c = arg;
    GN_AUTO_FREE char *path = gn_path_join(c->dir, name);
    struct gn_buf text = GN_BUF_INIT(10 << 20);
    cr_assert_eq(gn_read_file(path, &text), 0, "%s", path);
    struct gn_json_doc doc;
    struct gn_error err = {0};
    int rc = gn_json_parse_copy(&doc, gn_buf_str(&text), text.len, NULL, &err);
    cr_assert_eq(rc == 0, err.code == 0, "%s", name);
    cr_assert_eq(rc == 0, gn_json_root(&doc) != NULL, "%s", name);
    if (gn_starts_with(name, "y_")) {
        cr_assert_eq(rc, 0, "%s: %s", name, err.text);
        c->good++;
    } else if (gn_starts_with(name, "n_")) {
        cr_assert_neq(rc, 0, "%s", name);
        c->bad++;
    } else {
        /* Where the grammar leaves the choice: numbers of any size, but neither broken text nor
         * more than 128 levels. */
        int want = gn_starts_with(name, "i_number_") ? 0 : GN_EINVAL;
        if (strcmp(name, "i_structure_500_nested_arrays.json") == 0)
            want = GN_ETOOBIG;
        cr_assert_eq(rc, want, "%s: %s", name, err.text);
        c->either++;
    }
    if (rc == 0) {
        /* What was read can be written and means the same. */
        struct gn_buf out = GN_BUF_INIT(10 << 20);
        struct gn_json_doc again;
        cr_assert_eq(gn_json_write(&out, gn_json_root(&doc)), 0);
        cr_assert_eq(gn_json_parse_copy(&again, gn_buf_str(&out), out.len, NULL, NULL), 0);
        cr_assert(gn_json_equal(gn_json_root(&doc), gn_json_root(&again)), "%s", name);
        gn_json_release(&again);
        gn_buf_release(&out);
    }
    gn_json_release(&doc);
    gn_buf_release(&text);
}

Test(json_parse, the_index_is_as_documented)
{
    char text[] = " [ {\"a\": [1, \"x\"]} ] ";
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse(&doc, text, strlen(text), NULL, NULL), 0);
    static const struct {
        uint8_t type, flags;
        uint32_t skip, len;
    } want[] = {
        {GN_JSON_ARRAY, 0, 6, 1},
        {GN_JSON_OBJECT, 0, 5, 1},
        {GN_JSON_STRING, 0, 1, 1},
        {GN_JSON_ARRAY, GN_JSON_MEMBER, 3, 2},
        {GN_JSON_NUMBER, GN_JSON_INTEGER, 1, 1},
        {GN_JSON_STRING, 0, 1, 1},
    };
    cr_assert_eq(doc.count, GN_COUNT(want));
    for (size_t i = 0; i < GN_COUNT(want); i++) {
        cr_assert_eq(doc.nodes[i].type, want[i].type, "node %zu", i);
        cr_assert_eq(doc.nodes[i].flags, want[i].flags, "node %zu", i);
        cr_assert_eq(doc.nodes[i].skip, want[i].skip, "node %zu", i);
        cr_assert_eq(doc.nodes[i].len, want[i].len, "node %zu", i);
    }
    /* In place: no copy of the strings was made. */
    cr_assert_eq(doc.nodes[5].text, text + 14);
    cr_assert_str_eq(doc.nodes[5].text, "x");
    gn_json_release(&doc);
}

Test(json_parse, any_value_may_stand_alone)
{
    check_back("null", "null");
    check_back(" true ", "true");
    check_back("\tfalse\r\n", "false");
    check_back("\"\"", "\"\"");
    check_back("-0", "-0");
    check_back("[]", "[]");
    check_back("{ }", "{}");
    check_back("12.50e+07", "12.50e+07");
}

Test(json_parse, nested_structures_come_back)
{
    check_back("[[],{},[{}],[[[1]]],{\"a\":{\"b\":{}}}]",
               "[[],{},[{}],[[[1]]],{\"a\":{\"b\":{}}}]");
    check_back(" { \"a\" : [ 1 , 2 ] , \"b\" : null } ", "{\"a\":[1,2],\"b\":null}");
    check_back("{\"\":{\"\":[]}, \"x\":[{},{\"y\":0}]}", "{\"\":{\"\":[]},\"x\":[{},{\"y\":0}]}");
}

Test(json_parse, strings_are_unescaped)
{
    check_back("\"\\u0041\\u00e9\\u20AC\\ud83D\\uDE00\"",
               "\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    check_back("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    check_back("\"a\\u0000b\"", "\"a\\u0000b\"");
    check_back("\"long enough for words\\nand more than one of them\"",
               "\"long enough for words\\nand more than one of them\"");
    check_back("{\"k\\u0065y\":1}", "{\"key\":1}");
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse_copy(&doc, "\"a\\u0000b\"", 10, NULL, NULL), 0);
    cr_assert(doc.nodes[0].flags & GN_JSON_HAS_NUL);
    size_t len;
    const char *s = gn_json_str(&doc.nodes[0], &len);
    cr_assert_eq(len, 3);
    cr_assert_eq(memcmp(s, "a\0b", 4), 0);
    cr_assert_null(gn_json_cstr(&doc.nodes[0]));
    gn_json_release(&doc);
}

/* Each special byte at each position relative to the words the scanner reads. */
Test(json_parse, strings_of_every_length_and_alignment)
{
    char text[64], want[64];
    static const char *const specials[][2] = {
        {"", ""}, {"\\n", "\\n"}, {"\xC3\xA9", "\xC3\xA9"}, {"\\u0041", "A"}, {"\x7F", "\x7F"}};
    for (size_t k = 0; k < GN_COUNT(specials); k++) {
        for (int before = 0; before < 20; before++) {
            for (int after = 0; after < 10; after++) {
                static const char fill[] = "abcdefghijklmnopqrstuvwxyz";
                snprintf(text, sizeof(text), "\"%.*s%s%.*s\"", before, fill, specials[k][0], after,
                         fill);
                snprintf(want, sizeof(want), "\"%.*s%s%.*s\"", before, fill, specials[k][1], after,
                         fill);
                check_back(text, want);
                text[strlen(text) - 1] = '\0'; /* unterminated */
                cr_assert_eq(parses(text, NULL), GN_EINVAL);
            }
        }
    }
}

Test(json_parse, every_control_character_is_refused_in_strings)
{
    for (int c = 0; c < 0x20; c++) {
        for (size_t at = 1; at < 12; at++) {
            char text[] = "\"abcdefghijkl\"";
            text[at] = (char)c;
            struct gn_json_doc doc;
            cr_assert_eq(gn_json_parse_copy(&doc, text, sizeof(text) - 1, NULL, NULL), GN_EINVAL);
        }
    }
}

Test(json_parse, malformed_utf8_is_refused_wherever_it_stands)
{
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\xAF",
        "\xC1\xBF",
        "\xC3",
        "\xC3(",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xE2\x82",
        "\xE2(\x82",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF0\x9F\x98",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF8\x88\x80\x80\x80",
        "\xFE",
        "\xFF",
    };
    char text[64];
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        for (int before = 0; before < 10; before++) {
            snprintf(text, sizeof(text), "\"%.*s%s\"", before, "abcdefghij", bad[i]);
            cr_assert_eq(parses(text, NULL), GN_EINVAL, "case %zu", i);
            snprintf(text, sizeof(text), "{\"%.*s%sz\":1}", before, "abcdefghij", bad[i]);
            cr_assert_eq(parses(text, NULL), GN_EINVAL, "case %zu", i);
        }
        snprintf(text, sizeof(text), "[%s]", bad[i]);
        cr_assert_eq(parses(text, NULL), GN_EINVAL, "case %zu", i);
    }
}

/* Escaped and unescaped it is the same string; surrogates are neither. */
Test(json_parse, every_character_may_be_escaped)
{
    for (uint32_t block = 0; block < 0x110000; block += 0x40) {
        if (block >= 0xD800 && block < 0xE000)
            continue;
        struct gn_buf escaped = GN_BUF_INIT(2000);
        struct gn_buf want = GN_BUF_INIT(2000);
        gn_buf_addc(&escaped, '"');
        for (uint32_t cp = block; cp < block + 0x40; cp++) {
            if (cp < 0x10000)
                gn_buf_addf(&escaped, cp % 2 ? "\\u%04x" : "\\u%04X", cp);
            else
                gn_buf_addf(&escaped, "\\u%04x\\u%04X", 0xD800 + ((cp - 0x10000) >> 10),
                            0xDC00 + (cp & 0x3FF));
            if (cp >= 0x10000)
                gn_buf_addc(&want, (char)(0xF0 | cp >> 18));
            if (cp >= 0x800)
                gn_buf_addc(&want, (char)((cp >= 0x10000 ? 0x80 : 0xE0) | (cp >> 12 & 0x3F)));
            if (cp >= 0x80)
                gn_buf_addc(&want, (char)((cp >= 0x800 ? 0x80 : 0xC0) | (cp >> 6 & 0x3F)));
            gn_buf_addc(&want, (char)(cp >= 0x80 ? 0x80 | (cp & 0x3F) : cp));
        }
        gn_buf_addc(&escaped, '"');
        struct gn_json_doc doc, again;
        cr_assert_eq(gn_json_parse(&doc, escaped.data, escaped.len, NULL, NULL), 0, "%x", block);
        cr_assert_eq(doc.nodes[0].len, want.len, "%x", block);
        cr_assert_eq(memcmp(doc.nodes[0].text, want.data, want.len), 0, "%x", block);
        struct gn_buf plain = GN_BUF_INIT(2000);
        cr_assert_eq(gn_json_write(&plain, doc.nodes), 0);
        cr_assert_eq(gn_json_parse(&again, plain.data, plain.len, NULL, NULL), 0, "%x", block);
        cr_assert(gn_json_equal(doc.nodes, again.nodes), "%x", block);
        gn_json_release(&again);
        gn_json_release(&doc);
        gn_buf_release(&plain);
        gn_buf_release(&want);
        gn_buf_release(&escaped);
    }
}

Test(json_parse, messages_say_what_and_where)
{
    check_refused("", GN_EINVAL, "expected a value at byte 0, where the text ends");
    check_refused("[1,]", GN_EINVAL, "expected a value at byte 3, found ']'");
    check_refused("[1 2]", GN_EINVAL, "expected ',' or ']' at byte 3, found '2'");
    check_refused("{\"a\" 1}", GN_EINVAL, "expected ':' at byte 5");
    check_refused("{a:1}", GN_EINVAL, "member name in quotes at byte 1");
    check_refused("{\"a\":1,}", GN_EINVAL, "member name in quotes at byte 7");
    check_refused("{\"a\":1]", GN_EINVAL, "expected ',' or '}' at byte 6");
    check_refused("{} x", GN_EINVAL, "expected the end at byte 3, found 'x'");
    check_refused("\"\\ud800\"", GN_EINVAL, "invalid escape at byte 1");
    check_refused("\"\\udc00\\ud800\"", GN_EINVAL, "invalid escape at byte 1");
    check_refused("\"ab\xFF\"", GN_EINVAL, "invalid UTF-8 at byte 3, found byte 0xFF");
    check_refused("\"a\nb\"", GN_EINVAL, "control character in a string at byte 2");
    check_refused("\"abc", GN_EINVAL, "unterminated string at byte 4");
    check_refused("01", GN_EINVAL, "expected the end at byte 1");
    check_refused("-", GN_EINVAL, "expected a digit at byte 1");
    check_refused("1.", GN_EINVAL, "digit after the point");
    check_refused("1e+", GN_EINVAL, "digit in the exponent");
    check_refused("nul", GN_EINVAL, "expected a value at byte 0, found 'n'");
    check_refused("NaN", GN_EINVAL, "expected a value");
    check_refused("\xEF\xBB\xBF{}", GN_EINVAL, "expected a value at byte 0, found byte 0xEF");
}

Test(json_parse, nul_bytes_are_no_end)
{
    struct gn_json_doc doc;
    struct gn_error err = {0};
    cr_assert_eq(gn_json_parse_copy(&doc, "{}\0", 3, NULL, &err), GN_EINVAL);
    cr_assert_not_null(strstr(err.text, "at byte 2, found byte 0x00"), "%s", err.text);
    cr_assert_eq(gn_json_parse_copy(&doc, "[\"a\0\"]", 6, NULL, NULL), GN_EINVAL);
    cr_assert_eq(gn_json_parse_copy(&doc, "[1\0,2]", 6, NULL, NULL), GN_EINVAL);
    cr_assert_eq(gn_json_parse_copy(&doc, "0\0", 2, NULL, NULL), GN_EINVAL);
    cr_assert_eq(gn_json_parse_copy(&doc, "true\0", 5, NULL, NULL), GN_EINVAL);
    cr_assert_eq(gn_json_parse_copy(&doc, "\0{}", 3, NULL, NULL), GN_EINVAL);
    cr_assert_null(gn_json_root(&doc));
}

Test(json_parse, every_prefix_of_a_message_is_refused)
{
    const char *text = "{\"a\":[1.5e3,\"x\\u00e9\\n\xE2\x82\xAC\",true,null,{}],\"b\":{\"c\":-1}}";
    for (size_t len = 0; len < strlen(text); len++) {
        /* An exact allocation: reading past the end is caught. */
        char *exact = gn_malloc(len + 1);
        memcpy(exact, text, len);
        exact[len] = '\0';
        struct gn_json_doc doc;
        cr_assert_eq(gn_json_parse(&doc, exact, len, NULL, NULL), GN_EINVAL, "%zu", len);
        gn_free(exact);
    }
    cr_assert_eq(parses(text, NULL), 0);
}

Test(json_parse, depth_is_bounded)
{
    char text[2000];
    for (size_t depth = 126; depth < 132; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        cr_assert_eq(parses(text, NULL), depth <= 128 ? 0 : GN_ETOOBIG, "%zu", depth);
    }
    check_refused(text, GN_ETOOBIG, "nested deeper than 128");
    struct gn_json_doc doc;
    struct gn_json_limits three = {.max_depth = 3};
    cr_assert_eq(gn_json_parse_copy(&doc, "[[{}]]", 6, &three, NULL), 0);
    gn_json_release(&doc);
    cr_assert_eq(gn_json_parse_copy(&doc, "[[{\"a\":[]}]]", 12, &three, NULL), GN_ETOOBIG);
    /* Depth is what is open, not what was opened. */
    cr_assert_eq(gn_json_parse_copy(&doc, "[[],[],[],[],[[]]]", 18, &three, NULL), 0);
    gn_json_release(&doc);
    struct gn_json_limits endless = {.max_depth = UINT32_MAX};
    memset(text, '[', 600);
    memset(text + 600, ']', 600);
    cr_assert_eq(gn_json_parse_copy(&doc, text, 1200, &endless, NULL), GN_ETOOBIG);
}

Test(json_parse, count_is_bounded)
{
    struct gn_json_doc doc;
    struct gn_json_limits four = {.max_nodes = 4};
    cr_assert_eq(gn_json_parse_copy(&doc, "[1,2,3]", 7, &four, NULL), 0);
    gn_json_release(&doc);
    struct gn_error err = {0};
    cr_assert_eq(gn_json_parse_copy(&doc, "[1,2,3,4]", 9, &four, &err), GN_ETOOBIG);
    cr_assert_str_eq(err.text, "JSON has more values than 4");
    cr_assert_eq(gn_json_parse_copy(&doc, "{\"a\":1,\"b\":2}", 13, &four, NULL), GN_ETOOBIG);
}

Test(json_parse, many_nodes_grow_the_index)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    gn_buf_addc(&text, '[');
    for (int i = 0; i < 50000; i++)
        gn_buf_addf(&text, "%s%d", i ? "," : "", i % 10);
    gn_buf_addc(&text, ']');
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse_copy(&doc, text.data, text.len, NULL, NULL), 0);
    cr_assert_eq(gn_json_count(doc.nodes), 50000);
    struct gn_buf out = GN_BUF_INIT(1 << 20);
    gn_json_write(&out, doc.nodes);
    cr_assert_str_eq(out.data, text.data);
    gn_buf_release(&out);
    gn_buf_release(&text);
    gn_json_release(&doc);
}

Test(json_parse, arena_holds_nodes_and_text)
{
    struct gn_arena arena;
    gn_arena_init(&arena, 100000);
    char text[] = "{\"a\":[1,\"x\\ny\"]}";
    const gantry_json *v = gn_json_parse_arena(&arena, text, strlen(text), NULL);
    memset(text, '?', sizeof(text));
    cr_assert_str_eq(gn_json_cstr(gn_json_at(gn_json_get(v, "a"), 1)), "x\ny");
    struct gn_error err = {0};
    cr_assert_null(gn_json_parse_arena(&arena, "[", 1, &err));
    cr_assert_eq(err.code, GN_EINVAL);
    gn_arena_release(&arena);
    gn_arena_init(&arena, 50);
    cr_assert_null(gn_json_parse_arena(&arena, "[1,2,3,4,5,6,7,8]", 17, &err));
    cr_assert_eq(err.code, GN_ETOOBIG);
    gn_arena_release(&arena);
}

Test(json_parse, text_that_ends_in_a_nul_is_not_written_behind)
{
    /* A literal of length 2 whose third byte is its NUL, in memory that must not change. */
    static char text[] = "[]";
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse(&doc, text, 2, NULL, NULL), 0);
    gn_json_release(&doc);
    /* And where there is none, it is put. */
    char stream[] = "12 34";
    cr_assert_eq(gn_json_parse(&doc, stream, 2, NULL, NULL), 0);
    cr_assert_eq(stream[2], '\0');
    cr_assert_eq(doc.nodes[0].len, 2);
    gn_json_release(&doc);
}

Test(json_parse, public_corpus)
{
    struct corpus c = {.dir = gn_test_data("json-parsing")};
    gn_test_each_file(c.dir, check_corpus_file, &c);
    cr_assert_geq(c.good, 90);
    cr_assert_geq(c.bad, 180);
    cr_assert_geq(c.either, 30);
}
