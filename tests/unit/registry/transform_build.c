/* transform_build.c - from sources to what viewers see. */
#include "registry/registry.h"

#include "call/call.h"
#include "provide.h"
#include "registry/transform.h"
#include "registry/view.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(transform_build);

static struct gn_owner one = {.name = "one"}, two = {.name = "two"};

static struct gn_component *tagged(struct gn_component *c, const char *tag)
{
    c->tags = gn_calloc(2, sizeof *c->tags);
    c->tags[0] = gn_strdup(tag);
    return c;
}

static struct gn_component *versioned(struct gn_component *c, const char *version)
{
    c->version = gn_strdup(version);
    return c;
}

/* A list that a transform owns. */
static char **texts(const char *text)
{
    char **v = gn_calloc(2, sizeof *v);
    v[0] = gn_strdup(text);
    return v;
}

static struct gn_transform *transform(enum gn_transform_type type, const char *name)
{
    static uint64_t order;
    struct gn_transform *t = gn_transform_new(type, name);
    t->order = order++;
    return t;
}

static struct gn_transform *space(const char *prefix, const char *plugin)
{
    struct gn_transform *t = transform(GN_TRANSFORM_NAMESPACE, prefix);
    t->prefix = gn_strdup(prefix);
    t->match.plugins = plugin ? texts(plugin) : NULL;
    return t;
}

/* The operator's transforms are these; takes them over. */
static uint32_t set(struct gn_registry *r, size_t count, struct gn_transform **v)
{
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_transforms(e, NULL, v, count);
    for (size_t i = 0; i < count; i++)
        gn_transform_unref(v[i]);
    return gn_edit_commit(e);
}

#define SET(r, ...)                                                                                \
    set((r), sizeof((struct gn_transform *[]){__VA_ARGS__}) / sizeof(void *),                      \
        (struct gn_transform *[]){__VA_ARGS__})

/* What is listed, "kind key, ...", in order; owned by the caller. */
static char *listed(const struct gn_snapshot *s)
{
    struct gn_buf text = GN_BUF_INIT(1u << 20);
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        for (size_t i = 0; i < s->kinds[kind].count; i++)
            gn_buf_addf(&text, "%s%s", text.len ? " " : "", s->kinds[kind].v[i]->key);
    }
    return gn_buf_take(&text, NULL);
}

static void check_list(const struct gn_snapshot *s, const char *expected)
{
    GN_AUTO_FREE char *text = listed(s);
    cr_assert_str_eq(text ? text : "", expected);
}

#define CHECK(r, expected) check_list(gn_registry_current(r), (expected))

static struct gn_snapshot *seen_by(struct gn_registry *r, const char *principal)
{
    struct gn_viewer viewer = {.principal = principal};
    return gn_registry_view(r, &viewer);
}

struct told {
    struct gn_buf text;
};

static void on_problem(void *arg, enum gn_level level, const char *text)
{
    struct told *t = arg;
    (void)level;
    gn_buf_addf(&t->text, "%s\n", text);
}

static void check_told(struct told *t, const char *expected)
{
    cr_assert_str_eq(gn_buf_str(&t->text), expected);
    gn_buf_clear(&t->text);
}

/* ---------------------------------------------------------------- namespaces and names */

Test(transform_build, a_namespace_is_before_names_and_in_the_path_of_uris)
{
    struct gn_registry *r = gn_registry_new();
    publish(r, component(GN_TOOL, &one, "forecast"));
    publish(r, component(GN_TOOL, &two, "greet"));
    publish(r, component(GN_RESOURCE, &one, "data://stations"));
    publish(r, component(GN_RESOURCE, &one, "urn:isbn"));
    publish(r, component(GN_TEMPLATE, &one, "data://city/{name}"));
    publish(r, component(GN_PROMPT, &one, "ask"));
    SET(r, space("wx", "one"));
    CHECK(r, "greet wx_forecast data://wx/stations urn:wx:isbn data://wx/city/{name} wx_ask");
    SET(r, space("wx", "one"), space("all", NULL));
    CHECK(r, "all_greet all_wx_forecast data://all/wx/stations urn:all:wx:isbn "
             "data://all/wx/city/{name} all_wx_ask");
    gn_registry_free(r);
}

