/* metrics.c - families and their series: made, found, counted up. */
#include "observe/metrics_internal.h"

#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <string.h>

#define METRICS_MAGIC 0x3e781c55u
#define DEFAULT_SERIES 100
#define NAME_BYTES 200
#define HELP_BYTES 1000
#define KEY_BYTES (GN_METRIC_LABELS * (GN_LABEL_BYTES + 1))
#define LABELS_BYTES (16u * 1024) /* names and values of one series, escaped */

struct collector {
    struct collector *next;
    void (*fn)(void *arg, struct gn_buf *out);
    void *arg;
};

struct gn_metrics {
    uint32_t magic;
    size_t refs;          /* the registry's own, and one for each family */
    struct gn_metric **v; /* by name; of one name the newest first */
    size_t count;
    uint32_t samples; /* atomic: lines that the series of all families make */
    uint64_t counts[GN_COUNTS];
    struct collector *collectors, **collectors_end;
};

const double gn_metric_seconds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                    0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                    1,      2.5,     5,      10,    30,     60};
const size_t gn_metric_seconds_count = GN_COUNT(gn_metric_seconds);

/* ---------------------------------------------------------------- registry */

struct gn_metrics *gn_metrics_new(void)
{
    struct gn_metrics *m = gn_calloc(1, sizeof(*m));
    m->magic = METRICS_MAGIC;
    m->refs = 1;
    m->collectors_end = &m->collectors;
    return m;
}

static void release(struct gn_metrics *m)
{
    if (--m->refs > 0)
        return;
    gn_free(m->v);
    m->magic = 0;
    gn_free(m);
}

void gn_metrics_free(struct gn_metrics *m)
{
    if (!m)
        return;
    GN_CHECK(m, METRICS_MAGIC);
    while (m->collectors) {
        struct collector *c = m->collectors;
        m->collectors = c->next;
        gn_free(c);
    }
    release(m);
}

void gn_metrics_collect(struct gn_metrics *m, void (*fn)(void *arg, struct gn_buf *out), void *arg)
{
    GN_CHECK(m, METRICS_MAGIC);
    struct collector *c = gn_calloc(1, sizeof(*c));
    c->fn = fn;
    c->arg = arg;
    *m->collectors_end = c;
    m->collectors_end = &c->next;
}

void gn_metrics_write(struct gn_metrics *m, struct gn_buf *out)
{
    GN_CHECK(m, METRICS_MAGIC);
    for (const struct collector *c = m->collectors; c; c = c->next)
        c->fn(c->arg, out);
    for (size_t i = 0; i < m->count; i++) {
        if (i == 0 || !gn_streq(m->v[i]->name, m->v[i - 1]->name))
            gn_metric_write(m->v[i], out);
    }
}

void gn_metrics_count(struct gn_metrics *m, enum gn_count which, uint64_t n)
{
    if (m)
        __atomic_fetch_add(&m->counts[which], n, __ATOMIC_RELAXED);
}

uint64_t gn_metrics_counted(const struct gn_metrics *m, enum gn_count which)
{
    return __atomic_load_n(&m->counts[which], __ATOMIC_RELAXED);
}

/* ---------------------------------------------------------------- what a family may look like */

static bool is_name(const char *s, bool is_label)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_",
                      more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t len = strspn(s, more);
    return len > 0 && len <= NAME_BYTES && !s[len] && strchr(first, *s) &&
           !(is_label && gn_starts_with(s, "__"));
}

static int check_name(const struct gn_metric_spec *spec, struct gn_error *err)
{
    static const char *const endings[] = {"_count", "_sum", "_bucket"};
    if (!spec->name || !is_name(spec->name, false))
        return gn_error_set(err, GN_EINVAL,
                            "the name must be 1 to %d of a-z A-Z 0-9 _ and not begin with a digit",
                            NAME_BYTES);
    for (size_t i = 0; i < GN_COUNT(endings); i++) {
        if (gn_ends_with(spec->name, endings[i]))
            return gn_error_set(err, GN_EINVAL,
                                "a name cannot end in %s: histograms make such names", endings[i]);
    }
    if ((spec->type == GN_COUNTER) != gn_ends_with(spec->name, "_total"))
        return gn_error_set(err, GN_EINVAL, "the names of counters, and no others, end in _total");
    return 0;
}

