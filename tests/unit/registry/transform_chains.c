/* transform_chains.c - tools made from tools that were made themselves: how long such a chain may
 * be, and whom it does not concern. */
#include "registry/registry.h"

#include "call/call.h"
#include "provide.h"
#include "registry/derive.h"
#include "registry/transform.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(transform_chains);

#define LONGEST 16 /* links */

static struct gn_owner one = {.name = "one"}, two = {.name = "two"};

static int run(gantry_call *call, const void *in)
{
    (void)call, (void)in;
    return GANTRY_OK;
}

static struct gn_component *plain(struct gn_owner *owner, const char *key)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    c->key = gn_strdup(key);
    c->name = gn_strdup(key);
    c->owner = owner;
    c->run = run;
    return c;
}

static void free_from(struct gn_from *from)
{
    gn_from_free(from);
}

static struct gn_component *made(struct gn_owner *owner, const char *key, const char *parent)
{
    struct gn_component *c = plain(owner, key);
    c->run = NULL;
    c->from = gn_from_new();
    c->from->parent = gn_strdup(parent);
    c->free_from = free_from;
    return c;
}

/* Links `first` to `last`, each made from the one before: PREFIX01, PREFIX02, ... The prefix sets
 * the order in which they are looked at. */
static void put_chain(struct gn_edit *e, struct gn_owner *owner, int first, int last,
                      const char *(*name)(int link, char out[16]))
{
    char key[16], parent[16];
    for (int i = first; i <= last; i++)
        put(e,
            i == 0 ? plain(owner, name(i, key)) : made(owner, name(i, key), name(i - 1, parent)));
}

static const char *outermost_last(int link, char out[16])
{
    snprintf(out, 16, "t%03d", link);
    return out;
}

static const char *outermost_first(int link, char out[16])
{
    snprintf(out, 16, "t%03d", 999 - link);
    return out;
}

static bool is_served(struct gn_registry *r, const char *key)
{
    return gn_snapshot_find(gn_registry_current(r), GN_TOOL, key) != NULL;
}

Test(transform_chains, are_as_long_whatever_their_names)
{
    const char *(*const names[])(int link, char out[16]) = {outermost_last, outermost_first};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        char key[16];
        struct gn_registry *r = gn_registry_new();
        struct gn_edit *e = gn_edit_begin(r);
        put_chain(e, &one, 0, LONGEST + 3, names[i]);
        gn_edit_commit(e);
        for (int link = 0; link <= LONGEST + 3; link++)
            cr_expect_eq(is_served(r, names[i](link, key)), link <= LONGEST, "%zu: %d", i, link);
        gn_registry_free(r);
    }
}

Test(transform_chains, do_not_break_where_another_plugin_makes_them_longer)
{
    char key[16];
    struct gn_error err = {0};
    struct gn_registry *r = gn_registry_new();
    struct gn_edit *e = gn_edit_begin(r);
    put_chain(e, &one, 0, 5, outermost_first);
    cr_assert_eq(gn_edit_check(e, &err), 0, "%s", err.text);
    gn_edit_commit(e);
    e = gn_edit_begin(r);
    put_chain(e, &two, 6, LONGEST + 4, outermost_first);
    cr_expect_eq(gn_edit_check(e, &err), GN_EINVAL);
    const char *first = "tool t979: it is made from too long a chain of tools; tool t980: ";
    cr_expect_eq(strncmp(err.text, first, strlen(first)), 0, "%s", err.text);
    gn_edit_commit(e);
    for (int link = 0; link <= LONGEST + 4; link++)
        cr_expect_eq(is_served(r, outermost_first(link, key)), link <= LONGEST, "%d", link);
    gn_registry_free(r);
}

Test(transform_chains, that_lead_back_are_told_however_long)
{
    for (int length = 2; length <= LONGEST + 8; length += 11) {
        char key[16], parent[16];
        struct gn_error err = {0};
        struct gn_registry *r = gn_registry_new();
        struct gn_edit *e = gn_edit_begin(r);
        put_chain(e, &one, 1, length - 1, outermost_first);
        put(e, made(&one, outermost_first(0, key), outermost_first(length - 1, parent)));
        put(e, plain(&one, "alone"));
        cr_expect_eq(gn_edit_check(e, &err), GN_EINVAL);
        gn_edit_commit(e);
        cr_expect(is_served(r, "alone"));
        cr_expect_not(is_served(r, key));
        gn_registry_free(r);
    }
}

static void on_problem(void *arg, enum gn_level level, const char *text)
{
    struct gn_buf *told = arg;
    (void)level;
    gn_buf_addf(told, "%s\n", text);
}

Test(transform_chains, what_waits_for_its_parent_is_not_meant_by_a_name_that_is_missing)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_buf told = GN_BUF_INIT(4096);
    struct gn_transform *t = gn_transform_new(GN_TRANSFORM_RENAME, "names");
    gn_map_put(&t->renames, "waits", gn_strdup("here"));
    gn_registry_settle(r);
    gn_registry_on_problem(r, on_problem, &told);
    struct gn_edit *e = gn_edit_begin(r);
    put(e, made(&one, "waits", "nothing"));
    gn_edit_transforms(e, NULL, &t, 1);
    gn_transform_unref(t);
    gn_edit_commit(e);
    cr_expect_str_eq(gn_buf_str(&told),
                     "plugin one: tool waits is made from nothing, and there is no tool of that "
                     "name\nnames: there is no tool, prompt or resource waits\n");
    gn_buf_release(&told);
    gn_registry_free(r);
}
