/* fuzz_client.c - a client and a server that says anything.
 *
 * The first line, if it begins with '%' (or is "!e", for "%e"), says what client it is, a letter
 * for each option (see open_client). Each line is a message of the server, as it comes from one
 * stream, or, where each message has an exchange of its own, on that of the newest request; "@"
 * and a letter before it take another. A line that begins with '!' is what the program does
 * meanwhile, a letter for each thing (see do_one); "!x" makes the connection be lost, "!f" the
 * newest exchange fail, with a letter for how. A line that begins with '#' has letters of which
 * each call of a handler does one. Whatever comes: every request ends once, every question can be
 * answered, and nothing is left.
 */
#include "internal.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define HELD_MAX 8
#define TURNS 3
#define LINES_MAX 200
#define OUT_MAX 64
#define PLAN_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    uv_loop_t loop;
    gantry_client *client; /* NULL: it was closed */
    bool is_closed, is_acting, is_told_closed;
    gantry_request *out[OUT_MAX]; /* whose exchanges are open; the newest last */
    size_t out_count;
    char plan[PLAN_MAX + 1]; /* what handlers are to do */
    size_t at;
    struct gn_link *link;
    gantry_question *held[HELD_MAX];
    unsigned questions, started, ended;
    gantry_request *last; /* one that may be cancelled */
};

struct fuzz_link {
    struct gn_link link;
    uv_idle_t idle;
};

/* ---------------------------------------------------------------- the link */

static void on_open(uv_idle_t *idle)
{
    struct fuzz_link *l = idle->data;
    uv_idle_stop(idle);
    gn_link_opened(&l->link);
}

static struct gn_link *open_link(gantry_client *c, struct gn_error *err)
{
    struct fuzz *f = c->s.arg;
    struct fuzz_link *l = gn_calloc(1, sizeof(*l));
    (void)err;
    l->link.ops = c->transport;
    l->link.client = c;
    uv_idle_init(c->uv, &l->idle);
    l->idle.data = l;
    uv_idle_start(&l->idle, on_open);
    f->link = &l->link;
    return &l->link;
}

static void act(struct fuzz *f);

static void drop_out(struct fuzz *f, size_t i)
{
    memmove(&f->out[i], &f->out[i + 1], (--f->out_count - i) * sizeof(f->out[0]));
}

static void forget(struct gn_link *link, gantry_request *r, bool is_answered)
{
    struct fuzz *f = link->client->s.arg;
    (void)is_answered;
    for (size_t i = f->out_count; i-- > 0;) {
        if (f->out[i] == r)
            drop_out(f, i);
    }
}

/* What goes out is a message, whatever came in. */
static void send_message(struct gn_link *link, const struct gn_outgoing *m)
{
    struct gn_json_doc doc = {0};
    struct gn_jsonrpc rpc;
    struct fuzz *f = link->client->s.arg;
    gn_assert(!link->is_closing);
    if (m->request && f->out_count == OUT_MAX)
        drop_out(f, 0);
    if (m->request)
        f->out[f->out_count++] = m->request;
    gn_assert(gn_json_parse_copy(&doc, m->text, m->len, NULL, NULL) == 0);
    gn_assert(gn_jsonrpc_classify(gn_json_root(&doc), &rpc, NULL) == 0);
    gn_json_release(&doc);
}

static void on_idle_closed(uv_handle_t *idle)
{
    struct fuzz_link *l = idle->data;
    gn_link_closed(&l->link);
    gn_free(l);
}

static void close_link(struct gn_link *link)
{
    struct fuzz *f = link->client->s.arg;
    f->link = NULL;
    f->out_count = 0;
    uv_close((uv_handle_t *)&((struct fuzz_link *)(void *)link)->idle, on_idle_closed);
}

static const struct gn_link_ops one_stream = {
    .name = "fuzz", .open = open_link, .send = send_message, .forget = forget, .close = close_link};
static const struct gn_link_ops exchanges = {.name = "fuzz",
                                             .has_exchanges = true,
                                             .open = open_link,
                                             .send = send_message,
                                             .forget = forget,
                                             .close = close_link};

/* ---------------------------------------------------------------- questions */

