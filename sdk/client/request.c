/* request.c - the life of a request: made, waiting, sent, perhaps sent again, ended, freed. */
#include "internal.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/meta.h"

#include <string.h>

#define TABLE_MIN 16
#define TEXT_FIRST ((size_t)960) /* bytes; most requests are shorter */
#define MESSAGE_MAX 4096         /* bytes of what a person reads */
#define REASON_MAX 1024          /* bytes of what the server is told about a cancellation */

/* ---------------------------------------------------------------- the table of ids
 *
 * Ids count up, so a power of two of slots with id & mask holds those under way without a search.
 * An id whose slot is taken by one that has lasted is skipped; the table is at most half full. */

static void put_by_id(gantry_client *c, gantry_request *r)
{
    if (c->sent_count * 2 >= c->by_id_cap) {
        size_t cap = c->by_id_cap ? c->by_id_cap * 2 : TABLE_MIN;
        gantry_request **table = gn_calloc(cap, sizeof(gantry_request *));
        for (size_t i = 0; i < c->by_id_cap; i++) {
            if (c->by_id[i])
                table[(size_t)c->by_id[i]->id & (cap - 1)] = c->by_id[i];
        }
        gn_free(c->by_id);
        c->by_id = table;
        c->by_id_cap = cap;
    }
    do {
        c->last_id++;
    } while (c->by_id[(size_t)c->last_id & (c->by_id_cap - 1)]);
    r->id = c->last_id;
    c->by_id[(size_t)r->id & (c->by_id_cap - 1)] = r;
    c->sent_count++;
}

static void take_by_id(gantry_client *c, gantry_request *r)
{
    c->by_id[(size_t)r->id & (c->by_id_cap - 1)] = NULL;
    c->sent_count--;
}

gantry_request *gn_request_find(gantry_client *c, int64_t id)
{
    if (id <= 0 || !c->by_id_cap)
        return NULL;
    gantry_request *r = c->by_id[(size_t)id & (c->by_id_cap - 1)];
    return r && r->id == id ? r : NULL;
}

/* ---------------------------------------------------------------- ending */

static void forget_steps(gantry_request *r)
{
    gn_rounds_forget(r);
    gn_tasks_forget(r);
    gn_lists_forget(r);
    gn_param_headers_drop(r);
}

/* An answer to `initialize` must not be cancelled; the stateless era cancels over Streamable HTTP
 * by closing the stream. */
static void tell_cancelled(gantry_request *r, const char *reason)
{
    gantry_client *c = r->client;
    struct gn_buf params = GN_BUF_INIT(SIZE_MAX / 2);
    if (!c->link || gn_streq(r->method, "initialize") ||
        (c->link->ops->has_exchanges && c->revision != GN_REV_NONE && gn_client_is_stateless(c)))
        return;
    gn_buf_addf(&params, "{\"requestId\":%lld", (long long)r->id);
    if (reason) {
        gn_buf_adds(&params, ",\"reason\":");
        gn_json_write_str(&params, reason, gn_utf8_cut(reason, strlen(reason), REASON_MAX));
    }
    gn_buf_addc(&params, '}');
    gn_client_send_notification(c, "notifications/cancelled", gn_buf_str(&params));
    gn_buf_release(&params);
}

void gn_request_let_go(gantry_request *r, bool tell, const char *reason)
{
    gantry_client *c = r->client;
    struct gn_link *link = c->link;
    if (r->state != GN_REQUEST_SENT)
        return;
    r->state = GN_REQUEST_ASKING;
    take_by_id(c, r);
    if (tell)
        tell_cancelled(r, reason);
    if (link && link->ops->forget) /* a handler may have closed it meanwhile */
        link->ops->forget(link, r, !tell);
    gn_questions_gone(c, r);
}

static bool is_over(const gantry_request *r)
{
    return r->state >= GN_REQUEST_ENDED;
}

static void end(gantry_request *r, gantry_client_status status)
{
    gantry_client *c = r->client;
    bool tell = status == GANTRY_CLIENT_CANCELLED || status == GANTRY_CLIENT_TIMEOUT;
    gn_request_let_go(r, tell, status == GANTRY_CLIENT_TIMEOUT ? "timeout" : NULL);
    if (is_over(r))
        return; /* a handler was quicker */
    r->status = status;
    r->state = GN_REQUEST_ENDED; /* so that handlers cannot end it again meanwhile */
    gn_client_timer_stop(&r->deadline);
    gn_client_timer_stop(&r->pause);
    forget_steps(r);
    gn_questions_gone(c, r);
    gn_list_remove(&r->in_queue);
    if (!r->is_internal && !r->is_part)
        c->request_count--;
    gn_list_append(&c->ended, &r->in_queue);
    gn_client_wake(c);
}

