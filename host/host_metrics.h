/* host_metrics.h - what the host counts of itself, and what it looks at when its page of metrics is
 * made. Loop thread only.
 */
#ifndef GN_HOST_METRICS_H
#define GN_HOST_METRICS_H

#include "plugin/manager.h"
#include "transport/transport.h"

struct gn_host_metrics;

/* The parts of the host as they are at the moment; NULL: not there (yet, or any more). */
struct gn_host_parts {
    struct gn_loop *loop;
    struct gn_protocol *protocol;
    struct gn_plugins *plugins;
    struct gn_http_server *http;
    struct gn_stdio *stdio;
    uint32_t workers; /* as the loop was made */
};

/* Makes env->metrics and observes the calls of env, whose list of observers must be there.
 * look(arg) is called while a page is made. */
struct gn_host_metrics *gn_host_metrics_new(struct gn_call_env *env,
                                            void (*look)(void *arg, struct gn_host_parts *ret),
                                            void *arg);
/* After the last call and the last plugin; takes env->metrics away. */
void gn_host_metrics_free(struct gn_host_metrics *h);
/* One load of a plugin has ended. */
void gn_host_metrics_loaded(struct gn_host_metrics *h, const char *instance, bool ok);

#endif
