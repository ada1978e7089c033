/* Tools made from tools: what becomes of their arguments, and what is said of those that do not
 * fit. */
#include "call/made.h"

#include "shapes.h"
#include "support.h"
#include "util/alloc.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

GN_SUITE(transform_made);

static struct rig r;
static struct rig_call c;
static struct gn_component *tool;

#define OPEN_SCHEMA "{\"type\":\"object\"}"

static int echo(gantry_call *call, const void *in)
{
    (void)in;
    return rig_say_json(call, call->arguments);
}

static void open_rig(void)
{
    rig_open(&r);
    tool = shape_tool(&r, "echo", echo, 0, NULL);
}

static void close_rig(void)
{
    gn_component_unref(tool);
    rig_close(&r);
}

static void make(const char *key, const struct shape_row *rows, const char *schema)
{
    tool = shape_made(tool, key, rows, schema);
}

static void expect(const char *arguments, const char *text)
{
    char quoted[2048], *p = quoted;
    rig_call_with(&r, &c, tool, arguments);
    cr_assert_eq(c.outcome, GN_OUT_RESULT, "%s", c.result);
    for (*p++ = '"'; *text; text++) {
        if (*text == '"' || *text == '\\')
            *p++ = '\\';
        *p++ = *text;
    }
    *p++ = '"';
    *p = '\0';
    cr_assert(strstr(c.result, quoted), "%s is not in %s", quoted, c.result);
}

static void expect_refusal(const char *arguments, enum gn_outcome outcome, const char *words)
{
    rig_call_with(&r, &c, tool, arguments);
    cr_assert_eq(c.outcome, outcome, "%d %s", (int)c.outcome, c.result);
    cr_assert(strstr(c.result, words), "%s", c.result);
}

/* ---------------------------------------------------------------- names and values */

Test(transform_made, renames_arguments)
{
    open_rig();
    make("find", ROWS({.name = "q", .parent_name = "query"}), NULL);
    expect("{\"q\":\"x\",\"other\":[1,{\"q\":2}]}", "{\"query\":\"x\",\"other\":[1,{\"q\":2}]}");
    close_rig();
}

Test(transform_made, swaps_two_names)
{
    open_rig();
    make("swap", ROWS({.name = "a", .parent_name = "b"}, {.name = "b", .parent_name = "a"}), NULL);
    expect("{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}");
    close_rig();
}

Test(transform_made, hands_on_the_same_object_if_nothing_changes)
{
    const gantry_json *ret;
    struct gn_error err = {0};
    open_rig();
    make("find",
         ROWS({.name = "q", .parent_name = "query"}, {.name = "n", .parent_name = "n", .json = "5"},
              {.parent_name = "opt"}),
         NULL);
    struct gn_call *call = gn_call_new(&r.env, NULL, NULL);
    const gantry_json *given = gn_json_parse_arena(&call->arena, "{\"z\":1,\"n\":6}", 13, NULL);
    char *before = gn_arena_alloc(&call->arena, 1);
    cr_assert_eq(gn_made_map(call, tool, given, &ret, &err), GN_OK);
    cr_assert_eq(ret, given);
    char *after = gn_arena_alloc(&call->arena, 1);
    cr_assert_leq(after - before, 64, "nothing was taken from the arena");
    gn_call_unref(call);
    close_rig();
}

Test(transform_made, takes_no_arguments_for_none)
{
    open_rig();
    make("find", ROWS({.name = "q", .parent_name = "query"}), NULL);
    expect(NULL, "none");
    make("more", ROWS({.parent_name = "limit", .source = GN_SOURCE_VALUE, .json = "3"}), NULL);
    expect(NULL, "{\"limit\":3}");
    close_rig();
}

Test(transform_made, fills_in_defaults_and_hidden_values)
{
    open_rig();
    make("find",
         ROWS({.name = "n", .parent_name = "limit", .json = "[1,{\"a\\\"b\":\"c\"}]"},
              {.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "\"k\""},
              {.parent_name = "none", .source = GN_SOURCE_VALUE, .json = "null"},
              {.parent_name = "dropped"}),
         NULL);
    expect("{}", "{\"limit\":[1,{\"a\\\"b\":\"c\"}],\"key\":\"k\",\"none\":null}");
    expect("{\"n\":7}", "{\"limit\":7,\"key\":\"k\",\"none\":null}");
    close_rig();
}

