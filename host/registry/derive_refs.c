/* derive_refs.c - references within the schema of a made tool.
 *
 * What points into something that is not there any more as it was (the root itself, an argument
 * that was changed) keeps its meaning: the parent's schema, or those properties of it, is put among
 * the definitions, and the reference leads there. Definitions that nothing refers to are left out.
 */
#include "registry/derive_parts.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define POINTER_MAX 4096

/* ---------------------------------------------------------------- where schemas stand */

enum shape { ONE = 1, LIST = 2, MAP = 4 };

static const struct place {
    const char *keyword;
    int shapes;
} places[] = {
    {"properties", MAP},
    {"patternProperties", MAP},
    {"$defs", MAP},
    {"definitions", MAP},
    {"dependentSchemas", MAP},
    {"dependencies", MAP},
    {"allOf", LIST},
    {"anyOf", LIST},
    {"oneOf", LIST},
    {"prefixItems", LIST},
    {"items", ONE | LIST},
    {"additionalItems", ONE},
    {"unevaluatedItems", ONE},
    {"contains", ONE},
    {"not", ONE},
    {"if", ONE},
    {"then", ONE},
    {"else", ONE},
    {"additionalProperties", ONE},
    {"unevaluatedProperties", ONE},
    {"propertyNames", ONE},
    {"contentSchema", ONE},
};

/* A string that refers to something; the object that holds it may be changed. Or keyword is "$id":
 * what is within has places of its own, and is not looked at. */
typedef void ref_fn(void *arg, json_t *schema, const char *keyword, const char *ref);

static void walk(json_t *s, bool with_definitions, ref_fn *fn, void *arg);

static void walk_child(json_t *s, ref_fn *fn, void *arg)
{
    const char *id = json_string_value(json_object_get(s, "$id"));
    if (id && id[0] != '#')
        fn(arg, s, "$id", id);
    else
        walk(s, true, fn, arg);
}

static void walk_place(json_t *v, int shapes, ref_fn *fn, void *arg)
{
    const char *name;
    json_t *child;
    size_t i;
    if ((shapes & ONE) && json_is_object(v))
        walk_child(v, fn, arg);
    if (shapes & LIST) {
        json_array_foreach(v, i, child) walk_child(child, fn, arg);
    }
    if (shapes & MAP) {
        json_object_foreach(v, name, child) walk_child(child, fn, arg);
    }
}

static bool holds_definitions(const char *keyword)
{
    return gn_streq(keyword, "$defs") || gn_streq(keyword, "definitions");
}

/* JSON is nested 512 deep at most, so this may recurse. */
static void walk(json_t *s, bool with_definitions, ref_fn *fn, void *arg)
{
    static const char *const words[] = {"$ref", "$dynamicRef", "$recursiveRef"};
    if (!json_is_object(s))
        return;
    for (size_t i = 0; i < GN_COUNT(words); i++) {
        const char *ref = json_string_value(json_object_get(s, words[i]));
        if (ref)
            fn(arg, s, words[i], ref);
    }
    for (size_t i = 0; i < GN_COUNT(places); i++) {
        if (with_definitions || !holds_definitions(places[i].keyword))
            walk_place(json_object_get(s, places[i].keyword), places[i].shapes, fn, arg);
    }
}

/* ---------------------------------------------------------------- pointers */

