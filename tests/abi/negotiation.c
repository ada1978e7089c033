/* negotiation.c - old and new plugins on old and new hosts: real modules, built with made-up
 * headers.
 *
 * "Older" and "newer" are one minor away from this host, as make_headers.py makes them. A host that
 * is older or newer than this one is played by a shorter or longer table.
 */
#include "plugin/bench.h"

#include "util/alloc.h"
#include "util/str.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

GN_SUITE(negotiation);

#define THIS "0.9"
#define NEXT "0.10"
_Static_assert(GANTRY_ABI_MAJOR == 0 && GANTRY_ABI_MINOR == 9,
               "THIS and NEXT are those of the header");

struct world {
    struct bench b;
    void *module;
    struct gn_buf skipped;
    int rc;
};

static void on_skip(void *arg, const char *text)
{
    struct world *w = arg;
    gn_buf_addf(&w->skipped, "%s\n", text);
}

/* Loads build/tests/abi/NAME.so into an instance, on a host that claims to be `abi`. */
static void load(struct world *w, const struct gn_abi *abi, const char *name)
{
    char path[1024];
    bench_open(&w->b);
    w->skipped = GN_BUF_INIT(4096);
    snprintf(path, sizeof path, "%s/%s.so", ABI_PLUGIN_DIR, name);
    w->module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(w->module, "%s", dlerror());
    const gantry_descriptor *d = dlsym(w->module, abi->symbol);
    cr_assert_not_null(d, "%s exports no %s", path, abi->symbol);
    w->b.g->state = GN_GEN_STAGED;
    w->rc = gn_abi_import(abi, d, w->b.g, on_skip, w, &w->b.err);
    if (w->rc == 0) {
        w->b.g->state = GN_GEN_LIVE;
        bench_publish(&w->b, w->b.g);
    }
}

static void unload(struct world *w)
{
    bench_close(&w->b);
    gn_buf_release(&w->skipped);
    cr_assert_eq(dlclose(w->module), 0);
}

static void check_loaded(const struct world *w, size_t components, const char *skipped)
{
    cr_assert_eq(w->rc, 0, "%s", w->b.err.text);
    cr_assert_eq(w->b.g->component_count, components);
    cr_assert_str_eq(gn_buf_str(&w->skipped), skipped);
}

static void check_text(struct world *w, const char *tool, const char *arguments, const char *text)
{
    char expected[512];
    snprintf(expected, sizeof expected, "{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}",
             text);
    const char *got = bench_do(&w->b, GN_TOOL, tool, arguments);
    cr_assert_str_eq(got, expected, "\ngot      %s\nexpected %s", got, expected);
}

/* ---------------------------------------------------------------- the six rows */

Test(negotiation, a_plugin_of_the_same_abi_has_everything)
{
    struct world w;
    load(&w, &gn_abi_current, "hello");
    check_loaded(&w, 1, "");
    cr_assert_str_eq(w.b.g->name, "hello");
    check_text(&w, "greet", "{\"name\":\"Ada\"}", "Hello, Ada!");
    bench_do(&w.b, GN_TOOL, "greet", "{\"name\":\"Ada\",\"times\":9}");
    cr_assert_eq(w.b.outcome, GN_OUT_INVALID);
    unload(&w);
}

Test(negotiation, a_newer_plugin_does_without_what_the_host_lacks)
{
    struct world w;
    load(&w, &gn_abi_current, "newer_plain");
    check_loaded(&w, 1, "");
    check_text(&w, "greet", "{\"name\":\"Ada\"}", "Ada, 2 times, celebrated: -2, can: 0");
    unload(&w);
}

Test(negotiation, a_newer_plugin_that_needs_the_newer_host_is_refused)
{
    struct world w;
    load(&w, &gn_abi_current, "newer_requires");
    cr_assert_eq(w.rc, GN_ENOTSUP);
    cr_assert_str_eq(w.b.err.text, "needs host ABI >= " NEXT "; this host speaks " THIS);
    cr_assert_eq(w.b.g->component_count, 0);
    unload(&w);
}

