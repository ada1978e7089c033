/* Tests of host/schema: patterns, read as ECMA-262. */
#include "schema/pattern.h"

#include "schema/regex.h"
#include "support.h"
#include "util/alloc.h"

#include <pthread.h>
#include <string.h>

GN_SUITE(pattern);

struct match {
    const char *pattern, *text;
    int want;
};

static struct gn_pattern *must(const char *pattern)
{
    struct gn_pattern *p = NULL;
    struct gn_error err = {0};
    cr_assert_eq(gn_pattern_compile(pattern, strlen(pattern), &p, &err), 0, "%s", err.text);
    return p;
}

static int match_with(const struct gn_pattern *p, const char *text, size_t len)
{
    uint64_t steps = UINT64_C(5000000);
    return gn_pattern_match(p, text, len, &steps);
}

static int match(const char *pattern, const char *text, size_t len)
{
    struct gn_pattern *p = must(pattern);
    int rc = match_with(p, text, len);
    gn_pattern_free(p);
    return rc;
}

static void check(const struct match *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(match(cases[i].pattern, cases[i].text, strlen(cases[i].text)), cases[i].want,
                     "/%s/ on \"%s\"", cases[i].pattern, cases[i].text);
}

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        static const struct match cases[] = {__VA_ARGS__};                                         \
        check(cases, GN_COUNT(cases));                                                             \
    } while (0)

