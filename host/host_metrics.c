/* host_metrics.c - what the host counts of itself, and what it looks at when its page is made.
 *
 * Counted as it happens: calls and their durations, loads. A component keeps a pointer to its
 * meter, so that the end of a call costs a few additions. Everything else is read where it is kept
 * anyway, when somebody asks for the page.
 */
#include "host_metrics.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef GANTRY_VERSION
#define GANTRY_VERSION "0.1.0"
#endif
#define STRING(x) #x
#define TEXT(x) STRING(x)

#define METERS_MAX 500     /* components with numbers of their own; the rest are "other" */
#define INSTANCES_MAX 2000 /* series of loads: two for each instance */
#define OUTCOMES 11

static const char abi[] = TEXT(GANTRY_ABI_MAJOR) "." TEXT(GANTRY_ABI_MINOR);

static const char *const outcomes[OUTCOMES] = {
    [GN_OUT_RESULT] = "ok",           [GN_OUT_FAILED] = "failed",     [GN_OUT_INVALID] = "invalid",
    [GN_OUT_NOT_FOUND] = "not_found", [GN_OUT_ACCIDENT] = "error",    [GN_OUT_TIMEOUT] = "timeout",
    [GN_OUT_BUSY] = "busy",           [GN_OUT_CANCELED] = "canceled", [GN_OUT_UNWOUND] = "asked",
    [OUTCOMES - 1] = "refused",
};

/* What calls of one method of one component are counted by. */
struct numbers {
    const char *method;
    struct gn_series *ended[OUTCOMES]; /* NULL: not yet */
    struct gn_series *duration;
};

struct gn_meter {
    struct numbers run, completion;
    char *component;
};

struct gn_host_metrics {
    struct gn_call_observer observer;
    struct gn_call_env *env;
    struct gn_metrics *metrics;
    void (*look)(void *arg, struct gn_host_parts *ret);
    void *look_arg;
    struct gn_metric *calls, *durations, *loads;
    struct gn_map meters; /* by method and name */
    double start_s;       /* of the process, Unix time */
};

/* ---------------------------------------------------------------- calls */

static const char *method_of(enum gn_kind kind)
{
    return kind == GN_TOOL ? "tools/call" : kind == GN_PROMPT ? "prompts/get" : "resources/read";
}

/* The meter of a component, and of all later ones of that name. */
static struct gn_meter *find_meter(struct gn_host_metrics *h, const struct gn_component *c)
{
    const char *method = method_of(c->kind);
    GN_AUTO_FREE char *key = gn_format("%s %s", method, c->key);
    GN_AUTO_FREE char *other = gn_format("%s", method);
    struct gn_meter *meter = gn_map_find(&h->meters, key);
    bool is_other = !meter && h->meters.count >= METERS_MAX;
    if (is_other)
        meter = gn_map_find(&h->meters, other);
    if (meter)
        return meter;
    meter = gn_calloc(1, sizeof(*meter));
    meter->run.method = method;
    meter->completion.method = "completion/complete";
    meter->component = gn_strdup(is_other ? "other" : c->key);
    gn_map_put(&h->meters, is_other ? other : key, meter);
    return meter;
}

static void meter_free(void *value)
{
    struct gn_meter *meter = value;
    gn_free(meter->component);
    gn_free(meter);
}

static struct gn_series *make_ended(struct gn_host_metrics *h, const struct gn_meter *meter,
                                    struct numbers *g, size_t outcome)
{
    const char *const values[] = {g->method, meter->component, outcomes[outcome]};
    g->ended[outcome] = gn_metric_series(h->calls, values);
    return g->ended[outcome];
}

static struct gn_series *make_duration(struct gn_host_metrics *h, const struct gn_meter *meter,
                                       struct numbers *g)
{
    const char *const values[] = {g->method, meter->component};
    g->duration = gn_metric_series(h->durations, values);
    return g->duration;
}

