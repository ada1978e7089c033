/* Unit tests of the client's WebSocket: a server on the same loop that does what each test wants.
 */
#include "internal.h"

#include "support.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/ws_frame.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

GN_SUITE(client_websocket);

#define DEADLINE_MS 60000
#define BIG ((size_t)64 << 20)
#define DISCOVERED                                                                                 \
    "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},"                     \
    "\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}"

#define REFUSED "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=x\r\n\r\n"

/* ---------------------------------------------------------------- the server */

static struct server {
    uv_loop_t loop;
    uv_tcp_t listener, *peer;
    uv_timer_t alarm; /* so that the loop turns */
    bool has_peer, is_shaken;
    unsigned connections, calls, pongs;
    struct gn_buf in, message, request; /* request: the head of the last handshake */
    struct gn_ws_reader reader;
    char url[128];
    char last_pong[GN_WS_CONTROL_MAX + 1];
    int close_status; /* of the client's Close frame; 0: none has come */
    bool is_gone;     /* the client has closed the connection */
    /* What it does otherwise. */
    const char *answer;       /* instead of accepting */
    const char *wants;        /* what the handshake must have; else 401 */
    const char *more_headers; /* of accepting */
    const char *behind;       /* sent with the answer to the handshake */
    size_t behind_len;
    bool ignores_close, ignores_pings, stops_reading;
    void (*on_call)(const char *id); /* a tools/call; NULL: answers "ok" */
} s;

static gantry_client *client;
static struct gn_buf notes;
static bool is_closed;

struct write {
    uv_write_t uv;
    char data[];
};

static void on_written(uv_write_t *uv, int status)
{
    (void)status;
    gn_free(GN_CONTAINER(uv, struct write, uv));
}

static void put(const void *data, size_t len)
{
    struct write *w = gn_malloc(sizeof(*w) + len);
    memcpy(w->data, data, len);
    uv_buf_t buf = uv_buf_init(w->data, (unsigned)len);
    if (uv_write(&w->uv, (uv_stream_t *)s.peer, &buf, 1, on_written))
        gn_free(w);
}

static void put_frame(unsigned first, const char *payload, size_t len)
{
    unsigned char head[GN_WS_HEAD_MAX];
    size_t n = gn_ws_write_head(head, GN_WS_OP_TEXT, len);
    head[0] = (unsigned char)first;
    put(head, n);
    put(payload, len);
}

static void put_text(const char *text)
{
    put_frame(0x81, text, strlen(text));
}

static void put_result(const char *id, const char *result)
{
    GN_AUTO_FREE char *text = gn_format("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}", id,
                                        result);
    put_text(text);
}

static void put_ok(const char *id)
{
    put_result(id, "{\"content\":[{\"type\":\"text\",\"text\":\"ok\"}]}");
}

static void put_close(int status, const char *reason)
{
    unsigned char payload[GN_WS_CONTROL_MAX];
    size_t len = gn_ws_write_close(payload, status, reason);
    put_frame(0x88, (const char *)payload, len);
}

static void on_peer_closed(uv_handle_t *handle)
{
    gn_free(handle);
}

static void drop_peer(void)
{
    if (s.has_peer)
        uv_close((uv_handle_t *)s.peer, on_peer_closed);
    s.has_peer = false;
    s.peer = NULL;
}

static void on_text(const char *text, size_t len)
{
    struct gn_json_doc doc = {0};
    cr_assert_eq(gn_json_parse_copy(&doc, text, len, NULL, NULL), 0);
    const gantry_json *root = gn_json_root(&doc);
    const char *method = gn_json_cstr(gn_json_get(root, "method"));
    GN_AUTO_FREE char *id = gantry_read_print(gn_json_get(root, "id"));
    if (gn_streq(method, "server/discover"))
        put_result(id, DISCOVERED);
    else if (gn_streq(method, "tools/call") && ++s.calls && s.on_call)
        s.on_call(id);
    else if (gn_streq(method, "tools/call"))
        put_ok(id);
    gn_json_release(&doc);
}

