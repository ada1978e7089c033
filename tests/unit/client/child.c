/* Unit tests of child.c: a program's environment, its group, its end. */
#include "child.h"

#include "support.h"

#include "util/alloc.h"
#include "util/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

GN_SUITE(client_child);

#define DEADLINE_MS 60000

static struct gn_child child;
static struct gn_error err;

static int start(const char *const *command, const char *directory)
{
    struct gn_client_settings s = {.command = (char **)(uintptr_t)command,
                                   .directory = (char *)(uintptr_t)directory};
    err = (struct gn_error){0};
    return gn_child_start(&child, &s, &err);
}

#define START(...)                                                                                 \
    cr_assert_eq(start((const char *const[]){__VA_ARGS__, NULL}, NULL), 0, "%s", err.text)

static void wait_for_end(void)
{
    struct pollfd p = {.fd = child.pidfd, .events = POLLIN};
    cr_assert_eq(poll(&p, 1, DEADLINE_MS), 1);
    cr_assert(gn_child_look(&child));
}

static void finish(void)
{
    gn_child_signal(&child, SIGKILL);
    wait_for_end();
    gn_child_reap(&child);
    gn_child_close(&child.in);
    gn_child_close(&child.out);
    gn_child_close(&child.err);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_assert_eq(errno, ECHILD);
}

