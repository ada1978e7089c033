/* abi_v1.c - the components of ABI major 1 (0.x while it grows): from gantry_tool, gantry_resource,
 * gantry_template and gantry_prompt to struct gn_component.
 *
 * A mistake of the author refuses the component with a message; GN_ENOTSUP says that it is newer
 * than this host, so that it can be skipped.
 */
#include "plugin/abi_internal.h"
#include "plugin/prefix.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define KNOWN_FLAGS ((uint32_t)(GANTRY_BLOCKING | GANTRY_REPLAY))
#define OUTPUT_FLAGS ((uint32_t)(GANTRY_OUTPUT_STRICT | GANTRY_OUTPUT_UNCHECKED))
#define TOOL_FLAGS (KNOWN_FLAGS | (uint32_t)GANTRY_STRICT_INPUT | OUTPUT_FLAGS)

/* The fields that all kinds have in common, under one name. */
struct common {
    const char *title, *description, *meta_json, *version;
    const char *const *tags;
    const gantry_icon *const *icons;
    uint32_t flags, requires, timeout_ms, reserved;
    gantry_run_fn run;
    const char *run_name;
    void *data;
    void (*free_data)(void *data);
};

#define COMMON(s, fn, ...)                                                                         \
    (&(const struct common){.title = (s).title,                                                    \
                            .description = (s).description,                                        \
                            .meta_json = (s).meta_json,                                            \
                            .version = (s).version,                                                \
                            .tags = (s).tags,                                                      \
                            .icons = (s).icons,                                                    \
                            .flags = (s).flags,                                                    \
                            .requires = (s).requires,                                              \
                            .timeout_ms = (s).timeout_ms,                                          \
                            .run = (s).fn,                                                         \
                            .run_name = #fn,                                                       \
                            .data = (s).data,                                                      \
                            .free_data = (s).free_data,                                            \
                            .reserved = __VA_ARGS__})

static int take_common(struct gn_component *c, const struct common *from, struct gn_error *err)
{
    if (!from->run)
        return gn_error_set(err, GN_EINVAL, ".%s is NULL", from->run_name);
    uint32_t known = c->kind == GN_TOOL ? TOOL_FLAGS : KNOWN_FLAGS;
    int rc = gn_abi_check_bits(from->flags, known, "flags", err);
    if (!rc && (from->flags & OUTPUT_FLAGS) == OUTPUT_FLAGS)
        rc = gn_error_set(err, GN_EINVAL,
                          "has both GANTRY_OUTPUT_STRICT and GANTRY_OUTPUT_UNCHECKED");
    if (!rc)
        rc = gn_abi_check_bits(from->requires, GN_ABI_CAPABILITIES, "capabilities", err);
    if (!rc)
        rc = gn_abi_check_bits(from->reserved, 0, "options", err);
    if (!rc)
        rc = gn_abi_text("its title", from->title, &c->title, err);
    if (!rc)
        rc = gn_abi_text("its description", from->description, &c->description, err);
    if (!rc)
        rc = gn_abi_text("its version", from->version, &c->version, err);
    if (!rc)
        rc = gn_abi_tags(from->tags, &c->tags, err);
    if (!rc)
        rc = gn_abi_icons(from->icons, c, err);
    if (!rc)
        rc = gn_abi_meta(from->meta_json, &c->meta, err);
    c->flags = from->flags;
    c->requires = from->requires;
    c->timeout_ms = from->timeout_ms;
    c->run = from->run;
    return rc;
}

/* ---------------------------------------------------------------- tools */

static int take_input(struct gn_generation *g, struct gn_component *c, const gantry_tool *t,
                      struct gn_error *err)
{
    if (!t->input_schema_json)
        return gn_abi_input(g, c, t->args, t->arg_size, t->in_size, err);
    if (t->args)
        return gn_error_set(err, GN_EINVAL, "has both .args and .input_schema_json");
    return gn_abi_input_schema(g, c, t->input_schema_json, err);
}

static int take_hints(struct gn_component *c, const gantry_tool *t, struct gn_error *err)
{
    int rc = gn_abi_hint(t->read_only, &c->read_only, err);
    if (!rc)
        rc = gn_abi_hint(t->destructive, &c->destructive, err);
    if (!rc)
        rc = gn_abi_hint(t->idempotent, &c->idempotent, err);
    return rc ? rc : gn_abi_hint(t->open_world, &c->open_world, err);
}

static int fill_tool(struct gn_generation *g, struct gn_component *c, const gantry_tool *t,
                     struct gn_error *err)
{
    int rc = gn_abi_name(GN_TOOL, t->name, &c->name, err);
    if (rc)
        return rc;
    c->key = gn_strdup(c->name);
    rc = take_common(c, COMMON(*t, run, (uint32_t)t->reserved | t->reserved2), err);
    if (!rc && t->task > GANTRY_TASK_DEFERRED)
        rc = gn_error_set(err, GN_ENOTSUP, ".task is newer than this host (%u)", t->task);
    c->task = t->task;
    if (!rc)
        rc = take_input(g, c, t, err);
    if (!rc)
        rc = gn_abi_output(g, c, t->output, t->arg_size, t->output_size, t->output_schema_json,
                           err);
    if (!rc)
        rc = take_hints(c, t, err);
    return rc;
}

