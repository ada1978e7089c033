/* component.c - making and freeing components. */
#include "call/component.h"

#include "util/alloc.h"

static const char *const kind_names[GN_KINDS] = {
    [GN_TOOL] = "tool",
    [GN_RESOURCE] = "resource",
    [GN_TEMPLATE] = "resource template",
    [GN_PROMPT] = "prompt",
};

const char *gn_kind_name(enum gn_kind kind)
{
    gn_assert(kind >= GN_TOOL && kind <= GN_PROMPT);
    return kind_names[kind];
}

struct gn_component *gn_component_new(enum gn_kind kind)
{
    struct gn_component *c = gn_calloc(1, sizeof *c);
    c->magic = GN_COMPONENT_MAGIC;
    c->refs = 1;
    c->kind = kind;
    return c;
}

struct gn_component *gn_component_ref(struct gn_component *c)
{
    GN_CHECK(c, GN_COMPONENT_MAGIC);
    c->refs++;
    return c;
}

static void free_icons(struct gn_component *c)
{
    for (size_t i = 0; i < c->icon_count; i++) {
        gn_free(c->icons[i].src);
        gn_free(c->icons[i].mime_type);
        gn_free(c->icons[i].sizes);
        gn_free(c->icons[i].theme);
    }
    gn_free(c->icons);
}

void gn_component_unref(struct gn_component *c)
{
    if (!c)
        return;
    GN_CHECK(c, GN_COMPONENT_MAGIC);
    if (--c->refs > 0)
        return;
    if (c->free_data && c->data)
        c->free_data(c->data);
    for (char **tag = c->tags; tag && *tag; tag++)
        gn_free(*tag);
    gn_free(c->tags);
    free_icons(c);
    gn_fields_free(c->input);
    gn_fields_free(c->output);
    gn_schema_free(c->input_schema);
    gn_schema_free(c->output_schema);
    if (c->free_template)
        c->free_template(c->uri_template);
    json_decref(c->meta);
    gn_free(c->annotations.last_modified);
    gn_free(c->key);
    gn_free(c->name);
    gn_free(c->title);
    gn_free(c->description);
    gn_free(c->version);
    gn_free(c->input_text);
    gn_free(c->output_text);
    gn_free(c->input_inline);
    gn_free(c->output_inline);
    gn_free(c->mime_type);
    gn_free(c->digest);
    json_decref(c->frontmatter);
    c->magic = 0;
    gn_free(c);
}
