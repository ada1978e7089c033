#include "coro/fixture.h"

#include "util/alloc.h"
#include "util/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

GN_SUITE(task);

/* ---- starting and ending ---- */

struct lived {
    struct trace trace;
    struct gn_task *self;
    int rc;
};

static void run_through(struct gn_task *task, void *arg)
{
    struct lived *l = arg;
    cr_assert_eq(gn_task_current(), task);
    cr_assert_str_eq(gn_task_name(task), "hello/greet");
    cr_assert_not(gn_task_is_worker(task));
    trace_add(&l->trace, "run");
}

static void lived_done(struct gn_task *task, void *arg)
{
    struct lived *l = arg;
    cr_assert_null(gn_task_current());
    cr_assert(gn_task_ran(task));
    trace_add(&l->trace, "done");
}

Test(task, runs_at_once_and_is_gone_when_it_ends_without_waiting)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct lived l = {0};
    struct gn_task_spec spec = {
        .name = "hello/greet", .run = run_through, .done = lived_done, .arg = &l};
    struct gn_task *task = (void *)&f;
    cr_assert_eq(gn_task_start(f.loop, &spec, &task), 0);
    cr_assert_null(task);
    cr_assert_str_eq(l.trace.text, "run done");
    fixture_fini(&f);
}

static void run_and_yield(struct gn_task *task, void *arg)
{
    struct lived *l = arg;
    trace_add(&l->trace, "run");
    l->rc = gn_task_sleep(task, 0);
    cr_assert_eq(gn_task_current(), task);
    trace_add(&l->trace, "again");
}

Test(task, runs_up_to_its_first_wait_before_start_returns)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct lived l = {0};
    struct gn_task_spec spec = {.run = run_and_yield, .done = lived_done, .arg = &l};
    struct gn_task *task;
    cr_assert_eq(gn_task_start(f.loop, &spec, &task), 0);
    cr_assert_not_null(task);
    cr_assert_null(gn_task_current());
    cr_assert_str_eq(l.trace.text, "run");
    fixture_run(&f);
    cr_assert_eq(l.rc, 0);
    cr_assert_str_eq(l.trace.text, "run again done");
    fixture_fini(&f);
}

static void count_one(struct gn_task *task, void *arg)
{
    (void)task;
    ++*(int *)arg;
}

static int count_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "re");
    cr_assert_not_null(file);
    int lines = 0, c;
    while ((c = getc(file)) != EOF)
        lines += c == '\n';
    fclose(file);
    return lines;
}

Test(task, ten_thousand_that_come_and_go_leave_no_mapping_behind)
{
    struct fixture f;
    fixture_init(&f, NULL);
    int count = 0, before = 0;
    for (int i = 0; i < 10000; i++) {
        fixture_start(&f, "short", count_one, &count);
        if (i == 0)
            before = count_mappings();
    }
    cr_assert_eq(count, 10000);
    struct gn_task_stats stats;
    gn_task_stats(f.loop, &stats);
    cr_assert_eq(stats.alive, 0);
    cr_assert_eq(stats.peak, 1);
    /* The allocator of a sanitizer may map for itself; ten thousand stacks would be 20,000. */
    cr_assert_lt(count_mappings(), before + 100);
    fixture_fini(&f);
}

/* ---- sleeping ---- */

struct sleeper {
    struct trace *trace;
    const char *name;
    uint32_t ms;
    int rc;
};

static void sleep_once(struct gn_task *task, void *arg)
{
    struct sleeper *s = arg;
    uint64_t due = gn_clock_ms() + s->ms;
    s->rc = gn_task_sleep(task, s->ms);
    cr_assert_geq(gn_clock_ms(), due);
    if (s->trace)
        trace_add(s->trace, s->name);
}

