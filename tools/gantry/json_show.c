/* json_show.c - JSON in colours. */
#include "person.h"

#include "term.h"
#include "text.h"
#include "util/alloc.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define STRING_GROWTH 6 /* bytes that a byte becomes at most: \u0001 */
#define NAME_COLUMNS 20
#define DEPTH_MAX 200 /* below that, on one line */

struct painter {
    FILE *out;
    struct gn_term term;
};

static void paint(struct painter *p, enum gn_style style, const char *text, size_t len)
{
    fputs(gn_term_style(&p->term, style), p->out);
    fwrite(text, 1, len, p->out);
    fputs(gn_term_style(&p->term, GN_STYLE_NONE), p->out);
}

/* The escapes are those of JSON: what is copied from the terminal is still the same value. */
static void paint_string(struct painter *p, enum gn_style style, const char *text, size_t len)
{
    struct gn_buf json = GN_BUF_INIT(len * STRING_GROWTH + 3);
    struct gn_buf safe = GN_BUF_INIT((len * STRING_GROWTH + 3) * STRING_GROWTH);
    gn_json_write_str(&json, text, len);
    for (size_t i = 0; i < json.len; i++) {
        unsigned char c = (unsigned char)json.data[i];
        size_t run = i;
        if (c == 0x7f) {
            gn_buf_adds(&safe, "\\u007f");
        } else if (c == 0xc2 && (unsigned char)json.data[i + 1] < 0xa0) {
            gn_buf_addf(&safe, "\\u%04x", (unsigned)(unsigned char)json.data[++i]);
        } else {
            while (run < json.len && json.data[run] != 0x7f &&
                   ((unsigned char)json.data[run] != 0xc2 ||
                    (unsigned char)json.data[run + 1] >= 0xa0))
                run++;
            gn_text_add_safe(&safe, json.data + i, run - i, true);
            i = run - 1;
        }
    }
    paint(p, style, gn_buf_str(&safe), safe.len);
    gn_buf_release(&json);
    gn_buf_release(&safe);
}

static void paint_value(struct painter *p, const json_t *value, unsigned depth);

static void new_line(struct painter *p, unsigned depth)
{
    fprintf(p->out, "\n%*s", (int)depth * 2, "");
}

static void paint_object(struct painter *p, const json_t *value, unsigned depth)
{
    const char *name;
    json_t *member;
    size_t n = 0;
    fputc('{', p->out);
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        fputs(n++ ? "," : "", p->out);
        new_line(p, depth + 1);
        paint_string(p, GN_STYLE_BLUE, name, strlen(name));
        fputs(": ", p->out);
        paint_value(p, member, depth + 1);
    }
    if (n)
        new_line(p, depth);
    fputc('}', p->out);
}

/* Numbers and the like, few enough for one line. */
static bool fits_line(const struct painter *p, const json_t *array, unsigned depth)
{
    size_t i, len = 0, room = gn_term_width(&p->term);
    json_t *item;
    if (json_array_size(array) > room)
        return false;
    json_array_foreach(array, i, item)
    {
        char *text = json_is_number(item) || json_is_boolean(item) || json_is_null(item)
                         ? json_dumps(item, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17))
                         : NULL;
        if (!text)
            return false;
        len += strlen(text) + 2;
        free(text);
    }
    /* Its name stands before it, too. */
    return len + (size_t)depth * 2 + NAME_COLUMNS <= room;
}

static void paint_array(struct painter *p, const json_t *value, unsigned depth)
{
    const bool is_line = fits_line(p, value, depth);
    size_t i;
    json_t *item;
    fputc('[', p->out);
    json_array_foreach(value, i, item)
    {
        fputs(i ? is_line ? ", " : "," : "", p->out);
        if (!is_line)
            new_line(p, depth + 1);
        paint_value(p, item, depth + 1);
    }
    if (json_array_size(value) && !is_line)
        new_line(p, depth);
    fputc(']', p->out);
}

/* Numbers in their shortest form. */
static char *print_scalar(const json_t *value)
{
    struct gn_buf out = GN_BUF_INIT(64);
    if (!json_is_real(value))
        return json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(17));
    gn_json_write_num(&out, json_real_value(value));
    char *text = strdup(gn_buf_str(&out));
    gn_buf_release(&out);
    return text;
}

static void paint_other(struct painter *p, const json_t *value)
{
    char *text = print_scalar(value);
    enum gn_style style = json_is_number(value)    ? GN_STYLE_CYAN
                          : json_is_boolean(value) ? GN_STYLE_YELLOW
                                                   : GN_STYLE_DIM;
    if (text)
        paint(p, style, text, strlen(text));
    free(text);
}

static void paint_value(struct painter *p, const json_t *value, unsigned depth)
{
    if (json_is_string(value))
        paint_string(p, GN_STYLE_GREEN, json_string_value(value), json_string_length(value));
    else if (json_is_object(value) && depth < DEPTH_MAX)
        paint_object(p, value, depth);
    else if (json_is_array(value) && depth < DEPTH_MAX)
        paint_array(p, value, depth);
    else
        paint_other(p, value);
}

void gn_show_json(FILE *out, const json_t *value)
{
    struct painter p = {.out = out};
    gn_term_init(&p.term, out);
    if (!p.term.is_terminal && !p.term.has_colours) { /* for a program, as it is */
        gn_cli_print_json(out, value);
        return;
    }
    paint_value(&p, value, 0);
    fputc('\n', out);
}
