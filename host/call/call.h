/* call.h - the call: one request being served, from the moment it is understood until its result
 * has been handed back.
 *
 * A call carries everything its handler may ask about (revision, capabilities, identity, arguments,
 * deadline), so nothing below it ever looks at a connection. It belongs to the loop; while a
 * blocking handler runs, arena and result belong to that worker thread, and the loop keeps its
 * hands off.
 *
 *     gn_call_new -> fill in the request -> gn_call_start -> ... -> ops->finished -> gn_call_unref
 *
 * `finished` comes exactly once, on the loop, unless the call was detached before. It may come
 * before the handler has returned: at the deadline the client gets its answer, while a handler that
 * does not listen unwinds (or hangs) behind it, holding the call and the generation, but nothing
 * else.
 */
#ifndef GN_CALL_CALL_H
#define GN_CALL_CALL_H

#include "call/extensions.h"
#include "call/journal.h"
#include "call/made.h"
#include "call/middleware.h"
#include "call/scope.h"
#include "call/weight.h"
#include "config/config.h"
#include "coro/http.h"
#include "util/arena.h"
#include "wire/revision.h"

/* The host says struct gn_call, plugins say gantry_call: one type. */
#define gn_call gantry_call
struct gn_registry;

/* Rules of visibility that one session has for itself: made by the registry floor (view.h), known
 * here only to be kept. Loop thread only. */
struct gn_rules {
    uint32_t refs;
    void (*free)(struct gn_rules *rules); /* at zero */
};
void gn_rules_unref(struct gn_rules *rules); /* NULL is fine */

/* What all calls of a host share. Owned by the host; set up before the first call. */
struct gn_call_env {
    struct gn_loop *loop;
    struct gn_http *http;
    struct gn_log *log;
    struct gn_registry *registry;      /* opaque here; for nested calls, used by the host table */
    uint32_t timeout_ms;               /* of a call without one of its own; 0: 60,000 */
    uint64_t arena_bytes;              /* 0: 64 MiB */
    uint64_t result_bytes;             /* content and structured output together; 0: 16 MiB */
    bool strict_input;                 /* arguments of tools are not coerced */
    bool annotate_formats;             /* `format` of schemas given as JSON refuses nothing */
    enum gn_output_check output_check; /* of tools that do not choose for themselves */
    struct gn_around *around;          /* all middlewares; NULL: none */
    struct gn_extensions *extensions;  /* those that plugins speak; NULL: none */
    /* [loop] The protocol's: whether a client has subscribed to the resource / it has changed.
     * NULL: there is no protocol. */
    bool (*is_watched)(void *arg, const char *uri);
    /* [loop] The URIs that clients have subscribed to, normalised: *at 0 begins, NULL ends; until
     * anything else runs. */
    const char *(*next_watched)(void *arg, size_t *at);
    void (*resource_changed)(void *arg, const char *uri);
    void *watch_arg;
    struct gn_list observers; /* gn_call_observer */
    struct gn_store *store;   /* state across calls (store.h); NULL: none */
    /* [loop] A secret of the operator by name, borrowed; NULL: there is none. NULL: no secrets. */
    const char *(*secret)(void *arg, const char *name);
    void *secret_arg;
    /* [loop] The registry's: what stands now in the place of a tool that was made for a source (its
     * parent may have been reloaded), borrowed; NULL: nothing does. NULL: it is what it was. */
    struct gn_component *(*remade)(struct gn_registry *registry, const struct gn_component *made);
    struct gn_metrics *metrics;           /* what the host counts; NULL: nothing */
    uint32_t max_background;              /* background work at a time; 0: 256 */
    uint32_t background_timeout_ms;       /* of one without a limit of its own; 0: 600,000 */
    uint32_t max_asking;                  /* calls that wait for their clients; 0: 1,000 */
    uint32_t max_asking_principal;        /* those of one principal; 0: as many */
    uint32_t ask_timeout_ms;              /* how long such a one waits; 0: 600,000 */
    uint32_t asking;                      /* those that do now, but for tasks */
    struct gn_elicitations *elicitations; /* ids that clients were told (ask.h); NULL: nobody */
    uint32_t background;                  /* that runs now */
    uint32_t holding;                     /* owners whose `hold` is set */
    uint32_t notifications;               /* in middlewares now (operate.c of the protocol) */
    bool no_schedules;                    /* the host stops: no schedule runs any more */
    bool no_background;                   /* no work without a client is taken any more */
    struct gn_background_drain *drain;    /* while the host waits for it to end; else NULL */
    struct gn_list calls;                 /* those alive, newest last */
    uint32_t alive, peak;
    uint32_t running; /* handlers that have not returned, answered or not */
    /* [loop] NULL, or called whenever one has returned (the protocol's: the next in its queue). */
    void (*handler_ended)(void *arg);
    void *handler_arg;
};

