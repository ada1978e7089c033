/* resolve.c - identities and references: which text, which resource, which place.
 *
 * A program's texts are read once each. The walk below finds `$id`, `$anchor`, `$dynamicAnchor` and
 * `$recursiveAnchor` where a subschema is known to stand, and nowhere else: an `$id` within an enum
 * is data. The root of each resource is also marked in its JSON node (`reserved`), so that looking
 * for one costs nothing where there is none.
 */
#include "schema/chars.h"
#include "schema/compile.h"
#include "schema/metaschemas.h"
#include "schema/uri.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define URI_MAX 4096
#define IS_ROOT 1   /* gantry_json.reserved: a resource begins here */
#define IS_WALKED 2 /* the walk has been here */
#define POINTER_MAX 4096
#define LOOKS_MAX 50000000 /* members that all references together pass */

/* ---------------------------------------------------------------- identities */

static const char *intern(struct gn_compiler *c, const char *s, size_t len)
{
    char *known = gn_map_findn(&c->names, s, len);
    if (!known) {
        known = gn_arena_strndup(&c->s->arena, s, len);
        gn_assert(known != NULL);
        gn_map_putn(&c->names, s, len, known);
    }
    return known;
}

/* The name is interned. */
static struct gn_anchor *anchor_find(const struct gn_compiler *c, const struct gn_resource *r,
                                     const char *name)
{
    const void *key[] = {r, name};
    return gn_map_findn(&c->anchors, key, sizeof(key));
}

static void add_anchor(struct gn_compiler *c, struct gn_resource *r, const gantry_json *at,
                       const char *name, size_t len, const gantry_json *place, bool is_dynamic)
{
    const char *own = intern(c, name, len);
    struct gn_anchor *a = anchor_find(c, r, own);
    if (a && a->place == place) {
        a->is_dynamic = a->is_dynamic || is_dynamic;
        return;
    }
    if (a) {
        gn_compile_fail(c, GN_EINVAL, at, "the anchor \"%s\" stands at two places", own);
        return;
    }
    a = gn_compile_take(c, 1, sizeof(*a));
    *a = (struct gn_anchor){own, place, NULL, is_dynamic, r->anchors};
    r->anchors = a;
    const void *key[] = {r, own};
    gn_map_putn(&c->anchors, key, sizeof(key), a);
}

static bool is_anchor(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool first = gn_is_alpha(c) || c == '_';
        bool later = gn_is_digit(c) || gn_is_one_of(c, "-.:");
        if (!first && (i == 0 || !later))
            return false;
    }
    return len > 0;
}

static void take_anchor(struct gn_compiler *c, struct gn_resource *r, const gantry_json *schema,
                        const char *keyword, bool is_dynamic)
{
    const gantry_json *k = gn_json_get(schema, keyword);
    if (!k)
        return;
    if (gn_json_type(k) != GN_JSON_STRING || !is_anchor(k->text, k->len))
        gn_compile_fail(c, GN_EINVAL, k, "a schema has a name of letters, digits, - _ . here");
    else
        add_anchor(c, r, k, k->text, k->len, schema, is_dynamic);
}

/* Makes the resource that begins at `place`. */
static struct gn_resource *new_resource(struct gn_compiler *c, const gantry_json *place,
                                        const char *uri, const struct gn_vocabulary *vocabulary)
{
    struct gn_resource *r = gn_compile_take(c, 1, sizeof(*r));
    r->uri = gn_arena_strdup(&c->s->arena, uri);
    r->root = place;
    r->vocabulary = *vocabulary;
    r->next = c->s->resources;
    c->s->resources = r;
    ((gantry_json *)(uintptr_t)place)->reserved |= IS_ROOT; /* our own copy */
    gn_map_putn(&c->roots, &place, sizeof(place), r);
    return r;
}

static void add_uri(struct gn_compiler *c, const gantry_json *at, const char *uri,
                    struct gn_resource *r)
{
    struct gn_resource *other = gn_map_find(&c->resources, uri);
    if (!other)
        gn_map_put(&c->resources, uri, r);
    else if (other != r && at)
        gn_compile_fail(c, GN_EINVAL, at, "the identity <%s> stands at two places", uri);
}

