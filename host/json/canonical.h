/* canonical.h - one digest for each value, however it is written, in every process.
 *
 * gn_json_hash is for tables of one process; this is for what leaves it. Members count without
 * their order (of equal names the last), numbers by their exact value (5, 5.0 and 5e0 are one;
 * 1e400 is not 1e401; an exponent beyond 10^18 counts as 10^18), strings by their characters.
 */
#ifndef GN_JSON_CANONICAL_H
#define GN_JSON_CANONICAL_H

#include "json/json.h"

#include <sodium.h>

/* Feeds the canonical form of v to a hash: bytes that say where they end, so that whatever follows
 * cannot be taken for a part of it. NULL is a value of its own. Memory beside the stack (20 KiB):
 * 16 bytes for each member of the objects that are open at a time. [any thread] */
void gn_json_canonical(crypto_generichash_state *state, const gantry_json *v);

#endif
