/* read.c - looking into values. */
#include "json/json.h"
#include "json/number.h"

#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

/* A member while two objects are compared. */
struct member {
    const gantry_json *name, *value;
};

static bool same_text(const gantry_json *a, const char *s, size_t len)
{
    return a->len == len && memcmp(a->text, s, len) == 0;
}

/* By name; of equal names, by position. */
static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    uint32_t len = GN_MIN(x->name->len, y->name->len);
    int order = memcmp(x->name->text, y->name->text, len);
    if (order)
        return order;
    if (x->name->len != y->name->len)
        return x->name->len < y->name->len ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name;
}

/* The members of an object, sorted, without those that a later one of the same name hides. */
static struct member *sorted_members(const gantry_json *object, size_t *ret_count)
{
    size_t n = 0, kept = 0;
    struct member *all = gn_malloc(object->len * sizeof(*all));
    for (const gantry_json *v = gn_json_next(object, NULL); v; v = gn_json_next(object, v))
        all[n++] = (struct member){v - 1, v};
    qsort(all, n, sizeof(*all), compare_members);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || !same_text(all[i].name, all[i + 1].name->text, all[i + 1].name->len))
            all[kept++] = all[i];
    }
    *ret_count = kept;
    return all;
}

static bool equal_arrays(const gantry_json *a, const gantry_json *b)
{
    if (a->len != b->len)
        return false;
    const gantry_json *x = gn_json_next(a, NULL), *y = gn_json_next(b, NULL);
    for (; x; x = gn_json_next(a, x), y = gn_json_next(b, y)) {
        if (!gn_json_equal(x, y))
            return false;
    }
    return true;
}

static bool equal_objects(const gantry_json *a, const gantry_json *b)
{
    if (a->len == 0 || b->len == 0)
        return a->len == b->len;
    /* Sorting keeps hostile sizes cheap, where looking up each name would be quadratic. */
    size_t a_count, b_count;
    struct member *x = sorted_members(a, &a_count), *y = sorted_members(b, &b_count);
    bool equal = a_count == b_count;
    for (size_t i = 0; equal && i < a_count; i++) {
        equal = same_text(x[i].name, y[i].name->text, y[i].name->len) &&
                gn_json_equal(x[i].value, y[i].value);
    }
    gn_free(x);
    gn_free(y);
    return equal;
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

bool gn_json_equal(const gantry_json *a, const gantry_json *b)
{
    if (gn_json_type(a) != gn_json_type(b))
        return false;
    switch (gn_json_type(a)) {
    case GN_JSON_NUMBER: {
        struct gn_decimal x, y;
        gn_decimal_read(&x, a);
        gn_decimal_read(&y, b);
        return gn_decimal_equal(&x, &y);
    }
    case GN_JSON_STRING:
        return same_text(a, b->text, b->len);
    case GN_JSON_ARRAY:
        return equal_arrays(a, b);
    case GN_JSON_OBJECT:
        return equal_objects(a, b);
    default:
        return true;
    }
}
