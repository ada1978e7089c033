/* ws_stream.c - what goes out and comes in over a WebSocket: frames, signs of life.
 *
 * What is being written stays where it is until it has gone, as TLS wants it, while more is
 * gathered beside it: many messages leave with one write. */
#include "websocket.h"

#include "util/alloc.h"

#include <sodium.h>
#include <string.h>

#define READS_MAX 16               /* in one turn of the loop: others want theirs, too */
#define KEPT_MAX ((size_t)1 << 20) /* of an empty buffer's memory */
#define PONG_MAX ((size_t)1 << 16) /* with so much waiting, pings are not answered */
#define PING_MS 30000u             /* without a request's timeout that is shorter */
#define PING_MIN_MS 1000u
#define UNANSWERED_MAX 2 /* pings in a row, with nothing heard since */

/* ---------------------------------------------------------------- what goes out */

size_t gn_wslink_waiting(const struct ws *ws)
{
    return ws->gathered.len + ws->going.len - ws->gone;
}

/* Unpredictable for whoever is between (RFC 6455 10.3); made many at a time. */
static const unsigned char *next_mask(struct ws *ws)
{
    if (ws->masks_used == 0 || ws->masks_used == GN_WSLINK_MASKS) {
        randombytes_buf(ws->masks, sizeof(ws->masks));
        ws->masks_used = 0;
    }
    return ws->masks[ws->masks_used++];
}

void gn_wslink_add_frame(struct ws *ws, enum gn_ws_opcode opcode, const void *data, size_t len)
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
    gn_wslink_want_turn(ws);
}

void gn_wslink_add_close(struct ws *ws, int status, const char *reason)
{
    unsigned char payload[GN_WS_CONTROL_MAX];
    if (ws->state != WS_OPEN)
        return;
    gn_wslink_add_frame(ws, GN_WS_OP_CLOSE, payload, gn_ws_write_close(payload, status, reason));
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
    gn_dial_watch(ws->dial, gn_wslink_waiting(ws) > 0);
    return 0;
}

void gn_wslink_flush(struct ws *ws)
{
    struct gn_error err = {0};
    if (write_some(ws, &err)) {
        gn_wslink_read_all(ws); /* the server may have said why */
        if (ws->state != WS_ENDED)
            gn_wslink_lose_for(ws, GANTRY_CLIENT_CONNECTION, true, "%s", err.text);
        if (ws->state != WS_ENDED) /* it wanted to say goodbye */
            gn_wslink_end_now(ws);
    } else if (ws->state == WS_CLOSING && ws->was_closed && ws->link.is_closing &&
               !gn_wslink_waiting(ws)) {
        gn_wslink_end_now(ws);
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
    gn_wslink_add_close(ws, status, "");
    if (status == GN_WS_NO_STATUS)
        gn_wslink_lose_for(ws, how, true, "the server closed the WebSocket");
    else
        gn_wslink_lose_for(ws, how, is_passing(status), "the server closed the WebSocket: %d%s%.*s",
                           status, len ? ", " : "", len, r->control + 2);
}

static void refuse(struct ws *ws)
{
    const struct gn_ws_reader *r = &ws->reader;
    int status = r->status;
    gn_wslink_add_close(ws, status, r->problem);
    if (status == GN_WS_TOO_BIG)
        gn_wslink_lose_for(ws, GANTRY_CLIENT_LIMIT, false,
                           "the server sent a message of more than %zu bytes (max_message)",
                           r->max);
    else
        gn_wslink_lose_for(ws, GANTRY_CLIENT_PROTOCOL, false,
                           "what the server sent is no WebSocket: %s", r->problem);
}

void gn_wslink_read_frames(struct ws *ws, const char *data, size_t len)
{
    while (len && !ws->was_closed && (ws->state == WS_OPEN || ws->state == WS_CLOSING)) {
        int event = gn_ws_read(&ws->reader, &data, &len);
        if (event == GN_WS_MESSAGE)
            take_message(ws);
        else if (event == GN_WS_PING && ws->state == WS_OPEN && gn_wslink_waiting(ws) < PONG_MAX)
            gn_wslink_add_frame(ws, GN_WS_OP_PONG, ws->reader.control, ws->reader.control_len);
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
        gn_wslink_lose_for(ws, GANTRY_CLIENT_CONNECTION, true,
                           "the server does not answer any more");
        gn_wslink_end_now(ws);
        return;
    }
    ws->unanswered++;
    if (!gn_wslink_waiting(ws))
        gn_wslink_add_frame(ws, GN_WS_OP_PING, "", 0);
    gn_client_timer_start(ws->link.client, &ws->ping, ping_ms(ws), on_ping);
}

void gn_wslink_start_pings(struct ws *ws)
{
    gn_client_timer_start(ws->link.client, &ws->ping, ping_ms(ws), on_ping);
}

static void on_end_of_input(struct ws *ws, int rc, const struct gn_error *err)
{
    ws->was_closed = true;
    if (ws->link.is_closing)
        gn_wslink_end_now(ws);
    else if (rc != GN_EPIPE)
        gn_wslink_lose_for(ws, GANTRY_CLIENT_CONNECTION, true, "%s", err->text);
    else if (ws->state == WS_SHAKING)
        gn_wslink_lose_for(ws, GANTRY_CLIENT_CONNECTION, true,
                           "the server closed the connection before it answered the handshake");
    else
        gn_wslink_lose_for(ws, GANTRY_CLIENT_CONNECTION, true, "the server closed the connection");
    gn_wslink_end_now(ws); /* nobody reads what would be said */
}

void gn_wslink_read_all(struct ws *ws)
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
            gn_wslink_read_head(ws, ws->in, len);
        else
            gn_wslink_read_frames(ws, ws->in, len);
        if (ws->state == WS_ENDED || ws->state == WS_ASKING)
            return;
    }
    ws->reads_on = true;
    gn_wslink_want_turn(ws);
}
