/* Unit tests of output.c: writing without a signal, and text made harmless. */
#include "output.h"

#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

GN_SUITE(client_output);

static int pipe_without_reader(void)
{
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    close(fds[0]);
    return fds[1];
}

static bool is_pending(void)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, SIGPIPE);
}

static void block(bool is_blocked)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(is_blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

Test(client_output, a_pipe_without_reader_raises_no_signal)
{
    int fd = pipe_without_reader();
    sigset_t mask;
    signal(SIGPIPE, SIG_DFL);
    block(false);
    cr_assert_eq(gn_output_write(fd, "x", 1), -EPIPE);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    cr_assert_not(is_pending());
    cr_assert_not(sigismember(&mask, SIGPIPE));
    close(fd);
}

Test(client_output, a_signal_that_was_pending_before_stays)
{
    int fd = pipe_without_reader();
    block(true);
    cr_assert_eq(gn_output_write(fd, "x", 1), -EPIPE);
    cr_assert_not(is_pending());
    pthread_kill(pthread_self(), SIGPIPE);
    cr_assert_eq(gn_output_write(fd, "x", 1), -EPIPE);
    cr_assert(is_pending());
    signal(SIGPIPE, SIG_IGN); /* which forgets the one that is pending */
    block(false);
    close(fd);
}

Test(client_output, a_full_pipe_takes_a_part_and_then_nothing)
{
    static char data[1 << 20];
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    ssize_t n = gn_output_write(fds[1], data, sizeof(data));
    cr_assert(n > 0 && n < (ssize_t)sizeof(data));
    cr_assert_eq(gn_output_write(fds[1], data, sizeof(data)), -EAGAIN);
    close(fds[0]);
    close(fds[1]);
}

Test(client_output, a_file_is_appended_to_and_only_ours_to_read)
{
    const char *path = gn_test_write_file(gn_test_tmpdir(), "old", "a", 1);
    struct gn_error err = {0};
    struct stat st;
    char text[8] = "";
    int fd = gn_output_open(path, &err);
    cr_assert(fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(gn_output_write(fd, "b", 1), 1);
    close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, text, sizeof(text)), 2);
    close(fd);
    cr_assert_eq(memcmp(text, "ab", 2), 0);
    unlink(path);
    umask(0);
    fd = gn_output_open(path, &err);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    close(fd);
}

Test(client_output, a_named_pipe_that_nobody_reads_is_refused_at_once)
{
    char path[512];
    struct gn_error err = {0};
    snprintf(path, sizeof(path), "%s/pipe", gn_test_tmpdir());
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(gn_output_open(path, &err), -ENXIO);
    cr_assert(strstr(err.text, path));
}

static const char *plain(const char *text, size_t len, size_t max)
{
    static char shown[256];
    struct gn_buf b = GN_BUF_INIT(255);
    gn_buf_adds(&b, "<");
    gn_output_plain(&b, text, len, max);
    snprintf(shown, sizeof(shown), "%s", gn_buf_str(&b) + 1);
    gn_buf_release(&b);
    return shown;
}

Test(client_output, text_becomes_one_harmless_line)
{
    cr_assert_str_eq(plain("Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac", 11, 99),
                     "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac");
    cr_assert_str_eq(plain("a\nb\r\n\tc", 7, 99), "a\\nb\\r\\n\\tc");
    cr_assert_str_eq(plain("\x1b[31m\x7f\0x", 8, 99), "\\x1b[31m\\x7f\\x00x");
    cr_assert_str_eq(plain("\xff\xc3", 2, 99), "\\xff\\xc3");
    cr_assert_str_eq(plain("\xc2\x9b"
                           "31m",
                           5, 99),
                     "\\xc2\\x9b31m"); /* the escape character's other form */
    cr_assert_str_eq(plain("", 0, 99), "");
}

Test(client_output, long_text_is_cut_between_characters)
{
    cr_assert_str_eq(plain("0123456789", 10, 10), "0123456789");
    cr_assert_str_eq(plain("0123456789a", 11, 10), "0123456...");
    cr_assert_str_eq(plain("01234\xe2\x82\xac\xe2\x82\xac", 11, 10), "01234...");
    cr_assert_str_eq(plain("012345\n\n\n\n", 10, 10), "012345...");
}
