/* host_work.c - the host table: work that can be told to stop, and semaphores. */
#include "plugin/bench.h"

#include <sched.h>
#include <string.h>

GN_SUITE(host_work);

static int codes[16];

static void check_log(struct bench *b, const char *line)
{
    cr_assert(strstr(gn_buf_str(&b->lines), line), "no \"%s\" in: %s", line, gn_buf_str(&b->lines));
}

/* ---------------------------------------------------------------- work */

struct piece {
    bool begun, told; /* atomic */
    int tellings;
};
static struct piece piece;

static int until_told(void *arg)
{
    struct piece *p = arg;
    __atomic_store_n(&p->begun, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&p->told, __ATOMIC_ACQUIRE))
        sched_yield();
    return -17; /* fn's own code, whatever it means to the host */
}

static void tell(void *arg)
{
    struct piece *p = arg;
    p->tellings++;
    __atomic_store_n(&p->told, true, __ATOMIC_RELEASE);
}

static int work_until_told(gantry_call *call, const void *in)
{
    (void)in;
    codes[0] = gantry_work_interruptible(call, until_told, tell, &piece);
    codes[1] = gantry_work_interruptible(call, until_told, tell, &piece);
    return codes[1];
}

Test(host_work, a_cancelled_call_tells_its_work_to_stop_and_has_its_value)
{
    struct bench b;
    bench_open(&b);
    for (uint32_t flags = 0; flags <= GANTRY_BLOCKING; flags++) {
        const char *name = flags ? "b" : "c";
        memset(codes, 0, sizeof codes);
        piece = (struct piece){.begun = false};
        bench_tool(&b, name, work_until_told, flags);
        struct gn_call *call = bench_call(&b, GN_TOOL, name, NULL);
        gn_call_start(call);
        while (!__atomic_load_n(&piece.begun, __ATOMIC_ACQUIRE))
            uv_run(&b.uv, UV_RUN_NOWAIT);
        gn_call_cancel(call);
        bench_wait(&b, call);
        gn_call_unref(call);
        cr_assert_eq(codes[0], -17);
        cr_assert_eq(codes[1], GANTRY_ECANCELED);
        cr_assert_eq(piece.tellings, 1);
    }
    bench_close(&b);
}

static int answer(void *arg)
{
    (void)arg;
    return 42;
}

static int work_quietly(gantry_call *call, const void *in)
{
    (void)in;
    codes[0] = gantry_work_interruptible(call, answer, tell, &piece);
    codes[1] = gantry_work_interruptible(call, answer, NULL, NULL);
    codes[2] = gantry_work_interruptible(call, NULL, tell, NULL);
    return GANTRY_OK;
}

Test(host_work, nobody_is_told_unless_the_call_is_cancelled)
{
    struct bench b;
    bench_open(&b);
    piece = (struct piece){.begun = false};
    bench_tool(&b, "c", work_quietly, 0);
    bench_do(&b, GN_TOOL, "c", NULL);
    cr_assert(codes[0] == 42 && codes[1] == 42 && codes[2] == GANTRY_EINVAL);
    cr_assert_eq(piece.tellings, 0);
    check_log(&b, "inst/c: gantry_work_interruptible: the function is NULL\n");
    bench_close(&b);
}

/* ---------------------------------------------------------------- semaphores */

static gantry_semaphore *semaphore, *foreign;
static int inside, most, passed;

static int take_and_give(gantry_call *call, const void *in)
{
    (void)in;
    int rc = gantry_semaphore_take(call, semaphore, 0);
    if (rc)
        return rc;
    int now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    if (now > __atomic_load_n(&most, __ATOMIC_SEQ_CST))
        __atomic_store_n(&most, now, __ATOMIC_SEQ_CST);
    rc = gantry_sleep(call, 1);
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&passed, 1, __ATOMIC_SEQ_CST);
    gantry_semaphore_give(semaphore);
    return rc;
}

Test(host_work, a_semaphore_lets_so_many_in_coroutines_and_workers_alike)
{
    struct bench b;
    struct gn_call *calls[12];
    bench_open(&b);
    semaphore = gantry_semaphore_new(b.g, 2);
    bench_tool(&b, "c", take_and_give, 0);
    bench_tool(&b, "b", take_and_give, GANTRY_BLOCKING);
    for (size_t i = 0; i < GN_COUNT(calls); i++) {
        calls[i] = bench_call(&b, GN_TOOL, i % 3 ? "c" : "b", NULL);
        gn_call_start(calls[i]);
    }
    for (size_t i = 0; i < GN_COUNT(calls); i++) {
        bench_wait(&b, calls[i]);
        gn_call_unref(calls[i]);
    }
    cr_assert_eq(passed, 12);
    cr_assert_eq(most, 2);
    gantry_semaphore_free(semaphore);
    bench_close(&b);
}

static int take_strangely(gantry_call *call, const void *in)
{
    (void)in;
    codes[0] = gantry_semaphore_take(call, semaphore, 0);
    codes[1] = gantry_semaphore_take(call, semaphore, 1);
    codes[2] = gantry_semaphore_take(call, foreign, 0);
    codes[3] = gantry_semaphore_take(call, NULL, 0);
    return GANTRY_OK; /* the permit stays taken: it is nobody's */
}

Test(host_work, a_permit_belongs_to_no_call_and_a_semaphore_to_one_instance)
{
    struct bench b;
    bench_open(&b);
    struct gn_generation *other = bench_instance(&b, "other");
    semaphore = gantry_semaphore_new(b.g, 1);
    foreign = gantry_semaphore_new(other, 1);
    for (uint32_t flags = 0; flags <= GANTRY_BLOCKING; flags++) {
        bench_tool(&b, flags ? "b" : "c", take_strangely, flags);
        bench_do(&b, GN_TOOL, flags ? "b" : "c", NULL);
        cr_assert(codes[0] == GANTRY_OK && codes[1] == GANTRY_ETIMEDOUT &&
                  codes[2] == GANTRY_EINVAL && codes[3] == GANTRY_EINVAL);
        gantry_semaphore_give(semaphore);
    }
    check_log(&b, "inst/c: gantry_semaphore_take: the semaphore is another instance's\n");
    cr_assert_null(gantry_semaphore_new(b.g, 1000001));
    check_log(&b, "inst: gantry_semaphore_new: too many permits\n");
    gantry_semaphore_give(NULL);
    gantry_semaphore_free(NULL);
    bench_drop(&b, other); /* frees the one that was not freed */
    bench_close(&b);       /* likewise */
}
