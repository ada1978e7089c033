/* host_plugin.c - an instance and its host: settings, state, log, registration while it is live. */
#include "plugin/host_internal.h"

#include "plugin/abi_internal.h"
#include "plugin/host_errors.h"
#include "plugin/prefix.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>

#define LABEL_MAX 96

const void *gn_host_settings(gantry_plugin *g)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    return g->settings;
}

const char *gn_host_instance(gantry_plugin *g)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    return g->instance;
}

void gn_host_set_state(gantry_plugin *g, void *state)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    __atomic_store_n(&g->user_state, state, __ATOMIC_RELEASE);
}

void *gn_host_state(gantry_plugin *g)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    return __atomic_load_n(&g->user_state, __ATOMIC_ACQUIRE);
}

static const char *label(char out[LABEL_MAX], const gantry_plugin *g)
{
    snprintf(out, LABEL_MAX, "plugin %s", g->instance);
    return out;
}

int gn_host_buffer_add(gantry_buffer *out, const void *data, size_t n)
{
    if (!out || (!data && n > 0))
        return GANTRY_EINVAL;
    return n ? gn_host_code(gn_buf_add(&out->bytes, data, n)) : GANTRY_OK;
}

/* ---------------------------------------------------------------- registration at run time */

static int import(struct gn_change *c, struct gn_component **ret)
{
    switch (c->kind) {
    case GN_TOOL:
        return c->is_made ? gn_abi_import_from(c->g, c->raw, ret, &c->err)
                          : gn_abi_import_tool(c->g, c->raw, ret, &c->err);
    case GN_RESOURCE:
        return gn_abi_import_resource(c->g, c->raw, ret, &c->err);
    case GN_TEMPLATE:
        return gn_abi_import_template(c->g, c->raw, ret, &c->err);
    default:
        return gn_abi_import_prompt(c->g, c->raw, ret, &c->err);
    }
}

bool gn_change_is_late(struct gn_change *c)
{
    if (c->g->state != GN_GEN_STAGED && c->g->state != GN_GEN_LIVE)
        c->rc = gn_error_set(&c->err, GN_EPERM, "the instance is not live");
    else if (c->g->predicates)
        c->rc = gn_error_set(&c->err, GN_EPERM,
                             "the predicate of a transform may not change components");
    else
        return false;
    return true;
}

static int publish(gantry_plugin *g, struct gn_component *component, bool add, struct gn_error *err)
{
    bool now = g->state == GN_GEN_LIVE && g->publish;
    return now ? g->publish(g, component, add, err) : GN_OK;
}

static int check_room(struct gn_change *c, const struct gn_component *component)
{
    if (gn_generation_find_same(c->g, component))
        return gn_error_set(&c->err, GN_EEXIST, "%s %s is declared twice", gn_kind_name(c->kind),
                            component->key);
    if (c->g->component_count >= GN_ABI_COMPONENTS_MAX)
        return gn_error_set(&c->err, GN_ETOOBIG, "%s %s: more than %d components",
                            gn_kind_name(c->kind), component->key, GN_ABI_COMPONENTS_MAX);
    return GN_OK;
}

static void add_on_loop(void *arg)
{
    struct gn_change *c = arg;
    struct gn_component *component = NULL;
    if (gn_change_is_late(c))
        return;
    c->rc = import(c, &component);
    if (c->rc) {
        c->g->refused = c->err;
        return;
    }
    c->rc = check_room(c, component);
    if (c->rc) {
        component->free_data = NULL; /* refused: its data stays the caller's */
        gn_component_unref(component);
        return;
    }
    gn_generation_add_component(c->g, component);
    c->rc = publish(c->g, component, true, &c->err);
    if (c->rc) {
        component->free_data = NULL;
        gn_generation_drop_component(c->g, component);
    }
}

/* All that have the key: versions of it, and those of single principals. */
static struct gn_component **find_all(const gantry_plugin *g, enum gn_kind kind, const char *key,
                                      size_t *ret_count)
{
    struct gn_component **v = gn_calloc(g->component_count + 1, sizeof(struct gn_component *));
    *ret_count = 0;
    for (size_t i = 0; i < g->component_count; i++) {
        if (g->components[i]->kind == kind && gn_streq(g->components[i]->key, key))
            v[(*ret_count)++] = g->components[i];
    }
    return v;
}

