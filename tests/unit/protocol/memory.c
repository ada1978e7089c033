/* memory.c - what clients leave behind when they go: nothing. */
#include "call/ask.h"
#include "fixture.h"
#include "protocol/park.h"

#include <malloc.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#endif
#ifdef HAS_ASAN /* gcc does not install the header that declares it */
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

GN_SUITE(memory);

#define MANY 10000
#define PARKED 1000
#define TURNS 3
#define SLACK ((size_t)64 << 10) /* caches that fill up, tables that fit a few */

/* Bytes that are allocated. Some other sanitizers do not tell: always the same then. */
static size_t allocated(void)
{
#ifdef HAS_ASAN
    return __sanitizer_get_current_allocated_bytes();
#else
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#endif
}

static struct fixture f;

static void open_session(char id[64])
{
    struct client c;
    client_open(&c, false);
    client_initialize(&f, &c, "2025-11-25");
    cr_assert_eq(c.status, 200, "%s", client_last(&c));
    memcpy(id, c.session_id, sizeof(c.session_id));
    client_free(&c);
}

static void close_session(const char *id)
{
    struct client c;
    client_open(&c, false);
    client_header(&c, "mcp-session-id", id);
    gn_protocol_delete(f.p, &c.stream);
    cr_assert(c.status >= 200 && c.status < 300, "%d %s", c.status, client_last(&c));
    client_free(&c);
}

static void expire_all(void)
{
    uint32_t idle_ms = f.config->session_idle_ms;
    f.config->session_idle_ms = 0;
    gn_session_sweep(&f.p->sweep);
    f.config->session_idle_ms = idle_ms;
    cr_assert_eq(f.p->session_count, 0);
}

Test(memory, sessions_that_come_and_go_leave_nothing)
{
    char id[64];
    fixture_open(&f);
    for (int i = 0; i < 100; i++) {
        open_session(id);
        close_session(id);
    }
    size_t before = allocated();
    for (int i = 0; i < MANY; i++) {
        open_session(id);
        cr_assert_eq(f.p->session_count, 1);
        close_session(id);
        cr_assert_eq(f.p->session_count, 0);
    }
    cr_assert_leq(allocated(), before + SLACK);
    fixture_close(&f);
}

Test(memory, idle_sessions_that_expire_leave_nothing)
{
    char id[64];
    fixture_open(&f);
    open_session(id);
    expire_all();
    size_t before = allocated();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++)
            open_session(id);
        cr_assert_eq(f.p->session_count, MANY);
        expire_all();
        cr_assert_leq(allocated(), before + SLACK);
    }
    fixture_close(&f);
}

Test(memory, of_too_many_sessions_only_so_many_stay)
{
    char id[64];
    fixture_open(&f);
    f.config->max_sessions = 100;
    for (int i = 0; i < 200; i++)
        open_session(id);
    size_t before = allocated();
    for (int i = 0; i < MANY; i++)
        open_session(id);
    cr_assert_eq(f.p->session_count, 100);
    cr_assert_leq(allocated(), before + SLACK);
    fixture_close(&f);
}

static int any_answer(struct gn_question *q, const gantry_json *result, struct gn_error *err)
{
    (void)q, (void)result, (void)err;
    return 0;
}

static int run_wait(gantry_call *call, const void *in)
{
    struct gn_question q = {.key = "sure",
                            .method = "elicitation/create",
                            .params = "{\"message\":\"?\"}",
                            .params_len = 15,
                            .check = any_answer};
    struct gn_question *v[] = {&q};
    (void)in;
    int rc = gn_call_ask(call, v, 1);
    struct gn_content content = {.kind = GN_CONTENT_TEXT, .text = "done", .len = 4};
    return rc ? GANTRY_ECANCELED : gn_call_add(call, &content);
}

/* Calls the tool, with the state of an earlier call or without, and writes down the new state. */
static void call_wait(char *state, size_t size)
{
    struct client c;
    GN_AUTO_FREE char *params = gn_format("\"name\":\"wait\",\"arguments\":{}%s%s%s",
                                          *state ? ",\"requestState\":\"" : "", state,
                                          *state ? "\",\"inputResponses\":{\"sure\":{}}" : "");
    bool asks = !*state;
    post_stateless(&f, &c, "tools/call", "wait", params);
    run_until_int(&f, &c.status, 1);
    const char *at = strstr(client_last(&c), "\"requestState\":\"");
    cr_assert_eq(at != NULL, asks, "%s", client_last(&c));
    if (asks) {
        at += strlen("\"requestState\":\"");
        size_t len = strcspn(at, "\"");
        cr_assert_lt(len, size);
        memcpy(state, at, len);
        state[len] = '\0';
    }
    client_free(&c);
}

static void park_all(char (*states)[512])
{
    for (int i = 0; i < PARKED; i++) {
        *states[i] = '\0';
        call_wait(states[i], sizeof(states[i]));
    }
    cr_assert_eq(f.p->parking->count, PARKED);
}

static void end_all(void)
{
    gn_parking_clear(f.p->parking);
    for (int i = 0; f.env.alive > 0; i++) {
        cr_assert_lt(i, 10000);
        run_some(&f);
    }
    cr_assert_eq(f.p->parking->count, 0);
    cr_assert_eq(f.p->parking->bytes, 0);
}

static void answer_all(char (*states)[512])
{
    for (int i = 0; i < PARKED; i++)
        call_wait(states[i], sizeof(states[i]));
    cr_assert_eq(f.p->parking->count, 0);
    cr_assert_eq(f.p->parking->bytes, 0);
    cr_assert_eq(gn_spent_count(f.p->parking->spent), PARKED);
    gn_spent_expire(f.p->parking->spent, UINT64_MAX);
    cr_assert_eq(gn_spent_count(f.p->parking->spent), 0);
}

Test(memory, parked_calls_leave_nothing_whether_they_are_answered_or_not)
{
    static char states[PARKED][512];
    fixture_open(&f);
    fixture_add(&f, GN_TOOL, "wait", run_wait, 0);
    park_all(states); /* fills the caches of stacks and arenas */
    end_all();
    size_t before = allocated();
    for (int turn = 0; turn < TURNS; turn++) {
        park_all(states);
        end_all();
        cr_assert_leq(allocated(), before + SLACK, "not answered");
        park_all(states);
        answer_all(states);
        cr_assert_leq(allocated(), before + SLACK, "answered");
    }
    fixture_close(&f);
}
