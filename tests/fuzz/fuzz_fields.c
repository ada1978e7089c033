/* fuzz_fields.c - any JSON against an argument table of every type: what is accepted is printed,
 * bound again and printed alike. The first byte chooses the flags of binding; with bit 3 the first
 * line is the schema_json of some rows instead, and the rest is bound to them.
 */
#include "schema/fields.h"
#include "util/alloc.h"

#include <string.h>

#define ARENA_MAX ((size_t)4 * 1024 * 1024)
#define OUT_MAX ((size_t)16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    int64_t x;
    gantry_opt_num y;
} point;

typedef struct {
    const char *text;
    gantry_str bytes;
    int64_t i;
    double d;
    bool b;
    gantry_opt_int oi;
    gantry_opt_bool ob;
    gantry_strings texts;
    gantry_ints ints;
    gantry_nums nums;
    const gantry_json *any;
    point at;
    GANTRY_ARRAY(point) points;
    const char *unit, *day;
} everything;

static const gantry_arg point_args[] = {GANTRY_ARG(point, x, "x", .range = {-100, 100}),
                                        GANTRY_ARG(point, y, "y"), GANTRY_ARGS_END};
static const gantry_arg args[] = {
    GANTRY_ARG(everything, text, "", .pattern = "^[a-z]*(a|b)+$", .default_json = "\"ab\""),
    GANTRY_ARG(everything, bytes, "", .length = {0, 40}, .optional = 1),
    GANTRY_ARG(everything, i, "", .optional = 1),
    GANTRY_ARG(everything, d, "", .optional = 1),
    GANTRY_ARG(everything, b, "", .optional = 1),
    GANTRY_ARG(everything, oi, "", .range = {0, GANTRY_INFINITY}),
    GANTRY_ARG(everything, ob, ""),
    GANTRY_ARG(everything, texts, "", .length = {0, 3}, .optional = 1),
    GANTRY_ARG(everything, ints, "", .optional = 1),
    GANTRY_ARG(everything, nums, "", .optional = 1),
    GANTRY_ARG(everything, any, "", .schema_json = "{\"maxLength\":9}", .optional = 1),
    GANTRY_ARG_OBJECT(everything, at, point_args, "", .default_json = "{\"x\":1}"),
    GANTRY_ARG_ARRAY(everything, points, point_args, "", .optional = 1),
    GANTRY_ARG(everything, unit, "", GANTRY_ONE_OF("celsius", "fahrenheit"), .optional = 1),
    GANTRY_ARG(everything, day, "", .format = "date", .optional = 1),
    GANTRY_ARGS_END};

static void print(const struct gn_fields *fields, const everything *in, struct gn_buf *out)
{
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_assert(gn_fields_print(fields, in, &w, NULL, NULL) == 0);
}

static int bind(const struct gn_fields *fields, const gantry_json *value, uint32_t flags,
                struct gn_arena *arena, void *out)
{
    struct gn_problems problems;
    gn_problems_init(&problems);
    int rc = gn_fields_bind(fields, value, flags, arena, out, &problems);
    gn_assert(rc == 0 || rc == GN_EINVAL || rc == GN_ETOOBIG);
    gn_assert(rc == GN_ETOOBIG || (rc == 0) == (problems.count == 0));
    gn_problems_release(&problems);
    return rc;
}

static void run_table(const gantry_json *value, uint32_t flags)
{
    struct gn_fields *fields = NULL;
    struct gn_arena arena;
    everything in, again;
    gn_assert(gn_fields_import(args, sizeof(gantry_arg), sizeof(in), &fields, NULL) == 0);
    gn_arena_init(&arena, ARENA_MAX);
    if (bind(fields, value, flags, &arena, &in) == 0) {
        struct gn_buf first = GN_BUF_INIT(OUT_MAX), second = GN_BUF_INIT(OUT_MAX);
        struct gn_json_doc doc;
        print(fields, &in, &first);
        gn_assert(gn_json_parse_copy(&doc, first.data, first.len, NULL, NULL) == 0);
        int rc = bind(fields, gn_json_root(&doc), 0, &arena, &again);
        gn_assert(rc == 0 || rc == GN_ETOOBIG);
        if (rc == 0) {
            print(fields, &again, &second);
            gn_assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        }
        gn_json_release(&doc);
        gn_buf_release(&first);
        gn_buf_release(&second);
    }
    gn_arena_release(&arena);
    gn_fields_free(fields);
}

/* Keywords may say anything, also of values that the struct has no place for. */
static void run_keywords(const char *keywords, const gantry_json *value, uint32_t flags)
{
    typedef struct {
        const gantry_json *any;
        const char *text;
        gantry_opt_int i;
        gantry_nums nums;
        point at;
        GANTRY_ARRAY(point) points;
    } loose;
    const gantry_arg rows[] = {
        GANTRY_ARG(loose, any, "", .optional = 1, .schema_json = keywords),
        GANTRY_ARG(loose, text, "", .optional = 1, .schema_json = keywords),
        GANTRY_ARG(loose, i, "", .schema_json = keywords),
        GANTRY_ARG(loose, nums, "", .optional = 1, .schema_json = keywords),
        GANTRY_ARG_OBJECT(loose, at, point_args, "", .optional = 1, .schema_json = keywords),
        GANTRY_ARG_ARRAY(loose, points, point_args, "", .optional = 1, .schema_json = keywords),
        GANTRY_ARGS_END};
    struct gn_fields *fields = NULL;
    struct gn_arena arena;
    struct gn_error err = {0};
    loose in;
    gn_arena_init(&arena, ARENA_MAX);
    if (gn_fields_import(rows, sizeof(gantry_arg), sizeof(in), &fields, &err) == 0)
        bind(fields, value, flags, &arena, &in);
    else
        gn_assert(err.code != 0 && err.text[0] != '\0');
    gn_arena_release(&arena);
    gn_fields_free(fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = gn_strndup((const char *)data + 1, size - 1);
    size_t len = size - 1;
    char *line = data[0] & 8 ? memchr(text, '\n', len) : NULL;
    const char *json = line ? line + 1 : text;
    if (line)
        *line = '\0';
    struct gn_json_doc doc;
    if (gn_json_parse_copy(&doc, json, len - (size_t)(json - text), NULL, NULL) == 0) {
        if (line)
            run_keywords(text, gn_json_root(&doc), data[0] & 7u);
        else
            run_table(gn_json_root(&doc), data[0] & 7u);
    }
    gn_json_release(&doc);
    gn_free(text);
    return 0;
}
