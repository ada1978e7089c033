/* metrics.c - families, series, bounds, and the page they make. */
#include "observe/metrics.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

GN_SUITE(metrics);

static const char *const two_labels[] = {"path", "code", NULL};
static const char *const one_label[] = {"path", NULL};

#define VALUES(...) ((const char *const[]){__VA_ARGS__})

static struct gn_metric *make(struct gn_metrics *m, const struct gn_metric_spec *spec)
{
    struct gn_error err = {0};
    struct gn_metric *f = gn_metric_new(m, "test", spec, &err);
    cr_assert_not_null(f, "%s", err.text);
    return f;
}

static struct gn_metric *counter(struct gn_metrics *m, const char *name, const char *const *labels)
{
    return make(m, &(struct gn_metric_spec){
                       .type = GN_COUNTER, .name = name, .help = "Help", .labels = labels});
}

static void assert_page(struct gn_metrics *m, const char *expected)
{
    struct gn_buf out = GN_BUF_INIT(1 << 20);
    gn_metrics_write(m, &out);
    cr_assert_str_eq(gn_buf_str(&out), expected);
    gn_buf_release(&out);
}

static void assert_has(struct gn_metrics *m, const char *line, bool is_there)
{
    struct gn_buf out = GN_BUF_INIT(1 << 24);
    gn_metrics_write(m, &out);
    GN_AUTO_FREE char *whole = gn_format("\n%s\n", line);
    cr_assert_eq(strstr(gn_buf_str(&out), whole) != NULL, is_there, "%s in:\n%s", line,
                 gn_buf_str(&out));
    gn_buf_release(&out);
}

static void assert_refused(struct gn_metrics *m, const struct gn_metric_spec *spec,
                           const char *part)
{
    struct gn_error err = {0};
    cr_assert_null(gn_metric_new(m, "test", spec, &err), "%s", part);
    cr_assert_not_null(strstr(err.text, part), "\"%s\" does not tell of \"%s\"", err.text, part);
}

/* ---------------------------------------------------------------- the page */

Test(metrics, a_counter_without_labels_is_there_from_the_start)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = counter(m, "a_total", NULL);
    assert_page(m, "# HELP a_total Help\n# TYPE a_total counter\na_total 0\n");
    gn_series_add(gn_metric_series(f, NULL), 2.5);
    assert_page(m, "# HELP a_total Help\n# TYPE a_total counter\na_total 2.5\n");
    gn_metric_unref(f);
    assert_page(m, "");
    gn_metrics_free(m);
}

Test(metrics, a_family_without_series_is_not_shown)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = counter(m, "a_total", one_label);
    assert_page(m, "");
    gn_metric_unref(f);
    gn_metrics_free(m);
}

Test(metrics, labels_and_help_are_escaped)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = make(m, &(struct gn_metric_spec){.type = GN_COUNTER,
                                                           .name = "a_total",
                                                           .help = "A \\ and\na \"quote\"",
                                                           .labels = two_labels});
    gn_series_add(gn_metric_series(f, VALUES("a\"b\\c\nd", "")), 1);
    gn_series_add(gn_metric_series(f, VALUES("gr\xc3\xbc\xc3\x9f", "{}=,")), 1);
    assert_page(m, "# HELP a_total A \\\\ and\\na \"quote\"\n# TYPE a_total counter\n"
                   "a_total{path=\"a\\\"b\\\\c\\nd\",code=\"\"} 1\n"
                   "a_total{path=\"gr\xc3\xbc\xc3\x9f\",code=\"{}=,\"} 1\n");
    gn_metric_unref(f);
    gn_metrics_free(m);
}

Test(metrics, label_values_are_cut_and_made_valid_before_they_are_told_apart)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = counter(m, "a_total", one_label);
    char longer[GN_LABEL_BYTES + 40], longest[GN_LABEL_BYTES + 80];
    memset(longer, 'x', sizeof(longer));
    memset(longest, 'x', sizeof(longest));
    longer[sizeof(longer) - 1] = longest[sizeof(longest) - 1] = '\0';
    cr_assert_eq(gn_metric_series(f, VALUES(longer)), gn_metric_series(f, VALUES(longest)));
    /* The character that would be cut in two is left out. */
    memcpy(longer + GN_LABEL_BYTES - 1, "\xc3\xa4", 2);
    memcpy(longest + GN_LABEL_BYTES - 1, "\xc3\xb6", 2);
    cr_assert_eq(gn_metric_series(f, VALUES(longer)), gn_metric_series(f, VALUES(longest)));
    cr_assert_eq(gn_metric_series(f, VALUES("a\xff"
                                            "b")),
                 gn_metric_series(f, VALUES("a\xfe"
                                            "b")));
    assert_has(m, "a_total{path=\"a?b\"} 0", true);
    cr_assert_eq(gn_metric_series(f, VALUES(NULL)), gn_metric_series(f, VALUES("")));
    gn_metric_unref(f);
    gn_metrics_free(m);
}

