/* delivery.c - whether the last message has left is told once, and truly. */
#include "rig.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

GN_SUITE(delivery);

#define LARGE (32u << 20) /* more than the kernel takes from one who does not read */

static struct rig rig;

static void setup(void)
{
    rig_init(&rig);
    rig.protocol.mode = FAKE_HOLD;
}

static void end_with(struct gn_stream *s, struct told *told, const char *json, size_t len)
{
    *told = (struct told){.delivery.done = told_done};
    s->delivery = &told->delivery;
    s->ops->end(s, 200, json, len);
}

static void end_large(struct gn_stream *s, struct told *told)
{
    char *text = gn_malloc(LARGE);
    memset(text, 'x', LARGE);
    end_with(s, told, text, LARGE);
    gn_free(text);
}

static void turns(void)
{
    for (int i = 0; i < 200; i++)
        rig_turn(&rig);
}

/* ---- HTTP */

static struct gn_stream *post(struct client *c)
{
    client_open(&rig, c, 0);
    client_post(c, "{}");
    RIG_WAIT(&rig, rig.protocol.stream);
    struct gn_stream *s = rig.protocol.stream;
    rig.protocol.stream = NULL;
    return s;
}

static struct told at_once;

static void answer_at_once(struct gn_protocol *p, struct gn_stream *s)
{
    (void)p;
    end_with(s, &at_once, "{\"done\":1}", 10);
    cr_assert_eq(at_once.count, 1, "it left with one write");
    cr_assert_null(s->delivery);
}

Test(delivery, of_an_answer_that_leaves_at_once, .init = setup)
{
    struct client c;
    rig_http(&rig);
    rig.protocol.on_receive = answer_at_once;
    client_open(&rig, &c, 0);
    for (int i = 0; i < 2; i++) {
        client_post(&c, "{}");
        client_expect(&rig, &c, "{\"done\":1}");
        cr_assert_eq(at_once.count, 1);
        cr_assert(at_once.is_written);
    }
    client_release(&c);
    rig_end(&rig);
}

Test(delivery, of_a_late_answer_and_of_the_end_of_a_stream, .init = setup)
{
    for (int streams = 0; streams < 2; streams++) {
        struct client c;
        struct told told;
        if (!streams)
            rig_http(&rig);
        struct gn_stream *s = post(&c);
        if (streams)
            cr_assert_eq(s->ops->send(s, "{\"progress\":1}", 14, GN_MAY), 0);
        end_with(s, &told, "{\"done\":1}", 10);
        cr_assert_eq(told.count, 0, "what is queued has not left");
        cr_assert_null(s->delivery);
        RIG_WAIT(&rig, told.count);
        cr_assert(told.is_written);
        client_expect(&rig, &c, "{\"done\":1}");
        client_release(&c);
        turns();
        cr_assert_eq(told.count, 1);
    }
    rig_end(&rig);
}

static bool all_read(struct client *c, size_t *got)
{
    client_read(c);
    *got += c->in.len;
    gn_buf_clear(&c->in);
    return *got >= LARGE;
}

Test(delivery, waits_for_one_who_reads_slowly, .init = setup)
{
    struct client c;
    struct told told;
    size_t got = 0;
    rig_http(&rig);
    end_large(post(&c), &told);
    turns();
    cr_assert_eq(told.count, 0);
    RIG_WAIT(&rig, all_read(&c, &got));
    RIG_WAIT(&rig, told.count);
    cr_assert(told.is_written);
    client_release(&c);
    rig_end(&rig);
    cr_assert_eq(told.count, 1);
}

Test(delivery, fails_when_the_client_leaves_in_the_middle, .init = setup)
{
    for (int streams = 0; streams < 2; streams++) {
        struct client c;
        struct told told;
        if (!streams)
            rig_http(&rig);
        struct gn_stream *s = post(&c);
        if (streams)
            cr_assert_eq(s->ops->open(s), 0);
        end_large(s, &told);
        turns();
        cr_assert_eq(told.count, 0);
        client_release(&c);
        RIG_WAIT(&rig, told.count);
        cr_assert_not(told.is_written);
    }
    rig_end(&rig);
}

Test(delivery, fails_when_there_is_no_room_for_the_answer, .init = setup)
{
    struct client c;
    struct told told;
    char text[8192];
    memset(text, 'x', sizeof(text));
    rig.config->max_output_queue = 1u << 16;
    rig_http(&rig);
    struct gn_stream *s = post(&c);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(s->ops->send(s, text, sizeof(text), GN_MUST), 0);
    end_with(s, &told, "{}", 2);
    cr_assert_eq(told.count, 1);
    cr_assert_not(told.is_written);
    turns();
    cr_assert_eq(told.count, 1);
    client_release(&c);
    rig_end(&rig);
}

Test(delivery, fails_when_the_host_stops_before, .init = setup)
{
    struct client c;
    struct told told;
    rig_http(&rig);
    end_large(post(&c), &told);
    rig_end(&rig);
    cr_assert_eq(told.count, 1);
    cr_assert_not(told.is_written);
    client_release(&c);
}

/* ---- stdio */

struct lines {
    struct gn_stdio *stdio;
    struct client client; /* both ways */
    int fd;
};

static void note(void *arg)
{
    *(bool *)arg = true;
}

static struct gn_stream *begin_lines(struct lines *l, bool *ended)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    rig.env = (struct gn_transport_env){
        .loop = rig.loop, .log = &rig.log, .protocol = &rig.protocol, .config = rig.config};
    *ended = false;
    l->client = (struct client){.fd = pair[0], .in = GN_BUF_INIT(64u << 20)};
    l->fd = pair[1];
    l->stdio = gn_stdio_new(&rig.env, pair[1], pair[1], note, ended);
    client_print(&l->client, "{}\n");
    RIG_WAIT(&rig, rig.protocol.stream);
    return rig.protocol.stream;
}

static void end_lines(struct lines *l)
{
    bool closed = false;
    gn_stdio_close(l->stdio, note, &closed);
    RIG_WAIT(&rig, closed);
    client_release(&l->client);
    close(l->fd);
    rig_end(&rig);
}

Test(delivery, of_lines_comes_in_their_order, .init = setup)
{
    struct lines l;
    struct told small, large, last;
    bool ended;
    size_t got = 0;
    struct gn_stream *s = begin_lines(&l, &ended);
    end_with(s, &small, "{\"done\":1}", 10);
    cr_assert_eq(small.count, 1);
    cr_assert(small.is_written);
    end_large(s, &large);
    cr_assert_eq(large.count, 0);
    RIG_WAIT(&rig, all_read(&l.client, &got));
    RIG_WAIT(&rig, large.count);
    cr_assert(large.is_written);
    end_with(s, &last, NULL, 0);
    cr_assert(last.count == 1 && last.is_written, "there is nothing to wait for");
    end_lines(&l);
    cr_assert_eq(small.count + large.count + last.count, 3);
}

Test(delivery, of_lines_fails_when_the_reader_leaves, .init = setup)
{
    struct lines l;
    struct told large, late;
    bool ended;
    signal(SIGPIPE, SIG_IGN);
    struct gn_stream *s = begin_lines(&l, &ended);
    end_large(s, &large);
    turns();
    cr_assert_eq(large.count, 0);
    client_release(&l.client);
    RIG_WAIT(&rig, large.count);
    cr_assert_not(large.is_written);
    end_with(s, &late, "{}", 2);
    cr_assert(late.count == 1 && !late.is_written);
    RIG_WAIT(&rig, ended);
    end_lines(&l);
    cr_assert_eq(large.count + late.count, 2);
}
