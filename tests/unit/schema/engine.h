/* engine.h - what the tests of the schema engine share. */
#ifndef GN_TESTS_SCHEMA_ENGINE_H
#define GN_TESTS_SCHEMA_ENGINE_H

#include "schema/schema.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

static inline struct gn_schema *compile_schema(const char *text)
{
    struct gn_schema_options options = {.assert_formats = true};
    struct gn_error err = {0};
    struct gn_schema *s = NULL;
    int rc = gn_schema_compile(text, strlen(text), &options, &s, &err);
    cr_assert_eq(rc, 0, "%s: %s", text, err.text);
    return s;
}

static inline void parse_value(struct gn_json_doc *doc, const char *text)
{
    struct gn_error err = {0};
    int rc = gn_json_parse_copy(doc, text, strlen(text), NULL, &err);
    cr_assert_eq(rc, 0, "%s: %s", text, err.text);
}

/* Validates a value; want is the text of the problems, "" if there are none. */
static inline void expect_problems(const char *schema, const char *value, const char *want)
{
    struct gn_schema *s = compile_schema(schema);
    struct gn_json_doc doc;
    struct gn_problems p;
    gn_problems_init(&p);
    parse_value(&doc, value);
    int rc = gn_schema_validate(s, gn_json_root(&doc), 0, &p);
    cr_expect_eq(rc, *want == '\0' ? 0 : GN_EINVAL, "%s on %s gives %d", schema, value, rc);
    cr_expect_str_eq(gn_buf_str(&p.text), want, "%s on %s\n  gives %s\n  not   %s", schema, value,
                     gn_buf_str(&p.text), want);
    cr_expect_eq(gn_schema_validate(s, gn_json_root(&doc), 0, NULL), rc);
    gn_problems_release(&p);
    gn_json_release(&doc);
    gn_schema_free(s);
}

#endif
