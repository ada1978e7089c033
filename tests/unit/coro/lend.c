/* lend.c - a worker task lends its thread to what it waits for. */
#include "coro/fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

GN_SUITE(lend);

/* A task on a worker that waits for another one, with a coroutine in between, and so on inwards:
 * what blocking handlers that call each other through middlewares look like. */
struct node {
    struct node *inner;
    struct gn_op waits; /* for the coroutine */
    struct middle {
        struct gn_op op; /* the coroutine waits for the inner task */
        struct node *outer;
    } middle;
    struct gn_task *task;
    pthread_t thread;
    uint32_t begun, ended;
    bool ran;
};

static void node_run(struct gn_task *task, void *arg);

static void inner_done(struct gn_task *task, void *arg)
{
    struct node *n = arg;
    n->ended++;
    n->ran = gn_task_ran(task);
}

static void inner_of_middle_done(struct gn_task *task, void *arg)
{
    struct middle *m = arg;
    inner_done(task, m->outer->inner);
    gn_op_done(&m->op, 0);
}

static void run_inner_of_middle(struct gn_task *task, void *arg)
{
    struct middle *m = arg;
    node_run(task, m->outer->inner);
}

static void start_inner(struct gn_op *op)
{
    struct middle *m = GN_CONTAINER(op, struct middle, op);
    struct gn_task_spec spec = {
        .name = "inner", .run = run_inner_of_middle, .done = inner_of_middle_done, .arg = m};
    cr_assert_eq(gn_task_start_on(m->outer->task, &spec, NULL), 0);
}

static void middle_run(struct gn_task *task, void *arg)
{
    struct middle *m = arg;
    cr_assert_not(gn_task_is_worker(task));
    gn_task_sleep(task, 1);
    m->op = (struct gn_op){.start = start_inner};
    gn_await(task, &m->op);
}

static void middle_done(struct gn_task *task, void *arg)
{
    struct middle *m = arg;
    (void)task;
    gn_op_done(&m->outer->waits, 0);
}

static void start_middle(struct gn_op *op)
{
    struct node *n = GN_CONTAINER(op, struct node, waits);
    n->middle.outer = n;
    struct gn_task_spec spec = {
        .name = "middle", .run = middle_run, .done = middle_done, .arg = &n->middle};
    cr_assert_eq(gn_task_start(gn_task_loop(op->task), &spec, NULL), 0);
}

static void node_run(struct gn_task *task, void *arg)
{
    struct node *n = arg;
    cr_assert(gn_task_is_worker(task));
    cr_assert_eq(gn_task_current(), task);
    n->task = task;
    n->thread = pthread_self();
    n->begun++;
    if (n->inner) {
        n->waits = (struct gn_op){.start = start_middle};
        cr_assert_eq(gn_await(task, &n->waits), 0);
        cr_assert_eq(gn_task_current(), task);
        cr_assert(pthread_equal(n->thread, n->inner->thread));
    }
    cr_assert_eq(gn_task_sleep(task, 1), 0);
    cr_assert_eq(gn_task_current(), task);
}

Test(lend, one_worker_is_enough_for_tasks_that_wait_for_each_other)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct node nodes[16];
    memset(nodes, 0, sizeof(nodes));
    for (size_t i = 0; i + 1 < GN_COUNT(nodes); i++)
        nodes[i].inner = &nodes[i + 1];
    fixture_start_worker(&f, "outermost", node_run, &nodes[0]);
    fixture_run(&f);
    for (size_t i = 0; i < GN_COUNT(nodes); i++) {
        cr_assert_eq(nodes[i].begun, 1);
        cr_assert_eq(nodes[i].ended, i == 0 ? 0 : 1);
        cr_assert_eq(nodes[i].ran, i != 0);
    }
    struct gn_task_stats stats;
    gn_task_stats(f.loop, &stats);
    cr_assert_eq(stats.workers_busy + stats.jobs_waiting + stats.alive, 0);
    fixture_fini(&f);
}

