/* abi_from.c - tools made from tools, as a plugin declares them: from gantry_from to a source,
 * which is a component that is never served itself (call/component.h, `from`).
 *
 * What is said about the parent goes into its `from`, for gn_derive; what is the plugin's own (the
 * function and its tables, data, flags) into the component. Whether the parent has such arguments
 * is seen when there is one.
 */
#include "plugin/abi_internal.h"
#include "plugin/prefix.h"
#include "registry/derive.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define CHANGES_MAX 1000
#define STRIDE_MAX 4096
#define OUTPUT_FLAGS ((uint32_t)(GANTRY_OUTPUT_STRICT | GANTRY_OUTPUT_UNCHECKED))
#define PLAIN_FLAGS (OUTPUT_FLAGS | (uint32_t)GANTRY_STRICT_INPUT)
#define AROUND_FLAGS (PLAIN_FLAGS | (uint32_t)GANTRY_REPLAY)

/* ---------------------------------------------------------------- its changes */

/* Copies row i under the rule of gn_abi_copy. */
static int read_row(const gantry_from *f, size_t i, gantry_change *row, struct gn_error *err)
{
    const unsigned char *raw = (const unsigned char *)f->changes + i * f->change_size;
    memset(row, 0, sizeof *row);
    memcpy(row, raw, GN_MIN(f->change_size, sizeof *row));
    for (size_t at = sizeof *row; row->arg && at < f->change_size; at++) {
        if (raw[at] != 0)
            return gn_error_set(err, GN_ENOTSUP,
                                "argument %.128s: uses options newer than this "
                                "host",
                                gn_abi_label(row->arg));
    }
    return GN_OK;
}

static int take_words(const gantry_change *row, struct gn_from_arg *a, struct gn_error *err)
{
    int rc = gn_abi_text("its name in the parent", row->arg, &a->arg, err);
    if (!rc && !*row->arg)
        rc = gn_error_set(err, GN_EINVAL, "its name in the parent is empty");
    if (!rc)
        rc = gn_abi_text("its new name", row->name, &a->name, err);
    if (!rc && row->name && !*row->name)
        rc = gn_error_set(err, GN_EINVAL, "its new name is empty");
    if (!rc)
        rc = gn_abi_text("its title", row->title, &a->title, err);
    if (!rc)
        rc = gn_abi_text("its description", row->description, &a->description, err);
    return rc;
}

static int take_change(const gantry_change *row, struct gn_from_arg *a, struct gn_error *err)
{
    int rc = take_words(row, a, err);
    if (!rc)
        rc = gn_abi_value("default_json", row->default_json, &a->value, err);
    if (!rc && row->source)
        rc = gn_source_parse(row->source, &a->source, &a->source_name, err);
    if (!rc)
        rc = gn_abi_object("schema_json", row->schema_json, &a->schema, err);
    if (!rc)
        rc = gn_abi_value("examples_json", row->examples_json, &a->examples, err);
    if (!rc && a->examples && !json_is_array(a->examples))
        rc = gn_error_set(err, GN_EINVAL, "examples_json is not an array");
    a->hide = row->hide != 0;
    a->required = row->required != 0;
    return rc;
}

static int count_changes(const gantry_from *f, size_t *ret, struct gn_error *err)
{
    gantry_change row;
    *ret = 0;
    if (!f->changes)
        return GN_OK;
    if (f->change_size < offsetof(gantry_change, name) + sizeof row.name ||
        f->change_size > STRIDE_MAX)
        return gn_error_set(err, GN_EINVAL, "has changes, but .change_size is not set right (%u)",
                            f->change_size);
    for (;; (*ret)++) {
        int rc = read_row(f, *ret, &row, err);
        if (rc || !row.arg)
            return rc;
        if (*ret == CHANGES_MAX)
            return gn_error_set(err, GN_ETOOBIG,
                                "has more than %d changes: does the table end with "
                                "GANTRY_CHANGES_END?",
                                CHANGES_MAX);
    }
}

static int take_changes(const gantry_from *f, struct gn_from *from, struct gn_error *err)
{
    size_t count;
    int rc = count_changes(f, &count, err);
    if (rc || count == 0)
        return rc;
    from->args = gn_calloc(count, sizeof *from->args);
    from->arg_count = count;
    for (size_t i = 0; !rc && i < count; i++) {
        gantry_change row;
        rc = read_row(f, i, &row, err);
        if (rc)
            return rc;
        rc = take_change(&row, &from->args[i], err);
        if (rc)
            gn_error_prefix(err, "argument %s: ", gn_abi_label(row.arg));
    }
    return rc;
}

/* ---------------------------------------------------------------- what is as the parent's, or not
 */

/* The importer of icons fills a component in: theirs are this one's then. */
static int take_icons(const gantry_from *f, struct gn_component *c, struct gn_error *err)
{
    int rc = gn_abi_icons(f->icons, c, err);
    c->from->icons = c->icons;
    c->from->icon_count = c->icon_count;
    c->icons = NULL;
    c->icon_count = 0;
    return rc;
}

static int take_hints(const gantry_from *f, struct gn_from *from, struct gn_error *err)
{
    int rc = gn_abi_hint(f->read_only, &from->read_only, err);
    if (!rc)
        rc = gn_abi_hint(f->destructive, &from->destructive, err);
    if (!rc)
        rc = gn_abi_hint(f->idempotent, &from->idempotent, err);
    return rc ? rc : gn_abi_hint(f->open_world, &from->open_world, err);
}

