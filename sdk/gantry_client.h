/* gantry_client.h - a client of MCP as a library: libgantry-client.
 *
 *     #include <gantry_client.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         gantry_client_error err;
 *         gantry_client *client = gantry_client_new(
 *             GANTRY_CLIENT_OPTIONS(.url = "http://127.0.0.1:8000/mcp"), &err);
 *         if (!client) {
 *             fprintf(stderr, "%s\n", err.message);
 *             return 2;
 *         }
 *         const char *arguments = "{\"name\": \"Ada\"}";
 *         gantry_request *r = gantry_client_call_tool(client, "greet", arguments, NULL);
 *         if (gantry_request_wait(r) == GANTRY_CLIENT_OK)
 *             puts(gantry_request_text(r));
 *         else
 *             fprintf(stderr, "%s\n", gantry_request_message(r));
 *         gantry_request_free(r);
 *         gantry_client_close(client, NULL, NULL);
 *     }
 *
 * A *client* talks to one server; a *request* is one thing asked of it. A client connects by itself
 * when it is first asked something, finds out which revisions of MCP the server speaks, and
 * connects again when the connection is lost. Whatever the revision, the calls here are the same.
 *
 *   Two faces     With `loop`, everything happens on that libuv loop, and functions of yours
 *                 (`on_done`, the handlers) are told. Without, the client has a loop of its own,
 *                 which gantry_request_wait() and gantry_client_run() run: nothing happens in
 *                 between. Requests are the same in both; several may be under way at once.
 *   Threads       All functions of a client, its requests and questions belong to one thread: that
 *                 of its loop. Clients on different loops are independent.
 *   Callbacks     run on that thread, from within the loop. Only on_state, on_note and on_message
 *                 (of what goes out) may also run within a function of yours, when they tell of
 *                 what it does. They may call everything here except gantry_request_wait and
 *                 gantry_client_run, and close the client if the loop is yours.
 *   Texts         are UTF-8, NUL-terminated. What you pass is copied; what you get is borrowed from
 *                 the object you got it from, unless it says otherwise.
 *   Time          is in milliseconds. Every wait has an end: see the timeouts.
 *   Growth        Structs that you fill begin with their size, which the macros set (without it
 *                 they are refused). Members are only ever added at the end, and zero means what
 *                 it meant before.
 *
 * The protocol: https://modelcontextprotocol.io/specification - a name in quotes with a revision,
 * such as (2026-07-28 "Caching"), is a page there.
 */
#ifndef GANTRY_CLIENT_H
#define GANTRY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef GANTRY_CLIENT_API
#define GANTRY_CLIENT_API __attribute__((visibility("default")))
#endif
#define GANTRY_CLIENT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define GANTRY_CLIENT_VERSION_MAJOR 0
#define GANTRY_CLIENT_VERSION_MINOR 1

struct uv_loop_s; /* uv_loop_t of libuv */

typedef struct gantry_client gantry_client;     /* a client of one server */
typedef struct gantry_request gantry_request;   /* something asked of the server, and its outcome */
typedef struct gantry_question gantry_question; /* something the server asks of us */
typedef struct gantry_login gantry_login;       /* a server that wants (other) credentials */
typedef struct gantry_json gantry_json;         /* an immutable JSON value */

/* How something ended. */
typedef enum {
    GANTRY_CLIENT_OK = 0,
    GANTRY_CLIENT_TOOL_ERROR,  /* a tool's result that says `isError`; it is there all the same */
    GANTRY_CLIENT_ERROR,       /* the server answered with an error of JSON-RPC */
    GANTRY_CLIENT_CONNECTION,  /* no connection, or it was lost before the answer came */
    GANTRY_CLIENT_TIMEOUT,     /* one of the timeouts passed; the server was told to stop */
    GANTRY_CLIENT_CANCELLED,   /* by gantry_request_cancel, or the client was closed */
    GANTRY_CLIENT_PROTOCOL,    /* the server sent what the protocol does not allow */
    GANTRY_CLIENT_INVALID,     /* what you passed is wrong; nothing was sent */
    GANTRY_CLIENT_UNSUPPORTED, /* this server, or its revision, does not have it; nothing was sent
                                */
    GANTRY_CLIENT_LIMIT,       /* too many, or too large */
    GANTRY_CLIENT_UNAUTHORIZED /* the server wants credentials, or other ones (401, 403) */
} gantry_client_status;