/* How a call ended. */
enum gn_outcome {
    GN_OUT_RESULT = 1, /* the handler returned 0: call->result */
    GN_OUT_FAILED,     /* gn_call_fail: call->failure, verbatim */
    GN_OUT_INVALID,    /* arguments do not fit: call->failure lists the problems */
    GN_OUT_NOT_FOUND,  /* a resource handler returned GANTRY_ENOENT */
    GN_OUT_ACCIDENT,   /* anything else: call->failure names the correlation id only */
    GN_OUT_TIMEOUT,    /* the deadline passed; call->result and failure are not to be read */
    GN_OUT_BUSY,       /* no coroutine or worker to be had */
    GN_OUT_CANCELED,   /* cancelled by a shutdown or by whoever owns the call */
    GN_OUT_UNWOUND,    /* its client was asked; a replay of it will begin anew (gn_call_unwind) */
};

/* Whoever wants to know how calls end: metrics, the audit log. */
struct gn_call_observer {
    struct gn_list node; /* in env->observers; zero-initialise, then gn_call_observe */
    /* [loop] A call of a component, which a client or a handler asked for, has ended; the arena is
     * not to be used. */
    void (*ended)(struct gn_call_observer *observer, const struct gn_call *call,
                  enum gn_outcome outcome);
};

struct gn_call_ops {
    /* [loop] A notification that belongs to this call: params is a JSON object. Not after finished.
     * 0; GN_EBUSY: the client reads slowly, it was dropped; other negative codes: none will get
     * through. */
    int (*notify)(struct gn_call *call, const char *method, const char *params, size_t len,
                  enum gn_weight weight);
    /* [loop] The end. The receiver reads what it needs from the call. */
    void (*finished)(struct gn_call *call, enum gn_outcome outcome);
    /* [loop] A header of the request, or NULL. May be NULL. */
    const char *(*header)(struct gn_call *call, const char *name);
    /* [loop] call->asking has questions that are OPEN: puts them to the client and marks them SENT
     * (ask.h). 0: answers will come; else the code that the handler gets. The sink may change here
     * (call->ops), as the call is parked. NULL: nobody is there to be asked. */
    int (*ask)(struct gn_call *call);
    /* [loop] Questions that were SENT are not waited for any more. May be NULL. */
    void (*unask)(struct gn_call *call);
    /* [loop] gantry_become_task: the sink changes to one that keeps the result. NULL: cannot. */
    int (*become_task)(struct gn_call *call, const gantry_task_options *options);
    /* [loop] gantry_task_status, for a sink that is a task. NULL: it is none. */
    int (*task_status)(struct gn_call *call, const char *message);
    /* [loop] gantry_close_stream. NULL: cannot. */
    int (*close_stream)(struct gn_call *call, uint32_t retry_ms);
    /* [loop] gantry_session_transform: the session's rules are these from now on (taken over; NULL:
     * none). NULL: there is no session. */
    int (*set_rules)(struct gn_call *call, struct gn_rules *rules);
};

enum gn_content_kind {
    GN_CONTENT_TEXT = 1,
    GN_CONTENT_IMAGE, /* data is Base64 */
    GN_CONTENT_AUDIO,
    GN_CONTENT_BLOB, /* resources: Base64 contents */
    GN_CONTENT_EMBED_TEXT,
    GN_CONTENT_EMBED_BLOB,
    GN_CONTENT_LINK,
};

struct gn_content {
    struct gn_content *next;
    uint8_t kind, role;
    const char *text; /* text, or Base64 */
    size_t len;
    const char *mime, *uri, *name, *description;
    const struct gn_annotations *annotations;
};

#define GN_SUGGESTIONS 100 /* as many as MCP allows in one answer */

/* What the handler has said so far; all in the call's arena. */
struct gn_result {
    struct gn_content *first, *last;
    size_t count, bytes;
    const char *structured; /* JSON text, or NULL */
    size_t structured_len;
    const char *raw; /* of a method without a component: the members of its result, as an object */
    size_t raw_len;
    struct gn_result_meta {
        struct gn_result_meta *next;
        const char *key, *json;
    } * meta;
    uint8_t role; /* of what is added next (prompts) */
    /* completion */
    const char **suggestions; /* GN_SUGGESTIONS of them; NULL: none yet */
    size_t suggestion_count;  /* may exceed that: counted, not kept */
    int64_t suggestion_total; /* -1 not told */
};

