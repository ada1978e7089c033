/* Unit tests of request-scoped variables: types, limits, inheritance, destructors, what logs carry,
 * and many calls at a time. */
#include "call/scope.h"

#include "stage.h"
#include "support.h"
#include "util/alloc.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

GN_SUITE(scope);

static struct stage stage;
static char destroyed[256];

static void note_destroyed(void *value)
{
    size_t len = strlen(destroyed);
    cr_assert(gn_loop_is_current(stage.loop));
    snprintf(destroyed + len, sizeof destroyed - len, "%s ", (const char *)value);
}

static const gantry_var user = GANTRY_VAR("user", GANTRY_VALUE_TEXT);
static const gantry_var count = GANTRY_VAR("count", GANTRY_VALUE_INT);
static const gantry_var ratio = GANTRY_VAR("ratio", GANTRY_VALUE_NUM);
static const gantry_var ready = GANTRY_VAR("ready", GANTRY_VALUE_BOOL);
static const gantry_var extra = GANTRY_VAR("extra", GANTRY_VALUE_JSON);
static const gantry_var own = GANTRY_VAR("own", GANTRY_VALUE_POINTER, .destroy = note_destroyed);
static const gantry_var nested = GANTRY_VAR("nested", GANTRY_VALUE_POINTER,
                                            .flags = GANTRY_VAR_NESTED, .destroy = note_destroyed);
static const gantry_var spawned = GANTRY_VAR(
    "spawned", GANTRY_VALUE_POINTER, .flags = GANTRY_VAR_SPAWNED, .destroy = note_destroyed);

static struct gn_call *call_new(void)
{
    struct gn_call *call = gn_call_new(&stage.env, NULL, NULL);
    call->revision = GN_REV_LATEST;
    return call;
}

static struct gn_call *child_of(struct gn_call *parent)
{
    struct gn_call *child = call_new();
    child->parent = gn_call_ref(parent);
    gn_scope_nest(child, parent);
    return child;
}

static int set_text(struct gn_call *call, const gantry_var *var, const char *text)
{
    gantry_value v = gantry_value_text(text);
    return gn_scope_set(call, &stage.a.owner, var, &v);
}

static int set_int(struct gn_call *call, const gantry_var *var, int64_t value)
{
    gantry_value v = gantry_value_int(value);
    return gn_scope_set(call, &stage.a.owner, var, &v);
}

static int set_pointer(struct gn_call *call, struct stage_owner *owner, const gantry_var *var,
                       const char *value)
{
    gantry_value v = gantry_value_pointer((void *)(uintptr_t)value);
    return gn_scope_set(call, &owner->owner, var, &v);
}

/* "" where it is not set. */
static const char *text_of(struct gn_call *call, const gantry_var *var)
{
    gantry_value v;
    return gn_scope_get(call, &stage.a.owner, var, &v) ? "" : v.as.text;
}

static const char *pointer_of(struct gn_call *call, struct stage_owner *owner,
                              const gantry_var *var)
{
    gantry_value v;
    return gn_scope_get(call, &owner->owner, var, &v) ? "" : v.as.pointer;
}

static void open_stage(void)
{
    stage_open(&stage);
    destroyed[0] = '\0';
}

/* ---------------------------------------------------------------- one call */