static void on_frames(const char *data, size_t len)
{
    while (len && s.has_peer) {
        int event = gn_ws_read(&s.reader, &data, &len);
        cr_assert_geq(event, 0, "%s", s.reader.problem);
        if (event == GN_WS_MESSAGE) {
            on_text(gn_buf_str(&s.message), s.message.len);
            gn_buf_clear(&s.message);
        } else if (event == GN_WS_PING && !s.ignores_pings) {
            put_frame(0x8A, s.reader.control, s.reader.control_len);
        } else if (event == GN_WS_PONG) {
            s.pongs++;
            snprintf(s.last_pong, sizeof(s.last_pong), "%.*s", (int)s.reader.control_len,
                     s.reader.control);
        } else if (event == GN_WS_CLOSE) {
            s.close_status = s.reader.status;
            if (!s.ignores_close)
                put_close(s.reader.status, "");
        }
    }
}

static void accept_handshake(void)
{
    char accept[GN_WS_ACCEPT_MAX], key[64] = "";
    const char *at = strstr(s.request.data, "Sec-WebSocket-Key: ");
    cr_assert(at && sscanf(at, "Sec-WebSocket-Key: %60[^\r]", key) == 1);
    gn_ws_accept(accept, key);
    struct gn_buf text = GN_BUF_INIT(BIG);
    gn_buf_addf(&text,
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n"
                "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                accept, s.more_headers ? s.more_headers : "Sec-WebSocket-Protocol: mcp\r\n");
    gn_buf_add(&text, s.behind ? s.behind : "", s.behind_len);
    put(text.data, text.len);
    gn_buf_release(&text);
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)stream;
    if (n < 0) {
        s.is_gone = true;
        drop_peer();
    } else if (s.is_shaken) {
        on_frames(buf->base, (size_t)n);
    } else if (n > 0) {
        gn_buf_add(&s.in, buf->base, (size_t)n);
        const char *end = strstr(s.in.data, "\r\n\r\n");
        if (end) {
            gn_buf_clear(&s.request);
            gn_buf_add(&s.request, s.in.data, s.in.len);
            gn_buf_clear(&s.in);
            s.is_shaken = !s.answer;
            if (s.wants && !strstr(s.request.data, s.wants)) {
                s.is_shaken = false;
                put(REFUSED, strlen(REFUSED));
                drop_peer();
                return;
            }
            if (s.answer)
                put(s.answer, strlen(s.answer));
            else
                accept_handshake();
            if (s.stops_reading)
                uv_read_stop((uv_stream_t *)s.peer);
        }
    }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char bytes[65536];
    (void)handle, (void)size;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_connection(uv_stream_t *listener, int status)
{
    cr_assert_eq(status, 0);
    cr_assert_not(s.has_peer, "one connection at a time");
    s.peer = gn_malloc(sizeof(*s.peer));
    uv_tcp_init(&s.loop, s.peer);
    cr_assert_eq(uv_accept(listener, (uv_stream_t *)s.peer), 0);
    s.has_peer = true;
    s.is_shaken = false;
    s.connections++;
    s.close_status = 0;
    s.is_gone = false;
    gn_buf_clear(&s.in);
    gn_buf_clear(&s.message);
    gn_ws_reader_init(&s.reader, &s.message, BIG);
    uv_read_start((uv_stream_t *)s.peer, on_alloc, on_bytes);
}

/* ---------------------------------------------------------------- the client */

static void on_note(gantry_client *c, const char *text, void *arg)
{
    (void)c, (void)arg;
    gn_buf_addf(&notes, "%s\n", text);
}

static struct {
    gantry_login *open; /* to be answered by the test */
    const char *retry;  /* what it is answered with at once; "": refused */
    unsigned asked;
} login;

static void on_login(gantry_client *c, gantry_login *l, void *arg)
{
    (void)c, (void)arg;
    login.asked++;
    cr_assert_eq(gantry_login_http_status(l), 401);
    cr_assert_str_eq(gantry_login_challenge(l), "Bearer realm=x");
    cr_assert_str_eq(gantry_login_url(l), s.url);
    if (!login.retry)
        login.open = l;
    else if (*login.retry)
        gantry_login_retry(l, login.retry);
    else
        gantry_login_refuse(l, "the person has none");
}

static void on_alarm(uv_timer_t *timer)
{
    (void)timer;
}

static void open_server(void)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    memset(&s, 0, sizeof(s));
    signal(SIGPIPE, SIG_IGN); /* of the server: libuv writes to those who are gone */
    uv_loop_init(&s.loop);
    s.in = s.message = s.request = GN_BUF_INIT(BIG);
    notes = GN_BUF_INIT(BIG);
    uv_timer_init(&s.loop, &s.alarm);
    uv_timer_start(&s.alarm, on_alarm, 5, 5);
    uv_tcp_init(&s.loop, &s.listener);
    uv_ip4_addr("127.0.0.1", 0, &address);
    cr_assert_eq(uv_tcp_bind(&s.listener, (struct sockaddr *)&address, 0), 0);
    cr_assert_eq(uv_listen((uv_stream_t *)&s.listener, 8, on_connection), 0);
    uv_tcp_getsockname(&s.listener, (struct sockaddr *)&address, &len);
    snprintf(s.url, sizeof(s.url), "ws://127.0.0.1:%d/mcp", ntohs(address.sin_port));
}