/* The client adds context of servers to what a model is asked, if told to. */
#define GN_CAP_SAMPLING_CONTEXT (1u << 31)

struct gn_frame;     /* forward.c */
struct gn_asking;    /* ask.h */
struct gn_ask_count; /* ask.c */

/* What came of checking the arguments before the middlewares began. */
struct gn_bound {
    bool is_done;
    enum gn_outcome outcome; /* RESULT: they fit */
    const char *failure;
    const gantry_json *arguments; /* that this is about */
    const gantry_json *inner;     /* the same as the code that runs knows them (made.h) */
};

#define GN_CALL_MAX_DEPTH 16

#define GN_CALL_MAGIC 0xca110001u
struct gantry_call {
    uint32_t magic, refs;
    struct gn_call_env *env;
    struct gn_list node; /* in env->calls */
    struct gn_arena arena;

    /* the request: filled in by the protocol, in the arena or borrowed from `doc` */
    enum gn_revision revision;
    const char *method;
    const char *request_id; /* as JSON */
    struct gn_json_doc doc; /* owns the message; released with the call */
    const gantry_json *params, *arguments, *meta;
    const char *progress_token; /* as JSON, or NULL */
    int log_level;              /* lowest enum gn_level the client wants, -1: none */
    const char *session_id, *client_name, *client_version, *principal;
    const char *session_key; /* names the session, also where it has no id; NULL: there is none */
    const char *transport;   /* "stdio", "http"; NULL: none */
    const char *traceparent, *tracestate, *baggage; /* NULL: none, or malformed */
    uint64_t began_us;                              /* gn_clock_us() of its start */
    uint32_t capabilities; /* GANTRY_CAP_ bits of the client, and GN_CAP_SAMPLING_CONTEXT */
    const char *uri;       /* resources/read: as the client wrote it */
    const char *mime_type; /* resources/read: the component's, for contents that say none */
    const char *argument_name, *argument_value; /* completion */
    uint64_t correlation;                       /* gn_call_correlation; 0: nobody has asked yet */
    char
        deadline_text[96]; /* what the client is told at the deadline; the arena is not ours then */

    /* what runs */
    struct gn_component *component;
    uint32_t hook;          /* GANTRY_ON_ bits that concern it */
    struct gn_call *parent; /* of a nested call */
    uint32_t depth;
    struct gn_task *task;  /* while the handler runs: on which it is */
    struct gn_task *spine; /* the coroutine that its middlewares run on; NULL without any */
    void *in;
    struct gn_bound bound;    /* without middlewares only what it is bound to, `inner` */
    const gantry_json *given; /* the arguments that it was started with */
    uint32_t timeout_ms;      /* 0: component's, else env's */
    struct gn_timer deadline;
    bool is_clock_stopped; /* it waits for its client: the deadline stands still */

    struct gn_scope scope;
    /* asking the client (ask.h); of the outermost call */
    struct gn_asking *asking;        /* questions that are open now; NULL */
    struct gn_journal journal;       /* stateless era: what a replay is to be told */
    const gantry_json *responses;    /* `inputResponses` that came along; in the arena or in doc */
    struct gn_ask_count *ask_counts; /* how often each key was used in this run */
    uint32_t lacking;                /* GANTRY_CAP_ bits that an ask would have needed */
    uint32_t no_park;                /* things held that a wait must not keep (gantry_no_park) */
    bool is_parked;                  /* waits for a client that is not connected */
    const char *task_id;             /* it has become a task; NULL: it has not */
    const gantry_json *extensions;   /* the client's, by name; NULL: none */
    struct gn_rules *rules;          /* of its session, a reference; NULL: none */
    struct gn_frame *frame;          /* the parent that runs in a function (made.h); NULL: none */

    struct gn_lines *lines;        /* log lines on their way to the client (lines.h); or NULL */
    struct gn_call_timers *timers; /* gantry_timer_begin; or NULL */

    /* middleware: those around this call, outermost first; each is referenced and its owner held */
    struct gn_middleware **around;
    uint32_t around_count, around_at; /* the next to run */
    struct gn_owner *self;            /* whose code runs now; NULL: the host's own */
    void *self_data;                  /* gantry_data() */
    enum gn_outcome verdict;          /* of what ran last inside; 0: nothing has */
    int next_rc;                      /* what gn_call_next, or _forward, returned last */
    int error_code;                   /* gantry_refuse: a JSON-RPC code; 0: none */

