/* rig.c - the loop, the stand-in for the protocol, and clients. */
#include "rig.h"

#include "util/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUFFER_MAX (64u << 20)

/* ---- the protocol */

static void fake_answer(struct gn_protocol *p, struct gn_stream *s, size_t len)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "{\"echo\":%zu}", len);
    if (p->on_receive)
        p->on_receive(p, s);
    else if (p->mode == FAKE_ECHO)
        s->ops->end(s, 200, text, (size_t)n);
    else if (p->mode == FAKE_ACCEPT)
        s->ops->end(s, 202, NULL, 0);
    else
        p->stream = s;
}

void gn_protocol_receive(struct gn_protocol *p, struct gn_stream *s, char *bytes, size_t len)
{
    cr_assert_eq(s->magic, GN_STREAM_MAGIC);
    cr_assert_eq(bytes[len], '\0');
    cr_assert_lt(p->received, FAKE_MAX);
    p->principal = s->principal;
    p->messages[p->received] = bytes;
    p->lens[p->received++] = len;
    fake_answer(p, s, len);
}

void gn_protocol_get(struct gn_protocol *p, struct gn_stream *s)
{
    p->gets++;
    fake_answer(p, s, 0);
}

void gn_protocol_delete(struct gn_protocol *p, struct gn_stream *s)
{
    p->deletes++;
    fake_answer(p, s, 0);
}

void gn_protocol_opened(struct gn_protocol *p, struct gn_stream *s)
{
    (void)p;
    cr_assert_eq(s->magic, GN_STREAM_MAGIC);
}

void gn_protocol_closed(struct gn_protocol *p, struct gn_stream *s)
{
    cr_assert_eq(s->magic, GN_STREAM_MAGIC);
    p->closed++;
    if (p->stream == s)
        p->stream = NULL;
}

void gn_protocol_refuse(struct gn_protocol *p, struct gn_stream *s, int status, int code,
                        const char *message)
{
    (void)status;
    p->refused++;
    p->refused_code = code;
    snprintf(p->refused_text, sizeof(p->refused_text), "%s", message);
    s->ops->end(s, status, "{\"refused\":true}", 16);
}

uint32_t gn_protocol_in_flight(const struct gn_protocol *p)
{
    return p->in_flight;
}

void fake_release(struct gn_protocol *p)
{
    for (size_t i = 0; i < p->received; i++)
        gn_free(p->messages[i]);
    p->received = 0;
}

/* ---- the loop */

static void write_log(struct gn_log *log, enum gn_level level, const char *component,
                      const struct gn_log_field *fields, size_t field_count, const char *text)
{
    (void)log;
    (void)fields;
    (void)field_count;
    if (getenv("RIG_LOG"))
        fprintf(stderr, "%s %s: %s\n", gn_level_names[level], component, text);
}

void rig_init(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    cr_assert_eq(uv_loop_init(&r->uv), 0);
    r->log = (struct gn_log){.level = getenv("RIG_LOG") ? GN_DEBUG : GN_INFO, .write = write_log};
    r->loop = gn_loop_new(&r->uv, &(struct gn_loop_limits){0}, &r->log);
    r->config = gn_config_new();
    rig_listen(r, "127.0.0.1:0");
}

void rig_listen(struct rig *r, const char *address)
{
    struct gn_config *c = r->config;
    for (size_t i = 0; i < c->listener_count; i++) {
        gn_free(c->listeners[i].address);
        gn_free(c->listeners[i].tls_certificate);
        gn_free(c->listeners[i].tls_key);
    }
    gn_free(c->listeners);
    c->listener_count = 1;
    c->listeners = gn_calloc(1, sizeof(*c->listeners));
    c->listeners[0].address = gn_strdup(address);
}

static char *hash_of(const char *token)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(hash) + 1];
    crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    gn_hex(hex, hash, sizeof(hash));
    return gn_format("sha256:%s", hex);
}

void rig_token(struct rig *r, const char *principal, const char *token)
{
    struct gn_config *c = r->config;
    c->tokens = gn_reallocarray(c->tokens, c->token_count + 1, sizeof(*c->tokens));
    c->tokens[c->token_count] = (struct gn_config_token){0};
    c->tokens[c->token_count].principal = gn_strdup(principal);
    c->tokens[c->token_count++].hash = hash_of(token);
}