/* "tool error", "timeout", ...; never NULL. */
GANTRY_CLIENT_API const char *gantry_client_status_name(gantry_client_status status);

typedef struct gantry_client_error {
    gantry_client_status status;
    char message[1024]; /* for a person: what is wrong, and what would be right */
} gantry_client_error;

/* ---------------------------------------------------------------- reading JSON
 *
 * A value is read by a JSON Pointer (RFC 6901): "" is the value itself, "/content/0/text" the text
 * of the first block. What is not there, or of another type, gives NULL or `otherwise`. Every
 * function accepts NULL as value. */

enum {
    GANTRY_JSON_IS_NULL = 1,
    GANTRY_JSON_IS_FALSE,
    GANTRY_JSON_IS_TRUE,
    GANTRY_JSON_IS_NUMBER,
    GANTRY_JSON_IS_STRING,
    GANTRY_JSON_IS_ARRAY,
    GANTRY_JSON_IS_OBJECT
};

GANTRY_CLIENT_API const gantry_json *gantry_read(const gantry_json *v, const char *pointer);
/* NULL also for a string with a NUL in it: gantry_read_bytes has those. */
GANTRY_CLIENT_API const char *gantry_read_text(const gantry_json *v, const char *pointer);
GANTRY_CLIENT_API const char *gantry_read_bytes(const gantry_json *v, const char *pointer,
                                                size_t *ret_size);
GANTRY_CLIENT_API int64_t gantry_read_int(const gantry_json *v, const char *pointer,
                                          int64_t otherwise);
GANTRY_CLIENT_API double gantry_read_num(const gantry_json *v, const char *pointer,
                                         double otherwise);
GANTRY_CLIENT_API bool gantry_read_bool(const gantry_json *v, const char *pointer, bool otherwise);
/* One of GANTRY_JSON_IS_...; 0 if it is not there. */
GANTRY_CLIENT_API int gantry_read_type(const gantry_json *v, const char *pointer);
/* Elements or members; else 0. */
GANTRY_CLIENT_API size_t gantry_read_count(const gantry_json *v, const char *pointer);
/* The first element or member value with prev NULL, then the next; NULL at the end. */
GANTRY_CLIENT_API const gantry_json *gantry_read_next(const gantry_json *v,
                                                      const gantry_json *prev);
/* The name under which its object holds v; NULL if it is no member. */
GANTRY_CLIENT_API const char *gantry_read_name(const gantry_json *v);
/* A text of JSON from elsewhere (a file, what a program says), to be read with these functions.
 * Owned: gantry_client_free. NULL, with the reason in err (may be NULL), if it is none. */
GANTRY_CLIENT_API gantry_json *gantry_parse_json(const char *text, gantry_client_error *err);
/* The value as JSON text, in one line. Owned: gantry_client_free. NULL if v is NULL. */
GANTRY_CLIENT_API char *gantry_read_print(const gantry_json *v);

/* ---------------------------------------------------------------- writing JSON
 *
 * Text of JSON from a template: gantry_format_json("{'name': %s, 'age': %d}", "Ada \"A\"", 36). A
 * single quote stands for a double one outside of strings that are made; %s is written as a JSON
 * string, quotes and escapes included (NULL: null); %d %i %u %ld %lu %lld %llu %zu as integers,
 * %f and %g as the shortest number that reads back the same; %% is a percent sign. Nothing else is
 * accepted. Owned: gantry_client_free. NULL if the outcome is not JSON. */
GANTRY_CLIENT_API char *gantry_format_json(const char *format, ...) GANTRY_CLIENT_PRINTF(1, 2);
/* Frees what functions here return as owned. NULL is fine. */
GANTRY_CLIENT_API void gantry_client_free(void *text);

/* ---------------------------------------------------------------- what handlers are told */

typedef struct gantry_client_progress {
    double progress;
    double total;        /* 0: unknown */
    const char *message; /* may be NULL */
} gantry_client_progress;

typedef struct gantry_client_log {
    const char *level;  /* "debug" ... "emergency" */
    const char *logger; /* may be NULL */
    const gantry_json *data;
    const char *text; /* data, if it is a string, or its member "msg" or "message"; else as JSON */
} gantry_client_log;

