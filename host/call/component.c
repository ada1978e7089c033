/* component.c - making and freeing components. */
#include "call/component.h"

#include "call/made.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

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
    c->icons = NULL;
    c->icon_count = 0;
}

void gn_component_set_icons(struct gn_component *c, const struct gn_icon *icons, size_t count)
{
    free_icons(c);
    c->icons = count ? gn_calloc(count, sizeof *c->icons) : NULL;
    c->icon_count = count;
    for (size_t i = 0; i < count; i++)
        c->icons[i] = (struct gn_icon){gn_strdup(icons[i].src), gn_strdup(icons[i].mime_type),
                                       gn_strdup(icons[i].sizes), gn_strdup(icons[i].theme)};
}

/* Its own, not its parent's. */
#define IS_OWN(c, field)                                                                           \
    ((!(c)->parent || (c)->field != (c)->parent->field) &&                                         \
     (!(c)->own || (c)->field != (c)->own->field))

static void free_shapes(struct gn_component *c)
{
    if (IS_OWN(c, input))
        gn_fields_free(c->input);
    if (IS_OWN(c, output))
        gn_fields_free(c->output);
    if (IS_OWN(c, input_schema))
        gn_schema_free(c->input_schema);
    if (IS_OWN(c, output_schema))
        gn_schema_free(c->output_schema);
    if (IS_OWN(c, input_text))
        gn_free(c->input_text);
    if (IS_OWN(c, output_text))
        gn_free(c->output_text);
    if (IS_OWN(c, input_inline))
        gn_free(c->input_inline);
    if (IS_OWN(c, output_inline))
        gn_free(c->output_inline);
}

static void free_rendered(struct gn_rendered *r)
{
    while (r) {
        struct gn_rendered *next = r->next;
        gn_free(r);
        r = next;
    }
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
    gn_texts_free(c->tags);
    free_icons(c);
    free_shapes(c);
    free_rendered(c->rendered);
    gn_made_free(c->made);
    if (c->free_from)
        c->free_from(c->from);
    if (c->free_template)
        c->free_template(c->uri_template);
    json_decref(c->meta);
    gn_free(c->annotations.last_modified);
    gn_free(c->key);
    gn_free(c->name);
    gn_free(c->title);
    gn_free(c->description);
    gn_free(c->version);
    gn_free(c->mime_type);
    gn_free(c->digest);
    gn_free(c->principal);
    gn_free(c->space);
    json_decref(c->frontmatter);
    struct gn_component *parent = c->parent, *own = c->own;
    c->magic = 0;
    gn_free(c);
    gn_component_unref(parent);
    gn_component_unref(own);
}

/* ---------------------------------------------------------------- made from others */

const struct gn_component *gn_component_origin(const struct gn_component *c)
{
    while (c->parent)
        c = c->parent;
    return c;
}

struct gn_component *gn_component_derive(struct gn_component *from, const char *key)
{
    GN_CHECK(from, GN_COMPONENT_MAGIC);
    struct gn_component *c = gn_component_new(from->kind);
    bool is_named = key && (from->kind == GN_TOOL || from->kind == GN_PROMPT);
    *c = *from;
    c->refs = 1;
    c->parent = gn_component_ref(from);
    c->own = NULL;
    c->from = NULL;
    c->free_from = NULL;
    c->made = NULL;
    c->free_data = NULL;
    c->uri_template = NULL;
    c->free_template = NULL;
    c->meter = NULL;
    c->rendered = NULL;
    c->misfits = 0;
    c->key = gn_strdup(key ? key : from->key);
    c->name = gn_strdup(is_named ? key : from->name);
    c->title = gn_strdup(from->title);
    c->description = gn_strdup(from->description);
    c->version = gn_strdup(from->version);
    c->mime_type = gn_strdup(from->mime_type);
    c->digest = gn_strdup(from->digest);
    c->principal = gn_strdup(from->principal);
    c->space = gn_strdup(from->space);
    c->tags = gn_texts_copy(from->tags);
    c->annotations.last_modified = gn_strdup(from->annotations.last_modified);
    json_incref(c->meta);
    json_incref(c->frontmatter);
    c->icons = NULL;
    c->icon_count = 0;
    gn_component_set_icons(c, from->icons, from->icon_count);
    return c;
}

const char *gn_component_inner_uri(const struct gn_component *c, const char *uri,
                                   struct gn_arena *arena)
{
    if (c->parent && c->kind == GN_RESOURCE)
        return gn_component_origin(c)->key;
    const char *colon = c->space ? strchr(uri, ':') : NULL;
    if (!colon)
        return uri;
    size_t at = (size_t)(colon - uri) + (strncmp(colon, "://", 3) == 0 ? 3 : 1);
    size_t len = strlen(c->space);
    if (strncmp(uri + at, c->space, len) != 0)
        return uri;
    return gn_arena_format(arena, "%.*s%s", (int)at, uri, uri + at + len);
}
