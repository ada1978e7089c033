/* host.h - the process: everything wired together, from a configuration to an exit code.
 *
 * One host per process, run on the thread that calls gn_host_run, which is the loop thread from
 * then on. Callbacks come on it.
 */
#ifndef GN_HOST_H
#define GN_HOST_H

#include "config/config.h"

struct gn_registry;

struct gn_host_options {
    struct gn_config *config; /* validated; owned by the host from then on */
    /* SIGHUP: builds a new configuration (validated, the same command line applied). 0, or a
     * negative code with `problems`, one a line, and no configuration. NULL: SIGHUP is ignored. */
    int (*reload)(void *arg, struct gn_config **ret, struct gn_buf *problems);
    void *reload_arg;
    const char *self_exe;    /* this program: it runs again as `SELF --probe` */
    int stdin_fd, stdout_fd; /* the client's end, put aside before anything could write to it; -1:
                                no stdio. The host closes them. */
    /* Once serving: written at once, one URL a line, then "metrics URL" where metrics have a
     * listener of their own. May be NULL. */
    const char *ready_file;
    /* Serving: `urls` is NULL-terminated, borrowed for the call. May be NULL. */
    void (*on_ready)(void *arg, const char *const *urls);
    /* One load of a plugin has ended, well (err NULL) or not. May be NULL. */
    void (*on_loaded)(void *arg, const char *instance, uint32_t generation,
                      const struct gn_error *err, uint32_t took_ms);
    /* Instead of serving: called once every plugin has been loaded or has failed, with what would
     * be served (borrowed for the call); the host stops then. Problems of transforms are not
     * logged: gn_registry_describe has them. NULL: it serves. */
    void (*look)(void *arg, struct gn_registry *registry);
    bool dev;  /* `gantry dev`: a person is watching */
    void *arg; /* for the callbacks */
};

/* Serves until SIGTERM, SIGINT or the end of stdin, drains, and returns the exit code: 0 after a
 * clean stop, 3 if it could not start to serve (the log says why). */
int gn_host_run(struct gn_host_options *options);

#endif
