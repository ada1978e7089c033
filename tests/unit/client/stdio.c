/* Unit tests of the stdio transport, within the program that it is part of: its signals, its loop,
 * handlers that close the client. What programs do wrong is in tests/e2e. */
#include "stdio_internal.h"

#include "internal.h"

#include "support.h"

#include "util/clock.h"
#include "util/str.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

GN_SUITE(client_stdio);

#define DISCOVER                                                                                   \
    "read -r line; echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\","   \
    "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"ttlMs\":0,"          \
    "\"cacheScope\":\"private\"}}'; "
#define ANSWER(id)                                                                                 \
    "read -r line; echo '{\"jsonrpc\":\"2.0\",\"id\":" #id                                         \
    ",\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}}'; "

enum place { NOWHERE, IN_STATE, IN_STDERR, IN_NOTE, IN_MESSAGE, IN_DONE };

static uv_loop_t loop;
static gantry_client *client;
static enum place close_in; /* the handler in which the client is closed */
static gantry_request *free_in_note;
static unsigned closed, done;
static gantry_client_status last_status;
static char words[4096];
static uint32_t retries;
static size_t max_message;

static void on_closed(void *arg)
{
    (void)arg;
    closed++;
}

static void at(enum place place)
{
    if (close_in != place)
        return;
    close_in = NOWHERE;
    gantry_client_close(client, on_closed, NULL);
}

static void on_state(gantry_client *c, gantry_client_state state, void *arg)
{
    (void)c, (void)arg;
    if (state == GANTRY_STATE_READY)
        at(IN_STATE);
}

static void on_stderr(gantry_client *c, const char *line, size_t size, void *arg)
{
    (void)c, (void)arg;
    size_t used = strlen(words);
    snprintf(words + used, sizeof(words) - used, "%.*s\n", (int)size, line);
    at(IN_STDERR);
}

static void on_note(gantry_client *c, const char *text, void *arg)
{
    (void)c, (void)text, (void)arg;
    gantry_request_free(free_in_note);
    free_in_note = NULL;
    at(IN_NOTE);
}

static void on_message(gantry_client *c, bool is_outgoing, const char *json, size_t size, void *arg)
{
    (void)c, (void)json, (void)size, (void)arg;
    if (!is_outgoing)
        at(IN_MESSAGE);
}

static void on_done(gantry_request *r, void *arg)
{
    (void)arg;
    done++;
    last_status = gantry_request_status(r);
    at(IN_DONE);
}

static void setup(void)
{
    cr_assert_eq(uv_loop_init(&loop), 0);
}

static gantry_client *shell(uv_loop_t *on, const char *script)
{
    const char *const command[] = {"sh", "-c", script, NULL};
    gantry_client_error err;
    gantry_client *c = gantry_client_new(
        GANTRY_CLIENT_OPTIONS(.command = command, .loop = on, .backoff_ms = 1, .retries = retries,
                              .max_message = max_message,
                              .handlers = GANTRY_CLIENT_HANDLERS(.on_state = on_state,
                                                                 .on_stderr = on_stderr,
                                                                 .on_note = on_note,
                                                                 .on_message = on_message)),
        &err);
    cr_assert(c, "%s", err.message);
    return c;
}

static void call(gantry_client *c)
{
    gantry_client_call_tool(c, "x", NULL, GANTRY_REQUEST_OPTIONS(.on_done = on_done));
}

/* Nothing is left of it on the loop, and of its program. */
static void finish(void)
{
    cr_assert_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    cr_assert_eq(uv_loop_close(&loop), 0);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_assert_eq(errno, ECHILD);
}

Test(client_stdio, answers_on_the_loop_of_the_program_it_is_part_of, .init = setup)
{
    close_in = IN_DONE;
    client = shell(&loop, DISCOVER ANSWER(2) "read -r line; echo bye >&2");
    call(client);
    finish();
    cr_assert_eq(done, 1);
    cr_assert_eq(closed, 1);
    cr_assert_eq(last_status, GANTRY_CLIENT_OK);
    cr_assert_str_eq(words, "bye\n"); /* it said that after its input had ended */
}

