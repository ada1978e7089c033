/* host_subscribe.c - resources that change, and who wants to know. */
#include "plugin/host_internal.h"

int gn_host_resource_updated(gantry_plugin *g, const char *uri)
{
    (void)g, (void)uri;
    return GANTRY_ENOTSUP;
}

int gn_host_is_subscribed(gantry_plugin *g, const char *uri)
{
    (void)g, (void)uri;
    return GANTRY_ENOTSUP;
}
