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
    /* by gn_made_index */
    uint32_t name_len, parent_len;
    bool is_kept; /* both names are the same */
};

/* Immutable. Owned by the component. */
struct gn_made {
    struct gn_made_arg *v;
    size_t count;
    struct gn_map by_name; /* names to elements of v: those that clients use, and those of the
                              parent that are no names any more. One that is not the element's
                              `name` is refused; what is not here goes through as it is */
    uint64_t marks;        /* of all names in it: most that are not there are told apart by them */
    bool checks;           /* the schema narrows what the parent takes: checked by itself */
    bool is_around;        /* component->run is a function of its own; the rows that its `in` is
                              filled from are component->own->input (NULL: none) */
};
void gn_made_free(struct gn_made *m); /* NULL is fine */
/* Once all rows are there: fills by_name, and what they keep for it. */
void gn_made_index(struct gn_made *m);

/* The arguments as the parent of c wants them: an object in the arena, or `arguments` itself if
 * nothing changes (NULL counts as {}). Its texts are those of arguments, the tool's own names, and
 * copies of what was filled in. GN_EINVAL: an argument that nobody may give; GN_ENOENT: a source
 * that has nothing for an argument that must be there; err says which; GN_ETOOBIG: the arena is
 * full. c->made is set. [loop] */
GN_NODISCARD int gn_made_map(struct gantry_call *call, const struct gn_component *c,
                             const gantry_json *arguments, const gantry_json **ret,
                             struct gn_error *err);

/* The component whose code runs for c: the function around a tool that is nearest, or the one at
 * the end of the chain. */
static inline struct gn_component *gn_component_code(struct gn_component *c)
{
    while (c->parent && !(c->made && c->made->is_around))
        c = c->parent;
    return c;
}
/* Its arguments may differ from try to try: middlewares set what they are filled from. */
bool gn_made_varies(const struct gn_component *c);

/* gantry_forward, gantry_forward_raw: see sdk/gantry.h. [coroutine] */
int gn_call_forward(struct gantry_call *call, const gantry_json *arguments, bool is_raw);
/* True while the function around a tool runs: gantry_forward may be called, and there may be a
 * result (gn_call_result, gn_call_set_result). [task] */
bool gn_call_is_around(const struct gantry_call *call);

/* While the parent of a function runs in a frame, call->component and call->owner are the parent's.
 * The component that the call was made for, whatever runs now; NULL: none. */
struct gn_component *gn_call_component(const struct gantry_call *call);
/* The owners of what runs: 0 is call->owner, 1 whose function forwarded to it, ...; false: no more
 * (an owner may be NULL: the host's). */
bool gn_call_owner_at(const struct gantry_call *call, size_t i, struct gn_owner **ret);
/* GANTRY_REPLAY of all that runs, and of what asks in a call that this one stands in for. */
bool gn_call_is_replayable(const struct gantry_call *call);
/* How deep it stands in calls and in frames, of those around it too. */
uint32_t gn_call_depth(const struct gantry_call *call);

#endif
