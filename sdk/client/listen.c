/* listen.c - subscriptions, in both eras. */
#include "internal.h"

void gn_listen_ready(gantry_client *c)
{
    (void)c;
}

void gn_listen_lost(gantry_client *c)
{
    (void)c;
}

void gn_listen_free(gantry_client *c)
{
    (void)c;
}

bool gn_listen_wants(const gantry_client *c)
{
    (void)c;
    return false;
}
