/* log.c - the host's log: from a record to the outputs. */
#include "observe/log.h"

#include "observe/file.h"
#include "observe/internal.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

#define LOG_MAGIC 0x106f11e5u
#define FILE_MODE 0640

struct host_log {
    struct gn_log log;
    struct gn_log_core core;
    uint32_t magic;
    pthread_mutex_t mutex; /* over everything below */
    struct gn_log_fd fd;
    bool to_fd, json, file_json;
    struct gn_log_file *file; /* NULL: none */
    uint64_t lost;            /* lines dropped since the last one written to fd */
    bool file_fails;
};

static void format(const struct gn_event *e, bool json, struct gn_buf *out)
{
    if (json)
        gn_event_write_json(e, out);
    else
        gn_event_write_text(e, out);
}

/* One line; too long, it goes without its fields. */
static void add_line(struct gn_event *e, bool json, struct gn_buf *out)
{
    size_t before = out->len;
    format(e, json, out);
    if (!out->overflow)
        return;
    out->overflow = false;
    gn_buf_cut(out, before);
    e->left_out += e->count;
    e->count = 0;
    format(e, json, out);
}

/* A line of the log's own, through the same processors. */
static void add_own(struct host_log *l, const struct gn_log_rules *rules, bool json,
                    const char *text, struct gn_buf *out)
{
    struct gn_record r = {.level = GN_WARNING, .component = "log", .text = text};
    struct gn_event e;
    gn_event_make(&e, &r, &rules->host, rules->bind, rules->redactor);
    add_line(&e, json, out);
    gn_event_release(&e);
    (void)l;
}

/* Says how many lines are missing. It goes out with the line that follows or not at all: on its own
 * it would take the room that the line needs. */
static void add_lost(struct host_log *l, const struct gn_log_rules *rules, struct gn_buf *out)
{
    char text[96];
    snprintf(text, sizeof(text), "%llu lines were dropped: the reader of the log does not keep up",
             (unsigned long long)l->lost);
    add_own(l, rules, l->json, text, out);
}

static void write_fd(struct host_log *l, const struct gn_log_rules *rules, struct gn_event *e,
                     const char *trouble)
{
    struct gn_buf line = GN_BUF_INIT(GN_LOG_LINE_MAX);
    if (l->lost > 0)
        add_lost(l, rules, &line);
    if (trouble)
        add_own(l, rules, l->json, trouble, &line);
    if (l->to_fd)
        add_line(e, l->json, &line);
    if (line.len)
        l->lost = gn_log_fd_write(&l->fd, &line) ? 0 : l->lost + 1;
    gn_buf_release(&line);
}

/* NULL, or what standard error must tell about the file: once when it begins to fail, and once when
 * it is well again. */
static const char *write_file(struct host_log *l, struct gn_event *e, char *text, size_t size)
{
    struct gn_buf line = GN_BUF_INIT(GN_LOG_LINE_MAX);
    uint64_t lost = gn_log_file_lost(l->file);
    add_line(e, l->file_json, &line);
    int rc = line.overflow ? 0 : gn_log_file_write(l->file, line.data, line.len);
    gn_buf_release(&line);
    bool failed_before = l->file_fails;
    l->file_fails = rc != 0;
    if (l->file_fails == failed_before)
        return NULL;
    if (rc)
        snprintf(text, size, "log.file cannot be written to: %s", strerror(-rc));
    else
        snprintf(text, size, "log.file is written to again, %llu lines are not in it",
                 (unsigned long long)lost);
    return text;
}

/* The lines are made under the mutex: those of a file stand in the order of their times. */
static void emit(struct host_log *l, const struct gn_record *r)
{
    struct gn_log_rules *rules = gn_log_core_rules(&l->core);
    struct gn_event e;
    char text[128];
    int saved = errno; /* a log line must not change what its caller is about to look at */
    pthread_mutex_lock(&l->mutex);
    gn_event_make(&e, r, &rules->host, rules->bind, rules->redactor);
    const char *trouble = l->file ? write_file(l, &e, text, sizeof(text)) : NULL;
    if (l->to_fd || trouble)
        write_fd(l, rules, &e, trouble);
    pthread_mutex_unlock(&l->mutex);
    gn_event_release(&e);
    gn_log_rules_unref(rules);
    errno = saved;
}

