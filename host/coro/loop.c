/* loop.c - the loop object: its uv handles, the queues, posting, closing.
 *
 * Whatever becomes ready is put into a queue of the loop and never runs inside of the callback that
 * made it ready. The queues are drained twice a turn: before the poll (what timers made ready) and
 * after it (what sockets made ready). As long as something is queued an idle handle runs, which
 * makes the poll return at once; starting and stopping it costs no system call, so waking a task
 * from the loop's own thread costs none either. Other threads write to an eventfd (uv_async_send).
 */
#include "coro/internal.h"

#include "util/alloc.h"

#define MAX_LAST_ROUNDS 1000

static const struct gn_loop_limits default_limits = {
    .max_coroutines = 1280,
    .stack_bytes = 256 * 1024,
    .spare_stacks = 64,
    .workers = 4,
    .max_jobs = 4096,
    .slow_ms = 50,
};

static void list_move(struct gn_list *to, struct gn_list *from)
{
    struct gn_list *n;
    while ((n = gn_list_pop(from)))
        gn_list_append(to, n);
}

/* ---- posts ---- */

static struct gn_post *take_posts(struct gn_loop *loop)
{
    if (!__atomic_load_n(&loop->have_posts, __ATOMIC_ACQUIRE))
        return NULL;
    pthread_mutex_lock(&loop->post_lock);
    struct gn_post *posts = loop->posts;
    loop->posts = NULL;
    loop->posts_end = &loop->posts;
    __atomic_store_n(&loop->have_posts, 0, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&loop->post_lock);
    return posts;
}

/* One batch. Closing runs inside of a post and goes on with the batch that this one is part of. */
static void run_posts(struct gn_loop *loop)
{
    if (!loop->batch)
        loop->batch = take_posts(loop);
    while (loop->batch) {
        struct gn_post *post = loop->batch;
        loop->batch = post->next;
        /* run() may free it, or post it again. */
        __atomic_store_n(&post->posted, false, __ATOMIC_RELEASE);
        post->run(post);
    }
}

bool gn_loop_try_post(struct gn_loop *loop, struct gn_post *post, void (*run)(struct gn_post *post))
{
    GN_CHECK(loop, GN_LOOP_MAGIC);
    pthread_mutex_lock(&loop->post_lock);
    bool taken = !loop->dead;
    if (taken) {
        gn_assert(!__atomic_exchange_n(&post->posted, true, __ATOMIC_ACQ_REL));
        post->run = run;
        post->next = NULL;
        *loop->posts_end = post;
        loop->posts_end = &post->next;
        __atomic_store_n(&loop->have_posts, 1, __ATOMIC_RELEASE);
        /* Under the lock: the handle is not closed before `dead` is set. */
        if (!gn_loop_is_current(loop))
            uv_async_send(&loop->async);
    }
    pthread_mutex_unlock(&loop->post_lock);
    if (taken && gn_loop_is_current(loop))
        gn_loop_wake(loop);
    return taken;
}

void gn_loop_post(struct gn_loop *loop, struct gn_post *post, void (*run)(struct gn_post *post))
{
    gn_loop_try_post(loop, post, run);
}

/* ---- draining ---- */

static bool anything_queued(struct gn_loop *loop)
{
    return !gn_list_empty(&loop->ready) || !gn_list_empty(&loop->yielded) ||
           !gn_list_empty(&loop->turn) || __atomic_load_n(&loop->have_posts, __ATOMIC_ACQUIRE);
}

/* One batch: what becomes ready meanwhile waits for the next, so that sockets have their turn. */
static void run_ready(struct gn_loop *loop)
{
    struct gn_list batch, *n;
    gn_list_init(&batch);
    list_move(&batch, &loop->ready);
    while ((n = gn_list_pop(&batch)))
        gn_task_resume(GN_CONTAINER(n, struct gn_task, ready));
}

static void drain(struct gn_loop *loop)
{
    gn_assert(!loop->draining);
    loop->draining = true;
    run_posts(loop);
    run_ready(loop);
    loop->draining = false;
    if (loop->idle_runs && !anything_queued(loop) && !loop->close_begun) {
        uv_idle_stop(&loop->idle);
        loop->idle_runs = false;
    }
}

