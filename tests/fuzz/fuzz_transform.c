/* fuzz_transform.c - a tool made from a tool of anybody's schema, as an operator writes it, and
 * what a client then sends: {"schema": ..., "config": ..., "arguments": ...}.
 *
 * It is made or refused. What is made shows nothing that is hidden, its schema compiles, and the
 * arguments that it lets through become those of the parent: hidden ones are never the client's.
 */
#include "call/call.h"
#include "registry/derive.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define ARENA_MAX ((size_t)8 << 20)
#define TEXT_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NULL: not the schema of a tool. */
static struct gn_component *make_parent(const gantry_json *schema)
{
    struct gn_buf text = GN_BUF_INIT(TEXT_MAX);
    struct gn_component *c = gn_component_new(GN_TOOL);
    struct gn_error err = {0};
    c->key = gn_strdup("parent");
    c->name = gn_strdup("parent");
    if (gn_json_type(schema) == GN_JSON_OBJECT && gn_json_write(&text, schema) == 0 &&
        gn_json_streq(gn_json_get(schema, "type"), "object") &&
        gn_schema_compile(text.data, text.len, NULL, &c->input_schema, &err) == 0)
        c->input_text = gn_strdup(gn_buf_str(&text));
    gn_buf_release(&text);
    if (c->input_text)
        return c;
    gn_component_unref(c);
    return NULL;
}

static bool is_visible(const struct gn_made *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        if (gn_streq(m->v[i].name, name))
            return true;
    }
    return false;
}

static void check_made(const struct gn_component *c)
{
    const gantry_json *properties = gn_json_get(
        gn_schema_root(c->made ? c->input_schema : c->parent->input_schema), "properties");
    const gantry_json *before = gn_json_get(gn_schema_root(c->parent->input_schema), "properties");
    for (size_t i = 0; c->made && i < c->made->count; i++) {
        const struct gn_made_arg *a = &c->made->v[i];
        /* One that the parent only requires is not among its properties. */
        if (a->name)
            gn_assert(gn_json_get(properties, a->name) || !gn_json_get(before, a->parent_name));
        else
            gn_assert(is_visible(c->made, a->parent_name) ||
                      !gn_json_get(properties, a->parent_name));
    }
}

static void pass_on(const struct gn_component *c, const gantry_json *arguments)
{
    struct gn_call_env env = {0};
    struct gantry_call call = {.magic = GN_CALL_MAGIC, .env = &env, .principal = "somebody"};
    struct gn_error err = {0};
    const gantry_json *inner = NULL;
    gn_arena_init(&call.arena, ARENA_MAX);
    if (c->made && gn_made_map(&call, c, arguments, &inner, &err) == 0) {
        for (size_t i = 0; i < c->made->count; i++) {
            const struct gn_made_arg *a = &c->made->v[i];
            if (!a->name && a->source == GN_SOURCE_VALUE)
                gn_assert(
                    gn_json_equal(gn_json_get(inner, a->parent_name), gn_json_root(&a->value)));
        }
    }
    gn_arena_release(&call.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gn_json_doc doc;
    struct gn_from *from = NULL;
    struct gn_error err = {0};
    if (gn_json_parse_copy(&doc, (const char *)data, size, NULL, NULL))
        return 0;
    const gantry_json *root = gn_json_root(&doc), *arguments = gn_json_get(root, "arguments");
    struct gn_component *parent = make_parent(gn_json_get(root, "schema")), *made = NULL;
    json_t *config = gn_json_to_jansson(gn_json_get(root, "config"));
    if (parent && config && gn_from_read(config, &from, &err) == 0 &&
        gn_derive(NULL, from, NULL, parent, &made, &err) == 0) {
        check_made(made);
        if (gn_json_type(arguments) == GN_JSON_OBJECT)
            pass_on(made, arguments);
    }
    gn_component_unref(made);
    gn_component_unref(parent);
    gn_from_free(from);
    json_decref(config);
    gn_json_release(&doc);
    return 0;
}
