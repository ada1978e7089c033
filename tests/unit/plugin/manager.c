/* manager.c - loading, replacing and unloading plugins, as their authors and operators do it. */
#include "plugin/plant.h"

#include "util/alloc.h"
#include "util/str.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

GN_SUITE(manager);

/* Answers as this build: plant_ask(...) of swap*.c. */
static bool is_build(struct plant *p, const char *number)
{
    return gn_streq(plant_ask(p, "which", NULL), number);
}

Test(manager, loads_what_is_in_the_folder)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    plant_put(&p, "bad_stuck", "stuck");
    plant_shell(&p, "echo no >.hidden.so; echo no >half.tmp.so; echo no >notes.txt");
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    cr_assert(plant_has(&p, "block"));
    cr_assert_eq(plant_count(&p, NULL, "live"), 2);
    cr_assert_eq(p.loads, 2);
    cr_assert_eq(plant_logged(&p, "error"), 0, "%s", plant_log(&p));
    plant_close(&p);
}

Test(manager, loads_and_unloads_what_comes_and_goes)
{
    struct plant p;
    plant_open(&p);
    plant_start(&p);
    cr_assert_not(plant_has(&p, "which"));
    plant_put(&p, "swap1", "swap");
    UNTIL(&p, plant_has(&p, "which"));
    cr_assert_eq(p.changes, 1);
    plant_remove(&p, "swap");
    UNTIL(&p, !plant_has(&p, "which"));
    cr_assert_eq(p.changes, 2);
    cr_assert_eq(plant_count(&p, NULL, "live"), 0);
    plant_put(&p, "swap1", "swap");
    UNTIL(&p, is_build(&p, "1"));
    cr_assert_eq(plant_generation(&p, "swap"), 2);
    plant_close(&p);
}

/* The ways in which a file gets replaced. FROM and TO are in the environment of the shell. */
static const char *const writers[] = {
    "cp \"$FROM\" \"$TO\"",
    "cp \"$FROM\" swap.so.tmp && mv swap.so.tmp \"$TO\"",
    "install \"$FROM\" \"$TO\"",
    "cp --remove-destination \"$FROM\" \"$TO\"",
    "cp \"$FROM\" sedAbCdEf && mv sedAbCdEf \"$TO\"",
    "cat \"$FROM\" >\"$TO\"",
    "rm \"$TO\" && cp \"$FROM\" \"$TO\"",
    "ln -f \"$FROM\" \"$TO\" 2>/dev/null || cp -f \"$FROM\" \"$TO\"",
    "rm \"$TO\" && ln -s \"$FROM\" \"$TO\"",
    "rm -f \"$TO\" && head -c 9000 \"$FROM\" >\"$TO\" && sleep 0.1 && cp \"$FROM\" \"$TO\"",
};

Test(manager, notices_every_way_of_writing_a_file)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    plant_start(&p);
    for (size_t i = 0; i < GN_COUNT(writers); i++) {
        const char *number = i % 2 ? "1" : "2";
        plant_shell(&p, "FROM='%s/tests/plugins/swap%s.so'; TO=swap.so; %s", TEST_BUILD_DIR, number,
                    writers[i]);
        UNTIL(&p, is_build(&p, number));
        cr_assert_eq(plant_count(&p, "swap", "failed"), 0, "%s: %s", writers[i], plant_log(&p));
    }
    plant_close(&p);
}

Test(manager, same_content_is_not_loaded_again)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    plant_start(&p);
    plant_shell(&p, "touch swap.so; chmod 700 swap.so");
    for (int i = 0; i < 20; i++)
        plant_turn(&p);
    plant_put(&p, "swap1", "swap");
    for (int i = 0; i < 20; i++)
        plant_turn(&p);
    plant_put(&p, "swap2", "swap");
    UNTIL(&p, is_build(&p, "2"));
    cr_assert_eq(plant_generation(&p, "swap"), 2);
    cr_assert_eq(p.loads, 2);
    plant_close(&p);
}

