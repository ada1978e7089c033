/* pattern.h - regular expressions of JSON Schema (`pattern`, `patternProperties`), on PCRE2 with
 * the work bounded. They are read as ECMA-262 (regex.h says how) and are not anchored.
 *
 * Three readings differ from ECMA-262: what a group in a repetition captured stays captured in the
 * next round, lookbehind must have one length for each of its alternatives, and inside (?i:...) the
 * properties Lu, Ll and Lt and their opposites look at letters without regard to case.
 */
#ifndef GN_SCHEMA_PATTERN_H
#define GN_SCHEMA_PATTERN_H

#include "util/common.h"
#include "util/error.h"

#define GN_PATTERN_SUBJECT_MAX ((size_t)64 * 1024)

/* Immutable once compiled: match from any thread. */
struct gn_pattern;

/* GN_EINVAL: not a regular expression; GN_ETOOBIG: over a limit; GN_ENOTSUP: one that PCRE2 has no
 * way to match. The message quotes the expression and says why and where. *ret is owned by the
 * caller. The text may hold NUL. [any thread] */
GN_NODISCARD int gn_pattern_compile(const char *text, size_t len, struct gn_pattern **ret,
                                    struct gn_error *err);
void gn_pattern_free(struct gn_pattern *p);
/* 1: it matches somewhere; 0: not, or s is not UTF-8; GN_ETOOBIG: longer than
 * GN_PATTERN_SUBJECT_MAX, or too much work to tell: more than *steps, which is reduced by what it
 * took. Nearly every match takes a quarter of the bytes; one that goes back and forth for long
 * takes GN_PATTERN_DEAR and ends after about ten million steps of PCRE2. [any thread] */
#define GN_PATTERN_DEAR UINT64_C(2000000)
int gn_pattern_match(const struct gn_pattern *p, const char *s, size_t len, uint64_t *steps);

#endif