static void open_with(gantry_client_options *o)
{
    gantry_client_error err;
    open_server();
    o->url = o->url ? o->url : s.url;
    o->loop = &s.loop;
    o->retries = o->retries ? o->retries : GANTRY_CLIENT_NONE;
    o->handlers = o->handlers ? o->handlers : GANTRY_CLIENT_HANDLERS(.on_note = on_note);
    client = gantry_client_new(o, &err);
    cr_assert(client, "%s", err.message);
}

static void open_both(void)
{
    open_with(GANTRY_CLIENT_OPTIONS(.name = "test"));
}

#define RUN_UNTIL(condition)                                                                       \
    for (uint64_t end_ = gn_clock_ms() + DEADLINE_MS; !(condition);) {                             \
        cr_assert_lt(gn_clock_ms(), end_, "in vain: " #condition);                                 \
        uv_run(&s.loop, UV_RUN_ONCE);                                                              \
    }

static void on_closed(void *arg)
{
    (void)arg;
    is_closed = true;
}

/* Everything ends, and nothing stays on the loop. */
static void close_both(void)
{
    is_closed = false;
    gantry_client_close(client, on_closed, NULL);
    RUN_UNTIL(is_closed);
    drop_peer();
    uv_close((uv_handle_t *)&s.listener, NULL);
    uv_close((uv_handle_t *)&s.alarm, NULL);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&s.loop), 0);
    gn_buf_release(&s.in);
    gn_buf_release(&s.message);
    gn_buf_release(&s.request);
    gn_buf_release(&notes);
}

static gantry_request *begin(void)
{
    return gantry_client_call_tool(client, "t", NULL, NULL);
}

static void expect(gantry_request *r, gantry_client_status status, const char *message)
{
    RUN_UNTIL(gantry_request_is_done(r));
    cr_assert_eq(gantry_request_status(r), status, "%s: %s",
                 gantry_client_status_name(gantry_request_status(r)), gantry_request_message(r));
    cr_assert(strstr(gantry_request_message(r), message), "%s", gantry_request_message(r));
    gantry_request_free(r);
}

static void expect_ok(gantry_request *r)
{
    RUN_UNTIL(gantry_request_is_done(r));
    cr_assert_str_eq(gantry_request_text(r), "ok", "%s", gantry_request_message(r));
    gantry_request_free(r);
}

/* ---------------------------------------------------------------- the handshake */

Test(client_websocket, says_in_the_handshake_what_it_must_and_what_was_given)
{
    static const char *const headers[] = {"X-Mine: 1", "Connection: close", "Sec-WebSocket-Key: x",
                                          NULL};
    static const char *const wanted[] = {
        "\r\nUpgrade: websocket\r\n",        "\r\nConnection: Upgrade\r\n",
        "\r\nSec-WebSocket-Version: 13\r\n", "\r\nSec-WebSocket-Protocol: mcp\r\n",
        "\r\nAuthorization: Bearer t0k\r\n", "\r\nX-Mine: 1\r\n",
        "\r\nUser-Agent: gantry-client/"};
    open_with(GANTRY_CLIENT_OPTIONS(.token = "t0k", .headers = headers));
    expect_ok(begin());
    for (size_t i = 0; i < GN_COUNT(wanted); i++)
        cr_assert(strstr(s.request.data, wanted[i]), "%s in %s", wanted[i], s.request.data);
    cr_assert(gn_starts_with(s.request.data, "GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:"));
    cr_assert_null(strstr(s.request.data, "close"));
    cr_assert_str_eq(gantry_client_transport_name(client), "websocket");
    cr_assert_str_eq(gantry_client_revision(client), "2026-07-28");
    close_both();
}

