/* file.c - appending, and making room by renaming. */
#include "observe/file.h"

#include "util/alloc.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAGIC 0xf11e1061u
struct gn_log_file {
    uint32_t magic;
    pthread_mutex_t mutex; /* over everything below */
    char *path;
    uint64_t max_size, size;
    uint32_t keep, mode;
    int fd;
    bool is_regular;
    uint64_t lost;
};

static int open_path(const char *path, uint32_t mode, uint64_t *ret_size, bool *ret_regular)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  (mode_t)mode);
    struct stat st;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        close(fd);
        return GN_EINVAL;
    }
    *ret_regular = S_ISREG(st.st_mode);
    *ret_size = *ret_regular ? (uint64_t)st.st_size : 0;
    return fd;
}

/* FILE.keep goes, each other moves up by one. What cannot be renamed stays where it is. */
static void shift(const struct gn_log_file *f)
{
    if (f->keep == 0) {
        (void)unlink(f->path);
        return;
    }
    for (uint32_t i = f->keep; i > 0; i--) {
        GN_AUTO_FREE char *to = gn_format("%s.%u", f->path, i);
        GN_AUTO_FREE char *from = i > 1 ? gn_format("%s.%u", f->path, i - 1) : gn_strdup(f->path);
        (void)rename(from, to);
    }
}

/* A file that cannot be opened anew is written on, under whichever name it has now. */
static void rotate(struct gn_log_file *f)
{
    uint64_t size = 0;
    bool is_regular = false;
    shift(f);
    int fd = open_path(f->path, f->mode, &size, &is_regular);
    if (fd < 0) {
        f->size = 0; /* not again with the next line */
        return;
    }
    close(f->fd);
    f->fd = fd;
    f->size = size;
    f->is_regular = is_regular;
}

/* Half a line on a full disk would spoil the next one as well. */
static void take_back(struct gn_log_file *f, size_t n)
{
    off_t end = f->is_regular && n ? lseek(f->fd, 0, SEEK_END) : 0;
    if (end >= (off_t)n && end > 0 && ftruncate(f->fd, end - (off_t)n) == 0)
        f->size -= GN_MIN(f->size, (uint64_t)n);
}

static int write_all(struct gn_log_file *f, const char *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(f->fd, data + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int rc = n < 0 ? -errno : GN_EPIPE;
            take_back(f, done);
            return rc;
        }
        done += (size_t)n;
        f->size += (uint64_t)n;
    }
    return 0;
}

int gn_log_file_write(struct gn_log_file *f, const char *data, size_t len)
{
    GN_CHECK(f, FILE_MAGIC);
    pthread_mutex_lock(&f->mutex);
    if (f->is_regular && f->max_size && f->size > 0 && f->size + len > f->max_size)
        rotate(f);
    int rc = write_all(f, data, len);
    f->lost = rc ? f->lost + 1 : 0;
    pthread_mutex_unlock(&f->mutex);
    return rc;
}

uint64_t gn_log_file_lost(struct gn_log_file *f)
{
    GN_CHECK(f, FILE_MAGIC);
    pthread_mutex_lock(&f->mutex);
    uint64_t lost = f->lost;
    pthread_mutex_unlock(&f->mutex);
    return lost;
}

int gn_log_file_configure(struct gn_log_file *f, const struct gn_log_file_options *options,
                          struct gn_error *err)
{
    GN_CHECK(f, FILE_MAGIC);
    uint64_t size = 0;
    bool is_regular = false;
    int fd = open_path(options->path, options->mode, &size, &is_regular);
    if (fd < 0)
        return gn_error_set(err, fd, "%s cannot be written to: %s", options->path,
                            fd == GN_EINVAL ? "it is a folder" : strerror(-fd));
    pthread_mutex_lock(&f->mutex);
    if (f->fd >= 0)
        close(f->fd);
    gn_free(f->path);
    f->path = gn_strdup(options->path);
    f->max_size = options->max_size;
    f->keep = options->keep;
    f->mode = options->mode;
    f->fd = fd;
    f->size = size;
    f->is_regular = is_regular;
    pthread_mutex_unlock(&f->mutex);
    return 0;
}

struct gn_log_file *gn_log_file_open(const struct gn_log_file_options *options,
                                     struct gn_error *err)
{
    struct gn_log_file *f = gn_calloc(1, sizeof *f);
    f->magic = FILE_MAGIC;
    f->fd = -1;
    pthread_mutex_init(&f->mutex, NULL);
    if (gn_log_file_configure(f, options, err) == 0)
        return f;
    pthread_mutex_destroy(&f->mutex);
    gn_free(f);
    return NULL;
}

void gn_log_file_close(struct gn_log_file *f)
{
    if (!f)
        return;
    GN_CHECK(f, FILE_MAGIC);
    close(f->fd);
    gn_free(f->path);
    pthread_mutex_destroy(&f->mutex);
    f->magic = 0;
    gn_free(f);
}
