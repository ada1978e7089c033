/* fixture.c - see fixture.h. */
#include "coro/fixture.h"

#include <string.h>

static void keep_line(struct gn_log *log, enum gn_level level, const char *component,
                      const struct gn_log_field *fields, size_t field_count, const char *text)
{
    struct fixture *f = GN_CONTAINER(log, struct fixture, log);
    (void)level;
    (void)component;
    (void)fields;
    (void)field_count;
    size_t len = strlen(text);
    uv_mutex_lock(&f->log_lock);
    if (f->log_len + len + 2 <= sizeof(f->log_text)) {
        memcpy(f->log_text + f->log_len, text, len);
        f->log_len += len;
        f->log_text[f->log_len++] = '\n';
        f->log_text[f->log_len] = '\0';
    }
    uv_mutex_unlock(&f->log_lock);
}

void fixture_init(struct fixture *f, const struct gn_loop_limits *limits)
{
    memset(f, 0, sizeof(*f));
    uv_mutex_init(&f->log_lock);
    f->log.write = keep_line;
    cr_assert_eq(uv_loop_init(&f->uv), 0);
    f->loop = gn_loop_new(&f->uv, limits, &f->log);
}

static void on_closed(void *arg)
{
    struct fixture *f = arg;
    f->closed = true;
}

void fixture_close(struct fixture *f, uint32_t wait_ms)
{
    gn_loop_close(f->loop, wait_ms, on_closed, f);
    uv_run(&f->uv, UV_RUN_DEFAULT);
    cr_assert(f->closed);
    f->loop = NULL;
    cr_assert_eq(uv_loop_close(&f->uv), 0, "a handle was left open");
    uv_mutex_destroy(&f->log_lock);
}

void fixture_fini(struct fixture *f)
{
    fixture_close(f, 60000);
}

void fixture_run(struct fixture *f)
{
    uv_run(&f->uv, UV_RUN_DEFAULT);
}

void fixture_run_until(struct fixture *f, const bool *flag)
{
    while (!*flag)
        uv_run(&f->uv, UV_RUN_ONCE);
}

struct gn_task *fixture_start(struct fixture *f, const char *name,
                              void (*run)(struct gn_task *task, void *arg), void *arg)
{
    struct gn_task *task;
    struct gn_task_spec spec = {.name = name, .run = run, .arg = arg};
    cr_assert_eq(gn_task_start(f->loop, &spec, &task), 0);
    return task;
}

struct gn_task *fixture_start_worker(struct fixture *f, const char *name,
                                     void (*run)(struct gn_task *task, void *arg), void *arg)
{
    struct gn_task *task;
    struct gn_task_spec spec = {.name = name, .run = run, .arg = arg};
    cr_assert_eq(gn_task_start_worker(f->loop, &spec, &task), 0);
    return task;
}

void trace_add(struct trace *t, const char *word)
{
    size_t len = strlen(word);
    cr_assert(t->len + len + 2 <= sizeof(t->text));
    if (t->len)
        t->text[t->len++] = ' ';
    memcpy(t->text + t->len, word, len + 1);
    t->len += len;
}
