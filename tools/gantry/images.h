/* images.h - pictures, sounds and other bytes of a result, saved to files.
 *
 * Names and types come from the server: of a name only letters, digits, dots, dashes and
 * underscores are kept. No file is ever written over, no link followed; only the user may read what
 * is saved.
 */
#ifndef GANTRY_IMAGES_H
#define GANTRY_IMAGES_H

#include "util/buf.h"
#include "util/error.h"

/* Appends a safe file name with an extension: what stands behind the last slash of uri (may be
 * NULL), else `kind` ("image"); the extension is that of the MIME type (may be NULL), else that of
 * the uri, else "bin". n: 1, or more if that name is taken. */
void gn_image_add_name(struct gn_buf *out, const char *kind, const char *uri, const char *mime,
                       unsigned n);

/* Saves bytes to a new file, mode 0600: in the folder `save`, which is made if it is not there;
 * with NULL in $XDG_RUNTIME_DIR, $TMPDIR or /tmp, under a name that nobody can foresee. *ret_path
 * is owned by the caller. */
int gn_image_save(const char *save, const char *kind, const char *uri, const char *mime,
                  const void *bytes, size_t len, char **ret_path, struct gn_error *err);

#endif
