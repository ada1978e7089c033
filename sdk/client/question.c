/* question.c - what the server asks of us, from the request to the answer. What it may ask, and
 * what is wrong with it, is known in elicit.c and sampling.c.
 *
 * A question is its answerer's until it is answered. When nobody wants the answer any more it only
 * loses its client; it still counts among those that are open, so that a server which asks and
 * withdraws cannot fill the memory.
 */
#include "asking.h"

#include "schema/schema.h"
#include "util/alloc.h"
#include "util/str.h"
#include "wire/meta.h"

#include <string.h>

#define OPEN_MAX 256          /* at once, those that are gone and not answered included */
#define REJECTED (-1)         /* "User rejected sampling request" ("Sampling", Error Handling) */
#define SHOWN_METHOD_MAX "80" /* characters of a method that a person reads */

/* ---------------------------------------------------------------- roots */

static bool roots_are_offered(const gantry_client *c)
{
    return c->s.has_roots || c->s.handlers.on_roots;
}

static void tell_roots(gantry_question *q)
{
    gantry_client *c = q->client;
    if (c->s.handlers.on_roots) {
        c->s.handlers.on_roots(c, q, c->s.arg);
        return;
    }
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    gn_jw_array(&w, "roots");
    for (size_t i = 0; i < c->s.root_count; i++) {
        gn_jw_object(&w, NULL);
        gn_jw_str(&w, "uri", c->s.roots[i].uri);
        if (c->s.roots[i].name)
            gn_jw_str(&w, "name", c->s.roots[i].name);
        gn_jw_end(&w);
    }
    gn_jw_end(&w);
    gn_jw_end(&w);
    gn_question_finish(q, gn_buf_str(&out));
    gn_buf_release(&out);
}

static const struct gn_asking kinds[] = {
    {"elicitation/create", "elicitation", gn_elicit_is_offered, gn_elicit_check, gn_elicit_tell},
    {"sampling/createMessage", "sampling", gn_sampling_is_offered, gn_sampling_check,
     gn_sampling_tell},
    {"roots/list", "roots", roots_are_offered, NULL, tell_roots},
};

