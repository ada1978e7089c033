/* path.c - see path.h. */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

root *roots_find(const roots *r, const char *name, size_t len)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strlen(r->v[i].name) == len && memcmp(r->v[i].name, name, len) == 0)
            return (root *)&r->v[i];
    }
    return NULL;
}

/* The last part of the directory's real path; a number behind it if that name is taken. */
static char *make_name(const roots *r, const char *dir)
{
    const char *base = strrchr(dir, '/');
    base = base && base[1] ? base + 1 : "root";
    size_t size = strlen(base) + 8;
    char *name = malloc(size);
    if (!name)
        return NULL;
    snprintf(name, size, "%s", base);
    for (unsigned i = 2; roots_find(r, name, strlen(name)); i++)
        snprintf(name, size, "%s-%u", base, i);
    return name;
}

const char *roots_add(roots *r, const char *dir)
{
    if (r->count == MAX_ROOTS)
        return "too many roots: 64 at most";
    char *real = realpath(dir, NULL);
    if (!real)
        return errno == ENOENT ? "there is no such directory" : strerror(errno);
    int fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        free(real);
        return errno == ENOTDIR ? "is not a directory" : strerror(errno);
    }
    char *name = make_name(r, real);
    if (!name) {
        free(real);
        close(fd);
        return "no memory";
    }
    r->v[r->count++] = (root){.name = name, .dir = real, .fd = fd};
    return NULL;
}

void roots_close(roots *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->v[i].name);
        free(r->v[i].dir);
        close(r->v[i].fd);
    }
    r->count = 0;
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
        if (n > 255)
            return "a part of the path is too long";
        rest += n;
        if (*rest == '/' && *++rest == '\0')
            break; /* one slash at the end is fine */
    }
    return NULL;
}

const char *path_parse(const roots *r, const char *path, root **ret_root, char *rest)
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
    root *found = roots_find(r, path, n);
    if (!found)
        return "the path must begin with the name of a root (list_directory without a path names them)";
    const char *after = path[n] ? path + n + 1 : path + n;
    const char *problem = check_parts(after);
    if (problem)
        return problem;
    if (*after)
        snprintf(rest, MAX_PATH, "%s", after);
    *ret_root = found;
    return NULL;
}

/* Part by part, following no links: for kernels and sandboxes without openat2. */
static int open_by_parts(int dir, const char *rest, int flags, unsigned mode)
{
    int fd = dup(dir);
    char part[256];
    while (fd >= 0) {
        size_t n = strcspn(rest, "/");
        if (n >= sizeof part) {
            close(fd);
            return -ENAMETOOLONG;
        }
        memcpy(part, rest, n);
        part[n] = '\0';
        rest += n;
        while (*rest == '/')
            rest++;
        bool last = *rest == '\0';
        int next = openat(fd, part, O_NOFOLLOW | O_CLOEXEC | (last ? flags : O_PATH | O_DIRECTORY), last ? mode : 0);
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

int path_open(const root *r, const char *rest, int flags, unsigned mode)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    for (int tries = 0; tries < 16; tries++) {
        long fd = syscall(SYS_openat2, r->fd, rest, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if (errno == ENOSYS || errno == EPERM)
            return open_by_parts(r->fd, rest, flags, mode);
        if (errno != EAGAIN) /* something was renamed meanwhile: look again */
            return -errno;
    }
    return -EAGAIN;
}

int path_open_parent(const root *r, const char *rest, const char **ret_name)
{
    const char *slash = strrchr(rest, '/');
    if (!slash) {
        *ret_name = rest;
        return path_open(r, ".", O_RDONLY | O_DIRECTORY, 0);
    }
    char parent[MAX_PATH];
    snprintf(parent, sizeof parent, "%.*s", (int)(slash - rest), rest);
    *ret_name = slash + 1;
    return path_open(r, parent, O_RDONLY | O_DIRECTORY, 0);
}
