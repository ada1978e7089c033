/* journal.h - what a call has been told and has done, so that it can be run again.
 *
 * A handler that asks its client may be run a second time from its start, in this process or in
 * another (DESIGN "replay"): the journal, which travels sealed through the client, answers again
 * what was answered, and gives the results of steps that shall not be done twice (gantry_once).
 * An entry is used only for the very same question: key, kind and digest must agree.
 *
 * Everything lies in the call's arena. Loop thread.
 */
#ifndef GN_CALL_JOURNAL_H
#define GN_CALL_JOURNAL_H

#include "util/arena.h"
#include "util/buf.h"

#define GN_JOURNAL_MAX 256   /* entries */
#define GN_JOURNAL_KEY 256   /* bytes of a key, its occurrence included ("name-2") */
#define GN_JOURNAL_DIGEST 16 /* bytes, BLAKE2b */

enum gn_journal_kind {
    GN_JOURNAL_ANSWER = 1, /* the client's result of a question, as it came; digest: method and
                              params of the question. Empty: asked, not answered yet */
    GN_JOURNAL_STEP,       /* the result of gantry_once; digest: all zero */
    GN_JOURNAL_ID,         /* an id the host made up (elicitationId), a JSON string; digest: zero */
};

struct gn_journal_entry {
    struct gn_journal_entry *next;
    const char *key; /* as on the wire */
    uint8_t kind;
    unsigned char digest[GN_JOURNAL_DIGEST];
    const char *json; /* NUL-terminated */
    size_t len;
};

/* Zero-initialise. */
struct gn_journal {
    struct gn_journal_entry *first, *last;
    uint32_t count;
    size_t bytes; /* of keys and values, with what encoding adds to each */
};

/* digest of `n` pieces, each with its length, so that no two lists of pieces look alike. */
struct gn_piece {
    const void *p;
    size_t n;
};
void gn_journal_digest(unsigned char ret[GN_JOURNAL_DIGEST], const struct gn_piece *pieces,
                       size_t n);
/* The newest entry of that key, kind and digest; NULL. digest NULL: any. */
const struct gn_journal_entry *gn_journal_find(const struct gn_journal *j, const char *key,
                                               enum gn_journal_kind kind,
                                               const unsigned char *digest);
/* Adds a copy; one of the same key and kind that is there is replaced. GN_ETOOBIG: too many, too
 * long a key, over the arena; GN_EINVAL: no key, NUL in the text. digest NULL: zero. */
int gn_journal_add(struct gn_journal *j, struct gn_arena *arena, const char *key,
                   enum gn_journal_kind kind, const unsigned char *digest, const char *json,
                   size_t len);
/* Bytes of the binary form. */
size_t gn_journal_size(const struct gn_journal *j);
/* Appends the binary form (length-prefixed, little endian, versioned by the seal around it). 0, or
 * GN_ETOOBIG: over the buffer's maximum. */
int gn_journal_write(const struct gn_journal *j, struct gn_buf *out);
/* Reads it again into an empty journal; every length is checked. GN_EINVAL: it is none. The JSON of
 * entries is not parsed here. */
int gn_journal_read(struct gn_journal *j, struct gn_arena *arena, const void *bytes, size_t len);

#endif
