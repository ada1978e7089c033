#include "fixture.h"

#include "protocol/park.h"
#include "registry/transform.h"
#include "util/clock.h"

#define DEADLINE_MS 10000

/* ---------------------------------------------------------------- clients */

static void note(struct client *c, const char *json, size_t len)
{
    struct gn_stream *s = &c->stream;
    cr_assert_lt(c->count, MAX_MESSAGES);
    cr_assert(s->has_ids || !s->event_id);
    c->ids[c->count] = gn_strdup(s->event_id);
    c->sent[c->count++] = gn_strndup(json ? json : "", len);
    if (s->retry_ms)
        c->retry_ms = s->retry_ms;
    s->event_id = NULL;
    s->retry_ms = 0;
}

static int on_send(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight)
{
    (void)weight;
    struct client *c = GN_CONTAINER(s, struct client, stream);
    if (c->refuses_stream)
        return GN_ENOTSUP;
    cr_assert(c->status == 0 || s->shared, "a message after the end: %s", json);
    cr_assert(json || s->has_ids);
    note(c, json, len);
    return 0;
}

static void on_end(struct gn_stream *s, int status, const char *json, size_t len)
{
    struct client *c = GN_CONTAINER(s, struct client, stream);
    cr_assert(s->shared || c->status == 0, "a second end");
    if (!s->shared)
        c->status = status;
    if (json)
        note(c, json, len);
    struct gn_delivery *delivery = s->delivery;
    s->delivery = NULL;
    if (delivery)
        delivery->done(delivery, !c->loses_answer);
}

static const char *on_header(struct gn_stream *s, const char *name)
{
    struct client *c = GN_CONTAINER(s, struct client, stream);
    for (size_t i = 0; c->headers[i]; i += 2) {
        if (strcmp(c->headers[i], name) == 0)
            return c->headers[i + 1];
    }
    return NULL;
}

static void on_set_header(struct gn_stream *s, const char *name, const char *value)
{
    struct client *c = GN_CONTAINER(s, struct client, stream);
    snprintf(c->last_header, sizeof c->last_header, "%s: %s", name, value);
    if (strcmp(name, "mcp-session-id") == 0)
        snprintf(c->session_id, sizeof c->session_id, "%s", value);
}

static int on_open(struct gn_stream *s)
{
    GN_CONTAINER(s, struct client, stream)->opened = true;
    return 0;
}

static const struct gn_stream_ops http_ops = {on_send, on_end, on_header, on_set_header, on_open};
static const struct gn_stream_ops shared_ops = {.send = on_send, .end = on_end};

void client_open(struct client *c, bool shared)
{
    memset(c, 0, sizeof *c);
    gn_stream_init(&c->stream, shared ? &shared_ops : &http_ops, shared, shared ? "stdio" : "http");
}

void client_free(struct client *c)
{
    for (size_t i = 0; i < c->count; i++) {
        gn_free(c->sent[i]);
        gn_free(c->ids[i]);
    }
    c->count = 0;
}

void client_header(struct client *c, const char *name, const char *value)
{
    size_t i = 0;
    while (c->headers[i])
        i += 2;
    cr_assert_lt(i + 2, GN_COUNT(c->headers));
    c->headers[i] = name;
    c->headers[i + 1] = value;
}

const char *client_last(const struct client *c)
{
    return c->count ? c->sent[c->count - 1] : "";
}

const char *client_send(struct fixture *f, struct client *c, const char *text)
{
    gn_protocol_receive(f->p, &c->stream, gn_strdup(text), strlen(text));
    return client_last(c);
}

void client_initialize(struct fixture *f, struct client *c, const char *revision)
{
    GN_AUTO_FREE char *text = gn_format(
        "{\"jsonrpc\":\"2.0\",\"id\":\"init\",\"method\":\"initialize\",\"params\":{"
        "\"protocolVersion\":\"%s\",\"capabilities\":{},"
        "\"clientInfo\":{\"name\":\"test\",\"version\":\"1\"}}}",
        revision);
    client_send(f, c, text);
}

