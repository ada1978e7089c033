/* Transfers of libcurl's on a libuv loop, against a server on the same loop. */
#include "wire/multi.h"

#include "support.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(wire_multi);

#define MAX_PEERS 64

/* Answers each request with `answer`, at once; then closes the connection if told so. */
struct server {
    uv_tcp_t listener;
    struct peer {
        uv_tcp_t tcp;
        char text[4096];
        size_t len;
        uv_write_t write;
    } peers[MAX_PEERS];
    unsigned peer_count, request_count;
    const char *answer; /* NULL: none */
    int port;
};

struct fetch {
    struct gn_transfer t;
    struct rig *rig;
    struct gn_buf body;
    unsigned data, done;
    CURLcode result;
    void (*when_done)(struct fetch *f);
};

struct rig {
    uv_loop_t loop;
    struct server server;
    struct gn_multi *multi;
    struct fetch fetches[8];
    bool is_closed, is_inside; /* libcurl calls us */
};

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct peer *p = handle->data;
    (void)size;
    *buf = uv_buf_init(p->text + p->len, (unsigned)(sizeof(p->text) - p->len - 1));
}

static struct server *server_of(struct peer *p)
{
    return &GN_CONTAINER(p->tcp.loop, struct rig, loop)->server;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct peer *p = stream->data;
    struct server *s = server_of(p);
    (void)buf;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    p->len += (size_t)n;
    p->text[p->len] = '\0';
    if (!strstr(p->text, "\r\n\r\n"))
        return;
    s->request_count++;
    p->len = 0;
    if (s->answer) {
        uv_buf_t out = uv_buf_init((char *)(uintptr_t)s->answer, (unsigned)strlen(s->answer));
        uv_write(&p->write, stream, &out, 1, NULL);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *s = GN_CONTAINER(listener, struct server, listener);
    cr_assert(status == 0 && s->peer_count < MAX_PEERS);
    struct peer *p = &s->peers[s->peer_count++];
    uv_tcp_init(listener->loop, &p->tcp);
    p->tcp.data = p;
    cr_assert(uv_accept(listener, (uv_stream_t *)&p->tcp) == 0);
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
}

static struct rig *rig_new(const char *answer)
{
    struct rig *rig = gn_calloc(1, sizeof(*rig));
    struct sockaddr_in address;
    int len = sizeof(address);
    uv_loop_init(&rig->loop);
    rig->server.answer = answer;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&rig->loop, &rig->server.listener);
    cr_assert(uv_tcp_bind(&rig->server.listener, (struct sockaddr *)&address, 0) == 0);
    cr_assert(uv_listen((uv_stream_t *)&rig->server.listener, 16, on_connection) == 0);
    uv_tcp_getsockname(&rig->server.listener, (struct sockaddr *)&address, &len);
    rig->server.port = ntohs(address.sin_port);
    rig->multi = gn_multi_new(&rig->loop);
    return rig;
}

static void on_closed(void *arg)
{
    struct rig *rig = arg;
    rig->is_closed = true;
    uv_close((uv_handle_t *)&rig->server.listener, NULL);
}

static void rig_free(struct rig *rig)
{
    if (rig->multi)
        gn_multi_close(rig->multi, on_closed, rig);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    cr_assert(rig->is_closed);
    cr_assert(uv_loop_close(&rig->loop) == 0, "handles are left");
    for (size_t i = 0; i < GN_COUNT(rig->fetches); i++) {
        curl_easy_cleanup(rig->fetches[i].t.easy);
        gn_buf_release(&rig->fetches[i].body);
    }
    gn_free(rig);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *f = arg;
    f->rig->is_inside = true;
    gn_buf_add(&f->body, bytes, size * count);
    gn_transfer_mark(&f->t);
    gn_transfer_mark(&f->t); /* told once all the same */
    f->rig->is_inside = false;
    return size * count;
}

static void on_data(struct gn_transfer *t)
{
    struct fetch *f = GN_CONTAINER(t, struct fetch, t);
    cr_assert(!f->rig->is_inside && t->multi && !f->done);
    f->data++;
}

static void on_done(struct gn_transfer *t, CURLcode result)
{
    struct fetch *f = GN_CONTAINER(t, struct fetch, t);
    cr_assert(!f->rig->is_inside && !t->multi);
    f->done++;
    f->result = result;
    if (f->when_done)
        f->when_done(f);
}

