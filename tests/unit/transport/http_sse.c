/* http_sse.c - HTTP+SSE of revision 2024-11-05: the stream, and the messages to it. */
#include "rig.h"

#include <stdio.h>

GN_SUITE(http_sse);

static struct rig rig;

static void setup(void)
{
    rig_init(&rig);
}

/* Opens a stream; the path to send messages to is the caller's to free. */
static char *open_stream(struct client *c, const char *more)
{
    client_open(&rig, c, 0);
    client_print(c, "GET /sse HTTP/1.1\r\nHost: localhost\r\n%s\r\n", more);
    client_expect(&rig, c, "Content-Type: text/event-stream\r\n");
    client_expect(&rig, c, "event: endpoint\ndata: ");
    RIG_WAIT(&rig, client_has(c, "\n\n"));
    char *path = gn_strndup(c->in.data, strcspn(c->in.data, "\n"));
    client_expect(&rig, c, "\n\n");
    cr_assert(gn_starts_with(path, "/messages?session_id="));
    cr_assert_eq(strlen(path), strlen("/messages?session_id=") + 43);
    return path;
}

static int post(struct client *c, const char *path, const char *more, const char *body)
{
    GN_AUTO_FREE char *request = gn_format("POST %s HTTP/1.1\r\nHost: localhost\r\n%s"
                                           "Content-Length: %zu\r\n\r\n%s",
                                           path, more, strlen(body), body);
    return client_status(&rig, c, request);
}

#define JSON "Content-Type: application/json\r\n"

Test(http_sse, messages_go_to_the_endpoint_and_come_as_events, .init = setup)
{
    struct client stream, sender;
    rig_http(&rig);
    GN_AUTO_FREE char *path = open_stream(&stream, "Accept: text/event-stream\r\n");
    client_open(&rig, &sender, 0);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(post(&sender, path, JSON, "{\"a\":1}"), 202);
        client_expect(&rig, &stream, "event: message\ndata: {\"echo\":7}\n\n");
    }
    cr_assert_eq(rig.protocol.received, 3);
    cr_assert_str_eq(rig.protocol.messages[2], "{\"a\":1}");
    cr_assert_eq(rig.protocol.closed, 0);
    client_release(&sender);
    client_release(&stream);
    RIG_WAIT(&rig, rig.protocol.closed == 1);
    client_open(&rig, &sender, 0);
    cr_assert_eq(post(&sender, path, JSON, "{}"), 404, "the connection is the session");
    client_release(&sender);
    rig_end(&rig);
}

Test(http_sse, the_connection_is_one_shared_stream, .init = setup)
{
    struct client stream, sender;
    rig_http(&rig);
    rig.protocol.mode = FAKE_HOLD;
    GN_AUTO_FREE char *path = open_stream(&stream, "");
    client_open(&rig, &sender, 0);
    cr_assert_eq(post(&sender, path, JSON, "{\"a\":1}"), 202);
    struct gn_stream *s = rig.protocol.stream;
    cr_assert_not_null(s);
    cr_assert(s->shared);
    cr_assert_str_eq(s->transport, "sse");
    cr_assert_null(s->ops->header);
    cr_assert_eq(post(&sender, path, JSON, "{\"b\":1}"), 202);
    cr_assert_eq(rig.protocol.stream, s);
    s->ops->send(s, "{\"progress\":1}", 14, GN_MAY);
    s->ops->end(s, 200, "{\"done\":2}", 10);
    s->ops->end(s, 202, NULL, 0);
    s->ops->end(s, 200, "{\"done\":1}", 10);
    client_expect(&rig, &stream, "data: {\"progress\":1}\n\n");
    client_expect(&rig, &stream, "data: {\"done\":2}\n\n");
    client_expect(&rig, &stream, "data: {\"done\":1}\n\n");
    cr_assert_not(stream.closed);
    client_release(&sender);
    client_release(&stream);
    rig_end(&rig);
}

