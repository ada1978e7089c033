/* websocket.c - WebSocket. */
#include "internal.h"

static struct gn_link *open_websocket(gantry_client *client, struct gn_error *err)
{
    (void)client;
    gn_error_set(err, GN_ENOTSUP, "websocket: not there yet");
    return NULL;
}

const struct gn_link_ops gn_link_websocket = {.name = "websocket", .open = open_websocket};
