/* weight.h - how much a message to a client matters when that reads slowly. */
#ifndef GN_CALL_WEIGHT_H
#define GN_CALL_WEIGHT_H

enum gn_weight {
    GN_MUST = 0, /* results, list_changed: if it cannot be queued the connection is closed */
    GN_SHOULD,   /* log lines that a call leaves behind: dropped when half of what may wait does */
    GN_MAY,      /* progress, log lines: dropped (and counted) when an eighth of it does */
};

#endif
