/* derive_rewrite.c - keywords beside `properties` that name arguments: they are rewritten for the
 * new names where that is mechanical, and refused where it is not.
 *
 * All keywords that are looked at here say something of the object of arguments itself: those of
 * the root, and those of what it applies in place (allOf, if, ...).
 */
#include "registry/derive_parts.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define DEPTH_MAX 100
#define PARTS_MAX 100 /* schemas with all definitions that are looked at by themselves */

static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
static const char *const singles[] = {"not", "if", "then", "else"};
static const char *const by_names[] = {"dependentRequired", "dependentSchemas", "dependencies"};
static const char *const wholes[] = {"const", "enum"};
static const char *const references[] = {"$ref", "$dynamicRef", "$recursiveRef"};

/* ---------------------------------------------------------------- names that stand somewhere */

struct names {
    struct gn_derivation *d;
    gn_derive_name_fn *fn;
    struct gn_map followed;
};

static void each_name(struct names *n, const json_t *s, const char *where, int depth);

static void each_listed(struct names *n, const json_t *array, const char *where)
{
    size_t i;
    json_t *v;
    json_array_foreach(array, i, v)
    {
        if (json_is_string(v))
            n->fn(n->d, json_string_value(v), where);
    }
}

static void each_referred(struct names *n, const json_t *s, int depth)
{
    for (size_t i = 0; i < GN_COUNT(references); i++) {
        const char *ref = json_string_value(json_object_get(s, references[i]));
        if (!ref || gn_map_put(&n->followed, ref, n))
            continue;
        const json_t *target = i == 1 ? NULL : gn_derive_resolve(n->d, ref);
        if (target)
            each_name(n, target, "behind a reference", depth + 1);
        else
            n->d->opaque = "behind a reference that cannot be followed here";
    }
}

static void each_dependency(struct names *n, const json_t *s, const char *where, int depth)
{
    const char *name;
    json_t *v;
    for (size_t i = 0; i < GN_COUNT(by_names); i++) {
        json_object_foreach(json_object_get(s, by_names[i]), name, v)
        {
            n->fn(n->d, name, where);
            each_listed(n, v, where);
            each_name(n, v, where, depth + 1);
        }
    }
}

static void each_name(struct names *n, const json_t *s, const char *where, int depth)
{
    const char *name;
    json_t *v;
    size_t at;
    if (depth > 0 && json_object_get(s, "$id"))
        n->d->opaque = "in a place with an identity of its own ($id)";
    if (depth > DEPTH_MAX)
        n->d->opaque = "where it is nested too deep to be rewritten";
    if (!json_is_object(s) || depth > DEPTH_MAX)
        return;
    json_object_foreach(json_object_get(s, "properties"), name, v) n->fn(n->d, name, where);
    each_listed(n, json_object_get(s, "required"), where);
    each_dependency(n, s, where, depth);
    for (size_t i = 0; i < GN_COUNT(lists); i++) {
        json_array_foreach(json_object_get(s, lists[i]), at, v) each_name(n, v, where, depth + 1);
    }
    for (size_t i = 0; i < GN_COUNT(singles); i++)
        each_name(n, json_object_get(s, singles[i]), where, depth + 1);
    for (size_t i = 0; i < GN_COUNT(wholes); i++) {
        if (json_object_get(s, wholes[i]))
            n->d->opaque = "as a whole (const or enum)";
    }
    each_referred(n, s, depth);
}

void gn_derive_each_name(struct gn_derivation *d, const json_t *schema, gn_derive_name_fn *fn)
{
    struct names n = {.d = d, .fn = fn};
    gn_map_init(&n.followed);
    each_name(&n, schema, NULL, 0);
    gn_map_release(&n.followed, NULL);
}

/* ---------------------------------------------------------------- lists of names */

static void add_name(json_t *array, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach(array, i, v)
    {
        if (gn_streq(json_string_value(v), name))
            return;
    }
    json_array_append_new(array, json_string(name));
}

/* Adds one that must be there, as clients know it; what is filled is there without them. */
static void add_needed(struct gn_derivation *d, json_t *array, const char *parent_name,
                       const char *keyword)
{
    const struct gn_derived_arg *a = gn_derive_arg(d, parent_name);
    if (a && gn_arg_is_filled(a))
        return;
    if (a && gn_arg_is_hidden(a))
        gn_faults_add(&d->faults,
                      "argument %.64s: cannot be hidden without a value: %s within the schema of "
                      "%.64s asks for it",
                      parent_name, keyword, d->parent->name);
    else
        add_name(array, a ? a->name : parent_name);
}

