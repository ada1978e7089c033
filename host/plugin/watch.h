/* watch.h - which plugin files there are, and when one of them has changed and is quiet again.
 *
 * Folders are watched, not files (a watch on a file sees its first replacement and then nothing).
 * An event says only that a name is dirty: whoever writes it may go on for a while, and inotify's
 * "closed after writing" does not reach us. So a dirty name is looked at once it was quiet for
 * debounce_ms (at the latest after max_wait_ms), and reported when two looks settle_ms apart agree.
 * A name that is gone is reported only after grace_ms, since replacing often begins with removing.
 * Events get lost (a full queue, network file systems, a folder that is removed and made again), so
 * every rescan_ms all folders are read again.
 *
 * Only names ending in ".so" count, none that begins with a dot or holds ".tmp". [loop]
 */
#ifndef GN_PLUGIN_WATCH_H
#define GN_PLUGIN_WATCH_H

#include "coro/loop.h"

struct gn_watch;

struct gn_watch_options {
    uint32_t debounce_ms, max_wait_ms, settle_ms, grace_ms, rescan_ms;
    bool active; /* false: only what gn_watch_set and gn_watch_scan find */
};

/* A folder to watch, or one file of it. Strings are borrowed for the call. */
struct gn_watch_target {
    const char *dir;  /* absolute */
    const char *file; /* a name in it; NULL: all */
};

/* The file has changed and is quiet, or (is_present false) is gone for good. */
typedef void (*gn_watch_fn)(void *arg, const char *path, bool is_present);

struct gn_watch *gn_watch_new(struct gn_loop *loop, const struct gn_watch_options *options,
                              gn_watch_fn on_change, void *arg);
/* Replaces what is watched. Files found in what is new are known at once, without a report; files
 * of what is not watched any more are forgotten, without a report. */
void gn_watch_set(struct gn_watch *w, const struct gn_watch_target *targets, size_t count);
void gn_watch_configure(struct gn_watch *w, const struct gn_watch_options *options);
/* Reads all folders again now: what differs is reported in time, as after an event. */
void gn_watch_scan(struct gn_watch *w);
/* The file is looked at again soon, although nothing was seen to change. */
void gn_watch_touch(struct gn_watch *w, const char *path);

bool gn_watch_has(const struct gn_watch *w, const char *path);
/* Each file known and not gone, in order of folders as they were set, then of names. fn must not
 * change the watch. */
void gn_watch_each(struct gn_watch *w, void (*fn)(void *arg, const char *dir, const char *path),
                   void *arg);

/* No report comes after this; on_closed(arg) from the loop, when w is gone. on_closed may be NULL.
 */
void gn_watch_close(struct gn_watch *w, void (*on_closed)(void *arg), void *arg);

/* True for names that count. */
bool gn_watch_is_plugin_name(const char *name);

#endif
