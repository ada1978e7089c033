/* fixture.c - see fixture.h. */
#include "pipeline/fixture.h"

#include "util/alloc.h"
#include "util/clock.h"

#include <string.h>

#define DEADLINE_MS 20000

uv_loop_t uv;
struct gn_call_env env;
struct kept kept;
static struct gn_loop *loop;
static struct gn_shipped *shipped;
static struct gn_owner owner;
static int held;

static void keep_line(struct gn_log *log, enum gn_level level, const char *component,
                      const struct gn_log_field *fields, size_t field_count, const char *text)
{
    (void)log;
    gn_buf_addf(&kept.text, "%s %s: %s", gn_level_names[level], component, text);
    for (size_t i = 0; i < field_count; i++)
        gn_buf_addf(&kept.text, " %s=%s", fields[i].key, fields[i].value);
    gn_buf_addc(&kept.text, '\n');
}

static void owner_ref(struct gn_owner *o)
{
    (void)o;
    held++;
}

static void owner_unref(struct gn_owner *o)
{
    (void)o;
    held--;
}

void configure(const char *list)
{
    struct gn_config *c = gn_config_new();
    struct gn_error err = {0};
    cr_assert_eq(gn_config_set(c, "middleware", list, &err), 0, "%s", err.text);
    gn_shipped_configure(shipped, c);
    gn_config_free(c); /* it has its own copies */
}

void open_host(const char *list)
{
    uv_loop_init(&uv);
    loop = gn_loop_new(&uv, NULL, NULL);
    kept.log = (struct gn_log){.level = GN_DEBUG, .write = keep_line};
    kept.text = GN_BUF_INIT(1 << 20);
    env = (struct gn_call_env){.loop = loop, .log = &kept.log};
    gn_list_init(&env.calls);
    gn_list_init(&env.observers);
    owner = (struct gn_owner){.ref = owner_ref, .unref = owner_unref, .name = "test"};
    held = 0;
    shipped = gn_shipped_new(&env);
    configure(list);
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

void close_host(void)
{
    bool closed = false;
    cr_assert_eq(env.alive, 0);
    cr_assert_eq(held, 0);
    gn_shipped_free(shipped);
    cr_assert_null(env.around);
    gn_loop_close(loop, 1000, note_closed, &closed);
    uv_run(&uv, UV_RUN_DEFAULT);
    cr_assert(closed);
    cr_assert_eq(uv_loop_close(&uv), 0);
    gn_buf_release(&kept.text);
}

bool logged(const char *text)
{
    return strstr(gn_buf_str(&kept.text), text) != NULL;
}

static void on_finished(struct gn_call *call, enum gn_outcome outcome)
{
    struct asked *a = call->ops_data;
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    struct gn_jw w;
    a->finished++;
    a->outcome = outcome;
    gn_jw_init(&w, &text);
    gn_jw_object(&w, NULL);
    gn_result_write_tool(call, outcome, &w);
    gn_jw_end(&w);
    a->result = gn_strdup(gn_buf_str(&text));
    gn_buf_release(&text);
}

const struct gn_call_ops asked_ops = {.finished = on_finished};

struct gn_component *tool(const char *name, gantry_run_fn run)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    c->key = gn_strdup(name);
    c->name = gn_strdup(name);
    c->run = run;
    c->owner = &owner;
    return c;
}

void tag(struct gn_component *c, const char *name)
{
    c->tags = gn_calloc(2, sizeof *c->tags);
    c->tags[0] = gn_strdup(name);
}

void ask(struct asked *a, struct gn_component *c, uint32_t timeout_ms)
{
    *a = (struct asked){0};
    struct gn_call *call = gn_call_new(&env, &asked_ops, a);
    call->revision = GN_REV_LATEST;
    call->method = "tools/call";
    call->request_id = "7";
    call->client_name = "tester";
    call->component = c;
    call->timeout_ms = timeout_ms;
    a->call = call;
    gn_call_start(call);
}

static void tick(uv_timer_t *t)
{
    (void)t;
}

void run_until(const int *counter, int want)
{
    uv_timer_t timer;
    uint64_t deadline = gn_clock_ms() + DEADLINE_MS;
    uv_timer_init(&uv, &timer);
    uv_timer_start(&timer, tick, 5, 5);
    while (*counter < want) {
        cr_assert_lt(gn_clock_ms(), deadline, "waited too long");
        uv_run(&uv, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&uv, UV_RUN_NOWAIT);
}

void settle(void)
{
    for (int i = 0; i < 10; i++)
        uv_run(&uv, UV_RUN_NOWAIT);
}

void forget(struct asked *a)
{
    run_until(&a->finished, 1);
    settle();
    cr_assert_eq(a->finished, 1);
    gn_call_unref(a->call);
    gn_free(a->result);
    a->result = NULL;
}

int say(gantry_call *call, const char *text)
{
    struct gn_content content = {.kind = GN_CONTENT_TEXT, .text = text, .len = strlen(text)};
    return gn_call_add(call, &content);
}
