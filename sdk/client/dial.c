/* dial.c - a connection to a server by itself, made by libcurl. */
#include "dial.h"

#include "curl_way.h"

#include "util/alloc.h"
#include "wire/multi.h"

struct gn_dial {
    gantry_client *client;
    const struct gn_dial_events *events;
    void *arg;
    struct gn_multi *multi;
    struct gn_transfer transfer;
    uv_poll_t poll; /* once it is open; libcurl watches the socket no more */
    bool has_poll, poll_is_gone, multi_is_gone;
    int watched;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    char error[CURL_ERROR_SIZE];
};

/* ---------------------------------------------------------------- what may go wrong */

/* Those that will go wrong again. */
static const struct {
    CURLcode code;
    const char *hint;
} lasting[] = {
    {CURLE_PEER_FAILED_VERIFICATION, " (ca_file, or SSL_CERT_FILE, names a certificate to trust)"},
    {CURLE_SSL_CONNECT_ERROR, ""},
    {CURLE_SSL_CACERT_BADFILE, ""},
    {CURLE_SSL_CERTPROBLEM, ""},
    {CURLE_SSL_ISSUER_ERROR, ""},
    {CURLE_URL_MALFORMAT, ""},
    {CURLE_UNSUPPORTED_PROTOCOL, ""},
};

static void tell_failed(struct gn_dial *d, CURLcode code)
{
    struct gn_failure f = {
        .status = GANTRY_CLIENT_CONNECTION, .was_not_sent = true, .is_passing = true};
    const char *hint = "";
    if (code == CURLE_OPERATION_TIMEDOUT)
        f.status = GANTRY_CLIENT_TIMEOUT;
    for (size_t i = 0; i < GN_COUNT(lasting); i++) {
        if (lasting[i].code == code) {
            f.is_passing = false;
            hint = lasting[i].hint;
        }
    }
    gn_error_set(&f.why, GN_EPIPE, "%s: %s%s", d->client->s.shown,
                 *d->error ? d->error : curl_easy_strerror(code), hint);
    d->events->on_failed(d->arg, &f);
}

static int broken(struct gn_dial *d, CURLcode code, struct gn_error *err)
{
    return gn_error_set(err, GN_EPROTO, "the connection broke: %s",
                        *d->error ? d->error : curl_easy_strerror(code));
}

/* ---------------------------------------------------------------- options */

static bool is_loopback(const char *url)
{
    char *host = NULL;
    CURLU *parts = curl_url();
    bool is = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              gn_host_is_loopback(host);
    curl_free(host);
    curl_url_cleanup(parts);
    return is;
}

static void set_options(struct gn_dial *d, const char *url)
{
    const struct gn_client_settings *s = &d->client->s;
    CURL *easy = d->transfer.easy;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, d->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a thread that resolves */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)GN_MIN(s->connect_timeout_ms, (uint32_t)INT32_MAX));
    gn_curl_set_proxy(s, is_loopback(url), easy);
    gn_curl_set_trust(s, easy);
}

/* ---------------------------------------------------------------- from the loop */

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct gn_dial *d = uv->data;
    /* What is wrong with the socket is said by reading it. */
    d->events->on_ready(d->arg, status < 0 || (events & UV_READABLE) != 0,
                        status >= 0 && (events & UV_WRITABLE) != 0);
}

static void on_connected(struct gn_transfer *transfer, CURLcode code)
{
    struct gn_dial *d = GN_CONTAINER(transfer, struct gn_dial, transfer);
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (code == CURLE_OK)
        code = curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (code == CURLE_OK &&
        (fd == CURL_SOCKET_BAD || uv_poll_init_socket(d->client->uv, &d->poll, fd) != 0))
        code = CURLE_COULDNT_CONNECT;
    if (code != CURLE_OK) {
        tell_failed(d, code);
        return;
    }
    d->has_poll = true;
    d->poll.data = d;
    gn_dial_watch(d, false);
    d->events->on_open(d->arg);
}

static void check_gone(struct gn_dial *d)
{
    if ((d->has_poll && !d->poll_is_gone) || !d->multi_is_gone)
        return;
    void (*on_closed)(void *arg) = d->on_closed;
    void *arg = d->on_closed_arg;
    gn_free(d);
    on_closed(arg);
}

static void on_poll_closed(uv_handle_t *uv)
{
    struct gn_dial *d = uv->data;
    d->poll_is_gone = true;
    check_gone(d);
}

static void on_multi_closed(void *arg)
{
    struct gn_dial *d = arg;
    d->multi_is_gone = true;
    check_gone(d);
}

/* ---------------------------------------------------------------- interface */

struct gn_dial *gn_dial_new(gantry_client *c, const char *url, const struct gn_dial_events *events,
                            void *arg)
{
    struct gn_dial *d = gn_calloc(1, sizeof(*d));
    d->client = c;
    d->events = events;
    d->arg = arg;
    d->multi = gn_multi_new(c->uv);
    d->transfer.on_done = on_connected;
    d->transfer.stays = true;
    d->transfer.easy = curl_easy_init();
    gn_assert(d->transfer.easy != NULL);
    set_options(d, url);
    bool ok = gn_multi_add(d->multi, &d->transfer);
    gn_assert(ok);
    return d;
}

void gn_dial_watch(struct gn_dial *d, bool wants_write)
{
    int events = UV_READABLE | (wants_write ? UV_WRITABLE : 0);
    if (events != d->watched)
        uv_poll_start(&d->poll, events, on_poll);
    d->watched = events;
}

int gn_dial_read(struct gn_dial *d, char *out, size_t max, size_t *ret_len, struct gn_error *err)
{
    d->error[0] = '\0';
    CURLcode code = curl_easy_recv(d->transfer.easy, out, max, ret_len);
    if (code == CURLE_OK)
        return *ret_len ? 0 : GN_EPIPE;
    *ret_len = 0;
    return code == CURLE_AGAIN ? 0 : broken(d, code, err);
}

int gn_dial_write(struct gn_dial *d, const char *data, size_t len, size_t *ret_len,
                  struct gn_error *err)
{
    d->error[0] = '\0';
    CURLcode code = curl_easy_send(d->transfer.easy, data, len, ret_len);
    if (code == CURLE_OK)
        return 0;
    *ret_len = 0;
    return code == CURLE_AGAIN ? 0 : broken(d, code, err);
}

void gn_dial_close(struct gn_dial *d, void (*on_closed)(void *arg), void *arg)
{
    d->on_closed = on_closed;
    d->on_closed_arg = arg;
    if (d->has_poll) /* before libcurl closes the socket */
        uv_close((uv_handle_t *)&d->poll, on_poll_closed);
    gn_transfer_remove(&d->transfer);
    curl_easy_cleanup(d->transfer.easy);
    gn_multi_close(d->multi, on_multi_closed, d);
}
