/* probe.c - the parent's side: the queue, the child, what its end means. */
#include "plugin/probe.h"

#include "plugin/manager.h"
#include "plugin/module.h"
#include "util/alloc.h"
#include "util/list.h"
#include "util/str.h"
#include "json/json.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_MAX 2048 /* bytes of what a plugin prints that are kept */
#define OUTPUT_LINES 4  /* lines of it that go into the message */
#define GRACE_MS 1000   /* after the child's end: for what is still in its pipes */
#define HANDLES 5

const char *const gn_probe_stage_names[GN_STAGES] = {
    [GN_STAGE_NONE] = "",       [GN_STAGE_LOAD] = "load", [GN_STAGE_IMPORT] = "import",
    [GN_STAGE_START] = "start", [GN_STAGE_STOP] = "stop", [GN_STAGE_UNLOAD] = "unload",
};

/* Where it was when something went wrong, for people. */
static const char *const stage_places[GN_STAGES] = {
    [GN_STAGE_NONE] = "before anything is loaded",
    [GN_STAGE_LOAD] = "while being loaded (in a constructor?)",
    [GN_STAGE_IMPORT] = "while its descriptor is being read",
    [GN_STAGE_START] = "in start",
    [GN_STAGE_STOP] = "in stop",
    [GN_STAGE_UNLOAD] = "while being unloaded (in a destructor?)",
};

struct gn_probe_job {
    struct gn_list node;
    struct gn_buf line; /* the request */
    gn_probe_fn on_done;
    void *arg;
    bool again; /* killed a child that had had others before: its second chance */
};

struct child {
    struct gn_probe *probe;
    uv_process_t process;
    uv_pipe_t in, out, result;
    uv_timer_t timer;
    int open; /* handles not closed yet */
    bool exited, result_end, out_end, is_ending, timed_out, first;
    int64_t exit_status;
    int signal;
    enum gn_probe_stage stage;
    struct gn_buf output, answer;
    char chunk[16384];
};

struct gn_probe {
    uv_loop_t *uv;
    char *self_exe;
    uint32_t timeout_ms;
    struct gn_list queue;
    struct gn_probe_job *current;
    struct child *child; /* the one at work; older ones may still be closing */
    uv_timer_t kick;     /* goes on with the queue, from the loop */
    int children;        /* alive, those closing included */
    bool closing, kick_closed;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static void next(struct gn_probe *p);

/* ---------------------------------------------------------------- jobs */

static void job_free(struct gn_probe_job *job)
{
    gn_list_remove(&job->node);
    gn_buf_release(&job->line);
    gn_free(job);
}

static void on_kick(uv_timer_t *timer)
{
    next(timer->data);
}

static void kick(struct gn_probe *p)
{
    if (!p->closing)
        uv_timer_start(&p->kick, on_kick, 0, 0);
}

static void job_done(struct gn_probe *p, const struct gn_probe_result *result,
                     const struct gn_error *err)
{
    struct gn_probe_job *job = p->current;
    gn_probe_fn on_done = job->on_done;
    void *arg = job->arg;
    p->current = NULL;
    job_free(job);
    kick(p);
    on_done(arg, result, err);
}

/* ---------------------------------------------------------------- the end of a child */

static void finish_close(struct gn_probe *p)
{
    if (!p->closing || p->children != 0 || !p->kick_closed)
        return;
    void (*on_closed)(void *arg) = p->on_closed;
    void *arg = p->closed_arg;
    gn_free(p->self_exe);
    gn_free(p);
    if (on_closed)
        on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct child *c = handle->data;
    if (--c->open > 0)
        return;
    struct gn_probe *p = c->probe;
    gn_buf_release(&c->output);
    gn_buf_release(&c->answer);
    gn_free(c);
    p->children--;
    kick(p);
    finish_close(p);
}

static void child_close(struct child *c)
{
    uv_handle_t *handles[HANDLES] = {
        (uv_handle_t *)&c->process, (uv_handle_t *)&c->in,    (uv_handle_t *)&c->out,
        (uv_handle_t *)&c->result,  (uv_handle_t *)&c->timer,
    };
    if (c->probe->child == c)
        c->probe->child = NULL;
    for (size_t i = 0; i < HANDLES; i++)
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], on_handle_closed);
}

