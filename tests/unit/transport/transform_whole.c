/* transform_whole.c - long answers (lists) go to the socket without another copy. */
#include "transport/queue.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(transform_whole);

#define LONG ((size_t)300 << 10)

static void fill(struct gn_buf *b, size_t len)
{
    gn_buf_init(b, 1 << 20);
    char *text = gn_buf_reserve(b, len);
    cr_assert_not_null(text);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i % 26);
    b->len = len;
    text[len] = '\0';
}

/* Reads all of it, in pieces of an odd size. */
static char *drain(struct gn_queue *q, size_t len)
{
    char *all = gn_calloc(1, len + 1);
    size_t at = 0, n;
    for (const char *front; (front = gn_queue_front(q, &n));) {
        n = GN_MIN(n, (size_t)70001);
        cr_assert_leq(at + n, len);
        memcpy(all + at, front, n);
        at += n;
        gn_queue_used(q, n);
    }
    cr_assert_eq(at, len);
    return all;
}

Test(transform_whole, a_long_message_is_taken_over_and_a_short_one_copied)
{
    static const size_t lens[] = {1, 1000, LONG};
    for (size_t i = 0; i < GN_COUNT(lens); i++) {
        struct gn_queue q;
        struct gn_buf b;
        uint64_t total = 0;
        gn_queue_init(&q, 1 << 20, &total);
        fill(&b, lens[i]);
        GN_AUTO_FREE char *same = gn_strndup(b.data, b.len);
        gn_queue_add(&q, "head ", 5);
        gn_queue_add_whole(&q, b.data, b.len, &b);
        gn_queue_add(&q, " tail", 5);
        cr_assert_eq(b.data == NULL, lens[i] == LONG);
        cr_assert_eq(q.len, lens[i] + 10);
        cr_assert_geq(total, q.len);
        GN_AUTO_FREE char *all = drain(&q, lens[i] + 10);
        cr_assert_eq(memcmp(all, "head ", 5), 0);
        cr_assert_eq(memcmp(all + 5, same, lens[i]), 0);
        cr_assert_str_eq(all + 5 + lens[i], " tail");
        cr_assert_eq(q.len, 0);
        gn_queue_release(&q);
        cr_assert_eq(total, 0);
        gn_buf_release(&b);
    }
}

Test(transform_whole, what_is_elsewhere_is_copied)
{
    struct gn_queue q;
    struct gn_buf b;
    gn_queue_init(&q, 1 << 20, NULL);
    fill(&b, LONG);
    gn_queue_add_whole(&q, b.data, b.len, NULL);
    gn_queue_add_whole(&q, b.data + 1, b.len - 1, &b);
    gn_queue_add_whole(&q, b.data, b.len - 1, &b);
    cr_assert_not_null(b.data);
    cr_assert_eq(q.len, 3 * LONG - 2);
    gn_buf_release(&b);
    gn_queue_release(&q);
}

Test(transform_whole, what_was_taken_over_is_freed_with_the_queue)
{
    struct gn_queue q;
    struct gn_buf b;
    uint64_t total = 0;
    gn_queue_init(&q, 1 << 20, &total);
    for (int i = 0; i < 3; i++) {
        fill(&b, LONG);
        gn_queue_add_whole(&q, b.data, b.len, &b);
        gn_buf_release(&b);
    }
    gn_queue_used(&q, LONG + 7);
    gn_queue_release(&q);
    cr_assert_eq(total, 0);
}
