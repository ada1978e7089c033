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
/* Into ret, whose strings are the caller's. */
GN_NODISCARD int gn_abi_annotations(const gantry_annotations *raw, struct gn_annotations *ret,
                                    struct gn_error *err);

#endif
