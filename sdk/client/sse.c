/* sse.c - HTTP+SSE of 2024-11-05: one stream of events from the server, whose first names the
 * endpoint to which every message of ours is posted (2024-11-05 "Transports", "HTTP with SSE").
 *
 * Answers come on the stream alone: what a POST is answered with only says whether it was taken.
 */
#include "http_exchange.h"

#include "util/alloc.h"
#include "util/str.h"

#define CONNECTIONS_MAX 64L /* a POST is over soon: the others wait in libcurl */
#define POST_MS 30000       /* for a message to be taken */
#define ENDPOINT_MAX 8192

struct sse {
    struct gn_link link; /* first */
    struct gn_http_peer peer;
    struct gn_exchange stream;
    char *endpoint;           /* NULL: not told yet */
    struct gn_list posts;     /* under way */
    struct gn_list held;      /* until notifications/initialized has been taken */
    struct post *initialized; /* under way */
    struct gn_client_timer timer;
    bool is_closing, is_closed;
};

struct post {
    struct gn_exchange x; /* first */
    struct sse *s;
    struct gn_list node; /* s->posts, or s->held */
};

static void check_closed(struct sse *s);

/* ---------------------------------------------------------------- the connection is lost */

static void lose(struct sse *s, const struct gn_failure *f)
{
    gantry_client *c = s->link.client;
    struct gn_failure why = *f;
    /* It was no server of that kind: the next try begins with the newer transport. */
    if (!s->endpoint && c->s.transport == GANTRY_TRANSPORT_AUTO && !s->link.is_closing) {
        c->transport = &gn_link_http;
        if (c->before_old_http)
            gn_error_set(&why.why, GN_EPIPE, "%.600s; nor is it a server of 2024-11-05: %s",
                         c->before_old_http, f->why.text);
    }
    gn_link_lost(&s->link, &why);
}

/* ---------------------------------------------------------------- messages out */

static void free_post(struct gn_exchange *x)
{
    struct post *p = GN_CONTAINER(x, struct post, x);
    struct sse *s = p->s;
    gn_list_remove(&p->node);
    if (x->request)
        x->request->link_data = NULL;
    if (s->initialized == p)
        s->initialized = NULL;
    gn_free(p);
    while (!s->initialized && !s->is_closing && !gn_list_empty(&s->held)) {
        p = GN_CONTAINER(gn_list_pop(&s->held), struct post, node);
        gn_list_append(&s->posts, &p->node);
        gn_exchange_start(&p->x);
    }
    check_closed(s);
}

static void on_post_end(struct gn_exchange *x, CURLcode code)
{
    struct post *p = GN_CONTAINER(x, struct post, x);
    struct gn_link *link = &p->s->link;
    gantry_client *c = link->client;
    gantry_request *r = x->request;
    struct gn_failure f;
    if (code == CURLE_OK && gn_login_begin(x))
        return;
    bool is_taken = code == CURLE_OK && x->status >= 200 && x->status < 300;
    if (!is_taken)
        gn_exchange_failure(x, code, &f);
    if (r)
        r->link_data = NULL;
    x->request = NULL;
    gn_exchange_free(x);
    if (is_taken)
        return;
    if (r)
        gn_link_failed(link, r, &f);
    else if (!link->is_closing)
        gn_client_note(c, "a message to the server was not taken: %s", f.why.text);
}

/* Answers do not come here; whoever begins a stream has taken the message. */
static void on_post_stream(struct gn_exchange *x)
{
    if (x->request)
        x->request->link_data = NULL;
    x->request = NULL;
    gn_exchange_free(x);
}

