/* stdio_read.c - what a program writes: messages on its output, words on its standard error. */
#include "stdio_internal.h"

#include "output.h"

#include "util/str.h"

#include <string.h>
#include <unistd.h>

#define DRAIN_MAX ((size_t)2 << 20) /* more than a pipe holds: the rest is of somebody else */
#define WORDS_MAX 400               /* bytes of its last words, in messages */
#define QUOTE_MAX 200               /* of a line that is no message */
#define NONSENSE_MAX 100            /* lines in a row that are no messages */
#define NOTED_MAX 10                /* of them that are noted */

/* ---------------------------------------------------------------- standard error */

static void keep_words(struct gn_stdio *s, const char *line, size_t len)
{
    struct gn_buf *w = &s->words;
    if (w->len > 0)
        gn_buf_adds(w, " | ");
    gn_output_plain(w, line, len, WORDS_MAX);
    while (w->len > WORDS_MAX) {
        char *bar = memmem(w->data, w->len, " | ", 3);
        if (!bar)
            return;
        gn_buf_consume(w, (size_t)(bar - w->data) + 3);
    }
}

static void say_line(struct gn_stdio *s, const char *line, size_t len)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
        len--;
    if (len == 0)
        return;
    keep_words(s, line, len);
    gn_link_stderr(&s->link, line, len);
}

static void say_lines(struct gn_stdio *s, bool is_over)
{
    size_t done = 0;
    for (char *end;
         s->said.len > done && (end = memchr(s->said.data + done, '\n', s->said.len - done));) {
        say_line(s, s->said.data + done, (size_t)(end - s->said.data) - done);
        done = (size_t)(end - s->said.data) + 1;
    }
    while (s->said.len - done >= GN_STDIO_STDERR_LINE || (is_over && s->said.len > done)) {
        size_t n = gn_utf8_cut(s->said.data + done, s->said.len - done, GN_STDIO_STDERR_LINE);
        n = n ? n : GN_MIN(s->said.len - done, (size_t)GN_STDIO_STDERR_LINE);
        say_line(s, s->said.data + done, n);
        done += n;
    }
    gn_buf_consume(&s->said, done);
}

/* Bytes read; 0 if there is nothing now, or nothing more. */
static size_t read_stderr(struct gn_stdio *s)
{
    char *at = gn_buf_reserve(&s->said, GN_STDIO_READ_SIZE);
    ssize_t n = read(s->child.err, at, GN_STDIO_READ_SIZE);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        gn_stdio_unwatch(&s->err, &s->child.err);
        say_lines(s, true);
        return 0;
    }
    if (s->stderr_fd >= 0)
        gn_output_write(s->stderr_fd, at, (size_t)n);
    s->said.len += (size_t)n;
    s->said.data[s->said.len] = '\0';
    say_lines(s, false);
    return (size_t)n;
}

void gn_stdio_drain_stderr(struct gn_stdio *s)
{
    for (size_t n, all = 0; s->child.err >= 0 && all < DRAIN_MAX; all += n) {
        n = read_stderr(s);
        if (n == 0)
            break;
    }
    say_lines(s, true);
}

void gn_stdio_on_stderr(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    read_stderr(poll->data);
}

/* ---------------------------------------------------------------- its output */

static void take_nonsense(struct gn_stdio *s, const char *line, size_t len, const char *why)
{
    gantry_client *c = gn_stdio_client(s);
    struct gn_buf quote = GN_BUF_INIT(QUOTE_MAX + 1);
    struct gn_error err;
    gn_output_plain(&quote, line, len, QUOTE_MAX);
    if (++s->nonsense >= NONSENSE_MAX) {
        gn_error_set(&err, GN_EPROTO,
                     "%.200s wrote %u lines that are no messages, the last: \"%s\" (%.200s); "
                     "what is not for the client belongs on standard error",
                     c->s.shown, s->nonsense, gn_buf_str(&quote), why);
        gn_stdio_lose(s, GANTRY_CLIENT_PROTOCOL, &err);
    } else if (s->nonsense <= NOTED_MAX) {
        gn_client_note(c, "%.200s wrote what is no message: \"%s\" (%.200s)", c->s.shown,
                       gn_buf_str(&quote), why);
    } else if (s->nonsense == NOTED_MAX + 1) {
        gn_client_note(c, "%.200s goes on with lines that are no messages", c->s.shown);
    }
    gn_buf_release(&quote);
}

static void take_line(struct gn_stdio *s, const char *line, size_t len)
{
    struct gn_error why = {0};
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    while (len > 0 && (*line == ' ' || *line == '\t'))
        line++, len--;
    if (len == 0)
        return;
    if (gn_link_received(&s->link, NULL, line, len, &why))
        s->nonsense = 0;
    else
        take_nonsense(s, line, len, why.text);
}

static void lose_too_big(struct gn_stdio *s)
{
    struct gn_error err;
    gn_error_set(&err, GN_ETOOBIG, "%.200s sent a message of more than %zu bytes",
                 gn_stdio_client(s)->s.shown, gn_stdio_client(s)->s.max_message);
    gn_stdio_lose(s, GANTRY_CLIENT_PROTOCOL, &err);
}

/* Handlers run meanwhile: the link may be closing after each line. */
static void take_lines(struct gn_stdio *s)
{
    size_t done = 0, max = gn_stdio_client(s)->s.max_message;
    for (char *end; !s->link.is_closing &&
                    (end = memchr(s->line.data + s->searched, '\n', s->line.len - s->searched));) {
        size_t len = (size_t)(end - s->line.data) - done;
        if (len > max)
            lose_too_big(s);
        else
            take_line(s, s->line.data + done, len);
        done = s->searched = done + len + 1;
    }
    gn_buf_consume(&s->line, done);
    s->searched = s->line.len;
    if (s->line.len > max)
        lose_too_big(s);
    if (s->link.is_closing || s->line.len == 0) {
        gn_stdio_empty(&s->line);
        s->searched = 0;
    }
}

/* Bytes read; 0 if there is nothing now, or nothing more. */
static size_t read_output(struct gn_stdio *s)
{
    char *at = gn_buf_reserve(&s->line, GN_STDIO_READ_SIZE);
    ssize_t n = read(s->child.out, at, GN_STDIO_READ_SIZE);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        gn_stdio_unwatch(&s->out, &s->child.out);
        gn_stdio_expect_end(s, "output");
        return 0;
    }
    if (s->link.is_closing) /* it is only read so that it can end */
        return (size_t)n;
    s->line.len += (size_t)n;
    s->line.data[s->line.len] = '\0';
    take_lines(s);
    return (size_t)n;
}

static void drain_output(struct gn_stdio *s)
{
    for (size_t n, all = 0; s->child.out >= 0 && all < DRAIN_MAX; all += n) {
        n = read_output(s);
        if (n == 0)
            break;
    }
    if (s->link.is_closing || s->line.len == 0)
        return;
    /* Some leave out the end of their last line. */
    struct gn_error why;
    bool is_blank = strspn(s->line.data, " \t\r") == s->line.len;
    if (is_blank || gn_link_received(&s->link, NULL, s->line.data, s->line.len, &why))
        gn_stdio_empty(&s->line);
}

void gn_stdio_on_output(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    read_output(poll->data);
}

void gn_stdio_drain(struct gn_stdio *s)
{
    drain_output(s);
    gn_stdio_drain_stderr(s);
}