static int check_labels(const struct gn_metric_spec *spec, struct gn_error *err)
{
    const char *const *labels = spec->labels;
    for (size_t i = 0; labels && labels[i]; i++) {
        if (i == GN_METRIC_LABELS)
            return gn_error_set(err, GN_ETOOBIG, "a metric has %d labels at most",
                                GN_METRIC_LABELS);
        if (!is_name(labels[i], true) || gn_streq(labels[i], "le") ||
            gn_streq(labels[i], "quantile"))
            return gn_error_set(err, GN_EINVAL,
                                "label %zu must be of a-z A-Z 0-9 _, not begin with a digit or __, "
                                "and not be le or quantile",
                                i + 1);
        for (size_t j = 0; j < i; j++) {
            if (gn_streq(labels[i], labels[j]))
                return gn_error_set(err, GN_EINVAL, "the label %s stands there twice", labels[i]);
        }
    }
    return 0;
}

static int check_bounds(const struct gn_metric_spec *spec, struct gn_error *err)
{
    if (spec->type != GN_HISTOGRAM && spec->bound_count)
        return gn_error_set(err, GN_EINVAL, "only histograms have buckets");
    if (spec->bound_count > GN_METRIC_BUCKETS)
        return gn_error_set(err, GN_ETOOBIG, "a histogram has %d buckets at most",
                            GN_METRIC_BUCKETS);
    for (size_t i = 0; spec->bounds && i < spec->bound_count; i++) {
        if (!isfinite(spec->bounds[i]) || (i && spec->bounds[i] <= spec->bounds[i - 1]))
            return gn_error_set(err, GN_EINVAL,
                                "the bounds of buckets must be numbers, each above the one before "
                                "(the one above all is there already)");
    }
    return 0;
}

static int check_spec(const struct gn_metric_spec *spec, struct gn_error *err)
{
    if (spec->type < GN_COUNTER || spec->type > GN_HISTOGRAM)
        return gn_error_set(err, GN_EINVAL, "the type must be counter, gauge or histogram");
    int rc = check_name(spec, err);
    if (!rc)
        rc = check_labels(spec, err);
    if (!rc)
        rc = check_bounds(spec, err);
    if (rc)
        return rc;
    size_t len = spec->help ? strnlen(spec->help, HELP_BYTES + 1) : 0;
    if (len == 0 || len > HELP_BYTES || !gn_utf8_valid(spec->help, len))
        return gn_error_set(err, GN_EINVAL, "help must be a text of 1 to %d bytes", HELP_BYTES);
    return 0;
}

/* ---------------------------------------------------------------- series */

static uint32_t lines_of(const struct gn_metric *f)
{
    return f->type == GN_HISTOGRAM ? (uint32_t)f->bound_count + 3 : 1;
}

/* The values stand at `key`, one after the other, each with its NUL. */
static struct gn_series *series_new(struct gn_metric *f, const char *key)
{
    size_t buckets = f->type == GN_HISTOGRAM ? f->bound_count + 1 : 0;
    struct gn_series *s = gn_calloc(1, sizeof(*s) + buckets * sizeof(s->buckets[0]));
    struct gn_buf labels = GN_BUF_INIT(LABELS_BYTES);
    for (size_t i = 0; i < f->label_count; i++, key += strlen(key) + 1)
        gn_metrics_add_label(&labels, f->labels[i], key);
    s->magic = GN_SERIES_MAGIC;
    s->metric = f;
    s->labels = gn_buf_take(&labels, NULL);
    if (f->last)
        f->last->next = s;
    else
        f->first = s;
    f->last = s;
    return s;
}

/* False: there are as many as there may be. */
static bool take_room(struct gn_metric *f)
{
    if (f->max_series == GN_METRIC_UNBOUNDED)
        return true;
    if (f->series_count >= f->max_series)
        return false;
    uint32_t lines = lines_of(f),
             all = __atomic_add_fetch(&f->metrics->samples, lines, __ATOMIC_RELAXED);
    if (all > GN_METRICS_MAX_SAMPLES) {
        __atomic_sub_fetch(&f->metrics->samples, lines, __ATOMIC_RELAXED);
        return false;
    }
    f->series_count++;
    return true;
}

/* A value as it can stand in a label, with its NUL; what is not UTF-8 becomes question marks.
 * Returns its length with the NUL. */
