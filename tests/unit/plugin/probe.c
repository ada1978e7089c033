/* probe.c - trying out plugins in a child process. */
#include "plugin/probe.h"

#include "plugin/manager.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"
#include "json/json.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

GN_SUITE(probe);

#define SELF_EXE TEST_BUILD_DIR "/tests/probe-main"

static int probe_file(const char *build, const char *settings, struct gn_buf *manifest,
                      struct gn_error *err)
{
    GN_AUTO_FREE char *path = gn_format("%s/tests/plugins/%s.so", TEST_BUILD_DIR, build);
    *err = (struct gn_error){0};
    *manifest = GN_BUF_INIT(16u << 20);
    return gn_probe_file(SELF_EXE, path, settings, 60000, manifest, err);
}

static bool has_name(const gantry_json *list, const char *name)
{
    for (const gantry_json *v = gn_json_next(list, NULL); v; v = gn_json_next(list, v))
        if (gn_json_streq(gn_json_get(v, "name"), name))
            return true;
    return false;
}

Test(probe, a_file_gives_its_manifest)
{
    struct gn_buf manifest;
    struct gn_error err;
    struct gn_json_doc doc = {0};
    cr_assert_eq(probe_file("swap7", NULL, &manifest, &err), 0, "%s", err.text);
    cr_assert_eq(gn_json_parse_copy(&doc, gn_buf_str(&manifest), manifest.len, NULL, &err), 0, "%s",
                 err.text);
    const gantry_json *root = gn_json_root(&doc);
    cr_assert(gn_json_streq(gn_json_get(root, "name"), "swap"));
    cr_assert(gn_json_streq(gn_json_get(root, "version"), "1.0.7"));
    cr_assert(gn_json_streq(gn_json_get(root, "abi"), "0.9"));
    cr_assert(gn_json_streq(gn_json_at(gn_json_get(root, "flags"), 0), "exclusive"));
    cr_assert(has_name(gn_json_get(root, "tools"), "which"));
    cr_assert_eq(gn_json_type(gn_json_get(root, "settings")), GN_JSON_OBJECT);
    gn_json_release(&doc);
    gn_buf_release(&manifest);
}

Test(probe, what_start_registers_is_in_the_manifest)
{
    struct gn_buf manifest;
    struct gn_error err;
    cr_assert_eq(probe_file("named", "{\"word\":\"x\"}", &manifest, &err), 0, "%s", err.text);
    cr_assert(strstr(gn_buf_str(&manifest), "\"name\":\"say\""), "%s", gn_buf_str(&manifest));
    gn_buf_release(&manifest);
}

Test(probe, what_is_newer_than_the_host_is_listed_as_skipped)
{
    struct gn_buf manifest;
    struct gn_error err;
    struct gn_json_doc doc = {0};
    cr_assert_eq(probe_file("bad_bigger", NULL, &manifest, &err), 0, "%s", err.text);
    cr_assert_eq(gn_json_parse_copy(&doc, gn_buf_str(&manifest), manifest.len, NULL, &err), 0);
    const gantry_json *skipped = gn_json_get(gn_json_root(&doc), "skipped");
    cr_assert_eq(gn_json_count(skipped), 1);
    cr_assert(strstr(gn_json_str(gn_json_at(skipped, 0), NULL), "bold"));
    gn_json_release(&doc);
    gn_buf_release(&manifest);
}

/* Fails, and the message holds this. What the file offers may be told all the same. */
static void check_refused(const char *build, const char *settings, const char *says)
{
    struct gn_buf manifest;
    struct gn_error err;
    cr_assert_lt(probe_file(build, settings, &manifest, &err), 0, "%s", build);
    cr_assert(strstr(err.text, says), "%s: %s", build, err.text);
    gn_buf_release(&manifest);
}

Test(probe, errors_are_the_reason)
{
    struct gn_error err = {0};
    struct gn_buf manifest = GN_BUF_INIT(16u << 20);
    check_refused("bad_start_fail", NULL, "start failed: the database is not there");
    check_refused("bad_plain", NULL, "is not a gantry plugin");
    check_refused("named", "{\"wort\":\"x\"}", "wor");
    check_refused("named", "{", "settings: ");
    check_refused("not_there", NULL, "cannot be opened");
    cr_assert_lt(gn_probe_file("/nonexistent", TEST_BUILD_DIR "/tests/plugins/swap1.so", NULL,
                               60000, &manifest, &err),
                 0);
    cr_assert(strstr(err.text, "/nonexistent"), "%s", err.text);
    cr_assert_eq(manifest.len, 0);
}

