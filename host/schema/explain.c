/* explain.c - why none of several alternatives fits, told as a person would.
 *
 * A value that goes against anyOf or oneOf goes against each of its forms, mostly because another
 * form was never meant. So the form that was meant is looked for: by type, by properties that have
 * one allowed value each ("kind": "circle"), at last by the fewest problems; what is wrong with
 * that one is told. Forms that differ by type or value only are told together, in one line.
 */
#include "schema/run.h"
#include "util/alloc.h"

#include <string.h>

#define FOLLOW_MAX 4 /* references that are followed to see what a form is */

/* What a form says itself: references in its place are followed. */
static const struct gn_node *resolve(const struct gn_node *n)
{
    for (int i = 0; i < FOLLOW_MAX && n->types == GN_EVERY && n->op_count == 1; i++) {
        if (n->ops[0].run != gn_op_ref)
            break;
        n = n->ops[0].u.node;
    }
    return n;
}

/* The one value that a form allows for itself, or NULL. */
static const gantry_json *fixed_value(const struct gn_node *n)
{
    const struct gn_node *own = resolve(n);
    const struct gn_op *fixed = gn_node_op(own, gn_op_const);
    const struct gn_op *list = gn_node_op(own, gn_op_enum);
    if (fixed)
        return fixed->u.value;
    return list && list->count == 1 ? list->u.values[0] : NULL;
}

/* What properties say about the name of a member; NULL if nothing. */
static const struct gn_name *find_name(const struct gn_op *object, const gantry_json *member)
{
    return gn_name_table_get(&object->u.object->names, member[-1].text, member[-1].len);
}

/* How a form's properties of one allowed value compare with those of the value: 1 if all that there
 * are fit, -1 if one does not, 0 if there is none. *ret_name is one that does not fit. */
static int compare_kind(const struct gn_node *n, const gantry_json *v, const char **ret_name)
{
    const struct gn_op *op = gn_node_op(resolve(n), gn_op_object);
    int kind = 0;
    if (gn_json_type(v) != GN_JSON_OBJECT)
        return 0;
    for (const gantry_json *m = NULL; op && (m = gn_json_next(v, m)) != NULL;) {
        const struct gn_name *name = find_name(op, m);
        const gantry_json *only = name && name->node ? fixed_value(name->node) : NULL;
        if (only && !gn_json_equal(only, m)) {
            *ret_name = name->text;
            return -1;
        }
        kind = only ? 1 : kind;
    }
    return kind;
}

/* Every form has one allowed value: a list of choices, perhaps with titles. */
static bool tell_choices(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                         const struct gn_path *at)
{
    const gantry_json **values = gn_calloc(op->count, sizeof(*values));
    bool all = true;
    for (uint32_t i = 0; i < op->count && all; i++) {
        values[i] = fixed_value(op->u.nodes[i]);
        all = values[i] != NULL;
    }
    if (all)
        gn_problems_choice(r->problems, at, values, op->count, v);
    gn_free(values);
    return all;
}

/* The value that tells the forms apart is none that they know. */
static bool tell_kinds(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                       const char *name, const struct gn_path *at)
{
    const gantry_json **values = gn_calloc(op->count, sizeof(*values)), *m = gn_json_get(v, name);
    struct gn_path here = {at, name, 0};
    size_t n = 0;
    for (uint32_t i = 0; i < op->count; i++) {
        const struct gn_op *object = gn_node_op(resolve(op->u.nodes[i]), gn_op_object);
        const struct gn_name *own =
            object ? gn_name_table_get(&object->u.object->names, name, strlen(name)) : NULL;
        const gantry_json *only = own && own->node ? fixed_value(own->node) : NULL;
        if (only)
            values[n++] = only;
    }
    if (m && n > 0)
        gn_problems_choice(r->problems, &here, values, n, m);
    gn_free(values);
    return m && n > 0;
}

