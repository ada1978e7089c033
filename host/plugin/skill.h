/* skill.h - skills (extension io.modelcontextprotocol/skills, SEP-2640) as components.
 *
 * A skill is a folder of files. Each file becomes a resource skill://PATH/FILE whose contents the
 * host keeps, with their digest; that of SKILL.md carries the front matter as well. The lists that
 * clients see are made of those components (registry/skills.c). Loop thread only.
 */
#ifndef GN_PLUGIN_SKILL_H
#define GN_PLUGIN_SKILL_H

#include "plugin/generation.h"

#define GN_SKILL_FILES_MAX 512
#define GN_SKILL_FILE_BYTES ((size_t)8 << 20)
#define GN_SKILL_BYTES ((size_t)16 << 20) /* all files of a skill */
#define GN_SKILL_PATH_MAX 512

/* The components of a skill, each with one reference, in a list of `count` that the caller frees.
 * GN_EINVAL: it is no skill, err says why. */
GN_NODISCARD int gn_skill_import(struct gn_generation *g, const gantry_skill *raw,
                                 struct gn_component ***ret, size_t *ret_count,
                                 struct gn_error *err);
/* "skill://PATH/", with the instance's prefix, freed by the caller: what the keys of all components
 * of a skill begin with. */
char *gn_skill_root(const struct gn_generation *g, const char *path);
/* True if the component is a file of the skill with that root, and not one of a skill in it. */
bool gn_skill_has(const struct gn_generation *g, const char *root, const struct gn_component *c);

#endif