/* A question to a person ("Elicitation"). */
typedef struct gantry_client_elicitation {
    const char *message;
    const gantry_json *schema; /* form: an object schema with flat properties. URL: NULL */
    const char *url;           /* URL: where the person is to go. Form: NULL */
    const char *id;            /* URL, 2025-11-25: which one; on_elicit_complete tells of it */
} gantry_client_elicitation;

typedef enum {
    GANTRY_LIST_TOOLS,
    GANTRY_LIST_RESOURCES,
    GANTRY_LIST_TEMPLATES,
    GANTRY_LIST_PROMPTS,
    GANTRY_LIST_TASKS /* 2025-11-25 only */
} gantry_list_kind;

typedef enum {
    GANTRY_STATE_IDLE,       /* not asked for anything yet */
    GANTRY_STATE_CONNECTING, /* also: finding out which revision the server speaks */
    GANTRY_STATE_READY,
    GANTRY_STATE_WAITING, /* the connection was lost; it is made again in a while */
    GANTRY_STATE_FAILED,  /* no more tries: until something is asked again */
    GANTRY_STATE_CLOSED
} gantry_client_state;

typedef struct gantry_client_root {
    const char *uri;  /* "file:///home/ada"; a path that begins with / is made one */
    const char *name; /* may be NULL */
} gantry_client_root;

/* What a client does when it is asked or told something. Each may be NULL; what is set decides
 * which capabilities the server sees. `arg` is that of the options. */
typedef struct gantry_client_handlers {
    size_t size;
    /* Answer with gantry_question_accept, _decline, _dismiss or _fail: now, or any time later. */
    void (*on_elicit)(gantry_client *client, gantry_question *question,
                      const gantry_client_elicitation *elicitation, void *arg);
    bool elicits_urls;  /* on_elicit is ready for URLs, too */
    bool refuses_forms; /* ... and for nothing else */
    /* Answer with gantry_question_say or _answer (a CreateMessageResult), or _fail. params is a
     * CreateMessageRequest's. */
    void (*on_sample)(gantry_client *client, gantry_question *question, const gantry_json *params,
                      void *arg);
    bool samples_with_tools; /* on_sample understands `tools` and `toolChoice` */
    /* Answer with gantry_question_answer (a ListRootsResult). NULL: the options' roots, if any. */
    void (*on_roots)(gantry_client *client, gantry_question *question, void *arg);
    /* request is the one that it belongs to, where the server says so; else NULL. */
    void (*on_log)(gantry_client *client, gantry_request *request, const gantry_client_log *message,
                   void *arg);
    /* For requests without an on_progress of their own. */
    void (*on_progress)(gantry_client *client, gantry_request *request,
                        const gantry_client_progress *progress, void *arg);
    void (*on_list_changed)(gantry_client *client, gantry_list_kind kind, void *arg);
    void (*on_resource_updated)(gantry_client *client, const char *uri, void *arg);
    /* The person is done at the URL of an elicitation. */
    void (*on_elicit_complete)(gantry_client *client, const char *id, void *arg);
    /* Every message, as it is on the wire, before (in) or after (out) anything is done with it. */
    void (*on_message)(gantry_client *client, bool is_outgoing, const char *json, size_t size,
                       void *arg);
    /* A line that a server we started wrote to standard error, without its end. While the client
     * closes only if the end of that is told (on_closed), or waited for. */
    void (*on_stderr)(gantry_client *client, const char *line, size_t size, void *arg);
    void (*on_state)(gantry_client *client, gantry_client_state state, void *arg);
    /* The server answered 401 or 403. What it wants stands in gantry_login_...; answer with
     * gantry_login_retry or gantry_login_refuse: now, or later. NULL: the request fails. This is
     * where OAuth plugs in. */
    void (*on_login)(gantry_client *client, gantry_login *login, void *arg);
    /* Something worth noting that ended nothing: a retry, a restart, a line of a server that is no
     * message, a tool that was left out of a list. One line of text. */
    void (*on_note)(gantry_client *client, const char *text, void *arg);
} gantry_client_handlers;

/* ---------------------------------------------------------------- a client */

