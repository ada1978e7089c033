/* http_listen.c - listening sockets: ours, so that their errors are told, their limit is kept, and
 * they can be closed while connections go on.
 */
#include "transport/http.h"

#include "util/alloc.h"
#include "util/str.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define ACCEPTS_A_TURN 64
#define PAUSE_MS 100 /* after running out of descriptors */
#define PAGES_MAX 64 /* connections of the pages' listener, which nobody else can use up */

static const char busy_answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                  "Content-Length: 0\r\nConnection: close\r\n\r\n";

static int no_listener(const char *address, const char *what, struct gn_error *err)
{
    int code = errno;
    return gn_error_set(err, -code, "%s: %s%s", address, what, strerror(code));
}

/* ---- TCP */

static int bind_tcp(const struct addrinfo *ai)
{
    int on = 1, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    /* "[::]" would otherwise also take the port of "0.0.0.0". */
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static int bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } addr = {.v6 = {0}};
    socklen_t len = sizeof(addr);
    if (getsockname(fd, &addr.any, &len))
        return 0;
    return ntohs(addr.any.sa_family == AF_INET6 ? addr.v6.sin6_port : addr.v4.sin_port);
}

static int listen_tcp(struct gn_http_listener *l, const struct gn_config_listener *config,
                      const char *host, int port, const char *path, struct gn_error *err)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char service[16];
    snprintf(service, sizeof(service), "%d", port);
    int r = getaddrinfo(host && *host ? host : NULL, service, &hints, &list);
    if (r)
        return gn_error_set(err, GN_EINVAL, "%s: %s", config->address, gai_strerror(r));
    for (const struct addrinfo *ai = list; ai && l->fd < 0; ai = ai->ai_next)
        l->fd = bind_tcp(ai);
    freeaddrinfo(list);
    if (l->fd < 0)
        return no_listener(config->address, "", err);
    bool is_v6 = host && strchr(host, ':');
    l->url = gn_format("%s://%s%s%s:%d%s", config->tls_certificate ? "https" : "http",
                       is_v6 ? "[" : "", host && *host ? host : "0.0.0.0", is_v6 ? "]" : "",
                       bound_port(l->fd), path);
    return 0;
}

/* ---- Unix sockets */

static bool somebody_listens(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    /* EAGAIN: its backlog is full, so it is there. */
    bool refused = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 &&
                   (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    return !refused;
}

/* Removes what an earlier process has left behind; nothing that is in use, and no other file. */
static int remove_stale(const struct sockaddr_un *addr, const char *address, struct gn_error *err)
{
    struct stat st;
    if (lstat(addr->sun_path, &st) != 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return gn_error_set(err, GN_EEXIST, "%s: there is a file of this name, and it is no socket",
                            address);
    if (somebody_listens(addr))
        return gn_error_set(err, -EADDRINUSE, "%s: another process listens there", address);
    if (unlink(addr->sun_path) != 0 && errno != ENOENT)
        return no_listener(address, "cannot remove the old socket: ", err);
    return 0;
}

static int listen_unix(struct gn_http_listener *l, const struct gn_config_listener *config,
                       const char *path, struct gn_error *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(addr.sun_path))
        return gn_error_set(err, GN_EINVAL, "%s: the path of a socket has 1 to %zu bytes",
                            config->address, sizeof(addr.sun_path) - 1);
    memcpy(addr.sun_path, path, len);
    int r = remove_stale(&addr, config->address, err);
    if (r)
        return r;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return no_listener(config->address, "", err);
    /* Nobody connects before listen(), so the mode may be set after bind(). */
    mode_t mode = config->socket_mode ? (mode_t)config->socket_mode : 0600;
    if (bind(l->fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
        return no_listener(config->address, "", err);
    l->unix_path = gn_strdup(path);
    if (stat(path, &st) == 0) {
        l->dev = (uint64_t)st.st_dev;
        l->ino = (uint64_t)st.st_ino;
    }
    if (chmod(path, mode) != 0 || listen(l->fd, BACKLOG) != 0)
        return no_listener(config->address, "", err);
    l->url = gn_format("unix:%s", path);
    return 0;
}

/* Another process may have taken the name over. */
static void unlink_own(const struct gn_http_listener *l)
{
    struct stat st;
    if (l->unix_path && lstat(l->unix_path, &st) == 0 && (uint64_t)st.st_dev == l->dev &&
        (uint64_t)st.st_ino == l->ino)
        unlink(l->unix_path);
}

/* ---- accepting */

static void on_connection(uv_poll_t *poll, int status, int events);

static void pause_over(struct gn_timer *timer)
{
    struct gn_http_listener *l = GN_CONTAINER(timer, struct gn_http_listener, pause);
    uv_poll_start(&l->poll, UV_READABLE, on_connection);
}

/* Makes room by closing the connection that has been idle longest. */
static bool make_room(const struct gn_http_listener *l)
{
    struct gn_http_server *s = l->server;
    if (l->is_pages)
        return s->pages_count < PAGES_MAX;
    if (s->conn_count < s->env.config->max_connections)
        return true;
    if (gn_list_empty(&s->idle))
        return false;
    gn_http_conn_close(GN_CONTAINER(s->idle.next, struct gn_http_conn, idle_node));
    return s->conn_count < s->env.config->max_connections;
}

static void take_in(struct gn_http_listener *l, int fd)
{
    int on = 1;
    if (!make_room(l)) {
        if (l->vhost == l->server->plain)
            (void)!send(fd, busy_answer, sizeof(busy_answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return;
    }
    if (!l->unix_path)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    gn_http_adopt(l, fd);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct gn_http_listener *l = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && l->open; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            l->starved = false;
            take_in(l, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            if (!l->starved)
                gn_log(l->server->env.log, GN_WARNING, GN_HTTP_COMPONENT, "%s: cannot accept: %s",
                       l->url, strerror(errno));
            l->starved = true;
            uv_poll_stop(&l->poll);
            gn_timer_start(l->server->env.loop, &l->pause, PAUSE_MS, pause_over);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* ---- */

int gn_http_listen(struct gn_http_listener *l, const struct gn_config_listener *config,
                   const char *path, struct gn_error *err)
{
    char *host = NULL, *unix_path = NULL;
    int port = 0;
    int r = gn_config_parse_address(config->address, &host, &port, &unix_path, err);
    if (r == 0)
        r = unix_path ? listen_unix(l, config, unix_path, err)
                      : listen_tcp(l, config, host, port, path, err);
    gn_free(host);
    gn_free(unix_path);
    return r;
}

void gn_http_listen_start(struct gn_http_listener *l)
{
    gn_assert(uv_poll_init(gn_loop_uv(l->server->env.loop), &l->poll, l->fd) == 0);
    l->poll.data = l;
    l->open = true;
    l->server->open_polls++;
    uv_poll_start(&l->poll, UV_READABLE, on_connection);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct gn_http_listener *l = handle->data;
    close(l->fd);
    l->fd = -1;
    l->server->open_polls--;
}

void gn_http_listen_stop(struct gn_http_listener *l)
{
    if (!l->open)
        return;
    l->open = false;
    gn_timer_stop(&l->pause);
    unlink_own(l);
    /* What connects from here on is refused, not left waiting. */
    shutdown(l->fd, SHUT_RDWR);
    uv_close((uv_handle_t *)&l->poll, on_poll_closed);
}

void gn_http_listen_free(struct gn_http_listener *l)
{
    if (l->fd >= 0) {
        unlink_own(l); /* it never started */
        close(l->fd);
    }
    gn_free(l->url);
    gn_free(l->vhost_name);
    gn_free(l->unix_path);
}
