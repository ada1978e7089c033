/* websocket.c - a server behind a WebSocket (RFC 6455): handshake, messages, signs of life, the
 * end.
 *
 * The connection is one shared stream: a text message is a message of JSON-RPC. It is made by
 * libcurl (dial.c), so that addresses, proxies and certificates are as for HTTP. What is to be sent
 * is gathered, and leaves on the next turn of the loop, many messages with one write; what the
 * server does not read is kept up to a bound. permessage-deflate is not offered: one small message
 * may unfold to any size.
 */
#include "websocket.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define QUEUE_MIN ((size_t)4 << 20) /* bytes that may wait, at least */
#define LOGINS_MAX 3
#define CLOSE_MS 5000 /* for the server's Close frame */

/* A request for which there was no room; its link_data. */
struct refused {
    struct gn_list node;
    gantry_request *request;
};

static struct ws *ws_of(struct gn_link *link)
{
    return GN_CONTAINER(link, struct ws, link);
}

/* ---------------------------------------------------------------- the end */

static void check_gone(struct ws *ws)
{
    if (!ws->dial_is_gone || !ws->turn_is_gone)
        return;
    gn_link_closed(&ws->link);
    gn_buf_release(&ws->head);
    gn_buf_release(&ws->message);
    gn_buf_release(&ws->gathered);
    gn_buf_release(&ws->going);
    gn_free(ws);
}

static void dial_again(struct ws *ws);

static void on_dial_closed(void *arg)
{
    struct ws *ws = arg;
    ws->dial_is_gone = true;
    if (ws->state == WS_ASKING)
        dial_again(ws);
    else
        check_gone(ws);
}

static void close_dial(struct ws *ws)
{
    if (ws->dial_is_closing)
        return;
    ws->dial_is_closing = true;
    gn_dial_close(ws->dial, on_dial_closed, ws);
}

static void on_turn_closed(uv_handle_t *uv)
{
    struct ws *ws = uv->data;
    ws->turn_is_gone = true;
    check_gone(ws);
}

/* Whatever may still be said or come. */
void gn_wslink_end_now(struct ws *ws)
{
    if (ws->state == WS_ENDED)
        return;
    ws->state = WS_ENDED;
    gn_client_timer_stop(&ws->ping);
    gn_client_timer_stop(&ws->ending);
    if (ws->login)
        gn_login_forget(ws->login);
    ws->login = NULL;
    uv_close((uv_handle_t *)&ws->turn, on_turn_closed);
    close_dial(ws);
}

static void on_ending(struct gn_client_timer *timer)
{
    gn_wslink_end_now(GN_CONTAINER(timer, struct ws, ending));
}

/* The connection is of no use any more; the client closes the link from within. */
void gn_wslink_lose(struct ws *ws, const struct gn_failure *f)
{
    if (ws->link.is_closing)
        gn_wslink_end_now(ws);
    else
        gn_link_lost(&ws->link, f);
}

void gn_wslink_lose_for(struct ws *ws, gantry_client_status status, bool is_passing,
                        const char *fmt, ...)
{
    struct gn_failure f = {.status = status, .is_passing = is_passing};
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    gn_error_set(&f.why, GN_EPIPE, "%s: %s", ws->link.client->s.shown, text);
    gn_wslink_lose(ws, &f);
}

static void on_turn(uv_idle_t *uv);

void gn_wslink_want_turn(struct ws *ws)
{
    if (ws->state != WS_ENDED)
        uv_idle_start(&ws->turn, on_turn);
}

/* ---------------------------------------------------------------- the handshake */

static void on_login_done(void *arg, const char *refusal)
{
    struct ws *ws = arg;
    ws->login = NULL;
    if (refusal)
        gn_wslink_lose_for(ws, GANTRY_CLIENT_UNAUTHORIZED, false, "it wants credentials: %s",
                           refusal);
    else
        dial_again(ws);
}

