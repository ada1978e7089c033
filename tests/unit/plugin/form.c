/* form.c - forms: what clients of each revision are sent, and what their answers become. */
#include "plugin/form.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(form);

struct person {
    const char *name, *mail, *color, *size;
    int64_t age;
    gantry_opt_num weight;
    bool member;
    gantry_strings days, hobbies;
};
static const gantry_arg person_args[] = {
    GANTRY_ARG(struct person, name, "Your full name", .title = "Name", .length = {2, 50}),
    GANTRY_ARG(struct person, mail, "Where to write to", .format = "email", .optional = 1),
    GANTRY_ARG(struct person, color, "Which one", GANTRY_ONE_OF("red", "green"),
               .default_json = "\"green\""),
    GANTRY_ARG(struct person, size, NULL, GANTRY_ONE_OF("s", "l"), GANTRY_TITLES("Small", "Large")),
    GANTRY_ARG(struct person, age, NULL, .range = {18, 120}, .default_json = "30"),
    GANTRY_ARG(struct person, weight, NULL),
    GANTRY_ARG(struct person, member, NULL, .default_json = "true"),
    GANTRY_ARG(struct person, days, "When", GANTRY_ONE_OF("mo", "tu"),
               GANTRY_TITLES("Monday", "Tuesday"), .length = {1, 2}),
    GANTRY_ARG(struct person, hobbies, NULL, GANTRY_ONE_OF("chess", "go"),
               .default_json = "[\"go\"]"),
    GANTRY_ARGS_END};

static struct gn_form *make(const gantry_form *raw)
{
    struct gn_form *form = NULL;
    struct gn_error err = {0};
    cr_assert_eq(gn_form_make(raw, &form, &err), 0, "%s", err.text);
    return form;
}

static void check_written(const struct gn_form *form, enum gn_revision revision, const char *text)
{
    struct gn_buf out = GN_BUF_INIT(1 << 20);
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_form_write(form, revision, &w, NULL);
    cr_assert_str_eq(gn_buf_str(&out), text, "\ngot      %s\nexpected %s", gn_buf_str(&out), text);
    gn_buf_release(&out);
}

/* The answer, or NULL with what is wrong with it in err. */
static const void *read_form(const struct gn_form *form, enum gn_revision revision,
                             const char *content, uint32_t flags, struct gn_arena *arena,
                             struct gn_error *err)
{
    const void *ret = NULL;
    const gantry_json *value = content ? gn_json_parse_arena(arena, content, strlen(content), err)
                                       : NULL;
    *err = (struct gn_error){0};
    int rc = gn_form_read(form, revision, value, flags, arena, &ret, err);
    cr_assert_eq(rc, err->code);
    cr_assert(rc == 0 || rc == GN_EINVAL, "%s", err->text);
    return rc ? NULL : ret;
}

Test(form, is_written_as_the_revisions_since_2025_11_25_have_it)
{
    struct gn_form *form = make(GANTRY_FORM(struct person, person_args));
    static const char expected[] =
        "{\"type\":\"object\",\"properties\":{"
        "\"name\":{\"type\":\"string\",\"title\":\"Name\",\"description\":\"Your full name\","
        "\"minLength\":2,\"maxLength\":50},"
        "\"mail\":{\"type\":\"string\",\"description\":\"Where to write to\",\"format\":\"email\"},"
        "\"color\":{\"type\":\"string\",\"description\":\"Which one\",\"enum\":[\"red\",\"green\"],"
        "\"default\":\"green\"},"
        "\"size\":{\"type\":\"string\",\"oneOf\":[{\"const\":\"s\",\"title\":\"Small\"},"
        "{\"const\":\"l\",\"title\":\"Large\"}]},"
        "\"age\":{\"type\":\"integer\",\"minimum\":18,\"maximum\":120,\"default\":30},"
        "\"weight\":{\"type\":\"number\"},"
        "\"member\":{\"type\":\"boolean\",\"default\":true},"
        "\"days\":{\"type\":\"array\",\"description\":\"When\",\"minItems\":1,\"maxItems\":2,"
        "\"items\":{\"anyOf\":[{\"const\":\"mo\",\"title\":\"Monday\"},"
        "{\"const\":\"tu\",\"title\":\"Tuesday\"}]}},"
        "\"hobbies\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"chess\",\"go\"]},"
        "\"default\":[\"go\"]}},"
        "\"required\":[\"name\",\"size\",\"days\"]}";
    check_written(form, GN_REV_2026_07_28, expected);
    check_written(form, GN_REV_2025_11_25, expected);
    gn_form_unref(form);
}

