/* mutex.c - a fair mutex for tasks of both kinds. Its state belongs to the loop; who unlocks hands
 * it to the one that waits longest, so nobody overtakes. */
#include "coro/internal.h"

#define MUTEX_MAGIC 0x6d757478U /* "mutx" */

struct locking {
    struct gn_op op;
    struct gn_mutex *mutex;
    struct gn_list node;
};

static void lock_start(struct gn_op *op)
{
    struct locking *l = GN_CONTAINER(op, struct locking, op);
    struct gn_mutex *m = l->mutex;
    if (m->owner == op->task) {
        gn_op_done(op, GN_EINVAL);
    } else if (!m->owner) {
        m->owner = op->task;
        gn_op_done(op, 0);
    } else {
        gn_list_append(&m->waiters, &l->node);
    }
}

static void lock_cancel(struct gn_op *op)
{
    gn_list_remove(&GN_CONTAINER(op, struct locking, op)->node);
    gn_op_done(op, GN_ECANCELED);
}

struct unlocking {
    struct gn_mutex *mutex;
    struct gn_task *task;
};

static void unlock(void *arg)
{
    struct unlocking *u = arg;
    struct gn_mutex *m = u->mutex;
    gn_assert(m->owner == u->task);
    m->owner = NULL;
    struct gn_list *n = gn_list_pop(&m->waiters);
    if (!n)
        return;
    struct locking *l = GN_CONTAINER(n, struct locking, node);
    m->owner = l->op.task;
    gn_op_done(&l->op, 0);
}

void gn_mutex_init(struct gn_mutex *m, struct gn_loop *loop)
{
    *m = (struct gn_mutex){.magic = MUTEX_MAGIC, .loop = loop};
    gn_list_init(&m->waiters);
}

void gn_mutex_fini(struct gn_mutex *m)
{
    GN_CHECK(m, MUTEX_MAGIC);
    gn_assert(!m->owner && gn_list_empty(&m->waiters));
    m->magic = 0;
}

int gn_mutex_lock(struct gn_mutex *m, struct gn_task *task)
{
    GN_CHECK(m, MUTEX_MAGIC);
    gn_assert(m->loop == gn_task_loop(task));
    if (!gn_task_is_worker(task)) { /* on the loop's thread already */
        if (m->owner == task)
            return GN_EINVAL;
        if (!m->owner && !gn_task_must_stop(task)) {
            m->owner = task;
            return 0;
        }
    }
    struct locking l = {
        .op = {.start = lock_start, .cancel = lock_cancel},
        .mutex = m,
    };
    gn_list_init(&l.node);
    return gn_await(task, &l.op);
}

void gn_mutex_unlock(struct gn_mutex *m, struct gn_task *task)
{
    GN_CHECK(m, MUTEX_MAGIC);
    struct unlocking u = {m, task};
    if (gn_task_is_worker(task))
        gn_task_on_loop(task, unlock, &u);
    else
        unlock(&u);
}
