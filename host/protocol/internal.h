/* internal.h - what the files of this floor share: requests, sessions, replies, the method table.
 */
#ifndef GN_PROTOCOL_INTERNAL_H
#define GN_PROTOCOL_INTERNAL_H

#include "call/ask.h"
#include "observe/metrics.h"
#include "protocol/events.h"
#include "protocol/protocol.h"
#include "protocol/watching.h"
#include "util/map.h"
#include "wire/jsonrpc.h"
#include "wire/meta.h"

/* elicitations.c: what sessions of 2025-11-25 were told ids for, since it happens at a URL. */
struct gn_url_table {
    struct gn_elicitations base; /* what the call floor sees of it */
    struct gn_map by_id;
    struct gn_list all; /* oldest first */
    uint32_t count;
};
void gn_url_table_init(struct gn_url_table *t);
void gn_url_table_release(struct gn_url_table *t);
/* The session ends: what it waits for, nobody will. */
void gn_session_forget_urls(struct gn_session *s);

/* What list_changed can be about: templates belong to the list of resources. */
enum gn_list_kind { GN_LIST_TOOLS = 1, GN_LIST_RESOURCES = 2, GN_LIST_PROMPTS = 4 };
#define GN_LIST_ALL (GN_LIST_TOOLS | GN_LIST_RESOURCES | GN_LIST_PROMPTS)

/* What a client knows of its lists, so that it is told when they have changed, and only then
 * (changes.c). */
struct gn_told {
    uint64_t digests[GN_KINDS]; /* as they were when it was last told, or began */
    uint32_t shown;             /* bit set of gn_list_kind: since then it was shown another one */
    uint32_t changed;           /* these may be changing: for this one alone (rules) */
    uint32_t unsettled;         /* these may have changed since, and no more is waited for */
};

/* One JSON-RPC request, from its receipt to its answer. */
#define GN_REQUEST_MAGIC 0x5e90e571u
struct gn_request {
    uint32_t magic;
    struct gn_protocol *p;
    struct gn_stream *stream;    /* where it is answered: a transport's, or its batch's. NULL once
                                    the client is gone */
    struct gn_session *session;  /* held; NULL in the stateless era */
    struct gn_list stream_node;  /* in the requests of the transport's stream */
    struct gn_list session_node; /* in session->requests */
    struct gn_list node;         /* in p->requests, or p->queue while it waits for its turn */
    const struct gn_method *method;
    enum gn_revision revision;
    char *id;               /* as JSON */
    struct gn_json_doc doc; /* the message; moves into the call */
    const gantry_json *params, *meta;
    int log_level;
    struct gn_flow flow;       /* its stream of events */
    struct gn_list begun_node; /* in p->begun, with an event stream that is closed some time */
    uint64_t begun_ms;

    struct gn_call *call;         /* held, while one runs */
    int fault_status;             /* HTTP status of a refusal of the host's own; 0: 200 */
    struct gn_session *made;      /* by this initialize, not told to the client yet; held */
    bool is_queued, is_active;    /* waits for a turn / has one */
    const gantry_json *responses; /* `inputResponses`, or NULL */
    struct gn_retry *retry;   /* it brought a state (retry.c) that is in use until it is answered */
    struct gn_mcp_task *task; /* its call has become that, and the client is not told yet */
    /* subscriptions/listen */
    bool is_subscription;
    struct gn_task_watch *watches; /* tasks that it is about; NULL: none */
    uint32_t subscribed;           /* bit set of enum gn_list_kind */
    struct gn_told *told;          /* about those; NULL: no subscription */
    struct gn_watcher *watcher;    /* of resources; NULL: it listens to none */
};

