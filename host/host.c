/* host.c - start, reload, stop. The only place that knows all floors.
 *
 * Start: loop, registry, protocol, plugins; transports open once every plugin has been loaded or
 * has failed, so the first client sees all there is. Stop runs the same steps backwards, each when
 * the one before has reported: listeners, drain of calls and then of background work, transports,
 * plugins, outbound HTTP, loop.
 */
#include "host.h"

#include "call/background.h"
#include "call/store.h"
#include "host_metrics.h"
#include "host_transforms.h"
#include "observe/log.h"
#include "pipeline/audit.h"
#include "pipeline/middleware.h"
#include "plugin/manager.h"
#include "transport/transport.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLOSE_WAIT_MS 2000
#define EXIT_NOT_SERVING 3 /* as host.h says */

struct gn_host {
    const struct gn_host_options *options;
    struct gn_config *config;
    struct gn_log *log;
    uv_loop_t uv;
    struct gn_loop *loop;
    struct gn_call_env env;
    struct gn_registry *registry;
    struct gn_shipped *shipped;
    struct gn_auth *auth;
    struct gn_protocol *protocol;
    struct gn_plugins *plugins;
    struct gn_http_server *http;
    struct gn_stdio *stdio;
    struct gn_host_metrics *metrics;
    struct gn_audit *audit;
    struct gn_error audit_error; /* it could not be opened: then the host does not serve */
    struct gn_error tasks_error; /* likewise */
    bool transforms_failed;      /* likewise; the log has why */
    uint32_t workers;            /* that the loop was made with */
    uv_signal_t term, interrupt, hangup;
    unsigned open_transports;
    struct gn_background_drain background;
    uint64_t stop_ms; /* when it began to stop */
    bool serving, stopping, closed;
    int exit_code;
};

static void stop(struct gn_host *h, int exit_code);

/* ---------------------------------------------------------------- stopping, last step first */

static void close_signals(struct gn_host *h)
{
    uv_close((uv_handle_t *)&h->term, NULL);
    uv_close((uv_handle_t *)&h->interrupt, NULL);
    uv_close((uv_handle_t *)&h->hangup, NULL);
}

static void loop_closed(void *arg)
{
    struct gn_host *h = arg;
    h->loop = NULL;
    h->closed = true;
    close_signals(h);
}

static void http_client_closed(void *arg)
{
    struct gn_host *h = arg;
    h->env.http = NULL;
    gn_loop_close(h->loop, CLOSE_WAIT_MS, loop_closed, h);
}

static void plugins_closed(void *arg)
{
    struct gn_host *h = arg;
    h->plugins = NULL;
    gn_protocol_free(h->protocol);
    h->protocol = NULL;
    gn_store_free(h->env.store);
    h->env.store = NULL;
    gn_http_close(h->env.http, http_client_closed, h);
}

static void transport_closed(void *arg)
{
    struct gn_host *h = arg;
    if (--h->open_transports > 0)
        return;
    h->http = NULL;
    h->stdio = NULL;
    gn_plugins_close(h->plugins, CLOSE_WAIT_MS, plugins_closed, h);
}

static void background_drained(void *arg)
{
    struct gn_host *h = arg;
    h->open_transports = 1;
    if (h->http) {
        h->open_transports++;
        gn_http_server_close(h->http, transport_closed, h);
    }
    if (h->stdio) {
        h->open_transports++;
        gn_stdio_close(h->stdio, transport_closed, h);
    }
    transport_closed(h);
}

/* All have their answer; what goes on without a client has what is left of the time. */
static void drained(void *arg)
{
    struct gn_host *h = arg;
    uint64_t end_ms = h->stop_ms + h->config->drain_ms, now = gn_clock_ms();
    gn_background_drain(&h->env, &h->background, end_ms > now ? (uint32_t)(end_ms - now) : 0,
                        background_drained, h);
}

static void stop(struct gn_host *h, int exit_code)
{
    if (h->stopping) {
        if (exit_code)
            h->exit_code = exit_code;
        return;
    }
    h->stopping = true;
    h->stop_ms = gn_clock_ms();
    h->exit_code = exit_code;
    h->env.no_schedules = true;
    gn_log(h->log, GN_INFO, "host", "stopping");
    gn_registry_unsettle(h->registry);
    if (h->http)
        gn_http_server_stop_listening(h->http);
    gn_protocol_drain(h->protocol, h->config->drain_ms, drained, h);
}

/* ---------------------------------------------------------------- signals */

static void on_term(uv_signal_t *handle, int number)
{
    struct gn_host *h = handle->data;
    if (h->stopping) {
        gn_log(h->log, GN_WARNING, "host", "signal %d again: stopping at once", number);
        _exit(128 + number);
    }
    stop(h, 0);
}

