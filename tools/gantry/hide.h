/* hide.h - what nobody should read over a shoulder or in a log: values of configuration files.
 */
#ifndef GANTRY_HIDE_H
#define GANTRY_HIDE_H

#include "jsonc.h"
#include "observe/redact.h"

/* Knows names of secrets, and what looks like one. Free with gn_redactor_free. */
struct gn_redactor *gn_hide_new(void);
/* A command line as it may be shown: command, then the elements of `args`, which may be anything.
 * Owned by the caller. */
char *gn_hide_command(const gantry_json *command, const gantry_json *args);
/* Writes text[from..to) of the file with its secrets hidden: values of "env" and "headers", of
 * names of secrets, and of such options. One that only refers to a variable is shown. */
void gn_hide_text(const struct gn_jsonc *j, size_t from, size_t to, struct gn_buf *out);

#endif
