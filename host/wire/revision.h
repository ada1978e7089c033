/* revision.h - the revisions of MCP and their two eras. */
#ifndef GN_WIRE_REVISION_H
#define GN_WIRE_REVISION_H

#include "util/common.h"

enum gn_revision {
    GN_REV_NONE = 0,
    GN_REV_2024_11_05,
    GN_REV_2025_03_26,
    GN_REV_2025_06_18,
    GN_REV_2025_11_25,
    GN_REV_2026_07_28,
};
#define GN_REV_LATEST GN_REV_2026_07_28
#define GN_REV_LATEST_HANDSHAKE GN_REV_2025_11_25

/* The names, newest first, NULL-terminated: what `supported` lists. */
extern const char *const gn_revision_names[];

/* The revision named so; GN_REV_NONE if there is none (or name is NULL). */
enum gn_revision gn_revision_parse(const char *name);
/* "2025-11-25"; NULL for GN_REV_NONE. */
const char *gn_revision_name(enum gn_revision revision);
/* Stateless era: every request carries its revision; no initialize, no sessions. */
static inline bool gn_revision_is_stateless(enum gn_revision revision)
{
    return revision >= GN_REV_2026_07_28;
}

#endif
