/* http_answer.c - the answer to a request: headers, one body or an event stream, the queue to the
 * client.
 *
 * Everything goes through one queue, except the common case: an answer that is complete while the
 * lws callback of its request still runs leaves with one write, headers and body together.
 */
#include "transport/http.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/headers.h"
#include "wire/jsonrpc.h"
#include "wire/sse.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DIRECT_MAX (128u * 1024) /* an answer up to this size is put together */
#define EXTRA_MAX (16u * 1024)
#define ERROR_MAX 2048u
#define FIELDS_MAX 128u

static const char event_begin[] = "event: message\ndata: ";
static const char event_empty[] = "data: \n\n";
static const char event_end[] = "\n\n";
static const char keepalive[] = "3\r\n:\n\n\r\n";
static const char keepalive_plain[] = ":\n\n";

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < GN_COUNT(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "";
}

static struct gn_http_conn *conn_of(struct gn_stream *s)
{
    struct gn_http_conn *c = GN_CONTAINER(s, struct gn_http_conn, stream);
    GN_CHECK(c, GN_HTTP_CONN_MAGIC);
    return c;
}

/* ---- headers */

static bool is_http10(const struct gn_http_conn *c)
{
    return c->head.minor == 0;
}

static const char *date_header(struct gn_http_server *s)
{
    int64_t now = gn_wall_ms() / 1000;
    if (now != s->date_s) {
        time_t t = (time_t)now;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        s->date_s = now;
    }
    return s->date;
}

static void add_number(struct gn_buf *b, uint64_t value)
{
    char digits[24];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    gn_buf_add(b, digits + at, sizeof(digits) - at);
}

static void add_cors(struct gn_http_conn *c, struct gn_buf *b)
{
    if (!c->origin)
        return;
    gn_buf_adds(b, "Access-Control-Allow-Origin: ");
    gn_buf_adds(b, c->origin);
    gn_buf_adds(b, "\r\nVary: Origin\r\nAccess-Control-Expose-Headers: " GN_HEADER_SESSION_ID
                   ", WWW-Authenticate, " GN_HEADER_PROTOCOL_VERSION "\r\n");
}

/* Up to and with the empty line. */
static void add_head(struct gn_http_conn *c, struct gn_buf *b, int status, const char *type,
                     size_t len)
{
    gn_buf_adds(b, "HTTP/1.1 ");
    add_number(b, (uint64_t)status);
    gn_buf_addc(b, ' ');
    gn_buf_adds(b, reason_of(status));
    gn_buf_adds(b, "\r\nDate: ");
    gn_buf_adds(b, date_header(c->server));
    gn_buf_adds(b, "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    if (type) {
        gn_buf_adds(b, "Content-Type: ");
        gn_buf_adds(b, type);
        gn_buf_adds(b, "\r\n");
    }
    if (c->is_streaming) {
        gn_buf_adds(b, "X-Accel-Buffering: no\r\n");
        if (!is_http10(c))
            gn_buf_adds(b, "Transfer-Encoding: chunked\r\n");
    } else if (status != 204) {
        gn_buf_adds(b, "Content-Length: ");
        add_number(b, len);
        gn_buf_adds(b, "\r\n");
    }
    add_cors(c, b);
    if (status == 503)
        gn_buf_adds(b, "Retry-After: 1\r\n");
    if (c->extra.len)
        gn_buf_add(b, c->extra.data, c->extra.len);
    if (c->close_after)
        gn_buf_adds(b, "Connection: close\r\n");
    gn_buf_adds(b, "\r\n");
    c->head_sent = true;
}

static bool is_header_value(const char *value)
{
    for (; *value; value++) {
        unsigned char byte = (unsigned char)*value;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7F)
            return false;
    }
    return true;
}

