/* http.c - requests and answers over HTTP. */
#include "rig.h"

GN_SUITE(http);

static struct rig rig;

static void setup(void)
{
    rig_init(&rig);
}

/* Starts the server and connects one client. */
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

static void answer(const char *json)
{
    struct gn_stream *s = rig.protocol.stream;
    cr_assert_not_null(s);
    rig.protocol.stream = NULL;
    s->ops->end(s, 200, json, strlen(json));
}

Test(http, a_server_without_requests_opens_and_closes, .init = setup)
{
    rig_http(&rig);
    cr_assert(gn_starts_with(gn_http_server_url(rig.http, 0), "http://127.0.0.1:"));
    cr_assert(gn_ends_with(gn_http_server_url(rig.http, 0), "/mcp"));
    cr_assert_null(gn_http_server_url(rig.http, 1));
    rig_end(&rig);
}

Test(http, a_post_is_received_and_answered_at_once, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    client_post(&c, "{\"a\":1}");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(response.body.data, "{\"echo\":7}");
    cr_assert_str_eq(response_header(&response, "Content-Type"), "application/json");
    cr_assert_str_eq(response_header(&response, "Content-Length"), "10");
    cr_assert_str_eq(response_header(&response, "Cache-Control"), "no-store");
    cr_assert_not_null(response_header(&response, "Date"));
    cr_assert_null(response_header(&response, "Access-Control-Allow-Origin"));
    cr_assert_eq(rig.protocol.received, 1);
    cr_assert_str_eq(rig.protocol.messages[0], "{\"a\":1}");
    response_release(&response);
    stop(&c);
}

Test(http, a_connection_serves_many_requests, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    for (size_t i = 0; i < 50; i++) {
        client_post(&c, "{\"a\":1}");
        client_response(&rig, &c, &response);
        cr_assert_eq(response.status, 200);
        response_release(&response);
    }
    cr_assert_eq(rig.protocol.received, 50);
    stop(&c);
}

Test(http, pipelined_requests_are_answered_in_order, .init = setup)
{
    struct client c;
    start(&c);
    for (int i = 0; i < 20; i++)
        client_print(&c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: %d\r\n\r\n%0*d",
                     i + 1, i + 1, 0);
    for (size_t i = 0; i < 20; i++) {
        struct response response;
        GN_AUTO_FREE char *expected = gn_format("{\"echo\":%zu}", i + 1);
        client_response(&rig, &c, &response);
        cr_assert_str_eq(response.body.data, expected);
        response_release(&response);
    }
    stop(&c);
}

Test(http, pipelined_requests_wait_for_a_slow_answer, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    rig.protocol.mode = FAKE_HOLD;
    client_post(&c, "{\"n\":1}");
    RIG_WAIT(&rig, rig.protocol.received == 1);
    client_post(&c, "{\"n\":2}");
    client_post(&c, "{\"n\":3}");
    for (int i = 0; i < 200; i++)
        rig_turn(&rig);
    cr_assert_eq(rig.protocol.received, 1, "the second request has to wait");
    for (size_t i = 1; i <= 3; i++) {
        RIG_WAIT(&rig, rig.protocol.received == i && rig.protocol.stream);
        answer("{\"done\":true}");
        client_response(&rig, &c, &response);
        cr_assert_eq(response.status, 200);
        response_release(&response);
    }
    stop(&c);
}

Test(http, a_late_answer_is_one_body, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    rig.protocol.mode = FAKE_HOLD;
    client_post(&c, "{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    answer("{\"late\":1}");
    client_response(&rig, &c, &response);
    cr_assert_str_eq(response_header(&response, "Content-Type"), "application/json");
    cr_assert_str_eq(response.body.data, "{\"late\":1}");
    response_release(&response);
    stop(&c);
}

Test(http, a_notification_is_accepted_without_a_body, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    rig.protocol.mode = FAKE_ACCEPT;
    client_post(&c, "{}");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 202);
    cr_assert_eq(response.body.len, 0);
    response_release(&response);
    stop(&c);
}

