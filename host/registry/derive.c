/* derive.c - a tool made from a tool: its words, its code, and what its calls need to know. The
 * arguments and their schema are made by the files that derive_parts.h names. */
#include "registry/derive_parts.h"

#include "call/call.h"
#include "schema/listed.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define OUTPUT_FLAGS ((uint32_t)(GANTRY_OUTPUT_STRICT | GANTRY_OUTPUT_UNCHECKED))

/* ---------------------------------------------------------------- words */

/* NULL: as it is; "": none. */
static void set_text(char **text, const char *given)
{
    if (!given)
        return;
    gn_free(*text);
    *text = *given ? gn_strdup(given) : NULL;
}

static void set_tags(struct gn_component *c, char *const *tags)
{
    if (!tags)
        return;
    gn_texts_free(c->tags);
    c->tags = tags[0] ? gn_texts_copy(tags) : NULL;
}

static void set_meta(struct gn_component *c, json_t *meta)
{
    if (!meta)
        return;
    json_decref(c->meta);
    c->meta = json_is_object(meta) ? json_incref(meta) : NULL;
}

static void set_hints(struct gn_component *c, const struct gn_from *from)
{
    const struct {
        int8_t given, *to;
    } hints[] = {
        {from->read_only, &c->read_only},
        {from->destructive, &c->destructive},
        {from->idempotent, &c->idempotent},
        {from->open_world, &c->open_world},
    };
    for (size_t i = 0; i < GN_COUNT(hints); i++) {
        if (hints[i].given)
            *hints[i].to = hints[i].given == GN_HINT_NONE ? 0 : hints[i].given;
    }
}

static void set_words(struct gn_component *c, const struct gn_from *from)
{
    set_text(&c->title, from->title);
    set_text(&c->description, from->description);
    set_text(&c->version, from->version);
    set_tags(c, from->tags);
    if (from->icons)
        gn_component_set_icons(c, from->icons, from->icon_count);
    set_meta(c, from->meta);
    set_hints(c, from);
}

/* ---------------------------------------------------------------- code */

static bool is_around(const struct gn_component *own)
{
    return own && own->run;
}

static int set_principal(struct gn_component *c, const struct gn_component *own,
                         struct gn_error *err)
{
    if (!own || !own->principal)
        return GN_OK;
    if (c->principal && !gn_streq(c->principal, own->principal))
        return gn_error_set(err, GN_EINVAL, "%.64s is there for another principal only",
                            c->parent->name);
    set_text(&c->principal, own->principal);
    return GN_OK;
}

static void set_code(struct gn_component *c, struct gn_component *own)
{
    if (!own)
        return;
    c->own = gn_component_ref(own);
    c->requires |= own->requires;
    c->timeout_ms = own->timeout_ms ? own->timeout_ms : c->timeout_ms;
    if (own->flags & OUTPUT_FLAGS)
        c->flags &= ~OUTPUT_FLAGS;
    if (is_around(own)) {
        c->flags &= OUTPUT_FLAGS | (uint32_t)GANTRY_STRICT_INPUT;
        c->flags |= own->flags;
        c->run = own->run;
        c->data = own->data;
        c->owner = own->owner;
        c->task = own->task;
    }
    c->flags |= own->flags & (OUTPUT_FLAGS | (uint32_t)GANTRY_STRICT_INPUT);
}

/* ---------------------------------------------------------------- schemas */

static bool asserts_formats(const struct gn_call_env *env)
{
    return !env || !env->annotate_formats;
}

static int compile_text(struct gn_buf *text, bool asserts, const json_t *schema,
                        struct gn_schema **ret, struct gn_error *err)
{
    struct gn_schema_options options = {.assert_formats = asserts,
                                        .max_bytes = GN_DERIVE_SCHEMA_MAX};
    struct gn_json_doc doc = {0};
    int rc = gn_json_from_jansson(&doc, schema, err);
    if (!rc && gn_json_write(text, gn_json_root(&doc)))
        rc = gn_error_set(err, GN_ETOOBIG, "takes more than %u bytes", GN_DERIVE_SCHEMA_MAX);
    gn_json_release(&doc);
    return rc ? rc : gn_schema_compile(text->data, text->len, &options, ret, err);
}

