/* http_stream.c - streams of the handshake era: taken up again where they broke, and the one that
 * belongs to no request (2025-11-25 "Transports", "Resumability and Redelivery", "Listening for
 * Messages from the Server"). */
#include "http.h"

#include "util/alloc.h"
#include "util/str.h"

#define RETRY_MS 1000    /* before a broken stream is asked for again, unless it said when */
#define RETRY_MIN_MS 100 /* whatever it said */
#define OPENING_MS 1000  /* for the stream to be answered, before calls go all the same */
#define SILENT_MAX 8     /* connections in a row that bring nothing */

/* What the stream said, else longer each time it brought nothing. */
static uint64_t delay_of(const gantry_client *c, int64_t retry_ms, unsigned silent)
{
    uint64_t ms = retry_ms >= 0 ? (uint64_t)retry_ms : RETRY_MS;
    ms = GN_MAX(ms, (uint64_t)RETRY_MIN_MS);
    uint64_t longer = silent > 1 ? gn_client_backoff(c, silent) : 0;
    return GN_MAX(ms, longer);
}

/* ---------------------------------------------------------------- the rest of an answer */

static void on_resume(struct gn_client_timer *timer)
{
    struct gn_post *p = GN_CONTAINER(timer, struct gn_post, timer);
    struct gn_exchange *x = &p->x;
    GN_AUTO_FREE char *last_id = gn_strdup(gn_exchange_last_id(x));
    curl_slist_free_all(x->headers);
    x->headers = NULL;
    x->has_authorization = false;
    gn_http_plain_headers(x, "text/event-stream", p->h->session_id, last_id);
    x->verb = GN_HTTP_GET;
    x->may_repeat = true;
    p->is_resumed = true;
    p->has_session = p->h->session_id != NULL;
    gn_exchange_start(x);
}

bool gn_http_resume(struct gn_post *p)
{
    gantry_client *c = p->h->link.client;
    if (c->revision == GN_REV_NONE || gn_client_is_stateless(c) || !*gn_exchange_last_id(&p->x))
        return false;
    if (p->x.sse.retry_ms >= 0)
        p->retry_ms = p->x.sse.retry_ms;
    p->silent = p->has_event ? 0 : p->silent + 1;
    p->has_event = false;
    if (p->silent > SILENT_MAX)
        return false;
    gn_exchange_stop(&p->x);
    gn_client_timer_start(c, &p->timer, delay_of(c, p->retry_ms, p->silent), on_resume);
    return true;
}

/* ---------------------------------------------------------------- what belongs to no request */

static void free_stream(struct gn_exchange *x)
{
    gn_free(x);
}

static void on_event(struct gn_exchange *x, const struct gn_sse_event *event)
{
    struct gn_http_stream *s = GN_CONTAINER(x, struct gn_http_stream, x);
    struct gn_error err = {0};
    s->has_event = true;
    if (!gn_streq(event->event, "message") || event->len == 0)
        return;
    gantry_client *c = s->h->link.client;
    if (!gn_link_received(&s->h->link, NULL, event->data, event->len, &err))
        gn_client_note(c, "%s sent what is no message: %s", c->s.shown, err.text);
}

static void start_stream(struct gn_client_timer *timer)
{
    struct gn_http_stream *s = GN_CONTAINER(timer, struct gn_http_stream, timer);
    GN_AUTO_FREE char *last_id = gn_strdup(gn_exchange_last_id(&s->x));
    curl_slist_free_all(s->x.headers);
    s->x.headers = NULL;
    gn_http_plain_headers(&s->x, "text/event-stream", s->h->session_id, last_id);
    gn_exchange_start(&s->x);
}

static void on_patience(struct gn_client_timer *timer)
{
    struct gn_http_stream *s = GN_CONTAINER(timer, struct gn_http_stream, patience);
    gn_client_timer_stop(timer);
    s->is_opening = false;
    gn_http_pump(s->h);
}

static void on_stream(struct gn_exchange *x)
{
    struct gn_http_stream *s = GN_CONTAINER(x, struct gn_http_stream, x);
    if (s->is_opening)
        on_patience(&s->patience);
}

/* Any status but success says that there is no such stream, or none for us: 405, as a rule. */
static bool is_refused(const struct gn_exchange *x, CURLcode code)
{
    return x->refusal || (code == CURLE_OK && !x->is_stream && x->status != 429 && x->status < 500);
}

static void on_end(struct gn_exchange *x, CURLcode code)
{
    struct gn_http_stream *s = GN_CONTAINER(x, struct gn_http_stream, x);
    struct gn_http *h = s->h;
    gantry_client *c = h->link.client;
    struct gn_failure f = {0};
    if (code == CURLE_OK && gn_login_begin(x))
        return;
    bool is_lost = code == CURLE_OK && x->status == 404 && h->session_id;
    if (!x->is_stream)
        gn_exchange_failure(x, code, &f);
    if (x->is_stream && code == CURLE_OK)
        s->has_event = s->has_event || x->in.len > 0;
    if (x->sse.retry_ms >= 0)
        s->retry_ms = x->sse.retry_ms;
    s->silent = s->has_event ? 0 : s->silent + 1;
    s->has_event = false;
    s->is_opening = false;
    if (is_lost) {
        gn_http_session_lost(h, NULL);
        return;
    }
    if (is_refused(x, code)) {
        if (x->status != 405)
            gn_client_note(c, "no stream for what the server says by itself: %s", f.why.text);
        gn_http_stream_close(h);
    } else {
        gn_exchange_stop(x);
        uint64_t delay = GN_MAX(delay_of(c, s->retry_ms, s->silent), f.retry_after_ms);
        gn_client_timer_start(c, &s->timer, delay, start_stream);
    }
    gn_http_pump(h);
}

void gn_http_stream_open(struct gn_http *h)
{
    struct gn_http_stream *s = gn_calloc(1, sizeof(*s));
    gn_exchange_init(&s->x, &h->peer, GN_HTTP_GET, free_stream);
    s->h = h;
    s->x.may_repeat = true;
    s->x.on_stream = on_stream;
    s->x.on_event = on_event;
    s->x.on_end = on_end;
    s->retry_ms = -1;
    s->is_opening = true;
    h->stream = s;
    gn_client_timer_start(h->link.client, &s->patience, OPENING_MS, on_patience);
    gn_client_timer_start(h->link.client, &s->timer, 0, start_stream);
}

void gn_http_stream_close(struct gn_http *h)
{
    struct gn_http_stream *s = h->stream;
    h->stream = NULL;
    if (!s)
        return;
    gn_client_timer_stop(&s->timer);
    gn_client_timer_stop(&s->patience);
    gn_exchange_free(&s->x);
}
