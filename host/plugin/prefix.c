/* prefix.c - see prefix.h. */
#include "plugin/prefix.h"

#include "util/alloc.h"

#include <string.h>

char *gn_prefix_key(const struct gn_generation *g, enum gn_kind kind, const char *key)
{
    if (!g->prefix)
        return gn_strdup(key);
    if (kind == GN_TOOL || kind == GN_PROMPT)
        return gn_format("%s_%s", g->prefix, key);
    const char *colon = strchr(key, ':');
    if (!colon)
        return gn_strdup(key);
    int scheme = (int)(colon - key);
    if (strncmp(colon, "://", 3) == 0)
        return gn_format("%.*s://%s/%s", scheme, key, g->prefix, colon + 3);
    return gn_format("%.*s:%s:%s", scheme, key, g->prefix, colon + 1);
}

int gn_prefix_component(const struct gn_generation *g, struct gn_component *c, struct gn_error *err)
{
    if (!g->prefix)
        return 0;
    char *key = gn_prefix_key(g, c->kind, c->key);
    gn_free(c->key);
    c->key = key;
    if (c->kind == GN_TOOL || c->kind == GN_PROMPT) {
        gn_free(c->name);
        c->name = gn_strdup(key);
    }
    if (c->kind == GN_TOOL && strlen(key) > 128)
        return gn_error_set(err, GN_ETOOBIG,
                            "its name with the instance's before it, %s, is longer than 128", key);
    if (c->kind != GN_TEMPLATE)
        return 0;
    gn_uri_template_free(c->uri_template);
    c->uri_template = NULL;
    int rc = gn_uri_template_parse(key, true, &c->uri_template, err);
    if (rc)
        gn_error_prefix(err, "%s %s: ", gn_kind_name(c->kind), key);
    return rc;
}