static int compile(bool asserts, const json_t *schema, struct gn_schema **ret, char **ret_text,
                   char **ret_inline, struct gn_error *err)
{
    struct gn_buf text = GN_BUF_INIT(GN_DERIVE_SCHEMA_MAX);
    struct gn_schema *s = NULL;
    int rc = compile_text(&text, asserts, schema, &s, err);
    gn_buf_release(&text);
    if (!rc && gn_schema_listed(s, GN_DERIVE_SCHEMA_MAX, ret_text))
        rc = gn_error_set(err, GN_ETOOBIG, "takes more than %u bytes", GN_DERIVE_SCHEMA_MAX);
    /* Too large without its references: always listed with them. */
    if (!rc && gn_schema_listed_inline(s, *ret_text, GN_DERIVE_SCHEMA_MAX, ret_inline))
        *ret_inline = NULL;
    if (rc)
        gn_schema_free(s);
    else
        *ret = s;
    return rc;
}

static int set_output(const struct gn_call_env *env, struct gn_component *c,
                      const struct gn_from *from, struct gn_error *err)
{
    const struct gn_component *own = c->own;
    bool has_own = own && own->output;
    if (!has_own && !from->output_schema)
        return GN_OK;
    c->output = has_own ? own->output : NULL;
    c->output_schema = NULL;
    c->output_text = has_own ? own->output_text : NULL;
    c->output_inline = has_own ? own->output_inline : NULL;
    if (has_own || json_is_null(from->output_schema))
        return GN_OK;
    int rc = compile(asserts_formats(env), from->output_schema, &c->output_schema, &c->output_text,
                     &c->output_inline, err);
    if (rc)
        gn_error_prefix(err, "its output schema: ");
    return rc;
}

/* ---------------------------------------------------------------- arguments */

static bool passes_as_it_is(const struct gn_derived_arg *a)
{
    return a->parent_name && a->name && !gn_arg_is_renamed(a) && !a->value;
}

static int make_arg(struct gn_made_arg *m, const struct gn_derived_arg *a, struct gn_error *err)
{
    m->name = gn_strdup(a->name);
    m->parent_name = gn_strdup(a->parent_name);
    m->source = a->change ? a->change->source : GN_SOURCE_NONE;
    m->source_name = a->change ? gn_strdup(a->change->source_name) : NULL;
    m->is_required = a->was_required;
    if (!a->name && a->value)
        m->source = GN_SOURCE_VALUE;
    return a->value ? gn_json_from_jansson(&m->value, a->value, err) : GN_OK;
}

static int make(struct gn_component *c, const struct gn_derivation *d, struct gn_error *err)
{
    struct gn_made *m = c->made = gn_calloc(1, sizeof *m);
    int rc = GN_OK;
    gn_map_init(&m->by_name);
    m->v = gn_calloc(d->count + 1, sizeof *m->v);
    m->is_around = d->is_around;
    for (size_t i = 0; i < d->count && !rc; i++) {
        const struct gn_derived_arg *a = &d->args[i];
        m->checks = m->checks ||
                    (a->name && a->change && (a->change->schema || a->change->required));
        if (!passes_as_it_is(a))
            rc = make_arg(&m->v[m->count++], a, err);
    }
    gn_made_index(m);
    return rc;
}

/* NULL: a tree cannot hold it (U+0000 in a name, a number beyond all). */
static json_t *tree_of(const struct gn_schema *schema)
{
    const gantry_json *root = schema ? gn_schema_root(schema) : NULL;
    for (uint32_t i = 0; root && i < root->skip; i++) {
        if (root[i].type == GN_JSON_STRING && (root[i].flags & GN_JSON_HAS_NUL))
            return NULL;
    }
    return root ? gn_json_to_jansson(root) : json_object();
}

