/* change.h - a file of somebody's, about to be changed: what would change, and how it is written.
 */
#ifndef GANTRY_CHANGE_H
#define GANTRY_CHANGE_H

#include "jsonc.h"

#include <stdio.h>
#include <sys/stat.h>

struct gn_change {
    char *path;      /* as it was named */
    char *real;      /* the file itself, behind all links */
    struct stat was; /* of the file as it was read */
    bool exists;
    bool is_private;               /* a new one is for its owner only */
    struct gn_jsonc before, after; /* before is empty if there is no file */
};

/* Reads the file, if there is one. */
int gn_change_begin(struct gn_change *c, const char *path, struct gn_error *err);
/* Takes the new text, which must be JSON. */
int gn_change_set(struct gn_change *c, const struct gn_buf *text, struct gn_error *err);
void gn_change_release(struct gn_change *c);

/* The lines that change, with some around them, as diff -u has them; secrets are hidden. */
void gn_change_print(const struct gn_change *c, FILE *out);

/* Writes it: what was there is kept beside it (ret_backup, owned; NULL: nothing was), the new file
 * takes its place as a whole, with its mode and its owner. GN_EBUSY: it has changed since it was
 * read; nothing is written then, or if anything else is wrong. */
int gn_change_write(const struct gn_change *c, char **ret_backup, struct gn_error *err);

#endif
