/* form_internal.h - inside form.c and form_read.c: a form's fields, as both see them. */
#ifndef GN_PLUGIN_FORM_INTERNAL_H
#define GN_PLUGIN_FORM_INTERNAL_H

#include "plugin/form.h"

enum gn_form_kind {
    GN_FORM_TEXT,
    GN_FORM_NUMBER, /* integers too */
    GN_FORM_BOOLEAN,
    GN_FORM_CHOICE,  /* one of several strings */
    GN_FORM_CHOICES, /* some of several strings */
};

/* One field. All borrowed from the form's declaration. */
struct gn_form_field {
    const char *name;
    const gantry_json *schema; /* of the field */
    enum gn_form_kind kind;
    bool is_required;
    const gantry_json *fallback; /* its default; NULL: none */
    /* choices */
    const gantry_json *values; /* strings, or objects of const and title */
    const gantry_json *names;  /* enumNames, titles beside the strings; NULL: none */
};

struct gn_form {
    uint32_t refs;
    struct gn_fields *fields; /* of a table; NULL: of a schema, or yes or no */
    struct gn_json_doc doc;   /* the declaration, where it is a schema */
    struct gn_schema *schema; /* what its answers are checked by */
    struct gn_form_field *v;
    size_t count;
};

/* The value of a choice, and its title (itself where there is none). choice: of values. */
const char *gn_form_value(const gantry_json *choice);
const char *gn_form_title(const struct gn_form_field *f, const gantry_json *choice, size_t index);
/* True if clients of that revision know no choice of several. */
static inline bool gn_form_is_old(enum gn_revision revision)
{
    return revision <= GN_REV_2025_06_18;
}
/* The name under which such a client is asked for one of several values. False: too long. */
#define GN_FORM_NAME_MAX 1024
bool gn_form_name(char ret[GN_FORM_NAME_MAX], const struct gn_form_field *f,
                  const gantry_json *choice);

#endif
