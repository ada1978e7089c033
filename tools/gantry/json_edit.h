/* json_edit.h - changes one member of a JSON text, and leaves every other byte as it is: comments,
 * order, indentation, line ends, a byte order mark.
 */
#ifndef GANTRY_JSON_EDIT_H
#define GANTRY_JSON_EDIT_H

#include "jsonc.h"

/* Sets the member that the names lead to (NULL-terminated, one at least): objects that are missing
 * on the way are made. unit: what is indented by where the text does not show it. out is the new
 * text. GN_EINVAL: something on the way is no object; the message names it. */
int gn_json_set(const struct gn_jsonc *j, const char *const *names, const gantry_json *value,
                const char *unit, struct gn_buf *out, struct gn_error *err);
/* Takes the member away, all of that name. GN_ENOENT: it is not there. */
int gn_json_remove(const struct gn_jsonc *j, const char *const *names, struct gn_buf *out,
                   struct gn_error *err);
/* The value at the end of the names; NULL: not there. */
const gantry_json *gn_json_follow(const gantry_json *root, const char *const *names);
/* True if the two say the same but for what the names lead to, which is `value` in `after` (NULL:
 * not there). */
bool gn_json_differs_only(const gantry_json *before, const gantry_json *after,
                          const char *const *names, const gantry_json *value);

#endif
