/* probe.c - a program on the client library that a test drives: commands come in, one JSON object a
 * line, and events go out the same way. The client is on the probe's own loop (the asynchronous
 * face). tests/e2e/harness/probe.py is the other side of it.
 *
 *     {"do": "open", "command": ["server"], "timeout_ms": 1000, "handlers": ["elicit"]}
 *         a client; members as gantry_client_options has them, `handlers` those that are set
 *         besides what tells (state, note, stderr, log, progress, lists, resources); "messages":
 *         true tells every message, too; "no_stderr": true leaves that out.  -> {"event": "open"},
 * or {"event": "refused"}
 *     {"do": "call", "tag": "a", "name": "greet", "arguments": {}, "timeout_ms": 500}
 *         a request, with what gantry_request_options has: connect, call, read, get, list,
 *         complete, ping, level, subscribe, unsubscribe, task, get_task, cancel_task, and request
 *         with any method and params.  -> {"event": "done", "tag": "a", "status": "ok", ...}
 *     {"do": "cancel", "tag": "a", "reason": "..."}, {"do": "notify", "method": "...", "params":
 * {}}
 *     {"do": "roots", "roots": [...]}
 *     {"do": "accept" | "decline" | "dismiss" | "answer" | "say" | "fail", "question": 1, ...}
 *         answers {"event": "question", "question": 1, ...}
 *     {"do": "retry", "authorization": "..."}, {"do": "refuse", "reason": "..."}  a login
 *     {"do": "hurry"}, {"do": "close"}  -> {"event": "closed"}; then another may be opened
 *
 * At the end of its input it closes the client and ends.
 */
#include "gantry_client.h"

#include "util/alloc.h"
#include "util/list.h"
#include "util/str.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define LINE_BYTES ((size_t)256 << 20)
#define QUESTIONS 64

struct probe {
    uv_loop_t *uv;
    uv_pipe_t input;
    struct gn_buf line;
    char chunk[65536];
    gantry_client *client;
    struct gn_list calls;
    gantry_question *questions[QUESTIONS]; /* by number, modulo; NULL: answered */
    int last_question;
    gantry_login *login;
};

struct call {
    struct gn_list node;
    struct probe *probe;
    gantry_request *request;
    char *tag; /* as JSON */
};

/* ---------------------------------------------------------------- events */

static void event_begin(struct gn_jw *w, struct gn_buf *b, const char *name)
{
    *b = GN_BUF_INIT(LINE_BYTES);
    gn_jw_init(w, b);
    gn_jw_object(w, NULL);
    gn_jw_str(w, "event", name);
}

static void event_end(struct gn_jw *w, struct gn_buf *b)
{
    gn_jw_end(w);
    gn_buf_addc(b, '\n');
    fwrite(b->data, 1, b->len, stdout);
    fflush(stdout);
    gn_buf_release(b);
}

static void tell(const char *event, const char *name, const char *text)
{
    struct gn_buf b;
    struct gn_jw w;
    event_begin(&w, &b, event);
    if (name)
        gn_jw_str(&w, name, text);
    event_end(&w, &b);
}

static struct call *call_of(struct probe *p, const gantry_request *r)
{
    GN_LIST_EACH(&p->calls, n) {
        struct call *call = GN_CONTAINER(n, struct call, node);
        if (call->request == r)
            return call;
    }
    return NULL;
}

static void write_tag(struct gn_jw *w, struct probe *p, const gantry_request *r)
{
    struct call *call = r ? call_of(p, r) : NULL;
    if (call)
        gn_jw_raw(w, "tag", call->tag, strlen(call->tag));
    else
        gn_jw_null(w, "tag");
}

