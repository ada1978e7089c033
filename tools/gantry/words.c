/* words.c - what a program that was started says on standard error, and how much of it is shown. */
#include "target.h"

#include "util/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LAST_WORDS 2000   /* bytes that are kept */
#define WARNINGS_MAX 8000 /* bytes */
#define LEVEL_WITHIN 120  /* bytes of a line in which its level stands */
#define LINES_MAX 20      /* that are shown at the end */
#define PREFIX "server: "

/* True if one of the first words of a line is that of a level above notice. */
static bool is_warning(const char *line, size_t len)
{
    static const char *const levels[] = {"warn",     "warning", "error",     "err",  "fatal",
                                         "critical", "alert",   "emergency", "panic"};
    size_t end = GN_MIN(len, (size_t)LEVEL_WITHIN);
    for (size_t at = 0; at < end;) {
        size_t n = 0;
        while (at + n < end && isalpha((unsigned char)line[at + n]))
            n++;
        for (size_t i = 0; n > 0 && i < GN_COUNT(levels); i++) {
            if (n == strlen(levels[i]) && strncasecmp(line + at, levels[i], n) == 0)
                return true;
        }
        at += n + 1;
    }
    return false;
}

static void print_lines(const struct gn_buf *lines, size_t max)
{
    const char *at = gn_buf_str(lines), *end = at + lines->len;
    size_t count = 0;
    for (size_t i = 0; i < lines->len; i++)
        count += lines->data[i] == '\n';
    for (size_t i = 0; at < end; i++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        if (i + max >= count) {
            fputs(PREFIX, stderr);
            gn_cli_print_text(stderr, at, len);
            fputc('\n', stderr);
        }
        at += len + 1;
    }
}

void gn_words_init(struct gn_words *w, bool verbose)
{
    *w = (struct gn_words){
        .verbose = verbose,
        .last = GN_BUF_INIT((size_t)1 << 20),
        .warnings = GN_BUF_INIT(WARNINGS_MAX),
    };
}

void gn_words_release(struct gn_words *w)
{
    gn_buf_release(&w->last);
    gn_buf_release(&w->warnings);
}

void gn_words_add(struct gn_words *w, const char *line, size_t len)
{
    if (w->verbose) {
        fputs(PREFIX, stderr);
        gn_cli_print_text(stderr, line, len);
        fputc('\n', stderr);
        return;
    }
    /* What it says about its end is of interest if it has said nothing else. */
    if (w->is_ending && w->last.len > 0)
        return;
    gn_buf_add(&w->last, line, len);
    gn_buf_addc(&w->last, '\n');
    if (w->last.len > LAST_WORDS) {
        const char *from = w->last.data + (w->last.len - LAST_WORDS);
        const char *next = memchr(from, '\n', LAST_WORDS - 1);
        gn_buf_consume(&w->last, (size_t)(next ? next + 1 - w->last.data : from - w->last.data));
    }
    if (!w->is_ending && is_warning(line, len) && w->warnings.len + len < WARNINGS_MAX) {
        gn_buf_add(&w->warnings, line, len);
        gn_buf_addc(&w->warnings, '\n');
    }
}

void gn_words_print(const struct gn_words *w, bool last)
{
    print_lines(last ? &w->last : &w->warnings, LINES_MAX);
}
