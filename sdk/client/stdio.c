/* stdio.c - a server that is a program of ours. */
#include "internal.h"

static struct gn_link *open_stdio(gantry_client *client, struct gn_error *err)
{
    (void)client;
    gn_error_set(err, GN_ENOTSUP, "stdio: not there yet");
    return NULL;
}

const struct gn_link_ops gn_link_stdio = {.name = "stdio", .open = open_stdio};