static void answer(gantry_question *q, unsigned how)
{
    gantry_client_error err;
    switch (how % 6) {
    case 0:
        if (gantry_question_accept(q, "{\"a\": \"b\"}", &err) != GANTRY_CLIENT_OK)
            gantry_question_decline(q);
        break;
    case 1:
        gantry_question_dismiss(q);
        break;
    case 2:
        gantry_question_say(q, "m", "text");
        break;
    case 3:
        gantry_question_fail(q, -1, "no");
        break;
    case 4:
        if (gantry_question_answer(q, "{\"roots\": []}", &err) != GANTRY_CLIENT_OK)
            gantry_question_dismiss(q);
        break;
    default:
        if (gantry_question_accept(q, NULL, &err) != GANTRY_CLIENT_OK)
            gantry_question_fail(q, -32603, "\"\n");
    }
}

static void take_question(struct fuzz *f, gantry_question *q)
{
    unsigned n = f->questions++;
    act(f);
    if (n % 4 == 3 && !f->held[n % HELD_MAX])
        f->held[n % HELD_MAX] = q;
    else
        answer(q, n);
}

static void on_elicit(gantry_client *c, gantry_question *q, const gantry_client_elicitation *e,
                      void *arg)
{
    (void)c;
    gn_assert(e->message != NULL);
    take_question(arg, q);
}

static void on_sample(gantry_client *c, gantry_question *q, const gantry_json *params, void *arg)
{
    (void)c;
    gn_assert(params != NULL);
    take_question(arg, q);
}

static void on_roots(gantry_client *c, gantry_question *q, void *arg)
{
    (void)c;
    take_question(arg, q);
}

static void on_log(gantry_client *c, gantry_request *r, const gantry_client_log *log, void *arg)
{
    (void)c, (void)r;
    gn_assert(log->level && log->text);
    act(arg);
}

static void on_progress(gantry_client *c, gantry_request *r, const gantry_client_progress *p,
                        void *arg)
{
    (void)c, (void)p;
    gn_assert(!gantry_request_is_done(r));
    act(arg);
}

static void on_list_changed(gantry_client *c, gantry_list_kind kind, void *arg)
{
    (void)c, (void)kind;
    act(arg);
}

static void on_resource_updated(gantry_client *c, const char *uri, void *arg)
{
    (void)c;
    gn_assert(uri != NULL);
    act(arg);
}

static void on_state(gantry_client *c, gantry_client_state state, void *arg)
{
    struct fuzz *f = arg;
    (void)c;
    gn_assert(state == GANTRY_STATE_CLOSED || !f->is_told_closed);
    f->is_told_closed = state == GANTRY_STATE_CLOSED;
    act(f);
}

static void on_note(gantry_client *c, const char *text, void *arg)
{
    (void)c;
    gn_assert(*text != '\0');
    act(arg);
}

static void on_message(gantry_client *c, bool is_outgoing, const char *json, size_t size, void *arg)
{
    (void)c, (void)is_outgoing, (void)json, (void)size;
    act(arg);
}

static void on_elicit_complete(gantry_client *c, const char *id, void *arg)
{
    (void)c;
    gn_assert(id != NULL);
    act(arg);
}

/* ---------------------------------------------------------------- the program */

static void on_done(gantry_request *r, void *arg)
{
    struct fuzz *f = arg;
    f->ended++;
    gn_assert((gantry_request_status(r) == GANTRY_CLIENT_OK) ==
              (*gantry_request_message(r) == '\0'));
    gantry_request_text(r);
    if (f->last == r)
        f->last = NULL;
    act(f);
}

static void on_closed(void *arg)
{
    ((struct fuzz *)arg)->is_closed = true;
}

static void close_client(struct fuzz *f)
{
    gantry_client *c = f->client;
    f->client = NULL;
    gantry_client_close(c, on_closed, f);
}

/* Its on_done is not called any more. */
static void free_last(struct fuzz *f)
{
    gantry_request *r = f->last;
    f->last = NULL;
    f->ended++;
    gantry_request_free(r);
}