static void call_ended(struct gn_call_observer *observer, const struct gn_call *call,
                       enum gn_outcome outcome)
{
    struct gn_host_metrics *h = GN_CONTAINER(observer, struct gn_host_metrics, observer);
    struct gn_component *c = gn_call_component(call);
    if (!c)
        return;
    if (!c->meter)
        c->meter = find_meter(h, c);
    struct numbers *g = call->is_completion ? &c->meter->completion : &c->meter->run;
    size_t at = call->error_code ? OUTCOMES - 1 : (size_t)outcome;
    gn_assert(at < OUTCOMES);
    gn_series_add(g->ended[at] ? g->ended[at] : make_ended(h, c->meter, g, at), 1);
    if (call->began_us)
        gn_series_observe(g->duration ? g->duration : make_duration(h, c->meter, g),
                          (double)(gn_clock_us() - call->began_us) / 1e6);
}

void gn_host_metrics_loaded(struct gn_host_metrics *h, const char *instance, bool ok)
{
    const char *const values[] = {instance, ok ? "ok" : "failed"};
    gn_series_add(gn_metric_series(h->loads, values), 1);
}

/* ---------------------------------------------------------------- what is looked at */

#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void gauge(struct gn_buf *out, const char *name, const char *help, double value)
{
    gn_metrics_head(out, name, GN_GAUGE, help);
    gn_metrics_sample(out, name, NULL, value);
}

static void counter(struct gn_buf *out, const char *name, const char *help, double value)
{
    gn_metrics_head(out, name, GN_COUNTER, help);
    gn_metrics_sample(out, name, NULL, value);
}

static void show_protocol(const struct gn_host_metrics *h, const struct gn_host_parts *parts,
                          struct gn_buf *out)
{
    static const char tasks[] = "gantry_tasks";
    struct gn_protocol_status s = {0};
    if (parts->protocol)
        gn_protocol_status(parts->protocol, &s);
    gauge(out, "gantry_sessions", "Sessions of clients (revisions before 2026-07-28).", s.sessions);
    gauge(out, "gantry_subscriptions", "Subscriptions that clients hold.", s.subscriptions);
    gauge(out, "gantry_calls_running", "Calls that are being served.", s.running);
    gauge(out, "gantry_calls_queued", "Calls that wait for their turn.", s.queued);
    gauge(out, "gantry_calls_parked", "Calls that wait for answers from their clients.", s.parked);
    gauge(out, "gantry_calls_parked_bytes", "Memory of calls that wait so.",
          (double)s.parked_bytes);
    gauge(out, "gantry_states_used", "States of such calls that were used and have not expired.",
          s.states);
    gauge(out, "gantry_replies_kept_bytes", "Replies to retries that did not reach their clients.",
          (double)s.kept_bytes);
    gauge(out, "gantry_events_kept_bytes", "Messages kept for clients that were cut off.",
          (double)s.event_bytes);
    gauge(out, "gantry_handlers_running",
          "Handlers that have not returned, those among them whose client was answered already.",
          h->env->running);
    gn_metrics_head(out, tasks, GN_GAUGE, "Tasks that are known, by their status.");
    for (size_t i = 0; i < GN_TASK_STATUSES; i++)
        gn_metrics_sample(out, tasks, LABELS("status", gn_task_status_names[i]), s.tasks[i]);
    gauge(out, "gantry_background_running", "Pieces of background work that run.",
          h->env->background);
    counter(out, "gantry_log_messages_dropped_total",
            "Log messages that were not sent to a client because it reads too slowly.",
            (double)gn_metrics_counted(h->metrics, GN_COUNT_LOG_DROPPED));
}

static void show_transports(const struct gn_host_parts *parts, struct gn_buf *out)
{
    static const char connections[] = "gantry_connections", queued[] = "gantry_output_queued_bytes";
    struct gn_transport_status http = {0}, stdio = {0};
    if (parts->http)
        gn_http_server_status(parts->http, &http);
    if (parts->stdio)
        gn_stdio_status(parts->stdio, &stdio);
    gn_metrics_head(out, connections, GN_GAUGE, "Connections of clients.");
    gn_metrics_sample(out, connections, LABELS("transport", "http"), http.connections);
    gn_metrics_sample(out, connections, LABELS("transport", "stdio"), stdio.connections);
    gn_metrics_head(out, queued, GN_GAUGE, "Bytes that wait for clients to read them.");
    gn_metrics_sample(out, queued, LABELS("transport", "http"), (double)http.output_bytes);
    gn_metrics_sample(out, queued, LABELS("transport", "stdio"), (double)stdio.output_bytes);
}

