/* pattern.h - regular expressions of JSON Schema (`pattern`), on PCRE2 with the work bounded.
 *
 * ECMA-262 as far as PCRE2's options go: UTF, \uHHHH and \xHH, $ only at the very end, ASCII
 * classes, not anchored. Compiled patterns are immutable: match from any thread.
 */
#ifndef GN_SCHEMA_PATTERN_H
#define GN_SCHEMA_PATTERN_H

#include "util/common.h"
#include "util/error.h"

struct gn_pattern;

/* GN_EINVAL: not a regular expression; the message says where. *ret is owned by the caller. */
GN_NODISCARD int gn_pattern_compile(const char *text, struct gn_pattern **ret,
                                    struct gn_error *err);
void gn_pattern_free(struct gn_pattern *p);
/* 1: it matches; 0: not; GN_ETOOBIG: too long or too much work to tell (about ten million steps).
 */
int gn_pattern_match(const struct gn_pattern *p, const char *s, size_t len);

#endif
