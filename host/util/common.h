/* common.h - what every file of gantry may use: attributes, assertions, magic numbers.
 *
 * Assertions stay on in every build (a wrong answer costs more than a restart); they are for
 * programming errors only. What a peer, a file or a plugin can cause is never asserted.
 *
 * Long-lived objects that are reached through a `void *` begin with `uint32_t magic`; GN_CHECK at
 * the entry of a function turns a stale or foreign pointer into a named abort.
 */
#ifndef GN_UTIL_COMMON_H
#define GN_UTIL_COMMON_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GN_NODISCARD __attribute__((warn_unused_result))
#define GN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define GN_NORETURN __attribute__((noreturn))
#define GN_UNUSED __attribute__((unused))
#define GN_CLEANUP(fn) __attribute__((cleanup(fn)))

#define GN_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GN_MIN(a, b) ((a) < (b) ? (a) : (b))
#define GN_MAX(a, b) ((a) > (b) ? (a) : (b))
#define GN_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define gn_assert(expr) ((expr) ? (void)0 : gn_assert_failed(#expr, __FILE__, __LINE__, __func__))
#define GN_CHECK(obj, MAGIC) gn_assert((obj) != NULL && (obj)->magic == (MAGIC))

/* Prints the expression and where it stands, then aborts. [any thread] */
GN_NORETURN void gn_assert_failed(const char *expr, const char *file, int line, const char *func);

#endif
