/* lines.c - log lines on their way to a client: order, bounds, slow clients. */
#include "call/lines.h"

#include "observe/log.h"
#include "rig.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

GN_SUITE(lines);

/* One client, which takes what it has room for. */
struct client {
    struct rig rig;
    struct gn_log *log;
    int null;
    struct gn_call *call;
    struct gn_buf got; /* what came, one a line: METHOD PARAMS */
    int count;         /* messages that came */
    int tries;         /* messages that were sent or refused */
    int room;          /* messages it takes still; -1: all */
    int should_room;   /* beyond that, for what should not be dropped */
    int refuses;       /* with this code, when there is no room; 0: GN_EBUSY */
    int musts;
    int finished;
};

static int on_notify(struct gn_call *call, const char *method, const char *params, size_t len,
                     enum gn_weight weight)
{
    struct client *c = call->ops_data;
    cr_assert_eq(c->finished, 0, "nothing follows the result");
    c->tries++;
    c->musts += weight == GN_MUST;
    if (c->room == 0 && weight == GN_SHOULD && c->should_room > 0)
        c->should_room--;
    else if (c->room == 0 && weight != GN_MUST)
        return c->refuses ? c->refuses : GN_EBUSY;
    c->room -= c->room > 0;
    c->count++;
    gn_buf_addf(&c->got, "%s %.*s\n", strrchr(method, '/') + 1, (int)len, params);
    return 0;
}

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct client *c = call->ops_data;
    gn_buf_addf(&c->got, "outcome %d\n", (int)outcome);
    __atomic_fetch_add(&c->finished, 1, __ATOMIC_RELAXED);
}

static const struct gn_call_ops ops = {.notify = on_notify, .finished = on_finished};

static void configure(struct client *c, const char *const *settings)
{
    struct gn_config *config = gn_config_new();
    struct gn_error err = {0};
    for (; *settings; settings += 2)
        cr_assert_eq(gn_config_set(config, settings[0], settings[1], &err), 0, "%s", err.text);
    cr_assert_eq(gn_stderr_log_configure(c->log, config, &err), 0);
    gn_config_free(config);
}

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void open_client(struct client *c, const char *const *settings)
{
    memset(c, 0, sizeof *c);
    rig_open(&c->rig);
    c->null = open("/dev/null", O_WRONLY);
    c->log = gn_stderr_log_new(c->null, GN_EMERGENCY, false);
    configure(c, settings);
    c->rig.env.log = c->log;
    c->got = GN_BUF_INIT(16 << 20);
    c->room = -1;
    c->call = gn_call_new(&c->rig.env, &ops, c);
    c->call->revision = GN_REV_LATEST;
    c->call->method = "tools/call";
    c->call->log_level = GN_DEBUG;
}

static void close_client(struct client *c)
{
    gn_call_unref(c->call);
    rig_close(&c->rig);
    gn_stderr_log_free(c->log);
    close(c->null);
    gn_buf_release(&c->got);
}

static void put(struct client *c, enum gn_level level, const char *what)
{
    gn_lines_put(c->call, level, what, strlen(what));
}

static void assert_got(struct client *c, const char *expected)
{
    cr_assert_str_eq(gn_buf_str(&c->got), expected);
    gn_buf_clear(&c->got);
}

static void until_tries(struct client *c, int want)
{
    rig_until(&c->rig, &c->tries, want);
}

#define DROPPED(n, text)                                                                           \
    "message {\"level\":\"warning\",\"logger\":\"gantry\",\"data\":{\"message\":\"" text           \
    " dropped: the client does not read fast enough\",\"context\":{\"dropped\":" #n "}}}\n"

