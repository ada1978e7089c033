/* websocket.c - a server behind a WebSocket (RFC 6455): handshake, messages, signs of life, the
 * end.
 *
 * The connection is one shared stream: a text message is a message of JSON-RPC. It is made by
 * libcurl (dial.c), so that addresses, proxies and certificates are as for HTTP. What is to be sent
 * is gathered, and leaves on the next turn of the loop, many messages with one write; what the
 * server does not read is kept up to a bound. permessage-deflate is not offered: one small message
 * may unfold to any size.
 */
#include "internal.h"

#include "dial.h"
#include "login.h"
#include "ws_handshake.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/ws_frame.h"

#include <sodium.h>
#include <string.h>

#define READ_BYTES 65536
#define READS_MAX 16 /* in one turn of the loop: others want theirs, too */
#define HEAD_MAX 65536
#define QUEUE_MIN ((size_t)4 << 20) /* bytes that may wait, at least */
#define KEPT_MAX ((size_t)1 << 20)  /* of an empty buffer's memory */
#define PONG_MAX ((size_t)1 << 16)  /* with so much waiting, pings are not answered */
#define PING_MS 30000u              /* without a request's timeout that is shorter */
#define PING_MIN_MS 1000u
#define UNANSWERED_MAX 2 /* pings in a row, with nothing heard since */
#define LOGINS_MAX 3
#define CLOSE_MS 5000 /* for the server's Close frame */
#define MASKS 256     /* made at once */

enum ws_state {
    WS_DIALING,
    WS_SHAKING,
    WS_ASKING, /* for credentials; the connection is over */
    WS_OPEN,
    WS_CLOSING, /* a Close frame of ours is on its way; only the server's is waited for */
    WS_ENDED,
};

struct ws {
    struct gn_link link; /* first */
    enum ws_state state;
    struct gn_dial *dial;
    uv_idle_t turn; /* runs when there is something to send, to read on, or to tell */
    bool dial_is_closing, dial_is_gone, turn_is_gone;
    struct gn_login_state *login; /* while credentials are asked for */
    unsigned logins;
    char key[GN_WS_KEY_MAX];
    struct gn_buf head;            /* of the answer to the handshake */
    struct gn_buf message;         /* that is being read */
    struct gn_ws_reader reader;    /* of frames */
    struct gn_buf gathered, going; /* what is to be written; what is being written */
    size_t gone;                   /* bytes of `going` */
    bool reads_on;                 /* there may be more to read, of which poll does not tell */
    bool was_closed;               /* the server's Close frame has come, or nothing will */
    struct gn_list refused;        /* messages for which there was no room */
    bool has_overflown;            /* ... and one of them belongs to no request */
    struct gn_client_timer ping, ending;
    bool has_heard; /* something since the last ping */
    unsigned unanswered;
    unsigned char masks[MASKS][GN_WS_MASK_BYTES];
    unsigned masks_used;
    char in[READ_BYTES];
};

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
static void end_now(struct ws *ws)
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
    end_now(GN_CONTAINER(timer, struct ws, ending));
}

/* The connection is of no use any more; the client closes the link from within. */
static void lose(struct ws *ws, const struct gn_failure *f)
{
    if (ws->link.is_closing)
        end_now(ws);
    else
        gn_link_lost(&ws->link, f);
}

static void lose_for(struct ws *ws, gantry_client_status status, bool is_passing, const char *fmt,
                     ...) GN_PRINTF(4, 5);
static void lose_for(struct ws *ws, gantry_client_status status, bool is_passing, const char *fmt,
                     ...)
{
    struct gn_failure f = {.status = status, .is_passing = is_passing};
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    gn_error_set(&f.why, GN_EPIPE, "%s: %s", ws->link.client->s.shown, text);
    lose(ws, &f);
}

/* ---------------------------------------------------------------- what goes out */

static void on_turn(uv_idle_t *uv);

static void want_turn(struct ws *ws)
{
    if (ws->state != WS_ENDED)
        uv_idle_start(&ws->turn, on_turn);
}

static size_t waiting(const struct ws *ws)
{
    return ws->gathered.len + ws->going.len - ws->gone;
}

