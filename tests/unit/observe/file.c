/* file.c - files of lines, and how they make room. */
#include "observe/file.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

GN_SUITE(log_file);

static struct gn_log_file *open_file(const char *path, uint64_t max_size, uint32_t keep)
{
    struct gn_log_file_options o = {.path = path, .max_size = max_size, .keep = keep, .mode = 0600};
    struct gn_error err = {0};
    struct gn_log_file *f = gn_log_file_open(&o, &err);
    cr_assert(f, "%s", err.text);
    return f;
}

static void put(struct gn_log_file *f, const char *line)
{
    cr_assert_eq(gn_log_file_write(f, line, strlen(line)), 0);
}

/* NULL: there must be no such file. */
static void assert_holds(const char *path, const char *suffix, const char *expected)
{
    GN_AUTO_FREE char *name = gn_format("%s%s", path, suffix);
    struct gn_buf got = GN_BUF_INIT(1 << 20);
    int rc = gn_read_file(name, &got);
    if (expected) {
        cr_assert_eq(rc, 0, "%s", name);
        cr_assert_str_eq(gn_buf_str(&got), expected, "%s: %s", name, gn_buf_str(&got));
    } else {
        cr_assert_eq(rc, GN_ENOENT, "%s", name);
    }
    gn_buf_release(&got);
}

Test(log_file, appends_to_what_is_there)
{
    const char *path = gn_test_write_file(gn_test_tmpdir(), "log", "old\n", 4);
    struct gn_log_file *f = open_file(path, 0, 5);
    put(f, "new\n");
    gn_log_file_close(f);
    assert_holds(path, "", "old\nnew\n");
}

Test(log_file, is_private)
{
    GN_AUTO_FREE char *path = gn_path_join(gn_test_tmpdir(), "log");
    struct stat st;
    gn_log_file_close(open_file(path, 0, 5));
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
}

Test(log_file, becomes_older_files_when_it_is_full)
{
    GN_AUTO_FREE char *path = gn_path_join(gn_test_tmpdir(), "log");
    struct gn_log_file *f = open_file(path, 8, 2);
    put(f, "aaa\n");
    put(f, "bbb\n");
    assert_holds(path, ".1", NULL);
    put(f, "ccc\n");
    assert_holds(path, "", "ccc\n");
    assert_holds(path, ".1", "aaa\nbbb\n");
    put(f, "ddd\n");
    put(f, "eee\n");
    put(f, "a line that is longer than all that a file may have\n");
    put(f, "fff\n");
    gn_log_file_close(f);
    assert_holds(path, "", "fff\n");
    assert_holds(path, ".1", "a line that is longer than all that a file may have\n");
    assert_holds(path, ".2", "eee\n");
    assert_holds(path, ".3", NULL);
}

Test(log_file, counts_what_was_there_before)
{
    const char *path = gn_test_write_file(gn_test_tmpdir(), "log", "0123456\n", 8);
    struct gn_log_file *f = open_file(path, 10, 1);
    put(f, "abc\n");
    gn_log_file_close(f);
    assert_holds(path, "", "abc\n");
    assert_holds(path, ".1", "0123456\n");
}

Test(log_file, may_keep_nothing)
{
    GN_AUTO_FREE char *path = gn_path_join(gn_test_tmpdir(), "log");
    struct gn_log_file *f = open_file(path, 4, 0);
    put(f, "aaa\n");
    put(f, "bbb\n");
    gn_log_file_close(f);
    assert_holds(path, "", "bbb\n");
    assert_holds(path, ".1", NULL);
}

Test(log_file, opens_anew_what_was_moved_away)
{
    GN_AUTO_FREE char *path = gn_path_join(gn_test_tmpdir(), "log");
    GN_AUTO_FREE char *away = gn_format("%s.away", path);
    struct gn_log_file_options o = {.path = path, .max_size = 100, .keep = 1, .mode = 0600};
    struct gn_error err = {0};
    struct gn_log_file *f = open_file(path, 100, 1);
    put(f, "a\n");
    cr_assert_eq(rename(path, away), 0);
    put(f, "b\n");
    cr_assert_eq(gn_log_file_configure(f, &o, &err), 0);
    put(f, "c\n");
    assert_holds(path, ".away", "a\nb\n");
    assert_holds(path, "", "c\n");
    o.path = gn_test_tmpdir();
    cr_assert_lt(gn_log_file_configure(f, &o, &err), 0);
    cr_assert(strstr(err.text, " cannot be written to: "), "%s", err.text);
    put(f, "d\n");
    gn_log_file_close(f);
    assert_holds(path, "", "c\nd\n");
}

Test(log_file, says_why_it_cannot_be_opened)
{
    struct gn_log_file_options o = {.path = "/nonexistent/log", .mode = 0600};
    struct gn_error err = {0};
    cr_assert_null(gn_log_file_open(&o, &err));
    cr_assert_str_eq(err.text, "/nonexistent/log cannot be written to: No such file or directory");
}

Test(log_file, counts_what_could_not_be_written)
{
    struct gn_log_file *f = open_file("/dev/full", 100, 1);
    cr_assert_lt(gn_log_file_write(f, "a\n", 2), 0);
    cr_assert_lt(gn_log_file_write(f, "b\n", 2), 0);
    cr_assert_eq(gn_log_file_lost(f), 2);
    gn_log_file_close(f);
}

static void *write_many(void *arg)
{
    char line[32];
    for (int i = 0; i < 300; i++) {
        int n = snprintf(line, sizeof(line), "line %06d of a thread\n", i);
        gn_log_file_write(arg, line, (size_t)n);
    }
    return NULL;
}

Test(log_file, holds_no_half_line_where_the_disk_was_full)
{
    GN_AUTO_FREE char *path = gn_path_join(gn_test_tmpdir(), "log");
    struct gn_log_file *f = open_file(path, 0, 0);
    struct rlimit before, small;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 7, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    put(f, "aaa\n");
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    cr_assert_lt(gn_log_file_write(f, "bbbbbb\n", 7), 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    put(f, "ccc\n");
    gn_log_file_close(f);
    assert_holds(path, "", "aaa\nccc\n");
}

Test(log_file, loses_no_line_between_threads)
{
    GN_AUTO_FREE char *path = gn_path_join(gn_test_tmpdir(), "log");
    struct gn_log_file *f = open_file(path, 1000, 100);
    pthread_t threads[4];
    for (size_t i = 0; i < GN_COUNT(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, write_many, f), 0);
    for (size_t i = 0; i < GN_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    gn_log_file_close(f);
    size_t lines = 0;
    for (int i = 0; i <= 100; i++) {
        GN_AUTO_FREE char *name = i ? gn_format("%s.%d", path, i) : gn_strdup(path);
        struct gn_buf got = GN_BUF_INIT(1 << 20);
        if (gn_read_file(name, &got) == 0) {
            cr_assert_leq(got.len, 1000);
            cr_assert_eq(got.len % 24, 0, "%zu", got.len);
            lines += got.len / 24;
        }
        gn_buf_release(&got);
    }
    cr_assert_eq(lines, 1200);
}
