/* client_http.c - Streamable HTTP: each message is a POST, answered with JSON or an event stream.
 */
#include "client_internal.h"

#include "config/config.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/headers.h"
#include "wire/sse.h"

#include <curl/curl.h>
#include <poll.h>
#include <string.h>

#define CONNECT_MS 10000L
#define DEFAULT_PATH "/mcp"
#define RETRY_MS 1000 /* before a broken stream is asked for again, unless it said when */
#define SHOWN 200     /* bytes of an answer that is no message, in messages */

struct http {
    struct gn_client *c;
    CURL *easy, *second; /* the exchange that is waited for / replies while it goes on */
    char *url, *unix_path;
};

/* One exchange. */
struct answer {
    struct http *h;
    struct gn_buf body;
    struct gn_sse_parser sse;
    bool is_stream, is_json, done; /* content type; the response that was waited for is here */
    int rc;                        /* what went wrong with what came in */
    struct gn_error err;
};

static long left_ms(uint64_t deadline)
{
    uint64_t now = gn_clock_ms();
    /* 0 would mean no limit to libcurl. */
    return now >= deadline ? 1 : (long)GN_MIN(deadline - now, (uint64_t)INT32_MAX);
}

static int take_message(struct answer *a, const char *text, size_t len)
{
    struct gn_error wrong = {0};
    if (!gn_client_receive(a->h->c, text, len, &wrong)) {
        gn_error_set(&a->err, GN_EPROTO, "the server sent what is no message: %s", wrong.text);
        a->rc = GN_EXIT_PROTOCOL;
        return GN_EPROTO;
    }
    a->done = a->h->c->answered;
    return a->done ? GN_EEXIST : 0;
}

static int on_event(void *arg, const struct gn_sse_event *event)
{
    /* Other events are not MCP's, and a message without data only carries an id. */
    if (!gn_streq(event->event, "message") || event->len == 0)
        return 0;
    return take_message(arg, event->data, event->len);
}

static bool has_value(const char *line, size_t len, const char *name, const char **ret,
                      size_t *ret_len)
{
    size_t name_len = strlen(name);
    if (len <= name_len || line[name_len] != ':')
        return false;
    GN_AUTO_FREE char *got = gn_strndup(line, name_len);
    if (!gn_strcaseeq(got, name))
        return false;
    line += name_len + 1;
    len -= name_len + 1;
    while (len && (*line == ' ' || *line == '\t'))
        line++, len--;
    while (len && (line[len - 1] == ' ' || line[len - 1] == '\r' || line[len - 1] == '\n'))
        len--;
    *ret = line;
    *ret_len = len;
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct answer *a = arg;
    const char *value;
    size_t len;
    if (has_value(line, size * count, "Content-Type", &value, &len)) {
        GN_AUTO_FREE char *type = gn_strndup(value, strcspn(value, ";\r\n "));
        a->is_stream = gn_strcaseeq(type, "text/event-stream");
        a->is_json = gn_strcaseeq(type, "application/json");
    } else if (has_value(line, size * count, GN_HEADER_SESSION_ID, &value, &len)) {
        gn_free(a->h->c->session_id);
        a->h->c->session_id = gn_strndup(value, len);
    }
    return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct answer *a = arg;
    size_t len = size * count;
    if (!a->is_stream)
        return gn_buf_add(&a->body, bytes, len) ? 0 : len;
    int rc = gn_sse_feed(&a->sse, bytes, len);
    if (rc == GN_ETOOBIG && !a->rc) {
        gn_error_set(&a->err, rc, "the server sent a message of more than %zu MiB",
                     GN_CLIENT_MESSAGE_MAX >> 20);
        a->rc = GN_EXIT_PROTOCOL;
    }
    return rc ? 0 : len; /* 0 ends the transfer: all that was wanted is here */
}

static size_t ignore_body(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * count;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *fmt, ...) GN_PRINTF(2, 3);
static struct curl_slist *add_header(struct curl_slist *list, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *line = gn_vformat(fmt, ap);
    va_end(ap);
    return curl_slist_append(list, line);
}

