/* http_exchange.c - one HTTP exchange: options of libcurl, what comes in, redirects. */
#include "http_exchange.h"

#include "curl_way.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/headers.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HEADER_BYTES_MAX 65536
#define REDIRECTS_MAX 5
#define CHUNK_SLACK ((size_t)16 << 20) /* bytes that may come in one turn of the loop */
#define CONNECTIONS_KEPT 256L /* more than may be in use, or libcurl closes each that gets free */
#define STREAMS_MAX 16384L    /* of HTTP/2, in a connection; the server has its own limit */
#define KEEPALIVE_S 60L       /* silence before TCP looks whether the other is there */
#define IDLE_CONNECTION_S 60L /* an idle connection is not used again after this */

/* ---------------------------------------------------------------- the server */

static bool same_part(CURLU *a, CURLU *b, CURLUPart part, unsigned flags)
{
    GN_AUTO_FREE char *x = gn_curl_url_part(a, part, flags);
    GN_AUTO_FREE char *y = gn_curl_url_part(b, part, flags);
    return x && y && gn_strcaseeq(x, y);
}

bool gn_http_same_origin(const char *a, const char *b)
{
    CURLU *x = curl_url(), *y = curl_url();
    bool same = curl_url_set(x, CURLUPART_URL, a, 0) == CURLUE_OK &&
                curl_url_set(y, CURLUPART_URL, b, 0) == CURLUE_OK &&
                same_part(x, y, CURLUPART_SCHEME, 0) && same_part(x, y, CURLUPART_HOST, 0) &&
                same_part(x, y, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    curl_url_cleanup(x);
    curl_url_cleanup(y);
    return same;
}

/* libcurl would tell only once it is connected, and again and again. */
static int check_files(const struct gn_client_settings *s, struct gn_error *err)
{
    const struct {
        const char *option, *path;
    } files[] = {{"ca_file", s->ca_file},
                 {"certificate_file", s->certificate_file},
                 {"key_file", s->key_file}};
    for (size_t i = 0; i < GN_COUNT(files); i++) {
        if (files[i].path && access(files[i].path, R_OK) != 0)
            return gn_error_set(err, GN_EINVAL, "%s: %s: %s", files[i].option, files[i].path,
                                strerror(errno));
    }
    return 0;
}

int gn_http_peer_init(struct gn_http_peer *peer, gantry_client *client, struct gn_error *err)
{
    *peer = (struct gn_http_peer){.client = client};
    if (check_files(&client->s, err))
        return GN_EINVAL;
    CURLU *url = curl_url();
    if (curl_url_set(url, CURLUPART_URL, client->s.url, 0) != CURLUE_OK) {
        curl_url_cleanup(url);
        return gn_error_set(err, GN_EINVAL, "%s: not a URL", client->s.shown);
    }
    GN_AUTO_FREE char *host = gn_curl_url_part(url, CURLUPART_HOST, 0);
    peer->is_loopback = client->s.unix_path || gn_host_is_loopback(host);
    peer->user = gn_curl_url_part(url, CURLUPART_USER, CURLU_URLDECODE);
    peer->password = gn_curl_url_part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
    curl_url_set(url, CURLUPART_USER, NULL, 0);
    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    peer->url = gn_curl_url_part(url, CURLUPART_URL, 0);
    curl_url_cleanup(url);
    peer->multi = gn_multi_new(client->uv);
    curl_multi_setopt(gn_multi_curl(peer->multi), CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(gn_multi_curl(peer->multi), CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    curl_multi_setopt(gn_multi_curl(peer->multi), CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
    return 0;
}

void gn_http_peer_close(struct gn_http_peer *peer, void (*on_closed)(void *arg), void *arg)
{
    gn_login_close(peer);
    while (peer->spares > 0)
        curl_easy_cleanup(peer->spare[--peer->spares]);
    gn_free(peer->url);
    gn_free(peer->user);
    gn_free(peer->password);
    peer->url = peer->user = peer->password = NULL;
    gn_multi_close(peer->multi, on_closed, arg);
}

/* ---------------------------------------------------------------- what comes in: within libcurl */

static bool header_value(const char *line, size_t len, const char *name, char **ret)
{
    size_t name_len = strlen(name);
    if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
        return false;
    line += name_len + 1;
    len -= name_len + 1;
    while (len && (*line == ' ' || *line == '\t'))
        line++, len--;
    while (len && strchr(" \t\r\n", line[len - 1]))
        len--;
    gn_free(*ret);
    *ret = gn_strndup(line, len);
    return true;
}

static void forget_answer(struct gn_exchange *x)
{
    char **texts[] = {&x->type, &x->encoding, &x->challenge, &x->session_id};
    for (size_t i = 0; i < GN_COUNT(texts); i++) {
        gn_free(*texts[i]);
        *texts[i] = NULL;
    }
    x->status = 0;
    x->is_stream = x->is_headed = false;
}

static void head_is_complete(struct gn_exchange *x)
{
    long status = 0;
    curl_easy_getinfo(x->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    x->status = (int)status;
    x->is_headed = status >= 200;
    if (x->type)
        x->type[strcspn(x->type, "; \t")] = '\0';
    x->is_stream = status >= 200 && status < 300 && x->type &&
                   gn_strcaseeq(x->type, "text/event-stream");
    if (x->is_stream)
        gn_transfer_mark(&x->transfer);
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct gn_exchange *x = arg;
    size_t len = size * count;
    x->header_bytes += len;
    if (x->header_bytes > HEADER_BYTES_MAX) {
        x->too_big = "headers";
        return 0;
    }
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) /* what went before was for information */
        forget_answer(x);
    else if (x->is_headed)
        return len;
    else if (len <= 2 && strspn(line, "\r\n") >= len)
        head_is_complete(x);
    else if (!header_value(line, len, "Content-Type", &x->type) &&
             !header_value(line, len, "Content-Encoding", &x->encoding) &&
             !header_value(line, len, "WWW-Authenticate", &x->challenge))
        header_value(line, len, GN_HEADER_SESSION_ID, &x->session_id);
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct gn_exchange *x = arg;
    size_t len = size * count;
    if (!x->is_stream && x->in.len + len > x->peer->client->s.max_message) {
        x->too_big = "answer";
        return 0;
    }
    if (gn_buf_add(&x->in, bytes, len)) {
        x->too_big = "answer";
        return 0;
    }
    if (x->is_stream)
        gn_transfer_mark(&x->transfer);
    return len;
}

/* Just before the request goes out over a connection. libcurl sends again what got no answer on a
 * connection that it had kept; but the server may have done it all the same. */
static int on_send(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct gn_exchange *x = arg;
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    if (x->was_sent && !x->may_repeat)
        return CURL_PREREQFUNC_ABORT;
    x->was_sent = true;
    return CURL_PREREQFUNC_OK;
}

/* ---------------------------------------------------------------- options */

static void set_way(const struct gn_http_peer *peer, CURL *easy)
{
    const struct gn_client_settings *s = &peer->client->s;
    if (s->unix_path)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, s->unix_path);
    gn_curl_set_proxy(s, peer->is_loopback, easy);
    if (peer->user && !s->authorization) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, peer->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, peer->password ? peer->password : "");
    }
}

static void set_common(struct gn_exchange *x, CURL *easy)
{
    const struct gn_client_settings *s = &x->peer->client->s;
    long connect_ms = (long)GN_MIN(s->connect_timeout_ms, (uint32_t)INT32_MAX);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a thread that resolves */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)GN_MIN(x->timeout_ms, (uint32_t)INT32_MAX));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, x);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
}