/* ---------------------------------------------------------------- resources and templates */

static int take_cache(struct gn_component *c, int64_t ttl_ms, uint32_t scope, struct gn_error *err)
{
    if (ttl_ms < 0)
        return gn_error_set(err, GN_EINVAL, "ttl_ms is negative");
    c->ttl_ms = ttl_ms;
    c->cache_public = scope == GANTRY_CACHE_PUBLIC;
    return gn_abi_check_bits(scope, GANTRY_CACHE_PUBLIC, "cache scopes", err);
}

static int take_annotations(struct gn_component *c, const gantry_annotations *raw,
                            struct gn_error *err)
{
    c->has_annotations = raw != NULL;
    return raw ? gn_abi_annotations(raw, &c->annotations, err) : GN_OK;
}

static int fill_resource(struct gn_component *c, const gantry_resource *r, struct gn_error *err)
{
    int rc = gn_abi_uri("URI", r->uri, &c->key, err);
    if (!rc)
        rc = gn_abi_name(GN_RESOURCE, r->name, &c->name, err);
    if (!rc)
        rc = take_common(c, COMMON(*r, read, r->reserved), err);
    if (!rc)
        rc = gn_abi_text("its MIME type", r->mime_type, &c->mime_type, err);
    if (!rc && r->byte_size < 0)
        rc = gn_error_set(err, GN_EINVAL, "byte_size is negative");
    if (!rc)
        rc = take_annotations(c, r->annotations, err);
    if (!rc)
        rc = take_cache(c, r->ttl_ms, r->cache_scope, err);
    c->byte_size = r->byte_size;
    return rc;
}

static void add_name(struct gn_buf *names, const char *name)
{
    gn_buf_addf(names, "%s%s", names->len ? ", " : "", name);
}

static bool has_variable(const struct gn_uri_template *t, const char *name)
{
    for (const char *const *v = gn_uri_template_vars(t); *v; v++) {
        if (gn_streq(*v, name))
            return true;
    }
    return false;
}

/* Variables and rows must be the same set; what a query may leave out must be optional. */
static int check_variables(const struct gn_component *c, struct gn_error *err)
{
    const char *const *vars = gn_uri_template_vars(c->uri_template);
    struct gn_buf unknown = GN_BUF_INIT(512), unused = GN_BUF_INIT(512),
                  required = GN_BUF_INIT(512);
    for (size_t i = 0; vars[i]; i++) {
        const struct gn_field *f = gn_fields_find(c->input, vars[i]);
        if (!f)
            add_name(&unknown, vars[i]);
        else if (gn_uri_template_var_is_query(c->uri_template, i) && !f->optional)
            add_name(&required, vars[i]);
    }
    for (size_t i = 0; i < c->input->count; i++) {
        if (!has_variable(c->uri_template, c->input->v[i].name))
            add_name(&unused, c->input->v[i].name);
    }
    int rc = GN_OK;
    if (!vars[0])
        rc = gn_error_set(
            err, GN_EINVAL,
            "a URI template must have at least one variable: without one it is a resource");
    else if (unknown.len)
        rc = gn_error_set(err, GN_EINVAL, "URI variables {%s} have no row in the argument table",
                          gn_buf_str(&unknown));
    else if (unused.len)
        rc = gn_error_set(err, GN_EINVAL, "arguments {%s} are not variables of the URI template",
                          gn_buf_str(&unused));
    else if (required.len)
        rc = gn_error_set(
            err, GN_EINVAL,
            "query parameters {%s} must be optional arguments: give them a default or .optional",
            gn_buf_str(&required));
    gn_buf_release(&unknown);
    gn_buf_release(&unused);
    gn_buf_release(&required);
    return rc;
}

static int fill_template(struct gn_component *c, const gantry_template *t, struct gn_error *err)
{
    int rc = gn_abi_uri("URI template", t->uri_template, &c->key, err);
    if (!rc)
        rc = gn_uri_template_parse(c->key, true, &c->uri_template, err);
    if (rc)
        return rc;
    c->free_template = gn_uri_template_free;
    rc = gn_abi_name(GN_TEMPLATE, t->name, &c->name, err);
    if (!rc)
        rc = take_common(c, COMMON(*t, read, (uint32_t)t->reserved | t->reserved2), err);
    if (!rc)
        rc = gn_abi_table(t->args, t->arg_size, t->in_size, &c->input, err);
    if (!rc)
        rc = check_variables(c, err);
    if (!rc)
        rc = gn_abi_text("its MIME type", t->mime_type, &c->mime_type, err);
    if (!rc)
        rc = take_annotations(c, t->annotations, err);
    if (!rc)
        rc = take_cache(c, t->ttl_ms, t->cache_scope, err);
    c->complete = t->complete;
    return rc;
}

/* ---------------------------------------------------------------- prompts */

