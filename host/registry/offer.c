/* offer.c - prompts and resources offered as tools. */
#include "registry/build.h"

void gn_offer_prompts(struct gn_build *b, struct gn_transform *t)
{
    (void)b;
    (void)t;
}

void gn_offer_resources(struct gn_build *b, struct gn_transform *t)
{
    (void)b;
    (void)t;
}