void gn_request_end(gantry_request *r, gantry_client_status status, const char *fmt, ...)
{
    va_list ap;
    if (is_over(r))
        return;
    va_start(ap, fmt);
    gn_free(r->message);
    r->message = gn_vformat(fmt, ap);
    va_end(ap);
    end(r, status);
}

/* The texts of a tool's result that says it failed. */
static void keep_tool_error(gantry_request *r)
{
    struct gn_buf text = GN_BUF_INIT(MESSAGE_MAX);
    const gantry_json *content = gn_json_get(r->result, "content"), *block = NULL;
    while ((block = gn_json_next(content, block))) {
        const char *s = gn_json_cstr(gn_json_get(block, "text"));
        if (s)
            gn_buf_addf(&text, "%s%s", text.len ? "\n" : "", s);
    }
    r->message = gn_strdup(text.len ? gn_buf_str(&text) : "the tool failed and does not say why");
    gn_buf_release(&text);
}

void gn_request_end_result(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result)
{
    bool failed = false;
    if (is_over(r))
        return;
    r->doc = *doc;
    *doc = (struct gn_json_doc){0};
    r->result = result;
    if (gn_streq(r->method, "tools/call"))
        gn_json_bool(gn_json_get(result, "isError"), &failed);
    if (failed)
        keep_tool_error(r);
    if (!r->is_internal)
        r->client->failures = 0;
    end(r, failed ? GANTRY_CLIENT_TOOL_ERROR : GANTRY_CLIENT_OK);
}

void gn_request_end_empty(gantry_request *r)
{
    struct gn_json_doc doc = {0};
    if (gn_json_parse_copy(&doc, "{}", 2, NULL, NULL) == 0)
        gn_request_end_result(r, &doc, gn_json_root(&doc));
}

void gn_request_end_error(gantry_request *r, struct gn_json_doc *doc, const gantry_json *error)
{
    int64_t code = 0;
    if (is_over(r))
        return;
    r->doc = *doc;
    *doc = (struct gn_json_doc){0};
    r->error_data = gn_json_get(error, "data");
    gn_json_int(gn_json_get(error, "code"), &code);
    r->error_code = (int)GN_MAX(GN_MIN(code, (int64_t)INT32_MAX), (int64_t)INT32_MIN);
    const char *message = gn_json_cstr(gn_json_get(error, "message"));
    r->message = gn_strdup(message && *message ? message : "the server gives no reason");
    end(r, GANTRY_CLIENT_ERROR);
}

/* ---------------------------------------------------------------- time */

static void on_deadline(struct gn_client_timer *timer)
{
    gantry_request *r = GN_CONTAINER(timer, gantry_request, deadline);
    const char *what = r->state == GN_REQUEST_WAITING ? "no connection for" : "no answer to";
    bool is_total = gn_clock_ms() >= r->end_ms;
    gn_request_end(r, GANTRY_CLIENT_TIMEOUT, "%s: %s %s%s%s in time (%u ms%s)", r->client->s.shown,
                   what, r->method, r->name ? " " : "", r->name ? r->name : "",
                   is_total ? r->o.total_timeout_ms : r->o.timeout_ms, is_total ? " in all" : "");
}

/* The whole of its time, or what is left in all. */
static void set_deadline(gantry_request *r, bool only_total)
{
    uint64_t now = gn_clock_ms(), left = r->end_ms > now ? r->end_ms - now : 0;
    uint32_t timeout = r->o.timeout_ms;
    only_total = only_total || r->client->is_patient ||
                 (!r->is_internal && gn_questions_wait(r->client, r));
    if (!only_total && timeout != GANTRY_CLIENT_NONE)
        left = GN_MIN(left, (uint64_t)timeout);
    if (left < UINT64_MAX / 2)
        gn_client_timer_start(r->client, &r->deadline, left, on_deadline);
    else
        gn_client_timer_stop(&r->deadline);
}

void gn_request_progressed(gantry_request *r)
{
    if (r->client->s.progress_resets && r->state == GN_REQUEST_SENT)
        set_deadline(r, false);
}

void gn_request_be_patient(gantry_request *r, bool is_so)
{
    if (r->state == GN_REQUEST_SENT)
        set_deadline(r, is_so);
}

void gn_client_be_patient(gantry_client *c, bool is_so)
{
    c->is_patient = is_so;
    GN_LIST_EACH(&c->requests, n) {
        gantry_request *r = GN_CONTAINER(n, gantry_request, node);
        if (r->state == GN_REQUEST_SENT || r->state == GN_REQUEST_WAITING)
            set_deadline(r, is_so);
    }
}