static void on_done(gantry_request *r, void *arg)
{
    struct call *call = arg;
    struct gn_buf b;
    struct gn_jw w;
    event_begin(&w, &b, "done");
    gn_jw_raw(&w, "tag", call->tag, strlen(call->tag));
    gn_jw_str(&w, "status", gantry_client_status_name(gantry_request_status(r)));
    gn_jw_str(&w, "message", gantry_request_message(r));
    gn_jw_str(&w, "text", gantry_request_text(r));
    if (gantry_request_result(r))
        gn_jw_json(&w, "result", gantry_request_result(r));
    if (gantry_request_status(r) == GANTRY_CLIENT_ERROR)
        gn_jw_int(&w, "code", gantry_request_error_code(r));
    if (gantry_request_error_data(r))
        gn_jw_json(&w, "data", gantry_request_error_data(r));
    if (gantry_request_http_status(r))
        gn_jw_int(&w, "http", gantry_request_http_status(r));
    if (gantry_request_task_id(r))
        gn_jw_str(&w, "task", gantry_request_task_id(r));
    gn_jw_str(&w, "revision", gantry_client_revision(gantry_request_client(r)));
    event_end(&w, &b);
    gn_list_remove(&call->node);
    gn_free(call->tag);
    gn_free(call);
}

static void on_progress(gantry_request *r, const gantry_client_progress *progress, void *arg)
{
    struct call *call = arg;
    struct gn_buf b;
    struct gn_jw w;
    (void)r;
    event_begin(&w, &b, "progress");
    gn_jw_raw(&w, "tag", call->tag, strlen(call->tag));
    gn_jw_num(&w, "progress", progress->progress);
    gn_jw_num(&w, "total", progress->total);
    gn_jw_str(&w, "message", progress->message);
    event_end(&w, &b);
}

/* ---------------------------------------------------------------- handlers */

static const char *const state_names[] = {"idle",    "connecting", "ready",
                                          "waiting", "failed",     "closed"};
static const char *const kind_names[] = {"tools", "resources", "templates", "prompts", "tasks"};

static void on_state(gantry_client *c, gantry_client_state state, void *arg)
{
    (void)c, (void)arg;
    tell("state", "state", state_names[state]);
}

static void on_note(gantry_client *c, const char *text, void *arg)
{
    (void)c, (void)arg;
    tell("note", "text", text);
}

static void tell_bytes(const char *event, const char *name, const char *text, size_t len)
{
    struct gn_buf b;
    struct gn_jw w;
    event_begin(&w, &b, event);
    gn_jw_strn(&w, name, text, len);
    event_end(&w, &b);
}

static void on_stderr(gantry_client *c, const char *line, size_t size, void *arg)
{
    (void)c, (void)arg;
    tell_bytes("stderr", "line", line, size);
}

static void on_message(gantry_client *c, bool is_outgoing, const char *json, size_t size, void *arg)
{
    (void)c, (void)arg;
    tell_bytes(is_outgoing ? "out" : "in", "json", json, size);
}

static void on_log(gantry_client *c, gantry_request *r, const gantry_client_log *m, void *arg)
{
    struct gn_buf b;
    struct gn_jw w;
    (void)c;
    event_begin(&w, &b, "log");
    write_tag(&w, arg, r);
    gn_jw_str(&w, "level", m->level);
    gn_jw_str(&w, "logger", m->logger);
    gn_jw_str(&w, "text", m->text);
    gn_jw_json(&w, "data", m->data);
    event_end(&w, &b);
}

static void on_list_changed(gantry_client *c, gantry_list_kind kind, void *arg)
{
    (void)c, (void)arg;
    tell("changed", "kind", kind_names[kind]);
}

static void on_resource_updated(gantry_client *c, const char *uri, void *arg)
{
    (void)c, (void)arg;
    tell("updated", "uri", uri);
}

static void on_elicit_complete(gantry_client *c, const char *id, void *arg)
{
    (void)c, (void)arg;
    tell("completed", "id", id);
}

static void on_gone(gantry_question *q, void *arg)
{
    struct probe *p = arg;
    struct gn_buf b;
    struct gn_jw w;
    event_begin(&w, &b, "gone");
    for (int i = 0; i < QUESTIONS; i++) {
        if (p->questions[i] == q)
            gn_jw_int(&w, "slot", i);
    }
    event_end(&w, &b);
}

static void tell_question(struct probe *p, gantry_question *q)
{
    struct gn_buf b;
    struct gn_jw w;
    p->questions[++p->last_question % QUESTIONS] = q;
    event_begin(&w, &b, "question");
    gn_jw_int(&w, "question", p->last_question);
    write_tag(&w, p, gantry_question_request(q));
    gn_jw_str(&w, "method", gantry_question_method(q));
    if (gantry_question_params(q))
        gn_jw_json(&w, "params", gantry_question_params(q));
    event_end(&w, &b);
    gantry_question_on_gone(q, on_gone, p);
}

