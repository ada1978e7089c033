/* transform_views.c - what each client sees of the components, and which version it gets. */
#include "fixture.h"

#include "call/ask.h"
#include "protocol/internal.h"
#include "protocol/park.h"
#include "registry/transform.h"

GN_SUITE(transform_views);

#define RPC(method, params)                                                                        \
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"" method "\",\"params\":{" params "}}"

static struct fixture f;

#define assert_has(text, part) cr_assert(strstr(text, part), "%s\nlacks %s", text, part)
#define assert_lacks(text, part) cr_assert_not(strstr(text, part), "%s\nhas %s", text, part)

/* ---------------------------------------------------------------- clients */

static void connect_as(struct client *c, const char *principal)
{
    client_open(c, true);
    c->stream.principal = principal;
    client_initialize(&f, c, "2025-11-25");
}

static void disconnect(struct client *c)
{
    gn_protocol_closed(f.p, &c->stream);
    client_free(c);
}

/* Sends, and waits for the answer. */
static const char *ask(struct client *c, const char *text)
{
    size_t before = c->count;
    client_send(&f, c, text);
    run_until(&f, &c->count, before + 1);
    return client_last(c);
}

/* A request of the stateless era; the answer is the caller's. meta: further members of `_meta`,
 * with a comma before them. */
static char *post_as(const char *principal, const char *method, const char *name,
                     const char *params, const char *meta)
{
    struct client c;
    client_open(&c, false);
    c.stream.principal = principal;
    client_header(&c, "mcp-protocol-version", "2026-07-28");
    client_header(&c, "mcp-method", method);
    if (name)
        client_header(&c, "mcp-name", name);
    GN_AUTO_FREE char *text = gn_format(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s%s"
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}%s}}}",
        method, params, *params ? "," : "", meta);
    client_send(&f, &c, text);
    while (!c.status)
        uv_run(&f.uv, UV_RUN_ONCE);
    char *answer = gn_strdup(client_last(&c));
    client_free(&c);
    return answer;
}

/* ---------------------------------------------------------------- components */

static int run_name(gantry_call *call, const void *in)
{
    (void)in;
    const char *text = call->component->version ? call->component->version : call->component->key;
    struct gn_content content = {.kind = GN_CONTENT_TEXT, .text = text, .len = strlen(text)};
    return gn_call_add(call, &content);
}

static void put(enum gn_kind kind, const char *key, const char *version, const char *principal)
{
    struct gn_component *c = fixture_make(&f, kind, key, run_name);
    c->version = gn_strdup(version);
    c->principal = gn_strdup(principal);
    c->ttl_ms = 1000;
    c->cache_public = true;
    fixture_put(&f, c);
}

static struct gn_transform *rule(enum gn_transform_type type, const char *name,
                                 const char *principal)
{
    struct gn_transform *t = gn_transform_new(type, "rule");
    t->match.names = gn_calloc(2, sizeof(char *));
    t->match.names[0] = gn_strdup(name);
    if (principal) {
        t->principals = gn_calloc(2, sizeof(char *));
        t->principals[0] = gn_strdup(principal);
    }
    return t;
}

static void add_rule(enum gn_transform_type type, const char *name, const char *principal)
{
    struct gn_transform *t = rule(type, name, principal);
    fixture_transforms(&f, &t, 1);
}

static void add_namespace(const char *prefix)
{
    struct gn_transform *t = gn_transform_new(GN_TRANSFORM_NAMESPACE, "space");
    t->prefix = gn_strdup(prefix);
    fixture_transforms(&f, &t, 1);
}

/* ---------------------------------------------------------------- who sees what */

