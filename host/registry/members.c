/* members.c - see members.h. */
#include "registry/members.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define MEMBERS_MAX 24

void gn_members_wrong(struct gn_members *r, const char *fmt, ...)
{
    struct gn_buf text = GN_BUF_INIT(4096);
    va_list ap;
    va_start(ap, fmt);
    gn_buf_vaddf(&text, fmt, ap);
    va_end(ap);
    r->count++;
    r->fn(r->arg, gn_buf_str(&r->path), gn_buf_str(&text));
    gn_buf_release(&text);
}

size_t gn_members_enter(struct gn_members *r, const char *name)
{
    size_t before = r->path.len;
    gn_buf_addf(&r->path, "%s%s", before ? "." : "", name);
    return before;
}

void gn_members_leave(struct gn_members *r, size_t before)
{
    gn_buf_cut(&r->path, before);
    r->path.overflow = false;
}

const char *gn_members_kind(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "a mapping", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

void gn_members_set_text(void *base, const struct gn_member *m, const char *text)
{
    char **field = (void *)((char *)base + m->offset);
    gn_free(*field);
    *field = gn_strdup(text);
}

bool gn_members_is_text(struct gn_members *r, const json_t *value)
{
    const char *hint = json_is_number(value) || json_is_boolean(value) ? ": write it in quotes"
                                                                       : "";
    if (!json_is_string(value))
        gn_members_wrong(r, "must be a text, but is %s%s", gn_members_kind(value), hint);
    else if (strlen(json_string_value(value)) != json_string_length(value))
        gn_members_wrong(r, "has a NUL in it");
    else
        return true;
    return false;
}

void gn_members_read_name(struct gn_members *r, const json_t *value, void *base,
                          const struct gn_member *m)
{
    if (json_is_null(value) || !gn_members_is_text(r, value))
        return;
    if (json_string_length(value) == 0)
        gn_members_wrong(r, "is empty");
    else
        gn_members_set_text(base, m, json_string_value(value));
}

void gn_members_read_text(struct gn_members *r, const json_t *value, void *base,
                          const struct gn_member *m)
{
    if (json_is_null(value))
        gn_members_set_text(base, m, "");
    else if (gn_members_is_text(r, value))
        gn_members_set_text(base, m, json_string_value(value));
}

void gn_members_set_json(void *base, const struct gn_member *m, json_t *value)
{
    json_t **field = (void *)((char *)base + m->offset);
    json_decref(*field);
    *field = value;
}

void gn_members_read_value(struct gn_members *r, const json_t *value, void *base,
                           const struct gn_member *m)
{
    (void)r;
    gn_members_set_json(base, m, json_deep_copy(value));
}

void gn_members_read_object(struct gn_members *r, const json_t *value, void *base,
                            const struct gn_member *m)
{
    if (json_is_object(value) || json_is_null(value))
        gn_members_set_json(base, m, json_deep_copy(value));
    else
        gn_members_wrong(r, "must be a mapping, or null to have none, but is %s",
                         gn_members_kind(value));
}

bool gn_members_is_bool(struct gn_members *r, const json_t *value)
{
    const char *hint = json_is_string(value) ? ": write it as one of these, without quotes" : "";
    if (!json_is_boolean(value))
        gn_members_wrong(r, "must be true or false, but is %s%s", gn_members_kind(value), hint);
    return json_is_boolean(value);
}

void gn_members_read_flag(struct gn_members *r, const json_t *value, void *base,
                          const struct gn_member *m)
{
    if (gn_members_is_bool(r, value))
        *((bool *)base + m->offset) = json_is_true(value);
}

static void unknown_member(struct gn_members *r, const struct gn_member *members, const char *name)
{
    const char *names[MEMBERS_MAX + 1] = {0};
    struct gn_buf all = GN_BUF_INIT(512);
    for (size_t i = 0; i < MEMBERS_MAX && members[i].name; i++) {
        names[i] = members[i].name;
        gn_buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = gn_nearest(name, names);
    size_t before = gn_members_enter(r, name);
    if (near)
        gn_members_wrong(r, "unknown key, did you mean %s?", near);
    else
        gn_members_wrong(r, "unknown key; known here: %s", gn_buf_str(&all));
    gn_members_leave(r, before);
    gn_buf_release(&all);
}

void gn_members_read(struct gn_members *r, const json_t *object, const struct gn_member *members,
                     void *base)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object)) {
        gn_members_wrong(r, "must be a mapping, but is %s", gn_members_kind(object));
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        const struct gn_member *m = members;
        while (m->name && !gn_streq(m->name, name))
            m++;
        if (!m->name) {
            unknown_member(r, members, name);
            continue;
        }
        size_t before = gn_members_enter(r, name);
        m->read(r, value, base, m);
        gn_members_leave(r, before);
    }
}
