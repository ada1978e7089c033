/* sse.c - HTTP+SSE of 2024-11-05. */
#include "internal.h"

static struct gn_link *open_sse(gantry_client *client, struct gn_error *err)
{
    (void)client;
    gn_error_set(err, GN_ENOTSUP, "sse: not there yet");
    return NULL;
}

const struct gn_link_ops gn_link_sse = {.name = "sse", .open = open_sse};
