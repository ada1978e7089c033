/* rules.h - what the configuration says about log lines, in the form they are processed by.
 *
 * Made from a configuration, immutable, counted; a log has one and replaces it when the
 * configuration is read again, while threads still use the one before.
 */
#ifndef GN_OBSERVE_RULES_H
#define GN_OBSERVE_RULES_H

#include "config/config.h"
#include "observe/event.h"
#include "observe/redact.h"

#define GN_CHAIN_MAX 8

struct gn_log_rules {
    unsigned refs; /* atomic */
    struct gn_redactor *redactor;
    struct gn_chain host, client; /* processors of the host's outputs / of what clients get */
    uint32_t bind;                /* GN_BIND_ bits */
    struct gn_map levels;         /* category or instance -> level + 1 */
    uint32_t client_buffer, client_flush_ms, client_queue;
    uint64_t client_bytes;
};

/* With one reference. */
struct gn_log_rules *gn_log_rules_new(const struct gn_config *c);
struct gn_log_rules *gn_log_rules_ref(struct gn_log_rules *r);
void gn_log_rules_unref(struct gn_log_rules *r); /* NULL is fine */

/* The rules of a log, referenced. NULL: it has none (a log of plain text, as in tests). */
struct gn_log_rules *gn_log_rules_of(struct gn_log *log);

#endif