Test(scope, gives_back_what_was_set)
{
    open_stage();
    struct gn_call *call = call_new();
    struct gn_json_doc doc;
    gantry_value v;
    char text[] = "ada";
    cr_assert_eq(set_text(call, &user, text), GANTRY_OK);
    text[0] = 'X';
    cr_assert_str_eq(text_of(call, &user), "ada");
    cr_assert_eq(set_int(call, &count, INT64_MIN), GANTRY_OK);
    cr_assert_eq(gn_scope_get(call, NULL, &count, &v), GANTRY_OK);
    cr_assert_eq(v.as.integer, INT64_MIN);
    v = gantry_value_num(0.25);
    cr_assert_eq(gn_scope_set(call, NULL, &ratio, &v), GANTRY_OK);
    cr_assert_eq(gn_scope_get(call, NULL, &ratio, &v), GANTRY_OK);
    cr_assert_eq(v.as.number, 0.25);
    v = gantry_value_bool(true);
    cr_assert_eq(gn_scope_set(call, NULL, &ready, &v), GANTRY_OK);
    cr_assert_eq(gn_scope_get(call, NULL, &ready, &v), GANTRY_OK);
    cr_assert_eq(v.as.integer, 1);
    cr_assert_eq(gn_json_parse_copy(&doc, "{\"a\":[1,2.50]}", 14, NULL, NULL), 0);
    v = gantry_value_json(gn_json_root(&doc));
    cr_assert_eq(gn_scope_set(call, NULL, &extra, &v), GANTRY_OK);
    gn_json_release(&doc);
    cr_assert_eq(gn_scope_get(call, NULL, &extra, &v), GANTRY_OK);
    cr_assert_eq(gn_json_count(gn_json_get(v.as.json, "a")), 2);
    gn_call_unref(call);
    stage_close(&stage);
}

Test(scope, keeps_null_as_a_value)
{
    open_stage();
    struct gn_call *call = call_new();
    gantry_value v = gantry_value_json(NULL);
    cr_assert_eq(set_text(call, &user, NULL), GANTRY_OK);
    cr_assert_eq(gn_scope_set(call, NULL, &extra, &v), GANTRY_OK);
    cr_assert_eq(gn_scope_get(call, NULL, &user, &v), GANTRY_OK);
    cr_assert_null(v.as.text);
    cr_assert_eq(gn_scope_get(call, NULL, &extra, &v), GANTRY_OK);
    cr_assert_null(v.as.json);
    gn_call_unref(call);
    stage_close(&stage);
}

Test(scope, covers_and_unsets)
{
    open_stage();
    struct gn_call *call = call_new();
    cr_assert_eq(gn_scope_unset(call, NULL, &user), GANTRY_ENOENT);
    cr_assert_eq(set_text(call, &user, "ada"), GANTRY_OK);
    const char *first = text_of(call, &user);
    cr_assert_eq(set_text(call, &user, "bob"), GANTRY_OK);
    cr_assert_str_eq(text_of(call, &user), "bob");
    cr_assert_str_eq(first, "ada"); /* who holds it may go on */
    cr_assert_eq(gn_scope_unset(call, NULL, &user), GANTRY_OK);
    gantry_value v;
    cr_assert_eq(gn_scope_get(call, NULL, &user, &v), GANTRY_ENOENT);
    cr_assert_eq(gn_scope_unset(call, NULL, &user), GANTRY_ENOENT);
    cr_assert_eq(set_text(call, &user, "cyd"), GANTRY_OK);
    cr_assert_str_eq(text_of(call, &user), "cyd");
    gn_call_unref(call);
    stage_close(&stage);
}

Test(scope, goes_by_the_name_wherever_it_stands)
{
    open_stage();
    struct gn_call *call = call_new();
    char name[16], text[16];
    gantry_var var = GANTRY_VAR(name, GANTRY_VALUE_TEXT); /* one place for many variables */
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "v%d", i);
        snprintf(text, sizeof text, "text %d", i);
        cr_assert_eq(set_text(call, &var, text), GANTRY_OK);
    }
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "v%d", i);
        snprintf(text, sizeof text, "text %d", i);
        cr_assert_str_eq(text_of(call, &var), text);
    }
    gn_call_unref(call);
    stage_close(&stage);
}