void gn_http_add_header(struct gn_http_conn *c, const char *name, const char *value)
{
    if (c->head_sent || !gn_header_name_valid(name) || !is_header_value(value))
        return;
    if (c->extra.max == 0)
        gn_buf_init(&c->extra, EXTRA_MAX);
    size_t before = c->extra.len;
    if (gn_buf_addf(&c->extra, "%s: %s\r\n", name, value)) {
        c->extra.overflow = false;
        gn_buf_cut(&c->extra, before);
    }
}

/* ---- room for all */

static uint64_t output_max(const struct gn_http_conn *c)
{
    return c->server->env.config->max_output_in_flight;
}

static bool fits_all(const struct gn_http_conn *c, size_t len)
{
    uint64_t held = c->server->output_bytes;
    return held == 0 || held + len <= output_max(c);
}

/* Once, until there is plenty of room again. */
static void log_full(struct gn_http_server *s)
{
    if (s->output_full)
        return;
    s->output_full = true;
    gn_log(s->env.log, GN_WARNING, GN_HTTP_COMPONENT,
           "%llu bytes wait for clients that do not read (limits.max_output_in_flight): closing "
           "the slowest",
           (unsigned long long)s->output_bytes);
}

/* Before `len` bytes are queued: what all clients have left lying is bounded, and those who have
 * stood still longest go. Where none stands still, the answer that is too much does. False: it was
 * this connection. */
static bool make_room(struct gn_http_conn *c, size_t len)
{
    struct gn_http_server *s = c->server;
    if (s->output_bytes + len <= output_max(c) / 2)
        s->output_full = false;
    while (!c->doomed && !fits_all(c, len)) {
        log_full(s);
        if (gn_list_empty(&s->waiting))
            gn_http_conn_doom(c);
        else
            gn_http_conn_doom(GN_CONTAINER(s->waiting.next, struct gn_http_conn, waiting_node));
    }
    return !c->doomed;
}

/* ---- one body */

static void answered(struct gn_http_conn *c)
{
    c->state = GN_HTTP_ANSWERED;
    if (c->out.len)
        gn_http_conn_set_timer(c, c->server->env.config->body_timeout_ms);
    else
        gn_http_conn_stop_timer(c);
    gn_http_conn_want_write(c);
}

static void answer(struct gn_http_conn *c, int status, const char *type, const char *text,
                   size_t len, struct gn_buf *whole)
{
    if (!c->wsi || c->doomed)
        return;
    gn_http_request_cut(c);
    struct gn_buf *b = &c->server->scratch;
    gn_buf_clear(b);
    add_head(c, b, status, type, len);
    if (c->method == GN_HTTP_HEAD)
        len = 0;
    if (c->in_callback && c->out.len == 0 && b->len + len <= DIRECT_MAX) {
        gn_buf_add(b, text, len);
        size_t done = gn_http_conn_write(c, b->data, b->len);
        if (done == b->len || make_room(c, b->len - done))
            gn_queue_add(&c->out, b->data + done, b->len - done);
    } else if (make_room(c, b->len + len)) {
        gn_queue_add(&c->out, b->data, b->len);
        gn_queue_add_whole(&c->out, text, len, whole);
    }
    if (!c->doomed)
        answered(c);
}

void gn_http_answer(struct gn_http_conn *c, int status, const char *type, const char *text,
                    size_t len)
{
    answer(c, status, type, text, len, NULL);
}

void gn_http_answer_text(struct gn_http_conn *c, int status, const char *text)
{
    gn_http_answer(c, status, "text/plain; charset=utf-8", text, strlen(text));
}

void gn_http_answer_error(struct gn_http_conn *c, int status, const char *text)
{
    struct gn_buf b = GN_BUF_INIT(ERROR_MAX);
    gn_jsonrpc_write_error(&b, NULL, GN_RPC_INVALID_REQUEST, text, NULL, GN_JSONRPC_OMIT_ID);
    gn_http_answer(c, status, "application/json", gn_buf_str(&b), b.len);
    gn_buf_release(&b);
}

