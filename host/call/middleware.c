/* middleware.c - the array of all middlewares, and which of them concern a call. */
#include "call/middleware.h"

#include "call/internal.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gn_middleware *gn_middleware_new(const char *name)
{
    struct gn_middleware *m = gn_calloc(1, sizeof *m);
    m->magic = GN_MIDDLEWARE_MAGIC;
    m->refs = 1;
    m->name = gn_strdup(name);
    return m;
}

struct gn_middleware *gn_middleware_ref(struct gn_middleware *m)
{
    GN_CHECK(m, GN_MIDDLEWARE_MAGIC);
    m->refs++;
    return m;
}

void gn_middleware_unref(struct gn_middleware *m)
{
    if (!m)
        return;
    GN_CHECK(m, GN_MIDDLEWARE_MAGIC);
    if (--m->refs > 0)
        return;
    if (m->free_data && m->data)
        m->free_data(m->data);
    for (char **tag = m->tags; tag && *tag; tag++)
        gn_free(*tag);
    gn_free(m->tags);
    gn_free(m->name);
    m->magic = 0;
    gn_free(m);
}

/* ---------------------------------------------------------------- the array */

static const char *owner_name(const struct gn_middleware *m)
{
    return m->owner ? m->owner->name : "";
}

static int compare(const void *a, const void *b)
{
    const struct gn_middleware *x = *(struct gn_middleware *const *)a;
    const struct gn_middleware *y = *(struct gn_middleware *const *)b;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    int by_name = strcmp(owner_name(x), owner_name(y));
    if (by_name)
        return by_name;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void release(struct gn_around *a)
{
    for (size_t i = 0; a && i < a->count; i++)
        gn_middleware_unref(a->v[i]);
    gn_free(a);
}

void gn_around_replace(struct gn_call_env *env, const struct gn_owner *owner,
                       struct gn_middleware *const *v, size_t count)
{
    struct gn_around *old = env->around;
    size_t room = (old ? old->count : 0) + count;
    struct gn_around *a = gn_calloc(1, sizeof *a + room * sizeof a->v[0]);
    for (size_t i = 0; old && i < old->count; i++) {
        if (old->v[i]->owner != owner)
            a->v[a->count++] = gn_middleware_ref(old->v[i]);
    }
    for (size_t i = 0; i < count; i++)
        a->v[a->count++] = gn_middleware_ref(v[i]);
    qsort(a->v, a->count, sizeof a->v[0], compare);
    for (size_t i = 0; i < a->count; i++)
        a->hooks |= a->v[i]->hooks;
    env->around = a->count ? a : NULL;
    if (!a->count)
        gn_free(a);
    release(old);
}

void gn_around_clear(struct gn_call_env *env)
{
    release(env->around);
    env->around = NULL;
}

/* ---------------------------------------------------------------- of one call */

bool gn_component_has_tag(const struct gn_component *c, const char *tag)
{
    for (char **t = c ? c->tags : NULL; t && *t; t++) {
        if (gn_streq(*t, tag))
            return true;
    }
    return false;
}

void gn_call_name_middleware(const struct gn_middleware *m, char *out, size_t size)
{
    snprintf(out, size, "middleware %s/%s", m->owner ? m->owner->name : "host", m->name);
}

static bool has_one_of(const struct gn_component *c, char **tags)
{
    for (; *tags; tags++) {
        if (gn_component_has_tag(c, *tags))
            return true;
    }
    return false;
}

static inline bool concerns(const struct gn_middleware *m, uint32_t hook,
                            const struct gn_component *c)
{
    return (m->hooks & hook) && (!m->concerns || m->concerns(m, c)) &&
           (!m->tags || has_one_of(c, m->tags));
}

uint32_t gn_around_count(const struct gn_call_env *env, uint32_t hook, const struct gn_component *c)
{
    uint32_t count = 0;
    if (!gn_call_is_hooked(env, hook))
        return 0;
    for (size_t i = 0; i < env->around->count; i++)
        count += concerns(env->around->v[i], hook, c);
    return count;
}

bool gn_around_hold(struct gn_call *call, uint32_t hook)
{
    const struct gn_around *a = call->env->around;
    if (call->env->holding == 0 || call->parent || !gn_call_is_hooked(call->env, hook))
        return false;
    for (size_t i = 0, n = a->count; i < n; i++) {
        struct gn_owner *owner = a->v[i]->owner;
        if (owner && owner->hold && concerns(a->v[i], hook, call->component) &&
            owner->hold(owner, call))
            return true;
    }
    return false;
}

int gn_around_take(struct gn_call *call)
{
    const struct gn_around *all = call->env->around;
    const struct gn_component *component = call->component;
    uint32_t hook = call->hook, count = 0;
    if (!all || !(all->hooks & hook))
        return GANTRY_OK;
    struct gn_middleware **v = gn_arena_alloc(&call->arena, all->count * sizeof v[0]);
    if (!v)
        return GANTRY_ETOOBIG;
    const struct gn_owner *held = NULL; /* neighbours of one owner hold it once */
    for (size_t i = 0, n = all->count; i < n; i++) {
        struct gn_middleware *m = all->v[i];
        if (!concerns(m, hook, component))
            continue;
        m->refs++;
        if (m->owner && m->owner != held)
            m->owner->ref(m->owner);
        held = m->owner;
        v[count++] = m;
    }
    call->around = v;
    call->around_count = count;
    return GANTRY_OK;
}

void gn_around_release(struct gn_call *call)
{
    struct gn_middleware **v = call->around;
    uint32_t count = call->around_count;
    call->around_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct gn_owner *owner = v[i]->owner;
        bool is_last = i + 1 == count || v[i + 1]->owner != owner;
        if (v[i]->refs > 1)
            v[i]->refs--;
        else
            gn_middleware_unref(v[i]);
        if (owner && is_last)
            owner->unref(owner);
    }
}

bool gn_call_uses(const struct gn_call *call, const struct gn_owner *owner)
{
    struct gn_owner *runs;
    for (size_t i = 0; gn_call_owner_at(call, i, &runs); i++) {
        if (runs == owner)
            return true;
    }
    for (uint32_t i = 0; i < call->around_count; i++) {
        if (call->around[i]->owner == owner)
            return true;
    }
    return false;
}
