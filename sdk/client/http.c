/* http.c - Streamable HTTP: each message is a POST of its own, answered with JSON or with a stream
 * of events (2026-07-28 and 2025-11-25 "Streamable HTTP").
 *
 * Connections: over HTTP/1.1 a call occupies one until it is answered, so at most CALLS_MAX calls
 * run at once, and the others wait. What those may wait for themselves never waits: notifications,
 * answers to the server's questions, subscriptions, the stream of the handshake era. Over HTTP/2
 * all share a connection or a few, and nothing waits.
 */
#include "http.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define CALLS_MAX 128
#define LINGER_MS 1000 /* an answered exchange may end by itself, so that its connection lives */
#define LOST_MS 300    /* for calls under way to be told that there is no session any more */
#define NOTE_MS 30000  /* for a notification to be taken */
#define SESSION_ID_MAX 4096

static void check_closed(struct gn_http *h);
static void on_session_lost(struct gn_client_timer *timer);

/* ---------------------------------------------------------------- posts come and go */

static void free_post(struct gn_exchange *x)
{
    struct gn_post *p = GN_CONTAINER(x, struct gn_post, x);
    struct gn_http *h = p->h;
    gn_list_remove(&p->node);
    gn_list_remove(&p->in_queue);
    gn_client_timer_stop(&p->timer);
    if (p->x.request)
        p->x.request->link_data = NULL;
    if (p->counts)
        h->calls--;
    if (h->initialized == p)
        h->initialized = NULL;
    gn_free(p);
    gn_http_pump(h);
    check_closed(h);
}

static gantry_request *take_request(struct gn_post *p)
{
    gantry_request *r = p->x.request;
    p->x.request = NULL;
    if (r)
        r->link_data = NULL;
    return r;
}

static void start(struct gn_post *p)
{
    struct gn_http *h = p->h;
    gn_list_remove(&p->in_queue);
    p->counts = p->kind == GN_POST_CALL;
    h->calls += p->counts;
    gn_exchange_start(&p->x);
}

static bool may_start(const struct gn_post *p)
{
    return p->kind != GN_POST_CALL || p->h->is_shared || p->h->calls < CALLS_MAX;
}

/* A server that has no stream yet may lose what it has to ask because of a call. */
static bool is_held(const struct gn_http *h, const struct gn_post *p)
{
    return h->is_lost || (h->initialized && h->initialized != p) ||
           (h->stream && h->stream->is_opening);
}

static void start_or_queue(struct gn_post *p)
{
    gn_list_remove(&p->in_queue);
    if (is_held(p->h, p))
        gn_list_append(&p->h->held, &p->in_queue);
    else if (may_start(p))
        start(p);
    else
        gn_list_append(&p->h->queue, &p->in_queue);
}

void gn_http_pump(struct gn_http *h)
{
    if (h->state != GN_HTTP_OPEN)
        return;
    if (h->is_lost) { /* nothing is waited for any more */
        if (h->calls == 0)
            gn_client_timer_start(h->link.client, &h->timer, 0, on_session_lost);
        return;
    }
    if (h->wants_stream && !h->initialized) {
        h->wants_stream = false;
        gn_http_stream_open(h);
    }
    while (!is_held(h, NULL) && !gn_list_empty(&h->held))
        start_or_queue(GN_CONTAINER(gn_list_pop(&h->held), struct gn_post, in_queue));
    while (!gn_list_empty(&h->queue)) {
        struct gn_post *p = GN_CONTAINER(h->queue.next, struct gn_post, in_queue);
        if (!may_start(p))
            return;
        start(p);
    }
}

/* ---------------------------------------------------------------- what comes of one */

void gn_http_post_fail(struct gn_post *p, const struct gn_failure *f)
{
    struct gn_link *link = &p->h->link;
    gantry_request *r = take_request(p);
    gantry_client *c = link->client;
    struct gn_failure copy = *f;
    if (p->is_resumed) /* what failed is only the asking for its rest */
        copy.was_not_sent = false;
    bool is_note = p->kind == GN_POST_NOTE && !link->is_closing;
    gn_exchange_free(&p->x);
    if (r)
        gn_link_failed(link, r, &copy);
    else if (is_note)
        gn_client_note(c, "a message to the server was not taken: %s", copy.why.text);
}

static struct gn_failure lost_session(const struct gn_http *h)
{
    struct gn_failure f = {.status = GANTRY_CLIENT_CONNECTION,
                           .http_status = 404,
                           .is_passing = true,
                           .was_not_sent = true};
    gn_error_set(&f.why, GN_EPIPE, "%s: the server has ended the session", h->link.client->s.shown);
    return f;
}

