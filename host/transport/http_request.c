/* http_request.c - a request: is it one for us, from whom, its body, and over to the protocol. */
#include "transport/http.h"

#include "transport/guard.h"
#include "util/alloc.h"
#include "util/str.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

#define ARENA_MAX (2u * 1024 * 1024)
#define DISCARD_MAX                                                                                \
    (64u * 1024) /* a refused body of this size is read, and the connection lives on */
#define PREALLOCATE (64u * 1024)
#define LOCAL_MAX 64

static const char *header(const struct gn_http_conn *c, const char *name)
{
    return gn_http_head_find(&c->head, name);
}

/* If the rest of the body is short it is read and dropped, and the connection lives on. */
void gn_http_request_cut(struct gn_http_conn *c)
{
    if (!c->body_pending || c->close_after)
        return;
    bool waits_for_us = c->body.len == 0 && gn_strcaseeq(header(c, "expect"), "100-continue");
    uint64_t left = c->length - c->body.len;
    if (c->is_chunked || left > DISCARD_MAX || waits_for_us) {
        c->close_after = true;
    } else {
        c->discards_body = true;
        c->length = left;
    }
}

/* ---- checks. Each answers and returns false if the request goes no further. */

static bool refuse(struct gn_http_conn *c, int status, const char *text)
{
    gn_http_answer_error(c, status, text);
    return false;
}

/* What is wrong with the frame makes what follows unreadable. */
static bool refuse_frame(struct gn_http_conn *c, int status, const char *text)
{
    c->close_after = c->body_pending = true;
    return refuse(c, status, text);
}

static enum gn_http_method method_of(const char *name)
{
    static const struct {
        const char *name;
        enum gn_http_method method;
    } table[] = {
        {"POST", GN_HTTP_POST},       {"GET", GN_HTTP_GET},   {"DELETE", GN_HTTP_DELETE},
        {"OPTIONS", GN_HTTP_OPTIONS}, {"HEAD", GN_HTTP_HEAD},
    };
    for (size_t i = 0; i < GN_COUNT(table); i++) {
        if (gn_streq(table[i].name, name))
            return table[i].method;
    }
    return GN_HTTP_OTHER;
}

/* How the body is framed (RFC 9112 6), strictly: two readings of one message are how requests are
 * smuggled. */
static bool check_frame(struct gn_http_conn *c)
{
    const char *length = header(c, "content-length");
    const char *coding = header(c, "transfer-encoding");
    if (length && !gn_guard_length(length, &c->length))
        return refuse_frame(c, 400, "Content-Length is not a number");
    if (coding && (length || c->head.minor == 0))
        return refuse_frame(c, 400,
                            "Transfer-Encoding cannot stand beside Content-Length, or in HTTP/1.0");
    if (coding && !gn_strcaseeq(coding, "chunked"))
        return refuse_frame(c, 501, "the only Transfer-Encoding known here is chunked");
    c->is_chunked = coding != NULL;
    c->body_pending = c->is_chunked || c->length > 0;
    if (!coding && !length && c->method == GN_HTTP_POST)
        return refuse(c, 411, "a POST needs Content-Length or Transfer-Encoding: chunked");
    return true;
}

/* The address the connection came in on, without a zone. */
static const char *local_address(struct gn_http_conn *c, char out[LOCAL_MAX])
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof(addr);
    if (getsockname(lws_get_socket_fd(c->wsi), (struct sockaddr *)&addr, &len) != 0)
        return NULL;
    const void *raw = addr.ss_family == AF_INET6
                          ? (const void *)&((struct sockaddr_in6 *)(void *)&addr)->sin6_addr
                          : (const void *)&((struct sockaddr_in *)(void *)&addr)->sin_addr;
    return inet_ntop(addr.ss_family, raw, out, LOCAL_MAX);
}

static bool check_host(struct gn_http_conn *c)
{
    char local[LOCAL_MAX];
    const char *host = c->head.authority ? c->head.authority : header(c, "host");
    if (!host && c->head.minor == 0)
        return true;
    if (!host)
        return refuse(c, 400, "there is no Host header");
    if (c->listener->unix_path) /* no web page can reach it */
        return true;
    /* The allowed names first: the address costs a system call. */
    char **allowed = c->server->env.config->allowed_hosts;
    if (gn_guard_host(host, NULL, allowed) || gn_guard_host(host, local_address(c, local), NULL))
        return true;
    return refuse(c, 403, "this Host is not served here: see http.allowed_hosts");
}