Test(client_websocket, takes_path_query_and_credentials_of_the_url)
{
    open_both();
    is_closed = false;
    gantry_client_close(client, on_closed, NULL);
    RUN_UNTIL(is_closed);
    GN_AUTO_FREE char *url = gn_format("ws://ada:p%%40ss@%s?a=1&b=%%20", s.url + strlen("ws://"));
    client = gantry_client_new(GANTRY_CLIENT_OPTIONS(.url = url, .loop = &s.loop), NULL);
    expect_ok(begin());
    cr_assert(gn_starts_with(s.request.data, "GET /mcp?a=1&b=%20 HTTP/1.1\r\n"), "%s",
              s.request.data);
    cr_assert(strstr(s.request.data, "\r\nAuthorization: Basic YWRhOnBAc3M=\r\n"));
    close_both();
}

Test(client_websocket, takes_frames_that_come_with_the_answer)
{
    static const char text[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}";
    char frame[200];
    open_both();
    s.behind_len = (size_t)snprintf(frame, sizeof(frame), "\x81%c%s", (int)strlen(text), text);
    s.behind = frame;
    s.more_headers = "";
    expect_ok(begin());
    close_both();
}

Test(client_websocket, tells_why_a_handshake_came_to_nothing)
{
#define SWITCH "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    static const struct {
        const char *answer;
        gantry_client_status status;
        const char *message;
        int http_status;
    } table[] = {
        {"SSH-2.0-x\r\n", GANTRY_CLIENT_PROTOCOL, "it is not HTTP", 0},
        {"HTTP/1.1 xyz\r\n\r\n", GANTRY_CLIENT_PROTOCOL, "it has no status", 0},
        {"HTTP/1.1\r\n\r\n", GANTRY_CLIENT_PROTOCOL, "it has no status", 0},
        {"HTTP/1.1 200 OK\r\n\r\n", GANTRY_CLIENT_CONNECTION, "no WebSocket is served there", 200},
        {"HTTP/1.0 404 No\n\n", GANTRY_CLIENT_CONNECTION, "no WebSocket is served there", 404},
        {"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\n\r\n", GANTRY_CLIENT_UNAUTHORIZED,
         "it wants credentials", 401},
        {"HTTP/1.1 403 No\r\n\r\n", GANTRY_CLIENT_UNAUTHORIZED, "with 403", 403},
        {"HTTP/1.1 302 No\r\nLocation: https://x/y?secret\r\n\r\n", GANTRY_CLIENT_CONNECTION,
         "it is elsewhere, at https://x/y", 302},
        {"HTTP/1.1 503 No\r\nRetry-After: 1\r\n\r\n", GANTRY_CLIENT_CONNECTION, "with 503", 503},
        {"HTTP/1.1 101 X\r\nUpgrade: h2c\r\n\r\n", GANTRY_CLIENT_PROTOCOL, "something else", 0},
        {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", GANTRY_CLIENT_PROTOCOL,
         "the header Connection", 0},
        {SWITCH "\r\n", GANTRY_CLIENT_PROTOCOL, "Sec-WebSocket-Accept does not fit", 0},
        {SWITCH "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
         GANTRY_CLIENT_PROTOCOL, "Sec-WebSocket-Accept does not fit", 0},
    };
    for (size_t i = 0; i < GN_COUNT(table); i++) {
        open_both();
        s.answer = table[i].answer;
        gantry_request *r = begin();
        RUN_UNTIL(gantry_request_is_done(r));
        cr_assert_eq(gantry_request_http_status(r), table[i].http_status, "%zu", i);
        cr_assert_null(strstr(gantry_request_message(r), "secret"));
        expect(r, table[i].status, table[i].message);
        cr_assert_eq(s.connections, 1);
        close_both();
    }
}

Test(client_websocket, wants_no_extension_or_subprotocol_that_was_not_offered)
{
    static const char *const table[][2] = {
        {"Sec-WebSocket-Extensions: permessage-deflate\r\n", "extension"},
        {"Sec-WebSocket-Protocol: chat\r\n", "subprotocol"}};
    for (size_t i = 0; i < GN_COUNT(table); i++) {
        open_both();
        s.more_headers = table[i][0];
        expect(begin(), GANTRY_CLIENT_PROTOCOL, table[i][1]);
        close_both();
    }
}