Test(client_stdio, several_clients_share_a_loop, .init = setup)
{
    gantry_client *clients[8];
    for (size_t i = 0; i < GN_COUNT(clients); i++) {
        clients[i] = shell(&loop, DISCOVER ANSWER(2) "read -r line");
        call(clients[i]);
    }
    while (done < GN_COUNT(clients))
        uv_run(&loop, UV_RUN_ONCE);
    for (size_t i = 0; i < GN_COUNT(clients); i++)
        gantry_client_close(clients[i], on_closed, NULL);
    finish();
    cr_assert_eq(closed, GN_COUNT(clients));
}

Test(client_stdio, a_client_of_its_own_loop_waits_and_closes)
{
    client = shell(NULL, DISCOVER ANSWER(2) "read -r line; echo bye >&2");
    gantry_request *r = gantry_client_call_tool(client, "x", NULL, NULL);
    cr_assert_eq(gantry_request_wait(r), GANTRY_CLIENT_OK);
    cr_assert_str_eq(gantry_request_text(r), "hi");
    gantry_request_free(r);
    gantry_client_close(client, NULL, NULL);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_assert_str_eq(words, "bye\n");
}

Test(client_stdio, leaves_the_signals_of_the_program_alone, .init = setup)
{
    struct sigaction before[NSIG] = {0}, after = {0};
    sigset_t mask_before, mask_after;
    for (int i = 1; i < NSIG; i++)
        sigaction(i, NULL, &before[i]);
    pthread_sigmask(SIG_BLOCK, NULL, &mask_before);
    close_in = IN_DONE;
    retries = GANTRY_CLIENT_NONE;
    client = shell(&loop, DISCOVER "exec <&-; sleep 600"); /* what is written to it is EPIPE */
    call(client);
    gantry_client_hurry(client);
    finish();
    cr_assert_eq(last_status, GANTRY_CLIENT_CONNECTION);
    pthread_sigmask(SIG_BLOCK, NULL, &mask_after);
    for (int i = 1; i < NSIG; i++) {
        sigaction(i, NULL, &after);
        cr_assert(before[i].sa_handler == after.sa_handler, "signal %d", i);
        cr_assert_eq(sigismember(&mask_before, i), sigismember(&mask_after, i), "signal %d", i);
    }
}

Test(client_stdio, works_where_children_are_not_waited_for, .init = setup)
{
    signal(SIGCHLD, SIG_IGN);
    close_in = IN_DONE;
    client = shell(&loop, DISCOVER ANSWER(2) "read -r line");
    call(client);
    finish();
    cr_assert_eq(last_status, GANTRY_CLIENT_OK);
}

/* ---------------------------------------------------------------- closing at odd moments */

Test(client_stdio, closes_before_the_loop_has_run, .init = setup)
{
    client = shell(&loop, DISCOVER "read -r line");
    call(client);
    gantry_client_close(client, on_closed, NULL);
    finish();
    cr_assert_eq(closed, 1);
    cr_assert_eq(last_status, GANTRY_CLIENT_CANCELLED);
}

Test(client_stdio, closes_before_anything_was_asked, .init = setup)
{
    client = shell(&loop, "exit 0");
    gantry_client_close(client, on_closed, NULL);
    finish();
    cr_assert_eq(closed, 1);
}

Test(client_stdio, closes_from_within_handlers)
{
    static const enum place places[] = {IN_STATE, IN_STDERR, IN_NOTE, IN_MESSAGE, IN_DONE};
    static const char *const scripts[] = {
        "echo one >&2; echo two >&2; echo nonsense; echo more; " DISCOVER ANSWER(2) "read -r line",
        "echo one >&2; echo nonsense; echo more; exit 3",
    };
    for (size_t i = 0; i < GN_COUNT(places) * GN_COUNT(scripts); i++) {
        setup();
        closed = 0;
        close_in = places[i % GN_COUNT(places)];
        client = shell(&loop, scripts[i / GN_COUNT(places)]);
        call(client);
        while (close_in != NOWHERE && done == 0)
            uv_run(&loop, UV_RUN_ONCE);
        if (close_in != NOWHERE)
            at(close_in);
        finish();
        cr_assert_eq(closed, 1);
        done = 0;
    }
}

