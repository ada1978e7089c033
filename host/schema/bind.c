/* bind.c - from a JSON value to the author's struct: checked against the table's schema, then
 * filled.
 *
 * The schema says whether a value is right; what is left to tell here is what the struct has no
 * place for. Nothing is allocated but arrays, coerced values and the members of large objects, all
 * from the caller's arena; its maximum bounds the work.
 */
#include "schema/fields.h"

#include "schema/kinds.h"
#include "schema/program.h"

#include <string.h>

#define FEW_FIELDS 16
#define SAFE_INTEGER INT64_C(9007199254740991) /* largest that JavaScript counts exactly */

struct bind {
    struct gn_arena *arena;
    struct gn_problems *problems;
    int rc; /* the worst so far: GN_ETOOBIG ends the work, GN_EINVAL does not */
};

static void bind_object(struct bind *b, const struct gn_fields *fields, const gantry_json *object,
                        const struct gn_path *at, unsigned char *out);

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

/* What the struct cannot take. A value of another type comes this far only if schema_json says
 * another type than the row. */
static void refuse(struct bind *b, const gantry_json *v, const struct gn_path *at,
                   const char *expected)
{
    char shown[GN_SHOWN_MAX];
    if (b->rc == 0)
        b->rc = GN_EINVAL;
    gn_problems_at(b->problems, at, "expected %s, got %s", expected, gn_show_value(shown, v));
}

/* One value of a basic type to `ret`. */
static bool bind_text(struct bind *b, const struct gn_field *f, const gantry_json *v,
                      const struct gn_path *at, const char **ret)
{
    if (gn_json_type(v) != GN_JSON_STRING)
        refuse(b, v, at, "string");
    else if (f->type != GANTRY_T_STR && (v->flags & GN_JSON_HAS_NUL))
        refuse(b, v, at, "string without the character U+0000");
    else
        *ret = v->text;
    return *ret != NULL;
}

static void bind_int(struct bind *b, const struct gn_field *f, const gantry_json *v,
                     const struct gn_path *at, int64_t *ret)
{
    if (!gn_json_int(v, ret))
        refuse(b, v, at, "integer of 64 bits");
    else if (f->header && (*ret > SAFE_INTEGER || *ret < -SAFE_INTEGER))
        refuse(b, v, at, "integer of at most 2^53 - 1 either way");
}

static void bind_num(struct bind *b, const gantry_json *v, const struct gn_path *at, double *ret)
{
    if (!gn_json_num(v, ret))
        refuse(b, v, at, "number of at most 1.8e308 either way");
}

/* One element of an array, to its place. */
static void bind_element(struct bind *b, const struct gn_field *f, const gantry_json *v,
                         const struct gn_path *at, void *out)
{
    enum gn_basis basis = gn_kind_of(f->type)->basis;
    if (basis == GN_TEXT)
        bind_text(b, f, v, at, out);
    else if (basis == GN_INTEGER)
        bind_int(b, f, v, at, out);
    else if (basis == GN_NUMBER)
        bind_num(b, v, at, out);
    else if (gn_json_type(v) == GN_JSON_OBJECT)
        bind_object(b, f->fields, v, at, out);
    else
        refuse(b, v, at, "object");
}

static void bind_array(struct bind *b, const struct gn_field *f, const gantry_json *v,
                       const struct gn_path *at, unsigned char *out)
{
    if (gn_json_type(v) != GN_JSON_ARRAY) {
        refuse(b, v, at, "array");
        return;
    }
    size_t n = v->len, size = f->elem_size ? f->elem_size : sizeof(int64_t);
    unsigned char *elements = n > 0 ? take(b, n, size) : NULL;
    const gantry_json *e = v + 1;
    if (!elements)
        return;
    for (size_t i = 0; i < n && !full(b); i++, e += e->skip) {
        struct gn_path here = {at, NULL, i};
        bind_element(b, f, e, &here, elements + i * size);
    }
    /* All array types are laid out alike: the count, then the pointer. */
    gantry_strings array = {n, (const char *const *)(const void *)elements};
    memcpy(out, &array, sizeof(array));
}