static void drop_authorization(struct gn_exchange *x)
{
    if (x->authorization) {
        x->authorization->next = NULL;
        curl_slist_free_all(x->authorization);
    }
    x->authorization = NULL;
    gn_free(x->sent_authorization);
    x->sent_authorization = NULL;
}

/* It may change between two tries, so it is put before the others each time. */
static struct curl_slist *all_headers(struct gn_exchange *x)
{
    const char *value = x->peer->client->s.authorization;
    drop_authorization(x);
    if (!value || x->has_authorization)
        return x->headers;
    GN_AUTO_FREE char *line = gn_format("Authorization: %s", value);
    x->sent_authorization = gn_strdup(value);
    x->authorization = curl_slist_append(NULL, line);
    gn_assert(x->authorization != NULL);
    x->authorization->next = x->headers;
    return x->authorization;
}

static void set_options(struct gn_exchange *x, CURL *easy)
{
    const char *url = x->url ? x->url : x->peer->url;
    set_common(x, easy);
    gn_curl_set_trust(&x->peer->client->s, easy);
    set_way(x->peer, easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    if (gn_starts_with(url, "https:")) /* it may be possible to share a connection: wait and see */
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, all_headers(x));
    if (x->verb == GN_HTTP_POST) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, x->body ? x->body : "");
    } else if (x->verb == GN_HTTP_DELETE) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
    }
}

