/* stdio.c - a server that is a program of ours: one message a line on its input and output
 * (2026-07-28 "Transports", stdio).
 *
 * What is sent is queued, and leaves in one piece at the beginning of the loop's next turn. Its end
 * is told once all that it had written is read. Ending it: its input is closed, then it and its
 * group are asked to end (SIGTERM), then killed; meanwhile what it writes is read, so that it can
 * come to its end.
 */
#include "stdio_internal.h"

#include "output.h"

#include "util/alloc.h"

#include <unistd.h>

#define KEPT_MAX (1 << 20)  /* bytes of memory that an empty buffer keeps for the next message */
#define QUEUE_MIN (8 << 20) /* bytes that may wait to be read by it, if no message is larger */

static void on_soon(uv_idle_t *uv);

/* ---------------------------------------------------------------- handles */

void gn_stdio_handle_closed(uv_handle_t *handle)
{
    struct gn_stdio *s = handle->data;
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

static int watch_open(struct gn_stdio *s, struct gn_stdio_watch *w, int fd)
{
    int rc = uv_poll_init(gn_stdio_client(s)->uv, &w->poll, fd);
    if (rc)
        return rc;
    w->poll.data = s;
    w->is_open = true;
    s->open_handles++;
    return 0;
}

void gn_stdio_unwatch(struct gn_stdio_watch *w, int *fd)
{
    if (w->is_open)
        uv_close((uv_handle_t *)&w->poll, gn_stdio_handle_closed);
    w->is_open = false;
    gn_child_close(fd);
}

void gn_stdio_wake(struct gn_stdio *s)
{
    if (!uv_is_closing((uv_handle_t *)&s->soon))
        uv_idle_start(&s->soon, on_soon);
}

/* ---------------------------------------------------------------- its input */

void gn_stdio_empty(struct gn_buf *b)
{
    if (b->cap > KEPT_MAX)
        gn_buf_release(b);
    else
        gn_buf_clear(b);
}

void gn_stdio_end_input(struct gn_stdio *s)
{
    gn_stdio_unwatch(&s->in, &s->child.in);
}

static void flush(struct gn_stdio *s);

static void on_input(uv_poll_t *poll, int status, int events)
{
    struct gn_stdio *s = poll->data;
    (void)events;
    if (status == 0)
        flush(s);
    else if (gn_stdio_unread_from(s) < s->queued_total) /* and nobody is left to read it */
        gn_stdio_expect_end(s, "input");
}

/* Always for its being closed; else what is in the pipe might wait for an answer in vain. */
static void watch_input(struct gn_stdio *s, int events)
{
    if (s->in.is_open)
        uv_poll_start(&s->in.poll, events | UV_DISCONNECT, on_input);
}

static void flush(struct gn_stdio *s)
{
    while (s->child.in >= 0 && s->queue.len > s->written) {
        ssize_t n = gn_output_write(s->child.in, s->queue.data + s->written,
                                    s->queue.len - s->written);
        if (n == -EAGAIN) {
            watch_input(s, UV_WRITABLE);
            break;
        }
        if (n < 0) {
            if (s->link.is_closing)
                gn_stdio_end_input(s);
            else
                gn_stdio_expect_end(s, "input");
            return;
        }
        s->written += (size_t)n;
    }
    if (s->written == s->queue.len) {
        gn_stdio_empty(&s->queue);
        s->written = 0;
        watch_input(s, 0);
        if (s->link.is_closing)
            gn_stdio_end_input(s);
    } else if (s->written > s->queue.len / 2) {
        gn_buf_consume(&s->queue, s->written);
        s->written = 0;
    }
}

static void cannot_read(const struct gn_stdio *s, struct gn_error *err)
{
    gn_error_set(err, GN_ETOOBIG,
                 "%.200s does not read its input: %zu bytes wait to be read already",
                 gn_stdio_client(s)->s.shown, s->queue.len - s->written);
}

static void send_stdio(struct gn_link *link, const struct gn_outgoing *m)
{
    struct gn_stdio *s = GN_CONTAINER(link, struct gn_stdio, link);
    size_t waits = s->queue.len - s->written;
    bool has_room = waits + m->len < s->queue.max / 2;
    gn_stdio_wake(s);
    if (m->request)
        m->request->link_data = (void *)(has_room ? (uintptr_t)s->queued_total + 1
                                                  : GN_STDIO_REFUSED);
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

static void fail_refused(struct gn_stdio *s)
{
    struct gn_failure f = {.status = GANTRY_CLIENT_LIMIT, .was_not_sent = true, .is_passing = true};
    s->has_refused = false;
    cannot_read(s, &f.why);
    gn_stdio_fail_from(s, GN_STDIO_REFUSED, &f);
}

/* ---------------------------------------------------------------- the loop's next turn */

static void on_soon(uv_idle_t *uv)
{
    struct gn_stdio *s = uv->data;
    uv_idle_stop(uv);
    if (s->cannot.code && !s->link.is_closing) {
        struct gn_error cannot = s->cannot;
        gn_stdio_lose(s, GANTRY_CLIENT_CONNECTION, &cannot);
        return;
    }
    if (s->no_file.code)
        gn_client_note(gn_stdio_client(s), "%s", s->no_file.text);
    s->no_file.code = 0;
    if (!s->was_opened && !s->link.is_closing) {
        s->was_opened = true;
        gn_link_opened(&s->link);
    }
    if (s->has_refused && !s->link.is_closing)
        fail_refused(s);
    flush(s);
}

/* ---------------------------------------------------------------- its beginning */

static void watch_all(struct gn_stdio *s)
{
    int rc = watch_open(s, &s->end, s->child.pidfd);
    if (rc == 0)
        rc = watch_open(s, &s->in, s->child.in);
    if (rc == 0)
        rc = watch_open(s, &s->out, s->child.out);
    if (rc == 0)
        rc = watch_open(s, &s->err, s->child.err);
    if (rc) {
        gn_error_set(&s->cannot, rc, "%.200s: cannot be waited for: %s",
                     gn_stdio_client(s)->s.shown, uv_strerror(rc));
        return;
    }
    watch_input(s, 0);
    uv_poll_start(&s->end.poll, UV_READABLE, gn_stdio_on_end);
    uv_poll_start(&s->out.poll, UV_READABLE, gn_stdio_on_output);
    uv_poll_start(&s->err.poll, UV_READABLE, gn_stdio_on_stderr);
}

static struct gn_link *open_stdio(gantry_client *c, struct gn_error *err)
{
    struct gn_child child;
    if (gn_child_start(&child, &c->s, err))
        return NULL;
    struct gn_stdio *s = gn_calloc(1, sizeof(*s));
    size_t max = GN_MIN(c->s.max_message, SIZE_MAX / 4);
    s->link = (struct gn_link){.ops = &gn_link_stdio, .client = c};
    s->child = child;
    s->stderr_fd = -1;
    if (c->s.stderr_file) {
        s->stderr_fd = gn_output_open(c->s.stderr_file, &s->no_file);
        gn_error_prefix(&s->no_file, "stderr_file: ");
    }
    gn_buf_init(&s->queue, 2 * GN_MAX(max + 1, (size_t)QUEUE_MIN));
    gn_buf_init(&s->line, max + 2 * (size_t)GN_STDIO_READ_SIZE);
    gn_buf_init(&s->said, GN_STDIO_STDERR_LINE + 2 * (size_t)GN_STDIO_READ_SIZE);
    gn_buf_init(&s->words, GN_STDIO_WORDS);
    uv_idle_init(c->uv, &s->soon);
    s->soon.data = s;
    s->open_handles = 1;
    watch_all(s);
    gn_stdio_wake(s);
    return &s->link;
}

const struct gn_link_ops gn_link_stdio = {
    .name = "stdio",
    .open = open_stdio,
    .send = send_stdio,
    .forget = forget_stdio,
    .close = gn_stdio_begin_end,
    .hurry = gn_stdio_hurry,
};