Test(client_websocket, bounds_the_headers_of_an_answer)
{
    open_both();
    struct gn_buf text = GN_BUF_INIT(BIG);
    gn_buf_adds(&text, "HTTP/1.1 101 X\r\n");
    while (text.len < 100000)
        gn_buf_adds(&text, "X-More: of the same\r\n");
    s.answer = text.data;
    expect(begin(), GANTRY_CLIENT_PROTOCOL, "headers of the server are too long");
    close_both();
    gn_buf_release(&text);
}

static void open_with_login(const char *retry)
{
    memset(&login, 0, sizeof(login));
    login.retry = retry;
    open_with(GANTRY_CLIENT_OPTIONS(.handlers = GANTRY_CLIENT_HANDLERS(.on_login = on_login)));
    s.wants = "\r\nAuthorization: Bearer right\r\n";
}

Test(client_websocket, asks_for_credentials_and_shows_them)
{
    open_with_login("Bearer right");
    gantry_request *first = begin(), *second = begin();
    expect_ok(first);
    expect_ok(second);
    cr_assert_eq(login.asked, 1);
    cr_assert_eq(s.connections, 2);
    close_both();
    open_with_login(NULL); /* answered later */
    first = begin();
    RUN_UNTIL(login.open);
    for (unsigned i = 0; i < 10; i++)
        uv_run(&s.loop, UV_RUN_ONCE);
    gantry_login_retry(login.open, "Bearer right");
    expect_ok(first);
    close_both();
}

Test(client_websocket, ends_without_credentials)
{
    open_with_login("");
    expect(begin(), GANTRY_CLIENT_UNAUTHORIZED, "the person has none");
    cr_assert_eq(login.asked, 1);
    close_both();
    open_with_login("Bearer wrong");
    gantry_request *r = begin();
    RUN_UNTIL(gantry_request_is_done(r));
    cr_assert_eq(gantry_request_http_status(r), 401);
    expect(r, GANTRY_CLIENT_UNAUTHORIZED, "refuses these credentials");
    cr_assert_eq(login.asked, 3, "and not for ever");
    close_both();
    for (unsigned turns = 0; turns < 20; turns++) { /* closed while it asks */
        open_with_login(NULL);
        r = begin();
        for (unsigned i = 0; i < turns; i++)
            uv_run(&s.loop, UV_RUN_ONCE);
        gantry_request_free(r);
        close_both();
        if (login.open)
            gantry_login_retry(login.open, "Bearer right"); /* too late, and harmless */
    }
}

/* ---------------------------------------------------------------- messages */

static void answer_in_pieces(const char *id)
{
    GN_AUTO_FREE char *text = gn_format("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":"
                                        "[{\"type\":\"text\",\"text\":\"ok\"}]}}",
                                        id);
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        put_frame((i == 0 ? 0x01 : 0x00) | (i + 1 == len ? 0x80 : 0x00), text + i, 1);
        if (i == 3)
            put_frame(0x89, "are you there?", 14);
    }
}

Test(client_websocket, puts_fragments_together_and_answers_pings)
{
    open_both();
    s.on_call = answer_in_pieces;
    expect_ok(begin());
    RUN_UNTIL(s.pongs == 1);
    cr_assert_str_eq(s.last_pong, "are you there?");
    close_both();
}

#define LARGE ((size_t)3 << 20)

static void answer_large(const char *id)
{
    char *text = gn_malloc(LARGE + 1);
    memset(text, 'x', LARGE);
    text[LARGE] = '\0';
    GN_AUTO_FREE char *result = gn_format("{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}",
                                          text);
    put_result(id, result);
    gn_free(text);
}

Test(client_websocket, carries_what_is_large_both_ways_and_no_more_than_max_message)
{
    char *text = gn_malloc(LARGE + 20);
    memset(text, 'y', LARGE + 20);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + LARGE, "\"}", 3);
    open_both();
    s.on_call = answer_large;
    gantry_request *r = gantry_client_call_tool(client, "t", text, NULL);
    RUN_UNTIL(gantry_request_is_done(r));
    cr_assert_eq(strlen(gantry_request_text(r)), LARGE);
    gantry_request_free(r);
    close_both();

    open_with(GANTRY_CLIENT_OPTIONS(.max_message = (size_t)1 << 20));
    expect(gantry_client_call_tool(client, "t", text, NULL), GANTRY_CLIENT_LIMIT, "larger than");
    s.on_call = answer_large;
    expect(begin(), GANTRY_CLIENT_LIMIT, "max_message");
    RUN_UNTIL(s.close_status == GN_WS_TOO_BIG);
    s.on_call = NULL;
    RUN_UNTIL(!s.has_peer);
    expect_ok(begin()); /* on a new connection */
    cr_assert_eq(s.connections, 2);
    close_both();
    gn_free(text);
}