Test(manager, running_calls_end_where_they_began)
{
    struct plant p;
    static struct plant_call calls[50];
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    plant_start(&p);
    for (size_t i = 0; i < GN_COUNT(calls); i++)
        plant_begin(&p, &calls[i], "nap", i % 2 ? "{\"ms\":1500}" : "{\"ms\":100}");
    plant_put(&p, "swap2", "swap");
    UNTIL(&p, is_build(&p, "2"));
    for (size_t i = 0; i < GN_COUNT(calls); i++) {
        plant_end(&p, &calls[i]);
        cr_assert_eq(calls[i].outcome, GN_OUT_RESULT);
        cr_assert_str_eq(calls[i].text, "1");
    }
    UNTIL(&p, plant_count(&p, "swap", "draining") == 0);
    cr_assert_eq(plant_count(&p, "swap", "live"), 1);
    plant_close(&p);
}

static size_t count_fds(void)
{
    size_t count = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        count++;
    closedir(d);
    return count;
}

/* Objects mapped from copies of "swap", each counted once. */
static size_t count_mapped(void)
{
    size_t count = 0;
    char line[1024], last[1024] = "";
    FILE *f = fopen("/proc/self/maps", "re");
    while (f && fgets(line, sizeof(line), f)) {
        const char *at = strstr(line, "/swap-");
        if (at && !gn_streq(at, last)) {
            count++;
            snprintf(last, sizeof(last), "%s", at);
        }
    }
    fclose(f);
    return count;
}

Test(manager, replacing_again_and_again_leaves_nothing_behind)
{
    struct plant p;
    plant_open(&p);
    p.config->state_dir = gn_strdup(gn_test_tmpdir());
    plant_put(&p, "swap1", "swap");
    plant_start(&p);
    size_t fds = 0;
    for (int i = 0; i < 30; i++) {
        plant_put(&p, i % 2 ? "swap1" : "swap2", "swap");
        UNTIL(&p, is_build(&p, i % 2 ? "1" : "2"));
        UNTIL(&p, plant_count(&p, "swap", "draining") == 0);
        if (i == 4)
            fds = count_fds(); /* both have been tried out */
    }
    cr_assert_eq(count_fds(), fds);
    cr_assert_eq(plant_generation(&p, "swap"), 31);
#ifndef GN_SANITIZED
    cr_assert_eq(count_mapped(), 1);
#else
    cr_assert_gt(count_mapped(), 1);
#endif
    GN_AUTO_FREE char *command = gn_format("test $(ls '%s'/*.so | wc -l) = 1", p.config->state_dir);
    cr_assert_eq(system(command), 0, "%s", command);
    plant_close(&p);
}

Test(manager, keeps_serving_when_the_new_file_is_no_good)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    plant_start(&p);
    plant_shell(&p, "head -c 20000 /dev/urandom >.g && mv .g swap.so");
    UNTIL(&p, plant_count(&p, "swap", "failed") == 1);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    cr_assert(strstr(plant_reason(&p, "swap", "failed"), "is not a shared object"));
    cr_assert_eq(plant_logged(&p, "generation 1 stays in service"), 1, "%s", plant_log(&p));
    /* The same again is no news. */
    plant_shell(&p, "touch swap.so");
    UNTIL(&p, p.failed_loads == 2);
    cr_assert_eq(plant_logged(&p, "stays in service"), 1, "%s", plant_log(&p));
    plant_put(&p, "swap2", "swap");
    UNTIL(&p, is_build(&p, "2"));
    cr_assert_eq(plant_count(&p, "swap", "failed"), 0);
    plant_close(&p);
}

Test(manager, overwriting_or_cutting_a_loaded_file_does_no_harm)
{
    struct plant p;
    struct plant_call call;
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    plant_start(&p);
    plant_begin(&p, &call, "nap", "{\"ms\":300}");
    plant_shell(&p, ": >swap.so");
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    UNTIL(&p, plant_count(&p, "swap", "failed") == 1);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    plant_shell(&p, "cat '%s' >swap.so", plant_built("swap1"));
    UNTIL(&p, plant_count(&p, "swap", "failed") == 0);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    cr_assert_eq(plant_generation(&p, "swap"), 1);
    plant_shell(&p, "cat '%s' >swap.so", plant_built("swap2"));
    UNTIL(&p, is_build(&p, "2"));
    plant_end(&p, &call);
    cr_assert_str_eq(call.text, "1");
    plant_close(&p);
}

/* ---------------------------------------------------------------- bad citizens */