Test(transform_made, keeps_what_it_filled_in_as_long_as_the_call)
{
    const gantry_json *ret;
    struct gn_error err = {0};
    open_rig();
    make("find",
         ROWS({.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "{\"a\":[\"text\",1.50]}"}),
         NULL);
    struct gn_call *call = gn_call_new(&r.env, NULL, NULL);
    cr_assert_eq(gn_made_map(call, tool, NULL, &ret, &err), GN_OK);
    const gantry_json *value = gn_json_get(gn_json_get(ret, "key"), "a");
    gn_component_unref(tool);
    tool = NULL;
    cr_assert_str_eq(gn_json_cstr(gn_json_at(value, 0)), "text");
    gn_call_unref(call);
    close_rig();
}

Test(transform_made, lets_the_last_of_two_of_a_name_count)
{
    open_rig();
    make("find", ROWS({.name = "q", .parent_name = "query", .json = "0"}), NULL);
    struct gn_call *call = gn_call_new(&r.env, NULL, NULL);
    const gantry_json *ret,
        *given = gn_json_parse_arena(&call->arena, "{\"q\":1,\"q\":2}", 13, NULL);
    struct gn_error err = {0};
    int64_t value = 0;
    cr_assert_eq(gn_made_map(call, tool, given, &ret, &err), GN_OK);
    cr_assert(gn_json_int(gn_json_get(ret, "query"), &value));
    cr_assert_eq(value, 2);
    cr_assert_null(gn_json_get(ret, "q"));
    gn_call_unref(call);
    close_rig();
}

Test(transform_made, passes_arguments_of_the_function_alone_to_nobody)
{
    open_rig();
    make("find", ROWS({.name = "mine"}), NULL);
    expect("{\"mine\":1,\"x\":2}", "{\"x\":2}");
    close_rig();
}

Test(transform_made, refuses_what_nobody_may_give)
{
    open_rig();
    make("find",
         ROWS({.name = "q", .parent_name = "query"},
              {.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "1"}),
         NULL);
    expect_refusal("{\"query\":1}", GN_OUT_INVALID, "unknown argument \\\"query\\\"");
    expect_refusal("{\"key\":2}", GN_OUT_INVALID, "unknown argument \\\"key\\\"");
    expect_refusal("{\"q\":1,\"key\":null}", GN_OUT_INVALID, "unknown argument \\\"key\\\"");
    close_rig();
}

Test(transform_made, refuses_by_the_words_of_its_own_schema)
{
    open_rig();
    make("find", ROWS({.name = "q", .parent_name = "query"}),
         "{\"type\":\"object\",\"properties\":{\"q\":{}},\"additionalProperties\":false}");
    expect_refusal("{\"query\":1}", GN_OUT_INVALID, "unknown");
    cr_assert_null(strstr(c.result, "unknown argument"), "%s", c.result);
    close_rig();
}

Test(transform_made, sorts_out_more_than_a_few)
{
    struct gn_buf given = GN_BUF_INIT(1u << 20), want = GN_BUF_INIT(1u << 20);
    struct shape_row rows[101];
    char names[200][8];
    memset(rows, 0, sizeof rows);
    open_rig();
    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof names[i], "n%d", i);
        snprintf(names[100 + i], sizeof names[i], "p%d", i);
        rows[i] = (struct shape_row){
            .name = names[i], .parent_name = names[100 + i], .json = "true"};
        gn_buf_addf(&given, "%s\"n%d\":%d", i ? "," : "{", i, i);
        gn_buf_addf(&want, "%s\"p%d\":%d", i ? "," : "{", i, i);
    }
    gn_buf_adds(&given, "}");
    gn_buf_adds(&want, "}");
    make("many", rows, NULL);
    expect(gn_buf_str(&given), gn_buf_str(&want));
    gn_buf_release(&given);
    gn_buf_release(&want);
    close_rig();
}

Test(transform_made, says_when_the_memory_of_a_call_is_full)
{
    open_rig();
    r.env.arena_bytes = 8192;
    GN_AUTO_FREE char *json = gn_calloc(1, 9000);
    memset(json, 'x', 8990);
    json[0] = json[8989] = '"';
    make("find", ROWS({.parent_name = "key", .source = GN_SOURCE_VALUE, .json = json}), NULL);
    expect_refusal("{}", GN_OUT_INVALID, "more memory than a call may use");
    close_rig();
}

/* ---------------------------------------------------------------- sources */

static const char *secret(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "token") == 0 ? "s3cret" : NULL;
}

