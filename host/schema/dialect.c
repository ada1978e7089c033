/* dialect.c - which keywords a schema may use: by `$schema`, and by the vocabularies of a
 * meta-schema.
 */
#include "schema/compile.h"
#include "util/str.h"

#include <string.h>

static const struct {
    enum gn_dialect dialect;
    const char *name, *uri;
} dialects[] = {
    {GN_DIALECT_2020_12, "2020-12", "https://json-schema.org/draft/2020-12/schema"},
    {GN_DIALECT_2019_09, "2019-09", "https://json-schema.org/draft/2019-09/schema"},
    {GN_DIALECT_DRAFT_07, "draft-07", "http://json-schema.org/draft-07/schema"},
};

const char *gn_uri_bare(const char *uri, size_t *len)
{
    if (*len > 0 && uri[*len - 1] == '#')
        --*len;
    const char *slashes = strstr(uri, "://");
    if (!slashes || slashes - uri > 5)
        return uri;
    *len -= (size_t)(slashes + 3 - uri);
    return slashes + 3;
}

bool gn_dialect_parse(const char *name, enum gn_dialect *ret)
{
    size_t len = strlen(name);
    const char *given = gn_uri_bare(name, &len);
    for (size_t i = 0; i < GN_COUNT(dialects); i++) {
        size_t n = strlen(dialects[i].uri);
        const char *uri = gn_uri_bare(dialects[i].uri, &n);
        if (gn_streq(name, dialects[i].name) || (n == len && memcmp(uri, given, n) == 0)) {
            *ret = dialects[i].dialect;
            return true;
        }
    }
    return false;
}

const struct gn_schema_document *gn_document_find(const struct gn_compiler *c, const char *uri,
                                                  size_t len)
{
    for (size_t i = 0; i < c->options->document_count; i++) {
        const struct gn_schema_document *d = &c->options->documents[i];
        if (strlen(d->uri) == len && memcmp(d->uri, uri, len) == 0)
            return d;
    }
    return NULL;
}

/* What a vocabulary switches on, by the end of its URI. */
static uint32_t vocabulary_bits(const char *uri)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } known[] = {
        {"core", GN_VOCAB_CORE},
        {"applicator", GN_VOCAB_APPLICATOR},
        {"unevaluated", GN_VOCAB_UNEVALUATED},
        {"validation", GN_VOCAB_VALIDATION},
        {"meta-data", GN_VOCAB_META_DATA},
        {"content", GN_VOCAB_CORE},
        {"format", GN_VOCAB_FORMAT},
        {"format-annotation", GN_VOCAB_FORMAT},
        {"format-assertion", GN_VOCAB_FORMAT},
    };
    const char *slash = strrchr(uri, '/');
    for (size_t i = 0; slash && i < GN_COUNT(known); i++) {
        if (strstr(uri, "/vocab/") && gn_streq(slash + 1, known[i].name))
            return known[i].bits;
    }
    return 0;
}

static void fail_dialect(struct gn_compiler *c, const gantry_json *at)
{
    char shown[GN_SHOWN_MAX];
    gn_compile_fail(c, GN_EINVAL, at,
                    "the dialect %s is not supported; supported are %s, %s and %s",
                    gn_show_value(shown, at), dialects[0].uri, dialects[1].uri, dialects[2].uri);
}

/* The vocabulary that a meta-schema of one's own declares. */
static bool read_vocabulary(struct gn_compiler *c, const gantry_json *at, const gantry_json *meta,
                            struct gn_vocabulary *ret)
{
    const gantry_json *list = gn_json_get(meta, "$vocabulary");
    const char *base = gn_json_cstr(gn_json_get(meta, "$schema"));
    if (!base || !gn_dialect_parse(base, &ret->dialect)) {
        fail_dialect(c, at);
        return false;
    }
    if (!list)
        return true;
    ret->vocabularies = GN_VOCAB_CORE;
    for (const gantry_json *v = NULL; (v = gn_json_next(list, v)) != NULL;) {
        const char *name = gn_json_name(v, NULL);
        uint32_t bits = vocabulary_bits(name);
        bool needed = gn_json_type(v) == GN_JSON_TRUE;
        if (!bits && needed) {
            gn_compile_fail(c, GN_ENOTSUP, at, "its dialect needs the vocabulary %s", name);
            return false;
        }
        ret->vocabularies |= bits;
        if (gn_ends_with(name, "/format-assertion") || (gn_ends_with(name, "/format") && needed))
            ret->assert_formats = true;
    }
    /* Before 2020-12 the keywords of "unevaluated" were applicators. */
    if (ret->dialect != GN_DIALECT_2020_12 && (ret->vocabularies & GN_VOCAB_APPLICATOR))
        ret->vocabularies |= GN_VOCAB_UNEVALUATED;
    return true;
}

bool gn_vocabulary_choose(struct gn_compiler *c, const gantry_json *root, struct gn_vocabulary *ret)
{
    const gantry_json *named = gn_json_get(root, "$schema");
    if (!named)
        return true;
    const char *uri = gn_json_cstr(named);
    if (!uri) {
        gn_compile_fail(c, GN_EINVAL, named, "a schema has the URI of a dialect here");
        return false;
    }
    *ret = (struct gn_vocabulary){0, GN_VOCAB_ALL, c->options->assert_formats};
    if (gn_dialect_parse(uri, &ret->dialect))
        return true;
    size_t len = strlen(uri);
    const struct gn_schema_document *d = gn_document_find(
        c, uri, len > 0 && uri[len - 1] == '#' ? len - 1 : len);
    if (d)
        return read_vocabulary(c, named, d->root, ret);
    fail_dialect(c, named);
    return false;
}
