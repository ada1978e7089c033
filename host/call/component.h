/* component.h - a tool, resource, template or prompt, whoever provides it.
 *
 * Everything here is the host's own copy; only the code pointers lead into a plugin, and they may
 * be followed only while the owner (a plugin's generation) is held. A component is made by an
 * importer (host/plugin), published by the registry, and run by a call. Reference-counted, loop
 * thread only.
 */
#ifndef GN_CALL_COMPONENT_H
#define GN_CALL_COMPONENT_H

#include "coro/task.h"
#include "schema/fields.h"

#include <gantry.h>

enum gn_kind {
    GN_TOOL = GANTRY_KIND_TOOL,
    GN_RESOURCE = GANTRY_KIND_RESOURCE,
    GN_TEMPLATE = GANTRY_KIND_TEMPLATE,
    GN_PROMPT = GANTRY_KIND_PROMPT,
};
#define GN_KINDS 5 /* array size: kinds count from 1 */

/* Who provides components, as the floors below the plugin floor see it: embedded in a generation.
 */
struct gn_owner {
    void (*ref)(
        struct gn_owner *owner); /* [loop] keeps its code mapped and its stop from running */
    void (*unref)(struct gn_owner *owner); /* [loop] */
    const char *name;                      /* instance name ("hello") */
    gantry_plugin *plugin;                 /* the handle its handlers see */
    struct gn_work_group *group;           /* its share of the worker threads */
    uint32_t pointers; /* [loop] that its code set in scopes, not destroyed yet (scope.c) */
    /* [loop] NULL, or its code has stopped: what its calls fail with instead of running. How an
     * exclusive plugin is replaced, whose components still stand in the registry, and others that
     * were made of them. */
    const char *refusal;
    /* [loop] NULL, or asked before a call of its components, or in its middlewares, starts (not by
     * nested calls): true takes the call over (with a reference of its own), to start it a moment
     * later by gn_call_start_again, perhaps with the component's successor. How calls wait while a
     * reload hands state over. */
    bool (*hold)(struct gn_owner *owner, gantry_call *call);
};

struct gn_icon {
    char *src, *mime_type, *sizes, *theme;
};

struct gn_annotations {
    uint32_t audience; /* GANTRY_USER | GANTRY_ASSISTANT; 0 none */
    bool has_priority;
    double priority;
    char *last_modified;
};

struct gn_uri_template;

/* A component as an element of lists, in one of the forms that clients see. Immutable. */
struct gn_rendered {
    struct gn_rendered *next; /* in other forms */
    uint32_t form;            /* which: registry/render.c */
    uint64_t digest;
    size_t len;
    char text[];
};

#define GN_COMPONENT_MAGIC 0xc0313f02u
struct gn_component {
    uint32_t magic, refs;
    enum gn_kind kind;
    char *key; /* tool, prompt: name · resource: URI · template: its text. Unique within a kind */
    char *name; /* the `name` a client sees */
    char *title, *description, *version;
    char **tags;           /* NULL-terminated; NULL if none */
    json_t *meta;          /* object or NULL */
    struct gn_icon *icons; /* icon_count of them */
    size_t icon_count;
    uint32_t flags, requires, timeout_ms; /* flags: GANTRY_BLOCKING, ... */
    uint32_t task;                        /* tools: GANTRY_TASK_ */

    /* input, output */
    struct gn_fields
        *input; /* never NULL for tools and prompts made from tables; NULL with a schema */
    struct gn_schema *input_schema; /* given as JSON */
    struct gn_fields *output;
    struct gn_schema *output_schema;
    char *input_text, *output_text;     /* the schemas as compact JSON; NULL where there is none */
    char *input_inline, *output_inline; /* the same without `$ref`; NULL if they have none */
    uint32_t misfits;                   /* results that did not fit the output schema [loop] */
    int8_t read_only, destructive, idempotent, open_world; /* tools: GANTRY_YES, GANTRY_NO, 0 */

    /* resources and templates */
    struct gn_uri_template *uri_template;                        /* of the registry floor, hence: */
    void (*free_template)(struct gn_uri_template *uri_template); /* set together with it */
    char *mime_type;
    int64_t byte_size; /* 0 unknown */
    bool has_annotations;
    struct gn_annotations annotations;
    int64_t ttl_ms;
    bool cache_public;
    /* files of skills (host/plugin/skill.c) */
    char *digest;        /* "sha256:...", of its contents, which are byte_size; else NULL */
    json_t *frontmatter; /* of its SKILL.md: an object; else NULL */

    /* code: valid while owner is held */
    struct gn_owner *owner;
    gantry_run_fn run;
    gantry_complete_fn complete;
    void *data;
    void (*free_data)(void *data);

    struct gn_meter *meter;       /* the metrics': what its calls are counted by; borrowed [loop] */
    struct gn_rendered *rendered; /* made when a list asks for it (registry/render.c) [loop] */

    /* transforms */
    char *principal; /* the only one that sees it; NULL: all do */
    /* What is yet to be made of its parent (registry/derive.h): such a one is a source only, never
     * served. NULL: it is there by itself. Owned. */
    struct gn_from *from;
    void (*free_from)(struct gn_from *from); /* of the registry floor: set together with it */
    /* Made from another one: that one (a reference; it in turn may be), else NULL. Pointers that
     * are equal to its parent's (input, schemas, their texts) are the parent's. */
    struct gn_component *parent;
    /* The source it was made for, whose function, fields and data it has (a reference); NULL: made
     * by a transform. */
    struct gn_component *own;
    struct gn_made *made; /* a tool whose arguments become its parent's (call/made.h), or NULL */
    /* Resources and templates in namespaces: what stands in their URIs behind "://" (or behind ":")
     * and not in those that their plugin knows: "wx/"; NULL: nothing. */
    char *space;
};

/* A zeroed component with one reference; strings and tables are filled in by the importer and freed
 * with it. Does not hold its owner: whoever runs it does. [loop] */
struct gn_component *gn_component_new(enum gn_kind kind);
struct gn_component *gn_component_ref(struct gn_component *c);
/* Frees at zero: free_data(data) first (the owner must still be mapped then: the generation keeps
 * itself until its components are gone). NULL is fine. */
void gn_component_unref(struct gn_component *c);

/* The one that its plugin provided: c itself, or what it was made from in the end. */
const struct gn_component *gn_component_origin(const struct gn_component *c);
/* Whose component it is: the plugin that provides it, or made it of another's; NULL: the host. The
 * code that runs may be that other's (owner). */
static inline const struct gn_owner *gn_component_provider(const struct gn_component *c)
{
    return c->own ? c->own->owner : c->owner;
}
/* A copy with one reference that has c as its parent: same code, data and owner, other words to be
 * put in. key NULL: the same; the name of a tool or prompt is its key. A template's text is parsed
 * by whoever changes it (uri_template is NULL). [loop] */
struct gn_component *gn_component_derive(struct gn_component *c, const char *key);
/* Copies of these in place of its own. */
void gn_component_set_icons(struct gn_component *c, const struct gn_icon *icons, size_t count);
/* The URI that the plugin of a resource or template knows for one that a client wrote: uri itself,
 * or text in the arena (NULL: it is full). */
const char *gn_component_inner_uri(const struct gn_component *c, const char *uri,
                                   struct gn_arena *arena);

bool gn_component_has_tag(const struct gn_component *c, const char *tag); /* NULL has none */

/* "tool", "resource", "resource template", "prompt". */
const char *gn_kind_name(enum gn_kind kind);

#endif
