/* fuzz_schema.c - a schema and an instance: what compiles is run, coerced and written without
 * references; the ways of asking must agree.
 *
 * The first byte chooses: bits 0 and 1 the dialect, bit 2 whether formats are asserted, bits 3 to 5
 * how to coerce. The schema follows up to the first line feed, then the instance; without one the
 * schema is checked against itself.
 */
#include "schema/schema.h"
#include "util/alloc.h"

#include <string.h>

#define STEPS UINT64_C(50000)
#define ARENA_MAX ((size_t)1 << 20)
#define OUT_MAX ((size_t)64 << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What references may lead to besides the schema itself: one of each dialect. */
static const struct {
    const char *uri, *text;
} documents[] = {
    {"http://d/a", "{\"$id\":\"http://d/a\",\"$dynamicAnchor\":\"n\",\"properties\":{\"a\":"
                   "{\"$dynamicRef\":\"#n\"}},\"$defs\":{\"b\":{\"type\":\"integer\"}}}"},
    {"http://d/m", "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"items\":"
                   "[{\"$recursiveRef\":\"#\"}],\"$recursiveAnchor\":true}"},
    {"http://d/o", "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"dependencies\":"
                   "{\"a\":[\"b\"]},\"definitions\":{\"c\":{\"$id\":\"#c\",\"const\":1}}}"},
};

static void run(const struct gn_schema *schema, const gantry_json *value, uint32_t flags)
{
    struct gn_problems problems;
    struct gn_arena arena;
    gn_problems_init(&problems);
    gn_arena_init(&arena, ARENA_MAX);
    int quick = gn_schema_validate(schema, value, STEPS, NULL);
    int full = gn_schema_validate(schema, value, STEPS, &problems);
    gn_assert(quick == 0 || quick == GN_EINVAL || quick == GN_ETOOBIG);
    gn_assert(full == quick);
    gn_assert((full == 0) == (problems.count == 0));
    gn_assert((full == 0) == (problems.text.len == 0));

    struct gn_error err = {0};
    const gantry_json *coerced = gn_schema_coerce(schema, value, flags, &arena, &err);
    gn_assert(coerced ? err.code == 0 : err.code != 0);
    if (coerced) {
        int rc = gn_schema_validate(schema, coerced, STEPS, NULL);
        gn_assert(rc == 0 || rc == GN_EINVAL || rc == GN_ETOOBIG);
        /* A right value stays right. */
        gn_assert(flags != GN_COERCE_TEXT || quick != 0 || rc != GN_EINVAL);
    }
    gn_arena_release(&arena);
    gn_problems_release(&problems);
}

/* What is written without references compiles where no document can be reached, but for the one
 * that tells its dialect. */
static void check_dereferenced(const struct gn_schema *schema, struct gn_schema_options options)
{
    struct gn_buf out = GN_BUF_INIT(OUT_MAX * 2);
    struct gn_schema *again = NULL;
    struct gn_error err = {0};
    int rc = gn_schema_write_dereferenced(schema, OUT_MAX, &out);
    gn_assert(rc == 0 || rc == GN_ETOOBIG || rc == GN_ENOTSUP);
    if (rc == 0) {
        gn_assert(out.len <= OUT_MAX);
        const char *dialect = gn_json_cstr(gn_json_get(gn_schema_root(schema), "$schema"));
        enum gn_dialect known;
        if (!dialect || gn_dialect_parse(dialect, &known))
            options.document_count = 0;
        options.max_subschemas = 0;
        options.max_bytes = 0;
        rc = gn_schema_compile(gn_buf_str(&out), out.len, &options, &again, &err);
        gn_assert(rc == 0 || rc == GN_ETOOBIG);
    }
    gn_schema_free(again);
    gn_buf_release(&out);
}

static void try_schema(const char *text, size_t len, const gantry_json *value, unsigned flags)
{
    static const enum gn_dialect dialects[] = {GN_DIALECT_2020_12, GN_DIALECT_2019_09,
                                               GN_DIALECT_DRAFT_07, GN_DIALECT_2020_12};
    struct gn_json_doc docs[GN_COUNT(documents)];
    struct gn_schema_document named[GN_COUNT(documents)];
    struct gn_schema_options options = {.dialect = dialects[flags & 3],
                                        .assert_formats = flags & 4,
                                        .documents = named,
                                        .document_count = GN_COUNT(documents),
                                        .max_bytes = 32 << 10,
                                        .max_subschemas = 500};
    struct gn_schema *schema = NULL;
    struct gn_error err = {0};
    for (size_t i = 0; i < GN_COUNT(documents); i++) {
        const char *json = documents[i].text;
        gn_assert(gn_json_parse_copy(&docs[i], json, strlen(json), NULL, NULL) == 0);
        named[i].uri = documents[i].uri;
        named[i].root = gn_json_root(&docs[i]);
    }
    int rc = gn_schema_compile(text, len, &options, &schema, &err);
    if (rc == 0) {
        gn_assert(schema && gn_schema_root(schema) && err.code == 0);
        run(schema, value ? value : gn_schema_root(schema), flags >> 3 & 7);
        check_dereferenced(schema, options);
    } else {
        gn_assert(!schema && (rc == GN_EINVAL || rc == GN_ETOOBIG || rc == GN_ENOTSUP));
        gn_assert(err.code == rc && err.text[0]);
    }
    gn_schema_free(schema);
    for (size_t i = 0; i < GN_COUNT(documents); i++)
        gn_json_release(&docs[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    const char *end = text + size - 1;
    const char *line = memchr(text, '\n', size - 1);
    size_t len = (size_t)((line ? line : end) - text);
    /* Exactly as large as it must be, so that the sanitizer sees the end. */
    char *schema = gn_malloc(len + 1);
    memcpy(schema, text, len);
    schema[len] = '\0';
    struct gn_json_doc doc = {0};
    int rc = 0;
    if (line)
        rc = gn_json_parse_copy(&doc, line + 1, (size_t)(end - line - 1), NULL, NULL);
    if (rc == 0)
        try_schema(schema, len, gn_json_root(&doc), data[0]);
    gn_json_release(&doc);
    gn_free(schema);
    return 0;
}
