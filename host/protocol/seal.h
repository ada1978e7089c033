/* seal.h - `requestState`: what a client carries for us between two rounds of a call
 * (2026-07-28, basic/patterns/mrtr).
 *
 * To the client it is an opaque text; inside it is encrypted and authenticated with libsodium's
 * XChaCha20-Poly1305. Whatever comes back is hostile until the seal has been opened and every field
 * been compared with the request that brought it.
 */
#ifndef GN_PROTOCOL_SEAL_H
#define GN_PROTOCOL_SEAL_H

#include "call/journal.h"
#include "util/error.h"
#include "json/json.h"

#define GN_SEAL_ID 16
#define GN_SEAL_KEY 32
#define GN_SEAL_KEYS 8
#define GN_REQUEST_DIGEST 32

/* Keys, newest first: sealed with the first, opened with any. Wiped when replaced. */
struct gn_seal_keys {
    uint32_t count;
    bool is_made_up; /* of none that were given */
    unsigned char key[GN_SEAL_KEYS][GN_SEAL_KEY];
};
/* From the configuration: Base64 (either alphabet, padded or not) or hex texts of 32 bytes each;
 * n 0: one random key, which dies with this process (if there is one already, it stays). GN_EINVAL
 * with err naming which one; the old ones stay. keys begins zeroed. */
int gn_seal_keys_set(struct gn_seal_keys *keys, char *const *texts, size_t n, struct gn_error *err);

void gn_seal_keys_wipe(struct gn_seal_keys *keys);

/* What a state says. */
struct gn_sealed {
    unsigned char id[GN_SEAL_ID];             /* of this state: what is spent */
    unsigned char park[GN_SEAL_ID];           /* of the call that waits here; all zero: none does */
    unsigned char request[GN_REQUEST_DIGEST]; /* gn_request_digest */
    const char *principal;                    /* NULL: nobody in particular */
    uint64_t expires_ms;                      /* Unix time, milliseconds */
    struct gn_journal journal;
};

/* Digest of the method, the name or URI, and the arguments in canonical form (members sorted,
 * numbers by value): equal requests are equal however they are written. arguments may be NULL, and
 * is then the same as {}. */
void gn_request_digest(unsigned char ret[GN_REQUEST_DIGEST], const char *method, const char *name,
                       const gantry_json *arguments);

/* Seals into text (Base64 URL alphabet), appended to out. GN_ETOOBIG: over out's maximum. */
int gn_seal(const struct gn_seal_keys *keys, const struct gn_sealed *state, struct gn_buf *out);
/* Opens; strings and the journal lie in the arena. GN_EINVAL: not one of ours, or changed on the
 * way (one answer for all such: nothing is learnt from it). Expiry and fields are the caller's to
 * compare. */
int gn_unseal(const struct gn_seal_keys *keys, const char *text, size_t len, struct gn_arena *arena,
              struct gn_sealed *ret);

/* The inside of a state, between journal and cipher. The first: 0 or GN_ETOOBIG; the second has
 * been authenticated, and is not believed all the same: GN_EINVAL. */
int gn_sealed_write(const struct gn_sealed *state, struct gn_buf *out);
int gn_sealed_read(struct gn_sealed *ret, struct gn_arena *arena, const void *bytes, size_t len);

#endif