/* One after the other, whatever handlers do meanwhile. */
static void fail_all(struct gn_http *h, struct gn_list *posts, const struct gn_failure *f)
{
    while (h->state == GN_HTTP_OPEN && !gn_list_empty(posts))
        gn_http_post_fail(GN_CONTAINER(posts->next, struct gn_post, in_queue), f);
}

/* What was refused or has not been sent may go over the next link; what is still under way may
 * have been done. */
static void on_session_lost(struct gn_client_timer *timer)
{
    struct gn_http *h = GN_CONTAINER(timer, struct gn_http, timer);
    struct gn_failure f = lost_session(h);
    fail_all(h, &h->queue, &f);
    fail_all(h, &h->held, &f);
    f.was_not_sent = false;
    gn_link_lost(&h->link, &f);
}

void gn_http_session_lost(struct gn_http *h, struct gn_post *p)
{
    gantry_client *c = h->link.client;
    gn_free(h->session_id);
    h->session_id = NULL;
    if (h->state != GN_HTTP_OPEN)
        return;
    if (!h->is_lost)
        gn_client_timer_start(c, &h->timer, LOST_MS, on_session_lost);
    h->is_lost = true;
    gn_http_stream_close(h);
    if (!p)
        return;
    if (!p->x.request || p->is_resumed) {
        struct gn_failure f = lost_session(h);
        gn_http_post_fail(p, &f);
        return;
    }
    gn_exchange_stop(&p->x);
    h->calls -= p->counts;
    p->counts = false;
    gn_list_append(&h->held, &p->in_queue);
    gn_http_pump(h);
}

/* Visible ASCII, as the specification wants it: it is sent back in a header. */
static bool is_session_id(const char *value)
{
    size_t len = strlen(value);
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '!' || value[i] > '~')
            return false;
    }
    return len > 0 && len <= SESSION_ID_MAX;
}

static void keep_session(struct gn_post *p)
{
    struct gn_http *h = p->h;
    gantry_client *c = h->link.client;
    if (!p->is_initialize || !p->x.session_id)
        return;
    if (!is_session_id(p->x.session_id)) {
        gn_client_note(c, "%s: the session id is not visible ASCII; it is not used", c->s.shown);
        return;
    }
    gn_free(h->session_id);
    h->session_id = gn_strdup(p->x.session_id);
}

/* Hands a message over. p is still there afterwards, though it may be doomed. */
static bool receive(struct gn_post *p, const char *text, size_t len, struct gn_error *err)
{
    bool was_busy = p->x.is_busy;
    if (p->x.request)
        p->x.request->http_status = p->x.status;
    p->x.is_busy = true;
    bool ok = gn_link_received(&p->h->link, p->x.request, text, len, err);
    p->x.is_busy = was_busy;
    return ok;
}

static void on_event(struct gn_exchange *x, const struct gn_sse_event *event)
{
    struct gn_post *p = GN_CONTAINER(x, struct gn_post, x);
    struct gn_error err = {0};
    struct gn_failure f;
    p->has_event = true;
    /* Other events are not MCP's. */
    if (!gn_streq(event->event, "message") || event->len == 0)
        return;
    keep_session(p);
    if (!receive(p, event->data, event->len, &err) && p->x.request) {
        gn_exchange_bad_message(x, &err, &f);
        gn_http_post_fail(p, &f);
    }
}

/* Whoever answers a notification with a stream has taken it. */
static void on_stream(struct gn_exchange *x)
{
    struct gn_post *p = GN_CONTAINER(x, struct gn_post, x);
    struct gn_http *h = p->h;
    if (h->initialized != p)
        return;
    h->initialized = NULL;
    gn_http_pump(h);
}

/* A refusal that may be better in a while, of what may be asked again: the client tries again,
 * whatever the body says. */
static bool is_tried_again(const struct gn_post *p, const struct gn_failure *f)
{
    const gantry_request *r = p->x.request;
    bool may_repeat = f->was_not_sent || r->o.may_retry || (r->kind && r->kind->is_safe);
    bool is_left = r->is_internal || (may_repeat && r->tries < p->h->link.client->s.retries);
    return f->is_passing && is_left;
}

/* The whole of an answer that is no stream, of a request. */
static void take_body(struct gn_post *p)
{
    struct gn_exchange *x = &p->x;
    bool is_success = x->status >= 200 && x->status < 300;
    struct gn_error err = {0};
    struct gn_failure f;
    bool ok = true, tells = x->in.len > 0;
    if (!is_success) {
        gn_exchange_failure(x, CURLE_OK, &f);
        tells = tells && f.status != GANTRY_CLIENT_UNAUTHORIZED && !is_tried_again(p, &f);
    }
    if (tells)
        ok = receive(p, gn_buf_str(&x->in), x->in.len, &err);
    if (!p->x.request) {
        gn_exchange_free(x);
        return;
    }
    if (is_success && !ok)
        gn_exchange_bad_message(x, &err, &f);
    else if (is_success)
        gn_exchange_no_answer(x, &f);
    gn_http_post_fail(p, &f);
}