Test(negotiation, an_older_plugin_with_smaller_structs_works)
{
    struct world w;
    load(&w, &gn_abi_current, "older");
    check_loaded(&w, 3, "");
    check_text(&w, "join", "{\"first\":\"a\"}", "a-none-3");
    check_text(&w, "join", "{\"first\":\"a\",\"second\":\"b\",\"third\":9}", "a-b-9");
    const struct gn_component *c = gn_generation_find(w.b.g, GN_TOOL, "join");
    cr_assert_str_eq(c->title, "Joiner");
    cr_assert(c->read_only == GANTRY_YES && !c->data && !c->free_data && !c->version);
    cr_assert_eq(c->input->count, 3, "its rows are shorter than ours");
    check_text(&w, "pair", "{\"left\":\"a\",\"second\":\"b\"}", "a-b-7");
    bench_do(&w.b, GN_TOOL, "hide", "{}");
    cr_assert_eq(w.b.outcome, GN_OUT_RESULT);
    const struct gn_snapshot *s = gn_registry_current(w.b.registry);
    cr_assert(!gn_snapshot_find(s, GN_TOOL, "join") && gn_snapshot_find(s, GN_TOOL, "pair"));
    unload(&w);
}

Test(negotiation, a_newer_plugin_that_uses_nothing_new_works)
{
    struct world w;
    load(&w, &gn_abi_current, "newer_plain");
    check_loaded(&w, 1, "");
    check_text(&w, "greet", "{\"name\":\"Ada\",\"times\":4}",
               "Ada, 4 times, celebrated: -2, can: 0");
    bench_do(&w.b, GN_TOOL, "greet", "{\"times\":4}");
    cr_assert_eq(w.b.outcome, GN_OUT_INVALID, "its bigger rows were read");
    unload(&w);
}

Test(negotiation, a_component_with_an_unknown_field_is_skipped_by_name)
{
    struct world w;
    load(&w, &gn_abi_current, "newer_tool");
    check_loaded(&w, 1, "tool moody: uses fields newer than this host\n");
    check_text(&w, "greet", "{\"name\":\"Ada\"}", "Ada, 2 times, celebrated: -2, can: 0");
    unload(&w);
    load(&w, &gn_abi_current, "newer_arg");
    check_loaded(&w, 1,
                 "tool measure: argument \"times\" uses an option that this host does not know\n");
    check_text(&w, "greet", "{\"name\":\"Ada\"}", "Ada, 2 times, celebrated: -2, can: 0");
    unload(&w);
    load(&w, &gn_abi_current, "newer_flag");
    check_loaded(&w, 1, "tool solemn: uses flags newer than this host (0x20)\n");
    unload(&w);
}

Test(negotiation, a_made_tool_with_an_unknown_field_is_skipped_by_name)
{
    struct world w;
    load(&w, &gn_abi_current, "newer_from");
    check_loaded(&w, 2, "tool moody: uses fields newer than this host\n");
    check_text(&w, "twin", "{\"name\":\"Ada\"}", "Ada, 2 times, celebrated: -2, can: 0");
    unload(&w);
    load(&w, &gn_abi_current, "newer_change");
    check_loaded(&w, 2, "tool moody: argument times: uses options newer than this host\n");
    check_text(&w, "twin", "{\"who\":\"Ada\"}", "Ada, 2 times, celebrated: -2, can: 0");
    unload(&w);
}

Test(negotiation, a_transform_with_an_unknown_field_refuses_the_plugin)
{
    struct world w;
    load(&w, &gn_abi_current, "newer_transform");
    cr_assert_eq(w.rc, GN_ENOTSUP);
    cr_assert_str_eq(w.b.err.text, "transform quiet: uses fields newer than this host");
    unload(&w);
}

/* ---------------------------------------------------------------- and what follows from them */

