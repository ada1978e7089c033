/* notify.c - what a handler says while it runs: progress and log lines. */
#include "call/internal.h"
#include "util/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_LOG_TEXT 8192
#define MAX_MESSAGE 4096

struct notice {
    struct gn_call *call; /* the outermost one: it has the way to the client */
    const char *method;
    const char *params;
    size_t len;
};

static void notify_on_loop(void *arg)
{
    struct notice *n = arg;
    if (n->call->ops && n->call->ops->notify && !n->call->finished)
        (void)n->call->ops->notify(n->call, n->method, n->params, n->len, false);
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

int gn_call_progress(struct gn_call *call, double done, double total, const char *message)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    if (!isfinite(done) || !isfinite(total) || done <= call->progress_done)
        return GANTRY_EINVAL;
    /* The step that reaches the total is always told; those after it are like any other. */
    bool is_last = total > 0 && done >= total && call->progress_done < total;
    call->progress_done = done;
    if (!call->progress_token || !may_send_progress(call, is_last))
        return GANTRY_OK;
    struct gn_buf params = GN_BUF_INIT(MAX_MESSAGE * 6 + 1024 + strlen(call->progress_token));
    struct gn_jw w;
    gn_jw_init(&w, &params);
    gn_jw_object(&w, NULL);
    gn_jw_raw(&w, "progressToken", call->progress_token, strlen(call->progress_token));
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

void gn_call_log(struct gn_call *call, enum gn_level level, const char *fmt, va_list ap)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    if (level > GN_EMERGENCY)
        level = GN_EMERGENCY;
    struct gn_log *log = call->env->log;
    bool to_client = outermost(call)->log_level >= 0 && (int)level >= outermost(call)->log_level;
    if (!to_client && (!log || level < log->level))
        return;
    char text[MAX_LOG_TEXT];
    vsnprintf(text, sizeof text, fmt, ap);
    gn_log(log, level, gn_call_label(call), "%s", text);
    if (!to_client)
        return;
    struct gn_buf params = GN_BUF_INIT(MAX_LOG_TEXT * 6 + 1024);
    struct gn_jw w;
    gn_jw_init(&w, &params);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "level", gn_level_names[level]);
    gn_jw_str(&w, "logger", call->self ? call->self->name : "gantry");
    gn_jw_str(&w, "data", text);
    gn_jw_end(&w);
    notify(call, "notifications/message", &params);
    gn_buf_release(&params);
}
