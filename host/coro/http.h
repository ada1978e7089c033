/* http.h - outbound HTTP as an awaitable: libcurl's multi interface on the loop. */
#ifndef GN_CORO_HTTP_H
#define GN_CORO_HTTP_H

#include "coro/task.h"
#include "util/arena.h"

struct gn_http; /* one per loop: connection cache, DNS cache */

struct gn_http_request {
    const char *method, *url;   /* method NULL: GET */
    const char *const *headers; /* "Name: value", NULL-terminated, may be NULL */
    const void *body;
    size_t body_size;
    uint64_t timeout_ms;    /* of the whole exchange, redirects included; 0: 30 s */
    size_t max_response;    /* bytes of body; 0: 4 MiB. Headers: 64 KiB and 256 lines at most */
    uint32_t max_redirects; /* 0: a redirect is a response like others; more than 20 are 20 */
};

struct gn_http_response {
    int status;
    char *body; /* NUL-terminated, in the arena */
    size_t body_size;
    const char **headers; /* "name: value", names lower case, NULL-terminated, in the arena */
    const char *url;
};

/* [loop] */
struct gn_http *gn_http_new(struct gn_loop *loop);
/* [loop] Aborts what runs (their awaits get GN_ECANCELED), then on_closed(arg) from the loop. */
void gn_http_close(struct gn_http *http, void (*on_closed)(void *arg), void *arg);
/* [task] One exchange. http: and https: only, also after redirects; no cookies, no netrc, no proxy
 * surprises beyond the standard environment variables; a redirect to another host does not take
 * Authorization and Cookie headers along, but all others. Errors: GN_EINVAL bad URL or header,
 * GN_ETIMEDOUT, GN_ETOOBIG, GN_ECANCELED, GN_EPIPE anything of the network; err says what. */
int gn_http_fetch(struct gn_http *http, struct gn_task *task, const struct gn_http_request *request,
                  struct gn_arena *arena, struct gn_http_response *ret, struct gn_error *err);

#endif
