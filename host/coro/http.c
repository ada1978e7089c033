/* http.c - outbound HTTP as an awaitable, on libcurl's multi interface (wire/multi.h).
 *
 * Everything of libcurl happens on the loop's own stack, since TLS needs more of it than a
 * coroutine has; what ends there only makes the task ready. What a server sends is bounded in every
 * direction: body, header lines and bytes, redirects, time.
 */
#include "coro/http.h"

#include "util/alloc.h"
#include "util/buf.h"
#include "util/str.h"
#include "wire/multi.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HTTP_MAGIC 0x68747470U /* "http" */
#define MAX_URL 65536
#define MAX_METHOD 32
#define MAX_HEADER_BYTES 65536 /* of all responses of one exchange, redirects included */
#define MAX_HEADERS 256
#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_MAX_RESPONSE ((size_t)4 * 1024 * 1024)
#define MAX_REDIRECTS 20
#define SCHEMES "http,https"
#define USER_AGENT "gantry"

struct gn_http {
    uint32_t magic;
    struct gn_loop *loop;
    struct gn_multi *multi;
    struct gn_list fetches;
    bool closing;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* One exchange; on the stack of the task that waits for it. */
struct fetch {
    struct gn_op op;
    struct gn_list node;
    struct gn_http *http;
    const struct gn_http_request *request;
    struct gn_transfer transfer;
    struct curl_slist *headers;
    struct gn_buf body;
    struct gn_buf lines; /* header lines of the last response, each with a NUL */
    size_t header_bytes;
    uint32_t header_count;
    const char *too_big; /* what was, once something was */
    char *url;           /* where it ended */
    long status;
    char error[CURL_ERROR_SIZE];
};

/* What is not here is of the network: GN_EPIPE. */
static const struct {
    CURLcode curl;
    int rc;
} codes[] = {
    {CURLE_OK, 0},
    {CURLE_URL_MALFORMAT, GN_EINVAL},
    {CURLE_BAD_FUNCTION_ARGUMENT, GN_EINVAL},
    {CURLE_OPERATION_TIMEDOUT, GN_ETIMEDOUT},
    {CURLE_FILESIZE_EXCEEDED, GN_ETOOBIG},
    {CURLE_ABORTED_BY_CALLBACK, GN_ECANCELED},
};

static int code_of(CURLcode curl)
{
    for (size_t i = 0; i < GN_COUNT(codes); i++) {
        if (codes[i].curl == curl)
            return codes[i].rc;
    }
    return GN_EPIPE;
}

/* ---- what the caller gave ---- */

/* A token of RFC 9110: methods and header names. */
static size_t token_length(const char *s)
{
    return strspn(s,
                  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static bool has_control(const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* The URL without what may be secret: user and password, query, fragment. */
static char *public_url(const char *url)
{
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url;
    size_t host = strcspn(start, "/?#");
    const char *at = memrchr(start, '@', host);
    const char *shown = at ? at + 1 : start;
    return gn_format("%.*s%.*s", (int)GN_MIN(start - url, 16), url,
                     (int)GN_MIN(strcspn(shown, "?#"), (size_t)200), shown);
}

static int check_url(const char *url, struct gn_error *err)
{
    if (strlen(url) > MAX_URL)
        return gn_error_set(err, GN_EINVAL, "the URL is longer than %d bytes", MAX_URL);
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) {
        GN_AUTO_FREE char *shown = public_url(url);
        return gn_error_set(err, GN_EINVAL, "%s: not an http: or https: URL", shown);
    }
    return 0;
}

static int check_request(const struct gn_http_request *r, struct gn_error *err)
{
    int rc = check_url(r->url ? r->url : "", err);
    if (rc != 0)
        return rc;
    if (r->method) {
        size_t len = strlen(r->method);
        if (len == 0 || len > MAX_METHOD || token_length(r->method) != len)
            return gn_error_set(err, GN_EINVAL, "\"%.40s\" is not an HTTP method", r->method);
    }
    for (size_t i = 0; r->headers && r->headers[i]; i++) {
        const char *header = r->headers[i];
        size_t name = token_length(header);
        if (i >= MAX_HEADERS)
            return gn_error_set(err, GN_EINVAL, "more than %d headers", MAX_HEADERS);
        if (name == 0 || header[name] != ':')
            return gn_error_set(err, GN_EINVAL, "header %zu is not of the form \"Name: value\"",
                                i + 1);
        if (has_control(header))
            return gn_error_set(err, GN_EINVAL, "header %.*s has a control character",
                                (int)GN_MIN(name, (size_t)80), header);
    }
    return 0;
}

static bool has_header(const struct gn_http_request *r, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; r->headers && r->headers[i]; i++) {
        if (strncasecmp(r->headers[i], name, len) == 0 && r->headers[i][len] == ':')
            return true;
    }
    return false;
}

static void add_header(struct fetch *f, const char *line)
{
    struct curl_slist *longer = curl_slist_append(f->headers, line);
    gn_assert(longer != NULL);
    f->headers = longer;
}

static void set_headers(struct fetch *f)
{
    const struct gn_http_request *r = f->request;
    for (size_t i = 0; r->headers && r->headers[i]; i++) {
        const char *header = r->headers[i];
        size_t name = token_length(header);
        if (header[name + 1 + strspn(header + name + 1, " \t")] != '\0') {
            add_header(f, header);
        } else {
            /* libcurl takes "Name:" for "do not send it", and "Name;" for an empty value. */
            GN_AUTO_FREE char *empty = gn_format("%.*s;", (int)name, header);
            add_header(f, empty);
        }
    }
    /* What libcurl would add by itself: a second of waiting for "100 Continue", a type that the
     * caller did not name. */
    if (!has_header(r, "Expect"))
        add_header(f, "Expect:");
    if (!has_header(r, "Content-Type"))
        add_header(f, "Content-Type:");
    curl_easy_setopt(f->transfer.easy, CURLOPT_HTTPHEADER, f->headers);
}

static void set_method(struct fetch *f)
{
    const struct gn_http_request *r = f->request;
    const char *method = r->method ? r->method : "GET";
    bool is_post = gn_streq(method, "POST"), is_get = gn_streq(method, "GET");
    if (gn_streq(method, "HEAD")) {
        curl_easy_setopt(f->transfer.easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (is_post || r->body_size > 0) {
        curl_easy_setopt(f->transfer.easy, CURLOPT_POST, 1L);
        curl_easy_setopt(f->transfer.easy, CURLOPT_POSTFIELDS, r->body_size ? r->body : "");
        curl_easy_setopt(f->transfer.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_size);
    }
    if (!is_post && !(is_get && r->body_size == 0))
        curl_easy_setopt(f->transfer.easy, CURLOPT_CUSTOMREQUEST, method);
}

/* ---- what the server sends ---- */

static size_t too_big(struct fetch *f, const char *what)
{
    f->too_big = what;
    return 0; /* makes libcurl give up */
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct fetch *f = arg;
    size_t len = size * count;
    return gn_buf_add(&f->body, data, len) == 0 ? len : too_big(f, "response");
}

static void lower(char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] >= 'A' && s[i] <= 'Z')
            s[i] = (char)(s[i] - 'A' + 'a');
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Keeps a line as "name: value"; one that has no name is left out. */
static void keep_line(struct fetch *f, const char *data, size_t len)
{
    const char *colon = memchr(data, ':', len);
    size_t name = colon ? (size_t)(colon - data) : 0;
    if (name == 0 || is_space(data[0]))
        return;
    size_t from = name + 1, to = len;
    while (from < to && is_space(data[from]))
        from++;
    while (to > from && is_space(data[to - 1]))
        to--;
    size_t at = f->lines.len;
    gn_buf_add(&f->lines, data, name);
    gn_buf_adds(&f->lines, ": ");
    gn_buf_add(&f->lines, data + from, to - from);
    gn_buf_addc(&f->lines, '\0');
    if (!f->lines.overflow) {
        lower(f->lines.data + at, name);
        f->header_count++;
    }
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct fetch *f = arg;
    size_t len = size * count;
    f->header_bytes += len;
    if (f->header_bytes > MAX_HEADER_BYTES)
        return too_big(f, "response header");
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) { /* after a redirect or an interim response */
        gn_buf_clear(&f->lines);
        f->header_count = 0;
        return len;
    }
    keep_line(f, data, len);
    if (f->header_count > MAX_HEADERS || f->lines.overflow)
        return too_big(f, "response header");
    return len;
}

/* ---- one exchange, on the loop ---- */

/* Leaves libcurl; the task goes on with rc. */
static void fetch_over(struct fetch *f, int rc)
{
    gn_transfer_remove(&f->transfer);
    curl_easy_cleanup(f->transfer.easy);
    curl_slist_free_all(f->headers);
    f->transfer.easy = NULL;
    f->headers = NULL;
    gn_list_remove(&f->node);
    gn_op_done(&f->op, rc);
}

static void fetch_finished(struct gn_transfer *transfer, CURLcode result)
{
    struct fetch *f = GN_CONTAINER(transfer, struct fetch, transfer);
    const char *url = NULL;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &f->status);
    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
    f->url = gn_strdup(url ? url : f->request->url);
    int rc = f->too_big ? GN_ETOOBIG : code_of(result);
    if (rc != 0 && f->error[0] == '\0')
        snprintf(f->error, sizeof(f->error), "%s", curl_easy_strerror(result));
    fetch_over(f, rc);
}

static void set_options(struct fetch *f)
{
    const struct gn_http_request *r = f->request;
    CURL *easy = f->transfer.easy;
    long redirects = (long)GN_MIN(r->max_redirects, (uint32_t)MAX_REDIRECTS);
    uint64_t timeout = r->timeout_ms ? r->timeout_ms : DEFAULT_TIMEOUT_MS;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, f->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a thread that resolves */
    curl_easy_setopt(easy, CURLOPT_URL, r->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, SCHEMES);
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, SCHEMES);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, redirects > 0 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, redirects);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)GN_MIN(timeout, (uint64_t)INT32_MAX));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, f);
    set_method(f);
    set_headers(f);
}