Test(lend, all_workers_busy_with_tasks_that_wait_for_others_still_move)
{
    enum { OUTER = 60, DEEP = 3 };
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 4});
    struct gn_work_group group = {0};
    static struct node nodes[OUTER][DEEP];
    memset(nodes, 0, sizeof(nodes));
    for (size_t i = 0; i < OUTER; i++) {
        for (size_t k = 0; k + 1 < DEEP; k++)
            nodes[i][k].inner = &nodes[i][k + 1];
        struct gn_task_spec spec = {
            .name = "outer", .run = node_run, .arg = &nodes[i][0], .group = i % 2 ? &group : NULL};
        cr_assert_eq(gn_task_start_worker(f.loop, &spec, NULL), 0);
    }
    fixture_run(&f);
    for (size_t i = 0; i < OUTER; i++) {
        for (size_t k = 0; k < DEEP; k++)
            cr_assert_eq(nodes[i][k].begun, 1);
    }
    cr_assert_eq(group.running, 0);
    fixture_fini(&f);
}

/* ---- several at once, given by hand ---- */

/* A task that waits until it is told, and those that are to run on its thread. */
struct host_task {
    struct gn_op op;
    struct gn_task *task;
    pthread_t thread;
    bool waits, over;
};

static void host_waits(struct gn_op *op)
{
    GN_CONTAINER(op, struct host_task, op)->waits = true;
}

static void host_cancelled(struct gn_op *op)
{
    gn_op_done(op, GN_ECANCELED);
}

static void host_run(struct gn_task *task, void *arg)
{
    struct host_task *h = arg;
    h->task = task;
    h->thread = pthread_self();
    h->op = (struct gn_op){.start = host_waits, .cancel = host_cancelled};
    gn_await(task, &h->op);
}

static void host_done(struct gn_task *task, void *arg)
{
    (void)task;
    ((struct host_task *)arg)->over = true;
}

static void host_start(struct fixture *f, struct host_task *h)
{
    memset(h, 0, sizeof(*h));
    struct gn_task_spec spec = {.name = "lender", .run = host_run, .done = host_done, .arg = h};
    cr_assert_eq(gn_task_start_worker(f->loop, &spec, NULL), 0);
    fixture_run_until(f, &h->waits);
}

struct guest {
    struct host_task *host; /* on whose thread it has to be; NULL: any */
    struct trace *trace;
    const char *name;
    sem_t *gate, *inside; /* may be NULL */
    struct gn_task *task;
    bool begun, done, ran;
};

static void guest_run(struct gn_task *task, void *arg)
{
    struct guest *g = arg;
    cr_assert_eq(gn_task_current(), task);
    cr_assert_str_eq(gn_task_name(task), g->name);
    if (g->host)
        cr_assert(pthread_equal(g->host->thread, pthread_self()));
    g->begun = true;
    if (g->inside)
        sem_post(g->inside);
    if (g->gate) {
        while (sem_wait(g->gate) != 0)
            ;
    }
    if (g->trace)
        trace_add(g->trace, g->name);
    gn_task_sleep(task, 1);
}

static void guest_done(struct gn_task *task, void *arg)
{
    struct guest *g = arg;
    g->done = true;
    g->ran = gn_task_ran(task);
}

static void guest_start(struct host_task *on, struct guest *g)
{
    struct gn_task_spec spec = {.name = g->name, .run = guest_run, .done = guest_done, .arg = g};
    cr_assert_eq(gn_task_start_on(on->task, &spec, &g->task), 0);
    cr_assert_not_null(g->task);
}

Test(lend, several_on_one_thread_run_one_after_another)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 2});
    struct host_task host;
    host_start(&f, &host);
    struct trace trace = {.len = 0};
    struct guest guests[] = {
        {.host = &host, .trace = &trace, .name = "a"},
        {.host = &host, .trace = &trace, .name = "b"},
        {.host = &host, .trace = &trace, .name = "c"},
    };
    for (size_t i = 0; i < GN_COUNT(guests); i++)
        guest_start(&host, &guests[i]);
    struct gn_task_stats stats;
    gn_task_stats(f.loop, &stats);
    cr_assert_eq(stats.workers_busy, 1, "no worker but the lender is taken");
    fixture_run_until(&f, &guests[2].done);
    cr_assert_str_eq(trace.text, "a b c");
    cr_assert_not(host.over);
    gn_op_done(&host.op, 0);
    fixture_run(&f);
    cr_assert(host.over);
    fixture_fini(&f);
}

