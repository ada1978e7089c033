/* metrics_internal.h - what the files of the metrics share; private to this folder. */
#ifndef GN_OBSERVE_METRICS_INTERNAL_H
#define GN_OBSERVE_METRICS_INTERNAL_H

#include "observe/metrics.h"
#include "util/map.h"

#include <pthread.h>

#define GN_SERIES_MAGIC 0x5e71e500u
struct gn_series {
    uint32_t magic;
    struct gn_metric *metric;
    struct gn_series *next; /* in the order they were made; under the family's lock */
    char *labels;           /* as on the page, without braces; "" without labels */
    double value;           /* atomic; of a histogram the sum */
    uint64_t buckets[];     /* atomic; histograms: one for each bound, and one above */
};

#define GN_METRIC_MAGIC 0x3e781c00u
struct gn_metric {
    uint32_t magic, refs;
    struct gn_metrics *metrics;
    enum gn_metric_type type;
    char *owner, *name, *help;
    char *labels[GN_METRIC_LABELS];
    size_t label_count;
    double *bounds;
    size_t bound_count;
    uint32_t max_series;

    pthread_mutex_t lock;    /* over what follows */
    struct gn_map by_values; /* values joined by NUL -> series */
    struct gn_series *first, *last;
    struct gn_series *other; /* of what is too much; NULL: nothing yet */
    uint32_t series_count;
};

/* Writes the family, if it has a series. */
void gn_metric_write(struct gn_metric *f, struct gn_buf *out);
/* Adds `name="value"`, after a comma if a label stands before it. */
void gn_metrics_add_label(struct gn_buf *out, const char *name, const char *value);
void gn_metrics_add_number(struct gn_buf *out, double v);

#endif