static int hex(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* "#/a%20b" -> "/a b"; false if it is longer than it may be. */
static bool decode(const char *ref, char out[POINTER_MAX])
{
    size_t n = 0;
    for (const char *s = ref + 1; *s && n < POINTER_MAX - 1; s++) {
        int high = *s == '%' ? hex(s[1]) : -1, low = high >= 0 ? hex(s[2]) : -1;
        out[n++] = low >= 0 ? (char)(high * 16 + low) : *s;
        s += low >= 0 ? 2 : 0;
    }
    out[n] = '\0';
    return n < POINTER_MAX - 1;
}

/* The next name of a pointer that stands at a "/"; *p is moved behind it. */
static const char *next_name(const char **p, char name[POINTER_MAX])
{
    size_t n = 0;
    const char *s = *p + 1;
    for (; *s && *s != '/'; s++) {
        bool is_escape = *s == '~' && (s[1] == '0' || s[1] == '1');
        s += is_escape;
        name[n++] = !is_escape ? *s : *s == '0' ? '~' : '/';
    }
    name[n] = '\0';
    *p = s;
    return name;
}

const json_t *gn_derive_resolve(const struct gn_derivation *d, const char *ref)
{
    char pointer[POINTER_MAX], name[POINTER_MAX];
    const json_t *at = d->root;
    if (ref[0] != '#' || !decode(ref, pointer) || (pointer[0] && pointer[0] != '/'))
        return NULL;
    for (const char *p = pointer; at && *p;) {
        int64_t index = -1;
        next_name(&p, name);
        if (json_is_array(at))
            at = gn_parse_int64(name, &index) && index >= 0 ? json_array_get(at, (size_t)index)
                                                            : NULL;
        else
            at = json_object_get(at, name);
    }
    return at;
}

/* The first two names of a reference into this document: "" where there are none. */
struct head {
    char first[POINTER_MAX], second[POINTER_MAX];
};

/* False: it is no pointer. */
static bool read_head(const char *ref, struct head *ret)
{
    char pointer[POINTER_MAX];
    const char *p = pointer;
    ret->first[0] = ret->second[0] = '\0';
    if (ref[0] != '#' || !decode(ref, pointer) || (pointer[0] && pointer[0] != '/'))
        return false;
    if (*p)
        next_name(&p, ret->first);
    if (*p)
        next_name(&p, ret->second);
    return true;
}

/* ---------------------------------------------------------------- what has changed */

/* True if something else stands there now, or nothing. */
static bool is_moved(const struct gn_derivation *d, const char *ref)
{
    struct head h;
    if (!read_head(ref, &h) || holds_definitions(h.first))
        return false;
    if (!gn_streq(h.first, "properties"))
        return true;
    const struct gn_derived_arg *a = gn_derive_arg(d, h.second);
    return !h.second[0] || (a && (gn_arg_is_touched(a) || gn_arg_is_renamed(a)));
}

struct mover {
    const struct gn_derivation *d;
    const char *prefix; /* "#/$defs/search"; NULL: only counts */
    size_t count;
};

static void move(void *arg, json_t *schema, const char *keyword, const char *ref)
{
    struct mover *m = arg;
    if (gn_streq(keyword, "$id") || !is_moved(m->d, ref))
        return;
    m->count++;
    if (!m->prefix)
        return;
    GN_AUTO_FREE char *moved = gn_format("%s%s", m->prefix, ref + 1);
    json_object_del(schema, keyword);
    json_object_set_new(schema, "$ref", json_string(moved));
}

bool gn_derive_is_old(const struct gn_derivation *d)
{
    const char *dialect = json_string_value(json_object_get(d->root, "$schema"));
    return dialect && strstr(dialect, "draft-07");
}

char *gn_derive_encode(const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    struct gn_buf out = GN_BUF_INIT(POINTER_MAX);
    for (const char *s = name; *s; s++) {
        if (*s == '~' || *s == '/')
            gn_buf_adds(&out, *s == '~' ? "~0" : "~1");
        else if (strchr(plain, *s))
            gn_buf_addc(&out, *s);
        else
            gn_buf_addf(&out, "%%%02X", (unsigned)(unsigned char)*s);
    }
    return gn_buf_take(&out, NULL);
}

/* Which properties of the parent are still referred to, by others and by one another. */
struct kept {
    const struct gn_derivation *d;
    json_t *properties;
    json_t *queue; /* those that are still to be looked into, as an array */
    bool is_whole; /* more than properties is */
};

static void keep(void *arg, json_t *schema, const char *keyword, const char *ref)
{
    struct kept *k = arg;
    struct head h;
    (void)schema;
    if (gn_streq(keyword, "$id") || !is_moved(k->d, ref) || !read_head(ref, &h))
        return;
    json_t *property = json_object_get(json_object_get(k->d->root, "properties"), h.second);
    if (!gn_streq(h.first, "properties") || !property) {
        k->is_whole = true;
    } else if (!json_object_get(k->properties, h.second)) {
        json_object_set_new(k->properties, h.second, json_deep_copy(property));
        json_array_append(k->queue, property);
    }
}

/* What of the parent's schema is referred to: no more of what is hidden is to be seen than must. */
static json_t *copy_kept(const struct gn_derivation *d)
{
    struct kept k = {.d = d, .properties = json_object(), .queue = json_array()};
    walk(d->result, true, keep, &k);
    for (size_t i = 0; i < json_array_size(k.queue); i++)
        walk_place(json_array_get(k.queue, i), ONE, keep, &k);
    json_decref(k.queue);
    if (!k.is_whole)
        return json_pack("{s:o}", "properties", k.properties);
    json_decref(k.properties);
    return json_deep_copy(d->root);
}

/* The parent's schema as a definition under a name that is free; owned by the caller. */
static char *keep_parent(struct gn_derivation *d, const char *holder)
{
    static const char *const left_out[] = {"$schema", "$id", "$defs", "definitions"};
    json_t *definitions = json_object_get(d->result, holder), *copy = copy_kept(d);
    if (!definitions) {
        json_object_set_new(d->result, holder, json_object());
        definitions = json_object_get(d->result, holder);
    }
    for (size_t i = 0; i < GN_COUNT(left_out); i++)
        json_object_del(copy, left_out[i]);
    char *name = gn_strdup(d->parent->name);
    while (json_object_get(definitions, name)) {
        char *longer = gn_format("%s_", name);
        gn_free(name);
        name = longer;
    }
    json_object_set_new(definitions, name, copy);
    return name;
}

static void move_all(struct gn_derivation *d)
{
    struct mover m = {.d = d};
    const char *holder = gn_derive_is_old(d) ? "definitions" : "$defs";
    walk(d->result, true, move, &m);
    if (m.count == 0)
        return;
    GN_AUTO_FREE char *name = keep_parent(d, holder);
    GN_AUTO_FREE char *encoded = gn_derive_encode(name);
    GN_AUTO_FREE char *prefix = gn_format("#/%s/%s", holder, encoded);
    m.prefix = prefix;
    walk(d->result, true, move, &m);
}

/* ---------------------------------------------------------------- what is needed still */

struct needed {
    struct gn_derivation *d;
    struct gn_map names; /* "$defs/x" */
    char **queue;
    size_t count, cap;
    bool keeps_all; /* a reference may lead anywhere */
};

static void need(void *arg, json_t *schema, const char *keyword, const char *ref)
{
    struct needed *n = arg;
    struct head h;
    (void)schema;
    bool is_pointer = !gn_streq(keyword, "$id") && !gn_streq(keyword, "$dynamicRef") &&
                      read_head(ref, &h);
    if (!is_pointer) {
        n->keeps_all = true;
        return;
    }
    if (!holds_definitions(h.first))
        return;
    char *key = gn_format("%s/%s", h.first, h.second);
    if (gn_map_put(&n->names, key, n)) {
        gn_free(key);
        return;
    }
    if (n->count == n->cap) {
        n->cap = n->cap ? n->cap * 2 : 16;
        n->queue = gn_reallocarray(n->queue, n->cap, sizeof *n->queue);
    }
    n->queue[n->count++] = key;
}

static void drop(struct needed *n, const char *holder)
{
    json_t *definitions = json_object_get(n->d->result, holder), *v;
    const char *name;
    void *at;
    json_object_foreach_safe(definitions, at, name, v)
    {
        GN_AUTO_FREE char *key = gn_format("%s/%s", holder, name);
        if (!gn_map_find(&n->names, key))
            json_object_del(definitions, name);
    }
    if (definitions && json_object_size(definitions) == 0)
        json_object_del(n->d->result, holder);
}

static void prune(struct gn_derivation *d)
{
    struct needed n = {.d = d};
    gn_map_init(&n.names);
    walk(d->result, false, need, &n);
    for (size_t i = 0; i < n.count; i++) {
        const char *slash = strchr(n.queue[i], '/');
        GN_AUTO_FREE char *holder = gn_strndup(n.queue[i], (size_t)(slash - n.queue[i]));
        walk_child(json_object_get(json_object_get(d->result, holder), slash + 1), need, &n);
    }
    if (!n.keeps_all) {
        drop(&n, "$defs");
        drop(&n, "definitions");
    }
    for (size_t i = 0; i < n.count; i++)
        gn_free(n.queue[i]);
    gn_free(n.queue);
    gn_map_release(&n.names, NULL);
}

void gn_derive_refs(struct gn_derivation *d)
{
    move_all(d);
    prune(d);
}
