/* record.h - one log line before anybody has formatted it: level, who speaks, text, typed fields,
 * and what is bound to the call it belongs to.
 *
 *     record -> processors (event.h) -> text or JSON line -> standard error, file
 *                                    -> notifications/message of the client (call/lines.h)
 *
 * A line of plain text comes by gn_log (util/log.h) and becomes a record here. Any thread.
 */
#ifndef GN_OBSERVE_RECORD_H
#define GN_OBSERVE_RECORD_H

#include "util/log.h"

#include <gantry.h>

/* What of a call is part of each of its lines: bits of `log.bind`. */
enum gn_bind {
    GN_BIND_REQUEST_ID = 1 << 0,
    GN_BIND_SESSION_ID = 1 << 1,
    GN_BIND_CLIENT = 1 << 2,
    GN_BIND_PRINCIPAL = 1 << 3,
    GN_BIND_TRACE_ID = 1 << 4,
    GN_BIND_TRANSPORT = 1 << 5,
    GN_BIND_METHOD = 1 << 6,
    GN_BIND_COMPONENT = 1 << 7,
};

/* A value as JSON text; the host's own, so it is well-formed. */
struct gn_log_json {
    const char *key, *json;
};

/* Takes one bound value; name and what value points at must last until the record is done with. */
typedef void gn_bound_fn(void *to, const char *name, const gantry_value *value);

/* All pointers are borrowed for the call that takes the record. */
struct gn_record {
    enum gn_level level;
    bool user_visible;
    const char *component;      /* who speaks: "hello/greet", "http"; NULL: nobody in particular */
    const char *instance;       /* for levels: the plugin's instance; NULL: component up to '/' */
    const char *category;       /* the logger's name, or NULL */
    const char *text;           /* the message */
    const gantry_field *fields; /* ends with key NULL; NULL: none. Kept as a plugin gave them */
    const struct gn_log_field *texts;
    size_t text_count;
    const struct gn_log_json *json;
    size_t json_count;
    /* Tells `to` what is bound: the items of `bind` (GN_BIND_ bits; as JSON text with add_json),
     * then the scope's variables. NULL: nothing is. */
    void (*each_bound)(void *arg, uint32_t bind, gn_bound_fn *add, void *to);
    void *bound_arg;
};

/* Beside GANTRY_VALUE_: JSON text in as.text. What a plugin gives of this type is not taken. */
#define GN_VALUE_RAW 0x100u

/* Writes the line to the host's outputs. The caller has asked gn_log_wants. log may be NULL. */
void gn_log_record(struct gn_log *log, const struct gn_record *r);

/* ---- levels: of a plugin's instance at run time, of a category, of an instance, of the host; the
 * first that is set decides. */
/* Whether the host's outputs take such a line, and in *ret_client whether a client that wants
 * client_level (-1: none) and more gets it. Costs a few instructions when nobody wants it. */
bool gn_log_wants(struct gn_log *log, enum gn_level level, const char *instance,
                  const char *category, int client_level, bool *ret_client);
/* Sets the level of an instance's category (NULL: of all its lines) until the configuration is read
 * again; -1: as configured. GN_ETOOBIG: too many are set; GN_ENOTSUP: not with this log. */
int gn_log_set_level(struct gn_log *log, const char *instance, const char *category, int level);

#endif
