/* log.c - formats a line once it is known that somebody wants it. */
#include "util/log.h"

#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

/* What fits the stack of a coroutine, and what any line may be. */
#define SHORT_LINE 1024
#define LONGEST_LINE (64 * 1024)

const char *const gn_level_names[8] = {
    "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency",
};

static void write_line(struct gn_log *log, enum gn_level level, const char *component,
                       const struct gn_log_field *fields, size_t field_count, const char *fmt,
                       va_list ap) GN_PRINTF(6, 0);
static void write_line(struct gn_log *log, enum gn_level level, const char *component,
                       const struct gn_log_field *fields, size_t field_count, const char *fmt,
                       va_list ap)
{
    /* Another thread may be setting the level. */
    if (!log || !log->write || level < __atomic_load_n(&log->level, __ATOMIC_RELAXED))
        return;
    char line[SHORT_LINE];
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    if (n < 0) {
        log->write(log, level, component, fields, field_count, fmt);
    } else if ((size_t)n < sizeof(line)) {
        log->write(log, level, component, fields, field_count, line);
    } else {
        size_t size = GN_MIN((size_t)n + 1, (size_t)LONGEST_LINE);
        GN_AUTO_FREE char *text = gn_malloc(size);
        vsnprintf(text, size, fmt, again);
        text[gn_utf8_cut(text, size - 1, size - 1)] = '\0';
        log->write(log, level, component, fields, field_count, text);
    }
    va_end(again);
}

int gn_level_parse(const char *name)
{
    for (int i = 0; name && i < (int)GN_COUNT(gn_level_names); i++) {
        if (gn_streq(name, gn_level_names[i]))
            return i;
    }
    return -1;
}

void gn_log(struct gn_log *log, enum gn_level level, const char *component, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    write_line(log, level, component, NULL, 0, fmt, ap);
    va_end(ap);
}

void gn_logv(struct gn_log *log, enum gn_level level, const char *component, const char *fmt,
             va_list ap)
{
    write_line(log, level, component, NULL, 0, fmt, ap);
}

void gn_log_with(struct gn_log *log, enum gn_level level, const char *component,
                 const struct gn_log_field *fields, size_t field_count, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    write_line(log, level, component, fields, field_count, fmt, ap);
    va_end(ap);
}
