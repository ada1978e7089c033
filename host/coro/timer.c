/* timer.c - a heap of timers over one uv timer.
 *
 * uv's clock and gn_clock_ms read the same clock and cut to the same milliseconds, so a uv timer
 * armed for at_ms never fires before gn_clock_ms() reaches it.
 */
#include "coro/internal.h"

#include "util/alloc.h"
#include "util/clock.h"

static bool before(const struct gn_timer *a, const struct gn_timer *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void put(struct gn_loop *loop, uint32_t at, struct gn_timer *timer)
{
    loop->heap[at] = timer;
    timer->slot = at + 1;
}

/* Places `timer` at or above `at`. */
static void sift_up(struct gn_loop *loop, uint32_t at, struct gn_timer *timer)
{
    while (at > 0 && before(timer, loop->heap[(at - 1) / 2])) {
        put(loop, at, loop->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(loop, at, timer);
}

/* Places `timer` at or below `at`. */
static void sift_down(struct gn_loop *loop, uint32_t at, struct gn_timer *timer)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= loop->heap_len)
            break;
        if (child + 1 < loop->heap_len && before(loop->heap[child + 1], loop->heap[child]))
            child++;
        if (!before(loop->heap[child], timer))
            break;
        put(loop, at, loop->heap[child]);
        at = child;
    }
    put(loop, at, timer);
}

static void take_out(struct gn_loop *loop, struct gn_timer *timer)
{
    uint32_t at = timer->slot - 1;
    gn_assert(at < loop->heap_len && loop->heap[at] == timer);
    timer->slot = 0;
    struct gn_timer *last = loop->heap[--loop->heap_len];
    if (last == timer)
        return;
    if (at > 0 && before(last, loop->heap[(at - 1) / 2]))
        sift_up(loop, at, last);
    else
        sift_down(loop, at, last);
}

static void arm(struct gn_loop *loop)
{
    if (loop->heap_len == 0) {
        uv_timer_stop(&loop->timer);
        return;
    }
    uint64_t at = loop->heap[0]->at_ms, now = uv_now(loop->uv);
    uv_timer_start(&loop->timer, gn_timers_fired, at > now ? at - now : 0, 0);
}

void gn_timers_fired(uv_timer_t *uv)
{
    struct gn_loop *loop = uv->data;
    uint64_t now = gn_clock_ms(), end = loop->heap_order;
    while (loop->heap_len) {
        struct gn_timer *timer = loop->heap[0];
        /* One that was started meanwhile waits for the next turn. */
        if (timer->at_ms > now || timer->order >= end)
            break;
        take_out(loop, timer);
        timer->fire(timer);
    }
    if (!loop->close_begun)
        arm(loop);
}

void gn_timer_start(struct gn_loop *loop, struct gn_timer *timer, uint64_t delay_ms,
                    void (*fire)(struct gn_timer *timer))
{
    GN_CHECK(loop, GN_LOOP_MAGIC);
    GN_ASSERT_LOOP(loop);
    gn_assert(!loop->close_begun);
    uint64_t now = gn_clock_ms();
    if (timer->slot)
        take_out(timer->loop, timer);
    timer->loop = loop;
    timer->at_ms = delay_ms < UINT64_MAX - now ? now + delay_ms : UINT64_MAX;
    timer->order = loop->heap_order++;
    timer->fire = fire;
    if (loop->heap_len == loop->heap_cap) {
        loop->heap_cap = loop->heap_cap ? 2 * loop->heap_cap : 64;
        loop->heap = gn_reallocarray(loop->heap, loop->heap_cap, sizeof(loop->heap[0]));
    }
    sift_up(loop, loop->heap_len++, timer);
    if (timer->slot == 1)
        arm(loop);
}

void gn_timer_stop(struct gn_timer *timer)
{
    if (!timer->slot)
        return;
    struct gn_loop *loop = timer->loop;
    GN_ASSERT_LOOP(loop);
    take_out(loop, timer);
    /* If it was the first, the uv timer fires too early once and is armed again. */
    if (loop->heap_len == 0)
        arm(loop);
}

void gn_timers_fini(struct gn_loop *loop)
{
    for (uint32_t i = 0; i < loop->heap_len; i++)
        loop->heap[i]->slot = 0;
    gn_free(loop->heap);
    loop->heap = NULL;
    loop->heap_len = loop->heap_cap = 0;
}