/* Other credentials may help: they are shown on another connection. */
static bool asks_for_login(struct ws *ws, const struct gn_ws_answer *answer)
{
    gantry_client *c = ws->link.client;
    if (ws->link.is_closing || ws->logins++ >= LOGINS_MAX)
        return false;
    ws->login = gn_login_ask(c, answer->status, answer->challenge, c->s.shown, on_login_done, ws);
    if (!ws->login)
        return false;
    ws->state = WS_ASKING;
    gn_buf_clear(&ws->head);
    close_dial(ws);
    return true;
}

void gn_wslink_read_head(struct ws *ws, const char *data, size_t len)
{
    struct gn_failure f = {0};
    struct gn_ws_answer answer = {0};
    size_t head = 0;
    if (gn_buf_add(&ws->head, data, len)) {
        gn_wslink_lose_for(ws, GANTRY_CLIENT_PROTOCOL, false,
                           "the headers of the server are too long");
        return;
    }
    int rc = gn_ws_handshake_read(ws->link.client, ws->key, ws->head.data, ws->head.len, &head,
                                  &answer, &f);
    bool is_asking = rc && rc != GN_EBUSY && asks_for_login(ws, &answer);
    gn_free(answer.challenge);
    if (rc == GN_EBUSY || is_asking)
        return;
    if (rc) {
        gn_wslink_lose(ws, &f);
        return;
    }
    struct gn_buf first = ws->head; /* with frames that came behind it */
    ws->head = GN_BUF_INIT(GN_WSLINK_HEAD_MAX);
    ws->state = WS_OPEN;
    gn_wslink_start_pings(ws);
    gn_link_opened(&ws->link);
    gn_wslink_read_frames(ws, first.data + head, first.len - head);
    gn_buf_release(&first);
}

/* ---------------------------------------------------------------- from the loop */

static void forget(struct gn_link *link, gantry_request *r, bool is_answered)
{
    struct refused *one = r->link_data;
    (void)link;
    (void)is_answered;
    if (!one)
        return;
    r->link_data = NULL;
    gn_list_remove(&one->node);
    gn_free(one);
}

static void tell_refused(struct ws *ws)
{
    struct gn_failure f = {.status = GANTRY_CLIENT_LIMIT, .was_not_sent = true, .is_passing = true};
    gn_error_set(&f.why, GN_EBUSY, "%s: the server does not read: %zu bytes wait for it",
                 ws->link.client->s.shown, gn_wslink_waiting(ws));
    while (ws->state == WS_OPEN && !gn_list_empty(&ws->refused)) {
        gantry_request *r = GN_CONTAINER(ws->refused.next, struct refused, node)->request;
        forget(&ws->link, r, false);
        gn_link_failed(&ws->link, r, &f);
    }
    if (ws->has_overflown && ws->state == WS_OPEN) {
        f.was_not_sent = false;
        gn_wslink_lose(ws, &f);
    }
}

static void on_turn(uv_idle_t *uv)
{
    struct ws *ws = uv->data;
    uv_idle_stop(&ws->turn);
    if (ws->state == WS_DIALING || ws->state == WS_ASKING)
        return;
    gn_wslink_flush(ws);
    if (ws->state == WS_OPEN && (!gn_list_empty(&ws->refused) || ws->has_overflown))
        tell_refused(ws);
    if (ws->reads_on && ws->state != WS_ENDED)
        gn_wslink_read_all(ws);
}

static void on_ready(void *arg, bool readable, bool writable)
{
    struct ws *ws = arg;
    if (readable)
        gn_wslink_read_all(ws);
    if (writable && ws->state != WS_ENDED && ws->state != WS_ASKING)
        gn_wslink_flush(ws);
}

static void on_open(void *arg)
{
    struct ws *ws = arg;
    ws->state = WS_SHAKING;
    gn_ws_handshake_write(ws->link.client, ws->key, &ws->gathered);
    gn_wslink_flush(ws);
}

