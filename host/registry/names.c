/* names.c - names that transforms generate, and versions. */
#include "registry/derive.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

char *gn_name_fit(const char *wanted, bool *ret_changed)
{
    *ret_changed = false;
    return gn_strdup(wanted);
}

const char *gn_name_doubt(const char *name)
{
    return strlen(name) > 64 ? "is longer than 64" : strchr(name, '.') ? "has a dot" : NULL;
}

int gn_version_compare(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}
