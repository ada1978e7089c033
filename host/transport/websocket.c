/* websocket.c - a WebSocket (RFC 6455) instead of requests and answers on an HTTP connection: the
 * handshake, messages in and out, signs of life, the end.
 *
 * The connection is one shared stream, as standard input and output are one: a text message is a
 * JSON-RPC message. What waits for a client that does not read is bounded by the connection's
 * queue, and a client that sends without reading is not listened to until it has read; that bounds
 * the answers to its pings, too. permessage-deflate is not offered: one small message may unfold to
 * any size, and JSON-RPC is short.
 *
 * Nothing here tells the protocol from within one of its own calls that the client is gone: what
 * cannot be queued dooms the connection, and that is seen to on the next turn.
 */
#include "transport/http.h"

#include "transport/guard.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/ws_frame.h"

#include <string.h>

#define COMPONENT "websocket"
#define SUBPROTOCOL "mcp"
#define KEY_BYTES 16
#define KEY_TEXT 24      /* of them, as Base64 */
#define UNANSWERED_MAX 2 /* pings in a row, with nothing heard since */

struct gn_websocket {
    struct gn_ws_reader reader;
    bool heard;          /* something has come since the last ping */
    unsigned unanswered; /* pings */
    uint64_t ping_at;
    uint64_t message_until; /* by then the message that has begun must have come; 0: none has */
};

/* ---- the handshake */

bool gn_websocket_is_wanted(const struct gn_http_conn *c)
{
    return c->route == GN_HTTP_MCP && c->method == GN_HTTP_GET && c->head.minor == 1 &&
           c->server->env.config->websocket &&
           gn_guard_has_token(gn_http_head_find(&c->head, "upgrade"), "websocket") &&
           gn_guard_has_token(gn_http_head_find(&c->head, "connection"), "upgrade");
}

static bool is_key(const char *key)
{
    struct gn_buf bytes = GN_BUF_INIT(KEY_BYTES);
    bool ok = key && strlen(key) == KEY_TEXT && gn_base64_decode(&bytes, key, KEY_TEXT) == 0 &&
              bytes.len == KEY_BYTES;
    gn_buf_release(&bytes);
    return ok;
}

bool gn_websocket_check(struct gn_http_conn *c)
{
    const char *version = gn_http_head_find(&c->head, "sec-websocket-version");
    const char *problem = NULL;
    if (!gn_streq(version, "13")) {
        gn_http_add_header(c, "Upgrade", "websocket");
        gn_http_add_header(c, "Sec-WebSocket-Version", "13");
        gn_http_answer_error(c, 426, "Sec-WebSocket-Version must be 13");
        return false;
    }
    if (c->body_pending)
        problem = "a request for a WebSocket has no body";
    else if (!is_key(gn_http_head_find(&c->head, "sec-websocket-key")))
        problem = "Sec-WebSocket-Key must be 16 bytes in Base64";
    if (problem)
        gn_http_answer_error(c, 400, problem);
    return !problem;
}

static void add_accept(struct gn_buf *b, const char *key)
{
    char accept[GN_WS_ACCEPT_MAX];
    gn_ws_accept(accept, key);
    gn_buf_addf(b, "Sec-WebSocket-Accept: %s\r\n", accept);
}

