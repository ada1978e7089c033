/* spent.c - a state leads to one reply that a client receives. */
#include "protocol/spent.h"

#include "support.h"

#include <string.h>

GN_SUITE(spent);

#define NOW UINT64_C(1000000)
#define LATER (NOW + 3600000)

static struct gn_spent *spent;
static unsigned char id[GN_SEAL_ID];
static const char *result;
static size_t len;

static void begin(void)
{
    spent = gn_spent_new(4, 100);
}

static void end(void)
{
    gn_spent_free(spent);
}

static const unsigned char *id_of(int n)
{
    memset(id, 0, sizeof(id));
    memcpy(id, &n, sizeof(n));
    return id;
}

static enum gn_spent_status use(int n)
{
    return gn_spent_begin(spent, id_of(n), LATER, NOW, &result, &len);
}

static void use_up(int n)
{
    cr_assert_eq(use(n), GN_STATE_FRESH, "%d", n);
    gn_spent_done(spent, id_of(n));
}

static void use_and_keep(int n, const char *text)
{
    cr_assert_eq(use(n), GN_STATE_FRESH, "%d", n);
    gn_spent_keep(spent, id_of(n), text, strlen(text));
}

Test(spent, refuses_a_second_copy_while_the_first_runs, .init = begin)
{
    cr_assert_eq(use(1), GN_STATE_FRESH);
    cr_assert_null(result);
    cr_assert_eq(use(1), GN_STATE_RUNNING);
    cr_assert_eq(use(2), GN_STATE_FRESH, "another state");
    gn_spent_done(spent, id_of(1));
    cr_assert_eq(use(2), GN_STATE_RUNNING);
    gn_spent_done(spent, id_of(2));
    cr_assert_eq(gn_spent_count(spent), 2);
    end();
}

Test(spent, refuses_what_has_been_answered, .init = begin)
{
    use_up(1);
    cr_assert_eq(use(1), GN_STATE_SPENT);
    cr_assert_eq(use(1), GN_STATE_SPENT);
    cr_assert_null(result);
    end();
}

Test(spent, gives_a_lost_reply_again, .init = begin)
{
    char text[] = "{\"content\":[]}";
    use_and_keep(1, text);
    memset(text, 'x', sizeof(text) - 1);
    cr_assert_eq(gn_spent_bytes(spent), 14);
    cr_assert_eq(use(1), GN_STATE_KEPT);
    cr_assert_str_eq(result, "{\"content\":[]}");
    cr_assert_eq(len, 14);
    cr_assert_eq(use(1), GN_STATE_RUNNING);
    gn_spent_done(spent, id_of(1));
    cr_assert_eq(use(1), GN_STATE_SPENT);
    cr_assert_eq(gn_spent_bytes(spent), 0);
    end();
}

Test(spent, gives_it_as_often_as_it_is_lost, .init = begin)
{
    use_and_keep(1, "\"once\"");
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(use(1), GN_STATE_KEPT);
        cr_assert_str_eq(result, "\"once\"");
        if (i == 1)
            gn_spent_forget(spent, id_of(1)); /* not even begun to be written */
        else
            gn_spent_keep(spent, id_of(1), result, len); /* its own memory */
        cr_assert_eq(gn_spent_bytes(spent), 6);
    }
    cr_assert_eq(use(1), GN_STATE_KEPT);
    gn_spent_done(spent, id_of(1));
    cr_assert_eq(use(1), GN_STATE_SPENT);
    end();
}

Test(spent, keeps_an_empty_reply, .init = begin)
{
    use_and_keep(1, "");
    cr_assert_eq(use(1), GN_STATE_KEPT);
    cr_assert_not_null(result);
    cr_assert_eq(len, 0);
    gn_spent_done(spent, id_of(1));
    end();
}

Test(spent, forgets_what_had_no_reply, .init = begin)
{
    cr_assert_eq(use(1), GN_STATE_FRESH);
    gn_spent_forget(spent, id_of(1));
    cr_assert_eq(gn_spent_count(spent), 0);
    cr_assert_eq(use(1), GN_STATE_FRESH);
    gn_spent_done(spent, id_of(1));
    end();
}

Test(spent, drops_the_oldest_of_too_many_but_none_that_runs, .init = begin)
{
    cr_assert_eq(use(1), GN_STATE_FRESH);
    for (int n = 2; n <= 4; n++)
        use_up(n);
    use_and_keep(5, "five");
    cr_assert_eq(gn_spent_count(spent), 4);
    cr_assert_eq(use(1), GN_STATE_RUNNING);
    cr_assert_eq(use(3), GN_STATE_SPENT);
    cr_assert_eq(use(4), GN_STATE_SPENT);
    cr_assert_eq(use(5), GN_STATE_KEPT);
    gn_spent_keep(spent, id_of(5), result, len);
    cr_assert_eq(use(2), GN_STATE_FRESH, "it was the oldest");
    gn_spent_done(spent, id_of(2));
    gn_spent_done(spent, id_of(1));
    end();
}