Test(task, sleepers_wake_in_the_order_of_their_times)
{
    struct fixture f;
    fixture_init(&f, NULL);
    for (;;) {
        struct trace trace = {.len = 0};
        struct sleeper s[] = {{&trace, "c", 200, 1},
                              {&trace, "a", 1, 1},
                              {&trace, "b", 100, 1},
                              {&trace, "d", 300, 1}};
        uint64_t start = gn_clock_ms();
        for (size_t i = 0; i < GN_COUNT(s); i++)
            fixture_start(&f, s[i].name, sleep_once, &s[i]);
        bool fair = gn_clock_ms() - start < 50; /* else the machine slept in between: once more */
        fixture_run(&f);
        if (!fair)
            continue;
        cr_assert_str_eq(trace.text, "a b c d");
        for (size_t i = 0; i < GN_COUNT(s); i++)
            cr_assert_eq(s[i].rc, 0);
        break;
    }
    fixture_fini(&f);
}

Test(task, a_thousand_sleep_at_once)
{
    struct fixture f;
    fixture_init(&f, NULL);
    static struct sleeper s[1000];
    for (size_t i = 0; i < GN_COUNT(s); i++) {
        s[i] = (struct sleeper){.ms = 100 + (uint32_t)i % 7, .rc = 1};
        fixture_start(&f, "sleeper", sleep_once, &s[i]);
    }
    struct gn_task_stats stats;
    gn_task_stats(f.loop, &stats);
    cr_assert_eq(stats.alive, 1000);
    fixture_run(&f);
    gn_task_stats(f.loop, &stats);
    cr_assert_eq(stats.peak, 1000);
    cr_assert_eq(stats.alive, 0);
    cr_assert_eq(stats.switches, 2000);
    for (size_t i = 0; i < GN_COUNT(s); i++)
        cr_assert_eq(s[i].rc, 0);
    fixture_fini(&f);
}

Test(task, one_more_than_the_limit_is_refused)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.max_coroutines = 2});
    struct sleeper s[2] = {{.ms = 1}, {.ms = 1}};
    fixture_start(&f, "1", sleep_once, &s[0]);
    fixture_start(&f, "2", sleep_once, &s[1]);
    struct gn_task_spec spec = {.run = sleep_once};
    struct gn_task *task = (void *)&f;
    cr_assert_eq(gn_task_start(f.loop, &spec, &task), GN_EBUSY);
    cr_assert_null(task);
    fixture_run(&f);
    struct sleeper again = {.ms = 1, .rc = 1};
    fixture_start(&f, "3", sleep_once, &again);
    fixture_run(&f);
    cr_assert_eq(again.rc, 0);
    fixture_fini(&f);
}

struct poll_once {
    int fds[2];
    uv_poll_t poll;
    struct trace trace;
};

static void polled(uv_poll_t *uv, int status, int events)
{
    struct poll_once *p = uv->data;
    (void)status;
    (void)events;
    trace_add(&p->trace, "poll");
    uv_close((uv_handle_t *)uv, NULL);
}

static void yield_to_poll(struct gn_task *task, void *arg)
{
    struct poll_once *p = arg;
    gn_task_sleep(task, 0);
    trace_add(&p->trace, "task");
}

Test(task, sleeping_zero_lets_the_loop_poll)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct poll_once p = {.trace.len = 0};
    cr_assert_eq(pipe(p.fds), 0);
    uv_poll_init(&f.uv, &p.poll, p.fds[0]);
    p.poll.data = &p;
    uv_poll_start(&p.poll, UV_READABLE, polled);
    cr_assert_eq(write(p.fds[1], "x", 1), 1);
    fixture_start(&f, "yields", yield_to_poll, &p);
    fixture_run(&f);
    cr_assert_str_eq(p.trace.text, "poll task");
    close(p.fds[0]);
    close(p.fds[1]);
    fixture_fini(&f);
}

/* ---- operations ---- */

struct manual {
    struct gn_op op;
    struct trace *trace;
    bool at_once;       /* over in start */
    bool end_on_cancel; /* over in cancel */
    struct gn_task *cancel_in_start;
    int starts, cancels;
};