static void answer_handshake(struct gn_http_conn *c)
{
    const char *offered = gn_http_head_find(&c->head, "sec-websocket-protocol");
    struct gn_buf *b = &c->server->scratch;
    gn_buf_clear(b);
    gn_buf_adds(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\n");
    add_accept(b, gn_http_head_find(&c->head, "sec-websocket-key"));
    if (gn_guard_has_token(offered, SUBPROTOCOL))
        gn_buf_adds(b, "Sec-WebSocket-Protocol: " SUBPROTOCOL "\r\n");
    gn_buf_adds(b, "\r\n");
    gn_queue_add(&c->out, b->data, b->len);
    gn_http_conn_want_write(c);
}

/* ---- output */

static void add_frame_whole(struct gn_http_conn *c, enum gn_ws_opcode opcode, const void *data,
                            size_t len, struct gn_buf *whole)
{
    unsigned char head[GN_WS_HEAD_MAX];
    gn_queue_add(&c->out, head, gn_ws_write_head(head, opcode, len));
    if (len)
        gn_queue_add_whole(&c->out, data, len, whole);
    gn_http_conn_want_write(c);
}

static void add_frame(struct gn_http_conn *c, enum gn_ws_opcode opcode, const void *data,
                      size_t len)
{
    add_frame_whole(c, opcode, data, len, NULL);
}

/* No longer open, or about to be closed: nothing can be said any more. */
static bool is_over(const struct gn_http_conn *c)
{
    return !c->wsi || c->doomed || c->state != GN_HTTP_WEBSOCKET;
}

static int add_message(struct gn_http_conn *c, const char *json, size_t len, enum gn_weight weight,
                       struct gn_buf *whole)
{
    if (is_over(c))
        return GN_EPIPE;
    int r = gn_http_conn_room(c, len, weight);
    if (r == 0)
        add_frame_whole(c, GN_WS_OP_TEXT, json, len, whole);
    return r;
}

static struct gn_http_conn *conn_of(struct gn_stream *s)
{
    struct gn_http_conn *c = GN_CONTAINER(s, struct gn_http_conn, stream);
    GN_CHECK(c, GN_HTTP_CONN_MAGIC);
    return c;
}

static int op_send(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight)
{
    return add_message(conn_of(s), json, len, weight, NULL);
}

static void op_end(struct gn_stream *s, int status, const char *json, size_t len)
{
    struct gn_http_conn *c = conn_of(s);
    struct gn_delivery *delivery = gn_delivery_take(s);
    struct gn_buf *whole = gn_whole_take(s);
    (void)status;
    if (json && add_message(c, json, len, GN_MUST, whole))
        gn_delivery_tell(delivery, false);
    else
        gn_http_conn_mark(c, delivery);
}

static const struct gn_stream_ops websocket_ops = {.send = op_send, .end = op_end};

/* ---- the end */

/* Nothing is said or listened to any more: our Close frame is the last thing in the queue. What the
 * client still sends is dropped until it has read that, or its time is over. */
static void finish(struct gn_http_conn *c, bool more_may_come)
{
    c->state = GN_HTTP_ANSWERED;
    c->close_after = true;
    c->body_pending = more_may_come;
    c->with_protocol = false;
    gn_http_conn_set_timer(c, c->server->env.config->body_timeout_ms);
    gn_protocol_closed(c->server->env.protocol, &c->stream);
}

static void close_with(struct gn_http_conn *c, int status, const char *reason)
{
    unsigned char payload[GN_WS_CONTROL_MAX];
    size_t len = gn_ws_write_close(payload, status, reason);
    gn_log(c->server->env.log, GN_DEBUG, COMPONENT, "closing with %d: %s", status, reason);
    add_frame(c, GN_WS_OP_CLOSE, payload, len);
    finish(c, true);
}

void gn_websocket_stop(struct gn_http_conn *c)
{
    close_with(c, GN_WS_GOING_AWAY, "the server stops");
}

void gn_websocket_revoke(struct gn_http_conn *c)
{
    close_with(c, GN_WS_POLICY, "the token is not known here any more");
}

/* ---- time */

/* True while the client has so much to read that it is not listened to. */
static bool is_behind(const struct gn_http_conn *c)
{
    return c->out.len > c->out.max / 4;
}

static void set_timer(struct gn_http_conn *c)
{
    const struct gn_websocket *ws = c->websocket;
    uint64_t now = gn_clock_ms(), next = ws->ping_at;
    if (ws->message_until)
        next = GN_MIN(next, ws->message_until);
    uint64_t left = next > now ? next - now : 1;
    gn_http_conn_set_timer(c, GN_MIN(left, GN_MAX(gn_http_conn_progress(c), 1u)));
}

/* A sign of life, and the question for one. What waits for the client is both. */
static void keep_alive(struct gn_http_conn *c)
{
    struct gn_websocket *ws = c->websocket;
    ws->ping_at = gn_clock_ms() + c->server->env.config->sse_keepalive_ms;
    if (ws->heard)
        ws->unanswered = 0;
    ws->heard = false;
    if (c->out.len)
        return;
    ws->unanswered++;
    add_frame(c, GN_WS_OP_PING, NULL, 0);
}

void gn_websocket_tick(struct gn_http_conn *c)
{
    struct gn_websocket *ws = c->websocket;
    struct gn_log *log = c->server->env.log;
    uint64_t now = gn_clock_ms();
    if (gn_http_conn_progress(c) == 0) {
        gn_log(log, GN_INFO, COMPONENT, "a client has stopped reading, or reads too slowly");
        gn_http_conn_close(c);
        return;
    }
    if (!ws->heard && ws->unanswered >= UNANSWERED_MAX && now >= ws->ping_at) {
        gn_log(log, GN_INFO, COMPONENT, "a client does not answer pings");
        gn_http_conn_close(c);
        return;
    }
    if (ws->message_until && is_behind(c)) /* it is we who do not read */
        ws->message_until = now + c->server->env.config->body_timeout_ms;
    if (ws->message_until && now >= ws->message_until) {
        close_with(c, GN_WS_POLICY, "the message did not come in time");
        return;
    }
    if (now >= ws->ping_at)
        keep_alive(c);
    set_timer(c);
}

/* A message that has begun has as much time as the body of a request. */
static void watch_message(struct gn_http_conn *c)
{
    struct gn_websocket *ws = c->websocket;
    if (gn_ws_reader_is_between(&ws->reader)) {
        ws->message_until = 0;
    } else if (ws->message_until == 0) {
        ws->message_until = gn_clock_ms() + c->server->env.config->body_timeout_ms;
        set_timer(c);
    }
}

/* ---- input */

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
            return false;
    }
    return true;
}

