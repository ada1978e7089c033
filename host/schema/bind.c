/* bind.c - from a JSON value to the author's struct: checked, coerced where it is harmless, filled.
 *
 * All problems of a value are found in one go. Nothing is allocated but arrays, coerced values and
 * one list of pointers an object, all from the caller's arena; its maximum bounds the work.
 */
#include "schema/fields.h"

#include "schema/kinds.h"
#include "schema/schema.h"
#include "util/alloc.h"

#include <string.h>

#define MEMBERS_SPARE 1000 /* members beyond the table's that are looked at one by one */

struct bind {
    uint32_t flags; /* GN_BIND_ */
    struct gn_arena *arena;
    struct gn_problems *problems;
    int rc; /* the worst so far: GN_ETOOBIG ends the work, GN_EINVAL does not */
};

static void bind_object(struct bind *b, const struct gn_fields *fields, const gantry_json *object,
                        const struct gn_path *at, unsigned char *out);

static void refuse(struct bind *b)
{
    if (b->rc == 0)
        b->rc = GN_EINVAL;
}

static bool full(const struct bind *b)
{
    return b->rc == GN_ETOOBIG;
}

/* Zeroed memory, or NULL and GN_ETOOBIG. */
static void *take(struct bind *b, size_t count, size_t size)
{
    size_t bytes;
    void *p = __builtin_mul_overflow(count, size, &bytes) ? NULL : gn_arena_calloc(b->arena, bytes);
    if (!p)
        b->rc = GN_ETOOBIG;
    return p;
}

static bool fits(const gantry_json *v, enum gn_basis basis)
{
    static const bool table[][GN_JSON_OBJECT + 1] = {
        [GN_TEXT] = {[GN_JSON_STRING] = true},
        [GN_INTEGER] = {[GN_JSON_NUMBER] = true},
        [GN_NUMBER] = {[GN_JSON_NUMBER] = true},
        [GN_BOOLEAN] = {[GN_JSON_TRUE] = true, [GN_JSON_FALSE] = true},
        [GN_OBJECT] = {[GN_JSON_OBJECT] = true},
    };
    return basis == GN_ANY || table[basis][gn_json_type(v)];
}

/* Reads a string as JSON. Own frame: the error's text is not kept on the stack of the recursion. */
static __attribute__((noinline)) const gantry_json *read_string(struct bind *b,
                                                                const gantry_json *v)
{
    struct gn_error err = {0};
    const gantry_json *read = gn_json_parse_arena(b->arena, v->text, v->len, &err);
    if (!read && err.code == GN_ETOOBIG)
        b->rc = GN_ETOOBIG;
    return read;
}

/* The value to use for a row: itself, or what a string holds where the row takes no string. */
static const gantry_json *coerce(struct bind *b, const gantry_json *v, enum gn_basis basis,
                                 bool array)
{
    if (gn_json_type(v) != GN_JSON_STRING || (!array && basis == GN_TEXT))
        return v;
    bool any = !array && basis == GN_ANY;
    if (!(b->flags & GN_BIND_STRINGS) && (any || !(b->flags & GN_BIND_COERCE)))
        return v;
    const gantry_json *read = read_string(b, v);
    if (!read)
        return v;
    return any || (array ? gn_json_type(read) == GN_JSON_ARRAY : fits(read, basis)) ? read : v;
}

static void mismatch(struct bind *b, const struct gn_field *f, const gantry_json *v,
                     const struct gn_path *at)
{
    refuse(b);
    char shown[GN_SHOWN_MAX];
    struct gn_buf expected = GN_BUF_INIT(256);
    const struct gn_kind *kind = gn_kind_of(f->type);
    /* An element of an array, or the array itself? */
    if (kind->array && at && !at->name)
        gn_buf_adds(&expected, gn_basis_name(kind->basis));
    else
        gn_field_describe(f, &expected);
    int64_t i;
    bool huge = kind->basis == GN_INTEGER && gn_json_type(v) == GN_JSON_NUMBER &&
                (v->flags & GN_JSON_INTEGER) && !gn_json_int(v, &i);
    gn_problems_at(b->problems, at, "expected %s%s, got %s", gn_buf_str(&expected),
                   huge ? " of 64 bits" : "", gn_show_value(shown, v));
    gn_buf_release(&expected);
}

