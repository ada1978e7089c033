/* fiber.c - pooled stacks with guard pages, and the switch. */
#include "coro/fiber.h"

#include "util/alloc.h"

#include <sys/mman.h>
#include <unistd.h>

#ifdef GN_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef GN_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) 0U
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#define MIN_STACK (32U * 1024)

static char *stack_low(const struct gn_fiber *fiber)
{
    return fiber->map + fiber->guard_bytes;
}

static size_t stack_bytes(const struct gn_fiber *fiber)
{
    return fiber->map_bytes - fiber->guard_bytes;
}

/* ---- what the tools are told ---- */

/* Always inlined: ThreadSanitizer keeps a stack of calls for each fiber, and a function that was
 * entered on one must not return on another. */
#define IN_PLACE __attribute__((always_inline)) static inline

/* Before control moves to another stack. `save` is where AddressSanitizer keeps the fake stack of
 * the one that is left; NULL frees it, since nobody comes back. */
IN_PLACE void tell_switch(void **save, const void *bottom, size_t bytes, void *tsan)
{
    (void)save, (void)bottom, (void)bytes, (void)tsan;
#ifdef GN_ASAN
    __sanitizer_start_switch_fiber(save, bottom, bytes);
#endif
#ifdef GN_TSAN
    __tsan_switch_to_fiber(tsan, 0);
#endif
}

/* First thing on the stack that was switched to. */
IN_PLACE void tell_arrival(void *saved, const void **ret_old_bottom, size_t *ret_old_bytes)
{
    (void)saved, (void)ret_old_bottom, (void)ret_old_bytes;
#ifdef GN_ASAN
    __sanitizer_finish_switch_fiber(saved, ret_old_bottom, ret_old_bytes);
#endif
}

static void tell_taken(struct gn_fiber *fiber)
{
    (void)fiber;
#ifdef GN_ASAN
    /* Frames that were left for good kept their red zones. */
    __asan_unpoison_memory_region(stack_low(fiber), stack_bytes(fiber));
    __lsan_register_root_region(stack_low(fiber), stack_bytes(fiber));
#endif
#ifdef GN_TSAN
    fiber->tsan = __tsan_create_fiber(0);
#endif
}

static void tell_given(struct gn_fiber *fiber)
{
    (void)fiber;
#ifdef GN_ASAN
    __lsan_unregister_root_region(stack_low(fiber), stack_bytes(fiber));
#endif
#ifdef GN_TSAN
    __tsan_destroy_fiber(fiber->tsan);
    fiber->tsan = NULL;
#endif
}

/* ---- fibers ---- */

static struct gn_fiber *fiber_new(struct gn_fiber_pool *pool)
{
    size_t bytes = pool->page_bytes + pool->stack_bytes;
    char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    struct gn_fiber *fiber = gn_calloc(1, sizeof(*fiber));
    /* The second mapping may be the one too many; getcontext cannot fail but says it could. */
    if (mprotect(map, pool->page_bytes, PROT_NONE) != 0 || getcontext(&fiber->context) != 0) {
        munmap(map, bytes);
        gn_free(fiber);
        return NULL;
    }
    fiber->pool = pool;
    fiber->map = map;
    fiber->map_bytes = bytes;
    fiber->guard_bytes = pool->page_bytes;
    fiber->valgrind_id = VALGRIND_STACK_REGISTER(stack_low(fiber), map + bytes);
    return fiber;
}

static void fiber_free(struct gn_fiber *fiber)
{
    VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
#ifdef GN_ASAN
    __asan_unpoison_memory_region(stack_low(fiber), stack_bytes(fiber));
#endif
    munmap(fiber->map, fiber->map_bytes);
    gn_free(fiber);
}

/* makecontext passes ints, hence the pointer in two halves. */
static void trampoline(unsigned high, unsigned low)
{
    struct gn_fiber *fiber = (void *)(((uintptr_t)high << 32) | (uintptr_t)low);
    tell_arrival(NULL, &fiber->pool->home_bottom, &fiber->pool->home_bytes);
    fiber->run(fiber->arg);
    gn_assert(fiber == NULL); /* its function must not return */
}

void gn_fiber_pool_init(struct gn_fiber_pool *pool, size_t bytes, uint32_t spare_max)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    bytes = GN_MAX(bytes, MIN_STACK);
    *pool = (struct gn_fiber_pool){
        .page_bytes = page,
        .stack_bytes = (bytes + page - 1) / page * page,
        .spare_max = spare_max,
    };
}

void gn_fiber_pool_fini(struct gn_fiber_pool *pool)
{
    while (pool->spare) {
        struct gn_fiber *fiber = pool->spare;
        pool->spare = fiber->next;
        fiber_free(fiber);
    }
    pool->spare_count = 0;
}

struct gn_fiber *gn_fiber_take(struct gn_fiber_pool *pool, void (*run)(void *arg), void *arg)
{
    struct gn_fiber *fiber = pool->spare;
    if (fiber) {
        pool->spare = fiber->next;
        pool->spare_count--;
    } else {
        fiber = fiber_new(pool);
        if (!fiber)
            return NULL;
    }
    fiber->next = NULL;
    fiber->run = run;
    fiber->arg = arg;
    fiber->fake_stack = NULL;
    fiber->context.uc_link = NULL;
    fiber->context.uc_stack.ss_sp = stack_low(fiber);
    fiber->context.uc_stack.ss_size = stack_bytes(fiber);
    uintptr_t self = (uintptr_t)fiber;
    makecontext(&fiber->context, (void (*)(void))trampoline, 2, (unsigned)(self >> 32),
                (unsigned)(self & 0xffffffffU));
    tell_taken(fiber);
    return fiber;
}

void gn_fiber_give(struct gn_fiber *fiber)
{
    struct gn_fiber_pool *pool = fiber->pool;
    tell_given(fiber);
    if (pool->spare_count >= pool->spare_max) {
        fiber_free(fiber);
        return;
    }
    fiber->next = pool->spare;
    pool->spare = fiber;
    pool->spare_count++;
}

/* Never inlined, so that no address of thread-local storage is computed before a switch and used
 * after it. */
__attribute__((noinline)) void gn_fiber_enter(struct gn_fiber *fiber)
{
    struct gn_fiber_pool *pool = fiber->pool;
    ucontext_t here;
    void *fake_stack = NULL;
    pool->home = &here;
#ifdef GN_TSAN
    pool->home_tsan = __tsan_get_current_fiber();
#endif
    tell_switch(&fake_stack, stack_low(fiber), stack_bytes(fiber), fiber->tsan);
    int rc = swapcontext(&here, &fiber->context);
    tell_arrival(fake_stack, NULL, NULL);
    gn_assert(rc == 0);
}

__attribute__((noinline)) void gn_fiber_leave(struct gn_fiber *fiber, bool last)
{
    struct gn_fiber_pool *pool = fiber->pool;
    tell_switch(last ? NULL : &fiber->fake_stack, pool->home_bottom, pool->home_bytes,
                pool->home_tsan);
    int rc = swapcontext(&fiber->context, pool->home);
    tell_arrival(fiber->fake_stack, &pool->home_bottom, &pool->home_bytes);
    gn_assert(rc == 0 && !last);
}

bool gn_fiber_guards(const struct gn_fiber *fiber, const void *address)
{
    uintptr_t at = (uintptr_t)address, low = (uintptr_t)fiber->map;
    return at >= low && at < low + fiber->guard_bytes;
}
