/* transform.c - transforms: making, freeing, checking, matching. */
#include "registry/transform.h"

#include "registry/registry.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

static const char *const type_names[GN_TRANSFORM_COUNT] = {
    [GN_TRANSFORM_NAMESPACE] = "namespace",
    [GN_TRANSFORM_RENAME] = "rename",
    [GN_TRANSFORM_ENABLE] = "enable",
    [GN_TRANSFORM_DISABLE] = "disable",
    [GN_TRANSFORM_ONLY] = "only",
    [GN_TRANSFORM_PROMPTS_AS_TOOLS] = "prompts_as_tools",
    [GN_TRANSFORM_RESOURCES_AS_TOOLS] = "resources_as_tools",
    [GN_TRANSFORM_SEARCH] = "search",
    [GN_TRANSFORM_TOOLS] = "tools",
};

struct gn_transform *gn_transform_new(enum gn_transform_type type, const char *name)
{
    struct gn_transform *t = gn_calloc(1, sizeof *t);
    t->magic = GN_TRANSFORM_MAGIC;
    t->refs = 1;
    t->type = type;
    t->name = gn_strdup(name);
    t->max_results = 5;
    gn_map_init(&t->renames);
    gn_map_init(&t->tools);
    return t;
}

struct gn_transform *gn_transform_ref(struct gn_transform *t)
{
    GN_CHECK(t, GN_TRANSFORM_MAGIC);
    t->refs++;
    return t;
}

static void free_from(void *value)
{
    gn_from_free(value);
}

void gn_transform_unref(struct gn_transform *t)
{
    if (!t)
        return;
    GN_CHECK(t, GN_TRANSFORM_MAGIC);
    if (--t->refs > 0)
        return;
    if (t->free_data && t->data)
        t->free_data(t->data);
    gn_texts_free(t->match.names);
    gn_texts_free(t->match.tags);
    gn_texts_free(t->match.plugins);
    gn_texts_free(t->match.versions);
    gn_texts_free(t->principals);
    gn_texts_free(t->always);
    gn_map_release(&t->renames, gn_free);
    gn_map_release(&t->tools, free_from);
    for (size_t i = 0; i < GN_COUNT(t->offered); i++)
        gn_component_unref(t->offered[i]);
    gn_free(t->prefix);
    gn_free(t->name);
    t->magic = 0;
    gn_free(t);
}

const char *gn_transform_label(const struct gn_transform *t, char buf[GN_TRANSFORM_LABEL])
{
    if (!t->owner)
        return t->name;
    snprintf(buf, GN_TRANSFORM_LABEL, "plugin %.128s: transform %.128s", t->owner->name, t->name);
    return buf;
}

const char *gn_transform_type_name(enum gn_transform_type type)
{
    return type_names[type];
}

int gn_transform_type_find(const char *name, enum gn_transform_type *ret)
{
    for (int type = 1; type < GN_TRANSFORM_COUNT; type++) {
        if (gn_streq(type_names[type], name)) {
            *ret = (enum gn_transform_type)type;
            return GN_OK;
        }
    }
    return GN_ENOENT;
}

bool gn_transform_varies(const struct gn_transform *t)
{
    return t->principals || t->concerns;
}

/* ---------------------------------------------------------------- what it concerns */

bool gn_match_name(char *const *names, const char *name)
{
    for (; names && name && *names; names++) {
        size_t len = strlen(*names);
        bool is_prefix = len > 0 && (*names)[len - 1] == '*';
        if (is_prefix ? strncmp(name, *names, len - 1) == 0 : gn_streq(name, *names))
            return true;
    }
    return false;
}

static bool has_tag(char *const *tags, const struct gn_component *c)
{
    for (; *tags; tags++) {
        if (gn_component_has_tag(c, *tags))
            return true;
    }
    return false;
}

bool gn_match_component(const struct gn_match *m, const struct gn_component *c)
{
    const struct gn_owner *owner = gn_component_provider(c);
    return (!m->kinds || (m->kinds & (1u << c->kind))) &&
           (!m->names || gn_match_name(m->names, c->key)) && (!m->tags || has_tag(m->tags, c)) &&
           (!m->plugins || (owner && gn_match_name(m->plugins, owner->name))) &&
           (!m->versions || gn_match_name(m->versions, c->version));
}

/* ---------------------------------------------------------------- checks */

static int check_prefix(const struct gn_transform *t, struct gn_error *err)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (!t->prefix || !*t->prefix)
        return gn_error_set(err, GN_EINVAL, "a namespace needs a prefix");
    size_t len = strlen(t->prefix);
    if (strspn(t->prefix, allowed) != len || len > 40)
        return gn_error_set(err, GN_EINVAL,
                            "prefix %.64s: 1 to 40 characters of A-Z a-z 0-9 _ - are allowed",
                            t->prefix);
    return GN_OK;
}

static int check_renames(const struct gn_transform *t, struct gn_error *err)
{
    struct gn_map seen;
    const char *from;
    void *to;
    int rc = t->renames.count ? GN_OK : gn_error_set(err, GN_EINVAL, "a rename needs a table");
    gn_map_init(&seen);
    for (size_t at = 0; !rc && gn_map_next(&t->renames, &at, &from, &to);) {
        if (!*(const char *)to)
            rc = gn_error_set(err, GN_EINVAL, "%.128s: its new name is empty", from);
        else if (gn_map_put(&seen, to, to))
            rc = gn_error_set(err, GN_EINVAL, "two are renamed to %.128s", (const char *)to);
    }
    gn_map_release(&seen, NULL);
    return rc;
}

int gn_transform_check(const struct gn_transform *t, struct gn_error *err)
{
    GN_CHECK(t, GN_TRANSFORM_MAGIC);
    bool is_rule = t->type == GN_TRANSFORM_ENABLE || t->type == GN_TRANSFORM_DISABLE ||
                   t->type == GN_TRANSFORM_ONLY;
    if (!is_rule && gn_transform_varies(t))
        return gn_error_set(err, GN_EINVAL,
                            "only enable, disable and only can differ from principal to principal");
    if (t->type == GN_TRANSFORM_NAMESPACE)
        return check_prefix(t, err);
    if (t->type == GN_TRANSFORM_RENAME)
        return check_renames(t, err);
    return GN_OK;
}
