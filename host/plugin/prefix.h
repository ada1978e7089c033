/* prefix.h - names of a second instance of one plugin.
 *
 * Two instances of a plugin would offer the same names. An instance that the configuration gives a
 * name of its own therefore prefixes what it offers: tools and prompts become NAME_tool, a URI (or
 * URI template) scheme://rest becomes scheme://NAME/rest, and scheme:rest becomes scheme:NAME:rest.
 * The plugin goes on using the names it declared. Names made so are what clients take (registry/
 * derive.h, gn_name_fit); that one is another than it would be is logged, as is a name of the
 * author's that some clients refuse.
 */
#ifndef GN_PLUGIN_PREFIX_H
#define GN_PLUGIN_PREFIX_H

#include "plugin/generation.h"

/* The public key of what the plugin calls `key`; owned by the caller. Without a prefix: a copy. */
char *gn_prefix_key(const struct gn_generation *g, enum gn_kind kind, const char *key);
/* Renames a component that has just been imported. */
GN_NODISCARD int gn_prefix_component(const struct gn_generation *g, struct gn_component *c,
                                     struct gn_error *err);

#endif