void post_stateless(struct fixture *f, struct client *c, const char *method, const char *name,
                    const char *params)
{
    client_open(c, false);
    client_header(c, "mcp-protocol-version", "2026-07-28");
    client_header(c, "mcp-method", method);
    if (name)
        client_header(c, "mcp-name", name);
    GN_AUTO_FREE char *text = gn_format(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s%s" STATELESS_META "}}",
        method, params, *params ? "," : "");
    client_send(f, c, text);
}

/* ---------------------------------------------------------------- components */

static struct fixture *fixture_of(gantry_call *call)
{
    return call->component->data;
}

static int add_text(gantry_call *call, const char *text)
{
    struct gn_content content = {.kind = GN_CONTENT_TEXT, .text = text, .len = strlen(text)};
    return gn_call_add(call, &content);
}

static int run_echo(gantry_call *call, const void *in)
{
    (void)in;
    return add_text(call, "echo");
}

/* Waits as long as its argument says, until cancelled, noting both ends. */
static int run_sleep(gantry_call *call, const void *in)
{
    (void)in;
    struct fixture *f = fixture_of(call);
    int64_t ms = 0;
    gn_json_int(gn_json_get(call->arguments, "ms"), &ms);
    __atomic_fetch_add(&f->started, 1, __ATOMIC_RELAXED);
    int rc = gn_task_sleep(call->task, (uint32_t)ms);
    __atomic_fetch_add(&f->ended, 1, __ATOMIC_RELAXED);
    return rc == GN_ECANCELED ? GANTRY_ECANCELED : add_text(call, "slept");
}

static int run_progress(gantry_call *call, const void *in)
{
    (void)in;
    gn_call_progress(call, 1, 2, "half");
    gn_call_progress(call, 2, 2, "done");
    return add_text(call, "progressed");
}

static int run_fail(gantry_call *call, const void *in)
{
    (void)in;
    return gn_call_fail(call, "on purpose: %d", 7);
}

static int run_accident(gantry_call *call, const void *in)
{
    (void)in;
    (void)call;
    return GANTRY_EIO;
}

static int run_nothing(gantry_call *call, const void *in)
{
    (void)in;
    (void)call;
    return GANTRY_ENOENT;
}

static void owner_ref(struct gn_owner *o)
{
    GN_CONTAINER(o, struct fixture, owner)->held++;
}

static void owner_unref(struct gn_owner *o)
{
    GN_CONTAINER(o, struct fixture, owner)->held--;
}

struct gn_component *fixture_make(struct fixture *f, enum gn_kind kind, const char *key,
                                  gantry_run_fn run)
{
    struct gn_error err = {0};
    struct gn_component *c = gn_component_new(kind);
    c->key = gn_strdup(key);
    c->name = gn_strdup(key);
    c->run = run;
    c->owner = &f->owner;
    c->data = f;
    if (kind == GN_TEMPLATE) {
        c->free_template = gn_uri_template_free;
        cr_assert_eq(gn_uri_template_parse(key, true, &c->uri_template, &err), 0, "%s", err.text);
    }
    return c;
}

static void put(struct gn_edit *e, struct gn_component *c)
{
    struct gn_error err = {0};
    cr_assert_eq(gn_edit_add(e, c, &err), 0, "%s", err.text);
    gn_component_unref(c);
}

static void add(struct fixture *f, struct gn_edit *e, enum gn_kind kind, const char *key,
                gantry_run_fn run, uint32_t flags)
{
    struct gn_component *c = fixture_make(f, kind, key, run);
    c->flags = flags;
    put(e, c);
}

void fixture_put(struct fixture *f, struct gn_component *c)
{
    struct gn_edit *e = gn_edit_begin(f->registry);
    put(e, c);
    gn_protocol_changed(f->p, gn_edit_commit(e));
}

void fixture_remove(struct fixture *f, enum gn_kind kind, const char *key)
{
    struct gn_edit *e = gn_edit_begin(f->registry);
    for (struct gn_component *c; (c = gn_registry_source(f->registry, &f->owner, kind, key));) {
        if (gn_edit_remove(e, c))
            break;
    }
    gn_protocol_changed(f->p, gn_edit_commit(e));
}

void fixture_transforms(struct fixture *f, struct gn_transform **v, size_t count)
{
    struct gn_edit *e = gn_edit_begin(f->registry);
    for (size_t i = 0; i < count; i++)
        v[i]->order = i;
    gn_edit_transforms(e, NULL, v, count);
    gn_protocol_changed(f->p, gn_edit_commit(e));
    for (size_t i = 0; i < count; i++)
        gn_transform_unref(v[i]);
}

