/* Tests of host/schema: which argument tables are taken, and how the others are refused. */
#include "schema/fields.h"

#include "support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

GN_SUITE(fields_import);

typedef struct {
    int64_t x;
    gantry_opt_num y;
} point;

static const gantry_arg point_args[] = {GANTRY_ARG(point, x, "Across"), GANTRY_ARG(point, y, "Up"),
                                        GANTRY_ARGS_END};

static void expect_refused(const gantry_arg *args, size_t stride, uint32_t struct_size,
                           const char *part)
{
    struct gn_error err = {0};
    struct gn_fields *fields = NULL;
    int rc = gn_fields_import(args, stride, struct_size, &fields, &err);
    cr_expect_lt(rc, 0, "not refused: %s", part);
    cr_expect_null(fields);
    cr_expect(strstr(err.text, part) != NULL, "\"%s\" is not in \"%s\"", part, err.text);
    gn_fields_free(fields);
}

Test(fields_import, an_older_table_has_zero_where_it_is_shorter)
{
    struct old {
        const char *name, *description;
        uint32_t type, offset;
    };
    static const struct old args[] = {{"n", "N", GANTRY_T_INT, 0}, {NULL, NULL, 0, 0}};
    struct gn_error err = {0};
    struct gn_fields *fields = NULL;
    cr_assert_eq(gn_fields_import((const gantry_arg *)(const void *)args, sizeof(struct old), 8,
                                  &fields, &err),
                 0, "%s", err.text);
    cr_expect_eq(fields->count, 1);
    cr_expect_not(fields->v[0].optional);
    gn_fields_free(fields);
}

Test(fields_import, a_newer_table_is_taken_unless_it_uses_what_is_new)
{
    struct newer {
        gantry_arg arg;
        const char *added;
    };
    struct newer args[] = {{{.name = "n", .type = GANTRY_T_INT}, NULL},
                           {{.name = "m", .type = GANTRY_T_INT}, NULL},
                           {{.name = NULL}, NULL}};
    struct gn_error err = {0};
    struct gn_fields *fields = NULL;
    cr_assert_eq(gn_fields_import(&args[0].arg, sizeof(args[0]), 8, &fields, &err), 0, "%s",
                 err.text);
    cr_expect_eq(fields->count, 2);
    gn_fields_free(fields);
    args[1].added = "x";
    expect_refused(&args[0].arg, sizeof(args[0]), 8,
                   "argument \"m\" uses an option that this host does not know");
}

