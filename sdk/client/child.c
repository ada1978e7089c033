/* child.c - starting a program in a process group of its own, and ending that group. */
#include "child.h"

#include "util/alloc.h"
#include "util/str.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD 3 /* below are those that the program's own replace */

extern char **environ;

/* ---------------------------------------------------------------- environment */

static const char *const passing[] = {"HOME", "LANG",   "LOGNAME", "PATH", "SHELL",
                                      "TERM", "TMPDIR", "TZ",      "USER"};
static const char *const passing_prefixes[] = {"LC_", "XDG_"};

static bool has_name(const char *entry, const char *name, size_t len)
{
    return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool passes(const char *entry)
{
    const char *value = strchr(entry, '=');
    if (!value || gn_starts_with(value + 1, "()")) /* a function that a shell has exported */
        return false;
    for (size_t i = 0; i < GN_COUNT(passing); i++) {
        if (has_name(entry, passing[i], strlen(passing[i])))
            return true;
    }
    for (size_t i = 0; i < GN_COUNT(passing_prefixes); i++) {
        if (gn_starts_with(entry, passing_prefixes[i]))
            return true;
    }
    return false;
}

static size_t count_texts(char *const *texts)
{
    size_t n = 0;
    while (texts && texts[n])
        n++;
    return n;
}

/* Puts an entry in the place of one with the same name, or at the end. */
static void put_variable(char **list, size_t *count, const char *entry)
{
    size_t len = strcspn(entry, "="), at = 0;
    while (at < *count && !has_name(list[at], entry, len))
        at++;
    if (at == *count)
        (*count)++;
    gn_free(list[at]);
    list[at] = gn_strdup(entry);
}

char **gn_child_environment(const struct gn_client_settings *s, char *const *ours)
{
    size_t count = 0, cap = count_texts(ours) + count_texts(s->environment) + 1;
    char **list = gn_calloc(cap, sizeof(char *));
    for (size_t i = 0; ours && ours[i]; i++) {
        if (s->inherits_environment || passes(ours[i]))
            list[count++] = gn_strdup(ours[i]);
    }
    for (size_t i = 0; s->environment && s->environment[i]; i++)
        put_variable(list, &count, s->environment[i]);
    return list;
}

/* ---------------------------------------------------------------- starting */

void gn_child_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_pairs(int pairs[3][2])
{
    for (int i = 0; i < 3; i++) {
        gn_child_close(&pairs[i][0]);
        gn_child_close(&pairs[i][1]);
    }
}

/* Where the program's own three are to be put, nothing else may be: a program that has closed its
 * standard input gets that number for the next thing it opens. */
static int raise_fd(int *fd)
{
    if (*fd >= FIRST_FD)
        return 0;
    int higher = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FD);
    if (higher < 0)
        return -errno;
    close(*fd);
    *fd = higher;
    return 0;
}

/* Three pipes; [0] is read from, [1] written to. */
static int open_pairs(int pairs[3][2])
{
    int rc = 0;
    memset(pairs, -1, 3 * sizeof(pairs[0]));
    for (int i = 0; rc == 0 && i < 3; i++) {
        rc = pipe2(pairs[i], O_CLOEXEC) ? -errno : 0;
        for (int j = 0; rc == 0 && j < 2; j++)
            rc = raise_fd(&pairs[i][j]);
    }
    if (rc)
        close_pairs(pairs);
    return rc;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    /* Ignored here, they would be ignored there, too: then it could not be ended politely, or
     * would never learn of the end of what it has started. */
    static const int back_to_default[] = {SIGPIPE, SIGTERM, SIGINT, SIGQUIT, SIGCHLD, SIGALRM};
    sigset_t defaults, none;
    sigemptyset(&defaults);
    for (size_t i = 0; i < GN_COUNT(back_to_default); i++)
        sigaddset(&defaults, back_to_default[i]);
    sigemptyset(&none);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    posix_spawnattr_setsigmask(attributes, &none);
    /* A session of its own, not just a group: in a group behind that of the terminal, a program
     * that asks for a password there would be stopped, and never be heard of again. */
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
}

