/* client.c - a client from its making to its end: links that come and go, and what is told from the
 * loop. */
#include "internal.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/map.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define BACKOFF_MAX_MS 30000
#define STABLE_MS                                                                                  \
    30000 /* a connection that lasted so long was a good one: counting begins anew                 \
           */

/* ---------------------------------------------------------------- telling */

static const char *const status_names[] = {
    [GANTRY_CLIENT_OK] = "ok",
    [GANTRY_CLIENT_TOOL_ERROR] = "tool error",
    [GANTRY_CLIENT_ERROR] = "error",
    [GANTRY_CLIENT_CONNECTION] = "connection",
    [GANTRY_CLIENT_TIMEOUT] = "timeout",
    [GANTRY_CLIENT_CANCELLED] = "cancelled",
    [GANTRY_CLIENT_PROTOCOL] = "protocol",
    [GANTRY_CLIENT_INVALID] = "invalid",
    [GANTRY_CLIENT_UNSUPPORTED] = "unsupported",
    [GANTRY_CLIENT_LIMIT] = "limit",
    [GANTRY_CLIENT_UNAUTHORIZED] = "unauthorized",
};

const char *gantry_client_status_name(gantry_client_status status)
{
    return (unsigned)status < GN_COUNT(status_names) ? status_names[status] : "unknown";
}

void gn_client_note(gantry_client *c, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    gn_client_log_line(c, "note", text, strlen(text));
    if (c->s.handlers.on_note && !c->is_closing)
        c->s.handlers.on_note(c, text, c->s.arg);
}

void gn_client_set_state(gantry_client *c, gantry_client_state state)
{
    if (c->state == state)
        return;
    c->state = state;
    if (c->s.handlers.on_state)
        c->s.handlers.on_state(c, state, c->s.arg);
}

uint64_t gn_client_backoff(const gantry_client *c, unsigned n)
{
    uint64_t ms = c->s.backoff_ms;
    for (unsigned i = 1; i < n && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    ms = GN_MIN(ms, (uint64_t)BACKOFF_MAX_MS);
    return ms / 2 + randombytes_uniform((uint32_t)ms / 2 + 1);
}

bool gn_client_server_can(const gantry_client *c, const char *pointer)
{
    const gantry_json *v = gn_json_get(c->server, "capabilities");
    while (v && *pointer) {
        size_t len = strcspn(pointer, "/");
        if (memchr(pointer, '~', len)) {
            GN_AUTO_FREE char *rest = gn_format("/%s", pointer);
            v = gantry_read(v, rest);
            break;
        }
        v = gn_json_getn(v, pointer, len);
        pointer += len + (pointer[len] == '/');
    }
    return v && gn_json_type(v) != GN_JSON_NULL && gn_json_type(v) != GN_JSON_FALSE;
}

/* ---------------------------------------------------------------- the end */

static void free_client(gantry_client *c)
{
    void (*on_closed)(void *arg) = c->on_closed;
    void *arg = c->on_closed_arg;
    while (!gn_list_empty(&c->requests)) { /* they belong to somebody who has not freed them yet */
        gantry_request *r = GN_CONTAINER(gn_list_pop(&c->requests), gantry_request, node);
        r->client = NULL;
    }
    gn_listen_free(c);
    gn_elicit_forget(c);
    gn_cache_clear(c);
    gn_param_headers_forget(c);
    gn_client_log_close(c);
    gn_json_release(&c->server_doc);
    gn_buf_release(&c->who_we_are);
    gn_settings_release(&c->s);
    gn_free(c->before_old_http);
    gn_free(c->by_id);
    c->magic = 0;
    gn_free(c);
    if (on_closed)
        on_closed(arg);
}

static void on_handle_closed(uv_handle_t *handle)
{
    gantry_client *c = handle->data;
    if (--c->open_handles == 0 && !c->owns_loop && !c->is_running)
        free_client(c);
}

/* All that it waits for has ended. */
static void check_closed(gantry_client *c)
{
    if (!c->is_closing || !gn_list_empty(&c->old_links) || !gn_list_empty(&c->ended) ||
        uv_is_closing((uv_handle_t *)&c->clock))
        return;
    uv_close((uv_handle_t *)&c->clock, on_handle_closed);
    uv_close((uv_handle_t *)&c->wake, on_handle_closed);
}

static void on_wake(uv_idle_t *uv)
{
    gantry_client *c = uv->data;
    struct gn_list now; /* what ends meanwhile is for the next turn */
    gn_list_init(&now);
    gn_questions_tell(c);
    while (!gn_list_empty(&c->ended))
        gn_list_append(&now, gn_list_pop(&c->ended));
    while (!gn_list_empty(&now)) {
        gantry_request *r = GN_CONTAINER(gn_list_pop(&now), gantry_request, in_queue);
        bool belongs_to_nobody = r->belongs_to_nobody;
        r->state = GN_REQUEST_DONE;
        if (r->internal_done)
            r->internal_done(r, r->internal_arg);
        else if (r->o.on_done)
            r->o.on_done(r, r->o.arg);
        if (belongs_to_nobody)
            gn_request_free_now(r);
    }
    gn_questions_tell(c);
    if (gn_list_empty(&c->ended))
        uv_idle_stop(&c->wake);
    check_closed(c);
}

void gn_client_wake(gantry_client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->wake))
        uv_idle_start(&c->wake, on_wake);
}

