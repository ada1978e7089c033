/* internal.h - what the files of the client library share: the client, its requests, and the order
 * in which they come alive and go.
 *
 * The way of a request: made (request.c) and checked · waits until the client is ready (client.c
 * opens a link, era.c finds the revision) · written for the revision (compose.c) · sent on the link
 * (stdio.c, http.c, sse.c, websocket.c) · answered (receive.c) · the steps below look at the
 * result, one after the other, and may go on (steps.c) · ended: on_done, from the loop.
 *
 * Everything here belongs to the loop's thread. Functions return 0 or a negative GN_E code
 * (util/error.h), with what a person reads in err.
 */
#ifndef GN_CLIENT_INTERNAL_H
#define GN_CLIENT_INTERNAL_H

#include "gantry_client.h"
#include "link.h"
#include "settings.h"

#include "util/buf.h"
#include "util/error.h"
#include "util/list.h"
#include "wire/jsonrpc.h"
#include "wire/revision.h"
#include "json/json.h"

#include <uv.h>

#define GN_CLIENT_MAGIC 0x636c6e74U   /* "clnt" */
#define GN_REQUEST_MAGIC 0x72657173U  /* "reqs" */
#define GN_QUESTION_MAGIC 0x71756573U /* "ques" */

/* ---------------------------------------------------------------- timers: timer.c
 *
 * One uv timer for a client; these hang in a list in the order of their time. Most begin with the
 * same delay, so one is nearly always put at the end. Embedded in their owner, zero-initialised. */
struct gn_client_timer {
    struct gn_list node; /* node.next NULL: never started */
    gantry_client *client;
    uint64_t at_ms; /* gn_clock_ms() */
    void (*fire)(struct gn_client_timer *timer);
};
/* (Re)starts: fire(timer) once, from the loop. Does not keep the loop alive by itself: the client
 * does, while anything is under way. */
void gn_client_timer_start(gantry_client *c, struct gn_client_timer *t, uint64_t delay_ms,
                           void (*fire)(struct gn_client_timer *timer));
void gn_client_timer_stop(struct gn_client_timer *t);
static inline bool gn_client_timer_runs(const struct gn_client_timer *t)
{
    return t->node.next && !gn_list_empty(&t->node);
}

/* ---------------------------------------------------------------- requests */

/* What the protocol says of a method; methods.c has the table. */
struct gn_method {
    const char *method;
    const char *name_member; /* of params: what the header Mcp-Name says; NULL: nothing */
    const char *capability;  /* of the server that it needs; NULL: none */
    bool is_safe;            /* may be sent again after the connection was lost */
    bool has_rounds;         /* may be answered `input_required` */
    bool may_be_task;
    bool is_cached; /* by its hints */
    bool in_stateless, in_handshake;
};
/* The host has functions of these names, and one program has both libraries. */
#define gn_method_find gn_client_method_find
#define gn_request_find gn_client_request_find
#define gn_request_send gn_client_request_send
#define gn_request_start gn_client_request_start

/* NULL: a method that nobody knows here; it is sent as it is. */
const struct gn_method *gn_method_find(const char *method);

enum gn_request_state {
    GN_REQUEST_NEW,
    GN_REQUEST_WAITING, /* in client->waiting: for the client to be ready */
    GN_REQUEST_SENT,    /* in the table of ids */
    GN_REQUEST_PAUSED,  /* `pause` runs: before a retry, between two looks at a task */
    GN_REQUEST_ASKING,  /* its questions are being answered, or something else goes on for it */
    GN_REQUEST_ENDED,   /* in client->ended: on_done is still to be called */
    GN_REQUEST_DONE
};