static bool check_origin(struct gn_http_conn *c)
{
    const char *origin = header(c, "origin");
    if (!origin)
        return true;
    if (!gn_guard_origin(origin, c->server->env.config->allowed_origins))
        return refuse(c, 403, "this Origin may not call here: see http.allowed_origins");
    c->origin = origin;
    return true;
}

static bool check_path(struct gn_http_conn *c, const char *path)
{
    if (gn_http_page(c))
        return false;
    if (!c->listener->is_pages)
        c->route = gn_streq(path, c->server->env.config->path) ? GN_HTTP_MCP : gn_sse_route(c);
    if (c->route != GN_HTTP_NOWHERE)
        return true;
    gn_http_answer_text(c, 404, "there is nothing here");
    return false;
}

static const struct {
    bool has_get, has_post, has_delete;
    const char *allow;
} routes[] = {
    [GN_HTTP_MCP] = {true, true, true, "GET, POST, DELETE, OPTIONS"},
    [GN_HTTP_SSE] = {true, false, false, "GET, OPTIONS"},
    [GN_HTTP_MESSAGES] = {false, true, false, "POST, OPTIONS"},
};

/* CORS (the Fetch standard): a preflight carries no credentials, so it is answered before they are
 * asked for. */
static bool answer_options(struct gn_http_conn *c)
{
    const char *headers = header(c, "access-control-request-headers");
    if (c->origin && header(c, "access-control-request-method")) {
        gn_http_add_header(c, "Access-Control-Allow-Methods", routes[c->route].allow);
        if (headers && gn_guard_header_list(headers))
            gn_http_add_header(c, "Access-Control-Allow-Headers", headers);
        gn_http_add_header(c, "Access-Control-Max-Age", "7200");
    } else {
        gn_http_add_header(c, "Allow", routes[c->route].allow);
    }
    gn_http_answer(c, 204, NULL, NULL, 0);
    return false;
}

static bool check_method(struct gn_http_conn *c)
{
    if ((c->method == GN_HTTP_GET && routes[c->route].has_get) ||
        (c->method == GN_HTTP_POST && routes[c->route].has_post) ||
        (c->method == GN_HTTP_DELETE && routes[c->route].has_delete))
        return true;
    if (c->method == GN_HTTP_OPTIONS)
        return answer_options(c);
    GN_AUTO_FREE char *text = gn_format("known here: %s", routes[c->route].allow);
    gn_http_add_header(c, "Allow", routes[c->route].allow);
    gn_http_answer_text(c, 405, text);
    return false;
}

/* RFC 6750 3. */
bool gn_http_request_authorize(struct gn_http_conn *c)
{
    const struct gn_auth *auth = c->server->env.auth;
    if (!gn_auth_is_required(auth))
        return true;
    const char *value = header(c, "authorization");
    const char *principal = gn_auth_check(auth, value);
    if (principal) {
        /* Its own copy: the tokens may be reloaded while the request runs. */
        if (!gn_streq(c->principal, principal)) {
            gn_free(c->principal);
            c->principal = gn_strdup(principal);
        }
        c->stream.principal = c->principal;
        return true;
    }
    gn_http_add_header(c, "WWW-Authenticate",
                       value ? "Bearer error=\"invalid_token\", "
                               "error_description=\"the token is not known here\""
                             : "Bearer");
    return refuse(c, 401, value ? "the token is not known here" : "a bearer token is needed");
}

void gn_http_request_stay(struct gn_http_conn *c)
{
    c->credentials = gn_strdup(header(c, "authorization"));
}

bool gn_http_request_may_stay(const struct gn_http_conn *c)
{
    const struct gn_auth *auth = c->server->env.auth;
    return !gn_auth_is_required(auth) ||
           (c->stream.principal &&
            gn_streq(gn_auth_check(auth, c->credentials), c->stream.principal));
}

static void forget_credentials(struct gn_http_conn *c)
{
    if (c->credentials)
        sodium_memzero(c->credentials, strlen(c->credentials));
    gn_free(c->credentials);
    c->credentials = NULL;
}

