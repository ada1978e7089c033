#include "coro/http.h"
#include "coro/fixture.h"

#include "util/alloc.h"
#include "util/buf.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

GN_SUITE(http);

/* ---- a server on the same loop ---- */

struct server {
    struct fixture f;
    struct gn_http *http;
    uv_tcp_t listener;
    int port;
    int connections, requests;
    struct gn_list peers;
    char last[8192]; /* the last request, head and body */
    bool http_closed;
};

struct peer {
    uv_tcp_t uv;
    struct server *server;
    struct gn_list node;
    struct gn_buf in;
    uv_write_t write;
    char *out;
};

struct route {
    const char *path, *reply;
};

#define LINE_100                                                                                   \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678"              \
    "901234567890123456789"

static const struct route routes[] = {
    {"/hello", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Odd:   spaced  \r\nX-ODD: twice\r\n\r\n"
               "hello"},
    {"/missing", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"},
    {"/empty", "HTTP/1.1 204 No Content\r\n\r\n"},
    {"/chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"},
    {"/early", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
    {"/moved",
     "HTTP/1.1 302 Found\r\nLocation: /hello\r\nX-First: 1\r\nContent-Length: 3\r\n\r\nbye"},
    {"/circle", "HTTP/1.1 302 Found\r\nLocation: /circle\r\nContent-Length: 0\r\n\r\n"},
    {"/file", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"},
    {"/ftp", "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n"},
    {"/garbage", "this is not HTTP at all\r\n\r\n"},
    {"/short", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nfive!"}, /* and closes */
};

static void free_peer(uv_handle_t *uv)
{
    struct peer *p = uv->data;
    gn_list_remove(&p->node);
    gn_buf_release(&p->in);
    gn_free(p->out);
    gn_free(p);
}

static void close_peer(struct peer *p)
{
    if (!uv_is_closing((uv_handle_t *)&p->uv))
        uv_close((uv_handle_t *)&p->uv, free_peer);
}

static void written(uv_write_t *write, int status)
{
    struct peer *p = write->data;
    gn_free(p->out);
    p->out = NULL;
    if (status != 0 || strstr(p->server->last, " /short ") || strstr(p->server->last, " /garbage "))
        close_peer(p);
}

static char *repeat(const char *head, const char *piece, int count)
{
    struct gn_buf b = GN_BUF_INIT(SIZE_MAX);
    gn_buf_adds(&b, head);
    for (int i = 0; i < count; i++)
        gn_buf_adds(&b, piece);
    gn_buf_adds(&b, "\r\n");
    return gn_buf_take(&b, NULL);
}

/* What is said to a request; NULL: nothing, ever. */
static char *reply_to(const char *request)
{
    const char *path = strchr(request, ' ') + 1;
    size_t len = strcspn(path, " ?");
    for (size_t i = 0; i < GN_COUNT(routes); i++) {
        if (strlen(routes[i].path) == len && strncmp(path, routes[i].path, len) == 0)
            return gn_strdup(routes[i].reply);
    }
    if (strncmp(path, "/huge", len) == 0)
        return repeat("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", LINE_100, 10000);
    if (strncmp(path, "/headers", len) == 0)
        return repeat("HTTP/1.1 200 OK\r\n", "X: y\r\n", 1000);
    if (strncmp(path, "/longheader", len) == 0)
        return repeat("HTTP/1.1 200 OK\r\nX: ", LINE_100, 900);
    if (strncmp(path, "/body", len) == 0)
        return gn_strdup("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nread");
    return NULL;
}

static bool is_complete(const struct gn_buf *in)
{
    const char *text = gn_buf_str(in), *end = strstr(text, "\r\n\r\n");
    if (!end)
        return false;
    const char *length = strcasestr(text, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return in->len >= (size_t)(end + 4 - text) + body;
}

static void take_request(struct peer *p)
{
    struct server *s = p->server;
    s->requests++;
    snprintf(s->last, sizeof(s->last), "%s", gn_buf_str(&p->in));
    gn_buf_clear(&p->in);
    p->out = reply_to(s->last);
    if (!p->out)
        return;
    uv_buf_t buf = uv_buf_init(p->out, (unsigned)strlen(p->out));
    p->write.data = p;
    cr_assert_eq(uv_write(&p->write, (uv_stream_t *)&p->uv, &buf, 1, written), 0);
}

static void give_room(uv_handle_t *uv, size_t size, uv_buf_t *ret)
{
    struct peer *p = uv->data;
    ret->base = gn_buf_reserve(&p->in, 4096);
    ret->len = ret->base ? 4096 : 0;
    (void)size;
}

static void was_read(uv_stream_t *uv, ssize_t len, const uv_buf_t *buf)
{
    struct peer *p = uv->data;
    (void)buf;
    if (len < 0) {
        close_peer(p);
        return;
    }
    p->in.len += (size_t)len;
    p->in.data[p->in.len] = '\0';
    if (is_complete(&p->in))
        take_request(p);
}

static void accepted(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    struct peer *p = gn_calloc(1, sizeof(*p));
    cr_assert_eq(status, 0);
    p->server = s;
    p->in = GN_BUF_INIT(65536);
    p->uv.data = p;
    s->connections++;
    gn_list_append(&s->peers, &p->node);
    uv_tcp_init(&s->f.uv, &p->uv);
    cr_assert_eq(uv_accept(listener, (uv_stream_t *)&p->uv), 0);
    uv_read_start((uv_stream_t *)&p->uv, give_room, was_read);
}

static void serve(struct server *s)
{
    static const char *const proxies[] = {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY",
                                          "ALL_PROXY"};
    for (size_t i = 0; i < GN_COUNT(proxies); i++)
        unsetenv(proxies[i]);
    memset(s, 0, sizeof(*s));
    fixture_init(&s->f, NULL);
    gn_list_init(&s->peers);
    struct sockaddr_in address;
    int len = sizeof(address);
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&s->f.uv, &s->listener);
    s->listener.data = s;
    uv_tcp_bind(&s->listener, (const struct sockaddr *)&address, 0);
    cr_assert_eq(uv_listen((uv_stream_t *)&s->listener, 16, accepted), 0);
    uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &len);
    s->port = ntohs(address.sin_port);
    s->http = gn_http_new(s->f.loop);
}

static void http_is_closed(void *arg)
{
    *(bool *)arg = true;
}

static void serve_no_more(struct server *s)
{
    gn_http_close(s->http, http_is_closed, &s->http_closed);
    fixture_run_until(&s->f, &s->http_closed);
    GN_LIST_EACH(&s->peers, n) {
        close_peer(GN_CONTAINER(n, struct peer, node));
    }
    uv_close((uv_handle_t *)&s->listener, NULL);
    fixture_fini(&s->f);
}

/* ---- a client ---- */

struct exchange {
    struct server *server;
    const char *path;
    struct gn_http_request request;
    struct gn_http_response response;
    struct gn_error err;
    struct gn_arena arena;
    int rc;
    bool finished;
};

static void exchange_run(struct gn_task *task, void *arg)
{
    struct exchange *x = arg;
    char url[256];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", x->server->port, x->path);
    gn_arena_init(&x->arena, (size_t)8 * 1024 * 1024);
    if (!x->request.url)
        x->request.url = url;
    x->rc = gn_http_fetch(x->server->http, task, &x->request, &x->arena, &x->response, &x->err);
    if (x->request.url == url)
        x->request.url = NULL;
    x->finished = true;
}

static void fetch(struct server *s, struct exchange *x)
{
    x->server = s;
    fixture_start(&s->f, "fetches", exchange_run, x);
    fixture_run_until(&s->f, &x->finished);
}

static const char *header(const struct exchange *x, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; x->response.headers[i]; i++) {
        const char *h = x->response.headers[i];
        if (strncmp(h, name, len) == 0 && h[len] == ':')
            return h + len + 2;
    }
    return NULL;
}

Test(http, gives_status_headers_and_body)
{
    struct server s;
    serve(&s);
    struct exchange x = {.path = "/hello?q=1"};
    fetch(&s, &x);
    cr_assert_eq(x.rc, 0, "%s", x.err.text);
    cr_assert_eq(x.response.status, 200);
    cr_assert_eq(x.response.body_size, 5);
    cr_assert_str_eq(x.response.body, "hello");
    cr_assert_str_eq(x.response.headers[0], "content-length: 5");
    cr_assert_str_eq(x.response.headers[1], "x-odd: spaced");
    cr_assert_str_eq(x.response.headers[2], "x-odd: twice");
    cr_assert_null(x.response.headers[3]);
    cr_assert(gn_ends_with(x.response.url, "/hello?q=1"));
    cr_assert(gn_starts_with(s.last, "GET /hello?q=1 HTTP/1.1\r\n"));
    gn_arena_release(&x.arena);
    serve_no_more(&s);
}

Test(http, a_worker_fetches_as_well)
{
    struct server s;
    serve(&s);
    struct exchange x = {.server = &s, .path = "/chunked"};
    fixture_start_worker(&s.f, "fetches", exchange_run, &x);
    struct gn_task_stats stats;
    do {
        uv_run(&s.f.uv, UV_RUN_ONCE);
        gn_task_stats(s.f.loop, &stats);
    } while (stats.workers_busy);
    cr_assert_eq(x.rc, 0, "%s", x.err.text);
    cr_assert_str_eq(x.response.body, "abcdefg");
    gn_arena_release(&x.arena);
    serve_no_more(&s);
}

Test(http, other_statuses_are_responses_too)
{
    struct server s;
    serve(&s);
    static const struct {
        const char *path, *body;
        int status;
    } cases[] = {{"/missing", "no", 404},
                 {"/empty", "", 204},
                 {"/early", "ok", 200},
                 {"/moved", "bye", 302}};
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct exchange x = {.path = cases[i].path};
        fetch(&s, &x);
        cr_assert_eq(x.rc, 0, "%s", x.err.text);
        cr_assert_eq(x.response.status, cases[i].status);
        cr_assert_str_eq(x.response.body, cases[i].body);
        cr_assert_null(header(&x, "link"));
        gn_arena_release(&x.arena);
    }
    serve_no_more(&s);
}

Test(http, sends_method_headers_and_body)
{
    struct server s;
    serve(&s);
    static const char *const headers[] = {"X-Token: secret",
                                          "X-Empty:", "Content-Type: application/json", NULL};
    static const char *const methods[] = {"POST", "PUT", "DELETE", "GET"};
    for (size_t i = 0; i < GN_COUNT(methods); i++) {
        struct exchange x = {
            .path = "/body",
            .request = {
                .method = methods[i], .headers = headers, .body = "{\"a\":1}", .body_size = 7}};
        fetch(&s, &x);
        cr_assert_eq(x.rc, 0, "%s", x.err.text);
        char first[64];
        snprintf(first, sizeof(first), "%s /body HTTP/1.1\r\n", methods[i]);
        cr_assert(gn_starts_with(s.last, first), "%s", s.last);
        cr_assert_not_null(strstr(s.last, "\r\nX-Token: secret\r\n"));
        cr_assert_not_null(strstr(s.last, "\r\nX-Empty:\r\n"));
        cr_assert_not_null(strstr(s.last, "\r\nContent-Type: application/json\r\n"));
        cr_assert_null(strstr(s.last, "Expect"));
        cr_assert(gn_ends_with(s.last, "\r\n\r\n{\"a\":1}"));
        gn_arena_release(&x.arena);
    }
    struct exchange none = {.path = "/body", .request = {.method = "POST"}};
    fetch(&s, &none);
    cr_assert_eq(none.rc, 0, "%s", none.err.text);
    cr_assert_null(strstr(s.last, "Content-Type"));
    cr_assert_not_null(strstr(s.last, "\r\nContent-Length: 0\r\n"));
    gn_arena_release(&none.arena);
    struct exchange head = {.path = "/missing", .request = {.method = "HEAD"}};
    fetch(&s, &head);
    cr_assert_eq(head.response.status, 404);
    cr_assert_eq(head.response.body_size, 0);
    gn_arena_release(&head.arena);
    serve_no_more(&s);
}

Test(http, uses_a_connection_again)
{
    struct server s;
    serve(&s);
    for (int i = 0; i < 10; i++) {
        struct exchange x = {.path = "/hello"};
        fetch(&s, &x);
        cr_assert_eq(x.rc, 0, "%s", x.err.text);
        gn_arena_release(&x.arena);
    }
    cr_assert_eq(s.requests, 10);
    cr_assert_eq(s.connections, 1);
    serve_no_more(&s);
}

Test(http, many_run_at_once)
{
    struct server s;
    serve(&s);
    static struct exchange x[50];
    for (size_t i = 0; i < GN_COUNT(x); i++) {
        x[i] = (struct exchange){.server = &s, .path = "/hello"};
        fixture_start(&s.f, "fetches", exchange_run, &x[i]);
    }
    for (size_t i = 0; i < GN_COUNT(x); i++) {
        fixture_run_until(&s.f, &x[i].finished);
        cr_assert_eq(x[i].rc, 0, "%s", x[i].err.text);
        cr_assert_str_eq(x[i].response.body, "hello");
        gn_arena_release(&x[i].arena);
    }
    cr_assert_eq(s.requests, 50);
    serve_no_more(&s);
}

/* ---- redirects ---- */

Test(http, follows_redirects_when_told_to)
{
    struct server s;
    serve(&s);
    struct exchange x = {.path = "/moved", .request = {.max_redirects = 3}};
    fetch(&s, &x);
    cr_assert_eq(x.rc, 0, "%s", x.err.text);
    cr_assert_eq(x.response.status, 200);
    cr_assert_str_eq(x.response.body, "hello");
    cr_assert(gn_ends_with(x.response.url, "/hello"));
    cr_assert_null(header(&x, "x-first"));
    gn_arena_release(&x.arena);
    serve_no_more(&s);
}

Test(http, refuses_redirects_that_lead_elsewhere_or_nowhere)
{
    struct server s;
    serve(&s);
    static const char *const paths[] = {"/file", "/ftp", "/circle"};
    for (size_t i = 0; i < GN_COUNT(paths); i++) {
        struct exchange x = {.path = paths[i], .request = {.max_redirects = 3}};
        fetch(&s, &x);
        cr_assert_eq(x.rc, GN_EPIPE);
        cr_assert_not_null(strstr(x.err.text, paths[i]), "%s", x.err.text);
        cr_assert_null(x.response.body);
        gn_arena_release(&x.arena);
    }
    cr_assert_eq(s.requests, 1 + 1 + 4);
    serve_no_more(&s);
}

/* ---- hostile servers, bad requests ---- */

static void fails(struct server *s, struct exchange x, int rc, const char *says)
{
    fetch(s, &x);
    cr_assert_eq(x.rc, rc, "%s: %d %s", x.path, x.rc, x.err.text);
    cr_assert_eq(x.err.code, rc);
    cr_assert_not_null(strstr(x.err.text, says), "%s", x.err.text);
    cr_assert_null(x.response.body);
    gn_arena_release(&x.arena);
}

Test(http, what_is_too_big_is_refused)
{
    struct server s;
    serve(&s);
    fails(&s, (struct exchange){.path = "/huge", .request.max_response = 999999}, GN_ETOOBIG,
          "response is larger");
    fails(&s, (struct exchange){.path = "/hello", .request.max_response = 4}, GN_ETOOBIG,
          "response is larger");
    fails(&s, (struct exchange){.path = "/headers"}, GN_ETOOBIG, "header is larger");
    fails(&s, (struct exchange){.path = "/longheader"}, GN_ETOOBIG, "header is larger");
    struct exchange fits = {.path = "/hello", .request.max_response = 5};
    fetch(&s, &fits);
    cr_assert_eq(fits.rc, 0, "%s", fits.err.text);
    gn_arena_release(&fits.arena);
    serve_no_more(&s);
}

Test(http, what_is_not_http_or_ends_early_is_an_error)
{
    struct server s;
    serve(&s);
    fails(&s, (struct exchange){.path = "/garbage"}, GN_EPIPE, "/garbage: ");
    fails(&s, (struct exchange){.path = "/short"}, GN_EPIPE, "/short: ");
    serve_no_more(&s);
}

Test(http, a_server_that_never_answers_times_out)
{
    struct server s;
    serve(&s);
    fails(&s, (struct exchange){.path = "/silence", .request.timeout_ms = 20}, GN_ETIMEDOUT,
          "/silence: ");
    serve_no_more(&s);
}

Test(http, nobody_there_is_an_error)
{
    struct server s;
    serve(&s);
    fails(&s, (struct exchange){.path = "", .request.url = "http://127.0.0.1:1/x?secret"}, GN_EPIPE,
          "http://127.0.0.1:1/x: ");
    serve_no_more(&s);
}

Test(http, malformed_requests_are_refused_before_anything_is_sent)
{
    struct server s;
    serve(&s);
    static const char *const split[] = {"X-Bad: a\r\nX-Injected: b", NULL};
    static const char *const nameless[] = {": a", NULL};
    static const char *const colonless[] = {"Host", NULL};
    fails(&s, (struct exchange){.path = "/hello", .request.headers = split}, GN_EINVAL, "X-Bad");
    fails(&s, (struct exchange){.path = "/hello", .request.headers = nameless}, GN_EINVAL, "1");
    fails(&s, (struct exchange){.path = "/hello", .request.headers = colonless}, GN_EINVAL, "1");
    fails(&s, (struct exchange){.path = "/hello", .request.method = "GET /x"}, GN_EINVAL, "GET /x");
    static const char *const urls[] = {
        "file:///etc/passwd", "ftp://127.0.0.1/", "http://", "gopher://127.0.0.1/",
        "http://a b/",        "localhost/x",      ""};
    for (size_t i = 0; i < GN_COUNT(urls); i++)
        fails(&s, (struct exchange){.path = urls[i], .request.url = urls[i]}, GN_EINVAL, "");
    fails(&s, (struct exchange){.path = "", .request.url = "ftp://me:word@host/x?y"}, GN_EINVAL,
          "ftp://host/x: ");
    cr_assert_eq(s.requests, 0);
    serve_no_more(&s);
}

/* ---- ending ---- */

Test(http, cancelling_a_task_ends_its_exchange)
{
    struct server s;
    serve(&s);
    struct exchange x = {.server = &s, .path = "/silence"};
    struct gn_task *task = fixture_start(&s.f, "fetches", exchange_run, &x);
    while (s.requests == 0)
        uv_run(&s.f.uv, UV_RUN_ONCE);
    gn_task_cancel(task);
    fixture_run_until(&s.f, &x.finished);
    cr_assert_eq(x.rc, GN_ECANCELED);
    gn_arena_release(&x.arena);
    serve_no_more(&s);
}

Test(http, closing_ends_what_runs)
{
    struct server s;
    serve(&s);
    struct exchange x = {.server = &s, .path = "/silence"}, y = {.server = &s, .path = "/hello"};
    fixture_start(&s.f, "fetches", exchange_run, &x);
    while (s.requests == 0)
        uv_run(&s.f.uv, UV_RUN_ONCE);
    fixture_start(&s.f, "fetches", exchange_run, &y); /* not even connected yet */
    serve_no_more(&s);
    cr_assert_eq(x.rc, GN_ECANCELED);
    cr_assert_eq(y.rc, GN_ECANCELED);
    gn_arena_release(&x.arena);
    gn_arena_release(&y.arena);
}