static size_t put_value(char *to, const char *value)
{
    if (!value)
        value = "";
    size_t len = strnlen(value, GN_LABEL_BYTES + 4);
    if (len > GN_LABEL_BYTES)
        len = gn_utf8_cut(value, len, GN_LABEL_BYTES);
    memcpy(to, value, len);
    for (size_t i = 0, n; !gn_utf8_valid(to, len) && i < len; i += n) {
        n = gn_utf8_sequence(to + i, len - i);
        if (n == 0) {
            to[i] = '?';
            n = 1;
        }
    }
    to[len] = '\0';
    return len + 1;
}

static struct gn_series *other_series(struct gn_metric *f)
{
    static const char *const values[GN_METRIC_LABELS] = {"other", "other", "other", "other"};
    char key[KEY_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < f->label_count; i++)
        len += put_value(key + len, values[i]);
    f->other = gn_map_findn(&f->by_values, key, len);
    if (!f->other) {
        f->other = series_new(f, key);
        gn_map_putn(&f->by_values, key, len, f->other);
    }
    return f->other;
}

struct gn_series *gn_metric_series(struct gn_metric *f, const char *const *values)
{
    GN_CHECK(f, GN_METRIC_MAGIC);
    if (f->label_count == 0)
        return f->first;
    char key[KEY_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < f->label_count; i++)
        len += put_value(key + len, values[i]);
    pthread_mutex_lock(&f->lock);
    struct gn_series *s = gn_map_findn(&f->by_values, key, len);
    if (!s && take_room(f)) {
        s = series_new(f, key);
        gn_map_putn(&f->by_values, key, len, s);
    } else if (!s) {
        s = f->other ? f->other : other_series(f);
    }
    pthread_mutex_unlock(&f->lock);
    return s;
}

static void add(double *cell, double value)
{
    double before, after;
    __atomic_load(cell, &before, __ATOMIC_RELAXED);
    do
        after = before + value;
    while (!__atomic_compare_exchange(cell, &before, &after, true, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED));
}

void gn_series_add(struct gn_series *s, double value)
{
    GN_CHECK(s, GN_SERIES_MAGIC);
    gn_assert(s->metric->type != GN_HISTOGRAM);
    if (s->metric->type == GN_COUNTER && !(value >= 0 && isfinite(value)))
        return;
    add(&s->value, value);
}

void gn_series_set(struct gn_series *s, double value)
{
    GN_CHECK(s, GN_SERIES_MAGIC);
    gn_assert(s->metric->type == GN_GAUGE);
    __atomic_store(&s->value, &value, __ATOMIC_RELAXED);
}

void gn_series_observe(struct gn_series *s, double value)
{
    GN_CHECK(s, GN_SERIES_MAGIC);
    const struct gn_metric *f = s->metric;
    gn_assert(f->type == GN_HISTOGRAM);
    if (!isfinite(value))
        return;
    size_t i = 0;
    while (i < f->bound_count && value > f->bounds[i])
        i++;
    __atomic_fetch_add(&s->buckets[i], 1, __ATOMIC_RELAXED);
    add(&s->value, value);
}

double gn_series_value(const struct gn_series *s)
{
    double value;
    __atomic_load(&s->value, &value, __ATOMIC_RELAXED);
    return value;
}

uint64_t gn_series_count(const struct gn_series *s)
{
    uint64_t count = 0;
    for (size_t i = 0; s->metric->type == GN_HISTOGRAM && i <= s->metric->bound_count; i++)
        count += __atomic_load_n(&s->buckets[i], __ATOMIC_RELAXED);
    return count;
}

/* ---------------------------------------------------------------- families */

static bool same_shape(const struct gn_metric *a, const struct gn_metric *b)
{
    bool same = a->type == b->type && a->label_count == b->label_count &&
                a->bound_count == b->bound_count;
    for (size_t i = 0; same && i < a->label_count; i++)
        same = gn_streq(a->labels[i], b->labels[i]);
    for (size_t i = 0; same && i < a->bound_count; i++)
        same = a->bounds[i] == b->bounds[i];
    return same;
}

static void metric_free(struct gn_metric *f)
{
    while (f->first) {
        struct gn_series *s = f->first;
        f->first = s->next;
        s->magic = 0;
        gn_free(s->labels);
        gn_free(s);
    }
    gn_map_release(&f->by_values, NULL);
    pthread_mutex_destroy(&f->lock);
    for (size_t i = 0; i < f->label_count; i++)
        gn_free(f->labels[i]);
    gn_free(f->bounds);
    gn_free(f->owner);
    gn_free(f->name);
    gn_free(f->help);
    f->magic = 0;
    gn_free(f);
}

