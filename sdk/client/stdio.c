/* stdio.c - a server that is a program of ours: one message a line on its input and output
 * (2026-07-28 "Transports", stdio).
 *
 * What is sent is queued, and leaves in one piece at the beginning of the loop's next turn. Its end
 * is told once all that it had written is read. Ending it: its input is closed, then it and its
 * group are asked to end (SIGTERM), then killed; meanwhile what it writes is read, so that it can
 * come to its end.
 */
#include "child.h"
#include "internal.h"
#include "output.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define END_MS 5000    /* for it to end once its input has */
#define TERM_MS 2000   /* and once it was asked to */
#define KILLED_MS 5000 /* for the kernel to let it go, which takes no time unless a disk hangs */
#define LAST_MS 1000   /* to end after it has closed its input or output */
#define LOOK_MS 50     /* between looks at what is left of its group */
#define READ_SIZE 65536
#define QUEUE_MIN (8 << 20) /* bytes that may wait to be read by it, if no message is larger */
#define DRAIN_MAX ((size_t)2 << 20) /* more than a pipe holds: the rest is of somebody else */
#define STDERR_LINE 4096            /* a longer line is handed on in pieces */
#define WORDS_MAX 400               /* bytes of its last words, in messages */
#define QUOTE_MAX 200               /* of a line that is no message */
#define NONSENSE_MAX 100            /* lines in a row that are no messages */

enum stage { RUNNING, INPUT_ENDED, TERMINATED, KILLED };

/* One of its pipes or its pidfd, watched. */
struct watch {
    uv_poll_t poll;
    bool is_open;
};

struct stdio {
    struct gn_link link; /* first */
    struct gn_child child;
    struct watch in, out, err, end;
    uv_idle_t soon;
    unsigned open_handles; /* of uv */
    struct gn_client_timer patience, look;
    enum stage stage;
    bool was_opened, is_lost;
    bool has_refused;        /* some requests found no room in the queue */
    const char *closed;      /* "input" or "output", which it has closed without ending */
    struct gn_error no_file; /* why standard error is not kept: noted once the loop runs */
    struct gn_error cannot;  /* told once the loop runs */
    struct gn_buf queue;     /* to be written: from `written` on */
    size_t written;          /* bytes of the queue */
    uint64_t queued_total;   /* bytes ever put into it */
    struct gn_buf line;      /* of its output: not whole yet */
    size_t searched;         /* bytes of it in which there is no end of a line */
    unsigned nonsense;       /* in a row */
    struct gn_buf said;      /* of its standard error: a line that is not whole yet */
    struct gn_buf words;     /* its last lines there */
    int stderr_fd;           /* the file for it; -1: none */
};

static void on_soon(uv_idle_t *uv);

static struct stdio *of(struct gn_link *link)
{
    return GN_CONTAINER(link, struct stdio, link);
}

static gantry_client *client_of(const struct stdio *s)
{
    return s->link.client;
}

/* ---------------------------------------------------------------- handles */

static void on_handle_closed(uv_handle_t *handle)
{
    struct stdio *s = handle->data;
    if (--s->open_handles > 0)
        return;
    gn_link_closed(&s->link);
    gn_buf_release(&s->queue);
    gn_buf_release(&s->line);
    gn_buf_release(&s->said);
    gn_buf_release(&s->words);
    gn_child_close(&s->stderr_fd);
    gn_free(s);
}

static int watch_open(struct stdio *s, struct watch *w, int fd)
{
    int rc = uv_poll_init(client_of(s)->uv, &w->poll, fd);
    if (rc)
        return rc;
    w->poll.data = s;
    w->is_open = true;
    s->open_handles++;
    return 0;
}

static void watch_close(struct watch *w, int *fd)
{
    if (w->is_open)
        uv_close((uv_handle_t *)&w->poll, on_handle_closed);
    w->is_open = false;
    gn_child_close(fd);
}

static void wake(struct stdio *s)
{
    if (!uv_is_closing((uv_handle_t *)&s->soon))
        uv_idle_start(&s->soon, on_soon);
}

/* ---------------------------------------------------------------- losing it */

/* What it has surely not read: more was in the pipe than this when nobody could read it any more.
 * The offset from which on that is so. */