static void do_one(struct fuzz *f, char what)
{
    gantry_request_options *o = GANTRY_REQUEST_OPTIONS(.on_done = on_done, .arg = f);
    gantry_request *r = NULL;
    if (!f->client)
        return;
    switch (what) {
    case 'c':
        r = gantry_client_call_tool(f->client, "t", "{\"a\": \"b\", \"n\": {\"m\": 1}}", o);
        break;
    case 't':
        o->task_ttl_ms = 1000;
        r = gantry_client_call_tool(f->client, "t", NULL, o);
        break;
    case 'r':
        r = gantry_client_read_resource(f->client, "a:b", o);
        break;
    case 'p':
        r = gantry_client_get_prompt(f->client, "p", NULL, o);
        break;
    case 'l':
        r = gantry_client_list(f->client, GANTRY_LIST_TOOLS, o);
        break;
    case 'm':
        r = gantry_client_list(f->client, GANTRY_LIST_TEMPLATES, o);
        break;
    case 's':
        r = gantry_client_subscribe(f->client, "a:b", o);
        break;
    case 'u':
        r = gantry_client_unsubscribe(f->client, "a:b", o);
        break;
    case 'w':
        r = gantry_client_task(f->client, "1", o);
        break;
    case 'g':
        r = gantry_client_get_task(f->client, "1", o);
        break;
    case 'i':
        r = gantry_client_ping(f->client, o);
        break;
    case 'L':
        r = gantry_client_set_log_level(f->client, "error", o);
        break;
    case 'd':
        o->detaches = o->keeps_rounds = true;
        o->task_ttl_ms = 1;
        r = gantry_client_call_tool(f->client, "t", NULL, o);
        break;
    case 'y':
        o->may_retry = true;
        o->headers = (const char *const[]){"A: b", NULL};
        o->meta = "{\"x/y\": [1]}";
        r = gantry_client_call_tool(f->client, "t", NULL, o);
        break;
    case 'T':
        o->timeout_ms = 1;
        r = gantry_client_call_tool(f->client, "t", NULL, o);
        break;
    case 'R':
        gantry_client_set_roots(f->client, &(gantry_client_root){.uri = "/tmp"}, 1);
        return;
    case 'n':
        gantry_client_notify(f->client, "notifications/x", "{\"a\": 1}");
        return;
    case 'q':
        close_client(f);
        return;
    case 'k':
        if (f->last)
            gantry_request_cancel(f->last, "k");
        return;
    case 'K':
        if (f->last)
            free_last(f);
        return;
    default:
        return;
    }
    f->started++;
    if (f->client) /* else it has ended already */
        f->last = r;
}

static void lose(struct fuzz *f)
{
    struct gn_failure failure = {.status = GANTRY_CLIENT_CONNECTION, .is_passing = true};
    gn_error_set(&failure.why, GN_EPIPE, "lost");
    if (f->link)
        gn_link_lost(f->link, &failure);
}

/* What a handler does may call others: those do nothing. */
static void act(struct fuzz *f)
{
    if (f->is_acting || !f->plan[f->at])
        return;
    f->is_acting = true;
    do_one(f, f->plan[f->at++]);
    f->is_acting = false;
}

static void fail(struct fuzz *f, char how)
{
    struct gn_failure failure = {.status = GANTRY_CLIENT_CONNECTION};
    gn_error_set(&failure.why, GN_EPIPE, "failed");
    if (!f->link || !f->out_count)
        return;
    failure.is_passing = how == 'p' || how == 'n' || how == '5';
    failure.was_not_sent = how == 'n';
    failure.retry_after_ms = how == '5';
    failure.http_status = how == '4' ? 404 : how == 'u' ? 401 : how == '5' ? 503 : 0;
    if (how == 'u')
        failure.status = GANTRY_CLIENT_UNAUTHORIZED;
    gantry_request *r = f->out[f->out_count - 1];
    drop_out(f, f->out_count - 1);
    gn_link_failed(f->link, r, &failure);
}

static void say(struct fuzz *f, const char *line, size_t len)
{
    size_t n = 0;
    if (len > 2 && line[0] == '@') {
        n = (unsigned char)line[1] % OUT_MAX;
        line += 2;
        len -= 2;
    }
    if (!f->link)
        return;
    bool has_one = f->link->ops->has_exchanges && n < f->out_count;
    gn_link_received(f->link, has_one ? f->out[f->out_count - 1 - n] : NULL, line, len, NULL);
}

