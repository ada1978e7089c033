/* host_log.c - log lines with fields, levels and timers of plugins. */
#include "plugin/host_internal.h"

#include "call/lines.h"
#include "call/timers.h"
#include "plugin/host_errors.h"
#include "util/buf.h"

#include <stdio.h>
#include <string.h>

#define LABEL_MAX 96
#define MAX_LOG_TEXT ((size_t)64 << 10)
#define CATEGORY_MAX 128

void gn_host_logv(gantry_call *call, uint32_t level, const char *fmt, va_list ap)
{
    if (gn_host_runs(call))
        gn_call_log_with(call, level, NULL, NULL, fmt, ap);
}

void gn_host_log_withv(gantry_call *call, uint32_t level, const char *category,
                       const gantry_field *fields, const char *fmt, va_list ap)
{
    if (gn_host_runs(call))
        gn_call_log_with(call, level, category && *category ? category : NULL, fields, fmt, ap);
}

int gn_host_log_enabled(gantry_call *call, uint32_t level, const char *category)
{
    bool for_client;
    if (!gn_host_runs(call))
        return 0;
    level = GN_MIN(level & ~(uint32_t)GANTRY_USER_VISIBLE, (uint32_t)GN_EMERGENCY);
    return gn_call_wants(call, (enum gn_level)level, category, &for_client) || for_client;
}

/* ---------------------------------------------------------------- outside of calls */

void gn_host_plugin_log_withv(gantry_plugin *g, uint32_t level, const char *category,
                              const gantry_field *fields, const char *fmt, va_list ap)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    char label[LABEL_MAX];
    snprintf(label, sizeof label, "plugin %s", g->instance);
    struct gn_record r = {
        .level = (enum gn_level)GN_MIN(level & ~(uint32_t)GANTRY_USER_VISIBLE,
                                       (uint32_t)GN_EMERGENCY),
        .component = label,
        .instance = g->instance,
        .category = category && *category ? category : NULL,
        .fields = fields,
    };
    bool for_client;
    if (!gn_log_wants(g->env->log, r.level, g->instance, r.category, -1, &for_client))
        return;
    struct gn_buf text = GN_BUF_INIT(MAX_LOG_TEXT);
    gn_buf_vaddf(&text, fmt, ap);
    r.text = gn_buf_str(&text);
    gn_log_record(g->env->log, &r);
    gn_buf_release(&text);
}

void gn_host_plugin_logv(gantry_plugin *g, uint32_t level, const char *fmt, va_list ap)
{
    gn_host_plugin_log_withv(g, level, NULL, NULL, fmt, ap);
}

int gn_host_set_log_level(gantry_plugin *g, const char *category, int32_t level)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    if (level < -1 || level > GN_EMERGENCY ||
        (category && strnlen(category, CATEGORY_MAX + 1) > CATEGORY_MAX))
        return GANTRY_EINVAL;
    if (category && !*category)
        category = NULL;
    /* The log of a probe knows no levels; what starts there must start all the same. */
    int rc = gn_log_set_level(g->env->log, g->instance, category, level);
    return rc == GN_ENOTSUP ? GANTRY_OK : gn_host_code(rc);
}

/* ---------------------------------------------------------------- timers */

int gn_host_timer(gantry_call *call, uint32_t what, const char *name, double *ret_seconds)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    switch (what) {
    case GANTRY_TIMER_BEGIN:
        return gn_host_code(gn_call_timer_begin(call, name));
    case GANTRY_TIMER_END:
        return gn_host_code(gn_call_timer_end(call, name));
    case GANTRY_TIMER_ELAPSED:
        return ret_seconds ? gn_host_code(gn_call_timer_elapsed(call, name, ret_seconds))
                           : GANTRY_EINVAL;
    case GANTRY_TIMER_SUMMARY:
        return gn_host_code(gn_call_timer_summary(call));
    default:
        return GANTRY_ENOTSUP;
    }
}