/* `$id`: the resource that begins here, or the one around. */
static struct gn_resource *take_id(struct gn_compiler *c, struct gn_resource *around,
                                   const gantry_json *schema)
{
    const gantry_json *id = gn_json_get(schema, "$id");
    bool old = around->vocabulary.dialect == GN_DIALECT_DRAFT_07;
    if (!id || (old && gn_json_get(schema, "$ref")))
        return around;
    if (!gn_json_cstr(id)) {
        gn_compile_fail(c, GN_EINVAL, id, "a schema has a URI reference here");
        return around;
    }
    struct gn_buf uri = GN_BUF_INIT(URI_MAX);
    const char *fragment = NULL;
    struct gn_resource *r = around;
    if (gn_uri_resolve(around->uri, id->text, id->len, &uri, &fragment) != 0) {
        gn_compile_fail(c, GN_ETOOBIG, id, "the URI takes more than %d bytes", URI_MAX);
    } else {
        bool named = fragment && *fragment != '\0';
        bool own = !fragment || fragment > id->text + 1;
        if (named && !old)
            gn_compile_fail(c, GN_EINVAL, id, "an identity has no fragment: use $anchor");
        if (own && schema != around->root) {
            struct gn_vocabulary vocabulary = around->vocabulary;
            if (gn_vocabulary_choose(c, schema, &vocabulary)) {
                r = new_resource(c, schema, gn_buf_str(&uri), &vocabulary);
                add_uri(c, id, r->uri, r);
            }
        }
        if (named && old)
            add_anchor(c, r, id, fragment, strlen(fragment), schema, false);
    }
    gn_buf_release(&uri);
    return r;
}

static void walk(struct gn_compiler *c, struct gn_resource *r, const gantry_json *schema);

/* The members or elements of a keyword's value that are schemas. */
static void walk_all(struct gn_compiler *c, struct gn_resource *r, const gantry_json *k)
{
    for (const gantry_json *e = NULL; !c->rc && (e = gn_json_next(k, e)) != NULL;)
        walk(c, r, e);
}

static void walk(struct gn_compiler *c, struct gn_resource *r, const gantry_json *schema)
{
    if (gn_json_type(schema) != GN_JSON_OBJECT || (schema->reserved & IS_WALKED))
        return;
    ((gantry_json *)(uintptr_t)schema)->reserved |= IS_WALKED;
    r = take_id(c, r, schema);
    if (r->vocabulary.dialect != GN_DIALECT_DRAFT_07)
        take_anchor(c, r, schema, "$anchor", false);
    if (r->vocabulary.dialect == GN_DIALECT_2020_12)
        take_anchor(c, r, schema, "$dynamicAnchor", true);
    if (r->vocabulary.dialect == GN_DIALECT_2019_09 && schema == r->root &&
        gn_json_type(gn_json_get(schema, "$recursiveAnchor")) == GN_JSON_TRUE)
        add_anchor(c, r, schema, "", 0, schema, true);
    for (const gantry_json *k = NULL; !c->rc && (k = gn_json_next(schema, k)) != NULL;) {
        size_t len = 0;
        const char *name = gn_json_name(k, &len);
        int i = gn_keyword_index(&r->vocabulary, name, len);
        enum gn_holds holds = i < 0 ? GN_HOLDS_NOTHING : gn_keywords[i].holds;
        if (holds == GN_HOLDS_SCHEMA ||
            (holds == GN_HOLDS_EITHER && gn_json_type(k) == GN_JSON_OBJECT))
            walk(c, r, k);
        else if (holds != GN_HOLDS_NOTHING)
            walk_all(c, r, k);
    }
}

struct gn_resource *gn_source_add(struct gn_compiler *c, struct gn_json_doc *doc, const char *uri)
{
    struct gn_source *source = gn_compile_take(c, 1, sizeof(*source));
    source->doc = *doc;
    memset(doc, 0, sizeof(*doc));
    source->nodes = source->doc.nodes;
    source->count = source->doc.count;
    source->compiled = gn_compile_take(c, source->count, sizeof(void *));
    struct gn_source **end = &c->s->sources;
    while (*end)
        end = &(*end)->next;
    *end = source;

