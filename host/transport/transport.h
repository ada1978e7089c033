/* transport.h - bytes in and out. Each transport is made by its own function and closed the same
 * way. */
#ifndef GN_TRANSPORT_TRANSPORT_H
#define GN_TRANSPORT_TRANSPORT_H

#include "observe/metrics.h"
#include "pipeline/auth.h"
#include "protocol/protocol.h"

struct gn_transport_env {
    struct gn_loop *loop;
    struct gn_log *log;
    struct gn_protocol *protocol;
    const struct gn_config *config; /* borrowed; gn_..._configure after a reload */
    const struct gn_auth *auth;     /* likewise */

    /* what HTTP shows of the host itself (http_pages.c) */
    struct gn_metrics *metrics; /* NULL: there is no page of them */
    /* [loop] Why no calls are taken now ("stopping"); NULL: they are. May be NULL: they always are.
     */
    const char *(*unready)(void *arg);
    void *unready_arg;
};

/* ---- stdio: newline-delimited messages on in_fd and out_fd (already put aside by main, so that
 * nothing else writes to them). on_end(arg) comes once input has ended (or broke), every request
 * has been answered, and the answers are written, or could not be. */
struct gn_stdio;
struct gn_stdio *gn_stdio_new(const struct gn_transport_env *env, int in_fd, int out_fd,
                              void (*on_end)(void *arg), void *arg);
void gn_stdio_configure(struct gn_stdio *t, const struct gn_config *config);
void gn_stdio_close(struct gn_stdio *t, void (*on_closed)(void *arg), void *arg);

/* ---- Streamable HTTP on libwebsockets over the same libuv loop: all listeners of the
 * configuration. */
struct gn_http_server;
/* NULL with err set if a listener cannot be opened ("127.0.0.1:80: Permission denied"). Then, too,
 * the loop must turn until it has nothing to do before it and the log may go. */
struct gn_http_server *gn_http_server_new(const struct gn_transport_env *env, struct gn_error *err);
/* The same with nothing but the listener of its own that metrics and health have (metrics.listen),
 * before there is anything else to serve; then the others. After an error it is to be closed. */
struct gn_http_server *gn_http_server_new_pages(const struct gn_transport_env *env,
                                                struct gn_error *err);
int gn_http_server_open(struct gn_http_server *t, struct gn_error *err);
void gn_http_server_configure(struct gn_http_server *t, const struct gn_config *config,
                              const struct gn_auth *auth);
/* Stops listening; what is in flight goes on (drain), and so does the listener of the pages. */
void gn_http_server_stop_listening(struct gn_http_server *t);
void gn_http_server_close(struct gn_http_server *t, void (*on_closed)(void *arg), void *arg);
/* The URL of listener i with the port really bound ("http://127.0.0.1:34567/mcp", "unix:/path");
 * NULL past the last. Borrowed. */
const char *gn_http_server_url(const struct gn_http_server *t, size_t i);
/* Where the metrics have a listener of their own; NULL: nowhere. Borrowed. */
const char *gn_http_server_pages_url(const struct gn_http_server *t);

/* Numbers for the metrics. */
struct gn_transport_status {
    uint32_t connections;
    uint64_t output_bytes; /* waiting for clients */
};
void gn_http_server_status(const struct gn_http_server *t, struct gn_transport_status *ret);
void gn_stdio_status(const struct gn_stdio *t, struct gn_transport_status *ret);

#endif