static size_t queue_max(const struct ws *ws)
{
    size_t max = ws->link.client->s.max_message;
    return max > SIZE_MAX / 4 ? SIZE_MAX / 2 : GN_MAX(2 * max, QUEUE_MIN);
}

/* Unpredictable for whoever is between (RFC 6455 10.3); made many at a time. */
static const unsigned char *next_mask(struct ws *ws)
{
    if (ws->masks_used == 0 || ws->masks_used == MASKS) {
        randombytes_buf(ws->masks, sizeof(ws->masks));
        ws->masks_used = 0;
    }
    return ws->masks[ws->masks_used++];
}

static void add_frame(struct ws *ws, enum gn_ws_opcode opcode, const void *data, size_t len)
{
    const unsigned char *key = next_mask(ws);
    unsigned char head[GN_WS_HEAD_MAX + GN_WS_MASK_BYTES];
    size_t head_len = gn_ws_write_masked_head(head, opcode, len, key);
    char *out = gn_buf_reserve(&ws->gathered, head_len + len);
    if (!out) /* over SIZE_MAX / 2 */
        return;
    memcpy(out, head, head_len);
    gn_ws_mask(out + head_len, data, len, key, 0);
    ws->gathered.len += head_len + len;
    want_turn(ws);
}

static void add_close(struct ws *ws, int status, const char *reason)
{
    unsigned char payload[GN_WS_CONTROL_MAX];
    if (ws->state != WS_OPEN)
        return;
    add_frame(ws, GN_WS_OP_CLOSE, payload, gn_ws_write_close(payload, status, reason));
    ws->state = WS_CLOSING;
}

static void shrink(struct gn_buf *b)
{
    if (b->cap > KEPT_MAX)
        gn_buf_release(b);
    else
        gn_buf_clear(b);
}

/* What is being written stays where it is until it has gone, as TLS wants it; what comes meanwhile
 * is gathered in the other buffer. */
static int write_some(struct ws *ws, struct gn_error *err)
{
    size_t n = 1;
    while (n) {
        if (ws->gone == ws->going.len) {
            struct gn_buf empty = ws->going;
            ws->gone = 0;
            shrink(&empty);
            ws->going = ws->gathered;
            ws->gathered = empty;
            if (!ws->going.len)
                break;
        }
        int rc = gn_dial_write(ws->dial, ws->going.data + ws->gone, ws->going.len - ws->gone, &n,
                               err);
        if (rc)
            return rc;
        ws->gone += n;
    }
    gn_dial_watch(ws->dial, waiting(ws) > 0);
    return 0;
}

static void read_all(struct ws *ws);

static void flush(struct ws *ws)
{
    struct gn_error err = {0};
    if (write_some(ws, &err)) {
        read_all(ws); /* the server may have said why */
        if (ws->state != WS_ENDED)
            lose_for(ws, GANTRY_CLIENT_CONNECTION, true, "%s", err.text);
        if (ws->state != WS_ENDED) /* it wanted to say goodbye */
            end_now(ws);
    } else if (ws->state == WS_CLOSING && ws->was_closed && ws->link.is_closing && !waiting(ws)) {
        end_now(ws);
    }
}

/* ---------------------------------------------------------------- what comes in */

static void take_message(struct ws *ws)
{
    struct gn_error err = {0};
    if (ws->state == WS_OPEN &&
        !gn_link_received(&ws->link, NULL, gn_buf_str(&ws->message), ws->message.len, &err))
        gn_client_note(ws->link.client, "%s sent what is no message: %s", ws->link.client->s.shown,
                       err.text);
    shrink(&ws->message);
}

/* It may be gone for a while only: the server stops, or is overloaded. */
static bool is_passing(int status)
{
    return status != GN_WS_PROTOCOL_ERROR && status != GN_WS_UNSUPPORTED &&
           status != GN_WS_BAD_TEXT && status != GN_WS_POLICY && status != GN_WS_TOO_BIG;
}

static void take_close(struct ws *ws)
{
    const struct gn_ws_reader *r = &ws->reader;
    int status = r->status, len = r->control_len > 2 ? (int)r->control_len - 2 : 0;
    gantry_client_status how = status == GN_WS_TOO_BIG ? GANTRY_CLIENT_LIMIT
                                                       : GANTRY_CLIENT_CONNECTION;
    ws->was_closed = true;
    add_close(ws, status, "");
    if (status == GN_WS_NO_STATUS)
        lose_for(ws, how, true, "the server closed the WebSocket");
    else
        lose_for(ws, how, is_passing(status), "the server closed the WebSocket: %d%s%.*s", status,
                 len ? ", " : "", len, r->control + 2);
}

