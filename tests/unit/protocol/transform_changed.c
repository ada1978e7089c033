/* transform_changed.c - list_changed: to whom a change is one, and how often it is told. */
#include "fixture.h"

#include "protocol/internal.h"
#include "registry/transform.h"
#include "registry/view.h"

GN_SUITE(transform_changed);

#define TOOLS_CHANGED "notifications/tools/list_changed"
#define RESOURCES_CHANGED "notifications/resources/list_changed"
#define PROMPTS_CHANGED "notifications/prompts/list_changed"
#define LIST(method) "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"" method "\"}"

static struct fixture f;

/* ---------------------------------------------------------------- clients */

static void connect_as(struct client *c, const char *principal, const char *revision)
{
    client_open(c, true);
    c->stream.principal = principal;
    client_initialize(&f, c, revision);
    cr_assert_not_null(c->stream.session, "%s", client_last(c));
}

static void disconnect(struct client *c)
{
    gn_protocol_closed(f.p, &c->stream);
    client_free(c);
}

static void subscribe_as(struct client *c, const char *principal, const char *filter)
{
    client_open(c, false);
    c->stream.principal = principal;
    client_header(c, "mcp-protocol-version", "2026-07-28");
    client_header(c, "mcp-method", "subscriptions/listen");
    GN_AUTO_FREE char *text = gn_format(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{"
        "\"notifications\":{%s}," STATELESS_META "}}",
        filter);
    client_send(&f, c, text);
    cr_assert_eq(c->count, 1, "%s", client_last(c));
}

/* tools/list of the stateless era. */
static void list_as(const char *principal)
{
    struct client c;
    client_open(&c, false);
    c.stream.principal = principal;
    client_header(&c, "mcp-protocol-version", "2026-07-28");
    client_header(&c, "mcp-method", "tools/list");
    client_send(
        &f, &c,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" STATELESS_META "}}");
    cr_assert_eq(c.status, 200);
    client_free(&c);
}

static size_t told(const struct client *c, const char *method)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count += strstr(c->sent[i], method) != NULL;
    return count;
}

/* Until all that has changed has been told. */
static void settle(void)
{
    while (gn_protocol_is_unsettled(f.p))
        uv_run(&f.uv, UV_RUN_ONCE);
    run_some(&f);
}

/* ---------------------------------------------------------------- what changes */

static void add_tool(const char *name, const char *principal, const char *icon)
{
    struct gn_component *c = fixture_make(&f, GN_TOOL, name, NULL);
    c->principal = gn_strdup(principal);
    if (icon) {
        c->icons = gn_calloc(1, sizeof *c->icons);
        c->icons[0].src = gn_strdup(icon);
        c->icon_count = 1;
    }
    fixture_put(&f, c);
}

/* In one step. */
static void replace_tool(const char *name, const char *icon)
{
    struct gn_error err = {0};
    struct gn_component *c = fixture_make(&f, GN_TOOL, name, NULL);
    c->icons = gn_calloc(1, sizeof *c->icons);
    c->icons[0].src = gn_strdup(icon);
    c->icon_count = 1;
    struct gn_edit *e = gn_edit_begin(f.registry);
    cr_assert_eq(gn_edit_remove(e, gn_registry_source(f.registry, &f.owner, GN_TOOL, name)), 0);
    cr_assert_eq(gn_edit_add(e, c, &err), 0, "%s", err.text);
    gn_component_unref(c);
    uint32_t kinds = gn_edit_commit(e);
    cr_assert_eq(kinds, 1u << GN_TOOL);
    gn_protocol_changed(f.p, kinds);
}

Test(transform_changed, a_burst_is_told_once_and_each_list_for_itself)
{
    struct client c;
    fixture_open(&f);
    connect_as(&c, NULL, "2025-11-25");
    for (int i = 0; i < 20; i++) {
        GN_AUTO_FREE char *name = gn_format("tool%d", i);
        fixture_change(&f, GN_TOOL, name);
    }
    fixture_change(&f, GN_RESOURCE, "test://two");
    fixture_change(&f, GN_TEMPLATE, "test://{x}/{y}");
    settle();
    cr_assert_eq(told(&c, TOOLS_CHANGED), 1);
    cr_assert_eq(told(&c, RESOURCES_CHANGED), 1);
    cr_assert_eq(told(&c, PROMPTS_CHANGED), 0);
    settle();
    gn_protocol_changed(f.p, 1u << GN_TOOL | 1u << GN_PROMPT);
    settle();
    cr_assert_eq(told(&c, "list_changed"), 2, "what may have changed and has not");
    disconnect(&c);
    fixture_close(&f);
}