Test(transform_build, a_plugin_sees_the_uris_that_it_knows)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_arena arena;
    struct gn_buf uri = GN_BUF_INIT(4096);
    const gantry_json *vars;
    publish(r, component(GN_RESOURCE, &one, "data://stations"));
    publish(r, component(GN_TEMPLATE, &one, "data://city/{name}"));
    SET(r, space("wx", NULL), space("all", NULL));
    struct gn_snapshot *s = gn_registry_current(r);
    gn_arena_init(&arena, 1u << 20);
    struct gn_component *c = gn_snapshot_resolve(s, "data://all/wx/city/Rom%20e", &arena, &vars);
    cr_assert_str_eq(gn_component_inner_uri(c, "data://all/wx/city/Rom%20e", &arena),
                     "data://city/Rom%20e");
    c = gn_snapshot_resolve(s, "data://all/wx/stations", &arena, &vars);
    cr_assert_str_eq(gn_component_inner_uri(c, "data://all/wx/stations", &arena),
                     "data://stations");
    cr_assert_null(gn_snapshot_resolve(s, "data://stations", &arena, &vars));
    /* And back. */
    cr_assert_eq(gn_registry_served_uri(r,
                                        gn_registry_source(r, &one, GN_RESOURCE, "data://stations"),
                                        "data://stations", &uri),
                 0);
    cr_assert_str_eq(gn_buf_str(&uri), "data://all/wx/stations");
    gn_buf_clear(&uri);
    cr_assert_eq(
        gn_registry_served_uri(r, gn_registry_source(r, &one, GN_TEMPLATE, "data://city/{name}"),
                               "data://city/Oslo", &uri),
        0);
    cr_assert_str_eq(gn_buf_str(&uri), "data://all/wx/city/Oslo");
    gn_buf_release(&uri);
    gn_arena_release(&arena);
    gn_registry_free(r);
}

Test(transform_build, a_namespace_tells_two_of_one_name_apart)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_error err = {0};
    SET(r, space("b", "two"));
    publish(r, component(GN_TOOL, &one, "greet"));
    struct gn_edit *e = gn_edit_begin(r);
    put(e, component(GN_TOOL, &two, "greet"));
    cr_assert_eq(gn_edit_check(e, &err), 0, "%s", err.text);
    gn_edit_commit(e);
    CHECK(r, "b_greet greet");
    /* Without it there would be two: such a configuration is refused. */
    e = gn_edit_begin(r);
    struct gn_transform *other = space("c", "three");
    gn_edit_transforms(e, NULL, &other, 1);
    gn_transform_unref(other);
    cr_assert_eq(gn_edit_check(e, &err), GN_EEXIST);
    cr_assert_str_eq(err.text, "tool greet: plugin one has one of that name");
    gn_edit_abort(e);
    e = gn_edit_begin(r);
    gn_edit_transforms(e, NULL, NULL, 0);
    cr_assert_eq(gn_edit_check(e, &err), GN_EEXIST, "nor are none");
    gn_edit_abort(e);
    CHECK(r, "b_greet greet");
    gn_registry_free(r);
}

Test(transform_build, who_had_a_name_keeps_it_when_reloaded)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_error err = {0};
    struct gn_owner one_later = {.name = "one"}, two_later = {.name = "two"};
    SET(r, space("b", "two"));
    publish(r, component(GN_TOOL, &one, "greet"));
    publish(r, component(GN_TOOL, &two, "greet"));
    SET(r, space("c", "three"));
    cr_assert_eq(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "greet")->owner, &one);
    const struct {
        struct gn_owner *old, *now;
    } reloads[] = {{&one, &one_later}, {&two, &two_later}};
    for (size_t i = 0; i < GN_COUNT(reloads); i++) {
        struct gn_edit *e = gn_edit_begin(r);
        gn_edit_remove_owner(e, reloads[i].old);
        put(e, component(GN_TOOL, reloads[i].now, "greet"));
        cr_expect_eq(gn_edit_check(e, &err), 0, "%s", err.text);
        gn_edit_commit(e);
        cr_expect_eq(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "greet")->owner, &one_later);
    }
    gn_registry_free(r);
}

