/* abi.c - negotiation with a plugin's descriptor, and its settings.
 *
 * The order is that of DESIGN: versions, then the descriptor's own fields, then the components,
 * each accepted, skipped (newer than this host) or refusing the whole plugin (a mistake of its
 * author).
 */
#include "plugin/abi.h"

#include "plugin/abi_internal.h"
#include "plugin/skill.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define PLUGIN_NAME_MAX 64
#define PLUGIN_NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
#define KNOWN_FLAGS ((uint32_t)(GANTRY_EXCLUSIVE | GANTRY_KEEP_LOADED))

const struct gn_abi gn_abi_current = {
    .table = &gn_host_table,
    .major = GANTRY_ABI_MAJOR,
    .minor = GANTRY_ABI_MINOR,
    .symbol = "gantry_plugin_v1",
};

/* One import under way. */
struct import {
    struct gn_generation *g;
    gn_abi_skip_fn on_skip;
    void *arg;
    struct gn_error *err;
};

/* Needs nothing of the descriptor but its first twelve bytes, which no version moves. */
static int check_version(const struct gn_abi *abi, const gantry_descriptor *d, struct gn_error *err)
{
    if (d->size < offsetof(gantry_descriptor, description) || d->size > UINT16_MAX)
        return gn_error_set(err, GN_EINVAL,
                            "its descriptor says that it has %u bytes: not a plugin, or damaged",
                            d->size);
    if (d->abi_major != abi->major)
        return gn_error_set(err, GN_ENOTSUP, "built for ABI %u.%u; this host speaks %u.%u",
                            d->abi_major, d->abi_minor, abi->major, abi->minor);
    if (d->min_host_minor > abi->minor)
        return gn_error_set(err, GN_ENOTSUP, "needs host ABI >= %u.%u; this host speaks %u.%u",
                            abi->major, d->min_host_minor, abi->major, abi->minor);
    return GN_OK;
}

static int copy_descriptor(const struct gn_abi *abi, const gantry_descriptor *raw,
                           gantry_descriptor *d, struct gn_error *err)
{
    int rc = gn_abi_copy(d, sizeof *d, offsetof(gantry_descriptor, description), raw, err);
    if (!rc)
        rc = gn_abi_check_bits(d->flags, KNOWN_FLAGS, "flags", err);
    if (!rc)
        rc = gn_abi_check_bits(d->reserved, 0, "options", err);
    if (rc == GN_ENOTSUP)
        gn_error_set(err, rc, "%s: built for ABI %u.%u; this host speaks %u.%u",
                     err ? err->text : "", d->abi_major, d->abi_minor, abi->major, abi->minor);
    return rc;
}

static int take_identity(struct gn_generation *g, const gantry_descriptor *d, struct gn_error *err)
{
    size_t len = d->name ? strnlen(d->name, PLUGIN_NAME_MAX + 1) : 0;
    if (len == 0)
        return gn_error_set(err, GN_EINVAL, "its descriptor has no name");
    if (len > PLUGIN_NAME_MAX || d->name[strspn(d->name, PLUGIN_NAME_CHARS)])
        return gn_error_set(
            err, GN_EINVAL,
            "its name must be 1 to %d of A-Z, a-z, 0-9, '_', '-' and '.', but is \"%s\"",
            PLUGIN_NAME_MAX, gn_abi_label(d->name));
    if (!d->version || !d->version[0])
        return gn_error_set(err, GN_EINVAL, "its descriptor has no version");
    if (!d->host)
        return gn_error_set(err, GN_EINVAL, "its descriptor has no place for the host's functions");
    gn_free(g->name);
    gn_free(g->version);
    g->name = gn_strndup(d->name, len);
    return gn_abi_text("its version", d->version, &g->version, err);
}

static int take_settings(struct gn_generation *g, const gantry_descriptor *d, struct gn_error *err)
{
    if (!d->settings)
        return GN_OK;
    int rc = d->arg_size ? gn_fields_import(d->settings, d->arg_size, d->settings_size,
                                            &g->settings_fields, err)
                         : gn_error_set(err, GN_EINVAL, "there is a table but no .arg_size");
    if (rc)
        gn_error_prefix(err, "settings: ");
    return rc;
}