void gn_request_asked(gantry_client *c, gantry_request *r)
{
    if (r && r->state == GN_REQUEST_SENT)
        set_deadline(r, false);
    if (r)
        return;
    GN_LIST_EACH(&c->requests, n) {
        r = GN_CONTAINER(n, gantry_request, node);
        if (r->state == GN_REQUEST_SENT && !r->is_internal)
            set_deadline(r, false);
    }
}

void gn_request_hold(gantry_request *r)
{
    gn_request_let_go(r, false, NULL);
    r->state = GN_REQUEST_ASKING;
    set_deadline(r, true);
}

/* ---------------------------------------------------------------- sending */

static void wait_for_client(gantry_request *r)
{
    gantry_client *c = r->client;
    r->state = GN_REQUEST_WAITING;
    gn_list_remove(&r->in_queue);
    gn_list_append(&c->waiting, &r->in_queue);
    gn_client_connect(c);
}

static bool is_offered(gantry_request *r)
{
    gantry_client *c = r->client;
    bool stateless = gn_client_is_stateless(c);
    if (r->is_internal || !r->kind)
        return true;
    if (!(stateless ? r->kind->in_stateless : r->kind->in_handshake)) {
        gn_request_end(r, GANTRY_CLIENT_UNSUPPORTED, "revision %s does not have %s",
                       gn_revision_name(c->revision), r->method);
        return false;
    }
    if (r->kind->capability && !gn_client_server_can(c, r->kind->capability)) {
        gn_request_end(r, GANTRY_CLIENT_UNSUPPORTED, "the server does not offer %s (for %s)",
                       r->kind->capability, r->method);
        return false;
    }
    return true;
}

void gn_request_send(gantry_request *r)
{
    gantry_client *c = r->client;
    struct gn_buf text = GN_BUF_INIT(c->s.max_message);
    gn_list_remove(&r->in_queue);
    if (is_over(r))
        return;
    if (!c->link || (!r->is_internal && c->state != GANTRY_STATE_READY)) {
        wait_for_client(r);
        return;
    }
    if ((r->before && r->before(r)) || !is_offered(r) || gn_cache_answers(r))
        return;
    if (!r->is_internal && !gn_param_headers_set(r))
        return;
    gn_tasks_prepare(r);
    put_by_id(c, r);
    r->state = GN_REQUEST_SENT;
    set_deadline(r, false);
    gn_buf_reserve(&text, GN_MIN(TEXT_FIRST, c->s.max_message)); /* growing costs more */
    if (gn_compose_request(c, r, &text)) {
        gn_request_end(r, GANTRY_CLIENT_LIMIT, "%s is larger than %zu bytes", r->method,
                       c->s.max_message);
    } else {
        struct gn_outgoing m = {
            .text = text.data,
            .len = text.len,
            .request = r,
            .method = r->method,
            .name = r->name,
            .headers = (const char *const *)r->headers,
            .param_headers = (const char *const *)r->param_headers,
        };
        c->link->ops->send(c->link, &m);
        if (c->s.handlers.on_message)
            c->s.handlers.on_message(c, true, text.data, text.len, c->s.arg);
    }
    gn_buf_release(&text);
}

static void on_pause(struct gn_client_timer *timer)
{
    gn_request_send(GN_CONTAINER(timer, gantry_request, pause));
}

void gn_request_send_later(gantry_request *r, uint64_t delay_ms)
{
    if (is_over(r))
        return;
    gn_request_let_go(r, false, NULL);
    r->state = GN_REQUEST_PAUSED;
    set_deadline(r, true);
    gn_client_timer_start(r->client, &r->pause, delay_ms, on_pause);
}

void gn_request_fail(gantry_request *r, const struct gn_failure *f)
{
    gantry_client *c = r->client;
    bool may_repeat = f->was_not_sent || r->o.may_retry || (r->kind && r->kind->is_safe);
    if (is_over(r))
        return;
    r->http_status = f->http_status;
    r->is_passing = f->is_passing;
    r->retry_after_ms = f->retry_after_ms;
    if (r->is_internal || !may_repeat || !f->is_passing || r->tries >= c->s.retries) {
        gn_request_end(r, f->status, "%s", f->why.text);
        return;
    }
    r->tries++;
    uint64_t delay = gn_client_backoff(c, r->tries);
    delay = GN_MAX(delay, f->retry_after_ms);
    if (gn_clock_ms() + delay >= r->end_ms) {
        gn_request_end(r, f->status, "%s", f->why.text);
        return;
    }
    gn_client_note(c, "%s; %s is sent again in %llu ms", f->why.text, r->method,
                   (unsigned long long)delay);
    gn_request_send_later(r, delay);
}