Test(transform_views, what_is_for_one_principal_exists_for_that_one_only)
{
    struct client ada, bob;
    fixture_open(&f);
    put(GN_TOOL, "hers", NULL, "ada");
    put(GN_PROMPT, "her_prompt", NULL, "ada");
    put(GN_RESOURCE, "hers://one", NULL, "ada");
    connect_as(&ada, "ada");
    connect_as(&bob, "bob");
    assert_has(ask(&ada, RPC("tools/list", "")), "\"hers\"");
    assert_lacks(ask(&bob, RPC("tools/list", "")), "hers");
    assert_has(ask(&ada, RPC("tools/call", "\"name\":\"hers\"")), "\"text\":\"hers\"");
    /* As if it were not there, and no hint at it. */
    const char *said = ask(&bob, RPC("tools/call", "\"name\":\"hers\""));
    assert_has(said, "\"code\":-32602");
    assert_has(said, "\"message\":\"Unknown tool: hers\"");
    assert_lacks(ask(&bob, RPC("tools/call", "\"name\":\"herz\"")), "did you mean");
    assert_has(ask(&ada, RPC("tools/call", "\"name\":\"herz\"")), "did you mean hers?");
    assert_has(ask(&bob, RPC("prompts/get", "\"name\":\"her_prompt\"")),
               "Unknown prompt: her_prompt\"");
    assert_has(ask(&bob, RPC("resources/read", "\"uri\":\"hers://one\"")),
               "Resource not found: hers://one");
    assert_has(ask(&ada, RPC("resources/read", "\"uri\":\"hers://one\"")), "\"contents\"");
    assert_has(ask(&bob, RPC("completion/complete",
                             "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"her_prompt\"},"
                             "\"argument\":{\"name\":\"a\",\"value\":\"\"}")),
               "Unknown prompt: her_prompt\"");
    assert_has(ask(&bob, RPC("resources/subscribe", "\"uri\":\"hers://one\"")),
               "Resource not found");
    assert_has(ask(&ada, RPC("resources/subscribe", "\"uri\":\"hers://one\"")), "\"result\"");
    disconnect(&ada);
    disconnect(&bob);
    fixture_close(&f);
}

Test(transform_views, lists_that_differ_are_private_on_every_page)
{
    fixture_open(&f);
    GN_AUTO_FREE char *before = post_as(NULL, "tools/list", NULL, "", "");
    assert_has(before, "\"cacheScope\":\"public\"");
    f.config->page_size = 2;
    add_rule(GN_TRANSFORM_DISABLE, "echo", "bob");
    GN_AUTO_FREE char *page = post_as(NULL, "tools/list", NULL, "", "");
    size_t pages = 1;
    for (;; pages++) {
        assert_has(page, "\"cacheScope\":\"private\"");
        char *cursor = strstr(page, "\"nextCursor\":");
        if (!cursor)
            break;
        cursor += strlen("\"nextCursor\":");
        GN_AUTO_FREE char *params = gn_format("\"cursor\":%.*s", (int)strcspn(cursor, ",}"),
                                              cursor);
        gn_free(page);
        page = post_as(NULL, "tools/list", NULL, params, "");
    }
    cr_assert_eq(pages, 3);
    /* What the rule is about differs, and what it may be about. */
    struct gn_transform *t = rule(GN_TRANSFORM_DISABLE, "echo", "bob");
    t->match.kinds = 1u << GN_TOOL;
    fixture_transforms(&f, &t, 1);
    GN_AUTO_FREE char *prompts = post_as(NULL, "prompts/list", NULL, "", "");
    assert_has(prompts, "\"cacheScope\":\"public\"");
    GN_AUTO_FREE char *tools = post_as("bob", "tools/list", NULL, "", "");
    assert_has(tools, "\"cacheScope\":\"private\"");
    assert_lacks(tools, "\"echo\"");
    fixture_close(&f);
}

