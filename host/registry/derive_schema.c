/* derive_schema.c - the schema of a made tool: its properties, and which of them are required. */
#include "registry/derive_parts.h"

#include "util/str.h"

#include <string.h>

/* ---------------------------------------------------------------- trees */

static void put(json_t *object, const char *key, json_t *value)
{
    gn_assert(value != NULL);
    json_object_set_new_nocheck(object, key, value);
}

/* Of a boolean the object that means the same. */
static json_t *as_object(const json_t *schema)
{
    if (json_is_object(schema))
        return json_deep_copy(schema);
    return json_is_false(schema) ? json_pack("{s:{}}", "not") : json_object();
}

static bool is_in(const char *key, const char *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (gn_streq(v[i], key))
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- one schema over another */

static bool says_values(const json_t *schema)
{
    static const char *const words[] = {"type",  "enum", "const", "anyOf",       "oneOf",
                                        "allOf", "not",  "$ref",  "$dynamicRef", "$recursiveRef"};
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)schema, key, v)
    {
        if (is_in(key, words, GN_COUNT(words)))
            return true;
    }
    return false;
}

static bool is_of_type(const json_t *value, const char *type)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",   [JSON_NULL] = "null",
    };
    return gn_streq(type, names[json_typeof(value)]) ||
           (gn_streq(type, "number") && json_is_integer(value));
}

/* Values alone: the type of the parent's is that of them all. Clients like to know. */
static bool keeps_type(const json_t *before, const json_t *over)
{
    static const char *const others[] = {"type", "anyOf", "oneOf",       "allOf",
                                         "not",  "$ref",  "$dynamicRef", "$recursiveRef"};
    const char *type = json_string_value(json_object_get(before, "type"));
    const json_t *value = json_object_get(over, "const"), *values = json_object_get(over, "enum");
    json_t *v;
    size_t i;
    for (i = 0; i < GN_COUNT(others); i++)
        type = json_object_get(over, others[i]) ? NULL : type;
    if (!type || (value && !is_of_type(value, type)))
        return false;
    json_array_foreach(values, i, v)
    {
        if (!is_of_type(v, type))
            return false;
    }
    return true;
}

/* What people read stays unless it is given, what values there may be does not: of a minimum of the
 * parent's nothing is left beside another type. */
static json_t *replace(json_t *before, const json_t *over)
{
    static const char *const words[] = {"title", "description", "default", "examples",
                                        "x-mcp-header"};
    json_t *s = json_object();
    if (keeps_type(before, over))
        json_object_set(s, "type", json_object_get(before, "type"));
    json_t *copy = json_deep_copy(over);
    json_object_update(s, copy);
    json_decref(copy);
    for (size_t i = 0; i < GN_COUNT(words); i++) {
        json_t *kept = json_object_get(before, words[i]);
        if (kept && !json_object_get(over, words[i]))
            json_object_set(s, words[i], kept);
    }
    json_decref(before);
    return s;
}

/* In draft 7 nothing counts beside a reference: it goes into an allOf. */
static void set_reference_apart(json_t *s)
{
    json_t *ref = json_object_get(s, "$ref");
    if (ref && !json_object_get(s, "allOf")) {
        put(s, "allOf", json_pack("[{s:O}]", "$ref", ref));
        json_object_del(s, "$ref");
    }
}

static json_t *lay_over(const struct gn_derivation *d, json_t *before, const json_t *over)
{
    if (says_values(over))
        return replace(before, over);
    if (gn_derive_is_old(d))
        set_reference_apart(before);
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)over, key, v) put(before, key, json_deep_copy(v));
    return before;
}

/* ---------------------------------------------------------------- properties */

static void set_text(json_t *s, const char *key, const char *text)
{
    if (text && *text)
        put(s, key, json_string(text));
    else if (text)
        json_object_del(s, key);
}

static json_t *change_schema(const struct gn_derivation *d, const struct gn_derived_arg *a)
{
    const struct gn_from_arg *change = a->change;
    json_t *s = as_object(a->before);
    if (change && change->schema)
        s = lay_over(d, s, change->schema);
    if (change && gn_derive_is_old(d))
        set_reference_apart(s);
    if (change) {
        set_text(s, "title", change->title);
        set_text(s, "description", change->description);
        if (change->examples)
            put(s, "examples", json_deep_copy(change->examples));
    }
    if (a->own) {
        json_object_del(s, "default");
        s = lay_over(d, s, a->own);
    }
    if (a->value)
        put(s, "default", json_deep_copy(a->value));
    else if (change && change->required)
        json_object_del(s, "default");
    return s;
}

static bool is_required(const struct gn_derived_arg *a)
{
    if (!a->name || a->value)
        return false;
    if (a->change && a->change->required)
        return true;
    return a->own ? a->own_required : a->was_required;
}

/* Of an argument that only other keywords of the parent's name. */
static bool says_something(const struct gn_derived_arg *a)
{
    const struct gn_from_arg *change = a->change;
    return a->value || change->schema || change->examples || change->title || change->description;
}

static void set_properties(struct gn_derivation *d)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < d->count; i++) {
        struct gn_derived_arg *a = &d->args[i];
        a->is_required = is_required(a);
        if (!a->name)
            continue;
        if (a->own || (a->change && (a->before || says_something(a))))
            a->schema = change_schema(d, a);
        else if (a->before)
            a->schema = json_deep_copy(a->before);
        if (a->schema)
            json_object_set(properties, a->name, a->schema);
    }
    if (json_object_size(properties) > 0)
        json_object_set(d->result, "properties", properties);
    else
        json_object_del(d->result, "properties");
    json_decref(properties);
}

/* ---------------------------------------------------------------- required */

static bool has_text(const json_t *array, const char *text)
{
    size_t i;
    json_t *v;
    json_array_foreach(array, i, v)
    {
        if (gn_streq(json_string_value(v), text))
            return true;
    }
    return false;
}

static void require(json_t *required, const char *name)
{
    if (!has_text(required, name))
        json_array_append_new(required, json_string(name));
}

/* In the parent's order, and then what is required now only. */
static json_t *list_required(const struct gn_derivation *d)
{
    json_t *required = json_array(), *v;
    size_t i;
    json_array_foreach(json_object_get(d->root, "required"), i, v)
    {
        const struct gn_derived_arg *a = json_is_string(v) ? gn_derive_arg(d, json_string_value(v))
                                                           : NULL;
        if (a && a->is_required)
            require(required, a->name);
    }
    for (i = 0; i < d->count; i++) {
        if (d->args[i].is_required)
            require(required, d->args[i].name);
    }
    return required;
}

void gn_derive_schema(struct gn_derivation *d)
{
    d->result = json_deep_copy(d->root);
    set_properties(d);
    json_t *required = list_required(d);
    gn_derive_rewrite(d, required);
    if (json_array_size(required) > 0)
        json_object_set(d->result, "required", required);
    else
        json_object_del(d->result, "required");
    json_decref(required);
    gn_derive_refs(d);
}
