/* person.c - what a person sees while a request is under way, and is asked. */
#include "person.h"

#include "ask.h"
#include "progress.h"
#include "term.h"
#include "text.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <string.h>
#include <unistd.h>
#include <uv.h>

#define DRAW_MS 50                    /* between two drawings of the bar */
#define LINE_MS 2000                  /* between two lines about it, where nothing can be drawn */
#define HELD_MAX ((size_t)256 * 1024) /* log messages that wait for the end of an answer */
#define LOG_MAX ((size_t)512 << 20)   /* more than a message can hold */

struct gn_person {
    struct gn_person_options o;
    struct gn_term term;
    struct gn_progress progress;
    bool is_drawn;   /* a bar stands in the last line */
    bool is_pending; /* the bar is not what it should be */
    uint64_t drawn_ms;
    uv_timer_t *timer;      /* draws what is pending; NULL: none yet, or no more */
    struct gn_asker *asker; /* NULL: nothing was asked yet, or no more */
    struct gn_buf held;
    bool is_disturbed; /* what the person types stands elsewhere now */
    bool has_left;
};

/* ---------------------------------------------------------------- progress */

static void erase(struct gn_person *p)
{
    if (p->is_drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    p->is_drawn = false;
}

static void draw(struct gn_person *p)
{
    struct gn_buf line = GN_BUF_INIT((size_t)64 * 1024), all = GN_BUF_INIT((size_t)65 * 1024);
    size_t bar;
    /* The last column stays free: a character in it may begin a new line. */
    gn_progress_add_line(&p->progress, gn_term_width(&p->term) - 1, &line, &bar);
    gn_buf_adds(&all, "\r\033[K");
    gn_buf_adds(&all, bar ? gn_term_style(&p->term, GN_STYLE_GREEN) : "");
    gn_buf_add(&all, gn_buf_str(&line), bar);
    gn_buf_adds(&all, bar ? gn_term_style(&p->term, GN_STYLE_NONE) : "");
    gn_buf_add(&all, gn_buf_str(&line) + bar, line.len - bar);
    fwrite(gn_buf_str(&all), 1, all.len, stderr); /* at once: it would flicker */
    fflush(stderr);
    gn_buf_release(&line);
    gn_buf_release(&all);
    p->is_drawn = true;
    p->is_pending = false;
    p->drawn_ms = gn_clock_ms();
}

/* For a file, or a terminal that knows no more: lines now and then. */
static void print_progress(struct gn_person *p)
{
    struct gn_buf line = GN_BUF_INIT((size_t)64 * 1024);
    size_t bar;
    p->is_pending = false;
    p->drawn_ms = gn_clock_ms();
    gn_progress_add_line(&p->progress, gn_term_width(&p->term) - 1, &line, &bar);
    fprintf(stderr, "progress: %s\n", gn_buf_str(&line) + bar + (bar > 0));
    gn_buf_release(&line);
}

static void on_timer(uv_timer_t *timer)
{
    struct gn_person *p = timer->data;
    const bool is_disturbed = p->is_disturbed;
    p->is_disturbed = false;
    if (!gn_asker_is_busy(p->asker) && p->is_pending && p->term.can_redraw)
        draw(p);
    else if (is_disturbed && gn_asker_is_busy(p->asker))
        gn_asker_remind(p->asker);
}

static void start_timer(struct gn_person *p, uint64_t ms)
{
    if (p->has_left || !p->o.loop)
        return;
    if (!p->timer) {
        p->timer = gn_calloc(1, sizeof(*p->timer));
        uv_timer_init(p->o.loop, p->timer);
        uv_unref((uv_handle_t *)p->timer);
        p->timer->data = p;
    }
    if (!uv_is_active((uv_handle_t *)p->timer))
        uv_timer_start(p->timer, on_timer, ms, 0);
}

void gn_person_progress(struct gn_person *p, const gantry_client_progress *progress)
{
    uint64_t now = gn_clock_ms(), since = now - p->drawn_ms;
    if (!p->term.can_redraw && !p->o.verbose)
        return;
    gn_progress_add(&p->progress, now, progress->progress, progress->total, progress->message);
    p->is_pending = true;
    if (gn_asker_is_busy(p->asker))
        return;
    if (!p->term.can_redraw && since >= LINE_MS)
        print_progress(p);
    else if (p->term.can_redraw && since >= DRAW_MS)
        draw(p);
    else if (p->term.can_redraw)
        start_timer(p, DRAW_MS - since);
}

void gn_person_clear(struct gn_person *p)
{
    if (gn_asker_is_busy(p->asker)) {
        fputs(p->term.can_redraw ? "\r\033[K" : "\n", stderr);
        p->is_disturbed = true;
        start_timer(p, DRAW_MS);
    } else if (p->is_drawn) {
        erase(p);
        p->is_pending = true; /* it comes back below what is written */
        start_timer(p, DRAW_MS);
    }
}

void gn_person_over(struct gn_person *p)
{
    if (p->is_pending && !gn_asker_is_busy(p->asker) && p->term.can_redraw)
        draw(p);
    else if (p->is_pending && !p->term.can_redraw)
        print_progress(p);
    erase(p);
    p->is_pending = false;
    p->drawn_ms = 0;
    gn_progress_release(&p->progress);
    gn_person_clear(p);
}

/* ---------------------------------------------------------------- log lines */

static enum gn_style style_of_level(const char *level)
{
    static const struct {
        const char *level;
        enum gn_style style;
    } styles[] = {{"debug", GN_STYLE_DIM},   {"info", GN_STYLE_CYAN},
                  {"notice", GN_STYLE_CYAN}, {"warning", GN_STYLE_YELLOW},
                  {"error", GN_STYLE_RED},   {"critical", GN_STYLE_RED},
                  {"alert", GN_STYLE_RED},   {"emergency", GN_STYLE_RED}};
    for (size_t i = 0; i < GN_COUNT(styles); i++) {
        if (gn_streq(level, styles[i].level))
            return styles[i].style;
    }
    return GN_STYLE_BOLD;
}

/* "level logger: text {"context": ...}" */
static void add_log_text(struct gn_buf *out, const gantry_client_log *m)
{
    const gantry_json *context = gantry_read(m->data, "/context");
    bool has_context = gantry_read_text(m->data, "/message") && /* as gantry says it */
                       gantry_read_count(context, "") > 0;
    char *fields = has_context ? gantry_read_print(context) : NULL;
    const char *text = m->text ? m->text : "";
    if (m->logger)
        gn_buf_addf(out, " %s", m->logger);
    gn_buf_addf(out, ": %s%s%s", text, fields ? " " : "", fields ? fields : "");
    gantry_client_free(fields);
}

/* Newlines are shown as such: a message is one line, if need be a wrapped one. */
static void add_one_line(struct gn_buf *out, const struct gn_buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '\n')
            gn_buf_adds(out, "\\n");
        else
            gn_buf_addc(out, text->data[i]);
    }
}

