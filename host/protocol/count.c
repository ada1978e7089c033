/* count.c - numbers of requests, for the metrics. */
#include "protocol/internal.h"

#include "protocol/park.h"

#include <stdio.h>
#include <string.h>

#define SERIES 500 /* a middleware may refuse with codes of its own */

static struct gn_metric *family(struct gn_protocol *p)
{
    static const char *const labels[] = {"method", "code", NULL};
    const struct gn_metric_spec spec = {
        .type = GN_COUNTER,
        .name = "gantry_requests_total",
        .help = "Requests answered, by method and JSON-RPC error code (ok: a result).",
        .labels = labels,
        .max_series = SERIES,
    };
    struct gn_error err = {0};
    if (!p->requests_answered)
        p->requests_answered = gn_metric_new(p->env->metrics, "", &spec, &err);
    return p->requests_answered;
}

static struct gn_series *series(struct gn_protocol *p, const char *method, const char *code)
{
    const char *const values[] = {method, code};
    struct gn_metric *f = family(p);
    return f ? gn_metric_series(f, values) : NULL;
}

void gn_count_result(struct gn_protocol *p, const struct gn_method *m)
{
    size_t at = (size_t)(m - gn_methods);
    if (!p->env->metrics || at >= GN_COUNT(p->results))
        return;
    if (!p->results[at])
        p->results[at] = series(p, m->name, "ok");
    if (p->results[at])
        gn_series_add(p->results[at], 1);
}

void gn_count_error(struct gn_protocol *p, const struct gn_method *m, int code)
{
    char text[16];
    if (!p->env->metrics)
        return;
    snprintf(text, sizeof(text), "%d", code);
    struct gn_series *s = series(p, m ? m->name : "other", text);
    if (s)
        gn_series_add(s, 1);
}

void gn_count_release(struct gn_protocol *p)
{
    gn_metric_unref(p->requests_answered);
    p->requests_answered = NULL;
    memset(p->results, 0, sizeof(p->results)); /* they were its */
}

void gn_protocol_status(const struct gn_protocol *p, struct gn_protocol_status *ret)
{
    *ret = (struct gn_protocol_status){
        .sessions = p->session_count,
        .running = p->active,
        .queued = p->queued,
        .subscriptions = p->subscriptions,
        .parked = p->parking->count,
        .parked_bytes = p->parking->bytes,
        .states = gn_spent_count(p->parking->spent),
        .kept_bytes = gn_spent_bytes(p->parking->spent),
        .event_bytes = p->events.bytes,
    };
    gn_tasks_count(p->tasks, ret->tasks);
    GN_LIST_EACH(&p->connections, n) {
        ret->sessions++;
    }
}