static int retract(gantry_plugin *g, struct gn_component *const *v, size_t count,
                   struct gn_error *err)
{
    if (g->state == GN_GEN_LIVE && g->publish_all)
        return g->publish_all(g, v, count, NULL, 0, err);
    int rc = GN_OK;
    for (size_t i = 0; !rc && i < count; i++)
        rc = publish(g, v[i], false, err);
    return rc;
}

static void remove_on_loop(void *arg)
{
    struct gn_change *c = arg;
    if (gn_change_is_late(c))
        return;
    GN_AUTO_FREE char *key = gn_prefix_key(c->g, c->kind, c->name);
    size_t count;
    struct gn_component **v = find_all(c->g, c->kind, key, &count);
    c->rc = count ? retract(c->g, v, count, &c->err) : GN_ENOENT;
    for (size_t i = 0; !c->rc && i < count; i++)
        gn_generation_drop_component(c->g, v[i]);
    gn_free(v);
}

int gn_change_carry_out(struct gn_change *c, void (*fn)(void *arg))
{
    gantry_plugin *g = c->g;
    char name[LABEL_MAX];
    GN_CHECK(g, GN_GENERATION_MAGIC);
    if (gn_loop_is_current(g->env->loop))
        fn(c);
    else if (gn_task_current())
        gn_task_on_loop(gn_task_current(), fn, c);
    else
        c->rc = gn_error_set(&c->err, GN_EPERM,
                             "components are added and removed on threads of the host only");
    if (c->rc && c->err.code)
        gn_log(g->env->log, GN_ERROR, label(name, g), "%s", c->err.text);
    return gn_host_code(c->rc);
}

static int add(gantry_plugin *g, enum gn_kind kind, const void *raw)
{
    struct gn_change c = {.g = g, .kind = kind, .raw = raw};
    return gn_change_carry_out(&c, add_on_loop);
}

int gn_host_add_tool(gantry_plugin *g, const gantry_tool *tool)
{
    return add(g, GN_TOOL, tool);
}

int gn_host_tool_from(gantry_plugin *g, const gantry_from *from)
{
    struct gn_change c = {.g = g, .kind = GN_TOOL, .is_made = true, .raw = from};
    return gn_change_carry_out(&c, add_on_loop);
}

int gn_host_add_resource(gantry_plugin *g, const gantry_resource *resource)
{
    return add(g, GN_RESOURCE, resource);
}

int gn_host_add_template(gantry_plugin *g, const gantry_template *uri_template)
{
    return add(g, GN_TEMPLATE, uri_template);
}

int gn_host_add_prompt(gantry_plugin *g, const gantry_prompt *prompt)
{
    return add(g, GN_PROMPT, prompt);
}

static void add_middleware_on_loop(void *arg)
{
    struct gn_change *c = arg;
    struct gn_middleware *m = NULL;
    if (gn_change_is_late(c))
        return;
    c->rc = gn_abi_import_middleware(c->g, c->raw, &m, &c->err);
    if (!c->rc)
        c->rc = gn_generation_add_middleware(c->g, m, &c->err);
    if (c->rc)
        c->g->refused = c->err;
}

static void remove_middleware_on_loop(void *arg)
{
    struct gn_change *c = arg;
    if (!gn_change_is_late(c))
        c->rc = gn_generation_remove_middleware(c->g, c->name);
}

int gn_host_add_middleware(gantry_plugin *g, const gantry_middleware *middleware)
{
    struct gn_change c = {.g = g, .raw = middleware};
    return gn_change_carry_out(&c, add_middleware_on_loop);
}

int gn_host_remove(gantry_plugin *g, uint32_t kind, const char *name)
{
    if (kind < GANTRY_KIND_TOOL || kind > GANTRY_KIND_TRANSFORM || !name)
        return GANTRY_EINVAL;
    struct gn_change c = {.g = g, .kind = (enum gn_kind)kind, .name = name};
    return gn_change_carry_out(&c, kind == GANTRY_KIND_TRANSFORM    ? gn_change_remove_transform
                                   : kind == GANTRY_KIND_MIDDLEWARE ? remove_middleware_on_loop
                                                                    : remove_on_loop);
}
