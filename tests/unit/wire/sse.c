/* sse.c - Server-Sent Events. */
#include "wire/sse.h"

#include "support.h"
#include "util/error.h"

#include <string.h>

GN_SUITE(sse);

static struct gn_buf seen = {.max = 100000}; /* [event|id|data] of each event */

static int note(void *arg, const struct gn_sse_event *e)
{
    cr_assert_eq(e->data[e->len], '\0');
    gn_buf_addf(&seen, "[%s|%s|", e->event, e->id);
    gn_buf_add(&seen, e->data, e->len);
    gn_buf_addc(&seen, ']');
    return arg ? *(int *)arg : 0;
}

static void done(void)
{
    gn_buf_release(&seen);
}

/* Fed whole, byte by byte and in all cuts in two, a stream must mean the same. */
static void check(const char *stream, size_t len, const char *want)
{
    for (size_t cut = 0; cut <= len + 1; cut++) {
        struct gn_sse_parser p;
        gn_sse_parser_init(&p, 1000, note, NULL);
        gn_buf_clear(&seen);
        if (cut <= len) {
            cr_assert_eq(gn_sse_feed(&p, stream, cut), 0);
            cr_assert_eq(gn_sse_feed(&p, stream + cut, len - cut), 0);
        } else {
            for (size_t i = 0; i < len; i++)
                cr_assert_eq(gn_sse_feed(&p, stream + i, 1), 0);
        }
        cr_assert_str_eq(gn_buf_str(&seen), want, "cut at %zu: %s", cut, gn_buf_str(&seen));
        gn_sse_parser_release(&p);
    }
}

#define CHECK(stream, want) check(stream, sizeof(stream) - 1, want)

Test(sse, events_are_parsed_however_they_arrive, .fini = done)
{
    CHECK("data: a\n\n", "[message||a]");
    CHECK("data:a\r\n\r\ndata: b\r\rdata:  c\n\n", "[message||a][message||b][message|| c]");
    CHECK("event: x\nid: 7\ndata: 1\ndata: 2\n\ndata: 3\n\n", "[x|7|1\n2][message|7|3]");
    CHECK("\xEF\xBB\xBF"
          "data: a\n\n",
          "[message||a]");
    CHECK("\xEF\xBB"
          "data: a\n\ndata: b\n\n",
          "[message||b]");
    CHECK(": comment\n:\nretry: 100\nunknown: x\ndata\n\n", "[message||]");
    CHECK("data: a\n: between\ndata: b\n\n", "[message||a\nb]");
    CHECK("data: a\0b\n\n", "[message||a");
}

Test(sse, only_whole_events_with_data_are_reported, .fini = done)
{
    CHECK("data: never ended\n", "");
    CHECK("event: x\n\ndata: a\n\n", "[message||a]");
    CHECK("id: 3\n\ndata: a\n\n", "[message|3|a]");
    CHECK("id: 3\ndata: a\n\nid\ndata: b\n\n", "[message|3|a][message||b]");
    CHECK("id: 3\nid: a\0b\ndata: a\n\n", "[message|3|a]");
    CHECK("\n\n\n", "");
    CHECK("", "");
}

Test(sse, last_id_and_retry_are_kept, .fini = done)
{
    struct gn_sse_parser p;
    gn_sse_parser_init(&p, 1000, note, NULL);
    cr_assert_str_eq(gn_sse_last_id(&p), "");
    cr_assert_eq(p.retry_ms, -1);
    static const char stream[] = "id: abc\n\nretry: 2500\nretry: 1x\nretry: -1\nretry:\n";
    cr_assert_eq(gn_sse_feed(&p, stream, sizeof(stream) - 1), 0);
    cr_assert_str_eq(gn_sse_last_id(&p), "abc");
    cr_assert_eq(p.retry_ms, 2500);
    gn_sse_parser_release(&p);
}

