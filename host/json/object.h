/* object.h - an object put together in an arena, of values that are there already. */
#ifndef GN_JSON_OBJECT_H
#define GN_JSON_OBJECT_H

#include "json/json.h"

/* One that is being made. What it was given last counts, as everywhere. */
struct gn_json_object {
    gantry_json *root, *next;
    size_t room; /* nodes that may still come */
};
/* Takes memory for members of `nodes` nodes in all: each takes one for its name, and its value's
 * `skip`. GN_ETOOBIG: the arena is full. */
GN_NODISCARD int gn_json_object_begin(struct gn_json_object *o, struct gn_arena *arena,
                                      size_t nodes);
/* Adds a copy of the value's nodes. The texts, that of the name too, are borrowed: they must live
 * as long as the object. There must be room. */
void gn_json_object_add(struct gn_json_object *o, const char *name, size_t len,
                        const gantry_json *value);
/* The object; o is not used again. */
const gantry_json *gn_json_object_end(struct gn_json_object *o);

/* A copy of all: nodes and texts live in the arena. NULL: it is full. */
const gantry_json *gn_json_copy(struct gn_arena *arena, const gantry_json *value);

#endif