Test(metrics, values_that_run_together_are_different_series)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = counter(m, "a_total", two_labels);
    cr_assert_neq(gn_metric_series(f, VALUES("ab", "c")), gn_metric_series(f, VALUES("a", "bc")));
    gn_metric_unref(f);
    gn_metrics_free(m);
}

Test(metrics, numbers_are_written_so_that_they_read_back)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-3, "-3"},
        {1e15, "1000000000000000"},
        {0.1, "0.1"},
        {1.0 / 3, NULL},
        {1e300, "1e+300"},
        {1.5e-7, "1.5e-07"},
        {INFINITY, "+Inf"},
        {NAN, "NaN"},
        {-INFINITY, "-Inf"},
        {123456.789, "123456.789"},
        {-0.25, "-0.25"},
        {2147483648, "2147483648"},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct gn_buf out = GN_BUF_INIT(1024);
        gn_metrics_sample(&out, "a", NULL, cases[i].value);
        if (cases[i].text) {
            GN_AUTO_FREE char *expected = gn_format("a %s\n", cases[i].text);
            cr_assert_str_eq(gn_buf_str(&out), expected);
        } else {
            cr_assert_eq(strtod(gn_buf_str(&out) + 2, NULL), cases[i].value);
        }
        gn_buf_release(&out);
    }
}

Test(metrics, families_stand_in_the_order_of_their_names_after_what_collectors_write)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *b = counter(m, "b_total", NULL), *a = counter(m, "a_total", NULL),
                     *c = counter(m, "c_total", NULL);
    struct gn_buf out = GN_BUF_INIT(1 << 16);
    gn_metrics_write(m, &out);
    const char *at_a = strstr(out.data, "\na_total"), *at_b = strstr(out.data, "\nb_total"),
               *at_c = strstr(out.data, "\nc_total");
    cr_assert(at_a && at_b && at_c && at_a < at_b && at_b < at_c, "%s", out.data);
    gn_buf_release(&out);
    gn_metric_unref(a);
    gn_metric_unref(b);
    gn_metric_unref(c);
    gn_metrics_free(m);
}

static void collect(void *arg, struct gn_buf *out)
{
    gn_metrics_head(out, "a", GN_GAUGE, "Help");
    gn_metrics_sample(out, "a", VALUES("k", "v", "l", "\"", NULL), *(double *)arg);
}

Test(metrics, collectors_write_what_they_find_when_the_page_is_made)
{
    struct gn_metrics *m = gn_metrics_new();
    double value = 1;
    gn_metrics_collect(m, collect, &value);
    assert_page(m, "# HELP a Help\n# TYPE a gauge\na{k=\"v\",l=\"\\\"\"} 1\n");
    value = 7;
    assert_page(m, "# HELP a Help\n# TYPE a gauge\na{k=\"v\",l=\"\\\"\"} 7\n");
    gn_metrics_free(m);
}

/* ---------------------------------------------------------------- kinds */

Test(metrics, a_histogram_counts_each_value_in_all_buckets_it_fits)
{
    static const double bounds[] = {0.5, 1, 2};
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = make(
        m,
        &(struct gn_metric_spec){
            .type = GN_HISTOGRAM, .name = "h", .help = "Help", .bounds = bounds, .bound_count = 3});
    struct gn_series *s = gn_metric_series(f, NULL);
    static const double values[] = {0.25, 0.5, 0.75, 2, 100, -1};
    for (size_t i = 0; i < GN_COUNT(values); i++)
        gn_series_observe(s, values[i]);
    gn_series_observe(s, NAN);
    gn_series_observe(s, INFINITY);
    assert_page(m, "# HELP h Help\n# TYPE h histogram\n"
                   "h_bucket{le=\"0.5\"} 3\nh_bucket{le=\"1\"} 4\nh_bucket{le=\"2\"} 5\n"
                   "h_bucket{le=\"+Inf\"} 6\nh_sum 102.5\nh_count 6\n");
    cr_assert_eq(gn_series_count(s), 6);
    gn_metric_unref(f);
    gn_metrics_free(m);
}

