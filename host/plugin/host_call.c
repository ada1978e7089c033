/* host_call.c - what a handler does while it runs: waiting, locks, memory, and reading its request.
 */
#include "plugin/host_internal.h"

#include "call/mutex.h"
#include "plugin/host_errors.h"
#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SHIELD_MAX_MS 5000
#define MISUSE_MAX 512

/* ---------------------------------------------------------------- shared */

static bool is_running(const gantry_call *call)
{
    return call && call->magic == GN_CALL_MAGIC && call->task;
}

/* A thread of the plugin, or the function of gantry_work, may know the call but must not use it. */
bool gn_host_runs_not(const gantry_call *call)
{
    if (!is_running(call))
        return false;
    gn_log(call->env->log, GN_WARNING, gn_call_label(call), "%s",
           "the call is used on a thread that is not its handler's (in gantry_work?): refused");
    return false;
}

int gn_host_misuse(gantry_call *call, const char *fmt, ...)
{
    char text[MISUSE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gn_log(call->env->log, GN_WARNING, gn_call_label(call), "%s", text);
    return GANTRY_EINVAL;
}

void gn_host_on_loop(gantry_call *call, void (*fn)(void *arg), void *arg)
{
    if (gn_task_is_worker(call->task))
        gn_task_on_loop(call->task, fn, arg);
    else
        fn(arg);
}

uint64_t gn_host_result_limit(const gantry_call *call)
{
    return call->env->result_bytes ? call->env->result_bytes : GN_HOST_RESULT_BYTES;
}

/* ---------------------------------------------------------------- progress and waiting */

int gn_host_progress(gantry_call *call, double done, double total, const char *message)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    return gn_call_progress(call, done, total, message);
}

int gn_host_sleep(gantry_call *call, uint32_t ms)
{
    return gn_host_runs(call) ? gn_host_code(gn_task_sleep(call->task, ms)) : GANTRY_EPERM;
}

int gn_host_cancelled(gantry_call *call)
{
    /* Asked in loops: one that runs in the wrong place must not fill the log. */
    return gn_host_is_on_task(call) && gn_task_is_cancelled(call->task);
}

int gn_host_shield(gantry_call *call, uint32_t ms)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    return gn_host_code(gn_task_shield(call->task, GN_MIN(ms, (uint32_t)SHIELD_MAX_MS)));
}

int gn_host_work(gantry_call *call, int (*fn)(void *arg), void *arg)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!fn)
        return gn_host_misuse(call, "gantry_work: the function is NULL");
    return gn_host_work_interruptible(call, fn, NULL, arg);
}

/* ---------------------------------------------------------------- locks */

gantry_mutex *gn_host_mutex_new(gantry_plugin *g)
{
    GN_CHECK(g, GN_GENERATION_MAGIC);
    if (!gn_loop_is_current(g->env->loop)) {
        gn_log(g->env->log, GN_WARNING, g->instance, "gantry_mutex_new: not on a worker thread");
        return NULL;
    }
    gantry_mutex *m = gn_calloc(1, sizeof *m);
    gn_mutex_init(&m->mutex, g->env->loop);
    gn_list_append(&g->mutexes, &m->plugin_node);
    gn_list_init(&m->call_node);
    m->plugin = g;
    return m;
}

void gn_host_mutex_free(gantry_mutex *m)
{
    if (!m)
        return;
    gantry_plugin *g = m->plugin;
    const char *why = NULL;
    if (!gn_loop_is_current(g->env->loop))
        why = "not on a worker thread";
    else if (m->mutex.owner || !gn_list_empty(&m->mutex.waiters))
        why = "it is in use";
    if (why) { /* it goes with the instance */
        gn_log(g->env->log, GN_WARNING, g->instance, "gantry_mutex_free: %s", why);
        return;
    }
    gn_list_remove(&m->plugin_node);
    gn_mutex_fini(&m->mutex);
    gn_free(m);
}

int gn_host_lock(gantry_call *call, gantry_mutex *m)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!m || m->plugin != gn_host_self(call))
        return gn_host_misuse(call, "gantry_lock: %s",
                              m ? "the mutex is another instance's" : "it is NULL");
    int rc = gn_mutex_lock(&m->mutex, call->task);
    if (rc == GN_EINVAL)
        return gn_host_misuse(call, "gantry_lock: this call holds the mutex already");
    if (rc == GN_OK) {
        m->level = call->around_at;
        gn_list_append(&call->locks, &m->call_node);
    }
    return gn_host_code(rc);
}

