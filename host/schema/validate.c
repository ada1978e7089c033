/* validate.c - running a program on a value: nodes, trials, marks, limits. */
#include "schema/run.h"

#include "util/alloc.h"

#include <string.h>

static bool marks_init(struct gn_marks *m, struct gn_run *r, size_t count)
{
    size_t words = count / 64 + 1;
    if (!gn_run_step(r, words))
        return false;
    m->count = count;
    m->bits = words > GN_MARKS_FEW ? gn_malloc(words * sizeof(uint64_t)) : m->few;
    memset(m->bits, 0, words * sizeof(uint64_t));
    return true;
}

/* Adds the marks to others, unless to is NULL, and frees them. */
static void marks_release(struct gn_marks *m, struct gn_marks *to)
{
    for (size_t i = 0; to && i <= m->count / 64; i++)
        to->bits[i] |= m->bits[i];
    if (m->bits != m->few)
        gn_free(m->bits);
}

void gn_mark_all(struct gn_marks *m)
{
    if (m)
        memset(m->bits, 0xFF, (m->count / 64 + 1) * sizeof(uint64_t));
}

/* ---------------------------------------------------------------- nodes */

static bool refuse_type(struct gn_run *r, const struct gn_node *n, const gantry_json *v,
                        const struct gn_path *at)
{
    if (!r->problems)
        return false;
    const struct gn_op op = {.owner = n};
    if (gn_json_type(n->source) == GN_JSON_FALSE)
        gn_problems_at(r->problems, at, "is not allowed");
    else
        gn_refuse(r, &op, v, at);
    return false;
}

/* Too deep, or out of steps: noted where it happened. */
static bool stop(struct gn_run *r, const struct gn_path *at)
{
    r->stopped = true;
    if (r->problems && !r->told_stop) {
        r->told_stop = true;
        gn_problems_at(r->problems, at, "takes more steps or nesting to check than allowed");
    }
    return false;
}

bool gn_run_read(struct gn_run *r, const gantry_json *v)
{
    uint64_t steps = v->skip;
    for (const gantry_json *n = v, *end = v + v->skip; n < end; n++)
        steps += n->type == GN_JSON_STRING || n->type == GN_JSON_NUMBER ? n->len / 64 : 0;
    return gn_run_step(r, steps);
}

bool gn_run_give_up(struct gn_run *r, const struct gn_path *at, const char *pattern)
{
    if (r->problems && !r->told_stop)
        gn_problems_at(r->problems, at, "too long or too complex to compare with the pattern %s",
                       pattern);
    r->told_stop = r->told_stop || r->problems;
    r->stopped = true;
    return false;
}

static bool run_ops(struct gn_run *r, const struct gn_node *n, const gantry_json *v,
                    const struct gn_path *at, struct gn_marks *marks, uint8_t bits)
{
    bool passes = true;
    for (const struct gn_op *op = n->ops, *end = op + n->op_count; op < end; op++) {
        if (!(op->applies & bits))
            continue;
        /* What the others would have marked is not known if they failed. */
        if (!passes &&
            (op->run == gn_op_unevaluated_items || op->run == gn_op_unevaluated_properties))
            continue;
        if (!op->run(r, op, v, at, marks)) {
            passes = false;
            if (!r->problems || r->stopped)
                break;
        }
    }
    return passes;
}

static __attribute__((noinline)) bool run_collecting(struct gn_run *r, const struct gn_node *n,
                                                     const gantry_json *v, const struct gn_path *at,
                                                     struct gn_marks *marks, uint8_t bits)
{
    struct gn_marks own;
    if (!marks_init(&own, r, v->len))
        return stop(r, at);
    bool passes = run_ops(r, n, v, at, &own, bits);
    marks_release(&own, passes ? marks : NULL);
    return passes;
}

/* A node that collects marks, or one of a program that keeps its scope. */
static __attribute__((noinline)) bool run_seldom(struct gn_run *r, const struct gn_node *n,
                                                 const gantry_json *v, const struct gn_path *at,
                                                 struct gn_marks *marks, uint8_t bits)
{
    const struct gn_scope *outer = r->scope;
    struct gn_scope scope = {n->resource, outer};
    if (r->schema->dynamic && (!outer || outer->resource != n->resource))
        r->scope = &scope;
    bool passes = n->collects && (bits & (GN_ARRAYS | GN_OBJECTS))
                      ? run_collecting(r, n, v, at, marks, bits)
                      : run_ops(r, n, v, at, marks, bits);
    r->scope = outer;
    return passes;
}

/* How far the stack may go depends on what the nodes are: some take five times what others do. */
static inline bool is_too_deep(const struct gn_run *r)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    size_t used = here < r->stack ? r->stack - here : here - r->stack;
    return r->depth >= GN_RUN_DEPTH || used > GN_SCHEMA_STACK;
}

bool gn_run_node(struct gn_run *r, const struct gn_node *n, const gantry_json *v,
                 const struct gn_path *at, struct gn_marks *marks)
{
    uint8_t bits = gn_type_bits(v);
    /* Long texts and numbers cost by length, once for each operation. */
    if (!gn_run_step(r, (1 + (uint64_t)(v->len / 64)) * (1 + n->op_count)))
        return stop(r, at);
    if (!gn_types_take(n->types, v))
        return refuse_type(r, n, v, at);
    if (n->op_count == 0)
        return true;
    if (is_too_deep(r))
        return stop(r, at);
    r->depth++;
    bool passes = r->schema->dynamic || n->collects ? run_seldom(r, n, v, at, marks, bits)
                                                    : run_ops(r, n, v, at, marks, bits);
    r->depth--;
    return passes;
}

bool gn_run_trial(struct gn_run *r, const struct gn_node *n, const gantry_json *v,
                  struct gn_marks *marks)
{
    struct gn_problems *problems = r->problems;
    struct gn_marks own;
    if (marks && !marks_init(&own, r, marks->count))
        return false;
    r->problems = NULL;
    bool passes = gn_run_node(r, n, v, NULL, marks ? &own : NULL);
    r->problems = problems;
    if (marks)
        marks_release(&own, passes ? marks : NULL);
    return passes;
}

/* ---------------------------------------------------------------- the whole */

static int run(const struct gn_schema *s, const gantry_json *value, uint64_t max_steps,
               struct gn_problems *problems)
{
    struct gn_run r = {.schema = s,
                       .root = value,
                       .problems = problems,
                       .steps = max_steps ? max_steps
                                          : GN_SCHEMA_STEPS + GN_SCHEMA_STEPS_EACH * value->skip,
                       .stack = (uintptr_t)__builtin_frame_address(0),
                       .duplicates = -1};
    struct gn_path root = {NULL, "", 0};
    bool passes = gn_run_node(&r, s->root, value, &root, NULL);
    if (r.stopped) {
        stop(&r, &root);
        return GN_ETOOBIG;
    }
    return passes ? 0 : GN_EINVAL;
}

int gn_schema_validate(const struct gn_schema *s, const gantry_json *value, uint64_t max_steps,
                       struct gn_problems *problems)
{
    /* Most values are right: the words are looked for only when there is something to say. */
    int rc = run(s, value, max_steps, NULL);
    if (rc == 0 || !problems)
        return rc;
    /* Finding the words may take more steps than finding out: the answer stays. */
    run(s, value, max_steps, problems);
    return rc;
}
