/* str.c - text helpers. */
#include "util/str.h"

#include "support.h"
#include "util/alloc.h"
#include "util/error.h"

#include <string.h>
#include <sys/stat.h>

GN_SUITE(str);

#define ACCEPTS(fn, text, want)                                                                    \
    do {                                                                                           \
        cr_assert(fn(text, &value), "%s", text);                                                   \
        cr_assert_eq(value, (want), "%s", text);                                                   \
    } while (0)

static void check_base64(const char *plain, const char *standard, const char *url)
{
    struct gn_buf b = GN_BUF_INIT(100);
    cr_assert_eq(gn_base64_encode(&b, plain, strlen(plain)), 0);
    cr_assert_str_eq(gn_buf_str(&b), standard);
    gn_buf_clear(&b);
    cr_assert_eq(gn_base64_decode(&b, standard, strlen(standard)), 0, "%s", standard);
    cr_assert_str_eq(gn_buf_str(&b), plain);
    gn_buf_clear(&b);
    cr_assert_eq(gn_base64url_encode(&b, plain, strlen(plain)), 0);
    cr_assert_str_eq(gn_buf_str(&b), url);
    gn_buf_clear(&b);
    cr_assert_eq(gn_base64url_decode(&b, url, strlen(url)), 0, "%s", url);
    cr_assert_str_eq(gn_buf_str(&b), plain);
    gn_buf_release(&b);
}

static const char *read_or_fail(const char *path, struct gn_buf *b)
{
    cr_assert_eq(gn_read_file(path, b), 0);
    return gn_buf_str(b);
}

Test(str, compares)
{
    cr_assert(gn_streq("a", "a") && !gn_streq("a", "b") && gn_streq(NULL, NULL));
    cr_assert(!gn_streq("a", NULL));
    cr_assert(gn_strcaseeq("Content-TYPE", "content-type"));
    cr_assert(!gn_strcaseeq("[", "{"));
    cr_assert(!gn_strcaseeq("abc", "ab") && !gn_strcaseeq("ab", "abc"));
    cr_assert(gn_starts_with("abc", "ab") && gn_starts_with("abc", "") &&
              !gn_starts_with("a", "ab"));
    cr_assert(gn_ends_with("abc", "bc") && gn_ends_with("abc", "") && !gn_ends_with("c", "bc"));
}

Test(str, utf8_accepts_the_edges)
{
    static const char *const good[] = {"",
                                       "plain",
                                       "\x7F",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "eight by\xE2\x82\xAC! words"};
    for (size_t i = 0; i < GN_COUNT(good); i++)
        cr_assert(gn_utf8_valid(good[i], strlen(good[i])), "%zu", i);
}

Test(str, utf8_refuses_what_is_malformed)
{
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xC2\x41",
                                      "\xE0\x9F\xBF",
                                      "\xE0\xA0",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF0\x90\x80",
                                      "\xF4\x90\x80",
                                      "\xF5\x80\x80",
                                      "\xFF",
                                      "eight byte\x80",
                                      "seven..\xC3",
                                      "eight...\xE2\x82"};
    for (size_t i = 0; i < GN_COUNT(bad); i++)
        cr_assert_not(gn_utf8_valid(bad[i], strlen(bad[i])), "%zu", i);
    cr_assert_not(gn_utf8_valid("\xF4\x90\x80\x80", 4));
}

Test(str, utf8_counts_and_cuts_between_characters)
{
    const char *s = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"; /* 1 2 3 4 1 bytes */
    cr_assert_eq(gn_utf8_count(s, strlen(s)), 5);
    static const size_t cut[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t max = 0; max < GN_COUNT(cut); max++)
        cr_assert_eq(gn_utf8_cut(s, strlen(s), max), cut[max], "%zu", max);
}

Test(str, base64_both_alphabets)
{
    check_base64("", "", "");
    check_base64("f", "Zg==", "Zg");
    check_base64("fo", "Zm8=", "Zm8");
    check_base64("foo", "Zm9v", "Zm9v");
    check_base64("foobar", "Zm9vYmFy", "Zm9vYmFy");
    check_base64("\xFB\xFF\xFE", "+//+", "-__-");
    check_base64("?>?>", "Pz4/Pg==", "Pz4_Pg");
}