/* One value of a basic type to `out`, which has the place of a const char *, int64_t, double or
 * bool. */
static bool bind_text(struct bind *b, const struct gn_field *f, const gantry_json *v,
                      const struct gn_path *at, const char **ret)
{
    if (gn_json_type(v) != GN_JSON_STRING) {
        mismatch(b, f, v, at);
        return false;
    }
    if (f->type != GANTRY_T_STR && (v->flags & GN_JSON_HAS_NUL)) {
        refuse(b);
        gn_problems_at(b->problems, at, "must not contain the character U+0000");
        return false;
    }
    *ret = v->text;
    if (gn_field_check_text(f, v->text, v->len, at, b->problems))
        return true;
    refuse(b);
    return false;
}

static void bind_int(struct bind *b, const struct gn_field *f, const gantry_json *v,
                     const struct gn_path *at, int64_t *ret)
{
    if (!gn_json_int(v, ret))
        mismatch(b, f, v, at);
    else if (!gn_field_check_int(f, *ret, at, b->problems))
        refuse(b);
}

static void bind_num(struct bind *b, const struct gn_field *f, const gantry_json *v,
                     const struct gn_path *at, double *ret)
{
    if (!gn_json_num(v, ret))
        mismatch(b, f, v, at);
    else if (!gn_field_check_num(f, *ret, at, b->problems))
        refuse(b);
}

static void bind_bool(struct bind *b, const struct gn_field *f, const gantry_json *v,
                      const struct gn_path *at, bool *ret)
{
    if (!gn_json_bool(v, ret))
        mismatch(b, f, v, at);
}

/* One element of an array to out + i * its size. */
static void bind_element(struct bind *b, const struct gn_field *f, const gantry_json *v,
                         const struct gn_path *at, void *out)
{
    enum gn_basis basis = gn_kind_of(f->type)->basis;
    v = coerce(b, v, basis, false);
    if (full(b))
        return;
    if (basis == GN_TEXT)
        bind_text(b, f, v, at, out);
    else if (basis == GN_INTEGER)
        bind_int(b, f, v, at, out);
    else if (basis == GN_NUMBER)
        bind_num(b, f, v, at, out);
    else if (gn_json_type(v) != GN_JSON_OBJECT)
        mismatch(b, f, v, at);
    else
        bind_object(b, f->fields, v, at, out);
}

static void bind_array(struct bind *b, const struct gn_field *f, const gantry_json *v,
                       const struct gn_path *at, unsigned char *out)
{
    if (gn_json_type(v) != GN_JSON_ARRAY) {
        mismatch(b, f, v, at);
        return;
    }
    size_t n = gn_json_count(v), size = f->elem_size ? f->elem_size : sizeof(int64_t), i = 0;
    if (!gn_field_check_count(f, n, at, b->problems)) {
        refuse(b);
        return;
    }
    if (n == 0)
        return;
    unsigned char *elements = take(b, n, size);
    for (const gantry_json *e = NULL; !full(b) && (e = gn_json_next(v, e)) != NULL; i++) {
        struct gn_path here = {at, NULL, i};
        bind_element(b, f, e, &here, elements + i * size);
    }
    /* All array types are laid out alike: the count, then the pointer. */
    gantry_strings array = {n, (const char *const *)(const void *)elements};
    memcpy(out, &array, sizeof(array));
}

/* By GANTRY_T_; all stores through memcpy, since a plugin may have packed its struct. */
static void store_string(struct bind *b, const struct gn_field *f, const gantry_json *v,
                         const struct gn_path *at, unsigned char *out)
{
    const char *s = NULL;
    if (bind_text(b, f, v, at, &s))
        memcpy(out, &s, sizeof(s));
}

