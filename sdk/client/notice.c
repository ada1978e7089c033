/* notice.c - notifications: what each means. */
#include "internal.h"

void gn_notice_received(gantry_client *c, gantry_request *r, const struct gn_jsonrpc *m)
{
    (void)c, (void)r, (void)m;
}
