/* websocket.c - a WebSocket on an HTTP connection: handshake, messages, limits, the end. */
#include "rig.h"

#include "wire/ws_frame.h"

#include <stdio.h>

GN_SUITE(websocket);

#define UPGRADE                                                                                    \
    "Host: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"                 \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static struct rig rig;
static struct client client;

static void setup(void)
{
    rig_init(&rig);
}

static void open_with(const char *more)
{
    client_open(&rig, &client, 0);
    client_print(&client, "GET /mcp HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Version: 13\r\n%s\r\n",
                 more);
    client_expect(&rig, &client, "\r\n\r\n");
}

static void start(void)
{
    rig_http(&rig);
    open_with("");
}

static void stop(void)
{
    client_release(&client);
    rig_end(&rig);
}

static void put_raw(unsigned first, const char *payload, size_t len)
{
    static const unsigned char key[4] = {0x37, 0xFA, 0x21, 0x3D};
    unsigned char head[GN_WS_HEAD_MAX];
    size_t at = gn_ws_write_head(head, GN_WS_OP_TEXT, len);
    char *bytes = gn_malloc(at + 4 + len);
    head[0] = (unsigned char)first;
    head[1] |= 0x80;
    memcpy(bytes, head, at);
    memcpy(bytes + at, key, 4);
    gn_ws_mask(bytes + at + 4, payload, len, key, 0);
    client_write(&client, bytes, at + 4 + len);
    gn_free(bytes);
}

static void put(unsigned first, const char *payload)
{
    put_raw(first, payload, strlen(payload));
}

static bool has_bytes(size_t len)
{
    client_read(&client);
    return client.in.len >= len || client.closed;
}

static void take(size_t len)
{
    RIG_WAIT(&rig, has_bytes(len));
    cr_assert_geq(client.in.len, len, "closed instead of %zu more bytes", len);
}

/* The next frame of the server, which has no mask; its payload is appended to `out`. Returns the
 * first byte. */
static unsigned frame(struct gn_buf *out)
{
    take(2);
    const unsigned char *head = (const unsigned char *)client.in.data;
    unsigned first = head[0], small = head[1];
    cr_assert_lt(small, 128u, "a server's frame has no mask");
    size_t bytes = small == 127 ? 8 : small == 126 ? 2 : 0, len = bytes ? 0 : small;
    take(2 + bytes);
    head = (const unsigned char *)client.in.data;
    for (size_t i = 0; i < bytes; i++)
        len = len << 8 | head[2 + i];
    take(2 + bytes + len);
    gn_buf_add(out, client.in.data + 2 + bytes, len);
    gn_buf_consume(&client.in, 2 + bytes + len);
    return first;
}

static void expect_frame(unsigned first, const char *payload)
{
    struct gn_buf out = GN_BUF_INIT(64u << 20);
    cr_assert_eq(frame(&out), first);
    cr_assert_str_eq(gn_buf_str(&out), payload);
    gn_buf_release(&out);
}

static void expect_closed(int status, const char *reason)
{
    struct gn_buf out = GN_BUF_INIT(1000);
    unsigned first;
    while ((first = frame(&out)) == 0x81 || first == 0x8A || first == 0x89)
        gn_buf_clear(&out);
    cr_assert_eq(first, 0x88);
    cr_assert_geq(out.len, 2);
    cr_assert_eq((unsigned char)out.data[0] << 8 | (unsigned char)out.data[1], status);
    cr_assert_str_eq(out.data + 2, reason);
    gn_buf_release(&out);
    client_expect_close(&rig, &client);
    RIG_WAIT(&rig, rig.protocol.closed == 1);
}

