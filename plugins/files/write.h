/* write.h - replacing a file in one step. Blocking. */
#ifndef FILES_WRITE_H
#define FILES_WRITE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes a file called name in the directory dir: all of it or, if it fails, nothing. A file that
 * is there is replaced if `overwrite` says so, and keeps its permissions; only a regular file is,
 * never what a link points at. 0 or an errno value: EEXIST, EISDIR, EINVAL (neither file nor
 * directory). */
int write_whole(int dir, const char *name, const char *data, size_t n, bool overwrite);

#endif