void gn_request_start(gantry_request *r)
{
    gantry_client *c = r->client;
    if (is_over(r))
        return;
    if (!r->is_internal && !r->is_part && c->request_count > c->s.max_requests) {
        gn_request_end(r, GANTRY_CLIENT_LIMIT, "%u requests are under way already",
                       c->s.max_requests);
        return;
    }
    set_deadline(r, false);
    gn_request_send(r);
}

/* ---------------------------------------------------------------- making */

/* Moves `_meta` of params to that of the options, which it goes before. */
static void take_meta(gantry_request *r, const gantry_json *params, const gantry_json *meta)
{
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    const gantry_json *v = NULL;
    gn_json_write(&out, meta);
    if (r->meta && strlen(r->meta) > 2) {
        gn_buf_cut(&out, out.len - 1);
        gn_buf_adds(&out, out.len > 1 ? "," : "");
        gn_buf_adds(&out, r->meta + 1);
    }
    gn_free(r->meta);
    r->meta = gn_buf_take(&out, NULL);
    gn_buf_addc(&out, '{');
    while ((v = gn_json_next(params, v))) {
        size_t len;
        const char *name = gn_json_name(v, &len);
        if (v == meta)
            continue;
        gn_buf_adds(&out, out.len > 1 ? "," : "");
        gn_json_write_str(&out, name, len);
        gn_buf_addc(&out, ':');
        gn_json_write(&out, v);
    }
    gn_buf_addc(&out, '}');
    gn_free(r->params);
    r->params = gn_buf_take(&out, NULL);
}

/* The caller may have put it there. */
static void split_params(gantry_request *r)
{
    struct gn_json_doc doc = {0};
    if (!r->params || !strstr(r->params, "\"" GN_META "\"") ||
        gn_json_parse_copy(&doc, r->params, strlen(r->params), NULL, NULL))
        return;
    const gantry_json *meta = gn_json_get(gn_json_root(&doc), GN_META);
    if (gn_json_type(meta) == GN_JSON_OBJECT)
        take_meta(r, gn_json_root(&doc), meta);
    else if (meta)
        gn_request_end(r, GANTRY_CLIENT_INVALID, "_meta of %s is not a JSON object", r->method);
    gn_json_release(&doc);
}

/* A JSON object without blanks between its tokens; sets *ret to an owned copy, and *name to that of
 * its texts which name_member says (NULL: of none). False if it is none. */
static bool read_object(const char *text, char **ret, const char *name_member, char **name)
{
    struct gn_json_doc doc = {0};
    *ret = NULL;
    if (!text)
        return true;
    size_t len = strlen(text);
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    bool ok = gn_json_parse_copy(&doc, text, len, NULL, NULL) == 0 &&
              gn_json_type(gn_json_root(&doc)) == GN_JSON_OBJECT;
    if (ok && !strpbrk(text, " \t\r\n")) /* nothing between its tokens */
        *ret = gn_strndup(text, len);
    else if (ok && (ok = gn_json_write(&out, gn_json_root(&doc)) == 0))
        *ret = gn_buf_take(&out, NULL);
    if (ok && name_member)
        *name = gn_strdup(gn_json_cstr(gn_json_get(gn_json_root(&doc), name_member)));
    gn_buf_release(&out);
    gn_json_release(&doc);
    return ok;
}

static void check_headers(gantry_request *r)
{
    struct gn_error err;
    for (char **h = r->headers; h && *h; h++) {
        if (gn_settings_check_header(*h, &err))
            gn_request_end(r, GANTRY_CLIENT_INVALID, "%s", err.text);
    }
}

static void set_options(gantry_request *r, const gantry_request_options *options)
{
    const struct gn_client_settings *s = &r->client->s;
    if (options && options->size < offsetof(gantry_request_options, timeout_ms)) {
        gn_client_note(r->client, "the options of %s are without their size", r->method);
        gn_request_end(r, GANTRY_CLIENT_INVALID, "options of %s: without their size", r->method);
    } else if (options) {
        memcpy(&r->o, options, GN_MIN(options->size, sizeof(r->o)));
        r->headers = gn_texts_copy((char *const *)(uintptr_t)r->o.headers);
        check_headers(r);
    }
    if (!read_object(r->o.meta, &r->meta, NULL, NULL))
        gn_request_end(r, GANTRY_CLIENT_INVALID, "meta of %s is not a JSON object", r->method);
    r->o.meta = NULL;
    r->o.headers = NULL;
    r->o.timeout_ms = r->o.timeout_ms ? r->o.timeout_ms : s->timeout_ms;
    uint32_t total = r->o.total_timeout_ms ? r->o.total_timeout_ms : s->total_timeout_ms;
    r->o.total_timeout_ms = total;
    r->end_ms = total == GANTRY_CLIENT_NONE ? UINT64_MAX : gn_clock_ms() + total;
    r->belongs_to_nobody = r->o.on_done != NULL;
}

