/* source.c - where the value of a hidden argument comes from, as people write it. */
#include "registry/derive.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define SOURCE_NAME_MAX 256

static const struct source {
    const char *word;
    enum gn_source source;
    bool has_name;
} sources[] = {
    {"uuid", GN_SOURCE_UUID, false},           {"now", GN_SOURCE_NOW, false},
    {"principal", GN_SOURCE_PRINCIPAL, false}, {"env", GN_SOURCE_ENV, true},
    {"scope", GN_SOURCE_SCOPE, true},          {"secret", GN_SOURCE_SECRET, true},
};

static const struct source *find(const char *word, size_t len)
{
    for (size_t i = 0; i < GN_COUNT(sources); i++) {
        if (strlen(sources[i].word) == len && memcmp(sources[i].word, word, len) == 0)
            return &sources[i];
    }
    return NULL;
}

static const char *nearest(const char *word)
{
    const char *words[GN_COUNT(sources) + 1] = {NULL};
    for (size_t i = 0; i < GN_COUNT(sources); i++)
        words[i] = sources[i].word;
    return gn_nearest(word, words);
}

static int unknown(const char *text, size_t len, struct gn_error *err)
{
    GN_AUTO_FREE char *word = gn_strndup(text, GN_MIN(len, (size_t)64));
    const char *meant = nearest(word);
    return gn_error_set(err, GN_EINVAL,
                        "there is no source %.64s%s%s%s: there are uuid, now, principal, "
                        "env:VARIABLE, scope:VARIABLE and secret:NAME",
                        text, meant ? " (did you mean " : "", meant ? meant : "",
                        meant ? "?)" : "");
}

int gn_source_parse(const char *text, enum gn_source *ret, char **ret_name, struct gn_error *err)
{
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    const struct source *s = find(text, len);
    *ret = GN_SOURCE_NONE;
    *ret_name = NULL;
    if (!s)
        return unknown(text, len, err);
    if (!s->has_name && colon)
        return gn_error_set(err, GN_EINVAL, "source %.64s: %s takes no name", text, s->word);
    if (s->has_name && (!colon || !colon[1]))
        return gn_error_set(err, GN_EINVAL, "source %.64s: a name is missing: %s:NAME", text,
                            s->word);
    size_t name_len = colon ? strlen(colon + 1) : 0;
    if (name_len > SOURCE_NAME_MAX)
        return gn_error_set(err, GN_EINVAL, "source %.64s...: its name is longer than %d bytes",
                            text, SOURCE_NAME_MAX);
    if (s->source == GN_SOURCE_ENV && colon && strchr(colon + 1, '='))
        return gn_error_set(err, GN_EINVAL, "source %.64s: no variable has \"=\" in its name",
                            text);
    *ret = s->source;
    *ret_name = s->has_name ? gn_strdup(colon + 1) : NULL;
    return GN_OK;
}
