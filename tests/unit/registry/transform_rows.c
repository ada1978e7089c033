/* transform_rows.c - see transform_rows.h. */
#include "transform_rows.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

/* ---------------------------------------------------------------- parents */

int rows_run(gantry_call *call, const void *in)
{
    (void)call;
    (void)in;
    return GANTRY_OK;
}

struct gn_owner rows_shop = {.name = "shop"};

struct gn_component *rows_tool(const char *name, const char *schema)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    struct gn_error err = {0};
    c->key = gn_strdup(name);
    c->name = gn_strdup(name);
    c->title = gn_strdup("Title");
    c->description = gn_strdup("Description");
    c->version = gn_strdup("1.0");
    c->owner = &rows_shop;
    c->run = rows_run;
    c->input_text = gn_strdup(schema);
    cr_assert_eq(gn_schema_compile(schema, strlen(schema), NULL, &c->input_schema, &err), 0, "%s",
                 err.text);
    return c;
}

struct gn_component *rows_search_tool(void)
{
    return rows_tool("search", SEARCH);
}

struct gn_component *rows_abc(const char *keywords)
{
    GN_AUTO_FREE char *schema = gn_format(
        "{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'string'},"
        "'c':{'type':'string'}},%s}",
        keywords);
    for (char *s = schema; *s; s++)
        *s = *s == '\'' ? '"' : *s;
    return rows_tool("abc", schema);
}

/* ---------------------------------------------------------------- rows */

/* JSON text -> value; quotes may be written as '. */
json_t *rows_json(const char *text)
{
    if (!text)
        return NULL;
    GN_AUTO_FREE char *copy = gn_strdup(text);
    for (char *s = copy; *s; s++)
        *s = *s == '\'' ? '"' : *s;
    json_t *v = json_loads(copy, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(v, "%s", copy);
    return v;
}

static void fill_row(struct gn_from_arg *a, const struct row *r)
{
    struct gn_error err = {0};
    *a = (struct gn_from_arg){
        .arg = gn_strdup(r->arg),
        .name = gn_strdup(r->name),
        .title = gn_strdup(r->title),
        .description = gn_strdup(r->description),
        .value = rows_json(r->value),
        .schema = rows_json(r->schema),
        .examples = rows_json(r->examples),
        .hide = r->hide,
        .required = r->required,
    };
    if (r->source)
        cr_assert_eq(gn_source_parse(r->source, &a->source, &a->source_name, &err), 0, "%s",
                     err.text);
}

struct gn_from *rows_from(const char *name, const struct row *rows, size_t count)
{
    struct gn_from *from = gn_from_new();
    from->name = gn_strdup(name);
    from->args = gn_calloc(count + 1, sizeof *from->args);
    from->arg_count = count;
    for (size_t i = 0; i < count; i++)
        fill_row(&from->args[i], &rows[i]);
    return from;
}
/* What comes of it; takes `from` over, and the parent. */
struct gn_component *rows_derive(struct gn_component *parent, struct gn_component *own,
                                 struct gn_from *from, struct gn_error *err)
{
    struct gn_component *c = NULL;
    int rc = gn_derive(NULL, from, own, parent, &c, err);
    cr_assert_eq(rc == 0, c != NULL);
    gn_from_free(from);
    gn_component_unref(parent);
    gn_component_unref(own);
    return c;
}

char *rows_unquoted(const char *text)
{
    char *copy = gn_strdup(text);
    for (char *s = copy; s && *s; s++)
        *s = *s == '"' ? '\'' : *s;
    return copy;
}

void rows_check_text(const char *got, const char *expected)
{
    GN_AUTO_FREE char *text = rows_unquoted(got);
    cr_assert_not_null(text);
    cr_expect_str_eq(text, expected, "\n%s\nexpected\n%s", text, expected);
}

/* The schema that comes of it, with ' for quotes. */
void rows_check_schema(struct gn_component *parent, const struct row *rows, size_t count,
                       const char *expected)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(parent, NULL, rows_from("made", rows, count), &err);
    cr_assert_not_null(c, "%s", err.text);
    rows_check_text(c->input_text, expected);
    cr_expect_not_null(c->made);
    gn_component_unref(c);
}

/* What is refused, and in which words. */
void rows_check_refused(struct gn_component *parent, const struct row *rows, size_t count,
                        const char *expected)
{
    struct gn_error err = {0};
    struct gn_component *c = rows_derive(parent, NULL, rows_from("made", rows, count), &err);
    cr_expect_null(c, "made, but expected was: %s", expected);
    cr_expect_str_eq(err.text, expected, "\n%s\nexpected\n%s", err.text, expected);
    cr_expect_eq(err.code, GN_EINVAL);
    gn_component_unref(c);
}