/* By GANTRY_T_. All stores through memcpy, since a plugin may have packed its struct. */
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
    bind_num(b, v, at, &d.value);
    if (f->type == GANTRY_T_OPT_NUM)
        memcpy(out, &d, sizeof(d));
    else
        memcpy(out, &d.value, sizeof(d.value));
}

static void store_bool(struct bind *b, const struct gn_field *f, const gantry_json *v,
                       const struct gn_path *at, unsigned char *out)
{
    gantry_opt_bool t = {true, false};
    if (!gn_json_bool(v, &t.value))
        refuse(b, v, at, "boolean");
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
        refuse(b, v, at, "object");
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
    store[f->type](b, f, v, at, out + f->offset);
}

/* A null that the schema lets through says that a value is missing, unless it is one. */
static bool is_missing(const struct gn_field *f, const gantry_json *v)
{
    return !v || (v->type == GN_JSON_NULL && f->optional && f->type != GANTRY_T_JSON);
}

/* Where a name stands in the table, or -1; most come in the order of the table. */
static int64_t index_of(const struct gn_name_table *names, const gantry_json *name, size_t guess)
{
    if (guess < names->count && names->v[guess].len == name->len &&
        memcmp(names->v[guess].text, name->text, name->len) == 0)
        return (int64_t)guess;
    return gn_name_table_find(names, name->text, name->len);
}

static void bind_object(struct bind *b, const struct gn_fields *fields, const gantry_json *object,
                        const struct gn_path *at, unsigned char *out)
{
    const gantry_json *few[FEW_FIELDS], **values = few, *name = object + 1;
    size_t next = 0;
    if (fields->count == 0)
        return;
    if (fields->count > FEW_FIELDS)
        values = take(b, fields->count, sizeof(*values));
    else
        memset(few, 0, fields->count * sizeof(*few));
    if (!values)
        return;
    for (uint32_t i = 0; i < object->len; i++, name += 1 + name[1].skip) {
        int64_t k = index_of(fields->names, name, next);
        next = (size_t)(k + 1);
        if (k >= 0 && (size_t)k < fields->count)
            values[k] = name + 1;
    }
    for (size_t i = 0; i < fields->count && !full(b); i++) {
        const struct gn_field *f = &fields->v[i];
        struct gn_path here = {at, f->name, 0};
        if (!is_missing(f, values[i]))
            bind_value(b, f, values[i], &here, out);
        else if (f->fallback.count > 0)
            bind_value(b, f, gn_json_root(&f->fallback), &here, out);
    }
}

/* The value did not fit as it is, or everything arrives as a string: coerced, it may. */
static __attribute__((noinline)) int coerce(const struct gn_schema *schema,
                                            const gantry_json **value, uint32_t flags,
                                            struct gn_arena *arena, struct gn_problems *problems)
{
    struct gn_error err = {0};
    if (flags) {
        *value = gn_schema_coerce(schema, *value, flags, arena, &err);
        if (!*value) {
            gn_problems_add(problems, "", "%s", err.text);
            return GN_ETOOBIG;
        }
    }
    return gn_schema_validate(schema, *value, 0, problems);
}

int gn_field_bind(const struct gn_field *f, const gantry_json *v, struct gn_arena *arena,
                  void *base, struct gn_problems *p)
{
    struct bind b = {arena, p, 0};
    struct gn_path root = {NULL, f->name, 0};
    bind_value(&b, f, v, &root, base);
    return b.rc;
}

int gn_fields_bind(const struct gn_fields *fields, const gantry_json *value, uint32_t flags,
                   struct gn_arena *arena, void *out, struct gn_problems *problems)
{
    static const gantry_json nothing = {.type = GN_JSON_OBJECT, .skip = 1};
    struct bind b = {arena, problems, 0};
    struct gn_path root = {NULL, "", 0};
    gn_assert(out != NULL || fields->count == 0);
    if (out)
        memset(out, 0, fields->struct_size);
    value = value ? value : &nothing;
    if ((flags & GN_COERCE_ALL) || gn_schema_validate(fields->schema, value, 0, NULL) != 0)
        b.rc = coerce(fields->schema, &value, flags, arena, problems);
    if (b.rc == 0)
        bind_object(&b, fields, value, &root, out);
    if (b.rc && out)
        memset(out, 0, fields->struct_size);
    return b.rc;
}
