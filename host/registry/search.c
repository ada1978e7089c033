/* search.c - two tools in place of hundreds: search_tools and call_tool. */
#include "registry/build.h"

void gn_offer_search(struct gn_build *b, struct gn_transform *t)
{
    (void)b;
    (void)t;
}
