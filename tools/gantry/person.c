/* person.c - what a person sees while a request is under way, and is asked. */
#include "person.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 20
#define MESSAGE_WIDTH 50 /* characters: longer than a line would leave parts behind */

struct gn_person {
    struct gn_person_options o;
    bool is_drawn; /* a bar */
};

/* ---------------------------------------------------------------- progress */

void gn_person_clear(struct gn_person *p)
{
    if (p->is_drawn)
        fputs("\r\033[K", stderr);
    p->is_drawn = false;
}

static void draw_bar(double done, double total)
{
    int filled = done >= total ? BAR_WIDTH : (int)(done / total * BAR_WIDTH);
    fputc('[', stderr);
    for (int i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : ' ', stderr);
    fprintf(stderr, "] %3.0f%%", done >= total ? 100.0 : done / total * 100);
}

void gn_person_progress(struct gn_person *p, const gantry_client_progress *progress)
{
    const char *message = progress->message;
    if (!isatty(STDERR_FILENO))
        return;
    gn_person_clear(p);
    if (progress->total > 0 && progress->progress >= 0)
        draw_bar(progress->progress, progress->total);
    else
        fprintf(stderr, "%g", progress->progress);
    if (message) {
        fputc(' ', stderr);
        GN_AUTO_FREE char *cut = gn_strndup(message,
                                            gn_utf8_cut(message, strlen(message), MESSAGE_WIDTH));
        gn_cli_print_line(stderr, cut);
    }
    fflush(stderr);
    p->is_drawn = true;
}

/* ---------------------------------------------------------------- log lines */

void gn_person_log(struct gn_person *p, const gantry_client_log *m)
{
    const gantry_json *context = gantry_read(m->data, "/context");
    bool has_context = gantry_read_text(m->data, "/message") && /* as gantry says it */
                       gantry_read_count(context, "") > 0;
    char *fields = has_context ? gantry_read_print(context) : NULL;
    gn_person_clear(p);
    gn_cli_print_line(stderr, m->level);
    if (m->logger) {
        fputc(' ', stderr);
        gn_cli_print_line(stderr, m->logger);
    }
    fputs(": ", stderr);
    gn_cli_print_line(stderr, m->text ? m->text : "");
    if (fields) {
        fputc(' ', stderr);
        gn_cli_print_line(stderr, fields);
    }
    fputc('\n', stderr);
    gantry_client_free(fields);
}

/* ---------------------------------------------------------------- questions */

bool gn_person_can_answer(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* ---------------------------------------------------------------- interface */

struct gn_person *gn_person_new(const struct gn_person_options *options)
{
    struct gn_person *p = gn_calloc(1, sizeof(*p));
    p->o = *options;
    return p;
}

void gn_person_leave(struct gn_person *p)
{
    gn_person_clear(p);
}

void gn_person_free(struct gn_person *p)
{
    if (p)
        gn_person_clear(p);
    gn_free(p);
}
