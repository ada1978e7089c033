/* format.c - an event as a line: text for terminals, or JSON. */
#include "observe/event.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define TOO_LONG "[too long]"

/* ---------------------------------------------------------------- text */

/* A text on one line: control characters and what is not UTF-8 escaped. */
static void add_escaped(struct gn_buf *out, const char *s)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)s[i];
        size_t bytes = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        bool c1_control = bytes == 2 && c == 0xc2 && (unsigned char)s[i + 1] < 0xa0;
        if (c == '\n')
            gn_buf_adds(out, "\\n");
        else if (c == '\t')
            gn_buf_adds(out, "\\t");
        else if (c < ' ' || c == 0x7f || c1_control || bytes > len - i ||
                 !gn_utf8_valid(s + i, bytes))
            gn_buf_addf(out, "\\x%02x", c), bytes = 1;
        else
            gn_buf_add(out, s + i, bytes);
        i += bytes;
    }
}

/* A value of a field: in quotes where it would not be told from what stands around it. */
static void add_text(struct gn_buf *out, const char *s)
{
    if (*s && !strpbrk(s, " =\"\n\t")) {
        add_escaped(out, s);
        return;
    }
    gn_buf_addc(out, '"');
    for (const char *quote; (quote = strchr(s, '"')); s = quote + 1) {
        GN_AUTO_FREE char *before = gn_strndup(s, (size_t)(quote - s));
        add_escaped(out, before);
        gn_buf_adds(out, "\\\"");
    }
    add_escaped(out, s);
    gn_buf_addc(out, '"');
}

/* NULL: as it is; else a copy, cut to what a value may take. */
static char *cut(const char *s)
{
    size_t len = strnlen(s, GN_EVENT_VALUE_MAX + 1);
    return len <= GN_EVENT_VALUE_MAX ? NULL : gn_strndup(s, gn_utf8_cut(s, len, len - 1));
}

static void add_json(struct gn_buf *out, const gantry_json *json)
{
    struct gn_buf text = GN_BUF_INIT(GN_EVENT_VALUE_MAX);
    add_escaped(out, gn_json_write(&text, json) == 0 ? gn_buf_str(&text) : TOO_LONG);
    gn_buf_release(&text);
}

static void add_value(struct gn_buf *out, const gantry_value *v)
{
    switch (v->type) {
    case GANTRY_VALUE_TEXT: {
        const char *s = v->as.text ? v->as.text : "";
        GN_AUTO_FREE char *shorter = cut(s);
        add_text(out, shorter ? shorter : s);
        break;
    }
    case GANTRY_VALUE_INT:
        gn_buf_addf(out, "%lld", (long long)v->as.integer);
        break;
    case GANTRY_VALUE_NUM:
        gn_json_write_num(out, v->as.number);
        break;
    case GANTRY_VALUE_BOOL:
        gn_buf_adds(out, v->as.integer ? "true" : "false");
        break;
    case GANTRY_VALUE_JSON:
        if (v->as.json)
            add_json(out, v->as.json);
        else
            gn_buf_adds(out, "null");
        break;
    default: /* GN_VALUE_RAW */
        add_escaped(out, v->as.text);
        break;
    }
}

void gn_event_write_text(const struct gn_event *e, struct gn_buf *out)
{
    if (e->time[0])
        gn_buf_addf(out, "%s ", e->time);
    if (e->level)
        gn_buf_addf(out, "%-7s ", e->level);
    if (e->component) {
        add_escaped(out, e->component);
        gn_buf_adds(out, ": ");
    }
    add_escaped(out, e->text);
    if (e->record->category) {
        gn_buf_adds(out, " logger=");
        add_text(out, e->record->category);
    }
    if (e->record->user_visible)
        gn_buf_adds(out, " user_visible=true");
    for (uint32_t i = 0; i < e->count; i++) {
        gn_buf_addc(out, ' ');
        add_escaped(out, e->fields[i].key);
        gn_buf_addc(out, '=');
        add_value(out, &e->fields[i].value);
    }
    if (e->left_out)
        gn_buf_addf(out, " fields_left_out=%u", e->left_out);
    gn_buf_addc(out, '\n');
}

/* ---------------------------------------------------------------- JSON */

static void write_value(struct gn_jw *w, const char *key, const gantry_value *v)
{
    switch (v->type) {
    case GANTRY_VALUE_TEXT: {
        GN_AUTO_FREE char *shorter = v->as.text ? cut(v->as.text) : NULL;
        gn_jw_str(w, key, shorter ? shorter : v->as.text);
        break;
    }
    case GANTRY_VALUE_INT:
        gn_jw_int(w, key, v->as.integer);
        break;
    case GANTRY_VALUE_NUM:
        gn_jw_num(w, key, v->as.number);
        break;
    case GANTRY_VALUE_BOOL:
        gn_jw_bool(w, key, v->as.integer != 0);
        break;
    case GANTRY_VALUE_JSON: {
        struct gn_buf text = GN_BUF_INIT(GN_EVENT_VALUE_MAX);
        if (!v->as.json)
            gn_jw_null(w, key);
        else if (gn_json_write(&text, v->as.json) == 0)
            gn_jw_raw(w, key, gn_buf_str(&text), text.len);
        else
            gn_jw_str(w, key, TOO_LONG);
        gn_buf_release(&text);
        break;
    }
    default: /* GN_VALUE_RAW */
        gn_jw_raw(w, key, v->as.text, strlen(v->as.text));
        break;
    }
}

void gn_event_write_fields(const struct gn_event *e, struct gn_jw *w)
{
    for (uint32_t i = 0; i < e->count; i++)
        write_value(w, e->fields[i].key, &e->fields[i].value);
    if (e->left_out)
        gn_jw_int(w, "fields_left_out", e->left_out);
}

/* The names of a line's own members: a field that is called so gets an underscore. */
static bool is_taken(const char *key)
{
    static const char *const names[] = {"time",   "level",   "component",
                                        "logger", "message", "user_visible"};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        if (gn_streq(key, names[i]))
            return true;
    }
    return false;
}

static void write_fields_beside(const struct gn_event *e, struct gn_jw *w)
{
    for (uint32_t i = 0; i < e->count; i++) {
        const struct gn_event_field *f = &e->fields[i];
        GN_AUTO_FREE char *other = is_taken(f->key) ? gn_format("%s_", f->key) : NULL;
        write_value(w, other ? other : f->key, &f->value);
    }
    if (e->left_out)
        gn_jw_int(w, "fields_left_out", e->left_out);
}

void gn_event_write_json(const struct gn_event *e, struct gn_buf *out)
{
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    if (e->time[0])
        gn_jw_str(&w, "time", e->time);
    if (e->level)
        gn_jw_str(&w, "level", e->level);
    if (e->component)
        gn_jw_str(&w, "component", e->component);
    if (e->record->category)
        gn_jw_str(&w, "logger", e->record->category);
    gn_jw_str(&w, "message", e->text);
    if (e->record->user_visible)
        gn_jw_bool(&w, "user_visible", true);
    write_fields_beside(e, &w);
    gn_jw_end(&w);
    gn_buf_addc(out, '\n');
}
