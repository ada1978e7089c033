/* spent.h - which states have been used, and what a use led to.
 *
 * A state may lead to one reply that a client has received. While a retry runs, a second copy of it
 * is refused; when its reply has been written, the state is spent. A reply that could not be
 * written is kept, so that a client that lost it can fetch it by sending the same retry again.
 * Bounded in number and in bytes; entries go when their state expires, and of too many the oldest
 * first (those that run never do). Loop thread.
 */
#ifndef GN_PROTOCOL_SPENT_H
#define GN_PROTOCOL_SPENT_H

#include "protocol/seal.h"

struct gn_spent;

/* max_entries, max_bytes of kept replies in all (0: 65,536; 64 MiB). */
struct gn_spent *gn_spent_new(uint32_t max_entries, uint64_t max_bytes);
void gn_spent_free(struct gn_spent *spent);
void gn_spent_configure(struct gn_spent *spent, uint32_t max_entries, uint64_t max_bytes);

enum gn_spent_status {
    GN_STATE_FRESH = 0, /* never seen: it runs from now on */
    GN_STATE_RUNNING,   /* a retry of it is being served: refuse */
    GN_STATE_SPENT,     /* its reply has been written: refuse */
    GN_STATE_KEPT,      /* its reply was not written: here it is; it runs from now on */
};
/* Begins the use of a state. FRESH and KEPT: it is RUNNING now, and one of the functions below has
 * to follow. KEPT: ret_result points to the `result` member of the reply (JSON; lives until
 * that). */
enum gn_spent_status gn_spent_begin(struct gn_spent *spent, const unsigned char id[GN_SEAL_ID],
                                    uint64_t expires_ms, uint64_t now_ms, const char **ret_result,
                                    size_t *ret_len);
/* Its reply has been written. */
void gn_spent_done(struct gn_spent *spent, const unsigned char id[GN_SEAL_ID]);
/* Its reply was not written: a copy of `result`, which may be the kept one, is kept (if it alone is
 * over the limit: none is, and the state counts as never used). */
void gn_spent_keep(struct gn_spent *spent, const unsigned char id[GN_SEAL_ID], const char *result,
                   size_t len);
/* There was no reply: as if this use had never come. What was kept before is kept still. */
void gn_spent_forget(struct gn_spent *spent, const unsigned char id[GN_SEAL_ID]);
/* Frees all that has expired and does not run: to be called now and then, for beginning a use looks
 * at the oldest only. */
void gn_spent_expire(struct gn_spent *spent, uint64_t now_ms);
uint32_t gn_spent_count(const struct gn_spent *spent);
uint64_t gn_spent_bytes(const struct gn_spent *spent); /* of kept replies */

#endif
