/* check_logic.c - references and the keywords that combine schemas. */
#include "schema/run.h"

bool gn_op_ref(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
               const struct gn_path *at, struct gn_marks *marks)
{
    return gn_run_node(r, op->u.node, v, at, marks);
}

/* The outermost resource on the way here that has a dynamic anchor of this name decides. */
bool gn_op_dynamic_ref(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                       const struct gn_path *at, struct gn_marks *marks)
{
    const struct gn_node *target = op->u.node;
    for (const struct gn_scope *s = r->scope; s; s = s->outer) {
        uint64_t anchors = 0;
        for (const struct gn_anchor *a = s->resource->anchors; a; a = a->next, anchors++) {
            if (a->name == op->anchor && a->is_dynamic)
                target = a->node;
        }
        if (!gn_run_step(r, 1 + anchors / 8))
            return false;
    }
    return gn_run_node(r, target, v, at, marks);
}

bool gn_op_all_of(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                  const struct gn_path *at, struct gn_marks *marks)
{
    bool passes = true;
    for (uint32_t i = 0; i < op->count && !r->stopped && (passes || r->problems); i++)
        passes = gn_run_node(r, op->u.nodes[i], v, at, marks) && passes;
    return passes;
}

bool gn_op_any_of(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                  const struct gn_path *at, struct gn_marks *marks)
{
    bool passes = false;
    for (uint32_t i = 0; i < op->count && !r->stopped; i++) {
        passes = gn_run_trial(r, op->u.nodes[i], v, marks) || passes;
        if (passes && !marks) /* else every one that passes has something to mark */
            return true;
    }
    return passes || gn_explain(r, op, v, at);
}

bool gn_op_one_of(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                  const struct gn_path *at, struct gn_marks *marks)
{
    uint32_t first = 0, second = 0;
    for (uint32_t i = 0; i < op->count && !r->stopped && second == 0; i++) {
        if (!gn_run_trial(r, op->u.nodes[i], v, marks))
            continue;
        if (first == 0)
            first = i + 1;
        else
            second = i + 1;
    }
    if (first && !second)
        return true;
    if (!first)
        return gn_explain(r, op, v, at);
    gn_problems_at(r->problems, at,
                   "expected exactly one of %u forms to fit, but number %u and number %u both do",
                   op->count, first, second);
    return false;
}

/* Words have frames of their own: those of the walk lie within each other a thousand times. */
static __attribute__((noinline)) void tell_not(struct gn_run *r, const struct gn_op *op,
                                               const gantry_json *v, const struct gn_path *at)
{
    char shown[GN_SHOWN_MAX];
    struct gn_buf what = GN_BUF_INIT(512);
    gn_describe(op->u.node, &what);
    gn_problems_at(r->problems, at, "expected anything but %s, got %s", gn_buf_str(&what),
                   gn_show_value(shown, v));
    gn_buf_release(&what);
}

bool gn_op_not(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
               const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    if (!gn_run_trial(r, op->u.node, v, NULL))
        return true;
    if (gn_problems_wanted(r->problems))
        tell_not(r, op, v, at);
    else /* it is only counted, if at all */
        gn_problems_at(r->problems, at, "%s", "");
    return false;
}

bool gn_op_if(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
              const struct gn_path *at, struct gn_marks *marks)
{
    const struct gn_if_op *o = op->u.condition;
    const struct gn_node *next = gn_run_trial(r, o->test, v, marks) ? o->yes : o->no;
    return !next || gn_run_node(r, next, v, at, marks);
}