static void manual_start(struct gn_op *op)
{
    struct manual *m = GN_CONTAINER(op, struct manual, op);
    cr_assert(gn_loop_is_current(gn_task_loop(op->task)));
    cr_assert_null(gn_task_current());
    m->starts++;
    if (m->cancel_in_start)
        gn_task_cancel(m->cancel_in_start);
    if (m->at_once)
        gn_op_done(op, 7);
}

static void manual_cancel(struct gn_op *op)
{
    struct manual *m = GN_CONTAINER(op, struct manual, op);
    m->cancels++;
    if (m->end_on_cancel)
        gn_op_done(op, GN_ECANCELED);
}

static struct manual manual(bool at_once)
{
    return (struct manual){
        .op = {.start = manual_start, .cancel = manual_cancel},
        .at_once = at_once,
        .end_on_cancel = true,
    };
}

struct awaiting {
    struct trace trace;
    struct manual op[3];
    int rc[3];
    size_t count;
    bool finished;
};

static void await_all(struct gn_task *task, void *arg)
{
    struct awaiting *a = arg;
    for (size_t i = 0; i < a->count; i++) {
        a->rc[i] = gn_await(task, &a->op[i].op);
        cr_assert_eq(gn_task_current(), task);
    }
}

static void await_done(struct gn_task *task, void *arg)
{
    (void)task;
    ((struct awaiting *)arg)->finished = true;
}

static struct gn_task *start_awaiting(struct fixture *f, struct awaiting *a, bool worker)
{
    struct gn_task_spec spec = {.name = "awaits", .run = await_all, .done = await_done, .arg = a};
    struct gn_task *task;
    cr_assert_eq(worker ? gn_task_start_worker(f->loop, &spec, &task)
                        : gn_task_start(f->loop, &spec, &task),
                 0);
    return task;
}

static void run_until_starts(struct fixture *f, const int *starts)
{
    while (*starts == 0)
        uv_run(&f->uv, UV_RUN_ONCE);
}

Test(task, an_operation_that_is_over_at_once_does_not_leave_the_task_waiting)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(true), manual(true), manual(true)}, .count = 3};
    cr_assert_null(start_awaiting(&f, &a, false));
    cr_assert(a.finished);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(a.rc[i], 7);
    fixture_fini(&f);
}

Test(task, the_end_of_an_operation_only_enqueues)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(false)}, .count = 1};
    start_awaiting(&f, &a, false);
    gn_op_done(&a.op[0].op, 42);
    cr_assert_not(a.finished);
    fixture_run(&f);
    cr_assert(a.finished);
    cr_assert_eq(a.rc[0], 42);
    fixture_fini(&f);
}

Test(task, a_worker_awaits_on_the_loop)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(true), manual(false), manual(true)}, .count = 3};
    start_awaiting(&f, &a, true);
    run_until_starts(&f, &a.op[1].starts);
    cr_assert_eq(a.rc[0], 7);
    gn_op_done(&a.op[1].op, 43);
    fixture_run_until(&f, &a.finished);
    cr_assert_eq(a.rc[1], 43);
    cr_assert_eq(a.rc[2], 7);
    fixture_fini(&f);
}

/* ---- cancelling ---- */

static void cancel_while_waiting(bool worker)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(false), manual(true), manual(true)}, .count = 3};
    struct gn_task *task = start_awaiting(&f, &a, worker);
    run_until_starts(&f, &a.op[0].starts);
    cr_assert_not(gn_task_is_cancelled(task));
    gn_task_cancel(task);
    gn_task_cancel(task);
    cr_assert(gn_task_is_cancelled(task));
    fixture_run_until(&f, &a.finished);
    cr_assert_eq(a.op[0].cancels, 1);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(a.rc[i], GN_ECANCELED);
    cr_assert_eq(a.op[1].starts, 0);
    cr_assert_eq(a.op[2].starts, 0);
    fixture_fini(&f);
}

Test(task, cancelling_a_waiting_coroutine_is_sticky)
{
    cancel_while_waiting(false);
}

Test(task, cancelling_a_waiting_worker_is_sticky)
{
    cancel_while_waiting(true);
}

