/* text.c - text for a terminal: harmless, measured, cut, wrapped. */
#include "text.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(cli_text);

#define ESC "\x1b"

static void check_safe(const char *text, bool one_line, const char *want)
{
    struct gn_buf out = GN_BUF_INIT(4096);
    gn_text_add_safe(&out, text, strlen(text), one_line);
    cr_assert_str_eq(gn_buf_str(&out), want);
    gn_buf_release(&out);
}

static void check_wrapped(const char *text, size_t indent, size_t columns, size_t lines,
                          const char *want)
{
    struct gn_buf out = GN_BUF_INIT(65536);
    gn_text_add_wrapped(&out, text, strlen(text), indent, columns, lines);
    cr_assert_str_eq(gn_buf_str(&out), want, "got: %s", gn_buf_str(&out));
    gn_buf_release(&out);
}

Test(cli_text, what_steers_a_terminal_becomes_an_escape)
{
    check_safe("a" ESC "[2Jb\x07\x08\x7f", false, "a\\x1b[2Jb\\x07\\x08\\x7f");
    check_safe("\xc2\x9b"
               "31m",
               false, "\\x9b31m");
    check_safe("ab\xe2\x80\xae"
               "cd\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8f\xd8\x9c",
               false, "ab\\u202ecd\\u2066\\u2069\\u200f\\u061c");
    check_safe("\xe2\x80\xa8\xe2\x80\xa9", false, "\\u2028\\u2029");
    check_safe("\xff\xc3(\xed\xa0\x80", false, "\\xff\\xc3(\\xed\\xa0\\x80");
}

Test(cli_text, newlines_and_tabs_stay_but_not_on_one_line)
{
    check_safe("a\n\tb\r", false, "a\n\tb\\x0d");
    check_safe("a\n\tb", true, "a\\n b");
}

Test(cli_text, letters_of_the_world_are_left_alone)
{
    check_safe("Grüße, 世界, नमस्ते, 👩‍👩‍👧", true,
               "Grüße, 世界, नमस्ते, 👩‍👩‍👧");
}

Test(cli_text, columns_are_those_of_the_terminal)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"Grüße", 5},
        {"世界", 4},
        {"한국", 4},
        {"e\xcc\x81", 1},
        {"😀", 2},
        {"ｆｕ", 4},
        {"\xff", 1},
        {"a\xe2\x80\x8bz", 2},
        {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", 2},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++)
        cr_assert_eq(gn_text_width(cases[i].text, strlen(cases[i].text)), cases[i].columns, "%s",
                     cases[i].text);
}

Test(cli_text, no_character_is_cut_and_marks_stay)
{
    cr_assert_eq(gn_text_cut("世界", 6, 3), 3);
    cr_assert_eq(gn_text_cut("世界", 6, 1), 0);
    cr_assert_eq(gn_text_cut("e\xcc\x81x", 4, 1), 3);
    cr_assert_eq(gn_text_cut("abc", 3, 9), 3);
}

Test(cli_text, what_is_cut_says_so)
{
    static const struct {
        size_t columns;
        const char *want;
    } cases[] = {{20, "a long line"}, {11, "a long line"}, {10, "a long ..."},
                 {4, "a..."},         {3, "a l"},          {0, ""}};
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct gn_buf out = GN_BUF_INIT(100);
        gn_text_add_cut(&out, "a long line", 11, cases[i].columns);
        cr_assert_str_eq(gn_buf_str(&out), cases[i].want);
        gn_buf_release(&out);
    }
}

Test(cli_text, lines_end_where_words_end)
{
    check_wrapped("one two three four", 0, 9, 0, "one two\nthree\nfour\n");
    check_wrapped("one two", 0, 3, 0, "one\ntwo\n");
    check_wrapped("abcdefghij kl", 0, 4, 0, "abcd\nefgh\nij\nkl\n");
    check_wrapped("", 0, 10, 0, "\n");
    check_wrapped("a\n\nb\n", 0, 10, 0, "a\n\nb\n");
    check_wrapped("世界世界", 0, 5, 0, "世界\n世界\n");
    check_wrapped("世", 0, 1, 0, "世\n");
}

Test(cli_text, later_lines_are_indented)
{
    check_wrapped("one two three", 4, 11, 0, "one two\n    three\n");
    check_wrapped("one two", 30, 10, 0,
                  "o\n                              n\n"
                  "                              e\n"
                  "                              t\n"
                  "                              w\n"
                  "                              o\n");
}

Test(cli_text, what_a_line_is_indented_by_itself_is_kept)
{
    check_wrapped("  if this is long", 0, 10, 0, "  if this\n  is long\n");
    check_wrapped("- one two three", 0, 10, 0, "- one two\n  three\n");
    check_wrapped("-x one two", 0, 8, 0, "-x one\ntwo\n");
    check_wrapped("\tx", 0, 20, 0, "        x\n");
    check_wrapped("ab\tx", 0, 20, 0, "ab      x\n");
}

Test(cli_text, too_many_lines_end_in_dots)
{
    check_wrapped("one two three four five", 0, 9, 2, "one two\nthree...\n");
    check_wrapped("one two three", 0, 9, 2, "one two\nthree\n");
    check_wrapped("aaaaaaaa bbbbbbbb cccc", 0, 8, 2, "aaaaaaaa\nbbbbb...\n");
}

Test(cli_text, wrapped_text_is_harmless_and_no_line_is_wider)
{
    static const char text[] = "A " ESC "]0;title\x07 with \xe2\x80\xae and \xff, "
                               "世界世界世界 in e\xcc\x81verything " ESC "[31m";
    for (size_t columns = 2; columns < 60; columns++) {
        struct gn_buf out = GN_BUF_INIT(65536);
        gn_text_add_wrapped(&out, text, strlen(text), columns / 4, columns, 0);
        const char *at = gn_buf_str(&out);
        cr_assert_not(strchr(at, '\x1b') || strchr(at, '\x07'));
        cr_assert_not(strstr(at, "\xe2\x80\xae"));
        for (bool is_first = true; *at; is_first = false) {
            size_t len = strcspn(at, "\n");
            size_t width = gn_text_width(at, len) + (is_first ? columns / 4 : 0);
            cr_assert_leq(width, GN_MAX(columns, columns / 4 + 2), "%zu: %.*s", columns, (int)len,
                          at);
            at += len + 1;
        }
        gn_buf_release(&out);
    }
}

Test(cli_text, a_long_line_is_wrapped_in_time)
{
    size_t len = 4 << 20;
    char *text = gn_malloc(len);
    memset(text, 'x', len);
    memset(text + len / 2, '\t', len / 16);
    struct gn_buf out = GN_BUF_INIT(len * 32);
    gn_text_add_wrapped(&out, text, len, 2, 40, 0);
    cr_assert_not(out.overflow);
    cr_assert_gt(out.len, len);
    gn_buf_release(&out);
    gn_free(text);
}
