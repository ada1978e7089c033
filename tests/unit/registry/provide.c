/* provide.c - see provide.h. */
#include "provide.h"

#include "support.h"
#include "util/alloc.h"

struct gn_component *component(enum gn_kind kind, struct gn_owner *owner, const char *key)
{
    struct gn_component *c = gn_component_new(kind);
    struct gn_error err = {0};
    c->key = gn_strdup(key);
    c->name = gn_strdup(kind == GN_TOOL || kind == GN_PROMPT ? key : "a name");
    c->owner = owner;
    if (kind == GN_TEMPLATE) {
        cr_assert_eq(gn_uri_template_parse(key, true, &c->uri_template, &err), 0, "%s", err.text);
        c->free_template = gn_uri_template_free;
    }
    return c;
}

void put(struct gn_edit *e, struct gn_component *c)
{
    struct gn_error err = {0};
    cr_assert_eq(gn_edit_add(e, c, &err), 0, "%s", err.text);
    gn_component_unref(c);
}

uint32_t publish(struct gn_registry *r, struct gn_component *c)
{
    struct gn_edit *e = gn_edit_begin(r);
    put(e, c);
    return gn_edit_commit(e);
}