Test(transform_views, a_resource_that_some_may_not_see_is_not_to_be_shared)
{
    fixture_open(&f);
    put(GN_RESOURCE, "open://one", NULL, NULL);
    GN_AUTO_FREE char *open = post_as(NULL, "resources/read", "open://one",
                                      "\"uri\":\"open://one\"", "");
    assert_has(open, "\"cacheScope\":\"public\"");
    put(GN_RESOURCE, "hers://one", NULL, "ada");
    GN_AUTO_FREE char *hers = post_as("ada", "resources/read", "hers://one",
                                      "\"uri\":\"hers://one\"", "");
    assert_has(hers, "\"cacheScope\":\"private\"");
    GN_AUTO_FREE char *skills = post_as(NULL, "skills/list", NULL, "", "");
    assert_has(skills, "\"cacheScope\":\"private\"");
    GN_AUTO_FREE char *discover = post_as(NULL, "server/discover", NULL, "", "");
    assert_has(discover, "\"cacheScope\":\"private\"");
    fixture_close(&f);
}

Test(transform_views, what_is_disabled_is_not_there)
{
    struct client c;
    fixture_open(&f);
    connect_as(&c, NULL);
    add_rule(GN_TRANSFORM_DISABLE, "ec*", NULL);
    assert_has(ask(&c, RPC("tools/call", "\"name\":\"echo\"")),
               "\"message\":\"Unknown tool: echo\"");
    assert_lacks(ask(&c, RPC("tools/list", "")), "\"echo\"");
    fixture_transforms(&f, NULL, 0);
    assert_has(ask(&c, RPC("tools/call", "\"name\":\"echo\"")), "\"text\":\"echo\"");
    disconnect(&c);
    fixture_close(&f);
}

