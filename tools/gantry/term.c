/* term.c - the terminal that a person sits at. */
#include "term.h"

#include "util/str.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MAX 10000

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

void gn_term_init(struct gn_term *t, FILE *out)
{
    const char *kind = getenv("TERM");
    bool is_dumb = !kind || !*kind || gn_streq(kind, "dumb");
    bool is_forced = is_set("CLICOLOR_FORCE") && !gn_streq(getenv("CLICOLOR_FORCE"), "0");
    *t = (struct gn_term){.out = out, .is_terminal = isatty(fileno(out))};
    t->can_redraw = t->is_terminal && !is_dumb;
    t->has_colours = (t->can_redraw || is_forced) && !is_set("NO_COLOR");
}

unsigned gn_term_width(const struct gn_term *t)
{
    struct winsize size = {0};
    int64_t columns;
    if (t->is_terminal && ioctl(fileno(t->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    if (gn_parse_int64(is_set("COLUMNS") ? getenv("COLUMNS") : "", &columns) && columns > 0 &&
        columns <= WIDTH_MAX)
        return (unsigned)columns;
    return WIDTH_DEFAULT;
}

const char *gn_term_style(const struct gn_term *t, enum gn_style style)
{
    static const char *const sequences[] = {
        [GN_STYLE_NONE] = "\033[0m",  [GN_STYLE_BOLD] = "\033[1m",   [GN_STYLE_DIM] = "\033[2m",
        [GN_STYLE_RED] = "\033[31m",  [GN_STYLE_GREEN] = "\033[32m", [GN_STYLE_YELLOW] = "\033[33m",
        [GN_STYLE_BLUE] = "\033[34m", [GN_STYLE_CYAN] = "\033[36m",
    };
    return t->has_colours ? sequences[style] : "";
}