static void show_loop(const struct gn_host_parts *parts, struct gn_buf *out)
{
    static const char workers[] = "gantry_workers";
    struct gn_task_stats s = {0};
    if (parts->loop)
        gn_task_stats(parts->loop, &s);
    gauge(out, "gantry_coroutines", "Coroutines that exist.", s.alive);
    gn_metrics_head(out, workers, GN_GAUGE, "Worker threads for code that blocks.");
    gn_metrics_sample(out, workers, LABELS("state", "busy"), s.workers_busy);
    gn_metrics_sample(out, workers, LABELS("state", "idle"),
                      parts->workers > s.workers_busy ? parts->workers - s.workers_busy : 0);
    gauge(out, "gantry_worker_jobs_waiting", "Jobs that wait for a worker thread.", s.jobs_waiting);
    counter(out, "gantry_slow_resumes_total",
            "Times that a handler held the loop for 50 ms or more.", (double)s.slow);
}

struct tally {
    struct gn_buf *out;
    uint32_t live, draining, resident, failed;
};

static void tally_plugin(void *arg, const struct gn_plugin_status *s)
{
    struct tally *t = arg;
    char generation[16];
    snprintf(generation, sizeof(generation), "%u", s->generation);
    if (gn_streq(s->state, "live")) {
        t->live++;
        gn_metrics_sample(t->out, "gantry_plugin_info",
                          LABELS("plugin_instance", s->instance, "plugin", s->name, "version",
                                 s->version, "generation", generation),
                          1);
    } else if (gn_streq(s->state, "failed")) {
        t->failed++;
    } else if (gn_streq(s->state, "resident")) {
        t->resident++;
    } else {
        t->draining++;
    }
}

static void show_plugins(const struct gn_host_parts *parts, struct gn_buf *out)
{
    static const char generations[] = "gantry_generations";
    struct tally t = {.out = out};
    gn_metrics_head(out, "gantry_plugin_info", GN_GAUGE,
                    "The generation that serves, as labels; 1.");
    if (parts->plugins)
        gn_plugins_each(parts->plugins, tally_plugin, &t);
    gn_metrics_head(
        out, generations, GN_GAUGE,
        "Loaded versions of plugins: in service, on their way out, or not to be unloaded.");
    gn_metrics_sample(out, generations, LABELS("state", "live"), t.live);
    gn_metrics_sample(out, generations, LABELS("state", "draining"), t.draining);
    gn_metrics_sample(out, generations, LABELS("state", "resident"), t.resident);
    gauge(out, "gantry_instances_failed", "Instances whose last load failed.", t.failed);
}

/* ---------------------------------------------------------------- the process */

