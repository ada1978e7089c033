/* target.c - connecting, waiting, signals, lists. */
#include "target.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/jsonrpc.h"

#include <signal.h>
#include <stdio_ext.h>
#include <string.h>

static const int signal_numbers[GN_TARGET_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

/* ---------------------------------------------------------------- signals
 *
 * Those that would end the process end the waiting first, so that the server is told, and a program
 * that was started and a session that was opened are ended, too. The second one ends it at once. */

static void stop_signals(struct gn_target *t)
{
    for (size_t i = 0; i < GN_COUNT(t->signals); i++)
        uv_signal_stop(&t->signals[i]);
}

/* What is printed may find nobody who reads it: then a signal ends the process at once. While a
 * program that was started runs they are held all the time: it would be left behind. */
static void let_signals(struct gn_target *t)
{
    sigset_t all, before;
    if (t->has_program)
        return;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    uv_run(&t->loop, UV_RUN_NOWAIT); /* one that has come already is not to be lost */
    if (!t->stopped_by)
        stop_signals(t);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void on_signal(uv_signal_t *uv, int number)
{
    struct gn_target *t = uv->data;
    if (t->stopped_by) {
        gn_person_clear(t->person);
        if (t->client && !t->words_of_program.is_ending)
            gantry_client_close(t->client, NULL, NULL);
        if (t->client)
            gantry_client_hurry(t->client); /* no program outlives us */
        stop_signals(t);
        raise(number);
        return;
    }
    t->stopped_by = number;
    gantry_client_hurry(t->client);
    if (t->current)
        gantry_request_cancel(t->current, "interrupted");
}

/* What is ignored stays so (nohup). A write that waits for its reader is ended by a signal. */
static void hold_signals(struct gn_target *t)
{
    for (size_t i = 0; i < GN_COUNT(t->signals); i++) {
        struct sigaction action;
        int number = signal_numbers[i];
        if (uv_is_active((uv_handle_t *)&t->signals[i]) || sigaction(number, NULL, &action) ||
            action.sa_handler != SIG_DFL)
            continue;
        uv_signal_start(&t->signals[i], on_signal, number);
        if (sigaction(number, NULL, &action) == 0) {
            action.sa_flags &= ~SA_RESTART;
            sigaction(number, &action, NULL);
        }
    }
}

/* ---------------------------------------------------------------- waiting */

static void open_loop(struct gn_target *t)
{
    gn_assert(uv_loop_init(&t->loop) == 0);
    t->has_loop = true;
    for (size_t i = 0; i < GN_COUNT(t->signals); i++) {
        uv_signal_init(&t->loop, &t->signals[i]);
        t->signals[i].data = t;
    }
}

static void close_loop(struct gn_target *t)
{
    if (!t->has_loop)
        return;
    for (size_t i = 0; i < GN_COUNT(t->signals); i++)
        uv_close((uv_handle_t *)&t->signals[i], NULL);
    while (uv_loop_close(&t->loop) == UV_EBUSY)
        uv_run(&t->loop, UV_RUN_ONCE);
    t->has_loop = false;
}

static void wait_for(struct gn_target *t, gantry_request *r)
{
    t->current = r;
    hold_signals(t);
    if (t->stopped_by)
        gantry_request_cancel(r, "interrupted");
    while (!gantry_request_is_done(r))
        uv_run(&t->loop, UV_RUN_ONCE);
    t->current = NULL;
    let_signals(t);
    gn_person_over(t->person);
}

int gn_target_wait(struct gn_target *t, gantry_request *r)
{
    wait_for(t, r);
    switch (gantry_request_status(r)) {
    case GANTRY_CLIENT_OK:
        return GN_EXIT_OK;
    case GANTRY_CLIENT_TOOL_ERROR:
        return GN_EXIT_FAILED;
    default:
        t->failed = true;
        return gn_events_failed(t, r);
    }
}

int gn_target_take(struct gn_target *t, gantry_request *r, json_t **ret_result)
{
    int rc = gn_target_wait(t, r);
    *ret_result = gn_json_to_jansson(gantry_request_result(r));
    if (!*ret_result && rc <= GN_EXIT_FAILED) {
        rc = gn_events_fail(t, GANTRY_CLIENT_PROTOCOL,
                            "the server's answer holds a number that is too big");
    }
    gantry_request_free(r);
    return rc;
}

static void on_time(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
    uv_stop(timer->loop); /* which would wait for something else before it returns */
}

static void on_timer_closed(uv_handle_t *timer)
{
    *(bool *)timer->data = true;
}

bool gn_target_idle(struct gn_target *t, uint32_t ms, const bool *until)
{
    uv_timer_t timer;
    bool is_over = false, is_closed = false;
    hold_signals(t);
    uv_timer_init(&t->loop, &timer);
    timer.data = &is_over;
    if (ms != GANTRY_CLIENT_NONE)
        uv_timer_start(&timer, on_time, ms, 0);
    while (!is_over && !t->stopped_by && !(until && *until))
        uv_run(&t->loop, UV_RUN_ONCE);
    timer.data = &is_closed;
    uv_close((uv_handle_t *)&timer, on_timer_closed);
    while (!is_closed)
        uv_run(&t->loop, UV_RUN_NOWAIT);
    return !t->stopped_by && !(until && *until);
}

/* ---------------------------------------------------------------- opening and closing */

static int connect_to(struct gn_target *t)
{
    gantry_request *r = gantry_client_connect(
        t->client, GANTRY_REQUEST_OPTIONS(.timeout_ms = GANTRY_CLIENT_NONE));
    int rc = gn_target_wait(t, r);
    gantry_request_free(r);
    return rc;
}

static int make_client(struct gn_target *t, const gantry_client_options *given)
{
    gantry_client_handlers handlers = {.size = sizeof(handlers)};
    gantry_client_options o = *given;
    gantry_client_error err;
    gn_events_handlers(t, &handlers);
    o.loop = &t->loop;
    o.handlers = &handlers;
    o.arg = t;
    t->client = gantry_client_new(&o, &err);
    if (t->client)
        return 0;
    GN_AUTO_FREE char *message = gn_target_message(err.message);
    return gn_cli_usage(t->cli, "%s", message);
}

int gn_target_open(struct gn_target *t, const struct gn_cli *cli, const struct gn_cli_args *args,
                   size_t words, const char *what)
{
    gantry_client_options o = {.size = sizeof(o)};
    t->cli = cli;
    t->args = args;
    gn_words_init(&t->words_of_program, gn_cli_has(args, "verbose"));
    open_loop(t);
    t->person = gn_person_new(&(struct gn_person_options){
        .cli = cli,
        .loop = &t->loop,
        .who = args->tail ? args->tail[0] : args->words[0],
        .verbose = gn_cli_has(args, "verbose"),
    });
    int rc = gn_target_options(t, &o);
    if (!rc && t->word_count < words)
        rc = gn_cli_usage(cli, "needs %s", what);
    if (!rc)
        rc = make_client(t, &o);
    if (!rc)
        rc = connect_to(t);
    if (rc)
        gn_target_close(t);
    return rc;
}

static void on_closed(void *arg)
{
    ((struct gn_target *)arg)->is_closed = true;
}

static void close_client(struct gn_target *t)
{
    hold_signals(t);
    t->words_of_program.is_ending = true;
    gantry_client_close(t->client, on_closed, t);
    while (!t->is_closed)
        uv_run(&t->loop, UV_RUN_ONCE);
    t->client = NULL;
}

void gn_target_close(struct gn_target *t)
{
    if (ferror(stdout)) /* nobody reads it, or a signal said that this is enough */
        __fpurge(stdout);
    fflush(stdout);
    gn_person_leave(t->person);
    gn_sampler_stop(t);
    if (t->client)
        close_client(t);
    close_loop(t);
    gn_person_free(t->person);
    if (!t->stopped_by)
        gn_words_print(&t->words_of_program, t->failed);
    gn_words_release(&t->words_of_program);
    gn_free(t->last_note);
    gn_target_options_release(t);
    int number = t->stopped_by;
    *t = (struct gn_target){0};
    if (number)
        raise(number);
}

/* ---------------------------------------------------------------- lists, results */

int gn_target_list(struct gn_target *t, gantry_list_kind kind, const char *member,
                   json_t **ret_items)
{
    gantry_request *r = gantry_client_list(t->client, kind, NULL);
    wait_for(t, r);
    gantry_client_status status = gantry_request_status(r);
    /* A server without this kind. */
    if (status == GANTRY_CLIENT_UNSUPPORTED ||
        (status == GANTRY_CLIENT_ERROR &&
         gantry_request_error_code(r) == GN_RPC_METHOD_NOT_FOUND)) {
        gantry_request_free(r);
        *ret_items = json_array();
        return 0;
    }
    json_t *result;
    int rc = gn_target_take(t, r, &result);
    json_t *items = json_object_get(result, member);
    *ret_items = rc ? NULL : json_is_array(items) ? json_incref(items) : json_array();
    json_decref(result);
    return rc;
}

const json_t *gn_target_find(struct gn_target *t, const json_t *items, const char *what,
                             const char *name)
{
    size_t count = json_array_size(items), n = 0;
    const char **names = gn_calloc(count + 1, sizeof(*names));
    const json_t *found = NULL;
    for (size_t i = 0; i < count && !found; i++) {
        const json_t *item = json_array_get(items, i);
        const char *other = json_string_value(json_object_get(item, "name"));
        if (gn_streq(other, name))
            found = item;
        else if (other)
            names[n++] = other;
    }
    if (!found) {
        const char *near = gn_nearest(name, names);
        gn_events_fail(t, GANTRY_CLIENT_UNSUPPORTED, "the server has no %s called \"%s\"%s%s%s",
                       what, name, near ? ", did you mean " : "", near ? near : "",
                       near ? "?" : "");
    }
    gn_free(names);
    return found;
}

bool gn_target_print(const struct gn_target *t, const json_t *result)
{
    if (t->output == GN_OUTPUT_JSON)
        gn_show_json(stdout, result);
    else if (t->output == GN_OUTPUT_JSONL)
        gn_events_print(t, "result", json_pack("{s:O}", "result", (json_t *)(uintptr_t)result));
    return t->output != GN_OUTPUT_TEXT;
}
