/* stdio.c - one client over two descriptors: one message a line.
 *
 * Input that can be polled (pipe, socket, terminal) is read when it is ready; a file is read a
 * piece a turn. Output is written at once while the reader keeps up and waits in a bounded queue
 * when it does not; a client that sends without reading is not listened to until it has read.
 *
 * Nothing here tells the protocol from within one of its own calls that the client is gone:
 * `broken` only notes it, and the loop acts on it on the next turn.
 */
#include "transport/transport.h"

#include "coro/loop.h"
#include "transport/queue.h"
#include "util/alloc.h"
#include "util/buf.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE (64u * 1024)
#define CLOSE_FLUSH_MS 1000 /* how long closing waits for a reader */
#define DRAIN_POLL_MS 10
#define COMPONENT "stdio"

enum input {
    INPUT_OPEN,
    INPUT_ENDED, /* no more will come: requests are being answered */
    INPUT_TOLD,  /* and on_end has been called */
};

/* One of the two descriptors. */
struct end {
    struct gn_stdio *t;
    int fd;
    int flags;     /* as they were: they belong to the open file, which others may share */
    bool owned;    /* the descriptor is ours to close */
    bool pollable; /* else a file: always ready */
    bool polling;
    uv_poll_t poll;
};

#define GN_STDIO_MAGIC 0x57d10001u
struct gn_stdio {
    uint32_t magic;
    struct gn_transport_env env;
    struct gn_stream stream;
    struct end in, out;
    struct gn_queue queue;
    struct gn_buf line;
    bool skipping; /* the rest of a line that was too long */
    bool reading;  /* inside on_input: what is answered meanwhile is written at its end */
    bool broken;   /* nothing can be written any more */
    bool closed;   /* the protocol has been told */
    enum input input;
    uint64_t drain_until;
    struct gn_timer next_read, check, flush;
    void (*on_end)(void *arg);
    void *end_arg;
    bool closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
    unsigned handles; /* uv handles not closed yet */
    struct gn_post finished;
};

static void read_some(struct gn_stdio *t);
static void check_end(struct gn_timer *timer);
static void close_now(struct gn_stdio *t);

/* ---- output */

static void note_broken(struct gn_stdio *t)
{
    if (t->broken)
        return;
    t->broken = true;
    gn_queue_release(&t->queue);
    if (!t->closing)
        gn_timer_start(t->env.loop, &t->check, 0, check_end);
}

static void on_writable(uv_poll_t *poll, int status, int events);

static void poll_output(struct gn_stdio *t, bool on)
{
    if (on == t->out.polling || !t->out.pollable)
        return;
    t->out.polling = on;
    if (on)
        uv_poll_start(&t->out.poll, UV_WRITABLE, on_writable);
    else
        uv_poll_stop(&t->out.poll);
}

static void flush(struct gn_stdio *t)
{
    size_t len;
    const char *data;
    while (!t->broken && (data = gn_queue_front(&t->queue, &len))) {
        ssize_t n = write(t->out.fd, data, len);
        if (n > 0)
            gn_queue_used(&t->queue, (size_t)n);
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && t->out.pollable)
            break;
        else if (n == 0 || errno != EINTR)
            note_broken(t);
    }
    poll_output(t, t->queue.len > 0);
    gn_queue_deliver(&t->queue);
}

/* True while the client has so much to read that it is not asked for more. */
static bool is_behind(const struct gn_stdio *t)
{
    return t->queue.len > t->queue.max / 4;
}

static void resume_input(struct gn_stdio *t);

static void on_writable(uv_poll_t *poll, int status, int events)
{
    struct gn_stdio *t = poll->data;
    GN_CHECK(t, GN_STDIO_MAGIC);
    (void)status; /* a broken pipe shows itself in write */
    (void)events;
    flush(t);
    if (t->closing && (t->broken || t->queue.len == 0))
        close_now(t);
    else if (!is_behind(t))
        resume_input(t);
}

/* Adds it to what waits. */
static int add_line(struct gn_stdio *t, const char *json, size_t len, enum gn_weight weight,
                    struct gn_buf *whole)
{
    if (t->broken || t->closed)
        return GN_EPIPE;
    int r = gn_queue_room(&t->queue, weight);
    if (r == GN_EBUSY) {
        t->queue.dropped++;
        return GN_EBUSY;
    }
    if (r) {
        gn_log(t->env.log, GN_WARNING, COMPONENT,
               "the client does not read: %zu bytes wait for it, giving it up", t->queue.len);
        note_broken(t);
        return GN_EPIPE;
    }
    gn_queue_add_whole(&t->queue, json, len, whole);
    gn_queue_add(&t->queue, "\n", 1);
    return 0;
}

static int op_send(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight)
{
    struct gn_stdio *t = GN_CONTAINER(s, struct gn_stdio, stream);
    int r = add_line(t, json, len, weight, NULL);
    if (r == 0 && !t->reading)
        flush(t);
    return r == 0 && t->broken ? GN_EPIPE : r;
}

