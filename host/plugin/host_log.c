/* host_log.c - log lines with fields, levels and timers of plugins. */
#include "plugin/host_internal.h"

void gn_host_log_withv(gantry_call *call, uint32_t level, const char *category,
                       const gantry_field *fields, const char *fmt, va_list ap)
{
    (void)category, (void)fields;
    gn_host_logv(call, level, fmt, ap);
}
void gn_host_plugin_log_withv(gantry_plugin *g, uint32_t level, const char *category,
                              const gantry_field *fields, const char *fmt, va_list ap)
{
    (void)category, (void)fields;
    gn_host_plugin_logv(g, level, fmt, ap);
}
int gn_host_log_enabled(gantry_call *call, uint32_t level, const char *category)
{
    (void)call, (void)level, (void)category;
    return 1;
}
int gn_host_set_log_level(gantry_plugin *g, const char *category, int32_t level)
{
    (void)g, (void)category, (void)level;
    return GANTRY_ENOTSUP;
}
int gn_host_timer(gantry_call *call, uint32_t what, const char *name, double *ret_seconds)
{
    (void)call, (void)what, (void)name, (void)ret_seconds;
    return GANTRY_ENOTSUP;
}