Test(form, is_written_as_2025_06_18_has_it)
{
    struct gn_form *form = make(GANTRY_FORM(struct person, person_args));
    check_written(
        form, GN_REV_2025_06_18,
        "{\"type\":\"object\",\"properties\":{"
        "\"name\":{\"type\":\"string\",\"title\":\"Name\",\"description\":\"Your full name\","
        "\"minLength\":2,\"maxLength\":50},"
        "\"mail\":{\"type\":\"string\",\"description\":\"Where to write to\",\"format\":\"email\"},"
        "\"color\":{\"type\":\"string\",\"description\":\"Which one\",\"enum\":[\"red\",\"green\"]},"
        "\"size\":{\"type\":\"string\",\"enum\":[\"s\",\"l\"],\"enumNames\":[\"Small\",\"Large\"]},"
        "\"age\":{\"type\":\"integer\",\"minimum\":18,\"maximum\":120},"
        "\"weight\":{\"type\":\"number\"},"
        "\"member\":{\"type\":\"boolean\",\"default\":true},"
        "\"days.mo\":{\"type\":\"boolean\",\"title\":\"days: Monday\",\"description\":\"When\"},"
        "\"days.tu\":{\"type\":\"boolean\",\"title\":\"days: Tuesday\",\"description\":\"When\"},"
        "\"hobbies.chess\":{\"type\":\"boolean\",\"title\":\"hobbies: chess\",\"default\":false},"
        "\"hobbies.go\":{\"type\":\"boolean\",\"title\":\"hobbies: go\",\"default\":true}},"
        "\"required\":[\"name\",\"size\"]}");
    gn_form_unref(form);
}

Test(form, no_form_is_yes_or_no)
{
    struct gn_arena arena;
    struct gn_error err;
    struct gn_form *form = make(NULL);
    check_written(form, GN_REV_2025_06_18, "{\"type\":\"object\",\"properties\":{}}");
    gn_arena_init(&arena, 1 << 20);
    read_form(form, GN_REV_LATEST, NULL, 0, &arena, &err);
    cr_assert_eq(err.code, 0);
    read_form(form, GN_REV_LATEST, "{\"left\":\"over\"}", 0, &arena, &err);
    cr_assert_eq(err.code, 0);
    gn_form_give(form, NULL, NULL);
    gn_arena_release(&arena);
    gn_form_unref(form);
}

Test(form, an_answer_fills_the_struct_and_defaults_the_rest)
{
    struct gn_arena arena;
    struct gn_error err;
    struct gn_form *form = make(GANTRY_FORM(struct person, person_args));
    struct person p;
    gn_arena_init(&arena, 1 << 20);
    const void *ret = read_form(form, GN_REV_2025_11_25,
                                "{\"name\":\"Ada\",\"size\":\"l\",\"weight\":50.5,"
                                "\"days\":[\"tu\",\"mo\"],\"unknown\":{\"to\":[\"us\"]}}",
                                0, &arena, &err);
    cr_assert_not_null(ret, "%s", err.text);
    gn_form_give(form, ret, &p);
    cr_assert_str_eq(p.name, "Ada");
    cr_assert_null(p.mail);
    cr_assert_str_eq(p.color, "green");
    cr_assert_str_eq(p.size, "l");
    cr_assert_eq(p.age, 30);
    cr_assert(p.weight.set && p.weight.value > 50.4 && p.weight.value < 50.6);
    cr_assert(p.member);
    cr_assert(p.days.n == 2 && strcmp(p.days.v[0], "tu") == 0 && strcmp(p.days.v[1], "mo") == 0);
    cr_assert(p.hobbies.n == 1 && strcmp(p.hobbies.v[0], "go") == 0);
    gn_arena_release(&arena);
    gn_form_unref(form);
}