static void fetch_start(struct gn_op *op)
{
    struct fetch *f = GN_CONTAINER(op, struct fetch, op);
    if (f->http->closing) {
        gn_op_done(op, GN_ECANCELED);
        return;
    }
    f->transfer.easy = curl_easy_init();
    gn_assert(f->transfer.easy != NULL);
    f->transfer.on_done = fetch_finished;
    set_options(f);
    gn_list_append(&f->http->fetches, &f->node);
    bool ok = gn_multi_add(f->http->multi, &f->transfer);
    gn_assert(ok);
}

static void fetch_cancel(struct gn_op *op)
{
    fetch_over(GN_CONTAINER(op, struct fetch, op), GN_ECANCELED);
}

/* ---- making, closing ---- */

struct gn_http *gn_http_new(struct gn_loop *loop)
{
    GN_ASSERT_LOOP(loop);
    struct gn_http *http = gn_calloc(1, sizeof(*http));
    http->magic = HTTP_MAGIC;
    http->loop = loop;
    gn_list_init(&http->fetches);
    http->multi = gn_multi_new(gn_loop_uv(loop));
    return http;
}

static void report_closed(void *arg)
{
    struct gn_http *http = arg;
    void (*on_closed)(void *arg) = http->on_closed;
    void *on_closed_arg = http->on_closed_arg;
    http->magic = 0;
    gn_free(http);
    if (on_closed)
        on_closed(on_closed_arg);
}