gantry_request *gn_request_new(gantry_client *c, const char *method, const char *params,
                               const gantry_request_options *options)
{
    GN_CHECK(c, GN_CLIENT_MAGIC);
    gantry_request *r = gn_calloc(1, sizeof(*r));
    r->magic = GN_REQUEST_MAGIC;
    r->client = c;
    gn_list_init(&r->in_queue);
    gn_list_append(&c->requests, &r->node);
    c->request_count++;
    r->method = gn_strdup(method ? method : "");
    r->kind = gn_method_find(r->method);
    set_options(r, options);
    if (!method || !*method)
        gn_request_end(r, GANTRY_CLIENT_INVALID, "a request without a method");
    else if (!read_object(params, &r->params, r->kind ? r->kind->name_member : NULL, &r->name))
        gn_request_end(r, GANTRY_CLIENT_INVALID, "what goes with %s is not a JSON object", method);
    else
        split_params(r);
    if (c->is_closing)
        gn_request_end(r, GANTRY_CLIENT_CANCELLED, "the client is closed");
    return r;
}

gantry_request *gn_request_internal(gantry_client *c, const char *method, const char *params,
                                    uint32_t timeout_ms, void (*done)(gantry_request *r, void *arg),
                                    void *arg)
{
    gantry_request *r = gn_request_new(
        c, method, params,
        &(gantry_request_options){
            .size = sizeof(gantry_request_options),
            .timeout_ms = timeout_ms,
            .total_timeout_ms = timeout_ms == GANTRY_CLIENT_NONE ? GANTRY_CLIENT_NONE : 0});
    if (!is_over(r))
        c->request_count--;
    r->is_internal = true;
    r->belongs_to_nobody = true;
    r->internal_done = done;
    r->internal_arg = arg;
    gn_request_send(r);
    return r;
}

/* ---------------------------------------------------------------- interface */

void gn_request_free_now(gantry_request *r)
{
    gn_list_remove(&r->node);
    gn_list_remove(&r->in_queue);
    gn_json_release(&r->doc);
    gn_free(r->method);
    gn_free(r->params);
    gn_free(r->meta);
    gn_free(r->extra);
    gn_free(r->name);
    gn_texts_free(r->headers);
    gn_texts_free(r->param_headers);
    gn_free(r->cache_key);
    gn_free(r->message);
    gn_free(r->text);
    gn_free(r->task_id);
    r->magic = 0;
    gn_free(r);
}

void gantry_request_free(gantry_request *r)
{
    if (!r)
        return;
    GN_CHECK(r, GN_REQUEST_MAGIC);
    if (r->state == GN_REQUEST_DONE) {
        if (!r->belongs_to_nobody) /* else it is freed once on_done has returned */
            gn_request_free_now(r);
        return;
    }
    r->belongs_to_nobody = true;
    r->o.on_done = NULL;
    gantry_request_cancel(r, NULL);
}

void gantry_request_cancel(gantry_request *r, const char *reason)
{
    GN_CHECK(r, GN_REQUEST_MAGIC);
    if (is_over(r))
        return;
    gn_request_let_go(r, true, reason);
    gn_request_end(r, GANTRY_CLIENT_CANCELLED, "cancelled%s%s", reason ? ": " : "",
                   reason ? reason : "");
}

gantry_client *gantry_request_client(const gantry_request *r)
{
    return r->client;
}

bool gantry_request_is_done(const gantry_request *r)
{
    return r->state == GN_REQUEST_DONE;
}

gantry_client_status gantry_request_status(const gantry_request *r)
{
    return r->status;
}

const gantry_json *gantry_request_result(const gantry_request *r)
{
    return r->result;
}

const char *gantry_request_message(const gantry_request *r)
{
    return r->message ? r->message : "";
}

int gantry_request_error_code(const gantry_request *r)
{
    return r->error_code;
}

const gantry_json *gantry_request_error_data(const gantry_request *r)
{
    return r->error_data;
}

int gantry_request_http_status(const gantry_request *r)
{
    return r->http_status;
}

const char *gantry_request_task_id(const gantry_request *r)
{
    return r->task_id;
}
