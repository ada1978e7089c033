/* view.c - rules of one session. */
#include "registry/view.h"

#include "util/alloc.h"
#include "util/str.h"

struct list_of_rules {
    struct gn_rules base;
    size_t count;
    struct gn_transform *v[GN_RULES_MAX];
};

static void free_rules(struct gn_rules *rules)
{
    struct list_of_rules *r = GN_CONTAINER(rules, struct list_of_rules, base);
    for (size_t i = 0; i < r->count; i++)
        gn_transform_unref(r->v[i]);
    gn_free(r);
}

struct gn_rules *gn_rules_with(const struct gn_rules *rules, struct gn_transform *t, int *ret_rc,
                               struct gn_error *err)
{
    size_t count;
    struct gn_transform *const *old = gn_rules_list(rules, &count);
    *ret_rc = GN_OK;
    if (t->type != GN_TRANSFORM_ENABLE && t->type != GN_TRANSFORM_DISABLE &&
        t->type != GN_TRANSFORM_ONLY)
        *ret_rc = gn_error_set(err, GN_EINVAL, "only enable, disable and only are for one session");
    struct list_of_rules *r = gn_calloc(1, sizeof *r);
    r->base = (struct gn_rules){.refs = 1, .free = free_rules};
    for (size_t i = 0; i < count; i++) {
        if (!gn_streq(old[i]->name, t->name))
            r->v[r->count++] = gn_transform_ref(old[i]);
    }
    if (!*ret_rc && r->count == GN_RULES_MAX)
        *ret_rc = gn_error_set(err, GN_ETOOBIG, "more than %d rules for one session", GN_RULES_MAX);
    if (!*ret_rc) {
        r->v[r->count++] = t;
        return &r->base;
    }
    free_rules(&r->base);
    gn_transform_unref(t);
    return NULL;
}

struct gn_transform *const *gn_rules_list(const struct gn_rules *rules, size_t *ret_count)
{
    const struct list_of_rules *r = rules ? GN_CONTAINER((struct gn_rules *)(uintptr_t)rules,
                                                         struct list_of_rules, base)
                                          : NULL;
    *ret_count = r ? r->count : 0;
    return r ? r->v : NULL;
}
