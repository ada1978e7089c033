/* pages.c - metrics and health over HTTP: on the listeners of MCP, or on one of their own. */
#include "rig.h"

#include <stdio.h>

GN_SUITE(pages);

static struct rig rig;
static const char *reason;

static const char *why(void *arg)
{
    cr_assert_eq(arg, &rig);
    return reason;
}

static void collect(void *arg, struct gn_buf *out)
{
    (void)arg;
    gn_metrics_head(out, "a", GN_GAUGE, "Help");
    gn_metrics_sample(out, "a", NULL, 7);
}

#define PAGE "# HELP a Help\n# TYPE a gauge\na 7\n"

static void setup(void)
{
    rig_init(&rig);
    rig.metrics = gn_metrics_new();
    rig.unready = why;
    reason = NULL;
    gn_metrics_collect(rig.metrics, collect, NULL);
}

static void end(void)
{
    rig_end(&rig);
    gn_metrics_free(rig.metrics);
}

static void own_listener(const char *address)
{
    gn_free(rig.config->metrics_listen);
    rig.config->metrics_listen = gn_strdup(address);
}

/* Asks on an open connection. */
static int ask(struct client *c, const char *method, const char *path, const char *headers,
               const char *body)
{
    struct response response;
    client_print(c, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path, headers);
    if (gn_streq(method, "HEAD"))
        client_head_response(&rig, c, &response);
    else
        client_response(&rig, c, &response);
    if (body)
        cr_assert_str_eq(gn_buf_str(&response.body), body);
    if (response.status == 405)
        cr_assert_str_eq(response_header(&response, "Allow"), "GET, HEAD");
    int status = response.status;
    response_release(&response);
    return status;
}

static int get(struct client *c, const char *path, const char *body)
{
    return ask(c, "GET", path, "", body);
}

Test(pages, stand_where_mcp_is_served, .init = setup)
{
    rig_http(&rig);
    struct client c;
    client_open(&rig, &c, 0);
    cr_assert_null(gn_http_server_pages_url(rig.http));
    cr_assert_eq(get(&c, "/metrics", PAGE), 200);
    cr_assert_eq(get(&c, "/healthz", "ok"), 200);
    cr_assert_eq(get(&c, "/readyz", "ok"), 200);
    cr_assert_eq(get(&c, "/readyz?verbose", "ok"), 200);
    cr_assert_eq(get(&c, "/metric", "there is nothing here"), 404);
    cr_assert_eq(get(&c, "/metrics/", "there is nothing here"), 404);
    client_release(&c);
    end();
}

