/* file.h - a file that lines are appended to, replaced by an empty one when it has grown too large:
 * FILE becomes FILE.1, FILE.1 becomes FILE.2, and so on; the oldest goes.
 *
 * Any thread, under a mutex of its own. Writes go straight to the system, which keeps them; nothing
 * waits for the disk. A pipe or device is written to without waiting for its reader.
 */
#ifndef GN_OBSERVE_FILE_H
#define GN_OBSERVE_FILE_H

#include "util/buf.h"
#include "util/error.h"

struct gn_log_file;

struct gn_log_file_options {
    const char *path;
    uint64_t max_size; /* bytes; 0: it is never replaced */
    uint32_t keep;     /* old files; 0: none, the lines are lost */
    uint32_t mode;     /* permissions of a new file */
};

/* NULL: it cannot be opened, err says why. */
struct gn_log_file *gn_log_file_open(const struct gn_log_file_options *options,
                                     struct gn_error *err);
/* Opens the path again (somebody may have moved the file away) and goes by new options. On failure
 * all stays as it was. */
int gn_log_file_configure(struct gn_log_file *f, const struct gn_log_file_options *options,
                          struct gn_error *err);
/* Appends whole lines. 0, or a negative code: they are not in the file (lost is counted). */
int gn_log_file_write(struct gn_log_file *f, const char *data, size_t len);
/* Writes that failed since the last one that did not. */
uint64_t gn_log_file_lost(struct gn_log_file *f);
void gn_log_file_close(struct gn_log_file *f); /* NULL is fine */

#endif