/* ---------------------------------------------------------------- links */

static unsigned tries_max(const gantry_client *c)
{
    return c->transport == &gn_link_stdio ? c->s.restarts : c->s.retries;
}

/* Whatever it was doing, this connection is over. */
static void drop_link(gantry_client *c)
{
    struct gn_link *link = c->link;
    c->link = NULL; /* nothing is sent on it any more */
    c->revision = GN_REV_NONE;
    gn_client_timer_stop(&c->connecting);
    gn_era_forget(c);
    gn_listen_lost(c);
    if (!link)
        return;
    link->is_closing = true;
    gn_list_append(&c->old_links, &link->node);
    link->ops->close(link);
}

static void end_waiting(gantry_client *c, const struct gn_failure *why)
{
    while (!gn_list_empty(&c->waiting)) {
        gantry_request *r = GN_CONTAINER(c->waiting.next, gantry_request, in_queue);
        r->http_status = why->http_status;
        r->error_code = why->error_code;
        gn_request_end(r, why->status, "%s", why->why.text);
    }
}

static void on_again(struct gn_client_timer *timer)
{
    gantry_client *c = timer->client;
    gn_client_set_state(c, GANTRY_STATE_IDLE);
    gn_client_connect(c);
}

static bool is_wanted(const gantry_client *c)
{
    return !gn_list_empty(&c->waiting) || gn_listen_wants(c);
}

/* After a connection failed or was lost. */
static void try_again(gantry_client *c, const struct gn_failure *why)
{
    if (c->is_closing)
        return;
    c->failures++;
    c->is_between = c->has_asked_anew = false;
    if (!why->is_passing || c->failures > tries_max(c)) {
        end_waiting(c, why); /* what a handler then asks for is tried anew */
        gn_client_set_state(c, GANTRY_STATE_FAILED);
    } else if (is_wanted(c)) {
        uint64_t delay = gn_client_backoff(c, c->failures);
        delay = GN_MAX(delay, why->retry_after_ms);
        gn_client_timer_start(c, &c->again, delay, on_again);
        gn_client_note(c, "%s; trying again in %llu ms", why->why.text, (unsigned long long)delay);
        if (gn_client_timer_runs(&c->again)) /* else a handler has closed the client */
            gn_client_set_state(c, GANTRY_STATE_WAITING);
    } else {
        gn_client_set_state(c, GANTRY_STATE_IDLE);
    }
}

static void on_connect_timeout(struct gn_client_timer *timer)
{
    gantry_client *c = timer->client;
    struct gn_failure f = {.status = GANTRY_CLIENT_TIMEOUT, .is_passing = true};
    gn_error_set(&f.why, GN_ETIMEDOUT, "%s: not ready within %u ms", c->s.shown,
                 c->s.connect_timeout_ms);
    gn_client_unready(c, &f);
}

static void open_link(gantry_client *c)
{
    struct gn_failure f = {.status = GANTRY_CLIENT_CONNECTION};
    struct gn_link *link = c->transport->open(c, &f.why);
    c->link = link;
    if (link)
        gn_list_init(&link->node);
    if (c->s.connect_timeout_ms != GANTRY_CLIENT_NONE)
        gn_client_timer_start(c, &c->connecting, c->s.connect_timeout_ms, on_connect_timeout);
    c->is_between = !link;
    gn_client_set_state(c, GANTRY_STATE_CONNECTING);
    if (!link && !c->is_closing)
        gn_client_unready(c, &f);
}

void gn_client_connect(gantry_client *c)
{
    if (c->link || c->is_closing || c->is_between || gn_client_timer_runs(&c->again))
        return;
    if (c->state == GANTRY_STATE_FAILED)
        c->failures = 0;
    open_link(c);
}

void gn_client_reopen(gantry_client *c, const struct gn_link_ops *transport)
{
    drop_link(c);
    c->transport = transport;
    open_link(c);
}