static bool check_media(struct gn_http_conn *c)
{
    const char *accept = header(c, "accept");
    c->takes_events = gn_guard_names(accept, "text/event-stream");
    if (c->route == GN_HTTP_SSE)
        return gn_guard_accepts(accept, "text/event-stream") ||
               refuse(c, 406, "Accept must take text/event-stream");
    if (c->method == GN_HTTP_GET)
        return c->takes_events || refuse(c, 406, "a GET needs Accept: text/event-stream");
    if (c->method != GN_HTTP_POST)
        return true;
    const char *encoding = header(c, "content-encoding");
    if (encoding && *encoding && !gn_strcaseeq(encoding, "identity"))
        return refuse(c, 415, "Content-Encoding must be identity");
    if (!gn_guard_is_type(header(c, "content-type"), "application/json"))
        return refuse(c, 415, "Content-Type must be application/json");
    if (c->route == GN_HTTP_MESSAGES || gn_guard_accepts(accept, "application/json") ||
        c->takes_events)
        return true;
    return refuse(c, 406, "Accept must take application/json and text/event-stream");
}

static bool refuse_busy(struct gn_http_conn *c)
{
    return refuse(c, 503, "too many requests are being read: try again");
}

static bool refuse_size(struct gn_http_conn *c)
{
    char text[96];
    lws_snprintf(text, sizeof(text), "the body is larger than %llu bytes (limits.max_body)",
                 (unsigned long long)c->server->env.config->max_body);
    return refuse(c, 413, text);
}

static bool check_size(struct gn_http_conn *c)
{
    const struct gn_config *config = c->server->env.config;
    if (c->length > config->max_body)
        return refuse_size(c);
    if (c->server->body_bytes + c->length > config->max_bodies_in_flight)
        return refuse_busy(c);
    return true;
}

static bool check(struct gn_http_conn *c)
{
    if (!check_frame(c) || !check_host(c) || !check_origin(c) || !check_path(c, c->head.path) ||
        !check_method(c) || !gn_http_request_authorize(c))
        return false;
    if (gn_websocket_is_wanted(c))
        return gn_websocket_check(c);
    return check_media(c) && check_size(c) && (c->route != GN_HTTP_MESSAGES || gn_sse_check(c));
}

/* ---- over to the protocol */

static void dispatch(struct gn_http_conn *c)
{
    struct gn_protocol *p = c->server->env.protocol;
    size_t len = c->body.len;
    c->state = GN_HTTP_RUNNING;
    c->body_pending = false;
    gn_http_conn_stop_timer(c);
    if (c->route == GN_HTTP_MESSAGES) {
        gn_sse_receive(c);
        return;
    }
    c->with_protocol = true;
    if (c->route == GN_HTTP_SSE)
        gn_sse_begin(c);
    else if (c->method == GN_HTTP_POST)
        gn_protocol_receive(p, &c->stream, gn_buf_take(&c->body, NULL), len);
    else if (c->method == GN_HTTP_GET)
        gn_protocol_get(p, &c->stream);
    else
        gn_protocol_delete(p, &c->stream);
    if (c->state != GN_HTTP_RUNNING)
        return;
    const struct gn_config *config = c->server->env.config;
    if (c->takes_events && !c->stream.is_whole)
        gn_http_conn_set_timer(c, c->is_streaming ? config->sse_keepalive_ms
                                                  : config->stream_after_ms);
}

/* ---- the head */

static void begin(struct gn_http_conn *c)
{
    gn_http_conn_set_idle(c, false);
    gn_http_conn_stop_timer(c);
    gn_stream_init(&c->stream, &gn_http_stream_ops, false, "http");
    c->stream.takes_whole = true;
    c->stream.has_ids = true;
    c->state = GN_HTTP_BODY;
    c->method = method_of(c->head.method);
    c->close_after = c->head.minor == 0 || gn_guard_has_token(header(c, "connection"), "close");
    if (!check(c))
        return;
    if (gn_websocket_is_wanted(c)) {
        gn_websocket_begin(c);
        return;
    }
    if (!c->body_pending) {
        dispatch(c);
        return;
    }
    gn_buf_init(&c->body, (size_t)c->server->env.config->max_body);
    gn_buf_reserve(&c->body, (size_t)GN_MIN(c->length, PREALLOCATE));
    gn_chunked_init(&c->chunked);
    if (gn_strcaseeq(header(c, "expect"), "100-continue"))
        gn_http_answer_continue(c);
    gn_http_conn_set_timer(c, c->server->env.config->body_timeout_ms);
}

static void refuse_head(struct gn_http_conn *c, int status)
{
    const char *text = status == 431   ? "the head of the request is too large (limits.max_headers)"
                       : status == 505 ? "only HTTP/1.1 is spoken here"
                                       : "this is not HTTP";
    gn_http_conn_set_idle(c, false);
    c->head = (struct gn_http_head){.minor = 1};
    c->close_after = true;
    c->body_pending = true; /* nobody knows what still comes */
    gn_http_answer_text(c, status, text);
}

