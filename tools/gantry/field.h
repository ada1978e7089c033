/* field.h - the fields of a form that a server wants filled in: what each wants, and what a person
 * typed turned into a value.
 *
 * The schema is that of an elicitation ("Elicitation", "Requested Schema"): an object whose
 * properties are texts, numbers, booleans and choices. Fields borrow from it. Nothing here prints.
 */
#ifndef GANTRY_FIELD_H
#define GANTRY_FIELD_H

#include "util/buf.h"
#include "util/error.h"
#include "json/json.h"

#define GN_FIELDS_MAX 200

struct gn_schema;

enum gn_field_kind {
    GN_FIELD_TEXT,
    GN_FIELD_INTEGER,
    GN_FIELD_NUMBER,
    GN_FIELD_BOOLEAN,
    GN_FIELD_CHOICE,  /* one of several */
    GN_FIELD_CHOICES, /* any of several: the value is an array */
};

struct gn_choice {
    const gantry_json *value;
    const char *title; /* what a person reads; NULL: the value */
};

struct gn_field {
    const char *name;                /* of the property */
    const char *title, *description; /* NULL: none */
    enum gn_field_kind kind;
    bool is_required;
    const gantry_json *schema;   /* of the property */
    const gantry_json *fallback; /* its default; NULL: none */
    struct gn_choice *choices;
    size_t choice_count;
    struct gn_schema *check; /* NULL: whatever it is, it is for the library to check */
};

struct gn_fields {
    struct gn_field *v;
    size_t count;
};

/* Reads a form. GN_EINVAL: not an object of properties; GN_ETOOBIG: more than GN_FIELDS_MAX. */
int gn_fields_read(const gantry_json *schema, struct gn_fields *ret, struct gn_error *err);
void gn_fields_release(struct gn_fields *form);

/* Appends the value, as JSON, that a person means by what was typed: the number or the words of a
 * choice, several with commas, yes and no; "" (two quotes) is an empty text, "none" no choice. 0;
 * GN_ENOENT: nothing was typed; GN_EINVAL with the reason. out is unchanged then. */
int gn_field_read(const struct gn_field *f, const char *typed, struct gn_buf *out,
                  struct gn_error *err);
/* Appends what may be typed: "email", "integer, 1 to 5", "yes or no". Nothing for any text. */
void gn_field_add_hint(const struct gn_field *f, struct gn_buf *out);
/* Appends a value as a person reads it, on one line and harmless. */
void gn_field_add_shown(const struct gn_field *f, const gantry_json *value, struct gn_buf *out);

#endif
