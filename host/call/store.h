/* store.h - state across calls: JSON values under a handle that the host has minted, or under a
 * session of the handshake era.
 *
 * A place holds values by key. One with a handle belongs to the principal that it was made for, is
 * shared by all plugins of the host, and ends when it was not used for max_age; a session's place
 * is made with the session and ends with it. Nothing is written to disk.
 *
 * Limits: bytes of one place (keys, values, and a little for each), bytes of all, number of
 * handles. When there are too many, or too much in all, the places with a handle that were not
 * used for the longest time go first, but none that was used within the last ten minutes: then the
 * newcomer is refused, so that nobody can drive out what others work with.
 *
 * Owned by the host; loop thread only. Every function takes store NULL: GN_ENOTSUP.
 */
#ifndef GN_CALL_STORE_H
#define GN_CALL_STORE_H

#include "coro/loop.h"
#include "util/buf.h"

#define GN_STORE_HANDLE 44     /* bytes of a handle's text, NUL included */
#define GN_STORE_KEY_MAX 256   /* bytes of a key */
#define GN_STORE_ENTRY_COST 64 /* counted for each value besides its bytes and those of its key */

struct gn_store;

struct gn_store_limits {
    uint32_t max_handles;
    uint64_t max_bytes; /* of one place */
    uint64_t max_total; /* of all */
    uint32_t max_age_ms;
    uint32_t in_use_ms; /* how long a place counts as in use; 0: ten minutes */
};

/* Where values are: by handle, or of a session. Texts are borrowed for the call. */
struct gn_store_place {
    const char *handle;    /* NULL: the session's */
    const char *session;   /* its key (gn_call.session_key); NULL: there is none */
    const char *principal; /* who asks */
};

struct gn_store *gn_store_new(struct gn_loop *loop, const struct gn_store_limits *limits);
/* What is over a smaller limit goes when something is next added, or by its age. */
void gn_store_configure(struct gn_store *store, const struct gn_store_limits *limits);
void gn_store_free(struct gn_store *store); /* NULL is fine */

/* A new, empty place; ret gets its handle. GN_EBUSY: too many. */
GN_NODISCARD int gn_store_mint(struct gn_store *store, const char *principal,
                               char ret[GN_STORE_HANDLE]);
/* A session begins, and ends. */
void gn_store_add_session(struct gn_store *store, const char *session, const char *principal);
void gn_store_drop_session(struct gn_store *store, const char *session);

/* The value's JSON, valid until the store is next changed. GN_ENOENT: no such place, none for this
 * principal, or no such value; GN_ENOTSUP: no handle and no session; GN_EINVAL: the key is not 1 to
 * 256 bytes. */
GN_NODISCARD int gn_store_get(struct gn_store *store, const struct gn_store_place *place,
                              const char *key, const char **ret_json, size_t *ret_len);
/* Keeps a copy. Besides the above: GN_ETOOBIG: over the bytes of one place; GN_EBUSY: over those
 * of all. What was there stays then. */
GN_NODISCARD int gn_store_set(struct gn_store *store, const struct gn_store_place *place,
                              const char *key, const char *json, size_t len);
/* key NULL: all values, and the place itself if it has a handle. */
GN_NODISCARD int gn_store_delete(struct gn_store *store, const struct gn_store_place *place,
                                 const char *key);

/* Figures for status and tests. */
struct gn_store_stats {
    uint32_t handles, sessions;
    uint64_t bytes;
    uint64_t expired, evicted; /* handles that ended by age, and for want of room */
};
void gn_store_stats(const struct gn_store *store, struct gn_store_stats *ret);

#endif
