/* receive.c - what comes in: answers to their requests, the rest to questions and notices. */
#include "internal.h"

#include "util/str.h"

#include <string.h>

/* The request that an answer belongs to. An error about a message whose id could not be read is
 * about the one on whose exchange it comes. */
static gantry_request *request_of(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m)
{
    int64_t id;
    if (!m->id || gn_json_type(m->id) == GN_JSON_NULL)
        return m->error ? on : NULL;
    if (gn_json_type(m->id) == GN_JSON_STRING || !gn_json_int(m->id, &id))
        return NULL;
    return gn_request_find(c, id);
}

static void take_result(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result)
{
    if (gn_rounds_take(r, doc, result) || gn_tasks_take(r, doc, result) ||
        gn_lists_take(r, doc, result))
        return;
    gn_cache_keep(r, result);
    gn_listen_answered(r);
    gn_request_end_result(r, doc, result);
}

/* Takes doc over, or leaves it. */
static void receive_response(gantry_client *c, gantry_request *on, const struct gn_jsonrpc *m,
                             struct gn_json_doc *doc)
{
    gantry_request *r = request_of(c, on, m);
    if (!r || r->state != GN_REQUEST_SENT)
        return; /* it is not waited for any more, or never was */
    gn_request_let_go(r, false, NULL);
    if (m->result)
        take_result(r, doc, m->result);
    else if (!gn_rounds_take_error(r, doc, m->error) && !gn_lists_take_error(r, m->error) &&
             !gn_param_headers_take_error(r, doc, m->error))
        gn_request_end_error(r, doc, m->error);
}

static bool receive_one(gantry_client *c, gantry_request *on, const gantry_json *message,
                        struct gn_json_doc *doc, struct gn_error *err)
{
    struct gn_jsonrpc m;
    if (gn_jsonrpc_classify(message, &m, err))
        return false;
    if (m.kind == GN_JSONRPC_RESPONSE)
        receive_response(c, on, &m, doc);
    else if (m.kind == GN_JSONRPC_REQUEST)
        gn_question_received(c, on, message, &m);
    else
        gn_notice_received(c, on, &m);
    return true;
}

/* An element of a batch, which 2025-03-26 allowed, as a document of its own. */
static bool receive_element(gantry_client *c, gantry_request *on, const gantry_json *element,
                            struct gn_error *err)
{
    struct gn_buf text = GN_BUF_INIT(c->s.max_message);
    struct gn_json_doc doc = {0};
    bool ok = gn_json_write(&text, element) == 0 &&
              gn_json_parse_copy(&doc, gn_buf_str(&text), text.len, NULL, err) == 0 &&
              receive_one(c, on, gn_json_root(&doc), &doc, err);
    gn_buf_release(&text);
    gn_json_release(&doc);
    return ok;
}

bool gn_client_receive(gantry_client *c, gantry_request *on, const char *text, size_t len,
                       struct gn_error *err)
{
    struct gn_json_doc doc = {0};
    if (gn_json_parse_copy(&doc, text, len, NULL, err))
        return false;
    if (c->s.handlers.on_message)
        c->s.handlers.on_message(c, false, text, len, c->s.arg);
    const gantry_json *root = gn_json_root(&doc), *element = NULL;
    bool ok = true;
    if (c->is_closing) {
        gn_json_release(&doc); /* by the handler */
        return true;
    }
    if (gn_json_type(root) == GN_JSON_ARRAY) {
        while (ok && !c->is_closing && (element = gn_json_next(root, element)))
            ok = receive_element(c, on, element, err);
    } else {
        ok = receive_one(c, on, root, &doc, err);
    }
    gn_json_release(&doc);
    return ok;
}
