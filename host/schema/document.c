/* document.c - the JSON Schema (2020-12) of an argument table, for clients. Keys come in one order,
 * so that the same table always gives the same text. */
#include "schema/fields.h"

#include "schema/kinds.h"

#include <math.h>

static void set(json_t *object, const char *key, json_t *value)
{
    gn_assert(value != NULL);
    int rc = json_object_set_new(object, key, value);
    gn_assert(rc == 0);
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        set(object, key, json_string(text));
}

/* Whole ends are written as integers: 5, not 5.0. */
static void set_end(json_t *object, const char *key, double end)
{
    if (isinf(end))
        return;
    bool whole = end >= -GN_INT64_END && end < GN_INT64_END && !((double)(json_int_t)end < end) &&
                 !((double)(json_int_t)end > end);
    set(object, key, whole ? json_integer((json_int_t)end) : json_real(end));
}

/* Choices: an enum, or with titles the form that MCP gives to forms (oneOf; anyOf in an array). */
static void set_choices(json_t *object, const struct gn_field *f, bool element)
{
    if (!f->one_of)
        return;
    json_t *list = json_array();
    for (size_t i = 0; f->one_of[i]; i++) {
        json_t *value = json_string(f->one_of[i]);
        json_array_append_new(
            list,
            f->titles ? json_pack("{s:o, s:s}", "const", value, "title", f->titles[i]) : value);
    }
    set(object, !f->titles ? "enum" : element ? "anyOf" : "oneOf", list);
}

/* Keywords of a single value: those of an array's row go to its items. */
static void set_value_keywords(json_t *object, const struct gn_field *f, bool element)
{
    set_choices(object, f, element);
    set_end(object, "minimum", f->min);
    set_end(object, "maximum", f->max);
}

static void set_length(json_t *object, const struct gn_field *f, bool array)
{
    if (f->min_len > 0)
        set(object, array ? "minItems" : "minLength", json_integer(f->min_len));
    if (f->max_len > 0)
        set(object, array ? "maxItems" : "maxLength", json_integer(f->max_len));
}

static void set_syntax(json_t *object, const struct gn_field *f)
{
    set_text(object, "pattern", f->pattern);
    set_text(object, "format", f->format);
}

static void set_table(json_t *object, const struct gn_fields *fields);

static json_t *field_schema(const struct gn_field *f)
{
    const struct gn_kind *kind = gn_kind_of(f->type);
    json_t *object = json_object();
    set_text(object, "type", kind->json);
    set_text(object, "title", f->title);
    set_text(object, "description", f->description);
    if (kind->array) {
        json_t *items = json_object();
        set_text(items, "type", gn_basis_name(kind->basis));
        set_value_keywords(items, f, true);
        set_syntax(items, f);
        if (f->fields)
            set_table(items, f->fields);
        set(object, "items", items);
        set_length(object, f, true);
    } else {
        set_value_keywords(object, f, false);
        set_length(object, f, false);
        set_syntax(object, f);
        if (f->fields)
            set_table(object, f->fields);
    }
    if (f->fallback.count > 0)
        set(object, "default", gn_json_to_jansson(gn_json_root(&f->fallback)));
    set_text(object, "x-mcp-header", f->header);
    if (f->extra) {
        json_t *extra = json_deep_copy(f->extra);
        json_object_update(object, extra);
        json_decref(extra);
    }
    return object;
}

static void set_table(json_t *object, const struct gn_fields *fields)
{
    json_t *properties = json_object(), *required = json_array();
    for (size_t i = 0; i < fields->count; i++) {
        set(properties, fields->v[i].name, field_schema(&fields->v[i]));
        if (!fields->v[i].optional)
            json_array_append_new(required, json_string(fields->v[i].name));
    }
    set(object, "properties", properties);
    if (json_array_size(required) > 0)
        set(object, "required", json_incref(required));
    json_decref(required);
    set(object, "additionalProperties", json_false());
}

json_t *gn_fields_schema(const struct gn_fields *fields)
{
    json_t *object = json_object();
    set_text(object, "type", "object");
    set_table(object, fields);
    return object;
}