static void on_elicit(gantry_client *c, gantry_question *q, const gantry_client_elicitation *e,
                      void *arg)
{
    (void)c, (void)e;
    tell_question(arg, q);
}

static void on_sample(gantry_client *c, gantry_question *q, const gantry_json *params, void *arg)
{
    (void)c, (void)params;
    tell_question(arg, q);
}

static void on_roots(gantry_client *c, gantry_question *q, void *arg)
{
    (void)c;
    tell_question(arg, q);
}

static void on_login(gantry_client *c, gantry_login *login, void *arg)
{
    struct probe *p = arg;
    struct gn_buf b;
    struct gn_jw w;
    (void)c;
    p->login = login;
    event_begin(&w, &b, "login");
    gn_jw_int(&w, "http", gantry_login_http_status(login));
    gn_jw_str(&w, "challenge", gantry_login_challenge(login));
    gn_jw_str(&w, "url", gantry_login_url(login));
    event_end(&w, &b);
}

/* ---------------------------------------------------------------- opening */

struct option {
    const char *name;
    char type; /* s text, b bool, u uint32_t, z size_t, l list of texts, j JSON as text */
    size_t offset;
};

#define OPTION(member, type)                                                                       \
    {                                                                                              \
#member, type, offsetof(gantry_client_options, member)                                     \
    }
static const struct option options_known[] = {
    OPTION(url, 's'),
    OPTION(command, 'l'),
    OPTION(environment, 'l'),
    OPTION(inherits_environment, 'b'),
    OPTION(directory, 's'),
    OPTION(stderr_file, 's'),
    OPTION(restarts, 'u'),
    OPTION(headers, 'l'),
    OPTION(token, 's'),
    OPTION(ca_file, 's'),
    OPTION(certificate_file, 's'),
    OPTION(key_file, 's'),
    OPTION(key_password, 's'),
    OPTION(proxy, 's'),
    OPTION(revision, 's'),
    OPTION(name, 's'),
    OPTION(title, 's'),
    OPTION(version, 's'),
    OPTION(capabilities, 'j'),
    OPTION(has_roots, 'b'),
    OPTION(log_level, 's'),
    OPTION(log_file, 's'),
    OPTION(connect_timeout_ms, 'u'),
    OPTION(timeout_ms, 'u'),
    OPTION(total_timeout_ms, 'u'),
    OPTION(progress_resets, 'b'),
    OPTION(retries, 'u'),
    OPTION(backoff_ms, 'u'),
    OPTION(max_rounds, 'u'),
    OPTION(max_requests, 'u'),
    OPTION(max_pages, 'u'),
    OPTION(max_message, 'z'),
    OPTION(max_cache, 'z'),
};
#undef OPTION

#define OPTION(member, type)                                                                       \
    {                                                                                              \
#member, type, offsetof(gantry_request_options, member)                                    \
    }
static const struct option request_options_known[] = {
    OPTION(timeout_ms, 'u'), OPTION(total_timeout_ms, 'u'), OPTION(meta, 'j'),
    OPTION(headers, 'l'),    OPTION(task_ttl_ms, 'u'),      OPTION(detaches, 'b'),
    OPTION(may_retry, 'b'),  OPTION(skips_cache, 'b'),      OPTION(keeps_rounds, 'b'),
};
#undef OPTION

static const char **read_list(const gantry_json *v)
{
    const char **list = gn_calloc(gn_json_count(v) + 1, sizeof(char *));
    const gantry_json *item = NULL;
    for (size_t n = 0; (item = gn_json_next(v, item)); n++)
        list[n] = gn_json_cstr(item);
    return list;
}

static void read_options(const struct option *known, size_t count, void *to,
                         const gantry_json *from)
{
    for (size_t i = 0; i < count; i++) {
        const gantry_json *v = gn_json_get(from, known[i].name);
        void *at = (char *)to + known[i].offset;
        if (!v)
            continue;
        if (known[i].type == 's')
            *(const char **)at = gn_json_cstr(v);
        else if (known[i].type == 'b')
            *(bool *)at = gantry_read_bool(v, "", false);
        else if (known[i].type == 'u')
            *(uint32_t *)at = (uint32_t)gantry_read_int(v, "", 0);
        else if (known[i].type == 'z')
            *(size_t *)at = (size_t)gantry_read_int(v, "", 0);
        else if (known[i].type == 'l')
            *(const char ***)at = read_list(v);
        else
            *(char **)at = gantry_read_print(v);
    }
}

