/* shapes.h - tools made from tools by hand, for tests that need no registry. */
#ifndef TESTS_UNIT_CALL_SHAPES_H
#define TESTS_UNIT_CALL_SHAPES_H

#include "rig.h"

struct shape_row {
    const char *name, *parent_name;
    enum gn_source source;
    const char *source_name;
    const char *json; /* default or value; NULL: none */
    bool is_required;
};

/* A tool whose arguments fit the schema, which is JSON; NULL: it takes anything. */
struct gn_component *shape_tool(struct rig *r, const char *key, gantry_run_fn run, uint32_t flags,
                                const char *schema);
/* One made from `parent`; the caller's reference to that goes with it. schema is its own; NULL:
 * none. A row without any name ends the table. */
struct gn_component *shape_made(struct gn_component *parent, const char *key,
                                const struct shape_row *rows, const char *schema);
/* The same with a function around it, of `owner`. args and size: its `in`; NULL: none. */
struct gn_component *shape_around(struct gn_component *parent, const char *key, gantry_run_fn run,
                                  struct gn_owner *owner, const struct shape_row *rows,
                                  const char *schema, const gantry_arg *args, uint32_t size);
#define ROWS(...) ((const struct shape_row[]){__VA_ARGS__, {.name = NULL}})

#endif
