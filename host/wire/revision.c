/* revision.c - the table of revisions. */
#include "wire/revision.h"

#include "util/str.h"

const char *const gn_revision_names[] = {
    "2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", NULL,
};

enum gn_revision gn_revision_parse(const char *name)
{
    for (int i = 0; name && gn_revision_names[i]; i++) {
        if (gn_streq(name, gn_revision_names[i]))
            return (enum gn_revision)(GN_REV_LATEST - i);
    }
    return GN_REV_NONE;
}

const char *gn_revision_name(enum gn_revision revision)
{
    return revision == GN_REV_NONE ? NULL : gn_revision_names[GN_REV_LATEST - (int)revision];
}
