/* runner.c - runs tests declared through plain/criterion/criterion.h, each in a process of its own.
 *
 *     test-FLOOR [--timeout SECONDS] [--filter PATTERN]
 *
 * The pattern matches "suite/name"; as Criterion's do, it may say what not: "!(a*)" followed by a
 * slash and "*".
 */
#include <criterion/criterion.h>

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77

static struct plain_entry *entries;
static bool failed; /* in a test's process */

void plain_register(struct plain_entry *entry)
{
    struct plain_entry **end = &entries;
    while (*end)
        end = &(*end)->next;
    *end = entry;
}

void plain_failed(bool fatal, const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    if (fatal)
        _exit(1);
    failed = true;
}

void plain_skip(void)
{
    _exit(SKIPPED);
}

static const struct plain_entry *suite_of(const struct plain_entry *test)
{
    for (const struct plain_entry *e = entries; e; e = e->next) {
        if (!e->name && strcmp(e->suite, test->suite) == 0)
            return e;
    }
    return test; /* has neither init nor fini beyond its own */
}

static void run_in_child(const struct plain_entry *test, unsigned timeout)
{
    const struct plain_entry *suite = suite_of(test);
    alarm(timeout);
    if (suite != test && suite->options.init)
        suite->options.init();
    if (test->options.init)
        test->options.init();
    test->run();
    if (test->options.fini)
        test->options.fini();
    if (suite != test && suite->options.fini)
        suite->options.fini();
    exit(failed ? 1 : 0);
}

static bool as_expected(const struct plain_entry *test, int status)
{
    if (test->options.signal)
        return WIFSIGNALED(status) && WTERMSIG(status) == test->options.signal;
    return WIFEXITED(status) && WEXITSTATUS(status) == test->options.exit_code;
}

int main(int argc, char **argv)
{
    unsigned timeout = 120, passed = 0, skipped = 0, failures = 0;
    const char *filter = "*";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--timeout") == 0)
            timeout = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--filter") == 0)
            filter = argv[i + 1];
    }
    for (const struct plain_entry *test = entries; test; test = test->next) {
        char name[256];
        int status = 0;
        snprintf(name, sizeof(name), "%s/%s", test->suite, test->name ? test->name : "");
        if (!test->name || test->options.disabled || fnmatch(filter, name, FNM_EXTMATCH) != 0)
            continue;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0)
            run_in_child(test, timeout);
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 2;
        if (as_expected(test, status)) {
            passed++;
        } else if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
            skipped++;
        } else {
            fprintf(stderr, "[FAIL] %s (status %#x)\n", name, (unsigned)status);
            failures++;
        }
    }
    fprintf(stderr, "[====] Synthesis: Tested: %u | Passing: %u | Failing: %u | Skipped: %u\n",
            passed + failures, passed, failures, skipped);
    return failures ? 1 : 0;
}
