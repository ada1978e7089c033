/* watch.c - what is noticed of files, and what is not. */
#include "plugin/watch.h"

#include "support.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>

GN_SUITE(watch);

struct bench {
    uv_loop_t uv;
    uv_timer_t tick;
    struct gn_loop *loop;
    struct gn_watch *watch;
    const char *dir;
    struct gn_buf seen; /* "+name " or "-name " for each report */
};

static void on_change(void *arg, const char *path, bool is_present)
{
    struct bench *b = arg;
    gn_buf_addf(&b->seen, "%c%s ", is_present ? '+' : '-', gn_path_base(path));
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void turn(struct bench *b)
{
    uv_timer_start(&b->tick, on_tick, 5, 0);
    uv_run(&b->uv, UV_RUN_ONCE);
}

#define UNTIL(b, condition)                                                                        \
    do {                                                                                           \
        uint64_t end_ = gn_clock_ms() + 60000;                                                     \
        while (!(condition)) {                                                                     \
            cr_assert(gn_clock_ms() < end_, "never: %s; seen: %s", #condition,                     \
                      gn_buf_str(&(b)->seen));                                                     \
            turn(b);                                                                               \
        }                                                                                          \
    } while (0)

static void bench_open(struct bench *b, uint32_t rescan_ms)
{
    memset(b, 0, sizeof(*b));
    b->seen = GN_BUF_INIT(65536);
    cr_assert_eq(uv_loop_init(&b->uv), 0);
    uv_timer_init(&b->uv, &b->tick);
    b->loop = gn_loop_new(&b->uv, NULL, NULL);
    b->dir = gn_test_tmpdir();
    b->watch = gn_watch_new(b->loop,
                            &(struct gn_watch_options){.debounce_ms = 30,
                                                       .max_wait_ms = 2000,
                                                       .settle_ms = 10,
                                                       .grace_ms = 80,
                                                       .rescan_ms = rescan_ms,
                                                       .active = true},
                            on_change, b);
}

static void set_true(void *arg)
{
    *(bool *)arg = true;
}

static void bench_close(struct bench *b)
{
    bool closed = false, gone = false;
    gn_watch_close(b->watch, set_true, &gone);
    UNTIL(b, gone);
    gn_loop_close(b->loop, 60000, set_true, &closed);
    uv_close((uv_handle_t *)&b->tick, NULL);
    uv_run(&b->uv, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&b->uv), 0);
    gn_buf_release(&b->seen);
}

static void watch_all(struct bench *b)
{
    gn_watch_set(b->watch, &(struct gn_watch_target){b->dir, NULL}, 1);
}

static void shell(struct bench *b, const char *command)
{
    GN_AUTO_FREE char *full = gn_format("cd '%s' && { %s; }", b->dir, command);
    cr_assert_eq(system(full), 0, "%s", full);
}

static bool saw(struct bench *b, const char *all)
{
    return gn_streq(gn_buf_str(&b->seen), all);
}

Test(watch, knows_what_was_there_without_a_report)
{
    struct bench b;
    bench_open(&b, 0);
    shell(&b, "echo 1 >a.so; echo 1 >.b.so; echo 1 >c.tmp.so; echo 1 >d.txt; echo 1 >.so");
    watch_all(&b);
    GN_AUTO_FREE char *a = gn_path_join(b.dir, "a.so"), *hidden = gn_path_join(b.dir, ".b.so");
    cr_assert(gn_watch_has(b.watch, a));
    cr_assert_not(gn_watch_has(b.watch, hidden));
    shell(&b, "echo 2 >.b.so; echo 2 >c.tmp.so; echo 2 >d.txt; echo 1 >z.so");
    UNTIL(&b, saw(&b, "+z.so "));
    bench_close(&b);
}

Test(watch, reports_a_change_once_it_is_quiet)
{
    struct bench b;
    bench_open(&b, 0);
    watch_all(&b);
    shell(&b, "echo 1 >a.so; echo 12 >a.so; echo 123 >a.so");
    UNTIL(&b, saw(&b, "+a.so "));
    shell(&b, "echo 2 >x && mv x a.so");
    UNTIL(&b, saw(&b, "+a.so +a.so "));
    shell(&b, "touch a.so");
    UNTIL(&b, saw(&b, "+a.so +a.so +a.so "));
    bench_close(&b);
}

