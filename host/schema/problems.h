/* problems.h - where in a value something is wrong, and how it is put into words.
 *
 * A path is a chain of stack frames, so that checking a right value costs nothing: it becomes a
 * JSON Pointer only when there is something to report. All texts are made for people and models:
 * names and values are quoted as JSON, on one line, shortened to 60 characters. [any thread]
 */
#ifndef GN_SCHEMA_PROBLEMS_H
#define GN_SCHEMA_PROBLEMS_H

#include "util/buf.h"
#include "json/json.h"

/* What was wrong with a value: at most 20 lines kept, the rest counted. */
struct gn_problems {
    struct gn_buf text; /* one problem a line: "/times: expected integer 1 to 5, got \"many\"" */
    uint32_t count;
    uint32_t repeats; /* lines that stood there already, and were not counted */
};
void gn_problems_init(struct gn_problems *p);
void gn_problems_release(struct gn_problems *p);
/* path is a JSON Pointer, "" for the whole value; p may be NULL. */
void gn_problems_add(struct gn_problems *p, const char *path, const char *fmt, ...) GN_PRINTF(3, 4);

/* The rest of this header is for host/schema. */

#define GN_SHOWN_MAX 448 /* bytes of a shown value: 60 characters, each escaped at worst */

struct gn_path {
    const struct gn_path *up; /* NULL: the whole value */
    const char *name;         /* NULL: an element of an array */
    size_t index;
};

/* As gn_problems_add, with a path; p may be NULL. Cheap once 20 lines are full: then it only
 * counts. */
void gn_problems_at(struct gn_problems *p, const struct gn_path *at, const char *fmt, ...)
    GN_PRINTF(3, 4);
/* True if another line would be kept: what is costly to word may be left out otherwise. */
bool gn_problems_wanted(const struct gn_problems *p);

/* A value, or a text, as it is shown: out, filled. */
const char *gn_show_value(char out[GN_SHOWN_MAX], const gantry_json *v);
const char *gn_show_text(char out[GN_SHOWN_MAX], const char *s, size_t len);

/* Names of one object that are missing and unknown, put into one line. Made by gn_names_add, which
 * keeps the first few and counts the rest; names are borrowed. */
#define GN_NAMES_KEPT 8
struct gn_names {
    size_t count;
    struct {
        const char *s;
        size_t len;
    } v[GN_NAMES_KEPT];
};
void gn_names_add(struct gn_names *names, const char *name, size_t len);
/* `known` is NULL-terminated: the nearest of them is suggested for each unknown name. */
void gn_problems_names(struct gn_problems *p, const struct gn_path *at,
                       const struct gn_names *missing, const struct gn_names *unknown,
                       const char *const *known);

/* Notes that the value is none of the choices: at most eight of them are named, and of strings the
 * nearest. */
void gn_problems_choice(struct gn_problems *p, const struct gn_path *at,
                        const gantry_json *const *choices, size_t count, const gantry_json *got);

#endif
