/* parse.c - heads of requests, chunked bodies, checks of header values, the output queue. */
#include "support.h"

#include "transport/chunked.h"
#include "transport/guard.h"
#include "transport/http_parse.h"
#include "transport/queue.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(parse);

static int parse(struct gn_http_head *head, struct gn_arena *arena, const char *text)
{
    size_t scanned = 0, len = strlen(text);
    gn_arena_init(arena, 1u << 20);
    size_t end = gn_http_head_end(text, len, &scanned);
    cr_assert_eq(end, len, "\"%s\" ends at %zu", text, end);
    return gn_http_head_parse(head, arena, text, len);
}

Test(parse, a_head_is_taken_apart)
{
    struct gn_http_head head;
    struct gn_arena arena;
    int r = parse(
        &head, &arena,
        "POST /mcp?a=b HTTP/1.1\r\nHost: Localhost\r\nACCEPT: a\r\nX-Empty:\r\nAccept:\t b \r\n\r\n");
    cr_assert_eq(r, 0);
    cr_assert_str_eq(head.method, "POST");
    cr_assert_str_eq(head.path, "/mcp");
    cr_assert_null(head.authority);
    cr_assert_eq(head.minor, 1);
    cr_assert_eq(head.field_count, 3);
    cr_assert_str_eq(gn_http_head_find(&head, "host"), "Localhost");
    cr_assert_str_eq(gn_http_head_find(&head, "accept"), "a, b");
    cr_assert_str_eq(gn_http_head_find(&head, "x-empty"), "");
    cr_assert_null(gn_http_head_find(&head, "x"));
    gn_arena_release(&arena);
}

Test(parse, targets_come_in_three_forms)
{
    struct gn_http_head head;
    struct gn_arena arena;
    cr_assert_eq(parse(&head, &arena, "GET http://a.example:80/x/y?z HTTP/1.0\r\n\r\n"), 0);
    cr_assert_str_eq(head.authority, "a.example:80");
    cr_assert_str_eq(head.path, "/x/y");
    cr_assert_eq(head.minor, 0);
    gn_arena_release(&arena);
    cr_assert_eq(parse(&head, &arena, "GET https://a HTTP/1.1\r\n\r\n"), 0);
    cr_assert_str_eq(head.authority, "a");
    cr_assert_str_eq(head.path, "/");
    gn_arena_release(&arena);
    cr_assert_eq(parse(&head, &arena, "GET https://a?b HTTP/1.1\r\n\r\n"), 0);
    cr_assert_str_eq(head.path, "/");
    gn_arena_release(&arena);
    cr_assert_eq(parse(&head, &arena, "OPTIONS * HTTP/1.1\r\n\r\n"), 0);
    cr_assert_str_eq(head.path, "*");
    gn_arena_release(&arena);
}

Test(parse, the_end_of_a_head_is_found_wherever_it_is_cut)
{
    static const char text[] = "GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
    size_t head_len = strlen(text) - 4;
    for (size_t cut = 0; cut < head_len; cut++) {
        size_t scanned = 0;
        cr_assert_eq(gn_http_head_end(text, cut, &scanned), 0);
        cr_assert_eq(gn_http_head_end(text, strlen(text), &scanned), head_len, "cut at %zu", cut);
    }
    size_t scanned = 0;
    for (size_t len = 0; len < head_len; len++)
        cr_assert_eq(gn_http_head_end(text, len, &scanned), 0);
    cr_assert_eq(gn_http_head_end(text, head_len, &scanned), head_len);
}

Test(parse, what_is_no_request_is_refused)
{
    static const char *const wrong[] = {
        " GET / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET / HTTP/1\r\n\r\n",
        "GET / http/1.1\r\n\r\n",
        "GET /\r\n\r\n",
        "GET\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        "GET x HTTP/1.1\r\n\r\n",
        "GET http:// HTTP/1.1\r\n\r\n",
        "GET ftp://a/ HTTP/1.1\r\n\r\n",
        "GET * HTTP/1.1\r\n\r\n",
        "GET /a#b HTTP/1.1\r\n\r\n",
        "GET /a\x01 HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n: a\r\n\r\n",
        "GET / HTTP/1.1\r\nA\r\n\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\n A: b\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\x7f\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\nA: b\r\n\r\n",
    };
    struct gn_http_head head;
    struct gn_arena arena;
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        cr_assert_eq(parse(&head, &arena, wrong[i]), 400, "\"%s\"", wrong[i]);
        gn_arena_release(&arena);
    }
    cr_assert_eq(parse(&head, &arena, "GET / HTTP/2.0\r\n\r\n"), 505);
    gn_arena_release(&arena);
}

static struct gn_buf unchunk(const char *text, size_t piece_max, int *ret)
{
    struct gn_chunked c;
    struct gn_buf out = GN_BUF_INIT(1000);
    gn_chunked_init(&c);
    size_t len = strlen(text);
    *ret = GN_CHUNKED_MORE;
    while (len && *ret == GN_CHUNKED_MORE) {
        size_t part = GN_MIN(len, piece_max), left = part;
        const char *at = text, *piece;
        size_t piece_len;
        while ((*ret = gn_chunked_next(&c, &at, &left, &piece, &piece_len)) == GN_CHUNKED_DATA)
            gn_buf_add(&out, piece, piece_len);
        text += part - left;
        len -= part - left;
    }
    if (*ret == GN_CHUNKED_END)
        gn_buf_addf(&out, "|%s", text);
    return out;
}