Test(scope, refuses_what_is_damaged)
{
    open_stage();
    struct gn_call *call = call_new();
    char long_name[GN_SCOPE_NAME_MAX + 2];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    const gantry_var bad[] = {
        {.size = 0, .type = GANTRY_VALUE_TEXT, .name = "x"},
        {.size = sizeof(gantry_var), .type = 0, .name = "x"},
        {.size = sizeof(gantry_var), .type = GANTRY_VALUE_POINTER + 1, .name = "x"},
        {.size = sizeof(gantry_var), .type = GANTRY_VALUE_TEXT, .name = NULL},
        {.size = sizeof(gantry_var), .type = GANTRY_VALUE_TEXT, .name = ""},
        {.size = sizeof(gantry_var), .type = GANTRY_VALUE_TEXT, .name = long_name},
    };
    gantry_value v = gantry_value_text("x"), got;
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        cr_assert_eq(gn_scope_set(call, NULL, &bad[i], &v), GANTRY_EINVAL);
        cr_assert_eq(gn_scope_get(call, NULL, &bad[i], &got), GANTRY_EINVAL);
        cr_assert_eq(gn_scope_unset(call, NULL, &bad[i]), GANTRY_EINVAL);
        cr_assert_eq(gn_scope_bind(call, NULL, &bad[i]), GANTRY_EINVAL);
    }
    cr_assert_eq(gn_scope_set(call, NULL, NULL, &v), GANTRY_EINVAL);
    cr_assert_eq(gn_scope_set(call, NULL, &user, NULL), GANTRY_EINVAL);
    cr_assert_eq(gn_scope_set(call, NULL, &count, &v), GANTRY_EINVAL);
    cr_assert_eq(gn_scope_get(call, NULL, &user, NULL), GANTRY_EINVAL);
    long_name[GN_SCOPE_NAME_MAX] = '\0';
    const gantry_var longest = GANTRY_VAR(long_name, GANTRY_VALUE_TEXT);
    cr_assert_eq(set_text(call, &longest, "fits"), GANTRY_OK);
    cr_assert_str_eq(text_of(call, &longest), "fits");
    gn_call_unref(call);
    stage_close(&stage);
}

Test(scope, holds_a_name_to_its_type)
{
    open_stage();
    struct gn_call *call = call_new();
    const gantry_var as_int = GANTRY_VAR("user", GANTRY_VALUE_INT);
    gantry_value v;
    cr_assert_eq(set_text(call, &user, "ada"), GANTRY_OK);
    cr_assert_eq(set_int(call, &as_int, 1), GANTRY_EINVAL);
    cr_assert_eq(gn_scope_get(call, &stage.b.owner, &as_int, &v), GANTRY_EINVAL);
    cr_assert_eq(gn_scope_unset(call, NULL, &as_int), GANTRY_EINVAL);
    cr_assert_str_eq(text_of(call, &user), "ada");
    gn_call_unref(call);
    stage_close(&stage);
}

Test(scope, shares_values_and_never_pointers)
{
    open_stage();
    struct gn_call *call = call_new();
    const gantry_var as_text = GANTRY_VAR("own", GANTRY_VALUE_TEXT);
    gantry_value v;
    cr_assert_eq(set_text(call, &user, "ada"), GANTRY_OK);
    cr_assert_eq(gn_scope_get(call, &stage.b.owner, &user, &v), GANTRY_OK);
    cr_assert_eq(set_pointer(call, &stage.a, &own, "of a"), GANTRY_OK);
    cr_assert_eq(gn_scope_get(call, &stage.b.owner, &own, &v), GANTRY_ENOENT);
    cr_assert_eq(set_pointer(call, &stage.b, &own, "of b"), GANTRY_OK);
    cr_assert_str_eq(pointer_of(call, &stage.a, &own), "of a");
    cr_assert_str_eq(pointer_of(call, &stage.b, &own), "of b");
    cr_assert_eq(gn_scope_unset(call, &stage.b.owner, &own), GANTRY_OK);
    cr_assert_str_eq(pointer_of(call, &stage.a, &own), "of a");
    cr_assert_eq(set_text(call, &as_text, "mixed up"), GANTRY_EINVAL);
    cr_assert_eq(stage.a.refs, 1);
    cr_assert_eq(stage.b.refs, 1);
    gn_call_unref(call);
    cr_assert_str_eq(destroyed, "of b of a ");
    stage_close(&stage);
}