static void write_log(struct gn_log *log, enum gn_level level, const char *component,
                      const struct gn_log_field *fields, size_t field_count, const char *text)
{
    struct host_log *l = GN_CONTAINER(log, struct host_log, log);
    GN_CHECK(l, LOG_MAGIC);
    struct gn_record r = {.level = level,
                          .component = component,
                          .text = text,
                          .texts = fields,
                          .text_count = field_count};
    bool client;
    if (gn_log_wants(log, level, component, NULL, -1, &client))
        emit(l, &r);
}

void gn_log_record(struct gn_log *log, const struct gn_record *r)
{
    if (!log)
        return;
    if (log->core)
        emit(GN_CONTAINER(log, struct host_log, log), r);
    else if (log->write)
        log->write(log, r->level, r->component, r->texts, r->text_count, r->text);
}

struct gn_log *gn_stderr_log_new(int fd, enum gn_level level, bool json)
{
    struct host_log *l = gn_calloc(1, sizeof(*l));
    struct gn_config *defaults = gn_config_new();
    l->magic = LOG_MAGIC;
    l->log.level = level;
    l->log.write = write_log;
    l->log.core = &l->core;
    l->to_fd = true;
    l->json = json;
    pthread_mutex_init(&l->mutex, NULL);
    gn_log_core_init(&l->core, &l->log);
    gn_log_core_configure(&l->core, level, true, gn_log_rules_new(defaults));
    gn_log_fd_open(&l->fd, fd);
    gn_config_free(defaults);
    return &l->log;
}

/* Opens, or opens anew, or closes. The mutex is held. */
static int configure_file(struct host_log *l, const struct gn_config *c, struct gn_error *err)
{
    struct gn_log_file_options options = {
        .path = c->log_file, .max_size = c->log_max_size, .keep = c->log_keep, .mode = FILE_MODE};
    if (!c->log_file) {
        gn_log_file_close(l->file);
        l->file = NULL;
        return 0;
    }
    int rc = 0;
    if (l->file)
        rc = gn_log_file_configure(l->file, &options, err);
    else if (!(l->file = gn_log_file_open(&options, err)))
        rc = GN_EINVAL;
    if (rc)
        gn_error_prefix(err, "log.file: ");
    else
        l->file_fails = false;
    return rc;
}

int gn_stderr_log_configure(struct gn_log *log, const struct gn_config *c, struct gn_error *err)
{
    struct host_log *l = GN_CONTAINER(log, struct host_log, log);
    GN_CHECK(l, LOG_MAGIC);
    gn_log_core_configure(&l->core, c->log_level, c->log_client, gn_log_rules_new(c));
    pthread_mutex_lock(&l->mutex);
    l->json = c->log_json;
    l->file_json = c->log_file_json;
    int rc = configure_file(l, c, err);
    /* Without any output nobody would learn why. */
    l->to_fd = c->log_stderr || !l->file;
    pthread_mutex_unlock(&l->mutex);
    return rc;
}

void gn_stderr_log_free(struct gn_log *log)
{
    if (!log)
        return;
    struct host_log *l = GN_CONTAINER(log, struct host_log, log);
    GN_CHECK(l, LOG_MAGIC);
    struct gn_log_rules *rules = gn_log_core_rules(&l->core);
    struct gn_buf line = GN_BUF_INIT(GN_LOG_LINE_MAX);
    if (l->lost > 0) {
        add_lost(l, rules, &line);
        gn_log_fd_write(&l->fd, &line);
    }
    gn_buf_release(&line);
    gn_log_rules_unref(rules);
    gn_log_fd_close(&l->fd);
    gn_log_file_close(l->file);
    gn_log_core_fini(&l->core);
    pthread_mutex_destroy(&l->mutex);
    l->magic = 0;
    gn_free(l);
}
