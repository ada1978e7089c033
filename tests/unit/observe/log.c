/* log.c - lines, their escapes, readers that do not keep up. */
#include "observe/log.h"

#include "support.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "util/str.h"
#include "json/json.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

GN_SUITE(log);

/* All that can be read from fd at the moment. */
static void drain(int fd, struct gn_buf *out)
{
    char bytes[4096];
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (ssize_t n; (n = read(fd, bytes, sizeof(bytes))) > 0;)
        gn_buf_add(out, bytes, (size_t)n);
}

/* As the file says otherwise, but for level and format. */
static void configure(struct gn_log *log, enum gn_level level, const char *format)
{
    struct gn_config *c = gn_config_new();
    struct gn_error err = {0};
    cr_assert_eq(gn_config_set(c, "log.level", gn_level_names[level], &err), 0);
    cr_assert_eq(gn_config_set(c, "log.format", format, &err), 0);
    cr_assert_eq(gn_stderr_log_configure(log, c, &err), 0);
    gn_config_free(c);
}

/* One line as text, without the time. */
static void assert_text(const struct gn_log_field *fields, size_t count, const char *component,
                        const char *text, const char *expected)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    struct gn_log *log = gn_stderr_log_new(fds[1], GN_DEBUG, false);
    gn_log_with(log, GN_INFO, component, fields, count, "%s", text);
    gn_stderr_log_free(log);
    struct gn_buf got = GN_BUF_INIT(1 << 20);
    drain(fds[0], &got);
    cr_assert_gt(got.len, 25);
    cr_assert_str_eq(got.data + 25, expected);
    cr_assert_eq(got.data[10], 'T');
    cr_assert_eq(got.data[23], 'Z');
    gn_buf_release(&got);
    close(fds[0]);
    close(fds[1]);
}

Test(log, writes_text)
{
    assert_text(NULL, 0, "http", "listens", "info    http: listens\n");
    assert_text(NULL, 0, NULL, "listens", "info    listens\n");
    assert_text(GN_LOG_FIELDS({"plugin", "hello"}, {"why", "a b"}, {"q", "say \"x\""}, {"e", ""}),
                "plugin", "loaded",
                "info    plugin: loaded plugin=hello why=\"a b\" q=\"say \\\"x\\\"\" e=\"\"\n");
}

Test(log, escapes_what_would_change_a_terminal_or_forge_a_line)
{
    assert_text(NULL, 0, "x", "a\nb\tc\x1b[31m\x7f\r", "info    x: a\\nb\\tc\\x1b[31m\\x7f\\x0d\n");
    assert_text(NULL, 0, "x", "\xc3\xa4 \xc2\x9b \xff \xe2\x82",
                "info    x: \xc3\xa4 \\xc2\\x9b "
                "\\xff \\xe2\\x82\n");
    assert_text(GN_LOG_FIELDS({"k", "a\nb"}), "x\ny", "t", "info    x\\ny: t k=\"a\\nb\"\n");
}

Test(log, writes_json)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    struct gn_log *log = gn_stderr_log_new(fds[1], GN_DEBUG, true);
    gn_log_with(log, GN_ERROR, "plugin", GN_LOG_FIELDS({"name", "a\"b"}), "bad\nthing %d", 7);
    gn_stderr_log_free(log);
    struct gn_buf got = GN_BUF_INIT(4096);
    drain(fds[0], &got);
    cr_assert_eq(got.data[got.len - 1], '\n');
    cr_assert_eq(strcspn(got.data, "\n"), got.len - 1);
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse_copy(&doc, got.data, got.len, NULL, NULL), 0);
    const gantry_json *root = gn_json_root(&doc);
    cr_assert(gn_json_streq(gn_json_get(root, "level"), "error"));
    cr_assert(gn_json_streq(gn_json_get(root, "component"), "plugin"));
    cr_assert(gn_json_streq(gn_json_get(root, "message"), "bad\nthing 7"));
    cr_assert(gn_json_streq(gn_json_get(root, "name"), "a\"b"));
    cr_assert_eq(gn_json_count(root), 5);
    gn_json_release(&doc);
    gn_buf_release(&got);
    close(fds[0]);
    close(fds[1]);
}

