/* semaphore.c - a fair semaphore for tasks of both kinds. Its state belongs to the loop; a permit
 * that is given back is handed to the one that waits longest. */
#include "coro/internal.h"

#define SEMAPHORE_MAGIC 0x73656d61U /* "sema" */

struct taking {
    struct gn_op op;
    struct gn_semaphore *semaphore;
    struct gn_list node;
    struct gn_timer timer;
    uint32_t ms;
};

static void take_over(struct taking *t, int rc)
{
    gn_list_remove(&t->node);
    gn_timer_stop(&t->timer);
    gn_op_done(&t->op, rc);
}

static void take_late(struct gn_timer *timer)
{
    take_over(GN_CONTAINER(timer, struct taking, timer), GN_ETIMEDOUT);
}

static void take_start(struct gn_op *op)
{
    struct taking *t = GN_CONTAINER(op, struct taking, op);
    struct gn_semaphore *s = t->semaphore;
    if (s->permits > 0) {
        s->permits--;
        gn_op_done(op, 0);
        return;
    }
    gn_list_append(&s->waiters, &t->node);
    if (t->ms)
        gn_timer_start(s->loop, &t->timer, t->ms, take_late);
}

static void take_cancel(struct gn_op *op)
{
    take_over(GN_CONTAINER(op, struct taking, op), GN_ECANCELED);
}

void gn_semaphore_init(struct gn_semaphore *s, struct gn_loop *loop, uint32_t permits)
{
    *s = (struct gn_semaphore){.magic = SEMAPHORE_MAGIC, .permits = permits, .loop = loop};
    gn_list_init(&s->waiters);
}

void gn_semaphore_fini(struct gn_semaphore *s)
{
    GN_CHECK(s, SEMAPHORE_MAGIC);
    gn_assert(gn_list_empty(&s->waiters));
    s->magic = 0;
}

int gn_semaphore_take(struct gn_semaphore *s, struct gn_task *task, uint32_t ms)
{
    GN_CHECK(s, SEMAPHORE_MAGIC);
    gn_assert(s->loop == gn_task_loop(task));
    struct taking t = {
        .op = {.start = take_start, .cancel = take_cancel},
        .semaphore = s,
        .ms = ms,
    };
    gn_list_init(&t.node);
    return gn_await(task, &t.op);
}

void gn_semaphore_give(struct gn_semaphore *s)
{
    GN_CHECK(s, SEMAPHORE_MAGIC);
    GN_ASSERT_LOOP(s->loop);
    struct gn_list *n = gn_list_pop(&s->waiters);
    if (n)
        take_over(GN_CONTAINER(n, struct taking, node), 0);
    else
        s->permits++;
}
