/* scope.h - request-scoped variables: what gantry_var stands for.
 *
 * A scope is a chain of values in its call's arena, newest first. A value never changes once it
 * stands there; setting adds one, so a value that was replaced stays until the end (somebody may
 * hold it), destructors run in reverse order, and whoever inherits a scope needs to know no more
 * than where it stood: a nested call's chain goes on with what its parent had set when the call was
 * made, whatever the parent does meanwhile. Background work gets a copy, since it may outlive the
 * call. A pointer is a cell, shared by all scopes that inherited it, which holds the generation
 * whose destructor it needs.
 *
 * Variables are told apart by their name; pointers by their name and owner (each generation of a
 * plugin has its own). Names that begin with "gantry." are the host's: texts that say what
 * gantry_method() and its like say, to be read and bound, not set.
 *
 * Used by the thread that runs the call's code, one at a time; destroyed on the loop.
 */
#ifndef GN_CALL_SCOPE_H
#define GN_CALL_SCOPE_H

#include "util/common.h"

#include <gantry.h>

#define GN_SCOPE_MAX 256      /* values of one call, replaced ones included */
#define GN_SCOPE_NAME_MAX 128 /* bytes */

struct gn_owner;
struct gn_scope_value;

/* Embedded in a call. Zero is an empty scope. */
struct gn_scope {
    const struct gn_scope_value *last;  /* newest first, down to those of outer calls */
    const struct gn_scope_value *outer; /* the first that is an outer call's; NULL: none is */
    uint32_t count;                     /* its own */
    bool has_logged;                    /* log lines carry some of them */
};

/* [task] Sets var for the rest of the call. `self` is whose code asks: pointers are its own, and it
 * is held until they are destroyed. GANTRY_EINVAL: not the variable's type, one of the host's own
 * names, or a descriptor that is damaged; GANTRY_ETOOBIG: too many values, or the arena is full (a
 * pointer then stays the caller's). */
int gn_scope_set(gantry_call *call, struct gn_owner *self, const gantry_var *var,
                 const gantry_value *value);
/* [task] GANTRY_ENOENT: not set; GANTRY_EINVAL: set, but of another type. */
int gn_scope_get(gantry_call *call, struct gn_owner *self, const gantry_var *var,
                 gantry_value *ret);
/* [any] By its name alone, whatever type it has, the host's own ones too. GANTRY_ENOENT: not set,
 * or no such name; GANTRY_EINVAL: there is only a pointer of that name. */
int gn_scope_find(const gantry_call *call, const char *name, gantry_value *ret);
/* [task] GANTRY_ENOENT: it was not set; else as gn_scope_set. */
int gn_scope_unset(gantry_call *call, struct gn_owner *self, const gantry_var *var);
/* [task] Log lines carry it from now on, also once it is set later or anew. GANTRY_EINVAL: it is a
 * pointer; else as gn_scope_set. */
int gn_scope_bind(gantry_call *call, struct gn_owner *self, const gantry_var *var);
/* [loop] child, which is new, sees what parent has set until now: pointers if they are flagged
 * so. The parent must stay, as it does for a nested call. */
void gn_scope_nest(gantry_call *child, const gantry_call *parent);
/* [loop] Copies what background work inherits into a call that has not started. GANTRY_ETOOBIG. */
int gn_scope_copy(gantry_call *to, const gantry_call *from);
/* [task] Tells the values that log lines carry, those of outer calls first, each name once; at most
 * GN_SCOPE_MAX, the innermost ones. fn must not touch the scope. */
void gn_scope_each_logged(const gantry_call *call,
                          void (*fn)(void *arg, const char *name, const gantry_value *value),
                          void *arg);
/* [loop] Drops all; the last user of a pointer destroys it. Called when the call is freed, before
 * its arena goes. */
void gn_scope_end(gantry_call *call);

/* [any] "gantry.NAME" of a call; NULL: nothing there, or no such name. */
const char *gn_scope_builtin(const gantry_call *call, const char *name);

#endif
