/* host_background.c - background work and schedules of plugins. */
#include "plugin/host_internal.h"

int gn_host_spawn(gantry_call *call, const gantry_background *work)
{
    (void)call, (void)work;
    return GANTRY_ENOTSUP;
}
gantry_schedule *gn_host_schedule(gantry_plugin *g, const gantry_background *work,
                                  uint32_t after_ms, uint32_t every_ms)
{
    (void)g, (void)work, (void)after_ms, (void)every_ms;
    return NULL;
}
void gn_host_schedule_stop(gantry_schedule *schedule)
{
    (void)schedule;
}