/* Takes the component into the generation, or skips it, or says why the plugin cannot be. */
static int stage(struct import *in, int rc, struct gn_component *c, const struct gn_error *why)
{
    if (rc == GN_ENOTSUP) {
        if (in->on_skip)
            in->on_skip(in->arg, why->text);
        return GN_OK;
    }
    if (rc)
        return gn_error_set(in->err, rc, "%s", why->text);
    if (gn_generation_find_same(in->g, c))
        rc = gn_error_set(in->err, GN_EEXIST, "%s %s is declared twice", gn_kind_name(c->kind),
                          c->key);
    else if (in->g->component_count >= GN_ABI_COMPONENTS_MAX)
        rc = gn_error_set(in->err, GN_ETOOBIG,
                          "declares more than %d components: do its lists end with NULL?",
                          GN_ABI_COMPONENTS_MAX);
    if (rc) {
        if (!c->digest)          /* but for files of skills, which are the host's own copies */
            c->free_data = NULL; /* never accepted, so still the plugin's */
        gn_component_unref(c);
        return rc;
    }
    gn_generation_add_component(in->g, c);
    return GN_OK;
}

/* Stages each element of a NULL-terminated array with the importer of its kind. */
#define STAGE_ALL(in, rc, list, importer)                                                          \
    for (size_t i_ = 0; !(rc) && (list) && (list)[i_]; i_++) {                                     \
        struct gn_component *c_ = NULL;                                                            \
        struct gn_error why_ = {0};                                                                \
        int rc_ = importer((in)->g, (list)[i_], &c_, &why_);                                       \
        (rc) = stage((in), rc_, c_, &why_);                                                        \
    }

static int take_components(struct import *in, const gantry_descriptor *d)
{
    int rc = GN_OK;
    STAGE_ALL(in, rc, d->tools, gn_abi_import_tool);
    STAGE_ALL(in, rc, d->tools_from, gn_abi_import_from);
    STAGE_ALL(in, rc, d->resources, gn_abi_import_resource);
    STAGE_ALL(in, rc, d->templates, gn_abi_import_template);
    STAGE_ALL(in, rc, d->prompts, gn_abi_import_prompt);
    return rc;
}

static int take_middleware(struct import *in, const gantry_descriptor *d)
{
    for (size_t i = 0; d->middleware && d->middleware[i]; i++) {
        struct gn_middleware *m = NULL;
        int rc = gn_abi_import_middleware(in->g, d->middleware[i], &m, in->err);
        if (!rc)
            rc = gn_generation_add_middleware(in->g, m, in->err);
        if (rc)
            return rc;
    }
    return GN_OK;
}

static int take_transforms(struct import *in, const gantry_descriptor *d)
{
    for (size_t i = 0; d->transforms && d->transforms[i]; i++) {
        struct gn_transform *t = NULL;
        int rc = gn_abi_import_transform(in->g, d->transforms[i], &t, in->err);
        if (!rc)
            rc = gn_generation_add_transform(in->g, t, in->err);
        if (rc)
            return rc;
    }
    return GN_OK;
}

/* Extensions: a prefix and a name, as keys of `_meta` are; each once. */
static int take_extension(struct gn_generation *g, const gantry_extension *raw,
                          struct gn_error *err)
{
    gantry_extension e;
    json_t *settings = NULL;
    int rc = gn_abi_copy(&e, sizeof e, offsetof(gantry_extension, settings_json), raw, err);
    if (!rc)
        rc = gn_abi_check_bits(e.reserved, 0, "options", err);
    if (!rc)
        rc = gn_abi_extension_name(e.name, err);
    for (size_t i = 0; !rc && i < g->extension_count; i++) {
        if (gn_streq(g->extensions[i].name, e.name))
            rc = gn_error_set(err, GN_EEXIST, "is declared twice");
    }
    if (!rc)
        rc = gn_abi_object("settings_json", e.settings_json ? e.settings_json : "{}", &settings,
                           err);
    if (rc) {
        gn_error_prefix(err, "extension %s: ", gn_abi_label(e.name));
        return rc;
    }
    g->extensions = gn_reallocarray(g->extensions, g->extension_count + 1, sizeof *g->extensions);
    g->extensions[g->extension_count++] = (struct gn_extension){.name = gn_strdup(e.name),
                                                                .settings = settings};
    return GN_OK;
}

static int take_extensions(struct import *in, const gantry_descriptor *d)
{
    for (size_t i = 0; d->extensions && d->extensions[i]; i++) {
        int rc = i < GN_ABI_LIST_MAX
                     ? take_extension(in->g, d->extensions[i], in->err)
                     : gn_error_set(in->err, GN_ETOOBIG, "declares more than %d extensions",
                                    GN_ABI_LIST_MAX);
        if (rc)
            return rc;
    }
    return GN_OK;
}

static int take_skill(struct import *in, const gantry_skill *raw)
{
    struct gn_component **v = NULL;
    size_t count = 0;
    int rc = gn_skill_import(in->g, raw, &v, &count, in->err);
    for (size_t i = 0; i < count; i++) {
        if (!rc)
            rc = stage(in, GN_OK, v[i], NULL);
        else
            gn_component_unref(v[i]);
    }
    gn_free(v);
    return rc;
}

