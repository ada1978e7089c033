/* derive_parts.h - inside the registry: what the files share that make tools from tools.
 *
 *     derive.c  words, code, what the call needs (struct gn_made)
 *     derive_args.c     which arguments there are, and what becomes of each
 *     derive_schema.c   the schema of the tool: properties, required
 *     derive_inline.c   definitions that name arguments
 *     derive_rewrite.c  other keywords that name arguments
 *     derive_refs.c     references and definitions
 *     derive_check.c    whether values and schemas go together with the parent's
 */
#ifndef GN_REGISTRY_DERIVE_PARTS_H
#define GN_REGISTRY_DERIVE_PARTS_H

#include "registry/derive.h"
#include "util/map.h"

#define GN_DERIVE_SCHEMA_MAX (1u << 20) /* bytes of a schema */
#define GN_DERIVE_ARGS_MAX 1024
#define GN_DERIVE_NAME_MAX 256 /* bytes of the name of an argument */

/* What is wrong, all of it in one text, "; " between. */
struct gn_faults {
    struct gn_buf text;
    size_t count, untold;
};
void gn_faults_init(struct gn_faults *f);
void gn_faults_add(struct gn_faults *f, const char *fmt, ...) GN_PRINTF(2, 3);
/* Releases it. 0 if there are none, else GN_EINVAL. */
GN_NODISCARD int gn_faults_end(struct gn_faults *f, struct gn_error *err);

/* What becomes of one argument. Everything is borrowed but `schema`. */
struct gn_derived_arg {
    const char *parent_name;          /* NULL: of the function alone */
    const char *name;                 /* NULL: hidden */
    const struct gn_from_arg *change; /* NULL: none */
    const json_t *before;             /* what `properties` of the parent says of it; may be NULL */
    const json_t *own;                /* what the function's rows say of it; may be NULL */
    json_t *schema;                   /* what the tool says of it; NULL: nothing */
    const json_t *value;              /* its default, or the value of a hidden one; NULL: none */
    const char *elsewhere; /* where a schema names it that cannot be rewritten; NULL: nowhere */
    bool was_required, own_required, is_required;
};

struct gn_derivation {
    const struct gn_call_env *env;
    const struct gn_from *from;
    const struct gn_component *own, *parent;
    const struct gn_schema *before; /* the parent's */
    json_t *root;                   /* the same as a tree */
    json_t *own_root;               /* of the function's rows; NULL: none */
    json_t *result;                 /* what comes of it */
    struct gn_schema *after;        /* the same compiled; NULL: it cannot be */
    struct gn_derived_arg *args;    /* the parent's in their order, then the function's */
    size_t count, cap;
    struct gn_map by_parent_name;
    bool is_around;
    bool asserts_formats;
    bool is_named;      /* derive_inline.c: by a definition */
    bool is_stale;      /* result has changed since it was compiled */
    size_t parts;       /* derive_rewrite.c: how many with all definitions were looked at */
    const char *opaque; /* where a schema may name any of them, unseen; NULL: nowhere */
    struct gn_faults faults;
};

static inline bool gn_arg_is_renamed(const struct gn_derived_arg *a)
{
    return a->parent_name && a->name && __builtin_strcmp(a->parent_name, a->name) != 0;
}
static inline bool gn_arg_is_hidden(const struct gn_derived_arg *a)
{
    return !a->name;
}
/* Hidden, and the parent is given something for it; or a default fills it. */
static inline bool gn_arg_is_filled(const struct gn_derived_arg *a)
{
    return a->value || (a->change && a->change->source != GN_SOURCE_NONE);
}
/* The same, and there is always something. */
static inline bool gn_arg_is_certain(const struct gn_derived_arg *a)
{
    return a->value ||
           (gn_arg_is_filled(a) && (a->was_required || a->change->source == GN_SOURCE_UUID ||
                                    a->change->source == GN_SOURCE_NOW));
}
/* It is another value, or none, that stands behind a reference to the parent's. */
static inline bool gn_arg_is_touched(const struct gn_derived_arg *a)
{
    return a->change || a->own;
}

/* derive_args.c: fills args, finds what is unknown and what ends with one name. */
void gn_derive_args(struct gn_derivation *d);
struct gn_derived_arg *gn_derive_arg(const struct gn_derivation *d, const char *parent_name);

/* derive_schema.c: fills the schema of each argument, and result. */
void gn_derive_schema(struct gn_derivation *d);

/* derive_inline.c: definitions that name what changes, in the place of references to them. */
void gn_derive_inline(struct gn_derivation *d);

/* derive_rewrite.c. All names that the keywords of a schema of the arguments say something of, one
 * or more times each. where: why they cannot be rewritten there, NULL if they can. */
typedef void gn_derive_name_fn(struct gn_derivation *d, const char *name, const char *where);
void gn_derive_each_name(struct gn_derivation *d, const json_t *schema, gn_derive_name_fn *fn);
/* Renames in all keywords of `result` but properties and required, and adds to `required` what
 * arguments that are always there ask for. */
void gn_derive_rewrite(struct gn_derivation *d, json_t *required);

/* derive_refs.c: references into what has changed, and definitions that nobody needs any more. */
void gn_derive_refs(struct gn_derivation *d);
/* The place in the parent's schema that a reference leads to; NULL: it is no JSON Pointer, or leads
 * nowhere. Borrowed. */
const json_t *gn_derive_resolve(const struct gn_derivation *d, const char *ref);
/* A name as it stands in a reference: of a pointer within a URI. Owned by the caller. */
char *gn_derive_encode(const char *name);
/* Draft 7, in which nothing counts beside `$ref`. */
bool gn_derive_is_old(const struct gn_derivation *d);

/* derive_check.c: values, examples and schemas against the parent's and the tool's own. Examples of
 * the parent that do not fit any more are taken out of result. */
void gn_derive_check(struct gn_derivation *d);

#endif
