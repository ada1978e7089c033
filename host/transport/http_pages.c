/* http_pages.c - what the host says about itself over HTTP: metrics for Prometheus, and for whoever
 * watches over it whether it is alive and whether it takes calls.
 *
 * They are on every listener, or, with `metrics.listen`, on one of their own and on no other. Where
 * the host asks for tokens the metrics need one, too, but not on their own listener.
 */
#include "transport/http.h"

#include "util/str.h"

static void answer_health(struct gn_http_conn *c)
{
    gn_http_answer_text(c, 200, "ok");
}

static void answer_ready(struct gn_http_conn *c)
{
    const struct gn_transport_env *env = &c->server->env;
    const char *reason = env->unready ? env->unready(env->unready_arg) : NULL;
    gn_http_answer_text(c, reason ? 503 : 200, reason ? reason : "ok");
}

static void answer_metrics(struct gn_http_conn *c)
{
    if (!c->listener->is_pages && !gn_http_request_authorize(c))
        return;
    struct gn_buf page = GN_BUF_INIT(GN_METRICS_PAGE_BYTES);
    gn_metrics_write(c->server->env.metrics, &page);
    if (page.overflow)
        gn_http_answer_text(c, 500, "the metrics are too many for one page");
    else
        gn_http_answer(c, 200, GN_METRICS_TYPE, gn_buf_str(&page), page.len);
    gn_buf_release(&page);
}

struct page {
    const char *path; /* NULL: as configured */
    void (*answer)(struct gn_http_conn *c);
};

static const struct page *find(const struct gn_http_conn *c)
{
    static const struct page pages[] = {
        {"/health", answer_health},
        {"/healthz", answer_health},
        {"/readyz", answer_ready},
        {NULL, answer_metrics},
    };
    const struct gn_transport_env *env = &c->server->env;
    bool has_metrics = env->metrics && env->config->metrics_enabled;
    for (size_t i = 0; i < GN_COUNT(pages); i++) {
        const char *path = pages[i].path;
        if (!path)
            path = has_metrics ? env->config->metrics_path : NULL;
        if (path && gn_streq(c->head.path, path))
            return &pages[i];
    }
    return NULL;
}

bool gn_http_page(struct gn_http_conn *c)
{
    if (c->server->pages && !c->listener->is_pages)
        return false;
    const struct page *page = find(c);
    if (!page)
        return false;
    if (c->method == GN_HTTP_GET || c->method == GN_HTTP_HEAD) {
        page->answer(c);
    } else {
        gn_http_add_header(c, "Allow", "GET, HEAD");
        gn_http_answer_text(c, 405, "only GET and HEAD are known here");
    }
    return true;
}