/* Tables assert formats, whatever the operator says of those in JSON. */
static bool comes_of_a_table(const struct gn_component *c)
{
    while (c && !c->input)
        c = c->parent;
    return c;
}

static int compile_input(struct gn_derivation *d, struct gn_component *c, struct gn_error *err)
{
    gn_schema_free(c->input_schema);
    gn_free(c->input_text);
    gn_free(c->input_inline);
    c->input_schema = NULL;
    c->input_text = c->input_inline = NULL;
    return compile(d->asserts_formats, d->result, &c->input_schema, &c->input_text,
                   &c->input_inline, err);
}

static int derive_input(struct gn_derivation *d, struct gn_component *c, struct gn_error *err)
{
    struct gn_error why = {0};
    gn_derive_inline(d);
    gn_derive_args(d);
    gn_derive_schema(d);
    int rc = compile_input(d, c, &why);
    if (rc && d->faults.count == 0)
        gn_faults_add(&d->faults, "its schema: %s", why.text);
    d->after = c->input_schema;
    gn_derive_check(d);
    d->after = NULL;
    rc = gn_faults_end(&d->faults, err);
    if (!rc && d->is_stale)
        rc = compile_input(d, c, err);
    return rc ? rc : make(c, d, err);
}

static void release(struct gn_derivation *d)
{
    for (size_t i = 0; i < d->count; i++)
        json_decref(d->args[i].schema);
    gn_free(d->args);
    gn_map_release(&d->by_parent_name, NULL);
    gn_buf_release(&d->faults.text);
    json_decref(d->root);
    json_decref(d->own_root);
    json_decref(d->result);
}

static int set_input(const struct gn_call_env *env, struct gn_component *c,
                     const struct gn_from *from, struct gn_error *err)
{
    struct gn_component *parent = c->parent, *own = c->own;
    if (from->arg_count == 0 && !is_around(own))
        return GN_OK;
    struct gn_derivation d = {
        .env = env,
        .from = from,
        .own = own,
        .parent = parent,
        .before = parent->input ? parent->input->schema : parent->input_schema,
        .is_around = is_around(own),
        .asserts_formats = asserts_formats(env) || comes_of_a_table(parent),
    };
    c->input = NULL;
    c->input_schema = NULL;
    c->input_text = c->input_inline = NULL;
    gn_faults_init(&d.faults);
    gn_map_init(&d.by_parent_name);
    d.root = tree_of(d.before);
    d.own_root = d.is_around && own->input ? tree_of(own->input->schema) : NULL;
    int rc = json_is_object(d.root)
                 ? derive_input(&d, c, err)
                 : gn_error_set(
                       err, GN_EINVAL,
                       "the schema of %.64s cannot be rewritten: it has U+0000 in a text or a "
                       "number beyond 1e308",
                       parent->name);
    release(&d);
    return rc;
}

/* ---------------------------------------------------------------- all of it */

static int fill(const struct gn_call_env *env, const struct gn_from *from, struct gn_component *own,
                struct gn_component *c, struct gn_error *err)
{
    set_words(c, from);
    set_code(c, own);
    int rc = set_principal(c, own, err);
    if (!rc)
        rc = set_output(env, c, from, err);
    return rc ? rc : set_input(env, c, from, err);
}

int gn_derive(const struct gn_call_env *env, const struct gn_from *from, struct gn_component *own,
              struct gn_component *parent, struct gn_component **ret, struct gn_error *err)
{
    GN_CHECK(parent, GN_COMPONENT_MAGIC);
    gn_assert(parent->kind == GN_TOOL);
    const char *name = own && own->key ? own->key : from->name;
    *ret = NULL;
    struct gn_component *c = NULL;
    int rc = gn_from_check(from, err);
    if (!rc) {
        c = gn_component_derive(parent, name);
        rc = fill(env, from, own, c, err);
    }
    if (rc) {
        gn_error_prefix(err, "tool %.128s: ", name ? name : parent->name);
        gn_component_unref(c);
        return rc;
    }
    *ret = c;
    return GN_OK;
}
