/* problems.c - what was wrong with a value, in words: paths, shortened values, suggestions. */
#include "schema/problems.h"

#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

#define LINES_KEPT 20
#define LINE_MAX_BYTES 2048 /* of one line */
#define TEXT_MAX ((LINES_KEPT + 2) * (LINE_MAX_BYTES + 4))
#define SHOWN_CHARS 60
#define PATH_DEPTH 160
#define WORD_MAX 64 /* longest text for which a choice is suggested */
#define PATH_MAX_BYTES 512

/* Bytes of the first `chars` code points; at most len. */
static size_t first_chars(const char *s, size_t len, size_t chars)
{
    size_t at = 0;
    while (at < len && chars-- > 0) {
        at++;
        while (at < len && ((unsigned char)s[at] & 0xC0) == 0x80)
            at++;
    }
    return at;
}

/* Bytes of the character at s if it ends a line or steers a terminal (C0, DEL, C1, U+2028, U+2029:
 * JSON keeps most of them as they are); 0: it does not. s ends with a NUL somewhere. */
static size_t unprintable(const char *s)
{
    const unsigned char *c = (const unsigned char *)s;
    if (*c < 0x20 || *c == 0x7F)
        return 1;
    if (c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0)
        return 2;
    return c[0] == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9) ? 3 : 0;
}

/* Copies text; what is unprintable is escaped as in JSON. */
static void add_escaped(struct gn_buf *out, const char *s)
{
    size_t n;
    for (; *s != '\0'; s += n ? n : 1) {
        n = unprintable(s);
        const unsigned char *c = (const unsigned char *)s;
        if (n == 0)
            gn_buf_addc(out, *s);
        else
            gn_buf_addf(out, "\\u%04x", n == 3 ? 0x1F80u + c[2] : c[n - 1]);
    }
}

/* One line of text: JSON Pointer, colon, message. */
static bool has_line(const char *lines, size_t len, const char *line, size_t line_len)
{
    for (const char *end = lines + len; lines < end;) {
        const char *stop = memchr(lines, '\n', (size_t)(end - lines));
        size_t n = (size_t)((stop ? stop : end) - lines);
        if (n == line_len && memcmp(lines, line, n) == 0)
            return true;
        lines += n + 1;
    }
    return false;
}

/* Several schemas may say the same of one value: once is enough. */
static void add_line(struct gn_problems *p, const char *path, const char *message)
{
    size_t before = p->text.len;
    if (before > 0)
        gn_buf_addc(&p->text, '\n');
    size_t from = p->text.len;
    if (*path != '\0')
        gn_buf_addf(&p->text, "%s: ", path);
    gn_buf_adds(&p->text, message);
    if (before == 0 || !has_line(p->text.data, before, p->text.data + from, p->text.len - from))
        return;
    gn_buf_cut(&p->text, before);
    p->count--;
    p->repeats++;
}

/* Replaces the last line, "and N more", or adds it. */
static void add_rest(struct gn_problems *p)
{
    uint32_t rest = p->count - LINES_KEPT;
    if (rest > 1) {
        const char *last = memrchr(gn_buf_str(&p->text), '\n', p->text.len);
        if (last)
            gn_buf_cut(&p->text, (size_t)(last - p->text.data));
    }
    gn_buf_addf(&p->text, "\nand %u more", rest);
}

static GN_PRINTF(3, 0) void add_message(struct gn_problems *p, const char *path, const char *fmt,
                                        va_list ap)
{
    char line[LINE_MAX_BYTES - PATH_MAX_BYTES];
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    if (n >= (int)sizeof(line)) {
        size_t end = gn_utf8_cut(line, sizeof(line) - 1, sizeof(line) - 4);
        memcpy(line + end, "...", 4);
    }
    for (char *c = line; *c != '\0'; c++)
        memset(c, ' ', unprintable(c));
    add_line(p, path, line);
}