static const struct gn_asking *find_kind(const char *method)
{
    for (size_t i = 0; i < GN_COUNT(kinds); i++) {
        if (gn_streq(kinds[i].method, method))
            return &kinds[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------- the end of one */

static void free_question(gantry_question *q)
{
    gn_schema_free(q->schema);
    gn_json_release(&q->doc);
    q->magic = 0;
    gn_free(q);
}

bool gn_questions_wait(const gantry_client *c, const gantry_request *r)
{
    GN_LIST_EACH(&c->questions, n) {
        const gantry_question *q = GN_CONTAINER(n, gantry_question, node);
        if (q->client && q->id && q->is_asked && (!q->request || q->request == r))
            return true;
    }
    return false;
}

/* Of those about which it is not known what they belong to, only the first and the last count. */
static void reconsider(gantry_client *c, gantry_request *r)
{
    if (!c->is_closing && (r || !gn_questions_wait(c, NULL)))
        gn_request_asked(c, r);
}

static void ask_now(gantry_question *q, const struct gn_asking *kind)
{
    gantry_client *c = q->client;
    bool counts = q->id && (q->request || !gn_questions_wait(c, NULL));
    q->is_asked = true;
    if (counts)
        gn_request_asked(c, q->request);
    kind->tell(q);
}

static void deliver(gantry_question *q, const char *result, int code, const char *message)
{
    gn_list_remove(&q->node); /* what its answer ends must not find it */
    if (q->client && q->id && q->is_asked)
        reconsider(q->client, q->request);
    if (q->client)
        q->deliver(q, result, code, message);
    free_question(q);
}

void gn_question_finish(gantry_question *q, const char *result)
{
    deliver(q, result, 0, NULL);
}

static void refuse(gantry_question *q, int code, const char *message)
{
    q->is_refused = true;
    deliver(q, NULL, code, message);
}

/* Nobody wants the answer any more; on_gone is told from the loop. */
static void be_gone(gantry_question *q)
{
    gantry_client *c = q->client;
    gantry_request *r = q->request;
    q->is_untold = true;
    gn_client_wake(c);
    q->client = NULL;
    q->request = NULL;
    if (q->id && q->is_asked)
        reconsider(c, r);
}

static gantry_question *question_of(struct gn_list *node)
{
    return GN_CONTAINER(node, gantry_question, node);
}

static bool goes_with(const gantry_client *c, const gantry_question *q, const gantry_request *r)
{
    if (!q->client)
        return false;
    return r ? q->request == r : q->id || c->is_closing;
}

void gn_questions_gone(gantry_client *c, const gantry_request *r)
{
    GN_LIST_EACH(&c->questions, n) {
        if (goes_with(c, question_of(n), r))
            be_gone(question_of(n));
    }
}

static gantry_question *find_untold(gantry_client *c)
{
    GN_LIST_EACH(&c->questions, n) {
        if (question_of(n)->is_untold)
            return question_of(n);
    }
    return NULL;
}

/* Handlers may answer and end anything meanwhile, so each search begins anew. */
void gn_questions_tell(gantry_client *c)
{
    for (gantry_question *q; (q = find_untold(c));) {
        q->is_untold = false;
        if (q->on_gone)
            q->on_gone(q, q->on_gone_arg);
    }
    while (c->is_closing && gn_list_pop(&c->questions))
        ; /* they outlive the client */
}

void gn_question_cancelled(gantry_client *c, const gantry_json *id)
{
    GN_LIST_EACH(&c->questions, n) {
        gantry_question *q = question_of(n);
        if (q->client && q->id && gn_json_equal(q->id, id)) {
            be_gone(q);
            return;
        }
    }
}

void gn_question_drop(gantry_client *c, const void *arg)
{
    GN_LIST_EACH(&c->questions, n) {
        gantry_question *q = question_of(n);
        if (q->client && !q->id && q->deliver_arg == arg) {
            be_gone(q);
            return;
        }
    }
}

/* ---------------------------------------------------------------- asking */

static size_t count_open(const gantry_client *c)
{
    size_t count = 0;
    GN_LIST_EACH(&c->questions, n)
        count++;
    return count;
}

static bool copy_request(gantry_question *q, const gantry_json *request)
{
    struct gn_buf text = GN_BUF_INIT(q->client->s.max_message);
    bool ok = gn_json_write(&text, request) == 0 &&
              gn_json_parse_copy(&q->doc, gn_buf_str(&text), text.len, NULL, NULL) == 0;
    gn_buf_release(&text);
    if (!ok)
        return false;
    q->method = gn_json_cstr(gn_json_get(gn_json_root(&q->doc), "method"));
    q->params = gn_json_get(gn_json_root(&q->doc), "params");
    return true;
}

/* Makes sure that it may be asked; else it is answered. */
static const struct gn_asking *accept_question(gantry_question *q)
{
    gantry_client *c = q->client;
    const struct gn_asking *kind = find_kind(q->method);
    struct gn_error err = {0};
    if (!kind) {
        gn_error_set(&err, GN_EINVAL, "\"%." SHOWN_METHOD_MAX "s\" is not known here",
                     q->method ? q->method : "");
        refuse(q, GN_RPC_METHOD_NOT_FOUND, err.text);
        return NULL;
    }
    if (!kind->is_offered(c)) {
        gn_error_set(&err, GN_EINVAL, "%s: this client does not have the capability %s",
                     kind->method, kind->capability);
        refuse(q, GN_RPC_METHOD_NOT_FOUND, err.text);
        return NULL;
    }
    if (kind->check && kind->check(q, &err)) {
        gn_error_prefix(&err, "%s: ", kind->method);
        refuse(q, GN_RPC_INVALID_PARAMS, err.text);
        return NULL;
    }
    if (count_open(c) > OPEN_MAX) {
        gn_error_set(&err, GN_EBUSY, "%d questions are open already", OPEN_MAX);
        refuse(q, GN_RPC_INTERNAL_ERROR, err.text);
        return NULL;
    }
    return kind;
}

static void ask(gantry_client *c, gantry_request *r, const gantry_json *request, bool has_id,
                void (*deliver_to)(gantry_question *q, const char *result, int code,
                                   const char *message),
                void *arg)
{
    if (c->is_closing) /* nobody may be asked, and nobody is left to be told */
        return;
    gantry_question *q = gn_calloc(1, sizeof(*q));
    q->magic = GN_QUESTION_MAGIC;
    q->client = c;
    q->request = r;
    q->deliver = deliver_to;
    q->deliver_arg = arg;
    gn_list_append(&c->questions, &q->node);
    if (!copy_request(q, request)) {
        refuse(q, GN_RPC_INTERNAL_ERROR, "too large");
        return;
    }
    if (has_id)
        q->id = gn_json_get(gn_json_root(&q->doc), "id");
    const struct gn_asking *kind = accept_question(q);
    if (kind)
        ask_now(q, kind);
}

void gn_question_ask(gantry_client *c, gantry_request *r, const gantry_json *request,
                     void (*deliver_to)(gantry_question *q, const char *result, int code,
                                        const char *message),
                     void *arg)
{
    ask(c, r, request, false, deliver_to, arg);
}

/* ---------------------------------------------------------------- requests of the server */

static const gantry_json *related_task(const gantry_json *params)
{
    return gn_json_get(gn_json_get(params, GN_META), GN_META_RELATED_TASK);
}

/* What belongs to a task says so in every message (2025-11-25 "Tasks"). */
static void add_result(struct gn_buf *out, const gantry_question *q, const char *result)
{
    const gantry_json *task = related_task(q->params);
    struct gn_json_doc doc = {0};
    bool has_meta = !task || gn_json_parse_copy(&doc, result, strlen(result), NULL, NULL) ||
                    gn_json_get(gn_json_root(&doc), GN_META);
    gn_json_release(&doc);
    if (has_meta) {
        gn_buf_adds(out, result);
        return;
    }
    gn_buf_adds(out, "{\"" GN_META "\":{\"" GN_META_RELATED_TASK "\":");
    gn_json_write(out, task);
    gn_buf_addf(out, "}%s", result[1] == '}' ? "" : ",");
    gn_buf_adds(out, result + 1);
}

static int write_answer(struct gn_buf *out, const gantry_question *q, const char *result, int code,
                        const char *message)
{
    GN_AUTO_FREE char *id = gantry_read_print(q->id);
    if (!result)
        return gn_jsonrpc_write_error(out, id, code, message, NULL, 0);
    struct gn_buf body = GN_BUF_INIT(out->max);
    add_result(&body, q, result);
    int rc = body.overflow ? GN_ETOOBIG
                           : gn_jsonrpc_write_result(out, id, gn_buf_str(&body), body.len);
    gn_buf_release(&body);
    return rc;
}

static void answer_server(gantry_question *q, const char *result, int code, const char *message)
{
    struct gn_buf text = GN_BUF_INIT(q->client->s.max_message);
    if (write_answer(&text, q, result, code, message)) {
        gn_buf_clear(&text);
        write_answer(&text, q, NULL, GN_RPC_INTERNAL_ERROR, "the answer is too large");
    }
    gn_client_send_text(q->client, gn_buf_str(&text), text.len);
    gn_buf_release(&text);
}

static void answer_now(gantry_client *c, const struct gn_jsonrpc *m, int code, const char *message)
{
    struct gn_buf text = GN_BUF_INIT(c->s.max_message);
    GN_AUTO_FREE char *id = gantry_read_print(m->id);
    if (code)
        gn_jsonrpc_write_error(&text, id, code, message, NULL, 0);
    else
        gn_jsonrpc_write_result(&text, id, "{}", 2);
    if (!text.overflow)
        gn_client_send_text(c, gn_buf_str(&text), text.len);
    gn_buf_release(&text);
}

/* The request of the caller's that it belongs to: that of its task, or on whose stream it came. */
static gantry_request *find_owner(gantry_client *c, gantry_request *on, const gantry_json *params)
{
    const char *task_id = gn_json_cstr(gn_json_get(related_task(params), "taskId"));
    gantry_request *r = task_id ? gn_tasks_find_by_id(c, task_id) : NULL;
    if (!r)
        r = on && on->parent ? on->parent : on;
    return r && !r->is_internal && !r->is_part && r->state < GN_REQUEST_ENDED ? r : NULL;
}

void gn_question_received(gantry_client *c, gantry_request *on, const gantry_json *message,
                          const struct gn_jsonrpc *m)
{
    if (gn_client_is_stateless(c)) /* no answer of ours may go there */
        gn_client_note(c,
                       "the server sent the request \"%." SHOWN_METHOD_MAX
                       "s\", which revision %s does not have; it is ignored",
                       m->method, gn_revision_name(c->revision));
    else if (gn_streq(m->method, "ping"))
        answer_now(c, m, 0, NULL);
    else if (c->revision == GN_REV_NONE)
        answer_now(c, m, GN_RPC_INVALID_REQUEST, "not initialized yet");
    else
        ask(c, find_owner(c, on, m->params), message, true, answer_server, NULL);
}

/* ---------------------------------------------------------------- interface */

gantry_request *gantry_question_request(const gantry_question *q)
{
    GN_CHECK(q, GN_QUESTION_MAGIC);
    return q->request;
}

const char *gantry_question_method(const gantry_question *q)
{
    GN_CHECK(q, GN_QUESTION_MAGIC);
    return q->method;
}

const gantry_json *gantry_question_params(const gantry_question *q)
{
    GN_CHECK(q, GN_QUESTION_MAGIC);
    return q->params;
}

bool gantry_question_is_gone(const gantry_question *q)
{
    GN_CHECK(q, GN_QUESTION_MAGIC);
    return !q->client;
}

void gantry_question_on_gone(gantry_question *q, void (*on_gone)(gantry_question *q, void *arg),
                             void *arg)
{
    GN_CHECK(q, GN_QUESTION_MAGIC);
    q->on_gone = on_gone;
    q->on_gone_arg = arg;
}

static gantry_client_status invalid(const struct gn_error *why, gantry_client_error *err)
{
    if (err) {
        err->status = GANTRY_CLIENT_INVALID;
        snprintf(err->message, sizeof(err->message), "%s", why->text);
    }
    return GANTRY_CLIENT_INVALID;
}

static bool is_elicitation(const gantry_question *q)
{
    return gn_streq(q->method, "elicitation/create");
}

gantry_client_status gantry_question_accept(gantry_question *q, const char *content,
                                            gantry_client_error *err)
{
    struct gn_error why = {0};
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    GN_CHECK(q, GN_QUESTION_MAGIC);
    int rc = is_elicitation(q)
                 ? gn_elicit_accept(q, content, &out, &why)
                 : gn_error_set(&why, GN_EINVAL, "%s is answered with gantry_question_answer",
                                q->method);
    if (rc == 0)
        gn_question_finish(q, gn_buf_str(&out));
    gn_buf_release(&out);
    return rc ? invalid(&why, err) : GANTRY_CLIENT_OK;
}

static void say_no(gantry_question *q, const char *result)
{
    GN_CHECK(q, GN_QUESTION_MAGIC);
    if (is_elicitation(q))
        gn_question_finish(q, result);
    else
        gantry_question_fail(q, REJECTED, NULL);
}

void gantry_question_decline(gantry_question *q)
{
    say_no(q, "{\"action\":\"decline\"}");
}

void gantry_question_dismiss(gantry_question *q)
{
    say_no(q, "{\"action\":\"cancel\"}");
}

gantry_client_status gantry_question_answer(gantry_question *q, const char *result,
                                            gantry_client_error *err)
{
    struct gn_json_doc doc = {0};
    struct gn_error why = {0};
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    GN_CHECK(q, GN_QUESTION_MAGIC);
    int rc = result ? gn_json_parse_copy(&doc, result, strlen(result), NULL, &why)
                    : gn_error_set(&why, GN_EINVAL, "there is none");
    if (rc == 0 && gn_json_type(gn_json_root(&doc)) != GN_JSON_OBJECT)
        rc = gn_error_set(&why, GN_EINVAL, "a JSON object is wanted");
    if (rc == 0)
        rc = gn_json_write(&out, gn_json_root(&doc));
    gn_json_release(&doc);
    if (rc == 0)
        gn_question_finish(q, gn_buf_str(&out));
    else
        gn_error_prefix(&why, "the result of %s: ", q->method);
    gn_buf_release(&out);
    return rc ? invalid(&why, err) : GANTRY_CLIENT_OK;
}

void gantry_question_say(gantry_question *q, const char *model, const char *text)
{
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    GN_CHECK(q, GN_QUESTION_MAGIC);
    if (!gn_streq(q->method, "sampling/createMessage")) {
        gantry_question_fail(q, GN_RPC_INTERNAL_ERROR, "it was answered as if it were sampling");
        return;
    }
    gn_sampling_say(model, text, &out);
    gn_question_finish(q, gn_buf_str(&out));
    gn_buf_release(&out);
}

void gantry_question_fail(gantry_question *q, int code, const char *message)
{
    GN_CHECK(q, GN_QUESTION_MAGIC);
    if (!message)
        message = code == REJECTED ? "User rejected sampling request" : "no reason given";
    deliver(q, NULL, code ? code : GN_RPC_INTERNAL_ERROR, message);
}