Test(fields_import, bad_rows_are_refused_by_name)
{
#define REFUSED(part, ...)                                                                         \
    do {                                                                                           \
        const gantry_arg args_[] = {__VA_ARGS__, GANTRY_ARGS_END};                                 \
        expect_refused(args_, sizeof(gantry_arg), 64, part);                                       \
    } while (0)
    REFUSED("the name of row 1 is empty", {.name = "", .type = GANTRY_T_INT});
    REFUSED("\"n\" is there twice", {.name = "n", .type = GANTRY_T_INT},
            {.name = "n", .type = GANTRY_T_INT});
    REFUSED("argument \"n\": type 99 is not known", {.name = "n", .type = 99});
    REFUSED("type 0 is not known", {.name = "n"});
    REFUSED("offset 60 is beyond a struct of 64 bytes",
            {.name = "n", .type = GANTRY_T_INT, .offset = 60});
    REFUSED("offset 4294967295", {.name = "n", .type = GANTRY_T_INT, .offset = UINT32_MAX});
    REFUSED("range {5, 1} is empty", {.name = "n", .type = GANTRY_T_INT, .range = {5, 1}});
    REFUSED("GANTRY_INFINITY", {.name = "n", .type = GANTRY_T_INT, .range = {5, 0}});
    REFUSED("range of an integer ends at 0.5",
            {.name = "n", .type = GANTRY_T_INT, .range = {0, 0.5}});
    REFUSED("range is not a number", {.name = "n", .type = GANTRY_T_NUM, .range = {NAN, 1}});
    REFUSED("range is for numbers", {.name = "n", .type = GANTRY_T_STRING, .range = {1, 2}});
    REFUSED("length {3, 2} is empty", {.name = "n", .type = GANTRY_T_STRING, .length = {3, 2}});
    REFUSED("length is for strings and arrays",
            {.name = "n", .type = GANTRY_T_INT, .length = {1, 2}});
    REFUSED("argument \"n\": pattern \"(\": a group is not closed",
            {.name = "n", .type = GANTRY_T_STRING, .pattern = "("});
    REFUSED("pattern is for strings", {.name = "n", .type = GANTRY_T_INT, .pattern = "a"});
    REFUSED("format \"\"", {.name = "n", .type = GANTRY_T_STRING, .format = ""});
    REFUSED("format is for strings", {.name = "n", .type = GANTRY_T_BOOL, .format = "date"});
    REFUSED("default: expected integer 1 to 5, got 6",
            {.name = "n", .type = GANTRY_T_INT, .range = {1, 5}, .default_json = "6"});
    REFUSED("default x:", {.name = "n", .type = GANTRY_T_INT, .default_json = "x"});
    REFUSED("default [1e999] has a number",
            {.name = "n", .type = GANTRY_T_JSON, .default_json = "[1e999]"});
    REFUSED("default null", {.name = "n", .type = GANTRY_T_INT, .default_json = "null"});
    REFUSED("one_of is empty",
            {.name = "n", .type = GANTRY_T_STRING, .one_of = (const char *const[]){NULL}});
    REFUSED("one_of has \"a\" twice",
            {.name = "n", .type = GANTRY_T_STRING, GANTRY_ONE_OF("a", "a")});
    REFUSED("one_of is for strings", {.name = "n", .type = GANTRY_T_INT, GANTRY_ONE_OF("1")});
    REFUSED("one_of has 2 values but titles has 1",
            {.name = "n", .type = GANTRY_T_STRING, GANTRY_ONE_OF("a", "b"), GANTRY_TITLES("A")});
    REFUSED("titles need one_of", {.name = "n", .type = GANTRY_T_STRING, GANTRY_TITLES("A")});
    REFUSED("fields are missing", {.name = "n", .type = GANTRY_T_OBJECT});
    REFUSED("fields are for objects", {.name = "n", .type = GANTRY_T_INT, .fields = point_args});
    REFUSED("elem_size is 0", {.name = "n", .type = GANTRY_T_ARRAY, .fields = point_args});
    REFUSED("argument \"o\": argument \"y\": offset 8 is beyond a struct of 16 bytes",
            {.name = "o", .type = GANTRY_T_OBJECT, .fields = point_args, .offset = 48});
    REFUSED("schema_json: ", {.name = "n", .type = GANTRY_T_INT, .schema_json = "[]"});
    REFUSED("argument \"o\": argument \"x/y\": schema_json: /items/type: ",
            {.name = "o",
             .type = GANTRY_T_ARRAY,
             .elem_size = 16,
             .fields = (const gantry_arg[]){{.name = "x", .type = GANTRY_T_INT},
                                            {.name = "x/y",
                                             .type = GANTRY_T_JSON,
                                             .schema_json = "{\"items\":{\"type\":\"text\"}}"},
                                            GANTRY_ARGS_END}});
    REFUSED("argument \"l\": pattern \"[\": ",
            {.name = "l", .type = GANTRY_T_STRINGS, .pattern = "["});
    REFUSED("schema_json: /$ref: ",
            {.name = "n", .type = GANTRY_T_JSON, .schema_json = "{\"$ref\":\"other.json\"}"});
    REFUSED("schema_json must leave the properties to .fields",
            {.name = "o",
             .type = GANTRY_T_OBJECT,
             .fields = point_args,
             .schema_json = "{\"properties\":{\"y\":{},\"x\":{}}}"});
    REFUSED("argument \"o\": argument \"n\": default: expected string without",
            {.name = "o",
             .type = GANTRY_T_OBJECT,
             .fields = (const gantry_arg[]){
                 {.name = "n", .type = GANTRY_T_STRING, .default_json = "\"a\\u0000\""},
                 GANTRY_ARGS_END}});
    REFUSED(
        "argument \"o\": default: missing \"x\"",
        {.name = "o", .type = GANTRY_T_OBJECT, .fields = point_args, .default_json = "{\"y\":1}"});
    REFUSED("default: expected date such as",
            {.name = "n", .type = GANTRY_T_STRING, .format = "date", .default_json = "\"x\""});
    REFUSED("schema_json: /minimum: a schema has a number here, not \"a\"",
            {.name = "n", .type = GANTRY_T_INT, .schema_json = "{\"minimum\":\"a\"}"});
    REFUSED("use .header",
            {.name = "n", .type = GANTRY_T_INT, .schema_json = "{\"x-mcp-header\":\"a\"}"});
    REFUSED("header \"a b\"", {.name = "n", .type = GANTRY_T_INT, .header = "a b"});
    REFUSED("header \"\"", {.name = "n", .type = GANTRY_T_INT, .header = ""});
    REFUSED("header \"a\r\nb\"", {.name = "n", .type = GANTRY_T_INT, .header = "a\r\nb"});
    REFUSED("header is for strings, integers and booleans",
            {.name = "n", .type = GANTRY_T_NUM, .header = "n"});
    REFUSED("header \"KEY\" is used twice", {.name = "n", .type = GANTRY_T_INT, .header = "Key"},
            {.name = "m", .type = GANTRY_T_INT, .header = "KEY"});
    REFUSED("description is not UTF-8", {.name = "n", .type = GANTRY_T_INT, .description = "\xff"});
    expect_refused(point_args, 0, 64, "cannot have 0 bytes");
    expect_refused(point_args, sizeof(gantry_arg), UINT32_MAX, "too big");
}

