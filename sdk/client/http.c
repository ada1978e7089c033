/* http.c - Streamable HTTP. */
#include "internal.h"

static struct gn_link *open_http(gantry_client *client, struct gn_error *err)
{
    (void)client;
    gn_error_set(err, GN_ENOTSUP, "http: not there yet");
    return NULL;
}

const struct gn_link_ops gn_link_http = {.name = "http", .open = open_http};
