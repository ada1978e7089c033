/* config.h - the configuration: one YAML file (or none), read whole, checked whole, then immutable.
 *
 * The keys, their types, defaults and limits are one table in config.c; etc/gantry.yaml documents
 * each of them and a test keeps the two equal. A reload builds a complete new struct gn_config and
 * swaps it, or keeps the old one. `${VAR}` and `${VAR:-default}` are replaced in every string.
 */
#ifndef GN_CONFIG_CONFIG_H
#define GN_CONFIG_CONFIG_H

#include "util/buf.h"
#include "util/error.h"
#include "util/log.h"
#include "util/map.h"

#include <jansson.h>

/* What happens to structured output that does not fit its tool's schema. */
enum gn_output_check {
    GN_OUTPUT_WARN = 0, /* it goes out, and the log tells */
    GN_OUTPUT_OFF,      /* nothing is checked */
    GN_OUTPUT_STRICT,   /* the call fails */
};

struct gn_config_listener {
    char *address;         /* "127.0.0.1:8080", "[::1]:0", "unix:/run/gantry.sock" */
    char *tls_certificate; /* PEM files; both or none */
    char *tls_key;
    uint32_t socket_mode; /* unix sockets: 0600 unless said otherwise */
    int line;             /* in the file, for messages; 0: not from the file */
};

struct gn_config_token {
    char *principal;
    char *hash; /* "sha256:HEX" of the bearer token, lower case */
    int line;   /* in the file, for messages; 0: not from the file */
};

struct gn_config_instance {
    char *plugin;     /* the .so by name, without ".so"; or a path */
    char *name;       /* of the instance; the plugin's name unless said otherwise */
    json_t *settings; /* object; NULL: {} */
    bool enabled;
    bool keep_loaded; /* unload: never */
    int line;         /* in the file, for messages; 0: not from the file */
};

/* A middleware that comes with the host. Of the options, those that its kind has are set by the
 * file, the others have their defaults. */
struct gn_config_middleware {
    char *use; /* its kind: "logging" */
    int32_t priority;
    char **tools, **tags; /* NULL-terminated; only around these; tools: "NAME" or "NAME*" */
    enum gn_level level;  /* logging, timing */
    bool payloads;        /* logging */
    uint64_t max_payload;
    char *message;     /* mask_errors */
    uint64_t max_size; /* response_limit */
    char *suffix;
    uint32_t timeout_ms;             /* timeout */
    uint32_t max_calls, max_waiting; /* concurrency: of each tool */
    int line;                        /* in the file, for messages; 0: not from the file */
};

/* What is done to the lists. Lists: NULL where they are not given. Of the others, those that the
 * kind has are set; what they mean is checked by registry/from_config.h. */
struct gn_config_transform {
    char *use;                                            /* its kind: "namespace" */
    char **plugins, **kinds, **names, **tags, **versions; /* what it concerns */
    char **principals;                                    /* enable, disable, only */
    char *prefix;                                         /* namespace */
    json_t *renames;                                      /* rename: object, old name -> new name */
    json_t *tools; /* tools: object, name -> what to change */
    char **always; /* search */
    uint32_t max_results;
    int line; /* in the file, for messages; 0: not from the file */
};

/* Never shown: neither in a message nor anywhere else. */
struct gn_config_secret {
    char *name, *value;
    char *exposed; /* the file that it is from, if everybody on the machine may read it; or NULL */
    int line;
};

struct gn_config {
    /* server */
    char *name, *title, *instructions, *website_url;
    uint32_t page_size;   /* components a page; 0: all in one */
    uint32_t list_ttl_ms; /* cache hint of lists in the stateless era */
    uint32_t call_timeout_ms, drain_ms;

    /* transports */
    bool stdio;
    struct gn_config_listener *listeners;
    size_t listener_count;
    char *path;             /* of the MCP endpoint: "/mcp" */
    char *sse_path;         /* of the event stream of revision 2024-11-05; NULL or "": none */
    bool websocket;         /* the MCP endpoint takes WebSockets, too */
    char **allowed_hosts;   /* NULL-terminated; besides loopback names and the bound address */
    char **allowed_origins; /* NULL-terminated; besides loopback origins; "*" allows all */
    bool insecure;          /* a non-loopback bind without authentication is allowed */
    struct gn_config_token *tokens;
    size_t token_count;

    /* clients that were cut off and come back */
    uint32_t resume_max_events; /* kept of a session; 0: none, and events have no ids */
    uint64_t resume_max_bytes;  /* of a session */
    uint64_t resume_max_total;
    uint32_t resume_retry_ms;       /* how long they are told to wait; 0: as they like */
    uint32_t resume_close_after_ms; /* connections of requests that still run; 0: never */

    /* plugins */
    char **plugin_dirs;  /* NULL-terminated, absolute */
    char **plugin_files; /* NULL-terminated, absolute: single files */
    struct gn_config_instance *instances;
    size_t instance_count;
    struct gn_config_middleware *middlewares; /* outermost first, within one priority */
    size_t middleware_count;
    struct gn_config_transform *transforms; /* in the order in which they act */
    size_t transform_count;
    struct gn_config_secret *secrets; /* by name, in the file's order */
    size_t secret_count;
    bool discover;     /* load what is found in the folders even if not listed */
    bool watch, probe; /* reload on change; try in a child process first */
    uint32_t debounce_ms, settle_ms, removal_grace_ms, start_timeout_ms, probe_timeout_ms;
    uint32_t plugin_drain_ms; /* old generations: then their calls are cancelled */
    char *state_dir;          /* private copies, probe cache; NULL: a private temporary one */

