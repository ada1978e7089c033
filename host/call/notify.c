/* notify.c - what a handler says while it runs: progress and log lines. */
#include "call/internal.h"
#include "call/lines.h"
#include "observe/rules.h"
#include "util/clock.h"
#include "util/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_LOG_TEXT 8192
#define MAX_MESSAGE 4096
#define MAX_LINE ((size_t)256 << 10) /* of one log line, as the client gets it */
#define MAX_NOTE ((size_t)64 << 10)
#define TRACE_ID 32 /* digits */
#define NOTES "call"

struct notice {
    struct gn_call *call; /* the outermost one: it has the way to the client */
    const char *method;
    const char *params;
    size_t len;
};

static void notify_on_loop(void *arg)
{
    struct notice *n = arg;
    if (n->call->finished || !n->call->ops || !n->call->ops->notify)
        return;
    /* It must not overtake a line that was logged before. */
    if (gn_lines_flush(n->call))
        (void)n->call->ops->notify(n->call, n->method, n->params, n->len, GN_MAY);
}

static struct gn_call *outermost(struct gn_call *call)
{
    while (call->parent)
        call = call->parent;
    return call;
}

static void notify(struct gn_call *call, const char *method, const struct gn_buf *params)
{
    struct notice n = {outermost(call), method, gn_buf_str(params), params->len};
    if (call->task && gn_task_is_worker(call->task))
        gn_task_on_loop(call->task, notify_on_loop, &n);
    else
        notify_on_loop(&n);
}

/* A bucket that refills with time: bursts pass, floods do not. */
static bool may_send_progress(struct gn_call *call, bool is_last)
{
    uint64_t now = gn_clock_ms();
    uint64_t refill = (now - call->progress_last_ms) / GN_PROGRESS_REFILL_MS;
    if (refill > 0) {
        call->progress_tokens = (uint32_t)GN_MIN(refill + call->progress_tokens, GN_PROGRESS_BURST);
        call->progress_last_ms = now;
    }
    if (call->progress_tokens > 0)
        call->progress_tokens--;
    else if (!is_last)
        return false;
    return true;
}

static const char *token_of(const struct gn_call *call)
{
    while (call->parent && call->parent->is_stand_in)
        call = call->parent;
    return call->progress_token;
}

int gn_call_progress(struct gn_call *call, double done, double total, const char *message)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    if (!isfinite(done) || !isfinite(total) || done <= call->progress_done)
        return GANTRY_EINVAL;
    /* The step that reaches the total is always told; those after it are like any other. */
    bool is_last = total > 0 && done >= total && call->progress_done < total;
    const char *token = token_of(call);
    call->progress_done = done;
    if (!token || !may_send_progress(call, is_last))
        return GANTRY_OK;
    struct gn_buf params = GN_BUF_INIT(MAX_MESSAGE * 6 + 1024 + strlen(token));
    struct gn_jw w;
    gn_jw_init(&w, &params);
    gn_jw_object(&w, NULL);
    gn_jw_raw(&w, "progressToken", token, strlen(token));
    gn_jw_num(&w, "progress", done);
    if (total > 0)
        gn_jw_num(&w, "total", total);
    if (message && call->revision >= GN_REV_2025_03_26)
        gn_jw_strn(&w, "message", message, strnlen(message, MAX_MESSAGE));
    gn_jw_end(&w);
    notify(call, "notifications/progress", &params);
    gn_buf_release(&params);
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- log lines */

/* Whose code speaks. */
static const char *speaker(const struct gn_call *call)
{
    return call->self ? call->self->name : "gantry";
}

/* What of a call is bound to its lines, for as long as one is made. */
struct bound {
    const struct gn_call *call;
    char trace_id[TRACE_ID + 1];
};

static void add_raw(gn_bound_fn *add, void *to, const char *name, const char *json)
{
    gantry_value value = gantry_value_text(json);
    value.type = GN_VALUE_RAW;
    if (json)
        add(to, name, &value);
}

static void add_text(gn_bound_fn *add, void *to, const char *name, const char *text)
{
    gantry_value value = gantry_value_text(text);
    if (text)
        add(to, name, &value);
}

/* "00-TRACEID-..." as it was checked when the request came. */
static const char *trace_id(struct bound *b)
{
    const char *parent = b->call->traceparent;
    if (!parent || strlen(parent) < 3 + TRACE_ID)
        return NULL;
    memcpy(b->trace_id, parent + 3, TRACE_ID);
    return b->trace_id;
}

static void each_item(void *arg, uint32_t bind, gn_bound_fn *add, void *to)
{
    struct bound *b = arg;
    const struct gn_call *call = b->call;
    if (bind & GN_BIND_REQUEST_ID)
        add_raw(add, to, "request_id", call->request_id);
    if (bind & GN_BIND_SESSION_ID)
        add_text(add, to, "session_id", call->session_id);
    if (bind & GN_BIND_CLIENT)
        add_text(add, to, "client", call->client_name);
    if (bind & GN_BIND_PRINCIPAL)
        add_text(add, to, "principal", call->principal);
    if (bind & GN_BIND_TRACE_ID)
        add_text(add, to, "trace_id", trace_id(b));
    if (bind & GN_BIND_TRANSPORT)
        add_text(add, to, "transport", call->transport);
    if (bind & GN_BIND_METHOD)
        add_text(add, to, "method", call->method);
    if (bind & GN_BIND_COMPONENT)
        add_text(add, to, "component", call->component ? call->component->key : NULL);
}

