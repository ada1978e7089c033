/* check_objects.c - keywords of objects.
 *
 * Of members with the same name the last counts, as for every JavaScript peer. Finding out costs
 * more than all the rest, so it is done only for a member that would be refused.
 */
#include "schema/run.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>

#define FEW_NAMES 16
#define MANY_NAMES 200 /* that a misspelt one is compared with */
#define FOLLOW_MAX 4   /* references within references that are followed for names */
#define LONG_NAME 64   /* from so many bytes on, comparing a name costs steps of its own */

/* ---------------------------------------------------------------- names that come twice */

static int compare_names(const void *a, const void *b)
{
    const gantry_json *x = *(const gantry_json *const *)a, *y = *(const gantry_json *const *)b;
    int order = memcmp(x->text, y->text, GN_MIN(x->len, y->len));
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

size_t gn_count_names(const gantry_json *object)
{
    const gantry_json *few[FEW_NAMES], *m = NULL;
    const gantry_json **names = object->len <= FEW_NAMES ? few
                                                         : gn_calloc(object->len, sizeof(*names));
    size_t n = 0, distinct = 0;
    while ((m = gn_json_next(object, m)) != NULL)
        names[n++] = m - 1;
    qsort(names, n, sizeof(*names), compare_names);
    for (size_t i = 0; i < n; i++)
        distinct += i == 0 || compare_names(&names[i - 1], &names[i]) != 0;
    if (names != few)
        gn_free(names);
    return distinct;
}

static bool has_duplicates(const gantry_json *v)
{
    const gantry_json *end = v + v->skip;
    for (; v < end; v++) {
        if (v->type == GN_JSON_OBJECT && v->len > 1 && gn_count_names(v) < v->len)
            return true;
    }
    return false;
}

bool gn_run_hidden(struct gn_run *r, const gantry_json *object, const gantry_json *member)
{
    const gantry_json *name = member - 1, *m = member;
    if (object->len > FEW_NAMES && r->duplicates < 0)
        r->duplicates = gn_run_step(r, r->root->skip) && has_duplicates(r->root);
    if (r->duplicates == 0 || !gn_run_step(r, object->len * (1 + (uint64_t)name->len / LONG_NAME)))
        return false;
    while ((m = gn_json_next(object, m)) != NULL) {
        if (m[-1].len == name->len && memcmp(m[-1].text, name->text, name->len) == 0)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- counts */

/* Takes the steps that counting the names costs. */
static bool read_names(struct gn_run *r, const gantry_json *object)
{
    uint64_t steps = object->len;
    for (const gantry_json *m = NULL; (m = gn_json_next(object, m)) != NULL;)
        steps += m[-1].len / LONG_NAME;
    return gn_run_step(r, steps);
}

bool gn_op_min_properties(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                          const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    if (v->len < op->u.limit)
        return gn_refuse(r, op, v, at);
    if (op->u.limit <= 1)
        return true;
    return read_names(r, v) && (gn_count_names(v) >= op->u.limit || gn_refuse(r, op, v, at));
}

bool gn_op_max_properties(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                          const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    if (v->len <= op->u.limit)
        return true;
    return read_names(r, v) && (gn_count_names(v) <= op->u.limit || gn_refuse(r, op, v, at));
}

/* ---------------------------------------------------------------- the family of properties */

static bool is_closed(const struct gn_node *n)
{
    return n && gn_json_type(n->source) == GN_JSON_FALSE;
}

/* Puts missing and unknown names into one line, so that a misspelt one is understood at once.
 * `unknown` are members that additionalProperties false refuses. */
static __attribute__((noinline)) void tell_names(struct gn_run *r, const struct gn_object_op *o,
                                                 const gantry_json *const *found,
                                                 const struct gn_names *unknown,
                                                 const struct gn_path *at)
{
    const char **known = gn_calloc(o->names.count + 1, sizeof(*known));
    struct gn_names missing = {0};
    size_t n = 0;
    for (uint32_t i = 0; i < o->names.count; i++) {
        const struct gn_name *name = &o->names.v[i];
        if (name->required && !found[i])
            gn_names_add(&missing, name->text, name->len);
        if (name->declared || name->required)
            known[n++] = name->text;
    }
    gn_problems_names(r->problems, at, &missing, unknown, known);
    gn_free(known);
}

/* A member that is not declared, or may match a pattern besides. */
static __attribute__((noinline)) bool run_loose(struct gn_run *r, const struct gn_object_op *o,
                                                bool declared, const gantry_json *object,
                                                const gantry_json *m, const struct gn_path *at,
                                                struct gn_names *unknown, bool *ret_evaluated)
{
    size_t len = 0;
    const char *name = gn_json_name(m, &len);
    struct gn_path here = {at, name, 0};
    bool passes = true, matched = declared;
    if (r->problems && gn_run_hidden(r, object, m))
        return true;
    for (uint32_t i = 0; i < o->pattern_count && !r->stopped; i++) {
        int rc = gn_pattern_match(o->patterns[i].pattern, name, len, &r->steps);
        if (rc == GN_ETOOBIG)
            return gn_run_give_up(r, &here, "in patternProperties");
        if (rc != 1)
            continue;
        matched = true;
        passes = gn_run_node(r, o->patterns[i].node, m, &here, NULL) && passes;
    }
    if (!matched && o->additional) {
        if (is_closed(o->additional)) {
            gn_names_add(unknown, name, len);
            passes = false;
        } else {
            passes = gn_run_node(r, o->additional, m, &here, NULL) && passes;
        }
    }
    *ret_evaluated = matched || o->closes;
    return passes || (!r->problems && gn_run_hidden(r, object, m));
}

bool gn_op_object(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                  const struct gn_path *at, struct gn_marks *marks)
{
    const struct gn_object_op *o = op->u.object;
    const gantry_json *few[FEW_NAMES], *m = v + 1;
    const gantry_json **found = o->names.count <= FEW_NAMES
                                    ? few
                                    : gn_calloc(o->names.count, sizeof(*found));
    struct gn_names unknown;
    bool passes = true, loose = o->additional || o->pattern_count > 0;
    uint32_t needed = o->required_count;
    uint32_t next = 0; /* members come in the order of the schema most often */
    unknown.count = 0;
    if (found == few)
        memset(few, 0, o->names.count * sizeof(*few));
    if (!gn_run_step(r, v->len + o->names.count))
        passes = false;
    for (uint32_t i = 0; i < v->len && !r->stopped && (passes || r->problems); i++, m += m->skip) {
        if (m->len >= LONG_NAME && !gn_run_step(r, m->len / LONG_NAME))
            break;
        int64_t k = next;
        if (next >= o->names.count || o->names.v[next].len != m->len ||
            memcmp(o->names.v[next].text, m->text, m->len) != 0)
            k = gn_name_table_find(&o->names, m->text, m->len);
        bool declared = k >= 0 && o->names.v[k].declared, evaluated = declared || o->closes;
        m++;
        if (k >= 0) {
            next = (uint32_t)k + 1;
            needed -= o->names.v[k].required && !found[k];
            found[k] = m;
        }
        if (loose && (!declared || o->pattern_count > 0))
            passes = run_loose(r, o, declared, v, m, at, &unknown, &evaluated) && passes;
        if (evaluated)
            gn_mark(marks, i);
    }
    passes = passes && needed == 0;
    if (r->problems && !r->stopped && (needed > 0 || unknown.count > 0))
        tell_names(r, o, found, &unknown, at);
    for (uint32_t i = 0; i < o->names.count && !r->stopped && (passes || r->problems); i++) {
        const struct gn_name *name = &o->names.v[i];
        if (!found[i] || !name->node || gn_node_passes(name->node, found[i]))
            continue;
        struct gn_path here = {at, name->text, 0};
        passes = gn_run_node(r, name->node, found[i], &here, NULL) && passes;
    }
    if (found != few)
        gn_free(found);
    return passes && !r->stopped;
}

/* ---------------------------------------------------------------- propertyNames */

bool gn_op_property_names(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                          const struct gn_path *at, struct gn_marks *marks GN_UNUSED)
{
    bool passes = true;
    for (const gantry_json *m = NULL; !r->stopped && (m = gn_json_next(v, m)) != NULL;) {
        const gantry_json *name = m - 1;
        if (gn_run_step(r, 1) && gn_run_trial(r, op->u.node, name, NULL))
            continue;
        passes = false;
        if (!r->problems || r->stopped)
            return false;
        char shown[GN_SHOWN_MAX];
        struct gn_buf what = GN_BUF_INIT(512);
        if (gn_problems_wanted(r->problems))
            gn_describe(op->u.node, &what);
        gn_problems_at(r->problems, at, "the name %s is not allowed: expected %s",
                       gn_show_text(shown, name->text, name->len), gn_buf_str(&what));
        gn_buf_release(&what);
    }
    return passes;
}

/* ---------------------------------------------------------------- dependencies */

static __attribute__((noinline)) bool has_names(struct gn_run *r, const struct gn_dependency *d,
                                                const gantry_json *v, const struct gn_path *at)
{
    struct gn_names missing = {0};
    for (const gantry_json *name = NULL; (name = gn_json_next(d->required, name)) != NULL;) {
        if (!gn_run_step(r, (1 + (uint64_t)v->len) * (1 + name->len / LONG_NAME)))
            return false;
        if (!gn_json_getn(v, name->text, name->len))
            gn_names_add(&missing, name->text, name->len);
    }
    if (missing.count == 0)
        return true;
    if (r->problems) {
        struct gn_problems line;
        struct gn_names none = {0};
        char shown[GN_SHOWN_MAX];
        gn_problems_init(&line);
        gn_problems_names(&line, NULL, &missing, &none, NULL);
        gn_problems_at(r->problems, at, "%s, needed beside %s", gn_buf_str(&line.text),
                       gn_show_text(shown, d->name, d->len));
        gn_problems_release(&line);
    }
    return false;
}

bool gn_op_dependencies(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                        const struct gn_path *at, struct gn_marks *marks)
{
    bool passes = true;
    for (uint32_t i = 0; i < op->count && !r->stopped && (passes || r->problems); i++) {
        const struct gn_dependency *d = &op->u.dependencies[i];
        if (!gn_run_step(r, (1 + (uint64_t)v->len) * (1 + d->len / LONG_NAME)) ||
            !gn_json_getn(v, d->name, d->len))
            continue;
        passes = (d->required ? has_names(r, d, v, at) : gn_run_node(r, d->node, v, at, marks)) &&
                 passes;
    }
    return passes && !r->stopped;
}

/* ---------------------------------------------------------------- unevaluatedProperties */

/* The names that a node and those it always refers to declare; the number of them. */
static size_t find_declared(const struct gn_node *n, const char **names, size_t count, int depth)
{
    for (uint32_t i = 0; i < n->op_count && depth < FOLLOW_MAX && count < MANY_NAMES; i++) {
        const struct gn_op *op = &n->ops[i];
        if (op->run == gn_op_ref)
            count = find_declared(op->u.node, names, count, depth + 1);
        for (uint32_t k = 0; op->run == gn_op_all_of && k < GN_MIN(op->count, FEW_NAMES); k++)
            count = find_declared(op->u.nodes[k], names, count, depth + 1);
        const struct gn_name_table *t = op->run == gn_op_object ? &op->u.object->names : NULL;
        for (uint32_t k = 0; t && k < t->count && count < MANY_NAMES; k++)
            names[count++] = t->v[k].text;
    }
    return count;
}

static __attribute__((noinline)) void tell_unevaluated(struct gn_run *r, const struct gn_node *n,
                                                       const struct gn_names *unknown,
                                                       const struct gn_path *at)
{
    const char *known[MANY_NAMES + 1];
    struct gn_names none = {0};
    known[gn_problems_wanted(r->problems) ? find_declared(n, known, 0, 0) : 0] = NULL;
    gn_problems_names(r->problems, at, &none, unknown, known);
}

bool gn_op_unevaluated_properties(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                                  const struct gn_path *at, struct gn_marks *marks)
{
    struct gn_names unknown = {0};
    bool passes = true;
    size_t i = 0;
    for (const gantry_json *m = NULL; !r->stopped && (m = gn_json_next(v, m)) != NULL; i++) {
        size_t len = 0;
        const char *name = gn_json_name(m, &len);
        struct gn_path here = {at, name, 0};
        if (gn_is_marked(marks, i) || (r->problems && gn_run_hidden(r, v, m)))
            continue;
        if (r->problems && is_closed(op->u.node)) {
            gn_names_add(&unknown, name, len);
        } else if (gn_run_node(r, op->u.node, m, &here, NULL) ||
                   (!r->problems && gn_run_hidden(r, v, m))) {
            continue;
        }
        passes = false;
        if (!r->problems)
            return false;
    }
    if (unknown.count > 0)
        tell_unevaluated(r, op->owner, &unknown, at);
    if (passes)
        gn_mark_all(marks);
    return passes;
}
