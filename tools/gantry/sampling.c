/* sampling.c - questions to a model, answered by a command: it reads a CreateMessageRequest's
 * params as JSON and prints a CreateMessageResult, or plain text.
 *
 * The command runs in a session of its own, so that all it has started can be ended with it. */
#include "target.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/jsonrpc.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)16 << 20)
#define MODEL "sampling-command" /* what says nothing of itself is called */

struct gn_sampler {
    struct gn_sampler *next;
    struct gn_target *target;
    gantry_question *question; /* NULL: it is answered */
    uv_process_t process;
    uv_pipe_t input, output;
    uv_write_t write;
    uv_timer_t patience; /* nobody else ends a command that hangs: a call waits for its questions */
    char *params;
    struct gn_buf answer;
    unsigned open_handles;
    bool is_running, has_all; /* the process; of what it prints */
    int64_t exit_status;
    int exit_signal;
};

/* ---------------------------------------------------------------- the end */

static void on_handle_closed(uv_handle_t *handle)
{
    struct gn_sampler *s = handle->data, **at;
    if (--s->open_handles > 0)
        return;
    for (at = &s->target->samplings; *at != s;)
        at = &(*at)->next;
    *at = s->next;
    gn_buf_release(&s->answer);
    gantry_client_free(s->params);
    gn_free(s);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void fail(struct gn_sampler *s, const char *fmt, ...) GN_PRINTF(2, 3);

static void fail(struct gn_sampler *s, const char *fmt, ...)
{
    gantry_question *question = s->question;
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    if (!question)
        return;
    s->question = NULL;
    if (!gantry_question_is_gone(question)) {
        gn_person_clear(s->target->person);
        gn_cli_fail(s->target->cli, 0, "option --sampling-command: %s", text);
    }
    GN_AUTO_FREE char *told = gn_format("the command that answers for a model: %s", text);
    gantry_question_fail(question, GN_RPC_INTERNAL_ERROR, told);
}

static void finish(struct gn_sampler *s);

/* What was started ends, whatever it is doing: also what the command left behind. */
static void stop(struct gn_sampler *s)
{
    if (s->process.pid > 1 && (s->is_running || !s->has_all))
        kill(-s->process.pid, SIGKILL);
    close_handle((uv_handle_t *)&s->input);
    close_handle((uv_handle_t *)&s->output);
    s->has_all = true; /* nobody reads it any more */
    finish(s);
}

/* A CreateMessageResult; what it does not say of itself is added. False: it is none. */
static bool answer_result(struct gn_sampler *s)
{
    gantry_client_error err;
    json_t *result = json_loadb(gn_buf_str(&s->answer), s->answer.len, 0, NULL);
    if (!json_object_get(result, "content")) {
        json_decref(result);
        return false;
    }
    if (!json_object_get(result, "role"))
        json_object_set_new(result, "role", json_string("assistant"));
    if (!json_object_get(result, "model"))
        json_object_set_new(result, "model", json_string(MODEL));
    char *text = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(result);
    gantry_question *question = s->question;
    if (gantry_question_answer(question, text, &err) == GANTRY_CLIENT_OK)
        s->question = NULL;
    else
        fail(s, "its answer is not right: %s", err.message);
    free(text);
    return true;
}

static void answer(struct gn_sampler *s)
{
    const char *text = gn_buf_str(&s->answer);
    size_t len = s->answer.len;
    if (answer_result(s))
        return;
    if (!gn_utf8_valid(text, len) || memchr(text, '\0', len)) {
        fail(s, "its answer is not text in UTF-8");
        return;
    }
    if (len > 0 && text[len - 1] == '\n')
        gn_buf_cut(&s->answer, len - 1);
    gantry_question *question = s->question;
    s->question = NULL;
    gantry_question_say(question, MODEL, gn_buf_str(&s->answer));
}

static void finish(struct gn_sampler *s)
{
    if (s->is_running || !s->has_all)
        return;
    if (!s->question)
        ;
    else if (s->answer.overflow)
        fail(s, "its answer is larger than %zu bytes", ANSWER_MAX);
    else if (s->exit_signal)
        fail(s, "it was ended by signal %d", s->exit_signal);
    else if (s->exit_status)
        fail(s, "it ended with exit code %lld", (long long)s->exit_status);
    else
        answer(s);
    close_handle((uv_handle_t *)&s->input);
    close_handle((uv_handle_t *)&s->output);
    close_handle((uv_handle_t *)&s->patience);
    close_handle((uv_handle_t *)&s->process);
}

/* ---------------------------------------------------------------- what the command does */

static void on_exit_of(uv_process_t *process, int64_t status, int number)
{
    struct gn_sampler *s = process->data;
    s->is_running = false;
    s->exit_status = status;
    s->exit_signal = number;
    finish(s);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct gn_sampler *s = handle->data;
    size_t size = GN_MIN(suggested, (size_t)65536);
    char *room = gn_buf_reserve(&s->answer, size);
    *ret = uv_buf_init(room, room ? (unsigned)size : 0);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct gn_sampler *s = stream->data;
    (void)buf;
    if (n > 0) {
        s->answer.len += (size_t)n;
        s->answer.data[s->answer.len] = '\0';
    } else if (n < 0) {
        uv_read_stop(stream);
        s->has_all = true;
        if (s->answer.overflow)
            stop(s);
        finish(s);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct gn_sampler *s = write->data;
    (void)status; /* a command need not read what it is asked */
    close_handle((uv_handle_t *)&s->input);
}

static void on_gone(gantry_question *question, void *arg)
{
    struct gn_sampler *s = arg;
    (void)question;
    fail(s, "nobody waits for the answer");
    stop(s);
}

static void on_time(uv_timer_t *timer)
{
    struct gn_sampler *s = timer->data;
    fail(s, "it did not answer in time (%u ms; --timeout)", s->target->timeout_ms);
    stop(s);
}

static int spawn(struct gn_sampler *s)
{
    static char shell[] = "/bin/sh", flag[] = "-c";
    char *argv[] = {shell, flag, (char *)(uintptr_t)s->target->sampling_command, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&s->input},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&s->output},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    uv_process_options_t options = {
        .exit_cb = on_exit_of,
        .file = shell,
        .args = argv,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = (int)GN_COUNT(stdio),
        .stdio = stdio,
    };
    return uv_spawn(&s->target->loop, &s->process, &options);
}

static void begin(struct gn_target *t, gantry_question *question, const gantry_json *params)
{
    struct gn_sampler *s = gn_calloc(1, sizeof(*s));
    s->target = t;
    s->question = question;
    s->answer = GN_BUF_INIT(ANSWER_MAX);
    s->params = gantry_read_print(params);
    s->next = t->samplings;
    t->samplings = s;
    uv_pipe_init(&t->loop, &s->input, 0);
    uv_pipe_init(&t->loop, &s->output, 0);
    uv_timer_init(&t->loop, &s->patience);
    s->process.data = s->input.data = s->output.data = s->write.data = s->patience.data = s;
    s->open_handles = 4;
    int rc = spawn(s);
    if (rc) {
        fail(s, "it cannot be started: %s", uv_strerror(rc));
        s->has_all = true;
        finish(s);
        return;
    }
    s->is_running = true;
    uv_timer_start(&s->patience, on_time, t->timeout_ms, 0);
    gantry_question_on_gone(question, on_gone, s);
    uv_buf_t text = uv_buf_init(s->params, (unsigned)strlen(s->params));
    uv_write(&s->write, (uv_stream_t *)&s->input, &text, 1, on_written);
    uv_read_start((uv_stream_t *)&s->output, on_room, on_output);
}

static void on_confirmed(gantry_question *question, bool yes, void *arg)
{
    if (yes)
        begin(arg, question, gantry_question_params(question));
    else
        gantry_question_fail(question, -1, NULL);
}

/* ---------------------------------------------------------------- interface */

void gn_sampler_begin(struct gn_target *t, gantry_question *question, const gantry_json *params)
{
    if (t->samples_unasked || t->output != GN_OUTPUT_TEXT || !gn_person_can_answer())
        begin(t, question, params);
    else
        gn_person_confirm_sampling(t->person, question, params, on_confirmed, t);
}

void gn_sampler_stop(struct gn_target *t)
{
    for (struct gn_sampler *s = t->samplings; s; s = s->next) {
        fail(s, "nobody waits for the answer");
        stop(s);
    }
}
