/* scan.h - how much stands below a directory, found out in pieces: each step blocks for a moment
 * and can be the last. Symbolic links are not followed, other file systems not entered. One thread
 * at a time, not always the same. */
#ifndef SYSTEM_SCAN_H
#define SYSTEM_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_DEPTH 64
#define SCAN_CHILDREN 4096 /* that are told apart */
#define SCAN_PATH 4096

typedef struct {
    char *name;
    int64_t bytes, files;
    bool is_directory;
} scan_child;

typedef struct scan {
    /* so far */
    int64_t bytes, files, directories;
    int64_t skipped; /* what could not be read, was too deep, or is another file system */
    scan_child children[SCAN_CHILDREN];
    size_t count;
    int64_t others; /* bytes of children beyond those */
    bool is_done;
    /* its own */
    struct scan_state *state;
} scan;

/* Begins below `path`, parts with slashes between them, of the directory `root`; "" is that itself.
 * NULL: *ret_error is an errno. */
scan *scan_begin(const char *root, const char *path, int *ret_error);
/* Looks at about `entries` more. */
void scan_step(scan *s, size_t entries);
void scan_free(scan *s);
/* Largest first. */
void scan_sort(scan *s);

#endif