#define GN_SESSION_MAGIC 0x5e551011u
struct gn_session {
    uint32_t magic, refs;
    struct gn_protocol *p;
    struct gn_list lru; /* in p->sessions, least recently used first; HTTP only */
    char id[44];        /* "" on a shared stream, where the connection is the session */
    char key[44];       /* names it within this host; nobody is told */
    enum gn_revision revision;
    char *client_name, *client_version, *principal;
    uint32_t capabilities; /* GANTRY_CAP_ */
    int log_level;
    uint64_t last_used_ms;
    struct gn_list listeners;   /* GET streams, oldest first; or the connection */
    struct gn_stream *listener; /* the newest of them, where notifications go; may be NULL */
    bool has_listened;          /* over HTTP: once at least */
    uint64_t streams;           /* numbers given to streams of events */
    uint64_t heard;             /* numbers given to events of listeners */
    struct gn_events events;
    struct gn_list requests;
    int64_t highest_id; /* as of a stream */
    uint32_t pending;   /* list kinds that changed while nobody listened */
    struct gn_told told;
    struct gn_rules *rules;      /* of visibility, for itself; a reference; NULL: none */
    struct gn_list elicitations; /* ids it was told (elicitations.c) */
    struct gn_watcher *watcher;  /* of resources; NULL: it has subscribed to none yet */
    char *extensions;            /* the client's, as JSON; NULL: none */
    bool gone;                   /* deleted: only requests in flight still hold it */
};

enum gn_eras { GN_HANDSHAKE = 1, GN_STATELESS = 2, GN_BOTH = 3 };

struct gn_reply;
/* Why a method of the host's own has no result. */
struct gn_fault {
    int status, code; /* of HTTP / of JSON-RPC */
    char text[512];
};
int gn_fault_set(struct gn_fault *fault, int status, int code, const char *fmt, ...)
    GN_PRINTF(4, 5); /* returns GN_EINVAL */

/* One row per method. Either `handle` answers, or starts what will; or `produce` writes the members
 * of the result (or sets fault), at once or in the middle of middlewares, and `close`, if there is
 * one, adds what the host alone has to say before it is sent. */
