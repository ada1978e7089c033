/* probe.h - plugins tried out in a child process, so that a crash or an endless loop in a
 * constructor or in `start` costs a log line and not the host. manager.h has what runs in the child
 * and the blocking form.
 *
 * One child takes one file after the other, until one of them kills it; the next gets a new one. If
 * the child dies of a file that was not its first, that file is tried again in a fresh child before
 * it is blamed: an earlier one may have left a thread or a handler behind.
 *
 * Between the two: the parent writes one JSON line a request to the child's standard input,
 * {"path", "instance", "settings", "start_timeout_ms", "manifest"}. The child answers on fd 3:
 * {"stage": "start"} before each stage, and again now and then while `start` waits, so that a start
 * which takes its time can be told from one that is stuck; at last {"error"} or {"ok": true,
 * "leaves_keys", "manifest"}. What a plugin prints goes to the parent too and ends up in the
 * message. [loop]
 */
#ifndef GN_PLUGIN_PROBE_H
#define GN_PLUGIN_PROBE_H

#include "util/buf.h"
#include "util/error.h"

#include <uv.h>

struct gn_probe;     /* the queue of one host */
struct gn_probe_job; /* one file to be tried */

struct gn_probe_request { /* strings are copied */
    const char *path;     /* what to map; absolute */
    const char *instance;
    const char *settings; /* JSON object; NULL: {} */
    uint32_t start_timeout_ms;
    bool manifest; /* the result shall tell all that the plugin declares */
};
struct gn_probe_result {
    bool leaves_keys;     /* thread keys with destructors stay behind after stop */
    const char *manifest; /* JSON text; NULL unless asked for */
    size_t manifest_len;
};
/* err NULL: it is fine. The message does not name the file. result is NULL if the child could not
 * answer. */
typedef void (*gn_probe_fn)(void *arg, const struct gn_probe_result *result,
                            const struct gn_error *err);

/* timeout_ms: without a sign of life for so long the child is killed. Strings are copied. */
struct gn_probe *gn_probe_new(uv_loop_t *uv, const char *self_exe, uint32_t timeout_ms);
void gn_probe_set_timeout(struct gn_probe *p, uint32_t timeout_ms);
/* on_done comes once, from the loop, never before this returns; the job is gone then. */
struct gn_probe_job *gn_probe_submit(struct gn_probe *p, const struct gn_probe_request *request,
                                     gn_probe_fn on_done, void *arg);
/* on_done does not come; the child is killed if it is at this one. */
void gn_probe_withdraw(struct gn_probe *p, struct gn_probe_job *job);
/* Withdraws all, kills the child; on_closed(arg) from the loop when p is gone. */
void gn_probe_close(struct gn_probe *p, void (*on_closed)(void *arg), void *arg);

/* The stages, as they stand on the wire. */
enum gn_probe_stage {
    GN_STAGE_NONE = 0,
    GN_STAGE_LOAD,
    GN_STAGE_IMPORT,
    GN_STAGE_START,
    GN_STAGE_STOP,
    GN_STAGE_UNLOAD,
    GN_STAGES
};
extern const char *const gn_probe_stage_names[GN_STAGES];

#define GN_PROBE_RESULT_FD 3
#define GN_PROBE_LINE_MAX ((size_t)16 << 20) /* bytes of a request or an answer */

#endif
