/* abi.h - from what a plugin exports to the host's own structures. One importer for each ABI major.
 *
 * Rule (as copy_struct_from_user): a smaller struct than ours is read as if the rest were zero; a
 * larger one is accepted if all it has beyond ours is zero. Otherwise that object is refused by
 * name: a tool, a resource, ... is skipped and reported; the descriptor itself refuses the plugin.
 */
#ifndef GN_PLUGIN_ABI_H
#define GN_PLUGIN_ABI_H

#include "plugin/generation.h"

/* What the host claims to be: a parameter, so that tests can be older hosts. */
struct gn_abi {
    const gantry_host *table;
    uint16_t major, minor;
    const char *symbol; /* "gantry_plugin_v1" */
};
extern const struct gn_abi gn_abi_current;

/* The table handed to plugins (host_table.c). */
extern const gantry_host gn_host_table;

/* One line about something skipped: "tool forecast: uses fields newer than this host". */
typedef void (*gn_abi_skip_fn)(void *arg, const char *text);

/* Fills g from the descriptor: name, version, functions, settings table, components (staged into
 * g->components). Stores the host table in the plugin. Refuses with a message that names both
 * sides: "built for ABI 2.0; this host speaks 0.2". on_skip may be NULL. */
GN_NODISCARD int gn_abi_import(const struct gn_abi *abi, const gantry_descriptor *descriptor,
                               struct gn_generation *g, gn_abi_skip_fn on_skip, void *arg,
                               struct gn_error *err);
/* Checks settings (a JSON object, NULL: {}) against the plugin's table and binds them into
 * g->settings. */
GN_NODISCARD int gn_abi_bind_settings(struct gn_generation *g, const json_t *settings,
                                      struct gn_error *err);

/* One component from its ABI struct, for run-time registration as well. */
GN_NODISCARD int gn_abi_import_tool(struct gn_generation *g, const gantry_tool *raw,
                                    struct gn_component **ret, struct gn_error *err);
GN_NODISCARD int gn_abi_import_resource(struct gn_generation *g, const gantry_resource *raw,
                                        struct gn_component **ret, struct gn_error *err);
GN_NODISCARD int gn_abi_import_template(struct gn_generation *g, const gantry_template *raw,
                                        struct gn_component **ret, struct gn_error *err);
GN_NODISCARD int gn_abi_import_prompt(struct gn_generation *g, const gantry_prompt *raw,
                                      struct gn_component **ret, struct gn_error *err);
/* abi_from.c: a source, of which the registry makes the tool. */
GN_NODISCARD int gn_abi_import_from(struct gn_generation *g, const gantry_from *raw,
                                    struct gn_component **ret, struct gn_error *err);
/* abi_transform.c. GN_ENOTSUP, too, refuses the plugin: what hides something must not be left out.
 */
GN_NODISCARD int gn_abi_import_transform(struct gn_generation *g, const gantry_transform *raw,
                                         struct gn_transform **ret, struct gn_error *err);
/* Its data stays the caller's: it was not taken after all. */
void gn_abi_transform_give_back(struct gn_transform *t);
/* GN_ENOTSUP, too, refuses the plugin: what is around calls must not be left out. */
GN_NODISCARD int gn_abi_import_middleware(struct gn_generation *g, const gantry_middleware *raw,
                                          struct gn_middleware **ret, struct gn_error *err);

#endif