static void op_end(struct gn_stream *s, int status, const char *json, size_t len)
{
    struct gn_stdio *t = GN_CONTAINER(s, struct gn_stdio, stream);
    struct gn_delivery *delivery = gn_delivery_take(s);
    struct gn_buf *whole = gn_whole_take(s);
    (void)status;
    int r = json ? add_line(t, json, len, GN_MUST, whole) : 0;
    if (r) {
        gn_delivery_tell(delivery, false);
        return;
    }
    gn_queue_mark(&t->queue, delivery);
    if (!t->reading)
        flush(t);
}

static const struct gn_stream_ops stdio_ops = {.send = op_send, .end = op_end};

/* ---- input */

static void poll_input(struct gn_stdio *t, bool on);

/* A blank line is none. */
static bool is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    }
    return true;
}

static void receive(struct gn_stdio *t, const char *line, size_t len)
{
    if (len && line[len - 1] == '\r')
        len--;
    if (!is_blank(line, len))
        gn_protocol_receive(t->env.protocol, &t->stream, gn_strndup(line, len), len);
}

static void end_line(struct gn_stdio *t)
{
    if (t->line.len)
        receive(t, t->line.data, t->line.len);
    gn_buf_clear(&t->line);
}

/* Adds to the line that has begun; past the maximum it is refused once, and skipped. */
static void add_to_line(struct gn_stdio *t, const char *data, size_t len)
{
    uint64_t max = t->env.config->max_line;
    if (t->skipping)
        return;
    if (t->line.len + len <= max) {
        t->line.max = GN_MAX(t->line.max, max);
        gn_buf_add(&t->line, data, len);
        return;
    }
    t->skipping = true;
    gn_buf_release(&t->line);
    GN_AUTO_FREE char *text = gn_format("the line is longer than %llu bytes (limits.max_line)",
                                        (unsigned long long)max);
    gn_protocol_refuse(t->env.protocol, &t->stream, 413, -32600, text);
}

static void feed(struct gn_stdio *t, const char *data, size_t len)
{
    while (len && !t->broken) {
        const char *eol = memchr(data, '\n', len);
        size_t part = eol ? (size_t)(eol - data) : len;
        if (eol && !t->skipping && t->line.len == 0 && part <= t->env.config->max_line) {
            receive(t, data, part); /* the common case: whole, and copied once */
        } else {
            add_to_line(t, data, part);
            if (eol && !t->skipping)
                end_line(t);
        }
        if (eol) {
            t->skipping = false;
            part++;
        }
        data += part;
        len -= part;
    }
}

static void input_ended(struct gn_stdio *t)
{
    t->input = INPUT_ENDED;
    poll_input(t, false);
    if (!t->skipping)
        end_line(t);
    gn_buf_release(&t->line);
    t->drain_until = uv_now(gn_loop_uv(t->env.loop)) + t->env.config->drain_ms;
    gn_timer_start(t->env.loop, &t->check, 0, check_end);
}

static void read_some(struct gn_stdio *t)
{
    char buf[READ_SIZE];
    ssize_t n = read(t->in.fd, buf, sizeof(buf));
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    t->reading = true;
    if (n > 0)
        feed(t, buf, (size_t)n);
    else
        input_ended(t);
    t->reading = false;
    flush(t);
    if (is_behind(t))
        poll_input(t, false);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct gn_stdio *t = poll->data;
    GN_CHECK(t, GN_STDIO_MAGIC);
    (void)status; /* read tells, too */
    (void)events;
    read_some(t);
}

static void read_file(struct gn_timer *timer)
{
    struct gn_stdio *t = GN_CONTAINER(timer, struct gn_stdio, next_read);
    GN_CHECK(t, GN_STDIO_MAGIC);
    read_some(t);
    if (t->in.polling)
        gn_timer_start(t->env.loop, &t->next_read, 0, read_file);
}

static void poll_input(struct gn_stdio *t, bool on)
{
    if (on == t->in.polling)
        return;
    t->in.polling = on;
    if (!t->in.pollable && on)
        gn_timer_start(t->env.loop, &t->next_read, 0, read_file);
    else if (!t->in.pollable)
        gn_timer_stop(&t->next_read);
    else if (on)
        uv_poll_start(&t->in.poll, UV_READABLE, on_readable);
    else
        uv_poll_stop(&t->in.poll);
}

static void resume_input(struct gn_stdio *t)
{
    if (t->input == INPUT_OPEN && !t->broken && !t->closing)
        poll_input(t, true);
}

/* ---- the end */

static void tell_closed(struct gn_stdio *t)
{
    if (t->closed)
        return;
    t->closed = true;
    gn_protocol_closed(t->env.protocol, &t->stream);
}