Test(transform_views, namespaces_hold_for_calls_reads_and_completion)
{
    struct client c;
    fixture_open(&f);
    connect_as(&c, NULL);
    add_namespace("wx");
    assert_has(ask(&c, RPC("tools/call", "\"name\":\"wx_echo\"")), "\"text\":\"echo\"");
    assert_has(ask(&c, RPC("tools/call", "\"name\":\"echo\"")), "Unknown tool: echo");
    assert_has(ask(&c, RPC("resources/read", "\"uri\":\"test://wx/one\"")),
               "\"uri\":\"test://wx/one\"");
    assert_has(ask(&c, RPC("resources/read", "\"uri\":\"test://one\"")), "Resource not found");
    assert_has(
        ask(&c, RPC("completion/complete", "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"wx_ask\"},"
                                           "\"argument\":{\"name\":\"a\",\"value\":\"\"}")),
        "\"completion\"");
    assert_has(ask(&c, RPC("completion/complete",
                           "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"test://wx/{x}/t\"},"
                           "\"argument\":{\"name\":\"x\",\"value\":\"\"}")),
               "\"completion\"");
    assert_has(ask(&c, RPC("completion/complete",
                           "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"test://{x}/t\"},"
                           "\"argument\":{\"name\":\"x\",\"value\":\"\"}")),
               "Unknown resource template");
    disconnect(&c);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- versions */

static void add_versions(void)
{
    put(GN_TOOL, "add", "1.0", NULL);
    put(GN_TOOL, "add", "2.0", NULL);
    put(GN_TOOL, "add", "3.0", NULL);
    put(GN_PROMPT, "sum", "1", NULL);
    put(GN_PROMPT, "sum", "2", NULL);
    put(GN_RESOURCE, "ver://one", "1", NULL);
    put(GN_RESOURCE, "ver://one", "2", NULL);
}

#define CALL_VERSION(meta) RPC("tools/call", "\"name\":\"add\",\"_meta\":{" meta "}")

Test(transform_views, the_newest_version_is_listed_and_called_and_others_by_name)
{
    struct client c;
    fixture_open(&f);
    add_versions();
    connect_as(&c, NULL);
    const char *list = ask(&c, RPC("tools/list", ""));
    assert_has(list, "{\"gantry/version\":\"3.0\",\"gantry/versions\":[\"3.0\",\"2.0\",\"1.0\"]}");
    cr_assert_eq(strstr(strstr(list, "\"name\":\"add\"") + 1, "\"name\":\"add\""), NULL);
    assert_has(ask(&c, RPC("tools/call", "\"name\":\"add\"")), "\"text\":\"3.0\"");
    assert_has(ask(&c, CALL_VERSION("\"gantry/version\":\"1.0\"")), "\"text\":\"1.0\"");
    assert_has(ask(&c, CALL_VERSION("\"fastmcp\":{\"version\":\"2.0\"}")), "\"text\":\"2.0\"");
    assert_has(
        ask(&c, CALL_VERSION("\"gantry/version\":\"1.0\",\"fastmcp\":{\"version\":\"2.0\"}")),
        "\"text\":\"1.0\"");
    assert_has(ask(&c, CALL_VERSION("\"gantry/version\":null")), "\"text\":\"3.0\"");
    assert_has(ask(&c, CALL_VERSION("\"gantry/version\":\"4\"")),
               "Unknown version 4 of tool add (there is 3.0, 2.0, 1.0)");
    assert_has(ask(&c, CALL_VERSION("\"gantry/version\":1")),
               "gantry/version in _meta must be a string");
    assert_has(ask(&c, CALL_VERSION("\"fastmcp\":{\"version\":[]}")),
               "fastmcp.version in _meta must be a string");
    assert_has(ask(&c, RPC("tools/call", "\"name\":\"echo\",\"_meta\":{\"gantry/version\":\"1\"}")),
               "Unknown version 1 of tool echo (it has none)");
    assert_has(ask(&c, RPC("prompts/get", "\"name\":\"sum\",\"_meta\":{\"gantry/version\":\"1\"}")),
               "\"text\":\"1\"");
    assert_has(ask(&c, RPC("resources/read",
                           "\"uri\":\"ver://one\",\"_meta\":{\"gantry/version\":\"1\"}")),
               "\"text\":\"1\"");
    assert_has(ask(&c, RPC("resources/read",
                           "\"uri\":\"ver://one\",\"_meta\":{\"gantry/version\":\"9\"}")),
               "Unknown version 9 of resource ver://one (there is 2, 1)");
    disconnect(&c);
    fixture_close(&f);
}

Test(transform_views, versions_that_one_may_not_see_are_not_named)
{
    fixture_open(&f);
    put(GN_TOOL, "add", "1.0", NULL);
    put(GN_TOOL, "add", "2.0", "ada");
    GN_AUTO_FREE char *ada = post_as("ada", "tools/list", NULL, "", "");
    assert_has(ada, "[\"2.0\",\"1.0\"]");
    GN_AUTO_FREE char *bob = post_as("bob", "tools/list", NULL, "", "");
    assert_has(bob, "\"gantry/version\":\"1.0\"");
    assert_lacks(bob, "/version\":\"2.0\"");
    assert_lacks(bob, "gantry/versions");
    GN_AUTO_FREE char *call = post_as("bob", "tools/call", "add", "\"name\":\"add\"",
                                      ",\"gantry/version\":\"2.0\"");
    assert_has(call, "Unknown version 2.0 of tool add (there is 1.0)");
    GN_AUTO_FREE char *hers = post_as("ada", "tools/call", "add", "\"name\":\"add\"",
                                      ",\"gantry/version\":\"2.0\"");
    assert_has(hers, "\"text\":\"2.0\"");
    fixture_close(&f);
}

Test(transform_views, old_revisions_have_no_meta_to_name_versions_in)
{
    struct client c;
    fixture_open(&f);
    add_versions();
    client_open(&c, true);
    client_initialize(&f, &c, "2025-03-26");
    assert_lacks(ask(&c, RPC("tools/list", "")), "gantry/");
    disconnect(&c);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- resources that are watched */

static size_t updates(const struct client *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count += strstr(c->sent[i], "resources/updated") != NULL;
    return count;
}

static void change(const char *uri)
{
    gn_protocol_resource_changed(f.p, uri);
    while (gn_timer_is_running(&f.p->watching.timer))
        uv_run(&f.uv, UV_RUN_ONCE);
}

Test(transform_views, of_a_resource_that_is_out_of_sight_nothing_is_told)
{
    struct client ada, bob;
    fixture_open(&f);
    connect_as(&ada, "ada");
    connect_as(&bob, "bob");
    assert_has(ask(&ada, RPC("resources/subscribe", "\"uri\":\"test://one\"")), "\"result\"");
    assert_has(ask(&bob, RPC("resources/subscribe", "\"uri\":\"test://one\"")), "\"result\"");
    change("test://one");
    cr_assert_eq(updates(&ada), 1);
    cr_assert_eq(updates(&bob), 1);
    add_rule(GN_TRANSFORM_DISABLE, "test://one", "bob");
    change("test://one");
    cr_assert_eq(updates(&ada), 2);
    cr_assert_eq(updates(&bob), 1);
    fixture_transforms(&f, NULL, 0);
    change("test://one");
    cr_assert_eq(updates(&bob), 2, "its subscription has stayed");
    disconnect(&ada);
    disconnect(&bob);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- retries */

static int any_answer(struct gn_question *q, const gantry_json *result, struct gn_error *err)
{
    (void)q, (void)result, (void)err;
    return 0;
}

static int run_ask(gantry_call *call, const void *in)
{
    struct gn_question q = {.key = "sure",
                            .method = "elicitation/create",
                            .params = "{\"message\":\"?\"}",
                            .params_len = 15,
                            .check = any_answer};
    struct gn_question *v[] = {&q};
    int rc = gn_call_ask(call, v, 1);
    return rc ? GANTRY_ECANCELED : run_name(call, in);
}

/* The state that an answer carries, as the member of a request. */
static char *state_of(const char *answer)
{
    const char *at = strstr(answer, "\"requestState\":\"");
    cr_assert_not_null(at, "%s", answer);
    const char *end = strchr(at + strlen("\"requestState\":\""), '"');
    return gn_format("\"name\":\"wait\",\"inputResponses\":{\"sure\":{}},%.*s", (int)(end + 1 - at),
                     at);
}

static void put_asking(const char *version, uint32_t flags)
{
    struct gn_component *c = fixture_make(&f, GN_TOOL, "wait", run_ask);
    c->version = gn_strdup(version);
    c->flags = flags;
    fixture_put(&f, c);
}

Test(transform_views, a_retry_is_of_the_version_that_was_called)
{
    static const uint32_t flags[] = {0, GANTRY_REPLAY};
    for (size_t i = 0; i < GN_COUNT(flags); i++) {
        fixture_open(&f);
        put_asking("1", flags[i]);
        put_asking("2", flags[i]);
        GN_AUTO_FREE char *asked = post_as(NULL, "tools/call", "wait", "\"name\":\"wait\"",
                                           ",\"gantry/version\":\"1\"");
        GN_AUTO_FREE char *params = state_of(asked);
        cr_assert_eq(f.p->parking->count, 1, "the older one is not superseded");
        GN_AUTO_FREE char *other = post_as(NULL, "tools/call", "wait", params, "");
        assert_has(other, "\"reason\":\"mismatch\"");
        GN_AUTO_FREE char *done = post_as(NULL, "tools/call", "wait", params,
                                          ",\"gantry/version\":\"1\"");
        assert_has(done, "\"text\":\"1\"");
        fixture_close(&f);
    }
}

Test(transform_views, a_retry_names_the_tool_as_it_is_served)
{
    fixture_open(&f);
    put_asking(NULL, 0);
    add_namespace("wx");
    GN_AUTO_FREE char *asked = post_as("ada", "tools/call", "wx_wait", "\"name\":\"wx_wait\"", "");
    GN_AUTO_FREE char *params = state_of(asked);
    GN_AUTO_FREE char *inner = post_as("ada", "tools/call", "wait", params, "");
    assert_has(inner, "\"reason\":\"mismatch\"");
    GN_AUTO_FREE char *served = gn_format("\"name\":\"wx_wait\"%s", strchr(params, ','));
    GN_AUTO_FREE char *done = post_as("ada", "tools/call", "wx_wait", served, "");
    assert_has(done, "\"text\":\"");
    fixture_close(&f);
}