static void cancel_without_cancel_function(bool worker)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(false), manual(true)}, .count = 2};
    a.op[0].op.cancel = NULL;
    struct gn_task *task = start_awaiting(&f, &a, worker);
    run_until_starts(&f, &a.op[0].starts);
    gn_task_cancel(task);
    uv_run(&f.uv, UV_RUN_NOWAIT);
    cr_assert_not(a.finished);
    gn_op_done(&a.op[0].op, 5);
    fixture_run_until(&f, &a.finished);
    cr_assert_eq(a.rc[0], 5);
    cr_assert_eq(a.rc[1], GN_ECANCELED);
    fixture_fini(&f);
}

Test(task, an_operation_that_cannot_be_cancelled_is_waited_for)
{
    cancel_without_cancel_function(false);
}

Test(task, a_workers_operation_that_cannot_be_cancelled_is_waited_for)
{
    cancel_without_cancel_function(true);
}

Test(task, an_operation_may_end_some_time_after_it_was_cancelled)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(false)}, .count = 1};
    a.op[0].end_on_cancel = false;
    struct gn_task *task = start_awaiting(&f, &a, false);
    gn_task_cancel(task);
    cr_assert_eq(a.op[0].cancels, 1);
    uv_run(&f.uv, UV_RUN_NOWAIT);
    cr_assert_not(a.finished);
    gn_op_done(&a.op[0].op, 6);
    fixture_run_until(&f, &a.finished);
    cr_assert_eq(a.rc[0], 6);
    fixture_fini(&f);
}

Test(task, cancelling_a_ready_task_lets_it_have_its_result)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(false), manual(true)}, .count = 2};
    struct gn_task *task = start_awaiting(&f, &a, false);
    gn_op_done(&a.op[0].op, 8);
    gn_task_cancel(task);
    fixture_run_until(&f, &a.finished);
    cr_assert_eq(a.rc[0], 8);
    cr_assert_eq(a.op[0].cancels, 0);
    cr_assert_eq(a.rc[1], GN_ECANCELED);
    fixture_fini(&f);
}

static void cancel_itself(struct gn_task *task, void *arg)
{
    gn_task_cancel(task);
    await_all(task, arg);
}

Test(task, a_running_task_is_told_at_its_next_wait)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(true)}, .count = 1};
    fixture_start(&f, "cancels itself", cancel_itself, &a);
    cr_assert_eq(a.rc[0], GN_ECANCELED);
    cr_assert_eq(a.op[0].starts, 0);
    fixture_fini(&f);
}

static void await_own_cancel(struct gn_task *task, void *arg)
{
    struct awaiting *a = arg;
    a->op[0].cancel_in_start = task;
    await_all(task, arg);
}

Test(task, cancelled_while_its_operation_starts_the_operation_is_cancelled_after)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(false), manual(true)}, .count = 2};
    fixture_start(&f, "cancelled in start", await_own_cancel, &a);
    fixture_run(&f);
    cr_assert_eq(a.op[0].cancels, 1);
    cr_assert_eq(a.rc[0], GN_ECANCELED);
    cr_assert_eq(a.rc[1], GN_ECANCELED);
    fixture_fini(&f);
}

static void sleep_and_note(struct gn_task *task, void *arg)
{
    *(int *)arg = gn_task_sleep(task, *(uint32_t *)arg);
}

Test(task, a_sleeper_is_woken_by_cancelling)
{
    struct fixture f;
    fixture_init(&f, NULL);
    int day = 86400 * 1000, turn = 0;
    struct gn_task *a = fixture_start(&f, "sleeps a day", sleep_and_note, &day);
    struct gn_task *b = fixture_start(&f, "sleeps a turn", sleep_and_note, &turn);
    gn_task_cancel(a);
    gn_task_cancel(b);
    fixture_run(&f);
    cr_assert_eq(day, GN_ECANCELED);
    cr_assert_eq(turn, GN_ECANCELED);
    fixture_fini(&f);
}

/* ---- on the loop, shield ---- */

static void note_where(void *arg)
{
    struct trace *t = arg;
    cr_assert_null(gn_task_current());
    trace_add(t, "loop");
}