    const gantry_json *root = source->nodes;
    struct gn_vocabulary vocabulary = {c->options->dialect, GN_VOCAB_ALL,
                                       c->options->assert_formats};
    if (!gn_vocabulary_choose(c, root, &vocabulary))
        return NULL;
    /* The identity of the root, if it gives itself one, is relative to where it was found. */
    struct gn_buf own = GN_BUF_INIT(URI_MAX);
    const char *fragment, *id = gn_json_cstr(gn_json_get(root, "$id"));
    bool ignored = vocabulary.dialect == GN_DIALECT_DRAFT_07 && gn_json_get(root, "$ref");
    struct gn_resource *r = NULL;
    if (gn_uri_resolve(uri, id && !ignored ? id : "", id && !ignored ? strlen(id) : 0, &own,
                       &fragment) != 0) {
        gn_compile_fail(c, GN_ETOOBIG, root, "$id takes more than %d bytes", URI_MAX);
    } else {
        r = new_resource(c, root, gn_buf_str(&own), &vocabulary);
        add_uri(c, NULL, uri, r);
        add_uri(c, NULL, r->uri, r);
        walk(c, r, root);
    }
    gn_buf_release(&own);
    return c->rc ? NULL : r;
}

/* ---------------------------------------------------------------- references */

const struct gn_resource *gn_resource_at(struct gn_compiler *c, const gantry_json *place,
                                         const struct gn_resource *resource)
{
    if (!(place->reserved & IS_ROOT))
        return resource;
    return gn_map_findn(&c->roots, &place, sizeof(place));
}

/* The text of a meta-schema: http(s)://json-schema.org/[draft/]NAME. */
static const struct gn_embedded *metaschema_find(const char *uri)
{
    static const char *const places[] = {"json-schema.org/draft/", "json-schema.org/"};
    size_t len = strlen(uri);
    const char *rest = gn_uri_bare(uri, &len);
    for (size_t i = 0; i < GN_COUNT(places); i++) {
        const char *name = gn_starts_with(rest, places[i]) ? rest + strlen(places[i]) : NULL;
        for (const struct gn_embedded *m = gn_metaschemas; name && m->name; m++) {
            if (gn_streq(m->name, name))
                return m;
        }
    }
    return NULL;
}

/* The resource with this identity, read in now if it is a meta-schema or one that the options
 * name. */
static struct gn_resource *resource_find(struct gn_compiler *c, const char *uri)
{
    struct gn_resource *r = gn_map_find(&c->resources, uri);
    if (r)
        return r;
    struct gn_json_doc doc;
    struct gn_error err = {0};
    const struct gn_embedded *meta = metaschema_find(uri);
    const struct gn_schema_document *d = meta ? NULL : gn_document_find(c, uri, strlen(uri));
    int rc = GN_ENOENT;
    if (meta) {
        rc = gn_json_parse_copy(&doc, meta->text, meta->len, NULL, &err);
    } else if (d) {
        struct gn_buf copy = GN_BUF_INIT((size_t)64 << 20);
        rc = gn_json_write(&copy, d->root);
        if (!rc)
            rc = gn_json_parse_copy(&doc, gn_buf_str(&copy), copy.len, NULL, &err);
        gn_buf_release(&copy);
    }
    return rc ? NULL : gn_source_add(c, &doc, uri);
}

