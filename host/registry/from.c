/* from.c - what is to be changed of a tool: making, freeing, and what contradicts itself. */
#include "registry/derive_parts.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define FAULTS_MAX 800 /* bytes: an error has room for them and a prefix */

/* ---------------------------------------------------------------- faults */

void gn_faults_init(struct gn_faults *f)
{
    *f = (struct gn_faults){.text = GN_BUF_INIT(FAULTS_MAX)};
}

void gn_faults_add(struct gn_faults *f, const char *fmt, ...)
{
    char line[FAULTS_MAX / 2];
    struct gn_error one = {0};
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    size_t len = strlen(text), kept = gn_utf8_cut(text, len, sizeof line - 4);
    gn_error_set(&one, GN_EINVAL, "%.*s%s", (int)kept, text, kept < len ? "..." : "");
    f->count++;
    if (f->untold || f->text.len + strlen(one.text) + 2 > FAULTS_MAX)
        f->untold++;
    else
        gn_buf_addf(&f->text, "%s%s", f->text.len ? "; " : "", one.text);
}

int gn_faults_end(struct gn_faults *f, struct gn_error *err)
{
    int rc = GN_OK;
    if (f->untold)
        rc = gn_error_set(err, GN_EINVAL, "%s; and %zu more", gn_buf_str(&f->text), f->untold);
    else if (f->count)
        rc = gn_error_set(err, GN_EINVAL, "%s", gn_buf_str(&f->text));
    gn_buf_release(&f->text);
    return rc;
}

/* ---------------------------------------------------------------- making and freeing */

struct gn_from *gn_from_new(void)
{
    return gn_calloc(1, sizeof(struct gn_from));
}

static void free_arg(struct gn_from_arg *a)
{
    gn_free(a->arg);
    gn_free(a->name);
    gn_free(a->title);
    gn_free(a->description);
    gn_free(a->source_name);
    json_decref(a->value);
    json_decref(a->schema);
    json_decref(a->examples);
}

static void free_icon(struct gn_icon *icon)
{
    gn_free(icon->src);
    gn_free(icon->mime_type);
    gn_free(icon->sizes);
    gn_free(icon->theme);
}

void gn_from_free(struct gn_from *from)
{
    if (!from)
        return;
    for (size_t i = 0; i < from->arg_count; i++)
        free_arg(&from->args[i]);
    for (size_t i = 0; i < from->icon_count; i++)
        free_icon(&from->icons[i]);
    for (char **tag = from->tags; tag && *tag; tag++)
        gn_free(*tag);
    json_decref(from->meta);
    json_decref(from->output_schema);
    gn_free(from->args);
    gn_free(from->icons);
    gn_free(from->tags);
    gn_free(from->name);
    gn_free(from->parent);
    gn_free(from->own_parent);
    gn_free(from->title);
    gn_free(from->description);
    gn_free(from->version);
    gn_free(from);
}

/* ---------------------------------------------------------------- contradictions */

static void check_name(struct gn_faults *f, const struct gn_from_arg *a)
{
    size_t len = strlen(a->name);
    if (len == 0)
        gn_faults_add(f, "argument %.64s: its new name is empty", a->arg);
    else if (len > GN_DERIVE_NAME_MAX)
        gn_faults_add(f, "argument %.64s: its new name is longer than %d bytes", a->arg,
                      GN_DERIVE_NAME_MAX);
    else if (!gn_utf8_valid(a->name, len))
        gn_faults_add(f, "argument %.64s: its new name is not UTF-8", a->arg);
}

static void check_value(struct gn_faults *f, const struct gn_from_arg *a)
{
    bool has_source = a->source > GN_SOURCE_VALUE;
    if (a->value && has_source)
        gn_faults_add(f, "argument %.64s: cannot have a default and a source", a->arg);
    if (has_source && !a->hide)
        gn_faults_add(f, "argument %.64s: only a hidden argument can have a source", a->arg);
    if (a->required && !a->hide && a->value)
        gn_faults_add(f, "argument %.64s: cannot be required and have a default", a->arg);
    if (a->required && !a->hide && has_source)
        gn_faults_add(f, "argument %.64s: cannot be required and have a source", a->arg);
    if (a->source >= GN_SOURCE_ENV && a->source != GN_SOURCE_PRINCIPAL &&
        (!a->source_name || !*a->source_name))
        gn_faults_add(f, "argument %.64s: its source needs a name", a->arg);
}

