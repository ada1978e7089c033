/* http_lws.c - connections: the callbacks of libwebsockets, reading, writing, time limits, closing.
 *
 * libwebsockets 4.1.6 carries bytes and TLS here, and does not parse HTTP: its HTTP/1 server takes
 * the head of a pipelined POST for its body, and then never returns from that loop, so that any
 * client could stop the process with two requests in one packet. It also leaves chunked bodies as
 * they are, does not notice that the client of a waiting GET hangs up, and ends requests that run
 * for more than six minutes. Its raw role has none of that.
 *
 * What to know about the raw role: with bytes that the kernel did not take it does not read, but is
 * called whenever it could. So it never gets to keep any: plain sockets are written to directly,
 * and TLS in small pieces while the socket has room. Its own time limits are not used, and its
 * asynchronous kill waits for a timer that nothing arms: ours, and the synchronous one.
 */
#include "transport/http.h"

#include "util/alloc.h"
#include "util/clock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define IDLE_MS 120000 /* a connection kept alive without a request */
#define LINGER_MS 2000
#define TAKEN_MIN (64u * 1024) /* a client takes so much, or all, in a body_timeout */
#define TLS_PIECE (8u * 1024)
#define HOLD_SIZE (64u * 1024)    /* this much may wait behind the request that is served */
#define IN_MAX (4u * 1024 * 1024) /* more than that, one read, and the largest head */

/* ---- time */

static void on_timer(struct gn_timer *timer)
{
    struct gn_http_conn *c = GN_CONTAINER(timer, struct gn_http_conn, timer);
    GN_CHECK(c, GN_HTTP_CONN_MAGIC);
    switch (c->state) {
    case GN_HTTP_IDLE:
    case GN_HTTP_LINGER:
        gn_http_conn_close(c);
        break;
    case GN_HTTP_BODY:
        gn_http_request_timeout(c);
        break;
    case GN_HTTP_RUNNING:
    case GN_HTTP_ANSWERED:
        gn_http_answer_tick(c);
        break;
    case GN_HTTP_WEBSOCKET:
        gn_websocket_tick(c);
        break;
    }
}

void gn_http_conn_set_timer(struct gn_http_conn *c, uint64_t delay_ms)
{
    gn_timer_start(c->server->env.loop, &c->timer, delay_ms, on_timer);
}

void gn_http_conn_stop_timer(struct gn_http_conn *c)
{
    gn_timer_stop(&c->timer);
}

void gn_http_conn_set_idle(struct gn_http_conn *c, bool idle)
{
    gn_list_remove(&c->idle_node);
    if (idle && !c->listener->is_pages) /* closing those would make no room */
        gn_list_append(&c->server->idle, &c->idle_node);
}

/* ---- writing */

static size_t write_tls(struct gn_http_conn *c, const char *data, size_t len)
{
    if (lws_partial_buffered(c->wsi) || lws_send_pipe_choked(c->wsi))
        return 0;
    len = GN_MIN(len, TLS_PIECE);
    if (lws_write(c->wsi, (unsigned char *)(uintptr_t)data, len, LWS_WRITE_RAW) >= 0)
        return len;
    gn_http_conn_doom(c);
    return 0;
}

size_t gn_http_conn_write(struct gn_http_conn *c, const char *data, size_t len)
{
    size_t done = 0;
    if (c->is_tls) {
        done = write_tls(c, data, len);
    } else {
        ssize_t n = send(lws_get_socket_fd(c->wsi), data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0)
            done = (size_t)n;
        else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            gn_http_conn_doom(c);
    }
    c->written += done;
    return done;
}

/* What has left the kernel, too: that frees room for us in pieces of megabytes, between which a
 * client that reads steadily would look as if it had stopped. */
static uint64_t taken_by(const struct gn_http_conn *c)
{
    int queued = 0;
    if (ioctl(lws_get_socket_fd(c->wsi), SIOCOUTQ, &queued) || queued < 0)
        queued = 0;
    return c->written - GN_MIN((uint64_t)queued, c->written);
}

static void note_progress(struct gn_http_conn *c)
{
    if (c->out.len == 0) {
        gn_list_remove(&c->waiting_node);
        return;
    }
    uint64_t taken = taken_by(c);
    bool is_new = gn_list_empty(&c->waiting_node);
    if (!is_new && taken < c->taken + TAKEN_MIN)
        return;
    c->taken = taken;
    c->taken_at = gn_clock_ms();
    gn_list_remove(&c->waiting_node);
    gn_list_append(&c->server->waiting, &c->waiting_node);
}

uint64_t gn_http_conn_progress(struct gn_http_conn *c)
{
    if (gn_list_empty(&c->waiting_node))
        return UINT64_MAX;
    note_progress(c);
    uint64_t now = gn_clock_ms(), until = c->taken_at + c->server->env.config->body_timeout_ms;
    return until > now ? until - now : 0;
}

