/* host_metrics.c - metrics that plugins define.
 *
 * A handle belongs to one generation, what it counts in (observe/metrics.h) to all generations of
 * the instance that ask for the same: numbers go on through a reload, and go with the last of them.
 */
#include "plugin/host_internal.h"

#include "observe/metrics.h"
#include "plugin/abi_internal.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

#define METRICS_MAX 200 /* of one generation */
#define LABEL_BYTES 96

#define METRIC_MAGIC 0x3e781c77u
struct gantry_metric {
    uint32_t magic;
    gantry_plugin *g;
    gantry_metric *next; /* in g->metrics */
    struct gn_metric *family;
    struct gn_series *only; /* without labels; else NULL */
    bool told;              /* atomic: a misuse has been logged */
};

static void tell(const gantry_plugin *g, const char *name, const char *text)
{
    char label[LABEL_BYTES];
    snprintf(label, sizeof(label), "plugin %s", g->instance);
    gn_log(g->env->log, GN_ERROR, label, "metric %.200s: %s", name ? name : "(without a name)",
           text);
}

/* "gantry_plugin_INSTANCE_NAME", of counters with "_total". Owned by the caller. */
static char *full_name(const gantry_plugin *g, const gantry_metric_spec *spec)
{
    bool ends = spec->type != GANTRY_COUNTER || gn_ends_with(spec->name, "_total");
    char *name = gn_format("gantry_plugin_%s_%s%s", g->instance, spec->name, ends ? "" : "_total");
    /* Names of instances may have dots and dashes; those of metrics may not. */
    size_t from = strlen("gantry_plugin_"), to = from + strlen(g->instance);
    for (size_t i = from; i < to; i++) {
        if (name[i] == '-' || name[i] == '.')
            name[i] = '_';
    }
    return name;
}

static struct gn_metric *family_of(gantry_plugin *g, const gantry_metric_spec *spec,
                                   struct gn_error *err)
{
    if (!spec->name || !*spec->name) {
        gn_error_set(err, GN_EINVAL, "it needs a name");
        return NULL;
    }
    GN_AUTO_FREE char *name = full_name(g, spec);
    GN_AUTO_FREE char *owner = gn_format("plugin %s", g->instance);
    return gn_metric_new(g->env->metrics, owner,
                         &(struct gn_metric_spec){
                             .type = (enum gn_metric_type)spec->type,
                             .name = name,
                             .help = spec->help,
                             .labels = spec->labels,
                             .bounds = spec->buckets,
                             .bound_count = spec->buckets ? spec->bucket_count : 0,
                             .max_series = spec->max_series == GN_METRIC_UNBOUNDED
                                               ? spec->max_series - 1
                                               : spec->max_series,
                         },
                         err);
}

/* The handle of a family that this generation has; takes the reference over. */
static gantry_metric *handle_of(gantry_plugin *g, struct gn_metric *family, struct gn_error *err)
{
    size_t count = 0;
    for (gantry_metric *m = g->metrics; m; m = m->next, count++) {
        bool is_same = m->family == family;
        if (!is_same && !gn_streq(gn_metric_name(m->family), gn_metric_name(family)))
            continue;
        gn_metric_unref(family);
        if (!is_same) /* the page would show one of them only */
            gn_error_set(err, GN_EEXIST,
                         "the plugin has one of that name, with another kind, "
                         "other labels or buckets");
        return is_same ? m : NULL;
    }
    if (count >= METRICS_MAX) {
        gn_metric_unref(family);
        gn_error_set(err, GN_ETOOBIG, "a plugin has %d metrics at most", METRICS_MAX);
        return NULL;
    }
    gantry_metric *m = gn_calloc(1, sizeof(*m));
    m->magic = METRIC_MAGIC;
    m->g = g;
    m->family = family;
    m->only = gn_metric_label_count(family) ? NULL : gn_metric_series(family, NULL);
    m->next = g->metrics;
    g->metrics = m;
    return m;
}

gantry_metric *gn_host_metric_new(gantry_plugin *g, const gantry_metric_spec *raw)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    gantry_metric_spec spec = {0};
    struct gn_error err = {0};
    struct gn_metric *family = NULL;
    int rc = raw ? gn_abi_copy(&spec, sizeof spec, offsetof(gantry_metric_spec, labels), raw, &err)
                 : gn_error_set(&err, GN_EINVAL, "there is no description of it");
    if (rc == 0 && !gn_loop_is_current(g->env->loop))
        gn_error_set(&err, GN_EPERM, "it is made in start, or by a handler that does not block");
    else if (rc == 0 && !g->env->metrics) /* a host that counts nothing */
        return NULL;
    else if (rc == 0)
        family = family_of(g, &spec, &err);
    gantry_metric *m = family ? handle_of(g, family, &err) : NULL;
    if (!m)
        tell(g, spec.name, err.text);
    return m;
}

/* Told once: it would be told with each call. */
static void misuse(gantry_metric *m, const char *text)
{
    if (!__atomic_exchange_n(&m->told, true, __ATOMIC_RELAXED))
        tell(m->g, gn_metric_name(m->family), text);
}

void gn_host_metric_update(gantry_metric *m, uint32_t what, double value,
                           const char *const *label_values)
{
    if (!m)
        return;
    GN_CHECK(m, METRIC_MAGIC);
    enum gn_metric_type type = gn_metric_type(m->family);
    if (!m->only && !label_values) {
        misuse(m, "it has labels, and was given no values for them");
        return;
    }
    struct gn_series *s = m->only ? m->only : gn_metric_series(m->family, label_values);
    if (what == GANTRY_METRIC_ADD && type != GN_HISTOGRAM)
        gn_series_add(s, value);
    else if (what == GANTRY_METRIC_SET && type == GN_GAUGE)
        gn_series_set(s, value);
    else if (what == GANTRY_METRIC_OBSERVE && type == GN_HISTOGRAM)
        gn_series_observe(s, value);
    else
        misuse(m, "counters take gantry_metric_add, gauges that and gantry_metric_set, histograms "
                  "gantry_metric_observe");
}

void gn_generation_free_metrics(gantry_plugin *g)
{
    while (g->metrics) {
        gantry_metric *m = g->metrics;
        g->metrics = m->next;
        gn_metric_unref(m->family);
        m->magic = 0;
        gn_free(m);
    }
}