/* ---------------------------------------------------------------- from the loop */

static void give_back(struct gn_exchange *x)
{
    struct gn_http_peer *peer = x->peer;
    CURL *easy = x->transfer.easy;
    x->transfer.easy = NULL;
    if (!easy)
        return;
    if (peer->spares < GN_COUNT(peer->spare)) {
        curl_easy_reset(easy);
        peer->spare[peer->spares++] = easy;
    } else {
        curl_easy_cleanup(easy);
    }
}

/* Within its origin a redirect is followed with the same method and body: what was redirected did
 * nothing. Elsewhere neither credentials nor arguments are sent. 303 wants a GET, which tells
 * nothing here. */
static bool is_redirected(struct gn_exchange *x)
{
    char *target = NULL;
    const char *url = x->url ? x->url : x->peer->url;
    if (x->status != 301 && x->status != 302 && x->status != 307 && x->status != 308)
        return false;
    curl_easy_getinfo(x->transfer.easy, CURLINFO_REDIRECT_URL, &target);
    if (!target || x->redirects >= REDIRECTS_MAX || !gn_http_same_origin(url, target))
        return false;
    x->redirects++;
    if (!x->url && (x->status == 301 || x->status == 308)) {
        gn_free(x->peer->url);
        x->peer->url = gn_strdup(target);
    } else {
        char *copy = gn_strdup(target);
        gn_free(x->url);
        x->url = copy;
    }
    return true;
}

static void on_done(struct gn_transfer *transfer, CURLcode code)
{
    struct gn_exchange *x = GN_CONTAINER(transfer, struct gn_exchange, transfer);
    if (code == CURLE_OK && is_redirected(x)) {
        give_back(x);
        gn_exchange_start(x);
        return;
    }
    gn_exchange_end(x, code); /* looks at the handle */
}

static int on_sse(void *arg, const struct gn_sse_event *event)
{
    struct gn_exchange *x = arg;
    if (x->on_event)
        x->on_event(x, event);
    return gn_exchange_runs(x) ? 0 : GN_ECANCELED;
}

static void on_data(struct gn_transfer *transfer)
{
    struct gn_exchange *x = GN_CONTAINER(transfer, struct gn_exchange, transfer);
    int rc = 0;
    x->is_busy = true;
    if (!x->is_told && x->on_stream)
        x->on_stream(x);
    x->is_told = true;
    if (gn_exchange_runs(x))
        rc = gn_sse_feed(&x->sse, gn_buf_str(&x->in), x->in.len);
    x->is_busy = false;
    gn_buf_clear(&x->in);
    if (x->is_freed) {
        gn_exchange_free(x);
    } else if (rc == GN_ETOOBIG && gn_exchange_runs(x)) {
        x->too_big = "event";
        gn_transfer_remove(&x->transfer);
        gn_exchange_end(x, CURLE_WRITE_ERROR);
    }
}

