/* output.c - writing without a signal, and text made harmless. */
#include "output.h"

#include "util/str.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CUT "..."

int gn_output_open(const char *path, struct gn_error *err)
{
    /* Without O_NONBLOCK a named pipe that nobody reads would hold up the whole program here. */
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(path, flags, 0600);
    if (fd < 0)
        return gn_error_set(err, -errno, "%s: %s", path, strerror(errno));
    return fd;
}

/* A SIGPIPE of ours is pending for this thread alone: it is taken away before it can be seen. */
static void take_sigpipe(const sigset_t *pipe_only)
{
    while (sigtimedwait(pipe_only, NULL, &(struct timespec){0}) < 0 && errno == EINTR)
        continue;
}

ssize_t gn_output_write(int fd, const char *data, size_t len)
{
    sigset_t pipe_only, before, pending;
    ssize_t n;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigemptyset(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    if (sigismember(&before, SIGPIPE))
        sigpending(&pending); /* one that was there already is not ours to take */
    do {
        n = write(fd, data, len);
    } while (n < 0 && errno == EINTR);
    int code = n < 0 ? -errno : 0;
    if (code == -EPIPE && !sigismember(&pending, SIGPIPE))
        take_sigpipe(&pipe_only);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code ? code : n;
}

/* One character as it may stand in a line; returns how many bytes of text it is. */
static size_t plain_one(const char *text, size_t len, char out[8])
{
    static const char names[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
    unsigned char c = (unsigned char)*text;
    size_t n = gn_utf8_sequence(text, len);
    bool is_c1 = n == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0; /* controls of 8 bits */
    if (n > 0 && c >= 0x20 && c != 0x7f && !is_c1) {
        memcpy(out, text, n);
        out[n] = '\0';
        return n;
    }
    if (c < sizeof(names) && names[c])
        snprintf(out, 8, "\\%c", names[c]);
    else
        snprintf(out, 8, "\\x%02x", c);
    return 1;
}

void gn_output_plain(struct gn_buf *out, const char *text, size_t len, size_t max)
{
    size_t begin = out->len, fits = begin; /* how far it goes if it has to be cut */
    char one[8];
    for (size_t i = 0; i < len;) {
        i += plain_one(text + i, len - i, one);
        size_t used = out->len - begin, n = strlen(one);
        if (used + n > max) {
            gn_buf_cut(out, fits);
            gn_buf_adds(out, CUT);
            return;
        }
        if (gn_buf_add(out, one, n))
            return;
        if (used + n + strlen(CUT) <= max)
            fits = out->len;
    }
}
