/* path.c - see path.h. */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_PART 255 /* NAME_MAX */

/* ---------------------------------------------------------------- roots */

const root *roots_find(const roots *r, const char *name, size_t len)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strlen(r->v[i].name) == len && memcmp(r->v[i].name, name, len) == 0)
            return &r->v[i];
    }
    return NULL;
}

/* The last part of the path as it was configured, so that a link keeps its name when it is pointed
 * elsewhere; a number behind it if that name is taken. */
static char *make_name(const roots *r, const char *dir)
{
    size_t end = strlen(dir);
    while (end > 0 && dir[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && dir[begin - 1] != '/')
        begin--;
    const char *base = begin < end ? dir + begin : "root"; /* "/" has no last part */
    size_t len = begin < end ? end - begin : strlen(base);
    size_t size = len + sizeof "-64";
    char *name = malloc(size);
    if (!name)
        return NULL;
    snprintf(name, size, "%.*s", (int)len, base);
    for (unsigned i = 2; roots_find(r, name, strlen(name)); i++)
        snprintf(name, size, "%.*s-%u", (int)len, base, i);
    return name;
}

/* Every part must be a name. */
static const char *check_parts(const char *rest)
{
    while (*rest) {
        size_t n = strcspn(rest, "/");
        if (n == 0)
            return "the path has an empty part";
        if ((n == 1 && rest[0] == '.') || (n == 2 && rest[0] == '.' && rest[1] == '.'))
            return "the path must not contain . or ..";
        if (n > MAX_PART)
            return "a part of the path is too long";
        rest += n;
        if (*rest == '/' && *++rest == '\0')
            break; /* one slash at the end is fine */
    }
    return NULL;
}

const char *roots_add(roots *r, const char *dir)
{
    if (r->count == MAX_ROOTS)
        return "one root too many";
    if (dir[0] != '/')
        return "must be an absolute path"; /* what is served must not hang on where the host was
                                              started */
    if (check_parts(dir + 1))
        return "must be a plain path, without //, . or ..";
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT    ? "there is no such directory"
               : errno == ENOTDIR ? "is not a directory"
               : errno == EACCES  ? "may not be read by this process"
                                  : "cannot be opened";
    char *name = make_name(r, dir);
    if (!name) {
        close(fd);
        return "no memory";
    }
    r->v[r->count++] = (root){.name = name, .fd = fd};
    return NULL;
}

void roots_close(roots *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->v[i].name);
        close(r->v[i].fd);
    }
    r->count = 0;
}

/* ---------------------------------------------------------------- what a client calls a file */

const char *path_parse(const roots *r, const char *path, const root **ret_root, char *rest)
{
    *ret_root = NULL;
    snprintf(rest, MAX_PATH, ".");
    if (!*path)
        return NULL;
    if (strlen(path) >= MAX_PATH)
        return "the path is too long";
    if (path[0] == '/')
        return "the path must begin with the name of a root, not with a slash";
    size_t n = strcspn(path, "/");
    const root *found = roots_find(r, path, n);
    if (!found)
        return "the path must begin with the name of a root (list_directory names them)";
    const char *after = path[n] ? path + n + 1 : path + n;
    const char *problem = check_parts(after);
    if (problem)
        return problem;
    if (*after)
        snprintf(rest, MAX_PATH, "%s", after);
    *ret_root = found;
    return NULL;
}

/* ---------------------------------------------------------------- opening */

/* Part by part, following no links: for kernels and sandboxes without openat2. */
static int open_by_parts(int dir, const char *rest, int flags)
{
    int fd = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    char part[MAX_PART + 1];
    while (fd >= 0) {
        size_t n = strcspn(rest, "/");
        size_t slash = rest[n] == '/';
        bool last = rest[n + slash] == '\0';
        if (n > MAX_PART) {
            close(fd);
            return -ENAMETOOLONG;
        }
        memcpy(part, rest, n);
        part[n] = '\0';
        rest += n + slash;
        int how = (last ? flags : O_PATH) | (slash ? O_DIRECTORY : 0);
        int next = openat(fd, part, how | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(fd);
        if (next < 0)
            return -error;
        if (last)
            return next;
        fd = next;
    }
    return -errno;
}

int path_open(const root *r, const char *rest, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    for (int tries = 0; tries < 16; tries++) {
        long fd = syscall(SYS_openat2, r->fd, rest, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno == ENOSYS || errno == EPERM)
            return open_by_parts(r->fd, rest, flags);
        if (errno != EAGAIN) /* something was renamed meanwhile: look again */
            return -errno;
    }
    return -EAGAIN;
}

int path_open_dir(const root *r, const char *rest)
{
    return path_open(r, rest, O_RDONLY | O_DIRECTORY);
}

static int check_regular(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    /* A link comes here only where links are not followed. */
    return S_ISREG(st.st_mode)   ? 0
           : S_ISDIR(st.st_mode) ? -EISDIR
           : S_ISLNK(st.st_mode) ? -ELOOP
                                 : -EINVAL;
}

/* Looked at before it is opened, since opening alone does something to a device or to whoever
 * writes into a pipe; and again afterwards, since it may have been exchanged in between. */
int path_open_file(const root *r, const char *rest)
{
    static const int steps[] = {O_PATH, O_RDONLY | O_NONBLOCK | O_NOCTTY};
    int fd = -1;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (fd >= 0)
            close(fd);
        fd = path_open(r, rest, steps[i]);
        int rc = fd < 0 ? fd : check_regular(fd);
        if (rc) {
            if (fd >= 0)
                close(fd);
            return rc;
        }
    }
    return fd;
}

int path_open_parent(const root *r, const char *rest, const char **ret_name)
{
    const char *slash = strrchr(rest, '/');
    *ret_name = slash ? slash + 1 : rest;
    if (!slash)
        return path_open_dir(r, ".");
    char parent[MAX_PATH];
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - rest), rest);
    return path_open_dir(r, parent);
}

/* ---------------------------------------------------------------- what went wrong */

const char *path_error(int error)
{
    static const struct {
        int error;
        const char *text;
    } table[] = {
        {ENOENT, "no such file or directory"},
        {ENOTDIR, "not a directory"},
        {EXDEV, "leads outside of its root"},
        {ELOOP, "symbolic links that lead nowhere, or are not followed here"},
        {EISDIR, "is a directory"},
        {EINVAL, "is not a regular file"},
        {EEXIST, "exists already (set overwrite to replace it)"},
        {EACCES, "permission denied"},
        {ENAMETOOLONG, "the path is too long"},
        {ENOSPC, "no space is left there"},
        {EROFS, "may not be written to"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].error == error)
            return table[i].text;
    }
    return "cannot be opened, read or written";
}