static void refuse(const char *const *patterns, int code)
{
    for (; *patterns; patterns++) {
        struct gn_pattern *p = NULL;
        struct gn_error err = {0};
        cr_expect_eq(gn_pattern_compile(*patterns, strlen(*patterns), &p, &err), code,
                     "/%s/ gave %s", *patterns, err.text);
        cr_expect_null(p);
        cr_expect_neq(err.text[0], '\0');
        gn_pattern_free(p);
    }
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(pattern, is_not_anchored_and_its_anchors_are_the_ends)
{
    CHECK({"b", "abc", 1}, {"^b", "abc", 0}, {"^b", "a\nb", 0}, {"c$", "abc\n", 0},
          {"b$", "b\nc", 0}, {"^abc$", "abc", 1}, {"", "", 1}, {"", "x", 1}, {"a|^$", "", 1},
          {"a|", "b", 1}, {"(|a)b", "b", 1}, {"\\bfoo\\b", "a foo!", 1}, {"\\bfoo\\b", "food", 0},
          {"o\\B", "foo", 1},
          {"\\ba",
           "\xc3\xa9"
           "a",
           1});
}

Test(pattern, dot_is_any_character_but_ends_of_lines)
{
    CHECK({"^.$", "\xc3\xa9", 1}, {"^.$", "\xf0\x9f\x90\xb2", 1}, {"^.$", "\n", 0},
          {"^.$", "\r", 0}, {"^.$", "\xe2\x80\xa8", 0}, {"^.$", "\xe2\x80\xa9", 0},
          {"^.$", "\v", 1}, {"^.$", "\xc2\x85", 1}, {"^[^]$", "\n", 1}, {"[]", "a", 0},
          {"^[^]{2}$", "\n\r", 1}, {"^a[]?$", "a", 1});
}

Test(pattern, classes_are_ascii_and_space_is_that_of_ecma)
{
    CHECK({"^\\d$", "7", 1}, {"^\\d$", "\xd9\xa3", 0}, {"^\\D$", "\xd9\xa3", 1}, {"^\\w$", "_", 1},
          {"^\\w$", "\xc3\xa9", 0}, {"^\\W$", "\xc3\xa9", 1}, {"^[\\W]$", "\xc3\xa9", 1},
          {"^[\\W]$", "a", 0}, {"^[\\D]$", "\xe2\x82\xac", 1}, {"^[^\\D]$", "3", 1},
          {"^\\s{4}$", " \t\v\f", 1}, {"^\\s$", "\xc2\xa0", 1}, {"^\\s$", "\xef\xbb\xbf", 1},
          {"^\\s$", "\xe2\x80\xa8", 1}, {"^\\s$", "\xe2\x80\x83", 1}, {"^\\s$", "\xc2\x85", 0},
          {"^\\s$", "\xe2\x80\x8b", 0}, {"^\\S$", "\xef\xbb\xbf", 0}, {"^\\S$", "\xc3\xa9", 1},
          {"^[\\s]$", "\xe3\x80\x80", 1}, {"^[\\S]$", "\xe3\x80\x80", 0},
          {"^[\\S]$", "\xf0\x9f\x90\xb2", 1}, {"^[^\\S]$", " ", 1}, {"^[^\\s]$", " ", 0},
          {"^[\\s\\S]$", "\n", 1}, {"^[\\S ]$", " ", 1});
    /* Both ways to write the opposite agree on every character of the planes that have spaces. */
    struct gn_pattern *space = NULL, *other = NULL;
    cr_assert_eq(gn_pattern_compile("\\s", 2, &space, NULL), 0);
    cr_assert_eq(gn_pattern_compile("[\\S]", 4, &other, NULL), 0);
    for (unsigned c = 0x800; c < 0x10000; c++) {
        char text[] = {(char)(0xE0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
                       (char)(0x80 | (c & 63))};
        if (c < 0xD800 || c > 0xDFFF)
            cr_expect_eq(match_with(space, text, 3) + match_with(other, text, 3), 1, "U+%04X", c);
    }
    gn_pattern_free(space);
    gn_pattern_free(other);
}

Test(pattern, escapes_mean_one_character)
{
    CHECK(
        {"^\\t\\n\\v\\f\\r$", "\t\n\v\f\r", 1}, {"^\\cC$", "\x03", 1}, {"^\\cc$", "\x03", 1},
        {"^[\\cA-\\cZ]$", "\x1a", 1}, {"^\\x41$", "A", 1}, {"^\\xe9$", "\xc3\xa9", 1},
        {"\\u00e9", "\xc3\xa9", 1}, {"^\\uD83D\\uDC32$", "\xf0\x9f\x90\xb2", 1},
        {"^[\\uD83D\\uDC32]$", "\xf0\x9f\x90\xb2", 1}, {"^\\u{1F432}$", "\xf0\x9f\x90\xb2", 1},
        {"^\\u{0000041}$", "A", 1}, {"^\xf0\x9f\x90\xb2*$", "\xf0\x9f\x90\xb2\xf0\x9f\x90\xb2", 1},
        {"^[\xf0\x9f\x90\xb0-\\u{1F433}]$", "\xf0\x9f\x90\xb2", 1},
        {"\\uD83D", "\xf0\x9f\x90\xb2", 0}, {"\\uD83Dx", "x", 0}, {"^(\\uDC00|a)$", "a", 1},
        {"^[\\uD800-\\uDFFF]?$", "", 1}, {"^[\\u0000-\\uDBFF]$", "a", 1},
        {"^[\\uD800-\\uFFFF]$", "\xef\xbc\x81", 1}, {"^[^\\uD800-\\uDFFF]$", "\xf0\x9f\x90\xb2", 1},
        {"^\\/$", "/", 1}, {"^\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|$", "^$\\.*+?()[]{}|", 1},
        {"^[\\b]$", "\b", 1}, {"^#  x$", "#  x", 1});
}

Test(pattern, nul_is_a_character_like_any)
{
    static const char raw[] = {'^', 'a', '\0', 'b', '$'};
    struct gn_pattern *p = NULL;
    cr_expect_eq(match("^a\\0b$", "a\0b", 3), 1);
    cr_expect_eq(match("^a[\\0]b$", "a\0b", 3), 1);
    cr_expect_eq(match("^a\\u0000b$", "a\0b", 3), 1);
    cr_expect_eq(match("^a.b$", "a\0b", 3), 1);
    cr_expect_eq(match("^a$", "a\0b", 3), 0);
    cr_assert_eq(gn_pattern_compile(raw, sizeof(raw), &p, NULL), 0);
    cr_expect_eq(match_with(p, "a\0b", 3), 1);
    cr_expect_eq(match_with(p, "a", 1), 0);
    cr_expect_eq(match_with(p, NULL, 0), 0);
    gn_pattern_free(p);
}

Test(pattern, annex_b_is_read_where_schemas_use_it)
{
    CHECK({"^\\-$", "-", 1}, {"^[\\w-\\.]+$", "a-.", 1}, {"^[\\w-.]+$", "a-.", 1},
          {"^[a-\\d]+$", "a-5", 1}, {"^[a-\\d]+$", "b", 0}, {"^[\\w-a-z]+$", "-", 1},
          {"^[-a]+$", "a-", 1}, {"^[a-]+$", "a-", 1}, {"^[^-]$", "-", 0}, {"^[--/]$", ".", 1},
          {"^\\@\\#\\'\\\"\\ \\_\\:\\,\\!\\%\\&\\=\\<\\>\\~\\`\\;$", "@#'\" _:,!%&=<>~`;", 1},
          {"^\\\xc3\xa9$", "\xc3\xa9", 1}, {"^{$", "{", 1}, {"^}$", "}", 1}, {"^]$", "]", 1},
          {"^a{$", "a{", 1}, {"^a{,5}$", "a{,5}", 1}, {"^a{1$", "a{1", 1}, {"^{a}$", "{a}", 1},
          {"^{}$", "{}", 1}, {"^x{a}+$", "x{a}}", 1}, {"^[[:alpha:]]$", "a]", 1},
          {"^[[:alpha:]]$", "b", 0}, {"^[a&&b]+$", "&", 1});
}

Test(pattern, quantifiers_groups_and_references_work)
{
    CHECK({"^a{2}$", "aa", 1}, {"^a{2,}$", "a", 0}, {"^a{2,3}?$", "aaa", 1}, {"^a+?$", "aaa", 1},
          {"^a*?b??$", "aab", 1}, {"^a{0,100000}$", "aaa", 1}, {"^(?:ab)+$", "abab", 1},
          {"^(a)(b)\\2\\1$", "abba", 1}, {"^(?<x>a|b)\\k<x>$", "bb", 1},
          {"^(?<x>a|b)\\k<x>$", "ba", 0}, {"^\\k<x>(?<x>a)$", "a", 1}, {"^\\1(a)$", "a", 1},
          {"^(?:(a)|b)\\1$", "b", 1}, {"^(a)\\u0031$", "a1", 1},
          {"^([(]\\()(?:x)(.)\\2$", "[((x!!", 0}, {"^([(]\\()(?:x)(.)\\2$", "((x!!", 1},
          {"^(?=.*\\d)(?!.*x).+$", "a1", 1}, {"^(?=.*\\d)(?!.*x).+$", "a1x", 0},
          {"(?<=\\$)\\d+", "$42", 1}, {"(?<!\\$)\\b\\d+", "$42", 0}, {"(?<=a|bc)d", "bcd", 1},
          {"^(?<$name_1>a)$", "a", 1}, {"^(?<\xc3\xa9>a)\\k<\xc3\xa9>$", "aa", 1});
    refuse(LIST("(?<=a+)b", "a{65536}", "(?:ab){2,65535}"), GN_ENOTSUP);
}

Test(pattern, references_forward_match_nothing)
{
    CHECK({"^\\1{2,}(\\S)$", "a", 1}, {"^(?:a\\1(b))+$", "abab", 1}, {"^(?:a\\1(b))+$", "abbab", 0},
          {"^(a\\1)+$", "aa", 1}, {"^(?<m>\\k<m>a){2}$", "aa", 1}, {"^(?:(a)\\1)+$", "aaaa", 1},
          {"^(?:(a)\\1)+$", "aaa", 0});
}

Test(pattern, modifiers_hold_for_their_group)
{
    CHECK({"^(?i:ab)c$", "ABc", 1}, {"^(?i:ab)c$", "ABC", 0}, {"^(?i:a(?-i:b))$", "Ab", 1},
          {"^(?i:a(?-i:b))$", "AB", 0}, {"^(?s:.)$", "\n", 1}, {"^(?s:(?:.)(?-s:.))$", "\n\n", 0},
          {"a(?m:$)", "a\nb", 1}, {"a(?m:$)", "ab", 0},
          {"(?m:^)b",
           "a\xe2\x80\xa8"
           "b",
           1},
          {"(?m:^)b", "ab", 0}, {"^(?ims-:A.b)$", "a\nB", 1}, {"(?m:(?-m:^))b", "a\nb", 0});
    refuse(
        LIST("(?i", "(?i)", "(?-:a)", "(?ii:a)", "(?i-i:a)", "(?x:a)", "(?i-", "(?-i)", "(?--i:a)"),
        GN_EINVAL);
}

Test(pattern, properties_have_the_names_of_ecma)
{
    CHECK({"^\\p{Letter}+$", "\xc3\xa9z", 1}, {"^\\p{L}$", "1", 0}, {"^\\P{L}$", "1", 1},
          {"^[\\p{L}\\d]+$", "\xc3\xa9\x31", 1}, {"^[^\\P{L}]$", "a", 1},
          {"^\\p{digit}+$", "4\xe0\xa7\xaa", 1}, {"^\\p{Nd}+$", "\xe0\xa7\xaa", 1},
          {"^\\p{gc=Lu}$", "A", 1}, {"^\\p{General_Category=Uppercase_Letter}$", "a", 0},
          {"^\\p{LC}$", "a", 1}, {"^\\p{Cased_Letter}$", "1", 0}, {"^\\p{punct}$", "!", 1},
          {"^\\p{Script=Greek}$", "\xce\xb1", 1}, {"^\\p{sc=Grek}$", "a", 0},
          {"^\\p{scx=Hira}$", "\xe3\x83\xbc", 1}, {"^\\p{sc=Hira}$", "\xe3\x83\xbc", 0},
          {"^\\p{Script_Extensions=Old_Italic}$", "a", 0}, {"^\\p{ASCII}$", "a", 1},
          {"^\\p{Any}$", "a", 1}, {"^\\p{Assigned}$", "a", 1}, {"^\\P{Assigned}$", "\xcd\xb8", 1},
          {"^\\p{Emoji}$", "\xf0\x9f\x90\xb2", 1}, {"^\\p{Alphabetic}$", "a", 1},
          {"^\\p{Alpha}$", "1", 0}, {"^\\p{White_Space}$", " ", 1}, {"^\\p{Lowercase}$", "a", 1},
          {"^\\p{ID_Start}\\p{IDC}$", "a1", 1});
    refuse(LIST("\\p", "\\pL", "\\p{}", "\\p{L", "\\p{letter}", "\\p{^L}", "\\p{Foo}",
                "\\p{IsGreek}", "\\p{Greek}", "\\p{L&}", "\\p{Script=}", "\\p{Script=Nothing}",
                "\\p{Script=greek}", "\\p{sc=L}", "\\p{gc=Greek}", "\\p{Script=_}", "\\p{Xan}",
                "[\\p{Foo}]", "\\p{ L }"),
           GN_EINVAL);
}

Test(pattern, what_ecma_does_not_know_is_refused)
{
    refuse(LIST("\\a", "\\e", "\\A", "\\Z", "\\z", "\\h", "\\H", "\\K", "\\Q", "\\E", "\\G", "\\R",
                "\\X", "\\C", "\\N", "\\V", "\\g1", "\\o{7}", "\\i", "[\\B]", "[\\k]", "[\\1]",
                "\\", "[\\", "\\c", "\\c1", "\\x4", "\\x{41}", "\\u12", "\\u{}", "\\u{110000}",
                "\\u{41", "\\01", "\\1", "(a)\\2", "\\8", "\\k<x>", "(?<x>a)\\k<y>", "(?<x>a)\\k",
                "\\kx"),
           GN_EINVAL);
    refuse(LIST("a++", "a*+", "a?+", "a{2}+", "a**", "a???", "*", "+a", "?", "{2}", "{2,}", "^*",
                "$+", "\\b?", "(*)", "(+)", "(|*)", "(?=a)*", "(?<!a)+", "(*ACCEPT)", "a{3,2}",
                "(*UTF)a"),
           GN_EINVAL);
    refuse(LIST("(?>a)", "(?i)a", "(?ims)a", "(?#a)", "(?P<n>a)", "(?P=n)", "(?|a)", "(?R)", "(?1)",
                "(?&n)", "(?(1)a|b)", "(?'n'a)", "(?C)", "(?<>a)", "(?<1a>b)", "(?<a b>c)", "(?<a",
                "(?<n>a)(?<n>b)", "(?", "(", ")", "(a", "a)", "^(abc]", "[", "[a", "[^", "[z-a]",
                "[\\u{20}-\\x1f]", "\xff", "[\xc3]"),
           GN_EINVAL);
}

Test(pattern, messages_say_why_and_where)
{
    struct gn_pattern *p = NULL;
    struct gn_error err = {0};
    char big[GN_REGEX_MAX + 2], deep[2 * GN_REGEX_DEPTH + 4];
    cr_expect_eq(gn_pattern_compile("\xc3\xa9(a", 4, &p, &err), GN_EINVAL);
    cr_expect_str_eq(err.text, "pattern \"\xc3\xa9(a\": a group is not closed at character 4");
    cr_expect_eq(gn_pattern_compile("ab\\a", 4, &p, &err), GN_EINVAL);
    cr_expect_str_eq(err.text, "pattern \"ab\\a\": \\a is no escape of ECMA-262 at character 3");
    memset(big, 'a', sizeof(big));
    cr_expect_eq(gn_pattern_compile(big, GN_REGEX_MAX + 1, &p, &err), GN_ETOOBIG);
    cr_expect(strlen(err.text) < 300);
    cr_expect_eq(gn_pattern_compile(big, GN_REGEX_MAX, &p, &err), 0);
    gn_pattern_free(p);
    memset(deep, '(', sizeof(deep) / 2);
    memset(deep + sizeof(deep) / 2, ')', sizeof(deep) / 2);
    cr_expect_eq(gn_pattern_compile(deep, sizeof(deep), &p, NULL), GN_ETOOBIG);
    cr_expect_eq(gn_pattern_compile(deep + 2, sizeof(deep) - 4, &p, NULL), 0);
    gn_pattern_free(p);
    gn_pattern_free(NULL);
}

Test(pattern, work_is_bounded_and_text_must_be_utf8)
{
    size_t len = GN_PATTERN_SUBJECT_MAX;
    char *text = gn_malloc(len + 1);
    memset(text, 'a', len + 1);
    cr_expect_eq(match("^(a|aa)*$", text, 4096), 1);
    cr_expect_eq(match("^a*$", text, len), 1);
    cr_expect_eq(match("^a*$", text, len + 1), GN_ETOOBIG);
    text[60] = 'b';
    cr_expect_eq(match("^(a+)+$", text, 61), GN_ETOOBIG);
    cr_expect_eq(match("^(a|a?)+$", text, 61), GN_ETOOBIG);
    text[60] = 'a';
    text[0] = 'b';
    cr_expect_eq(match("(?:a*a*a*a*)c|b$", text, len), GN_ETOOBIG);
    cr_expect_eq(match(".", "\xff", 1), 0);
    cr_expect_eq(match("a", "a\xc3", 2), 0);
    gn_free(text);
}

Test(pattern, matches_are_found_wherever_they_begin_in_a_long_text)
{
    size_t len = GN_PATTERN_SUBJECT_MAX;
    char *text = gn_malloc(len);
    static const size_t places[] = {0,    1,    1021, 1022, 1023,  1024,
                                    1025, 8191, 8192, 8193, 40000, 65532};
    struct gn_pattern *wide = must("\xc3\xa9[a-z]|\xc3\xa9$"), *end = must("(?:x|)$");
    struct gn_pattern *start = must("^y|^z"), *inner = must("(?<!^)(?<=a)\\b(?=!)|$(?<!a)");
    for (size_t i = 0; i < GN_COUNT(places); i++) {
        memset(text, 'a', len);
        cr_expect_eq(match_with(wide, text, len), 0);
        cr_expect_eq(match_with(inner, text, len), 0);
        memcpy(text + places[i], "\xc3\xa9", 2);
        cr_expect_eq(match_with(wide, text, len), 1, "at %zu", places[i]);
        cr_expect_eq(match_with(wide, text, places[i] + 2), 1, "last at %zu", places[i]);
        cr_expect_eq(match_with(end, text, len), 1);
        cr_expect_eq(match_with(start, text, len), 0);
        memcpy(text + places[i], "a!", 2);
        cr_expect_eq(match_with(inner, text, len), 1, "at %zu", places[i]);
    }
    /* Characters of four bytes: a piece never begins inside one. */
    for (size_t skip = 0; skip < 4; skip++) {
        size_t count = len / 4 - 1;
        memset(text, 'a', skip);
        for (size_t i = 0; i < count; i++)
            memcpy(text + skip + 4 * i, "\xf0\x9f\x90\xb2", 4);
        cr_expect_eq(match_with(end, text, skip + 4 * count), 1);
        cr_expect_eq(match_with(wide, text, skip + 4 * count), 0);
    }
    gn_pattern_free(wide);
    gn_pattern_free(end);
    gn_pattern_free(start);
    gn_pattern_free(inner);
    gn_free(text);
}

#define THREADS 4
#define ROUNDS 2000

static void *match_often(void *arg)
{
    size_t wrong = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        wrong += match_with(arg, "abc-def", 7) != 1;
        wrong += match_with(arg, "abc_def", 7) != 0;
    }
    return wrong ? arg : NULL;
}

Test(pattern, many_threads_match_at_once)
{
    struct gn_pattern *p = NULL;
    pthread_t threads[THREADS];
    cr_assert_eq(gn_pattern_compile("^([a-z]+)-([a-z]+)$", 19, &p, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, match_often, p), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = p;
        cr_expect_eq(pthread_join(threads[i], &failed), 0);
        cr_expect_null(failed);
    }
    gn_pattern_free(p);
}

Test(pattern, a_match_takes_its_work_off_the_steps)
{
    struct gn_pattern *easy = must("^[a-z]+$"), *hard = must("^(a+)+$");
    uint64_t steps = 100;
    cr_expect_eq(gn_pattern_match(easy, "abcdefgh", 8, &steps), 1);
    cr_expect_eq(steps, 97);
    steps = 2;
    cr_expect_eq(gn_pattern_match(easy, "abcdefgh", 8, &steps), GN_ETOOBIG);
    cr_expect_eq(steps, 0);
    static const char many[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
    steps = GN_PATTERN_DEAR;
    cr_expect_eq(gn_pattern_match(hard, many, sizeof(many) - 1, &steps), GN_ETOOBIG);
    cr_expect_eq(steps, 0, "it was not even begun in earnest");
    steps = 2 * GN_PATTERN_DEAR;
    cr_expect_eq(gn_pattern_match(hard, many, sizeof(many) - 1, &steps), GN_ETOOBIG);
    cr_expect_lt(steps, GN_PATTERN_DEAR);
    gn_pattern_free(easy);
    gn_pattern_free(hard);
}
