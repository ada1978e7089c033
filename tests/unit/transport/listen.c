/* listen.c - where HTTP listens: TCP, IPv6, Unix sockets, TLS, several at once, and what can go
 * wrong. */
#include "rig.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

GN_SUITE(listen);

static struct rig rig;

static void setup(void)
{
    rig_init(&rig);
}

#define HEALTH "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct sockaddr_un unix_addr(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    cr_assert_lt(len, sizeof(addr.sun_path), "%s is too long for a socket", path);
    memcpy(addr.sun_path, path, len + 1);
    return addr;
}

static void expect_served(size_t listener)
{
    struct client c;
    client_open(&rig, &c, listener);
    cr_assert_eq(client_status(&rig, &c, HEALTH), 200);
    client_release(&c);
}

static void expect_error(const char *address, const char *part)
{
    struct gn_error err = {0};
    rig_listen(&rig, address);
    struct gn_transport_env env = {
        .loop = rig.loop, .log = &rig.log, .protocol = &rig.protocol, .config = rig.config};
    cr_assert_null(gn_http_server_new(&env, &err));
    cr_assert_not_null(strstr(err.text, part), "%s", err.text);
    cr_assert(gn_starts_with(err.text, address), "%s", err.text);
}

static void add_listener(const char *address)
{
    struct gn_config *c = rig.config;
    c->listeners = gn_reallocarray(c->listeners, c->listener_count + 1, sizeof(*c->listeners));
    c->listeners[c->listener_count] = (struct gn_config_listener){0};
    c->listeners[c->listener_count++].address = gn_strdup(address);
}

static const char *socket_address(const char *name)
{
    static char address[200];
    snprintf(address, sizeof(address), "unix:%s/%s", gn_test_tmpdir(), name);
    return address;
}

Test(listen, ipv6_is_served, .init = setup)
{
    rig_listen(&rig, "[::1]:0");
    rig_http(&rig);
    cr_assert(gn_starts_with(gn_http_server_url(rig.http, 0), "http://[::1]:"));
    struct client c;
    client_open(&rig, &c, 0);
    cr_assert_eq(client_status(&rig, &c, "GET /health HTTP/1.1\r\nHost: [::1]:99\r\n\r\n"), 200);
    client_release(&c);
    rig_end(&rig);
}

