/* cache.c - results that may be used again (2026-07-28 "Caching"). */
#include "internal.h"

void gn_cache_keep(gantry_request *r, const gantry_json *result)
{
    (void)r, (void)result;
}

bool gn_cache_answers(gantry_request *r)
{
    (void)r;
    return false;
}

void gn_cache_changed(gantry_client *c, const char *notification, const char *uri)
{
    (void)c, (void)notification, (void)uri;
}

void gn_cache_clear(gantry_client *c)
{
    (void)c;
}
