/* client_http.c - Streamable HTTP: each message is a POST, answered with JSON or an event stream.
 */
#include "client_internal.h"
#include "url.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/headers.h"
#include "wire/sse.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 10000L
#define DEFAULT_PATH "/mcp"
#define RETRY_MS 1000    /* before a broken stream is asked for again, unless it said when */
#define RETRY_MIN_MS 100 /* whatever it said */
#define SHOWN 200        /* bytes of an answer that is no message, in messages */
#define SESSION_ID_MAX 4096
#define REDIRECTS_MAX 5
#define END_MS 2000 /* for ending a session */

struct http {
    struct gn_cli_client *c;
    CURL *easy, *second; /* the exchange that is waited for / replies while it goes on */
    CURLM *multi, *second_multi;
    char *url, *unix_path;
    char *shown; /* the URL without credentials, or the path; for messages */
    uint64_t deadline;
    unsigned redirects;
};

/* One exchange. */
struct answer {
    struct http *h;
    struct gn_buf body;
    struct gn_sse_parser sse;
    int64_t retry_ms;
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
    if (!gn_cli_client_receive(a->h->c, text, len, &wrong)) {
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

/* Visible ASCII, as the specification wants it: it is sent back in a header. */
static bool is_session_id(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '!' || value[i] > '~')
            return false;
    }
    return len > 0 && len <= SESSION_ID_MAX;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct answer *a = arg;
    const char *value;
    size_t len = size * count;
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) { /* what went before was for information */
        a->is_stream = a->is_json = false;
    } else if (has_value(line, size * count, "Content-Type", &value, &len)) {
        GN_AUTO_FREE char *type = gn_strndup(value, strcspn(value, ";\r\n "));
        a->is_stream = gn_strcaseeq(type, "text/event-stream");
        a->is_json = gn_strcaseeq(type, "application/json");
    } else if (a->h->c->may_open_session &&
               has_value(line, size * count, GN_HEADER_SESSION_ID, &value, &len) &&
               is_session_id(value, len)) {
        gn_free(a->h->c->session_id);
        a->h->c->session_id = gn_strndup(value, len);
    }
    return size * count;
}

static size_t too_big(struct answer *a)
{
    gn_error_set(&a->err, GN_ETOOBIG, "the server sent a message of more than %zu MiB",
                 GN_CLIENT_MESSAGE_MAX >> 20);
    a->rc = GN_EXIT_PROTOCOL;
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct answer *a = arg;
    size_t len = size * count;
    if (!a->is_stream)
        return gn_buf_add(&a->body, bytes, len) ? too_big(a) : len;
    int rc = gn_sse_feed(&a->sse, bytes, len);
    if (rc == GN_ETOOBIG && !a->rc)
        return too_big(a);
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
static struct curl_slist *common_headers(const struct gn_cli_client *c)
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

static struct curl_slist *message_headers(const struct gn_cli_client *c,
                                          const struct gn_cli_client_message *m)
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

/* libcurl has the system's certificates; OpenSSL's variables, which others follow, it does not
 * know. */
static void set_trust(const struct http *h, CURL *easy)
{
    const char *file = h->c->options.cacert ? h->c->options.cacert : getenv("SSL_CERT_FILE");
    const char *dir = getenv("SSL_CERT_DIR");
    if (file && *file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, file);
    if (dir && *dir)
        curl_easy_setopt(easy, CURLOPT_CAPATH, dir);
}

static void set_common(struct http *h, CURL *easy, struct curl_slist *headers, uint64_t deadline)
{
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, h->url);
    if (h->unix_path)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, h->unix_path);
    set_trust(h, easy);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms(deadline));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
    /* A proxy of the environment is for other machines. */
    if (gn_url_is_loopback(h->url))
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

static void *open_http(struct gn_cli_client *c, struct gn_error *err)
{
    (void)err;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct http *h = gn_calloc(1, sizeof(*h));
    h->c = c;
    h->easy = curl_easy_init();
    h->second = curl_easy_init();
    h->multi = curl_multi_init();
    h->second_multi = curl_multi_init();
    if (gn_starts_with(c->options.url, "unix:")) {
        h->unix_path = gn_strdup(c->options.url + strlen("unix:"));
        h->url = gn_strdup("http://localhost" DEFAULT_PATH);
        h->shown = gn_strdup(h->unix_path);
        return h;
    }
    /* A URL without a path means the usual one. */
    const char *rest = strstr(c->options.url, "://");
    rest = rest ? rest + 3 : c->options.url;
    h->url = gn_format("%s%s", c->options.url, strpbrk(rest, "/?#") ? "" : DEFAULT_PATH);
    h->shown = gn_url_without_credentials(h->url);
    return h;
}