Test(listen, a_wildcard_address_is_known_by_the_address_the_client_used, .init = setup)
{
    rig_listen(&rig, "0.0.0.0:0");
    rig_http(&rig);
    struct client c;
    client_open(&rig, &c, 0);
    cr_assert_eq(client_status(&rig, &c, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 200);
    cr_assert_eq(client_status(&rig, &c, "GET /health HTTP/1.1\r\nHost: 10.1.2.3\r\n\r\n"), 403);
    client_release(&c);
    rig_end(&rig);
}

Test(listen, a_unix_socket_has_its_mode_and_is_removed_at_the_end, .init = setup)
{
    struct stat st;
    const char *address = socket_address("s");
    rig_listen(&rig, address);
    rig_http(&rig);
    cr_assert_str_eq(gn_http_server_url(rig.http, 0), address);
    cr_assert_eq(stat(address + 5, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    struct client c;
    client_open(&rig, &c, 0);
    cr_assert_eq(client_status(&rig, &c, "GET /health HTTP/1.1\r\nHost: whatever\r\n\r\n"), 200);
    client_release(&c);
    rig_end(&rig);
    cr_assert_neq(stat(address + 5, &st), 0);
}

Test(listen, a_stale_unix_socket_is_replaced_and_a_live_one_is_not, .init = setup)
{
    const char *address = socket_address("s");
    struct sockaddr_un addr = unix_addr(address + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    cr_assert_eq(listen(fd, 5), 0);
    expect_error(address, "another process listens there");
    close(fd);
    rig_listen(&rig, address);
    rig.config->listeners[0].socket_mode = 0660;
    rig_http(&rig);
    struct stat st;
    cr_assert_eq(stat(address + 5, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0660);
    expect_served(0);
    rig_end(&rig);
}

Test(listen, no_other_file_is_ever_removed, .init = setup)
{
    const char *dir = gn_test_tmpdir();
    const char *path = gn_test_write_file(dir, "precious", "data", 4);
    GN_AUTO_FREE char *address = gn_format("unix:%s", path);
    expect_error(address, "it is no socket");
    cr_assert_eq(access(path, R_OK), 0);
    /* Nor a socket that somebody else has put in the place of ours. */
    const char *own = socket_address("s");
    rig_listen(&rig, own);
    rig_http(&rig);
    cr_assert_eq(unlink(own + 5), 0);
    struct sockaddr_un addr = unix_addr(own + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    rig_end(&rig);
    cr_assert_eq(access(own + 5, F_OK), 0);
    close(fd);
}

Test(listen, several_listeners_share_one_server, .init = setup)
{
    add_listener(socket_address("s"));
    add_listener("127.0.0.1:0");
    rig_http(&rig);
    for (size_t i = 0; i < 3; i++)
        expect_served(i);
    cr_assert_null(gn_http_server_url(rig.http, 3));
    cr_assert_str_neq(gn_http_server_url(rig.http, 0), gn_http_server_url(rig.http, 2));
    rig_end(&rig);
}

Test(listen, an_address_in_use_is_an_error_that_names_it, .init = setup)
{
    rig_http(&rig);
    unsigned port;
    cr_assert_eq(sscanf(gn_http_server_url(rig.http, 0), "http://127.0.0.1:%u", &port), 1);
    GN_AUTO_FREE char *address = gn_format("127.0.0.1:%u", port);
    expect_error(address, "Address already in use");
    expect_error("203.0.113.1:80", ": ");
    rig_end(&rig);
}

Test(listen, without_listeners_there_is_nothing_to_serve, .init = setup)
{
    gn_free(rig.config->listeners[0].address);
    rig.config->listener_count = 0;
    rig_http(&rig);
    cr_assert_null(gn_http_server_url(rig.http, 0));
    rig_end(&rig);
}

Test(listen, nobody_is_accepted_after_the_end_of_listening, .init = setup)
{
    rig_http(&rig);
    expect_served(0);
    unsigned port;
    cr_assert_eq(sscanf(gn_http_server_url(rig.http, 0), "http://127.0.0.1:%u", &port), 1);
    gn_http_server_stop_listening(rig.http);
    rig_turn(&rig);
    GN_AUTO_FREE char *address = gn_format("127.0.0.1:%u", port);
    rig_listen(&rig, address);
    struct gn_error err = {0};
    struct gn_http_server *second = gn_http_server_new(&rig.env, &err);
    cr_assert_not_null(second, "the port is not free: %s", err.text);
    gn_http_server_close(second, NULL, NULL);
    rig_end(&rig);
}

/* ---- TLS */

static const char *cert, *key;
static void (*act)(void); /* answers what is held */

static void make_certificate(void)
{
    const char *dir = gn_test_tmpdir();
    GN_AUTO_FREE char *command = gn_format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout %s/key.pem -out %s/cert.pem >/dev/null 2>&1",
        dir, dir);
    if (system(command) != 0)
        cr_skip_test("no certificate: is openssl installed?");
    static char cert_path[256], key_path[256];
    snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", dir);
    snprintf(key_path, sizeof(key_path), "%s/key.pem", dir);
    cert = cert_path;
    key = key_path;
}

static void use_tls(const char *cert_path, const char *key_path)
{
    rig.config->listeners[0].tls_certificate = gn_strdup(cert_path);
    rig.config->listeners[0].tls_key = gn_strdup(key_path);
}

static size_t collect(char *data, size_t size, size_t count, void *arg)
{
    gn_buf_add(arg, data, size * count);
    return size * count;
}

/* POSTs with libcurl, which checks the certificate; returns the status. */
static long post_tls(CURL *easy, const char *body, struct gn_buf *answer, bool check)
{
    unsigned port;
    cr_assert_eq(sscanf(gn_http_server_url(rig.http, 0), "https://127.0.0.1:%u", &port), 1);
    GN_AUTO_FREE char *url = gn_format("https://localhost:%u/mcp", port);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Accept: application/json, text/event-stream");
    headers = curl_slist_append(headers, "Expect:");
    CURLM *multi = curl_multi_init();
    int running = 1;
    long status = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4);
    curl_easy_setopt(easy, CURLOPT_CAINFO, cert);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, check ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    curl_multi_add_handle(multi, easy);
    uint64_t until = rig_deadline();
    while (running) {
        cr_assert(!rig_is_late(until));
        curl_multi_perform(multi, &running);
        if (rig.protocol.stream && act)
            act();
        rig_turn(&rig);
    }
    int left;
    CURLMsg *done = curl_multi_info_read(multi, &left);
    cr_assert_eq(done->data.result, CURLE_OK, "%s after %zu bytes",
                 curl_easy_strerror(done->data.result), answer->len);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(multi, easy);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return status;
}

Test(listen, tls_serves_with_its_certificate, .init = setup)
{
    make_certificate();
    use_tls(cert, key);
    rig_http(&rig);
    CURL *easy = curl_easy_init();
    struct gn_buf answer = GN_BUF_INIT(1u << 20);
    size_t len = 1u << 20;
    char *body = gn_malloc(len + 1);
    memset(body, 'x', len);
    body[len] = '\0';
    cr_assert_eq(post_tls(easy, "{}", &answer, true), 200);
    cr_assert_str_eq(answer.data, "{\"echo\":2}");
    gn_buf_clear(&answer);
    cr_assert_eq(post_tls(easy, body, &answer, true), 200);
    cr_assert_str_eq(answer.data, "{\"echo\":1048576}");
    gn_free(body);
    gn_buf_release(&answer);
    curl_easy_cleanup(easy);
    rig_end(&rig);
}

static void answer_large(void)
{
    size_t len = 10u << 20;
    char *text = gn_malloc(len);
    memset(text, 'y', len);
    struct gn_stream *s = rig.protocol.stream;
    rig.protocol.stream = NULL;
    s->ops->send(s, "{\"n\":1}", 7, GN_MUST);
    s->ops->end(s, 200, text, len);
    gn_free(text);
}

Test(listen, large_answers_arrive_whole_over_tls, .init = setup)
{
    make_certificate();
    use_tls(cert, key);
    rig.protocol.mode = FAKE_HOLD;
    act = answer_large;
    rig_http(&rig);
    CURL *easy = curl_easy_init();
    struct gn_buf answer = GN_BUF_INIT(32u << 20);
    cr_assert_eq(post_tls(easy, "{}", &answer, true), 200);
    cr_assert(gn_starts_with(answer.data,
                             "event: message\ndata: {\"n\":1}\n\nevent: message\ndata: yyyy"));
    cr_assert_gt(answer.len, 10u << 20);
    gn_buf_release(&answer);
    curl_easy_cleanup(easy);
    rig_end(&rig);
}

Test(listen, plain_text_on_a_tls_port_is_hung_up_on, .init = setup)
{
    make_certificate();
    use_tls(cert, key);
    rig_http(&rig);
    struct client c;
    client_open(&rig, &c, 0);
    client_print(&c, HEALTH);
    client_expect_close(&rig, &c);
    client_release(&c);
    client_open(&rig, &c, 0); /* and one that says nothing goes with the server */
    for (int i = 0; i < 20; i++)
        rig_turn(&rig);
    rig_end(&rig);
    client_release(&c);
}

Test(listen, a_wrong_certificate_is_an_error_that_names_it, .init = setup)
{
    struct gn_error err = {0};
    make_certificate();
    use_tls(key, cert);
    struct gn_transport_env env = {
        .loop = rig.loop, .log = &rig.log, .protocol = &rig.protocol, .config = rig.config};
    cr_assert_null(gn_http_server_new(&env, &err));
    cr_assert_not_null(strstr(err.text, "cannot use certificate"), "%s", err.text);
    for (int i = 0; i < 50; i++)
        rig_turn(&rig);
    rig_end(&rig);
}
