/* stdio.c - messages as lines over two descriptors. */
#include "rig.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

GN_SUITE(stdio_transport);

static struct rig rig;
static struct gn_stdio *stdio;
static int to_host = -1, from_host = -1, host_in = -1, host_out = -1;
static bool ended;
static struct client out;

static void setup(void)
{
    rig_init(&rig);
    rig.env = (struct gn_transport_env){
        .loop = rig.loop, .log = &rig.log, .protocol = &rig.protocol, .config = rig.config};
}

static void on_end(void *arg)
{
    *(bool *)arg = true;
}

/* Our ends are to_host and out.fd, the transport's are host_in and host_out. */
static void start(void)
{
    int in[2], pair[2];
    cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    host_in = in[0];
    to_host = in[1];
    host_out = pair[1];
    out = (struct client){.fd = pair[0], .in = GN_BUF_INIT(64u << 20)};
    ended = false;
    stdio = gn_stdio_new(&rig.env, host_in, host_out, on_end, &ended);
    from_host = pair[0];
}

static void close_input(void)
{
    close(to_host);
    to_host = -1;
}

static void stop(void)
{
    bool closed = false;
    gn_stdio_close(stdio, on_end, &closed);
    RIG_WAIT(&rig, closed);
    client_release(&out);
    close(host_in);
    close(host_out);
    if (to_host >= 0)
        close(to_host);
    rig_end(&rig);
}

static void put(const char *text)
{
    cr_assert_eq(write(to_host, text, strlen(text)), (ssize_t)strlen(text));
}

static void expect_messages(size_t count, const char *const *expected)
{
    RIG_WAIT(&rig, rig.protocol.received >= count);
    cr_assert_eq(rig.protocol.received, count);
    for (size_t i = 0; i < count; i++)
        cr_assert_str_eq(rig.protocol.messages[i], expected[i]);
}

Test(stdio_transport, each_line_is_a_message_and_each_answer_a_line, .init = setup)
{
    start();
    put("{\"a\":1}\n");
    client_expect(&rig, &out, "{\"echo\":7}\n");
    put("{\"a\"");
    for (int i = 0; i < 10; i++)
        rig_turn(&rig);
    put(":2}\r\n\n  \r\n{}\n");
    client_expect(&rig, &out, "{\"echo\":7}\n{\"echo\":2}\n");
    expect_messages(3, (const char *const[]){"{\"a\":1}", "{\"a\":2}", "{}"});
    cr_assert_eq(out.in.len, 0);
    stop();
}

Test(stdio_transport, what_follows_the_last_line_end_is_a_message, .init = setup)
{
    start();
    put("{}\n{\"last\":1}");
    close_input();
    RIG_WAIT(&rig, ended);
    expect_messages(2, (const char *const[]){"{}", "{\"last\":1}"});
    client_expect(&rig, &out, "{\"echo\":2}\n{\"echo\":10}\n");
    cr_assert_eq(rig.protocol.closed, 1);
    stop();
    cr_assert_eq(rig.protocol.closed, 1);
}

static void finish_late(struct gn_timer *timer)
{
    (void)timer;
    struct gn_stream *s = rig.protocol.stream;
    gn_list_init(&s->requests);
    s->ops->send(s, "{\"progress\":1}", 14, GN_MAY);
    s->ops->end(s, 200, "{\"done\":1}", 10);
    rig.protocol.in_flight = 0;
}

Test(stdio_transport, the_end_of_input_waits_for_answers, .init = setup)
{
    struct gn_timer timer = {0};
    struct gn_list request;
    gn_list_init(&request);
    start();
    rig.protocol.mode = FAKE_HOLD;
    put("{}\n");
    RIG_WAIT(&rig, rig.protocol.stream);
    gn_list_append(&rig.protocol.stream->requests, &request);
    rig.protocol.in_flight = 1;
    close_input();
    for (int i = 0; i < 500; i++)
        rig_turn(&rig);
    cr_assert_not(ended);
    gn_timer_start(rig.loop, &timer, 0, finish_late);
    RIG_WAIT(&rig, ended);
    client_expect(&rig, &out, "{\"progress\":1}\n{\"done\":1}\n");
    stop();
}

