/* jsonc.h - a configuration file of JSON, perhaps with comments, commas at the end and a byte order
 * mark, as people write them; and where in its text things stand.
 */
#ifndef GANTRY_JSONC_H
#define GANTRY_JSONC_H

#include "json/json.h"

#define GN_JSONC_MAX ((size_t)64 << 20) /* bytes of a file */

struct gn_jsonc {
    char *text;  /* as it stands in the file */
    char *plain; /* the same bytes, but blanks for what JSON does not have */
    size_t len;
    struct gn_json_doc doc;
};

/* Takes the text (a copy is made). An empty one is an empty object. GN_EINVAL with line and column;
 * GN_ETOOBIG. */
int gn_jsonc_parse(struct gn_jsonc *j, const char *text, size_t len, struct gn_error *err);
/* The same of a file, which must be a regular one. GN_ENOENT without a message in detail if it is
 * not there. Messages begin with the path. owner: not NULL: GN_EPERM if it belongs to neither that
 * user nor root. */
int gn_jsonc_read(struct gn_jsonc *j, const char *path, const unsigned *owner,
                  struct gn_error *err);
void gn_jsonc_release(struct gn_jsonc *j);

/* ---- where things stand */

struct gn_jsonc_span {
    size_t from, to; /* text[from..to) */
};

/* A member of an object. */
struct gn_jsonc_member {
    struct gn_jsonc_span name, value; /* the name with its quotes */
};

/* The end of the string whose quote stands at `at`: behind its other quote. */
size_t gn_jsonc_string_end(const struct gn_jsonc *j, size_t at);
/* The end of the comment that begins at `at` of the text as it stands; `at` if none does. */
size_t gn_jsonc_comment_end(const struct gn_jsonc *j, size_t at);
/* The first place from `at` on, and before `end`, that is neither blank nor within a comment, in
 * the text as it stands: there a comma at the end is seen. `end` if there is none. */
size_t gn_jsonc_skip(const struct gn_jsonc *j, size_t at, size_t end);
/* The value that is the document. */
struct gn_jsonc_span gn_jsonc_root(const struct gn_jsonc *j);
/* The member after prev (NULL: the first) of the object at `object`; false: there is none, or it is
 * no object. */
bool gn_jsonc_next(const struct gn_jsonc *j, struct gn_jsonc_span object,
                   const struct gn_jsonc_member *prev, struct gn_jsonc_member *ret);
/* The member of that name: the last, if there are several. */
bool gn_jsonc_find(const struct gn_jsonc *j, struct gn_jsonc_span object, const char *name,
                   struct gn_jsonc_member *ret);

#endif