Test(scope, bounds_the_number_of_values)
{
    open_stage();
    struct gn_call *call = call_new();
    for (int i = 0; i < GN_SCOPE_MAX; i++)
        cr_assert_eq(set_int(call, &count, i), GANTRY_OK);
    cr_assert_eq(set_int(call, &count, -1), GANTRY_ETOOBIG);
    cr_assert_eq(set_pointer(call, &stage.a, &own, "still mine"), GANTRY_ETOOBIG);
    cr_assert_eq(gn_scope_unset(call, NULL, &count), GANTRY_ETOOBIG);
    gantry_value v;
    cr_assert_eq(gn_scope_get(call, NULL, &count, &v), GANTRY_OK);
    cr_assert_eq(v.as.integer, GN_SCOPE_MAX - 1);
    struct gn_call *child = child_of(call); /* has as many of its own */
    cr_assert_eq(set_int(child, &count, -1), GANTRY_OK);
    gn_call_unref(child);
    gn_call_unref(call);
    cr_assert_str_eq(destroyed, "");
    stage_close(&stage);
}

Test(scope, stays_within_the_memory_of_the_call)
{
    open_stage();
    stage.env.arena_bytes = 16384;
    struct gn_call *call = call_new();
    GN_AUTO_FREE char *large = gn_malloc(20000);
    memset(large, 'x', 19999);
    large[19999] = '\0';
    cr_assert_eq(set_text(call, &user, large), GANTRY_ETOOBIG);
    gantry_value v;
    cr_assert_eq(gn_scope_get(call, NULL, &user, &v), GANTRY_ENOENT);
    gn_call_unref(call);
    stage_close(&stage);
}

Test(scope, destroys_in_reverse_order_what_was_replaced_too)
{
    open_stage();
    struct gn_call *call = call_new();
    const gantry_var plain = GANTRY_VAR("plain", GANTRY_VALUE_POINTER);
    cr_assert_eq(set_pointer(call, &stage.a, &own, "1"), GANTRY_OK);
    cr_assert_eq(set_pointer(call, &stage.b, &nested, "2"), GANTRY_OK);
    cr_assert_eq(set_pointer(call, &stage.a, &own, "3"), GANTRY_OK);
    cr_assert_eq(set_pointer(call, &stage.a, &plain, "without a destructor"), GANTRY_OK);
    cr_assert_eq(set_pointer(call, &stage.a, &own, NULL), GANTRY_OK);
    cr_assert_eq(gn_scope_unset(call, &stage.b.owner, &nested), GANTRY_OK);
    cr_assert_str_eq(destroyed, "");
    gn_call_unref(call);
    cr_assert_str_eq(destroyed, "3 2 1 ");
    stage_close(&stage);
}

/* ---------------------------------------------------------------- the host's own */

Test(scope, reads_what_the_host_knows)
{
    open_stage();
    struct gn_call *call = call_new();
    const gantry_var id = GANTRY_VAR("gantry.request_id", GANTRY_VALUE_TEXT);
    const gantry_var version = GANTRY_VAR("gantry.protocol_version", GANTRY_VALUE_TEXT);
    const gantry_var component = GANTRY_VAR("gantry.component", GANTRY_VALUE_TEXT);
    const gantry_var principal = GANTRY_VAR("gantry.principal", GANTRY_VALUE_TEXT);
    const gantry_var unknown = GANTRY_VAR("gantry.unknown", GANTRY_VALUE_TEXT);
    const gantry_var as_int = GANTRY_VAR("gantry.request_id", GANTRY_VALUE_INT);
    gantry_value v;
    call->request_id = "7";
    cr_assert_str_eq(text_of(call, &id), "7");
    cr_assert_str_eq(text_of(call, &version), gn_revision_name(GN_REV_LATEST));
    cr_assert_eq(gn_scope_get(call, NULL, &component, &v), GANTRY_ENOENT);
    cr_assert_eq(gn_scope_get(call, NULL, &principal, &v), GANTRY_ENOENT);
    cr_assert_eq(gn_scope_get(call, NULL, &unknown, &v), GANTRY_ENOENT);
    cr_assert_eq(gn_scope_get(call, NULL, &as_int, &v), GANTRY_EINVAL);
    cr_assert_eq(set_text(call, &id, "8"), GANTRY_EINVAL);
    cr_assert_eq(set_text(call, &unknown, "8"), GANTRY_EINVAL);
    cr_assert_eq(gn_scope_unset(call, NULL, &id), GANTRY_EINVAL);
    cr_assert_eq(gn_scope_bind(call, NULL, &as_int), GANTRY_EINVAL);
    gn_call_unref(call);
    stage_close(&stage);
}

