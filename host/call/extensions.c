/* extensions.c - the array of all extensions that plugins speak. */
#include "call/extensions.h"

#include "call/call.h"
#include "util/alloc.h"
#include "util/str.h"

static void add(struct gn_extensions *all, const struct gn_owner *owner,
                const struct gn_extension *from)
{
    all->v[all->count++] = (struct gn_extension){
        .owner = owner,
        .name = gn_strdup(from->name),
        .settings = json_incref(from->settings),
    };
}

static void release(struct gn_extensions *all)
{
    for (size_t i = 0; all && i < all->count; i++) {
        gn_free(all->v[i].name);
        json_decref(all->v[i].settings);
    }
    gn_free(all);
}

void gn_extensions_replace(struct gn_call_env *env, const struct gn_owner *owner,
                           const struct gn_extension *v, size_t count)
{
    struct gn_extensions *old = env->extensions;
    if (!old && count == 0)
        return;
    size_t room = (old ? old->count : 0) + count;
    struct gn_extensions *all = gn_calloc(1, sizeof *all + room * sizeof all->v[0]);
    for (size_t i = 0; old && i < old->count; i++) {
        if (old->v[i].owner != owner)
            add(all, old->v[i].owner, &old->v[i]);
    }
    for (size_t i = 0; i < count; i++)
        add(all, owner, &v[i]);
    env->extensions = all->count ? all : NULL;
    if (!all->count)
        gn_free(all);
    release(old);
}

void gn_extensions_clear(struct gn_call_env *env)
{
    release(env->extensions);
    env->extensions = NULL;
}

bool gn_extensions_have(const struct gn_call_env *env, const char *name)
{
    const struct gn_extensions *all = env->extensions;
    for (size_t i = 0; all && i < all->count; i++) {
        if (gn_streq(all->v[i].name, name))
            return true;
    }
    return false;
}

void gn_extensions_merge(const struct gn_call_env *env, json_t *into)
{
    const struct gn_extensions *all = env->extensions;
    for (size_t i = 0; all && i < all->count; i++) {
        json_t *there = json_object_get(into, all->v[i].name);
        if (there)
            json_object_update_missing(there, all->v[i].settings);
        else
            json_object_set_new(into, all->v[i].name, json_deep_copy(all->v[i].settings));
    }
}
