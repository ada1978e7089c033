/* audit.h - the log of calls: one JSON line in a file of its own for each call that has ended.
 *
 *     {"time", "principal", "session", "client", "transport", "revision", "method", "component",
 *      "uri", "outcome", "correlation_id", "duration_ms", "request_id", "depth", "trace_id",
 *      "arguments"}
 *
 * What is not known is left out. Loop thread only.
 */
#ifndef GN_PIPELINE_AUDIT_H
#define GN_PIPELINE_AUDIT_H

#include "call/call.h"
#include "config/config.h"

struct gn_audit;

/* Observes the calls of env from now on; writes nothing before it is configured. */
struct gn_audit *gn_audit_new(struct gn_call_env *env);
/* Goes by the configuration; opens the file (if it is open already: again). On failure err says
 * why, and the file before stays. */
int gn_audit_configure(struct gn_audit *a, const struct gn_config *config, struct gn_error *err);
void gn_audit_free(struct gn_audit *a); /* NULL is fine */

#endif