static int fill_prompt(struct gn_component *c, const gantry_prompt *p, struct gn_error *err)
{
    int rc = gn_abi_name(GN_PROMPT, p->name, &c->name, err);
    if (rc)
        return rc;
    c->key = gn_strdup(c->name);
    rc = take_common(c, COMMON(*p, render, p->reserved), err);
    if (!rc)
        rc = gn_abi_table(p->args, p->arg_size, p->in_size, &c->input, err);
    c->complete = p->complete;
    return rc;
}

/* ---------------------------------------------------------------- the importers */

int gn_abi_finish(struct gn_generation *g, struct gn_component *c, const char *name, int rc,
                  void *data, void (*free_data)(void *data), struct gn_component **ret,
                  struct gn_error *err)
{
    *ret = NULL;
    if (!rc)
        rc = gn_prefix_component(g, c, err);
    if (rc) {
        gn_error_prefix(err, "%s %s: ", gn_kind_name(c->kind), gn_abi_label(name));
        gn_component_unref(c);
        return rc;
    }
    c->owner = &g->owner;
    c->data = data;
    c->free_data = free_data;
    *ret = c;
    return GN_OK;
}

int gn_abi_import_tool(struct gn_generation *g, const gantry_tool *raw, struct gn_component **ret,
                       struct gn_error *err)
{
    gantry_tool t;
    struct gn_component *c = gn_component_new(GN_TOOL);
    int rc = gn_abi_copy(&t, sizeof t, offsetof(gantry_tool, title), raw, err);
    if (!rc)
        rc = fill_tool(g, c, &t, err);
    return gn_abi_finish(g, c, t.name, rc, t.data, t.free_data, ret, err);
}

int gn_abi_import_resource(struct gn_generation *g, const gantry_resource *raw,
                           struct gn_component **ret, struct gn_error *err)
{
    gantry_resource r;
    struct gn_component *c = gn_component_new(GN_RESOURCE);
    int rc = gn_abi_copy(&r, sizeof r, offsetof(gantry_resource, title), raw, err);
    if (!rc)
        rc = fill_resource(c, &r, err);
    return gn_abi_finish(g, c, r.uri, rc, r.data, r.free_data, ret, err);
}

int gn_abi_import_template(struct gn_generation *g, const gantry_template *raw,
                           struct gn_component **ret, struct gn_error *err)
{
    gantry_template t;
    struct gn_component *c = gn_component_new(GN_TEMPLATE);
    int rc = gn_abi_copy(&t, sizeof t, offsetof(gantry_template, complete), raw, err);
    if (!rc)
        rc = fill_template(c, &t, err);
    return gn_abi_finish(g, c, t.uri_template, rc, t.data, t.free_data, ret, err);
}

/* ---------------------------------------------------------------- middleware */

#define HOOKS ((uint32_t)(GANTRY_ON_MESSAGE * 2 - 1))

static int fill_middleware(struct gn_middleware *m, const gantry_middleware *from,
                           struct gn_error *err)
{
    gn_free(m->name);
    m->name = NULL;
    int rc = gn_abi_name(GN_TOOL, from->name, &m->name, err);
    if (!rc)
        rc = gn_abi_check_bits(from->flags, GANTRY_NO_PARK, "flags", err);
    if (!rc)
        rc = gn_abi_check_bits(from->hooks, HOOKS, "hooks", err);
    if (!rc && !from->hooks)
        rc = gn_error_set(err, GN_EINVAL, "has no hooks: it would never run");
    if (!rc && !from->run)
        rc = gn_error_set(err, GN_EINVAL, "has no run function");
    if (!rc)
        rc = gn_abi_tags(from->tags, &m->tags, err);
    m->priority = from->priority;
    m->hooks = from->hooks;
    m->run = from->run;
    m->flags = from->flags;
    m->on_park = from->on_park;
    m->on_resume = from->on_resume;
    return rc;
}

int gn_abi_import_middleware(struct gn_generation *g, const gantry_middleware *raw,
                             struct gn_middleware **ret, struct gn_error *err)
{
    gantry_middleware from;
    struct gn_middleware *m = gn_middleware_new("");
    int rc = gn_abi_copy(&from, sizeof from, offsetof(gantry_middleware, tags), raw, err);
    if (!rc)
        rc = fill_middleware(m, &from, err);
    *ret = NULL;
    if (rc) {
        gn_error_prefix(err, "middleware %s: ", gn_abi_label(from.name));
        gn_middleware_unref(m);
        return rc;
    }
    m->owner = &g->owner;
    m->order = g->middleware_made++;
    m->data = from.data;
    m->free_data = from.free_data;
    *ret = m;
    return GN_OK;
}

int gn_abi_import_prompt(struct gn_generation *g, const gantry_prompt *raw,
                         struct gn_component **ret, struct gn_error *err)
{
    gantry_prompt p;
    struct gn_component *c = gn_component_new(GN_PROMPT);
    int rc = gn_abi_copy(&p, sizeof p, offsetof(gantry_prompt, complete), raw, err);
    if (!rc)
        rc = fill_prompt(c, &p, err);
    return gn_abi_finish(g, c, p.name, rc, p.data, p.free_data, ret, err);
}