static double seconds_of(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* When the process began. The kernel counts from the boot. */
static double start_time(void)
{
    struct gn_buf stat = GN_BUF_INIT(8192);
    double now = seconds_of(CLOCK_REALTIME), since_boot = 0;
    const char *at = NULL;
    if (gn_read_file("/proc/self/stat", &stat) == 0)
        at = strrchr(gn_buf_str(&stat), ')'); /* a name may hold anything */
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (at)
        since_boot = (double)strtoull(at, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
    gn_buf_release(&stat);
    return at ? now - seconds_of(CLOCK_BOOTTIME) + since_boot : now;
}

/* -1: not known. */
static double open_descriptors(void)
{
    struct stat st;
    /* Since Linux 6.2 the folder's size says so, which spares reading it. */
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (double)st.st_size;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return -1;
    double count = -3; /* itself, "." and ".." */
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* What has been allocated and not freed. Resident memory hardly shrinks when memory is freed: the C
 * library keeps it for what comes next. 0: not known, as with a sanitizer's allocator. */
static double heap_bytes(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
#else
    return 0;
#endif
}

static void show_process(const struct gn_host_metrics *h, struct gn_buf *out)
{
    struct gn_buf statm = GN_BUF_INIT(4096);
    struct rlimit files = {0};
    double page = (double)sysconf(_SC_PAGESIZE), open = open_descriptors(), heap = heap_bytes();
    if (gn_read_file("/proc/self/statm", &statm) == 0) {
        char *end;
        double all = (double)strtoull(gn_buf_str(&statm), &end, 10) * page;
        double resident = (double)strtoull(end, NULL, 10) * page;
        gauge(out, "process_resident_memory_bytes", "Resident memory.", resident);
        gauge(out, "process_virtual_memory_bytes", "Virtual memory.", all);
    }
    gn_buf_release(&statm);
    if (heap > 0)
        gauge(out, "process_heap_bytes", "Memory that is allocated and not freed.", heap);
    counter(out, "process_cpu_seconds_total", "Processor time, of user and system.",
            seconds_of(CLOCK_PROCESS_CPUTIME_ID));
    if (open >= 0)
        gauge(out, "process_open_fds", "Open file descriptors.", open);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        gauge(out, "process_max_fds", "Most file descriptors that may be open.",
              (double)files.rlim_cur);
    gauge(out, "process_start_time_seconds", "When the process began, in Unix time.", h->start_s);
}

static void collect(void *arg, struct gn_buf *out)
{
    const struct gn_host_metrics *h = arg;
    struct gn_host_parts parts = {0};
    h->look(h->look_arg, &parts);
    gn_metrics_head(out, "gantry_build_info", GN_GAUGE,
                    "Version of the host and of its plugin interface, as labels; 1.");
    gn_metrics_sample(out, "gantry_build_info", LABELS("version", GANTRY_VERSION, "abi", abi), 1);
    show_protocol(h, &parts, out);
    show_transports(&parts, out);
    show_loop(&parts, out);
    show_plugins(&parts, out);
    show_process(h, out);
}

/* ---------------------------------------------------------------- */

static struct gn_metric *make(struct gn_host_metrics *h, const struct gn_metric_spec *spec)
{
    struct gn_error err = {0};
    struct gn_metric *f = gn_metric_new(h->metrics, "", spec, &err);
    gn_assert(f);
    return f;
}

struct gn_host_metrics *gn_host_metrics_new(struct gn_call_env *env,
                                            void (*look)(void *arg, struct gn_host_parts *ret),
                                            void *arg)
{
    struct gn_host_metrics *h = gn_calloc(1, sizeof(*h));
    h->env = env;
    h->metrics = env->metrics = gn_metrics_new();
    h->look = look;
    h->look_arg = arg;
    h->start_s = start_time();
    gn_map_init(&h->meters);
    h->calls = make(h, &(struct gn_metric_spec){
                           .type = GN_COUNTER,
                           .name = "gantry_calls_total",
                           .help = "Calls of components that have ended, by how they ended.",
                           .labels = LABELS("method", "component", "outcome"),
                           .max_series = GN_METRIC_UNBOUNDED});
    h->durations = make(h, &(struct gn_metric_spec){.type = GN_HISTOGRAM,
                                                    .name = "gantry_call_duration_seconds",
                                                    .help = "How long calls of components took.",
                                                    .labels = LABELS("method", "component"),
                                                    .max_series = GN_METRIC_UNBOUNDED});
    h->loads = make(
        h, &(struct gn_metric_spec){.type = GN_COUNTER,
                                    .name = "gantry_reloads_total",
                                    .help = "Loads of plugins, the first of each included.",
                                    .labels = LABELS("plugin_instance", "result"),
                                    .max_series = INSTANCES_MAX});
    gn_metrics_collect(h->metrics, collect, h);
    h->observer.ended = call_ended;
    gn_call_observe(env, &h->observer);
    return h;
}

void gn_host_metrics_free(struct gn_host_metrics *h)
{
    if (!h)
        return;
    gn_list_remove(&h->observer.node);
    h->env->metrics = NULL;
    gn_metric_unref(h->calls);
    gn_metric_unref(h->durations);
    gn_metric_unref(h->loads);
    gn_metrics_free(h->metrics);
    gn_map_release(&h->meters, meter_free);
    gn_free(h);
}
