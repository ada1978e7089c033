/* search.c - see search.h. */
#include "search.h"

#include "content.h"
#include "dir.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_AT_ONCE 10000

/* ---------------------------------------------------------------- one file */

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

static void fold(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] + ('a' - 'A') : from[i]);
}

/* Finds text in data line by line, and shows the lines as they are in `shown`. */
static int search_lines(search *s, const char *path, const char *data, const char *shown,
                        size_t size, const char *text)
{
    int64_t number = 0;
    if (!memmem(data, size, text, strlen(text)))
        return 0; /* most files: not a line of them is looked at */
    for (size_t at = 0; at < size && !(s->truncated && s->hits == s->max_results);) {
        const char *stop = memchr(data + at, '\n', size - at);
        size_t n = stop ? (size_t)(stop - data) - at : size - at;
        number++;
        if (memmem(data + at, n, text, strlen(text))) {
            int rc = report(s, path, number, shown + at, n);
            if (rc)
                return rc;
        }
        at += n + 1;
    }
    return 0;
}

/* Case is ignored by looking for the folded text in a folded copy: it takes no longer than exactly.
 */
static int search_text(search *s, const char *path, const char *data, size_t size)
{
    if (!s->ignore_case)
        return search_lines(s, path, data, data, size, s->text);
    size_t len = strlen(s->text) + 1; /* with its NUL */
    char *copy = malloc(len + size);
    if (!copy)
        return 0;
    fold(copy, s->text, len);
    fold(copy + len, data, size);
    int rc = search_lines(s, path, copy + len, data, size, copy);
    free(copy);
    return rc;
}

static int visit_file(search *s, int dir, const char *name, const char *path)
{
    s->on_file(s->arg, ++s->files);
    if (s->glob && fnmatch(s->glob, name, 0) != 0)
        return 0;
    if (!s->text)
        return report(s, path, 0, "", 0);
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t n = 0;
    char *data = content_read(fd, s->max_file, &n);
    close(fd);
    int rc = data && is_utf8(data, n) ? search_text(s, path, data, n) : 0;
    free(data);
    return rc;
}

/* ---------------------------------------------------------------- the walk */

/* How the client calls what is looked at: one text that grows and shrinks with the walk. */
typedef struct {
    char text[MAX_PATH];
    size_t n;
} walk_path;

static int walk(search *s, int fd, walk_path *path, int depth);

static int visit(search *s, int dir, const char *name, walk_path *path, int depth)
{
    struct stat st;
    size_t before = path->n, len = strlen(name);
    if (before + 1 + len >= sizeof path->text)
        return 0; /* what has so long a path cannot be asked for */
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    path->text[before] = '/';
    memcpy(path->text + before + 1, name, len + 1);
    path->n = before + 1 + len;
    int rc = 0;
    if (S_ISREG(st.st_mode)) {
        rc = visit_file(s, dir, name, path->text);
    } else if (S_ISDIR(st.st_mode)) {
        int sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        rc = sub < 0 ? 0 : walk(s, sub, path, depth + 1);
    }
    path->n = before;
    path->text[before] = '\0';
    return rc;
}

static bool is_full(const search *s)
{
    return s->truncated && s->hits == s->max_results;
}

/* Takes so many names at a time, each time those behind the last: a directory may have millions. */
static int walk(search *s, int fd, walk_path *path, int depth)
{
    if (depth == SEARCH_DEPTH) {
        s->truncated = true;
        close(fd);
        return 0;
    }
    char last[256] = "";
    bool more = true;
    int rc = 0;
    while (rc == 0 && more && !is_full(s)) {
        dir_query query = {.max = NAMES_AT_ONCE, .after = last, .stop = s->stop, .arg = s->arg};
        dir_names names;
        rc = dir_read(fd, &query, &names);
        if (rc) {
            rc = rc == -ECANCELED ? rc : 0;
            break;
        }
        for (size_t i = 0; rc == 0 && i < names.n && !is_full(s); i++)
            rc = s->stop(s->arg) ? -ECANCELED : visit(s, fd, names.names[i], path, depth);
        more = names.n > 0 && names.total > names.n;
        if (more)
            snprintf(last, sizeof last, "%s", names.names[names.n - 1]);
        dir_free(&names);
    }
    close(fd);
    return rc;
}

int search_run(search *s, int fd, const char *prefix)
{
    walk_path path;
    path.n = strlen(prefix);
    if (path.n >= sizeof path.text) {
        close(fd);
        return 0;
    }
    memcpy(path.text, prefix, path.n + 1);
    return walk(s, fd, &path, 0);
}