Test(form, booleans_of_a_client_of_2025_06_18_are_put_together)
{
    struct gn_arena arena;
    struct gn_error err;
    struct gn_form *form = make(GANTRY_FORM(struct person, person_args));
    struct person p;
    gn_arena_init(&arena, 1 << 20);
    const void *ret = read_form(form, GN_REV_2025_06_18,
                                "{\"name\":\"Ada\",\"size\":\"s\",\"days.tu\":true,"
                                "\"days.mo\":false,\"hobbies.chess\":false}",
                                0, &arena, &err);
    cr_assert_not_null(ret, "%s", err.text);
    gn_form_give(form, ret, &p);
    cr_assert(p.days.n == 1 && strcmp(p.days.v[0], "tu") == 0);
    cr_assert_eq(p.hobbies.n, 0);
    /* None of a choice that asks for one at least; not a boolean. */
    cr_assert_null(
        read_form(form, GN_REV_2025_06_18, "{\"name\":\"Ada\",\"size\":\"s\"}", 0, &arena, &err));
    cr_assert_str_eq(err.text, "/days: expected array of 1 to 2 strings, got 0");
    cr_assert_null(read_form(form, GN_REV_2025_06_18,
                             "{\"name\":\"Ada\",\"size\":\"s\",\"days.tu\":\"yes\"}", 0, &arena,
                             &err));
    cr_assert_str_eq(err.text, "/days.tu: expected boolean, got string");
    gn_arena_release(&arena);
    gn_form_unref(form);
}

Test(form, answers_that_do_not_fit_are_told_of)
{
    static const struct {
        const char *content, *problem;
    } wrong[] = {
        {NULL, "missing \"name\", \"size\", \"days\""},
        {"[]", "content: expected object, got array"},
        {"{\"name\":\"A\",\"size\":\"l\",\"days\":[\"mo\"]}",
         "/name: expected string of 2 to 50 characters, got \"A\" (1)"},
        {"{\"name\":\"Ada\",\"size\":\"xl\",\"days\":[\"mo\"]}", "/size: expected"},
        {"{\"name\":\"Ada\",\"size\":\"l\",\"days\":[]}", "/days: expected array of 1 to 2"},
        {"{\"name\":\"Ada\",\"size\":\"l\",\"days\":[\"we\"]}", "/days/0: expected"},
        {"{\"name\":\"Ada\",\"size\":\"l\",\"days\":[\"mo\"],\"age\":12}",
         "/age: expected integer"},
        {"{\"name\":\"Ada\",\"size\":\"l\",\"days\":[\"mo\"],\"mail\":\"nowhere\"}",
         "/mail: expected email such as"},
        {"{\"name\":\"A\\u0000da\",\"size\":\"l\",\"days\":[\"mo\"]}",
         "/name: expected string without the character U+0000"},
        {"{\"name\":\"Ada\",\"size\":\"l\",\"days\":[\"mo\"],\"age\":\"40\"}",
         "/age: expected integer 18 to 120, got \"40\""},
    };
    struct gn_arena arena;
    struct gn_error err;
    struct gn_form *form = make(GANTRY_FORM(struct person, person_args));
    gn_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        cr_assert_null(read_form(form, GN_REV_LATEST, wrong[i].content, 0, &arena, &err), "%zu", i);
        cr_assert(strstr(err.text, wrong[i].problem), "%s: %s",
                  wrong[i].content ? wrong[i].content : "nothing", err.text);
        cr_assert_null(strchr(err.text, '\n'));
    }
    /* Read as it is meant, where the host does so for arguments. */
    const struct person *p = read_form(
        form, GN_REV_LATEST,
        "{\"name\":\"Ada\",\"size\":\"l\",\"days\":[\"mo\"],\"age\":\"40\",\"mail\":null}",
        GN_COERCE_TEXT | GN_COERCE_NULLS, &arena, &err);
    cr_assert(p && p->age == 40 && !p->mail, "%s", err.text);
    gn_arena_release(&arena);
    gn_form_unref(form);
}