static void warn_listeners(struct gn_host *h, const struct gn_config *old)
{
    const struct gn_config *next = h->config;
    bool same = next->listener_count == old->listener_count && next->stdio == old->stdio &&
                gn_streq(next->path, old->path) &&
                gn_streq(next->metrics_listen, old->metrics_listen) &&
                gn_streq(next->tasks_dir, old->tasks_dir);
    for (size_t i = 0; same && i < next->listener_count; i++)
        same = gn_streq(next->listeners[i].address, old->listeners[i].address);
    if (!same)
        gn_log(h->log, GN_WARNING, "config",
               "listeners, stdio, path and tasks.directory take effect at the next start");
}

static void log_problems(struct gn_host *h, struct gn_buf *problems)
{
    const char *line = gn_buf_str(problems);
    for (size_t len; *line; line += len + (line[len] == '\n')) {
        len = strcspn(line, "\n");
        gn_log(h->log, GN_ERROR, "config", "%.*s", (int)len, line);
    }
}

static struct gn_store_limits store_limits(const struct gn_config *c)
{
    return (struct gn_store_limits){
        .max_handles = c->state_max_handles,
        .max_bytes = c->state_max_bytes,
        .max_total = c->state_max_total,
        .max_age_ms = c->state_max_age_ms,
    };
}

/* What calls go by, of a configuration that is replaced by the next. */
static void configure_calls(struct gn_host *h, const struct gn_config *c)
{
    h->env.timeout_ms = c->call_timeout_ms;
    h->env.strict_input = !c->coerce;
    h->env.annotate_formats = !c->assert_formats;
    h->env.output_check = c->output_check;
    h->env.max_background = c->max_background;
    h->env.background_timeout_ms = c->background_timeout_ms;
    h->env.max_asking = c->ask_max_parked;
    h->env.max_asking_principal = c->ask_max_parked_principal;
    h->env.ask_timeout_ms = c->ask_max_parked_age_ms;
    struct gn_store_limits limits = store_limits(c);
    gn_store_configure(h->env.store, &limits);
    gn_shipped_configure(h->shipped, c);
}

/* Both files are opened anew: somebody may have moved them away. */
static void configure_log(struct gn_host *h, const struct gn_config *c)
{
    struct gn_error err = {0};
    if (gn_stderr_log_configure(h->log, c, &err))
        gn_log(h->log, GN_ERROR, "config", "%s", err.text);
    if (gn_audit_configure(h->audit, c, &err))
        gn_log(h->log, GN_ERROR, "config", "%s", err.text);
}

static void lists_changed(void *arg, uint32_t kinds)
{
    struct gn_host *h = arg;
    /* Before anybody can have asked, nothing can have changed for them. */
    if (h->serving)
        gn_protocol_changed(h->protocol, kinds);
}

/* Takes the next configuration as a whole, or leaves all as it is. */
static int take(struct gn_host *h, struct gn_config *next, struct gn_buf *problems)
{
    struct gn_config *old = h->config;
    struct gn_auth *old_auth = h->auth;
    uint32_t changed;
    h->config = next; /* its secrets are those that its transforms use */
    int rc = gn_host_transforms_set(h->registry, next, &changed, problems);
    if (rc) {
        h->config = old;
        return rc;
    }
    warn_listeners(h, old);
    h->auth = gn_auth_new(next);
    configure_calls(h, next);
    configure_log(h, next);
    gn_host_transforms_warn(h->log, next);
    gn_protocol_configure(h->protocol, next);
    if (h->http)
        gn_http_server_configure(h->http, next, h->auth);
    if (h->stdio)
        gn_stdio_configure(h->stdio, next);
    if (changed)
        lists_changed(h, changed);
    gn_plugins_configure(h->plugins, next);
    gn_auth_free(old_auth);
    gn_config_free(old);
    return GN_OK;
}

static void on_hangup(uv_signal_t *handle, int number)
{
    (void)number;
    struct gn_host *h = handle->data;
    if (h->stopping || !h->serving || !h->options->reload)
        return;
    struct gn_config *next = NULL;
    struct gn_buf problems = GN_BUF_INIT(64u << 10);
    int rc = h->options->reload(h->options->reload_arg, &next, &problems);
    if (!rc && (rc = take(h, next, &problems)) != 0)
        gn_config_free(next);
    if (rc) {
        gn_log(h->log, GN_ERROR, "config", "not reloaded, the old configuration stays");
        log_problems(h, &problems);
    } else {
        gn_log(h->log, GN_INFO, "config", "reloaded");
    }
    gn_buf_release(&problems);
}

static void init_signal(struct gn_host *h, uv_signal_t *s, uv_signal_cb cb, int number)
{
    uv_signal_init(&h->uv, s);
    s->data = h;
    uv_signal_start(s, cb, number);
    uv_unref((uv_handle_t *)s);
}