void gn_host_unlock(gantry_call *call, gantry_mutex *m)
{
    if (!gn_host_runs(call))
        return;
    bool held = false;
    GN_LIST_EACH(&call->locks, n)
        held = held || (m && n == &m->call_node);
    if (!held) {
        gn_host_misuse(call, "gantry_unlock: this call does not hold the mutex");
        return;
    }
    gn_list_remove(&m->call_node);
    gn_mutex_unlock(&m->mutex, call->task);
}

/* ---------------------------------------------------------------- memory */

void *gn_host_alloc(gantry_call *call, size_t n)
{
    return gn_host_runs(call) ? gn_arena_calloc(&call->arena, n) : NULL;
}

char *gn_host_formatv(gantry_call *call, const char *fmt, va_list ap)
{
    return gn_host_runs(call) ? gn_arena_vformat(&call->arena, fmt, ap) : NULL;
}

/* ---------------------------------------------------------------- the request */

void *gn_host_data(gantry_call *call)
{
    return gn_host_runs(call) ? call->self_data : NULL;
}

gantry_plugin *gn_host_self(gantry_call *call)
{
    return gn_host_runs(call) && call->self ? call->self->plugin : NULL;
}

const char *gn_host_uri(gantry_call *call)
{
    if (!gn_host_runs(call))
        return NULL;
    const struct gn_component *c = call->component;
    /* A middleware of another plugin knows it as clients do. */
    if (!call->uri || !c || call->self != c->owner)
        return call->uri;
    return gn_component_inner_uri(c, call->uri, &call->arena);
}

struct header {
    gantry_call *call;
    const char *name, *value;
};

/* The request of a nested call is that of the outermost one. The value is copied: it belongs to a
 * stream that may be gone when the handler looks again. */
static void find_header(void *arg)
{
    struct header *h = arg;
    gantry_call *call = h->call;
    while (call->parent)
        call = call->parent;
    if (!call->ops || !call->ops->header)
        return;
    char *name = gn_arena_strdup(&h->call->arena, h->name); /* transports keep lower case */
    for (char *c = name; c && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    h->value = gn_arena_strdup(&h->call->arena, name ? call->ops->header(call, name) : NULL);
}

const char *gn_host_header(gantry_call *call, const char *name)
{
    if (!gn_host_runs(call) || !name || !name[0])
        return NULL;
    struct header h = {call, name, NULL};
    gn_host_on_loop(call, find_header, &h);
    return h.value;
}

const gantry_json *gn_host_params(gantry_call *call)
{
    return gn_host_runs(call) ? call->params : NULL;
}

const gantry_json *gn_host_arguments(gantry_call *call)
{
    return gn_host_runs(call) ? call->arguments : NULL;
}

const gantry_json *gn_host_request_meta(gantry_call *call)
{
    return gn_host_runs(call) ? call->meta : NULL;
}

const char *gn_host_info(gantry_call *call, uint32_t what)
{
    if (!gn_host_runs(call))
        return NULL;
    const char *const values[] = {
        [GANTRY_INFO_METHOD] = call->method,
        [GANTRY_INFO_REQUEST_ID] = call->request_id,
        [GANTRY_INFO_SESSION_ID] = call->session_id,
        [GANTRY_INFO_CLIENT_NAME] = call->client_name,
        [GANTRY_INFO_CLIENT_VERSION] = call->client_version,
        [GANTRY_INFO_PRINCIPAL] = call->principal,
        [GANTRY_INFO_PROTOCOL] = gn_revision_name(call->revision),
        [GANTRY_INFO_COMPONENT] = call->component ? call->component->name : NULL,
        [GANTRY_INFO_TRANSPORT] = call->transport,
        [GANTRY_INFO_TRACEPARENT] = call->traceparent,
        [GANTRY_INFO_TRACESTATE] = call->tracestate,
        [GANTRY_INFO_BAGGAGE] = call->baggage,
    };
    if (what == GANTRY_INFO_CALL_ID)
        return gn_arena_format(&call->arena, "%016llx",
                               (unsigned long long)gn_call_correlation(call));
    return what < GN_COUNT(values) ? values[what] : NULL;
}

int gn_host_can(gantry_call *call, uint32_t capability)
{
    return gn_host_runs(call) && capability != 0 && (call->capabilities & capability) == capability;
}