Test(transform_made, takes_values_from_their_sources)
{
    const gantry_json *ret, *again;
    struct gn_error err = {0};
    open_rig();
    setenv("GN_TEST_MADE", "from outside", 1);
    r.env.secret = secret;
    make("find",
         ROWS({.parent_name = "id", .source = GN_SOURCE_UUID},
              {.parent_name = "at", .source = GN_SOURCE_NOW},
              {.parent_name = "e", .source = GN_SOURCE_ENV, .source_name = "GN_TEST_MADE"},
              {.parent_name = "who", .source = GN_SOURCE_PRINCIPAL},
              {.parent_name = "s", .source = GN_SOURCE_SECRET, .source_name = "token"},
              {.parent_name = "left", .source = GN_SOURCE_SECRET, .source_name = "other"},
              {.parent_name = "else",
               .source = GN_SOURCE_ENV,
               .source_name = "GN_TEST_NOWHERE",
               .json = "\"other\""}),
         NULL);
    struct gn_call *call = gn_call_new(&r.env, NULL, NULL);
    call->principal = "ada";
    cr_assert_eq(gn_made_map(call, tool, NULL, &ret, &err), GN_OK, "%s", err.text);
    cr_assert_eq(gn_made_map(call, tool, NULL, &again, &err), GN_OK);
    const char *id = gn_json_cstr(gn_json_get(ret, "id"));
    cr_assert_eq(strlen(id), 36);
    cr_assert_eq(id[14], '4');
    cr_assert(strchr("89ab", id[19]));
    cr_assert_str_neq(id, gn_json_cstr(gn_json_get(again, "id")));
    cr_assert_eq(strlen(gn_json_cstr(gn_json_get(ret, "at"))), 24);
    cr_assert_str_eq(gn_json_cstr(gn_json_get(ret, "e")), "from outside");
    cr_assert_str_eq(gn_json_cstr(gn_json_get(ret, "who")), "ada");
    cr_assert_str_eq(gn_json_cstr(gn_json_get(ret, "s")), "s3cret");
    cr_assert_null(gn_json_get(ret, "left"));
    cr_assert_str_eq(gn_json_cstr(gn_json_get(ret, "else")), "other");
    gn_call_unref(call);
    close_rig();
}

static void set(struct gn_call *call, const char *name, gantry_value value)
{
    gantry_var var = {.size = sizeof var, .name = name, .type = value.type};
    cr_assert_eq(gn_scope_set(call, NULL, &var, &value), GANTRY_OK);
}

Test(transform_made, takes_variables_of_every_type_but_pointers)
{
    const gantry_json *ret;
    struct gn_error err = {0};
    open_rig();
    make("find",
         ROWS({.parent_name = "t", .source = GN_SOURCE_SCOPE, .source_name = "t"},
              {.parent_name = "i", .source = GN_SOURCE_SCOPE, .source_name = "i"},
              {.parent_name = "n", .source = GN_SOURCE_SCOPE, .source_name = "n"},
              {.parent_name = "b", .source = GN_SOURCE_SCOPE, .source_name = "b"},
              {.parent_name = "j", .source = GN_SOURCE_SCOPE, .source_name = "j"},
              {.parent_name = "none", .source = GN_SOURCE_SCOPE, .source_name = "none"},
              {.parent_name = "name",
               .source = GN_SOURCE_SCOPE,
               .source_name = "gantry.client_name"}),
         NULL);
    struct gn_call *call = gn_call_new(&r.env, NULL, NULL);
    call->client_name = "tests";
    set(call, "t", gantry_value_text("x"));
    set(call, "i", gantry_value_int(INT64_MIN));
    set(call, "n", gantry_value_num(0.25));
    set(call, "b", gantry_value_bool(true));
    set(call, "j", gantry_value_json(gn_json_parse_arena(&call->arena, "[1]", 3, NULL)));
    cr_assert_eq(gn_made_map(call, tool, NULL, &ret, &err), GN_OK, "%s", err.text);
    struct gn_buf text = GN_BUF_INIT(4096);
    cr_assert_eq(gn_json_write(&text, ret), 0);
    cr_assert_str_eq(gn_buf_str(&text),
                     "{\"t\":\"x\",\"i\":-9223372036854775808,\"n\":0.25,\"b\":true,\"j\":[1],"
                     "\"name\":\"tests\"}");
    gn_buf_release(&text);
    gn_call_unref(call);
    call = gn_call_new(&r.env, NULL, NULL);
    set(call, "t", gantry_value_pointer(&r));
    cr_assert_eq(gn_made_map(call, tool, NULL, &ret, &err), GN_ENOENT);
    cr_assert(strstr(err.text, "argument t: the variable t is a pointer"), "%s", err.text);
    gn_call_unref(call);
    close_rig();
}