Test(str, keys_in_every_usual_notation)
{
    static const char *const good[] = {"+/+/+g==", "+/+/+g",   "-_-_-g==",
                                       "-_-_-g",   "fbffbffa", "FBFFBFFA"},
                             *const bad[] = {"",          "+/+/+g=",   "+/-_-g==",  "fbffbf",
                                             "fbffbffa0", "fbffbffg",  "+/+/",      "+/+/+gAA",
                                             "+/+/+h==",  " fbffbffa", "fbffbffa\n"};
    unsigned char key[4];
    for (size_t i = 0; i < GN_COUNT(good); i++) {
        memset(key, 0, sizeof(key));
        cr_assert_eq(gn_parse_key(good[i], key, sizeof(key)), 0, "%s", good[i]);
        cr_assert_eq(memcmp(key, "\xFB\xFF\xBF\xFA", 4), 0, "%s", good[i]);
    }
    for (size_t i = 0; i < GN_COUNT(bad); i++)
        cr_assert_eq(gn_parse_key(bad[i], key, sizeof(key)), GN_EINVAL, "%s", bad[i]);
}

Test(str, base64_refuses_what_is_not_canonical)
{
    static const char *const bad[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", "Z===", "====", "Zg==Zg==", "Z m9", "-__-", "=Zm9"};
    struct gn_buf b = GN_BUF_INIT(100);
    gn_buf_adds(&b, "before");
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        cr_assert_eq(gn_base64_decode(&b, bad[i], strlen(bad[i])), GN_EINVAL, "%s", bad[i]);
        cr_assert_str_eq(b.data, "before");
    }
    cr_assert_eq(gn_base64url_decode(&b, "Zg==", 4), GN_EINVAL);
    cr_assert_eq(gn_base64url_decode(&b, "Zh", 2), GN_EINVAL);
    cr_assert_eq(gn_base64url_decode(&b, "+//+", 4), GN_EINVAL);
    cr_assert_str_eq(b.data, "before");
    gn_buf_release(&b);
}

Test(str, hex)
{
    char out[7];
    gn_hex(out, "\x00\xAB\xFF", 3);
    cr_assert_str_eq(out, "00abff");
}

Test(str, integers_are_strict)
{
    int64_t value = 0;
    ACCEPTS(gn_parse_int64, "0", 0);
    ACCEPTS(gn_parse_int64, "-12", -12);
    ACCEPTS(gn_parse_int64, "+7", 7);
    ACCEPTS(gn_parse_int64, "9223372036854775807", INT64_MAX);
    ACCEPTS(gn_parse_int64, "-9223372036854775808", INT64_MIN);
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "-",
                                      "+",
                                      "--1",
                                      "0x10",
                                      "1.0",
                                      "1e3",
                                      "9223372036854775808",
                                      "-9223372036854775809"};
    for (size_t i = 0; i < GN_COUNT(bad); i++)
        cr_assert_not(gn_parse_int64(bad[i], &value), "%s", bad[i]);
    cr_assert_not(gn_parse_int64(NULL, &value));
}

Test(str, sizes_and_durations_have_units)
{
    uint64_t value = 0;
    ACCEPTS(gn_parse_size, "10", 10);
    ACCEPTS(gn_parse_size, "64 KiB", 65536);
    ACCEPTS(gn_parse_size, "4MiB", 4194304);
    ACCEPTS(gn_parse_size, "1GB", 1000000000);
    ACCEPTS(gn_parse_size, "2 tib", UINT64_C(2) << 40);
    ACCEPTS(gn_parse_duration, "0", 0);
    ACCEPTS(gn_parse_duration, "250ms", 250);
    ACCEPTS(gn_parse_duration, "30s", 30000);
    ACCEPTS(gn_parse_duration, "10m", 600000);
    ACCEPTS(gn_parse_duration, "1 h", 3600000);
    ACCEPTS(gn_parse_duration, "2d", 172800000);
    static const char *const bad_sizes[] = {"",
                                            "KiB",
                                            "-1",
                                            "1.5MiB",
                                            "10 ",
                                            "1 XB",
                                            "1M",
                                            "99999999999999999999",
                                            "18446744073709551615KiB"};
    for (size_t i = 0; i < GN_COUNT(bad_sizes); i++)
        cr_assert_not(gn_parse_size(bad_sizes[i], &value), "%s", bad_sizes[i]);
    static const char *const bad_times[] = {
        "", "10", "s", "1y", "-1s", "1h30m", "99999999999999999d"};
    for (size_t i = 0; i < GN_COUNT(bad_times); i++)
        cr_assert_not(gn_parse_duration(bad_times[i], &value), "%s", bad_times[i]);
}