void gn_http_answer_continue(struct gn_http_conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    gn_queue_add(&c->out, text, sizeof(text) - 1);
    gn_http_conn_want_write(c);
}

/* ---- the event stream */

static int start_stream(struct gn_http_conn *c)
{
    if (c->is_streaming)
        return 0;
    if (!c->takes_events)
        return GN_ENOTSUP;
    struct gn_buf *b = &c->server->scratch;
    gn_buf_clear(b);
    c->is_streaming = true;
    c->close_after = c->close_after ||
                     is_http10(c); /* without chunks its end is the connection's */
    add_head(c, b, 200, "text/event-stream", 0);
    gn_queue_add(&c->out, b->data, b->len);
    gn_http_conn_set_timer(c, c->server->env.config->sse_keepalive_ms);
    return 0;
}

static void add_chunk_size(struct gn_http_conn *c, size_t len)
{
    char text[24];
    if (is_http10(c))
        return;
    int n = snprintf(text, sizeof(text), "%zx\r\n", len);
    gn_queue_add(&c->out, text, (size_t)n);
}

static void end_chunk(struct gn_http_conn *c)
{
    if (!is_http10(c))
        gn_queue_add(&c->out, "\r\n", 2);
}

/* The lines of an event before its message: what the protocol asked for. Returns their length. */
static size_t write_fields(const struct gn_stream *s, char *text, size_t size)
{
    int len = 0;
    if (s->event_id)
        len = snprintf(text, size, "id: %s\n", s->event_id);
    if (s->retry_ms && len >= 0 && (size_t)len < size)
        len += snprintf(text + len, size - (size_t)len, "retry: %u\n", s->retry_ms);
    return len >= 0 && (size_t)len < size ? (size_t)len : 0;
}

/* One message, one chunk. JSON as we write it has no line ends; one that has (it is relayed) is
 * split into lines by the writer of events. Without JSON it is an event without data. */
static void add_event(struct gn_http_conn *c, const char *json, size_t len, struct gn_buf *whole)
{
    char fields[FIELDS_MAX];
    size_t fields_len = write_fields(&c->stream, fields, sizeof(fields));
    if (!json) {
        add_chunk_size(c, fields_len + sizeof(event_empty) - 1);
        gn_queue_add(&c->out, fields, fields_len);
        gn_queue_add(&c->out, event_empty, sizeof(event_empty) - 1);
    } else if (memchr(json, '\n', len) || memchr(json, '\r', len)) {
        struct gn_buf b = GN_BUF_INIT(len * 8 + 64);
        gn_sse_write_event(&b, "message", NULL, json, len);
        add_chunk_size(c, fields_len + b.len);
        gn_queue_add(&c->out, fields, fields_len);
        gn_queue_add(&c->out, gn_buf_str(&b), b.len);
        gn_buf_release(&b);
    } else {
        add_chunk_size(c, fields_len + len + sizeof(event_begin) - 1 + sizeof(event_end) - 1);
        gn_queue_add(&c->out, fields, fields_len);
        gn_queue_add(&c->out, event_begin, sizeof(event_begin) - 1);
        gn_queue_add_whole(&c->out, json, len, whole);
        gn_queue_add(&c->out, event_end, sizeof(event_end) - 1);
    }
    end_chunk(c);
}

/* They were for one event. */
static void forget_fields(struct gn_stream *s)
{
    s->event_id = NULL;
    s->retry_ms = 0;
}

void gn_http_answer_piece(struct gn_http_conn *c, const char *text, size_t len)
{
    add_chunk_size(c, len);
    gn_queue_add(&c->out, text, len);
    end_chunk(c);
    gn_http_conn_want_write(c);
}

