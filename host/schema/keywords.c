/* keywords.c - every keyword of every dialect, a row each: where it holds, what its value must be,
 * and what compiles it.
 */
#include "schema/keywords.h"

#include "util/str.h"

#include <string.h>

/* ---------------------------------------------------------------- what values must be */

uint8_t gn_type_named(const char *name)
{
    static const struct {
        const char *name;
        uint8_t types;
    } types[] = {
        {"null", GN_NULL},    {"boolean", GN_BOOL}, {"integer", GN_WHOLE},  {"number", GN_NUMBERS},
        {"string", GN_TEXTS}, {"array", GN_ARRAYS}, {"object", GN_OBJECTS},
    };
    for (size_t i = 0; i < GN_COUNT(types); i++) {
        if (gn_streq(types[i].name, name))
            return types[i].types;
    }
    return 0;
}

static bool is_type(const gantry_json *k)
{
    if (gn_json_type(k) == GN_JSON_STRING)
        return gn_type_named(gn_json_cstr(k)) != 0;
    bool all = gn_json_type(k) == GN_JSON_ARRAY && gn_json_count(k) > 0;
    for (const gantry_json *e = NULL; all && (e = gn_json_next(k, e)) != NULL;)
        all = gn_type_named(gn_json_cstr(e)) != 0;
    return all;
}

static bool is_schema(const gantry_json *k)
{
    int type = gn_json_type(k);
    return type == GN_JSON_OBJECT || type == GN_JSON_TRUE || type == GN_JSON_FALSE;
}

static bool are_schemas(const gantry_json *k)
{
    bool all = true;
    for (const gantry_json *e = NULL; all && (e = gn_json_next(k, e)) != NULL;)
        all = is_schema(e);
    return all;
}

static bool is_list(const gantry_json *k)
{
    return gn_json_type(k) == GN_JSON_ARRAY && gn_json_count(k) > 0 && are_schemas(k);
}

static bool is_map(const gantry_json *k)
{
    return gn_json_type(k) == GN_JSON_OBJECT && are_schemas(k);
}

/* Before 2020-12 the array could be empty. */
static bool is_either(const gantry_json *k)
{
    return is_schema(k) || (gn_json_type(k) == GN_JSON_ARRAY && are_schemas(k));
}

static bool are_names(const gantry_json *k)
{
    bool all = gn_json_type(k) == GN_JSON_ARRAY;
    for (const gantry_json *e = NULL; all && (e = gn_json_next(k, e)) != NULL;)
        all = gn_json_type(e) == GN_JSON_STRING;
    return all;
}

static bool is_map_of_names(const gantry_json *k)
{
    bool all = gn_json_type(k) == GN_JSON_OBJECT;
    for (const gantry_json *e = NULL; all && (e = gn_json_next(k, e)) != NULL;)
        all = are_names(e);
    return all;
}

static bool is_mixed(const gantry_json *k)
{
    bool all = gn_json_type(k) == GN_JSON_OBJECT;
    for (const gantry_json *e = NULL; all && (e = gn_json_next(k, e)) != NULL;)
        all = are_names(e) || is_schema(e);
    return all;
}

static bool is_array(const gantry_json *k)
{
    return gn_json_type(k) == GN_JSON_ARRAY;
}

static bool is_boolean(const gantry_json *k)
{
    bool b;
    return gn_json_bool(k, &b);
}

static bool is_string(const gantry_json *k)
{
    return gn_json_type(k) == GN_JSON_STRING;
}

static bool is_number(const gantry_json *k)
{
    return gn_json_type(k) == GN_JSON_NUMBER;
}

static const gantry_json zero = {
    .type = GN_JSON_NUMBER, .flags = GN_JSON_INTEGER, .skip = 1, .len = 1, .text = "0"};

static bool is_positive(const gantry_json *k)
{
    return is_number(k) && gn_json_compare(k, &zero) > 0;
}

static bool is_count(const gantry_json *k)
{
    return is_number(k) && gn_json_is_whole(k) && gn_json_compare(k, &zero) >= 0;
}

/* ---------------------------------------------------------------- the table */

#define D20 (1 << GN_DIALECT_2020_12)
#define D19 (1 << GN_DIALECT_2019_09)
#define D07 (1 << GN_DIALECT_DRAFT_07)
#define NEW (D20 | D19)
#define ALL (D20 | D19 | D07)
#define CORE GN_VOCAB_CORE
#define NOTE GN_VOCAB_META_DATA
#define APPLY GN_VOCAB_APPLICATOR
#define CHECK GN_VOCAB_VALIDATION
#define REST GN_VOCAB_UNEVALUATED