static uint64_t unread_from(const struct stdio *s)
{
    struct pollfd p = {.fd = s->child.in, .events = 0};
    int in_pipe = 0;
    uint64_t left = s->queue.len - s->written;
    if (s->child.in >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLERR) &&
        ioctl(s->child.in, FIONREAD, &in_pipe) == 0 && in_pipe > 0)
        left += (uint64_t)in_pipe;
    return s->queued_total - GN_MIN(left, s->queued_total);
}

/* link_data of a request: one more than where its message begins in all that was ever queued; or
 * that it has found no room. */
#define REFUSED UINTPTR_MAX

static void fail_those_from(struct stdio *s, uintptr_t from, const struct gn_failure *why)
{
    gantry_client *c = client_of(s);
    for (size_t i = 0; i < c->by_id_cap; i++) { /* what is told of it may change the table */
        gantry_request *r = c->by_id[i];
        if (r && r->link_data && (uintptr_t)r->link_data >= from)
            gn_link_failed(&s->link, r, why);
    }
}

static void lose(struct stdio *s, gantry_client_status status, const struct gn_error *why)
{
    struct gn_failure f = {.status = status, .why = *why};
    if (s->is_lost || s->link.is_closing)
        return;
    s->is_lost = true;
    /* One that has never worked will not begin to. */
    f.is_passing = status == GANTRY_CLIENT_CONNECTION && client_of(s)->ready_ms > 0;
    struct gn_failure unread = f;
    unread.was_not_sent = true;
    fail_those_from(s, (uintptr_t)unread_from(s) + 1, &unread);
    gn_link_lost(&s->link, &f);
}

static void add_last_words(const struct stdio *s, struct gn_buf *text)
{
    if (s->line.len > 0) {
        gn_buf_adds(text, ", in the middle of a message: \"");
        gn_output_plain(text, s->line.data, s->line.len, QUOTE_MAX);
        gn_buf_addc(text, '"');
    }
    if (s->words.len > 0)
        gn_buf_addf(text, "; it said last: %s", gn_buf_str(&s->words));
}

static void lose_ended(struct stdio *s)
{
    struct gn_error why;
    struct gn_buf text = GN_BUF_INIT(GN_ERROR_MAX);
    gn_buf_addf(&text, "%.200s ", client_of(s)->s.shown);
    if (s->child.has_ended)
        gn_child_describe(&s->child, &text);
    else
        gn_buf_addf(&text, "has closed its standard %s", s->closed);
    add_last_words(s, &text);
    gn_error_set(&why, GN_EPIPE, "%s", gn_buf_str(&text));
    gn_buf_release(&text);
    lose(s, GANTRY_CLIENT_CONNECTION, &why);
}

static void on_last(struct gn_client_timer *timer)
{
    lose_ended(GN_CONTAINER(timer, struct stdio, patience));
}

/* It cannot go on like this; most likely it is ending, and how is worth telling. */
static void expect_end(struct stdio *s, const char *closed)
{
    if (s->closed || s->link.is_closing)
        return;
    s->closed = closed;
    gn_client_timer_start(client_of(s), &s->patience, LAST_MS, on_last);
}

/* ---------------------------------------------------------------- standard error */

static void keep_words(struct stdio *s, const char *line, size_t len)
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

static void say_line(struct stdio *s, const char *line, size_t len)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
        len--;
    if (len == 0)
        return;
    keep_words(s, line, len);
    gn_link_stderr(&s->link, line, len);
}

static void say_lines(struct stdio *s, bool is_over)
{
    size_t done = 0;
    for (char *end;
         s->said.len > done && (end = memchr(s->said.data + done, '\n', s->said.len - done));) {
        say_line(s, s->said.data + done, (size_t)(end - s->said.data) - done);
        done = (size_t)(end - s->said.data) + 1;
    }
    while (s->said.len - done >= STDERR_LINE || (is_over && s->said.len > done)) {
        size_t n = gn_utf8_cut(s->said.data + done, s->said.len - done, STDERR_LINE);
        n = n ? n : GN_MIN(s->said.len - done, (size_t)STDERR_LINE);
        say_line(s, s->said.data + done, n);
        done += n;
    }
    gn_buf_consume(&s->said, done);
}

