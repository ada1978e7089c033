/* from_json.c - a tool made from a tool, as the operator writes it. */
#include "registry/derive.h"

int gn_from_read(const json_t *config, struct gn_from **ret, struct gn_error *err)
{
    (void)config;
    *ret = NULL;
    return gn_error_set(err, GN_ENOTSUP, "not read yet");
}
