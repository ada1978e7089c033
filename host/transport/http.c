/* http.c - the HTTP server: its lws context on the host's loop, its beginning and its end.
 *
 * libwebsockets 4.1.6 with a foreign libuv loop ends in three steps: lws_context_destroy closes its
 * sockets, the loop must turn until its uv handles are closed, and a second lws_context_destroy
 * frees the context. Nothing tells when the handles are closed; they are after two turns, since the
 * second kind (timer, idle) is closed from the close callback of the first.
 */
#include "transport/http.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>
#include <sys/resource.h>

#define READ_SIZE (64u * 1024)
#define OTHER_FILES 4096u          /* descriptors beside connections: plugins, upstreams, workers */
#define NEVER_S (10 * 365 * 86400) /* our own timers are tighter than those of lws */
#define CLOSING_TURNS 8
#define LAST_ANSWERS_MS 10 /* between two looks whether the last answers are out */
#define LAST_ANSWERS_LOOKS 100
#define SCRATCH_MAX (512u * 1024)

/* ---- the log of lws: it has no argument, so this is the one place for a file-wide variable */

static struct gn_log *lws_log_target;
static char lws_last_error[256]; /* lws says why only here */

static void lws_log_line(int level, const char *line)
{
    size_t len = strcspn(line, "\n");
    if (level & (LLL_ERR | LLL_WARN)) {
        size_t n = GN_MIN(len, sizeof(lws_last_error) - 1);
        memcpy(lws_last_error, line, n);
        lws_last_error[n] = '\0';
    }
    gn_log(lws_log_target, GN_DEBUG, "libwebsockets", "%.*s", (int)len, line);
}

static void lws_log_to(struct gn_log *log)
{
    lws_log_target = log;
    bool verbose = log && log->level <= GN_DEBUG;
    lws_set_log_level(LLL_ERR | LLL_WARN | (verbose ? LLL_NOTICE : 0), lws_log_line);
}

/* ---- start */

/* lws finds a connection by its descriptor in one step if its table is as long as the process's
 * limit of descriptors, and walks the whole table if it is shorter. So the limit is what is needed
 * while lws looks, and its own again, or as much as is needed, afterwards. */
static struct lws_context *create_context(struct gn_http_server *s,
                                          struct lws_context_creation_info *info)
{
    rlim_t needed = (rlim_t)s->env.config->max_connections * 2 + OTHER_FILES;
    struct rlimit own, during;
    bool known = getrlimit(RLIMIT_NOFILE, &own) == 0;
    if (known) {
        during = own;
        during.rlim_cur = GN_MIN(needed, own.rlim_max);
        known = setrlimit(RLIMIT_NOFILE, &during) == 0;
    }
    struct lws_context *context = lws_create_context(info);
    if (known) {
        own.rlim_cur = GN_MAX(own.rlim_cur, during.rlim_cur);
        setrlimit(RLIMIT_NOFILE, &own);
    }
    return context;
}

static bool uses_tls(const struct gn_config *c)
{
    for (size_t i = 0; i < c->listener_count; i++) {
        if (c->listeners[i].tls_certificate)
            return true;
    }
    return false;
}

static int start_context(struct gn_http_server *s, struct gn_error *err)
{
    void *loops[1] = {gn_loop_uv(s->env.loop)};
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof(info));
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    if (uses_tls(s->env.config))
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.foreign_loops = loops;
    info.user = s;
    info.protocols = gn_http_protocols;
    info.pt_serv_buf_size = READ_SIZE;
    info.timeout_secs = NEVER_S;
    info.alpn = "http/1.1";
    s->context = create_context(s, &info);
    if (!s->context)
        return gn_error_set(err, GN_ENOTSUP, "libwebsockets does not start: %s", lws_last_error);
    return 0;
}

/* A vhost carries TLS; the sockets are ours. */
static struct lws_vhost *create_vhost(struct gn_http_server *s,
                                      const struct gn_config_listener *config, const char *name)
{
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof(info));
    info.port = config ? CONTEXT_PORT_NO_LISTEN_SERVER : CONTEXT_PORT_NO_LISTEN;
    info.vhost_name = name;
    info.protocols = gn_http_protocols;
    info.alpn = "http/1.1";
    if (config) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = config->tls_certificate;
        info.ssl_private_key_filepath = config->tls_key;
    }
    return lws_create_vhost(s->context, &info);
}

