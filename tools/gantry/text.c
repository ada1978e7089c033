/* text.c - text for a terminal: made harmless, measured, cut and wrapped. */
#include "text.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define TAB 8

/* The character that begins text, and its bytes; what is no UTF-8 is one byte, *ret_c is then
 * UINT32_MAX. */
static size_t next_char(const char *text, size_t len, uint32_t *ret_c)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t n = gn_utf8_sequence(text, len);
    *ret_c = UINT32_MAX;
    if (n == 0)
        return 1;
    uint32_t c = (uint8_t)text[0] & masks[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((uint8_t)text[i] & 0x3f);
    *ret_c = c;
    return n;
}

static bool can_steer(uint32_t c)
{
    return c < ' ' || (c >= 0x7f && c < 0xa0) || /* both kinds of control characters */
           c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

void gn_text_add_safe(struct gn_buf *out, const char *text, size_t len, bool one_line)
{
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = next_char(text + i, len - i, &c);
        if (c == '\n' && one_line)
            gn_buf_adds(out, "\\n");
        else if (c == '\t' && one_line)
            gn_buf_addc(out, ' ');
        else if (c == UINT32_MAX)
            gn_buf_addf(out, "\\x%02x", (unsigned char)text[i]);
        else if (c == '\n' || c == '\t' || !can_steer(c))
            gn_buf_add(out, text + i, n);
        else
            gn_buf_addf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        i += n;
    }
}

static unsigned width_of(uint32_t c)
{
    return c == UINT32_MAX ? 1 : gn_char_width(c);
}

size_t gn_text_width(const char *text, size_t len)
{
    size_t width = 0;
    uint32_t c;
    for (size_t i = 0; i < len; width += width_of(c))
        i += next_char(text + i, len - i, &c);
    return width;
}

size_t gn_text_cut(const char *text, size_t len, size_t columns)
{
    size_t i = 0, width = 0;
    while (i < len) {
        uint32_t c;
        size_t n = next_char(text + i, len - i, &c);
        width += width_of(c);
        if (width > columns)
            break;
        i += n;
    }
    return i;
}

void gn_text_add_cut(struct gn_buf *out, const char *text, size_t len, size_t columns)
{
    size_t cut = gn_text_cut(text, len, columns);
    bool has_dots = cut < len && columns > 3;
    if (has_dots)
        cut = gn_text_cut(text, len, columns - 3);
    gn_buf_add(out, text, cut);
    gn_buf_adds(out, has_dots ? "..." : "");
}

size_t gn_text_line(const char *text, size_t len, size_t columns, size_t *ret_next)
{
    /* Nothing is looked at twice: lines may be long, and are cut into many. */
    size_t cut = gn_text_cut(text, len, columns);
    const char *newline = memchr(text, '\n', GN_MIN(cut + 1, len));
    if (newline || cut == len) {
        size_t end = newline ? (size_t)(newline - text) : len;
        *ret_next = newline ? end + 1 : end;
        return end;
    }
    size_t stop = cut, start = strspn(text, " ");
    while (stop > start && text[stop] != ' ')
        stop--;
    if (stop <= start) { /* one word that is too long; a character at least */
        uint32_t c;
        *ret_next = stop = cut ? cut : next_char(text, len, &c);
        return stop;
    }
    size_t next = stop;
    while (next < len && text[next] == ' ')
        next++;
    while (stop > 0 && text[stop - 1] == ' ')
        stop--;
    *ret_next = next < len && text[next] == '\n' ? next + 1 : next;
    return stop;
}

static void add_blanks(struct gn_buf *out, size_t count)
{
    while (count--)
        gn_buf_addc(out, ' ');
}

/* Harmless, with blanks for tabs. */
static void add_plain(struct gn_buf *out, const char *text, size_t len)
{
    size_t column = 0;
    for (size_t i = 0; i < len; i++) {
        size_t n = 0, from = out->len;
        while (i + n < len && text[i + n] != '\t' && text[i + n] != '\n')
            n++;
        gn_text_add_safe(out, text + i, n, false);
        column += gn_text_width(gn_buf_str(out) + from, out->len - from);
        i += n;
        if (i < len && text[i] == '\t') {
            size_t blanks = TAB - column % TAB;
            add_blanks(out, blanks);
            column += blanks;
        } else if (i < len) {
            gn_buf_addc(out, '\n');
            column = 0;
        }
    }
}

/* The last line, which begins at `start`, says that there is more. */
static void add_dots(struct gn_buf *out, size_t start, size_t columns)
{
    size_t len = out->len - start;
    GN_AUTO_FREE char *line = gn_strndup(gn_buf_str(out) + start, len);
    size_t cut = gn_text_cut(line, len, columns > 3 ? columns - 3 : columns);
    gn_buf_cut(out, start + cut);
    gn_buf_adds(out, columns > 3 ? "..." : "");
}

/* Blanks that a line begins with, and what an item of a list begins with. */
static size_t own_indent(const char *line, size_t len)
{
    size_t blanks = GN_MIN(strspn(line, " "), len);
    bool is_item = len > blanks + 1 && strchr("-*+", line[blanks]) && line[blanks + 1] == ' ';
    return is_item ? blanks + 2 : blanks;
}

void gn_text_add_wrapped(struct gn_buf *out, const char *text, size_t len, size_t indent,
                         size_t columns, size_t max_lines)
{
    struct gn_buf plain = GN_BUF_INIT(len * TAB + TAB);
    columns = columns > indent ? columns - indent : 1;
    add_plain(&plain, text, len);
    const char *at = gn_buf_str(&plain);
    size_t left = plain.len, own = 0, lines = 0;
    while (left > 0 && at[left - 1] == '\n')
        left--;
    bool is_continued = false;
    do {
        if (lines > 0)
            add_blanks(out, indent);
        if (!is_continued) {
            own = own_indent(at, left);
            own = own * 2 > columns ? 0 : own;
        } else {
            add_blanks(out, own);
        }
        size_t start = out->len, room = is_continued ? columns - own : columns, next = 0;
        size_t n = left ? gn_text_line(at, left, room, &next) : 0;
        gn_buf_add(out, at, n);
        is_continued = next > 0 && at[next - 1] != '\n';
        at += next;
        left -= next;
        if (max_lines && ++lines == max_lines && left > 0) {
            add_dots(out, start, room);
            left = 0;
        } else if (!max_lines) {
            lines = 1;
        }
        gn_buf_addc(out, '\n');
    } while (left > 0);
    gn_buf_release(&plain);
}