static const struct bad {
    const char *build, *says; /* says NULL: it is let in */
} bad_citizens[] = {
    {"bad_undefined", "undefined symbol: nobody_has_this"},
    {"bad_major", "is built for ABI 2; this host speaks ABI 0.9"},
    {"bad_plain", "is not a gantry plugin: it does not export gantry_plugin_v1"},
    {"bad_constructor_crash", "crashes while being loaded (in a constructor?): Segmentation fault"},
    {"bad_constructor_exit", "ends the process while being loaded"},
    {"bad_start_crash", "crashes in start: Segmentation fault"},
    {"bad_start_exit", "ends the process in start: exit status 7"},
    {"bad_start_fail", "start failed: the database is not there"},
    {"bad_start_shrug", "start returned -9 without saying why"},
    {"bad_stop_crash", "crashes in stop: Segmentation fault"},
#ifndef GN_SANITIZED /* nothing is unmapped there */
    {"bad_destructor_crash", "crashes while being unloaded (in a destructor?): Segmentation fault"},
#endif
    {"bad_duplicate", "tool twice is declared twice"},
    {"bad_print", NULL},
    {"bad_bigger", NULL},
};

Test(manager, survives_bad_plugins_with_one_line_each)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    for (size_t i = 0; i < GN_COUNT(bad_citizens); i++)
        plant_put(&p, bad_citizens[i].build, bad_citizens[i].build);
    plant_start(&p);
    for (size_t i = 0; i < GN_COUNT(bad_citizens); i++) {
        const struct bad *b = &bad_citizens[i];
        GN_AUTO_FREE char *line = gn_format("error plugin %s: ", b->build);
        cr_assert_eq(plant_count(&p, b->build, b->says ? "failed" : "live"), 1, "%s: %s", b->build,
                     plant_log(&p));
        cr_assert_eq(plant_logged(&p, line), b->says ? 1 : 0, "%s: %s", b->build, plant_log(&p));
        if (b->says)
            cr_assert(strstr(plant_reason(&p, b->build, "failed"), b->says),
                      "%s: expected \"%s\", got \"%s\"", b->build, b->says,
                      plant_reason(&p, b->build, "failed"));
    }
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    cr_assert_str_eq(plant_ask(&p, "modest", NULL), "fine");
    cr_assert_not(plant_has(&p, "bold"));
    cr_assert_eq(plant_logged(&p, "tool bold: "), 1, "%s", plant_log(&p));
    plant_close(&p);
}

Test(manager, bad_files_are_told_apart)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    plant_shell(&p, "head -c 9000 swap.so >cut.so; : >empty.so; head -c 9000 /dev/zero >zero.so");
    plant_shell(&p,
                "cp swap.so arm.so; printf '\\267' | dd of=arm.so bs=1 seek=18 conv=notrunc 2>&1"
                " | cat >/dev/null");
    plant_shell(&p, "cp swap.so open.so; chmod 666 open.so; mkdir folder.so; mkfifo pipe.so");
    plant_shell(&p, "printf 'int main(void){return 0;}' >m.c; cc -c m.c -o object.so; cc m.c -o "
                    "program.so; touch -d '1 hour ago' *.so");
    plant_start(&p);
    static const struct {
        const char *name, *says;
    } files[] = {
        {"cut", "is incomplete"},
        {"empty", "is empty"},
        {"zero", "is not a shared object"},
        {"arm", "is built for aarch64, 64 bit; this host is x86-64, 64 bit"},
        {"open", "can be written by everybody (chmod o-w"},
        {"folder", "is not a regular file"},
        {"pipe", "is not a regular file"},
        {"object", "is an object file, not a shared object"},
        {"program", "is a program, not a shared object"},
    };
    for (size_t i = 0; i < GN_COUNT(files); i++)
        cr_assert(strstr(plant_reason(&p, files[i].name, "failed"), files[i].says),
                  "%s: expected \"%s\", got \"%s\"", files[i].name, files[i].says,
                  plant_reason(&p, files[i].name, "failed"));
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    cr_assert_eq(plant_logged(&p, "error plugin"), GN_COUNT(files), "%s", plant_log(&p));
    plant_close(&p);
}

Test(manager, a_folder_that_all_may_write_is_refused)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    plant_shell(&p, "chmod 777 .");
    plant_start(&p);
    cr_assert(strstr(plant_reason(&p, "swap", "failed"), "folder"));
    cr_assert(strstr(plant_reason(&p, "swap", "failed"), "can be written by everybody"));
    plant_close(&p);
}