static void answer_after_nonsense(const char *id)
{
    put_text("nonsense");
    put_text("{\"jsonrpc\":\"2.0\",\"id\":999999,\"result\":{}}");
    put_text("[]");
    put_text("");
    put_ok(id);
}

Test(client_websocket, goes_on_after_what_is_no_message)
{
    open_both();
    s.on_call = answer_after_nonsense;
    expect_ok(begin());
    cr_assert(strstr(gn_buf_str(&notes), "sent what is no message"));
    cr_assert_eq(s.connections, 1);
    close_both();
}

static struct bad {
    const char *bytes;
    size_t len;
    int close_status;
    const char *message;
} bad;

static void answer_badly(const char *id)
{
    (void)id;
    put(bad.bytes, bad.len);
}

Test(client_websocket, ends_over_frames_that_are_none)
{
#define BAD(bytes, status, message)                                                                \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, status, message                                                  \
    }
    static const struct bad table[] = {
        BAD("\x81\x85xxxxhello", 1002, "a server's frame has a mask"),
        BAD("\xC1\x01x", 1002, "a reserved bit is set"),
        BAD("\x82\x01x", 1003, "this one is binary"),
        BAD("\x81\x02\xC3\x28", 1007, "not UTF-8"),
        BAD("\x80\x01x", 1002, "no message has begun"),
        BAD("\x83\x01x", 1002, "unknown kind of frame"),
        BAD("\x09\x00", 1002, "a control frame is fragmented"),
        BAD("\x88\x01x", 1002, "half a status"),
    };
    for (size_t i = 0; i < GN_COUNT(table); i++) {
        open_both();
        bad = table[i];
        s.on_call = answer_badly;
        expect(begin(), GANTRY_CLIENT_PROTOCOL, bad.message);
        RUN_UNTIL(s.close_status || s.is_gone);
        cr_assert_eq(s.close_status, bad.close_status, "%zu", i);
        close_both();
    }
}

/* ---------------------------------------------------------------- the end */

static int close_with;

static void answer_with_close(const char *id)
{
    (void)id;
    put_close(close_with, "for a while");
}

Test(client_websocket, tells_why_the_server_closed_and_connects_again)
{
    static const int table[] = {GN_WS_NORMAL, GN_WS_GOING_AWAY, GN_WS_POLICY, 1011};
    for (size_t i = 0; i < GN_COUNT(table); i++) {
        open_both();
        close_with = table[i];
        s.on_call = answer_with_close;
        GN_AUTO_FREE char *message = gn_format("closed the WebSocket: %d, for a while", table[i]);
        expect(begin(), GANTRY_CLIENT_CONNECTION, message);
        RUN_UNTIL(s.is_gone);
        cr_assert_eq(s.close_status, table[i], "our answer to it");
        s.on_call = NULL;
        expect_ok(begin());
        cr_assert_eq(s.connections, 2);
        close_both();
    }
}

static void answer_by_leaving(const char *id)
{
    (void)id;
    drop_peer();
}

static void answer_by_half(const char *id)
{
    (void)id;
    put("\x81\x10{\"json", 8);
    drop_peer();
}

Test(client_websocket, tells_that_the_server_is_gone)
{
    void (*const ways[])(const char *id) = {answer_by_leaving, answer_by_half};
    for (size_t i = 0; i < GN_COUNT(ways); i++) {
        open_both();
        s.on_call = ways[i];
        expect(begin(), GANTRY_CLIENT_CONNECTION, "connection");
        s.on_call = NULL;
        expect_ok(begin());
        close_both();
    }
    open_both(); /* nobody there at all */
    uv_close((uv_handle_t *)&s.listener, NULL);
    uv_run(&s.loop, UV_RUN_NOWAIT);
    expect(begin(), GANTRY_CLIENT_CONNECTION, "connect");
    uv_tcp_init(&s.loop, &s.listener);
    close_both();
}