void rig_change_token(struct rig *r, const char *principal, const char *token)
{
    struct gn_auth *old = r->auth;
    for (size_t i = 0; i < r->config->token_count; i++) {
        if (!gn_streq(r->config->tokens[i].principal, principal))
            continue;
        gn_free(r->config->tokens[i].hash);
        r->config->tokens[i].hash = hash_of(token);
    }
    r->auth = gn_auth_new(r->config);
    gn_http_server_configure(r->http, r->config, r->auth);
    gn_auth_free(old);
}

void rig_http(struct rig *r)
{
    struct gn_error err = {0};
    r->auth = gn_auth_new(r->config);
    r->env = (struct gn_transport_env){.loop = r->loop,
                                       .log = &r->log,
                                       .protocol = &r->protocol,
                                       .config = r->config,
                                       .auth = r->auth,
                                       .metrics = r->metrics,
                                       .unready = r->unready,
                                       .unready_arg = r};
    r->http = gn_http_server_new(&r->env, &err);
    cr_assert_not_null(r->http, "%s", err.text);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

void rig_end(struct rig *r)
{
    if (r->http) {
        r->closed = false;
        gn_http_server_close(r->http, on_closed, &r->closed);
        RIG_WAIT(r, r->closed);
    }
    r->closed = false;
    gn_loop_close(r->loop, 1000, on_closed, &r->closed);
    RIG_WAIT(r, r->closed);
    uv_run(&r->uv, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&r->uv), 0, "something is left on the loop");
    gn_auth_free(r->auth);
    gn_config_free(r->config);
    fake_release(&r->protocol);
}

void rig_turn(struct rig *r)
{
    uv_run(&r->uv, UV_RUN_NOWAIT);
    usleep(100);
}

uint64_t rig_deadline(void)
{
    return gn_clock_ms() + 30000;
}

bool rig_is_late(uint64_t deadline)
{
    return gn_clock_ms() > deadline;
}

/* ---- clients */

static void connect_unix(struct client *c, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    cr_assert_eq(connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)), 0, "%s: %s", path,
                 strerror(errno));
}

static void connect_tcp(struct client *c, const char *url)
{
    const char *at = strstr(url, "://") + 3;
    bool is_v6 = *at == '[';
    const char *colon = is_v6 ? strstr(at, "]:") + 1 : strchr(at, ':');
    uint16_t port = htons((uint16_t)strtol(colon + 1, NULL, 10));
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int on = 1;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = is_v6 ? connect(c->fd, (struct sockaddr *)&in6, sizeof(in6))
                       : connect(c->fd, (struct sockaddr *)&in, sizeof(in));
    cr_assert_eq(result, 0, "%s: %s", url, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void client_open(struct rig *r, struct client *c, size_t listener)
{
    const char *url = gn_http_server_url(r->http, listener);
    cr_assert_not_null(url);
    client_open_url(c, url);
}

void client_open_url(struct client *c, const char *url)
{
    *c = (struct client){.in = GN_BUF_INIT(BUFFER_MAX)};
    if (gn_starts_with(url, "unix:"))
        connect_unix(c, url + 5);
    else
        connect_tcp(c, url);
}

void client_release(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    gn_buf_release(&c->in);
}

void client_write(struct client *c, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n < 0)
            return; /* the server has hung up; what it said can be read */
        data += n;
        len -= (size_t)n;
    }
}

void client_print(struct client *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    client_write(c, text, strlen(text));
}

void client_read(struct client *c)
{
    char buf[65536];
    ssize_t n;
    while (c->fd >= 0 && (n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT)) != -1) {
        if (n == 0) {
            c->closed = true;
            return;
        }
        gn_buf_add(&c->in, buf, (size_t)n);
    }
    if (c->fd < 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        c->closed = true;
}

static const char *find(struct client *c, const char *text)
{
    return c->in.len ? memmem(c->in.data, c->in.len, text, strlen(text)) : NULL;
}

