/* fuzz_client.c - a client and a server that says anything.
 *
 * Each line of the input is a message of the server, as it comes from one stream; a line that
 * begins with '!' is what the program does meanwhile, a letter for each thing (see actions), and
 * "!x" makes the connection be lost. If the first line is "!e", each message has an exchange, as
 * over HTTP, and "!x" makes one fail. Now and then handlers do something, too. Whatever comes:
 * every request ends once, every question can be answered, and nothing is left.
 */
#include "internal.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define HELD_MAX 8
#define TURNS 3
#define LINES_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    gantry_client *client;
    struct gn_link *link;
    gantry_question *held[HELD_MAX];
    unsigned questions, started, ended;
    gantry_request *last; /* one that may be cancelled */
    unsigned told;        /* by handlers */
    bool meddles;         /* a handler is at it: what it does is told to no other */
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

/* What goes out is a message, whatever came in. */
static void send_message(struct gn_link *link, const struct gn_outgoing *m)
{
    struct gn_json_doc doc = {0};
    struct gn_jsonrpc rpc;
    (void)link;
    gn_assert(gn_json_parse_copy(&doc, m->text, m->len, NULL, NULL) == 0);
    gn_assert(gn_jsonrpc_classify(gn_json_root(&doc), &rpc, NULL) == 0);
    gn_json_release(&doc);
}

static void on_closed(uv_handle_t *idle)
{
    struct fuzz_link *l = idle->data;
    gn_link_closed(&l->link);
    gn_free(l);
}

static void close_link(struct gn_link *link)
{
    struct fuzz *f = link->client->s.arg;
    f->link = NULL;
    uv_close((uv_handle_t *)&((struct fuzz_link *)(void *)link)->idle, on_closed);
}

static const struct gn_link_ops fuzz_ops = {
    .name = "fuzz", .open = open_link, .send = send_message, .close = close_link};

static const struct gn_link_ops fuzz_exchanges = {.name = "fuzz",
                                                  .has_exchanges = true,
                                                  .open = open_link,
                                                  .send = send_message,
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

static void do_one(struct fuzz *f, char what);

/* What a handler does besides, now and then. */
static void meddle(struct fuzz *f)
{
    static const char what[] = "ksukluk";
    if (f->meddles || ++f->told % 3)
        return;
    f->meddles = true;
    do_one(f, what[f->told / 3 % (sizeof(what) - 1)]);
    f->meddles = false;
}

static void take_question(struct fuzz *f, gantry_question *q)
{
    unsigned n = f->questions++;
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
    meddle(arg);
}

static void on_progress(gantry_client *c, gantry_request *r, const gantry_client_progress *p,
                        void *arg)
{
    (void)c, (void)p;
    gn_assert(!gantry_request_is_done(r));
    meddle(arg);
}

static void on_list_changed(gantry_client *c, gantry_list_kind kind, void *arg)
{
    (void)c, (void)kind;
    meddle(arg);
}

static void on_resource_updated(gantry_client *c, const char *uri, void *arg)
{
    (void)c;
    gn_assert(uri != NULL);
    meddle(arg);
}

static void on_note(gantry_client *c, const char *text, void *arg)
{
    (void)c;
    gn_assert(text != NULL);
    meddle(arg);
}

static void on_message(gantry_client *c, bool is_outgoing, const char *json, size_t size, void *arg)
{
    (void)c, (void)is_outgoing;
    gn_assert(json != NULL && size > 0);
    meddle(arg);
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
}

static void do_one(struct fuzz *f, char what)
{
    gantry_request_options *o = GANTRY_REQUEST_OPTIONS(.on_done = on_done, .arg = f);
    gantry_request *r = NULL;
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
    case 'k':
        if (f->last)
            gantry_request_cancel(f->last, "k");
        return;
    default:
        return;
    }
    f->started++;
    f->last = r;
}

static void lose(struct fuzz *f)
{
    struct gn_failure failure = {.status = GANTRY_CLIENT_CONNECTION, .is_passing = true};
    gn_error_set(&failure.why, GN_EPIPE, "lost");
    gantry_client *c = f->client;
    if (f->link && !f->link->ops->has_exchanges)
        gn_link_lost(f->link, &failure);
    for (size_t i = 0; f->link && i < c->by_id_cap; i++) {
        if (c->by_id[i]) {
            gn_link_failed(f->link, c->by_id[i], &failure);
            return;
        }
    }
}

static void turn(struct fuzz *f)
{
    for (int i = 0; i < TURNS; i++)
        uv_run(f->client->uv, UV_RUN_NOWAIT);
}

static void take_line(struct fuzz *f, const char *line, size_t len)
{
    if (*line != '!') {
        if (f->link)
            gn_link_received(f->link, NULL, line, len, NULL);
    } else if (len > 1 && line[1] == 'x') {
        lose(f);
    } else {
        for (size_t i = 1; i < len && i < 64; i++)
            do_one(f, line[i]);
    }
    turn(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {0};
    gantry_client_handlers *handlers =
        GANTRY_CLIENT_HANDLERS(.on_elicit = on_elicit, .elicits_urls = true, .on_sample = on_sample,
                               .on_roots = on_roots, .on_log = on_log, .on_progress = on_progress,
                               .on_list_changed = on_list_changed,
                               .on_resource_updated = on_resource_updated, .on_note = on_note,
                               .on_message = on_message);
    gantry_client_options *options = GANTRY_CLIENT_OPTIONS(.url = "http://fuzz", .backoff_ms = 1,
                                                           .max_message = 65536, .max_pages = 8,
                                                           .max_rounds = 4, .max_requests = 64,
                                                           .handlers = handlers, .arg = &f);
    f.client = gantry_client_new(options, NULL);
    gn_assert(f.client != NULL);
    bool has_exchanges = size >= 2 && memcmp(data, "!e", 2) == 0;
    f.client->transport = has_exchanges ? &fuzz_exchanges : &fuzz_ops;
    do_one(&f, 'c');
    turn(&f);
    const char *at = (const char *)data, *end = at + size;
    for (int i = 0; i < LINES_MAX && at < end; i++) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        eol = eol ? eol : end;
        if (eol > at)
            take_line(&f, at, (size_t)(eol - at));
        at = eol + 1;
    }
    gantry_client_close(f.client, NULL, NULL);
    gn_assert(f.started == f.ended);
    for (unsigned i = 0; i < HELD_MAX; i++) {
        if (f.held[i]) {
            gn_assert(gantry_question_is_gone(f.held[i]));
            answer(f.held[i], i);
        }
    }
    return 0;
}