void gn_client_ready(gantry_client *c)
{
    gn_era_forget(c);
    gn_client_timer_stop(&c->connecting);
    c->ready_ms = gn_clock_ms();
    c->known = c->revision;
    c->has_asked_anew = false;
    gn_cache_clear(c); /* what was kept may be another server's */
    gn_param_headers_forget(c);
    gn_client_set_state(c, GANTRY_STATE_READY);
    if (c->is_closing)
        return;
    if (c->link && c->link->ops->ready)
        c->link->ops->ready(c->link);
    gn_listen_ready(c);
    struct gn_list waiting; /* what must wait again waits for another connection */
    gn_list_take(&waiting, &c->waiting);
    gn_list_init(&c->waiting);
    while (!gn_list_empty(&waiting))
        gn_request_send(GN_CONTAINER(gn_list_pop(&waiting), gantry_request, in_queue));
}

void gn_client_unready(gantry_client *c, const struct gn_failure *why)
{
    struct gn_failure f = *why; /* it may be of what is freed now */
    drop_link(c);
    try_again(c, &f);
}

void gn_link_opened(struct gn_link *link)
{
    if (!link->is_closing)
        gn_era_begin(link->client);
}

static void fail_sent(gantry_client *c, const struct gn_failure *why)
{
    for (size_t i = 0; i < c->by_id_cap; i++) {
        if (c->by_id[i])
            gn_request_fail(c->by_id[i], why);
    }
}

void gn_link_lost(struct gn_link *link, const struct gn_failure *failure)
{
    gantry_client *c = link->client;
    struct gn_failure f = *failure;
    if (link->is_closing)
        return;
    if (gn_era_survives(c, &f))
        return;
    if (c->state == GANTRY_STATE_READY && gn_clock_ms() - c->ready_ms >= STABLE_MS)
        c->failures = 0;
    drop_link(c);
    c->is_between = true;
    gn_questions_gone(c, NULL);
    fail_sent(c, &f);
    try_again(c, &f);
}

void gn_link_failed(struct gn_link *link, gantry_request *request, const struct gn_failure *failure)
{
    if (!link->is_closing && request->state == GN_REQUEST_SENT)
        gn_request_fail(request, failure);
}

bool gn_link_received(struct gn_link *link, gantry_request *request, const char *text, size_t len,
                      struct gn_error *err)
{
    return link->is_closing || gn_client_receive(link->client, request, text, len, err);
}

void gn_link_closed(struct gn_link *link)
{
    gantry_client *c = link->client;
    gn_list_remove(&link->node);
    gn_client_wake(c); /* it may have been the last thing that was waited for */
}

void gn_link_stderr(struct gn_link *link, const char *line, size_t len)
{
    gantry_client *c = link->client;
    gn_client_log_line(c, "stderr", line, len);
    /* What it says as it ends is worth hearing, where it is known until when there is an arg. */
    if (c->s.handlers.on_stderr && (!c->is_closing || c->owns_loop || c->on_closed))
        c->s.handlers.on_stderr(c, line, len, c->s.arg);
}

/* ---------------------------------------------------------------- interface */

static const struct gn_link_ops *choose_transport(const struct gn_client_settings *s)
{
    if (s->command)
        return &gn_link_stdio;
    if (gn_starts_with(s->url, "ws:") || gn_starts_with(s->url, "wss:"))
        return &gn_link_websocket;
    return s->transport == GANTRY_TRANSPORT_SSE ? &gn_link_sse : &gn_link_http;
}

static gantry_client *no_client(const struct gn_error *why, gantry_client_error *err)
{
    if (err) {
        err->status = GANTRY_CLIENT_INVALID;
        snprintf(err->message, sizeof(err->message), "%s", why->text);
    }
    return NULL;
}

gantry_client *gantry_client_new(const gantry_client_options *options, gantry_client_error *err)
{
    struct gn_client_settings settings;
    struct gn_error why = {0};
    if (err)
        *err = (gantry_client_error){0};
    gn_assert(sodium_init() >= 0);
    if (gn_settings_read(&settings, options, &why))
        return no_client(&why, err);
    gantry_client *c = gn_calloc(1, sizeof(*c));
    c->magic = GN_CLIENT_MAGIC;
    c->s = settings;
    c->who_we_are = GN_BUF_INIT(c->s.max_message);
    c->owns_loop = !options->loop;
    c->uv = options->loop ? options->loop : &c->own_loop;
    if (c->owns_loop)
        gn_assert(uv_loop_init(c->uv) == 0);
    gn_list_init(&c->timers);
    gn_list_init(&c->old_links);
    gn_list_init(&c->requests);
    gn_list_init(&c->waiting);
    gn_list_init(&c->ended);
    gn_list_init(&c->questions);
    uv_timer_init(c->uv, &c->clock);
    uv_idle_init(c->uv, &c->wake);
    c->clock.data = c->wake.data = c;
    c->open_handles = 2;
    c->transport = choose_transport(&c->s);
    gn_client_log_open(c);
    return c;
}