static void refuse(struct ws *ws)
{
    const struct gn_ws_reader *r = &ws->reader;
    int status = r->status;
    add_close(ws, status, r->problem);
    if (status == GN_WS_TOO_BIG)
        lose_for(ws, GANTRY_CLIENT_LIMIT, false,
                 "the server sent a message of more than %zu bytes (max_message)", r->max);
    else
        lose_for(ws, GANTRY_CLIENT_PROTOCOL, false, "what the server sent is no WebSocket: %s",
                 r->problem);
}

static void read_frames(struct ws *ws, const char *data, size_t len)
{
    while (len && !ws->was_closed && (ws->state == WS_OPEN || ws->state == WS_CLOSING)) {
        int event = gn_ws_read(&ws->reader, &data, &len);
        if (event == GN_WS_MESSAGE)
            take_message(ws);
        else if (event == GN_WS_PING && ws->state == WS_OPEN && waiting(ws) < PONG_MAX)
            add_frame(ws, GN_WS_OP_PONG, ws->reader.control, ws->reader.control_len);
        else if (event == GN_WS_CLOSE)
            take_close(ws);
        else if (event < 0 && ws->state == WS_OPEN)
            refuse(ws);
        else if (event < 0)
            return; /* only the end is waited for */
    }
}

static uint32_t ping_ms(const struct ws *ws)
{
    uint32_t timeout = ws->link.client->s.timeout_ms; /* the loss is to be seen before that */
    return GN_MAX(GN_MIN(timeout / 4, PING_MS), PING_MIN_MS);
}

static void on_ping(struct gn_client_timer *timer)
{
    struct ws *ws = GN_CONTAINER(timer, struct ws, ping);
    if (ws->has_heard)
        ws->unanswered = 0;
    ws->has_heard = false;
    if (ws->unanswered == UNANSWERED_MAX) {
        lose_for(ws, GANTRY_CLIENT_CONNECTION, true, "the server does not answer any more");
        end_now(ws);
        return;
    }
    ws->unanswered++;
    if (!waiting(ws))
        add_frame(ws, GN_WS_OP_PING, "", 0);
    gn_client_timer_start(ws->link.client, &ws->ping, ping_ms(ws), on_ping);
}

