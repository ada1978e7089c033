/* host_skill.c - skills that come, change and go while a plugin is live. */
#include "plugin/host_internal.h"

#include "plugin/abi_internal.h"
#include "plugin/skill.h"
#include "util/alloc.h"
#include "util/str.h"

/* Components of the skill that the generation has, borrowed; freed by the caller. */
static struct gn_component **old_files(gantry_plugin *g, const char *path, size_t *ret_count)
{
    GN_AUTO_FREE char *root = gn_skill_root(g, path);
    struct gn_component **v = gn_calloc(GN_SKILL_FILES_MAX, sizeof(struct gn_component *));
    *ret_count = 0;
    for (size_t i = 0; i < g->component_count; i++) {
        if (*ret_count < GN_SKILL_FILES_MAX && gn_skill_has(g, root, g->components[i]))
            v[(*ret_count)++] = g->components[i];
    }
    return v;
}

static struct gn_component *find(struct gn_component *const *v, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (gn_streq(v[i]->key, key))
            return v[i];
    }
    return NULL;
}

/* Those who have subscribed to a file that is another one now, or gone. */
static void tell(gantry_plugin *g, struct gn_component *const *old, size_t old_count,
                 struct gn_component *const *v, size_t count)
{
    struct gn_call_env *env = g->env;
    for (size_t i = 0; env->resource_changed && i < old_count; i++) {
        const struct gn_component *now = find(v, count, old[i]->key);
        if (!now || !gn_streq(now->digest, old[i]->digest))
            env->resource_changed(env->watch_arg, old[i]->key);
    }
}

static int publish(gantry_plugin *g, struct gn_component *const *old, size_t old_count,
                   struct gn_component *const *v, size_t count, struct gn_error *err)
{
    if (g->state != GN_GEN_LIVE || !g->publish_all)
        return GN_OK;
    return g->publish_all(g, old, old_count, v, count, err);
}

/* A skill may only take the place of itself. */
static int check_room(gantry_plugin *g, struct gn_component *const *old, size_t old_count,
                      struct gn_component *const *v, size_t count, struct gn_error *err)
{
    if (g->component_count - old_count + count > GN_ABI_COMPONENTS_MAX)
        return gn_error_set(err, GN_ETOOBIG, "more than %d components", GN_ABI_COMPONENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct gn_component *there = gn_generation_find(g, GN_RESOURCE, v[i]->key);
        if (there && !find(old, old_count, there->key))
            return gn_error_set(err, GN_EEXIST, "resource %s is declared twice", v[i]->key);
    }
    return GN_OK;
}

/* From the files `old` to the files `v`, of which the references are taken if it can be. */
static int replace(gantry_plugin *g, struct gn_component *const *old, size_t old_count,
                   struct gn_component *const *v, size_t count, struct gn_error *err)
{
    int rc = check_room(g, old, old_count, v, count, err);
    if (!rc)
        rc = publish(g, old, old_count, v, count, err);
    if (rc)
        return rc;
    tell(g, old, old_count, v, count);
    for (size_t i = 0; i < old_count; i++)
        gn_generation_drop_component(g, old[i]);
    for (size_t i = 0; i < count; i++)
        gn_generation_add_component(g, v[i]);
    return GN_OK;
}

static void set_on_loop(void *arg)
{
    struct gn_change *c = arg;
    gantry_plugin *g = c->g;
    struct gn_component **v = NULL;
    const gantry_skill *skill = c->raw;
    size_t count = 0, old_count = 0;
    if (gn_change_is_late(c))
        return;
    c->rc = gn_skill_import(g, skill, &v, &count, &c->err);
    if (c->rc) {
        g->refused = c->err;
        return;
    }
    struct gn_component **old = old_files(g, skill->path, &old_count);
    c->rc = replace(g, old, old_count, v, count, &c->err);
    for (size_t i = 0; c->rc && i < count; i++)
        gn_component_unref(v[i]);
    if (c->rc)
        gn_error_prefix(&c->err, "skill %s: ", gn_abi_label(skill->path));
    gn_free(old);
    gn_free(v);
}

static void remove_on_loop(void *arg)
{
    struct gn_change *c = arg;
    size_t count = 0;
    if (gn_change_is_late(c))
        return;
    struct gn_component **old = old_files(c->g, c->name, &count);
    c->rc = count ? replace(c->g, old, count, NULL, 0, &c->err) : GN_ENOENT;
    gn_free(old);
}

int gn_host_set_skill(gantry_plugin *g, const gantry_skill *skill)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    struct gn_change c = {.g = g, .raw = skill};
    return skill ? gn_change_carry_out(&c, set_on_loop) : GANTRY_EINVAL;
}

int gn_host_remove_skill(gantry_plugin *g, const char *path)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    struct gn_change c = {.g = g, .name = path};
    return path ? gn_change_carry_out(&c, remove_on_loop) : GANTRY_EINVAL;
}
