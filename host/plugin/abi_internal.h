/* abi_internal.h - inside the importer: reading structs and texts that a plugin handed over.
 *
 * Everything is copied, nothing believed but that pointers point and strings end. Messages say what
 * is wrong without naming the component: whoever imports it puts its name before them. [loop]
 */
#ifndef GN_PLUGIN_ABI_INTERNAL_H
#define GN_PLUGIN_ABI_INTERNAL_H

#include "plugin/abi.h"

#define GN_ABI_NAME_MAX 256         /* prompts, resources; tools: 128 as MCP says */
#define GN_ABI_TEXT_MAX (64u << 10) /* descriptions, titles, ... */
#define GN_ABI_URI_MAX 4096         /* a cursor must be able to hold one */
#define GN_ABI_JSON_MAX (1u << 20)  /* schemas, `_meta` */
#define GN_ABI_LIST_MAX 64          /* tags, icons */
#define GN_ABI_COMPONENTS_MAX 10000 /* of one plugin */

/* All that `requires` may name. */
#define GN_ABI_CAPABILITIES                                                                        \
    ((uint32_t)(GANTRY_CAP_ELICITATION | GANTRY_CAP_ELICITATION_URL | GANTRY_CAP_SAMPLING |        \
                GANTRY_CAP_SAMPLING_TOOLS | GANTRY_CAP_ROOTS))

/* Copies a struct that begins with its size: what raw lacks of `known` bytes is zero in dst, what
 * it has beyond them must be zero (GN_ENOTSUP; dst is filled all the same). GN_EINVAL: smaller than
 * `least`, which dst shows as all zero. */
GN_NODISCARD int gn_abi_copy(void *dst, size_t known, size_t least, const void *raw,
                             struct gn_error *err);
/* GN_ENOTSUP if `given` has a bit that is not in `known`, or if one of the two is not 0. */
GN_NODISCARD int gn_abi_check_bits(uint32_t given, uint32_t known, const char *what,
                                   struct gn_error *err);

/* How messages name something: s itself, or a word in its place if it is not fit to be printed. */
const char *gn_abi_label(const char *s);

/* A copy (owned by the caller) of an optional text: UTF-8, bounded. NULL gives NULL. */
GN_NODISCARD int gn_abi_text(const char *what, const char *s, char **ret, struct gn_error *err);
/* Names: of tools 1 to 128 of A-Za-z0-9_.-, else 1 to 256 bytes of UTF-8 without control
 * characters. */
GN_NODISCARD int gn_abi_name(enum gn_kind kind, const char *s, char **ret, struct gn_error *err);
/* A URI with a scheme and no control characters. */
GN_NODISCARD int gn_abi_uri(const char *what, const char *s, char **ret, struct gn_error *err);
/* "io.modelcontextprotocol/ui": labels with dots between them, a slash, and a name, as keys of
 * `_meta` are. */
GN_NODISCARD int gn_abi_extension_name(const char *s, struct gn_error *err);
GN_NODISCARD int gn_abi_tags(const char *const *tags, char ***ret, struct gn_error *err);
GN_NODISCARD int gn_abi_icons(const gantry_icon *const *icons, struct gn_component *c,
                              struct gn_error *err);
/* A JSON object as text; NULL gives NULL. */
GN_NODISCARD int gn_abi_object(const char *what, const char *json, json_t **ret,
                               struct gn_error *err);
GN_NODISCARD int gn_abi_meta(const char *json, json_t **ret, struct gn_error *err);
/* Any JSON value as text; NULL gives NULL. */
GN_NODISCARD int gn_abi_value(const char *what, const char *json, json_t **ret,
                              struct gn_error *err);
/* A copy (owned by the caller, with all its texts) of an optional list that ends with NULL: `max`
 * texts, none of them empty. NULL gives NULL, an empty list an empty one. */
GN_NODISCARD int gn_abi_list(const char *what, const char *const *list, size_t max, char ***ret,
                             struct gn_error *err);
/* GANTRY_YES, GANTRY_NO or 0. */
GN_NODISCARD int gn_abi_hint(int8_t given, int8_t *to, struct gn_error *err);
/* Into ret, whose strings are the caller's. */
GN_NODISCARD int gn_abi_annotations(const gantry_annotations *raw, struct gn_annotations *ret,
                                    struct gn_error *err);

/* ---- abi_shape.c: what goes in and what comes out */
GN_NODISCARD int gn_abi_table(const gantry_arg *args, uint16_t stride, uint32_t struct_size,
                              struct gn_fields **ret, struct gn_error *err);
/* c->input and c->input_text from a table (NULL: no arguments), or c->input_schema from JSON. */
GN_NODISCARD int gn_abi_input(struct gn_generation *g, struct gn_component *c,
                              const gantry_arg *args, uint16_t stride, uint32_t struct_size,
                              struct gn_error *err);
GN_NODISCARD int gn_abi_input_schema(struct gn_generation *g, struct gn_component *c,
                                     const char *json, struct gn_error *err);
/* c->output or c->output_schema, and the text of the one that is given. */
GN_NODISCARD int gn_abi_output(struct gn_generation *g, struct gn_component *c,
                               const gantry_arg *table, uint16_t stride, uint32_t struct_size,
                               const char *json, struct gn_error *err);

/* ---- abi_v1.c */
/* The end of an import: the instance's prefix, then owner and data, which are the component's once
 * nothing can refuse it any more. rc not 0, or a name that is too long: frees c and names it. */
GN_NODISCARD int gn_abi_finish(struct gn_generation *g, struct gn_component *c, const char *name,
                               int rc, void *data, void (*free_data)(void *data),
                               struct gn_component **ret, struct gn_error *err);

#endif