static void on_idle(uv_idle_t *uv)
{
    (void)uv;
}

static void on_async(uv_async_t *uv)
{
    (void)uv; /* the check handle drains, right after the poll that this woke */
}

static void on_prepare(uv_prepare_t *uv)
{
    struct gn_loop *loop = uv->data;
    drain(loop);
    list_move(&loop->turn, &loop->yielded);
}

static void on_check(uv_check_t *uv)
{
    struct gn_loop *loop = uv->data;
    struct gn_list *n;
    while ((n = gn_list_pop(&loop->turn))) {
        struct gn_yield *yield = GN_CONTAINER(n, struct gn_yield, node);
        yield->over(yield);
    }
    drain(loop);
}

void gn_loop_wake(struct gn_loop *loop)
{
    if (loop->idle_runs || loop->close_begun)
        return;
    loop->idle_runs = true;
    uv_idle_start(&loop->idle, on_idle);
}

void gn_loop_yield(struct gn_loop *loop, struct gn_yield *yield,
                   void (*over)(struct gn_yield *yield))
{
    yield->over = over;
    gn_list_append(&loop->yielded, &yield->node);
    gn_loop_wake(loop);
}

/* ---- making ---- */

struct gn_loop *gn_loop_new(uv_loop_t *uv, const struct gn_loop_limits *limits, struct gn_log *log)
{
    struct gn_loop *loop = gn_calloc(1, sizeof(*loop));
    struct gn_loop_limits *l = &loop->limits;
    *l = limits ? *limits : default_limits;
#define DEFAULT(field) l->field = l->field ? l->field : default_limits.field
    DEFAULT(max_coroutines);
    DEFAULT(stack_bytes);
    DEFAULT(spare_stacks);
    DEFAULT(workers);
    DEFAULT(max_jobs);
    DEFAULT(slow_ms);
#undef DEFAULT
    loop->magic = GN_LOOP_MAGIC;
    loop->references = 1;
    loop->uv = uv;
    loop->log = log;
    loop->thread = pthread_self();
    gn_list_init(&loop->ready);
    gn_list_init(&loop->yielded);
    gn_list_init(&loop->turn);
    gn_list_init(&loop->tasks);
    loop->posts_end = &loop->posts;
    pthread_mutex_init(&loop->post_lock, NULL);
    gn_fiber_pool_init(&loop->fibers, l->stack_bytes, l->spare_stacks);
    gn_workers_init(&loop->workers, l->workers, l->max_jobs);

    uv_prepare_init(uv, &loop->prepare);
    uv_check_init(uv, &loop->check);
    uv_idle_init(uv, &loop->idle);
    uv_timer_init(uv, &loop->timer);
    /* Fails only for want of file descriptors, and then nothing could be served anyway. */
    int rc = uv_async_init(uv, &loop->async, on_async);
    gn_assert(rc == 0);
    loop->prepare.data = loop->check.data = loop->idle.data = loop->timer.data = loop->async.data =
        loop;
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    /* They are always there; what keeps uv_run running is a task, a timer or something queued. */
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    uv_unref((uv_handle_t *)&loop->async);
    return loop;
}

struct gn_arena_spare *gn_loop_arenas(struct gn_loop *loop)
{
    return &loop->arenas;
}

uv_loop_t *gn_loop_uv(struct gn_loop *loop)
{
    return loop->uv;
}

struct gn_log *gn_loop_log(struct gn_loop *loop)
{
    return loop->log;
}

bool gn_loop_is_current(struct gn_loop *loop)
{
    return pthread_equal(loop->thread, pthread_self()) != 0;
}

/* ---- closing ---- */

