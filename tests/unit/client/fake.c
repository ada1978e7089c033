/* fake.c - a client on a link that a test plays the server of. */
#include "fake.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <criterion/criterion.h>
#include <string.h>

#define DEADLINE_MS 60000
#define MESSAGE_MAX ((size_t)1 << 20)

struct fake_link {
    struct gn_link link;
    struct fake *fake;
    uv_idle_t idle; /* what is told is told from the loop */
};

struct sent {
    struct gn_list node;
    char *text, *name;
    char **param_headers;
    gantry_request *request;
};

/* ---------------------------------------------------------------- the link */

static struct fake *fake_of(gantry_client *c);

static void on_open(uv_idle_t *idle)
{
    struct fake_link *l = idle->data;
    uv_idle_stop(idle);
    gn_link_opened(&l->link);
}

static struct gn_link *open_link(gantry_client *c, struct gn_error *err)
{
    struct fake_link *l = gn_calloc(1, sizeof(*l));
    (void)err;
    l->fake = fake_of(c);
    l->link.ops = c->transport;
    l->link.client = c;
    uv_idle_init(c->uv, &l->idle);
    l->idle.data = l;
    if (!l->fake->opens_by_hand)
        uv_idle_start(&l->idle, on_open);
    l->fake->link = &l->link;
    l->fake->links++;
    return &l->link;
}

static void free_sent(struct sent *s)
{
    gn_list_remove(&s->node);
    gn_free(s->text);
    gn_free(s->name);
    gn_texts_free(s->param_headers);
    gn_free(s);
}

static void send_message(struct gn_link *link, const struct gn_outgoing *m)
{
    struct fake *f = fake_of(link->client);
    struct sent *s = gn_calloc(1, sizeof(*s));
    s->text = gn_strndup(m->text, m->len);
    s->name = gn_strdup(m->name);
    s->param_headers = gn_texts_copy((char *const *)(uintptr_t)m->param_headers);
    s->request = m->request;
    gn_list_append(&f->sent, &s->node);
}

static void forget(struct gn_link *link, gantry_request *request, bool is_answered)
{
    struct fake *f = fake_of(link->client);
    f->forgotten += !is_answered;
    f->answered += is_answered;
    if (f->on == request)
        f->on = NULL;
    GN_LIST_EACH(&f->sent, n) {
        struct sent *s = GN_CONTAINER(n, struct sent, node);
        if (s->request == request)
            s->request = NULL;
    }
}

static void on_closed(uv_handle_t *idle)
{
    struct fake_link *l = idle->data;
    l->fake->closed++;
    gn_link_closed(&l->link);
    gn_free(l);
}

static void close_link(struct gn_link *link)
{
    struct fake_link *l = (struct fake_link *)(void *)link;
    l->fake->link = NULL;
    uv_close((uv_handle_t *)&l->idle, on_closed);
}

static const struct gn_link_ops one_stream = {
    .name = "fake", .open = open_link, .send = send_message, .forget = forget, .close = close_link};
static const struct gn_link_ops exchanges = {.name = "fake",
                                             .has_exchanges = true,
                                             .open = open_link,
                                             .send = send_message,
                                             .forget = forget,
                                             .close = close_link};

/* One test at a time in a process; a client is one of those. */
static struct fake *fakes[8];

static struct fake *fake_of(gantry_client *c)
{
    for (size_t i = 0; i < GN_COUNT(fakes); i++) {
        if (fakes[i] && fakes[i]->client == c)
            return fakes[i];
    }
    cr_assert_fail("no such client");
    return NULL;
}

/* ---------------------------------------------------------------- the loop */

void fake_turn(struct fake *f)
{
    uv_run(f->client->uv, UV_RUN_NOWAIT);
}

void fake_opened(struct fake *f)
{
    gn_link_opened(f->link);
}

gantry_client_status fake_wait(struct fake *f, gantry_request *r)
{
    uint64_t end = gn_clock_ms() + DEADLINE_MS;
    while (!gantry_request_is_done(r)) {
        cr_assert(gn_clock_ms() < end, "%s never ends", r->method);
        fake_turn(f);
    }
    return gantry_request_status(r);
}

/* ---------------------------------------------------------------- messages */

static void await_message(struct fake *f, const char *what)
{
    uint64_t end = gn_clock_ms() + DEADLINE_MS;
    while (gn_list_empty(&f->sent)) {
        cr_assert(gn_clock_ms() < end, "%s never comes", what);
        fake_turn(f);
    }
}

const char *fake_peek(struct fake *f)
{
    await_message(f, "a message");
    return GN_CONTAINER(f->sent.next, struct sent, node)->text;
}

const struct gn_jsonrpc *fake_next(struct fake *f, const char *method)
{
    struct gn_error err = {0};
    await_message(f, method ? method : "an answer");
    struct sent *s = GN_CONTAINER(f->sent.next, struct sent, node);
    gn_json_release(&f->message);
    gn_free(f->name);
    gn_texts_free(f->param_headers);
    f->on = s->request;
    f->name = s->name;
    f->param_headers = s->param_headers;
    s->name = NULL;
    s->param_headers = NULL;
    cr_assert_eq(gn_json_parse_copy(&f->message, s->text, strlen(s->text), NULL, &err), 0, "%s: %s",
                 s->text, err.text);
    cr_assert_eq(gn_jsonrpc_classify(gn_json_root(&f->message), &f->m, &err), 0, "%s: %s", s->text,
                 err.text);
    cr_assert(gn_streq(f->m.method, method), "%s came, and not %s", s->text,
              method ? method : "an answer");
    free_sent(s);
    return &f->m;
}