Test(manager, endless_loops_are_found_and_named)
{
    struct plant p;
    plant_open(&p);
    p.config->probe_timeout_ms = 5000;
    plant_put(&p, "bad_constructor_loop", "constructor");
    plant_put(&p, "bad_start_loop", "start");
    plant_put(&p, "swap1", "swap");
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    cr_assert(strstr(plant_reason(&p, "constructor", "failed"),
                     "endless loop or deadlock while being loaded (in a constructor?)"),
              "%s", plant_reason(&p, "constructor", "failed"));
    cr_assert(strstr(plant_reason(&p, "start", "failed"), "endless loop or deadlock in start"),
              "%s", plant_reason(&p, "start", "failed"));
    cr_assert(strstr(plant_reason(&p, "start", "failed"), "last words"), "%s",
              plant_reason(&p, "start", "failed"));
    plant_close(&p);
}

Test(manager, a_start_that_waits_too_long_fails)
{
    struct plant p;
    plant_open(&p);
    p.config->start_timeout_ms = 300;
    plant_put(&p, "bad_start_wait", "wait");
    plant_start(&p);
    cr_assert(
        gn_starts_with(plant_reason(&p, "wait", "failed"), "start did not end within 300 ms"));
    /* The same without a child before it. */
    p.config->probe = false;
    plant_put(&p, "bad_start_wait", "again");
    UNTIL(&p, plant_count(&p, "again", "failed") == 1);
    cr_assert_str_eq(plant_reason(&p, "again", "failed"), "start did not end within 300 ms");
    plant_close(&p);
}

Test(manager, names_are_refused_if_taken_and_given_when_free)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap1", "a");
    plant_put(&p, "other", "b");
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    cr_assert_str_eq(plant_reason(&p, "b", "failed"), "tool which: plugin a has one of that name");
    plant_remove(&p, "a");
    UNTIL(&p, is_build(&p, "other"));
    cr_assert_eq(plant_count(&p, NULL, "failed"), 0);
    plant_close(&p);
}

Test(manager, code_that_cannot_go_is_reported_as_resident)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "bad_unique", "unique");
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "unique", NULL), "1 1");
    plant_remove(&p, "unique");
    UNTIL(&p, plant_count(&p, "unique", "resident") == 1 || plant_count(&p, "unique", "live") == 0);
#ifndef GN_SANITIZED
    UNTIL(&p, plant_count(&p, "unique", "resident") == 1);
#endif
    /* A new one is a new one all the same. */
    plant_put(&p, "bad_unique", "unique");
    UNTIL(&p, plant_has(&p, "unique"));
    plant_close(&p);
}

Test(manager, a_thread_key_left_behind_keeps_the_code)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "bad_key", "key");
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "touch", NULL), "touched");
    plant_remove(&p, "key");
    UNTIL(&p, plant_count(&p, "key", "resident") == 1);
    cr_assert(strstr(plant_reason(&p, "key", "resident"), "thread key"));
    /* The worker threads end in here: their keys' destructor must still be there. */
    plant_close(&p);
}

/* ---------------------------------------------------------------- draining */

Test(manager, calls_of_an_old_generation_are_cancelled_after_a_while)
{
    struct plant p;
    struct plant_call call;
    plant_open(&p);
    p.config->plugin_drain_ms = 100;
    plant_put(&p, "bad_stuck", "stuck");
    plant_start(&p);
    plant_begin(&p, &call, "await", NULL);
    plant_remove(&p, "stuck");
    plant_end(&p, &call);
    cr_assert_eq(call.outcome, GN_OUT_CANCELED);
    UNTIL(&p, plant_count(&p, "stuck", "draining") == 0);
    cr_assert_eq(plant_count(&p, "stuck", "resident"), 0);
    plant_close(&p);
}

Test(manager, a_call_that_does_not_end_keeps_its_generation_and_is_named)
{
    struct plant p;
    struct plant_call call;
    plant_open(&p);
    p.config->plugin_drain_ms = 100;
    plant_put(&p, "bad_stuck", "stuck");
    plant_start(&p);
    GN_AUTO_FREE char *arguments = gn_format("{\"until\":\"%s/go\"}", p.dir);
    plant_begin(&p, &call, "block", arguments);
    plant_put(&p, "swap1", "stuck");
    UNTIL(&p, is_build(&p, "1"));
    UNTIL(&p, plant_count(&p, "stuck", "resident") == 1);
    cr_assert(gn_starts_with(plant_reason(&p, "stuck", "resident"), "stuck/block still running"),
              "%s", plant_reason(&p, "stuck", "resident"));
    cr_assert_eq(plant_logged(&p, "generation 1 of stuck stays loaded: stuck/block"), 1, "%s",
                 plant_log(&p));
    plant_shell(&p, "touch go");
    UNTIL(&p, plant_count(&p, "stuck", "resident") == 0);
    plant_end(&p, &call);
    cr_assert_eq(call.outcome, GN_OUT_CANCELED);
    plant_close(&p);
}

