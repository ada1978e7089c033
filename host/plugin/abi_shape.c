/* abi_shape.c - what goes into a tool and what comes out: tables and schemas as JSON, and their
 * texts as clients are sent them.
 */
#include "plugin/abi_internal.h"
#include "schema/listed.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define NO_ARGUMENTS "{\"type\":\"object\",\"additionalProperties\":false}"

/* A schema as compact JSON. */
static int schema_text(const struct gn_schema *schema, char **ret, struct gn_error *err)
{
    if (gn_schema_listed(schema, GN_ABI_JSON_MAX, ret))
        return gn_error_set(err, GN_ETOOBIG, "its schema takes more than %u bytes",
                            GN_ABI_JSON_MAX);
    return GN_OK;
}

/* The same for clients that cannot follow references; stays NULL if it would take too much: then
 * the schema is listed as it is. */
static void inline_text(struct gn_generation *g, const char *what, const struct gn_component *c,
                        const struct gn_schema *schema, const char *text, char **ret)
{
    if (gn_schema_listed_inline(schema, text, GN_ABI_JSON_MAX, ret))
        gn_log(g->env ? g->env->log : NULL, GN_NOTICE, "plugin",
               "%s: tool %s: %s takes more than %u bytes without its references: always listed "
               "with them",
               g->instance, c->name, what, GN_ABI_JSON_MAX);
}

int gn_abi_table(const gantry_arg *args, uint16_t stride, uint32_t struct_size,
                 struct gn_fields **ret, struct gn_error *err)
{
    if (args && stride == 0)
        return gn_error_set(err, GN_EINVAL, "has an argument table but no .arg_size");
    return gn_fields_import(args, stride, struct_size, ret, err);
}

static int table_text(const struct gn_fields *fields, char **ret, struct gn_error *err)
{
    if (fields->count > 0)
        return schema_text(fields->schema, ret, err);
    *ret = gn_strdup(NO_ARGUMENTS);
    return GN_OK;
}

static int take_schema(const struct gn_generation *g, const char *what, const char *json,
                       struct gn_schema **ret, char **ret_text, struct gn_error *err)
{
    struct gn_schema_options options = {
        .assert_formats = !g->env || !g->env->annotate_formats,
        .max_bytes = GN_ABI_JSON_MAX,
    };
    size_t len = strnlen(json, GN_ABI_JSON_MAX + 1);
    int rc = len > GN_ABI_JSON_MAX
                 ? gn_error_set(err, GN_ETOOBIG, "takes more than %u bytes", GN_ABI_JSON_MAX)
                 : gn_schema_compile(json, len, &options, ret, err);
    if (!rc && gn_json_type(gn_schema_root(*ret)) != GN_JSON_OBJECT)
        rc = gn_error_set(err, GN_EINVAL, "is not an object");
    if (!rc)
        rc = schema_text(*ret, ret_text, err);
    if (rc)
        gn_error_prefix(err, "%s: ", what);
    return rc;
}

int gn_abi_input(struct gn_generation *g, struct gn_component *c, const gantry_arg *args,
                 uint16_t stride, uint32_t struct_size, struct gn_error *err)
{
    int rc = gn_abi_table(args, stride, struct_size, &c->input, err);
    if (!rc)
        rc = table_text(c->input, &c->input_text, err);
    if (!rc)
        inline_text(g, "input", c, c->input->schema, c->input_text, &c->input_inline);
    return rc;
}

int gn_abi_input_schema(struct gn_generation *g, struct gn_component *c, const char *json,
                        struct gn_error *err)
{
    int rc = take_schema(g, "input_schema_json", json, &c->input_schema, &c->input_text, err);
    if (rc)
        return rc;
    if (!gn_json_streq(gn_json_get(gn_schema_root(c->input_schema), "type"), "object"))
        return gn_error_set(err, GN_EINVAL, "input_schema_json: its \"type\" must be \"object\"");
    inline_text(g, "input_schema_json", c, c->input_schema, c->input_text, &c->input_inline);
    return GN_OK;
}

int gn_abi_output(struct gn_generation *g, struct gn_component *c, const gantry_arg *table,
                  uint16_t stride, uint32_t struct_size, const char *json, struct gn_error *err)
{
    int rc = GN_OK;
    if (table && json)
        return gn_error_set(err, GN_EINVAL, "has both .output and .output_schema_json");
    if (table) {
        rc = gn_abi_table(table, stride, struct_size, &c->output, err);
        if (!rc)
            rc = table_text(c->output, &c->output_text, err);
        if (rc)
            gn_error_prefix(err, "output: ");
    } else if (json) {
        rc = take_schema(g, "output_schema_json", json, &c->output_schema, &c->output_text, err);
    }
    const struct gn_schema *schema = c->output ? c->output->schema : c->output_schema;
    if (!rc && schema)
        inline_text(g, c->output ? "output" : "output_schema_json", c, schema, c->output_text,
                    &c->output_inline);
    return rc;
}
