/* derive_args.c - which arguments a made tool has: those of its parent, what the rows make of them,
 * and those of the function. */
#include "registry/derive_parts.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define KNOWN_TOLD 8

/* ---------------------------------------------------------------- finding */

/* by_parent_name holds positions, as elements move while there come more. */
struct gn_derived_arg *gn_derive_arg(const struct gn_derivation *d, const char *parent_name)
{
    uintptr_t at = (uintptr_t)gn_map_find(&d->by_parent_name, parent_name);
    return at ? &d->args[at - 1] : NULL;
}

static struct gn_derived_arg *add(struct gn_derivation *d, const char *parent_name,
                                  const char *name)
{
    if (d->count == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 16;
        d->args = gn_reallocarray(d->args, d->cap, sizeof *d->args);
    }
    d->args[d->count] = (struct gn_derived_arg){.parent_name = parent_name, .name = name};
    d->count++;
    if (parent_name)
        gn_map_put(&d->by_parent_name, parent_name, (void *)(uintptr_t)d->count);
    return &d->args[d->count - 1];
}

/* ---------------------------------------------------------------- the parent's */

static void take_elsewhere(struct gn_derivation *d, const char *name, const char *where)
{
    struct gn_derived_arg *a = gn_derive_arg(d, name);
    if (!a)
        a = add(d, name, name);
    if (where && !a->elsewhere)
        a->elsewhere = where;
}

static void take_parents(struct gn_derivation *d)
{
    const char *name;
    json_t *schema, *v;
    size_t i;
    json_object_foreach(json_object_get(d->root, "properties"), name, schema) add(d, name, name)
        ->before = schema;
    json_array_foreach(json_object_get(d->root, "required"), i, v)
    {
        if (!json_is_string(v))
            continue;
        take_elsewhere(d, json_string_value(v), NULL);
        gn_derive_arg(d, json_string_value(v))->was_required = true;
    }
    gn_derive_each_name(d, d->root, take_elsewhere);
}

/* ---------------------------------------------------------------- what becomes of them */

/* "its arguments are a, b, c": when no name is near. */
static void tell_known(const struct gn_derivation *d, struct gn_buf *out)
{
    size_t told = 0, known = 0;
    for (size_t i = 0; i < d->count; i++)
        known += d->args[i].parent_name != NULL;
    gn_buf_adds(out, known ? " (it has " : " (it has none)");
    for (size_t i = 0; i < d->count && told < KNOWN_TOLD; i++) {
        if (d->args[i].parent_name)
            gn_buf_addf(out, "%s%.64s", told++ ? ", " : "", d->args[i].parent_name);
    }
    if (known > told)
        gn_buf_addf(out, " and %zu more", known - told);
    gn_buf_adds(out, known ? ")" : "");
}

static void tell_unknown(struct gn_derivation *d, const char *name)
{
    const char **known = gn_calloc(d->count + 1, sizeof *known);
    for (size_t i = 0; i < d->count; i++)
        known[i] = d->args[i].parent_name;
    const char *near = gn_nearest(name, known);
    struct gn_buf hint = GN_BUF_INIT(1024);
    if (near)
        gn_buf_addf(&hint, " (did you mean %.64s?)", near);
    else
        tell_known(d, &hint);
    gn_faults_add(&d->faults, "%.64s has no argument %.64s%s", d->parent->name, name,
                  gn_buf_str(&hint));
    gn_buf_release(&hint);
    gn_free(known);
}

static const json_t *default_of(const struct gn_from_arg *change)
{
    return change->value ? change->value : json_object_get(change->schema, "default");
}

static void take_change(struct gn_derivation *d, const struct gn_from_arg *change)
{
    struct gn_derived_arg *a = gn_derive_arg(d, change->arg);
    if (!a) {
        tell_unknown(d, change->arg);
        return;
    }
    a->change = change;
    a->name = change->hide ? NULL : change->name ? change->name : a->parent_name;
    a->value = default_of(change);
    /* Required and with a default: the parent wants it written out. */
    if (change->hide && !a->value && change->source == GN_SOURCE_NONE && a->was_required)
        a->value = json_object_get(a->before, "default");
    if (change->hide && a->was_required && !gn_arg_is_filled(a))
        gn_faults_add(&d->faults,
                      "argument %.64s: is hidden but required by %.64s: give it a default or a "
                      "source",
                      change->arg, d->parent->name);
}

/* Its schema names it where it cannot be rewritten. */
static void check_elsewhere(struct gn_derivation *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct gn_derived_arg *a = &d->args[i];
        const char *where = a->elsewhere ? a->elsewhere : d->opaque;
        const char *what = gn_arg_is_hidden(a)    ? "be hidden"
                           : gn_arg_is_renamed(a) ? "be renamed"
                           : a->value             ? "have a default"
                                                  : NULL;
        if (where && what)
            gn_faults_add(&d->faults, "argument %.64s: cannot %s: the schema of %.64s %s it %s",
                          a->parent_name, what, d->parent->name,
                          a->elsewhere ? "names" : "may name", where);
    }
}

/* ---------------------------------------------------------------- the function's */

static struct gn_derived_arg *by_name(const struct gn_derivation *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++) {
        if (gn_streq(d->args[i].name, name))
            return &d->args[i];
    }
    return NULL;
}

/* What the function's row says of an argument is all there is to say of its values. */
static void check_own(struct gn_derivation *d, const struct gn_derived_arg *a,
                      const struct gn_field *f)
{
    const struct gn_from_arg *change = a->change;
    const char *what = !change                                     ? NULL
                       : change->schema                            ? "its schema"
                       : change->value                             ? "its default"
                       : change->required && f->fallback.count > 0 ? "required"
                                                                   : NULL;
    if (what)
        gn_faults_add(&d->faults,
                      "argument %.64s: the function has a row for it: %s belongs "
                      "there",
                      change->arg, what);
}

static void take_own(struct gn_derivation *d)
{
    const struct gn_fields *fields = d->own_root ? d->own->input : NULL;
    const json_t *properties = json_object_get(d->own_root, "properties");
    for (size_t i = 0; fields && i < fields->count; i++) {
        const struct gn_field *f = &fields->v[i];
        struct gn_derived_arg *a = by_name(d, f->name);
        if (!a)
            a = add(d, NULL, f->name);
        check_own(d, a, f);
        a->own = json_object_get(properties, f->name);
        a->own_required = !f->optional;
        if (!a->value && f->fallback.count > 0)
            a->value = json_object_get(a->own, "default");
    }
}

/* ---------------------------------------------------------------- two with one name */

/* gn_from_check has told of those that rows name alike. */
static bool is_told(const struct gn_derived_arg *a, const struct gn_derived_arg *b)
{
    return a->change && b->change && a->change->name && b->change->name;
}

static void check_names(struct gn_derivation *d)
{
    struct gn_map seen;
    gn_map_init(&seen);
    for (size_t i = 0; i < d->count; i++) {
        struct gn_derived_arg *a = &d->args[i];
        const struct gn_derived_arg *other = a->name ? gn_map_put(&seen, a->name, a) : NULL;
        if (other && !is_told(a, other))
            gn_faults_add(&d->faults, "arguments %.64s and %.64s would both be named %.64s",
                          other->parent_name, a->parent_name, a->name);
    }
    gn_map_release(&seen, NULL);
}

void gn_derive_args(struct gn_derivation *d)
{
    take_parents(d);
    for (size_t i = 0; i < d->from->arg_count; i++)
        take_change(d, &d->from->args[i]);
    check_elsewhere(d);
    take_own(d);
    check_names(d);
}