Test(fields_import, headers_are_unique_below_and_not_inside_arrays)
{
    static const gantry_arg inner[] = {{.name = "n", .type = GANTRY_T_INT, .header = "key"},
                                       GANTRY_ARGS_END};
    const gantry_arg twice[] = {{.name = "o", .type = GANTRY_T_OBJECT, .fields = inner},
                                {.name = "m", .type = GANTRY_T_INT, .offset = 8, .header = "Key"},
                                GANTRY_ARGS_END};
    const gantry_arg in_array[] = {
        {.name = "a", .type = GANTRY_T_ARRAY, .fields = inner, .elem_size = 8}, GANTRY_ARGS_END};
    const gantry_arg fine[] = {{.name = "o", .type = GANTRY_T_OBJECT, .fields = inner},
                               GANTRY_ARGS_END};
    struct gn_error err = {0};
    struct gn_fields *fields = NULL;
    expect_refused(twice, sizeof(gantry_arg), 64, "header \"Key\" is used twice");
    expect_refused(in_array, sizeof(gantry_arg), 64, "not allowed inside an array");
    cr_assert_eq(gn_fields_import(fine, sizeof(gantry_arg), 64, &fields, &err), 0, "%s", err.text);
    gn_fields_free(fields);
}

Test(fields_import, tables_that_refer_to_themselves_are_refused)
{
    gantry_arg self[] = {{.name = "a", .type = GANTRY_T_OBJECT},
                         {.name = "b", .type = GANTRY_T_OBJECT},
                         GANTRY_ARGS_END};
    self[0].fields = self[1].fields = self;
    expect_refused(self, sizeof(gantry_arg), 64, "nested more than 16 deep");
    /* No table holds itself here, but the whole would have 8^15 rows. */
    static gantry_arg levels[15][9];
    memset(levels, 0, sizeof(levels));
    for (size_t i = 0; i < 15; i++) {
        for (size_t k = 0; k < 8; k++) {
            static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
            levels[i][k] = (gantry_arg){.name = names[k],
                                        .type = i < 14 ? GANTRY_T_OBJECT : GANTRY_T_INT,
                                        .fields = i < 14 ? levels[i + 1] : NULL};
        }
    }
    expect_refused(levels[0], sizeof(gantry_arg), 64, "more than 4096 arguments");
}
