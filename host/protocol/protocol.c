/* protocol.c - from a message to the method that serves it: parsing, the choice of era, dispatch.
 */
#include "protocol/protocol.h"

#include "protocol/internal.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define MAX_ID 1024

#define LIST(name, hook, kind)                                                                     \
    {                                                                                              \
        name, GN_BOTH, NULL, hook, NULL, gn_produce_list, gn_close_list, kind                      \
    }

#define TASK(name, produce)                                                                        \
    {                                                                                              \
        name, GN_STATELESS, "taskId", 0, gn_method_task, produce, NULL, 0                          \
    }

/* Every request this server answers. `initialize` and the lookups by era are decided before this
 * table. Looked through from the top: what is asked most comes first. */
const struct gn_method gn_methods[] = {
    {"tools/call", GN_BOTH, "name", .handle = gn_method_call_tool},
    {"initialize", GN_HANDSHAKE, NULL, GANTRY_ON_INITIALIZE, .produce = gn_produce_initialize,
     .close = gn_close_initialize},
    {"ping", GN_HANDSHAKE, .produce = gn_produce_empty},
    {"logging/setLevel", GN_HANDSHAKE, .produce = gn_produce_set_level},
    {"server/discover", GN_STATELESS, NULL, GANTRY_ON_DISCOVER, .produce = gn_produce_discover,
     .close = gn_close_discover},
    {"subscriptions/listen", GN_STATELESS, .handle = gn_method_listen},
    {"resources/subscribe", GN_HANDSHAKE, .produce = gn_produce_subscribe},
    {"resources/unsubscribe", GN_HANDSHAKE, .produce = gn_produce_unsubscribe},
    {"skills/list", GN_BOTH, .produce = gn_produce_skills, .close = gn_close_skills},
    {"skills/get", GN_BOTH, .produce = gn_produce_skill, .close = gn_close_skills},
    {"resources/directory/read", GN_BOTH, .produce = gn_produce_directory,
     .close = gn_close_skills},
    LIST("tools/list", GANTRY_ON_LIST_TOOLS, GN_TOOL),
    LIST("resources/list", GANTRY_ON_LIST_RESOURCES, GN_RESOURCE),
    LIST("resources/templates/list", GANTRY_ON_LIST_RESOURCE_TEMPLATES, GN_TEMPLATE),
    {"resources/read", GN_BOTH, "uri", .handle = gn_method_read_resource},
    LIST("prompts/list", GANTRY_ON_LIST_PROMPTS, GN_PROMPT),
    {"prompts/get", GN_BOTH, "name", .handle = gn_method_get_prompt},
    {"completion/complete", GN_BOTH, .handle = gn_method_complete},
    TASK("tasks/get", gn_produce_get_task),
    TASK("tasks/update", gn_produce_update_task),
    TASK("tasks/cancel", gn_produce_cancel_task),
};