struct gantry_request {
    uint32_t magic;
    enum gn_request_state state;
    gantry_client *client;
    struct gn_list node;          /* client->requests, until freed */
    struct gn_list in_queue;      /* client->waiting or client->ended */
    const struct gn_method *kind; /* NULL: unknown method */
    char *method;
    char *params;         /* a JSON object without `_meta`; NULL: none */
    char *meta;           /* further members of `_meta`, an object; NULL: none */
    char *extra;          /* members of params for this round, without braces: "\"cursor\":\"x\"" */
    char *name;           /* what Mcp-Name says; NULL: nothing */
    char **headers;       /* the caller's, NULL-terminated; may be NULL */
    char **param_headers; /* Mcp-Param-...; may be NULL */
    gantry_request_options o; /* only its plain members and functions */
    int64_t id;               /* on the wire, of the last message; 0: not sent yet */
    uint64_t end_ms;          /* gn_clock_ms(): then it is over, whatever happens */
    struct gn_client_timer deadline, pause;
    unsigned tries, rounds; /* failed attempts; questions answered */
    bool is_internal;       /* of the client itself: sent although it is not ready */
    bool is_task_asked;     /* 2025-11-25: by r->extra */
    bool is_part;           /* of another's: does not count among those under way */
    gantry_request *parent; /* that it is a part of; NULL: none, or gone */
    int64_t progress_id;    /* the message that progress came of last, and how far it was */
    double progress;
    bool belongs_to_nobody; /* freed after on_done */
    void *link_data;        /* the transport's: what it does for this request */
    /* What goes on for it, besides: each step's own, freed by its gn_..._forget. */
    struct gn_rounds *round;            /* rounds.c */
    struct gn_task_watch *task;         /* tasks.c */
    struct gn_pages *pages;             /* lists.c */
    struct gn_param_retry *param_retry; /* param_headers.c */
    char *cache_key;                    /* cache.c */
    uint64_t cache_changes;             /* the client's when it was sent */
    uint64_t listens;                   /* listen.c: the wishes that it waits for; 0: none */
    /* Just before it is sent, as the client is ready and the revision known: may change it, or end
     * it (true). May be NULL. */
    bool (*before)(gantry_request *r);
    void (*internal_done)(gantry_request *r, void *arg); /* instead of o.on_done */
    void *internal_arg;
    /* The outcome. */
    gantry_client_status status;
    struct gn_json_doc doc; /* of the answer, or of what was made from several */
    const gantry_json *result, *error_data;
    int error_code, http_status;
    bool is_passing;         /* of a failure: it may be better in a while */
    uint64_t retry_after_ms; /* the server asked for; 0: nothing */
    char *message, *text, *task_id;
};

/* ---- request.c */
/* Makes one; params as gantry_client_request has it. Never NULL: what is wrong is its outcome. It
 * is not sent. */
gantry_request *gn_request_new(gantry_client *c, const char *method, const char *params,
                               const gantry_request_options *options);
/* One of the client's own: sent at once if the link is open. done is called from the loop; then the
 * request is freed. timeout_ms 0: the client's; GANTRY_CLIENT_NONE: none, in all. */
gantry_request *gn_request_internal(gantry_client *c, const char *method, const char *params,
                                    uint32_t timeout_ms, void (*done)(gantry_request *r, void *arg),
                                    void *arg);
/* Sends it when the client is ready, which it makes it be. */
void gn_request_start(gantry_request *r);
/* Sends it now (again), with a new id: the client is ready, or it is internal. */
void gn_request_send(gantry_request *r);
/* The same after delay_ms. */
void gn_request_send_later(gantry_request *r, uint64_t delay_ms);
/* Ends it: takes over doc (may be NULL; then empty). The first end counts. */
void gn_request_end(gantry_request *r, gantry_client_status status, const char *fmt, ...)
    GN_PRINTF(3, 4);
void gn_request_end_result(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result);
void gn_request_end_empty(gantry_request *r); /* well, with the result {} */
void gn_request_end_error(gantry_request *r, struct gn_json_doc *doc, const gantry_json *error);
/* The message that is under way is of no interest any more: out of the table of ids, and the
 * transport forgets it. tell: the server is told, as the era has it. */
void gn_request_let_go(gantry_request *r, bool tell, const char *reason);
/* Could not be sent, or the answer will not come: tries again, if that is safe, or ends. */
void gn_request_fail(gantry_request *r, const struct gn_failure *failure);
/* Its message is answered, and it goes on: nothing is under way, only the total time counts. */
void gn_request_hold(gantry_request *r);
/* Progress came: its time begins anew, if the client's settings say so. */
void gn_request_progressed(gantry_request *r);
/* It waits for something that only a person can do, a login: until that is over (false) only its
 * total time counts. The second: all requests do. */
