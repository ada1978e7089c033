/* keys.c - every key of the configuration: one row each. etc/gantry.yaml says what they mean. */
#include "config/keys.h"

#include "json/json.h"

#include <stddef.h>

#define AT(field) offsetof(struct gn_config, field)
#define ROW(n, t, at, f) .name = (n), .type = GN_KEY_##t, .offset = (at), .fallback = (f)
#define KEY(n, t, field, f)                                                                        \
    {                                                                                              \
        ROW(n, t, AT(field), f)                                                                    \
    }
#define NUMBER(n, t, field, f, low, high)                                                          \
    {                                                                                              \
        ROW(n, t, AT(field), f), .min = (low), .max = (high)                                       \
    }
#define ENTRIES(n, field, count, kind)                                                             \
    {                                                                                              \
        ROW(n, ENTRIES, AT(field), "[]"), .entry = &(kind), .count_offset = AT(count)              \
    }
#define PART(kind, n, t, field, f)                                                                 \
    {                                                                                              \
        ROW(n, t, offsetof(struct gn_config_##kind, field), f)                                     \
    }
#define REQUIRED(kind, n, t, field)                                                                \
    {                                                                                              \
        ROW(n, t, offsetof(struct gn_config_##kind, field), ""), .required = true                  \
    }
#define MS(n) ((uint64_t)(n))
#define SECONDS(n) MS((n)*1000ull)
#define HOURS(n) SECONDS((n)*3600ull)
#define MIB(n) ((uint64_t)(n) << 20)

static const struct gn_config_key listener_keys[] = {
    REQUIRED(listener, "address", ADDRESS, address),
    PART(listener, "tls.certificate", PATH, tls_certificate, ""),
    PART(listener, "tls.key", PATH, tls_key, ""),
    PART(listener, "socket_mode", MODE, socket_mode, "0600"),
    {0},
};

static const struct gn_config_entry listener = {
    .keys = listener_keys,
    .size = sizeof(struct gn_config_listener),
    .line_offset = offsetof(struct gn_config_listener, line),
    .shorthand = "address",
};

static const struct gn_config_key token_keys[] = {
    REQUIRED(token, "principal", TEXT, principal),
    REQUIRED(token, "hash", HASH, hash),
    {ROW("token", REFUSED, 0,
         "a token does not belong in a file, its hash does: `gantry token --read` reads one and "
         "prints the line to write here, `gantry token` makes a new one")},
    {0},
};

static const struct gn_config_entry token = {
    .keys = token_keys,
    .size = sizeof(struct gn_config_token),
    .line_offset = offsetof(struct gn_config_token, line),
};

static const struct gn_config_key instance_keys[] = {
    REQUIRED(instance, "plugin", PLUGIN, plugin),
    PART(instance, "name", TEXT, name, ""),
    PART(instance, "settings", JSON, settings, "{}"),
    PART(instance, "enabled", BOOL, enabled, "true"),
    PART(instance, "unload", UNLOAD, keep_loaded, "auto"),
    {0},
};

static const struct gn_config_entry instance = {
    .keys = instance_keys,
    .size = sizeof(struct gn_config_instance),
    .line_offset = offsetof(struct gn_config_instance, line),
    .shorthand = "plugin",
};

const struct gn_config_key gn_config_keys[] = {
    KEY("server.name", TEXT, name, "gantry"),
    KEY("server.title", TEXT, title, ""),
    KEY("server.instructions", TEXT, instructions, ""),
    KEY("server.website_url", TEXT, website_url, ""),
    NUMBER("server.page_size", COUNT, page_size, "0", 0, 100000),
    NUMBER("server.list_ttl", DURATION, list_ttl_ms, "5s", 0, HOURS(24)),
    NUMBER("server.call_timeout", DURATION, call_timeout_ms, "5m", MS(1), HOURS(24)),
    NUMBER("server.drain", DURATION, drain_ms, "5s", 0, HOURS(1)),

    KEY("stdio", BOOL, stdio, "false"),
    ENTRIES("http.listen", listeners, listener_count, listener),
    KEY("http.path", TEXT, path, "/mcp"),
    KEY("http.sse_path", TEXT, sse_path, "/sse"),
    KEY("http.websocket", BOOL, websocket, "true"),
    KEY("http.allowed_hosts", TEXTS, allowed_hosts, "[]"),
    KEY("http.allowed_origins", TEXTS, allowed_origins, "[]"),
    KEY("http.insecure", BOOL, insecure, "false"),
    NUMBER("http.resume.max_events", COUNT, resume_max_events, "256", 0, 1000000),
    NUMBER("http.resume.max_bytes", SIZE, resume_max_bytes, "1MiB", 1024, MIB(1024)),
    NUMBER("http.resume.max_total", SIZE, resume_max_total, "256MiB", 1024, MIB(1 << 20)),
    NUMBER("http.resume.retry", DURATION, resume_retry_ms, "1s", 0, HOURS(1)),
    NUMBER("http.resume.close_after", DURATION, resume_close_after_ms, "0", 0, HOURS(24)),
    ENTRIES("auth.tokens", tokens, token_count, token),

    ENTRIES("plugins", instances, instance_count, instance),
    ENTRIES("middleware", middlewares, middleware_count, gn_config_middleware_entry),
    ENTRIES("transforms", transforms, transform_count, gn_config_transform_entry),
    {ROW("secrets", NAMED, AT(secrets), "{}"), .max = 1000, .count_offset = AT(secret_count)},
    KEY("loading.folders", PATHS, plugin_dirs, "[]"),
    KEY("loading.files", PATHS, plugin_files, "[]"),
    KEY("loading.discover", BOOL, discover, "true"),
    KEY("loading.watch", BOOL, watch, "true"),
    KEY("loading.probe", BOOL, probe, "true"),
    NUMBER("loading.debounce", DURATION, debounce_ms, "200ms", 0, SECONDS(60)),
    NUMBER("loading.settle", DURATION, settle_ms, "50ms", 0, SECONDS(60)),
    NUMBER("loading.removal_grace", DURATION, removal_grace_ms, "1s", 0, SECONDS(3600)),
    NUMBER("loading.start_timeout", DURATION, start_timeout_ms, "10s", MS(1), HOURS(1)),
    NUMBER("loading.probe_timeout", DURATION, probe_timeout_ms, "10s", MS(1), HOURS(1)),
    NUMBER("loading.drain", DURATION, plugin_drain_ms, "5s", 0, HOURS(24)),
    KEY("loading.state_folder", PATH, state_dir, ""),

    KEY("schema.coerce", BOOL, coerce, "true"),
    KEY("schema.output", OUTPUT, output_check, "warn"),
    KEY("schema.formats", BOOL, assert_formats, "true"),
    KEY("schema.references", REFERENCES, inline_references, "keep"),
    KEY("schema.inline_for", TEXTS, inline_for, "[]"),

    KEY("log.level", LEVEL, log_level, "info"),
    KEY("log.levels", JSON, log_levels, "{}"),
    KEY("log.format", LOG_FORMAT, log_json, "text"),
    KEY("log.stderr", BOOL, log_stderr, "true"),
    KEY("log.file", PATH, log_file, ""),
    KEY("log.file_format", LOG_FORMAT, log_file_json, "json"),
    NUMBER("log.max_size", SIZE, log_max_size, "10MiB", 0, MIB(1 << 20)),
    NUMBER("log.keep", COUNT, log_keep, "5", 0, 1000),
    KEY("log.processors", TEXTS, log_processors, "[scope, redact, time, level]"),
    KEY("log.bind", TEXTS, log_bind, "[request_id, principal]"),
    KEY("log.redact", TEXTS, log_redact,
        "[password, passwd, secret, token, authorization, api_key, cookie, set_cookie, "
        "private_key, access_token, refresh_token, client_secret]"),
    KEY("log.client.enabled", BOOL, log_client, "true"),
    KEY("log.client.redact", BOOL, log_client_redact, "true"),
    NUMBER("log.client.buffer_size", COUNT, log_client_buffer, "100", 1, 100000),
    NUMBER("log.client.flush_interval", DURATION, log_client_flush_ms, "100ms", 0, SECONDS(60)),
    NUMBER("log.client.max_queue", COUNT, log_client_queue, "1000", 1, 1000000),
    NUMBER("log.client.max_queue_bytes", SIZE, log_client_bytes, "1MiB", 4096, MIB(1024)),

    KEY("audit.file", PATH, audit_file, ""),
    NUMBER("audit.max_size", SIZE, audit_max_size, "10MiB", 0, MIB(1 << 20)),
    NUMBER("audit.keep", COUNT, audit_keep, "5", 0, 1000),
    KEY("audit.arguments", BOOL, audit_arguments, "false"),

    KEY("metrics.enabled", BOOL, metrics_enabled, "true"),
    KEY("metrics.listen", ADDRESS, metrics_listen, ""),
    KEY("metrics.path", TEXT, metrics_path, "/metrics"),

    NUMBER("limits.max_connections", COUNT, max_connections, "10000", 1, 1000000),
    NUMBER("limits.max_headers", SIZE, max_headers, "16KiB", 1024, MIB(1)),
    NUMBER("limits.max_body", SIZE, max_body, "4MiB", 1024, MIB(1024)),
    NUMBER("limits.max_bodies_in_flight", SIZE, max_bodies_in_flight, "256MiB", 1024, MIB(1 << 20)),
    NUMBER("limits.max_line", SIZE, max_line, "10MiB", 1024, MIB(1024)),
    NUMBER("limits.max_json_depth", COUNT, max_json_depth, "128", 4, GN_JSON_MAX_DEPTH),
    NUMBER("limits.max_output_queue", SIZE, max_output_queue, "8MiB", 65536, MIB(1024)),
    NUMBER("limits.max_output_in_flight", SIZE, max_output_in_flight, "256MiB", 65536,
           MIB(1 << 20)),
    NUMBER("limits.header_timeout", DURATION, header_timeout_ms, "10s", MS(1), HOURS(1)),
    NUMBER("limits.body_timeout", DURATION, body_timeout_ms, "30s", MS(1), HOURS(1)),
    NUMBER("limits.sse_keepalive", DURATION, sse_keepalive_ms, "15s", MS(1), HOURS(1)),
    NUMBER("limits.stream_after", DURATION, stream_after_ms, "5s", 0, HOURS(1)),
    NUMBER("limits.max_sessions", COUNT, max_sessions, "10000", 1, 10000000),
    NUMBER("limits.session_idle", DURATION, session_idle_ms, "30m", MS(1), HOURS(720)),
    NUMBER("limits.max_calls", COUNT, max_calls, "1024", 1, 100000),
    NUMBER("limits.max_queued_calls", COUNT, max_queued_calls, "4096", 0, 1000000),
    NUMBER("limits.max_subscriptions", COUNT, max_subscriptions, "1024", 1, 1000000),
    NUMBER("limits.max_resource_subscriptions", COUNT, max_resource_subscriptions, "16384", 1,
           10000000),
    NUMBER("limits.workers", COUNT, workers, "4", 1, 256),
    NUMBER("limits.max_background", COUNT, max_background, "256", 1, 100000),
    NUMBER("limits.background_timeout", DURATION, background_timeout_ms, "10m", MS(1), HOURS(24)),

    NUMBER("tasks.max", COUNT, tasks_max, "256", 1, 100000),
    NUMBER("tasks.max_per_principal", COUNT, tasks_max_per_principal, "64", 1, 100000),
    NUMBER("tasks.timeout", DURATION, tasks_timeout_ms, "1h", MS(1), HOURS(720)),
    NUMBER("tasks.ttl", DURATION, tasks_ttl_ms, "2h", MS(1), HOURS(720)),
    NUMBER("tasks.max_ttl", DURATION, tasks_max_ttl_ms, "24h", MS(1), HOURS(720)),
    NUMBER("tasks.poll_interval", DURATION, tasks_poll_ms, "1s", MS(1), HOURS(24)),
    NUMBER("tasks.max_result", SIZE, tasks_max_result, "4MiB", 1024, MIB(60)),
    NUMBER("tasks.max_kept", COUNT, tasks_max_kept, "10000", 0, 1000000),
    NUMBER("tasks.max_bytes", SIZE, tasks_max_bytes, "64MiB", 1024, MIB(1 << 20)),
    KEY("tasks.directory", PATH, tasks_dir, ""),

    NUMBER("state.max_handles", COUNT, state_max_handles, "10000", 1, 10000000),
    NUMBER("state.max_bytes", SIZE, state_max_bytes, "256KiB", 1024, MIB(1024)),
    NUMBER("state.max_total", SIZE, state_max_total, "64MiB", 1024, MIB(1 << 20)),
    NUMBER("state.max_age", DURATION, state_max_age_ms, "24h", SECONDS(1), HOURS(720)),

    NUMBER("ask.keys", SECRETS, ask_keys, "[]", 0, 8),
    NUMBER("ask.max_state", SIZE, ask_max_state, "256KiB", 4096, MIB(64)),
    NUMBER("ask.max_state_age", DURATION, ask_max_state_age_ms, "1h", SECONDS(1), HOURS(720)),
    NUMBER("ask.max_parked", COUNT, ask_max_parked, "1000", 0, 1000000),
    NUMBER("ask.max_parked_per_principal", COUNT, ask_max_parked_principal, "250", 1, 1000000),
    NUMBER("ask.max_parked_bytes", SIZE, ask_max_parked_bytes, "64MiB", 65536, MIB(1 << 20)),
    NUMBER("ask.max_parked_age", DURATION, ask_max_parked_age_ms, "10m", SECONDS(1), HOURS(24)),
    NUMBER("ask.max_spent", COUNT, ask_max_spent, "65536", 16, 10000000),
    NUMBER("ask.max_kept", SIZE, ask_max_kept, "64MiB", 65536, MIB(1 << 20)),
    {0},
};
