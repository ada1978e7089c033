/* park.h - calls that wait for a retry, and what retries need to find them. */
#ifndef GN_PROTOCOL_PARK_H
#define GN_PROTOCOL_PARK_H

#include "protocol/internal.h"
#include "protocol/seal.h"
#include "protocol/spent.h"

/* What is counted for the stack of one that is parked: what it has touched, as a rule. */
#define GN_PARKED_STACK ((size_t)16 << 10)

struct gn_parking {
    struct gn_seal_keys keys;
    struct gn_spent *spent;
    struct gn_timer sweep; /* of states that have expired; runs while there are any */
    struct gn_list all;    /* gn_parked, oldest first */
    struct gn_map by_id;
    uint32_t count;
    uint64_t bytes;
    /* limits */
    uint32_t max, max_per_principal;
    uint64_t max_bytes, state_max_age_ms;
    size_t state_max_bytes;
};

struct gn_parking *gn_parking_new(const struct gn_config *config);
/* Keys and limits; what is parked already stays. */
void gn_parking_configure(struct gn_parking *k, const struct gn_config *config);
/* Ends all that are parked. */
void gn_parking_clear(struct gn_parking *k);
void gn_parking_free(struct gn_parking *k);

/* Answers the request with the questions that its call is asking, and parks the call or, where it
 * cannot wait, unwinds it. 0: the request is gone. Else: GN_ENOTSUP, GN_EBUSY, GN_ETOOBIG. */
int gn_request_park(struct gn_request *r);
/* Digest of what a state is bound to: method, name and version, arguments as the client sent them.
 */
void gn_request_describe(const struct gn_request *r, const gantry_json *params,
                         unsigned char ret[GN_REQUEST_DIGEST]);
/* Whether the call that asked, with all that ran in it, can be run again once it is not here any
 * more: a tool may be what its parent is not. The first bit of the id says it; only such are sealed
 * without one. */
bool gn_parking_is_replayable(const unsigned char id[GN_SEAL_ID]);
/* Takes the call out: its reference is the caller's, it has no sink. NULL: it is not here. */
struct gn_call *gn_parking_take(struct gn_parking *k, const unsigned char id[GN_SEAL_ID]);
const struct gn_call *gn_parking_find(const struct gn_parking *k,
                                      const unsigned char id[GN_SEAL_ID]);

#endif