static uint32_t count_problems(struct gn_run *r, const struct gn_node *n, const gantry_json *v)
{
    struct gn_run before = *r;
    struct gn_problems own;
    struct gn_path root = {NULL, "", 0};
    gn_problems_init(&own);
    r->problems = &own;
    r->counting = true; /* alternatives within it are one problem: else each level multiplies */
    gn_run_node(r, n, v, &root, NULL);
    uint32_t count = own.count;
    gn_problems_release(&own);
    /* What was told to nobody has not been told. */
    r->counting = before.counting;
    r->problems = before.problems;
    r->told_stop = before.told_stop;
    r->told_node = before.told_node;
    r->told_value = before.told_value;
    return count;
}

/* How many members of the value a form knows by name. */
static uint32_t count_known(const struct gn_node *n, const gantry_json *v)
{
    const struct gn_op *op = gn_node_op(resolve(n), gn_op_object);
    uint32_t known = 0;
    if (gn_json_type(v) != GN_JSON_OBJECT)
        return 0;
    for (const gantry_json *m = NULL; op && (m = gn_json_next(v, m)) != NULL;)
        known += find_name(op, m) != NULL;
    return known;
}

/* The form with the fewest problems among those that take the type and are not of another kind; of
 * several the one that knows most of the members. */
static const struct gn_node *nearest(struct gn_run *r, const struct gn_op *op, const gantry_json *v)
{
    const struct gn_node *best = NULL, *only = NULL;
    uint32_t fewest = UINT32_MAX, most = 0, candidates = 0;
    const char *name = NULL;
    for (int kind = 1; kind >= 0 && candidates == 0; kind--) {
        for (uint32_t i = 0; i < op->count; i++) {
            if (gn_types_take(op->u.nodes[i]->accepts, v) &&
                compare_kind(op->u.nodes[i], v, &name) == kind) {
                only = op->u.nodes[i];
                candidates++;
            }
        }
        if (candidates == 1)
            return only;
        for (uint32_t i = 0; candidates > 0 && i < op->count && !r->stopped; i++) {
            const struct gn_node *n = op->u.nodes[i];
            if (!gn_types_take(n->accepts, v) || compare_kind(n, v, &name) != kind)
                continue;
            uint32_t count = count_problems(r, n, v), known = count_known(n, v);
            if (count < fewest || (count == fewest && known > most)) {
                fewest = count;
                most = known;
                best = n;
            }
        }
    }
    return best;
}

/* The only form that is not null, if there is one. */
static const struct gn_node *only_form(const struct gn_op *op)
{
    const struct gn_node *only = NULL;
    for (uint32_t i = 0; i < op->count; i++) {
        if (op->u.nodes[i]->accepts == GN_NULL)
            continue;
        if (only)
            return NULL;
        only = op->u.nodes[i];
    }
    return only;
}

/* All forms in one line. */
static void tell_forms(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                       const struct gn_path *at)
{
    char shown[GN_SHOWN_MAX];
    struct gn_buf what = GN_BUF_INIT(1024);
    gn_describe_forms(op, &what);
    gn_problems_at(r->problems, at, "expected %s, got %s", gn_buf_str(&what),
                   gn_show_value(shown, v));
    gn_buf_release(&what);
}

bool gn_explain(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                const struct gn_path *at)
{
    if (!r->problems || !gn_run_step(r, (uint64_t)op->count * (4 + v->len)))
        return false;
    if (r->counting || !gn_problems_wanted(r->problems)) { /* it is only counted */
        gn_problems_at(r->problems, at, "fits none of the forms");
        return false;
    }
    const char *name = NULL;
    uint32_t takers = 0, others = 0, before = r->problems->count + r->problems->repeats;
    for (uint32_t i = 0; i < op->count; i++) {
        takers += gn_types_take(op->u.nodes[i]->accepts, v);
        others += compare_kind(op->u.nodes[i], v, &name) < 0;
    }
    if (tell_choices(r, op, v, at))
        return false;
    if (takers > 0 && others == op->count && tell_kinds(r, op, v, name, at))
        return false;
    bool scalar = v->type != GN_JSON_OBJECT && v->type != GN_JSON_ARRAY;
    const struct gn_node *meant = scalar ? only_form(op) : nearest(r, op, v);
    if (meant)
        gn_run_node(r, meant, v, at, NULL);
    if (r->problems->count + r->problems->repeats == before && !r->stopped)
        tell_forms(r, op, v, at);
    return false;
}