const struct gn_method *gn_method_find(const char *name)
{
    for (size_t i = 0; i < GN_COUNT(gn_methods); i++) {
        if (gn_streq(gn_methods[i].name, name))
            return &gn_methods[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------- one message */

/* A message while it is being understood. */
struct message {
    struct gn_protocol *p;
    struct gn_stream *stream;  /* the transport's */
    struct gn_stream *answers; /* where it is answered: that one, or the batch it is part of */
    struct gn_json_doc doc;
    struct gn_jsonrpc rpc;
    char *id; /* as JSON; NULL for notifications */
    bool is_stateless;
    struct gn_session *session; /* borrowed */
};

static bool is_in_batch(const struct message *m)
{
    return m->answers != m->stream;
}

static const char *header(const struct gn_stream *s, const char *name)
{
    return s->ops->header ? s->ops->header((struct gn_stream *)s, name) : NULL;
}

/* True if the message says it is of the stateless era: by header (any revision that is not one of
 * the handshake era) or by naming a revision in `_meta`. */
static bool claims_stateless(const struct message *m)
{
    const char *version = header(m->stream, "mcp-protocol-version");
    if (version) {
        enum gn_revision rev = gn_revision_parse(version);
        if (rev == GN_REV_NONE || gn_revision_is_stateless(rev))
            return true;
    }
    const gantry_json *meta = gn_json_get(m->rpc.params, "_meta");
    return gn_json_get(meta, GN_META_PROTOCOL_VERSION) != NULL;
}

/* True if the message can only be of the stateless era although it names no revision: refused as
 * one that lacks it (basic, `_meta`), it tells its sender more than as one without a session. */
static bool looks_stateless(const struct message *m)
{
    const gantry_json *meta = gn_json_get(m->rpc.params, "_meta");
    const struct gn_method *row = gn_method_find(m->rpc.method);
    return (row && row->eras == GN_STATELESS) || gn_json_get(meta, GN_META_CLIENT_CAPABILITIES) ||
           gn_json_get(meta, GN_META_CLIENT_INFO);
}

/* True if the message names no session: no id over HTTP, no initialize yet on a shared stream. */
static bool lacks_session(const struct message *m)
{
    return m->stream->shared ? !m->stream->session : !header(m->stream, "mcp-session-id");
}

static void message_error(struct message *m, int status, int code, const char *text)
{
    gn_count_error(m->p, m->rpc.method ? gn_method_find(m->rpc.method) : NULL, code);
    gn_stream_error(m->answers, status, code, m->id, text);
}

/* The session a handshake-era message belongs to; NULL after answering that there is none. */
static struct gn_session *find_session(struct message *m)
{
    if (is_in_batch(m))
        return m->session; /* the batch's */
    if (m->stream->shared) {
        if (m->stream->session)
            return m->stream->session;
        message_error(
            m, 400, GN_RPC_INVALID_REQUEST,
            "not initialized: send initialize first, or name a protocol version in _meta");
        return NULL;
    }
    const char *id = header(m->stream, "mcp-session-id");
    if (!id) {
        message_error(
            m, 400, GN_RPC_INVALID_REQUEST,
            "no Mcp-Session-Id header: send initialize first, or name a protocol version in _meta "
            "and the MCP-Protocol-Version header");
        return NULL;
    }
    struct gn_session *s = gn_session_find(m->p, m->stream, id);
    if (!s)
        message_error(m, 404, GN_RPC_INVALID_REQUEST, "unknown session: send initialize again");
    return s;
}

/* Most clients count their ids up, so that this spares a search among thousands in flight: what is
 * higher than all that ever came is none of them. */
static bool is_higher(const char *id, int64_t highest)
{
    int64_t number;
    return gn_parse_int64(id, &number) && number > highest;
}

static void note_id(const char *id, int64_t *highest)
{
    int64_t number;
    if (gn_parse_int64(id, &number))
        *highest = GN_MAX(*highest, number);
}

static bool is_duplicate(const struct message *m, struct gn_session *session)
{
    if (m->stream->shared && is_higher(m->id, m->stream->highest_id))
        return false;
    if (!m->stream->shared && session && is_higher(m->id, session->highest_id))
        return false;
    if (m->stream->shared)
        return gn_request_find(&m->stream->requests, false, m->id) != NULL;
    return session && gn_request_find(&session->requests, true, m->id) != NULL;
}

static struct gn_request *request_new(struct message *m)
{
    struct gn_request *r = gn_calloc(1, sizeof *r);
    r->magic = GN_REQUEST_MAGIC;
    r->p = m->p;
    r->stream = m->answers;
    r->doc = m->doc;
    r->params = m->rpc.params;
    r->meta = gn_json_get(r->params, "_meta");
    r->id = m->id;
    r->log_level = -1;
    m->doc = (struct gn_json_doc){0};
    m->id = NULL;
    note_id(r->id, &m->stream->highest_id);
    gn_list_append(&m->stream->requests, &r->stream_node);
    gn_list_init(&r->session_node);
    gn_list_init(&r->begun_node);
    gn_list_append(&m->p->requests, &r->node);
    m->p->in_flight++;
    if (m->session) {
        r->session = gn_session_ref(m->session);
        r->revision = m->session->revision;
        r->log_level = m->session->log_level;
        note_id(r->id, &m->session->highest_id);
        gn_list_append(&m->session->requests, &r->session_node);
        if (r->stream->has_ids && m->p->config->resume_max_events > 0)
            r->flow.stream = ++m->session->streams;
    } else {
        r->revision = m->is_stateless ? GN_REV_LATEST : GN_REV_LATEST_HANDSHAKE;
    }
    return r;
}

/* Why a request cannot be part of a batch; NULL: it can. */
static const char *batch_problem(const struct message *m)
{
    if (gn_streq(m->rpc.method, "initialize"))
        return "initialize cannot be part of a batch"; /* basic/lifecycle, "Initialization" */
    if (claims_stateless(m))
        return "a request that names its revision in _meta cannot be part of a batch";
    return NULL;
}

static void receive_request(struct message *m)
{
    struct gn_protocol *p = m->p;
    const char *method = m->rpc.method;
    bool is_initialize = gn_streq(method, "initialize");
    /* On a connection a ping may come before initialize (basic/lifecycle, "Initialization"). */
    bool is_early_ping = m->stream->shared && !m->stream->session && gn_streq(method, "ping");
    const char *problem = is_in_batch(m) ? batch_problem(m) : NULL;
    if (problem) {
        message_error(m, 400, GN_RPC_INVALID_REQUEST, problem);
        return;
    }
    m->is_stateless = claims_stateless(m) ||
                      (!is_initialize && lacks_session(m) && looks_stateless(m));
    if (!m->is_stateless && !is_initialize && !is_early_ping) {
        m->session = find_session(m);
        if (!m->session)
            return;
        gn_session_touch(m->session);
    }
    if (is_duplicate(m, m->session)) {
        message_error(m, 400, GN_RPC_INVALID_REQUEST, "a request with this id is still in flight");
        return;
    }
    struct gn_request *r = request_new(m);
    if (p->draining) {
        gn_reply_busy(r);
        return;
    }
    if (m->is_stateless && !gn_stateless_check(r, method))
        return;
    const struct gn_method *row = gn_method_find(method);
    if (!row || !(row->eras & (m->is_stateless ? GN_STATELESS : GN_HANDSHAKE))) {
        gn_reply_error(r, m->is_stateless ? 404 : 200, GN_RPC_METHOD_NOT_FOUND, NULL,
                       "unknown method %.256s", method);
        return;
    }
    r->method = row;
    if (row->handle)
        row->handle(r);
    else
        gn_request_operate(r);
}

/* ---------------------------------------------------------------- notifications */

/* An id as requests are told apart by: 5.0 is 5. */
static int write_id(struct gn_buf *out, const gantry_json *id)
{
    int64_t number;
    if (!(id->flags & GN_JSON_INTEGER) && gn_json_int(id, &number))
        return gn_buf_addf(out, "%lld", (long long)number);
    return gn_json_write(out, id);
}

static void cancel_request(struct message *m)
{
    const gantry_json *target = gn_json_get(m->rpc.params, "requestId");
    struct gn_buf id = GN_BUF_INIT(MAX_ID);
    struct gn_request *r = NULL;
    if (target && write_id(&id, target) == 0) {
        if (m->stream->shared)
            r = gn_request_find(&m->stream->requests, false, gn_buf_str(&id));
        else if (m->session)
            r = gn_request_find(&m->session->requests, true, gn_buf_str(&id));
    }
    gn_buf_release(&id);
    if (!r)
        return; /* answered already, or never there: both are fine (basic/utilities/cancellation) */
    const char *reason = gn_json_str(gn_json_get(m->rpc.params, "reason"), NULL);
    gn_log(m->p->env->log, GN_DEBUG, "protocol", "request %.64s cancelled by the client: %.256s",
           r->id, reason ? reason : "no reason given");
    gn_request_drop(r);
}

/* Over HTTP what is no request belongs to a session, too. False after answering that there is none.
 */
static bool take_session(struct message *m)
{
    if (m->stream->shared)
        return true;
    m->session = find_session(m);
    if (m->session)
        gn_session_touch(m->session);
    return m->session != NULL;
}

/* What is not answered: 202 over HTTP, one less to wait for in a batch. */
static void end_unanswered(struct message *m)
{
    if (!m->answers->shared)
        m->answers->ops->end(m->answers, 202, NULL, 0);
}

static void receive_notification(struct message *m)
{
    if (!claims_stateless(m) && !take_session(m))
        return;
    if (gn_streq(m->rpc.method, "notifications/cancelled"))
        cancel_request(m);
    else /* initialized, roots/list_changed, progress, unknown ones: nothing for the host to do */
        gn_notification_operate(m->p, m->stream,
                                m->stream->shared ? m->stream->session : m->session, m->rpc.method,
                                m->rpc.params);
    end_unanswered(m);
}

/* An answer to one of our questions. */
static void receive_response(struct message *m)
{
    if (!m->answers->shared && claims_stateless(m))
        message_error(m, 400, GN_RPC_INVALID_REQUEST,
                      "this revision has no responses from clients");
    else if (take_session(m)) {
        struct gn_session *session = m->stream->shared ? m->stream->session : m->session;
        if (session)
            gn_session_answer(session, &m->rpc);
        end_unanswered(m);
    }
}

/* ---------------------------------------------------------------- from bytes */

static int make_id(struct message *m)
{
    struct gn_buf id = GN_BUF_INIT(MAX_ID);
    int rc = write_id(&id, m->rpc.id);
    if (rc == 0)
        m->id = gn_buf_take(&id, NULL);
    gn_buf_release(&id);
    return rc;
}

/* Arrays belong to sessions: nothing of the stateless era is one. */
static void receive_array(struct message *m, size_t len)
{
    bool has_session = !claims_stateless(m) && !lacks_session(m);
    if (has_session && !(m->session = find_session(m)))
        return;
    if (m->session)
        gn_session_touch(m->session);
    gn_batch_receive(m->p, m->stream, m->session, gn_json_root(&m->doc), len);
}

static void dispatch(struct message *m)
{
    struct gn_error err = {0};
    if (gn_jsonrpc_classify(gn_json_root(&m->doc), &m->rpc, &err) != 0) {
        /* The id of a response is one of ours: to its sender it would name another message. */
        const gantry_json *root = gn_json_root(&m->doc);
        bool is_response = !gn_json_get(root, "method") &&
                           (gn_json_get(root, "result") || gn_json_get(root, "error"));
        if (m->rpc.id && !is_response)
            (void)!make_id(m);
        message_error(m, 400, GN_RPC_INVALID_REQUEST, err.text);
        return;
    }
    switch (m->rpc.kind) {
    case GN_JSONRPC_REQUEST:
        if (make_id(m) != 0)
            message_error(m, 400, GN_RPC_INVALID_REQUEST, "the id is too long");
        else
            receive_request(m);
        break;
    case GN_JSONRPC_NOTIFICATION:
        receive_notification(m);
        break;
    default:
        receive_response(m);
        break;
    }
}

void gn_protocol_receive(struct gn_protocol *p, struct gn_stream *s, char *bytes, size_t len)
{
    GN_CHECK(s, GN_STREAM_MAGIC);
    struct message m = {.p = p, .stream = s, .answers = s};
    struct gn_json_limits limits = {.max_depth = p->config->max_json_depth};
    struct gn_error err = {0};
    if (gn_json_parse(&m.doc, bytes, len, &limits, &err) == 0) {
        m.doc.text = bytes;
        m.doc.own_text = true;
        if (gn_json_type(gn_json_root(&m.doc)) == GN_JSON_ARRAY)
            receive_array(&m, len);
        else
            dispatch(&m);
    } else {
        gn_free(bytes);
        gn_count_error(p, NULL, GN_RPC_PARSE_ERROR);
        gn_stream_error(s, 400, GN_RPC_PARSE_ERROR, NULL, err.text);
    }
    gn_json_release(&m.doc);
    gn_free(m.id);
}

void gn_protocol_receive_element(struct gn_protocol *p, struct gn_stream *answers,
                                 struct gn_stream *real, struct gn_session *session,
                                 struct gn_json_doc *doc)
{
    struct message m = {.p = p, .stream = real, .answers = answers, .session = session};
    m.doc = *doc;
    dispatch(&m);
    gn_json_release(&m.doc);
    gn_free(m.id);
}

void gn_protocol_refuse(struct gn_protocol *p, struct gn_stream *s, int status, int code,
                        const char *message)
{
    GN_CHECK(s, GN_STREAM_MAGIC);
    gn_count_error(p, NULL, code);
    gn_stream_error(s, status, code, NULL, message);
}