Test(http_sse, what_is_wrong_gets_its_status, .init = setup)
{
    struct client stream, c;
    rig_http(&rig);
    GN_AUTO_FREE char *path = open_stream(&stream, "");
    GN_AUTO_FREE char *among = gn_format("/messages?x=1&session_id=%s&y=2", strchr(path, '=') + 1);
    GN_AUTO_FREE char *longer = gn_format("%sx", path);
    client_open(&rig, &c, 0);
    cr_assert_eq(post(&c, among, JSON, "{}"), 202);
    cr_assert_eq(post(&c, longer, JSON, "{}"), 404);
    cr_assert_eq(post(&c, "/messages", JSON, "{}"), 404);
    cr_assert_eq(post(&c, "/messages?", JSON, "{}"), 404);
    cr_assert_eq(post(&c, "/messages?session_id=", JSON, "{}"), 404);
    cr_assert_eq(post(&c, "/messages?xsession_id=1&", JSON, "{}"), 404);
    cr_assert_eq(post(&c, path, "Content-Type: text/plain\r\n", "{}"), 415);
    cr_assert_eq(post(&c, path, JSON "Origin: https://evil.example\r\n", "{}"), 403);
    cr_assert_eq(post(&c, "/sse", JSON, "{}"), 405);
    struct response response;
    client_print(&c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 405);
    cr_assert_str_eq(response_header(&response, "Allow"), "POST, OPTIONS");
    response_release(&response);
    cr_assert_eq(client_status(&rig, &c, "DELETE /sse HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
    cr_assert_eq(client_status(&rig, &c,
                               "GET /sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n"),
                 406);
    cr_assert_eq(client_status(&rig, &c,
                               "GET /sse HTTP/1.1\r\nHost: localhost\r\nOrigin: "
                               "https://evil.example\r\n\r\n"),
                 403);
    cr_assert_eq(rig.protocol.received, 1);
    client_release(&c);
    client_release(&stream);
    rig_end(&rig);
}

Test(http_sse, a_stream_belongs_to_its_principal, .init = setup)
{
    struct client stream, c;
    rig_token(&rig, "ci", "secret");
    rig_token(&rig, "me", "other");
    rig_http(&rig);
    client_open(&rig, &c, 0);
    cr_assert_eq(client_status(&rig, &c, "GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n"), 401);
    GN_AUTO_FREE char *path = open_stream(&stream, "Authorization: Bearer secret\r\n");
    cr_assert_eq(post(&c, path, JSON, "{}"), 401);
    cr_assert_eq(post(&c, path, JSON "Authorization: Bearer other\r\n", "{}"), 404);
    cr_assert_eq(rig.protocol.received, 0);
    cr_assert_eq(post(&c, path, JSON "Authorization: Bearer secret\r\n", "{}"), 202);
    cr_assert_str_eq(rig.protocol.principal, "ci");
    client_release(&c);
    client_release(&stream);
    rig_end(&rig);
}

Test(http_sse, a_stream_whose_token_is_taken_away_ends, .init = setup)
{
    struct client stream;
    rig_token(&rig, "ci", "secret");
    rig_http(&rig);
    GN_AUTO_FREE char *path = open_stream(&stream, "Authorization: Bearer secret\r\n");
    rig_change_token(&rig, "ci", "new");
    client_expect(&rig, &stream, "0\r\n\r\n");
    cr_assert_eq(rig.protocol.closed, 1);
    cr_assert_eq(client_status(&rig, &stream, "GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n"), 401);
    client_release(&stream);
    rig_end(&rig);
}

Test(http_sse, a_silent_stream_carries_comments, .init = setup)
{
    struct client stream;
    rig.config->sse_keepalive_ms = 20;
    rig_http(&rig);
    GN_AUTO_FREE char *path = open_stream(&stream, "");
    for (int i = 0; i < 3; i++)
        client_expect(&rig, &stream, ":\n\n");
    cr_assert_eq(rig.protocol.closed, 0);
    client_release(&stream);
    rig_end(&rig);
}

Test(http_sse, a_slow_reader_is_sent_no_more_and_then_given_up, .init = setup)
{
    struct client stream, sender;
    char text[8192];
    int r = 0;
    memset(text, 'x', sizeof(text));
    rig.config->max_output_queue = 1u << 16;
    rig_http(&rig);
    rig.protocol.mode = FAKE_HOLD;
    GN_AUTO_FREE char *path = open_stream(&stream, "");
    client_open(&rig, &sender, 0);
    cr_assert_eq(post(&sender, path, JSON, "{}"), 202);
    struct gn_stream *s = rig.protocol.stream;
    /* Until the kernel takes no more. */
    for (int i = 0; i < 100000 && r == 0; i++) {
        r = s->ops->send(s, text, sizeof(text), GN_MAY);
        rig_turn(&rig);
    }
    cr_assert_eq(r, GN_EBUSY);
    cr_assert_eq(s->ops->send(s, text, sizeof(text), GN_MUST), 0);
    cr_assert_eq(s->ops->send(s, text, sizeof(text), GN_MUST), 0);
    cr_assert_eq(post(&sender, path, JSON, "{}"), 503);
    r = 0;
    for (int i = 0; i < 100 && r == 0; i++)
        r = s->ops->send(s, text, sizeof(text), GN_MUST);
    cr_assert_eq(r, GN_EPIPE);
    cr_assert_eq(rig.protocol.closed, 0, "not from within the protocol's own call");
    RIG_WAIT(&rig, rig.protocol.closed == 1);
    cr_assert_eq(post(&sender, path, JSON, "{}"), 404);
    cr_assert_eq(rig.protocol.received, 1);
    client_release(&sender);
    client_release(&stream);
    rig_end(&rig);
}

Test(http_sse, it_can_lie_elsewhere_or_nowhere, .init = setup)
{
    struct client c;
    gn_free(rig.config->sse_path);
    rig.config->sse_path = gn_strdup("/old/events");
    rig_http(&rig);
    client_open(&rig, &c, 0);
    client_print(&c, "GET /old/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_expect(&rig, &c, "data: /old/messages?session_id=");
    client_release(&c);
    client_open(&rig, &c, 0);
    cr_assert_eq(client_status(&rig, &c, "GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404);
    gn_free(rig.config->sse_path);
    rig.config->sse_path = NULL;
    cr_assert_eq(client_status(&rig, &c, "GET /old/events HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                 404);
    cr_assert_eq(post(&c, "/old/messages", JSON, "{}"), 404);
    client_release(&c);
    rig_end(&rig);
}

Test(http_sse, a_host_that_stops_ends_the_stream, .init = setup)
{
    struct client stream;
    rig_http(&rig);
    GN_AUTO_FREE char *path = open_stream(&stream, "");
    rig_end(&rig);
    cr_assert_eq(rig.protocol.closed, 1);
    client_read(&stream);
    cr_assert(gn_ends_with(gn_buf_str(&stream.in), "0\r\n\r\n"), "%s", gn_buf_str(&stream.in));
    client_release(&stream);
}