/* ---------------------------------------------------------------- inheriting */

Test(scope, shows_a_nested_call_what_was_set_before_it)
{
    open_stage();
    struct gn_call *parent = call_new();
    cr_assert_eq(set_text(parent, &user, "ada"), GANTRY_OK);
    cr_assert_eq(set_pointer(parent, &stage.a, &own, "own"), GANTRY_OK);
    cr_assert_eq(set_pointer(parent, &stage.a, &nested, "nested"), GANTRY_OK);
    struct gn_call *child = child_of(parent);
    cr_assert_str_eq(text_of(child, &user), "ada");
    cr_assert_str_eq(pointer_of(child, &stage.a, &nested), "nested");
    cr_assert_str_eq(pointer_of(child, &stage.a, &own), "");
    cr_assert_str_eq(pointer_of(child, &stage.b, &nested), "");
    struct gn_call *grandchild = child_of(child);
    cr_assert_str_eq(pointer_of(grandchild, &stage.a, &nested), "nested");
    cr_assert_eq(set_text(parent, &user, "bob"), GANTRY_OK); /* it has been left waiting */
    cr_assert_str_eq(text_of(child, &user), "ada");
    cr_assert_str_eq(text_of(grandchild, &user), "ada");
    cr_assert_eq(set_text(child, &user, "cyd"), GANTRY_OK);
    cr_assert_eq(gn_scope_unset(grandchild, NULL, &user), GANTRY_OK);
    cr_assert_str_eq(text_of(parent, &user), "bob");
    cr_assert_str_eq(text_of(child, &user), "cyd");
    cr_assert_str_eq(text_of(grandchild, &user), "");
    gn_call_unref(parent);
    gn_call_unref(child);
    cr_assert_str_eq(destroyed, "");
    gn_call_unref(grandchild);
    cr_assert_str_eq(destroyed, "nested own ");
    stage_close(&stage);
}

Test(scope, lets_a_nested_call_have_pointers_of_its_own)
{
    open_stage();
    struct gn_call *parent = call_new();
    cr_assert_eq(set_pointer(parent, &stage.a, &own, "outer"), GANTRY_OK);
    struct gn_call *child = child_of(parent);
    cr_assert_eq(set_pointer(child, &stage.a, &own, "inner"), GANTRY_OK);
    cr_assert_str_eq(pointer_of(child, &stage.a, &own), "inner");
    cr_assert_str_eq(pointer_of(parent, &stage.a, &own), "outer");
    gn_call_unref(child);
    cr_assert_str_eq(destroyed, "inner ");
    gn_call_unref(parent);
    cr_assert_str_eq(destroyed, "inner outer ");
    stage_close(&stage);
}

Test(scope, copies_what_background_work_inherits)
{
    open_stage();
    struct gn_call *from = call_new(), *to = call_new();
    cr_assert_eq(set_pointer(from, &stage.a, &spawned, "1"), GANTRY_OK);
    cr_assert_eq(set_pointer(from, &stage.b, &spawned, "2"), GANTRY_OK);
    cr_assert_eq(set_pointer(from, &stage.a, &own, "3"), GANTRY_OK);
    cr_assert_eq(set_text(from, &user, "ada"), GANTRY_OK);
    cr_assert_eq(set_text(from, &user, "bob"), GANTRY_OK);
    cr_assert_eq(set_int(from, &count, 1), GANTRY_OK);
    cr_assert_eq(gn_scope_unset(from, NULL, &count), GANTRY_OK);
    cr_assert_eq(gn_scope_copy(to, from), GANTRY_OK);
    cr_assert_eq(to->scope.count, 3);
    gn_call_unref(from);
    cr_assert_str_eq(destroyed, "3 ");
    gantry_value v;
    cr_assert_str_eq(text_of(to, &user), "bob");
    cr_assert_eq(gn_scope_get(to, NULL, &count, &v), GANTRY_ENOENT);
    cr_assert_str_eq(pointer_of(to, &stage.a, &spawned), "1");
    cr_assert_str_eq(pointer_of(to, &stage.b, &spawned), "2");
    cr_assert_str_eq(pointer_of(to, &stage.a, &own), "");
    cr_assert_eq(stage.a.refs, 1);
    gn_call_unref(to);
    cr_assert_str_eq(destroyed, "3 2 1 ");
    stage_close(&stage);
}

