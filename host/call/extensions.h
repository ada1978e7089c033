/* extensions.h - the extensions of MCP that plugins say they speak, as clients are told.
 *
 * All stand in one immutable array that env->extensions points at, in the order of their owners'
 * commits; a commit publishes the next array. Loop thread only.
 */
#ifndef GN_CALL_EXTENSIONS_H
#define GN_CALL_EXTENSIONS_H

#include "call/component.h"

struct gn_call_env;

struct gn_extension {
    const struct gn_owner *owner;
    char *name;       /* "io.modelcontextprotocol/ui" */
    json_t *settings; /* an object */
};

struct gn_extensions {
    size_t count;
    struct gn_extension v[];
};

/* Publishes the array without those of `owner` and with the given ones, which are copied. */
void gn_extensions_replace(struct gn_call_env *env, const struct gn_owner *owner,
                           const struct gn_extension *v, size_t count);
void gn_extensions_clear(struct gn_call_env *env); /* at the end of the host */
/* Whether somebody says that it speaks it. */
bool gn_extensions_have(const struct gn_call_env *env, const char *name);
/* Adds all of them to an object of settings by name. Where several speak the same one their
 * settings are merged; of a setting that two have the first counts. */
void gn_extensions_merge(const struct gn_call_env *env, json_t *into);

#endif