/* Runs a transfer to its end, or until the client is to stop. */
static CURLcode run(struct http *h, CURLM *multi, CURL *easy)
{
    CURLcode code = CURLE_FAILED_INIT;
    bool was_interrupted = h->c->is_interrupted; /* what is still to be sent then */
    int running = 1;
    curl_multi_add_handle(multi, easy);
    while (curl_multi_perform(multi, &running) == CURLM_OK && running &&
           h->c->is_interrupted == was_interrupted) {
        struct curl_waitfd stop = {.fd = gn_cli_client_stop_fd(h->c), .events = CURL_WAIT_POLLIN};
        unsigned count = stop.fd >= 0 ? 1 : 0;
        curl_multi_poll(multi, &stop, count, 1000, NULL);
        if (count && stop.revents)
            gn_cli_client_interrupt(h->c, NULL);
    }
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
        if (m->msg == CURLMSG_DONE)
            code = m->data.result;
    }
    curl_multi_remove_handle(multi, easy);
    return code;
}

/* What came with a status that is no success, and is no message either. */
static int bad_status(const struct answer *a, struct gn_error *err)
{
    int status = a->h->c->http_status;
    const char *hint = status == 401 ? " (--token, or --header, gives credentials)" : "";
    size_t len = strcspn(gn_buf_str(&a->body), "\r\n");
    char *elsewhere = NULL;
    curl_easy_getinfo(a->h->easy, CURLINFO_REDIRECT_URL, &elsewhere);
    if (elsewhere) {
        gn_error_set(err, GN_EPIPE, "%s answers %d: it is at %s", a->h->shown, status, elsewhere);
        return GN_EXIT_CONNECTION;
    }
    gn_error_set(err, GN_EPIPE, "%s answers %d%s%s%.*s", a->h->shown, status, hint, len ? ": " : "",
                 (int)gn_utf8_cut(gn_buf_str(&a->body), len, SHOWN), gn_buf_str(&a->body));
    return GN_EXIT_CONNECTION;
}

static int transfer_failed(const struct answer *a, CURLcode code, const char *detail,
                           struct gn_error *err)
{
    bool late = code == CURLE_OPERATION_TIMEDOUT;
    const char *hint = code == CURLE_PEER_FAILED_VERIFICATION
                           ? " (--cacert FILE, or SSL_CERT_FILE, names a certificate to trust)"
                           : "";
    gn_error_set(err, late ? GN_ETIMEDOUT : GN_EPIPE, "%s: %s%s", a->h->shown,
                 *detail ? detail : curl_easy_strerror(code), hint);
    return GN_EXIT_CONNECTION;
}

/* The handshake era has a way to go on where a stream has stopped. */
static bool can_resume(const struct answer *a)
{
    return *gn_sse_last_id(&a->sse) && !gn_revision_is_stateless(a->h->c->revision);
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
    CURLcode code = run(h, h->multi, h->easy);
    if (h->c->is_interrupted && code == CURLE_FAILED_INIT)
        return gn_cli_client_interrupt(h->c, err);
    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    h->c->http_status = (int)status;
    if (a->rc) {
        if (err)
            *err = a->err;
        return a->rc;
    }
    if (a->done)
        return 0;
    /* A broken stream may be taken up again. */
    bool is_resumable = a->is_stream && code != CURLE_OPERATION_TIMEDOUT && can_resume(a);
    if (code != CURLE_OK && !is_resumable)
        return transfer_failed(a, code, detail, err);
    if (a->is_stream)
        return 0;
    /* Errors come as messages with any status. */
    if (a->body.len && (a->is_json || status >= 400) &&
        gn_cli_client_receive(h->c, a->body.data, a->body.len, NULL) && h->c->answered)
        a->done = true;
    else if (status < 200 || status >= 300)
        return bad_status(a, err);
    return 0;
}

