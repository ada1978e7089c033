/* check_values.c - keywords of single values: enum, const, numbers, strings. */
#include "schema/run.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

/* ---------------------------------------------------------------- any value */

/* What comparing with a choice of the schema costs. */
static bool same(struct gn_run *r, const gantry_json *choice, const gantry_json *v)
{
    if (choice->type == GN_JSON_STRING)
        return v->type == GN_JSON_STRING && v->len == choice->len && gn_run_step(r, v->len / 64) &&
               memcmp(v->text, choice->text, v->len) == 0;
    if (choice->type != v->type || (v->type == GN_JSON_ARRAY && v->len != choice->len))
        return false;
    return gn_run_read(r, choice) && gn_run_read(r, v) && gn_json_equal(choice, v);
}

static bool refuse_choice(struct gn_run *r, const gantry_json *const *values, uint32_t n,
                          const gantry_json *v, const struct gn_path *at)
{
    if (r->problems && !r->stopped)
        gn_problems_choice(r->problems, at, values, n, v);
    return false;
}

bool gn_op_enum(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    if (!gn_run_step(r, op->count / 16))
        return false;
    for (uint32_t i = 0; i < op->count && !r->stopped; i++) {
        if (same(r, op->u.values[i], v))
            return true;
    }
    return refuse_choice(r, op->u.values, op->count, v, at);
}

bool gn_op_enum_names(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                      const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    if (v->type == GN_JSON_STRING && gn_name_table_find(op->u.names, v->text, v->len) >= 0)
        return true;
    if (!gn_problems_wanted(r->problems)) /* it is only counted, if at all */
        return refuse_choice(r, NULL, 0, v, at);
    const gantry_json *list = gn_json_get(op->owner->source, "enum"), *e = NULL;
    const gantry_json **values = gn_calloc(op->count, sizeof(*values));
    for (uint32_t i = 0; i < op->count; i++)
        values[i] = e = gn_json_next(list, e);
    refuse_choice(r, values, op->count, v, at);
    gn_free(values);
    return false;
}

bool gn_op_const(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                 const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    return same(r, op->u.value, v) || gn_refuse(r, op, v, at);
}

/* ---------------------------------------------------------------- numbers */

bool gn_op_minimum(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                   const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    return gn_json_compare(v, op->u.value) >= 0 || gn_refuse(r, op, v, at);
}

bool gn_op_maximum(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                   const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    return gn_json_compare(v, op->u.value) <= 0 || gn_refuse(r, op, v, at);
}

bool gn_op_exclusive_minimum(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                             const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    return gn_json_compare(v, op->u.value) > 0 || gn_refuse(r, op, v, at);
}

bool gn_op_exclusive_maximum(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                             const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    return gn_json_compare(v, op->u.value) < 0 || gn_refuse(r, op, v, at);
}

bool gn_op_multiple_of(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                       const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    int rc = gn_json_multiple_of(v, op->u.value, &r->steps);
    if (rc == 1)
        return true;
    if (rc == GN_ETOOBIG)
        return gn_run_step(r, UINT64_MAX);
    if (r->problems) {
        char of[GN_SHOWN_MAX], shown[GN_SHOWN_MAX];
        gn_problems_at(r->problems, at, "expected a multiple of %s, got %s",
                       gn_show_value(of, op->u.value), gn_show_value(shown, v));
    }
    return false;
}

/* ---------------------------------------------------------------- strings */

/* Lengths are in code points: at most a byte each, at least a quarter of one. */
bool gn_op_min_length(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                      const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    uint64_t min = op->u.limit;
    if (v->len >= min && (v->len / 4 >= min || gn_utf8_count(v->text, v->len) >= min))
        return true;
    return gn_refuse(r, op, v, at);
}

bool gn_op_max_length(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                      const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    uint64_t max = op->u.limit;
    if (v->len <= max || (v->len / 4 <= max && gn_utf8_count(v->text, v->len) <= max))
        return true;
    return gn_refuse(r, op, v, at);
}

bool gn_op_pattern(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                   const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    int matches = gn_pattern_match(op->u.pattern, v->text, v->len, &r->steps);
    if (matches == 1)
        return true;
    const gantry_json *pattern = gn_json_get(op->owner->source, "pattern");
    if (matches != 0)
        return gn_run_give_up(r, at, pattern->text);
    char shown[GN_SHOWN_MAX];
    if (r->problems)
        gn_problems_at(r->problems, at, "expected text that matches %s, got %s", pattern->text,
                       gn_show_text(shown, v->text, v->len));
    return false;
}

bool gn_op_format(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                  const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    const struct gn_format *format = op->u.format;
    if (!gn_run_step(r, 1 + v->len / 16))
        return false;
    if (format->valid(v->text, v->len))
        return true;
    char shown[GN_SHOWN_MAX];
    if (r->problems)
        gn_problems_at(r->problems, at, "expected %s such as %s, got %s", format->name,
                       format->example, gn_show_text(shown, v->text, v->len));
    return false;
}