Test(transform_changed, what_is_again_as_it_was_is_told_to_those_who_saw_it_otherwise)
{
    struct client blind, watchful;
    fixture_open(&f);
    connect_as(&blind, NULL, "2025-06-18");
    connect_as(&watchful, NULL, "2025-06-18");
    fixture_change(&f, GN_TOOL, "brief");
    cr_assert(gn_protocol_is_unsettled(f.p));
    cr_assert(strstr(client_send(&f, &watchful, LIST("tools/list")), "\"brief\""));
    fixture_remove(&f, GN_TOOL, "brief");
    settle();
    cr_assert_eq(told(&blind, TOOLS_CHANGED), 0);
    cr_assert_eq(told(&watchful, TOOLS_CHANGED), 1);
    /* And what it has seen now is what it was told of. */
    cr_assert_not(strstr(client_send(&f, &watchful, LIST("tools/list")), "\"brief\""));
    fixture_change(&f, GN_TOOL, "brief");
    fixture_remove(&f, GN_TOOL, "brief");
    settle();
    cr_assert_eq(told(&blind, TOOLS_CHANGED) + told(&watchful, TOOLS_CHANGED), 1);
    disconnect(&blind);
    disconnect(&watchful);
    fixture_close(&f);
}

Test(transform_changed, what_a_revision_does_not_show_is_not_told_to_it)
{
    static const char *const revisions[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
    struct client all[GN_COUNT(revisions)], listen;
    fixture_open(&f);
    add_tool("iconic", NULL, "https://one.example/a.png");
    settle();
    for (size_t i = 0; i < GN_COUNT(revisions); i++)
        connect_as(&all[i], NULL, revisions[i]);
    subscribe_as(&listen, NULL, "\"toolsListChanged\":true");
    replace_tool("iconic", "https://one.example/b.png");
    settle();
    for (size_t i = 0; i < GN_COUNT(revisions); i++)
        cr_assert_eq(told(&all[i], TOOLS_CHANGED), i == 3, "%s", revisions[i]);
    cr_assert_eq(told(&listen, TOOLS_CHANGED), 1);
    for (size_t i = 0; i < GN_COUNT(revisions); i++)
        disconnect(&all[i]);
    disconnect(&listen);
    fixture_close(&f);
}

Test(transform_changed, what_only_one_principal_sees_is_told_to_that_one)
{
    struct client ada, bob, nobody, ada_listens, bob_listens;
    fixture_open(&f);
    connect_as(&ada, "ada", "2025-11-25");
    connect_as(&bob, "bob", "2025-11-25");
    connect_as(&nobody, NULL, "2025-11-25");
    subscribe_as(&ada_listens, "ada", "\"toolsListChanged\":true,\"promptsListChanged\":true");
    subscribe_as(&bob_listens, "bob", "\"toolsListChanged\":true");
    add_tool("hers", "ada", NULL);
    settle();
    cr_assert_eq(told(&ada, TOOLS_CHANGED), 1);
    cr_assert_eq(told(&ada_listens, TOOLS_CHANGED), 1);
    cr_assert_eq(told(&ada_listens, "list_changed"), 1);
    cr_assert_eq(told(&bob, TOOLS_CHANGED) + told(&nobody, TOOLS_CHANGED), 0);
    cr_assert_eq(told(&bob_listens, TOOLS_CHANGED), 0);
    fixture_remove(&f, GN_TOOL, "hers");
    settle();
    cr_assert_eq(told(&ada, TOOLS_CHANGED), 2);
    cr_assert_eq(told(&ada_listens, TOOLS_CHANGED), 2);
    cr_assert_eq(told(&bob, "list_changed") + told(&nobody, "list_changed"), 0);
    disconnect(&ada);
    disconnect(&bob);
    disconnect(&nobody);
    disconnect(&ada_listens);
    disconnect(&bob_listens);
    fixture_close(&f);
}

Test(transform_changed, a_subscription_is_told_of_a_list_that_its_principal_was_shown_meanwhile)
{
    struct client ada, bob;
    fixture_open(&f);
    subscribe_as(&ada, "ada", "\"toolsListChanged\":true");
    subscribe_as(&bob, "bob", "\"toolsListChanged\":true");
    fixture_change(&f, GN_TOOL, "brief");
    list_as("ada");
    fixture_remove(&f, GN_TOOL, "brief");
    list_as("bob");
    settle();
    cr_assert_eq(told(&ada, TOOLS_CHANGED), 1);
    cr_assert_eq(told(&bob, TOOLS_CHANGED), 0, "it was shown what it knows");
    disconnect(&ada);
    disconnect(&bob);
    fixture_close(&f);
}

Test(transform_changed, a_filter_that_leaves_a_list_out_is_not_told_of_it)
{
    struct client c;
    fixture_open(&f);
    subscribe_as(&c, NULL, "\"promptsListChanged\":true");
    fixture_change(&f, GN_TOOL, "second");
    fixture_change(&f, GN_RESOURCE, "test://two");
    settle();
    cr_assert_eq(c.count, 1);
    fixture_change(&f, GN_PROMPT, "second");
    settle();
    cr_assert_eq(told(&c, PROMPTS_CHANGED), 1);
    disconnect(&c);
    fixture_close(&f);
}

Test(transform_changed, a_change_of_rules_is_told_to_whom_it_is_one)
{
    struct client ada, bob;
    fixture_open(&f);
    connect_as(&ada, "ada", "2025-11-25");
    connect_as(&bob, "bob", "2025-11-25");
    struct gn_transform *t = gn_transform_new(GN_TRANSFORM_DISABLE, "not for bob");
    t->match.names = gn_calloc(2, sizeof(char *));
    t->match.names[0] = gn_strdup("echo");
    t->principals = gn_calloc(2, sizeof(char *));
    t->principals[0] = gn_strdup("bob");
    fixture_transforms(&f, &t, 1);
    settle();
    cr_assert_eq(told(&ada, TOOLS_CHANGED), 0);
    cr_assert_eq(told(&bob, TOOLS_CHANGED), 1);
    cr_assert_not(strstr(client_send(&f, &bob, LIST("tools/list")), "\"echo\""));
    cr_assert(strstr(client_send(&f, &ada, LIST("tools/list")), "\"echo\""));
    fixture_transforms(&f, NULL, 0);
    settle();
    cr_assert_eq(told(&ada, "list_changed"), 0);
    cr_assert_eq(told(&bob, "list_changed"), 2);
    disconnect(&ada);
    disconnect(&bob);
    fixture_close(&f);
}

Test(transform_changed, a_session_without_a_listener_hears_of_it_later)
{
    struct client init, get;
    fixture_open(&f);
    client_open(&init, false);
    client_initialize(&f, &init, "2025-11-25");
    fixture_change(&f, GN_TOOL, "second");
    fixture_change(&f, GN_PROMPT, "brief");
    fixture_remove(&f, GN_PROMPT, "brief");
    settle();
    client_open(&get, false);
    client_header(&get, "mcp-session-id", init.session_id);
    gn_protocol_get(f.p, &get.stream);
    cr_assert_eq(told(&get, TOOLS_CHANGED), 1);
    cr_assert_eq(told(&get, "list_changed"), 1);
    disconnect(&get);
    client_free(&init);
    fixture_close(&f);
}

Test(transform_changed, another_form_of_schemas_is_told_only_where_there_is_one)
{
    struct client c;
    struct gn_config later;
    fixture_open(&f);
    connect_as(&c, NULL, "2025-11-25");
    later = *f.config;
    later.inline_references = !later.inline_references;
    gn_protocol_configure(f.p, &later);
    settle();
    cr_assert_eq(told(&c, TOOLS_CHANGED), 0, "no schema has references");
    struct gn_component *t = fixture_make(&f, GN_TOOL, "nested", NULL);
    t->input_text = gn_strdup("{\"type\":\"object\",\"$ref\":\"#/$defs/a\"}");
    t->input_inline = gn_strdup("{\"type\":\"object\"}");
    fixture_put(&f, t);
    settle();
    cr_assert_eq(told(&c, TOOLS_CHANGED), 1);
    gn_protocol_configure(f.p, f.config);
    settle();
    cr_assert_eq(told(&c, TOOLS_CHANGED), 2);
    disconnect(&c);
    fixture_close(&f);
}

Test(transform_changed, many_sessions_of_many_principals_are_told_once_each)
{
    enum { SESSIONS = 300, PRINCIPALS = 100 };
    static struct client all[SESSIONS];
    static char names[PRINCIPALS][16];
    fixture_open(&f);
    for (int i = 0; i < PRINCIPALS; i++)
        snprintf(names[i], sizeof names[i], "user%d", i);
    for (int i = 0; i < SESSIONS; i++)
        connect_as(&all[i], names[i % PRINCIPALS], "2025-11-25");
    add_tool("theirs", "user7", NULL);
    settle();
    cr_assert_eq(f.p->seen.count, 0);
    for (int i = 0; i < SESSIONS; i++)
        cr_assert_eq(told(&all[i], "list_changed"), i % PRINCIPALS == 7, "%d", i);
    fixture_change(&f, GN_TOOL, "everybody's");
    settle();
    for (int i = 0; i < SESSIONS; i++)
        cr_assert_eq(told(&all[i], "list_changed"), 1 + (i % PRINCIPALS == 7), "%d", i);
    for (int i = 0; i < SESSIONS; i++)
        disconnect(&all[i]);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- rules of a session */

/* Hides the tool "echo" for its session, or shows all again. */
static int run_hide(gantry_call *call, const void *in)
{
    (void)in;
    struct gn_rules *rules = NULL;
    struct gn_error err = {0};
    int rc = 0;
    if (gn_json_type(gn_json_get(call->arguments, "hide")) == GN_JSON_TRUE) {
        struct gn_transform *t = gn_transform_new(GN_TRANSFORM_DISABLE, "hide");
        t->match.names = gn_calloc(2, sizeof(char *));
        t->match.names[0] = gn_strdup("echo");
        rules = gn_rules_with(call->rules, t, &rc, &err);
    }
    rc = call->ops->set_rules(call, rules);
    return rc ? gn_call_fail(call, "%d", rc) : GANTRY_OK;
}

#define HIDE(what)                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/call\",\"params\":{\"name\":\"hide\","       \
    "\"arguments\":{\"hide\":" what "}}}"

Test(transform_changed, rules_of_a_session_are_its_own_and_told_to_it_alone)
{
    struct client a, b;
    fixture_open(&f);
    fixture_add(&f, GN_TOOL, "hide", run_hide, 0);
    connect_as(&a, "ada", "2025-11-25");
    connect_as(&b, "ada", "2025-11-25");
    client_send(&f, &a, HIDE("true"));
    run_until(&f, &a.count, 2);
    cr_assert_not(strstr(client_send(&f, &a, LIST("tools/list")), "\"echo\""));
    cr_assert(strstr(client_send(&f, &b, LIST("tools/list")), "\"echo\""));
    settle();
    cr_assert_eq(told(&a, "list_changed"), 1);
    cr_assert_eq(told(&b, "list_changed"), 0);
    client_send(&f, &a, HIDE("false"));
    settle();
    cr_assert_eq(told(&a, TOOLS_CHANGED), 2);
    cr_assert_null(a.stream.session->rules);
    cr_assert(strstr(client_send(&f, &a, LIST("tools/list")), "\"echo\""));
    client_send(&f, &a, HIDE("true"));
    client_send(&f, &a, HIDE("false"));
    settle();
    cr_assert_eq(told(&a, "list_changed"), 2, "it is as it was");
    client_send(&f, &a, HIDE("true"));
    disconnect(&a);
    disconnect(&b);
    fixture_close(&f);
}

Test(transform_changed, there_are_no_rules_without_a_session)
{
    struct client c;
    fixture_open(&f);
    fixture_add(&f, GN_TOOL, "hide", run_hide, 0);
    post_stateless(&f, &c, "tools/call", "hide", "\"name\":\"hide\",\"arguments\":{\"hide\":true}");
    run_until_int(&f, &c.status, 200);
    cr_assert(strstr(client_last(&c), "\"isError\":true"), "%s", client_last(&c));
    client_free(&c);
    fixture_close(&f);
}
