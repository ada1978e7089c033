/* child.h - a program that the client has started: its process, its group, its three pipes.
 *
 * It leads a session and a process group of its own. Its end is seen by a pidfd, so that no signal
 * handler is needed; it is reaped last, after its group has been ended: until then its number, and
 * with it the group's, cannot be given to anybody else. Nothing here waits.
 */
#ifndef GN_CLIENT_CHILD_H
#define GN_CLIENT_CHILD_H

#include "settings.h"

#include "util/buf.h"

#include <sys/types.h>

struct gn_child {
    pid_t pid; /* also its group's; 0: reaped, or never started */
    int pidfd; /* readable once it has ended; -1: none */
    int in;    /* its standard input: written to. -1 once closed, as all of these */
    int out;   /* its standard output: read from */
    int err;   /* its standard error: read from. All three do not block */
    bool has_ended;
    int code; /* its exit code, once it has ended; -1: not known, or killed by `signal` */
    int signal;
};

/* Starts the program of the settings. err names the program, or the directory, and says why not;
 * then nothing is left behind. */
int gn_child_start(struct gn_child *child, const struct gn_client_settings *s,
                   struct gn_error *err);
/* Looks whether it has ended, and how; it is not reaped. */
bool gn_child_look(struct gn_child *child);
/* Sends a signal to it and to all that is left of its group. */
void gn_child_signal(const struct gn_child *child, int signal);
/* True if another process of its group is alive (Linux: as /proc tells). */
bool gn_child_has_others(const struct gn_child *child);
/* What is left of the group is killed; the child, which must have ended, is reaped. */
void gn_child_reap(struct gn_child *child);
void gn_child_close(int *fd); /* if it is open */
/* "ended with exit code 3", "was killed by SIGKILL". */
void gn_child_describe(const struct gn_child *child, struct gn_buf *out);
/* What the program finds in its environment: what was given, and of `ours` what may pass. Owned:
 * gn_texts_free. */
char **gn_child_environment(const struct gn_client_settings *s, char *const *ours);

#endif