/* Its whole process group: what a plugin has started goes with it. */
static void child_kill(struct child *c)
{
    if (!c->exited && c->process.pid > 0)
        kill(-c->process.pid, SIGKILL);
}

static void add_output(const struct child *c, struct gn_buf *text)
{
    const char *at = gn_buf_str(&c->output);
    for (int line = 0; line < OUTPUT_LINES && *at;) {
        size_t len = strcspn(at, "\r\n");
        if (len)
            gn_buf_addf(text, "%s%.*s",
                        line++ ? " | " : "; it printed: ", (int)gn_utf8_cut(at, len, 200), at);
        at += len;
        at += strspn(at, "\r\n");
    }
}

static void explain_end(const struct child *c, struct gn_error *err)
{
    struct gn_buf output = GN_BUF_INIT(OUTPUT_MAX);
    add_output(c, &output);
    const char *place = stage_places[c->stage], *said = gn_buf_str(&output);
    if (c->timed_out)
        gn_error_set(err, GN_ETIMEDOUT,
                     "endless loop or deadlock %s: no sign of life for %u ms (tried in a child "
                     "process)%s",
                     place, c->probe->timeout_ms, said);
    else if (c->signal)
        gn_error_set(err, GN_EINVAL, "crashes %s: %s (tried in a child process)%s", place,
                     strsignal(c->signal), said);
    else
        gn_error_set(err, GN_EINVAL,
                     "ends the process %s: exit status %lld (tried in a child process)%s", place,
                     (long long)c->exit_status, said);
    gn_buf_release(&output);
}

/* The child has ended and its pipes are empty. */
static void child_over(struct child *c)
{
    struct gn_probe *p = c->probe;
    struct gn_probe_job *job = p->child == c ? p->current : NULL;
    bool ended_idle = c->is_ending;
    child_close(c);
    if (!job || p->closing)
        return;
    if (ended_idle || (!c->first && !c->timed_out && !job->again)) {
        /* It was sent after the child had decided to go, or it may not be to blame. */
        job->again = !ended_idle;
        p->current = NULL;
        gn_list_remove(&job->node);
        gn_list_prepend(&p->queue, &job->node);
        kick(p);
        return;
    }
    struct gn_error err = {0};
    explain_end(c, &err);
    job_done(p, NULL, &err);
}

static void on_grace(uv_timer_t *timer)
{
    child_over(timer->data);
}

static void check_over(struct child *c)
{
    if (!c->exited || uv_is_closing((uv_handle_t *)&c->process))
        return;
    if (c->result_end && c->out_end)
        child_over(c);
    else
        uv_timer_start(&c->timer, on_grace, GRACE_MS, 0); /* a grandchild may hold the pipes */
}

static void on_exit_status(uv_process_t *process, int64_t exit_status, int signal)
{
    struct child *c = process->data;
    c->exited = true;
    c->exit_status = exit_status;
    c->signal = signal;
    /* What it started does not outlive it. */
    kill(-process->pid, SIGKILL);
    check_over(c);
}

static void on_timeout(uv_timer_t *timer)
{
    struct child *c = timer->data;
    c->timed_out = true;
    child_kill(c);
}

static void arm(struct child *c)
{
    uv_timer_start(&c->timer, on_timeout, c->probe->timeout_ms, 0);
}

/* ---------------------------------------------------------------- what the child says */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret)
{
    struct child *c = handle->data;
    (void)size;
    *ret = uv_buf_init(c->chunk, sizeof(c->chunk));
}