Test(str, nearest_suggests_only_what_is_near)
{
    static const char *const keys[] = {"plugins", "transport", "listen", "log", NULL};
    cr_assert_str_eq(gn_nearest("plugin", keys), "plugins");
    cr_assert_str_eq(gn_nearest("trasnport", keys), "transport");
    cr_assert_str_eq(gn_nearest("LISTEN", keys), "listen");
    cr_assert_str_eq(gn_nearest("lgo", keys), "log");
    cr_assert_null(gn_nearest("database", keys));
    cr_assert_null(gn_nearest("", keys));
    char endless[5000];
    memset(endless, 'a', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    cr_assert_null(gn_nearest(endless, keys));
}

Test(str, paths_join_with_one_slash)
{
    static const char *const cases[][3] = {{"/a", "b", "/a/b"},
                                           {"/a/", "b", "/a/b"},
                                           {"/a//", "//b", "/a/b"},
                                           {"/", "b", "/b"},
                                           {"", "b", "b"}};
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        GN_AUTO_FREE char *path = gn_path_join(cases[i][0], cases[i][1]);
        cr_assert_str_eq(path, cases[i][2]);
    }
    cr_assert_str_eq(gn_path_base("/a/b.so"), "b.so");
    cr_assert_str_eq(gn_path_base("b.so"), "b.so");
    cr_assert_str_eq(gn_path_base("/a/"), "");
}

Test(str, ends_what_it_reads_with_a_nul)
{
    const char *path = gn_test_write_file(gn_test_tmpdir(), "file", "abc", 3);
    struct gn_buf b = GN_BUF_INIT(1 << 20);
    memset(gn_buf_reserve(&b, 100000), 'x', 100000); /* what stood there before */
    cr_assert_eq(gn_read_file(path, &b), 0);
    cr_assert_eq(b.len, 3);
    cr_assert_str_eq(gn_buf_str(&b), "abc");
    gn_buf_clear(&b);
    cr_assert_eq(gn_read_file("/dev/null", &b), GN_EINVAL);
    path = gn_test_write_file(gn_test_tmpdir(), "empty", "", 0);
    cr_assert_eq(gn_read_file(path, &b), 0);
    cr_assert_str_eq(gn_buf_str(&b), "");
    gn_buf_release(&b);
}

Test(str, files_are_read_whole_or_not_at_all)
{
    const char *dir = gn_test_tmpdir();
    const char *path = gn_test_write_file(dir, "f", "12345", 5);
    struct gn_buf b = GN_BUF_INIT(7);
    gn_buf_adds(&b, "x:");
    cr_assert_str_eq(read_or_fail(path, &b), "x:12345");
    gn_buf_release(&b);

    gn_buf_init(&b, 4);
    cr_assert_eq(gn_read_file(path, &b), GN_ETOOBIG);
    cr_assert_eq(b.len, 0);
    gn_buf_release(&b);

    gn_buf_init(&b, 100);
    cr_assert_eq(gn_read_file("/nonexistent/file", &b), GN_ENOENT);
    cr_assert_eq(gn_read_file(dir, &b), -EISDIR);
    GN_AUTO_FREE char *pipe = gn_path_join(dir, "pipe");
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    cr_assert_eq(gn_read_file(pipe, &b), GN_EINVAL);
    gn_buf_release(&b);
}
