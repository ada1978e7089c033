/* object.c - objects put together of values that are there already. */
#include "json/object.h"

#include <string.h>

#define ROOM_MAX (UINT32_MAX / 2)

int gn_json_object_begin(struct gn_json_object *o, struct gn_arena *arena, size_t nodes,
                         size_t bytes)
{
    if (nodes >= ROOM_MAX || bytes >= ROOM_MAX)
        return GN_ETOOBIG;
    o->root = gn_arena_alloc(arena, (nodes + 1) * sizeof *o->root + bytes);
    if (!o->root)
        return GN_ETOOBIG;
    *o->root = (gantry_json){.type = GN_JSON_OBJECT};
    o->next = o->root + 1;
    o->room = nodes;
    o->text = (char *)(o->next + nodes);
    o->stop = o->text + bytes;
    return GN_OK;
}

void gn_json_object_add_copy(struct gn_json_object *o, const char *name, size_t len,
                             const gantry_json *value)
{
    gantry_json *v = o->next + 1;
    gn_json_object_add(o, name, len, value);
    for (; v < o->next; v++) {
        if (v->type != GN_JSON_STRING && v->type != GN_JSON_NUMBER)
            continue;
        gn_assert((size_t)(o->stop - o->text) > v->len);
        memcpy(o->text, v->text, v->len);
        o->text[v->len] = '\0';
        v->text = o->text;
        o->text += (size_t)v->len + 1;
    }
}

const gantry_json *gn_json_object_end(struct gn_json_object *o)
{
    o->root->skip = (uint32_t)(o->next - o->root);
    return o->root;
}