Test(http, a_message_before_the_answer_starts_an_event_stream, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    rig.protocol.mode = FAKE_HOLD;
    client_post(&c, "{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    struct gn_stream *s = rig.protocol.stream;
    cr_assert_eq(s->ops->send(s, "{\"n\":1}", 7, GN_MAY), 0);
    RIG_WAIT(&rig, client_has(&c, "data: {\"n\":1}\n\n"));
    cr_assert_eq(s->ops->send(s, "{\"n\":2}", 7, GN_MUST), 0);
    answer("{\"n\":3}");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(response_header(&response, "Content-Type"), "text/event-stream");
    cr_assert_str_eq(response_header(&response, "X-Accel-Buffering"), "no");
    cr_assert_str_eq(response_header(&response, "Cache-Control"), "no-store");
    cr_assert_str_eq(response.body.data,
                     "event: message\ndata: {\"n\":1}\n\nevent: message\ndata: {\"n\":2}\n\n"
                     "event: message\ndata: {\"n\":3}\n\n");
    response_release(&response);
    /* The connection lives on. */
    rig.protocol.mode = FAKE_ECHO;
    client_post(&c, "{}");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    response_release(&response);
    stop(&c);
}

Test(http, a_client_without_event_streams_gets_one_body_only, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    rig.protocol.mode = FAKE_HOLD;
    rig.config->stream_after_ms = 1;
    client_print(
        &c,
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Content-Length: 2\r\n\r\n{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    struct gn_stream *s = rig.protocol.stream;
    cr_assert_eq(s->ops->send(s, "{}", 2, GN_MUST), GN_ENOTSUP);
    cr_assert_eq(s->ops->open(s), GN_ENOTSUP);
    for (int i = 0; i < 100; i++)
        rig_turn(&rig);
    cr_assert_not(client_has(&c, "HTTP"));
    answer("{}");
    client_response(&rig, &c, &response);
    cr_assert_str_eq(response_header(&response, "Content-Type"), "application/json");
    response_release(&response);
    stop(&c);
}

Test(http, silence_starts_an_event_stream_and_comments_keep_it_alive, .init = setup)
{
    struct client c;
    rig.config->stream_after_ms = 1;
    rig.config->sse_keepalive_ms = 1;
    start(&c);
    rig.protocol.mode = FAKE_HOLD;
    client_post(&c, "{}");
    client_expect(&rig, &c, "Content-Type: text/event-stream\r\n");
    client_expect(&rig, &c, "\r\n\r\n");
    client_expect(&rig, &c, "3\r\n:\n\n\r\n");
    client_expect(&rig, &c, "3\r\n:\n\n\r\n");
    answer("{\"end\":1}");
    client_expect(&rig, &c, "data: {\"end\":1}\n\n\r\n0\r\n\r\n");
    stop(&c);
}

Test(http, get_listens_until_it_is_ended, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    rig.protocol.mode = FAKE_HOLD;
    client_print(&c, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    RIG_WAIT(&rig, rig.protocol.gets == 1);
    struct gn_stream *s = rig.protocol.stream;
    cr_assert_eq(s->ops->open(s), 0);
    RIG_WAIT(&rig, client_has(&c, "\r\n\r\n"));
    s->ops->send(s, "{\"n\":1}", 7, GN_MUST);
    s->ops->end(s, 200, NULL, 0);
    rig.protocol.stream = NULL;
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(response.body.data, "event: message\ndata: {\"n\":1}\n\n");
    response_release(&response);
    client_post(&c, "{}");
    RIG_WAIT(&rig, rig.protocol.received == 1);
    answer("{}");
    client_response(&rig, &c, &response);
    response_release(&response);
    stop(&c);
}

Test(http, delete_reaches_the_protocol, .init = setup)
{
    struct client c;
    start(&c);
    cr_assert_eq(client_status(&rig, &c, "DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    cr_assert_eq(rig.protocol.deletes, 1);
    cr_assert_eq(
        client_status(&rig, &c,
                      "DELETE /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"),
        200);
    cr_assert_eq(rig.protocol.deletes, 2);
    stop(&c);
}

static void look_at_headers(struct gn_protocol *p, struct gn_stream *s)
{
    cr_assert_str_eq(s->ops->header(s, "mcp-protocol-version"), "2026-07-28");
    cr_assert_str_eq(s->ops->header(s, "mcp-param-region"), "us-west1");
    cr_assert_str_eq(s->ops->header(s, "host"), "localhost");
    cr_assert_str_eq(s->ops->header(s, "user-agent"), "a b");
    cr_assert_str_eq(s->ops->header(s, "x-empty"), "");
    cr_assert_null(s->ops->header(s, "mcp-name"));
    cr_assert_null(s->ops->header(s, "last-event-id"));
    cr_assert_null(s->ops->header(s, "x"));
    cr_assert_str_eq(s->ops->header(s, "mcp-param-region"), "us-west1");
    p->stream = s;
}

Test(http, any_header_can_be_read_as_long_as_the_request_runs, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    rig.protocol.on_receive = look_at_headers;
    client_print(&c,
                 "POST /mcp HTTP/1.1\r\n" POST_HEADERS "MCP-Protocol-Version:2026-07-28\r\n"
                 "Mcp-Param-Region:  us-west1 \t\r\nUser-Agent: a b \r\nX-Empty:\r\nX-Late: yes\r\n"
                 "Content-Length: 2\r\n\r\n{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    struct gn_stream *s = rig.protocol.stream;
    cr_assert_str_eq(s->ops->header(s, "x-late"), "yes");
    s->ops->set_header(s, "Mcp-Session-Id", "abc");
    s->ops->set_header(s, "Mcp-Bad", "a\r\nb: c");
    s->ops->set_header(s, "Mcp Bad", "a");
    answer("{}");
    client_response(&rig, &c, &response);
    cr_assert_str_eq(response_header(&response, "Mcp-Session-Id"), "abc");
    cr_assert_null(response_header(&response, "Mcp-Bad"));
    cr_assert_null(response_header(&response, "b"));
    response_release(&response);
    stop(&c);
}

Test(http, large_answers_arrive_whole, .init = setup)
{
    struct client c;
    struct response response;
    size_t len = 20u << 20;
    char *text = gn_malloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    start(&c);
    rig.protocol.mode = FAKE_HOLD;
    for (int i = 0; i < 2; i++) {
        client_post(&c, "{}");
        RIG_WAIT(&rig, rig.protocol.stream);
        answer(text);
        client_response(&rig, &c, &response);
        cr_assert_eq(response.body.len, len);
        cr_assert_eq(memcmp(response.body.data, text, len), 0);
        response_release(&response);
    }
    gn_free(text);
    stop(&c);
}

Test(http, large_bodies_arrive_whole, .init = setup)
{
    struct client c;
    struct response response;
    size_t len = (size_t)rig.config->max_body, sent = 0;
    char *text = gn_malloc(len);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i % 23);
    start(&c);
    client_print(&c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: %zu\r\n\r\n", len);
    while (sent < len) {
        size_t part = GN_MIN(len - sent, 100000u);
        client_write(&c, text + sent, part);
        sent += part;
        for (int i = 0; i < 5; i++)
            rig_turn(&rig);
    }
    client_response(&rig, &c, &response);
    cr_assert_eq(rig.protocol.lens[0], len);
    cr_assert_eq(memcmp(rig.protocol.messages[0], text, len), 0);
    response_release(&response);
    gn_free(text);
    stop(&c);
}

Test(http, chunked_bodies_are_put_together, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    client_print(&c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Transfer-Encoding: chunked\r\n\r\n");
    client_print(&c, "3;a=b\r\n{\"a\r\n");
    rig_turn(&rig);
    client_print(&c, "4\r\n\":1}\r\n0\r\nTrailer: x\r\n\r\n");
    client_post(&c, "{}");
    for (size_t i = 0; i < 2; i++) {
        client_response(&rig, &c, &response);
        cr_assert_eq(response.status, 200);
        response_release(&response);
    }
    cr_assert_str_eq(rig.protocol.messages[0], "{\"a\":1}");
    cr_assert_str_eq(rig.protocol.messages[1], "{}");
    stop(&c);
}

Test(http, a_body_that_is_expected_is_asked_for, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    client_print(&c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS
                     "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_expect(&rig, &c, "HTTP/1.1 100 Continue\r\n\r\n");
    client_print(&c, "{}");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    response_release(&response);
    stop(&c);
}

Test(http, an_http_1_0_client_gets_an_answer_and_the_end, .init = setup)
{
    struct client c;
    start(&c);
    rig.protocol.mode = FAKE_HOLD;
    client_print(&c, "POST /mcp HTTP/1.0\r\n" POST_HEADERS "Content-Length: 2\r\n\r\n{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    struct gn_stream *s = rig.protocol.stream;
    s->ops->send(s, "{\"n\":1}", 7, GN_MUST);
    answer("{\"n\":2}");
    client_expect_close(&rig, &c);
    cr_assert_null(strstr(c.in.data, "chunked"));
    cr_assert_not_null(
        strstr(c.in.data,
               "\r\n\r\nevent: message\ndata: {\"n\":1}\n\nevent: message\ndata: {\"n\":2}\n\n"));
    stop(&c);
}

Test(http, health_needs_no_token, .init = setup)
{
    struct client c;
    struct response response;
    rig_token(&rig, "ann", "secret");
    start(&c);
    client_print(&c, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(response.body.data, "ok");
    response_release(&response);
    client_print(&c, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_head_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(response_header(&response, "Content-Length"), "2");
    response_release(&response);
    cr_assert_eq(
        client_status(&rig, &c,
                      "POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"),
        405);
    stop(&c);
}

Test(http, bearer_tokens_say_who_asks, .init = setup)
{
    struct client c;
    struct response response;
    rig_token(&rig, "ann", "secret");
    rig_token(&rig, "bob", "hidden");
    start(&c);
    client_post(&c, "{}");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 401);
    cr_assert_str_eq(response_header(&response, "WWW-Authenticate"), "Bearer");
    response_release(&response);
    client_print(&c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS
                     "Authorization: Bearer wrong\r\nContent-Length: 2\r\n\r\n{}");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 401);
    cr_assert(gn_starts_with(response_header(&response, "WWW-Authenticate"),
                             "Bearer error=\"invalid_token\""));
    response_release(&response);
    cr_assert_eq(rig.protocol.received, 0);
    client_print(&c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS
                     "Authorization: bearer hidden\r\nContent-Length: 2\r\n\r\n{}");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(rig.protocol.principal, "bob");
    response_release(&response);
    stop(&c);
}

Test(http, two_servers_of_one_process_end_cleanly, .init = setup)
{
    struct client c;
    rig_http(&rig);
    struct gn_error err = {0};
    struct gn_http_server *second = gn_http_server_new(&rig.env, &err);
    cr_assert_not_null(second, "%s", err.text);
    client_open(&rig, &c, 0);
    cr_assert_eq(client_status(&rig, &c, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    gn_http_server_close(second, NULL, NULL);
    cr_assert_eq(client_status(&rig, &c, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    stop(&c);
}

Test(http, stopping_to_listen_leaves_connections_alone, .init = setup)
{
    struct client c;
    struct response response;
    start(&c);
    rig.protocol.mode = FAKE_HOLD;
    client_post(&c, "{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    gn_http_server_stop_listening(rig.http);
    rig_turn(&rig);
    answer("{}");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    response_release(&response);
    stop(&c);
}