static void add_log(const struct gn_person *p, struct gn_buf *out, const gantry_client_log *m)
{
    struct gn_buf text = GN_BUF_INIT(LOG_MAX), line = GN_BUF_INIT(LOG_MAX);
    const char *level = m->level ? m->level : "log";
    gn_buf_adds(&text, level);
    add_log_text(&text, m);
    add_one_line(&line, &text);
    gn_buf_clear(&text);
    if (p->term.is_terminal)
        gn_text_add_wrapped(&text, gn_buf_str(&line), line.len, 2, gn_term_width(&p->term), 0);
    else
        gn_buf_addf(&text, "%s\n", gn_buf_str(&line));
    size_t coloured = gn_starts_with(gn_buf_str(&text), level) ? strlen(level) : 0;
    gn_buf_adds(out, gn_term_style(&p->term, style_of_level(level)));
    gn_buf_add(out, gn_buf_str(&text), coloured);
    gn_buf_adds(out, gn_term_style(&p->term, GN_STYLE_NONE));
    gn_buf_add(out, gn_buf_str(&text) + coloured, text.len - coloured);
    gn_buf_release(&text);
    gn_buf_release(&line);
}

void gn_person_log(struct gn_person *p, const gantry_client_log *m)
{
    struct gn_buf line = GN_BUF_INIT(LOG_MAX);
    add_log(p, &line, m);
    if (gn_asker_is_busy(p->asker)) {
        gn_buf_add(&p->held, gn_buf_str(&line), line.len);
    } else {
        gn_person_clear(p);
        fwrite(gn_buf_str(&line), 1, line.len, stderr);
    }
    gn_buf_release(&line);
}

/* ---------------------------------------------------------------- questions */

static void on_busy(void *arg, bool busy)
{
    struct gn_person *p = arg;
    if (busy) {
        p->is_pending |= p->is_drawn;
        erase(p);
        fflush(stdout);
        return;
    }
    fwrite(gn_buf_str(&p->held), 1, p->held.len, stderr);
    if (p->held.overflow)
        fputs("(more log messages came meanwhile, and were dropped)\n", stderr);
    gn_buf_clear(&p->held);
    if (p->is_pending && p->term.can_redraw)
        start_timer(p, DRAW_MS);
}

/* NULL: there is no terminal (any more). */
static struct gn_asker *get_asker(struct gn_person *p)
{
    if (!p->asker && !p->has_left && p->o.loop) {
        p->asker = gn_asker_new(p->o.loop, p->o.who);
        if (p->asker)
            gn_asker_on_busy(p->asker, on_busy, p);
    }
    return p->asker;
}

bool gn_person_can_answer(void)
{
    return gn_asker_possible();
}

void gn_person_elicit(struct gn_person *p, gantry_question *question,
                      const gantry_client_elicitation *elicitation)
{
    struct gn_asker *asker = get_asker(p);
    if (asker)
        gn_asker_elicit(asker, question, elicitation);
    else
        gantry_question_dismiss(question);
}

void gn_person_confirm_sampling(struct gn_person *p, gantry_question *question,
                                const gantry_json *params,
                                void (*then)(gantry_question *question, bool yes, void *arg),
                                void *arg)
{
    struct gn_asker *asker = get_asker(p);
    if (asker)
        gn_asker_confirm_sampling(asker, question, params, then, arg);
    else
        then(question, false, arg);
}

/* ---------------------------------------------------------------- interface */

struct gn_person *gn_person_new(const struct gn_person_options *options)
{
    struct gn_person *p = gn_calloc(1, sizeof(*p));
    p->o = *options;
    p->held = GN_BUF_INIT(HELD_MAX);
    gn_term_init(&p->term, stderr);
    return p;
}

static void on_timer_closed(uv_handle_t *timer)
{
    gn_free(timer);
}

void gn_person_leave(struct gn_person *p)
{
    struct gn_asker *asker = p->asker;
    p->has_left = true;
    p->asker = NULL;
    gn_asker_close(asker);
    if (asker)
        on_busy(p, false); /* what was held */
    gn_person_over(p);
    if (p->timer)
        uv_close((uv_handle_t *)p->timer, on_timer_closed);
    p->timer = NULL;
}

void gn_person_free(struct gn_person *p)
{
    if (!p)
        return;
    gn_assert(!p->timer && !p->asker);
    erase(p);
    gn_progress_release(&p->progress);
    gn_buf_release(&p->held);
    gn_free(p);
}