Test(manager, a_handler_that_ignores_its_cancellation_does_not_stop_the_loop)
{
    struct plant p;
    struct plant_call call;
    plant_open(&p);
    p.config->plugin_drain_ms = 100;
    plant_put(&p, "bad_stuck", "stuck");
    plant_start(&p);
    GN_AUTO_FREE char *arguments = gn_format("{\"until\":\"%s/go\"}", p.dir);
    plant_begin(&p, &call, "deaf", arguments);
    plant_put(&p, "swap1", "stuck");
    UNTIL(&p, plant_count(&p, "stuck", "resident") == 1);
    cr_assert_str_eq(plant_ask(&p, "nap", "{\"ms\":20}"), "1");
    plant_shell(&p, "touch go");
    UNTIL(&p, plant_count(&p, "stuck", "resident") == 0);
    plant_end(&p, &call);
    plant_close(&p);
}

Test(manager, closing_abandons_what_does_not_end)
{
    struct plant p;
    struct plant_call call;
    plant_open(&p);
    plant_put(&p, "bad_stuck", "stuck");
    plant_start(&p);
    GN_AUTO_FREE char *arguments = gn_format("{\"until\":\"%s/go\"}", p.dir);
    plant_begin(&p, &call, "block", arguments);
    /* A job that has not begun could be taken back. */
    UNTIL(&p, gn_task_ran(call.call->task));
    plant_stop(&p, 50);
    cr_assert_eq(plant_logged(&p, "generation 1 of stuck is abandoned: stuck/block still runs"), 1,
                 "%s", plant_log(&p));
    plant_shell(&p, "touch go");
    plant_end(&p, &call);
    plant_close(&p);
}

/* ---------------------------------------------------------------- state */

Test(manager, state_is_handed_on)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap4", "swap");
    plant_start(&p);
    for (int i = 0; i < 3; i++)
        plant_ask(&p, "count", NULL);
    plant_put(&p, "swap5", "swap");
    UNTIL(&p, is_build(&p, "5"));
    cr_assert_str_eq(plant_ask(&p, "count", NULL), "4");
    plant_close(&p);
}

Test(manager, a_failing_restore_starts_fresh)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap4", "swap");
    plant_start(&p);
    plant_ask(&p, "count", NULL);
    plant_put(&p, "swap6", "swap");
    UNTIL(&p, is_build(&p, "6"));
    cr_assert_str_eq(plant_ask(&p, "count", NULL), "1");
    cr_assert_eq(plant_logged(&p, "could not restore the state (-1): it starts fresh"), 1, "%s",
                 plant_log(&p));
    plant_close(&p);
}

Test(manager, calls_wait_while_state_is_handed_over)
{
    struct plant p;
    struct plant_call nap, count;
    plant_open(&p);
    plant_put(&p, "swap4", "swap");
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "count", NULL), "1");
    plant_begin(&p, &nap, "nap", "{\"ms\":600}");
    plant_put(&p, "swap5", "swap");
    /* Whenever the handover is, no count is lost: each goes to the old one before its state is
     * saved, or waits for the new one. */
    int64_t counted = 1;
    while (!nap.finished) {
        char expected[24];
        snprintf(expected, sizeof(expected), "%lld", (long long)++counted);
        plant_begin(&p, &count, "count", NULL);
        plant_end(&p, &count);
        cr_assert_str_eq(count.text, expected);
        plant_turn(&p);
    }
    plant_end(&p, &nap);
    cr_assert_str_eq(nap.text, "4");
    UNTIL(&p, is_build(&p, "5"));
    char expected[24];
    snprintf(expected, sizeof(expected), "%lld", (long long)++counted);
    cr_assert_str_eq(plant_ask(&p, "count", NULL), expected);
    plant_close(&p);
}

/* ---------------------------------------------------------------- exclusive */

static void open_exclusive(struct plant *p, const char *build)
{
    plant_open(p);
    GN_AUTO_FREE char *settings = gn_format("{\"lock\":\"%s/lock\"}", p->dir);
    plant_configure(p, "swap", "swap", settings);
    plant_put(p, build, "swap");
    plant_start(p);
}