static void store_str(struct bind *b, const struct gn_field *f, const gantry_json *v,
                      const struct gn_path *at, unsigned char *out)
{
    gantry_str s = {NULL, 0};
    if (!bind_text(b, f, v, at, &s.p))
        return;
    s.n = v->len;
    memcpy(out, &s, sizeof(s));
}

static void store_int(struct bind *b, const struct gn_field *f, const gantry_json *v,
                      const struct gn_path *at, unsigned char *out)
{
    gantry_opt_int i = {true, 0};
    bind_int(b, f, v, at, &i.value);
    if (f->type == GANTRY_T_OPT_INT)
        memcpy(out, &i, sizeof(i));
    else
        memcpy(out, &i.value, sizeof(i.value));
}

static void store_num(struct bind *b, const struct gn_field *f, const gantry_json *v,
                      const struct gn_path *at, unsigned char *out)
{
    gantry_opt_num d = {true, 0};
    bind_num(b, f, v, at, &d.value);
    if (f->type == GANTRY_T_OPT_NUM)
        memcpy(out, &d, sizeof(d));
    else
        memcpy(out, &d.value, sizeof(d.value));
}

static void store_bool(struct bind *b, const struct gn_field *f, const gantry_json *v,
                       const struct gn_path *at, unsigned char *out)
{
    gantry_opt_bool t = {true, false};
    bind_bool(b, f, v, at, &t.value);
    if (f->type == GANTRY_T_OPT_BOOL)
        memcpy(out, &t, sizeof(t));
    else
        memcpy(out, &t.value, sizeof(t.value));
}

static void store_json(struct bind *b GN_UNUSED, const struct gn_field *f, const gantry_json *v,
                       const struct gn_path *at GN_UNUSED, unsigned char *out)
{
    memcpy(out, &v, gn_kind_of(f->type)->size);
}

static void store_object(struct bind *b, const struct gn_field *f, const gantry_json *v,
                         const struct gn_path *at, unsigned char *out)
{
    if (gn_json_type(v) == GN_JSON_OBJECT)
        bind_object(b, f->fields, v, at, out);
    else
        mismatch(b, f, v, at);
}

static void bind_value(struct bind *b, const struct gn_field *f, const gantry_json *v,
                       const struct gn_path *at, unsigned char *out)
{
    static void (*const store[])(struct bind *, const struct gn_field *, const gantry_json *,
                                 const struct gn_path *, unsigned char *) = {
        [GANTRY_T_STRING] = store_string, [GANTRY_T_STR] = store_str,
        [GANTRY_T_INT] = store_int,       [GANTRY_T_OPT_INT] = store_int,
        [GANTRY_T_NUM] = store_num,       [GANTRY_T_OPT_NUM] = store_num,
        [GANTRY_T_BOOL] = store_bool,     [GANTRY_T_OPT_BOOL] = store_bool,
        [GANTRY_T_STRINGS] = bind_array,  [GANTRY_T_INTS] = bind_array,
        [GANTRY_T_NUMS] = bind_array,     [GANTRY_T_ARRAY] = bind_array,
        [GANTRY_T_JSON] = store_json,     [GANTRY_T_OBJECT] = store_object,
    };
    const struct gn_kind *kind = gn_kind_of(f->type);
    v = coerce(b, v, kind->basis, kind->array);
    if (full(b))
        return;
    store[f->type](b, f, v, at, out + f->offset);
    if (f->extra_schema && !full(b) && !gn_schema_check_at(f->extra_schema, v, at, b->problems))
        refuse(b);
}

/* null where a value may be missing is how many models say that it is missing; so is an empty
 * string where all values are strings and this one is to be something else. */
