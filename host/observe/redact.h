/* redact.h - blots out what must not be read in a log: values by their name, and texts that look
 * like secrets.
 *
 * Names are compared without regard to case, hyphens and underscores: "api_key" is "Api-Key" and
 * "apikey". What looks like a secret in a text: bearer and basic credentials, a password within a
 * URL, JSON Web Tokens, keys of well-known services, private keys in PEM, and NAME=VALUE where NAME
 * is one of the names. Immutable once made: any thread.
 */
#ifndef GN_OBSERVE_REDACT_H
#define GN_OBSERVE_REDACT_H

#include "json/json.h"

#define GN_REDACTED "[redacted]"

struct gn_redactor;

/* names is NULL-terminated and copied; NULL: none. Never NULL. */
struct gn_redactor *gn_redactor_new(char *const *names);
void gn_redactor_free(struct gn_redactor *r); /* NULL is fine */

/* True if values of this name are blotted out whatever they are. */
bool gn_redact_name(const struct gn_redactor *r, const char *name, size_t len);
/* Writes the text to out (which is cleared) with its secrets blotted out. False: there are none,
 * out is empty. Takes time in proportion to the length. */
bool gn_redact_text(const struct gn_redactor *r, const char *text, size_t len, struct gn_buf *out);
/* Writes a value as member `name` of w (NULL: none) with what is secret in it blotted out. */
void gn_redact_json(const struct gn_redactor *r, const gantry_json *v, struct gn_jw *w,
                    const char *name);

#endif