static void take_answer(struct child *c, const gantry_json *answer)
{
    struct gn_probe *p = c->probe;
    const char *error = gn_json_cstr(gn_json_get(answer, "error"));
    uv_timer_stop(&c->timer);
    c->first = false;
    c->stage = GN_STAGE_NONE;
    /* A child that could not let go of a plugin says so, and goes. */
    bool leaves = false;
    gn_json_bool(gn_json_get(answer, "leaves"), &leaves);
    c->is_ending = leaves;
    struct gn_probe_result result = {0};
    struct gn_buf manifest = GN_BUF_INIT(GN_PROBE_LINE_MAX);
    gn_json_bool(gn_json_get(answer, "leaves_keys"), &result.leaves_keys);
    if (gn_json_get(answer, "manifest") &&
        gn_json_write(&manifest, gn_json_get(answer, "manifest")) == 0) {
        result.manifest = manifest.data;
        result.manifest_len = manifest.len;
    }
    struct gn_error err = {0};
    if (error) {
        struct gn_buf output = GN_BUF_INIT(OUTPUT_MAX);
        add_output(c, &output);
        gn_error_set(&err, GN_EINVAL, "%s%s", error, gn_buf_str(&output));
        gn_buf_release(&output);
    }
    gn_buf_clear(&c->output);
    job_done(p, &result, error ? &err : NULL);
    gn_buf_release(&manifest);
}

static void take_line(struct child *c, const char *line, size_t len)
{
    struct gn_json_doc doc = {0};
    struct gn_error ignored;
    if (gn_json_parse_copy(&doc, line, len, NULL, &ignored) != 0)
        return;
    const gantry_json *root = gn_json_root(&doc);
    const char *stage = gn_json_cstr(gn_json_get(root, "stage"));
    if (stage) {
        for (int i = 1; i < GN_STAGES; i++)
            if (gn_streq(stage, gn_probe_stage_names[i]))
                c->stage = (enum gn_probe_stage)i;
        arm(c);
    } else {
        take_answer(c, root);
    }
    gn_json_release(&doc);
}

static void on_result(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct child *c = stream->data;
    struct gn_probe *p = c->probe;
    if (n < 0) {
        c->result_end = true;
        uv_read_stop(stream);
        check_over(c);
        return;
    }
    if (gn_buf_add(&c->answer, buf->base, (size_t)n) != 0) {
        child_kill(c); /* more than any answer has */
        return;
    }
    for (char *end; p->current && p->child == c &&
                    (end = memchr(gn_buf_str(&c->answer), '\n', c->answer.len));) {
        size_t len = (size_t)(end - c->answer.data);
        take_line(c, c->answer.data, len);
        gn_buf_consume(&c->answer, len + 1);
    }
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct child *c = stream->data;
    if (n < 0) {
        c->out_end = true;
        uv_read_stop(stream);
        check_over(c);
        return;
    }
    size_t room = c->output.max - c->output.len;
    gn_buf_add(&c->output, buf->base, GN_MIN((size_t)n, room)); /* the rest is read and dropped */
}

/* ---------------------------------------------------------------- the child's begin */

static int spawn(struct gn_probe *p, struct child *c)
{
    char parent[24];
    snprintf(parent, sizeof(parent), "%ld", (long)getpid());
    char probe[] = "--probe";
    char *args[] = {p->self_exe, probe, parent, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&c->in},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->result},
    };
    uv_process_options_t options = {
        .file = p->self_exe,
        .args = args,
        .exit_cb = on_exit_status,
        .stdio = stdio,
        .stdio_count = GN_COUNT(stdio),
        .flags = UV_PROCESS_DETACHED, /* a process group of its own */
    };
    int rc = uv_spawn(p->uv, &c->process, &options);
    if (rc)
        c->exited = true;
    else
        rc = uv_read_start((uv_stream_t *)&c->result, on_alloc, on_result);
    return rc ? rc : uv_read_start((uv_stream_t *)&c->out, on_alloc, on_output);
}