static json_t *needed(struct gn_derivation *d, const json_t *names, const char *keyword)
{
    json_t *array = json_array(), *v;
    size_t i;
    json_array_foreach(names, i, v)
    {
        if (json_is_string(v))
            add_needed(d, array, json_string_value(v), keyword);
    }
    return array;
}

static void set_list(json_t *s, const char *key, json_t *array)
{
    if (json_array_size(array) > 0)
        json_object_set(s, key, array);
    else
        json_object_del(s, key);
    json_decref(array);
}

/* ---------------------------------------------------------------- keywords */

static void rewrite(struct gn_derivation *d, json_t *s, json_t *required, int depth);

/* Takes the schema over. */
static void append_all_of(json_t *s, json_t *schema)
{
    json_t *all = json_object_get(s, "allOf");
    if (!all) {
        json_object_set_new(s, "allOf", json_array());
        all = json_object_get(s, "allOf");
    }
    json_array_append_new(all, schema);
}

static struct gn_schema *compile(const json_t *schema)
{
    struct gn_json_doc doc = {0};
    struct gn_buf text = GN_BUF_INIT(GN_DERIVE_SCHEMA_MAX);
    struct gn_schema *s = NULL;
    int rc = gn_json_from_jansson(&doc, schema, NULL);
    if (!rc)
        rc = gn_json_write(&text, gn_json_root(&doc));
    if (!rc)
        rc = gn_schema_compile(text.data, text.len, NULL, &s, NULL);
    gn_json_release(&doc);
    gn_buf_release(&text);
    return rc ? NULL : s;
}

static bool is_reference(const char *name)
{
    for (size_t i = 0; i < GN_COUNT(references); i++) {
        if (gn_streq(name, references[i]))
            return true;
    }
    return false;
}

/* JSON is nested 128 deep at most, so this may recurse. */
static bool refers(const json_t *s)
{
    const char *name;
    json_t *v;
    size_t i;
    json_array_foreach(s, i, v)
    {
        if (refers(v))
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)s, name, v)
    {
        if (is_reference(name) || refers(v))
            return true;
    }
    return false;
}

/* A schema within the parent's by itself: `whole` (taken over), with the definitions that it refers
 * to. NULL: it cannot be had, or too many have been. */
static struct gn_schema *compile_part(struct gn_derivation *d, json_t *whole)
{
    static const char *const kept[] = {"$defs", "definitions"};
    struct gn_schema *s = NULL;
    bool has_references = refers(whole);
    if (json_object_get(d->root, "$schema"))
        json_object_set(whole, "$schema", json_object_get(d->root, "$schema"));
    for (size_t i = 0; has_references && i < GN_COUNT(kept); i++) {
        if (json_object_get(d->root, kept[i]))
            json_object_set(whole, kept[i], json_object_get(d->root, kept[i]));
    }
    d->parts += has_references;
    if (!has_references || d->parts <= PARTS_MAX)
        s = compile(whole);
    json_decref(whole);
    return s;
}

/* Whether a value fits a schema within the parent's: -1 if that cannot be told. */
static int fits(struct gn_derivation *d, json_t *schema, const json_t *value)
{
    struct gn_json_doc doc = {0};
    struct gn_schema *s = value ? compile_part(d, json_pack("{s:[O]}", "allOf", schema)) : NULL;
    int rc = s ? gn_json_from_jansson(&doc, value, NULL) : GN_EINVAL;
    int result = rc ? -1 : gn_schema_validate(s, gn_json_root(&doc), 0, NULL) == GN_OK;
    gn_json_release(&doc);
    gn_schema_free(s);
    return result;
}

/* What is said of the value of an argument that clients do not give: of a hidden one it holds or
 * does not, once and for all; of one with a default likewise while it is missing. True: it stays.
 */
