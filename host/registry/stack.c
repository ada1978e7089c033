/* stack.c - all transforms in the order in which they act. */
#include "registry/build.h"

#include "util/alloc.h"

#include <string.h>

void gn_stack_unref(struct gn_stack *s)
{
    if (!s || --s->refs > 0)
        return;
    for (size_t i = 0; i < s->count; i++)
        gn_transform_unref(s->v[i]);
    gn_map_release(&s->named, NULL);
    gn_free(s);
}

struct gn_stack *gn_stack_new(size_t count)
{
    struct gn_stack *s = gn_calloc(1, sizeof *s + count * sizeof(struct gn_transform *));
    s->refs = 1;
    gn_map_init(&s->named);
    return s;
}

/* Plugins' by priority, instance and order; then the operator's as they were given. */
static int compare_transforms(const struct gn_transform *x, const struct gn_transform *y)
{
    int order = (x->owner == NULL) - (y->owner == NULL);
    if (!order && x->owner)
        order = (x->priority > y->priority) - (x->priority < y->priority);
    if (!order && x->owner)
        order = strcmp(x->owner->name, y->owner->name);
    if (!order && x->owner)
        order = (x->order > y->order) - (x->order < y->order);
    return order;
}

/* Behind all that do not come after it. */
void gn_stack_add(struct gn_stack *s, struct gn_transform *t)
{
    size_t at = s->count++;
    for (; at > 0 && compare_transforms(s->v[at - 1], t) > 0; at--)
        s->v[at] = s->v[at - 1];
    s->v[at] = gn_transform_ref(t);
    s->has_predicates = s->has_predicates || t->concerns;
    for (char **name = t->principals; name && *name; name++) {
        s->has_patterns = s->has_patterns || strchr(*name, '*') != NULL;
        gn_map_put(&s->named, *name, t);
    }
}