static void on_failed(void *arg, const struct gn_failure *why)
{
    gn_wslink_lose(arg, why);
}

/* ---------------------------------------------------------------- the table */

static void dial(struct ws *ws)
{
    static const struct gn_dial_events events = {on_open, on_failed, on_ready};
    GN_AUTO_FREE char *url = gn_ws_http_url(ws->link.client);
    ws->state = WS_DIALING;
    ws->dial = gn_dial_new(ws->link.client, url, &events, ws);
    ws->dial_is_closing = ws->dial_is_gone = false;
}

/* Once there are credentials and the connection without them has gone, whatever comes last. */
static void dial_again(struct ws *ws)
{
    if (ws->state != WS_ASKING || ws->login || !ws->dial_is_gone)
        return;
    gn_buf_clear(&ws->gathered);
    gn_buf_clear(&ws->going);
    ws->gone = 0;
    dial(ws);
}

static struct gn_link *open_websocket(gantry_client *c, struct gn_error *err)
{
    (void)err;
    struct ws *ws = gn_calloc(1, sizeof(*ws));
    ws->link.ops = &gn_link_websocket;
    ws->link.client = c;
    ws->head = GN_BUF_INIT(GN_WSLINK_HEAD_MAX);
    ws->message = GN_BUF_INIT(c->s.max_message);
    ws->gathered = ws->going = GN_BUF_INIT(SIZE_MAX / 2); /* see queue_max */
    gn_ws_reader_init_client(&ws->reader, &ws->message, c->s.max_message);
    gn_list_init(&ws->refused);
    uv_idle_init(c->uv, &ws->turn);
    ws->turn.data = ws;
    dial(ws);
    return &ws->link;
}

static size_t queue_max(const struct ws *ws)
{
    size_t max = ws->link.client->s.max_message;
    return max > SIZE_MAX / 4 ? SIZE_MAX / 2 : GN_MAX(2 * max, QUEUE_MIN);
}

static void send_message(struct gn_link *link, const struct gn_outgoing *m)
{
    struct ws *ws = ws_of(link);
    if (ws->state != WS_OPEN)
        return;
    if (gn_wslink_waiting(ws) + m->len <= queue_max(ws)) {
        gn_wslink_add_frame(ws, GN_WS_OP_TEXT, m->text, m->len);
        return;
    }
    if (m->request) {
        struct refused *one = gn_calloc(1, sizeof(*one));
        one->request = m->request;
        m->request->link_data = one;
        gn_list_append(&ws->refused, &one->node);
    } else {
        ws->has_overflown = true;
    }
    gn_wslink_want_turn(ws);
}

static void hurry(struct gn_link *link)
{
    struct ws *ws = ws_of(link);
    if (ws->state == WS_CLOSING)
        gn_client_timer_start(link->client, &ws->ending, GN_CLIENT_HURRY_MS, on_ending);
}

static void close_websocket(struct gn_link *link)
{
    struct ws *ws = ws_of(link);
    while (!gn_list_empty(&ws->refused))
        forget(link, GN_CONTAINER(ws->refused.next, struct refused, node)->request, false);
    gn_client_timer_stop(&ws->ping);
    bool says_goodbye = ws->state == WS_OPEN;
    gn_wslink_add_close(ws, GN_WS_NORMAL, "");
    if (ws->state != WS_CLOSING) {
        gn_wslink_end_now(ws);
        return;
    }
    /* Where it was closed for a reason, the answer matters little. */
    uint64_t ms = says_goodbye && !link->client->is_hurried ? CLOSE_MS : GN_CLIENT_HURRY_MS;
    gn_client_timer_start(link->client, &ws->ending, ms, on_ending);
    gn_wslink_want_turn(ws);
}

const struct gn_link_ops gn_link_websocket = {
    .name = "websocket",
    .open = open_websocket,
    .send = send_message,
    .forget = forget,
    .close = close_websocket,
    .hurry = hurry,
};
