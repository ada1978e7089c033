/* within.c - see within.h. */
#include "within.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- URIs */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The path of a file: URI on this machine, decoded; NULL: it is none. */
static char *path_of_uri(gantry_call *call, const char *uri)
{
    static const char scheme[] = "file://", localhost[] = "localhost";
    if (strncmp(uri, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *from = uri + sizeof scheme - 1;
    if (strncmp(from, localhost, sizeof localhost - 1) == 0)
        from += sizeof localhost - 1;
    if (from[0] != '/')
        return NULL;
    char *path = gantry_format(call, "%.*s", (int)strcspn(from, "?#"), from), *to = path;
    for (const char *c = path; c && *c; c++, to++) {
        *to = *c;
        if (*c != '%')
            continue;
        int high = hex(c[1]), low = high < 0 ? -1 : hex(c[2]);
        if (low < 0 || high * 16 + low == 0)
            return NULL;
        *to = (char)(high * 16 + low);
        c += 2;
    }
    if (path)
        *to = '\0';
    return path;
}

int within_ask(gantry_call *call, bool is_wanted, within *ret)
{
    gantry_roots_list list;
    *ret = (within){.all = !is_wanted};
    int rc = is_wanted ? gantry_roots(call, "roots", &list) : GANTRY_OK;
    if (rc || !is_wanted)
        return rc;
    for (uint32_t i = 0; i < list.count && ret->n < WITHIN_MAX; i++) {
        char *path = path_of_uri(call, list.v[i].uri);
        char *real = path ? realpath(path, NULL) : NULL;
        struct stat st;
        bool is_folder = real && stat(real, &st) == 0 && S_ISDIR(st.st_mode);
        ret->v[ret->n] = is_folder ? gantry_format(call, "%s", real) : NULL;
        free(real);
        if (is_folder && !ret->v[ret->n++])
            return GANTRY_ETOOBIG;
    }
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- where things are */

/* True if path is dir, or lies below it. *ret_rest is then what follows. */
static bool is_below(const char *path, const char *dir, const char **ret_rest)
{
    size_t n = strlen(dir);
    if (n > 0 && dir[n - 1] == '/') /* the root of all */
        n--;
    if (strncmp(path, dir, n) != 0 || (path[n] != '/' && path[n] != '\0'))
        return false;
    *ret_rest = path + n + (path[n] == '/');
    return true;
}

static bool real_path(int fd, char ret[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, ret, PATH_MAX);
    if (n <= 0 || n >= PATH_MAX)
        return false;
    ret[n] = '\0';
    return true;
}

static bool is_inside(const within *w, const char *path)
{
    const char *rest;
    for (size_t i = 0; i < w->n; i++) {
        if (is_below(path, w->v[i], &rest))
            return true;
    }
    return false;
}

int within_keep(const within *w, int fd)
{
    char path[PATH_MAX];
    if (fd < 0 || w->all || (real_path(fd, path) && is_inside(w, path)))
        return fd;
    close(fd);
    return -WITHIN_OUTSIDE;
}

bool within_has(const within *w, const root *r)
{
    char path[PATH_MAX];
    const char *rest;
    if (w->all)
        return true;
    if (!real_path(r->fd, path))
        return false;
    for (size_t i = 0; i < w->n; i++) {
        if (is_below(path, w->v[i], &rest) || is_below(w->v[i], path, &rest))
            return true;
    }
    return false;
}

const char *within_part(gantry_call *call, const within *w, const root *r, size_t i)
{
    char path[PATH_MAX];
    const char *rest;
    if (!real_path(r->fd, path))
        return NULL;
    for (size_t k = 0; k < w->n; k++) {
        bool is_same = strcmp(w->v[k], w->v[i]) == 0;
        if (k != i && is_below(w->v[i], w->v[k], &rest) && (!is_same || k < i))
            return NULL; /* with that one */
    }
    if (is_below(path, w->v[i], &rest))
        return ".";
    if (!is_below(w->v[i], path, &rest))
        return NULL;
    return gantry_format(call, "%s", rest);
}