static const char *read_all(int fd)
{
    static char text[4096];
    size_t len = 0;
    for (uint64_t end = gn_clock_ms() + DEADLINE_MS; gn_clock_ms() < end;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        poll(&p, 1, 1000);
        ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    text[len] = '\0';
    return text;
}

static const char *described(void)
{
    static char text[128];
    struct gn_buf b = GN_BUF_INIT(sizeof(text) - 1);
    gn_child_describe(&child, &b);
    snprintf(text, sizeof(text), "%s", gn_buf_str(&b));
    gn_buf_release(&b);
    return text;
}

static size_t count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* ---------------------------------------------------------------- environment */

static bool has(char **environment, const char *entry)
{
    for (size_t i = 0; environment[i]; i++) {
        if (strcmp(environment[i], entry) == 0)
            return true;
    }
    return false;
}

static size_t count(char **environment)
{
    size_t n = 0;
    while (environment[n])
        n++;
    return n;
}

static const char *const ours[] = {
    "HOME=/h", "LC_ALL=C",       "XDG_DATA_HOME=/x", "PATH=/bin",
    "PATHS=1", "SECRET_TOKEN=t", "HOMES=2",          "LANG=() { :; }",
    "TZ=",     "LCX=3",          "nonsense",         "LD_PRELOAD=e"};

Test(client_child, of_our_environment_only_what_is_harmless_passes)
{
    struct gn_client_settings s = {0};
    char *list[GN_COUNT(ours) + 1] = {0};
    memcpy(list, ours, sizeof(ours));
    char **got = gn_child_environment(&s, list);
    cr_assert_eq(count(got), 5);
    cr_assert(has(got, "HOME=/h") && has(got, "LC_ALL=C") && has(got, "XDG_DATA_HOME=/x") &&
              has(got, "PATH=/bin") && has(got, "TZ="));
    gn_texts_free(got);
}

Test(client_child, what_is_given_comes_before_ours_and_the_last_counts)
{
    static const char *const given[] = {"HOME=/other", "NEW=1",           "NEW=2",
                                        "EMPTY=",      "LD_PRELOAD=mine", NULL};
    struct gn_client_settings s = {.environment = (char **)(uintptr_t)given};
    char *list[GN_COUNT(ours) + 1] = {0};
    memcpy(list, ours, sizeof(ours));
    char **got = gn_child_environment(&s, list);
    cr_assert_eq(count(got), 8);
    cr_assert(has(got, "HOME=/other") && has(got, "NEW=2") && has(got, "EMPTY=") &&
              has(got, "LD_PRELOAD=mine"));
    gn_texts_free(got);
    s.inherits_environment = true;
    got = gn_child_environment(&s, list);
    cr_assert_eq(count(got), GN_COUNT(ours) + 2);
    cr_assert(has(got, "SECRET_TOKEN=t") && has(got, "LD_PRELOAD=mine") && has(got, "HOME=/other"));
    gn_texts_free(got);
}

/* ---------------------------------------------------------------- starting */

Test(client_child, its_three_pipes_are_its_input_output_and_error)
{
    START("sh", "-c", "read line; echo out:$line; echo err:$line >&2");
    cr_assert_eq(write(child.in, "hello\n", 6), 6);
    cr_assert_str_eq(read_all(child.out), "out:hello\n");
    cr_assert_str_eq(read_all(child.err), "err:hello\n");
    finish();
}

Test(client_child, it_leads_a_group_of_its_own_and_runs_where_it_should)
{
    cr_assert_eq(start((const char *const[]){"sh", "-c", "pwd; ps -o pgid= -p $$", NULL}, "/"), 0);
    long group = 0;
    cr_assert_eq(sscanf(read_all(child.out), "/\n%ld", &group), 1);
    cr_assert_eq(group, child.pid);
    finish();
}

Test(client_child, starts_where_the_three_standard_descriptors_are_closed)
{
    int kept[3];
    for (int i = 0; i < 3; i++) {
        kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
        close(i);
    }
    int rc = start(
        (const char *const[]){"sh", "-c", "read line; echo out:$line; echo err >&2", NULL}, NULL);
    for (int i = 0; i < 3; i++) {
        dup2(kept[i], i);
        close(kept[i]);
    }
    cr_assert_eq(rc, 0);
    cr_assert(child.in > 2 && child.out > 2 && child.err > 2);
    cr_assert_eq(write(child.in, "x\n", 2), 2);
    cr_assert_str_eq(read_all(child.out), "out:x\n");
    cr_assert_str_eq(read_all(child.err), "err\n");
    finish();
}

Test(client_child, nothing_else_that_is_open_here_is_open_there)
{
    int fd = open("/dev/null", O_RDONLY); /* not marked as ours alone */
    START("sh", "-c", "ls /proc/$$/fd");
    cr_assert_str_eq(read_all(child.out), "0\n1\n2\n");
    finish();
    close(fd);
}

Test(client_child, signals_that_are_ignored_or_blocked_here_are_not_there)
{
    sigset_t all, before;
    sigfillset(&all);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    START("sleep", "600");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    gn_child_signal(&child, SIGTERM);
    wait_for_end();
    cr_assert_str_eq(described(), "was killed by SIGTERM");
    finish();
}

Test(client_child, what_cannot_be_started_leaves_nothing)
{
    size_t before = count_fds();
    cr_assert_neq(start((const char *const[]){"no-such-program-anywhere", NULL}, NULL), 0);
    cr_assert_str_eq(err.text,
                     "cannot start no-such-program-anywhere: there is no such program in PATH");
    cr_assert_neq(start((const char *const[]){"true", NULL}, "/no/such/place"), 0);
    cr_assert(strstr(err.text, "/no/such/place"));
    cr_assert_neq(start((const char *const[]){"/", NULL}, NULL), 0);
    cr_assert_eq(count_fds(), before);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
}

Test(client_child, is_not_started_in_part_where_descriptors_run_out)
{
    struct rlimit limit, before;
    size_t open_before = count_fds(), failures = 0;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    int highest = dup(0);
    close(highest);
    for (rlim_t more = 0; more < 16; more++) {
        limit = (struct rlimit){(rlim_t)highest + more, before.rlim_max};
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        int rc = start((const char *const[]){"sleep", "600", NULL}, "/");
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (rc == 0) {
            finish();
        } else {
            failures++;
            cr_assert(strstr(err.text, "cannot start sleep: "), "%s", err.text);
        }
        cr_assert_eq(count_fds(), open_before);
        cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
    }
    cr_assert(failures >= 6 && failures < 16);
}

/* ---------------------------------------------------------------- its end */

Test(client_child, its_end_is_described)
{
    START("sh", "-c", "exit 3");
    wait_for_end();
    cr_assert_str_eq(described(), "ended with exit code 3");
    cr_assert(gn_child_look(&child));
    finish();
    START("sh", "-c", "kill -SEGV $$");
    wait_for_end();
    cr_assert_str_eq(described(), "was killed by SIGSEGV");
    finish();
    START("sleep", "600");
    cr_assert_not(gn_child_look(&child));
    gn_child_signal(&child, SIGRTMIN + 3);
    wait_for_end();
    cr_assert(strstr(described(), "was killed by signal "));
    finish();
}

Test(client_child, others_of_its_group_are_seen_and_ended_after_its_own_end)
{
    START("sh", "-c", "sleep 600 </dev/null >/dev/null 2>&1 & exit 0");
    wait_for_end();
    cr_assert(gn_child_has_others(&child));
    gn_child_signal(&child, SIGTERM);
    for (uint64_t end = gn_clock_ms() + DEADLINE_MS;
         gn_child_has_others(&child) && gn_clock_ms() < end;)
        poll(NULL, 0, 5);
    cr_assert_not(gn_child_has_others(&child));
    finish();
}

Test(client_child, an_end_that_somebody_else_has_waited_for_is_seen_too)
{
    START("true");
    cr_assert_eq(waitpid(child.pid, NULL, 0), child.pid);
    wait_for_end();
    cr_assert_str_eq(described(), "ended");
    finish();
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 50; i++) { /* some end before they can be looked at */
        START("true");
        wait_for_end();
        cr_assert_str_eq(described(), "ended");
        finish();
    }
}