Test(form, a_schema_as_text_gives_json_with_its_defaults)
{
    struct gn_arena arena;
    struct gn_error err;
    struct gn_form *form = make(GANTRY_FORM_JSON(
        "{\"type\":\"object\",\"properties\":{\"legacy\":{\"type\":\"string\",\"enum\":[\"a\"],"
        "\"enumNames\":[\"A\"]},\"n\":{\"type\":\"number\",\"default\":2.5}},"
        "\"required\":[\"legacy\"],\"additionalProperties\":false}"));
    const gantry_json *answer = NULL;
    int64_t none;
    double n;
    gn_arena_init(&arena, 1 << 20);
    check_written(form, GN_REV_2025_11_25,
                  "{\"type\":\"object\",\"properties\":{\"legacy\":{\"type\":\"string\","
                  "\"enum\":[\"a\"],\"enumNames\":[\"A\"]},\"n\":{\"type\":\"number\","
                  "\"default\":2.5}},\"required\":[\"legacy\"]}");
    const void *ret = read_form(form, GN_REV_LATEST, "{\"legacy\":\"a\",\"more\":1}", 0, &arena,
                                &err);
    cr_assert_not_null(ret, "%s", err.text);
    gn_form_give(form, ret, &answer);
    cr_assert_eq(gn_json_count(answer), 2);
    cr_assert(gn_json_streq(gn_json_get(answer, "legacy"), "a"));
    cr_assert(gn_json_num(gn_json_get(answer, "n"), &n) && n > 2.4 && n < 2.6);
    cr_assert_not(gn_json_int(gn_json_get(answer, "more"), &none));
    cr_assert_null(read_form(form, GN_REV_LATEST, "{\"legacy\":\"b\"}", 0, &arena, &err));
    cr_assert_null(
        read_form(form, GN_REV_LATEST, "{\"legacy\":\"a\",\"n\":\"3\"}", 0, &arena, &err));
    cr_assert_not_null(read_form(form, GN_REV_LATEST, "{\"legacy\":\"a\",\"n\":\"3\"}",
                                 GN_COERCE_TEXT, &arena, &err));
    gn_arena_release(&arena);
    gn_form_unref(form);
}

struct inner {
    int64_t x;
};
struct odd {
    const char *text;
    const gantry_json *json;
    gantry_strings texts;
    gantry_ints ints;
    struct inner inner;
};
static const gantry_arg inner_args[] = {GANTRY_ARG(struct inner, x, NULL), GANTRY_ARGS_END};

static const gantry_arg both[] = {
    GANTRY_ARG(struct odd, text, NULL, GANTRY_ONE_OF("a"), .length = {1, 2}), GANTRY_ARGS_END};