/* Bytes read; 0 if there is nothing now, or nothing more. */
static size_t read_stderr(struct stdio *s)
{
    char *at = gn_buf_reserve(&s->said, READ_SIZE);
    ssize_t n = read(s->child.err, at, READ_SIZE);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        watch_close(&s->err, &s->child.err);
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

static void drain_stderr(struct stdio *s)
{
    for (size_t n, all = 0; s->child.err >= 0 && all < DRAIN_MAX; all += n) {
        n = read_stderr(s);
        if (n == 0)
            break;
    }
    say_lines(s, true);
}

static void on_stderr(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    read_stderr(poll->data);
}

/* ---------------------------------------------------------------- its output */

static void take_nonsense(struct stdio *s, const char *line, size_t len, const char *why)
{
    gantry_client *c = client_of(s);
    struct gn_buf quote = GN_BUF_INIT(QUOTE_MAX + 1);
    struct gn_error err;
    gn_output_plain(&quote, line, len, QUOTE_MAX);
    if (++s->nonsense >= NONSENSE_MAX) {
        gn_error_set(&err, GN_EPROTO,
                     "%.200s wrote %u lines that are no messages, the last: \"%s\" (%.200s); "
                     "what is not for the client belongs on standard error",
                     c->s.shown, s->nonsense, gn_buf_str(&quote), why);
        lose(s, GANTRY_CLIENT_PROTOCOL, &err);
    } else {
        gn_client_note(c, "%.200s wrote what is no message: \"%s\" (%.200s)", c->s.shown,
                       gn_buf_str(&quote), why);
    }
    gn_buf_release(&quote);
}

static void take_line(struct stdio *s, const char *line, size_t len)
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

static void lose_too_big(struct stdio *s)
{
    struct gn_error err;
    gn_error_set(&err, GN_ETOOBIG, "%.200s sent a message of more than %zu bytes",
                 client_of(s)->s.shown, client_of(s)->s.max_message);
    lose(s, GANTRY_CLIENT_PROTOCOL, &err);
}

/* Handlers run meanwhile: the link may be closing after each line. */
static void take_lines(struct stdio *s)
{
    size_t done = 0, max = client_of(s)->s.max_message;
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
    if (s->link.is_closing) {
        gn_buf_clear(&s->line);
        s->searched = 0;
    }
}

/* Bytes read; 0 if there is nothing now, or nothing more. */
static size_t read_output(struct stdio *s)
{
    char *at = gn_buf_reserve(&s->line, READ_SIZE);
    ssize_t n = read(s->child.out, at, READ_SIZE);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        watch_close(&s->out, &s->child.out);
        expect_end(s, "output");
        return 0;
    }
    if (s->link.is_closing) /* it is only read so that it can end */
        return (size_t)n;
    s->line.len += (size_t)n;
    s->line.data[s->line.len] = '\0';
    take_lines(s);
    return (size_t)n;
}

static void drain_output(struct stdio *s)
{
    for (size_t n, all = 0; s->child.out >= 0 && all < DRAIN_MAX; all += n) {
        n = read_output(s);
        if (n == 0)
            break;
    }
    if (s->line.len == 0 || s->link.is_closing)
        return;
    /* Some leave out the end of their last line. */
    struct gn_error why;
    if (gn_link_received(&s->link, NULL, s->line.data, s->line.len, &why))
        gn_buf_clear(&s->line);
}

static void on_output(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    read_output(poll->data);
}

/* ---------------------------------------------------------------- its input */

static void end_input(struct stdio *s)
{
    watch_close(&s->in, &s->child.in);
}

static void flush(struct stdio *s);

static void on_input(uv_poll_t *poll, int status, int events)
{
    struct stdio *s = poll->data;
    (void)status, (void)events; /* writing tells what is wrong, too */
    uv_poll_stop(poll);
    flush(s);
}

static void flush(struct stdio *s)
{
    while (s->child.in >= 0 && s->queue.len > s->written) {
        ssize_t n = gn_output_write(s->child.in, s->queue.data + s->written,
                                    s->queue.len - s->written);
        if (n == -EAGAIN) {
            uv_poll_start(&s->in.poll, UV_WRITABLE, on_input);
            break;
        }
        if (n < 0) {
            if (s->link.is_closing)
                end_input(s);
            else
                expect_end(s, "input");
            return;
        }
        s->written += (size_t)n;
    }
    if (s->written == s->queue.len) {
        gn_buf_clear(&s->queue);
        s->written = 0;
        if (s->link.is_closing)
            end_input(s);
    } else if (s->written > s->queue.len / 2) {
        gn_buf_consume(&s->queue, s->written);
        s->written = 0;
    }
}