void fixture_add(struct fixture *f, enum gn_kind kind, const char *key, gantry_run_fn run,
                 uint32_t flags)
{
    struct gn_edit *e = gn_edit_begin(f->registry);
    add(f, e, kind, key, run, flags);
    gn_edit_commit(e);
}

void fixture_change(struct fixture *f, enum gn_kind kind, const char *key)
{
    fixture_put(f, fixture_make(f, kind, key, NULL));
}

/* ---------------------------------------------------------------- the fixture */

void fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    uv_loop_init(&f->uv);
    f->loop = gn_loop_new(&f->uv, NULL, NULL);
    f->env = (struct gn_call_env){.loop = f->loop, .timeout_ms = 30000};
    gn_list_init(&f->env.calls);
    f->registry = gn_registry_new();
    f->env.registry = f->registry;
    f->config = gn_config_new();
    f->owner = (struct gn_owner){.ref = owner_ref, .unref = owner_unref, .name = "test"};
    f->p = gn_protocol_new(&f->env, f->registry, f->config);
    struct gn_edit *e = gn_edit_begin(f->registry);
    add(f, e, GN_TOOL, "echo", run_echo, 0);
    add(f, e, GN_TOOL, "sleep", run_sleep, 0);
    add(f, e, GN_TOOL, "block", run_sleep, GANTRY_BLOCKING);
    add(f, e, GN_TOOL, "progress", run_progress, 0);
    add(f, e, GN_TOOL, "fail", run_fail, 0);
    add(f, e, GN_TOOL, "accident", run_accident, 0);
    add(f, e, GN_RESOURCE, "test://one", run_echo, 0);
    add(f, e, GN_TEMPLATE, "test://{x}/t", run_nothing, 0);
    add(f, e, GN_PROMPT, "ask", run_echo, 0);
    gn_edit_commit(e);
}

static void tick(uv_timer_t *t)
{
    (void)t;
}

/* A timer keeps the loop from blocking for good while a condition is waited for. */
static void run_while(struct fixture *f, bool (*waits)(const void *arg, size_t want),
                      const void *arg, size_t want)
{
    uv_timer_t timer;
    uint64_t deadline = gn_clock_ms() + DEADLINE_MS;
    uv_timer_init(&f->uv, &timer);
    uv_timer_start(&timer, tick, 5, 5);
    while (waits(arg, want)) {
        cr_assert_lt(gn_clock_ms(), deadline, "waited too long");
        uv_run(&f->uv, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&f->uv, UV_RUN_NOWAIT);
}

static void count_closed(void *arg)
{
    ++*(int *)arg;
}

/* A worker's handler has returned before the loop hears of it. */
static bool has_calls(const void *arg, size_t want)
{
    return ((const struct gn_call_env *)arg)->alive > want;
}

void fixture_close(struct fixture *f)
{
    int closed = 0;
    if (f->p)
        gn_parking_clear(f->p->parking);
    run_while(f, has_calls, &f->env, 0);
    gn_protocol_free(f->p);
    cr_assert_eq(f->env.alive, 0, "%u calls left", f->env.alive);
    cr_assert_eq(f->held, 0, "the owner is still held %d times", f->held);
    gn_loop_close(f->loop, 1000, count_closed, &closed);
    run_until_int(f, &closed, 1);
    uv_run(&f->uv, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&f->uv), 0);
    gn_registry_free(f->registry);
    gn_config_free(f->config);
}

static bool below_size(const void *arg, size_t want)
{
    return *(const size_t *)arg < want;
}

static bool below_int(const void *arg, size_t want)
{
    return __atomic_load_n((const int *)arg, __ATOMIC_RELAXED) < (int)want;
}

void run_until(struct fixture *f, const size_t *counter, size_t want)
{
    run_while(f, below_size, counter, want);
}

void run_until_int(struct fixture *f, const int *counter, int want)
{
    run_while(f, below_int, counter, (size_t)want);
}

void run_some(struct fixture *f)
{
    for (int i = 0; i < 10; i++)
        uv_run(&f->uv, UV_RUN_NOWAIT);
}