Test(transform_build, names_that_are_made_too_long_are_shortened_and_told)
{
    struct gn_registry *r = gn_registry_new();
    struct told told = {GN_BUF_INIT(1u << 16)};
    char name[61];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    gn_registry_on_problem(r, on_problem, &told);
    publish(r, component(GN_TOOL, &one, name));
    SET(r, space("weather", NULL));
    const struct gn_snapshot_kind *k = &gn_registry_current(r)->kinds[GN_TOOL];
    cr_assert_eq(k->count, 1);
    cr_assert_leq(strlen(k->v[0]->key), 64);
    cr_assert_eq(strncmp(k->v[0]->key, "weather_nnn", 11), 0);
    cr_assert_not_null(strstr(gn_buf_str(&told.text), "it is served as weather_nnn"));
    gn_buf_clear(&told.text);
    publish(r, component(GN_TOOL, &one, "other"));
    check_told(&told, ""); /* what is known is not told again */
    gn_buf_release(&told.text);
    gn_registry_free(r);
}

static struct gn_transform *renames(const char *from, const char *to)
{
    struct gn_transform *t = transform(GN_TRANSFORM_RENAME, "transforms[0]");
    gn_map_put(&t->renames, from, gn_strdup(to));
    return t;
}

Test(transform_build, a_table_renames_and_the_old_name_is_gone)
{
    struct gn_registry *r = gn_registry_new();
    publish(r, component(GN_TOOL, &one, "greet"));
    publish(r, component(GN_RESOURCE, &one, "data://a"));
    SET(r, renames("greet", "say_hello"), renames("data://a", "info://b"));
    CHECK(r, "say_hello info://b");
    cr_assert_null(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "greet"));
    struct gn_viewer nobody = {0};
    cr_assert_not_null(gn_registry_reach(r, &nobody, "say_hello"));
    cr_assert_not_null(gn_registry_reach(r, &nobody, "greet"), "as plugins know it");
    gn_registry_free(r);
}

Test(transform_build, what_a_table_names_and_nobody_has_is_told_once_all_is_loaded)
{
    struct gn_registry *r = gn_registry_new();
    struct told told = {GN_BUF_INIT(1u << 16)};
    gn_registry_on_problem(r, on_problem, &told);
    publish(r, component(GN_TOOL, &one, "greet"));
    SET(r, renames("great", "say_hello"));
    check_told(&told, "");
    gn_registry_settle(r);
    check_told(&told, "transforms[0]: there is no tool, prompt or resource great (did you mean "
                      "greet?)\n");
    publish(r, component(GN_TOOL, &one, "great"));
    CHECK(r, "greet say_hello");
    gn_buf_release(&told.text);
    gn_registry_free(r);
}

Test(transform_build, what_a_rule_names_and_nobody_has_is_told_too)
{
    struct gn_registry *r = gn_registry_new();
    struct told told = {GN_BUF_INIT(1u << 16)};
    struct gn_transform *name = transform(GN_TRANSFORM_DISABLE, "transforms[0]"),
                        *plugin = space("a", "ome"),
                        *any = transform(GN_TRANSFORM_DISABLE, "transforms[2]"),
                        *search = transform(GN_TRANSFORM_SEARCH, "transforms[3]");
    gn_registry_on_problem(r, on_problem, &told);
    name->match.names = texts("great");
    any->match.names = texts("gone_*");
    search->always = texts("forecast");
    publish(r, component(GN_TOOL, &one, "greet"));
    SET(r, name, plugin, any, search);
    check_told(&told, "");
    gn_registry_settle(r);
    check_told(&told, "transforms[0]: there is no tool, prompt or resource great (did you mean "
                      "greet?)\na: nothing is from a plugin ome (did you mean one?)\n"
                      "transforms[3]: there is no tool, prompt or resource forecast\n");
    publish(r, component(GN_TOOL, &two, "great"));
    check_told(&told, "");
    gn_buf_release(&told.text);
    gn_registry_free(r);
}

