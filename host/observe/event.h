/* event.h - a log line on its way through the processors, and how it is written.
 *
 * An event begins as what the caller said: component, category, message, fields. Each processor of
 * the chain adds or changes something:
 *
 *     scope    adds what is bound: the items of log.bind, the scope's variables
 *     redact   blots out secrets in message and fields
 *     time     adds the time
 *     level    adds the level
 *
 * so redact must stand behind scope to see what that adds. An event lives on its maker's stack.
 */
#ifndef GN_OBSERVE_EVENT_H
#define GN_OBSERVE_EVENT_H

#include "observe/record.h"
#include "observe/redact.h"

#define GN_EVENT_FIELDS 96
#define GN_EVENT_VALUE_MAX ((size_t)64 << 10) /* bytes of one field's value as it is written */

struct gn_event {
    const struct gn_record *record;
    uint32_t bind;
    const struct gn_redactor *redactor;
    const char *component, *text;
    const char *level; /* NULL: not to be written */
    char time[32];     /* "": not to be written */
    struct gn_event_field {
        const char *key;
        gantry_value value;
    } fields[GN_EVENT_FIELDS];
    uint32_t count, left_out; /* left_out: fields for which there was no room */
    struct gn_arena arena;    /* of what processors made */
    bool has_arena;
};

typedef void gn_processor(struct gn_event *e);
/* Processors in the order they run. */
#define GN_CHAIN_MAX 8
struct gn_chain {
    gn_processor *v[GN_CHAIN_MAX];
    size_t count;
};
/* Appends the processor of that name; false: there is none, or the chain is full. */
bool gn_chain_add(struct gn_chain *chain, const char *name);
extern const char *const gn_processor_names[]; /* NULL-terminated */
/* The GN_BIND_ bit of a name; 0: there is none. */
uint32_t gn_bind_parse(const char *name);
extern const char *const gn_bind_names[]; /* NULL-terminated, in the order of the bits */

/* Makes the event and runs the chain; gn_event_release afterwards. */
void gn_event_make(struct gn_event *e, const struct gn_record *r, const struct gn_chain *chain,
                   uint32_t bind, const struct gn_redactor *redactor);
void gn_event_release(struct gn_event *e);

/* ---- format.c: one line, with its end. */
void gn_event_write_text(const struct gn_event *e, struct gn_buf *out);
void gn_event_write_json(const struct gn_event *e, struct gn_buf *out);
/* The fields as members of the open object of w. */
void gn_event_write_fields(const struct gn_event *e, struct gn_jw *w);

#endif