Test(metrics, a_histogram_with_labels_has_le_last)
{
    static const double bounds[] = {1};
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = make(m, &(struct gn_metric_spec){.type = GN_HISTOGRAM,
                                                           .name = "h",
                                                           .help = "Help",
                                                           .labels = one_label,
                                                           .bounds = bounds,
                                                           .bound_count = 1});
    gn_series_observe(gn_metric_series(f, VALUES("p")), 3);
    assert_page(m, "# HELP h Help\n# TYPE h histogram\nh_bucket{path=\"p\",le=\"1\"} 0\n"
                   "h_bucket{path=\"p\",le=\"+Inf\"} 1\nh_sum{path=\"p\"} 3\n"
                   "h_count{path=\"p\"} 1\n");
    gn_metric_unref(f);
    gn_metrics_free(m);
}

Test(metrics, counters_do_not_fall_and_gauges_go_anywhere)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *c = counter(m, "a_total", NULL);
    struct gn_metric *g = make(
        m, &(struct gn_metric_spec){.type = GN_GAUGE, .name = "g", .help = "Help"});
    struct gn_series *cs = gn_metric_series(c, NULL), *gs = gn_metric_series(g, NULL);
    gn_series_add(cs, 5);
    gn_series_add(cs, -1);
    gn_series_add(cs, NAN);
    gn_series_add(cs, INFINITY);
    cr_assert_eq(gn_series_value(cs), 5);
    gn_series_set(gs, 10);
    gn_series_add(gs, -12);
    cr_assert_eq(gn_series_value(gs), -2);
    gn_metric_unref(c);
    gn_metric_unref(g);
    gn_metrics_free(m);
}

Test(metrics, lower_floors_count_by_number_and_without_a_registry_not_at_all)
{
    struct gn_metrics *m = gn_metrics_new();
    gn_metrics_count(m, GN_COUNT_LOG_DROPPED, 3);
    gn_metrics_count(m, GN_COUNT_LOG_DROPPED, 4);
    gn_metrics_count(NULL, GN_COUNT_LOG_DROPPED, 4);
    cr_assert_eq(gn_metrics_counted(m, GN_COUNT_LOG_DROPPED), 7);
    gn_metrics_free(m);
}

/* ---------------------------------------------------------------- bounds */

Test(metrics, what_is_over_the_bound_of_a_family_counts_as_other)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = make(m, &(struct gn_metric_spec){.type = GN_COUNTER,
                                                           .name = "a_total",
                                                           .help = "Help",
                                                           .labels = two_labels,
                                                           .max_series = 2});
    gn_series_add(gn_metric_series(f, VALUES("1", "x")), 1);
    gn_series_add(gn_metric_series(f, VALUES("2", "x")), 1);
    for (int i = 3; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        gn_series_add(gn_metric_series(f, VALUES(text, "x")), 1);
    }
    gn_series_add(gn_metric_series(f, VALUES("1", "x")), 1);
    assert_page(m, "# HELP a_total Help\n# TYPE a_total counter\na_total{path=\"1\",code=\"x\"} 2\n"
                   "a_total{path=\"2\",code=\"x\"} 1\n"
                   "a_total{path=\"other\",code=\"other\"} 997\n");
    gn_metric_unref(f);
    gn_metrics_free(m);
}

Test(metrics, a_series_called_other_is_the_one_of_what_is_too_much)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = make(m, &(struct gn_metric_spec){.type = GN_COUNTER,
                                                           .name = "a_total",
                                                           .help = "Help",
                                                           .labels = one_label,
                                                           .max_series = 1});
    gn_series_add(gn_metric_series(f, VALUES("other")), 1);
    gn_series_add(gn_metric_series(f, VALUES("second")), 1);
    assert_page(m, "# HELP a_total Help\n# TYPE a_total counter\na_total{path=\"other\"} 2\n");
    gn_metric_unref(f);
    gn_metrics_free(m);
}