/* One step of a JSON Pointer, percent- and tilde-decoded into out. */
static bool decode_step(const char *s, size_t len, struct gn_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (c == '%') {
            int high = i + 2 < len ? gn_hex_value(s[i + 1]) : -1;
            int low = i + 2 < len ? gn_hex_value(s[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        gn_buf_addc(out, c);
    }
    size_t to = 0;
    for (size_t from = 0; from < out->len; from++) {
        char c = out->data[from];
        if (c == '~') {
            if (from + 1 >= out->len || (out->data[from + 1] != '0' && out->data[from + 1] != '1'))
                return false;
            c = out->data[++from] == '0' ? '~' : '/';
        }
        out->data[to++] = c;
    }
    if (out->data)
        gn_buf_cut(out, to);
    return !out->overflow;
}

static const gantry_json *child(const gantry_json *v, const char *step, size_t len)
{
    if (gn_json_type(v) == GN_JSON_OBJECT)
        return gn_json_getn(v, step, len);
    int64_t index;
    if (gn_json_type(v) != GN_JSON_ARRAY || len == 0 || step[0] == '-' || step[0] == '+' ||
        (step[0] == '0' && len > 1) || !gn_parse_int64(step, &index))
        return NULL;
    return gn_json_at(v, (size_t)index);
}

/* Follows a JSON Pointer from the root of a resource; resources that it enters become ret's. */
static bool follow(struct gn_compiler *c, const char *pointer, size_t len, struct gn_target *ret)
{
    const char *end = pointer + len;
    struct gn_buf step = GN_BUF_INIT(POINTER_MAX);
    while (ret->place && pointer < end) {
        const char *next = memchr(pointer + 1, '/', (size_t)(end - pointer) - 1);
        next = next ? next : end;
        gn_buf_clear(&step);
        c->looked += gn_json_count(ret->place);
        bool good = c->looked <= LOOKS_MAX &&
                    decode_step(pointer + 1, (size_t)(next - pointer) - 1, &step);
        ret->place = good ? child(ret->place, gn_buf_str(&step), step.len) : NULL;
        if (ret->place)
            ret->resource = gn_resource_at(c, ret->place, ret->resource);
        pointer = next;
    }
    gn_buf_release(&step);
    return ret->place != NULL;
}

static bool find_fragment(struct gn_compiler *c, const char *fragment, size_t len,
                          struct gn_target *ret)
{
    if (len == 0)
        return true;
    if (fragment[0] == '/')
        return follow(c, fragment, len, ret);
    struct gn_buf name = GN_BUF_INIT(POINTER_MAX);
    bool good = decode_step(fragment, len, &name);
    const char *own = good ? gn_map_findn(&c->names, gn_buf_str(&name), name.len) : NULL;
    struct gn_anchor *a = own ? anchor_find(c, ret->resource, own) : NULL;
    gn_buf_release(&name);
    if (!a)
        return false;
    ret->place = a->place;
    ret->anchor = a->is_dynamic ? a->name : NULL;
    return true;
}

bool gn_resolve(struct gn_compiler *c, const struct gn_resource *from, const gantry_json *at,
                struct gn_target *ret)
{
    struct gn_buf uri = GN_BUF_INIT(URI_MAX);
    const char *fragment = NULL;
    char shown[GN_SHOWN_MAX];
    if (gn_uri_resolve(from->uri, at->text, at->len, &uri, &fragment) != 0) {
        gn_compile_fail(c, GN_ETOOBIG, at, "the URI takes more than %d bytes", URI_MAX);
        gn_buf_release(&uri);
        return false;
    }
    /* What points into its own document needs no identity. */
    bool own = fragment == at->text + 1 || at->len == 0;
    struct gn_resource *r = own ? NULL : resource_find(c, gn_buf_str(&uri));
    *ret = (struct gn_target){own ? from : r, own ? from->root : r ? r->root : NULL, NULL};
    if (!c->rc && !ret->resource)
        gn_compile_fail(c, GN_EINVAL, at,
                        "%s leads out of the schema, to <%.256s>: references are never fetched",
                        gn_show_value(shown, at), gn_buf_str(&uri));
    gn_buf_release(&uri);
    if (c->rc)
        return false;
    size_t len = fragment ? at->len - (size_t)(fragment - at->text) : 0;
    bool found = !fragment || find_fragment(c, fragment, len, ret);
    int type = found ? gn_json_type(ret->place) : 0;
    if (c->looked > LOOKS_MAX)
        gn_compile_fail(c, GN_ETOOBIG, at, "too many references into objects as large as these");
    else if (!found)
        gn_compile_fail(c, GN_EINVAL, at, "%s leads nowhere", gn_show_value(shown, at));
    else if (type != GN_JSON_OBJECT && type != GN_JSON_TRUE && type != GN_JSON_FALSE)
        gn_compile_fail(c, GN_EINVAL, at, "%s leads to what is no schema",
                        gn_show_value(shown, at));
    else /* a place that no keyword is known to hold has not been walked yet */
        walk(c, (struct gn_resource *)(uintptr_t)ret->resource, ret->place);
    return !c->rc;
}