int gn_http_conn_room(struct gn_http_conn *c, size_t len, enum gn_weight weight)
{
    int r = gn_queue_room(&c->out, weight);
    if (r == 0 && weight != GN_MUST && !fits_all(c, len))
        r = GN_EBUSY;
    if (r == 0 && !make_room(c, len))
        return GN_EPIPE;
    if (r == GN_EBUSY)
        c->out.dropped++;
    if (r != GN_ETOOBIG)
        return r;
    gn_log(c->server->env.log, GN_WARNING, GN_HTTP_COMPONENT,
           "a client does not read: %zu bytes wait for it, giving it up", c->out.len);
    gn_http_conn_doom(c);
    return GN_EPIPE;
}

static int op_send(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight)
{
    struct gn_http_conn *c = conn_of(s);
    if (!c->wsi || c->doomed)
        return GN_EPIPE;
    int r = gn_http_conn_room(c, len, weight);
    if (r == 0)
        r = start_stream(c);
    if (r == 0) {
        add_event(c, json, len, NULL);
        gn_http_conn_want_write(c);
    }
    forget_fields(s);
    return r;
}

static void end_stream(struct gn_http_conn *c, const char *json, size_t len, struct gn_buf *whole)
{
    if (json) {
        if (gn_http_conn_room(c, len, GN_MUST))
            return;
        add_event(c, json, len, whole);
    }
    if (!is_http10(c))
        gn_queue_add(&c->out, "0\r\n\r\n", 5);
    answered(c);
}

static void op_end(struct gn_stream *s, int status, const char *json, size_t len)
{
    struct gn_http_conn *c = conn_of(s);
    struct gn_delivery *delivery = gn_delivery_take(s);
    struct gn_buf *whole = gn_whole_take(s);
    gn_assert(c->with_protocol);
    c->with_protocol = false;
    if (c->wsi && !c->doomed && c->is_streaming)
        end_stream(c, json, len, whole);
    else if (c->wsi && !c->doomed)
        answer(c, status, json ? "application/json" : NULL, json, json ? len : 0, whole);
    forget_fields(s);
    gn_http_conn_mark(c, delivery);
}

static const char *op_header(struct gn_stream *s, const char *name)
{
    return gn_http_head_find(&conn_of(s)->head, name);
}

static void op_set_header(struct gn_stream *s, const char *name, const char *value)
{
    gn_http_add_header(conn_of(s), name, value);
}

static int op_open(struct gn_stream *s)
{
    struct gn_http_conn *c = conn_of(s);
    if (!c->wsi || c->doomed)
        return GN_EPIPE;
    int r = start_stream(c);
    if (r == 0)
        gn_http_conn_want_write(c);
    return r;
}

const struct gn_stream_ops gn_http_stream_ops = {
    .send = op_send,
    .end = op_end,
    .header = op_header,
    .set_header = op_set_header,
    .open = op_open,
};

/* ---- */

void gn_http_answer_tick(struct gn_http_conn *c)
{
    const struct gn_config *config = c->server->env.config;
    uint64_t left = gn_http_conn_progress(c);
    if (left == 0) {
        gn_log(c->server->env.log, GN_INFO, GN_HTTP_COMPONENT,
               "a client has stopped reading, or reads too slowly");
        gn_http_conn_close(c);
        return;
    }
    if (c->state == GN_HTTP_ANSWERED) {
        gn_http_conn_set_timer(c, GN_MIN(left, config->body_timeout_ms));
    } else if (!c->is_streaming) {
        if (start_stream(c) == 0) {
            gn_protocol_opened(c->server->env.protocol, &c->stream);
            gn_http_conn_want_write(c);
        }
    } else {
        if (c->out.len == 0) {
            if (is_http10(c))
                gn_queue_add(&c->out, keepalive_plain, sizeof(keepalive_plain) - 1);
            else
                gn_queue_add(&c->out, keepalive, sizeof(keepalive) - 1);
            gn_http_conn_want_write(c);
        }
        gn_http_conn_set_timer(c, GN_MIN(left, config->sse_keepalive_ms));
    }
}