/* A name as one step of a JSON Pointer, without what would break the line. */
static void add_step(struct gn_buf *out, const char *name)
{
    size_t len = strlen(name), end = first_chars(name, len, SHOWN_CHARS), n;
    for (size_t i = 0; i < end; i += n ? n : 1) {
        char c = name[i];
        n = unprintable(name + i);
        if (c == '~')
            gn_buf_adds(out, "~0");
        else if (c == '/')
            gn_buf_adds(out, "~1");
        else
            gn_buf_addc(out, n ? '?' : c);
    }
    if (end < len)
        gn_buf_adds(out, "...");
}

static void write_path(struct gn_buf *out, const struct gn_path *at)
{
    const struct gn_path *steps[PATH_DEPTH];
    size_t n = 0;
    for (; at && at->up && n < PATH_DEPTH; at = at->up)
        steps[n++] = at;
    while (n > 0) {
        const struct gn_path *step = steps[--n];
        gn_buf_addc(out, '/');
        if (step->name)
            add_step(out, step->name);
        else
            gn_buf_addf(out, "%zu", step->index);
    }
}

static void add_names(struct gn_buf *line, const char *what, const struct gn_names *names,
                      const char *const *known)
{
    char shown[GN_SHOWN_MAX];
    for (size_t i = 0; i < GN_MIN(names->count, (size_t)GN_NAMES_KEPT); i++) {
        gn_buf_adds(line, i == 0 ? what : ", ");
        gn_buf_adds(line, gn_show_text(shown, names->v[i].s, names->v[i].len));
        const char *nearest = known ? gn_nearest(names->v[i].s, known) : NULL;
        if (nearest)
            gn_buf_addf(line, " (did you mean %s?)", gn_show_text(shown, nearest, strlen(nearest)));
    }
    if (names->count > GN_NAMES_KEPT)
        gn_buf_addf(line, " and %zu more", names->count - GN_NAMES_KEPT);
}

void gn_problems_init(struct gn_problems *p)
{
    gn_buf_init(&p->text, TEXT_MAX);
    p->count = p->repeats = 0;
}

void gn_problems_release(struct gn_problems *p)
{
    gn_buf_release(&p->text);
    p->count = 0;
}

void gn_problems_add(struct gn_problems *p, const char *path, const char *fmt, ...)
{
    if (!p)
        return;
    if (p->count++ >= LINES_KEPT) {
        add_rest(p);
        return;
    }
    char shortened[PATH_MAX_BYTES];
    snprintf(shortened, sizeof(shortened), "%s", path ? path : "");
    va_list ap;
    va_start(ap, fmt);
    add_message(p, shortened, fmt, ap);
    va_end(ap);
}

void gn_problems_at(struct gn_problems *p, const struct gn_path *at, const char *fmt, ...)
{
    if (!p)
        return;
    if (p->count++ >= LINES_KEPT) {
        add_rest(p);
        return;
    }
    struct gn_buf path = GN_BUF_INIT(PATH_MAX_BYTES - 1);
    write_path(&path, at);
    va_list ap;
    va_start(ap, fmt);
    add_message(p, gn_buf_str(&path), fmt, ap);
    va_end(ap);
    gn_buf_release(&path);
}

bool gn_problems_wanted(const struct gn_problems *p)
{
    return p && p->count < LINES_KEPT;
}

const char *gn_show_text(char out[GN_SHOWN_MAX], const char *s, size_t len)
{
    size_t end = first_chars(s, GN_MIN(len, (size_t)4 * SHOWN_CHARS), SHOWN_CHARS);
    struct gn_buf b = GN_BUF_INIT(GN_SHOWN_MAX - 8);
    gn_json_write_str(&b, s, end);
    if (end < len && b.len > 0) {
        gn_buf_cut(&b, b.len - 1);
        gn_buf_adds(&b, "...\"");
    }
    struct gn_buf shown = GN_BUF_INIT(GN_SHOWN_MAX - 8);
    add_escaped(&shown, gn_buf_str(&b));
    snprintf(out, GN_SHOWN_MAX, "%s", b.overflow || shown.overflow ? "(text)" : gn_buf_str(&shown));
    gn_buf_release(&b);
    gn_buf_release(&shown);
    return out;
}