struct shielded {
    struct trace trace;
    int before, inside, again, after;
    uint32_t shield_ms, sleep_ms;
    bool finished;
};

static void clean_up_shielded(struct gn_task *task, void *arg)
{
    struct shielded *s = arg;
    s->before = gn_task_sleep(task, 3600 * 1000);
    gn_task_on_loop(task, note_where, &s->trace);
    cr_assert_eq(gn_task_shield(task, s->shield_ms), 0);
    s->inside = gn_task_sleep(task, s->sleep_ms);
    s->again = gn_task_shield(task, 1000);
    cr_assert(gn_task_is_cancelled(task));
}

static void shielded_done(struct gn_task *task, void *arg)
{
    (void)task;
    ((struct shielded *)arg)->finished = true;
}

static void cancel_shielded(struct shielded *s, bool worker)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct gn_task_spec spec = {.run = clean_up_shielded, .done = shielded_done, .arg = s};
    struct gn_task *task;
    cr_assert_eq(worker ? gn_task_start_worker(f.loop, &spec, &task)
                        : gn_task_start(f.loop, &spec, &task),
                 0);
    if (worker) { /* let it begin: one that did not would never run */
        while (!gn_task_ran(task))
            uv_run(&f.uv, UV_RUN_NOWAIT);
    }
    gn_task_cancel(task);
    fixture_run_until(&f, &s->finished);
    cr_assert_eq(s->before, GN_ECANCELED);
    cr_assert_str_eq(s->trace.text, "loop");
    cr_assert_eq(s->again, GN_EINVAL);
    fixture_fini(&f);
}

Test(task, a_shield_lets_a_cancelled_task_wait)
{
    struct shielded s = {.shield_ms = 3600 * 1000, .sleep_ms = 5};
    cancel_shielded(&s, false);
    cr_assert_eq(s.inside, 0);
}

Test(task, a_shield_lets_a_cancelled_worker_wait)
{
    struct shielded s = {.shield_ms = 3600 * 1000, .sleep_ms = 5};
    cancel_shielded(&s, true);
    cr_assert_eq(s.inside, 0);
}

Test(task, when_the_shield_is_over_what_it_covered_is_cancelled)
{
    struct shielded s = {.shield_ms = 20, .sleep_ms = 3600 * 1000};
    cancel_shielded(&s, false);
    cr_assert_eq(s.inside, GN_ECANCELED);
}

Test(task, when_a_workers_shield_is_over_what_it_covered_is_cancelled)
{
    struct shielded s = {.shield_ms = 20, .sleep_ms = 3600 * 1000};
    cancel_shielded(&s, true);
    cr_assert_eq(s.inside, GN_ECANCELED);
}

static void shield_then_wait(struct gn_task *task, void *arg)
{
    struct awaiting *a = arg;
    cr_assert_eq(gn_task_shield(task, 3600 * 1000), 0);
    await_all(task, a);
}

Test(task, cancelling_under_a_shield_does_not_disturb)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct awaiting a = {.op = {manual(false), manual(true)}, .count = 2};
    struct gn_task *task = fixture_start(&f, "shielded", shield_then_wait, &a);
    gn_task_cancel(task);
    cr_assert_eq(a.op[0].cancels, 0);
    gn_op_done(&a.op[0].op, 9);
    fixture_run(&f);
    cr_assert_eq(a.rc[0], 9);
    cr_assert_eq(a.rc[1], 7);
    fixture_fini(&f);
}

/* ---- the watchdog, the crash report ---- */

static void hold_the_loop(struct gn_task *task, void *arg)
{
    (void)arg;
    gn_task_sleep(task, 0);
    uint64_t end = gn_clock_us() + 20000;
    while (gn_clock_us() < end)
        ;
}

