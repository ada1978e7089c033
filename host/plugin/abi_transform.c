/* abi_transform.c - transforms of lists, as a plugin declares them: from gantry_transform to struct
 * gn_transform.
 *
 * A predicate is asked while the registry builds: it runs behind ask(), which sees to it that it
 * changes nothing meanwhile.
 */
#include "plugin/abi_internal.h"
#include "registry/transform.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define MATCH_MAX 10000 /* names, tags, ... of one list; renames */
#define MAX_RESULTS 100
#define STRIDE_MAX 4096
#define KINDS                                                                                      \
    ((1u << GANTRY_KIND_TOOL) | (1u << GANTRY_KIND_RESOURCE) | (1u << GANTRY_KIND_TEMPLATE) |      \
     (1u << GANTRY_KIND_PROMPT))

/* A predicate of a plugin, and what it is given. */
struct asked {
    struct gn_generation *g;
    bool otherwise; /* when its code has stopped: what hides more */
    bool (*concerns)(const gantry_component *component, const char *principal, void *data);
    void *data;
    void (*free_data)(void *data);
};

static bool ask(const gantry_component *component, const char *principal, void *data)
{
    const struct asked *a = data;
    if (a->g->owner.refusal)
        return a->otherwise;
    /* It may be asked in the middle of a handler's call, which is none of its business. */
    struct gn_task *task = gn_task_current();
    void *call = task ? gn_task_local(task) : NULL;
    if (task)
        gn_task_set_local(task, NULL);
    a->g->predicates++;
    bool is_concerned = a->concerns(component, principal, a->data);
    a->g->predicates--;
    if (task)
        gn_task_set_local(task, call);
    return is_concerned;
}

static void free_asked(void *data)
{
    struct asked *a = data;
    if (a->free_data && a->data)
        a->free_data(a->data);
    gn_free(a);
}

/* ---------------------------------------------------------------- its fields */

static int take_match(struct gn_match *m, const gantry_transform *t, struct gn_error *err)
{
    const struct {
        const char *what;
        const char *const *from;
        char ***to;
    } lists[] = {
        {"names", t->names, &m->names},
        {"tags", t->tags, &m->tags},
        {"plugins", t->plugins, &m->plugins},
        {"versions", t->versions, &m->versions},
    };
    int rc = gn_abi_check_bits(t->kinds, KINDS, "kinds", err);
    for (size_t i = 0; !rc && i < GN_COUNT(lists); i++)
        rc = gn_abi_list(lists[i].what, lists[i].from, MATCH_MAX, lists[i].to, err);
    m->kinds = t->kinds;
    return rc;
}

static int take_rename(struct gn_map *renames, const gantry_rename *row, struct gn_error *err)
{
    char *from = NULL, *to = NULL;
    int rc = gn_abi_text("a name to be changed", row->from, &from, err);
    if (!rc && !row->to)
        rc = gn_error_set(err, GN_EINVAL, "renames: %.128s has no new name", from);
    if (!rc)
        rc = gn_abi_text("a new name", row->to, &to, err);
    if (!rc && gn_map_find(renames, from))
        rc = gn_error_set(err, GN_EINVAL, "renames: %.128s is there twice", from);
    if (rc)
        gn_free(to);
    else
        gn_map_put(renames, from, to);
    gn_free(from);
    return rc;
}

/* Copies row i under the rule of gn_abi_copy. */
static int read_rename(const gantry_transform *t, size_t i, gantry_rename *row,
                       struct gn_error *err)
{
    const unsigned char *raw = (const unsigned char *)t->renames + i * t->rename_size;
    memcpy(row, raw, sizeof *row);
    for (size_t at = sizeof *row; row->from && at < t->rename_size; at++) {
        if (raw[at] != 0)
            return gn_error_set(err, GN_ENOTSUP,
                                "renames: %.128s uses options newer than this host",
                                gn_abi_label(row->from));
    }
    return GN_OK;
}

static int take_renames(struct gn_map *renames, const gantry_transform *t, struct gn_error *err)
{
    if (!t->renames)
        return GN_OK;
    if (t->rename_size < sizeof(gantry_rename) || t->rename_size > STRIDE_MAX)
        return gn_error_set(err, GN_EINVAL, "has renames, but .rename_size is not set right (%u)",
                            t->rename_size);
    for (size_t i = 0; i < MATCH_MAX; i++) {
        gantry_rename row;
        int rc = read_rename(t, i, &row, err);
        if (!rc && row.from)
            rc = take_rename(renames, &row, err);
        if (rc || !row.from)
            return rc;
    }
    return gn_error_set(err, GN_ETOOBIG, "has more than %d renames: does the table end with NULL?",
                        MATCH_MAX);
}