static void free_options(const struct option *known, size_t count, void *of)
{
    for (size_t i = 0; i < count; i++) {
        if (known[i].type == 'l' || known[i].type == 'j')
            gn_free(*(void **)((char *)of + known[i].offset));
    }
}

static bool has_word(const gantry_json *list, const char *word)
{
    const gantry_json *item = NULL;
    while ((item = gn_json_next(list, item))) {
        if (gn_json_streq(item, word))
            return true;
    }
    return false;
}

static void set_handlers(gantry_client_handlers *h, const gantry_json *command)
{
    const gantry_json *set = gn_json_get(command, "handlers");
    *h = (gantry_client_handlers){
        .size = sizeof(*h),
        .on_elicit = has_word(set, "elicit") ? on_elicit : NULL,
        .elicits_urls = gantry_read_bool(command, "/elicits_urls", false),
        .refuses_forms = gantry_read_bool(command, "/refuses_forms", false),
        .on_sample = has_word(set, "sample") ? on_sample : NULL,
        .samples_with_tools = gantry_read_bool(command, "/samples_with_tools", false),
        .on_roots = has_word(set, "roots") ? on_roots : NULL,
        .on_login = has_word(set, "login") ? on_login : NULL,
        .on_log = on_log,
        .on_list_changed = on_list_changed,
        .on_resource_updated = on_resource_updated,
        .on_elicit_complete = on_elicit_complete,
        .on_message = gantry_read_bool(command, "/messages", false) ? on_message : NULL,
        .on_stderr = gantry_read_bool(command, "/no_stderr", false) ? NULL : on_stderr,
        .on_state = on_state,
        .on_note = on_note,
    };
}

static gantry_client_root *read_roots(const gantry_json *command, size_t *ret_count)
{
    const gantry_json *list = gn_json_get(command, "roots"), *item = NULL;
    gantry_client_root *roots = gn_calloc(gn_json_count(list) + 1, sizeof(roots[0]));
    for (size_t n = 0; (item = gn_json_next(list, item)); n++)
        roots[n] = (gantry_client_root){gantry_read_text(item, "/uri"),
                                        gantry_read_text(item, "/name")};
    *ret_count = gn_json_count(list);
    return roots;
}

static void do_open(struct probe *p, const gantry_json *command)
{
    gantry_client_options o = {.size = sizeof(o), .loop = p->uv, .arg = p};
    gantry_client_handlers handlers;
    gantry_client_error err;
    set_handlers(&handlers, command);
    read_options(options_known, GN_COUNT(options_known), &o, command);
    const char *transport = gantry_read_text(command, "/transport");
    o.transport = gn_streq(transport, "sse")          ? GANTRY_TRANSPORT_SSE
                  : gn_streq(transport, "streamable") ? GANTRY_TRANSPORT_STREAMABLE
                                                      : GANTRY_TRANSPORT_AUTO;
    o.handlers = &handlers;
    gantry_client_root *roots = read_roots(command, &o.root_count);
    o.roots = roots;
    p->client = gantry_client_new(&o, &err);
    gn_free(roots);
    free_options(options_known, GN_COUNT(options_known), &o);
    if (p->client)
        tell("open", NULL, NULL);
    else
        tell("refused", "message", err.message);
}

/* ---------------------------------------------------------------- requests */

static gantry_list_kind kind_of(const char *name)
{
    for (size_t i = 0; i < GN_COUNT(kind_names); i++) {
        if (gn_streq(kind_names[i], name))
            return (gantry_list_kind)i;
    }
    return GANTRY_LIST_TOOLS;
}