    /* schemas */
    bool coerce; /* arguments are read as their schema means them */
    enum gn_output_check output_check;
    bool assert_formats;    /* of schemas that plugins give as JSON */
    bool inline_references; /* lists of tools show schemas without `$ref` */
    char **inline_for;      /* NULL-terminated: to these clients in any case; "NAME" or "NAME*" */

    /* log */
    enum gn_level log_level;
    json_t *log_levels; /* object: category or instance -> name of a level */
    bool log_json, log_stderr;
    char *log_file; /* NULL: none */
    bool log_file_json;
    uint64_t log_max_size;
    uint32_t log_keep;
    char **log_processors, **log_bind, **log_redact; /* NULL-terminated */
    bool log_client, log_client_redact;
    uint32_t log_client_buffer, log_client_flush_ms, log_client_queue;
    uint64_t log_client_bytes;

    /* the log of calls */
    char *audit_file; /* NULL: none */
    uint64_t audit_max_size;
    uint32_t audit_keep;
    bool audit_arguments;

    /* metrics and health */
    bool metrics_enabled; /* the page of metrics; health is always there */
    char *metrics_listen; /* an address of their own; NULL: they are where MCP is served */
    char *metrics_path;

    /* limits (DESIGN of limits: names as in etc/gantry.yaml, section limits) */
    uint32_t max_connections, max_sessions, session_idle_ms, max_calls, max_queued_calls,
        max_subscriptions, max_resource_subscriptions;
    uint64_t max_body, max_bodies_in_flight, max_line, max_output_queue, max_output_in_flight,
        max_headers;
    uint32_t max_json_depth, workers, header_timeout_ms, body_timeout_ms, sse_keepalive_ms,
        stream_after_ms;

    uint32_t max_background, background_timeout_ms;

    /* tasks: calls that outlive their request */
    uint32_t tasks_max, tasks_max_per_principal; /* that run */
    uint32_t tasks_max_kept;                     /* that have ended */
    uint64_t tasks_max_result, tasks_max_bytes;  /* of one, of all */
    uint32_t tasks_timeout_ms, tasks_ttl_ms, tasks_max_ttl_ms, tasks_poll_ms;
    char *tasks_dir; /* NULL: they are lost with the process */

    /* state across calls */
    uint32_t state_max_handles, state_max_age_ms;
    uint64_t state_max_bytes, state_max_total;

    /* questions to clients: calls that wait for an answer, and the states that clients carry */
    char **ask_keys; /* NULL-terminated, newest first; texts of 32 bytes; none: one is made up */
    uint64_t ask_max_state;
    uint32_t ask_max_state_age_ms;
    uint32_t ask_max_parked, ask_max_parked_principal, ask_max_parked_age_ms;
    uint64_t ask_max_parked_bytes;
    uint32_t ask_max_spent; /* states that were used, and bytes of replies that got lost */
    uint64_t ask_max_kept;

    char *file;          /* where it came from; NULL: defaults */
    struct gn_map lines; /* of keys given in the file: gn_config_line */
};

/* Defaults only. */
struct gn_config *gn_config_new(void);
void gn_config_free(struct gn_config *c);
/* Reads a file over the defaults. On failure NULL, and `problems` holds every problem found, one a
 * line: "etc/gantry.yaml:12: limits.max_boddy: unknown key, did you mean max_body?". */
struct gn_config *gn_config_load(const char *path, struct gn_buf *problems);
/* Checks what no single key can tell (TLS files in pairs, non-loopback bind without tokens,
 * instance names unique, ...); command line options are applied before. */
int gn_config_validate(const struct gn_config *c, struct gn_buf *problems);
/* The line of the file where a key ("http.path") or an entry ("loading.folders[1]") was given; 0:
 * it is a default, or from the command line. */
int gn_config_line(const struct gn_config *c, const char *key);

/* The same; where there is none, that of the key or entry it belongs to: of
 * "transforms[2].tools.search.hide" that of "transforms[2].tools.search", and so on. */
int gn_config_nearest_line(const struct gn_config *c, const char *key);
/* A secret by name, borrowed; NULL: there is none. */
const char *gn_config_secret(const struct gn_config *c, const char *name);

/* Sets one key by its dotted name from a string, as the command line does ("log.level", "debug").
 */
int gn_config_set(struct gn_config *c, const char *key, const char *value, struct gn_error *err);
/* Appends one entry to a key that holds a list ("loading.folders", "http.listen"), as --plugins
 * does; relative paths are relative to the working directory. GN_ENOENT, GN_EINVAL. */
int gn_config_add(struct gn_config *c, const char *key, const char *value, struct gn_error *err);
/* Splits "HOST:PORT", "[V6]:PORT", ":PORT" or "unix:PATH". Either host and port or the path is set,
 * the other NULL and 0; both are owned by the caller. A V6 host comes without brackets; the host of
 * ":PORT" is "" and means every address of this machine. GN_EINVAL; the outputs are NULL then. */
int gn_config_parse_address(const char *address, char **ret_host, int *ret_port,
                            char **ret_unix_path, struct gn_error *err);
bool gn_config_is_loopback(const char *host);

#endif