static void check_schemas(struct gn_faults *f, const struct gn_from_arg *a)
{
    if (a->examples && !json_is_array(a->examples))
        gn_faults_add(f, "argument %.64s: its examples are not an array", a->arg);
    if (!a->schema)
        return;
    const json_t *value = json_object_get(a->schema, "default");
    if (!json_is_object(a->schema))
        gn_faults_add(f, "argument %.64s: its schema is not an object", a->arg);
    else if (value && a->required)
        gn_faults_add(f, "argument %.64s: cannot be required and have a default in its schema",
                      a->arg);
    else if (value && a->value && !json_equal(value, a->value))
        gn_faults_add(f, "argument %.64s: its schema has another default than it has", a->arg);
}

static void check_arg(struct gn_faults *f, const struct gn_from_arg *a)
{
    size_t len = a->arg ? strlen(a->arg) : 0;
    if (len == 0)
        gn_faults_add(f, "a row has no argument");
    else if (len > GN_DERIVE_NAME_MAX)
        gn_faults_add(f, "argument %.64s...: no argument has a name longer than %d bytes", a->arg,
                      GN_DERIVE_NAME_MAX);
    if (len == 0 || len > GN_DERIVE_NAME_MAX)
        return;
    /* Words of a hidden one are seen by nobody, and harm nobody: hide is a switch. */
    if (a->hide && a->required)
        gn_faults_add(f, "argument %.64s: cannot be hidden and required", a->arg);
    if (a->name)
        check_name(f, a);
    check_value(f, a);
    check_schemas(f, a);
}

/* Two rows for one argument; two new names that are one. */
static void check_twice(struct gn_faults *f, const struct gn_from *from)
{
    struct gn_map args, names;
    gn_map_init(&args);
    gn_map_init(&names);
    for (size_t i = 0; i < from->arg_count; i++) {
        struct gn_from_arg *a = &from->args[i];
        if (a->arg && *a->arg && gn_map_put(&args, a->arg, a))
            gn_faults_add(f, "argument %.64s: has two rows", a->arg);
        const struct gn_from_arg *other = a->arg && a->name && *a->name && !a->hide
                                              ? gn_map_put(&names, a->name, a)
                                              : NULL;
        if (other && !gn_streq(other->arg, a->arg))
            gn_faults_add(f, "arguments %.64s and %.64s would both be named %.64s", other->arg,
                          a->arg, a->name);
    }
    gn_map_release(&args, NULL);
    gn_map_release(&names, NULL);
}

int gn_from_check(const struct gn_from *from, struct gn_error *err)
{
    struct gn_faults f;
    gn_faults_init(&f);
    if (from->name && !*from->name)
        gn_faults_add(&f, "its name is empty");
    if (from->parent && !*from->parent)
        gn_faults_add(&f, "the name of its parent is empty");
    if (from->meta && !json_is_object(from->meta) && !json_is_null(from->meta))
        gn_faults_add(&f, "its meta is neither an object nor null");
    if (from->output_schema && !json_is_object(from->output_schema) &&
        !json_is_null(from->output_schema))
        gn_faults_add(&f, "its output schema is neither an object nor null");
    if (from->arg_count > GN_DERIVE_ARGS_MAX)
        gn_faults_add(&f, "it changes more than %d arguments", GN_DERIVE_ARGS_MAX);
    for (size_t i = 0; i < GN_MIN(from->arg_count, (size_t)GN_DERIVE_ARGS_MAX); i++)
        check_arg(&f, &from->args[i]);
    check_twice(&f, from);
    return gn_faults_end(&f, err);
}
