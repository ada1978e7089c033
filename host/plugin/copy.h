/* copy.h - from a file that anybody may replace at any moment to a private copy that nobody will.
 *
 * Overwriting or truncating a mapped file kills the process that mapped it, and the dynamic linker
 * knows objects by name and inode; so what is mapped is always a copy under a name used once. All
 * of this blocks (it reads up to GN_COPY_MAX bytes): run it off the loop. Any thread.
 */
#ifndef GN_PLUGIN_COPY_H
#define GN_PLUGIN_COPY_H

#include "plugin/elf.h"

#include <stdatomic.h>
#include <sys/types.h>

#define GN_COPY_MAX (256ull << 20) /* bytes of a plugin file */
#define GN_HASH_BYTES 32

struct gn_hash {
    uint8_t v[GN_HASH_BYTES];
};
bool gn_hash_equal(const struct gn_hash *a, const struct gn_hash *b);
/* The hash of a hash and a text: content and settings together. */
void gn_hash_with(const struct gn_hash *content, const char *text, struct gn_hash *ret);

/* Refuses a file that somebody else could have put there or could change: not a regular file, owner
 * neither root nor this process's user, writable by everybody, or in a folder for which one of
 * these is true (symbolic links: the folder they lie in and the one they lead to). GN_EPERM;
 * GN_ENOENT, GN_EINVAL (not a file). The message names file or folder and what would be right. On
 * success *ret_fd is open for reading (close-on-exec). */
GN_NODISCARD int gn_copy_open(const char *path, int *ret_fd, struct gn_error *err);

struct gn_copy {
    /* in; borrowed */
    const char *source;          /* absolute path */
    const char *state_dir;       /* exists, 0700 */
    const char *instance;        /* part of the copy's name */
    uint32_t generation;         /* the same */
    const char *settings;        /* text that counts as content */
    const struct gn_hash *live;  /* what is loaded now; NULL: nothing */
    const char *symbol, *speaks; /* as in elf.h */
    const atomic_bool *cancel;   /* set: give up soon with GN_ECANCELED */
    /* out */
    char *path; /* the copy, absolute; owned by the caller (gn_free); NULL if unchanged or failed */
    struct gn_hash hash; /* of what was copied, and settings */
    bool unchanged;      /* hash equals *live: there is no copy */
    bool has_hash;       /* hash is valid, also when it failed after that */
    bool is_fresh;       /* the file was written to within the last seconds */
    struct gn_elf elf;
};
/* Checks, copies, hashes, checks the copy. 0 or a negative code with a message that does not name
 * the plugin. GN_EBUSY: the file changed meanwhile or is incomplete: try again when it is quiet. */
GN_NODISCARD int gn_copy_make(struct gn_copy *c, struct gn_error *err);

/* Removes copies that processes which are gone have left in a .gantry-cache folder. */
void gn_copy_sweep_cache(const char *cache_dir);

#endif