/* ---------------------------------------------------------------- starting */

static int write_ready_file(const char *path, const char *const *urls, struct gn_error *err)
{
    GN_AUTO_FREE char *tmp = gn_format("%s.tmp", path);
    struct gn_buf text = GN_BUF_INIT(64u << 10);
    for (const char *const *url = urls; *url; url++)
        gn_buf_addf(&text, "%s\n", *url);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int rc = fd < 0 || write(fd, gn_buf_str(&text), text.len) != (ssize_t)text.len ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (rc == 0 && rename(tmp, path) != 0)
        rc = -errno;
    gn_buf_release(&text);
    return rc ? gn_error_set(err, rc, "ready file %s: %s", path, strerror(-rc)) : 0;
}

static void announce(struct gn_host *h)
{
    const char *urls[64], *pages = h->http ? gn_http_server_pages_url(h->http) : NULL;
    GN_AUTO_FREE char *metrics = gn_format("metrics %s", pages ? pages : "");
    size_t n = 0;
    const char *url;
    while (h->http && n + 3 < GN_COUNT(urls) && (url = gn_http_server_url(h->http, n)))
        urls[n++] = url;
    for (size_t i = 0; i < n; i++)
        gn_log(h->log, GN_NOTICE, "host", "serving on %s", urls[i]);
    if (h->stdio) {
        gn_log(h->log, GN_NOTICE, "host", "serving on stdio");
        urls[n++] = "stdio";
    }
    if (pages)
        gn_log(h->log, GN_NOTICE, "host", "metrics on %s", pages);
    urls[n] = pages ? metrics : NULL;
    urls[n + 1] = NULL;
    struct gn_error err = {0};
    if (h->options->ready_file && write_ready_file(h->options->ready_file, urls, &err) != 0) {
        gn_log(h->log, GN_ERROR, "host", "%s", err.text);
        stop(h, EXIT_NOT_SERVING);
        return;
    }
    urls[n] = NULL;
    if (h->options->on_ready)
        h->options->on_ready(h->options->arg, urls);
}

static void stdio_ended(void *arg)
{
    struct gn_host *h = arg;
    /* With listeners of its own the host outlives the client that started it. */
    if (!h->http || !gn_http_server_url(h->http, 0))
        stop(h, 0);
}

static const char *unready(void *arg)
{
    const struct gn_host *h = arg;
    return h->stopping ? "stopping" : !h->serving ? "plugins are being loaded" : NULL;
}

static struct gn_transport_env transport_env(struct gn_host *h)
{
    return (struct gn_transport_env){
        .loop = h->loop,
        .log = h->log,
        .protocol = h->protocol,
        .config = h->config,
        .auth = h->auth,
        .metrics = h->env.metrics,
        .unready = unready,
        .unready_arg = h,
    };
}

static void cannot_serve(struct gn_host *h, const struct gn_error *err)
{
    gn_log(h->log, GN_ERROR, "http", "%s", err->text);
    stop(h, EXIT_NOT_SERVING);
}

/* Whoever watches over the host may ask it while plugins are still being loaded. */
static void open_pages(struct gn_host *h)
{
    struct gn_transport_env env = transport_env(h);
    struct gn_error err = {0};
    if (!h->config->metrics_listen)
        return;
    h->http = gn_http_server_new_pages(&env, &err);
    if (!h->http)
        cannot_serve(h, &err);
}

static int open_listeners(struct gn_host *h, const struct gn_transport_env *env,
                          struct gn_error *err)
{
    if (h->http)
        return gn_http_server_open(h->http, err);
    if (h->config->listener_count > 0)
        h->http = gn_http_server_new(env, err);
    return h->config->listener_count > 0 && !h->http ? err->code : 0;
}

static void plugins_ready(void *arg)
{
    struct gn_host *h = arg;
    if (h->stopping)
        return;
    gn_registry_settle(h->registry);
    if (h->options->look) {
        h->options->look(h->options->arg, h->registry);
        stop(h, 0);
        return;
    }
    struct gn_transport_env env = transport_env(h);
    struct gn_error err = {0};
    if (h->audit_error.code || h->tasks_error.code) {
        const struct gn_error *why = h->audit_error.code ? &h->audit_error : &h->tasks_error;
        gn_log(h->log, GN_ERROR, why == &h->audit_error ? "audit" : "tasks", "%s", why->text);
        stop(h, EXIT_NOT_SERVING);
        return;
    }
    if (h->transforms_failed) {
        stop(h, EXIT_NOT_SERVING);
        return;
    }
    if (open_listeners(h, &env, &err)) {
        cannot_serve(h, &err);
        return;
    }
    if (h->config->stdio && h->options->stdin_fd >= 0)
        h->stdio = gn_stdio_new(&env, h->options->stdin_fd, h->options->stdout_fd, stdio_ended, h);
    h->serving = true;
    announce(h);
}

