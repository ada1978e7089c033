/* term.h - the terminal that a person sits at: what it is able to show.
 *
 * Colours and a line that changes are for terminals only. The environment decides with: NO_COLOR
 * (not empty) takes colours away (https://no-color.org), CLICOLOR_FORCE (neither empty nor 0) gives
 * them to a file or pipe as well, TERM=dumb is a terminal that knows no escape sequence.
 */
#ifndef GANTRY_TERM_H
#define GANTRY_TERM_H

#include <stdbool.h>
#include <stdio.h>

struct gn_term {
    FILE *out; /* borrowed */
    bool is_terminal;
    bool has_colours;
    bool can_redraw; /* the line that the cursor is in */
};

/* What `out` leads to. */
void gn_term_init(struct gn_term *t, FILE *out);

/* Columns, as they are now: of the terminal, else what COLUMNS says, else 80. Never 0. */
unsigned gn_term_width(const struct gn_term *t);

enum gn_style {
    GN_STYLE_NONE, /* back to plain */
    GN_STYLE_BOLD,
    GN_STYLE_DIM,
    GN_STYLE_RED,
    GN_STYLE_GREEN,
    GN_STYLE_YELLOW,
    GN_STYLE_BLUE,
    GN_STYLE_CYAN,
};
/* The sequence that begins it; "" without colours. */
const char *gn_term_style(const struct gn_term *t, enum gn_style style);

#endif