Test(lines, wait_until_the_buffer_is_full)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.buffer_size", "3", "log.client.flush_interval", "60s"));
    put(&c, GN_INFO, "1");
    put(&c, GN_DEBUG, "2");
    assert_got(&c, "");
    put(&c, GN_ERROR, "3");
    assert_got(&c, "message 1\nmessage 2\nmessage 3\n");
    put(&c, GN_INFO, "4");
    assert_got(&c, "");
    cr_assert(gn_lines_flush(c.call));
    assert_got(&c, "message 4\n");
    put(&c, GN_INFO, "5");
    gn_lines_end(c.call);
    assert_got(&c, "message 5\n");
    put(&c, GN_INFO, "after the end");
    cr_assert(gn_lines_flush(c.call));
    assert_got(&c, "");
    close_client(&c);
}

Test(lines, leave_when_the_interval_is_over)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "10ms"));
    put(&c, GN_INFO, "1");
    put(&c, GN_INFO, "2");
    assert_got(&c, "");
    until_tries(&c, 2);
    assert_got(&c, "message 1\nmessage 2\n");
    close_client(&c);
}

Test(lines, leave_at_once_without_an_interval)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "0"));
    put(&c, GN_INFO, "1");
    assert_got(&c, "message 1\n");
    close_client(&c);
}

Test(lines, a_slow_client_gets_them_later_in_order)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "0"));
    c.room = 1;
    put(&c, GN_INFO, "1");
    put(&c, GN_INFO, "2");
    put(&c, GN_ERROR, "3");
    assert_got(&c, "message 1\n");
    cr_assert_not(gn_lines_flush(c.call));
    until_tries(&c, c.tries + 2);
    assert_got(&c, "");
    c.room = -1;
    until_tries(&c, c.tries + 2);
    assert_got(&c, "message 2\nmessage 3\n");
    cr_assert(gn_lines_flush(c.call));
    close_client(&c);
}

Test(lines, the_lowest_level_is_dropped_first_and_the_oldest_of_it)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.max_queue", "4", "log.client.flush_interval", "60s"));
    c.room = 0;
    put(&c, GN_INFO, "info 1");
    put(&c, GN_DEBUG, "debug 1");
    put(&c, GN_ERROR, "error 1");
    put(&c, GN_DEBUG, "debug 2");
    put(&c, GN_WARNING, "warning 1"); /* for debug 1 */
    put(&c, GN_DEBUG, "debug 3");     /* for debug 2 */
    put(&c, GN_INFO, "info 2");       /* for debug 3 */
    put(&c, GN_DEBUG, "debug 4");     /* nothing is lower: itself */
    put(&c, GN_INFO, "info 3");       /* for info 1 */
    put(&c, GN_CRITICAL, "critical"); /* for info 2 */
    c.room = -1;
    cr_assert(gn_lines_flush(c.call));
    assert_got(
        &c,
        DROPPED(
            6,
            "6 log messages were") "message error 1\nmessage warning 1\nmessage info 3\nmessage critical\n");
    put(&c, GN_INFO, "next");
    cr_assert(gn_lines_flush(c.call));
    assert_got(&c, "message next\n");
    close_client(&c);
}

Test(lines, take_no_more_memory_than_they_may)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.max_queue_bytes", "4096", "log.client.flush_interval",
                             "60s", "log.client.buffer_size", "1000"));
    char text[1500];
    memset(text, 'x', sizeof text);
    c.room = 0;
    text[0] = '1', gn_lines_put(c.call, GN_DEBUG, text, sizeof text);
    text[0] = '2', gn_lines_put(c.call, GN_DEBUG, text, sizeof text);
    put(&c, GN_ERROR, "short");
    text[0] = '3', gn_lines_put(c.call, GN_DEBUG, text, sizeof text); /* for 1 */
    GN_AUTO_FREE char *big = gn_calloc(1, 5000);
    gn_lines_put(c.call, GN_EMERGENCY, big, 5000); /* it never fits, and nothing goes for it */
    c.room = -1;
    gn_lines_flush(c.call);
    cr_assert_eq(c.count, 4);
    cr_assert(gn_starts_with(c.got.data, DROPPED(2, "2 log messages were") "message 2xxx"));
    cr_assert(strstr(c.got.data, "\nmessage short\nmessage 3xxx"));
    close_client(&c);
}