static bool is_all_written(const struct gn_http_conn *c)
{
    return c->out.len == 0 && !(c->is_tls && lws_partial_buffered(c->wsi));
}

/* Tells the deliveries whose bytes the kernel has. */
static void deliver(struct gn_http_conn *c)
{
    if (!c->is_tls || !lws_partial_buffered(c->wsi))
        gn_queue_deliver(&c->out);
}

void gn_http_conn_mark(struct gn_http_conn *c, struct gn_delivery *delivery)
{
    if (!delivery)
        return;
    if (!c->wsi || c->doomed) {
        gn_delivery_tell(delivery, false);
        return;
    }
    gn_queue_mark(&c->out, delivery);
    deliver(c);
}

static void write_waiting(struct gn_http_conn *c)
{
    size_t len, done = 1;
    const char *data;
    while (done && !c->doomed && (data = gn_queue_front(&c->out, &len))) {
        done = gn_http_conn_write(c, data, len);
        if (!c->doomed)
            gn_queue_used(&c->out, done);
    }
    if (c->doomed)
        return;
    note_progress(c);
    deliver(c);
}

/* ---- from request to request */

/* The answer is out, but the client still sends: closing now would make the kernel take back what
 * the client has not read yet (RFC 9112 9.6). So only our half is closed. */
static void linger(struct gn_http_conn *c)
{
    c->state = GN_HTTP_LINGER;
    gn_http_conn_set_timer(c, LINGER_MS);
    if (!c->is_tls)
        shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
}

/* After the last byte of an answer. False: the connection ends. */
static bool next_request(struct gn_http_conn *c, bool more_came)
{
    bool ends = c->close_after || c->server->closing;
    bool sends = c->body_pending || more_came;
    gn_http_request_reset(c);
    if (ends && !sends)
        return false;
    if (ends) {
        linger(c);
        return true;
    }
    c->state = GN_HTTP_IDLE;
    gn_http_conn_set_idle(c, true);
    gn_http_conn_set_timer(c, IDLE_MS);
    return true;
}

/* Goes on as far as it can with what was received and what is to be written: returns how much of
 * the former is used up. Sets `doomed` when the connection ends. */
static size_t advance(struct gn_http_conn *c, const char *data, size_t len)
{
    for (size_t at = 0;;) {
        write_waiting(c);
        if (c->doomed)
            return len;
        bool moved = c->state == GN_HTTP_ANSWERED && is_all_written(c);
        if (moved && !next_request(c, at < len)) {
            c->doomed = true;
            return len;
        }
        size_t used = at < len ? gn_http_request_feed(c, data + at, len - at) : 0;
        at += used;
        if (!moved && !used)
            return at;
    }
}

static void keep_rest(struct gn_http_conn *c, const char *data, size_t len, bool was_kept,
                      size_t used)
{
    if (was_kept)
        gn_buf_consume(&c->in, used);
    else if (used < len && gn_buf_add(&c->in, data + used, len - used))
        c->doomed = true;
    if (c->in.len == 0)
        gn_buf_release(&c->in);
    bool hold = c->in.len > HOLD_SIZE;
    if (hold != c->is_held && !c->doomed)
        lws_rx_flow_control(c->wsi, !hold);
    c->is_held = hold;
}

/* One lws callback, or one turn of ours. Negative: close the connection. */
static int run(struct gn_http_conn *c, const char *data, size_t len)
{
    if (c->doomed)
        return -1;
    bool was_kept = c->in.len > 0;
    if (was_kept) {
        if (len && gn_buf_add(&c->in, data, len))
            return -1;
        data = c->in.data;
        len = c->in.len;
    }
    c->in_callback = true;
    size_t used = advance(c, data, len);
    c->in_callback = false;
    keep_rest(c, data, len, was_kept, used);
    if (c->doomed)
        return -1;
    if (!is_all_written(c) && !c->wants_write) {
        c->wants_write = true;
        lws_callback_on_writable(c->wsi);
    }
    return 0;
}

static void flush_dirty(struct gn_timer *timer)
{
    struct gn_http_server *s = GN_CONTAINER(timer, struct gn_http_server, flush);
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    struct gn_list now;
    gn_list_init(&now);
    while (!gn_list_empty(&s->dirty))
        gn_list_append(&now, gn_list_pop(&s->dirty));
    for (struct gn_list *n; (n = gn_list_pop(&now));) {
        struct gn_http_conn *c = GN_CONTAINER(n, struct gn_http_conn, dirty_node);
        GN_CHECK(c, GN_HTTP_CONN_MAGIC);
        if (run(c, NULL, 0) < 0)
            gn_http_conn_close(c);
    }
}

