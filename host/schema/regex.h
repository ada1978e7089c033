/* regex.h - regular expressions of ECMA-262 (which JSON Schema uses), rewritten for PCRE2.
 *
 * The reading is that of ECMA-262 2025 with the u flag: characters are code points, \d \w \b mean
 * ASCII, \s is ECMA's white space, \p{...} takes ECMA's names, `$` is only the very end, and every
 * escape that ECMA-262 does not know is refused, as are the inventions of Perl, Python and PCRE2
 * (\A \Z \z \h \K \Q, possessive quantifiers, atomic groups, (?i) without a colon, (?#...),
 * conditions, recursion, verbs). Where the u flag refuses what schemas commonly hold, the reading
 * of annex B is taken: any character but ASCII letters and digits may follow a backslash and means
 * itself; `{`, `}` and `]` that end or begin nothing mean themselves; a class such as \w beside `-`
 * in brackets makes the
 * `-` mean itself.
 *
 * Two groups may not have one name, not even in different alternatives.
 * Half of a surrogate pair alone matches nothing, since the subject is UTF-8.
 */
#ifndef GN_SCHEMA_REGEX_H
#define GN_SCHEMA_REGEX_H

#include "util/buf.h"
#include "util/error.h"

#define GN_REGEX_MAX 4096  /* bytes of an expression */
#define GN_REGEX_DEPTH 100 /* groups inside groups */
#define GN_REGEX_OUT_MAX ((size_t)512 * 1024)

/* Appends to out what means the same to PCRE2, compiled with PCRE2_UTF, PCRE2_DOLLAR_ENDONLY,
 * PCRE2_ALLOW_EMPTY_CLASS and PCRE2_MATCH_UNSET_BACKREF (without PCRE2_UCP). GN_EINVAL: no regular
 * expression, the message says why and where; GN_ETOOBIG: over a limit. What PCRE2 cannot do
 * (lookbehind of variable length) is accepted here and refused there. [any thread] */
GN_NODISCARD int gn_regex_translate(const char *text, size_t len, struct gn_buf *out,
                                    struct gn_error *err);

/* Appends \p{...} or \P{...} for the name between the braces of ECMA-262; false, and nothing is
 * added, if it is none. [any thread] */
bool gn_regex_property(const char *name, size_t len, bool negated, struct gn_buf *out);

#endif