Test(lines, the_end_tells_how_many_are_missing)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "60s"));
    c.call->log_level = GN_ERROR; /* it is told all the same, by the level it asked for */
    c.room = 1;
    put(&c, GN_ERROR, "1");
    put(&c, GN_ERROR, "2");
    gn_lines_end(c.call);
    assert_got(&c,
               "message 1\nmessage {\"level\":\"error\",\"logger\":\"gantry\",\"data\":{"
               "\"message\":\"1 log message was dropped: the client does not read fast enough\","
               "\"context\":{\"dropped\":1}}}\n");
    cr_assert_eq(c.musts, 1);
    close_client(&c);
}

Test(lines, the_end_sends_what_it_can_the_highest_of_all_that_was_said)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.max_queue", "3", "log.client.flush_interval", "60s"));
    c.room = 0;
    c.should_room = 3;
    put(&c, GN_ERROR, "1");
    put(&c, GN_DEBUG, "2");
    put(&c, GN_INFO, "3");
    put(&c, GN_ERROR, "4");
    gn_lines_end(c.call);
    assert_got(&c, DROPPED(1, "1 log message was") "message 1\nmessage 3\n" DROPPED(
                       1, "1 log message was"));
    close_client(&c);
}

Test(lines, a_client_that_takes_none_is_not_asked_again)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "0"));
    c.room = 0;
    c.refuses = GN_ENOTSUP;
    put(&c, GN_INFO, "1");
    put(&c, GN_INFO, "2");
    cr_assert(gn_lines_flush(c.call));
    gn_lines_end(c.call);
    cr_assert_eq(c.tries, 1);
    close_client(&c);
}

Test(lines, a_detached_call_sends_none)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "60s"));
    put(&c, GN_INFO, "1");
    gn_call_detach(c.call);
    gn_lines_end(c.call);
    cr_assert_eq(c.tries, 0);
    close_client(&c);
}

/* ---------------------------------------------------------------- from handlers */

static void say(gantry_call *call, enum gn_level level, const char *category,
                const gantry_field *fields, const char *fmt, ...) GN_PRINTF(5, 6);
static void say(gantry_call *call, enum gn_level level, const char *category,
                const gantry_field *fields, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    gn_call_log_with(call, (uint32_t)level, category, fields, fmt, ap);
    va_end(ap);
}

static void run(struct client *c, gantry_run_fn fn, uint32_t flags)
{
    struct gn_component *tool = rig_tool(&c->rig, "tool", fn, flags);
    c->call->component = tool;
    gn_call_start(c->call);
    rig_until(&c->rig, &c->finished, 1);
    while (c->rig.env.running)
        uv_run(&c->rig.uv, UV_RUN_ONCE);
    gn_component_unref(tool);
}

static int interleave(gantry_call *call, const void *in)
{
    (void)in;
    say(call, GN_INFO, NULL, NULL, "one");
    gn_call_progress(call, 1, 3, NULL);
    say(call, GN_INFO, NULL, NULL, "two");
    say(call, GN_INFO, "db", GANTRY_FIELDS("password", "x", "n", 2), "token=%d", 5);
    gn_call_progress(call, 2, 3, NULL);
    gn_call_progress(call, 3, 3, NULL);
    say(call, (enum gn_level)(GN_NOTICE | GANTRY_USER_VISIBLE), NULL, NULL, "three");
    return GANTRY_OK;
}