void gantry_client_close(gantry_client *c, void (*on_closed)(void *arg), void *arg)
{
    if (!c)
        return;
    GN_CHECK(c, GN_CLIENT_MAGIC);
    gn_assert(!c->is_closing && !(c->owns_loop && c->is_running));
    c->on_closed = on_closed;
    c->on_closed_arg = arg;
    c->is_closing = true; /* what is asked from now on ends at once */
    struct gn_list all;   /* handlers may free any of them meanwhile */
    gn_list_take(&all, &c->requests);
    gn_list_init(&c->requests);
    while (!gn_list_empty(&all)) {
        gantry_request *r = GN_CONTAINER(gn_list_pop(&all), gantry_request, node);
        gn_list_append(&c->requests, &r->node);
        gn_request_end(r, GANTRY_CLIENT_CANCELLED, "the client was closed");
    }
    gn_questions_gone(c, NULL);
    gn_client_timer_stop(&c->again);
    drop_link(c);
    gn_client_set_state(c, GANTRY_STATE_CLOSED);
    gn_client_wake(c);
    if (!c->owns_loop)
        return;
    while (c->open_handles > 0)
        uv_run(c->uv, UV_RUN_ONCE);
    while (uv_loop_close(c->uv) == UV_EBUSY) /* handles that the caller has put there */
        uv_run(c->uv, UV_RUN_ONCE);
    free_client(c);
}

void gantry_client_hurry(gantry_client *c)
{
    GN_CHECK(c, GN_CLIENT_MAGIC);
    c->is_impatient = c->is_hurried;
    c->is_hurried = true;
    GN_LIST_EACH(&c->old_links, n) {
        struct gn_link *link = GN_CONTAINER(n, struct gn_link, node);
        if (link->ops->hurry)
            link->ops->hurry(link);
    }
}

struct uv_loop_s *gantry_client_loop(gantry_client *c)
{
    GN_CHECK(c, GN_CLIENT_MAGIC);
    return c->uv;
}

static void on_run_over(struct gn_client_timer *timer)
{
    timer->client->stops_running = true;
    gn_client_wake(timer->client); /* else the loop waits for something to come after its timers */
}

/* False if it was closed meanwhile, which it may be on the caller's loop, and is gone. */
static bool run_once(gantry_client *c)
{
    gn_assert(!c->is_running);
    c->is_running = true;
    uv_run(c->uv, UV_RUN_ONCE);
    c->is_running = false;
    if (c->open_handles > 0)
        return true;
    free_client(c);
    return false;
}

void gantry_client_run(gantry_client *c, uint32_t ms)
{
    struct gn_client_timer over = {0};
    GN_CHECK(c, GN_CLIENT_MAGIC);
    c->stops_running = false;
    if (ms != GANTRY_CLIENT_NONE)
        gn_client_timer_start(c, &over, ms, on_run_over);
    while (!c->stops_running) {
        if (!run_once(c))
            return;
    }
    gn_client_timer_stop(&over);
}

void gantry_client_stop(gantry_client *c)
{
    GN_CHECK(c, GN_CLIENT_MAGIC);
    c->stops_running = true;
}

gantry_client_status gantry_request_wait(gantry_request *r)
{
    GN_CHECK(r, GN_REQUEST_MAGIC);
    while (r->client && r->state != GN_REQUEST_DONE)
        run_once(r->client);
    return r->status;
}

gantry_client_state gantry_client_get_state(const gantry_client *c)
{
    return c->state;
}

const char *gantry_client_revision(const gantry_client *c)
{
    return gn_revision_name(c->revision);
}

const gantry_json *gantry_client_server(const gantry_client *c)
{
    return c->server;
}

const char *gantry_client_transport_name(const gantry_client *c)
{
    return c->transport->name;
}

gantry_client_status gantry_client_set_roots(gantry_client *c, const gantry_client_root *roots,
                                             size_t count)
{
    struct gn_error err;
    GN_CHECK(c, GN_CLIENT_MAGIC);
    if (gn_settings_set_roots(&c->s, roots, count, &err)) {
        gn_client_note(c, "%s", err.text);
        return GANTRY_CLIENT_INVALID;
    }
    /* The stateless era asks for them when it needs them. */
    if (c->state == GANTRY_STATE_READY && !gn_client_is_stateless(c))
        gn_client_send_notification(c, "notifications/roots/list_changed", NULL);
    return GANTRY_CLIENT_OK;
}