/* The first of a name counts: what a plugin bound goes before what the operator asked for. */
static void each_bound(void *arg, uint32_t bind, gn_bound_fn *add, void *to)
{
    struct bound *b = arg;
    gn_scope_each_logged(b->call, add, to);
    each_item(b, bind, add, to);
}

/* Plain text if that is all there is. */
static void write_data(const struct gn_event *e, struct gn_jw *w)
{
    if (e->count == 0 && e->left_out == 0 && !e->record->user_visible) {
        gn_jw_str(w, "data", e->text);
        return;
    }
    gn_jw_object(w, "data");
    gn_jw_str(w, "message", e->text);
    gn_jw_object(w, "context");
    gn_event_write_fields(e, w);
    gn_jw_end(w);
    if (e->record->user_visible)
        gn_jw_bool(w, "user_visible", true);
    gn_jw_end(w);
}

static void write_params(const struct gn_event *e, struct gn_buf *out)
{
    const struct gn_record *r = e->record;
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "level", gn_level_names[r->level]);
    gn_jw_str(&w, "logger", r->category ? r->category : r->instance);
    write_data(e, &w);
    gn_jw_end(&w);
}

static void to_client(struct gn_call *call, const struct gn_record *r)
{
    static const struct gn_chain plain;
    struct gn_log_rules *rules = gn_log_rules_of(call->env->log);
    struct gn_event e;
    struct gn_buf params = GN_BUF_INIT(MAX_LINE);
    gn_event_make(&e, r, rules ? &rules->client : &plain, 0, rules ? rules->redactor : NULL);
    write_params(&e, &params);
    if (params.overflow) { /* without its fields it fits */
        gn_buf_clear(&params);
        e.left_out += e.count;
        e.count = 0;
        write_params(&e, &params);
    }
    gn_lines_put(call, r->level, gn_buf_str(&params), params.len);
    gn_buf_release(&params);
    gn_event_release(&e);
    gn_log_rules_unref(rules);
}

bool gn_call_wants(const struct gn_call *call, enum gn_level level, const char *category,
                   bool *ret_client)
{
    const struct gn_call *outer = call;
    while (outer->parent)
        outer = outer->parent;
    return gn_log_wants(call->env->log, level, speaker(call), category, outer->log_level,
                        ret_client);
}

static void send_line(struct gn_call *call, struct gn_record *r, bool to_host, bool for_client)
{
    struct bound bound = {.call = call};
    r->component = gn_call_label(call);
    r->instance = speaker(call);
    r->each_bound = each_bound;
    r->bound_arg = &bound;
    if (to_host)
        gn_log_record(call->env->log, r);
    if (for_client)
        to_client(call, r);
    r->bound_arg = NULL;
}

void gn_call_log_with(struct gn_call *call, uint32_t level, const char *category,
                      const gantry_field *fields, const char *fmt, va_list ap)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    bool for_client;
    enum gn_level severity = (enum gn_level)GN_MIN(level & ~(uint32_t)GANTRY_USER_VISIBLE,
                                                   (uint32_t)GN_EMERGENCY);
    bool to_host = gn_call_wants(call, severity, category, &for_client);
    if (!to_host && !for_client)
        return;
    struct gn_record r = {
        .level = severity,
        .user_visible = level & GANTRY_USER_VISIBLE,
        .category = category,
        .fields = fields,
    };
    char text[MAX_LOG_TEXT];
    int n = vsnprintf(text, sizeof text, fmt, ap);
    if (n >= (int)sizeof text)
        text[gn_utf8_cut(text, sizeof text - 1, sizeof text - 1)] = '\0';
    r.text = n < 0 ? fmt : text;
    send_line(call, &r, to_host, for_client);
}

void gn_call_log_json(struct gn_call *call, enum gn_level level, const char *category,
                      const struct gn_log_json *json, size_t count, const char *text)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    struct gn_record r = {
        .level = level, .category = category, .json = json, .json_count = count, .text = text};
    bool for_client;
    bool to_host = gn_call_wants(call, level, category, &for_client);
    if (to_host || for_client)
        send_line(call, &r, to_host, for_client);
}

/* Without the scope: that belongs to whoever runs the call, which may be another thread. */
void gn_call_note(const struct gn_call *call, enum gn_level level, const char *fmt, ...)
{
    struct gn_log *log = call->env->log;
    bool for_client;
    if (!gn_log_wants(log, level, NOTES, NULL, -1, &for_client))
        return;
    struct bound bound = {.call = call};
    struct gn_buf text = GN_BUF_INIT(MAX_NOTE);
    struct gn_record r = {
        .level = level, .component = NOTES, .each_bound = each_item, .bound_arg = &bound};
    va_list ap;
    va_start(ap, fmt);
    gn_buf_vaddf(&text, fmt, ap);
    va_end(ap);
    r.text = gn_buf_str(&text);
    gn_log_record(log, &r);
    gn_buf_release(&text);
}

void gn_call_log(struct gn_call *call, enum gn_level level, const char *fmt, va_list ap)
{
    gn_call_log_with(call, (uint32_t)level, NULL, NULL, fmt, ap);
}
