/* host.h - the process: everything wired together, from start to the last closed handle. */
#ifndef GN_HOST_H
#define GN_HOST_H

#include "config/config.h"

struct gn_host_options {
    struct gn_config *config; /* owned by the host from then on */
    /* SIGHUP: builds a new configuration, with the same command line applied. 0, or `problems` says why
     * the old one stays. NULL: SIGHUP does nothing. */
    int (*reload)(void *arg, struct gn_config **ret, struct gn_buf *problems);
    const char *self_exe;       /* this program, for the probe */
    int stdin_fd, stdout_fd;    /* put aside before anything could write to them; -1: no stdio */
    const char *ready_file;     /* written atomically, one URL a line, once serving; may be NULL */
    /* Serving: `urls` is NULL-terminated. May be NULL. */
    void (*on_ready)(void *arg, const char *const *urls);
    /* A load has ended, well (err NULL) or not. May be NULL. */
    void (*on_loaded)(void *arg, const char *instance, uint32_t generation, const struct gn_error *err,
                      uint32_t took_ms);
    void *arg; /* of the callbacks */
};

/* Runs until SIGTERM, SIGINT or the end of stdin, drains, closes everything. Returns the exit code. */
int gn_host_run(struct gn_host_options *options);

#endif