Test(sse, limits_hold_and_failure_stays, .fini = done)
{
    struct gn_sse_parser p;
    char line[120];
    memset(line, 'x', sizeof(line));
    gn_sse_parser_init(&p, 100, note, NULL);
    cr_assert_eq(gn_sse_feed(&p, line, 100), 0);
    cr_assert_eq(gn_sse_feed(&p, line, 1), GN_ETOOBIG);
    cr_assert_eq(gn_sse_feed(&p, "\n", 1), GN_ETOOBIG);
    gn_sse_parser_release(&p);

    gn_sse_parser_init(&p, 100, note, NULL); /* the same in one piece */
    line[101] = '\n';
    cr_assert_eq(gn_sse_feed(&p, line, 102), GN_ETOOBIG);
    gn_sse_parser_release(&p);

    gn_sse_parser_init(&p, 100, note, NULL); /* many short lines make one long event */
    int rc = 0, lines = 0;
    while (rc == 0 && lines++ < 1000)
        rc = gn_sse_feed(&p, "data: 123456789\n", 16);
    cr_assert_eq(rc, GN_ETOOBIG);
    cr_assert_eq(lines, 11);
    gn_sse_parser_release(&p);

    gn_sse_parser_init(&p, 10, note, NULL); /* exactly the limit */
    cr_assert_eq(gn_sse_feed(&p, "data:12345\ndata:6789\n\n", 22), 0);
    cr_assert_str_eq(gn_buf_str(&seen), "[message||12345\n6789]");
    gn_sse_parser_release(&p);
}

Test(sse, the_callback_can_stop_the_stream, .fini = done)
{
    struct gn_sse_parser p;
    int stop = GN_ECANCELED;
    gn_sse_parser_init(&p, 1000, note, &stop);
    cr_assert_eq(gn_sse_feed(&p, "data: a\n\ndata: b\n\n", 18), GN_ECANCELED);
    cr_assert_str_eq(seen.data, "[message||a]");
    cr_assert_eq(gn_sse_feed(&p, "data: c\n\n", 9), GN_ECANCELED);
    cr_assert_str_eq(seen.data, "[message||a]");
    gn_sse_parser_release(&p);
}

Test(sse, what_is_written_is_as_expected, .fini = done)
{
    struct gn_buf b = GN_BUF_INIT(1000);
    cr_assert_eq(gn_sse_write_event(&b, "message", "1-2", "{\"a\":1}", 7), 0);
    cr_assert_str_eq(b.data, "id: 1-2\nevent: message\ndata: {\"a\":1}\n\n");
    gn_buf_clear(&b);
    cr_assert_eq(gn_sse_write_event(&b, NULL, NULL, "", 0), 0);
    cr_assert_str_eq(b.data, "data: \n\n");
    gn_buf_clear(&b);
    gn_sse_write_comment(&b, "keep\nalive");
    cr_assert_str_eq(b.data, ": keep\n: alive\n\n");
    gn_buf_clear(&b);
    gn_sse_write_retry(&b, 3000);
    cr_assert_str_eq(b.data, "retry: 3000\n");
    gn_buf_clear(&b);
    cr_assert_eq(gn_sse_write_event(&b, "a\nb", NULL, "", 0), GN_EINVAL);
    cr_assert_eq(gn_sse_write_event(&b, NULL, "a\rb", "", 0), GN_EINVAL);
    cr_assert_eq(b.len, 0);
    gn_buf_release(&b);
    gn_buf_init(&b, 10);
    cr_assert_eq(gn_sse_write_event(&b, NULL, NULL, "too long", 8), GN_ETOOBIG);
    gn_buf_release(&b);
}

Test(sse, what_is_written_is_read_back, .fini = done)
{
    static const char *const texts[][2] = {
        {"a", "a"},         {"a\nb", "a\nb"}, {"a\r\nb\rc", "a\nb\nc"},
        {"\n", "\n"},       {"", ""},         {" lead", " lead"},
        {"end\n", "end\n"}, {":x", ":x"},     {"\r\r\n\n", "\n\n\n"}};
    for (size_t i = 0; i < GN_COUNT(texts); i++) {
        struct gn_buf b = GN_BUF_INIT(1000), want = GN_BUF_INIT(1000);
        gn_sse_write_comment(&b, "c");
        gn_sse_write_event(&b, "e", "i", texts[i][0], strlen(texts[i][0]));
        gn_buf_addf(&want, "[e|i|%s]", texts[i][1]);
        check(b.data, b.len, want.data);
        gn_buf_release(&b);
        gn_buf_release(&want);
    }
}

/* Quadratic work would take hours here. */
Test(sse, a_flood_of_line_ends_is_no_burden, .fini = done)
{
    static char flood[4 << 20];
    memset(flood, '\r', sizeof(flood));
    struct gn_sse_parser p;
    gn_sse_parser_init(&p, 1000, note, NULL);
    cr_assert_eq(gn_sse_feed(&p, flood, sizeof(flood)), 0);
    gn_sse_parser_release(&p);
    struct gn_buf b = GN_BUF_INIT(64 << 20);
    cr_assert_eq(gn_sse_write_event(&b, NULL, NULL, flood, sizeof(flood)), 0);
    gn_buf_release(&b);
}
