/* dir.h - the names in a directory, in order, a bounded number of them at a time. Blocking. */
#ifndef FILES_DIR_H
#define FILES_DIR_H

#include <stdbool.h>
#include <stddef.h>

/* Which names to read. However large a directory is, no more than twice `max` are kept at any time.
 */
typedef struct {
    size_t max;              /* the first so many, at least 1 */
    const char *after;       /* only names behind this one; NULL: from the start */
    const char *prefix;      /* only names that begin with this; NULL: all */
    bool (*stop)(void *arg); /* asked now and then; true ends it with -ECANCELED; may be NULL */
    void *arg;
} dir_query;

typedef struct {
    char **names; /* in the order of strcmp() */
    size_t n;
    size_t total; /* how many there are behind `after`, beyond `max` too */
} dir_names;

/* Reads the directory fd, which stays open and must not be read by anybody else meanwhile. Left
 * out: "." and "..", and names that are not UTF-8, since JSON cannot carry them. 0 or -errno; *ret
 * is to be freed after 0 only. */
int dir_read(int fd, const dir_query *query, dir_names *ret);
void dir_free(dir_names *names);

#endif