typedef enum {
    GANTRY_TRANSPORT_AUTO = 0,   /* by the URL; http: Streamable HTTP, then the old HTTP+SSE */
    GANTRY_TRANSPORT_STREAMABLE, /* "Streamable HTTP" */
    GANTRY_TRANSPORT_SSE         /* "HTTP+SSE" of 2024-11-05 */
} gantry_client_transport;

#define GANTRY_CLIENT_NONE UINT32_MAX /* for numbers below whose 0 means a default */

typedef struct gantry_client_options {
    size_t size; /* set by GANTRY_CLIENT_OPTIONS */

    /* ---- the server: exactly one of the two */
    /* http: or https: (without a path: /mcp), ws: or wss:, or unix:PATH (HTTP over that socket). */
    const char *url;
    const char *const
        *command; /* a program (looked up in PATH) and its arguments, NULL at the end */

    struct uv_loop_s *loop; /* NULL: a loop of its own. It must outlive the client */

    /* ---- a program */
    /* "NAME=value", NULL at the end. A program gets these and, of ours, only HOME, LANG, LC_*,
     * LOGNAME, PATH, SHELL, TERM, TMPDIR, TZ, USER, XDG_*. */
    const char *const *environment;
    bool inherits_environment; /* all of ours */
    const char *directory;     /* where it runs; NULL: here */
    const char *stderr_file;   /* what it writes to standard error is appended to this file, too */
    /* After it ended by itself, if it was ready once: so many in a row, with growing pauses. 0: 5.
     */
    uint32_t restarts;

    /* ---- HTTP and WebSocket */
    gantry_client_transport transport;
    const char *const *headers; /* "Name: value", NULL at the end */
    const char *token;          /* "Authorization: Bearer TOKEN" */
    const char *ca_file;        /* certificates to trust, PEM. NULL: SSL_CERT_FILE, the system's */
    const char *certificate_file, *key_file, *key_password; /* our own, PEM */
    /* "http://host:port", "socks5://...". NULL: the environment's, not for loopback; "": none */
    const char *proxy;

    /* ---- MCP */
    /* One revision, "2025-11-25", and no other. NULL: the newest that both speak. */
    const char *revision;
    const char *name, *title, *version; /* of your program. NULL: "gantry-client", none, ours */
    /* Further capabilities, a JSON object: {"experimental": {...}, "extensions": {...}}. */
    const char *capabilities;
    const gantry_client_root *roots; /* what the server may work on */
    size_t root_count;
    bool has_roots;        /* there are roots, even if there is none now: they may change */
    const char *log_level; /* ask for log messages from this level on; NULL: the server decides */
    /* Log messages, standard error of a program and notes are appended to this file, a line each.
     */
    const char *log_file;

    /* ---- time, and what is tried again */
    uint32_t connect_timeout_ms; /* until a server we connect to or start has answered. 0: 30 s */
    /* Of each request; begins anew when what the server asks meanwhile has been answered. 0: 60 s;
     * GANTRY_CLIENT_NONE: none. */
    uint32_t timeout_ms;
    uint32_t total_timeout_ms; /* of a request, however often the other begins anew. 0: 1 h */
    bool progress_resets;      /* progress begins the request's timeout anew */
    uint32_t retries;    /* of what is safe to repeat, after network errors, 429, 502-504. 0: 2 */
    uint32_t backoff_ms; /* before the first; doubled each time, up to 30 s, with jitter. 0: 250 */

    /* ---- limits */
    uint32_t max_rounds; /* of questions in one request. 0: 16 */
    /* Under way at once. 0: 1,024. More: GANTRY_CLIENT_LIMIT. Over HTTP/1.1, where each needs a
     * connection, 128 are with the server at once, and the others wait for those. */
    uint32_t max_requests;
    uint32_t max_pages; /* of a list. 0: 1,000 */
    size_t max_message; /* bytes of one message. 0: 64 MiB */
    size_t max_cache;   /* bytes of results that may be kept. 0: 16 MiB; SIZE_MAX: none */

    /* ---- what you do when asked or told something */
    const gantry_client_handlers *handlers; /* copied; may be NULL */
    void *arg;                              /* handed to them */
} gantry_client_options;

/* GANTRY_CLIENT_OPTIONS(.url = "...", .token = "..."): a pointer to options. C++ has no such
 * literals: gantry_client_options o{}; o.size = sizeof(o); o.url = "..."; the others likewise. */
