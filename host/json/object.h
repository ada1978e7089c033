/* object.h - an object put together in an arena, of values that are there already. */
#ifndef GN_JSON_OBJECT_H
#define GN_JSON_OBJECT_H

#include "json/json.h"

/* One that is being made. What it was given last counts, as everywhere. */
struct gn_json_object {
    gantry_json *root, *next;
    size_t room;       /* nodes that may still come */
    char *text, *stop; /* where copies of texts go */
};
/* Takes memory for members of `nodes` nodes in all, each one for its name and its value's `skip`,
 * and for so many bytes of texts that are copied (gn_json_text_bytes). GN_ETOOBIG: the arena is
 * full. */
GN_NODISCARD int gn_json_object_begin(struct gn_json_object *o, struct gn_arena *arena,
                                      size_t nodes, size_t bytes);
/* Adds a copy of the value's nodes. The texts, that of the name too, are borrowed: they must live
 * as long as the object. There must be room. */
static inline void gn_json_object_add(struct gn_json_object *o, const char *name, size_t len,
                                      const gantry_json *value)
{
    gantry_json *n = o->next;
    uint32_t count = value->skip;
    gn_assert(o->room > count);
    o->room -= (size_t)count + 1;
    n[0] = (gantry_json){.type = GN_JSON_STRING, .skip = 1, .len = (uint32_t)len, .text = name};
    n[1] = *value;
    if (count > 1)
        __builtin_memcpy(n + 2, value + 1, (count - 1) * sizeof *n);
    n[1].flags |= GN_JSON_MEMBER;
    o->next = n + 1 + count;
    o->root->len++;
}
/* The same with copies of the value's texts; that of the name is borrowed. */
void gn_json_object_add_copy(struct gn_json_object *o, const char *name, size_t len,
                             const gantry_json *value);
/* The object; o is not used again. */
const gantry_json *gn_json_object_end(struct gn_json_object *o);

/* What the texts of a value take, with the NUL that ends each. */
static inline size_t gn_json_text_bytes(const gantry_json *value)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < value->skip; i++) {
        bool has_text = value[i].type == GN_JSON_STRING || value[i].type == GN_JSON_NUMBER;
        bytes += has_text ? (size_t)value[i].len + 1 : 0;
    }
    return bytes;
}

#endif
