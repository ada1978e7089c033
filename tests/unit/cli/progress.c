/* progress.c - the arithmetic of progress, and the line that shows it. */
#include "progress.h"

#include "support.h"
#include "text.h"
#include "util/str.h"

#include <math.h>
#include <string.h>

GN_SUITE(cli_progress);

static void check_line(const struct gn_progress *p, size_t columns, const char *want)
{
    struct gn_buf out = GN_BUF_INIT(4096);
    size_t bar;
    gn_progress_add_line(p, columns, &out, &bar);
    cr_assert_str_eq(gn_buf_str(&out), want);
    cr_assert_eq(bar, *want == '[' ? strcspn(want, "]") + 1 : 0);
    gn_buf_release(&out);
}

Test(cli_progress, the_bar_and_the_percentage_grow)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 0, 0, 4, NULL);
    check_line(&p, 80, "[                    ]   0% 0/4");
    gn_progress_add(&p, 10, 1, 4, "first");
    check_line(&p, 80, "[#####               ]  25% 1/4 first");
    gn_progress_add(&p, 20, 4, 4, NULL);
    check_line(&p, 80, "[####################] 100% 4/4 first");
    gn_progress_release(&p);
}

Test(cli_progress, almost_is_not_done)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 0, 9999, 10000, NULL);
    check_line(&p, 18, "[########## ]  99%");
    gn_progress_add(&p, 0, 20000, 10000, NULL);
    check_line(&p, 18, "[###########] 100%");
    gn_progress_release(&p);
}

Test(cli_progress, the_rate_is_of_the_last_seconds)
{
    struct gn_progress p = {0};
    for (unsigned i = 0; i <= 40; i++)
        gn_progress_add(&p, 1000 + i * 1000, i * 2, 100, NULL);
    cr_assert_float_eq(gn_progress_rate(&p), 2, 1e-9);
    cr_assert_float_eq(gn_progress_left(&p), 10, 1e-9);
    check_line(&p, 80, "[################    ]  80% 2/s 0:10 left");
    for (unsigned i = 1; i <= 100; i++) /* it became faster */
        gn_progress_add(&p, 41000 + i * 1000, 80 + i * 50, 10000, NULL);
    cr_assert_float_eq(gn_progress_rate(&p), 50, 1e-9);
    gn_progress_release(&p);
}

Test(cli_progress, a_moment_says_nothing_of_the_rate)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 1000, 1, 10, NULL);
    gn_progress_add(&p, 1400, 5, 10, NULL);
    cr_assert_eq(gn_progress_rate(&p), 0);
    cr_assert_lt(gn_progress_left(&p), 0);
    gn_progress_add(&p, 1500, 6, 10, NULL);
    cr_assert_eq(gn_progress_rate(&p), 0, "samples are kept a quarter of a second apart");
    gn_progress_add(&p, 2000, 6, 10, NULL);
    cr_assert_float_eq(gn_progress_rate(&p), 5, 1e-9);
    gn_progress_release(&p);
}

Test(cli_progress, going_back_begins_anew)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 1000, 0, 10, NULL);
    gn_progress_add(&p, 3000, 8, 10, NULL);
    cr_assert_gt(gn_progress_rate(&p), 0);
    gn_progress_add(&p, 4000, 1, 5, NULL);
    cr_assert_eq(gn_progress_rate(&p), 0);
    gn_progress_release(&p);
}

Test(cli_progress, without_a_total_there_is_a_count)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 0, 1, 0, NULL);
    gn_progress_add(&p, 2000, 2001, 0, "rows");
    check_line(&p, 80, "2001 1000/s rows");
    gn_progress_add(&p, 2100, 2001.5, 0, NULL);
    check_line(&p, 80, "2002 1000/s rows");
    check_line(&p, 8, "2002");
    gn_progress_release(&p);
}

Test(cli_progress, a_share_needs_no_count)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 0, 0.5, 1, NULL);
    check_line(&p, 60, "[########         ]  50%");
    gn_progress_release(&p);
}

Test(cli_progress, long_waits_are_in_hours_and_endless_ones_not_told)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 0, 0, 10000, NULL);
    gn_progress_add(&p, 1000, 1, 10000, NULL);
    check_line(&p, 80, "[                    ]   0% 1/10000 1/s 2:46:39 left");
    gn_progress_add(&p, 2000, 2, 1e9, NULL);
    cr_assert_lt(gn_progress_left(&p), 0);
    gn_progress_release(&p);
}

Test(cli_progress, numbers_without_sense_count_as_nothing)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 0, NAN, -5, NULL);
    check_line(&p, 40, "0");
    gn_progress_add(&p, 1, INFINITY, INFINITY, NULL);
    check_line(&p, 40, "0");
    gn_progress_add(&p, 2000, 1e300, 1e308, NULL);
    gn_progress_add(&p, 4000, 1.7e308, 1.7e308, NULL);
    check_line(&p, 60, "[#################] 100% 1.7e+308/1.7e+308");
    gn_progress_release(&p);
}

Test(cli_progress, what_a_server_says_is_harmless_and_one_line)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 0, 1, 0, "a\x1b[2J\nb\rc");
    check_line(&p, 80, "1 a\\x1b[2J\\nb\\x0dc");
    gn_progress_release(&p);
}

Test(cli_progress, no_line_is_wider_than_there_is_room)
{
    struct gn_progress p = {0};
    gn_progress_add(&p, 0, 0, 1234567, NULL);
    gn_progress_add(&p, 9000, 234567, 1234567,
                    "世界 a message that is rather long, and has wide letters: 世界世界世界世界");
    for (size_t columns = 1; columns < 140; columns++) {
        struct gn_buf out = GN_BUF_INIT(4096);
        size_t bar;
        gn_progress_add_line(&p, columns, &out, &bar);
        cr_assert_leq(gn_text_width(gn_buf_str(&out), out.len), columns, "%zu: %s", columns,
                      gn_buf_str(&out));
        cr_assert_leq(bar, out.len);
        gn_buf_release(&out);
    }
    gn_progress_release(&p);
}