static void assert_interleaved(uint32_t flags)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "60s"));
    c.call->progress_token = "\"t\"";
    run(&c, interleave, flags);
    assert_got(
        &c,
        "message {\"level\":\"info\",\"logger\":\"test\",\"data\":\"one\"}\n"
        "progress {\"progressToken\":\"t\",\"progress\":1,\"total\":3}\n"
        "message {\"level\":\"info\",\"logger\":\"test\",\"data\":\"two\"}\n"
        "message {\"level\":\"info\",\"logger\":\"db\",\"data\":{\"message\":\"token=[redacted]\","
        "\"context\":{\"password\":\"[redacted]\",\"n\":2}}}\n"
        "progress {\"progressToken\":\"t\",\"progress\":2,\"total\":3}\n"
        "progress {\"progressToken\":\"t\",\"progress\":3,\"total\":3}\n"
        "message {\"level\":\"notice\",\"logger\":\"test\",\"data\":{\"message\":\"three\","
        "\"context\":{},\"user_visible\":true}}\n"
        "outcome 1\n");
    close_client(&c);
}

Test(lines, keep_their_place_among_progress_and_before_the_result)
{
    assert_interleaved(0);
}

Test(lines, of_workers_keep_their_place_too)
{
    assert_interleaved(GANTRY_BLOCKING);
}

Test(lines, are_as_they_were_said_if_nothing_is_to_be_redacted)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.redact", "false"));
    run(&c, interleave, 0);
    cr_assert(
        strstr(gn_buf_str(&c.got), "{\"message\":\"token=5\",\"context\":{\"password\":\"x\""));
    close_client(&c);
}

static int chatter(gantry_call *call, const void *in)
{
    (void)in;
    for (int i = 0; i < 5000; i++)
        say(call, GN_INFO, NULL, NULL, "%d", i);
    return GANTRY_OK;
}

static void assert_all_come(uint32_t flags)
{
    struct client c;
    /* A worker is faster than the loop: nothing is dropped only if all of them may wait. */
    open_client(&c, SETTINGS("log.client.flush_interval", "1ms", "log.client.max_queue", "5000",
                             "log.client.max_queue_bytes", "16MiB"));
    run(&c, chatter, flags);
    const char *at = gn_buf_str(&c.got);
    for (int i = 0; i < 5000; i++) {
        char expected[96];
        snprintf(expected, sizeof expected,
                 "message {\"level\":\"info\",\"logger\":\"test\",\"data\":\"%d\"}\n", i);
        cr_assert(gn_starts_with(at, expected), "%d: %.100s", i, at);
        at += strlen(expected);
    }
    cr_assert_str_eq(at, "outcome 1\n");
    close_client(&c);
}

Test(lines, all_come_if_the_client_reads)
{
    assert_all_come(0);
}

Test(lines, all_of_a_worker_come_if_they_may_wait)
{
    assert_all_come(GANTRY_BLOCKING);
}

static int shout_to_the_deaf(gantry_call *call, const void *in)
{
    (void)in;
    for (int i = 0; i < 100000; i++)
        say(call, i % 1000 ? GN_DEBUG : GN_ERROR, NULL, NULL, "%d", i);
    return GANTRY_OK;
}

static void assert_bounded(uint32_t flags)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "1ms"));
    c.room = 5;
    run(&c, shout_to_the_deaf, flags);
    /* What it took, the count of what it did not, and the result. A worker may have filled the
     * queue before the loop has sent anything: then it is told in between, too. */
    long missing = 0;
    int told = 0;
    static const char mark[] = "\"context\":{\"dropped\":";
    for (const char *at = gn_buf_str(&c.got); (at = strstr(at, mark)); told++) {
        at += strlen(mark);
        missing += strtol(at, NULL, 10);
    }
    cr_assert_eq(missing + c.count - told, 100000, "%ld of %d, %d", missing, c.count, told);
    cr_assert_eq(c.musts, 1);
    cr_assert(gn_ends_with(c.got.data, "}}}\noutcome 1\n"));
    close_client(&c);
}

Test(lines, a_client_that_reads_nothing_costs_lines_and_no_memory)
{
    assert_bounded(0);
}