Test(form, what_mcp_has_no_forms_for_is_refused_by_name)
{
    static const gantry_arg pattern[] = {GANTRY_ARG(struct odd, text, NULL, .pattern = "^a"),
                                         GANTRY_ARGS_END};
    static const gantry_arg format[] = {GANTRY_ARG(struct odd, text, NULL, .format = "uuid"),
                                        GANTRY_ARGS_END};
    static const gantry_arg json[] = {GANTRY_ARG(struct odd, json, NULL), GANTRY_ARGS_END};
    static const gantry_arg texts[] = {GANTRY_ARG(struct odd, texts, NULL), GANTRY_ARGS_END};
    static const gantry_arg ints[] = {GANTRY_ARG(struct odd, ints, NULL), GANTRY_ARGS_END};
    static const gantry_arg nested[] = {GANTRY_ARG_OBJECT(struct odd, inner, inner_args, NULL),
                                        GANTRY_ARGS_END};
    const struct {
        const gantry_form *form;
        const char *problem;
    } wrong[] = {
        {GANTRY_FORM(struct odd, pattern), "field \"text\": MCP's forms have no \"pattern\""},
        {GANTRY_FORM(struct odd, format), "field \"text\": MCP's forms have the formats"},
        {GANTRY_FORM(struct odd, json), "field \"json\": MCP's forms are flat"},
        {GANTRY_FORM(struct odd, texts), "field \"texts\": MCP's forms have arrays only"},
        {GANTRY_FORM(struct odd, ints), "field \"ints\": MCP's forms have arrays only"},
        {GANTRY_FORM(struct odd, nested), "field \"inner\": MCP's forms are flat"},
        {GANTRY_FORM(struct odd, both), "field \"text\": MCP's forms have no \"minLength\""},
        {GANTRY_FORM_JSON("{\"type\":\"object\",\"properties\":{\"o\":{\"type\":\"object\"}}}"),
         "field \"o\": MCP's forms are flat: strings, numbers, booleans and choices, not objects"},
        {GANTRY_FORM_JSON("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\","
                          "\"items\":{\"type\":\"object\"}}}}"),
         "field \"a\": MCP's forms have arrays only of strings to choose from"},
        {GANTRY_FORM_JSON("{\"type\":\"object\",\"properties\":{\"s\":{\"type\":\"string\","
                          "\"default\":5}}}"),
         "field \"s\": its default is not a string"},
        {GANTRY_FORM_JSON("{\"type\":\"object\",\"properties\":{},\"anyOf\":[{}]}"),
         "MCP's forms have no \"anyOf\""},
        {GANTRY_FORM_JSON("{\"type\":\"object\",\"properties\":{},\"required\":[\"x\"]}"),
         "required names a field that is not there"},
        {GANTRY_FORM_JSON("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\","
                          "\"items\":{\"enum\":[\"b\"]}},\"a.b\":{\"type\":\"boolean\"}}}"),
         "\"a\": its choice \"b\" is too long, or together they are another field's name"},
        {GANTRY_FORM_JSON("{"), "byte"},
        {GANTRY_FORM_JSON("5"), "a form's schema has \"type\": \"object\" and \"properties\""},
        {&(const gantry_form){.size = sizeof(gantry_form)}, "this one has neither"},
    };
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        struct gn_form *form = NULL;
        struct gn_error err = {0};
        cr_assert_eq(gn_form_make(wrong[i].form, &form, &err), GN_EINVAL, "%zu", i);
        cr_assert_null(form);
        cr_assert(strstr(err.text, wrong[i].problem), "%zu: %s", i, err.text);
    }
}

Test(form, is_made_once_for_what_it_says)
{
    struct gn_forms *forms = NULL;
    struct gn_form *a, *b, *c, *d;
    struct gn_error err = {0};
    const char *colors[] = {"red", "green", NULL};
    char name[32];
    gantry_arg args[] = {GANTRY_ARG(struct person, color, NULL, .one_of = colors), GANTRY_ARGS_END};
    const gantry_form *form = GANTRY_FORM(struct person, args);
    cr_assert_eq(gn_forms_get(&forms, form, &a, &err), 0, "%s", err.text);
    cr_assert_eq(gn_forms_get(&forms, form, &b, &err), 0);
    cr_assert_eq(a, b);
    colors[1] = "blue"; /* the same table in the same place says something else */
    cr_assert_eq(gn_forms_get(&forms, form, &c, &err), 0);
    cr_assert_neq(a, c);
    check_written(c, GN_REV_LATEST,
                  "{\"type\":\"object\",\"properties\":{\"color\":{\"type\":\"string\",\"enum\":["
                  "\"red\",\"blue\"]}},\"required\":[\"color\"]}");
    cr_assert_eq(gn_forms_get(&forms, NULL, &d, &err), 0);
    cr_assert_neq(d, c);
    gn_form_unref(d);
    for (int i = 0; i < 200; i++) { /* more than are kept */
        snprintf(name, sizeof name, "color %d", i);
        colors[1] = name;
        cr_assert_eq(gn_forms_get(&forms, form, &d, &err), 0);
        gn_form_unref(d);
    }
    args[0].pattern = "x";
    cr_assert_eq(gn_forms_get(&forms, form, &d, &err), GN_EINVAL);
    check_written(a, GN_REV_LATEST,
                  "{\"type\":\"object\",\"properties\":{\"color\":{\"type\":\"string\",\"enum\":["
                  "\"red\",\"green\"]}},\"required\":[\"color\"]}");
    gn_form_unref(a);
    gn_form_unref(b);
    gn_form_unref(c);
    gn_forms_free(forms);
}