static void answer_nothing(const char *id)
{
    (void)id;
}

Test(client_websocket, says_goodbye_and_waits_for_the_answer)
{
    open_both();
    s.on_call = answer_nothing;
    gantry_request *r = begin();
    RUN_UNTIL(s.calls == 1);
    is_closed = false;
    gantry_client_close(client, on_closed, NULL);
    RUN_UNTIL(is_closed);
    cr_assert_eq(gantry_request_status(r), GANTRY_CLIENT_CANCELLED);
    gantry_request_free(r);
    RUN_UNTIL(s.is_gone);
    cr_assert_eq(s.close_status, GN_WS_NORMAL);
    client = gantry_client_new(GANTRY_CLIENT_OPTIONS(.url = s.url, .loop = &s.loop), NULL);
    close_both();
}

Test(client_websocket, ends_in_a_hurry_although_the_server_says_nothing)
{
    open_both();
    s.ignores_close = true;
    expect_ok(begin());
    is_closed = false;
    gantry_client_close(client, on_closed, NULL);
    RUN_UNTIL(s.close_status == GN_WS_NORMAL);
    cr_assert_not(is_closed);
    gantry_client_hurry(client);
    RUN_UNTIL(is_closed);
    client = gantry_client_new(GANTRY_CLIENT_OPTIONS(.url = s.url, .loop = &s.loop), NULL);
    close_both();
}

Test(client_websocket, may_be_closed_before_it_is_open)
{
    for (unsigned turns = 0; turns < 12; turns++) {
        open_both();
        s.answer = turns % 2 ? "" : NULL; /* "": it does not answer */
        gantry_request *r = begin();
        for (unsigned i = 0; i < turns; i++)
            uv_run(&s.loop, UV_RUN_NOWAIT);
        gantry_request_free(r);
        close_both();
    }
}

Test(client_websocket, notices_that_nobody_answers_any_more)
{
    open_with(GANTRY_CLIENT_OPTIONS(.timeout_ms = 1000));
    s.on_call = answer_nothing;
    s.ignores_pings = true;
    expect(gantry_client_call_tool(client, "t", NULL,
                                   GANTRY_REQUEST_OPTIONS(.timeout_ms = DEADLINE_MS)),
           GANTRY_CLIENT_CONNECTION, "does not answer any more");
    RUN_UNTIL(s.is_gone);
    s.ignores_pings = false;
    gantry_request *r = gantry_client_call_tool(client, "t", NULL,
                                                GANTRY_REQUEST_OPTIONS(.timeout_ms = 4500));
    expect(r, GANTRY_CLIENT_TIMEOUT, "in time"); /* it answers pings: it is there */
    cr_assert_eq(s.connections, 2);
    close_both();
}

/* ---------------------------------------------------------------- who does not read */

#define FLOOD 600

static struct flood {
    unsigned done, refused;
} flood;

static void on_flood_done(gantry_request *r, void *arg)
{
    (void)arg;
    flood.done++;
    flood.refused += gantry_request_status(r) == GANTRY_CLIENT_LIMIT;
}

Test(client_websocket, keeps_no_more_than_its_bound_for_who_does_not_read)
{
    size_t len = (size_t)64 << 10;
    char *text = gn_malloc(len + 1);
    memset(text, 'y', len);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + len - 2, "\"}", 3);
    open_with(GANTRY_CLIENT_OPTIONS(.max_message = (size_t)1 << 20));
    expect_ok(begin());
    uv_read_stop((uv_stream_t *)s.peer);
    flood = (struct flood){0};
    gantry_request *first = begin();
    for (unsigned i = 0; i < FLOOD; i++) {
        gantry_client_call_tool(client, "t", text,
                                GANTRY_REQUEST_OPTIONS(.on_done = on_flood_done));
        uv_run(&s.loop, UV_RUN_NOWAIT);
    }
    RUN_UNTIL(flood.refused > 0);
    cr_assert_eq(flood.refused, flood.done, "the others wait");
    uv_read_start((uv_stream_t *)s.peer, on_alloc, on_bytes);
    RUN_UNTIL(flood.done == FLOOD);
    cr_assert_lt(flood.refused, FLOOD, "what was taken was answered");
    expect_ok(first);
    expect_ok(begin());
    cr_assert_eq(s.connections, 1);
    close_both();
    gn_free(text);
}