static void cannot_read(const struct stdio *s, struct gn_error *err)
{
    gn_error_set(err, GN_ETOOBIG,
                 "%.200s does not read its input: %zu bytes wait to be read already",
                 client_of(s)->s.shown, s->queue.len - s->written);
}

static void send_stdio(struct gn_link *link, const struct gn_outgoing *m)
{
    struct stdio *s = of(link);
    size_t waits = s->queue.len - s->written;
    bool has_room = waits + m->len < s->queue.max / 2;
    wake(s);
    if (m->request)
        m->request->link_data = (void *)(has_room ? (uintptr_t)s->queued_total + 1 : REFUSED);
    if (!has_room) {
        s->has_refused = s->has_refused || m->request;
        if (!m->request)
            cannot_read(s, &s->cannot);
        return;
    }
    gn_buf_add(&s->queue, m->text, m->len);
    gn_buf_addc(&s->queue, '\n');
    s->queued_total += m->len + 1;
}

static void forget_stdio(struct gn_link *link, gantry_request *request, bool is_answered)
{
    (void)link, (void)is_answered;
    request->link_data = NULL;
}

static void fail_refused(struct stdio *s)
{
    struct gn_failure f = {.status = GANTRY_CLIENT_LIMIT, .was_not_sent = true, .is_passing = true};
    s->has_refused = false;
    cannot_read(s, &f.why);
    fail_those_from(s, REFUSED, &f);
}

/* ---------------------------------------------------------------- the loop's next turn */

static void on_soon(uv_idle_t *uv)
{
    struct stdio *s = uv->data;
    uv_idle_stop(uv);
    if (s->cannot.code && !s->link.is_closing) {
        struct gn_error cannot = s->cannot;
        lose(s, GANTRY_CLIENT_CONNECTION, &cannot);
        return;
    }
    if (s->no_file.code)
        gn_client_note(client_of(s), "%s", s->no_file.text);
    s->no_file.code = 0;
    if (!s->was_opened && !s->link.is_closing) {
        s->was_opened = true;
        gn_link_opened(&s->link);
    }
    if (s->has_refused && !s->link.is_closing)
        fail_refused(s);
    flush(s);
}

/* ---------------------------------------------------------------- its end */

static void go_on_ending(struct stdio *s);

static void finish(struct stdio *s)
{
    drain_stderr(s);
    gn_client_timer_stop(&s->patience);
    gn_client_timer_stop(&s->look);
    watch_close(&s->in, &s->child.in);
    watch_close(&s->out, &s->child.out);
    watch_close(&s->err, &s->child.err);
    if (s->end.is_open)
        uv_close((uv_handle_t *)&s->end.poll, on_handle_closed);
    s->end.is_open = false;
    gn_child_reap(&s->child);
    uv_close((uv_handle_t *)&s->soon, on_handle_closed);
}

static void on_impatient(struct gn_client_timer *timer)
{
    struct stdio *s = GN_CONTAINER(timer, struct stdio, patience);
    s->stage++;
    go_on_ending(s);
}

static uint64_t patience(const struct stdio *s, uint64_t ms)
{
    return client_of(s)->is_hurried ? GN_CLIENT_HURRY_MS : ms;
}

static void go_on_ending(struct stdio *s)
{
    static const uint64_t times[] = {
        [INPUT_ENDED] = END_MS, [TERMINATED] = TERM_MS, [KILLED] = KILLED_MS};
    if (s->stage > KILLED) { /* nothing more can be done about it */
        finish(s);
        return;
    }
    if (s->stage >= TERMINATED)
        end_input(s);
    if (s->stage == TERMINATED) {
        gn_child_signal(&s->child, SIGTERM);
        gn_child_signal(&s->child, SIGCONT); /* one that is stopped would not see it */
    } else if (s->stage == KILLED) {
        gn_child_signal(&s->child, SIGKILL);
    }
    gn_client_timer_start(client_of(s), &s->patience,
                          s->stage == KILLED ? KILLED_MS : patience(s, times[s->stage]),
                          on_impatient);
}

