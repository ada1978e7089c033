/* progress.c - how far something is, as a line of text. */
#include "progress.h"

#include "text.h"
#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAMPLE_MS 250     /* between two that are kept: they reach back eight seconds */
#define RATE_AFTER_MS 500 /* a shorter time says nothing */
#define LEFT_MAX (100.0 * 3600)
#define WHOLE_MAX 1e15 /* numbers up to this are shown as integers */
#define BAR_MIN 8
#define BAR_MAX 30
#define MESSAGE_MAX 4096 /* bytes that are kept */
#define MESSAGE_MIN 8    /* columns: less says nothing */

static double sound(double v)
{
    return isfinite(v) && v > 0 ? v : 0;
}

void gn_progress_release(struct gn_progress *p)
{
    gn_free(p->message);
    *p = (struct gn_progress){0};
}

void gn_progress_add(struct gn_progress *p, uint64_t now_ms, double done, double total,
                     const char *message)
{
    p->done = sound(done);
    p->total = sound(total);
    if (message) {
        struct gn_buf safe = GN_BUF_INIT((size_t)MESSAGE_MAX * GN_TEXT_GROWTH);
        gn_text_add_safe(&safe, message, gn_utf8_cut(message, strlen(message), MESSAGE_MAX), true);
        gn_free(p->message);
        p->message = gn_buf_take(&safe, NULL);
    }
    const size_t last = (p->count + GN_PROGRESS_SAMPLES - 1) % GN_PROGRESS_SAMPLES;
    if (p->count > 0 && p->done < p->samples[last].done)
        p->count = 0; /* something else has begun */
    if (p->count > 0 && now_ms < p->samples[last].at_ms + SAMPLE_MS)
        return;
    size_t next = p->count++ % GN_PROGRESS_SAMPLES;
    p->samples[next].at_ms = now_ms;
    p->samples[next].done = p->done;
}

double gn_progress_rate(const struct gn_progress *p)
{
    if (p->count < 2)
        return 0;
    size_t oldest = p->count > GN_PROGRESS_SAMPLES ? p->count % GN_PROGRESS_SAMPLES : 0;
    size_t newest = (p->count - 1) % GN_PROGRESS_SAMPLES;
    uint64_t ms = p->samples[newest].at_ms - p->samples[oldest].at_ms;
    if (ms < RATE_AFTER_MS)
        return 0;
    return sound((p->samples[newest].done - p->samples[oldest].done) * 1000 / (double)ms);
}

double gn_progress_left(const struct gn_progress *p)
{
    double rate = gn_progress_rate(p);
    if (rate <= 0 || p->total <= 0)
        return -1;
    double left = p->total > p->done ? (p->total - p->done) / rate : 0;
    return left < LEFT_MAX ? left : -1;
}

/* ---------------------------------------------------------------- words */

struct word {
    char text[64];
};

static struct word number(double v)
{
    struct word w;
    if (v < WHOLE_MAX && v == floor(v))
        snprintf(w.text, sizeof(w.text), "%.0f", v);
    else
        snprintf(w.text, sizeof(w.text), "%.4g", v);
    return w;
}

static struct word rate_word(double rate)
{
    struct word w = {""};
    if (rate > 0)
        snprintf(w.text, sizeof(w.text),
                 rate < 10    ? "%.2g/s"
                 : rate < 1e6 ? "%.0f/s"
                              : "%.3g/s",
                 rate);
    return w;
}

static struct word left_word(double seconds)
{
    struct word w = {""};
    unsigned s = seconds > 0 ? (unsigned)ceil(seconds) : 0;
    if (seconds >= 3600)
        snprintf(w.text, sizeof(w.text), "%u:%02u:%02u left", s / 3600, s / 60 % 60, s % 60);
    else if (seconds >= 0)
        snprintf(w.text, sizeof(w.text), "%u:%02u left", s / 60, s % 60);
    return w;
}

static struct word percent_word(const struct gn_progress *p)
{
    struct word w;
    double share = p->done >= p->total ? 1 : p->done / p->total;
    snprintf(w.text, sizeof(w.text), "%3.0f%%", floor(share * 100));
    return w;
}

static struct word count_word(const struct gn_progress *p)
{
    struct word w = number(p->done), total = number(p->total);
    bool is_share = p->total == 1 || p->total == 100; /* the percentage says it */
    if (p->total > 0 && is_share)
        w.text[0] = '\0';
    else if (p->total > 0)
        gn_assert(snprintf(w.text + strlen(w.text), sizeof(w.text) - strlen(w.text), "/%s",
                           total.text) < (int)sizeof(w.text));
    return w;
}

/* A blank and the word, if there is a word and room for both. */
static void add_word(struct gn_buf *out, const char *word, size_t columns)
{
    size_t used = gn_text_width(gn_buf_str(out), out->len), width = strlen(word);
    if (width > 0 && used + (used > 0) + width <= columns)
        gn_buf_addf(out, "%s%s", used ? " " : "", word);
}

static size_t add_bar(const struct gn_progress *p, size_t columns, struct gn_buf *out)
{
    size_t room = columns > 7 ? columns - 7 : 0; /* brackets, blank, percentage */
    size_t width = columns > 60 ? columns / 4 : room;
    width = GN_MIN(GN_MIN(width, room), (size_t)BAR_MAX);
    if (columns > 24 && columns <= 60)
        width = GN_MIN(width, (size_t)BAR_MIN + (columns - 24) / 4);
    if (width < BAR_MIN)
        return 0;
    double share = p->done >= p->total ? 1 : p->done / p->total;
    size_t filled = (size_t)(share * (double)width);
    gn_buf_addc(out, '[');
    for (size_t i = 0; i < width; i++)
        gn_buf_addc(out, i < filled ? '#' : ' ');
    gn_buf_addc(out, ']');
    return out->len;
}

void gn_progress_add_line(const struct gn_progress *p, size_t columns, struct gn_buf *out,
                          size_t *ret_bar)
{
    struct gn_buf line = GN_BUF_INIT((size_t)1 << 20);
    const size_t message = p->message ? strlen(p->message) : 0;
    *ret_bar = 0;
    if (p->total > 0) {
        *ret_bar = add_bar(p, columns, &line);
        add_word(&line, percent_word(p).text, columns);
    }
    add_word(&line, count_word(p).text, columns);
    add_word(&line, rate_word(gn_progress_rate(p)).text, columns);
    add_word(&line, left_word(gn_progress_left(p)).text, columns);
    size_t used = gn_text_width(gn_buf_str(&line), line.len);
    if (message && used + 1 + GN_MIN((size_t)MESSAGE_MIN, message) <= columns) {
        gn_buf_addc(&line, ' ');
        gn_text_add_cut(&line, p->message, message, columns - used - 1);
    }
    gn_buf_add(out, gn_buf_str(&line), line.len);
    gn_buf_release(&line);
}
