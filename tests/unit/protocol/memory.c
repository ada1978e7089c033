/* memory.c - what clients leave behind when they go: nothing. */
#include "fixture.h"

#include "protocol/internal.h"

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