static void mark_dirty(struct gn_http_conn *c)
{
    struct gn_http_server *s = c->server;
    if (!gn_list_empty(&c->dirty_node))
        return;
    gn_list_append(&s->dirty, &c->dirty_node);
    if (!gn_timer_is_running(&s->flush))
        gn_timer_start(s->env.loop, &s->flush, 0, flush_dirty);
}

void gn_http_conn_want_write(struct gn_http_conn *c)
{
    if (!c->in_callback && !c->wants_write && c->wsi)
        mark_dirty(c);
}

void gn_http_conn_doom(struct gn_http_conn *c)
{
    if (c->doomed)
        return;
    c->doomed = true;
    gn_queue_release(&c->out);
    gn_list_remove(&c->waiting_node);
    mark_dirty(c);
}

/* ---- life */

static uint32_t *counter_of(struct gn_http_conn *c)
{
    return c->listener->is_pages ? &c->server->pages_count : &c->server->conn_count;
}

static struct gn_http_conn *conn_new(struct gn_http_listener *l)
{
    struct gn_http_server *s = l->server;
    struct gn_http_conn *c = gn_calloc(1, sizeof(*c));
    c->magic = GN_HTTP_CONN_MAGIC;
    c->server = s;
    c->listener = l;
    c->is_tls = l->vhost != s->plain;
    gn_list_init(&c->idle_node);
    gn_list_init(&c->dirty_node);
    gn_list_init(&c->waiting_node);
    gn_list_append(&s->conns, &c->node);
    gn_buf_init(&c->in, IN_MAX);
    gn_http_request_init(c);
    ++*counter_of(c);
    gn_http_conn_set_idle(c, true);
    gn_http_conn_set_timer(c, s->env.config->header_timeout_ms);
    return c;
}

/* lws is done with the connection, or is about to be. */
static void conn_free(struct gn_http_conn *c)
{
    if (c->wsi)
        lws_set_opaque_user_data(c->wsi, NULL);
    c->wsi = NULL;
    if (c->with_protocol) {
        c->with_protocol = false;
        gn_protocol_closed(c->server->env.protocol, &c->stream);
    }
    gn_http_request_reset(c);
    gn_timer_stop(&c->timer);
    gn_buf_release(&c->in);
    gn_free(c->principal);
    gn_list_remove(&c->node);
    gn_list_remove(&c->idle_node);
    gn_list_remove(&c->dirty_node);
    --*counter_of(c);
    if (c->server->adopting == c)
        c->server->adopting = NULL;
    c->magic = 0;
    gn_free(c);
}

void gn_http_conn_close(struct gn_http_conn *c)
{
    GN_CHECK(c, GN_HTTP_CONN_MAGIC);
    struct lws *wsi = c->wsi;
    conn_free(c);
    if (wsi)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}

void gn_http_adopt(struct gn_http_listener *l, int fd)
{
    struct gn_http_conn *c = conn_new(l);
    lws_adopt_desc_t desc = {
        .vh = l->vhost,
        .type = LWS_ADOPT_SOCKET | (c->is_tls ? LWS_ADOPT_ALLOW_SSL : 0),
        .fd.sockfd = fd,
        .opaque = c,
    };
    l->server->adopting = c;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&desc);
    c = l->server->adopting;
    l->server->adopting = NULL;
    /* On failure lws has closed the socket. It has told so, or will, unless it did not get as far
     * as making a wsi. */
    if (!wsi && c && !c->wsi)
        conn_free(c);
}

/* ---- callbacks */

static void on_create(struct lws *wsi)
{
    struct gn_http_server *s = lws_context_user(lws_get_context(wsi));
    if (s && s->adopting)
        s->adopting->wsi = wsi;
}

static int on_writable(struct gn_http_conn *c)
{
    c->wants_write = false;
    return run(c, NULL, 0);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    (void)user;
    struct gn_http_conn *c;
    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
        on_create(wsi);
        return 0;
    case LWS_CALLBACK_RAW_RX:
        c = lws_get_opaque_user_data(wsi);
        return c ? run(c, in, len) : -1;
    case LWS_CALLBACK_RAW_WRITEABLE:
        c = lws_get_opaque_user_data(wsi);
        return c ? on_writable(c) : -1;
    case LWS_CALLBACK_RAW_CLOSE:
    case LWS_CALLBACK_WSI_DESTROY:
        c = lws_get_opaque_user_data(wsi);
        if (c)
            conn_free(c);
        return 0;
    default:
        return 0;
    }
}

const struct lws_protocols gn_http_protocols[] = {
    {.name = "http", .callback = callback},
    {.name = NULL},
};