Test(parse, chunks_are_joined_however_they_arrive)
{
    for (size_t max = 1; max < 40; max++) {
        int r;
        struct gn_buf out = unchunk(
            "3\r\nabc\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nT: u\r\nV: w\r\n\r\nnext", max, &r);
        cr_assert_eq(r, GN_CHUNKED_END);
        cr_assert_str_eq(out.data, "abc0123456789|next");
        gn_buf_release(&out);
    }
}

Test(parse, malformed_chunks_are_refused)
{
    static const char *const wrong[] = {
        "\r\n",
        "x\r\n",
        "-1\r\n",
        " 1\r\n",
        "1\nab",
        "1\r\nab\r\n",
        "1\r\na\n",
        "1\r\na\r0",
        "0\r\n\n",
        "0\n",
        "1234567890123\r\n",
        "1;a\nb",
        "0\r\nA: b\n\r\n",
        "+1\r\n",
        "0x1\r\n",
        "1,\r\n",
    };
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        int r;
        struct gn_buf out = unchunk(wrong[i], 3, &r);
        cr_assert_eq(r, GN_EPROTO, "\"%s\"", wrong[i]);
        gn_buf_release(&out);
    }
    int r;
    GN_AUTO_FREE char *trailers = gn_format("0\r\nA: %010000d", 0);
    struct gn_buf out = unchunk(trailers, 100, &r);
    cr_assert_eq(r, GN_EPROTO);
    gn_buf_release(&out);
}

Test(parse, accept_headers_are_weighed)
{
    static const struct {
        const char *accept;
        bool json, events;
    } table[] = {
        {NULL, true, false},
        {"", true, false},
        {"application/json, text/event-stream", true, true},
        {"Application/JSON;charset=utf-8 , TEXT/Event-Stream;q=0.1", true, true},
        {"*/*", true, false},
        {"application/*", true, false},
        {"text/*", false, false},
        {"text/html", false, false},
        {"application/json;q=0", false, false},
        {"application/json;q=0.000, */*", false, false},
        {"*/*, application/json;q=0", false, false},
        {"application/json;q=0.001", true, false},
        {"application/json-seq", false, false},
        {"text/event-stream; q=0", false, false},
        {",,text/event-stream", false, true},
    };
    for (size_t i = 0; i < GN_COUNT(table); i++) {
        cr_assert_eq(gn_guard_accepts(table[i].accept, "application/json"), table[i].json, "%s",
                     table[i].accept);
        cr_assert_eq(gn_guard_names(table[i].accept, "text/event-stream"), table[i].events, "%s",
                     table[i].accept);
    }
}

Test(parse, lists_and_lengths)
{
    uint64_t n;
    cr_assert(gn_guard_has_token("keep-alive, Close", "close"));
    cr_assert_not(gn_guard_has_token("closed", "close"));
    cr_assert_not(gn_guard_has_token(NULL, "close"));
    cr_assert(gn_guard_length("0", &n) && n == 0);
    cr_assert(gn_guard_length("0012", &n) && n == 12);
    cr_assert_not(gn_guard_length("", &n));
    cr_assert_not(gn_guard_length("+1", &n));
    cr_assert_not(gn_guard_length("1, 1", &n));
    cr_assert_not(gn_guard_length("9007199254740993", &n));
    cr_assert(gn_guard_host("192.168.1.5:80", "192.168.1.5", NULL));
    cr_assert(gn_guard_host("[2001:db8::1]:80", "2001:db8:0::1", NULL));
    cr_assert_not(gn_guard_host("192.168.1.6", "192.168.1.5", NULL));
}

Test(parse, a_queue_keeps_order_and_bounds)
{
    struct gn_queue q;
    uint64_t total = 0;
    gn_queue_init(&q, 8000, &total);
    cr_assert_null(gn_queue_front(&q, &(size_t){0}));
    cr_assert_eq(gn_queue_room(&q, GN_MAY), 0);
    char expected[30000], got[30000];
    size_t put = 0, taken = 0;
    for (size_t i = 0; put < 20000; i++) {
        char piece[700];
        size_t len = 1 + i * 37 % sizeof(piece);
        memset(piece, (int)('a' + i % 26), len);
        memcpy(expected + put, piece, len);
        gn_queue_add(&q, piece, len);
        put += len;
        size_t front;
        const char *data = gn_queue_front(&q, &front);
        size_t use = GN_MIN(front, i % 3 * 200);
        memcpy(got + taken, data, use);
        gn_queue_used(&q, use);
        taken += use;
        cr_assert_eq(q.len, put - taken);
    }
    size_t len;
    for (const char *data; (data = gn_queue_front(&q, &len)); gn_queue_used(&q, len)) {
        memcpy(got + taken, data, len);
        taken += len;
    }
    cr_assert_eq(taken, put);
    cr_assert_eq(memcmp(expected, got, put), 0);
    cr_assert_eq(total, 0);
    gn_queue_add(&q, expected, 999);
    cr_assert_eq(gn_queue_room(&q, GN_MAY), 0);
    gn_queue_add(&q, expected, 1);
    cr_assert_eq(gn_queue_room(&q, GN_MAY), GN_EBUSY);
    gn_queue_add(&q, expected, 6999);
    cr_assert_eq(gn_queue_room(&q, GN_MUST), 0);
    gn_queue_add(&q, expected, 1);
    cr_assert_eq(gn_queue_room(&q, GN_MUST), GN_ETOOBIG);
    cr_assert_geq(total, 8000);
    gn_queue_used(&q, 100);
    cr_assert_geq(total, 8000, "a block is held until it is used up");
    gn_queue_release(&q);
    cr_assert_eq(total, 0);
}
