/* What goes out over HTTP, what is made of failures, and logins: without a server. */
#include "http_exchange.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>
#include <strings.h>

GN_SUITE(client_http);

#define COUNT 4

struct rig {
    gantry_client *client;
    struct gn_http_peer peer;
    struct gn_exchange x[COUNT];
    CURLcode ended[COUNT];
    unsigned ends, logins;
    gantry_login *login;
    bool is_closed;
};

static void on_login(gantry_client *client, gantry_login *login, void *arg)
{
    struct rig *rig = arg;
    (void)client;
    rig->logins++;
    rig->login = login;
}

static void on_end(struct gn_exchange *x, CURLcode code)
{
    struct rig *rig = GN_CONTAINER(x->peer, struct rig, peer);
    rig->ended[x - rig->x] = code;
    rig->ends++;
}

static void free_owner(struct gn_exchange *x)
{
    x->free_owner = NULL;
}

static void rig_open(struct rig *rig, gantry_client_options *options)
{
    gantry_client_error err;
    *rig = (struct rig){0};
    options->arg = rig;
    rig->client = gantry_client_new(options, &err);
    cr_assert(rig->client, "%s", err.message);
    cr_assert(gn_http_peer_init(&rig->peer, rig->client, NULL) == 0);
    for (size_t i = 0; i < COUNT; i++) {
        gn_exchange_init(&rig->x[i], &rig->peer, GN_HTTP_POST, free_owner);
        rig->x[i].on_end = on_end;
    }
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void turn(struct rig *rig, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        gantry_client_run(rig->client, 1);
}

static void rig_close(struct rig *rig)
{
    gn_login_close(&rig->peer);
    for (size_t i = 0; i < COUNT; i++)
        gn_exchange_free(&rig->x[i]);
    gn_http_peer_close(&rig->peer, on_closed, &rig->is_closed);
    while (!rig->is_closed)
        turn(rig, 1);
    gantry_client_close(rig->client, NULL, NULL);
}

/* ---------------------------------------------------------------- headers */

static const char *header(const struct gn_exchange *x, const char *name)
{
    size_t len = strlen(name);
    const char *found = NULL;
    for (const struct curl_slist *h = x->headers; h; h = h->next) {
        if (strncasecmp(h->data, name, len) != 0 || (h->data[len] != ':' && h->data[len] != ';'))
            continue;
        cr_assert(!found, "%s is there twice", name);
        found = h->data[len] == ';' ? "" : h->data + len + 1 + strspn(h->data + len + 1, " ");
    }
    return found;
}

Test(client_http, says_what_the_revision_wants)
{
    static const struct {
        enum gn_revision revision;
        const char *method, *version, *said;
    } cases[] = {
        {GN_REV_NONE, "server/discover", "2026-07-28", "server/discover"},
        {GN_REV_NONE, "initialize", NULL, NULL},
        {GN_REV_2026_07_28, "tools/call", "2026-07-28", "tools/call"},
        {GN_REV_2025_11_25, "tools/call", "2025-11-25", NULL},
        {GN_REV_2025_06_18, "tools/call", "2025-06-18", NULL},
        {GN_REV_2025_03_26, "tools/call", NULL, NULL},
        {GN_REV_2024_11_05, "tools/call", NULL, NULL},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct rig rig;
        rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1/mcp"));
        struct gn_outgoing m = {.method = cases[i].method, .name = " x"};
        rig.client->revision = cases[i].revision;
        gn_http_message_headers(&rig.x[0], &m, i % 2 ? "session" : NULL);
        const char *version = header(&rig.x[0], "MCP-Protocol-Version");
        const char *said = header(&rig.x[0], "Mcp-Method");
        cr_assert(gn_streq(version, cases[i].version), "%zu: %s", i, version);
        cr_assert(gn_streq(said, cases[i].said), "%zu: %s", i, said);
        cr_assert(gn_streq(header(&rig.x[0], "Mcp-Name"), said ? "=?base64?IHg=?=" : NULL));
        cr_assert(gn_streq(header(&rig.x[0], "Mcp-Session-Id"), i % 2 ? "session" : NULL));
        cr_assert_str_eq(header(&rig.x[0], "Accept"), "application/json, text/event-stream");
        cr_assert_str_eq(header(&rig.x[0], "Content-Type"), "application/json");
        rig.client->revision = GN_REV_NONE;
        rig_close(&rig);
    }
}

Test(client_http, sends_each_header_once)
{
    struct rig rig;
    const char *const all[] = {"X-A: all", "User-Agent: me", "ACCEPT: x", "Mcp-Param-A: x", NULL};
    const char *const one[] = {"x-a: one", "X-Empty:", "Authorization: Basic x", NULL};
    const char *const params[] = {"Mcp-Param-B: b", NULL};
    rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1/mcp", .headers = all,
                                         .token = "token"));
    struct gn_outgoing m = {.method = "tools/call", .headers = one, .param_headers = params};
    rig.client->revision = GN_REV_LATEST;
    gn_http_message_headers(&rig.x[0], &m, NULL);
    cr_assert_str_eq(header(&rig.x[0], "X-A"), "one");
    cr_assert_str_eq(header(&rig.x[0], "X-Empty"), "");
    cr_assert_str_eq(header(&rig.x[0], "User-Agent"), "me");
    cr_assert_str_eq(header(&rig.x[0], "Accept"), "application/json, text/event-stream");
    cr_assert_str_eq(header(&rig.x[0], "Mcp-Param-B"), "b");
    cr_assert_null(header(&rig.x[0], "Mcp-Param-A"), "only the protocol says those");
    cr_assert(rig.x[0].has_authorization, "that of the request, and not the token");
    rig.client->revision = GN_REV_NONE;
    rig_close(&rig);
}