static void plugin_loaded(void *arg, const char *instance, uint32_t generation,
                          const struct gn_error *err, uint32_t took_ms)
{
    struct gn_host *h = arg;
    gn_host_metrics_loaded(h->metrics, instance, !err);
    if (h->options->on_loaded)
        h->options->on_loaded(h->options->arg, instance, generation, err, took_ms);
}

static void look(void *arg, struct gn_host_parts *ret)
{
    const struct gn_host *h = arg;
    *ret = (struct gn_host_parts){
        .loop = h->loop,
        .protocol = h->protocol,
        .plugins = h->plugins,
        .http = h->http,
        .stdio = h->stdio,
        .workers = h->workers,
    };
}

/* They are there before the plugins, so that no client sees the lists without them. */
static void open_transforms(struct gn_host *h)
{
    struct gn_buf problems = GN_BUF_INIT(64u << 10);
    uint32_t changed;
    gn_host_transforms_open(h->registry, &h->env, &h->config, !h->options->look);
    gn_host_transforms_warn(h->log, h->config);
    h->transforms_failed = gn_host_transforms_set(h->registry, h->config, &changed, &problems) != 0;
    log_problems(h, &problems);
    gn_buf_release(&problems);
}

static void build(struct gn_host *h)
{
    const struct gn_config *c = h->config;
    struct gn_loop_limits limits = {
        .max_coroutines = c->max_calls + c->max_calls / 4 + c->max_background + c->ask_max_parked +
                          c->tasks_max + GN_NOTIFICATIONS_MAX + 64,
        .workers = c->workers,
    };
    h->loop = gn_loop_new(&h->uv, &limits, h->log);
    h->registry = gn_registry_new();
    h->auth = gn_auth_new(c);
    h->env = (struct gn_call_env){
        .loop = h->loop,
        .http = gn_http_new(h->loop),
        .log = h->log,
        .registry = h->registry,
        .remade = gn_registry_remade,
    };
    gn_registry_set_env(h->registry, &h->env);
    open_transforms(h);
    struct gn_store_limits limits_of_store = store_limits(c);
    h->env.store = gn_store_new(h->loop, &limits_of_store);
    h->shipped = gn_shipped_new(&h->env);
    configure_calls(h, c);
    gn_list_init(&h->env.calls);
    gn_list_init(&h->env.observers);
    h->workers = c->workers;
    h->metrics = gn_host_metrics_new(&h->env, look, h);
    h->audit = gn_audit_new(&h->env);
    (void)gn_audit_configure(h->audit, c, &h->audit_error);
    h->protocol = gn_protocol_new(&h->env, h->registry, c);
    (void)gn_protocol_open(h->protocol, &h->tasks_error);
    struct gn_plugins_events events = {
        .on_changed = lists_changed, .on_loaded = plugin_loaded, .arg = h};
    h->plugins = gn_plugins_new(&h->env, h->registry, c, h->options->self_exe, &events);
}

int gn_host_run(struct gn_host_options *options)
{
    struct gn_host *h = gn_calloc(1, sizeof *h);
    h->options = options;
    h->config = options->config;
    struct gn_error err = {0};
    h->log = gn_stderr_log_new(STDERR_FILENO, h->config->log_level, h->config->log_json);
    if (gn_stderr_log_configure(h->log, h->config, &err))
        gn_log(h->log, GN_ERROR, "log", "%s", err.text);
    int rc = uv_loop_init(&h->uv);
    gn_assert(rc == 0);
    gn_task_install_crash_report();
    init_signal(h, &h->term, on_term, SIGTERM);
    init_signal(h, &h->interrupt, on_term, SIGINT);
    init_signal(h, &h->hangup, on_hangup, SIGHUP);
    build(h);
    gn_plugins_start(h->plugins, plugins_ready, h);
    open_pages(h);
    uv_run(&h->uv, UV_RUN_DEFAULT);
    if (!h->closed)
        gn_log(h->log, GN_ERROR, "host", "the loop ended before the host was closed");
    if (uv_loop_close(&h->uv) != 0)
        gn_log(h->log, GN_WARNING, "host", "handles are still open at the end");
    gn_shipped_free(h->shipped);
    gn_registry_free(h->registry);
    gn_host_metrics_free(h->metrics);
    gn_audit_free(h->audit);
    gn_auth_free(h->auth);
    gn_config_free(h->config);
    gn_log(h->log, GN_INFO, "host", "stopped");
    gn_stderr_log_free(h->log);
    int code = h->exit_code;
    gn_free(h);
    return code;
}