void fake_nothing(struct fake *f)
{
    for (int i = 0; i < 5; i++)
        fake_turn(f);
    if (!gn_list_empty(&f->sent))
        cr_assert_fail("%s came", GN_CONTAINER(f->sent.next, struct sent, node)->text);
}

const char *fake_param(struct fake *f, const char *pointer)
{
    const char *s = gantry_read_text(f->m.params, pointer);
    return s ? s : "";
}

static void receive(struct fake *f, gantry_request *on, const char *json)
{
    struct gn_error err = {0};
    cr_assert_not_null(f->link, "no connection for %s", json);
    cr_assert(gn_link_received(f->link, f->has_exchanges ? on : NULL, json, strlen(json), &err),
              "%s: %s", json, err.text);
}

void fake_says(struct fake *f, const char *json)
{
    receive(f, f->on, json);
}

void fake_result(struct fake *f, const char *result)
{
    struct gn_buf out = GN_BUF_INIT(MESSAGE_MAX);
    GN_AUTO_FREE char *id = gantry_read_print(f->m.id);
    cr_assert_eq(gn_jsonrpc_write_result(&out, id, result, strlen(result)), 0);
    receive(f, f->on, gn_buf_str(&out));
    gn_buf_release(&out);
}

void fake_error(struct fake *f, int code, const char *message, const char *data)
{
    struct gn_buf out = GN_BUF_INIT(MESSAGE_MAX);
    GN_AUTO_FREE char *id = gantry_read_print(f->m.id);
    cr_assert_eq(gn_jsonrpc_write_error(&out, id, code, message, data, 0), 0);
    receive(f, f->on, gn_buf_str(&out));
    gn_buf_release(&out);
}

void fake_fails(struct fake *f, const struct gn_failure *failure)
{
    cr_assert_not_null(f->on);
    gn_link_failed(f->link, f->on, failure);
}

void fake_loses(struct fake *f, bool is_passing)
{
    struct gn_failure failure = {.status = GANTRY_CLIENT_CONNECTION, .is_passing = is_passing};
    gn_error_set(&failure.why, GN_EPIPE, "the fake is gone");
    gn_link_lost(f->link, &failure);
}

void fake_discover(struct fake *f, const char *capabilities)
{
    GN_AUTO_FREE char *result = gn_format(
        "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":%s,"
        "\"ttlMs\":0,\"cacheScope\":\"public\"}",
        capabilities);
    gn_client_connect(f->client);
    fake_next(f, "server/discover");
    fake_result(f, result);
    while (f->client->state != GANTRY_STATE_READY)
        fake_turn(f);
}

void fake_initialize(struct fake *f, const char *revision, const char *capabilities)
{
    GN_AUTO_FREE char *result = gn_format("{\"protocolVersion\":\"%s\",\"capabilities\":%s,"
                                          "\"serverInfo\":{\"name\":\"fake\",\"version\":\"1\"}}",
                                          revision, capabilities);
    gn_client_connect(f->client);
    if (f->client->s.revision == GN_REV_NONE && f->client->known == GN_REV_NONE) {
        fake_next(f, "server/discover");
        fake_error(f, GN_RPC_METHOD_NOT_FOUND, "no such method", NULL);
    }
    fake_next(f, "initialize");
    fake_result(f, result);
    fake_next(f, "notifications/initialized");
    while (f->client->state != GANTRY_STATE_READY)
        fake_turn(f);
}

/* ---------------------------------------------------------------- the whole */

static void on_note(gantry_client *client, const char *text, void *arg)
{
    (void)arg;
    struct fake *f = fake_of(client);
    gn_buf_addf(&f->notes, "%s\n", text);
}

static void on_state(gantry_client *client, gantry_client_state state, void *arg)
{
    (void)arg;
    struct fake *f = fake_of(client);
    gn_buf_addf(&f->states, "%d", (int)state);
}

void fake_open(struct fake *f, gantry_client_options *options)
{
    gantry_client_error err;
    bool has_exchanges = f->has_exchanges, by_hand = f->opens_by_hand;
    *f = (struct fake){.has_exchanges = has_exchanges,
                       .opens_by_hand = by_hand,
                       .notes = GN_BUF_INIT(MESSAGE_MAX),
                       .states = GN_BUF_INIT(MESSAGE_MAX)};
    gn_list_init(&f->sent);
    if (!options->command && !options->url)
        options->url = "http://fake";
    if (!options->backoff_ms)
        options->backoff_ms = 1;
    f->client = gantry_client_new(options, &err);
    cr_assert_not_null(f->client, "%s", err.message);
    f->client->transport = has_exchanges ? &exchanges : &one_stream;
    if (!f->client->s.handlers.on_note)
        f->client->s.handlers.on_note = on_note;
    if (!f->client->s.handlers.on_state)
        f->client->s.handlers.on_state = on_state;
    for (size_t i = 0; i < GN_COUNT(fakes); i++) {
        if (!fakes[i]) {
            fakes[i] = f;
            return;
        }
    }
    cr_assert_fail("too many clients");
}

void fake_close(struct fake *f)
{
    GN_LIST_EACH(&f->sent, n) {
        free_sent(GN_CONTAINER(n, struct sent, node));
    }
    f->on = NULL;
    gantry_client_close(f->client, NULL, NULL);
    fake_release(f);
}

void fake_release(struct fake *f)
{
    GN_LIST_EACH(&f->sent, n) {
        free_sent(GN_CONTAINER(n, struct sent, node));
    }
    cr_assert_eq(f->closed, f->links);
    gn_json_release(&f->message);
    gn_free(f->name);
    gn_texts_free(f->param_headers);
    gn_buf_release(&f->notes);
    gn_buf_release(&f->states);
    for (size_t i = 0; i < GN_COUNT(fakes); i++)
        fakes[i] = fakes[i] == f ? NULL : fakes[i];
}