Test(metrics, the_page_is_bounded_over_all_families)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *first = make(m, &(struct gn_metric_spec){.type = GN_HISTOGRAM,
                                                               .name = "h",
                                                               .help = "Help",
                                                               .labels = one_label,
                                                               .max_series = 1000000});
    size_t lines = gn_metric_seconds_count + 3, fit = GN_METRICS_MAX_SAMPLES / lines;
    char text[16];
    struct gn_series *last = NULL;
    for (size_t i = 0; i <= fit; i++) {
        snprintf(text, sizeof(text), "%zu", i);
        last = gn_metric_series(first, VALUES(text));
    }
    cr_assert_eq(last, gn_metric_series(first, VALUES("other")));
    snprintf(text, sizeof(text), "%zu", fit - 1);
    cr_assert_neq(last, gn_metric_series(first, VALUES(text)));
    gn_metric_unref(first);
    /* What is gone makes room. */
    struct gn_metric *next = counter(m, "a_total", one_label);
    cr_assert_neq(gn_metric_series(next, VALUES("1")), gn_metric_series(next, VALUES("other")));
    gn_metric_unref(next);
    gn_metrics_free(m);
}

Test(metrics, shapes_that_prometheus_would_not_take_are_refused)
{
    struct gn_metrics *m = gn_metrics_new();
    static const double falling[] = {1, 1}, endless[] = {1, INFINITY};
    static double many[GN_METRIC_BUCKETS + 1];
    for (size_t i = 0; i < GN_COUNT(many); i++)
        many[i] = (double)i;
    static const char *const wrong_labels[][6] = {{"", NULL},    {"9", NULL},  {"a-b", NULL},
                                                  {"__a", NULL}, {"le", NULL}, {"quantile", NULL}};
    static const char *const names[] = {"", "9a_total", "a-b_total", "a b_total",
                                        "gr\xc3\xbc_total"};
    struct gn_metric_spec good = {.type = GN_COUNTER, .name = "a_total", .help = "Help"}, s;
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        s = good;
        s.name = names[i];
        assert_refused(m, &s, "name must be");
    }
    for (size_t i = 0; i < GN_COUNT(wrong_labels); i++) {
        s = good;
        s.labels = wrong_labels[i];
        assert_refused(m, &s, "label 1 must be");
    }
    s = good, s.labels = VALUES("a", "b", "a", NULL);
    assert_refused(m, &s, "twice");
    s = good, s.labels = VALUES("a", "b", "c", "d", "e", NULL);
    assert_refused(m, &s, "4 labels at most");
    s = good, s.name = "a";
    assert_refused(m, &s, "_total");
    s = good, s.type = GN_GAUGE;
    assert_refused(m, &s, "_total");
    s = good, s.type = GN_GAUGE, s.name = "a_count";
    assert_refused(m, &s, "_count");
    s = good, s.help = "";
    assert_refused(m, &s, "help");
    s = good, s.help = "\xff";
    assert_refused(m, &s, "help");
    s = good, s.bounds = falling, s.bound_count = 2;
    assert_refused(m, &s, "only histograms");
    s.type = GN_HISTOGRAM, s.name = "a";
    assert_refused(m, &s, "each above the one before");
    s.bounds = endless;
    assert_refused(m, &s, "must be numbers");
    s.bounds = many, s.bound_count = GN_COUNT(many);
    assert_refused(m, &s, "64 buckets at most");
    s = good, s.type = 4;
    assert_refused(m, &s, "type");
    gn_metrics_free(m);
}

/* ---------------------------------------------------------------- sharing */

Test(metrics, the_same_shape_of_the_same_owner_is_one_family)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *old = counter(m, "a_total", one_label);
    gn_series_add(gn_metric_series(old, VALUES("x")), 3);
    struct gn_metric *next = counter(m, "a_total", one_label);
    cr_assert_eq(old, next);
    gn_metric_unref(old);
    gn_series_add(gn_metric_series(next, VALUES("x")), 4);
    assert_page(m, "# HELP a_total Help\n# TYPE a_total counter\na_total{path=\"x\"} 7\n");
    gn_metric_unref(next);
    gn_metrics_free(m);
}

