/* print.c - from the author's struct to JSON. Only what JSON itself has no words for is refused. */
#include "schema/fields.h"

#include "schema/kinds.h"

#include <math.h>
#include <string.h>

struct print {
    struct gn_jw *w;
    struct gn_problems *problems;
    int rc;
};

static void print_object(struct print *p, const struct gn_fields *fields, const unsigned char *in,
                         const char *name, const struct gn_path *at);

static void refuse(struct print *p)
{
    if (p->rc == 0)
        p->rc = GN_EINVAL;
}

static bool full(struct print *p)
{
    if (p->w->out->overflow)
        p->rc = GN_ETOOBIG;
    return p->rc == GN_ETOOBIG;
}

/* A pointer that is NULL: left out if the field may be missing. */
static void print_nothing(struct print *p, const struct gn_field *f, const struct gn_path *at)
{
    if (f->optional)
        return;
    refuse(p);
    gn_problems_at(p->problems, at, "is required but NULL");
}

static void print_num(struct print *p, double v, const char *name, const struct gn_path *at)
{
    if (isfinite(v)) {
        gn_jw_num(p->w, name, v);
        return;
    }
    refuse(p);
    gn_problems_at(p->problems, at, "expected number, got one that is not finite");
}

static void print_element(struct print *p, const struct gn_field *f, const unsigned char *in,
                          const struct gn_path *at)
{
    const char *s;
    int64_t i;
    double d;
    switch (gn_kind_of(f->type)->basis) {
    case GN_TEXT:
        memcpy(&s, in, sizeof(s));
        if (s) {
            gn_jw_str(p->w, NULL, s);
        } else {
            refuse(p);
            gn_problems_at(p->problems, at, "is NULL");
        }
        return;
    case GN_INTEGER:
        memcpy(&i, in, sizeof(i));
        gn_jw_int(p->w, NULL, i);
        return;
    case GN_NUMBER:
        memcpy(&d, in, sizeof(d));
        print_num(p, d, NULL, at);
        return;
    default:
        print_object(p, f->fields, in, NULL, at);
    }
}

static void print_array(struct print *p, const struct gn_field *f, const unsigned char *in,
                        const struct gn_path *at)
{
    gantry_strings array;
    memcpy(&array, in, sizeof(array));
    if (array.n > 0 && !array.v) {
        refuse(p);
        gn_problems_at(p->problems, at, "has %zu elements but NULL in their place", array.n);
        return;
    }
    if (!array.v && f->optional)
        return;
    size_t size = f->elem_size ? f->elem_size : sizeof(int64_t);
    const unsigned char *elements = (const void *)array.v;
    gn_jw_array(p->w, f->name);
    for (size_t i = 0; i < array.n && !full(p); i++) {
        struct gn_path here = {at, NULL, i};
        print_element(p, f, elements + i * size, &here);
    }
    gn_jw_end(p->w);
}

static void print_string(struct print *p, const struct gn_field *f, const unsigned char *in,
                         const struct gn_path *at)
{
    const char *s;
    memcpy(&s, in, sizeof(s));
    if (s)
        gn_jw_str(p->w, f->name, s);
    else
        print_nothing(p, f, at);
}

static void print_str(struct print *p, const struct gn_field *f, const unsigned char *in,
                      const struct gn_path *at)
{
    gantry_str s;
    memcpy(&s, in, sizeof(s));
    if (s.p)
        gn_jw_strn(p->w, f->name, s.p, s.n);
    else
        print_nothing(p, f, at);
}

static void print_integer(struct print *p, const struct gn_field *f, const unsigned char *in,
                          const struct gn_path *at GN_UNUSED)
{
    gantry_opt_int i = {true, 0};
    if (f->type == GANTRY_T_OPT_INT)
        memcpy(&i, in, sizeof(i));
    else
        memcpy(&i.value, in, sizeof(i.value));
    if (i.set)
        gn_jw_int(p->w, f->name, i.value);
}

static void print_number(struct print *p, const struct gn_field *f, const unsigned char *in,
                         const struct gn_path *at)
{
    gantry_opt_num d = {true, 0};
    if (f->type == GANTRY_T_OPT_NUM)
        memcpy(&d, in, sizeof(d));
    else
        memcpy(&d.value, in, sizeof(d.value));
    if (d.set)
        print_num(p, d.value, f->name, at);
}

static void print_bool(struct print *p, const struct gn_field *f, const unsigned char *in,
                       const struct gn_path *at GN_UNUSED)
{
    gantry_opt_bool t = {true, false};
    if (f->type == GANTRY_T_OPT_BOOL)
        memcpy(&t, in, sizeof(t));
    else
        memcpy(&t.value, in, sizeof(t.value));
    if (t.set)
        gn_jw_bool(p->w, f->name, t.value);
}

static void print_json(struct print *p, const struct gn_field *f, const unsigned char *in,
                       const struct gn_path *at)
{
    const gantry_json *v;
    memcpy(&v, in, gn_kind_of(f->type)->size);
    if (v)
        gn_jw_json(p->w, f->name, v);
    else
        print_nothing(p, f, at);
}

static void print_nested(struct print *p, const struct gn_field *f, const unsigned char *in,
                         const struct gn_path *at)
{
    print_object(p, f->fields, in, f->name, at);
}

static void print_object(struct print *p, const struct gn_fields *fields, const unsigned char *in,
                         const char *name, const struct gn_path *at)
{
    static void (*const print[])(struct print *, const struct gn_field *, const unsigned char *,
                                 const struct gn_path *) = {
        [GANTRY_T_STRING] = print_string, [GANTRY_T_STR] = print_str,
        [GANTRY_T_INT] = print_integer,   [GANTRY_T_OPT_INT] = print_integer,
        [GANTRY_T_NUM] = print_number,    [GANTRY_T_OPT_NUM] = print_number,
        [GANTRY_T_BOOL] = print_bool,     [GANTRY_T_OPT_BOOL] = print_bool,
        [GANTRY_T_STRINGS] = print_array, [GANTRY_T_INTS] = print_array,
        [GANTRY_T_NUMS] = print_array,    [GANTRY_T_ARRAY] = print_array,
        [GANTRY_T_JSON] = print_json,     [GANTRY_T_OBJECT] = print_nested,
    };
    gn_jw_object(p->w, name);
    for (size_t i = 0; i < fields->count && !full(p); i++) {
        const struct gn_field *f = &fields->v[i];
        struct gn_path here = {at, f->name, 0};
        print[f->type](p, f, in + f->offset, &here);
    }
    gn_jw_end(p->w);
}

int gn_fields_print(const struct gn_fields *fields, const void *in, struct gn_jw *w,
                    const char *name, struct gn_problems *problems)
{
    struct print p = {w, problems, 0};
    struct gn_path root = {NULL, "", 0};
    if (!in && fields->count > 0) {
        gn_problems_add(problems, "", "there is no struct to print");
        return GN_EINVAL;
    }
    print_object(&p, fields, in, name, &root);
    return full(&p) ? GN_ETOOBIG : p.rc;
}