Test(transform_build, what_goes_with_everything_is_not_missed)
{
    struct gn_registry *r = gn_registry_new();
    struct told told = {GN_BUF_INIT(1u << 16)};
    gn_registry_on_problem(r, on_problem, &told);
    publish(r, component(GN_TOOL, &one, "greet"));
    SET(r, renames("greet", "say_hello"));
    gn_registry_settle(r);
    gn_registry_unsettle(r);
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_remove_owner(e, &one);
    (void)gn_edit_commit(e);
    check_told(&told, "");
    gn_buf_release(&told.text);
    gn_registry_free(r);
}

Test(transform_build, a_conflict_tells_which_transform_gave_the_name)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_error err = {0};
    publish(r, component(GN_TOOL, &one, "greet"));
    SET(r, renames("salute", "greet"));
    struct gn_edit *e = gn_edit_begin(r);
    put(e, component(GN_TOOL, &two, "salute"));
    cr_assert_eq(gn_edit_check(e, &err), GN_EEXIST);
    cr_assert_str_eq(err.text, "tool greet (salute of plugin two, by transforms[0]): plugin "
                               "one has one of that name");
    gn_edit_abort(e);
    gn_registry_free(r);
}

Test(transform_build, a_conflict_tells_how_many_more_there_are)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_error err = {0};
    const char *const names[] = {"a", "b", "c"};
    struct gn_edit *e = gn_edit_begin(r);
    for (size_t i = 0; i < GN_COUNT(names); i++)
        put(e, component(GN_TOOL, &one, names[i]));
    gn_edit_commit(e);
    e = gn_edit_begin(r);
    for (size_t i = 0; i < GN_COUNT(names); i++)
        put(e, component(GN_TOOL, &two, names[i]));
    cr_assert_eq(gn_edit_check(e, &err), GN_EEXIST);
    cr_assert_str_eq(err.text,
                     "tool a: plugin one has one of that name (and 2 more that have names "
                     "of others)");
    gn_edit_abort(e);
    gn_registry_free(r);
}

Test(transform_build, of_many_names_that_nobody_has_a_few_are_told_with_a_hint)
{
    struct gn_registry *r = gn_registry_new();
    struct told told = {GN_BUF_INIT(1u << 20)};
    struct gn_transform *t = transform(GN_TRANSFORM_RENAME, "names");
    size_t lines = 0, hints = 0;
    for (int i = 0; i < 300; i++) {
        GN_AUTO_FREE char *from = gn_format("forecast%03d", i), *to = gn_format("to%d", i);
        gn_map_put(&t->renames, from, gn_strdup(to));
    }
    publish(r, component(GN_TOOL, &one, "forecast"));
    publish(r, component(GN_TOOL, &one, "forecast00x"));
    gn_registry_settle(r);
    gn_registry_on_problem(r, on_problem, &told);
    SET(r, t);
    for (const char *s = gn_buf_str(&told.text); (s = strchr(s, '\n')); s++)
        lines++;
    for (const char *s = gn_buf_str(&told.text); (s = strstr(s, "did you mean")); s++)
        hints++;
    cr_expect_eq(lines, 200, "%zu", lines);
    cr_expect_eq(hints, 16, "%zu", hints);
    gn_buf_release(&told.text);
    gn_registry_free(r);
}

Test(transform_build, names_that_mcp_does_not_allow_are_not_given)
{
    struct gn_registry *r = gn_registry_new();
    struct told told = {GN_BUF_INIT(1u << 16)};
    gn_registry_on_problem(r, on_problem, &told);
    publish(r, component(GN_TOOL, &one, "greet"));
    SET(r, renames("greet", "say hello"));
    CHECK(r, "greet");
    check_told(&told, "transforms[0]: tool greet to say hello: its new name is not 1 to 128 of A-Z "
                      "a-z 0-9 _ - .\n");
    gn_buf_release(&told.text);
    gn_registry_free(r);
}