Test(manager, an_exclusive_plugin_stops_before_its_successor_starts)
{
    struct plant p;
    struct plant_call nap;
    open_exclusive(&p, "swap7");
    cr_assert_str_eq(plant_ask(&p, "count", NULL), "1");
    plant_begin(&p, &nap, "nap", "{\"ms\":400}");
    plant_put(&p, "swap8", "swap");
    /* Calls go on all the time; none fails. */
    while (plant_generation(&p, "swap") == 1) {
        const char *number = plant_ask(&p, "which", NULL);
        cr_assert(gn_streq(number, "7") || gn_streq(number, "8"), "%s", number);
        plant_turn(&p);
    }
    cr_assert(nap.finished);
    plant_end(&p, &nap);
    cr_assert_str_eq(nap.text, "7");
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "8");
    cr_assert_str_eq(plant_ask(&p, "count", NULL), "2");
    cr_assert_eq(plant_logged(&p, "error"), 0, "%s", plant_log(&p));
    plant_close(&p);
}

Test(manager, an_exclusive_plugin_starts_again_if_its_successor_fails)
{
    struct plant p;
    open_exclusive(&p, "swap7");
    plant_put(&p, "swap9", "swap");
    UNTIL(&p, plant_count(&p, "swap", "failed") == 1);
    cr_assert_str_eq(plant_reason(&p, "swap", "failed"), "start failed: version 9 does not start");
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "7");
    plant_put(&p, "swap8", "swap");
    UNTIL(&p, is_build(&p, "8"));
    plant_close(&p);
}

Test(manager, an_exclusive_plugin_that_does_not_start_again_is_taken_out)
{
    struct plant p;
    open_exclusive(&p, "swap10");
    plant_put(&p, "swap9", "swap");
    UNTIL(&p, !plant_has(&p, "which"));
    UNTIL(&p, plant_count(&p, "swap", "failed") == 1);
    cr_assert_eq(plant_logged(&p, "the plugin is out of service"), 1, "%s", plant_log(&p));
    plant_put(&p, "swap8", "swap");
    UNTIL(&p, is_build(&p, "8"));
    plant_close(&p);
}

/* ---------------------------------------------------------------- configuration */

Test(manager, one_file_can_be_two_instances)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "named", "named");
    plant_configure(&p, "named", "cat", "{\"word\":\"meow\"}");
    plant_configure(&p, "named", "dog", "{\"word\":\"wuff\"}");
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "cat_say", NULL), "meow 1");
    cr_assert_str_eq(plant_ask(&p, "cat_say", NULL), "meow 2");
    cr_assert_str_eq(plant_ask(&p, "dog_say", NULL), "wuff 1"); /* globals of its own */
    cr_assert_eq(plant_count(&p, "named", "live"), 0);
    cr_assert_eq(plant_count(&p, NULL, "live"), 2);
    plant_close(&p);
}

Test(manager, changed_settings_reload_only_what_differs)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "named", "named");
    plant_configure(&p, "named", "cat", "{\"word\":\"meow\"}");
    plant_configure(&p, "named", "dog", "{\"word\":\"wuff\"}");
    plant_start(&p);
    json_object_set_new(p.config->instances[0].settings, "word", json_string("purr"));
    gn_plugins_configure(p.plugins, p.config);
    UNTIL(&p, gn_starts_with(plant_ask(&p, "cat_say", NULL), "purr"));
    cr_assert_eq(plant_generation(&p, "cat"), 2);
    cr_assert_eq(plant_generation(&p, "dog"), 1);
    /* Settings that do not fit are refused by name, and the old ones stay. */
    json_object_set_new(p.config->instances[0].settings, "word", json_integer(5));
    gn_plugins_configure(p.plugins, p.config);
    UNTIL(&p, plant_count(&p, "cat", "failed") == 1);
    cr_assert(strstr(plant_reason(&p, "cat", "failed"), "word"), "%s",
              plant_reason(&p, "cat", "failed"));
    cr_assert(gn_starts_with(plant_ask(&p, "cat_say", NULL), "purr"));
    /* Gone from the configuration: unloaded, at once. */
    p.config->instances[1].enabled = false;
    gn_plugins_configure(p.plugins, p.config);
    cr_assert_not(plant_has(&p, "dog_say"));
    plant_close(&p);
}