static gantry_request *make(gantry_client *c, const char *what, const gantry_json *m,
                            const gantry_request_options *o)
{
    const char *name = gantry_read_text(m, "/name"), *uri = gantry_read_text(m, "/uri");
    const char *id = gantry_read_text(m, "/id");
    gantry_list_kind kind = kind_of(gantry_read_text(m, "/kind"));
    GN_AUTO_FREE char *arguments = gantry_read_print(gn_json_get(m, "arguments"));
    GN_AUTO_FREE char *params = gantry_read_print(gn_json_get(m, "params"));
    GN_AUTO_FREE char *known = gantry_read_print(gn_json_get(m, "known"));
    if (gn_streq(what, "call"))
        return gantry_client_call_tool(c, name, arguments, o);
    if (gn_streq(what, "read"))
        return gantry_client_read_resource(c, uri, o);
    if (gn_streq(what, "get"))
        return gantry_client_get_prompt(c, name, arguments, o);
    if (gn_streq(what, "list"))
        return gantry_client_list(c, kind, o);
    if (gn_streq(what, "complete"))
        return gantry_client_complete(c, kind, name, gantry_read_text(m, "/argument"),
                                      gantry_read_text(m, "/value"), known, o);
    if (gn_streq(what, "level"))
        return gantry_client_set_log_level(c, gantry_read_text(m, "/level"), o);
    if (gn_streq(what, "subscribe"))
        return gantry_client_subscribe(c, uri, o);
    if (gn_streq(what, "unsubscribe"))
        return gantry_client_unsubscribe(c, uri, o);
    if (gn_streq(what, "task"))
        return gantry_client_task(c, id, o);
    if (gn_streq(what, "get_task"))
        return gantry_client_get_task(c, id, o);
    if (gn_streq(what, "cancel_task"))
        return gantry_client_cancel_task(c, id, o);
    if (gn_streq(what, "request"))
        return gantry_client_request(c, gantry_read_text(m, "/method"), params, o);
    return gn_streq(what, "ping") ? gantry_client_ping(c, o) : gantry_client_connect(c, o);
}

static void do_request(struct probe *p, const char *what, const gantry_json *command)
{
    struct call *call = gn_calloc(1, sizeof(*call));
    const gantry_json *tag = gn_json_get(command, "tag");
    call->probe = p;
    call->tag = tag ? gantry_read_print(tag) : gn_strdup("null");
    gn_list_append(&p->calls, &call->node);
    gantry_request_options o = {
        .size = sizeof(o), .on_done = on_done, .on_progress = on_progress, .arg = call};
    read_options(request_options_known, GN_COUNT(request_options_known), &o, command);
    call->request = make(p->client, what, command, &o);
    free_options(request_options_known, GN_COUNT(request_options_known), &o);
}

static void do_cancel(struct probe *p, const gantry_json *command)
{
    GN_AUTO_FREE char *tag = gantry_read_print(gn_json_get(command, "tag"));
    GN_LIST_EACH(&p->calls, n) {
        struct call *call = GN_CONTAINER(n, struct call, node);
        if (gn_streq(call->tag, tag)) {
            gantry_request_cancel(call->request, gantry_read_text(command, "/reason"));
            return;
        }
    }
}

static void do_notify(struct probe *p, const gantry_json *command)
{
    GN_AUTO_FREE char *params = gantry_read_print(gn_json_get(command, "params"));
    gantry_client_status status = gantry_client_notify(
        p->client, gantry_read_text(command, "/method"), params);
    tell("notified", "status", gantry_client_status_name(status));
}

static void do_roots(struct probe *p, const gantry_json *command)
{
    size_t count;
    gantry_client_root *roots = read_roots(command, &count);
    gantry_client_status status = gantry_client_set_roots(p->client, roots, count);
    gn_free(roots);
    tell("roots", "status", gantry_client_status_name(status));
}

/* ---------------------------------------------------------------- answers */