static struct gn_metric *metric_make(struct gn_metrics *m, const char *owner,
                                     const struct gn_metric_spec *spec)
{
    struct gn_metric *f = gn_calloc(1, sizeof(*f));
    bool is_histogram = spec->type == GN_HISTOGRAM, given = spec->bounds && spec->bound_count;
    const double *bounds = given ? spec->bounds : gn_metric_seconds;
    f->magic = GN_METRIC_MAGIC;
    f->refs = 1;
    f->metrics = m;
    f->type = spec->type;
    f->owner = gn_strdup(owner);
    f->name = gn_strdup(spec->name);
    f->help = gn_strdup(spec->help);
    while (spec->labels && spec->labels[f->label_count]) {
        f->labels[f->label_count] = gn_strdup(spec->labels[f->label_count]);
        f->label_count++;
    }
    if (is_histogram) {
        f->bound_count = given ? spec->bound_count : gn_metric_seconds_count;
        f->bounds = gn_calloc(f->bound_count, sizeof(double));
        memcpy(f->bounds, bounds, f->bound_count * sizeof(double));
    }
    f->max_series = spec->max_series ? spec->max_series : DEFAULT_SERIES;
    pthread_mutex_init(&f->lock, NULL);
    gn_map_init(&f->by_values);
    return f;
}

/* What is no part of the shape is as the newest says. */
static void renew(struct gn_metric *f, struct gn_metric *like)
{
    char *help = f->help;
    f->help = like->help;
    like->help = help;
    pthread_mutex_lock(&f->lock);
    f->max_series = like->max_series;
    pthread_mutex_unlock(&f->lock);
}

static void insert(struct gn_metrics *m, struct gn_metric *f, size_t at)
{
    m->v = gn_reallocarray(m->v, m->count + 1, sizeof(struct gn_metric *));
    memmove(&m->v[at + 1], &m->v[at], (m->count - at) * sizeof(struct gn_metric *));
    m->v[at] = f;
    m->count++;
    m->refs++;
    if (f->label_count == 0)
        series_new(f, "");
}

struct gn_metric *gn_metric_new(struct gn_metrics *m, const char *owner,
                                const struct gn_metric_spec *spec, struct gn_error *err)
{
    GN_CHECK(m, METRICS_MAGIC);
    if (check_spec(spec, err))
        return NULL;
    size_t at = 0;
    while (at < m->count && strcmp(m->v[at]->name, spec->name) < 0)
        at++;
    struct gn_metric *f = metric_make(m, owner, spec);
    for (size_t i = at; i < m->count && gn_streq(m->v[i]->name, spec->name); i++) {
        struct gn_metric *old = m->v[i];
        bool own = gn_streq(old->owner, owner);
        if (own && !same_shape(old, f))
            continue;
        if (own)
            renew(old, f);
        metric_free(f);
        if (!own) {
            gn_error_set(err, GN_EEXIST, "%s is a metric of %s already", spec->name, old->owner);
            return NULL;
        }
        old->refs++;
        /* The newest is what the page shows. */
        memmove(&m->v[at + 1], &m->v[at], (i - at) * sizeof(struct gn_metric *));
        m->v[at] = old;
        return old;
    }
    if (m->count >= GN_METRICS_MAX_FAMILIES) {
        metric_free(f);
        gn_error_set(err, GN_ETOOBIG, "there are %d metrics already", GN_METRICS_MAX_FAMILIES);
        return NULL;
    }
    insert(m, f, at);
    return f;
}

void gn_metric_unref(struct gn_metric *f)
{
    if (!f)
        return;
    GN_CHECK(f, GN_METRIC_MAGIC);
    if (--f->refs > 0)
        return;
    struct gn_metrics *m = f->metrics;
    size_t at = 0;
    while (m->v[at] != f)
        at++;
    m->count--;
    memmove(&m->v[at], &m->v[at + 1], (m->count - at) * sizeof(struct gn_metric *));
    __atomic_sub_fetch(&m->samples, f->series_count * lines_of(f), __ATOMIC_RELAXED);
    metric_free(f);
    release(m);
}

enum gn_metric_type gn_metric_type(const struct gn_metric *f)
{
    return f->type;
}

size_t gn_metric_label_count(const struct gn_metric *f)
{
    return f->label_count;
}

const char *gn_metric_name(const struct gn_metric *f)
{
    return f->name;
}
