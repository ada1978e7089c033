/* made.h - tools made from tools: how the arguments of one become those of its parent, and the
 * function around a parent.
 *
 * A plain one (no function) has its parent's code: when its arguments are bound they go through the
 * tables of all that it was made of, outermost first, and are then bound by the tool at the end of
 * that chain, its `input`. So a chain costs its tables and nothing else. A function is code of its
 * own: its arguments are bound for itself, and gantry_forward binds and runs the parent inside the
 * same call, in a frame: component, arguments and owner are the parent's until it has returned.
 */
#ifndef GN_CALL_MADE_H
#define GN_CALL_MADE_H

#include "call/component.h"
#include "util/map.h"

/* Where the value of a hidden argument comes from. */
enum gn_source {
    GN_SOURCE_NONE = 0,  /* the client, else `value` */
    GN_SOURCE_VALUE,     /* `value` always (hidden) */
    GN_SOURCE_UUID,      /* version 4 */
    GN_SOURCE_NOW,       /* RFC 3339, UTC, milliseconds */
    GN_SOURCE_ENV,       /* the environment */
    GN_SOURCE_SCOPE,     /* a variable of the call */
    GN_SOURCE_PRINCIPAL, /* who asks */
    GN_SOURCE_SECRET,    /* the operator's (env->secrets) */
};

/* One argument of the parent that does not go through as it is, or one of the function alone. */
struct gn_made_arg {
    char *name;        /* as clients know it; NULL: hidden */
    char *parent_name; /* NULL: of the function alone, not passed on */
    enum gn_source source;
    char *source_name;        /* ENV, SCOPE, SECRET */
    struct gn_json_doc value; /* the default, or of VALUE; empty: none */
    bool is_required;         /* by the parent: a source that has nothing fails the call */
};

/* Immutable. Owned by the component. */
struct gn_made {
    struct gn_made_arg *v;
    size_t count;
    struct gn_map by_name; /* names to elements of v: those that clients use, and those of the
                              parent that are no names any more. One that is not the element's
                              `name` is refused; what is not here goes through as it is */
    bool checks;           /* the schema narrows what the parent takes: checked by itself */
    bool is_around;        /* component->run is a function of its own; the rows that its `in` is
                              filled from are component->own->input (NULL: none) */
};
void gn_made_free(struct gn_made *m); /* NULL is fine */

/* The arguments as the parent of c wants them: an object in the arena, or `arguments` itself if
 * nothing changes (NULL counts as {}). GN_EINVAL: an argument that nobody may give, or a source
 * that has nothing, err says which; GN_ETOOBIG: the arena is full. c->made is set. [loop] */
GN_NODISCARD int gn_made_map(struct gantry_call *call, const struct gn_component *c,
                             const gantry_json *arguments, const gantry_json **ret,
                             struct gn_error *err);

/* gantry_forward, gantry_forward_raw: see sdk/gantry.h. [coroutine] */
int gn_call_forward(struct gantry_call *call, const gantry_json *arguments, bool is_raw);
/* True while the function around a tool runs: gantry_forward may be called, and there may be a
 * result (gn_call_result, gn_call_set_result). [task] */
bool gn_call_is_around(const struct gantry_call *call);

#endif
