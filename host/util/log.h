/* log.h - where log lines go. Library code (everything below host/) does not decide: it is handed a
 * `struct gn_log` and logs through it; host/observe provides the real one (text or JSON lines).
 * Lower floors prefer to return a gn_error and stay silent.
 */
#ifndef GN_UTIL_LOG_H
#define GN_UTIL_LOG_H

#include "util/common.h"

/* RFC 5424 severities in MCP's order, least severe first (MCP `LoggingLevel`). */
enum gn_level {
    GN_DEBUG = 0,
    GN_INFO,
    GN_NOTICE,
    GN_WARNING,
    GN_ERROR,
    GN_CRITICAL,
    GN_ALERT,
    GN_EMERGENCY,
};

extern const char *const gn_level_names[8]; /* "debug" ... "emergency" */
/* The level named so, or -1. */
int gn_level_parse(const char *name);

/* One extra field of a line; value is text. */
struct gn_log_field {
    const char *key, *value;
};

struct gn_log_core;

struct gn_log {
    enum gn_level level; /* lines below are dropped before formatting (atomic) */
    /* [any thread] Writes one line. `component` names the part that speaks ("http", "plugin
     * hello"). All pointers are borrowed for the call: copy what is kept. */
    void (*write)(struct gn_log *log, enum gn_level level, const char *component,
                  const struct gn_log_field *fields, size_t field_count, const char *text);
    struct gn_log_core *core; /* host/observe's: levels by name, typed fields; NULL: none of it */
};

/* [any thread] log may be NULL: then nothing happens. */
void gn_log(struct gn_log *log, enum gn_level level, const char *component, const char *fmt, ...)
    GN_PRINTF(4, 5);
void gn_logv(struct gn_log *log, enum gn_level level, const char *component, const char *fmt,
             va_list ap) GN_PRINTF(4, 0);
/* With fields: `GN_LOG_FIELDS({"plugin", name}, {"generation", gen})`. */
void gn_log_with(struct gn_log *log, enum gn_level level, const char *component,
                 const struct gn_log_field *fields, size_t field_count, const char *fmt, ...)
    GN_PRINTF(6, 7);
#define GN_LOG_FIELDS(...)                                                                         \
    (const struct gn_log_field[]){__VA_ARGS__},                                                    \
        sizeof((const struct gn_log_field[]){__VA_ARGS__}) / sizeof(struct gn_log_field)

#endif
