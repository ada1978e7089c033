/* manager.h - plugins: finding, loading, watching, reloading, unloading (DESIGN: reload).
 *
 * An instance is one configured use of a plugin file; it has at most one live generation, any
 * number of draining ones, and at most one load under way. A load that fails keeps what is live and
 * says why, once for each content of the file.
 */
#ifndef GN_PLUGIN_MANAGER_H
#define GN_PLUGIN_MANAGER_H

#include "config/config.h"
#include "plugin/generation.h"

struct gn_plugins;

struct gn_plugins_events {
    /* [loop] A commit changed what clients see: bit set of 1 << enum gn_kind. */
    void (*on_changed)(void *arg, uint32_t kinds);
    /* [loop] One load has ended, well or not (gantry dev prints it). May be NULL. */
    void (*on_loaded)(void *arg, const char *instance, uint32_t generation,
                      const struct gn_error *err, uint32_t took_ms);
    void *arg;
};

struct gn_plugins *gn_plugins_new(struct gn_call_env *env, struct gn_registry *registry,
                                  const struct gn_config *config, const char *self_exe,
                                  const struct gn_plugins_events *events);
/* Loads everything configured and found, then watches; on_ready(arg) once each has been loaded or
 * has failed (bounded by the start and probe deadlines). */
void gn_plugins_start(struct gn_plugins *p, void (*on_ready)(void *arg), void *arg);
/* After the configuration was read again: loads, reloads (changed settings), unloads what differs.
 * The config is borrowed until the next call. */
void gn_plugins_configure(struct gn_plugins *p, const struct gn_config *config);
/* Stops all generations (those whose calls do not end are abandoned after wait_ms). */
void gn_plugins_close(struct gn_plugins *p, uint32_t wait_ms, void (*on_closed)(void *arg),
                      void *arg);

/* One line per generation, for status and tests. */
struct gn_plugin_status {
    const char *instance, *name, *version, *path;
    uint32_t generation;
    const char *state;  /* "live", "draining", "resident", "failed" */
    const char *reason; /* why resident or failed; NULL otherwise */
    uint32_t refs, components;
};
void gn_plugins_each(struct gn_plugins *p, void (*fn)(void *arg, const struct gn_plugin_status *s),
                     void *arg);

/* ---- the probe: the same file tried out in a child process. */
/* Runs in the child (`gantry --probe`): loads the file, imports it, binds settings, runs start
 * (unless the plugin is exclusive) and stop, writes one JSON line (manifest or error) to result_fd.
 * Returns the exit code. */
int gn_probe_child(int argc, char **argv);
/* Runs in the parent, blocking: the manifest of a file as JSON text, for `gantry check`. It may be
 * there although the file is refused (with settings missing, say). */
int gn_probe_file(const char *self_exe, const char *path, const char *settings_json,
                  uint32_t timeout_ms, struct gn_buf *ret_manifest, struct gn_error *err);

#endif