Test(manager, a_listed_plugin_may_come_later)
{
    struct plant p;
    plant_open(&p);
    plant_configure(&p, "named", "cat", "{\"word\":\"meow\"}");
    plant_start(&p);
    cr_assert_eq(plant_count(&p, "cat", "failed"), 1);
    cr_assert_eq(plant_logged(&p, "there is no such file"), 1, "%s", plant_log(&p));
    plant_put(&p, "named", "named");
    UNTIL(&p, plant_has(&p, "cat_say"));
    cr_assert_eq(plant_count(&p, "cat", "failed"), 0);
    plant_remove(&p, "named");
    UNTIL(&p, !plant_has(&p, "cat_say"));
    cr_assert_eq(plant_count(&p, "cat", "failed"), 1);
    plant_close(&p);
}

Test(manager, a_disabled_instance_hides_its_file)
{
    struct plant p;
    plant_open(&p);
    plant_put(&p, "swap1", "swap");
    plant_configure(&p, "swap", "swap", NULL);
    p.config->instances[0].enabled = false;
    plant_start(&p);
    cr_assert_not(plant_has(&p, "which"));
    p.config->instances[0].enabled = true;
    gn_plugins_configure(p.plugins, p.config);
    UNTIL(&p, is_build(&p, "1"));
    plant_close(&p);
}

Test(manager, single_files_are_watched_too)
{
    struct plant p;
    plant_open(&p);
    const char *elsewhere = gn_test_tmpdir();
    gn_free(p.config->plugin_files);
    p.config->plugin_files = gn_calloc(2, sizeof(char *));
    p.config->plugin_files[0] = gn_format("%s/swap.so", elsewhere);
    plant_shell(&p, "cp '%s' '%s/swap.so'; cp '%s' '%s/ignored.so'", plant_built("swap1"),
                elsewhere, plant_built("other"), elsewhere);
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    cr_assert_eq(plant_count(&p, NULL, "live"), 1);
    plant_shell(&p, "install '%s' '%s/swap.so'", plant_built("swap2"), elsewhere);
    UNTIL(&p, is_build(&p, "2"));
    plant_close(&p);
}

Test(manager, without_watching_a_reload_of_the_configuration_finds_changes)
{
    struct plant p;
    plant_open(&p);
    p.config->watch = false;
    plant_put(&p, "swap1", "swap");
    plant_start(&p);
    plant_put(&p, "swap2", "swap");
    for (int i = 0; i < 30; i++)
        plant_turn(&p);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    gn_plugins_configure(p.plugins, p.config);
    UNTIL(&p, is_build(&p, "2"));
    plant_close(&p);
}

Test(manager, verdicts_are_remembered)
{
    struct plant p;
    plant_open(&p);
    p.config->state_dir = gn_path_join(gn_test_tmpdir(), "deep/state");
    plant_put(&p, "swap1", "swap");
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    plant_stop(&p, 60000);
    /* What is known needs no child: this one could not be started. */
    p.self_exe = "/nonexistent";
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    plant_put(&p, "swap2", "swap");
    UNTIL(&p, plant_count(&p, "swap", "failed") == 1);
    cr_assert(strstr(plant_reason(&p, "swap", "failed"), "/nonexistent"), "%s",
              plant_reason(&p, "swap", "failed"));
    plant_close(&p);
}

Test(manager, works_without_trying_out)
{
    struct plant p;
    plant_open(&p);
    p.config->probe = false;
    p.self_exe = "/nonexistent";
    plant_put(&p, "swap1", "swap");
    plant_put(&p, "bad_undefined", "undefined");
    plant_put(&p, "bad_start_fail", "fails");
    plant_start(&p);
    cr_assert_str_eq(plant_ask(&p, "which", NULL), "1");
    cr_assert_eq(plant_count(&p, NULL, "failed"), 2);
    plant_close(&p);
}

Test(manager, closing_in_the_middle_of_everything_is_clean)
{
    for (int turns = 0; turns < 60; turns += 6) {
        struct plant p;
        plant_open(&p);
        plant_put(&p, "swap1", "swap");
        plant_put(&p, "bad_start_wait", "wait");
        p.config->start_timeout_ms = 100;
        plant_start(&p);
        plant_put(&p, "swap2", "swap");
        for (int i = 0; i < turns; i++)
            plant_turn(&p);
        plant_close(&p);
    }
}