/* The stream ended before the answer: asks for the rest. */
static int resume(struct answer *a, struct gn_error *err)
{
    struct http *h = a->h;
    int rc = 0;
    while (rc == 0 && !a->done && a->is_stream && can_resume(a)) {
        GN_AUTO_FREE char *last = gn_strdup(gn_sse_last_id(&a->sse));
        if (a->sse.retry_ms >= 0)
            a->retry_ms = GN_MAX(a->sse.retry_ms, (int64_t)RETRY_MIN_MS);
        struct pollfd stop = {.fd = gn_cli_client_stop_fd(h->c), .events = POLLIN};
        if (poll(&stop, 1, (int)GN_MIN(a->retry_ms, (int64_t)left_ms(h->deadline))) > 0)
            return gn_cli_client_interrupt(h->c, err);
        if (gn_clock_ms() >= h->deadline) {
            gn_error_set(err, GN_ETIMEDOUT, "%s: the stream ends again and again", h->shown);
            return GN_EXIT_CONNECTION;
        }
        struct curl_slist *headers = common_headers(h->c);
        headers = add_header(headers, "Accept: text/event-stream");
        headers = add_header(headers, GN_HEADER_LAST_EVENT_ID ": %s", last);
        gn_sse_parser_release(&a->sse);
        gn_sse_parser_init(&a->sse, GN_CLIENT_MESSAGE_MAX, on_event, a);
        gn_buf_add(&a->sse.id, last, strlen(last)); /* until it names another */
        set_common(h, h->easy, headers, h->deadline);
        rc = perform(a, err);
        curl_slist_free_all(headers);
    }
    return rc;
}

/* To another path of the same origin ("/mcp/" for "/mcp") a redirect is followed. Elsewhere neither
 * credentials nor arguments are sent. */
static bool follow(struct http *h)
{
    char *target = NULL;
    curl_easy_getinfo(h->easy, CURLINFO_REDIRECT_URL, &target);
    if (!target || h->unix_path || h->redirects >= REDIRECTS_MAX)
        return false;
    if (!gn_url_same_origin(h->url, target))
        return false;
    h->redirects++;
    gn_free(h->url);
    gn_free(h->shown);
    h->url = gn_strdup(target);
    h->shown = gn_url_without_credentials(target);
    return true;
}

static int post(struct answer *a, const struct gn_cli_client_message *m, struct gn_error *err)
{
    struct http *h = a->h;
    struct curl_slist *headers = message_headers(h->c, m);
    set_common(h, h->easy, headers, h->deadline);
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)m->len);
    curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, m->text);
    int rc = perform(a, err);
    curl_slist_free_all(headers);
    return rc;
}

static int send_http(void *t, const struct gn_cli_client_message *m, uint64_t deadline,
                     struct gn_error *err)
{
    struct http *h = t;
    struct answer a = {.h = h, .body = GN_BUF_INIT(GN_CLIENT_MESSAGE_MAX), .retry_ms = RETRY_MS};
    gn_sse_parser_init(&a.sse, GN_CLIENT_MESSAGE_MAX, on_event, &a);
    h->deadline = deadline;
    int rc = post(&a, m, err);
    while (rc && h->c->http_status >= 300 && h->c->http_status < 400 && follow(h)) {
        gn_buf_clear(&a.body);
        rc = post(&a, m, err);
    }
    if (rc == 0 && m->is_request && !a.done && a.is_stream)
        rc = resume(&a, err);
    if (rc == 0 && m->is_request && !a.done) {
        gn_error_set(err, GN_EPROTO, "%s sent no answer (status %d)", h->shown, h->c->http_status);
        rc = GN_EXIT_PROTOCOL;
    }
    gn_sse_parser_release(&a.sse);
    gn_buf_release(&a.body);
    return rc;
}

static void reply_http(void *t, const char *text, size_t len)
{
    struct http *h = t;
    struct gn_cli_client_message m = {.text = text, .len = len, .method = ""};
    struct curl_slist *headers = message_headers(h->c, &m);
    set_common(h, h->second, headers, GN_MIN(h->deadline, gn_clock_ms() + CONNECT_MS));
    curl_easy_setopt(h->second, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(h->second, CURLOPT_POSTFIELDS, text);
    run(h, h->second_multi, h->second);
    curl_slist_free_all(headers);
}

static void close_http(void *t)
{
    struct http *h = t;
    if (h->c->session_id) {
        struct curl_slist *headers = common_headers(h->c);
        set_common(h, h->easy, headers, gn_clock_ms() + END_MS);
        curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, "DELETE");
        run(h, h->multi, h->easy);
        curl_slist_free_all(headers);
    }
    curl_easy_cleanup(h->easy);
    curl_easy_cleanup(h->second);
    curl_multi_cleanup(h->multi);
    curl_multi_cleanup(h->second_multi);
    curl_global_cleanup();
    gn_free(h->url);
    gn_free(h->unix_path);
    gn_free(h->shown);
    gn_free(h);
}

const struct gn_cli_client_transport gn_cli_client_http = {
    .name = "http",
    .open = open_http,
    .send = send_http,
    .reply = reply_http,
    .close = close_http,
};