static int take_texts(const gantry_from *f, struct gn_component *c, struct gn_error *err)
{
    struct gn_from *from = c->from;
    int rc = gn_abi_text("its title", f->title, &from->title, err);
    if (!rc)
        rc = gn_abi_text("its description", f->description, &from->description, err);
    if (!rc)
        rc = gn_abi_text("its version", f->version, &from->version, err);
    if (!rc)
        rc = gn_abi_list("its tags", f->tags, GN_ABI_LIST_MAX, &from->tags, err);
    if (!rc)
        rc = take_icons(f, c, err);
    if (!rc && f->meta_json)
        rc = *f->meta_json ? gn_abi_meta(f->meta_json, &from->meta, err)
                           : (from->meta = json_null(), GN_OK);
    if (!rc)
        rc = take_hints(f, from, err);
    if (!rc && from->version && *from->version)
        c->version = gn_strdup(from->version);
    return rc;
}

/* ---------------------------------------------------------------- what is its own */

static int check_flags(const gantry_from *f, struct gn_error *err)
{
    if (f->flags & (uint32_t)GANTRY_BLOCKING)
        return gn_error_set(
            err, GN_EINVAL,
            "a function around a tool cannot be GANTRY_BLOCKING: it is a coroutine, "
            "and its blocking work goes to gantry_work()");
    if ((f->flags & (uint32_t)GANTRY_REPLAY) && !f->run)
        return gn_error_set(err, GN_EINVAL,
                            "GANTRY_REPLAY is for a function: without .run it is as its parent");
    if ((f->flags & OUTPUT_FLAGS) == OUTPUT_FLAGS)
        return gn_error_set(err, GN_EINVAL,
                            "has both GANTRY_OUTPUT_STRICT and GANTRY_OUTPUT_UNCHECKED");
    return gn_abi_check_bits(f->flags, AROUND_FLAGS, "flags", err);
}

/* What only a function can make use of. */
static int check_plain(const gantry_from *f, struct gn_error *err)
{
    const char *what = f->args ? ".args" : f->output ? ".output" : f->task ? ".task" : NULL;
    if (f->run || !what)
        return GN_OK;
    return gn_error_set(err, GN_EINVAL, "%s is for a function around the tool, but .run is NULL%s",
                        what,
                        f->args     ? ": what becomes of the parent's arguments goes into .changes"
                        : f->output ? ": there is .output_schema_json"
                                    : "");
}

static int take_output(struct gn_generation *g, struct gn_component *c, const gantry_from *f,
                       struct gn_error *err)
{
    if (f->output_schema_json && !*f->output_schema_json) {
        c->from->output_schema = json_null();
        return f->output ? gn_error_set(err, GN_EINVAL, "has both .output and .output_schema_json")
                         : GN_OK;
    }
    int rc = gn_abi_output(g, c, f->output, f->arg_size, f->output_size, f->output_schema_json,
                           err);
    return rc ? rc
              : gn_abi_object("output_schema_json", f->output_schema_json, &c->from->output_schema,
                              err);
}

static int take_own(struct gn_generation *g, struct gn_component *c, const gantry_from *f,
                    struct gn_error *err)
{
    int rc = check_flags(f, err);
    if (!rc)
        rc = check_plain(f, err);
    if (!rc)
        rc = gn_abi_check_bits(f->requires, GN_ABI_CAPABILITIES, "capabilities", err);
    if (!rc)
        rc = gn_abi_check_bits(f->reserved, 0, "options", err);
    if (!rc && f->task > GANTRY_TASK_DEFERRED)
        rc = gn_error_set(err, GN_ENOTSUP, ".task is newer than this host (%u)", f->task);
    if (!rc)
        rc = gn_abi_text("its principal", f->principal, &c->principal, err);
    if (!rc && f->principal && !*f->principal)
        rc = gn_error_set(err, GN_EINVAL, "its principal is empty: NULL is for all");
    if (!rc && f->args)
        rc = gn_abi_table(f->args, f->arg_size, f->in_size, &c->input, err);
    if (!rc)
        rc = take_output(g, c, f, err);
    c->flags = f->flags;
    c->requires = f->requires;
    c->timeout_ms = f->timeout_ms;
    c->task = f->task;
    c->run = f->run;
    return rc;
}

static int fill_from(struct gn_generation *g, struct gn_component *c, const gantry_from *f,
                     struct gn_error *err)
{
    c->from = gn_from_new();
    c->free_from = gn_from_free;
    int rc = gn_abi_name(GN_TOOL, f->name, &c->name, err);
    if (rc)
        return rc;
    c->key = gn_strdup(c->name);
    if (!f->parent || !*f->parent)
        return gn_error_set(err, GN_EINVAL, "has no .parent");
    rc = gn_abi_name(GN_TOOL, f->parent, &c->from->parent, err);
    if (rc) {
        gn_error_prefix(err, "parent %s: ", gn_abi_label(f->parent));
        return rc;
    }
    if (g->prefix)
        c->from->own_parent = gn_prefix_key(g, GN_TOOL, f->parent);
    rc = take_texts(f, c, err);
    if (!rc)
        rc = take_changes(f, c->from, err);
    if (!rc)
        rc = take_own(g, c, f, err);
    return rc ? rc : gn_from_check(c->from, err);
}

int gn_abi_import_from(struct gn_generation *g, const gantry_from *raw, struct gn_component **ret,
                       struct gn_error *err)
{
    gantry_from f;
    struct gn_component *c = gn_component_new(GN_TOOL);
    int rc = gn_abi_copy(&f, sizeof f, offsetof(gantry_from, run), raw, err);
    if (!rc)
        rc = fill_from(g, c, &f, err);
    rc = gn_abi_finish(g, c, f.name, rc, f.data, f.free_data, ret, err);
    if (!rc)
        c->from->name = gn_strdup(c->name);
    return rc;
}