static int open_pages(struct gn_http_server *s, struct gn_error *err)
{
    const struct gn_config *config = s->env.config;
    struct gn_config_listener listener = {.address = config->metrics_listen};
    if (!config->metrics_listen)
        return 0;
    s->pages = gn_calloc(1, sizeof(*s->pages));
    s->pages->server = s;
    s->pages->fd = -1;
    s->pages->is_pages = true;
    return gn_http_listen(s->pages, &listener, config->metrics_path, err);
}

/* The sockets come first: most of what can go wrong goes wrong here, before lws has anything to
 * undo. */
static int open_listeners(struct gn_http_server *s, struct gn_error *err)
{
    const struct gn_config *config = s->env.config;
    for (size_t i = 0; i < s->listener_count; i++) {
        int r = gn_http_listen(&s->listeners[i], &config->listeners[i], config->path, err);
        if (r)
            return r;
    }
    return 0;
}

static int create_plain(struct gn_http_server *s, struct gn_error *err)
{
    s->plain = create_vhost(s, NULL, "plain");
    if (!s->plain)
        return gn_error_set(err, GN_ENOTSUP, "libwebsockets: %s", lws_last_error);
    if (s->pages)
        s->pages->vhost = s->plain;
    return 0;
}

static int create_vhosts(struct gn_http_server *s, struct gn_error *err)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct gn_config_listener *config = &s->env.config->listeners[i];
        struct gn_http_listener *l = &s->listeners[i];
        l->vhost = s->plain;
        if (!config->tls_certificate)
            continue;
        l->vhost_name = gn_format("tls-%zu", i);
        lws_last_error[0] = '\0';
        l->vhost = create_vhost(s, config, l->vhost_name);
        if (!l->vhost)
            return gn_error_set(err, GN_EINVAL, "%s: cannot use certificate %s with key %s: %s",
                                config->address, config->tls_certificate, config->tls_key,
                                lws_last_error);
    }
    return 0;
}

/* ---- end */

static void server_free(struct gn_http_server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        gn_http_listen_free(&s->listeners[i]);
    if (s->pages)
        gn_http_listen_free(s->pages);
    gn_free(s->pages);
    gn_free(s->listeners);
    gn_map_release(&s->sse_streams, NULL);
    gn_buf_release(&s->scratch);
    if (lws_log_target == s->env.log)
        lws_log_to(NULL);
    s->magic = 0;
    gn_free(s);
}

static void on_idle_closed(uv_handle_t *handle)
{
    struct gn_http_server *s = handle->data;
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    void (*on_closed)(void *arg) = s->on_closed;
    void *arg = s->closed_arg;
    server_free(s);
    if (on_closed)
        on_closed(arg);
}

/* Runs on each turn of the loop while the server closes. */
static void closing_turn(uv_idle_t *idle)
{
    struct gn_http_server *s = idle->data;
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    if (!s->context_closing) {
        s->context_closing = true;
        lws_context_destroy(s->context);
        return;
    }
    if (s->turns && --s->turns)
        return;
    if (s->context) {
        lws_context_destroy(s->context);
        s->context = NULL;
    }
    if (s->open_polls || !gn_list_empty(&s->conns))
        return;
    uv_idle_stop(idle);
    uv_close((uv_handle_t *)idle, on_idle_closed);
}

/* Closes all connections, but for a while not those whose answer is being written; then goes on. */
static void close_connections(struct gn_timer *timer)
{
    struct gn_http_server *s = GN_CONTAINER(timer, struct gn_http_server, last_answers);
    bool is_last_look = s->looks-- == 0;
    struct gn_list now;
    gn_list_init(&now);
    while (!gn_list_empty(&s->conns))
        gn_list_append(&now, gn_list_pop(&s->conns));
    while (!gn_list_empty(&now)) {
        struct gn_http_conn *c = GN_CONTAINER(gn_list_pop(&now), struct gn_http_conn, node);
        gn_list_append(&s->conns, &c->node);
        bool is_up = !is_last_look && !c->doomed;
        if (is_up && c->state == GN_HTTP_WEBSOCKET)
            gn_websocket_stop(c);
        else if (is_up && c->state == GN_HTTP_RUNNING && c->sse)
            gn_sse_stop(c);
        if (is_last_look || c->state != GN_HTTP_ANSWERED || c->doomed)
            gn_http_conn_close(c);
    }
    if (!gn_list_empty(&s->conns)) {
        gn_timer_start(s->env.loop, timer, LAST_ANSWERS_MS, close_connections);
        return;
    }
    gn_timer_stop(&s->flush);
    uv_idle_init(gn_loop_uv(s->env.loop), &s->turn);
    s->turn.data = s;
    uv_idle_start(&s->turn, closing_turn);
}