/* ---------------------------------------------------------------- rules */

static struct gn_transform *rule(enum gn_transform_type type, const char *names, const char *tags)
{
    struct gn_transform *t = transform(type, "rule");
    t->match.names = names ? texts(names) : NULL;
    t->match.tags = tags ? texts(tags) : NULL;
    return t;
}

static void publish_abc(struct gn_registry *r)
{
    publish(r, tagged(component(GN_TOOL, &one, "a"), "x"));
    publish(r, tagged(component(GN_TOOL, &one, "b"), "x"));
    publish(r, component(GN_TOOL, &two, "c"));
    publish(r, component(GN_PROMPT, &two, "p"));
}

Test(transform_build, of_several_rules_the_last_counts)
{
    struct gn_registry *r = gn_registry_new();
    publish_abc(r);
    SET(r, rule(GN_TRANSFORM_DISABLE, NULL, "x"), rule(GN_TRANSFORM_ENABLE, "a", NULL));
    CHECK(r, "a c p");
    SET(r, rule(GN_TRANSFORM_ENABLE, "a", NULL), rule(GN_TRANSFORM_DISABLE, NULL, "x"));
    CHECK(r, "c p");
    cr_assert_null(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "a"));
    gn_registry_free(r);
}

Test(transform_build, criteria_of_one_rule_must_all_hold)
{
    struct gn_registry *r = gn_registry_new();
    publish_abc(r);
    struct gn_transform *t = rule(GN_TRANSFORM_DISABLE, "b", "x");
    t->match.plugins = texts("two");
    SET(r, t);
    CHECK(r, "a b c p");
    t = rule(GN_TRANSFORM_DISABLE, NULL, NULL);
    t->match.kinds = 1u << GN_PROMPT;
    SET(r, t);
    CHECK(r, "a b c");
    gn_registry_free(r);
}

Test(transform_build, only_leaves_what_it_matches)
{
    struct gn_registry *r = gn_registry_new();
    publish_abc(r);
    struct gn_transform *t = rule(GN_TRANSFORM_ONLY, "a*", NULL);
    t->match.kinds = 1u << GN_TOOL;
    SET(r, t);
    CHECK(r, "a p");
    SET(r, rule(GN_TRANSFORM_ONLY, NULL, "x"));
    CHECK(r, "a b");
    gn_registry_free(r);
}

/* ---------------------------------------------------------------- principals */

Test(transform_build, a_rule_for_principals_is_for_them_alone)
{
    struct gn_registry *r = gn_registry_new();
    publish_abc(r);
    struct gn_transform *t = rule(GN_TRANSFORM_ENABLE, "b", NULL);
    t->principals = texts("alice");
    SET(r, rule(GN_TRANSFORM_DISABLE, NULL, "x"), t);
    check_list(seen_by(r, NULL), "c p");
    check_list(seen_by(r, "bob"), "c p");
    check_list(seen_by(r, "alice"), "b c p");
    cr_assert(gn_registry_current(r)->kinds[GN_TOOL].varies);
    cr_assert_eq(seen_by(r, "alice"), seen_by(r, "alice"), "it is kept");
    cr_assert_eq(seen_by(r, "bob"), gn_registry_current(r), "who is not named sees what all see");
    publish(r, component(GN_TOOL, &one, "d"));
    check_list(seen_by(r, "alice"), "b c d p");
    gn_registry_free(r);
}

Test(transform_build, without_such_rules_all_see_one_snapshot)
{
    struct gn_registry *r = gn_registry_new();
    publish_abc(r);
    SET(r, rule(GN_TRANSFORM_DISABLE, NULL, "x"));
    cr_assert_eq(seen_by(r, "alice"), gn_registry_current(r));
    cr_assert_not(gn_registry_current(r)->kinds[GN_TOOL].varies);
    gn_registry_free(r);
}

