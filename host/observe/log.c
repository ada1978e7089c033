/* log.c - the host's log: formats a line and writes it without ever waiting.
 *
 * What is behind a descriptor decides how: a pipe or terminal is opened once more, since O_NONBLOCK
 * belongs to the open file and other processes share ours; a socket takes a flag with each send; a
 * regular file does not block.
 */
#include "observe/log.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "json/json.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MAGIC 0x106f11e5u
#define LINE_MAX_ (512 * 1024) /* text is at most 64 KiB, escaped at worst six times longer */

struct stderr_log {
    struct gn_log log;
    uint32_t magic;
    int fd;      /* what is written to */
    bool own_fd; /* opened here */
    bool is_socket;
    pthread_mutex_t mutex; /* over everything below */
    bool json;
    struct gn_buf rest; /* end of a line that did not fit at once */
    uint64_t lost;      /* lines dropped since the last one written */
};

/* A text on one line: control characters and what is not UTF-8 escaped. */
static void add_escaped(struct gn_buf *out, const char *s)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)s[i];
        size_t bytes = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        bool c1_control = bytes == 2 && c == 0xc2 && (unsigned char)s[i + 1] < 0xa0;
        if (c == '\n')
            gn_buf_adds(out, "\\n");
        else if (c == '\t')
            gn_buf_adds(out, "\\t");
        else if (c < ' ' || c == 0x7f || c1_control || bytes > len - i ||
                 !gn_utf8_valid(s + i, bytes))
            gn_buf_addf(out, "\\x%02x", c), bytes = 1;
        else
            gn_buf_add(out, s + i, bytes);
        i += bytes;
    }
}

/* A value of a field: in quotes where it would not be told from what stands around it. */
static void add_value(struct gn_buf *out, const char *s)
{
    if (*s && !strpbrk(s, " =\"\n\t")) {
        add_escaped(out, s);
        return;
    }
    gn_buf_addc(out, '"');
    for (const char *quote; (quote = strchr(s, '"')); s = quote + 1) {
        GN_AUTO_FREE char *before = gn_strndup(s, (size_t)(quote - s));
        add_escaped(out, before);
        gn_buf_adds(out, "\\\"");
    }
    add_escaped(out, s);
    gn_buf_addc(out, '"');
}

static void format_text(struct gn_buf *out, enum gn_level level, const char *component,
                        const struct gn_log_field *fields, size_t field_count, const char *text)
{
    char when[32];
    gn_wall_format(gn_wall_ms(), when);
    gn_buf_addf(out, "%s %-7s ", when, gn_level_names[level]);
    if (component) {
        add_escaped(out, component);
        gn_buf_adds(out, ": ");
    }
    add_escaped(out, text);
    for (size_t i = 0; i < field_count; i++) {
        gn_buf_addc(out, ' ');
        add_escaped(out, fields[i].key);
        gn_buf_addc(out, '=');
        add_value(out, fields[i].value ? fields[i].value : "");
    }
    gn_buf_addc(out, '\n');
}

static void format_json(struct gn_buf *out, enum gn_level level, const char *component,
                        const struct gn_log_field *fields, size_t field_count, const char *text)
{
    char when[32];
    gn_wall_format(gn_wall_ms(), when);
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "time", when);
    gn_jw_str(&w, "level", gn_level_names[level]);
    if (component)
        gn_jw_str(&w, "component", component);
    gn_jw_str(&w, "message", text);
    for (size_t i = 0; i < field_count; i++)
        gn_jw_str(&w, fields[i].key, fields[i].value);
    gn_jw_end(&w);
    gn_buf_addc(out, '\n');
}

static void format_line(struct stderr_log *l, struct gn_buf *out, enum gn_level level,
                        const char *component, const struct gn_log_field *fields,
                        size_t field_count, const char *text)
{
    if (l->json)
        format_json(out, level, component, fields, field_count, text);
    else
        format_text(out, level, component, fields, field_count, text);
}