Test(stdio_transport, the_end_of_input_does_not_wait_for_ever, .init = setup)
{
    struct gn_list request;
    gn_list_init(&request);
    rig.config->drain_ms = 20;
    start();
    rig.protocol.mode = FAKE_HOLD;
    put("{}\n");
    RIG_WAIT(&rig, rig.protocol.stream);
    gn_list_append(&rig.protocol.stream->requests, &request);
    rig.protocol.in_flight = 1;
    close_input();
    RIG_WAIT(&rig, ended);
    cr_assert_eq(rig.protocol.closed, 1);
    stop();
}

Test(stdio_transport, lines_that_are_too_long_are_refused_and_skipped, .init = setup)
{
    rig.config->max_line = 5000;
    start();
    GN_AUTO_FREE char *fits = gn_format("%05000d\n", 0);
    GN_AUTO_FREE char *longer = gn_format("%05001d\n", 0);
    put("{\"a\":1}\n");
    put(fits);
    put(longer);
    put("{\"b\":1}\n");
    RIG_WAIT(&rig, rig.protocol.received == 3);
    cr_assert_eq(rig.protocol.refused, 1);
    cr_assert_eq(rig.protocol.refused_code, -32600);
    cr_assert_str_eq(rig.protocol.refused_text,
                     "the line is longer than 5000 bytes (limits.max_line)");
    cr_assert_eq(rig.protocol.lens[1], 5000);
    cr_assert_str_eq(rig.protocol.messages[2], "{\"b\":1}");
    client_expect(&rig, &out, "{\"echo\":7}\n{\"echo\":5000}\n{\"refused\":true}\n{\"echo\":7}\n");
    /* Too long, and in pieces: refused once. */
    for (int i = 0; i < 100; i++) {
        put("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        rig_turn(&rig);
    }
    put("\n{\"c\":1}\n");
    RIG_WAIT(&rig, rig.protocol.received == 4);
    cr_assert_eq(rig.protocol.refused, 2);
    stop();
}

Test(stdio_transport, a_client_that_does_not_read_is_not_listened_to, .init = setup)
{
    size_t sent = 0;
    rig.config->max_output_queue = 1u << 16;
    start();
    fcntl(to_host, F_SETFL, O_NONBLOCK);
    int size = 4096;
    setsockopt(host_out, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    for (int i = 0; i < 20000 && sent < 3000; i++) {
        if (write(to_host, "{}\n", 3) == 3)
            sent++;
        if (i % 50 == 0)
            rig_turn(&rig);
    }
    for (int i = 0; i < 300; i++)
        rig_turn(&rig);
    cr_assert_eq(rig.protocol.closed, 0);
    size_t answered = 0;
    while (answered < sent) {
        client_expect(&rig, &out, "{\"echo\":2}\n");
        answered++;
    }
    cr_assert_eq(rig.protocol.received, sent);
    stop();
}

Test(stdio_transport, what_a_slow_reader_must_get_closes_it_when_there_is_no_room, .init = setup)
{
    char text[8192];
    int r = 0;
    memset(text, 'x', sizeof(text));
    rig.config->max_output_queue = 1u << 20;
    rig.protocol.mode = FAKE_HOLD;
    start();
    put("{}\n");
    RIG_WAIT(&rig, rig.protocol.stream);
    struct gn_stream *s = rig.protocol.stream;
    for (int i = 0; i < 10000 && r == 0; i++)
        r = s->ops->send(s, text, sizeof(text), GN_MAY);
    cr_assert_eq(r, GN_EBUSY);
    r = 0;
    for (int i = 0; i < 10000 && r == 0; i++)
        r = s->ops->send(s, text, sizeof(text), GN_MUST);
    cr_assert_eq(r, GN_EPIPE);
    cr_assert_eq(rig.protocol.closed, 0, "not from within the protocol's own call");
    RIG_WAIT(&rig, ended);
    cr_assert_eq(rig.protocol.closed, 1);
    stop();
}

Test(stdio_transport, a_reader_that_is_gone_ends_it, .init = setup)
{
    start();
    signal(SIGPIPE, SIG_IGN);
    client_release(&out);
    put("{}\n{}\n{}\n");
    RIG_WAIT(&rig, ended);
    cr_assert_eq(rig.protocol.closed, 1);
    stop();
}

Test(stdio_transport, a_file_is_read_to_its_end, .init = setup)
{
    const char *dir = gn_test_tmpdir();
    struct gn_buf text = GN_BUF_INIT(1u << 20);
    for (int i = 0; i < 3000; i++)
        gn_buf_addf(&text, "{\"number\":%d,\"text\":\"%050d\"}\n", i, i);
    const char *in_path = gn_test_write_file(dir, "in", text.data, text.len);
    const char *out_path = gn_test_write_file(dir, "out", "", 0);
    host_in = open(in_path, O_RDONLY | O_CLOEXEC);
    host_out = open(out_path, O_WRONLY | O_CLOEXEC);
    out = (struct client){.fd = -1};
    stdio = gn_stdio_new(&rig.env, host_in, host_out, on_end, &ended);
    RIG_WAIT(&rig, ended);
    cr_assert_eq(rig.protocol.received, 3000);
    stop();
    gn_buf_clear(&text);
    cr_assert_eq(gn_read_file(out_path, &text), 0);
    size_t lines = 0;
    for (const char *at = text.data; (at = strchr(at, '\n')); at++)
        lines++;
    cr_assert_eq(lines, 3000);
    gn_buf_release(&text);
}

Test(stdio_transport, one_socket_may_be_both_ends, .init = setup)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    host_in = pair[1];
    out = (struct client){.fd = pair[0], .in = GN_BUF_INIT(1u << 20)};
    stdio = gn_stdio_new(&rig.env, host_in, host_in, on_end, &ended);
    client_print(&out, "{}\n");
    client_expect(&rig, &out, "{\"echo\":2}\n");
    stop();
}

Test(stdio_transport, descriptors_are_left_as_they_were, .init = setup)
{
    start();
    stop();
    /* host_in and host_out are closed by now: once more, looking. */
    setup();
    int in[2];
    cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
    int before = fcntl(in[0], F_GETFL);
    out = (struct client){.fd = -1};
    to_host = in[1];
    host_in = in[0];
    host_out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int kept = fcntl(in[0], F_DUPFD_CLOEXEC, 3);
    stdio = gn_stdio_new(&rig.env, host_in, host_out, on_end, &ended);
    cr_assert(fcntl(kept, F_GETFL) & O_NONBLOCK);
    stop();
    cr_assert_eq(fcntl(kept, F_GETFL), before);
    close(kept);
}

Test(stdio_transport, closing_writes_what_waits, .init = setup)
{
    size_t len = 4u << 20;
    char *text = gn_malloc(len);
    memset(text, 'x', len);
    start();
    rig.protocol.mode = FAKE_HOLD;
    put("{}\n");
    RIG_WAIT(&rig, rig.protocol.stream);
    struct gn_stream *s = rig.protocol.stream;
    s->ops->send(s, text, len, GN_MUST);
    gn_free(text);
    bool closed = false;
    gn_stdio_close(stdio, on_end, &closed);
    size_t got = 0;
    while (got < len + 1) {
        client_read(&out);
        got += out.in.len;
        gn_buf_clear(&out.in);
        rig_turn(&rig);
    }
    RIG_WAIT(&rig, closed);
    cr_assert_not(ended);
    client_release(&out);
    close(host_in);
    close(host_out);
    close(to_host);
    rig_end(&rig);
}
