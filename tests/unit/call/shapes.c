/* shapes.c - see shapes.h. */
#include "shapes.h"

#include "util/alloc.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

static void set_schema(struct gn_component *c, const char *schema)
{
    struct gn_error err = {0};
    c->input = NULL;
    c->input_schema = NULL;
    if (!schema)
        return;
    int rc = gn_schema_compile(schema, strlen(schema), NULL, &c->input_schema, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
}

struct gn_component *shape_tool(struct rig *r, const char *key, gantry_run_fn run, uint32_t flags,
                                const char *schema)
{
    struct gn_component *c = rig_tool(r, key, run, flags);
    set_schema(c, schema);
    return c;
}

static void set_row(struct gn_made *m, size_t i, const struct shape_row *row)
{
    struct gn_made_arg *a = &m->v[i];
    *a = (struct gn_made_arg){
        .name = gn_strdup(row->name),
        .parent_name = gn_strdup(row->parent_name),
        .source = row->source,
        .source_name = gn_strdup(row->source_name),
        .is_required = row->is_required,
    };
    if (row->json)
        cr_assert_eq(gn_json_parse_copy(&a->value, row->json, strlen(row->json), NULL, NULL), 0);
}

struct gn_component *shape_made(struct gn_component *parent, const char *key,
                                const struct shape_row *rows, const char *schema)
{
    struct gn_component *c = gn_component_derive(parent, key);
    struct gn_made *m = c->made = gn_calloc(1, sizeof *m);
    gn_component_unref(parent);
    gn_map_init(&m->by_name);
    while (rows[m->count].name || rows[m->count].parent_name)
        m->count++;
    m->v = gn_calloc(m->count + 1, sizeof *m->v);
    for (size_t i = 0; i < m->count; i++)
        set_row(m, i, &rows[i]);
    gn_made_index(m);
    set_schema(c, schema);
    return c;
}

struct gn_component *shape_around(struct gn_component *parent, const char *key, gantry_run_fn run,
                                  struct gn_owner *owner, const struct shape_row *rows,
                                  const char *schema, const gantry_arg *args, uint32_t size)
{
    struct gn_error err = {0};
    struct gn_component *c = shape_made(parent, key, rows, schema);
    struct gn_component *own = gn_component_new(GN_TOOL);
    c->made->is_around = true;
    c->flags = 0;
    c->run = run;
    c->owner = own->owner = owner;
    c->own = own;
    own->key = gn_strdup(key);
    if (args) {
        int rc = gn_fields_import(args, sizeof *args, size, &own->input, &err);
        cr_assert_eq(rc, 0, "%s", err.text);
    }
    return c;
}