void gn_request_be_patient(gantry_request *r, bool is_so);
void gn_client_be_patient(gantry_client *c, bool is_so);
/* A question about it (NULL: it is not known about which) begins or ends: see gn_questions_wait. */
void gn_request_asked(gantry_client *c, gantry_request *r);
gantry_request *gn_request_find(gantry_client *c, int64_t id);
void gn_request_free_now(gantry_request *r);

/* ---- compose.c: one message, as the revision has it */
/* Appends the message of a request (r->id is set) to out. */
int gn_compose_request(gantry_client *c, const gantry_request *r, struct gn_buf *out);
/* The client's capabilities for the revision, as a JSON object. */
void gn_compose_capabilities(const gantry_client *c, enum gn_revision revision, struct gn_buf *out);
/* {"name": ..., "version": ...} */
void gn_compose_client_info(const gantry_client *c, struct gn_buf *out);
/* Sends a notification, or an answer to a request of the server (text is a whole message). */
int gn_client_send_notification(gantry_client *c, const char *method, const char *params);
void gn_client_send_text(gantry_client *c, const char *text, size_t len);

/* ---- receive.c */
/* One message, or an array of them (2025-03-26), has come. r: the request on whose stream; NULL if
 * all share one. False, with err, if it is no message of JSON-RPC. */
bool gn_client_receive(gantry_client *c, gantry_request *r, const char *text, size_t len,
                       struct gn_error *err);

/* ---------------------------------------------------------------- steps: what results may need
 *
 * Each looks at a result that has come; true: it goes on with the request (which is not over then),
 * and has taken what it needs of doc, or doc itself (then empty). In this order: rounds, tasks,
 * lists, cache. steps.c calls them. */
bool gn_rounds_take(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result);
bool gn_tasks_take(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result);
bool gn_lists_take(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result);
void gn_cache_keep(gantry_request *r, const gantry_json *result);
/* The same for an error: true if it goes on with the request. */
bool gn_rounds_take_error(gantry_request *r, struct gn_json_doc *doc, const gantry_json *error);
bool gn_lists_take_error(gantry_request *r, const gantry_json *error);
bool gn_param_headers_take_error(gantry_request *r, struct gn_json_doc *doc,
                                 const gantry_json *error);
/* gantry_client_list, but not started yet. */
gantry_request *gn_lists_new(gantry_client *c, gantry_list_kind kind,
                             const gantry_request_options *options);
/* Before it is sent: true if the cache has ended it. */
bool gn_cache_answers(gantry_request *r);
/* The request ends, is let go or freed: what the step has for it is freed. */
void gn_rounds_forget(gantry_request *r);
void gn_tasks_forget(gantry_request *r);
void gn_lists_forget(gantry_request *r);
void gn_param_headers_drop(gantry_request *r);
/* The server says that something has changed: what is kept of it is dropped. uri may be NULL. */
void gn_cache_changed(gantry_client *c, const char *notification, const char *uri);
void gn_cache_clear(gantry_client *c);
/* What is wrong with inputRequests (may be NULL: none), in words; NULL: nothing. */
const char *gn_rounds_check(const gantry_json *requests);
/* Before it is sent: asks for a task, if the caller and the revision will have it so. */
void gn_tasks_prepare(gantry_request *r);
/* The person is done at the URL of an elicitation: requests that wait for it go on. */
void gn_rounds_completed(gantry_client *c, const char *elicitation_id);
/* The request that became this task, or that was answered so and still goes on; else NULL. */
gantry_request *gn_tasks_find_by_id(gantry_client *c, const char *task_id);
gantry_request *gn_tasks_find_by_token(gantry_client *c, int64_t id);
/* notifications/tasks/status, notifications/tasks: the state of a task. */
void gn_tasks_notified(gantry_client *c, const gantry_json *params);

/* Before tools/call is sent: sets r->param_headers from the tool's schema, as far as the client has
 * seen it (param_headers.c). False if that has ended it: a value may not be in a header. */
