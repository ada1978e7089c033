/* buf.c - the byte buffer. */
#include "util/buf.h"

#include "support.h"
#include "util/alloc.h"
#include "util/error.h"

#include <string.h>

GN_SUITE(buf);

Test(buf, grows_and_stays_terminated)
{
    struct gn_buf b = GN_BUF_INIT(1000);
    cr_assert_str_eq(gn_buf_str(&b), "");
    for (int i = 0; i < 100; i++)
        cr_assert_eq(gn_buf_addf(&b, "%d,", i % 10), 0);
    cr_assert_eq(b.len, 200);
    cr_assert_eq(strlen(b.data), 200);
    cr_assert_eq(memcmp(b.data, "0,1,2,3,", 8), 0);
    gn_buf_release(&b);
    cr_assert_null(b.data);
    cr_assert_eq(b.max, 1000);
}

Test(buf, holds_exactly_its_maximum)
{
    struct gn_buf b = GN_BUF_INIT(5);
    cr_assert_eq(gn_buf_adds(&b, "12345"), 0);
    cr_assert_eq(gn_buf_addc(&b, '6'), GN_ETOOBIG);
    cr_assert(b.overflow);
    cr_assert_str_eq(b.data, "12345");
    gn_buf_release(&b);
}

Test(buf, overflow_stays_until_cleared)
{
    struct gn_buf b = GN_BUF_INIT(4);
    cr_assert_eq(gn_buf_adds(&b, "abcde"), GN_ETOOBIG);
    cr_assert_eq(gn_buf_adds(&b, "a"), GN_ETOOBIG);
    cr_assert_eq(gn_buf_addf(&b, "a"), GN_ETOOBIG);
    cr_assert_null(gn_buf_reserve(&b, 1));
    cr_assert_eq(b.len, 0);
    gn_buf_clear(&b);
    cr_assert_eq(gn_buf_adds(&b, "a"), 0);
    cr_assert_str_eq(b.data, "a");
    gn_buf_release(&b);
}

Test(buf, overflowing_format_adds_nothing)
{
    struct gn_buf b = GN_BUF_INIT(70);
    gn_buf_adds(&b, "start");
    cr_assert_eq(gn_buf_addf(&b, "%0100d", 1), GN_ETOOBIG);
    cr_assert_str_eq(b.data, "start");
    gn_buf_release(&b);
}

Test(buf, absurd_lengths_do_not_wrap)
{
    struct gn_buf b = GN_BUF_INIT(SIZE_MAX);
    gn_buf_adds(&b, "x");
    cr_assert_null(gn_buf_reserve(&b, SIZE_MAX - 1));
    cr_assert(b.overflow);
    gn_buf_release(&b);
}

Test(buf, reserve_cut_and_consume)
{
    struct gn_buf b = GN_BUF_INIT(100);
    char *at = gn_buf_reserve(&b, 6);
    memcpy(at, "abcdef", 6);
    b.len += 6;
    gn_buf_consume(&b, 2);
    cr_assert_eq(memcmp(b.data, "cdef", 4), 0);
    gn_buf_cut(&b, 3);
    cr_assert_str_eq(b.data, "cde");
    gn_buf_consume(&b, 3);
    cr_assert_str_eq(gn_buf_str(&b), "");
    gn_buf_release(&b);
}

Test(buf, take_hands_memory_over)
{
    struct gn_buf b = GN_BUF_INIT(100);
    size_t len = 1;
    char *empty = gn_buf_take(&b, &len);
    cr_assert_str_eq(empty, "");
    cr_assert_eq(len, 0);
    gn_buf_adds(&b, "text");
    char *text = gn_buf_take(&b, &len);
    cr_assert_str_eq(text, "text");
    cr_assert_eq(len, 4);
    cr_assert_eq(b.len, 0);
    cr_assert_null(b.data);
    gn_free(empty);
    gn_free(text);
}