Test(client_http, knows_an_origin)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"http://a/x", "http://a/y?z", true},
        {"http://a/x", "http://A:80/y", true},
        {"https://a/", "https://a:443", true},
        {"http://a/", "http://u:p@a/", true},
        {"http://a/", "https://a/", false},
        {"http://a/", "http://a:81/", false},
        {"http://a/", "http://a.b/", false},
        {"http://a/", "http://a@b/", false},
        {"http://[::1]/", "http://[::1]:80", true},
        {"http://a/", "/y", false},
        {"http://a/", "", false},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++)
        cr_assert_eq(gn_http_same_origin(cases[i].a, cases[i].b), cases[i].same, "%zu", i);
}

Test(client_http, names_a_file_that_is_not_there)
{
    struct gn_error err = {0};
    struct gn_http_peer peer;
    gantry_client *c = gantry_client_new(
        GANTRY_CLIENT_OPTIONS(.url = "https://a", .key_file = "/nowhere/key"), NULL);
    cr_assert_eq(gn_http_peer_init(&peer, c, &err), GN_EINVAL);
    cr_assert(strstr(err.text, "key_file: /nowhere/key: "), "%s", err.text);
    gantry_client_close(c, NULL, NULL);
}

/* ---------------------------------------------------------------- failures */

Test(client_http, says_what_a_failure_means)
{
    static const struct {
        int status;
        CURLcode code;
        bool was_sent;
        gantry_client_status is;
        bool passes, did_nothing;
    } cases[] = {
        {0, CURLE_COULDNT_CONNECT, false, GANTRY_CLIENT_CONNECTION, true, true},
        {0, CURLE_COULDNT_RESOLVE_HOST, false, GANTRY_CLIENT_CONNECTION, true, true},
        {0, CURLE_GOT_NOTHING, true, GANTRY_CLIENT_CONNECTION, true, false},
        {0, CURLE_ABORTED_BY_CALLBACK, true, GANTRY_CLIENT_CONNECTION, true, false},
        {0, CURLE_OPERATION_TIMEDOUT, true, GANTRY_CLIENT_TIMEOUT, true, false},
        {0, CURLE_PEER_FAILED_VERIFICATION, false, GANTRY_CLIENT_CONNECTION, false, true},
        {0, CURLE_WEIRD_SERVER_REPLY, true, GANTRY_CLIENT_PROTOCOL, false, false},
        {400, CURLE_OK, true, GANTRY_CLIENT_CONNECTION, false, false},
        {401, CURLE_OK, true, GANTRY_CLIENT_UNAUTHORIZED, false, false},
        {403, CURLE_OK, true, GANTRY_CLIENT_UNAUTHORIZED, false, false},
        {429, CURLE_OK, true, GANTRY_CLIENT_CONNECTION, true, true},
        {500, CURLE_OK, true, GANTRY_CLIENT_CONNECTION, false, false},
        {502, CURLE_OK, true, GANTRY_CLIENT_CONNECTION, true, false},
        {503, CURLE_OK, true, GANTRY_CLIENT_CONNECTION, true, false},
        {504, CURLE_OK, true, GANTRY_CLIENT_CONNECTION, true, false},
    };
    struct rig rig;
    rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://u:pw@127.0.0.1:1/mcp?key=1"));
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct gn_failure f;
        rig.x[0].status = cases[i].status;
        rig.x[0].was_sent = cases[i].was_sent;
        gn_exchange_failure(&rig.x[0], cases[i].code, &f);
        cr_assert_eq(f.status, cases[i].is, "%zu: %s", i, f.why.text);
        cr_assert_eq(f.is_passing, cases[i].passes, "%zu", i);
        cr_assert_eq(f.was_not_sent, cases[i].did_nothing, "%zu", i);
        cr_assert_eq(f.http_status, cases[i].status, "%zu", i);
        cr_assert(gn_starts_with(f.why.text, "http://127.0.0.1:1/mcp"), "%s", f.why.text);
    }
    rig_close(&rig);
}

