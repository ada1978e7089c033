/* metrics.h - numbers that the host and its plugins publish, in the text format of Prometheus.
 *
 *     registry (struct gn_metrics)
 *       families (struct gn_metric): name, type, help, label names, bucket bounds
 *         series (struct gn_series): one combination of label values, and its number or buckets
 *       collectors: write what is known already (sessions, queues, memory) when the page is made
 *
 * A series that exists is updated without a lock; finding one by its label values takes the lock of
 * its family. Series are never taken away, so their number is bounded: what comes after
 * `max_series` of a family, or after GN_METRICS_MAX_SAMPLES lines in all, is counted under the
 * label value "other". Text that a label cannot hold is cut and made valid first.
 *
 * Thread tags as in coro/loop.h; everything without one is for the thread that made the registry.
 */
#ifndef GN_OBSERVE_METRICS_H
#define GN_OBSERVE_METRICS_H

#include "util/buf.h"
#include "util/error.h"

#define GN_METRIC_LABELS 4   /* of a family */
#define GN_METRIC_BUCKETS 64 /* of a histogram */
#define GN_LABEL_BYTES 200   /* of a label's value */
#define GN_METRICS_MAX_FAMILIES 2000
#define GN_METRICS_MAX_SAMPLES 100000 /* lines of the page that families may make */
#define GN_METRICS_PAGE_BYTES ((size_t)128 << 20)
#define GN_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8" /* media type of the page */

enum gn_metric_type { GN_COUNTER = 1, GN_GAUGE, GN_HISTOGRAM };

struct gn_metrics;
struct gn_metric;
struct gn_series;

/* What a family is made from; all of it is copied. */
struct gn_metric_spec {
    enum gn_metric_type type;
    const char *name;          /* [a-zA-Z_:][a-zA-Z0-9_:]*; of counters with "_total" */
    const char *help;          /* a sentence; NULL or "" is refused */
    const char *const *labels; /* names, NULL-terminated; NULL: none */
    const double *bounds;      /* histograms: upper bounds, growing; NULL: gn_metric_seconds */
    size_t bound_count;
    uint32_t max_series; /* 0: 100; GN_METRIC_UNBOUNDED: whoever makes it sees to its bounds */
};
#define GN_METRIC_UNBOUNDED UINT32_MAX

/* Bounds for durations of calls, in seconds: 100 us to 60 s. */
extern const double gn_metric_seconds[];
extern const size_t gn_metric_seconds_count;

/* ---- the registry */
struct gn_metrics *gn_metrics_new(void);
/* Families that somebody still holds live on until they are released; nothing shows them. */
void gn_metrics_free(struct gn_metrics *m);
/* Writes the page: collectors in the order they were added, then families in the order of their
 * names. */
void gn_metrics_write(struct gn_metrics *m, struct gn_buf *out);
/* fn(arg, out) writes samples of its own with gn_metrics_head and gn_metrics_sample. */
void gn_metrics_collect(struct gn_metrics *m, void (*fn)(void *arg, struct gn_buf *out), void *arg);

/* ---- families */
/* A family, with one reference. One of the same name and shape (type, labels, bounds) is shared,
 * numbers and all; one of the same name and another shape hides the older one as long as both are
 * there. `owner` tells who may share (a plugin's instance; "" the host): names of others are taken.
 * NULL: err says what is wrong. */
struct gn_metric *gn_metric_new(struct gn_metrics *m, const char *owner,
                                const struct gn_metric_spec *spec, struct gn_error *err);
void gn_metric_unref(struct gn_metric *metric); /* NULL is fine */
/* What it is; [any]. */
enum gn_metric_type gn_metric_type(const struct gn_metric *metric);
size_t gn_metric_label_count(const struct gn_metric *metric);
const char *gn_metric_name(const struct gn_metric *metric);

/* The series of these label values, as many as the family has labels (NULL where it has none); made
 * when it is first asked for. Never NULL, lives as long as the family. [any] */
struct gn_series *gn_metric_series(struct gn_metric *metric, const char *const *values);

/* ---- series. [any]; a number that makes no sense (a counter that falls, what is not a number in a
 * counter or histogram) is ignored. The type must fit: that is asserted. */
void gn_series_add(struct gn_series *s, double value);     /* counter, gauge */
void gn_series_set(struct gn_series *s, double value);     /* gauge */
void gn_series_observe(struct gn_series *s, double value); /* histogram */
/* What it holds: the value; of a histogram the sum. [any] */
double gn_series_value(const struct gn_series *s);
/* Of a histogram: how many were observed. [any] */
uint64_t gn_series_count(const struct gn_series *s);

/* ---- counters of lower floors, which only have the registry at hand */
enum gn_count {
    GN_COUNT_LOG_DROPPED = 0, /* log lines that a client did not get */
    GN_COUNTS
};
/* [any] NULL is fine. */
void gn_metrics_count(struct gn_metrics *m, enum gn_count which, uint64_t n);
uint64_t gn_metrics_counted(const struct gn_metrics *m, enum gn_count which);

/* ---- what collectors write with. [any] */
void gn_metrics_head(struct gn_buf *out, const char *name, enum gn_metric_type type,
                     const char *help);
/* `labels`: name, value, name, value, ..., NULL; NULL: none. */
void gn_metrics_sample(struct gn_buf *out, const char *name, const char *const *labels,
                       double value);

#endif