Test(lend, what_has_not_begun_when_the_lender_goes_on_is_for_the_other_workers)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1, .max_jobs = 1});
    sem_t gate, inside;
    sem_init(&gate, 0, 0);
    sem_init(&inside, 0, 0);
    struct host_task host;
    host_start(&f, &host);
    struct guest a = {.host = &host, .name = "a", .gate = &gate, .inside = &inside};
    struct guest b = {.name = "b"}, c = {.name = "c"};
    guest_start(&host, &a);
    guest_start(&host, &b);
    guest_start(&host, &c);
    while (sem_wait(&inside) != 0)
        ;
    gn_op_done(&host.op, 0);
    struct gn_task_stats stats;
    gn_task_stats(f.loop, &stats);
    cr_assert_eq(stats.jobs_waiting, 2, "however many may wait, they are not refused");
    cr_assert_not(host.over);
    /* Cancelled there it is as any other of the queue. */
    gn_task_cancel(c.task);
    sem_post(&gate);
    fixture_run(&f);
    cr_assert(a.done && a.ran && host.over);
    cr_assert(b.done && b.ran && b.begun);
    cr_assert(c.done && !c.ran && !c.begun);
    fixture_fini(&f);
    sem_destroy(&gate);
    sem_destroy(&inside);
}

Test(lend, a_lender_that_does_not_wait_lends_nothing)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct host_task host;
    host_start(&f, &host);
    gn_op_done(&host.op, 0);
    struct guest a = {.name = "a"};
    guest_start(&host, &a);
    fixture_run(&f);
    cr_assert(host.over && a.done && a.ran);
    fixture_fini(&f);
}

Test(lend, cancelled_before_it_began_it_never_runs)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    sem_t gate, inside;
    sem_init(&gate, 0, 0);
    sem_init(&inside, 0, 0);
    struct host_task host;
    host_start(&f, &host);
    struct guest a = {.host = &host, .name = "a", .gate = &gate, .inside = &inside};
    struct guest b = {.host = &host, .name = "b"}, c = {.host = &host, .name = "c"};
    guest_start(&host, &a);
    guest_start(&host, &b);
    guest_start(&host, &c);
    while (sem_wait(&inside) != 0)
        ;
    gn_task_cancel(b.task);
    gn_task_cancel(b.task);
    gn_task_cancel(a.task); /* runs: it is told, and comes to its end by itself */
    cr_assert_not(b.done, "done must not be called inside of gn_task_cancel");
    sem_post(&gate);
    fixture_run_until(&f, &c.done);
    cr_assert(a.done && a.ran);
    cr_assert(b.done && !b.ran && !b.begun);
    cr_assert(c.ran);
    /* The lender itself was not cancelled by any of that; now it is. */
    cr_assert_not(host.over);
    gn_task_cancel(host.task);
    fixture_run(&f);
    cr_assert(host.over);
    fixture_fini(&f);
    sem_destroy(&gate);
    sem_destroy(&inside);
}

Test(lend, closing_takes_back_what_has_not_begun)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    sem_t gate, inside;
    sem_init(&gate, 0, 0);
    sem_init(&inside, 0, 0);
    struct host_task host;
    host_start(&f, &host);
    struct guest a = {.host = &host, .name = "a", .gate = &gate, .inside = &inside};
    struct guest b = {.host = &host, .name = "b"};
    guest_start(&host, &a);
    guest_start(&host, &b);
    while (sem_wait(&inside) != 0)
        ;
    gn_loop_close(f.loop, 60000, NULL, NULL);
    struct guest late = {.name = "late", .task = (void *)&f};
    struct gn_task_spec spec = {.name = "late", .run = guest_run, .arg = &late};
    cr_assert_eq(gn_task_start_on(host.task, &spec, &late.task), GN_EBUSY);
    cr_assert_null(late.task);
    sem_post(&gate);
    uv_run(&f.uv, UV_RUN_DEFAULT);
    cr_assert(host.over && a.done && a.ran && b.done && !b.ran);
    cr_assert_eq(uv_loop_close(&f.uv), 0);
    uv_mutex_destroy(&f.log_lock);
    sem_destroy(&gate);
    sem_destroy(&inside);
}

static sem_t unstuck;

static void guest_stuck(struct gn_task *task, void *arg)
{
    struct guest *g = arg;
    (void)task;
    sem_post(g->inside);
    while (sem_wait(g->gate) != 0)
        ;
    sem_post(&unstuck);
}