static bool is_mine(const gantry_component *c, const char *principal, void *data)
{
    size_t *asked = data;
    ++*asked;
    return principal && strcmp(c->name, principal) == 0;
}

Test(transform_build, a_predicate_is_asked_for_each_principal_once)
{
    struct gn_registry *r = gn_registry_new();
    size_t asked = 0;
    publish_abc(r);
    struct gn_transform *t = rule(GN_TRANSFORM_ENABLE, NULL, NULL);
    t->concerns = is_mine;
    t->data = &asked;
    SET(r, rule(GN_TRANSFORM_DISABLE, NULL, "x"), t);
    check_list(seen_by(r, "a"), "a c p");
    check_list(seen_by(r, "b"), "b c p");
    size_t before = asked;
    check_list(seen_by(r, "a"), "a c p");
    cr_assert_eq(asked, before);
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_touch(e);
    cr_assert(gn_edit_commit(e) & 1u << GN_TOOL, "what it goes by may have changed");
    check_list(seen_by(r, "a"), "a c p");
    cr_assert_gt(asked, before);
    gn_registry_free(r);
}

Test(transform_build, more_principals_than_are_kept_come_and_go)
{
    struct gn_registry *r = gn_registry_new();
    char name[16];
    publish_abc(r);
    size_t asked = 0;
    struct gn_transform *t = rule(GN_TRANSFORM_ENABLE, NULL, NULL);
    t->concerns = is_mine;
    t->data = &asked;
    SET(r, rule(GN_TRANSFORM_DISABLE, NULL, "x"), t);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "user%d", i % 150);
        check_list(seen_by(r, name), "c p");
    }
    check_list(seen_by(r, "a"), "a c p");
    gn_registry_free(r);
}

Test(transform_build, a_tool_for_one_principal_stands_before_that_for_all)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_error err = {0};
    struct gn_component *own = component(GN_TOOL, &one, "greet");
    own->principal = gn_strdup("alice");
    own->title = gn_strdup("for Alice");
    struct gn_edit *e = gn_edit_begin(r);
    put(e, component(GN_TOOL, &one, "greet"));
    put(e, own);
    cr_assert_eq(gn_edit_check(e, &err), 0, "%s", err.text);
    gn_edit_commit(e);
    CHECK(r, "greet");
    check_list(seen_by(r, "alice"), "greet");
    cr_assert_null(gn_snapshot_find(seen_by(r, "bob"), GN_TOOL, "greet")->title);
    cr_assert_str_eq(gn_snapshot_find(seen_by(r, "alice"), GN_TOOL, "greet")->title, "for Alice");
    gn_registry_free(r);
}

/* ---------------------------------------------------------------- sessions */

Test(transform_build, rules_of_a_session_come_last)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_error err = {0};
    int rc;
    publish_abc(r);
    SET(r, rule(GN_TRANSFORM_DISABLE, NULL, "x"));
    struct gn_rules *rules = gn_rules_with(NULL, rule(GN_TRANSFORM_ENABLE, "a", NULL), &rc, &err);
    cr_assert_not_null(rules, "%s", err.text);
    struct gn_viewer viewer = {.rules = rules};
    check_list(gn_registry_view(r, &viewer), "a c p");
    CHECK(r, "c p");
    struct gn_rules *more = gn_rules_with(rules, rule(GN_TRANSFORM_DISABLE, "c", NULL), &rc, &err);
    viewer.rules = more;
    check_list(gn_registry_view(r, &viewer), "p"); /* of one name the last */
    gn_rules_unref(rules);
    gn_rules_unref(more);
    gn_registry_free(r);
}

/* ---------------------------------------------------------------- versions */