Test(log, drops_lines_below_its_level)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    struct gn_log *log = gn_stderr_log_new(fds[1], GN_WARNING, false);
    gn_log(log, GN_NOTICE, "x", "not this");
    gn_log(log, GN_WARNING, "x", "this");
    configure(log, GN_DEBUG, "json");
    gn_log(log, GN_DEBUG, "x", "and this");
    gn_stderr_log_free(log);
    struct gn_buf got = GN_BUF_INIT(4096);
    drain(fds[0], &got);
    cr_assert_null(strstr(gn_buf_str(&got), "not this"));
    cr_assert(strstr(gn_buf_str(&got), "warning x: this\n"));
    cr_assert(strstr(gn_buf_str(&got), "\"message\":\"and this\"}\n"));
    gn_buf_release(&got);
    close(fds[0]);
    close(fds[1]);
}

/* Fills what is behind write_fd, then reads: only whole lines come, the dropped ones are counted.
 */
static void flood(int read_fd, int write_fd)
{
    struct gn_log *log = gn_stderr_log_new(write_fd, GN_DEBUG, false);
    char text[3000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    int flags = fcntl(write_fd, F_GETFL);
    for (int i = 0; i < 2000; i++)
        gn_log(log, GN_INFO, "x", "%s", text);
    cr_assert_eq(fcntl(write_fd, F_GETFL), flags,
                 "the descriptor is shared: it must stay as it is");
    struct gn_buf got = GN_BUF_INIT(64 << 20);
    drain(read_fd, &got);
    gn_log(log, GN_INFO, "x", "last");
    gn_stderr_log_free(log);
    drain(read_fd, &got);
    close(write_fd);
    size_t whole = 0, others = 0;
    uint64_t dropped = 0;
    for (char *line = got.data; *line;) {
        size_t len = strcspn(line, "\n");
        cr_assert_eq(line[len], '\n');
        if (len == 25 + strlen("info    x: ") + sizeof(text) - 1)
            whole++;
        else
            others++;
        char *count = strstr(line, "log: ");
        if (len < 200 && count && count < line + len)
            dropped = strtoull(count + 5, NULL, 10);
        line += len + 1;
    }
    cr_assert(gn_ends_with(got.data, "x: last\n"));
    cr_assert_eq(others, 2);
    cr_assert_gt(whole, 1);
    cr_assert_eq(whole + dropped, 2000);
    gn_buf_release(&got);
    close(read_fd);
}

Test(log, a_pipe_that_is_full_costs_lines_not_time)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    flood(fds[0], fds[1]);
}

Test(log, a_socket_that_is_full_costs_lines_not_time)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    flood(fds[0], fds[1]);
}

Test(log, long_lines_are_cut_at_a_bound)
{
    const char *path = gn_test_write_file(gn_test_tmpdir(), "log", "", 0);
    int fd = open(path, O_WRONLY | O_APPEND);
    struct gn_log *log = gn_stderr_log_new(fd, GN_DEBUG, false);
    size_t size = 1 << 20;
    GN_AUTO_FREE char *text = gn_malloc(size);
    memset(text, 1, size - 1);
    text[size - 1] = '\0';
    gn_log(log, GN_INFO, "x", "%s", text);
    gn_log(log, GN_INFO, "x", "next");
    gn_stderr_log_free(log);
    close(fd);
    struct gn_buf got = GN_BUF_INIT(4 << 20);
    cr_assert_eq(gn_read_file(path, &got), 0);
    cr_assert_lt(got.len, 300000);
    cr_assert(gn_ends_with(got.data, "x: next\n"));
    gn_buf_release(&got);
}

static void *write_many(void *log)
{
    for (int i = 0; i < 200; i++)
        gn_log(log, GN_INFO, "thread", "a line of some length, number %d", i);
    return NULL;
}

Test(log, lines_of_threads_do_not_mix)
{
    const char *path = gn_test_write_file(gn_test_tmpdir(), "log", "", 0);
    int fd = open(path, O_WRONLY | O_APPEND);
    struct gn_log *log = gn_stderr_log_new(fd, GN_DEBUG, true);
    pthread_t threads[4];
    for (size_t i = 0; i < GN_COUNT(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, write_many, log), 0);
    for (int i = 0; i < 100; i++)
        configure(log, i % 2 ? GN_DEBUG : GN_INFO, "json");
    for (size_t i = 0; i < GN_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    gn_stderr_log_free(log);
    close(fd);
    struct gn_buf got = GN_BUF_INIT(4 << 20);
    cr_assert_eq(gn_read_file(path, &got), 0);
    size_t lines = 0;
    for (char *line = got.data; *line; lines++) {
        size_t len = strcspn(line, "\n");
        struct gn_json_doc doc;
        cr_assert_eq(gn_json_parse_copy(&doc, line, len, NULL, NULL), 0);
        gn_json_release(&doc);
        line += len + 1;
    }
    cr_assert_eq(lines, 4 * 200);
    gn_buf_release(&got);
}
