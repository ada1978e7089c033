/* transform_rows.h - for tests of tools made from tools: parents, rows, and what comes of them. */
#ifndef TESTS_UNIT_REGISTRY_TRANSFORM_ROWS_H
#define TESTS_UNIT_REGISTRY_TRANSFORM_ROWS_H

#include "registry/derive.h"

/* ---------------------------------------------------------------- parents */

extern struct gn_owner rows_shop; /* "shop" */
int rows_run(gantry_call *call, const void *in);
/* One reference, of rows_shop. */
struct gn_component *rows_tool(const char *name, const char *schema);
struct gn_component *rows_search_tool(void); /* SEARCH */

#define CLOSED(properties, required)                                                               \
    "{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required                 \
    "],\"additionalProperties\":false}"

#define SEARCH                                                                                     \
    CLOSED("\"query\":{\"type\":\"string\",\"description\":\"What to look for\"},"                 \
           "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":10},"        \
           "\"key\":{\"type\":\"string\"}",                                                        \
           "\"query\",\"key\"")

/* "abc": arguments a, b, c (strings), and these keywords, with ' for quotes. */
struct gn_component *rows_abc(const char *keywords);

/* ---------------------------------------------------------------- rows */

/* A new reference; quotes may be written as '. NULL gives NULL. */
json_t *rows_json(const char *text);

struct row {
    const char *arg, *name, *title, *description, *value, *schema, *examples, *source;
    bool hide, required;
};

/* name NULL: the parent's. */
struct gn_from *rows_from(const char *name, const struct row *rows, size_t count);
#define ROWS(...)                                                                                  \
    (const struct row[]){__VA_ARGS__},                                                             \
        sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row)

#define RENAME_A ROWS({.arg = "a", .name = "x"})
#define HIDE_A ROWS({.arg = "a", .hide = true})
#define FILL_A ROWS({.arg = "a", .hide = true, .value = "'v'"})
#define DEFAULT_A ROWS({.arg = "a", .value = "'v'"})
#define SCOPE_A ROWS({.arg = "a", .hide = true, .source = "scope:a"})

/* What comes of it: one reference, or NULL with err set. Takes all it is given over. */
struct gn_component *rows_derive(struct gn_component *parent, struct gn_component *own,
                                 struct gn_from *from, struct gn_error *err);

/* ---------------------------------------------------------------- what is expected */

/* With ' for quotes; owned by the caller. */
char *rows_unquoted(const char *text);
void rows_check_text(const char *got, const char *expected);
/* The schema that comes of it, with ' for quotes. Takes the parent over. */
void rows_check_schema(struct gn_component *parent, const struct row *rows, size_t count,
                       const char *expected);
/* What is refused, and in which words. Takes the parent over. */
void rows_check_refused(struct gn_component *parent, const struct row *rows, size_t count,
                        const char *expected);

#endif