bool client_has(struct client *c, const char *text)
{
    client_read(c);
    return find(c, text) != NULL;
}

void client_expect(struct rig *r, struct client *c, const char *text)
{
    uint64_t until = rig_deadline();
    while (!client_has(c, text)) {
        cr_assert(!rig_is_late(until), "waited in vain for \"%s\" in \"%s\"", text,
                  gn_buf_str(&c->in));
        rig_turn(r);
    }
    gn_buf_consume(&c->in, (size_t)(find(c, text) - c->in.data) + strlen(text));
}

static bool is_closed(struct client *c)
{
    client_read(c);
    return c->closed;
}

void client_expect_close(struct rig *r, struct client *c)
{
    RIG_WAIT(r, is_closed(c));
}

static bool has_head(struct client *c)
{
    return client_has(c, "\r\n\r\n");
}

/* ---- answers */

static bool enough(struct client *c, size_t len)
{
    client_read(c);
    return c->in.len >= len || c->closed;
}

static void take(struct client *c, struct gn_buf *to, size_t len)
{
    cr_assert_geq(c->in.len, len, "the answer is cut short");
    gn_buf_add(to, c->in.data, len);
    gn_buf_consume(&c->in, len);
}

static void read_chunks(struct rig *r, struct client *c, struct response *ret)
{
    for (;;) {
        RIG_WAIT(r, client_has(c, "\r\n"));
        size_t size = strtoul(c->in.data, NULL, 16);
        gn_buf_consume(&c->in, (size_t)(find(c, "\r\n") - c->in.data) + 2);
        RIG_WAIT(r, enough(c, size + 2));
        take(c, &ret->body, size);
        cr_assert_eq(memcmp(c->in.data, "\r\n", 2), 0);
        gn_buf_consume(&c->in, 2);
        if (size == 0)
            return;
    }
}

static void read_head(struct rig *r, struct client *c, struct response *ret)
{
    *ret = (struct response){.head = GN_BUF_INIT(BUFFER_MAX), .body = GN_BUF_INIT(BUFFER_MAX)};
    RIG_WAIT(r, has_head(c) || c->closed);
    cr_assert(has_head(c), "closed instead of answered, after \"%s\"", gn_buf_str(&c->in));
    take(c, &ret->head, (size_t)(find(c, "\r\n\r\n") - c->in.data) + 4);
    cr_assert(gn_starts_with(ret->head.data, "HTTP/1."), "%s", ret->head.data);
    ret->status = (int)strtol(ret->head.data + 9, NULL, 10);
}

void client_response(struct rig *r, struct client *c, struct response *ret)
{
    read_head(r, c, ret);
    const char *length = response_header(ret, "Content-Length");
    size_t len = length ? strtoul(length, NULL, 10) : 0;
    if (gn_streq(response_header(ret, "Transfer-Encoding"), "chunked")) {
        read_chunks(r, c, ret);
        return;
    }
    RIG_WAIT(r, enough(c, len));
    take(c, &ret->body, len);
}

void client_head_response(struct rig *r, struct client *c, struct response *ret)
{
    read_head(r, c, ret);
}

void response_release(struct response *response)
{
    gn_buf_release(&response->head);
    gn_buf_release(&response->body);
}

const char *response_header(const struct response *response, const char *name)
{
    static char value[4096];
    GN_AUTO_FREE char *pattern = gn_format("\r\n%s: ", name);
    const char *at = strcasestr(response->head.data, pattern);
    if (!at)
        return NULL;
    at += strlen(pattern);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}

int client_status(struct rig *r, struct client *c, const char *request)
{
    struct response response;
    client_write(c, request, strlen(request));
    client_response(r, c, &response);
    response_release(&response);
    return response.status;
}

void client_post(struct client *c, const char *body)
{
    client_print(c, "POST /mcp HTTP/1.1\r\n" POST_HEADERS "Content-Length: %zu\r\n\r\n%s",
                 strlen(body), body);
}

void told_done(struct gn_delivery *delivery, bool is_written)
{
    struct told *told = GN_CONTAINER(delivery, struct told, delivery);
    told->count++;
    told->is_written = is_written;
}
