/* write.c - see write.h. */
#include "write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, data, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        data += put;
        n -= (size_t)put;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

/* The new file takes the place of a regular one only, and its permissions with it. */
static int check_target(int dir, const char *name, bool overwrite, int fd)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    if (!overwrite)
        return EEXIST;
    if (!S_ISREG(st.st_mode))
        return EINVAL;
    return fchmod(fd, st.st_mode & 0777) == 0 ? 0 : errno;
}

/* A file that has appeared since it was checked is not replaced by mistake. */
static int put_in_place(int dir, const char *tmp, const char *name, bool overwrite)
{
    if (overwrite)
        return renameat(dir, tmp, dir, name) == 0 ? 0 : errno;
    if (renameat2(dir, tmp, dir, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* A file system without this kind of rename. A second name replaces nothing either. */
    if (linkat(dir, tmp, dir, name, 0) != 0)
        return errno;
    unlinkat(dir, tmp, 0);
    return 0;
}

/* Written beside the target and renamed: a reader sees the old file or the new one, never half of
 * one. */
int write_whole(int dir, const char *name, const char *data, size_t n, bool overwrite)
{
    unsigned long long number = 0;
    char tmp[40];
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return EIO;
    snprintf(tmp, sizeof tmp, ".gantry-%016llx.tmp", number);
    int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    int error = check_target(dir, name, overwrite, fd);
    if (!error)
        error = write_all(fd, data, n);
    if (!error)
        error = put_in_place(dir, tmp, name, overwrite);
    close(fd);
    if (error)
        unlinkat(dir, tmp, 0);
    return error;
}
