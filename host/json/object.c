/* object.c - objects put together of values that are there already, and copies of values. */
#include "json/object.h"

#include <string.h>

#define NODES_MAX (UINT32_MAX / 2)

int gn_json_object_begin(struct gn_json_object *o, struct gn_arena *arena, size_t nodes)
{
    o->room = nodes;
    o->root = nodes < NODES_MAX ? gn_arena_alloc(arena, (nodes + 1) * sizeof *o->root) : NULL;
    if (!o->root)
        return GN_ETOOBIG;
    *o->root = (gantry_json){.type = GN_JSON_OBJECT};
    o->next = o->root + 1;
    return GN_OK;
}

static void copy_nodes(gantry_json *to, const gantry_json *from, uint32_t count)
{
    if (count == 1)
        *to = *from;
    else
        memcpy(to, from, count * sizeof *to);
}

void gn_json_object_add(struct gn_json_object *o, const char *name, size_t len,
                        const gantry_json *value)
{
    gantry_json *n = o->next;
    uint32_t count = value->skip;
    gn_assert(o->room > count);
    o->room -= count + 1;
    n[0] = (gantry_json){.type = GN_JSON_STRING, .skip = 1, .len = (uint32_t)len, .text = name};
    copy_nodes(n + 1, value, count);
    n[1].flags |= GN_JSON_MEMBER;
    o->next = n + 1 + count;
    o->root->len++;
}

const gantry_json *gn_json_object_end(struct gn_json_object *o)
{
    o->root->skip = (uint32_t)(o->next - o->root);
    return o->root;
}

static bool has_text(const gantry_json *v)
{
    return v->type == GN_JSON_STRING || v->type == GN_JSON_NUMBER;
}

const gantry_json *gn_json_copy(struct gn_arena *arena, const gantry_json *value)
{
    size_t bytes = 0, count = value->skip;
    for (size_t i = 0; i < count; i++)
        bytes += has_text(&value[i]) ? (size_t)value[i].len + 1 : 0;
    gantry_json *copy = gn_arena_alloc(arena, count * sizeof *copy + bytes);
    if (!copy)
        return NULL;
    char *text = (char *)(copy + count);
    copy_nodes(copy, value, value->skip);
    copy->flags &= (uint8_t)~GN_JSON_MEMBER; /* it has no name before it */
    for (size_t i = 0; i < count; i++) {
        if (!has_text(&value[i]))
            continue;
        memcpy(text, value[i].text, value[i].len);
        text[value[i].len] = '\0';
        copy[i].text = text;
        text += (size_t)value[i].len + 1;
    }
    return copy;
}