Test(transform_made, names_in_the_log_what_had_no_value)
{
    open_rig();
    make("find",
         ROWS({.parent_name = "api_key",
               .source = GN_SOURCE_SECRET,
               .source_name = "weather",
               .is_required = true}),
         NULL);
    expect_refusal("{}", GN_OUT_ACCIDENT, "correlation id");
    cr_assert_null(strstr(c.result, "api_key"), "%s", c.result);
    cr_assert(strstr(r.logged, "the hidden argument api_key: the operator has given no secret "
                               "weather"),
              "%s", r.logged);
    close_rig();
}

/* ---------------------------------------------------------------- checks */

Test(transform_made, goes_through_a_chain)
{
    open_rig();
    make("m1",
         ROWS({.name = "b", .parent_name = "a"},
              {.parent_name = "one", .source = GN_SOURCE_VALUE, .json = "1"}),
         NULL);
    make("m2", ROWS({.name = "c", .parent_name = "b"}), NULL);
    tool = gn_component_derive(tool, "ns_m2");
    gn_component_unref(tool->parent);
    make("m3", ROWS({.name = "d", .parent_name = "c", .json = "\"z\""}), NULL);
    expect("{\"d\":2}", "{\"a\":2,\"one\":1}");
    expect("{}", "{\"a\":\"z\",\"one\":1}");
    expect_refusal("{\"a\":2}", GN_OUT_INVALID, "unknown argument \\\"a\\\"");
    expect_refusal("{\"c\":2}", GN_OUT_INVALID, "unknown argument \\\"c\\\"");
    close_rig();
}

Test(transform_made, checks_what_it_narrows)
{
    open_rig();
    make("few", ROWS({.name = "n", .parent_name = "limit"}),
         "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maximum\":5}}}");
    tool->made->checks = true;
    expect("{\"n\":\"4\"}", "{\"limit\":4}");
    expect_refusal("{\"n\":6}", GN_OUT_INVALID, "/n: ");
    close_rig();
}

Test(transform_made, counts_null_as_missing_where_the_schema_has_no_place_for_it)
{
    const char *schema = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"},"
                         "\"m\":{\"type\":[\"integer\",\"null\"]}}}";
    open_rig();
    make("few",
         ROWS({.name = "n", .parent_name = "limit", .json = "9"},
              {.name = "m", .parent_name = "more", .json = "8"}),
         schema);
    expect("{\"n\":null,\"m\":null}", "{\"more\":null,\"limit\":9}");
    tool->flags |= GANTRY_STRICT_INPUT;
    expect_refusal("{\"n\":null}", GN_OUT_INVALID, "/n: ");
    close_rig();
}

/* What its parent does not take. */
static void open_strict(void)
{
    rig_open(&r);
    tool = shape_tool(&r, "strict", echo, 0,
                      "{\"type\":\"object\",\"properties\":{\"li/mit\":{\"type\":\"integer\","
                      "\"maximum\":5},\"key\":{\"type\":\"string\",\"maxLength\":3}},"
                      "\"required\":[\"key\"],\"additionalProperties\":false}");
}

Test(transform_made, speaks_of_arguments_as_the_client_knows_them)
{
    open_strict();
    make("m1",
         ROWS({.name = "n~1", .parent_name = "li/mit"},
              {.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "\"abc\""}),
         OPEN_SCHEMA);
    make("m2", ROWS({.name = "count", .parent_name = "n~1"}), OPEN_SCHEMA);
    expect("{\"count\":5}", "{\"li/mit\":5,\"key\":\"abc\"}");
    expect_refusal("{\"count\":6}", GN_OUT_INVALID, "/count: ");
    cr_assert_null(strstr(c.result, "li"), "%s", c.result);
    cr_assert_str_eq(r.logged, "");
    close_rig();
}

