/* read.c - looking into values. */
#include "json/json.h"

#include <string.h>

static bool same_text(const gantry_json *a, const char *s, size_t len)
{
    return a->len == len && memcmp(a->text, s, len) == 0;
}

const char *gn_json_type_name(const gantry_json *v)
{
    static const char *const names[] = {"nothing", "null",   "boolean", "boolean",
                                        "number",  "string", "array",   "object"};
    if (v && v->type == GN_JSON_NUMBER && v->flags & GN_JSON_INTEGER)
        return "integer";
    int type = gn_json_type(v);
    return type < (int)GN_COUNT(names) ? names[type] : names[0];
}

const gantry_json *gn_json_get(const gantry_json *object, const char *name)
{
    return gn_json_getn(object, name, strlen(name));
}

const gantry_json *gn_json_getn(const gantry_json *object, const char *name, size_t len)
{
    if (gn_json_type(object) != GN_JSON_OBJECT)
        return NULL;
    const gantry_json *found = NULL, *at = object + 1;
    for (uint32_t i = 0; i < object->len; i++) {
        const gantry_json *value = at + 1;
        if (same_text(at, name, len))
            found = value; /* and go on: the last one counts */
        at = value + value->skip;
    }
    return found;
}

const gantry_json *gn_json_at(const gantry_json *array, size_t index)
{
    if (gn_json_type(array) != GN_JSON_ARRAY || index >= array->len)
        return NULL;
    if (array->skip == array->len + 1)
        return array + 1 + index; /* no element has children */
    const gantry_json *v = array + 1;
    while (index--)
        v += v->skip;
    return v;
}

size_t gn_json_count(const gantry_json *v)
{
    int type = gn_json_type(v);
    return type == GN_JSON_ARRAY || type == GN_JSON_OBJECT ? v->len : 0;
}

const gantry_json *gn_json_next(const gantry_json *parent, const gantry_json *prev)
{
    if (gn_json_count(parent) == 0)
        return NULL;
    const gantry_json *next = prev ? prev + prev->skip : parent + 1;
    if (next >= parent + parent->skip)
        return NULL;
    return parent->type == GN_JSON_OBJECT ? next + 1 : next;
}

const char *gn_json_name(const gantry_json *v, size_t *ret_len)
{
    if (!v || !(v->flags & GN_JSON_MEMBER))
        return NULL;
    return gn_json_str(v - 1, ret_len);
}

const char *gn_json_str(const gantry_json *v, size_t *ret_len)
{
    if (gn_json_type(v) != GN_JSON_STRING)
        return NULL;
    if (ret_len)
        *ret_len = v->len;
    return v->text;
}

const char *gn_json_cstr(const gantry_json *v)
{
    return gn_json_type(v) == GN_JSON_STRING && !(v->flags & GN_JSON_HAS_NUL) ? v->text : NULL;
}

bool gn_json_streq(const gantry_json *v, const char *s)
{
    return gn_json_type(v) == GN_JSON_STRING && same_text(v, s, strlen(s));
}

bool gn_json_bool(const gantry_json *v, bool *ret)
{
    int type = gn_json_type(v);
    if (type != GN_JSON_TRUE && type != GN_JSON_FALSE)
        return false;
    *ret = type == GN_JSON_TRUE;
    return true;
}