void gn_http_close(struct gn_http *http, void (*on_closed)(void *arg), void *arg)
{
    GN_CHECK(http, HTTP_MAGIC);
    GN_ASSERT_LOOP(http->loop);
    gn_assert(!http->closing);
    http->closing = true;
    http->on_closed = on_closed;
    http->on_closed_arg = arg;
    struct gn_list *n;
    while ((n = gn_list_pop(&http->fetches)))
        fetch_over(GN_CONTAINER(n, struct fetch, node), GN_ECANCELED);
    gn_multi_close(http->multi, report_closed, http);
}

/* ---- the call ---- */

/* Copies what came into the arena. */
static int keep_response(struct fetch *f, struct gn_arena *arena, struct gn_http_response *ret)
{
    const char **headers = gn_arena_alloc(arena,
                                          ((size_t)f->header_count + 1) * sizeof(headers[0]));
    char *lines = headers ? gn_arena_alloc(arena, f->lines.len + 1) : NULL;
    char *body = lines ? gn_arena_strndup(arena, gn_buf_str(&f->body), f->body.len) : NULL;
    char *url = body ? gn_arena_strdup(arena, f->url) : NULL;
    if (!url)
        return GN_ETOOBIG;
    memcpy(lines, gn_buf_str(&f->lines), f->lines.len + 1);
    for (uint32_t i = 0; i < f->header_count; i++) {
        headers[i] = lines;
        lines += strlen(lines) + 1;
    }
    headers[f->header_count] = NULL;
    *ret = (struct gn_http_response){
        .status = (int)f->status,
        .body = body,
        .body_size = f->body.len,
        .headers = headers,
        .url = url,
    };
    return 0;
}

static int report(const struct fetch *f, int rc, struct gn_error *err)
{
    GN_AUTO_FREE char *url = public_url(f->request->url);
    if (rc == GN_ECANCELED)
        return gn_error_set(err, rc, "%s: cancelled", url);
    if (rc == GN_ETOOBIG && f->too_big)
        return gn_error_set(err, rc, "%s: the %s is larger than allowed", url, f->too_big);
    if (rc == GN_ETOOBIG)
        return gn_error_set(err, rc, "%s: no room to keep the response", url);
    return gn_error_set(err, rc, "%s: %s", url, f->error);
}

int gn_http_fetch(struct gn_http *http, struct gn_task *task, const struct gn_http_request *request,
                  struct gn_arena *arena, struct gn_http_response *ret, struct gn_error *err)
{
    GN_CHECK(http, HTTP_MAGIC);
    *ret = (struct gn_http_response){.status = 0};
    int rc = check_request(request, err);
    if (rc != 0)
        return rc;
    size_t max = request->max_response ? request->max_response : DEFAULT_MAX_RESPONSE;
    struct fetch f = {
        .op = {.start = fetch_start, .cancel = fetch_cancel},
        .http = http,
        .request = request,
        .body = GN_BUF_INIT(max),
        .lines = GN_BUF_INIT(MAX_HEADER_BYTES + 4 * MAX_HEADERS),
    };
    gn_list_init(&f.node);
    rc = gn_await(task, &f.op);
    if (rc == 0)
        rc = keep_response(&f, arena, ret);
    if (rc != 0)
        report(&f, rc, err);
    gn_buf_release(&f.body);
    gn_buf_release(&f.lines);
    gn_free(f.url);
    return rc;
}