static void receive(struct gn_http_conn *c)
{
    size_t len;
    char *text = gn_buf_take(&c->body, &len);
    c->server->body_bytes -= c->counted;
    c->counted = 0;
    c->websocket->message_until = 0;
    if (is_blank(text, len))
        gn_free(text);
    else
        gn_protocol_receive(c->server->env.protocol, &c->stream, text, len);
}

static void answer_close(struct gn_http_conn *c, int status, bool more_came)
{
    unsigned char payload[GN_WS_CONTROL_MAX];
    add_frame(c, GN_WS_OP_CLOSE, payload, gn_ws_write_close(payload, status, ""));
    finish(c, more_came);
}

static void refuse(struct gn_http_conn *c)
{
    const struct gn_ws_reader *r = &c->websocket->reader;
    if (r->status == GN_WS_TOO_BIG)
        close_with(c, r->status, "the message is too large (limits.max_line)");
    else
        close_with(c, r->status, r->problem);
}

static void take(struct gn_http_conn *c, int event, bool more_came)
{
    const struct gn_ws_reader *r = &c->websocket->reader;
    if (event == GN_WS_MESSAGE)
        receive(c);
    else if (event == GN_WS_PING && !gn_http_conn_room(c, r->control_len, GN_MUST))
        add_frame(c, GN_WS_OP_PONG, r->control, r->control_len);
    else if (event == GN_WS_CLOSE)
        answer_close(c, r->status, more_came);
    else if (event < 0)
        refuse(c);
}

/* What has come of a message counts among the bodies of all requests. */
static bool count(struct gn_http_conn *c, size_t before)
{
    struct gn_http_server *s = c->server;
    size_t more = c->body.len - before;
    c->counted += more;
    s->body_bytes += more;
    return more == 0 || s->body_bytes <= s->env.config->max_bodies_in_flight;
}

size_t gn_websocket_feed(struct gn_http_conn *c, const char *data, size_t len)
{
    struct gn_websocket *ws = c->websocket;
    const char *at = data;
    size_t left = len;
    ws->heard = true;
    while (left && !is_over(c) && !is_behind(c)) {
        size_t before = c->body.len;
        c->body.max = ws->reader.max = (size_t)c->server->env.config->max_line;
        int event = gn_ws_read(&ws->reader, &at, &left);
        if (!count(c, before))
            close_with(c, GN_WS_TRY_LATER, "too many messages are being read: try again");
        else
            take(c, event, left > 0);
    }
    if (!is_over(c))
        watch_message(c);
    return len - left;
}

/* ---- */

void gn_websocket_begin(struct gn_http_conn *c)
{
    const char *principal = c->stream.principal;
    answer_handshake(c);
    struct gn_websocket *ws = c->websocket = gn_calloc(1, sizeof(*ws));
    gn_buf_init(&c->body, (size_t)c->server->env.config->max_line);
    gn_ws_reader_init(&ws->reader, &c->body, c->body.max);
    ws->ping_at = gn_clock_ms() + c->server->env.config->sse_keepalive_ms;
    gn_stream_init(&c->stream, &websocket_ops, true, "websocket");
    c->stream.takes_whole = true;
    c->stream.principal = principal;
    c->with_protocol = true;
    c->state = GN_HTTP_WEBSOCKET;
    gn_http_request_stay(c);
    /* Nobody asks for the headers any more. */
    c->head = (struct gn_http_head){.minor = 1};
    c->origin = NULL;
    gn_arena_release(&c->arena);
    set_timer(c);
}

void gn_websocket_release(struct gn_http_conn *c)
{
    gn_free(c->websocket);
    c->websocket = NULL;
}