static void do_answer(struct probe *p, const char *what, const gantry_json *command)
{
    gantry_question **slot =
        &p->questions[gantry_read_int(command, "/question", p->last_question) % QUESTIONS];
    gantry_question *q = *slot;
    gantry_client_error err = {0};
    GN_AUTO_FREE char *content = gantry_read_print(gn_json_get(command, "content"));
    GN_AUTO_FREE char *result = gantry_read_print(gn_json_get(command, "result"));
    if (!q)
        return;
    *slot = NULL;
    if (gn_streq(what, "accept"))
        gantry_question_accept(q, content, &err);
    else if (gn_streq(what, "answer"))
        gantry_question_answer(q, result, &err);
    else if (gn_streq(what, "decline"))
        gantry_question_decline(q);
    else if (gn_streq(what, "dismiss"))
        gantry_question_dismiss(q);
    else if (gn_streq(what, "say"))
        gantry_question_say(q, gantry_read_text(command, "/model"),
                            gantry_read_text(command, "/text"));
    else
        gantry_question_fail(q, (int)gantry_read_int(command, "/code", -1),
                             gantry_read_text(command, "/message"));
    if (err.status) {
        *slot = q;
        tell("rejected", "message", err.message);
    }
}

static void do_login(struct probe *p, const char *what, const gantry_json *command)
{
    gantry_login *login = p->login;
    p->login = NULL;
    if (login && gn_streq(what, "retry"))
        gantry_login_retry(login, gantry_read_text(command, "/authorization"));
    else if (login)
        gantry_login_refuse(login, gantry_read_text(command, "/reason"));
}

/* ---------------------------------------------------------------- commands */

static void on_closed(void *arg)
{
    struct probe *p = arg;
    p->client = NULL;
    tell("closed", NULL, NULL);
}

/* Questions and logins that are open belong to us until they are answered. */
static void do_close(struct probe *p)
{
    for (int i = 0; i < QUESTIONS; i++) {
        if (p->questions[i])
            gantry_question_dismiss(p->questions[i]);
        p->questions[i] = NULL;
    }
    gantry_client_close(p->client, on_closed, p);
}

static void take_command(struct probe *p, const gantry_json *command)
{
    static const char *const answers[] = {"accept", "decline", "dismiss", "answer", "say", "fail"};
    const char *what = gantry_read_text(command, "/do");
    for (size_t i = 0; p->client && i < GN_COUNT(answers); i++) {
        if (gn_streq(what, answers[i])) {
            do_answer(p, what, command);
            return;
        }
    }
    if (gn_streq(what, "open"))
        do_open(p, command);
    else if (!p->client)
        tell("refused", "message", "there is no client");
    else if (gn_streq(what, "close"))
        do_close(p);
    else if (gn_streq(what, "hurry"))
        gantry_client_hurry(p->client);
    else if (gn_streq(what, "cancel"))
        do_cancel(p, command);
    else if (gn_streq(what, "notify"))
        do_notify(p, command);
    else if (gn_streq(what, "roots"))
        do_roots(p, command);
    else if (gn_streq(what, "retry") || gn_streq(what, "refuse"))
        do_login(p, what, command);
    else
        do_request(p, what, command);
}

static void take_lines(struct probe *p)
{
    char *end;
    while (p->line.len > 0 && (end = memchr(p->line.data, '\n', p->line.len))) {
        struct gn_json_doc doc = {0};
        struct gn_error err;
        size_t len = (size_t)(end - p->line.data);
        if (gn_json_parse_copy(&doc, p->line.data, len, NULL, &err))
            tell("refused", "message", err.text);
        else
            take_command(p, gn_json_root(&doc));
        gn_json_release(&doc);
        gn_buf_consume(&p->line, len + 1);
    }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct probe *p = handle->data;
    (void)size;
    *buf = uv_buf_init(p->chunk, sizeof(p->chunk));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct probe *p = stream->data;
    if (n > 0) {
        gn_buf_add(&p->line, buf->base, (size_t)n);
        take_lines(p);
    } else if (n < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        if (p->client && gantry_client_get_state(p->client) != GANTRY_STATE_CLOSED)
            do_close(p);
    }
}

int main(void)
{
    uv_loop_t loop;
    struct probe p = {.uv = &loop, .line = GN_BUF_INIT(LINE_BYTES)};
    gn_list_init(&p.calls);
    gn_assert(uv_loop_init(&loop) == 0);
    uv_pipe_init(&loop, &p.input, 0);
    p.input.data = &p;
    gn_assert(uv_pipe_open(&p.input, 0) == 0);
    uv_read_start((uv_stream_t *)&p.input, on_alloc, on_read);
    uv_run(&loop, UV_RUN_DEFAULT);
    gn_assert(uv_loop_close(&loop) == 0);
    gn_buf_release(&p.line);
    return 0;
}
