/* regex_parts.h - inside the files regex*.c: the reader of an expression, its characters and its
 * classes. Functions that take something read it at r->at and move behind it, and write what they
 * read to r->out where they say so; negative results are errors, with the message set.
 */
#ifndef GN_SCHEMA_REGEX_PARTS_H
#define GN_SCHEMA_REGEX_PARTS_H

#include "schema/chars.h"
#include "schema/regex.h"

/* A group that is not closed yet. */
struct gn_regex_open {
    uint32_t captures; /* its number, 0: it does not capture */
    bool looks;        /* ahead or behind: no quantifier may follow */
    bool behind;       /* it or one around it looks behind */
    bool dot_all;      /* `.` means every character */
    bool multiline;    /* `^` and `$` mean ends of lines too */
};

/* Zeroed but for text, len, out and err. */
struct gn_regex_reader {
    const char *text; /* UTF-8 */
    size_t len, at;
    struct gn_buf *out;
    struct gn_error *err;
    uint32_t groups; /* that capture: in the whole text, and opened so far */
    uint32_t opened;
    size_t depth;
    struct gn_regex_open open[GN_REGEX_DEPTH + 1]; /* [0] is the expression itself */
};

/* Sets the message, "WHY at character N", and returns GN_EINVAL. `at` counts bytes. */
int gn_regex_fail(struct gn_regex_reader *r, size_t at, const char *why);
/* True if s stands here; skip also moves behind it. */
bool gn_regex_next_is(const struct gn_regex_reader *r, const char *s);
bool gn_regex_skip(struct gn_regex_reader *r, const char *s);

/* One character of the text, which does not end here. */
uint32_t gn_regex_take_char(struct gn_regex_reader *r);
/* An escape that means one character, in brackets or outside; the backslash is taken. */
int gn_regex_take_char_escape(struct gn_regex_reader *r, uint32_t *ret);
/* \d \D \w \W \s \S \p{...} \P{...}, if one stands here (the backslash is taken): writes it and
 * returns 1; else 0. */
int gn_regex_take_class_escape(struct gn_regex_reader *r, bool in_brackets);
/* [...], the bracket is taken: writes it. */
int gn_regex_take_brackets(struct gn_regex_reader *r);

/* Writes one character, outside brackets. */
void gn_regex_write_char(struct gn_regex_reader *r, uint32_t c);

#endif