static int child_new(struct gn_probe *p)
{
    struct child *c = gn_calloc(1, sizeof(*c));
    c->probe = p;
    c->first = true;
    c->open = HANDLES;
    c->output = GN_BUF_INIT(OUTPUT_MAX);
    c->answer = GN_BUF_INIT(GN_PROBE_LINE_MAX);
    uv_pipe_init(p->uv, &c->in, 0);
    uv_pipe_init(p->uv, &c->out, 0);
    uv_pipe_init(p->uv, &c->result, 0);
    uv_timer_init(p->uv, &c->timer);
    c->in.data = c->out.data = c->result.data = c->timer.data = c->process.data = c;
    p->children++;
    p->child = c;
    int rc = spawn(p, c);
    if (rc) {
        child_kill(c);
        child_close(c);
    }
    return rc;
}

/* No more work for this one: it sees the end of its input and goes. */
static void child_dismiss(struct child *c)
{
    c->is_ending = true;
    c->probe->child = NULL;
    uv_close((uv_handle_t *)&c->in, on_handle_closed);
    uv_timer_start(&c->timer, on_timeout, GRACE_MS, 0);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* a child that does not read is one that ends or gets stuck: both are seen */
    gn_free(write->data);
    gn_free(write);
}

static void next(struct gn_probe *p)
{
    if (p->closing || p->current)
        return;
    struct gn_list *node = gn_list_pop(&p->queue);
    if (p->child && (!node || p->child->is_ending || p->child->exited))
        child_dismiss(p->child);
    if (!node)
        return;
    p->current = GN_CONTAINER(node, struct gn_probe_job, node);
    if (p->child && p->current->again)
        child_dismiss(p->child); /* its second chance is in a fresh one */
    int rc = p->child ? 0 : child_new(p);
    uv_write_t *write = NULL;
    if (!rc) {
        write = gn_malloc(sizeof(*write));
        write->data = gn_strndup(p->current->line.data, p->current->line.len);
        uv_buf_t buf = uv_buf_init(write->data, (unsigned)p->current->line.len);
        rc = uv_write(write, (uv_stream_t *)&p->child->in, &buf, 1, on_written);
    }
    if (!rc) {
        arm(p->child);
        return;
    }
    if (write) {
        gn_free(write->data);
        gn_free(write);
    }
    struct gn_error err = {0};
    gn_error_set(&err, rc, "cannot be tried in a child process: %s: %s", p->self_exe,
                 uv_strerror(rc));
    job_done(p, NULL, &err);
}

/* ---------------------------------------------------------------- public */

struct gn_probe *gn_probe_new(uv_loop_t *uv, const char *self_exe, uint32_t timeout_ms)
{
    struct gn_probe *p = gn_calloc(1, sizeof(*p));
    p->uv = uv;
    p->self_exe = gn_strdup(self_exe);
    p->timeout_ms = timeout_ms;
    gn_list_init(&p->queue);
    uv_timer_init(uv, &p->kick);
    p->kick.data = p;
    return p;
}

void gn_probe_set_timeout(struct gn_probe *p, uint32_t timeout_ms)
{
    p->timeout_ms = timeout_ms;
}

struct gn_probe_job *gn_probe_submit(struct gn_probe *p, const struct gn_probe_request *request,
                                     gn_probe_fn on_done, void *arg)
{
    struct gn_probe_job *job = gn_calloc(1, sizeof(*job));
    const char *settings = request->settings ? request->settings : "{}";
    struct gn_jw w;
    job->line = GN_BUF_INIT(GN_PROBE_LINE_MAX);
    job->on_done = on_done;
    job->arg = arg;
    gn_jw_init(&w, &job->line);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "path", request->path);
    gn_jw_str(&w, "instance", request->instance);
    gn_jw_raw(&w, "settings", settings, strlen(settings));
    gn_jw_int(&w, "start_timeout_ms", request->start_timeout_ms);
    gn_jw_bool(&w, "manifest", request->manifest);
    gn_jw_end(&w);
    gn_buf_addc(&job->line, '\n');
    gn_list_append(&p->queue, &job->node);
    kick(p);
    return job;
}

void gn_probe_withdraw(struct gn_probe *p, struct gn_probe_job *job)
{
    if (p->current == job) {
        p->current = NULL;
        if (p->child) {
            struct child *c = p->child;
            child_kill(c);
            child_dismiss(c);
        }
        kick(p);
    }
    job_free(job);
}

