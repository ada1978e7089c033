/* fd.c - writes lines to a descriptor without ever waiting.
 *
 * What is behind a descriptor decides how: a pipe or terminal is opened once more, since O_NONBLOCK
 * belongs to the open file and other processes share ours; a socket takes a flag with each send; a
 * regular file does not block.
 */
#include "observe/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes written, or negative. */
static ssize_t write_some(struct gn_log_fd *f, const char *data, size_t len)
{
    for (;;) {
        ssize_t n = f->is_socket ? send(f->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                                 : write(f->fd, data, len);
        if (n >= 0 || errno != EINTR)
            return n;
    }
}

/* The end of the line before goes first: true if none is left. */
static bool write_rest(struct gn_log_fd *f)
{
    if (f->rest.len == 0)
        return true;
    ssize_t n = write_some(f, f->rest.data, f->rest.len);
    if (n > 0)
        gn_buf_consume(&f->rest, (size_t)n);
    return f->rest.len == 0;
}

bool gn_log_fd_write(struct gn_log_fd *f, const struct gn_buf *line)
{
    if (line->overflow || !write_rest(f))
        return false;
    ssize_t n = write_some(f, line->data, line->len);
    if (n <= 0)
        return false;
    gn_buf_add(&f->rest, line->data + n, line->len - (size_t)n);
    return true;
}

void gn_log_fd_open(struct gn_log_fd *f, int fd)
{
    struct stat st;
    *f = (struct gn_log_fd){.fd = fd, .rest = GN_BUF_INIT(GN_LOG_LINE_MAX)};
    if (fstat(fd, &st) != 0)
        return;
    f->is_socket = S_ISSOCK(st.st_mode);
    if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
        return;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) {
        f->fd = own;
        f->is_own = true;
    }
}

void gn_log_fd_close(struct gn_log_fd *f)
{
    write_rest(f);
    if (f->is_own)
        close(f->fd);
    gn_buf_release(&f->rest);
}