static void turn(struct fuzz *f)
{
    for (int i = 0; i < TURNS; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void take_line(struct fuzz *f, const char *line, size_t len)
{
    if (*line == '#') {
        f->at = 0;
        snprintf(f->plan, sizeof(f->plan), "%.*s", (int)GN_MIN(len - 1, (size_t)PLAN_MAX),
                 line + 1);
    } else if (*line != '!') {
        say(f, line, len);
    } else if (len > 1 && line[1] == 'x') {
        lose(f);
    } else if (len > 2 && line[1] == 'f') {
        fail(f, line[2]);
    } else {
        for (size_t i = 1; i < len && i < 64; i++)
            do_one(f, line[i]);
    }
    turn(f);
}

static bool has(const char *text, size_t len, char c)
{
    return memchr(text, c, len) != NULL;
}

static void open_client(struct fuzz *f, const char *how, size_t len)
{
    gantry_client_handlers handlers = {.size = sizeof(handlers),
                                       .on_elicit = on_elicit,
                                       .elicits_urls = true,
                                       .on_sample = on_sample,
                                       .samples_with_tools = true,
                                       .on_roots = on_roots,
                                       .on_log = on_log,
                                       .on_progress = on_progress,
                                       .on_list_changed = on_list_changed,
                                       .on_resource_updated = on_resource_updated,
                                       .on_elicit_complete = on_elicit_complete,
                                       .on_message = on_message,
                                       .on_state = on_state,
                                       .on_note = on_note};
    if (has(how, len, 'n')) /* nothing that the server may ask, and nothing to listen to */
        handlers = (gantry_client_handlers){.size = sizeof(handlers), .on_note = on_note};
    gantry_client_options *options = GANTRY_CLIENT_OPTIONS(.url = "http://fuzz", .loop = &f->loop,
                                                           .backoff_ms = 1, .max_message = 65536,
                                                           .max_pages = 8, .max_rounds = 4,
                                                           .max_requests = 64,
                                                           .handlers = &handlers, .arg = f);
    if (has(how, len, 'h'))
        options->revision = "2025-11-25";
    else if (has(how, len, '6'))
        options->revision = "2026-07-28";
    else if (has(how, len, '3'))
        options->revision = "2025-03-26";
    if (has(how, len, 'l'))
        options->log_level = "debug";
    options->progress_resets = has(how, len, 'p');
    options->max_cache = has(how, len, 'c') ? 2048 : 0;
    options->retries = has(how, len, 'r') ? GANTRY_CLIENT_NONE : 0;
    f->client = gantry_client_new(options, NULL);
    gn_assert(f->client != NULL);
    f->client->transport = has(how, len, 'e') ? &exchanges : &one_stream;
}

static void take_lines(struct fuzz *f, const char *at, const char *end)
{
    for (int i = 0; i < LINES_MAX && at < end; i++) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        eol = eol ? eol : end;
        if (eol > at)
            take_line(f, at, (size_t)(eol - at));
        at = eol + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {0};
    const char *at = (const char *)data, *end = at + size;
    bool says_how = size && (*at == '%' || (size > 2 && memcmp(at, "!e\n", 3) == 0));
    const char *eol = says_how ? memchr(at, '\n', size) : NULL;
    gn_assert(uv_loop_init(&f.loop) == 0);
    open_client(&f, at, eol ? (size_t)(eol - at) : 0);
    do_one(&f, 'c');
    turn(&f);
    take_lines(&f, eol ? eol + 1 : at, end);
    f.plan[f.at] = '\0';
    if (f.client)
        close_client(&f);
    while (!f.is_closed)
        uv_run(&f.loop, UV_RUN_NOWAIT);
    gn_assert(f.started == f.ended);
    for (unsigned i = 0; i < HELD_MAX; i++) {
        if (f.held[i]) {
            gn_assert(gantry_question_is_gone(f.held[i]));
            answer(f.held[i], i);
        }
    }
    uv_run(&f.loop, UV_RUN_DEFAULT);
    gn_assert(uv_loop_close(&f.loop) == 0);
    return 0;
}
