/* search.h - walking a directory tree and looking for text in its files. Blocking. */
#ifndef FILES_SEARCH_H
#define FILES_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEARCH_DEPTH 32
#define SEARCH_LINE 200 /* bytes of a matching line that are shown */

typedef struct {
    const char *text;     /* what to look for; NULL: names only */
    bool ignore_case;     /* ASCII */
    const char *glob;     /* which file names, fnmatch(3); NULL: all */
    int64_t max_file;     /* larger files are skipped, bytes */
    int64_t max_results;
    /* Called for each hit; line is 0 for a hit by name. Not 0 ends the search with that value. */
    int (*on_hit)(void *arg, const char *path, int64_t line, const char *text, size_t n);
    /* Called for each file; not 0 ends the search with that value. */
    int (*on_file)(void *arg, int64_t files);
    void *arg;
    /* results */
    int64_t files, hits;
    bool truncated; /* max_results was reached, or the tree is deeper than SEARCH_DEPTH */
} search;

/* Walks the directory fd (closed here); prefix is how its files are named to the client. Symbolic links
 * are not followed. 0, or what a callback returned. */
int search_run(search *s, int fd, const char *prefix);

/* True if the bytes are UTF-8 without NUL: text. */
bool search_is_text(const char *data, size_t n);
/* Reads a whole regular file of at most max bytes: malloc'ed, NUL-terminated. NULL with errno set; EFBIG:
 * too large, EINVAL: not a regular file. */
char *search_read(int fd, int64_t max, size_t *ret_n);

#endif
