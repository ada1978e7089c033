/* http.h - outbound HTTP as an awaitable: libcurl's multi interface on the loop. */
#ifndef GN_CORO_HTTP_H
#define GN_CORO_HTTP_H

#include "coro/task.h"
#include "util/arena.h"

struct gn_http; /* one per loop: connection cache, DNS cache */

struct gn_http_request {
    const char *method, *url;
    const char *const *headers; /* "Name: value", NULL-terminated, may be NULL */
    const void *body;
    size_t body_size;
    uint64_t timeout_ms;
    size_t max_response;
    uint32_t max_redirects;
};

struct gn_http_response {
    int status;
    char *body; /* NUL-terminated, in the arena */
    size_t body_size;
    const char **headers; /* "name: value", names lower case, NULL-terminated, in the arena */
    const char *url;
};

struct gn_http *gn_http_new(struct gn_loop *loop);
/* [loop] Aborts what runs (their awaits get GN_ECANCELED), then on_closed(arg) from the loop. */
void gn_http_close(struct gn_http *http, void (*on_closed)(void *arg), void *arg);
/* [task] One exchange. http: and https: only, also after redirects; no cookies, no netrc, no proxy
 * surprises beyond the standard environment variables. Errors: GN_EINVAL bad URL or header,
 * GN_ETIMEDOUT, GN_ETOOBIG, GN_ECANCELED, GN_EPIPE anything of the network; err says what. */
int gn_http_fetch(struct gn_http *http, struct gn_task *task, const struct gn_http_request *request,
                  struct gn_arena *arena, struct gn_http_response *ret, struct gn_error *err);

#endif
