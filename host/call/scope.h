/* scope.h - request-scoped variables: what gantry_var stands for.
 *
 * A scope is a stack of values in its call's arena, newest first; setting pushes, so a value that
 * was replaced stays until the end (somebody may hold it) and destructors run in reverse order.
 * A nested call looks on in its parent's scope, which stands still meanwhile; background work gets
 * a copy. A pointer is a cell, shared by all scopes that inherited it, which holds the generation
 * whose destructor it needs.
 *
 * Used by the handler's thread, one at a time; destroyed on the loop.
 */
#ifndef GN_CALL_SCOPE_H
#define GN_CALL_SCOPE_H

#include "util/common.h"

#include <gantry.h>

#define GN_SCOPE_MAX 256 /* values of one call, replaced ones included */

struct gn_owner;
struct gn_scope_value;

/* Embedded in a call. Zero is an empty scope. */
struct gn_scope {
    struct gn_scope_value *last;
    uint32_t count;
};

/* [task] Sets var for the rest of the call. `self` is whose code asks: pointers are its own, and it
 * is held until they are destroyed. GANTRY_EINVAL: not the variable's type, or a descriptor that is
 * damaged; GANTRY_ETOOBIG: too many values, or the arena is full. */
int gn_scope_set(gantry_call *call, struct gn_owner *self, const gantry_var *var,
                 const gantry_value *value);
/* [task] GANTRY_ENOENT: not set; GANTRY_EINVAL: set, but of another type. */
int gn_scope_get(gantry_call *call, struct gn_owner *self, const gantry_var *var,
                 gantry_value *ret);
int gn_scope_unset(gantry_call *call, struct gn_owner *self, const gantry_var *var);
int gn_scope_bind(gantry_call *call, struct gn_owner *self, const gantry_var *var);
/* [loop] Copies what background work inherits into a call that has not started. GANTRY_ETOOBIG. */
int gn_scope_copy(gantry_call *to, gantry_call *from);
/* [task] Tells the values that log lines carry, those of outer calls first, each name once. */
void gn_scope_each_logged(const gantry_call *call,
                          void (*fn)(void *arg, const char *name, const gantry_value *value),
                          void *arg);
/* [loop] Drops all; the last user of a pointer destroys it. Called when the call is freed. */
void gn_scope_end(gantry_call *call);

#endif