bool gn_param_headers_set(gantry_request *r);
/* A list of tools came: keeps what their marks say; those with wrong marks are told apart, with the
 * reason in err. */
bool gn_param_headers_learn(gantry_client *c, const gantry_json *tool, struct gn_error *err);
void gn_param_headers_forget(gantry_client *c);

/* ---------------------------------------------------------------- questions: question.c
 *
 * Made by a request of the server (handshake era), by rounds.c and by tasks.c. */
struct gantry_question {
    uint32_t magic;
    gantry_client *client;   /* NULL: nobody wants the answer any more */
    struct gn_list node;     /* client->questions */
    gantry_request *request; /* that it belongs to; NULL: not known */
    struct gn_json_doc doc;  /* a copy of method and params of its own */
    const char *method;
    const gantry_json *params;
    /* The answer: result (a JSON object as text) or an error with code and message. From the loop,
     * or from within an answering function. The question is freed after. */
    void (*deliver)(gantry_question *q, const char *result, int code, const char *message);
    void *deliver_arg;
    const gantry_json *id;    /* of the server's request; NULL: none */
    struct gn_schema *schema; /* of a form; may be NULL */
    bool is_url;              /* a person is sent to a URL */
    bool is_untold;           /* gone, and on_gone is still to be called */
    bool is_refused;          /* while it is delivered: the server may not ask this */
    bool is_asked;            /* the handler has it */
    void (*on_gone)(gantry_question *q, void *arg);
    void *on_gone_arg;
};
/* Makes a question of a request object {"method": ..., "params": ...} (copied) and hands it to the
 * client's handler, from within. Without a handler, or with bad params, it is answered with an
 * error at once (is_refused). */
void gn_question_ask(gantry_client *c, gantry_request *r, const gantry_json *request,
                     void (*deliver)(gantry_question *q, const char *result, int code,
                                     const char *message),
                     void *arg);
/* A request of the server, handshake era. */
void gn_question_received(gantry_client *c, gantry_request *r, const gantry_json *message,
                          const struct gn_jsonrpc *m);
/* notifications/cancelled for one of the server's requests. */
void gn_question_cancelled(gantry_client *c, const gantry_json *id);
/* All whose request is r are gone; NULL: all that came as requests of the server. */
void gn_questions_gone(gantry_client *c, const gantry_request *r);
/* From the loop (gn_client_wake): calls on_gone of those that have gone meanwhile. */
void gn_questions_tell(gantry_client *c);
/* True while a request of the server is open that belongs to r, or may (r NULL: to any): who
 * answers it may take longer than a server that is silent. */
bool gn_questions_wait(const gantry_client *c, const gantry_request *r);
/* The one with this deliver_arg is gone. */
void gn_question_drop(gantry_client *c, const void *arg);
/* notifications/elicitation/complete: true if such a one was asked, and has not been completed. */
bool gn_elicit_completed(gantry_client *c, const char *id);
void gn_elicit_forget(gantry_client *c);

/* ---------------------------------------------------------------- notifications: notice.c */
void gn_notice_received(gantry_client *c, gantry_request *r, const struct gn_jsonrpc *m);

/* ---------------------------------------------------------------- subscriptions: listen.c */
struct gn_listen;
/* The client is ready (again): subscribes to what is wanted. */
void gn_listen_ready(gantry_client *c);
void gn_listen_lost(gantry_client *c);
void gn_listen_free(gantry_client *c);
/* An answer came that says all is well: it may be to resources/subscribe. */
void gn_listen_answered(gantry_request *r);
bool gn_listen_wants(const gantry_client *c); /* a connection, even if nothing is asked */
/* Every notification of the stateless era, before anything else is done with it. True: nothing else
 * is to be done (it is an acknowledgement, or of a subscription that is over, or told already).
 * False: it is to be told as any other. */
bool gn_listen_received(gantry_client *c, const struct gn_jsonrpc *m);
/* Stateless era: whether notifications/tasks of this task are wanted (tasks.c). A task may be
 * wanted several times; each ends one. Nothing is sent if the server does not offer tasks. */
void gn_listen_task(gantry_client *c, const char *task_id, bool is_wanted);

