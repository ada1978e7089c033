/* made.c - tools made from tools: their arguments, on the way to the parent. */
#include "call/made.h"

#include "call/call.h"
#include "util/alloc.h"

void gn_made_free(struct gn_made *m)
{
    for (size_t i = 0; m && i < m->count; i++) {
        gn_free(m->v[i].name);
        gn_free(m->v[i].parent_name);
        gn_free(m->v[i].source_name);
        gn_json_release(&m->v[i].value);
    }
    if (!m)
        return;
    gn_map_release(&m->by_name, NULL);
    gn_free(m->v);
    gn_free(m);
}

int gn_made_map(struct gantry_call *call, const struct gn_component *c,
                const gantry_json *arguments, const gantry_json **ret, struct gn_error *err)
{
    (void)call;
    (void)c;
    (void)err;
    *ret = arguments;
    return GN_OK;
}