static int spawn(struct gn_child *child, const struct gn_client_settings *s, int pairs[3][2],
                 int dir)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char **environment = gn_child_environment(s, environ);
    set_attributes(&attributes);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pairs[0][0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pairs[1][1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pairs[2][1], STDERR_FILENO);
    if (dir >= 0)
        posix_spawn_file_actions_addfchdir_np(&actions, dir);
    /* Not all that the program we are part of has open is marked to stay here. */
    posix_spawn_file_actions_addclosefrom_np(&actions, FIRST_FD);
    int rc = posix_spawnp(&child->pid, s->command[0], &actions, &attributes, s->command,
                          environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    gn_texts_free(environment);
    return -rc;
}

static int cannot_start(const struct gn_client_settings *s, int rc, struct gn_error *err)
{
    const char *program = s->command[0], *why = strerror(-rc);
    bool is_path = strchr(program, '/') != NULL;
    if (rc == -ENOENT && !is_path)
        why = "there is no such program in PATH";
    else if (rc == -ENOENT && *program == '/' && access(program, F_OK) == 0)
        why = "the interpreter that its first line names is not there";
    else if (rc == -EACCES)
        why = "it may not be run: it is no program, or not executable for this user";
    else if (rc == -ENOEXEC)
        why = "it is no program; a script begins with a line such as #!/bin/sh";
    else if (rc == -E2BIG)
        why = "its arguments and environment are too long";
    return gn_error_set(err, rc, "cannot start %s: %s", program, why);
}

/* Where SIGCHLD is ignored, or somebody waits for every child, it may have gone already: then what
 * stands for it is readable from the beginning. */
static int open_pidfd(struct gn_child *child)
{
    child->pidfd = pidfd_open(child->pid, 0);
    if (child->pidfd < 0 && errno == ESRCH) {
        child->has_ended = true;
        child->pidfd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    return child->pidfd < 0 ? -errno : raise_fd(&child->pidfd);
}

/* Ours alone from now on. */
static int take_ends(struct gn_child *child, int pairs[3][2])
{
    child->in = pairs[0][1];
    child->out = pairs[1][0];
    child->err = pairs[2][0];
    pairs[0][1] = pairs[1][0] = pairs[2][0] = -1;
    fcntl(child->in, F_SETFL, O_NONBLOCK);
    fcntl(child->out, F_SETFL, O_NONBLOCK);
    fcntl(child->err, F_SETFL, O_NONBLOCK);
    return open_pidfd(child);
}

static void undo(struct gn_child *child)
{
    kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    child->pid = 0;
    gn_child_close(&child->pidfd);
    gn_child_close(&child->in);
    gn_child_close(&child->out);
    gn_child_close(&child->err);
}

int gn_child_start(struct gn_child *child, const struct gn_client_settings *s, struct gn_error *err)
{
    int pairs[3][2], dir = -1;
    *child = (struct gn_child){.pidfd = -1, .in = -1, .out = -1, .err = -1, .code = -1};
    if (s->directory) {
        dir = open(s->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            return gn_error_set(err, -errno, "cannot start %s: its directory %s: %s", s->command[0],
                                s->directory, strerror(errno));
    }
    int rc = open_pairs(pairs);
    if (rc == 0) {
        rc = spawn(child, s, pairs, dir);
        if (rc == 0) {
            rc = take_ends(child, pairs);
            if (rc)
                undo(child);
        }
        close_pairs(pairs);
    }
    gn_child_close(&dir);
    return rc ? cannot_start(s, rc, err) : 0;
}

/* ---------------------------------------------------------------- its end */

bool gn_child_look(struct gn_child *child)
{
    siginfo_t info = {0};
    if (child->has_ended)
        return true;
    int rc = waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT);
    if (rc < 0 && errno != ECHILD)
        return false;
    if (rc == 0 && info.si_pid == 0)
        return false;
    /* ECHILD: the program we are part of ignores SIGCHLD, or waits for every child there is. */
    child->has_ended = true;
    if (rc == 0 && info.si_code == CLD_EXITED)
        child->code = info.si_status;
    else if (rc == 0)
        child->signal = info.si_status;
    return true;
}

void gn_child_signal(const struct gn_child *child, int signal)
{
    if (child->pid > 1)
        kill(-child->pid, signal);
}

/* Is /proc/NAME/stat that of a living process of the group? "12 (a name) S 1 GROUP ..." */
static bool is_of_group(int proc, const char *name, pid_t group)
{
    char path[32], text[512];
    int found;
    if (snprintf(path, sizeof(path), "%s/stat", name) >= (int)sizeof(path))
        return false;
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    char state, *at = strrchr(text, ')'); /* a name may have any character in it */
    return at && sscanf(at + 1, " %c %*d %d", &state, &found) == 2 && found == group &&
           state != 'Z' && state != 'X';
}

bool gn_child_has_others(const struct gn_child *child)
{
    DIR *dir = child->pid > 1 && kill(-child->pid, 0) == 0 ? opendir("/proc") : NULL;
    bool found = false;
    if (!dir)
        return false;
    for (struct dirent *e; !found && (e = readdir(dir));) {
        if (isdigit((unsigned char)e->d_name[0]))
            found = is_of_group(dirfd(dir), e->d_name, child->pid);
    }
    closedir(dir);
    return found;
}

void gn_child_reap(struct gn_child *child)
{
    if (child->pid > 1) {
        gn_child_signal(child, SIGKILL);
        while (waitpid(child->pid, NULL, WNOHANG) < 0 && errno == EINTR)
            continue;
    }
    child->pid = 0;
    gn_child_close(&child->pidfd);
}

void gn_child_describe(const struct gn_child *child, struct gn_buf *out)
{
    const char *name = child->signal ? sigabbrev_np(child->signal) : NULL;
    if (name)
        gn_buf_addf(out, "was killed by SIG%s", name);
    else if (child->signal)
        gn_buf_addf(out, "was killed by signal %d", child->signal);
    else if (child->code >= 0)
        gn_buf_addf(out, "ended with exit code %d", child->code);
    else
        gn_buf_adds(out, "ended");
}