static void note_refused(struct gn_post *p)
{
    struct gn_failure f;
    gn_exchange_failure(&p->x, CURLE_OK, &f);
    gn_http_post_fail(p, &f);
}

static void see_version(struct gn_post *p)
{
    long version = 0;
    curl_easy_getinfo(p->x.transfer.easy, CURLINFO_HTTP_VERSION, &version);
    if (version >= CURL_HTTP_VERSION_2_0)
        p->h->is_shared = true;
}

static void transfer_failed(struct gn_post *p, CURLcode code)
{
    struct gn_failure f;
    gn_exchange_failure(&p->x, code, &f);
    if (p->is_resumed && p->x.request && f.is_passing && gn_http_resume(p))
        return;
    gn_http_post_fail(p, &f);
}

/* A 404 is about the session, unless it answers this very message: that there is no such method. */
static bool is_session_gone(const struct gn_post *p)
{
    struct gn_json_doc doc = {0};
    int64_t id = 0, code = 0;
    if (p->x.status != 404 || !p->has_session)
        return false;
    if (p->x.request && p->x.in.len > 0 &&
        gn_json_parse_copy(&doc, gn_buf_str(&p->x.in), p->x.in.len, NULL, NULL) == 0) {
        const gantry_json *root = gn_json_root(&doc);
        gn_json_int(gn_json_get(root, "id"), &id);
        gn_json_int(gn_json_get(gn_json_get(root, "error"), "code"), &code);
    }
    gn_json_release(&doc);
    return !(p->x.request && id == p->x.request->id && code == GN_RPC_METHOD_NOT_FOUND);
}

static void stream_ended(struct gn_post *p)
{
    struct gn_failure f;
    if (gn_http_resume(p))
        return;
    gn_exchange_no_answer(&p->x, &f);
    gn_http_post_fail(p, &f);
}

static void answered(struct gn_post *p)
{
    struct gn_exchange *x = &p->x;
    if (gn_login_begin(x))
        return;
    if (is_session_gone(p)) {
        gn_http_session_lost(p->h, p);
    } else if (x->request) {
        keep_session(p);
        take_body(p);
    } else if (x->status < 200 || x->status >= 300) {
        note_refused(p);
    } else {
        gn_exchange_free(x);
    }
}

static void on_end(struct gn_exchange *x, CURLcode code)
{
    struct gn_post *p = GN_CONTAINER(x, struct gn_post, x);
    bool is_wanted = x->request || (p->kind == GN_POST_NOTE && !x->is_stream);
    if (x->transfer.easy)
        see_version(p);
    if (!is_wanted)
        gn_exchange_free(x);
    else if (x->is_stream && !x->too_big)
        stream_ended(p);
    else if (code != CURLE_OK)
        transfer_failed(p, code);
    else
        answered(p);
}

/* ---------------------------------------------------------------- the link */

static struct gn_post *new_post(struct gn_http *h, enum gn_http_verb verb, enum gn_post_kind kind)
{
    struct gn_post *p = gn_calloc(1, sizeof(*p));
    gn_exchange_init(&p->x, &h->peer, verb, free_post);
    p->x.on_event = on_event;
    p->x.on_stream = on_stream;
    p->x.on_end = on_end;
    p->h = h;
    p->kind = kind;
    p->retry_ms = -1;
    p->has_session = h->session_id != NULL;
    gn_list_append(&h->posts, &p->node);
    gn_list_init(&p->in_queue);
    return p;
}

static enum gn_post_kind kind_of(const struct gn_outgoing *m)
{
    if (!m->request)
        return GN_POST_NOTE;
    return gn_streq(m->method, "subscriptions/listen") ? GN_POST_LONG : GN_POST_CALL;
}

static void send_http(struct gn_link *link, const struct gn_outgoing *m)
{
    struct gn_http *h = GN_CONTAINER(link, struct gn_http, link);
    gantry_request *r = m->request;
    struct gn_post *p = new_post(h, GN_HTTP_POST, kind_of(m));
    p->x.body = gn_strndup(m->text, m->len);
    p->x.body_len = m->len;
    p->x.may_repeat = !r || r->o.may_retry || (r->kind && r->kind->is_safe);
    p->x.timeout_ms = r ? 0 : NOTE_MS;
    p->is_initialize = r && gn_streq(m->method, "initialize");
    p->x.request = r;
    if (r)
        r->link_data = p;
    gn_http_message_headers(&p->x, m, h->session_id);
    if (!r && gn_streq(m->method, "notifications/initialized"))
        h->initialized = p;
    start_or_queue(p);
}

