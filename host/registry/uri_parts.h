/* uri_parts.h - inside host/registry: a URI template, taken apart. */
#ifndef GN_REGISTRY_URI_PARTS_H
#define GN_REGISTRY_URI_PARTS_H

#include "registry/uri_template.h"

#define GN_URI_MAX ((size_t)8 * 1024) /* bytes of a URI, and of a template */

struct gn_uri_var {
    const char *name;
    uint32_t prefix; /* {x:3}; 0: all */
    bool explode;    /* {x*} */
};

/* A stretch of literal text (op 0, literal set) or an expression. */
struct gn_uri_part {
    char *literal;       /* NULL: an expression */
    char *normal;        /* the literal in the form that is compared */
    char op;             /* + # . / ; ? & or ' ' for none */
    size_t first, count; /* its variables */
};

struct gn_uri_template {
    char *text;
    char *names; /* a copy of text, cut into the names */
    struct gn_uri_part *parts;
    size_t part_count;
    struct gn_uri_var *vars; /* of all parts, in order */
    size_t var_count;
    const char **shown; /* names, each once, NULL-terminated */
    bool *shown_query;
    size_t literal_chars, stars; /* how specific it is */
};

/* RFC 3986: unreserved; gen-delims and sub-delims. */
bool gn_uri_is_unreserved(char c);
bool gn_uri_is_reserved(char c);
/* The byte that %HH at s stands for; -1 if it is none. s ends with NUL. */
int gn_uri_escape(const char *s);
int gn_uri_add_escaped(struct gn_buf *out, char c);

#endif
