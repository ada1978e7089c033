/* Unit tests of what is taken for trace context. */
#include "wire/trace.h"

#include "support.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(trace);

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "00f067aa0ba902b7"
#define ZEROS "00000000000000000000000000000000"

Test(trace, takes_a_parent_as_the_standard_has_it)
{
    cr_assert(gn_trace_parent_is_valid("00-" TRACE "-" SPAN "-01"));
    cr_assert(gn_trace_parent_is_valid("00-" TRACE "-" SPAN "-ff"));
    cr_assert(gn_trace_parent_is_valid("01-" TRACE "-" SPAN "-01")); /* of versions to come */
    cr_assert(gn_trace_parent_is_valid("cc-" TRACE "-" SPAN "-01-more"));
}

Test(trace, takes_no_other_parent)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-011",
        "00-" TRACE "-" SPAN "-01-more",
        "cc-" TRACE "-" SPAN "-01more",
        "cc-" TRACE "-" SPAN "-01-\n",
        "ff-" TRACE "-" SPAN "-01",
        "0x-" TRACE "-" SPAN "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
        "00-" ZEROS "-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        " 00-" TRACE "-" SPAN "-01",
    };
    for (size_t i = 0; i < GN_COUNT(bad); i++)
        cr_expect_not(gn_trace_parent_is_valid(bad[i]), "%s", bad[i]);
    char large[2000];
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    memcpy(large, "cc-" TRACE "-" SPAN "-01-", 56);
    cr_assert_not(gn_trace_parent_is_valid(large));
    large[256] = '\0';
    cr_assert(gn_trace_parent_is_valid(large));
}

Test(trace, bounds_state_and_baggage)
{
    char large[9000];
    memset(large, 'a', sizeof large - 1);
    large[8193] = '\0';
    cr_assert_not(gn_trace_baggage_is_valid(large));
    large[8192] = '\0';
    cr_assert(gn_trace_baggage_is_valid(large));
    large[513] = '\0';
    cr_assert_not(gn_trace_state_is_valid(large));
    large[512] = '\0';
    cr_assert(gn_trace_state_is_valid(large));
    cr_assert(gn_trace_state_is_valid("a=1,b@c=2 ;x"));
    cr_assert_not(gn_trace_state_is_valid(""));
    cr_assert_not(gn_trace_state_is_valid("a=1\nb"));
    cr_assert_not(gn_trace_baggage_is_valid("k=\xc3\xa4"));
}