static void send_sse(struct gn_link *link, const struct gn_outgoing *m)
{
    struct sse *s = GN_CONTAINER(link, struct sse, link);
    gantry_request *r = m->request;
    struct post *p = gn_calloc(1, sizeof(*p));
    gn_exchange_init(&p->x, &s->peer, GN_HTTP_POST, free_post);
    p->s = s;
    p->x.on_end = on_post_end;
    p->x.on_stream = on_post_stream;
    p->x.url = gn_strdup(s->endpoint);
    p->x.body = gn_strndup(m->text, m->len);
    p->x.body_len = m->len;
    p->x.may_repeat = !r || r->o.may_retry || (r->kind && r->kind->is_safe);
    p->x.timeout_ms = POST_MS;
    p->x.request = r;
    if (r)
        r->link_data = p;
    gn_http_message_headers(&p->x, m, NULL);
    gn_list_append(s->initialized ? &s->held : &s->posts, &p->node);
    if (s->initialized)
        return;
    if (!r && gn_streq(m->method, "notifications/initialized"))
        s->initialized = p;
    gn_exchange_start(&p->x);
}

/* The message is on its way; only the wish to know what became of it is gone. */
static void forget_sse(struct gn_link *link, gantry_request *r, bool is_answered)
{
    struct post *p = r->link_data;
    (void)link;
    (void)is_answered;
    r->link_data = NULL;
    if (!p)
        return;
    p->x.request = NULL;
    if (!gn_exchange_runs(&p->x)) /* not sent yet */
        gn_exchange_free(&p->x);
}

/* ---------------------------------------------------------------- messages in */

static void free_stream(struct gn_exchange *x)
{
    (void)x; /* it is embedded in the link */
}

/* The URI is relative to that of the stream, and must lead to the same origin: what is posted there
 * carries our credentials. */