/* Headers of every request: credentials, revision, session. */
static struct curl_slist *common_headers(const struct gn_client *c)
{
    struct curl_slist *list = add_header(NULL, "User-Agent: gantry/%s", GANTRY_VERSION);
    if (c->options.token)
        list = add_header(list, "Authorization: Bearer %s", c->options.token);
    for (const char *const *h = c->options.headers; h && *h; h++)
        list = add_header(list, "%s", *h);
    /* Before 2025-06-18 there was no such header; before an era is known, the newest is tried. */
    if (c->revision >= GN_REV_2025_06_18)
        list = add_header(list, GN_HEADER_PROTOCOL_VERSION ": %s", gn_revision_name(c->revision));
    if (c->session_id)
        list = add_header(list, GN_HEADER_SESSION_ID ": %s", c->session_id);
    return list;
}

static struct curl_slist *message_headers(const struct gn_client *c,
                                          const struct gn_client_message *m)
{
    struct curl_slist *list = common_headers(c);
    list = add_header(list, "Content-Type: application/json");
    list = add_header(list, "Accept: application/json, text/event-stream");
    list = add_header(list, "Expect:"); /* libcurl would wait for 100-continue */
    bool discovering = c->revision == GN_REV_NONE && gn_streq(m->method, "server/discover");
    if (discovering)
        list = add_header(list, GN_HEADER_PROTOCOL_VERSION ": %s", gn_revision_name(GN_REV_LATEST));
    if (!discovering && !gn_revision_is_stateless(c->revision))
        return list;
    list = add_header(list, GN_HEADER_METHOD ": %s", m->method);
    if (m->name) {
        struct gn_buf value = GN_BUF_INIT(64 * 1024);
        if (gn_header_encode(&value, m->name, strlen(m->name)) == 0)
            list = add_header(list, GN_HEADER_NAME ": %s", gn_buf_str(&value));
        gn_buf_release(&value);
    }
    for (const char *const *h = m->headers; h && *h; h++)
        list = add_header(list, "%s", *h);
    return list;
}

static void set_common(struct http *h, CURL *easy, struct curl_slist *headers, uint64_t deadline)
{
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, h->url);
    if (h->unix_path)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, h->unix_path);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms(deadline));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
    /* A proxy of the environment is for other machines. */
    CURLU *parts = curl_url();
    char *host = NULL;
    if (curl_url_set(parts, CURLUPART_URL, h->url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        size_t len = strlen(host);
        bool v6 = len > 2 && *host == '[';
        GN_AUTO_FREE char *bare = gn_strndup(host + v6, v6 ? len - 2 : len);
        if (gn_config_is_loopback(bare))
            curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    curl_free(host);
    curl_url_cleanup(parts);
}

static void *open_http(struct gn_client *c, struct gn_error *err)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct http *h = gn_calloc(1, sizeof(*h));
    h->c = c;
    h->easy = curl_easy_init();
    h->second = curl_easy_init();
    if (gn_starts_with(c->options.url, "unix:")) {
        h->unix_path = gn_strdup(c->options.url + strlen("unix:"));
        h->url = gn_strdup("http://localhost" DEFAULT_PATH);
        return h;
    }
    /* A URL without a path means the usual one. */
    const char *rest = strstr(c->options.url, "://");
    rest = rest ? rest + 3 : c->options.url;
    h->url = gn_format("%s%s", c->options.url, strpbrk(rest, "/?#") ? "" : DEFAULT_PATH);
    (void)err;
    return h;
}

/* What came with a status that is no success, and is no message either. */
static int bad_status(const struct answer *a, struct gn_error *err)
{
    int status = a->h->c->http_status;
    const char *hint = status == 401 ? " (--token, or --header, gives credentials)" : "";
    size_t len = strcspn(gn_buf_str(&a->body), "\r\n");
    gn_error_set(err, GN_EPIPE, "%s answers %d%s%s%.*s", a->h->url, status, hint, len ? ": " : "",
                 (int)GN_MIN(len, (size_t)SHOWN), gn_buf_str(&a->body));
    return GN_EXIT_CONNECTION;
}

static int transfer_failed(const struct answer *a, CURLcode code, const char *detail,
                           struct gn_error *err)
{
    bool late = code == CURLE_OPERATION_TIMEDOUT;
    gn_error_set(err, late ? GN_ETIMEDOUT : GN_EPIPE, "%s: %s",
                 a->h->unix_path ? a->h->unix_path : a->h->url,
                 *detail ? detail : curl_easy_strerror(code));
    return GN_EXIT_CONNECTION;
}

/* One transfer on h->easy, already told what to do. 0: the answer is here, or, with a->is_stream,
 * the stream ended before. */
