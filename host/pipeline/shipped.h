/* shipped.h - inside host/pipeline: what the middlewares that come with the host share. */
#ifndef GN_PIPELINE_SHIPPED_H
#define GN_PIPELINE_SHIPPED_H

#include "pipeline/middleware.h"

struct gn_gates;

struct gn_shipped_kind {
    const char *name; /* as in `use` */
    uint32_t hooks;   /* GANTRY_ON_ */
    int (*run)(struct gn_call *call);
};

/* One entry of the list: the data of its middleware. */
struct gn_shipped_entry {
    const struct gn_shipped_kind *kind;
    struct gn_config_middleware options; /* a copy of its own */
    struct gn_gates *gates;              /* concurrency; referenced */
};

/* All entries of one configuration, outermost first. */
struct gn_shipped_set {
    size_t count;
    const struct gn_shipped_entry *v[];
};

extern const struct gn_shipped_kind gn_shipped_logging, gn_shipped_timing, gn_shipped_mask_errors,
    gn_shipped_response_limit, gn_shipped_timeout, gn_shipped_concurrency;

/* The entry whose middleware runs now. */
const struct gn_shipped_entry *gn_shipped_self(const struct gn_call *call);
/* True if its `tools` and `tags` let it be around calls of c (NULL: a method without one). */
bool gn_shipped_concerns(const struct gn_shipped_entry *e, const struct gn_component *c);
/* "tools/call greet", "resources/read file:///a", "tools/list": into out. */
#define GN_SHIPPED_SUBJECT 320
const char *gn_shipped_subject(const struct gn_call *call, char out[GN_SHIPPED_SUBJECT]);
/* What to call the end of what ran inside: "completed", "failed", "was cancelled", ... */
const char *gn_shipped_verdict(const struct gn_call *call);

/* ---- concurrency.c: how many calls of each tool run, across configurations */
struct gn_gates *gn_gates_new(void);
struct gn_gates *gn_gates_ref(struct gn_gates *gates);
void gn_gates_unref(struct gn_gates *gates);
/* The entries that are in force from now on (borrowed; NULL: none any more). Who waits and need not
 * by the new limits goes on. */
void gn_gates_configure(struct gn_gates *gates, const struct gn_shipped_set *set);
/* The entry that counts for a tool: the first that names it. NULL: none does. */
const struct gn_shipped_entry *gn_gates_entry(const struct gn_gates *gates,
                                              const struct gn_component *c);
/* Tools of which calls run or wait, for tests. */
size_t gn_gates_count(const struct gn_gates *gates);

#endif
