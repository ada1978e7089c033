/* rounds.c - multi round-trip requests (2026-07-28 "Multi Round-Trip Requests"). */
#include "internal.h"

bool gn_rounds_take(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result)
{
    (void)r, (void)doc, (void)result;
    return false;
}

void gn_rounds_forget(gantry_request *r)
{
    (void)r;
}
