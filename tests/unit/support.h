/* support.h - what unit tests of every floor share: the leak gate, temporary folders, test data.
 *
 * Begin each test file with GN_SUITE(module): after each test its temporary folders are removed,
 * and in builds with ASAN=ON the run fails if the test has lost memory (Criterion alone ignores
 * what LeakSanitizer says). A .fini of a single test runs before that. Nothing here is thread-safe;
 * all runs in the test's own process.
 */
#ifndef GN_TESTS_SUPPORT_H
#define GN_TESTS_SUPPORT_H

#include "util/common.h"

#include <criterion/criterion.h>

/* Declares the suite; every test that follows in it ends with gn_test_end. */
#define GN_SUITE(name) TestSuite(name, .fini = gn_test_end)
/* Removes temporary folders, then the leak gate. For suites with a .fini of their own: call it
 * last. */
void gn_test_end(void);

/* A new empty folder, removed with all in it when the test ends. The path lives until then. */
const char *gn_test_tmpdir(void);
/* Removes a file or folder and all below it; does not follow symbolic links. */
void gn_test_remove_all(const char *path);
/* Writes a file dir/name and returns its path, which lives until the test ends. */
const char *gn_test_write_file(const char *dir, const char *name, const void *data, size_t len);

/* Path of a file or folder of the shared test data ("json-parsing"): below $GANTRY_TEST_DATA, else
 * below ../shared/data beside the source folder. If it is not there the test ends as skipped, with
 * a message that names it. The path lives until the test ends. */
const char *gn_test_data(const char *name);

/* Calls fn(arg, name) for each entry of a folder, in order of name, "." and ".." left out. */
void gn_test_each_file(const char *dir, void (*fn)(void *arg, const char *name), void *arg);

#endif
