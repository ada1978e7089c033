/* program.h - inside host/schema: what a schema is compiled to.
 *
 * Each subschema becomes a node: the set of types it lets through and a list of operations, one for
 * each keyword or family of keywords that has to be looked at together. A node is run on a value by
 * gn_run_node: the type is tested first, then each operation that applies to it, cheap ones first
 * and those that need what the others marked last.
 *
 *     {"type": "object", "properties": {"a": {"minimum": 1}}, "required": ["a"]}
 *
 *     node  types {object}      ops  [ object: a -> node types {all}, ops [ minimum 1 ] ]
 *
 * Nodes refer to each other by pointer, so a recursive schema is a cyclic graph. All of it lies in
 * one arena and points into the text of the schema; nothing is written after compiling.
 */
#ifndef GN_SCHEMA_PROGRAM_H
#define GN_SCHEMA_PROGRAM_H

#include "schema/format.h"
#include "schema/pattern.h"
#include "schema/schema.h"

struct gn_run;
struct gn_marks;
struct gn_node;
struct gn_op;

/* True if the value passes. False if it does not, noted if the run has problems; also if the run
 * was stopped. */
typedef bool gn_op_fn(struct gn_run *r, const struct gn_op *op, const gantry_json *v,
                      const struct gn_path *at, struct gn_marks *marks);

/* A set of names, found by hash; the order is that of the schema. */
struct gn_name {
    const char *text;
    uint32_t len;
    bool declared;        /* stands in `properties` */
    bool required;        /* stands in `required` */
    uint64_t first, last; /* its first and last eight bytes: see names.c */
    struct gn_node *node; /* of a property; may be NULL */
};
struct gn_name_table {
    struct gn_name *v;
    uint32_t count, mask;
    uint32_t *slots; /* index + 1; 0: free */
};

struct gn_pattern_property {
    struct gn_pattern *pattern;
    struct gn_node *node;
};

/* properties, patternProperties, additionalProperties and required */
struct gn_object_op {
    struct gn_name_table names;
    struct gn_pattern_property *patterns;
    uint32_t pattern_count, required_count;
    struct gn_node *additional; /* NULL: anything */
    bool closes;                /* additionalProperties stands there, so that all is evaluated */
};

/* prefixItems and items (items and additionalItems before 2020-12) */
struct gn_array_op {
    struct gn_node **prefix;
    uint32_t prefix_count;
    struct gn_node *rest; /* NULL: anything */
};

struct gn_contains_op {
    struct gn_node *node;
    uint64_t min, max;
    bool marks; /* what it finds counts as evaluated: from 2020-12 on */
};

/* if, then, else */
struct gn_if_op {
    struct gn_node *test, *yes, *no; /* yes, no: NULL if not there */
};

/* dependentRequired, dependentSchemas, dependencies: for one name */
struct gn_dependency {
    const char *name;
    uint32_t len;
    const gantry_json *required; /* an array of names, or NULL */
    struct gn_node *node;        /* or NULL */
};

struct gn_op {
    gn_op_fn *run;
    uint8_t applies;             /* gn_types */
    uint32_t count;              /* elements behind the pointer, where it is a list */
    const char *keyword;         /* as in the schema */
    const struct gn_node *owner; /* whose operation it is */
    union {
        const gantry_json *value;    /* limits, const */
        const gantry_json **values;  /* enum */
        struct gn_name_table *names; /* enum, if it has only strings */
        struct gn_pattern *pattern;
        const struct gn_format *format;
        struct gn_node *node;   /* $ref, not, propertyNames, unevaluated* */
        struct gn_node **nodes; /* allOf, anyOf, oneOf */
        struct gn_object_op *object;
        struct gn_array_op *array;
        struct gn_contains_op *contains;
        struct gn_if_op *condition;
        struct gn_dependency *dependencies;
        uint64_t limit; /* counts and lengths */
    } u;
    const char *anchor; /* of a dynamic reference: its name, interned; NULL: static */
};

struct gn_node {
    uint8_t types;   /* of its own keyword `type` */
    uint8_t accepts; /* the types that it can let through at all, with all that it refers to */
    bool collects;   /* has unevaluated*: the operations before must mark what they looked at */
    uint32_t op_count;
    struct gn_op *ops;
    const struct gn_resource *resource;
    const gantry_json *source; /* an object or a boolean */
};

/* A schema with an identity of its own: a document, or what `$id` sets apart within one. */
struct gn_resource {
    const char *uri; /* absolute where the document says so, without fragment */
    const gantry_json *root;
    struct gn_vocabulary {
        enum gn_dialect dialect;
        uint32_t vocabularies; /* enum gn_vocabulary_bits */
        bool assert_formats;
    } vocabulary;
    struct gn_anchor *anchors;
    struct gn_resource *next; /* of the same program */
};

struct gn_anchor {
    const char *name; /* interned; "" is `$recursiveAnchor` */
    const gantry_json *place;
    struct gn_node *node; /* compiled if dynamic and the program has dynamic references */
    bool is_dynamic;
    struct gn_anchor *next;
};

enum gn_vocabulary_bits {
    GN_VOCAB_CORE = 1,
    GN_VOCAB_APPLICATOR = 2,
    GN_VOCAB_UNEVALUATED = 4,
    GN_VOCAB_VALIDATION = 8,
    GN_VOCAB_FORMAT = 16, /* annotation or assertion */
    GN_VOCAB_META_DATA = 32,
    GN_VOCAB_ALL = 63,
};

/* A text that has been read: the schema itself, a meta-schema, one that the options named. */
struct gn_source {
    const gantry_json *nodes;
    size_t count;
    struct gn_node **compiled; /* by index of the JSON node; NULL: not compiled */
    struct gn_source *next;
    struct gn_json_doc doc; /* owned */
};

struct gn_schema {
    struct gn_arena arena;
    struct gn_source *sources;     /* the first is the schema's own */
    struct gn_resource *resources; /* all, newest first */
    struct gn_node *root;
    bool dynamic; /* has dynamic references, so that runs keep their scope */
    size_t node_count, pattern_count, pattern_room;
    struct gn_pattern **patterns; /* owned */
};

/* Position of a name, or -1. */
int64_t gn_name_table_find(const struct gn_name_table *t, const char *name, size_t len);
/* The entry of a name, or NULL. */
static inline const struct gn_name *gn_name_table_get(const struct gn_name_table *t,
                                                      const char *name, size_t len)
{
    int64_t i = gn_name_table_find(t, name, len);
    return i >= 0 ? &t->v[i] : NULL;
}

/* The compiled node of a place in the schema's own text; NULL if it is no subschema. */
const struct gn_node *gn_schema_node_at(const struct gn_schema *s, const gantry_json *place);

/* The first operation that `run` is, or NULL. */
const struct gn_op *gn_node_op(const struct gn_node *n, gn_op_fn *run);

#endif