Test(client_stdio, a_request_may_be_freed_as_its_connection_is_lost, .init = setup)
{
    client = shell(&loop, DISCOVER "read -r line; exit 3");
    gantry_request *r = gantry_client_list(client, GANTRY_LIST_TOOLS, NULL);
    free_in_note = r; /* a note tells that it is sent again */
    while (free_in_note && !gantry_request_is_done(r))
        uv_run(&loop, UV_RUN_ONCE);
    cr_assert_null(free_in_note, "%s", free_in_note ? gantry_request_message(free_in_note) : "");
    gantry_client_close(client, on_closed, NULL);
    finish();
    cr_assert_eq(closed, 1);
}

Test(client_stdio, hurries_while_it_closes, .init = setup)
{
    client = shell(&loop, "trap '' TERM; " DISCOVER "while :; do sleep 0.1; done");
    gantry_client_connect(client, GANTRY_REQUEST_OPTIONS(.on_done = on_done));
    while (done == 0)
        uv_run(&loop, UV_RUN_ONCE);
    gantry_client_close(client, on_closed, NULL);
    gantry_client_hurry(client);
    finish();
    cr_assert_eq(closed, 1);
}

Test(client_stdio, kills_at_once_who_is_hurried_twice, .init = setup)
{
    client = shell(&loop, "trap '' TERM; " DISCOVER "while :; do sleep 0.1; done");
    gantry_client_connect(client, GANTRY_REQUEST_OPTIONS(.on_done = on_done));
    while (done == 0)
        uv_run(&loop, UV_RUN_ONCE);
    gantry_client_hurry(client);
    gantry_client_close(client, on_closed, NULL);
    struct gn_stdio *s = GN_CONTAINER(GN_CONTAINER(client->old_links.next, struct gn_link, node),
                                      struct gn_stdio, link);
    cr_assert_lt(s->stage, GN_STDIO_KILLED);
    gantry_client_hurry(client);
    cr_assert_eq(s->stage, GN_STDIO_KILLED);
    finish();
    cr_assert_eq(closed, 1);
}

Test(client_stdio, what_was_sent_last_arrives_before_the_end, .init = setup)
{
    client = shell(&loop, DISCOVER "read -r line; echo \"$line\" | tr -d '\"{}' >&2");
    gantry_client_connect(client, GANTRY_REQUEST_OPTIONS(.on_done = on_done));
    while (done == 0)
        uv_run(&loop, UV_RUN_ONCE);
    gantry_client_notify(client, "notifications/custom", "{\"a\": 1}");
    gantry_client_close(client, on_closed, NULL);
    finish();
    cr_assert(strstr(words, "notifications/custom"), "%s", words);
}

Test(client_stdio, what_is_said_to_who_does_not_read_has_an_end, .init = setup)
{
    static char params[900000];
    memset(params, ' ', sizeof(params) - 1);
    params[0] = '{';
    params[sizeof(params) - 2] = '}';
    max_message = (size_t)1 << 20;
    client = shell(&loop, DISCOVER "sleep 600");
    gantry_client_connect(client, GANTRY_REQUEST_OPTIONS(.on_done = on_done));
    while (done == 0)
        uv_run(&loop, UV_RUN_ONCE);
    gantry_client_hurry(client);
    for (int i = 0; i < 1000 && gantry_client_get_state(client) == GANTRY_STATE_READY; i++) {
        cr_assert(i < 100, "it takes everything");
        gantry_client_notify(client, "notifications/custom", params);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    gantry_client_close(client, on_closed, NULL);
    finish();
}
