/* search.h - walking a directory tree and looking for text in its files. Blocking. */
#ifndef FILES_SEARCH_H
#define FILES_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEARCH_DEPTH 32 /* directories in each other */
#define SEARCH_LINE 200 /* bytes of a matching line that are shown */

typedef struct {
    const char *text; /* what to look for; NULL: names only */
    bool ignore_case; /* of the letters A to Z */
    const char *glob; /* which file names, fnmatch(3); NULL: all */
    int64_t max_file; /* larger files are skipped, bytes */
    int64_t max_results;
    /* Called for each hit; line is 0 for a hit by name. Not 0 ends the search with that value. */
    int (*on_hit)(void *arg, const char *path, int64_t line, const char *text, size_t n);
    /* Called for each file, with how many it is by now. */
    void (*on_file)(void *arg, int64_t files);
    /* Asked all the time; true ends the search with -ECANCELED. */
    bool (*stop)(void *arg);
    void *arg;
    /* results */
    int64_t files, hits;
    bool truncated; /* max_results was reached, or the tree is deeper than SEARCH_DEPTH */
} search;

/* Walks the directory fd (closed here) in order of names; prefix is how its files are named to the
 * client. Symbolic links are not followed; what cannot be read is passed over. May be called for
 * several directories, the results add up. 0, -ECANCELED, or what on_hit returned. */
int search_run(search *s, int fd, const char *prefix);

#endif