static size_t feed_head(struct gn_http_conn *c, const char *data, size_t len)
{
    uint64_t max = c->server->env.config->max_headers;
    size_t skipped = 0;
    /* Empty lines before a request (RFC 9112 2.2). */
    while (c->scanned == 0 && skipped < len && (data[skipped] == '\r' || data[skipped] == '\n'))
        skipped++;
    if (skipped)
        return skipped;
    size_t head = gn_http_head_end(data, len, &c->scanned);
    if (head > max || (head == 0 && len > max)) {
        refuse_head(c, 431);
        return len;
    }
    if (head == 0) {
        /* It has begun: now it has its time. */
        if (c->in.len == 0)
            gn_http_conn_set_timer(c, c->server->env.config->header_timeout_ms);
        return 0;
    }
    c->scanned = 0;
    int status = gn_http_head_parse(&c->head, &c->arena, data, head);
    if (status)
        refuse_head(c, status);
    else
        begin(c);
    return status ? len : head;
}

/* ---- the body */

static bool add_to_body(struct gn_http_conn *c, const char *data, size_t len)
{
    const struct gn_config *config = c->server->env.config;
    if (c->body.len + len > config->max_body)
        return refuse_size(c);
    if (c->server->body_bytes + len > config->max_bodies_in_flight)
        return refuse_busy(c);
    c->server->body_bytes += len;
    c->counted += len;
    gn_buf_add(&c->body, data, len);
    return true;
}

static size_t feed_chunked(struct gn_http_conn *c, const char *data, size_t len)
{
    const char *at = data, *piece;
    size_t left = len, piece_len;
    int step;
    while ((step = gn_chunked_next(&c->chunked, &at, &left, &piece, &piece_len)) ==
           GN_CHUNKED_DATA) {
        if (!add_to_body(c, piece, piece_len))
            return len;
    }
    if (step == GN_CHUNKED_END) {
        dispatch(c);
    } else if (step < 0) {
        refuse(c, 400, "the chunked body is malformed");
    }
    return len - left;
}

static size_t feed_sized(struct gn_http_conn *c, const char *data, size_t len)
{
    size_t part = (size_t)GN_MIN(len, c->length - c->body.len);
    if (add_to_body(c, data, part) && c->body.len == c->length)
        dispatch(c);
    return part;
}

static size_t discard(struct gn_http_conn *c, size_t len)
{
    size_t part = (size_t)GN_MIN(len, c->length);
    c->length -= part;
    c->discards_body = c->length > 0;
    c->body_pending = c->discards_body;
    return part;
}

/* ---- */

size_t gn_http_request_feed(struct gn_http_conn *c, const char *data, size_t len)
{
    if (c->discards_body)
        return discard(c, len);
    switch (c->state) {
    case GN_HTTP_IDLE:
        return feed_head(c, data, len);
    case GN_HTTP_BODY:
        return c->is_chunked ? feed_chunked(c, data, len) : feed_sized(c, data, len);
    case GN_HTTP_WEBSOCKET:
        return gn_websocket_feed(c, data, len);
    case GN_HTTP_LINGER:
        return len;
    case GN_HTTP_RUNNING:
    case GN_HTTP_ANSWERED:
        break;
    }
    return 0;
}

void gn_http_request_timeout(struct gn_http_conn *c)
{
    c->close_after = true;
    gn_http_answer_error(c, 408, "the body did not come in time");
}

void gn_http_request_init(struct gn_http_conn *c)
{
    gn_arena_init(&c->arena, ARENA_MAX);
    gn_queue_init(&c->out, c->server->env.config->max_output_queue, &c->server->output_bytes);
}

void gn_http_request_reset(struct gn_http_conn *c)
{
    gn_http_conn_stop_timer(c);
    gn_sse_release(c);
    gn_websocket_release(c);
    forget_credentials(c);
    c->route = GN_HTTP_NOWHERE;
    c->server->body_bytes -= c->counted;
    c->counted = 0;
    gn_buf_release(&c->body);
    gn_buf_release(&c->extra);
    gn_queue_release(&c->out);
    gn_list_remove(&c->waiting_node);
    gn_arena_release(&c->arena);
    c->head = (struct gn_http_head){0};
    c->origin = NULL;
    c->takes_events = c->is_chunked = c->head_sent = c->is_streaming = false;
    if (c->discards_body)
        return;
    c->length = 0;
    c->body_pending = false;
}