struct gn_method {
    const char *name;
    enum gn_eras eras;
    const char *name_param; /* the parameter that the header Mcp-Name mirrors; NULL: none */
    uint32_t hook;          /* GANTRY_ON_: what middlewares know it by */
    void (*handle)(struct gn_request *r);
    int (*produce)(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
    /* result: what middlewares have made of it, NULL without any; fails as produce does. */
    int (*close)(struct gn_request *r, const gantry_json *result, struct gn_reply *reply,
                 struct gn_fault *fault);
    enum gn_kind kind; /* lists */
};

struct gn_protocol {
    struct gn_call_env *env;
    struct gn_parking *parking; /* calls that wait for a retry (park.h) */
    struct gn_tasks *tasks;     /* calls that have become tasks (tasks.h) */
    uint64_t asked;             /* counts the questions sent to clients, for their ids */
    struct gn_registry *registry;
    const struct gn_config *config;
    struct gn_list requests; /* every one that is not queued */
    struct gn_list queue;    /* calls waiting for a turn, oldest first */
    uint32_t in_flight, active, queued, subscriptions;
    struct gn_post pump; /* starts what waits in the queue */
    struct gn_map sessions_by_id;
    struct gn_list sessions;
    uint32_t session_count;
    struct gn_event_pool events;
    struct gn_list begun;                /* requests, in the order their event streams began */
    struct gn_timer close;               /* ends their connections: http.resume.close_after */
    struct gn_list connections;          /* sessions of shared streams, by lru */
    struct gn_metric *requests_answered; /* NULL: nothing to count yet */
    struct gn_series *results[32];       /* of it, by the place of the method in gn_methods */
    struct gn_timer sweep, changed, drain;
    struct gn_timer
        stalled; /* runs while handlers that were answered for keep the queue from moving */
    uint32_t changed_lists;
    struct gn_timer telling; /* those who are told one after the other, not to hold the loop */
    struct gn_map seen;      /* changes.c: digests by principal and form, while it runs */
    uint64_t seen_version;   /* of the snapshot that they are of */
    struct gn_watching watching;
    struct gn_url_table urls;
    bool is_flooded;            /* notifications are dropped, and the log has it */
    bool draining, is_released; /* is_released: freed as soon as nothing posted refers to it */
    void (*on_drained)(void *arg);
    void *drained_arg;
    struct gn_post drained;
};

/* ---- replies: open, write members into w, close. */
struct gn_reply {
    struct gn_buf buf;
    struct gn_jw w;
    uint64_t since_us; /* when it was opened: writing much holds the loop, and that is told */
};
#define GN_REPLY_MAX (64u << 20)
/* Opens {"jsonrpc","id","result":{ (resultType) */
void gn_reply_open_as(struct gn_request *r, struct gn_reply *reply, const char *result_type);
static inline void gn_reply_open(struct gn_request *r, struct gn_reply *reply)
{
    gn_reply_open_as(r, reply, GN_RESULT_COMPLETE);
}
/* Sends a message that is written already, releases it, and frees the request. */
void gn_reply_whole(struct gn_request *r, int status, struct gn_buf *message);
/* Closes it with `_meta` (server identity in the stateless era, and what call has set; call may be
 * NULL), sends it, and frees the request. */
void gn_reply_send(struct gn_request *r, struct gn_reply *reply, const struct gn_call *call);
/* Cache hints (stateless era only): ttlMs, cacheScope. */
void gn_reply_cache(struct gn_request *r, struct gn_reply *reply, int64_t ttl_ms, bool is_public);
/* Whether what no component marks may be shared: not where callers are told apart. */
static inline bool gn_request_is_public(const struct gn_request *r)
{
    return !r->stream || !r->stream->principal;
}
/* Sends an error and frees the request. data is JSON or NULL. */
void gn_reply_error(struct gn_request *r, int status, int code, const char *data, const char *fmt,
                    ...) GN_PRINTF(5, 6);
/* What a call without a result is answered with: an error that says why. */
void gn_reply_failure(struct gn_request *r, const struct gn_call *call, enum gn_outcome outcome);
/* Sends {} (with what the era wants in it) and frees the request. */
void gn_reply_empty(struct gn_request *r);
/* 503 or "busy". */
void gn_reply_busy(struct gn_request *r);
/* Ends the request without an answer, cancels its call, and frees it. Over HTTP the answer is an
 * event stream with nothing in it. */
void gn_request_drop(struct gn_request *r);
/* The same with an error (-32600) for an answer. */
void gn_request_abort(struct gn_request *r, int status, const char *text);
/* An error where no request could be read. id is JSON or NULL. */
void gn_stream_error(struct gn_stream *s, int status, int code, const char *id,
                     const char *message);
static inline bool gn_request_is_stateless(const struct gn_request *r)
{
    return gn_revision_is_stateless(r->revision);
}
static inline bool gn_request_makes_session(const struct gn_request *r)
{
    return r->method && (r->method->hook & GANTRY_ON_INITIALIZE);
}
struct gn_request *gn_request_find(struct gn_list *requests, bool by_session, const char *id);

/* ---- batches (revision 2025-03-26) */
#define GN_BATCH_MAX 1024 /* elements */
/* Takes an array, parsed from `len` bytes, which need not stay. Refuses it where the revision has
 * no batches; else every element is answered on a stream of the batch's own, which in the end
 * answers `real` with the array of the answers. */
void gn_batch_receive(struct gn_protocol *p, struct gn_stream *real, struct gn_session *session,
                      const gantry_json *array, size_t len);
/* One element, with the session of its batch; takes the document over. It ends with exactly one
 * `end` of `answers`; until then a request is in flight on `real`. */
void gn_protocol_receive_element(struct gn_protocol *p, struct gn_stream *answers,
                                 struct gn_stream *real, struct gn_session *session,
                                 struct gn_json_doc *doc);
/* The client is gone: what was in flight for this stream of a batch is not going to end. May free
 * the batch. */
void gn_batch_lost(struct gn_stream *s);
/* How large the next answer on this stream may be: GN_REPLY_MAX, or what its batch has left. */
size_t gn_batch_room(const struct gn_stream *s);

/* ---- count.c: what was answered, for the metrics. m NULL: no method that is known. */
void gn_count_result(struct gn_protocol *p, const struct gn_method *m);
void gn_count_error(struct gn_protocol *p, const struct gn_method *m, int code);
void gn_count_release(struct gn_protocol *p);

void gn_protocol_check_drained(struct gn_protocol *p);
void gn_protocol_free_released(struct gn_protocol *p);

/* ---- methods */
/* The session that was made is not to be after all. */
void gn_request_unmake(struct gn_request *r);
/* params.uri; NULL after setting fault. */
const char *gn_request_uri(const struct gn_request *r, struct gn_fault *fault);
/* versions.c: who looks, and what it sees */
struct gn_viewer gn_session_viewer(const struct gn_session *s);
struct gn_viewer gn_request_viewer(const struct gn_request *r);
/* As gn_registry_view. */
struct gn_snapshot *gn_request_snapshot(const struct gn_request *r);
/* True if others may see another list of one of these kinds (1 << kind): nothing to be shared. */
bool gn_request_varies(const struct gn_request *r, uint32_t kinds);
/* The version that `_meta` of the parameters asks for; NULL: none. */
const char *gn_params_version(const gantry_json *params);
/* The version of c that the request asks for: c, if it asks for none. NULL: answered. */
struct gn_component *gn_request_version(struct gn_request *r, struct gn_component *c);
/* What the request names, in that version. NULL: answered. */
struct gn_component *gn_request_component(struct gn_request *r, enum gn_kind kind, const char *key);
/* Answers that there is no such thing. */
void gn_request_unknown(struct gn_request *r, enum gn_kind kind, const char *key);
/* lists.c: how the lists look that are shown to the client of a session, or of a request. */
struct gn_view gn_session_view(const struct gn_session *s);
struct gn_view gn_request_view(const struct gn_request *r);
/* operate.c: runs a method that has `produce`, in its middlewares if there are any. */
void gn_request_operate(struct gn_request *r);
/* Puts the middlewares that want them around a notification; nobody waits for them. */
void gn_notification_operate(struct gn_protocol *p, struct gn_stream *s,
                             const struct gn_session *session, const char *method,
                             const gantry_json *params);
extern const struct gn_method gn_methods[];
const struct gn_method *gn_method_find(const char *name);
int gn_produce_initialize(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_close_initialize(struct gn_request *r, const gantry_json *result, struct gn_reply *reply,
                        struct gn_fault *fault);
int gn_produce_empty(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault); /* ping */
int gn_produce_discover(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_close_discover(struct gn_request *r, const gantry_json *result, struct gn_reply *reply,
                      struct gn_fault *fault);
int gn_produce_set_level(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_produce_list(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_close_list(struct gn_request *r, const gantry_json *result, struct gn_reply *reply,
                  struct gn_fault *fault);
void gn_method_call_tool(struct gn_request *r);
void gn_method_read_resource(struct gn_request *r);
void gn_method_get_prompt(struct gn_request *r);
void gn_method_complete(struct gn_request *r);
void gn_method_listen(struct gn_request *r);
/* resource_subscriptions.c */
int gn_produce_subscribe(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_produce_unsubscribe(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
/* Subscribes to those of the URIs that can be; those are written as a filter has them. */
void gn_listen_to_resources(struct gn_request *r, const gantry_json *uris);
void gn_listen_write_resources(const struct gn_request *r, struct gn_jw *w);
bool gn_protocol_is_watched(void *arg, const char *uri); /* gn_call_env, arg: the protocol */
const char *gn_protocol_next_watched(void *arg, size_t *at);
void gn_protocol_resource_changed(void *arg, const char *uri);
/* skills.c */
int gn_produce_skills(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_produce_skill(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_produce_directory(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_close_skills(struct gn_request *r, const gantry_json *result, struct gn_reply *reply,
                    struct gn_fault *fault);

/* Writes capabilities, instructions and identity as initialize and server/discover share them. */
void gn_write_capabilities(struct gn_request *r, struct gn_jw *w);
/* extensions.c: the member `extensions` of them; nothing where there are none. */
void gn_write_extensions(struct gn_request *r, struct gn_jw *w);
/* What a client says of its extensions, as a session keeps it: JSON, freed by the caller; NULL: it
 * has none, or too many. */
char *gn_extensions_keep(const gantry_json *capabilities);
void gn_write_server_info(struct gn_request *r, struct gn_jw *w, const char *name);
/* GANTRY_CAP_ bits from a ClientCapabilities object. */
uint32_t gn_capabilities_parse(const gantry_json *capabilities);

/* ---- calls */
/* A call for this request, everything filled in but component, arguments and uri; takes the message
 * over. */
struct gn_call *gn_request_call(struct gn_request *r, const struct gn_call_ops *ops);
/* Session (may be NULL) and stream, or the `_meta` of the stateless era, into the call: who asks.
 */
void gn_call_identify(struct gn_call *call, const struct gn_stream *s,
                      const struct gn_session *session, const gantry_json *meta);
/* Starts r->call (component, or operate, set) when its turn comes: at once, or from the queue, or
 * not at all (busy). */
void gn_request_start(struct gn_request *r);
/* The turn is over (answered or cancelled): the next in the queue may go. */
void gn_request_end_turn(struct gn_request *r);
/* Its call waits for the client, and leaves its turn to others; goes on, whoever has one. */
void gn_request_rest(struct gn_request *r);
void gn_request_resume_turn(struct gn_request *r);
bool gn_request_has_room(const struct gn_request *r);
void gn_pump(struct gn_post *post);
/* A handler has returned: whoever waits may go. arg is the protocol. */
void gn_handler_ended(void *arg);
/* Refuses a component whose required capabilities the client lacks; true if it did. */
bool gn_request_refuse_requires(struct gn_request *r, const struct gn_component *c);
/* `data` of an error about capabilities (GANTRY_CAP_ bits) that the client lacks. */
void gn_write_required(struct gn_buf *data, uint32_t lacking);
extern const struct gn_call_ops gn_tool_ops, gn_resource_ops, gn_prompt_ops, gn_completion_ops;
int gn_request_notify(struct gn_call *call, const char *method, const char *params, size_t len,
                      enum gn_weight weight);
const char *gn_request_header(struct gn_call *call, const char *name);

/* ---- resume.c: messages of requests, and clients that come back for them */
/* Sends a message that is not the answer (a notification, a question) on the request's stream, or
 * keeps it for a client that was cut off and can come back for it: all such messages go this way.
 * As the `send` of the stream; GN_EPIPE: there is no client, and none will come for it. */
int gn_request_send(struct gn_request *r, const char *json, size_t len, enum gn_weight weight);
/* The answer is about to be sent on s, or there is no client (s NULL): keeps it where a client may
 * come for it. True: it is an event, with this id. */
bool gn_request_keep_answer(struct gn_request *r, const struct gn_stream *s, const char *json,
                            size_t len, char id[GN_EVENT_ID_MAX]);
/* The request ends without an answer. */
void gn_request_keep_end(struct gn_request *r);
/* Ends the connection of the request, but neither the request nor its stream of events, which the
 * client comes back for after `retry_ms` (0: http.resume.retry). 0, also if it is cut off already;
 * GN_ENOTSUP: it could not come back (stdio, WebSocket, the stateless era, revisions before
 * 2025-11-25, no event stream). */
int gn_request_close_stream(struct gn_request *r, uint32_t retry_ms);
/* A GET with the id of a request's event. */
void gn_request_resume(struct gn_protocol *p, struct gn_session *session, struct gn_stream *s,
                       const struct gn_event_id *id);
/* http.resume.close_after may have changed: for those that have begun, too. */
void gn_protocol_wait_for_close(struct gn_protocol *p);
/* The request has no connection any more. */
void gn_request_disconnect(struct gn_request *r);
/* On a stream that has begun: the event without data that clients of 2025-11-25 and later get
 * first, so that they can come back (SEP-1699). Others get nothing. */
int gn_session_send_mark(struct gn_session *session, struct gn_stream *s,
                         const struct gn_event_id *id, uint32_t retry_ms);
/* One event, with its id. */
int gn_stream_send_event(struct gn_stream *s, const struct gn_event_id *id, const char *json,
                         size_t len, enum gn_weight weight);
struct gn_event_limits gn_event_limits_of(const struct gn_config *config);

/* ---- asks.c, park.c: the sink's side of call/ask.h */
int gn_request_ask(struct gn_call *call);
void gn_request_unask(struct gn_call *call);
/* A response from the client of a session. */
void gn_session_answer(struct gn_session *s, const struct gn_jsonrpc *rpc);
/* ---- retry.c: a request that may bring a state and answers. False: it is answered, or its call
 * goes on. True: a call is to be made, and gn_retry_replay follows. */
bool gn_retry_begin(struct gn_request *r, const struct gn_call_ops *ops);
/* Gives r->call, not started yet, what the request brought. False: answered, it cannot be run
 * again. */
bool gn_retry_replay(struct gn_request *r, const struct gn_component *c);
/* The answer is about to be sent on s: watches whether it leaves. All messages begin with
 * GN_RETRY_HEAD and the id. */
#define GN_RETRY_HEAD "{\"jsonrpc\":\"2.0\",\"id\":"
void gn_retry_watch(struct gn_request *r, struct gn_stream *s, int status,
                    const struct gn_buf *message);
/* NULL is fine. forget: as if the state had never come. */
void gn_retry_free(struct gn_request *r, bool forget);

/* ---- tasks.c: calls that become tasks (tasks.h) */
/* The client has declared the extension on this request. */
bool gn_request_knows_tasks(const struct gn_request *r);
/* Refuses what (a method, a tool) if it has not; true if it did. */
bool gn_request_refuse_no_tasks(struct gn_request *r, const char *what);
/* Makes r->call, whose component is set and which has not begun, a task if its component is to be
 * one from the start and the client knows tasks. True: it is (or is refused): r is not the
 * caller's any more. */
bool gn_request_start_task(struct gn_request *r);
/* gn_call_ops.become_task of requests. */
int gn_request_become_task(struct gn_call *call, const gantry_task_options *options);
/* The request ends before its client was told of the task: the task ends with it. */
void gn_request_forsake_task(struct gn_request *r);
/* task_methods.c */
void gn_method_task(struct gn_request *r);
int gn_produce_get_task(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_produce_update_task(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
int gn_produce_cancel_task(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault);
/* task_watch.c: the subscription is about these tasks (an array of ids; those that the client may
 * not know are left out). False: too many. */
bool gn_request_watch_tasks(struct gn_request *r, const gantry_json *ids);
/* "taskIds" of the acknowledgement; nothing if there are none. */
void gn_request_write_watched(const struct gn_request *r, struct gn_jw *w);
void gn_request_unwatch(struct gn_request *r);
/* task_store.c */
struct gn_tasks *gn_tasks_new(struct gn_protocol *p);
void gn_tasks_free(struct gn_tasks *all);
GN_NODISCARD int gn_tasks_open(struct gn_tasks *all, const char *path, struct gn_error *err);
/* Handlers of tasks that have not returned. */
uint32_t gn_tasks_running(const struct gn_tasks *all);
/* A handler has returned: lets go of its call. abandon: also of those that have not. */
void gn_tasks_sweep(struct gn_tasks *all, bool abandon);
/* The process is to end: cancels those that run, or only those that wait for their clients. */
void gn_tasks_drain(struct gn_tasks *all, bool only_asking);
/* None runs, and all is stored. */
bool gn_tasks_are_over(const struct gn_tasks *all);
/* From now on nothing is removed any more. */
void gn_tasks_freeze(struct gn_tasks *all);
void gn_tasks_count(const struct gn_tasks *all, uint32_t counts[GN_TASK_STATUSES]);

/* ---- stateless era: `_meta` and headers against the body. False: answered. */
bool gn_stateless_check(struct gn_request *r, const char *method);
/* Mcp-Param-* against the arguments of the tool. False: answered. */
bool gn_stateless_check_params(struct gn_request *r, const struct gn_component *c,
                               const gantry_json *arguments);

/* ---- sessions */
struct gn_session *gn_session_new(struct gn_protocol *p, struct gn_stream *s); /* NULL: too many */
void gn_session_unref(struct gn_session *s);
struct gn_session *gn_session_ref(struct gn_session *s);
struct gn_session *gn_session_find(struct gn_protocol *p, struct gn_stream *stream, const char *id);
void gn_session_touch(struct gn_session *s);
/* Ends it: its requests are cancelled, its listener ends, its id is unknown from now on. */
void gn_session_remove(struct gn_session *s);
void gn_session_sweep(struct gn_timer *timer);

/* `_meta` of what belongs to subscriptions/listen, by its id as JSON. */
void gn_write_subscription(const char *id, struct gn_jw *w);

/* ---- changes.c: who has to be told that its lists have changed */
/* From now on: what the session, the subscription sees now it needs not be told. */
void gn_session_begin_told(struct gn_session *s);
void gn_request_begin_told(struct gn_request *r);
/* Those lists that were unsettled and are to be told: which differ from what was told last, or were
 * shown otherwise in between. They are settled, and taken for told. */
uint32_t gn_session_settle(struct gn_session *s);
uint32_t gn_request_settle(struct gn_request *r);
/* A list was served from s. */
void gn_request_was_shown(struct gn_request *r, struct gn_snapshot *s, enum gn_kind kind);
/* Nobody is unsettled any more. */
void gn_protocol_forget_seen(struct gn_protocol *p);
/* gn_call_ops.set_rules of requests. GN_ENOTSUP: there is no session. */
int gn_request_set_rules(struct gn_call *call, struct gn_rules *rules);

/* ---- notifications */
/* All lists of one session may have changed. */
void gn_session_changed(struct gn_session *s);
/* Changes are yet to be told. */
bool gn_protocol_is_unsettled(const struct gn_protocol *p);
/* Sends what changed while nobody listened. */
void gn_session_flush(struct gn_session *s);

/* ---- listeners.c: the streams on which a session listens */
/* Sends a message that belongs to no request where the session listens: on its newest GET stream,
 * or on its connection. Over HTTP, where it has listened before and does not at the moment, it is
 * kept for the next. As the `send` of the stream; GN_EPIPE: nobody listens. */
int gn_session_send(struct gn_session *s, const char *json, size_t len, enum gn_weight weight);
/* A GET. last: the last event that the client has of such a stream; its stream 0: none. */
void gn_session_listen(struct gn_session *session, struct gn_stream *s,
                       const struct gn_event_id *last);
/* A stream of the session's listens, or does not any more. */
void gn_session_add_listener(struct gn_session *s, struct gn_stream *stream);
void gn_session_remove_listener(struct gn_session *s, struct gn_stream *stream);
/* Sends what was kept while nobody listened. */
void gn_session_send_unsent(struct gn_session *s);
/* Ends all of them that are not connections. */
void gn_session_end_listeners(struct gn_session *s);
void gn_subscription_end(struct gn_request *r);

#endif