static void on_linger(struct gn_client_timer *timer)
{
    gn_exchange_free(&GN_CONTAINER(timer, struct gn_post, timer)->x);
}

static void forget_http(struct gn_link *link, gantry_request *r, bool is_answered)
{
    struct gn_post *p = r->link_data;
    if (!p)
        return;
    take_request(p);
    if (is_answered && gn_exchange_runs(&p->x))
        gn_client_timer_start(link->client, &p->timer, LINGER_MS, on_linger);
    else
        gn_exchange_free(&p->x);
}

static void ready_http(struct gn_link *link)
{
    struct gn_http *h = GN_CONTAINER(link, struct gn_http, link);
    h->peer.revision = link->client->revision;
    h->wants_stream = !gn_client_is_stateless(link->client);
    gn_http_pump(h);
}

/* ---------------------------------------------------------------- the end */

static void on_peer_closed(void *arg)
{
    struct gn_http *h = arg;
    gn_link_closed(&h->link);
    gn_free(h);
}

static void end_session(struct gn_http *h)
{
    struct gn_post *p = new_post(h, GN_HTTP_DELETE, GN_POST_END);
    h->state = GN_HTTP_ENDING;
    p->x.timeout_ms = GN_HTTP_CLOSE_MS;
    gn_http_plain_headers(&p->x, NULL, h->session_id, NULL);
    gn_exchange_start(&p->x);
}

/* Closing: what is still under way is waited for, then the session ends, then the connections. */
static void check_closed(struct gn_http *h)
{
    if (h->state == GN_HTTP_OPEN || h->state == GN_HTTP_CLOSED || !gn_list_empty(&h->posts))
        return;
    if (h->state == GN_HTTP_CLOSING && h->session_id) {
        end_session(h);
        return;
    }
    h->state = GN_HTTP_CLOSED;
    gn_client_timer_stop(&h->timer);
    gn_free(h->session_id);
    h->session_id = NULL;
    gn_http_peer_close(&h->peer, on_peer_closed, h);
}

static void on_close_timeout(struct gn_client_timer *timer)
{
    struct gn_http *h = GN_CONTAINER(timer, struct gn_http, timer);
    h->state = GN_HTTP_ENDING; /* nothing more is sent */
    GN_LIST_EACH(&h->posts, n)
        gn_exchange_free(&GN_CONTAINER(n, struct gn_post, node)->x);
}

static void hurry_http(struct gn_link *link)
{
    struct gn_http *h = GN_CONTAINER(link, struct gn_http, link);
    if (h->state == GN_HTTP_CLOSING || h->state == GN_HTTP_ENDING)
        gn_client_timer_start(link->client, &h->timer, GN_CLIENT_HURRY_MS, on_close_timeout);
}

static void close_http(struct gn_link *link)
{
    struct gn_http *h = GN_CONTAINER(link, struct gn_http, link);
    gantry_client *c = link->client;
    gn_http_stream_close(h);
    gn_login_close(&h->peer);
    h->initialized = NULL;
    h->state = GN_HTTP_CLOSED; /* until the list has been gone through */
    GN_LIST_EACH(&h->posts, n) {
        struct gn_post *p = GN_CONTAINER(n, struct gn_post, node);
        if (p->kind != GN_POST_NOTE || !gn_exchange_runs(&p->x))
            gn_exchange_free(&p->x);
    }
    h->state = GN_HTTP_CLOSING;
    gn_client_timer_start(c, &h->timer, c->is_hurried ? GN_CLIENT_HURRY_MS : GN_HTTP_CLOSE_MS,
                          on_close_timeout);
    check_closed(h);
}

static void on_open(struct gn_client_timer *timer)
{
    gn_link_opened(&GN_CONTAINER(timer, struct gn_http, timer)->link);
}

static struct gn_link *open_http(gantry_client *client, struct gn_error *err)
{
    struct gn_http *h = gn_calloc(1, sizeof(*h));
    h->link.ops = &gn_link_http;
    h->link.client = client;
    gn_list_init(&h->posts);
    gn_list_init(&h->held);
    gn_list_init(&h->queue);
    if (gn_http_peer_init(&h->peer, client, err)) {
        gn_free(h);
        return NULL;
    }
    gn_client_timer_start(client, &h->timer, 0, on_open);
    return &h->link;
}

const struct gn_link_ops gn_link_http = {
    .name = "http",
    .has_exchanges = true,
    .open = open_http,
    .send = send_http,
    .forget = forget_http,
    .ready = ready_http,
    .close = close_http,
    .hurry = hurry_http,
};
