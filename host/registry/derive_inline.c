/* derive_inline.c - references that apply a definition to the arguments themselves: where it names
 * one that is renamed, hidden or filled, a copy of it takes the place of the reference, since the
 * definition itself may be in use elsewhere.
 */
#include "registry/derive_parts.h"

#include "util/str.h"

#define COPIES_MAX 16
#define DEPTH_MAX 64

struct inliner {
    struct gn_derivation *d;
    size_t left; /* copies that may still be made */
};

/* ---------------------------------------------------------------- what concerns the change */

static void note(struct gn_derivation *d, const char *name, const char *where)
{
    (void)where;
    for (size_t i = 0; i < d->from->arg_count; i++) {
        const struct gn_from_arg *a = &d->from->args[i];
        bool moves = a->hide || a->name || a->value || json_object_get(a->schema, "default");
        d->is_named = d->is_named || (moves && gn_streq(a->arg, name));
    }
}

static bool is_concerned(struct gn_derivation *d, const json_t *schema)
{
    d->is_named = false;
    gn_derive_each_name(d, schema, note);
    d->opaque = NULL; /* what matters of that is found out again for all of it */
    return d->is_named;
}

/* ---------------------------------------------------------------- copies */

static json_t *all_of(json_t *s)
{
    if (!json_is_array(json_object_get(s, "allOf")))
        json_object_set_new(s, "allOf", json_array());
    return json_object_get(s, "allOf");
}

static void take_in(struct inliner *in, json_t *s)
{
    const char *ref = json_string_value(json_object_get(s, "$ref"));
    const json_t *target = ref && (gn_starts_with(ref, "#/$defs/") ||
                                   gn_starts_with(ref, "#/definitions/"))
                               ? gn_derive_resolve(in->d, ref)
                               : NULL;
    if (!target || in->left == 0 || !is_concerned(in->d, target))
        return;
    json_t *copy = json_deep_copy(target);
    in->left--;
    if (gn_derive_is_old(in->d))
        json_object_clear(s);
    else
        json_object_del(s, "$ref");
    json_array_append_new(all_of(s), copy);
}

static void walk(struct inliner *in, json_t *s, int depth)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    static const char *const singles[] = {"not", "if", "then", "else"};
    static const char *const maps[] = {"dependentSchemas", "dependencies"};
    const char *name;
    json_t *v;
    if (!json_is_object(s) || depth > DEPTH_MAX)
        return;
    if (depth > 0 || !gn_derive_is_old(in->d))
        take_in(in, s);
    for (size_t i = 0; i < GN_COUNT(lists); i++) {
        json_t *list = json_object_get(s, lists[i]);
        for (size_t k = 0; k < json_array_size(list); k++)
            walk(in, json_array_get(list, k), depth + 1);
    }
    for (size_t i = 0; i < GN_COUNT(singles); i++)
        walk(in, json_object_get(s, singles[i]), depth + 1);
    for (size_t i = 0; i < GN_COUNT(maps); i++) {
        json_object_foreach(json_object_get(s, maps[i]), name, v) walk(in, v, depth + 1);
    }
}

void gn_derive_inline(struct gn_derivation *d)
{
    struct inliner in = {.d = d, .left = COPIES_MAX};
    walk(&in, d->root, 0);
}