Test(transform_made, takes_the_blame_for_a_hidden_value)
{
    open_strict();
    make("m",
         ROWS({.name = "n", .parent_name = "li/mit"},
              {.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "\"too long\""}),
         OPEN_SCHEMA);
    expect_refusal("{\"n\":5}", GN_OUT_ACCIDENT, "internal error (correlation id ");
    cr_assert_null(strstr(c.result, "too long"), "%s", c.result);
    cr_assert_null(strstr(c.result, "key"), "%s", c.result);
    cr_assert(strstr(r.logged, "the arguments that tool m makes for strict: /key: "), "%s",
              r.logged);
    close_rig();
}

typedef struct {
    const char *city;
    int64_t days;
} forecast_in;

static int forecast(gantry_call *call, const void *in)
{
    const forecast_in *f = in;
    const char *text = gn_arena_format(&call->arena, "%s for %lld", f->city, (long long)f->days);
    return rig_say(call, text);
}

Test(transform_made, lets_a_table_bind_what_comes_out)
{
    const gantry_arg args[] = {GANTRY_ARG(forecast_in, city, "Where"),
                               GANTRY_ARG(forecast_in, days, "How long", .range = {1, 9}),
                               GANTRY_ARGS_END};
    struct gn_error err = {0};
    rig_open(&r);
    tool = rig_tool(&r, "forecast", forecast, 0);
    cr_assert_eq(gn_fields_import(args, sizeof *args, sizeof(forecast_in), &tool->input, &err), 0);
    make("m",
         ROWS({.name = "town", .parent_name = "city"},
              {.name = "n", .parent_name = "days", .json = "3"}),
         OPEN_SCHEMA);
    expect("{\"town\":\"Graz\"}", "Graz for 3");
    expect("{\"town\":\"Graz\",\"n\":\"7\"}", "Graz for 7");
    expect_refusal("{\"town\":\"Graz\",\"n\":12}", GN_OUT_INVALID, "/n: ");
    close_rig();
}

/* ---------------------------------------------------------------- in middlewares */

static char around_saw[256];
static int tries;

static int watch(gantry_call *call)
{
    struct gn_buf text = GN_BUF_INIT(200);
    cr_assert_eq(gn_json_write(&text, call->arguments), 0);
    int rc = gn_call_next(call);
    cr_assert_eq(gn_json_write(&text, call->arguments), 0);
    snprintf(around_saw, sizeof around_saw, "%s", gn_buf_str(&text));
    gn_buf_release(&text);
    return rc;
}

static int set_user(gantry_call *call)
{
    int rc = GANTRY_OK;
    for (int i = 0; i < tries; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%d", i);
        set(call, "user", gantry_value_text(name));
        rc = gn_call_next(call);
    }
    return rc;
}

static void put_around(int (*run)(gantry_call *call))
{
    struct gn_middleware *m = gn_middleware_new("m");
    m->owner = &r.owner;
    m->hooks = GANTRY_ON_CALL_TOOL;
    m->run = run;
    gn_around_replace(&r.env, &r.owner, &m, 1);
    gn_middleware_unref(m);
}

Test(transform_made, shows_middlewares_the_arguments_of_the_client)
{
    open_rig();
    put_around(watch);
    make("find",
         ROWS({.name = "q", .parent_name = "query"},
              {.parent_name = "key", .source = GN_SOURCE_VALUE, .json = "1"}),
         NULL);
    expect("{\"q\":2}", "{\"query\":2,\"key\":1}");
    cr_assert_str_eq(around_saw, "{\"q\":2}{\"q\":2}");
    close_rig();
}

Test(transform_made, takes_what_a_middleware_has_set_for_each_try_anew)
{
    open_rig();
    put_around(set_user);
    make("find",
         ROWS({.parent_name = "who",
               .source = GN_SOURCE_SCOPE,
               .source_name = "user",
               .is_required = true}),
         NULL);
    make("found", ROWS({.name = "q", .parent_name = "query"}), NULL);
    tries = 1;
    expect("{}", "{\"who\":\"user0\"}");
    tries = 3;
    expect("{}", "{\"who\":\"user2\"}");
    cr_assert_str_eq(r.logged, "");
    close_rig();
}

static int rename_argument(gantry_call *call)
{
    call->arguments = gn_json_parse_arena(&call->arena, "{\"q\":\"other\"}", 13, NULL);
    return gn_call_next(call);
}

Test(transform_made, maps_what_a_middleware_has_put_in_place)
{
    open_rig();
    put_around(rename_argument);
    make("find", ROWS({.name = "q", .parent_name = "query"}), NULL);
    expect("{\"q\":2}", "{\"query\":\"other\"}");
    close_rig();
}