static struct gn_stream *hold(void)
{
    rig.protocol.mode = FAKE_HOLD;
    put(0x81, "{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    return rig.protocol.stream;
}

static void turns(void)
{
    for (int i = 0; i < 300; i++)
        rig_turn(&rig);
}

/* ---- the handshake */

Test(websocket, the_handshake_of_the_rfc, .init = setup)
{
    struct response response;
    rig_http(&rig);
    client_open(&rig, &client, 0);
    client_print(&client, "GET /mcp HTTP/1.1\r\n" UPGRADE
                          "Sec-WebSocket-Version: 13\r\nOrigin: http://localhost\r\n"
                          "Sec-WebSocket-Protocol: chat, mcp\r\n\r\n");
    client_head_response(&rig, &client, &response);
    cr_assert_eq(response.status, 101);
    cr_assert_str_eq(response_header(&response, "Upgrade"), "websocket");
    cr_assert_str_eq(response_header(&response, "Connection"), "Upgrade");
    cr_assert_str_eq(response_header(&response, "Sec-WebSocket-Accept"),
                     "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    cr_assert_str_eq(response_header(&response, "Sec-WebSocket-Protocol"), "mcp");
    cr_assert_null(response_header(&response, "Sec-WebSocket-Extensions"));
    response_release(&response);
    put(0x81, "{\"a\":1}");
    expect_frame(0x81, "{\"echo\":7}");
    cr_assert_eq(rig.protocol.received, 1);
    cr_assert_str_eq(rig.protocol.messages[0], "{\"a\":1}");
    cr_assert_eq(rig.protocol.gets, 0);
    stop();
    cr_assert_eq(rig.protocol.closed, 1);
}

/* The answer to one request on a connection of its own. */
static int ask(const char *request)
{
    client_open(&rig, &client, 0);
    int status = client_status(&rig, &client, request);
    client_release(&client);
    return status;
}

Test(websocket, a_handshake_passes_the_checks_of_every_request, .init = setup)
{
    rig_token(&rig, "ci", "secret");
    rig_http(&rig);
#define ASK(host, more) ask("GET /mcp HTTP/1.1\r\nHost: " host "\r\n" more "\r\n")
#define REST                                                                                       \
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
    "Sec-WebSocket-Version: 13\r\n"
    cr_assert_eq(ASK("localhost", REST), 401);
    cr_assert_eq(ASK("localhost", REST "Authorization: Bearer other\r\n"), 401);
    cr_assert_eq(ASK("evil.example", REST "Authorization: Bearer secret\r\n"), 403);
    cr_assert_eq(
        ASK("localhost", REST "Authorization: Bearer secret\r\nOrigin: https://evil.example\r\n"),
        403);
    cr_assert_eq(ask("GET /other HTTP/1.1\r\nHost: localhost\r\n" REST
                     "Authorization: Bearer secret\r\n\r\n"),
                 404);
    open_with("Authorization: Bearer secret\r\n");
    put(0x81, "{}");
    expect_frame(0x81, "{\"echo\":2}");
    cr_assert_str_eq(rig.protocol.principal, "ci");
    stop();
#undef REST
#undef ASK
}

Test(websocket, one_whose_token_is_taken_away_is_closed, .init = setup)
{
    struct client other;
    rig_token(&rig, "ci", "secret");
    rig_token(&rig, "me", "mine");
    rig_http(&rig);
    open_with("Authorization: Bearer mine\r\n");
    other = client;
    open_with("Authorization: Bearer secret\r\n");
    rig_change_token(&rig, "nobody", "");
    put(0x81, "{}");
    expect_frame(0x81, "{\"echo\":2}");
    rig_change_token(&rig, "ci", "new");
    expect_closed(1008, "the token is not known here any more");
    client_release(&client);
    client = other;
    put(0x81, "{}");
    expect_frame(0x81, "{\"echo\":2}");
    stop();
}

Test(websocket, what_is_no_proper_handshake_is_refused, .init = setup)
{
    struct response response;
    rig_http(&rig);
#define ASK(more) ask("GET /mcp HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n" more "\r\n")
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    cr_assert_eq(ASK("Connection: Upgrade\r\n" KEY), 426);
    cr_assert_eq(ASK("Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n" KEY), 426);
    cr_assert_eq(ASK("Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"), 400);
    cr_assert_eq(
        ASK("Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhl\r\n"),
        400);
    cr_assert_eq(ask("GET /mcp HTTP/1.1\r\n" UPGRADE
                     "Sec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\n{}"),
                 400);
    cr_assert_eq(ASK("Sec-WebSocket-Version: 13\r\n" KEY), 406, "it is about no hop of ours");
    cr_assert_eq(ask("POST /mcp HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Version: 13\r\n"
                     "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
                 200, "a POST cannot become one");
#undef KEY
#undef ASK
    client_open(&rig, &client, 0);
    client_print(&client, "GET /mcp HTTP/1.1\r\n" UPGRADE "\r\n");
    client_response(&rig, &client, &response);
    cr_assert_str_eq(response_header(&response, "Sec-WebSocket-Version"), "13");
    cr_assert_str_eq(response_header(&response, "Upgrade"), "websocket");
    response_release(&response);
    client_release(&client);
    rig.config->websocket = false;
    cr_assert_eq(ask("GET /mcp HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Version: 13\r\n\r\n"), 406);
    rig_end(&rig);
}

/* ---- messages */

Test(websocket, messages_come_in_fragments_and_in_one_packet_with_the_handshake, .init = setup)
{
    rig_http(&rig);
    client_open(&rig, &client, 0);
    client_write(&client,
                 "GET /mcp HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Version: 13\r\n\r\n"
                 "\x81\x82\0\0\0\0{}",
                 sizeof("GET /mcp HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Version: 13\r\n\r\n") - 1 +
                     8);
    client_expect(&rig, &client, "\r\n\r\n");
    expect_frame(0x81, "{\"echo\":2}");
    put(0x01, "{\"a");
    put(0x89, "here?");
    put(0x00, "\":");
    turns();
    put(0x80, "1}");
    expect_frame(0x8A, "here?");
    expect_frame(0x81, "{\"echo\":7}");
    put(0x81, " \n");
    put(0x81, "");
    put(0x81, "{}");
    expect_frame(0x81, "{\"echo\":2}");
    cr_assert_eq(rig.protocol.received, 3, "a blank message is none");
    cr_assert_str_eq(rig.protocol.messages[1], "{\"a\":1}");
    stop();
}

Test(websocket, the_connection_is_one_shared_stream, .init = setup)
{
    start();
    struct gn_stream *s = hold();
    cr_assert(s->shared);
    cr_assert_str_eq(s->transport, "websocket");
    cr_assert_null(s->ops->header);
    put(0x81, "{\"b\":1}");
    RIG_WAIT(&rig, rig.protocol.received == 2);
    cr_assert_eq(rig.protocol.stream, s);
    cr_assert_eq(s->ops->send(s, "{\"progress\":1}", 14, GN_MAY), 0);
    s->ops->end(s, 200, "{\"done\":2}", 10);
    s->ops->end(s, 400, "{\"done\":1}", 10);
    s->ops->end(s, 202, NULL, 0);
    expect_frame(0x81, "{\"progress\":1}");
    expect_frame(0x81, "{\"done\":2}");
    expect_frame(0x81, "{\"done\":1}");
    stop();
}

Test(websocket, large_messages_go_both_ways, .init = setup)
{
    size_t len = 3u << 20;
    char *text = gn_malloc(len);
    memset(text, 'x', len);
    start();
    struct gn_stream *s = hold();
    put_raw(0x81, text, len);
    RIG_WAIT(&rig, rig.protocol.received == 2);
    cr_assert_eq(rig.protocol.lens[1], len);
    s->ops->end(s, 200, text, len);
    struct gn_buf out = GN_BUF_INIT(len);
    cr_assert_eq(frame(&out), 0x81);
    cr_assert_eq(out.len, len);
    cr_assert_eq(memcmp(out.data, text, len), 0);
    gn_buf_release(&out);
    gn_free(text);
    stop();
}

Test(websocket, deliveries_are_told, .init = setup)
{
    struct told first = {.delivery.done = told_done}, last = {.delivery.done = told_done};
    size_t len = 32u << 20;
    char *text = gn_malloc(len);
    memset(text, 'x', len);
    start();
    struct gn_stream *s = hold();
    s->delivery = &first.delivery;
    s->ops->end(s, 200, "{}", 2);
    cr_assert_null(s->delivery);
    cr_assert_eq(first.count, 0);
    RIG_WAIT(&rig, first.count);
    cr_assert(first.is_written);
    s->delivery = &last.delivery;
    s->ops->end(s, 200, text, len);
    gn_free(text);
    turns();
    cr_assert_eq(last.count, 0);
    client_release(&client);
    RIG_WAIT(&rig, last.count);
    cr_assert_not(last.is_written);
    stop();
    cr_assert_eq(first.count + last.count, 2);
}

/* ---- what is refused */

Test(websocket, wrong_frames_close_it_with_their_status, .init = setup)
{
    static const struct {
        const char *bytes;
        size_t len;
        int status;
        const char *reason;
    } table[] = {
        {"\x81\x02{}", 4, 1002, "a client's frame has no mask"},
        {"\xC1\x80\0\0\0\0", 6, 1002, "a reserved bit is set: no extension was agreed"},
        {"\x83\x80\0\0\0\0", 6, 1002, "unknown kind of frame"},
        {"\x82\x81\0\0\0\0x", 7, 1003, "messages are text, this one is binary"},
        {"\x81\x81\0\0\0\0\xFF", 7, 1007, "the message is not UTF-8"},
        {"\x81\xFF\0\0\0\x7F\xFF\xFF\xFF\xFF\0\0\0\0", 14, 1009,
         "the message is too large (limits.max_line)"},
    };
    rig_http(&rig);
    for (size_t i = 0; i < GN_COUNT(table); i++) {
        rig.protocol.closed = 0;
        open_with("");
        put(0x81, "{}");
        client_write(&client, table[i].bytes, table[i].len);
        put(0x81, "{\"late\":1}");
        expect_frame(0x81, "{\"echo\":2}");
        expect_closed(table[i].status, table[i].reason);
        client_release(&client);
    }
    cr_assert_eq(rig.protocol.received, GN_COUNT(table));
    rig_end(&rig);
}

Test(websocket, a_message_that_does_not_come_in_time_closes_it, .init = setup)
{
    rig.config->body_timeout_ms = 50;
    start();
    client_write(&client, "\x01\x82\0\0\0\0x", 7);
    expect_closed(1008, "the message did not come in time");
    client_release(&client);
    rig.protocol.closed = 0;
    open_with("");
    client_write(&client, "\x81", 1);
    expect_closed(1008, "the message did not come in time");
    stop();
}

Test(websocket, messages_count_among_the_bodies_in_flight, .init = setup)
{
    struct client other;
    rig.config->max_bodies_in_flight = 100;
    start();
    client_write(&client, "\x81\xFE\x00\xC8\0\0\0\0", 8);
    for (int i = 0; i < 60; i++)
        client_write(&client, "x", 1);
    RIG_WAIT(&rig, rig.http && (client_read(&client), true));
    turns();
    client_open(&rig, &other, 0);
    client_print(&other, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 50\r\n\r\n");
    client_expect(&rig, &other, "503 Service Unavailable");
    client_release(&other);
    for (int i = 0; i < 60; i++)
        client_write(&client, "x", 1);
    expect_closed(1013, "too many messages are being read: try again");
    client_release(&client);
    rig.protocol.closed = 0;
    open_with("");
    put(0x81, "{}");
    expect_frame(0x81, "{\"echo\":2}");
    stop();
}

#define PINGS 5000 /* what the kernel holds of them does not fill its buffers */

Test(websocket, a_client_that_does_not_read_is_not_listened_to, .init = setup)
{
    static const char ping[] =
        "0123456789012345678901234567890123456789012345678901234567890123456";
    rig.config->max_output_queue = 1u << 16;
    start();
    struct gn_stream *s = hold();
    char text[16384];
    memset(text, 'x', sizeof(text));
    int rc = 0;
    size_t sent = 0;
    struct gn_transport_status status = {0};
    /* Until the kernel takes no more and so much waits that progress is dropped. */
    for (int i = 0; i < 100000 && rc == 0; i++) {
        rc = s->ops->send(s, text, sizeof(text), GN_MAY);
        sent += rc == 0;
        rig_turn(&rig);
    }
    cr_assert_eq(rc, GN_EBUSY);
    cr_assert_eq(s->ops->send(s, text, sizeof(text), GN_MUST), 0);
    sent++;
    for (int i = 0; i < PINGS; i++) {
        put(0x89, ping);
        if (i % 100 == 0)
            rig_turn(&rig);
        gn_http_server_status(rig.http, &status);
        cr_assert_leq(status.output_bytes, 256u << 10);
    }
    turns();
    cr_assert_eq(rig.protocol.closed, 0);
    size_t frames = sent * (sizeof(text) + 4), pongs = (size_t)PINGS * (sizeof(ping) - 1 + 2);
    RIG_WAIT(&rig, has_bytes(frames + pongs));
    for (size_t i = 0; i < sent; i++)
        cr_assert_eq(memcmp(client.in.data + i * (sizeof(text) + 4), "\x81\x7E\x40\x00", 4), 0);
    gn_buf_consume(&client.in, frames + pongs - pongs / PINGS);
    expect_frame(0x8A, ping);
    cr_assert_eq(client.in.len, 0);
    stop();
}

Test(websocket, a_slow_reader_loses_progress_and_then_the_connection, .init = setup)
{
    char text[8192];
    int r = 0;
    memset(text, 'x', sizeof(text));
    rig.config->max_output_queue = 1u << 16;
    start();
    struct gn_stream *s = hold();
    for (int i = 0; i < 100 && r == 0; i++)
        r = s->ops->send(s, text, sizeof(text), GN_MAY);
    cr_assert_eq(r, GN_EBUSY);
    r = 0;
    for (int i = 0; i < 100 && r == 0; i++)
        r = s->ops->send(s, text, sizeof(text), GN_MUST);
    cr_assert_eq(r, GN_EPIPE);
    cr_assert_eq(rig.protocol.closed, 0, "not from within the protocol's own call");
    RIG_WAIT(&rig, rig.protocol.closed == 1);
    stop();
    cr_assert_eq(rig.protocol.closed, 1);
}

/* ---- signs of life */

Test(websocket, a_silent_client_is_pinged_and_given_up, .init = setup)
{
    rig.config->sse_keepalive_ms = 20;
    start();
    for (int i = 0; i < 5; i++) {
        expect_frame(0x89, "");
        put(0x8A, "");
    }
    cr_assert_eq(rig.protocol.closed, 0);
    RIG_WAIT(&rig, rig.protocol.closed == 1);
    expect_frame(0x89, "");
    expect_frame(0x89, "");
    client_expect_close(&rig, &client);
    stop();
    cr_assert_eq(rig.protocol.closed, 1);
}

/* ---- the end */

Test(websocket, a_close_frame_is_answered_after_what_waits, .init = setup)
{
    start();
    struct gn_stream *s = hold();
    s->ops->end(s, 200, "{\"done\":1}", 10);
    put_raw(0x88,
            "\x03\xE8"
            "bye",
            5);
    expect_frame(0x81, "{\"done\":1}");
    expect_frame(0x88, "\x03\xE8");
    client_expect_close(&rig, &client);
    cr_assert_eq(rig.protocol.closed, 1);
    client_release(&client);
    open_with("");
    put(0x88, "");
    put(0x81, "{\"late\":1}");
    expect_frame(0x88, "");
    client_expect_close(&rig, &client);
    cr_assert_eq(rig.protocol.received, 1);
    stop();
}

Test(websocket, a_client_that_hangs_up_inside_a_frame_is_gone, .init = setup)
{
    start();
    client_write(&client, "\x81\xFE\x01\x00\0\0\0\0half", 12);
    turns();
    client_release(&client);
    RIG_WAIT(&rig, rig.protocol.closed == 1);
    cr_assert_eq(rig.protocol.received, 0);
    rig_end(&rig);
}

Test(websocket, a_host_that_stops_says_so, .init = setup)
{
    start();
    put(0x81, "{}");
    expect_frame(0x81, "{\"echo\":2}");
    rig_end(&rig);
    cr_assert_eq(rig.protocol.closed, 1);
    client_read(&client);
    cr_assert_eq(client.in.len, 4 + strlen("the server stops"));
    cr_assert_eq(memcmp(client.in.data, "\x88\x12\x03\xE9the server stops", client.in.len), 0);
    client_release(&client);
}
