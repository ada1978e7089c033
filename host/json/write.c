/* write.c - values and the streaming writer to text. */
#include "json/json.h"

#include "util/alloc.h"
#include "util/str.h"
#include "json/scan.h"

#include <math.h>
#include <string.h>

/* First byte in s..end that must be escaped or replaced. */
static const char *skip_writable(const char *s, const char *end)
{
    for (;;) {
        s = gn_json_skip_plain(s, end);
        if (s == end || (unsigned char)*s < 0x80)
            return s;
        size_t n = gn_utf8_sequence(s, (size_t)(end - s));
        if (n == 0)
            return s;
        s += n;
    }
}

static void write_escape(struct gn_buf *out, unsigned char c)
{
    static const char brief[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\",
                      hex[] = "0123456789abcdef";
    if (c >= 0x80) {
        gn_buf_add(out, "\xEF\xBF\xBD", 3);
        return;
    }
    const char *at = c ? strchr(brief, c) : NULL;
    if (at) {
        char text[2] = {'\\', letters[at - brief]};
        gn_buf_add(out, text, sizeof(text));
    } else {
        char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        gn_buf_add(out, text, sizeof(text));
    }
}

static void write_scalar(struct gn_buf *out, const gantry_json *v)
{
    switch (gn_json_type(v)) {
    case GN_JSON_FALSE:
        gn_buf_add(out, "false", 5);
        break;
    case GN_JSON_TRUE:
        gn_buf_add(out, "true", 4);
        break;
    case GN_JSON_NUMBER:
        gn_buf_add(out, v->text, v->len);
        break;
    case GN_JSON_STRING:
        gn_json_write_str(out, v->text, v->len);
        break;
    default:
        gn_buf_add(out, "null", 4);
    }
}

static bool is_container(const gantry_json *v)
{
    return gn_json_type(v) >= GN_JSON_ARRAY;
}

/* Everything that stands before a value: comma and name. */
static void begin_value(struct gn_jw *w, const char *name)
{
    uint32_t d = w->depth;
    if (w->more[d]) {
        gn_assert(d > 0); /* one value at the top */
        gn_buf_addc(w->out, ',');
    }
    w->more[d] = true;
    gn_assert(w->is_object[d] == (name != NULL));
    if (name) {
        gn_json_write_str(w->out, name, strlen(name));
        gn_buf_addc(w->out, ':');
    }
}

static void begin_container(struct gn_jw *w, const char *name, bool is_object)
{
    begin_value(w, name);
    gn_assert(w->depth + 1 < GN_JW_DEPTH);
    w->depth++;
    w->more[w->depth] = false;
    w->is_object[w->depth] = is_object;
    gn_buf_addc(w->out, is_object ? '{' : '[');
}

int gn_json_write(struct gn_buf *out, const gantry_json *v)
{
    const gantry_json *open[GN_JSON_MAX_DEPTH];
    size_t depth = 0;
    const gantry_json *at = v;
    for (;;) {
        if (depth && open[depth - 1]->type == GN_JSON_OBJECT) {
            write_scalar(out, at++);
            gn_buf_addc(out, ':');
        }
        if (is_container(at)) {
            gn_assert(depth < GN_JSON_MAX_DEPTH);
            open[depth++] = at;
            gn_buf_addc(out, at->type == GN_JSON_OBJECT ? '{' : '[');
            if (at++->len)
                continue;
        } else {
            write_scalar(out, at);
            if (depth)
                at++;
        }
        while (depth && at == open[depth - 1] + open[depth - 1]->skip)
            gn_buf_addc(out, open[--depth]->type == GN_JSON_OBJECT ? '}' : ']');
        if (depth == 0)
            return out->overflow ? GN_ETOOBIG : 0;
        gn_buf_addc(out, ',');
    }
}

int gn_json_write_str(struct gn_buf *out, const char *s, size_t len)
{
    const char *end = s + len, *stop = skip_writable(s, end);
    if (stop == end) {
        /* The usual case: in one piece. */
        char *to = gn_buf_reserve(out, len + 2);
        if (!to)
            return GN_ETOOBIG;
        *to = '"';
        if (len)
            memcpy(to + 1, s, len);
        to[len + 1] = '"';
        to[len + 2] = '\0';
        out->len += len + 2;
        return 0;
    }
    gn_buf_addc(out, '"');
    for (;;) {
        gn_buf_add(out, s, (size_t)(stop - s));
        if (stop == end)
            break;
        write_escape(out, (unsigned char)*stop);
        s = stop + 1;
        stop = skip_writable(s, end);
    }
    return gn_buf_addc(out, '"');
}

void gn_jw_init(struct gn_jw *w, struct gn_buf *out)
{
    w->out = out;
    w->depth = 0;
    w->more[0] = false;
    w->is_object[0] = false;
}

void gn_jw_object(struct gn_jw *w, const char *name)
{
    begin_container(w, name, true);
}

void gn_jw_array(struct gn_jw *w, const char *name)
{
    begin_container(w, name, false);
}

void gn_jw_end(struct gn_jw *w)
{
    gn_assert(w->depth > 0);
    gn_buf_addc(w->out, w->is_object[w->depth] ? '}' : ']');
    w->depth--;
}

void gn_jw_str(struct gn_jw *w, const char *name, const char *s)
{
    if (s)
        gn_jw_strn(w, name, s, strlen(s));
    else
        gn_jw_null(w, name);
}

void gn_jw_strn(struct gn_jw *w, const char *name, const char *s, size_t len)
{
    begin_value(w, name);
    gn_json_write_str(w->out, s, len);
}

void gn_jw_int(struct gn_jw *w, const char *name, int64_t v)
{
    begin_value(w, name);
    char text[24], *end = text + sizeof(text), *at = end;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (v < 0)
        *--at = '-';
    gn_buf_add(w->out, at, (size_t)(end - at));
}

void gn_jw_num(struct gn_jw *w, const char *name, double v)
{
    begin_value(w, name);
    gn_json_write_num(w->out, v);
}

void gn_jw_bool(struct gn_jw *w, const char *name, bool v)
{
    begin_value(w, name);
    gn_buf_add(w->out, v ? "true" : "false", v ? 4 : 5);
}

void gn_jw_null(struct gn_jw *w, const char *name)
{
    begin_value(w, name);
    gn_buf_add(w->out, "null", 4);
}

void gn_jw_json(struct gn_jw *w, const char *name, const gantry_json *v)
{
    begin_value(w, name);
    gn_json_write(w->out, v);
}

void gn_jw_raw(struct gn_jw *w, const char *name, const char *json, size_t len)
{
    begin_value(w, name);
    gn_buf_add(w->out, json, len);
}