static void on_kick_closed(uv_handle_t *handle)
{
    struct gn_probe *p = handle->data;
    p->kick_closed = true;
    finish_close(p);
}

void gn_probe_close(struct gn_probe *p, void (*on_closed)(void *arg), void *arg)
{
    p->closing = true;
    p->on_closed = on_closed;
    p->closed_arg = arg;
    if (p->current)
        job_free(p->current);
    p->current = NULL;
    struct gn_list *node;
    while ((node = gn_list_pop(&p->queue)))
        job_free(GN_CONTAINER(node, struct gn_probe_job, node));
    if (p->child) {
        child_kill(p->child);
        child_dismiss(p->child);
    }
    uv_close((uv_handle_t *)&p->kick, on_kick_closed);
}

/* ---------------------------------------------------------------- blocking */

struct waiting {
    bool done;
    struct gn_buf *manifest;
    struct gn_error *err;
    int rc;
};

static void on_file_done(void *arg, const struct gn_probe_result *result,
                         const struct gn_error *err)
{
    struct waiting *w = arg;
    w->done = true;
    if (result && result->manifest)
        w->rc = gn_buf_add(w->manifest, result->manifest, result->manifest_len);
    if (err)
        w->rc = gn_error_set(w->err, err->code, "%s", err->text);
}

/* What the loader would refuse without running any of it. */
static int check_file(const char *path, const char *settings_json, struct gn_error *err)
{
    char speaks[32];
    struct gn_elf elf;
    struct gn_json_doc doc = {0};
    int fd;
    int rc = settings_json
                 ? gn_json_parse_copy(&doc, settings_json, strlen(settings_json), NULL, err)
                 : 0;
    gn_json_release(&doc);
    if (rc) {
        gn_error_prefix(err, "settings: ");
        return rc;
    }
    rc = gn_copy_open(path, &fd, err);
    if (rc)
        return rc;
    gn_module_speaks(&gn_abi_current, speaks);
    rc = gn_elf_check(fd, gn_abi_current.symbol, &elf, err);
    if (!rc)
        rc = gn_elf_check_plugin(&elf, gn_abi_current.symbol, speaks, err);
    close(fd);
    return rc;
}

static int probe_checked(const char *self_exe, const char *path, const char *settings_json,
                         uint32_t timeout_ms, struct waiting *w)
{
    uv_loop_t uv;
    int rc = uv_loop_init(&uv);
    if (rc)
        return gn_error_set(w->err, rc, "no event loop: %s", uv_strerror(rc));
    /* The host ignores it; a command may not, and the child may go while it is written to. */
    sigset_t pipe_signal, before;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);

    GN_AUTO_FREE char *instance = gn_strdup(gn_path_base(path));
    if (gn_ends_with(instance, ".so"))
        instance[strlen(instance) - strlen(".so")] = 0;
    struct gn_probe *p = gn_probe_new(&uv, self_exe, timeout_ms);
    gn_probe_submit(p,
                    &(struct gn_probe_request){.path = path,
                                               .instance = instance,
                                               .settings = settings_json,
                                               .start_timeout_ms = timeout_ms,
                                               .manifest = true},
                    on_file_done, w);
    while (!w->done)
        uv_run(&uv, UV_RUN_ONCE);
    gn_probe_close(p, NULL, NULL);
    uv_run(&uv, UV_RUN_DEFAULT);
    rc = uv_loop_close(&uv);
    gn_assert(rc == 0);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->rc;
}

int gn_probe_file(const char *self_exe, const char *path, const char *settings_json,
                  uint32_t timeout_ms, struct gn_buf *ret_manifest, struct gn_error *err)
{
    char *real = realpath(path, NULL);
    if (!real)
        return gn_error_set(err, -errno, "cannot be opened: %s", strerror(errno));
    struct waiting w = {.manifest = ret_manifest, .err = err};
    int rc = check_file(real, settings_json, err);
    if (!rc)
        rc = probe_checked(self_exe, real, settings_json, timeout_ms, &w);
    gn_free(real);
    return rc;
}
