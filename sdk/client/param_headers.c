/* param_headers.c - x-mcp-header: arguments that are mirrored in headers of the request. */
#include "internal.h"

void gn_param_headers_set(gantry_request *r)
{
    (void)r;
}

void gn_param_headers_forget(gantry_client *c)
{
    (void)c;
}

bool gn_param_headers_learn(gantry_client *c, const gantry_json *tool, struct gn_error *err)
{
    (void)c, (void)tool, (void)err;
    return true;
}