Test(spent, lets_more_run_than_it_remembers, .init = begin)
{
    for (int n = 0; n < 10; n++)
        cr_assert_eq(use(n), GN_STATE_FRESH);
    for (int n = 0; n < 10; n++)
        cr_assert_eq(use(n), GN_STATE_RUNNING);
    for (int n = 0; n < 10; n++)
        gn_spent_done(spent, id_of(n));
    use_up(10);
    cr_assert_eq(gn_spent_count(spent), 4);
    cr_assert_eq(use(9), GN_STATE_SPENT);
    end();
}

Test(spent, bounds_the_bytes_of_kept_replies, .init = begin)
{
    char text[102];
    memset(text, 'x', sizeof(text));
    text[40] = '\0';
    use_and_keep(1, text);
    use_and_keep(2, text);
    cr_assert_eq(gn_spent_bytes(spent), 80);
    use_and_keep(3, text);
    cr_assert_eq(gn_spent_bytes(spent), 80);
    cr_assert_eq(use(1), GN_STATE_FRESH, "its reply had to go");
    gn_spent_done(spent, id_of(1));
    text[40] = 'x';
    text[101] = '\0';
    use_and_keep(4, text);
    cr_assert_eq(use(4), GN_STATE_FRESH, "too long by itself");
    gn_spent_forget(spent, id_of(4));
    cr_assert_eq(use(2), GN_STATE_KEPT, "and no reason to drop others");
    gn_spent_keep(spent, id_of(2), result, len);
    text[100] = '\0';
    use_and_keep(4, text);
    cr_assert_eq(gn_spent_bytes(spent), 100);
    cr_assert_eq(use(4), GN_STATE_KEPT);
    use_and_keep(5, "y");
    cr_assert_eq(use(5), GN_STATE_FRESH, "no room beside one that is being fetched");
    gn_spent_done(spent, id_of(5));
    gn_spent_done(spent, id_of(4));
    end();
}

Test(spent, frees_what_has_expired, .init = begin)
{
    for (int n = 0; n < 4; n++) {
        cr_assert_eq(gn_spent_begin(spent, id_of(n), NOW + (uint64_t)(10 - n), NOW, &result, &len),
                     GN_STATE_FRESH);
        if (n == 1)
            gn_spent_keep(spent, id_of(n), "kept", 4);
        else if (n != 3)
            gn_spent_done(spent, id_of(n));
    }
    gn_spent_expire(spent, NOW + 8);
    cr_assert_eq(gn_spent_count(spent), 4, "it is good for its last millisecond");
    gn_spent_expire(spent, NOW + 9);
    cr_assert_eq(gn_spent_count(spent), 3, "one of the middle");
    gn_spent_expire(spent, NOW + 11);
    cr_assert_eq(gn_spent_count(spent), 1, "one runs");
    cr_assert_eq(gn_spent_bytes(spent), 0);
    gn_spent_done(spent, id_of(3));
    gn_spent_expire(spent, NOW + 10);
    cr_assert_eq(gn_spent_count(spent), 0);
    end();
}

Test(spent, frees_the_oldest_as_it_goes, .init = begin)
{
    use_up(1);
    use_and_keep(2, "kept");
    cr_assert_eq(gn_spent_begin(spent, id_of(3), LATER + 10, LATER + 1, &result, &len),
                 GN_STATE_FRESH);
    cr_assert_eq(gn_spent_count(spent), 1);
    cr_assert_eq(gn_spent_bytes(spent), 0);
    gn_spent_done(spent, id_of(3));
    end();
}

Test(spent, takes_new_limits_at_once, .init = begin)
{
    for (int n = 0; n < 4; n++)
        use_and_keep(n, "0123456789");
    gn_spent_configure(spent, 4, 20);
    cr_assert_eq(gn_spent_count(spent), 2);
    gn_spent_configure(spent, 1, 20);
    cr_assert_eq(gn_spent_count(spent), 1);
    cr_assert_eq(use(3), GN_STATE_KEPT);
    gn_spent_done(spent, id_of(3));
    gn_spent_configure(spent, 0, 0);
    for (int n = 10; n < 100; n++)
        use_up(n);
    cr_assert_eq(gn_spent_count(spent), 91);
    end();
}