Test(client_http, shows_a_little_of_a_body)
{
    static const struct {
        const char *body, *shown;
    } cases[] = {
        {"", "/mcp answers 500"},
        {"\n  first \nsecond", "/mcp answers 500: first "},
        {"a\x1b[31mb", "/mcp answers 500: a [31mb"},
        {"\xff\xfe", "/mcp answers 500"},
        {"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"why\"}}",
         "/mcp answers 500: why"},
        {"{\"error\":\"x\",\"error_description\":\"that\"}", "/mcp answers 500: that"},
    };
    struct rig rig;
    rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1/mcp"));
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        struct gn_failure f;
        rig.x[0].status = 500;
        gn_buf_clear(&rig.x[0].in);
        gn_buf_adds(&rig.x[0].in, cases[i].body);
        gn_exchange_failure(&rig.x[0], CURLE_OK, &f);
        cr_assert(gn_ends_with(f.why.text, cases[i].shown), "%s", f.why.text);
    }
    rig_close(&rig);
}

/* ---------------------------------------------------------------- logins */

static const gantry_client_handlers logs_in = {.size = sizeof(logs_in), .on_login = on_login};

static void refuse(struct rig *rig, size_t i, int status)
{
    rig->x[i].status = status;
    cr_assert(gn_login_begin(&rig->x[i]));
}

Test(client_http, asks_once_for_all_that_wait)
{
    struct rig rig;
    rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1/mcp", .handlers = &logs_in));
    refuse(&rig, 0, 401);
    refuse(&rig, 1, 401);
    gn_exchange_start(&rig.x[2]); /* it would be refused, too */
    cr_assert(!gn_exchange_runs(&rig.x[2]));
    cr_assert_eq(rig.logins, 0, "not from within");
    while (!rig.login)
        turn(&rig, 1);
    gantry_login_refuse(rig.login, "no");
    cr_assert_eq(rig.ends, 0, "not from within");
    while (rig.ends < 3)
        turn(&rig, 1);
    cr_assert_eq(rig.logins, 1);
    for (size_t i = 0; i < 3; i++) {
        struct gn_failure f;
        cr_assert_eq(rig.ended[i], CURLE_LOGIN_DENIED);
        gn_exchange_failure(&rig.x[i], rig.ended[i], &f);
        cr_assert_eq(f.status, GANTRY_CLIENT_UNAUTHORIZED);
        cr_assert_eq(f.http_status, 401);
        cr_assert(gn_ends_with(f.why.text, "no"), "%s", f.why.text);
    }
    rig_close(&rig);
}

Test(client_http, sends_again_with_what_it_was_given)
{
    struct rig rig;
    rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1/mcp", .handlers = &logs_in));
    refuse(&rig, 0, 401);
    while (!rig.login)
        turn(&rig, 1);
    gantry_login_retry(rig.login, "Bearer new");
    while (rig.ends < 1) /* nobody listens there */
        turn(&rig, 1);
    cr_assert_eq(rig.ended[0], CURLE_COULDNT_CONNECT);
    cr_assert_str_eq(rig.x[0].sent_authorization, "Bearer new");
    /* One that went with the old credentials is sent again without asking. */
    refuse(&rig, 1, 401);
    while (rig.ends < 2)
        turn(&rig, 1);
    cr_assert_eq(rig.logins, 1);
    rig_close(&rig);
}

Test(client_http, holds_only_what_a_403_is_about)
{
    struct rig rig;
    rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1/mcp", .handlers = &logs_in));
    refuse(&rig, 0, 403);
    gn_exchange_start(&rig.x[1]);
    cr_assert(gn_exchange_runs(&rig.x[1]));
    while (!rig.login || rig.ends < 1)
        turn(&rig, 1);
    cr_assert_eq(gantry_login_http_status(rig.login), 403);
    cr_assert_str_eq(gantry_login_challenge(rig.login), "");
    gantry_login_refuse(rig.login, NULL);
    rig_close(&rig);
}

Test(client_http, refuses_credentials_that_are_no_header)
{
    struct rig rig;
    rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1/mcp", .handlers = &logs_in));
    refuse(&rig, 0, 401);
    while (!rig.login)
        turn(&rig, 1);
    gantry_login_retry(rig.login, "Bearer x\r\nX-Evil: 1");
    while (rig.ends < 1)
        turn(&rig, 1);
    cr_assert_eq(rig.ended[0], CURLE_LOGIN_DENIED);
    cr_assert_null(rig.client->s.authorization);
    rig_close(&rig);
}

Test(client_http, a_login_outlives_what_waited_for_it)
{
    struct rig rig;
    rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1/mcp", .handlers = &logs_in));
    refuse(&rig, 0, 401);
    while (!rig.login)
        turn(&rig, 1);
    rig_close(&rig);
    gantry_login_retry(rig.login, "Bearer late");
}

Test(client_http, without_a_handler_nothing_waits)
{
    struct rig rig;
    rig_open(&rig, GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:1/mcp"));
    rig.x[0].status = 401;
    cr_assert(!gn_login_begin(&rig.x[0]));
    rig_close(&rig);
}
