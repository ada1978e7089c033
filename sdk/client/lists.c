/* lists.c - lists: all pages of them. */
#include "internal.h"

bool gn_lists_take(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result)
{
    (void)r, (void)doc, (void)result;
    return false;
}

void gn_lists_forget(gantry_request *r)
{
    (void)r;
}