static struct fetch *fetch(struct rig *rig, size_t i)
{
    struct fetch *f = &rig->fetches[i];
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", rig->server.port);
    f->rig = rig;
    f->body = GN_BUF_INIT(65536);
    f->t.easy = curl_easy_init();
    f->t.on_data = on_data;
    f->t.on_done = on_done;
    curl_easy_setopt(f->t.easy, CURLOPT_URL, url);
    curl_easy_setopt(f->t.easy, CURLOPT_PROXY, "");
    curl_easy_setopt(f->t.easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(f->t.easy, CURLOPT_WRITEDATA, f);
    cr_assert(gn_multi_add(rig->multi, &f->t));
    cr_assert(!f->done, "nothing is told before the loop runs");
    return f;
}

static void run_until_done(struct rig *rig, const struct fetch *f)
{
    while (!f->done)
        uv_run(&rig->loop, UV_RUN_ONCE);
}

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

Test(wire_multi, bytes_are_told_before_the_end)
{
    struct rig *rig = rig_new(HELLO);
    struct fetch *f = fetch(rig, 0);
    run_until_done(rig, f);
    cr_assert_eq(f->result, CURLE_OK);
    cr_assert_eq(f->data, 1);
    cr_assert_str_eq(gn_buf_str(&f->body), "hello");
    rig_free(rig);
}

Test(wire_multi, connections_are_used_again)
{
    struct rig *rig = rig_new(HELLO);
    for (size_t i = 0; i < 5; i++) {
        struct fetch *f = fetch(rig, i);
        run_until_done(rig, f);
        cr_assert_eq(f->result, CURLE_OK);
    }
    cr_assert_eq(rig->server.request_count, 5);
    cr_assert_eq(rig->server.peer_count, 1);
    rig_free(rig);
}

Test(wire_multi, what_is_removed_is_not_told)
{
    struct rig *rig = rig_new(NULL);
    struct fetch *f = fetch(rig, 0);
    while (rig->server.request_count == 0)
        uv_run(&rig->loop, UV_RUN_ONCE);
    gn_transfer_remove(&f->t);
    gn_transfer_remove(&f->t);
    rig_free(rig);
}

Test(wire_multi, nobody_listening_is_told_from_the_loop)
{
    struct rig *rig = rig_new(HELLO);
    struct fetch *f = fetch(rig, 0);
    curl_easy_setopt(f->t.easy, CURLOPT_URL, "http://127.0.0.1:1/");
    run_until_done(rig, f);
    cr_assert_eq(f->result, CURLE_COULDNT_CONNECT);
    rig_free(rig);
}

static void begin_again(struct fetch *f)
{
    f->when_done = NULL;
    gn_buf_clear(&f->body);
    cr_assert(gn_multi_add(f->rig->multi, &f->t));
}

Test(wire_multi, a_transfer_may_begin_again_as_it_ends)
{
    struct rig *rig = rig_new(HELLO);
    struct fetch *f = fetch(rig, 0);
    f->when_done = begin_again;
    run_until_done(rig, f);
    f->done = 0;
    run_until_done(rig, f);
    cr_assert_str_eq(gn_buf_str(&f->body), "hello");
    cr_assert_eq(rig->server.peer_count, 1);
    rig_free(rig);
}

static void remove_others(struct fetch *f)
{
    for (size_t i = 0; i < GN_COUNT(f->rig->fetches); i++)
        gn_transfer_remove(&f->rig->fetches[i].t);
    gn_multi_close(f->rig->multi, on_closed, f->rig);
    f->rig->multi = NULL;
}

Test(wire_multi, the_first_that_ends_may_end_all_and_close)
{
    struct rig *rig = rig_new(HELLO);
    for (size_t i = 0; i < GN_COUNT(rig->fetches); i++)
        fetch(rig, i)->when_done = remove_others;
    while (rig->multi) /* a second that is told would close once more */
        uv_run(&rig->loop, UV_RUN_ONCE);
    rig_free(rig);
}

static void on_tick(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* libcurl asks to be called again at once as long as there is more to be read. */
Test(wire_multi, a_peer_that_never_stops_leaves_time_for_others)
{
    struct rig *rig = rig_new(NULL);
    bool ticked = false;
    uv_timer_t timer;
    GN_AUTO_FREE char *endless = gn_malloc(1 << 20);
    memset(endless, 'x', (1 << 20) - 1);
    endless[(1 << 20) - 1] = '\0';
    memcpy(endless, "HTTP/1.1 200 OK\r\n\r\n", 19);
    rig->server.answer = endless;
    struct fetch *f = fetch(rig, 0);
    f->body.max = (size_t)64 << 20;
    uv_timer_init(&rig->loop, &timer);
    timer.data = &ticked;
    uv_timer_start(&timer, on_tick, 1, 0);
    while (!ticked || !f->data)
        uv_run(&rig->loop, UV_RUN_ONCE);
    gn_transfer_remove(&f->t);
    uv_close((uv_handle_t *)&timer, NULL);
    rig_free(rig);
}