/* ---------------------------------------------------------------- the client: client.c */
struct gantry_client {
    uint32_t magic;
    struct gn_client_settings s;
    uv_loop_t *uv, own_loop;
    uv_timer_t clock; /* for the list of timers */
    uv_idle_t wake;   /* runs while something was put off to the loop: client->ended */
    struct gn_list timers;
    unsigned open_handles; /* of uv: the two above, until they are closed */

    gantry_client_state state;
    const struct gn_link_ops *transport;
    struct gn_link *link;                     /* NULL: none */
    struct gn_list old_links;                 /* that are still closing */
    uint64_t ready_ms;                        /* gn_clock_ms() when it became ready last */
    unsigned failures;                        /* connections that failed in a row */
    struct gn_client_timer again, connecting; /* before the next try; the time it may take */

    struct gn_era *era;        /* era.c: while it finds the revision; else NULL */
    enum gn_revision known;    /* what the server spoke last; GN_REV_NONE: not known */
    char *before_old_http;     /* why the old HTTP+SSE is tried; NULL: it is not */
    bool has_asked_anew;       /* era.c: that was wrong; until it is ready, or is given up */
    enum gn_revision revision; /* of this connection; GN_REV_NONE: not known yet */
    struct gn_json_doc server_doc;
    const gantry_json *server; /* DiscoverResult or InitializeResult */
    struct gn_buf who_we_are;  /* compose.c: of `_meta`, in the stateless era; empty: not made */
    enum gn_revision who_we_are_in;

    struct gn_list requests, waiting, ended, questions;
    gantry_request **by_id; /* slot id & (cap - 1) */
    size_t by_id_cap, sent_count, request_count;
    int64_t last_id;

    struct gn_cache *cache;
    uint64_t cache_changes;       /* how often something that may be kept has changed */
    struct gn_elicited *elicited; /* elicit.c: URLs that a person was sent to */
    struct gn_listen *listen;
    struct gn_map *tool_headers; /* param_headers.c: by tool */
    struct gn_client_log *log;   /* log_file.c */

    bool owns_loop, is_closing, is_hurried, stops_running;
    bool is_impatient; /* hurried once more */
    bool is_patient;   /* gn_client_be_patient */
    bool is_between;   /* the link is gone, and what comes next not decided: nothing is opened */
    bool is_running;   /* within uv_run: gantry_request_wait, gantry_client_run */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* Connects, unless it is or does. */
void gn_client_connect(gantry_client *c);
/* era.c has found out: ready, or not. */
void gn_client_ready(gantry_client *c);
void gn_client_unready(gantry_client *c, const struct gn_failure *why);
/* era.c: not by this transport: the link is closed, and another opened. */
void gn_client_reopen(gantry_client *c, const struct gn_link_ops *transport);
/* Something was put into client->ended: on_done is called from the loop. */
void gn_client_wake(gantry_client *c);
void gn_client_set_state(gantry_client *c, gantry_client_state state);
/* on_note and the log file. */
void gn_client_note(gantry_client *c, const char *fmt, ...) GN_PRINTF(2, 3);
/* A delay with jitter before the n-th try (1: the first again), doubled each time, at most 30 s. */
uint64_t gn_client_backoff(const gantry_client *c, unsigned n);
static inline bool gn_client_is_stateless(const gantry_client *c)
{
    return gn_revision_is_stateless(c->revision);
}
/* True if the server's capabilities have it: "tools", "resources/subscribe". */
bool gn_client_server_can(const gantry_client *c, const char *pointer);

/* ---- era.c: the link is open: which revision? Ends with gn_client_ready or gn_client_unready. */
void gn_era_begin(gantry_client *c);
void gn_era_forget(gantry_client *c); /* the link is gone, or the client closes */
/* The link was lost meanwhile: true if that tells something, and another is opened. */
bool gn_era_survives(gantry_client *c, const struct gn_failure *failure);

/* ---- log_file.c */
void gn_client_log_open(gantry_client *c);
void gn_client_log_close(gantry_client *c);
void gn_client_log_line(gantry_client *c, const char *what, const char *text, size_t len);

#endif