static int take_skills(struct import *in, const gantry_descriptor *d)
{
    int rc = GN_OK;
    for (size_t i = 0; !rc && d->skills && d->skills[i]; i++)
        rc = take_skill(in, d->skills[i]);
    return rc;
}

int gn_abi_import(const struct gn_abi *abi, const gantry_descriptor *descriptor,
                  struct gn_generation *g, gn_abi_skip_fn on_skip, void *arg, struct gn_error *err)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    struct gn_error local = {0};
    struct import in = {g, on_skip, arg, err ? err : &local};
    gantry_descriptor d;
    int rc = check_version(abi, descriptor, in.err);
    if (!rc)
        rc = copy_descriptor(abi, descriptor, &d, in.err);
    if (!rc)
        rc = take_identity(g, &d, in.err);
    if (!rc)
        rc = take_settings(g, &d, in.err);
    if (rc)
        return rc;
    *d.host = abi->table;
    g->flags = d.flags;
    g->start = d.start;
    g->stop = d.stop;
    g->save = d.save;
    g->restore = d.restore;
    rc = take_components(&in, &d);
    if (!rc)
        rc = take_skills(&in, &d);
    if (!rc)
        rc = take_extensions(&in, &d);
    if (!rc)
        rc = take_transforms(&in, &d);
    return rc ? rc : take_middleware(&in, &d);
}

/* ---------------------------------------------------------------- settings */

/* A name that resembles none of the plugin's settings: all of those are told. */
static void add_known(const struct gn_fields *fields, const json_t *settings, struct gn_buf *text)
{
    const char *name;
    json_t *value;
    bool strange = false;
    const char **known = gn_calloc(fields->count + 1, sizeof *known);
    for (size_t i = 0; i < fields->count; i++)
        known[i] = fields->v[i].name;
    json_object_foreach((json_t *)(uintptr_t)settings, name, value)
    {
        strange = strange || (!gn_fields_find(fields, name) && !gn_nearest(name, known));
    }
    for (size_t i = 0; strange && i < fields->count; i++)
        gn_buf_addf(text, "%s%s", i ? ", " : "; known settings: ", known[i]);
    gn_free(known);
}

/* Problems come one a line; a log has one line for all. */
static int refuse_settings(const struct gn_fields *fields, const json_t *settings,
                           struct gn_problems *problems, struct gn_error *err)
{
    struct gn_buf text = GN_BUF_INIT(GN_ERROR_MAX);
    for (const char *p = gn_buf_str(&problems->text); *p;) {
        size_t len = strcspn(p, "\n");
        if (len > 0) {
            gn_buf_adds(&text, text.len ? "; " : "");
            gn_buf_add(&text, p, len);
        }
        p += len + (p[len] == '\n');
    }
    add_known(fields, settings, &text);
    gn_error_set(err, GN_EINVAL, "settings: %s", gn_buf_str(&text));
    gn_buf_release(&text);
    return GN_EINVAL;
}

int gn_abi_bind_settings(struct gn_generation *g, const json_t *settings, struct gn_error *err)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    if (settings && !json_is_object(settings))
        return gn_error_set(err, GN_EINVAL, "settings: not a mapping of names to values");
    if (!g->settings_fields) {
        void *first = json_object_iter((json_t *)(uintptr_t)settings);
        if (first)
            return gn_error_set(err, GN_EINVAL,
                                "settings: the plugin takes none, but \"%s\" is set",
                                json_object_iter_key(first));
        return GN_OK;
    }
    gn_json_release(&g->settings_doc);
    gn_arena_release(&g->arena);
    g->settings = NULL;
    int rc = settings ? gn_json_from_jansson(&g->settings_doc, settings, err) : GN_OK;
    if (rc) {
        gn_error_prefix(err, "settings: ");
        return rc;
    }
    struct gn_problems problems;
    gn_problems_init(&problems);
    void *out = gn_arena_calloc(&g->arena, GN_MAX(g->settings_fields->struct_size, 1u));
    rc = out ? gn_fields_bind(g->settings_fields, gn_json_root(&g->settings_doc),
                              GN_COERCE_NULLS | GN_COERCE_TEXT, &g->arena, out, &problems)
             : GN_ETOOBIG;
    if (rc == GN_ETOOBIG)
        gn_error_set(err, rc, "settings: they take too much memory");
    else if (rc)
        rc = refuse_settings(g->settings_fields, settings, &problems, err);
    else
        g->settings = out;
    gn_problems_release(&problems);
    return rc;
}
