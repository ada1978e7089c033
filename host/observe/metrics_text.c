/* metrics_text.c - the text format of Prometheus, version 0.0.4: one line a sample. */
#include "observe/metrics_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT 9007199254740992.0 /* integers up to here are written as they are */

static const char *const type_names[] = {
    [GN_COUNTER] = "counter", [GN_GAUGE] = "gauge", [GN_HISTOGRAM] = "histogram"};

/* The shortest text that reads back as the same number. The point may be something else, as the
 * process's locale has it. */
static void add_decimal(struct gn_buf *out, double v)
{
    char text[64];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    size_t whole = strspn(text, "+-0123456789");
    const char *rest = text + whole;
    gn_buf_add(out, text, whole);
    if (*rest && *rest != 'e') {
        gn_buf_addc(out, '.');
        rest += strcspn(rest, "0123456789");
    }
    gn_buf_adds(out, rest);
}

void gn_metrics_add_number(struct gn_buf *out, double v)
{
    char text[32];
    if (isnan(v)) {
        gn_buf_adds(out, "NaN");
    } else if (isinf(v)) {
        gn_buf_adds(out, v > 0 ? "+Inf" : "-Inf");
    } else if (v >= -EXACT && v <= EXACT && v == (double)(int64_t)v) {
        snprintf(text, sizeof(text), "%lld", (long long)v);
        gn_buf_adds(out, text);
    } else {
        add_decimal(out, v);
    }
}

/* Help escapes backslash and line end; a label's value the quote, too. */
static void add_escaped(struct gn_buf *out, const char *s, const char *special)
{
    for (size_t len; *s; s += len) {
        len = strcspn(s, special);
        gn_buf_add(out, s, len);
        if (!s[len])
            return;
        gn_buf_addc(out, '\\');
        gn_buf_addc(out, s[len] == '\n' ? 'n' : s[len]);
        len++;
    }
}

void gn_metrics_add_label(struct gn_buf *out, const char *name, const char *value)
{
    if (out->len && out->data[out->len - 1] == '"')
        gn_buf_addc(out, ',');
    gn_buf_adds(out, name);
    gn_buf_adds(out, "=\"");
    add_escaped(out, value, "\\\"\n");
    gn_buf_addc(out, '"');
}

void gn_metrics_head(struct gn_buf *out, const char *name, enum gn_metric_type type,
                     const char *help)
{
    gn_buf_adds(out, "# HELP ");
    gn_buf_adds(out, name);
    gn_buf_addc(out, ' ');
    add_escaped(out, help, "\\\n");
    gn_buf_adds(out, "\n# TYPE ");
    gn_buf_adds(out, name);
    gn_buf_addc(out, ' ');
    gn_buf_adds(out, type_names[type]);
    gn_buf_addc(out, '\n');
}

void gn_metrics_sample(struct gn_buf *out, const char *name, const char *const *labels,
                       double value)
{
    gn_buf_adds(out, name);
    if (labels && labels[0]) {
        gn_buf_addc(out, '{');
        for (; labels[0]; labels += 2)
            gn_metrics_add_label(out, labels[0], labels[1] ? labels[1] : "");
        gn_buf_addc(out, '}');
    }
    gn_buf_addc(out, ' ');
    gn_metrics_add_number(out, value);
    gn_buf_addc(out, '\n');
}

/* ---- series */

static void add_line(struct gn_buf *out, const struct gn_metric *f, const char *suffix,
                     const struct gn_series *s, const char *le, double value)
{
    gn_buf_adds(out, f->name);
    gn_buf_adds(out, suffix);
    if (*s->labels || le) {
        gn_buf_addc(out, '{');
        gn_buf_adds(out, s->labels);
        if (le)
            gn_metrics_add_label(out, "le", le);
        gn_buf_addc(out, '}');
    }
    gn_buf_addc(out, ' ');
    gn_metrics_add_number(out, value);
    gn_buf_addc(out, '\n');
}

/* Upper bounds as they stand on the page: the same for all series of a family. */
struct bounds {
    struct gn_buf text;
    size_t at[GN_METRIC_BUCKETS + 1];
};

static void make_bounds(struct bounds *b, const struct gn_metric *f)
{
    gn_buf_init(&b->text, GN_METRIC_BUCKETS * 64);
    for (size_t i = 0; i <= f->bound_count; i++) {
        b->at[i] = b->text.len;
        gn_metrics_add_number(&b->text, i < f->bound_count ? f->bounds[i] : HUGE_VAL);
        gn_buf_add(&b->text, "", 1);
    }
}

/* The count is that of the buckets as they are read, so that it cannot disagree with them. */
static void add_histogram(struct gn_buf *out, const struct gn_metric *f, const struct gn_series *s,
                          const struct bounds *bounds)
{
    uint64_t below = 0;
    for (size_t i = 0; i <= f->bound_count; i++) {
        below += __atomic_load_n(&s->buckets[i], __ATOMIC_RELAXED);
        add_line(out, f, "_bucket", s, bounds->text.data + bounds->at[i], (double)below);
    }
    add_line(out, f, "_sum", s, NULL, gn_series_value(s));
    add_line(out, f, "_count", s, NULL, (double)below);
}

void gn_metric_write(struct gn_metric *f, struct gn_buf *out)
{
    struct bounds bounds = {0};
    if (f->type == GN_HISTOGRAM)
        make_bounds(&bounds, f);
    pthread_mutex_lock(&f->lock);
    if (f->first)
        gn_metrics_head(out, f->name, f->type, f->help);
    for (const struct gn_series *s = f->first; s; s = s->next) {
        if (f->type == GN_HISTOGRAM)
            add_histogram(out, f, s, &bounds);
        else
            add_line(out, f, "", s, NULL, gn_series_value(s));
    }
    pthread_mutex_unlock(&f->lock);
    gn_buf_release(&bounds.text);
}