static bool set_endpoint(struct sse *s, const char *uri, struct gn_error *err)
{
    const char *base = s->stream.url ? s->stream.url : s->peer.url;
    CURLU *url = curl_url();
    char *text = NULL;
    bool ok = curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
              curl_url_set(url, CURLUPART_URL, uri, 0) == CURLUE_OK &&
              curl_url_set(url, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
              curl_url_set(url, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK;
    const char *shown = s->link.client->s.shown;
    if (!ok) {
        gn_error_set(err, GN_EPROTO, "%s names an endpoint that is no URL: %.200s", shown, uri);
    } else if (!gn_http_same_origin(base, text)) {
        ok = false;
        gn_error_set(err, GN_EPROTO, "%s names an endpoint of another origin: %.200s", shown, uri);
    } else {
        s->endpoint = gn_strdup(text);
    }
    curl_free(text);
    curl_url_cleanup(url);
    return ok;
}

static void take_endpoint(struct sse *s, const struct gn_sse_event *event)
{
    struct gn_failure f = {.status = GANTRY_CLIENT_PROTOCOL};
    if (s->endpoint)
        return;
    if (event->len <= ENDPOINT_MAX && set_endpoint(s, event->data, &f.why)) {
        gn_link_opened(&s->link);
        return;
    }
    if (event->len > ENDPOINT_MAX)
        gn_error_set(&f.why, GN_EPROTO, "%s names an endpoint of more than %d bytes",
                     s->link.client->s.shown, ENDPOINT_MAX);
    lose(s, &f);
}

static void on_event(struct gn_exchange *x, const struct gn_sse_event *event)
{
    struct sse *s = GN_CONTAINER(x, struct sse, stream);
    gantry_client *c = s->link.client;
    struct gn_error err = {0};
    if (gn_streq(event->event, "endpoint"))
        take_endpoint(s, event);
    else if (gn_streq(event->event, "message") && event->len > 0 && s->endpoint &&
             !gn_link_received(&s->link, NULL, event->data, event->len, &err))
        gn_client_note(c, "%s sent what is no message: %s", c->s.shown, err.text);
}

static void on_stream_end(struct gn_exchange *x, CURLcode code)
{
    struct sse *s = GN_CONTAINER(x, struct sse, stream);
    const char *shown = s->link.client->s.shown;
    struct gn_failure f = {.status = GANTRY_CLIENT_CONNECTION, .is_passing = true};
    if (code == CURLE_OK && gn_login_begin(x))
        return;
    if (x->is_stream && !x->too_big) {
        gn_error_set(&f.why, GN_EPIPE, "%s: the stream of the server has ended", shown);
    } else if (code == CURLE_OK && x->status >= 200 && x->status < 300) {
        f = (struct gn_failure){.status = GANTRY_CLIENT_PROTOCOL, .http_status = x->status};
        gn_error_set(&f.why, GN_EPROTO, "%s is no server of MCP: it answers GET with %.80s", shown,
                     x->type ? x->type : "no content type");
    } else {
        gn_exchange_failure(x, code, &f);
    }
    lose(s, &f);
}

/* ---------------------------------------------------------------- the link */

static void start_stream(struct gn_client_timer *timer)
{
    gn_exchange_start(&GN_CONTAINER(timer, struct sse, timer)->stream);
}

static struct gn_link *open_sse(gantry_client *client, struct gn_error *err)
{
    struct sse *s = gn_calloc(1, sizeof(*s));
    s->link.ops = &gn_link_sse;
    s->link.client = client;
    gn_list_init(&s->posts);
    gn_list_init(&s->held);
    if (gn_http_peer_init(&s->peer, client, err)) {
        gn_free(s);
        return NULL;
    }
    curl_multi_setopt(gn_multi_curl(s->peer.multi), CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_MAX);
    gn_exchange_init(&s->stream, &s->peer, GN_HTTP_GET, free_stream);
    s->stream.may_repeat = true;
    s->stream.on_event = on_event;
    s->stream.on_end = on_stream_end;
    gn_http_plain_headers(&s->stream, "text/event-stream", NULL, NULL);
    gn_client_timer_start(client, &s->timer, 0, start_stream);
    return &s->link;
}

static void on_peer_closed(void *arg)
{
    struct sse *s = arg;
    gn_link_closed(&s->link);
    gn_free(s);
}

/* What is still being posted (that requests are cancelled) may end. */
static void check_closed(struct sse *s)
{
    if (!s->is_closing || s->is_closed || !gn_list_empty(&s->posts))
        return;
    s->is_closed = true;
    gn_client_timer_stop(&s->timer);
    gn_exchange_free(&s->stream);
    gn_free(s->endpoint);
    s->endpoint = NULL;
    gn_http_peer_close(&s->peer, on_peer_closed, s);
}

static void free_posts(struct gn_list *posts)
{
    GN_LIST_EACH(posts, n)
        gn_exchange_free(&GN_CONTAINER(n, struct post, node)->x);
}

static void on_close_timeout(struct gn_client_timer *timer)
{
    free_posts(&GN_CONTAINER(timer, struct sse, timer)->posts);
}

static void hurry_sse(struct gn_link *link)
{
    struct sse *s = GN_CONTAINER(link, struct sse, link);
    if (!s->is_closed)
        gn_client_timer_start(link->client, &s->timer, GN_CLIENT_HURRY_MS, on_close_timeout);
}

static void close_sse(struct gn_link *link)
{
    struct sse *s = GN_CONTAINER(link, struct sse, link);
    gantry_client *c = link->client;
    gn_login_close(&s->peer);
    free_posts(&s->held);
    GN_LIST_EACH(&s->posts, n) {
        struct post *p = GN_CONTAINER(n, struct post, node);
        if (p->x.request || !gn_exchange_runs(&p->x))
            gn_exchange_free(&p->x);
    }
    s->is_closing = true;
    gn_client_timer_start(c, &s->timer, c->is_hurried ? GN_CLIENT_HURRY_MS : GN_HTTP_CLOSE_MS,
                          on_close_timeout);
    check_closed(s);
}

const struct gn_link_ops gn_link_sse = {
    .name = "sse",
    .open = open_sse,
    .send = send_sse,
    .forget = forget_sse,
    .close = close_sse,
    .hurry = hurry_sse,
};
