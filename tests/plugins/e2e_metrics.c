/* e2e_metrics.c - metrics of a plugin, one source, two builds: METRICS is 1 or 2. The second has
 * one metric of the same shape as the first, and one of another. */
#include <gantry.h>

#include <stdio.h>
#include <stdlib.h>

#ifndef METRICS
#define METRICS 1
#endif

typedef struct {
    gantry_metric *orders, *level, *size;
} meters;

static int metrics_start(gantry_call *call, gantry_plugin *plugin)
{
    static const char *const paths[] = {"path", NULL};
    static const double bounds[] = {1, 10};
    (void)call;
    meters *m = calloc(1, sizeof *m);
    if (!m)
        return GANTRY_EFAILED;
    gantry_set_state(plugin, m);
    m->orders = gantry_metric_new(plugin, GANTRY_METRIC(GANTRY_COUNTER, "orders", "Orders taken",
                                                        .labels = paths, .max_series = 3));
#if METRICS == 1
    m->level = gantry_metric_new(plugin, GANTRY_METRIC(GANTRY_GAUGE, "level", "How high"));
#else
    m->level = gantry_metric_new(
        plugin, GANTRY_METRIC(GANTRY_GAUGE, "level", "How high, by path", .labels = paths));
#endif
    m->size = gantry_metric_new(plugin, GANTRY_METRIC(GANTRY_HISTOGRAM, "size_bytes", "How large",
                                                      .buckets = bounds, .bucket_count = 2));
    gantry_metric_new(plugin, GANTRY_METRIC(GANTRY_GAUGE, "not-a-name", "Is refused"));
    gantry_metric_new(plugin, GANTRY_METRIC(GANTRY_COUNTER, "orders", "Twice, without the label"));
    return GANTRY_OK;
}

static void metrics_stop(gantry_plugin *plugin)
{
    free(gantry_state(plugin));
}

typedef struct {
    const char *path;
    double value;
} update_in;
static const gantry_arg update_args[] = {
    GANTRY_ARG(update_in, path, "A label"),
    GANTRY_ARG(update_in, value, "A number"),
    GANTRY_ARGS_END,
};

static int update(gantry_call *call, const update_in *in)
{
    const meters *m = gantry_state(gantry_self(call));
    const char *const labels[] = {in->path};
    gantry_metric_add(m->orders, in->value, labels);
    gantry_metric_set(m->level, in->value, METRICS == 1 ? NULL : labels);
    gantry_metric_observe(m->size, in->value, NULL);
    return gantry_text(call, "%d", METRICS);
}

GANTRY_TOOL(update, update_in, "Counts in all metrics")
{
    return update(call, in);
}
#define update_blocking_args update_args
GANTRY_TOOL(update_blocking, update_in, "The same on a worker thread", .flags = GANTRY_BLOCKING)
{
    return update(call, in);
}
GANTRY_TOOL0(misuse, "Uses metrics as they are not meant")
{
    const meters *m = gantry_state(gantry_self(call));
    for (int i = 0; i < 100; i++) {
        gantry_metric_add(m->orders, 1, NULL);
        gantry_metric_observe(m->level, 1, NULL);
        gantry_metric_add(NULL, 1, NULL);
    }
    return gantry_text(call, "done");
}
GANTRY_TOOL0(late, "Makes a metric on a worker thread", .flags = GANTRY_BLOCKING)
{
    gantry_metric *m = gantry_metric_new(gantry_self(call),
                                         GANTRY_METRIC(GANTRY_COUNTER, "late", "Comes late"));
    return gantry_text(call, m ? "made" : "refused");
}

GANTRY_PLUGIN("metrics", METRICS == 1 ? "1.0.0" : "2.0.0", .start = metrics_start,
              .stop = metrics_stop,
              .tools = GANTRY_TOOLS(&update_tool, &update_blocking_tool, &misuse_tool, &late_tool));