Test(lend, one_that_does_not_come_back_is_abandoned_with_its_lender)
{
    struct fixture f;
    fixture_init(&f, NULL);
    static sem_t gate, inside;
    sem_init(&gate, 0, 0);
    sem_init(&inside, 0, 0);
    sem_init(&unstuck, 0, 0);
    static struct host_task host;
    host_start(&f, &host);
    static struct guest a = {.name = "hello/stuck", .gate = &gate, .inside = &inside};
    struct gn_task_spec spec = {.name = a.name, .run = guest_stuck, .arg = &a};
    cr_assert_eq(gn_task_start_on(host.task, &spec, NULL), 0);
    while (sem_wait(&inside) != 0)
        ;
    fixture_close(&f, 1);
    cr_assert_not_null(strstr(f.log_text, "hello/stuck did not end in time"), "%s", f.log_text);
    cr_assert_not_null(strstr(f.log_text, "lender did not end in time"), "%s", f.log_text);
    sem_post(&gate);
    while (sem_wait(&unstuck) != 0)
        ;
}

/* ---- pieces of work ---- */

struct errand {
    struct host_task *host;
    sem_t *gate, *inside; /* may be NULL */
    struct gn_task *task;
    bool told, over;
    int rc;
};

static int errand_piece(void *arg)
{
    struct errand *e = arg;
    cr_assert(gn_task_current() == NULL, "a piece is no task, and not the lender");
    e->told = pthread_equal(e->host->thread, pthread_self());
    if (e->inside)
        sem_post(e->inside);
    if (e->gate) {
        while (sem_wait(e->gate) != 0)
            ;
    }
    return 7;
}

static void errand_run(struct gn_task *task, void *arg)
{
    struct errand *e = arg;
    e->rc = gn_task_work_on(task, e->host->task, NULL, errand_piece, NULL, e);
    e->over = true;
}

static void errand_start(struct fixture *f, struct errand *e)
{
    struct gn_task_spec spec = {.name = "errand", .run = errand_run, .arg = e};
    cr_assert_eq(gn_task_start(f->loop, &spec, &e->task), 0);
}

Test(lend, a_piece_of_work_is_done_on_the_thread_of_who_waits_for_it)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1});
    struct host_task host;
    host_start(&f, &host);
    struct errand errands[3] = {{.host = &host}, {.host = &host}, {.host = &host}};
    for (size_t i = 0; i < GN_COUNT(errands); i++)
        errand_start(&f, &errands[i]);
    for (size_t i = 0; i < GN_COUNT(errands); i++) {
        fixture_run_until(&f, &errands[i].over);
        cr_assert_eq(errands[i].rc, 7);
        cr_assert(errands[i].told);
    }
    gn_op_done(&host.op, 0);
    fixture_run(&f);
    cr_assert(host.over);
    fixture_fini(&f);
}

Test(lend, pieces_that_have_not_begun_are_cancelled_or_go_to_the_queue)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.workers = 1, .max_jobs = 1});
    sem_t gate, inside;
    sem_init(&gate, 0, 0);
    sem_init(&inside, 0, 0);
    struct host_task host;
    host_start(&f, &host);
    struct errand runs = {.host = &host, .gate = &gate, .inside = &inside};
    struct errand dropped = {.host = &host}, left[2] = {{.host = &host}, {.host = &host}};
    errand_start(&f, &runs);
    while (sem_wait(&inside) != 0)
        ;
    errand_start(&f, &dropped);
    errand_start(&f, &left[0]);
    errand_start(&f, &left[1]);
    gn_task_cancel(dropped.task);
    fixture_run_until(&f, &dropped.over);
    cr_assert_eq(dropped.rc, GN_ECANCELED);
    cr_assert_not(dropped.told);
    gn_op_done(&host.op, 0); /* the lender goes on as soon as the first piece is done */
    cr_assert_not(left[0].over);
    sem_post(&gate);
    fixture_run(&f);
    cr_assert(host.over);
    cr_assert_eq(runs.rc, 7);
    cr_assert_eq(left[0].rc, 7);
    cr_assert_eq(left[1].rc, 7, "it was admitted once");
    sem_destroy(&inside);
    sem_destroy(&gate);
    fixture_fini(&f);
}