#ifndef __cplusplus
#define GANTRY_CLIENT_OPTIONS(...)                                                                 \
    (&(gantry_client_options){.size = sizeof(gantry_client_options), __VA_ARGS__})
#define GANTRY_CLIENT_HANDLERS(...)                                                                \
    (&(gantry_client_handlers){.size = sizeof(gantry_client_handlers), __VA_ARGS__})
#define GANTRY_REQUEST_OPTIONS(...)                                                                \
    (&(gantry_request_options){.size = sizeof(gantry_request_options), __VA_ARGS__})
#endif

/* Makes a client; nothing is sent yet. NULL with err set (may be NULL) if an option is wrong. */
GANTRY_CLIENT_API gantry_client *gantry_client_new(const gantry_client_options *options,
                                                   gantry_client_error *err);
/* Ends all requests (GANTRY_CLIENT_CANCELLED), the session and the connection; a program gets 2 s
 * to end after its input has, 2 s more after SIGTERM, then SIGKILL; so does its whole process
 * group. On the caller's loop: returns at once; on_closed(arg), which may be NULL, is called when
 * everything is gone. On a loop of its own: returns when it is gone, on_closed is called before. */
GANTRY_CLIENT_API void gantry_client_close(gantry_client *client, void (*on_closed)(void *arg),
                                           void *arg);
/* From now on nobody waits: the times of gantry_client_close are 500 ms. Called again while the
 * client closes: a program is killed at once, with its group. For Ctrl-C. */
GANTRY_CLIENT_API void gantry_client_hurry(gantry_client *client);
/* The loop, for what else a program with a blocking client waits for (signals, input). Handles of
 * yours on a loop of the client's own must be closed before the client is. */
GANTRY_CLIENT_API struct uv_loop_s *gantry_client_loop(gantry_client *client);
/* Runs the loop for so long, or until gantry_client_stop. For what comes without being asked. */
GANTRY_CLIENT_API void gantry_client_run(gantry_client *client, uint32_t ms);
GANTRY_CLIENT_API void gantry_client_stop(gantry_client *client);

/* What is known of the server: all NULL or empty before the first connection. */
GANTRY_CLIENT_API gantry_client_state gantry_client_get_state(const gantry_client *client);
GANTRY_CLIENT_API const char *gantry_client_revision(const gantry_client *client);
/* A DiscoverResult or InitializeResult: serverInfo, capabilities, instructions. Until the next
 * connection. */
GANTRY_CLIENT_API const gantry_json *gantry_client_server(const gantry_client *client);
/* "stdio", "http", "sse", "websocket". */
GANTRY_CLIENT_API const char *gantry_client_transport_name(const gantry_client *client);

/* ---------------------------------------------------------------- requests
 *
 * Every function that makes a request returns one at once, also if it cannot be sent: then it ends
 * with the reason. A request with `on_done` is freed once that has returned; one without is yours:
 * wait, look, free. Freeing one that is under way cancels it. */

typedef struct gantry_request_options {
    size_t size;
    void (*on_done)(gantry_request *request, void *arg);
    void (*on_progress)(gantry_request *request, const gantry_client_progress *progress, void *arg);
    void *arg;
    uint32_t timeout_ms, total_timeout_ms; /* 0: the client's */
    const char *meta;                      /* members of `_meta`, a JSON object */
    const char *const *headers;            /* "Name: value", NULL at the end; HTTP only */
    /* tools/call: run it as a task, whose result is kept so long (2025-11-25; later the server
     * decides). 0: no. */
    uint32_t task_ttl_ms;
    bool detaches;  /* end as soon as there is a task, with what was said about it */
    bool may_retry; /* it is safe to repeat, although the protocol does not say so */
    bool skips_cache;
    bool keeps_rounds; /* end with an `input_required` result instead of asking the handlers */
} gantry_request_options;

/* Any request, in the words of the revision. params: a JSON object; NULL: none. `_meta` that the
 * protocol wants is added. */
GANTRY_CLIENT_API gantry_request *gantry_client_request(gantry_client *client, const char *method,
                                                        const char *params,
                                                        const gantry_request_options *options);