static const char a_schema[] = "a schema", schemas[] = "an array of schemas",
                  map[] = "an object of schemas", a_number[] = "a number",
                  a_count[] = "a whole number from 0 on", names[] = "an array of names",
                  a_reference[] = "a URI reference", a_text[] = "a string",
                  a_boolean[] = "true or false";

const struct gn_keyword gn_keywords[] = {
    [K_TYPE] = {"type", ALL, CHECK, 0, "the name of a type, or several", is_type, gn_emit_type},
    [K_ENUM] = {"enum", ALL, CHECK, 0, "an array", is_array, gn_emit_enum},
    [K_CONST] = {"const", ALL, CHECK, 0, NULL, NULL, gn_emit_const},
    [K_MINIMUM] = {"minimum", ALL, CHECK, 0, a_number, is_number, gn_emit_minimum},
    [K_MAXIMUM] = {"maximum", ALL, CHECK, 0, a_number, is_number, gn_emit_maximum},
    [K_EXCLUSIVE_MINIMUM] = {"exclusiveMinimum", ALL, CHECK, 0, a_number, is_number,
                             gn_emit_exclusive_minimum},
    [K_EXCLUSIVE_MAXIMUM] = {"exclusiveMaximum", ALL, CHECK, 0, a_number, is_number,
                             gn_emit_exclusive_maximum},
    [K_MULTIPLE_OF] = {"multipleOf", ALL, CHECK, 0, "a number above 0", is_positive,
                       gn_emit_multiple_of},
    [K_MIN_LENGTH] = {"minLength", ALL, CHECK, 0, a_count, is_count, gn_emit_min_length},
    [K_MAX_LENGTH] = {"maxLength", ALL, CHECK, 0, a_count, is_count, gn_emit_max_length},
    [K_PATTERN] = {"pattern", ALL, CHECK, 0, "a regular expression", is_string, gn_emit_pattern},
    [K_FORMAT] = {"format", ALL, GN_VOCAB_FORMAT, 0, "the name of a format", is_string,
                  gn_emit_format},
    [K_MIN_ITEMS] = {"minItems", ALL, CHECK, 0, a_count, is_count, gn_emit_min_items},
    [K_MAX_ITEMS] = {"maxItems", ALL, CHECK, 0, a_count, is_count, gn_emit_max_items},
    [K_UNIQUE_ITEMS] = {"uniqueItems", ALL, CHECK, 0, a_boolean, is_boolean, gn_emit_unique_items},
    [K_MIN_PROPERTIES] = {"minProperties", ALL, CHECK, 0, a_count, is_count,
                          gn_emit_min_properties},
    [K_MAX_PROPERTIES] = {"maxProperties", ALL, CHECK, 0, a_count, is_count,
                          gn_emit_max_properties},
    [K_PROPERTIES] = {"properties", ALL, APPLY, GN_HOLDS_MAP, map, is_map, gn_emit_object},
    [K_REQUIRED] = {"required", ALL, CHECK, 0, names, are_names, gn_emit_object},
    [K_PATTERN_PROPERTIES] = {"patternProperties", ALL, APPLY, GN_HOLDS_MAP, map, is_map,
                              gn_emit_object},
    [K_ADDITIONAL_PROPERTIES] = {"additionalProperties", ALL, APPLY, GN_HOLDS_SCHEMA, a_schema,
                                 is_schema, gn_emit_object},
    [K_PROPERTY_NAMES] = {"propertyNames", ALL, APPLY, GN_HOLDS_SCHEMA, a_schema, is_schema,
                          gn_emit_property_names},
    [K_DEPENDENT_REQUIRED] = {"dependentRequired", NEW, CHECK, 0, "an object of arrays of names",
                              is_map_of_names, gn_emit_dependencies},
    [K_DEPENDENT_SCHEMAS] = {"dependentSchemas", NEW, APPLY, GN_HOLDS_MAP, map, is_map,
                             gn_emit_dependencies},
    [K_DEPENDENCIES] = {"dependencies", ALL, APPLY, GN_HOLDS_MIXED,
                        "an object of schemas and arrays of names", is_mixed, gn_emit_dependencies},
    [K_PREFIX_ITEMS] = {"prefixItems", D20, APPLY, GN_HOLDS_LIST, schemas, is_list,
                        gn_emit_prefix_items},
    [K_ITEMS] = {"items", D20, APPLY, GN_HOLDS_SCHEMA, "a schema (several: prefixItems)", is_schema,
                 gn_emit_items},
    [K_ITEMS_OLD] = {"items", D19 | D07, APPLY, GN_HOLDS_EITHER, "a schema or an array of schemas",
                     is_either, gn_emit_items_old},
    [K_ADDITIONAL_ITEMS] = {"additionalItems", D19 | D07, APPLY, GN_HOLDS_SCHEMA, a_schema,
                            is_schema, NULL},
    [K_CONTAINS] = {"contains", ALL, APPLY, GN_HOLDS_SCHEMA, a_schema, is_schema, gn_emit_contains},
    [K_MIN_CONTAINS] = {"minContains", NEW, CHECK, 0, a_count, is_count, NULL},
    [K_MAX_CONTAINS] = {"maxContains", NEW, CHECK, 0, a_count, is_count, NULL},
    [K_REF] = {"$ref", ALL, CORE, 0, a_reference, is_string, gn_emit_ref},
    [K_DYNAMIC_REF] = {"$dynamicRef", D20, CORE, 0, a_reference, is_string, gn_emit_dynamic_ref},
    [K_RECURSIVE_REF] = {"$recursiveRef", D19, CORE, 0, a_reference, is_string,
                         gn_emit_recursive_ref},
    [K_ALL_OF] = {"allOf", ALL, APPLY, GN_HOLDS_LIST, schemas, is_list, gn_emit_all_of},
    [K_ANY_OF] = {"anyOf", ALL, APPLY, GN_HOLDS_LIST, schemas, is_list, gn_emit_any_of},
    [K_ONE_OF] = {"oneOf", ALL, APPLY, GN_HOLDS_LIST, schemas, is_list, gn_emit_one_of},
    [K_NOT] = {"not", ALL, APPLY, GN_HOLDS_SCHEMA, a_schema, is_schema, gn_emit_not},
    [K_IF] = {"if", ALL, APPLY, GN_HOLDS_SCHEMA, a_schema, is_schema, gn_emit_if},
    [K_THEN] = {"then", ALL, APPLY, GN_HOLDS_SCHEMA, a_schema, is_schema, NULL},
    [K_ELSE] = {"else", ALL, APPLY, GN_HOLDS_SCHEMA, a_schema, is_schema, NULL},
    [K_UNEVALUATED_ITEMS] = {"unevaluatedItems", NEW, REST, GN_HOLDS_SCHEMA, a_schema, is_schema,
                             gn_emit_unevaluated_items},
    [K_UNEVALUATED_PROPERTIES] = {"unevaluatedProperties", NEW, REST, GN_HOLDS_SCHEMA, a_schema,
                                  is_schema, gn_emit_unevaluated_properties},
    [K_DEFS] = {"$defs", NEW, CORE, GN_HOLDS_MAP, map, is_map, NULL},
    [K_DEFINITIONS] = {"definitions", ALL, CORE, GN_HOLDS_MAP, map, is_map, NULL},
    [K_CONTENT_SCHEMA] = {"contentSchema", NEW, CORE, GN_HOLDS_SCHEMA, a_schema, is_schema, NULL},
    /* Annotations are only looked at since a client that checks them would refuse the whole list.
     */
    [K_TITLE] = {"title", ALL, NOTE, 0, a_text, is_string, NULL},
    [K_DESCRIPTION] = {"description", ALL, NOTE, 0, a_text, is_string, NULL},
    [K_COMMENT] = {"$comment", ALL, NOTE, 0, a_text, is_string, NULL},
    [K_EXAMPLES] = {"examples", ALL, NOTE, 0, "an array", is_array, NULL},
    [K_DEPRECATED] = {"deprecated", NEW, NOTE, 0, a_boolean, is_boolean, NULL},
    [K_READ_ONLY] = {"readOnly", ALL, NOTE, 0, a_boolean, is_boolean, NULL},
    [K_WRITE_ONLY] = {"writeOnly", ALL, NOTE, 0, a_boolean, is_boolean, NULL},
    {0},
};

_Static_assert(GN_COUNT(gn_keywords) <= GN_KEYWORDS_MAX, "a place has room for every keyword");

int gn_keyword_index(const struct gn_vocabulary *v, const char *name, size_t len)
{
    for (int i = 0; gn_keywords[i].name; i++) {
        const struct gn_keyword *k = &gn_keywords[i];
        if (k->name[0] == name[0] && (k->dialects & 1u << v->dialect) &&
            (k->vocabulary & v->vocabularies) && strlen(k->name) == len &&
            memcmp(k->name, name, len) == 0)
            return i;
    }
    return -1;
}
