/* transform_prefix.c - names of a second instance of one plugin are what clients take. */
#include "plugin/prefix.h"

#include "plugin/bench.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(transform_prefix);

#define SIXTY "s______________________________________________________sixty"

static struct bench b;

/* The key of a component that the plugin calls `own`; owned by the caller. */
static char *imported(enum gn_kind kind, const char *own)
{
    struct gn_component *c = gn_component_new(kind);
    struct gn_error err = {0};
    c->key = gn_strdup(own);
    c->name = gn_strdup(own);
    cr_assert_eq(gn_prefix_component(b.g, c, &err), 0, "%s", err.text);
    if (kind != GN_RESOURCE)
        cr_assert_str_eq(c->name, c->key);
    char *key = gn_strdup(c->key);
    gn_component_unref(c);
    return key;
}

static void open_with(const char *prefix)
{
    bench_open(&b);
    b.g->prefix = gn_strdup(prefix);
}

Test(transform_prefix, names_are_those_of_the_instance_and_the_plugin)
{
    open_with("two");
    GN_AUTO_FREE char *tool = imported(GN_TOOL, "look");
    GN_AUTO_FREE char *prompt = imported(GN_PROMPT, "look-up");
    GN_AUTO_FREE char *path = imported(GN_RESOURCE, "a://b/c");
    GN_AUTO_FREE char *plain = imported(GN_RESOURCE, "a:b");
    cr_assert_str_eq(tool, "two_look");
    cr_assert_str_eq(prompt, "two_look-up");
    cr_assert_str_eq(path, "a://two/b/c");
    cr_assert_str_eq(plain, "a:two:b");
    cr_assert_str_eq(gn_buf_str(&b.lines), "");
    bench_close(&b);
}

Test(transform_prefix, a_name_that_gets_too_long_ends_in_a_hash_and_is_logged)
{
    open_with("two");
    GN_AUTO_FREE char *one = imported(GN_TOOL, SIXTY "_1");
    GN_AUTO_FREE char *other = imported(GN_TOOL, SIXTY "_2");
    GN_AUTO_FREE char *again = gn_prefix_key(b.g, GN_TOOL, SIXTY "_1");
    cr_assert(strlen(one) == 64 && strlen(other) == 64);
    cr_assert(gn_starts_with(one, "two_s___") && !gn_streq(one, other));
    cr_assert_str_eq(one, again, "the plugin finds it under the name it declared");
    GN_AUTO_FREE char *line = gn_format(
        "tool two_%s_1 is not what all clients take as a name: it is "
        "served as %s\n",
        SIXTY, one);
    cr_assert(strstr(gn_buf_str(&b.lines), line), "%s", gn_buf_str(&b.lines));
    bench_close(&b);
}

Test(transform_prefix, one_that_just_fits_is_as_it_was)
{
    open_with("two");
    GN_AUTO_FREE char *name = imported(GN_TOOL, SIXTY);
    cr_assert_str_eq(name, "two_" SIXTY);
    cr_assert_str_eq(gn_buf_str(&b.lines), "");
    bench_close(&b);
}

Test(transform_prefix, characters_that_clients_refuse_are_replaced)
{
    open_with("in.two");
    GN_AUTO_FREE char *tool = imported(GN_TOOL, "a.b");
    GN_AUTO_FREE char *prompt = imported(GN_PROMPT, "c d");
    cr_assert_str_eq(tool, "in_two_a_b");
    cr_assert_str_eq(prompt, "in_two_c_d");
    cr_assert(strstr(gn_buf_str(&b.lines),
                     "tool in.two_a.b is not what all clients take as a name: "
                     "it is served as in_two_a_b\n"),
              "%s", gn_buf_str(&b.lines));
    bench_close(&b);
}

Test(transform_prefix, names_that_an_author_chose_are_kept_and_logged)
{
    bench_open(&b);
    GN_AUTO_FREE char *dotted = imported(GN_TOOL, "a.b");
    GN_AUTO_FREE char *longer = imported(GN_TOOL, SIXTY SIXTY);
    GN_AUTO_FREE char *plain = imported(GN_TOOL, "look");
    GN_AUTO_FREE char *prompt = imported(GN_PROMPT, "any name.at all");
    cr_assert_str_eq(dotted, "a.b");
    cr_assert_str_eq(longer, SIXTY SIXTY);
    cr_assert_str_eq(plain, "look");
    cr_assert_str_eq(prompt, "any name.at all");
    cr_assert_str_eq(gn_buf_str(&b.lines),
                     "inst: tool a.b: its name has a dot, which some clients refuse\n"
                     "inst: tool " SIXTY SIXTY
                     ": its name is longer than 64, which some clients refuse\n");
    bench_close(&b);
}