    const struct gn_call_ops *ops; /* NULL once detached */
    void *ops_data;

    bool finished, cancelled, is_completion, failed, running;
    bool is_still;       /* runs, but waits for its client: not in env->running */
    bool is_stand_in;    /* for what it calls: that one's progress is its own */
    int rc;              /* what the handler returned */
    const char *failure; /* in the arena */
    const char *heard;   /* what passing on the code heard_rc says to the client */
    int heard_rc;
    bool heard_own;    /* those are the host's own words */
    bool own_words;    /* the failure was told by the host's own code, not by a plugin's */
    const char *label; /* "hello/greet": in the arena */
    struct gn_result result;
    double progress_done;
    uint32_t progress_tokens; /* of the rate limit */
    uint64_t progress_last_ms;
    struct gn_list locks; /* gantry_mutex held, for the report at the end */

    /* a run that no component stands behind (a plugin's start): what to run instead */
    int (*run)(struct gn_call *call, void *arg);
    void *run_arg;
    bool run_blocks;                      /* on a worker */
    int (*operate)(struct gn_call *call); /* a method of the host's own, in middleware */
    struct gn_owner *owner;               /* held while running */
};
/* A call with one reference, bound to no request yet. [loop] */
struct gn_call *gn_call_new(struct gn_call_env *env, const struct gn_call_ops *ops, void *ops_data);
struct gn_call *gn_call_ref(struct gn_call *call);
void gn_call_unref(struct gn_call *call); /* NULL is fine */

/* [loop] Runs call->component (a reference is taken, its owner held) with call->arguments: checks
 * and binds them, then starts the handler. finished may come before this returns. Never from inside
 * a task. */
void gn_call_start(struct gn_call *call);
/* [loop] Runs component->complete for call->argument_name and argument_value. */
void gn_call_start_completion(struct gn_call *call);
/* [loop] Runs fn as a coroutine of `owner` (a plugin's start), under `name`. */
void gn_call_start_function(struct gn_call *call, struct gn_owner *owner, const char *name,
                            int (*fn)(struct gn_call *call, void *arg), void *arg);
/* [loop] Starts what gn_owner.hold has taken over, the way it was to be started. */
void gn_call_start_again(struct gn_call *call);
/* [loop] Runs the middlewares of `hook` around operate(call), which is called on the loop's own
 * stack, sets call->result.raw, and returns GANTRY_OK or fails as a handler does. */
void gn_call_start_operation(struct gn_call *call, uint32_t hook,
                             int (*operate)(struct gn_call *call));
/* [loop] True if there is a middleware for one of these hooks. */
static inline bool gn_call_is_hooked(const struct gn_call_env *env, uint32_t hook)
{
    return env->around && (env->around->hooks & hook);
}
/* [loop] The worker task that stands still until this call, a nested one, has ended: what the call
 * needs a thread for borrows that one. NULL: there is none. */
struct gn_task *gn_call_lender(const struct gn_call *call);
/* [loop] True if code of this owner runs in the call, or will. */
bool gn_call_uses(const struct gn_call *call, const struct gn_owner *owner);
/* [loop] */
void gn_call_observe(struct gn_call_env *env, struct gn_call_observer *observer);

/* ---- middleware, from within (what the host table and the host's own middlewares build on) */
/* [coroutine] gantry_next. */
int gn_call_next(struct gn_call *call);
/* [coroutine] The result so far as JSON of the latest revision, in the arena; NULL: none. */
const gantry_json *gn_call_result(struct gn_call *call);
/* [coroutine] Replaces it. GANTRY_EINVAL: it is none, err says why. */
int gn_call_set_result(struct gn_call *call, const gantry_json *result, struct gn_error *err);
/* [coroutine] gantry_refuse. */
int gn_call_refuse(struct gn_call *call, int code, const char *fmt, ...) GN_PRINTF(3, 4);
/* [coroutine] Moves the deadline to ms from now. */
void gn_call_set_timeout(struct gn_call *call, uint32_t ms);
/* [coroutine] The call is to run c in its place: unless something has set another deadline than the
 * host's usual one, c's own counts, from now on. */
