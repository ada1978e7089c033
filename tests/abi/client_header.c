/* client_header.c - the client's header: it needs nothing before it, does no harm when repeated,
 * and goes with the header for plugins (WITH_PLUGINS) in either order. */
#include <gantry_client.h>

#ifdef WITH_PLUGINS
#include <gantry.h>
#endif
#include <gantry_client.h>

gantry_client *client_of(gantry_request *request);
gantry_client *client_of(gantry_request *request)
{
#ifndef __cplusplus
    (void)gantry_client_new(GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1/"), (void *)0);
    (void)GANTRY_CLIENT_HANDLERS(.elicits_urls = true);
    (void)GANTRY_REQUEST_OPTIONS(.timeout_ms = 1);
#endif
    return gantry_request_client(request);
}

#ifdef WITH_PLUGINS
const gantry_host *gantry_host_;
#endif
