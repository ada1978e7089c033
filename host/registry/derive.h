/* derive.h - a tool made from a tool: what is to be changed, the checks, the schema that comes of
 * it.
 *
 * The same structure is filled from a plugin's gantry_from and from the operator's JSON, which is a
 * superset of FastMCP's ToolTransformConfig. Loop thread only.
 */
#ifndef GN_REGISTRY_DERIVE_H
#define GN_REGISTRY_DERIVE_H

#include "call/made.h"

/* One argument of the parent. NULL: stays as it is; "" takes a text away. */
struct gn_from_arg {
    char *arg; /* its name in the parent */
    char *name, *title, *description;
    json_t *value;         /* default, or the value of a hidden one; JSON null is a value */
    enum gn_source source; /* GN_SOURCE_NONE, or hidden and one of UUID ... SECRET */
    char *source_name;
    json_t *schema;   /* object */
    json_t *examples; /* array */
    bool hide, required;
};

/* Of a hint in gn_from: the parent's is taken away. */
#define GN_HINT_NONE 2

struct gn_from {
    char *name;       /* NULL: the parent's */
    char *parent;     /* NULL: whoever holds this knows it (transforms) */
    char *own_parent; /* what the parent is called if it is of the same instance, which has a
                         prefix; NULL: the same */
    bool keep;        /* the operator's: the original stays beside it */
    char *title, *description, *version;
    char **tags;           /* NULL: the parent's; an empty list takes them away */
    json_t *meta;          /* object; JSON null takes it away */
    json_t *output_schema; /* object; JSON null: none */
    struct gn_icon *icons; /* NULL: the parent's; none of them: no icons */
    size_t icon_count;
    int8_t read_only, destructive, idempotent, open_world; /* GANTRY_YES, _NO, GN_HINT_NONE; 0 */
    int8_t enabled; /* the operator's: GANTRY_NO hides it, GANTRY_YES shows it; later rules win */
    struct gn_from_arg *args;
    size_t arg_count;
};
struct gn_from *gn_from_new(void);
void gn_from_free(struct gn_from *from); /* NULL is fine */
/* What contradicts itself, whatever the parent is: "argument limit: cannot be hidden and required",
 * ... All problems in one text, "; " between them. */
GN_NODISCARD int gn_from_check(const struct gn_from *from, struct gn_error *err);
/* "uuid", "env:HOME", ... GN_EINVAL with what there is. *ret_name is owned by the caller. */
GN_NODISCARD int gn_source_parse(const char *text, enum gn_source *ret, char **ret_name,
                                 struct gn_error *err);
/* from_json.c: the operator's JSON, one value of a map of tools. Unknown members are problems, with
 * a suggestion. */
GN_NODISCARD int gn_from_read(const json_t *config, struct gn_from **ret, struct gn_error *err);
/* The same, with gn_from_check, each problem by itself: `path` is where in config it is
 * ("arguments.limit.hide"; "": the whole). NULL: there were problems. */
typedef void (*gn_from_problem_fn)(void *arg, const char *path, const char *text);
struct gn_from *gn_from_read_each(const json_t *config, gn_from_problem_fn problem, void *arg);

/* Makes the tool. `own` is the plugin's component that holds the spec (its name, which goes before
 * that of `from`, code, function, fields, output, flags; own->from), or NULL for the operator's.
 * Checked are all names, defaults and schemas against the parent's; all problems in one text. *ret
 * has one reference and `parent` as its parent. GN_EINVAL. env: for secrets and environment (may be
 * NULL: not checked).
 *
 * The schema is that of the parent in all its keywords, for the new names and without what is
 * hidden: what fits it is what fits the parent, unless a row's schema narrows it (counts of members
 * beside defaults are the parent's alone to check). Where a keyword cannot be rewritten, the
 * argument that it names cannot be changed. */
struct gn_call_env;
GN_NODISCARD int gn_derive(const struct gn_call_env *env, const struct gn_from *from,
                           struct gn_component *own, struct gn_component *parent,
                           struct gn_component **ret, struct gn_error *err);

/* ---- names.c: names that transforms generate */
/* As clients take it: A-Z a-z 0-9 _ - (others become _), 64 at most, what is longer shortened with
 * a hash of the whole. Owned by the caller. *ret_changed: it is not what was wanted. */
char *gn_name_fit(const char *wanted, bool *ret_changed);
/* Why clients may refuse a name that MCP allows ("is longer than 64", "has a dot"); NULL: nothing.
 */
const char *gn_name_doubt(const char *name);
/* As versions are compared, those of PEP 440, of Semantic Versioning and dates: "v" before it left
 * out, numbers by value, 1.0 as 1.0.0, "1.0-rc1" before "1.0", "1.0.post1" behind it. NULL is
 * lowest, what is no version is next, by its bytes. <0, 0, >0; one order for any texts. */
int gn_version_compare(const char *a, const char *b);

#endif
