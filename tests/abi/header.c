/* header.c - the header alone, twice: it needs nothing before it and does no harm when repeated. */
#include <gantry.h>

#include <gantry.h>

const gantry_host *gantry_host_;