static int perform(struct answer *a, struct gn_error *err)
{
    struct http *h = a->h;
    char detail[CURL_ERROR_SIZE] = "";
    long status = 0;
    curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, detail);
    h->c->http_status = 0;
    CURLcode code = curl_easy_perform(h->easy);
    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    h->c->http_status = (int)status;
    if (a->rc) {
        if (err)
            *err = a->err;
        return a->rc;
    }
    if (a->done)
        return 0;
    bool broken_stream = a->is_stream && code != CURLE_OPERATION_TIMEDOUT;
    if (code != CURLE_OK && !broken_stream)
        return transfer_failed(a, code, detail, err);
    if (a->is_stream)
        return 0;
    /* Errors come as messages with any status. */
    if (a->body.len && (a->is_json || status >= 400) &&
        gn_client_receive(h->c, a->body.data, a->body.len, NULL) && h->c->answered)
        a->done = true;
    else if (status < 200 || status >= 300)
        return bad_status(a, err);
    return 0;
}

/* The stream ended before the answer. The handshake era has a way to go on where it stopped. */
static int resume(struct answer *a, uint64_t deadline, struct gn_error *err)
{
    struct http *h = a->h;
    GN_AUTO_FREE char *last = gn_strdup(gn_sse_last_id(&a->sse));
    int rc = 0;
    while (rc == 0 && !a->done && *last && !gn_revision_is_stateless(h->c->revision) &&
           gn_clock_ms() < deadline) {
        int64_t retry = a->sse.retry_ms >= 0 ? a->sse.retry_ms : RETRY_MS;
        poll(NULL, 0, (int)GN_MIN(retry, (int64_t)left_ms(deadline)));
        struct curl_slist *headers = common_headers(h->c);
        headers = add_header(headers, "Accept: text/event-stream");
        headers = add_header(headers, GN_HEADER_LAST_EVENT_ID ": %s", last);
        gn_sse_parser_release(&a->sse);
        gn_sse_parser_init(&a->sse, GN_CLIENT_MESSAGE_MAX, on_event, a);
        set_common(h, h->easy, headers, deadline);
        rc = perform(a, err);
        curl_slist_free_all(headers);
        if (*gn_sse_last_id(&a->sse)) {
            gn_free(last);
            last = gn_strdup(gn_sse_last_id(&a->sse));
        }
        if (!a->is_stream)
            break;
    }
    return rc;
}

static int send_http(void *t, const struct gn_client_message *m, uint64_t deadline,
                     struct gn_error *err)
{
    struct http *h = t;
    struct answer a = {.h = h, .body = GN_BUF_INIT(GN_CLIENT_MESSAGE_MAX)};
    gn_sse_parser_init(&a.sse, GN_CLIENT_MESSAGE_MAX, on_event, &a);
    struct curl_slist *headers = message_headers(h->c, m);
    set_common(h, h->easy, headers, deadline);
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)m->len);
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, m->text);
    int rc = perform(&a, err);
    curl_slist_free_all(headers);
    if (rc == 0 && m->is_request && !a.done && a.is_stream)
        rc = resume(&a, deadline, err);
    if (rc == 0 && m->is_request && !a.done) {
        gn_error_set(err, GN_EPROTO, "%s sent no answer (status %d)", h->url, h->c->http_status);
        rc = GN_EXIT_PROTOCOL;
    }
    gn_sse_parser_release(&a.sse);
    gn_buf_release(&a.body);
    return rc;
}

static void reply_http(void *t, const char *text, size_t len)
{
    struct http *h = t;
    struct gn_client_message m = {.text = text, .len = len, .method = ""};
    struct curl_slist *headers = message_headers(h->c, &m);
    set_common(h, h->second, headers, gn_clock_ms() + CONNECT_MS);
    curl_easy_setopt(h->second, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(h->second, CURLOPT_POSTFIELDS, text);
    curl_easy_perform(h->second);
    curl_slist_free_all(headers);
}

static void close_http(void *t)
{
    struct http *h = t;
    if (h->c->session_id) {
        struct curl_slist *headers = common_headers(h->c);
        set_common(h, h->easy, headers, gn_clock_ms() + 2000);
        curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, "DELETE");
        curl_easy_perform(h->easy);
        curl_slist_free_all(headers);
    }
    curl_easy_cleanup(h->easy);
    curl_easy_cleanup(h->second);
    curl_global_cleanup();
    gn_free(h->url);
    gn_free(h->unix_path);
    gn_free(h);
}

const struct gn_client_transport gn_client_http = {
    .name = "http",
    .open = open_http,
    .send = send_http,
    .reply = reply_http,
    .close = close_http,
};