static bool settle_value(struct gn_derivation *d, const struct gn_derived_arg *a, json_t *s,
                         json_t *schema, json_t *required)
{
    int fit = a->name || gn_arg_is_filled(a) ? fits(d, schema, a->value) : 1;
    if (fit < 0)
        gn_faults_add(&d->faults,
                      "argument %.64s: cannot %s: %.64s makes other arguments depend on its value",
                      a->parent_name, a->name ? "have a default" : "be hidden", d->parent->name);
    else if (fit == 0 && a->name)
        add_name(required, a->name);
    else if (fit == 0)
        append_all_of(s, json_pack("{s:{}}", "not"));
    return a->name;
}

static void rewrite_properties(struct gn_derivation *d, json_t *s, json_t *required)
{
    const char *name;
    json_t *v, *properties = json_object();
    json_object_foreach(json_object_get(s, "properties"), name, v)
    {
        const struct gn_derived_arg *a = gn_derive_arg(d, name);
        if (!a || (!gn_arg_is_hidden(a) && !a->value) || settle_value(d, a, s, v, required))
            json_object_set(properties, a ? a->name : name, v);
    }
    json_object_set_new(s, "properties", properties);
}

/* What depends on an argument that is always there holds always. */
static void settle(json_t *s, json_t *dependency, json_t *required)
{
    json_t *v;
    size_t i;
    if (!json_is_array(dependency)) {
        append_all_of(s, json_incref(dependency));
        return;
    }
    json_array_foreach(dependency, i, v) add_name(required, json_string_value(v));
}

static void rewrite_dependencies(struct gn_derivation *d, json_t *s, const char *keyword,
                                 json_t *required, int depth)
{
    const char *name;
    json_t *v, *kept = json_object();
    json_object_foreach(json_object_get(s, keyword), name, v)
    {
        const struct gn_derived_arg *a = gn_derive_arg(d, name);
        if (a && gn_arg_is_hidden(a) && !gn_arg_is_certain(a))
            continue;
        json_t *after = json_is_array(v) ? needed(d, v, keyword) : json_incref(v);
        rewrite(d, after, NULL, depth + 1);
        if (a && gn_arg_is_certain(a))
            settle(s, after, required);
        else if (!json_is_array(v) || json_array_size(after) > 0)
            json_object_set(kept, a ? a->name : name, after);
        json_decref(after);
    }
    if (json_object_size(kept) > 0)
        json_object_set(s, keyword, kept);
    else
        json_object_del(s, keyword);
    json_decref(kept);
}

/* Hidden values count as arguments of the parent. */
static void rewrite_counts(struct gn_derivation *d, json_t *s)
{
    const json_t *min = json_object_get(s, "minProperties"),
                 *max = json_object_get(s, "maxProperties");
    double low = json_number_value(min), high = json_number_value(max);
    bool is_more = false;
    for (size_t i = 0; i < d->count; i++) {
        const struct gn_derived_arg *a = &d->args[i];
        bool is_hidden = gn_arg_is_hidden(a) && gn_arg_is_certain(a);
        is_more = is_more || !a->parent_name;
        high -= is_hidden;
        low -= is_hidden || (!gn_arg_is_hidden(a) && gn_arg_is_filled(a));
    }
    if (max && !is_more && high < 0)
        gn_faults_add(&d->faults, "%.64s takes fewer arguments than there are hidden ones",
                      d->parent->name);
    if (min && (is_more || low <= 0))
        json_object_del(s, "minProperties");
    else if (min)
        json_object_set_new(s, "minProperties", json_integer((json_int_t)low));
    if (max && is_more)
        json_object_del(s, "maxProperties");
    else if (max && high >= 0)
        json_object_set_new(s, "maxProperties", json_integer((json_int_t)high));
}

/* ---------------------------------------------------------------- keywords about names */

/* An object with one member of that name. */
static bool takes_name(const struct gn_schema *s, const char *name)
{
    struct gn_json_doc doc = {0};
    json_t *value = json_object();
    json_object_set_new(value, name, json_null());
    int rc = gn_json_from_jansson(&doc, value, NULL);
    if (!rc)
        rc = gn_schema_validate(s, gn_json_root(&doc), 0, NULL);
    gn_json_release(&doc);
    json_decref(value);
    return rc == GN_OK;
}

/* Of each pattern: no name fits it. */
static json_t *without_patterns(const json_t *patterns)
{
    json_t *none = json_object();
    const char *pattern;
    json_t *v;
    json_object_foreach((json_t *)patterns, pattern, v)
        json_object_set_new(none, pattern, json_false());
    return json_pack("{s:o}", "patternProperties", none);
}