Test(task, one_that_holds_the_loop_is_reported_once_by_name)
{
    struct fixture f;
    fixture_init(&f, &(struct gn_loop_limits){.slow_ms = 20});
    fixture_start(&f, "hello/greet", hold_the_loop, NULL);
    fixture_run(&f);
    struct gn_task_stats stats;
    gn_task_stats(f.loop, &stats);
    cr_assert_geq(stats.slow, 1); /* a busy machine may make its first slice slow too */
    const char *report = strstr(f.log_text, "hello/greet held the loop for ");
    cr_assert_not_null(report, "log: %s", f.log_text);
    size_t reports = 0;
    for (const char *at = f.log_text; (at = strstr(at, "held the loop")); at++)
        reports++;
    cr_assert_eq(reports, stats.slow);
    fixture_fini(&f);
}

__attribute__((noinline)) static int overflow(int depth)
{
    volatile char frame[1024];
    frame[0] = (char)depth;
    return depth ? overflow(depth - 1) + frame[0] : 0;
}

static void overflow_stack(struct gn_task *task, void *arg)
{
    (void)task;
    *(volatile int *)arg = overflow(100000);
}

static void write_nowhere(struct gn_task *task, void *arg)
{
    (void)task;
    **(int *volatile *)arg = 1;
}

static void *nowhere = (void *)16;

/* A worker task that lends its thread to one that crashes. */
struct crash_lender {
    struct gn_op op;
    const char *name;
};

static void lend_to_crash(struct gn_op *op)
{
    struct crash_lender *c = GN_CONTAINER(op, struct crash_lender, op);
    struct gn_task_spec spec = {.name = c->name, .run = write_nowhere, .arg = &nowhere};
    cr_assert_eq(gn_task_start_on(op->task, &spec, NULL), 0);
}

static void lend_thread(struct gn_task *task, void *arg)
{
    struct crash_lender c = {.op = {.start = lend_to_crash}, .name = "hello/guest"};
    (void)arg;
    gn_await(task, &c.op);
}

/* What a child that runs `run` in a task says on its way down. */
static void crash(const char *name, void (*run)(struct gn_task *task, void *arg), bool worker,
                  char *ret_text, size_t size)
{
    int fds[2], status;
    cr_assert_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        struct fixture f;
        fixture_init(&f, NULL);
        gn_task_install_crash_report();
        if (worker)
            fixture_start_worker(&f, name, run, &nowhere);
        else
            fixture_start(&f, name, run, &nowhere);
        fixture_run(&f);
        _exit(0);
    }
    close(fds[1]);
    size_t len = 0;
    char c;
    while (read(fds[0], &c, 1) == 1) {
        if (len + 1 < size)
            ret_text[len++] = c;
    }
    ret_text[len] = '\0';
    close(fds[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
#ifdef GN_SANITIZED
    cr_assert_neq(status, 0); /* the sanitizer's handler follows ours */
#else
    cr_assert(WIFSIGNALED(status));
    cr_assert_eq(WTERMSIG(status), SIGSEGV);
#endif
}

Test(task, a_stack_overflow_is_reported_as_one_by_name)
{
    static char text[65536];
    crash("hello/deep", overflow_stack, false, text, sizeof(text));
    cr_assert_not_null(strstr(text, " in task hello/deep: it overflowed its stack"), "%s", text);
}

Test(task, another_crash_is_reported_by_name)
{
    static char text[65536];
    crash("hello/wild", write_nowhere, false, text, sizeof(text));
    cr_assert_not_null(strstr(text, "SIGSEGV at address 0x10 in task hello/wild\n"), "%s", text);
}

Test(task, a_crash_on_a_thread_that_was_lent_names_who_ran_there)
{
    static char text[65536];
    crash("hello/lender", lend_thread, true, text, sizeof(text));
    cr_assert_not_null(strstr(text, "SIGSEGV at address 0x10 in worker task hello/guest\n"), "%s",
                       text);
}

Test(task, a_crash_on_a_worker_is_reported_by_name)
{
    static char text[65536];
    crash("hello/block", write_nowhere, true, text, sizeof(text));
    cr_assert_not_null(strstr(text, "SIGSEGV at address 0x10 in worker task hello/block\n"), "%s",
                       text);
}
