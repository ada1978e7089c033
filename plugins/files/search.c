/* search.c - see search.h. */
#include "search.h"

#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool search_is_text(const char *data, size_t n)
{
    const unsigned char *p = (const unsigned char *)data, *end = p + n;
    while (p < end) {
        if (*p == 0)
            return false;
        if (*p < 0x80) {
            p++;
            continue;
        }
        unsigned len = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
        if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) < len)
            return false;
        if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
            (*p == 0xf4 && p[1] > 0x8f))
            return false; /* overlong, surrogate, beyond U+10FFFF */
        for (unsigned i = 1; i < len; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return false;
        }
        p += len;
    }
    return true;
}

char *search_read(int fd, int64_t max, size_t *ret_n)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return NULL;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return NULL;
    }
    if (st.st_size > max) {
        errno = EFBIG;
        return NULL;
    }
    size_t cap = (size_t)st.st_size;
    char *data = malloc(cap + 1);
    if (!data)
        return NULL;
    size_t n = 0;
    while (n < cap) { /* a file that grows meanwhile is cut where it was */
        ssize_t got = read(fd, data + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(data);
            return NULL;
        }
        if (got == 0)
            break;
        n += (size_t)got;
    }
    data[n] = '\0';
    *ret_n = n;
    return data;
}

static const char *find(const search *s, const char *line, size_t n)
{
    size_t len = strlen(s->text);
    if (!s->ignore_case)
        return memmem(line, n, s->text, len);
    for (size_t i = 0; i + len <= n; i++) {
        if (strncasecmp(line + i, s->text, len) == 0)
            return line + i;
    }
    return NULL;
}

static int report(search *s, const char *path, int64_t line, const char *text, size_t n)
{
    if (s->hits == s->max_results) {
        s->truncated = true;
        return 0;
    }
    s->hits++;
    if (n > SEARCH_LINE) {
        n = SEARCH_LINE;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--; /* not inside a character */
    }
    return s->on_hit(s->arg, path, line, text, n);
}

static int search_text(search *s, const char *path, const char *data, size_t size)
{
    int64_t number = 0;
    for (const char *line = data, *end = data + size; line < end && !s->truncated;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((stop ? stop : end) - line);
        number++;
        if (find(s, line, n)) {
            int rc = report(s, path, number, line, n);
            if (rc)
                return rc;
        }
        line += n + 1;
    }
    return 0;
}

static int visit_file(search *s, int dir, const char *name, const char *path)
{
    int rc = s->on_file(s->arg, ++s->files);
    if (rc || (s->glob && fnmatch(s->glob, name, 0) != 0))
        return rc;
    if (!s->text)
        return report(s, path, 0, "", 0);
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return 0; /* gone or not ours to read: a search goes on */
    size_t n = 0;
    char *data = search_read(fd, s->max_file, &n);
    close(fd);
    if (!data)
        return 0;
    if (search_is_text(data, n))
        rc = search_text(s, path, data, n);
    free(data);
    return rc;
}

static int compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int skip_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int walk(search *s, int fd, const char *prefix, int depth);

static int visit(search *s, int dir, const char *name, const char *prefix, int depth)
{
    char path[MAX_PATH];
    struct stat st;
    if (snprintf(path, sizeof path, "%s/%s", prefix, name) >= (int)sizeof path)
        return 0;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    if (S_ISREG(st.st_mode))
        return visit_file(s, dir, name, path);
    if (!S_ISDIR(st.st_mode))
        return 0;
    int sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return sub < 0 ? 0 : walk(s, sub, path, depth + 1);
}

/* In order of names, so that the same tree gives the same answer. */
static int walk(search *s, int fd, const char *prefix, int depth)
{
    struct dirent **entries = NULL;
    int n = depth < SEARCH_DEPTH ? scandirat(fd, ".", &entries, skip_dots, compare) : 0;
    if (depth >= SEARCH_DEPTH)
        s->truncated = true;
    int rc = 0;
    for (int i = 0; i < n; i++) {
        if (rc == 0 && s->hits < s->max_results + 1 && !(s->truncated && s->hits == s->max_results))
            rc = visit(s, fd, entries[i]->d_name, prefix, depth);
        free(entries[i]);
    }
    free(entries);
    close(fd);
    return rc;
}

int search_run(search *s, int fd, const char *prefix)
{
    return walk(s, fd, prefix, 0);
}