static void on_login_done(void *arg, const char *refusal)
{
    struct ws *ws = arg;
    ws->login = NULL;
    if (refusal)
        lose_for(ws, GANTRY_CLIENT_UNAUTHORIZED, false, "it wants credentials: %s", refusal);
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

static void read_head(struct ws *ws, const char *data, size_t len)
{
    struct gn_failure f = {0};
    struct gn_ws_answer answer = {0};
    size_t head = 0;
    if (gn_buf_add(&ws->head, data, len)) {
        lose_for(ws, GANTRY_CLIENT_PROTOCOL, false, "the headers of the server are too long");
        return;
    }
    int rc = gn_ws_handshake_read(ws->link.client, ws->key, ws->head.data, ws->head.len, &head,
                                  &answer, &f);
    bool is_asking = rc && rc != GN_EBUSY && asks_for_login(ws, &answer);
    gn_free(answer.challenge);
    if (rc == GN_EBUSY || is_asking)
        return;
    if (rc) {
        lose(ws, &f);
        return;
    }
    struct gn_buf first = ws->head; /* with frames that came behind it */
    ws->head = GN_BUF_INIT(HEAD_MAX);
    ws->state = WS_OPEN;
    gn_client_timer_start(ws->link.client, &ws->ping, ping_ms(ws), on_ping);
    gn_link_opened(&ws->link);
    read_frames(ws, first.data + head, first.len - head);
    gn_buf_release(&first);
}

static void on_end_of_input(struct ws *ws, int rc, const struct gn_error *err)
{
    ws->was_closed = true;
    if (ws->link.is_closing)
        end_now(ws);
    else if (rc != GN_EPIPE)
        lose_for(ws, GANTRY_CLIENT_CONNECTION, true, "%s", err->text);
    else if (ws->state == WS_SHAKING)
        lose_for(ws, GANTRY_CLIENT_CONNECTION, true,
                 "the server closed the connection before it answered the handshake");
    else
        lose_for(ws, GANTRY_CLIENT_CONNECTION, true, "the server closed the connection");
    end_now(ws); /* nobody reads what would be said */
}

static void read_all(struct ws *ws)
{
    ws->reads_on = false;
    for (unsigned i = 0; i < READS_MAX; i++) {
        struct gn_error err = {0};
        size_t len = 0;
        int rc = gn_dial_read(ws->dial, ws->in, sizeof(ws->in), &len, &err);
        if (rc) {
            on_end_of_input(ws, rc, &err);
            return;
        }
        if (!len)
            return;
        ws->has_heard = true;
        if (ws->state == WS_SHAKING)
            read_head(ws, ws->in, len);
        else
            read_frames(ws, ws->in, len);
        if (ws->state == WS_ENDED || ws->state == WS_ASKING)
            return;
    }
    ws->reads_on = true;
    want_turn(ws);
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
                 ws->link.client->s.shown, waiting(ws));
    while (ws->state == WS_OPEN && !gn_list_empty(&ws->refused)) {
        gantry_request *r = GN_CONTAINER(ws->refused.next, struct refused, node)->request;
        forget(&ws->link, r, false);
        gn_link_failed(&ws->link, r, &f);
    }
    if (ws->has_overflown && ws->state == WS_OPEN) {
        f.was_not_sent = false;
        lose(ws, &f);
    }
}

static void on_turn(uv_idle_t *uv)
{
    struct ws *ws = uv->data;
    uv_idle_stop(&ws->turn);
    if (ws->state == WS_DIALING || ws->state == WS_ASKING)
        return;
    flush(ws);
    if (ws->state == WS_OPEN && (!gn_list_empty(&ws->refused) || ws->has_overflown))
        tell_refused(ws);
    if (ws->reads_on && ws->state != WS_ENDED)
        read_all(ws);
}

static void on_ready(void *arg, bool readable, bool writable)
{
    struct ws *ws = arg;
    if (readable)
        read_all(ws);
    if (writable && ws->state != WS_ENDED && ws->state != WS_ASKING)
        flush(ws);
}

static void on_open(void *arg)
{
    struct ws *ws = arg;
    ws->state = WS_SHAKING;
    gn_ws_handshake_write(ws->link.client, ws->key, &ws->gathered);
    flush(ws);
}

static void on_failed(void *arg, const struct gn_failure *why)
{
    lose(arg, why);
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
    ws->head = GN_BUF_INIT(HEAD_MAX);
    ws->message = GN_BUF_INIT(c->s.max_message);
    ws->gathered = ws->going = GN_BUF_INIT(SIZE_MAX / 2); /* see queue_max */
    gn_ws_reader_init_client(&ws->reader, &ws->message, c->s.max_message);
    gn_list_init(&ws->refused);
    uv_idle_init(c->uv, &ws->turn);
    ws->turn.data = ws;
    dial(ws);
    return &ws->link;
}

static void send_message(struct gn_link *link, const struct gn_outgoing *m)
{
    struct ws *ws = ws_of(link);
    if (ws->state != WS_OPEN)
        return;
    if (waiting(ws) + m->len <= queue_max(ws)) {
        add_frame(ws, GN_WS_OP_TEXT, m->text, m->len);
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
    want_turn(ws);
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
    add_close(ws, GN_WS_NORMAL, "");
    if (ws->state != WS_CLOSING) {
        end_now(ws);
        return;
    }
    /* Where it was closed for a reason, the answer matters little. */
    uint64_t ms = says_goodbye && !link->client->is_hurried ? CLOSE_MS : GN_CLIENT_HURRY_MS;
    gn_client_timer_start(link->client, &ws->ending, ms, on_ending);
    want_turn(ws);
}

const struct gn_link_ops gn_link_websocket = {
    .name = "websocket",
    .open = open_websocket,
    .send = send_message,
    .forget = forget,
    .close = close_websocket,
    .hurry = hurry,
};
