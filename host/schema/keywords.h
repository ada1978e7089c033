/* keywords.h - inside host/schema: the keywords by number, and what compiles each of them.
 */
#ifndef GN_SCHEMA_KEYWORDS_H
#define GN_SCHEMA_KEYWORDS_H

#include "schema/compile.h"

/* In the order in which their operations run. Keywords that have to be looked at together
 * (properties, required, ...) are compiled by the first of the family that is there. */
enum keyword {
    K_TYPE,
    K_ENUM,
    K_CONST,
    K_MINIMUM,
    K_MAXIMUM,
    K_EXCLUSIVE_MINIMUM,
    K_EXCLUSIVE_MAXIMUM,
    K_MULTIPLE_OF,
    K_MIN_LENGTH,
    K_MAX_LENGTH,
    K_PATTERN,
    K_FORMAT,
    K_MIN_ITEMS,
    K_MAX_ITEMS,
    K_UNIQUE_ITEMS,
    K_MIN_PROPERTIES,
    K_MAX_PROPERTIES,
    K_PROPERTIES,
    K_REQUIRED,
    K_PATTERN_PROPERTIES,
    K_ADDITIONAL_PROPERTIES,
    K_PROPERTY_NAMES,
    K_DEPENDENT_REQUIRED,
    K_DEPENDENT_SCHEMAS,
    K_DEPENDENCIES,
    K_PREFIX_ITEMS,
    K_ITEMS,
    K_ITEMS_OLD,
    K_ADDITIONAL_ITEMS,
    K_CONTAINS,
    K_MIN_CONTAINS,
    K_MAX_CONTAINS,
    K_REF,
    K_DYNAMIC_REF,
    K_RECURSIVE_REF,
    K_ALL_OF,
    K_ANY_OF,
    K_ONE_OF,
    K_NOT,
    K_IF,
    K_THEN,
    K_ELSE,
    K_UNEVALUATED_ITEMS,
    K_UNEVALUATED_PROPERTIES,
    K_DEFS,
    K_DEFINITIONS,
    K_CONTENT_SCHEMA,
    K_TITLE,
    K_DESCRIPTION,
    K_COMMENT,
    K_EXAMPLES,
    K_DEPRECATED,
    K_READ_ONLY,
    K_WRITE_ONLY,
};

/* The bits of a type's name; 0 if it is none. */
uint8_t gn_type_named(const char *name);

/* emit.c: adds the operations of a keyword and of those that belong to it. */
typedef void gn_emit_fn(struct gn_compiler *c, const struct gn_place *p, const gantry_json *k);
gn_emit_fn gn_emit_type, gn_emit_enum, gn_emit_const, gn_emit_minimum, gn_emit_maximum,
    gn_emit_exclusive_minimum, gn_emit_exclusive_maximum, gn_emit_multiple_of, gn_emit_min_length,
    gn_emit_max_length, gn_emit_min_items, gn_emit_max_items, gn_emit_min_properties,
    gn_emit_max_properties, gn_emit_pattern, gn_emit_format, gn_emit_unique_items, gn_emit_object,
    gn_emit_property_names, gn_emit_not, gn_emit_dependencies, gn_emit_prefix_items, gn_emit_items,
    gn_emit_items_old, gn_emit_contains, gn_emit_ref, gn_emit_dynamic_ref, gn_emit_recursive_ref,
    gn_emit_all_of, gn_emit_any_of, gn_emit_one_of, gn_emit_if, gn_emit_unevaluated_items,
    gn_emit_unevaluated_properties;

#endif
