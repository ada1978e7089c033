/* log_file.c - the client's log file: a line for each note, each log message of the server, and
 * each line that a program wrote to standard error. */
#include "internal.h"
#include "output.h"

#include "util/alloc.h"
#include "util/clock.h"

#include <unistd.h>

#define TEXT_MAX 8192 /* bytes of text in a line */
#define LINE_SIZE (TEXT_MAX + 256)

struct gn_client_log {
    gantry_client *client;
    int fd;
    bool has_failed;             /* what it says of that is said once */
    struct gn_error why;         /* told from the loop */
    struct gn_client_timer tell; /* ... by this */
};

static void on_tell(struct gn_client_timer *timer)
{
    struct gn_client_log *log = GN_CONTAINER(timer, struct gn_client_log, tell);
    gn_client_note(log->client, "%s", log->why.text);
}

static void fail(struct gn_client_log *log, int rc, const char *what, const char *reason)
{
    if (log->has_failed)
        return;
    log->has_failed = true;
    gn_error_set(&log->why, rc, "log_file: %s%s", what, reason);
    gn_client_timer_start(log->client, &log->tell, 0, on_tell);
}

void gn_client_log_open(gantry_client *c)
{
    struct gn_error err;
    if (!c->s.log_file)
        return;
    c->log = gn_calloc(1, sizeof(*c->log));
    c->log->client = c;
    c->log->fd = gn_output_open(c->s.log_file, &err);
    if (c->log->fd < 0)
        fail(c->log, c->log->fd, "", err.text);
}

void gn_client_log_close(gantry_client *c)
{
    if (!c->log)
        return;
    gn_client_timer_stop(&c->log->tell);
    if (c->log->fd >= 0)
        close(c->log->fd);
    gn_free(c->log);
    c->log = NULL;
}

void gn_client_log_line(gantry_client *c, const char *what, const char *text, size_t len)
{
    struct gn_buf line = GN_BUF_INIT(LINE_SIZE);
    char time[32];
    if (!c->log || c->log->fd < 0)
        return;
    gn_wall_format(gn_wall_ms(), time);
    gn_buf_addf(&line, "%s %.100s: ", time, what);
    gn_output_plain(&line, text, len, TEXT_MAX);
    gn_buf_addc(&line, '\n');
    /* In one piece, so that lines of several clients with the same file stay whole. */
    ssize_t n = gn_output_write(c->log->fd, line.data, line.len);
    if (n != (ssize_t)line.len)
        fail(c->log, n < 0 ? (int)n : GN_ETOOBIG, "what is logged does not all get there: ",
             n < 0 ? uv_strerror((int)n) : "there is no room");
    gn_buf_release(&line);
}
