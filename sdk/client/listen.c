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

bool gn_listen_received(gantry_client *c, const struct gn_jsonrpc *m)
{
    (void)c, (void)m;
    return false;
}

void gn_listen_task(gantry_client *c, const char *task_id, bool is_wanted)
{
    (void)c, (void)task_id, (void)is_wanted;
}