Test(negotiation, every_function_of_the_table_is_there)
{
    const size_t first = offsetof(gantry_host, textv);
    _Static_assert(sizeof(gn_host_table.textv) == sizeof(void *), "one word each");
    for (size_t at = first; at < sizeof gn_host_table; at += sizeof(void *)) {
        void *function;
        memcpy(&function, (const char *)&gn_host_table + at, sizeof function);
        cr_expect_not_null(function, "the function at %zu is missing", at);
    }
}

Test(negotiation, a_plugin_with_an_unknown_field_is_refused_as_a_whole)
{
    struct world w;
    load(&w, &gn_abi_current, "newer_plugin");
    cr_assert_eq(w.rc, GN_ENOTSUP);
    cr_assert_str_eq(w.b.err.text, "uses fields newer than this host: built for ABI " NEXT
                                   "; this host speaks " THIS);
    unload(&w);
}

static int celebrate(gantry_call *call, const char *reason)
{
    return gantry_host_->text_add(call, reason, strlen(reason));
}

/* A host of the next minor: the same table and one function more. */
Test(negotiation, a_newer_plugin_finds_the_new_function_on_a_newer_host)
{
    struct {
        gantry_host host;
        int (*celebrate)(gantry_call *, const char *);
    } table = {gn_host_table, celebrate};
    table.host.size = sizeof table;
    table.host.abi_minor++;
    const struct gn_abi abi = {&table.host, GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR + 1,
                               gn_abi_current.symbol};
    struct world w;
    load(&w, &abi, "newer_requires");
    check_loaded(&w, 1, "");
    const char *got = bench_do(&w.b, GN_TOOL, "greet", "{\"name\":\"Ada\"}");
    cr_assert_str_eq(
        got, "{\"content\":[{\"type\":\"text\",\"text\":\"Ada\"},{\"type\":\"text\",\"text\":"
             "\"Ada, 2 times, celebrated: 0, can: 1\"}]}");
    unload(&w);
}

/* A host of the minor before, whose table ends after `size` bytes and says so. */
static struct gn_abi shorter_host(gantry_host *table, size_t size)
{
    memcpy(table, &gn_host_table, sizeof *table);
    table->size = (uint32_t)size;
    memset((char *)table + size, 0xee, sizeof *table - size);
    return (struct gn_abi){table, GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR - 1, gn_abi_current.symbol};
}

Test(negotiation, a_plugin_lives_with_a_shorter_table)
{
    gantry_host table;
    const struct gn_abi abi = shorter_host(&table, offsetof(gantry_host, add_prompt));
    struct world w;
    load(&w, &abi, "hello");
    check_loaded(&w, 1, "");
    check_text(&w, "greet", "{\"name\":\"Ada\"}", "Hello, Ada!");
    unload(&w);
    load(&w, &abi, "newer_plain");
    check_loaded(&w, 1, "");
    check_text(&w, "greet", "{\"name\":\"Ada\"}", "Ada, 2 times, celebrated: -2, can: 0");
    unload(&w);
}

/* A host that ends where the minor before this one did. */
Test(negotiation, what_a_minor_has_brought_is_not_there_on_the_one_before)
{
    gantry_host table;
    const struct gn_abi abi = shorter_host(&table, offsetof(gantry_host, current));
    struct world w;
    load(&w, &abi, "fresh");
    check_loaded(&w, 1, "");
    check_text(&w, "try_all", "{}", "-2 none 1 0 -2 none");
    unload(&w);
    load(&w, &gn_abi_current, "fresh");
    check_loaded(&w, 1, "");
    check_text(&w, "try_all", "{}", "0 Ada 1 0 -11 current");
    unload(&w);
}

Test(negotiation, another_major_is_refused_in_both_directions)
{
    struct gn_abi abi = gn_abi_current;
    struct world w;
    abi.major = 3;
    abi.minor = 4;
    load(&w, &abi, "hello");
    cr_assert_eq(w.rc, GN_ENOTSUP);
    cr_assert_str_eq(w.b.err.text, "built for ABI " THIS "; this host speaks 3.4");
    unload(&w);
}