/* Any notification. 0, or GANTRY_CLIENT_INVALID, _CONNECTION. */
GANTRY_CLIENT_API gantry_client_status gantry_client_notify(gantry_client *client,
                                                            const char *method, const char *params);

/* Connects, if need be: the result is what gantry_client_server gives. */
GANTRY_CLIENT_API gantry_request *gantry_client_connect(gantry_client *client,
                                                        const gantry_request_options *options);
/* arguments: a JSON object; NULL: {}. */
GANTRY_CLIENT_API gantry_request *gantry_client_call_tool(gantry_client *client, const char *name,
                                                          const char *arguments,
                                                          const gantry_request_options *options);
GANTRY_CLIENT_API gantry_request *gantry_client_read_resource(
    gantry_client *client, const char *uri, const gantry_request_options *options);
GANTRY_CLIENT_API gantry_request *gantry_client_get_prompt(gantry_client *client, const char *name,
                                                           const char *arguments,
                                                           const gantry_request_options *options);
/* All pages, joined: the result has one array, named as the protocol does ("tools",
 * "resourceTemplates"). Tools whose x-mcp-header marks are wrong are left out and noted. */
GANTRY_CLIENT_API gantry_request *gantry_client_list(gantry_client *client, gantry_list_kind kind,
                                                     const gantry_request_options *options);
/* Values for an argument of a prompt, or for a variable of a resource template (its URI template as
 * name). known: the other arguments, a JSON object of strings; may be NULL. */
GANTRY_CLIENT_API gantry_request *gantry_client_complete(gantry_client *client,
                                                         gantry_list_kind kind, const char *name,
                                                         const char *argument, const char *value,
                                                         const char *known,
                                                         const gantry_request_options *options);
GANTRY_CLIENT_API gantry_request *gantry_client_ping(gantry_client *client,
                                                     const gantry_request_options *options);
GANTRY_CLIENT_API gantry_request *gantry_client_set_log_level(
    gantry_client *client, const char *level, const gantry_request_options *options);
/* From now on on_resource_updated tells of the resource, also over later connections; what may have
 * changed while there was none is told as changed. */
GANTRY_CLIENT_API gantry_request *gantry_client_subscribe(gantry_client *client, const char *uri,
                                                          const gantry_request_options *options);
GANTRY_CLIENT_API gantry_request *gantry_client_unsubscribe(gantry_client *client, const char *uri,
                                                            const gantry_request_options *options);
/* Tasks by id. _task waits for its end and has its result, and answers what it asks; who gives up
 * waiting leaves the task alone. _get_task looks once. (A request of ours that became a task is
 * another matter: the task is cancelled with it, unless the client is closed.) */
GANTRY_CLIENT_API gantry_request *gantry_client_task(gantry_client *client, const char *task_id,
                                                     const gantry_request_options *options);
GANTRY_CLIENT_API gantry_request *gantry_client_get_task(gantry_client *client, const char *task_id,
                                                         const gantry_request_options *options);
GANTRY_CLIENT_API gantry_request *gantry_client_cancel_task(gantry_client *client,
                                                            const char *task_id,
                                                            const gantry_request_options *options);

/* Other roots from now on; the server is told. */
GANTRY_CLIENT_API gantry_client_status gantry_client_set_roots(gantry_client *client,
                                                               const gantry_client_root *roots,
                                                               size_t count);

/* Runs the loop until it has ended, and says how. Not from within a callback. */
GANTRY_CLIENT_API gantry_client_status gantry_request_wait(gantry_request *request);
/* It ends with GANTRY_CLIENT_CANCELLED, and the server is told. reason may be NULL. */
GANTRY_CLIENT_API void gantry_request_cancel(gantry_request *request, const char *reason);
/* NULL is fine. */
GANTRY_CLIENT_API void gantry_request_free(gantry_request *request);