/* After the end of input: looks now and then whether all is answered and written. */
static void check_end(struct gn_timer *timer)
{
    struct gn_stdio *t = GN_CONTAINER(timer, struct gn_stdio, check);
    GN_CHECK(t, GN_STDIO_MAGIC);
    if (t->closing || t->input == INPUT_TOLD)
        return;
    bool answered = gn_list_empty(&t->stream.requests) ||
                    gn_protocol_in_flight(t->env.protocol) == 0;
    bool late = uv_now(gn_loop_uv(t->env.loop)) >= t->drain_until;
    if (!t->broken && !late && (!answered || t->queue.len > 0)) {
        gn_timer_start(t->env.loop, &t->check, DRAIN_POLL_MS, check_end);
        return;
    }
    if (late && !t->broken && !answered)
        gn_log(t->env.log, GN_WARNING, COMPONENT,
               "input has ended and requests are not answered in time: cancelled");
    poll_input(t, false);
    tell_closed(t);
    t->input = INPUT_TOLD;
    t->on_end(t->end_arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct gn_stdio *t = handle->data;
    GN_CHECK(t, GN_STDIO_MAGIC);
    struct end *end = handle == (uv_handle_t *)&t->in.poll ? &t->in : &t->out;
    (void)fcntl(end->fd, F_SETFL, end->flags);
    if (end->owned)
        close(end->fd);
    if (--t->handles == 0)
        gn_loop_post(t->env.loop, &t->finished, t->finished.run);
}

static void finish(struct gn_post *post)
{
    struct gn_stdio *t = GN_CONTAINER(post, struct gn_stdio, finished);
    GN_CHECK(t, GN_STDIO_MAGIC);
    void (*on_closed)(void *arg) = t->on_closed;
    void *arg = t->closed_arg;
    gn_queue_release(&t->queue);
    gn_buf_release(&t->line);
    t->magic = 0;
    gn_free(t);
    if (on_closed)
        on_closed(arg);
}

static void close_end(struct end *end)
{
    if (end->pollable)
        uv_close((uv_handle_t *)&end->poll, on_handle_closed);
    else if (end->owned)
        close(end->fd);
}

static void close_now(struct gn_stdio *t)
{
    gn_timer_stop(&t->flush);
    poll_output(t, false);
    unsigned handles = t->handles;
    close_end(&t->in);
    close_end(&t->out);
    if (handles == 0)
        gn_loop_post(t->env.loop, &t->finished, finish);
}

static void flush_over(struct gn_timer *timer)
{
    close_now(GN_CONTAINER(timer, struct gn_stdio, flush));
}

/* ---- */

static void open_end(struct gn_stdio *t, struct end *end, int fd)
{
    end->t = t;
    end->fd = fd;
    end->flags = fcntl(fd, F_GETFL);
    end->pollable = uv_poll_init(gn_loop_uv(t->env.loop), &end->poll, fd) == 0;
    if (end->pollable) {
        end->poll.data = t;
        t->handles++;
    }
}

struct gn_stdio *gn_stdio_new(const struct gn_transport_env *env, int in_fd, int out_fd,
                              void (*on_end)(void *arg), void *arg)
{
    struct gn_stdio *t = gn_calloc(1, sizeof(*t));
    t->magic = GN_STDIO_MAGIC;
    t->env = *env;
    t->on_end = on_end;
    t->end_arg = arg;
    t->finished.run = finish;
    gn_stream_init(&t->stream, &stdio_ops, true, "stdio");
    t->stream.takes_whole = true;
    gn_queue_init(&t->queue, env->config->max_output_queue, NULL);
    gn_buf_init(&t->line, env->config->max_line);
    open_end(t, &t->in, in_fd);
    /* uv polls a descriptor once: a socket that is both gets a second number. */
    t->out.owned = out_fd == in_fd;
    int out = t->out.owned ? fcntl(out_fd, F_DUPFD_CLOEXEC, 3) : out_fd;
    open_end(t, &t->out, out);
    poll_input(t, true);
    return t;
}

void gn_stdio_configure(struct gn_stdio *t, const struct gn_config *config)
{
    GN_CHECK(t, GN_STDIO_MAGIC);
    t->env.config = config;
}

void gn_stdio_close(struct gn_stdio *t, void (*on_closed)(void *arg), void *arg)
{
    GN_CHECK(t, GN_STDIO_MAGIC);
    gn_assert(!t->closing);
    poll_input(t, false);
    gn_timer_stop(&t->check);
    tell_closed(t);
    t->closing = true;
    t->on_closed = on_closed;
    t->closed_arg = arg;
    flush(t);
    if (t->broken || t->queue.len == 0)
        close_now(t);
    else
        gn_timer_start(t->env.loop, &t->flush, CLOSE_FLUSH_MS, flush_over);
}

void gn_stdio_status(const struct gn_stdio *t, struct gn_transport_status *ret)
{
    GN_CHECK(t, GN_STDIO_MAGIC);
    ret->connections = !t->closed;
    ret->output_bytes = t->queue.len;
}
