/* uri_template.h - RFC 6570 URI templates: expansion (level 4) and, for a subset, matching.
 *
 * Matching takes `{x}` (one segment or a part of one, never empty), `{x*}` (one or more segments)
 * and one `{?a,b}` at the end (optional query parameters, in any order). Everything else can be
 * expanded but not matched and is refused by gn_uri_template_parse when matching is asked for, as
 * are duplicate or illegal variable names and adjacent variables that cannot be told apart.
 *
 * Matching works on the encoded form and decodes afterwards; a decoded `{x}` that holds '/', NUL,
 * or is "." or ".." does not match, nor does a `{x*}` with such a segment. Literals compare in a
 * normalised form: unreserved characters decoded, the rest percent-encoded, so a template with a
 * space or a letter outside ASCII is reachable.
 */
#ifndef GN_REGISTRY_URI_TEMPLATE_H
#define GN_REGISTRY_URI_TEMPLATE_H

#include "util/arena.h"
#include "util/buf.h"
#include "util/error.h"
#include "json/json.h"

struct gn_uri_template;

/* Parses; for_matching refuses what cannot be matched. The message does not name the template:
 * its caller does. */
GN_NODISCARD int gn_uri_template_parse(const char *text, bool for_matching,
                                       struct gn_uri_template **ret, struct gn_error *err);
void gn_uri_template_free(struct gn_uri_template *t);
const char *gn_uri_template_text(const struct gn_uri_template *t);
/* Names of its variables in order of appearance, NULL-terminated; is_query says which kind. */
const char *const *gn_uri_template_vars(const struct gn_uri_template *t);
bool gn_uri_template_var_is_query(const struct gn_uri_template *t, size_t index);

/* True if uri matches; *ret_vars is then a JSON object of strings in the arena (query parameters
 * that are missing or empty are left out, unknown ones ignored, repeated ones: the first). A URI
 * longer than 8 KiB or with a fragment or a malformed escape matches nothing. Linear in the length
 * of the URI times the number of variables. */
bool gn_uri_template_match(const struct gn_uri_template *t, const char *uri, struct gn_arena *arena,
                           const gantry_json **ret_vars);
/* Expands with the members of `vars` (strings, numbers, booleans, arrays, objects). */
int gn_uri_template_expand(const struct gn_uri_template *t, const gantry_json *vars,
                           struct gn_buf *out);

/* More literal characters first: which of two matching templates is the better one. */
int gn_uri_template_compare(const struct gn_uri_template *a, const struct gn_uri_template *b);
/* A URI in the normalised form used for comparing. */
int gn_uri_normalize(const char *uri, struct gn_buf *out);

#endif
