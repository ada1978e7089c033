/* fiber.h - stacks and the switch between them; private to this folder.
 *
 * A fiber is a pooled stack with a guard page below it and a saved context. All that sanitizers and
 * valgrind must be told about a switch is told here and nowhere else. The switch is glibc's
 * ucontext: documented, safe with shadow stacks, one system call (the signal mask) each way.
 *
 * Everything here belongs to the loop's thread; a fiber is entered and left on that thread only.
 */
#ifndef GN_CORO_FIBER_H
#define GN_CORO_FIBER_H

#include "util/common.h"

#include <ucontext.h>

struct gn_fiber {
    ucontext_t context;
    char *map; /* guard page, then the stack */
    size_t map_bytes, guard_bytes;
    void (*run)(void *arg);
    void *arg;
    struct gn_fiber_pool *pool;
    struct gn_fiber *next; /* while spare */
    void *fake_stack;      /* AddressSanitizer's */
    void *tsan;
    unsigned valgrind_id;
};

struct gn_fiber_pool {
    ucontext_t *home; /* where the fiber that runs now goes back to */
    size_t stack_bytes, page_bytes;
    struct gn_fiber *spare; /* most recently used first: its pages are warm */
    uint32_t spare_count, spare_max;
    const void *home_bottom; /* the loop's own stack, learnt at each entry (AddressSanitizer) */
    size_t home_bytes;
    void *home_tsan;
};

void gn_fiber_pool_init(struct gn_fiber_pool *pool, size_t stack_bytes, uint32_t spare_max);
/* Unmaps the spare stacks. Fibers in use stay as they are. */
void gn_fiber_pool_fini(struct gn_fiber_pool *pool);

/* A fiber that will call run(arg) when first entered; run must not return but call
 * gn_fiber_leave(fiber, true). NULL: the system gives no more mappings. */
struct gn_fiber *gn_fiber_take(struct gn_fiber_pool *pool, void (*run)(void *arg), void *arg);
/* Gives it back, after its last switch. */
void gn_fiber_give(struct gn_fiber *fiber);

/* From the loop's stack: runs the fiber until it leaves. */
void gn_fiber_enter(struct gn_fiber *fiber);
/* From the fiber: back to where it was entered. `last`: it is never entered again. */
void gn_fiber_leave(struct gn_fiber *fiber, bool last);

/* [signal handler] Is this address in the fiber's guard page? */
bool gn_fiber_guards(const struct gn_fiber *fiber, const void *address);

#endif