Test(scope, hands_on_no_pointer_that_is_not_seen)
{
    open_stage();
    const gantry_var both = GANTRY_VAR("both", GANTRY_VALUE_POINTER,
                                       .flags = GANTRY_VAR_NESTED | GANTRY_VAR_SPAWNED);
    struct gn_call *parent = call_new(), *to = call_new();
    cr_assert_eq(set_pointer(parent, &stage.a, &spawned, "hidden"), GANTRY_OK);
    cr_assert_eq(set_pointer(parent, &stage.a, &both, "shown"), GANTRY_OK);
    struct gn_call *child = child_of(parent);
    cr_assert_eq(gn_scope_copy(to, child), GANTRY_OK);
    cr_assert_str_eq(pointer_of(to, &stage.a, &spawned), "");
    cr_assert_str_eq(pointer_of(to, &stage.a, &both), "shown");
    gn_call_unref(child);
    gn_call_unref(parent);
    gn_call_unref(to);
    stage_close(&stage);
}

Test(scope, refuses_to_copy_more_than_one_call_may_have)
{
    open_stage();
    struct gn_call *parent = call_new(), *to = call_new();
    char name[32];
    for (int i = 0; i < GN_SCOPE_MAX; i++) {
        snprintf(name, sizeof name, "v%d", i);
        const gantry_var var = GANTRY_VAR(name, GANTRY_VALUE_INT);
        cr_assert_eq(set_int(parent, &var, i), GANTRY_OK);
    }
    struct gn_call *child = child_of(parent);
    cr_assert_eq(set_int(child, &count, 1), GANTRY_OK);
    cr_assert_eq(gn_scope_copy(to, child), GANTRY_ETOOBIG);
    gn_call_unref(child);
    gn_call_unref(parent);
    gn_call_unref(to);
    stage_close(&stage);
}

/* ---------------------------------------------------------------- the log */

static void note_logged(void *arg, const char *name, const gantry_value *value)
{
    struct gn_buf *out = arg;
    if (value->type == GANTRY_VALUE_TEXT)
        gn_buf_addf(out, "%s=%s ", name, value->as.text);
    else
        gn_buf_addf(out, "%s=%lld ", name, (long long)value->as.integer);
}

static void assert_logged(const struct gn_call *call, const char *want)
{
    struct gn_buf out = GN_BUF_INIT(1u << 16);
    gn_scope_each_logged(call, note_logged, &out);
    cr_assert_str_eq(gn_buf_str(&out), want);
    gn_buf_release(&out);
}