/* Bytes written, or negative. */
static ssize_t write_some(struct stderr_log *l, const char *data, size_t len)
{
    for (;;) {
        ssize_t n = l->is_socket ? send(l->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                                 : write(l->fd, data, len);
        if (n >= 0 || errno != EINTR)
            return n;
    }
}

/* The end of the line before goes first: true if none is left. */
static bool write_rest(struct stderr_log *l)
{
    if (l->rest.len == 0)
        return true;
    ssize_t n = write_some(l, l->rest.data, l->rest.len);
    if (n > 0)
        gn_buf_consume(&l->rest, (size_t)n);
    return l->rest.len == 0;
}

/* False if the line could not be written at all. */
static bool write_line(struct stderr_log *l, const struct gn_buf *line)
{
    if (line->overflow || !write_rest(l))
        return false;
    ssize_t n = write_some(l, line->data, line->len);
    if (n <= 0)
        return false;
    gn_buf_add(&l->rest, line->data + n, line->len - (size_t)n);
    return true;
}

/* Says how many lines are missing. It goes out with the line that follows or not at all: on its own
 * it would take the room that the line needs. */
static void format_lost(struct stderr_log *l, struct gn_buf *out)
{
    char text[96];
    snprintf(text, sizeof(text), "%llu lines were dropped: the reader of the log does not keep up",
             (unsigned long long)l->lost);
    format_line(l, out, GN_WARNING, "log", NULL, 0, text);
}

static void write_log(struct gn_log *log, enum gn_level level, const char *component,
                      const struct gn_log_field *fields, size_t field_count, const char *text)
{
    struct stderr_log *l = GN_CONTAINER(log, struct stderr_log, log);
    GN_CHECK(l, LOG_MAGIC);
    struct gn_buf line = GN_BUF_INIT(LINE_MAX_);
    int saved = errno; /* a log line must not change what its caller is about to look at */
    pthread_mutex_lock(&l->mutex);
    if (l->lost > 0)
        format_lost(l, &line);
    format_line(l, &line, level, component, fields, field_count, text);
    l->lost = write_line(l, &line) ? 0 : l->lost + 1;
    pthread_mutex_unlock(&l->mutex);
    gn_buf_release(&line);
    errno = saved;
}

static void open_target(struct stderr_log *l, int fd)
{
    struct stat st;
    l->fd = fd;
    if (fstat(fd, &st) != 0)
        return;
    l->is_socket = S_ISSOCK(st.st_mode);
    if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
        return;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) {
        l->fd = own;
        l->own_fd = true;
    }
}

struct gn_log *gn_stderr_log_new(int fd, enum gn_level level, bool json)
{
    struct stderr_log *l = gn_calloc(1, sizeof(*l));
    l->magic = LOG_MAGIC;
    l->log.level = level;
    l->log.write = write_log;
    l->json = json;
    gn_buf_init(&l->rest, LINE_MAX_);
    pthread_mutex_init(&l->mutex, NULL);
    open_target(l, fd);
    return &l->log;
}

void gn_stderr_log_configure(struct gn_log *log, enum gn_level level, bool json)
{
    struct stderr_log *l = GN_CONTAINER(log, struct stderr_log, log);
    GN_CHECK(l, LOG_MAGIC);
    __atomic_store_n(&log->level, level, __ATOMIC_RELAXED);
    pthread_mutex_lock(&l->mutex);
    l->json = json;
    pthread_mutex_unlock(&l->mutex);
}

void gn_stderr_log_free(struct gn_log *log)
{
    if (!log)
        return;
    struct stderr_log *l = GN_CONTAINER(log, struct stderr_log, log);
    GN_CHECK(l, LOG_MAGIC);
    struct gn_buf line = GN_BUF_INIT(LINE_MAX_);
    if (l->lost > 0) {
        format_lost(l, &line);
        write_line(l, &line);
    }
    write_rest(l);
    gn_buf_release(&line);
    if (l->own_fd)
        close(l->fd);
    pthread_mutex_destroy(&l->mutex);
    gn_buf_release(&l->rest);
    l->magic = 0;
    gn_free(l);
}