/* What the type makes no use of is a mistake, not decoration. */
static int check_use(const gantry_transform *t, struct gn_error *err)
{
    const struct {
        bool is_given;
        uint32_t type;
        const char *what;
    } uses[] = {
        {t->prefix != NULL, GANTRY_TRANSFORM_NAMESPACE, "prefix"},
        {t->renames != NULL, GANTRY_TRANSFORM_RENAME, "renames"},
        {t->always != NULL, GANTRY_TRANSFORM_SEARCH, "always"},
        {t->max_results != 0, GANTRY_TRANSFORM_SEARCH, "max_results"},
    };
    for (size_t i = 0; i < GN_COUNT(uses); i++) {
        if (uses[i].is_given && t->type != uses[i].type)
            return gn_error_set(err, GN_EINVAL, ".%s is not for the type %s", uses[i].what,
                                gn_transform_type_name((enum gn_transform_type)t->type));
    }
    bool is_rule = t->type == GANTRY_TRANSFORM_ENABLE || t->type == GANTRY_TRANSFORM_DISABLE ||
                   t->type == GANTRY_TRANSFORM_ONLY;
    /* Without a word on what it concerns it would take away all that all plugins have, or nothing.
     */
    if (is_rule && !t->kinds && !t->names && !t->tags && !t->plugins && !t->versions &&
        !t->concerns)
        return gn_error_set(err, GN_EINVAL,
                            "needs at least one of .kinds, .names, .tags, .plugins, .versions, "
                            ".concerns (.kinds with all kinds means everything)");
    if (t->max_results > MAX_RESULTS)
        return gn_error_set(err, GN_EINVAL, ".max_results is %u: %d at most", t->max_results,
                            MAX_RESULTS);
    return GN_OK;
}

static int fill(struct gn_transform *t, const gantry_transform *from, struct gn_error *err)
{
    char *name = NULL;
    int rc = gn_abi_name(GN_TOOL, from->name, &name, err);
    gn_free(name);
    if (!rc)
        rc = check_use(from, err);
    if (!rc)
        rc = take_match(&t->match, from, err);
    if (!rc)
        rc = gn_abi_list("principals", from->principals, MATCH_MAX, &t->principals, err);
    if (!rc)
        rc = gn_abi_text("its prefix", from->prefix, &t->prefix, err);
    if (!rc)
        rc = take_renames(&t->renames, from, err);
    if (!rc)
        rc = gn_abi_list("always", from->always, MATCH_MAX, &t->always, err);
    t->priority = from->priority;
    if (from->max_results)
        t->max_results = from->max_results;
    return rc;
}

/* The data is the transform's once nothing can refuse it any more. */
static void take_data(struct gn_generation *g, struct gn_transform *t, const gantry_transform *from)
{
    if (!from->concerns) {
        t->data = from->data;
        t->free_data = from->free_data;
        return;
    }
    struct asked *a = gn_calloc(1, sizeof *a);
    *a = (struct asked){g, from->type == GANTRY_TRANSFORM_DISABLE, from->concerns, from->data,
                        from->free_data};
    t->concerns = ask;
    t->data = a;
    t->free_data = free_asked;
}

void gn_abi_transform_give_back(struct gn_transform *t)
{
    if (t->concerns == ask)
        ((struct asked *)t->data)->free_data = NULL;
    else
        t->free_data = NULL;
}

int gn_abi_import_transform(struct gn_generation *g, const gantry_transform *raw,
                            struct gn_transform **ret, struct gn_error *err)
{
    gantry_transform from;
    struct gn_transform *t = NULL;
    int rc = gn_abi_copy(&from, sizeof from, offsetof(gantry_transform, priority), raw, err);
    *ret = NULL;
    if (!rc && (from.type < GANTRY_TRANSFORM_NAMESPACE || from.type > GANTRY_TRANSFORM_SEARCH))
        rc = gn_error_set(err, from.type ? GN_ENOTSUP : GN_EINVAL,
                          from.type ? "is of a type newer than this host (%u)" : "has no type",
                          from.type);
    if (!rc) {
        t = gn_transform_new((enum gn_transform_type)from.type, gn_abi_label(from.name));
        rc = fill(t, &from, err);
    }
    if (!rc) {
        take_data(g, t, &from);
        rc = gn_transform_check(t, err);
        if (rc)
            gn_abi_transform_give_back(t);
    }
    if (rc) {
        gn_error_prefix(err, "transform %s: ", gn_abi_label(from.name));
        gn_transform_unref(t);
        return rc;
    }
    t->owner = &g->owner;
    t->order = g->transforms_made++;
    *ret = t;
    return GN_OK;
}
