/* timers.c - timers of a call. */
#include "call/timers.h"

#include "rig.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(timers);

struct fixture {
    struct rig rig;
    struct gn_call *call;
};

static void set_up(struct fixture *f)
{
    rig_open(&f->rig);
    f->call = gn_call_new(&f->rig.env, NULL, NULL);
    f->call->method = "tools/call";
}

static void tear_down(struct fixture *f)
{
    gn_call_unref(f->call);
    rig_close(&f->rig);
}

Test(timers, add_up)
{
    struct fixture f;
    double one = -1, both = -1;
    set_up(&f);
    cr_assert_eq(gn_call_timer_begin(f.call, "a"), 0);
    cr_assert_eq(gn_call_timer_elapsed(f.call, "a", &one), 0);
    cr_assert_eq(one, 0);
    cr_assert_eq(gn_call_timer_end(f.call, "a"), 0);
    cr_assert_eq(gn_call_timer_elapsed(f.call, "a", &one), 0);
    cr_assert_gt(one, 0);
    cr_assert_eq(gn_call_timer_begin(f.call, "a"), 0);
    cr_assert_eq(gn_call_timer_end(f.call, "a"), 0);
    cr_assert_eq(gn_call_timer_elapsed(f.call, "a", &both), 0);
    cr_assert_gt(both, one);
    tear_down(&f);
}

Test(timers, of_one_name_may_be_nested)
{
    struct fixture f;
    double seconds = -1;
    set_up(&f);
    cr_assert_eq(gn_call_timer_begin(f.call, "a"), 0);
    cr_assert_eq(gn_call_timer_begin(f.call, "a"), 0);
    cr_assert_eq(gn_call_timer_end(f.call, "a"), 0);
    cr_assert_eq(gn_call_timer_elapsed(f.call, "a", &seconds), 0);
    cr_assert_eq(seconds, 0);
    cr_assert_eq(gn_call_timer_end(f.call, "a"), 0);
    cr_assert_eq(gn_call_timer_elapsed(f.call, "a", &seconds), 0);
    cr_assert_gt(seconds, 0);
    tear_down(&f);
}

Test(timers, refuse_what_makes_no_sense)
{
    struct fixture f;
    double seconds;
    char name[GN_CALL_TIMER_NAME + 2];
    set_up(&f);
    cr_assert_eq(gn_call_timer_end(f.call, "a"), GN_EINVAL);
    cr_assert_eq(gn_call_timer_elapsed(f.call, "a", &seconds), GN_ENOENT);
    cr_assert_eq(gn_call_timer_summary(f.call), GN_ENOENT);
    cr_assert_eq(gn_call_timer_begin(f.call, NULL), GN_EINVAL);
    cr_assert_eq(gn_call_timer_begin(f.call, ""), GN_EINVAL);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    cr_assert_eq(gn_call_timer_begin(f.call, name), GN_EINVAL);
    name[sizeof name - 2] = '\0';
    cr_assert_eq(gn_call_timer_begin(f.call, name), 0);
    cr_assert_eq(gn_call_timer_summary(f.call), GN_ENOENT);
    cr_assert_eq(gn_call_timer_end(f.call, name), 0);
    cr_assert_eq(gn_call_timer_end(f.call, name), GN_EINVAL);
    tear_down(&f);
}

Test(timers, are_at_most_64)
{
    struct fixture f;
    char name[16];
    set_up(&f);
    for (int i = 0; i < GN_CALL_TIMERS_MAX; i++) {
        snprintf(name, sizeof name, "t%d", i);
        cr_assert_eq(gn_call_timer_begin(f.call, name), 0);
        cr_assert_eq(gn_call_timer_end(f.call, name), 0);
    }
    cr_assert_eq(gn_call_timer_begin(f.call, "one more"), GN_ETOOBIG);
    cr_assert_eq(gn_call_timer_begin(f.call, "t5"), 0);
    cr_assert_eq(gn_call_timer_summary(f.call), 0);
    tear_down(&f);
}

Test(timers, are_summed_up_in_one_line)
{
    struct fixture f;
    set_up(&f);
    for (int i = 0; i < 3; i++) {
        gn_call_timer_begin(f.call, "query");
        gn_call_timer_end(f.call, "query");
    }
    gn_call_timer_begin(f.call, "all");
    gn_call_timer_end(f.call, "all");
    gn_call_timer_begin(f.call, "never ended");
    cr_assert_eq(gn_call_timer_summary(f.call), 0);
    char *line = f.rig.logged;
    cr_assert_eq(strspn(line, "query "), 6);
    cr_assert(strstr(line, " ms (3 times), all "), "%s", line);
    cr_assert_null(strstr(line, "never"));
    cr_assert_eq(strchr(line, '\n')[1], '\0');
    tear_down(&f);
}
