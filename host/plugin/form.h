/* form.h - forms as MCP's elicitation has them: what a plugin declares, made into the schema that a
 * client of each revision is sent, and what the client answers, made into what the plugin wants.
 *
 * MCP allows flat objects of strings, numbers, booleans, and choices of one or several strings.
 * What an author declares beyond that is refused by name. Clients of 2025-06-18 know no choice of
 * several: they are sent a boolean for each value ("colors.red"), and what they answer is put
 * together again.
 */
#ifndef GN_PLUGIN_FORM_H
#define GN_PLUGIN_FORM_H

#include "schema/fields.h"
#include "wire/revision.h"

struct gn_form;

/* Copies and checks a form. raw NULL: yes or no, a form without fields. GN_EINVAL, the message
 * names the field; GN_ENOTSUP: made for a newer host; GN_ETOOBIG. *ret is owned by the caller, and
 * strings of defaults that gn_form_read gives out live as long as it does. Takes much stack.
 * [any thread] */
GN_NODISCARD int gn_form_make(const gantry_form *raw, struct gn_form **ret, struct gn_error *err);
struct gn_form *gn_form_ref(struct gn_form *form);
void gn_form_unref(struct gn_form *form); /* NULL is fine */

/* The forms that a plugin has asked for, each made once: as long as one says the same, wherever it
 * stands. NULL: none yet. [one thread] */
struct gn_forms;
/* As gn_form_make, from *forms if it is there; *ret is a reference of the caller's. */
GN_NODISCARD int gn_forms_get(struct gn_forms **forms, const gantry_form *raw, struct gn_form **ret,
                              struct gn_error *err);
void gn_forms_free(struct gn_forms *forms); /* NULL is fine */

/* "name": {...}, the requestedSchema of that revision. [any thread] */
void gn_form_write(const struct gn_form *form, enum gn_revision revision, struct gn_jw *w,
                   const char *name);

/* What was accepted (NULL counts as {}), of a client of that revision: what the form does not have
 * is left out, the rest is checked, coerced by flags (GN_COERCE_), completed by defaults. *ret is
 * for forms of a table the filled struct, for those of a schema a const gantry_json *; both in the
 * arena. GN_EINVAL: it does not fit, err says what; GN_ETOOBIG. Takes much stack. [any thread] */
GN_NODISCARD int gn_form_read(const struct gn_form *form, enum gn_revision revision,
                              const gantry_json *content, uint32_t flags, struct gn_arena *arena,
                              const void **ret, struct gn_error *err);
/* Hands out what gn_form_read gave to the author's variable: his struct, or a pointer to JSON.
 * [any thread] */
void gn_form_give(const struct gn_form *form, const void *value, void *answer);

#endif
