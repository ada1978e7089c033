/* watch.h - telling clients that have subscribed to files that those have changed. */
#ifndef FILES_WATCH_H
#define FILES_WATCH_H

#include "path.h"

#include <gantry.h>

#define MAX_WATCHED 1024 /* files that are looked at; those beyond are not */

/* What is known of each, from one look to the next. Of the loop; its memory is freed by free(). */
typedef struct {
    const roots *roots;
    size_t n;
    struct watched {
        uint64_t uri, mark; /* hashes: of the URI, of what the file was like */
    } v[MAX_WATCHED];
} watch_state;

/* One look at all files that somebody has subscribed to. [coroutine] arg: a watch_state */
int watch_look(gantry_call *call, void *arg);

#endif
