/* asks.c - questions to clients of the handshake era: requests on the stream of the call.
 *
 * The task waits where it stands (call/ask.h); the request gives its turn back meanwhile. The
 * answer comes as a response on any connection of the session, and is told by the id of our
 * request.
 */
#include "call/ask.h"
#include "protocol/park.h"

#include <stdio.h>
#include <string.h>

#define MAX_MESSAGE ((size_t)8 << 20)
#define MAX_TEXT 512 /* of a client's error message, as it is passed on */

static int send_question(struct gn_request *r, struct gn_question *q)
{
    struct gn_buf buf = GN_BUF_INIT(MAX_MESSAGE), params = GN_BUF_INIT(MAX_MESSAGE);
    struct gn_jw w;
    char id[32];
    q->id = ++r->p->asked;
    snprintf(id, sizeof id, "%llu", (unsigned long long)q->id);
    gn_jw_init(&w, &params);
    gn_question_write_params(q, NULL, &w);
    int rc = gn_jsonrpc_write_request(&buf, id, q->method, gn_buf_str(&params));
    gn_buf_release(&params);
    if (!rc)
        rc = gn_request_send(r, gn_buf_str(&buf), buf.len, GN_MUST);
    gn_buf_release(&buf);
    return rc;
}

static int send_open(struct gn_request *r, struct gn_asking *a)
{
    for (size_t i = 0; i < a->count; i++) {
        struct gn_question *q = a->v[i];
        if (q->state != GN_QUESTION_OPEN)
            continue;
        int rc = send_question(r, q);
        if (rc)
            return rc;
        q->state = GN_QUESTION_SENT;
    }
    return 0;
}

int gn_request_ask(struct gn_call *call)
{
    struct gn_request *r = call->ops_data;
    GN_CHECK(r, GN_REQUEST_MAGIC);
    if (gn_request_is_stateless(r))
        return gn_request_park(r);
    gn_request_rest(r);
    int rc = send_open(r, call->asking);
    if (rc && call->asking)
        gn_request_unask(call);
    return rc == GN_EPIPE ? GN_EPROTO : rc; /* GN_ENOTSUP: it takes no event stream */
}

void gn_request_unask(struct gn_call *call)
{
    struct gn_request *r = call->ops_data;
    const struct gn_asking *a = call->asking;
    GN_CHECK(r, GN_REQUEST_MAGIC);
    for (size_t i = 0; i < a->count; i++) {
        char params[64];
        struct gn_buf buf = GN_BUF_INIT(256);
        if (a->v[i]->state != GN_QUESTION_SENT || gn_request_is_stateless(r))
            continue;
        snprintf(params, sizeof params, "{\"requestId\":%llu}", (unsigned long long)a->v[i]->id);
        gn_jsonrpc_write_notification(&buf, "notifications/cancelled", params);
        (void)gn_request_send(r, gn_buf_str(&buf), buf.len, GN_SHOULD);
        gn_buf_release(&buf);
    }
    gn_request_resume_turn(r);
}

/* ---------------------------------------------------------------- answers */

static struct gn_question *find_in(const struct gn_request *r, uint64_t id)
{
    const struct gn_asking *a = r->call ? r->call->asking : NULL;
    for (size_t i = 0; a && i < a->count; i++) {
        if (a->v[i]->state == GN_QUESTION_SENT && a->v[i]->id == id)
            return a->v[i];
    }
    return NULL;
}

static void take(struct gn_request *r, struct gn_question *q, const struct gn_jsonrpc *rpc)
{
    struct gn_call *call = r->call;
    if (rpc->error) {
        const char *text = gn_json_cstr(gn_json_get(rpc->error, "message"));
        int64_t code = 0;
        gn_json_int(gn_json_get(rpc->error, "code"), &code);
        char message[MAX_TEXT + 64];
        snprintf(message, sizeof message, "%.*s (%lld)", MAX_TEXT, text ? text : "an error",
                 (long long)code);
        gn_ask_refuse(call, q, message);
    } else {
        gn_ask_answer(call, q, rpc->result, true);
    }
    if (q->state == GN_QUESTION_OPEN && send_open(r, call->asking) != 0)
        gn_ask_refuse(call, q, "the client is gone");
    gn_request_resume_turn(r);
    if (!gn_asking_settle(call))
        gn_request_rest(r);
}

void gn_session_answer(struct gn_session *s, const struct gn_jsonrpc *rpc)
{
    int64_t id;
    if (!gn_json_int(rpc->id, &id) || id <= 0)
        return;
    GN_LIST_EACH(&s->requests, n) {
        struct gn_request *r = GN_CONTAINER(n, struct gn_request, session_node);
        struct gn_question *q = find_in(r, (uint64_t)id);
        if (q) {
            take(r, q, rpc);
            return;
        }
    }
    /* Too late, or to a question nobody asked: neither harms. */
}