GANTRY_CLIENT_API gantry_client *gantry_request_client(const gantry_request *request);
GANTRY_CLIENT_API bool gantry_request_is_done(const gantry_request *request);
/* The rest once it has ended. */
GANTRY_CLIENT_API gantry_client_status gantry_request_status(const gantry_request *request);
/* NULL unless the status is OK or TOOL_ERROR. */
GANTRY_CLIENT_API const gantry_json *gantry_request_result(const gantry_request *request);
/* What went wrong, for a person; of a TOOL_ERROR its text. "" if nothing did. */
GANTRY_CLIENT_API const char *gantry_request_message(const gantry_request *request);
/* Of GANTRY_CLIENT_ERROR: the error's code and data. */
GANTRY_CLIENT_API int gantry_request_error_code(const gantry_request *request);
GANTRY_CLIENT_API const gantry_json *gantry_request_error_data(const gantry_request *request);
/* HTTP status of the last answer; 0 where there is none. */
GANTRY_CLIENT_API int gantry_request_http_status(const gantry_request *request);
/* All texts of the result, joined by newlines: content of a tool, messages of a prompt, texts of a
 * resource. "" if there is none. */
GANTRY_CLIENT_API const char *gantry_request_text(gantry_request *request);
/* The task that it became; NULL if none. Also while it runs. */
GANTRY_CLIENT_API const char *gantry_request_task_id(const gantry_request *request);

/* ---------------------------------------------------------------- questions
 *
 * Each is answered exactly once, with one of these functions, which end it: it may not be touched
 * after. It is valid until then, even if nobody wants the answer any more (the server withdrew it,
 * the connection or the client is gone). */

/* The request that it belongs to, where that is known and under way; else NULL. */
GANTRY_CLIENT_API gantry_request *gantry_question_request(const gantry_question *question);
/* "elicitation/create", "sampling/createMessage", "roots/list". */
GANTRY_CLIENT_API const char *gantry_question_method(const gantry_question *question);
GANTRY_CLIENT_API const gantry_json *gantry_question_params(const gantry_question *question);
/* Nobody waits for the answer any more. */
GANTRY_CLIENT_API bool gantry_question_is_gone(const gantry_question *question);
/* Is told when that happens. */
GANTRY_CLIENT_API void gantry_question_on_gone(
    gantry_question *question, void (*on_gone)(gantry_question *question, void *arg), void *arg);

/* The content of a form, a JSON object (NULL: {}; of a URL: NULL). What it lacks and the schema has
 * a default for is added; null counts as lacking. GANTRY_CLIENT_INVALID, with the reason in err
 * (may be NULL), if it does not fit the schema, a line for each field ("/age: ..."): then the
 * question is still open. */
GANTRY_CLIENT_API gantry_client_status gantry_question_accept(gantry_question *question,
                                                              const char *content,
                                                              gantry_client_error *err);
/* The person says no, or says nothing. If it is no elicitation: gantry_question_fail with -1. */
GANTRY_CLIENT_API void gantry_question_decline(gantry_question *question);
GANTRY_CLIENT_API void gantry_question_dismiss(gantry_question *question);
/* The result, a JSON object, as it is. GANTRY_CLIENT_INVALID if it is none: still open. */
GANTRY_CLIENT_API gantry_client_status gantry_question_answer(gantry_question *question,
                                                              const char *result,
                                                              gantry_client_error *err);
/* Of sampling: the model has said this. */
GANTRY_CLIENT_API void gantry_question_say(gantry_question *question, const char *model,
                                           const char *text);
/* An error instead. code: of JSON-RPC; -1 is what sampling has for "the user rejected it". In the
 * stateless era there is no such answer: the request that it belongs to ends with
 * GANTRY_CLIENT_ERROR, the code and the message. message may be NULL. */
GANTRY_CLIENT_API void gantry_question_fail(gantry_question *question, int code,
                                            const char *message);

/* ---------------------------------------------------------------- credentials */

GANTRY_CLIENT_API int gantry_login_http_status(const gantry_login *login); /* 401 or 403 */
/* The header WWW-Authenticate; "" if there is none. */
GANTRY_CLIENT_API const char *gantry_login_challenge(const gantry_login *login);
GANTRY_CLIENT_API const char *gantry_login_url(const gantry_login *login);
/* Sends what waits once more, with this as the header Authorization ("Bearer ..."), from now on.
 * Both end the login, which is valid until then. */
GANTRY_CLIENT_API void gantry_login_retry(gantry_login *login, const char *authorization);
/* What waits ends with GANTRY_CLIENT_UNAUTHORIZED and the reason (may be NULL). */
GANTRY_CLIENT_API void gantry_login_refuse(gantry_login *login, const char *reason);

#ifdef __cplusplus
}
#endif
#endif
