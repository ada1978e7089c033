/* limits.c - what HTTP refuses, and how it treats clients that are slow, gone or hostile. */
#include "rig.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

GN_SUITE(limits);

static struct rig rig;

static void setup(void)
{
    rig_init(&rig);
}

static void start(struct client *c)
{
    rig_http(&rig);
    client_open(&rig, c, 0);
}

static void stop(struct client *c)
{
    client_release(c);
    rig_end(&rig);
}

/* Sends a request on a connection of its own and returns the status of its answer. */
static int ask(const char *request)
{
    struct client c;
    client_open(&rig, &c, 0);
    int status = client_status(&rig, &c, request);
    client_release(&c);
    return status;
}

#define REQUEST(line, headers) line " HTTP/1.1\r\nHost: localhost\r\n" headers "\r\n"

Test(limits, each_wrong_request_gets_its_status, .init = setup)
{
    static const struct {
        int status;
        const char *request;
    } table[] = {
        {404, REQUEST("POST /", "Content-Length: 0\r\n")},
        {404, REQUEST("POST /mcp/", "Content-Length: 0\r\n")},
        {404, REQUEST("POST /mcpx", "Content-Length: 0\r\n")},
        {404, REQUEST("POST /x/../mcp", "Content-Length: 0\r\n")},
        {405, REQUEST("PUT /mcp", "Content-Length: 0\r\n")},
        {405, REQUEST("PATCH /mcp", "Content-Length: 0\r\n")},
        {405, REQUEST("FROB /mcp", "")},
        {400, REQUEST("CONNECT localhost:80", "")},
        {411, REQUEST("POST /mcp", "Content-Type: application/json\r\n")},
        {415, REQUEST("POST /mcp", "Content-Length: 2\r\n") "{}"},
        {415, REQUEST("POST /mcp", "Content-Type: text/plain\r\nContent-Length: 2\r\n") "{}"},
        {415,
         REQUEST("POST /mcp", "Content-Type: application/jsonx\r\nContent-Length: 2\r\n") "{}"},
        {415, REQUEST("POST /mcp", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
                                   "Content-Length: 2\r\n") "{}"},
        {415, REQUEST("POST /mcp", "Content-Type: application/json\r\nContent-Length: 2\r\n"
                                   "Content-Encoding: identity, br\r\n") "{}"},
        {200, REQUEST("POST /mcp", "Content-Type: application/json\r\nContent-Length: 2\r\n"
                                   "Content-Encoding: Identity\r\n") "{}"},
        {406,
         REQUEST(
             "POST /mcp",
             "Content-Type: application/json\r\nAccept: text/html\r\nContent-Length: 2\r\n") "{}"},
        {406,
         REQUEST("POST /mcp", "Content-Type: application/json\r\nContent-Length: 2\r\n"
                              "Accept: application/json;q=0, text/event-stream; q=0.0\r\n") "{}"},
        {200,
         REQUEST("POST /mcp",
                 "Content-Type: application/json\r\nAccept: */*\r\nContent-Length: 2\r\n") "{}"},
        {200,
         REQUEST("POST /mcp",
                 "Content-Type: APPLICATION/JSON ;x=y\r\nAccept: text/html, application/*;q=0.1\r\n"
                 "Content-Length: 2\r\n") "{}"},
        {200,
         REQUEST("POST /mcp?x=1", "Content-Type: application/json\r\nContent-Length: 2\r\n") "{}"},
        {200, REQUEST("POST http://localhost/mcp",
                      "Content-Type: application/json\r\nContent-Length: 2\r\n") "{}"},
        {403, REQUEST("POST http://evil.example/mcp",
                      "Content-Type: application/json\r\nContent-Length: 2\r\n") "{}"},
        {406, REQUEST("GET /mcp", "")},
        {406, REQUEST("GET /mcp", "Accept: */*\r\n")},
        {400, REQUEST("POST /mcp", "Content-Length: 1x\r\n")},
        {400, REQUEST("POST /mcp", "Content-Length: -1\r\n")},
        {400, REQUEST("POST /mcp", "Content-Length: 2\r\nContent-Length: 3\r\n") "{}"},
        {400, REQUEST("POST /mcp", "Content-Length: 99999999999999999999\r\n")},
        {400, REQUEST("POST /mcp", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n")},
        {501, REQUEST("POST /mcp", "Transfer-Encoding: gzip\r\n")},
        {501, REQUEST("POST /mcp", "Transfer-Encoding: chunked, gzip\r\n")},
        {400, REQUEST("POST /mcp",
                      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") "zz\r\n"},
        {400, "POST /mcp HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"},
        {403,
         "POST /mcp HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}"},
        {505, "PRI * HTTP/2.0\r\n\r\n"},
        {400, "GET /mcp\r\n\r\n"},
        {400, "\x16\x03\x01\x02 tls\r\n\r\n"},
        {400, "GET /mcp HTTP/1.1\nHost: localhost\n\n"},
        {400, REQUEST("GET /mcp", "No colon\r\n")},
        {400, REQUEST("GET /mcp", "Blank : before\r\n")},
        {400, REQUEST("GET /mcp", "A: b\r\n  continued\r\n")},
        {400, REQUEST("GET /mcp", "A: \x01\r\n")},
        {400, REQUEST("GET mcp", "")},
        {204, REQUEST("OPTIONS /mcp", "")},
        {404, REQUEST("OPTIONS *", "")},
    };
    rig_http(&rig);
    for (size_t i = 0; i < GN_COUNT(table); i++)
        cr_assert_eq(ask(table[i].request), table[i].status, "%s", table[i].request);
    rig_end(&rig);
}

Test(limits, a_405_says_what_is_allowed, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    client_print(&c, REQUEST("PUT /mcp", "Content-Length: 3\r\n") "abc");
    client_response(&rig, &c, &response);
    cr_assert_str_eq(response_header(&response, "Allow"), "GET, POST, DELETE, OPTIONS");
    response_release(&response);
    client_post(&c, "{}"); /* the short body was dropped */
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    response_release(&response);
    stop(&c);
}

Test(limits, hosts_of_others_are_refused, .init = setup)
{
    static const char *const right[] = {
        "localhost",  "LOCALHOST:80",   "127.0.0.1:1",      "[::1]:1",        "a.localhost",
        "localhost.", "gantry.example", "gantry.example:1", "x.wild.example", "port.example:8443"};
    static const char *const wrong[] = {"evil.example",
                                        "127.0.0.1.evil.example",
                                        "wild.example",
                                        "xwild.example",
                                        "port.example:1",
                                        "port.example",
                                        "",
                                        "localhost:a",
                                        "[::1",
                                        "a b",
                                        "[::2]"};
    char one[] = "gantry.example", two[] = "*.wild.example", three[] = "port.example:8443";
    char *allowed[] = {one, two, three, NULL};
    char **old = rig.config->allowed_hosts;
    rig.config->allowed_hosts = allowed;
    rig_http(&rig);
    for (size_t i = 0; i < GN_COUNT(right); i++) {
        GN_AUTO_FREE char *text = gn_format("GET /health HTTP/1.1\r\nHost: %s\r\n\r\n", right[i]);
        cr_assert_eq(ask(text), 200, "%s", right[i]);
    }
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        GN_AUTO_FREE char *text = gn_format("GET /health HTTP/1.1\r\nHost: %s\r\n\r\n", wrong[i]);
        cr_assert_eq(ask(text), 403, "%s", wrong[i]);
    }
    rig.config->allowed_hosts = old;
    rig_end(&rig);
}

Test(limits, origins_of_others_are_refused, .init = setup)
{
    static const char *const right[] = {"http://localhost:5173", "https://127.0.0.1",
                                        "http://[::1]:80", "https://app.example"};
    static const char *const wrong[] = {"http://evil.example",
                                        "null",
                                        "https://app.example:1",
                                        "http://localhost.evil.example",
                                        "localhost",
                                        "file://localhost",
                                        "http://"};
    char one[] = "https://app.example";
    char *allowed[] = {one, NULL};
    char **old = rig.config->allowed_origins;
    struct client c;
    struct response response;
    rig.config->allowed_origins = allowed;
    rig_token(&rig, "ann", "secret");
    start(&c);
    for (size_t i = 0; i < GN_COUNT(right); i++) {
        client_print(
            &c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Origin: %s\r\nContent-Length: 2\r\n\r\n{}",
            right[i]);
        client_response(&rig, &c, &response);
        cr_assert_eq(response.status, 401, "%s", right[i]); /* CORS headers on every status */
        cr_assert_str_eq(response_header(&response, "Access-Control-Allow-Origin"), right[i]);
        cr_assert_str_eq(response_header(&response, "Vary"), "Origin");
        cr_assert_str_eq(response_header(&response, "Access-Control-Expose-Headers"),
                         "Mcp-Session-Id, WWW-Authenticate, MCP-Protocol-Version");
        response_release(&response);
    }
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        client_print(
            &c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Origin: %s\r\nContent-Length: 2\r\n\r\n{}",
            wrong[i]);
        client_response(&rig, &c, &response);
        cr_assert_eq(response.status, 403, "%s", wrong[i]);
        cr_assert_null(response_header(&response, "Access-Control-Allow-Origin"));
        response_release(&response);
    }
    char star[] = "*";
    allowed[0] = star;
    client_print(&c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS
                     "Origin: https://any.example\r\nContent-Length: 2\r\n\r\n{}");
    client_response(&rig, &c, &response);
    cr_assert_str_eq(response_header(&response, "Access-Control-Allow-Origin"),
                     "https://any.example");
    response_release(&response);
    rig.config->allowed_origins = old;
    stop(&c);
}

Test(limits, a_preflight_is_answered_without_a_token, .init = setup)
{
    struct client c;
    struct response response;
    rig_token(&rig, "ann", "secret");
    start(&c);
    client_print(&c, "OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:5173\r\n"
                     "Access-Control-Request-Method: POST\r\n"
                     "Access-Control-Request-Headers: content-type, mcp-param-region\r\n\r\n");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 204);
    cr_assert_str_eq(response_header(&response, "Access-Control-Allow-Origin"),
                     "http://localhost:5173");
    cr_assert_str_eq(response_header(&response, "Access-Control-Allow-Methods"),
                     "GET, POST, DELETE, OPTIONS");
    cr_assert_str_eq(response_header(&response, "Access-Control-Allow-Headers"),
                     "content-type, mcp-param-region");
    response_release(&response);
    stop(&c);
}

Test(limits, bodies_over_the_limit_are_refused, .init = setup)
{
    rig.config->max_body = 1000;
    rig_http(&rig);
    GN_AUTO_FREE char *sized = gn_format(
        "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 1001\r\n\r\n%01001d", 0);
    cr_assert_eq(ask(sized), 413);
    cr_assert_eq(ask("POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 1000000000\r\n\r\n"),
                 413);
    cr_assert_eq(ask("POST /mcp HTTP/1.1\r\n" POST_HEADERS
                     "Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n"),
                 413);
    GN_AUTO_FREE char *chunked = gn_format(
        "POST /mcp HTTP/1.1\r\n" POST_HEADERS
        "Transfer-Encoding: chunked\r\n\r\n1f4\r\n%0500d\r\n1f5\r\n%0501d\r\n",
        0, 0);
    cr_assert_eq(ask(chunked), 413);
    GN_AUTO_FREE char *fits = gn_format(
        "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 1000\r\n\r\n%01000d", 0);
    cr_assert_eq(ask(fits), 200);
    cr_assert_eq(rig.protocol.received, 1);
    rig_end(&rig);
}

Test(limits, an_error_of_the_transport_is_json_rpc_without_an_id, .init = setup)
{
    struct client c;
    struct response response;
    rig.config->max_body = 1000;
    start(&c);
    client_print(&c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 1001\r\n\r\n");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 413);
    cr_assert_str_eq(response_header(&response, "Content-Type"), "application/json");
    cr_assert_str_eq(response.body.data,
                     "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,"
                     "\"message\":\"the body is larger than 1000 bytes (limits.max_body)\"}}");
    response_release(&response);
    stop(&c);
}

Test(limits, bodies_in_flight_are_bounded_together, .init = setup)
{
    struct client a, b;
    struct response response;
    rig.config->max_body = 1000;
    rig.config->max_bodies_in_flight = 1500;
    rig.protocol.mode = FAKE_HOLD;
    start(&a);
    client_open(&rig, &b, 0);
    client_print(&a, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 1000\r\n\r\n%01000d",
                 0);
    RIG_WAIT(&rig, rig.protocol.stream);
    client_print(&b, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 501\r\n\r\n%0501d", 0);
    client_response(&rig, &b, &response);
    cr_assert_eq(response.status, 503);
    cr_assert_str_eq(response_header(&response, "Retry-After"), "1");
    response_release(&response);
    rig.protocol.stream->ops->end(rig.protocol.stream, 200, "{}", 2);
    client_response(&rig, &a, &response);
    response_release(&response);
    rig.protocol.mode = FAKE_ECHO;
    client_print(&b, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 501\r\n\r\n%0501d", 0);
    client_response(&rig, &b, &response);
    cr_assert_eq(response.status, 200);
    response_release(&response);
    client_release(&b);
    stop(&a);
}

Test(limits, huge_heads_are_refused, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    client_print(&c, "GET /health HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 1000; i++)
        client_print(&c, "X-%d: %0100d\r\n", i, 0);
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 431);
    response_release(&response);
    client_release(&c);
    client_open(&rig, &c, 0);
    client_print(&c, "GET /health HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 200; i++)
        client_print(&c, "X-%d: a\r\n", i);
    client_print(&c, "\r\n");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 431);
    response_release(&response);
    stop(&c);
}

Test(limits, requests_may_come_byte_by_byte, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    static const char text[] = "\r\nPOST /mcp HTTP/1.1\r\n" POST_HEADERS
                               "Content-Length: 7\r\n\r\n{\"a\":1}";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        client_write(&c, text + i, 1);
        rig_turn(&rig);
    }
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(rig.protocol.messages[0], "{\"a\":1}");
    response_release(&response);
    stop(&c);
}

Test(limits, slow_senders_are_cut, .init = setup)
{
    struct client silent, head, body;
    struct response response;
    rig.config->header_timeout_ms = 50;
    rig.config->body_timeout_ms = 50;
    start(&silent);
    client_open(&rig, &head, 0);
    client_open(&rig, &body, 0);
    client_print(&head, "POST /mcp HTTP/1.1\r\nHost:");
    client_print(&body, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 10\r\n\r\n{");
    client_expect_close(&rig, &silent);
    client_expect_close(&rig, &head);
    client_response(&rig, &body, &response);
    cr_assert_eq(response.status, 408);
    cr_assert_str_eq(response_header(&response, "Connection"), "close");
    response_release(&response);
    cr_assert_eq(rig.protocol.received, 0);
    client_release(&head);
    client_release(&body);
    stop(&silent);
}

Test(limits, a_head_on_a_connection_kept_alive_has_its_time_too, .init = setup)
{
    struct client c;
    rig.config->header_timeout_ms = 50;
    start(&c);
    cr_assert_eq(client_status(&rig, &c, REQUEST("GET /health", "")), 200);
    client_print(&c, "POST /mcp HT");
    client_expect_close(&rig, &c);
    stop(&c);
}

Test(limits, a_waiting_client_that_hangs_up_is_noticed, .init = setup)
{
    struct client post, get, pipelining;
    rig.protocol.mode = FAKE_HOLD;
    start(&post);
    client_open(&rig, &get, 0);
    client_open(&rig, &pipelining, 0);
    client_post(&post, "{}");
    client_print(&get, REQUEST("GET /mcp", "Accept: text/event-stream\r\n"));
    RIG_WAIT(&rig, rig.protocol.received == 1 && rig.protocol.gets == 1);
    rig.protocol.stream->ops->open(rig.protocol.stream);
    client_post(&pipelining, "{}");
    client_post(&pipelining, "{}");
    RIG_WAIT(&rig, rig.protocol.received == 2);
    client_release(&post);
    RIG_WAIT(&rig, rig.protocol.closed == 1);
    client_release(&get);
    RIG_WAIT(&rig, rig.protocol.closed == 2);
    client_release(&pipelining);
    RIG_WAIT(&rig, rig.protocol.closed == 3);
    cr_assert_eq(rig.protocol.received, 2, "what a client that is gone has sent is not begun");
    rig_end(&rig);
}

Test(limits, a_client_that_does_not_read_loses_messages_and_then_the_connection, .init = setup)
{
    struct client c;
    char text[8192];
    int r = 0;
    memset(text, 'x', sizeof(text));
    rig.config->max_output_queue = 1u << 20;
    rig.protocol.mode = FAKE_HOLD;
    start(&c);
    client_post(&c, "{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    struct gn_stream *s = rig.protocol.stream;
    for (int i = 0; i < 10000 && r == 0; i++) {
        r = s->ops->send(s, text, sizeof(text), GN_MAY);
        rig_turn(&rig);
    }
    cr_assert_eq(r, GN_EBUSY);
    cr_assert_eq(s->ops->send(s, text, sizeof(text), GN_MUST), 0);
    cr_assert_eq(rig.protocol.closed, 0);
    for (int i = 0; i < 10000 && r != GN_EPIPE; i++)
        r = s->ops->send(s, text, sizeof(text), GN_MUST);
    cr_assert_eq(r, GN_EPIPE);
    cr_assert_eq(s->ops->send(s, "{}", 2, GN_MUST), GN_EPIPE);
    RIG_WAIT(&rig, rig.protocol.closed == 1);
    stop(&c);
}

Test(limits, a_client_that_has_stopped_reading_is_given_up, .init = setup)
{
    struct client c;
    size_t len = 64u << 20;
    char *text = gn_malloc(len);
    memset(text, 'x', len);
    rig.config->body_timeout_ms = 10;
    rig.protocol.mode = FAKE_HOLD;
    start(&c);
    client_post(&c, "{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    rig.protocol.stream->ops->end(rig.protocol.stream, 200, text, len);
    gn_free(text);
    for (int i = 0; i < 2000; i++)
        rig_turn(&rig);
    /* The rest was not sent. */
    size_t got = 0;
    while (!c.closed) {
        client_read(&c);
        got += c.in.len;
        gn_buf_clear(&c.in);
        rig_turn(&rig);
    }
    cr_assert_lt(got, len);
    stop(&c);
}

/* Reads on until the server closes: how much came. */
static size_t read_to_end(struct client *c)
{
    size_t got = 0;
    uint64_t until = rig_deadline();
    while (!c->closed) {
        cr_assert(!rig_is_late(until), "the connection stays open");
        client_read(c);
        got += c->in.len;
        gn_buf_clear(&c->in);
        rig_turn(&rig);
    }
    return got;
}

static bool still_open_after_a_byte(struct client *c)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_DONTWAIT) != 0 && rig.protocol.closed == 0;
}

Test(limits, a_client_that_reads_byte_by_byte_is_given_up, .init = setup)
{
    struct client c;
    size_t len = 64u << 20;
    char *text = gn_malloc(len);
    memset(text, 'x', len);
    rig.config->body_timeout_ms = 50;
    rig.config->sse_keepalive_ms = 10;
    rig.protocol.mode = FAKE_HOLD;
    start(&c);
    client_post(&c, "{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    struct gn_stream *s = rig.protocol.stream;
    cr_assert_eq(s->ops->send(s, text, len, GN_MUST), 0);
    gn_free(text);
    RIG_WAIT(&rig, !still_open_after_a_byte(&c));
    cr_assert_lt(read_to_end(&c), len);
    stop(&c);
}

Test(limits, output_in_flight_is_bounded_together, .init = setup)
{
    struct client clients[4];
    size_t len = 16u << 20;
    char *text = gn_malloc(len);
    memset(text, 'x', len);
    rig.config->max_output_in_flight = 40u << 20;
    rig.protocol.mode = FAKE_HOLD;
    rig_http(&rig);
    for (size_t i = 0; i < GN_COUNT(clients); i++) {
        rig.protocol.stream = NULL;
        client_open(&rig, &clients[i], 0);
        client_print(&clients[i], "POST /mcp HTTP/1.1\r\n" POST_HEADERS
                                  "Connection: close\r\nContent-Length: 2\r\n\r\n{}");
        RIG_WAIT(&rig, rig.protocol.stream);
        rig.protocol.stream->ops->end(rig.protocol.stream, 200, text, len);
        for (int turn = 0; turn < 10; turn++)
            rig_turn(&rig);
    }
    gn_free(text);
    /* There is room for two: those who have waited longest had to go. */
    for (size_t i = 0; i < GN_COUNT(clients); i++) {
        size_t got = read_to_end(&clients[i]);
        if (i < 2)
            cr_assert_lt(got, len, "client %zu", i);
        else
            cr_assert_gt(got, len, "client %zu", i);
        client_release(&clients[i]);
    }
    rig_end(&rig);
}

Test(limits, connections_are_bounded_and_idle_ones_make_room, .init = setup)
{
    struct client busy[4], idle[2], late;
    struct response response;
    rig.config->max_connections = 4;
    rig.protocol.mode = FAKE_HOLD;
    rig_http(&rig);
    for (size_t i = 0; i < 2; i++) {
        client_open(&rig, &idle[i], 0);
        cr_assert_eq(client_status(&rig, &idle[i], REQUEST("GET /health", "")), 200);
    }
    for (size_t i = 0; i < 4; i++) {
        client_open(&rig, &busy[i], 0);
        client_post(&busy[i], "{}");
        RIG_WAIT(&rig, rig.protocol.received == i + 1);
    }
    client_expect_close(&rig, &idle[0]);
    client_expect_close(&rig, &idle[1]);
    client_open(&rig, &late, 0);
    client_response(&rig, &late, &response);
    cr_assert_eq(response.status, 503);
    response_release(&response);
    client_release(&late);
    for (size_t i = 0; i < 4; i++)
        client_release(&busy[i]);
    client_release(&idle[0]);
    client_release(&idle[1]);
    RIG_WAIT(&rig, rig.protocol.closed == 4);
    rig_end(&rig);
}

Test(limits, many_idle_connections_do_no_harm, .init = setup)
{
    struct client clients[400], c;
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = GN_MIN(limit.rlim_max, 2048);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    rig_http(&rig);
    for (size_t i = 0; i < GN_COUNT(clients); i++) {
        client_open(&rig, &clients[i], 0);
        rig_turn(&rig);
    }
    client_open(&rig, &c, 0);
    client_post(&c, "{}");
    RIG_WAIT(&rig, rig.protocol.received == 1);
    for (size_t i = 0; i < GN_COUNT(clients); i += 2)
        client_release(&clients[i]);
    client_release(&c);
    rig_end(&rig);
    for (size_t i = 1; i < GN_COUNT(clients); i += 2)
        client_release(&clients[i]);
}

Test(limits, input_behind_a_running_request_is_bounded, .init = setup)
{
    struct client c;
    char junk[65536];
    size_t sent = 0;
    ssize_t n = 0;
    memset(junk, 'x', sizeof(junk));
    rig.protocol.mode = FAKE_HOLD;
    start(&c);
    client_post(&c, "{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    for (int i = 0; i < 2000 && sent < (100u << 20); i++) {
        n = send(c.fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        rig_turn(&rig);
    }
    cr_assert_lt(sent, 100u << 20, "the server reads without end");
    rig.protocol.stream->ops->end(rig.protocol.stream, 200, "{}", 2);
    client_expect(&rig, &c, "HTTP/1.1 200");
    client_expect(&rig, &c, "HTTP/1.1 431");
    stop(&c);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Pieces of requests in any order, cut anywhere, clients that leave at any moment. */
Test(limits, nonsense_does_no_harm, .init = setup)
{
    static const char *const pieces[] = {
        "POST /mcp HTTP/1.1\r\n",
        "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n",
        "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: 2\r\n\r\n{}",
        "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Transfer-Encoding: chunked\r\n\r\n",
        "2\r\n{}\r\n",
        "0\r\n\r\n",
        "\r\n",
        "\n",
        "Host: localhost\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 999999\r\n",
        "Connection: close\r\n",
        "Expect: 100-continue\r\n",
        "DELETE /mcp HTTP/1.0\r\nHost: localhost\r\n\r\n",
        "\xff\xfe\x80 garbage : : \r\n",
        "OPTIONS * HTTP/1.1\r\n",
        "HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    struct client clients[8], last;
    uint32_t state = 20240607;
    rig.config->stream_after_ms = 1;
    rig.config->sse_keepalive_ms = 1;
    rig_http(&rig);
    for (size_t i = 0; i < GN_COUNT(clients); i++)
        client_open(&rig, &clients[i], 0);
    for (int round = 0; round < 12000; round++) {
        struct client *c = &clients[next_random(&state) % GN_COUNT(clients)];
        const char *piece = pieces[next_random(&state) % GN_COUNT(pieces)];
        size_t len = strlen(piece);
        client_read(c);
        gn_buf_clear(&c->in);
        if (next_random(&state) % 4 == 0)
            len = next_random(&state) % (len + 1);
        client_write(c, piece, len);
        rig.protocol.mode = next_random(&state) % 2 ? FAKE_HOLD : FAKE_ECHO;
        if (rig.protocol.stream && next_random(&state) % 2) {
            struct gn_stream *s = rig.protocol.stream;
            rig.protocol.stream = NULL;
            s->ops->send(s, "{\"n\":1}", 7, GN_MAY);
            s->ops->end(s, 200, "{}", 2);
        }
        if (rig.protocol.received > FAKE_MAX - 100)
            fake_release(&rig.protocol);
        uv_run(&rig.uv, UV_RUN_NOWAIT);
        if (c->closed || next_random(&state) % 16 == 0) {
            client_release(c);
            client_open(&rig, c, 0);
        }
    }
    rig.protocol.mode = FAKE_ECHO;
    client_open(&rig, &last, 0);
    cr_assert_eq(client_status(&rig, &last, REQUEST("GET /health", "")), 200);
    client_release(&last);
    for (size_t i = 0; i < GN_COUNT(clients); i++)
        client_release(&clients[i]);
    rig_end(&rig);
}