Test(transform_build, of_several_versions_the_newest_is_served_and_the_others_can_be_had)
{
    struct gn_registry *r = gn_registry_new();
    publish(r, versioned(component(GN_TOOL, &one, "greet"), "1.9"));
    publish(r, versioned(component(GN_TOOL, &one, "greet"), "1.10"));
    publish(r, versioned(component(GN_TOOL, &two, "greet"), "1.2"));
    const struct gn_snapshot *s = gn_registry_current(r);
    CHECK(r, "greet");
    cr_assert_str_eq(gn_snapshot_find(s, GN_TOOL, "greet")->version, "1.10");
    cr_assert_eq(gn_snapshot_find_version(s, GN_TOOL, "greet", "1.2")->owner, &two);
    cr_assert_null(gn_snapshot_find_version(s, GN_TOOL, "greet", "7"));
    cr_assert_str_eq(gn_map_find(&s->kinds[GN_TOOL].versions, "greet"),
                     "[\"1.10\",\"1.9\",\"1.2\"]");
    struct gn_transform *t = rule(GN_TRANSFORM_DISABLE, NULL, NULL);
    t->match.versions = texts("1.10");
    SET(r, t);
    s = gn_registry_current(r);
    cr_assert_str_eq(gn_snapshot_find(s, GN_TOOL, "greet")->version, "1.9");
    cr_assert_null(gn_snapshot_find_version(s, GN_TOOL, "greet", "1.10"));
    gn_registry_free(r);
}

Test(transform_build, one_with_and_one_without_a_version_are_a_conflict)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_error err = {0};
    publish(r, component(GN_TOOL, &one, "greet"));
    struct gn_edit *e = gn_edit_begin(r);
    put(e, versioned(component(GN_TOOL, &two, "greet"), "2"));
    cr_assert_eq(gn_edit_check(e, &err), GN_EEXIST);
    cr_assert_not_null(strstr(err.text, "one with and one without a version"), "%s", err.text);
    gn_edit_abort(e);
    gn_registry_free(r);
}

/* ---------------------------------------------------------------- what is kept, what is told */

Test(transform_build, what_has_not_changed_is_the_same_pointer)
{
    struct gn_registry *r = gn_registry_new();
    publish(r, component(GN_TOOL, &one, "a"));
    publish(r, component(GN_TOOL, &one, "b"));
    SET(r, space("x", NULL), space("y", NULL));
    struct gn_component *a = gn_snapshot_find(gn_registry_current(r), GN_TOOL, "y_x_a");
    cr_assert_not_null(a);
    publish(r, component(GN_TOOL, &one, "c"));
    cr_assert_eq(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "y_x_a"), a);
    struct gn_edit *e = gn_edit_begin(r);
    put(e, component(GN_TOOL, &two, "a"));
    cr_assert_eq(gn_edit_check(e, NULL), GN_EEXIST);
    gn_edit_abort(e);
    cr_assert_eq(gn_snapshot_find(gn_registry_current(r), GN_TOOL, "y_x_a"), a);
    gn_registry_free(r);
}

Test(transform_build, a_change_that_nobody_can_see_is_none)
{
    struct gn_registry *r = gn_registry_new();
    publish_abc(r);
    cr_assert_eq(SET(r, rule(GN_TRANSFORM_DISABLE, "nothing", NULL)), 0);
    cr_assert_eq(SET(r, space("x", "two")), 1u << GN_TOOL | 1u << GN_PROMPT);
    cr_assert_eq(SET(r, space("x", "two")), 0, "another transform that does the same");
    gn_registry_free(r);
}

Test(transform_build, transforms_of_plugins_come_before_those_of_the_operator)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_transform *v[2] = {space("early", NULL), space("late", NULL)};
    publish(r, component(GN_TOOL, &one, "a"));
    SET(r, space("op", NULL));
    v[0]->owner = v[1]->owner = &two;
    v[0]->priority = 5;
    v[1]->priority = 7;
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_transforms(e, &two, (struct gn_transform *[]){v[1], v[0]}, 2);
    gn_edit_commit(e);
    gn_transform_unref(v[0]);
    gn_transform_unref(v[1]);
    CHECK(r, "op_late_early_a");
    e = gn_edit_begin(r);
    gn_edit_remove_owner(e, &two);
    gn_edit_commit(e);
    CHECK(r, "op_a");
    gn_registry_free(r);
}
