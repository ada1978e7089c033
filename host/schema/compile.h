/* compile.h - inside host/schema: what the parts of the compiler share.
 *
 * Compiling has two phases. resolve.c reads a text and walks what is known to hold subschemas, to
 * learn every identity (`$id`, anchors) and where it stands. Then compile.c turns places into
 * nodes, one after the other from a queue: a reference only asks for the node of the place that it
 * leads to, so neither cycles nor long chains recurse. A document named by a reference is read when
 * the first reference to it is met.
 */
#ifndef GN_SCHEMA_COMPILE_H
#define GN_SCHEMA_COMPILE_H

#include "schema/program.h"
#include "util/map.h"

struct gn_compiler {
    struct gn_schema *s;
    const struct gn_schema_options *options;
    struct gn_map resources; /* by URI: struct gn_resource */
    struct gn_map roots;     /* by address of the JSON node: struct gn_resource */
    struct gn_map names;     /* interned anchors: char * in the arena */
    struct gn_map anchors;   /* by resource and interned name: struct gn_anchor */
    struct gn_node **queue;
    size_t queued, done, room;
    struct gn_op *ops; /* of the node being compiled */
    size_t op_count, op_room;
    uint64_t looked; /* members that references were looked for among */
    struct gn_error *err;
    int rc; /* the first failure; nothing is compiled after it */
};

/* What a keyword's value holds, for the walk that looks for identities and for references. */
enum gn_holds {
    GN_HOLDS_NOTHING,
    GN_HOLDS_SCHEMA,
    GN_HOLDS_LIST,   /* an array of schemas */
    GN_HOLDS_MAP,    /* an object whose members are schemas */
    GN_HOLDS_EITHER, /* a schema or an array of schemas */
    GN_HOLDS_MIXED,  /* an object whose members are schemas or arrays of names */
};

#define GN_KEYWORDS_MAX 56

/* The node being compiled. */
struct gn_place {
    const struct gn_resource *resource;
    const gantry_json *values[GN_KEYWORDS_MAX]; /* by index of the keyword; NULL: not there */
    struct gn_node *node;
};

struct gn_keyword {
    const char *name;
    uint8_t dialects;   /* 1 << enum gn_dialect */
    uint8_t vocabulary; /* GN_VOCAB_ */
    enum gn_holds holds;
    const char *takes;                   /* what its value must be, for the message */
    bool (*valid)(const gantry_json *k); /* NULL: anything */
    /* Adds the operations of this keyword and of those that belong to it. NULL: it only says
     * something to another keyword, or nothing at all. */
    void (*compile)(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k);
};

/* In the order in which operations run; ends with a row without name. */
extern const struct gn_keyword gn_keywords[];
/* Index of a keyword of this vocabulary, or -1. */
int gn_keyword_index(const struct gn_vocabulary *v, const char *name, size_t len);

/* Notes a failure at a place of a schema: "/properties/a/type: ...". */
void gn_compile_fail(struct gn_compiler *c, int code, const gantry_json *at, const char *fmt, ...)
    GN_PRINTF(4, 5);
/* The node of a subschema, compiled now or later. Never NULL. */
struct gn_node *gn_compile_node(struct gn_compiler *c, const gantry_json *place,
                                const struct gn_resource *resource);
struct gn_op *gn_compile_op(struct gn_compiler *c, const char *keyword, gn_op_fn *run,
                            uint8_t applies);
/* Zeroed memory of the program. */
void *gn_compile_take(struct gn_compiler *c, size_t count, size_t size);
/* Keeps a pattern as long as the program; NULL after a failure, which is noted. */
struct gn_pattern *gn_compile_pattern(struct gn_compiler *c, const gantry_json *at,
                                      const char *text, size_t len);
/* An empty table with room for so many names. */
void gn_name_table_init(struct gn_compiler *c, struct gn_name_table *t, size_t room);
/* The entry of this name, new if it was not there; the text is borrowed. */
struct gn_name *gn_name_table_add(struct gn_name_table *t, const char *text, size_t len);

/* The document of this URI that the options name, or NULL. */
const struct gn_schema_document *gn_document_find(const struct gn_compiler *c, const char *uri,
                                                  size_t len);
/* The URI without an empty fragment and without http:// or https://, which many write wrong;
 * shortens *len. */
const char *gn_uri_bare(const char *uri, size_t *len);
/* The vocabulary of a resource, from `$schema` of its root; without one *ret stays as it is. False
 * after a failure. */
bool gn_vocabulary_choose(struct gn_compiler *c, const gantry_json *root,
                          struct gn_vocabulary *ret);

/* Reads a text into the program and learns its identities; `uri` is where it was found. NULL after
 * a failure. Takes over what is in doc. */
struct gn_resource *gn_source_add(struct gn_compiler *c, struct gn_json_doc *doc, const char *uri);

/* Where a reference leads. */
struct gn_target {
    const struct gn_resource *resource;
    const gantry_json *place;
    const char *anchor; /* its name, if it is a dynamic one; else NULL */
};
/* False after a failure, which is noted at `at`. */
bool gn_resolve(struct gn_compiler *c, const struct gn_resource *from, const gantry_json *at,
                struct gn_target *ret);
/* The resource whose root stands at this place, or `resource`. */
const struct gn_resource *gn_resource_at(struct gn_compiler *c, const gantry_json *place,
                                         const struct gn_resource *resource);

#endif
