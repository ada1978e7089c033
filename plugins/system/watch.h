/* watch.h - telling clients that have subscribed that what they read has changed. */
#ifndef SYSTEM_WATCH_H
#define SYSTEM_WATCH_H

#include <gantry.h>

#define WATCHED_PIDS 256

/* What was seen last, by hash; 0: it was not looked at. Of the loop. */
typedef struct {
    uint64_t load, memory, disks, processes;
    struct {
        int64_t pid;
        uint64_t hash;
    } pids[WATCHED_PIDS];
    size_t pid_count;
} watch_state;

/* One look at everything that somebody has subscribed to, and at nothing else. [coroutine] arg: a
 * watch_state */
int watch_look(gantry_call *call, void *arg);

#endif
