/* derive.c - a tool made from a tool. */
#include "registry/derive.h"

#include "util/alloc.h"

struct gn_from *gn_from_new(void)
{
    return gn_calloc(1, sizeof(struct gn_from));
}

void gn_from_free(struct gn_from *from)
{
    gn_free(from);
}

int gn_from_check(const struct gn_from *from, struct gn_error *err)
{
    (void)from;
    (void)err;
    return GN_OK;
}

int gn_source_parse(const char *text, enum gn_source *ret, char **ret_name, struct gn_error *err)
{
    (void)text;
    *ret = GN_SOURCE_NONE;
    *ret_name = NULL;
    return gn_error_set(err, GN_EINVAL, "unknown source");
}

int gn_derive(const struct gn_call_env *env, const struct gn_from *from, struct gn_component *own,
              struct gn_component *parent, struct gn_component **ret, struct gn_error *err)
{
    (void)env;
    (void)own;
    (void)err;
    *ret = gn_component_derive(parent, from->name);
    return GN_OK;
}