Test(lines, a_client_that_reads_nothing_does_not_hold_up_a_worker)
{
    assert_bounded(GANTRY_BLOCKING);
}

static int go_on;

static int outlive_the_deadline(gantry_call *call, const void *in)
{
    (void)in;
    for (int i = 0; !__atomic_load_n(&go_on, __ATOMIC_ACQUIRE); i++) {
        if (i < 2000)
            say(call, GN_INFO, NULL, NULL, "%d", i);
        else
            usleep(1000);
    }
    for (int i = 0; i < 200; i++)
        say(call, GN_INFO, NULL, NULL, "too late");
    return GANTRY_OK;
}

Test(lines, nothing_follows_the_answer_at_the_deadline)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "1ms"));
    c.call->timeout_ms = 50;
    struct gn_component *tool = rig_tool(&c.rig, "tool", outlive_the_deadline, GANTRY_BLOCKING);
    c.call->component = tool;
    gn_call_start(c.call);
    rig_until(&c.rig, &c.finished, 1);
    __atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
    while (c.rig.env.running)
        uv_run(&c.rig.uv, UV_RUN_ONCE);
    gn_component_unref(tool);
    cr_assert_null(strstr(gn_buf_str(&c.got), "too late"));
    cr_assert(gn_ends_with(c.got.data, "outcome 6\n"));
    close_client(&c);
}

static int inner(gantry_call *call, const void *in)
{
    (void)in;
    say(call, GN_INFO, NULL, NULL, "inside");
    return rig_say(call, "x");
}

static struct gn_component *inner_tool;

static int outer(gantry_call *call, const void *in)
{
    char text[64];
    (void)in;
    say(call, GN_INFO, NULL, NULL, "before");
    rig_nested(call, inner_tool, text, sizeof text);
    say(call, GN_INFO, NULL, NULL, "behind");
    return GANTRY_OK;
}

static void assert_nested(uint32_t outer_flags, uint32_t inner_flags)
{
    struct client c;
    open_client(&c, SETTINGS("log.client.flush_interval", "60s"));
    inner_tool = rig_tool(&c.rig, "inner", inner, inner_flags);
    run(&c, outer, outer_flags);
    gn_component_unref(inner_tool);
    assert_got(&c, "message {\"level\":\"info\",\"logger\":\"test\",\"data\":\"before\"}\n"
                   "message {\"level\":\"info\",\"logger\":\"test\",\"data\":\"inside\"}\n"
                   "message {\"level\":\"info\",\"logger\":\"test\",\"data\":\"behind\"}\n"
                   "outcome 1\n");
    close_client(&c);
}

Test(lines, of_nested_calls_go_to_the_same_client)
{
    assert_nested(0, 0);
    assert_nested(0, GANTRY_BLOCKING);
    assert_nested(GANTRY_BLOCKING, 0);
    assert_nested(GANTRY_BLOCKING, GANTRY_BLOCKING);
}

static int ask_what_is_wanted(gantry_call *call, const void *in)
{
    bool client;
    (void)in;
    cr_assert_not(gn_call_wants(call, GN_DEBUG, NULL, &client));
    cr_assert_not(client);
    cr_assert_not(gn_call_wants(call, GN_NOTICE, NULL, &client));
    cr_assert(client);
    say(call, GN_INFO, NULL, NULL, "not this");
    say(call, GN_NOTICE, NULL, NULL, "this");
    return GANTRY_OK;
}

Test(lines, below_the_level_of_the_client_are_not_made)
{
    struct client c;
    open_client(&c, SETTINGS("log.level", "emergency"));
    c.call->log_level = GN_NOTICE;
    run(&c, ask_what_is_wanted, 0);
    assert_got(&c, "message {\"level\":\"notice\",\"logger\":\"test\",\"data\":\"this\"}\n"
                   "outcome 1\n");
    close_client(&c);
}
