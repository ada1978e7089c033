/* criterion.h - the part of Criterion's interface that our tests use, without Criterion.
 *
 * Used in builds with TSAN=ON only: Criterion keeps its own state in shared memory at addresses
 * that ThreadSanitizer does not allow. plain/runner.c runs each test in a process of its own. A
 * message given to an assertion is shown as it is written in the source, not formatted.
 */
#ifndef GN_TESTS_PLAIN_CRITERION_H
#define GN_TESTS_PLAIN_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct plain_options {
    void (*init)(void);
    void (*fini)(void);
    int signal, exit_code;
    bool disabled;
    double timeout;
    const char *description;
    bool end_; /* so that a list of options is never empty */
};

struct plain_entry {
    const char *suite, *name; /* name NULL: options of the suite */
    void (*run)(void);
    struct plain_options options;
    struct plain_entry *next;
};

void plain_register(struct plain_entry *entry);
/* Reports; ends the test if `fatal`. */
void plain_failed(bool fatal, const char *file, int line, const char *what);
__attribute__((noreturn)) void plain_skip(void);

#define TestSuite(...) PLAIN_SUITE(__VA_ARGS__, .end_ = true)
#define PLAIN_SUITE(Suite, ...)                                                                    \
    __attribute__((constructor)) static void plain_suite_##Suite(void)                             \
    {                                                                                              \
        static struct plain_entry entry = {#Suite, NULL, NULL, {__VA_ARGS__}, NULL};               \
        plain_register(&entry);                                                                    \
    }                                                                                              \
    struct plain_needs_semicolon

#define Test(Suite, ...) PLAIN_TEST(Suite, __VA_ARGS__, .end_ = true)
#define PLAIN_TEST(Suite, Name, ...)                                                               \
    static void Suite##_##Name##_impl(void);                                                       \
    __attribute__((constructor)) static void plain_test_##Suite##_##Name(void)                     \
    {                                                                                              \
        static struct plain_entry entry = {                                                        \
            #Suite, #Name, Suite##_##Name##_impl, {__VA_ARGS__}, NULL};                            \
        plain_register(&entry);                                                                    \
    }                                                                                              \
    static void Suite##_##Name##_impl(void)

#define PLAIN_CHECK(fatal, holds, text)                                                            \
    ((holds) ? (void)0 : plain_failed((fatal), __FILE__, __LINE__, (text)))
#define PLAIN_1(a, ...) (a)
#define PLAIN_IS(op, a, b, ...) ((a)op(b))
#define PLAIN_STRCMP(op, a, b, ...) (strcmp((a), (b)) op 0)
#define PLAIN_MEMCMP(op, a, b, size, ...) (memcmp((a), (b), (size)) op 0)
#define PLAIN_NEAR(a, b, epsilon, ...) ((a) - (b) <= (epsilon) && (b) - (a) <= (epsilon))

#define PLAIN_TRUE(fatal, ...) PLAIN_CHECK(fatal, PLAIN_1(__VA_ARGS__, 0), #__VA_ARGS__)
#define PLAIN_FALSE(fatal, ...) PLAIN_CHECK(fatal, !PLAIN_1(__VA_ARGS__, 0), "not " #__VA_ARGS__)
#define PLAIN_NULL(fatal, op, ...)                                                                 \
    PLAIN_CHECK(fatal, PLAIN_1(__VA_ARGS__, 0) op NULL, #op " NULL: " #__VA_ARGS__)
#define PLAIN_OP(fatal, op, ...)                                                                   \
    PLAIN_CHECK(fatal, PLAIN_IS(op, __VA_ARGS__, 0), #op ": " #__VA_ARGS__)
#define PLAIN_STR(fatal, op, ...)                                                                  \
    PLAIN_CHECK(fatal, PLAIN_STRCMP(op, __VA_ARGS__, 0), #op ": " #__VA_ARGS__)
#define PLAIN_ARR(fatal, op, ...)                                                                  \
    PLAIN_CHECK(fatal, PLAIN_MEMCMP(op, __VA_ARGS__, 0), #op ": " #__VA_ARGS__)

#define cr_assert(...) PLAIN_TRUE(true, __VA_ARGS__)
#define cr_assert_not(...) PLAIN_FALSE(true, __VA_ARGS__)
#define cr_assert_null(...) PLAIN_NULL(true, ==, __VA_ARGS__)
#define cr_assert_not_null(...) PLAIN_NULL(true, !=, __VA_ARGS__)
#define cr_assert_eq(...) PLAIN_OP(true, ==, __VA_ARGS__)
#define cr_assert_neq(...) PLAIN_OP(true, !=, __VA_ARGS__)
#define cr_assert_lt(...) PLAIN_OP(true, <, __VA_ARGS__)
#define cr_assert_leq(...) PLAIN_OP(true, <=, __VA_ARGS__)
#define cr_assert_gt(...) PLAIN_OP(true, >, __VA_ARGS__)
#define cr_assert_geq(...) PLAIN_OP(true, >=, __VA_ARGS__)
#define cr_assert_str_eq(...) PLAIN_STR(true, ==, __VA_ARGS__)
#define cr_assert_str_neq(...) PLAIN_STR(true, !=, __VA_ARGS__)
#define cr_assert_arr_eq(...) PLAIN_ARR(true, ==, __VA_ARGS__)
#define cr_assert_arr_neq(...) PLAIN_ARR(true, !=, __VA_ARGS__)
#define cr_assert_float_eq(...) PLAIN_CHECK(true, PLAIN_NEAR(__VA_ARGS__, 0), #__VA_ARGS__)
#define cr_assert_fail(...) plain_failed(true, __FILE__, __LINE__, "" #__VA_ARGS__)

#define cr_expect(...) PLAIN_TRUE(false, __VA_ARGS__)
#define cr_expect_not(...) PLAIN_FALSE(false, __VA_ARGS__)
#define cr_expect_null(...) PLAIN_NULL(false, ==, __VA_ARGS__)
#define cr_expect_not_null(...) PLAIN_NULL(false, !=, __VA_ARGS__)
#define cr_expect_eq(...) PLAIN_OP(false, ==, __VA_ARGS__)
#define cr_expect_neq(...) PLAIN_OP(false, !=, __VA_ARGS__)
#define cr_expect_lt(...) PLAIN_OP(false, <, __VA_ARGS__)
#define cr_expect_leq(...) PLAIN_OP(false, <=, __VA_ARGS__)
#define cr_expect_gt(...) PLAIN_OP(false, >, __VA_ARGS__)
#define cr_expect_geq(...) PLAIN_OP(false, >=, __VA_ARGS__)
#define cr_expect_str_eq(...) PLAIN_STR(false, ==, __VA_ARGS__)
#define cr_expect_str_neq(...) PLAIN_STR(false, !=, __VA_ARGS__)
#define cr_expect_arr_eq(...) PLAIN_ARR(false, ==, __VA_ARGS__)
#define cr_expect_arr_neq(...) PLAIN_ARR(false, !=, __VA_ARGS__)
#define cr_expect_float_eq(...) PLAIN_CHECK(false, PLAIN_NEAR(__VA_ARGS__, 0), #__VA_ARGS__)
#define cr_expect_fail(...) plain_failed(false, __FILE__, __LINE__, "" #__VA_ARGS__)

#define cr_skip_test(...) plain_skip()
#define cr_skip(...) plain_skip()

#endif