static bool is_missing(const struct bind *b, const struct gn_field *f, const gantry_json *v)
{
    const struct gn_kind *kind = gn_kind_of(f->type);
    if (!v || !f->optional || (!kind->array && kind->basis == GN_ANY))
        return !v;
    if (gn_json_type(v) == GN_JSON_NULL)
        return true;
    return (b->flags & GN_BIND_STRINGS) && gn_json_type(v) == GN_JSON_STRING &&
           (kind->array || kind->basis != GN_TEXT) &&
           (v->len == 0 || (v->len == 4 && memcmp(v->text, "null", 4) == 0));
}

/* Notes missing and unknown names together, so that a misspelt one is understood at once. */
static void report_names(struct bind *b, const struct gn_fields *fields, const struct gn_path *at,
                         const struct gn_names *missing, const struct gn_names *unknown)
{
    const char **known = gn_calloc(fields->count + 1, sizeof(*known));
    for (size_t i = 0; i < fields->count; i++)
        known[i] = fields->v[i].name;
    gn_problems_names(b->problems, at, missing, unknown, known);
    gn_free(known);
    refuse(b);
}

static size_t field_index(const struct gn_fields *fields, const char *name, size_t len)
{
    for (size_t i = 0; i < fields->count; i++) {
        const char *known = fields->v[i].name;
        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return i;
    }
    return fields->count;
}

static void bind_object(struct bind *b, const struct gn_fields *fields, const gantry_json *object,
                        const struct gn_path *at, unsigned char *out)
{
    struct gn_names missing = {0}, unknown = {0};
    if (gn_json_count(object) > fields->count + MEMBERS_SPARE) {
        refuse(b);
        gn_problems_at(b->problems, at, "expected at most %zu members, got %zu", fields->count,
                       gn_json_count(object));
        return;
    }
    const gantry_json **values = take(b, fields->count + 1, sizeof(void *));
    if (!values)
        return;
    for (const gantry_json *v = NULL; (v = gn_json_next(object, v)) != NULL;) {
        size_t len = 0;
        const char *name = gn_json_name(v, &len);
        size_t i = field_index(fields, name, len);
        if (i < fields->count)
            values[i] = v;
        else
            gn_names_add(&unknown, name, len);
    }
    for (size_t i = 0; i < fields->count; i++) {
        const struct gn_field *f = &fields->v[i];
        if (!f->optional && is_missing(b, f, values[i]))
            gn_names_add(&missing, f->name, strlen(f->name));
    }
    if (missing.count + unknown.count > 0)
        report_names(b, fields, at, &missing, &unknown);
    for (size_t i = 0; i < fields->count && !full(b); i++) {
        const struct gn_field *f = &fields->v[i];
        struct gn_path here = {at, f->name, 0};
        if (!is_missing(b, f, values[i])) {
            bind_value(b, f, values[i], &here, out);
        } else if (f->fallback.count > 0) {
            uint32_t flags = b->flags;
            b->flags = 0;
            bind_value(b, f, gn_json_root(&f->fallback), &here, out);
            b->flags = flags;
        }
    }
}

int gn_field_bind(const struct gn_field *f, const gantry_json *v, struct gn_arena *arena,
                  void *base, struct gn_problems *p)
{
    struct bind b = {0, arena, p, 0};
    struct gn_path root = {NULL, f->name, 0};
    bind_value(&b, f, v, &root, base);
    return b.rc;
}

int gn_fields_bind(const struct gn_fields *fields, const gantry_json *value, uint32_t flags,
                   struct gn_arena *arena, void *out, struct gn_problems *problems)
{
    struct bind b = {flags, arena, problems, 0};
    struct gn_path root = {NULL, "", 0};
    if (out)
        memset(out, 0, fields->struct_size);
    if (value && gn_json_type(value) != GN_JSON_OBJECT) {
        char shown[GN_SHOWN_MAX];
        gn_problems_at(problems, NULL, "expected object, got %s", gn_show_value(shown, value));
        return GN_EINVAL;
    }
    gn_assert(out != NULL || fields->count == 0);
    bind_object(&b, fields, value, &root, out);
    if (b.rc && out)
        memset(out, 0, fields->struct_size);
    return b.rc;
}
