/* dir.c - see dir.h. */
#include "dir.h"

#include "content.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOP_EVERY 1024 /* names */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keeps the first max names. */
static void cut(dir_names *names, size_t max)
{
    qsort(names->names, names->n, sizeof *names->names, compare);
    while (names->n > max)
        free(names->names[--names->n]);
}

static bool is_wanted(const dir_query *q, const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           (!q->after || strcmp(name, q->after) > 0) &&
           (!q->prefix || strncmp(name, q->prefix, strlen(q->prefix)) == 0) &&
           is_utf8(name, strlen(name));
}

/* The first names of all cannot be known before the last one was read: the room for twice as many
 * is filled, cut to the first half, and filled again; what comes behind that half is dropped at
 * once. */
static int collect(DIR *dir, const dir_query *q, dir_names *names)
{
    const char *bound = NULL; /* nothing behind this one is needed any more */
    struct dirent *d;
    size_t seen = 0;
    while (errno = 0, (d = readdir(dir))) {
        if (q->stop && ++seen % STOP_EVERY == 0 && q->stop(q->arg))
            return -ECANCELED;
        if (!is_wanted(q, d->d_name))
            continue;
        names->total++;
        if (bound && strcmp(d->d_name, bound) > 0)
            continue;
        char *copy = strdup(d->d_name);
        if (!copy)
            return -ENOMEM;
        names->names[names->n++] = copy;
        if (names->n == 2 * q->max) {
            cut(names, q->max);
            bound = names->names[q->max - 1];
        }
    }
    return -errno;
}

int dir_read(int fd, const dir_query *query, dir_names *ret)
{
    *ret = (dir_names){.names = calloc(query->max, 2 * sizeof(char *))};
    int own = openat(
        fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* from its start, and closedir's to close */
    DIR *dir = own < 0 || !ret->names ? NULL : fdopendir(own);
    int rc = dir ? collect(dir, query, ret) : -errno;
    if (dir)
        closedir(dir);
    else if (own >= 0)
        close(own);
    if (rc)
        dir_free(ret);
    else
        cut(ret, query->max);
    return rc;
}

void dir_free(dir_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->names[i]);
    free(names->names);
    *names = (dir_names){.names = NULL};
}
