/* host_metrics.c - metrics that plugins define. */
#include "plugin/host_internal.h"

gantry_metric *gn_host_metric_new(gantry_plugin *g, const gantry_metric_spec *spec)
{
    (void)g, (void)spec;
    return NULL;
}
void gn_host_metric_update(gantry_metric *metric, uint32_t what, double value,
                           const char *const *label_values)
{
    (void)metric, (void)what, (void)value, (void)label_values;
}
