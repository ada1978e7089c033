/* internal.h - what the files of this floor share. */
#ifndef GN_OBSERVE_INTERNAL_H
#define GN_OBSERVE_INTERNAL_H

#include "observe/rules.h"

#include <pthread.h>

/* levels.c: which lines are wanted, part of a log. */
#define GN_LOG_CORE_MAGIC 0xc03e1061u
struct gn_log_core {
    uint32_t magic;
    struct gn_log *log;
    enum gn_level base;    /* log.level (atomic) */
    bool has_named;        /* levels by name exist (atomic) */
    bool client_on;        /* lines go to clients (atomic) */
    pthread_mutex_t mutex; /* over what follows */
    struct gn_log_rules *rules;
    struct gn_map set; /* at run time: "instance\0category" -> level + 1 */
};
void gn_log_core_init(struct gn_log_core *core, struct gn_log *log);
void gn_log_core_fini(struct gn_log_core *core);
/* Goes by new rules (the reference is taken over); what was set at run time is forgotten. */
void gn_log_core_configure(struct gn_log_core *core, enum gn_level base, bool client_on,
                           struct gn_log_rules *rules);
struct gn_log_rules *gn_log_core_rules(struct gn_log_core *core); /* referenced */

/* fd.c: a descriptor that is never waited for. Not thread-safe. */
struct gn_log_fd {
    int fd;
    bool is_own, is_socket;
    struct gn_buf rest; /* end of a line that did not fit at once */
};
#define GN_LOG_LINE_MAX ((size_t)512 * 1024)
void gn_log_fd_open(struct gn_log_fd *f, int fd);
/* False if the line could not be written at all. */
bool gn_log_fd_write(struct gn_log_fd *f, const struct gn_buf *line);
void gn_log_fd_close(struct gn_log_fd *f);

#endif