/* ---------------------------------------------------------------- interface */

void gn_exchange_init(struct gn_exchange *x, struct gn_http_peer *peer, enum gn_http_verb verb,
                      void (*free_owner)(struct gn_exchange *x))
{
    *x = (struct gn_exchange){.peer = peer, .verb = verb, .free_owner = free_owner};
    gn_list_init(&x->in_login);
    x->transfer.on_data = on_data;
    x->transfer.on_done = on_done;
    size_t max = peer->client->s.max_message;
    x->in = GN_BUF_INIT(max < SIZE_MAX - CHUNK_SLACK ? max + CHUNK_SLACK : max);
    gn_sse_parser_init(&x->sse, max, on_sse, x);
}

void gn_exchange_start(struct gn_exchange *x)
{
    struct gn_http_peer *peer = x->peer;
    GN_AUTO_FREE char *last_id = gn_strdup(gn_sse_last_id(&x->sse));
    gn_assert(!gn_exchange_runs(x) && !x->is_busy);
    gn_list_remove(&x->in_login);
    give_back(x);
    forget_answer(x);
    gn_buf_clear(&x->in);
    gn_sse_parser_release(&x->sse);
    gn_sse_parser_init(&x->sse, peer->client->s.max_message, on_sse, x);
    gn_buf_adds(&x->sse.id, last_id); /* until the stream names another */
    x->header_bytes = 0;
    x->too_big = NULL;
    x->was_sent = x->is_told = false;
    x->error[0] = '\0';
    if (gn_login_holds(x))
        return;
    x->transfer.easy = peer->spares > 0 ? peer->spare[--peer->spares] : curl_easy_init();
    gn_assert(x->transfer.easy != NULL);
    set_options(x, x->transfer.easy);
    bool ok = gn_multi_add(peer->multi, &x->transfer);
    gn_assert(ok);
}

bool gn_exchange_runs(const struct gn_exchange *x)
{
    return x->transfer.multi != NULL;
}

void gn_exchange_stop(struct gn_exchange *x)
{
    gn_list_remove(&x->in_login);
    gn_transfer_remove(&x->transfer);
    give_back(x);
}

void gn_exchange_end(struct gn_exchange *x, CURLcode code)
{
    x->is_ending = true;
    x->on_end(x, code);
    x->is_ending = false;
    if (x->is_freed)
        gn_exchange_free(x);
}

void gn_exchange_free(struct gn_exchange *x)
{
    gn_exchange_stop(x);
    x->is_freed = true;
    if (x->is_busy || x->is_ending)
        return;
    drop_authorization(x);
    forget_answer(x);
    curl_slist_free_all(x->headers);
    gn_buf_release(&x->in);
    gn_sse_parser_release(&x->sse);
    gn_free(x->url);
    gn_free(x->body);
    gn_free(x->refusal);
    x->free_owner(x);
}

void gn_exchange_header_line(struct gn_exchange *x, const char *line)
{
    struct curl_slist *longer = curl_slist_append(x->headers, line);
    gn_assert(longer != NULL);
    x->headers = longer;
}

void gn_exchange_header(struct gn_exchange *x, const char *name, const char *value)
{
    struct gn_buf line = GN_BUF_INIT(SIZE_MAX / 2);
    gn_buf_adds(&line, name);
    gn_buf_adds(&line, *value ? ": " : ";"); /* libcurl takes "Name:" for "do not send it" */
    gn_buf_adds(&line, value);
    gn_exchange_header_line(x, gn_buf_str(&line));
    gn_buf_release(&line);
}

bool gn_exchange_has_header(const struct gn_exchange *x, const char *name)
{
    size_t len = strlen(name);
    for (const struct curl_slist *h = x->headers; h; h = h->next) {
        if (strncasecmp(h->data, name, len) == 0 && (h->data[len] == ':' || h->data[len] == ';'))
            return true;
    }
    return false;
}