/* ---------------------------------------------------------------- the queue */

struct bench {
    uv_loop_t uv;
    struct gn_probe *probe;
    int done, expected;
    struct gn_buf log; /* "build: ok\n" or "build: message\n" */
};

struct want {
    struct bench *b;
    const char *build;
};

static void on_done(void *arg, const struct gn_probe_result *result, const struct gn_error *err)
{
    struct want *w = arg;
    (void)result;
    gn_buf_addf(&w->b->log, "%s: %s\n", w->build, err ? err->text : "ok");
    w->b->done++;
}

static void bench_open(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    signal(SIGPIPE, SIG_IGN);
    /* For the child: a crash shall be one, and not an exit with a report. */
    setenv("ASAN_OPTIONS", "handle_segv=0:detect_leaks=0", 1);
    setenv("TSAN_OPTIONS", "handle_segv=0", 1);
    b->log = GN_BUF_INIT(1u << 20);
    cr_assert_eq(uv_loop_init(&b->uv), 0);
    b->probe = gn_probe_new(&b->uv, SELF_EXE, 60000);
}

static struct gn_probe_job *submit(struct bench *b, struct want *w, const char *build)
{
    GN_AUTO_FREE char *path = gn_format("%s/tests/plugins/%s.so", TEST_BUILD_DIR, build);
    *w = (struct want){b, build};
    return gn_probe_submit(
        b->probe,
        &(struct gn_probe_request){.path = path, .instance = build, .start_timeout_ms = 60000},
        on_done, w);
}

static void set_true(void *arg)
{
    *(bool *)arg = true;
}

static void bench_close(struct bench *b)
{
    bool closed = false;
    gn_probe_close(b->probe, set_true, &closed);
    uv_run(&b->uv, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&b->uv), 0);
    gn_buf_release(&b->log);
}

Test(probe, one_that_dies_does_not_take_the_others_along)
{
    static const char *const builds[] = {"swap1",          "bad_start_crash", "swap2",
                                         "bad_start_exit", "bad_start_fail",  "other"};
    struct bench b;
    struct want wants[GN_COUNT(builds)];
    bench_open(&b);
    for (size_t i = 0; i < GN_COUNT(builds); i++)
        submit(&b, &wants[i], builds[i]);
    while (b.done < (int)GN_COUNT(builds))
        uv_run(&b.uv, UV_RUN_ONCE);
    const char *log = gn_buf_str(&b.log);
    cr_assert(strstr(log, "swap1: ok\n"), "%s", log);
    cr_assert(strstr(log, "swap2: ok\n"), "%s", log);
    cr_assert(strstr(log, "other: ok\n"), "%s", log);
    cr_assert(strstr(log, "bad_start_crash: crashes in start: Segmentation fault"), "%s", log);
    cr_assert(strstr(log, "last words"), "%s", log);
    cr_assert(strstr(log, "bad_start_exit: ends the process in start: exit status 7"), "%s", log);
    cr_assert(strstr(log, "bad_start_fail: start failed: the database is not there"), "%s", log);
    bench_close(&b);
}

Test(probe, what_is_withdrawn_is_killed_and_not_reported)
{
    struct bench b;
    struct want stuck, other;
    bench_open(&b);
    struct gn_probe_job *job = submit(&b, &stuck, "bad_start_loop");
    for (int i = 0; i < 20; i++)
        uv_run(&b.uv, UV_RUN_NOWAIT);
    submit(&b, &other, "swap1");
    gn_probe_withdraw(b.probe, job);
    while (b.done < 1)
        uv_run(&b.uv, UV_RUN_ONCE);
    cr_assert_str_eq(gn_buf_str(&b.log), "swap1: ok\n");
    bench_close(&b);
}

Test(probe, closing_kills_the_child)
{
    struct bench b;
    struct want stuck;
    bench_open(&b);
    submit(&b, &stuck, "bad_constructor_loop");
    for (int i = 0; i < 20; i++)
        uv_run(&b.uv, UV_RUN_NOWAIT);
    bench_close(&b); /* would not return otherwise */
}

Test(probe, a_child_without_a_parent_ends)
{
    cr_assert_neq(system(SELF_EXE " --probe 1 3>/dev/null </dev/null"), 0);
}
