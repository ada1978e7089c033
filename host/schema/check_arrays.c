/* check_arrays.c - keywords of arrays. */
#include "schema/run.h"
#include "util/alloc.h"

#include <sodium.h>
#include <stdlib.h>

#define FEW_ELEMENTS 8

bool gn_op_min_items(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                     const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    return v->len >= op->u.limit || gn_refuse(r, op, v, at);
}

bool gn_op_max_items(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                     const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    return v->len <= op->u.limit || gn_refuse(r, op, v, at);
}

/* ---------------------------------------------------------------- uniqueItems */

struct element {
    uint64_t hash;
    const gantry_json *value;
};

/* By hash; of equal hashes by position, since positions are told. */
static int compare_elements(const void *a, const void *b)
{
    const struct element *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value;
}

/* Two equal elements among those of one hash. */
static bool find_twins(struct gn_run *r, const struct element *v, size_t n,
                       const gantry_json *ret[2])
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i + 1; k < n && v[k].hash == v[i].hash; k++) {
            if (!gn_run_read(r, v[i].value))
                return false;
            if (gn_json_equal(v[i].value, v[k].value)) {
                ret[0] = v[i].value;
                ret[1] = v[k].value;
                return true;
            }
        }
    }
    return false;
}

/* So few are compared each with each. */
static bool find_few(struct gn_run *r, const gantry_json *v, const gantry_json *ret[2])
{
    struct element few[FEW_ELEMENTS];
    const gantry_json *e = v + 1;
    for (uint32_t i = 0; i < v->len; i++, e += e->skip)
        few[i] = (struct element){0, e};
    return find_twins(r, few, v->len, ret);
}

/* Of many, those of equal hash. */
static bool find_many(struct gn_run *r, const gantry_json *v, const gantry_json *ret[2])
{
    struct element *all = gn_calloc(v->len, sizeof(*all));
    const gantry_json *e = v + 1;
    uint64_t seed;
    randombytes_buf(&seed, sizeof(seed));
    for (uint32_t i = 0; i < v->len; i++, e += e->skip)
        all[i] = (struct element){gn_json_hash(e, seed), e};
    qsort(all, v->len, sizeof(*all), compare_elements);
    bool found = find_twins(r, all, v->len, ret);
    gn_free(all);
    return found;
}

static size_t index_of(const gantry_json *array, const gantry_json *element)
{
    size_t i = 0;
    for (const gantry_json *e = NULL; (e = gn_json_next(array, e)) != element;)
        i++;
    return i;
}

bool gn_op_unique_items(struct gn_run *r, const struct gn_op *op GN_UNUSED, const gantry_json *v,
                        const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    const gantry_json *twins[2] = {NULL, NULL};
    if (!gn_run_read(r, v))
        return false;
    bool found = v->len <= FEW_ELEMENTS ? find_few(r, v, twins) : find_many(r, v, twins);
    if (found && r->problems) {
        char shown[GN_SHOWN_MAX];
        gn_problems_at(
            r->problems, at, "expected elements that differ, but %zu and %zu are both %s",
            index_of(v, twins[0]), index_of(v, twins[1]), gn_show_value(shown, twins[0]));
    }
    return !found && !r->stopped;
}

/* ---------------------------------------------------------------- prefixItems, items */

bool gn_op_array(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                 const struct gn_path *at, struct gn_marks *marks)
{
    const struct gn_array_op *a = op->u.array;
    bool passes = true;
    uint32_t n = a->rest ? v->len : GN_MIN(v->len, a->prefix_count);
    const gantry_json *e = v + 1;
    if (!gn_run_step(r, n))
        return false;
    for (uint32_t i = 0; i < n && !r->stopped; i++, e += e->skip) {
        const struct gn_node *n_of = i < a->prefix_count ? a->prefix[i] : a->rest;
        gn_assert(n_of != NULL);
        gn_mark(marks, i);
        if (gn_node_passes(n_of, e))
            continue;
        struct gn_path here = {at, NULL, i};
        if (!gn_run_node(r, n_of, e, &here, NULL)) {
            passes = false;
            if (!r->problems)
                return false;
        }
    }
    return passes;
}

/* ---------------------------------------------------------------- contains */

static __attribute__((noinline)) void tell_contains(struct gn_run *r,
                                                    const struct gn_contains_op *o, uint64_t found,
                                                    const struct gn_path *at)
{
    struct gn_buf what = GN_BUF_INIT(512);
    if (gn_problems_wanted(r->problems))
        gn_describe(o->node, &what);
    if (found < o->min)
        gn_problems_at(r->problems, at, "expected at least %llu of the elements to be %s, got %llu",
                       (unsigned long long)o->min, gn_buf_str(&what), (unsigned long long)found);
    else
        gn_problems_at(r->problems, at, "expected at most %llu of the elements to be %s, got %llu",
                       (unsigned long long)o->max, gn_buf_str(&what), (unsigned long long)found);
    gn_buf_release(&what);
}

bool gn_op_contains(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                    const struct gn_path *at, struct gn_marks *marks)
{
    const struct gn_contains_op *o = op->u.contains;
    uint64_t found = 0;
    size_t i = 0;
    for (const gantry_json *e = NULL; !r->stopped && (e = gn_json_next(v, e)) != NULL; i++) {
        if (!gn_run_step(r, 1) || !gn_run_trial(r, o->node, e, NULL))
            continue;
        found++;
        if (o->marks)
            gn_mark(marks, i);
        if (!marks && found >= o->min && o->max == UINT64_MAX)
            return true;
    }
    if (found >= o->min && found <= o->max)
        return true;
    if (r->problems && !r->stopped)
        tell_contains(r, o, found, at);
    return false;
}

/* ---------------------------------------------------------------- unevaluatedItems */

bool gn_op_unevaluated_items(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                             const struct gn_path *at, struct gn_marks *marks)
{
    bool passes = true;
    size_t i = 0;
    for (const gantry_json *e = NULL; !r->stopped && (e = gn_json_next(v, e)) != NULL; i++) {
        struct gn_path here = {at, NULL, i};
        if (gn_is_marked(marks, i) || gn_run_node(r, op->u.node, e, &here, NULL))
            continue;
        passes = false;
        if (!r->problems)
            return false;
    }
    if (passes)
        gn_mark_all(marks);
    return passes;
}