const char *gn_show_value(char out[GN_SHOWN_MAX], const gantry_json *v)
{
    int type = gn_json_type(v);
    if (!v) {
        snprintf(out, GN_SHOWN_MAX, "nothing");
    } else if (type == GN_JSON_STRING) {
        gn_show_text(out, v->text, v->len);
    } else {
        struct gn_buf b = GN_BUF_INIT(GN_SHOWN_MAX - 8);
        gn_json_write(&b, v);
        if (b.overflow) {
            snprintf(out, GN_SHOWN_MAX, "%s of %zu", gn_json_type_name(v), gn_json_count(v));
            if (type == GN_JSON_NUMBER)
                snprintf(out, GN_SHOWN_MAX, "%.*s...", SHOWN_CHARS, v->text);
        } else {
            size_t end = first_chars(gn_buf_str(&b), b.len, SHOWN_CHARS);
            snprintf(out, GN_SHOWN_MAX, "%.*s%s", (int)end, gn_buf_str(&b),
                     end < b.len ? "..." : "");
        }
        gn_buf_release(&b);
    }
    return out;
}

void gn_names_add(struct gn_names *names, const char *name, size_t len)
{
    if (names->count < GN_NAMES_KEPT) {
        names->v[names->count].s = name;
        names->v[names->count].len = len;
    }
    names->count++;
}

void gn_problems_names(struct gn_problems *p, const struct gn_path *at,
                       const struct gn_names *missing, const struct gn_names *unknown,
                       const char *const *known)
{
    struct gn_buf line = GN_BUF_INIT(4 * GN_NAMES_KEPT * GN_SHOWN_MAX);
    if (gn_problems_wanted(p)) {
        add_names(&line, "missing ", missing, NULL);
        add_names(&line, missing->count > 0 ? "; unknown " : "unknown ", unknown, known);
    }
    gn_problems_at(p, at, "%s", gn_buf_str(&line));
    gn_buf_release(&line);
}

/* The choice that was meant, if value and choice are strings; else NULL. */
static const char *nearest_choice(const gantry_json *const *choices, size_t count,
                                  const gantry_json *got)
{
    const char **words, *nearest = NULL;
    size_t n = 0;
    if (!gn_json_cstr(got) || got->len > WORD_MAX)
        return NULL;
    words = gn_calloc(count + 1, sizeof(*words));
    for (size_t i = 0; i < count; i++) {
        if (gn_json_cstr(choices[i]))
            words[n++] = choices[i]->text;
    }
    nearest = gn_nearest(got->text, words);
    gn_free(words);
    return nearest;
}

void gn_problems_choice(struct gn_problems *p, const struct gn_path *at,
                        const gantry_json *const *choices, size_t count, const gantry_json *got)
{
    char shown[GN_SHOWN_MAX];
    struct gn_buf line = GN_BUF_INIT(GN_NAMES_KEPT * GN_SHOWN_MAX + 2048);
    if (gn_problems_wanted(p)) {
        for (size_t i = 0; i < GN_MIN(count, (size_t)GN_NAMES_KEPT); i++)
            gn_buf_addf(&line, "%s%s", i == 0 ? "" : ", ", gn_show_value(shown, choices[i]));
        gn_buf_addf(&line, "%s, got %s", count > GN_NAMES_KEPT ? ", ..." : "",
                    gn_show_value(shown, got));
        const char *nearest = nearest_choice(choices, count, got);
        if (nearest)
            gn_buf_addf(&line, " (did you mean %s?)",
                        gn_show_text(shown, nearest, strlen(nearest)));
    }
    gn_problems_at(p, at, "expected one of %s", gn_buf_str(&line));
    gn_buf_release(&line);
}