Test(pages, metrics_say_their_format, .init = setup)
{
    struct response response;
    struct client c;
    rig_http(&rig);
    client_open(&rig, &c, 0);
    client_print(&c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_response(&rig, &c, &response);
    cr_assert_str_eq(response_header(&response, "Content-Type"),
                     "text/plain; version=0.0.4; charset=utf-8");
    cr_assert_str_eq(response_header(&response, "Cache-Control"), "no-store");
    response_release(&response);
    client_release(&c);
    end();
}

Test(pages, are_asked_by_get_and_head_only, .init = setup)
{
    static const char *const paths[] = {"/metrics", "/healthz", "/readyz"};
    struct client c;
    rig_http(&rig);
    client_open(&rig, &c, 0);
    for (size_t i = 0; i < GN_COUNT(paths); i++) {
        cr_assert_eq(ask(&c, "HEAD", paths[i], "", ""), 200);
        cr_assert_eq(ask(&c, "POST", paths[i], "Content-Length: 2\r\n\r\nab", NULL), 405);
    }
    client_release(&c);
    client_open(&rig, &c, 0);
    cr_assert_eq(ask(&c, "DELETE", "/metrics", "", NULL), 405);
    cr_assert_eq(ask(&c, "OPTIONS", "/metrics", "", NULL), 405);
    cr_assert_eq(rig.protocol.received + rig.protocol.deletes, 0);
    client_release(&c);
    end();
}

Test(pages, readiness_says_why_not, .init = setup)
{
    struct client c;
    rig_http(&rig);
    client_open(&rig, &c, 0);
    reason = "stopping";
    cr_assert_eq(get(&c, "/readyz", "stopping"), 503);
    cr_assert_eq(get(&c, "/healthz", "ok"), 200);
    reason = NULL;
    cr_assert_eq(get(&c, "/readyz", "ok"), 200);
    client_release(&c);
    end();
}

Test(pages, metrics_need_the_token_that_calls_need_and_health_does_not, .init = setup)
{
    struct response response;
    struct client c;
    rig_token(&rig, "prometheus", "secret");
    rig_http(&rig);
    client_open(&rig, &c, 0);
    client_print(&c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 401);
    cr_assert_str_eq(response_header(&response, "WWW-Authenticate"), "Bearer");
    response_release(&response);
    cr_assert_eq(ask(&c, "GET", "/metrics", "Authorization: Bearer wrong\r\n", NULL), 401);
    cr_assert_eq(ask(&c, "GET", "/metrics", "Authorization: Bearer secret\r\n", PAGE), 200);
    cr_assert_eq(get(&c, "/healthz", "ok"), 200);
    cr_assert_eq(get(&c, "/readyz", "ok"), 200);
    client_release(&c);
    end();
}

Test(pages, other_names_of_the_host_are_refused, .init = setup)
{
    struct client c;
    own_listener("127.0.0.1:0");
    rig_http(&rig);
    client_open_url(&c, gn_http_server_pages_url(rig.http));
    cr_assert_eq(client_status(&rig, &c, "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
                 403);
    client_release(&c);
    end();
}

Test(pages, path_and_switch_are_those_of_the_configuration_at_the_moment, .init = setup)
{
    struct client c;
    rig_http(&rig);
    client_open(&rig, &c, 0);
    gn_free(rig.config->metrics_path);
    rig.config->metrics_path = gn_strdup("/numbers");
    cr_assert_eq(get(&c, "/metrics", NULL), 404);
    cr_assert_eq(get(&c, "/numbers", PAGE), 200);
    rig.config->metrics_enabled = false;
    cr_assert_eq(get(&c, "/numbers", NULL), 404);
    cr_assert_eq(get(&c, "/healthz", "ok"), 200);
    client_release(&c);
    end();
}

Test(pages, a_listener_of_their_own_takes_them_off_the_others, .init = setup)
{
    static const char *const paths[] = {"/metrics", "/health", "/healthz", "/readyz"};
    struct client mcp, own;
    rig_token(&rig, "somebody", "secret");
    own_listener("127.0.0.1:0");
    rig_http(&rig);
    const char *url = gn_http_server_pages_url(rig.http);
    cr_assert(gn_starts_with(url, "http://127.0.0.1:") && gn_ends_with(url, "/metrics"), "%s", url);
    client_open(&rig, &mcp, 0);
    client_open_url(&own, url);
    for (size_t i = 0; i < GN_COUNT(paths); i++) {
        cr_assert_eq(get(&mcp, paths[i], NULL), 404);
        cr_assert_eq(get(&own, paths[i], i == 0 ? PAGE : "ok"), 200); /* without a token */
    }
    cr_assert_eq(get(&own, "/mcp", NULL), 404);
    struct gn_transport_status status;
    gn_http_server_status(rig.http, &status);
    cr_assert_eq(status.connections, 1); /* that of a client */
    client_release(&mcp);
    client_release(&own);
    end();
}

Test(pages, their_listener_is_there_first_and_goes_last, .init = setup)
{
    struct gn_error err = {0};
    struct client own, mcp;
    own_listener("127.0.0.1:0");
    reason = "plugins are being loaded";
    rig.env = (struct gn_transport_env){.loop = rig.loop,
                                        .log = &rig.log,
                                        .protocol = &rig.protocol,
                                        .config = rig.config,
                                        .metrics = rig.metrics,
                                        .unready = why,
                                        .unready_arg = &rig};
    rig.http = gn_http_server_new_pages(&rig.env, &err);
    cr_assert_not_null(rig.http, "%s", err.text);
    cr_assert_null(gn_http_server_url(rig.http, 0));
    client_open_url(&own, gn_http_server_pages_url(rig.http));
    cr_assert_eq(get(&own, "/readyz", reason), 503);
    cr_assert_eq(gn_http_server_open(rig.http, &err), 0, "%s", err.text);
    client_open(&rig, &mcp, 0);
    client_post(&mcp, "{}");
    client_expect(&rig, &mcp, "{\"echo\":2}");
    gn_http_server_stop_listening(rig.http);
    client_release(&own);
    client_open_url(&own, gn_http_server_pages_url(rig.http));
    cr_assert_eq(get(&own, "/metrics", PAGE), 200);
    client_release(&own);
    client_release(&mcp);
    end();
}

Test(pages, clients_that_take_all_connections_leave_theirs, .init = setup)
{
    struct client mcp, own;
    rig.config->max_connections = 1;
    own_listener("127.0.0.1:0");
    rig_http(&rig);
    rig.protocol.mode = FAKE_HOLD;
    client_open(&rig, &mcp, 0);
    client_post(&mcp, "{}");
    RIG_WAIT(&rig, rig.protocol.received == 1);
    client_open_url(&own, gn_http_server_pages_url(rig.http));
    cr_assert_eq(get(&own, "/metrics", PAGE), 200);
    rig.protocol.stream->ops->end(rig.protocol.stream, 200, "{}", 2);
    client_release(&own);
    client_release(&mcp);
    end();
}

Test(pages, an_address_that_is_taken_is_told, .init = setup)
{
    struct gn_error err = {0};
    own_listener("127.0.0.1:0");
    rig_http(&rig);
    const char *url = gn_http_server_pages_url(rig.http);
    GN_AUTO_FREE char *address = gn_strndup(url + strlen("http://"),
                                            strlen(url) - strlen("http:///metrics"));
    own_listener(address);
    cr_assert_null(gn_http_server_new_pages(&rig.env, &err));
    cr_assert(gn_starts_with(err.text, address), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "in use"), "%s", err.text);
    end();
}

Test(pages, a_unix_socket_can_have_them, .init = setup)
{
    struct client own;
    GN_AUTO_FREE char *address = gn_format("unix:%s/m.sock", gn_test_tmpdir());
    own_listener(address);
    rig_http(&rig);
    client_open_url(&own, gn_http_server_pages_url(rig.http));
    cr_assert_eq(get(&own, "/metrics", PAGE), 200);
    client_release(&own);
    end();
}

Test(pages, a_page_may_be_larger_than_what_may_wait_for_a_client, .init = setup)
{
    struct client c;
    struct response response;
    struct gn_error err = {0};
    static const char *const labels[] = {"number", NULL};
    struct gn_metric *f = gn_metric_new(rig.metrics, "",
                                        &(struct gn_metric_spec){.type = GN_COUNTER,
                                                                 .name = "a_total",
                                                                 .help = "Help",
                                                                 .labels = labels,
                                                                 .max_series = 10000},
                                        &err);
    for (int i = 0; i < 10000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        gn_metric_series(f, (const char *const[]){text});
    }
    rig.config->max_output_queue = 65536;
    rig_http(&rig);
    client_open(&rig, &c, 0);
    client_print(&c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_response(&rig, &c, &response);
    cr_assert_eq(response.status, 200);
    cr_assert_gt(response.body.len, 200000);
    cr_assert(gn_ends_with(gn_buf_str(&response.body), "a_total{number=\"9999\"} 0\n"));
    response_release(&response);
    client_release(&c);
    gn_metric_unref(f);
    end();
}