Test(scope, tells_the_log_each_name_once)
{
    open_stage();
    struct gn_call *parent = call_new();
    const gantry_var logged = GANTRY_VAR("tenant", GANTRY_VALUE_TEXT, .flags = GANTRY_VAR_LOGGED);
    const gantry_var id = GANTRY_VAR("gantry.request_id", GANTRY_VALUE_TEXT);
    parent->request_id = "7";
    assert_logged(parent, "");
    cr_assert_eq(set_text(parent, &user, "ada"), GANTRY_OK);
    assert_logged(parent, "");
    cr_assert_eq(set_text(parent, &logged, "one"), GANTRY_OK);
    cr_assert_eq(gn_scope_bind(parent, NULL, &count), GANTRY_OK); /* before it is set */
    assert_logged(parent, "tenant=one ");
    cr_assert_eq(set_int(parent, &count, 1), GANTRY_OK);
    cr_assert_eq(set_int(parent, &count, 2), GANTRY_OK);
    cr_assert_eq(gn_scope_bind(parent, NULL, &id), GANTRY_OK);
    cr_assert_eq(gn_scope_bind(parent, NULL, &id), GANTRY_OK);
    assert_logged(parent, "tenant=one count=2 gantry.request_id=7 ");
    struct gn_call *child = child_of(parent);
    child->request_id = "7";
    assert_logged(child, "tenant=one count=2 gantry.request_id=7 ");
    cr_assert_eq(gn_scope_bind(child, NULL, &user), GANTRY_OK);
    cr_assert_eq(set_text(child, &logged, "two"), GANTRY_OK);
    assert_logged(child, "count=2 gantry.request_id=7 user=ada tenant=two ");
    cr_assert_eq(gn_scope_unset(child, NULL, &count), GANTRY_OK);
    assert_logged(child, "gantry.request_id=7 user=ada tenant=two ");
    assert_logged(parent, "tenant=one count=2 gantry.request_id=7 ");
    cr_assert_eq(gn_scope_bind(parent, &stage.a.owner, &own), GANTRY_EINVAL);
    struct gn_call *to = call_new();
    to->request_id = "7";
    cr_assert_eq(gn_scope_copy(to, child), GANTRY_OK);
    assert_logged(to, "gantry.request_id=7 user=ada tenant=two ");
    cr_assert_eq(set_int(to, &count, 3), GANTRY_OK);
    assert_logged(to, "gantry.request_id=7 user=ada tenant=two count=3 ");
    gn_call_unref(to);
    gn_call_unref(child);
    gn_call_unref(parent);
    stage_close(&stage);
}

/* ---------------------------------------------------------------- many calls at a time */

#define MANY 1000

static int wrong, cells;

static void count_destroyed(void *value)
{
    int *cell = value;
    cells++;
    gn_free(cell);
}

static const gantry_var mine = GANTRY_VAR("mine", GANTRY_VALUE_POINTER, .destroy = count_destroyed);

static void check(bool ok)
{
    if (!ok)
        __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

/* Sets the same variables as all others, waits, and reads them. */
static int set_await_read(struct gn_call *call, void *arg)
{
    int number = (int)(intptr_t)arg;
    char text[32];
    check(gn_task_local(gn_task_current()) == call);
    for (int turn = 0; turn < 3; turn++) {
        gantry_value v;
        int *cell = gn_calloc(1, sizeof *cell);
        *cell = number * 10 + turn;
        snprintf(text, sizeof text, "%d-%d", number, turn);
        v = gantry_value_text(text);
        check(gn_scope_set(call, call->self, &user, &v) == GANTRY_OK);
        v = gantry_value_int(number);
        check(gn_scope_set(call, call->self, &count, &v) == GANTRY_OK);
        v = gantry_value_pointer(cell);
        check(gn_scope_set(call, call->self, &mine, &v) == GANTRY_OK);
        check(gn_task_sleep(call->task, (uint32_t)(number + turn) % 3) == 0);
        check(gn_scope_get(call, call->self, &user, &v) == GANTRY_OK &&
              strcmp(v.as.text, text) == 0);
        check(gn_scope_get(call, call->self, &count, &v) == GANTRY_OK && v.as.integer == number);
        check(gn_scope_get(call, call->self, &mine, &v) == GANTRY_OK &&
              *(int *)v.as.pointer == number * 10 + turn);
        check(gn_task_local(gn_task_current()) == call);
    }
    return GANTRY_OK;
}

Test(scope, keeps_a_thousand_calls_apart_coroutines_and_workers)
{
    stage_open(&stage);
    wrong = cells = 0;
    for (int i = 0; i < MANY; i++)
        gn_call_unref(stage_start(&stage, &stage.a, i % 2, set_await_read, (void *)(intptr_t)i));
    stage_settle(&stage);
    cr_assert_eq(stage.ended, MANY);
    cr_assert_eq(wrong, 0);
    cr_assert_eq(cells, 3 * MANY);
    stage_close(&stage);
}
