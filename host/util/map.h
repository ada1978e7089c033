/* map.h - hash map from strings (keys are copied, may contain any byte) to pointers (not owned).
 *
 * Open addressing, keyed with a per-process random SipHash so that a peer cannot choose collisions.
 * The table shrinks when it is rehashed or empty. Iteration order is unspecified: sort what a
 * client will see. Not thread-safe.
 */
#ifndef GN_UTIL_MAP_H
#define GN_UTIL_MAP_H

#include "util/common.h"

struct gn_map {
    struct gn_map_slot *slots;
    size_t count, used, cap; /* live entries / live and dead / slots (a power of two or 0) */
};

void gn_map_init(struct gn_map *m);
/* Frees keys and table; values are the caller's (free_value may be NULL). */
void gn_map_release(struct gn_map *m, void (*free_value)(void *value));

void *gn_map_find(const struct gn_map *m, const char *key);
void *gn_map_findn(const struct gn_map *m, const void *key, size_t key_len);
/* Stores value under key; returns the value that was there before, or NULL. value is not NULL. */
void *gn_map_put(struct gn_map *m, const char *key, void *value);
void *gn_map_putn(struct gn_map *m, const void *key, size_t key_len, void *value);
/* Removes; returns the value that was there, or NULL. */
void *gn_map_remove(struct gn_map *m, const char *key);
void *gn_map_removen(struct gn_map *m, const void *key, size_t key_len);

/* Walks all entries: `size_t at = 0; while (gn_map_next(m, &at, &key, &value)) ...`. Removing the
 * entry just returned is allowed; adding is not. ret_key may be NULL. */
bool gn_map_next(const struct gn_map *m, size_t *at, const char **ret_key, void **ret_value);

#endif