static void check_patterns(struct gn_derivation *d, const json_t *s)
{
    const json_t *patterns = json_object_get(s, "patternProperties");
    json_t *none = patterns ? without_patterns(patterns) : NULL;
    struct gn_schema *schema = none ? compile(none) : NULL;
    for (size_t i = 0; schema && i < d->count; i++) {
        const struct gn_derived_arg *a = &d->args[i];
        bool is_new = a->name && !gn_streq(a->name, a->parent_name);
        if (is_new && (!takes_name(schema, a->name) ||
                       (a->parent_name && !takes_name(schema, a->parent_name))))
            gn_faults_add(&d->faults,
                          "argument %.64s: cannot be named %.64s: patternProperties of %.64s says "
                          "something of such names",
                          a->parent_name ? a->parent_name : a->name, a->name, d->parent->name);
    }
    gn_schema_free(schema);
    json_decref(none);
}

/* What cannot be looked at refuses all. */
static void check_property_names(struct gn_derivation *d, const json_t *s)
{
    json_t *names = json_object_get(s, "propertyNames");
    struct gn_schema *schema = NULL;
    for (size_t i = 0; names && i < d->count; i++) {
        const struct gn_derived_arg *a = &d->args[i];
        if (!a->name || gn_streq(a->name, a->parent_name))
            continue;
        if (!schema)
            schema = compile_part(d, json_pack("{s:O}", "propertyNames", names));
        if (!schema || !takes_name(schema, a->name))
            gn_faults_add(&d->faults,
                          "argument %.64s: cannot be named %.64s: propertyNames of %.64s refuses "
                          "that",
                          a->parent_name ? a->parent_name : a->name, a->name, d->parent->name);
        if (!schema)
            break;
    }
    gn_schema_free(schema);
}

/* Within what is applied in place, arguments of the function alone would be refused. */
static void check_closed(struct gn_derivation *d, const json_t *s)
{
    static const char *const words[] = {"additionalProperties", "unevaluatedProperties"};
    for (size_t i = 0; i < GN_COUNT(words); i++) {
        const json_t *rest = json_object_get(s, words[i]);
        for (size_t k = 0; rest && !json_is_true(rest) && k < d->count; k++) {
            if (!d->args[k].parent_name)
                gn_faults_add(&d->faults,
                              "argument %.64s: cannot be added: %s within the schema of %.64s "
                              "refuses it",
                              d->args[k].name, words[i], d->parent->name);
        }
    }
}

/* ---------------------------------------------------------------- in place */

static void rewrite_nested(struct gn_derivation *d, json_t *s, int depth)
{
    json_t *v;
    size_t at;
    for (size_t i = 0; i < GN_COUNT(lists); i++) {
        json_array_foreach(json_object_get(s, lists[i]), at, v) rewrite(d, v, NULL, depth + 1);
    }
    for (size_t i = 0; i < GN_COUNT(singles); i++)
        rewrite(d, json_object_get(s, singles[i]), NULL, depth + 1);
}

/* required: of the root; NULL: s has its own. */
static void rewrite(struct gn_derivation *d, json_t *s, json_t *required, int depth)
{
    if (!json_is_object(s) || depth > DEPTH_MAX)
        return;
    json_t *own = required ? NULL : needed(d, json_object_get(s, "required"), "required");
    rewrite_nested(d, s, depth);
    if (own && json_object_get(s, "properties"))
        rewrite_properties(d, s, own);
    if (own)
        check_closed(d, s);
    for (size_t i = 0; i < GN_COUNT(by_names); i++)
        rewrite_dependencies(d, s, by_names[i], required ? required : own, depth);
    rewrite_counts(d, s);
    check_patterns(d, s);
    check_property_names(d, s);
    if (own)
        set_list(s, "required", own);
}

void gn_derive_rewrite(struct gn_derivation *d, json_t *required)
{
    bool is_named_anew = false;
    for (size_t i = 0; i < d->count; i++)
        is_named_anew = is_named_anew || !gn_streq(d->args[i].name, d->args[i].parent_name);
    rewrite(d, d->result, required, 0);
    if (is_named_anew) { /* of whole sets of arguments, by their old names */
        json_object_del(d->result, "examples");
        json_object_del(d->result, "default");
    }
}
