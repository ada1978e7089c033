/* middleware.h - functions around calls.
 *
 * All middlewares stand in one immutable array, outermost first, that env->around points at; a
 * commit publishes the next array. A call takes those that concern it when it starts, holds their
 * owners, and runs them as one coroutine: each calls gn_call_next, which runs the next one further
 * in and at last the core - the handler, or the host's own operation (a list, an initialize). While
 * code of one of them runs, call->self is its owner, so that gantry_self, gantry_data, locks and
 * logs are its own. Loop thread only.
 */
#ifndef GN_CALL_MIDDLEWARE_H
#define GN_CALL_MIDDLEWARE_H

#include "call/component.h"

#define GN_MIDDLEWARE_MAGIC 0x31dd1e3au
struct gn_middleware {
    uint32_t magic, refs;
    char *name;
    int32_t priority;
    uint32_t hooks; /* GANTRY_ON_ bits */
    char **tags;    /* NULL-terminated; NULL: around all components */
    /* NULL, or asked besides: false lets a call pass it by. component: NULL for other methods. */
    bool (*concerns)(const struct gn_middleware *m, const struct gn_component *component);
    struct gn_owner *owner; /* NULL: the host's own */
    int (*run)(gantry_call *call);
    void (*on_park)(gantry_call *call); /* NULL, or told that a call waits for its client */
    void (*on_resume)(gantry_call *call);
    uint32_t flags; /* GANTRY_NO_PARK */
    void *data;
    void (*free_data)(void *data);
    uint64_t order; /* ties: counts those that were made */
};
/* Zeroed, with one reference. */
struct gn_middleware *gn_middleware_new(const char *name);
struct gn_middleware *gn_middleware_ref(struct gn_middleware *m);
void gn_middleware_unref(struct gn_middleware *m); /* at zero: free_data. NULL is fine */

/* The array: sorted by priority, owner's name (the host's own first), order. */
struct gn_around {
    uint32_t hooks; /* of all of them */
    size_t count;
    struct gn_middleware *v[];
};
/* Publishes the array without those of `owner` (may be NULL: the host's own) and with the given
 * ones, of which references are taken. */
struct gn_call_env;
void gn_around_replace(struct gn_call_env *env, const struct gn_owner *owner,
                       struct gn_middleware *const *v, size_t count);
void gn_around_clear(struct gn_call_env *env); /* at the end of the host */

#endif
