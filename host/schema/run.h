/* run.h - inside host/schema: one validation, and the operations it is made of.
 *
 * There is one walk for both questions: without problems it answers yes or no and stops at the
 * first failure, with problems it goes on and puts each failure into words. Alternatives (anyOf,
 * if, not, contains) are always tried without, and only the one that the value seems to mean is
 * then told about.
 */
#ifndef GN_SCHEMA_RUN_H
#define GN_SCHEMA_RUN_H

#include "schema/program.h"

/* The resources entered so far, innermost first: what dynamic references look through. */
struct gn_scope {
    const struct gn_resource *resource;
    const struct gn_scope *outer;
};

#define GN_RUN_DEPTH 1000 /* nodes within nodes */

struct gn_run {
    const struct gn_schema *schema;
    const gantry_json *root;
    struct gn_problems *problems; /* NULL: only the answer is asked for */
    uint64_t steps;               /* that may still be taken */
    uint32_t depth;
    uintptr_t stack;          /* an address on the stack where the run began */
    bool stopped;             /* out of steps or too deep: every answer from here on is no */
    bool told_stop, counting; /* its end has been told; problems are only counted */
    int8_t duplicates;        /* does the value have members of the same name? -1: not looked yet */
    const struct gn_scope *scope;
    const struct gn_node *told_node; /* the last that was described to the reader, and the value: */
    const gantry_json *told_value;   /* several keywords of one schema are told in one line */
};

/* The members or elements of one value that some keyword has evaluated, by position. */
#define GN_MARKS_FEW 4
struct gn_marks {
    size_t count;
    uint64_t *bits; /* few, or memory */
    uint64_t few[GN_MARKS_FEW];
};

bool gn_run_node(struct gn_run *r, const struct gn_node *n, const gantry_json *v,
                 const struct gn_path *at, struct gn_marks *marks);
/* As a trial: nothing is noted, and marks stay as they are unless it passes. */
bool gn_run_trial(struct gn_run *r, const struct gn_node *n, const gantry_json *v,
                  struct gn_marks *marks);
/* Takes n steps; false if the run has come to its end. */
static inline bool gn_run_step(struct gn_run *r, uint64_t n)
{
    if (__builtin_expect(r->steps < n, 0)) {
        r->steps = 0;
        r->stopped = true;
        return false;
    }
    r->steps -= n;
    return true;
}

/* Takes the steps that reading all of a value costs: its nodes and the length of its texts. */
bool gn_run_read(struct gn_run *r, const gantry_json *v);

/* Ends the run since nobody can tell whether a text matches; false. */
bool gn_run_give_up(struct gn_run *r, const struct gn_path *at, const char *pattern);

static inline void gn_mark(struct gn_marks *m, size_t i)
{
    if (m)
        m->bits[i / 64] |= UINT64_C(1) << (i % 64);
}
static inline bool gn_is_marked(const struct gn_marks *m, size_t i)
{
    return (m->bits[i / 64] >> (i % 64) & 1) != 0;
}
void gn_mark_all(struct gn_marks *m);

/* Number of members less those that are hidden by a later one of the same name. */
size_t gn_count_names(const gantry_json *object);
/* True if a later member of the same name hides this one. */
bool gn_run_hidden(struct gn_run *r, const gantry_json *object, const gantry_json *member);

/* Notes "expected ..., got ..." with the description of the operation's node, once for a value;
 * false. */
bool gn_refuse(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
               const struct gn_path *at);
/* "integer 1 to 5", "array of at most 3 strings", "one of \"a\", \"b\"". */
void gn_describe(const struct gn_node *n, struct gn_buf *out);
/* The same of the alternatives of anyOf or oneOf, each once: "string or integer". */
void gn_describe_forms(const struct gn_op *op, struct gn_buf *out);
/* Tells why none of the nodes fits (anyOf, oneOf); false. */
bool gn_explain(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                const struct gn_path *at);

/* The bit of a value's type; for numbers both, since finding out which costs more. */
static inline uint8_t gn_type_bits(const gantry_json *v)
{
    static const uint8_t bits[] = {
        [GN_JSON_NULL] = GN_NULL,      [GN_JSON_FALSE] = GN_BOOL,   [GN_JSON_TRUE] = GN_BOOL,
        [GN_JSON_NUMBER] = GN_NUMBERS, [GN_JSON_STRING] = GN_TEXTS, [GN_JSON_ARRAY] = GN_ARRAYS,
        [GN_JSON_OBJECT] = GN_OBJECTS,
    };
    return bits[v->type];
}

/* Does a set of types have that of the value? */
static inline bool gn_types_take(uint8_t types, const gantry_json *v)
{
    uint8_t bits = gn_type_bits(v), common = types & bits;
    return common == bits || (common != 0 && (common == GN_WHOLE) == gn_json_is_whole(v));
}

/* True, without a call, for the most frequent node: one that has nothing but a type. */
static inline bool gn_node_passes(const struct gn_node *n, const gantry_json *v)
{
    uint8_t bits = gn_type_bits(v);
    return n->op_count == 0 && (bits & n->types) == bits;
}

/* check_values.c */
gn_op_fn gn_op_enum, gn_op_enum_names, gn_op_const, gn_op_minimum, gn_op_maximum,
    gn_op_exclusive_minimum, gn_op_exclusive_maximum, gn_op_multiple_of, gn_op_min_length,
    gn_op_max_length, gn_op_pattern, gn_op_format;
/* check_arrays.c */
gn_op_fn gn_op_min_items, gn_op_max_items, gn_op_unique_items, gn_op_array, gn_op_contains,
    gn_op_unevaluated_items;
/* check_objects.c */
gn_op_fn gn_op_min_properties, gn_op_max_properties, gn_op_object, gn_op_property_names,
    gn_op_dependencies, gn_op_unevaluated_properties;
/* check_logic.c */
gn_op_fn gn_op_ref, gn_op_dynamic_ref, gn_op_all_of, gn_op_any_of, gn_op_one_of, gn_op_not,
    gn_op_if;

#endif