Test(metrics, another_shape_hides_the_older_one_until_it_goes)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *old = counter(m, "a_total", one_label);
    gn_series_add(gn_metric_series(old, VALUES("x")), 3);
    struct gn_metric *next = counter(m, "a_total", NULL);
    cr_assert_neq(old, next);
    assert_page(m, "# HELP a_total Help\n# TYPE a_total counter\na_total 0\n");
    gn_metric_unref(next);
    assert_page(m, "# HELP a_total Help\n# TYPE a_total counter\na_total{path=\"x\"} 3\n");
    gn_metric_unref(old);
    gn_metrics_free(m);
}

Test(metrics, going_back_to_an_older_shape_shows_it_again)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *first = counter(m, "a_total", one_label);
    gn_series_add(gn_metric_series(first, VALUES("x")), 3);
    struct gn_metric *second = counter(m, "a_total", NULL);
    struct gn_metric *third = counter(m, "a_total", one_label);
    cr_assert_eq(first, third);
    assert_page(m, "# HELP a_total Help\n# TYPE a_total counter\na_total{path=\"x\"} 3\n");
    gn_metric_unref(first);
    gn_metric_unref(second);
    gn_metric_unref(third);
    gn_metrics_free(m);
}

Test(metrics, a_name_of_another_owner_is_taken)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = counter(m, "a_total", NULL);
    struct gn_error err = {0};
    struct gn_metric_spec spec = {.type = GN_COUNTER, .name = "a_total", .help = "Help"};
    cr_assert_null(gn_metric_new(m, "somebody", &spec, &err));
    cr_assert_eq(err.code, GN_EEXIST);
    cr_assert_not_null(strstr(err.text, "test"));
    gn_metric_unref(f);
    gn_metrics_free(m);
}

Test(metrics, a_family_outlives_its_registry_while_it_is_held)
{
    struct gn_metrics *m = gn_metrics_new();
    struct gn_metric *f = counter(m, "a_total", one_label);
    gn_metrics_free(m);
    gn_series_add(gn_metric_series(f, VALUES("x")), 1);
    gn_metric_unref(f);
}

/* ---------------------------------------------------------------- threads */

enum { THREADS = 4, ROUNDS = 5000, PATHS = 7 };

struct shared {
    struct gn_metric *counter, *histogram, *gauge;
};

static void *update(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < ROUNDS; i++) {
        char path[2] = {(char)('a' + i % PATHS), '\0'};
        gn_series_add(gn_metric_series(s->counter, VALUES(path)), 1);
        gn_series_add(gn_metric_series(s->gauge, NULL), i % 2 ? -1 : 1);
        gn_series_observe(gn_metric_series(s->histogram, NULL), 0.5);
    }
    return NULL;
}

Test(metrics, several_threads_count_while_the_page_is_written)
{
    struct gn_metrics *m = gn_metrics_new();
    struct shared s = {
        .counter = make(m, &(struct gn_metric_spec){.type = GN_COUNTER,
                                                    .name = "a_total",
                                                    .help = "Help",
                                                    .labels = one_label,
                                                    .max_series = PATHS - 2}),
        .gauge = make(m, &(struct gn_metric_spec){.type = GN_GAUGE, .name = "g", .help = "Help"}),
        .histogram = make(
            m, &(struct gn_metric_spec){.type = GN_HISTOGRAM, .name = "h", .help = "Help"}),
    };
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, update, &s), 0);
    for (int i = 0; i < 50; i++) {
        struct gn_buf out = GN_BUF_INIT(1 << 20);
        gn_metrics_write(m, &out);
        gn_buf_release(&out);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    double sum = gn_series_value(gn_metric_series(s.counter, VALUES("other")));
    for (char c = 'a'; c < 'a' + PATHS; c++) {
        char path[2] = {c, '\0'};
        struct gn_series *one = gn_metric_series(s.counter, VALUES(path));
        if (one != gn_metric_series(s.counter, VALUES("other")))
            sum += gn_series_value(one);
    }
    cr_assert_eq(sum, THREADS * ROUNDS);
    cr_assert_eq(gn_series_value(gn_metric_series(s.gauge, NULL)), 0);
    cr_assert_eq(gn_series_count(gn_metric_series(s.histogram, NULL)), THREADS * ROUNDS);
    cr_assert_eq(gn_series_value(gn_metric_series(s.histogram, NULL)), THREADS * ROUNDS / 2.0);
    gn_metric_unref(s.counter);
    gn_metric_unref(s.gauge);
    gn_metric_unref(s.histogram);
    gn_metrics_free(m);
}