void gn_loop_unref(struct gn_loop *loop)
{
    if (__atomic_sub_fetch(&loop->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    gn_workers_fini(&loop->workers);
    pthread_mutex_destroy(&loop->post_lock);
    loop->magic = 0;
    gn_arena_spare_free(&loop->arenas);
    gn_free(loop);
}

static void on_handle_closed(uv_handle_t *uv)
{
    struct gn_loop *loop = uv->data;
    if (--loop->open_handles != 0)
        return;
    void (*on_closed)(void *arg) = loop->on_closed;
    void *arg = loop->on_closed_arg;
    gn_loop_unref(loop);
    if (on_closed)
        on_closed(arg);
}

/* Lets what is queued come to its end; tasks are cancelled, so they unwind. */
static void run_out(struct gn_loop *loop)
{
    for (int rounds = 0; rounds < MAX_LAST_ROUNDS; rounds++) {
        run_posts(loop);
        run_ready(loop);
        if (gn_list_empty(&loop->ready) && !__atomic_load_n(&loop->have_posts, __ATOMIC_ACQUIRE))
            return;
    }
}

static void abandon_tasks(struct gn_loop *loop)
{
    struct gn_list *n;
    while ((n = gn_list_pop(&loop->tasks))) {
        struct gn_task *task = GN_CONTAINER(n, struct gn_task, node);
        gn_log(loop->log, GN_ERROR, "coro", "%s did not end in time and is abandoned", task->name);
        /* A coroutine that waits for an abandoned worker: its stack holds what that one works on,
         * so neither it nor the loop it refers to ever goes. */
        if (!task->is_worker)
            __atomic_add_fetch(&loop->references, 1, __ATOMIC_RELAXED);
    }
}

static void close_now(struct gn_loop *loop)
{
    if (loop->close_begun)
        return;
    gn_timer_stop(&loop->close_timer);
    loop->no_shield = true;
    run_out(loop);
    gn_workers_stop(loop);
    run_out(loop); /* what they finished last */
    pthread_mutex_lock(&loop->post_lock);
    loop->dead = true;
    pthread_mutex_unlock(&loop->post_lock);
    loop->close_begun = true;
    abandon_tasks(loop);
    __atomic_store_n(&loop->has_left, true, __ATOMIC_RELEASE);
    gn_timers_fini(loop);
    gn_fiber_pool_fini(&loop->fibers);
    uv_handle_t *handles[] = {
        (uv_handle_t *)&loop->prepare, (uv_handle_t *)&loop->check, (uv_handle_t *)&loop->idle,
        (uv_handle_t *)&loop->timer,   (uv_handle_t *)&loop->async,
    };
    loop->open_handles = GN_COUNT(handles);
    for (size_t i = 0; i < GN_COUNT(handles); i++)
        uv_close(handles[i], on_handle_closed);
}

static void close_timed_out(struct gn_timer *timer)
{
    close_now(GN_CONTAINER(timer, struct gn_loop, close_timer));
}

static void close_posted(struct gn_post *post)
{
    close_now(GN_CONTAINER(post, struct gn_loop, close_post));
}

void gn_loop_close(struct gn_loop *loop, uint32_t wait_ms, void (*on_closed)(void *arg), void *arg)
{
    GN_CHECK(loop, GN_LOOP_MAGIC);
    GN_ASSERT_LOOP(loop);
    gn_assert(!loop->closing && gn_task_current() == NULL);
    loop->closing = true;
    loop->on_closed = on_closed;
    loop->on_closed_arg = arg;
    GN_LIST_EACH(&loop->tasks, n) {
        gn_task_cancel(GN_CONTAINER(n, struct gn_task, node));
    }
    if (loop->task_count != 0 && wait_ms != 0)
        gn_timer_start(loop, &loop->close_timer, wait_ms, close_timed_out);
    else
        gn_loop_post(loop, &loop->close_post, close_posted);
}

void gn_loop_add_task(struct gn_loop *loop, struct gn_list *node)
{
    gn_list_append(&loop->tasks, node);
    if (loop->task_count++ == 0)
        uv_ref((uv_handle_t *)&loop->async);
}

void gn_loop_remove_task(struct gn_loop *loop, struct gn_list *node)
{
    gn_list_remove(node);
    if (--loop->task_count != 0)
        return;
    if (!loop->close_begun)
        uv_unref((uv_handle_t *)&loop->async);
    if (loop->closing && gn_timer_is_running(&loop->close_timer)) {
        gn_timer_stop(&loop->close_timer);
        gn_loop_post(loop, &loop->close_post, close_posted);
    }
}