Test(watch, a_replacement_is_no_removal)
{
    struct bench b;
    bench_open(&b, 0);
    shell(&b, "echo 1 >a.so; echo 1 >b.so");
    watch_all(&b);
    shell(&b, "rm a.so b.so && echo 2 >a.so");
    UNTIL(&b, saw(&b, "+a.so -b.so "));
    GN_AUTO_FREE char *path = gn_path_join(b.dir, "b.so");
    cr_assert_not(gn_watch_has(b.watch, path));
    bench_close(&b);
}

Test(watch, what_comes_and_goes_at_once_is_nothing)
{
    struct bench b;
    bench_open(&b, 0);
    watch_all(&b);
    shell(&b, "echo 1 >a.so; rm a.so; echo 1 >b.so");
    UNTIL(&b, saw(&b, "+b.so "));
    bench_close(&b);
}

Test(watch, finds_what_no_event_told)
{
    struct bench b;
    bench_open(&b, 50);
    const char *elsewhere = gn_test_tmpdir();
    GN_AUTO_FREE char *target = gn_path_join(elsewhere, "real.so");
    gn_test_write_file(elsewhere, "real.so", "1", 1);
    GN_AUTO_FREE char *link = gn_format("ln -s '%s' a.so", target);
    shell(&b, link);
    watch_all(&b);
    /* The folder that is watched does not change. */
    gn_test_write_file(elsewhere, "real.so", "22", 2);
    UNTIL(&b, saw(&b, "+a.so "));
    bench_close(&b);
}

Test(watch, a_folder_may_go_and_come_back)
{
    struct bench b;
    bench_open(&b, 50);
    GN_AUTO_FREE char *sub = gn_path_join(b.dir, "sub");
    gn_watch_set(b.watch, &(struct gn_watch_target){sub, NULL}, 1);
    shell(&b, "mkdir sub; echo 1 >sub/a.so");
    UNTIL(&b, saw(&b, "+a.so "));
    shell(&b, "rm -r sub");
    UNTIL(&b, saw(&b, "+a.so -a.so "));
    shell(&b, "mkdir sub; echo 1 >sub/b.so");
    UNTIL(&b, saw(&b, "+a.so -a.so +b.so "));
    shell(&b, "echo 2 >sub/b.so");
    UNTIL(&b, saw(&b, "+a.so -a.so +b.so +b.so "));
    bench_close(&b);
}

Test(watch, a_single_file_is_watched_through_its_folder)
{
    struct bench b;
    bench_open(&b, 0);
    gn_watch_set(b.watch, &(struct gn_watch_target){b.dir, "a.so"}, 1);
    shell(&b, "echo 1 >b.so");
    for (int i = 0; i < 20; i++)
        turn(&b);
    shell(&b, "echo 1 >a.so");
    UNTIL(&b, saw(&b, "+a.so "));
    bench_close(&b);
}

Test(watch, what_is_not_wanted_any_more_is_forgotten)
{
    struct bench b;
    bench_open(&b, 0);
    const char *other = gn_test_tmpdir();
    shell(&b, "echo 1 >a.so; echo 1 >b.so");
    watch_all(&b);
    struct gn_watch_target targets[] = {{b.dir, "b.so"}, {other, NULL}};
    gn_watch_set(b.watch, targets, 2);
    GN_AUTO_FREE char *a = gn_path_join(b.dir, "a.so"), *bb = gn_path_join(b.dir, "b.so");
    cr_assert_not(gn_watch_has(b.watch, a));
    cr_assert(gn_watch_has(b.watch, bb));
    gn_watch_set(b.watch, &targets[1], 1);
    shell(&b, "echo 2 >b.so");
    gn_test_write_file(other, "c.so", "1", 1);
    UNTIL(&b, saw(&b, "+c.so "));
    bench_close(&b);
}
