/* arena.h - memory that lives as long as one thing (a call, a generation): allocated piece by
 * piece, freed at once. Chunks grow from 4 KiB; larger pieces get their own. A maximum bounds the
 * total. Not thread-safe: one user at a time.
 */
#ifndef GN_UTIL_ARENA_H
#define GN_UTIL_ARENA_H

#include "util/common.h"

/* First chunks that wait for the next arena: one of them costs the system's allocator more than all
 * the rest of a call. Zero-initialise. */
struct gn_arena_spare {
    struct gn_arena_chunk *chunks;
    uint32_t count;
};

struct gn_arena {
    struct gn_arena_chunk *chunks; /* newest first */
    size_t total, max;             /* bytes taken from the system / allowed */
    struct gn_arena_cleanup *cleanups;
    struct gn_arena_spare *spare; /* NULL: none */
};

void gn_arena_init(struct gn_arena *a, size_t max_bytes);
/* The same with its first chunk taken at once, from the spare ones if there is one; on release it
 * goes there. Both by the one thread that uses spare. */
void gn_arena_init_spare(struct gn_arena *a, size_t max_bytes, struct gn_arena_spare *spare);
void gn_arena_spare_free(struct gn_arena_spare *spare);
/* Runs clean-ups in reverse order, then frees everything; the arena may be used again. */
void gn_arena_release(struct gn_arena *a);

/* Aligned for any type, uninitialised. NULL only when the maximum would be exceeded. */
void *gn_arena_alloc(struct gn_arena *a, size_t size);
void *gn_arena_calloc(struct gn_arena *a, size_t size);
char *gn_arena_strdup(struct gn_arena *a, const char *s);              /* NULL gives NULL */
char *gn_arena_strndup(struct gn_arena *a, const char *s, size_t len); /* adds a NUL */
char *gn_arena_vformat(struct gn_arena *a, const char *fmt, va_list ap) GN_PRINTF(2, 0);
char *gn_arena_format(struct gn_arena *a, const char *fmt, ...) GN_PRINTF(2, 3);

/* fn(arg) runs when the arena is released, last added first. GN_ETOOBIG if there is no room. */
int gn_arena_on_release(struct gn_arena *a, void (*fn)(void *arg), void *arg);

#endif