/* ---- */

static struct gn_http_server *server_alloc(const struct gn_transport_env *env)
{
    struct gn_http_server *s = gn_calloc(1, sizeof(*s));
    s->magic = GN_HTTP_SERVER_MAGIC;
    s->env = *env;
    s->turns = CLOSING_TURNS;
    gn_list_init(&s->conns);
    gn_list_init(&s->idle);
    gn_list_init(&s->dirty);
    gn_list_init(&s->waiting);
    gn_map_init(&s->sse_streams);
    gn_buf_init(&s->scratch, SCRATCH_MAX);
    s->listener_count = env->config->listener_count;
    s->listeners = gn_calloc(s->listener_count + 1, sizeof(*s->listeners));
    for (size_t i = 0; i < s->listener_count; i++) {
        s->listeners[i].server = s;
        s->listeners[i].fd = -1;
    }
    lws_log_to(env->log);
    return s;
}

static void start_listeners(struct gn_http_server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        gn_http_listen_start(&s->listeners[i]);
}

static struct gn_http_server *server_new(const struct gn_transport_env *env, bool only_pages,
                                         struct gn_error *err)
{
    struct gn_http_server *s = server_alloc(env);
    if (open_pages(s, err) || (!only_pages && open_listeners(s, err)) || start_context(s, err)) {
        server_free(s);
        return NULL;
    }
    if (create_plain(s, err) || (!only_pages && create_vhosts(s, err))) {
        gn_http_server_close(s, NULL, NULL);
        return NULL;
    }
    if (s->pages)
        gn_http_listen_start(s->pages);
    if (!only_pages)
        start_listeners(s);
    return s;
}

struct gn_http_server *gn_http_server_new(const struct gn_transport_env *env, struct gn_error *err)
{
    return server_new(env, false, err);
}

struct gn_http_server *gn_http_server_new_pages(const struct gn_transport_env *env,
                                                struct gn_error *err)
{
    return server_new(env, true, err);
}

int gn_http_server_open(struct gn_http_server *s, struct gn_error *err)
{
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    int r = open_listeners(s, err);
    if (r == 0)
        r = create_vhosts(s, err);
    if (r == 0)
        start_listeners(s);
    return r;
}

/* Those that stay were asked for their token once, when they came. */
static void end_revoked(struct gn_http_server *s)
{
    GN_LIST_EACH(&s->conns, n) {
        struct gn_http_conn *c = GN_CONTAINER(n, struct gn_http_conn, node);
        bool is_websocket = c->state == GN_HTTP_WEBSOCKET;
        bool stays = is_websocket || (c->state == GN_HTTP_RUNNING && c->sse);
        if (!stays || c->doomed || gn_http_request_may_stay(c))
            continue;
        gn_log(s->env.log, GN_NOTICE, GN_HTTP_COMPONENT,
               "a connection of %s ends: its token is not known any more",
               c->stream.principal ? c->stream.principal : "nobody");
        if (is_websocket)
            gn_websocket_revoke(c);
        else
            gn_sse_stop(c);
    }
}

void gn_http_server_configure(struct gn_http_server *s, const struct gn_config *config,
                              const struct gn_auth *auth)
{
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    s->env.config = config;
    s->env.auth = auth;
    lws_log_to(s->env.log);
    end_revoked(s);
}

void gn_http_server_stop_listening(struct gn_http_server *s)
{
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    for (size_t i = 0; i < s->listener_count; i++)
        gn_http_listen_stop(&s->listeners[i]);
}

void gn_http_server_close(struct gn_http_server *s, void (*on_closed)(void *arg), void *arg)
{
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    gn_assert(!s->closing);
    gn_http_server_stop_listening(s);
    if (s->pages)
        gn_http_listen_stop(s->pages);
    s->closing = true;
    s->on_closed = on_closed;
    s->closed_arg = arg;
    s->looks = LAST_ANSWERS_LOOKS;
    close_connections(&s->last_answers);
}

const char *gn_http_server_url(const struct gn_http_server *s, size_t i)
{
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    return i < s->listener_count ? s->listeners[i].url : NULL;
}

const char *gn_http_server_pages_url(const struct gn_http_server *s)
{
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    return s->pages ? s->pages->url : NULL;
}

void gn_http_server_status(const struct gn_http_server *s, struct gn_transport_status *ret)
{
    GN_CHECK(s, GN_HTTP_SERVER_MAGIC);
    ret->connections = s->conn_count;
    ret->output_bytes = s->output_bytes;
}
