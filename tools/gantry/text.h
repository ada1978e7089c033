/* text.h - text for a terminal: made harmless, measured in columns, cut and wrapped.
 *
 * A column is what a narrow letter takes; East Asian characters and pictures take two, combining
 * marks none. Text is UTF-8; bytes that are none take a column each. All functions are pure.
 */
#ifndef GANTRY_TEXT_H
#define GANTRY_TEXT_H

#include "util/buf.h"

/* Columns of one character: 0, 1 or 2. It is not a control character. (width.c) */
unsigned gn_char_width(uint32_t c);

/* Appends text from elsewhere so that it cannot steer a terminal: control characters of both kinds,
 * marks that change the direction of writing or end a line, and bytes that are no UTF-8 become
 * escapes ("\x1b", "\u202e"). Newlines and tabs stay; on one line a newline becomes "\n" as it is
 * written in C, and a tab a blank. */
#define GN_TEXT_GROWTH 4 /* bytes that one byte becomes at most */
void gn_text_add_safe(struct gn_buf *out, const char *text, size_t len, bool one_line);

/* Columns of text without control characters. */
size_t gn_text_width(const char *text, size_t len);
/* The most bytes of the text that take at most so many columns; no character is cut, and marks stay
 * with what they are on. */
size_t gn_text_cut(const char *text, size_t len, size_t columns);
/* Appends text (of one line) cut to so many columns, with "..." at the end if something is missing
 * and there is room for that. */
void gn_text_add_cut(struct gn_buf *out, const char *text, size_t len, size_t columns);

/* The first line of text that is wrapped to so many columns (at least 1): its bytes; *ret_next is
 * where the next line begins. It ends before a newline, else where the last word ends that fits;
 * a word that is too long is cut. Blanks at the break are dropped. At least one character. */
size_t gn_text_line(const char *text, size_t len, size_t columns, size_t *ret_next);
/* Appends text wrapped to so many columns, `indent` blanks before each line but the first (what
 * stands before that is the caller's, and takes `indent` columns), and a newline at the end. Tabs
 * become blanks; what a line is indented by itself is kept for what it is continued with. At most
 * max_lines, the last of which then ends in "..."; 0: any number. The text is made harmless. */
void gn_text_add_wrapped(struct gn_buf *out, const char *text, size_t len, size_t indent,
                         size_t columns, size_t max_lines);

#endif
