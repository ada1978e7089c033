/* prefix.c - see prefix.h. */
#include "plugin/prefix.h"

#include "registry/derive.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

char *gn_prefix_key(const struct gn_generation *g, enum gn_kind kind, const char *key)
{
    if (!g->prefix)
        return gn_strdup(key);
    if (kind == GN_TOOL || kind == GN_PROMPT) {
        GN_AUTO_FREE char *wanted = gn_format("%s_%s", g->prefix, key);
        bool is_changed;
        return gn_name_fit(wanted, &is_changed);
    }
    const char *colon = strchr(key, ':');
    if (!colon)
        return gn_strdup(key);
    int scheme = (int)(colon - key);
    if (strncmp(colon, "://", 3) == 0)
        return gn_format("%.*s://%s/%s", scheme, key, g->prefix, colon + 3);
    return gn_format("%.*s:%s:%s", scheme, key, g->prefix, colon + 1);
}

/* A name that was made is what clients take, one that an author chose is kept. */
static void warn(const struct gn_generation *g, const struct gn_component *c, const char *own)
{
    const char *doubt = c->kind == GN_TOOL ? gn_name_doubt(c->key) : NULL;
    GN_AUTO_FREE char *wanted = g->prefix ? gn_format("%s_%s", g->prefix, own) : NULL;
    if (doubt)
        gn_log(g->env->log, GN_WARNING, g->instance,
               "tool %s: its name %s, which some clients refuse", c->key, doubt);
    else if (wanted && !gn_streq(wanted, c->key))
        gn_log(g->env->log, GN_WARNING, g->instance,
               "%s %s is not what all clients take as a name: it is served as %s",
               gn_kind_name(c->kind), wanted, c->key);
}

int gn_prefix_component(const struct gn_generation *g, struct gn_component *c, struct gn_error *err)
{
    bool is_named = c->kind == GN_TOOL || c->kind == GN_PROMPT;
    if (!g->prefix) {
        if (is_named)
            warn(g, c, c->key);
        return 0;
    }
    char *key = gn_prefix_key(g, c->kind, c->key), *own = c->key;
    c->key = key;
    if (is_named) {
        gn_free(c->name);
        c->name = gn_strdup(key);
        warn(g, c, own);
    }
    gn_free(own);
    if (c->kind != GN_TEMPLATE)
        return 0;
    gn_uri_template_free(c->uri_template);
    c->uri_template = NULL;
    int rc = gn_uri_template_parse(key, true, &c->uri_template, err);
    if (rc)
        gn_error_prefix(err, "%s %s: ", gn_kind_name(c->kind), key);
    return rc;
}