/* It is over once the program has ended, and all others of its group. */
static void on_look(struct gn_client_timer *timer)
{
    struct stdio *s = GN_CONTAINER(timer, struct stdio, look);
    if (!gn_child_look(&s->child) || gn_child_has_others(&s->child))
        gn_client_timer_start(client_of(s), &s->look, LOOK_MS, on_look);
    else
        finish(s);
}

static void on_end(uv_poll_t *poll, int status, int events)
{
    struct stdio *s = poll->data;
    (void)status, (void)events;
    if (!gn_child_look(&s->child))
        return;
    uv_poll_stop(poll);
    if (s->link.is_closing) {
        gn_client_timer_start(client_of(s), &s->look, 0, on_look);
        return;
    }
    drain_output(s);
    drain_stderr(s);
    lose_ended(s);
}

static void close_stdio(struct gn_link *link)
{
    struct stdio *s = of(link);
    s->stage = s->end.is_open ? INPUT_ENDED : KILLED;
    if (s->queue.len == s->written || !s->in.is_open)
        end_input(s); /* else once it is written */
    else
        wake(s);
    go_on_ending(s);
    if (s->child.has_ended || !s->end.is_open)
        gn_client_timer_start(client_of(s), &s->look, 0, on_look);
}

static void hurry_stdio(struct gn_link *link)
{
    struct stdio *s = of(link);
    uint64_t soon = gn_clock_ms() + GN_CLIENT_HURRY_MS;
    if (s->stage < KILLED && gn_client_timer_runs(&s->patience) && s->patience.at_ms > soon)
        gn_client_timer_start(client_of(s), &s->patience, GN_CLIENT_HURRY_MS, on_impatient);
}

/* ---------------------------------------------------------------- its beginning */

static void watch_all(struct stdio *s)
{
    int rc = watch_open(s, &s->end, s->child.pidfd);
    if (rc == 0)
        rc = watch_open(s, &s->in, s->child.in);
    if (rc == 0)
        rc = watch_open(s, &s->out, s->child.out);
    if (rc == 0)
        rc = watch_open(s, &s->err, s->child.err);
    if (rc) {
        gn_error_set(&s->cannot, rc, "%.200s: cannot be waited for: %s", client_of(s)->s.shown,
                     uv_strerror(rc));
        return;
    }
    uv_poll_start(&s->end.poll, UV_READABLE, on_end);
    uv_poll_start(&s->out.poll, UV_READABLE, on_output);
    uv_poll_start(&s->err.poll, UV_READABLE, on_stderr);
}

static struct gn_link *open_stdio(gantry_client *c, struct gn_error *err)
{
    struct gn_child child;
    if (gn_child_start(&child, &c->s, err))
        return NULL;
    struct stdio *s = gn_calloc(1, sizeof(*s));
    size_t max = GN_MIN(c->s.max_message, SIZE_MAX / 4);
    s->link = (struct gn_link){.ops = &gn_link_stdio, .client = c};
    s->child = child;
    s->stderr_fd = -1;
    if (c->s.stderr_file) {
        s->stderr_fd = gn_output_open(c->s.stderr_file, &s->no_file);
        gn_error_prefix(&s->no_file, "stderr_file: ");
    }
    gn_buf_init(&s->queue, 2 * GN_MAX(max + 1, (size_t)QUEUE_MIN));
    gn_buf_init(&s->line, max + 2 * (size_t)READ_SIZE);
    gn_buf_init(&s->said, STDERR_LINE + 2 * (size_t)READ_SIZE);
    gn_buf_init(&s->words, 3 * (size_t)WORDS_MAX);
    uv_idle_init(c->uv, &s->soon);
    s->soon.data = s;
    s->open_handles = 1;
    watch_all(s);
    wake(s);
    return &s->link;
}

const struct gn_link_ops gn_link_stdio = {
    .name = "stdio",
    .open = open_stdio,
    .send = send_stdio,
    .forget = forget_stdio,
    .close = close_stdio,
    .hurry = hurry_stdio,
};