void gn_call_lend_timeout(struct gn_call *call, const struct gn_component *c);
/* "sampling, roots": GANTRY_CAP_ bits in words, in the arena. */
const char *gn_capability_names(struct gn_call *call, uint32_t bits);
/* [coroutine] Throws away what has been said: content, structured output, failure. */
void gn_call_reset_result(struct gn_call *call);

/* [loop] For those who tell of a call that has ended, in the middle of it perhaps: its arguments as
 * clients and middlewares know them, NULL if there are none, and its label, whatever runs now. */
const gantry_json *gn_call_arguments(const struct gn_call *call);
const char *gn_call_outer_label(const struct gn_call *call);

/* [task] Runs component as a child of `parent` and waits; a coroutine handler called by a coroutine
 * runs on the same stack, other combinations on a task of their own. The child (one reference,
 * owned by the caller) holds the result. GN_ETOOBIG deeper than 16; GN_ECANCELED. */
int gn_call_nested(struct gn_call *parent, struct gn_component *component,
                   const gantry_json *arguments, const char *uri, struct gn_call **ret_child,
                   enum gn_outcome *ret_outcome);

/* [task] What a nested call has said, once it has ended, becomes what `call` says: content,
 * structured output and _meta, or its failure; copied, so child may go. `what` names it in failures
 * ("tool forecast"). Returns what the handler is to return: GANTRY_OK, GANTRY_EFAILED,
 * GANTRY_ECANCELED, or GANTRY_ETOOBIG (the arena is full). */
int gn_call_adopt(struct gn_call *call, const struct gn_call *child, enum gn_outcome outcome,
                  const char *what);
/* [task] Parts of that: one block of content; _meta; the failure (outcome is not RESULT). */
int gn_call_adopt_content(struct gn_call *call, const struct gn_content *content);
int gn_call_adopt_meta(struct gn_call *call, const struct gn_call *child);
int gn_call_adopt_failure(struct gn_call *call, const struct gn_call *child,
                          enum gn_outcome outcome, const char *what);

/* [loop] Nobody waits for the result any more: no notify, no finished from here on. Does not
 * cancel. */
void gn_call_detach(struct gn_call *call);
/* [loop] Cancels the handler. If not detached, finished(GN_OUT_CANCELED) comes at once. */
void gn_call_cancel(struct gn_call *call);

/* ---- what the host table builds on. [task] or before the start, from the thread that runs it */
int gn_call_add(struct gn_call *call,
                const struct gn_content *content);            /* copied shallowly; strings must
                                                                 already be in the arena */
int gn_call_suggest(struct gn_call *call, const char *value); /* borrowed, as long as the call */
int gn_call_fail(struct gn_call *call, const char *fmt, ...) GN_PRINTF(2, 3); /* GANTRY_EFAILED */
int gn_call_vfail(struct gn_call *call, const char *fmt, va_list ap) GN_PRINTF(2, 0);
/* notifications/progress, if asked for and the rate allows. GANTRY_EINVAL: does not grow. */
int gn_call_progress(struct gn_call *call, double done, double total, const char *message);
/* To the host's log and, if asked for, notifications/message. */
void gn_call_log(struct gn_call *call, enum gn_level level, const char *fmt, va_list ap)
    GN_PRINTF(3, 0);
const char *gn_call_label(const struct gn_call *call); /* "hello/greet", for logs */
/* The number that a client is told, and the log has, when something fails by accident. [any] */
uint64_t gn_call_correlation(struct gn_call *call);

/* `"annotations": {...}` of a revision; nothing for NULL. */
void gn_annotations_write(const struct gn_annotations *a, enum gn_revision revision,
                          struct gn_jw *w);

/* ---- results as JSON of a revision, members written into the open object of w */
/* `"_meta": {...}` that the handler has set; nothing if it has not. */
void gn_result_write_meta(const struct gn_call *call, struct gn_jw *w);
/* What the call's component gives, and that. */
void gn_result_write(const struct gn_call *call, enum gn_outcome outcome, struct gn_jw *w);
/* CallToolResult: content, structuredContent, isError. With outcome other than RESULT: the
 * failure as text and isError. */
void gn_result_write_tool(const struct gn_call *call, enum gn_outcome outcome, struct gn_jw *w);
/* ReadResourceResult: contents. */
void gn_result_write_resource(const struct gn_call *call, struct gn_jw *w);
/* GetPromptResult: description, messages. */
void gn_result_write_prompt(const struct gn_call *call, struct gn_jw *w);
/* CompleteResult: completion {values, total, hasMore}. */
void gn_result_write_completion(const struct gn_call *call, struct gn_jw *w);

#endif
