/* bench.h - what the tests of argument tables share: a table with an arena and problems, and two
 * tables to try. */
#ifndef GN_TESTS_SCHEMA_BENCH_H
#define GN_TESTS_SCHEMA_BENCH_H

#include "schema/fields.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define ARENA_MAX ((size_t)1024 * 1024)

/* What most tests need: a table of the host, an arena, a struct and problems. */
struct bench {
    struct gn_fields *fields;
    struct gn_arena arena;
    struct gn_problems problems;
    struct gn_json_doc doc;
};

static inline void open_bench(struct bench *t, const gantry_arg *args, uint32_t struct_size)
{
    struct gn_error err = {0};
    memset(t, 0, sizeof(*t));
    int rc = gn_fields_import(args, sizeof(gantry_arg), struct_size, &t->fields, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    gn_arena_init(&t->arena, ARENA_MAX);
    gn_problems_init(&t->problems);
}

static inline void close_bench(struct bench *t)
{
    gn_json_release(&t->doc);
    gn_problems_release(&t->problems);
    gn_arena_release(&t->arena);
    gn_fields_free(t->fields);
}

/* Binds a JSON text; the problems of the last bind are in t->problems. */
static inline int bind(struct bench *t, const char *json, uint32_t flags, void *out)
{
    struct gn_error err = {0};
    gn_json_release(&t->doc);
    gn_problems_release(&t->problems);
    gn_problems_init(&t->problems);
    int rc = gn_json_parse_copy(&t->doc, json, strlen(json), NULL, &err);
    cr_assert_eq(rc, 0, "%s: %s", json, err.text);
    return gn_fields_bind(t->fields, gn_json_root(&t->doc), flags, &t->arena, out, &t->problems);
}

static inline void expect_problem(struct bench *t, const char *json, uint32_t flags, void *out,
                                  const char *text)
{
    int rc = bind(t, json, flags, out);
    cr_expect_eq(rc, GN_EINVAL, "%s: %d", json, rc);
    cr_expect_str_eq(gn_buf_str(&t->problems.text), text, "%s\n  gives %s\n  not   %s", json,
                     gn_buf_str(&t->problems.text), text);
}

static inline void expect_fine(struct bench *t, const char *json, uint32_t flags, void *out)
{
    int rc = bind(t, json, flags, out);
    cr_expect_eq(rc, 0, "%s: %d %s", json, rc, gn_buf_str(&t->problems.text));
}

static inline void expect_schema(const struct gn_fields *fields, const char *text)
{
    json_t *schema = gn_fields_schema(fields);
    char *dump = json_dumps(schema, JSON_COMPACT);
    cr_expect_str_eq(dump, text, "\n%s\n%s", dump, text);
    free(dump);
    json_decref(schema);
}

typedef struct {
    const char *name;
    int64_t times;
} greet_in;

GN_UNUSED static const gantry_arg greet_args[] = {
    GANTRY_ARG(greet_in, name, "Who to greet"),
    GANTRY_ARG(greet_in, times, "How often", .range = {1, 5}, .default_json = "1"),
    GANTRY_ARGS_END};

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
    gantry_opt_num od;
    gantry_opt_bool ob;
    gantry_strings texts;
    gantry_ints ints;
    gantry_nums nums;
    const gantry_json *any;
    point at;
    GANTRY_ARRAY(point) points;
} all_in;

GN_UNUSED static const gantry_arg point_args[] = {GANTRY_ARG(point, x, "Across"),
                                                  GANTRY_ARG(point, y, "Up"), GANTRY_ARGS_END};

GN_UNUSED static const gantry_arg all_args[] = {GANTRY_ARG(all_in, text, "a"),
                                                GANTRY_ARG(all_in, bytes, "b"),
                                                GANTRY_ARG(all_in, i, "c"),
                                                GANTRY_ARG(all_in, d, "d"),
                                                GANTRY_ARG(all_in, b, "e"),
                                                GANTRY_ARG(all_in, oi, "f"),
                                                GANTRY_ARG(all_in, od, "g"),
                                                GANTRY_ARG(all_in, ob, "h"),
                                                GANTRY_ARG(all_in, texts, "i"),
                                                GANTRY_ARG(all_in, ints, "j"),
                                                GANTRY_ARG(all_in, nums, "k"),
                                                GANTRY_ARG(all_in, any, "l", .optional = 1),
                                                GANTRY_ARG_OBJECT(all_in, at, point_args, "m"),
                                                GANTRY_ARG_ARRAY(all_in, points, point_args, "n"),
                                                GANTRY_ARGS_END};

#endif
